//! What is being downloaded: one row for a film, one row an episode for a pack, all of one download.

use super::{
    Kind, Question, Refusal, Told,
    history::EventType,
    id_of,
    indexer::{Query, Release},
    numbers, ok, paged,
    script::{Fate, Held},
    settings::{client_of, quality_model},
    state::{State, there},
    without,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Held back by a delay profile until then.
    Delayed(Timestamp),
    Downloading,
    /// Finished at that time and not imported yet.
    Finished(Timestamp),
}

#[derive(Clone, Debug)]
pub(super) struct Download {
    /// Ours; the client knows nothing of it.
    pub(super) number: u32,
    /// The client's name for it. None while it is held back.
    pub(super) id: Option<String>,
    /// Numbers of the rows, with the movie or episode of each.
    rows: Vec<(u32, Option<u32>)>,
    pub(super) items: Vec<u32>,
    pub(super) owner: u32,
    pub(super) title: String,
    pub(super) size: u64,
    pub(super) quality: usize,
    pub(super) group: String,
    pub(super) indexer: String,
    pub(super) protocol: String,
    pub(super) is_pack: bool,
    pub(super) added: Timestamp,
    pub(super) done_at: Timestamp,
    pub(super) phase: Phase,
    /// How long a finished one waits for its import.
    import_after: SignedDuration,
    /// Put by a script, or waiting for a person: it does not move by itself.
    pub(super) held: Option<Held>,
    pub(super) fate: Fate,
    pub(super) pending: Option<Release>,
    /// Episodes of the pack that are not in it after all.
    pub(super) lacking: Vec<u32>,
}

impl Download {
    pub(super) fn due(&self) -> Option<Timestamp> {
        if self.held.is_some() {
            return None;
        }
        match self.phase {
            Phase::Delayed(until) => Some(until),
            Phase::Downloading => Some(self.done_at),
            Phase::Finished(at) => at.checked_add(self.import_after).ok(),
        }
    }

    fn left(&self, now: Timestamp) -> u64 {
        let left = match (&self.held, self.phase) {
            (Some(held), _) => held.left,
            (None, Phase::Finished(_)) => 0.0,
            (None, Phase::Delayed(_)) => 1.0,
            (None, Phase::Downloading) => {
                let whole = self.done_at.duration_since(self.added).as_secs_f64().max(0.001);
                (self.done_at.duration_since(now).as_secs_f64() / whole).clamp(0.0, 1.0)
            }
        };
        (self.size as f64 * left) as u64
    }

    pub(super) fn client(&self) -> &'static str {
        client_of(&self.protocol).0
    }

    pub(super) fn output_path(&self) -> String {
        format!("/downloads/complete/{}", self.title)
    }

    /// Status of the client, state and status of the application.
    pub(super) fn words(&self) -> (&str, Option<&str>, &str) {
        match (&self.held, self.phase) {
            (Some(held), _) => (&held.status, held.tracked_state.as_deref(), &held.tracked_status),
            (None, Phase::Delayed(_)) => ("delay", None, "ok"),
            (None, Phase::Downloading) => ("downloading", Some("downloading"), "ok"),
            (None, Phase::Finished(_)) => ("completed", Some("importPending"), "ok"),
        }
    }

    fn messages(&self) -> Value {
        let messages = self.held.as_ref().map(|held| held.messages.as_slice()).unwrap_or_default();
        if messages.is_empty() { json!([]) } else { json!([{"title": self.title, "messages": messages}]) }
    }
}

/// `d.hh:mm:ss`, the days only when there are some.
fn time_left(left: SignedDuration) -> String {
    let seconds = left.as_secs().max(0);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days > 0 { format!("{days}.{clock}") } else { clock }
}

impl State {
    /// Sends a release to the download client.
    pub(super) fn grab(&mut self, release: &Release, interactive: bool) -> u32 {
        let number = self.begin(release);
        let fate = self.fate.clone();
        let (id, client) = {
            let Some(download) = self.downloads.iter_mut().find(|download| download.number == number) else {
                return number;
            };
            if fate == Fate::Stall {
                download.held = Some(Held::stalled());
            }
            download.fate = fate;
            (download.id.clone().unwrap_or_default(), download.client())
        };
        let (_, indexer, protocol) = release.indexer();
        let source = if interactive { "InteractiveSearch" } else { "Search" };
        for item in &release.items {
            let data = json!({
                "indexer": indexer, "nzbInfoUrl": release.guid, "releaseGroup": release.group, "age": release.offer.age_hours / 24,
                "ageHours": release.offer.age_hours.to_string(), "downloadClient": client, "downloadClientName": client,
                "size": release.size.to_string(), "guid": release.guid, "protocol": if protocol == "usenet" { "1" } else { "2" },
                "customFormatScore": "0", "releaseSource": source,
            });
            self.note(*item, EventType::Grabbed, &release.title, release.quality, Some(&id), data);
        }
        self.tell_grab(number);
        number
    }

    /// Puts a download into the queue without a word to anybody.
    pub(super) fn begin(&mut self, release: &Release) -> u32 {
        let (_, indexer, protocol) = release.indexer();
        let seconds = release.size / self.pace.bytes_per_second.max(1);
        let took = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX).min(31_536_000));
        let rows = self.rows_for(&release.items);
        let number = self.fresh("download");
        self.downloads.push(Download {
            number,
            id: Some(release.hash()),
            rows,
            items: release.items.clone(),
            owner: release.owner,
            title: release.title.clone(),
            size: release.size,
            quality: release.quality,
            group: release.group.clone(),
            indexer: indexer.to_owned(),
            protocol: protocol.to_owned(),
            is_pack: release.is_pack(),
            added: self.now,
            done_at: self.now.checked_add(took).unwrap_or(self.now),
            phase: Phase::Downloading,
            import_after: SignedDuration::from_millis(i64::from(self.pace.import_ms)),
            held: None,
            fate: Fate::Fine,
            pending: None,
            lacking: Vec::new(),
        });
        number
    }

    /// A download of something unknown has one row all the same.
    fn rows_for(&mut self, items: &[u32]) -> Vec<(u32, Option<u32>)> {
        if items.is_empty() {
            return vec![(self.fresh("queue"), None)];
        }
        items.iter().map(|item| (self.fresh("queue"), Some(*item))).collect()
    }

    /// A row that waits for its delay profile.
    pub(super) fn hold_back(&mut self, release: &Release, until: Timestamp) {
        let number = self.begin(release);
        if let Some(download) = self.downloads.iter_mut().find(|download| download.number == number) {
            download.id = None;
            download.phase = Phase::Delayed(until);
            download.pending = Some(release.clone());
        }
    }

    /// The next thing that happens to a download by itself.
    pub(super) fn move_on(&mut self, number: u32) {
        let now = self.now;
        let Some(download) = self.downloads.iter_mut().find(|download| download.number == number) else { return };
        match download.phase {
            Phase::Delayed(_) => {
                let Some(release) = download.pending.clone() else { return };
                self.downloads.retain(|download| download.number != number);
                self.grab(&release, false);
            }
            Phase::Downloading => match download.fate.clone() {
                Fate::Fail { message } => self.failed(number, &message),
                Fate::Block { messages } => {
                    download.held = Some(Held::blocked(messages));
                    self.tell_manual_interaction(number);
                }
                Fate::Fine | Fate::Stall => download.phase = Phase::Finished(now),
            },
            Phase::Finished(_) => self.import(number),
        }
    }

    /// The client reported a failure: blocked, noted, gone, and looked for again.
    pub(super) fn failed(&mut self, number: u32, message: &str) {
        let Some(place) = self.downloads.iter().position(|download| download.number == number) else { return };
        let download = self.downloads.remove(place);
        self.forsake(&download, message, true);
    }

    fn forsake(&mut self, download: &Download, message: &str, search_again: bool) {
        self.block(&download.items, &download.title, &download.indexer, &download.protocol, download.quality, message);
        for item in &download.items {
            let data =
                json!({"downloadClient": download.client(), "message": message, "size": download.size.to_string()});
            self.note(*item, EventType::Failed, &download.title, download.quality, download.id.as_deref(), data);
        }
        if search_again {
            self.look_again(&download.items);
        }
    }

    /// Asks for another search of the same, as after a failed download.
    pub(super) fn look_again(&mut self, items: &[u32]) {
        let Some(first) = items.first() else { return };
        match self.kind {
            Kind::Radarr => {
                self.command("MoviesSearch", json!({"movieIds": [first]}), false);
            }
            Kind::Sonarr if items.len() > 1 => {
                let Some(season) = self.season_of(*first) else { return };
                let series = self.owner_of(*first);
                self.command("SeasonSearch", json!({"seriesId": series, "seasonNumber": season}), false);
            }
            Kind::Sonarr => {
                self.command("EpisodeSearch", json!({"episodeIds": [first]}), false);
            }
        }
    }

    fn queue_rows(&self) -> Vec<Value> {
        self.downloads.iter().flat_map(|download| self.rows_of(download)).collect()
    }

    fn rows_of(&self, download: &Download) -> Vec<Value> {
        let (status, state, tracked) = download.words();
        let left = download.left(self.now);
        let moving = download.held.is_none();
        let done = match download.phase {
            Phase::Delayed(until) => until,
            Phase::Downloading => download.done_at,
            Phase::Finished(at) => at,
        };
        download
            .rows
            .iter()
            .map(|(id, item)| {
                let mut row = json!({
                    "id": id, "languages": [self.language_of(download.owner)], "quality": quality_model(self.kind, download.quality),
                    "customFormats": [], "customFormatScore": 0, "size": download.size, "title": download.title,
                    "sizeleft": left, "added": download.added, "status": status, "trackedDownloadStatus": tracked,
                    "statusMessages": download.messages(), "protocol": download.protocol, "downloadClient": download.client(),
                    "downloadClientHasPostImportCategory": false, "indexer": download.indexer,
                });
                if let Some(state) = state {
                    row["trackedDownloadState"] = json!(state);
                }
                if let Some(id) = &download.id {
                    row["downloadId"] = json!(id);
                    row["outputPath"] = json!(download.output_path());
                }
                if let Some(error) = download.held.as_ref().and_then(|held| held.error.as_ref()) {
                    row["errorMessage"] = json!(error);
                }
                // A client that does not know when it is done says nothing.
                if moving || left == 0 {
                    row["timeleft"] = json!(time_left(done.duration_since(self.now)));
                    row["estimatedCompletionTime"] = json!(done);
                }
                if let Some(item) = item {
                    self.add_item(&mut row, *item);
                    if self.kind == Kind::Sonarr {
                        row["seasonNumber"] = json!(self.season_of(*item));
                        row["episodeHasFile"] = json!(self.file_of(*item).is_some());
                    }
                }
                row
            })
            .collect()
    }

    pub(super) fn queue_told(&mut self, question: &Question<'_>) -> Option<Told> {
        let ("queue", rest) = question.path.split_first().map(|(first, rest)| (*first, rest))? else { return None };
        Some(self.queue_list(question, rest))
    }

    fn queue_list(&mut self, question: &Question<'_>, rest: &[&str]) -> Told {
        let unknown = |row: &Value| row.get("movieId").is_none() && row.get("episodeId").is_none();
        match (question.method, rest) {
            ("GET", []) => {
                let owners = [question.ids("movieIds"), question.ids("seriesIds")].concat();
                let with_unknown = question.flag("includeUnknownMovieItems", false)
                    || question.flag("includeUnknownSeriesItems", false);
                let (protocol, statuses) = (question.get("protocol"), question.several("status"));
                let mut rows = self.queue_rows();
                rows.retain(|row| {
                    let owner = row.get("movieId").or_else(|| row.get("seriesId")).and_then(super::number);
                    (with_unknown || !unknown(row))
                        && (owners.is_empty() || owner.is_some_and(|owner| owners.contains(&owner)))
                        && protocol.is_none_or(|protocol| row["protocol"] == protocol)
                        && (statuses.is_empty() || row["status"].as_str().is_some_and(|one| statuses.contains(&one)))
                });
                let keys = [
                    ("timeleft", "/timeleft"),
                    ("estimatedCompletionTime", "/estimatedCompletionTime"),
                    ("added", "/added"),
                    ("title", "/title"),
                    ("size", "/size"),
                    ("progress", "/sizeleft"),
                    ("status", "/status"),
                    ("protocol", "/protocol"),
                    ("indexer", "/indexer"),
                    ("downloadClient", "/downloadClient"),
                    ("movies.sortTitle", "/movie/sortTitle"),
                    ("series.sortTitle", "/series/sortTitle"),
                    ("episodes.airDateUtc", "/episode/airDateUtc"),
                    ("episode", "/episode/episodeNumber"),
                ];
                let mut answer = paged(question, rows, &keys, false);
                if let Some(records) = answer["records"].as_array_mut() {
                    without(records, "movie", question.flag("includeMovie", false));
                    without(records, "series", question.flag("includeSeries", false));
                    without(records, "episode", question.flag("includeEpisode", false));
                }
                ok(answer)
            }
            ("GET", ["details"]) => {
                let (owner, episodes) =
                    (question.id("movieId").or_else(|| question.id("seriesId")), question.ids("episodeIds"));
                let mut rows = self.queue_rows();
                rows.retain(|row| {
                    let given = row.get("movieId").or_else(|| row.get("seriesId")).and_then(super::number);
                    let episode = row.get("episodeId").and_then(super::number);
                    (owner.is_none() || owner == given)
                        && (episodes.is_empty() || episode.is_some_and(|one| episodes.contains(&one)))
                });
                without(&mut rows, "movie", question.flag("includeMovie", false));
                without(&mut rows, "series", question.flag("includeSeries", false));
                without(&mut rows, "episode", question.flag("includeEpisode", true));
                ok(rows)
            }
            ("GET", ["status"]) => {
                let rows = self.queue_rows();
                let count = |wanted: bool| rows.iter().filter(|row| unknown(row) == wanted).count();
                let any = |word: &str, wanted: bool| {
                    rows.iter().any(|row| unknown(row) == wanted && row["trackedDownloadStatus"] == word)
                };
                ok(json!({
                    "totalCount": rows.len(), "count": count(false), "unknownCount": count(true), "errors": any("error", false),
                    "warnings": any("warning", false), "unknownErrors": any("error", true), "unknownWarnings": any("warning", true),
                }))
            }
            ("DELETE", ["bulk"]) => {
                for id in numbers(&question.body["ids"]) {
                    // The rows of one download go together, so a later one is often gone already.
                    let _ = self.take_out(id, question);
                }
                ok(json!({}))
            }
            ("DELETE", [id]) => {
                self.take_out(id_of(id)?, question)?;
                ok(json!({}))
            }
            ("POST", ["grab", "bulk"]) => {
                for id in numbers(&question.body["ids"]) {
                    let number = there(self.number_of(id))?;
                    self.grab_pending(number)?;
                }
                ok(json!({}))
            }
            ("POST", ["grab", id]) => {
                let number = there(self.number_of(id_of(id)?))?;
                self.grab_pending(number)
            }
            _ => Err(Refusal::Missing),
        }
    }

    fn number_of(&self, row: u32) -> Option<u32> {
        let holds = |download: &&Download| download.rows.iter().any(|(id, _)| *id == row);
        self.downloads.iter().find(holds).map(|download| download.number)
    }

    /// Takes a whole download out by any of its rows.
    fn take_out(&mut self, row: u32, question: &Question<'_>) -> Result<(), Refusal> {
        let number = there(self.number_of(row))?;
        let place = there(self.downloads.iter().position(|download| download.number == number))?;
        let (remove, block) = (question.flag("removeFromClient", true), question.flag("blocklist", false));
        let again = !question.flag("skipRedownload", false);
        let download = self.downloads.remove(place);
        if download.pending.is_some() {
            return Ok(());
        }
        if block {
            self.forsake(&download, "Manually marked as failed", again);
        } else if !remove && !question.flag("changeCategory", false) {
            for item in &download.items {
                let data = json!({"downloadClient": download.client(), "message": "Manually ignored"});
                self.note(*item, EventType::Ignored, &download.title, download.quality, download.id.as_deref(), data);
            }
        }
        Ok(())
    }

    /// Whether anything of it is in the queue.
    pub(super) fn is_queued(&self, item: u32) -> bool {
        self.downloads.iter().any(|download| download.items.contains(&item))
    }

    /// Searches for one movie; how much was taken.
    pub(super) fn search_movie(&mut self, id: u32, manual: bool) -> usize {
        let now = self.now;
        let Some(movie) = self.movies.iter_mut().find(|movie| movie.id == id) else { return 0 };
        movie.last_search = Some(now);
        // What nobody asked for by hand is only looked for when it can be had and is wanted.
        let wanted = movie.monitored;
        if !manual && !wanted {
            return 0;
        }
        let releases = self.query(Query::Movie(id), false);
        self.take(releases)
    }
}
