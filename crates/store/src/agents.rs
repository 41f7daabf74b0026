//! Agents: configured personas, one row each.

use crate::{
    Result, Store,
    row::{Columns, to_json},
};
use majordomo_domain::Agent;

impl Store {
    /// Write an agent under its name. One that exists keeps its id.
    pub async fn put_agent(&self, agent: &Agent) -> Result<Agent> {
        let agent = agent.clone();
        self.write(async move |tx| {
            let mut agent = agent.clone();
            match tx.first("SELECT id FROM agents WHERE name = ?", &[(&agent.name).into()]).await? {
                Some(row) => {
                    agent.id = row.id("id")?;
                    let values = [to_json(&agent)?.into(), agent.id.into()];
                    tx.run("UPDATE agents SET body = ? WHERE id = ?", &values).await?;
                }
                None => {
                    let values = [agent.id.into(), (&agent.name).into(), to_json(&agent)?.into()];
                    tx.run("INSERT INTO agents (id, name, body) VALUES (?, ?, ?)", &values).await?;
                }
            }
            Ok(agent)
        })
        .await
    }

    /// All agents by name. At most 500.
    pub async fn agents(&self) -> Result<Vec<Agent>> {
        let rows = self.all("SELECT body FROM agents ORDER BY name LIMIT 500", &[]).await?;
        rows.iter().map(|row| row.json("body")).collect()
    }
}
