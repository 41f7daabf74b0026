//! Commands: asked for, queued, started, completed. What a search did is only in its message and in what came of it.

use super::{
    Kind, Question, Refusal, Told, id_of, number, numbers, ok,
    state::{State, there},
};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Finished commands that are remembered, and for how long.
const REMEMBERED: usize = 500;
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_mins(5 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Queued,
    Started,
    Completed,
    Failed,
    Cancelled,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Queued => "queued",
            Stage::Started => "started",
            Stage::Completed => "completed",
            Stage::Failed => "failed",
            Stage::Cancelled => "cancelled",
        }
    }

    fn is_open(self) -> bool {
        matches!(self, Stage::Queued | Stage::Started)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) id: u32,
    name: String,
    /// The body without what the service adds.
    body: Value,
    /// Asked for by a person, through the API.
    manual: bool,
    pub(super) stage: Stage,
    message: Option<String>,
    queued: Timestamp,
    pub(super) started: Option<Timestamp>,
    ended: Option<Timestamp>,
    /// How long it waits and then again works.
    half: SignedDuration,
}

impl Command {
    pub(super) fn due(&self) -> Option<Timestamp> {
        let from = match self.stage {
            Stage::Queued => self.queued,
            Stage::Started => self.started?,
            Stage::Completed | Stage::Failed | Stage::Cancelled => return None,
        };
        from.checked_add(self.half).ok()
    }

    fn view(&self) -> Value {
        let result = match self.stage {
            Stage::Completed => "successful",
            Stage::Failed => "unsuccessful",
            Stage::Queued | Stage::Started | Stage::Cancelled => "unknown",
        };
        let mut body = self.body.clone();
        body["name"] = json!(self.name);
        body["trigger"] = json!(self.trigger());
        body["sendUpdatesToClient"] = json!(true);
        let mut view = json!({
            "id": self.id, "name": self.name, "commandName": words(&self.name), "body": body, "priority": "normal",
            "status": self.stage.name(), "result": result, "queued": self.queued, "trigger": self.trigger(),
            "stateChangeTime": self.ended.or(self.started).unwrap_or(self.queued), "sendUpdatesToClient": true,
            "updateScheduledTask": true, "clientUserAgent": "",
        });
        if let Some(message) = &self.message {
            view["message"] = json!(message);
        }
        if let Some(started) = self.started {
            view["started"] = json!(started);
        }
        if let (Some(started), Some(ended)) = (self.started, self.ended) {
            let took = ended.duration_since(started).as_secs();
            view["ended"] = json!(ended);
            view["duration"] = json!(format!("{:02}:{:02}:{:02}", took / 3600, took / 60 % 60, took % 60));
        }
        view
    }

    fn trigger(&self) -> &'static str {
        if self.manual { "manual" } else { "unspecified" }
    }
}

/// `MoviesSearch` as the page shows it, `Movies Search`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter);
    }
    words
}

/// Commands one of the services does not know are refused with 400.
fn is_known(kind: Kind, name: &str) -> bool {
    let both = ["RefreshMonitoredDownloads", "RenameFiles", "ManualImport", "RssSync", "CheckHealth", "Backup"];
    let own: &[&str] = match kind {
        Kind::Radarr => &[
            "MoviesSearch",
            "MissingMoviesSearch",
            "CutoffUnmetMoviesSearch",
            "RefreshMovie",
            "RescanMovie",
            "RenameMovie",
            "RefreshCollections",
        ],
        Kind::Sonarr => &[
            "SeriesSearch",
            "SeasonSearch",
            "EpisodeSearch",
            "MissingEpisodeSearch",
            "CutoffUnmetEpisodeSearch",
            "RefreshSeries",
            "RescanSeries",
            "RenameSeries",
        ],
    };
    both.contains(&name) || own.contains(&name)
}

impl State {
    pub(super) fn command_told(&mut self, question: &Question<'_>) -> Option<Told> {
        let ("command", rest) = question.path.split_first().map(|(first, rest)| (*first, rest))? else { return None };
        Some(match (question.method, rest) {
            ("POST", []) => self.command_asked(&question.body),
            ("GET", []) => ok(self.commands.iter().rev().map(Command::view).collect::<Vec<_>>()),
            ("GET", [id]) => id_of(id).and_then(|id| {
                let kept = |command: &&Command| {
                    let left = command.ended.map(|ended| self.now.duration_since(ended));
                    command.id == id && left.is_none_or(|ago| ago < FORGOTTEN_AFTER)
                };
                ok(there(self.commands.iter().find(kept))?.view())
            }),
            ("DELETE", [id]) => id_of(id).and_then(|id| {
                let now = self.now;
                let command = there(self.commands.iter_mut().find(|command| command.id == id))?;
                if command.stage != Stage::Queued {
                    return Err(Refusal::Said(409, "Unable to cancel task".to_owned()));
                }
                command.stage = Stage::Cancelled;
                command.ended = Some(now);
                ok(json!({}))
            }),
            _ => Err(Refusal::Missing),
        })
    }

    fn command_asked(&mut self, body: &Value) -> Told {
        let name = body["name"].as_str().unwrap_or_default();
        if !is_known(self.kind, name) {
            let message = format!("Unknown command: '{name}'");
            return Err(Refusal::Said(400, message));
        }
        let mut inside = body.clone();
        if let Some(object) = inside.as_object_mut() {
            object.remove("name");
        }
        let id = self.command(name, inside, true);
        let view = self.commands.iter().find(|command| command.id == id).map(Command::view);
        Ok((StatusCode::CREATED, json!(view)))
    }

    /// Queues a command; one that is like it and still open is taken instead.
    pub(super) fn command(&mut self, name: &str, body: Value, manual: bool) -> u32 {
        let alike = |command: &&Command| command.stage.is_open() && command.name == name && command.body == body;
        if let Some(known) = self.commands.iter().find(alike) {
            return known.id;
        }
        let id = self.fresh("command");
        if self.commands.len() == REMEMBERED {
            self.commands.pop_front();
        }
        let half = SignedDuration::from_millis(i64::from(self.pace.command_ms / 2));
        self.commands.push_back(Command {
            id,
            name: name.to_owned(),
            body,
            manual,
            stage: Stage::Queued,
            message: None,
            queued: self.now,
            started: None,
            ended: None,
            half,
        });
        id
    }

    /// Does what a started command is for.
    pub(super) fn carry_out(&mut self, id: u32) {
        let Some(command) = self.commands.iter().find(|command| command.id == id).cloned() else { return };
        let done = self.done(&command);
        let now = self.now;
        if let Some(command) = self.commands.iter_mut().find(|command| command.id == id) {
            command.stage = if done.is_ok() { Stage::Completed } else { Stage::Failed };
            command.message = Some(done.unwrap_or_else(|reason| reason));
            command.ended = Some(now);
        }
    }

    /// The message at the end; an error when the command failed.
    fn done(&mut self, command: &Command) -> Result<String, String> {
        let body = &command.body;
        let owners = |several: &str, one: &str| {
            let mut ids = numbers(&body[several]);
            ids.extend(number(&body[one]));
            ids
        };
        let (several, one) = match self.kind {
            Kind::Radarr => ("movieIds", "movieId"),
            Kind::Sonarr => ("seriesIds", "seriesId"),
        };
        match command.name.as_str() {
            "MoviesSearch" => {
                let ids = numbers(&body["movieIds"]);
                let grabbed: usize = ids.iter().map(|id| self.search_movie(*id, command.manual)).sum();
                Ok(format!("Completed search for {} movies. {grabbed} reports downloaded.", ids.len()))
            }
            "MissingMoviesSearch" | "CutoffUnmetMoviesSearch" => {
                let missing = command.name == "MissingMoviesSearch";
                let ids: Vec<u32> = if missing { self.missing_movies(true) } else { self.cutoff_movies(true) };
                let grabbed: usize = ids.iter().map(|id| self.search_movie(*id, command.manual)).sum();
                Ok(format!("Completed missing search for {} movies. {grabbed} reports downloaded.", ids.len()))
            }
            "SeriesSearch" => {
                let grabbed = number(&body["seriesId"]).map_or(0, |id| self.search_series(id));
                Ok(format!("Series search completed. {grabbed} reports downloaded."))
            }
            "SeasonSearch" => {
                let season = number(&body["seasonNumber"]);
                let found = number(&body["seriesId"]).zip(season).map(|(id, season)| self.search_season(id, season));
                Ok(format!("Season search completed. {} reports downloaded.", found.unwrap_or_default()))
            }
            "EpisodeSearch" => {
                // Every episode is a search of its own, and each overwrites the message of the one before it.
                let ids = numbers(&body["episodeIds"]);
                let last = ids.iter().fold(0, |_, id| self.search_episode(*id));
                Ok(format!("Episode search completed. {last} reports downloaded."))
            }
            "MissingEpisodeSearch" | "CutoffUnmetEpisodeSearch" => {
                let missing = command.name == "MissingEpisodeSearch";
                let (searched, grabbed) = self.search_wanted(number(&body["seriesId"]), missing);
                Ok(format!("Completed missing search for {searched} episodes. {grabbed} reports downloaded."))
            }
            "RefreshMovie" | "RefreshSeries" => {
                let mut ids = owners(several, one);
                if ids.is_empty() {
                    ids = self.owners();
                }
                ids.into_iter().for_each(|id| self.refresh(id));
                Ok("Completed".to_owned())
            }
            "RescanMovie" | "RescanSeries" => {
                let mut ids = owners(several, one);
                if ids.is_empty() {
                    ids = self.owners();
                }
                ids.into_iter().for_each(|id| self.rescan(id));
                Ok("Completed".to_owned())
            }
            "RenameFiles" => {
                let owner = number(&body[one]).unwrap_or_default();
                let only = numbers(&body["files"]);
                // An empty list renames nothing, unlike the command for the whole movie or series.
                let count = if only.is_empty() { 0 } else { self.rename(owner, &only) };
                Ok(format!("{count} files renamed"))
            }
            "RenameMovie" | "RenameSeries" => {
                let count: usize = owners(several, one).into_iter().map(|owner| self.rename(owner, &[])).sum();
                Ok(format!("{count} files renamed"))
            }
            "ManualImport" => self.manual_import(body),
            "RefreshCollections" => {
                self.fill_collections();
                Ok("Completed".to_owned())
            }
            _ => Ok("Completed".to_owned()),
        }
    }

    fn owners(&self) -> Vec<u32> {
        self.movies.iter().map(|movie| movie.id).chain(self.shows.iter().map(|show| show.id)).collect()
    }

    fn refresh(&mut self, id: u32) {
        match self.kind {
            Kind::Radarr => self.refresh_movie(id),
            Kind::Sonarr => self.refresh_show(id),
        }
    }
}
