//! The party behind its approvals, and people with their memory, on the real program.

use crate::harness::{Setting, Stage, program, text_of, visible, with_input};
use majordomo_standins::model::Script;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// An agent as `docs/guides/approvals.md` shows it, which asks about everything, and the usual one.
const SETTINGS: &str = r#"
[agents.majordomo]
first_tools = ["party_add_character", "party_view"]
[agents.quick.approvals]
expire_seconds = 1
[agents.looter]
prompt = "You keep the party of a game."
toolkits = ["party"]
[agents.looter.approvals]
mode = "always"
[agents.friend]
memory = "person"
"#;

async fn stage() -> Stage {
    Stage::with(Setting { settings: SETTINGS.into(), ..Setting::default() }).await
}

impl Stage {
    /// The model calls a tool, and says something after it.
    fn will_call(&self, asked: &str, tool: &str, arguments: Value, then: &str) {
        let model = self.town.model();
        model.script(Script::call(tool, arguments).when_asked(asked).after_results(false));
        model.script(Script::text(then).when_asked(asked).after_results(true));
    }

    /// What the model was asked, oldest first.
    fn heard(&self) -> Vec<Value> {
        let requests = self.town.requests_to("model");
        requests.iter().filter(|r| r.method == "POST").map(|r| r.body.clone()).collect()
    }

    async fn talk_with(&self, agent: &str) -> String {
        let (status, body) = self.post("/api/conversations", json!({ "agent": agent })).await;
        assert!(status.is_success(), "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    async fn approvals(&self, state: &str) -> Vec<Value> {
        let (status, body) = self.get(&format!("/api/approvals?state={state}")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["approvals"].as_array().unwrap().clone()
    }

    async fn open(&self) -> Value {
        let open = self.approvals("open").await;
        assert_eq!(open.len(), 1, "{open:#?}");
        open[0].clone()
    }

    /// Decide and wait for the end of what follows; what a person reads of it.
    async fn decide(&self, approval: &Value, body: Value) -> String {
        let path = format!("/api/approvals/{}", approval["id"].as_str().unwrap());
        let (status, decided) = self.post(&path, body).await;
        assert_eq!(status, StatusCode::OK, "{decided}");
        let turn = decided["turn_id"].as_str().unwrap().to_owned();
        self.over(&turn).await;
        let conversation = approval["conversation"].as_str().unwrap();
        let messages = self.messages(conversation).await;
        let texts = messages.iter().filter(|m| m["turn"] == turn.as_str() && m["role"] == "assistant");
        texts.map(visible).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    async fn party(&self) -> String {
        let (status, body) = self.post("/api/tools/view_party_members", json!({})).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["text"].as_str().unwrap().to_owned()
    }

    /// A key of another person.
    pub fn key_of(&self, name: &str, standing: &str) -> String {
        let added = self.command(&["person", "add", name, "--standing", standing]);
        assert!(added.status.success(), "{}", text_of(&added));
        let made = self.command(&["key", "create", name, "--person", name]);
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }
}

#[tokio::test]
async fn a_character_is_added_after_a_yes_and_the_party_outlives_a_restart() {
    let mut stage = stage().await;
    let asked = "Add V to my party, he's a Solo";
    stage.will_call(asked, "add_party_character", json!({"name": "V", "role": "Solo"}), "Shall I? It waits for you.");
    let talk = stage.conversation().await;
    assert_eq!(stage.ask(&talk, asked).await, "Shall I? It waits for you.");
    let approval = stage.open().await;
    assert_eq!(approval["wording"]["question"], "Add V (Solo) to the party?");
    assert_eq!(approval["card"]["title"], "V (Solo)");
    assert_eq!(approval["card"]["facts"][1], json!({"label": "Gear preferences", "value": "none"}));
    assert_eq!(approval["expires_at_ms"].as_i64().unwrap() - approval["created_at_ms"].as_i64().unwrap(), 60_000);
    assert_eq!(stage.party().await, "The party is empty.");
    // The talk goes on meanwhile.
    stage.town.model().script(Script::text("A Solo fights."));
    assert_eq!(stage.ask(&talk, "What is a Solo?").await, "A Solo fights.");

    stage.restart().await;
    let approval = stage.open().await;
    stage.town.model().script(Script::text("V is in."));
    let answer = stage.decide(&approval, json!({"decision": "approve"})).await;
    assert_eq!(answer, "V is in.\n\nV (Solo) was added to the party.");
    assert!(stage.party().await.contains("\"V\""));
    // A second decision is told how it stands.
    let path = format!("/api/approvals/{}", approval["id"].as_str().unwrap());
    let (status, late) = stage.post(&path, json!({"decision": "decline"})).await;
    assert_eq!((status, late["error"].as_str()), (StatusCode::CONFLICT, Some("this was approved already and is done")));
    // The model has the result of the tool, so that it can be asked about it.
    let requests = stage.heard();
    assert!(requests.last().unwrap().to_string().contains("V (Solo) was added to the party."));

    stage.restart().await;
    assert!(stage.party().await.contains("\"V\""));
    let asked = "Remove v";
    stage.will_call(asked, "remove_party_character", json!({"name": "v"}), "Shall I remove V?");
    stage.ask(&talk, asked).await;
    let approval = stage.open().await;
    let answer = stage.decide(&approval, json!({"decision": "decline"})).await;
    assert_eq!(answer, "v stays in the party.", "the cancel words are the action's own");
    assert!(stage.party().await.contains("\"V\""));
    stage.check_requests();
}

#[tokio::test]
async fn nobody_else_decides_and_two_people_do_not_get_in_each_others_way() {
    let stage = stage().await;
    let other = stage.key_of("Mia", "member");
    let child = stage.key_of("Kim", "child");
    let post = async |key: &str, path: String, body: Value| {
        let url = format!("{}{path}", stage.address);
        let response = stage.client.post(url).bearer_auth(key).json(&body).send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap_or_default())
    };
    // Each asks for the same; each has a question of their own.
    let (_, mine) = stage.post("/api/tools/party_add_character", json!({"name": "V", "role": "Solo"})).await;
    let (_, theirs) = post(&other, "/api/tools/party_add_character".into(), json!({"name": "V", "role": "Solo"})).await;
    let (_, kims) = post(&child, "/api/tools/party_add_character".into(), json!({"name": "K", "role": "Kid"})).await;
    let path = |answer: &Value| format!("/api/approvals/{}", answer["approval"].as_str().unwrap());
    let approve = || json!({"decision": "approve"});
    assert_eq!(post(&other, path(&mine), approve()).await.0, StatusCode::NOT_FOUND, "another's is not even seen");
    assert_eq!(
        post(&child, path(&kims), approve()).await.0,
        StatusCode::FORBIDDEN,
        "a child asks, somebody else decides"
    );
    assert_eq!(stage.party().await, "The party is empty.");
    assert_eq!(post(&other, path(&theirs), approve()).await.0, StatusCode::OK);
    let own = path(&mine);
    let both = tokio::join!(stage.post(&own, approve()), stage.post(&own, json!({"decision": "decline"})));
    let statuses = [both.0.0, both.1.0];
    assert!(statuses.contains(&StatusCode::OK) && statuses.contains(&StatusCode::CONFLICT), "{statuses:?}");
    let (status, _) = stage.post(&path(&kims), approve()).await;
    assert_eq!(status, StatusCode::OK, "an admin decides for a child");
    let (_, list) = post(&other, "/api/tools/party_view".into(), json!({})).await;
    assert!(!list["text"].as_str().unwrap().contains("\"K\""), "parties of people are their own: {list}");
}

#[tokio::test]
async fn an_agent_that_asks_always_asks_before_it_looks_and_what_runs_out_is_closed() {
    let stage = stage().await;
    stage.will_call("show my party", "view_party_members", json!({}), "May I look?");
    let talk = stage.talk_with("looter").await;
    stage.ask(&talk, "show my party").await;
    let approval = stage.open().await;
    assert_eq!(approval["wording"]["reason"], "this agent asks always");
    stage.town.model().script(Script::text("Nobody is in it."));
    assert_eq!(stage.decide(&approval, json!({"decision": "approve"})).await, "Nobody is in it.");

    let talk = stage.talk_with("quick").await;
    let mut events = stage.events(&talk).await;
    stage.will_call("add V", "party_add_character", json!({"name": "V", "role": "Solo"}), "It waits.");
    stage.ask(&talk, "add V").await;
    let opened = events.until("approval_opened").await;
    let closed = events.until("approval_changed").await;
    assert_eq!(closed["approval"]["id"], opened["approval"]["id"]);
    assert_eq!(closed["approval"]["state"], "expired", "without anybody writing");
    let path = format!("/api/approvals/{}", opened["approval"]["id"].as_str().unwrap());
    let (status, late) = stage.post(&path, json!({"decision": "approve"})).await;
    assert_eq!((status, late["error"].as_str()), (StatusCode::CONFLICT, Some("this has expired; ask again")));
    assert_eq!(stage.party().await, "The party is empty.");
}

#[tokio::test]
async fn a_call_that_is_not_understood_or_lacks_something_is_mended_before_anybody_is_asked() {
    let stage = stage().await;
    let talk = stage.conversation().await;
    for (asked, arguments, told) in [
        ("add somebody", json!({"name": "V"}), "missing field"),
        ("add nobody", json!({"name": " ", "role": "Solo"}), "ask the person for the name first"),
        ("add strangely", json!({"name": 7, "role": "Solo"}), "expected a string"),
        ("remove Johnny", json!({"name": "Johnny"}), "was not found"),
    ] {
        let tool = if asked.starts_with("remove") { "remove_party_character" } else { "add_party_character" };
        stage.will_call(asked, tool, arguments, "What is the role?");
        assert_eq!(stage.ask(&talk, asked).await, "What is the role?", "the talk goes on");
        let last = stage.heard().last().unwrap().to_string();
        assert!(last.contains(told), "{asked}: {last}");
        assert!(stage.approvals("all").await.is_empty(), "{asked}");
    }
    // Two calls in one answer are two questions.
    let calls = [
        ("add_party_character", json!({"name": "V", "role": "Solo"})),
        ("add_party_character", json!({"name": "J", "role": "Techie"})),
    ];
    stage.town.model().script(Script::calls(calls).when_asked("add both").after_results(false));
    stage.town.model().script(Script::text("Two wait.").when_asked("add both").after_results(true));
    stage.ask(&talk, "add both").await;
    let open = stage.approvals("open").await;
    assert_eq!(open.len(), 2);
    stage.town.model().script(Script::text("J is in."));
    let j = open.iter().find(|a| a["card"]["title"] == "J (Techie)").unwrap();
    stage.decide(j, json!({"decision": "approve"})).await;
    assert_eq!(stage.open().await["card"]["title"], "V (Solo)");
    // Loot is divided by the smart model's words.
    stage.will_call(
        "We found 2 SMGs and body armor",
        "recommend_gear",
        json!({"loot_description": "2 SMGs and body armor"}),
        "J gets it all.",
    );
    stage.town.model().script(Script::text("J: both SMGs and the armor.").when_asked("Loot: 2 SMGs and body armor"));
    assert_eq!(stage.ask(&talk, "We found 2 SMGs and body armor").await, "J gets it all.");
    let asked = stage.heard();
    assert!(asked.iter().any(|r| r.to_string().contains("- J, Techie, likes: none")), "roles and preferences are told");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_asks_and_takes_yes_no_and_reasons() {
    let mut stage = stage().await;
    stage.kill();
    let model = stage.town.model();
    for (asked, name) in [("first", "V"), ("second", "J"), ("third", "K")] {
        let call = Script::call("add_party_character", json!({"name": name, "role": "Solo"}));
        model.script(call.when_asked(asked).after_results(false));
        model.script(Script::text("It waits.").when_asked(asked).after_results(true));
    }
    model.script(Script::text("V is in.").when_asked("Approved by").times(1));
    model.script(Script::text("Then not.").when_asked("Declined by").times(1));
    let mut command = program(stage.folder.path());
    command.args(["chat"]);
    let talked = with_input(command, "first\nyes\nsecond\nno\nthird\nshe is my sister\n/quit\n");
    let text = String::from_utf8(talked.stdout).unwrap();
    assert!(talked.status.success(), "{text}");
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    let order = [
        place("? Add V (Solo) to the party?"),
        place("Gear preferences: none"),
        place("arguments: {\"name\":\"V\",\"role\":\"Solo\"}"),
        place("V is in."),
        place("V (Solo) was added to the party."),
        place("? Add J (Solo) to the party?"),
        place("J was not added."),
        place("? Add K (Solo) to the party?"),
        place("Then not."),
    ];
    assert!(order.is_sorted(), "{order:?}\n{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    stage.start(&[]).await;
    let party = stage.party().await;
    assert!(party.contains("\"V\"") && !party.contains("\"J\"") && !party.contains("\"K\""), "{party}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_takes_the_last_change_back_once() {
    let mut stage = stage().await;
    stage.kill();
    let model = stage.town.model();
    let call = Script::call("add_party_character", json!({"name": "V", "role": "Solo"}));
    model.script(call.when_asked("first").after_results(false));
    model.script(Script::text("It waits.").when_asked("first").after_results(true));
    model.script(Script::text("V is in.").when_asked("Approved by").times(1));
    let mut command = program(stage.folder.path());
    command.args(["chat"]);
    let talked = with_input(command, "/undo\nfirst\nyes\n/undo\n/undo\n/quit\n");
    let text = String::from_utf8(talked.stdout).unwrap();
    assert!(talked.status.success(), "{text}");
    assert_eq!(text.matches("There is nothing to take back").count(), 2, "before the change and after: {text}");
    assert!(text.contains("V is in."), "{text}");
    assert_eq!(text.matches("V was removed from the party.").count(), 1, "the receipt is told once: {text}");
    stage.start(&[]).await;
    assert!(!stage.party().await.contains("\"V\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lines_at_once_are_answered_up_to_the_limit_and_one_sentence_says_why() {
    let settings = "[limits]\nmessages_per_minute = 3\n".to_owned();
    let mut stage = Stage::with(Setting { settings, ..Setting::default() }).await;
    stage.kill();
    let mut command = program(stage.folder.path());
    command.args(["chat"]);
    let talked = with_input(command, &"hello\n".repeat(8));
    let text = String::from_utf8(talked.stdout).unwrap();
    assert!(talked.status.success(), "{text}");
    let count = |part: &str| text.matches(part).count();
    assert_eq!(count("slow down: 3 messages within a minute are the limit for one person"), 1, "{text}");
    assert_eq!((count("slow down"), stage.heard().len()), (1, 3), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_is_one_person_on_the_page_and_in_the_terminal() {
    let mut stage = stage().await;
    let talk = stage.talk_with("friend").await;
    stage.town.model().script(Script::text("Noted, Bertha."));
    stage.ask(&talk, "My dog is called Bertha").await;
    assert_eq!(stage.talk_with("friend").await, talk, "one talk with each person");
    let other = stage.key_of("Mia", "member");
    let (_, code) = stage.post("/api/me/link-code", json!({})).await;
    let theirs = stage.client.post(format!("{}/api/conversations", stage.address)).bearer_auth(&other);
    let theirs: Value = theirs.json(&json!({"agent": "friend"})).send().await.unwrap().json().await.unwrap();
    assert_ne!(theirs["id"], talk.as_str(), "another person's talk is another");
    stage.kill();
    stage.town.model().script(Script::text("Bertha!"));
    let wrong = program(stage.folder.path()).args(["chat", "--link", "aaaaaaaaaa", "--once", "x"]).output().unwrap();
    assert!(
        !wrong.status.success() && text_of(&wrong).contains("the code is unknown, used or too old"),
        "{}",
        text_of(&wrong)
    );
    let link = code["code"].as_str().unwrap();
    let joined = program(stage.folder.path())
        .args(["chat", "--link", link, "--agent", "friend", "--once", "What is my dog called?"])
        .output()
        .unwrap();
    assert!(text_of(&joined).contains("Bertha!"), "{}", text_of(&joined));
    let asked = stage.heard().last().unwrap().to_string();
    assert!(asked.contains("My dog is called Bertha"), "what was said on the page is known in the terminal: {asked}");
    stage.start(&[]).await;
    let messages = stage.messages(&talk).await;
    assert!(messages.iter().any(|m| visible(m) == "What is my dog called?"));
}

#[tokio::test]
async fn facts_are_remembered_at_the_next_beginning_and_private_ones_for_their_person_only() {
    let stage = stage().await;
    let (status, kept) = stage.post("/api/tools/remember", json!({"text": "canary: likes silent films"})).await;
    assert_eq!((status, kept["receipt"].as_str()), (StatusCode::OK, Some("Remembered: canary: likes silent films")));
    stage.town.model().script(Script::text("Nosferatu."));
    let talk = stage.conversation().await;
    stage.ask(&talk, "What should I watch?").await;
    let request = stage.heard().last().unwrap().to_string();
    assert!(request.contains("canary: likes silent films"), "{request}");
    // The beginning stays the same, whatever is learnt meanwhile.
    stage.post("/api/tools/remember", json!({"text": "a second fact"})).await;
    stage.town.model().script(Script::text("Sunrise."));
    stage.ask(&talk, "And then?").await;
    let requests = stage.heard();
    let [.., before, after] = requests.as_slice() else { panic!("two requests") };
    let (before, after) = (before["messages"].as_array().unwrap(), after["messages"].as_array().unwrap());
    assert_eq!(before[..], after[..before.len()], "a request is the beginning of the next");

    let other = stage.key_of("Mia", "member");
    let ask = async |method: Method, path: &str, body: Value| {
        let request = stage.client.request(method, format!("{}{path}", stage.address)).bearer_auth(&other).json(&body);
        request.send().await.unwrap().text().await.unwrap()
    };
    let conversation: Value = serde_json::from_str(&ask(Method::POST, "/api/conversations", json!({})).await).unwrap();
    stage.town.model().script(Script::text("No idea."));
    let said = format!("/api/conversations/{}/messages", conversation["id"].as_str().unwrap());
    let turn: Value =
        serde_json::from_str(&ask(Method::POST, &said, json!({"text": "What do they like?"})).await).unwrap();
    let path = format!("/api/turns/{}", turn["turn_id"].as_str().unwrap());
    while !ask(Method::GET, &path, json!({})).await.contains("\"state\":\"done\"") {}
    let request = stage.heard().last().unwrap().to_string();
    assert!(request.contains("What do they like?") && !request.contains("canary"), "{request}");
    for path in ["/api/memory", "/api/conversations", "/api/approvals?state=all"] {
        assert!(!ask(Method::GET, path, json!({})).await.contains("canary"), "{path}");
    }
}

#[tokio::test]
async fn the_demo_household_asks_before_it_changes_anything() {
    let stage = Stage::new().await;
    let talk = stage.conversation().await;
    let answer = stage.ask(&talk, "Add V to my party, he's a Solo").await;
    assert_eq!(answer, "It waits for your yes: the question is beside this answer.");
    let approval = stage.open().await;
    assert_eq!(approval["wording"]["question"], "Add V (Solo) to the party?");
    let answer = stage.decide(&approval, json!({"decision": "approve"})).await;
    assert_eq!(answer, "As you wish.\n\nV (Solo) was added to the party.");
    assert_eq!(stage.ask(&talk, "Show my party").await, "- **V**, Solo");
    assert_eq!(
        stage.ask(&talk, "Remember that I like silent films").await,
        "Remembered: I like silent films\n\n\nRemembered: I like silent films"
    );
    assert!(stage.ask(&talk, "What do you know about me?").await.starts_with("- I like silent films"));
    stage.ask(&talk, "Remove V from my party").await;
    let approval = stage.open().await;
    assert_eq!(stage.decide(&approval, json!({"decision": "decline"})).await, "V stays in the party.");
    stage.check_requests();
}

#[tokio::test]
async fn rules_limits_modes_and_wording_come_from_the_settings() {
    let settings = r#"
[tools.party]
wording = "terminal"
[agents.careful.approvals.tools.party_view]
mode = "always"
expire_seconds = 5
[limits]
agents = { thrifty = { day_tokens = 1 } }
[agents.thrifty]
[[rules]]
tool = "party_remove_*"
decision = "refuse"
reason = "nobody leaves this party"
[[rules]]
tool = "party_add_character"
standing = ["child"]
arguments = { role = "solo" }
decision = "allow"
"#;
    let stage = Stage::with(Setting { settings: settings.into(), ..Setting::default() }).await;
    let (_, refused) = stage.post("/api/tools/party_remove_character", json!({"name": "V"})).await;
    assert_eq!(refused["text"], "this may not be done: nobody leaves this party");
    let child = stage.key_of("Kim", "child");
    for (role, waits) in [("Solo", false), ("Fixer", true)] {
        let url = format!("{}/api/tools/party_add_character", stage.address);
        let request = stage.client.post(url).bearer_auth(&child).json(&json!({"name": role, "role": role}));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["approval"].is_string(), waits, "{answer}");
    }
    let (_, asked) = stage.post("/api/tools/party_add_character", json!({"name": "V", "role": "Solo"})).await;
    let (_, approval) = stage.get(&format!("/api/approvals/{}", asked["approval"].as_str().unwrap())).await;
    assert_eq!(approval["wording"]["question"], "> party.add name=V role=Solo [y/n]");

    stage.will_call("who is in it", "party_view", json!({}), "May I look?");
    let talk = stage.talk_with("careful").await;
    stage.ask(&talk, "who is in it").await;
    let open = stage.approvals("open").await;
    let look = open.iter().find(|a| a["tool"] == "party_view").expect("this agent asks before it looks");
    assert_eq!(look["expires_at_ms"].as_i64().unwrap() - look["created_at_ms"].as_i64().unwrap(), 5_000);

    let talk = stage.talk_with("thrifty").await;
    let answer = stage.ask(&talk, "hello").await;
    assert!(answer.starts_with("No answer: the day's limit for this agent is reached"), "{answer}");
    assert!(stage.ask(&stage.conversation().await, "hello").await.starts_with("Hello"), "others are not limited by it");
}
