//! The command line: one file for each command. Every command fails with one plain sentence and a code other than 0.

mod backup;
mod chat;
mod copy;
mod doctor;
mod keys;
mod knowledge;
mod people;
mod preferences;
mod reference;
mod secret;
mod serve;

use crate::{
    config::{self, Loaded},
    master_key, telemetry,
};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use majordomo_domain::{Clock, Person, SystemClock};
use majordomo_store::{Store, StoreError};
use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// A self-hosted AI assistant for a household and its friends.
#[derive(Parser)]
#[command(name = "majordomo", version, about, arg_required_else_help = true)]
#[command(
    after_help = "Example:\n  majordomo serve\n\nSettings: majordomo.toml in the working directory, see `majordomo reference settings`."
)]
struct CommandLine {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Default)]
pub struct Common {
    /// The settings file [default: majordomo.toml in the working directory, when it is there]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    /// The data folder [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Start the service: the page, the API, the agents
    #[command(after_help = "Example:\n  majordomo serve --listen 127.0.0.1:8765")]
    Serve(Serve),
    /// Start the service with stand-ins for every outside service, in a data folder that is removed at the end
    #[command(after_help = "Example:\n  majordomo demo")]
    Demo(Serve),
    /// Talk to an agent in the terminal
    #[command(after_help = "Examples:\n  majordomo chat\n  majordomo chat --once \"what's trending this week?\"")]
    Chat(chat::Chat),
    /// The people of the household
    #[command(after_help = "Examples:\n  majordomo person add NAME --standing member\n  majordomo person link NAME")]
    Person {
        #[command(subcommand)]
        command: people::People,
    },
    /// Keys for the API
    #[command(after_help = "Example:\n  majordomo key create \"kitchen display\" --person NAME --scope read")]
    Key {
        #[command(subcommand)]
        command: keys::Keys,
    },
    /// Keys and passwords for the settings, kept sealed in the database
    #[command(after_help = "Examples:\n  majordomo secret set TMDB\n  majordomo secret rotate")]
    Secret {
        #[command(subcommand)]
        command: secret::SecretCommand,
    },
    /// The documents the assistant answers from
    #[command(after_help = "Examples:\n  majordomo knowledge reindex --force\n  majordomo knowledge status --json")]
    Knowledge {
        #[command(subcommand)]
        command: knowledge::KnowledgeCommand,
    },
    /// What the household and its people like to watch
    #[command(
        after_help = "Examples:\n  majordomo preferences import household_preferences.json\n  majordomo preferences export --person NAME"
    )]
    Preferences {
        #[command(subcommand)]
        command: preferences::PreferencesCommand,
    },
    /// Check the settings, the database and every service the settings name
    #[command(after_help = "Example:\n  majordomo doctor")]
    Doctor {
        /// JSON instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Create the database or bring it up to date
    #[command(after_help = "Example:\n  majordomo migrate")]
    Migrate,
    /// Make a backup, also while the service runs
    #[command(after_help = "Examples:\n  majordomo backup\n  majordomo backup /mnt/other/majordomo")]
    Backup(backup::Make),
    /// Put a backup in the place of the database the settings name
    #[command(after_help = "Example:\n  majordomo restore data/backups/majordomo-20261124-093000.db --replace")]
    Restore(backup::Restore),
    /// Copy a household into an empty database: SQLite, PostgreSQL, MySQL or MariaDB
    #[command(
        after_help = "Example:\n  majordomo copy-db sqlite://data/majordomo.db env:DATABASE_URL\n\nAn address may be env:NAME, so that no password is on the command line."
    )]
    CopyDb(copy::Copy),
    /// Print generated documentation
    #[command(after_help = "Example:\n  majordomo reference settings > majordomo.toml")]
    Reference {
        #[command(subcommand)]
        command: reference::Reference,
    },
}

#[derive(Args, Clone, Default)]
pub struct Serve {
    /// The address to listen on, in place of the settings'
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<SocketAddr>,
    /// Print a new sign-in link for the first admin although somebody has signed in before
    #[arg(long)]
    link: bool,
    /// Write the address of the running service to this file when it is ready
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

/// Run what was asked for.
pub fn run() -> ExitCode {
    let line = CommandLine::parse();
    match start(line) {
        Ok(code) => code,
        Err(error) => {
            // A reader that went away, such as `head`, is no failure of ours to explain.
            if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
                return ExitCode::FAILURE;
            }
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(line: CommandLine) -> anyhow::Result<ExitCode> {
    let begun = std::time::Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    let common = line.common;
    let outcome = runtime.block_on(async {
        match line.command {
            Command::Serve(options) => serve::serve(&common, &options, serve::Mode::AsConfigured, begun).await,
            Command::Demo(options) => serve::serve(&common, &options, serve::Mode::Demo, begun).await,
            Command::Chat(options) => chat::chat(&common, &options).await,
            Command::Person { command } => people::people(&common, command).await,
            Command::Key { command } => keys::keys(&common, command).await,
            Command::Secret { command } => secret::secret(&common, command).await,
            Command::Knowledge { command } => knowledge::knowledge(&common, command).await,
            Command::Preferences { command } => preferences::preferences(&common, command).await,
            Command::Doctor { json } => doctor::doctor(&common, json).await,
            Command::Migrate => migrate(&common).await,
            Command::Backup(options) => backup::make(&common, &options).await,
            Command::Restore(options) => backup::restore(&common, &options).await,
            Command::CopyDb(options) => copy::copy(&common, &options).await,
            Command::Reference { command } => reference::reference(command).await,
        }
    });
    // What still waits for a terminal or an outside service is not waited for.
    runtime.shutdown_background();
    outcome
}

async fn migrate(common: &Common) -> anyhow::Result<ExitCode> {
    let loaded = load(common)?;
    let store = open_store(&loaded).await?;
    store.close().await;
    print(&format!("{} is up to date", config::without_password(&loaded.config.store_url())))?;
    Ok(ExitCode::SUCCESS)
}

/// The settings a command works with.
pub fn load(common: &Common) -> anyhow::Result<Loaded> {
    let mut loaded = config::load(common.config.as_deref(), &config::process_environment())?;
    if let Some(data) = &common.data {
        loaded.config.data = data.clone();
    }
    Ok(loaded)
}

/// Open the database the settings name.
pub async fn open_store(loaded: &Loaded) -> anyhow::Result<Store> {
    let url = loaded.config.store_url();
    Store::open(&url).await.with_context(|| format!("cannot open {}", config::without_password(&url)))
}

/// The settings with the secrets they name, which the log never shows from here on. Refused when the database holds secrets
/// and their master key is missing or another one.
pub async fn with_secrets(loaded: Loaded, store: &Store, guard: &telemetry::Guard) -> anyhow::Result<Loaded> {
    let environment = config::process_environment();
    let secrets = master_key::secrets(&loaded, &environment, store).await?;
    guard.hide(secrets.values().cloned());
    let loaded = loaded.with_secrets(&secrets, &environment)?;
    guard.hide(loaded.hidden(&environment));
    Ok(loaded)
}

/// Write a line for the person at the terminal.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// A person by name or id.
pub async fn find_person(store: &Store, who: &str) -> anyhow::Result<Person> {
    let people = store.people().await?;
    let mut found: Vec<Person> = people
        .into_iter()
        .filter(|person| person.name.to_lowercase() == who.to_lowercase() || person.id.to_string() == who)
        .collect();
    match found.len() {
        0 => anyhow::bail!("there is nobody named \"{who}\"; `majordomo person list` shows everybody"),
        1 => Ok(found.remove(0)),
        _ => anyhow::bail!("several people are named \"{who}\"; use the id that `majordomo person list` shows"),
    }
}

/// The first admin, made when there is nobody. Several processes that start at once make one between them.
pub async fn first_admin(store: &Store) -> anyhow::Result<Person> {
    const LEASE: &str = "first admin";
    let me = majordomo_domain::PersonId::new();
    loop {
        if let Some(admin) = some_admin(store).await? {
            return Ok(admin);
        }
        match store.take_lease(LEASE, &me.to_string(), now_ms() + 5_000, now_ms()).await {
            Err(StoreError::Fenced) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            taken => taken?,
        };
        // Somebody may have been quicker before the lease was ours.
        let admin = match some_admin(store).await? {
            Some(admin) => admin,
            None => {
                let (standing, created_at_ms) = (majordomo_domain::Standing::Admin, now_ms());
                let admin =
                    Person { id: me, name: "Admin".into(), standing, zone: None, language: None, created_at_ms };
                store.put_person(&admin).await?;
                admin
            }
        };
        store.release_lease(LEASE, &me.to_string()).await?;
        return Ok(admin);
    }
}

async fn some_admin(store: &Store) -> anyhow::Result<Option<Person>> {
    let people = store.people().await?;
    Ok(people.into_iter().find(|person| person.standing == majordomo_domain::Standing::Admin))
}

pub fn now_ms() -> i64 {
    SystemClock.now_ms()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn processes_that_start_at_once_make_one_first_admin() {
        let store = Store::scratch().await.unwrap();
        let (one, two, three) = tokio::join!(first_admin(&store), first_admin(&store), first_admin(&store));
        assert_eq!((one.unwrap().id, two.unwrap().id), (three.unwrap().id, store.people().await.unwrap()[0].id));
        assert_eq!(store.people().await.unwrap().len(), 1);
    }
}
