//! Who did what, and why it was allowed. Rows are only added; each one's hash covers the row and the hash before it, so that a
//! row that was changed or taken out shows.

use crate::{Result, Store, StoreError, row::Columns, writer::Tx};
use majordomo_domain::{ConversationId, Millis, PersonId, TurnId, text::shorten};
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;

/// Something to be written down.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAudit {
    pub at_ms: Millis,
    /// Who did it; None for the house itself.
    pub actor: Option<PersonId>,
    /// Such as `policy`, `approval`, `execution`.
    pub kind: &'static str,
    /// What it is about, such as a tool's name. Cut at 190 characters.
    pub subject: String,
    pub conversation: Option<ConversationId>,
    pub turn: Option<TurnId>,
    /// One sentence without anybody's words. Cut at 1 000 characters.
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub seq: i64,
    pub at_ms: Millis,
    pub actor: Option<PersonId>,
    pub kind: String,
    pub subject: String,
    pub conversation: Option<ConversationId>,
    pub turn: Option<TurnId>,
    pub detail: String,
}

impl Store {
    pub async fn audit(&self, entry: NewAudit) -> Result<()> {
        self.write(async move |tx| append(tx, std::slice::from_ref(&entry)).await).await
    }

    /// Entries before a number, newest first; of one kind or all.
    pub async fn audit_entries(&self, before: Option<i64>, kind: Option<&str>, limit: u32) -> Result<Vec<AuditEntry>> {
        let kind = kind.unwrap_or_default();
        let rows = self
            .all(
                "SELECT * FROM audit WHERE seq < ? AND (? = '' OR kind = ?) ORDER BY seq DESC LIMIT ?",
                &[before.unwrap_or(i64::MAX).into(), kind.into(), kind.into(), limit.clamp(1, 1_000).into()],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// How many entries there are, when each follows from the one before it. [`StoreError::Other`] names the first that does not.
    pub async fn verify_audit(&self) -> Result<u64> {
        let (mut count, mut after, mut before) = (0, 0, None::<(i64, String)>);
        loop {
            let rows = self.all("SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT 1000", &[after.into()]).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            after = last.int("seq")?;
            for row in &rows {
                let (entry, hash) = (read(row)?, row.text("hash")?);
                // The oldest row left stands for what was before it.
                let follows = before.as_ref().is_none_or(|(seq, previous)| {
                    entry.seq == seq + 1 && hash == hash_of(previous, &Fields::of_entry(&entry))
                });
                if !follows {
                    return Err(StoreError::Other(format!(
                        "the audit is not whole: entry {} does not follow from the one before it",
                        entry.seq
                    )));
                }
                count += 1;
                before = Some((entry.seq, hash));
            }
        }
    }

    /// Remove entries older than that, the newest one excepted; how many.
    pub async fn sweep_audit(&self, before_ms: Millis) -> Result<u64> {
        self.write(async move |tx| {
            let Some(row) = tx.first("SELECT seq FROM audit ORDER BY seq DESC LIMIT 1", &[]).await? else {
                return Ok(0);
            };
            let newest = row.int("seq")?;
            tx.run("DELETE FROM audit WHERE at_ms < ? AND seq < ?", &[before_ms.into(), newest.into()]).await
        })
        .await
    }
}

pub(crate) async fn append(tx: &mut Tx<'_>, entries: &[NewAudit]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let row = tx.first("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", &[]).await?;
    let (mut seq, mut hash) = match row {
        Some(row) => (row.int("seq")?, row.text("hash")?),
        None => (0, String::new()),
    };
    for entry in entries {
        seq += 1;
        let (subject, detail) = (shorten(&entry.subject, 190), shorten(&entry.detail, 1_000));
        let fields = Fields {
            seq,
            at_ms: entry.at_ms,
            texts: [
                entry.actor.map(|id| id.to_string()).unwrap_or_default(),
                entry.kind.to_owned(),
                subject.clone(),
                entry.conversation.map(|id| id.to_string()).unwrap_or_default(),
                entry.turn.map(|id| id.to_string()).unwrap_or_default(),
                detail.clone(),
            ],
        };
        hash = hash_of(&hash, &fields);
        tx.run(
            "INSERT INTO audit (seq, at_ms, actor_id, kind, subject, conversation_id, turn_id, detail, hash) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                seq.into(),
                entry.at_ms.into(),
                entry.actor.map(|id| id.to_string()).into(),
                entry.kind.into(),
                subject.into(),
                entry.conversation.map(|id| id.to_string()).into(),
                entry.turn.map(|id| id.to_string()).into(),
                detail.into(),
                (&hash).into(),
            ],
        )
        .await?;
    }
    Ok(())
}

/// What a hash covers.
struct Fields {
    seq: i64,
    at_ms: Millis,
    texts: [String; 6],
}

impl Fields {
    fn of_entry(entry: &AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            at_ms: entry.at_ms,
            texts: [
                entry.actor.map(|id| id.to_string()).unwrap_or_default(),
                entry.kind.clone(),
                entry.subject.clone(),
                entry.conversation.map(|id| id.to_string()).unwrap_or_default(),
                entry.turn.map(|id| id.to_string()).unwrap_or_default(),
                entry.detail.clone(),
            ],
        }
    }
}

fn hash_of(previous: &str, fields: &Fields) -> String {
    let mut chain = Chain::after(Some(previous));
    chain.add(&fields.seq.to_string());
    chain.add(&fields.at_ms.to_string());
    fields.texts.iter().for_each(|text| chain.add(text));
    chain.end()
}

/// A hash over texts and the hash before them.
pub(crate) struct Chain(Sha256);

impl Chain {
    pub fn after(previous: Option<&str>) -> Self {
        let mut chain = Self(Sha256::new());
        chain.add(previous.unwrap_or_default());
        chain
    }

    pub fn add(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    /// 64 characters of hex.
    pub fn end(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}

fn read(row: &AnyRow) -> Result<AuditEntry> {
    Ok(AuditEntry {
        seq: row.int("seq")?,
        at_ms: row.int("at_ms")?,
        actor: row.optional_id("actor_id")?,
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        conversation: row.optional_id("conversation_id")?,
        turn: row.optional_id("turn_id")?,
        detail: row.text("detail")?,
    })
}
