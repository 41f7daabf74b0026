//! People, their accounts, and the ways they prove who they are. Codes, sessions and keys are stored as hashes; whoever calls
//! hashes them (SHA-256, hex).

use crate::{Result, Store, StoreError, row::Columns};
use majordomo_domain::{KeyId, Millis, Person, PersonId, Standing, person::Identity};
use sqlx::any::AnyRow;

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq)]
pub struct WebSession {
    pub person: Person,
    pub created_at_ms: Millis,
    pub seen_at_ms: Millis,
}

/// A key for the API, without the key.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    pub id: KeyId,
    pub person: PersonId,
    pub name: String,
    /// What it may be used for; empty means everything its person may.
    pub scopes: Vec<String>,
    pub created_at_ms: Millis,
    pub used_at_ms: Option<Millis>,
}

impl Store {
    pub async fn people(&self) -> Result<Vec<Person>> {
        let rows = self
            .all(
                "SELECT p.id AS person_id, p.name AS person_name, p.standing, p.zone, p.language, p.created_at_ms AS person_created_at_ms \
                 FROM people p ORDER BY p.created_at_ms, p.id LIMIT 1000",
                &[],
            )
            .await?;
        rows.iter().map(read_person).collect()
    }

    pub async fn person(&self, id: PersonId) -> Result<Person> {
        let row = self
            .first(
                "SELECT p.id AS person_id, p.name AS person_name, p.standing, p.zone, p.language, p.created_at_ms AS person_created_at_ms \
                 FROM people p WHERE p.id = ?",
                &[id.into()],
            )
            .await?;
        row.as_ref().map(read_person).transpose()?.ok_or(StoreError::NotFound("person"))
    }

    /// Write a person, new or changed.
    pub async fn put_person(&self, person: &Person) -> Result<()> {
        let person = person.clone();
        self.write(async move |tx| {
            let changed = tx
                .run(
                    "UPDATE people SET name = ?, standing = ?, zone = ?, language = ? WHERE id = ?",
                    &[
                        (&person.name).into(),
                        person.standing.as_str().into(),
                        person.zone.clone().into(),
                        person.language.clone().into(),
                        person.id.into(),
                    ],
                )
                .await?;
            if changed == 0 {
                tx.run(
                    "INSERT INTO people (id, name, standing, zone, language, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
                    &[
                        person.id.into(),
                        (&person.name).into(),
                        person.standing.as_str().into(),
                        person.zone.clone().into(),
                        person.language.clone().into(),
                        person.created_at_ms.into(),
                    ],
                )
                .await?;
            }
            Ok(())
        })
        .await
    }

    /// Remove a person with their accounts, sessions and keys. [`StoreError::Conflict`] for the last admin.
    pub async fn delete_person(&self, id: PersonId) -> Result<()> {
        self.write(async move |tx| {
            let others =
                tx.first("SELECT id FROM people WHERE standing = 'admin' AND id <> ? FOR UPDATE", &[id.into()]).await?;
            if others.is_none() {
                return Err(StoreError::Conflict("the last admin cannot be removed".into()));
            }
            for sql in [
                "DELETE FROM identities WHERE person_id = ?",
                "DELETE FROM login_codes WHERE person_id = ?",
                "DELETE FROM web_sessions WHERE person_id = ?",
                "DELETE FROM api_keys WHERE person_id = ?",
                "DELETE FROM link_codes WHERE person_id = ?",
            ] {
                tx.run(sql, &[id.into()]).await?;
            }
            match tx.run("DELETE FROM people WHERE id = ?", &[id.into()]).await? {
                0 => Err(StoreError::NotFound("person")),
                _ => Ok(()),
            }
        })
        .await
    }

    /// The person behind an account.
    pub async fn person_behind(&self, channel: &str, account: &str) -> Result<Option<Person>> {
        let row = self
            .first(
                "SELECT p.id AS person_id, p.name AS person_name, p.standing, p.zone, p.language, p.created_at_ms AS person_created_at_ms \
                 FROM people p JOIN identities i ON i.person_id = p.id WHERE i.channel = ? AND i.account = ?",
                &[channel.into(), account.into()],
            )
            .await?;
        row.as_ref().map(read_person).transpose()
    }

    /// Join an account to a person; it leaves whoever had it.
    pub async fn put_identity(&self, identity: &Identity) -> Result<()> {
        let identity = identity.clone();
        self.write(async move |tx| {
            let key = [(&identity.channel).into(), (&identity.account).into()];
            tx.run("DELETE FROM identities WHERE channel = ? AND account = ?", &key).await?;
            tx.run(
                "INSERT INTO identities (channel, account, person_id) VALUES (?, ?, ?)",
                &[(&identity.channel).into(), (&identity.account).into(), identity.person.into()],
            )
            .await?;
            Ok(())
        })
        .await
    }

    /// Keep a one-time code for signing in.
    pub async fn put_login_code(&self, code_hash: &str, person: PersonId, expires_at_ms: Millis) -> Result<()> {
        let code_hash = code_hash.to_owned();
        self.write(async move |tx| {
            tx.run("DELETE FROM login_codes WHERE expires_at_ms < ?", &[(expires_at_ms - 7 * 86_400_000).into()])
                .await?;
            tx.run(
                "INSERT INTO login_codes (code_hash, person_id, expires_at_ms) VALUES (?, ?, ?)",
                &[(&code_hash).into(), person.into(), expires_at_ms.into()],
            )
            .await?;
            Ok(())
        })
        .await
    }

    /// Use a code up and open a session in the same commit. None when it is unknown, used or too old.
    pub async fn redeem_login_code(
        &self,
        code_hash: &str,
        session_hash: &str,
        now_ms: Millis,
    ) -> Result<Option<Person>> {
        let (code_hash, session_hash) = (code_hash.to_owned(), session_hash.to_owned());
        self.write(async move |tx| {
            let used = tx
                .run(
                    "UPDATE login_codes SET used_at_ms = ? WHERE code_hash = ? AND used_at_ms IS NULL AND expires_at_ms >= ?",
                    &[now_ms.into(), (&code_hash).into(), now_ms.into()],
                )
                .await?;
            if used == 0 {
                return Ok(None);
            }
            let row = tx
                .first(
                    "SELECT p.id AS person_id, p.name AS person_name, p.standing, p.zone, p.language, p.created_at_ms AS person_created_at_ms \
                     FROM people p JOIN login_codes c ON c.person_id = p.id WHERE c.code_hash = ?",
                    &[(&code_hash).into()],
                )
                .await?;
            let Some(row) = row else { return Ok(None) };
            let person = read_person(&row)?;
            tx.run(
                "INSERT INTO web_sessions (id_hash, person_id, created_at_ms, seen_at_ms) VALUES (?, ?, ?, ?)",
                &[(&session_hash).into(), person.id.into(), now_ms.into(), now_ms.into()],
            )
            .await?;
            Ok(Some(person))
        })
        .await
    }

    /// Keep a one-time code by which an account on another channel joins a person.
    pub async fn put_link_code(&self, code_hash: &str, person: PersonId, expires_at_ms: Millis) -> Result<()> {
        let code_hash = code_hash.to_owned();
        self.write(async move |tx| {
            // One code for each person at a time.
            tx.run("DELETE FROM link_codes WHERE person_id = ?", &[person.into()]).await?;
            let sql = "INSERT INTO link_codes (code_hash, person_id, expires_at_ms) VALUES (?, ?, ?)";
            tx.run(sql, &[(&code_hash).into(), person.into(), expires_at_ms.into()]).await
        })
        .await
        .map(|_| ())
    }

    /// Use a code up: the account joins the person who made it, in the same commit. [`StoreError::NotFound`] when the code is unknown,
    /// used or too old.
    pub async fn redeem_link_code(
        &self,
        code_hash: &str,
        channel: &str,
        account: &str,
        now_ms: Millis,
    ) -> Result<PersonId> {
        let [code_hash, channel, account] = [code_hash, channel, account].map(str::to_owned);
        self.write(async move |tx| {
            let used = tx
                .run(
                    "UPDATE link_codes SET used_at_ms = ? WHERE code_hash = ? AND used_at_ms IS NULL AND expires_at_ms >= ?",
                    &[now_ms.into(), (&code_hash).into(), now_ms.into()],
                )
                .await?;
            let row = tx.first("SELECT person_id FROM link_codes WHERE code_hash = ?", &[(&code_hash).into()]).await?;
            let (1, Some(row)) = (used, row) else { return Err(StoreError::NotFound("code")) };
            let person: PersonId = row.id("person_id")?;
            let key = [(&channel).into(), (&account).into()];
            tx.run("DELETE FROM identities WHERE channel = ? AND account = ?", &key).await?;
            let sql = "INSERT INTO identities (channel, account, person_id) VALUES (?, ?, ?)";
            tx.run(sql, &[(&channel).into(), (&account).into(), person.into()]).await?;
            Ok(person)
        })
        .await
    }

    /// The accounts of a person.
    pub async fn identities(&self, person: PersonId) -> Result<Vec<Identity>> {
        let sql = "SELECT channel, account FROM identities WHERE person_id = ? ORDER BY channel, account LIMIT 100";
        let rows = self.all(sql, &[person.into()]).await?;
        rows.iter()
            .map(|row| Ok(Identity { channel: row.text("channel")?, account: row.text("account")?, person }))
            .collect()
    }

    /// Take an account from its person.
    pub async fn delete_identity(&self, identity: &Identity) -> Result<()> {
        let identity = identity.clone();
        let touched = self
            .write(async move |tx| {
                tx.run(
                    "DELETE FROM identities WHERE channel = ? AND account = ? AND person_id = ?",
                    &[(&identity.channel).into(), (&identity.account).into(), identity.person.into()],
                )
                .await
            })
            .await?;
        if touched == 0 { Err(StoreError::NotFound("account")) } else { Ok(()) }
    }

    /// Whether somebody has signed in, as far as sessions and codes that are still kept tell.
    pub async fn anybody_signed_in(&self) -> Result<bool> {
        let row = self
            .first(
                "SELECT person_id FROM web_sessions UNION ALL SELECT person_id FROM login_codes WHERE used_at_ms IS NOT NULL LIMIT 1",
                &[],
            )
            .await?;
        Ok(row.is_some())
    }

    pub async fn web_session(&self, id_hash: &str) -> Result<Option<WebSession>> {
        let row = self
            .first(
                "SELECT p.id AS person_id, p.name AS person_name, p.standing, p.zone, p.language, p.created_at_ms AS person_created_at_ms, \
                 s.created_at_ms, s.seen_at_ms FROM web_sessions s JOIN people p ON p.id = s.person_id WHERE s.id_hash = ?",
                &[id_hash.into()],
            )
            .await?;
        row.map(|row| {
            Ok(WebSession {
                person: read_person(&row)?,
                created_at_ms: row.int("created_at_ms")?,
                seen_at_ms: row.int("seen_at_ms")?,
            })
        })
        .transpose()
    }

    pub async fn touch_web_session(&self, id_hash: &str, now_ms: Millis) -> Result<()> {
        let id_hash = id_hash.to_owned();
        self.write(async move |tx| {
            tx.run("UPDATE web_sessions SET seen_at_ms = ? WHERE id_hash = ?", &[now_ms.into(), (&id_hash).into()])
                .await
        })
        .await
        .map(|_| ())
    }

    pub async fn delete_web_session(&self, id_hash: &str) -> Result<()> {
        let id_hash = id_hash.to_owned();
        self.write(async move |tx| tx.run("DELETE FROM web_sessions WHERE id_hash = ?", &[(&id_hash).into()]).await)
            .await
            .map(|_| ())
    }

    /// Sign a person out everywhere; how many sessions ended.
    pub async fn delete_web_sessions(&self, person: PersonId) -> Result<u64> {
        self.write(async move |tx| tx.run("DELETE FROM web_sessions WHERE person_id = ?", &[person.into()]).await).await
    }

    pub async fn put_api_key(&self, key: &ApiKey, key_hash: &str) -> Result<()> {
        let (key, key_hash) = (key.clone(), key_hash.to_owned());
        self.write(async move |tx| {
            tx.run(
                "INSERT INTO api_keys (id, person_id, name, key_hash, scopes, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
                &[
                    key.id.into(),
                    key.person.into(),
                    (&key.name).into(),
                    (&key_hash).into(),
                    key.scopes.join(" ").into(),
                    key.created_at_ms.into(),
                ],
            )
            .await
        })
        .await
        .map(|_| ())
    }

    /// A key that is not revoked, with its person.
    pub async fn api_key(&self, key_hash: &str) -> Result<Option<(ApiKey, Person)>> {
        let row = self
            .first(
                "SELECT p.id AS person_id, p.name AS person_name, p.standing, p.zone, p.language, p.created_at_ms AS person_created_at_ms, \
                 k.id, k.name, k.scopes, k.created_at_ms, k.used_at_ms FROM api_keys k JOIN people p ON p.id = k.person_id \
                 WHERE k.key_hash = ? AND k.revoked_at_ms IS NULL",
                &[key_hash.into()],
            )
            .await?;
        row.map(|row| Ok((read_key(&row)?, read_person(&row)?))).transpose()
    }

    /// Keys that are not revoked; of one person or all. At most 1 000.
    pub async fn api_keys(&self, person: Option<PersonId>) -> Result<Vec<ApiKey>> {
        let person = person.map(|p| p.to_string()).unwrap_or_default();
        let rows = self
            .all(
                "SELECT * FROM api_keys WHERE revoked_at_ms IS NULL AND (? = '' OR person_id = ?) ORDER BY created_at_ms LIMIT 1000",
                &[(&person).into(), (&person).into()],
            )
            .await?;
        rows.iter().map(read_key).collect()
    }

    pub async fn touch_api_key(&self, id: KeyId, now_ms: Millis) -> Result<()> {
        self.write(async move |tx| {
            tx.run("UPDATE api_keys SET used_at_ms = ? WHERE id = ?", &[now_ms.into(), id.into()]).await
        })
        .await
        .map(|_| ())
    }

    pub async fn revoke_api_key(&self, id: KeyId, now_ms: Millis) -> Result<()> {
        let touched = self
            .write(async move |tx| {
                tx.run(
                    "UPDATE api_keys SET revoked_at_ms = ? WHERE id = ? AND revoked_at_ms IS NULL",
                    &[now_ms.into(), id.into()],
                )
                .await
            })
            .await?;
        if touched == 0 { Err(StoreError::NotFound("key")) } else { Ok(()) }
    }
}

fn read_person(row: &AnyRow) -> Result<Person> {
    Ok(Person {
        id: row.id("person_id")?,
        name: row.text("person_name")?,
        // A standing nobody knows is the least one.
        standing: Standing::parse(&row.text("standing")?).unwrap_or(Standing::Guest),
        zone: row.optional_text("zone")?,
        language: row.optional_text("language")?,
        created_at_ms: row.int("person_created_at_ms")?,
    })
}

fn read_key(row: &AnyRow) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.id("id")?,
        person: row.id("person_id")?,
        name: row.text("name")?,
        scopes: row.text("scopes")?.split_whitespace().map(str::to_owned).collect(),
        created_at_ms: row.int("created_at_ms")?,
        used_at_ms: row.optional_int("used_at_ms")?,
    })
}
