//! `majordomo secret`: keys and passwords kept sealed in the database. A value comes by standard input or a hidden prompt,
//! never as an argument, which every process of the machine could read.

use super::{Common, load, now_ms, open_store, print};
use crate::{config, master_key};
use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use majordomo_domain::Secret;
use majordomo_store::StoreError;
use serde_json::json;
use std::{
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Subcommand)]
pub enum SecretCommand {
    /// Store a secret; its value is read from standard input, or asked for without being shown
    #[command(after_help = "Examples:\n  majordomo secret set TMDB\n  majordomo secret set OPENAI < key.txt\n\n\
                            The settings use it as api_key = \"secret:TMDB\".")]
    Set {
        /// Letters, digits, dots, dashes and underscores
        name: String,
    },
    /// Show the names of the secrets, their age and the version of their key
    #[command(after_help = "Example:\n  majordomo secret list --json")]
    List {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Remove a secret
    #[command(after_help = "Example:\n  majordomo secret remove TMDB")]
    Remove {
        /// As `majordomo secret list` shows it
        name: String,
    },
    /// Seal every secret with a new key; may be stopped at any time and run again
    #[command(
        after_help = "Examples:\n  majordomo secret rotate\n  majordomo secret rotate --master /etc/majordomo/new.key"
    )]
    Rotate(Rotate),
}

#[derive(Args)]
pub struct Rotate {
    /// Change the master key instead, to the one in this file, which is made when it is not there
    #[arg(long, value_name = "NEW_KEY_FILE")]
    master: Option<PathBuf>,
}

/// Bytes of a value that are read at most; the store refuses anything near it.
const MOST_INPUT: u64 = 1 << 20;
const DAY_MS: i64 = 86_400_000;

pub async fn secret(common: &Common, command: SecretCommand) -> anyhow::Result<ExitCode> {
    let environment = config::process_environment();
    let loaded = load(common)?;
    let store = open_store(&loaded).await?;
    match command {
        SecretCommand::Set { name } => {
            majordomo_store::check_secret_name(&name)?;
            let value = read_value(&name)?;
            let (secrets, made) = master_key::unlock_or_make(&loaded, &environment, &store).await?;
            if let Some(path) = made {
                say_made(&path)?;
            }
            secrets.put(&name, &value, now_ms()).await?;
            print(&format!("{name} is stored. The settings use it as \"secret:{name}\", from the next start on."))?;
        }
        SecretCommand::List { json } => {
            let secrets = store.secret_names().await?;
            if json {
                let list: Vec<_> = secrets
                    .iter()
                    .map(|secret| {
                        json!({"name": secret.name, "key_version": secret.key_version, "updated_at_ms": secret.updated_at_ms})
                    })
                    .collect();
                print(&serde_json::to_string_pretty(&list)?)?;
            } else if secrets.is_empty() {
                print("No secrets. `majordomo secret set NAME` stores one.")?;
            } else {
                let longest = secrets.iter().map(|secret| secret.name.len()).max().unwrap_or(0);
                for secret in &secrets {
                    let age = age(now_ms() - secret.updated_at_ms);
                    print(&format!("{:longest$}  {age}, key {}", secret.name, secret.key_version))?;
                }
            }
        }
        SecretCommand::Remove { name } => {
            match store.remove_secret(&name).await {
                Err(StoreError::NotFound(_)) => {
                    anyhow::bail!("there is no secret \"{name}\"; `majordomo secret list` shows them")
                }
                outcome => outcome?,
            }
            print(&format!("{name} is removed."))?;
        }
        SecretCommand::Rotate(Rotate { master }) => {
            ensure!(!store.secret_names().await?.is_empty(), "there are no secrets yet");
            let secrets = master_key::unlock(&loaded, &environment, &store).await?;
            match master {
                None => {
                    let rotated = secrets.rotate(now_ms()).await?;
                    let first =
                        if rotated.is_resumed { "The rotation that was stopped is finished" } else { "Rotated" };
                    let secrets = match rotated.resealed {
                        1 => "1 secret".to_owned(),
                        many => format!("{many} secrets"),
                    };
                    let key = rotated.key_version;
                    print(&format!("{first}: {secrets} sealed anew with key {key}; the old key is gone."))?;
                }
                Some(path) => {
                    let (new, is_made) = master_key::read_or_make(&path)?;
                    if is_made {
                        say_made(&path)?;
                    }
                    secrets.change_master(&new).await?;
                    print(&format!(
                        "From now on only the master key in {path} opens the secrets. Write key_file = \"{path}\" under [secrets], or \
                         put it in the old one's place.",
                        path = path.display()
                    ))?;
                }
            }
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

fn say_made(path: &Path) -> std::io::Result<()> {
    print(&format!(
        "A new master key is in {}. Keep a copy of it with your backups but apart from them: without it the secrets cannot be \
         read.",
        path.display()
    ))
}

fn read_value(name: &str) -> anyhow::Result<Secret> {
    let text = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{name} (not shown): ")).context("the value could not be read")?
    } else {
        let mut text = String::new();
        let read = std::io::stdin().lock().take(MOST_INPUT).read_to_string(&mut text);
        read.context("the value could not be read from standard input")?;
        text
    };
    // The end of the line a value was typed or echoed with is not part of it.
    let text = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    ensure!(!config::is_placeholder(text), "the value is blank or a placeholder, not a secret; nothing was stored");
    Ok(Secret::new(text))
}

fn age(ms: i64) -> String {
    match ms / DAY_MS {
        ..1 => "set today".into(),
        1 => "1 day old".into(),
        days => format!("{days} days old"),
    }
}
