//! Reads before changes, one look after them, changes that were said and not made, and results that are read again.

use super::*;
use majordomo_domain::{ApprovalMode, CallResult, ModelRequest};
use majordomo_engine::ToolOverride;

/// A house whose agent may change things without asking.
async fn trusting() -> House {
    changed(|agent| agent.approvals.mode = ApprovalMode::Never).await
}

fn results(request: &ModelRequest) -> Vec<&CallResult> {
    let last = request.messages.iter().rfind(|message| message.role == Role::Tool).expect("results");
    last.parts.iter().map(|part| if let Part::Result(result) = part { result } else { panic!("a result") }).collect()
}

impl House {
    /// What the newest request answered to the calls before it.
    fn read(&self) -> Vec<(String, bool)> {
        let asked = self.model.asked();
        results(asked.last().unwrap()).iter().map(|result| (result.text.clone(), result.is_error)).collect()
    }
}

#[tokio::test]
async fn reads_come_first_and_the_change_is_called_again_after_them() {
    let house = trusting().await;
    let (read, change) = (("films_look_up", r#"{"title":"Metropolis"}"#), ("films_ship", r#"{"title":"Metropolis"}"#));
    house.model.calls(&[read, change]);
    house.model.calls(&[change]).says("It is on its way.");
    let watch = house.engine.watch(house.conversation, None).await.unwrap();
    house.says("Ship Metropolis, if it is the old one").await;
    let seen = seen(watch).await;
    let of_calls: Vec<&str> = seen
        .iter()
        .map(|line| line.split(". ").next().unwrap())
        .filter(|line| line.starts_with("returned") || line.starts_with("asked"))
        .collect();
    assert_eq!(
        of_calls,
        [
            "asked first/big step=1",
            "returned call_2 Put off: what was read with it comes first",
            r#"returned call_1 {"title":"Metropolis","year":1927}"#,
            "asked first/big step=2",
            "returned call_1 Metropolis was done.",
            "asked first/big step=3",
        ]
    );
    assert_eq!(house.done(), ["Metropolis"]);
    // Changes by themselves go through, also several.
    house.model.calls(&[change, ("films_ship", r#"{"title":"Nosferatu"}"#)]).says("Both.");
    house.asks("Ship both").await;
    assert_eq!(house.done(), ["Metropolis", "Metropolis", "Nosferatu"]);
}

#[tokio::test]
async fn the_same_change_in_the_next_answer_is_really_made_again() {
    let house = trusting().await;
    for _ in 0..2 {
        house.model.calls(&[("films_ship", r#"{"title":"Metropolis"}"#)]).says("Shipped.");
        house.asks("Ship Metropolis").await;
    }
    assert_eq!(house.done(), ["Metropolis", "Metropolis"]);
}

#[tokio::test]
async fn after_a_change_one_look_is_enough_and_the_answer_follows() {
    let house = trusting().await;
    let look = |title: &'static str| ("films_look_up", title);
    house.model.calls(&[("films_ship", r#"{"title":"A"}"#)]);
    house.model.calls(&[look(r#"{"title":"A"}"#)]);
    house.model.calls(&[look(r#"{"title":"B"}"#)]);
    house.model.says("A is shipped, as I have seen.");
    let (_, text) = house.asks("Ship A").await;
    assert_eq!(text, "A is shipped, as I have seen.\n\nA was done.");
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 1);
    assert!(house.read()[0].0.starts_with("This was looked at once since the change"), "{:?}", house.read());
    let asked = house.model.asked();
    assert_eq!(asked.iter().map(|request| request.may_call).collect::<Vec<_>>(), [true, true, true, false]);
    // Another change may be looked at again.
    house.model.calls(&[("films_ship", r#"{"title":"C"}"#)]);
    house.model.calls(&[look(r#"{"title":"C"}"#)]);
    house.model.calls(&[("films_ship", r#"{"title":"D"}"#)]);
    house.model.calls(&[look(r#"{"title":"D"}"#)]).says("Both.");
    house.asks("Ship C and D").await;
    assert_eq!((house.done().len(), house.world.asked.load(Ordering::SeqCst)), (3, 3));
}

#[tokio::test]
async fn a_change_that_failed_is_not_tried_again_blindly() {
    let house = trusting().await;
    let refused = ("films_ship", r#"{"title":"refused"}"#);
    let inside = ("use_tool", r#"{"name":"films_ship","arguments":{"title":"refused"}}"#);
    house.model.calls(&[refused]);
    house.model.calls(&[refused]);
    house.model.calls(&[inside]);
    house.model.says("It did not work: the film is out already. Ask for another.");
    let (_, text) = house.asks("Ship the film").await;
    assert_eq!(text, "It did not work: the film is out already. Ask for another.");
    let asked = house.model.asked();
    assert_eq!(results(&asked[1])[0].text, "the film is out already");
    for request in &asked[2..] {
        let told = results(request)[0];
        assert!(told.is_error && told.text.contains("was not tried again: the film is out already"), "{}", told.text);
        assert!(told.text.contains("what the person can do next"));
    }
    // What happened nobody knows is not repeated either; after a change that worked the world is another one.
    let lost = ("films_ship", r#"{"title":"lost"}"#);
    house.model.calls(&[lost]);
    house.model.calls(&[lost]);
    house.model.calls(&[refused]);
    house.model.calls(&[("films_ship", r#"{"title":"key"}"#)]);
    house.model.calls(&[refused]).says("No luck.");
    house.asks("Ship the lost one").await;
    assert_eq!(house.done(), ["lost", "key"]);
    assert_eq!(house.read()[0].0, "the film is out already", "tried once more after the world has changed");
}

#[tokio::test]
async fn a_failed_change_is_still_known_after_a_stop() {
    let house = trusting().await;
    let refused = ("films_ship", r#"{"title":"refused"}"#);
    house.model.calls(&[refused]);
    house.model.calls(&[("films_look_up", r#"{"title":"slow"}"#)]);
    let turn = house.says("Ship it").await;
    while house.world.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    house.engine.stop(Duration::ZERO).await;
    let (model, second) = (ScriptedModel::new("first/big"), ScriptedModel::new("second/small"));
    model.calls(&[refused]).says("It failed.");
    let engine = start_agent(&house.store, &model, &second, &house.world, TurnLimits::default(), |agent| {
        agent.approvals.mode = ApprovalMode::Never;
    })
    .await;
    engine.finished(turn).await.unwrap();
    let asked = model.asked();
    let told = results(asked.last().unwrap())[0];
    assert!(told.text.contains("was not tried again: the film is out already"), "{}", told.text);
    assert_eq!(told.reference.as_deref(), Some("r1-3"), "references go on where they were");
}

#[tokio::test]
async fn what_was_said_and_not_done_is_asked_for_once_more_with_calls_demanded() {
    for (said, first) in [
        ("Ship Metropolis to Otto", "I've sent it to Otto."),
        ("Please add Metropolis to the parcels", "Sure, one moment."),
    ] {
        let house = trusting().await;
        house.model.says(first).calls(&[("films_ship", r#"{"title":"Metropolis"}"#)]).says("It is on its way.");
        let watch = house.engine.watch(house.conversation, None).await.unwrap();
        let turn = house.says(said).await;
        let (_, text) = house.ends(turn).await;
        assert_eq!(text, "It is on its way.\n\nMetropolis was done.", "{said}");
        assert_eq!(house.done(), ["Metropolis"]);
        let asked = house.model.asked();
        assert_eq!(asked.iter().map(|request| request.must_call).collect::<Vec<_>>(), [false, true, false]);
        assert!(seen(watch).await.contains(&"reset step=1".to_owned()));
        // What was void is in no row, and neither is what the house said.
        assert!(house.stored().await.iter().all(|(_, text)| !text.contains("From the house") && !text.contains(first)));
        house.model.says("Anything else?");
        house.asks("Thanks").await;
        let after = house.model.asked().pop().unwrap();
        assert!(after.messages.iter().all(|message| !message.visible_text().contains("From the house")));
    }
}

#[tokio::test]
async fn nobody_insists_on_honest_answers_questions_and_what_waits() {
    for (said, answer) in [
        ("Add Metropolis", "Which of the two do you mean?"),
        ("Add Metropolis", "I cannot add films here."),
        ("How do I add a film?", "Say which one."),
        ("What was added last week?", "Metropolis was, by Otto."),
        ("Is it there?", "Yes."),
    ] {
        let house = trusting().await;
        house.model.says(answer);
        assert_eq!(house.asks(said).await.1, answer);
        assert_eq!(house.model.asked().len(), 1, "{said}");
    }
    let house = House::new().await;
    house.model.calls(&[("films_ship", r#"{"title":"A"}"#)]).says("I've sent A.");
    let (_, text) = house.asks("Ship A").await;
    assert!(text.ends_with("“Ship “A”” waits for a decision."), "{text}");
    assert_eq!(house.model.asked().len(), 2);
    // An agent that can change nothing is not pressed to.
    let house = changed(|agent| agent.toolkits = vec!["notes".into()]).await;
    house.model.says("I've added it.");
    house.asks("Add it").await;
    assert_eq!(house.model.asked().len(), 1);
}

#[tokio::test]
async fn where_insisting_fails_the_first_answer_stands_and_is_set_right() {
    let house = trusting().await;
    house.model.says("I've added Metropolis to your list.");
    let (state, text) = house.asks("Add Metropolis").await;
    assert_eq!(state, TurnState::Done);
    assert_eq!(
        text,
        "I've added Metropolis to your list.\n\nThis has not happened: nothing was changed in this answer."
    );
    // A model that will not call is asked once, not for ever.
    let house = trusting().await;
    house.model.says("I've added it.").says("I've added it, really.");
    let (_, text) = house.asks("Add Metropolis").await;
    assert_eq!(text, "I've added it, really.\n\nThis has not happened: nothing was changed in this answer.");
    assert_eq!(house.model.asked().len(), 2);
}

#[tokio::test]
async fn enough_said_early_ends_with_exactly_one_more_answer() {
    for call in [
        ("agent_early_terminate", r#"{"reason":"all found","confidence":0.9,"summary":"It is from 1927."}"#),
        ("use_tool", r#"{"name":"agent_early_terminate","arguments":{"reason":"all found"}}"#),
    ] {
        let house = changed(|agent| agent.first_tools = vec!["agent_early_terminate".into()]).await;
        house.model.calls(&[("films_look_up", r#"{"title":"Metropolis"}"#)]);
        house.model.calls(&[call]).says("1927.");
        assert_eq!(house.asks("When?").await, (TurnState::Done, "1927.".to_owned()));
        let asked = house.model.asked();
        assert_eq!(asked.iter().map(|request| request.may_call).collect::<Vec<_>>(), [true, true, false]);
        assert!(asked[0].tools.iter().any(|tool| tool.name == "agent_early_terminate"));
    }
    let house = House::new().await;
    house.model.says("Hello.");
    house.asks("Hello").await;
    assert!(
        house.model.asked()[0].tools.iter().all(|tool| tool.name != "agent_early_terminate"),
        "only where wished for"
    );
}

#[tokio::test]
async fn every_result_has_a_reference_by_which_it_is_read_again_in_this_answer_and_later_ones() {
    let house = trusting().await;
    house.model.calls(&[
        ("films_look_up", r#"{"title":"A"}"#),
        ("films_look_up", r#"{"title":"down"}"#),
        ("films_look_up", r#"{"title":"A"}"#),
        ("no_such_tool", "{}"),
        ("films_ship", r#"{"title":"B"}"#),
    ]);
    house.model.calls(&[("recall", r#"{"reference":"r1-1"}"#)]);
    house.model.calls(&[("films_ship", r#"{"title":"B"}"#)]).says("Fine.");
    house.asks("Look around").await;
    let asked = house.model.asked();
    let references: Vec<_> = results(&asked[1]).iter().map(|result| result.reference.clone().unwrap()).collect();
    assert_eq!(references, ["r1-1", "r1-2", "r1-1", "r1-4", "r1-5"], "a repeat names the first");
    assert!(results(&asked[1])[0].as_read().ends_with("\n[ref r1-1]"));
    let raw = r#"{"title":"A","year":1927}"#;
    assert_eq!(results(&asked[2])[0].text, raw);
    assert_eq!(results(&asked[3])[0].reference.as_deref(), Some("r1-7"));

    for (arguments, expected) in [
        (r#"{"ref_id":"r1-1","fields":["year"]}"#, r#"{"year":1927}"#),
        (r#"{"reference":"r1-1"}"#, raw),
        (r#"{"reference":"r1-2"}"#, "could not ask films: connection refused"),
        (r#"{"reference":"r1-99"}"#, "not_found: there is no result r1-99"),
        (r#"{"reference":"r99999999999999999999-1"}"#, "not_found"),
        (r#"{"reference":"nonsense","fields":null,"start":null,"count":null}"#, "not_found"),
    ] {
        house.model.calls(&[("fetch_cached_result", arguments)]).says("So it was.");
        house.asks("Again").await;
        let (text, is_error) = &house.read()[0];
        assert!(text.starts_with(expected) && !is_error, "{arguments}: {text}");
    }
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 2, "nothing was asked of the service again");
    // Another conversation's results are its own.
    let other = House::on(&house.store, |_| {}).await;
    other.model.calls(&[("recall", r#"{"reference":"r1-1"}"#)]).says("Nothing.");
    other.asks("Read it").await;
    assert!(other.read()[0].0.starts_with("not_found"), "{:?}", other.read());
}

#[tokio::test]
async fn lists_are_shortened_as_the_settings_say_and_the_rest_is_read_by_its_place() {
    for name in ["films", "films_look_up"] {
        let mut house = House::new().await;
        house.engine.stop(Duration::ZERO).await;
        let mut parts =
            parts_of(&house.store, &house.model, &house.second, &house.world, TurnLimits::default(), |_| {});
        let two = ToolOverride { list_items: Some(2), ..ToolOverride::default() };
        parts.config.tools = BTreeMap::from([(name.to_owned(), two)]);
        house.engine = Engine::start(parts).await.unwrap();
        house.model.calls(&[("films_look_up", r#"{"title":"list"}"#)]);
        house.model.calls(&[("recall", r#"{"reference":"r1-1","fields":["id"],"start":2,"count":2}"#)]);
        house.model.says("Forty.");
        house.asks("Which films?").await;
        let asked = house.model.asked();
        let told = results(&asked[1])[0].as_read().into_owned();
        assert_eq!(
            told,
            "{\"films\":[{\"id\":0,\"title\":\"Film 0\"},{\"id\":1,\"title\":\"Film 1\"}],\"total\":40}\n\
             [lists of up to 40 entries cut to 2: recall with reference \"r1-1\", start 2 and count]"
        );
        assert_eq!(results(&asked[2])[0].text, r#"{"films":[{"id":2},{"id":3}]}"#);
    }
    // Nobody said so: every entry is there.
    let house = House::new().await;
    house.model.calls(&[("films_look_up", r#"{"title":"list"}"#)]).says("Forty.");
    house.asks("Which films?").await;
    assert!(house.read()[0].0.contains("Film 39"));
}

#[tokio::test]
async fn a_request_carries_as_many_rounds_of_results_as_the_settings_say() {
    let house = House::with(TurnLimits { tool_messages: 2, ..TurnLimits::default() }).await;
    for n in 0..5 {
        house.model.calls(&[("films_look_up", &format!(r#"{{"title":"Film {n}"}}"#))]).says("Seen.");
        house.asks("Look").await;
    }
    for request in house.model.asked() {
        let rounds = request.messages.iter().filter(|message| message.role == Role::Tool).count();
        let calls = request.messages.iter().flat_map(|message| message.calls()).count();
        assert!(rounds <= 2 && calls == rounds, "{rounds} rounds, {calls} calls");
    }
    assert!(house.read()[0].0.contains("Film 4"), "the newest is there");
}

#[tokio::test]
async fn what_a_worker_has_read_is_read_again_by_its_reference() {
    let house = House::new().await;
    house.model.calls(&[("delegate", r#"{"task":"Look up A"}"#)]);
    // The worker is the same model here.
    house.model.calls(&[("films_look_up", r#"{"title":"A"}"#)]).says("A is from 1927.");
    house.model.says("1927.");
    house.asks("When?").await;
    let asked = house.model.asked();
    let reference = results(&asked[2])[0].reference.clone().expect("a worker's result has one too");
    house.model.calls(&[("recall", &format!(r#"{{"reference":"{reference}"}}"#))]).says("So it was.");
    house.asks("Show it").await;
    assert_eq!(house.read()[0].0, r#"{"title":"A","year":1927}"#);
}
