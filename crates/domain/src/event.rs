//! What watchers may see while a turn runs. Live only: what must survive is in the store.

use crate::{Approval, Card, ConversationId, Message, Notice, TurnId, Usage};
use serde::{Deserialize, Serialize};

/// One event of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub conversation: ConversationId,
    /// Grows within the conversation, also over restarts: turn ordinal × 1 000 000 + attempt × 100 000 + place.
    pub number: i64,
    pub turn: TurnId,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Additions are compatible; a reader ignores kinds it does not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// What somebody said was stored; its turn waits behind `ahead` others.
    TurnQueued {
        message: Message,
        ahead: u32,
    },
    TurnStarted {
        /// Wall-clock start, for a timer.
        started_at_ms: i64,
    },
    /// A model was asked. Sent again when another one takes over, or for the next step.
    ModelAsked {
        model: String,
        step: u32,
    },
    /// What was written in this step so far is void: the step is tried again.
    StepReset {
        step: u32,
    },
    ThinkingDelta {
        text: String,
    },
    TextDelta {
        text: String,
    },
    CallStarted {
        call_id: String,
        name: String,
        /// A person's line for it.
        title: String,
    },
    CallFinished {
        call_id: String,
        name: String,
        title: String,
        is_error: bool,
        /// The first 400 characters of what the model reads.
        summary: String,
        cards: Vec<Card>,
        duration_ms: u64,
    },
    /// A line to show while waiting.
    Progress {
        text: String,
    },
    /// A remark by the house.
    Noticed {
        notice: Notice,
    },
    /// A call waits for somebody's decision.
    ApprovalOpened {
        approval: Box<Approval>,
    },
    /// What became of it, as far as is known: decided, expired, carried out.
    ApprovalChanged {
        approval: Box<Approval>,
    },
    /// The last event of a turn. The messages it added are in the store.
    TurnFinished {
        state: TurnState,
        messages: Vec<Message>,
        model: String,
        usage: Usage,
        cost_micros: i64,
        duration_ms: u64,
    },
    /// Everything seen so far of the turn that runs now; sent first to a watcher who cannot be brought up by replay.
    Snapshot {
        running: Option<RunningTurn>,
        queued: u32,
    },
    /// The conversation's messages were removed.
    ConversationCleared,
    ConversationRenamed {
        title: String,
    },
    ConversationDeleted,
}

/// A turn in the making, as a watcher would have folded its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunningTurn {
    pub turn: TurnId,
    pub started_at_ms: i64,
    pub model: String,
    pub text: String,
    pub thinking: String,
    pub calls: Vec<RunningCall>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunningCall {
    pub call_id: String,
    pub name: String,
    pub title: String,
    pub finished: bool,
    pub is_error: bool,
    pub summary: String,
    pub cards: Vec<Card>,
    pub duration_ms: u64,
}

/// Where a turn stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    Queued,
    Running,
    /// Ended with an answer, perhaps an honest partial one.
    Done,
    /// Ended with a plain sentence about what went wrong.
    Failed,
    /// Stopped by a person or by the time limit, with a marker in the conversation.
    Cancelled,
}

impl TurnState {
    pub fn as_str(self) -> &'static str {
        match self {
            TurnState::Queued => "queued",
            TurnState::Running => "running",
            TurnState::Done => "done",
            TurnState::Failed => "failed",
            TurnState::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        use TurnState::*;
        [Queued, Running, Done, Failed, Cancelled].into_iter().find(|s| s.as_str() == text)
    }

    pub fn is_over(self) -> bool {
        matches!(self, TurnState::Done | TurnState::Failed | TurnState::Cancelled)
    }
}
