//! What a test or a person at the controls can play: the same through [`Servarr`] and through paths starting with `/_`.

use super::{
    Kind, Servarr, history::EventType, indexer::Query, queue::Phase, radarr::Dates, settings::quality_named,
    state::State,
};
use crate::{requests::locked, server::json_answer};
use axum::{
    body::Body,
    http::{Method, Response, StatusCode},
};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How fast things go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// From a command's coming to its end, the first half of it queued.
    pub command_ms: u32,
    pub bytes_per_second: u64,
    /// From the end of a download to its import.
    pub import_ms: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { command_ms: 2000, bytes_per_second: 20_000_000, import_ms: 5000 }
    }
}

impl Pace {
    /// Everything is done by the next look.
    pub fn at_once() -> Self {
        Self { command_ms: 0, bytes_per_second: u64::MAX, import_ms: 0 }
    }
}

/// What becomes of the downloads that begin from now on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fate {
    #[default]
    Fine,
    /// No seeders: it stands still for ever.
    Stall,
    /// The client reports a failure at the end.
    Fail { message: String },
    /// Finished, and the import waits for a person.
    Block { messages: Vec<String> },
}

/// A state of a queue row that does not change by itself. Words are the API's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// `downloading`, `paused`, `queued`, `warning`, `completed`, `failed`, `delay`, `downloadClientUnavailable`.
    pub status: String,
    /// `downloading`, `importPending`, `importBlocked`, `importing`, `failedPending`, `ignored`. None for none.
    #[serde(default)]
    pub tracked_state: Option<String>,
    /// `ok`, `warning` or `error`.
    #[serde(default = "fine")]
    pub tracked_status: String,
    #[serde(default)]
    pub messages: Vec<String>,
    #[serde(default)]
    pub error: Option<String>,
    /// The share that is still to come, 0 to 1.
    #[serde(default)]
    pub left: f64,
}

fn fine() -> String {
    "ok".to_owned()
}

impl Held {
    pub fn of(status: &str, tracked_state: &str, left: f64) -> Self {
        let tracked_state = Some(tracked_state.to_owned()).filter(|state| !state.is_empty());
        Self {
            status: status.to_owned(),
            tracked_state,
            tracked_status: fine(),
            messages: Vec::new(),
            error: None,
            left,
        }
    }

    pub fn stalled() -> Self {
        Self {
            tracked_status: "warning".to_owned(),
            error: Some("The download is stalled with no connections".to_owned()),
            ..Self::of("warning", "downloading", 0.6)
        }
    }

    /// Finished, and a person is wanted.
    pub fn blocked(messages: Vec<String>) -> Self {
        Self { tracked_status: "warning".to_owned(), messages, ..Self::of("completed", "importBlocked", 0.0) }
    }
}

/// A problem under System, Status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthIssue {
    /// The check, such as `IndexerStatusCheck`.
    pub source: String,
    /// `notice`, `warning` or `error`.
    pub level: String,
    pub message: String,
}

impl HealthIssue {
    pub fn new(source: &str, level: &str, message: &str) -> Self {
        Self { source: source.to_owned(), level: level.to_owned(), message: message.to_owned() }
    }

    pub(super) fn view(&self, place: usize) -> Value {
        json!({
            "id": place + 1, "source": self.source, "type": self.level, "message": self.message,
            "wikiUrl": format!("https://wiki.servarr.com/system#{}", self.source.to_lowercase()),
        })
    }
}

/// A webhook that was told, or was meant to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sent {
    pub at: Timestamp,
    pub event: String,
    pub body: Value,
    /// The receiver's status, 0 when there was no answer. None when the connection was being left alone.
    pub status: Option<u16>,
}

/// What `POST /_queue` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    /// TMDb or TVDB id. Something unknown when absent.
    #[serde(default)]
    id: Option<u64>,
    #[serde(default)]
    season: Option<u32>,
    #[serde(default)]
    episodes: Vec<u32>,
    #[serde(default)]
    title: Option<String>,
    quality: String,
    #[serde(default)]
    size: Option<u64>,
    state: Held,
}

/// What `POST /_downloads` takes: one download by the client's name for it, or all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    #[serde(default)]
    download_id: Option<String>,
    /// `finish`, `fail`, `import`, or `hold` with a state.
    to: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    state: Option<Held>,
}

/// What `POST /_hooks` takes.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Hooks {
    /// From now on nothing is told, as if the receiver had been away.
    Withhold,
    Resume,
    /// The newest events once more.
    Again {
        count: usize,
    },
    /// Any body, to every connection.
    Send {
        event: String,
        body: Value,
    },
}

/// A row of history to begin with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// TMDb or TVDB id.
    pub id: u64,
    #[serde(default)]
    pub season: Option<u32>,
    #[serde(default)]
    pub episode: Option<u32>,
    /// By name, such as `grabbed`.
    pub event: String,
    pub title: String,
    pub quality: String,
    #[serde(default)]
    pub hours_ago: u32,
    #[serde(default)]
    pub download_id: Option<String>,
    #[serde(default)]
    pub data: Value,
}

impl Servarr {
    /// The only key it takes.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Everything that the clock made due happens, and what is to be told has been told.
    pub async fn settle(&self) {
        drop(self.now());
        self.post().await;
    }

    /// The next thing under way happens now: a command goes on, a download ends, an import is done. False when there is
    /// none.
    pub async fn step(&self) -> bool {
        let moved = self.now().step();
        self.post().await;
        moved
    }

    /// Steps until nothing is under way any more.
    pub async fn run_out(&self) {
        // More steps than any test's household has things under way.
        for _ in 0..10_000 {
            if !self.step().await {
                return;
            }
        }
    }

    pub fn pace(&self, pace: Pace) {
        self.now().pace = pace;
    }

    /// What the indexers have of a film (TMDb id) or series (TVDB id), instead of the ordinary stock. None of it: searches
    /// find nothing.
    pub fn offers(&self, id: u64, offers: impl IntoIterator<Item = super::Offer>) {
        self.now().offers.insert(id, offers.into_iter().collect());
    }

    /// What becomes of the downloads that begin from now on.
    pub fn fate(&self, fate: Fate) {
        self.now().fate = fate;
    }

    /// Puts a film into the queue in a state that stays. The client's name for it comes back.
    pub fn put_film(&self, tmdb: u64, quality: &str, state: Held) -> Option<String> {
        self.put(Put {
            id: Some(tmdb),
            season: None,
            episodes: Vec::new(),
            title: None,
            quality: quality.to_owned(),
            size: None,
            state,
        })
    }

    /// Puts episodes of a season, or all of it when none are named, into the queue in a state that stays.
    pub fn put_season(&self, tvdb: u64, season: u32, episodes: &[u32], quality: &str, state: Held) -> Option<String> {
        self.put(Put {
            id: Some(tvdb),
            season: Some(season),
            episodes: episodes.to_vec(),
            title: None,
            quality: quality.to_owned(),
            size: None,
            state,
        })
    }

    /// Puts something into the queue that belongs to nothing in the library.
    pub fn put_unknown(&self, title: &str, quality: &str, size: u64, state: Held) -> Option<String> {
        self.put(Put {
            id: None,
            season: None,
            episodes: Vec::new(),
            title: Some(title.to_owned()),
            quality: quality.to_owned(),
            size: Some(size),
            state,
        })
    }

    fn put(&self, put: Put) -> Option<String> {
        self.now().put(put)
    }

    /// Changes the state of a download, or of all, to one that stays.
    pub fn hold(&self, download_id: Option<&str>, state: Held) -> usize {
        self.now().turn(download_id, |state_of, number| state_of.hold(number, state.clone()))
    }

    /// Ends downloads well: their files are imported, or wait for a person where the import is refused.
    pub async fn finish(&self, download_id: Option<&str>) -> usize {
        let done = self.now().turn(download_id, State::finish);
        self.post().await;
        done
    }

    /// Ends downloads badly.
    pub async fn fail(&self, download_id: Option<&str>, message: &str) -> usize {
        let done = self.now().turn(download_id, |state, number| state.failed(number, message));
        self.post().await;
        done
    }

    /// Takes everything out of the queue without a word.
    pub fn clear_queue(&self) {
        self.now().downloads.clear();
    }

    /// An empty library, queue, history and blocklist. The disk stays as it is.
    pub fn clear(&self) {
        self.now().clear();
    }

    /// Writes a row of history. False when the film, series or event is unknown.
    pub fn past(&self, past: &Past) -> bool {
        self.now().write_past(past)
    }

    /// The problems from now on; what is new is told, and what is gone is told as well.
    pub async fn health(&self, issues: impl IntoIterator<Item = HealthIssue>) {
        self.now().set_health(issues.into_iter().collect());
        self.post().await;
    }

    /// Bytes free on the folder of films or series; the disk's own again with None.
    pub fn free_space(&self, bytes: Option<u64>) {
        self.now().free = bytes;
    }

    /// Another root folder beside the first, such as `/films-old`.
    pub fn also_root(&self, path: &str) {
        self.now().further_roots.push(path.to_owned());
    }

    /// When a film of the library can be had.
    pub fn dates(&self, tmdb: u64, dates: Dates) -> bool {
        let mut state = self.now();
        let Some(movie) = state.movies.iter_mut().find(|movie| movie.film.id == tmdb) else { return false };
        movie.dates = Some(dates);
        true
    }

    /// A file goes from the disk without the service having been asked. Season and episode for series.
    pub async fn lose(&self, id: u64, episode: Option<(u32, u32)>) -> bool {
        let lost = {
            let mut state = self.now();
            let items = state.items(
                id,
                episode.map(|(season, _)| season),
                &episode.map(|(_, one)| vec![one]).unwrap_or_default(),
            );
            items.into_iter().any(|item| state.lose_file(item))
        };
        self.post().await;
        lost
    }

    /// What happens from now on is told to nobody, as if the receiver had been away.
    pub fn withhold(&self, on: bool) {
        self.now().withheld = on;
    }

    /// Tells the newest events once more.
    pub async fn tell_again(&self, count: usize) {
        self.now().again(count);
        self.post().await;
    }

    /// Tells any event to every connection.
    pub async fn tell(&self, event: &str, body: Value) {
        self.now().tell("", event, body);
        self.post().await;
    }

    /// What was told, oldest first.
    pub fn sent(&self) -> Vec<Sent> {
        locked(&self.state).sent()
    }

    /// The same as above over HTTP.
    pub(super) fn play(&self, method: &Method, path: &str, body: &Bytes) -> Option<Response<Body>> {
        let value: Value = if body.is_empty() { json!({}) } else { serde_json::from_slice(body).ok()? };
        let played = match (method.as_str(), path) {
            ("POST", "/_step") => Ok(json!({"moved": self.now().step()})),
            ("POST", "/_pace") => read(value).map(|pace| {
                self.pace(pace);
                json!({"ok": true})
            }),
            ("POST", "/_offers") => {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Given {
                    id: u64,
                    offers: Vec<super::Offer>,
                }
                read(value).map(|given: Given| {
                    self.offers(given.id, given.offers);
                    json!({"ok": true})
                })
            }
            ("DELETE", "/_offers") => {
                self.now().offers.clear();
                Ok(json!({"ok": true}))
            }
            ("POST", "/_fate") => read(value).map(|fate| {
                self.fate(fate);
                json!({"ok": true})
            }),
            ("POST", "/_queue") => read(value).map(|put| json!({"download_id": self.put(put)})),
            ("DELETE", "/_queue") => {
                self.clear_queue();
                Ok(json!({"ok": true}))
            }
            ("POST", "/_downloads") => read(value).and_then(|turn: Turn| {
                let (id, mut state) = (turn.download_id.as_deref(), self.now());
                let message = turn.message.unwrap_or_else(|| "The download failed".to_owned());
                let done = match (turn.to.as_str(), turn.state) {
                    ("finish", _) => state.turn(id, State::finish),
                    ("fail", _) => state.turn(id, |state, number| state.failed(number, &message)),
                    ("hold", Some(held)) => state.turn(id, |state, number| state.hold(number, held.clone())),
                    _ => return Err("to is finish, fail, or hold with a state".to_owned()),
                };
                Ok(json!({"changed": done}))
            }),
            ("POST", "/_history") => read(value).map(|past: Past| json!({"ok": self.past(&past)})),
            ("POST", "/_health") => read(value).map(|issues: Vec<HealthIssue>| {
                self.now().set_health(issues);
                json!({"ok": true})
            }),
            ("POST", "/_disk") => {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Given {
                    free: Option<u64>,
                }
                read(value).map(|given: Given| {
                    self.free_space(given.free);
                    json!({"ok": true})
                })
            }
            ("POST", "/_dates") => {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Given {
                    id: u64,
                    dates: Dates,
                }
                read(value).map(|given: Given| json!({"ok": self.dates(given.id, given.dates)}))
            }
            ("POST", "/_clear") => {
                self.clear();
                Ok(json!({"ok": true}))
            }
            ("GET", "/_hooks") => Ok(json!({"sent": self.sent()})),
            ("POST", "/_hooks") => read(value).map(|hooks| {
                let mut state = self.now();
                match hooks {
                    Hooks::Withhold => state.withheld = true,
                    Hooks::Resume => state.withheld = false,
                    Hooks::Again { count } => state.again(count),
                    Hooks::Send { event, body } => state.tell("", &event, body),
                }
                json!({"ok": true})
            }),
            _ => return None,
        };
        Some(match played {
            Ok(answer) => json_answer(StatusCode::OK, &answer),
            Err(reason) => json_answer(StatusCode::BAD_REQUEST, &json!({"error": reason})),
        })
    }
}

fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

impl State {
    /// The movie of a TMDb id, or episodes of a TVDB id.
    fn items(&self, id: u64, season: Option<u32>, episodes: &[u32]) -> Vec<u32> {
        match self.kind {
            Kind::Radarr => self.movies.iter().filter(|movie| movie.film.id == id).map(|movie| movie.id).collect(),
            Kind::Sonarr => self
                .episodes
                .iter()
                .filter(|one| one.tvdb == id && season.is_none_or(|season| season == one.season))
                .filter(|one| episodes.is_empty() || episodes.contains(&one.number))
                .map(|one| one.id)
                .collect(),
        }
    }

    fn put(&mut self, put: Put) -> Option<String> {
        let quality = quality_named(&put.quality)?;
        let items = put.id.map(|id| self.items(id, put.season, &put.episodes)).unwrap_or_default();
        if put.id.is_some() && items.is_empty() {
            return None;
        }
        let mut offer = super::Offer::of(&put.quality);
        offer.season = put.season;
        offer.episodes = put.episodes;
        offer.title = put.title;
        offer.size = put.size;
        let query = match self.kind {
            Kind::Radarr => items.first().map(|item| Query::Movie(*item)),
            Kind::Sonarr => items.first().map(|item| match put.season {
                Some(season) if offer.episodes.is_empty() => Query::Season(self.owner_of(*item), season),
                _ => Query::Episode(*item),
            }),
        };
        let release = match query {
            Some(query) => self.release_of(query, offer)?,
            None => Self::unknown_release(offer, quality),
        };
        let number = self.begin(&release);
        self.hold(number, put.state);
        self.downloads.iter().find(|download| download.number == number)?.id.clone()
    }

    /// Does something to one download by the client's name for it, or to all. How many there were.
    fn turn(&mut self, download_id: Option<&str>, mut act: impl FnMut(&mut Self, u32)) -> usize {
        let wanted = |id: &Option<String>| download_id.is_none_or(|wanted| id.as_deref() == Some(wanted));
        let numbers: Vec<u32> =
            self.downloads.iter().filter(|one| wanted(&one.id)).map(|download| download.number).collect();
        for number in &numbers {
            act(self, *number);
        }
        numbers.len()
    }

    fn finish(&mut self, number: u32) {
        let now = self.now;
        let Some(download) = self.downloads.iter_mut().find(|download| download.number == number) else { return };
        download.held = None;
        download.done_at = now;
        download.phase = Phase::Finished(now);
        self.import(number);
    }

    fn clear(&mut self) {
        self.movies.clear();
        self.shows.clear();
        self.episodes.clear();
        self.files.clear();
        self.downloads.clear();
        self.history.clear();
        self.blocklist.clear();
        self.exclusions.clear();
        self.collections.clear();
        self.commands.clear();
    }

    fn write_past(&mut self, past: &Past) -> bool {
        let kind = self.kind;
        let event = EventType::ALL.into_iter().find(|event| event.name(kind) == past.event);
        let episodes: Vec<u32> = past.episode.into_iter().collect();
        let items = self.items(past.id, past.season, &episodes);
        let (Some(event), Some(quality), false) = (event, quality_named(&past.quality), items.is_empty()) else {
            return false;
        };
        let now = self.now;
        let ago = jiff::SignedDuration::from_hours(i64::from(past.hours_ago));
        self.now = now.checked_sub(ago).unwrap_or(now);
        let data = if past.data.is_null() { json!({"indexer": "Public Domain Torrents"}) } else { past.data.clone() };
        for item in items {
            self.note(item, event, &past.title, quality, past.download_id.as_deref(), data.clone());
        }
        self.now = now;
        true
    }

    fn set_health(&mut self, issues: Vec<HealthIssue>) {
        let before = std::mem::replace(&mut self.health, issues.clone());
        for issue in issues.iter().filter(|issue| !before.contains(issue)) {
            self.tell_health(false, &issue.level, &issue.source, &issue.message);
        }
        for issue in before.iter().filter(|issue| !issues.contains(issue)) {
            self.tell_health(true, &issue.level, &issue.source, &issue.message);
        }
    }

    fn again(&mut self, count: usize) {
        let newest = self.posted.len().saturating_sub(count);
        let copies = self.posted.get(newest..).unwrap_or_default().to_vec();
        self.outbox.extend(copies);
    }

    fn sent(&self) -> Vec<Sent> {
        self.posted
            .iter()
            .map(|event| Sent {
                at: event.at,
                event: event.body["eventType"].as_str().unwrap_or_default().to_owned(),
                body: event.body.clone(),
                status: event.status,
            })
            .collect()
    }
}
