//! The end of a turn: one commit, then watchers and whoever waits hear of it.

use super::Making;
use crate::{
    budget::day_of,
    context::Remembered,
    engine::{Engine, LEASE_MS, Outcome},
    links::foreign_hosts,
    room::{Room, TurnHandle},
    truth::Changes,
};
use majordomo_domain::{
    ApprovalId, EventKind, Message, MessageId, Notice, NoticeKind, Part, Role, TurnState, Usage, fault_point,
    op::{Say, Task},
};
use majordomo_store::{FinishedTurn, NewAudit, StoreError};
use std::{sync::Arc, time::Duration};

impl Making<'_> {
    pub(super) async fn finish(mut self, state: TurnState, error: Option<String>) {
        self.report_changes();
        let audit = self.foreign_links();
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
            day: day_of(now_ms),
            delivery: None,
            audit,
            charged: self.engine.has_limits(),
            ends_decision: self.decides().is_some(),
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
        if let Some(approval) = self.decides()
            && state != TurnState::Done
        {
            self.engine.tell_changed(approval).await;
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
        let remembered = Remembered {
            fence: self.fence.0,
            ordinal: handle.ordinal,
            history,
            summary: self.summary,
            beginning: self.beginning,
        };
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

impl Making<'_> {
    /// The decision this turn carries out.
    fn decides(&self) -> Option<ApprovalId> {
        match self.waiting.say.task {
            Task::Decision { approval } => Some(approval),
            Task::Answer | Task::Invoke { .. } | Task::News => None,
        }
    }

    /// What was changed stands in the answer as the tools reported it; a claim of more is set right.
    fn report_changes(&mut self) {
        let results = self.added.iter().flat_map(|m| &m.parts);
        let results = results.filter_map(|p| if let Part::Result(result) = p { Some(result) } else { None });
        let changes = Changes::of(results);
        let answer: Vec<String> =
            self.added.iter().filter(|m| m.role == Role::Assistant).map(|m| m.visible_text()).collect();
        let correction = changes.correction(&answer.join("\n\n"));
        for receipt in changes.receipts {
            self.notice(NoticeKind::Receipt, receipt);
        }
        if let Some(text) = correction {
            metrics::counter!("majordomo_corrections_total").increment(1);
            self.notice(NoticeKind::Correction, text);
        }
    }

    /// Addresses in the answer that nobody of the household named.
    fn foreign_links(&self) -> Vec<NewAudit> {
        let texts: Vec<String> =
            self.added.iter().filter(|m| m.role == Role::Assistant).map(|m| m.visible_text()).collect();
        let mut known = self.known.clone();
        known.extend(self.added.iter().cloned());
        let handle = &self.waiting.handle;
        foreign_hosts(&texts.join("\n"), &known)
            .into_iter()
            .map(|host| NewAudit {
                at_ms: self.engine.0.clock.now_ms(),
                actor: None,
                kind: "foreign_link",
                subject: host,
                conversation: Some(handle.conversation),
                turn: Some(handle.turn),
                detail: "an answer names an address that nobody of the household named; it is not drawn as a link"
                    .into(),
            })
            .collect()
    }
}

pub(super) fn settle_without_rows(engine: &Engine, room: &Room, handle: &TurnHandle, sentence: &str) {
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

/// Tell of a turn that ended elsewhere, as its rows say: another process finished it, or its conversation was cleared.
pub(super) async fn settle_from_rows(engine: &Engine, room: &Room, handle: &TurnHandle) {
    let outcome = match engine.stored_outcome(handle.turn).await {
        Ok(outcome) => outcome,
        Err(_) => {
            return settle_without_rows(engine, room, handle, "the conversation was cleared or taken over meanwhile");
        }
    };
    let kind = EventKind::TurnFinished {
        state: outcome.state,
        messages: outcome.messages.clone(),
        model: outcome.model.clone(),
        usage: outcome.usage,
        cost_micros: outcome.cost_micros,
        duration_ms: 0,
    };
    room.tell(&engine.0.bus, handle.ordinal, 1, handle.turn, kind);
    handle.settle(Arc::new(outcome));
}

/// End a turn that broke inside: its row, its watchers and whoever waits hear of it.
pub(crate) async fn give_up(engine: &Engine, room: &Room, handle: &TurnHandle, say: &Say, attempt: i64) {
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
        parts: vec![Part::Notice(Notice::new(NoticeKind::Failed, text))],
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
        audit: Vec::new(),
        // What it used is in no ledger: what was set aside goes on counting.
        charged: false,
        ends_decision: matches!(say.task, Task::Decision { .. }),
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
