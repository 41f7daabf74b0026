//! Money and tokens reserved before a model is asked. What a finished turn used is in the ledger; a reservation counts until
//! then, also over a crash.

use crate::{Result, Store, StoreError, row::Columns, writer::Tx};
use majordomo_domain::{AgentId, Millis, PersonId, TurnId};

/// What one request to a model may use at most.
#[derive(Clone, Debug)]
pub struct NewCharge {
    pub turn: TurnId,
    pub person: PersonId,
    pub agent: AgentId,
    /// `2026-11-24`, UTC.
    pub day: String,
    pub tokens: u64,
    pub cost_micros: i64,
    pub now_ms: Millis,
}

/// Whose spending a ceiling holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Household,
    Person(PersonId),
    Agent(AgentId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Day,
    Month,
}

/// What may be spent from a day on.
#[derive(Clone, Debug, PartialEq)]
pub struct Ceiling {
    pub whose: Whose,
    pub span: Span,
    /// `2026-11-24` or `2026-11-01`, UTC; that day included.
    pub since_day: String,
    pub tokens: Option<u64>,
    pub cost_micros: Option<i64>,
}

/// A ceiling that would be passed, with what is spent of it.
#[derive(Clone, Debug, PartialEq)]
pub struct OverCeiling {
    pub ceiling: Ceiling,
    pub tokens: u64,
    pub cost_micros: i64,
}

impl Store {
    /// Reserve, unless that passes a ceiling; the id of the reservation. Checking and reserving are one commit.
    pub async fn reserve(
        &self,
        charge: NewCharge,
        ceilings: Vec<Ceiling>,
    ) -> Result<std::result::Result<String, OverCeiling>> {
        let id = uuid::Uuid::now_v7().to_string();
        self.write(async move |tx| {
            // One after the other, also over processes, by a row that is always there: the sums must still hold when ours is written.
            tx.first("SELECT version FROM schema_version WHERE version = 1 FOR UPDATE", &[]).await?;
            for ceiling in &ceilings {
                let (tokens, cost_micros) = spent(tx, ceiling).await?;
                let passes = ceiling.tokens.is_some_and(|most| tokens + charge.tokens > most)
                    || ceiling.cost_micros.is_some_and(|most| cost_micros + charge.cost_micros > most);
                if passes {
                    return Ok(Err(OverCeiling { ceiling: ceiling.clone(), tokens, cost_micros }));
                }
            }
            tx.run(
                "INSERT INTO charges (id, turn_id, person_id, agent_id, day, tokens, cost_micros, settled, created_at_ms) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
                &[
                    (&id).into(),
                    charge.turn.into(),
                    charge.person.into(),
                    charge.agent.into(),
                    (&charge.day).into(),
                    charge.tokens.into(),
                    charge.cost_micros.into(),
                    charge.now_ms.into(),
                ],
            )
            .await?;
            Ok(Ok(id.clone()))
        })
        .await
    }

    /// Put what was really used in place of what was reserved.
    pub async fn settle_charge(&self, id: &str, tokens: u64, cost_micros: i64) -> Result<()> {
        let id = id.to_owned();
        let touched = self
            .write(async move |tx| {
                let sql = "UPDATE charges SET tokens = ?, cost_micros = ?, settled = 1 WHERE id = ?";
                tx.run(sql, &[tokens.into(), cost_micros.into(), (&id).into()]).await
            })
            .await?;
        if touched == 0 { Err(StoreError::NotFound("reservation")) } else { Ok(()) }
    }
}

async fn spent(tx: &mut Tx<'_>, ceiling: &Ceiling) -> Result<(u64, i64)> {
    let (person, agent) = match ceiling.whose {
        Whose::Household => (String::new(), String::new()),
        Whose::Person(id) => (id.to_string(), String::new()),
        Whose::Agent(id) => (String::new(), id.to_string()),
    };
    let values = [(&ceiling.since_day).into(), (&person).into(), (&person).into(), (&agent).into(), (&agent).into()];
    let (mut tokens, mut cost_micros) = (0, 0);
    for sql in [
        "SELECT CAST(COALESCE(SUM(input_tokens + output_tokens), 0) AS BIGINT) AS tokens, \
         CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS cost FROM ledger \
         WHERE day >= ? AND (? = '' OR person_id = ?) AND (? = '' OR agent_id = ?)",
        "SELECT CAST(COALESCE(SUM(tokens), 0) AS BIGINT) AS tokens, \
         CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS cost FROM charges \
         WHERE day >= ? AND (? = '' OR person_id = ?) AND (? = '' OR agent_id = ?)",
    ] {
        if let Some(row) = tx.first(sql, &values).await? {
            tokens += row.count("tokens")?;
            cost_micros += row.int("cost")?;
        }
    }
    Ok((tokens, cost_micros))
}
