//! Reads the answer, event by event or whole. Pure: events in, events out.

use crate::{
    calls::Calls,
    failure::{Complaint, broken},
};
use majordomo_domain::{ModelError, ModelEvent, StopReason, Usage};
use majordomo_upstream::ServerEvent;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use std::{borrow::Cow, sync::Arc};

/// What is kept of one block of thinking, with its signature. Bytes.
const MOST_THINKING_BYTES: usize = 1024 * 1024;

pub(crate) struct Decoder {
    provider: Arc<str>,
    calls: Calls,
    /// The block of thinking being read: its number, text and signature.
    thinking: Option<(u64, String, String)>,
    counted: Counted,
    reason: Option<String>,
    model: Option<String>,
    finished: bool,
}

/// Token counts as last said; later events repeat or correct earlier ones.
#[derive(Default)]
struct Counted {
    fresh: Option<u64>,
    written: u64,
    cached: u64,
    output: Option<u64>,
    nonsense: bool,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: Option<u64>,
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    content_block: Option<Value>,
    #[serde(default, borrow)]
    message: Option<&'a RawValue>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default)]
    partial_json: Option<String>,
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    content: Option<Vec<Value>>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

impl Decoder {
    pub fn new(provider: Arc<str>) -> Self {
        Self {
            provider,
            calls: Calls::default(),
            thinking: None,
            counted: Counted::default(),
            reason: None,
            model: None,
            finished: false,
        }
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    pub fn push(&mut self, event: &ServerEvent, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let data = event.data.trim();
        if self.finished || data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let read: Event<'_> = match serde_json::from_str(data) {
            Ok(read) => read,
            Err(_) => return Err(self.not_an_event(data)),
        };
        let index = read.index.unwrap_or(0);
        match &*read.kind {
            "message_start" => {
                let message = read.message.map_or("{}", RawValue::get);
                let message: Message = serde_json::from_str(message)
                    .map_err(|_| self.broken("its first event is not JSON of this dialect"))?;
                self.model = message.model.filter(|model| !model.is_empty());
                self.counted.read(message.usage.as_ref());
            }
            "content_block_start" => {
                let block = read.content_block.unwrap_or_default();
                self.begin(index, block, out)?;
            }
            "content_block_delta" => {
                if let Some(delta) = read.delta {
                    self.delta(index, delta, out)?;
                }
            }
            "content_block_stop" => self.stop(index, out),
            "message_delta" => {
                self.counted.read(read.usage.as_ref());
                if let Some(reason) = read.delta.and_then(|delta| delta.stop_reason) {
                    self.reason = Some(reason);
                }
            }
            "message_stop" => self.end(out)?,
            "error" => {
                return Err(Complaint::read(&read.error.unwrap_or_default()).into_error(&self.provider));
            }
            // Pings, and whatever comes to be.
            _ => {}
        }
        Ok(())
    }

    pub fn finish(&mut self, _: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        match self.finished {
            true => Ok(()),
            false => Err(self.broken("it ended without its last event")),
        }
    }

    /// An answer that came whole.
    pub fn whole(&mut self, body: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let message: Message =
            serde_json::from_slice(body).map_err(|_| self.broken("it is not JSON of this dialect"))?;
        if let Some(error) = message.error {
            return Err(Complaint::read(&error).into_error(&self.provider));
        }
        self.model = message.model.filter(|model| !model.is_empty());
        self.counted.read(message.usage.as_ref());
        self.reason = message.stop_reason;
        for (index, block) in message.content.into_iter().flatten().enumerate() {
            self.begin(index as u64, block, out)?;
            self.stop(index as u64, out);
        }
        self.end(out)
    }

    fn begin(&mut self, index: u64, block: Value, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        match text("type").as_str() {
            "text" if !text("text").is_empty() => out.push(ModelEvent::Text(text("text"))),
            "thinking" => {
                let thought = text("thinking");
                if !thought.is_empty() {
                    out.push(ModelEvent::Thinking(thought.clone()));
                }
                self.thinking = Some((index, thought, text("signature")));
            }
            "redacted_thinking" => {
                out.push(ModelEvent::ThinkingState(json!({"type": "redacted_thinking", "data": text("data")})));
            }
            "tool_use" => {
                let (id, name) = (text("id"), text("name"));
                // Empty at the start of a stream, whole in an answer that came whole.
                let input = block.get("input").and_then(Value::as_object).filter(|input| !input.is_empty());
                let input = input.map(|input| serde_json::to_string(input).unwrap_or_default());
                let call = match self.calls.begin(index) {
                    Ok(call) => call,
                    Err(reason) => return Err(broken(&self.provider, reason)),
                };
                call.id = id;
                call.name = name;
                self.calls.add(index, &input.unwrap_or_default()).map_err(|reason| self.broken(reason))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn delta(&mut self, index: u64, delta: Delta, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if let Some(text) = delta.text.filter(|text| !text.is_empty()) {
            out.push(ModelEvent::Text(text));
        }
        if let Some(thought) = delta.thinking.filter(|text| !text.is_empty()) {
            if let Some((open, text, _)) = &mut self.thinking
                && *open == index
            {
                if text.len() + thought.len() > MOST_THINKING_BYTES {
                    return Err(self.broken("a block of its thinking is longer than 1 MiB"));
                }
                text.push_str(&thought);
            }
            out.push(ModelEvent::Thinking(thought));
        }
        if let (Some(piece), Some((open, _, signature))) = (delta.signature, &mut self.thinking)
            && *open == index
            && signature.len() + piece.len() <= MOST_THINKING_BYTES
        {
            signature.push_str(&piece);
        }
        if let Some(piece) = delta.partial_json {
            self.calls.add(index, &piece).map_err(|reason| self.broken(reason))?;
        }
        Ok(())
    }

    fn stop(&mut self, index: u64, out: &mut Vec<ModelEvent>) {
        if self.thinking.as_ref().is_some_and(|(open, ..)| *open == index)
            && let Some((_, thinking, signature)) = self.thinking.take()
            && !signature.is_empty()
        {
            let state = json!({"type": "thinking", "thinking": thinking, "signature": signature});
            out.push(ModelEvent::ThinkingState(state));
        }
        out.extend(self.calls.take_one(index).map(ModelEvent::Call));
    }

    fn end(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let reason = match self.reason.as_deref() {
            Some("end_turn" | "stop_sequence" | "pause_turn") if self.calls.is_empty() => StopReason::End,
            Some("tool_use") if self.calls.is_empty() => {
                return Err(self.broken("it stopped for calls and named none"));
            }
            Some("max_tokens" | "model_context_window_exceeded") => StopReason::Length,
            Some("refusal") => StopReason::Refused,
            Some(_) if !self.calls.is_empty() => StopReason::Calls,
            Some(_) => StopReason::End,
            None => return Err(self.broken("it ended without a stop reason")),
        };
        self.finished = true;
        out.extend(self.calls.take().map(ModelEvent::Call));
        out.extend(self.counted.usage().map(ModelEvent::Usage));
        out.push(ModelEvent::Finished { reason, model: self.model.take() });
        Ok(())
    }

    /// Gateways complain in the shapes of other dialects.
    fn not_an_event(&self, data: &str) -> ModelError {
        match serde_json::from_str::<Value>(data) {
            Ok(value) if value.get("error").is_some() => Complaint::read(&value).into_error(&self.provider),
            _ => self.broken("a piece of it is not JSON of this dialect"),
        }
    }

    fn broken(&self, detail: &str) -> ModelError {
        broken(&self.provider, detail)
    }
}

impl Counted {
    fn read(&mut self, usage: Option<&Value>) {
        let mut number = |key: &str| {
            let value = usage?.get(key).filter(|value| !value.is_null())?;
            self.nonsense |= value.as_u64().is_none();
            value.as_u64()
        };
        let (fresh, output) = (number("input_tokens"), number("output_tokens"));
        let (written, cached) = (number("cache_creation_input_tokens"), number("cache_read_input_tokens"));
        self.fresh = fresh.or(self.fresh);
        self.output = output.or(self.output);
        self.written = written.unwrap_or(self.written);
        self.cached = cached.unwrap_or(self.cached);
    }

    /// Here the three kinds of input are counted apart; ours is their sum.
    fn usage(&self) -> Option<Usage> {
        let input_tokens = self.fresh?.saturating_add(self.written).saturating_add(self.cached);
        let usage =
            Usage { input_tokens, cached_input_tokens: self.cached, output_tokens: self.output?, estimated: false };
        (!self.nonsense && input_tokens > 0).then_some(usage)
    }
}
