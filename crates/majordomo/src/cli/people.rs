//! `majordomo person`: who belongs to the household.

use super::{Common, find_person, load, now_ms, open_store, print, serve::LINK_VALID};
use clap::{Subcommand, ValueEnum};
use majordomo_domain::{Person, PersonId, Standing};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum People {
    /// Show everybody
    #[command(after_help = "Example:\n  majordomo person list --json")]
    List {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Add somebody
    #[command(after_help = "Example:\n  majordomo person add NAME --standing child")]
    Add {
        /// What the household calls them
        name: String,
        #[arg(long, value_enum, default_value = "member")]
        standing: StandingArgument,
    },
    /// Print a link by which somebody signs in once, within 15 minutes
    #[command(after_help = "Example:\n  majordomo person link NAME")]
    Link {
        /// Name or id
        name: String,
    },
    /// Remove somebody with their sign-ins and keys
    #[command(after_help = "Example:\n  majordomo person remove NAME")]
    Remove {
        /// Name or id
        name: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum StandingArgument {
    Guest,
    Child,
    Member,
    Admin,
}

impl From<StandingArgument> for Standing {
    fn from(standing: StandingArgument) -> Self {
        match standing {
            StandingArgument::Guest => Standing::Guest,
            StandingArgument::Child => Standing::Child,
            StandingArgument::Member => Standing::Member,
            StandingArgument::Admin => Standing::Admin,
        }
    }
}

/// Characters of a name.
const LONGEST_NAME: usize = 80;

pub async fn people(common: &Common, command: People) -> anyhow::Result<ExitCode> {
    let loaded = load(common)?;
    let store = open_store(&loaded).await?;
    match command {
        People::List { json } => {
            let people = store.people().await?;
            if json {
                print(&serde_json::to_string_pretty(&people)?)?;
            } else if people.is_empty() {
                print("Nobody yet. The first start of `majordomo serve` makes the first admin.")?;
            } else {
                for person in &people {
                    print(&format!("{}  {:7}  {}", person.id, person.standing.as_str(), person.name))?;
                }
            }
        }
        People::Add { name, standing } => {
            let name = majordomo_domain::text::clean(name.trim());
            let length = name.chars().count();
            anyhow::ensure!((1..=LONGEST_NAME).contains(&length), "a name has 1 to {LONGEST_NAME} characters");
            let taken = store.people().await?.iter().any(|p| p.name.to_lowercase() == name.to_lowercase());
            anyhow::ensure!(!taken, "somebody is named \"{name}\" already");
            let person = Person {
                id: PersonId::new(),
                name,
                standing: standing.into(),
                zone: None,
                language: None,
                created_at_ms: now_ms(),
            };
            store.put_person(&person).await?;
            print(&format!("{} is now a {}.", person.name, person.standing.as_str()))?;
        }
        People::Link { name } => {
            let person = find_person(&store, &name).await?;
            let link =
                majordomo_web::login_link(&store, &loaded.config.server, person.id, now_ms(), LINK_VALID).await?;
            print(&link.url)?;
        }
        People::Remove { name } => {
            let person = find_person(&store, &name).await?;
            store.delete_person(person.id).await?;
            print(&format!("{} is removed.", person.name))?;
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
