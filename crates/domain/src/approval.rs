//! A parked call: what was asked, by whom, who may decide, until when, and what became of it.

use crate::{AgentId, ApprovalId, Card, ConversationId, Millis, PersonId, Standing, TurnId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub conversation: ConversationId,
    /// The turn that asked.
    pub turn: TurnId,
    /// The model's name for the call.
    pub call_id: String,
    pub agent: AgentId,
    pub requester: PersonId,
    pub tool: String,
    /// Which of several services of one kind, such as `4k`; empty where there is only one.
    pub instance: String,
    /// Canonical JSON (RFC 8785) of the arguments.
    pub arguments: String,
    /// SHA-256 in hex of the tool's schema when it was asked.
    pub schema_hash: String,
    pub fingerprint: Fingerprint,
    pub approvers: Approvers,
    /// What an approver sees. Made by code from the arguments.
    pub card: Card,
    pub wording: Wording,
    pub state: ApprovalState,
    pub created_at_ms: Millis,
    pub expires_at_ms: Millis,
    pub decided_at_ms: Option<Millis>,
    pub decided_by: Option<PersonId>,
    /// The turn in which the decision is carried out.
    pub decision_turn: Option<TurnId>,
    /// The approval this one was changed from.
    pub replaces: Option<ApprovalId>,
    /// One sentence: what came of it, or why it was declined.
    pub outcome: Option<String>,
}

/// SHA-256 in hex over all that was asked and shown: tool, schema hash, canonical arguments, target instance, conversation, agent,
/// requester, expiry, approvers, card and words.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

/// Who may decide: anybody who fits one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvers {
    /// The one who asked.
    pub requester: bool,
    /// Everybody of this standing or above.
    pub standing: Option<Standing>,
}

impl Approvers {
    pub const REQUESTER: Self = Self { requester: true, standing: None };

    pub fn from_standing(standing: Standing) -> Self {
        Self { requester: false, standing: Some(standing) }
    }

    /// Whether somebody may decide what `requester` asked.
    pub fn include(&self, person: PersonId, standing: Standing, requester: PersonId) -> bool {
        (self.requester && person == requester) || self.standing.is_some_and(|least| standing >= least)
    }

    /// Such as `you` or `an admin`, for sentences.
    pub fn in_words(&self) -> &'static str {
        match (self.requester, self.standing) {
            (true, None) => "the one who asked",
            (_, Some(Standing::Admin)) => "an admin",
            (_, Some(Standing::Member)) => "a member or an admin",
            (_, Some(_)) => "anybody of the household",
            (false, None) => "nobody",
        }
    }
}

/// What is said around an approval, in the words of the tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wording {
    /// The question, such as `Add V (Solo) to the party?`
    pub question: String,
    /// What is said when it was declined, such as `V was not added.`
    pub declined: String,
    /// Why it is asked, such as `it changes something; influenced by: tmdb`. Empty when that needs no saying.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Waits for a decision.
    Open,
    /// Somebody said yes; it runs in its own turn.
    Approved,
    /// It runs now: an intent is on disk.
    Running,
    /// It was done.
    Executed,
    /// It was tried and did not work.
    Failed,
    /// It was tried and nobody knows whether it happened.
    Uncertain,
    /// Somebody said no.
    Declined,
    /// Somebody changed the arguments; another approval took its place.
    Changed,
    /// Nobody decided in time.
    Expired,
    /// It may no longer be done: the tool, a person's standing or a rule has changed since.
    Void,
}

impl ApprovalState {
    pub fn as_str(self) -> &'static str {
        use ApprovalState::*;
        match self {
            Open => "open",
            Approved => "approved",
            Running => "running",
            Executed => "executed",
            Failed => "failed",
            Uncertain => "uncertain",
            Declined => "declined",
            Changed => "changed",
            Expired => "expired",
            Void => "void",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        use ApprovalState::*;
        [Open, Approved, Running, Executed, Failed, Uncertain, Declined, Changed, Expired, Void]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    pub fn is_open(self) -> bool {
        self == ApprovalState::Open
    }

    /// What somebody is told who decides too late.
    pub fn in_words(self) -> &'static str {
        use ApprovalState::*;
        match self {
            Open => "this is still open",
            Approved | Running => "this was approved already and is being done",
            Executed => "this was approved already and is done",
            Failed => "this was approved already and did not work",
            Uncertain => "this was approved already; whether it happened is unknown, please check",
            Declined => "this was declined already",
            Changed => "this was changed; decide the new version",
            Expired => "this has expired; ask again",
            Void => "this may no longer be done; ask again",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    Approve,
    Decline {
        #[serde(default)]
        reason: Option<String>,
    },
    /// Other arguments: a new approval with a new fingerprint, which has to be decided itself.
    Change {
        arguments: serde_json::Value,
    },
}

/// When an agent's calls ask first. Built into every agent and tool: what the rules say of other people's approval holds in
/// every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalMode {
    /// Every call, reads too.
    Always,
    /// Calls that change something.
    #[default]
    Writes,
    /// Only where a rule says so.
    ByRule,
    /// Not for what the person who asks may decide alone.
    Never,
}
