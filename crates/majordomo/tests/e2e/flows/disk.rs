//! A disk that takes no more: what is refused is said, what was accepted stays, and room is enough to go on.

use crate::harness::{PATIENCE, Setting, Stage, can_mount, text_of};
use majordomo_standins::model::{Piece, Script};
use reqwest::StatusCode;
use serde_json::json;
use std::{
    process::Command,
    time::{Duration, Instant},
};

#[tokio::test]
async fn a_full_disk_is_said_and_the_service_goes_on_when_there_is_room() {
    let stage = Stage::new().await;
    let conversation = stage.conversation().await;
    let before = stage.ask(&conversation, "what is 2+3?").await;
    assert!(before.contains('5'), "{before}");
    let messages = stage.messages(&conversation).await.len();

    // From here on no file of the process may grow past its first byte.
    stage.limit_file_size(Some(1));
    let path = format!("/api/conversations/{conversation}/messages");
    for _ in 0..3 {
        let (status, body) = stage.post(&path, json!({"text": "what is 3+4?"})).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
        let sentence = body["error"].as_str().unwrap();
        assert!(sentence.contains("cannot be written"), "{sentence}");
    }
    becomes(&stage, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(stage.messages(&conversation).await.len(), messages, "what was said before can still be read");

    stage.limit_file_size(None);
    let begun = Instant::now();
    becomes(&stage, StatusCode::OK).await;
    let after = stage.ask(&conversation, "what is 3+4?").await;
    assert!(after.contains('7'), "{after}");
    assert!(begun.elapsed() < Duration::from_secs(10), "ten seconds after there is room");
    assert_eq!(stage.messages(&conversation).await.iter().filter(|m| m["role"] == "user").count(), 2);
}

#[tokio::test]
async fn on_a_full_disk_what_runs_is_written_to_its_end_and_nothing_new_is_taken() {
    if !can_mount() {
        return;
    }
    let stage = Stage::with(Setting { disk: Some("12m"), ..Setting::default() }).await;
    let reserve = stage.folder.path().join("data/majordomo.db.reserve");
    assert_eq!(reserve.metadata().unwrap().len(), 4 << 20, "room is kept");
    let slow = vec![
        Piece::Text { text: "not ".into() },
        Piece::Gate { name: "hold".into() },
        Piece::Text { text: "lost".into() },
    ];
    stage.town.model().script(Script::new(slow).when_asked("slowly").for_ever());
    let (conversation, other) = (stage.conversation().await, stage.conversation().await);
    let mut events = stage.events(&conversation).await;
    let running = stage.say(&conversation, "slowly").await;
    events.until("text_delta").await;

    let filler = stage.disk.as_ref().unwrap().fill();
    // What the database has set aside is used up before the disk is asked for more.
    let path = format!("/api/conversations/{other}/messages");
    let mut accepted = Vec::new();
    let begun = Instant::now();
    let sentence = loop {
        let (status, body) = stage.post(&path, json!({"text": "long ".repeat(2_000)})).await;
        match status {
            StatusCode::ACCEPTED => accepted.push(body["turn_id"].as_str().unwrap().to_owned()),
            StatusCode::SERVICE_UNAVAILABLE => break body["error"].as_str().unwrap().to_owned(),
            StatusCode::TOO_MANY_REQUESTS => tokio::time::sleep(Duration::from_millis(20)).await,
            other => panic!("{other}: {body}"),
        }
        assert!(begun.elapsed() < PATIENCE, "the disk is full");
    };
    assert!(sentence.contains("there has to be room on the disk"), "{sentence}");
    becomes(&stage, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(!reserve.exists(), "the room is given up");
    stage.town.model().open_gate("hold");
    for turn in accepted.iter().chain([&running]) {
        assert_eq!(stage.over(turn).await["turn"]["state"], "done", "what was accepted is written to its end");
    }
    assert_eq!(stage.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE, "still nothing new");

    std::fs::remove_file(filler).unwrap();
    let begun = Instant::now();
    becomes(&stage, StatusCode::OK).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "ten seconds after there is room");
    assert_eq!(reserve.metadata().unwrap().len(), 4 << 20, "room is kept again");
    assert!(stage.ask(&conversation, "what is 3+4?").await.contains('7'));
}

#[tokio::test]
async fn a_database_file_that_may_not_be_written_is_said_in_a_sentence() {
    if !can_mount() {
        return;
    }
    let mut stage = Stage::new().await;
    stage.kill();
    let file = stage.folder.path().join("data/majordomo.db");
    let mount = |arguments: &[&str]| Command::new("mount").args(arguments).arg(&file).status().unwrap().success();
    assert!(mount(&["--bind", file.to_str().unwrap()]) && mount(&["-o", "remount,ro,bind"]));
    let said = stage.command(&["serve"]);
    assert!(Command::new("umount").arg("-l").arg(&file).status().unwrap().success());
    let text = text_of(&said);
    assert!(!said.status.success() && text.contains("cannot be written; check its permissions"), "{text}");
    stage.start(&[]).await;
    becomes(&stage, StatusCode::OK).await;
}

async fn becomes(stage: &Stage, wanted: StatusCode) {
    let begun = Instant::now();
    loop {
        let (status, body) = stage.get("/readyz").await;
        if status == wanted {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{status} {body}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
