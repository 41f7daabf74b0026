//! One turn, from question to answer: ask the model, run its calls, repeat, finish. Every act is journalled, so a turn that was
//! stopped anywhere goes on from its steps.

mod ask;
mod carry;
mod finish;

pub(crate) use carry::DIRECT;
pub(crate) use finish::give_up;

use crate::{
    budget::Payer,
    compact::{self, Fold, Summary},
    context::{Stable, Window},
    dispatch::{Asked, Batch, Begun, Prepared, begun, key_of, sources_of},
    engine::{Engine, LEASE_MS},
    memory::{self, Known},
    room::{Room, TurnHandle, Waiting},
    truth,
};
use ask::{Answer, Calling, renewals};
use carry::Then;
use finish::{settle_from_rows, settle_without_rows};
use majordomo_domain::{
    Agent, ApprovalId, ApprovalState, CallRequest, CallResult, Effect, EventKind, Label, Message, MessageId, ModelRole,
    Notice, NoticeKind, Origin, Part, Person, Role, StopReason, Tool, TurnState, Usage, fault_point,
    op::Task,
    text::{clean, shorten},
};
use majordomo_store::{Entry, Fence, Judgement, NewAudit, Settlement, Step, StepKind, StoreError};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;
use tracing::Instrument;

/// Times one step is begun before the turn gives up, over all models.
const TRIES: usize = 3;
/// Rounds of calls nobody understands before the turn stops.
const MAX_REPAIRS: u32 = 2;
/// Said to the model, and kept nowhere, when it answers as if something had been changed.
const INSIST: &str = "[From the house, not the person: nothing has been changed in this answer. Call the tool that makes the change now; \
    find_tools looks for one.]";
/// Characters of a result shown while the turn runs.
const SUMMARY: usize = 400;

/// Why a step gave no answer.
enum Stop {
    /// A person said so.
    Cancelled,
    TimedOut,
    /// The process stops, or somebody else has taken over: nothing more is written.
    Abandoned,
    TooLong,
    Failed(String),
}

struct Making<'a> {
    engine: &'a Engine,
    room: &'a Room,
    waiting: Waiting,
    agent: &'a Agent,
    role: ModelRole,
    person: Arc<Person>,
    fence: Fence,
    started: Instant,
    deadline: Instant,
    stable: Stable,
    window: Window,
    /// The conversation up to the question, for the next turn.
    known: Vec<Arc<Message>>,
    summary: Option<Summary>,
    /// What stood at the conversation's beginning.
    beginning: Option<Arc<Known>>,
    /// What the turn has read so far.
    label: Label,
    /// Toolkits whose words are not the person's own.
    sources: BTreeSet<String>,
    /// The person's own words.
    said: String,
    /// Changes that were begun and have no result.
    begun: HashSet<Begun>,
    payer: Payer,
    /// What the turn adds to the conversation.
    added: Vec<Arc<Message>>,
    seq: i64,
    asked: Asked,
    /// Toolkits that have changed something, and whether it was looked at since.
    looked: HashMap<&'static str, bool>,
    rounds: Vec<u64>,
    repairs: u32,
    usage: Usage,
    cost_micros: i64,
    model: String,
    /// Text of the step that streams now.
    text: String,
    saved: Instant,
    notices: Vec<Notice>,
}

/// Run a turn to its end. The outcome is stored, told and handed to whoever waits. A turn that cannot begin yet, because another
/// process has its conversation or the database is away, is given back.
pub(crate) async fn run(engine: &Engine, room: &Arc<Room>, waiting: Waiting) -> Option<Waiting> {
    let handle = waiting.handle.clone();
    let span = tracing::info_span!("turn", turn.id = %handle.turn, conversation.id = %handle.conversation);
    async {
        let fence = match claim(engine, &waiting).await {
            Ok(fence) => fence,
            Err(StoreError::Fenced | StoreError::Busy(_) | StoreError::Full(_)) => return Some(waiting),
            Err(StoreError::NotFound(_)) => {
                settle_from_rows(engine, room, &handle).await;
                return None;
            }
            Err(error) => {
                could_not_begin(engine, room, &handle, &error);
                return None;
            }
        };
        match begin(engine, room, waiting, fence).await {
            Ok(making) => making.go().await,
            Err(error) => could_not_begin(engine, room, &handle, &error),
        }
        None
    }
    .instrument(span)
    .await
}

fn could_not_begin(engine: &Engine, room: &Room, handle: &TurnHandle, error: &StoreError) {
    if !matches!(error, StoreError::NotFound(_)) {
        tracing::error!(%error, "a turn could not be begun; it is taken up again in a moment");
    }
    settle_without_rows(engine, room, handle, "this turn could not be begun; the service takes it up again");
}

/// The lease on the turn's conversation: the one that came with its row, or one taken now.
async fn claim(engine: &Engine, waiting: &Waiting) -> Result<Fence, StoreError> {
    fault_point!("lease");
    if let Some(fence) = waiting.fence {
        return Ok(fence);
    }
    let (inner, handle) = (&engine.0, &waiting.handle);
    let now_ms = inner.clock.now_ms();
    inner.store.begin_turn(handle.turn, handle.conversation, &inner.owner, now_ms + LEASE_MS, now_ms).await
}

async fn begin<'a>(
    engine: &'a Engine,
    room: &'a Room,
    mut waiting: Waiting,
    fence: Fence,
) -> Result<Making<'a>, StoreError> {
    let inner = &engine.0;
    let handle = &waiting.handle;
    let now_ms = inner.clock.now_ms();
    let agent = engine.agent(waiting.say.agent);
    let person = engine.person(waiting.say.author).await?;
    let limits = &agent.limits;
    let ordinal = handle.ordinal;
    let remembered = inner.remembered.remove(&handle.conversation).await;
    let remembered =
        remembered.filter(|r| r.fence + 1 == fence.0 && r.ordinal + 1 == ordinal && waiting.question.is_some());
    // The first turn of a conversation has no history, and the last turn's is still known.
    let room_name = waiting.say.room.as_deref();
    let (history, mut summary, beginning, read_back) = match (remembered, &waiting.question) {
        (Some(remembered), _) => (remembered.history, remembered.summary, remembered.beginning, None),
        (None, Some(_)) if ordinal == 1 => {
            (Vec::new(), None, engine.begin_knowing(handle.conversation, agent, &person, room_name).await, None)
        }
        (None, _) => {
            let most = limits.history_messages.saturating_mul(2).clamp(2, 1_000);
            let page = inner.store.messages(handle.conversation, Some(ordinal * 1000 + 1), most).await?;
            let (history, question): (Vec<_>, Vec<_>) =
                page.messages.into_iter().map(Arc::new).partition(|m| m.position < ordinal * 1000);
            let summary =
                if history.is_empty() { None } else { compact::newest(&inner.store, handle.conversation).await };
            let beginning = memory::of_conversation(&inner.store, handle.conversation).await;
            (history, summary, beginning, question.into_iter().next())
        }
    };
    let question = match waiting.question.take().map(Arc::new).or(read_back) {
        Some(question) => question,
        None => return Err(StoreError::NotFound("message")),
    };
    let payer = Payer { turn: handle.turn, person: person.clone(), agent: agent.id };
    let (mut usage, mut cost_micros) = (Usage::default(), 0);
    if compact::is_due(&history, summary.as_ref(), limits) {
        let folding =
            compact::fold(engine, handle.conversation, &history, summary.as_ref(), limits, Fold::Half, &payer);
        // Whoever says STOP does not wait for a summary.
        let folded = tokio::select! {
            biased;
            () = handle.cancel.cancelled() => None,
            folded = folding => folded,
        };
        if let Some((folded, used, cost)) = folded {
            summary = Some(folded);
            usage += used;
            cost_micros += cost;
        }
    }
    let role = inner.router.role_for(&question.visible_text(), history.is_empty());
    let mut window = Window::new(&history, beginning.as_deref(), summary.as_ref(), limits);
    window.push(&question);
    let mut label = label_of(&history, beginning.as_deref(), summary.as_ref()).join(question.label());
    // In a room that several share, what was said before may be somebody else's.
    if room_name.is_some() && !history.is_empty() && inner.store.is_shared(handle.conversation, person.id).await? {
        label = label.join(Label { origin: Origin::Household, ..Label::OWN });
    }
    let results =
        history.iter().flat_map(|m| &m.parts).filter_map(|p| if let Part::Result(r) = p { Some(r) } else { None });
    let sources = sources_of(engine, results);
    let said = question.own_words();
    let mut known = history;
    known.push(question);
    let started = Instant::now();
    let mut making = Making {
        engine,
        room,
        agent,
        role,
        person,
        fence,
        started,
        deadline: started + Duration::from_secs(limits.seconds.clamp(1, 3_600).into()),
        stable: inner.stable[&agent.id].clone(),
        window,
        known,
        summary,
        beginning,
        label,
        sources,
        said,
        begun: HashSet::new(),
        payer,
        added: Vec::new(),
        seq: 0,
        asked: Asked::default(),
        looked: HashMap::new(),
        rounds: Vec::new(),
        repairs: 0,
        usage,
        cost_micros,
        model: String::new(),
        text: String::new(),
        saved: started,
        notices: Vec::new(),
        waiting,
    };
    making.tell(EventKind::TurnStarted { started_at_ms: now_ms });
    making.take_up();
    Ok(making)
}

impl Making<'_> {
    fn tell(&self, kind: EventKind) {
        let handle = &self.waiting.handle;
        self.room.tell(&self.engine.0.bus, handle.ordinal, self.waiting.attempt, handle.turn, kind);
    }

    /// Put what an earlier attempt has journalled back in its place.
    fn take_up(&mut self) {
        let steps = std::mem::take(&mut self.waiting.steps);
        let mut results = Vec::new();
        for step in steps {
            self.seq = self.seq.max(step.seq);
            match step.kind {
                StepKind::Asked { parts, model, usage, cost_micros, .. } => {
                    self.add_results(std::mem::take(&mut results));
                    self.usage += usage;
                    self.cost_micros += cost_micros;
                    self.model = model;
                    for part in &parts {
                        match part {
                            Part::Text { text } => self.tell(EventKind::TextDelta { text: text.clone() }),
                            Part::Call(call) => self.tell(EventKind::CallStarted {
                                call_id: call.id.clone(),
                                name: call.name.clone(),
                                title: call.name.clone(),
                            }),
                            _ => {}
                        }
                    }
                    self.add(Role::Assistant, parts);
                }
                StepKind::Intent { call } => {
                    self.begun.insert(begun(&call));
                }
                StepKind::Returned { result } => {
                    let change = self.begun.iter().find(|(id, _)| *id == result.call_id).and_then(|(id, arguments)| {
                        let name = self.name_of_call(id);
                        key_of(self.engine, &CallRequest { id: id.clone(), name, arguments: arguments.clone() })
                    });
                    self.asked.take_up(&result, change);
                    self.begun.retain(|(id, _)| *id != result.call_id);
                    self.take_in(&result);
                    self.tell(finished(&result));
                    results.push(result);
                }
                StepKind::Compacted { .. } => {}
            }
        }
        self.add_results(results);
    }

    fn add(&mut self, role: Role, parts: Vec<Part>) {
        let message = Arc::new(Message {
            id: MessageId::new(),
            turn: self.waiting.handle.turn,
            position: self.waiting.handle.ordinal * 1000 + 1 + self.added.len() as i64,
            role,
            parts,
            created_at_ms: self.engine.0.clock.now_ms(),
        });
        self.window.push(&message);
        self.added.push(message);
    }

    /// The tool the newest call of that id was for, as the model wrote it.
    fn name_of_call(&self, id: &str) -> String {
        let calls = self.added.iter().rev().flat_map(|message| message.calls());
        calls.filter(|call| call.id == id).map(|call| call.name.clone()).next().unwrap_or_default()
    }

    /// What a result was made of, the turn has read.
    fn take_in(&mut self, result: &CallResult) {
        if let Some(tool) = self.engine.0.catalogue.find(&result.name) {
            if result.receipt.is_some() {
                self.looked.insert(tool.toolkit, false);
            } else if !result.is_error
                && tool.tool.effect == Effect::Read
                && let Some(is_looked_at) = self.looked.get_mut(tool.toolkit)
            {
                *is_looked_at = true;
            }
        }
        self.label = self.label.join(result.label);
        self.sources.extend(sources_of(self.engine, std::iter::once(result)));
    }

    fn add_results(&mut self, results: Vec<CallResult>) {
        if !results.is_empty() {
            self.add(Role::Tool, results.into_iter().map(Part::Result).collect());
        }
    }

    /// Calls of the last step that have no result yet: the process stopped while they ran.
    fn open_calls(&self) -> Vec<CallRequest> {
        let Some(last) = self.added.iter().rposition(|m| m.role == Role::Assistant) else { return Vec::new() };
        let answered: Vec<&str> = self.added[last + 1..]
            .iter()
            .flat_map(|m| &m.parts)
            .filter_map(|p| if let Part::Result(result) = p { Some(result.call_id.as_str()) } else { None })
            .collect();
        self.added[last].calls().filter(|call| !answered.contains(&call.id.as_str())).cloned().collect()
    }

    async fn go(mut self) {
        let outcome = self.answer().await;
        let (state, error) = match outcome {
            Ok(()) => (TurnState::Done, None),
            Err(Stop::Abandoned) => {
                let handle = self.waiting.handle.clone();
                return settle_without_rows(
                    self.engine,
                    self.room,
                    &handle,
                    "the service stopped in the middle; it goes on when it starts next",
                );
            }
            Err(Stop::Cancelled) => {
                self.keep_partial();
                self.notice(NoticeKind::Cancelled, "Cancelled: this answer was stopped.".into());
                (TurnState::Cancelled, None)
            }
            Err(Stop::TimedOut) => {
                self.keep_partial();
                let seconds = self.agent.limits.seconds;
                self.notice(NoticeKind::TimedOut, format!("Stopped after {seconds} s, the time limit for one answer."));
                (TurnState::Cancelled, Some("time limit".to_owned()))
            }
            Err(Stop::TooLong) => {
                let sentence =
                    "This conversation has become too long for the model. Start a new one, or clear this one.";
                self.notice(NoticeKind::Failed, sentence.into());
                (TurnState::Failed, Some("context too long".to_owned()))
            }
            Err(Stop::Failed(reason)) => {
                self.notice(NoticeKind::Failed, format!("No answer: {reason}."));
                (TurnState::Failed, Some(reason))
            }
        };
        self.finish(state, error).await;
    }

    fn notice(&mut self, kind: NoticeKind, text: String) {
        let notice = Notice::new(kind, text);
        self.tell(EventKind::Noticed { notice: notice.clone() });
        self.notices.push(notice);
    }

    /// What was written before a stop is worth keeping; the marker behind it says that it is not whole.
    fn keep_partial(&mut self) {
        let open = self.open_calls();
        if !open.is_empty() {
            let results = open.into_iter().map(|call| {
                let uncertain = self.begun.contains(&begun(&call));
                CallResult {
                    title: call.name.clone(),
                    name: call.name,
                    text: match uncertain {
                        true => "stopped while it ran; whether it happened is not known".into(),
                        false => "stopped before it ran".into(),
                    },
                    uncertain,
                    call_id: call.id,
                    is_error: true,
                    ..CallResult::default()
                }
            });
            let results = results.collect();
            self.add_results(results);
            self.begun.clear();
        }
        let text = clean(&std::mem::take(&mut self.text));
        if !text.trim().is_empty() {
            self.add(Role::Assistant, vec![Part::text(text)]);
        }
    }

    /// The loop.
    async fn answer(&mut self) -> Result<(), Stop> {
        let limits = self.agent.limits.clone();
        let steps = limits.steps.clamp(1, 50);
        match self.waiting.say.task.clone() {
            Task::Answer => {}
            Task::Decision { approval } => {
                if self.carry_out(approval).await? == Then::End {
                    return Ok(());
                }
            }
            Task::Invoke { call } => return self.invoke(call).await,
            // Its own message has said it.
            Task::News => return Ok(()),
        }
        let open = self.open_calls();
        if !open.is_empty() {
            let prepared = self.prepare(&open).await;
            self.run_calls(&open, prepared, None).await?;
        }
        let mut last_words = None;
        let (mut is_enough, mut has_insisted) = (false, false);
        let done = self.added.iter().filter(|m| m.role == Role::Assistant).count() as u32;
        let mut shrunk = false;
        let mut step = done;
        loop {
            step += 1;
            let may_call = step < steps && last_words.is_none() && !is_enough && self.role != ModelRole::Quick;
            let calling = if may_call { Calling::May } else { Calling::No };
            fault_point!("prompt");
            let mut answer = match self.ask(step, calling).await {
                Err(Stop::TooLong) if !shrunk => {
                    shrunk = true;
                    step -= 1;
                    self.shrink().await;
                    continue;
                }
                other => other?,
            };
            self.count(&answer);
            // Two more questions at least: the change, and the answer after it.
            if answer.calls.is_empty() && may_call && !has_insisted && step + 2 <= steps && self.is_left_undone(&answer)
            {
                has_insisted = true;
                step += 1;
                answer = self.insist(step, answer).await?;
            }
            if answer.calls.is_empty() || !may_call {
                return self.conclude(answer, last_words, step >= steps);
            }
            let silent = |call: &CallRequest| call.name == crate::builtin::StaySilent::NAME;
            if self.agent.may_stay_silent && answer.calls.iter().any(silent) {
                return Ok(());
            }
            let calls = answer.calls.clone();
            // What a person may do is asked anew at every step.
            if let Ok(person) = self.engine.person(self.waiting.say.author).await {
                self.person = person;
            }
            let prepared = self.prepare(&calls).await;
            is_enough = prepared.iter().any(Prepared::ends_turn) || prepared.iter().all(Prepared::is_enough);
            let judgements: Vec<Judgement> = prepared.iter().filter_map(|p| p.judgement.clone()).collect();
            let mut entry = self.entry(vec![StepKind::Asked {
                parts: answer.parts.clone(),
                model: answer.model.clone(),
                usage: answer.usage,
                cost_micros: answer.cost_micros,
                judgements,
            }]);
            entry.audit = self.batch().audit(&prepared);
            fault_point!("step.tx");
            self.enter(entry).await?;
            fault_point!("step.done");
            self.add(Role::Assistant, answer.parts);
            self.run_calls(&calls, prepared, None).await?;
            last_words = self.going_round(&calls);
        }
    }

    fn count(&mut self, answer: &Answer) {
        self.usage += answer.usage;
        self.cost_micros += answer.cost_micros;
        self.model = answer.model.clone();
        self.text.clear();
    }

    /// Whether an answer says that something was changed, or was asked for a change and only talks, while no change was called.
    fn is_left_undone(&self, answer: &Answer) -> bool {
        if self.asked.has_tried || self.waiting.say.task != Task::Answer {
            return false;
        }
        let texts =
            answer.parts.iter().filter_map(|part| if let Part::Text { text } = part { Some(&**text) } else { None });
        let text = texts.collect::<Vec<_>>().join("\n");
        let is_left = truth::claims_a_change(&text)
            || self.added.is_empty() && truth::only_talks(&text) && truth::asks_for_a_change(&self.said);
        let mut tools = self.engine.0.catalogue.changing();
        is_left && tools.any(|toolkit| self.engine.0.catalogue.allows(self.agent, toolkit))
    }

    /// Ask once more for what was left undone, with calls demanded; what was said is void. Where that fails it stands after all.
    async fn insist(&mut self, step: u32, first: Answer) -> Result<Answer, Stop> {
        metrics::counter!("majordomo_insisted_total").increment(1);
        self.tell(EventKind::StepReset { step: step - 1 });
        self.window.push(&Arc::new(Message {
            id: MessageId::new(),
            turn: self.waiting.handle.turn,
            position: self.waiting.handle.ordinal * 1000 + 1 + self.added.len() as i64,
            role: Role::User,
            parts: vec![Part::text(INSIST)],
            created_at_ms: self.engine.0.clock.now_ms(),
        }));
        match self.ask(step, Calling::Must).await {
            Ok(answer) => {
                self.count(&answer);
                Ok(answer)
            }
            Err(Stop::Failed(_) | Stop::TooLong) => {
                self.text.clear();
                for part in &first.parts {
                    if let Part::Text { text } = part {
                        self.tell(EventKind::TextDelta { text: text.clone() });
                    }
                }
                Ok(first)
            }
            Err(stop) => Err(stop),
        }
    }

    /// The last step: its text is the answer, whatever else it asked for.
    fn conclude(&mut self, answer: Answer, last_words: Option<&'static str>, at_limit: bool) -> Result<(), Stop> {
        let called = !answer.calls.is_empty();
        let parts: Vec<Part> = answer.parts.into_iter().filter(|p| !matches!(p, Part::Call(_))).collect();
        let has_text = parts.iter().any(|p| matches!(p, Part::Text { text } if !text.trim().is_empty()));
        if has_text {
            self.add(Role::Assistant, parts);
        }
        if let Some(reason) = last_words {
            self.notice(NoticeKind::Partial, format!("{reason} This is what was found."));
        } else if at_limit && (called || !has_text || self.added.len() > 1) {
            let steps = self.agent.limits.steps;
            self.notice(
                NoticeKind::Partial,
                format!("Stopped after {steps} steps, the limit for one answer. This is what was found."),
            );
        } else if answer.reason == StopReason::Length {
            self.notice(NoticeKind::Partial, "The answer reached its length limit and was cut here.".into());
        } else if answer.reason == StopReason::Refused && !has_text {
            self.notice(NoticeKind::Partial, "The model declined to answer this.".into());
        }
        if !has_text && self.notices.is_empty() {
            return Err(Stop::Failed("the model gave an empty answer".into()));
        }
        Ok(())
    }

    /// A reason to stop when the model asks the same again and again, or writes calls nobody understands.
    fn going_round(&mut self, calls: &[CallRequest]) -> Option<&'static str> {
        let mut hasher = DefaultHasher::new();
        for call in calls {
            (&call.name, &call.arguments).hash(&mut hasher);
        }
        self.rounds.push(hasher.finish());
        let rounds = &self.rounds;
        let newest = rounds[rounds.len() - 1];
        let same = rounds.iter().filter(|round| **round == newest).count() >= 3;
        let back_and_forth = matches!(rounds.as_slice(), [.., a, b, c, d] if a == c && b == d);
        if same || back_and_forth {
            return Some("The same calls came again and again, so this was stopped.");
        }
        (self.repairs > MAX_REPAIRS).then_some("The calls could not be understood, so this was stopped.")
    }

    /// What this turn's calls are judged and run by.
    fn batch(&self) -> Batch<'_> {
        let handle = &self.waiting.handle;
        Batch {
            engine: self.engine,
            turn: handle.turn,
            conversation: handle.conversation,
            person: self.person.clone(),
            agent: self.agent,
            prefix: format!("r{}", handle.ordinal),
            keeps_all: false,
            looked: &self.looked,
            result_chars: self.agent.limits.result_chars as usize,
            calls_at_once: self.agent.limits.calls_per_step.clamp(1, 64) as usize,
            channel: &self.waiting.say.address.channel,
            room: self.waiting.say.room.as_deref(),
            label: self.label,
            sources: &self.sources,
            said: &self.said,
            begun: &self.begun,
            may_change: true,
        }
    }

    async fn prepare(&self, calls: &[CallRequest]) -> Vec<Prepared> {
        self.batch().prepare(calls, &self.asked).await
    }

    /// Run calls and write down what came of them; `carrying` is the approval that allows the one change among them.
    async fn run_calls(
        &mut self,
        calls: &[CallRequest],
        prepared: Vec<Prepared>,
        carrying: Option<ApprovalId>,
    ) -> Result<(), Stop> {
        let handle = self.waiting.handle.clone();
        if prepared.iter().all(|p| p.is_malformed()) {
            self.repairs += 1;
        }
        for (call, prepared) in calls.iter().zip(&prepared) {
            self.tell(EventKind::CallStarted {
                call_id: call.id.clone(),
                name: call.name.clone(),
                title: prepared.title.clone(),
            });
        }
        // Stopped before anything was begun: nothing is, and no intent says otherwise.
        if handle.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let resumed = self.begun.clone();
        self.intend(&prepared, carrying).await?;
        let line = calls.first().and_then(|call| self.progress_line(call));
        let mut asked = std::mem::take(&mut self.asked);
        let (begun_at, is_changing) = (Instant::now(), prepared.iter().any(Prepared::is_change));
        let ran = {
            let told = |result: &CallResult| self.tell(finished(result));
            let batch = Batch { begun: &resumed, ..self.batch() };
            let work = batch.run(prepared, &mut asked, &told);
            tokio::pin!(work);
            let patience = tokio::time::sleep(Duration::from_millis(self.engine.0.config.progress_after_ms.max(100)));
            tokio::pin!(patience);
            let mut waiting_silently = line.is_some();
            let mut renew = renewals();
            loop {
                tokio::select! {
                    biased;
                    () = handle.cancel.cancelled() => break Err(Stop::Cancelled),
                    () = self.engine.0.halt.cancelled() => break Err(Stop::Abandoned),
                    // A change has its tool's own time.
                    () = tokio::time::sleep_until(self.deadline), if !is_changing => break Err(Stop::TimedOut),
                    ran = &mut work => break Ok(ran),
                    _ = renew.tick() => {
                        if self.renew().await.is_err() {
                            break Err(Stop::Abandoned);
                        }
                    }
                    () = &mut patience, if waiting_silently => {
                        waiting_silently = false;
                        if let Some(text) = line {
                            self.tell(EventKind::Progress { text: text.into() });
                        }
                    }
                }
            }
        };
        self.asked = asked;
        if is_changing {
            self.deadline += begun_at.elapsed();
        }
        let (usage, cost_micros) = self.engine.0.take_usage(handle.turn);
        self.usage += usage;
        self.cost_micros += cost_micros;
        let ran = ran?;
        let mut entry =
            self.entry(ran.results.iter().map(|result| StepKind::Returned { result: result.clone() }).collect());
        entry.settles = carrying.zip(ran.results.first()).map(|(approval, result)| settlement(approval, result));
        entry.audit = ran.results.iter().filter_map(|result| self.execution(result)).collect();
        entry.approvals.clone_from(&ran.approvals);
        if !ran.approvals.is_empty() {
            fault_point!("appr.tx");
        }
        fault_point!("result.tx");
        self.enter(entry).await?;
        fault_point!("result.done");
        for result in &ran.results {
            self.begun.retain(|(id, _)| *id != result.call_id);
            self.take_in(result);
        }
        if !ran.approvals.is_empty() {
            self.engine.opened(ran.approvals);
        }
        if let Some(approval) = carrying {
            self.engine.tell_changed(approval).await;
        }
        self.add_results(ran.results);
        Ok(())
    }

    /// Before anything is changed, that it will be is on disk.
    async fn intend(&mut self, prepared: &[Prepared], carrying: Option<ApprovalId>) -> Result<(), Stop> {
        let new: Vec<CallRequest> = prepared
            .iter()
            .filter(|p| p.is_change() && !self.begun.contains(&begun(&p.request)))
            .map(|p| p.request.clone())
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut entry = self.entry(new.iter().map(|call| StepKind::Intent { call: call.clone() }).collect());
        entry.begins = carrying;
        fault_point!("intent.tx");
        self.enter(entry).await?;
        fault_point!("intent.done");
        self.begun.extend(new.iter().map(begun));
        Ok(())
    }

    /// What is to be written down about a change that was tried.
    fn execution(&self, result: &CallResult) -> Option<NewAudit> {
        let detail = match (&result.receipt, result.uncertain) {
            (_, true) => "whether it happened is not known",
            (Some(_), false) => "done",
            (None, false) if self.begun.iter().any(|(id, _)| *id == result.call_id) => "did not work",
            (None, false) => return None,
        };
        Some(NewAudit {
            at_ms: self.engine.0.clock.now_ms(),
            actor: Some(self.person.id),
            kind: "execution",
            subject: result.name.clone(),
            conversation: Some(self.waiting.handle.conversation),
            turn: Some(self.waiting.handle.turn),
            detail: detail.into(),
        })
    }

    /// A line to show while a call takes long: the same for the same call.
    fn progress_line(&self, call: &CallRequest) -> Option<&'static str> {
        let lines = self.engine.0.catalogue.find(&call.name)?.progress;
        if lines.is_empty() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (&call.name, &call.arguments).hash(&mut hasher);
        lines.get(hasher.finish() as usize % lines.len()).copied()
    }

    async fn journal(&mut self, kinds: Vec<StepKind>) -> Result<(), Stop> {
        let entry = self.entry(kinds);
        self.enter(entry).await
    }

    /// Steps with the next numbers, ready for what goes with them.
    fn entry(&mut self, kinds: Vec<StepKind>) -> Entry {
        let handle = &self.waiting.handle;
        let now_ms = self.engine.0.clock.now_ms();
        let mut steps = Vec::with_capacity(kinds.len());
        for kind in kinds {
            self.seq += 1;
            steps.push(Step { seq: self.seq, kind, created_at_ms: now_ms });
        }
        Entry {
            turn: handle.turn,
            conversation: handle.conversation,
            fence: self.fence,
            steps,
            approvals: Vec::new(),
            begins: None,
            settles: None,
            audit: Vec::new(),
        }
    }

    async fn enter(&self, entry: Entry) -> Result<(), Stop> {
        match self.engine.0.store.enter(entry).await {
            Ok(()) => Ok(()),
            Err(StoreError::Fenced) if self.waiting.handle.cancel.is_cancelled() => Err(Stop::Cancelled),
            Err(StoreError::Fenced) => Err(Stop::Abandoned),
            Err(error) => Err(Stop::Failed(format!("the step could not be stored, {error}"))),
        }
    }

    /// The conversation is longer than the model reads: everything before the question becomes a summary. Where that fails it is
    /// left out.
    async fn shrink(&mut self) {
        let handle = &self.waiting.handle;
        let (question, history) = match self.known.split_last() {
            Some((last, history)) if last.position == handle.ordinal * 1000 => (Some(last.clone()), history),
            _ => (None, &self.known[..]),
        };
        if !history.is_empty() {
            let limits = &self.agent.limits;
            let earlier = self.summary.as_ref();
            let folding =
                compact::fold(self.engine, handle.conversation, history, earlier, limits, Fold::All, &self.payer);
            let folded = tokio::select! {
                biased;
                () = handle.cancel.cancelled() => None,
                folded = folding => folded,
            };
            if let Some((summary, usage, cost_micros)) = folded {
                self.summary = Some(summary);
                self.usage += usage;
                self.cost_micros += cost_micros;
            } else {
                self.summary = None;
            }
        }
        self.window = Window::new(&[], self.beginning.as_deref(), self.summary.as_ref(), &self.agent.limits);
        for message in question.iter().chain(&self.added) {
            self.window.push(message);
        }
    }
}

fn finished(result: &CallResult) -> EventKind {
    EventKind::CallFinished {
        call_id: result.call_id.clone(),
        name: result.name.clone(),
        title: result.title.clone(),
        is_error: result.is_error,
        summary: shorten(&result.text, SUMMARY),
        cards: result.cards.clone(),
        duration_ms: result.duration_ms,
    }
}

/// What became of an approved call.
fn settlement(approval: ApprovalId, result: &CallResult) -> Settlement {
    let state = match (result.uncertain, result.is_error) {
        (true, _) => ApprovalState::Uncertain,
        (false, true) => ApprovalState::Failed,
        (false, false) => ApprovalState::Executed,
    };
    Settlement { approval, state, outcome: shorten(result.receipt.as_deref().unwrap_or(&result.text), 300) }
}

/// What a turn reads before it begins.
pub(crate) fn label_of(history: &[Arc<Message>], beginning: Option<&Known>, summary: Option<&Summary>) -> Label {
    let before = beginning.map_or(Label::OWN, |b| b.label).join(summary.map_or(Label::OWN, |s| s.label));
    history.iter().fold(before, |label, message| label.join(message.label()))
}
