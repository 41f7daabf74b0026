//! Which model answers: by role, in the order of preference, passing over those that failed a moment ago.

use crate::engine::ModelList;
use futures_util::future::join_all;
use majordomo_domain::{
    Model, ModelError, ModelRole, Provider,
    model::{ModelInfo, ModelOptions},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::time::Instant;

/// One provider's model for a role.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleModel {
    pub provider: String,
    /// The provider's own id.
    pub id: String,
    pub options: ModelOptions,
}

#[derive(Clone, Debug)]
pub struct RouteConfig {
    /// How long a model that failed is passed over when another one can answer.
    pub cool_down: Duration,
}

impl Default for RouteConfig {
    fn default() -> Self {
        Self { cool_down: Duration::from_secs(30) }
    }
}

/// Who may answer.
pub(crate) struct Candidates {
    /// Best first; those that rest at the end.
    pub models: Vec<Arc<dyn Model>>,
    /// Who would answer if nobody rested.
    pub preferred: Option<Arc<dyn Model>>,
    /// Why the preferred one rests, if it does.
    pub resting: Option<String>,
}

/// A model as configured, and ready to be asked.
type Ready = (RoleModel, Arc<dyn Model>);

pub struct Router {
    providers: Vec<Arc<dyn Provider>>,
    roles: BTreeMap<ModelRole, Vec<Ready>>,
    /// Until when a model rests, and why.
    cooling: Mutex<HashMap<String, (Instant, String)>>,
    cool_down: Duration,
}

impl Router {
    /// Providers and each role's models in order of preference. A role nobody configured uses the chat role's models.
    pub fn new(
        providers: Vec<Arc<dyn Provider>>,
        roles: BTreeMap<ModelRole, Vec<RoleModel>>,
        config: RouteConfig,
    ) -> Self {
        let roles = roles
            .into_iter()
            .map(|(role, models)| {
                let models = models
                    .into_iter()
                    .filter_map(|entry| {
                        let provider = providers.iter().find(|p| p.name() == entry.provider)?;
                        let model = provider.model(&entry.id, entry.options.clone());
                        Some((entry, model))
                    })
                    .collect();
                (role, models)
            })
            .collect();
        Self { providers, roles, cooling: Mutex::default(), cool_down: config.cool_down }
    }

    fn of(&self, role: ModelRole) -> &[Ready] {
        let own = self.roles.get(&role).filter(|models| !models.is_empty());
        own.or_else(|| self.roles.get(&ModelRole::Chat)).map_or(&[], Vec::as_slice)
    }

    /// Whether a person may choose a model by this name: `provider/id`, or the id of a configured one.
    pub fn knows(&self, name: &str) -> bool {
        self.configured(name).is_some()
            || name.split_once('/').is_some_and(|(provider, id)| {
                !id.is_empty() && id.len() <= 150 && self.providers.iter().any(|p| p.name() == provider)
            })
    }

    fn configured(&self, name: &str) -> Option<&Arc<dyn Model>> {
        let mut all = self.roles.values().flatten();
        all.find(|(entry, model)| model.info().name == name || entry.id == name).map(|(_, model)| model)
    }

    /// The options of a role's first choice, for models a person chooses freely.
    pub fn options(&self, role: ModelRole) -> ModelOptions {
        let effort = self.of(role).first().and_then(|(entry, _)| entry.options.effort);
        ModelOptions { effort, params: serde_json::Map::new() }
    }

    /// What a message needs a model for: a greeting at the beginning goes to the quick role, when one is configured.
    pub(crate) fn role_for(&self, text: &str, is_first: bool) -> ModelRole {
        let quick = self.roles.get(&ModelRole::Quick).is_some_and(|models| !models.is_empty());
        if quick && is_first && is_small_talk(text) { ModelRole::Quick } else { ModelRole::Chat }
    }

    /// Who may answer, best first: the chosen one, then the role's in order; those that cool down go to the end.
    pub(crate) fn candidates(&self, role: ModelRole, chosen: Option<&str>) -> Candidates {
        let mut candidates: Vec<Arc<dyn Model>> = Vec::new();
        if let Some(name) = chosen {
            if let Some(model) = self.configured(name) {
                candidates.push(model.clone());
            } else if let Some((provider, id)) = name.split_once('/')
                && let Some(provider) = self.providers.iter().find(|p| p.name() == provider)
            {
                candidates.push(provider.model(id, self.options(role)));
            }
        }
        for (_, model) in self.of(role) {
            if candidates.iter().all(|c| c.info().name != model.info().name) {
                candidates.push(model.clone());
            }
        }
        let cooling = self.cooling();
        let now = Instant::now();
        let rests = |model: &Arc<dyn Model>| cooling.get(&model.info().name).filter(|(until, _)| *until > now);
        let preferred = candidates.first().cloned();
        let resting = preferred.as_ref().and_then(rests).map(|(_, why)| why.clone());
        candidates.sort_by_key(|model| rests(model).is_some());
        Candidates { models: candidates, preferred, resting }
    }

    /// Remember that a model failed.
    pub(crate) fn failed(&self, model: &ModelInfo, error: &ModelError) {
        let pause = match error {
            ModelError::Busy { retry_after: Some(wait), .. } => {
                (*wait).clamp(Duration::from_secs(1), self.cool_down * 10)
            }
            ModelError::Busy { .. } | ModelError::Unreachable { .. } | ModelError::Broken { .. } => self.cool_down,
            ModelError::Refused { .. } => self.cool_down * 10,
            ModelError::TooLong { .. } | ModelError::Invalid { .. } => return,
        };
        self.cooling().insert(model.name.clone(), (Instant::now() + pause, error.to_string()));
    }

    pub(crate) fn answered(&self, model: &ModelInfo) {
        let mut cooling = self.cooling();
        if !cooling.is_empty() {
            cooling.remove(&model.name);
        }
    }

    fn cooling(&self) -> MutexGuard<'_, HashMap<String, (Instant, String)>> {
        self.cooling.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Ask every provider for its models. What cannot be asked is replaced by what is configured.
    pub(crate) async fn list(&self, within: Duration) -> ModelList {
        let configured: Vec<ModelInfo> = self.roles.values().flatten().map(|(_, model)| model.info().clone()).collect();
        let default = self.of(ModelRole::Chat).first().map(|(_, model)| model.info().name.clone()).unwrap_or_default();
        let asked = join_all(self.providers.iter().map(|provider| async move {
            match tokio::time::timeout(within, provider.list()).await {
                Ok(Ok(models)) => Ok(models),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("{} did not answer within {} s", provider.name(), within.as_secs())),
            }
        }))
        .await;
        let mut models = Vec::new();
        let mut problems = Vec::new();
        let mut live = false;
        for answer in asked {
            match answer {
                Ok(list) => {
                    live = true;
                    models.extend(list.into_iter().take(500));
                }
                Err(problem) => problems.push(problem),
            }
        }
        for model in configured {
            match models.iter_mut().find(|known| known.name == model.name) {
                // What the settings say of a model is more exact than a catalogue.
                Some(known) => *known = model,
                None => models.push(model),
            }
        }
        models.sort_by(|a, b| (a.name != default, &a.name).cmp(&(b.name != default, &b.name)));
        models.dedup_by(|a, b| a.name == b.name);
        let problem = (!problems.is_empty()).then(|| problems.join("; "));
        ModelList { models, default, live, problem }
    }
}

/// Whether a message is a greeting or thanks and nothing else. Whole words only: "The Addams Family" is no wish to add.
fn is_small_talk(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "hi",
        "hello",
        "hey",
        "hallo",
        "good",
        "morning",
        "evening",
        "afternoon",
        "night",
        "thanks",
        "thank",
        "you",
        "there",
        "majordomo",
        "moin",
        "servus",
        "bonjour",
        "hola",
        "ciao",
        "danke",
    ];
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).peekable();
    text.chars().count() <= 40 && words.peek().is_some() && words.all(|w| WORDS.contains(&w.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_greetings_are_small_talk() {
        for text in ["Hello", "good evening!", "Hi there, majordomo", "thank you"] {
            assert!(is_small_talk(text), "{text}");
        }
        for text in ["", "Good Omens (2019)", "hello, add Metropolis", "The Good Place", "search hi"] {
            assert!(!is_small_talk(text), "{text}");
        }
    }
}
