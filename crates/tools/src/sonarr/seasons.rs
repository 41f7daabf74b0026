//! Seasons: what one has, monitoring it, and adding seasons to a series that is there.

use super::{
    Sonarr, client,
    search::{Scope, Wait, search},
    types::{Episode, Season, Series},
    view::{self, told},
};
use crate::servarr::{Client, asks, undo, view::size};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError,
    approval::Wording,
    tool::{Undo, UndoCall},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Wall time of adding seasons: each is searched, one after the other.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Seasons one call may change.
const MOST_SEASONS: usize = 20;

/// One number or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "this takes a whole number or a list of them")]
pub enum Numbers<T> {
    One(T),
    Many(Vec<T>),
}

impl<T: Copy + Ord> Numbers<T> {
    /// Each once, in order.
    pub fn list(&self) -> Vec<T> {
        let set: BTreeSet<T> = match self {
            Numbers::One(one) => BTreeSet::from([*one]),
            Numbers::Many(many) => many.iter().copied().collect(),
        };
        set.into_iter().collect()
    }
}

impl<T> JsonSchema for Numbers<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Numbers".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["integer", "array"], "items": { "type": "integer" } })
    }
}

/// One season of a series in Sonarr: counts of episodes, and each episode with its file state.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeasonDetails {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Number of the season as Sonarr counts; 0 for specials.
    season_number: u32,
    /// Episodes listed, 1 to 100, default 30.
    limit: Option<usize>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for SeasonDetails {
    const NAME: &'static str = "sonarr_season_details";
    const ALIASES: &'static [&'static str] = &["sonarr_get_season_details", "sonarr_get_season_summary"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "season episodes missing how many complete Staffel Folgen fehlen temporada episodios faltan saison épisodes manquants";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Looking at season {} of series {}", self.season_number, self.series_id)
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, sonarr: &Sonarr, call: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let limit = client::limit(self.limit, 30, 100)?;
        let Some((_, series)) = client::series(at, self.series_id).await? else {
            return Ok(client::nothing(&format!("Sonarr has no series {}", self.series_id)));
        };
        let Some(season) = series.seasons.iter().find(|season| season.season_number == self.season_number) else {
            return Ok(client::nothing(&no_season(&series, &[self.season_number])));
        };
        let mut episodes = client::episodes(at, self.series_id, Some(self.season_number), true).await?;
        episodes.sort_by_key(|episode| episode.episode_number);
        let counts = Counts::of(&episodes, call.now_ms);
        let list: Vec<Value> =
            episodes.iter().take(limit).map(|episode| view::episode_row(episode, call.now_ms)).collect();
        Output::json(&told(json!({
            "series": view::title(&series),
            "series_id": series.id,
            "season": season.season_number,
            "monitored": season.monitored,
            "series_monitored": series.monitored,
            "counts": counts.told(),
            "size": size(season.statistics.size_on_disk),
            "next_airing": season.statistics.next_airing,
            "episodes": list,
            "not_listed": (episodes.len() > limit).then(|| episodes.len() - limit),
        })))
    }
}

/// Episodes counted by how they stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub total: usize,
    pub monitored: usize,
    pub with_file: usize,
    pub aired: usize,
    /// Aired, monitored, without a file.
    pub missing: usize,
}

impl Counts {
    pub fn of<'a>(episodes: impl IntoIterator<Item = &'a Episode>, now_ms: i64) -> Self {
        let mut counts = Self::default();
        for episode in episodes {
            let aired = episode.has_aired(now_ms);
            counts.total += 1;
            counts.monitored += usize::from(episode.monitored);
            counts.with_file += usize::from(episode.has_file);
            counts.aired += usize::from(aired);
            counts.missing += usize::from(aired && episode.monitored && !episode.has_file);
        }
        counts
    }

    pub fn told(&self) -> Value {
        json!({
            "total": self.total, "monitored": self.monitored, "with_file": self.with_file, "aired": self.aired,
            "missing": self.missing,
        })
    }
}

/// Says which seasons there are, where one was named that is not.
pub fn no_season(series: &Series, asked: &[u32]) -> String {
    let known: Vec<u32> = series.seasons.iter().map(|season| season.season_number).collect();
    let missing: Vec<u32> = asked.iter().copied().filter(|number| !known.contains(number)).collect();
    format!("{} has no {} in Sonarr; it has {}", view::title(series), view::seasons(&missing), view::seasons(&known))
}

fn check_seasons(series: &Series, flags: &Flags<'_>) -> Result<(), ToolError> {
    let is_about_seasons = flags.only.is_none() && flags.series.is_none();
    if flags.seasons.len() > MOST_SEASONS || (is_about_seasons && flags.seasons.is_empty()) {
        return Err(ToolError::TellModel(format!("give 1 to {MOST_SEASONS} seasons, not {}", flags.seasons.len())));
    }
    let has = |number: &u32| series.seasons.iter().any(|season| season.season_number == *number);
    if flags.seasons.iter().all(has) {
        return Ok(());
    }
    Err(ToolError::TellModel(no_season(series, flags.seasons)))
}

/// Sonarr's record with the flags of these seasons set, and the series' own when wanted.
fn with_flags(record: &Value, flags: &Flags<'_>) -> Value {
    let mut record = record.clone();
    if let Some(flag) = flags.series {
        record["monitored"] = flag.into();
    }
    for season in record["seasons"].as_array_mut().into_iter().flatten() {
        let number = season["seasonNumber"].as_u64();
        if flags.seasons.iter().any(|wanted| number == Some(u64::from(*wanted))) {
            season["monitored"] = flags.monitored.into();
        }
    }
    record
}

/// What setting flags changed.
struct Changed {
    /// As Sonarr has it afterwards.
    series: Series,
    /// Seasons whose own flag was another.
    seasons: Vec<u32>,
    /// Episodes whose flag was another.
    episodes: Vec<u64>,
    /// The series' own flag was another.
    series_flag: bool,
}

impl Changed {
    fn is_nothing(&self) -> bool {
        self.seasons.is_empty() && self.episodes.is_empty() && !self.series_flag
    }
}

/// What is wanted of flags.
struct Flags<'a> {
    series_id: u64,
    seasons: &'a [u32],
    monitored: bool,
    /// What the series' own flag becomes.
    series: Option<bool>,
    /// Exactly these episodes change, of whatever season; all of the seasons when absent.
    only: Option<&'a [u64]>,
}

/// Sets the flags of seasons and episodes, and checks that they are so.
///
/// Sonarr sets a season's episodes itself when the season's flag changes, and only then; what it does not set, or should not
/// have set, is put right afterwards. Source: Sonarr, SeriesService.UpdateSeries.
async fn set_flags(at: &Client, flags: &Flags<'_>) -> Result<Changed, ToolError> {
    let (record, before) = client::known_series(at, flags.series_id).await?;
    check_seasons(&before, flags)?;
    let is_wanted = |episode: &Episode| match flags.only {
        Some(only) => only.contains(&episode.id),
        None => flags.seasons.contains(&episode.season_number),
    };
    let old = client::episodes(at, flags.series_id, None, false).await?;
    let goal: BTreeMap<u64, bool> = old
        .iter()
        .map(|episode| (episode.id, if is_wanted(episode) { flags.monitored } else { episode.monitored }))
        .collect();
    let seasons: Vec<u32> = before
        .seasons
        .iter()
        .filter(|season| flags.seasons.contains(&season.season_number) && season.monitored != flags.monitored)
        .map(|season| season.season_number)
        .collect();
    let series_flag = flags.series.is_some_and(|flag| flag != before.monitored);
    let mut now = old.clone();
    if !seasons.is_empty() || series_flag {
        client::put_series(at, &with_flags(&record, flags), false).await?;
        now = client::episodes(at, flags.series_id, None, false).await?;
    }
    let mut is_mended = false;
    for flag in [true, false] {
        let wrong = |episode: &&Episode| episode.monitored != flag && goal.get(&episode.id) == Some(&flag);
        let ids: Vec<u64> = now.iter().filter(wrong).map(|episode| episode.id).collect();
        if !ids.is_empty() {
            client::monitor(at, &ids, flag).await?;
            is_mended = true;
        }
    }
    if is_mended {
        now = client::episodes(at, flags.series_id, None, false).await?;
    }
    let (_, series) = client::known_series(at, flags.series_id).await?;
    let season_is_right =
        |season: &Season| !flags.seasons.contains(&season.season_number) || season.monitored == flags.monitored;
    let episode_is_right = |episode: &Episode| goal.get(&episode.id).is_none_or(|flag| *flag == episode.monitored);
    if !series.seasons.iter().all(season_is_right) || !now.iter().all(episode_is_right) {
        return Err(ToolError::TellModel(format!(
            "Sonarr took the change of {} but does not show it; look at sonarr_season_details",
            view::title(&series)
        )));
    }
    let has_changed = |episode: &&Episode| goal.get(&episode.id) != Some(&episode.monitored);
    let episodes = old.iter().filter(has_changed).map(|episode| episode.id).collect();
    Ok(Changed { series, seasons, episodes, series_flag })
}

/// Has these seasons and their episodes looked for no longer; the others stay as they are.
pub(crate) async fn stop_monitoring(at: &Client, series_id: u64, seasons: &[u32]) -> Result<(), ToolError> {
    set_flags(at, &Flags { series_id, seasons, monitored: false, series: None, only: None }).await.map(|_| ())
}

/// Monitor one or several seasons of a series in Sonarr, or stop that. Sets the seasons' episodes too; starts no search.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeasonMonitor {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Season number, or several, as Sonarr counts; 0 for specials.
    #[serde(alias = "season_numbers", alias = "seasons")]
    season_number: Numbers<u32>,
    /// true to monitor, false to stop.
    monitored: bool,
    /// Exactly these episodes change, by Sonarr's ids; all of the seasons when absent.
    only_episodes: Option<Vec<u64>>,
    /// What the series' own switch becomes; left as it is when absent.
    series_monitored: Option<bool>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl SeasonMonitor {
    fn verb(&self) -> &'static str {
        if self.monitored { "Monitor" } else { "Stop monitoring" }
    }

    fn flags<'a>(&'a self, seasons: &'a [u32]) -> Flags<'a> {
        Flags {
            series_id: self.series_id,
            seasons,
            monitored: self.monitored,
            series: self.series_monitored,
            only: self.only_episodes.as_deref(),
        }
    }
}

impl Tool for SeasonMonitor {
    const NAME: &'static str = "sonarr_season_monitor";
    const ALIASES: &'static [&'static str] = &["sonarr_monitor_season", "sonarr_monitor_episodes_by_season"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "monitor unmonitor season follow Staffel überwachen beobachten seguir temporada vigilar suivre saison surveiller";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("{} {} of series {}", self.verb(), view::seasons(&self.season_number.list()), self.series_id)
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "Nothing was changed.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (_, series) = client::known_series(at, self.series_id).await?;
        let wanted = self.season_number.list();
        check_seasons(&series, &self.flags(&wanted))?;
        Ok(season_card(at, &series, &wanted, format!("{} {}", self.verb(), view::seasons(&wanted))))
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let wanted = self.season_number.list();
        let changed = set_flags(at, &self.flags(&wanted)).await?;
        let (title, seasons) = (view::title(&changed.series), view::seasons(&wanted));
        let state = if self.monitored { "now monitored" } else { "no longer monitored" };
        if changed.is_nothing() {
            return Ok(Output::text(format!("{title}, {seasons}: it was so already, nothing was changed.")));
        }
        let mut sentence = format!("{title}, {seasons}: {state}.");
        if self.monitored && !changed.series.monitored {
            sentence.push_str(" The series itself is not monitored, so Sonarr fetches nothing of it by itself.");
        }
        Ok(Output::done(sentence).with_undo(undo_of(at, self.series_id, &changed, self.monitored)))
    }
}

/// A series with what is there of some of its seasons.
fn season_card(at: &Client, series: &Series, wanted: &[u32], text: String) -> Card {
    let mut card = view::card(at.name(), series);
    card.text = text;
    for season in series.seasons.iter().filter(|season| wanted.contains(&season.season_number)).take(8) {
        let statistics = &season.statistics;
        let state = if season.monitored { "monitored" } else { "not monitored" };
        let (have, all) = (statistics.episode_file_count, statistics.total_episode_count);
        let name = match season.season_number {
            0 => "Specials".to_owned(),
            number => format!("Season {number}"),
        };
        card = card.fact(name, format!("{state}, {have} of {all} there"));
    }
    card
}

/// The call that puts the flags back as they were.
fn undo_of(at: &Client, series_id: u64, changed: &Changed, monitored: bool) -> UndoCall {
    let title = view::title(&changed.series);
    if changed.seasons.is_empty() && !changed.series_flag {
        return undo(
            super::episodes::EpisodesMonitor::NAME,
            at,
            json!({ "episode_ids": changed.episodes, "monitored": !monitored }),
            format!("Set {} of {title} back", view::count(changed.episodes.len(), "episode")),
        );
    }
    let arguments = told(json!({
        "series_id": series_id,
        "season_number": changed.seasons,
        "monitored": !monitored,
        "only_episodes": changed.episodes,
        "series_monitored": changed.series_flag.then_some(!changed.series.monitored),
    }));
    let title = match changed.seasons.as_slice() {
        [] => format!("Set {title} back"),
        seasons => format!("Set {} of {title} back", view::seasons(seasons)),
    };
    undo(SeasonMonitor::NAME, at, arguments, title)
}

/// Add seasons to a series that is in Sonarr already: monitor them and search each. For new series use `sonarr_add`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddSeasons {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Season numbers as Sonarr counts.
    #[serde(alias = "season_numbers", alias = "season_number")]
    seasons: Numbers<u32>,
    /// Whether to search for each at once, default true.
    #[serde(alias = "search")]
    search_now: Option<bool>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl AddSeasons {
    fn flags<'a>(&self, seasons: &'a [u32]) -> Flags<'a> {
        Flags { series_id: self.series_id, seasons, monitored: true, series: Some(true), only: None }
    }
}

impl Tool for AddSeasons {
    const NAME: &'static str = "sonarr_add_seasons";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "add seasons next season another get download weitere Staffel hinzufügen holen añadir temporada descargar ajouter saison télécharger";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Add {} of series {}", view::seasons(&self.seasons.list()), self.series_id)
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "No season was added.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (_, series) = client::known_series(at, self.series_id).await?;
        let wanted = self.seasons.list();
        check_seasons(&series, &self.flags(&wanted))?;
        let then = if self.search_now == Some(false) { "" } else { " and search for what is missing" };
        Ok(season_card(at, &series, &wanted, format!("Monitor {}{then}", view::seasons(&wanted))))
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let wanted = self.seasons.list();
        if wanted.is_empty() {
            return Err(ToolError::TellModel("name the seasons to add".into()));
        }
        let changed = set_flags(at, &self.flags(&wanted)).await?;
        let title = view::title(&changed.series);
        let mut searches = Vec::new();
        if self.search_now != Some(false) {
            let wait = Wait::within(TIMEOUT);
            for season in &wanted {
                if wait.is_over() {
                    searches.push(
                        json!({ "season": season, "searched": false, "because": "the time for one call is over" }),
                    );
                    continue;
                }
                // What was changed stays told when a search fails after it.
                let one = wait.no_longer_than(at.settings().command_wait);
                let told = match search(at, &Scope::season(self.series_id, *season), &one).await {
                    Ok(found) => found.told(),
                    Err(error) => json!({ "searched": false, "because": error.to_string() }),
                };
                searches.push(json!({ "season": season, "search": told }));
            }
        }
        let mut output = Output::json(&told(json!({
            "series": title,
            "series_id": self.series_id,
            "monitored_seasons": wanted,
            "changed": !changed.is_nothing(),
            "searches": searches,
        })))?;
        output.receipt = Some(format!("{title}: {} added.", view::seasons(&wanted)));
        if changed.is_nothing() {
            return Ok(output);
        }
        Ok(output.with_undo(undo_of(at, self.series_id, &changed, true)))
    }
}
