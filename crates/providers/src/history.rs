//! What was said, brought into a shape every dialect accepts.
//!
//! A stored history is not always one a provider takes: turns were cut off, models were changed in the middle, a model made
//! up a tool's name. Here: it starts with the person and ends with something to answer, equal roles in a row are one
//! message, every call has exactly one result right behind it, names and ids of calls are ones every dialect allows,
//! arguments are a JSON object, proofs of thinking go back only where they came from.

use base64::{Engine, prelude::BASE64_STANDARD};
use majordomo_domain::{CallResult, Message, NoticeKind, Part, Role};
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, collections::HashSet, sync::Arc};

#[derive(Debug, PartialEq)]
pub(crate) enum Block<'a> {
    User(Vec<Said<'a>>),
    Assistant(Vec<Spoken<'a>>),
    /// Follows the assistant's block with the calls, in their order.
    Results(Vec<Answered<'a>>),
}

/// A piece of what a person said.
#[derive(Debug, PartialEq)]
pub(crate) enum Said<'a> {
    Text(Cow<'a, str>),
    /// A picture of a kind every dialect reads, in base64.
    Image {
        media_type: &'a str,
        data: &'a str,
    },
    /// A PDF in base64.
    Pdf {
        name: &'a str,
        data: &'a str,
    },
}

/// A piece of what a model said.
#[derive(Debug, PartialEq)]
pub(crate) enum Spoken<'a> {
    Text(&'a str),
    /// Proof of thinking, this provider's own.
    State(&'a Value),
    Call(Called<'a>),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Called<'a> {
    pub id: Cow<'a, str>,
    /// As the model gave it.
    pub own_id: &'a str,
    pub name: Cow<'a, str>,
    /// A JSON object.
    pub arguments: &'a str,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Answered<'a> {
    pub id: Cow<'a, str>,
    pub text: Cow<'a, str>,
    pub is_error: bool,
}

/// Which ids of calls a provider takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallIds {
    /// Letters, digits, `_` and `-`, at most 64.
    #[default]
    Any,
    /// Exactly nine letters or digits.
    Nine,
}

/// What a call reads as whose result was lost: the program stopped, or a person did.
const NO_RESULT: &str = "no result: the call was not finished";

pub(crate) fn blocks<'a>(messages: &'a [Arc<Message>], provider: &str, ids: CallIds) -> Vec<Block<'a>> {
    let mut blocks: Vec<Block<'a>> = Vec::with_capacity(messages.len() + 1);
    let mut names = Names { ids, used: HashSet::new(), given: 0 };
    let start = messages.iter().position(|message| message.role == Role::User).unwrap_or(messages.len());
    let messages = &messages[start..];
    for (place, message) in messages.iter().enumerate() {
        match message.role {
            Role::User => {
                let said = message.parts.iter().filter_map(said);
                match blocks.last_mut() {
                    Some(Block::User(before)) => before.extend(said),
                    _ => blocks.push(Block::User(said.collect())),
                }
            }
            Role::Assistant => {
                let rest = &messages[place + 1..];
                let (spoken, results) = spoken(message, rest, provider, &mut names);
                if spoken.is_empty() {
                    continue;
                }
                match blocks.last_mut() {
                    Some(Block::Assistant(before)) => before.extend(spoken),
                    _ => blocks.push(Block::Assistant(spoken)),
                }
                if !results.is_empty() {
                    blocks.push(Block::Results(results));
                }
            }
            // Taken together with the calls they answer; one without its call is left out.
            Role::Tool => {}
        }
    }
    blocks.retain(|block| !matches!(block, Block::User(said) if said.is_empty()));
    if matches!(blocks.first(), Some(Block::Assistant(_))) {
        blocks.insert(0, Block::User(vec![Said::Text("…".into())]));
    }
    if matches!(blocks.last(), None | Some(Block::Assistant(_))) {
        blocks.push(Block::User(vec![Said::Text("Please go on.".into())]));
    }
    blocks
}

fn said(part: &Part) -> Option<Said<'_>> {
    match part {
        Part::Text { text } if text.trim().is_empty() => None,
        Part::Text { text } => Some(Said::Text(text.into())),
        Part::Image { media_type, data } => match media_type.as_str() {
            "image/png" | "image/jpeg" | "image/gif" | "image/webp" => Some(Said::Image { media_type, data }),
            other => Some(Said::Text(format!("[a picture of type {other}, which cannot be shown here]").into())),
        },
        Part::File { name, media_type, data } => Some(file(name, media_type, data)),
        Part::Notice(notice) => Some(Said::Text(notice.text.as_str().into())),
        Part::Thinking { .. } | Part::Call(_) | Part::Result(_) => None,
    }
}

/// Text is read to the model, a PDF is handed over, anything else is only named.
fn file<'a>(name: &'a str, media_type: &'a str, data: &'a str) -> Said<'a> {
    let is_text = media_type.starts_with("text/")
        || matches!(media_type, "application/json" | "application/xml" | "application/yaml" | "application/toml");
    if media_type == "application/pdf" {
        return Said::Pdf { name, data };
    }
    let text = match is_text {
        true => BASE64_STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok()),
        false => None,
    };
    match text {
        Some(text) => Said::Text(format!("File {name}:\n\n{text}").into()),
        None => Said::Text(format!("[the file {name} of type {media_type}, which cannot be read here]").into()),
    }
}

fn spoken<'a>(
    message: &'a Message,
    rest: &'a [Arc<Message>],
    provider: &str,
    names: &mut Names<'a>,
) -> (Vec<Spoken<'a>>, Vec<Answered<'a>>) {
    let mut spoken = Vec::with_capacity(message.parts.len());
    let mut results = Vec::new();
    let mut own_ids: Vec<&str> = Vec::new();
    let mut has_words = false;
    for part in &message.parts {
        match part {
            Part::Text { text } if !text.trim().is_empty() => {
                has_words = true;
                spoken.push(Spoken::Text(text));
            }
            Part::Notice(notice) if notice.kind != NoticeKind::Fallback && !notice.text.trim().is_empty() => {
                has_words = true;
                spoken.push(Spoken::Text(&notice.text));
            }
            Part::Thinking { dialect: Some(from), state: Some(state), .. } if from == provider => {
                spoken.push(Spoken::State(state));
            }
            Part::Call(call) if !own_ids.contains(&call.id.as_str()) => {
                has_words = true;
                own_ids.push(&call.id);
                let id = names.id(&call.id);
                let (text, is_error) = match result(rest, &call.id) {
                    Some(result) => (result.as_read(), result.is_error),
                    None => (NO_RESULT.into(), true),
                };
                results.push(Answered { id: id.clone(), text, is_error });
                spoken.push(Spoken::Call(Called {
                    id,
                    own_id: &call.id,
                    name: tool_name(&call.name),
                    arguments: object(&call.arguments),
                }));
            }
            _ => {}
        }
    }
    // Thinking that led to nothing is no message.
    if !has_words {
        spoken.clear();
    }
    (spoken, results)
}

/// The first result of a call before the model speaks again. Ids repeat in some providers' histories, so one from a later
/// step is not it.
fn result<'a>(rest: &'a [Arc<Message>], id: &str) -> Option<&'a CallResult> {
    rest.iter().take_while(|message| message.role != Role::Assistant).find_map(|message| {
        message.parts.iter().find_map(|part| match part {
            Part::Result(result) if message.role == Role::Tool && result.call_id == id => Some(result),
            _ => None,
        })
    })
}

/// Ids unique over the history, the model's own wherever that is allowed. Depends only on what came before, so a longer
/// history begins with the same bytes.
struct Names<'a> {
    ids: CallIds,
    used: HashSet<Cow<'a, str>>,
    given: u32,
}

impl<'a> Names<'a> {
    fn id(&mut self, own: &'a str) -> Cow<'a, str> {
        let allowed = match self.ids {
            CallIds::Any => {
                (1..=64).contains(&own.len())
                    && own.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            }
            CallIds::Nine => own.len() == 9 && own.bytes().all(|b| b.is_ascii_alphanumeric()),
        };
        if allowed && self.used.insert(own.into()) {
            return own.into();
        }
        loop {
            self.given += 1;
            let id: Cow<'_, str> = match self.ids {
                CallIds::Any => format!("call_{:04}", self.given).into(),
                CallIds::Nine => format!("call{:05}", self.given).into(),
            };
            if self.used.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// A name as every dialect allows it; models make up others.
fn tool_name(name: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if (1..=64).contains(&name.len()) && name.chars().all(fits) {
        return name.into();
    }
    let mended: String = name.chars().take(64).map(|c| if fits(c) { c } else { '_' }).collect();
    if mended.is_empty() { "unknown".into() } else { mended.into() }
}

/// The arguments when they are a JSON object. Others reached the tool's parser as written, and its complaint is in the
/// result; sent back as they are, some servers refuse the whole history.
fn object(arguments: &str) -> &str {
    match serde_json::from_str::<&RawValue>(arguments) {
        Ok(value) if value.get().starts_with('{') => value.get(),
        _ => "{}",
    }
}
