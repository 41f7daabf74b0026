//! Searches: of a series, a season, episodes, what is missing, what is below the wanted quality.
//!
//! A search that finds nothing ends as successfully as one that does, so what came of it is read from the queue and from history,
//! and only then told.

use super::{
    Sonarr, client,
    episodes::{episodes_card, known_episodes, named},
    seasons::{Counts, Numbers, no_season},
    types::{Episode, QueueRow, Series},
    view::{self, told},
};
use crate::servarr::{Client, Command, asks, command::reports_downloaded};
use majordomo_domain::{Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, tool::Undo};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::{Instant as Moment, timeout_at};

/// Wall time of one search.
pub const TIMEOUT: Duration = Duration::from_secs(180);
/// Why no search can be taken back.
pub const NO_UNDO: Undo = Undo::No("a search cannot be called back");
/// Releases named in an answer.
const MOST_RELEASES: usize = 5;

/// What is searched.
pub struct Scope {
    series_id: Option<u64>,
    season: Option<u32>,
    episodes: Option<Vec<u64>>,
    command: Value,
}

impl Scope {
    pub fn series(series_id: u64) -> Self {
        let command = json!({ "name": "SeriesSearch", "seriesId": series_id });
        Self { series_id: Some(series_id), season: None, episodes: None, command }
    }

    pub fn season(series_id: u64, season: u32) -> Self {
        let command = json!({ "name": "SeasonSearch", "seriesId": series_id, "seasonNumber": season });
        Self { series_id: Some(series_id), season: Some(season), episodes: None, command }
    }

    /// Episodes of one series, or of several when none is named.
    pub fn episodes(series_id: Option<u64>, ids: &[u64]) -> Self {
        let command = json!({ "name": "EpisodeSearch", "episodeIds": ids });
        Self { series_id, season: None, episodes: Some(ids.to_vec()), command }
    }

    /// Whether what was taken for an episode belongs to it.
    fn holds(&self, series: u64, season: Option<u32>, episode: u64) -> bool {
        self.series_id.is_none_or(|wanted| wanted == series)
            && self.season.is_none_or(|wanted| season == Some(wanted))
            && self.episodes.as_ref().is_none_or(|ids| ids.contains(&episode))
    }
}

/// How long a call may still wait for searches.
pub struct Wait {
    until: Moment,
}

impl Wait {
    /// What is kept of a call's wall time for reading what came of a search and for telling it.
    pub const SPARE: Duration = Duration::from_secs(20);

    /// For a call that searches once: as long as the settings say.
    pub fn once(at: &Client) -> Self {
        Self::within(TIMEOUT).no_longer_than(at.settings().command_wait)
    }

    /// A call's wall time, less what telling takes.
    pub fn within(timeout: Duration) -> Self {
        Self { until: Moment::now() + timeout.saturating_sub(Self::SPARE) }
    }

    /// For one of several searches of a call.
    pub fn no_longer_than(&self, wait: Duration) -> Self {
        Self { until: self.until.min(Moment::now() + wait) }
    }

    pub fn is_over(&self) -> bool {
        Moment::now() >= self.until
    }

    /// Follows a command to its end, however often the settings' wait is over before it.
    async fn follow(&self, at: &Client, mut command: Command) -> Result<Command, ToolError> {
        while !command.is_over() && !self.is_over() {
            let Ok(followed) = timeout_at(self.until, at.follow(command.clone())).await else { break };
            command = followed?;
        }
        Ok(command)
    }
}

/// What came of a search.
pub struct Found {
    pub command: Command,
    /// Release names with the episodes taken from each.
    pub releases: BTreeMap<String, BTreeSet<u64>>,
    /// Codes of these episodes.
    codes: BTreeMap<u64, String>,
}

impl Found {
    pub fn is_nothing(&self) -> bool {
        self.releases.is_empty() && self.reported().unwrap_or(0) == 0
    }

    /// What Sonarr's own message says it took; None when the wording says nothing.
    fn reported(&self) -> Option<u64> {
        self.command.message.as_deref().and_then(reports_downloaded)
    }

    pub fn told(&self) -> Value {
        let releases: Vec<Value> = self
            .releases
            .iter()
            .take(MOST_RELEASES)
            .map(|(release, episodes)| {
                let codes: Vec<&str> =
                    episodes.iter().filter_map(|id| self.codes.get(id)).map(String::as_str).collect();
                json!({ "release": view::line(release, 120), "episodes": codes })
            })
            .collect();
        told(json!({
            "command_id": self.command.id,
            "state": self.command.status,
            "grabbed": self.releases.len(),
            "releases": (!releases.is_empty()).then_some(releases),
            "result": self.in_words(),
        }))
    }

    pub fn in_words(&self) -> String {
        let grabbed = self.releases.len();
        if !self.command.is_over() {
            let so_far = if grabbed == 0 { String::new() } else { format!(", {} so far", taken(grabbed)) };
            return format!("still searching{so_far}; look at sonarr_queue in a few minutes");
        }
        if self.command.has_failed() {
            return format!("the search ended as {}", self.command.status);
        }
        match (grabbed, self.reported()) {
            (0, Some(said)) if said > 0 => {
                format!("Sonarr says it took {said}, but history shows none of it yet; look at sonarr_queue")
            }
            (0, _) => "nothing was found".into(),
            (n, _) => format!("{} for download", taken(n)),
        }
    }
}

fn taken(releases: usize) -> String {
    format!("{} taken", view::count(releases, "release"))
}

/// Sends a search, waits for it as long as the call may, and reads what came of it: history since then, and what is in the queue
/// that was not there before.
pub async fn search(at: &Client, scope: &Scope, wait: &Wait) -> Result<Found, ToolError> {
    let before = scope.queue(at).await?;
    let command = at.command(&scope.command).await?;
    let command = wait.follow(at, command).await?;
    let mut found = scope.grabbed(at, command).await?;
    let known: BTreeSet<u64> = before.iter().map(|row| row.id).collect();
    for row in scope.queue(at).await? {
        let Some(episode) = row.episode_id.filter(|_| !known.contains(&row.id)) else { continue };
        let is_told = found.releases.values().any(|episodes| episodes.contains(&episode));
        if !is_told {
            found.releases.entry(row.title).or_default().insert(episode);
        }
    }
    Ok(found)
}

impl Scope {
    /// What the last search of the same came to, when Sonarr still remembers one.
    pub async fn last(&self, at: &Client, now_ms: i64) -> Result<Option<Found>, ToolError> {
        match client::same_command(at, &self.command, now_ms).await? {
            Some(command) => Ok(Some(self.grabbed(at, command).await?)),
            None => Ok(None),
        }
    }

    async fn grabbed(&self, at: &Client, command: Command) -> Result<Found, ToolError> {
        let mut releases: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        let mut codes = BTreeMap::new();
        let since = command.queued.clone().unwrap_or_default();
        for record in client::grabbed_since(at, &since).await? {
            let season = record.episode.as_ref().map(|episode| episode.season_number);
            if !self.holds(record.series_id, season, record.episode_id) {
                continue;
            }
            if let Some(episode) = &record.episode {
                codes.insert(record.episode_id, episode.code());
            }
            releases.entry(record.source_title).or_default().insert(record.episode_id);
        }
        Ok(Found { command, releases, codes })
    }

    /// Rows of the queue that belong to it; none where no series is named, since nobody pages through a whole queue for that.
    async fn queue(&self, at: &Client) -> Result<Vec<QueueRow>, ToolError> {
        let Some(series) = self.series_id else { return Ok(Vec::new()) };
        let rows = client::queue_of(at, series).await?;
        Ok(rows.into_iter().filter(|row| self.holds(series, row.season_number, row.episode_id.unwrap_or(0))).collect())
    }
}

/// The search as an answer: what was searched, what came of it.
fn answer(what: &str, found: &Found, more: Value) -> Result<Output, ToolError> {
    let mut answer = json!({ "searched": what });
    for part in [found.told(), more] {
        if let (Some(answer), Value::Object(part)) = (answer.as_object_mut(), part) {
            answer.extend(part);
        }
    }
    let mut output = Output::json(&answer)?;
    output.receipt = Some(format!("Searched for {what}: {}.", found.in_words()));
    Ok(output)
}

/// After a stop in the middle: whether Sonarr knows of the same search, sent not long ago.
async fn was_sent(at: &Client, scope: &Scope, what: &str, call: &Call) -> Result<Option<Output>, ToolError> {
    let Some(command) = client::same_command(at, &scope.command, call.now_ms).await? else { return Ok(None) };
    let sentence = format!("The search for {what} was sent; Sonarr has it as {}.", command.status);
    Ok(Some(Output::done(sentence)))
}

/// Search all monitored seasons of a series in Sonarr for releases, season by season. For one season use `sonarr_search_season`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchSeries {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for SearchSeries {
    const NAME: &'static str = "sonarr_search_series";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = NO_UNDO;
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "search download find whole series all seasons show Serie suchen herunterladen buscar descargar serie chercher télécharger série";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Search for series {}", self.series_id)
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "Nothing was searched.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (_, series) = client::known_series(at, self.series_id).await?;
        let seasons: Vec<u32> = series.seasons.iter().filter(|s| s.monitored).map(|s| s.season_number).collect();
        let mut card = view::card(at.name(), &series);
        card.text = format!("Search every indexer for {}", view::seasons(&seasons));
        Ok(card)
    }

    async fn check(&self, sonarr: &Sonarr, call: &Call) -> Result<Option<Output>, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        was_sent(at, &Scope::series(self.series_id), &format!("series {}", self.series_id), call).await
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (_, series) = client::known_series(at, self.series_id).await?;
        let monitored: Vec<u32> = series.seasons.iter().filter(|s| s.monitored).map(|s| s.season_number).collect();
        if monitored.is_empty() {
            return Err(ToolError::TellModel(format!(
                "no season of {} is monitored, so a search takes nothing; monitor seasons with sonarr_add_seasons",
                view::title(&series)
            )));
        }
        let found = search(at, &Scope::series(self.series_id), &Wait::once(at)).await?;
        let what = format!("{}, {}", view::title(&series), view::seasons(&monitored));
        answer(&what, &found, json!({ "series_id": self.series_id }))
    }
}

/// Search one season of a series in Sonarr with one search that covers all its monitored episodes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchSeason {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Number of the season as Sonarr counts.
    season_number: u32,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for SearchSeason {
    const NAME: &'static str = "sonarr_search_season";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = NO_UNDO;
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "search download find season pack Staffel suchen herunterladen buscar descargar temporada chercher télécharger saison";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Search for {} of series {}", view::seasons(&[self.season_number]), self.series_id)
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "Nothing was searched.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, call: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (_, series) = client::known_series(at, self.series_id).await?;
        if series.seasons.iter().all(|season| season.season_number != self.season_number) {
            return Err(ToolError::TellModel(no_season(&series, &[self.season_number])));
        }
        let episodes = client::episodes(at, self.series_id, Some(self.season_number), false).await?;
        let counts = Counts::of(&episodes, call.now_ms);
        let mut card = view::card(at.name(), &series);
        card.text = format!("Search every indexer for {}", view::seasons(&[self.season_number]));
        card.facts.clear();
        Ok(card
            .fact("Episodes", format!("{} of {} there", counts.with_file, counts.total))
            .fact("Missing", format!("{} aired and monitored", counts.missing)))
    }

    async fn check(&self, sonarr: &Sonarr, call: &Call) -> Result<Option<Output>, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let what = format!("{} of series {}", view::seasons(&[self.season_number]), self.series_id);
        was_sent(at, &Scope::season(self.series_id, self.season_number), &what, call).await
    }

    async fn run(self, sonarr: &Sonarr, call: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (_, series) = client::known_series(at, self.series_id).await?;
        if series.seasons.iter().all(|season| season.season_number != self.season_number) {
            return Err(ToolError::TellModel(no_season(&series, &[self.season_number])));
        }
        let episodes = client::episodes(at, self.series_id, Some(self.season_number), false).await?;
        let counts = Counts::of(&episodes, call.now_ms);
        let what = format!("{}, {}", view::title(&series), view::seasons(&[self.season_number]));
        if counts.monitored == 0 {
            return Err(ToolError::TellModel(format!(
                "no episode of {what} is monitored, so a search takes nothing; monitor it with sonarr_add_seasons"
            )));
        }
        let found = search(at, &Scope::season(self.series_id, self.season_number), &Wait::once(at)).await?;
        let is_worth_more = found.is_nothing()
            && found.command.is_over()
            && !found.command.has_failed()
            && counts.missing > 0
            && series.series_type == "standard";
        let more = json!({
            "series_id": self.series_id,
            "season": self.season_number,
            "episodes": counts.told(),
            "next": is_worth_more.then_some("sonarr_episode_fallback_search looks for each missing episode by itself"),
        });
        answer(&what, &found, told(more))
    }
}

/// Search single episodes in Sonarr, by their ids, at most 20: one round over the indexers for each.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchEpisodes {
    /// Sonarr's ids of the episodes, from `sonarr_episodes`.
    #[serde(alias = "episode_id")]
    episode_ids: Numbers<u64>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

/// Episodes one search may name: each costs a round over every indexer.
const MOST_SEARCHED: usize = 20;

impl SearchEpisodes {
    fn ids(&self) -> Result<Vec<u64>, ToolError> {
        let ids = self.episode_ids.list();
        if ids.is_empty() || ids.len() > MOST_SEARCHED {
            return Err(ToolError::TellModel(format!(
                "one search names 1 to {MOST_SEARCHED} episodes, not {}",
                ids.len()
            )));
        }
        Ok(ids)
    }
}

impl Tool for SearchEpisodes {
    const NAME: &'static str = "sonarr_search_episodes";
    const ALIASES: &'static [&'static str] = &["sonarr_search_episode"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = NO_UNDO;
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "search download find single episode Folge Episode suchen herunterladen buscar descargar episodio chercher télécharger épisode";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Search for {}", view::count(self.episode_ids.list().len(), "episode"))
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "Nothing was searched.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (episodes, series) = known_episodes(at, &self.ids()?).await?;
        let text = format!("Search every indexer for {}", named(&episodes, &series));
        Ok(episodes_card(at, &episodes, &series, text))
    }

    async fn check(&self, sonarr: &Sonarr, call: &Call) -> Result<Option<Output>, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let ids = self.ids()?;
        was_sent(at, &Scope::episodes(None, &ids), &view::count(ids.len(), "episode"), call).await
    }

    async fn run(self, sonarr: &Sonarr, call: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let ids = self.ids()?;
        let (episodes, series) = known_episodes(at, &ids).await?;
        let one_series = <[Series; 1]>::try_from(series.clone()).ok().map(|[series]| series.id);
        let found = search(at, &Scope::episodes(one_series, &ids), &Wait::once(at)).await?;
        let unaired: Vec<String> =
            episodes.iter().filter(|episode| !episode.has_aired(call.now_ms)).map(Episode::code).collect();
        let more = json!({ "not_yet_aired": (!unaired.is_empty()).then_some(unaired) });
        answer(&named(&episodes, &series), &found, told(more))
    }
}
