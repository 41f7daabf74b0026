//! A database on a server: several programs share it, one takes up what another left, and it may restart under them.

use crate::harness::{PATIENCE, Setting, Stage, program, server, visible};
use majordomo_standins::{
    database::Kind,
    model::{Piece, Script},
};
use reqwest::StatusCode;
use serde_json::json;
use std::{
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// A second program on the first one's database, with a data folder of its own.
struct Second {
    process: Child,
    address: String,
}

impl Second {
    async fn beside(stage: &Stage) -> Self {
        let (data, ready) = (stage.folder.path().join("second"), stage.folder.path().join("second-ready"));
        let mut command = program(stage.folder.path());
        command.arg("serve").arg("--data").arg(data).arg("--ready-file").arg(&ready);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut second = Self { process, address: String::new() };
        let begun = Instant::now();
        loop {
            if let Ok(address) = std::fs::read_to_string(&ready)
                && address.ends_with('\n')
            {
                second.address = address.trim().to_owned();
                return second;
            }
            assert!(begun.elapsed() < PATIENCE, "the second program becomes ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn what_a_dead_program_left_is_answered_by_another_in_order_and_once() {
    let Some(server) = server(Kind::Postgres) else { return };
    let mut stage = Stage::with(Setting { store_url: Some(server.url()), ..Setting::default() }).await;
    let second = Second::beside(&stage).await;
    let slow = vec![
        Piece::Text { text: "one ".into() },
        Piece::Gate { name: "hold".into() },
        Piece::Text { text: "done".into() },
    ];
    stage.town.model().script(Script::new(slow).when_asked("first").for_ever());
    stage.town.model().script(Script::text("two done").when_asked("second").for_ever());
    let conversation = stage.conversation().await;
    let mut events = stage.events(&conversation).await;
    let first = stage.say(&conversation, "first").await;
    events.until("text_delta").await;
    // From here on everything is asked of the second program, while the first holds the conversation.
    let dead = std::mem::replace(&mut stage.address, second.address.clone());
    let next = stage.say(&conversation, "second").await;
    stage.kill();
    assert_ne!(dead, stage.address);
    stage.town.model().open_gate("hold");
    let begun = Instant::now();
    for turn in [&first, &next] {
        loop {
            let (_, body) = stage.get(&format!("/api/turns/{turn}")).await;
            if body["turn"]["state"] == "done" {
                break;
            }
            // A lease of 30 seconds, and five until the next look.
            assert!(begun.elapsed() < Duration::from_secs(45), "{body}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let texts: Vec<String> = stage.messages(&conversation).await.iter().map(visible).collect();
    assert_eq!(texts, ["first", "one done", "second", "two done"]);
}

#[tokio::test]
async fn a_stop_said_to_one_program_ends_what_runs_in_another() {
    let Some(server) = server(Kind::Postgres) else { return };
    let mut stage = Stage::with(Setting { store_url: Some(server.url()), ..Setting::default() }).await;
    let second = Second::beside(&stage).await;
    let slow = vec![Piece::Text { text: "one ".into() }, Piece::Gate { name: "never".into() }];
    stage.town.model().script(Script::new(slow).when_asked("first"));
    let conversation = stage.conversation().await;
    let mut events = stage.events(&conversation).await;
    let turn = stage.say(&conversation, "first").await;
    events.until("text_delta").await;
    stage.address = second.address.clone();
    let (status, body) = stage.post("/api/stop", json!({})).await;
    assert_eq!((status, &body["cancelled"]), (StatusCode::OK, &json!(1)), "{body}");
    assert_eq!(stage.over(&turn).await["turn"]["state"], "cancelled");
}

#[tokio::test]
async fn a_server_that_restarts_under_the_program_is_used_again_within_ten_seconds() {
    let Some(mut server) = server(Kind::Postgres) else { return };
    let stage = Stage::with(Setting { store_url: Some(server.url()), ..Setting::default() }).await;
    let conversation = stage.conversation().await;
    stage.ask(&conversation, "what is 2+3?").await;
    server.kill();
    assert_eq!(stage.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let path = format!("/api/conversations/{conversation}/messages");
    let (status, body) = stage.post(&path, json!({"text": "what is 3+4?"})).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    server.run().unwrap();
    let begun = Instant::now();
    while stage.get("/readyz").await.0 != StatusCode::OK {
        assert!(begun.elapsed() < Duration::from_secs(10), "ready again: {}", stage.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(stage.ask(&conversation, "what is 3+4?").await.contains('7'));
    assert!(begun.elapsed() < Duration::from_secs(10));
}
