//! Everything an agent can do, one folder per toolkit.
//!
//! Knows: which toolkits there are, their settings, and which of them these settings switch on.
//! Never: knows of channels, agents or turns; a folder never uses its neighbours (`media/` excepted); no network but
//! through `majordomo-upstream`.
//! Start reading at [`toolkits`], the catalogue; then any folder's `mod.rs`.

pub mod calculator;
pub mod clock;
pub mod media;
pub mod tmdb;
pub mod tvmaze;

#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod testing;

use majordomo_domain::Toolkit;
use majordomo_upstream::Upstream;
use serde::{Deserialize, Deserializer};
use url::Url;

/// `[tools]`: one table for each toolkit that has settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub tmdb: tmdb::Config,
    pub tvmaze: tvmaze::Config,
}

/// What toolkits are built from.
pub struct Parts {
    pub upstream: Upstream,
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
    let has_media =
        is_on("media", (tmdb.is_none() && tvmaze.is_none()).then(|| "needs the tmdb or the tvmaze toolkit".to_owned()));

    let mut toolkits = vec![clock::toolkit(), calculator::toolkit()];
    toolkits.extend(tmdb.clone().map(|tmdb| tmdb::toolkit(&config.tmdb, tmdb)));
    toolkits.extend(tvmaze.clone().map(|tvmaze| tvmaze::toolkit(&config.tvmaze, tvmaze)));
    toolkits.extend(has_media.then(|| media::toolkit(media::Media { tmdb, tvmaze })));
    (toolkits, off)
}

/// An address written in this program.
fn address(text: &str) -> Url {
    Url::parse(text).expect("an address in this program is one")
}

/// A number of milliseconds where 0 stands for "never".
fn zero_is_never<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    u64::deserialize(deserializer).map(|value| Some(value).filter(|value| *value > 0))
}
