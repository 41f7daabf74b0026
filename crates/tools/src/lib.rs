//! Everything an agent can do, one folder per toolkit.
//!
//! Knows: which toolkits there are, their settings, and which of them these settings switch on.
//! Never: knows of channels, agents or turns; a folder never uses its neighbours (`media/` excepted); no network but
//! through `majordomo-upstream`.
//! Start reading at [`toolkits`], the catalogue; then any folder's `mod.rs`.

pub mod calculator;
pub mod clock;
pub mod household;
mod kept;
pub mod knowledge;
pub mod media;
pub mod memory;
pub mod party;
pub mod plex;
pub mod radarr;
pub mod servarr;
pub mod sonarr;
mod text;
pub mod tmdb;
pub mod tvmaze;

#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod testing;

use majordomo_domain::{Secret, Toolkit};
use majordomo_store::Store;
use majordomo_upstream::{Upstream, check_base};
use serde::{Deserialize, Deserializer};
use url::Url;

/// `[tools]`: one table for each toolkit that has settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub tmdb: tmdb::Config,
    pub tvmaze: tvmaze::Config,
    pub radarr: radarr::Config,
    pub sonarr: sonarr::Config,
    pub party: party::Config,
    pub plex: plex::Config,
    pub media: media::Bounds,
    pub knowledge: knowledge::Config,
}

/// Something wrong in the section, for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, such as `tools.tmdb.base_url`.
    pub path: String,
    pub text: String,
}

impl Config {
    /// What cannot work, whatever the services say. Empty when all is well.
    pub fn problems(&self) -> Vec<Problem> {
        let single = [
            ("tmdb", self.tmdb.problems()),
            ("tvmaze", self.tvmaze.problems()),
            ("knowledge", self.knowledge.problems()),
            ("media", self.media.problems()),
        ]
        .into_iter()
        .flat_map(|(toolkit, list)| list.0.into_iter().map(move |(key, text)| (toolkit, key.to_owned(), text)));
        // Toolkits with named instances.
        let named = [("radarr", self.radarr.problems()), ("sonarr", self.sonarr.problems())]
            .into_iter()
            .flat_map(|(toolkit, list)| list.into_iter().map(move |(key, text)| (toolkit, key, text)));
        single
            .chain(named)
            .map(|(toolkit, key, text)| Problem { path: format!("tools.{toolkit}.{key}"), text })
            .chain(
                plex::problems(&self.plex)
                    .into_iter()
                    .map(|(key, text)| Problem { path: format!("tools.plex.{key}"), text }),
            )
            .collect()
    }
}

/// Keys of one toolkit's settings that do not fit, each with the reason.
#[derive(Default)]
struct Problems(Vec<(&'static str, String)>);

impl Problems {
    fn range(&mut self, key: &'static str, value: u64, least: u64, most: u64) -> &mut Self {
        if !(least..=most).contains(&value) {
            self.0.push((key, format!("{value} is not between {least} and {most}")));
        }
        self
    }

    fn address(&mut self, key: &'static str, url: &Url) -> &mut Self {
        if let Err(reason) = check_base(url) {
            self.0.push((key, reason.to_owned()));
        }
        self
    }

    fn unless(&mut self, key: &'static str, is_right: bool, text: impl FnOnce() -> String) -> &mut Self {
        if !is_right {
            self.0.push((key, text()));
        }
        self
    }

    /// The first one as a sentence that stands alone.
    fn sentence(&self, toolkit: &str) -> Option<String> {
        self.0.first().map(|(key, text)| format!("tools.{toolkit}.{key}: {text}"))
    }
}

/// The name of every toolkit and of every tool with its other names, on or off.
pub fn names(upstream: &Upstream) -> Vec<(&'static str, Vec<ToolNames>)> {
    let mut config = Config::default();
    // Nothing is asked of any service here.
    config.tmdb.api_key = Secret::new("0".repeat(32));
    config.radarr.0.insert("default".into(), radarr::Instance::named());
    config.sonarr.0.insert("default".into(), sonarr::Instance::named());
    config.knowledge.folder = Some("documents".into());
    config.plex.insert(
        plex::client::DEFAULT.to_owned(),
        plex::Server { base_url: Some(address("http://127.0.0.1:9")), token: Secret::new("0"), ..Default::default() },
    );
    let (toolkits, _) = toolkits(&config, &Parts { upstream: upstream.clone(), store: None });
    let tools = |kit: &Toolkit| kit.tools.iter().map(|tool| (tool.name, tool.aliases)).collect();
    toolkits.iter().map(|kit| (kit.name, tools(kit))).collect()
}

/// A tool's name, and the others it answers to.
pub type ToolNames = (&'static str, &'static [&'static str]);

/// What toolkits are built from.
pub struct Parts {
    pub upstream: Upstream,
    /// Where toolkits keep what they are told; None where tools are only listed.
    pub store: Option<Store>,
}

/// A toolkit that is not on offer, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Off {
    pub toolkit: &'static str,
    /// One sentence for the one who runs this, such as `no key: set tools.tmdb.api_key`.
    pub reason: String,
}

/// The catalogue: every toolkit these settings switch on, and those they do not.
pub fn toolkits(config: &Config, parts: &Parts) -> (Vec<Toolkit>, Vec<Off>) {
    let mut off = Vec::new();
    let mut is_on = |toolkit: &'static str, fault: Option<String>| match fault {
        None => true,
        Some(reason) => {
            off.push(Off { toolkit, reason });
            false
        }
    };
    let tmdb = is_on("tmdb", config.tmdb.fault()).then(|| tmdb::Tmdb::new(&config.tmdb, &parts.upstream));
    let tvmaze = is_on("tvmaze", config.tvmaze.fault()).then(|| tvmaze::Tvmaze::new(&config.tvmaze, &parts.upstream));
    let plex = is_on("plex", plex::fault(&config.plex))
        .then(|| plex::Plex::new(&config.plex, &parts.upstream, parts.store.clone()));
    let radarr = is_on("radarr", config.radarr.fault()).then(|| radarr::instances(&config.radarr, &parts.upstream));
    let sonarr = is_on("sonarr", config.sonarr.fault()).then(|| sonarr::instances(&config.sonarr, &parts.upstream));
    let has_knowledge = is_on("knowledge", config.knowledge.fault());
    let is_alone = tmdb.is_none() && tvmaze.is_none() && plex.is_none() && radarr.is_none() && sonarr.is_none();
    let has_media = is_on("media", is_alone.then(|| "needs one of tmdb, tvmaze, plex, radarr and sonarr".to_owned()));

    let mut toolkits = vec![
        clock::toolkit(),
        calculator::toolkit(),
        party::toolkit(&config.party, parts.store.clone()),
        memory::toolkit(parts.store.clone()),
        household::toolkit(parts.store.clone()),
    ];
    let media =
        media::Media { tmdb, tvmaze, plex, radarr, sonarr, store: parts.store.clone(), bounds: config.media.clone() };
    let shared = std::sync::Arc::new(media.clone());
    let media::Media { tmdb, tvmaze, plex, radarr, sonarr, .. } = media.clone();
    toolkits.extend(tmdb.map(|tmdb| media::within_ages(tmdb::toolkit(&config.tmdb, tmdb), &shared)));
    toolkits.extend(tvmaze.map(|tvmaze| tvmaze::toolkit(&config.tvmaze, tvmaze)));
    toolkits.extend(plex.map(|plex| media::within_ages(plex::toolkit(&config.plex, plex), &shared)));
    toolkits.extend(radarr.map(|radarr| radarr::toolkit(&config.radarr, radarr)));
    toolkits.extend(sonarr.map(|sonarr| sonarr::toolkit(&config.sonarr, sonarr)));
    toolkits.extend(has_knowledge.then(|| knowledge::toolkit(&config.knowledge, parts.store.clone())));
    toolkits.extend(has_media.then(|| media::toolkit(media)));
    (toolkits, off)
}

/// A week: what was fetched longer ago is not told as if it were so today.
const LONGEST_AGE_S: u64 = 7 * 86_400;

/// An address written in this program.
fn address(text: &str) -> Url {
    Url::parse(text).expect("an address in this program is one")
}

/// A number of milliseconds where 0 stands for "never".
fn zero_is_never<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    u64::deserialize(deserializer).map(|value| Some(value).filter(|value| *value > 0))
}
