//! Language models, one folder per dialect.
//!
//! Knows: the dialects, the vendors that speak them (`presets.toml`), and how a stored history becomes a request any of
//! them accepts. Never: opens a connection itself (that is `upstream`), decides which model answers (that is the engine),
//! or repeats a question once a piece of its answer was given on.
//! Start reading at [`build`], then `chat_completions/`, the plainest dialect.

mod ask;
mod calls;
mod chat_completions;
mod config;
mod echo;
mod failure;
mod history;
mod messages;
mod provider;
mod responses;
mod write;

#[cfg(test)]
mod cuts;

pub use config::{Config, Problem, ProviderConfig, RoleConfig};

use majordomo_domain::{
    ModelRole, Provider,
    model::{ModelInfo, ModelOptions},
};
use majordomo_upstream::Upstream;
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The language a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `POST /responses`.
    Responses,
    /// `POST /chat/completions`, which most servers understand.
    ChatCompletions,
    /// `POST /messages`.
    Messages,
    /// Built in: says back what was said.
    Echo,
    /// Chat completions of the scripted demo model, at an address handed over by the program.
    Demo,
}

/// What the settings and the environment amount to.
pub struct Catalogue {
    /// In the order of preference.
    pub providers: Vec<Arc<dyn Provider>>,
    /// For each role the models of the providers that name one, in the order of preference.
    pub roles: BTreeMap<ModelRole, Vec<RoleModel>>,
    /// The models named by a role, for when no catalogue can be asked.
    pub models: Vec<ModelInfo>,
    /// Providers left out, with the reason.
    pub skipped: Vec<Skipped>,
}

/// A provider's model for a role.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleModel {
    pub provider: String,
    /// The provider's own id.
    pub id: String,
    pub options: ModelOptions,
}

/// A provider that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub name: String,
    /// One plain sentence, without the full stop.
    pub reason: String,
}

/// Waits between attempts and between pieces of an answer that came whole.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Before the second attempt; each next one twice as long, with jitter, at most `longest_wait`. Default 250 ms.
    pub backoff: Duration,
    /// Clamp of what a provider asks for with `Retry-After`. Default 10 s.
    pub longest_wait: Duration,
    /// Between two pieces of about three words. Default 30 ms.
    pub piece: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            backoff: Duration::from_millis(250),
            longest_wait: Duration::from_secs(10),
            piece: Duration::from_millis(30),
        }
    }
}

/// The providers of a section whose keys were resolved. One that cannot be used is skipped, never an error: the next in
/// the order answers instead.
pub fn build(config: &Config, upstream: &Upstream) -> Catalogue {
    build_with(config, upstream, Pace::default())
}

/// The same with other waits.
pub fn build_with(config: &Config, upstream: &Upstream, pace: Pace) -> Catalogue {
    let mut catalogue =
        Catalogue { providers: Vec::new(), roles: BTreeMap::new(), models: Vec::new(), skipped: Vec::new() };
    let empty = ProviderConfig::default();
    for name in config.names() {
        let settings = config.providers.get(&name).unwrap_or(&empty);
        match provider::open(&name, settings, upstream, pace) {
            Ok((provider, roles)) => {
                for (role, model) in roles {
                    let info = provider.model(&model.id, ModelOptions::default()).info().clone();
                    if catalogue.models.iter().all(|known| known.name != info.name) {
                        catalogue.models.push(info);
                    }
                    catalogue.roles.entry(role).or_default().push(model);
                }
                catalogue.providers.push(provider);
            }
            Err(reason) => catalogue.skipped.push(Skipped { name, reason }),
        }
    }
    catalogue
}
