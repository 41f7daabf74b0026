//! Writing a request as JSON, straight into its bytes: a history is not copied into a tree first.

use majordomo_domain::{ModelRequest, model::Effort};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Everything a dialect needs to know to write a request.
pub(crate) struct Wish<'a> {
    pub request: &'a ModelRequest,
    /// The provider's own id.
    pub model: &'a str,
    pub provider: &'a str,
    pub effort: Option<Effort>,
    pub params: &'a Map<String, Value>,
    pub streams: bool,
    pub quirks: &'a Quirks,
}

/// In what a vendor differs from its dialect. Filled from its preset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quirks {
    pub token_limit: Option<String>,
    pub efforts: crate::config::Efforts,
    pub cache_key: bool,
    pub usage_option: bool,
    pub call_ids: crate::history::CallIds,
    /// The field thinking comes in and must go back in within a turn.
    pub returns_thinking: bool,
}

/// Names of the limit on output in the three dialects. A parameter by any of them is sent under the one that is right.
pub(crate) const TOKEN_LIMITS: [&str; 3] = ["max_output_tokens", "max_completion_tokens", "max_tokens"];

/// A JSON writer that minds commas and nothing else.
pub(crate) struct Json {
    out: Vec<u8>,
    comma: bool,
}

impl Json {
    pub fn object(capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.push(b'{');
        Self { out, comma: false }
    }

    pub fn key(&mut self, key: &str) -> &mut Self {
        self.value(key);
        self.out.push(b':');
        self.comma = false;
        self
    }

    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        self.separate();
        serde_json::to_writer(&mut self.out, value).expect("strings, numbers and JSON values can be written to memory");
        self.comma = true;
        self
    }

    pub fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> &mut Self {
        self.key(key).value(value)
    }

    /// JSON that was checked before.
    pub fn raw(&mut self, text: &str) -> &mut Self {
        self.separate();
        self.out.extend_from_slice(text.as_bytes());
        self.comma = true;
        self
    }

    pub fn open(&mut self, bracket: u8) -> &mut Self {
        self.separate();
        self.out.push(bracket);
        self.comma = false;
        self
    }

    pub fn close(&mut self, bracket: u8) -> &mut Self {
        self.out.push(bracket);
        self.comma = true;
        self
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}

impl Wish<'_> {
    /// A buffer about as long as the request will be.
    pub fn begin(&self) -> Json {
        let request = self.request;
        let parts = request.messages.iter().flat_map(|message| &message.parts);
        let said: usize = parts.map(|part| part.weight_bytes() + 64).sum();
        Json::object(request.system.len() + said + request.tools.len() * 700 + 512)
    }

    /// An entry at the top, unless the settings have their own for it.
    pub fn top<T: Serialize + ?Sized>(&self, json: &mut Json, key: &str, value: &T) {
        if !self.params.contains_key(key) {
            json.entry(key, value);
        }
    }

    /// The settings' parameters as they stand there, the limit on output under the name the model accepts.
    pub fn end(&self, mut json: Json, limit_name: &str, limit: u32) -> Vec<u8> {
        let own_limit = TOKEN_LIMITS.iter().find_map(|name| self.params.get(*name));
        match own_limit {
            Some(own) => json.entry(limit_name, own),
            None => json.entry(limit_name, &limit),
        };
        for (key, value) in self.params {
            if !TOKEN_LIMITS.contains(&key.as_str()) {
                json.entry(key, value);
            }
        }
        json.finish()
    }
}

/// `data:<media type>;base64,<data>` without building it first.
pub(crate) struct DataUrl<'a>(pub &'a str, pub &'a str);

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("data:{};base64,{}", self.0, self.1))
    }
}

/// The id without a vendor in front: `openai/gpt-5-mini` → `gpt-5-mini`.
fn family(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// The `o` series: `o1`, `o3-mini`, `o4-mini-high`.
fn is_o_series(id: &str) -> bool {
    let mut bytes = id.bytes();
    bytes.next() == Some(b'o') && bytes.next().is_some_and(|b| b.is_ascii_digit())
}

/// Whether a model of OpenAI's families thinks before it speaks, and so takes an effort and
/// `max_completion_tokens`.
pub(crate) fn thinks(model: &str) -> bool {
    let id = family(model);
    is_o_series(id) || (id.starts_with("gpt-5") && !id.contains("-chat")) || id.starts_with("gpt-oss")
}

/// Whether the model is of a family that is known to refuse an effort.
fn refuses_effort(model: &str) -> bool {
    let id = family(model);
    let plain = ["gpt-4", "gpt-3", "chatgpt", "codestral", "mistral", "ministral"];
    plain.iter().any(|start| id.starts_with(start)) || (id.starts_with("gpt-5") && id.contains("-chat"))
}

/// The word for an effort, or None where the model takes none. Not every family knows `minimal`: the `o` series and
/// gpt-oss begin at `low`, and from gpt-5.1 on the least is `none`.
/// Source: OpenAI API reference, `reasoning_effort`: "Not all reasoning models support every value".
pub(crate) fn effort_word(model: &str, effort: Effort) -> Option<&'static str> {
    if refuses_effort(model) {
        return None;
    }
    let id = family(model);
    let word = match effort {
        Effort::Minimal if is_o_series(id) || id.starts_with("gpt-oss") => "low",
        Effort::Minimal if id.contains("codex") || id.contains("-pro") => "low",
        Effort::Minimal if id.starts_with("gpt-5.") => "none",
        other => other.as_str(),
    };
    Some(word)
}
