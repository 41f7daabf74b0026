//! The few tools only the engine can offer: find a tool, use a found tool, end a turn; reading an earlier result again is in
//! `recall.rs`.

use crate::{
    catalogue::{IndexEntry, allows},
    delegate::{Delegate, Home},
    finding::Finder,
    recall::{RECALL, Recall},
};
use majordomo_domain::{Call, Effect, Label, Output, Tool, ToolError, Toolkit, text::shorten, tool::Limits};
use majordomo_store::Store;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{fmt::Write, sync::Arc, time::Duration};

/// The toolkits of this file, which every agent has.
pub(crate) const TOOLKITS: [&str; 5] = ["tools", RECALL, "errands", "silence", FINISH];

/// The toolkit of the tool that says it is enough.
const FINISH: &str = "finish";

pub(crate) fn toolkits(index: Arc<Vec<IndexEntry>>, store: Store, home: Home) -> [Toolkit; 5] {
    [
        Toolkit::new("tools", Finder::new(index)).tool::<FindTools>().tool::<UseTool>().build(),
        // What was kept may be anybody's words.
        Toolkit::new(RECALL, store).label(Label::OUTSIDE).tool::<Recall>().build(),
        // A worker asks models, which takes longer than asking a service.
        Toolkit::new("errands", home)
            .limits(Limits { at_once: 4, timeout: Duration::from_secs(60) })
            .tool::<Delegate>()
            .build(),
        Toolkit::new("silence", ()).tool::<StaySilent>().build(),
        Toolkit::new(FINISH, ()).tool::<EarlyTerminate>().build(),
    ]
}

/// Bytes of argument schemas in one answer; the first tool has its own whatever they are. What does not fit is named without.
const ARGUMENT_BYTES: usize = 2_400;

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
    type Service = Finder;

    fn title(&self) -> String {
        format!("Looking for a tool for “{}”", shorten(&self.query, 60))
    }

    async fn run(self, finder: &Self::Service, call: &Call) -> Result<Output, ToolError> {
        let found: Vec<&IndexEntry> =
            finder.find(&self.query).into_iter().filter(|entry| allows(&call.toolkits, entry.toolkit)).collect();
        if found.is_empty() {
            return Ok(Output::text("No tool fits these words. Try others, or answer without."));
        }
        let (mut text, mut spent, mut is_short) = (String::new(), 0, false);
        for (place, entry) in found.iter().take(6).enumerate() {
            let spec = &entry.spec;
            let properties = spec.schema.get("properties").map(ToString::to_string).unwrap_or_default();
            let required = spec.schema.get("required").map(ToString::to_string).unwrap_or_else(|| "[]".into());
            let _ = write!(text, "{}: {}", spec.name, shorten(&spec.description, 200));
            spent += properties.len();
            is_short |= place > 0 && spent > ARGUMENT_BYTES;
            let _ = match is_short {
                true => writeln!(text),
                false => writeln!(text, " Arguments: {properties} required: {required}"),
            };
        }
        if is_short {
            text.push_str("For the arguments of those without: find_tools with the name.\n");
        }
        if found.len() > 6 {
            let names: Vec<_> = found.iter().skip(6).take(10).map(|entry| entry.spec.name.as_str()).collect();
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
    type Service = Finder;

    fn title(&self) -> String {
        self.name.clone()
    }

    /// Never runs: `dispatch.rs` puts the named tool in its place, so that its own effect, limits and title hold.
    async fn run(self, _finder: &Self::Service, _call: &Call) -> Result<Output, ToolError> {
        Err(ToolError::TellModel("name a tool that find_tools returned".into()))
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

/// Say that enough was found: one more answer follows, without further calls.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EarlyTerminate {
    /// Why it is enough.
    reason: String,
    /// How sure, 0 to 1.
    confidence: Option<f64>,
    /// What was found, for the answer.
    summary: Option<String>,
}

impl Tool for EarlyTerminate {
    const NAME: &'static str = "agent_early_terminate";
    const EFFECT: Effect = Effect::Read;
    type Service = ();

    fn title(&self) -> String {
        format!("Enough was found: {}", shorten(&self.reason, 80))
    }

    /// The turn asks the model once more and ends (`turn.rs`).
    async fn run(self, _service: &(), _call: &Call) -> Result<Output, ToolError> {
        let sure = self.confidence.map(|sure| format!(" You said you are sure by {sure}.")).unwrap_or_default();
        let summary = self.summary.map(|summary| format!(" {}", shorten(&summary, 2_000))).unwrap_or_default();
        Ok(Output::text(format!("Answer the person now from what was found.{sure}{summary}")))
    }
}
