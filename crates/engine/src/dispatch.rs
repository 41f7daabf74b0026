//! A batch of calls: reads side by side within their toolkits' limits, or changes in their order; each question asked once, every
//! call judged and answered under a reference. A change that has to be asked about is parked, not run. Reads and changes asked for
//! together are two phases: the reads run, and the model asks for the changes again when it has seen them.

use crate::{
    Engine,
    access::{Judged, Question, Verdict},
    approve::Parking,
    budget::Payer,
    builtin,
    catalogue::CatalogueTool,
    lists, recall,
};
use futures_util::{FutureExt, future::join_all};
use majordomo_domain::{
    Agent, Approval, ApprovalId, Approvers, Call, CallRequest, CallResult, ConversationId, Effect, Label, Origin,
    Output, Person, Repeat, Tool, ToolError, TurnId, fault_point,
    text::{clean, shorten},
    tool::ParsedCall,
};
use majordomo_store::{Judgement, NewAudit, StoreError};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Instant,
};

/// Changes one step may ask for. More of them would be signed unread.
const MOST_CHANGES: usize = 5;
/// Calls that cannot be undone, carried out in one day.
const MOST_DESTROYED: u64 = 20;
const DAY_MS: i64 = 86_400_000;
/// Told of a change that came with reads.
const LATER: &str = "Put off: what was read with it comes first. Nothing was changed. You may change it now: call this again, by itself, if \
    it still fits what was read.";
/// Told of a second look at a change.
const ENOUGH: &str =
    "This was looked at once since the change, which is enough. Answer the person with what that showed.";

struct Answered {
    key: Key,
    kind: AnswerKind,
    result: CallResult,
    approval: Option<Approval>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerKind {
    Read,
    Change,
    /// As another call of the turn.
    Same,
    /// Nothing was run.
    Void,
}

/// A tool and its arguments, the same for the same question.
type Key = (String, String);

/// What a turn remembers of its calls.
#[derive(Default)]
pub(crate) struct Asked {
    /// Results by tool and arguments.
    known: HashMap<Key, CallResult>,
    /// Changes that did not work since the last one that did, and what was said of it.
    failed: HashMap<Key, String>,
    /// Results so far, for their references.
    results: u32,
    /// Whether a change was asked for and not put off.
    pub has_tried: bool,
}

/// Where calls come from.
pub(crate) struct Batch<'a> {
    pub engine: &'a Engine,
    pub turn: TurnId,
    pub conversation: ConversationId,
    pub person: Arc<Person>,
    pub agent: &'a Agent,
    /// Begins the references of results; different in every turn and errand.
    pub prefix: String,
    /// Results are in no row, so each is kept under its reference.
    pub keeps_all: bool,
    pub result_chars: usize,
    pub calls_at_once: usize,
    pub channel: &'a str,
    pub room: Option<&'a str>,
    /// What the turn has read so far.
    pub label: Label,
    /// Toolkits whose words are not the person's own.
    pub sources: &'a BTreeSet<String>,
    /// The person's own words of this turn.
    pub said: &'a str,
    /// Calls that were begun by an earlier attempt and have no result: nobody knows whether they happened.
    pub begun: &'a HashSet<Begun>,
    /// Toolkits that have changed something in this turn, and whether it was looked at since.
    pub looked: &'a HashMap<&'static str, bool>,
    /// Whether calls may change anything; a worker's may not.
    pub may_change: bool,
}

/// A call that was begun: its id and its arguments. Models give two calls of a step the same id.
pub(crate) type Begun = (String, String);

pub(crate) fn begun(call: &CallRequest) -> Begun {
    (call.id.clone(), call.arguments.clone())
}

enum Parked {
    New(Box<Approval>),
    /// The same call waits already.
    Already(ApprovalId),
}

/// What a batch came to.
#[derive(Default)]
pub(crate) struct Ran {
    /// In the order of the calls.
    pub results: Vec<CallResult>,
    /// To be stored with the results.
    pub approvals: Vec<Approval>,
}

/// A call understood, or why not.
pub(crate) struct Prepared {
    pub request: CallRequest,
    pub title: String,
    pub judgement: Option<Judgement>,
    key: Key,
    work: Work,
}

enum Work {
    Run(CatalogueTool, Box<dyn ParsedCall>),
    /// It waits for a decision; the arguments as JSON text, and why it is asked.
    Ask(CatalogueTool, Box<dyn ParsedCall>, Approvers, String),
    /// The same question is answered already, or by an earlier call of this batch.
    Same,
    /// A change that waits for the reads it came with.
    Later,
    /// A second look at what was changed.
    Enough,
    Refused {
        text: String,
        malformed: bool,
    },
}

impl Asked {
    /// A result of an earlier attempt: its reference stays taken, and what did not work is not tried again.
    pub fn take_up(&mut self, result: &CallResult, change: Option<Key>) {
        self.results += 1;
        if let Some(key) = change {
            self.has_tried = true;
            self.note_change(key, result);
        }
    }

    fn note_change(&mut self, key: Key, result: &CallResult) {
        match result.is_error {
            true => drop(self.failed.insert(key, shorten(&result.text, 200))),
            // The world is another one now.
            false => self.failed.clear(),
        }
    }
}

impl Prepared {
    /// It will change something when it runs.
    pub fn is_change(&self) -> bool {
        matches!(&self.work, Work::Run(tool, _) if tool.tool.effect != Effect::Read)
    }

    /// It will do what cannot be undone when it runs.
    fn destroys(&self) -> bool {
        matches!(&self.work, Work::Run(tool, _) if tool.tool.effect == Effect::Destroy)
    }

    /// A call that somebody has approved already.
    pub fn approved(request: CallRequest, tool: CatalogueTool, parsed: Box<dyn ParsedCall>) -> Self {
        Self {
            title: shorten(&clean(&parsed.title()), 160),
            judgement: None,
            key: (tool.tool.name.to_owned(), request.arguments.clone()),
            request,
            work: Work::Run(tool, parsed),
        }
    }

    /// It changes something, or wants to be asked about doing so.
    fn wants_change(&self) -> bool {
        matches!(&self.work, Work::Run(tool, _) | Work::Ask(tool, ..) if tool.tool.effect != Effect::Read)
    }

    fn reads(&self) -> bool {
        matches!(&self.work, Work::Run(tool, _) if tool.tool.effect == Effect::Read) && !self.ends_turn()
    }

    /// It says that enough was found.
    pub fn ends_turn(&self) -> bool {
        matches!(&self.work, Work::Run(tool, _) if tool.tool.name == builtin::EarlyTerminate::NAME)
    }

    /// It looks once more at what was looked at.
    pub fn is_enough(&self) -> bool {
        matches!(self.work, Work::Enough)
    }

    /// The model wrote something nobody understands.
    pub fn is_malformed(&self) -> bool {
        matches!(self.work, Work::Refused { malformed: true, .. })
    }
}

/// A found tool is used as itself: its own effect, limits and title hold.
fn in_its_own_name(call: &CallRequest) -> (String, String) {
    match serde_json::from_str::<builtin::UseTool>(&call.arguments) {
        Ok(inner) if call.name == builtin::UseTool::NAME => {
            (inner.name, serde_json::Value::Object(inner.arguments).to_string())
        }
        _ => (call.name.clone(), call.arguments.clone()),
    }
}

impl Batch<'_> {
    /// Understand every call; nothing runs yet. What rules want to know beside the arguments is asked of the tool.
    pub async fn prepare(&self, calls: &[CallRequest], asked: &Asked) -> Vec<Prepared> {
        let mut facts = Vec::with_capacity(calls.len());
        for call in calls {
            facts.push(self.facts_of(call).await);
        }
        let mut seen = HashSet::new();
        let mut changes = 0;
        let mut all: Vec<Prepared> = calls
            .iter()
            .enumerate()
            .map(|(index, call)| {
                let mut prepared = self.understand(call, std::mem::take(&mut facts[index]));
                let wants_change = prepared.is_change() || matches!(prepared.work, Work::Ask(..));
                changes += usize::from(wants_change);
                if wants_change && changes > MOST_CHANGES {
                    prepared.work = Work::Refused {
                        text: format!(
                            "at most {MOST_CHANGES} changes at once; this one was not done and nobody was asked"
                        ),
                        malformed: false,
                    };
                } else if index >= self.calls_at_once {
                    prepared.work = Work::Refused {
                        text: format!(
                            "only {} calls are answered at once; ask again for this one if it still matters",
                            self.calls_at_once
                        ),
                        malformed: false,
                    };
                } else if matches!(prepared.work, Work::Run(..) | Work::Ask(..))
                    && !self.begun.contains(&begun(call))
                    && (asked.known.contains_key(&prepared.key) || !seen.insert(prepared.key.clone()))
                {
                    prepared.work = Work::Same;
                } else if prepared.wants_change()
                    && !self.begun.contains(&begun(call))
                    && let Some(reason) = asked.failed.get(&prepared.key)
                {
                    prepared.work = Work::Refused {
                        text: format!(
                            "this very change did not work a moment ago and was not tried again: {reason}. Say that it failed and what \
                             the person can do next"
                        ),
                        malformed: false,
                    };
                }
                prepared
            })
            .collect();
        let reads = all.iter().any(Prepared::reads);
        for prepared in &mut all {
            match &prepared.work {
                _ if reads && prepared.wants_change() && !self.begun.contains(&begun(&prepared.request)) => {
                    prepared.work = Work::Later;
                }
                Work::Run(tool, _) if prepared.reads() && self.looked.get(tool.toolkit) == Some(&true) => {
                    prepared.work = Work::Enough;
                }
                _ => {}
            }
        }
        all
    }

    /// What a rule may look at beside the arguments of a change. Empty where no rule looks, and where it cannot be told: then only
    /// rules fit that do not look.
    async fn facts_of(&self, call: &CallRequest) -> serde_json::Map<String, Value> {
        let (name, arguments) = in_its_own_name(call);
        let Some(tool) = self.engine.0.catalogue.find(&name) else { return Default::default() };
        let looks = self.engine.0.rules.iter().any(|rule| rule.looks_into(tool.tool.name));
        if tool.tool.effect == Effect::Read || !looks || !self.may_change {
            return Default::default();
        }
        let Ok(parsed) = tool.tool.parse(&arguments) else { return Default::default() };
        match tool.facts(&*parsed, &self.call_of(call)).await {
            Ok(facts) => facts,
            Err(error) => {
                tracing::info!(%error, tool = tool.tool.name, "what rules look at could not be told");
                Default::default()
            }
        }
    }

    fn understand(&self, call: &CallRequest, facts: serde_json::Map<String, Value>) -> Prepared {
        let (name, arguments) = in_its_own_name(call);
        let refuse = |text: String, malformed| Prepared {
            request: call.clone(),
            title: shorten(&clean(&name), 60),
            judgement: None,
            key: (name.clone(), arguments.clone()),
            work: Work::Refused { text, malformed },
        };
        let allowed = |tool: &&CatalogueTool| self.engine.0.catalogue.allows(self.agent, tool.toolkit);
        let Some(tool) = self.engine.0.catalogue.find(&name).filter(allowed) else {
            return refuse(format!("there is no tool {}; find_tools looks for one", shorten(&clean(&name), 60)), true);
        };
        let parsed = match tool.tool.parse(&arguments) {
            Err(error) => return refuse(error.to_string(), true),
            Ok(parsed) => parsed,
        };
        let mut value = serde_json::from_str::<Value>(&arguments).unwrap_or_else(|_| Value::Object(Default::default()));
        if let Value::Object(object) = &mut value {
            object.extend(facts);
        }
        let Judged { verdict, reason } = match self.may_change || tool.tool.effect == Effect::Read {
            true => self.judge(tool, &*parsed, &value),
            false => {
                Judged { verdict: Verdict::No, reason: "an errand only reads; leave changes to who asked you".into() }
            }
        };
        let judgement = Judgement {
            call_id: call.id.clone(),
            tool: tool.tool.name.to_owned(),
            verdict: verdict.name().to_owned(),
            reason: reason.clone(),
        };
        let work = match verdict {
            Verdict::Yes => Work::Run(tool.clone(), parsed),
            Verdict::Ask(approvers) if self.may_change => {
                return Prepared {
                    request: call.clone(),
                    title: shorten(&clean(&parsed.title()), 160),
                    judgement: Some(judgement),
                    key: (tool.tool.name.to_owned(), arguments_of(&value)),
                    work: Work::Ask(tool.clone(), parsed, approvers, reason),
                };
            }
            Verdict::Ask(_) => {
                Work::Refused { text: "this has to be asked about, which an errand cannot do".into(), malformed: false }
            }
            Verdict::No => Work::Refused { text: format!("this may not be done: {reason}"), malformed: false },
        };
        Prepared {
            request: call.clone(),
            title: match &work {
                Work::Run(_, parsed) => shorten(&clean(&parsed.title()), 160),
                _ => shorten(&clean(&name), 60),
            },
            judgement: Some(judgement),
            key: (tool.tool.name.to_owned(), arguments_of(&value)),
            work,
        }
    }

    fn judge(&self, tool: &CatalogueTool, parsed: &dyn ParsedCall, arguments: &Value) -> Judged {
        self.engine.judge(&Question {
            person: &self.person,
            agent: self.agent,
            channel: self.channel,
            room: self.room,
            tool: tool.tool.name,
            is_built_in: builtin::TOOLKITS.contains(&tool.toolkit),
            effect: tool.tool.effect,
            class: parsed.class(),
            arguments,
            label: self.label,
            sources: self.sources,
            said: self.said,
            is_scheduled: self.channel == "schedule",
        })
    }

    /// What the rules say of a call, given its arguments as JSON text.
    pub fn verdict(&self, tool: &CatalogueTool, parsed: &dyn ParsedCall, arguments: &str) -> Judged {
        self.judge(tool, parsed, &serde_json::from_str(arguments).unwrap_or_default())
    }

    /// What is to be written down about judgements that are more than "it only reads".
    pub fn audit(&self, prepared: &[Prepared]) -> Vec<NewAudit> {
        let at_ms = self.engine.0.clock.now_ms();
        let is_plain = |p: &Prepared| matches!(p.work, Work::Run(..) | Work::Same | Work::Later | Work::Enough);
        let worth_it = |p: &&Prepared| p.is_change() || !is_plain(p);
        prepared
            .iter()
            .filter(worth_it)
            .filter_map(|p| p.judgement.as_ref())
            .map(|judgement| NewAudit {
                at_ms,
                actor: Some(self.person.id),
                kind: "policy",
                subject: judgement.tool.clone(),
                conversation: Some(self.conversation),
                turn: Some(self.turn),
                detail: format!("{}: {}", judgement.verdict, judgement.reason),
            })
            .collect()
    }

    /// Run what was understood: reads side by side, then changes one after the other; `told` hears of each result as it comes.
    pub async fn run(&self, prepared: Vec<Prepared>, asked: &mut Asked, told: &(dyn Fn(&CallResult) + Sync)) -> Ran {
        fault_point!("tool.sent");
        let first = asked.results + 1;
        asked.results += u32::try_from(prepared.len()).unwrap_or(u32::MAX);
        asked.has_tried |= prepared.iter().any(Prepared::wants_change);
        let reference = |index: usize| format!("{}-{}", self.prefix, first as usize + index);
        let has_changes = prepared.iter().any(Prepared::is_change);
        let mut answered: Vec<Option<Answered>> = prepared.iter().map(|_| None).collect();
        let mut questions = 0;
        let order: Vec<u64> = prepared
            .iter()
            .map(|p| {
                let earlier = questions;
                questions += u64::from(matches!(p.work, Work::Ask(..)));
                earlier
            })
            .collect();
        let (changes, reads): (Vec<_>, Vec<_>) = prepared.into_iter().enumerate().partition(|(_, p)| p.is_change());
        let read = join_all(reads.into_iter().map(|(index, prepared)| {
            let (reference, earlier) = (reference(index), order[index]);
            async move { (index, self.answer(prepared, reference, told, earlier).await) }
        }));
        for (index, answer) in read.await {
            answered[index] = Some(answer);
        }
        let mut destroyed = 0;
        for (index, prepared) in changes {
            let earlier = destroyed;
            destroyed += u64::from(prepared.destroys());
            answered[index] = Some(self.answer(prepared, reference(index), told, earlier).await);
        }
        fault_point!("tool.reply");
        if has_changes {
            // What was read before a change may no longer be so.
            asked.known.retain(|_, result| result.receipt.is_some() || result.approval.is_some());
        }
        let mut ran = Ran::default();
        let mut repeats = Vec::new();
        for Answered { key, kind, result, approval } in answered.into_iter().flatten() {
            if kind == AnswerKind::Change {
                asked.note_change(key.clone(), &result);
            }
            match kind {
                AnswerKind::Same => repeats.push((ran.results.len(), key)),
                AnswerKind::Read | AnswerKind::Change if !result.is_error => {
                    asked.known.insert(key, result.clone());
                }
                AnswerKind::Read | AnswerKind::Change | AnswerKind::Void => {}
            }
            ran.approvals.extend(approval);
            ran.results.push(result);
        }
        for (index, key) in repeats {
            let result: &mut CallResult = &mut ran.results[index];
            match asked.known.get(&key) {
                Some(first) => {
                    // The full text stands with the first call; a repeat costs no tokens twice.
                    result.text = format!("same question as call {}; its result stands", first.call_id);
                    result.reference.clone_from(&first.reference);
                }
                None => {
                    result.is_error = true;
                    result.text = "same question as another call of this step, which failed".into();
                }
            }
            told(result);
        }
        ran
    }

    /// `earlier` calls of this batch are counted before this one where there is a limit: questions, or what cannot be undone.
    async fn answer(
        &self,
        prepared: Prepared,
        reference: String,
        told: &(dyn Fn(&CallResult) + Sync),
        earlier: u64,
    ) -> Answered {
        let started = Instant::now();
        let Prepared { request, title, key, work, .. } = prepared;
        let (mut toolkit, mut is_change, mut is_open) = (None, false, false);
        let (mut waits, mut approval, mut list_items) = (None, None, None);
        let kind_of = |tool: &CatalogueTool| match tool.tool.effect {
            Effect::Read => AnswerKind::Read,
            Effect::Write | Effect::Destroy => AnswerKind::Change,
        };
        let (outcome, kind) = match work {
            Work::Run(tool, parsed) => {
                toolkit = Some(tool.toolkit);
                list_items = tool.list_items;
                is_change = tool.tool.effect != Effect::Read;
                // What was begun before a stop is past counting.
                let capped = match self.begun.contains(&begun(&request)) {
                    true => Ok(()),
                    false => self.check_cap(&tool, earlier).await,
                };
                match capped {
                    Ok(()) => {
                        let (outcome, open) = self.call(&tool, parsed, &request, &key.1).await;
                        is_open = open;
                        (outcome, kind_of(&tool))
                    }
                    Err(error) => (Err(error), kind_of(&tool)),
                }
            }
            Work::Ask(tool, parsed, approvers, reason) => {
                toolkit = Some(tool.toolkit);
                match self.park(&tool, &*parsed, &request, &key.1, approvers, &reason, earlier).await {
                    Ok(Parked::Already(waiting)) => {
                        waits = Some(waiting);
                        let text = "Not done. The same question waits for a decision already; say so, and ask no more.";
                        (Ok(Output::text(text).labelled(Label::OWN)), kind_of(&tool))
                    }
                    Ok(Parked::New(parked)) => {
                        let text = format!(
                            "Not done. It waits for a decision by {}, who sees the question already. Say so in one short sentence, and not that it \
                         has happened.",
                            parked.approvers.in_words()
                        );
                        waits = Some(parked.id);
                        approval = Some(*parked);
                        (Ok(Output::text(text).labelled(Label::OWN)), kind_of(&tool))
                    }
                    Err(error) => (Err(error), kind_of(&tool)),
                }
            }
            Work::Same => (Ok(Output::default()), AnswerKind::Same),
            Work::Later => (Ok(Output::text(LATER).labelled(Label::OWN)), AnswerKind::Void),
            Work::Enough => (Ok(Output::text(ENOUGH).labelled(Label::OWN)), AnswerKind::Void),
            Work::Refused { text, .. } => (Err(ToolError::TellModel(text)), AnswerKind::Void),
        };
        let same = kind == AnswerKind::Same;
        let mut result = CallResult {
            call_id: request.id,
            name: key.0.clone(),
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            title,
            approval: waits,
            reference: Some(reference.clone()),
            ..CallResult::default()
        };
        match outcome {
            Ok(output) => {
                let own = toolkit.map_or(Label::OWN, |name| self.engine.0.catalogue.label_of(name));
                result.label = output.label.unwrap_or(own);
                result.text = self.bounded(clean(&output.text), result.label, &reference, list_items).await;
                result.cards = output.cards;
                if is_change {
                    let receipt = output.receipt.unwrap_or_else(|| format!("Done: {}.", result.title));
                    result.receipt = Some(shorten(&clean(&receipt), 300));
                    self.offer_undo(&mut result, output.undo);
                }
            }
            Err(error) => {
                result.is_error = true;
                // What a tool says of its failure may quote its service.
                if !matches!(error, ToolError::Bug(_)) {
                    result.label = toolkit.map_or(Label::OWN, |name| self.engine.0.catalogue.label_of(name));
                }
                result.uncertain = is_open;
                result.text = match &error {
                    ToolError::Bug(detail) => {
                        tracing::error!(tool.name = %result.name, detail, "a tool failed");
                        "this tool failed inside; do without it and say so".to_owned()
                    }
                    other => shorten(&clean(&other.to_string()), 600),
                };
                if result.uncertain {
                    result.text.push_str(
                        ". Whether it happened is not known: say so, ask the person to check, and do not try again",
                    );
                }
            }
        }
        if !same {
            told(&result);
        }
        Answered { key, kind, result, approval }
    }

    #[allow(clippy::too_many_arguments)]
    async fn park(
        &self,
        tool: &CatalogueTool,
        parsed: &dyn ParsedCall,
        request: &CallRequest,
        arguments: &str,
        approvers: Approvers,
        reason: &str,
        earlier: u64,
    ) -> Result<Parked, ToolError> {
        self.check_cap(tool, 0).await?;
        let inner = &self.engine.0;
        let now_ms = inner.clock.now_ms();
        let waiting = inner
            .store
            .open_approval_of(self.conversation, tool.tool.name, parsed.instance(), arguments, now_ms)
            .await
            .map_err(unreachable)?;
        // Somebody else's question of a shared room is not this person's.
        if let Some(waiting) = waiting.filter(|waiting| waiting.requester == self.person.id) {
            return Ok(Parked::Already(waiting.id));
        }
        let parking = Parking {
            turn: self.turn,
            conversation: self.conversation,
            person: &self.person,
            agent: self.agent,
            call: &self.call_of(request),
            tool,
            parsed,
            arguments,
            approvers,
            reason,
            replaces: None,
            earlier,
        };
        Ok(Parked::New(Box::new(self.engine.park(parking).await?)))
    }

    /// What cannot be undone has a limit a day, over the whole household; `earlier` of it are done or begun and not written down.
    pub async fn check_cap(&self, tool: &CatalogueTool, earlier: u64) -> Result<(), ToolError> {
        if tool.tool.effect != Effect::Destroy {
            return Ok(());
        }
        let inner = &self.engine.0;
        let since_ms = inner.clock.now_ms() - DAY_MS;
        let number = inner.store.count_executed(&inner.catalogue.destroying(), since_ms).await.map_err(unreachable)?;
        if number + earlier >= MOST_DESTROYED {
            return Err(ToolError::TellModel(format!(
                "{MOST_DESTROYED} things that cannot be undone were done within a day; no more of them today"
            )));
        }
        Ok(())
    }

    async fn call(
        &self,
        tool: &CatalogueTool,
        parsed: Box<dyn ParsedCall>,
        request: &CallRequest,
        arguments: &str,
    ) -> (Result<Output, ToolError>, bool) {
        let call = self.call_of(request);
        let (outcome, is_open) = match self.begun.contains(&begun(request)) {
            false => self.run_once(tool, parsed, &call, arguments).await,
            true => self.take_up(tool, parsed, &call, arguments).await,
        };
        let word = match &outcome {
            Ok(_) => "ok",
            Err(ToolError::TellModel(_)) => "told_model",
            Err(ToolError::CouldNotAsk { .. }) => "could_not_ask",
            Err(ToolError::Bug(_)) => "bug",
        };
        metrics::counter!("majordomo_tool_calls_total", "tool" => tool.tool.name, "outcome" => word).increment(1);
        (outcome, is_open)
    }

    pub fn call_of(&self, request: &CallRequest) -> Call {
        Call {
            id: request.id.clone(),
            turn: self.turn,
            conversation: self.conversation,
            person: self.person.clone(),
            agent: self.agent.id,
            toolkits: self.agent.toolkits.as_slice().into(),
            room: self.room.map(Arc::from),
            channel: self.channel.into(),
            label: self.label,
            key: format!("{}:{}:{}", self.turn, request.id, digest(&request.arguments)),
            ask: self.engine.asking(Payer { turn: self.turn, person: self.person.clone(), agent: self.agent.id }),
            now_ms: self.engine.0.clock.now_ms(),
        }
    }

    /// Run a call once. After a change that did not report back, look whether it happened, where the tool can tell; the flag says
    /// that nobody knows.
    async fn run_once(
        &self,
        tool: &CatalogueTool,
        parsed: Box<dyn ParsedCall>,
        call: &Call,
        arguments: &str,
    ) -> (Result<Output, ToolError>, bool) {
        let outcome = guarded(tool.run(parsed, call)).await;
        match tool.tool.repeat {
            _ if tool.tool.effect == Effect::Read || !is_open(&outcome) => (outcome, false),
            Repeat::Harmless => (outcome, false),
            Repeat::Blind => (outcome, true),
            Repeat::Keyed => match tool.tool.parse(arguments) {
                Ok(again) => {
                    let outcome = guarded(tool.run(again, call)).await;
                    let is_open = is_open(&outcome);
                    (outcome, is_open)
                }
                Err(_) => (outcome, true),
            },
            Repeat::Checkable => match self.look(tool, call, arguments).await {
                Ok(Some(found)) => (Ok(found), false),
                Ok(None) => (outcome, false),
                Err(_) => (outcome, true),
            },
        }
    }

    /// Go on with a change that an earlier attempt has begun.
    async fn take_up(
        &self,
        tool: &CatalogueTool,
        parsed: Box<dyn ParsedCall>,
        call: &Call,
        arguments: &str,
    ) -> (Result<Output, ToolError>, bool) {
        let unknown = |reason: String| (Err(ToolError::CouldNotAsk { service: tool.toolkit.into(), reason }), true);
        match tool.tool.repeat {
            Repeat::Keyed | Repeat::Harmless => self.run_once(tool, parsed, call, arguments).await,
            Repeat::Checkable => match self.look(tool, call, arguments).await {
                Ok(Some(found)) => (Ok(found), false),
                Ok(None) => self.run_once(tool, parsed, call, arguments).await,
                Err(error) => unknown(error.to_string()),
            },
            Repeat::Blind => unknown("the service stopped while this ran".into()),
        }
    }

    async fn look(&self, tool: &CatalogueTool, call: &Call, arguments: &str) -> Result<Option<Output>, ToolError> {
        let parsed = tool.tool.parse(arguments)?;
        guarded(tool.check(&*parsed, call)).await
    }

    /// What a model sees of a result: long lists and long texts are cut, and the whole is kept under the reference.
    async fn bounded(&self, text: String, label: Label, reference: &str, list_items: Option<usize>) -> String {
        let limit = self.result_chars.max(200);
        let short = list_items.and_then(|most| Some((lists::shortened(&text, most)?, most)));
        let shown = short.as_ref().map_or(&text, |((shown, _), _)| shown);
        let is_long = shown.len() > limit && shown.chars().count() > limit;
        if !is_long && short.is_none() {
            if self.keeps_all {
                // Without it the worker has one thing less to read again.
                let _ = self.keep(&text, label, reference).await;
            }
            return text;
        }
        let is_kept = self.keep(&text, label, reference).await;
        let head: String = if is_long { shown.chars().take(limit).collect() } else { shown.clone() };
        let total = text.chars().count();
        match (&short, is_kept) {
            (Some(((_, longest), most)), true) => format!(
                "{head}\n[lists of up to {longest} entries cut to {most}: recall with reference \"{reference}\", start {most} and count]"
            ),
            (Some(((_, longest), most)), false) => {
                format!("{head}\n[lists of up to {longest} entries cut to {most}; the others could not be kept]")
            }
            (None, true) => format!(
                "{head}\n[cut at {limit} of {total} characters: recall with reference \"{reference}\" and offset {limit}]"
            ),
            (None, false) => format!("{head}\n[cut at {limit} of {total} characters; the rest could not be kept]"),
        }
    }

    /// Keep a whole result; whether that worked.
    async fn keep(&self, text: &str, label: Label, reference: &str) -> bool {
        let whole = recall::kept(label, text.chars().take(500_000));
        let owner = self.conversation.to_string();
        let now_ms = self.engine.0.clock.now_ms();
        self.engine.0.store.put_document(recall::RECALL, &owner, reference, &whole, None, now_ms).await.is_ok()
    }
}

/// What a call asks, by whatever name it asks it. None when it is not understood.
pub(crate) fn key_of(engine: &Engine, call: &CallRequest) -> Option<Key> {
    let (name, arguments) = in_its_own_name(call);
    let tool = engine.0.catalogue.find(&name)?;
    Some((tool.tool.name.to_owned(), arguments_of(&serde_json::from_str(&arguments).ok()?)))
}

/// Whether a change did not report back, so that nobody knows of it by that alone.
fn is_open(outcome: &Result<Output, ToolError>) -> bool {
    matches!(outcome, Err(ToolError::CouldNotAsk { .. } | ToolError::Bug(_)))
}

/// What a tool says when the store was not there for it.
pub(crate) fn unreachable(error: StoreError) -> ToolError {
    ToolError::CouldNotAsk { service: "the store".into(), reason: error.to_string() }
}

/// A tool that panics is a bug of that tool, not the end of the turn.
async fn guarded<T>(work: impl Future<Output = Result<T, ToolError>>) -> Result<T, ToolError> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(ToolError::Bug("it panicked".into())))
}

/// The same text for the same arguments.
fn arguments_of(value: &Value) -> String {
    serde_json_canonicalizer::to_string(value).unwrap_or_else(|_| value.to_string())
}

/// Toolkits whose words are not the person's own, of results read so far.
pub(crate) fn sources_of<'a>(engine: &Engine, results: impl Iterator<Item = &'a CallResult>) -> BTreeSet<String> {
    results
        .filter(|result| result.label.origin > Origin::Own)
        .map(|result| engine.0.catalogue.find(&result.name).map_or(result.name.clone(), |tool| tool.toolkit.to_owned()))
        .collect()
}

/// Sixteen characters that differ for different texts.
fn digest(text: &str) -> String {
    let mut hex = format!("{:x}", Sha256::digest(text));
    hex.truncate(16);
    hex
}
