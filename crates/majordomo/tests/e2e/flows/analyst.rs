//! The Movie Analyst API against the whole program.

use crate::harness::{Events, PATIENCE, Stage};
use majordomo_standins::model::{Piece, Script};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn gated(before: &str, gate: &str, after: &str) -> Script {
    Script::new(vec![
        Piece::Text { text: before.into() },
        Piece::Gate { name: gate.into() },
        Piece::Text { text: after.into() },
    ])
}

async fn chat(stage: &Stage, session: &str, message: &str) -> Events {
    let body = json!({"session_id": session, "message": message, "stream": true});
    let response = stage.request(Method::POST, "/api/v1/chat").json(&body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    Events::of(response)
}

async fn pending(stage: &Stage, session: &str, wanted: bool) {
    let begun = std::time::Instant::now();
    loop {
        let (_, status) = stage.get(&format!("/api/v1/session/{session}/status")).await;
        if status["pending"] == wanted {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{status}");
        tokio::task::yield_now().await;
    }
}

async fn stored(stage: &Stage, session: &str) -> Vec<Value> {
    let (status, body) = stage.get(&format!("/api/v1/session/{session}/messages")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body["messages"].as_array().unwrap().clone()
}

#[tokio::test]
async fn words_arrive_while_the_model_still_writes_and_add_up_to_what_is_stored() {
    let stage = Stage::new().await;
    stage.town.model().script(gated("First words, ", "more", "last words."));
    let mut events = chat(&stage, "one", "talk").await;
    let first = events.next().await.unwrap();
    assert_eq!(first["content"], "First words, ", "the model has not finished");
    stage.town.model().open_gate("more");
    let mut text = first["content"].as_str().unwrap().to_owned();
    loop {
        let event = events.next().await.expect("an end");
        assert_eq!(event["session_id"], "one");
        text.push_str(event["content"].as_str().unwrap_or_default());
        if event["done"] == true {
            break;
        }
    }
    let messages = stored(&stage, "one").await;
    assert_eq!(messages.last().unwrap()["content"], text);
    assert_eq!(text, "First words, last words.");
}

#[tokio::test]
async fn a_cancelled_turn_ends_and_says_so() {
    let stage = Stage::new().await;
    stage.town.model().script(gated("So far ", "never", ""));
    let mut events = chat(&stage, "two", "talk").await;
    events.next().await.unwrap();
    let (status, body) = stage.post("/api/v1/session/two/cancel", json!({})).await;
    assert_eq!((status, &body["cancelled"]), (StatusCode::OK, &json!(1)));
    let mut last = Value::Null;
    while let Some(event) = events.next().await {
        last = event;
    }
    assert_eq!(last["done"], true, "the waiting request ends properly");
    pending(&stage, "two", false).await;
    let messages = stored(&stage, "two").await;
    let shown = messages.last().unwrap()["content"].as_str().unwrap().to_lowercase();
    assert!(shown.contains("stopped") || shown.contains("cancel"), "{shown}");
    assert!(stage.town.model().left(1, PATIENCE).await, "the model is not asked to go on for nobody");
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_the_turn() {
    let stage = Stage::new().await;
    stage.town.model().script(gated("Half ", "rest", "and half."));
    let mut events = chat(&stage, "three", "talk").await;
    events.next().await.unwrap();
    drop(events);
    stage.town.model().open_gate("rest");
    pending(&stage, "three", false).await;
    assert_eq!(stored(&stage, "three").await.last().unwrap()["content"], "Half and half.");
}

#[tokio::test]
async fn what_was_said_is_on_disk_before_the_model_answers_and_the_answer_comes_after_the_restart() {
    let mut stage = Stage::new().await;
    stage.town.model().script(gated("Lost ", "never", ""));
    stage.town.model().script(Script::text("Found again."));
    let mut events = chat(&stage, "four", "the lamp is green").await;
    events.next().await.unwrap();
    stage.restart().await;
    let messages = stored(&stage, "four").await;
    assert_eq!(messages[0]["content"], "the lamp is green");
    pending(&stage, "four", false).await;
    let messages = stored(&stage, "four").await;
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[1]["content"], "Found again.");
}

#[tokio::test]
async fn two_messages_at_once_are_answered_one_after_the_other() {
    let stage = Stage::new().await;
    stage.town.model().script(gated("Answer to the first", "go", "").when_asked("first"));
    stage.town.model().script(Script::text("Answer to the second").when_asked("second"));
    let mut first = chat(&stage, "five", "first").await;
    first.next().await.unwrap();
    let second = tokio::spawn({
        let body = json!({"session_id": "five", "message": "second"});
        let request = stage.request(Method::POST, "/api/v1/chat").json(&body);
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    });
    // The second is stored before the first is let go.
    let begun = std::time::Instant::now();
    while stored(&stage, "five").await.iter().filter(|m| m["role"] == "user").count() < 2 {
        assert!(begun.elapsed() < PATIENCE);
    }
    assert_eq!(stage.town.requests_to("model").len(), 1, "one turn at a time");
    stage.town.model().open_gate("go");
    assert_eq!(second.await.unwrap()["content"], "Answer to the second");
    let texts: Vec<String> =
        stored(&stage, "five").await.iter().map(|m| m["content"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, ["first", "Answer to the first", "second", "Answer to the second"]);
}

#[tokio::test]
async fn health_names_the_parts_and_asks_nobody() {
    let stage = Stage::new().await;
    stage.ask(&stage.conversation().await, "hello").await;
    stage.town.forget();
    for _ in 0..20 {
        let (status, body) = stage.get("/api/v1/health").await;
        assert_eq!(status, StatusCode::OK);
        for part in ["api", "database", "tmdb_api", "tvmaze_api"] {
            assert!(body["components"][part].is_string(), "{part}: {body}");
        }
    }
    assert!(stage.town.requests().len() < 5, "{:?}", stage.town.requests());
}
