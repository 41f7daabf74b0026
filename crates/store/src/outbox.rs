//! Deliveries: what must arrive on a channel, and how often it was tried.

use crate::{
    Result, Store, StoreError,
    row::{Columns, to_json},
    writer::Tx,
};
use majordomo_domain::{Address, Delivery, DeliveryId, Millis, delivery::DeliveryState};
use sqlx::any::AnyRow;

impl Store {
    /// Take the oldest waiting deliveries of a channel; they are claimed until settled.
    pub async fn claim_deliveries(&self, channel: &str, limit: u32, now_ms: Millis) -> Result<Vec<Delivery>> {
        let channel = channel.to_owned();
        self.write(async move |tx| {
            let rows = tx
                .all(
                    "SELECT * FROM outbox WHERE channel = ? AND state = 'waiting' ORDER BY created_at_ms, id LIMIT ? FOR UPDATE",
                    &[(&channel).into(), limit.into()],
                )
                .await?;
            let mut claimed = Vec::with_capacity(rows.len());
            for row in &rows {
                let mut delivery = read(row)?;
                delivery.state = DeliveryState::Claimed;
                delivery.attempts += 1;
                tx.run(
                    "UPDATE outbox SET state = 'claimed', attempts = attempts + 1, updated_at_ms = ? WHERE id = ? AND state = 'waiting'",
                    &[now_ms.into(), delivery.id.into()],
                )
                .await?;
                claimed.push(delivery);
            }
            Ok(claimed)
        })
        .await
    }

    /// Write what became of a delivery: `receipt` is the platform's id of it, `reason` why it failed.
    pub async fn settle_delivery(
        &self,
        id: DeliveryId,
        state: DeliveryState,
        receipt: Option<String>,
        reason: Option<String>,
        now_ms: Millis,
    ) -> Result<()> {
        let touched = self
            .write(async move |tx| {
                tx.run(
                    "UPDATE outbox SET state = ?, receipt = ?, reason = ?, updated_at_ms = ? WHERE id = ? AND state <> 'settled'",
                    &[name(state).into(), receipt.clone().into(), reason.clone().into(), now_ms.into(), id.into()],
                )
                .await
            })
            .await?;
        if touched == 0 { Err(StoreError::NotFound("delivery")) } else { Ok(()) }
    }
}

pub(crate) async fn insert(tx: &mut Tx<'_>, delivery: &Delivery, now_ms: Millis) -> Result<()> {
    tx.run(
        "INSERT INTO outbox (id, conversation_id, turn_id, channel, place, parts, state, attempts, created_at_ms, updated_at_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
        &[
            delivery.id.into(),
            delivery.conversation.into(),
            delivery.turn.into(),
            (&delivery.address.channel).into(),
            (&delivery.address.place).into(),
            to_json(&delivery.parts)?.into(),
            name(delivery.state).into(),
            now_ms.into(),
            now_ms.into(),
        ],
    )
    .await?;
    Ok(())
}

fn name(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Waiting => "waiting",
        DeliveryState::Claimed => "claimed",
        DeliveryState::Settled => "settled",
        DeliveryState::Uncertain => "uncertain",
        DeliveryState::Failed => "failed",
    }
}

fn read(row: &AnyRow) -> Result<Delivery> {
    let state = match row.text("state")?.as_str() {
        "waiting" => DeliveryState::Waiting,
        "claimed" => DeliveryState::Claimed,
        "settled" => DeliveryState::Settled,
        "uncertain" => DeliveryState::Uncertain,
        _ => DeliveryState::Failed,
    };
    Ok(Delivery {
        id: row.id("id")?,
        conversation: row.id("conversation_id")?,
        turn: row.id("turn_id")?,
        address: Address::new(row.text("channel")?, row.text("place")?),
        parts: row.json("parts")?,
        state,
        attempts: u32::try_from(row.int("attempts")?).unwrap_or(u32::MAX),
    })
}
