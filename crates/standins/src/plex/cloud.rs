//! The hosts behind plex.tv: the account, its servers, sign-in, the watchlist, and a catalogue of everything there is.

use super::{
    Other, Plex, Told,
    library::{GUEST, Item, OWNER, film_guid, film_item, series_item},
    views::{account_name, container, paged},
};
use crate::{
    facts::Facts,
    fault::text,
    household::{HOUSEHOLD, match_score},
    requests::locked,
    server::{Asked, StandIn, json_answer},
};
use axum::{
    body::Body,
    http::{HeaderValue, Method, Response, StatusCode, header},
};
use serde_json::{Value, json};

/// What the cloud gives for a pin somebody signed in with.
pub(crate) const SIGNED_IN_TOKEN: &str = "token-from-a-pin";

pub(crate) struct PlexCloud {
    plex: Plex,
    /// Where the server is, such as `http://127.0.0.1:4004`.
    server: String,
    facts: Facts,
}

/// What the owner wants to see: two titles the household does not have, one it has.
pub(crate) fn first_watchlist(now: i64) -> Vec<(u64, String, i64)> {
    let films = [(234, 3), (631, 2), (961, 1)];
    films
        .iter()
        .filter_map(|(id, days)| {
            let film = HOUSEHOLD.films.iter().find(|film| film.id == *id)?;
            Some((OWNER, film_guid(film), now - days * 86_400))
        })
        .collect()
}

/// Everything there is, whoever has it.
fn catalogue() -> impl Iterator<Item = Item> {
    HOUSEHOLD.films.iter().map(film_item).chain(HOUSEHOLD.series.iter().map(series_item))
}

fn told(item: &Item, has_guids: bool) -> Value {
    let mut told = json!({
        "ratingKey": item.guid, "key": format!("/library/metadata/{}", item.guid), "guid": format!("plex://{}/{}", item.kind.name(), item.guid),
        "type": item.kind.name(), "title": item.title, "year": item.year, "originallyAvailableAt": item.date, "summary": item.summary,
        "contentRating": item.content_rating, "audienceRating": item.rating, "duration": u64::from(item.minutes) * 60_000,
    });
    if has_guids {
        told["Guid"] = item.guids.iter().map(|id| json!({ "id": id })).collect();
    }
    told
}

impl PlexCloud {
    pub(crate) fn new(plex: Plex, server: String) -> Self {
        Self { plex, server, facts: Facts::plex_cloud() }
    }

    fn watchlist(&self, asked: &Asked, account: u64, which: &str) -> Told {
        let switches = locked(&self.plex.inner.switches);
        if switches.is_watchlist_gone || !matches!(which, "all" | "available" | "released") {
            return Err(Other::Missing);
        }
        let kind = asked.query("type").and_then(|kind| kind.parse::<u64>().ok());
        let mut items: Vec<(i64, Item)> = switches
            .watchlists
            .iter()
            .filter(|(own, ..)| *own == account)
            .filter_map(|(_, key, at)| Some((*at, catalogue().find(|item| &item.guid == key)?)))
            .filter(|(_, item)| kind.is_none_or(|kind| item.kind.number() == kind))
            .collect();
        match asked.query("sort").unwrap_or("watchlistedAt:desc").split_once(':').unwrap_or(("titleSort", "asc")) {
            ("watchlistedAt", "desc") => items.sort_by_key(|(at, _)| std::cmp::Reverse(*at)),
            ("watchlistedAt", _) => items.sort_by_key(|(at, _)| *at),
            _ => items.sort_by(|(_, one), (_, other)| one.title.cmp(&other.title)),
        }
        let (head, part) = paged(items, asked);
        // One of them comes without its ids, as some do.
        let is_bare = |item: &Item| item.guid.ends_with('7');
        let has_guids = asked.query("includeGuids") == Some("1");
        let list = part.iter().map(|(_, item)| told(item, has_guids && !is_bare(item))).collect();
        Ok(container(head, "Metadata", list))
    }

    fn state(&self, account: u64, key: &str) -> Told {
        catalogue().find(|item| item.guid == key).ok_or(Other::Missing)?;
        let switches = locked(&self.plex.inner.switches);
        let since = switches.watchlists.iter().find(|(own, wanted, _)| *own == account && wanted == key);
        let mut state = json!({"ratingKey": key, "type": "metadata"});
        if let Some((.., at)) = since {
            state["watchlistedAt"] = json!(at);
        }
        Ok(container(json!({"size": 1, "UserState": state}), "Metadata", Vec::new()))
    }

    fn change(&self, asked: &Asked, account: u64, add: bool) -> Told {
        let key = asked.query("ratingKey").ok_or(Other::Wrong("ratingKey is required"))?;
        catalogue().find(|item| item.guid == key).ok_or(Other::Missing)?;
        let now = self.plex.inner.now();
        let mut switches = locked(&self.plex.inner.switches);
        switches.watchlists.retain(|(own, wanted, _)| *own != account || wanted != key);
        if add {
            switches.watchlists.push((account, key.to_owned(), now));
        }
        switches.watchlist_changes += 1;
        Ok(container(json!({"size": 0}), "Metadata", Vec::new()))
    }

    fn search(&self, asked: &Asked) -> Told {
        let query = asked.query("query").ok_or(Other::Wrong("query is required"))?;
        let limit = asked.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
        let mut found: Vec<(u32, Item)> =
            catalogue().map(|item| (match_score(query, &item.title), item)).filter(|(score, _)| *score > 0).collect();
        found.sort_by_key(|(score, item)| (std::cmp::Reverse(*score), item.title.clone()));
        let found: Vec<Value> = found
            .iter()
            .take(limit)
            .map(|(score, item)| json!({"score": f64::from(*score) / 100.0, "Metadata": told(item, false)}))
            .collect();
        let results =
            json!([{"id": "external", "title": "More Ways To Watch", "size": found.len(), "SearchResult": found}]);
        Ok(
            json!({"MediaContainer": {"suggestedTerms": [], "identifier": "tv.plex.provider.discover", "size": 1, "SearchResults": results}}),
        )
    }

    fn matched(&self, asked: &Asked) -> Told {
        let (kind, guid) = (asked.query("type").unwrap_or_default(), asked.query("guid").unwrap_or_default());
        let is_kind = |item: &Item| item.kind.number().to_string() == kind;
        let list = catalogue().filter(|item| is_kind(item) && item.guids.iter().any(|own| own == guid));
        Ok(container(json!({}), "Metadata", list.map(|item| told(&item, true)).collect()))
    }

    fn pin(&self, asked: &Asked) -> Value {
        let signed_in = locked(&self.plex.inner.switches).is_signed_in;
        let token = (signed_in && asked.method == Method::GET).then_some(SIGNED_IN_TOKEN);
        json!({"id": 4711, "code": "abcd1234efgh5678ijkl9012m", "product": asked.header("x-plex-product"), "trusted": false,
            "clientIdentifier": asked.header("x-plex-client-identifier"), "expiresIn": 1_800, "authToken": token})
    }

    fn told(&self, asked: &Asked, account: u64) -> Told {
        let path: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match (asked.method.as_str(), path.as_slice()) {
            ("GET", ["discover", "library", "sections", "watchlist", which]) => self.watchlist(asked, account, which),
            ("PUT", ["discover", "actions", "addToWatchlist"]) => self.change(asked, account, true),
            ("PUT", ["discover", "actions", "removeFromWatchlist"]) => self.change(asked, account, false),
            ("GET", ["discover", "library", "search"]) => self.search(asked),
            ("GET", ["metadata", "library", "metadata", "matches"]) => self.matched(asked),
            ("GET", ["metadata", "library", "metadata", key, "userState"]) => self.state(account, key),
            ("GET", ["discover" | "metadata", "library", "metadata", key]) => {
                let item = catalogue().find(|item| &item.guid == key).ok_or(Other::Missing)?;
                Ok(container(json!({}), "Metadata", vec![told(&item, true)]))
            }
            ("GET", ["tv", "api", "v2", "user"]) => Ok(json!({
                "id": 7_000_000 + account, "uuid": format!("{account:016x}"), "username": account_name(account), "title": account_name(account),
                "email": "someone@example.org", "subscription": {"active": true, "status": "Active", "plan": "lifetime"}, "home": true,
            })),
            ("GET", ["clients", "api", "v2", "resources"]) => Ok(json!([
                {"name": "Demo Plex", "product": "Plex Media Server", "provides": "server", "owned": account != GUEST, "presence": true,
                 "clientIdentifier": super::MACHINE, "accessToken": "token-of-the-server",
                 "connections": [
                    {"protocol": "https", "address": "203.0.113.9", "port": 32_400, "uri": "https://relay.example:443", "local": false, "relay": true},
                    {"protocol": "http", "address": "127.0.0.1", "port": 32_400, "uri": self.server, "local": true, "relay": false}]},
                {"name": "Living room", "product": "Plex for TV", "provides": "client,player", "owned": true, "presence": false,
                 "clientIdentifier": "tv-1", "accessToken": null, "connections": []},
            ])),
            _ => Err(Other::Missing),
        }
    }
}

impl StandIn for PlexCloud {
    fn name(&self) -> &'static str {
        "plex_cloud"
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn error(&self, code: u16, _: &str) -> String {
        let words = if code == 429 { "Rate limit exceeded" } else { "Error" };
        json!({"errors": [{"code": if code == 429 { 1003 } else { 1000 }, "message": words, "status": code}]})
            .to_string()
    }

    async fn answer(&self, asked: Asked) -> Response<Body> {
        // Signing in is what one does without a token.
        let is_pin = asked.path.starts_with("/tv/api/v2/pins");
        if is_pin {
            let status = if asked.method == Method::POST { StatusCode::CREATED } else { StatusCode::OK };
            return json_answer(status, &self.pin(&asked));
        }
        let Some(account) = self.plex.inner.account(&asked) else {
            let answer =
                json!({"errors": [{"code": 1001, "message": "User could not be authenticated", "status": 401}]});
            return json_answer(StatusCode::UNAUTHORIZED, &answer);
        };
        let is_list = asked.path.starts_with("/discover/library/sections/watchlist/");
        let tag = format!("\"{account}-{}\"", locked(&self.plex.inner.switches).watchlist_changes);
        match self.told(&asked, account) {
            Ok(_) if is_list && asked.header("if-none-match") == Some(&tag) => {
                let mut answer = text(StatusCode::NOT_MODIFIED, "application/json", "");
                answer.headers_mut().extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
                answer
            }
            Ok(told) => {
                let mut answer = json_answer(StatusCode::OK, &told);
                if is_list && let Ok(tag) = HeaderValue::from_str(&tag) {
                    answer.headers_mut().insert(header::ETAG, tag);
                }
                answer
            }
            Err(other) => {
                let (code, words) = match other {
                    Other::Missing => (StatusCode::NOT_FOUND, "Not Found"),
                    Other::Wrong(words) => (StatusCode::BAD_REQUEST, words),
                    Other::Denied => (StatusCode::FORBIDDEN, "Forbidden"),
                };
                json_answer(code, &json!({"errors": [{"code": 1000, "message": words, "status": code.as_u16()}]}))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::library::Kind, *};

    #[test]
    fn the_catalogue_has_every_title_once() {
        let keys: std::collections::BTreeSet<String> = catalogue().map(|item| item.guid).collect();
        assert_eq!(keys.len(), HOUSEHOLD.films.len() + HOUSEHOLD.series.len());
        assert!(catalogue().all(|item| item.guid.len() == 24 && matches!(item.kind, Kind::Movie | Kind::Show)));
    }
}
