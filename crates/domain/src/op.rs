//! What may be asked of the engine. Operations change something; questions are reads of the store.

use crate::{Address, AgentId, ApprovalId, CallRequest, ConversationId, Part, PersonId, TurnId, approval::Decision};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    Say(Say),
    Invoke(Invoke),
    Decide(Decide),
    Cancel(Cancel),
}

/// Somebody says something to an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Say {
    pub conversation: ConversationId,
    pub agent: AgentId,
    pub author: PersonId,
    /// Where the answer goes.
    pub address: Address,
    /// The room of several people it is said in, such as a server of a chat; None where one person talks alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// The platform's own id of the message, or the caller's idempotency key. One answer per channel and id, for ever.
    pub platform_id: Option<String>,
    /// What was said: text, images and files. Bounded by the channel that accepts it.
    pub parts: Vec<Part>,
    /// A model by name, as in the catalogue; the router's choice when absent or `auto`.
    pub model: Option<String>,
    /// Ceiling on output tokens of each model call; the agent's limit when absent.
    pub output_tokens: Option<u32>,
    /// What the turn does, where it does not answer what was said.
    #[serde(default, skip_serializing_if = "Task::is_answer")]
    pub task: Task,
}

/// What a turn does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Answers what was said.
    #[default]
    Answer,
    /// Carries out what was decided about a call.
    Decision { approval: ApprovalId },
    /// Runs one call that a person made, without a model.
    Invoke { call: CallRequest },
    /// Tells what its own message says, and nothing else.
    News,
}

impl Task {
    pub fn is_answer(&self) -> bool {
        *self == Task::Answer
    }
}

/// Somebody runs one tool directly, without a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invoke {
    pub conversation: ConversationId,
    pub agent: AgentId,
    pub author: PersonId,
    pub address: Address,
    pub platform_id: Option<String>,
    pub tool: String,
    /// JSON text of the arguments.
    pub arguments: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decide {
    pub approval: ApprovalId,
    pub by: PersonId,
    pub decision: Decision,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cancel {
    pub by: PersonId,
    pub target: CancelTarget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelTarget {
    Turn(TurnId),
    /// Everything running or waiting in it.
    Conversation(ConversationId),
}

/// The answer to an accepted operation: its row is on disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Accepted {
    /// A new turn. `ahead` turns of the same conversation run first.
    Turn { turn: TurnId, ahead: u32 },
    /// The same message was accepted before; this is its turn.
    Duplicate { turn: TurnId },
    /// That many turns were told to stop.
    Cancelled { turns: u32 },
    /// It was a word to stop: this turn, and every other of the person's, was told to.
    Stopped { turn: TurnId },
    /// The decision is on disk. `turn` carries it out, where there is something to carry out.
    Decided { approval: Box<crate::Approval>, turn: Option<TurnId> },
    /// The call was not run: it waits for this approval.
    Asked { approval: Box<crate::Approval> },
}
