//! The settings of an instance: those both applications have, and each one's own.

use super::Which;
use crate::{LONGEST_AGE_S, Problems};
use majordomo_domain::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use url::Url;

/// When a film counts as out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Availability {
    #[serde(rename = "announced")]
    Announced,
    /// As soon as it is in cinemas.
    #[serde(rename = "in_cinemas", alias = "inCinemas")]
    InCinemas,
    /// From its digital or physical release, or 90 days after cinemas when neither is known.
    #[default]
    #[serde(rename = "released")]
    Released,
}

impl Availability {
    /// As Radarr writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Availability::Announced => "announced",
            Availability::InCinemas => "inCinemas",
            Availability::Released => "released",
        }
    }
}

/// What the client needs to know of an instance's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// None in a table that only holds a key; the instance is off then.
    pub base_url: Option<Url>,
    pub api_key: Secret,
    /// Quality profile by name for what is added.
    pub quality_profile: Option<String>,
    /// Path of the root folder for what is added.
    pub root_folder: Option<String>,
    /// When a film that is added counts as out. Radarr's only.
    pub minimum_availability: Availability,
    /// Quality profiles by name, tried in this order when nothing is found in the wanted one.
    pub fallback_profiles: Vec<String>,
    pub timeout: Duration,
    pub request_timeout: Duration,
    pub library_timeout: Duration,
    pub release_timeout: Duration,
    /// How long a search is followed before it is said to be still running.
    pub command_wait: Duration,
    /// The first wait between two looks at a command; grows to five times as long.
    pub poll: Duration,
    pub at_once: usize,
    pub age: Duration,
    pub reference_age: Duration,
}

impl Settings {
    /// Why the instance cannot be used, in one sentence.
    pub(crate) fn fault(&self, which: Which, name: &str) -> Option<String> {
        let key = which.key();
        if self.base_url.is_none() {
            return Some(format!("no address: set tools.{key}.{name}.base_url"));
        }
        if self.api_key.is_empty() {
            return Some(format!("no key: set tools.{key}.{name}.api_key"));
        }
        self.problems().sentence(&format!("{key}.{name}"))
    }

    pub(crate) fn problems(&self) -> Problems {
        let mut problems = Problems::default();
        if let Some(base_url) = &self.base_url {
            problems.address("base_url", base_url);
        }
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        problems
            .range("timeout_ms", ms(self.timeout), 100, 600_000)
            .range("request_timeout_ms", ms(self.request_timeout), 100, 600_000)
            .range("library_timeout_ms", ms(self.library_timeout), 100, 600_000)
            .range("release_timeout_ms", ms(self.release_timeout), 100, 600_000)
            .range("command_wait_ms", ms(self.command_wait), 100, 120_000)
            .range("poll_ms", ms(self.poll), 10, 60_000)
            .range("at_once", self.at_once as u64, 1, 100)
            .range("age_s", self.age.as_secs(), 0, LONGEST_AGE_S)
            .range("reference_age_s", self.reference_age.as_secs(), 0, LONGEST_AGE_S);
        problems
    }
}

/// Why a toolkit is off with these instances, in one sentence.
pub(crate) fn fault<'a>(which: Which, instances: impl IntoIterator<Item = (&'a String, Settings)>) -> Option<String> {
    let key = which.key();
    let mut named = instances.into_iter().filter(|(_, it)| it.base_url.is_some() || !it.api_key.is_empty()).peekable();
    if named.peek().is_none() {
        return Some(format!("no instance: set tools.{key}.default.base_url and .api_key"));
    }
    named.find_map(|(name, settings)| settings.fault(which, name))
}

/// Keys below `tools.radarr` or `tools.sonarr` that do not fit, each with the reason.
pub(crate) fn problems<'a>(instances: impl IntoIterator<Item = (&'a String, Settings)>) -> Vec<(String, String)> {
    let of = |(name, settings): (&String, Settings)| {
        settings.problems().0.into_iter().map(move |(key, text)| (format!("{name}.{key}"), text)).collect::<Vec<_>>()
    };
    instances.into_iter().flat_map(of).collect()
}

/// Makes `Config` (`[tools.APPLICATION.NAME]`) and its `Instance` from the settings both have and an application's own.
macro_rules! instance_settings {
    ($which:expr, { $($(#[$doc:meta])* $field:ident: $kind:ty = $default:expr,)* }) => {
        /// One table for each instance, by its name.
        #[derive(Clone, Debug, Default, serde::Deserialize)]
        #[serde(transparent)]
        pub struct Config(pub std::collections::BTreeMap<String, Instance>);

        /// One instance.
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Instance {
            /// Where it is, a path prefix allowed. Without it the instance is off.
            pub base_url: Option<url::Url>,
            /// Its API key (32 hex digits), under Settings, General.
            pub api_key: majordomo_domain::Secret,
            /// Quality profile by name for what is added; asked for when absent and there are several.
            pub quality_profile: Option<String>,
            /// Path of the root folder for what is added; asked for when absent and there are several.
            pub root_folder: Option<String>,
            /// Quality profiles by name, in the order in which they are proposed when nothing is found in the wanted one.
            pub fallback_profiles: Vec<String>,
            /// Wall time of one call, retries included. Milliseconds, 100 to 600 000, default 20 000.
            pub timeout_ms: u64,
            /// Wait for one answer. Milliseconds, 100 to 600 000, default 10 000.
            pub request_timeout_ms: u64,
            /// Wait for the whole library. Milliseconds, 100 to 600 000, default 60 000.
            pub library_timeout_ms: u64,
            /// Wait for a search of every indexer. Milliseconds, 100 to 600 000, default 120 000.
            pub release_timeout_ms: u64,
            /// How long a search in the background is followed. Milliseconds, 100 to 120 000, default 60 000.
            pub command_wait_ms: u64,
            /// First wait between two looks at it, growing to five times as long. Milliseconds, 10 to 60 000, default 1 000.
            pub poll_ms: u64,
            /// Requests at the same time, 1 to 100, default 6.
            pub at_once: usize,
            /// Age up to which the library and lists are reused. Seconds up to a week, default 60; less after a change of ours.
            pub age_s: u64,
            /// Age up to which quality profiles, root folders and tags are reused. Seconds up to a week, default 600.
            pub reference_age_s: u64,
            $($(#[$doc])* pub $field: $kind,)*
        }

        impl Default for Instance {
            fn default() -> Self {
                Self {
                    base_url: None,
                    api_key: majordomo_domain::Secret::default(),
                    quality_profile: None,
                    root_folder: None,
                    fallback_profiles: Vec::new(),
                    timeout_ms: 20_000,
                    request_timeout_ms: 10_000,
                    library_timeout_ms: 60_000,
                    release_timeout_ms: 120_000,
                    command_wait_ms: 60_000,
                    poll_ms: 1_000,
                    at_once: 6,
                    age_s: 60,
                    reference_age_s: 600,
                    $($field: $default,)*
                }
            }
        }

        impl Instance {
            /// One that is only there to list its tools: nothing is asked of it.
            pub(crate) fn named() -> Self {
                Self {
                    base_url: Some($crate::address("http://nowhere.invalid")),
                    api_key: majordomo_domain::Secret::new("0".repeat(32)),
                    ..Self::default()
                }
            }

            pub(crate) fn shared(&self) -> $crate::servarr::Settings {
                use std::time::Duration;
                $crate::servarr::Settings {
                    base_url: self.base_url.clone(),
                    api_key: self.api_key.clone(),
                    quality_profile: self.quality_profile.clone(),
                    root_folder: self.root_folder.clone(),
                    minimum_availability: $crate::servarr::Availability::default(),
                    fallback_profiles: self.fallback_profiles.clone(),
                    timeout: Duration::from_millis(self.timeout_ms),
                    request_timeout: Duration::from_millis(self.request_timeout_ms),
                    library_timeout: Duration::from_millis(self.library_timeout_ms),
                    release_timeout: Duration::from_millis(self.release_timeout_ms),
                    command_wait: Duration::from_millis(self.command_wait_ms),
                    poll: Duration::from_millis(self.poll_ms),
                    at_once: self.at_once,
                    age: Duration::from_secs(self.age_s),
                    reference_age: Duration::from_secs(self.reference_age_s),
                }
            }
        }

        impl Config {
            /// Why the toolkit is off with these settings, in one sentence.
            pub(crate) fn fault(&self) -> Option<String> {
                $crate::servarr::fault($which, self.0.iter().map(|(name, instance)| (name, instance.shared())))
            }

            pub(crate) fn problems(&self) -> Vec<(String, String)> {
                $crate::servarr::problems(self.0.iter().map(|(name, instance)| (name, instance.shared())))
            }

            /// Of all instances together: calls at once, and the longest time of one.
            pub(crate) fn limits(&self) -> majordomo_domain::tool::Limits {
                majordomo_domain::tool::Limits {
                    at_once: self.0.values().map(|instance| instance.at_once).sum::<usize>().max(1),
                    timeout: std::time::Duration::from_millis(
                        self.0.values().map(|instance| instance.timeout_ms).max().unwrap_or(20_000),
                    ),
                }
            }
        }
    };
}

pub(crate) use instance_settings;
