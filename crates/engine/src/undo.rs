//! Taking a change back: the tool says with which call, the house offers it for a while, and one press makes that call.
//!
//! The call goes the way of every other: judged, written down, and asked about. Who presses has thereby decided, where the decision
//! is theirs; what somebody else has to decide waits for them.

use crate::{
    dispatch::Batch,
    engine::{Engine, EngineError},
    turn::DIRECT,
};
use majordomo_domain::{
    Accepted, Address, CallResult, Decision, Part, Person, Standing, TurnId,
    message::UndoOffer,
    op::{Decide, Invoke},
    tool::UndoCall,
};
use std::fmt::Write;

impl Batch<'_> {
    /// Offer to take a change back, to people and to the model.
    pub(crate) fn offer_undo(&self, result: &mut CallResult, undo: Option<UndoCall>) {
        let minutes = self.engine.0.config.undo_minutes;
        let Some(call) = undo.filter(|_| minutes > 0) else { return };
        let _ = write!(
            result.text,
            "\n[to take it back within {minutes} min, if the person wants that: {} {}]",
            call.tool, call.arguments
        );
        let until_ms = self.engine.0.clock.now_ms() + i64::from(minutes) * 60_000;
        result.undo = Some(Box::new(UndoOffer { call, until_ms }));
    }
}

impl Engine {
    /// Take back what a call of a turn has changed: for the one it was done for, or an admin, once, while it is offered. The turn that
    /// takes it back.
    pub async fn undo(&self, person: &Person, turn: TurnId, call_id: &str) -> Result<TurnId, EngineError> {
        let row = self.0.store.turn(turn).await?;
        if row.person != person.id && person.standing != Standing::Admin {
            return Err(EngineError::NotFound("turn"));
        }
        let messages = self.0.store.turn_messages(&row).await?;
        let results = messages.iter().flat_map(|m| &m.parts);
        let mut offer = results.filter_map(|part| match part {
            Part::Result(result) if result.call_id == call_id => result.undo.as_deref(),
            _ => None,
        });
        let offer = offer.next_back().ok_or(EngineError::NotFound("undo"))?;
        if self.0.clock.now_ms() > offer.until_ms {
            return Err(EngineError::Conflict("the time in which this could be taken back is over".into()));
        }
        let invoke = Invoke {
            conversation: row.conversation,
            agent: row.agent,
            author: person.id,
            address: Address::new("web", row.conversation.to_string()),
            // One press or many: it is taken back once.
            platform_id: Some(format!("undo:{turn}:{call_id}")),
            tool: offer.call.tool.clone(),
            arguments: offer.call.arguments.to_string(),
        };
        let undoing = match self.invoke(invoke, None).await? {
            Accepted::Turn { turn, .. } => turn,
            Accepted::Duplicate { turn } => return Ok(turn),
            _ => return Err(EngineError::NotFound("turn")),
        };
        self.finished(undoing).await?;
        let approvals = self.0.store.conversation_approvals(row.conversation).await?;
        let asked = approvals.into_iter().find(|approval| approval.turn == undoing && approval.call_id == DIRECT);
        let Some(asked) = asked.filter(|approval| approval.state.is_open()) else { return Ok(undoing) };
        if !asked.approvers.include(person.id, person.standing, asked.requester) {
            return Ok(undoing);
        }
        let decide = Decide { approval: asked.id, by: person.id, decision: Decision::Approve };
        match self.decide(decide).await? {
            Accepted::Decided { turn: Some(turn), .. } => Ok(turn),
            _ => Ok(undoing),
        }
    }
}
