//! Answers written in advance: text in pieces, calls in pieces, waits, gates and faults.

use super::dialect::{Conversation, Turn, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One scripted answer and when it is given. As JSON for `POST /_script`, one or a list:
/// `{"pieces": [{"type": "text", "text": "Hello"}], "when": {"text": "hi"}, "times": 1}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    #[serde(default)]
    pub when: When,
    /// How often it is given. Once by default, for ever when `null`.
    #[serde(default = "once")]
    pub times: Option<u32>,
    #[serde(default)]
    pub pieces: Vec<Piece>,
    /// Instead of an answer: this status with the vendor's error body.
    #[serde(default)]
    pub refuse: Option<Refusal>,
    /// The stop reason in the dialect's own words, such as `length`. Fitting by default.
    #[serde(default)]
    pub finish: Option<String>,
    /// Instead of the estimate from the number of characters.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// The model that says it answered. The one asked for by default.
    #[serde(default)]
    pub model: Option<String>,
}

fn once() -> Option<u32> {
    Some(1)
}

/// Which requests an answer is for. Everything must hold; all requests when empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The newest user message contains this.
    pub text: Option<String>,
    /// The request ends with results of calls, or does not.
    pub after_results: Option<bool>,
    /// The model asked for.
    pub model: Option<String>,
}

impl When {
    pub(crate) fn holds(&self, conversation: &Conversation) -> bool {
        self.text.as_ref().is_none_or(|text| conversation.question().contains(text.as_str()))
            && self
                .after_results
                .is_none_or(|wanted| wanted == matches!(conversation.turns.last(), Some(Turn::Result { .. })))
            && self.model.as_ref().is_none_or(|model| *model == conversation.model)
    }
}

/// A piece of an answer, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Piece {
    Text {
        text: String,
    },
    Thinking {
        text: String,
    },
    /// A call. `arguments` as an object, or as a text that is sent as it is, however broken.
    Call {
        name: String,
        arguments: Value,
        #[serde(default)]
        id: Option<String>,
        /// How many pieces the arguments come in. 1 when absent.
        #[serde(default = "one")]
        pieces: usize,
    },
    Wait {
        ms: u64,
    },
    /// Nothing more until the gate of this name is opened.
    Gate {
        name: String,
    },
    /// These bytes in the stream as they are: comments, half lines, other events.
    Raw {
        text: String,
    },
    /// An error event in the dialect's own form; the stream ends after it.
    ErrorEvent {
        message: String,
    },
    /// The connection breaks.
    Cut,
    /// Nothing more ever comes.
    Silence,
    /// The stream ends here, in good order, without its finish.
    NoFinish,
}

fn one() -> usize {
    1
}

/// A status instead of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    pub status: u16,
    /// Seconds, as a `Retry-After` header.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// The sentence in the error body.
    #[serde(default)]
    pub message: Option<String>,
}

impl Script {
    pub fn new(pieces: Vec<Piece>) -> Self {
        Self { when: When::default(), times: once(), pieces, refuse: None, finish: None, usage: None, model: None }
    }

    /// A whole answer, word by word.
    pub fn text(text: &str) -> Self {
        Self::new(words(text).into_iter().map(|text| Piece::Text { text }).collect())
    }

    /// One call.
    pub fn call(name: &str, arguments: Value) -> Self {
        Self::calls([(name, arguments)])
    }

    /// Several calls side by side.
    pub fn calls<'a>(calls: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let piece =
            |(name, arguments): (&str, Value)| Piece::Call { name: name.to_owned(), arguments, id: None, pieces: 2 };
        Self::new(calls.into_iter().map(piece).collect())
    }

    pub fn status(status: u16, retry_after: Option<u64>) -> Self {
        Self { refuse: Some(Refusal { status, retry_after, message: None }), ..Self::new(Vec::new()) }
    }

    /// Only for requests whose newest user message contains `text`.
    pub fn when_asked(mut self, text: &str) -> Self {
        self.when.text = Some(text.to_owned());
        self
    }

    /// Only for requests that end, or do not end, with results of calls.
    pub fn after_results(mut self, after: bool) -> Self {
        self.when.after_results = Some(after);
        self
    }

    pub fn for_ever(mut self) -> Self {
        self.times = None;
        self
    }

    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

/// Words with the white space that follows them, so that joined they are the text again.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_inclusive(char::is_whitespace).map(str::to_owned).collect()
}
