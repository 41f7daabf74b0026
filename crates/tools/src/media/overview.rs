//! Overviews over every service: what is on its way, what comes when, what is there, how everybody is.
//!
//! One that could not be asked is named beside the answers of the others.

use super::{
    Media,
    shelf::{download, download_id, picture_in_words},
    whereabouts::DownloadState,
    wish::{Kind, code},
};
use crate::{
    plex::Shelf,
    servarr::{
        Client, Which,
        client::{Age, Paging, Query},
        view,
    },
    text::line,
};
use futures_util::future::join_all;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use majordomo_domain::{Call, Effect, Output, Standing, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// Downloads told of at once.
const MOST_DOWNLOADS: usize = 60;
/// Rows of a queue that are read.
const QUEUE_ROWS: usize = 1_000;
/// Entries of a calendar told of at once.
const MOST_ENTRIES: usize = 200;
/// Months of growth that are told.
const MONTHS: usize = 24;

/// Everything that is being downloaded for the household, with progress, time left and what holds it up.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueOverview {}

/// What comes in the next days: films and episodes by day, and whether each is here already.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarOverview {
    /// From today, 1 to 60, default 7.
    #[serde(default)]
    days: Option<u32>,
}

/// The library in numbers: films, series, episodes, sizes; by year, genre, resolution and growth; for admins the disks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LibraryOverview {}

/// How Plex, Radarr and Sonarr are: who answers, what each complains about, how full the disks are.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthOverview {}

impl Media {
    pub(super) fn fetchers(&self) -> Vec<(Kind, &Client)> {
        let films = self.radarr.iter().flat_map(|all| all.all()).map(|one| (Kind::Film, one));
        films.chain(self.sonarr.iter().flat_map(|all| all.all()).map(|one| (Kind::Series, one))).collect()
    }
}

/// The answers, and those who could not be asked.
fn sorted<T>(answers: Vec<(String, Result<T, ToolError>)>) -> (Vec<(String, T)>, Vec<Value>) {
    let (mut good, mut could_not) = (Vec::new(), Vec::new());
    for (service, answer) in answers {
        match answer {
            Ok(answer) => good.push((service, answer)),
            Err(error) => could_not.push(json!({"service": service, "reason": error.to_string()})),
        }
    }
    (good, could_not)
}

impl Tool for QueueOverview {
    const NAME: &'static str = "media_queue";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "downloads downloading queue progress time left all stuck stalled Warteschlange lädt \
        herunter descargas cola progreso téléchargements file d'attente \
        is being downloaded heruntergeladen wird hängt fest descargando se está descargando bloqué en cours bloqueada";
    type Service = Media;

    fn title(&self) -> String {
        "Looking at what is being downloaded".into()
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let asked = media
            .fetchers()
            .into_iter()
            .map(|(kind, client)| async move { (client.title(), downloads(media, kind, client, call.now_ms).await) });
        let (found, could_not_ask) = sorted(join_all(asked).await);
        let mut downloads: Vec<Value> = found.into_iter().flat_map(|(_, downloads)| downloads).collect();
        let total = downloads.len();
        downloads.truncate(MOST_DOWNLOADS);
        Output::json(&json!({"downloads": downloads, "total": total, "could_not_ask": could_not_ask}))
    }
}

/// Each download once: a pack is one row for every episode.
async fn downloads(media: &Media, kind: Kind, client: &Client, now_ms: i64) -> Result<Vec<Value>, ToolError> {
    let query: Query = match kind {
        Kind::Film => vec![("includeMovie", "true".into()), ("includeUnknownMovieItems", "true".into())],
        Kind::Series => vec![
            ("includeSeries", "true".into()),
            ("includeEpisode", "true".into()),
            ("includeUnknownSeriesItems", "true".into()),
        ],
    };
    let paging = Paging { page: 1, size: QUEUE_ROWS, sort_key: "timeleft".into(), descending: false };
    let rows = client.page("/queue", &query, &paging, Age::Live).await?.records;
    let mut groups: Vec<(String, Vec<&Value>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in &rows {
        let id = download_id(row);
        let place = *places.entry(id.clone()).or_insert_with(|| {
            groups.push((id, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, rows)) = groups.get_mut(place) {
            rows.push(row);
        }
    }
    Ok(groups.iter().filter_map(|(_, rows)| Some((rows.first()?, rows))).map(|(first, rows)| {
        let seen = download(first, now_ms);
        let thing = if kind == Kind::Film { &first["movie"] } else { &first["series"] };
        let title = view::title_and_year(thing).unwrap_or_else(|| line(first["title"].as_str().unwrap_or("unknown"), 120));
        let is_held = seen.state >= DownloadState::Stalled;
        json!({
            "service": client.which().key(),
            "instance": client.name(),
            "title": title,
            "detail": detail(kind, rows),
            "percent": seen.percent,
            "time_left": seen.time_left,
            "size_bytes": view::bytes(&first["size"]),
            "state": state_name(seen.state),
            "problem": if is_held { seen.problem.or_else(|| Some("no reason is given".into())) } else { seen.problem },
            "picture": media.picture_of(client, thing),
        })
    }).collect())
}

fn state_name(state: DownloadState) -> &'static str {
    match state {
        DownloadState::Moving => "downloading",
        DownloadState::Waiting => "queued",
        DownloadState::Paused => "paused",
        DownloadState::Delayed => "delayed",
        DownloadState::Importing => "importing",
        DownloadState::Stalled => "stalled",
        DownloadState::ClientAway => "download client away",
        DownloadState::Failed => "failed",
        DownloadState::ImportBlocked => "import blocked",
    }
}

/// Such as `Season 2, 10 episodes`, `S02E05 · The Signal`; empty for a film.
fn detail(kind: Kind, rows: &[&Value]) -> String {
    if kind == Kind::Film {
        return String::new();
    }
    let number = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
    let season = rows.first().and_then(|row| number(&row["episode"]["seasonNumber"]).or(number(&row["seasonNumber"])));
    match (rows, season) {
        ([row], Some(season)) => match number(&row["episode"]["episodeNumber"]) {
            Some(episode) => {
                format!(
                    "{} · {}",
                    code(season, episode),
                    line(row["episode"]["title"].as_str().unwrap_or_default(), 80)
                )
            }
            None => format!("Season {season}"),
        },
        (rows, Some(season)) => format!("Season {season}, {} episodes", rows.len()),
        _ => String::new(),
    }
}

impl Tool for CalendarOverview {
    const NAME: &'static str = "media_calendar";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "calendar upcoming this week what is coming on next days episodes releases Kalender diese \
        Woche kommt demnächst calendario esta semana próximos calendrier cette semaine prochains";
    type Service = Media;

    fn title(&self) -> String {
        "Looking what comes in the next days".into()
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let days = match self.days.unwrap_or(7) {
            days if (1..=60).contains(&days) => days,
            days => return Err(ToolError::TellModel(format!("days is {days}, it may be 1 to 60"))),
        };
        let zone = call.person.zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        let now = Timestamp::from_millisecond(call.now_ms).unwrap_or_default();
        let today = now.to_zoned(zone.clone()).date();
        let last = today.checked_add(i64::from(days).days()).unwrap_or(today);
        let start = today.to_zoned(zone.clone()).map(|at| at.timestamp().to_string()).unwrap_or_default();
        let end = last.to_zoned(zone.clone()).map(|at| at.timestamp().to_string()).unwrap_or_default();
        let zone = &zone;
        let (start, end) = (&start, &end);
        let asked = media.fetchers().into_iter().map(|(kind, client)| async move {
            let mut query: Query =
                vec![("start", start.clone()), ("end", end.clone()), ("unmonitored", "false".into())];
            if kind == Kind::Series {
                query.push(("includeSeries", "true".into()));
            }
            let rows = client.list("/calendar", &query, Age::List).await;
            (client.title(), rows.map(|rows| (client, rows)))
        });
        let (found, could_not_ask) = sorted(join_all(asked).await);
        let mut by_day: BTreeMap<Date, Vec<(String, Value)>> = BTreeMap::new();
        for (_, (client, rows)) in found {
            for row in rows {
                let Some((day, at, entry)) = entry(media, client, &row, zone, (today, last)) else { continue };
                by_day.entry(day).or_default().push((at, entry));
            }
        }
        let mut left = MOST_ENTRIES;
        let days: Vec<Value> = by_day
            .into_iter()
            .map(|(day, mut entries)| {
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                let entries: Vec<Value> = entries.into_iter().map(|(_, entry)| entry).take(left).collect();
                left -= entries.len();
                json!({"date": day.to_string(), "entries": entries})
            })
            .collect();
        Output::json(&json!({"days": days, "could_not_ask": could_not_ask}))
    }
}

/// A row of a calendar on its day, in the person's zone; None for one outside the days asked for.
fn entry(
    media: &Media,
    client: &Client,
    row: &Value,
    zone: &TimeZone,
    (first, last): (Date, Date),
) -> Option<(Date, String, Value)> {
    match client.which() {
        Which::Radarr => {
            let releases =
                [("digitalRelease", "digital release"), ("physicalRelease", "on disc"), ("inCinemas", "in cinemas")];
            let (day, what) = releases.into_iter().find_map(|(key, what)| {
                let day: Date = row[key].as_str()?.get(..10)?.parse().ok()?;
                (first <= day && day < last).then_some((day, what))
            })?;
            let entry = json!({
                "kind": "film", "title": view::title_and_year(row)?, "detail": what, "at": format!("{day}T00:00:00Z"),
                "is_here": row["hasFile"] == true, "picture": media.picture_of(client, row),
            });
            Some((day, String::new(), entry))
        }
        Which::Sonarr => {
            let at: Timestamp = row["airDateUtc"].as_str()?.parse().ok()?;
            let day = at.to_zoned(zone.clone()).date();
            if !(first <= day && day < last) {
                return None;
            }
            let number = |key: &str| row[key].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
            let title = line(row["title"].as_str().unwrap_or("unnamed"), 80);
            let entry = json!({
                "kind": "episode", "title": view::text_or(&row["series"]["title"], 120, "a series"),
                "detail": format!("{} · {title}", code(number("seasonNumber"), number("episodeNumber"))), "at": at.to_string(),
                "is_here": row["hasFile"] == true, "picture": media.picture_of(client, &row["series"]),
            });
            Some((day, at.to_string(), entry))
        }
    }
}

/// Paths, free and whole sizes of an instance's disks.
async fn disks(client: &Client) -> Result<Vec<Value>, ToolError> {
    let rows = client.list("/diskspace", &Query::new(), Age::List).await?;
    Ok(rows
        .iter()
        .map(|row| {
            json!({
                "path": line(row["path"].as_str().unwrap_or_default(), 100),
                "free_bytes": view::bytes(&row["freeSpace"]),
                "total_bytes": view::bytes(&row["totalSpace"]),
                "service": client.title(),
            })
        })
        .collect())
}

/// How full the disks are is the admins' business.
async fn disks_for(media: &Media, call: &Call) -> (Vec<Value>, Vec<Value>) {
    if call.person.standing != Standing::Admin {
        return (Vec::new(), Vec::new());
    }
    let asked = media.fetchers().into_iter().map(|(_, client)| async move { (client.title(), disks(client).await) });
    let (found, could_not) = sorted(join_all(asked).await);
    let mut all: Vec<Value> = Vec::new();
    for disk in found.into_iter().flat_map(|(_, disks)| disks) {
        // Radarr and Sonarr see the same disks.
        if !all.iter().any(|known| known["path"] == disk["path"] && known["total_bytes"] == disk["total_bytes"]) {
            all.push(disk);
        }
    }
    (all, could_not)
}

impl Tool for LibraryOverview {
    const NAME: &'static str = "media_library";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "library overview statistics how many films series size genres years resolution growth disk \
        Bibliothek Übersicht wie viele Filme biblioteca cuántas películas bibliothèque combien de films";
    type Service = Media;

    fn title(&self) -> String {
        "Counting the library".into()
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let Some(plex) = &media.plex else {
            return Err(ToolError::TellModel("Plex is not connected here; an admin sets [tools.plex.default]".into()));
        };
        let (library, (disks, mut could_not_ask)) = futures_util::join!(plex.library(None), disks_for(media, call));
        let library = match library {
            Ok(library) => Some(library),
            Err(error) => {
                could_not_ask.push(json!({"service": "Plex", "reason": error.to_string()}));
                None
            }
        };
        let episodes = self.episodes(media, &mut could_not_ask).await;
        let mut counts = Counts::default();
        for have in library.iter().flat_map(|library| library.all()) {
            counts.take(have.shelf == Shelf::Movie, &have, call.now_ms);
        }
        let growth = counts.growth();
        Output::json(&json!({
            "films": library.is_some().then_some(counts.films),
            "series": library.is_some().then_some(counts.series),
            "episodes": episodes.map(|(count, _)| count),
            "size_bytes": library.is_some().then(|| counts.bytes + episodes.map_or(0, |(_, bytes)| bytes)),
            "by_year": labelled(counts.by_decade.iter().map(|(decade, n)| (format!("{decade}s"), *n)).collect()),
            "by_genre": labelled(largest(counts.by_genre)),
            "by_resolution": labelled(largest(counts.by_resolution)),
            "growth": growth,
            "disks": disks,
            "could_not_ask": could_not_ask,
        }))
    }
}

impl LibraryOverview {
    /// Episodes that are here and their bytes, as Sonarr counts them; None where there is no Sonarr, or it could not be asked.
    async fn episodes(&self, media: &Media, could_not_ask: &mut Vec<Value>) -> Option<(u64, u64)> {
        let sonarr = media.sonarr.as_ref()?;
        let asked = sonarr.all().map(|client| async move { (client.title(), client.library().await) });
        let (found, could_not) = sorted(join_all(asked).await);
        could_not_ask.extend(could_not);
        let of = |series: &Value, key: &str| view::bytes(&series["statistics"][key]).unwrap_or(0);
        let all = || found.iter().flat_map(|(_, library)| library.as_array().into_iter().flatten());
        let (count, bytes) = (all().map(|s| of(s, "episodeFileCount")).sum(), all().map(|s| of(s, "sizeOnDisk")).sum());
        (!found.is_empty()).then_some((count, bytes))
    }
}

#[derive(Default)]
struct Counts {
    films: u64,
    series: u64,
    bytes: u64,
    by_decade: BTreeMap<u16, u64>,
    by_genre: BTreeMap<String, u64>,
    by_resolution: BTreeMap<String, u64>,
    /// Titles and bytes by month, such as `2026-10`.
    by_month: BTreeMap<String, (u64, u64)>,
}

impl Counts {
    fn take(&mut self, is_film: bool, have: &crate::plex::Have<'_>, now_ms: i64) {
        *if is_film { &mut self.films } else { &mut self.series } += 1;
        self.bytes += have.size_bytes;
        if have.year > 0 {
            *self.by_decade.entry(have.year / 10 * 10).or_default() += 1;
        }
        for genre in &have.genres {
            *self.by_genre.entry((*genre).to_owned()).or_default() += 1;
        }
        if is_film && have.lines > 0 {
            *self.by_resolution.entry(picture_in_words(have.lines, false)).or_default() += 1;
        }
        let added_ms = i64::from(have.added_at) * 1_000;
        if added_ms > 0
            && added_ms <= now_ms
            && let Ok(at) = Timestamp::from_millisecond(added_ms)
        {
            let month = at.strftime("%Y-%m").to_string();
            let (count, bytes) = self.by_month.entry(month).or_default();
            *count += 1;
            *bytes += have.size_bytes;
        }
    }

    fn growth(&self) -> Vec<Value> {
        let skip = self.by_month.len().saturating_sub(MONTHS);
        let months = self.by_month.iter().skip(skip);
        months.map(|(month, (count, bytes))| json!({"month": month, "count": count, "size_bytes": bytes})).collect()
    }
}

/// The twelve largest, the largest first.
fn largest(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(12);
    counts
}

fn labelled(counts: Vec<(String, u64)>) -> Vec<Value> {
    counts.into_iter().map(|(label, count)| json!({"label": label, "count": count})).collect()
}

impl Tool for HealthOverview {
    const NAME: &'static str = "media_health";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["system_health_overview"];
    const KEYWORDS: &'static str = "health status services up down working version problems disk space indexer Zustand läuft \
        alles estado salud servicios funcionan santé état des services disque";
    type Service = Media;

    fn title(&self) -> String {
        "Asking every service how it is".into()
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let fetchers = join_all(media.fetchers().into_iter().map(|(_, client)| async move {
            let health = async {
                let rows = client.list("/health", &Query::new(), Age::Live).await?;
                Ok::<_, ToolError>(
                    rows.iter()
                        .filter(|row| row["type"] != "ok")
                        .filter_map(|row| row["message"].as_str())
                        .map(|text| line(text, 200))
                        .take(10)
                        .collect::<Vec<_>>(),
                )
            };
            let (version, health) = futures_util::join!(client.version(), health);
            (client.title(), version.and_then(|version| health.map(|problems| (version, problems))))
        }));
        let plex = async {
            match &media.plex {
                Some(plex) => Some(plex.status().await),
                None => None,
            }
        };
        let (fetchers, plex, (disks, _)) = futures_util::join!(fetchers, plex, disks_for(media, call));
        let mut is_whole = true;
        let mut services = Vec::new();
        for (name, answer) in fetchers {
            is_whole &= answer.as_ref().is_ok_and(|(_, problems)| problems.is_empty());
            services.push(match answer {
                Ok((version, problems)) => {
                    let version = version.rsplit(' ').next().unwrap_or_default().to_owned();
                    json!({"name": name, "state": "up", "version": version, "problems": problems, "reason": null})
                }
                Err(error) => down(&name, &error),
            });
        }
        if let Some(answer) = plex {
            is_whole &= answer.is_ok();
            services.push(match answer {
                Ok(status) => json!({"name": "Plex", "state": "up", "version": status, "problems": [], "reason": null}),
                Err(error) => down("Plex", &error),
            });
        }
        let state = if is_whole { "healthy" } else { "degraded" };
        Output::json(&json!({"state": state, "services": services, "disks": disks}))
    }
}

fn down(name: &str, error: &ToolError) -> Value {
    json!({"name": name, "state": "down", "version": null, "problems": [], "reason": error.to_string()})
}
