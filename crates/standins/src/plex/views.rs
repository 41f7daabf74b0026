//! How the Plex stand-in says things: every answer is `{"MediaContainer": {…}}`, and an empty list leaves its key out.

use super::{
    MACHINE,
    library::{Collection, FILMS, GUEST, Item, Kind, Library, OWNER, Playlist, SERIES},
};
use crate::{household::match_score, server::Asked};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(crate) const VERSION: &str = "1.42.2.10156-f737b826c";
/// Results of a hub when nobody says how many.
const PER_HUB: usize = 3;
/// People named for an item of a list.
const FEW_ROLES: usize = 3;

pub(crate) struct Views<'a> {
    pub(crate) library: &'a Library,
    pub(crate) account: u64,
    pub(crate) now: i64,
}

pub(crate) fn account_name(account: u64) -> &'static str {
    if account == GUEST { "Guest" } else { "Household" }
}

/// A container, without the list when it is empty.
pub(crate) fn container(mut more: Value, name: &str, list: Vec<Value>) -> Value {
    if more.get("size").is_none() {
        more["size"] = json!(list.len());
    }
    if !list.is_empty() {
        more[name] = Value::Array(list);
    }
    json!({ "MediaContainer": more })
}

/// A number from the header or the query, as paging is asked for.
pub(crate) fn paging(asked: &Asked, name: &str) -> Option<usize> {
    asked.query(name).or_else(|| asked.header(name)).and_then(|text| text.parse().ok())
}

/// The part of a list that was asked for, with the counts of the whole.
pub(crate) fn paged<T>(list: Vec<T>, asked: &Asked) -> (Value, Vec<T>) {
    let total = list.len();
    let start = paging(asked, "X-Plex-Container-Start").unwrap_or(0);
    let limit = asked.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let size = paging(asked, "X-Plex-Container-Size").unwrap_or(usize::MAX);
    let part: Vec<T> = list.into_iter().take(limit).skip(start).take(size).collect();
    (json!({"size": part.len(), "offset": start, "totalSize": total.min(limit)}), part)
}

fn tags<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<Value> {
    names.into_iter().map(|name| json!({ "tag": name })).collect()
}

impl Views<'_> {
    pub(crate) fn server(&self) -> Value {
        json!({"MediaContainer": {
            "size": 0, "friendlyName": "Demo Plex", "machineIdentifier": MACHINE, "version": VERSION, "platform": "Linux",
            "myPlex": true, "myPlexSigninState": "ok", "myPlexUsername": account_name(OWNER), "transcoderActiveVideoSessions":
            self.library.sessions.iter().filter(|session| session.transcodes).count(), "allowMediaDeletion": true,
        }})
    }

    pub(crate) fn sections(&self) -> Value {
        let section = |key: u64| {
            json!({
                "key": key.to_string(), "type": if key == FILMS { "movie" } else { "show" },
                "title": self.library.titles[key as usize - 1], "language": "en-US", "uuid": format!("8a2b{key:028x}"),
                "agent": if key == FILMS { "tv.plex.agents.movie" } else { "tv.plex.agents.series" },
                "refreshing": self.library.scans.iter().any(|scan| scan.section == key),
                "scannedAt": self.library.scanned_at.get(&key).copied().unwrap_or(self.now),
                "Location": [{"id": key, "path": Library::folder(key)}],
            })
        };
        container(
            json!({"allowSync": false, "title1": "Plex Library"}),
            "Directory",
            vec![section(FILMS), section(SERIES)],
        )
    }

    pub(crate) fn filters(&self, section: u64) -> Value {
        let names = [
            "genre",
            "year",
            "decade",
            "contentRating",
            "director",
            "actor",
            "country",
            "studio",
            "collection",
            "resolution",
        ];
        let filter = |name: &&str| {
            let key = format!("/library/sections/{section}/{name}");
            json!({"filter": name, "filterType": "string", "key": key, "title": name, "type": "filter"})
        };
        container(json!({}), "Directory", names.iter().map(filter).collect())
    }

    pub(crate) fn sorts(&self) -> Value {
        let names = [
            ("titleSort", "Title"),
            ("year", "Year"),
            ("originallyAvailableAt", "Release Date"),
            ("rating", "Critic Rating"),
            ("audienceRating", "Audience Rating"),
            ("userRating", "Rating"),
            ("duration", "Duration"),
            ("addedAt", "Date Added"),
            ("lastViewedAt", "Date Viewed"),
            ("mediaHeight", "Resolution"),
        ];
        let sort = |(key, title): &(&str, &str)| json!({"key": key, "title": title, "defaultDirection": "desc"});
        container(json!({}), "Directory", names.iter().map(sort).collect())
    }

    pub(crate) fn choices(&self, section: u64, choice: &str) -> Option<Value> {
        let items = || self.library.items.values().filter(|item| item.section == section);
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        let mut tagged = |kind: &'static str, names: Vec<&String>| {
            for name in names {
                if let Some(key) = self.library.tags.get(&(kind, name.clone())) {
                    found.insert(name.clone(), key.to_string());
                }
            }
        };
        match choice {
            "genre" => tagged("genre", items().flat_map(|item| &item.genres).collect()),
            "director" => tagged("director", items().flat_map(|item| &item.directors).collect()),
            "actor" => tagged("actor", items().flat_map(|item| &item.cast).map(|(name, _)| name).collect()),
            "country" => tagged("country", items().filter_map(|item| item.country.as_ref()).collect()),
            "year" => found.extend(items().map(|item| (item.year.to_string(), item.year.to_string()))),
            "decade" => found.extend(items().map(|item| {
                let decade = (item.year / 10 * 10).to_string();
                (format!("{decade}s"), decade)
            })),
            "contentRating" => {
                found.extend(items().map(|item| (item.content_rating.clone(), item.content_rating.clone())));
            }
            "studio" => found.extend(items().map(|item| (item.studio.clone(), item.studio.clone()))),
            "resolution" => found.extend(items().filter_map(|item| {
                let resolution = item.media.as_ref()?.resolution();
                Some((resolution.to_uppercase(), resolution.to_owned()))
            })),
            "collection" => {
                let own = self.library.collections.iter().filter(|collection| collection.section == section);
                found.extend(own.map(|collection| (collection.title.clone(), collection.key.to_string())));
            }
            _ => return None,
        }
        let list = found.into_iter().map(|(title, key)| json!({"key": key, "title": title, "type": choice})).collect();
        Some(container(json!({}), "Directory", list))
    }

    /// One item as lists have it; with everything where it is asked for by its key.
    pub(crate) fn item(&self, item: &Item, has_guids: bool, is_whole: bool) -> Value {
        let seen = self.library.seen(self.account, item.key);
        let guid = item.legacy.clone().unwrap_or_else(|| format!("plex://{}/{}", item.kind.name(), item.guid));
        let mut told = json!({
            "ratingKey": item.key.to_string(), "key": format!("/library/metadata/{}", item.key), "guid": guid,
            "type": item.kind.name(), "title": item.title, "librarySectionID": item.section,
            "librarySectionTitle": self.library.titles[item.section as usize - 1], "summary": item.summary,
            "addedAt": item.added_at, "updatedAt": item.added_at,
        });
        let object = &mut told;
        if matches!(item.kind, Kind::Movie | Kind::Show | Kind::Episode) {
            object["year"] = json!(item.year);
            object["originallyAvailableAt"] = json!(item.date);
            object["contentRating"] = json!(item.content_rating);
            object["audienceRating"] = json!(item.rating);
            object["duration"] = json!(u64::from(item.minutes) * 60_000);
        }
        if matches!(item.kind, Kind::Movie | Kind::Show) {
            object["studio"] = json!(item.studio);
            object["Genre"] = json!(tags(&item.genres));
            object["Director"] = json!(tags(&item.directors));
            object["Country"] = json!(tags(&item.country));
            let roles = item.cast.iter().take(if is_whole { usize::MAX } else { FEW_ROLES });
            object["Role"] = roles.map(|(name, role)| json!({"tag": name, "role": role})).collect();
            let held = self.library.collections.iter().filter(|collection| collection.items.contains(&item.key));
            let held: Vec<Value> = held.map(|collection| json!({"tag": collection.title})).collect();
            if !held.is_empty() {
                object["Collection"] = json!(held);
            }
        }
        if !item.tagline.is_empty() {
            object["tagline"] = json!(item.tagline);
        }
        if let Some(original) = &item.original {
            object["originalTitle"] = json!(original);
        }
        if !item.thumb.is_empty() {
            object["thumb"] = json!(format!("/library/metadata/{}/thumb/{}", item.key, item.added_at));
        }
        if let Some(rating) = seen.rating {
            object["userRating"] = json!(rating);
        }
        match item.kind {
            Kind::Movie | Kind::Episode => {
                if seen.views > 0 {
                    object["viewCount"] = json!(seen.views);
                }
                if let Some(at) = seen.last_viewed_at {
                    object["lastViewedAt"] = json!(at);
                }
                if let Some(offset) = seen.offset {
                    object["viewOffset"] = json!(offset);
                }
            }
            Kind::Show | Kind::Season => {
                // A made-up show has no episodes to look for among thousands of items.
                let leaves = if item.made_up_leaves > 0 { Vec::new() } else { self.library.leaves(item.key) };
                let watched = leaves.iter().filter(|key| self.library.seen(self.account, **key).views > 0).count();
                object["leafCount"] = json!(leaves.len() + item.made_up_leaves as usize);
                object["viewedLeafCount"] = json!(watched);
                if item.kind == Kind::Show {
                    let seasons = if item.made_up_leaves > 0 { 1 } else { self.library.children(item.key).len() };
                    object["childCount"] = json!(seasons);
                }
            }
        }
        if matches!(item.kind, Kind::Season | Kind::Episode) {
            object["index"] = json!(item.index);
            let parent = item.parent.and_then(|key| self.library.items.get(&key));
            if let Some(parent) = parent {
                object["parentRatingKey"] = json!(parent.key.to_string());
                object["parentTitle"] = json!(parent.title);
                object["parentIndex"] = json!(parent.index);
            }
            if let Some(show) = self.library.show_of(item).filter(|_| item.kind == Kind::Episode) {
                object["grandparentRatingKey"] = json!(show.key.to_string());
                object["grandparentTitle"] = json!(show.title);
            }
        }
        if (has_guids || is_whole) && item.legacy.is_none() && !item.guids.is_empty() {
            object["Guid"] = item.guids.iter().map(|id| json!({ "id": id })).collect();
        }
        if let Some(media) = &item.media {
            let mut part = json!({"id": item.key, "file": media.path, "size": media.size, "container": "mkv"});
            if is_whole {
                let name =
                    if media.hdr { "4K HDR10 (HEVC Main 10)".to_owned() } else { format!("{}p (H.264)", media.lines) };
                part["Stream"] = json!([{"streamType": 1, "displayTitle": name, "codec": if media.lines > 1080 { "hevc" } else { "h264" }},
                    {"streamType": 2, "displayTitle": "English (AC3 Stereo)", "codec": "ac3", "language": "English"}]);
            }
            object["Media"] = json!([{
                "id": item.key, "videoResolution": media.resolution(), "height": media.lines, "videoCodec": if media.lines > 1080 { "hevc" } else { "h264" },
                "audioCodec": "ac3", "audioChannels": 2, "bitrate": 8_000, "container": "mkv", "Part": [part],
            }]);
        }
        told
    }

    pub(crate) fn listed(&self, items: Vec<&Item>, asked: &Asked) -> Value {
        let (head, part) = paged(items, asked);
        let has_guids = asked.query("includeGuids") == Some("1");
        container(head, "Metadata", part.into_iter().map(|item| self.item(item, has_guids, false)).collect())
    }

    pub(crate) fn metadata(&self, keys: &str) -> Option<Value> {
        let found: Vec<Value> = keys
            .split(',')
            .filter_map(|key| self.library.items.get(&key.parse().ok()?))
            .map(|item| self.item(item, true, true))
            .collect();
        if found.is_empty() {
            // Collections are asked for by the same address.
            let key = keys.parse().ok()?;
            self.library.collections.iter().find(|collection| collection.key == key)?;
            return Some(self.one_collection(key));
        }
        Some(container(json!({}), "Metadata", found))
    }

    pub(crate) fn on_deck(&self, section: Option<u64>) -> Vec<&Item> {
        let is_here = |item: &Item| section.is_none_or(|section| item.section == section);
        let mut found: Vec<(i64, &Item)> = Vec::new();
        for item in self.library.items.values().filter(|item| is_here(item)) {
            let seen = self.library.seen(self.account, item.key);
            match item.kind {
                Kind::Movie if seen.offset.is_some() && !seen.hidden_from_continue => {
                    found.push((seen.last_viewed_at.unwrap_or(0), item));
                }
                Kind::Show => {
                    let leaves = self.library.leaves(item.key);
                    let views: Vec<_> = leaves.iter().map(|key| self.library.seen(self.account, *key)).collect();
                    let last = views.iter().filter_map(|seen| seen.last_viewed_at).max();
                    let next = leaves.iter().zip(&views).find(|(_, seen)| seen.views == 0).map(|(key, _)| key);
                    if let (Some(last), Some(next)) = (last, next.and_then(|key| self.library.items.get(key))) {
                        found.push((last, next));
                    }
                }
                _ => {}
            }
        }
        found.sort_by_key(|(at, item)| (std::cmp::Reverse(*at), item.key));
        found.into_iter().map(|(_, item)| item).collect()
    }

    pub(crate) fn continue_watching(&self) -> Vec<&Item> {
        let is_hidden = |item: &&Item| self.library.seen(self.account, item.key).hidden_from_continue;
        self.on_deck(None).into_iter().filter(|item| !is_hidden(item)).collect()
    }

    pub(crate) fn continue_hub(&self, asked: &Asked) -> Value {
        let count = asked.query("count").and_then(|count| count.parse().ok()).unwrap_or(usize::MAX);
        let items: Vec<Value> =
            self.continue_watching().into_iter().take(count).map(|item| self.item(item, false, false)).collect();
        let mut hub = json!({"hubIdentifier": "home.continue", "title": "Continue Watching", "type": "mixed", "size": items.len()});
        if !items.is_empty() {
            hub["Metadata"] = json!(items);
        }
        container(json!({}), "Hub", vec![hub])
    }

    pub(crate) fn search(&self, asked: &Asked) -> Option<Value> {
        let query = asked.query("query").filter(|query| !query.trim().is_empty())?;
        let limit = asked.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PER_HUB);
        let section = asked.query("sectionId").and_then(|section| section.parse::<u64>().ok());
        let mut hubs = Vec::new();
        for kind in [Kind::Movie, Kind::Show, Kind::Episode] {
            let mut found: Vec<(u32, &Item)> = self
                .library
                .items
                .values()
                .filter(|item| item.kind == kind && section.is_none_or(|section| item.section == section))
                .map(|item| (match_score(query, &item.title), item))
                .filter(|(score, _)| *score > 0)
                .collect();
            found.sort_by_key(|(score, item)| (std::cmp::Reverse(*score), item.key));
            let items: Vec<Value> = found.iter().take(limit).map(|(_, item)| self.item(item, false, false)).collect();
            hubs.push((kind.name(), items, found.len() > limit));
        }
        for (kind, name) in [("actor", "actor"), ("director", "director"), ("genre", "genre")] {
            let own = self.library.tags.iter().filter(|((own, name), _)| *own == kind && match_score(query, name) > 0);
            let items: Vec<Value> = own
                .take(limit)
                .map(|((_, title), id)| json!({"id": id, "tag": title, "filter": format!("{kind}={id}")}))
                .collect();
            hubs.push((name, items, false));
        }
        let hubs = hubs
            .into_iter()
            .map(|(kind, items, more)| {
                let mut hub =
                    json!({"hubIdentifier": kind, "type": kind, "title": kind, "size": items.len(), "more": more});
                let key = if matches!(kind, "movie" | "show" | "episode") { "Metadata" } else { "Directory" };
                if !items.is_empty() {
                    hub[key] = json!(items);
                }
                hub
            })
            .collect();
        Some(container(json!({}), "Hub", hubs))
    }

    pub(crate) fn similar(&self, item: &Item, asked: &Asked) -> Vec<&Item> {
        let count = asked.query("count").and_then(|count| count.parse().ok()).unwrap_or(10);
        let mut near: Vec<(usize, &Item)> = self
            .library
            .items
            .values()
            .filter(|other| other.kind == item.kind && other.key != item.key)
            .map(|other| (other.genres.iter().filter(|genre| item.genres.contains(genre)).count(), other))
            .filter(|(shared, _)| *shared > 0)
            .collect();
        near.sort_by_key(|(shared, other)| (std::cmp::Reverse(*shared), other.key));
        near.into_iter().take(count).map(|(_, item)| item).collect()
    }

    pub(crate) fn related(&self, item: &Item, asked: &Asked) -> Value {
        let items: Vec<Value> =
            self.similar(item, asked).into_iter().map(|item| self.item(item, false, false)).collect();
        let mut hub = json!({"hubIdentifier": "movie.similar", "title": "Related", "type": item.kind.name(), "size": items.len()});
        if !items.is_empty() {
            hub["Metadata"] = json!(items);
        }
        container(json!({}), "Hub", vec![hub])
    }

    pub(crate) fn extras(&self, item: &Item) -> Value {
        let clip = json!({
            "ratingKey": (item.key + 900_000).to_string(), "type": "clip", "subtype": "trailer", "title": format!("{}: the trailer", item.title),
            "duration": 140_000, "year": item.year, "addedAt": item.added_at,
        });
        let list = if item.kind == Kind::Movie { vec![clip] } else { Vec::new() };
        container(json!({}), "Metadata", list)
    }

    pub(crate) fn sessions(&self) -> Value {
        let session = |session: &super::library::Session| {
            let item = self.library.items.get(&session.key)?;
            let mut told = self.item(item, false, false);
            told["viewOffset"] = json!(session.offset);
            told["sessionKey"] = json!("1");
            told["User"] = json!({"id": session.account.to_string(), "title": account_name(session.account)});
            told["Player"] = json!({"title": "Living room", "state": "playing", "device": "TV", "product": "Plex for TV", "local": true, "address": "192.0.2.7"});
            told["Session"] = json!({"id": session.id, "bandwidth": 4_000, "location": "lan"});
            if session.transcodes {
                told["TranscodeSession"] =
                    json!({"videoDecision": "transcode", "audioDecision": "copy", "progress": 40.0, "speed": 3.1});
            }
            Some(told)
        };
        container(json!({}), "Metadata", self.library.sessions.iter().filter_map(session).collect())
    }

    pub(crate) fn history(&self, asked: &Asked) -> Value {
        let number = |name: &str| asked.query(name).and_then(|text| text.parse::<u64>().ok());
        let since = asked.query("viewedAt>").and_then(|text| text.parse::<i64>().ok());
        let below = number("metadataItemID").map(|key| self.library.leaves(key));
        let mut views: Vec<_> = self
            .library
            .views
            .iter()
            .filter(|view| self.account == OWNER || view.account == self.account)
            .filter(|view| number("accountID").is_none_or(|account| view.account == account))
            .filter(|view| since.is_none_or(|since| view.viewed_at >= since))
            .filter(|view| below.as_ref().is_none_or(|below| view.key.is_some_and(|key| below.contains(&key))))
            .filter(|view| {
                number("librarySectionID").is_none_or(|section| {
                    view.key.and_then(|key| self.library.items.get(&key)).is_some_and(|item| item.section == section)
                })
            })
            .collect();
        views.sort_by_key(|view| (view.viewed_at, view.id));
        if asked.query("sort").is_some_and(|sort| sort == "viewedAt:desc") {
            views.reverse();
        }
        let (head, part) = paged(views, asked);
        let told = |view: &super::library::View| {
            let mut told = json!({
                "historyKey": format!("/status/sessions/history/{}", view.id), "title": view.title, "type": "movie",
                "viewedAt": view.viewed_at, "accountID": view.account, "deviceID": 3,
            });
            if let Some(item) = view.key.and_then(|key| self.library.items.get(&key)) {
                told["ratingKey"] = json!(item.key.to_string());
                told["key"] = json!(format!("/library/metadata/{}", item.key));
                told["type"] = json!(item.kind.name());
                told["librarySectionID"] = json!(item.section.to_string());
                if let Some(show) = self.library.show_of(item) {
                    told["grandparentTitle"] = json!(show.title);
                    told["index"] = json!(item.index);
                    told["parentIndex"] = json!(1);
                }
            }
            told
        };
        container(head, "Metadata", part.into_iter().map(told).collect())
    }

    pub(crate) fn accounts(&self) -> Value {
        let account = |id: u64| json!({"id": id, "key": format!("/accounts/{id}"), "name": account_name(id)});
        let nobody = json!({"id": 0, "key": "/accounts/0", "name": ""});
        container(json!({}), "Account", vec![nobody, account(OWNER), account(GUEST)])
    }

    pub(crate) fn activities(&self) -> Value {
        let activity = |scan: &super::library::Scan| {
            let title = &self.library.titles[scan.section as usize - 1];
            json!({"uuid": format!("scan-{}", scan.section), "type": "library.update.section", "title": format!("Scanning {title}"),
                "subtitle": scan.folder, "progress": 50, "cancellable": true})
        };
        container(json!({}), "Activity", self.library.scans.iter().map(activity).collect())
    }

    fn told_playlist(&self, playlist: &Playlist) -> Value {
        let minutes: u32 =
            playlist.items.iter().filter_map(|(_, key)| self.library.items.get(key)).map(|item| item.minutes).sum();
        json!({
            "ratingKey": playlist.key.to_string(), "key": format!("/playlists/{}/items", playlist.key), "type": "playlist",
            "title": playlist.title, "summary": playlist.summary, "smart": playlist.smart, "playlistType": "video",
            "leafCount": playlist.items.len(), "duration": u64::from(minutes) * 60_000, "addedAt": self.now,
        })
    }

    pub(crate) fn playlists(&self, asked: &Asked) -> Value {
        let is_wanted = |playlist: &&Playlist| {
            asked.query("playlistType").is_none_or(|kind| kind == "video")
                && asked.query("smart").is_none_or(|smart| (smart == "1") == playlist.smart)
        };
        let (head, part) = paged(self.library.playlists.iter().filter(is_wanted).collect(), asked);
        container(head, "Metadata", part.into_iter().map(|playlist| self.told_playlist(playlist)).collect())
    }

    fn find_playlist(&self, key: &str) -> Option<&Playlist> {
        self.library.playlists.iter().find(|playlist| playlist.key.to_string() == key)
    }

    pub(crate) fn playlist(&self, key: &str) -> Option<Value> {
        Some(container(json!({}), "Metadata", vec![self.told_playlist(self.find_playlist(key)?)]))
    }

    pub(crate) fn playlist_items(&self, key: &str, asked: &Asked) -> Option<Value> {
        let (head, part) = paged(self.find_playlist(key)?.items.iter().collect(), asked);
        let told = |(number, key): &(u64, u64)| {
            let mut told = self.item(self.library.items.get(key)?, false, false);
            told["playlistItemID"] = json!(number);
            Some(told)
        };
        Some(container(head, "Metadata", part.into_iter().filter_map(told).collect()))
    }

    fn told_collection(&self, collection: &Collection) -> Value {
        json!({
            "ratingKey": collection.key.to_string(), "key": format!("/library/collections/{}/items", collection.key),
            "type": "collection", "title": collection.title, "subtype": if collection.kind == 1 { "movie" } else { "show" },
            "childCount": collection.items.len().to_string(), "smart": false, "librarySectionID": collection.section,
            "addedAt": self.now,
        })
    }

    pub(crate) fn collections(&self, section: u64, asked: &Asked) -> Value {
        let own = self.library.collections.iter().filter(|collection| collection.section == section).collect();
        let (head, part) = paged(own, asked);
        container(head, "Metadata", part.into_iter().map(|collection| self.told_collection(collection)).collect())
    }

    pub(crate) fn one_collection(&self, key: u64) -> Value {
        let own = self.library.collections.iter().filter(|collection| collection.key == key);
        container(json!({}), "Metadata", own.map(|collection| self.told_collection(collection)).collect())
    }

    /// What a webhook says of an item.
    pub(crate) fn hook(&self, event: &str, item: &Item) -> Value {
        let mut metadata: Map<String, Value> = self.item(item, true, false).as_object().cloned().unwrap_or_default();
        metadata.insert("librarySectionType".into(), json!(if item.section == FILMS { "movie" } else { "show" }));
        json!({
            "event": event, "user": true, "owner": true,
            "Account": {"id": OWNER, "thumb": "", "title": account_name(OWNER)},
            "Server": {"title": "Demo Plex", "uuid": MACHINE}, "Metadata": metadata,
        })
    }
}
