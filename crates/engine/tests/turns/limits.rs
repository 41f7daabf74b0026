//! STOP and budgets: what stops begins nothing more, what is spent is counted wherever it is spent, and the sentence says which limit it
//! was and when it begins anew.

#![allow(clippy::print_stdout)]

use super::{
    injection::{Stage, toolkits},
    *,
};
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use majordomo_domain::{
    ApprovalMode, ApprovalState, Model, ModelRequest,
    model::{ModelInfo, Provider},
    money::Price,
    testing::ManualClock,
};
use majordomo_engine::{Limit, Limits as Budget};

type Events = BoxStream<'static, Result<ModelEvent, ModelError>>;
type Play = Arc<dyn Fn(u32, &ModelRequest) -> Events + Send + Sync>;

/// A model that plays what a function says, given the number of the request.
#[derive(Clone)]
struct Player {
    info: ModelInfo,
    play: Play,
    asked: Arc<AtomicU32>,
}

impl Player {
    fn new(price: Option<Price>, play: impl Fn(u32, &ModelRequest) -> Events + Send + Sync + 'static) -> Self {
        let info = ModelInfo {
            name: "first/m".into(),
            provider: "first".into(),
            id: "m".into(),
            context_tokens: Some(100_000),
            price,
        };
        Self { info, play: Arc::new(play), asked: Arc::default() }
    }

    fn requests(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Model for Player {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn stream(&self, request: ModelRequest) -> Events {
        (self.play)(self.asked.fetch_add(1, Ordering::SeqCst), &request)
    }
}

impl Provider for Player {
    #[allow(clippy::misnamed_getters)]
    fn name(&self) -> &str {
        &self.info.provider
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<ModelInfo>, ModelError>> {
        Box::pin(async { Ok(vec![self.info.clone()]) })
    }

    fn model(&self, _id: &str, _options: ModelOptions) -> Arc<dyn Model> {
        Arc::new(self.clone())
    }
}

fn call(number: u32, name: &str, arguments: String) -> ModelEvent {
    ModelEvent::Call(CallRequest { id: format!("c{number}"), name: name.into(), arguments })
}

fn used(tokens: u64) -> ModelEvent {
    ModelEvent::Usage(Usage { input_tokens: tokens, ..Usage::default() })
}

fn ends(mut events: Vec<ModelEvent>) -> Events {
    let has_calls = events.iter().any(|event| matches!(event, ModelEvent::Call(_)));
    let reason = if has_calls { StopReason::Calls } else { StopReason::End };
    events.push(ModelEvent::Finished { reason, model: None });
    stream::iter(events.into_iter().map(Ok)).boxed()
}

/// Takes as long as the test lives, then changes something.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Slowly {
    /// What.
    what: String,
}

impl Tool for Slowly {
    const NAME: &'static str = "slow_lend";
    const EFFECT: Effect = Effect::Write;
    type Service = Stage;

    fn title(&self) -> String {
        assert_ne!(self.what, "breaks the turn");
        "Lending slowly".into()
    }

    async fn run(self, stage: &Stage, _call: &Call) -> Result<Output, ToolError> {
        stage.done.lock().unwrap().push(format!("began {}", self.what));
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        stage.done.lock().unwrap().push(self.what);
        Ok(Output::done("It was lent."))
    }
}

/// Think about something.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Think {
    /// About what.
    about: String,
}

impl Tool for Think {
    const NAME: &'static str = "think";
    const EFFECT: Effect = Effect::Read;
    type Service = Stage;

    fn title(&self) -> String {
        "Thinking".into()
    }

    async fn run(self, _stage: &Stage, call: &Call) -> Result<Output, ToolError> {
        Ok(Output::text(call.ask.ask(ModelRole::Chat, "Think.", &self.about).await?))
    }
}

/// A house with such a model.
struct Flat {
    engine: Engine,
    store: Store,
    stage: Stage,
    clock: Arc<ManualClock>,
    person: PersonId,
}

/// Noon of Tuesday, 2026-11-24, UTC.
const NOON_MS: i64 = 1_795_521_600_000;
const DAY_MS: i64 = 86_400_000;

impl Flat {
    async fn new(player: &Player, budget: Budget, change: impl FnOnce(&mut Agent)) -> Self {
        let store = Store::scratch().await.unwrap();
        let (stage, clock) = (Stage::default(), Arc::new(ManualClock::at(NOON_MS)));
        let engine = start_flat(&store, player, &stage, &clock, budget, change).await;
        let person = PersonId::new();
        let flat = Self { engine, store, stage, clock, person };
        flat.moves_in(person, "Ada").await;
        flat
    }

    async fn moves_in(&self, id: PersonId, name: &str) {
        let standing = Standing::Admin;
        let person = Person { id, name: name.into(), standing, zone: None, language: None, created_at_ms: 0 };
        self.store.put_person(&person).await.unwrap();
    }

    async fn begins(&self, person: PersonId, agent: usize, text: &str) -> (TurnId, ConversationId) {
        let conversation = ConversationId::new();
        let agent = self.engine.agents()[agent].id;
        let create = NewConversation {
            id: conversation,
            owner: person,
            agent,
            place: conversation.to_string(),
            title: String::new(),
            now_ms: 1,
        };
        let say = self.saying(person, conversation, agent, text);
        match self.engine.say(say, Some(create)).await.unwrap() {
            Accepted::Turn { turn, .. } => (turn, conversation),
            other => panic!("{other:?}"),
        }
    }

    fn saying(&self, author: PersonId, conversation: ConversationId, agent: AgentId, text: &str) -> Say {
        Say {
            conversation,
            agent,
            author,
            address: Address::new("web", conversation.to_string()),
            room: None,
            platform_id: None,
            parts: vec![Part::text(text)],
            model: None,
            output_tokens: None,
            task: Default::default(),
        }
    }

    async fn asks(&self, person: PersonId, agent: usize) -> (TurnState, String) {
        let (turn, _) = self.begins(person, agent, "Hello").await;
        self.ends(turn).await
    }

    async fn ends(&self, turn: TurnId) -> (TurnState, String) {
        let outcome = tokio::time::timeout(Duration::from_secs(20), self.engine.finished(turn)).await;
        let outcome = outcome.expect("the turn ends").expect("it has an outcome");
        let texts: Vec<_> = outcome.messages.iter().map(|m| m.visible_text()).filter(|t| !t.is_empty()).collect();
        (outcome.state, texts.join("\n\n"))
    }
}

async fn start_flat(
    store: &Store,
    player: &Player,
    stage: &Stage,
    clock: &Arc<ManualClock>,
    budget: Budget,
    change: impl FnOnce(&mut Agent),
) -> Engine {
    let (unused, world) = (ScriptedModel::new("first/m"), World::default());
    let limits = TurnLimits { steps: 50, ..TurnLimits::default() };
    let mut parts = parts_of(store, &unused, &unused, &world, limits, change);
    let role = || vec![RoleModel { provider: "first".into(), id: "m".into(), options: ModelOptions::default() }];
    let roles = [ModelRole::Chat, ModelRole::Worker, ModelRole::Summarizer].map(|name| (name, role()));
    parts.router = Router::new(
        vec![Arc::new(player.clone())],
        BTreeMap::from(roles),
        RouteConfig { cool_down: Duration::from_secs(30) },
    );
    parts.toolkits = toolkits(stage);
    parts.toolkits.push(Toolkit::new("slow", stage.clone()).tool::<Slowly>().tool::<Think>().build());
    let second = Agent { id: AgentId::new(), name: "second".into(), ..parts.agents[0].clone() };
    parts.agents.push(second);
    parts.clock = clock.clone();
    parts.limits = budget;
    Engine::start(parts).await.unwrap()
}

/// What runs when somebody says STOP.
#[derive(Clone, Copy, Debug)]
enum Scene {
    /// Reads and changes, step after step.
    Loop,
    /// Five changes in every step.
    Burst,
    /// A change that takes long.
    Long,
    /// Text without an end.
    Stream,
    /// Something is asked about, then reads follow.
    Asking,
}

const SCENES: [Scene; 5] = [Scene::Loop, Scene::Burst, Scene::Long, Scene::Stream, Scene::Asking];
/// Events after which somebody says STOP, from the first on.
const MOMENTS: usize = 40;

fn playing(scene: Scene) -> Player {
    Player::new(None, move |number, _| {
        let what = |n: u32| format!(r#"{{"what":"{number}-{n}"}}"#);
        let look = || call(100, "notes_read", format!(r#"{{"title":"{number}"}}"#));
        match scene {
            Scene::Loop => ends(vec![look(), call(1, "shelf_lend", what(1))]),
            Scene::Burst => ends((0..5).map(|n| call(n, "shelf_lend", what(n))).collect()),
            Scene::Long if number == 0 => ends(vec![call(1, "shelf_lend", what(1)), call(2, "slow_lend", what(2))]),
            Scene::Asking if number == 0 => ends(vec![call(1, "shelf_lend", what(1))]),
            Scene::Long | Scene::Asking => ends(vec![look()]),
            Scene::Stream => stream::repeat_with(|| Ok(ModelEvent::Text("word ".into())))
                .then(|event| async {
                    tokio::task::yield_now().await;
                    event
                })
                .boxed(),
        }
    })
}

#[tokio::test]
async fn nothing_begins_after_stop_at_two_hundred_moments() {
    let (mut moments, mut changes) = (0, 0);
    for scene in SCENES {
        let asks = matches!(scene, Scene::Asking);
        for moment in 0..MOMENTS {
            let player = playing(scene);
            let flat = Flat::new(&player, Budget::default(), |agent| {
                agent.approvals.mode = if asks { ApprovalMode::Writes } else { ApprovalMode::Never };
            })
            .await;
            // Results of outside make every change a question; these reads are the house's own.
            let (turn, conversation) = flat.begins(flat.person, 0, "Go").await;
            let mut watch = flat.engine.watch(conversation, None).await.unwrap();
            for _ in 0..moment {
                // A long call is silent; nothing more is to be waited for.
                if tokio::time::timeout(Duration::from_millis(60), watch.next()).await.is_err() {
                    break;
                }
            }
            if moment % 2 == 0 {
                let agent = flat.engine.agents()[0].id;
                let said = flat.saying(flat.person, conversation, agent, "STOP");
                assert_eq!(flat.engine.say(said, None).await.unwrap(), Accepted::Stopped { turn });
            } else {
                assert_eq!(flat.engine.stop_turns(flat.person, false).await.unwrap(), 1);
            }
            let before = flat.stage.done.lock().unwrap().clone();
            let asked_before = flat.store.approvals(None, true, None, 10).await.unwrap();
            let (state, text) = flat.ends(turn).await;
            let name = format!("{scene:?} after {moment} events");
            assert_eq!(state, TurnState::Cancelled, "{name}: {text}");
            assert!(text.contains("Cancelled: this answer was stopped."), "{name}: {text}");
            assert_eq!(*flat.stage.done.lock().unwrap(), before, "{name}: something began after STOP");
            for approval in asked_before {
                let now = flat.store.approval(approval.id).await.unwrap();
                assert_eq!(now.state, ApprovalState::Open, "{name}: what was asked stays open");
            }
            flat.store.verify_history(conversation).await.unwrap();
            flat.engine.stop(Duration::ZERO).await;
            moments += 1;
            changes += before.len();
        }
    }
    println!("{moments} moments of STOP, {changes} changes before them, none after");
    assert_eq!(moments, 200);
    assert!(changes > 100, "the scenes do change things: {changes}");
}

#[tokio::test]
async fn stop_does_not_wait_for_a_summary() {
    let long = "words ".repeat(120);
    let player = Player::new(None, move |_, request| match request.tools.is_empty() {
        true => stream::pending().boxed(),
        false => ends(vec![ModelEvent::Text(long.clone())]),
    });
    let flat = Flat::new(&player, Budget::default(), |agent| agent.limits.history_tokens = 300).await;
    let (turn, conversation) = flat.begins(flat.person, 0, "One").await;
    flat.ends(turn).await;
    let agent = flat.engine.agents()[0].id;
    for number in [2, 3] {
        let say = flat.saying(flat.person, conversation, agent, "More");
        let Accepted::Turn { turn, .. } = flat.engine.say(say, None).await.unwrap() else { panic!("accepted") };
        while player.requests() < number {
            tokio::task::yield_now().await;
        }
        if number == 3 {
            flat.engine.stop_turns(flat.person, false).await.unwrap();
        }
        let state = flat.ends(turn).await.0;
        assert_eq!(state, if number == 3 { TurnState::Cancelled } else { TurnState::Done });
    }
}

const PRICE: Option<Price> = Some(Price { input: 1.0, output: 1.0, cached_input: None });

/// Answers at once; each answer costs a million tokens, which is a dollar.
fn dear() -> Player {
    Player::new(PRICE, |_, _| ends(vec![ModelEvent::Text("Here.".into()), used(1_000_000)]))
}

#[tokio::test]
async fn every_limit_stops_after_one_request_says_which_and_begins_anew() {
    let limit = |name: &str| match name {
        "day tokens" => Limit { day_tokens: Some(500_000), ..Limit::default() },
        "month tokens" => Limit { month_tokens: Some(500_000), ..Limit::default() },
        "day dollars" => Limit { day_usd: Some(0.5), ..Limit::default() },
        // The other number is far away: the sentence is about this one.
        _ => Limit { month_usd: Some(0.5), month_tokens: Some(90_000_000), ..Limit::default() },
    };
    for name in ["day tokens", "month tokens", "day dollars", "month dollars"] {
        for whose in ["household", "person", "people", "agent"] {
            let mut budget = Budget::default();
            match whose {
                "household" => budget.household = limit(name),
                "person" => budget.person = limit(name),
                "people" => drop(budget.people.insert("ada".into(), limit(name))),
                _ => drop(budget.agents.insert("majordomo".into(), limit(name))),
            }
            let player = dear();
            let flat = Flat::new(&player, budget, |_| {}).await;
            assert_eq!(flat.asks(flat.person, 0).await, (TurnState::Done, "Here.".into()), "{name} {whose}");
            let (state, text) = flat.asks(flat.person, 0).await;
            assert_eq!((state, player.requests()), (TurnState::Failed, 1), "{name} {whose}: {text}");
            let (span, again) = match name.starts_with("day") {
                true => ("day", "at midnight, UTC"),
                false => ("month", "on the first of next month, UTC"),
            };
            let of = match (whose, name.ends_with("tokens")) {
                ("household", _) => "this household",
                ("agent", _) => "this agent",
                _ => "you",
            };
            let used = match name.ends_with("tokens") {
                true => "1000000 of 500000 tokens",
                false => "$1.00 of $0.50",
            };
            let sentence = format!(
                "No answer: the {span}'s limit for {of} is reached ({used} used or set aside); it begins anew {again}, and an admin can raise it \
                 in the settings."
            );
            assert_eq!(text, sentence);
            // Others are held up by what is everybody's, and by nothing else.
            let ben = PersonId::new();
            flat.moves_in(ben, "Ben").await;
            let agent = usize::from(whose == "agent");
            let theirs = flat.asks(ben, agent).await.0;
            let expected = if whose == "household" { TurnState::Failed } else { TurnState::Done };
            assert_eq!(theirs, expected, "{name} {whose}");
            // A day later a day begins anew, a month does not; a week later it has.
            flat.clock.advance_ms(DAY_MS);
            let next_day = flat.asks(flat.person, 0).await.0;
            assert_eq!(next_day == TurnState::Done, span == "day", "{name} {whose}: the next day");
            flat.clock.advance_ms(7 * DAY_MS);
            assert_eq!(flat.asks(flat.person, 0).await.0, TurnState::Done, "{name} {whose}: the next month");
        }
    }
}

#[tokio::test]
async fn a_model_without_a_price_is_not_asked_under_a_limit_in_dollars() {
    let player = Player::new(None, |_, _| ends(vec![ModelEvent::Text("Here.".into())]));
    let budget = Budget { household: Limit { month_usd: Some(5.0), ..Limit::default() }, ..Budget::default() };
    let flat = Flat::new(&player, budget, |_| {}).await;
    let (state, text) = flat.asks(flat.person, 0).await;
    assert_eq!((state, player.requests()), (TurnState::Failed, 0));
    let sentence = "No answer: spending is limited in dollars, and the price of first/m is not known; write it into the settings, as \
                    models.first.prices.";
    assert_eq!(text, sentence);
    // Tokens are counted without a price.
    let budget = Budget { household: Limit { month_tokens: Some(500_000), ..Limit::default() }, ..Budget::default() };
    let flat = Flat::new(&player, budget, |_| {}).await;
    assert_eq!(flat.asks(flat.person, 0).await.0, TurnState::Done);
}

#[tokio::test]
async fn errands_thinking_tools_and_summaries_are_counted_where_they_are_asked() {
    let day = |tokens| Budget { person: Limit { day_tokens: Some(tokens), ..Limit::default() }, ..Budget::default() };
    // The first request, the one inside its call, and no third.
    for (tool, arguments) in [("delegate", r#"{"task":"look"}"#), ("think", r#"{"about":"films"}"#)] {
        let player = Player::new(PRICE, move |number, _| match number {
            0 => ends(vec![call(1, tool, arguments.into()), used(400_000)]),
            _ => ends(vec![ModelEvent::Text("Found.".into()), used(400_000)]),
        });
        let flat = Flat::new(&player, day(500_000), |_| {}).await;
        let (state, text) = flat.asks(flat.person, 0).await;
        assert_eq!((state, player.requests()), (TurnState::Failed, 2), "{tool}: {text}");
        assert!(text.contains("(800000 of 500000 tokens used or set aside)"), "{tool}: {text}");
        let days = flat.store.usage_by_day(Some(flat.person), "2026-11-24").await.unwrap();
        assert_eq!((days.len(), days[0].input_tokens), (1, 800_000), "{tool}: the ledger has both");
    }
    // Two answers, then the summary that the third would need, and no third.
    let long = "words ".repeat(120);
    let player = Player::new(PRICE, move |_, _| ends(vec![ModelEvent::Text(long.clone()), used(1_000_000)]));
    let flat = Flat::new(&player, day(2_100_000), |agent| agent.limits.history_tokens = 300).await;
    let (turn, conversation) = flat.begins(flat.person, 0, "One").await;
    assert_eq!(flat.ends(turn).await.0, TurnState::Done);
    let agent = flat.engine.agents()[0].id;
    for (text, expected, requests) in [("Two", TurnState::Done, 2), ("Three", TurnState::Failed, 3)] {
        let say = flat.saying(flat.person, conversation, agent, text);
        let Accepted::Turn { turn, .. } = flat.engine.say(say, None).await.unwrap() else { panic!("accepted") };
        assert_eq!((flat.ends(turn).await.0, player.requests()), (expected, requests), "{text}");
    }
}

#[tokio::test]
async fn a_loop_of_calls_ends_at_the_limit_of_money() {
    let player = Player::new(PRICE, |number, _| {
        ends(vec![call(1, "web_read", format!(r#"{{"title":"{number}"}}"#)), used(100_000)])
    });
    let budget = Budget { person: Limit { day_usd: Some(0.45), ..Limit::default() }, ..Budget::default() };
    let flat = Flat::new(&player, budget, |_| {}).await;
    let (state, text) = flat.asks(flat.person, 0).await;
    assert_eq!(state, TurnState::Failed);
    assert!(text.contains("the day's limit for you is reached ($0.50 of $0.45"), "{text}");
    assert_eq!(player.requests(), 5, "the limit is passed by what one request cost more than it could be known to");
}

#[tokio::test]
async fn what_was_spent_or_set_aside_counts_over_a_restart_and_a_broken_turn() {
    let day = |tokens| Budget { person: Limit { day_tokens: Some(tokens), ..Limit::default() }, ..Budget::default() };
    let restarted = async |flat: &mut Flat, player: &Player, tokens| {
        flat.engine.stop(Duration::ZERO).await;
        flat.engine = start_flat(&flat.store, player, &flat.stage, &flat.clock, day(tokens), |_| {}).await;
    };
    // Spent.
    let player = dear();
    let mut flat = Flat::new(&player, day(500_000), |_| {}).await;
    assert_eq!(flat.asks(flat.person, 0).await.0, TurnState::Done);
    restarted(&mut flat, &player, 500_000).await;
    assert_eq!((flat.asks(flat.person, 0).await.0, player.requests()), (TurnState::Failed, 1));

    // Set aside by a turn that was killed in the middle of its request; what it may still use is not enough for another.
    let silent = Player::new(PRICE, |_, _| stream::pending().boxed());
    let mut flat = Flat::new(&silent, day(7_000), |_| {}).await;
    let (turn, _) = flat.begins(flat.person, 0, "Hello").await;
    while silent.requests() == 0 {
        tokio::task::yield_now().await;
    }
    let player = dear();
    restarted(&mut flat, &player, 7_000).await;
    let (state, text) = flat.ends(turn).await;
    assert_eq!((state, player.requests()), (TurnState::Failed, 0), "{text}");
    assert!(text.contains("of 7000 tokens used or set aside"), "{text}");
    // When it is over, nothing was used.
    assert_eq!(flat.asks(flat.person, 0).await.0, TurnState::Done);

    // Spent by a turn that broke inside.
    let player = Player::new(PRICE, |_, _| {
        ends(vec![call(1, "slow_lend", r#"{"what":"breaks the turn"}"#.into()), used(1_000_000)])
    });
    let flat = Flat::new(&player, day(500_000), |_| {}).await;
    assert!(flat.asks(flat.person, 0).await.1.contains("something broke inside"));
    let (_, text) = flat.asks(flat.person, 0).await;
    assert!(text.contains("the day's limit for you is reached (1000000 of 500000"), "{text}");
    assert_eq!(player.requests(), 1);
}

/// A house in which a change that cannot be looked up or repeated is running right now.
async fn in_the_middle_of_a_change() -> (Flat, TurnId) {
    let player = Player::new(None, |number, _| match number {
        0 => ends(vec![call(1, "slow_lend", r#"{"what":"x"}"#.into())]),
        _ => ends(vec![ModelEvent::Text("I've sent it.".into())]),
    });
    let flat = Flat::new(&player, Budget::default(), |agent| agent.approvals.mode = ApprovalMode::Never).await;
    let (turn, _) = flat.begins(flat.person, 0, "Lend it").await;
    while flat.stage.done.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    (flat, turn)
}

#[tokio::test]
async fn that_something_will_be_changed_is_on_disk_before_it_is() {
    let (flat, turn) = in_the_middle_of_a_change().await;
    let steps = flat.store.steps(turn).await.unwrap();
    let has_intent = steps
        .iter()
        .any(|step| matches!(&step.kind, majordomo_store::StepKind::Intent { call } if call.name == "slow_lend"));
    assert!(has_intent, "{steps:?}");
}

#[tokio::test]
async fn a_change_that_was_begun_before_a_stop_is_not_run_again_and_nobody_says_it_was_done() {
    let (mut flat, turn) = in_the_middle_of_a_change().await;
    flat.engine.stop(Duration::ZERO).await;
    let player = Player::new(None, |_, _| ends(vec![ModelEvent::Text("I've sent it.".into())]));
    flat.engine = start_flat(&flat.store, &player, &flat.stage, &flat.clock, Budget::default(), |agent| {
        agent.approvals.mode = ApprovalMode::Never;
    })
    .await;
    let (state, text) = flat.ends(turn).await;
    assert_eq!(state, TurnState::Done);
    assert!(text.contains("Whether this happened is not known"), "{text}");
    assert_eq!(*flat.stage.done.lock().unwrap(), ["began x"]);
}

#[tokio::test]
async fn who_speaks_too_fast_is_told_once_and_others_are_not_held_up() {
    const MOST: usize = 20;
    let player = dear();
    let budget = Budget { messages_per_minute: MOST as u32, ..Budget::default() };
    let flat = Flat::new(&player, budget, |_| {}).await;
    let ben = PersonId::new();
    flat.moves_in(ben, "Ben").await;
    let mut conversations = Vec::new();
    for _ in 0..5 {
        conversations.push(flat.begins(flat.person, 0, "Begin").await.1);
    }
    flat.clock.advance_ms(60_000);

    // 200 messages in ten seconds, over several conversations and channels.
    let agent = flat.engine.agents()[0].id;
    let (mut taken, mut told, mut repeats, mut turns) = (0, Vec::new(), 0, Vec::new());
    for n in 0..200 {
        let mut say = flat.saying(flat.person, conversations[n % 5], agent, "Again");
        say.address.channel = ["web", "console"][n % 2].into();
        say.platform_id = Some(format!("{n}"));
        match flat.engine.say(say, None).await {
            Ok(Accepted::Turn { turn, .. }) => {
                taken += 1;
                flat.ends(turn).await;
                turns.push(turn);
            }
            Err(EngineError::Overloaded { is_repeat: true, .. }) => repeats += 1,
            Err(error) => told.push(error.to_string()),
            other => panic!("{other:?}"),
        }
        flat.clock.advance_ms(50);
        if n == 150 {
            assert_eq!(flat.asks(ben, 0).await.0, TurnState::Done, "another person is not held up");
        }
    }
    // The room of a minute at once, and what comes back within ten seconds.
    assert_eq!(taken, MOST + MOST / 6);
    assert_eq!(told, ["slow down: 20 messages within a minute are the limit for one person"]);
    assert_eq!(repeats, 200 - taken - 1);

    // What comes twice takes no room, and stops nobody: it needs what is free, and gives it back.
    flat.clock.advance_ms(3_000);
    let mut say = flat.saying(flat.person, conversations[0], agent, "Again");
    say.platform_id = Some("0".into());
    for _ in 0..3 {
        assert_eq!(flat.engine.say(say.clone(), None).await.unwrap(), Accepted::Duplicate { turn: turns[0] });
    }
    assert_eq!(flat.asks(flat.person, 0).await.0, TurnState::Done);
    let say = flat.saying(flat.person, conversations[0], agent, "And one");
    let Err(EngineError::Overloaded { retry_after, .. }) = flat.engine.say(say.clone(), None).await else {
        panic!("one message has come back, not two")
    };

    // Whoever waits as long as they are told is heard.
    flat.clock.advance_ms(retry_after.as_millis() as i64);
    assert!(matches!(flat.engine.say(say.clone(), None).await.unwrap(), Accepted::Turn { .. }));

    // A clock that is put back by an hour locks nobody out for an hour.
    flat.clock.advance_ms(-3_600_000);
    assert!(flat.engine.say(say.clone(), None).await.is_err());
    flat.clock.advance_ms(3_000);
    assert!(matches!(flat.engine.say(say, None).await.unwrap(), Accepted::Turn { .. }));
}

#[tokio::test]
async fn stop_is_heard_from_who_speaks_too_fast() {
    let player = playing(Scene::Long);
    let flat = Flat::new(&player, Budget { messages_per_minute: 1, ..Budget::default() }, |_| {}).await;
    let (turn, conversation) = flat.begins(flat.person, 0, "Go").await;
    let agent = flat.engine.agents()[0].id;
    let more = flat.saying(flat.person, conversation, agent, "More");
    assert!(matches!(flat.engine.say(more, None).await, Err(EngineError::Overloaded { .. })));
    let stop = flat.saying(flat.person, conversation, agent, "STOP");
    assert_eq!(flat.engine.say(stop, None).await.unwrap(), Accepted::Stopped { turn });
}

#[tokio::test]
async fn a_limit_of_messages_can_be_switched_off() {
    let player = dear();
    let flat = Flat::new(&player, Budget { messages_per_minute: 0, ..Budget::default() }, |_| {}).await;
    for _ in 0..200 {
        assert_eq!(flat.asks(flat.person, 0).await.0, TurnState::Done);
    }
}
