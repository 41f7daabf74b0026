//! Who does what among several processes: a name, an owner, a fence that only grows.

use crate::{Fence, Result, Store, StoreError, row::Columns};
use majordomo_domain::Millis;

impl Store {
    /// Take a lease that is free, run out, or ours already. The fence grows with every change of owner.
    /// [`StoreError::Fenced`] when somebody else holds it.
    pub async fn take_lease(&self, name: &str, owner: &str, until_ms: Millis, now_ms: Millis) -> Result<Fence> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.write(async move |tx| {
            let row = tx
                .first("SELECT owner, fence, until_ms FROM leases WHERE name = ? FOR UPDATE", &[(&name).into()])
                .await?;
            let Some(row) = row else {
                tx.run(
                    "INSERT INTO leases (name, owner, fence, until_ms) VALUES (?, ?, 1, ?)",
                    &[(&name).into(), (&owner).into(), until_ms.into()],
                )
                .await?;
                return Ok(Fence(1));
            };
            let (holder, fence) = (row.text("owner")?, row.int("fence")?);
            if holder != owner && row.int("until_ms")? >= now_ms {
                return Err(StoreError::Fenced);
            }
            let next = if holder == owner { fence } else { fence + 1 };
            let changed = tx
                .run(
                    "UPDATE leases SET owner = ?, fence = ?, until_ms = ? WHERE name = ? AND fence = ?",
                    &[(&owner).into(), next.into(), until_ms.into(), (&name).into(), fence.into()],
                )
                .await?;
            if changed == 0 { Err(StoreError::Fenced) } else { Ok(Fence(next)) }
        })
        .await
    }

    /// Let go of a lease, if it is still ours.
    pub async fn release_lease(&self, name: &str, owner: &str) -> Result<()> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.write(async move |tx| {
            tx.run("UPDATE leases SET until_ms = 0 WHERE name = ? AND owner = ?", &[(&name).into(), (&owner).into()])
                .await
        })
        .await
        .map(|_| ())
    }
}
