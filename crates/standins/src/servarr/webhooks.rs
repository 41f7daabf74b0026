//! Connections of the kind `Webhook`: what is told to them, in which words, once and in order.
//!
//! Values that are absent are left out. A connection that failed is left alone for growing periods, and what happens in
//! such a period is told to nobody.

use super::{
    Kind, Question, Refusal, Servarr, Told, accepted, id_of,
    import::Imported,
    invalid,
    library::{FileRecord, Reason},
    ok,
    queue::Download,
    settings::QUALITIES,
    state::{State, there},
};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) type Client = HttpClient<HttpConnector, Body>;

pub(super) fn client() -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    HttpClient::builder(TokioExecutor::new()).build(connector)
}

/// How long one delivery may take.
const AT_MOST: Duration = Duration::from_secs(30);
/// Seconds a connection is left alone after its first, second, … failure in a row.
const LEFT_ALONE: [i64; 9] = [60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400];
/// Told events that are remembered.
const REMEMBERED: usize = 1000;

/// A connection as it was posted.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) id: u32,
    resource: Value,
    failures: usize,
    alone_until: Option<Timestamp>,
}

/// Something that was told, or is about to be.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) hook: u32,
    pub(super) body: Value,
    /// The status of the receiver, 0 when there was no answer. None when it was not sent at all.
    pub(super) status: Option<u16>,
}

/// The flags of either service.
fn flags(kind: Kind) -> Vec<&'static str> {
    let own: &[&str] = match kind {
        Kind::Radarr => &["onMovieAdded", "onMovieDelete", "onMovieFileDelete", "onMovieFileDeleteForUpgrade"],
        Kind::Sonarr => &[
            "onSeriesAdd",
            "onSeriesDelete",
            "onEpisodeFileDelete",
            "onEpisodeFileDeleteForUpgrade",
            "onImportComplete",
        ],
    };
    let both = [
        "onGrab",
        "onDownload",
        "onUpgrade",
        "onRename",
        "onHealthIssue",
        "includeHealthWarnings",
        "onHealthRestored",
        "onApplicationUpdate",
        "onManualInteractionRequired",
    ];
    both.into_iter().chain(own.iter().copied()).collect()
}

/// The template `GET /notification/schema` gives.
fn template(kind: Kind) -> Value {
    let field = |order: u32, name: &str, label: &str, what: &str, value: Value| {
        json!({"order": order, "name": name, "label": label, "type": what, "value": value, "advanced": false,
            "privacy": if name == "password" { "password" } else { "normal" }, "isFloat": false})
    };
    let mut template = json!({
        "name": "", "implementation": "Webhook", "implementationName": "Webhook", "configContract": "WebhookSettings",
        "infoLink": "", "tags": [], "fields": [
            field(0, "url", "Webhook URL", "url", Value::Null), field(1, "method", "Method", "select", json!(1)),
            field(2, "username", "Username", "textbox", Value::Null), field(3, "password", "Password", "password", Value::Null),
            field(4, "headers", "Headers", "keyValueList", json!([])),
        ],
    });
    for flag in flags(kind) {
        template[flag] = json!(false);
        if flag != "includeHealthWarnings" {
            let supports = format!("supports{}{}", flag[..1].to_uppercase(), &flag[1..]);
            template[supports] = json!(true);
        }
    }
    template
}

fn field<'a>(resource: &'a Value, name: &str) -> &'a Value {
    let fields = resource["fields"].as_array().into_iter().flatten();
    fields.into_iter().find(|field| field["name"] == name).map_or(&Value::Null, |field| &field["value"])
}

/// Takes out what is null, all the way down.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// What leaves for one connection.
struct Letter {
    url: String,
    method: &'static str,
    headers: Vec<(String, String)>,
    body: Value,
}

fn letter(kind: Kind, resource: &Value, body: Value) -> Letter {
    let text = |name: &str| field(resource, name).as_str().filter(|value| !value.is_empty());
    let mut headers = Vec::new();
    if text("username").is_some() || text("password").is_some() {
        let pair = format!("{}:{}", text("username").unwrap_or_default(), text("password").unwrap_or_default());
        headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(pair))));
    }
    for pair in field(resource, "headers").as_array().into_iter().flatten() {
        if let (Some(key), Some(value)) = (pair["key"].as_str(), pair["value"].as_str()) {
            headers.push((key.to_owned(), value.to_owned()));
        }
    }
    headers.push(("user-agent".to_owned(), kind.name().to_owned()));
    let method = if field(resource, "method").as_u64() == Some(2) { "PUT" } else { "POST" };
    Letter { url: text("url").unwrap_or_default().to_owned(), method, headers, body }
}

/// The receiver's status, 0 when there was no answer.
async fn send(client: &Client, letter: Letter) -> u16 {
    let mut request = Request::builder().method(letter.method).uri(&letter.url);
    request = request.header(header::CONTENT_TYPE, "application/json");
    for (name, value) in &letter.headers {
        request = request.header(name.as_str(), value.as_str());
    }
    let Ok(request) = request.body(Body::from(letter.body.to_string())) else { return 0 };
    match tokio::time::timeout(AT_MOST, client.request(request)).await {
        Ok(Ok(answer)) => answer.status().as_u16(),
        Ok(Err(_)) | Err(_) => 0,
    }
}

impl Servarr {
    /// Sends what waits, from a task of its own.
    pub(super) fn post_soon(&self) {
        let Some(instance) = self.itself.upgrade() else { return };
        if super::locked(&self.state).outbox.is_empty() {
            return;
        }
        tokio::spawn(async move { instance.post().await });
    }

    /// Sends what waits, oldest first, each once. Returns when the last has been answered.
    pub(super) async fn post(&self) {
        let client = self.posting.lock().await;
        loop {
            let next = {
                let mut state = super::locked(&self.state);
                let Some(event) = state.outbox.pop_front() else { return };
                let hook = state.hooks.iter().find(|hook| hook.id == event.hook);
                let alone = hook.and_then(|hook| hook.alone_until).is_some_and(|until| until > self.clock.now());
                let letter = hook.filter(|_| !alone).map(|hook| letter(self.kind, &hook.resource, event.body.clone()));
                (event, letter)
            };
            let (mut event, letter) = next;
            if let Some(letter) = letter {
                event.status = Some(send(&client, letter).await);
            }
            let mut state = super::locked(&self.state);
            let now = self.clock.now();
            if let (Some(status), Some(hook)) =
                (event.status, state.hooks.iter_mut().find(|hook| hook.id == event.hook))
            {
                hook.settle(now, (200..300).contains(&status));
            }
            if state.posted.len() == REMEMBERED {
                state.posted.remove(0);
            }
            state.posted.push(event);
        }
    }

    /// Saving a connection sends a test event, and does not save when nobody takes it.
    pub(super) async fn test(&self, resource: &Value) -> Result<(), Refusal> {
        let body = super::locked(&self.state).test_event();
        let letter = letter(self.kind, resource, body);
        let client = self.posting.lock().await;
        let url = letter.url.clone();
        match send(&client, letter).await {
            200..300 => Ok(()),
            status => {
                let message = format!("Unable to send test message: the receiver answered {status}");
                Err(invalid("Url", message, json!(url), ""))
            }
        }
    }
}

impl Hook {
    fn settle(&mut self, now: Timestamp, went_well: bool) {
        if went_well {
            self.failures = 0;
            self.alone_until = None;
            return;
        }
        let seconds = LEFT_ALONE.get(self.failures).or(LEFT_ALONE.last()).copied().unwrap_or_default();
        self.failures += 1;
        self.alone_until = now.checked_add(SignedDuration::from_secs(seconds)).ok();
    }

    fn view(&self) -> Value {
        let mut view = self.resource.clone();
        view["id"] = json!(self.id);
        for field in view["fields"].as_array_mut().into_iter().flatten() {
            if field["name"] == "password" && field["value"].as_str().is_some_and(|value| !value.is_empty()) {
                field["value"] = json!("********");
            }
        }
        view
    }
}

impl State {
    pub(super) fn hook_told(&mut self, question: &Question<'_>) -> Option<Told> {
        let ("notification", rest) = question.path.split_first().map(|(first, rest)| (*first, rest))? else {
            return None;
        };
        Some(self.hook_list(question, rest))
    }

    fn hook_list(&mut self, question: &Question<'_>, rest: &[&str]) -> Told {
        match (question.method, rest) {
            ("GET", []) => ok(self.hooks.iter().map(Hook::view).collect::<Vec<_>>()),
            ("GET", ["schema"]) => ok(json!([template(self.kind)])),
            ("GET", [id]) => {
                let id = id_of(id)?;
                ok(there(self.hooks.iter().find(|hook| hook.id == id))?.view())
            }
            ("POST", ["test"]) => ok(json!({})),
            ("POST", []) => {
                let resource = self.hook_given(&question.body, None)?;
                let id = self.fresh("hook");
                let hook = Hook { id, resource, failures: 0, alone_until: None };
                let view = hook.view();
                self.hooks.push(hook);
                Ok((StatusCode::CREATED, view))
            }
            ("PUT", [id]) => {
                let id = id_of(id)?;
                there(self.hooks.iter().find(|hook| hook.id == id))?;
                let resource = self.hook_given(&question.body, Some(id))?;
                let hook = there(self.hooks.iter_mut().find(|hook| hook.id == id))?;
                hook.resource = resource;
                accepted(hook.view())
            }
            ("DELETE", [id]) => {
                let id = id_of(id)?;
                there(self.hooks.iter().position(|hook| hook.id == id).map(|place| self.hooks.remove(place)))?;
                ok(json!({}))
            }
            _ => Err(Refusal::Missing),
        }
    }

    fn hook_given(&self, body: &Value, own: Option<u32>) -> Result<Value, Refusal> {
        let name = body["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            return Err(invalid("Name", "'Name' must not be empty.", json!(name), "NotEmptyValidator"));
        }
        if self.hooks.iter().any(|hook| Some(hook.id) != own && hook.resource["name"] == name) {
            return Err(invalid("Name", "Should be unique", json!(name), "PredicateValidator"));
        }
        if field(body, "url").as_str().unwrap_or_default().is_empty() {
            return Err(invalid("Url", "'Url' must not be empty.", Value::Null, "NotEmptyValidator"));
        }
        let mut resource = template(self.kind);
        if let (Some(all), Some(given)) = (resource.as_object_mut(), body.as_object()) {
            all.extend(given.clone());
        }
        // The password that was shown as stars stays what it was.
        let kept = own.and_then(|id| self.hooks.iter().find(|hook| hook.id == id));
        if let Some(kept) = kept
            && field(&resource, "password") == "********"
        {
            let password = field(&kept.resource, "password").clone();
            for field in resource["fields"].as_array_mut().into_iter().flatten() {
                if field["name"] == "password" {
                    field["value"] = password.clone();
                }
            }
        }
        Ok(resource)
    }

    /// Puts an event into the outbox of every connection that wants it.
    pub(super) fn tell(&mut self, flag: &str, kind: &str, body: Value) {
        if self.withheld {
            return;
        }
        let mut whole = json!({
            "eventType": kind, "instanceName": self.instance_name(), "applicationUrl": "",
        });
        if let (Some(whole), Value::Object(body)) = (whole.as_object_mut(), body) {
            whole.extend(body);
        }
        without_nulls(&mut whole);
        let wanting = |hook: &&Hook| flag.is_empty() || hook.resource[flag] == true;
        let hooks: Vec<u32> = self.hooks.iter().filter(wanting).map(|hook| hook.id).collect();
        for hook in hooks {
            self.outbox.push_back(Event { at: self.now, hook, body: whole.clone(), status: None });
        }
    }

    /// Whether any connection takes health warnings.
    fn wants_health(&self, level: &str) -> bool {
        level == "error" || self.hooks.iter().any(|hook| hook.resource["includeHealthWarnings"] == true)
    }

    pub(super) fn tell_health(&mut self, restored: bool, level: &str, source: &str, message: &str) {
        if self.wants_health(level) {
            let (flag, kind) =
                if restored { ("onHealthRestored", "HealthRestored") } else { ("onHealthIssue", "Health") };
            let wiki = format!("https://wiki.servarr.com/{}/system", self.kind.name().to_lowercase());
            self.tell(flag, kind, json!({"level": level, "message": message, "type": source, "wikiUrl": wiki}));
        }
    }

    fn test_event(&self) -> Value {
        let mut body = json!({"eventType": "Test", "instanceName": self.instance_name(), "applicationUrl": ""});
        match self.kind {
            Kind::Radarr => {
                body["movie"] = json!({"id": 1, "title": "Test Title", "year": 1970, "releaseDate": "1970-01-01", "folderPath": "C:\\testpath", "tmdbId": 0, "tags": ["test-tag"]});
                body["remoteMovie"] = json!({"tmdbId": 1234, "imdbId": "5678", "title": "Test title", "year": 1970});
                body["release"] = json!({"quality": "Test Quality", "qualityVersion": 1, "releaseGroup": "Test Group", "releaseTitle": "Test Title", "indexer": "Test Indexer", "size": 9_999_999});
            }
            Kind::Sonarr => {
                body["series"] = json!({"id": 1, "title": "Test Title", "path": "C:\\testpath", "tvdbId": 1234, "tags": ["test-tag"]});
                body["episodes"] = json!([{"id": 123, "episodeNumber": 1, "seasonNumber": 1, "title": "Test title"}]);
            }
        }
        body
    }

    /// The movie, or the series with these episodes.
    fn subject(&self, owner: u32, items: &[u32]) -> Value {
        match self.kind {
            Kind::Radarr => {
                let Some(movie) = self.movies.iter().find(|movie| movie.id == owner) else { return json!({}) };
                json!({"movie": self.movie_told(movie)})
            }
            Kind::Sonarr => {
                let Some(show) = self.shows.iter().find(|show| show.id == owner) else { return json!({}) };
                let known = self.episodes.iter().filter(|episode| items.contains(&episode.id));
                let episodes: Vec<Value> = known.map(|episode| self.episode_told(episode)).collect();
                json!({"series": self.show_told(show), "episodes": episodes})
            }
        }
    }

    fn with_subject(&self, owner: u32, items: &[u32], more: Value) -> Value {
        let mut body = self.subject(owner, items);
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        body
    }

    fn quality_name(&self, place: usize) -> &'static str {
        QUALITIES.get(place).map_or("Unknown", |quality| quality.name(self.kind))
    }

    fn remote_movie(&self, owner: u32) -> Value {
        let movie = self.movies.iter().find(|movie| movie.id == owner);
        movie.map_or(Value::Null, |movie| {
            let film = movie.film;
            let year = film.date.get(..4).and_then(|year| year.parse::<u32>().ok());
            json!({"tmdbId": film.id, "imdbId": film.imdb, "title": film.title, "year": year})
        })
    }

    fn release_told_of(&self, download: &Download) -> Value {
        json!({
            "quality": self.quality_name(download.quality), "qualityVersion": 1, "releaseGroup": download.group,
            "releaseTitle": download.title, "indexer": download.indexer, "size": download.size, "customFormatScore": 0,
            "customFormats": [], "languages": [self.language_of(download.owner)], "indexerFlags": [],
        })
    }

    pub(super) fn tell_grab(&mut self, number: u32) {
        let Some(download) = self.downloads.iter().find(|download| download.number == number) else { return };
        let mut more = json!({
            "release": self.release_told_of(download), "downloadClient": download.client(), "downloadClientType": download.client(),
            "downloadId": download.id, "customFormatInfo": {"customFormats": [], "customFormatScore": 0},
        });
        if self.kind == Kind::Radarr {
            more["remoteMovie"] = self.remote_movie(download.owner);
        }
        let body = self.with_subject(download.owner, &download.items, more);
        self.tell("onGrab", "Grab", body);
    }

    fn file_told_of(&self, file: &FileRecord, source: Option<&str>) -> Value {
        let folder = self.folder_of(file.owner);
        let relative = file.path.strip_prefix(&format!("{folder}/")).unwrap_or(&file.path);
        json!({
            "id": file.id, "relativePath": relative, "path": file.path, "quality": self.quality_name(file.quality),
            "qualityVersion": 1, "releaseGroup": file.group, "sceneName": file.scene_name, "size": file.size,
            "dateAdded": file.added, "languages": [self.language_of(file.owner)], "sourcePath": source,
            "mediaInfo": {"audioChannels": 2.0, "audioCodec": "AAC", "audioLanguages": ["eng"], "subtitles": ["eng"]},
        })
    }

    /// One file of a download.
    pub(super) fn tell_file(&mut self, download: &Download, imported: &Imported) {
        let is_upgrade = !imported.replaced.is_empty();
        let file = self.file_told_of(&imported.file, Some(&imported.source_path));
        let deleted: Vec<Value> = imported.replaced.iter().map(|file| self.file_told_of(file, None)).collect();
        let mut more = json!({
            "isUpgrade": is_upgrade, "downloadClient": download.client(), "downloadClientType": download.client(),
            "downloadId": download.id, "customFormatInfo": {"customFormats": [], "customFormatScore": 0},
            "deletedFiles": is_upgrade.then_some(deleted), "release": {
                "releaseTitle": download.title, "indexer": download.indexer, "size": download.size,
            },
        });
        if self.kind == Kind::Radarr {
            more["movieFile"] = file;
            more["remoteMovie"] = self.remote_movie(imported.file.owner);
        } else {
            more["episodeFile"] = file;
            more["release"]["releaseType"] = json!(if download.is_pack { "seasonPack" } else { "singleEpisode" });
        }
        let body = self.with_subject(imported.file.owner, &imported.items, more);
        self.tell(if is_upgrade { "onUpgrade" } else { "onDownload" }, "Download", body);
    }

    /// The whole download; only Sonarr has this form.
    pub(super) fn tell_complete(&mut self, download: &Download, done: &[Imported]) {
        let Some(first) = done.first().filter(|_| self.kind == Kind::Sonarr) else { return };
        let owner = first.file.owner;
        let items: Vec<u32> = done.iter().flat_map(|imported| imported.items.clone()).collect();
        let files: Vec<Value> = done.iter().map(|one| self.file_told_of(&one.file, Some(&one.source_path))).collect();
        let destination = first.file.path.rsplit_once('/').map(|(folder, _)| folder);
        let more = json!({
            "episodeFiles": files, "fileCount": done.len(), "sourcePath": download.output_path(),
            "destinationPath": destination, "downloadClient": download.client(), "downloadClientType": download.client(),
            "downloadId": download.id, "isUpgrade": false, "release": {
                "releaseTitle": download.title, "indexer": download.indexer, "size": download.size,
                "releaseType": if download.is_pack { "seasonPack" } else { "singleEpisode" },
            }, "customFormatInfo": {"customFormats": [], "customFormatScore": 0},
        });
        let body = self.with_subject(owner, &items, more);
        self.tell("onImportComplete", "Download", body);
    }

    pub(super) fn tell_manual_interaction(&mut self, number: u32) {
        let Some(download) = self.downloads.iter().find(|download| download.number == number) else { return };
        let messages = download.held.as_ref().map(|held| held.messages.clone()).unwrap_or_default();
        let status = download.words().2;
        let more = json!({
            "downloadInfo": {"quality": self.quality_name(download.quality), "qualityVersion": 1, "title": download.title, "size": download.size},
            "downloadClient": download.client(), "downloadClientType": download.client(), "downloadId": download.id,
            "downloadStatus": format!("{}{}", status[..1].to_uppercase(), &status[1..]),
            "downloadStatusMessages": [{"title": download.title, "messages": messages}],
            "customFormatInfo": {"customFormats": [], "customFormatScore": 0},
            "release": {"releaseTitle": download.title, "indexer": download.indexer, "size": download.size},
        });
        let body = self.with_subject(download.owner, &download.items, more);
        self.tell("onManualInteractionRequired", "ManualInteractionRequired", body);
    }

    pub(super) fn tell_file_deleted(&mut self, file: &FileRecord, reason: Reason) {
        let told = self.file_told_of(file, None);
        let (key, kind, flag) = match (self.kind, reason) {
            (Kind::Radarr, Reason::Upgrade) => ("movieFile", "MovieFileDelete", "onMovieFileDeleteForUpgrade"),
            (Kind::Radarr, _) => ("movieFile", "MovieFileDelete", "onMovieFileDelete"),
            (Kind::Sonarr, Reason::Upgrade) => ("episodeFile", "EpisodeFileDelete", "onEpisodeFileDeleteForUpgrade"),
            (Kind::Sonarr, _) => ("episodeFile", "EpisodeFileDelete", "onEpisodeFileDelete"),
        };
        let body = self.with_subject(file.owner, &file.items, json!({key: told, "deleteReason": reason.hook()}));
        self.tell(flag, kind, body);
    }

    pub(super) fn tell_renamed(&mut self, owner: u32, renamed: &[(u32, String)]) {
        let told = |(id, before): &(u32, String)| {
            let file = self.files.iter().find(|file| file.id == *id)?;
            let mut told = self.file_told_of(file, None);
            told["previousPath"] = json!(before);
            told["previousRelativePath"] = json!(before.rsplit('/').next());
            Some(told)
        };
        let files: Vec<Value> = renamed.iter().filter_map(told).collect();
        let key = if self.kind == Kind::Radarr { "renamedMovieFiles" } else { "renamedEpisodeFiles" };
        let mut body = self.with_subject(owner, &[], json!({key: files}));
        if let Some(body) = body.as_object_mut() {
            body.remove("episodes");
        }
        self.tell("onRename", "Rename", body);
    }

    pub(super) fn tell_added(&mut self, owner: u32, how: &str) {
        let (flag, kind, more) = match self.kind {
            Kind::Radarr => ("onMovieAdded", "MovieAdded", json!({"addMethod": how})),
            Kind::Sonarr => ("onSeriesAdd", "SeriesAdd", json!({})),
        };
        let mut body = self.with_subject(owner, &[], more);
        if let Some(body) = body.as_object_mut() {
            body.remove("episodes");
        }
        self.tell(flag, kind, body);
    }

    /// Before the record itself goes.
    pub(super) fn tell_deleted(&mut self, owner: u32, with_files: bool) {
        let size: u64 = self.files.iter().filter(|file| file.owner == owner).map(|file| file.size).sum();
        let (flag, kind, more) = match self.kind {
            Kind::Radarr => {
                ("onMovieDelete", "MovieDelete", json!({"deletedFiles": with_files, "movieFolderSize": size}))
            }
            Kind::Sonarr => ("onSeriesDelete", "SeriesDelete", json!({"deletedFiles": with_files})),
        };
        let mut body = self.with_subject(owner, &[], more);
        if let Some(body) = body.as_object_mut() {
            body.remove("episodes");
        }
        self.tell(flag, kind, body);
    }
}
