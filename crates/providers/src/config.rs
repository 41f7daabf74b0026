//! The `[models]` section of the settings, and the presets it is read against.

use crate::{Dialect, history::CallIds};
use majordomo_domain::{
    ModelRole, Secret,
    model::{Effort, ModelOptions},
    money::Price,
};
use majordomo_upstream::{Url, check_base};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{collections::BTreeMap, fmt, sync::LazyLock, time::Duration};

/// `[models]`: an order of preference and one table per provider, under any name. With nothing in it, every preset whose
/// key is in the environment is a provider.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Providers, the preferred one first. Those not named follow in the order of their names.
    pub priority: Vec<String>,
    pub providers: BTreeMap<String, ProviderConfig>,
}

/// `[models.<name>]`. What is absent comes from the preset of that name, else from the default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    pub dialect: Option<Dialect>,
    pub base_url: Option<Url>,
    /// The key itself, or `env:NAME`. Empty for a server that wants none.
    pub api_key: Option<Secret>,
    /// The key after [`Config::resolve`].
    #[serde(skip)]
    pub resolved_key: Option<Secret>,
    /// Sent with every request.
    pub headers: BTreeMap<String, String>,
    /// Whether answers come piece by piece. Default true.
    pub streams: Option<bool>,
    /// Longest silence within an answer. 1 to 600, default 60.
    pub idle_timeout_seconds: Option<u64>,
    /// Further attempts to begin an answer after a passing failure. 0 to 10, default 2.
    pub retries: Option<u32>,
    /// Tokens its models can read, when the provider does not say. 1 000 to 100 000 000.
    pub context_tokens: Option<u32>,
    /// US dollars per million tokens, 0 to 100 000, by the provider's model id.
    pub prices: BTreeMap<String, Price>,
    pub roles: BTreeMap<ModelRole, RoleConfig>,
    /// Told to providers that ask who is calling (OpenRouter's `HTTP-Referer`).
    pub site_url: Option<String>,
    /// Told to providers that ask who is calling (OpenRouter's `X-Title`). Default `Majordomo`.
    pub app_name: Option<String>,
}

/// The model of a role: its id, or a table.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleConfig {
    /// The provider's own id.
    pub model: String,
    pub options: ModelOptions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleTable {
    model: String,
    #[serde(default, alias = "reasoningEffort", alias = "reasoning_effort")]
    effort: Option<Effort>,
    #[serde(default)]
    params: serde_json::Map<String, serde_json::Value>,
}

// By hand and not with `flatten` or `untagged`: those lose where in the file a wrong key stands.
impl<'de> Deserialize<'de> for RoleConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrTable;
        impl<'de> Visitor<'de> for StringOrTable {
            type Value = RoleConfig;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model id or a table with model, effort and params")
            }
            fn visit_str<E: de::Error>(self, id: &str) -> Result<RoleConfig, E> {
                Ok(RoleConfig { model: id.to_owned(), options: ModelOptions::default() })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RoleConfig, A::Error> {
                let RoleTable { model, effort, params } = RoleTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RoleConfig { model, options: ModelOptions { effort, params } })
            }
        }
        deserializer.deserialize_any(StringOrTable)
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tables;
        impl<'de> Visitor<'de> for Tables {
            type Value = Config;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`priority` and one table per provider")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Config, A::Error> {
                let mut config = Config::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "priority" {
                        config.priority = map.next_value()?;
                    } else {
                        config.providers.insert(name, map.next_value()?);
                    }
                }
                Ok(config)
            }
        }
        deserializer.deserialize_map(Tables)
    }
}

/// Something wrong in the section, for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, such as `models.home.base_url`.
    pub path: String,
    pub text: String,
}

/// What a request says already and no parameter may say again.
const OURS: [&str; 7] = ["model", "stream", "messages", "input", "system", "instructions", "tools"];

impl Config {
    /// Reads every key that stands in the environment. Call once, before [`crate::build`].
    pub fn resolve(&mut self, environment: &dyn Fn(&str) -> Option<String>) {
        let names = self.names();
        if self.providers.is_empty() {
            // The presets' own order would be lost among the tables made here.
            self.priority.clone_from(&names);
        }
        for name in names {
            let preset = PRESETS.get(&name);
            let provider = self.providers.entry(name.clone()).or_default();
            provider.resolved_key = match provider.api_key.as_ref().map(Secret::expose) {
                Some(text) => match text.strip_prefix("env:") {
                    Some(variable) => environment(variable).map(Secret::new),
                    None => provider.api_key.clone(),
                },
                None => preset.and_then(|preset| environment(preset.key_env.as_deref()?)).map(Secret::new),
            };
        }
    }

    /// All provider names in the order of preference: `priority`, then the others.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.priority.iter().chain(self.providers.keys()) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        if names.is_empty() {
            names.extend(PRESETS.with_key().map(str::to_owned));
        }
        names
    }

    /// What cannot work whatever the environment holds. Empty when all is well.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for name in &self.priority {
            if !self.providers.contains_key(name) && PRESETS.get(name).is_none() {
                let text = format!("there is no provider {name} in [models], and no preset of that name");
                problems.push(Problem { path: "models.priority".into(), text });
            }
        }
        for (name, provider) in &self.providers {
            let mut wrong = |key: &str, text: &str| {
                problems.push(Problem { path: format!("models.{name}{key}"), text: text.to_owned() });
            };
            let known = PRESETS.get(name).is_some();
            if name.is_empty() || name.len() > 60 || name.contains(['/', ' ']) {
                wrong("", "a provider's name has 1 to 60 characters, no slash and no blank");
            }
            if provider.dialect.is_none() && !known {
                wrong(
                    "",
                    "this name is no preset, so it needs `dialect`: responses, chat_completions, messages or echo",
                );
            }
            if provider.base_url.is_none() && !known && provider.dialect != Some(Dialect::Echo) {
                wrong("", "this name is no preset, so it needs `base_url`");
            }
            if let Some(Err(reason)) = provider.base_url.as_ref().map(check_base) {
                wrong(".base_url", reason);
            }
            if provider.idle_timeout_seconds.is_some_and(|seconds| !(1..=600).contains(&seconds)) {
                wrong(".idle_timeout_seconds", "must be 1 to 600");
            }
            if provider.retries.is_some_and(|retries| retries > 10) {
                wrong(".retries", "must be 0 to 10");
            }
            if provider.context_tokens.is_some_and(|tokens| !(1_000..=100_000_000).contains(&tokens)) {
                wrong(".context_tokens", "must be 1000 to 100000000");
            }
            for (model, price) in &provider.prices {
                let mut said = [Some(price.input), Some(price.output), price.cached_input].into_iter().flatten();
                // Written so that what is no number is refused, too.
                if !said.all(|dollars| (0.0..=100_000.0).contains(&dollars)) {
                    wrong(&format!(".prices.{model}"), "a price is 0 to 100000 dollars per million tokens");
                }
            }
            for (role, model) in &provider.roles {
                if model.model.trim().is_empty() || model.model.len() > 150 {
                    wrong(&format!(".roles.{}", role.as_str()), "a model id has 1 to 150 characters");
                }
                for key in OURS {
                    if model.options.params.contains_key(key) {
                        let text = format!("`{key}` is written by the program itself and cannot be a parameter");
                        wrong(&format!(".roles.{}.params.{key}", role.as_str()), &text);
                    }
                }
            }
        }
        problems
    }
}

/// What a vendor's table in `presets.toml` says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Preset {
    pub dialect: Option<Dialect>,
    pub base_url: Option<Url>,
    pub key_env: Option<String>,
    pub streams: Option<bool>,
    pub token_limit: Option<String>,
    pub efforts: Efforts,
    pub cache_key: bool,
    pub usage_option: Option<bool>,
    pub call_ids: CallIds,
    pub returns_thinking: bool,
    pub site_header: Option<String>,
    pub app_header: Option<String>,
    pub hide: Vec<String>,
    pub headers: BTreeMap<String, String>,
    pub roles: BTreeMap<ModelRole, RoleConfig>,
    pub prices: BTreeMap<String, Price>,
}

/// How chat completions are told the effort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Efforts {
    /// `reasoning_effort`.
    #[default]
    Plain,
    /// `reasoning.effort`, and nothing unless the settings say so.
    Nested,
    /// Not at all.
    None,
}

pub(crate) struct Presets {
    /// In the order of the file.
    order: Vec<String>,
    tables: BTreeMap<String, Preset>,
}

pub(crate) static PRESETS: LazyLock<Presets> = LazyLock::new(|| {
    let text = include_str!("presets.toml");
    // A TOML map forgets the order, so it is read from the heads of the tables.
    let order = text
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'))
        .filter(|name| !name.contains('.'))
        .map(str::to_owned)
        .collect();
    Presets { order, tables: toml::from_str(text).expect("presets.toml is checked by a test") }
});

impl Presets {
    pub fn get(&self, name: &str) -> Option<&Preset> {
        self.tables.get(name)
    }

    fn with_key(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str).filter(|name| self.tables[*name].key_env.is_some())
    }
}

pub(crate) fn idle(config: &ProviderConfig) -> Duration {
    Duration::from_secs(config.idle_timeout_seconds.unwrap_or(60).clamp(1, 600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_read_and_has_dialect_and_address() {
        assert_eq!(PRESETS.order.len(), PRESETS.tables.len());
        for (name, preset) in &PRESETS.tables {
            assert!(preset.dialect.is_some() && preset.base_url.is_some(), "{name}");
            assert!(
                preset.key_env.is_none() || preset.roles.contains_key(&ModelRole::Chat),
                "{name} has no chat model"
            );
        }
    }
}
