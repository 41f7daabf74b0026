//! Questions no single service can answer. The only folder that may use its neighbours' clients.
//!
//! Knows: how to bring together what several services say about the same thing; what the household asked for.
//! Never: asks a service in another way than the service's own folder does.
//! Start reading at [`shelf`](shelf/index.html): one title as every service has it; then `whereabouts.rs`, `request.rs`, `follow.rs`.

mod ages;
#[cfg(test)]
mod ages_walks;
mod airing;
mod evening;
mod follow;
mod hooks;
#[cfg(test)]
mod hooks_walks;
mod liking;
mod mend;
#[cfg(test)]
mod mend_walks;
mod nearness;
mod overview;
mod past;
#[cfg(test)]
mod past_walks;
mod recommend;
#[cfg(test)]
mod recommend_walks;
mod removal;
mod report;
mod request;
mod search;
#[cfg(test)]
mod search_walks;
mod shelf;
mod take_back;
#[cfg(test)]
mod tests;
mod title;
#[cfg(test)]
pub(crate) mod walks;
mod where_is;
mod whereabouts;
mod wish;

pub(crate) use ages::within_ages;
pub use wish::{Bounds, Quota, Stuck};

use crate::{
    plex::Plex,
    servarr::{Instances, Radarr, Sonarr},
    tmdb::Tmdb,
    tvmaze::Tvmaze,
};
use majordomo_domain::{Label, Toolkit, tool::Limits};
use majordomo_store::Store;
use std::{sync::Arc, time::Duration};

/// As requests name it.
const NAME: &str = "media";

/// Those services that are switched on.
#[derive(Clone, Default)]
pub struct Media {
    pub tmdb: Option<Tmdb>,
    pub tvmaze: Option<Tvmaze>,
    pub plex: Option<Plex>,
    pub radarr: Option<Instances<Radarr>>,
    pub sonarr: Option<Instances<Sonarr>>,
    /// Where requests are kept; None where tools are only listed.
    pub store: Option<Store>,
    pub bounds: Bounds,
}

pub fn toolkit(media: Media) -> Toolkit {
    let shared = Arc::new(media.clone());
    let can_fetch = media.radarr.is_some() || media.sonarr.is_some();
    let has_library = media.plex.is_some();
    let has_titles = media.tmdb.is_some() || has_library;
    let has_lists = media.tmdb.is_some() || media.tvmaze.is_some();
    let mut builder = Toolkit::new(NAME, media)
        .label(Label::OUTSIDE)
        .guide(include_str!("guide.md"))
        .limits(Limits { at_once: 4, timeout: Duration::from_secs(20) })
        .progress(&[
            "Laying the lists side by side",
            "Walking from shelf to shelf",
            "Asking everybody at once",
            "Looking behind the projector",
            "Comparing what is wished with what is there",
            "Following the trail of the reels",
            "Reading the notes on the fridge",
            "Counting seats for tonight",
        ])
        .follow(follow::Following(shared.clone()))
        .hook(follow::ServarrHook(wish::Kind::Film))
        .hook(follow::ServarrHook(wish::Kind::Series))
        .hook(follow::PlexHook(shared));
    if has_lists {
        builder = builder.tool::<airing::AiringToday>();
    }
    if has_titles {
        builder = builder.tool::<search::MediaSearch>().tool::<recommend::MediaRecommend>();
    }
    if can_fetch {
        builder = builder
            .tool::<request::MediaRequest>()
            .tool::<take_back::MediaTakeBack>()
            .tool::<removal::MediaRemoval>()
            .tool::<report::MediaReport>()
            .tool::<where_is::WhereIs>()
            .tool::<mend::StuckDownloads>()
            .tool::<mend::Mend>()
            .tool::<hooks::HooksInstall>()
            .tool::<hooks::HooksRemove>()
            .tool::<overview::QueueOverview>()
            .tool::<overview::CalendarOverview>();
    }
    if can_fetch || has_library {
        builder = builder.tool::<overview::LibraryOverview>().tool::<overview::HealthOverview>();
    }
    builder.build()
}
