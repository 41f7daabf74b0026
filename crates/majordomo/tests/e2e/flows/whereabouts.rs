//! “Where is my film?”, asked of the real program about twelve titles that are held up in twelve ways, with every service up and with
//! one down: the first true cause is named, or what could not be checked.

use crate::harness::{PATIENCE, Setting, Stage};
use majordomo_standins::{Dates, Fault, HealthIssue, Held, Offer, ServarrPace};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Films of the stand-in's catalogue that nobody has.
const HAXAN: u64 = 9_000_008;
const ZORRO: u64 = 9_000_009;
const LOST_WORLD: u64 = 9_000_005;
/// Films that Radarr knows and has no file of.
const SHERLOCK_JR: u64 = 992;
const FRIDAY: u64 = 3_085;
const CALIGARI: u64 = 234;
const SINDBAD: u64 = 9_000_011;
const SAFETY_LAST: u64 = 22_596;
const HAUNTED_HILL: u64 = 22_744;
/// Series whose first season is not whole.
const FLASH_GORDON: u64 = 9_300_003;
/// A series whose second season nobody wants yet.
const HILLBILLIES: u64 = 9_300_001;
const DRAGNET: u64 = 9_300_006;

/// A title that is held up.
struct Row {
    seeded: &'static str,
    question: Value,
    cause: &'static str,
    /// Words the sentence has to say.
    says: &'static str,
    /// The service that is down the second time, and the cause that can still be told then.
    without: &'static str,
    cause_without: &'static str,
}

fn film(tmdb: u64) -> Value {
    json!({"media_type": "film", "tmdb_id": tmdb})
}

fn season(tvdb: u64, season: u32) -> Value {
    json!({"media_type": "series", "tvdb_id": tvdb, "seasons": [season]})
}

fn rows() -> Vec<Row> {
    let row = |seeded, question, (cause, says), (without, cause_without)| Row {
        seeded,
        question,
        cause,
        says,
        without,
        cause_without,
    };
    vec![
        row("not asked for", film(HAXAN), ("not_wanted", "Nobody has asked Radarr"), ("radarr", "unknown")),
        row("waits for a yes", film(ZORRO), ("waits_for_yes", "waits for the yes"), ("radarr", "waits_for_yes")),
        row("declined", film(LOST_WORLD), ("declined", "no room"), ("plex", "declined")),
        row("not out yet", film(SHERLOCK_JR), ("not_released", "2100-03-01"), ("radarr", "unknown")),
        row("not monitored", film(FRIDAY), ("not_monitored", "is not told to look"), ("plex", "not_monitored")),
        row("no release", film(CALIGARI), ("nothing_found", "found nothing"), ("plex", "nothing_found")),
        row("wrong profile", film(SINDBAD), ("nothing_found", "the profile HD-1080p"), ("plex", "nothing_found")),
        row("stalled", film(HAUNTED_HILL), ("stalled", "stands still at 40 %"), ("radarr", "unknown")),
        row("Plex has not looked", film(SAFETY_LAST), ("not_scanned", "does not show it yet"), ("plex", "downloaded")),
        row("queued", season(DRAGNET, 2), ("queued", "waits in the download client"), ("sonarr", "unknown")),
        row("import blocked", season(FLASH_GORDON, 1), ("import_blocked", "a sample"), ("sonarr", "unknown")),
        row("indexers down", season(HILLBILLIES, 2), ("indexers_down", "All indexers"), ("plex", "indexers_down")),
    ]
}

const RADARR: &str = "radarr";
const SONARR: &str = "sonarr";

/// Straight to Radarr or Sonarr, as somebody at its own page.
async fn at_servarr(stage: &Stage, service: &str, method: Method, path: &str, body: Value) -> Value {
    let servarrs = stage.town.servarrs();
    let (_, url, key) = servarrs.iter().find(|(name, ..)| name == service).expect("it was started");
    let request = stage.client.request(method, format!("{url}/api/v3{path}")).header("x-api-key", *key);
    let answer = request.json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap()
}

async fn movie_id(stage: &Stage, tmdb: u64) -> u64 {
    let found = at_servarr(stage, RADARR, Method::GET, &format!("/movie?tmdbId={tmdb}"), Value::Null).await;
    found[0]["id"].as_u64().unwrap_or_else(|| panic!("Radarr has {tmdb}: {found}"))
}

/// A question that waits for somebody's yes; its id.
async fn asked_for(stage: &Stage, tmdb: u64) -> String {
    let (status, body) = stage.post("/api/tools/media_request", film(tmdb)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body["approval"].as_str().unwrap_or_else(|| panic!("somebody is asked: {body}")).to_owned()
}

/// Twelve titles, each held up in its own way.
async fn seeded() -> Stage {
    let stage = Stage::with(Setting { has_media: true, ..Setting::default() }).await;
    let (radarr, sonarr) = (stage.town.radarr("default"), stage.town.sonarr("default"));
    for servarr in [radarr, sonarr] {
        servarr.clear_queue();
        servarr.pace(ServarrPace::at_once());
    }
    asked_for(&stage, ZORRO).await;
    let declined = asked_for(&stage, LOST_WORLD).await;
    let no = json!({"decision": "decline", "reason": "no room"});
    let (status, body) = stage.post(&format!("/api/approvals/{declined}"), no).await;
    assert_eq!(status, StatusCode::OK, "{body}");

    let (cinemas, digital) = (Some("2100-01-01".parse().unwrap()), Some("2100-03-01".parse().unwrap()));
    assert!(radarr.dates(SHERLOCK_JR, Dates { cinemas, digital, physical: None }));
    let unwatched = json!({"movieIds": [movie_id(&stage, FRIDAY).await], "monitored": false});
    at_servarr(&stage, RADARR, Method::PUT, "/movie/editor", unwatched).await;
    radarr.offers(CALIGARI, []);
    radarr.offers(SINDBAD, [Offer::of("Bluray-2160p"), Offer::of("DVD")]);
    for tmdb in [CALIGARI, SINDBAD] {
        let search = json!({"name": "MoviesSearch", "movieIds": [movie_id(&stage, tmdb).await]});
        at_servarr(&stage, RADARR, Method::POST, "/command", search).await;
    }
    radarr.settle().await;
    let downloaded = radarr.put_film(SAFETY_LAST, "Bluray-1080p", Held::of("downloading", "downloading", 0.1));
    assert_eq!(radarr.finish(downloaded.as_deref()).await, 1);
    radarr.put_film(HAUNTED_HILL, "Bluray-1080p", Held::stalled()).expect("a row");
    sonarr.put_season(DRAGNET, 2, &[1], "WEBDL-1080p", Held::of("queued", "downloading", 1.0)).expect("a row");
    let blocked = Held::blocked(vec!["The file is a sample".into()]);
    sonarr.put_season(FLASH_GORDON, 1, &[6], "WEBDL-1080p", blocked).expect("a row");
    let mut hills =
        at_servarr(&stage, SONARR, Method::GET, &format!("/series?tvdbId={HILLBILLIES}"), Value::Null).await[0].take();
    for season in hills["seasons"].as_array_mut().unwrap().iter_mut().filter(|season| season["seasonNumber"] == 2) {
        season["monitored"] = true.into();
    }
    let path = format!("/series/{}", hills["id"]);
    at_servarr(&stage, SONARR, Method::PUT, &path, hills).await;
    let down = "All indexers are unavailable due to failures";
    sonarr.health([HealthIssue::new("IndexerStatusCheck", "error", down)]).await;
    stage
}

/// The answer as the tool gives it.
async fn asks(stage: &Stage, question: &Value) -> Value {
    let (status, answer) = stage.post("/api/tools/media_where_is", question.clone()).await;
    assert_eq!((status, &answer["is_error"]), (StatusCode::OK, &Value::Bool(false)), "{answer}");
    serde_json::from_str(answer["text"].as_str().unwrap()).unwrap()
}

/// What is wrong with an answer while every service is up.
fn judged(row: &Row, found: &Value) -> Option<String> {
    let line = found["answer"].as_str().unwrap_or_default();
    let is_right = found["cause"] == row.cause && line.contains(row.says) && found["could_not_ask"] == json!([]);
    (!is_right).then(|| format!("{}: {found}", row.seeded))
}

/// What is wrong with an answer while the row's service is down: it names that service and claims nothing it cannot know.
fn judged_without(row: &Row, found: &Value) -> Option<String> {
    let unchecked = found["could_not_ask"].as_array().into_iter().flatten();
    let names_it = unchecked.filter_map(Value::as_str).any(|said| said.to_lowercase().starts_with(row.without));
    let is_right = found["cause"] == row.cause_without && names_it;
    (!is_right).then(|| format!("{} without {}: {found}", row.seeded, row.without))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_is_my_film_names_the_first_true_cause_or_what_could_not_be_checked() {
    let stage = seeded().await;
    let rows = rows();
    let mut wrong = Vec::new();
    for row in &rows {
        wrong.extend(judged(row, &asks(&stage, &row.question).await));
    }
    for service in ["plex", "radarr", "sonarr"] {
        stage.town.fault(service, Fault::Refuse).await;
        for row in rows.iter().filter(|row| row.without == service) {
            wrong.extend(judged_without(row, &asks(&stage, &row.question).await));
        }
        stage.town.mend(service).await;
        // What was left alone for a while is asked again.
        let begun = Instant::now();
        loop {
            let found = asks(&stage, &film(HAUNTED_HILL)).await;
            if found["could_not_ask"] == json!([]) {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{service} is well again: {found} {wrong:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let cases = rows.len() * 2;
    eprintln!("{} of {cases} answers name the first true cause or what could not be checked", cases - wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(cases, 24);
    stage.check_requests();
}
