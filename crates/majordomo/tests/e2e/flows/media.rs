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

async fn stage() -> Stage {
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
async fn news(stage: &Stage) -> Vec<String> {
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

async fn until_told(stage: &Stage, title: &str) -> Vec<String> {
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
