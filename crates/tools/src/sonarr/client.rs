//! Asking Sonarr for what the tools are about, by its types.
//!
//! Records are never older than a moment, and asked anew where something is changed: tools read before and after.

use super::types::{Episode, EpisodeFile, HistoryRecord, QueueRow, Series, read};
use crate::servarr::{
    Client, Command,
    client::{Age, Query},
};
use majordomo_domain::{Output, ToolError};
use majordomo_upstream::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What a search for "the same command" compares with a sent body beside its name.
const SECONDS_OF_THE_SAME: i64 = 3_600;

/// How many items a call lists.
pub fn limit(asked: Option<usize>, default: usize, most: usize) -> Result<usize, ToolError> {
    let limit = asked.unwrap_or(default);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(ToolError::TellModel(format!("limit is {limit}, it may be 1 to {most}")))
}

/// The service answered, and there is none.
pub fn nothing(what: &str) -> Output {
    Output::text(json!({ "nothing found": what }).to_string())
}

/// A record as it came, with what of it is read.
fn both(value: &Value) -> Option<(Value, Series)> {
    Some((value.clone(), read(value)?))
}

/// A series by Sonarr's id; None when there is none.
pub async fn series(at: &Client, id: u64) -> Result<Option<(Value, Series)>, ToolError> {
    series_of(at, id, Age::Live).await
}

/// The same for a change: asked anew, and refused when it is not there.
pub async fn known_series(at: &Client, id: u64) -> Result<(Value, Series), ToolError> {
    series_of(at, id, Age::Now).await?.ok_or_else(|| {
        ToolError::TellModel(format!("{} has no series {id}; take the id from sonarr_series", at.title()))
    })
}

async fn series_of(at: &Client, id: u64, age: Age) -> Result<Option<(Value, Series)>, ToolError> {
    let query = vec![("includeSeasonImages", "false".to_owned())];
    match at.find(&format!("/series/{id}"), &query, age).await? {
        Some(record) => both(&record).map(Some).ok_or_else(|| at.not_as_described("something that is not a series")),
        None => Ok(None),
    }
}

/// A series by its TVDB id; None when Sonarr does not have it.
pub async fn by_tvdb(at: &Client, tvdb_id: u64) -> Result<Option<(Value, Series)>, ToolError> {
    let query = vec![("tvdbId", tvdb_id.to_string()), ("includeSeasonImages", "false".to_owned())];
    let list = at.list("/series", &query, Age::Now).await?;
    Ok(list.iter().filter_map(both).find(|(_, series)| series.tvdb_id == tvdb_id))
}

pub async fn all_series(at: &Client) -> Result<Vec<Series>, ToolError> {
    let library = at.library().await?;
    Ok(library.as_array().into_iter().flatten().filter_map(read).collect())
}

/// Candidates for a title or an id with its kind, in Sonarr's order.
pub async fn lookup(at: &Client, term: &str) -> Result<Vec<(Value, Series)>, ToolError> {
    let list = at.list("/series/lookup", &vec![("term", term.to_owned())], Age::List).await?;
    Ok(list.iter().filter_map(both).collect())
}

pub async fn add(at: &Client, body: &Value) -> Result<Value, ToolError> {
    at.send(Method::POST, "/series", &Query::new(), body).await
}

/// Writes a whole record back.
pub async fn put_series(at: &Client, record: &Value, move_files: bool) -> Result<(), ToolError> {
    let id = record["id"].as_u64().unwrap_or(0);
    let query = if move_files { vec![("moveFiles", "true".to_owned())] } else { Query::new() };
    at.send(Method::PUT, &format!("/series/{id}"), &query, record).await?;
    Ok(())
}

/// Changes single fields of several series.
pub async fn edit(at: &Client, body: &Value) -> Result<(), ToolError> {
    at.send(Method::PUT, "/series/editor", &Query::new(), body).await?;
    Ok(())
}

pub async fn delete(at: &Client, id: u64, delete_files: bool, exclude: bool) -> Result<(), ToolError> {
    let query = vec![("deleteFiles", delete_files.to_string()), ("addImportListExclusion", exclude.to_string())];
    at.send(Method::DELETE, &format!("/series/{id}"), &query, &Value::Null).await?;
    Ok(())
}

pub async fn delete_many(at: &Client, ids: &[u64], delete_files: bool, exclude: bool) -> Result<(), ToolError> {
    let body = json!({ "seriesIds": ids, "deleteFiles": delete_files, "addImportListExclusion": exclude });
    at.send(Method::DELETE, "/series/editor", &Query::new(), &body).await?;
    Ok(())
}

/// Episodes of a series, of one season when named. Empty when there is no such series.
pub async fn episodes(
    at: &Client,
    series_id: u64,
    season: Option<u32>,
    with_files: bool,
) -> Result<Vec<Episode>, ToolError> {
    let mut query = vec![("seriesId", series_id.to_string())];
    query.extend(season.map(|season| ("seasonNumber", season.to_string())));
    if with_files {
        query.push(("includeEpisodeFile", "true".to_owned()));
    }
    let list = at.find("/episode", &query, Age::Live).await?;
    Ok(list.as_deref().and_then(Value::as_array).into_iter().flatten().filter_map(read).collect())
}

/// Episodes by their ids. Refused when one of them is unknown, which Sonarr answers with a failure of its own.
/// Source: Sonarr, BasicRepository.Get, "Expected query to return".
pub async fn episodes_by_id(at: &Client, ids: &[u64]) -> Result<Vec<Episode>, ToolError> {
    let query: Query = ids.iter().map(|id| ("episodeIds", id.to_string())).collect();
    match at.list("/episode", &query, Age::Live).await {
        Ok(list) => Ok(list.iter().filter_map(read).collect()),
        Err(ToolError::CouldNotAsk { reason, .. }) if reason.contains("Expected query to return") => {
            Err(ToolError::TellModel(format!(
                "{} does not have all of these episodes; take ids from sonarr_episodes",
                at.title()
            )))
        }
        Err(error) => Err(error),
    }
}

pub async fn episode(at: &Client, id: u64) -> Result<Option<Episode>, ToolError> {
    let found = at.find(&format!("/episode/{id}"), &Query::new(), Age::Live).await?;
    Ok(found.as_deref().and_then(read))
}

/// Sets the flag of exactly these episodes.
pub async fn monitor(at: &Client, ids: &[u64], monitored: bool) -> Result<(), ToolError> {
    let body = json!({ "episodeIds": ids, "monitored": monitored });
    at.send(Method::PUT, "/episode/monitor", &Query::new(), &body).await?;
    Ok(())
}

/// Waits until the refresh after an add has filled in the episodes, at most so long. Empty when it has not.
pub async fn wait_for_episodes(at: &Client, series_id: u64, longest: Duration) -> Result<Vec<Episode>, ToolError> {
    let (poll, until) = (at.settings().poll, Instant::now() + longest);
    loop {
        at.forget_answers();
        let found = episodes(at, series_id, None, false).await?;
        if !found.is_empty() || Instant::now() >= until {
            return Ok(found);
        }
        sleep(poll).await;
    }
}

pub async fn files(at: &Client, series_id: u64) -> Result<Vec<EpisodeFile>, ToolError> {
    let found = at.find("/episodefile", &vec![("seriesId", series_id.to_string())], Age::Live).await?;
    Ok(found.as_deref().and_then(Value::as_array).into_iter().flatten().filter_map(read).collect())
}

pub async fn file(at: &Client, id: u64) -> Result<Option<EpisodeFile>, ToolError> {
    let found = at.find(&format!("/episodefile/{id}"), &Query::new(), Age::Live).await?;
    Ok(found.as_deref().and_then(read))
}

/// Those of these files that there are. One by one: asked for several, Sonarr fails when one is gone.
pub async fn files_by_id(at: &Client, ids: &[u64]) -> Result<Vec<EpisodeFile>, ToolError> {
    let mut found = Vec::new();
    for id in ids {
        found.extend(file(at, *id).await?);
    }
    Ok(found)
}

pub async fn delete_files(at: &Client, ids: &[u64]) -> Result<(), ToolError> {
    match ids {
        [one] => at.send(Method::DELETE, &format!("/episodefile/{one}"), &Query::new(), &Value::Null).await?,
        several => {
            let body = json!({ "episodeFileIds": several });
            at.send(Method::DELETE, "/episodefile/bulk", &Query::new(), &body).await?
        }
    };
    Ok(())
}

/// The queue's rows of one series, one for each episode.
pub async fn queue_of(at: &Client, series_id: u64) -> Result<Vec<QueueRow>, ToolError> {
    // Never from before: it is compared with itself.
    let list = at.list("/queue/details", &vec![("seriesId", series_id.to_string())], Age::Now).await?;
    Ok(list.iter().filter_map(read).collect())
}

pub async fn history_of(
    at: &Client,
    series_id: u64,
    season: Option<u32>,
    event: Option<&str>,
) -> Result<Vec<HistoryRecord>, ToolError> {
    let mut query = vec![("seriesId", series_id.to_string()), ("includeEpisode", "true".to_owned())];
    query.extend(season.map(|season| ("seasonNumber", season.to_string())));
    query.extend(event.map(|event| ("eventType", event.to_owned())));
    let found = at.find("/history/series", &query, Age::Live).await?;
    Ok(found.as_deref().and_then(Value::as_array).into_iter().flatten().filter_map(read).collect())
}

/// What was sent to a download client since an instant of Sonarr's clock, with the episode of each.
pub async fn grabbed_since(at: &Client, instant: &str) -> Result<Vec<HistoryRecord>, ToolError> {
    let query =
        vec![("date", instant.to_owned()), ("eventType", "grabbed".to_owned()), ("includeEpisode", "true".to_owned())];
    let list = at.list("/history/since", &query, Age::Now).await?;
    let records = list.iter().filter_map(read::<HistoryRecord>);
    // Old versions of Sonarr do not filter by event here.
    Ok(records.filter(|record| record.event_type == "grabbed").collect())
}

/// The last command with this name and these arguments that Sonarr remembers, sent within an hour.
pub async fn same_command(at: &Client, body: &Value, now_ms: i64) -> Result<Option<Command>, ToolError> {
    let list = at.list("/command", &Query::new(), Age::Now).await?;
    let is_same = |command: &&Value| {
        let mut arguments = body.as_object().into_iter().flatten().filter(|(name, _)| *name != "name");
        command["name"] == body["name"] && arguments.all(|(name, value)| command["body"][name] == *value)
    };
    let newest = list.iter().filter(is_same).filter_map(Command::read).max_by_key(|command| command.id);
    let is_recent = |command: &Command| {
        let queued: Option<jiff::Timestamp> = command.queued.as_deref().and_then(|at| at.parse().ok());
        queued.is_some_and(|at| now_ms / 1_000 - at.as_second() < SECONDS_OF_THE_SAME)
    };
    Ok(newest.filter(is_recent))
}

/// The first language profile, for Sonarr 3 which refuses a series without one; None for Sonarr 4, which has none.
pub async fn language_profile(at: &Client) -> Result<Option<u64>, ToolError> {
    let status = at.get("/system/status", &Query::new(), Age::Reference).await?;
    if !status["version"].as_str().is_some_and(|version| version.starts_with("3.")) {
        return Ok(None);
    }
    let list = at.list("/languageprofile", &Query::new(), Age::Reference).await?;
    Ok(list.first().and_then(|profile| profile["id"].as_u64()))
}
