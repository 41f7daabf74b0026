//! A parked call: what was asked, by whom, until when.

use crate::{ApprovalId, ConversationId, Millis, PersonId, TurnId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub conversation: ConversationId,
    pub turn: TurnId,
    pub requester: PersonId,
    pub tool: String,
    /// Canonical JSON (RFC 8785) of the arguments.
    pub arguments: String,
    pub fingerprint: Fingerprint,
    pub state: ApprovalState,
    pub expires_at_ms: Millis,
}

/// SHA-256 in hex over tool name, schema, canonical arguments and target instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    Open,
    Approved,
    Declined,
    Expired,
    Executed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    Approve,
    Decline { reason: Option<String> },
    Change { arguments: serde_json::Value },
}
