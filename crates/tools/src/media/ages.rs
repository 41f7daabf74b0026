//! Age ceilings in what TMDb's and Plex's own tools tell: titles for older people are taken out before anybody reads of them.
//!
//! Knows how these two toolkits write a title. What nobody has rated, and what could not be looked up, is above every ceiling.

use super::{Media, title::Title, wish::Kind};
use crate::plex::client::Age;
use futures_util::future::join_all;
use majordomo_domain::{Call, Card, Effect, Output, ToolError, Toolkit, tool::Review};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Toolkits whose reads tell of titles.
const TOOLKITS: [&str; 2] = ["tmdb", "plex"];
/// Titles of one answer whose rating is looked up; the others are left out.
const MOST_RATED: usize = 60;
/// Arguments that name the one title a call is about, and what it is.
const SUBJECTS: [(&str, Option<Kind>); 4] =
    [("movie_id", Some(Kind::Film)), ("tv_id", Some(Kind::Series)), ("item_id", None), ("rating_key", None)];

/// A title as one of the services names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Tmdb(Kind, u64),
    /// By its rating key.
    Plex(u64),
    /// Nothing says which title it is.
    Nameless,
}

/// A toolkit whose reads tell nobody of titles above their ceiling. Others are as they were.
pub(crate) fn within_ages(mut toolkit: Toolkit, media: &Arc<Media>) -> Toolkit {
    if media.bounds.age_ceilings.is_empty() || !TOOLKITS.contains(&toolkit.name) {
        return toolkit;
    }
    let media = media.clone();
    let review: Review = Arc::new(move |arguments, output, call| {
        let media = media.clone();
        Box::pin(async move { media.fit_to_be_told(&arguments, output, &call).await })
    });
    for tool in toolkit.tools.iter_mut().filter(|tool| tool.effect == Effect::Read) {
        *tool = Arc::new(tool.reviewed(review.clone()));
    }
    toolkit
}

impl Media {
    /// The output without what is for older people than the one who calls.
    async fn fit_to_be_told(&self, arguments: &str, output: Output, call: &Call) -> Result<Output, ToolError> {
        let Some(ceiling) = self.bounds.ceiling(call.person.standing, &call.person.name) else { return Ok(output) };
        let Ok(mut told) = serde_json::from_str::<Value>(&output.text) else { return Ok(output) };
        let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
        let subjects = subjects(&arguments);
        let mut titles: BTreeSet<Named> = subjects.clone();
        name_all(&told, !subjects.is_empty(), &mut titles);
        titles.remove(&Named::Nameless);
        let instance = arguments["instance"].as_str();
        let looked_up = join_all(titles.into_iter().take(MOST_RATED).map(|named| async move {
            let age = self.age_of_named(named, instance).await;
            (named, age.is_some_and(|age| age <= ceiling))
        }));
        let fit: BTreeMap<Named, bool> = looked_up.await.into_iter().collect();
        let is_fit = |named: &Named| fit.get(named) == Some(&true);
        let about_others = "for older people than this person, or nobody has said for which age";
        if !subjects.is_empty() && !subjects.iter().all(is_fit) {
            let answer = json!({ "left_out": 1, "because": about_others });
            return Ok(Output { cards: Vec::new(), text: answer.to_string(), ..output });
        }
        let mut gone = Vec::new();
        take_out(&mut told, !subjects.is_empty(), &is_fit, &mut gone);
        if named(&told, !subjects.is_empty()).is_some_and(|named| !is_fit(&named)) {
            gone.extend(told["title"].as_str().map(str::to_owned));
            told = json!({});
        }
        let cards = output.cards.into_iter().filter(|card| !gone.iter().any(|title| is_of(card, title)));
        let cards = cards.map(without_other_works).collect();
        if !gone.is_empty() && told.is_object() {
            told["left_out"] = gone.len().into();
            told["because"] = about_others.into();
        }
        Ok(Output { cards, text: told.to_string(), ..output })
    }

    /// For whom it is, in years. None when nobody has said, or nobody could be asked.
    async fn age_of_named(&self, named: Named, instance: Option<&str>) -> Option<u32> {
        match named {
            Named::Tmdb(kind, id) => {
                let title = Title { kind, tmdb: Some(id), ..Title::default() };
                let (_, details) = self.details(&title).await.ok()??;
                details.age()
            }
            Named::Plex(key) => {
                let plex = self.plex.as_ref()?.instance(instance).ok()?;
                let item = plex.item(key, Age::Reference).await.ok()??;
                let rated = item["contentRating"].as_str().and_then(super::wish::age_of);
                if rated.is_some() {
                    return rated;
                }
                // The rating of a season or an episode is that of its series.
                let series = item["grandparentRatingKey"].as_str().or(item["parentRatingKey"].as_str());
                if let Some(series) = series.and_then(|key| key.parse().ok()) {
                    let item = plex.item(series, Age::Reference).await.ok()??;
                    return item["contentRating"].as_str().and_then(super::wish::age_of);
                }
                let kind = if item["type"] == "movie" { Kind::Film } else { Kind::Series };
                let guids = item["Guid"].as_array().into_iter().flatten();
                let id = guids.filter_map(|guid| guid["id"].as_str()).find_map(tmdb_id)?;
                let (_, details) = self.details(&Title { kind, tmdb: Some(id), ..Title::default() }).await.ok()??;
                details.age()
            }
            Named::Nameless => None,
        }
    }
}

/// The titles a call is about by its arguments.
fn subjects(arguments: &Value) -> BTreeSet<Named> {
    let mut subjects = BTreeSet::new();
    for (argument, kind) in SUBJECTS {
        let kind = kind.unwrap_or(if arguments["media_type"] == "tv" { Kind::Series } else { Kind::Film });
        let is_person = argument == "item_id" && arguments["media_type"] == "person";
        let Some(id) = number(&arguments[argument]).filter(|_| !is_person) else { continue };
        subjects.insert(if argument == "rating_key" { Named::Plex(id) } else { Named::Tmdb(kind, id) });
    }
    subjects
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

fn tmdb_id(guid: &str) -> Option<u64> {
    guid.strip_prefix("tmdb://")?.parse().ok()
}

/// Which title an object of an answer tells of; None for what is no title. `has_subject`: seasons and episodes are those of the title
/// the call is about.
fn named(object: &Value, has_subject: bool) -> Option<Named> {
    match object["media_type"].as_str() {
        Some("movie") => return Some(object["id"].as_u64().map_or(Named::Nameless, |id| Named::Tmdb(Kind::Film, id))),
        Some("tv") => return Some(object["id"].as_u64().map_or(Named::Nameless, |id| Named::Tmdb(Kind::Series, id))),
        _ => {}
    }
    let kind = object["type"].as_str();
    if let Some(key) = object.get("rating_key") {
        let is_own = has_subject && !matches!(kind, Some("movie" | "show"));
        return (!is_own).then(|| key.as_u64().map_or(Named::Nameless, Named::Plex));
    }
    object.get("discover_key")?;
    let ids = object["ids"].as_array().into_iter().flatten();
    let id = ids.filter_map(Value::as_str).find_map(tmdb_id);
    let kind = if kind == Some("show") { Kind::Series } else { Kind::Film };
    Some(id.map_or(Named::Nameless, |id| Named::Tmdb(kind, id)))
}

fn name_all(value: &Value, has_subject: bool, titles: &mut BTreeSet<Named>) {
    titles.extend(named(value, has_subject));
    match value {
        Value::Array(list) => list.iter().for_each(|one| name_all(one, has_subject, titles)),
        Value::Object(fields) => fields.values().for_each(|one| name_all(one, has_subject, titles)),
        _ => {}
    }
}

/// Takes titles that are not fit out of lists and fields, and keeps what they were called.
fn take_out(value: &mut Value, has_subject: bool, is_fit: &impl Fn(&Named) -> bool, gone: &mut Vec<String>) {
    let mut stays = |one: &Value| match named(one, has_subject) {
        Some(named) if !is_fit(&named) => {
            gone.push(one["title"].as_str().unwrap_or_default().to_owned());
            false
        }
        _ => true,
    };
    match value {
        Value::Array(list) => {
            list.retain(&mut stays);
            list.iter_mut().for_each(|one| take_out(one, has_subject, is_fit, gone));
        }
        Value::Object(fields) => {
            // Titles by name only, whose rating nobody can look up.
            fields.remove("known_for");
            fields.retain(|_, one| stays(one));
            fields.values_mut().for_each(|one| take_out(one, has_subject, is_fit, gone));
        }
        _ => {}
    }
}

/// Whether a card shows this title: `Metropolis (1927)` shows `Metropolis`.
fn is_of(card: &Card, title: &str) -> bool {
    let rest = card.title.strip_prefix(title);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
}

/// What a person is known for are titles, too.
fn without_other_works(mut card: Card) -> Card {
    card.facts.retain(|fact| fact.label != "Known for");
    card
}
