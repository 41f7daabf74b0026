//! Every tool there is, under every name it answers to, with the limits of its toolkit.

use crate::{
    builtin,
    delegate::Home,
    engine::{Config, EngineError},
};
use majordomo_domain::{
    Agent, Call, Card, Effect, Label, Output, ToolError, Toolkit,
    model::ToolSpec,
    tool::{ErasedTool, ParsedCall},
};
use majordomo_store::Store;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};
use tracing::Instrument;

/// How much longer than its time a change is waited for: it is not cut, since half of it may be done.
const GRACE: Duration = Duration::from_secs(60);

/// Limits in place of a toolkit's or a tool's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolOverride {
    /// Milliseconds one call may take.
    pub timeout_ms: Option<u64>,
    /// Calls at the same time. For toolkits.
    pub at_once: Option<usize>,
    /// Entries of a list the model sees; it can read the others. Every one when absent.
    pub list_items: Option<usize>,
}

pub struct Catalogue {
    toolkits: Vec<Toolkit>,
    by_name: HashMap<&'static str, CatalogueTool>,
    /// For `find_tools`.
    pub(crate) index: Arc<Vec<IndexEntry>>,
}

#[derive(Clone)]
pub(crate) struct CatalogueTool {
    pub tool: Arc<ErasedTool>,
    pub toolkit: &'static str,
    pub progress: &'static [&'static str],
    /// Entries of a list the model sees.
    pub list_items: Option<usize>,
    slots: Arc<Semaphore>,
    timeout: Duration,
}

pub(crate) struct IndexEntry {
    pub spec: ToolSpec,
    pub toolkit: &'static str,
    /// What it is found by: names and keywords count twice.
    pub searched: String,
}

impl Catalogue {
    pub(crate) fn new(
        mut toolkits: Vec<Toolkit>,
        store: Store,
        home: Home,
        config: &Config,
    ) -> Result<Self, EngineError> {
        let index: Vec<IndexEntry> = toolkits
            .iter()
            .flat_map(|toolkit| toolkit.tools.iter().map(move |tool| (toolkit.name, tool)))
            .map(|(toolkit, tool)| IndexEntry {
                spec: tool.spec.clone(),
                toolkit,
                searched: format!(
                    "{name} {name} {} {words} {words} {}",
                    tool.aliases.join(" "),
                    tool.spec.description,
                    name = tool.name,
                    words = tool.keywords
                ),
            })
            .collect();
        let index = Arc::new(index);
        toolkits.extend(builtin::toolkits(index.clone(), store, home));
        let mut by_name = HashMap::new();
        for toolkit in &toolkits {
            let own = config.tools.get(toolkit.name).copied().unwrap_or_default();
            let slots = Arc::new(Semaphore::new(own.at_once.unwrap_or(toolkit.limits.at_once).clamp(1, 1_000)));
            for tool in &toolkit.tools {
                let special = config.tools.get(tool.name).copied().unwrap_or_default();
                let set = special.timeout_ms.or(own.timeout_ms).map(Duration::from_millis);
                let timeout = set.or(tool.timeout).unwrap_or(toolkit.limits.timeout);
                let entry = CatalogueTool {
                    tool: tool.clone(),
                    toolkit: toolkit.name,
                    progress: toolkit.progress,
                    list_items: special.list_items.or(own.list_items),
                    slots: slots.clone(),
                    timeout,
                };
                for name in std::iter::once(&tool.name).chain(tool.aliases) {
                    if by_name.insert(*name, entry.clone()).is_some() {
                        return Err(EngineError::Unusable(format!("two tools answer to the name {name}")));
                    }
                }
            }
        }
        Ok(Self { toolkits, by_name, index })
    }

    pub(crate) fn toolkits(&self) -> &[Toolkit] {
        &self.toolkits
    }

    /// Whether an agent may use a toolkit. What the engine itself offers is for everybody.
    pub(crate) fn allows(&self, agent: &Agent, toolkit: &str) -> bool {
        allows(&agent.toolkits, toolkit) || builtin::TOOLKITS.contains(&toolkit)
    }

    /// Whose words a toolkit's results hold, where they do not say themselves.
    pub(crate) fn label_of(&self, toolkit: &str) -> Label {
        self.toolkits.iter().find(|t| t.name == toolkit).map_or(Label::OWN, |t| t.label)
    }

    /// Tools whose calls cannot be undone.
    pub(crate) fn destroying(&self) -> Vec<&'static str> {
        let tools = self.toolkits.iter().flat_map(|t| &t.tools);
        tools.filter(|tool| tool.effect == Effect::Destroy).map(|tool| tool.name).collect()
    }

    /// Toolkits with a tool that changes something.
    pub(crate) fn changing(&self) -> impl Iterator<Item = &'static str> {
        let changes = |toolkit: &&Toolkit| toolkit.tools.iter().any(|tool| tool.effect != Effect::Read);
        self.toolkits.iter().filter(changes).map(|toolkit| toolkit.name)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&CatalogueTool> {
        self.by_name.get(name)
    }
}

/// Whether a list of toolkits names one; an empty list names all.
pub(crate) fn allows(toolkits: &[String], toolkit: &str) -> bool {
    toolkits.is_empty() || toolkits.iter().any(|name| name == toolkit)
}

impl CatalogueTool {
    /// Run a call within the toolkit's limits. A read is cut at its time. A change is not: what it has begun it brings to its end, also
    /// when nobody waits for it any more; only while it waits for its place it is sent away.
    pub async fn run(&self, parsed: Box<dyn ParsedCall>, call: &Call) -> Result<Output, ToolError> {
        if self.tool.effect == Effect::Read {
            let work = async {
                let _slot = self.slots.acquire().await;
                parsed.run(call).await
            };
            return self.in_time(work).await;
        }
        let Ok(slot) = timeout(self.timeout, self.slots.clone().acquire_owned()).await else {
            let seconds = seconds(self.timeout);
            return Err(ToolError::TellModel(format!("others were before it for {seconds}; nothing was changed")));
        };
        let call = call.clone();
        let work = async move {
            let _slot = slot;
            parsed.run(&call).await
        };
        match timeout(self.timeout + GRACE, tokio::spawn(work.in_current_span())).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(ToolError::Bug("it panicked".into())),
            Err(_) => Err(self.slow(self.timeout + GRACE)),
        }
    }
}

impl CatalogueTool {
    /// What an approver sees of a call, within the toolkit's time.
    pub async fn preview(&self, parsed: &dyn ParsedCall, call: &Call) -> Result<Card, ToolError> {
        self.in_time(parsed.preview(call)).await
    }

    /// What rules may look at beside the arguments, within the toolkit's time.
    pub async fn facts(
        &self,
        parsed: &dyn ParsedCall,
        call: &Call,
    ) -> Result<serde_json::Map<String, serde_json::Value>, ToolError> {
        self.in_time(parsed.facts(call)).await
    }

    /// Whether a call has happened already, within the toolkit's time.
    pub async fn check(&self, parsed: &dyn ParsedCall, call: &Call) -> Result<Option<Output>, ToolError> {
        self.in_time(parsed.check(call)).await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, ToolError>>) -> Result<T, ToolError> {
        timeout(self.timeout, work).await.unwrap_or_else(|_| Err(self.slow(self.timeout)))
    }

    fn slow(&self, after: Duration) -> ToolError {
        ToolError::CouldNotAsk { service: self.toolkit.into(), reason: format!("no answer within {}", seconds(after)) }
    }
}

fn seconds(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    if tenths.is_multiple_of(10) { format!("{} s", tenths / 10) } else { format!("{}.{} s", tenths / 10, tenths % 10) }
}
