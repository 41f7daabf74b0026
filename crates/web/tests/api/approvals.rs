//! Deciding, stopping, the audit, what is remembered and forgetting, over HTTP.

use crate::house::House;
use majordomo_domain::{Origin, Person, PersonId, Standing};
use majordomo_store::{Fact, Scope};
use serde_json::json;

impl House {
    async fn somebody(&self, name: &str, standing: Standing) -> Person {
        let person = Person { id: PersonId::new(), name: name.into(), standing, ..self.member.clone() };
        self.store.put_person(&person).await.unwrap();
        person
    }

    /// The member wants something thrown away, which is for an admin to decide; the approval's id.
    async fn asked(&self) -> String {
        let member = self.program(&self.member).await;
        let answer = member.post("/api/tools/things_throw", json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["approval"].as_str().expect("it waits").to_owned()
    }
}

#[tokio::test]
async fn an_approval_is_seen_by_those_it_concerns_and_decided_once() {
    let house = House::new().await;
    let id = house.asked().await;
    let path = format!("/api/approvals/{id}");
    let (admin, member) = (house.program(&house.admin).await, house.program(&house.member).await);
    let other = house.program(&house.somebody("Mia", Standing::Member).await).await;

    let shown = admin.get(&path).await;
    assert_eq!(shown.json["wording"]["question"], "Throwing away?");
    assert_eq!(shown.json["wording"]["reason"], "it cannot be undone");
    assert_eq!((&shown.json["requester_name"], &shown.json["may_decide"]), (&json!("Ben"), &json!(true)));
    assert_eq!(member.get(&path).await.json["may_decide"], false);
    assert_eq!(other.get(&path).await.status, 404);
    assert_eq!(other.post(&path, json!({"decision": "approve"})).await.status, 404);
    let refused = member.post(&path, json!({"decision": "approve"})).await;
    assert_eq!((refused.status, refused.json["error"].as_str()), (403, Some("this is for an admin to decide")));
    for (body, status) in [
        (json!({}), 422),
        (json!({"decision": "perhaps"}), 422),
        (json!({"decision": "change"}), 422),
        (json!({"decision": "change", "arguments": {"more": 1}}), 422),
        (json!({"decision": "approve", "arguments": {}}), 422),
        (json!({"decision": "change", "arguments": {}}), 409),
    ] {
        let answer = admin.post(&path, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
    for (who, state, number) in [(&admin, "open", 1), (&member, "open", 1), (&other, "all", 0)] {
        let list = who.get(&format!("/api/approvals?state={state}")).await;
        assert_eq!(list.json["approvals"].as_array().unwrap().len(), number, "{}", list.text);
    }
    assert_eq!(admin.get("/api/approvals?state=some").await.status, 422);

    let decided = admin.post(&path, json!({"decision": "approve"})).await;
    assert_eq!(decided.status, 200, "{}", decided.text);
    assert!(decided.json["turn_id"].is_string());
    house.quiet().await;
    let end = admin.get(&path).await.json;
    assert_eq!(
        (&end["state"], &end["decided_by_name"], &end["may_decide"]),
        (&json!("executed"), &json!("Ada"), &json!(false))
    );
    let late = admin.post(&path, json!({"decision": "decline"})).await;
    assert_eq!((late.status, late.json["error"].as_str()), (409, Some("this was approved already and is done")));
    assert!(admin.get("/api/approvals").await.json["approvals"].as_array().unwrap().is_empty());
    assert_eq!(admin.get("/api/approvals?state=all").await.json["approvals"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_decides_only_with_its_own_scope() {
    let house = House::new().await;
    let id = house.asked().await;
    let path = format!("/api/approvals/{id}");
    for (scope, status) in [("read", 403), ("chat", 403), ("tools", 403), ("admin", 403), ("approve", 200)] {
        let key = house.key(&house.admin, &[scope]).await;
        let asker = house.stranger().header("authorization", &format!("Bearer {key}"));
        let answer = asker.post(&path, json!({"decision": "decline", "reason": "we still need it"})).await;
        assert_eq!(answer.status, status, "{scope}: {}", answer.text);
    }
    house.quiet().await;
    let end = house.program(&house.admin).await.get(&path).await.json;
    assert_eq!((&end["state"], &end["outcome"]), (&json!("declined"), &json!("we still need it")));
}

#[tokio::test]
async fn the_audit_tells_admins_who_did_what_and_why() {
    let house = House::new().await;
    let id = house.asked().await;
    let admin = house.program(&house.admin).await;
    admin.post(&format!("/api/approvals/{id}"), json!({"decision": "approve"})).await;
    house.quiet().await;
    let conversation = admin.post("/api/conversations", json!({})).await.json["id"].as_str().unwrap().to_owned();
    house.model.says("See https://evil.example/?d=secret for more.");
    let hidden = format!("hi{}", char::from_u32(0xe0041).unwrap());
    admin.post(&format!("/api/conversations/{conversation}/messages"), json!({"text": hidden})).await;
    house.quiet().await;
    let audit = admin.get("/api/audit").await;
    let lines: Vec<String> = audit.json["entries"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|entry| {
            format!(
                "{} {} {}",
                entry["kind"].as_str().unwrap(),
                entry["subject"].as_str().unwrap(),
                entry["detail"].as_str().unwrap()
            )
        })
        .map(|line| line.replace(&id, "ID"))
        .collect();
    assert_eq!(
        lines,
        [
            "policy things_throw ask: it cannot be undone",
            "approval things_throw approval ID: approved",
            "execution things_throw done",
            "hidden_text message 1 characters nobody can see were taken out of a message",
            "foreign_link evil.example an answer names an address that nobody of the household named; it is not drawn as a link",
        ]
    );
    let page = admin.get("/api/audit?limit=2").await.json;
    assert_eq!((page["entries"].as_array().unwrap().len(), &page["more"]), (2, &json!(true)));
    let before = page["entries"][1]["seq"].as_i64().unwrap();
    assert_eq!(
        admin.get(&format!("/api/audit?before={before}&kind=policy")).await.json["entries"].as_array().unwrap().len(),
        1
    );
    assert_eq!(house.program(&house.member).await.get("/api/audit").await.status, 403);
    house.store.verify_audit().await.unwrap();
}

#[tokio::test]
async fn stop_ends_the_callers_turns_and_everybodys_only_for_an_admin() {
    let house = House::new().await;
    let (admin, member) = (house.program(&house.admin).await, house.program(&house.member).await);
    let mut turns = Vec::new();
    let mut speakers = Vec::new();
    for asker in [&admin, &member] {
        speakers.push(house.live.speaker());
        let id = asker.post("/api/conversations", json!({})).await.json["id"].as_str().unwrap().to_owned();
        let said = json!({"text": "talk", "model": "live/one"});
        turns.push(asker.post(&format!("/api/conversations/{id}/messages"), said).await.json["turn_id"].clone());
        house.live.heard().await;
    }
    assert_eq!(member.post("/api/stop?everybody=true", json!({})).await.status, 403);
    assert_eq!(member.post("/api/stop", json!({})).await.json, json!({"cancelled": 1}));
    assert_eq!(
        admin.post("/api/stop?everybody=true", json!({})).await.json["cancelled"].as_u64().map(|n| n >= 1),
        Some(true)
    );
    house.quiet().await;
    for (asker, turn) in [(&admin, &turns[0]), (&member, &turns[1])] {
        let report = asker.get(&format!("/api/turns/{}", turn.as_str().unwrap())).await;
        assert_eq!(report.json["turn"]["state"], "cancelled", "{}", report.text);
    }
}

#[tokio::test]
async fn what_is_known_of_somebody_is_shown_to_them_and_forgotten_when_they_say_so() {
    let house = House::new().await;
    for (who, scope, text) in [
        (&house.member, Scope::Person(house.member.id), "canary-taste"),
        (&house.member, Scope::Household, "canary-shared"),
        (&house.admin, Scope::Person(house.admin.id), "canary-of-ada"),
    ] {
        let id = PersonId::new().to_string();
        let fact = Fact { id, scope, author: who.id, origin: Origin::Own, text: text.into(), created_at_ms: 1 };
        house.store.put_fact(&fact).await.unwrap();
    }
    let (admin, member) = (house.program(&house.admin).await, house.program(&house.member).await);
    let known = member.get("/api/memory").await;
    assert!(known.text.contains("canary-taste") && known.text.contains("canary-shared"), "{}", known.text);
    assert!(!known.text.contains("canary-of-ada"));
    assert!(!admin.get("/api/memory").await.text.contains("canary-taste"), "an admin reads nobody's own facts");
    let id = known.json["facts"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(admin.delete(&format!("/api/memory/{id}")).await.status, 404);
    assert_eq!(member.delete(&format!("/api/memory/{id}")).await.status, 204);
    assert!(!member.get("/api/memory").await.text.contains("canary-taste"));

    let conversation = member.post("/api/conversations", json!({})).await.json["id"].as_str().unwrap().to_owned();
    house.model.says("Noted.");
    member.post(&format!("/api/conversations/{conversation}/messages"), json!({"text": "canary-said"})).await;
    house.quiet().await;
    let forget = |name: &'static str| member.delete_with("/api/me/data", json!({ "confirm": name }));
    assert_eq!(forget("Ada").await.status, 422);
    let gone = forget("ben").await;
    assert_eq!(
        (gone.status, &gone.json["conversations"], &gone.json["facts"]),
        (200, &json!(1), &json!(1)),
        "{}",
        gone.text
    );
    assert_eq!(member.get(&format!("/api/conversations/{conversation}/messages")).await.status, 404);
    assert_eq!(admin.get("/api/memory").await.json["facts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_joins_by_a_code_once_and_wrong_codes_run_out() {
    let house = House::new().await;
    let member = house.program(&house.member).await;
    let made = member.post("/api/me/link-code", json!({})).await;
    let code = made.json["code"].as_str().unwrap().to_owned();
    assert_eq!(code.len(), 10);
    for n in 0..10 {
        assert!(house.engine.redeem_link_code(&format!("wrong{n}"), "console", "7").await.is_err());
    }
    let slow = house.engine.redeem_link_code(&code, "console", "7").await;
    assert!(matches!(slow, Err(majordomo_engine::EngineError::Overloaded { .. })), "{slow:?}");
    let spaced = format!("{} {}", code[..5].to_uppercase(), &code[5..]);
    assert_eq!(house.engine.redeem_link_code(&spaced, "console", "8").await.unwrap(), house.member.id);
    assert!(house.engine.redeem_link_code(&code, "console", "9").await.is_err(), "once");
    let admin = house.program(&house.admin).await;
    let path = format!("/api/people/{}/identities", house.member.id);
    let account = json!({"channel": "console", "account": "8"});
    assert_eq!(admin.get(&path).await.json, json!({ "identities": [account] }));
    assert_eq!(admin.delete_with(&path, account.clone()).await.status, 204);
    assert_eq!(admin.delete_with(&path, account).await.status, 404);
}
