//! Reading an earlier result again, by its reference: on from where it was cut, by words, or parts of it.
//!
//! Short results are found in the rows of their turn; only what was cut is kept beside them.

use crate::{dispatch::unreachable, lists::Wanted};
use majordomo_domain::{
    Audience, Call, CallResult, Effect, Label, Origin, Output, Part, Tool, ToolError, text::shorten,
};
use majordomo_store::{StepKind, Store, StoreError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write;

/// The drawer long results are kept in.
pub(crate) const RECALL: &str = "recall";
/// Characters given at a time.
const WINDOW: usize = 4_000;
/// Messages of one turn.
const MESSAGES: u32 = 200;

/// A long result as it is kept: whose words it holds, then the text.
pub(crate) fn kept(label: Label, text: impl Iterator<Item = char>) -> String {
    let mut body = serde_json::to_string(&label).unwrap_or_default();
    body.push('\n');
    body.extend(text);
    body
}

/// Read an earlier result again by its reference: on from an offset, by words, or parts of JSON.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recall {
    /// Such as "r1-2".
    #[serde(alias = "ref_id")]
    reference: String,
    /// Characters from the start.
    #[serde(default)]
    offset: Option<usize>,
    /// Words to look for.
    find: Option<String>,
    /// Only these keys.
    fields: Option<Vec<String>>,
    /// First entry of a list.
    start: Option<usize>,
    /// Entries.
    count: Option<usize>,
}

impl Tool for Recall {
    const NAME: &'static str = "recall";
    const ALIASES: &'static [&'static str] = &["fetch_cached_result"];
    const EFFECT: Effect = Effect::Read;
    type Service = Store;

    fn title(&self) -> String {
        "Reading an earlier result again".into()
    }

    async fn run(self, store: &Store, call: &Call) -> Result<Output, ToolError> {
        let found = find(store, call, self.reference.trim()).await.map_err(unreachable)?;
        let Some((label, body)) = found else {
            return Ok(Output::text(format!(
                "not_found: there is no result {} in this conversation, or it is too old; ask the tool again",
                shorten(&self.reference, 40)
            ))
            .labelled(Label::OWN));
        };
        let wanted = Wanted {
            fields: self.fields.as_deref().unwrap_or_default(),
            start: self.start.unwrap_or_default(),
            count: self.count,
        };
        let text = match wanted.is_everything() {
            true => self.stretch(&body),
            false => match serde_json::from_str::<Value>(&body) {
                Ok(value) => wanted.of(&value).to_string(),
                Err(_) => {
                    return Err(ToolError::TellModel(
                        "this result is no JSON; read it with offset or find instead of fields, start and count".into(),
                    ));
                }
            },
        };
        Ok(Output::text(text).labelled(label))
    }
}

impl Recall {
    fn stretch(&self, body: &str) -> String {
        let chars: Vec<char> = body.chars().collect();
        let start = match &self.find {
            Some(words) if !words.is_empty() => {
                let lower = body.to_lowercase();
                match lower.find(&words.to_lowercase()) {
                    Some(byte) => lower[..byte].chars().count().saturating_sub(200),
                    None => return "Not found in this result.".into(),
                }
            }
            _ => self.offset.unwrap_or_default(),
        };
        if start >= chars.len() {
            return format!("The result ends at {}.", chars.len());
        }
        let end = (start + WINDOW).min(chars.len());
        let mut text: String = chars[start..end].iter().collect();
        if end < chars.len() {
            let _ = write!(text, "\n[{} more characters: recall with offset {end}]", chars.len() - end);
        }
        text
    }
}

/// A result of this conversation with its label: kept whole, of this turn's steps, or of an earlier turn's messages.
async fn find(store: &Store, call: &Call, reference: &str) -> Result<Option<(Label, String)>, StoreError> {
    if let Some(document) = store.document(RECALL, &call.conversation.to_string(), reference).await? {
        // Without a label it is anybody's, and for nobody else.
        let (label, body) = document.body.split_once('\n').unwrap_or(("", &document.body));
        let unknown = Label { origin: Origin::Outside, audience: Audience::Person };
        return Ok(Some((serde_json::from_str(label).unwrap_or(unknown), body.to_owned())));
    }
    let is_it = |result: &CallResult| result.reference.as_deref() == Some(reference);
    let steps = store.steps(call.turn).await?.into_iter().filter_map(|step| match step.kind {
        StepKind::Returned { result } => Some(result),
        _ => None,
    });
    if let Some(result) = steps.into_iter().find(is_it) {
        return Ok(Some((result.label, result.text)));
    }
    let ordinal = reference.strip_prefix('r').and_then(|rest| rest.split('-').next()?.parse::<i64>().ok());
    let Some(end) = ordinal.and_then(|ordinal| ordinal.checked_add(1)?.checked_mul(1_000)) else { return Ok(None) };
    let page = store.messages(call.conversation, Some(end), MESSAGES).await?;
    let results = page.messages.into_iter().flat_map(|message| message.parts).filter_map(|part| match part {
        Part::Result(result) => Some(result),
        _ => None,
    });
    Ok(results.into_iter().find(is_it).map(|result| (result.label, result.text)))
}
