//! Park a call, decide it once, let it expire. Carrying out what was decided is a turn of its own; see `turn/carry.rs`.

use crate::{
    access::{self, Judged, ORDINARY, Question, Verdict},
    budget::Payer,
    catalogue::CatalogueTool,
    dispatch::unreachable,
    engine::{Engine, EngineError, LEASE_MS},
};
use majordomo_domain::{
    Accepted, Agent, Approval, ApprovalId, ApprovalState, Approvers, Call, Card, ConversationId, Decision, EventKind,
    Notice, NoticeKind, Part, Person, PersonId, ToolError, TurnId,
    approval::Fingerprint,
    fault_point,
    model::ToolSpec,
    op::{Decide, Say, Task},
    text::{clean, shorten, visible},
    tool::ParsedCall,
};
use majordomo_store::{DecideOutcome, NewAudit, NewDecision, NewTurn};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Approvals one person may have open. More of them would be signed unread.
const MOST_OPEN: u64 = 20;
/// How long a look at the clock is put off at most; what opens in between wakes earlier.
const LONGEST_NAP: Duration = Duration::from_secs(30);
/// Characters of a reason for a no.
const REASON: usize = 300;
/// What is said when somebody changed the row behind a question.
pub(crate) const CHANGED_ROW: &str = "what is stored is not what was asked; ask again";
/// The longest an approval may stay open: 30 days. Seconds.
const LONGEST: u32 = 2_592_000;

/// A call that has to be asked about.
pub(crate) struct Parking<'a> {
    pub turn: TurnId,
    pub conversation: ConversationId,
    pub person: &'a Person,
    pub agent: &'a Agent,
    pub call: &'a Call,
    pub tool: &'a CatalogueTool,
    pub parsed: &'a dyn ParsedCall,
    /// JSON text of the arguments.
    pub arguments: &'a str,
    pub approvers: Approvers,
    pub reason: &'a str,
    pub replaces: Option<ApprovalId>,
    /// Questions of the same step that are being put together too, before this one.
    pub earlier: u64,
}

impl Engine {
    /// Put together what is asked, and let the tool keep what it needs of that. The approval itself is stored with the step that names
    /// it.
    pub(crate) async fn park(&self, parking: Parking<'_>) -> Result<Approval, ToolError> {
        let approval = self.put_together(&parking).await?;
        parking.parsed.waits(parking.call).await?;
        Ok(approval)
    }

    async fn put_together(&self, parking: &Parking<'_>) -> Result<Approval, ToolError> {
        let inner = &self.0;
        if inner.store.count_open_approvals(parking.person.id).await.map_err(unreachable)? + parking.earlier
            >= MOST_OPEN
        {
            return Err(ToolError::TellModel(format!(
                "{MOST_OPEN} questions of this person wait for a decision already; they have to be decided first"
            )));
        }
        let tool = &parking.tool.tool;
        let card = parking.tool.preview(parking.parsed, parking.call).await?;
        let mut wording = parking.parsed.wording();
        let (question, hidden) = visible(&wording.question);
        wording.question = shorten(&question, 256);
        wording.declined = shorten(&visible(&wording.declined).0, 256);
        wording.reason = if parking.reason == ORDINARY { String::new() } else { visible(parking.reason).0 };
        let arguments = canonical(parking.arguments)?;
        let schema_hash = schema_hash(&tool.spec);
        let instance = parking.parsed.instance().to_owned();
        let now_ms = inner.clock.now_ms();
        let seconds = parking.agent.approvals.expiry_of(tool.name).unwrap_or(tool.approval_seconds).clamp(1, LONGEST);
        let mut approval = Approval {
            id: ApprovalId::new(),
            conversation: parking.conversation,
            turn: parking.turn,
            call_id: parking.call.id.clone(),
            agent: parking.agent.id,
            requester: parking.person.id,
            tool: tool.name.to_owned(),
            fingerprint: Fingerprint(String::new()),
            instance,
            arguments,
            schema_hash,
            approvers: parking.approvers,
            card: shown(card, hidden),
            wording,
            state: ApprovalState::Open,
            created_at_ms: now_ms,
            expires_at_ms: now_ms + i64::from(seconds) * 1_000,
            decided_at_ms: None,
            decided_by: None,
            decision_turn: None,
            replaces: parking.replaces,
            outcome: None,
        };
        approval.fingerprint = fingerprint(&approval);
        Ok(approval)
    }

    /// Tell watchers of new approvals, and the clock when they run out.
    pub(crate) fn opened(&self, approvals: Vec<Approval>) {
        for approval in approvals {
            let room = self.0.rooms.of(approval.conversation);
            fault_point!("appr.shown");
            room.tell_now(&self.0.bus, EventKind::ApprovalOpened { approval: Box::new(approval) });
        }
        self.0.expiry.notify_one();
    }

    pub(crate) async fn tell_changed(&self, id: ApprovalId) {
        match self.0.store.approval(id).await {
            Ok(approval) => {
                let room = self.0.rooms.of(approval.conversation);
                room.tell_now(&self.0.bus, EventKind::ApprovalChanged { approval: Box::new(approval) });
            }
            Err(error) => tracing::warn!(%error, approval.id = %id, "watchers were not told of a decision"),
        }
    }

    /// Somebody decides. The first decision wins; it is on disk, with the turn that carries it out, when this returns.
    pub async fn decide(&self, decide: Decide) -> Result<Accepted, EngineError> {
        if self.is_draining() {
            return Err(EngineError::Draining);
        }
        fault_point!("appr.rx");
        let inner = &self.0;
        let approval = inner.store.approval(decide.approval).await?;
        // As they stand now, not as they stood when somebody last looked.
        let person = inner.store.person(decide.by).await?;
        if !approval.approvers.include(person.id, person.standing, approval.requester) {
            self.write_down(self.approval_audit(&approval, Some(person.id), "tried to decide and may not".into()))
                .await;
            return Err(EngineError::NotAllowed(format!("this is for {} to decide", approval.approvers.in_words())));
        }
        if !approval.state.is_open() {
            return Err(EngineError::Conflict(approval.state.in_words().into()));
        }
        if !is_as_asked(&approval) {
            self.write_down(self.approval_audit(&approval, Some(person.id), "its row was changed".into())).await;
            return Err(EngineError::Conflict(CHANGED_ROW.into()));
        }
        // A name is its bearer's own words; the model reads only the requester's own.
        let name = match person.id == approval.requester {
            true => person.name.clone(),
            false => format!("another {}", person.standing.as_str()),
        };
        match decide.decision {
            Decision::Approve => {
                let line = format!("Approved by {name}: {}", approval.wording.question);
                self.close(&approval, Some(&person), ApprovalState::Approved, None, decided(line)).await
            }
            Decision::Decline { reason } => {
                let reason = reason.map(|r| shorten(clean(&r).trim(), REASON)).filter(|r| !r.is_empty());
                let is_own = person.id == approval.requester;
                let because = reason.as_ref().filter(|_| is_own).map(|r| format!(" Reason: {r}")).unwrap_or_default();
                let mut parts = decided(format!("Declined by {name}: {}{because}", approval.wording.question));
                // Somebody else's words are a quotation: they change nothing by themselves.
                if let Some(reason) = reason.as_ref().filter(|_| !is_own) {
                    parts.push(Part::text(format!("> {}", reason.split_whitespace().collect::<Vec<_>>().join(" "))));
                }
                self.close(&approval, Some(&person), ApprovalState::Declined, reason, parts).await
            }
            Decision::Change { arguments } => self.change(&approval, &person, arguments).await,
        }
    }

    /// Other arguments are another question: it is judged, shown and decided by itself.
    async fn change(&self, old: &Approval, by: &Person, arguments: Value) -> Result<Accepted, EngineError> {
        let inner = &self.0;
        let tool = inner.catalogue.find(&old.tool).ok_or(EngineError::NotFound("tool"))?;
        let text = arguments.to_string();
        let parsed = tool.tool.parse(&text)?;
        if canonical(&text)? == old.arguments {
            return Err(EngineError::Conflict("nothing was changed".into()));
        }
        let agent = self.agent(old.agent);
        let requester = inner.store.person(old.requester).await?;
        let say = inner.store.turn_say(old.turn).await?;
        let person = Arc::new(requester.clone());
        let call = Call {
            id: old.call_id.clone(),
            turn: old.turn,
            conversation: old.conversation,
            agent: agent.id,
            toolkits: agent.toolkits.as_slice().into(),
            room: say.room.as_deref().map(Arc::from),
            channel: say.address.channel.as_str().into(),
            key: String::new(),
            label: majordomo_domain::Label::OWN,
            ask: self.asking(Payer { turn: old.turn, person: person.clone(), agent: agent.id }),
            now_ms: inner.clock.now_ms(),
            person,
        };
        let mut looked_at = arguments.clone();
        if let Value::Object(object) = &mut looked_at
            && inner.rules.iter().any(|rule| rule.looks_into(tool.tool.name))
        {
            object.extend(tool.facts(&*parsed, &call).await.unwrap_or_default());
        }
        let nobody = BTreeSet::new();
        let judged = self.judge(&Question {
            person: &requester,
            agent,
            channel: &say.address.channel,
            room: say.room.as_deref(),
            tool: tool.tool.name,
            is_built_in: false,
            effect: tool.tool.effect,
            class: parsed.class(),
            arguments: &looked_at,
            label: majordomo_domain::Label::OWN,
            sources: &nobody,
            said: "",
            is_scheduled: false,
        });
        let approvers = match judged {
            Judged { verdict: Verdict::No, reason } => return Err(EngineError::NotAllowed(reason)),
            Judged { verdict: Verdict::Ask(approvers), .. } => approvers,
            Judged { verdict: Verdict::Yes, .. } => old.approvers,
        };
        let reason = match old.wording.reason.as_str() {
            "" => format!("changed by {}", by.name),
            before => format!("changed by {}; {before}", by.name),
        };
        let parking = Parking {
            turn: old.turn,
            conversation: old.conversation,
            person: &requester,
            agent,
            call: &call,
            tool,
            parsed: &*parsed,
            arguments: &text,
            approvers,
            reason: &reason,
            replaces: Some(old.id),
            earlier: 0,
        };
        let replacement = self.put_together(&parking).await?;
        let new = NewDecision {
            approval: old.id,
            by: Some(by.id),
            state: ApprovalState::Changed,
            outcome: None,
            turn: None,
            audit: self.approval_audit(
                old,
                Some(by.id),
                format!("changed; approval {} takes its place", replacement.id),
            ),
            replacement: Some(replacement.clone()),
            now_ms: inner.clock.now_ms(),
        };
        match inner.store.decide(new).await? {
            DecideOutcome::Decided { .. } => {
                // Only now: who was slower than another decision has changed nothing.
                if let Err(error) = parsed.waits(&call).await {
                    tracing::warn!(%error, approval.id = %replacement.id, "what waits was not changed with its question");
                }
                self.tell_changed(old.id).await;
                self.opened(vec![replacement.clone()]);
                Ok(Accepted::Asked { approval: Box::new(replacement) })
            }
            DecideOutcome::TooLate(approval) => Err(EngineError::Conflict(approval.state.in_words().into())),
        }
    }

    /// End the time of waiting: a decision, or nobody's. `parts` begin the turn that follows; none, no turn.
    async fn close(
        &self,
        approval: &Approval,
        by: Option<&Person>,
        state: ApprovalState,
        outcome: Option<String>,
        parts: Vec<Part>,
    ) -> Result<Accepted, EngineError> {
        let inner = &self.0;
        let asked = inner.store.turn_say(approval.turn).await;
        let room = inner.rooms.of(approval.conversation);
        let _gate = room.gate.lock().await;
        let (waiting, free) = room.reserve();
        let now_ms = inner.clock.now_ms();
        let turn = match asked {
            Ok(asked) if !parts.is_empty() => Some(NewTurn {
                id: TurnId::new(),
                say: Say {
                    conversation: approval.conversation,
                    agent: approval.agent,
                    author: approval.requester,
                    address: asked.address,
                    room: asked.room,
                    platform_id: None,
                    parts,
                    model: None,
                    output_tokens: None,
                    task: Task::Decision { approval: approval.id },
                },
                create: None,
                claim: free.then(|| (inner.owner.clone(), now_ms + LEASE_MS)),
                now_ms,
            }),
            _ => None,
        };
        let words = match (state, &outcome) {
            (ApprovalState::Approved, _) => "approved",
            (ApprovalState::Declined, Some(_)) => "declined with a reason",
            (ApprovalState::Declined, None) => "declined",
            _ => "nobody decided in time",
        };
        let new = NewDecision {
            approval: approval.id,
            by: by.map(|person| person.id),
            state,
            outcome,
            turn: turn.clone(),
            replacement: None,
            audit: self.approval_audit(approval, by.map(|person| person.id), words.into()),
            now_ms,
        };
        fault_point!("appr.cas");
        let decided = match inner.store.decide(new).await {
            Ok(DecideOutcome::Decided { approval, turn }) => (approval, turn),
            Ok(DecideOutcome::TooLate(approval)) => {
                room.unreserve(free);
                return Err(EngineError::Conflict(approval.state.in_words().into()));
            }
            Err(error) => {
                room.unreserve(free);
                return Err(error.into());
            }
        };
        let (approval, opened) = decided;
        room.tell_now(&inner.bus, EventKind::ApprovalChanged { approval: approval.clone() });
        match (turn, opened) {
            (Some(turn), Some(opened)) => {
                let id = turn.id;
                self.line_up(&room, id, turn.say, opened, waiting, free);
                Ok(Accepted::Decided { approval, turn: Some(id) })
            }
            _ => {
                room.unreserve(free);
                Ok(Accepted::Decided { approval, turn: None })
            }
        }
    }

    fn approval_audit(&self, approval: &Approval, actor: Option<PersonId>, detail: String) -> NewAudit {
        NewAudit {
            at_ms: self.0.clock.now_ms(),
            actor,
            kind: "approval",
            subject: approval.tool.clone(),
            conversation: Some(approval.conversation),
            turn: Some(approval.turn),
            detail: format!("approval {}: {detail}", approval.id),
        }
    }

    /// Approvals a person may decide or has asked for, newest first.
    pub async fn approvals(
        &self,
        person: &Person,
        only_open: bool,
        before_ms: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Approval>, EngineError> {
        let all = self.0.store.approvals(None, only_open, before_ms, 500).await?;
        Ok(all.into_iter().filter(|approval| may_see(approval, person)).take(limit.clamp(1, 200) as usize).collect())
    }

    /// One of them; somebody else's is not found.
    pub async fn approval(&self, id: ApprovalId, person: &Person) -> Result<Approval, EngineError> {
        let approval = self.0.store.approval(id).await?;
        if may_see(&approval, person) { Ok(approval) } else { Err(EngineError::NotFound("approval")) }
    }

    pub(crate) fn judge(&self, question: &Question<'_>) -> Judged {
        access::judge(question, &self.0.rules)
    }

    /// Strike through what ran out, as long as the house runs. What ran out while it did not comes first.
    pub(crate) fn spawn_expiry(&self) {
        let engine = self.clone();
        self.0.tasks.spawn(async move {
            loop {
                engine.expire_due().await;
                let next = engine.0.store.next_expiry().await.ok().flatten();
                let left = next.map_or(LONGEST_NAP, |at| {
                    Duration::from_millis(u64::try_from(at - engine.0.clock.now_ms()).unwrap_or(0)).min(LONGEST_NAP)
                });
                tokio::select! {
                    () = engine.0.halt.cancelled() => break,
                    () = engine.0.expiry.notified() => {}
                    () = tokio::time::sleep(left.max(Duration::from_millis(20))) => {}
                }
            }
        });
    }

    async fn expire_due(&self) {
        let due = match self.0.store.overdue_approvals(self.0.clock.now_ms()).await {
            Ok(due) => due,
            Err(error) => return tracing::warn!(%error, "approvals that ran out were not looked up"),
        };
        for approval in due {
            let line = format!("Nobody decided in time: {}", approval.wording.question);
            match self.close(&approval, None, ApprovalState::Expired, None, decided(line)).await {
                Ok(_) | Err(EngineError::Conflict(_)) => {}
                // A conversation that is gone has no line to end in.
                Err(EngineError::NotFound(_)) => {
                    let _ = self.close(&approval, None, ApprovalState::Expired, None, Vec::new()).await;
                }
                Err(error) => tracing::warn!(%error, approval.id = %approval.id, "an approval was not closed"),
            }
        }
    }
}

/// What begins the turn after a decision.
fn decided(text: String) -> Vec<Part> {
    vec![Part::Notice(Notice::new(NoticeKind::Decided, text))]
}

fn may_see(approval: &Approval, person: &Person) -> bool {
    approval.requester == person.id || approval.approvers.include(person.id, person.standing, approval.requester)
}

/// Canonical JSON (RFC 8785): equal for equal arguments, whatever the order of their keys.
pub(crate) fn canonical(arguments: &str) -> Result<String, ToolError> {
    let text = if arguments.trim().is_empty() { "{}" } else { arguments };
    let value: Value = serde_json::from_str(text)
        .map_err(|error| ToolError::TellModel(format!("arguments not understood: {error}")))?;
    serde_json_canonicalizer::to_string(&value).map_err(|error| ToolError::Bug(error.to_string()))
}

pub(crate) fn schema_hash(spec: &ToolSpec) -> String {
    digest([spec.name.as_str(), &spec.description, &spec.schema.to_string()])
}

/// What is asked of whom, until when, and how it is shown: nothing of it can be changed without a new question.
fn fingerprint(approval: &Approval) -> Fingerprint {
    let shown = serde_json::json!([approval.approvers, approval.card, approval.wording]);
    Fingerprint(digest([
        &approval.tool,
        &approval.schema_hash,
        &approval.arguments,
        &approval.instance,
        &approval.conversation.to_string(),
        &approval.agent.to_string(),
        &approval.requester.to_string(),
        &approval.expires_at_ms.to_string(),
        &shown.to_string(),
    ]))
}

/// Whether the row of an approval still is what was asked.
pub(crate) fn is_as_asked(approval: &Approval) -> bool {
    approval.fingerprint == fingerprint(approval)
}

fn digest<const N: usize>(texts: [&str; N]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    format!("{:x}", hasher.finalize())
}

/// A card without what could mislead the one who decides; what was taken out is named.
fn shown(mut card: Card, mut hidden: Vec<char>) -> Card {
    let mut clear = |text: &mut String| {
        let (kept, taken) = visible(text);
        *text = kept;
        hidden.extend(taken);
    };
    for text in [&mut card.title, &mut card.subtitle, &mut card.text, &mut card.source] {
        clear(text);
    }
    for fact in &mut card.facts {
        clear(&mut fact.label);
        clear(&mut fact.value);
    }
    hidden.sort_unstable();
    hidden.dedup();
    if !hidden.is_empty() {
        let points: Vec<String> = hidden.iter().take(12).map(|c| format!("U+{:04X}", u32::from(*c))).collect();
        card = card.fact("Hidden characters", points.join(", "));
    }
    card
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_arguments_have_one_canonical_form_and_twins_do_not() {
        let form = |text: &str| canonical(text).unwrap();
        assert_eq!(form(r#"{"b": 1, "a": [1.0, "é"]}"#), form("{\"a\":[1,\"\\u00e9\"],\n\"b\":1}"));
        for (one, other) in [
            (r#"{"name":"V"}"#, r#"{"name":"v"}"#),
            (r#"{"name":"V"}"#, r#"{"name":"V "}"#),
            // Latin a and Cyrillic a.
            (r#"{"name":"Panam"}"#, "{\"name\":\"P\u{430}nam\"}"),
            // One character and its composed twin.
            ("{\"name\":\"\u{e9}\"}", "{\"name\":\"e\u{301}\"}"),
            (r#"{"id":1}"#, r#"{"id":"1"}"#),
            (r#"{"id":1}"#, r#"{"id":1,"x":null}"#),
        ] {
            assert_ne!(form(one), form(other), "{one} and {other}");
        }
        assert!(canonical("{").is_err());
    }

    #[test]
    fn a_fingerprint_covers_everything_that_was_asked_and_shown() {
        let mut approval = Approval {
            id: ApprovalId::new(),
            conversation: ConversationId::new(),
            turn: TurnId::new(),
            call_id: "1".into(),
            agent: majordomo_domain::AgentId::new(),
            requester: PersonId::new(),
            tool: "party_add".into(),
            instance: String::new(),
            arguments: "{}".into(),
            fingerprint: Fingerprint(String::new()),
            schema_hash: "a".into(),
            approvers: Approvers::REQUESTER,
            card: Card::new("x"),
            wording: Default::default(),
            state: ApprovalState::Open,
            created_at_ms: 0,
            expires_at_ms: 1,
            decided_at_ms: None,
            decided_by: None,
            decision_turn: None,
            replaces: None,
            outcome: None,
        };
        approval.fingerprint = fingerprint(&approval);
        assert!(is_as_asked(&approval));
        // What a decision writes is not part of it, nor is the order of keys in what was asked.
        assert!(is_as_asked(&Approval { state: ApprovalState::Approved, decided_at_ms: Some(2), ..approval.clone() }));
        for changed in [
            Approval { arguments: r#"{"name":"Other"}"#.into(), ..approval.clone() },
            Approval { tool: "party_remove".into(), ..approval.clone() },
            Approval { instance: "4k".into(), ..approval.clone() },
            Approval { schema_hash: "b".into(), ..approval.clone() },
            Approval { conversation: ConversationId::new(), ..approval.clone() },
            Approval { agent: majordomo_domain::AgentId::new(), ..approval.clone() },
            Approval { requester: PersonId::new(), ..approval.clone() },
            Approval { expires_at_ms: 2, ..approval.clone() },
            Approval { approvers: Approvers::from_standing(majordomo_domain::Standing::Guest), ..approval.clone() },
            Approval { card: Card::new("y"), ..approval.clone() },
        ] {
            assert!(!is_as_asked(&changed), "{changed:?}");
        }
    }

    #[test]
    fn a_schema_hash_is_of_name_description_and_arguments() {
        let spec = ToolSpec { name: "party_add".into(), description: "Add.".into(), schema: json!({"type": "object"}) };
        for changed in [
            ToolSpec { description: "Remove.".into(), ..spec.clone() },
            ToolSpec { name: "party_ad".into(), ..spec.clone() },
            ToolSpec { schema: json!({"type": "object", "properties": {"x": {}}}), ..spec.clone() },
        ] {
            assert_ne!(schema_hash(&changed), schema_hash(&spec));
        }
    }
}
