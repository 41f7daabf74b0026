//! A drawer for every toolkit: small JSON documents by toolkit, owner and key, with revisions.

use crate::{Result, Store, StoreError, row::Columns};
use majordomo_domain::Millis;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// 1 to 120 bytes, without control characters.
    pub key: String,
    /// Grows by one with every change, from 1.
    pub revision: i64,
    /// JSON or plain text, at most 1 MiB.
    pub body: String,
    pub updated_at_ms: Millis,
}

/// Bodies longer than this are refused. Bytes.
const MAX_BODY: usize = 1 << 20;
/// Bytes of a key.
const MAX_KEY: usize = 120;

fn is_key(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.len()) && !key.contains(char::is_control)
}

impl Store {
    pub async fn document(&self, toolkit: &str, owner: &str, key: &str) -> Result<Option<Document>> {
        // What cannot be a key is nobody's; databases differ in what they say to it.
        if !is_key(key) {
            return Ok(None);
        }
        let row = self
            .first(
                "SELECT doc_key, revision, body, updated_at_ms FROM documents WHERE toolkit = ? AND owner = ? AND doc_key = ?",
                &[toolkit.into(), owner.into(), key.into()],
            )
            .await?;
        row.map(|row| {
            Ok(Document {
                key: row.text("doc_key")?,
                revision: row.int("revision")?,
                body: row.text("body")?,
                updated_at_ms: row.int("updated_at_ms")?,
            })
        })
        .transpose()
    }

    /// Write a document; its new revision. `expected` guards against a change in between (0: it must not exist yet):
    /// [`StoreError::Conflict`] then. None writes in any case.
    pub async fn put_document(
        &self,
        toolkit: &str,
        owner: &str,
        key: &str,
        body: &str,
        expected: Option<i64>,
        now_ms: Millis,
    ) -> Result<i64> {
        if body.len() > MAX_BODY || body.contains('\0') || !is_key(key) {
            return Err(StoreError::Conflict(format!(
                "a document has a key of 1 to {MAX_KEY} bytes and at most {MAX_BODY} bytes of text, without NUL"
            )));
        }
        let [toolkit, owner, key, body] = [toolkit, owner, key, body].map(str::to_owned);
        self.write(async move |tx| {
            let row = tx
                .first(
                    "SELECT revision FROM documents WHERE toolkit = ? AND owner = ? AND doc_key = ? FOR UPDATE",
                    &[(&toolkit).into(), (&owner).into(), (&key).into()],
                )
                .await?;
            let current = row.map_or(Ok(0), |row| row.int("revision"))?;
            if expected.is_some_and(|expected| expected != current) {
                return Err(StoreError::Conflict("the document was changed in between".into()));
            }
            let sql = if current == 0 {
                "INSERT INTO documents (revision, body, updated_at_ms, toolkit, owner, doc_key) VALUES (?, ?, ?, ?, ?, ?)"
            } else {
                "UPDATE documents SET revision = ?, body = ?, updated_at_ms = ? WHERE toolkit = ? AND owner = ? AND doc_key = ?"
            };
            let values = [
                (current + 1).into(),
                (&body).into(),
                now_ms.into(),
                (&toolkit).into(),
                (&owner).into(),
                (&key).into(),
            ];
            tx.run(sql, &values).await?;
            Ok(current + 1)
        })
        .await
    }

    /// The keys an owner's documents of a toolkit have, in order.
    pub async fn document_keys(&self, toolkit: &str, owner: &str) -> Result<Vec<String>> {
        let rows = self
            .all(
                "SELECT doc_key FROM documents WHERE toolkit = ? AND owner = ? ORDER BY doc_key",
                &[toolkit.into(), owner.into()],
            )
            .await?;
        rows.iter().map(|row| row.text("doc_key")).collect()
    }

    /// Remove a document; whether there was one.
    pub async fn remove_document(&self, toolkit: &str, owner: &str, key: &str) -> Result<bool> {
        if !is_key(key) {
            return Ok(false);
        }
        let [toolkit, owner, key] = [toolkit, owner, key].map(str::to_owned);
        self.write(async move |tx| {
            let removed = tx
                .run(
                    "DELETE FROM documents WHERE toolkit = ? AND owner = ? AND doc_key = ?",
                    &[(&toolkit).into(), (&owner).into(), (&key).into()],
                )
                .await?;
            Ok(removed > 0)
        })
        .await
    }

    /// Remove documents of a toolkit that were not changed since then; how many.
    pub async fn sweep_documents(&self, toolkit: &str, before_ms: Millis) -> Result<u64> {
        let toolkit = toolkit.to_owned();
        self.write(async move |tx| {
            tx.run(
                "DELETE FROM documents WHERE toolkit = ? AND updated_at_ms < ?",
                &[(&toolkit).into(), before_ms.into()],
            )
            .await
        })
        .await
    }
}
