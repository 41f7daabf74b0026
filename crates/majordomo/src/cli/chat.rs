//! `majordomo chat`: talk to an agent in the terminal, with the engine in this process.

use super::{Common, find_person, first_admin, load, now_ms, open_store, with_secrets};
use crate::{config, lock, telemetry, wire};
use anyhow::Context;
use clap::Args;
use majordomo_channels::console::{self, Ended, Look, Talk};
use majordomo_domain::ConversationId;
use majordomo_store::NewConversation;
use std::{io::IsTerminal, process::ExitCode, time::Duration};

#[derive(Args)]
pub struct Chat {
    /// Ask this one thing, print the answer, leave
    #[arg(long, value_name = "TEXT")]
    once: Option<String>,
    /// The agent to talk to [default: the first one]
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Who talks: name or id [default: whom this terminal's user is joined to, else the first admin]
    #[arg(long, value_name = "WHO")]
    person: Option<String>,
    /// Join this terminal's user to the person who made this one-time code on the page, and talk as them
    #[arg(long, value_name = "CODE")]
    link: Option<String>,
    /// A model by name, such as openai/gpt-5 [default: the settings' choice]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

pub async fn chat(common: &Common, options: &Chat) -> anyhow::Result<ExitCode> {
    let environment = config::process_environment();
    let mut loaded = load(common)?;
    // The log would be in the way of the talk.
    if loaded.config.log == telemetry::Log::default() {
        loaded.config.log.level = "error".into();
    }
    let telemetry = telemetry::start(&loaded.config.log, &loaded.config.telemetry, &environment)?;
    let lock = lock::take(&loaded.config.store_url(), &loaded.config.data)?;
    telemetry.hide(loaded.hidden(&environment));
    let store = open_store(&loaded).await?;
    let mut loaded = with_secrets(loaded, &store, &telemetry).await?;
    let house = wire::build(&mut loaded, store.clone(), &lock.owner).await?;
    let account = account();
    if let Some(code) = &options.link {
        let joined = house.engine.redeem_link_code(code, "console", &account).await;
        joined.context("the code is unknown, used or too old; make a new one on the page, under your name")?;
    }
    let person = match (&options.person, store.person_behind("console", &account).await?) {
        (Some(who), _) => find_person(&store, who).await?,
        (None, Some(person)) => person,
        (None, None) => first_admin(&store).await?,
    };
    let agents = house.engine.agents();
    let agent = match &options.agent {
        None => agents.first(),
        Some(name) => agents.iter().find(|agent| agent.name == *name),
    };
    let agent = agent.context("there is no such agent; [agents.NAME] in the settings makes one")?.id;
    let new = ConversationId::new();
    let place = house.engine.shared_place(agent, person.id, None).unwrap_or_else(|| new.to_string());
    let conversation = match store.conversation_at(&place).await? {
        Some(conversation) => conversation.id,
        None => {
            let title = String::new();
            let made = NewConversation { id: new, owner: person.id, agent, place, title, now_ms: now_ms() };
            store.create_conversation(made).await?.id
        }
    };
    let talk = Talk { conversation, agent, person, model: options.model.clone(), room: None };
    let columns = environment.get("COLUMNS").and_then(|text| text.parse().ok()).unwrap_or(80);
    let look = Look {
        colours: std::io::stdout().is_terminal() && config::wants_colours(&environment),
        columns: usize::clamp(columns, 20, 200),
    };
    let out = tokio::io::stdout();
    let code = match &options.once {
        Some(text) => match console::once(&house.engine, &talk, text, look, out).await? {
            Ended::Answered => ExitCode::SUCCESS,
            Ended::Failed => ExitCode::FAILURE,
            Ended::Stopped => ExitCode::from(130),
        },
        None => {
            console::conversation(&house.engine, &talk, look, out).await?;
            ExitCode::SUCCESS
        }
    };
    house.engine.stop(Duration::from_secs(2)).await;
    store.close().await;
    Ok(code)
}

/// The number of the user this process runs as: an account no nickname can take.
fn account() -> String {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").map(|process| process.uid().to_string()).unwrap_or_else(|_| "unknown".into())
}
