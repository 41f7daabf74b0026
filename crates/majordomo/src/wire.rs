//! The whole program on one page: store, upstream, models, toolkits, engine and web, built from the settings and joined.

use crate::config::{AgentSection, BUILT_IN, Demo, Loaded};
use anyhow::Context;
use majordomo_domain::{
    Agent, AgentId, Clock, ModelRole, Secret, SystemClock, Toolkit, agent::TurnLimits, model::ModelOptions,
};
use majordomo_engine::{Engine, Parts, RoleModel, RouteConfig, Router};
use majordomo_providers::{Dialect, ProviderConfig, RoleConfig};
use majordomo_standins::{DEFAULT, Town};
use majordomo_store::Store;
use majordomo_upstream::Upstream;
use majordomo_web::{DemoInfo, Suggestion, Web};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The agent that is there without being configured.
const DEFAULT_AGENT: &str = "majordomo";
const PROMPT: &str = include_str!("agent.md");
/// What the model is told of at once, beside the engine's own tools; everything else it finds.
const FIRST_TOOLS: [&str; 3] = ["tmdb_trending", "tmdb_search_multi", "tmdb_details"];

/// How the model is named among the stand-ins.
const MODEL: &str = "model";

/// The program, ready to be asked.
pub struct House {
    pub engine: Engine,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// Parts that are stand-ins, such as `tmdb`.
    pub demo: Vec<&'static str>,
    /// Parts that are switched off, with the reason.
    pub off: Vec<(String, String)>,
    /// A message has fewer characters than this.
    max_message_chars: usize,
    /// Where services reach this one.
    hooks_url: String,
    /// The stand-ins; they stop with it.
    _town: Option<Town>,
}

/// Build everything but the HTTP side. `owner` is the name of this process in leases.
pub async fn build(loaded: &mut Loaded, store: Store, owner: &str) -> anyhow::Result<House> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let upstream = Upstream::new(majordomo_upstream::Config::default()).context("no HTTP client")?;
    let mut models = majordomo_providers::build(&loaded.config.models, &upstream);
    let (town, demo) = stand_ins(loaded, !models.providers.is_empty()).await?;
    if let Some(town) = &town
        && demo.contains(&MODEL)
    {
        models = majordomo_providers::build(&demo_models(town)?, &upstream);
    }
    let config = &loaded.config;
    let mut tools = config.tools.clone();
    // Radarr and Sonarr reach us as people do, unless the settings say otherwise.
    tools.media.hooks_url = tools.media.hooks_url.or_else(|| config.server.base_url().parse().ok());
    let hooks_url = tools.media.hooks_url.as_ref().map_or_else(|| config.server.base_url(), |url| url.to_string());
    let (toolkits, toolkits_off) = majordomo_tools::toolkits(
        &tools,
        &majordomo_tools::Parts { upstream: upstream.clone(), store: Some(store.clone()) },
    );
    let agents = agents(&config.agents, &toolkits);
    let off = switched_off(loaded, &models, toolkits_off);

    let router = Router::new(
        models.providers,
        models.roles.into_iter().map(|(role, models)| (role, models.into_iter().map(role_model).collect())).collect(),
        RouteConfig { cool_down: Duration::from_secs(config.engine.cool_down_seconds) },
    );
    let engine = Engine::start(Parts {
        store: store.clone(),
        clock: clock.clone(),
        toolkits,
        router,
        agents,
        config: config.engine.clone(),
        rules: config.rules.clone(),
        limits: config.limits.clone(),
        news: config.news.clone(),
        owner: owner.to_owned(),
    })
    .await
    .context("the engine did not start")?;
    let max_message_chars = config.engine.max_message_chars;
    Ok(House { engine, store, clock, demo, off, max_message_chars, hooks_url, _town: town })
}

/// The HTTP side of a house.
pub fn web(
    house: &House,
    server: majordomo_web::Config,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    stopping: CancellationToken,
) -> axum::Router {
    majordomo_web::router(Web {
        engine: house.engine.clone(),
        store: house.store.clone(),
        config: server,
        clock: house.clock.clone(),
        metrics,
        version: env!("CARGO_PKG_VERSION").into(),
        demo: (!house.demo.is_empty()).then(|| DemoInfo {
            parts: house.demo.iter().map(|part| (*part).to_owned()).collect(),
            text: demo_text(&house.demo),
        }),
        suggestions: suggestions(),
        off: house.off.clone(),
        max_message_chars: house.max_message_chars,
        hooks_url: house.hooks_url.clone(),
        stopping,
    })
}

/// Start a stand-in for everything that is not configured, where that is wanted, and point the settings at it.
async fn stand_ins(loaded: &mut Loaded, has_model: bool) -> anyhow::Result<(Option<Town>, Vec<&'static str>)> {
    let has_tmdb = !loaded.config.tools.tmdb.api_key.is_empty();
    // TVmaze wants no key, so only its name in the settings says that it may be asked. A stand-in beside the real TMDb would mix
    // what is true with what is made up; somebody has to wish for that.
    let has_tvmaze = loaded.names_tvmaze;
    let wants_demo = loaded.wants_demo();
    let plays_more = wants_demo && (!has_tmdb || loaded.config.demo == Demo::On);
    let plays_tvmaze = plays_more && !has_tvmaze;
    // An instance that is only named is somebody's beginning; it is not filled in for them.
    let plays_radarr = plays_more && loaded.config.tools.radarr.0.is_empty();
    let plays_sonarr = plays_more && loaded.config.tools.sonarr.0.is_empty();
    let plays_plex = plays_more && loaded.config.tools.plex.is_empty();
    let plays_others = plays_tvmaze || plays_radarr || plays_sonarr || plays_plex;
    loaded.config.tools.tvmaze.enabled &= has_tvmaze || plays_tvmaze;
    if !wants_demo || (has_model && has_tmdb && !plays_others) {
        return Ok((None, Vec::new()));
    }
    let town = Town::demo().await.context("the demo household did not start")?;
    let mut demo = Vec::new();
    if !has_model {
        demo.push(MODEL);
    }
    let tools = &mut loaded.config.tools;
    if !has_tmdb {
        demo.push("tmdb");
        tools.tmdb.base_url = town.tmdb_url().parse()?;
        tools.tmdb.image_base_url = town.tmdb_image_url().parse()?;
        tools.tmdb.api_key = Secret::new("0".repeat(32));
    }
    if plays_tvmaze {
        demo.push("tvmaze");
        tools.tvmaze.base_url = town.tvmaze_url().parse()?;
    }
    if plays_radarr {
        demo.push("radarr");
        let instance = majordomo_tools::radarr::Instance {
            base_url: Some(town.radarr_url(DEFAULT).parse()?),
            api_key: Secret::new(town.radarr(DEFAULT).key()),
            quality_profile: Some("HD-1080p".to_owned()),
            ..Default::default()
        };
        tools.radarr.0.insert(DEFAULT.to_owned(), instance);
    }
    if plays_sonarr {
        demo.push("sonarr");
        let instance = majordomo_tools::sonarr::Instance {
            base_url: Some(town.sonarr_url(DEFAULT).parse()?),
            api_key: Secret::new(town.sonarr(DEFAULT).key()),
            quality_profile: Some("HD-720p".to_owned()),
            ..Default::default()
        };
        tools.sonarr.0.insert(DEFAULT.to_owned(), instance);
    }
    if plays_plex {
        demo.push("plex");
        let server = majordomo_tools::plex::Server {
            base_url: Some(town.plex_url().parse()?),
            token: Secret::new("0".repeat(20)),
            discover_url: town.plex_cloud_url("discover").parse()?,
            metadata_url: town.plex_cloud_url("metadata").parse()?,
            plex_tv_url: town.plex_cloud_url("tv").parse()?,
            clients_url: town.plex_cloud_url("clients").parse()?,
            ..Default::default()
        };
        tools.plex.insert(DEFAULT.to_owned(), server);
    }
    Ok((Some(town), demo))
}

/// The scripted model of the demo household as the only provider.
fn demo_models(town: &Town) -> anyhow::Result<majordomo_providers::Config> {
    let demo = ProviderConfig {
        dialect: Some(Dialect::Demo),
        base_url: Some(town.model_url().parse()?),
        roles: BTreeMap::from([(
            ModelRole::Chat,
            RoleConfig { model: "demo".into(), options: ModelOptions::default() },
        )]),
        ..ProviderConfig::default()
    };
    Ok(majordomo_providers::Config { priority: Vec::new(), providers: BTreeMap::from([("demo".into(), demo)]) })
}

fn role_model(model: majordomo_providers::RoleModel) -> RoleModel {
    let majordomo_providers::RoleModel { provider, id, options } = model;
    RoleModel { provider, id, options }
}

/// What is not there, and why. The name `models` stands for all models.
fn switched_off(
    loaded: &Loaded,
    models: &majordomo_providers::Catalogue,
    toolkits: Vec<majordomo_tools::Off>,
) -> Vec<(String, String)> {
    let mut off = Vec::new();
    if models.providers.is_empty() {
        let reason = "no provider is usable: set OPENAI_API_KEY or another provider's key, or write [models.NAME] in the settings";
        off.push(("models".to_owned(), reason.to_owned()));
    }
    if loaded.names_models {
        off.extend(models.skipped.iter().map(|skipped| (skipped.name.clone(), skipped.reason.clone())));
    }
    for toolkit in toolkits {
        let missing = loaded.left_out.iter().find(|part| part.section == format!("tools.{}", toolkit.toolkit));
        let reason = match missing {
            Some(part) => format!("{} is not set", part.variable),
            None if toolkit.toolkit == "tvmaze" && !loaded.names_tvmaze => {
                "not configured: write [tools.tvmaze] in the settings, or set MAJORDOMO_TOOLS__TVMAZE__ENABLED=true"
                    .to_owned()
            }
            None => toolkit.reason,
        };
        off.push((toolkit.toolkit.to_owned(), reason));
    }
    off
}

/// The built-in agent first, then those of the settings.
fn agents(sections: &BTreeMap<String, AgentSection>, toolkits: &[Toolkit]) -> Vec<Agent> {
    let known = |name: &String| {
        let is_built_in = BUILT_IN.iter().any(|(_, tool)| tool == name);
        is_built_in || toolkits.iter().flat_map(|t| &t.tools).any(|tool| tool.name == name)
    };
    let agent = |name: &str, section: Option<&AgentSection>| {
        let first_tools = section.and_then(|s| s.first_tools.clone());
        let first_tools = first_tools.unwrap_or_else(|| FIRST_TOOLS.map(str::to_owned).into());
        Agent {
            id: AgentId::new(),
            name: name.to_owned(),
            prompt: section.and_then(|s| s.prompt.clone()).unwrap_or_else(|| PROMPT.trim().to_owned()),
            toolkits: section.map(|s| s.toolkits.clone()).unwrap_or_default(),
            first_tools: first_tools.into_iter().filter(known).collect(),
            may_stay_silent: section.is_some_and(|s| s.may_stay_silent),
            approvals: section.map(|s| s.approvals.clone()).unwrap_or_default(),
            memory: section.map(|s| s.memory).unwrap_or_default(),
            limits: section.map_or_else(TurnLimits::default, |s| s.limits.clone()),
        }
    };
    let others = sections.iter().filter(|(name, _)| *name != DEFAULT_AGENT);
    std::iter::once(agent(DEFAULT_AGENT, sections.get(DEFAULT_AGENT)))
        .chain(others.map(|(name, section)| agent(name, Some(section))))
        .collect()
}

fn demo_text(parts: &[&str]) -> String {
    let names: Vec<&str> = parts
        .iter()
        .map(|part| match *part {
            "model" => "a scripted model that understands a handful of requests",
            "tmdb" => "a stand-in for TMDb with public-domain films and series",
            "tvmaze" => "a stand-in for TVmaze",
            "radarr" => "a stand-in for Radarr",
            "sonarr" => "a stand-in for Sonarr",
            "plex" => "a stand-in for Plex",
            other => other,
        })
        .collect();
    let list = match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => return String::new(),
    };
    format!(
        "This is a demo: it runs with {list}. Set OPENAI_API_KEY and TMDB_API_KEY, or write majordomo.toml, for the real ones."
    )
}

fn suggestions() -> Vec<Suggestion> {
    [
        ("Trending this week", "What's trending this week, and is any of it good for kids?"),
        ("A film for tonight", "What should we watch tonight? Something under two hours."),
        ("On television", "What is on television tonight?"),
        ("Where it streams", "Where can I watch Metropolis (1927)?"),
        ("Something that asks first", "Add V to my party, he's a Solo"),
    ]
    .map(|(title, prompt)| Suggestion { title: title.into(), prompt: prompt.into() })
    .into()
}
