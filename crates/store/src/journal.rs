//! Turns and their steps: enough to go on after any stop.

use crate::{
    Fence, Result, Store, StoreError, approvals,
    audit::{self, Chain, NewAudit},
    conversations::inserted_message,
    row::{Columns, to_json},
    writer::Tx,
};
use majordomo_domain::{
    AgentId, Approval, ApprovalId, ApprovalState, CallRequest, CallResult, ConversationId, Delivery, Message, Millis,
    Part, PersonId, TurnId, TurnState, Usage, op::Say,
};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

/// One answer being made, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub id: TurnId,
    pub conversation: ConversationId,
    /// Place in the conversation, from 1.
    pub ordinal: i64,
    pub agent: AgentId,
    pub person: PersonId,
    pub state: TurnState,
    /// How often it was begun, from 1.
    pub attempt: i64,
    /// Text shown so far, written about once a second while it runs.
    pub partial: Option<String>,
    pub model: Option<String>,
    pub error: Option<String>,
    pub usage: Usage,
    pub cost_micros: i64,
    pub created_at_ms: Millis,
    pub started_at_ms: Option<Millis>,
    pub finished_at_ms: Option<Millis>,
}

/// A turn that has no end yet.
#[derive(Clone, Debug)]
pub struct UnfinishedTurn {
    pub turn: Turn,
    pub say: Say,
    pub steps: Vec<Step>,
    /// Somebody said stop, and it has not ended since.
    pub is_to_stop: bool,
}

/// Turns without an end that somebody wants to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToStop {
    Turn(TurnId),
    Conversation(ConversationId),
    Person(PersonId),
    Everybody,
}

/// One journalled act.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// From 1 within the turn.
    pub seq: i64,
    pub kind: StepKind,
    pub created_at_ms: Millis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StepKind {
    /// The model answered with calls: what it said and asked for, before any of them ran.
    Asked {
        parts: Vec<Part>,
        model: String,
        usage: Usage,
        cost_micros: i64,
        /// What the rules said of each call, in the order of the calls.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        judgements: Vec<Judgement>,
    },
    /// A call that changes something is about to run.
    Intent { call: CallRequest },
    /// A call ended.
    Returned { result: CallResult },
    /// Old messages were folded into a summary.
    Compacted { summary: String, through: i64 },
}

/// What the rules said of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    pub call_id: String,
    pub tool: String,
    /// `yes`, `ask` or `no`.
    pub verdict: String,
    /// Why, in one sentence.
    pub reason: String,
}

/// What is written in one commit while a turn runs.
#[derive(Clone, Debug)]
pub struct Entry {
    pub turn: TurnId,
    pub conversation: ConversationId,
    pub fence: Fence,
    pub steps: Vec<Step>,
    /// Approvals that open with it.
    pub approvals: Vec<Approval>,
    /// The approval this turn begins to carry out.
    pub begins: Option<ApprovalId>,
    /// What became of an approval.
    pub settles: Option<Settlement>,
    pub audit: Vec<NewAudit>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    pub approval: ApprovalId,
    pub state: ApprovalState,
    /// One sentence.
    pub outcome: String,
}

impl StepKind {
    fn name(&self) -> &'static str {
        match self {
            StepKind::Asked { .. } => "asked",
            StepKind::Intent { .. } => "intent",
            StepKind::Returned { .. } => "returned",
            StepKind::Compacted { .. } => "compacted",
        }
    }
}

/// The end of a turn, written in one commit.
#[derive(Clone, Debug)]
pub struct FinishedTurn {
    pub turn: TurnId,
    pub conversation: ConversationId,
    pub person: PersonId,
    pub agent: AgentId,
    pub fence: Fence,
    /// Keep the lease: another turn of the conversation follows at once.
    pub keep_lease: bool,
    pub state: TurnState,
    pub messages: Vec<Message>,
    pub model: String,
    pub error: Option<String>,
    pub usage: Usage,
    pub cost_micros: i64,
    /// `2026-11-21`, UTC.
    pub day: String,
    pub delivery: Option<Delivery>,
    pub audit: Vec<NewAudit>,
    /// Money was reserved for it.
    pub charged: bool,
    /// It carried out a decision.
    pub ends_decision: bool,
    pub now_ms: Millis,
}

impl Store {
    /// Begin a turn that waited. Takes or keeps the conversation's lease. [`StoreError::Fenced`] when somebody else holds it or an
    /// earlier turn of the conversation has no end yet, [`StoreError::NotFound`] when the turn is over or gone.
    pub async fn begin_turn(
        &self,
        turn: TurnId,
        conversation: ConversationId,
        owner: &str,
        until_ms: Millis,
        now_ms: Millis,
    ) -> Result<Fence> {
        let owner = owner.to_owned();
        self.write(async move |tx| {
            let taken = tx
                .run(
                    "UPDATE conversations SET lease_owner = ?, lease_until_ms = ?, lease_fence = lease_fence + 1 \
                     WHERE id = ? AND (lease_until_ms < ? OR lease_owner = ?) AND NOT EXISTS (SELECT 1 FROM turns e \
                     JOIN turns t ON t.conversation_id = e.conversation_id AND e.ordinal < t.ordinal \
                     WHERE t.id = ? AND e.state IN ('queued', 'running'))",
                    &[
                        (&owner).into(),
                        until_ms.into(),
                        conversation.into(),
                        now_ms.into(),
                        (&owner).into(),
                        turn.into(),
                    ],
                )
                .await?;
            if taken == 0 {
                let sql = "SELECT id FROM turns WHERE id = ? AND state IN ('queued', 'running')";
                let open = tx.first(sql, &[turn.into()]).await?;
                return Err(open.map_or(StoreError::NotFound("turn"), |_| StoreError::Fenced));
            }
            // A turn that was running before is begun again.
            let begun = tx
                .run(
                    "UPDATE turns SET attempt = CASE WHEN state = 'running' THEN attempt + 1 ELSE attempt END, state = 'running', \
                     started_at_ms = ? WHERE id = ? AND state IN ('queued', 'running')",
                    &[now_ms.into(), turn.into()],
                )
                .await?;
            if begun == 0 {
                return Err(StoreError::NotFound("turn"));
            }
            let row = tx
                .first("SELECT lease_fence FROM conversations WHERE id = ?", &[conversation.into()])
                .await?
                .ok_or(StoreError::NotFound("conversation"))?;
            Ok(Fence(row.int("lease_fence")?))
        })
        .await
    }

    /// Add a step. [`StoreError::Fenced`] when the conversation was taken over or is gone.
    pub async fn add_step(&self, turn: TurnId, conversation: ConversationId, fence: Fence, step: Step) -> Result<()> {
        self.enter(Entry {
            turn,
            conversation,
            fence,
            steps: vec![step],
            approvals: Vec::new(),
            begins: None,
            settles: None,
            audit: Vec::new(),
        })
        .await
    }

    /// Write steps, and what goes with them, in one commit.
    ///
    /// Errors: [`StoreError::Fenced`] when the conversation was taken over or is gone, [`StoreError::Conflict`] when an approval
    /// is not to be carried out (any more). Nothing is written then.
    pub async fn enter(&self, entry: Entry) -> Result<()> {
        let settles = entry.settles.is_some();
        let entered = self.write(async move |tx| {
            let held = tx
                .first(
                    "SELECT id FROM conversations WHERE id = ? AND lease_fence = ? FOR UPDATE",
                    &[entry.conversation.into(), entry.fence.0.into()],
                )
                .await?;
            if held.is_none() {
                return Err(StoreError::Fenced);
            }
            if let Some(approval) = entry.begins {
                approvals::begin(tx, approval, entry.turn).await?;
            }
            for step in &entry.steps {
                tx.run(
                    "INSERT INTO steps (turn_id, seq, kind, body, created_at_ms) VALUES (?, ?, ?, ?, ?)",
                    &[
                        entry.turn.into(),
                        step.seq.into(),
                        step.kind.name().into(),
                        to_json(&step.kind)?.into(),
                        step.created_at_ms.into(),
                    ],
                )
                .await?;
            }
            for approval in &entry.approvals {
                approvals::insert(tx, approval).await?;
            }
            if let Some(settlement) = &entry.settles {
                let at_ms = entry.steps.last().map(|step| step.created_at_ms);
                let at_ms = at_ms.or(entry.audit.last().map(|line| line.at_ms)).unwrap_or_default();
                approvals::settle(tx, settlement.approval, settlement.state, &settlement.outcome, at_ms).await?;
            }
            audit::append(tx, &entry.audit).await
        });
        let entered = entered.await;
        if settles {
            self.inner.following.notify_one();
        }
        entered
    }

    /// Keep the text shown so far, and the lease until then.
    pub async fn save_partial(
        &self,
        turn: TurnId,
        conversation: ConversationId,
        fence: Fence,
        text: &str,
        until_ms: Millis,
    ) -> Result<()> {
        let text = text.to_owned();
        self.write(async move |tx| {
            let held = tx
                .run(
                    "UPDATE conversations SET lease_until_ms = ? WHERE id = ? AND lease_fence = ?",
                    &[until_ms.into(), conversation.into(), fence.0.into()],
                )
                .await?;
            if held == 0 {
                return Err(StoreError::Fenced);
            }
            tx.run("UPDATE turns SET partial = ? WHERE id = ?", &[(&text).into(), turn.into()]).await?;
            Ok(())
        })
        .await
    }

    /// Write the end of a turn: its messages, its state, its cost, its delivery. All or nothing.
    /// [`StoreError::Fenced`] when the conversation was taken over, cleared or deleted; then nothing is written.
    pub async fn finish_turn(&self, end: FinishedTurn) -> Result<()> {
        self.write(async move |tx| {
            let visible = end.messages.iter().filter(|m| !m.visible_text().is_empty()).count() as u64;
            let chain = next_link(tx, &end).await?;
            // Both guards first: the conversation is still ours, and the turn is not over.
            let guards = [
                (
                    "UPDATE conversations SET message_count = message_count + ?, updated_at_ms = ?, chain = ?, \
                     lease_until_ms = CASE WHEN ? = 1 THEN lease_until_ms ELSE 0 END WHERE id = ? AND lease_fence = ?",
                    vec![
                        visible.into(),
                        end.now_ms.into(),
                        (&chain).into(),
                        end.keep_lease.into(),
                        end.conversation.into(),
                        end.fence.0.into(),
                    ],
                ),
                (
                    "UPDATE turns SET state = ?, chain = ?, partial = NULL, model = ?, error = ?, input_tokens = ?, cached_input_tokens = ?, \
                     output_tokens = ?, estimated = ?, cost_micros = ?, finished_at_ms = ? WHERE id = ? AND state IN ('queued', 'running')",
                    vec![
                        end.state.as_str().into(),
                        (&chain).into(),
                        (&end.model).into(),
                        end.error.clone().into(),
                        end.usage.input_tokens.into(),
                        end.usage.cached_input_tokens.into(),
                        end.usage.output_tokens.into(),
                        end.usage.estimated.into(),
                        end.cost_micros.into(),
                        end.now_ms.into(),
                        end.turn.into(),
                    ],
                ),
            ];
            if tx.run_all(&guards).await? < 2 {
                return Err(StoreError::Fenced);
            }
            let mut statements = Vec::with_capacity(end.messages.len() + 1);
            for message in &end.messages {
                statements.push(inserted_message(end.conversation, message)?);
            }
            if end.usage.input_tokens + end.usage.output_tokens > 0 {
                statements.push((
                    "INSERT INTO ledger (turn_id, person_id, agent_id, day, model, input_tokens, cached_input_tokens, output_tokens, cost_micros) \
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    vec![
                        end.turn.into(),
                        end.person.into(),
                        end.agent.into(),
                        (&end.day).into(),
                        (&end.model).into(),
                        end.usage.input_tokens.into(),
                        end.usage.cached_input_tokens.into(),
                        end.usage.output_tokens.into(),
                        end.cost_micros.into(),
                    ],
                ));
            }
            if end.charged {
                statements.push(("DELETE FROM charges WHERE turn_id = ?", vec![end.turn.into()]));
            }
            tx.run_all(&statements).await?;
            audit::append(tx, &end.audit).await?;
            // A decision that was not carried out to its end is closed with its turn.
            if end.ends_decision {
                tx.run(
                "UPDATE approvals SET state = CASE WHEN state = 'running' THEN 'uncertain' ELSE 'void' END, \
                 outcome = 'it was stopped' WHERE decision_turn_id = ? AND state IN ('approved', 'running')",
                &[end.turn.into()],
            )
            .await?;
            }
            if let Some(delivery) = &end.delivery {
                crate::outbox::insert(tx, delivery, end.now_ms).await?;
            }
            Ok(())
        })
        .await
    }

    /// Every turn without an end that this process may take up and does not know yet, oldest first within its conversation, with
    /// its steps: those whose conversation's lease is free, has run out, or is ours. At most 10 000.
    pub async fn unfinished_turns(
        &self,
        owner: &str,
        now_ms: Millis,
        is_known: impl Fn(TurnId) -> bool,
    ) -> Result<Vec<UnfinishedTurn>> {
        let rows = self
            .all(
                "SELECT t.* FROM turns t JOIN conversations c ON c.id = t.conversation_id WHERE t.state IN ('queued', 'running') \
                 AND (c.lease_until_ms < ? OR c.lease_owner = ?) ORDER BY t.conversation_id, t.ordinal LIMIT 10000",
                &[now_ms.into(), owner.into()],
            )
            .await?;
        let mut turns = Vec::new();
        for row in &rows {
            let turn = read_turn(row)?;
            if is_known(turn.id) {
                continue;
            }
            let steps = self.steps(turn.id).await?;
            let is_to_stop = row.optional_int("stop_at_ms")?.is_some();
            turns.push(UnfinishedTurn { say: row.json("op")?, steps, turn, is_to_stop });
        }
        Ok(turns)
    }

    /// Write down that turns are to stop, whichever process runs them; how many have no end yet.
    pub async fn stop_turns(&self, which: ToStop, now_ms: Millis) -> Result<u64> {
        let now = now_ms.into();
        let (sql, values) = match which {
            ToStop::Turn(turn) => (
                "UPDATE turns SET stop_at_ms = ? WHERE state IN ('queued', 'running') AND id = ?",
                vec![now, turn.into()],
            ),
            ToStop::Conversation(conversation) => (
                "UPDATE turns SET stop_at_ms = ? WHERE state IN ('queued', 'running') AND conversation_id = ?",
                vec![now, conversation.into()],
            ),
            ToStop::Person(person) => (
                "UPDATE turns SET stop_at_ms = ? WHERE state IN ('queued', 'running') AND person_id = ?",
                vec![now, person.into()],
            ),
            ToStop::Everybody => ("UPDATE turns SET stop_at_ms = ? WHERE state IN ('queued', 'running')", vec![now]),
        };
        self.write(async move |tx| tx.run(sql, &values).await).await
    }

    /// Turns that are to stop and have no end yet. At most 10 000.
    pub async fn turns_to_stop(&self) -> Result<Vec<TurnId>> {
        let sql = "SELECT id FROM turns WHERE state IN ('queued', 'running') AND stop_at_ms IS NOT NULL LIMIT 10000";
        self.all(sql, &[]).await?.iter().map(|row| row.id("id")).collect()
    }

    /// Whether other processes may work on the same database.
    pub fn may_be_shared(&self) -> bool {
        self.inner.dialect.is_shared()
    }

    pub async fn turn(&self, id: TurnId) -> Result<Turn> {
        let row = self.first("SELECT * FROM turns WHERE id = ?", &[id.into()]).await?;
        row.as_ref().map(read_turn).transpose()?.ok_or(StoreError::NotFound("turn"))
    }

    /// What began a turn, without its parts.
    pub async fn turn_say(&self, id: TurnId) -> Result<Say> {
        let row = self.first("SELECT op FROM turns WHERE id = ?", &[id.into()]).await?;
        let row = row.ok_or(StoreError::NotFound("turn"))?;
        if row.text("op")?.is_empty() { Err(StoreError::NotFound("turn")) } else { row.json("op") }
    }

    /// The steps of a turn in order.
    pub async fn steps(&self, id: TurnId) -> Result<Vec<Step>> {
        let rows = self.all("SELECT * FROM steps WHERE turn_id = ? ORDER BY seq LIMIT 2000", &[id.into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(Step { seq: row.int("seq")?, kind: row.json("body")?, created_at_ms: row.int("created_at_ms")? })
            })
            .collect()
    }

    /// Whether a conversation's history is what its turns wrote, in their order; how many turns were compared. Turns whose messages
    /// were removed are passed over. [`StoreError::Other`] names the first turn that does not follow.
    pub async fn verify_history(&self, conversation: ConversationId) -> Result<u64> {
        let turns = self
            .all(
                "SELECT id, ordinal, chain FROM turns WHERE conversation_id = ? AND chain IS NOT NULL ORDER BY ordinal",
                &[conversation.into()],
            )
            .await?;
        let (mut compared, mut previous) = (0, None::<String>);
        for turn in &turns {
            let (id, written) = (turn.text("id")?, turn.text("chain")?);
            let sql = "SELECT position, role, parts FROM messages WHERE conversation_id = ? AND turn_id = ? ORDER BY position";
            let messages = self.all(sql, &[conversation.into(), (&id).into()]).await?;
            // The first chain that is left stands for what was before it.
            if !messages.is_empty() && (previous.is_some() || turn.int("ordinal")? == 1) {
                let mut chain = Chain::after(previous.as_deref());
                chain.add(&id);
                for message in &messages {
                    link(&mut chain, message.int("position")?, &message.text("role")?, &message.text("parts")?);
                }
                if chain.end() != written {
                    return Err(StoreError::Other(format!("the history is not what turn {id} wrote")));
                }
                compared += 1;
            }
            previous = Some(written);
        }
        Ok(compared)
    }

    /// [`Store::verify_history`] of every conversation; how many there are. [`StoreError::Other`] names the first that is not whole.
    pub async fn verify_histories(&self) -> Result<u64> {
        let (mut count, mut after) = (0, String::new());
        loop {
            let sql = "SELECT id FROM conversations WHERE id > ? ORDER BY id LIMIT 500";
            let rows = self.all(sql, &[(&after).into()]).await?;
            for row in &rows {
                after = row.text("id")?;
                self.verify_history(row.id("id")?).await.map_err(|error| match error {
                    StoreError::Other(text) => StoreError::Other(format!("conversation {after}: {text}")),
                    other => other,
                })?;
                count += 1;
            }
            if rows.is_empty() {
                return Ok(count);
            }
        }
    }

    /// The messages a turn added, its question first.
    pub async fn turn_messages(&self, turn: &Turn) -> Result<Vec<Message>> {
        let page = self.messages(turn.conversation, Some((turn.ordinal + 1) * 1000), 1_000).await?;
        Ok(page.messages.into_iter().filter(|m| m.turn == turn.id).collect())
    }
}

/// The conversation's chain after this turn: over its question and what it adds, as they are stored.
async fn next_link(tx: &mut Tx<'_>, end: &FinishedTurn) -> Result<String> {
    let row = tx
        .first(
            "SELECT c.chain AS chain, m.position AS position, m.role AS role, m.parts AS parts FROM conversations c \
             LEFT JOIN messages m ON m.conversation_id = c.id AND m.turn_id = ? AND m.role = 'user' WHERE c.id = ?",
            &[end.turn.into(), end.conversation.into()],
        )
        .await?;
    let Some(row) = row else { return Err(StoreError::Fenced) };
    let mut chain = Chain::after(row.optional_text("chain")?.as_deref());
    chain.add(&end.turn.to_string());
    if let Some(position) = row.optional_int("position")? {
        link(&mut chain, position, &row.text("role")?, &row.text("parts")?);
    }
    for message in &end.messages {
        link(&mut chain, message.position, message.role.as_str(), &to_json(&message.parts)?);
    }
    Ok(chain.end())
}

fn link(chain: &mut Chain, position: i64, role: &str, parts: &str) {
    chain.add(&position.to_string());
    chain.add(role);
    chain.add(parts);
}

fn read_turn(row: &AnyRow) -> Result<Turn> {
    Ok(Turn {
        id: row.id("id")?,
        conversation: row.id("conversation_id")?,
        ordinal: row.int("ordinal")?,
        agent: row.id("agent_id")?,
        person: row.id("person_id")?,
        state: TurnState::parse(&row.text("state")?)
            .ok_or_else(|| StoreError::Other("a turn has no known state".into()))?,
        attempt: row.int("attempt")?,
        partial: row.optional_text("partial")?,
        model: row.optional_text("model")?,
        error: row.optional_text("error")?,
        usage: Usage {
            input_tokens: row.count("input_tokens")?,
            cached_input_tokens: row.count("cached_input_tokens")?,
            output_tokens: row.count("output_tokens")?,
            estimated: row.flag("estimated")?,
        },
        cost_micros: row.int("cost_micros")?,
        created_at_ms: row.int("created_at_ms")?,
        started_at_ms: row.optional_int("started_at_ms")?,
        finished_at_ms: row.optional_int("finished_at_ms")?,
    })
}
