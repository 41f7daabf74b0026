//! `majordomo preferences`: what the household and its people like to watch, in and out as a file. Works beside the running service,
//! whose next conversation begins with it.

use super::{Common, find_person, load, now_ms, open_store, print};
use anyhow::Context;
use clap::Subcommand;
use majordomo_store::Store;
use majordomo_tools::household::{Household, Owner};
use std::{path::PathBuf, process::ExitCode};

#[derive(Subcommand)]
pub enum PreferencesCommand {
    /// Read a file household_preferences.json in place of what is known; what was known is kept aside
    #[command(after_help = "Example:\n  majordomo preferences import household_preferences.json")]
    Import {
        file: PathBuf,
        /// Whose taste it is, by name or id, in place of the household's
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
    },
    /// Write what is known, as such a file
    #[command(after_help = "Example:\n  majordomo preferences export household_preferences.json")]
    Export {
        /// Where to; the terminal when absent
        file: Option<PathBuf>,
        /// Whose taste, by name or id, in place of the household's
        #[arg(long, value_name = "NAME")]
        person: Option<String>,
    },
}

pub async fn preferences(common: &Common, command: PreferencesCommand) -> anyhow::Result<ExitCode> {
    let store = open_store(&load(common)?).await?;
    let household = Household::new(Some(store.clone()));
    match command {
        PreferencesCommand::Import { file, person } => {
            let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let document = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
            let (owner, whose) = owner(&store, person.as_deref()).await?;
            household.import(owner, document, now_ms()).await.context("nothing was imported")?;
            print(&format!("{whose} preferences are those of {}.", file.display()))?;
        }
        PreferencesCommand::Export { file, person } => {
            let (owner, whose) = owner(&store, person.as_deref()).await?;
            let text = serde_json::to_string_pretty(&household.export(owner).await?)?;
            match file {
                None => print(&text)?,
                Some(file) => {
                    std::fs::write(&file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
                    print(&format!("{whose} preferences are in {}.", file.display()))?;
                }
            }
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Whose document it is, and how to say so.
async fn owner(store: &Store, person: Option<&str>) -> anyhow::Result<(Owner, String)> {
    Ok(match person {
        None => (Owner::House, "The household\u{2019}s".into()),
        Some(name) => {
            let person = find_person(store, name).await?;
            (Owner::Person(person.id), format!("{}\u{2019}s", person.name))
        }
    })
}
