//! The handle everybody outside holds, and the loops behind it.

use crate::{
    access::Rule,
    budget::Limits,
    catalogue::{Catalogue, ToolOverride},
    delegate::Home,
    health::{Health, ProbeResult},
    notice::NewsConfig,
    pace::Pace,
    room::{Room, Rooms, TurnHandle, Waiting},
    route::Router,
    turn,
    watch::Watch,
};
use futures_util::FutureExt;
use majordomo_domain::{
    Accepted, Agent, AgentId, Clock, ConversationId, EventKind, Message, Op, Part, Person, PersonId, Tool, ToolError,
    Toolkit, TurnId, TurnState, Usage, fault_point,
    model::{ModelInfo, ModelOptions, ModelRole},
    op::{CancelTarget, Say},
    text,
    tool::Picture,
};
use majordomo_store::{AcceptOutcome, NewConversation, NewSay, OpenedTurn, Store, StoreError, ToStop, bus::Bus};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Settings of the section `[engine]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Turns that run at the same time in this process, 1 to 10 000. Default 256. Further ones wait.
    pub max_running_turns: usize,
    /// Turns that may wait in one conversation, 0 to 1 000. Default 10. Further messages are refused with "slow down".
    pub max_waiting_per_conversation: usize,
    /// Milliseconds of silence after which a line is shown while working. Default 3 000.
    pub progress_after_ms: u64,
    /// Characters one message may have, 1 to 1 000 000. Default 100 000.
    pub max_message_chars: usize,
    /// Seconds a model that failed is passed over when another one can answer. Default 30.
    pub cool_down_seconds: u64,
    /// Hours a long result can be recalled. Default 24.
    pub recall_hours: u32,
    /// Minutes in which a change can be taken back with one press, 0 to 10 080. Default 60; 0 for never.
    pub undo_minutes: u32,
    /// Time-outs and parallelism by toolkit or by tool, in place of their own.
    pub tools: BTreeMap<String, ToolOverride>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_running_turns: 256,
            max_waiting_per_conversation: 10,
            progress_after_ms: 3_000,
            max_message_chars: 100_000,
            cool_down_seconds: 30,
            recall_hours: 24,
            undo_minutes: 60,
            tools: BTreeMap::new(),
        }
    }
}

/// What an engine is made of.
pub struct Parts {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub toolkits: Vec<Toolkit>,
    pub router: Router,
    /// The first one answers where nobody was chosen. At least one.
    pub agents: Vec<Agent>,
    pub config: Config,
    /// Who may do what, beside the default table. The first that fits decides.
    pub rules: Vec<Rule>,
    pub limits: Limits,
    pub news: NewsConfig,
    /// The name of this process in leases, different in every process that shares the database.
    pub owner: String,
}

/// Why an operation was not accepted. The texts are for people.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    #[error("{0} not found")]
    NotFound(&'static str),
    #[error("there is no text in this message")]
    Empty,
    #[error("the message has {length} characters; the limit is {limit}")]
    TooLong { length: usize, limit: usize },
    /// A channel that shows what it could not take says it once: `is_repeat` is true for those who heard it within the last minute.
    #[error("slow down: {reason}")]
    Overloaded { reason: String, retry_after: Duration, is_repeat: bool },
    #[error("the service is stopping; try again in a moment")]
    Draining,
    #[error("there is no model named {0}")]
    UnknownModel(String),
    #[error("this event number was never given")]
    BadEventNumber,
    #[error("{0}")]
    Conflict(String),
    /// This person may not; the sentence says who may.
    #[error("{0}")]
    NotAllowed(String),
    #[error("{0}")]
    Tool(#[from] ToolError),
    #[error("{0}")]
    Store(StoreError),
    #[error("{0}")]
    Unusable(String),
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => EngineError::NotFound(what),
            StoreError::Conflict(text) => EngineError::Conflict(text),
            other => EngineError::Store(other),
        }
    }
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub state: TurnState,
    /// What the turn added to the conversation, without the question.
    pub messages: Vec<Message>,
    pub model: String,
    pub usage: Usage,
    pub cost_micros: i64,
    pub error: Option<String>,
}

/// The models a person may choose from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelList {
    pub models: Vec<ModelInfo>,
    /// The first choice of the chat role.
    pub default: String,
    /// False when no provider could be asked and the list is the configured one.
    pub live: bool,
    /// Who could not be asked.
    pub problem: Option<String>,
}

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub catalogue: Catalogue,
    pub router: Router,
    pub agents: Vec<Agent>,
    pub config: Config,
    pub owner: String,
    pub bus: Bus,
    pub rooms: Rooms,
    pub turns: Mutex<HashMap<TurnId, Arc<TurnHandle>>>,
    pub people: moka::future::Cache<PersonId, Arc<Person>>,
    pub stable: HashMap<AgentId, crate::context::Stable>,
    pub remembered: moka::future::Cache<ConversationId, crate::context::Remembered>,
    pub rules: Vec<Rule>,
    pub limits: Limits,
    pub news: NewsConfig,
    pub pace: Pace,
    /// What conversations begin with, by person, room and the version of all facts.
    pub known: moka::future::Cache<(PersonId, Option<String>, u64), Option<Arc<crate::memory::Known>>>,
    /// Codes that joined nothing, by channel and account.
    pub wrong_codes: moka::future::Cache<String, u32>,
    /// Woken when an approval opens.
    pub expiry: Notify,
    /// Woken when a webhook comes in.
    pub heard: Notify,
    pub slots: Semaphore,
    pub tasks: TaskTracker,
    pub halt: CancellationToken,
    draining: AtomicBool,
    health: Health,
    /// What workers used, until their turn counts it.
    side_usage: Mutex<HashMap<TurnId, (Usage, i64)>>,
    models: tokio::sync::Mutex<Option<(tokio::time::Instant, ModelList)>>,
}

/// Recent history kept in memory, over all conversations. Bytes of text.
const REMEMBERED_BYTES: u64 = 8 << 20;

/// How long a lease on a conversation holds without being renewed. Milliseconds.
pub(crate) const LEASE_MS: i64 = 30_000;

/// How often turns are looked for that nobody works on.
const TAKE_OVER: Duration = Duration::from_secs(5);
/// How often a process that shares its database looks for what was told to stop elsewhere.
const HEAR_STOPS: Duration = Duration::from_millis(500);
/// Pause before a turn whose conversation another process has is tried again.
const NOT_YET: Duration = Duration::from_millis(500);

impl Engine {
    /// Write the agents, take up unfinished turns, start the loops.
    pub async fn start(parts: Parts) -> Result<Self, EngineError> {
        if parts.agents.is_empty() {
            return Err(EngineError::Unusable("there is no agent".into()));
        }
        let mut agents = Vec::with_capacity(parts.agents.len());
        for agent in &parts.agents {
            agents.push(parts.store.put_agent(agent).await?);
        }
        let home = Home::default();
        let catalogue = Catalogue::new(parts.toolkits, parts.store.clone(), home.clone(), &parts.config)?;
        let unfinished = parts.store.unfinished_turns(&parts.owner, parts.clock.now_ms(), |_| false).await?;
        let engine = Self(Arc::new(Inner {
            health: Health::new(catalogue.toolkits()),
            stable: crate::context::stable_parts(&agents, &catalogue),
            catalogue,
            router: parts.router,
            agents,
            bus: Bus::default(),
            rooms: Rooms::default(),
            turns: Mutex::default(),
            people: moka::future::Cache::builder().max_capacity(1_000).time_to_live(Duration::from_secs(5)).build(),
            remembered: moka::future::Cache::builder()
                .max_capacity(REMEMBERED_BYTES)
                .weigher(|_, remembered: &crate::context::Remembered| remembered.weight())
                .build(),
            rules: parts.rules,
            limits: parts.limits,
            news: parts.news,
            pace: Pace::default(),
            known: moka::future::Cache::builder().max_capacity(500).time_to_live(Duration::from_secs(60)).build(),
            wrong_codes: moka::future::Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_secs(900))
                .build(),
            expiry: Notify::new(),
            heard: Notify::new(),
            slots: Semaphore::new(parts.config.max_running_turns.clamp(1, 10_000)),
            tasks: TaskTracker::new(),
            halt: CancellationToken::new(),
            draining: AtomicBool::new(false),
            side_usage: Mutex::default(),
            models: tokio::sync::Mutex::new(None),
            store: parts.store,
            clock: parts.clock,
            config: parts.config,
            owner: parts.owner,
        }));
        let _ = home.set(Arc::downgrade(&engine.0));
        engine.recover(unfinished).await?;
        engine.spawn_sweep();
        engine.spawn_expiry();
        engine.spawn_follow();
        engine.spawn_past();
        engine.spawn_take_over();
        if engine.0.store.may_be_shared() {
            engine.spawn_stops();
        }
        Ok(engine)
    }

    /// Accept an operation; answered when its row is on disk.
    pub async fn submit(&self, op: Op) -> Result<Accepted, EngineError> {
        match op {
            Op::Say(say) => self.say(say, None).await,
            Op::Cancel(cancel) => {
                let turns = self.cancel(cancel.target, cancel.by).await?;
                Ok(Accepted::Cancelled { turns })
            }
            Op::Invoke(invoke) => self.invoke(invoke, None).await,
            Op::Decide(decide) => self.decide(decide).await,
        }
    }

    /// Accept what somebody says, making the conversation when it does not exist and `create` is given.
    pub async fn say(&self, mut say: Say, create: Option<NewConversation>) -> Result<Accepted, EngineError> {
        if self.is_draining() {
            return Err(EngineError::Draining);
        }
        let hidden = self.check(&mut say)?;
        if let Some(turn) = self.heed_stop(&say).await? {
            return Ok(Accepted::Stopped { turn });
        }
        let inner = &self.0;
        let room = inner.rooms.of(say.conversation);
        // One at a time per conversation, so that turns wait in the order in which they were stored.
        let _gate = room.gate.lock().await;
        let now_ms = inner.clock.now_ms();
        let (waiting, free) = room.reserve();
        let refused = match waiting > inner.config.max_waiting_per_conversation {
            true => Err(EngineError::Overloaded {
                reason: format!("{waiting} messages wait in this conversation already"),
                retry_after: Duration::from_secs(5),
                is_repeat: inner.pace.was_told(say.author, now_ms),
            }),
            false => inner.pace.take(say.author, inner.limits.messages_per_minute, now_ms),
        };
        if let Err(error) = refused {
            room.unreserve(free);
            metrics::counter!("majordomo_messages_refused_total").increment(1);
            return Err(error);
        }
        let nothing_came = || {
            room.unreserve(free);
            inner.pace.give_back(say.author, inner.limits.messages_per_minute);
        };
        let turn = TurnId::new();
        let new = NewSay {
            turn,
            digest: say.platform_id.as_ref().map(|_| digest(&say)).unwrap_or_default(),
            create,
            claim: free.then(|| (inner.owner.clone(), now_ms + LEASE_MS)),
            audit: self.hidden_text(&say, turn, hidden).into_iter().collect(),
            now_ms,
            say: say.clone(),
        };
        fault_point!("ingest.tx");
        let outcome = inner.store.accept(new).await;
        let opened = match outcome {
            Ok(AcceptOutcome::Stored { ordinal, message, fence }) => OpenedTurn { ordinal, message, fence },
            Ok(AcceptOutcome::Duplicate { turn }) => {
                nothing_came();
                return Ok(Accepted::Duplicate { turn });
            }
            Err(error) => {
                nothing_came();
                return Err(error.into());
            }
        };
        fault_point!("ingest.done");
        let ahead = self.line_up(&room, turn, say, opened, waiting, free);
        Ok(Accepted::Turn { turn, ahead })
    }

    /// Put a stored turn in its conversation's line; how many run first.
    pub(crate) fn line_up(
        &self,
        room: &Arc<Room>,
        turn: TurnId,
        say: Say,
        opened: OpenedTurn,
        waiting: usize,
        free: bool,
    ) -> u32 {
        let OpenedTurn { ordinal, message, fence } = opened;
        let handle = Arc::new(TurnHandle::new(turn, say.conversation, say.author, ordinal));
        self.turns().insert(turn, handle.clone());
        let ahead = u32::try_from(waiting).unwrap_or(u32::MAX);
        let shown = without_data(&message);
        room.tell(&self.0.bus, ordinal, 0, turn, EventKind::TurnQueued { message: shown, ahead });
        let next = Waiting { handle, say, question: Some(message), fence, steps: Vec::new(), attempt: 1 };
        if room.enqueue(next, free) {
            self.drive(room.clone());
        }
        ahead
    }

    /// What is said, checked and cleaned; how many characters nobody can see were taken out. Errors name what is wrong.
    fn check(&self, say: &mut Say) -> Result<usize, EngineError> {
        let (mut length, mut all_hidden) = (0, 0);
        for part in &mut say.parts {
            if let Part::Text { text } = part {
                if text.chars().any(|c| c.is_control() || c >= '\u{e0000}') {
                    let cleaned = text::clean(text);
                    all_hidden += text.chars().count() - cleaned.chars().count();
                    *text = cleaned;
                }
                length += text.chars().count();
            }
        }
        let limit = self.0.config.max_message_chars;
        if length > limit {
            return Err(EngineError::TooLong { length, limit });
        }
        let says_something = say.parts.iter().any(|part| match part {
            Part::Text { text } => !text::is_blank(text),
            Part::Image { .. } | Part::File { .. } => true,
            _ => !say.task.is_answer(),
        });
        if !says_something {
            return Err(EngineError::Empty);
        }
        if say.model.as_deref() == Some("auto") {
            say.model = None;
        }
        match &say.model {
            Some(name) if !self.0.router.knows(name) => Err(EngineError::UnknownModel(name.clone())),
            _ => Ok(all_hidden),
        }
    }

    /// One task per conversation with work: it runs the turns in order and ends when none is left.
    pub(crate) fn drive(&self, room: Arc<Room>) {
        let engine = self.clone();
        self.0.tasks.spawn(async move {
            while let Some(next) = room.next() {
                let Ok(slot) = engine.0.slots.acquire().await else { break };
                if engine.0.halt.is_cancelled() {
                    break;
                }
                let handle = next.handle.clone();
                let (say, attempt) = (next.say.clone(), next.attempt);
                match AssertUnwindSafe(turn::run(&engine, &room, next)).catch_unwind().await {
                    Ok(None) => {}
                    // Who stops leaves it to those that go on, or to the next start.
                    Ok(Some(_)) if engine.is_draining() => {}
                    Ok(Some(waiting)) => {
                        drop(slot);
                        room.put_back(waiting);
                        tokio::select! {
                            () = engine.0.halt.cancelled() => {}
                            () = tokio::time::sleep(NOT_YET) => {}
                        }
                        continue;
                    }
                    // A panic ends its turn with a sentence, not the conversation with silence.
                    Err(_) => turn::give_up(&engine, &room, &handle, &say, attempt).await,
                }
                engine.turns().remove(&handle.turn);
            }
        });
    }

    /// Watch a conversation. The first event is a snapshot, unless what followed `after` can still be given one by one.
    /// [`EngineError::BadEventNumber`] for a number that lies in the future.
    pub async fn watch(&self, conversation: ConversationId, after: Option<i64>) -> Result<Watch, EngineError> {
        let room = self.0.rooms.of(conversation);
        if let Some(after) = after
            && after > room.last_number()
        {
            // The room may be new to this process while the conversation is not.
            let newest = self.0.store.messages(conversation, None, 1).await?;
            let known = newest.messages.last().map_or(0, |m| (m.position / 1000 + 1) * 1_000_000 - 1);
            if after > known.max(room.last_number()) || after < 0 {
                return Err(EngineError::BadEventNumber);
            }
        }
        Ok(Watch::open(room, &self.0.bus, after))
    }

    /// Wait for the end of a turn.
    pub async fn finished(&self, turn: TurnId) -> Result<Arc<Outcome>, EngineError> {
        let handle = self.turns().get(&turn).cloned();
        if let Some(handle) = handle
            && let Some(outcome) = handle.outcome().await
        {
            return Ok(outcome);
        }
        Ok(Arc::new(self.stored_outcome(turn).await?))
    }

    /// How a turn ended, from its rows. [`EngineError::Draining`] when it has no end yet.
    pub(crate) async fn stored_outcome(&self, turn: TurnId) -> Result<Outcome, EngineError> {
        let row = self.0.store.turn(turn).await?;
        if !row.state.is_over() {
            return Err(EngineError::Draining);
        }
        let mut messages = self.0.store.turn_messages(&row).await?;
        messages.retain(|m| m.role != majordomo_domain::Role::User);
        Ok(Outcome {
            state: row.state,
            messages,
            model: row.model.unwrap_or_default(),
            usage: row.usage,
            cost_micros: row.cost_micros,
            error: row.error,
        })
    }

    /// Turns of a conversation that run or wait in this process.
    pub fn pending(&self, conversation: ConversationId) -> u32 {
        self.turns().values().filter(|t| t.conversation == conversation).count() as u32
    }

    /// Tell turns to stop; how many. Each leaves a visible marker.
    pub async fn cancel(&self, target: CancelTarget, _by: PersonId) -> Result<u32, EngineError> {
        let handles: Vec<_> = self
            .turns()
            .values()
            .filter(|t| match target {
                CancelTarget::Turn(turn) => t.turn == turn,
                CancelTarget::Conversation(conversation) => t.conversation == conversation,
            })
            .cloned()
            .collect();
        for handle in &handles {
            handle.cancel.cancel();
        }
        let which = match target {
            CancelTarget::Turn(turn) => ToStop::Turn(turn),
            CancelTarget::Conversation(conversation) => ToStop::Conversation(conversation),
        };
        Ok(self.write_stop(which, handles.len()).await)
    }

    /// What was told to stop here is to stay stopped after a kill, and what runs in another process is to stop, too; how many. A stop
    /// does not wait for a database that is away: it holds in this process already.
    pub(crate) async fn write_stop(&self, which: ToStop, here: usize) -> u32 {
        fault_point!("cancel.tx");
        let written = self.0.store.stop_turns(which, self.0.clock.now_ms()).await;
        fault_point!("cancel.done");
        match written {
            Ok(rows) => rows.max(here as u64) as u32,
            Err(error) => {
                tracing::warn!(%error, "a stop was heard and could not be written down");
                here as u32
            }
        }
    }

    async fn cancel_and_wait(&self, conversation: ConversationId) {
        let handles: Vec<_> = self.turns().values().filter(|t| t.conversation == conversation).cloned().collect();
        for handle in &handles {
            handle.cancel.cancel();
        }
        for handle in handles {
            let _ = tokio::time::timeout(Duration::from_secs(5), handle.outcome()).await;
        }
    }

    /// Remove the messages of a conversation, stopping what runs in it; how many went.
    pub async fn clear(&self, conversation: ConversationId) -> Result<u64, EngineError> {
        let room = self.0.rooms.of(conversation);
        let _gate = room.gate.lock().await;
        self.cancel_and_wait(conversation).await;
        self.0.remembered.invalidate(&conversation).await;
        let count = self.0.store.clear_conversation(conversation, self.0.clock.now_ms()).await?;
        room.tell_now(&self.0.bus, EventKind::ConversationCleared);
        Ok(count)
    }

    pub async fn rename(&self, conversation: ConversationId, title: &str) -> Result<(), EngineError> {
        let title = text::clean(title);
        self.0.store.rename_conversation(conversation, &title).await?;
        self.0.rooms.of(conversation).tell_now(&self.0.bus, EventKind::ConversationRenamed { title });
        Ok(())
    }

    /// Remove a conversation with everything in it, stopping what runs in it. No late answer appears.
    pub async fn delete(&self, conversation: ConversationId) -> Result<(), EngineError> {
        let room = self.0.rooms.of(conversation);
        let _gate = room.gate.lock().await;
        self.cancel_and_wait(conversation).await;
        self.0.remembered.invalidate(&conversation).await;
        self.0.store.delete_conversation(conversation).await?;
        room.tell_now(&self.0.bus, EventKind::ConversationDeleted);
        Ok(())
    }

    pub fn toolkits(&self) -> &[Toolkit] {
        self.0.catalogue.toolkits()
    }

    /// A picture named on a card, from the toolkit it belongs to.
    pub async fn picture(&self, source: &str, name: &str) -> Result<Picture, EngineError> {
        let toolkit = self.toolkits().iter().find(|t| t.name == source);
        let fetch = toolkit.and_then(|t| t.pictures.as_ref()).ok_or(EngineError::NotFound("picture"))?;
        Ok(fetch(name.to_owned()).await?)
    }

    pub fn agents(&self) -> &[Agent] {
        &self.0.agents
    }

    pub(crate) fn agent(&self, id: AgentId) -> &Agent {
        self.0.agents.iter().find(|a| a.id == id).unwrap_or(&self.0.agents[0])
    }

    pub(crate) async fn person(&self, id: PersonId) -> Result<Arc<Person>, StoreError> {
        if let Some(person) = self.0.people.get(&id).await {
            return Ok(person);
        }
        let person = Arc::new(self.0.store.person(id).await?);
        self.0.people.insert(id, person.clone()).await;
        Ok(person)
    }

    /// A person was changed: what they are holds from the next step on.
    pub async fn person_changed(&self, id: PersonId) {
        self.0.people.invalidate(&id).await;
    }

    /// What a person may choose from, asked at the providers at most every five minutes; each gets four seconds.
    pub async fn models(&self) -> ModelList {
        const FRESH: Duration = Duration::from_secs(300);
        let mut cached = self.0.models.lock().await;
        if let Some((at, list)) = cached.as_ref()
            && (list.live && at.elapsed() < FRESH || at.elapsed() < Duration::from_secs(20))
        {
            return list.clone();
        }
        let list = self.0.router.list(Duration::from_secs(4)).await;
        *cached = Some((tokio::time::Instant::now(), list.clone()));
        list
    }

    /// The options a model name is asked with when a person chose it.
    pub fn chat_options(&self) -> ModelOptions {
        self.0.router.options(ModelRole::Chat)
    }

    /// What the toolkits' services last said of themselves, refreshed in the background once a minute.
    pub async fn probes(&self) -> Vec<ProbeResult> {
        self.0.health.results()
    }

    pub fn running_turns(&self) -> usize {
        self.turns().len()
    }

    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// Take nothing new, let what runs finish for so long, then leave the rest to the next start.
    pub async fn stop(&self, within: Duration) {
        self.0.draining.store(true, Ordering::Relaxed);
        self.0.tasks.close();
        let quiet = async {
            while self.running_turns() > 0 {
                fault_point!("drain");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = tokio::time::timeout(within, quiet).await;
        self.0.halt.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(2), self.0.tasks.wait()).await;
    }

    pub(crate) fn turns(&self) -> MutexGuard<'_, HashMap<TurnId, Arc<TurnHandle>>> {
        self.0.turns.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Put every unfinished turn back in its conversation's line. This is the normal start, not a special case of it.
    async fn recover(&self, unfinished: Vec<majordomo_store::UnfinishedTurn>) -> Result<(), EngineError> {
        if !unfinished.is_empty() {
            tracing::info!(turns = unfinished.len(), "taking up turns that had no end");
        }
        for turn in unfinished {
            let row = turn.turn;
            let room = self.0.rooms.of(row.conversation);
            // What is being accepted now has its row before its place in line.
            let _gate = room.gate.lock().await;
            let is_over = self.0.store.turn(row.id).await.is_ok_and(|row| row.state.is_over());
            if is_over || self.turns().contains_key(&row.id) {
                continue;
            }
            let handle = Arc::new(TurnHandle::new(row.id, row.conversation, row.person, row.ordinal));
            self.turns().insert(row.id, handle.clone());
            if turn.is_to_stop {
                handle.cancel.cancel();
            }
            let attempt = if row.state == TurnState::Running { row.attempt + 1 } else { row.attempt };
            let waiting = Waiting { handle, say: turn.say, question: None, fence: None, steps: turn.steps, attempt };
            let (_, free) = room.reserve();
            if room.enqueue(waiting, free) {
                self.drive(room.clone());
            }
        }
        Ok(())
    }

    /// Take up what another process left without an end, and what could not be begun, as soon as its conversation is free.
    fn spawn_take_over(&self) {
        let engine = self.clone();
        self.0.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = engine.0.halt.cancelled() => break,
                    () = tokio::time::sleep(TAKE_OVER) => {}
                }
                if engine.is_draining() {
                    continue;
                }
                let is_known = |turn| engine.turns().contains_key(&turn);
                let found = engine.0.store.unfinished_turns(&engine.0.owner, engine.0.clock.now_ms(), is_known).await;
                let taken = match found {
                    Ok(turns) => engine.recover(turns).await,
                    Err(error) => Err(error.into()),
                };
                if let Err(error) = taken {
                    tracing::warn!(%error, "turns without an end could not be looked for");
                }
            }
        });
    }

    /// Hear what was told to stop in another process.
    fn spawn_stops(&self) {
        let engine = self.clone();
        self.0.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = engine.0.halt.cancelled() => break,
                    () = tokio::time::sleep(HEAR_STOPS) => {}
                }
                if engine.turns().is_empty() {
                    continue;
                }
                match engine.0.store.turns_to_stop().await {
                    Ok(turns) => {
                        let running = engine.turns();
                        turns.iter().filter_map(|turn| running.get(turn)).for_each(|handle| handle.cancel.cancel());
                    }
                    Err(error) => tracing::warn!(%error, "what is to stop could not be looked for"),
                }
            }
        });
    }

    fn spawn_sweep(&self) {
        let engine = self.clone();
        self.0.tasks.spawn(async move {
            let mut every = tokio::time::interval(Duration::from_secs(60));
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = engine.0.halt.cancelled() => break,
                    _ = every.tick() => {}
                }
                engine.0.health.refresh(engine.0.catalogue.toolkits()).await;
                engine.0.rooms.forget_idle();
                let before = engine.0.clock.now_ms() - i64::from(engine.0.config.recall_hours) * 3_600_000;
                if let Err(error) = engine.0.store.sweep_documents(crate::recall::RECALL, before).await {
                    tracing::warn!(%error, "old results were not removed");
                }
            }
        });
    }
}

impl Inner {
    /// Remember what a worker used within a turn.
    pub fn note_usage(&self, turn: TurnId, usage: Usage, cost_micros: i64) {
        let mut side = self.side_usage.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let entry = side.entry(turn).or_default();
        entry.0 += usage;
        entry.1 += cost_micros;
    }

    /// What workers used within a turn since it was last asked for.
    pub fn take_usage(&self, turn: TurnId) -> (Usage, i64) {
        let mut side = self.side_usage.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        side.remove(&turn).unwrap_or_default()
    }
}

/// A message as watchers get it: what is attached stays in the store.
fn without_data(message: &Message) -> Message {
    let mut message = message.clone();
    for part in &mut message.parts {
        if let Part::Image { data, .. } | Part::File { data, .. } = part {
            data.clear();
        }
    }
    message
}

/// Equal for requests that say the same.
fn digest(say: &Say) -> String {
    let mut hasher = Sha256::new();
    let mut add = |text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    };
    add(&say.conversation.to_string());
    add(&say.author.to_string());
    add(say.model.as_deref().unwrap_or_default());
    for part in &say.parts {
        match part {
            Part::Text { text } => add(text),
            Part::Image { media_type, data } => [media_type, data].into_iter().for_each(|text| add(text)),
            Part::File { name, media_type, data } => [name, media_type, data].into_iter().for_each(|text| add(text)),
            _ => {}
        }
    }
    format!("{:x}", hasher.finalize())
}

/// Names of the tools every agent has.
pub(crate) fn builtin_names() -> [&'static str; 5] {
    use crate::{builtin, delegate};
    [
        builtin::FindTools::NAME,
        builtin::UseTool::NAME,
        crate::recall::Recall::NAME,
        delegate::Delegate::NAME,
        builtin::StaySilent::NAME,
    ]
}
