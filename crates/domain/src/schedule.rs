//! A rule that makes occurrences.

use crate::{Address, AgentId, Millis, PersonId, ScheduleId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    pub id: ScheduleId,
    pub owner: PersonId,
    pub agent: AgentId,
    pub address: Address,
    pub prompt: String,
    pub rule: Rule,
    /// IANA zone the rule is read in.
    pub zone: String,
    pub catch_up: CatchUp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rule {
    Once {
        at_ms: Millis,
    },
    /// At least 60 seconds.
    Every {
        seconds: u32,
    },
    Cron {
        text: String,
    },
    /// RFC 5545 recurrence.
    Recurrence {
        text: String,
    },
}

/// What happens to occurrences missed while the service was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    Skip,
    Once,
    All,
}

/// One instant of a schedule. Unique by schedule and instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Occurrence {
    pub schedule: ScheduleId,
    pub due_at_ms: Millis,
}
