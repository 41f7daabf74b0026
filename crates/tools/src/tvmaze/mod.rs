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

use crate::{LONGEST_AGE_S, Problems, address};
use majordomo_domain::{Label, ToolError, Toolkit, tool::Limits};
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
    /// Wall time of one call, retries included. Milliseconds, 100 to 600 000, default 15 000.
    pub timeout_ms: u64,
    /// Wait for one answer. Milliseconds, 100 to 600 000, default 5 000.
    pub request_timeout_ms: u64,
    /// A second request starts when the first has not answered after this. Milliseconds, default 0 for never: the rate
    /// limit is too low for it.
    #[serde(deserialize_with = "crate::zero_is_never")]
    pub hedge_after_ms: Option<u64>,
    /// Requests at the same time, 1 to 100, default 4.
    pub at_once: usize,
    /// Requests in ten seconds, 1 to 1 000, default 20. TVmaze's own limit.
    pub per_ten_seconds: u32,
    /// Age up to which answers are reused. Seconds up to a week, default 3 600.
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
    /// Why the toolkit is off with these settings, in one sentence.
    pub(crate) fn fault(&self) -> Option<String> {
        if !self.enabled {
            return Some("switched off by tools.tvmaze.enabled".into());
        }
        self.problems().sentence("tvmaze")
    }

    pub(crate) fn problems(&self) -> Problems {
        let is_country = self.country.len() == 2 && self.country.chars().all(|c| c.is_ascii_uppercase());
        let mut problems = Problems::default();
        problems
            .address("base_url", &self.base_url)
            .unless("country", is_country, || format!("“{}” is not a country code such as US", self.country))
            .range("timeout_ms", self.timeout_ms, 100, 600_000)
            .range("request_timeout_ms", self.request_timeout_ms, 100, 600_000)
            .range("hedge_after_ms", self.hedge_after_ms.unwrap_or(0), 0, 600_000)
            .range("at_once", self.at_once as u64, 1, 100)
            .range("per_ten_seconds", self.per_ten_seconds.into(), 1, 1_000)
            .range("age_s", self.age_s, 0, LONGEST_AGE_S);
        problems
    }
}

pub fn toolkit(config: &Config, tvmaze: Tvmaze) -> Toolkit {
    Toolkit::new("tvmaze", tvmaze)
        .label(Label::OUTSIDE)
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
