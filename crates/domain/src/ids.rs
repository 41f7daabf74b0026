//! Time-ordered identifiers. Each is its own type, so a turn cannot be passed where a conversation is meant.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        /// UUID version 7, shown as 36 characters of lower-case text; sorts by time of creation.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new identifier, later than every one made before it in this process.
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

id! {
    /// A configured persona.
    AgentId
    /// An agent's account on a channel.
    BotId
    /// A human being the household knows.
    PersonId
    /// A durable exchange of messages.
    ConversationId
    /// One stored message.
    MessageId
    /// One answer being made.
    TurnId
    /// One journalled act within a turn.
    StepId
    /// A parked call.
    ApprovalId
    /// Something that must arrive somewhere.
    DeliveryId
    /// Something the household wants.
    RequestId
    /// Something somebody says is wrong.
    ReportId
    /// A rule that makes occurrences.
    ScheduleId
    /// A key for the API.
    KeyId
}
