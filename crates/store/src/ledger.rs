//! What was spent, by person, agent and day.

use crate::{Result, Store, row::Columns};
use majordomo_domain::PersonId;
use serde::Serialize;

/// One day's sums. Days are UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayUsage {
    /// `2026-11-21`.
    pub day: String,
    pub input_tokens: u64,
    pub cached_input_tokens: u64,
    pub output_tokens: u64,
    /// Millionths of a US dollar.
    pub cost_micros: i64,
    pub turns: u64,
}

impl Store {
    /// Sums by day since a day, newest first; of one person or of the whole household. At most 400 days.
    pub async fn usage_by_day(&self, person: Option<PersonId>, since_day: &str) -> Result<Vec<DayUsage>> {
        let person = person.map(|p| p.to_string()).unwrap_or_default();
        let rows = self
            .all(
                "SELECT day, CAST(SUM(input_tokens) AS BIGINT) AS input, CAST(SUM(cached_input_tokens) AS BIGINT) AS cached, \
                 CAST(SUM(output_tokens) AS BIGINT) AS output, CAST(SUM(cost_micros) AS BIGINT) AS cost, COUNT(*) AS turns \
                 FROM ledger WHERE day >= ? AND (? = '' OR person_id = ?) GROUP BY day ORDER BY day DESC LIMIT 400",
                &[since_day.into(), (&person).into(), (&person).into()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(DayUsage {
                    day: row.text("day")?,
                    input_tokens: row.count("input")?,
                    cached_input_tokens: row.count("cached")?,
                    output_tokens: row.count("output")?,
                    cost_micros: row.int("cost")?,
                    turns: row.count("turns")?,
                })
            })
            .collect()
    }
}
