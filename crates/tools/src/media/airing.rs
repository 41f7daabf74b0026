//! What is on today: TMDb says what people watch, TVmaze says where and when.

use super::Media;
use crate::{
    tmdb::{
        self,
        client::{Page, Query, Tmdb},
        view::{card, item},
    },
    tvmaze::{self, Tvmaze},
};
use futures_util::future::{join, join_all};
use majordomo_domain::{Call, Card, Effect, Output, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};

/// Shows asked about one by one when the schedule does not have them. TVmaze allows 20 requests in ten seconds.
const MAX_SINGLE: usize = 6;

/// Series with an episode today: network, air time and next episode beside title and score.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AiringToday {
    /// Results, 1 to 60. Default 20.
    #[serde(default = "twenty")]
    limit: usize,
    /// Country of the television schedule, such as `GB`; the household's when absent.
    #[serde(default)]
    country: Option<String>,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
}

fn twenty() -> usize {
    20
}

impl Tool for AiringToday {
    const NAME: &'static str = "media_airing_today";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["airing_today_tool", "get_airing_today"];
    const KEYWORDS: &'static str = "airing today tonight on tv series show network channel time next episode schedule \
        television heute Abend Fernsehen Sender Folge Serie esta noche televisión canal serie episodio ce soir télévision chaîne série épisode";
    type Service = Media;

    fn title(&self) -> String {
        "Looking at what is on today".into()
    }

    async fn run(self, media: &Media, _: &Call) -> Result<Output, ToolError> {
        if !(1..=tmdb::client::MAX_LIMIT).contains(&self.limit) {
            let most = tmdb::client::MAX_LIMIT;
            return Err(ToolError::TellModel(format!("limit is {}, it may be 1 to {most}", self.limit)));
        }
        let country = match (&media.tmdb, &self.country) {
            (Some(tmdb), Some(country)) => tmdb.region(Some(country))?,
            (None, Some(country)) if tmdb::client::is_country(country) => country.to_ascii_uppercase(),
            (None, Some(_)) => return Err(ToolError::TellModel("country is not a code such as GB".into())),
            (tmdb, None) => match (&media.tvmaze, tmdb) {
                (Some(tvmaze), _) => tvmaze.country.clone(),
                (None, Some(tmdb)) => tmdb.region.clone(),
                (None, None) => "US".into(),
            },
        };
        let (listed, schedule) = join(
            async {
                match &media.tmdb {
                    Some(tmdb) => Some(self.listed(tmdb).await),
                    None => None,
                }
            },
            async {
                match &media.tvmaze {
                    Some(tvmaze) => Some(tvmaze.schedule(&country, None).await),
                    None => None,
                }
            },
        )
        .await;
        match (listed, schedule) {
            (Some(Ok(page)), schedule) => joined(&page, schedule, media.tvmaze.as_ref()).await,
            (Some(Err(error)), Some(Ok(schedule))) if matches!(error, ToolError::CouldNotAsk { .. }) => {
                alone(schedule, self.limit, Some(error.to_string()))
            }
            (Some(Err(error)), _) => Err(error),
            (None, Some(schedule)) => alone(schedule?, self.limit, None),
            (None, None) => Err(ToolError::Bug("media without services".into())),
        }
    }
}

impl AiringToday {
    async fn listed(&self, tmdb: &Tmdb) -> Result<Page, ToolError> {
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        tmdb.page("/tv/airing_today", &query, 1, self.limit).await
    }
}

/// TMDb's list with what TVmaze knows of each show. The services share no id in their lists, so the name decides, and
/// the year of the premiere where both have one.
async fn joined(
    page: &Page,
    schedule: Option<Result<Vec<Value>, ToolError>>,
    tvmaze: Option<&Tvmaze>,
) -> Result<Output, ToolError> {
    let (schedule, note) = match schedule {
        Some(Ok(schedule)) => (schedule, None),
        Some(Err(error)) => (Vec::new(), Some(format!("no networks and times: {error}"))),
        None => (Vec::new(), Some("no networks and times: TVmaze is switched off".to_owned())),
    };
    let mut by_name: HashMap<String, Vec<&Value>> = HashMap::new();
    for episode in &schedule {
        by_name.entry(plain(&tvmaze::view::show_of(episode)["name"])).or_default().push(episode);
    }
    let today: Vec<Option<&Value>> = page
        .results
        .iter()
        .map(|item| {
            let candidates = name_of(item).iter().find_map(|name| by_name.get(name))?;
            candidates.iter().copied().find(|episode| is_same_year(item, tvmaze::view::show_of(episode)))
        })
        .collect();
    // The schedule holds one country's broadcasts; the first of the others are looked up by name.
    let missing = page.results.iter().zip(&today).enumerate().filter(|(_, (_, episode))| episode.is_none());
    let missing: Vec<(usize, &Value)> = missing.map(|(place, (item, _))| (place, item)).take(MAX_SINGLE).collect();
    let mut single: HashMap<usize, Arc<Value>> = HashMap::new();
    if let Some(tvmaze) = tvmaze.filter(|_| note.is_none()) {
        let asked = missing.iter().map(|(place, item)| async move { (*place, show_by_name(tvmaze, item).await) });
        single.extend(join_all(asked).await.into_iter().filter_map(|(place, show)| Some((place, show?))));
    }
    let (mut results, mut cards) = (Vec::new(), Vec::new());
    for (place, entry) in page.results.iter().enumerate() {
        let mut told = item(entry, Some(tmdb::Kind::Tv), tmdb::Level::Compact);
        let mut shown = card(entry, Some(tmdb::Kind::Tv), None);
        let (show, next) = match (today[place], single.get(&place)) {
            (Some(episode), _) => (tvmaze::view::show_of(episode), episode),
            (None, Some(show)) => (&**show, &show["_embedded"]["nextepisode"]),
            (None, None) => (&Value::Null, &Value::Null),
        };
        if show.is_object() {
            if let Some(network) = tvmaze::view::network(show) {
                told["network"] = network.as_str().into();
                shown = shown.fact("Network", network);
            }
            if next.is_object() {
                let mut episode = tvmaze::view::episode(next);
                if let Some(fields) = episode.as_object_mut() {
                    fields.remove("summary");
                }
                told["next_episode"] = episode;
                shown = shown.fact("Next episode", tvmaze::view::episode_in_words(next));
            }
            told["tvmaze_id"] = show["id"].clone();
            shown.source = format!("{}, TVmaze (CC BY-SA)", tmdb::view::SOURCE);
        }
        results.push(told);
        cards.push(shown);
    }
    cards.truncate(tmdb::view::MAX_CARDS);
    let mut extra = json!({ "source": "Data: TMDb, TVmaze (CC BY-SA, https://www.tvmaze.com)" });
    if let Some(note) = note {
        extra = json!({ "note": note, "source": tmdb::view::SOURCE });
    }
    Ok(Output::json(&tmdb::view::envelope(results, page, extra))?.with_cards(cards))
}

/// The schedule alone, best known shows first, one line for each show.
fn alone(mut schedule: Vec<Value>, limit: usize, note: Option<String>) -> Result<Output, ToolError> {
    let weight = |episode: &Value| tvmaze::view::show_of(episode)["weight"].as_u64().unwrap_or(0);
    schedule.sort_by_key(|episode| std::cmp::Reverse(weight(episode)));
    let mut seen = std::collections::HashSet::new();
    schedule.retain(|episode| seen.insert(tvmaze::view::show_of(episode)["id"].as_u64()));
    schedule.truncate(limit);
    let results: Vec<Value> = schedule.iter().map(tvmaze::view::scheduled).collect();
    let cards: Vec<Card> = schedule
        .iter()
        .take(tvmaze::view::MAX_CARDS)
        .map(|episode| {
            tvmaze::view::card(tvmaze::view::show_of(episode)).fact("Episode", tvmaze::view::episode_in_words(episode))
        })
        .collect();
    let mut answer = json!({ "results": results, "source": tvmaze::view::SOURCE });
    let nothing = results_note(results.is_empty());
    if let Some(note) = note.or(nothing) {
        answer["note"] = note.into();
    }
    Ok(Output::json(&answer)?.with_cards(cards))
}

fn results_note(is_empty: bool) -> Option<String> {
    is_empty.then(|| "nothing found".to_owned())
}

/// TVmaze's show of the same name, with its next episode. None when there is none, or it cannot be asked now.
async fn show_by_name(tvmaze: &Tvmaze, item: &Value) -> Option<Arc<Value>> {
    let name = item["name"].as_str()?;
    let query = vec![("q", name.chars().take(200).collect()), ("embed", "nextepisode".to_owned())];
    let show = tvmaze.get("/singlesearch/shows", &query).await.ok()??;
    let is_same = name_of(item).contains(&plain(&show["name"])) && is_same_year(item, &show);
    is_same.then_some(show)
}

fn name_of(item: &Value) -> Vec<String> {
    ["name", "original_name"].iter().map(|key| plain(&item[*key])).filter(|name| !name.is_empty()).collect()
}

fn plain(name: &Value) -> String {
    tmdb::plain(name.as_str().unwrap_or_default())
}

fn is_same_year(item: &Value, show: &Value) -> bool {
    let year = |date: &Value| date.as_str().and_then(|date| date.get(..4)).and_then(|year| year.parse::<i32>().ok());
    match (year(&item["first_air_date"]), year(&show["premiered"])) {
        (Some(one), Some(other)) => (one - other).abs() <= 1,
        _ => true,
    }
}
