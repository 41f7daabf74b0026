//! Scripted conversations: a person says, a model answers, tools return; what watchers saw and what is stored.

use majordomo_domain::{
    Accepted, Address, Agent, AgentId, Call, CallRequest, ConversationId, Effect, EventKind, ModelError, ModelEvent,
    ModelRole, Output, Part, Person, PersonId, Role, Standing, StopReason, SystemClock, Tool, ToolError, Toolkit,
    TurnId, TurnState, Usage,
    agent::TurnLimits,
    model::ModelOptions,
    op::{CancelTarget, Say},
    testing::ScriptedModel,
    tool::Limits,
};
use majordomo_engine::{Config, Engine, EngineError, Parts, RoleModel, RouteConfig, Router};
use majordomo_store::{NewConversation, Store};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

#[path = "turns/approvals.rs"]
mod approvals;
#[path = "turns/changes.rs"]
mod changes;
#[path = "turns/follow.rs"]
mod follow;
#[path = "turns/hostile.rs"]
mod hostile;
#[path = "turns/injection.rs"]
mod injection;
#[path = "turns/knowing.rs"]
mod knowing;
#[path = "turns/limits.rs"]
mod limits;
#[path = "turns/phases.rs"]
mod phases;
#[path = "turns/undo.rs"]
mod undo;

/// Counts what reaches the outside.
#[derive(Default, Clone)]
pub struct World {
    asked: Arc<AtomicU32>,
    together: Arc<AtomicU32>,
    most_together: Arc<AtomicU32>,
    /// What was changed, by the key of the call.
    done: Arc<Mutex<Vec<(String, String)>>>,
    /// Where wishes are kept, and how far each is.
    store: Arc<OnceLock<Store>>,
    shelf: follow::Shelf,
    stars: Arc<Mutex<BTreeMap<String, i64>>>,
    /// Nobody answers who could change something.
    is_down: Arc<AtomicBool>,
}

/// Look a film up.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LookUp {
    /// Its title.
    title: String,
}

impl Tool for LookUp {
    const NAME: &'static str = "films_look_up";
    const ALIASES: &'static [&'static str] = &["search_films"];
    const EFFECT: Effect = Effect::Read;
    type Service = World;

    fn title(&self) -> String {
        assert_ne!(self.title, "breaks the turn");
        format!("Looking up “{}”", self.title)
    }

    async fn run(self, world: &World, _call: &Call) -> Result<Output, ToolError> {
        world.asked.fetch_add(1, Ordering::SeqCst);
        let now = world.together.fetch_add(1, Ordering::SeqCst) + 1;
        world.most_together.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        world.together.fetch_sub(1, Ordering::SeqCst);
        match self.title.as_str() {
            "down" => Err(ToolError::CouldNotAsk { service: "films".into(), reason: "connection refused".into() }),
            "breaks" => panic!("on purpose"),
            "list" => {
                let films: Vec<String> = (0..40).map(|n| format!("{{\"id\":{n},\"title\":\"Film {n}\"}}")).collect();
                Ok(Output::text(format!("{{\"films\":[{}],\"total\":40}}", films.join(","))))
            }
            "long" => Ok(Output::text("0123456789".repeat(2_000))),
            "slow" => {
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                Ok(Output::text("too late"))
            }
            title => Ok(Output::text(format!("{{\"title\":\"{title}\",\"year\":1927}}"))),
        }
    }
}

/// Remove a film for good.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Remove {
    /// Its title.
    #[allow(dead_code)]
    title: String,
}

impl Tool for Remove {
    const NAME: &'static str = "films_remove";
    const EFFECT: Effect = Effect::Destroy;
    type Service = World;

    fn title(&self) -> String {
        "Removing a film".into()
    }

    async fn run(self, world: &World, _call: &Call) -> Result<Output, ToolError> {
        world.asked.fetch_add(100, Ordering::SeqCst);
        Ok(Output::text("gone"))
    }
}

struct House {
    engine: Engine,
    store: Store,
    model: ScriptedModel,
    second: ScriptedModel,
    world: World,
    person: PersonId,
    conversation: ConversationId,
}

impl House {
    async fn new() -> Self {
        Self::with(TurnLimits::default()).await
    }

    async fn with(limits: TurnLimits) -> Self {
        let store = Store::scratch().await.expect("a scratch database opens");
        Self::on(&store, |agent| agent.limits = limits).await
    }

    async fn on(store: &Store, change: impl FnOnce(&mut Agent)) -> Self {
        let person = PersonId::new();
        let admin = Person {
            id: person,
            name: "Ada".into(),
            standing: Standing::Admin,
            zone: None,
            language: None,
            created_at_ms: 0,
        };
        store.put_person(&admin).await.unwrap();
        let (model, second) = (ScriptedModel::new("first/big"), ScriptedModel::new("second/small"));
        let world = World::default();
        let engine = start_agent(store, &model, &second, &world, TurnLimits::default(), change).await;
        let conversation = ConversationId::new();
        let new = NewConversation {
            id: conversation,
            owner: person,
            agent: engine.agents()[0].id,
            place: conversation.to_string(),
            title: String::new(),
            now_ms: 1,
        };
        store.create_conversation(new).await.unwrap();
        Self { engine, store: store.clone(), model, second, world, person, conversation }
    }

    fn saying(&self, text: &str) -> Say {
        Say {
            conversation: self.conversation,
            agent: self.engine.agents()[0].id,
            author: self.person,
            address: Address::new("web", self.conversation.to_string()),
            room: None,
            platform_id: None,
            parts: vec![Part::text(text)],
            model: None,
            output_tokens: None,
            task: Default::default(),
        }
    }

    async fn says(&self, text: &str) -> TurnId {
        match self.engine.say(self.saying(text), None).await.expect("accepted") {
            Accepted::Turn { turn, .. } => turn,
            other => panic!("{other:?}"),
        }
    }

    /// Say something and wait for the end; the state and what a person reads.
    async fn asks(&self, text: &str) -> (TurnState, String) {
        let turn = self.says(text).await;
        self.ends(turn).await
    }

    async fn ends(&self, turn: TurnId) -> (TurnState, String) {
        let outcome = tokio::time::timeout(Duration::from_secs(20), self.engine.finished(turn)).await;
        let outcome = outcome.expect("the turn ends").expect("it has an outcome");
        let texts: Vec<_> = outcome.messages.iter().map(|m| m.visible_text()).filter(|t| !t.is_empty()).collect();
        (outcome.state, texts.join("\n\n"))
    }

    async fn stored(&self) -> Vec<(Role, String)> {
        let page = self.store.messages(self.conversation, None, 100).await.unwrap();
        page.messages.iter().map(|m| (m.role, m.visible_text())).collect()
    }
}

async fn start(
    store: &Store,
    model: &ScriptedModel,
    second: &ScriptedModel,
    world: &World,
    limits: TurnLimits,
) -> Engine {
    start_agent(store, model, second, world, limits, |_| {}).await
}

async fn start_agent(
    store: &Store,
    model: &ScriptedModel,
    second: &ScriptedModel,
    world: &World,
    limits: TurnLimits,
    change: impl FnOnce(&mut Agent),
) -> Engine {
    Engine::start(parts_of(store, model, second, world, limits, change)).await.expect("the engine starts")
}

/// What every house of these tests is made of, to be changed before it starts.
fn parts_of(
    store: &Store,
    model: &ScriptedModel,
    second: &ScriptedModel,
    world: &World,
    limits: TurnLimits,
    change: impl FnOnce(&mut Agent),
) -> Parts {
    let toolkit = Toolkit::new("films", world.clone())
        .guide("Films: ask before you answer.")
        .limits(Limits { at_once: 3, timeout: Duration::from_secs(2) })
        .tool::<LookUp>()
        .tool::<Remove>()
        .tool::<approvals::Lend>()
        .tool::<approvals::Ship>()
        .tool::<approvals::Shelve>()
        .tool::<follow::Wish>()
        .tool::<undo::Rate>()
        .tool::<undo::Burn>()
        .follow(world.shelf.clone())
        .hook(follow::Bell)
        .build();
    let _ = world.store.set(store.clone());
    let role = |provider: &str, id: &str| RoleModel {
        provider: provider.into(),
        id: id.into(),
        options: ModelOptions::default(),
    };
    let roles = BTreeMap::from([
        (ModelRole::Chat, vec![role("first", "big"), role("second", "small")]),
        (ModelRole::Summarizer, vec![role("second", "small")]),
    ]);
    let mut agent = Agent {
        id: AgentId::new(),
        name: "majordomo".into(),
        prompt: "You are the majordomo.".into(),
        toolkits: Vec::new(),
        first_tools: Vec::new(),
        may_stay_silent: false,
        approvals: Default::default(),
        memory: Default::default(),
        limits,
    };
    change(&mut agent);
    Parts {
        store: store.clone(),
        clock: Arc::new(SystemClock),
        toolkits: vec![toolkit],
        router: Router::new(
            vec![Arc::new(model.clone()), Arc::new(second.clone())],
            roles,
            RouteConfig { cool_down: Duration::from_secs(30) },
        ),
        agents: vec![agent],
        config: Config { max_waiting_per_conversation: 3, ..Config::default() },
        rules: Vec::new(),
        news: Default::default(),
        // Scripts speak faster than people.
        limits: majordomo_engine::Limits { messages_per_minute: 0, ..Default::default() },
        owner: "test".into(),
    }
}

/// What a watcher sees, a line each; texts put together.
async fn seen(mut watch: majordomo_engine::Watch) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut last = -1;
    while let Some(event) = watch.next().await {
        assert!(event.number > last || matches!(event.kind, EventKind::Snapshot { .. }), "numbers grow");
        last = event.number;
        let line = match &event.kind {
            EventKind::Snapshot { running, queued } => {
                format!("snapshot running={} queued={queued}", running.is_some())
            }
            EventKind::TurnQueued { message, ahead } => format!("queued ahead={ahead} {}", message.visible_text()),
            EventKind::TurnStarted { .. } => "started".into(),
            EventKind::ModelAsked { model, step } => format!("asked {model} step={step}"),
            EventKind::TextDelta { text } => match lines.last_mut() {
                Some(line) if line.starts_with("text ") => {
                    line.push_str(text);
                    continue;
                }
                _ => format!("text {text}"),
            },
            EventKind::CallStarted { call_id, title, .. } => format!("call {call_id} {title}"),
            EventKind::CallFinished { call_id, is_error, summary, .. } => {
                format!("{} {call_id} {summary}", if *is_error { "failed" } else { "returned" })
            }
            EventKind::StepReset { step } => format!("reset step={step}"),
            EventKind::Noticed { notice } => format!("notice {:?} {}", notice.kind, notice.text),
            EventKind::TurnFinished { state, messages, .. } => {
                lines.push(format!("finished {} messages={}", state.as_str(), messages.len()));
                return lines;
            }
            other => format!("{other:?}"),
        };
        lines.push(line);
    }
    lines
}

#[tokio::test]
async fn a_question_with_calls_is_told_step_by_step_and_stored_in_order() {
    let house = House::new().await;
    house.model.calls(&[("films_look_up", r#"{"title":"Metropolis"}"#), ("search_films", r#"{"title":"Nosferatu"}"#)]);
    house.model.says("Both are silent films.");
    let watch = house.engine.watch(house.conversation, None).await.unwrap();
    let turn = house.says("Are Metropolis and Nosferatu silent?").await;
    assert_eq!(
        seen(watch).await,
        [
            "snapshot running=false queued=0",
            "queued ahead=0 Are Metropolis and Nosferatu silent?",
            "started",
            "asked first/big step=1",
            "call call_1 Looking up “Metropolis”",
            "call call_2 Looking up “Nosferatu”",
            r#"returned call_1 {"title":"Metropolis","year":1927}"#,
            r#"returned call_2 {"title":"Nosferatu","year":1927}"#,
            "asked first/big step=2",
            "text Both are silent films.",
            "finished done messages=3",
        ]
    );
    house.ends(turn).await;
    assert_eq!(
        house.stored().await,
        [
            (Role::User, "Are Metropolis and Nosferatu silent?".to_owned()),
            (Role::Assistant, String::new()),
            (Role::Tool, String::new()),
            (Role::Assistant, "Both are silent films.".to_owned()),
        ]
    );
    let conversation = house.store.conversation(house.conversation).await.unwrap();
    assert_eq!((conversation.title.as_str(), conversation.message_count), ("Are Metropolis and Nosferatu silent?", 2));
}

#[tokio::test]
async fn requests_of_a_conversation_begin_with_the_ones_before() {
    let house = House::new().await;
    for turn in 0..20 {
        if turn % 5 == 2 {
            house.model.calls(&[("films_look_up", &format!(r#"{{"title":"Film {turn}"}}"#))]);
        }
        house.model.says(&format!("Answer {turn}."));
        house.asks(&format!("Question {turn}?")).await;
    }
    let asked = house.model.asked();
    assert_eq!(asked.len(), 24);
    for pair in asked.windows(2) {
        assert_eq!(pair[0].system, pair[1].system);
        assert_eq!(pair[0].tools, pair[1].tools);
        let before: Vec<_> = pair[0].messages.iter().map(|m| (m.role, m.parts.clone())).collect();
        let after: Vec<_> = pair[1].messages.iter().map(|m| (m.role, m.parts.clone())).collect();
        assert_eq!(before, after[..before.len()], "a request is the beginning of the next one");
    }
}

#[tokio::test]
async fn what_a_tool_cannot_ask_is_said_as_such() {
    let house = House::new().await;
    house.model.calls(&[("films_look_up", r#"{"title":"down"}"#)]).says("I could not ask.");
    house.asks("Is it there?").await;
    let asked = house.model.asked();
    let Part::Result(result) = &asked[1].messages.last().unwrap().parts[0] else { panic!("a result") };
    assert!(result.is_error);
    assert_eq!(result.text, "could not ask films: connection refused");
}

#[tokio::test]
async fn malformed_calls_are_answered_to_the_model_and_end_after_repairs() {
    for arguments in [
        r#"{"title":5}"#,
        r#"{"title":"a","extra":1}"#,
        r#"{}"#,
        r#"{"title":"a""#,
        r#"{"title":"a",}"#,
        r#"{"title":"a"}{"title":"b"}"#,
        r#"{"title":"a","title":"b"}"#,
        "NaN",
    ] {
        let house = House::new().await;
        house.model.calls(&[("films_look_up", arguments)]).says("Sorry.");
        assert_eq!(house.asks("Hm?").await.0, TurnState::Done, "{arguments}");
        let asked = house.model.asked();
        let Part::Result(result) = &asked[1].messages.last().unwrap().parts[0] else { panic!("a result") };
        assert!(result.is_error && result.text.starts_with("arguments not understood"), "{arguments}: {}", result.text);
        assert_eq!(house.world.asked.load(Ordering::SeqCst), 0);
    }
    let house = House::new().await;
    for n in 0..4 {
        house.model.calls(&[("no_such_tool", &format!("{{\"n\":{n}}}"))]);
    }
    let (state, text) = house.asks("Hm?").await;
    assert_eq!(state, TurnState::Done);
    assert!(text.contains("could not be understood"), "{text}");
    assert_eq!(house.model.asked().len(), 4, "two repairs, then a last word without tools");
}

#[tokio::test]
async fn going_round_in_circles_ends_with_what_was_found() {
    let house = House::new().await;
    for _ in 0..3 {
        house.model.calls(&[("films_look_up", r#"{"title":"Metropolis"}"#)]);
    }
    house.model.says("Metropolis is from 1927.");
    let (state, text) = house.asks("When?").await;
    assert_eq!(state, TurnState::Done);
    assert!(text.starts_with("Metropolis is from 1927.") && text.contains("again and again"), "{text}");
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 1, "the same question is asked once in a turn");
    assert!(!house.model.asked()[3].may_call);

    let house = House::new().await;
    for title in ["A", "B", "A", "B"] {
        house.model.calls(&[("films_look_up", &format!(r#"{{"title":"{title}"}}"#))]);
    }
    house.model.says("Enough.");
    assert!(house.asks("When?").await.1.contains("again and again"));
}

#[tokio::test]
async fn the_limit_of_steps_gives_an_honest_partial_answer() {
    let house = House::with(TurnLimits { steps: 3, ..TurnLimits::default() }).await;
    house.model.calls(&[("films_look_up", r#"{"title":"A"}"#)]);
    house.model.calls(&[("films_look_up", r#"{"title":"B"}"#)]);
    house.model.says("So far: A and B.");
    let (state, text) = house.asks("All films?").await;
    assert_eq!(state, TurnState::Done);
    assert!(text.starts_with("So far: A and B.") && text.contains("Stopped after 3 steps"), "{text}");
    assert_eq!(house.model.asked().len(), 3);
}

#[tokio::test]
async fn reads_run_side_by_side_within_their_toolkits_limit() {
    let house = House::new().await;
    let calls: Vec<_> = (0..10).map(|n| ("films_look_up", format!(r#"{{"title":"Film {n}"}}"#))).collect();
    let calls: Vec<_> = calls.iter().map(|(name, arguments)| (*name, arguments.as_str())).collect();
    house.model.calls(&calls).says("Ten.");
    house.asks("Ten films?").await;
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 10);
    assert_eq!(house.world.most_together.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn more_calls_than_allowed_are_refused_one_by_one() {
    let house = House::with(TurnLimits { calls_per_step: 4, ..TurnLimits::default() }).await;
    let calls: Vec<_> = (0..50).map(|n| ("films_look_up", format!(r#"{{"title":"Film {n}"}}"#))).collect();
    let calls: Vec<_> = calls.iter().map(|(name, arguments)| (*name, arguments.as_str())).collect();
    house.model.calls(&calls).says("Four.");
    house.asks("Fifty?").await;
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 4);
    let results = house.model.asked()[1].messages.last().unwrap().parts.len();
    assert_eq!(results, 50, "every call has its result");
}

#[tokio::test]
async fn long_results_are_cut_and_can_be_recalled() {
    let house = House::with(TurnLimits { result_chars: 1_000, ..TurnLimits::default() }).await;
    house.model.calls(&[("films_look_up", r#"{"title":"long"}"#)]);
    house.model.calls(&[("recall", r#"{"reference":"r1-1","offset":19990}"#)]);
    house.model.says("Done.");
    house.asks("Everything!").await;
    let asked = house.model.asked();
    let result = |n: usize| match &asked[n].messages.last().unwrap().parts[0] {
        Part::Result(result) => result.text.clone(),
        other => panic!("{other:?}"),
    };
    assert!(result(1).ends_with("[cut at 1000 of 20000 characters: recall with reference \"r1-1\" and offset 1000]"));
    assert_eq!(result(2), "0123456789");
}

#[tokio::test]
async fn another_model_takes_over_and_the_person_is_told() {
    let house = House::new().await;
    house.model.fails(ModelError::Busy { provider: "first".into(), detail: "overloaded".into(), retry_after: None });
    house.second.says("Here I am.");
    let (state, text) = house.asks("Hello?").await;
    assert_eq!((state, text.as_str()), (TurnState::Done, "Here I am."));
    let page = house.store.messages(house.conversation, None, 10).await.unwrap();
    let told = page.messages[1]
        .parts
        .iter()
        .any(|p| matches!(p, Part::Notice(n) if n.text.contains("second/small") && n.text.contains("overloaded")));
    assert!(told, "{:?}", page.messages[1].parts);
    // While it cools down the first one is not asked.
    house.second.says("Me again.");
    house.asks("And now?").await;
    assert_eq!(house.model.asked().len(), 1);
    let page = house.store.messages(house.conversation, None, 10).await.unwrap();
    let told = page.messages[3].parts.iter().any(|p| matches!(p, Part::Notice(n) if n.text.contains("overloaded")));
    assert!(told, "every answer of another model says so: {:?}", page.messages[3].parts);
}

#[tokio::test]
async fn a_stream_without_an_end_is_void_and_tried_again() {
    let house = House::new().await;
    house.model.then(vec![Ok(ModelEvent::Text("Half an ans".into()))]);
    house.second.says("A whole answer.");
    let watch = house.engine.watch(house.conversation, None).await.unwrap();
    house.asks("Hello?").await;
    let lines = seen(watch).await;
    assert!(lines.contains(&"reset step=1".to_owned()), "{lines:?}");
    assert_eq!(house.stored().await[1].1, "A whole answer.");
}

#[tokio::test]
async fn when_no_model_answers_the_person_reads_why_and_the_next_turn_is_sound() {
    let house = House::new().await;
    let refused = |p: &str| ModelError::Refused { provider: p.into(), detail: "the key is wrong".into() };
    house.model.fails(refused("first"));
    house.second.fails(refused("second"));
    let (state, text) = house.asks("Hello?").await;
    assert_eq!(state, TurnState::Failed);
    assert!(text.starts_with("No answer: second refused: the key is wrong"), "{text}");
    house.model.says("Better now.");
    house.second.says("Better now.");
    assert_eq!(house.asks("And now?").await.1, "Better now.");
}

#[tokio::test]
async fn an_empty_answer_or_only_thinking_is_a_failure() {
    for script in [
        vec![Ok(ModelEvent::Finished { reason: StopReason::End, model: None })],
        vec![Ok(ModelEvent::Thinking("hm".into())), Ok(ModelEvent::Finished { reason: StopReason::End, model: None })],
    ] {
        let house = House::new().await;
        house.model.then(script.clone()).then(script.clone());
        house.second.then(script.clone()).then(script);
        let (state, text) = house.asks("Hello?").await;
        assert_eq!(state, TurnState::Failed);
        assert!(text.contains("it was empty"), "{text}");
    }
}

#[tokio::test]
async fn a_cancelled_turn_keeps_its_text_and_a_marker() {
    let house = House::new().await;
    house.model.calls(&[("films_look_up", r#"{"title":"slow"}"#)]);
    let turn = house.says("Take your time").await;
    let mut watch = house.engine.watch(house.conversation, None).await.unwrap();
    // Wait until the call runs, then stop it.
    while house.world.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.engine.cancel(CancelTarget::Turn(turn), house.person).await.unwrap(), 1);
    let (state, text) = house.ends(turn).await;
    assert_eq!((state, text.as_str()), (TurnState::Cancelled, "Cancelled: this answer was stopped."));
    assert!(watch.next().await.is_some());
    house.model.says("On we go.");
    assert_eq!(house.asks("Next").await.1, "On we go.");
    let sent = house.model.asked().pop().unwrap();
    let calls = sent.messages.iter().flat_map(|m| m.calls()).count();
    let results = sent.messages.iter().flat_map(|m| &m.parts).filter(|p| matches!(p, Part::Result(_))).count();
    assert_eq!(calls, results, "a history we store is one every dialect can send");
}

#[tokio::test]
async fn the_server_ends_a_turn_at_its_time_limit() {
    let house = House::with(TurnLimits { seconds: 1, ..TurnLimits::default() }).await;
    house.model.calls(&[("films_look_up", r#"{"title":"slow"}"#)]);
    let (state, text) = house.asks("Take your time").await;
    assert_eq!((state, text.as_str()), (TurnState::Cancelled, "Stopped after 1 s, the time limit for one answer."));
    assert_eq!(house.stored().await.last().unwrap().1, text, "the marker is stored");
}

#[tokio::test]
async fn two_messages_wait_for_each_other_and_too_many_are_refused() {
    let house = House::new().await;
    house.model.calls(&[("films_look_up", r#"{"title":"slow"}"#)]);
    let first = house.says("One").await;
    let mut ahead = Vec::new();
    for n in 2..=4 {
        match house.engine.say(house.saying(&format!("Message {n}")), None).await.unwrap() {
            Accepted::Turn { ahead: a, .. } => ahead.push(a),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ahead, [1, 2, 3]);
    let refused = house.engine.say(house.saying("One too many"), None).await;
    assert!(matches!(refused, Err(EngineError::Overloaded { .. })), "{refused:?}");
    for n in 2..=4 {
        house.model.says(&format!("Answer {n}"));
    }
    house.engine.cancel(CancelTarget::Turn(first), house.person).await.unwrap();
    house.ends(first).await;
    while house.engine.pending(house.conversation) > 0 {
        tokio::task::yield_now().await;
    }
    let said: Vec<_> =
        house.stored().await.into_iter().filter(|(_, text)| !text.is_empty()).map(|(_, text)| text).collect();
    assert_eq!(
        said,
        [
            "One",
            "Cancelled: this answer was stopped.",
            "Message 2",
            "Answer 2",
            "Message 3",
            "Answer 3",
            "Message 4",
            "Answer 4"
        ]
    );
}

#[tokio::test]
async fn the_same_message_is_answered_once() {
    let house = House::new().await;
    house.model.says("Once.");
    let mut say = house.saying("Hello");
    say.platform_id = Some("m-1".into());
    let Accepted::Turn { turn, .. } = house.engine.say(say.clone(), None).await.unwrap() else { panic!("new") };
    house.ends(turn).await;
    for _ in 0..4 {
        assert_eq!(house.engine.say(say.clone(), None).await.unwrap(), Accepted::Duplicate { turn });
    }
    say.parts = vec![Part::text("Something else")];
    assert!(matches!(house.engine.say(say, None).await, Err(EngineError::Conflict(_))));
    assert_eq!(house.stored().await.len(), 2);
}

#[tokio::test]
async fn blank_and_oversized_messages_are_refused_before_any_model_is_asked() {
    let house = House::new().await;
    for text in ["", "   ", "\u{200b}"] {
        assert!(matches!(house.engine.say(house.saying(text), None).await, Err(EngineError::Empty)), "{text:?}");
    }
    let long = "x".repeat(100_001);
    assert!(matches!(house.engine.say(house.saying(&long), None).await, Err(EngineError::TooLong { .. })));
    let mut say = house.saying("Hello");
    say.model = Some("nobody/knows".into());
    assert!(matches!(house.engine.say(say, None).await, Err(EngineError::UnknownModel(_))));
    assert!(house.model.asked().is_empty() && house.stored().await.is_empty());
}

#[tokio::test]
async fn a_watcher_who_comes_back_misses_nothing() {
    let house = House::new().await;
    house.model.says("One two three four five six.");
    let mut watch = house.engine.watch(house.conversation, None).await.unwrap();
    let turn = house.says("Count").await;
    house.ends(turn).await;
    let mut all = Vec::new();
    while let Some(event) = watch.next().await {
        let over = matches!(event.kind, EventKind::TurnFinished { .. });
        all.push(event);
        if over {
            break;
        }
    }
    for (index, event) in all.iter().enumerate().skip(1).take(all.len() - 2) {
        let mut again = house.engine.watch(house.conversation, Some(event.number)).await.unwrap();
        for expected in &all[index + 1..] {
            assert_eq!(again.next().await.as_deref(), Some(&**expected));
        }
    }
    let last = all.last().unwrap().number;
    for wrong in [last + 10_000_000, i64::MAX] {
        assert!(matches!(house.engine.watch(house.conversation, Some(wrong)).await, Err(EngineError::BadEventNumber)));
    }
}

#[tokio::test]
async fn unfinished_turns_go_on_after_a_stop() {
    let house = House::new().await;
    house.model.says("Before.");
    house.asks("First").await;
    house.model.calls(&[("films_look_up", r#"{"title":"slow"}"#)]);
    house.says("Second").await;
    while house.world.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    house.says("Third").await;
    house.engine.stop(Duration::ZERO).await;
    assert!(matches!(house.engine.say(house.saying("Late"), None).await, Err(EngineError::Draining)));

    let (model, second) = (ScriptedModel::new("first/big"), ScriptedModel::new("second/small"));
    model.says("Second answer.").says("Third answer.");
    let world = World::default();
    // The interrupted call runs again; this time it fails quickly.
    let engine = start(&house.store, &model, &second, &world, TurnLimits { seconds: 3, ..TurnLimits::default() }).await;
    while engine.pending(house.conversation) > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(world.asked.load(Ordering::SeqCst), 1, "a read without a result runs again");
    let said: Vec<_> =
        house.stored().await.into_iter().filter(|(_, text)| !text.is_empty()).map(|(_, text)| text).collect();
    assert_eq!(said, ["First", "Before.", "Second", "Second answer.", "Third", "Third answer."]);
}

#[tokio::test]
async fn clearing_and_deleting_leave_no_late_answer() {
    for delete in [false, true] {
        let house = House::new().await;
        house.model.says("Kept for now.");
        house.asks("Hello").await;
        house.model.calls(&[("films_look_up", r#"{"title":"slow"}"#)]);
        let turn = house.says("Take your time").await;
        if delete {
            house.engine.delete(house.conversation).await.unwrap();
        } else {
            house.engine.clear(house.conversation).await.unwrap();
        }
        let _ = house.engine.finished(turn).await;
        assert!(house.stored().await.is_empty());
        assert_eq!(house.store.conversation(house.conversation).await.is_err(), delete);
    }
}

#[tokio::test]
async fn old_talk_becomes_a_summary_when_it_grows_too_long() {
    let house = House::with(TurnLimits { history_tokens: 300, ..TurnLimits::default() }).await;
    let long = "words ".repeat(120);
    for n in 0..2 {
        house.model.says(&long);
        house.asks(&format!("Tell me story {n}")).await;
    }
    house.second.says("They told stories.");
    house.model.says("Right.");
    assert_eq!(house.asks("What did we do?").await.1, "Right.");
    let sent = house.model.asked().pop().unwrap();
    let first = sent.messages[0].visible_text();
    assert!(first.contains("They told stories."), "{first}");
    assert!(house.second.asked()[0].messages[0].visible_text().contains("Tell me story 0"));
}

#[tokio::test]
async fn a_context_that_is_too_long_is_cut_once_then_failed() {
    let house = House::new().await;
    let too_long = || ModelError::TooLong { provider: "first".into(), detail: "128000 tokens".into() };
    house.model.says("Fine.");
    house.asks("Hello").await;
    house.model.fails(too_long()).says("Fine again.");
    assert_eq!(house.asks("More").await.1, "Fine again.");
    assert_eq!(house.model.asked().pop().unwrap().messages.len(), 1);
    // With somebody to summarise, what was said is not lost.
    house.second.says("They said hello and more.");
    house.model.fails(too_long()).says("Still fine.");
    assert_eq!(house.asks("And more").await.1, "Still fine.");
    let sent = house.model.asked().pop().unwrap();
    assert_eq!(sent.messages.len(), 2);
    assert!(sent.messages[0].visible_text().contains("They said hello and more."));
    house.model.fails(too_long()).fails(too_long());
    let (state, text) = house.asks("Even more").await;
    assert_eq!(state, TurnState::Failed);
    assert!(text.contains("too long"), "{text}");
}

#[tokio::test]
async fn a_slow_conversation_does_not_delay_another() {
    let house = House::new().await;
    house.model.calls(&[("films_look_up", r#"{"title":"slow"}"#)]);
    let slow = house.says("Slow").await;
    while house.world.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    house.model.says("Quick.");
    let other = ConversationId::new();
    let mut say = house.saying("Quick?");
    say.conversation = other;
    let create = NewConversation {
        id: other,
        owner: house.person,
        agent: say.agent,
        place: other.to_string(),
        title: String::new(),
        now_ms: 2,
    };
    let Accepted::Turn { turn, .. } = house.engine.say(say, Some(create)).await.unwrap() else { panic!("new") };
    assert_eq!(house.ends(turn).await.1, "Quick.");
    assert_eq!(house.engine.pending(house.conversation), 1);
    house.engine.cancel(CancelTarget::Turn(slow), house.person).await.unwrap();
    house.ends(slow).await;
}

#[tokio::test]
async fn usage_and_cost_are_kept_by_day() {
    let house = House::new().await;
    house.model.says("Hello.");
    house.asks("Hello").await;
    let days = house.store.usage_by_day(Some(house.person), "2020-01-01").await.unwrap();
    assert_eq!((days.len(), days[0].input_tokens, days[0].output_tokens, days[0].turns), (1, 100, 10, 1));
    house.model.then(vec![
        Ok(ModelEvent::Text("No numbers.".into())),
        Ok(ModelEvent::Usage(Usage::default())),
        Ok(ModelEvent::Finished { reason: StopReason::End, model: None }),
    ]);
    house.asks("Again").await;
    let (usage, _, turns) = house.store.conversation_usage(house.conversation).await.unwrap();
    assert!(usage.estimated && usage.output_tokens > 10 && turns == 2, "{usage:?}");
}

#[tokio::test]
async fn a_found_tool_is_used_as_itself() {
    let house = House::new().await;
    house.model.calls(&[("find_tools", r#"{"query":"look up films"}"#)]);
    house.model.calls(&[("use_tool", r#"{"name":"films_look_up","arguments":{"title":"Metropolis"}}"#)]);
    house.model.calls(&[("use_tool", r#"{"name":"films_remove","arguments":{"title":"Metropolis"}}"#)]);
    house.model.says("Found.");
    house.asks("Find it").await;
    let asked = house.model.asked();
    let result = |n: usize| match &asked[n].messages.last().unwrap().parts[0] {
        Part::Result(result) => (result.name.clone(), result.is_error, result.text.clone()),
        other => panic!("{other:?}"),
    };
    assert!(result(1).2.contains("films_look_up"), "{}", result(1).2);
    assert_eq!(result(2), ("films_look_up".into(), false, r#"{"title":"Metropolis","year":1927}"#.into()));
    assert!(result(3).2.starts_with("Not done."), "a found tool keeps its effect: {:?}", result(3));
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn unknown_events_of_calls_without_ids_do_not_mix() {
    let house = House::new().await;
    // Two calls with the same id: both are answered, in order.
    house.model.then(vec![
        Ok(ModelEvent::Call(CallRequest {
            id: "x".into(),
            name: "films_look_up".into(),
            arguments: r#"{"title":"A"}"#.into(),
        })),
        Ok(ModelEvent::Call(CallRequest {
            id: "x".into(),
            name: "films_look_up".into(),
            arguments: r#"{"title":"B"}"#.into(),
        })),
        Ok(ModelEvent::Finished { reason: StopReason::Calls, model: None }),
    ]);
    house.model.says("Done.");
    assert_eq!(house.asks("Both").await.1, "Done.");
    assert_eq!(house.model.asked()[1].messages.last().unwrap().parts.len(), 2);
}

#[tokio::test]
async fn an_errand_has_its_own_few_steps_and_its_cost_counts() {
    let house = House::with(TurnLimits { worker_steps: 2, ..TurnLimits::default() }).await;
    house.model.calls(&[("delegate", r#"{"task":"Compare A and B"}"#)]);
    // The worker role uses the chat models here: the errand takes the next two answers.
    house.model.calls(&[("films_look_up", r#"{"title":"A"}"#), ("delegate", r#"{"task":"again"}"#)]);
    house.model.says("A is from 1927.");
    house.model.says("The worker says: 1927.");
    assert_eq!(house.asks("Compare").await.1, "The worker says: 1927.");
    let asked = house.model.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked[1].tools.iter().all(|tool| tool.name != "delegate"));
    assert!(asked[1].may_call && !asked[2].may_call, "two steps, the last one without calls");
    let nested =
        asked[2].messages.last().unwrap().parts.iter().filter(|p| matches!(p, Part::Result(r) if r.is_error)).count();
    assert_eq!(nested, 1, "an errand is not handed on");
    let (usage, _, _) = house.store.conversation_usage(house.conversation).await.unwrap();
    assert!(usage.input_tokens >= 200, "the errand's tokens count: {usage:?}");
}

#[tokio::test]
async fn what_is_remembered_is_what_is_stored() {
    let house = House::new().await;
    house.model.calls(&[("films_look_up", r#"{"title":"A"}"#)]).says("One.");
    house.asks("First").await;
    house.model.says("Two.");
    house.asks("Second").await;
    let sent = house.model.asked().pop().unwrap();
    // A new engine has to read the history back; the model gets the very same request.
    let (model, second) = (ScriptedModel::new("first/big"), ScriptedModel::new("second/small"));
    let engine = start(&house.store, &model, &second, &house.world, TurnLimits::default()).await;
    house.model.says("Three.");
    house.asks("Third").await;
    let kept = house.model.asked().pop().unwrap();
    house.engine.stop(Duration::ZERO).await;
    model.says("Four.");
    let Accepted::Turn { turn, .. } = engine.say(house.saying("Fourth"), None).await.unwrap() else { panic!("new") };
    engine.finished(turn).await.unwrap();
    let read = model.asked().pop().unwrap();
    let parts = |request: &majordomo_domain::ModelRequest| {
        request.messages.iter().map(|m| (m.position, m.role, m.parts.clone())).collect::<Vec<_>>()
    };
    assert_eq!(parts(&kept), parts(&read)[..parts(&kept).len()]);
    assert_eq!(parts(&sent), parts(&read)[..parts(&sent).len()]);
}

#[tokio::test]
async fn a_snapshot_in_the_middle_shows_what_was_shown() {
    let house = House::new().await;
    house.model.then(vec![
        Ok(ModelEvent::Text("Let me look.".into())),
        Ok(ModelEvent::Call(CallRequest {
            id: "a".into(),
            name: "films_look_up".into(),
            arguments: r#"{"title":"A"}"#.into(),
        })),
        Ok(ModelEvent::Finished { reason: StopReason::Calls, model: None }),
    ]);
    house.model.then(vec![Ok(ModelEvent::Text("Half".into()))]);
    house.second.calls(&[("films_look_up", r#"{"title":"slow"}"#)]);
    let turn = house.says("Look").await;
    while house.world.asked.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    let mut watch = house.engine.watch(house.conversation, None).await.unwrap();
    let first = watch.next().await.unwrap();
    let EventKind::Snapshot { running: Some(running), queued: 0 } = &first.kind else { panic!("{first:?}") };
    assert_eq!(running.text.trim_end(), "Let me look.", "only the step that broke off is taken back");
    assert_eq!((running.calls.len(), running.calls[0].finished, running.calls[1].finished), (2, true, false));
    house.engine.cancel(CancelTarget::Turn(turn), house.person).await.unwrap();
    house.ends(turn).await;
}

/// A house whose agent is changed before it starts.
async fn changed(change: impl FnOnce(&mut Agent)) -> House {
    let mut house = House::new().await;
    house.engine.stop(Duration::ZERO).await;
    let limits = TurnLimits::default();
    house.engine = start_agent(&house.store, &house.model, &house.second, &house.world, limits, change).await;
    house
}

#[tokio::test]
async fn an_agent_uses_only_its_own_toolkits() {
    let house = changed(|agent| agent.toolkits = vec!["notes".into()]).await;
    house.model.calls(&[("films_look_up", r#"{"title":"A"}"#), ("find_tools", r#"{"query":"look up a film"}"#)]);
    house.model.calls(&[("use_tool", r#"{"name":"search_films","arguments":{"title":"A"}}"#)]);
    house.model.says("I cannot.");
    house.asks("Look it up").await;
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 0);
    let asked = house.model.asked();
    assert!(asked[0].tools.iter().all(|tool| !tool.name.starts_with("films")));
    let found = match &asked[1].messages.last().unwrap().parts[1] {
        Part::Result(result) => result.text.clone(),
        other => panic!("{other:?}"),
    };
    assert!(found.starts_with("No tool fits"), "{found}");
}

#[tokio::test]
async fn a_tool_that_breaks_is_one_failed_call_and_a_broken_turn_ends_with_a_sentence() {
    let house = House::new().await;
    house.model.calls(&[("films_look_up", r#"{"title":"breaks"}"#)]).says("It failed inside.");
    assert_eq!(house.asks("Try").await.1, "It failed inside.");
    house.model.calls(&[("films_look_up", r#"{"title":"breaks the turn"}"#)]);
    let watch = house.engine.watch(house.conversation, None).await.unwrap();
    let (state, text) = house.asks("Try harder").await;
    assert_eq!(state, TurnState::Failed);
    assert!(text.contains("something broke inside"), "{text}");
    assert_eq!(seen(watch).await.last().unwrap(), "finished failed messages=1");
    house.model.says("Still here.");
    assert_eq!(house.asks("And now?").await.1, "Still here.");
    assert_eq!(house.stored().await.last().unwrap().1, "Still here.");
}

#[tokio::test]
async fn an_agent_that_may_stay_silent_says_nothing() {
    let house = changed(|agent| agent.may_stay_silent = true).await;
    house.model.calls(&[("stay_silent", "{}")]);
    assert_eq!(house.asks("Just talking to myself").await, (TurnState::Done, String::new()));
    house.model.says("Yes?");
    assert_eq!(house.asks("Majordomo!").await.1, "Yes?");
    let sent = house.model.asked().pop().unwrap();
    assert_eq!(sent.messages.iter().filter(|m| m.role == Role::User).count(), 2);
    // Others have to answer.
    let house = House::new().await;
    house.model.calls(&[("stay_silent", "{}")]).says("Well, yes.");
    assert_eq!(house.asks("Hello?").await.1, "Well, yes.");
}

#[tokio::test]
async fn history_is_counted_in_exchanges_and_the_transcript_can_be_trimmed() {
    let house = House::with(TurnLimits { history_turns: 2, keep_messages: 5, ..TurnLimits::default() }).await;
    for n in 1..=6 {
        if n == 5 {
            house.model.calls(&[("films_look_up", r#"{"title":"A"}"#)]);
        }
        house.model.says(&format!("Answer {n}"));
        house.asks(&format!("Question {n}")).await;
        let sent = house.model.asked().pop().unwrap();
        assert_eq!(sent.messages[0].role, Role::User, "a request begins with a question");
        let questions = sent.messages.iter().filter(|m| m.role == Role::User).count();
        assert!(questions <= 3, "two exchanges and the question: {questions}");
        assert!(house.stored().await.len() <= 5);
    }
    let kept = house.stored().await;
    assert_eq!(kept.first().unwrap(), &(Role::User, "Question 6".to_owned()), "a turn goes as a whole");
    assert_eq!(kept.last().unwrap().1, "Answer 6");
}
