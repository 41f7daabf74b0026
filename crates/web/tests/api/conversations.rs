//! Our own API: talking, watching, choosing, and the household.

use crate::house::{House, Sent};
use axum::http::Method;
use majordomo_domain::{ModelEvent, StopReason};
use serde_json::{Value, json};

#[tokio::test]
async fn a_conversation_from_making_to_deleting() {
    let house = House::new().await;
    let asker = house.browser(&house.member).await;
    let me = asker.get("/api/me").await;
    assert_eq!((&me.json["person"]["name"], &me.json["version"]), (&json!("Ben"), &json!("9.9.9")));
    assert_eq!(me.json["agents"][0]["name"], "majordomo");
    assert_eq!((&me.json["demo"], &me.json["suggestions"][0]["title"]), (&Value::Null, &json!("Films")));
    let made = asker.post("/api/conversations", json!({ "title": "Films \u{7} tonight", "agent": "majordomo" })).await;
    assert_eq!((made.status, &made.json["title"]), (201, &json!("Films tonight")), "{}", made.text);
    let id = made.json["id"].as_str().unwrap();
    house.model.says("Good evening.");
    let said = asker.post(&format!("/api/conversations/{id}/messages"), json!({ "text": "hello" })).await;
    assert_eq!((said.status, &said.json["ahead"]), (202, &json!(0)), "{}", said.text);
    house.quiet().await;
    let messages = asker.get(&format!("/api/conversations/{id}/messages")).await;
    assert_eq!(messages.json["messages"][1]["parts"][0], json!({ "type": "text", "text": "Good evening." }));
    assert_eq!(messages.json["more"], false);
    let older = asker.get(&format!("/api/conversations/{id}/messages?limit=1&before=1001")).await;
    assert_eq!(older.json["messages"][0]["role"], "user", "{}", older.text);
    let shown = asker.get(&format!("/api/conversations/{id}")).await;
    assert_eq!((&shown.json["usage"]["input_tokens"], &shown.json["turns"]), (&json!(100), &json!(1)));
    let turn = said.json["turn_id"].as_str().unwrap();
    let report = asker.get(&format!("/api/turns/{turn}")).await;
    assert_eq!((&report.json["turn"]["state"], &report.json["turn"]["conversation"]), (&json!("done"), &json!(id)));
    let cancelled = asker.post(&format!("/api/turns/{turn}/cancel"), json!({})).await;
    assert_eq!(cancelled.json, json!({ "cancelled": 0 }));
    let renamed = asker.patch(&format!("/api/conversations/{id}"), json!({ "title": "Other" })).await;
    assert_eq!(renamed.json["title"], "Other");
    asker.new_conversation().await;
    let found = asker.get("/api/conversations?query=oth&limit=5").await;
    assert_eq!(found.json["conversations"].as_array().unwrap().len(), 1);
    assert_eq!(asker.get("/api/conversations?limit=1").await.json["more"], true);
    let usage = asker.get("/api/usage?days=1").await;
    assert_eq!(usage.json["days"][0]["input_tokens"], 100, "{}", usage.text);
    let cleared = asker.delete(&format!("/api/conversations/{id}/messages")).await;
    assert_eq!(cleared.json, json!({ "deleted": 2 }));
    assert_eq!(asker.delete(&format!("/api/conversations/{id}")).await.status, 204);
    for path in ["", "/messages", "/events"] {
        assert_eq!(asker.get(&format!("/api/conversations/{id}{path}")).await.status, 404, "{path}");
    }
    let late = asker.post(&format!("/api/conversations/{id}/messages"), json!({ "text": "hello" })).await;
    assert_eq!(late.status, 404);
    assert_eq!(asker.get(&format!("/api/turns/{turn}")).await.status, 404);
}

/// Every event of the turns up to the end, from a watcher who was there all the time.
async fn talk(house: &House, asker: &crate::house::Asker, id: &str) -> Vec<Sent> {
    let mut events = asker.watch(&format!("/api/conversations/{id}/events")).await;
    let snapshot = events.next().await.unwrap();
    assert_eq!((&snapshot.data["type"], &snapshot.data["running"]), (&json!("snapshot"), &Value::Null));
    house.model.calls(&[("things_echo", r#"{"text":"a"}"#)]).says("Here it is, all of it.");
    asker.post(&format!("/api/conversations/{id}/messages"), json!({ "text": "hello" })).await;
    let all = events.until_finished().await;
    assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id));
    all
}

#[tokio::test]
async fn a_stream_resumed_at_any_event_is_byte_for_byte_the_rest() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let id = asker.new_conversation().await;
    let all = talk(&house, &asker, &id).await;
    let kinds: Vec<_> = all.iter().map(|event| event.data["type"].as_str().unwrap()).collect();
    for kind in ["turn_queued", "turn_started", "model_asked", "call_started", "call_finished", "text_delta"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    for (place, event) in all.iter().enumerate().take(all.len() - 1) {
        let number = event.id.unwrap();
        assert_eq!(event.data["number"], number);
        let by_header = asker.clone().header("last-event-id", &number.to_string());
        let mut by_header = by_header.watch(&format!("/api/conversations/{id}/events?after=1")).await;
        let mut by_query = asker.watch(&format!("/api/conversations/{id}/events?after={number}")).await;
        for expected in &all[place + 1..] {
            assert_eq!(by_header.next().await.unwrap().raw, expected.raw);
            assert_eq!(by_query.next().await.unwrap().raw, expected.raw);
        }
    }
}

#[tokio::test]
async fn a_number_that_was_never_given_is_refused() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let id = asker.new_conversation().await;
    let last = talk(&house, &asker, &id).await.last().unwrap().id.unwrap();
    let path = format!("/api/conversations/{id}/events");
    for wrong in [&(last + 5_000_000).to_string(), "x", "-1", "1.5", "9223372036854775807", "99999999999999999999", ""]
    {
        let answer = asker.clone().header("last-event-id", wrong).get(&path).await;
        assert_eq!((answer.status, answer.code()), (400, "BAD_REQUEST"), "{wrong:?}");
        let answer = asker.get(&format!("{path}?after={wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong:?}");
    }
    let other = house.program(&house.admin).await.header("last-event-id", &last.to_string());
    assert_eq!(other.get(&path).await.status, 404);
}

#[tokio::test]
async fn streams_end_when_the_service_stops_and_when_their_reader_is_signed_out() {
    let house = House::new().await;
    let (browser, program) = (house.browser(&house.member).await, house.program(&house.member).await);
    let id = program.new_conversation().await;
    let path = format!("/api/conversations/{id}/events");
    let mut left = browser.watch(&path).await;
    let mut stays = program.watch(&path).await;
    left.next().await;
    stays.next().await;
    assert_eq!(browser.post("/api/logout", json!({})).await.status, 204);
    program.patch(&format!("/api/conversations/{id}"), json!({ "title": "secret" })).await;
    assert!(left.next().await.is_none());
    assert_eq!(stays.next().await.unwrap().data["title"], "secret");
    house.stopping.cancel();
    assert!(stays.next().await.is_none());
}

#[tokio::test]
async fn whoever_watches_a_turn_sees_its_end_although_the_service_stops() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let id = asker.new_conversation().await;
    let speaker = house.live.speaker();
    let mut events = asker.watch(&format!("/api/conversations/{id}/events")).await;
    let body = json!({ "text": "hello", "model": "live/one" });
    asker.post(&format!("/api/conversations/{id}/messages"), body).await;
    speaker.say("Good ");
    while events.next().await.unwrap().data["type"] != "text_delta" {}
    house.stopping.cancel();
    speaker.say("bye.");
    speaker.end();
    let all = events.until_finished().await;
    assert_eq!(all.last().unwrap().data["messages"][0]["parts"][0]["text"], "Good bye.");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_repeat_under_the_same_key_is_one_message() {
    let house = House::new().await;
    let asker = house.program(&house.member).await.header("idempotency-key", "k-1");
    let (id, other) = (asker.new_conversation().await, asker.new_conversation().await);
    house.model.says("One.");
    let say = async |id: &str, text: &str| {
        asker.post(&format!("/api/conversations/{id}/messages"), json!({ "text": text })).await
    };
    let first = say(&id, "hello").await;
    let again = say(&id, "hello").await;
    assert_eq!((again.status, &again.json["turn_id"]), (202, &first.json["turn_id"]));
    let changed = say(&id, "something else").await;
    assert_eq!((changed.status, changed.code()), (409, "CONFLICT"), "{}", changed.text);
    house.quiet().await;
    assert_eq!(house.model.asked().len(), 1);
    // The key belongs to the conversation and to the person.
    house.model.says("Two.").says("Three.");
    assert_ne!(say(&other, "hello").await.json["turn_id"], first.json["turn_id"]);
    let admin = house.program(&house.admin).await.header("idempotency-key", "k-1");
    let theirs = admin.new_conversation().await;
    let said = admin.post(&format!("/api/conversations/{theirs}/messages"), json!({ "text": "hello" })).await;
    assert_eq!(said.status, 202);
    let wrong = asker.clone().header("idempotency-key", &"k".repeat(129));
    assert_eq!(wrong.post(&format!("/api/conversations/{id}/messages"), json!({ "text": "hi" })).await.status, 422);
}

#[tokio::test]
async fn tools_are_listed_and_run() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let listed = asker.get("/api/tools").await;
    let tool = &listed.json["toolkits"][0]["tools"][0];
    assert_eq!(
        (&tool["name"], &tool["effect"], &tool["aliases"]),
        (&json!("things_echo"), &json!("read"), &json!(["echo"]))
    );
    assert_eq!(tool["schema"]["required"], json!(["text"]), "{}", listed.text);
    for name in ["things_echo", "echo"] {
        let ran = asker.post(&format!("/api/tools/{name}"), json!({ "text": "hi" })).await;
        assert_eq!(ran.json, json!({ "text": "hi", "cards": [], "is_error": false }));
    }
    for arguments in [json!({}), json!({ "text": 1 }), json!({ "text": "a", "more": 1 }), json!({ "text": "away" })] {
        let ran = asker.post("/api/tools/things_echo", arguments).await;
        assert_eq!((ran.status, &ran.json["is_error"]), (200, &json!(true)), "{}", ran.text);
    }
    let refused = asker.post("/api/tools/things_throw", json!({})).await;
    assert_eq!(refused.status, 200);
    assert!(refused.json["approval"].is_string(), "what cannot be undone waits: {}", refused.text);
    assert_eq!(asker.post("/api/tools/nothing", json!({})).await.status, 404);
    assert_eq!(asker.post_raw("/api/tools/things_echo", "{\"text\":").await.status, 400);
    // A bug of ours is said to be one, and nothing of it is shown.
    let bug = asker.post("/api/tools/things_echo", json!({ "text": "boom" })).await;
    assert_eq!((bug.status, bug.code()), (500, "INTERNAL_ERROR"), "{}", bug.text);
    assert!(!bug.text.contains("secret") && !bug.text.contains("panic"));
    assert!(asker.get("/api/models").await.text.contains("scripted/one"));
}

#[tokio::test]
async fn prompts_and_limits_of_agents_are_for_admins() {
    let house = House::new().await;
    let agents = async |person| house.program(person).await.get("/api/agents").await.json["agents"].clone();
    let seen = agents(&house.member).await;
    let mut keys: Vec<&str> = seen[0].as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!((seen[0]["name"].as_str(), keys), (Some("majordomo"), vec!["id", "name", "toolkits"]), "{seen}");
    let whole = agents(&house.admin).await;
    assert_eq!((&whole[0]["id"], &whole[0]["prompt"]), (&seen[0]["id"], &json!("You are helpful.")), "{whole}");
    assert!(whole[0]["limits"]["steps"].is_number(), "{whole}");
}

#[tokio::test]
async fn pictures_come_from_us_and_are_kept_a_week() {
    let house = House::new().await;
    let asker = house.browser(&house.member).await;
    let picture = asker.get("/api/pictures/things/a/b.png").await;
    assert_eq!((picture.status, picture.header("content-type")), (200, "image/png"), "{}", picture.text);
    assert_eq!(picture.header("cache-control"), "private, max-age=604800");
    assert_eq!(picture.header("x-content-type-options"), "nosniff");
    let etag = picture.header("etag").to_owned();
    let known = asker.clone().header("if-none-match", &etag).get("/api/pictures/things/a/b.png").await;
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    let drawing = asker.get("/api/pictures/things/d.svg").await;
    assert!(drawing.header("content-security-policy").contains("sandbox"));
    assert_eq!(asker.get("/api/pictures/things/page.html").await.status, 502);
    for path in ["/api/pictures/nobody/a.png", "/api/pictures/things/..%2f..%2fetc", "/api/pictures/things/a//b"] {
        assert_eq!(asker.get(path).await.status, 404, "{path}");
    }
    assert_eq!(asker.get("/api/pictures/things/gone.png").await.status, 502);
    assert_eq!(house.stranger().get("/api/pictures/things/a/b.png").await.status, 401);
}

#[tokio::test]
async fn a_household_is_looked_after_by_its_admins() {
    let house = House::new().await;
    let admin = house.browser(&house.admin).await;
    let made =
        admin.post("/api/people", json!({ "name": " Cleo ", "standing": "child", "zone": "Europe/Berlin" })).await;
    assert_eq!((made.status, &made.json["name"]), (201, &json!("Cleo")), "{}", made.text);
    let id = made.json["id"].as_str().unwrap();
    for wrong in [
        json!({ "name": "", "standing": "child" }),
        json!({ "name": "x", "standing": "king" }),
        json!({ "name": "x", "standing": "child", "zone": "Mars/Base" }),
        json!({ "name": "x", "standing": "child", "language": "<b>" }),
    ] {
        assert_eq!(admin.post("/api/people", wrong.clone()).await.status, 422, "{wrong}");
    }
    let link = admin.post(&format!("/api/people/{id}/link"), json!({})).await;
    let code = link.json["url"].as_str().unwrap().strip_prefix("http://127.0.0.1:8765/#code=").unwrap().to_owned();
    let cleo = house.stranger().post("/api/login", json!({ "code": code })).await;
    assert_eq!((cleo.status, &cleo.json["person"]["standing"]), (200, &json!("child")));
    let changed = admin.patch(&format!("/api/people/{id}"), json!({ "standing": "member", "zone": null })).await;
    assert_eq!((&changed.json["standing"], changed.json.get("zone")), (&json!("member"), None), "{}", changed.text);
    // The last admin stays.
    let own = house.admin.id;
    assert_eq!(admin.patch(&format!("/api/people/{own}"), json!({ "standing": "guest" })).await.status, 409);
    assert_eq!(admin.delete(&format!("/api/people/{own}")).await.status, 409);
    assert_eq!(admin.delete(&format!("/api/people/{id}")).await.status, 204);
    assert_eq!(admin.delete(&format!("/api/people/{id}")).await.status, 404);
    let cookie = cleo.header("set-cookie").split(';').next().unwrap().to_owned();
    assert_eq!(house.stranger().header("cookie", &cookie).get("/api/me").await.status, 401);
    let everybody = admin.get("/api/people").await;
    assert_eq!(everybody.json["people"].as_array().unwrap().len(), 2);
    assert_eq!(admin.get("/api/usage?all=true&days=3").await.status, 200);
}

#[tokio::test]
async fn thinking_is_shown_without_its_proof() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let id = asker.new_conversation().await;
    house.model.then(vec![
        Ok(ModelEvent::Thinking("Hm.".into())),
        Ok(ModelEvent::ThinkingState(json!({ "signature": "opaque-proof" }))),
        Ok(ModelEvent::Text("Yes.".into())),
        Ok(ModelEvent::Finished { reason: StopReason::End, model: None }),
    ]);
    let mut events = asker.watch(&format!("/api/conversations/{id}/events")).await;
    asker.post(&format!("/api/conversations/{id}/messages"), json!({ "text": "hello" })).await;
    let all = events.until_finished().await;
    let messages = asker.get(&format!("/api/conversations/{id}/messages")).await;
    let finished = all.last().unwrap();
    assert_eq!(finished.data["messages"][0], messages.json["messages"][1]);
    assert!(messages.text.contains("Hm."));
    assert!(!messages.text.contains("opaque-proof") && all.iter().all(|event| !event.raw.contains("opaque-proof")));
    assert_eq!(asker.send(Method::HEAD, "/api/me", "").await.status, 200);
}

#[tokio::test]
async fn a_conversation_deleted_while_it_is_answered_stays_deleted() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let id = asker.new_conversation().await;
    let path = format!("/api/conversations/{id}");
    let speaker = house.live.speaker();
    let mut events = asker.watch(&format!("{path}/events")).await;
    let said = json!({ "text": "tell me a story", "model": "live/one" });
    let turn = asker.post(&format!("{path}/messages"), said.clone()).await.json["turn_id"].clone();
    // One that waits behind it, too.
    assert_eq!(asker.post(&format!("{path}/messages"), said).await.status, 202);
    house.live.heard().await;
    speaker.say("Once");
    while events.next().await.expect("it is written").data["type"] != "text_delta" {}
    assert_eq!(asker.delete(&path).await.status, 204);
    speaker.say(" upon a time");
    speaker.end();
    house.quiet().await;
    while events.next().await.expect("it is told").data["type"] != "conversation_deleted" {}
    for gone in [path.clone(), format!("{path}/messages"), format!("/api/turns/{}", turn.as_str().unwrap())] {
        assert_eq!(asker.get(&gone).await.status, 404, "{gone}");
    }
    assert_eq!(asker.get("/api/conversations").await.json["conversations"], json!([]));
    assert!(house.model.asked().is_empty(), "what waited is not answered either");
    // The service goes on.
    let next = asker.new_conversation().await;
    house.model.says("Yes.");
    assert_eq!(asker.post(&format!("/api/conversations/{next}/messages"), json!({ "text": "hi" })).await.status, 202);
    house.quiet().await;
}
