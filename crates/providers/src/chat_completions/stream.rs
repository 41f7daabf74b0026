//! Reads the answer, chunk by chunk or whole. Pure: events in, events out.

use crate::{
    calls::Calls,
    failure::{Complaint, broken},
};
use majordomo_domain::{ModelError, ModelEvent, StopReason, Usage};
use majordomo_upstream::ServerEvent;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What is kept of thinking that must be sent back. Bytes.
const MOST_STATE_BYTES: usize = 1024 * 1024;

pub(crate) struct Decoder {
    provider: Arc<str>,
    /// Thinking must go back as it came.
    returns_thinking: bool,
    calls: Calls,
    reason: Option<String>,
    model: Option<String>,
    usage: Option<Usage>,
    has_text: bool,
    refused: bool,
    thinking: String,
    details: Vec<Value>,
    extras: Map<String, Value>,
    state_bytes: usize,
    finished: bool,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<RawUsage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: Option<u64>,
    /// `message` in an answer that comes whole.
    #[serde(default, alias = "message")]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    refusal: Option<String>,
    /// DeepSeek, vLLM, LM Studio.
    #[serde(default)]
    reasoning_content: Option<String>,
    /// OpenRouter, Groq, Ollama.
    #[serde(default)]
    reasoning: Option<Content>,
    #[serde(default)]
    reasoning_details: Option<Vec<Value>>,
    #[serde(default)]
    tool_calls: Option<Vec<Piece>>,
}

/// Text, or what some servers send instead: parts (Mistral's thinking models).
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Other(Value),
}

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    index: Option<u64>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<Function>,
    /// Gemini's proof of thinking, which must go back with the call.
    #[serde(default)]
    extra_content: Option<Value>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    /// A string; an object from servers that parsed it.
    #[serde(default)]
    arguments: Option<Content>,
}

#[derive(Deserialize)]
struct RawUsage {
    #[serde(default)]
    prompt_tokens: Option<Value>,
    #[serde(default)]
    completion_tokens: Option<Value>,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
    /// DeepSeek.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<Value>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<Value>,
}

impl RawUsage {
    /// None when a number is missing or makes no sense: then the caller estimates.
    fn read(&self) -> Option<Usage> {
        let input_tokens = self.prompt_tokens.as_ref()?.as_u64()?;
        let output_tokens = self.completion_tokens.as_ref()?.as_u64()?;
        let details = self.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens.as_ref());
        let cached = details.or(self.prompt_cache_hit_tokens.as_ref()).and_then(Value::as_u64).unwrap_or(0);
        (input_tokens > 0).then(|| Usage {
            input_tokens,
            cached_input_tokens: cached.min(input_tokens),
            output_tokens,
            estimated: false,
        })
    }
}

impl Decoder {
    pub fn new(provider: Arc<str>, returns_thinking: bool) -> Self {
        Self {
            provider,
            returns_thinking,
            calls: Calls::default(),
            reason: None,
            model: None,
            usage: None,
            has_text: false,
            refused: false,
            thinking: String::new(),
            details: Vec::new(),
            extras: Map::new(),
            state_bytes: 0,
            finished: false,
        }
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    pub fn push(&mut self, event: &ServerEvent, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if self.finished {
            return Ok(());
        }
        let data = event.data.trim();
        if data == "[DONE]" {
            return self.end(out);
        }
        if data.is_empty() {
            return Ok(());
        }
        let chunk = serde_json::from_str(data).map_err(|_| self.broken("a piece of it is not JSON of this dialect"))?;
        self.chunk(chunk, out)
    }

    /// The stream is over. Many servers send no `[DONE]`; a finish reason is enough, and nothing else is.
    pub fn finish(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if self.finished { Ok(()) } else { self.end(out) }
    }

    /// An answer that came whole.
    pub fn whole(&mut self, body: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let chunk = serde_json::from_slice(body).map_err(|_| self.broken("it is not JSON of this dialect"))?;
        self.chunk(chunk, out)?;
        self.end(out)
    }

    fn chunk(&mut self, chunk: Chunk, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(Complaint::read(&error).into_error(&self.provider));
        }
        if self.model.is_none() {
            self.model = chunk.model.filter(|model| !model.is_empty());
        }
        if let Some(usage) = chunk.usage {
            self.usage = usage.read();
        }
        for choice in chunk.choices.into_iter().flatten() {
            // We ask for one answer; what else comes is not ours.
            if choice.index.unwrap_or(0) != 0 {
                continue;
            }
            if let Some(delta) = choice.delta {
                self.delta(delta, out)?;
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.reason = Some(reason);
            }
        }
        Ok(())
    }

    fn delta(&mut self, delta: Delta, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let thought = delta.reasoning_content.or_else(|| delta.reasoning.map(Content::into_text));
        if let Some(thought) = thought.filter(|text| !text.is_empty()) {
            if self.returns_thinking && self.thinking.len() < MOST_STATE_BYTES {
                self.thinking.push_str(&thought);
            }
            out.push(ModelEvent::Thinking(thought));
        }
        for detail in delta.reasoning_details.into_iter().flatten() {
            self.detail(detail);
        }
        match delta.content {
            Some(Content::Text(text)) if !text.is_empty() => self.text(text, out),
            Some(Content::Other(Value::Array(parts))) => {
                for part in &parts {
                    match part.get("type").and_then(Value::as_str) {
                        Some("thinking") => {
                            let thought = text_of(part.get("thinking").unwrap_or(&Value::Null));
                            if !thought.is_empty() {
                                out.push(ModelEvent::Thinking(thought));
                            }
                        }
                        _ => {
                            let text = text_of(part);
                            if !text.is_empty() {
                                self.text(text, out);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
        if let Some(refusal) = delta.refusal.filter(|text| !text.is_empty()) {
            self.refused = true;
            self.text(refusal, out);
        }
        for piece in delta.tool_calls.into_iter().flatten() {
            self.piece(piece).map_err(|reason| self.broken(reason))?;
        }
        Ok(())
    }

    fn text(&mut self, text: String, out: &mut Vec<ModelEvent>) {
        self.has_text = true;
        out.push(ModelEvent::Text(text));
    }

    fn piece(&mut self, piece: Piece) -> Result<(), &'static str> {
        let (name, arguments) = match piece.function {
            Some(function) => (function.name.unwrap_or_default(), function.arguments.map(Content::into_json)),
            None => (String::new(), None),
        };
        let id = piece.id.unwrap_or_default();
        // A call is known by its index. Some servers leave it out, and some give every call the index 0 and a new id.
        let known = match piece.index {
            Some(index) => self.calls.find(index),
            None if id.is_empty() => self.calls.last(),
            None => self.calls.last().filter(|call| call.id == id),
        };
        let call = match known {
            Some(call) if id.is_empty() || name.is_empty() || call.id.is_empty() || call.id == id => call,
            _ => {
                let index = piece.index.unwrap_or_else(|| self.calls.iter().count() as u64);
                self.calls.begin(index)?
            }
        };
        if call.id.is_empty() {
            call.id = id;
        }
        if call.name.is_empty() {
            call.name = name;
        }
        let index = call.index;
        if let Some(extra) = piece.extra_content.filter(|extra| !extra.is_null()) {
            let id = call.id.clone();
            if self.fits(&extra) {
                self.extras.insert(id, extra);
            }
        }
        self.calls.add(index, arguments.as_deref().unwrap_or_default())
    }

    /// OpenRouter's proof of thinking comes in pieces of one sequence; text pieces of the same entry are joined.
    fn detail(&mut self, detail: Value) {
        if !self.fits(&detail) {
            return;
        }
        let Value::Object(mut detail) = detail else { return };
        if let Some(Value::Object(last)) = self.details.last_mut()
            && last.get("index").is_some_and(|index| Some(index) == detail.get("index"))
            && last.get("type") == detail.get("type")
        {
            for key in ["text", "summary", "data"] {
                if let (Some(Value::String(before)), Some(Value::String(more))) = (last.get_mut(key), detail.get(key)) {
                    before.push_str(more);
                    detail.remove(key);
                }
            }
            for (key, value) in detail {
                if !value.is_null() {
                    last.insert(key, value);
                }
            }
            return;
        }
        self.details.push(Value::Object(detail));
    }

    fn fits(&mut self, value: &Value) -> bool {
        self.state_bytes += value.to_string().len();
        self.state_bytes <= MOST_STATE_BYTES
    }

    fn end(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let Some(reason) = self.reason.take() else {
            return Err(self.broken("it ended without a finish reason"));
        };
        let reason = match reason.as_str() {
            "length" | "max_tokens" => StopReason::Length,
            "content_filter" => StopReason::Refused,
            "error" => return Err(self.broken("the provider stopped with an error")),
            _ if !self.calls.is_empty() => StopReason::Calls,
            "tool_calls" | "function_call" if !self.has_text => {
                return Err(self.broken("it stopped for calls and named none"));
            }
            _ if self.refused => StopReason::Refused,
            _ => StopReason::End,
        };
        self.finished = true;
        out.extend(self.state().map(ModelEvent::ThinkingState));
        out.extend(self.calls.take().map(ModelEvent::Call));
        out.extend(self.usage.map(ModelEvent::Usage));
        out.push(ModelEvent::Finished { reason, model: self.model.take() });
        Ok(())
    }

    fn state(&mut self) -> Option<Value> {
        let mut state = Map::new();
        if !self.details.is_empty() {
            state.insert("reasoning_details".into(), Value::Array(std::mem::take(&mut self.details)));
        }
        if !self.extras.is_empty() {
            state.insert("extra_content".into(), Value::Object(std::mem::take(&mut self.extras)));
        }
        if !self.thinking.is_empty() && !self.calls.is_empty() {
            state.insert("reasoning_content".into(), json!(std::mem::take(&mut self.thinking)));
        }
        (!state.is_empty() && self.state_bytes <= MOST_STATE_BYTES).then_some(Value::Object(state))
    }

    fn broken(&self, detail: &str) -> ModelError {
        broken(&self.provider, detail)
    }
}

impl Content {
    fn into_text(self) -> String {
        match self {
            Content::Text(text) => text,
            Content::Other(value) => text_of(&value),
        }
    }

    fn into_json(self) -> String {
        match self {
            Content::Text(text) => text,
            Content::Other(Value::Null) => String::new(),
            Content::Other(value) => value.to_string(),
        }
    }
}

/// The text in a part, or in a list of parts.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text_of).collect(),
        Value::Object(part) => part.get("text").map(text_of).unwrap_or_default(),
        _ => String::new(),
    }
}
