//! Calls that wait for somebody's decision. A decision is a compare-and-set, in one commit with the turn that carries it out; so is
//! the begin of carrying it out, with its intent.

use crate::{
    Result, Store, StoreError,
    audit::{self, NewAudit},
    inbox::{NewTurn, OpenedTurn, open_turn},
    requests,
    row::{Columns, to_json},
    writer::Tx,
};
use majordomo_domain::{
    Approval, ApprovalId, ApprovalState, ConversationId, Millis, PersonId, TurnId, approval::Fingerprint,
};
use sqlx::any::AnyRow;

/// A decision, or the end of the time for one.
#[derive(Clone, Debug)]
pub struct NewDecision {
    pub approval: ApprovalId,
    /// None when nobody decided in time.
    pub by: Option<PersonId>,
    /// `Approved`, `Declined`, `Changed`, `Expired` or `Void`.
    pub state: ApprovalState,
    pub outcome: Option<String>,
    /// The turn that carries it out.
    pub turn: Option<NewTurn>,
    /// What takes its place.
    pub replacement: Option<Approval>,
    pub audit: NewAudit,
    pub now_ms: Millis,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DecideOutcome {
    Decided {
        approval: Box<Approval>,
        turn: Option<OpenedTurn>,
    },
    /// Somebody else, or time, was first; this is how it stands.
    TooLate(Box<Approval>),
}

impl Store {
    pub async fn approval(&self, id: ApprovalId) -> Result<Approval> {
        let row = self.first("SELECT * FROM approvals WHERE id = ?", &[id.into()]).await?;
        row.as_ref().map(read).transpose()?.ok_or(StoreError::NotFound("approval"))
    }

    /// Newest first; open ones only or all, of one person as the one who asked or of everybody.
    pub async fn approvals(
        &self,
        requester: Option<PersonId>,
        only_open: bool,
        before_ms: Option<Millis>,
        limit: u32,
    ) -> Result<Vec<Approval>> {
        let requester = requester.map(|p| p.to_string()).unwrap_or_default();
        let rows = self
            .all(
                "SELECT * FROM approvals WHERE (? = '' OR requester_id = ?) AND (? = 0 OR state = 'open') AND created_at_ms < ? \
                 ORDER BY created_at_ms DESC, id DESC LIMIT ?",
                &[
                    (&requester).into(),
                    (&requester).into(),
                    only_open.into(),
                    before_ms.unwrap_or(i64::MAX).into(),
                    limit.clamp(1, 500).into(),
                ],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Those of a conversation, oldest first. At most 500.
    pub async fn conversation_approvals(&self, conversation: ConversationId) -> Result<Vec<Approval>> {
        let sql = "SELECT * FROM approvals WHERE conversation_id = ? ORDER BY created_at_ms, id LIMIT 500";
        self.all(sql, &[conversation.into()]).await?.iter().map(read).collect()
    }

    /// Open ones whose time is over, the oldest first. At most 100.
    pub async fn overdue_approvals(&self, now_ms: Millis) -> Result<Vec<Approval>> {
        let sql =
            "SELECT * FROM approvals WHERE state = 'open' AND expires_at_ms <= ? ORDER BY expires_at_ms LIMIT 100";
        self.all(sql, &[now_ms.into()]).await?.iter().map(read).collect()
    }

    /// When the next open one runs out.
    pub async fn next_expiry(&self) -> Result<Option<Millis>> {
        let sql = "SELECT expires_at_ms FROM approvals WHERE state = 'open' ORDER BY expires_at_ms LIMIT 1";
        self.first(sql, &[]).await?.map(|row| row.int("expires_at_ms")).transpose()
    }

    /// How many open ones a person has asked for.
    pub async fn count_open_approvals(&self, requester: PersonId) -> Result<u64> {
        let sql = "SELECT COUNT(*) AS number FROM approvals WHERE requester_id = ? AND state = 'open'";
        self.first(sql, &[requester.into()]).await?.map_or(Ok(0), |row| row.count("number"))
    }

    /// How many calls of these tools were carried out since then, with somebody's decision or without one.
    pub async fn count_executed(&self, tools: &[&str], since_ms: Millis) -> Result<u64> {
        let decided = "SELECT COUNT(*) AS number FROM approvals WHERE tool = ? AND state IN ('running', 'executed', 'uncertain') \
                       AND decided_at_ms >= ?";
        let written = "SELECT COUNT(*) AS number FROM audit WHERE kind = 'execution' AND subject = ? AND detail <> 'did not work' \
                       AND at_ms >= ?";
        let mut number = 0;
        for tool in tools {
            let mut most = 0;
            // What runs now is not written down yet; what a rule allowed has no decision.
            for sql in [decided, written] {
                let row = self.first(sql, &[(*tool).into(), since_ms.into()]).await?;
                most = most.max(row.map_or(Ok(0), |row| row.count("number"))?);
            }
            number += most;
        }
        Ok(number)
    }

    /// One that waits in a conversation for this very call, if any.
    pub async fn open_approval_of(
        &self,
        conversation: ConversationId,
        tool: &str,
        instance: &str,
        arguments: &str,
        now_ms: Millis,
    ) -> Result<Option<Approval>> {
        let sql = "SELECT * FROM approvals WHERE conversation_id = ? AND tool = ? AND instance = ? AND state = 'open' \
                   AND expires_at_ms > ? AND arguments = ? ORDER BY created_at_ms LIMIT 1";
        let values = [conversation.into(), tool.into(), instance.into(), now_ms.into(), arguments.into()];
        self.first(sql, &values).await?.as_ref().map(read).transpose()
    }

    /// Decide once: the first commit wins. With it the turn that carries it out, and the approval that takes its place.
    pub async fn decide(&self, new: NewDecision) -> Result<DecideOutcome> {
        let decided = self.write(async move |tx| {
            // One that ran out can no longer be decided, also before anybody has written so.
            let not_before = if new.state == ApprovalState::Expired { 0 } else { new.now_ms };
            let won = tx
                .run(
                    "UPDATE approvals SET state = ?, decided_at_ms = ?, decided_by = ?, decision_turn_id = ?, outcome = ? \
                     WHERE id = ? AND state = 'open' AND expires_at_ms > ?",
                    &[
                        new.state.as_str().into(),
                        new.now_ms.into(),
                        new.by.map(|id| id.to_string()).into(),
                        new.turn.as_ref().map(|turn| turn.id.to_string()).into(),
                        new.outcome.clone().into(),
                        new.approval.into(),
                        not_before.into(),
                    ],
                )
                .await?;
            if won == 0 {
                let row = tx.first("SELECT * FROM approvals WHERE id = ?", &[new.approval.into()]).await?;
                let mut approval = row.as_ref().map(read).transpose()?.ok_or(StoreError::NotFound("approval"))?;
                if approval.state.is_open() {
                    approval.state = ApprovalState::Expired;
                }
                return Ok(DecideOutcome::TooLate(Box::new(approval)));
            }
            if let Some(replacement) = &new.replacement {
                insert(tx, replacement).await?;
            }
            audit::append(tx, std::slice::from_ref(&new.audit)).await?;
            let turn = match &new.turn {
                Some(turn) => Some(open_turn(tx, turn).await?),
                None => None,
            };
            let row = tx.first("SELECT * FROM approvals WHERE id = ?", &[new.approval.into()]).await?;
            let approval = row.as_ref().map(read).transpose()?.ok_or(StoreError::NotFound("approval"))?;
            requests::decided(tx, &approval, new.replacement.as_ref(), new.now_ms).await?;
            Ok(DecideOutcome::Decided { approval: Box::new(approval), turn })
        });
        let decided = decided.await;
        // Who waits for what was decided may be told now.
        self.inner.following.notify_one();
        decided
    }
}

pub(crate) async fn insert(tx: &mut Tx<'_>, approval: &Approval) -> Result<()> {
    tx.run(
        "INSERT INTO approvals (id, conversation_id, turn_id, call_id, agent_id, requester_id, tool, instance, arguments, schema_hash, \
         fingerprint, approvers, card, wording, state, created_at_ms, expires_at_ms, replaces_id) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            approval.id.into(),
            approval.conversation.into(),
            approval.turn.into(),
            (&approval.call_id).into(),
            approval.agent.into(),
            approval.requester.into(),
            (&approval.tool).into(),
            (&approval.instance).into(),
            (&approval.arguments).into(),
            (&approval.schema_hash).into(),
            (&approval.fingerprint.0).into(),
            to_json(&approval.approvers)?.into(),
            to_json(&approval.card)?.into(),
            to_json(&approval.wording)?.into(),
            approval.state.as_str().into(),
            approval.created_at_ms.into(),
            approval.expires_at_ms.into(),
            approval.replaces.map(|id| id.to_string()).into(),
        ],
    )
    .await?;
    Ok(())
}

/// Begin to carry out what was approved; [`StoreError::Conflict`] unless it is approved and nobody has begun.
pub(crate) async fn begin(tx: &mut Tx<'_>, id: ApprovalId, turn: TurnId) -> Result<()> {
    let won = tx
        .run(
            "UPDATE approvals SET state = 'running' WHERE id = ? AND state = 'approved' AND decision_turn_id = ?",
            &[id.into(), turn.into()],
        )
        .await?;
    if won == 0 { Err(StoreError::Conflict("this approval is not to be carried out".into())) } else { Ok(()) }
}

/// Write what became of it.
pub(crate) async fn settle(
    tx: &mut Tx<'_>,
    id: ApprovalId,
    state: ApprovalState,
    outcome: &str,
    now_ms: Millis,
) -> Result<()> {
    tx.run(
        "UPDATE approvals SET state = ?, outcome = ? WHERE id = ? AND state IN ('approved', 'running')",
        &[state.as_str().into(), outcome.into(), id.into()],
    )
    .await?;
    if matches!(state, ApprovalState::Failed | ApprovalState::Void) {
        let row = tx.first("SELECT * FROM approvals WHERE id = ?", &[id.into()]).await?;
        if let Some(approval) = row.as_ref().map(read).transpose()? {
            requests::not_done(tx, &approval, outcome, now_ms).await?;
        }
    }
    Ok(())
}

fn read(row: &AnyRow) -> Result<Approval> {
    Ok(Approval {
        id: row.id("id")?,
        conversation: row.id("conversation_id")?,
        turn: row.id("turn_id")?,
        call_id: row.text("call_id")?,
        agent: row.id("agent_id")?,
        requester: row.id("requester_id")?,
        tool: row.text("tool")?,
        instance: row.text("instance")?,
        arguments: row.text("arguments")?,
        schema_hash: row.text("schema_hash")?,
        fingerprint: Fingerprint(row.text("fingerprint")?),
        approvers: row.json("approvers")?,
        card: row.json("card")?,
        wording: row.json("wording")?,
        state: ApprovalState::parse(&row.text("state")?)
            .ok_or_else(|| StoreError::Other("an approval has no known state".into()))?,
        created_at_ms: row.int("created_at_ms")?,
        expires_at_ms: row.int("expires_at_ms")?,
        decided_at_ms: row.optional_int("decided_at_ms")?,
        decided_by: row.optional_id("decided_by")?,
        decision_turn: row.optional_id("decision_turn_id")?,
        replaces: row.optional_id("replaces_id")?,
        outcome: row.optional_text("outcome")?,
    })
}
