//! What Radarr and Sonarr remember of what was asked for: the story of a request while nobody listened to their webhooks.
//!
//! Never: tells anybody anything, and takes a row for news. A better file in place of a worse one is an upgrade, not a loss and a find.

use super::{
    Media,
    shelf::millis,
    wish::{Kind, Wish, code},
};
use crate::servarr::{Client, view};
use majordomo_domain::{Happening, Past, Request, RequestId, ToolError, text::shorten};
use serde_json::Value;
use std::collections::BTreeSet;

/// A worse file goes and a better one comes within so long. Milliseconds.
const UPGRADE_MS: i64 = 10 * 60_000;
/// Characters of a key of what is told together.
const LONGEST_KEY: usize = 190;

impl Media {
    /// One for each Radarr and Sonarr.
    pub(super) fn sources(&self) -> Vec<String> {
        self.fetchers().iter().map(|(_, client)| source(client)).collect()
    }

    pub(super) async fn past(&self, wanted: &str, since_ms: i64, requests: &[Request]) -> Result<Past, ToolError> {
        let fetchers = self.fetchers();
        let Some((kind, client)) = fetchers.into_iter().find(|(_, client)| source(client) == wanted) else {
            return Err(ToolError::CouldNotAsk { service: wanted.into(), reason: "it is not set up here".into() });
        };
        let wishes = wishes(requests, kind, client.name());
        if wishes.is_empty() {
            return Ok(Past::default());
        }
        let rows = client.happened_since(since_ms).await?;
        let newest_ms = rows.iter().filter_map(at).max();
        Ok(Past { happenings: happenings(client, kind, &rows, &wishes), newest_ms })
    }
}

fn source(client: &Client) -> String {
    format!("{} {}", client.which().key(), client.name())
}

/// Those that this instance fetches.
fn wishes(requests: &[Request], kind: Kind, instance: &str) -> Vec<(RequestId, Wish)> {
    requests
        .iter()
        .filter_map(|request| Some((request.id, serde_json::from_value::<Wish>(request.wish.clone()).ok()?)))
        .filter(|(_, wish)| wish.kind == kind && wish.instance == instance)
        .collect()
}

/// A film, or one episode of a series, by the numbers wishes have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Film(u64),
    Episode(u64, u32, u32),
}

fn thing(kind: Kind, row: &Value) -> Option<Thing> {
    let number = |value: &Value| u32::try_from(value.as_u64()?).ok();
    Some(match kind {
        Kind::Film => Thing::Film(row["movie"]["tmdbId"].as_u64()?),
        Kind::Series => Thing::Episode(
            row["series"]["tvdbId"].as_u64()?,
            number(&row["episode"]["seasonNumber"])?,
            number(&row["episode"]["episodeNumber"])?,
        ),
    })
}

fn is_wanted(wish: &Wish, thing: Thing) -> bool {
    match thing {
        Thing::Film(tmdb) => wish.tmdb == Some(tmdb),
        Thing::Episode(tvdb, season, number) => wish.tvdb == Some(tvdb) && wish.wants(season, number),
    }
}

fn at(row: &Value) -> Option<i64> {
    millis(row["date"].as_str()?)
}

fn is_import(row: &Value) -> bool {
    matches!(row["eventType"].as_str(), Some("downloadFolderImported" | "movieFolderImported" | "seriesFolderImported"))
}

fn is_for_upgrade(row: &Value) -> bool {
    row["data"]["reason"].as_str().is_some_and(|reason| reason.eq_ignore_ascii_case("upgrade"))
}

fn happenings(client: &Client, kind: Kind, rows: &[Value], wishes: &[(RequestId, Wish)]) -> Vec<Happening> {
    // The worse file goes first, and the next one that comes is the better one.
    let mut better: BTreeSet<(Thing, i64)> = BTreeSet::new();
    let known = |row: &Value| Some((thing(kind, row)?, at(row)?));
    let came: Vec<(Thing, i64)> = rows.iter().filter(|row| is_import(row)).filter_map(known).collect();
    for (gone, gone_ms) in rows.iter().filter(|row| is_for_upgrade(row)).filter_map(known) {
        let next = came.iter().filter(|(thing, at_ms)| *thing == gone && *at_ms >= gone_ms).min_by_key(|(_, at)| *at);
        better.extend(next.filter(|(_, at_ms)| at_ms - gone_ms <= UPGRADE_MS));
    }
    let mut all = Vec::new();
    for row in rows {
        let (Some(thing), Some(at_ms)) = (thing(kind, row), at(row)) else { continue };
        let Some((what, text)) = told(client, row, better.contains(&(thing, at_ms))) else { continue };
        let part = match thing {
            Thing::Film(_) => None,
            Thing::Episode(_, season, number) => Some(code(season, number)),
        };
        let download = view::text(&row["downloadId"], 100);
        // What belongs to no download, such as files somebody deleted, belongs to what is said of it.
        let key = format!("{} {what} {}", client.name(), download.as_deref().unwrap_or(&text));
        for (request, _) in wishes.iter().filter(|(_, wish)| is_wanted(wish, thing)) {
            all.push(Happening {
                request: *request,
                key: shorten(&key, LONGEST_KEY),
                at_ms,
                kind: what.to_owned(),
                part: part.clone(),
                text: text.clone(),
            });
        }
    }
    all
}

/// What a row of the history means for those who wait; None for what means nothing to them.
fn told(client: &Client, row: &Value, is_better: bool) -> Option<(&'static str, String)> {
    let (application, data) = (client.title(), &row["data"]);
    let release = view::text_or(&row["sourceTitle"], view::LONGEST_NAME, "a release without a name");
    let reason = |key: &str| view::text_or(&data[key], 120, "no reason is given");
    Some(match row["eventType"].as_str()? {
        "grabbed" => ("grabbed", format!("{application} sent {release} to the download client")),
        _ if is_import(row) && is_better => {
            ("upgraded", format!("{application} put {release} in place of what was there"))
        }
        _ if is_import(row) => ("imported", format!("{application} put {release} in its place")),
        "downloadFailed" => ("download_failed", format!("the download of {release} failed: {}", reason("message"))),
        "movieFileDeleted" | "episodeFileDeleted" if !is_for_upgrade(row) => {
            let why = match data["reason"].as_str().unwrap_or_default() {
                "MissingFromDisk" => "it is gone from the disk".to_owned(),
                "Manual" => "somebody deleted it".to_owned(),
                _ => reason("reason"),
            };
            ("deleted", format!("{application} does not have the file any more: {why}"))
        }
        _ => return None,
    })
}
