//! People, not accounts.

use crate::{Millis, PersonId};
use serde::{Deserialize, Serialize};

/// A human being the household knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    pub id: PersonId,
    /// What the household calls them, 1 to 80 characters.
    pub name: String,
    pub standing: Standing,
    /// IANA name such as `Europe/Berlin`; the server's zone when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// BCP 47 language such as `en-US`; the server's language when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub created_at_ms: Millis,
}

/// What somebody is in the household. Ordered: a later one may do more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Guest,
    Child,
    Member,
    Admin,
}

/// One of a person's accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `web`, `discord`, `telegram`, `console`.
    pub channel: String,
    /// The platform's stable number, never a nickname.
    pub account: String,
    pub person: PersonId,
}

impl Standing {
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Guest => "guest",
            Standing::Child => "child",
            Standing::Member => "member",
            Standing::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Standing::Guest, Standing::Child, Standing::Member, Standing::Admin].into_iter().find(|s| s.as_str() == text)
    }
}
