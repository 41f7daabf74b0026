//! Series: finding them to add, and what is in Sonarr of them.

use super::{
    Sonarr, client,
    seasons::Counts,
    types::{Episode, HistoryRecord, Series},
    view::{self, told},
};
use crate::servarr::view::size;
use majordomo_domain::{Call, Effect, Output, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Find a series to add to Sonarr, by title or by `tvdb:`, `tmdb:` or `imdb:` id. Says how well title and year fit and what is in
/// Sonarr already.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// A title such as `Dragnet (1951)`, or an id such as `tvdb:81189`, `tmdb:1396`, `imdb:tt0903747`.
    #[serde(alias = "query", alias = "title")]
    term: String,
    /// The year it first aired, where it is known.
    year: Option<u32>,
    /// Series listed, 1 to 20, default 5.
    limit: Option<usize>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

/// How well a series fits what was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// An id was asked for, and this has it.
    Id,
    /// Same title, same year.
    TitleAndYear,
    /// Same title; no year was asked for, or another.
    Title,
    /// One of its other titles.
    OtherTitle,
    Different,
}

impl Fit {
    fn as_str(self) -> &'static str {
        match self {
            Fit::Id => "id",
            Fit::TitleAndYear => "title and year",
            Fit::Title => "title",
            Fit::OtherTitle => "another title of it",
            Fit::Different => "only similar",
        }
    }
}

/// What was looked for.
enum Wanted {
    /// Kind and value: `tvdb`, `81189`.
    Id(&'static str, String),
    Title(String, Option<u32>),
}

impl Wanted {
    fn parse(term: &str, year: Option<u32>) -> Result<Self, ToolError> {
        let term = view::line(term, 200);
        if term.is_empty() {
            return Err(ToolError::TellModel("say what to look for".into()));
        }
        if let Some((kind, id)) = term.split_once(':') {
            let kind = ["tvdb", "tmdb", "imdb"].into_iter().find(|known| known.eq_ignore_ascii_case(kind.trim()));
            if let Some(kind) = kind {
                return Ok(Wanted::Id(kind, id.trim().to_owned()));
            }
        }
        let (title, in_title) = without_year(&term);
        Ok(Wanted::Title(title.to_owned(), year.or(in_title)))
    }

    fn term(&self) -> String {
        match self {
            Wanted::Id(kind, id) => format!("{kind}:{id}"),
            Wanted::Title(title, _) => title.clone(),
        }
    }

    fn fit(&self, series: &Series) -> Fit {
        match self {
            Wanted::Id(kind, id) => {
                let has = match *kind {
                    "tvdb" => series.tvdb_id.to_string() == *id,
                    "tmdb" => series.tmdb_id.is_some_and(|known| known.to_string() == *id),
                    _ => series.imdb_id.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(id)),
                };
                // Sonarr finds by TMDb and IMDb ids without always repeating them.
                if has || *kind != "tvdb" { Fit::Id } else { Fit::Different }
            }
            Wanted::Title(title, year) => {
                let wanted = letters(title);
                let same_year = *year == Some(series.year);
                match letters(without_year(&series.title).0) == wanted {
                    true if same_year => Fit::TitleAndYear,
                    true => Fit::Title,
                    false if series.alternate_titles.iter().any(|other| letters(&other.title) == wanted) => {
                        Fit::OtherTitle
                    }
                    false => Fit::Different,
                }
            }
        }
    }
}

/// `Dragnet (1951)` as title and year.
fn without_year(title: &str) -> (&str, Option<u32>) {
    let Some((name, rest)) = title.trim_end().rsplit_once(" (") else { return (title, None) };
    let year = rest.strip_suffix(')').filter(|year| year.len() == 4).and_then(|year| year.parse().ok());
    if year.is_some() { (name.trim_end(), year) } else { (title, None) }
}

/// A title by its letters and digits, so that marks and case do not count.
fn letters(title: &str) -> String {
    title.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What was matched, in one sentence.
fn verdict(wanted: &Wanted, fits: &[(Fit, Series)]) -> String {
    let best = fits.iter().map(|(fit, _)| *fit).min().unwrap_or(Fit::Different);
    let with = |fit: Fit| {
        fits.iter().filter(|(known, _)| *known == fit).map(|(_, series)| view::title(series)).collect::<Vec<_>>()
    };
    let names = with(best);
    match (best, names.as_slice(), wanted) {
        (Fit::Id, [one], _) => format!("that id is {one}"),
        (Fit::TitleAndYear, [one], _) => format!("{one} has that title and year"),
        (Fit::Title, [one], Wanted::Title(_, Some(year))) => {
            format!("{one} has that title but not the year {year}; ask whether it is meant")
        }
        (Fit::Title, [one], _) => format!("{one} is the only one with that title"),
        (Fit::OtherTitle, [one], _) => format!("{one} is also known by that title; ask whether it is meant"),
        (Fit::Different, _, Wanted::Id(..)) => "none of these has that id".into(),
        (Fit::Different, ..) => "none of these has that title; ask which is meant".into(),
        (_, several, _) => format!("{} fit; ask which is meant", several.len()),
    }
}

impl Tool for Lookup {
    const NAME: &'static str = "sonarr_lookup";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "find search series show to add tvdb id Serie finden suchen buscar serie encontrar trouver chercher série";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Looking up “{}” for Sonarr", view::line(&self.term, 60))
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let limit = client::limit(self.limit, 5, 20)?;
        let wanted = Wanted::parse(&self.term, self.year)?;
        let found = client::lookup(at, &wanted.term()).await?;
        if found.is_empty() {
            return Ok(client::nothing("Sonarr finds no such series"));
        }
        let mut fits: Vec<(Fit, Series)> = found.into_iter().map(|(_, series)| (wanted.fit(&series), series)).collect();
        fits.sort_by_key(|(fit, _)| *fit);
        let matched = verdict(&wanted, &fits);
        let count = fits.len();
        fits.truncate(limit);
        let rows: Vec<Value> = fits.iter().map(|(fit, series)| lookup_row(*fit, series)).collect();
        let cards = fits.iter().filter(|(_, series)| series.id > 0).take(4);
        let cards = cards.map(|(_, series)| view::card(at.name(), series)).collect();
        Ok(Output::json(&json!({ "matched": matched, "count": count, "series": rows }))?.with_cards(cards))
    }
}

fn lookup_row(fit: Fit, series: &Series) -> Value {
    let seasons: Vec<u32> = series.seasons.iter().map(|season| season.season_number).collect();
    told(json!({
        "tvdb_id": series.tvdb_id,
        "tmdb_id": series.tmdb_id.filter(|id| *id > 0),
        "imdb_id": series.imdb_id,
        "title": view::line(&series.title, 100),
        "year": (series.year > 0).then_some(series.year),
        "fits": fit.as_str(),
        "status": series.status,
        "network": series.network.as_deref().map(|network| view::line(network, 40)),
        "seasons": view::seasons(&seasons),
        "overview": series.overview.as_deref().map(|overview| view::line(overview, 160)),
        "in_sonarr": (series.id > 0).then(|| json!({ "series_id": series.id, "monitored": series.monitored })),
    }))
}

/// Series in Sonarr by title, or all of them in counts with the first few: monitored, missing episodes, size.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesList {
    /// Part of a title.
    query: Option<String>,
    /// One series by Sonarr's id.
    series_id: Option<u64>,
    /// One series by its TVDB id.
    tvdb_id: Option<u64>,
    /// Only monitored ones, or only those that are not.
    monitored: Option<bool>,
    /// Only with `continuing`, `ended`, `upcoming` or `deleted`.
    status: Option<String>,
    /// true for only those with missing episodes.
    missing: Option<bool>,
    /// Series listed, 1 to 50, default 10.
    limit: Option<usize>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for SeriesList {
    const NAME: &'static str = "sonarr_series";
    const ALIASES: &'static [&'static str] = &["sonarr_get_series"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "library list series shows have already in sonarr missing Serien Bibliothek haben wir biblioteca series tenemos bibliothèque séries avons-nous";
    type Service = Sonarr;

    fn title(&self) -> String {
        match &self.query {
            Some(query) => format!("Looking for “{}” in Sonarr", view::line(query, 60)),
            None => "Looking through the series in Sonarr".into(),
        }
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let limit = client::limit(self.limit, 10, 50)?;
        let all = match (self.series_id, self.tvdb_id) {
            (Some(id), _) => client::series(at, id).await?.map(|(_, series)| series).into_iter().collect(),
            (None, Some(tvdb)) => client::by_tvdb(at, tvdb).await?.map(|(_, series)| series).into_iter().collect(),
            (None, None) => client::all_series(at).await?,
        };
        let total = all.len();
        let mut chosen: Vec<&Series> = all.iter().filter(|series| self.holds(series)).collect();
        if chosen.is_empty() {
            return Ok(client::nothing("Sonarr has no such series"));
        }
        if let Some(query) = &self.query {
            let wanted = letters(query);
            let start = |series: &Series| usize::from(!letters(&series.title).starts_with(&wanted));
            chosen.sort_by_key(|series| (start(series), letters(&series.title)));
        } else {
            chosen.sort_by_key(|series| letters(&series.title));
        }
        let total_size: u64 = chosen.iter().map(|series| series.statistics.size_on_disk).sum();
        let rows: Vec<Value> = chosen.iter().take(limit).map(|series| view::row(series)).collect();
        let cards = chosen.iter().take(4).map(|series| view::card(at.name(), series)).collect();
        let output = Output::json(&told(json!({
            "in_sonarr": total,
            "matching": chosen.len(),
            "size": size(total_size),
            "series": rows,
            "not_listed": (chosen.len() > limit).then(|| chosen.len() - limit),
        })))?;
        Ok(output.with_cards(cards))
    }
}

impl SeriesList {
    fn holds(&self, series: &Series) -> bool {
        let has_words = |query: &String| {
            let wanted = letters(query);
            letters(&series.title).contains(&wanted)
                || series.alternate_titles.iter().any(|other| letters(&other.title).contains(&wanted))
        };
        let misses = series.statistics.episode_count > series.statistics.episode_file_count;
        self.query.as_ref().is_none_or(has_words)
            && self.monitored.is_none_or(|flag| flag == series.monitored)
            && self.status.as_ref().is_none_or(|status| series.status.eq_ignore_ascii_case(status.trim()))
            && self.missing.is_none_or(|flag| flag == misses)
    }
}

/// One series in Sonarr: status, profile, folder, and each season with what is there and what is missing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesDetails {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for SeriesDetails {
    const NAME: &'static str = "sonarr_series_details";
    const ALIASES: &'static [&'static str] = &["sonarr_get_series_details"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "details seasons status profile folder next episode Serie Staffeln Einzelheiten nächste Folge detalles temporadas détails saisons prochain";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Looking at series {} in Sonarr", self.series_id)
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let Some((_, series)) = client::series(at, self.series_id).await? else {
            return Ok(client::nothing(&format!("Sonarr has no series {}", self.series_id)));
        };
        let mut row = view::row(&series);
        let seasons: Vec<Value> = series.seasons.iter().map(view::season_row).collect();
        let more = told(json!({
            "tmdb_id": series.tmdb_id.filter(|id| *id > 0),
            "imdb_id": series.imdb_id,
            "type": series.series_type,
            "network": series.network.as_deref().map(|network| view::line(network, 40)),
            "profile": at.profile_name(&series.quality_profile_id.into()).await?,
            "folder": series.path.as_deref().map(|path| view::line(path, 160)),
            "monitors_new_seasons": series.monitor_new_items.as_deref().map(|items| items == "all"),
            "tags": at.tag_labels(&series.tags.clone().into()).await?,
            "next_airing": series.next_airing,
            "previous_airing": series.previous_airing,
            "overview": series.overview.as_deref().map(|overview| view::line(overview, 300)),
        }));
        if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
            row.extend(more);
            row.insert("seasons".into(), seasons.into());
        }
        Ok(Output::json(&row)?.with_cards(vec![view::card(at.name(), &series)]))
    }
}

/// Counts for one series in Sonarr: episodes in all, monitored, with a file, missing; the same by season.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesSummary {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for SeriesSummary {
    const NAME: &'static str = "sonarr_series_summary";
    const ALIASES: &'static [&'static str] = &["sonarr_get_series_summary"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "summary how many episodes monitored missing complete wie viele Folgen vollständig cuántos episodios completa combien épisodes complète";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Counting the episodes of series {}", self.series_id)
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, sonarr: &Sonarr, call: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let Some((_, series)) = client::series(at, self.series_id).await? else {
            return Ok(client::nothing(&format!("Sonarr has no series {}", self.series_id)));
        };
        let episodes = client::episodes(at, self.series_id, None, false).await?;
        let mut by_season: BTreeMap<u32, Vec<&Episode>> = BTreeMap::new();
        for episode in &episodes {
            by_season.entry(episode.season_number).or_default().push(episode);
        }
        let seasons: Vec<Value> = by_season
            .into_iter()
            .map(|(number, episodes)| {
                let mut row = Counts::of(episodes, call.now_ms).told();
                row["season"] = number.into();
                row
            })
            .collect();
        Output::json(&told(json!({
            "series_id": series.id,
            "title": view::title(&series),
            "status": series.status,
            "monitored": series.monitored,
            "episodes": Counts::of(&episodes, call.now_ms).told(),
            "seasons": seasons,
            "size": size(series.statistics.size_on_disk),
            "next_airing": series.next_airing,
        })))
    }
}

/// What happened to a series in Sonarr, newest first: taken, imported, failed, deleted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesHistory {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Only this season, as Sonarr counts.
    season_number: Option<u32>,
    /// Only one kind of event.
    event: Option<Event>,
    /// Events listed, 1 to 50, default 15.
    limit: Option<usize>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

/// Kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Grabbed,
    Imported,
    Failed,
    Deleted,
    Renamed,
    Ignored,
}

impl Event {
    /// Sonarr's word. Source: EpisodeHistoryEventType.
    fn as_str(self) -> &'static str {
        match self {
            Event::Grabbed => "grabbed",
            Event::Imported => "downloadFolderImported",
            Event::Failed => "downloadFailed",
            Event::Deleted => "episodeFileDeleted",
            Event::Renamed => "episodeFileRenamed",
            Event::Ignored => "downloadIgnored",
        }
    }
}

impl Tool for SeriesHistory {
    const NAME: &'static str = "sonarr_series_history";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "history of a series what happened downloaded imported failed when Verlauf wann heruntergeladen historial descargado historique téléchargé";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Reading the history of series {}", self.series_id)
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let limit = client::limit(self.limit, 15, 50)?;
        let event = self.event.map(Event::as_str);
        let mut records = client::history_of(at, self.series_id, self.season_number, event).await?;
        if records.is_empty() {
            return Ok(client::nothing("Sonarr remembers nothing of it"));
        }
        records.sort_by(|one, other| other.date.cmp(&one.date));
        let list: Vec<Value> = records.iter().take(limit).map(history_row).collect();
        Output::json(&told(json!({
            "series_id": self.series_id,
            "count": records.len(),
            "events": list,
            "not_listed": (records.len() > limit).then(|| records.len() - limit),
        })))
    }
}

fn history_row(record: &HistoryRecord) -> Value {
    told(json!({
        "history_id": record.id,
        "at": record.date,
        "event": record.event_type,
        "episode": record.episode.as_ref().map(Episode::code),
        "episode_id": record.episode_id,
        "release": view::line(&record.source_title, 120),
        "quality": view::line(&record.quality.quality.name, 40),
        "download_id": record.download_id.as_deref().map(|id| view::line(id, 60)),
    }))
}
