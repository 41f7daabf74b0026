//! One title as every service has it: what is wanted of it, what is on its way, what is there, what the library shows.
//!
//! A service that could not be asked is kept as such, beside what the others said.

use super::{
    Media,
    whereabouts::{Download, DownloadState, Evidence, Happened, Past, Record, Said, Shown, Wished},
    wish::{Kind, Wish, code},
};
use crate::{
    plex::{Outside, Shelf},
    servarr::{
        Client,
        client::{Age, Query},
        stuck, view,
    },
    text::line,
};
use futures_util::future::join4;
use majordomo_domain::{ToolError, request::RequestItem};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is known of one wish.
pub(super) struct Found {
    pub evidence: Evidence,
    pub items: Vec<RequestItem>,
    /// Of what is on its way, 0 to 100.
    pub percent: Option<u8>,
    pub is_downloading: bool,
    /// There is a file that the library does not show.
    pub is_unscanned: bool,
    /// The newest file of those. Milliseconds UTC.
    pub file_added_ms: Option<i64>,
    /// The folder of the title, as the fetcher writes it.
    pub folder: Option<String>,
}

/// A part that is wanted.
struct Part {
    key: String,
    group: String,
    title: String,
    has_file: bool,
    is_monitored: bool,
    is_out: bool,
    is_shown: bool,
}

impl Media {
    /// The Radarr or Sonarr of a wish.
    pub(super) fn fetcher(&self, kind: Kind, instance: Option<&str>) -> Result<&Client, ToolError> {
        let missing = |name: &str| {
            ToolError::TellModel(format!(
                "{name} is not connected here; an admin sets [tools.{}.default]",
                name.to_lowercase()
            ))
        };
        match kind {
            Kind::Film => self.radarr.as_ref().ok_or_else(|| missing("Radarr"))?.get(instance),
            Kind::Series => self.sonarr.as_ref().ok_or_else(|| missing("Sonarr"))?.get(instance),
        }
    }

    /// The fetcher's record of a title. None when it does not have it.
    pub(super) async fn record(&self, client: &Client, wish: &Wish, age: Age) -> Result<Option<Value>, ToolError> {
        let (path, query): (&str, Query) = match (wish.kind, wish.tmdb, wish.tvdb) {
            (Kind::Film, Some(tmdb), _) => ("/movie", vec![("tmdbId", tmdb.to_string())]),
            (Kind::Series, _, Some(tvdb)) => ("/series", vec![("tvdbId", tvdb.to_string())]),
            _ => return Ok(None),
        };
        Ok(client
            .list(path, &query, age)
            .await?
            .into_iter()
            .find(|record| record["id"].as_u64().is_some_and(|id| id > 0)))
    }

    /// Ask every service about a wish.
    pub(super) async fn look_for(
        &self,
        wish: &Wish,
        wished: Said<Option<Wished>>,
        now_ms: i64,
    ) -> Result<Found, ToolError> {
        let client = self.fetcher(wish.kind, Some(wish.instance.as_str()))?;
        let (record, shown) = futures_util::join!(self.record(client, wish, Age::Live), self.shown(wish));
        let id = record.as_ref().ok().and_then(Option::as_ref).and_then(|record| record["id"].as_u64());
        let (queue, past, complaints, episodes) = match id {
            Some(id) => {
                let (queue, past, complaints, episodes) = join4(
                    self.queue_of(client, wish, id, now_ms),
                    self.past_of(client, wish, id, now_ms),
                    complaints(client),
                    self.episodes_of(client, wish, id),
                )
                .await;
                (queue, past, complaints, episodes)
            }
            None => (Ok(Vec::new()), Ok(Past::default()), Ok(Vec::new()), Ok(Vec::new())),
        };
        // Without its episodes nothing can be said of a series.
        let record = match (record, &episodes) {
            (Ok(Some(_)), Err(error)) => Err(error.clone()),
            (record, _) => record,
        };
        // Whoever tells of it says which service it was.
        let said = |error: &ToolError| match error {
            ToolError::CouldNotAsk { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        let shown_parts = shown.as_ref().ok().cloned().unwrap_or_default();
        let parts = match record.as_ref() {
            Ok(Some(record)) => parts(wish, record, episodes.as_deref().unwrap_or_default(), &shown_parts, now_ms),
            _ => bare_parts(wish, &shown_parts),
        };
        let has_library = self.plex.is_some();
        let items = parts.iter().map(|part| RequestItem {
            key: part.key.clone(),
            group: part.group.clone(),
            title: part.title.clone(),
            is_watchable: if has_library { part.is_shown } else { part.has_file },
        });
        let items: Vec<RequestItem> = items.collect();
        let is_unscanned = has_library && shown.is_ok() && parts.iter().any(|part| part.has_file && !part.is_shown);
        let (percent, is_downloading) = match &queue {
            Ok(queue) if !queue.is_empty() => {
                let sum: u32 = queue.iter().map(|(download, _)| u32::from(download.percent)).sum();
                let moves = queue.iter().any(|(download, _)| download.state < DownloadState::Stalled);
                (u8::try_from(sum / queue.len() as u32).ok(), moves)
            }
            _ => (None, false),
        };
        let file_added_ms = match record.as_ref() {
            Ok(Some(record)) => added_ms(record, episodes.as_deref().unwrap_or_default()),
            _ => None,
        };
        let folder = match record.as_ref() {
            Ok(Some(record)) => record["path"].as_str().map(str::to_owned),
            _ => None,
        };
        let record = match record {
            Ok(Some(record)) => match self
                .record_in_words(client, wish, &record, &parts, episodes.as_deref().unwrap_or_default(), now_ms)
                .await
            {
                Ok(record) => Ok(Some(record)),
                Err(error) => Err(said(&error)),
            },
            Ok(None) => Ok(None),
            Err(error) => Err(said(&error)),
        };
        let quality =
            shown_parts.lines.filter(|lines| *lines > 0).map(|lines| picture_in_words(lines, shown_parts.has_hdr));
        let evidence = Evidence {
            title: wish.in_words(),
            unit: if wish.kind == Kind::Film { "" } else { "episode" },
            fetcher: client.title(),
            library_name: has_library.then(|| "Plex".to_owned()),
            wish: wished,
            record,
            queue: queue.map(|queue| queue.into_iter().map(|(download, _)| download).collect()).map_err(|e| said(&e)),
            past: past.map_err(|error| said(&error)),
            complaints: complaints.map_err(|error| said(&error)),
            library: match &shown {
                Ok(_) => Ok(Shown { parts: parts.iter().filter(|part| part.is_shown).count() as u32, quality }),
                Err(error) => Err(said(error)),
            },
        };
        Ok(Found { evidence, items, percent, is_downloading, is_unscanned, file_added_ms, folder })
    }

    async fn record_in_words(
        &self,
        client: &Client,
        wish: &Wish,
        record: &Value,
        parts: &[Part],
        episodes: &[Value],
        now_ms: i64,
    ) -> Result<Record, ToolError> {
        let missing = || parts.iter().filter(|part| !part.has_file);
        let folder = record["rootFolderPath"].as_str();
        let (profile, folders) =
            futures_util::join!(client.profile_name(&record["qualityProfileId"]), client.root_folders());
        let folder_missing = folders.ok().and_then(|folders| {
            let plain = |path: &str| path.trim_end_matches(['/', '\\']).to_owned();
            let own = folders.into_iter().find(|one| folder.is_some_and(|path| plain(path) == plain(&one.path)))?;
            (!own.accessible).then_some(own.path)
        });
        let next_release = match wish.kind {
            Kind::Film => next_release(record, now_ms),
            Kind::Series => view::date(&record["nextAiring"]).map(|date| format!("its next episode on {date}")),
        };
        let is_on = record["monitored"] == true;
        Ok(Record {
            wanted: parts.len() as u32,
            with_file: parts.iter().filter(|part| part.has_file).count() as u32,
            unmonitored: missing().filter(|part| !is_on || !part.is_monitored).count() as u32,
            unreleased: missing().filter(|part| is_on && part.is_monitored && !part.is_out).count() as u32,
            next_release,
            last_search: searched_ms(record, episodes).map(|at| ago(at, now_ms)),
            folder_missing,
            profile: profile.unwrap_or_else(|_| "it has".into()),
        })
    }

    pub(super) async fn episodes_of(&self, client: &Client, wish: &Wish, id: u64) -> Result<Vec<Value>, ToolError> {
        match wish.kind {
            Kind::Film => Ok(Vec::new()),
            Kind::Series => {
                let query = vec![("seriesId", id.to_string()), ("includeEpisodeFile", "true".to_owned())];
                client.list("/episode", &query, Age::Live).await
            }
        }
    }

    /// What is on its way, each download once, with its id.
    async fn queue_of(
        &self,
        client: &Client,
        wish: &Wish,
        id: u64,
        now_ms: i64,
    ) -> Result<Vec<(Download, String)>, ToolError> {
        let name = if wish.kind == Kind::Film { "movieId" } else { "seriesId" };
        let query = match wish.kind {
            Kind::Film => vec![(name, id.to_string())],
            Kind::Series => vec![(name, id.to_string()), ("includeEpisode", "true".to_owned())],
        };
        let rows = client.list("/queue/details", &query, Age::Live).await?;
        let is_meant = |row: &&Value| match wish.kind {
            Kind::Film => true,
            Kind::Series => {
                let episode = &row["episode"];
                let season = episode["seasonNumber"].as_u64().or(row["seasonNumber"].as_u64()).unwrap_or(0) as u32;
                let number = episode["episodeNumber"].as_u64().unwrap_or(0) as u32;
                wish.wants(season, number)
            }
        };
        // What says that it downloads while nothing comes is known by having been looked at before.
        let downloads = stuck::downloads(client.which(), &rows);
        let visit = self.bounds.doctor(self.store.clone()).visit(client, &downloads, false, now_ms).await?;
        let still: BTreeSet<&str> = downloads
            .iter()
            .filter(|download| visit.judge(download).class == stuck::Class::Stalled)
            .filter_map(|download| download.id.as_deref())
            .collect();
        let seen_still = |(download, id): (Download, String)| match download.state {
            DownloadState::Moving if still.contains(id.as_str()) => {
                let problem = Some("no data comes any more".to_owned());
                (Download { state: DownloadState::Stalled, problem, ..download }, id)
            }
            _ => (download, id),
        };
        let mut seen = BTreeSet::new();
        Ok(rows
            .iter()
            .filter(is_meant)
            .map(|row| seen_still((download(row, now_ms), download_id(row))))
            .filter(|(_, id)| seen.insert(id.clone()))
            .collect())
    }

    async fn past_of(&self, client: &Client, wish: &Wish, id: u64, now_ms: i64) -> Result<Past, ToolError> {
        let rows = match wish.kind {
            Kind::Film => client.list("/history/movie", &vec![("movieId", id.to_string())], Age::Live).await?,
            Kind::Series => client.list("/history/series", &vec![("seriesId", id.to_string())], Age::Live).await?,
        };
        let newest = rows
            .iter()
            .filter_map(|row| Some((millis(row["date"].as_str()?)?, happened(row, now_ms)?)))
            .max_by_key(|(at, _)| *at);
        Ok(Past { last: newest.map(|(_, happened)| happened) })
    }

    /// What the library shows of it.
    async fn shown(&self, wish: &Wish) -> Result<ShownParts, ToolError> {
        let Some(plex) = &self.plex else { return Ok(ShownParts::default()) };
        let mut all = ShownParts::default();
        for name in plex.names().map(str::to_owned).collect::<Vec<_>>() {
            let instance = plex.instance(Some(&name))?;
            let library = instance.library().await?;
            let (shelf, ids) = match wish.kind {
                Kind::Film => (Shelf::Movie, vec![wish.tmdb.map(|id| Outside::Tmdb(id as u32))]),
                Kind::Series => (
                    Shelf::Show,
                    vec![wish.tvdb.map(|id| Outside::Tvdb(id as u32)), wish.tmdb.map(|id| Outside::Tmdb(id as u32))],
                ),
            };
            let Some(have) = ids.into_iter().flatten().find_map(|id| library.find(shelf, id)) else { continue };
            all.is_there = true;
            all.lines = all.lines.max(Some(have.lines));
            all.has_hdr |= have.has_hdr;
            if wish.kind == Kind::Series {
                for season in instance.seasons(have.rating_key.into()).await? {
                    for episode in &season.episodes {
                        all.episodes.insert((season.number, episode.number), episode.title.clone());
                        all.lines = all.lines.max(Some(episode.lines));
                    }
                }
            }
        }
        Ok(all)
    }
}

#[derive(Clone, Debug, Default)]
struct ShownParts {
    is_there: bool,
    /// Of the picture.
    lines: Option<u16>,
    has_hdr: bool,
    /// Season and number, with the title.
    episodes: BTreeMap<(u32, u32), String>,
}

fn parts(wish: &Wish, record: &Value, episodes: &[Value], shown: &ShownParts, now_ms: i64) -> Vec<Part> {
    if wish.kind == Kind::Film {
        return vec![Part {
            key: "film".into(),
            group: String::new(),
            title: String::new(),
            has_file: record["hasFile"] == true,
            is_monitored: record["monitored"] == true,
            is_out: record["isAvailable"].as_bool().unwrap_or(true),
            is_shown: shown.is_there,
        }];
    }
    let mut parts: Vec<(u32, u32, Part)> = episodes
        .iter()
        .filter_map(|episode| {
            let season = u32::try_from(episode["seasonNumber"].as_u64()?).ok()?;
            let number = u32::try_from(episode["episodeNumber"].as_u64()?).ok()?;
            wish.wants(season, number).then(|| {
                let is_out = episode["airDateUtc"].as_str().and_then(millis).is_some_and(|at| at <= now_ms);
                let part = Part {
                    key: code(season, number).to_lowercase(),
                    group: format!("Season {season}"),
                    title: format!("{number}. {}", line(episode["title"].as_str().unwrap_or("unnamed"), 80)),
                    has_file: episode["hasFile"] == true,
                    is_monitored: episode["monitored"] == true,
                    is_out,
                    is_shown: shown.episodes.contains_key(&(season, number)),
                };
                (season, number, part)
            })
        })
        .collect();
    parts.sort_by_key(|(season, number, _)| (*season, *number));
    parts.into_iter().map(|(_, _, part)| part).collect()
}

/// What is known of the parts where the fetcher does not have the title.
fn bare_parts(wish: &Wish, shown: &ShownParts) -> Vec<Part> {
    let part = |key: String, group: String, title: String, is_shown: bool| Part {
        key,
        group,
        title,
        has_file: is_shown,
        is_monitored: false,
        is_out: true,
        is_shown,
    };
    match wish.kind {
        Kind::Film => vec![part("film".into(), String::new(), String::new(), shown.is_there)],
        Kind::Series => shown
            .episodes
            .iter()
            .filter(|((season, number), _)| wish.wants(*season, *number))
            .map(|((season, number), title)| {
                let title = format!("{number}. {title}");
                part(code(*season, *number).to_lowercase(), format!("Season {season}"), title, true)
            })
            .collect(),
    }
}

/// When the newest file came, of a film's record or of a series' episodes.
fn added_ms(record: &Value, episodes: &[Value]) -> Option<i64> {
    let film = record["movieFile"]["dateAdded"].as_str().and_then(millis);
    let episodes =
        episodes.iter().filter_map(|episode| episode["episodeFile"]["dateAdded"].as_str().and_then(millis)).max();
    film.max(episodes)
}

/// When it was last searched: a film by its record, a series by those of its episodes that are wanted.
fn searched_ms(record: &Value, episodes: &[Value]) -> Option<i64> {
    let film = record["lastSearchTime"].as_str().and_then(millis);
    let missing = episodes.iter().filter(|episode| episode["hasFile"] != true && episode["monitored"] == true);
    film.max(missing.filter_map(|episode| episode["lastSearchTime"].as_str().and_then(millis)).max())
}

/// The id by which rows of one download belong together.
pub(super) fn download_id(row: &Value) -> String {
    let id = row["downloadId"].as_str().filter(|id| !id.is_empty());
    id.map_or_else(|| format!("row {}", row["id"]), str::to_owned)
}

/// A row of the queue, as far as people are told of it. Source: the table of queue states.
pub(super) fn download(row: &Value, now_ms: i64) -> Download {
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    let (status, tracked) = (text("status").to_lowercase(), text("trackedDownloadState").to_lowercase());
    let is_warned = matches!(text("trackedDownloadStatus").to_lowercase().as_str(), "warning" | "error");
    let problem = problem(row);
    let says_stalled = problem.as_ref().is_some_and(|problem| problem.to_lowercase().contains("stalled"));
    let state = match (status.as_str(), tracked.as_str()) {
        ("downloadclientunavailable", _) => DownloadState::ClientAway,
        ("delay", _) => DownloadState::Delayed,
        ("failed", _) | (_, "failed" | "failedpending") => DownloadState::Failed,
        (_, "importblocked") => DownloadState::ImportBlocked,
        (_, "importpending") if is_warned => DownloadState::ImportBlocked,
        (_, "importpending" | "importing" | "imported") => DownloadState::Importing,
        ("completed", _) => DownloadState::Importing,
        ("paused", _) => DownloadState::Paused,
        ("queued", _) => DownloadState::Waiting,
        ("warning", _) => DownloadState::Stalled,
        _ if says_stalled => DownloadState::Stalled,
        _ => DownloadState::Moving,
    };
    let (size, left) = (view::bytes(&row["size"]).unwrap_or(0), view::bytes(&row["sizeleft"]).unwrap_or(0));
    let percent = (100 * size.saturating_sub(left)).checked_div(size).unwrap_or(0).min(100);
    let problem = match state {
        DownloadState::Delayed => text("estimatedCompletionTime").parse::<jiff::Timestamp>().ok().map(|until| {
            let minutes = (until.as_millisecond() - now_ms).max(0) / 60_000;
            format!("a delay profile lets it go in {minutes} min")
        }),
        _ => problem,
    };
    Download {
        state,
        percent: u8::try_from(percent).unwrap_or(100),
        time_left: view::time_left(&row["timeleft"]).filter(|_| state == DownloadState::Moving),
        problem,
    }
}

/// What the row gives as a reason, the first of it.
fn problem(row: &Value) -> Option<String> {
    let messages = row["statusMessages"].as_array().into_iter().flatten();
    let first =
        messages.flat_map(|message| message["messages"].as_array().into_iter().flatten()).find_map(Value::as_str);
    let text = first.or(row["errorMessage"].as_str()).filter(|text| !text.is_empty())?;
    Some(line(text, 160))
}

fn happened(row: &Value, now_ms: i64) -> Option<Happened> {
    let when = ago(millis(row["date"].as_str()?)?, now_ms);
    let reason = |key: &str| line(row["data"][key].as_str().unwrap_or("no reason is given"), 120);
    Some(match row["eventType"].as_str()? {
        "grabbed" => Happened::Grabbed { when },
        "downloadFailed" => Happened::Failed { when, reason: reason("message") },
        "downloadFolderImported" | "movieFolderImported" | "seriesFolderImported" => Happened::Imported { when },
        "movieFileDeleted" | "episodeFileDeleted" => match row["data"]["reason"].as_str() {
            // A better file has taken its place.
            Some(why) if why.eq_ignore_ascii_case("upgrade") => return None,
            _ => Happened::Deleted { when, reason: reason("reason") },
        },
        _ => return None,
    })
}

async fn complaints(client: &Client) -> Result<Vec<String>, ToolError> {
    let rows = client.list("/health", &Query::new(), Age::List).await?;
    Ok(rows.iter().filter_map(|row| row["message"].as_str()).map(|text| line(text, 200)).collect())
}

/// The next day on which a film is out, of those that count: digital or physical, else cinemas.
fn next_release(record: &Value, now_ms: i64) -> Option<String> {
    let at = |key: &str| record[key].as_str().and_then(|text| Some((millis(text)?, text.get(..10)?.to_owned())));
    let ahead = |found: Option<(i64, String)>| found.filter(|(at, _)| *at > now_ms);
    let home = ahead(at("digitalRelease")).map(|(at, day)| (at, format!("its digital release on {day}")));
    let disc = ahead(at("physicalRelease")).map(|(at, day)| (at, format!("its release on disc on {day}")));
    let first = home.into_iter().chain(disc).min_by_key(|(at, _)| *at).map(|(_, words)| words);
    first.or_else(|| ahead(at("inCinemas")).map(|(_, day)| format!("its start in cinemas on {day}, and at home later")))
}

pub(super) fn millis(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond())
}

/// Such as `3 hours ago`.
pub(super) fn ago(at_ms: i64, now_ms: i64) -> String {
    let minutes = (now_ms - at_ms).max(0) / 60_000;
    let some = |n: i64, unit: &str| format!("{n} {unit}{} ago", if n == 1 { "" } else { "s" });
    match minutes {
        0..=1 => "just now".into(),
        2..=89 => some(minutes, "minute"),
        90..=2_159 => some((minutes + 30) / 60, "hour"),
        _ => some((minutes + 720) / 1_440, "day"),
    }
}

/// `4K HDR`, `1080p`.
pub(super) fn picture_in_words(lines: u16, has_hdr: bool) -> String {
    let name = if lines >= 2_160 { "4K".to_owned() } else { format!("{lines}p") };
    if has_hdr { format!("{name} HDR") } else { name }
}
