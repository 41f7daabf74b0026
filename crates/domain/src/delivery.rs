//! Something that must arrive on a channel: stored before it is sent, settled one by one.

use crate::{Address, ConversationId, DeliveryId, Part, TurnId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: DeliveryId,
    pub conversation: ConversationId,
    pub turn: TurnId,
    pub address: Address,
    pub parts: Vec<Part>,
    pub state: DeliveryState,
    pub attempts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Nobody has tried yet, or the last try surely failed.
    Waiting,
    /// Somebody is sending it.
    Claimed,
    /// The platform has it.
    Settled,
    /// Sent, but nobody knows whether it arrived.
    Uncertain,
    /// Given up, with the reason kept in the attempt.
    Failed,
}
