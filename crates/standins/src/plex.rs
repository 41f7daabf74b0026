//! Plex Media Server over the household's disk, and the hosts behind plex.tv.
//!
//! Two ports: the server, and the cloud with `plex.tv`, `clients.plex.tv`, the discover and the metadata host each under a prefix.
//! Files the household's disk gets are items only after a scan, which takes as long as the clock says; then `library.new` goes to
//! the webhooks. Start reading at [`Plex`].

mod cloud;
mod library;
mod query;
mod views;

pub(crate) use cloud::PlexCloud;

use crate::{
    clock::Clock,
    facts::Facts,
    fault::text,
    household::{disk::Disk, poster},
    requests::locked,
    server::{Asked, StandIn, json_answer},
};
use axum::{
    body::Body,
    http::{Method, Request, Response, StatusCode, header},
};
use bytes::Bytes;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use library::{Collection, FILMS, GERMAN, GUEST, Item, Kind, Library, OWNER, Playlist, SERIES, Scan};
use query::Query;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use views::Views;

/// The token of the account the server is shared with; every other one is the owner's.
pub const GUEST_TOKEN: &str = "token-of-the-guest";

/// The server's own name for itself.
pub(crate) const MACHINE: &str = "9c1f0a7e5d3b4c2a8f6e1d0b7a9c5e3f2d4b6a80";

/// How often a scan looks whether its time has come. The town's clock may be turned by hand.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How old the server is in its ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ways {
    /// As the description says, with everything current servers have beside it.
    #[default]
    Current,
    /// 404 for everything the description leaves out.
    AsDescribed,
    /// Changes are asked for with GET.
    Old,
}

/// The server, for tests that turn its switches. Clones are the same server.
#[derive(Clone)]
pub struct Plex {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    disk: Disk,
    token: Option<String>,
    library: Mutex<Library>,
    switches: Mutex<Switches>,
    facts: Facts,
}

struct Switches {
    ways: Ways,
    scan_takes: Duration,
    webhooks: Vec<String>,
    /// Titles of the cloud's watchlists, by account: discover key, and since when.
    watchlists: Vec<(u64, String, i64)>,
    watchlist_changes: u64,
    is_watchlist_gone: bool,
    /// Whether a person has signed in with the pin.
    is_signed_in: bool,
}

impl Plex {
    pub(crate) fn new(clock: Clock, disk: Disk, token: Option<String>, made_up: Option<u64>) -> Self {
        let now = clock.now().as_second();
        let library = match made_up {
            Some(count) => Library::made_up(count, now),
            None => Library::household(&disk, now),
        };
        let switches = Switches {
            ways: Ways::default(),
            scan_takes: Duration::from_secs(2),
            webhooks: Vec::new(),
            watchlists: cloud::first_watchlist(now),
            watchlist_changes: 0,
            is_watchlist_gone: false,
            is_signed_in: false,
        };
        let (library, switches) = (Mutex::new(library), Mutex::new(switches));
        Self { inner: Arc::new(Inner { clock, disk, token, library, switches, facts: Facts::plex() }) }
    }

    pub fn ways(&self, ways: Ways) {
        locked(&self.inner.switches).ways = ways;
    }

    /// Sections are called “Filme” and “Serien” from now on.
    pub fn in_german(&self) {
        locked(&self.inner.library).titles = GERMAN.map(str::to_owned);
    }

    /// How long a scan takes, by the town's clock. Two seconds by default.
    pub fn scan_takes(&self, time: Duration) {
        locked(&self.inner.switches).scan_takes = time;
    }

    /// An address that is told of new items from now on.
    pub fn webhook(&self, address: impl Into<String>) {
        locked(&self.inner.switches).webhooks.push(address.into());
    }

    /// The whole watchlist answers 404, as in August 2025 when it moved to another host.
    pub fn watchlist_is_gone(&self, gone: bool) {
        locked(&self.inner.switches).is_watchlist_gone = gone;
    }

    /// The person has typed the pin's code.
    pub fn sign_in(&self) {
        locked(&self.inner.switches).is_signed_in = true;
    }

    /// The number of an item by its exact title.
    pub fn key_of(&self, title: &str) -> Option<u64> {
        locked(&self.inner.library).titled(title).map(|item| item.key)
    }

    /// How often the owner has watched an item, and how it is rated.
    pub fn seen(&self, key: u64) -> (u32, Option<f64>) {
        let seen = locked(&self.inner.library).seen(OWNER, key);
        (seen.views, seen.rating)
    }

    /// Watched to the end by the owner, now.
    pub fn watch(&self, key: u64) {
        let now = self.inner.now();
        locked(&self.inner.library).watch(OWNER, key, now);
    }

    /// Puts a film of the household on the disk, as a downloader would; the library learns of it by a scan only.
    pub fn put_film(&self, tmdb: u64, lines: u32) -> bool {
        use crate::household::{HOUSEHOLD, disk};
        let Some(film) = HOUSEHOLD.films.iter().find(|film| film.id == tmdb) else { return false };
        let path = format!("{}/{} ({}).mkv", film.folder(), film.title, &film.date[..4]);
        let size = disk::size_of(film.runtime, lines);
        let added_at_ms = self.inner.clock.now().as_millisecond();
        let what = disk::What::Film { tmdb };
        self.inner.disk.put(path, disk::File { what, size, lines, hdr: lines == 2160, added_at_ms });
        true
    }
}

impl Inner {
    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// The account behind a token; None when the server does not take it.
    fn account(&self, asked: &Asked) -> Option<u64> {
        let token = asked.header("x-plex-token").or_else(|| asked.query("X-Plex-Token"))?;
        match &self.token {
            _ if token.is_empty() => None,
            _ if token == GUEST_TOKEN => Some(GUEST),
            Some(wanted) if wanted != token => None,
            _ => Some(OWNER),
        }
    }

    /// Ends the scans whose time has come; what they found goes to the webhooks.
    fn settle(self: &Arc<Self>) {
        let now_ms = self.clock.now().as_millisecond();
        let mut said = Vec::new();
        {
            let mut library = locked(&self.library);
            let (due, later): (Vec<Scan>, Vec<Scan>) =
                std::mem::take(&mut library.scans).into_iter().partition(|scan| scan.due_at_ms <= now_ms);
            library.scans = later;
            for scan in due {
                let new = library.scan(&self.disk, scan.section, &scan.folder, now_ms / 1_000);
                for key in new {
                    let views = Views { library: &library, account: OWNER, now: now_ms / 1_000 };
                    said.extend(library.items.get(&key).map(|item| views.hook("library.new", item)));
                }
            }
        }
        let webhooks = locked(&self.switches).webhooks.clone();
        for payload in said {
            for address in &webhooks {
                tokio::spawn(tell(address.clone(), payload.clone()));
            }
        }
    }

    fn begin_scan(self: &Arc<Self>, section: u64, folder: &str) {
        let takes = locked(&self.switches).scan_takes;
        let takes_ms = i64::try_from(takes.as_millis()).unwrap_or(i64::MAX);
        let due_at_ms = self.clock.now().as_millisecond().saturating_add(takes_ms);
        locked(&self.library).scans.push(Scan { section, folder: folder.to_owned(), due_at_ms });
        let inner = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                let Some(inner) = inner.upgrade() else { return };
                inner.settle();
                if locked(&inner.library).scans.is_empty() {
                    return;
                }
                drop(inner);
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
    }
}

/// Sends one webhook, as the real server does: a form with the JSON in the field `payload`.
async fn tell(address: String, payload: Value) {
    const BOUNDARY: &str = "------------------------plexwebhook2f1e";
    let body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"payload\"\r\nContent-Type: application/json\r\n\r\n{payload}\r\n--{BOUNDARY}--\r\n"
    );
    let request = Request::builder()
        .method(Method::POST)
        .uri(&address)
        .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"))
        .header(header::USER_AGENT, "PlexMediaServer/1.42.2")
        .body(Body::from(body));
    match request {
        Ok(request) => {
            let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
            // A webhook nobody takes is lost, as with the real server.
            let _ = client.request(request).await;
        }
        Err(error) => tracing::warn!("a webhook has no address: {error}"),
    }
}

enum Other {
    Missing,
    Wrong(&'static str),
    Denied,
}

/// What changed nothing to speak of.
fn done() -> Value {
    Value::Null
}

type Told = Result<Value, Other>;

impl Inner {
    fn told(self: &Arc<Self>, asked: &Asked, account: u64) -> Told {
        self.settle();
        let ways = locked(&self.switches).ways;
        let path: Vec<&str> = asked.path.trim_matches('/').split('/').filter(|part| !part.is_empty()).collect();
        let is_get = asked.method == Method::GET;
        match asked.method {
            Method::GET => {}
            _ if ways == Ways::Old => return Err(Other::Missing),
            Method::PUT | Method::POST | Method::DELETE => {}
            _ => return Err(Other::Missing),
        }
        let changes = if ways == Ways::Old { is_get } else { !is_get };
        let now = self.now();
        if let Some(told) = self.changed(asked, account, &path, changes) {
            return told;
        }
        if !is_get {
            return Err(Other::Missing);
        }
        let library = locked(&self.library);
        let views = Views { library: &library, account, now };
        let undescribed = || if ways == Ways::AsDescribed { Err(Other::Missing) } else { Ok(()) };
        match path.as_slice() {
            [] => Ok(views.server()),
            ["library", "sections"] => undescribed().map(|()| views.sections()),
            ["library", "sections", "all"] => Ok(views.sections()),
            ["library", "sections", section, rest @ ..] => {
                let section = section.parse().ok().filter(|key| [FILMS, SERIES].contains(key)).ok_or(Other::Missing)?;
                match rest {
                    ["all"] => self.section_items(&library, account, section, asked),
                    ["filters"] => Ok(views.filters(section)),
                    ["sorts"] => Ok(views.sorts()),
                    ["collections"] => Ok(views.collections(section, asked)),
                    ["onDeck"] => undescribed().map(|()| views.listed(views.on_deck(Some(section)), asked)),
                    [choice] => {
                        undescribed()?;
                        views.choices(section, choice).ok_or(Other::Missing)
                    }
                    _ => Err(Other::Missing),
                }
            }
            ["library", "recentlyAdded"] => undescribed().map(|()| {
                let mut items: Vec<&Item> =
                    library.items.values().filter(|item| matches!(item.kind, Kind::Movie | Kind::Season)).collect();
                query::sort(&mut items, &library, account, Some("addedAt:desc"));
                views.listed(items, asked)
            }),
            ["library", "onDeck"] => undescribed().map(|()| views.listed(views.on_deck(None), asked)),
            ["hubs", "continueWatching", "items"] => {
                undescribed().map(|()| views.listed(views.continue_watching(), asked))
            }
            ["hubs", "continueWatching"] => Ok(views.continue_hub(asked)),
            ["hubs", "search"] => views.search(asked).ok_or(Other::Wrong("a query is required")),
            ["library", "metadata", keys] => views.metadata(keys).ok_or(Other::Missing),
            ["library", "metadata", key, rest @ ..] => {
                let item = key.parse().ok().and_then(|key| library.items.get(&key)).ok_or(Other::Missing)?;
                match rest {
                    ["children"] => undescribed().map(|()| views.listed(library.children(item.key), asked)),
                    ["allLeaves"] => {
                        let leaves = library.leaves(item.key);
                        let leaves = leaves.iter().filter_map(|key| library.items.get(key)).collect();
                        Ok(views.listed(leaves, asked))
                    }
                    ["similar"] => Ok(views.listed(views.similar(item, asked), asked)),
                    ["related"] => Ok(views.related(item, asked)),
                    ["extras"] => Ok(views.extras(item)),
                    _ => Err(Other::Missing),
                }
            }
            ["library", "collections", key, "items"] => {
                let key: u64 = key.parse().map_err(|_| Other::Missing)?;
                let collection =
                    library.collections.iter().find(|collection| collection.key == key).ok_or(Other::Missing)?;
                let items = collection.items.iter().filter_map(|key| library.items.get(key)).collect();
                Ok(views.listed(items, asked))
            }
            ["status", "sessions"] if account == OWNER => Ok(views.sessions()),
            ["status", "sessions"] => Err(Other::Denied),
            ["status", "sessions", "history", "all"] => Ok(views.history(asked)),
            ["accounts"] => undescribed().map(|()| views.accounts()),
            ["activities"] => Ok(views.activities()),
            ["playlists"] => Ok(views.playlists(asked)),
            ["playlists", key] => views.playlist(key).ok_or(Other::Missing),
            ["playlists", key, "items"] => views.playlist_items(key, asked).ok_or(Other::Missing),
            _ => Err(Other::Missing),
        }
    }

    fn section_items(&self, library: &Library, account: u64, section: u64, asked: &Asked) -> Told {
        let query = Query::read(&asked.query);
        let kind = match asked.query("type") {
            Some(kind) => kind.parse::<u64>().map_err(|_| Other::Wrong("type is not a number"))?,
            None if query.has_fields() => return Err(Other::Wrong("type is required")),
            None => section,
        };
        let now = self.now();
        let mut items: Vec<&Item> = library
            .items
            .values()
            .filter(|item| item.section == section && item.kind.number() == kind)
            .filter(|item| query.fits(library, account, item, now))
            .collect();
        query::sort(&mut items, library, account, asked.query("sort"));
        Ok(Views { library, account, now }.listed(items, asked))
    }

    /// Whatever changes something; None when the path is none that does.
    fn changed(self: &Arc<Self>, asked: &Asked, account: u64, path: &[&str], changes: bool) -> Option<Told> {
        let now = self.now();
        let owner = || if account == OWNER { Ok(()) } else { Err(Other::Denied) };
        let wanted = |name: &str| asked.query(name).filter(|value| !value.is_empty());
        let item = |library: &Library, name: &str| {
            let key = wanted(name).and_then(|key| key.parse::<u64>().ok()).ok_or(Other::Wrong("a key is required"))?;
            library.items.contains_key(&key).then_some(key).ok_or(Other::Missing)
        };
        let method = &asked.method;
        match path {
            [":", action @ ("rate" | "scrobble" | "unscrobble")] => {
                if !changes {
                    return Some(Err(Other::Missing));
                }
                let mut library = locked(&self.library);
                Some((|| {
                    let key = item(&library, "key")?;
                    if wanted("identifier") != Some("com.plexapp.plugins.library") {
                        return Err(Other::Wrong("the identifier is missing"));
                    }
                    match *action {
                        "scrobble" => library.watch(account, key, now),
                        "unscrobble" => library.unwatch(account, key),
                        _ => {
                            let rating = wanted("rating").and_then(|rating| rating.parse::<f64>().ok());
                            let rating = rating.filter(|rating| (-1.0..=10.0).contains(rating));
                            let rating = rating.ok_or(Other::Wrong("rating is not between -1 and 10"))?;
                            library.seen_mut(account, key).rating = Some(rating).filter(|rating| *rating >= 0.0);
                        }
                    }
                    Ok(done())
                })())
            }
            ["actions", "removeFromContinueWatching"] if *method == Method::PUT => {
                if locked(&self.switches).ways == Ways::AsDescribed {
                    return Some(Err(Other::Missing));
                }
                let mut library = locked(&self.library);
                Some(item(&library, "ratingKey").map(|key| {
                    library.seen_mut(account, key).hidden_from_continue = true;
                    done()
                }))
            }
            ["library", "sections", section, "refresh"] if changes => Some((|| {
                owner()?;
                let section = section.parse().ok().filter(|key| [FILMS, SERIES].contains(key)).ok_or(Other::Missing)?;
                self.begin_scan(section, wanted("path").unwrap_or_default());
                Ok(done())
            })()),
            // As the description has it; servers in the field take the address of the collection itself.
            ["library", "sections", _, "collection", key] if *method == Method::DELETE => Some((|| {
                owner()?;
                let mut library = locked(&self.library);
                let before = library.collections.len();
                library.collections.retain(|collection| collection.key.to_string() != *key);
                if library.collections.len() == before { Err(Other::Missing) } else { Ok(done()) }
            })()),
            ["library", "metadata", key, "refresh"] if *method == Method::PUT => {
                let there = key.parse().is_ok_and(|key| locked(&self.library).items.contains_key(&key));
                Some(if there { Ok(done()) } else { Err(Other::Missing) })
            }
            ["library", "metadata", key] if *method == Method::DELETE => Some((|| {
                owner()?;
                let mut library = locked(&self.library);
                let key = key.parse().ok().filter(|key| library.items.contains_key(key)).ok_or(Other::Missing)?;
                for gone in library.forget(key) {
                    if let Some(media) = gone.media {
                        self.disk.remove(&media.path);
                    }
                }
                Ok(done())
            })()),
            ["status", "sessions", "terminate"] => {
                if !changes {
                    return Some(Err(Other::Missing));
                }
                let mut library = locked(&self.library);
                let before = library.sessions.len();
                library.sessions.retain(|session| Some(session.id.as_str()) != asked.query("sessionId"));
                Some(match library.sessions.len() {
                    _ if account != OWNER => Err(Other::Denied),
                    now if now == before => Err(Other::Missing),
                    _ => Ok(done()),
                })
            }
            ["playlists", rest @ ..] if *method != Method::GET => Some(self.playlist_changed(asked, rest)),
            ["library", "collections", rest @ ..] if *method != Method::GET => {
                Some(owner().and_then(|()| self.collection_changed(asked, rest)))
            }
            _ => None,
        }
    }

    /// The items a content address names.
    fn named(library: &Library, asked: &Asked) -> Result<Vec<u64>, Other> {
        let uri = asked.query("uri").unwrap_or_default();
        let prefix = format!("server://{MACHINE}/com.plexapp.plugins.library/library/metadata/");
        let keys = uri.strip_prefix(&prefix).ok_or(Other::Wrong("the uri is not one of this server"))?;
        keys.split(',')
            .map(|key| key.parse().ok().filter(|key| library.items.contains_key(key)).ok_or(Other::Missing))
            .collect()
    }

    fn playlist_changed(&self, asked: &Asked, rest: &[&str]) -> Told {
        let mut library = locked(&self.library);
        let at = |library: &Library, key: &str| {
            library.playlists.iter().position(|playlist| playlist.key.to_string() == key).ok_or(Other::Missing)
        };
        match (asked.method.as_str(), rest) {
            ("POST", []) => {
                let title = asked.query("title").filter(|title| !title.is_empty()).ok_or(Other::Wrong("no title"))?;
                let keys = if asked.query("uri").is_some() { Self::named(&library, asked)? } else { Vec::new() };
                let key = library.new_key();
                let items = keys.into_iter().map(|key| (library.number(), key)).collect();
                let title = title.to_owned();
                library.playlists.push(Playlist { key, title, summary: String::new(), smart: false, items });
                let views = Views { library: &library, account: OWNER, now: self.now() };
                views.playlist(&key.to_string()).ok_or(Other::Missing)
            }
            ("PUT", [key]) => {
                let at = at(&library, key)?;
                let playlist = &mut library.playlists[at];
                if let Some(title) = asked.query("title") {
                    playlist.title = title.to_owned();
                }
                if let Some(summary) = asked.query("summary") {
                    playlist.summary = summary.to_owned();
                }
                Ok(done())
            }
            ("DELETE", [key]) => {
                let at = at(&library, key)?;
                library.playlists.remove(at);
                Ok(done())
            }
            ("PUT", [key, "items"]) => {
                let at = at(&library, key)?;
                for key in Self::named(&library, asked)? {
                    let number = library.number();
                    library.playlists[at].items.push((number, key));
                }
                let views = Views { library: &library, account: OWNER, now: self.now() };
                views.playlist(key).ok_or(Other::Missing)
            }
            ("DELETE", [key, "items", number]) => {
                let at = at(&library, key)?;
                let before = library.playlists[at].items.len();
                library.playlists[at].items.retain(|(own, _)| own.to_string() != *number);
                if library.playlists[at].items.len() == before { Err(Other::Missing) } else { Ok(done()) }
            }
            ("PUT", [key, "items", number, "move"]) => {
                let at = at(&library, key)?;
                let items = &mut library.playlists[at].items;
                let place =
                    |items: &[(u64, u64)], number: &str| items.iter().position(|(own, _)| own.to_string() == number);
                let from = place(items, number).ok_or(Other::Missing)?;
                let moved = items.remove(from);
                let to = match asked.query("after") {
                    Some(after) => place(items, after).map(|place| place + 1),
                    None => Some(0),
                };
                match to {
                    Some(to) => items.insert(to, moved),
                    None => {
                        items.insert(from, moved);
                        return Err(Other::Missing);
                    }
                }
                Ok(done())
            }
            _ => Err(Other::Missing),
        }
    }

    fn collection_changed(&self, asked: &Asked, rest: &[&str]) -> Told {
        let mut library = locked(&self.library);
        let ways = locked(&self.switches).ways;
        let at = |library: &Library, key: &str| {
            library.collections.iter().position(|collection| collection.key.to_string() == key).ok_or(Other::Missing)
        };
        match (asked.method.as_str(), rest) {
            ("POST", []) => {
                let title = asked.query("title").filter(|title| !title.is_empty()).ok_or(Other::Wrong("no title"))?;
                let section =
                    asked.query("sectionId").and_then(|key| key.parse().ok()).ok_or(Other::Wrong("no section"))?;
                let kind = asked.query("type").and_then(|kind| kind.parse().ok()).ok_or(Other::Wrong("no type"))?;
                let (title, items) = (title.to_owned(), Self::named(&library, asked)?);
                let key = library.new_key();
                library.collections.push(Collection { key, section, title, kind, items });
                let views = Views { library: &library, account: OWNER, now: self.now() };
                Ok(views.one_collection(key))
            }
            ("PUT", [key, "items"]) => {
                let at = at(&library, key)?;
                let keys = Self::named(&library, asked)?;
                let collection = &mut library.collections[at];
                for key in keys {
                    if !collection.items.contains(&key) {
                        collection.items.push(key);
                    }
                }
                Ok(done())
            }
            (method @ ("DELETE" | "PUT"), [key, "items", item]) => {
                if method == "DELETE" && ways == Ways::AsDescribed {
                    return Err(Other::Missing);
                }
                let at = at(&library, key)?;
                let before = library.collections[at].items.len();
                library.collections[at].items.retain(|key| key.to_string() != *item);
                if library.collections[at].items.len() == before { Err(Other::Missing) } else { Ok(done()) }
            }
            ("DELETE", [key]) if ways != Ways::AsDescribed => {
                let at = at(&library, key)?;
                library.collections.remove(at);
                Ok(done())
            }
            _ => Err(Other::Missing),
        }
    }

    /// A picture behind `/library/metadata/{key}/thumb/{stamp}`.
    fn picture(&self, path: &str) -> Option<Response<Body>> {
        let rest = path.strip_prefix("/library/metadata/")?;
        let mut parts = rest.split('/');
        let (key, element) = (parts.next()?, parts.next()?);
        if !matches!(element, "thumb" | "art") {
            return None;
        }
        let library = locked(&self.library);
        let item = library.items.get(&key.parse().ok()?)?;
        Some(text(StatusCode::OK, "image/svg+xml", poster::drawing(&item.thumb)?))
    }
}

/// The page a real server answers errors with.
fn page(code: u16, words: &str) -> String {
    format!("<html><head><title>{words}</title></head><body><h1>{code} {words}</h1></body></html>")
}

fn refused(code: u16, words: &'static str) -> Response<Body> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    text(status, "text/html", page(code, words))
}

impl StandIn for Plex {
    fn name(&self) -> &'static str {
        "plex"
    }

    fn facts(&self) -> &Facts {
        &self.inner.facts
    }

    fn error(&self, code: u16, _: &str) -> String {
        page(code, "Error")
    }

    fn control(&self, method: &Method, path: &str, body: &Bytes) -> Option<Response<Body>> {
        match (method.as_str(), path) {
            // An address to tell of new items, for a town of another process.
            ("POST", "/_webhook") => {
                self.webhook(String::from_utf8_lossy(body).trim());
                Some(json_answer(StatusCode::OK, &json!({ "ok": true })))
            }
            _ => None,
        }
    }

    async fn answer(&self, asked: Asked) -> Response<Body> {
        if asked.path == "/identity" {
            let answer = json!({"MediaContainer": {"size": 0, "claimed": true, "machineIdentifier": MACHINE, "version": views::VERSION}});
            return json_answer(StatusCode::OK, &answer);
        }
        let Some(account) = self.inner.account(&asked) else { return refused(401, "Unauthorized") };
        if asked.method == Method::GET {
            let picture = match asked.path.as_str() {
                "/photo/:/transcode" => asked.query("url").and_then(|url| self.inner.picture(url)),
                path => self.inner.picture(path),
            };
            if let Some(picture) = picture {
                return picture;
            }
        }
        match self.inner.told(&asked, account) {
            Ok(Value::Null) => text(StatusCode::OK, "text/plain", ""),
            Ok(_) if !asked.header("accept").is_some_and(|accept| accept.contains("json")) => text(
                StatusCode::OK,
                "text/xml",
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MediaContainer size=\"0\"/>",
            ),
            Ok(answer) => json_answer(StatusCode::OK, &answer),
            Err(Other::Missing) => refused(404, "Not Found"),
            Err(Other::Wrong(words)) => refused(400, words),
            Err(Other::Denied) => refused(403, "Forbidden"),
        }
    }
}
