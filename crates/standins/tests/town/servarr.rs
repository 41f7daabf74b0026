//! Radarr and Sonarr through their doors: from adding a film to its file on the disk, and what goes wrong on the way.

use super::{client, saturday};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use majordomo_standins::{Clock, Fate, HealthIssue, Held, Offer, Town};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

async fn town() -> Town {
    let plan = Town::plan().tmdb().radarr("default").sonarr("default").clock(saturday()).without_specs();
    let town = plan.start().await.expect("a town");
    // The demo's own downloads would be in every list.
    town.radarr("default").clear_queue();
    town.sonarr("default").clear_queue();
    town
}

#[derive(Clone, Copy)]
enum Of {
    Radarr,
    Sonarr,
}
use Of::{Radarr, Sonarr};

async fn ask(town: &Town, of: Of, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let (base, key) = match of {
        Radarr => (town.radarr_url("default"), town.radarr("default").key()),
        Sonarr => (town.sonarr_url("default"), town.sonarr("default").key()),
    };
    let mut request = client().request(method, format!("{base}/api/v3/{path}")).header("x-api-key", key);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.expect("an answer");
    let status = StatusCode::from_u16(answer.status().as_u16()).expect("a status");
    (status, serde_json::from_str(&answer.text().await.expect("a body")).unwrap_or(Value::Null))
}

async fn get(town: &Town, of: Of, path: &str) -> Value {
    let (status, answer) = ask(town, of, Method::GET, path, None).await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

async fn post(town: &Town, of: Of, path: &str, body: Value) -> Value {
    let (status, answer) = ask(town, of, Method::POST, path, Some(body)).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
    answer
}

/// Sends a command and lets it come to its end. Its last view.
async fn command(town: &Town, of: Of, body: Value) -> Value {
    let made = post(town, of, "command", body).await;
    assert_eq!(made["status"], "queued");
    let path = format!("command/{}", made["id"]);
    town.clock().advance(Duration::from_secs(1));
    assert_eq!(get(town, of, &path).await["status"], "started");
    town.clock().advance(Duration::from_secs(1));
    let done = get(town, of, &path).await;
    assert_eq!(done["status"], "completed", "{done}");
    done
}

type Letters = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// Somebody who takes webhooks: their address, and what came.
async fn receiver() -> (String, Letters) {
    let letters = Letters::default();
    let app = Router::new()
        .fallback(|State(letters): State<Letters>, headers: HeaderMap, body: Bytes| async move {
            let value = serde_json::from_slice(&body).expect("JSON");
            letters.lock().expect("letters").push((headers, value));
            StatusCode::OK
        })
        .with_state(Arc::clone(&letters));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}/hooks"), letters)
}

fn events(letters: &Letters) -> Vec<String> {
    let letters = letters.lock().expect("letters");
    letters.iter().map(|(_, body)| body["eventType"].as_str().expect("an event").to_owned()).collect()
}

fn hook(url: &str, flags: &[&str]) -> Value {
    let mut hook = json!({
        "name": "majordomo", "implementation": "Webhook", "configContract": "WebhookSettings", "fields": [
            {"name": "url", "value": url}, {"name": "method", "value": 1}, {"name": "username", "value": "house"},
            {"name": "password", "value": "secret"}, {"name": "headers", "value": [{"key": "X-House", "value": "yes"}]},
        ],
    });
    for flag in flags {
        hook[*flag] = json!(true);
    }
    hook
}

fn film(tmdb: u64) -> Value {
    json!({
        "tmdbId": tmdb, "title": "any", "qualityProfileId": 4, "rootFolderPath": "/films", "monitored": true,
        "minimumAvailability": "released", "tags": [1], "addOptions": {"searchForMovie": false, "monitor": "movieOnly"},
    })
}

#[tokio::test]
async fn a_film_is_added_searched_downloaded_imported_and_told_in_order() {
    let town = town().await;
    let (url, letters) = receiver().await;
    let flags = ["onGrab", "onDownload", "onUpgrade", "onMovieAdded"];
    let installed = post(&town, Radarr, "notification", hook(&url, &flags)).await;
    let shown = installed["fields"].as_array().expect("fields").iter().find(|field| field["name"] == "password");
    assert_eq!(shown.expect("a password")["value"], "********");

    let found = get(&town, Radarr, "movie/lookup?term=lost%20world").await;
    assert_eq!((&found[0]["tmdbId"], &found[0]["id"]), (&json!(9_000_005), &Value::Null));
    assert!(found[0]["remotePoster"].as_str().expect("a poster").starts_with(&town.tmdb_image_url()));
    let added = post(&town, Radarr, "movie", film(9_000_005)).await;
    assert_eq!(
        (&added["title"], &added["hasFile"], &added["year"]),
        (&json!("The Lost World"), &json!(false), &json!(1925))
    );
    let id = added["id"].as_u64().expect("an id");

    let done = command(&town, Radarr, json!({"name": "MoviesSearch", "movieIds": [id]})).await;
    assert_eq!(done["message"], "Completed search for 1 movies. 1 reports downloaded.");
    let queue = get(&town, Radarr, &format!("queue/details?movieId={id}")).await;
    let row = &queue[0];
    assert_eq!((&row["status"], &row["trackedDownloadState"]), (&json!("downloading"), &json!("downloading")));
    assert_eq!(row["quality"]["quality"]["name"], "Bluray-1080p");
    assert_eq!(row["sizeleft"], row["size"]);

    // 93 minutes at 75 MB a minute and 20 MB a second.
    town.clock().advance(Duration::from_secs(174));
    let row = get(&town, Radarr, "queue?page=1&pageSize=20&includeMovie=true").await["records"][0].clone();
    assert_eq!((&row["timeleft"], &row["movie"]["tmdbId"]), (&json!("00:02:54"), &json!(9_000_005)));
    assert_eq!(row["sizeleft"].as_u64().expect("bytes") * 2, row["size"].as_u64().expect("bytes"));
    town.clock().advance(Duration::from_secs(175));
    let row = get(&town, Radarr, "queue").await["records"][0].clone();
    assert_eq!((&row["status"], &row["trackedDownloadState"]), (&json!("completed"), &json!("importPending")));

    town.clock().advance(Duration::from_secs(5));
    town.settle().await;
    assert_eq!(get(&town, Radarr, "queue").await["totalRecords"], 0);
    let here = get(&town, Radarr, "movie?tmdbId=9000005").await[0].clone();
    assert_eq!(
        (&here["hasFile"], &here["movieFile"]["quality"]["quality"]["name"]),
        (&json!(true), &json!("Bluray-1080p"))
    );
    assert_eq!(here["movieFile"]["path"], "/films/The Lost World (1925)/The Lost World (1925) Bluray-1080p.mkv");
    let history = get(&town, Radarr, &format!("history/movie?movieId={id}")).await;
    let kinds: Vec<&str> =
        history.as_array().expect("rows").iter().filter_map(|row| row["eventType"].as_str()).collect();
    assert_eq!(kinds, ["downloadFolderImported", "grabbed"]);

    assert_eq!(events(&letters), ["Test", "MovieAdded", "Grab", "Download"]);
    let letters = letters.lock().expect("letters");
    let (headers, download) = letters.last().expect("a letter");
    assert_eq!(
        (&headers["x-house"], &headers["authorization"]),
        (&"yes".parse().unwrap(), &"Basic aG91c2U6c2VjcmV0".parse().unwrap())
    );
    assert_eq!((&download["movie"]["tmdbId"], &download["isUpgrade"]), (&json!(9_000_005), &json!(false)));
    assert_eq!(
        (&download["downloadId"], &download["movieFile"]["path"]),
        (&history[1]["downloadId"], &here["movieFile"]["path"])
    );
    assert!(download.get("deletedFiles").is_none(), "absent values are left out");
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn a_pack_of_ten_is_ten_rows_of_one_download_and_eleven_events() {
    let town = town().await;
    let (url, letters) = receiver().await;
    post(&town, Sonarr, "notification", hook(&url, &["onGrab", "onDownload", "onImportComplete"])).await;
    let mut series = get(&town, Sonarr, "series?tvdbId=9300001").await[0].clone();
    let seasons = series["seasons"].as_array_mut().expect("seasons");
    assert_eq!(seasons.len(), 3);
    assert_eq!((&seasons[2]["monitored"], &seasons[2]["statistics"]["totalEpisodeCount"]), (&json!(false), &json!(10)));
    seasons[2]["monitored"] = json!(true);
    let id = series["id"].as_u64().expect("an id");
    let (status, _) = ask(&town, Sonarr, Method::PUT, &format!("series/{id}"), Some(series)).await;
    assert_eq!(status, StatusCode::ACCEPTED);

    let done = command(&town, Sonarr, json!({"name": "SeasonSearch", "seriesId": id, "seasonNumber": 2})).await;
    assert_eq!(done["message"], "Season search completed. 1 reports downloaded.");
    let queue = get(&town, Sonarr, "queue?page=1&pageSize=100&includeEpisode=true").await;
    let rows = queue["records"].as_array().expect("rows");
    assert_eq!((rows.len(), &queue["totalRecords"]), (10, &json!(10)));
    assert!(rows.iter().all(|row| row["downloadId"] == rows[0]["downloadId"] && row["size"] == rows[0]["size"]));
    let first_page = get(&town, Sonarr, "queue").await;
    assert_eq!(first_page["records"].as_array().expect("rows").len(), 10);

    assert_eq!(town.sonarr("default").finish(None).await, 1);
    let files = get(&town, Sonarr, &format!("episodefile?seriesId={id}")).await;
    let second = files.as_array().expect("files").iter().filter(|file| file["seasonNumber"] == 2).count();
    assert_eq!(second, 10);
    let told = events(&letters);
    assert_eq!((told.len(), told[0].as_str(), told[1].as_str()), (13, "Test", "Grab"));
    let letters = letters.lock().expect("letters");
    let downloads: Vec<&Value> =
        letters.iter().map(|(_, body)| body).filter(|body| body["eventType"] == "Download").collect();
    assert_eq!(downloads.len(), 11);
    assert!(
        downloads[..10]
            .iter()
            .all(|body| body.get("episodeFile").is_some() && body["downloadId"] == downloads[10]["downloadId"])
    );
    assert_eq!(downloads[10]["episodeFiles"].as_array().map(Vec::len), Some(10));
    assert_eq!(downloads[10]["fileCount"], 10);
    assert_eq!(town.violations(), []);
}
