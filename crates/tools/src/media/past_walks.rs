//! What Radarr and Sonarr remember of a time in which nobody listened, against the stand-ins.

use super::{
    follow::Following,
    walks::{HAXAN, HILLBILLIES, Home, SHERLOCK_JR},
};
use majordomo_domain::{Follow, Happening, Past, Request, ToolError};
use majordomo_standins::{Fault, Held, Offer, Past as Written};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

const DAY: u64 = 86_400;

async fn past(home: &Home, source: &str, since_ms: i64) -> Result<Past, ToolError> {
    let requests = home.requests().await;
    Following(Arc::new(home.media())).past(source, since_ms, &requests).await
}

/// The story of a request's past as people read it, with how many hours after the wish.
async fn story(home: &Home, request: &Request) -> Vec<(String, String, i64)> {
    let story = home.store.request_story(request.id).await.unwrap();
    let hours = |at_ms: i64| (at_ms - request.created_at_ms) / 3_600_000;
    story
        .into_iter()
        .filter(|line| line.actor.is_none())
        .map(|line| (line.kind, line.text, hours(line.at_ms)))
        .collect()
}

async fn ask(home: &Home, arguments: Value) -> Request {
    home.run("media_request", arguments).await.unwrap();
    home.requests().await.remove(0)
}

#[tokio::test]
async fn a_day_without_webhooks_is_remembered_by_download_with_its_times_and_an_upgrade_is_no_loss() {
    let home = Home::new().await;
    let sonarr = home.town.sonarr("default");
    sonarr.withhold(true);
    sonarr.offers(HILLBILLIES, [Offer::of("WEBDL-720p").season(2)]);
    let request = ask(&home, json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [2]})).await;
    for _ in 0..4 {
        home.later(5).await;
    }
    sonarr.run_out().await;
    // Hours later a better pack comes, and somebody deletes an episode of the first season, which nobody waits for.
    home.later(6 * 3_600).await;
    let better = sonarr.put_season(HILLBILLIES, 2, &[], "Bluray-1080p", Held::of("downloading", "downloading", 0.5));
    assert_eq!(sonarr.finish(better.as_deref()).await, 1);
    home.later(3 * 3_600).await;
    assert!(sonarr.lose(HILLBILLIES, Some((2, 4))).await && sonarr.lose(HILLBILLIES, Some((1, 1))).await);
    home.later(DAY).await;

    let since_ms = request.created_at_ms;
    let read = past(&home, "sonarr default", since_ms).await.unwrap();
    let of = |kind: &str| -> Vec<&Happening> { read.happenings.iter().filter(|one| one.kind == kind).collect() };
    let counts = ["grabbed", "imported", "upgraded", "deleted", "download_failed"].map(|kind| of(kind).len());
    assert_eq!(counts, [10, 10, 10, 1, 0], "{:#?}", read.happenings);
    for kind in ["grabbed", "imported", "upgraded"] {
        let keys: BTreeSet<&str> = of(kind).iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys.len(), 1, "one download is one line: {keys:?}");
    }
    assert!(read.newest_ms.is_some_and(|newest| newest < home.now_ms() - 20 * 3_600_000), "{:?}", read.newest_ms);

    // Read twice, and once more from the middle: the same few lines.
    home.store.add_past("media", "sonarr default", read.clone()).await.unwrap();
    let again = past(&home, "sonarr default", since_ms + 3 * 3_600_000).await.unwrap();
    assert!(again.happenings.len() < read.happenings.len());
    home.store.add_past("media", "sonarr default", again).await.unwrap();
    let lines = story(&home, &request).await;
    let release = |line: &(String, String, i64)| line.1.split(' ').find(|word| word.contains("S02")).map(str::to_owned);
    let (first, second) = (release(&lines[0]).unwrap(), release(&lines[2]).unwrap());
    let line = |kind: &str, text: String, hours: i64| (kind.to_owned(), text, hours);
    assert_eq!(
        lines,
        [
            line("grabbed", format!("Sonarr sent {first} to the download client (10 parts, S02E01 to S02E10)"), 0),
            line("imported", format!("Sonarr put {first} in its place (10 parts, S02E01 to S02E10)"), 0),
            line("upgraded", format!("Sonarr put {second} in place of what was there (10 parts, S02E01 to S02E10)"), 6),
            line("deleted", "Sonarr does not have the file any more: it is gone from the disk (S02E04)".to_owned(), 9),
        ]
    );
    assert_eq!(home.store.due_news(i64::MAX, 10).await.unwrap(), [], "nobody is told of it");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn a_film_that_failed_and_was_found_again_says_so_and_others_are_not_in_its_story() {
    let home = Home::new().await;
    let radarr = home.town.radarr("default");
    radarr.offers(HAXAN, [Offer::of("Bluray-1080p")]);
    let request = ask(&home, json!({"media_type": "film", "tmdb_id": HAXAN})).await;
    for _ in 0..4 {
        home.later(5).await;
    }
    radarr.offers(HAXAN, [Offer::of("Bluray-1080p").title("Haxan.1922.1080p.BluRay-OTHER")]);
    radarr.fail(None, "It was\u{7} broken").await;
    let foreign = Written {
        id: SHERLOCK_JR,
        season: None,
        episode: None,
        event: "grabbed".into(),
        title: "Sherlock.Jr.1924".into(),
        quality: "Bluray-1080p".into(),
        hours_ago: 0,
        download_id: None,
        data: Value::Null,
    };
    assert!(radarr.past(&foreign));
    home.later(600).await;
    radarr.run_out().await;
    let read = past(&home, "radarr default", request.created_at_ms).await.unwrap();
    home.store.add_past("media", "radarr default", read).await.unwrap();
    let lines = story(&home, &request).await;
    let kinds: Vec<&str> = lines.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds, ["grabbed", "download_failed", "grabbed", "imported"], "{lines:#?}");
    assert!(lines[1].1.ends_with("failed: It was broken"), "{lines:?}");
    assert_eq!(lines[3].1, "Radarr put Haxan.1922.1080p.BluRay-OTHER in its place");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn who_does_not_answer_or_is_not_there_is_no_empty_past() {
    let home = Home::new().await;
    home.town.radarr("default").offers(HAXAN, []);
    let request = ask(&home, json!({"media_type": "film", "tmdb_id": HAXAN})).await;
    let following = Following(Arc::new(home.media()));
    assert_eq!(following.sources(), ["radarr default", "sonarr default"]);
    home.town.forget();
    let nothing = past(&home, "sonarr default", request.created_at_ms).await.unwrap();
    assert_eq!(nothing, Past::default());
    assert!(home.town.requests_to("sonarr").is_empty(), "where nobody waits for anything, nobody is asked");
    home.town.fault("radarr", Fault::Refuse).await;
    for source in ["radarr default", "radarr 4k"] {
        let error = past(&home, source, 0).await.unwrap_err();
        assert!(matches!(error, ToolError::CouldNotAsk { .. }), "{source}: {error}");
    }
}
