//! Reads the answer, event by event or whole. Pure: events in, events out.

use crate::{
    calls::Calls,
    failure::{Complaint, broken},
};
use majordomo_domain::{ModelError, ModelEvent, StopReason, Usage};
use majordomo_upstream::ServerEvent;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, collections::HashSet, sync::Arc};

pub(crate) struct Decoder {
    provider: Arc<str>,
    calls: Calls,
    /// Items whose text came piece by piece, so that it is not given twice.
    spoken: HashSet<u64>,
    /// Proof of thinking was given on.
    thought: bool,
    refused: bool,
    finished: bool,
}

/// Any event: each has a type and some of the rest. What may be long and is seldom needed stays unparsed.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(default)]
    arguments: Option<String>,
    #[serde(default, borrow)]
    item: Option<&'a RawValue>,
    #[serde(default, borrow)]
    response: Option<&'a RawValue>,
}

/// A string wherever we read it; audio and others send something else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Delta {
    Text(String),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    incomplete_details: Option<Value>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    output: Option<Vec<Value>>,
}

impl Decoder {
    pub fn new(provider: Arc<str>) -> Self {
        Self {
            provider,
            calls: Calls::default(),
            spoken: HashSet::new(),
            thought: false,
            refused: false,
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
        let index = read.output_index.unwrap_or(0);
        let delta = match read.delta {
            Some(Delta::Text(text)) => text,
            Some(Delta::Other(_)) | None => String::new(),
        };
        match &*read.kind {
            "response.output_text.delta" => self.text(index, delta, out),
            "response.refusal.delta" => {
                self.refused = true;
                self.text(index, delta, out);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" if !delta.is_empty() => {
                out.push(ModelEvent::Thinking(delta));
            }
            "response.output_item.added" => self.begun(index, &self.parse(read.item)?)?,
            "response.function_call_arguments.delta" => {
                self.calls.add(index, &delta).map_err(|reason| self.broken(reason))?;
            }
            "response.function_call_arguments.done" => self.replace(index, read.arguments)?,
            "response.output_item.done" => {
                let item = self.parse(read.item)?;
                self.item(index, item, out)?;
            }
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                let response = read.response.ok_or_else(|| self.broken("its last event is empty"))?;
                let response = serde_json::from_str(response.get())
                    .map_err(|_| self.broken("its last event is not JSON of this dialect"))?;
                self.end(response, out)?;
            }
            "error" => {
                let complaint: Value = serde_json::from_str(data).unwrap_or_default();
                return Err(Complaint::read(&complaint).into_error(&self.provider));
            }
            // Created, in progress, parts added and done, annotations, and whatever comes to be.
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
        let response: Response =
            serde_json::from_slice(body).map_err(|_| self.broken("it is not JSON of this dialect"))?;
        if response.output.is_none() && response.error.is_none() {
            return Err(self.broken("it is not an answer of this dialect"));
        }
        self.end(response, out)
    }

    fn text(&mut self, index: u64, text: String, out: &mut Vec<ModelEvent>) {
        if text.is_empty() {
            return;
        }
        // Bounded: a stream holds no more items than we would read calls; past that an item may be given twice.
        if self.spoken.len() < 1_000 {
            self.spoken.insert(index);
        }
        out.push(ModelEvent::Text(text));
    }

    fn begun(&mut self, index: u64, item: &Value) -> Result<(), ModelError> {
        if kind(item) != "function_call" {
            return Ok(());
        }
        let id = string(item, "call_id");
        let call = match self.calls.begin(index) {
            Ok(call) => call,
            Err(reason) => return Err(broken(&self.provider, reason)),
        };
        call.id = if id.is_empty() { string(item, "id") } else { id };
        call.name = string(item, "name");
        Ok(())
    }

    /// The whole arguments stand in the event that ends them; they count, whatever the pieces gave.
    fn replace(&mut self, index: u64, arguments: Option<String>) -> Result<(), ModelError> {
        let Some(arguments) = arguments.filter(|arguments| !arguments.is_empty()) else { return Ok(()) };
        if arguments.len() > crate::calls::MOST_ARGUMENT_BYTES {
            return Err(self.broken("the arguments of its calls are longer than 1 MiB"));
        }
        if let Some(call) = self.calls.find(index).filter(|call| !call.done) {
            call.arguments = arguments;
        }
        Ok(())
    }

    /// An item that is whole.
    fn item(&mut self, index: u64, item: Value, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        match kind(&item) {
            "function_call" => {
                if self.calls.find(index).is_none() {
                    self.begun(index, &item)?;
                }
                let arguments = item.get("arguments").and_then(Value::as_str).map(str::to_owned);
                self.replace(index, arguments)?;
                out.extend(self.calls.take_one(index).map(ModelEvent::Call));
            }
            // Without its encrypted content the provider cannot read it again.
            "reasoning" if item.get("encrypted_content").is_some_and(Value::is_string) => {
                self.thought = true;
                out.push(ModelEvent::ThinkingState(item));
            }
            "message" if !self.spoken.contains(&index) => {
                for part in item.get("content").and_then(Value::as_array).into_iter().flatten() {
                    let refusal = string(part, "refusal");
                    self.refused |= !refusal.is_empty();
                    let text = if refusal.is_empty() { string(part, "text") } else { refusal };
                    self.text(index, text, out);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, response: Response, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if let Some(error) = response.error.filter(|error| !error.is_null()) {
            return Err(Complaint::read(&error).into_error(&self.provider));
        }
        let reason = match response.status.as_deref() {
            // Some gateways leave the status out of an answer that came whole.
            Some("completed") | None => None,
            Some("incomplete") => {
                let why = response.incomplete_details.as_ref().map(|details| string(details, "reason"));
                Some(if why.as_deref() == Some("content_filter") { StopReason::Refused } else { StopReason::Length })
            }
            Some(_) => return Err(self.broken("the provider gave it up")),
        };
        // What was not given yet: all of an answer that came whole, as a rule nothing of one that was streamed.
        let (has_spoken, has_thought) = (!self.spoken.is_empty(), self.thought);
        for (index, item) in response.output.into_iter().flatten().enumerate() {
            let given = match kind(&item) {
                "function_call" => {
                    let id = string(&item, "call_id");
                    self.calls.iter().any(|call| call.id == id || call.done_id == id)
                }
                "message" => has_spoken,
                "reasoning" => has_thought,
                _ => true,
            };
            if !given {
                self.item(index as u64, item, out)?;
            }
        }
        out.extend(self.calls.take().map(ModelEvent::Call));
        out.extend(response.usage.as_ref().and_then(usage).map(ModelEvent::Usage));
        let reason = match reason {
            Some(reason) => reason,
            None if !self.calls.is_empty() => StopReason::Calls,
            None if self.refused => StopReason::Refused,
            None => StopReason::End,
        };
        self.finished = true;
        out.push(ModelEvent::Finished { reason, model: response.model.filter(|model| !model.is_empty()) });
        Ok(())
    }

    fn parse(&self, item: Option<&RawValue>) -> Result<Value, ModelError> {
        let item = item.map(|item| serde_json::from_str(item.get()));
        item.transpose().map(Option::unwrap_or_default).map_err(|_| self.broken("an item of it is not JSON"))
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

fn usage(usage: &Value) -> Option<Usage> {
    let input_tokens = usage.get("input_tokens")?.as_u64()?;
    let output_tokens = usage.get("output_tokens")?.as_u64()?;
    let cached = usage.pointer("/input_tokens_details/cached_tokens").and_then(Value::as_u64).unwrap_or(0);
    (input_tokens > 0).then(|| Usage {
        input_tokens,
        cached_input_tokens: cached.min(input_tokens),
        output_tokens,
        estimated: false,
    })
}

fn kind(item: &Value) -> &str {
    item.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn string(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
