//! A stuck download on the real program: asked about, mended with one yes, looked at, and its release does not come back.

use super::media::stage;
use crate::harness::PATIENCE;
use majordomo_standins::{Held, Offer};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A film Radarr wants, and has no file of.
const SHERLOCK_JR: u64 = 992;
const OTHER: &str = "Sherlock.Jr.1924.1080p.BluRay-OTHER";

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_download_is_named_mended_with_one_yes_and_its_release_does_not_come_back() {
    let mut stage = stage().await;
    let (radarr, clock) = (stage.town.radarr("default"), stage.town.clock());
    // It began seven hours ago, and nobody shares it.
    let now = jiff::Timestamp::now();
    clock.set(now - jiff::SignedDuration::from_hours(7));
    radarr.put_film(SHERLOCK_JR, "Bluray-1080p", Held::stalled()).expect("a row");
    clock.set(now);
    radarr.offers(SHERLOCK_JR, [Offer::of("Bluray-1080p"), Offer::of("Bluray-1080p").title(OTHER).seeders(1)]);

    let told = async |tool: &str, arguments: Value| -> Value {
        let (status, body) = stage.post(&format!("/api/tools/{tool}"), arguments).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let text = body["text"].as_str().unwrap_or_else(|| panic!("{body}"));
        serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"))
    };
    let stuck = told("media_stuck", json!({})).await;
    let download = &stuck["downloads"][0];
    assert_eq!((&stuck["total"], &download["fix"]), (&json!(1), &json!("remove_and_block")), "{stuck}");
    let queue = told("radarr_queue", json!({"only_stuck": true})).await;
    assert_eq!(queue["items"][0]["proposed"], download["fix"], "{queue}");
    let release = download["release"].as_str().unwrap().to_owned();
    let deletes = || stage.town.requests().iter().filter(|asked| asked.method == "DELETE").count();
    let mend = json!({"application": "film", "queue_id": download["queue_id"], "fix": download["fix"]});
    let (status, body) = stage.post("/api/tools/media_mend", mend).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let approval = body["approval"].as_str().unwrap_or_else(|| panic!("somebody is asked: {body}")).to_owned();
    assert_eq!(deletes(), 0, "nothing goes before the yes");
    let (status, body) = stage.post(&format!("/api/approvals/{approval}"), json!({"decision": "approve"})).await;
    assert_eq!(status, StatusCode::OK, "{body}");

    // The file is there, and the history says where it is from.
    let begun = Instant::now();
    let imported = loop {
        stage.town.settle().await;
        let history = told("radarr_history", json!({"event": "imported"})).await;
        if let Some(row) = history["items"].as_array().unwrap().iter().find(|row| row["release"] == OTHER) {
            break row.clone();
        }
        assert!(begun.elapsed() < PATIENCE, "{history}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let film = json!({"movie_id": imported["movie_id"]});
    let files = told("radarr_files", film.clone()).await;
    assert!(files.to_string().contains("Bluray-1080p"), "{files}");
    assert_eq!(told("media_stuck", json!({})).await["total"], 0);
    assert_eq!(deletes(), 1, "one download was removed, once");

    // Neither a search nor a start later takes it again.
    let blocked = told("radarr_blocklist", json!({})).await;
    assert!(blocked.to_string().contains(&release), "{blocked}");
    stage.restart().await;
    let history = stage.post("/api/tools/radarr_history", json!({"event": "grabbed"})).await.1;
    let history: Value = serde_json::from_str(history["text"].as_str().unwrap()).unwrap();
    let grabbed: Vec<&Value> = history["items"].as_array().unwrap().iter().map(|row| &row["release"]).collect();
    assert!(grabbed.contains(&&json!(OTHER)) && !grabbed.contains(&&json!(release)), "{grabbed:?}");
    assert_eq!(stage.town.violations(), []);
    stage.check_whole();
}
