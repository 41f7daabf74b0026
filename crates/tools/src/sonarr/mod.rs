//! Sonarr: series, seasons, episodes. `https://sonarr.tv/docs/api/`
//!
//! Knows: how Sonarr counts, what its season searches do and do not find, what it leaves undone after an add.
//! Never: takes the first hit of a search for granted; says a search found something because it ended well.
//! Start reading at [`toolkit`]; then `types.rs`, `client.rs` (asking), `view.rs` (telling), one file for each topic of tools. What
//! it shares with Radarr is in `servarr/`.

mod adding;
mod changing;
mod client;
mod episodes;
mod fallback;
mod library;
pub mod numbering;
mod quality;
mod search;
mod seasons;
#[cfg(test)]
mod tests;
mod types;
mod view;

pub(crate) use adding::parse_code;
pub(crate) use client::{delete_files, monitor, wait_for_episodes};
pub(crate) use seasons::stop_monitoring;

use crate::servarr::{Instances, Which, instance_settings, shared_tools};
use majordomo_domain::{Label, Toolkit};
use majordomo_upstream::Upstream;

instance_settings!(Which::Sonarr, {});

/// The configured instances.
pub type Sonarr = Instances<crate::servarr::Sonarr>;

pub fn instances(config: &Config, upstream: &Upstream) -> Sonarr {
    Instances::new(config.0.iter().map(|(name, instance)| (name.clone(), instance.shared())), upstream)
}

pub fn toolkit(config: &Config, sonarr: Sonarr) -> Toolkit {
    let builder = Toolkit::new("sonarr", sonarr)
        .label(Label::OUTSIDE)
        .guide(include_str!("guide.md"))
        .limits(config.limits())
        .progress(&[
            "Counting seasons the way Sonarr does",
            "Looking for the episode everybody missed",
            "Rewinding to the season finale",
            "Asking the indexers, politely, one by one",
            "Checking which episodes have aired",
            "Sorting specials from seasons",
            "Reading the queue from top to bottom",
            "Waiting for the previously-on to end",
            "Making room on the shelf for a box set",
        ])
        .tool::<library::Lookup>()
        .tool::<library::SeriesList>()
        .tool::<library::SeriesDetails>()
        .tool::<library::SeriesSummary>()
        .tool::<library::SeriesHistory>()
        .tool::<adding::Add>()
        .tool::<changing::Update>()
        .tool::<changing::EditMany>()
        .tool::<changing::Delete>()
        .tool::<changing::DeleteMany>()
        .tool::<seasons::SeasonDetails>()
        .tool::<seasons::SeasonMonitor>()
        .tool::<seasons::AddSeasons>()
        .tool::<episodes::Episodes>()
        .tool::<episodes::OneEpisode>()
        .tool::<episodes::EpisodesMonitor>()
        .tool::<episodes::EpisodeFileInfo>()
        .tool::<episodes::Files>()
        .tool::<episodes::FileDelete>()
        .tool::<search::SearchSeries>()
        .tool::<search::SearchSeason>()
        .tool::<search::SearchEpisodes>()
        .tool::<fallback::EpisodeFallback>()
        .tool::<quality::QualityFallback>();
    shared_tools(builder)
        .probe(|sonarr| async move { sonarr.status().await })
        .pictures(|sonarr, name| async move { sonarr.poster(&name).await })
        .build()
}
