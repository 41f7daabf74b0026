//! The program is killed at every step of a turn. After the next start there is exactly one answer, and no message is lost.

use crate::{
    harness::{PATIENCE, Setting, Stage, server, visible},
    points,
};
use majordomo_standins::{
    database::{Kind, PASSWORD},
    model::{Piece, Script},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn script(stage: &Stage, marker: &str) {
    let model = stage.town.model();
    let call = Script::call("tmdb_trending", json!({}));
    model.script(call.when_asked(marker).after_results(false).for_ever());
    let answer = Script::text(&format!("This is the whole answer to {marker}."));
    model.script(answer.when_asked(marker).after_results(true).for_ever());
}

/// Say it once, under a key of its own; the turn, or None when the program died under it.
pub async fn try_say(stage: &Stage, conversation: &str, text: &str) -> Option<String> {
    let path = format!("/api/conversations/{conversation}/messages");
    let request = stage.request(Method::POST, &path).header("Idempotency-Key", text).json(&json!({"text": text}));
    let response = request.send().await.ok()?;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let body: Value = response.json().await.ok()?;
    Some(body["turn_id"].as_str().unwrap().to_owned())
}

/// What happens between the power cut and the start that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    Undisturbed,
    /// Cut off as soon as a turn is taken up.
    CutAtFirst,
    /// Cut off at the same point again.
    CutAgain,
}

/// The program died at a point: start it again, as often as the recovery is cut off.
pub async fn recover(stage: &mut Stage, point: &str, recovery: Recovery) {
    match recovery {
        Recovery::Undisturbed => {}
        Recovery::CutAtFirst => stage.start_and_die("lease").await,
        Recovery::CutAgain => stage.start_and_die(points::name(point)).await,
    }
    stage.start(&[]).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_loses_no_message_and_answers_once() {
    let mut stage = Stage::new().await;
    walk(&mut stage, &[Recovery::Undisturbed; 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_crash_in_the_recovery_loses_no_message_and_answers_once() {
    let mut stage = Stage::new().await;
    walk(&mut stage, &[Recovery::CutAtFirst, Recovery::CutAgain]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_loses_no_message_and_answers_once_on_postgresql() {
    walk_on(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_loses_no_message_and_answers_once_on_mariadb() {
    walk_on(Kind::MariaDb).await;
}

async fn walk_on(kind: Kind) {
    let Some(server) = server(kind) else { return };
    let mut stage = Stage::with(Setting { store_url: Some(server.url()), ..Setting::default() }).await;
    walk(&mut stage, &[Recovery::Undisturbed]).await;
}

async fn walk(stage: &mut Stage, rounds: &[Recovery]) {
    for (round, recovery) in rounds.iter().enumerate() {
        for point in points::QUESTION {
            let marker = format!("round {round} {}", point.replace(['.', ':'], " "));
            script(stage, &marker);
            let conversation = stage.conversation().await;
            stage.arm(point);
            let accepted = try_say(stage, &conversation, &marker).await;
            stage.dies(point).await;
            recover(stage, point, *recovery).await;
            let again = try_say(stage, &conversation, &marker).await.expect("the program runs");
            if let Some(turn) = accepted {
                assert_eq!(turn, again, "{point}: what was accepted is not accepted twice");
            }
            exactly_one_answer(stage, &conversation, &marker, &again).await;
            assert!(!stage.log().contains(PASSWORD), "the password of the database stays out of the log");
            stage.town.model().unscript();
        }
    }
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_old_messages_become_a_summary_answers_once_and_folds_them_later() {
    let settings = "[agents.majordomo]\nlimits = { history_tokens = 500 }\n".to_owned();
    let mut stage = Stage::with(Setting { settings, ..Setting::default() }).await;
    let conversation = stage.conversation().await;
    let long = "The household talks about silent films of the twenties. ".repeat(20);
    stage.town.model().script(Script::text(&long).when_asked("tell me").times(2));
    for topic in ["Lang", "Murnau"] {
        stage.ask(&conversation, &format!("tell me of {topic}")).await;
    }
    for point in points::FOLDING {
        let marker = format!("killed at {}", point.replace('.', " "));
        script(&stage, &marker);
        stage.town.model().script(Script::text(SUMMARY).when_asked("Person:").for_ever());
        stage.arm(point);
        let accepted = try_say(&stage, &conversation, &marker).await.expect("accepted before anything is folded");
        stage.dies(point).await;
        stage.start(&[]).await;
        exactly_one_answer(&stage, &conversation, &marker, &accepted).await;
        let summary = stage.town.requests_to("model").iter().any(|asked| asked.body.to_string().contains(SUMMARY));
        assert!(summary, "the model reads the summary");
    }
    stage.check_whole();
}

const SUMMARY: &str = "Lang and Murnau were talked about.";

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

/// A turn that does not end before the gate is opened, begun and watched up to its first words.
async fn begin_slowly(stage: &Stage, conversation: &str, gate: &str) -> String {
    let slow = vec![
        Piece::Text { text: "not yet ".into() },
        Piece::Gate { name: gate.into() },
        Piece::Text { text: "done".into() },
    ];
    stage.town.model().script(Script::new(slow).when_asked(gate).for_ever());
    let mut events = stage.events(conversation).await;
    let turn = stage.say(conversation, gate).await;
    events.until("text_delta").await;
    turn
}

#[tokio::test]
async fn a_request_to_stop_is_followed_in_time_and_the_rest_is_done_by_the_next_start() {
    let mut stage = Stage::new().await;
    let conversation = stage.conversation().await;
    let turn = begin_slowly(&stage, &conversation, "slowly").await;
    stage.terminate();
    let begun = Instant::now();
    loop {
        match stage.request(Method::GET, "/readyz").send().await {
            Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE => break,
            Err(_) => break,
            Ok(_) => assert!(begun.elapsed().as_secs() < 1, "readiness goes within a second"),
        }
    }
    // What runs may finish.
    stage.town.model().open_gate("slowly");
    let status = stage.ended().await;
    assert!(status.success(), "{status}: {}", stage.log());
    assert!(begun.elapsed() < PATIENCE.min(Duration::from_secs(25)));
    stage.start(&[]).await;
    assert_eq!(stage.over(&turn).await["turn"]["state"], "done");
    assert_eq!(visible(stage.messages(&conversation).await.last().unwrap()), "not yet done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_the_service_stops_leaves_the_turn_to_the_next_start() {
    let mut stage = Stage::new().await;
    for (number, point) in points::STOPPING.into_iter().enumerate() {
        let conversation = stage.conversation().await;
        let gate = format!("slowly {number}");
        let turn = begin_slowly(&stage, &conversation, &gate).await;
        stage.arm(point);
        stage.terminate();
        stage.dies(point).await;
        stage.town.model().open_gate(&gate);
        stage.start(&[]).await;
        assert_eq!(stage.over(&turn).await["turn"]["state"], "done", "{point}");
        let answers: Vec<String> =
            stage.messages(&conversation).await.iter().filter(|m| m["role"] == "assistant").map(visible).collect();
        assert_eq!(answers, ["not yet done"], "{point}");
    }
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_stopped_stays_stopped_over_a_crash() {
    let mut stage = Stage::new().await;
    for (number, point) in points::CANCELLING.into_iter().enumerate() {
        let conversation = stage.conversation().await;
        let gate = format!("slowly {number}");
        let turn = begin_slowly(&stage, &conversation, &gate).await;
        stage.arm(point);
        let stop = stage.request(Method::POST, "/api/stop?everybody=true");
        assert!(stop.send().await.is_err(), "{point}: nobody was told that it is stopped");
        stage.dies(point).await;
        stage.town.model().open_gate(&gate);
        stage.start(&[]).await;
        let over = stage.over(&turn).await;
        let answers: Vec<String> =
            stage.messages(&conversation).await.iter().filter(|m| m["role"] == "assistant").map(visible).collect();
        eprintln!("{point}: {} {answers:?}", over["turn"]["state"]);
        assert_eq!(answers.len(), 1, "{point}: {answers:?}");
        // Before it is written down, a turn may go on. After it, it is over and the model is not asked again.
        if point == "cancel.done" || over["turn"]["state"] != "done" {
            assert_eq!(over["turn"]["state"], "cancelled", "{point}");
            assert!(answers[0].ends_with("Cancelled: this answer was stopped."), "{point}: {answers:?}");
        }
    }
    stage.check_whole();
}
