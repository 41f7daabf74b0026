//! “Where is my film?” and “do we have it?”: every service is asked at once, and the first true cause is told.

use super::{
    Media,
    request::MediaRequest,
    shelf::ago,
    whereabouts::{Cause, Said, Wished, whereabouts},
    wish::{Kind, Wish},
};
use crate::plex::Outside;
use majordomo_domain::{Call, Card, Effect, Output, RequestState, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Where a film or series is: watchable, downloading, stuck, not released, not asked for; the first true cause, and what could not be
/// checked. Also answers whether the household has it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhereIs {
    /// film or series.
    media_type: Kind,
    /// TMDb id, from a search or a list.
    #[serde(default)]
    tmdb_id: Option<u64>,
    /// TVDB id of a series.
    #[serde(default)]
    tvdb_id: Option<u64>,
    /// Seasons of a series by Sonarr's numbers; all but specials when absent.
    #[serde(default)]
    seasons: Option<Vec<u32>>,
    /// Which Radarr or Sonarr; every one when absent.
    #[serde(default)]
    instance: Option<String>,
}

impl Tool for WhereIs {
    const NAME: &'static str = "media_where_is";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "where is my film movie series status progress stuck when ready have it in library already \
        wo ist bleibt mein Film Serie haben wir schon fertig wann dónde está mi película serie la tenemos ya \
        où est mon film série déjà disponible quand \
        où en est wo bleibt dónde está";
    type Service = Media;

    fn title(&self) -> String {
        match self.media_type {
            Kind::Film => "Looking where the film is".into(),
            Kind::Series => "Looking where the series is".into(),
        }
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let names: Vec<Option<String>> = match &self.instance {
            Some(name) => vec![Some(name.clone())],
            None => media.instances_of(self.media_type).into_iter().map(Some).collect(),
        };
        let names = if names.is_empty() { vec![None] } else { names };
        let mut answers = Vec::new();
        for name in names {
            answers.push(self.in_instance(media, call, name).await?);
        }
        // The instance that has most to tell comes first: what is here, then what is on its way.
        answers.sort_by_key(|answer| rank(answer.found.cause));
        let text = answers
            .iter()
            .map(|Answer { found, items, .. }| {
                json!({
                    "cause": found.cause,
                    "answer": found.line,
                    "could_not_ask": found.could_not_ask,
                    "would_help": found.next,
                    "here": items.iter().filter(|(_, is_here)| *is_here).count(),
                    "wanted": items.len(),
                    "missing": items.iter().filter(|(_, is_here)| !is_here).take(12).map(|(key, _)| key).collect::<Vec<_>>(),
                })
            })
            .collect::<Vec<_>>();
        let cards = answers.first().map(|answer| Card {
            text: answer.found.line.clone(),
            picture: answer.picture.clone(),
            ..Card::new(self.card_title(answer.found.cause))
        });
        let output = match text.as_slice() {
            [one] => Output::json(one)?,
            many => Output::json(&many)?,
        };
        Ok(output.with_cards(cards.into_iter().collect()))
    }
}

/// Where something is in one instance.
struct Answer {
    found: super::whereabouts::Whereabouts,
    /// Its parts, and whether each can be watched.
    items: Vec<(String, bool)>,
    picture: Option<String>,
}

fn rank(cause: Cause) -> u8 {
    match cause {
        Cause::Watchable => 0,
        Cause::NotWanted | Cause::Unknown => 2,
        _ => 1,
    }
}

impl WhereIs {
    fn card_title(&self, cause: Cause) -> &'static str {
        match cause {
            Cause::Watchable => "Ready to watch",
            Cause::Downloading | Cause::Queued | Cause::Importing | Cause::Delayed => "On its way",
            Cause::WaitsForYes => "Waits for a yes",
            Cause::NotReleased => "Not out yet",
            Cause::NotWanted => "Not asked for",
            Cause::Unknown => "Could not be checked",
            _ => "Held up",
        }
    }

    async fn in_instance(&self, media: &Media, call: &Call, instance: Option<String>) -> Result<Answer, ToolError> {
        let (wish, picture) = self.wish(media, instance).await?;
        let wished = media.wished_of(&wish, call.now_ms).await;
        let found = media.look_for(&wish, wished, call.now_ms).await?;
        let items = found.items.into_iter().map(|item| (item.key, item.is_watchable)).collect();
        Ok(Answer { found: whereabouts(&found.evidence), items, picture })
    }

    /// The title with its name, as far as somebody can be asked for it.
    async fn wish(&self, media: &Media, instance: Option<String>) -> Result<(Wish, Option<String>), ToolError> {
        let client = media.fetcher(self.media_type, instance.as_deref())?;
        let request = MediaRequest::for_looking(self.media_type, self.tmdb_id, self.tvdb_id);
        let mut wish = Wish {
            kind: self.media_type,
            tmdb: self.tmdb_id,
            tvdb: self.tvdb_id,
            instance: client.name().to_owned(),
            title: "It".into(),
            seasons: self.seasons.clone().unwrap_or_default(),
            ..Wish::default()
        };
        let mut picture = None;
        match request.title_of(client).await {
            Ok(title) => {
                picture = media.poster_of(client, &title).await;
                wish.title = crate::text::line(title["title"].as_str().unwrap_or("It"), 150);
                wish.year = title["year"].as_u64().and_then(|year| u32::try_from(year).ok()).filter(|year| *year > 0);
                wish.tmdb = title["tmdbId"].as_u64().filter(|id| *id > 0).or(wish.tmdb);
                wish.tvdb = title["tvdbId"].as_u64().filter(|id| *id > 0).or(wish.tvdb);
                if wish.kind == Kind::Series && self.seasons.is_none() {
                    wish.seasons =
                        super::request::seasons_of(&title).into_iter().filter(|season| *season > 0).collect();
                }
            }
            // The fetcher is away; what the others say is told all the same.
            Err(ToolError::CouldNotAsk { .. }) => {
                if let Some(name) = media.name_of(&wish).await {
                    (wish.title, wish.year) = name;
                }
                if wish.seasons.is_empty() && wish.kind == Kind::Series {
                    wish.seasons = (1..=60).collect();
                }
            }
            Err(error) => return Err(error),
        }
        Ok((wish, picture))
    }
}

impl Media {
    /// Names of the Radarr or Sonarr there are.
    pub(super) fn instances_of(&self, kind: Kind) -> Vec<String> {
        match kind {
            Kind::Film => self.radarr.iter().flat_map(|all| all.names()).map(str::to_owned).collect(),
            Kind::Series => self.sonarr.iter().flat_map(|all| all.names()).map(str::to_owned).collect(),
        }
    }

    /// A title's name and year from TMDb, or from a library that has it.
    async fn name_of(&self, wish: &Wish) -> Option<(String, Option<u32>)> {
        match self.name_at_tmdb(wish).await {
            Some(name) => Some(name),
            None => {
                let id = wish.tvdb.and_then(|id| u32::try_from(id).ok()).filter(|_| wish.kind == Kind::Series)?;
                self.libraries().await.name(wish.kind, Outside::Tvdb(id))
            }
        }
    }

    async fn name_at_tmdb(&self, wish: &Wish) -> Option<(String, Option<u32>)> {
        let tmdb = self.tmdb.as_ref()?;
        let (path, name, date) = match wish.kind {
            Kind::Film => (format!("/movie/{}", wish.tmdb?), "title", "release_date"),
            Kind::Series => (format!("/tv/{}", wish.tmdb?), "name", "first_air_date"),
        };
        let answer = tmdb.get(&path, &Vec::new(), crate::tmdb::client::Age::Details).await.ok()??;
        let year = answer[date].as_str().and_then(|date| date.get(..4)).and_then(|year| year.parse().ok());
        Some((crate::text::line(answer[name].as_str()?, 150), year))
    }

    /// How a wish stands with the household.
    pub(super) async fn wished_of(&self, wish: &Wish, now_ms: i64) -> Said<Option<Wished>> {
        let store = self.store().map_err(|error| error.to_string())?;
        let last = store.last_request(super::NAME, &wish.subject()).await.map_err(|error| error.to_string())?;
        Ok(match last {
            None => None,
            Some(request) => match request.state {
                RequestState::Asked => Some(Wished::Waits {
                    whose: "somebody who may decide".into(),
                    since: ago(request.created_at_ms, now_ms),
                }),
                RequestState::Declined => {
                    let story = store.request_story(request.id).await.map_err(|error| error.to_string())?;
                    let reason = story.last().map(|line| line.text.trim_start_matches("declined: ").to_owned());
                    Some(Wished::Declined { reason: reason.unwrap_or_default() })
                }
                RequestState::Cancelled => None,
                _ => Some(Wished::Granted),
            },
        })
    }
}
