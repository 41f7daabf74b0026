//! The party as somebody meets it: asked, added, changed, removed, shown, and the loot divided.

use super::{Config, Theme, toolkit};
use crate::testing::{call, tool};
use majordomo_domain::{Call, ModelRole, Output, ToolError, Toolkit, tool::Ask};
use majordomo_store::Store;
use std::sync::{Arc, Mutex};

async fn run(toolkit: &Toolkit, name: &str, arguments: &str, call: &Call) -> Result<Output, ToolError> {
    tool(toolkit, name).parse(arguments)?.run(call).await
}

async fn party() -> (Toolkit, Store) {
    let store = Store::scratch().await.unwrap();
    (toolkit(&Config::default(), Some(store.clone())), store)
}

/// Another call of the same person.
fn next(before: &Call, key: &str) -> Call {
    Call { key: key.into(), ..before.clone() }
}

#[tokio::test]
async fn a_character_is_added_updated_shown_and_removed_whatever_the_case_of_the_name() {
    let (party, _store) = party().await;
    let one = call();
    for (key, name, arguments, said) in [
        // Without preferences, as people say it.
        ("1", "add_party_character", r#"{"name":"V","role":"Solo"}"#, "V (Solo) was added to the party."),
        (
            "2",
            "party_add_character",
            r#"{"name":" Judy ","role":"Techie","gear_preferences":["tools",""]}"#,
            "Judy (Techie) was added to the party.",
        ),
        (
            "3",
            "add_party_character",
            r#"{"name":"v","role":"Netrunner","gear_preferences":null}"#,
            "v (Netrunner) was updated in the party.",
        ),
        // The same call once more, after a stop: says the same, changes nothing.
        ("1", "add_party_character", r#"{"name":"V","role":"Solo"}"#, "V (Solo) was added to the party."),
        ("4", "remove_party_character", r#"{"name":"JUDY"}"#, "Judy was removed from the party."),
    ] {
        let output = run(&party, name, arguments, &next(&one, key)).await.unwrap();
        assert_eq!((output.text.as_str(), output.receipt.as_deref()), (said, Some(said)), "{arguments}");
    }
    let shown = run(&party, "view_party_members", "{}", &one).await.unwrap();
    assert_eq!(shown.text, r#"[{"name":"v","role":"Netrunner","gear_preferences":[]}]"#);
    assert_eq!(shown.cards[0].facts[1].value, "none");
    let refused = run(&party, "remove_party_character", r#"{"name":"Johnny"}"#, &one).await.unwrap_err();
    assert_eq!(refused, ToolError::TellModel("Johnny was not found; the party has v".into()));
}

#[tokio::test]
async fn the_question_names_what_will_be_and_asks_for_what_is_missing() {
    let (party, store) = party().await;
    let one = call();
    let parsed = tool(&party, "party_add_character").parse(r#"{"name":"V","role":"Solo"}"#).unwrap();
    let card = parsed.preview(&one).await.unwrap();
    assert_eq!(card.title, "V (Solo)");
    assert_eq!(card.facts[1].value, "none");
    assert_eq!(parsed.wording().question, "Add V (Solo) to the party?");
    assert_eq!(parsed.wording().declined, "V was not added.");
    parsed.run(&one).await.unwrap();
    let again = tool(&party, "party_add_character").parse(r#"{"name":"v","role":"Fixer"}"#).unwrap();
    let card = again.preview(&one).await.unwrap();
    assert_eq!(card.facts[2].value, "Solo, gear: none");

    for (arguments, said) in [
        (r#"{"name":"V"}"#, "missing field `role`"),
        (r#"{"name":"V","role":" "}"#, "ask the person for the role first"),
        (r#"{"name":"","role":"Solo"}"#, "ask the person for the name first"),
        (r#"{"name":"V","role":"Solo","notes":"x"}"#, "unknown field"),
    ] {
        let outcome = match tool(&party, "party_add_character").parse(arguments) {
            Ok(parsed) => parsed.preview(&one).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(matches!(&outcome, ToolError::TellModel(text) if text.contains(said)), "{arguments}: {outcome:?}");
    }
    let unknown = tool(&party, "party_remove_character").parse(r#"{"name":"Johnny"}"#).unwrap();
    assert!(unknown.preview(&one).await.unwrap_err().to_string().contains("was not found"));

    for (theme, question) in [
        (Theme::Themed, "Choom, shall V the Solo ride with the crew?"),
        (Theme::Terminal, "> party.add name=V role=Solo [y/n]"),
    ] {
        let kit = toolkit(&Config { wording: theme }, Some(store.clone()));
        let parsed = tool(&kit, "party_add_character").parse(r#"{"name":"V","role":"Solo"}"#).unwrap();
        assert_eq!(parsed.wording().question, question);
        assert_ne!(parsed.wording().declined, "V was not added.");
    }
}

#[tokio::test]
async fn a_room_shares_its_party_and_nobody_else_sees_it() {
    let (party, _store) = party().await;
    let room = |name: &str| Call { room: Some(name.into()), key: name.into(), ..call() };
    run(&party, "party_add_character", r#"{"name":"V","role":"Solo"}"#, &room("discord:1")).await.unwrap();
    for (who, expected) in [(room("discord:1"), "\"V\""), (room("discord:2"), "is empty"), (call(), "is empty")] {
        let shown = run(&party, "party_view", "{}", &who).await.unwrap();
        assert!(shown.text.contains(expected), "{}", shown.text);
    }
}

#[tokio::test]
async fn loot_is_divided_by_roles_and_preferences_among_those_who_are_not_left_out() {
    let (party, _store) = party().await;
    let asked: Arc<Mutex<Vec<(ModelRole, String)>>> = Arc::default();
    let heard = asked.clone();
    let smart = Ask(Arc::new(move |role, _instructions, about| {
        heard.lock().unwrap().push((role, about));
        Box::pin(async { Ok("V: the SMGs.\nJudy: the armor.".to_owned()) })
    }));
    let one = Call { ask: smart, ..call() };
    let loot = r#"{"loot_description":"2 SMGs and body armor","excluded_characters":["judy"]}"#;
    assert!(run(&party, "recommend_gear", loot, &one).await.unwrap().text.starts_with("The party is empty"));
    let judy = r#"{"name":"Judy","role":"Techie","gear_preferences":["light armor"]}"#;
    run(&party, "party_add_character", judy, &next(&one, "1")).await.unwrap();
    let none = run(&party, "recommend_gear", loot, &one).await.unwrap();
    assert_eq!(none.text, "No character is available: all of the party are excluded.");
    assert!(asked.lock().unwrap().is_empty());
    let v = r#"{"name":"V","role":"Solo","gear_preferences":["SMGs"]}"#;
    run(&party, "party_add_character", v, &next(&one, "2")).await.unwrap();
    let divided = run(&party, "recommend_gear", loot, &one).await.unwrap();
    assert_eq!(divided.text, "V: the SMGs.\nJudy: the armor.");
    run(&party, "recommend_gear", r#"{"loot_description":"a car"}"#, &one).await.unwrap();
    let asked = asked.lock().unwrap();
    assert_eq!(
        asked[0],
        (ModelRole::Smart, "Loot: 2 SMGs and body armor\n\nCharacters:\n- V, Solo, likes: SMGs\n".into())
    );
    assert!(asked[1].1.contains("- Judy, Techie, likes: light armor"));
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn added_is_said_only_when_it_is_kept_and_changes_at_once_are_all_kept() {
    let (party, store) = party().await;
    let one = call();
    let names: Vec<String> = (0..6).map(|n| format!(r#"{{"name":"C{n}","role":"Solo"}}"#)).collect();
    let calls: Vec<Call> = (0..6).map(|n| next(&one, &n.to_string())).collect();
    let adding = names.iter().zip(&calls).map(|(arguments, call)| run(&party, "party_add_character", arguments, call));
    for outcome in futures_util::future::join_all(adding).await {
        assert!(outcome.unwrap().receipt.unwrap().ends_with("was added to the party."));
    }
    let shown = run(&party, "party_view", "{}", &one).await.unwrap();
    assert!((0..6).all(|n| shown.text.contains(&format!("\"C{n}\""))), "{}", shown.text);
    store.close().await;
    let lost = run(&party, "party_add_character", r#"{"name":"V","role":"Solo"}"#, &next(&one, "x")).await;
    assert!(matches!(lost, Err(ToolError::CouldNotAsk { .. })), "{lost:?}");
}

#[tokio::test]
async fn odd_names_are_text_or_refused_and_another_persons_party_is_not_found_by_them() {
    let (party, store) = party().await;
    let (one, other) = (call(), call());
    let odd = ["../../x", "a/b", "'; DROP TABLE documents; --", "%", "\" OR 1=1", "CON", "日本"];
    let add = |name: &str| serde_json::json!({ "name": name, "role": name }).to_string();
    for (number, name) in odd.iter().enumerate() {
        run(&party, "party_add_character", &add(name), &next(&one, &number.to_string())).await.unwrap();
    }
    let shown = run(&party, "party_view", "{}", &one).await.unwrap();
    let names: Vec<String> = shown.cards.iter().map(|card| card.title.clone()).collect();
    assert_eq!(names, odd);
    assert_eq!(run(&party, "party_view", "{}", &other).await.unwrap().text, "The party is empty.");
    for name in odd {
        let name = serde_json::json!({ "name": name }).to_string();
        let missing = run(&party, "party_remove_character", &name, &other).await.unwrap_err();
        assert!(missing.to_string().contains("was not found; the party is empty"), "{missing}");
    }
    // What cannot be seen is taken out; what is too long is refused, and quoted short.
    run(&party, "party_add_character", &add("a\0b\nc"), &next(&one, "nul")).await.unwrap();
    assert!(run(&party, "party_view", "{}", &one).await.unwrap().text.contains("\"ab c\""));
    let short = "the name has 10000 characters; the limit is 60";
    for (size, said) in [(10_000, short), (10_000_000, "arguments are 20000021 bytes, the limit is 65536")] {
        let refused = run(&party, "party_add_character", &add(&"x".repeat(size)), &next(&one, "long")).await;
        assert_eq!(refused.unwrap_err(), ToolError::TellModel(said.into()));
    }
    let keys = store.document_keys("party", &one.place()).await.unwrap();
    assert_eq!(keys, ["all"], "no name becomes a key");
}
