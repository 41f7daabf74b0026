//! The program is killed at every step of a turn. After the next start there is exactly one answer, and no message is lost.

use crate::harness::{PATIENCE, Setting, Stage, server, visible};
use majordomo_standins::{
    database::{Kind, PASSWORD},
    model::Script,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Every step of the walk at which the power may go.
const POINTS: [&str; 20] = [
    "ingest.tx",
    "ingest.done",
    "prompt",
    "llm.send",
    "llm.first",
    "llm.mid",
    "llm.end",
    "step.tx",
    "step.done",
    "tool.sent",
    "tool.reply",
    "result.tx",
    "result.done",
    "prompt:2",
    "llm.send:2",
    "llm.first:2",
    "llm.mid:2",
    "llm.end:2",
    "final.tx",
    "final.done",
];

fn script(stage: &Stage, marker: &str) {
    let model = stage.town.model();
    let call = Script::call("tmdb_trending", json!({}));
    model.script(call.when_asked(marker).after_results(false).for_ever());
    let answer = Script::text(&format!("This is the whole answer to {marker}."));
    model.script(answer.when_asked(marker).after_results(true).for_ever());
}

/// Say it until it is accepted, as a careful client does; None when the program died under it.
async fn try_say(stage: &Stage, conversation: &str, marker: &str) -> Option<String> {
    let path = format!("/api/conversations/{conversation}/messages");
    let request = stage.request(Method::POST, &path).header("Idempotency-Key", marker).json(&json!({"text": marker}));
    let response = request.send().await.ok()?;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let body: Value = response.json().await.ok()?;
    Some(body["turn_id"].as_str().unwrap().to_owned())
}

async fn exactly_one_answer(stage: &Stage, conversation: &str, marker: &str, turn: &str) {
    let over = stage.over(turn).await;
    assert_eq!(over["turn"]["state"], "done", "{marker}: {over}");
    let messages = stage.messages(conversation).await;
    let mine: Vec<&Value> = messages.iter().filter(|message| message["turn"] == turn).collect();
    let asked = messages.iter().filter(|m| m["role"] == "user" && visible(m) == marker).count();
    assert_eq!(asked, 1, "{marker}: {messages:#?}");
    let answers: Vec<String> =
        mine.iter().filter(|m| m["role"] == "assistant").map(|m| visible(m)).filter(|text| !text.is_empty()).collect();
    assert_eq!(answers, [format!("This is the whole answer to {marker}.")], "{messages:#?}");
    let calls = mine.iter().flat_map(|m| m["parts"].as_array().unwrap()).filter(|p| p["type"] == "call").count();
    let results = mine.iter().flat_map(|m| m["parts"].as_array().unwrap()).filter(|p| p["type"] == "result").count();
    assert_eq!((calls, results), (1, 1), "{marker}: every call has its result, once: {messages:#?}");
}

#[tokio::test]
async fn a_crash_at_any_step_loses_no_message_and_answers_once() {
    walk(Stage::new().await).await;
}

#[tokio::test]
async fn a_crash_at_any_step_loses_no_message_and_answers_once_on_postgresql() {
    walk_on(Kind::Postgres).await;
}

#[tokio::test]
async fn a_crash_at_any_step_loses_no_message_and_answers_once_on_mariadb() {
    walk_on(Kind::MariaDb).await;
}

async fn walk_on(kind: Kind) {
    let Some(server) = server(kind) else { return };
    walk(Stage::with(Setting { store_url: Some(server.url()), ..Setting::default() }).await).await;
}

async fn walk(mut stage: Stage) {
    // `make crash` asks for more rounds.
    let rounds: usize = std::env::var("MAJORDOMO_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    for round in 0..rounds {
        for point in POINTS {
            let marker = format!("round {round} {}", point.replace(['.', ':'], " "));
            script(&stage, &marker);
            let conversation = stage.conversation().await;
            stage.kill();
            stage.start(&[("MAJORDOMO_FAULT_POINT", point.to_owned())]).await;
            let accepted = try_say(&stage, &conversation, &marker).await;
            let status = stage.ended().await;
            assert!(!status.success(), "{point} stops the program: {status}");
            // A second crash, during the recovery, in every other round.
            if round % 2 == 1 {
                stage.start(&[]).await;
            }
            stage.restart().await;
            let again = try_say(&stage, &conversation, &marker).await.expect("the program runs");
            if let Some(turn) = accepted {
                assert_eq!(turn, again, "{point}: what was accepted is not accepted twice");
            }
            exactly_one_answer(&stage, &conversation, &marker, &again).await;
            assert!(!stage.log().contains(PASSWORD), "the password of the database stays out of the log");
            stage.town.model().unscript();
        }
    }
}

#[tokio::test]
async fn a_crash_while_events_are_watched_leaves_the_turn_to_the_next_start() {
    let mut stage = Stage::new().await;
    for after in [1, 2, 3, 5, 8] {
        let marker = format!("kill after {after} events");
        script(&stage, &marker);
        let conversation = stage.conversation().await;
        let mut events = stage.events(&conversation).await;
        let turn = try_say(&stage, &conversation, &marker).await.unwrap();
        for _ in 0..after {
            if events.next().await.is_none_or(|event| event["type"] == "turn_finished") {
                break;
            }
        }
        stage.restart().await;
        exactly_one_answer(&stage, &conversation, &marker, &turn).await;
    }
}

#[tokio::test]
async fn a_request_to_stop_is_followed_in_time_and_the_rest_is_done_by_the_next_start() {
    let mut stage = Stage::new().await;
    use majordomo_standins::model::Piece;
    let slow = vec![
        Piece::Text { text: "not yet ".into() },
        Piece::Gate { name: "drain".into() },
        Piece::Text { text: "done".into() },
    ];
    stage.town.model().script(Script::new(slow));
    let conversation = stage.conversation().await;
    let mut events = stage.events(&conversation).await;
    let turn = stage.say(&conversation, "slowly").await;
    events.until("text_delta").await;
    stage.terminate();
    let begun = std::time::Instant::now();
    loop {
        match stage.request(Method::GET, "/readyz").send().await {
            Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE => break,
            Err(_) => break,
            Ok(_) => assert!(begun.elapsed().as_secs() < 1, "readiness goes within a second"),
        }
    }
    // What runs may finish.
    stage.town.model().open_gate("drain");
    let status = stage.ended().await;
    assert!(status.success(), "{status}: {}", stage.log());
    assert!(begun.elapsed() < PATIENCE.min(std::time::Duration::from_secs(25)));
    stage.start(&[]).await;
    assert_eq!(stage.over(&turn).await["turn"]["state"], "done");
    assert_eq!(visible(stage.messages(&conversation).await.last().unwrap()), "not yet done");
}
