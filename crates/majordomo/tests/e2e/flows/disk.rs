//! A disk that takes no more: what is refused is said, what was accepted stays, and room is enough to go on.

use crate::harness::{PATIENCE, Stage};
use reqwest::StatusCode;
use serde_json::json;
use std::time::{Duration, Instant};

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
