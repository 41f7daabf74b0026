//! One turn, from question to answer: ask the model, run its calls, repeat, finish. Every act is journalled, so a turn that was
//! stopped anywhere goes on from its steps.

use crate::{
    compact::{self, Summary},
    context::{Remembered, Stable, Window},
    dispatch::{Asked, Batch},
    engine::{Engine, LEASE_MS, Outcome},
    room::{Room, Waiting},
};
use futures_util::StreamExt;
use majordomo_domain::{
    Agent, CallRequest, CallResult, EventKind, Message, MessageId, Model, ModelError, ModelEvent, ModelRequest,
    ModelRole, Notice, NoticeKind, Part, Person, Role, StopReason, Tool, TurnState, Usage, fault_point,
    model::ModelInfo,
    op::Say,
    text::{clean, estimate_tokens, shorten},
};
use majordomo_store::{Fence, FinishedTurn, Step, StepKind, StoreError};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;
use tracing::Instrument;

/// Times one step is begun before the turn gives up, over all models.
const TRIES: usize = 3;
/// Bytes of text one step may write.
const MAX_STEP_TEXT: usize = 400_000;
/// Rounds of calls nobody understands before the turn stops.
const MAX_REPAIRS: u32 = 2;
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

/// What one step of the model gave.
struct Answer {
    parts: Vec<Part>,
    calls: Vec<CallRequest>,
    reason: StopReason,
    usage: Usage,
    cost_micros: i64,
    model: String,
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
    /// What the turn adds to the conversation.
    added: Vec<Arc<Message>>,
    seq: i64,
    asked: Asked,
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

/// Run a turn to its end. The outcome is stored, told and handed to whoever waits.
pub(crate) async fn run(engine: &Engine, room: &Arc<Room>, waiting: Waiting) {
    let handle = waiting.handle.clone();
    let span = tracing::info_span!("turn", turn.id = %handle.turn, conversation.id = %handle.conversation);
    async {
        match begin(engine, room, waiting).await {
            Ok(making) => making.go().await,
            Err(error) => {
                if !matches!(error, StoreError::Fenced | StoreError::NotFound(_)) {
                    tracing::error!(%error, "a turn could not be begun; the next start takes it up");
                }
                let sentence = "this turn could not be begun; the service tries again when it starts next";
                settle_without_rows(engine, room, &handle, sentence);
            }
        }
    }
    .instrument(span)
    .await;
}

fn settle_without_rows(engine: &Engine, room: &Room, handle: &crate::room::TurnHandle, sentence: &str) {
    let outcome = Outcome {
        state: TurnState::Cancelled,
        messages: Vec::new(),
        model: String::new(),
        usage: Usage::default(),
        cost_micros: 0,
        error: Some(sentence.into()),
    };
    let kind = EventKind::TurnFinished {
        state: TurnState::Cancelled,
        messages: Vec::new(),
        model: String::new(),
        usage: Usage::default(),
        cost_micros: 0,
        duration_ms: 0,
    };
    room.tell(&engine.0.bus, handle.ordinal, 1, handle.turn, kind);
    handle.settle(Arc::new(outcome));
}

async fn begin<'a>(engine: &'a Engine, room: &'a Room, mut waiting: Waiting) -> Result<Making<'a>, StoreError> {
    let inner = &engine.0;
    let handle = &waiting.handle;
    let now_ms = inner.clock.now_ms();
    let fence = match waiting.fence {
        Some(fence) => fence,
        None => {
            let until = now_ms + LEASE_MS;
            inner.store.begin_turn(handle.turn, handle.conversation, &inner.owner, until, now_ms).await?
        }
    };
    let agent = engine.agent(waiting.say.agent);
    let person = engine.person(waiting.say.author).await?;
    let limits = &agent.limits;
    let ordinal = handle.ordinal;
    let remembered = inner.remembered.remove(&handle.conversation).await;
    let remembered =
        remembered.filter(|r| r.fence + 1 == fence.0 && r.ordinal + 1 == ordinal && waiting.question.is_some());
    // The first turn of a conversation has no history, and the last turn's is still known.
    let (history, mut summary, read_back) = match (remembered, &waiting.question) {
        (Some(remembered), _) => (remembered.history, remembered.summary, None),
        (None, Some(_)) if ordinal == 1 => (Vec::new(), None, None),
        (None, _) => {
            let most = limits.history_messages.saturating_mul(2).clamp(2, 1_000);
            let page = inner.store.messages(handle.conversation, Some(ordinal * 1000 + 1), most).await?;
            let (history, question): (Vec<_>, Vec<_>) =
                page.messages.into_iter().map(Arc::new).partition(|m| m.position < ordinal * 1000);
            let summary =
                if history.is_empty() { None } else { compact::newest(&inner.store, handle.conversation).await };
            (history, summary, question.into_iter().next())
        }
    };
    let question = match waiting.question.take().map(Arc::new).or(read_back) {
        Some(question) => question,
        None => return Err(StoreError::NotFound("message")),
    };
    let (mut usage, mut cost_micros) = (Usage::default(), 0);
    if compact::is_due(&history, summary.as_ref(), limits)
        && let Some((folded, used, cost)) =
            compact::fold(engine, handle.conversation, &history, summary.as_ref(), limits).await
    {
        summary = Some(folded);
        usage += used;
        cost_micros += cost;
    }
    let role = inner.router.role_for(&question.visible_text(), history.is_empty());
    let mut window = Window::new(&history, summary.as_ref(), limits);
    window.push(&question);
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
        added: Vec::new(),
        seq: 0,
        asked: Asked::default(),
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
                StepKind::Asked { parts, model, usage, cost_micros } => {
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
                StepKind::Returned { result } => {
                    self.asked.take_up(&result);
                    self.tell(finished(&result));
                    results.push(result);
                }
                StepKind::Intent { .. } | StepKind::Compacted { .. } => {}
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

    fn add_results(&mut self, results: Vec<CallResult>) {
        if !results.is_empty() {
            self.add(Role::Tool, results.into_iter().map(Part::Result).collect());
        }
    }

    /// Calls of the last step that have no result yet: the process stopped while they ran. They are reads and run again.
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
        let notice = Notice { kind, text };
        self.tell(EventKind::Noticed { notice: notice.clone() });
        self.notices.push(notice);
    }

    /// What was written before a stop is worth keeping; the marker behind it says that it is not whole.
    fn keep_partial(&mut self) {
        let open = self.open_calls();
        if !open.is_empty() {
            let results = open.into_iter().map(|call| CallResult {
                call_id: call.id,
                title: call.name.clone(),
                name: call.name,
                text: "stopped before it returned".into(),
                is_error: true,
                cards: Vec::new(),
                duration_ms: 0,
            });
            let results = results.collect();
            self.add_results(results);
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
        let open = self.open_calls();
        if !open.is_empty() {
            self.run_calls(&open).await?;
        }
        let mut last_words = None;
        let done = self.added.iter().filter(|m| m.role == Role::Assistant).count() as u32;
        let mut shrunk = false;
        let mut step = done;
        loop {
            step += 1;
            let may_call = step < steps && last_words.is_none() && self.role != ModelRole::Quick;
            fault_point!("prompt");
            let answer = match self.ask(step, may_call).await {
                Err(Stop::TooLong) if !shrunk => {
                    shrunk = true;
                    step -= 1;
                    self.shrink().await;
                    continue;
                }
                other => other?,
            };
            self.usage += answer.usage;
            self.cost_micros += answer.cost_micros;
            self.model = answer.model.clone();
            self.text.clear();
            if answer.calls.is_empty() || !may_call {
                return self.conclude(answer, last_words, step >= steps);
            }
            let silent = |call: &CallRequest| call.name == crate::builtin::StaySilent::NAME;
            if self.agent.may_stay_silent && answer.calls.iter().any(silent) {
                return Ok(());
            }
            let calls = answer.calls.clone();
            let step_kind = StepKind::Asked {
                parts: answer.parts.clone(),
                model: answer.model.clone(),
                usage: answer.usage,
                cost_micros: answer.cost_micros,
            };
            fault_point!("step.tx");
            self.journal(vec![step_kind]).await?;
            fault_point!("step.done");
            self.add(Role::Assistant, answer.parts);
            self.run_calls(&calls).await?;
            last_words = self.going_round(&calls);
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

    async fn run_calls(&mut self, calls: &[CallRequest]) -> Result<(), Stop> {
        let handle = self.waiting.handle.clone();
        let batch = Batch {
            engine: self.engine,
            turn: handle.turn,
            conversation: handle.conversation,
            person: self.person.clone(),
            agent: self.agent,
            prefix: format!("r{}", handle.ordinal),
            result_chars: self.agent.limits.result_chars as usize,
            calls_at_once: self.agent.limits.calls_per_step.clamp(1, 64) as usize,
        };
        let prepared = batch.prepare(calls, &self.asked);
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
        let line = calls.first().and_then(|call| self.progress_line(call));
        let mut asked = std::mem::take(&mut self.asked);
        let results = {
            let told = |result: &CallResult| self.tell(finished(result));
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
                    () = tokio::time::sleep_until(self.deadline) => break Err(Stop::TimedOut),
                    results = &mut work => break Ok(results),
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
        let (usage, cost_micros) = self.engine.0.take_usage(handle.turn);
        self.usage += usage;
        self.cost_micros += cost_micros;
        let results = results?;
        fault_point!("result.tx");
        self.journal(results.iter().map(|result| StepKind::Returned { result: result.clone() }).collect()).await?;
        fault_point!("result.done");
        self.add_results(results);
        Ok(())
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
        let handle = &self.waiting.handle;
        let now_ms = self.engine.0.clock.now_ms();
        let mut steps = Vec::with_capacity(kinds.len());
        for kind in kinds {
            self.seq += 1;
            steps.push(Step { seq: self.seq, kind, created_at_ms: now_ms });
        }
        let store = &self.engine.0.store;
        match store.add_steps(handle.turn, handle.conversation, self.fence, steps).await {
            Ok(()) => Ok(()),
            Err(StoreError::Fenced) if handle.cancel.is_cancelled() => Err(Stop::Cancelled),
            Err(StoreError::Fenced) => Err(Stop::Abandoned),
            Err(error) => Err(Stop::Failed(format!("the step could not be stored, {error}"))),
        }
    }

    /// The conversation is longer than the model reads: keep the question and what this turn found, drop the rest.
    async fn shrink(&mut self) {
        let ordinal = self.waiting.handle.ordinal;
        let question = self.known.last().filter(|m| m.position == ordinal * 1000).cloned();
        self.window = Window::new(&[], None, &self.agent.limits);
        for message in question.iter().chain(&self.added) {
            self.window.push(message);
        }
    }

    /// Ask models in their order until one answers this step.
    async fn ask(&mut self, step: u32, may_call: bool) -> Result<Answer, Stop> {
        let inner = &self.engine.0;
        let candidates = inner.router.candidates(self.role, self.waiting.say.model.as_deref());
        let Some(first) = candidates.preferred.clone() else {
            return Err(Stop::Failed("no model is connected; add a key for one in the settings".into()));
        };
        let mut failures: HashMap<String, ModelError> = HashMap::new();
        let mut reason = String::new();
        for attempt in 0..TRIES {
            // A model that refused is not asked again; one that stumbled may be, when nobody else is left.
            let model = candidates.models.iter().find(|m| !failures.contains_key(&m.info().name)).or_else(|| {
                candidates.models.iter().find(|m| failures.get(&m.info().name).is_some_and(ModelError::is_passing))
            });
            let Some(model) = model.cloned() else { break };
            self.tell(EventKind::ModelAsked { model: model.info().name.clone(), step });
            match self.stream(&model, may_call).await {
                Ok(answer) => {
                    inner.router.answered(model.info());
                    if model.info().name != first.info().name
                        && let Some(why) =
                            failures.get(&first.info().name).map(ToString::to_string).or(candidates.resting.clone())
                        && self.notices.iter().all(|n| n.kind != NoticeKind::Fallback)
                    {
                        let text = format!("Answered by {}, because {why}.", model.info().name);
                        self.notice(NoticeKind::Fallback, text);
                    }
                    return Ok(answer);
                }
                Err(Failure::Stop(stop)) => return Err(stop),
                Err(Failure::Model(error)) => {
                    let shown = !self.text.is_empty();
                    // The kind only: what a provider says may quote the person.
                    tracing::warn!(model = %model.info().name, kind = error.kind(), attempt, "a model gave no answer");
                    metrics::counter!("majordomo_model_failures_total", "model" => model.info().name.clone())
                        .increment(1);
                    if matches!(error, ModelError::TooLong { .. }) {
                        return Err(Stop::TooLong);
                    }
                    inner.router.failed(model.info(), &error);
                    reason = error.to_string();
                    failures.insert(model.info().name.clone(), error);
                    if shown {
                        self.text.clear();
                        self.tell(EventKind::StepReset { step });
                    }
                }
            }
        }
        Err(Stop::Failed(reason))
    }

    async fn stream(&mut self, model: &Arc<dyn Model>, may_call: bool) -> Result<Answer, Failure> {
        let info = model.info().clone();
        let limits = &self.agent.limits;
        let request = ModelRequest {
            system: self.stable.system.clone(),
            tools: self.stable.tools.clone(),
            messages: self.window.messages(),
            max_output_tokens: self
                .waiting
                .say
                .output_tokens
                .unwrap_or(limits.output_tokens)
                .min(limits.output_tokens)
                .max(16),
            may_call,
            cache_key: self.waiting.handle.conversation.to_string(),
            turn: self.waiting.handle.turn.to_string(),
        };
        fault_point!("llm.send");
        let asked_at = Instant::now();
        let cancel = self.waiting.handle.cancel.clone();
        let halt = self.engine.0.halt.clone();
        let mut stream = model.stream(request);
        let deadline = tokio::time::sleep_until(self.deadline);
        tokio::pin!(deadline);
        let mut got = Got::default();
        let mut renew = renewals();
        loop {
            let event = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Failure::Stop(Stop::Cancelled)),
                () = halt.cancelled() => return Err(Failure::Stop(Stop::Abandoned)),
                () = &mut deadline => return Err(Failure::Stop(Stop::TimedOut)),
                event = stream.next() => event,
                _ = renew.tick() => {
                    self.renew().await?;
                    continue;
                }
            };
            let Some(event) = event else { break };
            if got.events == 0 {
                fault_point!("llm.first");
                metrics::histogram!("majordomo_model_first_token_seconds").record(asked_at.elapsed().as_secs_f64());
            } else {
                fault_point!("llm.mid");
            }
            got.events += 1;
            match event.map_err(Failure::Model)? {
                ModelEvent::Text(text) => {
                    if self.text.len() + text.len() > MAX_STEP_TEXT {
                        got.finished = Some(StopReason::Length);
                        break;
                    }
                    self.text.push_str(&text);
                    self.tell(EventKind::TextDelta { text });
                    self.save_now_and_then().await?;
                }
                ModelEvent::Thinking(text) => {
                    if got.thinking.len() < MAX_STEP_TEXT {
                        got.thinking.push_str(&text);
                        self.tell(EventKind::ThinkingDelta { text });
                    }
                }
                ModelEvent::ThinkingState(state) => got.states.push(state),
                ModelEvent::Call(call) => got.calls.push(call),
                ModelEvent::Usage(usage) => got.usage = usage,
                ModelEvent::Finished { reason, model } => {
                    got.finished = Some(reason);
                    got.model = model;
                    break;
                }
            }
        }
        fault_point!("llm.end");
        self.understand(got, &info)
    }

    /// Make an answer of what a stream gave. One that did not end, or ended with nothing, is no answer.
    fn understand(&mut self, got: Got, info: &ModelInfo) -> Result<Answer, Failure> {
        let broken = |detail: &str| {
            Failure::Model(ModelError::Broken { provider: info.provider.clone(), detail: detail.into() })
        };
        let Some(reason) = got.finished else {
            return Err(broken("the stream ended before the answer was complete"));
        };
        let text = clean(&self.text);
        if text.trim().is_empty() && got.calls.is_empty() && reason != StopReason::Refused {
            return Err(broken("it was empty"));
        }
        let mut usage = got.usage;
        if usage.input_tokens == 0 && usage.output_tokens == 0 {
            usage = Usage {
                input_tokens: (self.window.tokens() + self.stable.tokens).into(),
                output_tokens: estimate_tokens(text.len() + got.thinking.len()).into(),
                cached_input_tokens: 0,
                estimated: true,
            };
        }
        let mut parts = Vec::new();
        let thinking = shorten(&clean(&got.thinking), 20_000);
        if got.states.is_empty() && !thinking.is_empty() {
            parts.push(Part::Thinking { text: thinking, dialect: None, state: None });
        } else {
            let mut thinking = Some(thinking);
            parts.extend(got.states.into_iter().map(|state| Part::Thinking {
                text: thinking.take().unwrap_or_default(),
                dialect: Some(info.provider.clone()),
                state: Some(state),
            }));
        }
        if !text.trim().is_empty() {
            parts.push(Part::text(text));
        }
        parts.extend(got.calls.iter().cloned().map(Part::Call));
        let model = match got.model {
            // A provider may answer with a dated name of the same model; say what was really used.
            Some(answered) if !answered.is_empty() => format!("{}/{}", info.provider, shorten(&clean(&answered), 120)),
            _ => info.name.clone(),
        };
        let cost_micros = info.price.map_or(0, |price| price.of(&usage).0);
        Ok(Answer { parts, calls: got.calls, reason, usage, cost_micros, model })
    }

    /// Keep the text shown so far about once a second, and with it the lease.
    async fn save_now_and_then(&mut self) -> Result<(), Failure> {
        if self.saved.elapsed() < Duration::from_secs(1) {
            return Ok(());
        }
        self.saved = Instant::now();
        self.renew().await
    }

    /// Write the text so far and hold the lease for another while.
    async fn renew(&self) -> Result<(), Failure> {
        let handle = &self.waiting.handle;
        let inner = &self.engine.0;
        let until = inner.clock.now_ms() + LEASE_MS;
        match inner.store.save_partial(handle.turn, handle.conversation, self.fence, &self.text, until).await {
            Err(StoreError::Fenced) => Err(Failure::Stop(Stop::Abandoned)),
            Err(error) => {
                tracing::warn!(%error, "the text so far was not kept");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn finish(mut self, state: TurnState, error: Option<String>) {
        if !self.notices.is_empty() {
            let notices: Vec<Part> = std::mem::take(&mut self.notices).into_iter().map(Part::Notice).collect();
            match self.added.last_mut() {
                Some(last) if last.role == Role::Assistant && last.calls().next().is_none() => {
                    Arc::make_mut(last).parts.extend(notices)
                }
                _ => self.add(Role::Assistant, notices),
            }
        }
        let inner = &self.engine.0;
        let handle = self.waiting.handle.clone();
        let now_ms = inner.clock.now_ms();
        let messages: Vec<Message> = self.added.iter().map(|m| (**m).clone()).collect();
        let end = FinishedTurn {
            turn: handle.turn,
            conversation: handle.conversation,
            person: handle.person,
            agent: self.agent.id,
            fence: self.fence,
            keep_lease: self.room.has_waiting(),
            state,
            messages: messages.clone(),
            model: self.model.clone(),
            error: error.clone(),
            usage: self.usage,
            cost_micros: self.cost_micros,
            day: jiff::Timestamp::from_millisecond(now_ms)
                .map(|t| t.strftime("%Y-%m-%d").to_string())
                .unwrap_or_default(),
            delivery: None,
            now_ms,
        };
        fault_point!("final.tx");
        let mut pause = Duration::from_millis(100);
        let stored = loop {
            match inner.store.finish_turn(end.clone()).await {
                Ok(()) => break true,
                Err(StoreError::Fenced) => break false,
                Err(error) if !inner.halt.is_cancelled() => {
                    tracing::warn!(%error, "the end of a turn could not be stored; trying again");
                    tokio::select! {
                        () = inner.halt.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
                Err(error) => {
                    tracing::error!(%error, "the end of a turn could not be stored; the next start takes it up");
                    break false;
                }
            }
        };
        fault_point!("final.done");
        if !stored {
            return settle_without_rows(
                self.engine,
                self.room,
                &handle,
                "the conversation was cleared or taken over meanwhile",
            );
        }
        let keep = self.agent.limits.keep_messages;
        if keep > 0
            && let Err(error) = inner.store.trim_conversation(handle.conversation, keep).await
        {
            tracing::warn!(%error, "old messages were not removed");
        }
        let mut history = self.known;
        history.append(&mut self.added);
        let surplus = history.len().saturating_sub(2 * self.agent.limits.history_messages as usize);
        history.drain(..surplus);
        let remembered = Remembered { fence: self.fence.0, ordinal: handle.ordinal, history, summary: self.summary };
        inner.remembered.insert(handle.conversation, remembered).await;
        let duration = self.started.elapsed();
        metrics::counter!("majordomo_turns_total", "state" => state.as_str()).increment(1);
        metrics::histogram!("majordomo_turn_seconds").record(duration.as_secs_f64());
        tracing::info!(
            state = state.as_str(),
            model = %self.model,
            input_tokens = self.usage.input_tokens,
            output_tokens = self.usage.output_tokens,
            duration_ms = duration.as_millis() as u64,
            "a turn ended"
        );
        let kind = EventKind::TurnFinished {
            state,
            messages: messages.clone(),
            model: self.model.clone(),
            usage: self.usage,
            cost_micros: self.cost_micros,
            duration_ms: duration.as_millis() as u64,
        };
        self.room.tell(&inner.bus, handle.ordinal, self.waiting.attempt, handle.turn, kind);
        handle.settle(Arc::new(Outcome {
            state,
            messages,
            model: self.model,
            usage: self.usage,
            cost_micros: self.cost_micros,
            error,
        }));
    }
}

/// Ticks while nothing else is written, well within the life of a lease.
fn renewals() -> tokio::time::Interval {
    let every = Duration::from_millis(LEASE_MS as u64 / 3);
    tokio::time::interval_at(Instant::now() + every, every)
}

/// End a turn that broke inside: its row, its watchers and whoever waits hear of it.
pub(crate) async fn give_up(engine: &Engine, room: &Room, handle: &crate::room::TurnHandle, say: &Say, attempt: i64) {
    let inner = &engine.0;
    let now_ms = inner.clock.now_ms();
    let until_ms = now_ms + LEASE_MS;
    let begun = inner.store.begin_turn(handle.turn, handle.conversation, &inner.owner, until_ms, now_ms).await;
    let Ok(fence) = begun else {
        return settle_without_rows(engine, room, handle, "something broke inside; the next start takes it up");
    };
    let text = "No answer: something broke inside. It was logged; please try again.".to_owned();
    let message = Message {
        id: MessageId::new(),
        turn: handle.turn,
        position: handle.ordinal * 1000 + 1,
        role: Role::Assistant,
        parts: vec![Part::Notice(Notice { kind: NoticeKind::Failed, text })],
        created_at_ms: now_ms,
    };
    let end = FinishedTurn {
        turn: handle.turn,
        conversation: handle.conversation,
        person: handle.person,
        agent: say.agent,
        fence,
        keep_lease: false,
        state: TurnState::Failed,
        messages: vec![message.clone()],
        model: String::new(),
        error: Some("something broke inside".into()),
        usage: Usage::default(),
        cost_micros: 0,
        day: String::new(),
        delivery: None,
        now_ms,
    };
    if inner.store.finish_turn(end).await.is_err() {
        return settle_without_rows(engine, room, handle, "something broke inside; the next start takes it up");
    }
    let messages = vec![message];
    let kind = EventKind::TurnFinished {
        state: TurnState::Failed,
        messages: messages.clone(),
        model: String::new(),
        usage: Usage::default(),
        cost_micros: 0,
        duration_ms: 0,
    };
    room.tell(&inner.bus, handle.ordinal, attempt, handle.turn, kind);
    handle.settle(Arc::new(Outcome {
        state: TurnState::Failed,
        messages,
        model: String::new(),
        usage: Usage::default(),
        cost_micros: 0,
        error: Some("something broke inside".into()),
    }));
}

/// What a stream has given so far.
#[derive(Default)]
struct Got {
    events: u64,
    thinking: String,
    states: Vec<serde_json::Value>,
    calls: Vec<CallRequest>,
    usage: Usage,
    finished: Option<StopReason>,
    model: Option<String>,
}

enum Failure {
    Model(ModelError),
    Stop(Stop),
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
