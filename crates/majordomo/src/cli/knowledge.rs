//! `majordomo knowledge`: the documents the assistant answers from. Works beside the running service, which sees what was read here
//! with its next search.

use super::{Common, load, now_ms, open_store, print};
use anyhow::{Context, ensure};
use clap::Subcommand;
use majordomo_tools::knowledge::{How, Knowledge};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum KnowledgeCommand {
    /// Read the folder again: new, changed and deleted documents
    #[command(after_help = "Example:\n  majordomo knowledge reindex --force")]
    Reindex {
        /// Read every document anew, the unchanged ones too
        #[arg(long)]
        force: bool,
        /// JSON instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Show the documents, and those that could not be read
    #[command(after_help = "Example:\n  majordomo knowledge status --json")]
    Status {
        /// JSON instead of lines
        #[arg(long)]
        json: bool,
    },
}

pub async fn knowledge(common: &Common, command: KnowledgeCommand) -> anyhow::Result<ExitCode> {
    let loaded = load(common)?;
    let config = &loaded.config.tools.knowledge;
    ensure!(config.folder.is_some(), "there is no knowledge base: set folder under [tools.knowledge]");
    let store = open_store(&loaded).await?;
    let knowledge = Knowledge::new(config, Some(store.clone()));
    match command {
        KnowledgeCommand::Reindex { force, json } => {
            let how = if force { How::Everything } else { How::ByChecksum };
            let report = knowledge.reindex(how, None, now_ms()).await.context("nothing was read")?;
            if json {
                print(&serde_json::to_string_pretty(&report)?)?;
            } else {
                print(&report.sentence())?;
                report.doubts().iter().try_for_each(|line| print(line))?;
            }
        }
        KnowledgeCommand::Status { json } => {
            let status = knowledge.status().await?;
            if json {
                print(&serde_json::to_string_pretty(&status)?)?;
            } else if status.read_at_ms.is_none() {
                print("Nothing was read yet. `majordomo knowledge reindex` reads the folder.")?;
            } else {
                print(&format!("{} documents, {} passages", status.documents.len(), status.passages))?;
                for document in &status.documents {
                    print(&format!("{}  {} passages", document.name, document.passages))?;
                }
                for (name, reason) in &status.problems {
                    print(&format!("{name}  {reason}"))?;
                }
            }
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
