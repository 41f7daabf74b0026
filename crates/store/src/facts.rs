//! What the house remembers of a person, a room or the household; and forgetting.

use crate::{Result, Store, reports, requests, row::Columns};
use majordomo_domain::{Millis, Origin, PersonId};
use sqlx::any::AnyRow;
use std::sync::atomic::Ordering;

/// Whose memory it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One person's, seen by nobody else.
    Person(PersonId),
    /// Seen by everybody in the room.
    Room(String),
    Household,
}

impl Scope {
    pub fn name(&self) -> &'static str {
        match self {
            Scope::Person(_) => "person",
            Scope::Room(_) => "room",
            Scope::Household => "household",
        }
    }

    fn owner(&self) -> String {
        match self {
            Scope::Person(id) => id.to_string(),
            Scope::Room(room) => room.clone(),
            Scope::Household => String::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// UUID version 7.
    pub id: String,
    pub scope: Scope,
    /// Who said it.
    pub author: PersonId,
    /// Whose words it is made of.
    pub origin: Origin,
    /// One sentence, at most 500 characters.
    pub text: String,
    pub created_at_ms: Millis,
}

/// Facts of one owner at most; the oldest go.
const MOST: i64 = 500;

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Forgotten {
    pub facts: u64,
    pub conversations: u64,
    pub messages: u64,
    pub documents: u64,
    pub approvals: u64,
}

impl Store {
    /// Grows with every change of any fact in this process.
    pub fn facts_version(&self) -> u64 {
        self.inner.facts_version.load(Ordering::Relaxed)
    }

    fn facts_changed(&self) {
        self.inner.facts_version.fetch_add(1, Ordering::Relaxed);
    }

    /// Keep a fact. The same text of the same owner is kept once. The oldest beyond 500 go.
    pub async fn put_fact(&self, fact: &Fact) -> Result<()> {
        let fact = fact.clone();
        let (scope, owner) = (fact.scope.name(), fact.scope.owner());
        let written = self.write(async move |tx| {
            tx.run(
                "DELETE FROM facts WHERE scope = ? AND owner = ? AND body = ?",
                &[scope.into(), (&owner).into(), (&fact.text).into()],
            )
            .await?;
            let surplus = tx
                .first(
                    "SELECT created_at_ms FROM facts WHERE scope = ? AND owner = ? ORDER BY created_at_ms DESC LIMIT 1 OFFSET ?",
                    &[scope.into(), (&owner).into(), (MOST - 1).into()],
                )
                .await?;
            if let Some(row) = surplus {
                tx.run(
                    "DELETE FROM facts WHERE scope = ? AND owner = ? AND created_at_ms <= ?",
                    &[scope.into(), (&owner).into(), row.int("created_at_ms")?.into()],
                )
                .await?;
            }
            tx.run(
                "INSERT INTO facts (id, scope, owner, author_id, origin, body, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                &[
                    (&fact.id).into(),
                    scope.into(),
                    (&owner).into(),
                    fact.author.into(),
                    origin_name(fact.origin).into(),
                    (&fact.text).into(),
                    fact.created_at_ms.into(),
                ],
            )
            .await
        })
        .await
        .map(|_| ());
        self.facts_changed();
        written
    }

    /// The newest facts of an owner, oldest first. At most 500.
    pub async fn facts(&self, scope: &Scope) -> Result<Vec<Fact>> {
        let sql = "SELECT * FROM facts WHERE scope = ? AND owner = ? ORDER BY created_at_ms, id LIMIT 500";
        self.all(sql, &[scope.name().into(), scope.owner().into()]).await?.iter().map(read).collect()
    }

    /// Forget one fact, if it is of one of these owners; whether it was there.
    pub async fn forget_fact(&self, id: &str, scopes: &[Scope]) -> Result<bool> {
        // No fact has such an id; databases differ in what they say to one.
        if id.contains(char::is_control) {
            return Ok(false);
        }
        let (id, scopes) = (id.to_owned(), scopes.to_vec());
        let forgotten = self
            .write(async move |tx| {
                for scope in &scopes {
                    let sql = "DELETE FROM facts WHERE id = ? AND scope = ? AND owner = ?";
                    if tx.run(sql, &[(&id).into(), scope.name().into(), scope.owner().into()]).await? > 0 {
                        return Ok(true);
                    }
                }
                Ok(false)
            })
            .await;
        self.facts_changed();
        forgotten
    }

    /// Erase what a person said and what is known of them: facts, conversations with everything in them, documents, what was asked
    /// for. They stay a person of the household; what was spent stays counted.
    pub async fn forget_person(&self, person: PersonId) -> Result<Forgotten> {
        let forgotten = self.write(async move |tx| {
            let text = person.to_string();
            let key = [(&text).into()];
            let mut gone = Forgotten {
                facts: tx.run("DELETE FROM facts WHERE author_id = ?", &key).await?
                    + tx.run("DELETE FROM facts WHERE scope = 'person' AND owner = ?", &key).await?,
                ..Forgotten::default()
            };
            for sql in [
                "DELETE FROM steps WHERE turn_id IN (SELECT t.id FROM turns t JOIN conversations c ON c.id = t.conversation_id WHERE c.owner_id = ?)",
                "DELETE FROM inbox WHERE turn_id IN (SELECT t.id FROM turns t JOIN conversations c ON c.id = t.conversation_id WHERE c.owner_id = ?)",
                "DELETE FROM turns WHERE conversation_id IN (SELECT id FROM conversations WHERE owner_id = ?)",
                "DELETE FROM outbox WHERE conversation_id IN (SELECT id FROM conversations WHERE owner_id = ?)",
            ] {
                tx.run(sql, &key).await?;
            }
            gone.messages = tx
                .run("DELETE FROM messages WHERE conversation_id IN (SELECT id FROM conversations WHERE owner_id = ?)", &key)
                .await?;
            gone.documents = tx
                .run("DELETE FROM documents WHERE owner IN (SELECT id FROM conversations WHERE owner_id = ?)", &key)
                .await?
                + tx.run("DELETE FROM documents WHERE owner = ?", &key).await?;
            gone.approvals = tx.run("DELETE FROM approvals WHERE requester_id = ?", &key).await?;
            requests::forget(tx, person).await?;
            reports::forget(tx, person).await?;
            gone.conversations = tx.run("DELETE FROM conversations WHERE owner_id = ?", &key).await?;
            Ok(gone)
        })
        .await;
        self.facts_changed();
        forgotten
    }
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Own => "own",
        Origin::Household => "household",
        Origin::Outside => "outside",
    }
}

fn read(row: &AnyRow) -> Result<Fact> {
    let owner = row.text("owner")?;
    let scope = match row.text("scope")?.as_str() {
        "person" => Scope::Person(row.id("owner")?),
        "room" => Scope::Room(owner),
        _ => Scope::Household,
    };
    Ok(Fact {
        id: row.text("id")?,
        scope,
        author: row.id("author_id")?,
        origin: match row.text("origin")?.as_str() {
            "own" => Origin::Own,
            "household" => Origin::Household,
            _ => Origin::Outside,
        },
        text: row.text("body")?,
        created_at_ms: row.int("created_at_ms")?,
    })
}
