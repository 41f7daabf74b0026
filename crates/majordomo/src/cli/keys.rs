//! `majordomo key`: keys for the API. A key is shown once and stored as a hash.

use super::{Common, find_person, load, now_ms, open_store, print};
use crate::credentials;
use anyhow::Context;
use clap::Subcommand;
use majordomo_domain::KeyId;
use majordomo_store::ApiKey;
use serde_json::json;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Keys {
    /// Make a key and show it, this once
    #[command(after_help = "Example:\n  majordomo key create \"kitchen display\" --person NAME --scope read")]
    Create {
        /// What it is for
        name: String,
        /// Whose key it is: name or id
        #[arg(long, value_name = "WHO")]
        person: String,
        /// What it may be used for, several times [default: everything its person may]
        #[arg(long = "scope", value_name = "SCOPE", value_parser = ["read", "chat", "tools", "admin", "metrics"])]
        scopes: Vec<String>,
    },
    /// Show the keys that are not revoked
    #[command(after_help = "Example:\n  majordomo key list --json")]
    List {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Make a key useless
    #[command(after_help = "Example:\n  majordomo key revoke 0199a1b2-…")]
    Revoke {
        /// The id that `majordomo key list` shows
        id: String,
    },
}

/// Characters of a key's name.
const LONGEST_NAME: usize = 80;

pub async fn keys(common: &Common, command: Keys) -> anyhow::Result<ExitCode> {
    let loaded = load(common)?;
    let store = open_store(&loaded).await?;
    match command {
        Keys::Create { name, person, scopes } => {
            let person = find_person(&store, &person).await?;
            let name = majordomo_domain::text::clean(name.trim());
            anyhow::ensure!(
                (1..=LONGEST_NAME).contains(&name.chars().count()),
                "a key's name has 1 to {LONGEST_NAME} characters"
            );
            let secret = credentials::new_key();
            let key =
                ApiKey { id: KeyId::new(), person: person.id, name, scopes, created_at_ms: now_ms(), used_at_ms: None };
            store.put_api_key(&key, &credentials::hash(&secret)).await?;
            print(&secret)?;
        }
        Keys::List { json } => {
            let keys = store.api_keys(None).await?;
            let people = store.people().await?;
            let owner =
                |key: &ApiKey| people.iter().find(|p| p.id == key.person).map(|p| p.name.clone()).unwrap_or_default();
            if json {
                let list: Vec<_> = keys
                    .iter()
                    .map(|key| {
                        json!({"id": key.id, "name": key.name, "person": owner(key), "scopes": key.scopes,
                            "created_at_ms": key.created_at_ms, "used_at_ms": key.used_at_ms})
                    })
                    .collect();
                print(&serde_json::to_string_pretty(&list)?)?;
            } else if keys.is_empty() {
                print("No keys.")?;
            } else {
                for key in &keys {
                    let scopes = if key.scopes.is_empty() { "everything".to_owned() } else { key.scopes.join(" ") };
                    print(&format!("{}  {}  {}  {scopes}", key.id, owner(key), key.name))?;
                }
            }
        }
        Keys::Revoke { id } => {
            let id: KeyId = id.parse().context("a key is named by the id that `majordomo key list` shows")?;
            store.revoke_api_key(id, now_ms()).await?;
            print("The key is revoked.")?;
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
