//! Radarr and Sonarr through their doors: from adding a film to its file on the disk, and what goes wrong on the way.

use super::{client, saturday};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use majordomo_standins::{Fate, HealthIssue, Held, Offer, Past, Plan, ServarrPace, Town};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::{
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A town and somebody who asks in it; a client is too slow to make for every question.
struct House {
    town: Town,
    client: Client,
}

impl Deref for House {
    type Target = Town;

    fn deref(&self) -> &Town {
        &self.town
    }
}

impl From<Town> for House {
    fn from(town: Town) -> Self {
        Self { town, client: client() }
    }
}

async fn town() -> House {
    begun(Town::plan().without_specs()).await
}

async fn begun(plan: Plan) -> House {
    let plan = plan.tmdb().radarr("default").sonarr("default").clock(saturday());
    let town = plan.start().await.expect("a town");
    // The demo's own downloads would be in every list.
    town.radarr("default").clear_queue();
    town.sonarr("default").clear_queue();
    town.into()
}

/// One that checks requests by our own tables, and one by the published descriptions where their folder is.
async fn towns() -> Vec<House> {
    let mut towns = vec![town().await];
    match std::env::var_os(majordomo_standins::SPECS) {
        Some(folder) => towns.push(begun(Town::plan().specs(folder)).await),
        None => eprintln!("skipped: {} is not set", majordomo_standins::SPECS),
    }
    towns
}

#[derive(Clone, Copy)]
enum Of {
    Radarr,
    Sonarr,
}
use Of::{Radarr, Sonarr};

async fn ask(town: &House, of: Of, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let (base, key) = match of {
        Radarr => (town.radarr_url("default"), town.radarr("default").key()),
        Sonarr => (town.sonarr_url("default"), town.sonarr("default").key()),
    };
    let mut request = town.client.request(method, format!("{base}/api/v3/{path}")).header("x-api-key", key);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.expect("an answer");
    let status = StatusCode::from_u16(answer.status().as_u16()).expect("a status");
    (status, serde_json::from_str(&answer.text().await.expect("a body")).unwrap_or(Value::Null))
}

async fn get(town: &House, of: Of, path: &str) -> Value {
    let (status, answer) = ask(town, of, Method::GET, path, None).await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

async fn post(town: &House, of: Of, path: &str, body: Value) -> Value {
    let (status, answer) = ask(town, of, Method::POST, path, Some(body)).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
    answer
}

/// Sends a command and lets it come to its end. Its last view.
async fn command(town: &House, of: Of, body: Value) -> Value {
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
    for town in towns().await {
        film_walk(&town).await;
    }
}

async fn film_walk(town: &House) {
    let (url, letters) = receiver().await;
    let flags = ["onGrab", "onDownload", "onUpgrade", "onMovieAdded"];
    let installed = post(town, Radarr, "notification", hook(&url, &flags)).await;
    let shown = installed["fields"].as_array().expect("fields").iter().find(|field| field["name"] == "password");
    assert_eq!(shown.expect("a password")["value"], "********");

    let found = get(town, Radarr, "movie/lookup?term=lost%20world").await;
    assert_eq!((&found[0]["tmdbId"], &found[0]["id"]), (&json!(9_000_005), &Value::Null));
    assert!(found[0]["remotePoster"].as_str().expect("a poster").starts_with(&town.tmdb_image_url()));
    let added = post(town, Radarr, "movie", film(9_000_005)).await;
    assert_eq!(
        (&added["title"], &added["hasFile"], &added["year"]),
        (&json!("The Lost World"), &json!(false), &json!(1925))
    );
    let id = added["id"].as_u64().expect("an id");

    let done = command(town, Radarr, json!({"name": "MoviesSearch", "movieIds": [id]})).await;
    assert_eq!(done["message"], "Completed search for 1 movies. 1 reports downloaded.");
    let queue = get(town, Radarr, &format!("queue/details?movieId={id}")).await;
    let row = &queue[0];
    assert_eq!((&row["status"], &row["trackedDownloadState"]), (&json!("downloading"), &json!("downloading")));
    assert_eq!(row["quality"]["quality"]["name"], "Bluray-1080p");
    assert_eq!(row["sizeleft"], row["size"]);

    // 93 minutes at 75 MB a minute and 20 MB a second.
    town.clock().advance(Duration::from_secs(174));
    let row = get(town, Radarr, "queue?page=1&pageSize=20&includeMovie=true").await["records"][0].clone();
    assert_eq!((&row["timeleft"], &row["movie"]["tmdbId"]), (&json!("00:02:54"), &json!(9_000_005)));
    assert_eq!(row["sizeleft"].as_u64().expect("bytes") * 2, row["size"].as_u64().expect("bytes"));
    town.clock().advance(Duration::from_secs(175));
    let row = get(town, Radarr, "queue").await["records"][0].clone();
    assert_eq!((&row["status"], &row["trackedDownloadState"]), (&json!("completed"), &json!("importPending")));

    town.clock().advance(Duration::from_secs(5));
    town.settle().await;
    assert_eq!(get(town, Radarr, "queue").await["totalRecords"], 0);
    let here = get(town, Radarr, "movie?tmdbId=9000005").await[0].clone();
    assert_eq!(
        (&here["hasFile"], &here["movieFile"]["quality"]["quality"]["name"]),
        (&json!(true), &json!("Bluray-1080p"))
    );
    assert_eq!(here["movieFile"]["path"], "/films/The Lost World (1925)/The Lost World (1925) Bluray-1080p.mkv");
    let history = get(town, Radarr, &format!("history/movie?movieId={id}")).await;
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
    for town in towns().await {
        pack_walk(&town).await;
    }
}

async fn pack_walk(town: &House) {
    let (url, letters) = receiver().await;
    post(town, Sonarr, "notification", hook(&url, &["onGrab", "onDownload", "onImportComplete"])).await;
    let mut series = get(town, Sonarr, "series?tvdbId=9300001").await[0].clone();
    let seasons = series["seasons"].as_array_mut().expect("seasons");
    assert_eq!(seasons.len(), 3);
    assert_eq!((&seasons[2]["monitored"], &seasons[2]["statistics"]["totalEpisodeCount"]), (&json!(false), &json!(10)));
    seasons[2]["monitored"] = json!(true);
    let id = series["id"].as_u64().expect("an id");
    let (status, _) = ask(town, Sonarr, Method::PUT, &format!("series/{id}"), Some(series)).await;
    assert_eq!(status, StatusCode::ACCEPTED);

    let done = command(town, Sonarr, json!({"name": "SeasonSearch", "seriesId": id, "seasonNumber": 2})).await;
    assert_eq!(done["message"], "Season search completed. 1 reports downloaded.");
    let queue = get(town, Sonarr, "queue?page=1&pageSize=100&includeEpisode=true").await;
    let rows = queue["records"].as_array().expect("rows");
    assert_eq!((rows.len(), &queue["totalRecords"]), (10, &json!(10)));
    assert!(rows.iter().all(|row| row["downloadId"] == rows[0]["downloadId"] && row["size"] == rows[0]["size"]));
    let first_page = get(town, Sonarr, "queue").await;
    assert_eq!(first_page["records"].as_array().expect("rows").len(), 10);

    assert_eq!(town.sonarr("default").finish(None).await, 1);
    let files = get(town, Sonarr, &format!("episodefile?seriesId={id}")).await;
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

#[tokio::test]
async fn a_search_that_finds_nothing_says_so_only_in_its_message() {
    let town = town().await;
    town.radarr("default").offers(992, []);
    let id = get(&town, Radarr, "movie?tmdbId=992").await[0]["id"].clone();
    let done = command(&town, Radarr, json!({"name": "MoviesSearch", "movieIds": [id]})).await;
    assert_eq!((&done["status"], &done["result"]), (&json!("completed"), &json!("successful")));
    assert_eq!(done["message"], "Completed search for 1 movies. 0 reports downloaded.");
    assert_eq!(get(&town, Radarr, "queue").await["totalRecords"], 0);
    assert!(get(&town, Radarr, &format!("movie/{id}")).await["lastSearchTime"].is_string());
    // A season search does not go on to query each episode, though they are there.
    let series = get(&town, Sonarr, "series?tvdbId=9300003").await[0]["id"].clone();
    town.sonarr("default").offers(9_300_003, (5..=10).map(|number| Offer::of("WEBDL-720p").episodes(1, [number])));
    let done = command(&town, Sonarr, json!({"name": "SeasonSearch", "seriesId": series, "seasonNumber": 1})).await;
    assert_eq!(done["message"], "Season search completed. 0 reports downloaded.");
    let missing =
        get(&town, Sonarr, "wanted/missing?pageSize=50&sortKey=episodes.airDateUtc&sortDirection=ascending").await;
    let ids: Vec<u64> = missing["records"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["seriesId"] == series)
        .filter_map(|row| row["id"].as_u64())
        .collect();
    assert_eq!(ids.len(), 6);
    let done = command(&town, Sonarr, json!({"name": "EpisodeSearch", "episodeIds": ids[..2]})).await;
    assert_eq!(done["message"], "Episode search completed. 1 reports downloaded.", "only the last round is told of");
    assert_eq!(get(&town, Sonarr, "queue").await["totalRecords"], 2);
}

#[tokio::test]
async fn a_release_can_be_grabbed_for_half_an_hour_even_if_it_was_rejected() {
    let town = town().await;
    let radarr = town.radarr("default");
    radarr.offers(992, [Offer::of("DVD").seeders(3), Offer::of("WEBDL-1080p").refuses(), Offer::of("WEBDL-2160p")]);
    let id = get(&town, Radarr, "movie?tmdbId=992").await[0]["id"].clone();
    let releases = get(&town, Radarr, &format!("release?movieId={id}")).await;
    let names: Vec<&str> =
        releases.as_array().unwrap().iter().filter_map(|one| one["quality"]["quality"]["name"].as_str()).collect();
    assert_eq!(names, ["WEBDL-1080p", "WEBDL-2160p", "DVD"], "what would be taken comes first");
    assert_eq!(releases[2]["rejections"], json!(["DVD is not wanted in profile"]));
    let grab = |place: usize| json!({"guid": releases[place]["guid"], "indexerId": releases[place]["indexerId"]});
    let (status, answer) = ask(&town, Radarr, Method::POST, "release", Some(grab(0))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    town.clock().advance(Duration::from_secs(29 * 60));
    let (status, _) = ask(&town, Radarr, Method::POST, "release", Some(grab(2))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(get(&town, Radarr, "queue").await["records"][0]["quality"]["quality"]["name"], "DVD");
    town.clock().advance(Duration::from_secs(60));
    let (status, answer) = ask(&town, Radarr, Method::POST, "release", Some(grab(1))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(answer["message"], "Couldn't find requested release in cache, try searching again");
}

fn series(tvdb: u64, options: Value) -> Value {
    let mut series = json!({
        "tvdbId": tvdb, "title": "any", "qualityProfileId": 3, "rootFolderPath": "/series/", "monitored": true,
        "seasonFolder": true, "seriesType": "standard", "monitorNewItems": "none", "seasons": [
            {"seasonNumber": 1, "monitored": false}, {"seasonNumber": 2, "monitored": true},
        ],
    });
    if !options.is_null() {
        series["addOptions"] = options;
    }
    series
}

/// Season and number of the episodes of a series that are monitored, once the first refresh is through.
async fn monitored(town: &House, id: &Value) -> Vec<(u64, u64)> {
    let episodes = get(town, Sonarr, &format!("episode?seriesId={id}")).await;
    let on = episodes.as_array().unwrap().iter().filter(|one| one["monitored"] == true);
    on.map(|one| (one["seasonNumber"].as_u64().unwrap(), one["episodeNumber"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn a_series_added_without_options_watches_nothing_that_has_aired() {
    let town = town().await;
    let found = get(&town, Sonarr, "series/lookup?term=tvdb:9300004").await;
    let seasons: Vec<u64> =
        found[0]["seasons"].as_array().unwrap().iter().filter_map(|one| one["seasonNumber"].as_u64()).collect();
    assert_eq!((seasons, found[0].get("id")), (vec![1, 2], None));
    let added = post(&town, Sonarr, "series", series(9_300_004, Value::Null)).await;
    let id = &added["id"];
    assert_eq!(get(&town, Sonarr, &format!("episode?seriesId={id}")).await, json!([]), "they come with the refresh");
    town.sonarr("default").run_out().await;
    assert_eq!(get(&town, Sonarr, &format!("episode?seriesId={id}")).await.as_array().map(Vec::len), Some(17));
    assert_eq!(monitored(&town, id).await, []);
    assert_eq!(get(&town, Sonarr, "queue").await["totalRecords"], 0);

    let (status, _) = ask(&town, Sonarr, Method::DELETE, &format!("series/{id}?deleteFiles=true"), None).await;
    assert_eq!(status, StatusCode::OK);
    let options = json!({"monitor": "skip", "searchForMissingEpisodes": true, "searchForCutoffUnmetEpisodes": false});
    let added = post(&town, Sonarr, "series", series(9_300_004, options)).await;
    while town.step().await && get(&town, Sonarr, "queue").await["totalRecords"] == 0 {}
    assert_eq!(monitored(&town, &added["id"]).await, (1..=8).map(|number| (2, number)).collect::<Vec<_>>());
    let queue = get(&town, Sonarr, "queue?pageSize=50").await;
    assert_eq!(queue["totalRecords"], 8, "the second season as one pack");

    let added = post(&town, Sonarr, "series", series(9_300_005, json!({"monitor": "pilot"}))).await;
    while town.step().await {}
    assert_eq!(monitored(&town, &added["id"]).await, [(1, 1)]);
}

#[tokio::test]
async fn what_cannot_be_added_is_refused_in_the_words_of_the_service() {
    let town = town().await;
    let refused = async |of, path: &str, body: Value| {
        let (status, answer) = ask(&town, of, Method::POST, path, Some(body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        let list = answer.as_array().expect("a list").clone();
        list.iter()
            .map(|one| format!("{}: {}", one["propertyName"].as_str().unwrap(), one["errorMessage"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(refused(Radarr, "movie", film(19)).await, ["TmdbId: This movie has already been added"]);
    assert_eq!(refused(Radarr, "movie", film(1)).await, ["TmdbId: A movie with this ID was not found."]);
    let mut odd = film(631);
    odd["qualityProfileId"] = json!(77);
    odd["rootFolderPath"] = json!("/elsewhere");
    assert_eq!(
        refused(Radarr, "movie", odd).await,
        ["QualityProfileId: Quality Profile does not exist", "RootFolderPath: Root folder '/elsewhere' does not exist"]
    );
    assert_eq!(
        refused(Sonarr, "series", series(9_300_001, Value::Null)).await,
        ["TvdbId: This series has already been added"]
    );
    let mut nameless = series(9_300_007, Value::Null);
    nameless.as_object_mut().unwrap().remove("title");
    assert_eq!(refused(Sonarr, "series", nameless).await, ["Title: 'Title' must not be empty."]);
    let (status, answer) = ask(&town, Radarr, Method::POST, "command", Some(json!({"name": "Dance"}))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
}

#[tokio::test]
async fn a_put_writes_the_whole_record_and_a_fragment_of_one_is_refused_or_resets_the_rest() {
    let town = town().await;
    let before = get(&town, Radarr, "movie?tmdbId=10098").await[0].clone();
    assert_eq!((&before["monitored"], &before["tags"]), (&json!(true), &json!([1])));
    let path = format!("movie/{}", before["id"]);
    let (status, answer) =
        ask(&town, Radarr, Method::PUT, &path, Some(json!({"monitored": true, "qualityProfileId": 5}))).await;
    assert_eq!((status, &answer[0]["propertyName"]), (StatusCode::BAD_REQUEST, &json!("Path")));
    let fragment = json!({"path": before["path"], "qualityProfileId": 5});
    let (status, after) = ask(&town, Radarr, Method::PUT, &path, Some(fragment)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(
        (&after["qualityProfileId"], &after["monitored"], &after["tags"]),
        (&json!(5), &json!(false), &json!([]))
    );
    // The editor changes what it is told and nothing else.
    let edit = json!({"movieIds": [before["id"]], "monitored": true, "tags": [2], "applyTags": "add"});
    let (_, edited) = ask(&town, Radarr, Method::PUT, "movie/editor", Some(edit)).await;
    assert_eq!(
        (&edited[0]["qualityProfileId"], &edited[0]["monitored"], &edited[0]["tags"]),
        (&json!(5), &json!(true), &json!([2]))
    );
    let whole = get(&town, Radarr, &path).await;
    let (status, same) = ask(&town, Radarr, Method::PUT, &path, Some(whole.clone())).await;
    assert_eq!((status, same), (StatusCode::ACCEPTED, whole));
    let show = get(&town, Sonarr, "series/1").await;
    let fragment = json!({"path": show["path"], "qualityProfileId": 3, "title": show["title"], "monitored": true});
    let (status, after) = ask(&town, Sonarr, Method::PUT, "series/1", Some(fragment)).await;
    assert_eq!((status, &after["seasons"]), (StatusCode::ACCEPTED, &json!([])), "seasons that were not sent are gone");
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn the_key_is_wanted_the_url_base_is_kept_and_what_is_unknown_is_held_against_its_sender() {
    let plan = Town::plan().radarr_at("default", 0, "/radarr").radarr("4k").clock(saturday()).without_specs();
    let town = House::from(plan.start().await.expect("a town"));
    let base = town.radarr_url("default");
    assert!(base.ends_with("/radarr"));
    let key = town.radarr("default").key();
    assert_eq!((key.len(), key == town.radarr("4k").key()), (32, false));
    let send = async |address: String, key: &str| {
        let answer = town.client.get(address).header("x-api-key", key).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    };
    assert_eq!(send(format!("{base}/ping"), "").await, (200, r#"{"status":"OK"}"#.to_owned()));
    assert_eq!(send(format!("{base}/api/v3/movie"), "wrong").await, (401, String::new()));
    let (status, body) = send(format!("{base}/api/v3/system/status?apikey={key}"), "").await;
    assert_eq!((status, body.contains(r#""urlBase":"/radarr""#)), (200, true));
    assert_eq!(town.violations(), []);
    let root = base.trim_end_matches("/radarr");
    assert_eq!(send(format!("{root}/api/v3/movie"), key).await.0, 307);
    assert_eq!(send(format!("{base}/api/v3/films"), key).await.0, 404);
    assert!(send(format!("{base}/movies"), key).await.1.starts_with("<!doctype html>"));
    send(format!("{base}/api/v3/movie?tmdb=19"), key).await;
    let reasons: Vec<String> = town.violations().into_iter().map(|violation| violation.reason).collect();
    let expected = [
        "the path does not start with /radarr",
        "GET /api/v3/films is not in the description",
        "GET /movies is not in the description",
        "query parameter tmdb is not in the description",
    ];
    assert_eq!(reasons, expected);
    assert!(town.requests_to("radarr").iter().all(|request| request.header("x-api-key") == Some("present")));
}

#[tokio::test]
async fn a_named_instance_starts_empty_and_keeps_its_own_folder() {
    let plan = Town::plan().radarr("default").radarr("4k").clock(saturday()).without_specs();
    let town = House::from(plan.start().await.expect("a town"));
    let second = town.radarr("4k");
    let ask = async |method: Method, path: &str, body: Value| {
        let request = town.client.request(method, format!("{}/api/v3/{path}", town.radarr_url("4k")));
        let answer = request.header("x-api-key", second.key()).json(&body).send().await.expect("an answer");
        answer.json::<Value>().await.expect("JSON")
    };
    assert_eq!(ask(Method::GET, "movie", Value::Null).await, json!([]));
    assert_eq!(ask(Method::GET, "rootfolder", Value::Null).await[0]["path"], "/films-4k");
    let mut wanted = film(19);
    wanted["rootFolderPath"] = json!("/films-4k");
    wanted["qualityProfileId"] = json!(5);
    wanted["addOptions"]["searchForMovie"] = json!(true);
    ask(Method::POST, "movie", wanted).await;
    second.run_out().await;
    let here = ask(Method::GET, "movie?tmdbId=19", Value::Null).await;
    assert_eq!(here[0]["movieFile"]["path"], "/films-4k/Metropolis (1927)/Metropolis (1927) Bluray-2160p.mkv");
    let asked = town.requests_to("radarr:4k").len();
    assert_eq!((asked, town.requests_to("radarr").len()), (4, 0));
    town.fault("radarr:4k", majordomo_standins::Fault::Status { code: 503, retry_after: None }).await;
    assert!(ask(Method::GET, "movie", Value::Null).await["message"].is_string());
    assert_eq!(get(&town, Radarr, "system/status").await["instanceName"], "Radarr");
}

#[tokio::test]
async fn a_row_can_be_put_into_every_state_and_taken_out_in_every_way() {
    let town = town().await;
    let radarr = town.radarr("default");
    radarr.put_film(992, "WEBDL-1080p", Held::stalled()).expect("a download");
    radarr.put_film(3085, "WEBDL-720p", Held::of("paused", "downloading", 0.5)).expect("a download");
    let sample = Held::blocked(vec!["Sample".to_owned()]);
    radarr.put_film(234, "DVD", sample).expect("a download");
    let unavailable = Held::of("downloadClientUnavailable", "", 1.0);
    radarr.put_unknown("Some.Other.Film.1931.DVDRip", "DVD", 900_000_000, unavailable).expect("a download");
    town.clock().advance(Duration::from_secs(86_400));
    let queue =
        get(&town, Radarr, "queue?includeUnknownMovieItems=true&pageSize=20&sortKey=title&sortDirection=ascending")
            .await;
    let rows = queue["records"].as_array().unwrap();
    let states: Vec<String> = rows
        .iter()
        .map(|row| {
            format!("{} {}", row["status"].as_str().unwrap(), row["trackedDownloadState"].as_str().unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        states,
        ["paused downloading", "warning downloading", "downloadClientUnavailable -", "completed importBlocked"]
    );
    assert_eq!(rows[1]["errorMessage"], "The download is stalled with no connections");
    assert_eq!(rows[3]["statusMessages"][0]["messages"], json!(["Sample"]));
    assert_eq!(get(&town, Radarr, "queue").await["totalRecords"], 3, "unknown ones only when asked for");
    let status = get(&town, Radarr, "queue/status").await;
    assert_eq!(
        (&status["totalCount"], &status["unknownCount"], &status["warnings"]),
        (&json!(4), &json!(1), &json!(true))
    );

    // Ignored: neither removed nor blocked.
    let path = format!("queue/{}?removeFromClient=false&blocklist=false", rows[0]["id"]);
    assert_eq!(ask(&town, Radarr, Method::DELETE, &path, None).await.0, StatusCode::OK);
    let ignored = get(&town, Radarr, "history?eventType=9").await;
    assert_eq!((&ignored["totalRecords"], &ignored["records"][0]["eventType"]), (&json!(1), &json!("downloadIgnored")));
    // Removed and blocked: another release is looked for, and it is not the blocked one.
    let stalled = rows[1]["title"].clone();
    let path = format!("queue/{}?removeFromClient=true&blocklist=true&skipRedownload=false", rows[1]["id"]);
    assert_eq!(ask(&town, Radarr, Method::DELETE, &path, None).await.0, StatusCode::OK);
    let blocklist = get(&town, Radarr, "blocklist?page=1&pageSize=10&sortKey=date&sortDirection=descending").await;
    assert_eq!(blocklist["records"][0]["sourceTitle"], stalled);
    town.step().await;
    town.step().await;
    let movie = get(&town, Radarr, "movie?tmdbId=992").await[0]["id"].clone();
    let row = get(&town, Radarr, &format!("queue/details?movieId={movie}")).await[0].clone();
    assert!(row["title"].is_string() && row["title"] != stalled, "{row}");
    let path = format!("queue/{}", rows[1]["id"]);
    assert_eq!(ask(&town, Radarr, Method::DELETE, &path, None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn a_download_that_fails_is_blocked_and_the_next_best_is_taken() {
    let town = town().await;
    let radarr = town.radarr("default");
    radarr.offers(992, [Offer::of("Bluray-1080p"), Offer::of("WEBDL-1080p")]);
    radarr.fate(Fate::Fail { message: "Aborted, cannot be completed".to_owned() });
    let id = get(&town, Radarr, "movie?tmdbId=992").await[0]["id"].clone();
    command(&town, Radarr, json!({"name": "MoviesSearch", "movieIds": [id]})).await;
    assert_eq!(get(&town, Radarr, "queue").await["records"][0]["quality"]["quality"]["name"], "Bluray-1080p");
    radarr.step().await;
    radarr.fate(Fate::Fine);
    radarr.run_out().await;
    let history = get(&town, Radarr, &format!("history/movie?movieId={id}")).await;
    let kinds: Vec<&str> = history.as_array().unwrap().iter().filter_map(|row| row["eventType"].as_str()).collect();
    assert_eq!(kinds, ["downloadFolderImported", "grabbed", "downloadFailed", "grabbed"]);
    assert_eq!(
        get(&town, Radarr, &format!("movie/{id}")).await["movieFile"]["quality"]["quality"]["name"],
        "WEBDL-1080p"
    );
    // Marked as failed by hand: the same from a grabbed row.
    let grabbed = history[1]["id"].clone();
    assert_eq!(ask(&town, Radarr, Method::POST, &format!("history/failed/{grabbed}"), None).await.0, StatusCode::OK);
    assert_eq!(get(&town, Radarr, "blocklist").await["totalRecords"], 2);
}

#[tokio::test]
async fn an_import_that_waits_for_a_person_is_told_and_done_by_hand() {
    let town = town().await;
    let (url, letters) = receiver().await;
    post(&town, Radarr, "notification", hook(&url, &["onManualInteractionRequired", "onDownload", "onUpgrade"])).await;
    let radarr = town.radarr("default");
    radarr.fate(Fate::Block {
        messages: vec!["Found matching movie via grab history, but release was matched to movie by ID".to_owned()],
    });
    let id = get(&town, Radarr, "movie?tmdbId=992").await[0]["id"].clone();
    command(&town, Radarr, json!({"name": "MoviesSearch", "movieIds": [id]})).await;
    radarr.run_out().await;
    assert_eq!(events(&letters), ["Test", "ManualInteractionRequired"]);
    let row = get(&town, Radarr, "queue").await["records"][0].clone();
    assert_eq!(
        (&row["trackedDownloadState"], &row["trackedDownloadStatus"]),
        (&json!("importBlocked"), &json!("warning"))
    );
    let download = row["downloadId"].as_str().unwrap();
    let preview = get(&town, Radarr, &format!("manualimport?downloadId={download}&filterExistingFiles=true")).await;
    assert!(preview[0]["rejections"][0]["reason"].as_str().unwrap().contains("matched to movie by ID"));
    let file = json!({
        "path": preview[0]["path"], "folderName": preview[0]["folderName"], "movieId": id, "quality": preview[0]["quality"],
        "languages": preview[0]["languages"], "releaseGroup": preview[0]["releaseGroup"], "downloadId": download, "indexerFlags": 0,
    });
    command(&town, Radarr, json!({"name": "ManualImport", "importMode": "auto", "files": [file]})).await;
    radarr.settle().await;
    assert_eq!(get(&town, Radarr, &format!("movie/{id}")).await["hasFile"], true);
    assert_eq!(get(&town, Radarr, "queue").await["totalRecords"], 0);
    assert_eq!(events(&letters).last().map(String::as_str), Some("Download"));
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn a_better_profile_upgrades_and_a_worse_file_is_not_imported() {
    let town = town().await;
    let (url, letters) = receiver().await;
    let flags = ["onDownload", "onUpgrade", "onMovieFileDeleteForUpgrade", "onManualInteractionRequired"];
    post(&town, Radarr, "notification", hook(&url, &flags)).await;
    let movie = get(&town, Radarr, "movie?tmdbId=643").await[0].clone();
    let id = &movie["id"];
    assert_eq!(movie["movieFile"]["qualityCutoffNotMet"], true, "720 lines in a profile of 1080");
    let cutoff = get(&town, Radarr, "wanted/cutoff?monitored=true&pageSize=50").await;
    assert!(cutoff["records"].as_array().unwrap().iter().any(|row| row["id"] == *id));
    command(&town, Radarr, json!({"name": "MoviesSearch", "movieIds": [id]})).await;
    let radarr = town.radarr("default");
    radarr.run_out().await;
    assert_eq!(events(&letters), ["Test", "MovieFileDelete", "Download"]);
    let upgrade = letters.lock().unwrap().last().unwrap().1.clone();
    assert_eq!((&upgrade["isUpgrade"], upgrade["deletedFiles"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    let files = get(&town, Radarr, &format!("moviefile?movieId={id}")).await;
    assert_eq!(
        (files.as_array().map(Vec::len), &files[0]["quality"]["quality"]["name"]),
        (Some(1), &json!("Bluray-1080p"))
    );

    let releases = get(&town, Radarr, &format!("release?movieId={id}")).await;
    let dvd =
        releases.as_array().unwrap().iter().find(|one| one["quality"]["quality"]["name"] == "DVD").unwrap().clone();
    post(&town, Radarr, "release", json!({"guid": dvd["guid"], "indexerId": dvd["indexerId"]})).await;
    radarr.run_out().await;
    let row = get(&town, Radarr, "queue").await["records"][0].clone();
    assert_eq!((&row["trackedDownloadState"], &row["timeleft"]), (&json!("importPending"), &json!("00:00:00")));
    assert!(
        row["statusMessages"][0]["messages"][0]
            .as_str()
            .unwrap()
            .starts_with("Not an upgrade for existing movie file(s)")
    );
    assert_eq!(events(&letters).last().map(String::as_str), Some("ManualInteractionRequired"));
}

#[tokio::test]
async fn a_deleted_file_of_something_watched_is_fetched_again() {
    let town = town().await;
    let movie = get(&town, Radarr, "movie?tmdbId=10098").await[0].clone();
    let before = get(&town, Radarr, "diskspace").await[1]["freeSpace"].as_u64().unwrap();
    let path = format!("moviefile/{}", movie["movieFileId"]);
    assert_eq!(ask(&town, Radarr, Method::DELETE, &path, None).await.0, StatusCode::OK);
    let after = get(&town, Radarr, "diskspace").await[1]["freeSpace"].as_u64().unwrap();
    assert_eq!(after - before, movie["sizeOnDisk"].as_u64().unwrap());
    let missing = get(&town, Radarr, "wanted/missing?page=1&pageSize=50&sortKey=title&sortDirection=descending").await;
    let titles: Vec<&str> =
        missing["records"].as_array().unwrap().iter().filter_map(|row| row["title"].as_str()).collect();
    assert!(titles.contains(&"The Kid") && titles.is_sorted_by(|one, other| one >= other), "{titles:?}");
    let done = command(&town, Radarr, json!({"name": "MissingMoviesSearch"})).await;
    assert!(done["message"].as_str().unwrap().starts_with("Completed missing search for 7 movies."), "{done}");
    town.radarr("default").run_out().await;
    assert_eq!(get(&town, Radarr, &format!("movie/{}", movie["id"])).await["hasFile"], true);
    // A file that goes without a word is noticed by a scan.
    assert!(town.radarr("default").lose(10098, None).await);
    let history =
        get(&town, Radarr, &format!("history/movie?movieId={}&eventType=movieFileDeleted", movie["id"])).await;
    assert_eq!(history[0]["data"]["reason"], "MissingFromDisk");
}

#[tokio::test]
async fn a_season_that_is_partly_there_takes_no_pack_but_its_missing_episodes() {
    let town = town().await;
    let sonarr = town.sonarr("default");
    let packs = ["WEBDL-720p", "WEBDL-1080p"].map(|quality| Offer::of(quality).season(1));
    let singles = (1..=10).map(|number| Offer::of("WEBDL-720p").episodes(1, [number]));
    let mut listed: Vec<Offer> = singles.clone().collect();
    listed.iter_mut().filter(|offer| offer.episodes == [7]).for_each(|offer| offer.with_season = true);
    sonarr.offers(9_300_003, packs.into_iter().chain(listed));
    let id = get(&town, Sonarr, "series?tvdbId=9300003").await[0]["id"].clone();
    let releases = get(&town, Sonarr, &format!("release?seriesId={id}&seasonNumber=1")).await;
    let pack = releases
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["fullSeason"] == true && one["quality"]["quality"]["name"] == "WEBDL-720p")
        .unwrap()
        .clone();
    assert_eq!(pack["rejections"], json!(["Existing file on disk is of equal or higher preference: WEBDL-720p v1"]));
    assert_eq!((pack["mappedEpisodeInfo"].as_array().map(Vec::len), &pack["approved"]), (Some(10), &json!(false)));
    let done = command(&town, Sonarr, json!({"name": "SeasonSearch", "seriesId": id, "seasonNumber": 1})).await;
    assert_eq!(
        done["message"], "Season search completed. 1 reports downloaded.",
        "only the single one the indexer listed"
    );
    let done = command(&town, Sonarr, json!({"name": "MissingEpisodeSearch", "seriesId": id, "monitored": true})).await;
    assert_eq!(
        done["message"], "Completed missing search for 5 episodes. 0 reports downloaded.",
        "one query for the season"
    );
    // What is still to come makes a pack unwanted.
    let dragnet = get(&town, Sonarr, "series?tvdbId=9300006").await[0].clone();
    let second = dragnet["seasons"].as_array().unwrap().iter().find(|one| one["seasonNumber"] == 2).unwrap();
    let statistics = &second["statistics"];
    assert_eq!((&statistics["totalEpisodeCount"], &statistics["episodeCount"]), (&json!(6), &json!(3)));
    assert!(second["statistics"]["nextAiring"].is_string() && dragnet["status"] == "continuing");
    sonarr.offers(9_300_006, [Offer::of("WEBDL-720p").season(2)]);
    let releases = get(&town, Sonarr, &format!("release?seriesId={}&seasonNumber=2", dragnet["id"])).await;
    assert_eq!(releases[0]["rejections"], json!(["Full season release rejected. All episodes haven't aired yet."]));
    let calendar = get(&town, Sonarr, "calendar?start=2026-11-20&end=2026-12-20&includeSeries=true").await;
    let numbers: Vec<&Value> = calendar.as_array().unwrap().iter().map(|one| &one["episodeNumber"]).collect();
    assert_eq!(numbers, [3, 4, 5, 6].map(Value::from).iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn tmdb_agrees_about_one_second_season_and_not_about_another() {
    let town = town().await;
    let tmdb = async |id: u64| {
        let address = format!("{}/tv/{id}?api_key=any&append_to_response=season/2", town.tmdb_url());
        town.client.get(address).send().await.expect("an answer").json::<Value>().await.expect("JSON")
    };
    let hillbillies = tmdb(9_100_001).await;
    assert_eq!(
        (&hillbillies["number_of_seasons"], &hillbillies["seasons"][1]["episode_count"]),
        (&json!(2), &json!(10))
    );
    let here = get(&town, Sonarr, "episode?seriesId=1&seasonNumber=2").await;
    assert_eq!(hillbillies["season/2"]["episodes"][0]["name"], here[0]["title"]);
    let superman = tmdb(9_100_004).await;
    assert_eq!((&superman["number_of_seasons"], &superman["number_of_episodes"]), (&json!(1), &json!(17)));
    let found = get(&town, Sonarr, "series/lookup?term=tmdb:9100004").await;
    assert_eq!(found[0]["seasons"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_is_told_while_nobody_listens_is_lost_and_history_has_it() {
    let town = town().await;
    let (url, letters) = receiver().await;
    let radarr = town.radarr("default");
    post(
        &town,
        Radarr,
        "notification",
        hook(&url, &["onGrab", "onHealthIssue", "onHealthRestored", "includeHealthWarnings"]),
    )
    .await;
    radarr
        .health([HealthIssue::new(
            "IndexerStatusCheck",
            "warning",
            "Indexers unavailable due to failures: Old Newsreels",
        )])
        .await;
    radarr.health([]).await;
    assert_eq!(events(&letters), ["Test", "Health", "HealthRestored"]);
    radarr.tell_again(1).await;
    assert_eq!(events(&letters), ["Test", "Health", "HealthRestored", "HealthRestored"], "once more, on purpose");

    radarr.withhold(true);
    let id = get(&town, Radarr, "movie?tmdbId=992").await[0]["id"].clone();
    command(&town, Radarr, json!({"name": "MoviesSearch", "movieIds": [id]})).await;
    radarr.settle().await;
    radarr.withhold(false);
    assert_eq!(events(&letters).len(), 4);
    let since = get(&town, Radarr, "history/since?date=2026-11-21T12:00:00Z&eventType=grabbed&includeMovie=true").await;
    assert_eq!((since.as_array().map(Vec::len), &since[0]["movie"]["tmdbId"]), (Some(1), &json!(992)));

    // A receiver that is away is not tried again at once, and what happens meanwhile is told to nobody.
    let hook_id = get(&town, Radarr, "notification").await[0]["id"].clone();
    let gone = hook("http://127.0.0.1:9/hooks", &["onHealthIssue"]);
    let (status, refused) =
        ask(&town, Radarr, Method::PUT, &format!("notification/{hook_id}"), Some(gone.clone())).await;
    assert_eq!(
        (status, &refused[0]["propertyName"]),
        (StatusCode::BAD_REQUEST, &json!("Url")),
        "the test event was not taken"
    );
    let (status, _) =
        ask(&town, Radarr, Method::PUT, &format!("notification/{hook_id}?forceSave=true"), Some(gone)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    for place in 0..2 {
        radarr.health([HealthIssue::new("DownloadClientCheck", "error", &format!("no client {place}"))]).await;
    }
    let statuses: Vec<Option<u16>> = radarr.sent().iter().rev().take(2).map(|sent| sent.status).collect();
    assert_eq!(statuses, [None, Some(0)]);
}

#[tokio::test]
async fn commands_that_are_alike_are_one_and_old_ones_are_forgotten() {
    let town = town().await;
    let refresh = json!({"name": "RefreshSeries", "seriesIds": [1]});
    let first = post(&town, Sonarr, "command", refresh.clone()).await;
    assert_eq!(post(&town, Sonarr, "command", refresh).await["id"], first["id"]);
    let path = format!("command/{}", first["id"]);
    assert_eq!(ask(&town, Sonarr, Method::DELETE, &path, None).await.0, StatusCode::OK);
    assert_eq!(get(&town, Sonarr, &path).await["status"], "cancelled");
    let done = command(&town, Sonarr, json!({"name": "RescanSeries", "seriesId": 1})).await;
    assert_eq!(
        ask(&town, Sonarr, Method::DELETE, &format!("command/{}", done["id"]), None).await.0,
        StatusCode::CONFLICT
    );
    assert_eq!(done["duration"], "00:00:01");
    town.clock().advance(Duration::from_secs(6 * 3600));
    assert_eq!(
        ask(&town, Sonarr, Method::GET, &format!("command/{}", done["id"]), None).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_delayed_release_waits_in_the_queue_until_it_is_let_go() {
    let town = town().await;
    let mut late = Offer::of("Bluray-1080p");
    late.delay_minutes = 120;
    town.radarr("default").offers(992, [late]);
    let id = get(&town, Radarr, "movie?tmdbId=992").await[0]["id"].clone();
    command(&town, Radarr, json!({"name": "MoviesSearch", "movieIds": [id]})).await;
    let row = get(&town, Radarr, "queue").await["records"][0].clone();
    assert_eq!((&row["status"], row.get("downloadId"), row.get("trackedDownloadState")), (&json!("delay"), None, None));
    assert_eq!(row["timeleft"], "02:00:00");
    assert_eq!(ask(&town, Radarr, Method::POST, &format!("queue/grab/{}", row["id"]), None).await.0, StatusCode::OK);
    assert_eq!(get(&town, Radarr, "queue").await["records"][0]["status"], "downloading");
}

#[tokio::test]
async fn a_watched_collection_adds_its_films() {
    let town = town().await;
    let collections = get(&town, Radarr, "collection").await;
    assert_eq!(
        (&collections[0]["title"], &collections[0]["missingMovies"]),
        (&json!("Popeye Color Specials"), &json!(1))
    );
    let change = json!({"collectionIds": [collections[0]["id"]], "monitored": true});
    assert_eq!(ask(&town, Radarr, Method::PUT, "collection", Some(change)).await.0, StatusCode::ACCEPTED);
    town.radarr("default").run_out().await;
    assert_eq!(get(&town, Radarr, "movie?tmdbId=9000012").await[0]["monitored"], true);
    assert_eq!(get(&town, Radarr, "collection").await[0]["missingMovies"], 0);
}

#[tokio::test]
async fn what_is_deleted_takes_its_files_and_can_be_kept_from_coming_back() {
    let town = town().await;
    let movie = get(&town, Radarr, "movie?tmdbId=19").await[0].clone();
    let path = format!("movie/{}?deleteFiles=true&addImportExclusion=true", movie["id"]);
    assert_eq!(ask(&town, Radarr, Method::DELETE, &path, None).await.0, StatusCode::OK);
    assert_eq!(get(&town, Radarr, "movie?tmdbId=19").await, json!([]));
    let excluded =
        get(&town, Radarr, "exclusions/paged?page=1&pageSize=10&sortKey=movieTitle&sortDirection=ascending").await;
    assert_eq!((&excluded["records"][0]["tmdbId"], &excluded["records"][0]["movieYear"]), (&json!(19), &json!(1927)));
    assert_eq!(get(&town, Radarr, "movie/lookup?term=tmdb:19").await[0]["isExcluded"], true);
    let again = post(&town, Radarr, "movie", film(19)).await;
    town.step().await;
    town.step().await;
    assert_eq!(get(&town, Radarr, &format!("movie/{}", again["id"])).await["hasFile"], false, "the folder is empty");
    let path = format!("exclusions/{}", excluded["records"][0]["id"]);
    assert_eq!(ask(&town, Radarr, Method::DELETE, &path, None).await.0, StatusCode::OK);
    let ids = json!({"seriesIds": [1], "deleteFiles": false, "addImportListExclusion": true});
    assert_eq!(ask(&town, Sonarr, Method::DELETE, "series/editor", Some(ids)).await.0, StatusCode::OK);
    let added = post(&town, Sonarr, "series", series(9_300_001, json!({"monitor": "missing"}))).await;
    town.step().await;
    town.step().await;
    let files = get(&town, Sonarr, &format!("series/{}", added["id"])).await["statistics"]["episodeFileCount"].clone();
    assert_eq!(files, 12, "what lay there is found again");
}

#[tokio::test]
async fn every_operation_of_the_tables_is_answered_and_described() {
    for town in towns().await {
        let both = [
            "system/status",
            "health",
            "diskspace",
            "rootfolder",
            "rootfolder/1",
            "qualityprofile",
            "qualityprofile/4",
            "tag",
            "tag/1",
            "tag/detail",
            "tag/detail/1",
            "indexer",
            "downloadclient",
            "language",
            "queue?page=1&pageSize=10",
            "queue/details",
            "queue/status",
            "history?page=1&pageSize=10&sortKey=date&sortDirection=descending",
            "history/since?date=2026-01-01",
            "wanted/missing",
            "wanted/cutoff",
            "calendar",
            "command",
            "blocklist",
            "notification",
            "notification/schema",
        ];
        let radarr = [
            "movie/lookup?term=kid",
            "movie/lookup/tmdb?tmdbId=19",
            "movie/1",
            "moviefile?movieId=1",
            "moviefile/1",
            "history/movie?movieId=1",
            "blocklist/movie?movieId=1",
            "exclusions",
            "exclusions/paged",
            "collection",
            "rename?movieId=1",
            "release?movieId=1",
            "manualimport?folder=/downloads",
            "parse?title=The.Lost.World.1925.1080p.BluRay.x264-HOUSE",
        ];
        let sonarr = [
            "series/lookup?term=dragnet",
            "series/1?includeSeasonImages=false",
            "episode?seriesId=1&includeEpisodeFile=true",
            "episode/1",
            "episodefile?seriesId=1",
            "episodefile/1",
            "history/series?seriesId=1&seasonNumber=1",
            "importlistexclusion",
            "importlistexclusion/paged",
            "rename?seriesId=1&seasonNumber=1",
            "release?episodeId=2",
            "manualimport?folder=/downloads",
            "parse?title=Dragnet.S02E01.720p.WEB-DL.x264-HOUSE",
        ];
        for (of, own) in [(Radarr, &radarr[..]), (Sonarr, &sonarr[..])] {
            for path in both.iter().chain(own) {
                get(&town, of, path).await;
            }
            let profiles = get(&town, of, "qualityprofile").await;
            let names: Vec<&str> = profiles.as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
            assert_eq!(names, ["Any", "SD", "HD-720p", "HD-1080p", "Ultra-HD", "HD - 720p/1080p"]);
            let group = profiles[3]["items"]
                .as_array()
                .unwrap()
                .iter()
                .find(|item| item["name"] == "WEB 1080p")
                .unwrap()
                .clone();
            assert_eq!((group["items"].as_array().map(Vec::len), &group["allowed"]), (Some(2), &json!(true)));
            assert_eq!(post(&town, of, "tag", json!({"label": "Rainy Days"})).await["label"], "rainy days");
            let parsed = get(&town, of, own.last().unwrap()).await;
            assert!(parsed.get("parsedMovieInfo").or(parsed.get("parsedEpisodeInfo")).is_some());
        }
        let pass = json!({"series": [{"id": 1, "monitored": true, "seasons": [{"seasonNumber": 2, "monitored": true}]}], "monitoringOptions": {"monitor": "skip"}});
        assert_eq!(ask(&town, Sonarr, Method::POST, "seasonpass", Some(pass)).await.0, StatusCode::ACCEPTED);
        let episodes = get(&town, Sonarr, "episode?seriesId=1&seasonNumber=2").await;
        assert!(episodes.as_array().unwrap().iter().all(|one| one["monitored"] == true));
        let off = json!({"episodeIds": [episodes[0]["id"]], "monitored": false});
        let (status, changed) = ask(&town, Sonarr, Method::PUT, "episode/monitor", Some(off)).await;
        assert_eq!((status, &changed[0]["monitored"]), (StatusCode::ACCEPTED, &json!(false)));
        assert_eq!(town.violations(), []);
    }
}

#[tokio::test]
async fn everything_can_be_played_over_http_as_well() {
    let town = town().await;
    let base = town.radarr_url("default");
    let play = async |path: &str, body: Value| {
        let answer = town.client.post(format!("{base}{path}")).json(&body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    assert_eq!(
        play("/_offers", json!({"id": 992, "offers": [{"quality": "WEBDL-720p", "size": 1_000_000_000}]})).await.0,
        200
    );
    assert_eq!(play("/_pace", json!({"command_ms": 0, "bytes_per_second": 1, "import_ms": 0})).await.0, 200);
    let state = json!({"status": "warning", "tracked_state": "downloading", "error": "stalled", "left": 0.3});
    let (_, put) = play("/_queue", json!({"id": 3085, "quality": "DVD", "state": state})).await;
    assert!(put["download_id"].is_string());
    assert_eq!(play("/_downloads", json!({"to": "finish"})).await.1, json!({"changed": 1}));
    assert_eq!(get(&town, Radarr, "movie?tmdbId=3085").await[0]["movieFile"]["quality"]["quality"]["name"], "DVD");
    assert_eq!(play("/_disk", json!({"free": 5_000_000})).await.0, 200);
    assert_eq!(get(&town, Radarr, "rootfolder").await[0]["freeSpace"], 5_000_000);
    assert_eq!(play("/_health", json!([{"source": "UpdateCheck", "level": "notice", "message": "new"}])).await.0, 200);
    assert_eq!(get(&town, Radarr, "health").await[0]["type"], "notice");
    let past = json!({"id": 992, "event": "grabbed", "title": "Old.One", "quality": "DVD", "hours_ago": 5});
    assert_eq!(play("/_history", past).await.1, json!({"ok": true}));
    assert_eq!(
        get(&town, Radarr, "history?sortKey=date").await["records"].as_array().unwrap().last().unwrap()["sourceTitle"],
        "Old.One"
    );
    let dates = json!({"id": 992, "dates": {"cinemas": "2026-11-01", "digital": "2027-02-01"}});
    assert_eq!(play("/_dates", dates).await.1, json!({"ok": true}));
    let movie = get(&town, Radarr, "movie?tmdbId=992").await[0].clone();
    assert_eq!((&movie["isAvailable"], &movie["status"]), (&json!(false), &json!("inCinemas")));
    assert_eq!(play("/_fate", json!({"kind": "dance"})).await.0, 400);
    assert_eq!(play("/_clear", json!({})).await.0, 200);
    assert_eq!(get(&town, Radarr, "movie").await, json!([]));
}

#[tokio::test]
async fn with_a_real_clock_things_happen_though_nobody_asks() {
    let town: House = Town::plan().radarr("default").without_specs().start().await.expect("a town").into();
    let (url, letters) = receiver().await;
    post(&town, Radarr, "notification", hook(&url, &["onGrab", "onDownload"])).await;
    town.radarr("default").pace(ServarrPace::at_once());
    let past = Past {
        id: 992,
        season: None,
        episode: None,
        event: "grabbed".to_owned(),
        title: "x".to_owned(),
        quality: "DVD".to_owned(),
        hours_ago: 1,
        download_id: None,
        data: Value::Null,
    };
    assert!(town.radarr("default").past(&past));
    let id = get(&town, Radarr, "movie?tmdbId=992").await[0]["id"].clone();
    post(&town, Radarr, "command", json!({"name": "MoviesSearch", "movieIds": [id]})).await;
    let told = tokio::time::timeout(super::SOON, async {
        while events(&letters).len() < 3 {
            tokio::task::yield_now().await;
        }
    });
    told.await.expect("it was told");
    assert_eq!(events(&letters), ["Test", "Grab", "Download"]);
}
