//! What happened, and what is not to be taken again.

use super::{
    Kind, Question, Refusal, Told, id_of, numbers, ok, paged,
    settings::quality_model,
    state::{State, there},
    without,
};
use jiff::Timestamp;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventType {
    Grabbed,
    Imported,
    Failed,
    FileDeleted,
    Renamed,
    Ignored,
}

impl EventType {
    pub(super) const ALL: [EventType; 6] = [
        EventType::Grabbed,
        EventType::Imported,
        EventType::Failed,
        EventType::FileDeleted,
        EventType::Renamed,
        EventType::Ignored,
    ];

    pub(super) fn name(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (EventType::Grabbed, _) => "grabbed",
            (EventType::Imported, _) => "downloadFolderImported",
            (EventType::Failed, _) => "downloadFailed",
            (EventType::FileDeleted, Kind::Radarr) => "movieFileDeleted",
            (EventType::FileDeleted, Kind::Sonarr) => "episodeFileDeleted",
            (EventType::Renamed, Kind::Radarr) => "movieFileRenamed",
            (EventType::Renamed, Kind::Sonarr) => "episodeFileRenamed",
            (EventType::Ignored, _) => "downloadIgnored",
        }
    }

    /// As the paged list filters.
    fn number(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (EventType::Grabbed, _) => "1",
            (EventType::Imported, _) => "3",
            (EventType::Failed, _) => "4",
            (EventType::FileDeleted, Kind::Radarr) => "6",
            (EventType::FileDeleted, Kind::Sonarr) => "5",
            (EventType::Renamed, Kind::Radarr) => "8",
            (EventType::Renamed, Kind::Sonarr) => "6",
            (EventType::Ignored, Kind::Radarr) => "9",
            (EventType::Ignored, Kind::Sonarr) => "7",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) id: u32,
    /// The movie or the episode.
    pub(super) item: u32,
    pub(super) event: EventType,
    pub(super) source_title: String,
    pub(super) quality: usize,
    pub(super) download_id: Option<String>,
    pub(super) date: Timestamp,
    pub(super) data: Value,
}

/// A release that is not taken again from the same indexer.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    pub(super) id: u32,
    pub(super) items: Vec<u32>,
    pub(super) owner: u32,
    pub(super) source_title: String,
    pub(super) indexer: String,
    pub(super) protocol: String,
    pub(super) quality: usize,
    pub(super) date: Timestamp,
    pub(super) message: String,
}

impl State {
    /// Writes one row. `item` is a movie or an episode.
    pub(super) fn note(
        &mut self,
        item: u32,
        event: EventType,
        source_title: &str,
        quality: usize,
        download_id: Option<&str>,
        data: Value,
    ) {
        let id = self.fresh("history");
        let (source_title, download_id) = (source_title.to_owned(), download_id.map(str::to_owned));
        self.history.push(Happened { id, item, event, source_title, quality, download_id, date: self.now, data });
    }

    /// The series of an episode; a movie is its own owner.
    pub(super) fn owner_of(&self, item: u32) -> u32 {
        match self.kind {
            Kind::Radarr => item,
            Kind::Sonarr => self.episodes.iter().find(|episode| episode.id == item).map_or(0, |episode| episode.show),
        }
    }

    fn happened_view(&self, row: &Happened) -> Value {
        let mut view = json!({
            "id": row.id, "sourceTitle": row.source_title, "languages": [self.language_of(self.owner_of(row.item))],
            "quality": quality_model(self.kind, row.quality), "customFormats": [], "customFormatScore": 0,
            "qualityCutoffNotMet": false, "date": row.date, "downloadId": row.download_id,
            "eventType": row.event.name(self.kind), "data": row.data,
        });
        self.add_item(&mut view, row.item);
        view
    }

    /// Names the movie, or the series and the episode, of a row, whole as well as by id.
    pub(super) fn add_item(&self, view: &mut Value, item: u32) {
        match self.kind {
            Kind::Radarr => {
                view["movieId"] = json!(item);
                if let Some(movie) = self.movies.iter().find(|movie| movie.id == item) {
                    view["movie"] = self.movie_view(movie);
                }
            }
            Kind::Sonarr => {
                view["episodeId"] = json!(item);
                let Some(episode) = self.episodes.iter().find(|episode| episode.id == item) else { return };
                view["seriesId"] = json!(episode.show);
                view["episode"] = self.episode_view(episode);
                if let Some(show) = self.shows.iter().find(|show| show.id == episode.show) {
                    view["series"] = self.show_view(show);
                }
            }
        }
    }

    pub(super) fn history_told(&mut self, question: &Question<'_>) -> Option<Told> {
        match *question.path.first()? {
            "history" => Some(self.history_list(question)),
            "blocklist" => Some(self.blocklist_list(question)),
            _ => None,
        }
    }

    fn history_list(&mut self, question: &Question<'_>) -> Told {
        let kind = self.kind;
        let path = question.path.get(1..).unwrap_or_default();
        let named = |row: &&Happened| {
            question
                .get("eventType")
                .is_none_or(|name| name.eq_ignore_ascii_case(row.event.name(kind)) || name == row.event.number(kind))
        };
        let shown = |state: &Self, rows: Vec<&Happened>, default: bool| {
            let mut rows: Vec<Value> = rows.into_iter().map(|row| state.happened_view(row)).collect();
            without(&mut rows, "movie", question.flag("includeMovie", default));
            without(&mut rows, "series", question.flag("includeSeries", default));
            without(&mut rows, "episode", question.flag("includeEpisode", default));
            rows
        };
        match (question.method, path) {
            ("GET", []) => {
                let events = question.several("eventType");
                let owners = [question.ids("movieIds"), question.ids("seriesIds")].concat();
                let rows: Vec<&Happened> = self
                    .history
                    .iter()
                    .filter(|row| events.is_empty() || events.contains(&row.event.number(kind)))
                    .filter(|row| owners.is_empty() || owners.contains(&self.owner_of(row.item)))
                    .filter(|row| question.id("episodeId").is_none_or(|episode| row.item == episode))
                    .filter(|row| question.get("downloadId").is_none_or(|id| row.download_id.as_deref() == Some(id)))
                    .collect();
                let rows: Vec<Value> = rows.into_iter().map(|row| self.happened_view(row)).collect();
                let keys = [
                    ("date", "/date"),
                    ("movieMetadata.sortTitle", "/movie/sortTitle"),
                    ("series.sortTitle", "/series/sortTitle"),
                    ("sourceTitle", "/sourceTitle"),
                ];
                let mut answer = paged(question, rows, &keys, true);
                if let Some(records) = answer["records"].as_array_mut() {
                    without(records, "movie", question.flag("includeMovie", false));
                    without(records, "series", question.flag("includeSeries", false));
                    without(records, "episode", question.flag("includeEpisode", false));
                }
                ok(answer)
            }
            ("GET", ["since"]) => {
                let given = question.get("date").unwrap_or_default();
                let since: Timestamp = given
                    .parse()
                    .or_else(|_| format!("{given}T00:00:00Z").parse())
                    .map_err(|_| Refusal::Unreadable("date", format!("The value '{given}' is not valid.")))?;
                let mut rows: Vec<&Happened> =
                    self.history.iter().filter(|row| row.date >= since).filter(named).collect();
                rows.sort_by_key(|row| row.date);
                ok(shown(self, rows, false))
            }
            ("GET", [owner @ ("movie" | "series")]) => {
                let key = if *owner == "movie" { "movieId" } else { "seriesId" };
                let wanted = question.id(key).ok_or_else(|| Refusal::Said(400, format!("{key} is required")))?;
                let season = question.id("seasonNumber");
                let mut rows: Vec<&Happened> = self
                    .history
                    .iter()
                    .filter(|row| self.owner_of(row.item) == wanted)
                    .filter(|row| season.is_none_or(|season| self.season_of(row.item) == Some(season)))
                    .filter(named)
                    .collect();
                rows.sort_by_key(|row| std::cmp::Reverse((row.date, row.id)));
                ok(shown(self, rows, false))
            }
            ("POST", ["failed", id]) => {
                let id = id_of(id)?;
                let row =
                    there(self.history.iter().find(|row| row.id == id && row.event == EventType::Grabbed))?.clone();
                self.mark_failed(&row);
                ok(json!({}))
            }
            _ => Err(Refusal::Missing),
        }
    }

    /// Blocks what a grabbed row took and looks for something else.
    fn mark_failed(&mut self, row: &Happened) {
        let together: Vec<u32> = match &row.download_id {
            Some(id) => {
                let of_it = self.history.iter().filter(|other| other.download_id.as_ref() == Some(id));
                of_it.filter(|other| other.event == EventType::Grabbed).map(|other| other.item).collect()
            }
            None => vec![row.item],
        };
        let text = |name: &str| row.data[name].as_str().unwrap_or_default().to_owned();
        let (indexer, protocol) = (text("indexer"), if text("protocol") == "1" { "usenet" } else { "torrent" });
        self.block(&together, &row.source_title, &indexer, protocol, row.quality, "Manually marked as failed");
        for item in &together {
            let data = json!({"message": "Manually marked as failed", "downloadClient": row.data["downloadClient"]});
            self.note(*item, EventType::Failed, &row.source_title, row.quality, row.download_id.as_deref(), data);
        }
        self.downloads.retain(|download| download.id.is_none() || download.id != row.download_id);
        self.look_again(&together);
    }

    pub(super) fn block(
        &mut self,
        items: &[u32],
        title: &str,
        indexer: &str,
        protocol: &str,
        quality: usize,
        message: &str,
    ) {
        let id = self.fresh("blocked");
        let owner = items.first().map_or(0, |item| self.owner_of(*item));
        self.blocklist.push(Blocked {
            id,
            items: items.to_vec(),
            owner,
            source_title: title.to_owned(),
            indexer: indexer.to_owned(),
            protocol: protocol.to_owned(),
            quality,
            date: self.now,
            message: message.to_owned(),
        });
    }

    fn blocked_view(&self, row: &Blocked) -> Value {
        let mut view = json!({
            "id": row.id, "sourceTitle": row.source_title, "languages": [self.language_of(row.owner)],
            "quality": quality_model(self.kind, row.quality), "customFormats": [], "date": row.date,
            "protocol": row.protocol, "indexer": row.indexer, "message": row.message,
        });
        if self.kind == Kind::Radarr {
            self.add_item(&mut view, row.owner);
        } else {
            view["seriesId"] = json!(row.owner);
            view["episodeIds"] = json!(row.items);
            if let Some(show) = self.shows.iter().find(|show| show.id == row.owner) {
                view["series"] = self.show_view(show);
            }
        }
        view
    }

    fn blocklist_list(&mut self, question: &Question<'_>) -> Told {
        match (question.method, question.path.get(1..).unwrap_or_default()) {
            ("GET", []) => {
                let owners = [question.ids("movieIds"), question.ids("seriesIds")].concat();
                let rows = self.blocklist.iter().filter(|row| owners.is_empty() || owners.contains(&row.owner));
                let rows = rows.map(|row| self.blocked_view(row)).collect();
                ok(paged(question, rows, &[("date", "/date"), ("sourceTitle", "/sourceTitle")], true))
            }
            ("GET", ["movie"]) => {
                let wanted = question.id("movieId");
                let rows = self.blocklist.iter().filter(|row| Some(row.owner) == wanted);
                ok(rows.map(|row| self.blocked_view(row)).collect::<Vec<_>>())
            }
            ("DELETE", ["bulk"]) => {
                let ids = numbers(&question.body["ids"]);
                self.blocklist.retain(|row| !ids.contains(&row.id));
                ok(json!({}))
            }
            ("DELETE", [id]) => {
                let id = id_of(id)?;
                there(self.blocklist.iter().position(|row| row.id == id).map(|place| self.blocklist.remove(place)))?;
                ok(json!({}))
            }
            _ => Err(Refusal::Missing),
        }
    }
}
