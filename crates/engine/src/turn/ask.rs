//! Asking models for one step: in their order, until one gives a whole answer.

use super::{Making, Stop, TRIES};
use crate::engine::LEASE_MS;
use futures_util::StreamExt;
use majordomo_domain::{
    CallRequest, EventKind, Model, ModelError, ModelEvent, ModelRequest, NoticeKind, Part, StopReason, Usage,
    fault_point,
    model::ModelInfo,
    text::{clean, estimate_tokens, shorten},
};
use majordomo_store::StoreError;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Bytes of text one step may write.
const MAX_STEP_TEXT: usize = 400_000;

/// Whether a step may ask for calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calling {
    /// The last step.
    No,
    May,
    /// What was to be done was said and not done.
    Must,
}

/// What one step of the model gave.
pub(super) struct Answer {
    pub parts: Vec<Part>,
    pub calls: Vec<CallRequest>,
    pub reason: StopReason,
    pub usage: Usage,
    pub cost_micros: i64,
    pub model: String,
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

pub(super) enum Failure {
    Model(ModelError),
    Stop(Stop),
}

impl Making<'_> {
    /// Ask models in their order until one answers this step.
    pub(super) async fn ask(&mut self, step: u32, calling: Calling) -> Result<Answer, Stop> {
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
            match self.stream(&model, calling).await {
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

    async fn stream(&mut self, model: &Arc<dyn Model>, calling: Calling) -> Result<Answer, Failure> {
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
            may_call: calling != Calling::No,
            must_call: calling == Calling::Must,
            cache_key: self.waiting.handle.conversation.to_string(),
            turn: self.waiting.handle.turn.to_string(),
        };
        let reserved = self.engine.reserve(&self.payer, &info, &request).await;
        let reservation = reserved.map_err(|sentence| Failure::Stop(Stop::Failed(sentence)))?;
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
        let answer = self.understand(got, &info)?;
        self.engine.settle(reservation, &answer.usage, answer.cost_micros).await;
        Ok(answer)
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
    pub(super) async fn renew(&self) -> Result<(), Failure> {
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
}

/// Ticks while nothing else is written, well within the life of a lease.
pub(super) fn renewals() -> tokio::time::Interval {
    let every = Duration::from_millis(LEASE_MS as u64 / 3);
    tokio::time::interval_at(Instant::now() + every, every)
}
