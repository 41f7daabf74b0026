//! From a wish to the evening, with the real program: asked for, granted, fetched, seen in the library, told; and told once wherever the
//! program is killed on the way.

use crate::{
    harness::{PATIENCE, Setting, Stage},
    points,
};
use majordomo_standins::{Offer, ServarrPace};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Films of the stand-in's catalogue that nobody has.
const HAXAN: u64 = 9_000_008;
const ZORRO: u64 = 9_000_009;
const GULLIVER_LOST: u64 = 9_000_005;
/// One the household has.
const METROPOLIS: u64 = 19;
/// A series of which the household has season 1.
pub(super) const HILLBILLIES: u64 = 9_300_001;
/// A series of two seasons that nobody has.
const SUPERMAN: u64 = 9_300_004;

pub(super) async fn stage() -> Stage {
    let stage = Stage::with(Setting { has_media: true, ..Setting::default() }).await;
    stage.town.radarr("default").clear_queue();
    stage.town.radarr("default").pace(ServarrPace::at_once());
    stage.town.plex().scan_takes(Duration::ZERO);
    stage
}

/// Ask for a film and grant it.
async fn granted(stage: &Stage, tmdb: u64) {
    stage.town.radarr("default").offers(tmdb, [Offer::of("Bluray-1080p")]);
    let (status, body) = stage.post("/api/tools/media_request", json!({"media_type": "film", "tmdb_id": tmdb})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let approval = body["approval"].as_str().unwrap_or_else(|| panic!("somebody is asked: {body}"));
    let (status, body) = stage.post(&format!("/api/approvals/{approval}"), json!({"decision": "approve"})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

/// What was told, in every conversation.
pub(super) async fn news(stage: &Stage) -> Vec<String> {
    let (_, list) = stage.get("/api/conversations").await;
    let mut all = Vec::new();
    for conversation in list["conversations"].as_array().unwrap() {
        let messages = stage.messages(conversation["id"].as_str().unwrap()).await;
        let parts = messages.iter().flat_map(|message| message["parts"].as_array().unwrap());
        all.extend(
            parts.filter(|part| part["kind"] == "news").filter_map(|part| part["text"].as_str().map(str::to_owned)),
        );
    }
    all
}

pub(super) async fn until_told(stage: &Stage, title: &str) -> Vec<String> {
    let begun = Instant::now();
    loop {
        stage.town.settle().await;
        let told = news(stage).await;
        if told.iter().any(|line| line.contains(title)) {
            return told;
        }
        assert!(begun.elapsed() < PATIENCE, "{told:?} {}", stage.get("/api/requests?state=all").await.1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_is_granted_fetched_and_told_once_it_can_be_watched() {
    let stage = stage().await;
    granted(&stage, HAXAN).await;
    assert_eq!(until_told(&stage, "Häxan").await, ["Häxan (1922) is ready to watch."]);
    let (_, requests) = stage.get("/api/requests?state=all").await;
    let request = &requests["requests"][0];
    assert_eq!((request["state"].as_str(), request["title"].as_str()), (Some("watchable"), Some("Häxan (1922)")));
    let (_, story) = stage.get(&format!("/api/requests/{}", request["id"].as_str().unwrap())).await;
    let kinds: Vec<&str> =
        story["story"].as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..3], ["asked", "approved", "wanted"], "{story}");
    assert_eq!(kinds[kinds.len() - 2..], ["watchable", "told"], "{story}");

    let (_, found) = stage.post("/api/tools/media_where_is", json!({"media_type": "film", "tmdb_id": HAXAN})).await;
    let found: Value = serde_json::from_str(found["text"].as_str().unwrap()).unwrap();
    assert_eq!(found["cause"], "watchable", "{found}");
    let wrong =
        stage.request(Method::POST, "/hooks/radarr/0000").json(&json!({"eventType": "Test"})).send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::NOT_FOUND);
    assert_eq!(stage.town.violations(), []);
    stage.check_whole();
}

/// What the page shows of the newest request, with the kinds of its story.
async fn newest(stage: &Stage) -> (Value, Vec<String>) {
    let (_, requests) = stage.get("/api/requests?state=all").await;
    let request = requests["requests"][0].clone();
    let (_, story) = stage.get(&format!("/api/requests/{}", request["id"].as_str().unwrap())).await;
    let lines = story["story"].as_array().unwrap();
    (request, lines.iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect())
}

/// Change what is asked; the question that takes its place.
async fn changed(stage: &Stage, approval: &str, arguments: Value) -> String {
    let decision = json!({"decision": "change", "arguments": arguments});
    let (status, body) = stage.post(&format!("/api/approvals/{approval}"), decision).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body["changed_to"]["id"].as_str().unwrap_or_else(|| panic!("another question: {body}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_changes_quality_folder_and_radarr_and_the_request_follows() {
    let stage = Stage::with(Setting { has_media: true, has_second_radarr: true, ..Setting::default() }).await;
    for name in ["default", "4k"] {
        stage.town.radarr(name).clear_queue();
        stage.town.radarr(name).pace(ServarrPace::at_once());
    }
    let (_, body) = stage.post("/api/tools/media_request", json!({"media_type": "film", "tmdb_id": HAXAN})).await;
    let asked = body["approval"].as_str().unwrap();
    let wanted = json!({"media_type": "film", "tmdb_id": HAXAN, "instance": "4k", "quality": "SD"});
    let (status, refused) = stage
        .post(
            &format!("/api/approvals/{asked}"),
            json!({"decision": "change", "arguments": {"media_type": "film", "tmdb_id": HAXAN, "quality": "Cinema"}}),
        )
        .await;
    assert!(status.is_client_error() && refused.to_string().contains("HD-1080p"), "{status} {refused}");
    let (before, _) = newest(&stage).await;
    let approval = changed(&stage, asked, wanted).await;
    let (after, story) = newest(&stage).await;
    assert_eq!((&after["id"], after["state"].as_str()), (&before["id"], Some("asked")), "one request, asked otherwise");
    assert!(after["size_bytes"].as_u64() < before["size_bytes"].as_u64(), "{before} {after}");
    assert_eq!(story, ["asked", "changed", "changed"]);

    let (status, body) = stage.post(&format!("/api/approvals/{approval}"), json!({"decision": "approve"})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let begun = Instant::now();
    while newest(&stage).await.1.last().is_none_or(|kind| kind == "approved" || kind == "changed") {
        assert!(begun.elapsed() < PATIENCE, "{:?}", newest(&stage).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (_, all) = stage.get("/api/requests?state=all").await;
    assert_eq!(all["requests"].as_array().map(Vec::len), Some(1), "{all}");
    let adds: Vec<(String, Value)> = stage
        .town
        .requests()
        .into_iter()
        .filter(|asked| asked.method == "POST" && asked.path.ends_with("/movie"))
        .map(|asked| (asked.service, asked.body["qualityProfileId"].clone()))
        .collect();
    assert_eq!(adds.len(), 1, "{adds:?}");
    assert_eq!(adds[0].0, "radarr:4k");
    stage.check_whole();
}

/// Approve, and wait until what was approved has been carried out.
async fn carried_out(stage: &Stage, approval: &str) {
    let (status, body) = stage.post(&format!("/api/approvals/{approval}"), json!({"decision": "approve"})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    stage.over(body["turn_id"].as_str().unwrap()).await;
}

/// What a service was told to add: the bodies of its adding calls.
fn added(stage: &Stage, path: &str) -> Vec<Value> {
    let all = stage.town.requests().into_iter();
    all.filter(|asked| asked.method == "POST" && asked.path.ends_with(path)).map(|asked| asked.body).collect()
}

fn fact<'a>(approval: &'a Value, label: &str) -> Option<&'a str> {
    let facts = approval["card"]["facts"].as_array()?;
    facts.iter().find(|fact| fact["label"] == label)?["value"].as_str()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_changes_the_folder_and_the_film_is_put_there_and_nowhere_else() {
    let folder = ("MAJORDOMO_TOOLS__RADARR__DEFAULT__ROOT_FOLDER", "/films".to_owned());
    let stage = Stage::with(Setting { has_media: true, variables: vec![folder], ..Setting::default() }).await;
    stage.town.radarr("default").clear_queue();
    stage.town.radarr("default").root_folder("/films-old");
    let film = |folder: &str| json!({"media_type": "film", "tmdb_id": HAXAN, "root_folder": folder});
    let (_, body) = stage.post("/api/tools/media_request", json!({"media_type": "film", "tmdb_id": HAXAN})).await;
    let asked = body["approval"].as_str().unwrap();
    let (_, before) = stage.get(&format!("/api/approvals/{asked}")).await;
    assert_eq!(fact(&before, "Folder"), Some("/films"), "{before}");
    let elsewhere = json!({"decision": "change", "arguments": film("/elsewhere")});
    let (status, refused) = stage.post(&format!("/api/approvals/{asked}"), elsewhere).await;
    assert!(status.is_client_error() && refused.to_string().contains("/films-old"), "{status} {refused}");

    let approval = changed(&stage, asked, film("/films-old")).await;
    let (_, after) = stage.get(&format!("/api/approvals/{approval}")).await;
    assert_eq!(fact(&after, "Folder"), Some("/films-old"), "the card shows what will be done: {after}");
    carried_out(&stage, &approval).await;
    let folders: Vec<Value> = added(&stage, "/movie").into_iter().map(|body| body["rootFolderPath"].clone()).collect();
    assert_eq!(folders, ["/films-old"]);
    let (_, record) = stage.post("/api/tools/radarr_movies", json!({"tmdb_id": HAXAN})).await;
    assert!(record["text"].as_str().is_some_and(|text| text.contains("/films-old/")), "{record}");
    assert_eq!(newest(&stage).await.0["state"], "wanted");
    assert_eq!(stage.town.violations(), []);
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_changes_the_seasons_and_exactly_those_are_wanted() {
    let stage = stage().await;
    let series = |seasons: Value| json!({"media_type": "series", "tvdb_id": SUPERMAN, "seasons": seasons});
    let (_, body) = stage.post("/api/tools/media_request", series(json!([1, 2]))).await;
    let approval = changed(&stage, body["approval"].as_str().unwrap(), series(json!([2]))).await;
    let (request, _) = newest(&stage).await;
    assert!(request["title"].as_str().is_some_and(|title| title.ends_with(", season 2")), "{request}");
    carried_out(&stage, &approval).await;
    let adds = added(&stage, "/series");
    assert_eq!(adds.len(), 1, "{adds:?}");
    let wanted = adds[0]["seasons"].as_array().unwrap().iter().filter(|season| season["monitored"] == true);
    assert_eq!(wanted.map(|season| season["seasonNumber"].as_u64()).collect::<Vec<_>>(), [Some(2)]);
    let (request, _) = newest(&stage).await;
    assert_eq!(request["state"], "wanted", "{request}");
    assert!(request["title"].as_str().is_some_and(|title| title.ends_with(", season 2")), "{request}");
    assert_eq!(stage.town.violations(), []);
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_season_becomes_an_episode_and_a_no_ends_the_request() {
    let stage = stage().await;
    let season = json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [2]});
    let (_, body) = stage.post("/api/tools/media_request", season).await;
    let episode = json!({"media_type": "series", "tvdb_id": HILLBILLIES, "episodes": ["S02E05"]});
    let approval = changed(&stage, body["approval"].as_str().unwrap(), episode).await;
    let (request, _) = newest(&stage).await;
    assert!(request["title"].as_str().is_some_and(|title| title.ends_with(", S02E05")), "{request}");
    let no = json!({"decision": "decline", "reason": "no room"});
    let (status, body) = stage.post(&format!("/api/approvals/{approval}"), no).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let (request, story) = newest(&stage).await;
    assert_eq!(request["state"], "declined", "{request}");
    assert_eq!(story.last().map(String::as_str), Some("declined"));
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_film_with_its_files_waits_for_a_yes_whichever_way_it_is_asked_for() {
    let stage = stage().await;
    let deletes = || stage.town.requests().iter().filter(|asked| asked.method == "DELETE").count();
    for (tool, arguments) in [
        ("media_removal", json!({"media_type": "film", "tmdb_id": METROPOLIS})),
        ("radarr_delete", json!({"movie_id": 1, "delete_files": true})),
    ] {
        let (status, body) = stage.post(&format!("/api/tools/{tool}"), arguments).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert!(body["approval"].is_string(), "{tool}: somebody is asked: {body}");
    }
    assert_eq!(deletes(), 0, "nothing goes before the yes");
    let (_, open) = stage.get("/api/approvals").await;
    let removal = open["approvals"].as_array().unwrap().iter().find(|one| one["tool"] == "media_removal").unwrap();
    let (status, body) = stage
        .post(&format!("/api/approvals/{}", removal["id"].as_str().unwrap()), json!({"decision": "approve"}))
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let begun = Instant::now();
    while deletes() == 0 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_is_shown_no_title_above_its_age_in_any_list() {
    let stage = Stage::with(Setting {
        has_media: true,
        settings: "[tools.media]\nage_ceilings = { child = 6 }\n".into(),
        ..Setting::default()
    })
    .await;
    assert!(stage.command(&["person", "add", "Mia", "--standing", "child"]).status.success());
    let made = stage.command(&["key", "create", "Mia", "--person", "Mia"]);
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    for (tool, arguments) in [
        ("tmdb_popular_movies", json!({"limit": 40})),
        ("plex_section_items", json!({"section": "Films", "limit": 30})),
        ("media_search", json!({"query": "The Kid"})),
    ] {
        let (_, all) = stage.post(&format!("/api/tools/{tool}"), arguments.clone()).await;
        assert!(all["is_error"] == false && !all.to_string().contains("left_out"), "{tool}: an admin reads all: {all}");
        let request = stage.client.post(format!("{}/api/tools/{tool}", stage.address)).bearer_auth(&key);
        let answer: Value = request.json(&arguments).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["is_error"], false, "{tool}: {answer}");
        let told = answer.to_string();
        assert!(told.contains("The Kid"), "{tool}: what is fit is told: {told}");
        for unfit in ["Metropolis", "Nosferatu", "Häxan", "Charade"] {
            assert!(!told.contains(unfit), "{tool}: {unfit}: {told}");
        }
    }
    stage.check_requests();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_waited_for_is_told_once_wherever_the_program_is_killed() {
    let mut stage = stage().await;
    for (point, (tmdb, title)) in points::FOLLOWING.into_iter().zip([
        (HAXAN, "Häxan (1922)"),
        (ZORRO, "The Mark of Zorro (1920)"),
        (GULLIVER_LOST, "The Lost World (1925)"),
    ]) {
        stage.arm(point);
        granted(&stage, tmdb).await;
        stage.dies(point).await;
        stage.disarm();
        stage.start(&[]).await;
        until_told(&stage, title).await;
        // Whatever else might be told would be told by the next look.
        stage.restart().await;
        let told = until_told(&stage, title).await;
        assert_eq!(told.iter().filter(|line| line.contains(title)).count(), 1, "{point}: {told:?}");
    }
    stage.check_whole();
}
