//! What is said in a conversation, in a form every model dialect can send and every channel can draw.

use crate::{ApprovalId, Card, Label, MessageId, Millis, RequestId, TurnId, tool::UndoCall};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Who speaks in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person.
    User,
    /// The model: text, thinking and calls.
    Assistant,
    /// What calls returned. Holds only [`Part::Result`].
    Tool,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub turn: TurnId,
    /// Order within the conversation: turn ordinal × 1000 + place in the turn, so that a message that was queued
    /// behind a running turn still reads after that turn's answer.
    pub position: i64,
    pub role: Role,
    pub parts: Vec<Part>,
    /// When it was said. UTC.
    pub created_at_ms: Millis,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    Text {
        text: String,
    },
    /// A picture, base64 in `data`.
    Image {
        media_type: String,
        data: String,
    },
    /// A document, base64 in `data`.
    File {
        name: String,
        media_type: String,
        data: String,
    },
    /// What the model thought before speaking. `state` is the provider's opaque proof, sent back unchanged to the
    /// dialect named in `dialect` and to no other.
    Thinking {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dialect: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<serde_json::Value>,
    },
    Call(CallRequest),
    Result(CallResult),
    /// Something a person should see that no model said.
    Notice(Notice),
}

/// A call the model asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRequest {
    /// The model's own name for the call; ties the result to it.
    pub id: String,
    pub name: String,
    /// JSON text exactly as the model wrote it. May be malformed: the tool's parser decides.
    pub arguments: String,
}

/// What came back from a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallResult {
    pub call_id: String,
    pub name: String,
    /// What the tool said. Bounded.
    pub text: String,
    /// What it is read again by, such as `r3-1`; told to the model behind the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[serde(default)]
    pub is_error: bool,
    /// What a person sees instead of the text. Not sent to models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<Card>,
    #[serde(default)]
    pub duration_ms: u64,
    /// A person's line for the call, such as `Searching TMDb for “Metropolis”`.
    #[serde(default)]
    pub title: String,
    /// Where its words come from and whom they are for.
    #[serde(default, skip_serializing_if = "Label::is_plain")]
    pub label: Label,
    /// The call did not run: it waits for this approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalId>,
    /// What the call changed, as one sentence; only for calls that changed something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// How the change is taken back, as long as it can be. Arguments are not shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Box<UndoOffer>>,
    /// The call would change something, and nobody knows whether it has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncertain: bool,
}

impl CallResult {
    /// What the model reads: the text, and behind it the reference, where the text does not say it itself.
    pub fn as_read(&self) -> Cow<'_, str> {
        let text = if self.text.is_empty() { "(nothing)" } else { self.text.as_str() };
        match &self.reference {
            Some(reference) if !self.names_reference(reference) => format!("{text}\n[ref {reference}]").into(),
            Some(_) | None => text.into(),
        }
    }

    /// A cut text ends with how to read on.
    fn names_reference(&self, reference: &str) -> bool {
        let tail = self.text.floor_char_boundary(self.text.len().saturating_sub(160));
        self.text.ends_with(']') && self.text[tail..].contains(&format!("\"{reference}\""))
    }
}

/// A change may be taken back until then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UndoOffer {
    #[serde(flatten)]
    pub call: UndoCall,
    pub until_ms: Millis,
}

/// A remark by the house itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub kind: NoticeKind,
    /// One plain sentence for a person.
    pub text: String,
    /// What it is news of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

/// Something somebody had asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub request: RequestId,
    /// A picture's own name, as on a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

impl Notice {
    pub fn new(kind: NoticeKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), about: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A person stopped the turn.
    Cancelled,
    /// The turn reached its time limit.
    TimedOut,
    /// The turn reached its limit of steps, or repeated itself.
    Partial,
    /// The answer could not be made.
    Failed,
    /// Another model than the first choice answered.
    Fallback,
    /// Somebody decided about a call that waited, or nobody did in time.
    Decided,
    /// Something was changed: written from what the tools reported, not from what the model says.
    Receipt,
    /// The answer claims something that did not happen.
    Correction,
    /// Something somebody waited for has come about.
    News,
}

impl Message {
    /// The text a person reads, parts joined by blank lines. Notices included, calls and thinking left out.
    pub fn visible_text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            let piece = match part {
                Part::Text { text } => text.as_str(),
                Part::Notice(notice) if notice.kind != NoticeKind::Fallback => notice.text.as_str(),
                _ => continue,
            };
            if piece.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(piece);
        }
        text
    }

    /// Where a part's words come from, as far as the part itself tells. Attached pictures and documents are anybody's, and
    /// so is what a person quotes.
    pub fn label(&self) -> Label {
        self.parts.iter().fold(Label::OWN, |label, part| match part {
            Part::Image { .. } | Part::File { .. } => label.join(Label::OUTSIDE),
            Part::Result(result) => label.join(result.label),
            Part::Text { text } if self.role == Role::User && text.lines().any(is_quoted) => label.join(Label::OUTSIDE),
            _ => label,
        })
    }

    /// What the person of a message says themselves: typed text without the lines that quote somebody else.
    pub fn own_words(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.lines().filter(|line| !is_quoted(line))),
            _ => None,
        });
        texts.flatten().collect::<Vec<_>>().join("\n")
    }

    pub fn calls(&self) -> impl Iterator<Item = &CallRequest> {
        self.parts.iter().filter_map(|part| match part {
            Part::Call(call) => Some(call),
            _ => None,
        })
    }
}

/// A line that begins with `>` is somebody else's, as everywhere where people write.
fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

impl Part {
    pub fn text(text: impl Into<String>) -> Self {
        Part::Text { text: text.into() }
    }

    /// Length in bytes of what a model would read, for estimates.
    pub fn weight_bytes(&self) -> usize {
        match self {
            Part::Text { text } => text.len(),
            // Pictures and documents cost what the provider says; this is a middle value in bytes of text.
            Part::Image { .. } => 3_000,
            Part::File { data, .. } => data.len().min(40_000),
            Part::Thinking { .. } => 0,
            Part::Call(call) => call.name.len() + call.arguments.len() + 16,
            Part::Result(result) => result.text.len() + 16 + result.reference.as_ref().map_or(0, |r| r.len() + 7),
            Part::Notice(notice) => notice.text.len(),
        }
    }
}
