//! Radarr: the household's films, what is wanted, and what is being fetched.
//!
//! Knows: Radarr's films and collections; what it shares with Sonarr is in `servarr/`.
//! Never: adds or deletes by a title's likeness (ids only), changes more of a film than was asked.
//! Start reading at [`toolkit`]; then `film.rs` (a film), `library.rs` (looking), `change.rs`, `fallback.rs` (when nothing is found).

mod change;
mod fallback;
mod film;
mod library;
#[cfg(test)]
mod tests;

use crate::servarr::{Availability, Instances, Radarr, Settings, Which, instance_settings, shared_tools};
use majordomo_domain::{Label, Toolkit};
use majordomo_upstream::Upstream;

instance_settings!(Which::Radarr, {
    /// When a film that is added counts as out, default `released`.
    minimum_availability: Availability = Availability::Released,
});

/// The configured instances.
pub fn instances(config: &Config, upstream: &Upstream) -> Instances<Radarr> {
    let settings = |(name, instance): (&String, &Instance)| {
        let minimum_availability = instance.minimum_availability;
        (name.clone(), Settings { minimum_availability, ..instance.shared() })
    };
    Instances::new(config.0.iter().map(settings), upstream)
}

pub fn toolkit(config: &Config, instances: Instances<Radarr>) -> Toolkit {
    let builder = Toolkit::new("radarr", instances)
        .label(Label::OUTSIDE)
        .guide(include_str!("guide.md"))
        .limits(config.limits())
        .progress(&[
            "Asking Radarr",
            "Looking through the reels",
            "Counting the films in the queue",
            "Knocking at the indexers' doors",
            "Checking the projector",
            "Comparing prints",
            "Reading the labels on the cans",
            "Threading the film",
            "Waiting for the curtain",
        ]);
    shared_tools(builder)
        .tool::<library::Lookup>()
        .tool::<library::LookupTmdb>()
        .tool::<library::Movies>()
        .tool::<library::Movie>()
        .tool::<library::Files>()
        .tool::<library::MovieHistory>()
        .tool::<library::Collections>()
        .tool::<change::Add>()
        .tool::<change::Update>()
        .tool::<change::EditMany>()
        .tool::<change::Delete>()
        .tool::<change::DeleteMany>()
        .tool::<change::FileDelete>()
        .tool::<change::SearchMovies>()
        .tool::<change::CollectionUpdate>()
        .tool::<fallback::QualityFallback>()
        .tool::<fallback::MovieAdditionFallback>()
        .probe(|instances| async move { instances.status().await })
        .pictures(|instances, name| async move { instances.poster(&name).await })
        .build()
}
