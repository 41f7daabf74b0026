//! The few tools only the engine can offer: find a tool, use a found tool, read on in a long result.

use crate::{
    catalogue::{IndexEntry, allows},
    delegate::{Delegate, Home},
    dispatch::unreachable,
};
use majordomo_domain::{Audience, Call, Effect, Label, Origin, Output, Tool, ToolError, Toolkit, tool::Limits};
use majordomo_store::Store;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{fmt::Write, sync::Arc, time::Duration};

/// The toolkits of this file, which every agent has.
pub(crate) const TOOLKITS: [&str; 4] = ["tools", RECALL, "errands", "silence"];

/// A long result as it is kept: whose words it holds, then the text.
pub(crate) fn kept(label: Label, text: impl Iterator<Item = char>) -> String {
    let mut body = serde_json::to_string(&label).unwrap_or_default();
    body.push('\n');
    body.extend(text);
    body
}

/// The drawer long results are kept in.
pub(crate) const RECALL: &str = "recall";

pub(crate) fn toolkits(index: Arc<Vec<IndexEntry>>, store: Store, home: Home) -> [Toolkit; 4] {
    [
        Toolkit::new("tools", index).tool::<FindTools>().tool::<UseTool>().build(),
        // What was kept may be anybody's words.
        Toolkit::new(RECALL, store).label(Label::OUTSIDE).tool::<Recall>().build(),
        // A worker asks models, which takes longer than asking a service.
        Toolkit::new("errands", home)
            .limits(Limits { at_once: 4, timeout: Duration::from_secs(60) })
            .tool::<Delegate>()
            .build(),
        Toolkit::new("silence", ()).tool::<StaySilent>().build(),
    ]
}

/// Find more tools by what they should do. Returns names, descriptions and argument schemas; run one with use_tool.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindTools {
    /// A few plain words, such as "series next episode".
    query: String,
}

impl Tool for FindTools {
    const NAME: &'static str = "find_tools";
    const EFFECT: Effect = Effect::Read;
    type Service = Arc<Vec<IndexEntry>>;

    fn title(&self) -> String {
        format!("Looking for a tool for “{}”", majordomo_domain::text::shorten(&self.query, 60))
    }

    async fn run(self, index: &Self::Service, call: &Call) -> Result<Output, ToolError> {
        let words: Vec<String> = self
            .query
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.len() > 2)
            // "series" and "serie" should both find "series".
            .map(|word| word.trim_end_matches('s').to_owned())
            .take(12)
            .collect();
        let mut found: Vec<_> = index
            .iter()
            .map(|entry| (entry.score(&words), entry))
            .filter(|(score, entry)| *score > 0 && allows(&call.toolkits, entry.toolkit))
            .collect();
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.spec.name.cmp(&b.1.spec.name)));
        if found.is_empty() {
            return Ok(Output::text("No tool fits these words. Try others, or answer without."));
        }
        let mut text = String::new();
        for (_, entry) in found.iter().take(6) {
            let spec = &entry.spec;
            let properties = spec.schema.get("properties").map(ToString::to_string).unwrap_or_default();
            let required = spec.schema.get("required").map(ToString::to_string).unwrap_or_else(|| "[]".into());
            let _ = writeln!(
                text,
                "{}: {} Arguments: {properties} required: {required}",
                spec.name,
                majordomo_domain::text::shorten(&spec.description, 200)
            );
        }
        if found.len() > 6 {
            let names: Vec<_> = found.iter().skip(6).take(10).map(|(_, entry)| entry.spec.name.as_str()).collect();
            let _ = writeln!(text, "Also: {}", names.join(", "));
        }
        Ok(Output::text(text))
    }
}

/// Run a tool that find_tools has found.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UseTool {
    /// Its name.
    pub name: String,
    /// Its arguments, an object as its schema says.
    #[serde(default)]
    pub arguments: serde_json::Map<String, serde_json::Value>,
}

impl Tool for UseTool {
    const NAME: &'static str = "use_tool";
    const EFFECT: Effect = Effect::Read;
    type Service = Arc<Vec<IndexEntry>>;

    fn title(&self) -> String {
        self.name.clone()
    }

    /// Never runs: `dispatch.rs` puts the named tool in its place, so that its own effect, limits and title hold.
    async fn run(self, _index: &Self::Service, _call: &Call) -> Result<Output, ToolError> {
        Err(ToolError::TellModel("name a tool that find_tools returned".into()))
    }
}

/// Read on in a long result that was cut, by its reference.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recall {
    /// Such as "r1-2", from the end of a cut result.
    reference: String,
    /// Where to read on, in characters from the start.
    #[serde(default)]
    offset: usize,
    /// Words to look for instead of reading on.
    find: Option<String>,
}

/// Characters given at a time.
const WINDOW: usize = 4_000;

impl Tool for Recall {
    const NAME: &'static str = "recall";
    const ALIASES: &'static [&'static str] = &["fetch_cached_result"];
    const EFFECT: Effect = Effect::Read;
    type Service = Store;

    fn title(&self) -> String {
        "Reading on in a long result".into()
    }

    async fn run(self, store: &Store, call: &Call) -> Result<Output, ToolError> {
        let document =
            store.document(RECALL, &call.conversation.to_string(), &self.reference).await.map_err(unreachable)?;
        let Some(document) = document else {
            return Err(ToolError::TellModel(format!(
                "there is no result {} in this conversation, or it is too old; ask the tool again",
                majordomo_domain::text::shorten(&self.reference, 40)
            )));
        };
        // Without a label it is anybody's, and for nobody else.
        let (label, body) = document.body.split_once('\n').unwrap_or(("", &document.body));
        let label =
            serde_json::from_str(label).unwrap_or(Label { origin: Origin::Outside, audience: Audience::Person });
        let chars: Vec<char> = body.chars().collect();
        let start = match &self.find {
            Some(words) if !words.is_empty() => {
                let lower = body.to_lowercase();
                match lower.find(&words.to_lowercase()) {
                    Some(byte) => lower[..byte].chars().count().saturating_sub(200),
                    None => return Ok(Output::text("Not found in this result.")),
                }
            }
            _ => self.offset,
        };
        if start >= chars.len() {
            return Ok(Output::text(format!("The result ends at {}.", chars.len())));
        }
        let end = (start + WINDOW).min(chars.len());
        let mut text: String = chars[start..end].iter().collect();
        if end < chars.len() {
            let _ = write!(text, "\n[{} more characters: recall with offset {end}]", chars.len() - end);
        }
        Ok(Output::text(text).labelled(label))
    }
}

/// End this turn without an answer, when nothing was asked of you.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaySilent {}

impl Tool for StaySilent {
    const NAME: &'static str = "stay_silent";
    const EFFECT: Effect = Effect::Read;
    type Service = ();

    fn title(&self) -> String {
        "Staying silent".into()
    }

    /// Runs only for an agent that may not; the turn of one that may ends before (`turn.rs`).
    async fn run(self, _service: &(), _call: &Call) -> Result<Output, ToolError> {
        Err(ToolError::TellModel("an answer is expected; give one".into()))
    }
}
