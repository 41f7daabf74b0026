//! Webhooks: telling Radarr and Sonarr where to say that something has moved, and taking that back.
//!
//! Never: shows a webhook's secret, in card, result or error; touches a connection of another name; touches the list that plex.tv
//! keeps, which is only replaced whole.

use super::{Media, wish::Kind};
use crate::{
    kept::unreachable,
    servarr::{
        Client, Which, asks,
        client::{Age, Query},
    },
};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Standing, Tool, ToolError,
    approval::Wording,
    tool::{Undo, UndoCall},
};
use majordomo_store::Store;
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// What our connection is called over there.
const NAME: &str = "Majordomo";
/// Its address is shown to an admin alone: what a tool answers is kept, and read by a model.
const PLEX: &str = "needs Plex Pass; an admin makes its address on the page, under House, Webhooks, and pastes it into the \
                    account's settings";
/// Events that move something somebody waits for, and what an admin should know. Those an older version lacks are left out.
const EVENTS: [&str; 12] = [
    "onGrab",
    "onDownload",
    "onUpgrade",
    "onImportComplete",
    "onManualInteractionRequired",
    "onHealthIssue",
    "onMovieAdded",
    "onMovieDelete",
    "onMovieFileDelete",
    "onSeriesAdd",
    "onSeriesDelete",
    "onEpisodeFileDelete",
];

fn only_admins(call: &Call) -> Result<(), ToolError> {
    match call.person.standing {
        Standing::Admin => Ok(()),
        Standing::Member | Standing::Child | Standing::Guest => {
            Err(ToolError::TellModel("only an admin changes whom Radarr and Sonarr tell".into()))
        }
    }
}

/// What an instance is called in arguments, such as `radarr/default`.
fn name_of(client: &Client) -> String {
    format!("{}/{}", client.which().key(), client.name())
}

fn is_meant(only: &Option<Vec<String>>, client: &Client) -> bool {
    only.as_ref().is_none_or(|only| only.contains(&name_of(client)))
}

/// Our connection of an instance, when there is one.
async fn ours(client: &Client) -> Result<Option<Value>, ToolError> {
    let all = client.list("/notification", &Query::new(), Age::Now).await?;
    Ok(all.into_iter().find(|one| one["name"] == NAME && one["implementation"] == "Webhook"))
}

fn field<'a>(connection: &'a Value, name: &str) -> Option<&'a Value> {
    connection["fields"].as_array()?.iter().find(|field| field["name"] == name).map(|field| &field["value"])
}

fn set_field(connection: &mut Value, name: &str, value: Value) {
    for field in connection["fields"].as_array_mut().into_iter().flatten().filter(|field| field["name"] == name) {
        field["value"] = value.clone();
    }
}

/// The connection as it should be, made from what is there or from the template.
fn wanted(from: &Value, address: &str) -> Value {
    let mut connection = from.clone();
    connection["name"] = NAME.into();
    for event in EVENTS {
        if connection.get(event).is_some() {
            connection[event] = true.into();
        }
    }
    set_field(&mut connection, "url", address.into());
    set_field(&mut connection, "method", 1.into());
    connection
}

impl Media {
    fn hooks_store(&self) -> Result<&Store, ToolError> {
        self.store.as_ref().ok_or_else(|| ToolError::Bug("there is no store".into()))
    }

    /// The beginning of an application's address for us, up to the secret.
    fn hook_base(&self, hook: &str) -> Result<String, ToolError> {
        let base = self.bounds.hooks_url.as_ref().ok_or_else(|| {
            ToolError::TellModel("an admin sets server.public_url or tools.media.hooks_url first".into())
        })?;
        Ok(format!("{}/hooks/{hook}/", base.as_str().trim_end_matches('/')))
    }

    fn by_application(&self) -> Vec<(Kind, Vec<&Client>)> {
        [Kind::Film, Kind::Series]
            .into_iter()
            .map(|kind| {
                let all = self.fetchers().into_iter().filter(|(one, _)| *one == kind);
                (kind, all.map(|(_, client)| client).collect::<Vec<_>>())
            })
            .filter(|(_, clients)| !clients.is_empty())
            .collect()
    }
}

fn hook_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Film => Which::Radarr.key(),
        Kind::Series => Which::Sonarr.key(),
    }
}

/// Have Radarr and Sonarr tell this house at once when something moves: one connection called Majordomo in each, tested. For admins.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HooksInstall {
    /// Only in these, such as `radarr/default`; in all when absent.
    #[serde(default)]
    only: Option<Vec<String>>,
}

impl Tool for HooksInstall {
    const NAME: &'static str = "media_hooks_install";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "webhook webhooks install connect notify events Radarr Sonarr Plex setup einrichten verbinden \
        Benachrichtigung instalar conectar avisos installer connecter notifications";
    type Service = Media;

    fn title(&self) -> String {
        "Have Radarr and Sonarr tell when something moves".into()
    }

    fn wording(&self, _: &Media) -> Wording {
        asks("Set up the webhooks of Radarr and Sonarr?", "No webhook was set up.")
    }

    async fn preview(&self, media: &Media, call: &Call) -> Result<Card, ToolError> {
        only_admins(call)?;
        let mut card = Card::new("Webhooks").fact("They call", media.hook_base("…")?);
        card.subtitle = format!("One connection called {NAME} in each, for downloads, imports and trouble");
        for (_, client) in media.fetchers().into_iter().filter(|(_, client)| is_meant(&self.only, client)) {
            let state = if ours(client).await?.is_some() { "is there, and is looked over" } else { "is made" };
            card = card.fact(client.title(), state);
        }
        Ok(card)
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        only_admins(call)?;
        let store = media.hooks_store()?;
        let (mut told, mut made, mut changed) = (Vec::new(), Vec::new(), 0);
        for (kind, clients) in media.by_application() {
            let base = media.hook_base(hook_of(kind))?;
            let mut there: Vec<(&Client, Result<Option<Value>, ToolError>)> = Vec::new();
            for client in clients {
                there.push((client, ours(client).await));
            }
            // One secret for all instances of an application: a good one that is there already stays.
            let mut secret = None;
            for connection in there.iter().filter_map(|(_, found)| found.as_ref().ok()?.as_ref()) {
                let known = field(connection, "url").and_then(Value::as_str).and_then(|url| url.strip_prefix(&base));
                if let Some(known) = known
                    && store.is_hook_secret(hook_of(kind), known).await.map_err(unreachable)?
                {
                    secret = Some(known.to_owned());
                }
            }
            let is_one_away = there.iter().any(|(_, found)| found.is_err());
            let secret = match secret {
                Some(secret) => secret,
                // A new one would make void what the one that is away may have.
                None if is_one_away && store.hook_made_at(hook_of(kind)).await.map_err(unreachable)?.is_some() => {
                    told.extend(there.iter().map(|(client, found)| match found {
                        Err(error) => format!("{} was not set up: {error}", client.title()),
                        Ok(_) => format!("{} was not set up: first all of them have to answer", client.title()),
                    }));
                    continue;
                }
                None => store.make_hook_secret(hook_of(kind), call.now_ms).await.map_err(unreachable)?,
            };
            let address = format!("{base}{secret}");
            for (client, found) in there.into_iter().filter(|(client, _)| is_meant(&self.only, client)) {
                let state = match found {
                    Ok(found) => put(client, found, &address).await,
                    Err(error) => Err(error),
                };
                let said = match state {
                    Ok(State::Kept) => "was there and works".to_owned(),
                    Ok(State::Changed) => {
                        changed += 1;
                        "was put right and works".to_owned()
                    }
                    Ok(State::Made) => {
                        made.push(name_of(client));
                        "was set up and works".to_owned()
                    }
                    // What the service says may repeat the address.
                    Err(error) => format!("was not set up: {}", error.to_string().replace(&secret, "…")),
                };
                told.push(format!("{} {said}", client.title()));
            }
        }
        let mut output = Output::json(&json!({
            "webhooks": told,
            "plex": PLEX,
        }))?;
        if !made.is_empty() || changed > 0 {
            output.receipt = Some(format!("Webhooks: {}.", told.join("; ")));
        }
        match made.is_empty() {
            true => Ok(output),
            false => Ok(output.with_undo(UndoCall {
                tool: HooksRemove::NAME.to_owned(),
                arguments: json!({ "only": made }),
                title: "Remove the webhooks again".into(),
            })),
        }
    }
}

enum State {
    Kept,
    Changed,
    Made,
}

/// Makes or mends the connection of one instance. Saving sends a test; what is right already is tested by itself.
async fn put(client: &Client, found: Option<Value>, address: &str) -> Result<State, ToolError> {
    match found {
        Some(there) => {
            let right = wanted(&there, address);
            if right == there {
                client.send(Method::POST, "/notification/test", &Query::new(), &right).await?;
                return Ok(State::Kept);
            }
            let path = format!("/notification/{}", there["id"].as_u64().unwrap_or(0));
            client.send(Method::PUT, &path, &Query::new(), &right).await?;
            Ok(State::Changed)
        }
        None => {
            let templates = client.list("/notification/schema", &Query::new(), Age::Reference).await?;
            let template = templates.iter().find(|one| one["implementation"] == "Webhook");
            let template = template.ok_or_else(|| client.not_as_described("no template for webhooks"))?;
            client.send(Method::POST, "/notification", &Query::new(), &wanted(template, address)).await?;
            Ok(State::Made)
        }
    }
}

/// Remove the connections called Majordomo from Radarr and Sonarr. What was asked for is then looked at by the clock only. For admins.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HooksRemove {
    /// Only of these, such as `radarr/default`; of all when absent.
    #[serde(default)]
    only: Option<Vec<String>>,
}

impl Tool for HooksRemove {
    const NAME: &'static str = "media_hooks_remove";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "webhook webhooks remove disconnect Radarr Sonarr entfernen trennen quitar desconectar \
        supprimer déconnecter";
    type Service = Media;

    fn title(&self) -> String {
        "Remove the webhooks from Radarr and Sonarr".into()
    }

    fn wording(&self, _: &Media) -> Wording {
        asks(format!("{}?", self.title()), "The webhooks stay.")
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        only_admins(call)?;
        let (mut gone, mut names) = (Vec::new(), Vec::new());
        for (_, client) in media.fetchers() {
            if !is_meant(&self.only, client) {
                continue;
            }
            let Some(id) = ours(client).await?.and_then(|one| one["id"].as_u64()) else { continue };
            client.send(Method::DELETE, &format!("/notification/{id}"), &Query::new(), &Value::Null).await?;
            gone.push(client.title());
            names.push(name_of(client));
        }
        if gone.is_empty() {
            return Ok(Output::text("there were no webhooks of ours"));
        }
        Ok(Output::done(format!("The webhooks are removed from {}.", gone.join(", "))).with_undo(UndoCall {
            tool: HooksInstall::NAME.to_owned(),
            arguments: json!({ "only": names }),
            title: "Set up the webhooks again".into(),
        }))
    }
}
