//! TMDb: films, series and people. `https://developer.themoviedb.org/docs`
//!
//! Knows: TMDb's paths, its errors, what of its answers is worth a model's attention.
//! Never: changes anything (every tool reads), knows what a household owns.
//! Start reading at [`toolkit`]; then `client.rs` (asking), `view.rs` (telling), one file for each topic of tools.

mod arguments;
pub mod client;
mod details;
mod discover;
pub(crate) mod genres;
mod lists;
mod reference;
mod search;
#[cfg(test)]
mod tests;
pub(crate) mod view;

pub(crate) use arguments::{Level, Media as Kind};
pub use client::Tmdb;
pub(crate) use genres::plain;

use crate::{LONGEST_AGE_S, Problems, address};
use majordomo_domain::{Label, Secret, Toolkit, tool::Limits};
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// `[tools.tmdb]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Default `https://api.themoviedb.org/3`.
    pub base_url: Url,
    /// Default `https://image.tmdb.org/t/p`.
    pub image_base_url: Url,
    /// An API key (32 hex digits) or a read access token (`eyJ…`). Without it the toolkit is off.
    pub api_key: Secret,
    /// Of titles and texts, default `en-US`.
    pub language: String,
    /// Country for release dates, age ratings and streaming; that of `language` when absent.
    pub region: Option<String>,
    /// Default false.
    pub include_adult: bool,
    /// Votes an item needs where results are ordered or filtered by score, default 100.
    pub vote_floor: u32,
    /// Wall time of one call, retries included. Milliseconds, 100 to 600 000, default 15 000.
    pub timeout_ms: u64,
    /// Wait for one answer. Milliseconds, 100 to 600 000, default 5 000.
    pub request_timeout_ms: u64,
    /// A second request starts when the first has not answered after this. Milliseconds, default 1 200; 0 for never.
    #[serde(deserialize_with = "crate::zero_is_never")]
    pub hedge_after_ms: Option<u64>,
    /// Requests at the same time, 1 to 100, default 8.
    pub at_once: usize,
    /// Requests a second, 1 to 1 000, default 30. TMDb's own ceiling is about 40.
    pub per_second: u32,
    /// Age up to which details are reused. Seconds up to a week, default 21 600.
    pub details_age_s: u64,
    /// Age up to which lists and searches are reused. Seconds up to a week, default 3 600.
    pub lists_age_s: u64,
    /// Age up to which genres, age ratings and the like are reused. Seconds up to a week, default 86 400.
    pub reference_age_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: address("https://api.themoviedb.org/3"),
            image_base_url: address("https://image.tmdb.org/t/p"),
            api_key: Secret::default(),
            language: "en-US".into(),
            region: None,
            include_adult: false,
            vote_floor: 100,
            timeout_ms: 15_000,
            request_timeout_ms: 5_000,
            hedge_after_ms: Some(1_200),
            at_once: 8,
            per_second: 30,
            details_age_s: 6 * 3_600,
            lists_age_s: 3_600,
            reference_age_s: 86_400,
        }
    }
}

impl Config {
    /// Why the toolkit is off with these settings, in one sentence.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.api_key.is_empty() {
            return Some("no key: set tools.tmdb.api_key".into());
        }
        self.problems().sentence("tmdb")
    }

    pub(crate) fn problems(&self) -> Problems {
        let mut problems = Problems::default();
        problems
            .address("base_url", &self.base_url)
            .address("image_base_url", &self.image_base_url)
            .unless("language", client::is_language(&self.language), || {
                format!("“{}” is not a language such as en-US", self.language)
            })
            .range("vote_floor", self.vote_floor.into(), 0, 1_000_000)
            .range("timeout_ms", self.timeout_ms, 100, 600_000)
            .range("request_timeout_ms", self.request_timeout_ms, 100, 600_000)
            .range("hedge_after_ms", self.hedge_after_ms.unwrap_or(0), 0, 600_000)
            .range("at_once", self.at_once as u64, 1, 100)
            .range("per_second", self.per_second.into(), 1, 1_000)
            .range("details_age_s", self.details_age_s, 0, LONGEST_AGE_S)
            .range("lists_age_s", self.lists_age_s, 0, LONGEST_AGE_S)
            .range("reference_age_s", self.reference_age_s, 0, LONGEST_AGE_S);
        if let Some(region) = &self.region {
            let is_country = client::is_country(region) && region.chars().all(|c| c.is_ascii_uppercase());
            problems.unless("region", is_country, || format!("“{region}” is not a country code such as US"));
        }
        problems
    }
}

pub fn toolkit(config: &Config, tmdb: Tmdb) -> Toolkit {
    Toolkit::new("tmdb", tmdb)
        .label(Label::OUTSIDE)
        .guide(include_str!("guide.md"))
        .limits(Limits { at_once: config.at_once, timeout: Duration::from_millis(config.timeout_ms) })
        .progress(&[
            "Leafing through the film shelves",
            "Asking TMDb",
            "Reading the credits to the end",
            "Comparing posters",
        ])
        .tool::<search::SearchMulti>()
        .tool::<search::SearchMovies>()
        .tool::<search::SearchTv>()
        .tool::<search::SearchPeople>()
        .tool::<search::SearchCollections>()
        .tool::<search::SearchKeywords>()
        .tool::<search::SearchCompanies>()
        .tool::<search::Find>()
        .tool::<details::Details>()
        .tool::<details::MovieDetails>()
        .tool::<details::TvDetails>()
        .tool::<details::Season>()
        .tool::<details::Episode>()
        .tool::<details::Person>()
        .tool::<details::Collection>()
        .tool::<details::MovieCredits>()
        .tool::<details::TvCredits>()
        .tool::<details::PersonCredits>()
        .tool::<details::ExternalIds>()
        .tool::<details::ReleaseDates>()
        .tool::<details::ContentRatings>()
        .tool::<details::WatchProviders>()
        .tool::<details::Videos>()
        .tool::<details::Images>()
        .tool::<details::Reviews>()
        .tool::<details::Keywords>()
        .tool::<details::Recommendations>()
        .tool::<details::Similar>()
        .tool::<lists::Trending>()
        .tool::<lists::Popular>()
        .tool::<lists::PopularMovies>()
        .tool::<lists::PopularTv>()
        .tool::<lists::PopularPeople>()
        .tool::<lists::TopRated>()
        .tool::<lists::TopRatedMovies>()
        .tool::<lists::TopRatedTv>()
        .tool::<lists::Upcoming>()
        .tool::<lists::NowPlaying>()
        .tool::<lists::AiringToday>()
        .tool::<lists::OnTheAir>()
        .tool::<lists::KeywordMovies>()
        .tool::<lists::DiscoverySuite>()
        .tool::<discover::Discover>()
        .tool::<discover::DiscoverMovies>()
        .tool::<discover::DiscoverTv>()
        .tool::<reference::Genres>()
        .tool::<reference::Certifications>()
        .tool::<reference::Providers>()
        .tool::<reference::Configuration>()
        .probe(|tmdb| async move { tmdb.status().await })
        .pictures(|tmdb, name| async move { tmdb.picture(&name).await })
        .build()
}
