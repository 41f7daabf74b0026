//! What answers. A model is met through [`Model::stream`]; where it lives is its provider's business.

use crate::{CallRequest, Message, money::Price};
use futures_util::{future::BoxFuture, stream::BoxStream};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// What we need a model for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelRole {
    /// Ordinary talk with tools.
    Chat,
    /// Hard questions.
    Smart,
    /// Delegated errands.
    Worker,
    /// Greetings and short questions without tools.
    Quick,
    /// Folding old messages into a summary.
    Summarizer,
}

impl ModelRole {
    pub const ALL: [ModelRole; 5] =
        [ModelRole::Chat, ModelRole::Smart, ModelRole::Worker, ModelRole::Quick, ModelRole::Summarizer];

    pub fn as_str(self) -> &'static str {
        match self {
            ModelRole::Chat => "chat",
            ModelRole::Smart => "smart",
            ModelRole::Worker => "worker",
            ModelRole::Quick => "quick",
            ModelRole::Summarizer => "summarizer",
        }
    }
}

/// How hard a model should think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    Minimal,
    Low,
    Medium,
    High,
}

impl Effort {
    pub fn as_str(self) -> &'static str {
        match self {
            Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
        }
    }
}

/// How one role uses one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelOptions {
    pub effort: Option<Effort>,
    /// Sent to the provider unchanged, beside what the dialect writes itself.
    #[serde(default)]
    pub params: serde_json::Map<String, serde_json::Value>,
}

/// A tool as a model is told of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// JSON Schema of the arguments, an object.
    pub schema: serde_json::Value,
}

/// One question to a model. `system` and `tools` are the stable part and come first in every dialect.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    pub system: Arc<str>,
    pub tools: Arc<[ToolSpec]>,
    /// Starts with a user message; every call has its result.
    pub messages: Vec<Arc<Message>>,
    pub max_output_tokens: u32,
    /// False on the last step: answer with what you have.
    pub may_call: bool,
    /// The answer has to be calls: what was to be done was said and not done. Where a dialect cannot demand it, it is only asked for.
    pub must_call: bool,
    /// Equal over a conversation, for providers that route by it.
    pub cache_key: String,
    /// Put on the request as a correlation header and in traces.
    pub turn: String,
}

/// A piece of an answer, in order. A well-formed stream ends with exactly one `Finished`; one that ends without it
/// failed, whatever text came before.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEvent {
    Text(String),
    Thinking(String),
    /// Opaque proof of thinking, to be sent back with this message.
    ThinkingState(serde_json::Value),
    /// A whole call, put together from its pieces.
    Call(CallRequest),
    Usage(Usage),
    Finished {
        reason: StopReason,
        /// The model that answered, when the provider says so.
        model: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It said what it wanted to say.
    End,
    /// It wants results of calls.
    Calls,
    /// The output limit cut it.
    Length,
    /// The provider's filter or the model itself refused.
    Refused,
}

/// Tokens of one or several answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All input, cached tokens included.
    pub input_tokens: u64,
    /// Of the input, read from the provider's cache.
    pub cached_input_tokens: u64,
    /// All output, thinking included.
    pub output_tokens: u64,
    /// True when the provider said nothing usable and the numbers are our estimate.
    #[serde(default)]
    pub estimated: bool,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_input_tokens = self.cached_input_tokens.saturating_add(other.cached_input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.estimated = self.estimated || other.estimated;
    }
}

/// Why no answer came, by what the caller can do about it. The texts are for people and hold no secret and no request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// Worth another try, here after the wait or with another model: 408, 409, 429, 5xx, 529.
    #[error("{provider} is busy: {detail}")]
    Busy { provider: String, detail: String, retry_after: Option<Duration> },
    /// Connection refused, reset, timed out, silent for too long. Worth another try.
    #[error("{provider} did not answer: {detail}")]
    Unreachable { provider: String, detail: String },
    /// The stream broke off, or was not the dialect. Worth another try from the beginning of the step.
    #[error("the answer from {provider} broke off: {detail}")]
    Broken { provider: String, detail: String },
    /// Key missing or wrong, no credit, no such model. Another provider may do.
    #[error("{provider} refused: {detail}")]
    Refused { provider: String, detail: String },
    /// The conversation is longer than the model can read: compact, then once more.
    #[error("the conversation is too long for {provider}: {detail}")]
    TooLong { provider: String, detail: String },
    /// The request itself was wrong. Not worth another try.
    #[error("{provider} did not understand the request: {detail}")]
    Invalid { provider: String, detail: String },
}

impl ModelError {
    /// What went wrong in one word, for logs: the texts may quote what a person said.
    pub fn kind(&self) -> &'static str {
        match self {
            ModelError::Busy { .. } => "busy",
            ModelError::Unreachable { .. } => "unreachable",
            ModelError::Broken { .. } => "broken",
            ModelError::Refused { .. } => "refused",
            ModelError::TooLong { .. } => "too_long",
            ModelError::Invalid { .. } => "invalid",
        }
    }

    /// Whether the same request may succeed later at the same place.
    pub fn is_passing(&self) -> bool {
        matches!(self, ModelError::Busy { .. } | ModelError::Unreachable { .. } | ModelError::Broken { .. })
    }
}

/// What is known of a model before it is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Unique in the catalogue: provider, a slash, the provider's own id, such as `openai/gpt-5-mini`.
    pub name: String,
    pub provider: String,
    /// The provider's own id.
    pub id: String,
    /// Tokens it can read, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// A model ready to be asked.
pub trait Model: Send + Sync {
    fn info(&self) -> &ModelInfo;
    /// Ask. The stream is cold until polled, and dropping it cancels the request. Retries of the *start* happen inside;
    /// once the first event was given, a failure ends the stream with an error.
    fn stream(&self, request: ModelRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>>;
}

/// Where models live: an account at a vendor, a server in the house, or something built in.
pub trait Provider: Send + Sync {
    /// As in the settings, such as `openai`.
    fn name(&self) -> &str;
    /// The provider's own list, asked now. Bounded to 500.
    fn list(&self) -> BoxFuture<'_, Result<Vec<ModelInfo>, ModelError>>;
    /// One of its models by the provider's own id; nothing is asked yet, so a wrong id shows at the first question.
    fn model(&self, id: &str, options: ModelOptions) -> Arc<dyn Model>;
}
