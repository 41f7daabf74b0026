//! Settings: the tree of every room's own settings, read from a file and the environment. The only place that reads either.
//!
//! Start reading at [`Config`]; `layers.rs` reads and blames, `reference.rs` documents every key.

mod address;
mod layers;
pub mod reference;

pub use address::without_password;
pub use layers::{Environment, LeftOut, Problems, is_placeholder};

use crate::telemetry::{self, Log, Telemetry};
use anyhow::Context;
use layers::Layers;
use majordomo_domain::{
    MemoryScope, Secret,
    agent::{Approvals, TurnLimits},
};
use serde::Deserialize;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

/// The file looked for in the working directory.
pub const FILE: &str = "majordomo.toml";
/// Keys without a section.
const TOP: [&str; 3] = ["data", "demo", "rules"];

/// Variables by which the library for traces is told headers.
const OTLP_HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"];

/// Every setting of the program.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Stand-ins for what is not configured.
    pub demo: Demo,
    /// The data folder, relative to the working directory.
    pub data: PathBuf,
    pub server: majordomo_web::Config,
    pub store: StoreSection,
    pub backup: BackupSection,
    pub secrets: SecretsSection,
    pub bus: BusSection,
    pub models: majordomo_providers::Config,
    pub tools: majordomo_tools::Config,
    pub engine: majordomo_engine::Config,
    pub agents: BTreeMap<String, AgentSection>,
    /// Who may do what, beside the default table. The first that fits decides.
    pub rules: Vec<majordomo_engine::Rule>,
    pub limits: majordomo_engine::Limits,
    pub news: majordomo_engine::NewsConfig,
    pub log: Log,
    pub telemetry: Telemetry,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            demo: Demo::default(),
            data: "data".into(),
            server: Default::default(),
            store: StoreSection::default(),
            backup: BackupSection::default(),
            secrets: SecretsSection::default(),
            bus: BusSection::default(),
            models: Default::default(),
            tools: Default::default(),
            engine: Default::default(),
            agents: BTreeMap::new(),
            rules: Vec::new(),
            limits: Default::default(),
            news: Default::default(),
            log: Log::default(),
            telemetry: Telemetry::default(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demo {
    /// Stand-ins when there is no settings file, none when there is one.
    #[default]
    Auto,
    /// Stand-ins for everything that is not configured.
    On,
    Off,
}

/// Settings of the section `[store]`.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// `sqlite://PATH`, `postgres://…` or `mysql://…`; SQLite in the data folder when absent.
    pub url: Option<String>,
}

impl fmt::Debug for StoreSection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("StoreSection").field("url", &self.url.as_deref().map(without_password)).finish()
    }
}

/// Settings of the section `[backup]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupSection {
    /// Hours between two backups of the running service, 0 to 8 760. 0: none. Default 24.
    pub every_hours: u32,
    /// Backups kept, 1 to 1 000. Default 7.
    pub keep: usize,
    /// The folder they go to; `backups` in the data folder when absent.
    pub folder: Option<PathBuf>,
}

impl Default for BackupSection {
    fn default() -> Self {
        Self { every_hours: 24, keep: 7, folder: None }
    }
}

/// Settings of the section `[secrets]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsSection {
    /// Where the master key is; see `master_key.rs` for the places when absent.
    pub key_file: Option<PathBuf>,
}

/// Settings of the section `[bus]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusSection {
    /// `local`: within the process.
    pub url: String,
}

impl Default for BusSection {
    fn default() -> Self {
        Self { url: "local".into() }
    }
}

/// One table `[agents.NAME]`. `majordomo` is there without one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentSection {
    /// Character and duties; the built-in prompt when absent.
    pub prompt: Option<String>,
    /// Toolkits it may use; every one that is on when empty.
    pub toolkits: Vec<String>,
    /// Tools the model is told of at once; the built-in choice when absent.
    pub first_tools: Option<Vec<String>>,
    /// Whether it may end a turn without a word. Default false.
    pub may_stay_silent: bool,
    /// When its calls ask first.
    pub approvals: Approvals,
    /// What its talk is remembered by: `person`, `room` or `conversation`.
    pub memory: MemoryScope,
    pub limits: TurnLimits,
}

impl Config {
    pub fn backup_folder(&self) -> PathBuf {
        self.backup.folder.clone().unwrap_or_else(|| self.data.join("backups"))
    }

    pub fn store_url(&self) -> String {
        match &self.store.url {
            Some(url) => url.clone(),
            None => format!("sqlite://{}", self.data.join("majordomo.db").display()),
        }
    }
}

/// Settings as read, and what is to be said of them.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// The file they came from, if there was one.
    pub file: Option<PathBuf>,
    /// Parts left out because a variable they name is not set.
    pub left_out: Vec<LeftOut>,
    /// Somebody wrote of TVmaze. It needs no key, so nothing else says whether it is wanted.
    pub names_tvmaze: bool,
    /// Somebody wrote of models; those that are left out are worth a word then.
    pub names_models: bool,
    layers: Layers,
}

impl Loaded {
    /// Whether what is not configured is replaced by a stand-in.
    pub fn wants_demo(&self) -> bool {
        match self.config.demo {
            Demo::On => true,
            Demo::Off => false,
            Demo::Auto => self.file.is_none(),
        }
    }

    /// The settings with the secrets they name. One that is not there is a problem like any other.
    pub fn with_secrets(
        mut self,
        secrets: &BTreeMap<String, Secret>,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        if self.layers.wanted.is_empty() {
            return Ok(self);
        }
        self.layers.put_secrets(secrets);
        let Some(read) = understand(&mut self.layers, environment) else {
            return Err(Problems(self.layers.sorted_problems()).into());
        };
        // What was read early is in use already, with what the command line had to say of it.
        let Config { demo, data, server, store, backup, secrets, bus, log, telemetry, .. } = self.config;
        self.config = Config { demo, data, server, store, backup, secrets, bus, log, telemetry, ..read };
        Ok(self)
    }

    /// What must never be written: the keys and passwords in these settings, and those the environment holds for libraries.
    pub fn hidden(&self, environment: &Environment) -> Vec<Secret> {
        let keys = self.config.models.providers.values().filter_map(|provider| provider.resolved_key.clone());
        let mut hidden: Vec<Secret> = self.layers.secrets().into_iter().chain(keys).collect();
        hidden.extend(address::password(&self.config.store_url()).map(Secret::new));
        for (_, value) in environment.iter().filter(|(name, _)| OTLP_HEADERS.contains(&name.as_str())) {
            // Pairs as in `authorization=Bearer%20…,x-team=home`.
            let pairs = value.split(',').filter_map(|pair| pair.split_once('='));
            let secret = pairs.filter(|(name, _)| layers::is_secret_header(name.trim()));
            for (_, value) in secret {
                let value = address::percent_decoded(value.trim());
                hidden.extend(value.split_whitespace().map(Secret::new));
                hidden.push(Secret::new(value));
            }
        }
        hidden
    }

    /// A refusal that names the place of a setting.
    pub fn refuse(&mut self, key: &str, text: impl Into<String>) -> anyhow::Error {
        self.layers.problems.clear();
        self.layers.blame_key(key, text);
        Problems(std::mem::take(&mut self.layers.problems)).into()
    }
}

/// What the process was given, and what a file `.env` in the working directory adds to it.
pub fn process_environment() -> Environment {
    let mut environment = Environment::new();
    if let Ok(pairs) = dotenvy::from_filename_iter(".env") {
        environment.extend(pairs.filter_map(Result::ok));
    }
    environment.extend(
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    environment
}

/// Whether the person at the terminal has nothing against colours.
pub fn wants_colours(environment: &Environment) -> bool {
    environment.get("NO_COLOR").is_none_or(String::is_empty)
        && environment.get("TERM").is_none_or(|term| term != "dumb")
}

/// Read the settings: the file named, or the one in the working directory if there is one, then the environment.
/// The error is a [`Problems`] with every line to mend.
pub fn load(file: Option<&Path>, environment: &Environment) -> anyhow::Result<Loaded> {
    let found = match file {
        Some(path) => Some((
            path.to_owned(),
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
        )),
        None => match std::fs::read_to_string(FILE) {
            Ok(text) => Some((PathBuf::from(FILE), text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {FILE}")),
        },
    };
    read(found.as_ref().map(|(path, text)| (path.as_path(), text.as_str())), environment)
}

/// Read settings from a text and an environment.
pub fn read(file: Option<(&Path, &str)>, environment: &Environment) -> anyhow::Result<Loaded> {
    let mut layers = file.map_or_else(Layers::default, |(path, text)| Layers::of_file(path, text));
    layers.lay_environment(environment, &TOP);
    conventions(&mut layers, environment);
    layers.resolve(environment);
    match understand(&mut layers, environment) {
        Some(config) => Ok(Loaded {
            config,
            file: file.map(|(path, _)| path.to_owned()),
            left_out: std::mem::take(&mut layers.left_out),
            names_tvmaze: layers.has(&["tools", "tvmaze"]),
            names_models: layers.has(&["models"]),
            layers,
        }),
        _ => Err(Problems(layers.sorted_problems()).into()),
    }
}

/// The tree of settings, when nothing is wrong with it.
fn understand(layers: &mut Layers, environment: &Environment) -> Option<Config> {
    let mut config: Config = layers.read()?;
    resolve_models(&mut config, environment, layers);
    check(&config, layers);
    layers.problems.is_empty().then_some(config)
}

/// Keys under the names everybody uses make their service usable without any file.
fn conventions(layers: &mut Layers, environment: &Environment) {
    let given = |variable: &str| environment.get(variable).is_some_and(|value| !value.trim().is_empty());
    if given("TMDB_API_KEY") {
        layers.set_default(&["tools", "tmdb", "api_key"], "env:TMDB_API_KEY".into(), "TMDB_API_KEY");
    }
}

/// Hand the providers their keys, those under the names everybody uses included.
fn resolve_models(config: &mut Config, environment: &Environment, layers: &mut Layers) {
    let placeholders = RefCell::new(BTreeSet::new());
    config.models.resolve(&|name| {
        let value = environment.get(name).filter(|value| !value.trim().is_empty())?;
        if layers::is_placeholder(value) {
            placeholders.borrow_mut().insert(name.to_owned());
            return None;
        }
        Some(value.clone())
    });
    for name in placeholders.into_inner() {
        if !layers.problems.iter().any(|problem| problem.contains("placeholder")) {
            layers.problems.push(format!("{name}: the value is a placeholder, not a secret"));
        }
    }
    for problem in config.models.problems() {
        let name = problem.path.rsplit('.').next().unwrap_or_default().to_owned();
        layers.blame_key(&problem.path, format!("{name}: {}", problem.text));
    }
}

/// What no room can see alone.
fn check(config: &Config, layers: &mut Layers) {
    if config.bus.url != "local" {
        layers.blame_key(
            "bus.url",
            "url: this version has the bus \"local\" only; processes on several machines come later",
        );
    }
    if let Some(url) = &config.store.url
        && let Err(problem) = majordomo_store::check_address(url)
    {
        layers.blame_key("store.url", format!("url: {problem}"));
    }
    if let Err(error) = telemetry::filter(&config.log.level) {
        layers.blame_key("log.level", error.to_string());
    }
    if config.telemetry.otlp_endpoint.is_some() && !cfg!(feature = "otel") {
        layers.blame_key("telemetry.otlp_endpoint", "otlp_endpoint: this build cannot send traces");
    }
    for (key, url) in
        [("server.public_url", &config.server.public_url), ("telemetry.otlp_endpoint", &config.telemetry.otlp_endpoint)]
    {
        if let Some(url) = url
            && !matches!(url.scheme(), "http" | "https")
        {
            layers.blame_key(key, format!("{} begins with http:// or https://", key.rsplit('.').next().unwrap_or(key)));
        }
    }
    for problem in config.tools.problems() {
        let name = problem.path.rsplit('.').next().unwrap_or_default().to_owned();
        layers.blame_key(&problem.path, format!("{name}: {}", problem.text));
    }
    let (server, engine) = (&config.server, &config.engine);
    for (key, value, least, most) in [
        ("server.max_body_bytes", server.max_body_bytes as u64, 10_000, 100_000_000),
        ("server.max_files_bytes", server.max_files_bytes as u64, 10_000, 500_000_000),
        ("server.session_idle_days", server.session_idle_days.into(), 1, 3_650),
        ("server.session_days", server.session_days.into(), 1, 3_650),
        ("server.keep_alive_seconds", server.keep_alive_seconds.into(), 1, 300),
        ("backup.every_hours", config.backup.every_hours.into(), 0, 8_760),
        ("backup.keep", config.backup.keep as u64, 1, 1_000),
        ("engine.max_running_turns", engine.max_running_turns as u64, 1, 10_000),
        ("engine.max_waiting_per_conversation", engine.max_waiting_per_conversation as u64, 0, 1_000),
        ("engine.progress_after_ms", engine.progress_after_ms, 100, 600_000),
        ("engine.max_message_chars", engine.max_message_chars as u64, 2, 1_000_000),
        ("engine.cool_down_seconds", engine.cool_down_seconds, 0, 86_400),
        ("engine.recall_hours", engine.recall_hours.into(), 1, 8_760),
        ("engine.undo_minutes", engine.undo_minutes.into(), 0, 10_080),
    ] {
        range(layers, &key.split('.').collect::<Vec<_>>(), value, least, most);
    }
    for (key, text) in config.news.problems() {
        blame(layers, &["news", key], format!("{key}: {text}"));
    }
    for (name, limits) in &engine.tools {
        if let Some(timeout) = limits.timeout_ms {
            range(layers, &["engine", "tools", name, "timeout_ms"], timeout, 100, 600_000);
        }
        if let Some(at_once) = limits.at_once {
            range(layers, &["engine", "tools", name, "at_once"], at_once as u64, 1, 1_000);
        }
        if let Some(entries) = limits.list_items {
            range(layers, &["engine", "tools", name, "list_items"], entries as u64, 1, 10_000);
        }
    }
    for (name, agent) in &config.agents {
        let limits = &agent.limits;
        for (key, value, least, most) in [
            ("steps", limits.steps, 1, 50),
            ("worker_steps", limits.worker_steps, 1, 50),
            ("seconds", limits.seconds, 5, 3_600),
            ("calls_per_step", limits.calls_per_step, 1, 100),
            ("history_tokens", limits.history_tokens, 500, 10_000_000),
            ("history_messages", limits.history_messages, 2, 10_000),
            ("history_turns", limits.history_turns, 1, 10_000),
            ("tool_messages", limits.tool_messages, 1, 10_000),
            ("keep_messages", limits.keep_messages, 0, 10_000_000),
            ("output_tokens", limits.output_tokens, 16, 200_000),
            ("result_chars", limits.result_chars, 200, 1_000_000),
        ] {
            range(layers, &["agents", name, "limits", key], value.into(), least, most);
        }
    }
    check_trust(config, layers);
    check_names(config, layers);
}

/// How long is asked, and what may be spent.
fn check_trust(config: &Config, layers: &mut Layers) {
    for (name, agent) in &config.agents {
        if let Some(seconds) = agent.approvals.expire_seconds {
            range(layers, &["agents", name, "approvals", "expire_seconds"], seconds.into(), 1, 2_592_000);
        }
        for (tool, approvals) in &agent.approvals.tools {
            if let Some(seconds) = approvals.expire_seconds {
                range(
                    layers,
                    &["agents", name, "approvals", "tools", tool, "expire_seconds"],
                    seconds.into(),
                    1,
                    2_592_000,
                );
            }
        }
    }
    let limits = &config.limits;
    range(layers, &["limits", "messages_per_minute"], limits.messages_per_minute.into(), 0, 60_000);
    let named = |section: &'static str, map: &BTreeMap<String, majordomo_engine::Limit>| {
        map.iter().map(|(name, limit)| (vec![section.to_owned(), name.clone()], *limit)).collect::<Vec<_>>()
    };
    let mut all = vec![(vec!["household".to_owned()], limits.household), (vec!["person".to_owned()], limits.person)];
    all.extend(named("people", &limits.people));
    all.extend(named("agents", &limits.agents));
    for (path, limit) in all {
        for (key, usd) in [("day_usd", limit.day_usd), ("month_usd", limit.month_usd)] {
            if usd.is_some_and(|usd| !(0.0..=1_000_000.0).contains(&usd)) {
                let mut path: Vec<&str> = std::iter::once("limits").chain(path.iter().map(String::as_str)).collect();
                path.push(key);
                blame(layers, &path, format!("{key}: dollars are 0 to 1000000"));
            }
        }
    }
}

fn range(layers: &mut Layers, path: &[&str], value: u64, least: u64, most: u64) {
    if !(least..=most).contains(&value) {
        let name = path.last().copied().unwrap_or_default();
        blame(layers, path, format!("{name}: {value} is not between {least} and {most}"));
    }
}

fn blame(layers: &mut Layers, path: &[&str], text: String) {
    layers.blame(&path.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>(), text);
}

/// Toolkits and tools the engine itself has.
pub(crate) const BUILT_IN: [(&str, &str); 6] = [
    ("tools", "find_tools"),
    ("tools", "use_tool"),
    ("recall", "recall"),
    ("errands", "delegate"),
    ("silence", "stay_silent"),
    ("finish", "agent_early_terminate"),
];

/// Names of toolkits and tools, wherever the settings have some.
fn check_names(config: &Config, layers: &mut Layers) {
    let is_named = |agent: &AgentSection| {
        !agent.toolkits.is_empty() || agent.first_tools.is_some() || !agent.approvals.tools.is_empty()
    };
    let rules = config.rules.iter().any(|rule| rule.tool.is_some());
    if config.engine.tools.is_empty() && !rules && !config.agents.values().any(is_named) {
        return;
    }
    let Ok(upstream) = majordomo_upstream::Upstream::new(Default::default()) else { return };
    let known = majordomo_tools::names(&upstream);
    let mut toolkits: Vec<&str> = known.iter().map(|(toolkit, _)| *toolkit).collect();
    toolkits.extend(BUILT_IN.map(|(toolkit, _)| toolkit));
    let mut tools: Vec<&str> = known.iter().flat_map(|(_, tools)| tools).map(|(tool, _)| *tool).collect();
    tools.extend(BUILT_IN.map(|(_, tool)| tool));
    let alias = |name: &str| {
        let mut all = known.iter().flat_map(|(_, tools)| tools);
        all.find(|(_, aliases)| aliases.contains(&name)).map(|(tool, _)| *tool)
    };
    let hint = |name: &str, known: &[&str]| match alias(name).or_else(|| layers::nearest(name, known)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "`majordomo reference tools` lists them".to_owned(),
    };
    for (name, agent) in &config.agents {
        for toolkit in agent.toolkits.iter().filter(|name| !toolkits.contains(&name.as_str())) {
            let text = format!("toolkits: there is no toolkit \"{toolkit}\"; {}", hint(toolkit, &toolkits));
            blame(layers, &["agents", name, "toolkits"], text);
        }
        for tool in agent.first_tools.iter().flatten().filter(|name| !tools.contains(&name.as_str())) {
            let text = format!("first_tools: there is no tool \"{tool}\"; {}", hint(tool, &tools));
            blame(layers, &["agents", name, "first_tools"], text);
        }
    }
    for (name, agent) in &config.agents {
        for tool in agent.approvals.tools.keys().filter(|name| !tools.contains(&name.as_str())) {
            let text = format!("there is no tool \"{tool}\"; {}", hint(tool, &tools));
            blame(layers, &["agents", name, "approvals", "tools", tool], text);
        }
    }
    for pattern in config.rules.iter().filter_map(|rule| rule.tool.as_deref()) {
        let fits = match pattern.strip_suffix('*') {
            Some(beginning) => tools.iter().any(|tool| tool.starts_with(beginning)),
            None => tools.contains(&pattern),
        };
        if !fits {
            blame(layers, &["rules"], format!("rules: there is no tool \"{pattern}\"; {}", hint(pattern, &tools)));
        }
    }
    let both: Vec<&str> = toolkits.iter().chain(&tools).copied().collect();
    for name in config.engine.tools.keys().filter(|name| !both.contains(&name.as_str())) {
        let text = format!("there is no toolkit or tool \"{name}\"; {}", hint(name, &both));
        blame(layers, &["engine", "tools", name], text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn loaded(text: Option<&str>, pairs: &[(&str, &str)]) -> anyhow::Result<Loaded> {
        read(text.map(|text| (Path::new("majordomo.toml"), text)), &environment(pairs))
    }

    #[track_caller]
    fn refused(text: &str, pairs: &[(&str, &str)], lines: &[&str]) {
        let error = loaded(Some(text), pairs).expect_err("should be refused").to_string();
        assert_eq!(error.lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_all_at_once() {
        refused(
            "[server]\nlistn = \"127.0.0.1:1\"\n",
            &[],
            &["majordomo.toml:2: [server] unknown key \"listn\"; did you mean \"listen\"?"],
        );
        refused("\n\n[servr]\n", &[], &["majordomo.toml:3: unknown key \"servr\"; did you mean \"server\"?"]);
        refused(
            "[engine]\nmax_running_turns = \"many\"\nprogress_after_ms = true\n[log]\nformat = \"logfnt\"\n",
            &[],
            &[
                "majordomo.toml:2: [engine] max_running_turns: expected a whole number, 0 or more, found \"many\"",
                "majordomo.toml:3: [engine] progress_after_ms: expected a whole number, 0 or more, found boolean true",
                "majordomo.toml:5: [log] format: \"logfnt\" is not one of auto, text, logfmt, json; did you mean \"logfmt\"?",
            ],
        );
        refused(
            "[engine]\nmax_running_turns = 0\n[agents.x.limits]\nsteps = 51\n",
            &[],
            &[
                "majordomo.toml:2: [engine] max_running_turns: 0 is not between 1 and 10000",
                "majordomo.toml:4: [agents.x.limits] steps: 51 is not between 1 and 50",
            ],
        );
        refused(
            "[bus]\nurl = \"nats://x\"\n[store]\nurl = \"redis://house:hush@x/y\"\n",
            &[],
            &[
                "majordomo.toml:2: [bus] url: this version has the bus \"local\" only; processes on several machines come later",
                "majordomo.toml:4: [store] url: \"redis\" is no database this version knows; the address begins with sqlite://, \
                 postgres:// or mysql://",
            ],
        );
        refused(
            "",
            &[("MAJORDOMO_SERVER__LISTN", "x")],
            &["MAJORDOMO_SERVER__LISTN: [server] unknown key \"listn\"; did you mean \"listen\"?"],
        );
        refused(
            "[server]\nlisten = \n",
            &[],
            &["majordomo.toml:2: string values must be quoted, expected literal string"],
        );
    }

    /// Every number has a bound, every name is one that exists, every address is one that may be asked.
    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        for (section, key, value, said) in [
            ("server", "max_body_bytes", "9999", "9999 is not between 10000 and 100000000"),
            ("server", "max_files_bytes", "0", "0 is not between 10000 and 500000000"),
            ("server", "session_idle_days", "0", "0 is not between 1 and 3650"),
            ("server", "session_days", "100000", "100000 is not between 1 and 3650"),
            ("server", "keep_alive_seconds", "0", "0 is not between 1 and 300"),
            ("backup", "every_hours", "8761", "8761 is not between 0 and 8760"),
            ("backup", "keep", "0", "0 is not between 1 and 1000"),
            ("engine", "max_waiting_per_conversation", "1001", "1001 is not between 0 and 1000"),
            ("engine", "progress_after_ms", "0", "0 is not between 100 and 600000"),
            ("engine", "max_message_chars", "1", "1 is not between 2 and 1000000"),
            ("engine", "max_message_chars", "1000001", "1000001 is not between 2 and 1000000"),
            ("engine", "cool_down_seconds", "86401", "86401 is not between 0 and 86400"),
            ("engine", "recall_hours", "0", "0 is not between 1 and 8760"),
            ("limits", "messages_per_minute", "60001", "60001 is not between 0 and 60000"),
            ("engine.tools.tmdb", "timeout_ms", "0", "0 is not between 100 and 600000"),
            ("engine.tools.delegate", "timeout_ms", "99", "99 is not between 100 and 600000"),
            ("engine.tools.tmdb", "at_once", "0", "0 is not between 1 and 1000"),
            ("engine.tools.tmdb", "list_items", "0", "0 is not between 1 and 10000"),
            ("agents.x.limits", "tool_messages", "0", "0 is not between 1 and 10000"),
            ("agents.x.limits", "worker_steps", "0", "0 is not between 1 and 50"),
            ("agents.x.limits", "seconds", "4", "4 is not between 5 and 3600"),
            ("agents.x.limits", "seconds", "3601", "3601 is not between 5 and 3600"),
            ("agents.x.limits", "calls_per_step", "0", "0 is not between 1 and 100"),
            ("agents.x.limits", "history_tokens", "0", "0 is not between 500 and 10000000"),
            ("agents.x.limits", "history_messages", "0", "0 is not between 2 and 10000"),
            ("agents.x.limits", "history_turns", "0", "0 is not between 1 and 10000"),
            ("agents.x.limits", "keep_messages", "10000001", "10000001 is not between 0 and 10000000"),
            ("agents.x.limits", "output_tokens", "0", "0 is not between 16 and 200000"),
            ("agents.x.limits", "result_chars", "0", "0 is not between 200 and 1000000"),
            ("agents.x.limits", "result_chars", "-1", "expected a whole number, 0 or more, found integer -1"),
            ("agents.x", "toolkits", "[\"tmbd\"]", "there is no toolkit \"tmbd\"; did you mean \"tmdb\"?"),
            (
                "agents.x",
                "toolkits",
                "[\"plumbing\"]",
                "there is no toolkit \"plumbing\"; `majordomo reference tools` lists them",
            ),
            (
                "agents.x",
                "first_tools",
                "[\"tmdb_detials\"]",
                "there is no tool \"tmdb_detials\"; did you mean \"tmdb_details\"?",
            ),
            (
                "agents.x",
                "first_tools",
                "[\"search_tool\"]",
                "there is no tool \"search_tool\"; did you mean \"tmdb_search_multi\"?",
            ),
            ("tools.tmdb", "timeout_ms", "0", "0 is not between 100 and 600000"),
            ("tools.tmdb", "request_timeout_ms", "0", "0 is not between 100 and 600000"),
            ("tools.tmdb", "hedge_after_ms", "600001", "600001 is not between 0 and 600000"),
            ("tools.tmdb", "at_once", "0", "0 is not between 1 and 100"),
            ("tools.tmdb", "per_second", "0", "0 is not between 1 and 1000"),
            ("tools.tmdb", "vote_floor", "1000001", "1000001 is not between 0 and 1000000"),
            ("tools.tmdb", "details_age_s", "604801", "604801 is not between 0 and 604800"),
            ("tools.tmdb", "lists_age_s", "604801", "604801 is not between 0 and 604800"),
            ("tools.tmdb", "reference_age_s", "604801", "604801 is not between 0 and 604800"),
            ("tools.tmdb", "language", "\"english\"", "“english” is not a language such as en-US"),
            ("tools.tmdb", "region", "\"us\"", "“us” is not a country code such as US"),
            ("tools.tmdb", "image_base_url", "\"file:///etc\"", "its address is neither http nor https"),
            ("tools.tvmaze", "base_url", "\"http://h/?key=1\"", "its address holds a query or a fragment"),
            ("tools.tvmaze", "country", "\"USA\"", "“USA” is not a country code such as US"),
            ("tools.tvmaze", "timeout_ms", "1", "1 is not between 100 and 600000"),
            ("tools.tvmaze", "request_timeout_ms", "1", "1 is not between 100 and 600000"),
            ("tools.tvmaze", "hedge_after_ms", "600001", "600001 is not between 0 and 600000"),
            ("tools.tvmaze", "at_once", "101", "101 is not between 1 and 100"),
            ("tools.tvmaze", "per_ten_seconds", "0", "0 is not between 1 and 1000"),
            ("tools.tvmaze", "age_s", "604801", "604801 is not between 0 and 604800"),
            (
                "tools.plex.default",
                "base_url",
                "\"http://u:p@nas:32400\"",
                "its address holds a user name or password; give the key as a setting instead",
            ),
            ("tools.plex.default", "discover_url", "\"ftp://h/\"", "its address is neither http nor https"),
            ("tools.plex.default", "metadata_url", "\"ftp://h/\"", "its address is neither http nor https"),
            ("tools.plex.default", "plex_tv_url", "\"ftp://h/\"", "its address is neither http nor https"),
            ("tools.plex.default", "clients_url", "\"ftp://h/\"", "its address is neither http nor https"),
            ("tools.plex.default", "product", "\" \"", "it is not a name of 1 to 100 plain letters"),
            ("tools.plex.default", "client_identifier", "\"\"", "it is not a name of 1 to 100 plain letters"),
            ("tools.plex.4k", "timeout_ms", "1", "1 is not between 100 and 600000"),
            ("tools.plex.4k", "request_timeout_ms", "1", "1 is not between 100 and 600000"),
            ("tools.plex.4k", "sync_timeout_ms", "1", "1 is not between 100 and 600000"),
            ("tools.plex.4k", "at_once", "0", "0 is not between 1 and 100"),
            ("tools.plex.4k", "age_s", "604801", "604801 is not between 0 and 604800"),
            ("tools.plex.4k", "reference_age_s", "604801", "604801 is not between 0 and 604800"),
            ("tools.plex.4k", "watchlist_age_s", "604801", "604801 is not between 0 and 604800"),
            ("tools.plex.4k", "index_age_s", "604801", "604801 is not between 0 and 604800"),
            ("tools.plex.4k", "index_whole_age_s", "604801", "604801 is not between 0 and 604800"),
            ("models.openai", "context_tokens", "0", "must be 1000 to 100000000"),
            ("models.openai", "base_url", "\"ftp://h/\"", "its address is neither http nor https"),
            (
                "tools.tmdb",
                "base_url",
                "\"http://user:pw@h/3\"",
                "its address holds a user name or password; give the key as a setting instead",
            ),
            (
                "log",
                "level",
                "\"bogus\"",
                "\"bogus\" is not one of trace, debug, info, warn, error, off, nor a list such as \
                 \"warn,majordomo=info,hyper=debug\"",
            ),
        ] {
            let expected = format!("majordomo.toml:2: [{section}] {key}: {said}");
            refused(&format!("[{section}]\n{key} = {value}\n"), &[], &[&expected]);
        }
        refused(
            "[engine.tools.tmdb_serch_multi]\ntimeout_ms = 1000\n",
            &[],
            &[
                "majordomo.toml:1: [engine.tools] there is no toolkit or tool \"tmdb_serch_multi\"; did you mean \"tmdb_search_multi\"?",
            ],
        );
    }

    #[test]
    fn a_database_is_named_by_its_address_and_its_password_is_never_shown() {
        for url in [
            "sqlite://data/majordomo.db",
            "postgres://house:pw@nas/majordomo",
            "postgresql://nas/majordomo?host=/run/postgresql",
            "mysql://house:pw@nas:3306/majordomo?ssl-mode=VERIFY_IDENTITY",
            "mariadb://house@nas/majordomo",
        ] {
            let text = format!("[store]\nurl = \"{url}\"\n");
            assert_eq!(loaded(Some(&text), &[]).unwrap().config.store_url(), url);
        }
        for (url, said) in [
            ("mongodb://house:hush@nas/x", "\"mongodb\" is no database this version knows"),
            ("data/majordomo.db", "is no database this version knows"),
            ("postgres://house:hush@nas", "the address names no database"),
            ("mysql://house:hush@nas/?ssl-mode=REQUIRED", "the address names no database"),
            ("sqlite://", "the address names no file"),
        ] {
            let error = loaded(Some(&format!("[store]\nurl = \"{url}\"\n")), &[]).unwrap_err().to_string();
            assert!(error.starts_with("majordomo.toml:2: [store] url: ") && error.contains(said), "{url}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
        for (url, shown) in [
            ("postgres://house:hush@nas/majordomo", "postgres://house:***@nas/majordomo"),
            ("mysql://house:hu@sh/hu#sh@nas/majordomo", "mysql://house:***@nas/majordomo"),
            ("postgres://nas/majordomo?user=house&password=hush", "postgres://nas/majordomo?user=house&password=***"),
            ("postgres://house@nas/majordomo", "postgres://house@nas/majordomo"),
            ("sqlite://data/majordomo.db", "sqlite://data/majordomo.db"),
        ] {
            assert_eq!(without_password(url), shown);
        }
        let section = StoreSection { url: Some("postgres://house:hush@nas/majordomo".into()) };
        assert!(!format!("{section:?}").contains("hush"));
    }

    /// TVmaze needs no key, so it is asked only when somebody names it.
    #[test]
    fn tvmaze_is_named_by_its_table_or_its_variable_and_by_no_other_key() {
        let names = |text, pairs: &[(&str, &str)]| loaded(text, pairs).unwrap().names_tvmaze;
        assert!(!names(None, &[("TMDB_API_KEY", "0123456789abcdef0123456789abcdef")]));
        assert!(names(None, &[("MAJORDOMO_TOOLS__TVMAZE__ENABLED", "true")]));
        assert!(names(Some("[tools.tvmaze]\n"), &[]));
    }

    #[test]
    fn a_secret_that_is_none_is_refused_and_not_repeated() {
        for placeholder in ["undefined", "changeme", "  ", "CHANGEME"] {
            refused(
                &format!("[tools.tmdb]\napi_key = \"{placeholder}\"\n"),
                &[],
                &["majordomo.toml:2: [tools.tmdb] api_key is blank or a placeholder, not a secret"],
            );
            refused(
                "[models.openai]\napi_key = \"env:KEY\"\n",
                &[("KEY", placeholder)],
                &["majordomo.toml:2: [models.openai] api_key is blank or a placeholder, not a secret"],
            );
        }
        let error = loaded(Some(""), &[("OPENAI_API_KEY", "undefined")]).unwrap_err().to_string();
        assert_eq!(error, "OPENAI_API_KEY: the value is a placeholder, not a secret");
        let error = loaded(Some("[tools.tmdb]\napi_key = [\"hush-hush\"]\n"), &[]).unwrap_err().to_string();
        assert!(error.contains("api_key is not of the expected kind") && !error.contains("hush"), "{error}");
        refused(
            "[models]\nopenai = \"hush-hush\"\n[tools]\ntmdb = \"hush-hush\"\n",
            &[],
            &[
                "majordomo.toml:2: [models] openai: expected a table, found a text",
                "majordomo.toml:4: [tools] tmdb: expected a table, found a text",
            ],
        );
        refused(
            "[server]\npublic_url = \"http://me:hush@[nowhere/\"\n",
            &[],
            &["majordomo.toml:2: [server] public_url: invalid IPv6 address: \"http://me:***@[nowhere/\""],
        );
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
        let text = "[engine]\nmax_running_turns = 7\nmax_message_chars = 9\n";
        let variables = [("MAJORDOMO_ENGINE__MAX_RUNNING_TURNS", "8"), ("MAJORDOMO_DATA", "elsewhere")];
        let config = loaded(Some(text), &variables).unwrap().config;
        assert_eq!(
            (config.engine.max_running_turns, config.engine.max_message_chars, config.engine.recall_hours),
            (8, 9, 24)
        );
        assert_eq!(config.store_url(), "sqlite://elsewhere/majordomo.db");
    }

    #[test]
    fn sizes_and_times_may_be_written_as_people_do() {
        let text = "[server]\nmax_body_bytes = \"5MB\"\nmax_files_bytes = \"2 MiB\"\n[engine]\nprogress_after_ms = \"30s\"\ncool_down_seconds = \"2m\"\n";
        let config = loaded(Some(text), &[("MAJORDOMO_MODELS__PRIORITY", "openai, anthropic")]).unwrap().config;
        assert_eq!((config.server.max_body_bytes, config.server.max_files_bytes), (5_000_000, 2_097_152));
        assert_eq!((config.engine.progress_after_ms, config.engine.cool_down_seconds), (30_000, 120));
        assert_eq!(config.models.priority, ["openai", "anthropic"]);
        refused(
            "[server]\nmax_body_bytes = \"5 parsecs\"\n",
            &[],
            &["majordomo.toml:2: [server] max_body_bytes: expected a whole number, 0 or more, found \"5 parsecs\""],
        );
    }

    #[test]
    fn a_key_under_its_usual_name_needs_no_file() {
        let loaded = loaded(None, &[("TMDB_API_KEY", "0123456789abcdef0123456789abcdef")]).unwrap();
        assert_eq!(loaded.config.tools.tmdb.api_key.expose(), "0123456789abcdef0123456789abcdef");
        assert!(loaded.wants_demo());
    }

    #[test]
    fn a_variable_that_is_not_set_leaves_its_part_out() {
        let loaded = loaded(Some("[tools.tmdb]\napi_key = \"env:NOT_THERE\"\n"), &[]).unwrap();
        assert_eq!(loaded.left_out, [LeftOut { section: "tools.tmdb".into(), variable: "NOT_THERE".into() }]);
        assert!(!loaded.wants_demo());
        refused(
            "[telemetry]\notlp_endpoint = \"env:NOT_THERE\"\n",
            &[],
            &["majordomo.toml:2: [telemetry] otlp_endpoint: the environment variable NOT_THERE is not set"],
        );
    }

    #[test]
    fn a_secret_is_named_where_it_is_needed_and_put_there_when_the_database_is_open() {
        let text = "[tools.tmdb]\napi_key = \"secret:TMDB\"\n[models.openai]\napi_key = \"secret: OPENAI\"\n\
                    headers = { X-Api-Key = \"secret:TMDB\" }\n";
        let value = "0123456789abcdef0123456789abcdef";
        let secrets = BTreeMap::from([
            ("TMDB".to_owned(), Secret::new(value)),
            ("OPENAI".to_owned(), Secret::new("sk-of-a-test")),
        ]);
        let mut before = loaded(Some(text), &[]).unwrap();
        assert!(before.config.tools.tmdb.api_key.is_empty());
        before.config.data = "elsewhere".into();
        let after = before.with_secrets(&secrets, &Environment::new()).unwrap();
        assert_eq!(after.config.tools.tmdb.api_key.expose(), value);
        let openai = &after.config.models.providers["openai"];
        assert_eq!(openai.resolved_key.as_ref().unwrap().expose(), "sk-of-a-test");
        assert_eq!(openai.headers["X-Api-Key"], value);
        assert_eq!(after.config.data, PathBuf::from("elsewhere"), "what the command line said stays");
        let hidden: Vec<String> =
            after.hidden(&Environment::new()).iter().map(|secret| secret.expose().to_owned()).collect();
        assert!(hidden.iter().any(|one| one == value) && hidden.iter().any(|one| one == "sk-of-a-test"), "{hidden:?}");
    }

    #[test]
    fn a_secret_that_is_not_there_is_refused_with_its_place_and_the_nearest_name() {
        let refusal = |text: &str, names: &[&str]| {
            let secrets = names.iter().map(|name| ((*name).to_owned(), Secret::new("v"))).collect();
            let outcome = loaded(Some(text), &[]).and_then(|loaded| loaded.with_secrets(&secrets, &Environment::new()));
            outcome.expect_err("should be refused").to_string()
        };
        let text = "\n[tools.tmdb]\napi_key = \"secret:TMBD\"\n";
        assert_eq!(
            refusal(text, &["OPENAI", "TMDB"]),
            "majordomo.toml:3: [tools.tmdb] api_key: there is no secret \"TMBD\"; did you mean \"TMDB\"?"
        );
        assert_eq!(
            refusal(text, &[]),
            "majordomo.toml:3: [tools.tmdb] api_key: there is no secret \"TMBD\"; `majordomo secret set TMBD` makes it"
        );
        assert_eq!(
            refusal("[store]\nurl = \"secret:URL\"\n", &["URL"]),
            "majordomo.toml:2: [store] url: is read before the database is open, so secret:NAME cannot stand here; use \
             env:NAME"
        );
    }

    #[test]
    fn a_header_may_name_a_variable() {
        let text = "[models.openai]\nheaders = { X-Api-Key = \"env:HEADER\" }\n";
        let config = loaded(Some(text), &[("HEADER", "of-a-test")]).unwrap().config;
        assert_eq!(config.models.providers["openai"].headers["X-Api-Key"], "of-a-test");
    }
}
