//! What waits for a yes, with the program killed at every step between the question and the end: it is done once after a yes,
//! and never without one.

use super::crash::{Recovery, recover, try_say};
use crate::{
    harness::{PATIENCE, Setting, Stage, server, text_of, visible},
    points,
};
use majordomo_standins::{database::Kind, model::Script};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A character somebody wants in the party, and the conversation about it. Names are no part of one another.
struct Wish {
    name: String,
    conversation: String,
}

impl Wish {
    async fn of(stage: &Stage, name: String) -> Self {
        let model = stage.town.model();
        model.unscript();
        let rides = Script::text(&format!("{name} rides with us."));
        model.script(rides.when_asked(&format!("Approved by Admin: Add {name}")).for_ever());
        let asked = format!("{name} wants to join");
        let call = Script::call("party_add_character", json!({"name": name, "role": "Solo"}));
        model.script(call.when_asked(&asked).after_results(false).for_ever());
        model.script(Script::text("It waits for you.").when_asked(&asked).after_results(true).for_ever());
        Self { conversation: stage.conversation().await, name }
    }

    async fn try_ask(&self, stage: &Stage) -> Option<String> {
        try_say(stage, &self.conversation, &format!("{} wants to join", self.name)).await
    }

    /// Ask and wait until the question is over; the approval that opened.
    async fn ask(&self, stage: &Stage) -> Value {
        let turn = self.try_ask(stage).await.expect("the program runs");
        self.asked(stage, &turn).await
    }

    /// The only approval of the question, once its turn is over.
    async fn asked(&self, stage: &Stage, turn: &str) -> Value {
        assert_eq!(stage.over(turn).await["turn"]["state"], "done", "{}", self.name);
        let mut approvals = self.approvals(stage).await;
        assert_eq!(approvals.len(), 1, "{}: one question opens one approval: {approvals:#?}", self.name);
        assert_eq!(approvals[0]["state"], "open", "{}", self.name);
        assert!(!self.is_in_the_party(stage).await, "{}: nothing is done before a yes", self.name);
        approvals.remove(0)
    }

    async fn approvals(&self, stage: &Stage) -> Vec<Value> {
        let (status, body) = stage.get("/api/approvals?state=all&limit=200").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let all = body["approvals"].as_array().unwrap().iter();
        all.filter(|approval| approval["conversation"] == self.conversation.as_str()).cloned().collect()
    }

    /// Whether the party has the name, once.
    async fn is_in_the_party(&self, stage: &Stage) -> bool {
        let (status, body) = stage.post("/api/tools/party_view", json!({})).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let times = body["text"].as_str().unwrap().matches(&format!("\"{}\"", self.name)).count();
        assert!(times <= 1, "{}: {body}", self.name);
        times == 1
    }

    /// Wait for the end of what was decided; the approval as it ended.
    async fn ended(&self, stage: &Stage) -> Value {
        let approvals = self.approvals(stage).await;
        let turn =
            approvals[0]["decision_turn"].as_str().unwrap_or_else(|| panic!("decided: {approvals:#?}")).to_owned();
        assert_eq!(stage.over(&turn).await["turn"]["state"], "done", "{}", self.name);
        let mut approvals = self.approvals(stage).await;
        assert_eq!(approvals.len(), 1, "{}: {approvals:#?}", self.name);
        approvals.remove(0)
    }

    /// It was done once, and everybody was told once.
    async fn is_done_once(&self, stage: &Stage) {
        let (name, approval) = (&self.name, self.ended(stage).await);
        assert_eq!(approval["state"], "executed", "{name}: {approval}");
        assert!(self.is_in_the_party(stage).await, "{name} is in the party");
        let messages = stage.messages(&self.conversation).await;
        let receipts: Vec<&str> = parts(&messages)
            .filter(|part| part["type"] == "notice" && part["kind"] == "receipt")
            .filter_map(|part| part["text"].as_str())
            .collect();
        // Done a second time it would have been an update.
        assert_eq!(receipts, [format!("{name} (Solo) was added to the party.")], "{name}: {messages:#?}");
        let executed = parts(&messages).filter(|part| part["type"] == "result" && !part["receipt"].is_null()).count();
        assert_eq!(executed, 1, "{name}: {messages:#?}");
        let answers = messages.iter().filter(|m| visible(m).contains(&format!("{name} rides with us."))).count();
        assert_eq!(answers, 1, "{name}: {messages:#?}");
        let decided = messages.iter().filter(|m| m["role"] == "user" && visible(m).starts_with("Approved by Admin"));
        assert_eq!(decided.count(), 1, "{name}: {messages:#?}");
    }

    /// Nothing was done, and it was said once why.
    async fn is_not_done(&self, stage: &Stage, state: &str, said: &str) {
        let (name, approval) = (&self.name, self.ended(stage).await);
        assert_eq!(approval["state"], state, "{name}: {approval}");
        assert!(!self.is_in_the_party(stage).await, "{name} is not in the party");
        let messages = stage.messages(&self.conversation).await;
        let receipts = parts(&messages).filter(|part| part["type"] == "notice" && part["kind"] == "receipt").count();
        assert_eq!(receipts, 0, "{name}: {messages:#?}");
        assert_eq!(messages.iter().filter(|m| visible(m).contains(said)).count(), 1, "{name}: {messages:#?}");
    }
}

fn parts(messages: &[Value]) -> impl Iterator<Item = &Value> {
    messages.iter().flat_map(|message| message["parts"].as_array().unwrap())
}

/// Decide once; None when the program died under it or is stopping. One that was decided before is as good.
async fn try_decide(stage: &Stage, approval: &Value, decision: &str) -> Option<StatusCode> {
    let path = format!("/api/approvals/{}", approval["id"].as_str().unwrap());
    let response = stage.request(Method::POST, &path).json(&json!({"decision": decision})).send().await.ok()?;
    let status = response.status();
    response.bytes().await.ok()?;
    (status != StatusCode::SERVICE_UNAVAILABLE).then_some(status)
}

/// Decide as a careful client does, now that the program runs.
async fn decide(stage: &Stage, approval: &Value, decision: &str) {
    let status = try_decide(stage, approval, decision).await.expect("the program runs");
    assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&status), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_does_what_was_approved_once() {
    for round in [Recovery::Undisturbed; 2] {
        walk(&mut Stage::new().await, round).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_crash_in_the_recovery_does_what_was_approved_once() {
    for round in [Recovery::CutAtFirst, Recovery::CutAgain] {
        walk(&mut Stage::new().await, round).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_does_what_was_approved_once_on_postgresql() {
    walk_on(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_does_what_was_approved_once_on_mariadb() {
    walk_on(Kind::MariaDb).await;
}

async fn walk_on(kind: Kind) {
    let Some(server) = server(kind) else { return };
    let mut stage = Stage::with(Setting { store_url: Some(server.url()), ..Setting::default() }).await;
    walk(&mut stage, Recovery::Undisturbed).await;
}

/// A party holds sixty: a stage has room for one round.
async fn walk(stage: &mut Stage, recovery: Recovery) {
    for (number, point) in points::PARKING.into_iter().enumerate() {
        let wish = Wish::of(stage, format!("P{number:02}")).await;
        stage.arm(point);
        let accepted = wish.try_ask(stage).await;
        stage.dies(point).await;
        recover(stage, point, recovery).await;
        let turn = wish.try_ask(stage).await.expect("the program runs");
        if let Some(accepted) = accepted {
            assert_eq!(accepted, turn, "{point}: what was accepted is not accepted twice");
        }
        let approval = wish.asked(stage, &turn).await;
        decide(stage, &approval, "approve").await;
        wish.is_done_once(stage).await;
    }
    for (number, point) in points::CARRYING.into_iter().enumerate() {
        let wish = Wish::of(stage, format!("V{number:02}")).await;
        let approval = wish.ask(stage).await;
        stage.arm(point);
        try_decide(stage, &approval, "approve").await;
        stage.dies(point).await;
        recover(stage, point, recovery).await;
        decide(stage, &approval, "approve").await;
        wish.is_done_once(stage).await;
        assert_eq!(try_decide(stage, &approval, "decline").await, Some(StatusCode::CONFLICT), "{point}");
    }
    for (number, point) in points::DECLINING.into_iter().enumerate() {
        let wish = Wish::of(stage, format!("N{number:02}")).await;
        let approval = wish.ask(stage).await;
        stage.arm(point);
        try_decide(stage, &approval, "decline").await;
        stage.dies(point).await;
        recover(stage, point, recovery).await;
        decide(stage, &approval, "decline").await;
        wish.is_not_done(stage, "declined", &format!("{} was not added.", wish.name)).await;
        assert_eq!(try_decide(stage, &approval, "approve").await, Some(StatusCode::CONFLICT), "{point}");
        assert!(!wish.is_in_the_party(stage).await, "{point}");
    }
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_out_while_the_service_was_down_is_struck_through_after_the_start_and_never_done() {
    let settings = "[agents.majordomo]\napprovals = { expire_seconds = 4 }\n".to_owned();
    let mut stage = Stage::with(Setting { settings, ..Setting::default() }).await;
    let wish = Wish::of(&stage, "V".into()).await;
    let approval = wish.ask(&stage).await;
    stage.kill();
    let runs_out = approval["expires_at_ms"].as_i64().unwrap();
    while now_ms() < runs_out {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.start(&[]).await;
    let begun = Instant::now();
    // Whoever clicks before it is struck through is too late all the same.
    assert_eq!(try_decide(&stage, &approval, "approve").await, Some(StatusCode::CONFLICT));
    while wish.approvals(&stage).await[0]["state"] == "open" {
        assert!(begun.elapsed() < PATIENCE, "struck through within 60 s: {}", stage.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let line = "Nobody decided in time: Add V (Solo) to the party?";
    let (status, body) = stage.get("/api/approvals").await;
    assert_eq!((status, body["approvals"].as_array().unwrap().len()), (StatusCode::OK, 0), "{body}");
    let messages = stage.messages(&wish.conversation).await;
    assert_eq!(messages.iter().filter(|m| visible(m).contains(line)).count(), 1, "{messages:#?}");
    stage.restart().await;
    assert_eq!(try_decide(&stage, &approval, "approve").await, Some(StatusCode::CONFLICT));
    wish.is_not_done(&stage, "expired", line).await;
    stage.check_whole();
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_as_the_service_stops_is_done_once() {
    let mut stage = Stage::new().await;
    // Before the signal, at the same time, and behind it.
    for (number, behind) in [false, false, true, true].into_iter().enumerate() {
        let wish = Wish::of(&stage, format!("S{number:02}")).await;
        let approval = wish.ask(&stage).await;
        if behind {
            stage.terminate();
        }
        let decided = try_decide(&stage, &approval, "approve").await;
        if !behind {
            assert_eq!(decided, Some(StatusCode::OK));
            stage.terminate();
        }
        let status = stage.ended().await;
        assert!(status.success(), "{status}: {}", stage.log());
        stage.start(&[]).await;
        decide(&stage, &approval, "approve").await;
        wish.is_done_once(&stage).await;
    }
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_sees_a_history_and_an_audit_that_somebody_changed() {
    use sqlx::{ConnectOptions, Connection, Executor};
    let mut stage = Stage::new().await;
    let wish = Wish::of(&stage, "V".into()).await;
    let approval = wish.ask(&stage).await;
    decide(&stage, &approval, "approve").await;
    wish.is_done_once(&stage).await;
    stage.check_whole();
    stage.kill();
    let file = stage.folder.path().join("data/majordomo.db");
    let mut database = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    database.execute("UPDATE messages SET parts = '[]' WHERE position = 1000").await.unwrap();
    database.execute("DELETE FROM audit WHERE seq = 2").await.unwrap();
    database.close().await.unwrap();
    let output = stage.command(&["doctor"]);
    let said = text_of(&output);
    assert!(!output.status.success(), "{said}");
    for (part, words) in [("histories", wish.conversation.as_str()), ("audit", "the audit is not whole")] {
        let line = said.lines().find(|line| line.starts_with(part)).unwrap_or_default();
        assert!(line.contains("failed") && line.contains(words), "{said}");
    }
}
