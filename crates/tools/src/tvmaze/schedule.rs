//! What is on.

use super::{
    client::{Query, Tvmaze},
    shows::answer,
    view,
};
use majordomo_domain::{Call, Effect, Output, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// What television broadcasts in a country on a day: show, network, time, episode.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Such as `GB`; the household's when absent.
    #[serde(default)]
    country: Option<String>,
    /// `2026-11-21`; today there when absent.
    #[serde(default)]
    date: Option<String>,
    /// Episodes, 1 to 100. Default 40.
    #[serde(default = "forty")]
    limit: usize,
}

fn forty() -> usize {
    40
}

impl Tool for Schedule {
    const NAME: &'static str = "tvmaze_schedule";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "schedule tonight on tv broadcast programme guide airing today time channel \
        television heute Abend läuft Fernsehen Fernsehprogramm Sender esta noche televisión ponen programación canal ce soir télévision programme chaîne";
    type Service = Tvmaze;

    fn title(&self) -> String {
        "Reading the television schedule".into()
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let country = country(self.country.as_deref())?.unwrap_or_else(|| tvmaze.country.clone());
        let date = self.date.as_deref().map(super::date).transpose()?;
        told(tvmaze.schedule(&country, date.as_deref()).await?, self.limit)
    }
}

/// What streaming services release on a day, worldwide or for a country.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleWeb {
    /// Such as `GB`; all countries when absent, only worldwide services when empty.
    #[serde(default)]
    country: Option<String>,
    /// `2026-11-21`; today when absent.
    #[serde(default)]
    date: Option<String>,
    /// Episodes, 1 to 100. Default 40.
    #[serde(default = "forty")]
    limit: usize,
}

impl Tool for ScheduleWeb {
    const NAME: &'static str = "tvmaze_schedule_web";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "schedule streaming new episodes today netflix web release \
        Streaming neue Folgen heute nuevos episodios hoy nouveaux épisodes aujourd'hui";
    type Service = Tvmaze;

    fn title(&self) -> String {
        "Reading the streaming schedule".into()
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let mut query = Query::new();
        match self.country.as_deref().map(str::trim) {
            Some("") => query.push(("country", String::new())),
            asked => query.extend(country(asked)?.map(|country| ("country", country))),
        }
        if let Some(date) = &self.date {
            query.push(("date", super::date(date)?));
        }
        told(tvmaze.list("/schedule/web", &query).await?, self.limit)
    }
}

fn country(asked: Option<&str>) -> Result<Option<String>, ToolError> {
    let Some(country) = asked.map(str::trim).filter(|country| !country.is_empty()) else { return Ok(None) };
    if country.len() == 2 && country.chars().all(|c| c.is_ascii_alphabetic()) {
        return Ok(Some(country.to_ascii_uppercase()));
    }
    Err(ToolError::TellModel("country is not a code such as GB".into()))
}

/// The best known first, because a day has hundreds; each with its time.
fn told(mut episodes: Vec<Value>, limit: usize) -> Result<Output, ToolError> {
    let count = episodes.len();
    episodes.sort_by_key(|item| std::cmp::Reverse(view::show_of(item)["weight"].as_u64().unwrap_or(0)));
    episodes.truncate(limit.clamp(1, 100));
    let output = answer("episodes", episodes.iter().map(view::scheduled).collect())?;
    let cards = episodes.iter().take(view::MAX_CARDS).map(|item| {
        let mut card = view::card(view::show_of(item));
        card = card.fact("Episode", view::episode_in_words(item));
        card
    });
    let cards = cards.collect();
    if count <= episodes.len() {
        return Ok(output.with_cards(cards));
    }
    let mut told: Value = serde_json::from_str(&output.text).map_err(|e| ToolError::Bug(e.to_string()))?;
    told["left_out"] = (count - episodes.len()).into();
    Ok(Output::json(&told)?.with_cards(cards))
}
