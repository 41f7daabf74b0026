//! What the household asked for, as the page and programs see it; and webhooks that nobody gave an address.

use crate::house::{House, NOW};
use majordomo_domain::{
    Address, AgentId, ConversationId, NoticeLevel, Person, PersonId, Progress, Request, RequestId, RequestState,
    TurnId,
    request::{RequestItem, Watcher},
};
use majordomo_store::{Advance, NewRequest};
use serde_json::{Value, json};

/// Never due: the clock of this house stands still.
const LATER: i64 = NOW + 1_000_000;

impl House {
    /// Something asked for, waiting for the decision about this call, or wanted.
    async fn wishing(&self, owner: &Person, title: &str, asked: Option<(TurnId, String)>) -> RequestId {
        let request = Request {
            id: RequestId::new(),
            toolkit: "films".into(),
            subject: format!("film {title}"),
            title: title.into(),
            picture: Some("things:w342/a.png".into()),
            owner: owner.id,
            agent: AgentId::new(),
            wish: json!({}),
            state: if asked.is_some() { RequestState::Asked } else { RequestState::Wanted },
            progress: None,
            size_bytes: Some(4_000_000_000),
            created_at_ms: NOW,
            updated_at_ms: NOW,
            closed_at_ms: None,
            revision: 1,
        };
        let watcher = Watcher {
            person: owner.id,
            conversation: ConversationId::new(),
            agent: AgentId::new(),
            address: Address::new("web", ""),
            level: NoticeLevel::Each,
            told: Vec::new(),
            since_ms: NOW,
        };
        let id = request.id;
        let text = format!("asked for {title}");
        self.store.ask_request(NewRequest { request, watcher, asked, text, look_at_ms: LATER }).await.unwrap();
        id
    }

    async fn wished(&self, owner: &Person, title: &str) -> RequestId {
        let id = self.wishing(owner, title, None).await;
        let items = (1..=3).map(|n| RequestItem { key: n.to_string(), is_watchable: n == 1, ..RequestItem::default() });
        let progress = Progress {
            line: "it is downloading".into(),
            percent: Some(42),
            items: items.collect(),
            unit: "episode".into(),
            ..Progress::default()
        };
        let advance = Advance {
            request: id,
            revision: 1,
            state: RequestState::Downloading,
            progress: Some(progress),
            events: Vec::new(),
            told: Vec::new(),
            news: Vec::new(),
            look_at_ms: LATER,
            now_ms: NOW,
        };
        assert!(self.store.advance_request(advance).await.unwrap());
        id
    }
}

#[tokio::test]
async fn a_request_is_seen_joined_left_and_taken_back() {
    let house = House::new().await;
    let id = house.wished(&house.member, "Dragnet (1951)").await;
    let (ada, ben) = (house.program(&house.admin).await, house.program(&house.member).await);

    let listed = ada.get("/api/requests").await.json["requests"][0].clone();
    let expected = json!({
        "id": id, "title": "Dragnet (1951)", "picture": "things:w342/a.png", "approval_id": null, "owner_name": "Ben", "is_own": false,
        "may_cancel": true, "state": "downloading", "size_bytes": 4_000_000_000_u64, "created_at_ms": NOW,
        "updated_at_ms": NOW, "closed_at_ms": null,
        "progress": {"line": "it is downloading", "percent": 42, "here": 1, "wanted": 3, "unit": "episode"},
    });
    assert_eq!(listed, expected);
    assert_eq!(ben.get("/api/requests?own=true").await.json["requests"][0]["is_own"], true);
    assert_eq!(ada.get("/api/requests?own=true").await.json["requests"], json!([]));

    let watch = format!("/api/requests/{id}/watch");
    assert_eq!(ada.put(&watch, json!({"level": "often"})).await.status, 422);
    house.clock.advance_ms(5);
    assert_eq!(ada.put(&watch, json!({"level": "all"})).await.status, 204);
    let shown = ada.get(&format!("/api/requests/{id}")).await.json;
    assert_eq!(
        shown["watchers"],
        json!([
            {"name": "Ben", "is_caller": false, "level": "each", "since_ms": NOW},
            {"name": "Ada", "is_caller": true, "level": "all", "since_ms": NOW + 5},
        ])
    );
    let story: Vec<_> = shown["story"].as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(story, ["asked", "joined"]);
    assert_eq!(ada.delete(&watch).await.status, 204);
    assert_eq!(ada.get("/api/requests?own=true").await.json["requests"], json!([]));

    let path = format!("/api/requests/{id}");
    assert_eq!(ben.delete(&path).await.status, 204);
    assert_eq!(ben.delete(&path).await.status, 409);
    assert_eq!(ada.get("/api/requests").await.json["requests"], json!([]));
    assert_eq!(ada.get("/api/requests?state=all").await.json["requests"][0]["state"], "cancelled");
}

#[tokio::test]
async fn a_request_that_waits_for_a_yes_names_it_to_those_it_concerns_and_is_named_by_it() {
    let house = House::new().await;
    let (ada, ben) = (house.program(&house.admin).await, house.program(&house.member).await);
    let approval = ben.post("/api/tools/things_throw", json!({})).await.json["approval"].as_str().unwrap().to_owned();
    let asked = ben.get(&format!("/api/approvals/{approval}")).await.json;
    assert_eq!(asked["request_id"], json!(null), "nothing was asked for with it yet");
    let (turn, call) = (asked["turn"].as_str().unwrap(), asked["call_id"].as_str().unwrap());
    let id = house.wishing(&house.member, "Nosferatu (1922)", Some((turn.parse().unwrap(), call.into()))).await;

    for who in [&ada, &ben] {
        assert_eq!(who.get("/api/requests").await.json["requests"][0]["approval_id"], json!(approval));
        let shown = who.get(&format!("/api/requests/{id}")).await.json;
        assert_eq!(shown["request"]["approval_id"], json!(approval));
        assert_eq!(who.get(&format!("/api/approvals/{approval}")).await.json["request_id"], json!(id));
    }
    let mia = Person { id: PersonId::new(), name: "Mia".into(), ..house.member.clone() };
    house.store.put_person(&mia).await.unwrap();
    let mia = house.program(&mia).await;
    let hidden = mia.get(&format!("/api/requests/{id}")).await.json;
    assert_eq!(hidden["request"]["approval_id"], json!(null), "it is not hers to see");

    let declined = ada.post(&format!("/api/approvals/{approval}"), json!({"decision": "decline"})).await;
    assert_eq!((declined.status, &declined.json["approval"]["request_id"]), (200, &json!(id)), "{}", declined.text);
    assert_eq!(ben.get("/api/requests?state=all").await.json["requests"][0]["approval_id"], json!(null));
}

#[tokio::test]
async fn who_may_not_see_or_take_back_a_request_is_told_so() {
    let house = House::new().await;
    let id = house.wished(&house.admin, "Detour (1945)").await;
    let ben = house.program(&house.member).await;
    assert_eq!(ben.delete(&format!("/api/requests/{id}")).await.status, 403);
    let ada = house.program(&house.admin).await;
    let changed = ada.patch(&format!("/api/people/{}", house.member.id), json!({"standing": "guest"})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(ben.get("/api/requests").await.json["requests"], json!([]));
    assert_eq!(ben.get(&format!("/api/requests/{id}")).await.status, 404);
    assert_eq!(ben.get(&format!("/api/requests/{}", RequestId::new())).await.status, 404);
    assert_eq!(ben.get("/api/requests?state=lost").await.status, 422);
}

#[tokio::test]
async fn a_webhook_without_an_address_of_ours_is_not_heard() {
    let house = House::new().await;
    let stranger = house.stranger();
    for path in ["/hooks/radarr/0000", "/hooks/radarr/", "/hooks/radarr", "/hooks/..%2f/x"] {
        let answer = stranger.post(path, json!({"eventType": "Download"})).await;
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.text.contains("0000"), "the secret is not repeated");
    }
    assert_eq!(stranger.get("/hooks/radarr/0000").await.status, 405);
}

#[tokio::test]
async fn an_admin_makes_the_address_of_a_webhook_sees_it_once_and_makes_it_void() {
    let house = House::new().await;
    let (ada, ben) = (house.program(&house.admin).await, house.program(&house.member).await);
    let stranger = house.stranger();
    for answer in
        [ben.get("/api/hooks").await, ben.post("/api/hooks/gong", json!({})).await, ben.delete("/api/hooks/gong").await]
    {
        assert_eq!((answer.status, answer.code()), (403, "FORBIDDEN"), "{}", answer.text);
    }
    assert_eq!(ada.get("/api/hooks").await.json, json!({"hooks": [{"name": "gong", "made_at_ms": null}]}));
    assert_eq!(ada.post("/api/hooks/bell", json!({})).await.status, 404);
    assert_eq!(ada.delete("/api/hooks/gong").await.status, 404);

    let made = ada.post("/api/hooks/gong", json!({})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let place = |answer: &Value| {
        let address = answer["address"].as_str().unwrap();
        address.strip_prefix("http://nas:8080/house").unwrap_or_else(|| panic!("{address}")).to_owned()
    };
    let first = place(&made.json);
    assert_eq!(stranger.post(&first, json!({})).await.status, 204, "whoever has the address is heard");
    let listed = ada.get("/api/hooks").await;
    assert_eq!(listed.json["hooks"][0]["made_at_ms"], NOW);
    let secret = first.rsplit('/').next().unwrap();
    assert!(!listed.text.contains(secret));
    let audit = ada.get("/api/audit").await.text;
    assert!(audit.contains("a new address was made") && !audit.contains(secret), "{audit}");

    let second = place(&ada.post("/api/hooks/gong", json!({})).await.json);
    assert_eq!(stranger.post(&first, json!({})).await.status, 404, "the one before it is void");
    assert_eq!(stranger.post(&second, json!({})).await.status, 204);
    assert_eq!(ada.delete("/api/hooks/gong").await.status, 204);
    assert_eq!(stranger.post(&second, json!({})).await.status, 404);
}
