//! A provider reached over HTTP: its settings and preset put together once, its models, its list.

use crate::{
    Dialect, Pace, ProviderConfig, RoleModel, ask, chat_completions,
    config::{Efforts, PRESETS, Preset, idle},
    echo::Echo,
    failure::{broken, from_upstream},
    messages, responses,
    write::{Quirks, thinks},
};
use futures_util::{future::BoxFuture, stream::BoxStream};
use majordomo_domain::{
    Model, ModelError, ModelEvent, ModelRequest, ModelRole, Provider, Secret,
    model::{Effort, ModelInfo, ModelOptions},
    money::Price,
};
use majordomo_upstream::{Credential, Service, ServiceLimits, ServiceSpec, Upstream};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

/// Most models of a list that are given on.
const MOST_LISTED: usize = 500;
/// The version of the messages API whose shapes we know.
const MESSAGES_VERSION: &str = "2023-06-01";

/// What all models of a provider share.
pub(crate) struct Setup {
    pub name: Arc<str>,
    pub dialect: Dialect,
    pub service: Service,
    pub streams: bool,
    pub idle: Duration,
    pub retries: u32,
    pub quirks: Quirks,
    pub pace: Pace,
    context_tokens: Option<u32>,
    prices: BTreeMap<String, Price>,
    hide: &'static [String],
}

impl Setup {
    pub fn path(&self) -> &'static str {
        match self.dialect {
            Dialect::Responses => responses::PATH,
            Dialect::Messages => messages::PATH,
            Dialect::ChatCompletions | Dialect::Demo | Dialect::Echo => chat_completions::PATH,
        }
    }

    fn info(&self, id: &str) -> ModelInfo {
        ModelInfo {
            name: format!("{}/{id}", self.name),
            provider: self.name.to_string(),
            id: id.to_owned(),
            context_tokens: self.context_tokens,
            price: self.prices.get(id).copied(),
        }
    }
}

pub(crate) type Opened = (Arc<dyn Provider>, Vec<(ModelRole, RoleModel)>);

/// Puts settings and preset together. The reason when that makes no provider.
pub(crate) fn open(name: &str, settings: &ProviderConfig, upstream: &Upstream, pace: Pace) -> Result<Opened, String> {
    static NO_PRESET: LazyLock<Preset> = LazyLock::new(Preset::default);
    let preset = PRESETS.get(name);
    let is_preset = preset.is_some();
    let preset: &'static Preset = preset.unwrap_or(&NO_PRESET);
    let Some(dialect) = settings.dialect.or(preset.dialect) else {
        return Err("its name is no preset and no dialect is set".into());
    };
    let mut roles: Vec<(ModelRole, RoleModel)> = Vec::new();
    let named = if settings.roles.is_empty() { &preset.roles } else { &settings.roles };
    for (role, model) in named {
        let mut options = model.options.clone();
        // Ordinary talk should not wait for thinking nobody asked for.
        let is_told = ["reasoning", "reasoning_effort"].iter().any(|key| options.params.contains_key(*key));
        let is_plain = preset.efforts == Efforts::Plain && dialect != Dialect::Messages;
        if *role == ModelRole::Chat && options.effort.is_none() && is_plain && thinks(&model.model) && !is_told {
            options.effort = Some(Effort::Minimal);
        }
        roles.push((*role, RoleModel { provider: name.to_owned(), id: model.model.clone(), options }));
    }
    if dialect == Dialect::Echo {
        if roles.is_empty() {
            let echo = RoleModel { provider: name.to_owned(), id: "echo".into(), options: ModelOptions::default() };
            roles.push((ModelRole::Chat, echo));
        }
        return Ok((Arc::new(Echo::new(name, "echo")), roles));
    }
    let Some(base_url) = settings.base_url.clone().or_else(|| preset.base_url.clone()) else {
        return Err("its name is no preset and no base_url is set".into());
    };
    let service = upstream.service(ServiceSpec {
        name: name.to_owned(),
        base_url,
        credential: credential(settings, preset, dialect)?,
        limits: ServiceLimits {
            // Turns are bounded by the engine; this only stops a flood.
            at_once: 256,
            per: None,
            read_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(15),
            retries: 1,
            hedge_after: None,
            max_bytes: 8 * 1024 * 1024,
            // The engine cools a failing model down and asks another; a breaker below it would hide why.
            breaker_failures: 0,
            breaker_open_for: Duration::ZERO,
        },
    });
    let mut headers: BTreeMap<&str, &str> = BTreeMap::new();
    if dialect == Dialect::Messages {
        headers.insert("anthropic-version", MESSAGES_VERSION);
    }
    headers.extend(preset.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    if let (Some(header), Some(site)) = (&preset.site_header, &settings.site_url) {
        headers.insert(header, site);
    }
    if let Some(header) = &preset.app_header {
        headers.insert(header, settings.app_name.as_deref().unwrap_or("Majordomo"));
    }
    headers.extend(settings.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let service = service.with_headers(headers).map_err(|error| error.reason().to_owned())?;
    let mut prices = preset.prices.clone();
    prices.extend(settings.prices.iter().map(|(id, price)| (id.clone(), *price)));
    let setup = Setup {
        name: name.into(),
        dialect,
        service,
        streams: settings.streams.or(preset.streams).unwrap_or(true),
        idle: idle(settings),
        retries: settings.retries.unwrap_or(2).min(10),
        quirks: Quirks {
            token_limit: preset.token_limit.clone(),
            efforts: preset.efforts,
            cache_key: preset.cache_key,
            usage_option: preset.usage_option.unwrap_or(true),
            call_ids: preset.call_ids,
            returns_thinking: preset.returns_thinking,
        },
        pace,
        context_tokens: settings.context_tokens,
        prices,
        hide: if is_preset { &preset.hide } else { &[] },
    };
    Ok((Arc::new(RemoteProvider(Arc::new(setup))), roles))
}

fn credential(settings: &ProviderConfig, preset: &Preset, dialect: Dialect) -> Result<Credential, String> {
    let written = settings.api_key.as_ref().map(Secret::expose);
    let variable = match written {
        Some(text) => text.strip_prefix("env:"),
        None => preset.key_env.as_deref(),
    };
    let key = match (&settings.resolved_key, written) {
        (Some(key), _) => key.clone(),
        (None, Some(text)) if variable.is_none() => Secret::new(text),
        (None, _) => Secret::default(),
    };
    if key.expose().trim().is_empty() {
        return match variable {
            Some(variable) => Err(format!("no key: the environment variable {variable} is not set")),
            None => Ok(Credential::None),
        };
    }
    let key = Secret::new(key.expose().trim());
    Ok(match dialect {
        Dialect::Messages => Credential::Header { name: "x-api-key", value: key },
        _ => Credential::Bearer(key),
    })
}

struct RemoteProvider(Arc<Setup>);

impl Provider for RemoteProvider {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<ModelInfo>, ModelError>> {
        Box::pin(async {
            let setup = &self.0;
            let query: &[(&str, String)] = match setup.dialect {
                // Pages of twenty otherwise.
                Dialect::Messages => &[("limit", MOST_LISTED.to_string())],
                _ => &[],
            };
            let list = setup.service.get("models", query).await.map_err(|error| from_upstream(&setup.name, error))?;
            let entries = list.get("data").unwrap_or(&list).as_array();
            let entries = entries.ok_or_else(|| broken(&setup.name, "its list of models is no list"))?;
            let models = entries.iter().filter_map(|entry| listed(setup, entry));
            Ok(models.take(MOST_LISTED).collect())
        })
    }

    fn model(&self, id: &str, options: ModelOptions) -> Arc<dyn Model> {
        Arc::new(RemoteModel(Arc::new(Remote { setup: self.0.clone(), info: self.0.info(id), options })))
    }
}

/// An entry of a list, when it is a language model. What vendors add to the common `id`: `context_length` and `pricing`
/// (OpenRouter), `context_window` (Groq), `max_context_length` (Mistral), `max_model_len` (vLLM), `max_input_tokens`
/// (Anthropic).
fn listed(setup: &Setup, entry: &Value) -> Option<ModelInfo> {
    let id = entry.get("id")?.as_str()?;
    // Gemini's compatible list writes `models/gemini-…`.
    let id = id.strip_prefix("models/").unwrap_or(id);
    if id.is_empty() || id.len() > 150 || setup.hide.iter().any(|word| id.contains(word.as_str())) {
        return None;
    }
    let mut info = setup.info(id);
    const LENGTHS: [&str; 5] =
        ["context_length", "context_window", "max_context_length", "max_model_len", "max_input_tokens"];
    let length = LENGTHS.iter().find_map(|key| entry.get(*key)?.as_u64());
    if let Some(length) = length.and_then(|length| u32::try_from(length).ok()).filter(|length| *length > 0) {
        info.context_tokens = info.context_tokens.or(Some(length));
    }
    info.price = info.price.or_else(|| price(entry.get("pricing")?));
    Some(info)
}

/// OpenRouter's prices are dollars per token, as text; below zero means "depends".
fn price(pricing: &Value) -> Option<Price> {
    let per_million = |key: &str| {
        let dollars = match pricing.get(key)? {
            Value::String(text) => text.parse::<f64>().ok()?,
            other => other.as_f64()?,
        };
        (dollars >= 0.0 && dollars.is_finite()).then(|| (dollars * 1e12).round() / 1e6)
    };
    Some(Price {
        input: per_million("prompt")?,
        output: per_million("completion")?,
        cached_input: per_million("input_cache_read"),
    })
}

/// A model at a provider.
pub(crate) struct Remote {
    pub setup: Arc<Setup>,
    pub info: ModelInfo,
    pub options: ModelOptions,
}

struct RemoteModel(Arc<Remote>);

impl Model for RemoteModel {
    fn info(&self) -> &ModelInfo {
        &self.0.info
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        ask::stream(self.0.clone(), request)
    }
}
