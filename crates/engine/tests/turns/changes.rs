//! How long a call may take, and that a change which takes longer is brought to its end, never cut in the middle.

use super::*;
use majordomo_domain::{
    ApprovalMode,
    tool::{Repeat, Undo},
};
use majordomo_engine::ToolOverride;

/// Move a film to another shelf.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// How long it is on the way. Milliseconds.
    milliseconds: u64,
}

impl Tool for Move {
    const NAME: &'static str = "shelves_move";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Blind;
    const UNDO: Undo = Undo::No("it is a test");
    type Service = World;

    fn title(&self) -> String {
        "Moving a film".into()
    }

    async fn run(self, world: &World, call: &Call) -> Result<Output, ToolError> {
        let note = |what: &str| world.done.lock().unwrap().push((call.key.clone(), what.into()));
        note("taken out");
        tokio::time::sleep(Duration::from_millis(self.milliseconds)).await;
        note("put in");
        Ok(Output::done("The film was moved."))
    }
}

/// Look for a film that is hard to find.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Seek {}

impl Tool for Seek {
    const NAME: &'static str = "shelves_seek";
    const EFFECT: Effect = Effect::Read;
    type Service = World;

    fn title(&self) -> String {
        "Seeking a film".into()
    }

    async fn run(self, _world: &World, _call: &Call) -> Result<Output, ToolError> {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        Ok(Output::text("too late"))
    }
}

const WHOLE: [&str; 2] = ["taken out", "put in"];

/// A house whose tools have this much time, and its turns so many seconds.
async fn house(timeout_ms: Option<u64>, seconds: u32) -> House {
    let mut house = House::new().await;
    house.engine.stop(Duration::ZERO).await;
    let limits = TurnLimits { seconds, ..TurnLimits::default() };
    let House { store, model, second, world, .. } = &house;
    let mut parts = parts_of(store, model, second, world, limits, |agent| agent.approvals.mode = ApprovalMode::Never);
    parts.toolkits.push(Toolkit::new("shelves", world.clone()).tool::<Move>().build());
    parts.config.tools.insert("shelves".into(), ToolOverride { timeout_ms, ..ToolOverride::default() });
    house.engine = Engine::start(parts).await.unwrap();
    house
}

#[tokio::test]
async fn a_tools_own_time_counts_before_its_toolkits_and_that_before_what_the_toolkit_brings() {
    let own = Limits { timeout: Duration::from_millis(400), ..Limits::default() };
    let limit = |timeout_ms| ToolOverride { timeout_ms: Some(timeout_ms), ..ToolOverride::default() };
    for (limits, told) in [
        (vec![], "no answer within 0.4 s"),
        (vec![("shelves", limit(100))], "no answer within 0.1 s"),
        (vec![("shelves", limit(100)), ("shelves_seek", limit(200))], "no answer within 0.2 s"),
    ] {
        let mut house = House::new().await;
        house.engine.stop(Duration::ZERO).await;
        let House { store, model, second, world, .. } = &house;
        let mut parts = parts_of(store, model, second, world, TurnLimits::default(), |_| {});
        parts.toolkits.push(Toolkit::new("shelves", world.clone()).limits(own).tool::<Seek>().build());
        parts.config.tools.extend(limits.into_iter().map(|(name, limit)| (name.to_owned(), limit)));
        house.engine = Engine::start(parts).await.unwrap();
        house.model.calls(&[("shelves_seek", "{}")]).says("Not found.");
        house.asks("Seek it").await;
        let result = result_of(&house);
        assert!(result.is_error && result.text.ends_with(told), "{}", result.text);
    }
}

#[tokio::test]
async fn twelve_slow_calls_run_at_the_same_time_where_the_settings_say_so_and_the_thirteenth_waits() {
    let mut house = House::new().await;
    house.engine.stop(Duration::ZERO).await;
    let House { store, model, second, world, .. } = &house;
    let mut parts = parts_of(store, model, second, world, TurnLimits::default(), |_| {});
    parts.config.tools.insert("films".into(), ToolOverride { at_once: Some(12), ..ToolOverride::default() });
    house.engine = Engine::start(parts).await.unwrap();
    let calls: Vec<String> = (0..13).map(|n| format!(r#"{{"title":"Film {n}"}}"#)).collect();
    let calls: Vec<_> = calls.iter().map(|arguments| ("films_look_up", arguments.as_str())).collect();
    house.model.calls(&calls).says("Thirteen.");
    house.asks("Thirteen films?").await;
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 13);
    assert_eq!(house.world.most_together.load(Ordering::SeqCst), 12);
}

/// The result of the call as the model read it.
fn result_of(house: &House) -> majordomo_domain::CallResult {
    let asked = house.model.asked().pop().unwrap();
    let parts = asked.messages.iter().flat_map(|message| message.parts.iter());
    let mut results =
        parts.filter_map(|part| if let Part::Result(result) = part { Some(result.clone()) } else { None });
    results.next_back().expect("a result")
}

#[tokio::test]
async fn a_change_is_not_cut_by_the_time_limit_of_its_tool() {
    let house = house(Some(5), 90).await;
    house.model.calls(&[("shelves_move", r#"{"milliseconds":60}"#)]).says("Moved.");
    assert_eq!(house.asks("Move it").await.0, TurnState::Done);
    assert_eq!(house.done(), WHOLE);
    let result = result_of(&house);
    assert_eq!(
        (result.text.as_str(), result.is_error, result.uncertain),
        ("The film was moved.", false, false),
        "what it came to is told, not that nobody knows"
    );
}

#[tokio::test]
async fn a_change_is_not_cut_by_the_time_limit_of_the_turn_which_goes_on_after_it() {
    let house = house(None, 1).await;
    house.model.calls(&[("shelves_move", r#"{"milliseconds":1200}"#)]).says("Moved.");
    let (state, text) = house.asks("Move it").await;
    assert_eq!(house.done(), WHOLE);
    assert_eq!(state, TurnState::Done);
    assert!(text.contains("Moved.") && !text.contains("time limit"), "{text}");
}

#[tokio::test]
async fn who_says_stop_in_the_middle_of_a_change_hears_at_once_that_its_end_is_not_known_and_it_comes_to_it() {
    let house = house(None, 90).await;
    house.model.calls(&[("shelves_move", r#"{"milliseconds":300}"#)]);
    let turn = house.says("Move it").await;
    while house.done().is_empty() {
        tokio::task::yield_now().await;
    }
    house.engine.cancel(CancelTarget::Turn(turn), house.person).await.unwrap();
    assert_eq!(house.ends(turn).await.0, TurnState::Cancelled);
    let page = house.store.messages(house.conversation, None, 100).await.unwrap();
    let parts = page.messages.iter().flat_map(|message| &message.parts);
    let uncertain = parts.filter(|part| matches!(part, Part::Result(result) if result.uncertain)).count();
    assert_eq!(uncertain, 1, "what came of it is not known");
    assert_eq!(house.done(), WHOLE[..1], "nobody waits for it");
    while house.done().len() < WHOLE.len() {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.done(), WHOLE);
}
