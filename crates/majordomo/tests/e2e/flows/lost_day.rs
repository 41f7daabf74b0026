//! The program is away while everything happens: what those who wait are told, and what a request's story says afterwards.

use super::media::{HILLBILLIES, news, stage, until_told};
use crate::harness::{PATIENCE, Stage};
use majordomo_standins::{Held, Offer, ServarrPace};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The stage with an address that outlives a restart, as webhooks need.
async fn with_an_address() -> Stage {
    let mut stage = stage().await;
    stage.town.sonarr("default").clear_queue();
    stage.kill();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = stage.folder.path().join("majordomo.toml");
    let settings = std::fs::read_to_string(&place).unwrap();
    std::fs::write(&place, settings.replace("listen = \"127.0.0.1:0\"", &format!("listen = \"{free}\""))).unwrap();
    stage.start(&[]).await;
    assert_eq!(stage.address, format!("http://{free}"));
    stage
}

/// Call a tool and say yes to it.
async fn approved(stage: &Stage, tool: &str, arguments: Value) {
    let (status, body) = stage.post(&format!("/api/tools/{tool}"), arguments).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let approval = body["approval"].as_str().unwrap_or_else(|| panic!("somebody is asked: {body}"));
    let (status, body) = stage.post(&format!("/api/approvals/{approval}"), json!({"decision": "approve"})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

async fn until<T>(what: &str, mut is: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = is().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Addresses that Radarr and Sonarr were told to call.
fn hooks(stage: &Stage) -> Vec<String> {
    let url = |body: &Value| {
        let fields = body["fields"].as_array()?;
        fields.iter().find(|field| field["name"] == "url")?["value"].as_str().map(str::to_owned)
    };
    let saved = |method: &str, path: &str| method == "POST" && path.ends_with("/notification");
    let asked = stage.town.requests().into_iter().filter(|asked| saved(&asked.method, &asked.path));
    asked.filter_map(|asked| url(&asked.body)).collect()
}

/// The newest request with the lines of its story.
async fn story(stage: &Stage) -> (Value, Vec<Value>) {
    let (_, requests) = stage.get("/api/requests?state=all").await;
    let request = requests["requests"][0].clone();
    let (_, story) = stage.get(&format!("/api/requests/{}", request["id"].as_str().unwrap())).await;
    (request, story["story"].as_array().cloned().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_the_program_was_away_is_told_once_and_stands_in_the_story() {
    let mut stage = with_an_address().await;
    approved(&stage, "media_hooks_install", json!({})).await;
    let hooks = until("both are told where to call", async || Some(hooks(&stage)).filter(|all| all.len() == 2)).await;
    for (hook, address) in ["radarr", "sonarr"].iter().zip(&hooks) {
        assert!(
            address.starts_with(&format!("{}/hooks/{hook}/", stage.address)),
            "the program's own address: {address}"
        );
    }

    // Plex's is pasted by hand.
    let (status, made) = stage.post("/api/hooks/plex", json!({})).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let address = made["address"].as_str().unwrap();
    assert!(address.starts_with(&format!("{}/hooks/plex/", stage.address)), "{address}");
    stage.town.plex().webhook(address);

    let sonarr = stage.town.sonarr("default");
    sonarr.pace(ServarrPace { command_ms: 0, bytes_per_second: 1_000, import_ms: 0 });
    sonarr.offers(HILLBILLIES, [Offer::of("WEBDL-720p").season(2)]);
    let season = json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [2]});
    approved(&stage, "media_request", season).await;
    until("it is on its way", async || {
        stage.town.settle().await;
        (story(&stage).await.0["state"] == "downloading").then_some(())
    })
    .await;
    stage.kill();

    // The pack arrives, then a better one; the eleven webhooks of each reach nobody.
    let sonarr = stage.town.sonarr("default");
    sonarr.run_out().await;
    let better = sonarr.put_season(HILLBILLIES, 2, &[], "Bluray-1080p", Held::of("downloading", "downloading", 0.5));
    assert_eq!(sonarr.finish(better.as_deref()).await, 1);
    let lost: Vec<_> = sonarr.sent().into_iter().filter(|sent| sent.event == "Download").collect();
    assert_eq!(lost.len(), 22, "ten files and the pack as a whole, twice");
    assert!(lost.iter().all(|sent| sent.status.is_none_or(|status| status == 0)), "{lost:?}");

    stage.start(&[]).await;
    let back_ms = jiff::Timestamp::now().as_millisecond();
    let text = "The Beverly Hillbillies (1962), season 2: Season 2 is complete (10 episodes). Ready to watch.";
    assert_eq!(until_told(&stage, "Hillbillies").await, [text]);
    let has_all = async || {
        let lines = story(&stage).await.1;
        lines.iter().any(|line| line["kind"] == "upgraded").then_some(lines)
    };
    let lines = until("the past is read", has_all).await;
    let of = |kind: &str| -> Vec<&Value> { lines.iter().filter(|line| line["kind"] == kind).collect() };
    for kind in ["grabbed", "imported", "upgraded"] {
        let found = of(kind);
        assert_eq!(found.len(), 1, "{kind}: {lines:#?}");
        assert!(found[0]["text"].as_str().unwrap().ends_with("(10 parts, S02E01 to S02E10)"), "{lines:#?}");
        assert!(found[0]["at_ms"].as_i64().unwrap() < back_ms, "when it happened, not when it was read: {lines:#?}");
    }
    let place = |kind: &str| lines.iter().position(|line| line["kind"] == kind).unwrap();
    assert!(place("grabbed") < place("imported") && place("upgraded") < place("watchable"), "{lines:#?}");
    assert_eq!(of("told").len(), 1, "{lines:#?}");

    // The day after, everything is said once more, newest first or not: nobody is told again, and the story is as it was.
    stage.town.clock().advance(Duration::from_secs(86_400));
    let sonarr = stage.town.sonarr("default");
    sonarr.tell_again(23).await;
    let again: Vec<_> = sonarr.sent().into_iter().rev().take(23).collect();
    assert!(again.iter().all(|sent| sent.status == Some(204)), "{again:?}");
    stage.restart().await;
    let (request, after) = story(&stage).await;
    assert_eq!((request["state"].as_str(), &after), (Some("watchable"), &lines));
    assert_eq!(news(&stage).await, [text]);
    assert_eq!(stage.town.violations(), []);
    stage.check_whole();
}
