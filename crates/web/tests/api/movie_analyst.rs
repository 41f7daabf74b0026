//! The Movie Analyst API, row by row of what its users rely on.

use crate::house::{Asker, Events, House};
use axum::http::Method;
use majordomo_domain::{CallRequest, Clock, ModelError, ModelEvent, StopReason};
use serde_json::{Value, json};

async fn chat(asker: &Asker, session: &str, message: &str) -> crate::house::Answer {
    asker.post("/api/v1/chat", json!({ "session_id": session, "message": message })).await
}

async fn stream(asker: &Asker, body: Value) -> Events {
    let asker = asker.clone().header("content-type", "application/json");
    let response = asker.open(Method::POST, "/api/v1/chat", body.to_string()).await;
    assert_eq!(response.status(), 200);
    Events::new(response)
}

async fn last_message(asker: &Asker, session: &str) -> Value {
    let answer = asker.get(&format!("/api/v1/session/{session}/messages")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["messages"].as_array().unwrap().last().cloned().unwrap_or(Value::Null)
}

fn joined(events: &[crate::house::Sent]) -> String {
    events.iter().filter_map(|event| event.data["content"].as_str()).collect()
}

#[tokio::test]
async fn a_session_lives_from_making_to_deleting() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    // A new session is empty.
    let new = asker.post("/api/v1/session/new", json!({})).await;
    assert_eq!(new.status, 200, "{}", new.text);
    let session = new.json["session_id"].as_str().unwrap().to_owned();
    assert_eq!(session.len(), 36);
    assert!(new.json["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(last_message(&asker, &session).await, Value::Null);
    // The answer as a whole.
    house.model.says("Metropolis is from 1927.");
    let answer = chat(&asker, &session, "When is Metropolis from?").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["content"], "Metropolis is from 1927.");
    assert_eq!(answer.json["session_id"], session.as_str());
    assert_eq!(answer.json.as_object().unwrap().len(), 3, "{}", answer.text);
    assert!(answer.json["timestamp"].as_str().unwrap().contains('T'));
    // Everything said is listed in order.
    house.clock.advance_ms(1_000);
    house.model.says("Fritz Lang.");
    chat(&asker, &session, "By whom?").await;
    let listed = asker.get(&format!("/api/v1/session/{session}/messages")).await;
    let messages = listed.json["messages"].as_array().unwrap();
    let said: Vec<_> = messages.iter().map(|m| (m["role"].as_str().unwrap(), m["content"].as_str().unwrap())).collect();
    let expected = [
        ("user", "When is Metropolis from?"),
        ("assistant", "Metropolis is from 1927."),
        ("user", "By whom?"),
        ("assistant", "Fritz Lang."),
    ];
    assert_eq!(said, expected);
    assert!(messages[0]["created_at"].as_str() < messages[2]["created_at"].as_str());
    assert!(messages.iter().all(|m| m["id"].is_string()));
    // The first message is the title.
    let shown = asker.get(&format!("/api/v1/session/{session}")).await;
    assert_eq!(shown.json["title"], "When is Metropolis from?");
    assert_eq!((&shown.json["created_at"], &shown.json["metadata"]), (&new.json["created_at"], &json!({})));
    // The title can be changed, and nothing else.
    let renamed = asker.patch(&format!("/api/v1/session/{session}"), json!({ "title": "Silent films" })).await;
    assert_eq!(renamed.json, json!({ "status": "updated", "session_id": session }));
    for wrong in [json!({ "title": 5 }), json!({ "title": "x", "owner": "me" }), json!({}), json!({ "title": " " })] {
        let answer = asker.patch(&format!("/api/v1/session/{session}"), wrong).await;
        assert_eq!((answer.status, answer.code()), (422, "VALIDATION_ERROR"), "{}", answer.text);
    }
    // The newest session comes first.
    house.clock.advance_ms(1_000);
    house.model.says("Hello.");
    chat(&asker, "kitchen table", "hello").await;
    let sessions = asker.get("/api/v1/sessions").await;
    let rows: Vec<_> = sessions.json["sessions"].as_array().unwrap().iter().collect();
    assert_eq!((rows[0]["session_id"].as_str(), rows[0]["message_count"].as_u64()), (Some("kitchen table"), Some(2)));
    assert_eq!((rows[1]["title"].as_str(), rows[1]["message_count"].as_u64()), (Some("Silent films"), Some(4)));
    // Clearing keeps the session.
    let cleared = asker.delete(&format!("/api/v1/session/{session}/messages")).await;
    assert_eq!(cleared.json, json!({ "status": "cleared", "session_id": session, "deleted": 4 }));
    assert_eq!(last_message(&asker, &session).await, Value::Null);
    assert_eq!(asker.get(&format!("/api/v1/session/{session}")).await.status, 200);
    // Deleting does not.
    let deleted = asker.delete(&format!("/api/v1/session/{session}")).await;
    assert_eq!(deleted.json, json!({ "status": "deleted", "session_id": session }));
    assert_eq!(asker.get(&format!("/api/v1/session/{session}")).await.status, 404);
    // What was deleted begins anew under its name.
    house.model.says("Again.");
    assert_eq!(chat(&asker, &session, "hello?").await.json["content"], "Again.");
    assert_eq!(
        asker.get(&format!("/api/v1/session/{session}/messages")).await.json["messages"].as_array().unwrap().len(),
        2
    );
}

#[tokio::test]
async fn a_session_nobody_knows_is_made_by_talking_and_nowhere_else() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let unknown = uuid::Uuid::now_v7().to_string();
    for session in ["nobody", &unknown, "with%20space%2Fand-slash"] {
        let path = format!("/api/v1/session/{session}");
        for (method, path, body) in [
            (Method::GET, path.clone(), ""),
            (Method::PATCH, path.clone(), r#"{"title":"x"}"#),
            (Method::DELETE, path.clone(), ""),
            (Method::GET, format!("{path}/messages"), ""),
            (Method::DELETE, format!("{path}/messages"), ""),
            (Method::GET, format!("{path}/status"), ""),
            (Method::POST, format!("{path}/cancel"), ""),
        ] {
            let answer =
                asker.clone().header("content-type", "application/json").send(method.clone(), &path, body).await;
            assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{method} {path}");
        }
    }
    // Any name makes a session.
    for session in ["nobody", &unknown, "with space/and-slash", "日本語 🎬"] {
        house.model.says("Hello.");
        assert_eq!(chat(&asker, session, "hi").await.status, 200, "{session}");
    }
    assert_eq!(asker.get("/api/v1/session/with%20space%2Fand-slash").await.status, 200);
    let names = asker.get("/api/v1/sessions").await;
    assert!(names.text.contains("日本語 🎬") && names.text.contains(&unknown));
}

#[tokio::test]
async fn what_is_not_a_message_is_refused_with_code_and_id() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    for body in [
        json!({ "session_id": "s", "message": "" }),
        json!({ "session_id": "s", "message": " \u{200b}\n" }),
        json!({ "session_id": "s", "message": "ü".repeat(2001) }),
        json!({ "message": "hi" }),
        json!({ "session_id": "", "message": "hi" }),
        json!({ "session_id": "x".repeat(129), "message": "hi" }),
        json!({ "session_id": "a\nb", "message": "hi" }),
        json!({ "session_id": 7, "message": "hi" }),
        json!({ "session_id": "s" }),
        json!({ "session_id": "s", "message": "hi", "stream": "yes" }),
        json!({ "session_id": "s", "message": "hi", "temperature": 1 }),
        json!([["s", "hi"]]),
    ] {
        let answer = asker.post("/api/v1/chat", body.clone()).await;
        assert_eq!((answer.status, answer.code()), (422, "VALIDATION_ERROR"), "{body} {}", answer.text);
        assert_eq!(answer.json["request_id"], answer.header("x-request-id"));
        assert!(answer.json["timestamp"].is_string());
    }
    assert!(house.model.asked().is_empty());
    house.model.says("Fine.");
    assert_eq!(chat(&asker, "s", &"ü".repeat(2000)).await.status, 200);
}

#[tokio::test]
async fn a_stream_brings_words_before_the_answer_is_whole_and_adds_up_to_what_is_stored() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let speaker = house.live.speaker();
    let body = json!({ "session_id": "s", "message": "hi", "stream": true, "model": "live/one" });
    let mut events = stream(&asker, body).await;
    speaker.say("  Good ");
    speaker.say("evening,\n\n");
    // The model has not finished.
    let first = events.next().await.unwrap();
    assert_eq!(first.data["session_id"], "s");
    let second = events.next().await.unwrap();
    speaker.say("Ada.\u{7} 🎬");
    speaker.end();
    let mut all = vec![first, second];
    all.extend(events.until_finished().await);
    // The last event says that it is the last.
    let last = all.last().unwrap();
    assert_eq!(last.data, json!({ "session_id": "s", "done": true }));
    assert!(events.next().await.is_none());
    assert!(all.iter().all(|event| event.data["session_id"] == "s" && event.id.is_none()));
    assert!(all.iter().all(|event| event.raw.lines().count() == 2));
    // What was sent is what is stored.
    let stored = last_message(&asker, "s").await;
    assert_eq!(joined(&all), stored["content"].as_str().unwrap());
    assert_eq!(stored["content"], "  Good evening,\n\nAda. 🎬");
}

#[tokio::test]
async fn words_before_and_after_calls_are_one_answer() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let call = |text: &str| {
        let arguments = json!({ "text": text }).to_string();
        Ok(ModelEvent::Call(CallRequest { id: "1".into(), name: "things_echo".into(), arguments }))
    };
    let finished = |reason| Ok(ModelEvent::Finished { reason, model: None });
    let text = |text: &str| Ok(ModelEvent::Text(text.into()));
    let script = || {
        house.model.then(vec![text("Let me "), text("look."), call("a"), finished(StopReason::Calls)]);
        // Nothing but space is not an answer's part.
        house.model.then(vec![text(" \n"), call("b"), finished(StopReason::Calls)]);
        house.model.then(vec![text("\n"), text("There it is."), finished(StopReason::End)]);
    };
    script();
    let mut events = stream(&asker, json!({ "session_id": "s", "message": "hi", "stream": true })).await;
    let streamed = joined(&events.until_finished().await);
    assert_eq!(streamed, "Let me look.\n\n\nThere it is.");
    assert_eq!(last_message(&asker, "s").await["content"], streamed.as_str());
    script();
    assert_eq!(chat(&asker, "s", "again").await.json["content"], streamed.as_str());
    let listed = asker.get("/api/v1/session/s/messages").await;
    assert_eq!(listed.json["messages"].as_array().unwrap().len(), 4, "{}", listed.text);
}

#[tokio::test]
async fn a_step_that_is_begun_anew_never_leaves_a_stream_that_is_not_the_answer() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let text = |text: &str| Ok(ModelEvent::Text(text.into()));
    let broken = || Err(ModelError::Broken { provider: "scripted".into(), detail: "cut".into() });
    let finished = || Ok(ModelEvent::Finished { reason: StopReason::End, model: None });
    let speaker = house.live.speaker();
    // The second model says the same and more: the stream goes on.
    house.model.then(vec![text("It is "), broken()]);
    for piece in ["It", " is noon", "."] {
        speaker.say(piece);
    }
    speaker.end();
    let mut events = stream(&asker, json!({ "session_id": "s", "message": "time?", "stream": true })).await;
    let all = events.until_finished().await;
    let stored = last_message(&asker, "s").await;
    assert_eq!(joined(&all), stored["content"].as_str().unwrap());
    assert!(joined(&all).starts_with("It is noon."));
    assert!(all.last().unwrap().data.get("error").is_none());
    // It says something else: the stream ends with an error, and the answer is in the session.
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let speaker = house.live.speaker();
    house.model.then(vec![text("It is "), broken(), finished()]);
    for piece in ["Noon, ", "and not ", "a minute later."] {
        speaker.say(piece);
    }
    speaker.end();
    let mut events = stream(&asker, json!({ "session_id": "s", "message": "time?", "stream": true })).await;
    let all = events.until_finished().await;
    let last = &all.last().unwrap().data;
    assert!(last["error"].as_str().unwrap().contains("begun anew") && last["done"] == true, "{last}");
    assert_eq!(joined(&all), "It is ");
    assert!(last_message(&asker, "s").await["content"].as_str().unwrap().starts_with("Noon, and not a minute later."));
}

#[tokio::test]
async fn a_failure_is_said_in_the_stream_and_in_the_plain_answer() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let refused = || ModelError::Refused { provider: "scripted".into(), detail: "no credit".into() };
    // A failure is told in the last event.
    house.model.fails(refused());
    let mut events = stream(&asker, json!({ "session_id": "s", "message": "hi", "stream": true })).await;
    let all = events.until_finished().await;
    let last = &all.last().unwrap().data;
    assert_eq!((&last["session_id"], &last["done"]), (&json!("s"), &json!(true)));
    assert!(last["error"].as_str().unwrap().contains("nobody speaks"), "{last}");
    house.model.fails(refused());
    let answer = chat(&asker, "s", "hi").await;
    assert_eq!((answer.status, answer.code()), (503, "NO_ANSWER"), "{}", answer.text);
}

#[tokio::test]
async fn an_answer_without_a_word_is_an_empty_one() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    house.model.calls(&[("stay_silent", "{}")]);
    let answer = chat(&asker, "s", "nothing for you").await;
    assert_eq!((answer.status, &answer.json["content"]), (200, &json!("")), "{}", answer.text);
    assert!(answer.json["timestamp"].as_str().unwrap().contains('T'));
    house.model.calls(&[("stay_silent", "{}")]);
    let mut events = stream(&asker, json!({ "session_id": "s", "message": "nor this", "stream": true })).await;
    let all = events.until_finished().await;
    assert_eq!(all.last().unwrap().data, json!({ "session_id": "s", "done": true }));
    assert_eq!(joined(&all), "");
    assert!(events.next().await.is_none());
    assert_eq!(house.model.asked().len(), 2);
}

#[tokio::test]
async fn a_cancelled_turn_leaves_a_marker_and_the_waiting_request_gets_it() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let speaker = house.live.speaker();
    let waiting = tokio::spawn({
        let asker = asker.clone();
        async move { asker.post("/api/v1/chat", json!({ "session_id": "s", "message": "hi", "model": "live/one" })).await }
    });
    while house.engine.running_turns() == 0 {
        tokio::task::yield_now().await;
    }
    speaker.say("Once upon");
    // The turn is running.
    let status = asker.get("/api/v1/session/s/status").await;
    assert_eq!(status.json, json!({ "session_id": "s", "pending": true, "task_count": 1 }));
    // It is cancelled.
    let cancelled = asker.post("/api/v1/session/s/cancel", json!({})).await;
    assert_eq!(cancelled.json, json!({ "session_id": "s", "cancelled": 1 }));
    // Whoever waited is told.
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, &answer.json["cancelled"]), (200, &json!(true)), "{}", answer.text);
    assert!(answer.json["content"].as_str().unwrap().contains("Cancelled"), "{}", answer.text);
    assert_eq!(last_message(&asker, "s").await["content"], answer.json["content"]);
    house.quiet().await;
    let status = asker.get("/api/v1/session/s/status").await;
    assert_eq!(status.json, json!({ "session_id": "s", "pending": false, "task_count": 0 }));
    let again = asker.post("/api/v1/session/s/cancel", json!({})).await;
    assert_eq!(again.json["cancelled"], 0);
}

#[tokio::test]
async fn deleting_a_session_stops_its_turn_and_no_late_answer_appears() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let speaker = house.live.speaker();
    let mut events =
        stream(&asker, json!({ "session_id": "s", "message": "hi", "stream": true, "model": "live/one" })).await;
    speaker.say("Once");
    assert_eq!(events.next().await.unwrap().data["content"], "Once");
    // What is deleted while it is written stays deleted.
    assert_eq!(asker.delete("/api/v1/session/s").await.status, 200);
    speaker.say(" upon a time");
    speaker.end();
    house.quiet().await;
    assert_eq!(events.until_finished().await.last().unwrap().data["done"], true);
    assert_eq!(asker.get("/api/v1/session/s/messages").await.status, 404);
    assert_eq!(asker.get("/api/v1/sessions").await.json["sessions"], json!([]));
    house.model.says("New.");
    chat(&asker, "s", "hi").await;
    let messages = asker.get("/api/v1/session/s/messages").await;
    assert!(!messages.text.contains("Once"), "{}", messages.text);
}

#[tokio::test]
async fn closing_the_stream_does_not_stop_the_answer() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let speaker = house.live.speaker();
    let mut events =
        stream(&asker, json!({ "session_id": "s", "message": "hi", "stream": true, "model": "live/one" })).await;
    speaker.say("Once");
    events.next().await;
    drop(events);
    speaker.say(" upon a time.");
    speaker.end();
    house.quiet().await;
    // The answer was finished although nobody listened.
    assert_eq!(last_message(&asker, "s").await["content"], "Once upon a time.");
}

#[tokio::test]
async fn the_model_asked_for_answers_and_an_unknown_one_is_refused() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    // The model that is asked for.
    let speaker = house.live.speaker();
    speaker.say("Live.");
    speaker.end();
    let body = |model: &str| json!({ "session_id": "s", "message": "hi", "model": model });
    assert_eq!(asker.post("/api/v1/chat", body("live/one")).await.json["content"], "Live.");
    house.model.says("Default.");
    assert_eq!(asker.post("/api/v1/chat", body("auto")).await.json["content"], "Default.");
    let answer = asker.post("/api/v1/chat", body("nobody/none")).await;
    assert_eq!((answer.status, answer.code()), (422, "UNKNOWN_MODEL"), "{}", answer.text);
    let answer = asker
        .post("/api/v1/chat", json!({ "session_id": "other", "message": "hi", "model": "nobody/none", "stream": true }))
        .await;
    assert_eq!(answer.status, 422);
    assert_eq!(asker.get("/api/v1/session/other").await.status, 404);
}

#[tokio::test]
async fn two_messages_at_once_are_answered_one_after_the_other() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    house.model.says("First.").says("Second.");
    // One after the other, and both find the session although neither made it before the other asked.
    let (one, two) = tokio::join!(chat(&asker, "s", "one"), chat(&asker, "s", "two"));
    assert_eq!((one.status, two.status), (200, 200), "{} {}", one.text, two.text);
    let listed = asker.get("/api/v1/session/s/messages").await;
    let roles: Vec<_> =
        listed.json["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap().to_owned()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    assert!(house.clock.now_ms() > 0);
}

#[tokio::test]
async fn equal_names_of_two_people_are_two_sessions() {
    let house = House::new().await;
    let (ada, ben) = (house.program(&house.admin).await, house.program(&house.member).await);
    house.model.says("For Ada.").says("For Ben.");
    chat(&ada, "s", "secret of Ada").await;
    chat(&ben, "s", "hello").await;
    // Nobody sees what another person said.
    assert!(!ben.get("/api/v1/session/s/messages").await.text.contains("Ada"));
    let id = ada.get("/api/conversations").await.json["conversations"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ben.get(&format!("/api/v1/session/{id}")).await.status, 404);
    house.model.says("Your own.");
    // Talking under the id of another one's conversation makes a session of one's own.
    assert_eq!(chat(&ben, &id, "hello").await.json["content"], "Your own.");
    assert!(!ben.get(&format!("/api/v1/session/{id}/messages")).await.text.contains("Ada"));
    assert_eq!(
        ada.get(&format!("/api/conversations/{id}/messages")).await.json["messages"].as_array().unwrap().len(),
        2
    );
}
