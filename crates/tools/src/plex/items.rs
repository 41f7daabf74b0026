//! One title: what is known of it, what is like it, and what the household did with it.

use super::{
    arguments::{Key, Level, MOST_CHANGED, MOST_DELETED, limit},
    client::{Age, Instance, Plex, Query},
    tell::{self, card, done, items, listed, nothing, titled, told, total},
};
use futures_util::future::join_all;
use majordomo_domain::{
    Call, Card, Effect, Output, Tool, ToolError,
    approval::Wording,
    tool::{Repeat, Undo, UndoCall},
};
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// The item a change is about; what it is not, the model is told.
pub async fn wanted(instance: &Instance, key: Key) -> Result<Value, ToolError> {
    let missing = || ToolError::TellModel(format!("Plex has no item {}; search for it first", key.0));
    instance.item(key.0, Age::Now).await?.ok_or_else(missing)
}

/// A question with a title in it cannot be written without asking Plex, so the card has the title.
fn wording(question: &str, declined: &str) -> Wording {
    Wording { question: question.to_owned(), declined: declined.to_owned(), reason: String::new() }
}

/// Everything Plex knows of one title, or of several by their keys: people, files, ids, what was watched.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The item's rating key.
    rating_key: Option<Key>,
    /// Several keys at once, at most 10, in place of one.
    rating_keys: Option<Vec<Key>>,
    /// How much is told; detailed when absent.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Metadata {
    const NAME: &'static str = "plex_metadata";
    const ALIASES: &'static [&'static str] = &["get_plex_item_details"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex details item info file size resolution codec cast einzelheiten datei größe detalles archivo tamaño détails fichier taille";
    type Service = Plex;

    fn title(&self) -> String {
        "Reading the details of a title on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let mut keys: Vec<Key> = self.rating_keys.unwrap_or_default();
        keys.extend(self.rating_key);
        if keys.is_empty() || keys.len() > 10 {
            return Err(ToolError::TellModel("give a rating_key, or at most 10 rating_keys".into()));
        }
        let keys: Vec<String> = keys.iter().map(|key| key.0.to_string()).collect();
        let path = format!("/library/metadata/{}", keys.join(","));
        let Some(answer) = instance.find(&path, &vec![("includeGuids", "1".to_owned())], Age::List).await? else {
            return nothing("Plex has no item of that key");
        };
        let found = items(&answer);
        listed(instance, found, found.len(), 10, self.response_level.unwrap_or(Level::Detailed))
    }
}

/// The seasons of a series, or the episodes of a season.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Children {
    /// The series' or the season's rating key.
    rating_key: Key,
    /// Items told, 1 to 100; 30 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Children {
    const NAME: &'static str = "plex_children";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex seasons of a series episodes of a season staffeln folgen temporadas episodios saisons épisodes";
    type Service = Plex;

    fn title(&self) -> String {
        "Listing seasons or episodes on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let limit = limit(self.limit, 30)?;
        let path = format!("/library/metadata/{}/children", self.rating_key.0);
        let answer = match instance.find(&path, &Query::new(), Age::List).await? {
            Some(answer) => answer,
            None => return by_section(instance, self.rating_key, limit, self.response_level.unwrap_or_default()).await,
        };
        listed(instance, items(&answer), total(&answer), limit, self.response_level.unwrap_or_default())
    }
}

/// The same where the server has no such list: every episode, or those of the season.
async fn by_section(instance: &Instance, key: Key, limit: usize, level: Level) -> Result<Output, ToolError> {
    let Some(item) = instance.item(key.0, Age::List).await? else {
        return nothing("Plex has no item of that key");
    };
    let seasons = match item["type"].as_str() {
        Some("show") => instance.seasons(key.0).await?,
        Some("season") => {
            let show = tell::number(&item["parentRatingKey"]).unwrap_or(0);
            instance.seasons(show).await?.into_iter().filter(|season| season.rating_key == key.0).collect()
        }
        _ => return nothing("it is neither a series nor a season"),
    };
    let told: Vec<Value> = seasons
        .iter()
        .map(|season| {
            let episodes: Vec<Value> = season
                .episodes
                .iter()
                .take(if level >= Level::Compact { limit } else { 0 })
                .map(|one| json!({"episode": one.number, "title": one.title, "rating_key": one.rating_key, "watched": one.is_watched}))
                .collect();
            json!({"season": season.number, "rating_key": season.rating_key, "episodes": season.episodes.len(), "list": episodes})
        })
        .collect();
    Output::json(&json!({"total_results": told.len(), "seasons": told}))
}

/// Which episodes of a series are there, season by season, and which are watched.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllEpisodes {
    /// The series' rating key.
    rating_key: Key,
    /// One season only.
    season: Option<u32>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for AllEpisodes {
    const NAME: &'static str = "plex_all_episodes";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex every episode of a series which episodes missing watched alle folgen vorhanden todos los episodios tous les épisodes";
    type Service = Plex;

    fn title(&self) -> String {
        "Counting the episodes on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let mut seasons = instance.seasons(self.rating_key.0).await?;
        seasons.retain(|season| self.season.is_none_or(|wanted| season.number == wanted));
        if seasons.is_empty() {
            return nothing("Plex has no episodes of it");
        }
        let one = self.season.is_some() || seasons.len() == 1;
        let told: Vec<Value> = seasons
            .iter()
            .map(|season| {
                let watched = season.episodes.iter().filter(|episode| episode.is_watched).count();
                let mut told = json!({"season": season.number, "rating_key": season.rating_key, "episodes": season.episodes.len(),
                    "watched": watched, "numbers": ranges(season.episodes.iter().map(|episode| episode.number))});
                if one {
                    let episode = |one: &super::index::Episode| {
                        json!({"episode": one.number, "title": one.title, "rating_key": one.rating_key, "watched": one.is_watched})
                    };
                    told["list"] = season.episodes.iter().take(60).map(episode).collect();
                }
                told
            })
            .collect();
        let all: usize = seasons.iter().map(|season| season.episodes.len()).sum();
        Output::json(&json!({"total_results": all, "seasons": told}))
    }
}

/// `1-8, 10`.
fn ranges(numbers: impl Iterator<Item = u32>) -> String {
    let mut found: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match found.last_mut() {
            Some((_, last)) if number == *last + 1 || number == *last => *last = number,
            _ => found.push((number, number)),
        }
    }
    let word = |(first, last): (u32, u32)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    found.into_iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Titles of the library that are like one of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Similar {
    /// The item's rating key.
    rating_key: Key,
    /// Items told, 1 to 100; 10 when absent.
    #[serde(alias = "count")]
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Similar {
    const NAME: &'static str = "plex_similar";
    const ALIASES: &'static [&'static str] = &["get_plex_similar_items"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex similar like this in our library ähnlich parecido similares semblable comme";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking for something like it on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let limit = limit(self.limit, 10)?;
        let path = format!("/library/metadata/{}/similar", self.rating_key.0);
        let Some(answer) = instance.find(&path, &vec![("count", limit.to_string())], Age::List).await? else {
            return nothing("Plex has no item of that key");
        };
        listed(instance, items(&answer), total(&answer), limit, self.response_level.unwrap_or_default())
    }
}

/// What Plex puts beside a title: by the same people, of the same kind, of the same collection.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Related {
    /// The item's rating key.
    rating_key: Key,
    /// Items of each group, 1 to 100; 5 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Related {
    const NAME: &'static str = "plex_related";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex related more like same director actor collection verwandt mehr davon relacionado más como lié apparenté";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking at what Plex puts beside it".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 5)?, self.response_level.unwrap_or_default());
        let path = format!("/library/metadata/{}/related", self.rating_key.0);
        let Some(answer) = instance.find(&path, &Query::new(), Age::List).await? else {
            return nothing("Plex has no item of that key");
        };
        let hubs = answer["MediaContainer"]["Hub"].as_array().into_iter().flatten();
        let groups: Vec<Value> = hubs
            .filter_map(|hub| {
                let found = hub["Metadata"].as_array()?;
                let shown: Vec<Value> = found.iter().take(limit).map(|item| told(item, level)).collect();
                Some(json!({"group": tell::text(&hub["title"], 60), "items": shown}))
            })
            .take(10)
            .collect();
        if groups.is_empty() {
            return nothing("Plex puts nothing beside it");
        }
        Output::json(&json!({"total_results": groups.len(), "groups": groups}))
    }
}

/// Trailers, scenes and other extras of a title.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extras {
    /// The item's rating key.
    rating_key: Key,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Extras {
    const NAME: &'static str = "plex_extras";
    const ALIASES: &'static [&'static str] = &["get_plex_extras"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex extras trailer behind the scenes deleted scenes bonusmaterial extras tráiler bonus bande-annonce";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking for extras on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let path = format!("/library/metadata/{}/extras", self.rating_key.0);
        let Some(answer) = instance.find(&path, &Query::new(), Age::List).await? else {
            return nothing("Plex has no item of that key");
        };
        let extras: Vec<Value> = items(&answer)
            .iter()
            .take(20)
            .map(|extra| {
                let seconds = tell::number(&extra["duration"]).map(|duration| duration / 1_000);
                json!({"title": tell::text(&extra["title"], 120), "kind": tell::text(&extra["subtype"], 30), "seconds": seconds,
                    "rating_key": tell::key(extra)})
            })
            .collect();
        if extras.is_empty() {
            return nothing("it has no extras");
        }
        Output::json(&json!({"total_results": extras.len(), "extras": extras}))
    }
}

/// Rate a title on Plex from 0 to 10 for the account of the server's token; -1 takes the rating away.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// The item's rating key.
    rating_key: Key,
    /// 0 to 10, two points a star; -1 clears it.
    rating: f64,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Rate {
    fn checked(&self) -> Result<f64, ToolError> {
        match self.rating {
            -1.0 => Ok(-1.0),
            rating if (0.0..=10.0).contains(&rating) => Ok(rating),
            other => Err(ToolError::TellModel(format!("a rating is 0 to 10, or -1 to clear it, not {other}"))),
        }
    }
}

fn rating_words(rating: Option<f64>) -> String {
    match rating {
        Some(rating) if rating >= 0.0 => format!("{rating} of 10"),
        _ => "no rating".into(),
    }
}

impl Tool for Rate {
    const NAME: &'static str = "plex_rate";
    const ALIASES: &'static [&'static str] = &["set_plex_rating"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex rate rating stars score bewerten bewertung sterne calificar puntuación estrellas noter note étoiles";
    type Service = Plex;

    fn title(&self) -> String {
        format!("Rate a title on Plex with {}", rating_words(Some(self.rating)))
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let rating = self.checked()?;
        let item = wanted(instance, self.rating_key).await?;
        Ok(card(instance, &item)
            .fact("Rating now", rating_words(item["userRating"].as_f64()))
            .fact("Rating then", rating_words(Some(rating))))
    }

    fn wording(&self, _: &Plex) -> Wording {
        let rating = rating_words(Some(self.rating));
        wording(&format!("Rate this with {rating} on Plex?"), "The rating stays as it is.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let rating = self.checked()?;
        let before = wanted(instance, self.rating_key).await?;
        let name = titled(&before);
        let mut query = Instance::about(self.rating_key.0);
        query.push(("rating", rating.to_string()));
        if instance.change_either_way(Method::PUT, "/:/rate", &query).await?.is_none() {
            return Err(instance.could_not("it did not take the rating"));
        }
        let after = wanted(instance, self.rating_key).await?;
        let now = after["userRating"].as_f64();
        let is_as_asked = if rating < 0.0 { now.is_none() } else { now.is_some_and(|now| (now - rating).abs() < 0.06) };
        if !is_as_asked {
            let words = rating_words(now);
            return Err(instance.could_not(&format!("it took the rating of {name}, and still has {words}")));
        }
        let old = before["userRating"].as_f64();
        let undo = UndoCall {
            tool: Self::NAME.into(),
            arguments: arguments(
                json!({"rating_key": self.rating_key.0, "rating": old.unwrap_or(-1.0)}),
                &self.instance,
            ),
            title: format!("Give {name} back {}", rating_words(old)),
        };
        Ok(done(instance, format!("{name} now has {} on Plex.", rating_words(now)), &after).with_undo(undo))
    }
}

/// Arguments of a call that takes something back, on the same server.
pub fn arguments(mut arguments: Value, instance: &Option<String>) -> Value {
    if let Some(instance) = instance {
        arguments["instance"] = json!(instance);
    }
    arguments
}

/// A film, an episode, or every episode of a series or season, with whether each is watched.
async fn leaves(instance: &Instance, item: &Value) -> Result<Vec<(u64, bool)>, ToolError> {
    let own = tell::key(item).unwrap_or(0);
    match item["type"].as_str() {
        Some("show" | "season") => {
            let path = format!("/library/metadata/{own}/allLeaves");
            let answer = instance.find(&path, &Query::new(), Age::Now).await?;
            let all = answer.as_deref().map_or(&[][..], items);
            let seen = |leaf: &Value| tell::number(&leaf["viewCount"]).is_some_and(|count| count > 0);
            Ok(all.iter().filter_map(|leaf| Some((tell::key(leaf)?, seen(leaf)))).collect())
        }
        _ => Ok(vec![(own, tell::number(&item["viewCount"]).is_some_and(|count| count > 0))]),
    }
}

/// What marking is about, and what of it would change.
struct Marking {
    item: Value,
    /// Episodes, or the film itself, that are not yet as wanted.
    open: Vec<u64>,
    all: usize,
}

async fn marking(instance: &Instance, key: Key, only: Option<&Vec<Key>>, watched: bool) -> Result<Marking, ToolError> {
    let item = wanted(instance, key).await?;
    let mut leaves = leaves(instance, &item).await?;
    if let Some(only) = only {
        if only.len() > 500 {
            return Err(ToolError::TellModel("at most 500 episodes at once".into()));
        }
        leaves.retain(|(leaf, _)| only.contains(&Key(*leaf)));
    }
    let open = leaves.iter().filter(|(_, seen)| *seen != watched).map(|(leaf, _)| *leaf).collect();
    Ok(Marking { item, open, all: leaves.len() })
}

async fn mark(
    instance: &Instance,
    name: Option<&String>,
    key: Key,
    only: Option<&Vec<Key>>,
    watched: bool,
) -> Result<Output, ToolError> {
    let marking = marking(instance, key, only, watched).await?;
    let title = titled(&marking.item);
    let word = if watched { "watched" } else { "unwatched" };
    if marking.open.is_empty() {
        return Output::json(&json!({"note": format!("{title} is {word} already; nothing was changed")}));
    }
    let path = if watched { "/:/scrobble" } else { "/:/unscrobble" };
    // The whole at once where all of it changes, else one by one: watching twice would count twice.
    let keys = if marking.open.len() == marking.all && only.is_none() { vec![key.0] } else { marking.open.clone() };
    if keys.len() > MOST_CHANGED {
        let text = format!(
            "{} episodes would change one by one, at most {MOST_CHANGED}; mark it season by season",
            keys.len()
        );
        return Err(ToolError::TellModel(text));
    }
    let mut missed = 0;
    for key in &keys {
        if instance.change_either_way(Method::PUT, path, &Instance::about(*key)).await?.is_none() {
            missed += 1;
        }
    }
    let after = wanted(instance, key).await?;
    let still = leaves(instance, &after).await?;
    let open = still.iter().filter(|(leaf, seen)| marking.open.contains(leaf) && *seen != watched).count();
    if open > 0 || missed > 0 {
        let text =
            format!("it took the marks of {title}, and {} of {} are not {word}", open.max(missed), marking.open.len());
        return Err(instance.could_not(&text));
    }
    let back = if watched { MarkUnwatched::NAME } else { MarkWatched::NAME };
    let is_leaf = marking.open == [key.0];
    let mut old = json!({"rating_key": key.0});
    if !is_leaf && marking.open.len() < marking.all {
        old["episodes"] = json!(marking.open);
    }
    let other = if watched { "unwatched" } else { "watched" };
    // Plex forgets where somebody was in the middle, and takes that from nobody but a player.
    let lost = if marking.item["viewOffset"].is_null() { "" } else { "; where it was left is not brought back" };
    let undo = UndoCall {
        tool: back.into(),
        arguments: arguments(old, &name.cloned()),
        title: format!("Mark {title} as {other} again{lost}"),
    };
    let count = marking.open.len();
    let of =
        if is_leaf { String::new() } else { format!(" ({count} {})", if count == 1 { "episode" } else { "episodes" }) };
    Ok(done(instance, format!("{title} is marked as {word} on Plex{of}."), &after).with_undo(undo))
}

async fn marking_card(
    plex: &Plex,
    name: Option<&str>,
    key: Key,
    only: Option<&Vec<Key>>,
    watched: bool,
) -> Result<Card, ToolError> {
    let instance = plex.instance(name)?;
    let marking = marking(instance, key, only, watched).await?;
    let word = if watched { "Becomes watched" } else { "Becomes unwatched" };
    let what = match marking.item["type"].as_str() {
        Some("show" | "season") => format!("{} of {} episodes", marking.open.len(), marking.all),
        _ => "this title".into(),
    };
    Ok(card(instance, &marking.item).fact(word, what))
}

/// Mark a film, an episode, a season or a whole series as watched on Plex.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkWatched {
    /// The item's rating key.
    rating_key: Key,
    /// Only these episodes of it, by rating key.
    episodes: Option<Vec<Key>>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for MarkWatched {
    const NAME: &'static str = "plex_mark_watched";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "plex mark watched seen als gesehen markieren marcar como visto marquer vu";
    type Service = Plex;

    fn title(&self) -> String {
        "Mark a title as watched on Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        marking_card(plex, self.instance.as_deref(), self.rating_key, self.episodes.as_ref(), true).await
    }

    fn wording(&self, _: &Plex) -> Wording {
        wording("Mark this as watched on Plex?", "Nothing was marked.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        mark(instance, self.instance.as_ref(), self.rating_key, self.episodes.as_ref(), true).await
    }
}

/// Mark a film, an episode, a season or a whole series as unwatched on Plex; where it was left is forgotten.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkUnwatched {
    /// The item's rating key.
    rating_key: Key,
    /// Only these episodes of it, by rating key.
    episodes: Option<Vec<Key>>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for MarkUnwatched {
    const NAME: &'static str = "plex_mark_unwatched";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex mark unwatched not seen als ungesehen markieren marcar como no visto marquer non vu";
    type Service = Plex;

    fn title(&self) -> String {
        "Mark a title as unwatched on Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        marking_card(plex, self.instance.as_deref(), self.rating_key, self.episodes.as_ref(), false).await
    }

    fn wording(&self, _: &Plex) -> Wording {
        wording("Mark this as unwatched on Plex?", "Nothing was marked.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        mark(instance, self.instance.as_ref(), self.rating_key, self.episodes.as_ref(), false).await
    }
}

/// Take a title out of "continue watching"; where it was left is kept.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveFromContinue {
    /// The item's rating key.
    rating_key: Key,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for RemoveFromContinue {
    const NAME: &'static str = "plex_remove_from_continue";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("Plex puts it back only when it is played again");
    const KEYWORDS: &'static str = "plex remove from continue watching hide aus weiterschauen entfernen quitar de seguir viendo retirer de continuer";
    type Service = Plex;

    fn title(&self) -> String {
        "Take a title out of “continue watching”".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        Ok(card(instance, &wanted(instance, self.rating_key).await?))
    }

    fn wording(&self, _: &Plex) -> Wording {
        wording("Take this out of “continue watching”?", "It stays in “continue watching”.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let item = wanted(instance, self.rating_key).await?;
        let query: Query = vec![("ratingKey", self.rating_key.0.to_string())];
        if instance.change(Method::PUT, "/actions/removeFromContinueWatching", &query).await?.is_none() {
            return Err(instance.could_not("this server cannot take titles out of that list"));
        }
        Ok(done(instance, format!("{} is out of “continue watching”.", titled(&item)), &item))
    }
}

/// Have Plex read a title's description and pictures anew.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshItem {
    /// The item's rating key.
    rating_key: Key,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for RefreshItem {
    const NAME: &'static str = "plex_refresh_item";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("what was read before is not kept");
    const KEYWORDS: &'static str = "plex refresh metadata poster wrong description metadaten aktualisieren actualizar metadatos actualiser métadonnées";
    type Service = Plex;

    fn title(&self) -> String {
        "Have Plex read a title's description anew".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        Ok(card(instance, &wanted(instance, self.rating_key).await?))
    }

    fn wording(&self, _: &Plex) -> Wording {
        wording("Have Plex read this title's description anew?", "The description stays as it is.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let item = wanted(instance, self.rating_key).await?;
        let path = format!("/library/metadata/{}/refresh", self.rating_key.0);
        if instance.change(Method::PUT, &path, &Query::new()).await?.is_none() {
            return Err(instance.could_not("it did not begin to read it anew"));
        }
        Ok(done(instance, format!("Plex has begun to read {} anew.", titled(&item)), &item))
    }
}

/// Delete a title from Plex with its files. Where Radarr or Sonarr have it, delete it there, or they fetch it again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteItem {
    /// The item's rating key.
    rating_key: Key,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

/// What goes: how many files, how many bytes, where.
struct Doomed {
    item: Value,
    files: Vec<(String, u64)>,
}

impl DeleteItem {
    async fn doomed(&self, instance: &Instance) -> Result<Doomed, ToolError> {
        let item = wanted(instance, self.rating_key).await?;
        let files = match item["type"].as_str() {
            Some("show" | "season") => {
                let path = format!("/library/metadata/{}/allLeaves", self.rating_key.0);
                let answer = instance.find(&path, &Query::new(), Age::Now).await?;
                answer.as_deref().map_or(&[][..], items).iter().flat_map(tell::files).collect()
            }
            Some("movie" | "episode") => tell::files(&item),
            Some("collection") => {
                return Err(ToolError::TellModel("that is a collection; use plex_collection_delete".into()));
            }
            _ => return Err(ToolError::TellModel("only films, series, seasons and episodes are deleted so".into())),
        };
        if files.len() > MOST_DELETED {
            let text =
                format!("{} files would go, at most {MOST_DELETED} at once; delete it season by season", files.len());
            return Err(ToolError::TellModel(text));
        }
        Ok(Doomed { item, files })
    }
}

impl Tool for DeleteItem {
    const NAME: &'static str = "plex_delete_item";
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("the files are gone");
    const KEYWORDS: &'static str =
        "plex delete remove item files löschen entfernen dateien borrar eliminar archivos supprimer effacer fichiers";
    type Service = Plex;

    fn title(&self) -> String {
        "Delete a title with its files from Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let Doomed { item, files } = self.doomed(instance).await?;
        let bytes: u64 = files.iter().map(|(_, size)| size).sum();
        let mut shown = card(instance, &item).fact(
            "Goes",
            format!("{} {}, {}", files.len(), if files.len() == 1 { "file" } else { "files" }, tell::size(bytes)),
        );
        if let Some(folder) = files.first().and_then(|(path, _)| path.rsplit_once('/')).map(|(folder, _)| folder) {
            shown = shown.fact("Folder", folder);
        }
        shown.text = "Radarr or Sonarr may fetch it again when they have it; delete it there instead.".into();
        Ok(shown)
    }

    fn wording(&self, _: &Plex) -> Wording {
        wording("Delete this with its files from Plex?", "Nothing was deleted.")
    }

    async fn check(&self, plex: &Plex, _: &Call) -> Result<Option<Output>, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let is_there = instance.item(self.rating_key.0, Age::Now).await?.is_some();
        Ok((!is_there).then(|| Output::done("It is gone from Plex.")))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let Doomed { item, files } = self.doomed(instance).await?;
        let name = titled(&item);
        let path = format!("/library/metadata/{}", self.rating_key.0);
        let gone = instance.change(Method::DELETE, &path, &Query::new()).await?;
        instance.library_is_stale();
        if gone.is_none() {
            return Err(instance.could_not("it does not let titles be deleted"));
        }
        if instance.item(self.rating_key.0, Age::Now).await?.is_some() {
            return Err(instance.could_not(&format!("it took the order to delete {name}, and still has it")));
        }
        let bytes: u64 = files.iter().map(|(_, size)| size).sum();
        Ok(Output::done(format!("{name} was deleted from Plex with {}.", tell::size(bytes))))
    }
}

/// Several items for a list that is made or grown; every one must be there.
pub async fn all_wanted(instance: &Instance, keys: &[Key]) -> Result<Vec<Value>, ToolError> {
    if keys.is_empty() || keys.len() > MOST_CHANGED {
        return Err(ToolError::TellModel(format!("give 1 to {MOST_CHANGED} rating_keys")));
    }
    join_all(keys.iter().map(|key| wanted(instance, *key))).await.into_iter().collect()
}

/// A few titles in a sentence, and how many more there are.
pub fn few_titles(found: &[Value]) -> String {
    let named: Vec<String> = found.iter().take(4).map(titled).collect();
    match found.len().saturating_sub(4) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
