//! The server itself: who is watching, what was watched, by whom, what it is busy with.

use super::{
    arguments::{Key, limit, one_line, section},
    client::{Age, Instance, Plex, Query},
    tell::{self, card, day, items, key, nothing, text, title, titled, total},
};
use majordomo_domain::{
    Call, Card, Effect, Output, Tool, ToolError,
    approval::Wording,
    text::{clean, shorten},
    tool::{Repeat, Undo},
};
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Which Plex server this is and its version; works without a right token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Identity {
    const NAME: &'static str = "plex_identity";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex server version identity reachable läuft erreichbar versión funciona joignable";
    type Service = Plex;

    fn title(&self) -> String {
        "Asking Plex who it is".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let answer = instance.get("/identity", &Query::new(), Age::Now).await?;
        let server = &answer["MediaContainer"];
        Output::json(
            &json!({"machine_identifier": text(&server["machineIdentifier"], 60), "version": text(&server["version"], 40)}),
        )
    }
}

/// Name, version and state of the Plex server, and how many streams it converts right now.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerInfo {
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for ServerInfo {
    const NAME: &'static str = "plex_server_info";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex server name version status transcoder zustand estado état serveur";
    type Service = Plex;

    fn title(&self) -> String {
        "Reading the state of Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let answer = instance.get("/", &Query::new(), Age::Now).await?;
        let server = &answer["MediaContainer"];
        Output::json(&json!({
            "name": text(&server["friendlyName"], 60), "version": text(&server["version"], 40), "platform": text(&server["platform"], 40),
            "account": text(&server["myPlexUsername"], 60), "signed_in": text(&server["myPlexSigninState"], 20),
            "video_conversions": tell::number(&server["transcoderActiveVideoSessions"]).unwrap_or(0),
            "may_delete": server["allowMediaDeletion"].as_bool(),
        }))
    }
}

async fn playing(instance: &Instance) -> Result<Vec<Value>, ToolError> {
    let answer = instance.get("/status/sessions", &Query::new(), Age::Now).await?;
    Ok(items(&answer).to_vec())
}

/// What is told of somebody who watches.
fn told_session(session: &Value) -> Value {
    let (offset, length) =
        (tell::number(&session["viewOffset"]).unwrap_or(0), tell::number(&session["duration"]).unwrap_or(0));
    let converted = session["TranscodeSession"].is_object();
    json!({
        "session_id": text(&session["Session"]["id"], 60), "user": text(&session["User"]["title"], 60), "title": title(session),
        "type": text(&session["type"], 20), "rating_key": key(session), "state": text(&session["Player"]["state"], 20),
        "progress_percent": (offset * 100).checked_div(length), "minutes_in": offset / 60_000, "minutes": length / 60_000,
        "client": text(&session["Player"]["title"], 60), "device": text(&session["Player"]["device"], 60),
        "where": text(&session["Session"]["location"], 20), "kbit_per_second": tell::number(&session["Session"]["bandwidth"]),
        "converted": converted.then(|| text(&session["TranscodeSession"]["videoDecision"], 20)),
    })
}

/// Who is watching what right now, how far, on which device.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Taken for the sake of older callers; everything is told.
    response_level: Option<super::arguments::Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Sessions {
    const NAME: &'static str = "plex_sessions";
    const ALIASES: &'static [&'static str] = &["get_plex_playback_status"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex now playing who is watching streams sessions wer schaut gerade läuft quién está viendo ahora qui regarde en ce moment \
        right now gerade schaut ahora mismo viendo en ce moment regarde";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking who is watching".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let _ = self.response_level;
        let playing = playing(instance).await?;
        if playing.is_empty() {
            return nothing("nobody is watching");
        }
        let told: Vec<Value> = playing.iter().take(20).map(told_session).collect();
        let cards = playing.iter().take(4).map(|session| {
            card(instance, session)
                .fact("Watched by", text(&session["User"]["title"], 60))
                .fact("On", text(&session["Player"]["title"], 60))
        });
        let cards = cards.collect();
        Ok(Output::json(&json!({"total_results": playing.len(), "sessions": told}))?.with_cards(cards))
    }
}

/// Names of the server's accounts by their numbers; empty where the server has no such list.
pub async fn accounts(instance: &Instance) -> Result<BTreeMap<u64, String>, ToolError> {
    let Some(answer) = instance.find("/accounts", &Query::new(), Age::Reference).await? else {
        return Ok(BTreeMap::new());
    };
    let list = answer["MediaContainer"]["Account"].as_array().into_iter().flatten();
    Ok(list
        .filter_map(|one| Some((tell::number(&one["id"])?, text(&one["name"], 60))))
        .filter(|(_, name)| !name.is_empty())
        .collect())
}

/// Who is still about a title: what speaks against taking it away.
#[derive(Debug, Default)]
pub struct Regard {
    /// Accounts that have watched of it, with the day of the last time.
    pub watched: BTreeMap<String, String>,
    /// Begun and not ended, or next in line, such as `S01E03`.
    pub next: Vec<String>,
    /// Who plays it at this moment.
    pub playing: Vec<String>,
    /// Playlists that hold it.
    pub lists: Vec<String>,
}

/// Views that are looked through for who has watched.
const VIEWS: usize = 200;
/// Playlists that are looked into.
const LISTS: usize = 20;

/// Keys of the seasons of a series that have these numbers; those that the library has.
pub async fn seasons_of(instance: &Instance, rating_key: u64, numbers: &[u32]) -> Result<Vec<u64>, ToolError> {
    let path = format!("/library/metadata/{rating_key}/children");
    let Some(answer) = instance.find(&path, &Query::new(), Age::Now).await? else { return Ok(Vec::new()) };
    let is_named = |item: &&Value| numbers.iter().any(|wanted| tell::number(&item["index"]) == Some((*wanted).into()));
    Ok(items(&answer).iter().filter(is_named).filter_map(key).collect())
}

pub async fn regard(instance: &Instance, rating_key: u64) -> Result<Regard, ToolError> {
    let is_it = |item: &Value| {
        ["ratingKey", "parentRatingKey", "grandparentRatingKey"]
            .iter()
            .any(|field| tell::number(&item[*field]) == Some(rating_key))
    };
    let paged =
        |size: usize| vec![("X-Plex-Container-Start", "0".to_owned()), ("X-Plex-Container-Size", size.to_string())];
    let mut regard = Regard::default();
    let accounts = accounts(instance).await?;
    let mut query = vec![("sort", "viewedAt:desc".to_owned()), ("metadataItemID", rating_key.to_string())];
    query.extend(paged(VIEWS));
    let views = instance.get("/status/sessions/history/all", &query, Age::Now).await?;
    for view in items(&views) {
        let id = tell::number(&view["accountID"]).unwrap_or(0);
        let by = accounts.get(&id).cloned().unwrap_or_else(|| format!("account {id}"));
        let day = tell::minute(&view["viewedAt"]).unwrap_or_default().chars().take(10).collect();
        regard.watched.entry(by).or_insert(day);
    }
    if let Some(deck) = instance.find("/library/onDeck", &paged(VIEWS), Age::Now).await? {
        regard.next = items(&deck).iter().filter(|item| is_it(item)).map(title).collect();
    }
    let sessions = instance.get("/status/sessions", &Query::new(), Age::Now).await?;
    regard.playing =
        items(&sessions).iter().filter(|item| is_it(item)).map(|item| text(&item["User"]["title"], 40)).collect();
    let playlists = instance.get("/playlists", &paged(LISTS), Age::Now).await?;
    for playlist in items(&playlists) {
        let Some(key) = key(playlist) else { continue };
        let path = format!("/playlists/{key}/items");
        let Some(held) = instance.find(&path, &paged(VIEWS), Age::Now).await? else { continue };
        if items(&held).iter().any(is_it) {
            regard.lists.push(text(&playlist["title"], 60));
        }
    }
    Ok(regard)
}

/// What was watched when and by whom, newest first: of everything, of one title, or by one account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Only this title; a series' key means all its episodes.
    rating_key: Option<Key>,
    /// Only this account, by name or number.
    account: Option<String>,
    /// Only this library, by title or number.
    section: Option<String>,
    /// Only the last so many days.
    days: Option<u32>,
    /// Views to pass over; 0 when absent.
    offset: Option<u32>,
    /// Views told, 1 to 100; 20 when absent.
    limit: Option<u32>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for History {
    const NAME: &'static str = "plex_history";
    const ALIASES: &'static [&'static str] = &["get_plex_watch_history"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex watch history who watched what when seen last verlauf wer hat gesehen wann historial quién vio cuándo historique qui a vu \
        did we watch last week haben wir gesehen letzte Woche vimos visto semana pasada regardé semaine dernière";
    type Service = Plex;

    fn title(&self) -> String {
        "Reading what was watched on Plex".into()
    }

    async fn run(self, plex: &Plex, call: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let limit = limit(self.limit, 20)?;
        let accounts = accounts(instance).await?;
        let mut query: Query = vec![("sort", "viewedAt:desc".to_owned())];
        query.extend(self.rating_key.map(|key| ("metadataItemID", key.0.to_string())));
        if let Some(name) = self.account.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            let plain = name.to_lowercase();
            let found = accounts.iter().find(|(id, own)| id.to_string() == plain || own.to_lowercase() == plain);
            let Some((id, _)) = found else {
                let known: Vec<&str> = accounts.values().map(String::as_str).take(30).collect();
                let name = shorten(&clean(name), 40);
                let text = format!("Plex has no account “{name}”; it has {}", known.join(", "));
                return Err(ToolError::TellModel(text));
            };
            query.push(("accountID", id.to_string()));
        }
        if let Some(name) = &self.section {
            query.push(("librarySectionID", section(instance, name).await?.key));
        }
        if let Some(days) = self.days {
            query.push(("viewedAt>", (call.now_ms / 1_000 - i64::from(days) * 86_400).to_string()));
        }
        query.push(("X-Plex-Container-Start", self.offset.unwrap_or(0).to_string()));
        query.push(("X-Plex-Container-Size", limit.to_string()));
        let answer = instance.get("/status/sessions/history/all", &query, Age::List).await?;
        let views: Vec<Value> = items(&answer)
            .iter()
            .take(limit)
            .map(|view| {
                let id = tell::number(&view["accountID"]).unwrap_or(0);
                let by = accounts.get(&id).cloned().unwrap_or_else(|| format!("account {id}"));
                // An item that was deleted since has no key.
                json!({"title": title(view), "type": text(&view["type"], 20), "viewed_at": tell::minute(&view["viewedAt"]), "by": by,
                    "rating_key": key(view)})
            })
            .collect();
        if views.is_empty() {
            return nothing("nothing of that was watched");
        }
        Output::json(&json!({"total_results": total(&answer).max(views.len()), "views": views}))
    }
}

/// Accounts of the Plex server with their numbers.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Accounts {
    const NAME: &'static str = "plex_accounts";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex accounts users who has access konten benutzer cuentas usuarios comptes utilisateurs";
    type Service = Plex;

    fn title(&self) -> String {
        "Listing the accounts on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let found = accounts(instance).await?;
        if found.is_empty() {
            return nothing("the server lists no accounts");
        }
        let told: Vec<Value> = found.iter().take(50).map(|(id, name)| json!({"id": id, "name": name})).collect();
        Output::json(&json!({"total_results": found.len(), "accounts": told}))
    }
}

/// What the Plex server is busy with: scans, analyses, downloads of subtitles.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Activities {
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Activities {
    const NAME: &'static str = "plex_activities";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex activities scanning busy jobs progress scannt beschäftigt actividades escaneando activités analyse en cours";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking what Plex is busy with".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let answer = instance.get("/activities", &Query::new(), Age::Now).await?;
        let found = answer["MediaContainer"]["Activity"].as_array().map_or(&[][..], Vec::as_slice);
        if found.is_empty() {
            return nothing("it is not busy with anything");
        }
        let told: Vec<Value> = found
            .iter()
            .take(20)
            .map(|one| {
                json!({"title": text(&one["title"], 120), "what": text(&one["subtitle"], 200), "type": text(&one["type"], 60),
                    "percent": one["progress"].as_f64()})
            })
            .collect();
        Output::json(&json!({"total_results": found.len(), "activities": told}))
    }
}

/// Have Plex look for new and removed files in a library, or in one folder of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanSection {
    /// The library, by title or number.
    section: String,
    /// Only this folder, as the server sees it.
    path: Option<String>,
    /// Also read every description anew, which takes long.
    force: Option<bool>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl ScanSection {
    /// The folder, which must be within the library.
    fn folder(&self, folders: &[String]) -> Result<Option<String>, ToolError> {
        let Some(path) = self.path.as_deref().map(str::trim).filter(|path| !path.is_empty()) else { return Ok(None) };
        let within = |folder: &String| {
            let rest = path.strip_prefix(folder.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
        };
        if folders.iter().any(within) && !path.split(['/', '\\']).any(|part| part == "..") {
            return Ok(Some(path.to_owned()));
        }
        Err(ToolError::TellModel(format!("the folder is not in that library; it has {}", folders.join(", "))))
    }
}

impl Tool for ScanSection {
    const NAME: &'static str = "plex_scan_section";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("a scan only reads the disk and cannot be called back");
    const KEYWORDS: &'static str = "plex scan library refresh new files not showing up neue dateien scannen einlesen escanear biblioteca analyser bibliothèque nouveaux fichiers";
    type Service = Plex;

    fn title(&self) -> String {
        format!("Scan {} on Plex", shorten(&clean(&self.section), 40))
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let section = section(instance, &self.section).await?;
        let folder = self.folder(&section.folders)?;
        let descriptions = if self.force == Some(true) { "all read anew" } else { "kept" };
        Ok(Card::new(format!("Scan {}", section.title))
            .fact("Folder", folder.unwrap_or_else(|| section.folders.join(", ")))
            .fact("Descriptions", descriptions))
    }

    fn wording(&self, _: &Plex) -> Wording {
        let name = shorten(&clean(&self.section), 40);
        Wording {
            question: format!("Have Plex look for new files in {name}?"),
            declined: format!("{name} was not scanned."),
            reason: String::new(),
        }
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let section = section(instance, &self.section).await?;
        let mut query = Query::new();
        query.extend(self.folder(&section.folders)?.map(|folder| ("path", folder)));
        query.extend(self.force.filter(|force| *force).map(|_| ("force", "1".to_owned())));
        let path = format!("/library/sections/{}/refresh", section.key);
        if instance.change_either_way(Method::POST, &path, &query).await?.is_none() {
            return Err(instance.could_not("it did not begin to scan"));
        }
        instance.library_is_stale();
        let scanned =
            day(&json!(section.scanned_at)).map_or(String::new(), |day| format!(" It was scanned last on {day}."));
        Ok(Output::done(format!("Plex has begun to scan {}; that takes a while.{scanned}", section.title)))
    }
}

/// Stop what somebody is watching; they see the reason. Needs Plex Pass.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopSession {
    /// The session's id, from `plex_sessions`.
    session_id: String,
    /// Shown to the one who watches.
    reason: Option<String>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl StopSession {
    async fn session(&self, instance: &Instance) -> Result<Value, ToolError> {
        let id = one_line("session_id", &self.session_id)?;
        let found = playing(instance).await?.into_iter().find(|session| session["Session"]["id"] == id.as_str());
        found.ok_or_else(|| ToolError::TellModel("nobody is watching under that session_id; see plex_sessions".into()))
    }
}

impl Tool for StopSession {
    const NAME: &'static str = "plex_stop_session";
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("whoever watched has to press play again");
    const KEYWORDS: &'static str =
        "plex stop stream kick session end playback beenden abbrechen detener reproducción parar arrêter lecture";
    type Service = Plex;

    fn title(&self) -> String {
        "Stop what somebody is watching".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let session = self.session(instance).await?;
        let reason = self.reason.as_deref().map(|reason| one_line("reason", reason)).transpose()?;
        Ok(card(instance, &session)
            .fact("Watched by", text(&session["User"]["title"], 60))
            .fact("On", text(&session["Player"]["title"], 60))
            .fact("They are told", reason.unwrap_or_else(|| "nothing".into())))
    }

    fn wording(&self, _: &Plex) -> Wording {
        Wording {
            question: "Stop what they are watching?".into(),
            declined: "Nobody was interrupted.".into(),
            reason: String::new(),
        }
    }

    async fn check(&self, plex: &Plex, _: &Call) -> Result<Option<Output>, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let is_on = playing(instance).await?.iter().any(|session| session["Session"]["id"] == self.session_id.as_str());
        Ok((!is_on).then(|| Output::done("The stream has ended.")))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let session = self.session(instance).await?;
        let mut query: Query = vec![("sessionId", text(&session["Session"]["id"], 60))];
        if let Some(reason) = &self.reason {
            query.push(("reason", one_line("reason", reason)?));
        }
        let stopped = instance.change_either_way(Method::POST, "/status/sessions/terminate", &query).await?;
        if stopped.is_none() {
            return Err(instance.could_not("it does not let streams be stopped; that needs Plex Pass"));
        }
        let still = playing(instance).await?.iter().any(|one| one["Session"]["id"] == session["Session"]["id"]);
        let (who, what) = (text(&session["User"]["title"], 60), titled(&session));
        // A player takes some seconds to notice.
        let end = if still { " The player has not stopped yet." } else { "" };
        Ok(Output::done(format!("{who} was told to stop {what}.{end}")))
    }
}
