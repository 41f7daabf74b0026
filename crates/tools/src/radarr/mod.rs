//! Radarr: the household's films, what is wanted, and what is being fetched.
//!
//! Knows: Radarr's films and collections; what it shares with Sonarr is in `servarr/`.
//! Never: adds or deletes by a title's likeness (ids only), changes more of a film than was asked.
//! Start reading at [`toolkit`].

use crate::servarr::{Availability, Instances, Radarr, Which, instance_settings, shared_tools};
use majordomo_domain::{Label, Toolkit};
use majordomo_upstream::Upstream;

instance_settings!(Which::Radarr, {
    /// When a film that is added counts as out, default `released`.
    minimum_availability: Availability = Availability::Released,
});

/// The configured instances.
pub fn instances(config: &Config, upstream: &Upstream) -> Instances<Radarr> {
    Instances::new(config.0.iter().map(|(name, instance)| (name.clone(), instance.shared())), upstream)
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
    shared_tools(builder).probe(|instances| async move { instances.status().await }).build()
}
