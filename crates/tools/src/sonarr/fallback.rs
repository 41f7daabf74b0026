//! When a season search took nothing: its episodes one by one.
//!
//! A standard series is asked for with one question for the whole season, and where no pack exists and an indexer does not list
//! single episodes under a season, nothing is taken though the episodes are out there. Anime and daily series are searched by
//! episode anyway, so it is not repeated for them.

use super::{
    Sonarr, client,
    search::{Found, NO_UNDO, Scope, Wait, search},
    seasons::{Counts, Numbers, no_season},
    types::{Episode, Series},
    view::{self, told},
};
use crate::servarr::{Client, asks};
use majordomo_domain::{Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, tool::Undo};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Wall time of the whole pass: a season of 24 is five rounds over slow indexers.
const TIMEOUT: Duration = Duration::from_secs(900);
/// Episodes of one round: each costs a question to every indexer.
const ROUND: usize = 5;

/// After a season search in Sonarr that took nothing: search each missing episode by itself, once, and tell for each what came.
/// Runs the season search first when there was none.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EpisodeFallback {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Number of the season as Sonarr counts.
    season_number: u32,
    /// Only these episodes of it, by episode number; all that are missing when absent.
    target_episodes: Option<Numbers<u32>>,
    /// Title of the series, for the line a person reads meanwhile.
    series_title: Option<String>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl EpisodeFallback {
    fn name(&self) -> String {
        match self.series_title.as_deref().map(str::trim).filter(|title| !title.is_empty()) {
            Some(title) => view::line(title, 60),
            None => format!("series {}", self.series_id),
        }
    }

    async fn season(&self, at: &Client) -> Result<(Series, Vec<Episode>), ToolError> {
        let (_, series) = client::known_series(at, self.series_id).await?;
        if series.seasons.iter().all(|season| season.season_number != self.season_number) {
            return Err(ToolError::TellModel(no_season(&series, &[self.season_number])));
        }
        let mut episodes = episodes_of(at, self.series_id, self.season_number).await?;
        if let Some(wanted) = self.target_episodes.as_ref().map(Numbers::list) {
            let unknown: Vec<u32> = wanted
                .iter()
                .copied()
                .filter(|number| episodes.iter().all(|episode| episode.episode_number != *number))
                .collect();
            if !unknown.is_empty() {
                return Err(ToolError::TellModel(format!(
                    "{} of {} has no episode {}",
                    view::seasons(&[self.season_number]),
                    view::title(&series),
                    view::numbers(&unknown)
                )));
            }
            episodes.retain(|episode| wanted.contains(&episode.episode_number));
        }
        Ok((series, episodes))
    }

    /// Why nothing is searched at all, when that is so.
    async fn hindrance(
        &self,
        at: &Client,
        series: &Series,
        episodes: &[Episode],
        now_ms: i64,
    ) -> Result<Option<String>, ToolError> {
        if series.series_type != "standard" {
            return Ok(Some(format!(
                "{} is a series of type {}, which Sonarr searches by episode anyway",
                view::title(series),
                view::line(&series.series_type, 20)
            )));
        }
        if Counts::of(episodes, now_ms).missing == 0 {
            return Ok(Some("no episode is missing that has aired and is monitored".into()));
        }
        let queued = client::queue_of(at, self.series_id).await?;
        let of_season = queued.iter().filter(|row| row.season_number == Some(self.season_number)).count();
        if of_season > 0 {
            return Ok(Some(format!(
                "{} in the queue already; see sonarr_queue",
                if of_season == 1 {
                    "1 episode of the season is".to_owned()
                } else {
                    format!("{of_season} episodes of the season are")
                }
            )));
        }
        Ok(None)
    }
}

/// What became of each episode.
#[derive(Default)]
pub struct Report {
    found: BTreeMap<u64, String>,
    searched: BTreeSet<u64>,
    /// Sent, but not done when the time was over.
    running: BTreeSet<u64>,
    stopped: Option<String>,
}

impl Report {
    fn add(&mut self, ids: &[u64], found: &Found) {
        for (release, episodes) in &found.releases {
            for episode in episodes {
                self.found.insert(*episode, release.clone());
            }
        }
        if found.command.is_over() {
            self.searched.extend(ids);
        } else {
            self.running.extend(ids);
        }
    }

    pub fn told(&self, episodes: &[Episode], now_ms: i64) -> Value {
        let mut found = Vec::new();
        let (mut not_found, mut searching, mut unaired) = (Vec::new(), Vec::new(), Vec::new());
        let mut not_searched: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for episode in episodes {
            let code = episode.code();
            if let Some(release) = self.found.get(&episode.id) {
                found.push(json!({ "episode": code, "release": view::line(release, 120) }));
            } else if self.searched.contains(&episode.id) {
                not_found.push(code);
            } else if self.running.contains(&episode.id) {
                searching.push(code);
            } else if episode.has_file {
                not_searched.entry("has a file").or_default().push(code);
            } else if !episode.has_aired(now_ms) {
                unaired.push(code);
            } else if !episode.monitored {
                not_searched.entry("not monitored").or_default().push(code);
            } else {
                not_searched.entry("not reached").or_default().push(code);
            }
        }
        let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
        json!({
            "found": found,
            "not_found": not_found,
            "still_searching": some(searching),
            "not_yet_aired": some(unaired),
            "not_searched": (!not_searched.is_empty()).then_some(not_searched),
            "stopped": self.stopped,
        })
    }

    fn in_words(&self) -> String {
        let searched = self.searched.len() + self.running.len();
        format!("{} searched, {} found", view::count(searched, "episode"), self.found.len())
    }
}

impl Tool for EpisodeFallback {
    const NAME: &'static str = "sonarr_episode_fallback_search";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = NO_UNDO;
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "season pack not found search every episode one by one Staffelpaket nicht gefunden Folgen einzeln suchen temporada no encontrada episodio por episodio saison introuvable épisode par épisode";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Search {} of {} episode by episode", view::seasons(&[self.season_number]), self.name())
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "Nothing was searched.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, call: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (series, episodes) = self.season(at).await?;
        let missing: Vec<&Episode> = missing(&episodes, call.now_ms);
        let mut card = view::card(at.name(), &series);
        card.text = match self.hindrance(at, &series, &episodes, call.now_ms).await? {
            Some(reason) => format!("Nothing will be searched: {reason}."),
            None => format!("Search every indexer for each of {}", view::codes(missing.iter().copied())),
        };
        card.facts.clear();
        Ok(card.fact("Missing", view::count(missing.len(), "episode")))
    }

    /// Sonarr notes at each episode when it was last searched.
    async fn check(&self, sonarr: &Sonarr, call: &Call) -> Result<Option<Output>, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (series, episodes) = self.season(at).await?;
        let since = call.now_ms - i64::try_from(TIMEOUT.as_millis()).unwrap_or(i64::MAX);
        let is_recent = |at: &str| at.parse::<jiff::Timestamp>().is_ok_and(|at| at.as_millisecond() >= since);
        let searched: Vec<&Episode> = missing(&episodes, call.now_ms)
            .into_iter()
            .filter(|episode| episode.last_search_time.as_deref().is_some_and(is_recent))
            .collect();
        if searched.is_empty() {
            return Ok(None);
        }
        let sentence = format!(
            "It was stopped in the middle; Sonarr has searched {} of {} in the last minutes and they have no file yet.",
            view::codes(searched),
            view::title(&series)
        );
        Ok(Some(Output::done(sentence)))
    }

    async fn run(self, sonarr: &Sonarr, call: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let wait = Wait::within(TIMEOUT);
        let (series, episodes) = self.season(at).await?;
        let what = format!("{}, {}", view::title(&series), view::seasons(&[self.season_number]));
        let refused = |reason: String| Output::json(&json!({ "series": what, "searched": false, "because": reason }));
        if let Some(reason) = self.hindrance(at, &series, &episodes, call.now_ms).await? {
            return refused(reason);
        }
        // It follows a season search that took nothing: the last one Sonarr remembers, else one now.
        let of_season = Scope::season(self.series_id, self.season_number);
        let season_search = match of_season.last(at, call.now_ms).await? {
            Some(found) if !found.command.is_over() || found.is_nothing() => found,
            _ => search(at, &of_season, &wait).await?,
        };
        if !season_search.command.is_over() {
            return refused("the season search is still running; look again in a few minutes".into());
        }
        if !season_search.is_nothing() {
            let mut output = Output::json(&told(json!({
                "series": what, "searched": false, "because": "the season search took something", "season_search": season_search.told(),
            })))?;
            output.receipt = Some(format!("Searched for {what}: {}.", season_search.in_words()));
            return Ok(output);
        }
        let report = one_by_one(at, self.series_id, &missing(&episodes, call.now_ms), &wait).await;
        let mut answer = report.told(&episodes, call.now_ms);
        answer["series"] = what.as_str().into();
        answer["series_id"] = self.series_id.into();
        answer["next"] = "this was the one pass; look again later rather than at once".into();
        let mut output = Output::json(&told(answer))?;
        output.receipt = Some(format!("{what}: {}.", report.in_words()));
        Ok(output)
    }
}

/// A season's episodes in order.
pub async fn episodes_of(at: &Client, series_id: u64, season: u32) -> Result<Vec<Episode>, ToolError> {
    let mut episodes = client::episodes(at, series_id, Some(season), false).await?;
    episodes.sort_by_key(|episode| episode.episode_number);
    Ok(episodes)
}

/// Episodes that are out there and wanted: aired, monitored, without a file.
fn missing(episodes: &[Episode], now_ms: i64) -> Vec<&Episode> {
    episodes.iter().filter(|episode| episode.monitored && !episode.has_file && episode.has_aired(now_ms)).collect()
}

/// Round by round. Whatever ends it early, what was done is told.
pub async fn one_by_one(at: &Client, series_id: u64, episodes: &[&Episode], wait: &Wait) -> Report {
    let mut report = Report::default();
    for round in episodes.chunks(ROUND) {
        if wait.is_over() {
            report.stopped = Some("the time for one call is over".into());
            break;
        }
        let ids: Vec<u64> = round.iter().map(|episode| episode.id).collect();
        match search(at, &Scope::episodes(Some(series_id), &ids), wait).await {
            Ok(found) => report.add(&ids, &found),
            Err(error) => {
                report.stopped = Some(error.to_string());
                break;
            }
        }
    }
    report
}
