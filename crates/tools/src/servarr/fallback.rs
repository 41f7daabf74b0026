//! The wanted quality found nothing: which other profile would take something that is offered now, or why none would.
//!
//! Knows: releases with their reasons and profiles with what they allow. Never: asks or changes anything; it proposes, and somebody
//! approves.

use super::{
    Client, NameOrId,
    lists::Profile,
    releases::{is_accepted, reasons},
    view,
};
use majordomo_domain::ToolError;
use serde_json::Value;

const NOT_IN_PROFILE: &str = "quality not in the profile";

/// Profiles in the order in which they may be used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ladder {
    pub profiles: Vec<Profile>,
    /// Words for which there is no profile.
    pub unknown: Vec<String>,
}

impl Client {
    /// The wanted profile, then those that may follow: as given, else those of the settings. Each once.
    pub async fn ladder(&self, wanted: Option<&NameOrId>, then: Option<&[NameOrId]>) -> Result<Ladder, ToolError> {
        let settings: Vec<NameOrId>;
        let then = match then.filter(|then| !then.is_empty()) {
            Some(then) => then,
            None => {
                settings = self.settings().fallback_profiles.iter().cloned().map(NameOrId::Name).collect();
                &settings
            }
        };
        let mut ladder = Ladder::default();
        for wanted in wanted.into_iter().chain(then).take(20) {
            match self.profile_in_words(wanted).await? {
                Some(profile) if ladder.profiles.contains(&profile) => {}
                Some(profile) => ladder.profiles.push(profile),
                None => ladder.unknown.push(wanted.to_string()),
            }
        }
        Ok(ladder)
    }

    /// What is said when not one of the wanted words is a profile.
    pub async fn no_such_profile(&self, ladder: &Ladder) -> Result<ToolError, ToolError> {
        let profiles = self.profiles().await?;
        Ok(ToolError::TellModel(format!(
            "there is no quality profile for {} in {}; there are: {}",
            ladder.unknown.iter().map(|word| format!("“{word}”")).collect::<Vec<_>>().join(", "),
            self.title(),
            view::names(profiles.iter().map(|profile| profile.name.as_str())),
        )))
    }
}

/// What the offered releases say about profiles.
#[derive(Clone, Debug, PartialEq)]
pub enum Outlook<'a> {
    /// No indexer offers anything.
    NothingOffered,
    /// Something is accepted as it is: it appeared a moment ago, or is held back for now.
    AcceptedNow(&'a Value),
    /// The first profile in the order that would take something, and the best release it would take.
    Would { place: usize, release: &'a Value },
    /// Only profiles outside the order would.
    OnlyOthers(Vec<String>),
    /// Another quality does not help: every release is refused for another reason.
    OtherReasons,
}

/// `order`: the profiles that may be proposed, best first. `all`: every profile there is.
pub fn outlook<'a>(releases: &'a [Value], order: &[Profile], all: &[Profile]) -> Outlook<'a> {
    if releases.is_empty() {
        return Outlook::NothingOffered;
    }
    if let Some(release) = releases.iter().find(|release| is_accepted(release)) {
        return Outlook::AcceptedNow(release);
    }
    // What nothing but its quality speaks against. They come in the application's order of preference.
    let by_quality_only: Vec<&Value> = releases.iter().filter(|release| reasons(release) == [NOT_IN_PROFILE]).collect();
    let best_of = |profile: &Profile| {
        by_quality_only
            .iter()
            .copied()
            .find(|release| view::quality(&release["quality"]).is_some_and(|quality| profile.allows.contains(&quality)))
    };
    for (place, profile) in order.iter().enumerate() {
        if let Some(release) = best_of(profile) {
            return Outlook::Would { place, release };
        }
    }
    let others: Vec<String> =
        all.iter().filter(|profile| best_of(profile).is_some()).map(|profile| profile.name.clone()).collect();
    if others.is_empty() { Outlook::OtherReasons } else { Outlook::OnlyOthers(others) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn profile(name: &str, allows: &[&str]) -> Profile {
        Profile {
            id: 1,
            name: name.into(),
            allows: allows.iter().map(|it| (*it).to_owned()).collect(),
            cutoff: None,
            upgrades: true,
        }
    }

    fn release(quality: &str, rejections: &[&str]) -> Value {
        json!({
            "quality": {"quality": {"name": quality}}, "approved": rejections.is_empty(), "rejected": !rejections.is_empty(),
            "rejections": rejections,
        })
    }

    #[test]
    fn the_next_profile_is_the_first_in_the_order_that_would_take_something_offered() {
        let hd = profile("HD-1080p", &["Bluray-1080p", "WEBDL-1080p"]);
        let low = profile("HD-720p", &["WEBDL-720p"]);
        let sd = profile("SD", &["DVD"]);
        let all = [hd.clone(), low.clone(), sd.clone()];
        let wanted = "Bluray-1080p is not wanted in profile";
        let cases = [
            (vec![], Outlook::NothingOffered),
            (
                vec![release("WEBDL-720p", &["WEBDL-720p is not wanted in profile"])],
                Outlook::Would { place: 1, release: &Value::Null },
            ),
            (vec![release("Bluray-1080p", &[wanted])], Outlook::Would { place: 0, release: &Value::Null }),
            // Too large as well: another profile does not help.
            (
                vec![release("Bluray-1080p", &[wanted, "40 GB is larger than maximum allowed 20 GB"])],
                Outlook::OtherReasons,
            ),
            (vec![release("DVD", &["DVD is not wanted in profile"])], Outlook::OnlyOthers(vec!["SD".into()])),
            (vec![release("Bluray-1080p", &["Not enough seeders: 0"])], Outlook::OtherReasons),
        ];
        for (releases, expected) in cases {
            let found = outlook(&releases, &[hd.clone(), low.clone()], &all);
            match (&found, &expected) {
                (Outlook::Would { place, .. }, Outlook::Would { place: wanted, .. }) => assert_eq!(place, wanted),
                _ => assert_eq!(found, expected),
            }
        }
        let accepted = [release("Bluray-1080p", &[])];
        assert_eq!(outlook(&accepted, &[], &all), Outlook::AcceptedNow(&accepted[0]));
    }
}
