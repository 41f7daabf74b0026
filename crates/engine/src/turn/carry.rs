//! Turns that do not begin with a question: what was decided is carried out, a call a person made is run.

use super::{Making, Stop};
use crate::{
    access::{Question, Verdict},
    approve::{CHANGED_ROW, is_as_asked, schema_hash},
    catalogue::CatalogueTool,
    dispatch::Prepared,
};
use majordomo_domain::{
    Approval, ApprovalId, ApprovalState, CallRequest, CallResult, NoticeKind, Part, Role, Usage, fault_point,
    tool::ParsedCall,
};
use majordomo_store::{NewAudit, Settlement, StepKind, StoreError};
use std::collections::BTreeSet;

/// The name of a call that a person made without a model.
pub(crate) const DIRECT: &str = "direct";

/// Whether a model has something to say after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Answer,
    End,
}

impl Making<'_> {
    /// Carry out what was decided, once.
    pub(super) async fn carry_out(&mut self, id: ApprovalId) -> Result<Then, Stop> {
        let approval = match self.engine.0.store.approval(id).await {
            Ok(approval) => approval,
            Err(StoreError::NotFound(_)) => return Ok(Then::End),
            Err(error) => return Err(Stop::Failed(format!("the approval could not be read, {error}"))),
        };
        let is_direct = approval.call_id == DIRECT;
        match approval.state {
            ApprovalState::Approved | ApprovalState::Running => {}
            ApprovalState::Declined if approval.outcome.is_some() && !is_direct => return Ok(Then::Answer),
            ApprovalState::Declined => {
                self.notice(NoticeKind::Decided, approval.wording.declined);
                return Ok(Then::End);
            }
            ApprovalState::Executed | ApprovalState::Failed | ApprovalState::Uncertain if !is_direct => {
                return Ok(Then::Answer);
            }
            _ => return Ok(Then::End),
        }
        let request = CallRequest {
            id: format!("a{}", id.0.simple()),
            name: approval.tool.clone(),
            arguments: approval.arguments.clone(),
        };
        if self.added.is_empty() {
            let parts = vec![Part::Call(request.clone())];
            fault_point!("step.tx");
            self.journal(vec![asked(&parts)]).await?;
            fault_point!("step.done");
            self.add(Role::Assistant, parts);
        }
        match self.still_allowed(&approval).await {
            Ok((tool, parsed)) => {
                let prepared = vec![Prepared::approved(request.clone(), tool, parsed)];
                self.run_calls(&[request], prepared, Some(id)).await?;
            }
            Err(reason) => {
                let result = CallResult {
                    call_id: request.id,
                    name: request.name,
                    title: approval.wording.question.clone(),
                    text: format!("not done: {reason}"),
                    is_error: true,
                    ..CallResult::default()
                };
                let settlement = Settlement { approval: id, state: ApprovalState::Void, outcome: reason.clone() };
                let mut entry = self.entry(vec![StepKind::Returned { result: result.clone() }]);
                entry.settles = Some(settlement);
                entry.audit = vec![NewAudit {
                    at_ms: self.engine.0.clock.now_ms(),
                    actor: None,
                    kind: "approval",
                    subject: result.name.clone(),
                    conversation: Some(approval.conversation),
                    turn: Some(self.waiting.handle.turn),
                    detail: format!("approval {id}: approved and not done, {reason}"),
                }];
                self.enter(entry).await?;
                self.add_results(vec![result]);
                self.notice(NoticeKind::Decided, format!("Not done: {reason}."));
                self.engine.tell_changed(id).await;
                return Ok(Then::End);
            }
        }
        Ok(if is_direct { Then::End } else { Then::Answer })
    }

    /// Whether what was approved may still be done, by the house as it is now.
    async fn still_allowed(&self, approval: &Approval) -> Result<(CatalogueTool, Box<dyn ParsedCall>), String> {
        let inner = &self.engine.0;
        let tool = inner.catalogue.find(&approval.tool).filter(|tool| inner.catalogue.allows(self.agent, tool.toolkit));
        let tool = tool.ok_or("this tool is no longer there")?;
        if !is_as_asked(approval) {
            return Err(CHANGED_ROW.into());
        }
        if approval.schema_hash != schema_hash(&tool.tool.spec) {
            return Err("the tool has changed since it was asked; ask again".into());
        }
        let parsed = tool.tool.parse(&approval.arguments).map_err(|error| error.to_string())?;
        // What was begun may have happened; nothing is decided anew about it.
        if approval.state == ApprovalState::Running {
            return Ok((tool.clone(), parsed));
        }
        let unreadable = |error: StoreError| format!("people could not be looked up, {error}");
        let requester = inner.store.person(approval.requester).await.map_err(unreadable)?;
        let decided_by = approval.decided_by.ok_or("nobody has decided it")?;
        let decider = inner.store.person(decided_by).await.map_err(unreadable)?;
        if !approval.approvers.include(decider.id, decider.standing, requester.id) {
            return Err("the one who decided may no longer do so".into());
        }
        let arguments = serde_json::from_str(&approval.arguments).map_err(|error| error.to_string())?;
        let judged = self.engine.judge(&Question {
            person: &requester,
            agent: self.agent,
            channel: &self.waiting.say.address.channel,
            room: self.waiting.say.room.as_deref(),
            tool: tool.tool.name,
            is_built_in: false,
            effect: tool.tool.effect,
            class: parsed.class(),
            arguments: &arguments,
            label: majordomo_domain::Label::OWN,
            sources: &BTreeSet::new(),
            said: "",
            is_scheduled: false,
        });
        if judged.verdict == Verdict::No {
            return Err(judged.reason);
        }
        self.batch().check_cap(tool, 0).await.map_err(|error| error.to_string())?;
        Ok((tool.clone(), parsed))
    }

    /// Run a call that a person made.
    pub(super) async fn invoke(&mut self, call: CallRequest) -> Result<(), Stop> {
        if self.added.is_empty() {
            let prepared = self.prepare(std::slice::from_ref(&call)).await;
            let parts = vec![Part::Call(call.clone())];
            let audit = self.batch().audit(&prepared);
            let mut entry = self.entry(vec![asked(&parts)]);
            entry.audit = audit;
            self.enter(entry).await?;
            self.add(Role::Assistant, parts);
            return self.run_calls(&[call], prepared, None).await;
        }
        let open = self.open_calls();
        if !open.is_empty() {
            let prepared = self.prepare(&open).await;
            self.run_calls(&open, prepared, None).await?;
        }
        Ok(())
    }
}

fn asked(parts: &[Part]) -> StepKind {
    StepKind::Asked {
        parts: parts.to_vec(),
        model: String::new(),
        usage: Usage::default(),
        cost_micros: 0,
        judgements: Vec::new(),
    }
}
