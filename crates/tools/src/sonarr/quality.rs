//! When nothing is out there in the wanted quality: the first of the lesser profiles in which something is.
//!
//! Lower quality is only a cure where quality was the reason. What is rejected for its language, its size or its seeders is told as
//! that, and nothing is changed.

use super::{
    Sonarr, client,
    search::{Scope, Wait, search},
    seasons::{Counts, no_season},
    types::{QualityModel, Series, read},
    view::{self, told},
};
use crate::servarr::{Client, NameOrId, lists::Profile};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError,
    tool::{Undo, UndoCall},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Wall time: one search of every indexer to see what there is, then Sonarr's own, then telling.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Reasons and qualities told.
const MOST_TOLD: usize = 6;

/// When a season finds nothing in its quality profile: see what is out there, switch the series to the first lesser profile in which
/// something is, and search. Changes nothing when quality was not the reason.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityFallback {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Season as Sonarr counts; the first with missing episodes when absent.
    season_number: Option<u32>,
    /// The quality profile that was wanted; the series' own when absent.
    target_quality: Option<NameOrId>,
    /// Quality profiles to fall back to, best first; those of the settings when absent.
    #[serde(alias = "fallback_profiles")]
    fallback_qualities: Option<Vec<NameOrId>>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

/// What was checked before anything is asked of an indexer.
struct Plan {
    series: Series,
    season: u32,
    current: String,
    /// In the order in which they are tried; never the current one.
    profiles: Vec<Profile>,
    /// The wanted profile, where Sonarr has none of that name.
    unknown: Option<String>,
}

impl QualityFallback {
    async fn plan(&self, at: &Client, now_ms: i64) -> Result<Plan, ToolError> {
        let (_, series) = client::known_series(at, self.series_id).await?;
        let season = match self.season_number {
            Some(season) if series.seasons.iter().any(|known| known.season_number == season) => season,
            Some(season) => return Err(ToolError::TellModel(no_season(&series, &[season]))),
            None => {
                let mut episodes = client::episodes(at, self.series_id, None, false).await?;
                episodes.sort_by_key(|episode| (episode.season_number, episode.episode_number));
                let missing = episodes.iter().find(|episode| Counts::of([*episode], now_ms).missing > 0);
                missing.map(|episode| episode.season_number).ok_or_else(|| {
                    ToolError::TellModel(format!("nothing of {} is missing that has aired", view::title(&series)))
                })?
            }
        };
        let mut wanted: Vec<NameOrId> = Vec::new();
        let mut unknown = None;
        if let Some(target) = &self.target_quality {
            match at.profile(target).await {
                Ok(profile) => wanted.push(NameOrId::Id(profile.id)),
                Err(ToolError::TellModel(_)) => unknown = Some(target.to_string()),
                Err(error) => return Err(error),
            }
        }
        match &self.fallback_qualities {
            Some(given) => wanted.extend(given.iter().cloned()),
            None => wanted.extend(at.settings().fallback_profiles.iter().cloned().map(NameOrId::Name)),
        }
        let mut profiles: Vec<Profile> = Vec::new();
        for name in &wanted {
            let profile = at.profile(name).await?;
            if profile.id != series.quality_profile_id && profiles.iter().all(|known| known.id != profile.id) {
                profiles.push(profile);
            }
        }
        let current = at.profile_name(&series.quality_profile_id.into()).await?;
        if profiles.is_empty() {
            let others = at.profiles().await?;
            let others = others.iter().map(|profile| profile.name.as_str()).filter(|name| *name != current);
            return Err(ToolError::TellModel(format!(
                "say which profiles to fall back to from {current}; there are: {}",
                crate::servarr::view::names(others)
            )));
        }
        Ok(Plan { series, season, current, profiles, unknown })
    }
}

/// What every indexer has of a season, by what stands in its way.
#[derive(Default)]
struct Offers {
    total: usize,
    approved: usize,
    by_quality: BTreeMap<String, usize>,
    reasons: BTreeMap<String, usize>,
    /// Qualities of which something is rejected for its quality and for nothing else.
    only_quality: BTreeSet<String>,
}

impl Offers {
    fn of(releases: &[Value]) -> Self {
        let mut offers = Self { total: releases.len(), ..Self::default() };
        for release in releases {
            let quality = read::<QualityModel>(&release["quality"]).unwrap_or_default().quality.name;
            *offers.by_quality.entry(view::line(&quality, 40)).or_default() += 1;
            if release["approved"] == true {
                offers.approved += 1;
                continue;
            }
            let reasons: Vec<String> = release["rejections"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(|reason| view::line(reason, 120))
                .collect();
            if !reasons.is_empty() && reasons.iter().all(|reason| is_about_quality(reason)) {
                offers.only_quality.insert(quality);
            }
            for reason in reasons {
                *offers.reasons.entry(reason).or_default() += 1;
            }
        }
        offers
    }

    fn told(&self) -> Value {
        let most = |counts: &BTreeMap<String, usize>| {
            let mut list: Vec<(&String, &usize)> = counts.iter().collect();
            list.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
            list.into_iter()
                .take(MOST_TOLD)
                .map(|(what, count)| json!({ "what": what, "count": count }))
                .collect::<Vec<_>>()
        };
        json!({
            "releases": self.total, "acceptable": self.approved, "by_quality": most(&self.by_quality),
            "rejected_because": most(&self.reasons),
        })
    }
}

/// Sonarr's own words: "WEBDL-720p is not wanted in profile". Source: QualityAllowedByProfileSpecification.
fn is_about_quality(reason: &str) -> bool {
    reason.to_ascii_lowercase().contains("not wanted in profile")
}

impl Tool for QualityFallback {
    const NAME: &'static str = "sonarr_quality_fallback";
    const EFFECT: Effect = Effect::Write;
    const UNDO: Undo = Undo::ByCall;
    const REPEAT: Repeat = Repeat::Harmless;
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "nothing found in quality lower profile fallback 720p 1080p 4K geringere Qualität Profil wechseln menor calidad perfil qualité inférieure profil";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Try lesser quality for series {}", self.series_id)
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, call: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let plan = self.plan(at, call.now_ms).await?;
        let mut card = view::card(at.name(), &plan.series);
        card.text = "Search every indexer; where only the quality stands in the way, switch to the first of these profiles in which \
                     something is out there, and search."
            .into();
        card.facts.clear();
        let profiles: Vec<String> = plan.profiles.iter().map(|profile| profile.name.clone()).collect();
        Ok(card
            .fact("Season", plan.season.to_string())
            .fact("Profile now", plan.current)
            .fact("Tried", profiles.join(", ")))
    }

    async fn run(self, sonarr: &Sonarr, call: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let wait = Wait::within(TIMEOUT);
        let plan = self.plan(at, call.now_ms).await?;
        let title = view::title(&plan.series);
        let query = vec![("seriesId", self.series_id.to_string()), ("seasonNumber", plan.season.to_string())];
        let offers = Offers::of(&at.search(&query).await?.unwrap_or_default());
        let mut answer = json!({
            "series": title,
            "series_id": self.series_id,
            "season": plan.season,
            "profile": plan.current,
            "unknown_profile": plan.unknown,
            "out_there": offers.told(),
        });
        let takes = |profile: &&Profile| profile.allows.iter().any(|quality| offers.only_quality.contains(quality));
        let chosen = plan.profiles.iter().find(takes);
        let why_not = match () {
            () if offers.total == 0 => Some("no indexer has anything of this season, in any quality"),
            () if offers.approved > 0 => {
                Some("there are releases the profile takes as it is; sonarr_search_season takes the best of them")
            }
            () if offers.only_quality.is_empty() => {
                Some("quality is not what stands in the way, so a lesser profile would not help; see rejected_because")
            }
            () => None,
        };
        let (None, Some(profile)) = (why_not, chosen) else {
            answer["changed"] = false.into();
            answer["because"] =
                why_not.unwrap_or("none of the fallback profiles takes what is out there; see by_quality").into();
            return Output::json(&told(answer));
        };
        switch(at, self.series_id, profile.id).await?;
        let (_, now) = client::known_series(at, self.series_id).await?;
        if now.quality_profile_id != profile.id {
            return Err(ToolError::TellModel(format!(
                "Sonarr took the change of {title} but not the profile {}",
                profile.name
            )));
        }
        answer["changed"] = true.into();
        answer["profile"] = profile.name.as_str().into();
        answer["profile_before"] = plan.current.as_str().into();
        let taken = match search(
            at,
            &Scope::season(self.series_id, plan.season),
            &wait.no_longer_than(at.settings().command_wait),
        )
        .await
        {
            Ok(found) => {
                answer["search"] = found.told();
                found.in_words()
            }
            Err(error) => {
                answer["search"] = json!({ "searched": false, "because": error.to_string() });
                "the search could not be sent".into()
            }
        };
        let mut output = Output::json(&told(answer))?;
        output.receipt = Some(format!("{title}: now {} in place of {}; {taken}.", profile.name, plan.current));
        Ok(output.with_undo(UndoCall {
            tool: super::changing::Update::NAME.into(),
            arguments: told(json!({
                "series_id": self.series_id,
                "changes": { "quality_profile": plan.series.quality_profile_id },
                "instance": self.instance,
            })),
            title: format!("Put {title} back to {}, so that it upgrades later", plan.current),
        }))
    }
}

async fn switch(at: &Client, series_id: u64, profile: u64) -> Result<(), ToolError> {
    client::edit(at, &json!({ "seriesIds": [series_id], "qualityProfileId": profile })).await
}
