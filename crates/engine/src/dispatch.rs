//! A batch of calls: reads side by side within their toolkits' limits, each question asked once, every call answered.

use crate::{Engine, builtin, catalogue::CatalogueTool};
use futures_util::{FutureExt, future::join_all};
use majordomo_domain::{
    Agent, Call, CallRequest, CallResult, ConversationId, Effect, Person, Tool, ToolError, TurnId, fault_point,
    text::{clean, shorten},
    tool::ParsedCall,
};
use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Instant,
};

pub(crate) const NO_APPROVALS: &str =
    "this would change something, and you cannot ask for approval yet; tell the person so";

/// What a turn remembers of its calls.
#[derive(Default)]
pub(crate) struct Asked {
    /// Results by tool and arguments.
    known: HashMap<(String, String), CallResult>,
    /// Cut results so far, for their references.
    kept: u32,
}

/// Where calls come from.
pub(crate) struct Batch<'a> {
    pub engine: &'a Engine,
    pub turn: TurnId,
    pub conversation: ConversationId,
    pub person: Arc<Person>,
    pub agent: &'a Agent,
    /// Begins the references of cut results; different in every turn and errand.
    pub prefix: String,
    pub result_chars: usize,
    pub calls_at_once: usize,
}

/// A call understood, or why not.
pub(crate) struct Prepared {
    pub request: CallRequest,
    pub title: String,
    key: (String, String),
    work: Work,
}

enum Work {
    Run(CatalogueTool, Box<dyn ParsedCall>),
    /// The same question is answered already, or by an earlier call of this batch.
    Same,
    Refused {
        text: String,
        malformed: bool,
    },
}

impl Asked {
    /// Results an earlier attempt has cut: their references stay taken.
    pub fn take_up(&mut self, result: &CallResult) {
        if result.text.ends_with(']') && result.text.contains("\n[cut at ") {
            self.kept += 1;
        }
    }
}

impl Prepared {
    /// The model wrote something nobody understands.
    pub fn is_malformed(&self) -> bool {
        matches!(self.work, Work::Refused { malformed: true, .. })
    }
}

impl Batch<'_> {
    /// Understand every call; nothing runs yet.
    pub fn prepare(&self, calls: &[CallRequest], asked: &Asked) -> Vec<Prepared> {
        let mut seen = std::collections::HashSet::new();
        calls
            .iter()
            .enumerate()
            .map(|(index, call)| {
                let mut prepared = self.understand(call);
                if index >= self.calls_at_once {
                    prepared.work = Work::Refused {
                        text: format!(
                            "only {} calls are answered at once; ask again for this one if it still matters",
                            self.calls_at_once
                        ),
                        malformed: false,
                    };
                } else if matches!(prepared.work, Work::Run(..))
                    && (asked.known.contains_key(&prepared.key) || !seen.insert(prepared.key.clone()))
                {
                    prepared.work = Work::Same;
                }
                prepared
            })
            .collect()
    }

    fn understand(&self, call: &CallRequest) -> Prepared {
        // A found tool is used as itself: its own effect, limits and title hold.
        let (name, arguments) = match serde_json::from_str::<builtin::UseTool>(&call.arguments) {
            Ok(inner) if call.name == builtin::UseTool::NAME => {
                (inner.name, serde_json::Value::Object(inner.arguments).to_string())
            }
            _ => (call.name.clone(), call.arguments.clone()),
        };
        let refuse = |text: String, malformed| Prepared {
            request: call.clone(),
            title: shorten(&clean(&name), 60),
            key: (name.clone(), arguments.clone()),
            work: Work::Refused { text, malformed },
        };
        let allowed = |tool: &&CatalogueTool| self.engine.0.catalogue.allows(self.agent, tool.toolkit);
        let Some(tool) = self.engine.0.catalogue.find(&name).filter(allowed) else {
            return refuse(format!("there is no tool {}; find_tools looks for one", shorten(&clean(&name), 60)), true);
        };
        match tool.tool.parse(&arguments) {
            Err(error) => refuse(error.to_string(), true),
            Ok(_) if tool.tool.effect != Effect::Read => refuse(NO_APPROVALS.into(), false),
            Ok(parsed) => {
                let canonical = serde_json::from_str::<serde_json::Value>(&arguments).map(|v| v.to_string());
                Prepared {
                    request: call.clone(),
                    title: shorten(&clean(&parsed.title()), 160),
                    key: (tool.tool.name.to_owned(), canonical.unwrap_or(arguments)),
                    work: Work::Run(tool.clone(), parsed),
                }
            }
        }
    }

    /// Run what was understood, all at once; `told` hears of each result as it comes. Results are in the order of the calls.
    pub async fn run(
        &self,
        prepared: Vec<Prepared>,
        asked: &mut Asked,
        told: &(dyn Fn(&CallResult) + Sync),
    ) -> Vec<CallResult> {
        fault_point!("tool.sent");
        let kept = Mutex::new(asked.kept);
        let work = prepared.into_iter().map(|prepared| {
            let kept = &kept;
            async move {
                let started = Instant::now();
                let Prepared { request, title, key, work } = prepared;
                let (outcome, same) = match work {
                    Work::Run(tool, parsed) => (self.call(&tool, parsed, &request).await, false),
                    Work::Same => (Ok(majordomo_domain::Output::default()), true),
                    Work::Refused { text, .. } => (Err(ToolError::TellModel(text)), false),
                };
                let mut result = CallResult {
                    call_id: request.id,
                    name: key.0.clone(),
                    duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                    title,
                    ..CallResult::default()
                };
                match outcome {
                    Ok(output) => {
                        result.text = self.cut(clean(&output.text), kept).await;
                        result.cards = output.cards;
                    }
                    Err(error) => {
                        result.is_error = true;
                        result.text = match &error {
                            ToolError::Bug(detail) => {
                                tracing::error!(tool.name = %result.name, detail, "a tool failed");
                                "this tool failed inside; do without it and say so".to_owned()
                            }
                            other => shorten(&clean(&other.to_string()), 600),
                        };
                    }
                }
                if !same {
                    told(&result);
                }
                (key, same, result)
            }
        });
        let answered = join_all(work).await;
        asked.kept = *kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        fault_point!("tool.reply");
        let mut results = Vec::with_capacity(answered.len());
        let mut repeats = Vec::new();
        for (key, same, result) in answered {
            if same {
                repeats.push((results.len(), key));
            } else if !result.is_error {
                asked.known.insert(key, result.clone());
            }
            results.push(result);
        }
        for (index, key) in repeats {
            let result: &mut CallResult = &mut results[index];
            match asked.known.get(&key) {
                Some(first) => {
                    // The full text stands with the first call; a repeat costs no tokens twice.
                    result.text = format!("same question as call {}; its result stands", first.call_id);
                }
                None => {
                    result.is_error = true;
                    result.text = "same question as another call of this step, which failed".into();
                }
            }
            told(result);
        }
        results
    }

    async fn call(
        &self,
        tool: &CatalogueTool,
        parsed: Box<dyn ParsedCall>,
        request: &CallRequest,
    ) -> Result<majordomo_domain::Output, ToolError> {
        let call = Call {
            id: request.id.clone(),
            turn: self.turn,
            conversation: self.conversation,
            person: self.person.clone(),
            agent: self.agent.id,
            toolkits: self.agent.toolkits.as_slice().into(),
            room: None,
            key: format!("{}:{}", self.turn, request.id),
            ask: majordomo_domain::tool::Ask::nobody(),
            now_ms: self.engine.0.clock.now_ms(),
        };
        // A tool that panics is a bug of that tool, not the end of the turn.
        let outcome = AssertUnwindSafe(tool.run(parsed, &call)).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| Err(ToolError::Bug("it panicked".into())));
        let word = match &outcome {
            Ok(_) => "ok",
            Err(ToolError::TellModel(_)) => "told_model",
            Err(ToolError::CouldNotAsk { .. }) => "could_not_ask",
            Err(ToolError::Bug(_)) => "bug",
        };
        metrics::counter!("majordomo_tool_calls_total", "tool" => tool.tool.name, "outcome" => word).increment(1);
        outcome
    }

    /// A long result is cut; the whole of it is kept under a reference.
    async fn cut(&self, text: String, kept: &Mutex<u32>) -> String {
        let limit = self.result_chars.max(200);
        if text.len() <= limit || text.chars().count() <= limit {
            return text;
        }
        let number = {
            let mut kept = kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            *kept += 1;
            *kept
        };
        let reference = format!("{}-{number}", self.prefix);
        let total = text.chars().count();
        let head: String = text.chars().take(limit).collect();
        let whole: String = text.chars().take(500_000).collect();
        let owner = self.conversation.to_string();
        let now_ms = self.engine.0.clock.now_ms();
        match self.engine.0.store.put_document(builtin::RECALL, &owner, &reference, &whole, None, now_ms).await {
            Ok(_) => format!(
                "{head}\n[cut at {limit} of {total} characters: recall with reference \"{reference}\" and offset {limit}]"
            ),
            Err(_) => format!("{head}\n[cut at {limit} of {total} characters; the rest could not be kept]"),
        }
    }
}
