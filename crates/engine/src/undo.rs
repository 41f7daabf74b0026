//! Taking a change back: the tool says with which call, the house offers it for a while, and one press makes that call.
//!
//! The call goes the way of every other: judged, written down, and asked about. Who presses has thereby decided, where the decision
//! is theirs; what somebody else has to decide waits for them. How it stands is read from what was written down.

use crate::{
    dispatch::Batch,
    engine::{Engine, EngineError},
    turn::DIRECT,
};
use majordomo_domain::{
    Accepted, Address, Approval, ApprovalState, CallResult, ConversationId, Decision, Message, Part, Person, Standing,
    TurnId, TurnState,
    message::UndoOffer,
    op::{Decide, Invoke},
    tool::UndoCall,
};
use majordomo_store::Turn;
use std::{collections::HashSet, fmt::Write};

/// Channel under which a press is written down, wherever it was made, so that it counts once.
const CHANNEL: &str = "web";
/// Messages of a conversation in which the newest change is looked for.
const LOOKED_THROUGH: u32 = 200;
/// How often one change may be pressed for: a first time, and again after each failure.
const MOST_PRESSES: u32 = 10;

/// How it stands with taking the change of one call back, once somebody wanted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// In which the change was made.
    pub changed: TurnId,
    pub call_id: String,
    /// In which it was wanted.
    pub turn: TurnId,
    /// In which it was carried out, after a decision.
    pub carried: Option<TurnId>,
    pub state: TakingBack,
    /// Why not, as one sentence; empty when there is none.
    pub reason: String,
    /// It failed, and may be pressed for again while it is offered.
    pub may_retry: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakingBack {
    /// For somebody's yes.
    Waits,
    Runs,
    Done,
    /// It was not taken back.
    Refused,
    /// Nobody knows whether it was.
    Uncertain,
}

/// The newest change of a talk that can be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undoable {
    pub turn: TurnId,
    pub call_id: String,
    /// What it brings back.
    pub title: String,
}

/// What a press is written down by: equal for all that mean the same try, so that it is taken back once.
fn press_of(turn: TurnId, call_id: &str, number: u32) -> String {
    match number {
        0 => format!("undo:{turn}:{call_id}"),
        again => format!("undo:{turn}:{call_id}:{again}"),
    }
}

/// What came of a press.
struct Outcome {
    state: TakingBack,
    reason: String,
    /// Nothing happened, and nobody had said no.
    has_failed: bool,
    /// The turn that carried it out, after a decision.
    carried: Option<TurnId>,
}

fn results(message: &Message) -> impl DoubleEndedIterator<Item = &CallResult> {
    message.parts.iter().filter_map(|part| match part {
        Part::Result(result) => Some(result),
        _ => None,
    })
}

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
    /// Take back what a call of a turn has changed: for the one it was done for, or an admin, once, while it is offered; again when it
    /// failed. The turn that takes it back.
    pub async fn undo(&self, person: &Person, turn: TurnId, call_id: &str) -> Result<TurnId, EngineError> {
        let row = self.0.store.turn(turn).await?;
        if row.person != person.id && person.standing != Standing::Admin {
            return Err(EngineError::NotFound("turn"));
        }
        let messages = self.0.store.turn_messages(&row).await?;
        let mut offers =
            messages.iter().flat_map(results).filter(|r| r.call_id == call_id).filter_map(|r| r.undo.as_deref());
        let offer = offers.next_back().ok_or(EngineError::NotFound("undo"))?;
        if self.0.clock.now_ms() > offer.until_ms {
            return Err(EngineError::Conflict("the time in which this could be taken back is over".into()));
        }
        let number = match self.newest_press(turn, call_id).await? {
            None => 0,
            Some((number, pressed)) => {
                let approvals = self.0.store.conversation_approvals(row.conversation).await?;
                let came = self.came_of(&approvals, pressed).await?;
                if !self.may_retry(&came, number, &offer.call.tool) {
                    return Ok(pressed);
                }
                number + 1
            }
        };
        let invoke = Invoke {
            conversation: row.conversation,
            agent: row.agent,
            author: person.id,
            address: Address::new(CHANNEL, row.conversation.to_string()),
            platform_id: Some(press_of(turn, call_id, number)),
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

    /// How it stands with what calls of this turn have changed and somebody wanted taken back.
    pub async fn taken_back(&self, turn: &Turn) -> Result<Vec<TakenBack>, EngineError> {
        let messages = self.0.store.turn_messages(turn).await?;
        self.taken_back_of(turn.conversation, &messages).await
    }

    /// What could be taken back now, of the newest messages of a talk: the newest change that is still offered, that nobody wanted
    /// taken back yet or that could not be, and that did not itself take something back.
    pub async fn undoable(&self, conversation: ConversationId) -> Result<Option<Undoable>, EngineError> {
        let page = self.0.store.messages(conversation, None, LOOKED_THROUGH).await?;
        let known = self.taken_back_of(conversation, &page.messages).await?;
        let undoing: HashSet<TurnId> = known.iter().flat_map(|one| [Some(one.turn), one.carried]).flatten().collect();
        let now_ms = self.0.clock.now_ms();
        for message in page.messages.iter().rev().filter(|message| !undoing.contains(&message.turn)) {
            for result in results(message).rev() {
                let Some(offer) = result.undo.as_deref().filter(|offer| offer.until_ms >= now_ms) else { continue };
                let call_id = result.call_id.clone();
                let pressed = known.iter().find(|one| one.changed == message.turn && one.call_id == call_id);
                if pressed.is_none_or(|pressed| pressed.may_retry) {
                    return Ok(Some(Undoable { turn: message.turn, call_id, title: offer.call.title.clone() }));
                }
            }
        }
        Ok(None)
    }

    async fn taken_back_of(
        &self,
        conversation: ConversationId,
        messages: &[Message],
    ) -> Result<Vec<TakenBack>, EngineError> {
        let mut found = Vec::new();
        let mut approvals = None;
        let now_ms = self.0.clock.now_ms();
        for message in messages {
            for (result, offer) in results(message).filter_map(|result| Some((result, result.undo.as_deref()?))) {
                let Some((number, turn)) = self.newest_press(message.turn, &result.call_id).await? else { continue };
                if approvals.is_none() {
                    approvals = Some(self.0.store.conversation_approvals(conversation).await?);
                }
                let came = self.came_of(approvals.as_deref().unwrap_or_default(), turn).await?;
                let may_retry = self.may_retry(&came, number, &offer.call.tool) && now_ms <= offer.until_ms;
                found.push(TakenBack {
                    changed: message.turn,
                    call_id: result.call_id.clone(),
                    turn,
                    carried: came.carried,
                    state: came.state,
                    reason: came.reason,
                    may_retry,
                });
            }
        }
        Ok(found)
    }

    /// The last press for a change, and which one that was. None when nobody wanted it taken back.
    async fn newest_press(&self, turn: TurnId, call_id: &str) -> Result<Option<(u32, TurnId)>, EngineError> {
        let mut newest = None;
        for number in 0..MOST_PRESSES {
            match self.0.store.accepted(CHANNEL, &press_of(turn, call_id, number)).await? {
                Some(pressed) => newest = Some((number, pressed)),
                None => break,
            }
        }
        Ok(newest)
    }

    /// Whether another press is another try. Where nobody knows whether it happened, only of a call that looks first.
    fn may_retry(&self, came: &Outcome, number: u32, tool: &str) -> bool {
        let looks_first = || {
            self.0.catalogue.find(tool).is_some_and(|found| found.tool.repeat == majordomo_domain::Repeat::Checkable)
        };
        number + 1 < MOST_PRESSES && (came.has_failed || (came.state == TakingBack::Uncertain && looks_first()))
    }

    async fn came_of(&self, approvals: &[Approval], pressed: TurnId) -> Result<Outcome, EngineError> {
        match newest_version(approvals, pressed) {
            Some(approval) => Ok(by_approval(approval)),
            None => self.by_turn(pressed).await,
        }
    }

    /// Where nobody had to be asked: by what the turn itself came to.
    async fn by_turn(&self, turn: TurnId) -> Result<Outcome, EngineError> {
        let row = self.0.store.turn(turn).await?;
        let came = |state, reason, has_failed| Ok(Outcome { state, reason, has_failed, carried: None });
        if matches!(row.state, TurnState::Queued | TurnState::Running) {
            return came(TakingBack::Runs, String::new(), false);
        }
        let messages = self.0.store.turn_messages(&row).await?;
        match messages.iter().flat_map(results).rfind(|result| result.call_id == DIRECT) {
            Some(result) if result.uncertain => came(TakingBack::Uncertain, String::new(), false),
            Some(result) if result.is_error => {
                came(TakingBack::Refused, result.text.lines().next().unwrap_or_default().to_owned(), true)
            }
            Some(_) => came(TakingBack::Done, String::new(), false),
            None => came(TakingBack::Refused, row.error.unwrap_or_default(), true),
        }
    }
}

/// What was asked in a turn, as it was changed since.
fn newest_version(approvals: &[Approval], turn: TurnId) -> Option<&Approval> {
    let mut newest = approvals.iter().find(|approval| approval.turn == turn && approval.replaces.is_none())?;
    while let Some(next) = approvals.iter().find(|approval| approval.replaces == Some(newest.id)) {
        newest = next;
    }
    Some(newest)
}

fn by_approval(approval: &Approval) -> Outcome {
    let state = match approval.state {
        ApprovalState::Open => TakingBack::Waits,
        ApprovalState::Approved | ApprovalState::Running => TakingBack::Runs,
        ApprovalState::Executed => TakingBack::Done,
        ApprovalState::Uncertain => TakingBack::Uncertain,
        ApprovalState::Declined
        | ApprovalState::Changed
        | ApprovalState::Expired
        | ApprovalState::Void
        | ApprovalState::Failed => TakingBack::Refused,
    };
    let reason = match approval.state {
        ApprovalState::Expired => "nobody decided in time".into(),
        ApprovalState::Declined => match &approval.outcome {
            Some(reason) if !reason.is_empty() => format!("somebody said no: {reason}"),
            _ => "somebody said no".into(),
        },
        _ => approval.outcome.clone().unwrap_or_default(),
    };
    Outcome {
        reason: if state == TakingBack::Refused { reason } else { String::new() },
        has_failed: matches!(approval.state, ApprovalState::Expired | ApprovalState::Void | ApprovalState::Failed),
        carried: approval.decision_turn,
        state,
    }
}
