//! Three ways to say the same: reading a request of any dialect into one [`Conversation`], refusing what the vendors
//! refuse, and writing an answer as events or as a whole.

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    ChatCompletions,
    Responses,
    Messages,
}

impl Dialect {
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            "/v1/chat/completions" | "/chat/completions" => Some(Dialect::ChatCompletions),
            "/v1/responses" | "/responses" => Some(Dialect::Responses),
            "/v1/messages" | "/messages" => Some(Dialect::Messages),
            _ => None,
        }
    }

    /// The vendor's error body.
    pub(crate) fn error(self, status: u16, message: &str) -> Value {
        match self {
            Dialect::Messages => {
                let kind = match status {
                    400 | 413 => "invalid_request_error",
                    401 => "authentication_error",
                    403 => "permission_error",
                    404 => "not_found_error",
                    429 => "rate_limit_error",
                    529 => "overloaded_error",
                    _ => "api_error",
                };
                json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_standin"})
            }
            Dialect::ChatCompletions | Dialect::Responses => {
                let (kind, code) = match status {
                    401 => ("invalid_request_error", json!("invalid_api_key")),
                    404 => ("invalid_request_error", json!("model_not_found")),
                    429 => ("rate_limit_error", json!("rate_limit_exceeded")),
                    400..=499 => ("invalid_request_error", Value::Null),
                    _ => ("server_error", Value::Null),
                };
                json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
            }
        }
    }
}

/// Tokens of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// All input, cached tokens included.
    pub input: u64,
    pub cached: u64,
    pub output: u64,
}

/// A tool as the request offers it.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Turn {
    User(String),
    Assistant { text: String, calls: Vec<Made> },
    Result { call: String, text: String, is_error: bool },
}

/// A request, whatever its dialect.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) model: String,
    pub(crate) system: String,
    pub(crate) turns: Vec<Turn>,
    pub(crate) tools: Vec<Offered>,
    pub(crate) may_call: bool,
    pub(crate) stream: bool,
    /// Chat completions send usage in a stream only when asked.
    pub(crate) stream_usage: bool,
    pub(crate) input_characters: usize,
}

impl Conversation {
    /// The newest user message, as the person said it.
    pub(crate) fn question(&self) -> &str {
        self.turns
            .iter()
            .rev()
            .find_map(|turn| match turn {
                Turn::User(text) => Some(said(text)),
                Turn::Assistant { .. } | Turn::Result { .. } => None,
            })
            .unwrap_or_default()
    }

    /// Reads and checks. The error is the sentence of a 400.
    pub(crate) fn read(dialect: Dialect, body: &[u8], headers: &HeaderMap) -> Result<Self, String> {
        let request: Value =
            serde_json::from_slice(body).map_err(|_| "We could not parse the JSON body of your request.".to_owned())?;
        let request = request.as_object().ok_or("The body must be a JSON object.")?;
        let model = text_of(request, "model").ok_or("you must provide a model parameter")?;
        let mut conversation = Conversation {
            model: model.to_owned(),
            system: String::new(),
            turns: Vec::new(),
            tools: Vec::new(),
            may_call: true,
            stream: request.get("stream") == Some(&Value::Bool(true)),
            stream_usage: request.get("stream_options").is_some_and(|options| options["include_usage"] == true),
            input_characters: body.len(),
        };
        match dialect {
            Dialect::ChatCompletions => conversation.read_chat(request)?,
            Dialect::Responses => conversation.read_responses(request)?,
            Dialect::Messages => conversation.read_messages(request, headers)?,
        }
        conversation.check_tools()?;
        conversation.check_history(dialect)?;
        Ok(conversation)
    }

    fn read_chat(&mut self, request: &Map<String, Value>) -> Result<(), String> {
        let messages = list_of(request, "messages")?;
        for (index, message) in messages.iter().enumerate() {
            let content = content_text(&message["content"], index)?;
            match message["role"].as_str() {
                Some("system" | "developer") => push_line(&mut self.system, &content),
                Some("user") => self.turns.push(Turn::User(content)),
                Some("assistant") => {
                    let mut calls = Vec::new();
                    for call in message["tool_calls"].as_array().into_iter().flatten() {
                        let place = format!("messages[{index}].tool_calls");
                        if call["type"] != "function" {
                            return Err(format!("Invalid value for '{place}.type': supported values are: 'function'."));
                        }
                        calls.push(made(
                            &call["id"],
                            &call["function"]["name"],
                            &call["function"]["arguments"],
                            &place,
                        )?);
                    }
                    if message.get("tool_calls").is_some_and(|calls| calls.as_array().is_none_or(Vec::is_empty)) {
                        return Err(format!("Invalid 'messages[{index}].tool_calls': empty array."));
                    }
                    if calls.is_empty() && message["content"].is_null() {
                        return Err(format!(
                            "Invalid value for 'content' of messages[{index}]: expected a string, got null."
                        ));
                    }
                    self.turns.push(Turn::Assistant { text: content, calls });
                }
                Some("tool") => {
                    let call = message["tool_call_id"]
                        .as_str()
                        .ok_or_else(|| format!("Missing required parameter: 'messages[{index}].tool_call_id'."))?;
                    self.turns.push(Turn::Result { call: call.to_owned(), text: content, is_error: false });
                }
                role => {
                    let role = role.unwrap_or("null");
                    return Err(format!(
                        "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'tool', and 'developer'."
                    ));
                }
            }
        }
        for tool in request.get("tools").and_then(Value::as_array).into_iter().flatten() {
            if tool["type"] != "function" {
                return Err("Invalid value for 'tools[].type'.".to_owned());
            }
            self.offer(&tool["function"], "parameters");
        }
        self.may_call = request.get("tool_choice").is_none_or(|choice| choice != "none");
        Ok(())
    }

    fn read_responses(&mut self, request: &Map<String, Value>) -> Result<(), String> {
        push_line(&mut self.system, text_of(request, "instructions").unwrap_or_default());
        let input = request.get("input").ok_or("Missing required parameter: 'input'.")?;
        if let Some(text) = input.as_str() {
            self.turns.push(Turn::User(text.to_owned()));
        }
        for (index, item) in input.as_array().into_iter().flatten().enumerate() {
            match item.get("type").and_then(Value::as_str).unwrap_or("message") {
                "message" => {
                    let content = content_text(&item["content"], index)?;
                    match item["role"].as_str() {
                        Some("system" | "developer") => push_line(&mut self.system, &content),
                        Some("user") => self.turns.push(Turn::User(content)),
                        Some("assistant") => self.turns.push(Turn::Assistant { text: content, calls: Vec::new() }),
                        role => {
                            let role = role.unwrap_or("null");
                            return Err(format!(
                                "Invalid value: '{role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'."
                            ));
                        }
                    }
                }
                "function_call" => {
                    let call = made(&item["call_id"], &item["name"], &item["arguments"], &format!("input[{index}]"))?;
                    // Side by side calls are items one after another; together they are one assistant turn.
                    match self.turns.last_mut() {
                        Some(Turn::Assistant { calls, .. }) => calls.push(call),
                        _ => self.turns.push(Turn::Assistant { text: String::new(), calls: vec![call] }),
                    }
                }
                "function_call_output" => {
                    let call = item["call_id"].as_str().ok_or("Missing required parameter: 'call_id'.")?.to_owned();
                    let text = content_text(&item["output"], index)?;
                    self.turns.push(Turn::Result { call, text, is_error: false });
                }
                "reasoning" | "item_reference" => {}
                other => return Err(format!("Invalid value: '{other}' for 'input[{index}].type'.")),
            }
        }
        for tool in request.get("tools").and_then(Value::as_array).into_iter().flatten() {
            if tool["type"] != "function" {
                return Err("Invalid value for 'tools[].type'.".to_owned());
            }
            self.offer(tool, "parameters");
        }
        self.may_call = request.get("tool_choice").is_none_or(|choice| choice != "none");
        self.stream_usage = true;
        Ok(())
    }

    fn read_messages(&mut self, request: &Map<String, Value>, headers: &HeaderMap) -> Result<(), String> {
        if !headers.contains_key("anthropic-version") {
            return Err("anthropic-version: header is required".to_owned());
        }
        if request.get("max_tokens").and_then(Value::as_u64).is_none_or(|tokens| tokens == 0) {
            return Err("max_tokens: Field required".to_owned());
        }
        push_line(&mut self.system, &content_text(request.get("system").unwrap_or(&Value::Null), 0)?);
        for (index, message) in list_of(request, "messages")?.iter().enumerate() {
            let blocks = match &message["content"] {
                Value::String(text) => vec![json!({"type": "text", "text": text})],
                Value::Array(blocks) => blocks.clone(),
                _ => return Err(format!("messages.{index}.content: Input should be a valid list")),
            };
            let role = message["role"].as_str().unwrap_or("null");
            if blocks.is_empty() {
                return Err(format!("messages.{index}: all messages must have non-empty content"));
            }
            let (mut text, mut calls) = (String::new(), Vec::new());
            for block in &blocks {
                match (role, block["type"].as_str().unwrap_or_default()) {
                    ("user" | "assistant", "text") => {
                        let piece = block["text"].as_str().unwrap_or_default();
                        if piece.trim().is_empty() {
                            return Err("messages: text content blocks must be non-empty".to_owned());
                        }
                        // A summary shares its message with what is asked after it.
                        if role == "user" && text.starts_with(SUMMARY) {
                            self.turns.push(Turn::User(std::mem::take(&mut text)));
                        }
                        push_line(&mut text, piece);
                    }
                    ("user", "image" | "document") | ("assistant", "thinking" | "redacted_thinking") => {}
                    ("user", "tool_result") => {
                        if !text.is_empty() {
                            return Err(format!("messages.{index}: tool_result blocks must come before text"));
                        }
                        let call = block["tool_use_id"]
                            .as_str()
                            .ok_or_else(|| format!("messages.{index}.content: tool_use_id: Field required"))?;
                        self.turns.push(Turn::Result {
                            call: call.to_owned(),
                            text: content_text(&block["content"], index)?,
                            is_error: block["is_error"] == true,
                        });
                    }
                    ("assistant", "tool_use") => {
                        if !block["input"].is_object() {
                            return Err(format!(
                                "messages.{index}.content.tool_use.input: Input should be a valid dictionary"
                            ));
                        }
                        let arguments = Value::String(block["input"].to_string());
                        calls.push(made(&block["id"], &block["name"], &arguments, &format!("messages.{index}"))?);
                    }
                    ("user" | "assistant", kind) => {
                        return Err(format!("messages.{index}.content: Input tag '{kind}' is not expected here"));
                    }
                    _ => return Err(format!("messages.{index}.role: Input should be 'user' or 'assistant'")),
                }
            }
            match role {
                "assistant" => self.turns.push(Turn::Assistant { text, calls }),
                _ if text.is_empty() => {}
                _ => self.turns.push(Turn::User(text)),
            }
        }
        for tool in request.get("tools").and_then(Value::as_array).into_iter().flatten() {
            self.offer(tool, "input_schema");
        }
        self.may_call = request.get("tool_choice").is_none_or(|choice| choice["type"] != "none");
        self.stream_usage = true;
        Ok(())
    }

    fn offer(&mut self, tool: &Value, schema: &str) {
        let name = tool["name"].as_str().unwrap_or_default().to_owned();
        self.tools.push(Offered { name, schema: tool[schema].clone() });
    }

    fn check_tools(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for tool in &self.tools {
            let legal = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
            if tool.name.is_empty() || tool.name.len() > 64 || !tool.name.chars().all(legal) {
                return Err(format!("Invalid tool name '{}': expected to match '^[a-zA-Z0-9_-]{{1,64}}$'.", tool.name));
            }
            if !seen.insert(&tool.name) {
                return Err(format!("tools: Tool names must be unique: '{}'.", tool.name));
            }
            if !tool.schema.is_null() && tool.schema["type"] != "object" {
                return Err(format!("Invalid schema for function '{}': schema must be of type 'object'.", tool.name));
            }
        }
        Ok(())
    }

    /// The history starts with the user, and every call has exactly one result before anything else is said.
    fn check_history(&self, dialect: Dialect) -> Result<(), String> {
        match self.turns.first() {
            Some(Turn::User(_)) => {}
            Some(_) => return Err("messages: first message must use the \"user\" role".to_owned()),
            None => return Err("messages: at least one message is required".to_owned()),
        }
        let mut open: Vec<&str> = Vec::new();
        let mut seen = BTreeSet::new();
        let unanswered = |open: &[&str]| match dialect {
            Dialect::ChatCompletions => format!(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
                 The following tool_call_ids did not have response messages: {}",
                open.join(", ")
            ),
            Dialect::Responses => format!("No tool output found for function call {}.", open.join(", ")),
            Dialect::Messages => format!(
                "messages: `tool_use` ids were found without `tool_result` blocks immediately after: {}",
                open.join(", ")
            ),
        };
        for turn in &self.turns {
            match turn {
                Turn::Result { call, .. } => match open.iter().position(|id| id == call) {
                    Some(place) => {
                        open.remove(place);
                    }
                    None => {
                        return Err(match dialect {
                            Dialect::ChatCompletions => "messages with role 'tool' must be a response to a preceding \
                                                         message with 'tool_calls'."
                                .to_owned(),
                            Dialect::Responses => {
                                format!("No tool call found for function call output with call_id {call}.")
                            }
                            Dialect::Messages => {
                                format!("messages: unexpected `tool_use_id` found in `tool_result` blocks: {call}")
                            }
                        });
                    }
                },
                Turn::User(_) if !open.is_empty() => return Err(unanswered(&open)),
                Turn::User(_) => {}
                Turn::Assistant { calls, .. } => {
                    if !open.is_empty() {
                        return Err(unanswered(&open));
                    }
                    for call in calls {
                        if !seen.insert(call.id.as_str()) {
                            return Err(format!("messages: tool call ids must be unique: {}", call.id));
                        }
                        open.push(&call.id);
                    }
                }
            }
        }
        if open.is_empty() { Ok(()) } else { Err(unanswered(&open)) }
    }
}

fn text_of<'a>(request: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    request.get(name).and_then(Value::as_str)
}

fn list_of<'a>(request: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], String> {
    match request.get(name) {
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(format!("Invalid type for '{name}': expected an array of objects.")),
        None => Err(format!("Missing required parameter: '{name}'.")),
    }
}

fn made(id: &Value, name: &Value, arguments: &Value, place: &str) -> Result<Made, String> {
    let id =
        id.as_str().filter(|id| !id.is_empty()).ok_or_else(|| format!("Missing required parameter: '{place}.id'."))?;
    let name = name.as_str().ok_or_else(|| format!("Missing required parameter: '{place}.name'."))?;
    let text = arguments.as_str().ok_or_else(|| format!("Invalid type for '{place}.arguments': expected a string."))?;
    let arguments = serde_json::from_str(text).unwrap_or(Value::Null);
    Ok(Made { id: id.to_owned(), name: name.to_owned(), arguments })
}

/// The text of a content: a text, or parts of which the text ones count.
fn content_text(content: &Value, index: usize) -> Result<String, String> {
    match content {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => {
            let mut joined = String::new();
            for part in parts {
                match part["type"].as_str() {
                    Some("text" | "input_text" | "output_text" | "refusal") => {
                        push_line(&mut joined, part["text"].as_str().unwrap_or_default());
                    }
                    Some(
                        "image_url" | "input_image" | "input_file" | "file" | "input_audio" | "image" | "document",
                    ) => {}
                    kind => {
                        return Err(format!(
                            "Invalid value: '{}' for content of message {index}.",
                            kind.unwrap_or("null")
                        ));
                    }
                }
            }
            Ok(joined)
        }
        _ => Err(format!("Invalid type for content of message {index}: expected a string or a list.")),
    }
}

/// What stands over the assistant's own summary of old messages.
const SUMMARY: &str = "[Summary of the conversation so far]";

/// What a person said, without the lines the assistant writes in front: the day, as `[Saturday 2026-11-21 UTC]`, and the
/// mark of a summary.
pub(crate) fn said(text: &str) -> &str {
    let mut rest = text.trim_start();
    let mut in_facts = false;
    while let Some((line, after)) = rest.split_once('\n') {
        let line = line.trim_end();
        let is_day = line.starts_with('[') && line.ends_with(" UTC]");
        // What is remembered stands in lines of its own.
        let is_fact = in_facts && line.starts_with("- ");
        in_facts = is_fact || line.starts_with("[What is remembered");
        if !is_day && !in_facts && line != SUMMARY {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

fn push_line(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push('\n');
    }
    text.push_str(more);
}

/// What an answer consists of so far.
#[derive(Clone, Debug, PartialEq)]
enum Block {
    Thinking(String),
    Text(String),
    Call { id: String, name: String, arguments: String },
}

impl Block {
    fn item(&self, answer: &str, index: usize) -> Value {
        match self {
            Block::Thinking(text) => json!({
                "id": format!("rs_{answer}_{index}"), "type": "reasoning",
                "summary": [{"type": "summary_text", "text": text}], "encrypted_content": "c3RhbmQtaW4=",
            }),
            Block::Text(text) => json!({
                "id": format!("msg_{answer}_{index}"), "type": "message", "status": "completed", "role": "assistant",
                "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
            }),
            Block::Call { id, name, arguments } => json!({
                "id": format!("fc_{answer}_{index}"), "type": "function_call", "status": "completed",
                "call_id": id, "name": name, "arguments": arguments,
            }),
        }
    }
}

/// Writes one answer. Call it in order: `start`, any of the pieces, `finish`.
pub(crate) struct Writer {
    dialect: Dialect,
    model: String,
    answer: String,
    created: i64,
    stream_usage: bool,
    input: u64,
    blocks: Vec<Block>,
    sequence: u64,
}

impl Writer {
    pub(crate) fn new(
        dialect: Dialect,
        model: &str,
        number: u64,
        created: i64,
        stream_usage: bool,
        input: u64,
    ) -> Self {
        let (model, answer) = (model.to_owned(), format!("{number:08}"));
        Self { dialect, model, answer, created, stream_usage, input, blocks: Vec::new(), sequence: 0 }
    }

    /// Characters written, in tokens as they are usually guessed.
    pub(crate) fn output_tokens(&self) -> u64 {
        let characters: usize = self
            .blocks
            .iter()
            .map(|block| match block {
                Block::Thinking(text) | Block::Text(text) => text.len(),
                Block::Call { name, arguments, .. } => name.len() + arguments.len(),
            })
            .sum();
        (characters as u64).div_ceil(4)
    }

    pub(crate) fn start(&mut self) -> String {
        match self.dialect {
            Dialect::ChatCompletions => {
                self.chunk(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null)
            }
            Dialect::Responses => {
                let response = self.response("in_progress", &[], Value::Null);
                let created = self.event("response.created", json!({"response": response}));
                created + &self.event("response.in_progress", json!({"response": response}))
            }
            Dialect::Messages => {
                let message = json!({
                    "id": format!("msg_{}", self.answer), "type": "message", "role": "assistant", "model": self.model,
                    "content": [], "stop_reason": null, "stop_sequence": null,
                    "usage": {"input_tokens": self.input, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1},
                });
                let start = self.event("message_start", json!({"message": message}));
                start + &self.event("ping", json!({}))
            }
        }
    }

    pub(crate) fn text(&mut self, text: &str) -> String {
        let mut out = String::new();
        if !matches!(self.blocks.last(), Some(Block::Text(_))) {
            out += &self.close();
            self.blocks.push(Block::Text(String::new()));
            out += &self.open();
        }
        if let Some(Block::Text(whole)) = self.blocks.last_mut() {
            whole.push_str(text);
        }
        let index = self.blocks.len() - 1;
        out + &match self.dialect {
            Dialect::ChatCompletions => self.chunk(json!({"content": text}), Value::Null),
            Dialect::Responses => {
                let id = format!("msg_{}_{index}", self.answer);
                let fields =
                    json!({"item_id": id, "output_index": index, "content_index": 0, "delta": text, "logprobs": []});
                self.event("response.output_text.delta", fields)
            }
            Dialect::Messages => self
                .event("content_block_delta", json!({"index": index, "delta": {"type": "text_delta", "text": text}})),
        }
    }

    pub(crate) fn thinking(&mut self, text: &str) -> String {
        let mut out = String::new();
        if !matches!(self.blocks.last(), Some(Block::Thinking(_))) {
            out += &self.close();
            self.blocks.push(Block::Thinking(String::new()));
            out += &self.open();
        }
        if let Some(Block::Thinking(whole)) = self.blocks.last_mut() {
            whole.push_str(text);
        }
        let index = self.blocks.len() - 1;
        out + &match self.dialect {
            Dialect::ChatCompletions => self.chunk(json!({"reasoning_content": text}), Value::Null),
            Dialect::Responses => {
                let id = format!("rs_{}_{index}", self.answer);
                let fields = json!({"item_id": id, "output_index": index, "summary_index": 0, "delta": text});
                self.event("response.reasoning_summary_text.delta", fields)
            }
            Dialect::Messages => self.event(
                "content_block_delta",
                json!({"index": index, "delta": {"type": "thinking_delta", "thinking": text}}),
            ),
        }
    }

    /// A call whose arguments follow in pieces.
    pub(crate) fn call(&mut self, id: &str, name: &str, pieces: &[&str]) -> String {
        let mut out = self.close();
        self.blocks.push(Block::Call { id: id.to_owned(), name: name.to_owned(), arguments: String::new() });
        out += &self.open();
        let index = self.blocks.len() - 1;
        let number = self.blocks.iter().filter(|block| matches!(block, Block::Call { .. })).count() - 1;
        for piece in pieces {
            if let Some(Block::Call { arguments, .. }) = self.blocks.last_mut() {
                arguments.push_str(piece);
            }
            out += &match self.dialect {
                Dialect::ChatCompletions => {
                    let call = json!({"index": number, "function": {"arguments": piece}});
                    self.chunk(json!({"tool_calls": [call]}), Value::Null)
                }
                Dialect::Responses => {
                    let id = format!("fc_{}_{index}", self.answer);
                    let fields = json!({"item_id": id, "output_index": index, "delta": piece});
                    self.event("response.function_call_arguments.delta", fields)
                }
                Dialect::Messages => {
                    let delta = json!({"type": "input_json_delta", "partial_json": piece});
                    self.event("content_block_delta", json!({"index": index, "delta": delta}))
                }
            };
        }
        out
    }

    pub(crate) fn error(&mut self, message: &str) -> String {
        match self.dialect {
            Dialect::ChatCompletions => format!("data: {}\n\n", self.dialect.error(500, message)),
            Dialect::Responses => {
                let mut response = self.response("failed", &[], Value::Null);
                response["error"] = json!({"code": "server_error", "message": message});
                self.event("response.failed", json!({"response": response}))
            }
            Dialect::Messages => {
                self.event("error", json!({"error": {"type": "overloaded_error", "message": message}}))
            }
        }
    }

    pub(crate) fn finish(&mut self, reason: Option<&str>, usage: Usage) -> String {
        let mut out = self.close();
        let reason = self.reason(reason);
        match self.dialect {
            Dialect::ChatCompletions => {
                out += &self.chunk(json!({}), json!(reason));
                if self.stream_usage {
                    let mut chunk = self.chunk_object();
                    chunk["choices"] = json!([]);
                    chunk["usage"] = chat_usage(usage);
                    out += &format!("data: {chunk}\n\n");
                }
                out += "data: [DONE]\n\n";
            }
            Dialect::Responses => {
                let (status, event) = response_status(&reason);
                let response = self.response(status, &self.items(), response_usage(usage));
                out += &self.event(event, json!({"response": response}));
            }
            Dialect::Messages => {
                let fields = json!({
                    "delta": {"stop_reason": reason, "stop_sequence": null},
                    "usage": message_usage(usage),
                });
                out += &self.event("message_delta", fields);
                out += &self.event("message_stop", json!({}));
            }
        }
        out
    }

    /// The answer as one JSON object, for a request that did not ask for a stream.
    pub(crate) fn whole(&self, reason: Option<&str>, usage: Usage) -> Value {
        let reason = self.reason(reason);
        let text: String = self
            .blocks
            .iter()
            .filter_map(|block| if let Block::Text(text) = block { Some(text.as_str()) } else { None })
            .collect();
        let thinking: String = self
            .blocks
            .iter()
            .filter_map(|block| if let Block::Thinking(text) = block { Some(text.as_str()) } else { None })
            .collect();
        match self.dialect {
            Dialect::ChatCompletions => {
                let calls: Vec<Value> = self
                    .blocks
                    .iter()
                    .filter_map(|block| match block {
                        Block::Call { id, name, arguments } => Some(
                            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}),
                        ),
                        Block::Text(_) | Block::Thinking(_) => None,
                    })
                    .collect();
                let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { json!(text) };
                let mut message = json!({"role": "assistant", "content": content, "refusal": null, "annotations": []});
                if !calls.is_empty() {
                    message["tool_calls"] = json!(calls);
                }
                if !thinking.is_empty() {
                    message["reasoning_content"] = json!(thinking);
                }
                json!({
                    "id": format!("chatcmpl-{}", self.answer), "object": "chat.completion", "created": self.created,
                    "model": self.model, "usage": chat_usage(usage),
                    "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason}],
                })
            }
            Dialect::Responses => self.response(response_status(&reason).0, &self.items(), response_usage(usage)),
            Dialect::Messages => {
                let content: Vec<Value> = self
                    .blocks
                    .iter()
                    .map(|block| match block {
                        Block::Thinking(text) => json!({"type": "thinking", "thinking": text, "signature": SIGNATURE}),
                        Block::Text(text) => json!({"type": "text", "text": text}),
                        Block::Call { id, name, arguments } => {
                            let input = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
                            json!({"type": "tool_use", "id": id, "name": name, "input": Value::clone(&input)})
                        }
                    })
                    .collect();
                json!({
                    "id": format!("msg_{}", self.answer), "type": "message", "role": "assistant", "model": self.model,
                    "content": content, "stop_reason": reason, "stop_sequence": null, "usage": message_usage(usage),
                })
            }
        }
    }

    fn reason(&self, given: Option<&str>) -> String {
        let calls = self.blocks.iter().any(|block| matches!(block, Block::Call { .. }));
        let fitting = match (self.dialect, calls) {
            (Dialect::ChatCompletions, true) => "tool_calls",
            (Dialect::ChatCompletions, false) => "stop",
            (Dialect::Responses, _) => "completed",
            (Dialect::Messages, true) => "tool_use",
            (Dialect::Messages, false) => "end_turn",
        };
        given.unwrap_or(fitting).to_owned()
    }

    /// The opening of the newest block.
    fn open(&mut self) -> String {
        let index = self.blocks.len() - 1;
        let Some(block) = self.blocks.last().cloned() else { return String::new() };
        match (self.dialect, block) {
            (Dialect::ChatCompletions, Block::Call { id, name, .. }) => {
                let number = self.blocks.iter().filter(|block| matches!(block, Block::Call { .. })).count() - 1;
                let call =
                    json!({"index": number, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
                self.chunk(json!({"tool_calls": [call]}), Value::Null)
            }
            (Dialect::ChatCompletions, Block::Text(_) | Block::Thinking(_)) => String::new(),
            (Dialect::Responses, block) => {
                let mut item = block.item(&self.answer, index);
                item["status"] = json!("in_progress");
                match &block {
                    Block::Text(_) => item["content"] = json!([]),
                    Block::Thinking(_) => item["summary"] = json!([]),
                    Block::Call { .. } => {}
                }
                let id = item["id"].clone();
                let mut out = self.event("response.output_item.added", json!({"output_index": index, "item": item}));
                match block {
                    Block::Text(_) => {
                        let part = json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []});
                        let fields = json!({"item_id": id, "output_index": index, "content_index": 0, "part": part});
                        out += &self.event("response.content_part.added", fields);
                    }
                    Block::Thinking(_) => {
                        let part = json!({"type": "summary_text", "text": ""});
                        let fields = json!({"item_id": id, "output_index": index, "summary_index": 0, "part": part});
                        out += &self.event("response.reasoning_summary_part.added", fields);
                    }
                    Block::Call { .. } => {}
                }
                out
            }
            (Dialect::Messages, block) => {
                let content = match block {
                    Block::Thinking(_) => json!({"type": "thinking", "thinking": "", "signature": ""}),
                    Block::Text(_) => json!({"type": "text", "text": ""}),
                    Block::Call { id, name, .. } => json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
                };
                self.event("content_block_start", json!({"index": index, "content_block": content}))
            }
        }
    }

    /// The end of the newest block, if there is one.
    fn close(&mut self) -> String {
        let Some(block) = self.blocks.last().cloned() else { return String::new() };
        let index = self.blocks.len() - 1;
        match self.dialect {
            Dialect::ChatCompletions => String::new(),
            Dialect::Responses => {
                let item = block.item(&self.answer, index);
                let id = item["id"].clone();
                let mut out = String::new();
                match &block {
                    Block::Text(text) => {
                        let fields = json!({"item_id": id, "output_index": index, "content_index": 0, "text": text, "logprobs": []});
                        out += &self.event("response.output_text.done", fields);
                        let fields = json!({"item_id": id, "output_index": index, "content_index": 0, "part": item["content"][0]});
                        out += &self.event("response.content_part.done", fields);
                    }
                    Block::Thinking(text) => {
                        let fields = json!({"item_id": id, "output_index": index, "summary_index": 0, "text": text});
                        out += &self.event("response.reasoning_summary_text.done", fields);
                    }
                    Block::Call { name, arguments, .. } => {
                        let fields =
                            json!({"item_id": id, "output_index": index, "name": name, "arguments": arguments});
                        out += &self.event("response.function_call_arguments.done", fields);
                    }
                }
                out + &self.event("response.output_item.done", json!({"output_index": index, "item": item}))
            }
            Dialect::Messages => {
                let mut out = String::new();
                if matches!(block, Block::Thinking(_)) {
                    let delta = json!({"type": "signature_delta", "signature": SIGNATURE});
                    out += &self.event("content_block_delta", json!({"index": index, "delta": delta}));
                }
                out + &self.event("content_block_stop", json!({"index": index}))
            }
        }
    }

    fn items(&self) -> Vec<Value> {
        self.blocks.iter().enumerate().map(|(index, block)| block.item(&self.answer, index)).collect()
    }

    fn response(&self, status: &str, output: &[Value], usage: Value) -> Value {
        let incomplete = if status == "incomplete" { json!({"reason": "max_output_tokens"}) } else { Value::Null };
        json!({
            "id": format!("resp_{}", self.answer), "object": "response", "created_at": self.created, "status": status,
            "model": self.model, "output": output, "usage": usage, "error": null, "incomplete_details": incomplete,
            "instructions": null, "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto",
            "tools": [], "top_p": 1.0,
        })
    }

    fn chunk_object(&self) -> Value {
        json!({
            "id": format!("chatcmpl-{}", self.answer), "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "service_tier": "default", "system_fingerprint": null,
        })
    }

    fn chunk(&self, delta: Value, reason: Value) -> String {
        let mut chunk = self.chunk_object();
        chunk["choices"] = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]);
        format!("data: {chunk}\n\n")
    }

    fn event(&mut self, name: &str, mut fields: Value) -> String {
        fields["type"] = json!(name);
        if self.dialect == Dialect::Responses {
            fields["sequence_number"] = json!(self.sequence);
            self.sequence += 1;
        }
        format!("event: {name}\ndata: {fields}\n\n")
    }
}

/// Stands for the proof of thinking that has to come back unchanged.
const SIGNATURE: &str = "c3RhbmQtaW4gc2lnbmF0dXJl";

fn response_status(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "length" | "max_output_tokens" | "incomplete" => ("incomplete", "response.incomplete"),
        "failed" => ("failed", "response.failed"),
        _ => ("completed", "response.completed"),
    }
}

fn chat_usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

fn response_usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input, "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input + usage.output,
    })
}

/// Anthropic counts cached input beside, not inside, `input_tokens`.
fn message_usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input.saturating_sub(usage.cached), "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached, "output_tokens": usage.output,
    })
}
