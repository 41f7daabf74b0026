//! Questions no single service can answer. The only folder that may use its neighbours' clients.
//!
//! Knows: how to bring together what several services say about the same thing.
//! Never: asks a service in another way than the service's own folder does.

mod airing;
#[cfg(test)]
mod tests;
mod whereabouts;
mod wish;

use crate::{tmdb::Tmdb, tvmaze::Tvmaze};
use majordomo_domain::{Label, Toolkit, tool::Limits};
use std::time::Duration;

/// Those services that are switched on.
pub struct Media {
    pub tmdb: Option<Tmdb>,
    pub tvmaze: Option<Tvmaze>,
}

pub fn toolkit(media: Media) -> Toolkit {
    Toolkit::new("media", media)
        .label(Label::OUTSIDE)
        .guide(include_str!("guide.md"))
        .limits(Limits { at_once: 4, timeout: Duration::from_secs(20) })
        .progress(&["Laying the lists side by side"])
        .tool::<airing::AiringToday>()
        .build()
}
