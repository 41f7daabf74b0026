//! What somebody says is wrong with something the house has, until somebody who looks after it has dealt with it.
//!
//! Knows: nothing of what it is about; `subject` is the toolkit's own. Never mends anything.

use crate::{Address, AgentId, ConversationId, Millis, PersonId, ReportId, RequestId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub id: ReportId,
    /// The toolkit it is about.
    pub toolkit: String,
    /// What it is about, in the toolkit's own key, as in [`crate::Request::subject`]. At most 150 bytes.
    pub subject: String,
    /// For people, such as `The Matrix (1999)`. At most 190 characters.
    pub title: String,
    /// A picture's own name, as on a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// What is wrong, such as `S01E02: wrong language (“only Swedish”)`. At most 600 characters.
    pub text: String,
    pub reporter: PersonId,
    /// Where it was reported, and the reporter is told.
    pub conversation: ConversationId,
    pub agent: AgentId,
    pub address: Address,
    /// By which the title came here; None where nobody asked for it.
    pub request: Option<RequestId>,
    pub state: ReportState,
    /// What was said to it in the end. At most 300 characters.
    pub answer: Option<String>,
    pub created_at_ms: Millis,
    pub closed_at_ms: Option<Millis>,
    pub closed_by: Option<PersonId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// Nobody has dealt with it yet.
    Open,
    /// It is as it should be now.
    Mended,
    /// Nothing is done about it.
    Dismissed,
}

impl ReportState {
    pub const ALL: [Self; 3] = [Self::Open, Self::Mended, Self::Dismissed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mended => "mended",
            Self::Dismissed => "dismissed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
