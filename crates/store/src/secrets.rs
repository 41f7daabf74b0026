//! Secrets at rest. A master key, which is never here, seals data keys; the newest data key seals the secrets.
//!
//! A sealed text opens only in its own row, column and key version (`seal.rs`). Rotation makes a new data key and seals every
//! secret anew, one commit each, so that it may be stopped at any row and gone on with; readers meet both keys meanwhile.

use crate::{
    Result, Store, StoreError,
    dialect::Dialect,
    row::Columns,
    seal::{Key, MasterKey, Place},
    writer::Tx,
};
use majordomo_domain::{Millis, Secret, fault_point};
use serde::Serialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What may be known of a secret without a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredSecret {
    pub name: String,
    /// The version of the data key that seals it, from 1.
    pub key_version: i64,
    /// When it was last set; a rotation does not count.
    pub updated_at_ms: Millis,
}

/// What a rotation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The data key that seals everything now.
    pub key_version: i64,
    /// Secrets sealed anew this time.
    pub resealed: u64,
    /// Whether it went on with a rotation that was stopped.
    pub is_resumed: bool,
}

/// Bytes of a secret's name.
const LONGEST_NAME: usize = 100;
/// Bytes of a secret.
const LONGEST_SECRET: usize = 64 * 1024;
/// Secrets there may be. Bounds a start, which opens them all.
const MOST_SECRETS: i64 = 1_000;

/// Letters, digits, `_`, `-` and `.`, so that a name stands in a settings file as it is. [`StoreError::Conflict`] for others.
pub fn check_secret_name(name: &str) -> Result<()> {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_known) {
        return Ok(());
    }
    Err(StoreError::Conflict(format!(
        "a secret's name has 1 to {LONGEST_NAME} letters, digits, dots, dashes and underscores"
    )))
}

impl Store {
    /// Names of all secrets. Needs no key.
    pub async fn secret_names(&self) -> Result<Vec<StoredSecret>> {
        let rows = self.all("SELECT name, key_version, updated_at_ms FROM secrets ORDER BY name", &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(StoredSecret {
                    name: row.text("name")?,
                    key_version: row.int("key_version")?,
                    updated_at_ms: row.int("updated_at_ms")?,
                })
            })
            .collect()
    }

    /// Remove a secret. Needs no key. With the last one go the data keys, so that another master key may begin anew.
    pub async fn remove_secret(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        let dialect = self.inner.dialect;
        self.write(async move |tx| {
            overwrite_deleted(dialect, tx).await?;
            if tx.run("DELETE FROM secrets WHERE name = ?", &[(&name).into()]).await? == 0 {
                return Err(StoreError::NotFound("secret"));
            }
            if tx.first("SELECT name FROM secrets LIMIT 1", &[]).await?.is_none() {
                tx.run("DELETE FROM data_keys", &[]).await?;
            }
            Ok(())
        })
        .await?;
        self.forget_journal().await;
        Ok(())
    }

    /// Open the secrets with a master key. [`StoreError::Unusable`] when it is not the one that sealed them; nothing is
    /// written. Any key opens an empty store.
    pub async fn unlock(&self, master: MasterKey) -> Result<Secrets> {
        let secrets = Secrets { store: self.clone(), master };
        secrets.data_keys().await?;
        Ok(secrets)
    }

    /// What was deleted may still be in the file that SQLite writes ahead; empty it, unless somebody else reads it just now.
    async fn forget_journal(&self) {
        if self.inner.dialect == Dialect::Sqlite {
            let _ = self.first("PRAGMA wal_checkpoint(TRUNCATE)", &[]).await;
        }
    }
}

/// The secrets, with the master key at hand.
pub struct Secrets {
    store: Store,
    master: MasterKey,
}

impl Secrets {
    /// Every secret by name.
    pub async fn all(&self) -> Result<BTreeMap<String, Secret>> {
        let keys = self.data_keys().await?;
        let rows = self.store.all("SELECT name, key_version, sealed FROM secrets ORDER BY name", &[]).await?;
        let mut secrets = BTreeMap::new();
        for row in rows {
            let (name, version, sealed) = (row.text("name")?, row.int("key_version")?, row.text("sealed")?);
            let plain = open_secret(&keys, &name, version, &sealed)?;
            let text = std::str::from_utf8(&plain).map_err(|_| unreadable(&name))?;
            secrets.insert(name, Secret::new(text));
        }
        Ok(secrets)
    }

    /// Write a secret, a new one or in place of another. [`StoreError::Conflict`] for a name or a value that will not do.
    pub async fn put(&self, name: &str, value: &Secret, now_ms: Millis) -> Result<()> {
        check_secret_name(name)?;
        if value.is_empty() || value.expose().len() > LONGEST_SECRET {
            return Err(StoreError::Conflict(format!("a secret has 1 to {LONGEST_SECRET} bytes")));
        }
        let (name, value) = (name.to_owned(), Zeroizing::new(value.expose().to_owned()));
        let (master, dialect) = (self.master.clone(), self.store.inner.dialect);
        self.store
            .write(async move |tx| {
                overwrite_deleted(dialect, tx).await?;
                let (version, key) = match newest_data_key(tx, &master).await? {
                    Some(newest) => newest,
                    None => (1, make_data_key(tx, &master, 1, now_ms).await?),
                };
                // A rotation in another process waits for this row before it removes the key.
                let held = [version.into()];
                if tx.run("UPDATE data_keys SET version = version WHERE version = ?", &held).await? == 0 {
                    return Err(StoreError::Conflict("the keys were rotated in this moment; try again".into()));
                }
                let sealed = key.seal(&of_secret(&name, &version.to_string()), value.as_bytes())?;
                let values = [version.into(), sealed.into(), now_ms.into(), (&name).into()];
                let sql = "UPDATE secrets SET key_version = ?, sealed = ?, updated_at_ms = ? WHERE name = ?";
                if tx.run(sql, &values).await? > 0 {
                    return Ok(());
                }
                let row = tx.first("SELECT CAST(COUNT(*) AS BIGINT) AS number FROM secrets", &[]).await?;
                if row.map_or(Ok(0), |row| row.int("number"))? >= MOST_SECRETS {
                    return Err(StoreError::Conflict(format!("there are {MOST_SECRETS} secrets already")));
                }
                let sql = "INSERT INTO secrets (key_version, sealed, updated_at_ms, name) VALUES (?, ?, ?, ?)";
                tx.run(sql, &values).await?;
                Ok(())
            })
            .await
    }

    /// Seal every secret with a new data key and remove the old one. Goes on with a rotation that was stopped.
    pub async fn rotate(&self, now_ms: Millis) -> Result<Rotated> {
        let master = self.master.clone();
        let begun = async move |tx: &mut Tx<'_>| {
            let rows = tx.all("SELECT version FROM data_keys ORDER BY version", &[]).await?;
            let versions = rows.iter().map(|row| row.int("version")).collect::<Result<Vec<_>>>()?;
            match versions.as_slice() {
                [] => Err(StoreError::Conflict("there are no secrets yet".into())),
                [only] => {
                    make_data_key(tx, &master, only + 1, now_ms).await?;
                    Ok((only + 1, false))
                }
                [.., newest] => Ok((*newest, true)),
            }
        };
        let (key_version, is_resumed) = self.store.write(begun).await?;
        fault_point!("rotate.begun");
        let mut resealed = 0;
        while self.reseal_one(key_version).await? {
            resealed += 1;
            fault_point!("rotate");
        }
        fault_point!("rotate.sealed");
        let dialect = self.store.inner.dialect;
        let finish = async move |tx: &mut Tx<'_>| {
            overwrite_deleted(dialect, tx).await?;
            // Takes hold of the old keys first, so that a secret being written with one of them is waited for and seen.
            let old = [key_version.into()];
            tx.run("UPDATE data_keys SET version = version WHERE version < ?", &old).await?;
            let sql = "SELECT name FROM secrets WHERE key_version < ? LIMIT 1";
            if tx.first(sql, &old).await?.is_some() {
                return Err(StoreError::Busy("a secret was set meanwhile; rotate again".into()));
            }
            tx.run("DELETE FROM data_keys WHERE version < ?", &old).await
        };
        self.store.write(finish).await?;
        self.store.forget_journal().await;
        Ok(Rotated { key_version, resealed, is_resumed })
    }

    /// Seal one secret with a newer data key. False when none is left.
    async fn reseal_one(&self, version: i64) -> Result<bool> {
        let (master, dialect) = (self.master.clone(), self.store.inner.dialect);
        let step = async move |tx: &mut Tx<'_>| {
            overwrite_deleted(dialect, tx).await?;
            let sql = "SELECT name, key_version, sealed FROM secrets WHERE key_version < ? ORDER BY name LIMIT 1";
            let Some(row) = tx.first(sql, &[version.into()]).await? else { return Ok(false) };
            let (name, old) = (row.text("name")?, row.int("key_version")?);
            let keys = read_data_keys(tx.all(DATA_KEYS, &[]).await?, &master)?;
            let plain = open_secret(&keys, &name, old, &row.text("sealed")?)?;
            let key = keys.get(&version).ok_or_else(|| no_data_key(&name, version))?;
            let sealed = key.seal(&of_secret(&name, &version.to_string()), &plain)?;
            let values = [version.into(), sealed.into(), (&name).into(), old.into()];
            tx.run("UPDATE secrets SET key_version = ?, sealed = ? WHERE name = ? AND key_version = ?", &values)
                .await?;
            fault_point!("rotate.tx");
            Ok(true)
        };
        self.store.write(step).await
    }

    /// Seal the data keys with another master key, all in one commit; how many. From then on only that one opens them.
    pub async fn change_master(&self, new: &MasterKey) -> Result<usize> {
        let (master, new, dialect) = (self.master.clone(), new.clone(), self.store.inner.dialect);
        let (from, to) = (master.fingerprint(), new.fingerprint());
        if from == to {
            return Err(StoreError::Conflict("this is the master key that is in use already".into()));
        }
        let count = self
            .store
            .write(async move |tx| {
                overwrite_deleted(dialect, tx).await?;
                let keys = read_data_keys(tx.all(DATA_KEYS, &[]).await?, &master)?;
                for (version, key) in &keys {
                    let sealed = new.0.seal(&of_data_key(&version.to_string(), &to), key.bytes())?;
                    let values = [sealed.into(), (&to).into(), (*version).into(), (&from).into()];
                    tx.run("UPDATE data_keys SET sealed = ?, master = ? WHERE version = ? AND master = ?", &values)
                        .await?;
                }
                fault_point!("rotate.master");
                Ok(keys.len())
            })
            .await?;
        self.store.forget_journal().await;
        Ok(count)
    }

    async fn data_keys(&self) -> Result<BTreeMap<i64, Key>> {
        read_data_keys(self.store.all(DATA_KEYS, &[]).await?, &self.master)
    }
}

const DATA_KEYS: &str = "SELECT version, sealed, master FROM data_keys ORDER BY version";

fn read_data_keys(rows: Vec<sqlx::any::AnyRow>, master: &MasterKey) -> Result<BTreeMap<i64, Key>> {
    let given = master.fingerprint();
    let mut keys = BTreeMap::new();
    for row in rows {
        let (version, wanted) = (row.int("version")?, row.text("master")?);
        if wanted != given {
            return Err(StoreError::Unusable(format!(
                "the secrets in the database were sealed with the master key {wanted}, and the one given is {given}"
            )));
        }
        let bytes = master.0.open(&of_data_key(&version.to_string(), &given), &row.text("sealed")?);
        let key = bytes.and_then(|bytes| Key::of_bytes(&bytes)).ok_or_else(|| {
            StoreError::Unusable(format!("data key {version} does not open: its row in the database was changed"))
        })?;
        keys.insert(version, key);
    }
    Ok(keys)
}

async fn newest_data_key(tx: &mut Tx<'_>, master: &MasterKey) -> Result<Option<(i64, Key)>> {
    Ok(read_data_keys(tx.all(DATA_KEYS, &[]).await?, master)?.pop_last())
}

async fn make_data_key(tx: &mut Tx<'_>, master: &MasterKey, version: i64, now_ms: Millis) -> Result<Key> {
    let (key, master_name) = (Key::random()?, master.fingerprint());
    let sealed = master.0.seal(&of_data_key(&version.to_string(), &master_name), key.bytes())?;
    let values = [version.into(), sealed.into(), master_name.into(), now_ms.into()];
    tx.run("INSERT INTO data_keys (version, sealed, master, created_at_ms) VALUES (?, ?, ?, ?)", &values).await?;
    Ok(key)
}

fn open_secret(keys: &BTreeMap<i64, Key>, name: &str, version: i64, sealed: &str) -> Result<Zeroizing<Vec<u8>>> {
    let key = keys.get(&version).ok_or_else(|| no_data_key(name, version))?;
    key.open(&of_secret(name, &version.to_string()), sealed).ok_or_else(|| unreadable(name))
}

fn no_data_key(name: &str, version: i64) -> StoreError {
    StoreError::Unusable(format!("the secret {name} wants data key {version}, which is not in the database"))
}

fn unreadable(name: &str) -> StoreError {
    StoreError::Unusable(format!(
        "the secret {name} does not open: its row in the database was changed; `majordomo secret set {name}` writes it anew"
    ))
}

/// SQLite leaves what was deleted in its file until the place is needed; from here on it writes zeros there.
async fn overwrite_deleted(dialect: Dialect, tx: &mut Tx<'_>) -> Result<()> {
    if dialect == Dialect::Sqlite {
        tx.run("PRAGMA secure_delete = ON", &[]).await?;
    }
    Ok(())
}

fn of_secret<'a>(name: &'a str, version: &'a str) -> Place<'a> {
    Place { table: "secrets", row: name, column: "sealed", key: version }
}

fn of_data_key<'a>(version: &'a str, master: &'a str) -> Place<'a> {
    Place { table: "data_keys", row: version, column: "sealed", key: master }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canary-7f3b-sings-at-dawn";

    async fn unlocked() -> (Store, MasterKey, Secrets) {
        let store = Store::scratch().await.unwrap();
        let master = MasterKey::random().unwrap();
        let secrets = store.unlock(master.clone()).await.unwrap();
        (store, master, secrets)
    }

    async fn tamper(store: &Store, sql: &'static str) -> u64 {
        store.write(async move |tx| tx.run(sql, &[]).await).await.unwrap()
    }

    /// The row of a table that tampering looks at.
    async fn sealed(store: &Store, name: &str) -> String {
        let row = store.first("SELECT sealed FROM secrets WHERE name = ?", &[name.into()]).await.unwrap();
        row.unwrap().text("sealed").unwrap()
    }

    fn said<T: std::fmt::Debug>(outcome: Result<T>) -> String {
        match outcome {
            Err(StoreError::Unusable(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_sealed_text_in_another_row_column_or_version_is_refused() {
        let changed = |name: &str| {
            format!(
                "the secret {name} does not open: its row in the database was changed; `majordomo secret set {name}` writes it anew"
            )
        };
        for (what, sql, refusal) in [
            (
                "another row",
                "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'A') WHERE name = 'B'",
                changed("B"),
            ),
            ("another name", "UPDATE secrets SET name = 'C' WHERE name = 'A'", changed("C")),
            (
                "another table and column",
                "UPDATE secrets SET sealed = (SELECT sealed FROM data_keys) WHERE name = 'B'",
                changed("B"),
            ),
            (
                "a version that is not there",
                "UPDATE secrets SET key_version = 2 WHERE name = 'B'",
                "the secret B wants data key 2, which is not in the database".to_owned(),
            ),
            (
                "the same data key under another version",
                "UPDATE data_keys SET version = 2",
                "data key 2 does not open: its row in the database was changed".to_owned(),
            ),
            (
                "a data key from the secrets",
                "UPDATE data_keys SET sealed = (SELECT sealed FROM secrets WHERE name = 'A')",
                "data key 1 does not open: its row in the database was changed".to_owned(),
            ),
            ("one letter", "UPDATE secrets SET sealed = sealed || 'A' WHERE name = 'A'", changed("A")),
        ] {
            let (store, master, secrets) = unlocked().await;
            secrets.put("A", &Secret::new(CANARY), 1).await.unwrap();
            secrets.put("B", &Secret::new("other"), 1).await.unwrap();
            assert_eq!(tamper(&store, sql).await, 1, "{what}");
            let outcome = match store.unlock(master).await {
                Ok(secrets) => secrets.all().await,
                Err(error) => Err(error),
            };
            assert_eq!(said(outcome), refusal, "{what}");
        }
    }

    /// Two versions are there at once only while a rotation is under way.
    #[tokio::test]
    async fn a_sealed_text_under_another_version_that_exists_is_refused() {
        let (store, _, secrets) = unlocked().await;
        secrets.put("A", &Secret::new(CANARY), 1).await.unwrap();
        let master = secrets.master.clone();
        store.write(async move |tx| make_data_key(tx, &master, 2, 1).await.map(|_| ())).await.unwrap();
        assert_eq!(secrets.all().await.unwrap()["A"].expose(), CANARY);
        tamper(&store, "UPDATE secrets SET key_version = 2").await;
        assert!(said(secrets.all().await).starts_with("the secret A does not open"));
    }

    #[tokio::test]
    async fn another_master_key_opens_nothing_and_changes_nothing() {
        let (store, master, secrets) = unlocked().await;
        secrets.put("A", &Secret::new(CANARY), 1).await.unwrap();
        let before = (sealed(&store, "A").await, store.secret_names().await.unwrap());
        let other = MasterKey::random().unwrap();
        let (wanted, given) = (master.fingerprint(), other.fingerprint());
        assert_eq!(
            said(store.unlock(other).await.map(|_| ())),
            format!(
                "the secrets in the database were sealed with the master key {wanted}, and the one given is {given}"
            )
        );
        assert_eq!((sealed(&store, "A").await, store.secret_names().await.unwrap()), before);
        // A fingerprint is only a label: forging it opens nothing.
        let forger = MasterKey::random().unwrap();
        let label = forger.fingerprint();
        store.write(async move |tx| tx.run("UPDATE data_keys SET master = ?", &[(&label).into()]).await).await.unwrap();
        assert!(said(store.unlock(forger).await.map(|_| ())).starts_with("data key 1 does not open"));
    }

    #[tokio::test]
    async fn after_a_rotation_the_old_data_key_is_gone_and_what_it_sealed_is_refused() {
        let (store, _, secrets) = unlocked().await;
        secrets.put("A", &Secret::new(CANARY), 1).await.unwrap();
        let old = sealed(&store, "A").await;
        let rotated = secrets.rotate(2).await.unwrap();
        assert_eq!(rotated, Rotated { key_version: 2, resealed: 1, is_resumed: false });
        assert_eq!(secrets.all().await.unwrap()["A"].expose(), CANARY);
        for version in ["1", "2"] {
            let (old, version) = (old.clone(), version.parse::<i64>().unwrap());
            store
                .write(async move |tx| {
                    let values = [(&old).into(), version.into()];
                    tx.run("UPDATE secrets SET sealed = ?, key_version = ?", &values).await
                })
                .await
                .unwrap();
            said(secrets.all().await);
        }
    }

    /// What SQLite keeps: the file itself, what is written ahead, and a copy made by VACUUM INTO.
    #[tokio::test]
    async fn neither_the_secrets_nor_what_was_sealed_before_is_in_the_files() {
        let (store, master, secrets) = unlocked().await;
        let names: Vec<String> = (0..25).map(|n| format!("S{n}")).collect();
        for name in &names {
            secrets.put(name, &Secret::new(format!("{CANARY}-{name}")), 1).await.unwrap();
        }
        let old_sealed = sealed(&store, "S0").await;
        let old_key = store.first("SELECT sealed FROM data_keys", &[]).await.unwrap().unwrap().text("sealed").unwrap();
        secrets.rotate(2).await.unwrap();
        let new = MasterKey::random().unwrap();
        let second_key =
            store.first("SELECT sealed FROM data_keys", &[]).await.unwrap().unwrap().text("sealed").unwrap();
        assert_eq!(secrets.change_master(&new).await.unwrap(), 1);
        said(store.unlock(master.clone()).await.map(|_| ()));
        let secrets = store.unlock(new).await.unwrap();
        store.remove_secret("S24").await.unwrap();
        assert_eq!(secrets.all().await.unwrap().len(), 24);

        let path = store.inner.scratch.clone().unwrap();
        let copy = tempfile::NamedTempFile::new().unwrap();
        std::fs::remove_file(copy.path()).unwrap();
        let into = format!("VACUUM INTO '{}'", copy.path().display());
        sqlx::query(sqlx::AssertSqlSafe(into)).execute(&store.inner.readers).await.unwrap();
        let mut searched = 0;
        for end in ["", "-wal", "-shm"] {
            let mut file = path.clone().into_os_string();
            file.push(end);
            let Ok(bytes) = std::fs::read(&file) else { continue };
            searched += 1;
            for gone in [CANARY, &old_sealed, &old_key, &second_key, &master.text()] {
                let is_there = bytes.windows(gone.len()).any(|window| window == gone.as_bytes());
                assert!(!is_there, "{gone} is in the file {end}");
            }
        }
        assert!(searched >= 2, "{searched} files");
        let bytes = std::fs::read(copy.path()).unwrap();
        assert!(!bytes.is_empty());
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    }

    #[tokio::test]
    async fn a_name_or_a_value_that_will_not_do_is_refused() {
        let (_store, _, secrets) = unlocked().await;
        for name in ["", "a b", "é", "a:b", &"x".repeat(101)] {
            assert!(matches!(secrets.put(name, &Secret::new("v"), 1).await, Err(StoreError::Conflict(_))), "{name}");
        }
        for value in [String::new(), "x".repeat(LONGEST_SECRET + 1)] {
            assert!(matches!(secrets.put("A", &Secret::new(value), 1).await, Err(StoreError::Conflict(_))));
        }
        assert!(matches!(secrets.rotate(1).await, Err(StoreError::Conflict(_))), "there is nothing to rotate");
    }

    #[tokio::test]
    async fn when_the_last_secret_is_gone_another_master_key_may_begin() {
        let (store, _, secrets) = unlocked().await;
        secrets.put("A", &Secret::new("v"), 1).await.unwrap();
        store.remove_secret("A").await.unwrap();
        assert!(matches!(store.remove_secret("A").await, Err(StoreError::NotFound(_))));
        let secrets = store.unlock(MasterKey::random().unwrap()).await.unwrap();
        secrets.put("A", &Secret::new("w"), 2).await.unwrap();
        assert_eq!(secrets.all().await.unwrap()["A"].expose(), "w");
    }
}
