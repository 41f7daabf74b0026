//! TVmaze: when and where series air. `https://www.tvmaze.com/api`
//!
//! Knows: TVmaze's paths, its rate limit, what of its answers is worth a model's attention.
//! Never: needs a key, changes anything, fetches `/schedule/full` (several megabytes).
//! Start reading at [`toolkit`].

pub mod client;
mod schedule;
mod shows;
#[cfg(test)]
mod tests;
pub(crate) mod view;

pub use client::Tvmaze;

use crate::address;
use majordomo_domain::{ToolError, Toolkit, tool::Limits};
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// `[tools.tvmaze]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Default true: TVmaze needs no key.
    pub enabled: bool,
    /// Default `https://api.tvmaze.com`.
    pub base_url: Url,
    /// Country of the schedule when none is named, default `US`.
    pub country: String,
    /// Wall time of one call, retries included. Milliseconds, default 15 000.
    pub timeout_ms: u64,
    /// Wait for one answer. Milliseconds, default 5 000.
    pub request_timeout_ms: u64,
    /// A second request starts when the first has not answered after this. Milliseconds, default 0 for never: the rate
    /// limit is too low for it.
    #[serde(deserialize_with = "crate::zero_is_never")]
    pub hedge_after_ms: Option<u64>,
    /// Requests at the same time, default 4.
    pub at_once: usize,
    /// Requests in ten seconds, default 20. TVmaze's own limit.
    pub per_ten_seconds: u32,
    /// Age up to which answers are reused. Seconds, default 3 600.
    pub age_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            base_url: address("https://api.tvmaze.com"),
            country: "US".into(),
            timeout_ms: 15_000,
            request_timeout_ms: 5_000,
            hedge_after_ms: None,
            at_once: 4,
            per_ten_seconds: 20,
            age_s: 3_600,
        }
    }
}

impl Config {
    /// What is wrong with these settings, in one sentence.
    pub(crate) fn fault(&self) -> Option<String> {
        let is_country = self.country.len() == 2 && self.country.chars().all(|c| c.is_ascii_uppercase());
        if !self.enabled {
            Some("switched off by tools.tvmaze.enabled".into())
        } else if !is_country {
            Some(format!("tools.tvmaze.country is “{}”, not a country code such as US", self.country))
        } else {
            None
        }
    }
}

pub fn toolkit(config: &Config, tvmaze: Tvmaze) -> Toolkit {
    Toolkit::new("tvmaze", tvmaze)
        .guide(include_str!("guide.md"))
        .limits(Limits { at_once: config.at_once, timeout: Duration::from_millis(config.timeout_ms) })
        .progress(&["Reading the television schedule", "Asking TVmaze", "Counting episodes"])
        .tool::<shows::Search>()
        .tool::<shows::Single>()
        .tool::<shows::Lookup>()
        .tool::<shows::People>()
        .tool::<shows::Show>()
        .tool::<shows::NextEpisode>()
        .tool::<shows::Episodes>()
        .tool::<shows::Episode>()
        .tool::<shows::EpisodesOn>()
        .tool::<shows::Seasons>()
        .tool::<shows::Cast>()
        .tool::<schedule::Schedule>()
        .tool::<schedule::ScheduleWeb>()
        .probe(|tvmaze| async move { tvmaze.status().await })
        .build()
}

/// A date argument, checked: `2026-11-21`.
fn date(text: &str) -> Result<String, ToolError> {
    match text.trim().parse::<jiff::civil::Date>() {
        Ok(date) => Ok(date.to_string()),
        Err(_) => Err(ToolError::TellModel("date is not a date such as 2026-11-21".into())),
    }
}
