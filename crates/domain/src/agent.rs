//! A configured persona.

use crate::{AgentId, approval::ApprovalMode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who answers: prompt, models, toolkits and limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    pub id: AgentId,
    /// Short and unique, such as `majordomo`.
    pub name: String,
    /// Character and duties. First in every request and constant over a conversation.
    pub prompt: String,
    /// Names of toolkits it may use; empty means every one that is configured.
    #[serde(default)]
    pub toolkits: Vec<String>,
    /// Names of tools offered to the model from the first step; the others it finds with `find_tools`.
    #[serde(default)]
    pub first_tools: Vec<String>,
    /// Whether it may end a turn without a word, by its tool `stay_silent`. For agents that listen in a room.
    #[serde(default)]
    pub may_stay_silent: bool,
    /// When its calls ask first.
    #[serde(default)]
    pub approvals: Approvals,
    /// What a conversation with it belongs to.
    #[serde(default)]
    pub memory: MemoryScope,
    #[serde(default)]
    pub limits: TurnLimits,
}

/// When an agent's calls ask first, and how long an answer is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Approvals {
    pub mode: ApprovalMode,
    /// Seconds an approval stays open, 5 to 2 592 000; each tool's own time when absent.
    pub expire_seconds: Option<u32>,
    /// By tool, in place of both.
    pub tools: BTreeMap<String, ToolApprovals>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolApprovals {
    pub mode: Option<ApprovalMode>,
    pub expire_seconds: Option<u32>,
}

impl Approvals {
    pub fn mode_of(&self, tool: &str) -> ApprovalMode {
        self.tools.get(tool).and_then(|t| t.mode).unwrap_or(self.mode)
    }

    /// Seconds, when the settings say any.
    pub fn expiry_of(&self, tool: &str) -> Option<u32> {
        self.tools.get(tool).and_then(|t| t.expire_seconds).or(self.expire_seconds)
    }
}

/// What an agent's talk is remembered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryScope {
    /// One talk for each person, on whatever channel.
    Person,
    /// One talk for each room: everybody in it shares it.
    Room,
    /// Each conversation by itself.
    #[default]
    Conversation,
}

/// What one turn may cost. Every number is a ceiling enforced by the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurnLimits {
    /// Model calls in one turn, 1 to 50. Default 8.
    pub steps: u32,
    /// Model calls in one turn of a worker, 1 to 50. Default 3.
    pub worker_steps: u32,
    /// Seconds a turn may take, 5 to 3600. Default 90.
    pub seconds: u32,
    /// Calls answered in one step; further ones are refused with a reason. Default 16.
    pub calls_per_step: u32,
    /// Tokens of history a request may carry. Default 24 000.
    pub history_tokens: u32,
    /// Messages of history a request may carry. Default 200.
    pub history_messages: u32,
    /// Exchanges (a question with its answer) of history a request may carry. Default 100.
    pub history_turns: u32,
    /// Rounds of results (one for each step that called tools) a request may carry, of earlier answers and of this one. Default 60.
    pub tool_messages: u32,
    /// Messages of a conversation kept in the store, older ones are removed after each turn; 0 keeps all. Default 0.
    pub keep_messages: u32,
    /// Tokens one answer may have, 16 to 200 000. Default 4 000.
    pub output_tokens: u32,
    /// Characters of one call's result the model sees; the rest is kept under a reference. Default 6 000.
    pub result_chars: u32,
}

impl Default for TurnLimits {
    fn default() -> Self {
        Self {
            steps: 8,
            worker_steps: 3,
            seconds: 90,
            calls_per_step: 16,
            history_tokens: 24_000,
            history_messages: 200,
            history_turns: 100,
            tool_messages: 60,
            keep_messages: 0,
            output_tokens: 4_000,
            result_chars: 6_000,
        }
    }
}
