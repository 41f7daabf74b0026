//! When nothing is found in the wanted quality: one profile is searched, and where nothing was taken the next allowed one is proposed.
//!
//! Lower quality is only a cure where quality was the reason. What is rejected for its language, its size or its seeders is told as
//! that. Nothing is done that was not approved: the next profile is another call.

use super::{
    Sonarr, client,
    search::{Found, Scope, Wait, search},
    seasons::{Counts, no_season},
    types::Series,
    view::{self, told},
};
use crate::servarr::{
    Client, NameOrId, asks,
    fallback::{Ladder, Outlook, outlook},
    lists::Profile,
    releases::{self, Target},
    undo,
};
use majordomo_domain::{Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, tool::Undo};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Wall time: Sonarr's search, then one look at every indexer, then telling.
const TIMEOUT: Duration = Duration::from_secs(290);

/// Search a season in Sonarr in a wanted quality; when nothing is taken, say why and propose the next allowed quality. One step a
/// call. The profile is that of the whole series.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityFallback {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Season as Sonarr counts; the first with missing episodes when absent.
    season_number: Option<u32>,
    /// The wanted quality profile by name, or words such as `4K`.
    #[serde(alias = "quality_profile")]
    target_quality: NameOrId,
    /// Profiles that may follow, best first; those of the settings when absent.
    fallback_qualities: Option<Vec<NameOrId>>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

/// What was checked before anything is changed.
struct Plan {
    series: Series,
    season: u32,
    before: String,
    first: Profile,
    /// The profiles that may follow.
    rest: Vec<Profile>,
    ladder: Ladder,
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
        let ladder = at.ladder(Some(&self.target_quality), self.fallback_qualities.as_deref()).await?;
        let Some((first, rest)) = ladder.profiles.split_first() else {
            return Err(at.no_such_profile(&ladder).await?);
        };
        let (first, rest) = (first.clone(), rest.to_vec());
        let before = at.profile_name(&series.quality_profile_id.into()).await?;
        Ok(Plan { series, season, before, first, rest, ladder })
    }
}

/// Why nothing was taken, and what is proposed.
async fn conclusion(at: &Client, plan: &Plan) -> Result<Value, ToolError> {
    let target = Target::Season { series: plan.series.id, season: plan.season.into() };
    let offered = match at.releases(target).await {
        Ok(offered) => offered,
        // What was done stands; only the look at the rest failed.
        Err(error) => return Ok(json!({ "why": format!("unknown: the indexers could not be asked: {error}") })),
    };
    let mut told = json!({ "offered": offered.len(), "by_quality": releases::by_quality(&offered) });
    match outlook(&offered, &plan.rest, &at.profiles().await?) {
        Outlook::NothingOffered => told["why"] = "no indexer offers a release in any quality".into(),
        Outlook::AcceptedNow(release) => {
            told["why"] = "a release is accepted now; it can be grabbed".into();
            told["proposal"] = json!({
                "tool": "sonarr_grab",
                "arguments": { "reference": releases::told(target, release)["reference"], "instance": at.name() },
                "release": releases::told(target, release),
            });
        }
        Outlook::Would { place, release } => {
            let next = &plan.rest[place];
            let after: Vec<&str> = plan.rest[place + 1..].iter().map(|profile| profile.name.as_str()).collect();
            told["why"] = "no release is of the wanted quality".into();
            told["proposal"] = json!({
                "tool": QualityFallback::NAME,
                "arguments": {
                    "series_id": plan.series.id,
                    "season_number": plan.season,
                    "target_quality": next.name,
                    "fallback_qualities": after,
                    "instance": at.name(),
                },
                "profile": next.name,
                "it_would_take": releases::told(target, release),
                "later": "the old profile can be put back afterwards, so that better copies replace these",
            });
        }
        Outlook::OnlyOthers(names) => {
            told["why"] = "no release is of a quality that may be used".into();
            told["other_profiles_would"] = names.into();
        }
        Outlook::OtherReasons => {
            told["why"] = "another quality would not help: releases are rejected for other reasons".into();
            told["reasons"] = json!(releases::rejections(&offered).into_iter().take(5).collect::<Vec<_>>());
        }
    }
    Ok(told)
}

impl Tool for QualityFallback {
    const NAME: &'static str = "sonarr_quality_fallback";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "quality fallback lower other 4k 1080p not found nothing season geringere Qualität nichts gefunden \
                                    otra calidad temporada no encontrada autre qualité saison rien trouvé";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Search series {} in {}", self.series_id, self.target_quality)
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "The series keeps its quality.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, call: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let plan = self.plan(at, call.now_ms).await?;
        let change = match plan.before == plan.first.name {
            true => plan.before.clone(),
            false => format!("{} → {}", plan.before, plan.first.name),
        };
        let mut card = view::card(at.name(), &plan.series);
        card.facts.clear();
        card = card.fact("Quality profile", change).fact("Then", format!("season {} is searched once", plan.season));
        if !plan.rest.is_empty() {
            let rest: Vec<String> = plan.rest.iter().map(|profile| profile.name.clone()).collect();
            card = card.fact("If nothing is found", format!("proposed, not done: {}", rest.join(", ")));
        }
        Ok(card.fact("In", at.title()))
    }

    async fn run(self, sonarr: &Sonarr, call: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let plan = self.plan(at, call.now_ms).await?;
        let (title, profile) = (view::title(&plan.series), plan.first.name.as_str());
        let changes_profile = plan.series.quality_profile_id != plan.first.id;
        if changes_profile {
            let body = json!({ "seriesIds": [self.series_id], "qualityProfileId": plan.first.id });
            client::edit(at, &body).await?;
            let (_, now) = client::known_series(at, self.series_id).await?;
            if now.quality_profile_id != plan.first.id {
                return Err(at.not_as_described("that the profile was changed, but it was not"));
            }
        }
        let searched = search(at, &Scope::season(self.series_id, plan.season), &Wait::once(at)).await;
        let (search, result) = match &searched {
            Ok(found) => (found.told(), found.in_words()),
            Err(error) if changes_profile => {
                (json!({ "searched": false, "because": error.to_string() }), "the search failed".to_owned())
            }
            Err(error) => return Err(error.clone()),
        };
        let mut answer = json!({
            "series": title, "series_id": self.series_id, "season": plan.season, "profile": profile, "search": search,
        });
        if !plan.ladder.unknown.is_empty() {
            answer["no_such_profile"] = plan.ladder.unknown.clone().into();
        }
        if searched.as_ref().is_ok_and(|found| found.is_nothing() && is_complete(found))
            && let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), conclusion(at, &plan).await?)
        {
            answer.extend(more);
        }
        let mut output = Output::json(&told(answer))?;
        output.receipt = Some(match changes_profile {
            true => format!("{title} has the profile {profile} now and was searched: {result}."),
            false => format!("{title} was searched in {profile}: {result}."),
        });
        if !changes_profile {
            return Ok(output);
        }
        Ok(output.with_undo(undo(
            super::changing::Update::NAME,
            at,
            json!({ "series_id": self.series_id, "changes": { "quality_profile": plan.series.quality_profile_id } }),
            format!("Put {title} back to {}", plan.before),
        )))
    }
}

fn is_complete(found: &Found) -> bool {
    found.command.is_over() && !found.command.has_failed()
}
