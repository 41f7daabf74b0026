//! Finding titles in the library: by words, by what they are, by how good the picture is.

use super::{
    arguments::{Level, Shelf, limit, one_line, sections},
    client::{Age, Instance, Plex, Query, Section},
    tell::{items, key, listed_with, total},
};
use futures_util::future::{join_all, try_join_all};
use majordomo_domain::{
    Call, Effect, Output, Tool, ToolError,
    text::{clean, shorten},
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Names one kind of filter takes.
const MOST_NAMES: usize = 10;
/// Choices named when one is not there.
const CHOICES_TOLD: usize = 40;

/// Search the household's Plex library by words, by filters, or both. Filters of one kind mean or, different kinds mean and.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Words of a title. May be left out when there are filters.
    query: Option<String>,
    /// Films or series only; both when absent.
    #[serde(alias = "media_type", alias = "section_type")]
    r#type: Option<Shelf>,
    /// One library by title or number; all when absent.
    section: Option<String>,
    /// What titles must be.
    filters: Option<Filters>,
    /// Items told, 1 to 100; 20 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

/// Each is optional.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Filters {
    /// First year.
    year_min: Option<u32>,
    /// Last year.
    year_max: Option<u32>,
    /// Names of genres; any of them.
    #[serde(deserialize_with = "names")]
    genres: Option<Vec<String>>,
    /// Names of actors; any of them.
    #[serde(deserialize_with = "names")]
    actors: Option<Vec<String>>,
    /// Names of directors; any of them.
    #[serde(deserialize_with = "names")]
    directors: Option<Vec<String>>,
    /// Names of collections; any of them.
    #[serde(deserialize_with = "names")]
    collections: Option<Vec<String>>,
    /// Names of countries; any of them.
    #[serde(deserialize_with = "names")]
    countries: Option<Vec<String>>,
    /// Age ratings such as PG-13; any of them.
    #[serde(deserialize_with = "names", alias = "content_ratings")]
    content_rating: Option<Vec<String>>,
    /// Resolutions: 4k, 1080, 720, 480, sd; any of them.
    #[serde(deserialize_with = "names")]
    resolution: Option<Vec<String>>,
    /// Only with HDR.
    hdr: Option<bool>,
    /// Only what is not watched (true) or watched (false).
    unwatched: Option<bool>,
    /// Only what was begun.
    in_progress: Option<bool>,
    /// Least rating, 0 to 10.
    rating_min: Option<f64>,
    /// Highest rating, 0 to 10.
    rating_max: Option<f64>,
    /// Longest running time in minutes.
    minutes_max: Option<u32>,
    /// Added within so many days.
    added_within_days: Option<u32>,
    /// Order.
    sort_by: Option<Order>,
    /// Direction; descending when absent, but for titles.
    sort_order: Option<Direction>,
}

/// What results are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Order {
    Title,
    Year,
    Rating,
    #[serde(alias = "added_at", alias = "added")]
    AddedAt,
    #[serde(alias = "last_viewed_at", alias = "last_viewed")]
    LastViewedAt,
    Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Direction {
    Asc,
    Desc,
}

/// One name or several: models write both.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Option::<Written>::deserialize(deserializer)? {
        None => None,
        Some(Written::One(name)) => Some(vec![name]),
        Some(Written::Several(names)) => Some(names),
    })
}

impl Filters {
    fn sort(&self) -> Option<String> {
        let order = self.sort_by?;
        let (field, default) = match order {
            Order::Title => ("titleSort", Direction::Asc),
            Order::Year => ("year", Direction::Desc),
            Order::Rating => ("audienceRating", Direction::Desc),
            Order::AddedAt => ("addedAt", Direction::Desc),
            Order::LastViewedAt => ("lastViewedAt", Direction::Desc),
            Order::Duration => ("duration", Direction::Desc),
        };
        let direction = if self.sort_order.unwrap_or(default) == Direction::Desc { "desc" } else { "asc" };
        Some(format!("{field}:{direction}"))
    }

    /// Parameters that mean the same in every library.
    fn plain(&self, shelf: Shelf) -> Result<Query, ToolError> {
        let mut query = Query::new();
        match (self.year_min, self.year_max) {
            (Some(least), Some(most)) if least > most => {
                return Err(ToolError::TellModel(format!("year_min {least} is after year_max {most}")));
            }
            (Some(least), Some(most)) if least == most => query.push(("year", least.to_string())),
            (least, most) => {
                query.extend(least.map(|year| ("year>", year.to_string())));
                query.extend(most.map(|year| ("year<", year.to_string())));
            }
        }
        for (name, rating) in [("audienceRating>", self.rating_min), ("audienceRating<", self.rating_max)] {
            if let Some(rating) = rating {
                if !(0.0..=10.0).contains(&rating) {
                    return Err(ToolError::TellModel(format!("a rating is 0 to 10, not {rating}")));
                }
                query.push((name, rating.to_string()));
            }
        }
        let flag = |on: bool| if on { "1" } else { "0" }.to_owned();
        query.extend(self.hdr.map(|hdr| ("hdr", flag(hdr))));
        query.extend(self.in_progress.map(|on| ("inProgress", flag(on))));
        // The films' spelling is passed over for series without an error, and gives the whole library.
        let unwatched = match shelf {
            Shelf::Movie => "unwatched",
            Shelf::Show => "show.unwatchedLeaves",
        };
        query.extend(self.unwatched.map(|on| (unwatched, flag(on))));
        query.extend(self.minutes_max.map(|minutes| ("duration<", (u64::from(minutes) * 60_000).to_string())));
        query.extend(self.added_within_days.map(|days| ("addedAt>>", format!("-{days}d"))));
        if let Some(resolutions) = &self.resolution {
            let plain = |name: &String| {
                name.trim().to_lowercase().trim_end_matches('p').replace("2160", "4k").replace("uhd", "4k")
            };
            query.push((
                "resolution",
                checked("resolutions", resolutions)?.iter().map(plain).collect::<Vec<_>>().join(","),
            ));
        }
        if let Some(ratings) = &self.content_rating {
            query.push(("contentRating", checked("age ratings", ratings)?.join(",")));
        }
        Ok(query)
    }

    /// Kinds of names that are turned into the library's own numbers.
    fn named(&self) -> [(&'static str, &'static str, Option<&Vec<String>>); 5] {
        [
            ("genre", "genres", self.genres.as_ref()),
            ("actor", "actors", self.actors.as_ref()),
            ("director", "directors", self.directors.as_ref()),
            ("collection", "collections", self.collections.as_ref()),
            ("country", "countries", self.countries.as_ref()),
        ]
    }
}

fn checked(what: &str, names: &[String]) -> Result<Vec<String>, ToolError> {
    if names.len() > MOST_NAMES {
        return Err(ToolError::TellModel(format!("at most {MOST_NAMES} {what} at once")));
    }
    names.iter().map(|name| one_line("name", name)).collect()
}

/// What a library offers for a kind of filter: title and key.
pub async fn choices(
    instance: &Instance,
    section: &Section,
    kind: &str,
    shelf_number: u32,
) -> Result<Vec<(String, String)>, ToolError> {
    let path = format!("/library/sections/{}/{kind}", section.key);
    let Some(answer) = instance.find(&path, &vec![("type", shelf_number.to_string())], Age::Reference).await? else {
        return Ok(Vec::new());
    };
    let choice = |choice: &Value| {
        let key = choice["key"].as_str().map_or_else(|| choice["key"].to_string(), str::to_owned);
        // Some servers give the whole address of the filtered list.
        let key = key.rsplit(['/', '=']).next().unwrap_or_default().to_owned();
        (shorten(&clean(choice["title"].as_str().unwrap_or_default()), 80), key)
    };
    Ok(answer["MediaContainer"]["Directory"].as_array().into_iter().flatten().map(choice).collect())
}

/// The numbers of names in one library, those it has; and how many names the library offers.
async fn numbers(
    instance: &Instance,
    section: &Section,
    kind: &str,
    names: &[String],
) -> Result<(Vec<String>, Vec<String>), ToolError> {
    let offered = choices(instance, section, kind, section.item_type()).await?;
    let found = names.iter().flat_map(|name| {
        let name = name.to_lowercase();
        offered.iter().filter(move |(title, _)| title.to_lowercase() == name).map(|(_, key)| key.clone())
    });
    Ok((found.collect(), offered.into_iter().map(|(title, _)| title).collect()))
}

/// Items of one library that fit. None when the library has none of the names of a kind.
async fn in_section(
    instance: &Instance,
    section: &Section,
    shelf: Shelf,
    words: Option<&str>,
    filters: &Filters,
    limit: usize,
) -> Result<Option<(Vec<Value>, usize)>, ToolError> {
    let mut query: Query = vec![("type", shelf.number().to_string())];
    query.extend(words.map(|words| ("title", words.to_owned())));
    query.extend(filters.plain(shelf)?);
    for (kind, what, names) in filters.named() {
        let Some(names) = names.filter(|names| !names.is_empty()) else { continue };
        let (found, _) = numbers(instance, section, kind, &checked(what, names)?).await?;
        if found.is_empty() {
            return Ok(None);
        }
        query.push((kind, found.join(",")));
    }
    query.extend(filters.sort().map(|sort| ("sort", sort)));
    let answer = page(instance, section, &query, limit).await?;
    Ok(Some((items(&answer).to_vec(), total(&answer))))
}

/// The first items of a section's list.
pub async fn page(
    instance: &Instance,
    section: &Section,
    query: &Query,
    limit: usize,
) -> Result<std::sync::Arc<Value>, ToolError> {
    let mut query = query.clone();
    query.push(("X-Plex-Container-Start", "0".to_owned()));
    query.push(("X-Plex-Container-Size", limit.to_string()));
    instance.get(&format!("/library/sections/{}/all", section.key), &query, Age::List).await
}

/// How many items of a section fit.
pub async fn count(instance: &Instance, section: &Section, query: &Query) -> Result<usize, ToolError> {
    Ok(total(&*page(instance, section, query, 0).await?))
}

impl Tool for Search {
    const NAME: &'static str = "plex_search";
    const ALIASES: &'static [&'static str] = &["search_plex"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "library films movies series shows have we got genre actor director year unwatched find collection \
        bibliothek haben wir filme serien suchen schauspieler regisseur jahr biblioteca tenemos películas series buscar actor \
        bibliothèque avons-nous films séries chercher acteur réalisateur";
    type Service = Plex;

    fn title(&self) -> String {
        match &self.query {
            Some(query) => format!("Searching Plex for “{}”", shorten(&clean(query), 60)),
            None => "Going through the Plex library".into(),
        }
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 20)?, self.response_level.unwrap_or_default());
        let words = self.query.as_deref().filter(|query| !query.trim().is_empty());
        let words = words.map(|words| one_line("search text", words)).transpose()?;
        let found = match (&self.filters, &words) {
            (None, None) => return Err(ToolError::TellModel("give a query, filters, or both".into())),
            (None, Some(words)) => by_words(instance, words, self.r#type, self.section.as_deref(), limit).await?,
            (Some(filters), words) => {
                let sections = sections(instance, self.section.as_deref(), self.r#type).await?;
                filtered(instance, &sections, words.as_deref(), filters, limit).await?
            }
        };
        listed_with(instance, &found.items, found.total, limit, level, found.more)
    }
}

struct Found {
    items: Vec<Value>,
    total: usize,
    more: Value,
}

/// The server's own search over titles, which forgives a little.
async fn by_words(
    instance: &Instance,
    words: &str,
    shelf: Option<Shelf>,
    section: Option<&str>,
    limit: usize,
) -> Result<Found, ToolError> {
    let mut query: Query = vec![("query", words.to_owned()), ("limit", limit.to_string())];
    if section.is_some_and(|name| !name.trim().is_empty()) {
        let section = super::arguments::section(instance, section.unwrap_or_default()).await?;
        query.push(("sectionId", section.key));
    }
    let answer = instance.get("/hubs/search", &query, Age::List).await?;
    let hubs = || answer["MediaContainer"]["Hub"].as_array().into_iter().flatten();
    let wanted = |hub: &&Value| match shelf {
        Some(shelf) => hub["type"] == shelf.kind(),
        None => matches!(hub["type"].as_str(), Some("movie" | "show" | "episode")),
    };
    let items: Vec<Value> =
        hubs().filter(wanted).flat_map(|hub| hub["Metadata"].as_array().into_iter().flatten()).cloned().collect();
    let people = hubs().filter(|hub| matches!(hub["type"].as_str(), Some("actor" | "director")));
    let people: BTreeSet<String> = people
        .flat_map(|hub| hub["Directory"].as_array().into_iter().flatten())
        .filter_map(|person| person["tag"].as_str())
        .map(|name| shorten(&clean(name), 60))
        .collect();
    let mut more = json!({});
    if !people.is_empty() {
        more["people_in_the_library"] = people.into_iter().take(5).collect();
    }
    Ok(Found { total: items.len(), items, more })
}

async fn filtered(
    instance: &Instance,
    sections: &[Section],
    words: Option<&str>,
    filters: &Filters,
    limit: usize,
) -> Result<Found, ToolError> {
    let shelf = |section: &Section| if section.kind == "show" { Shelf::Show } else { Shelf::Movie };
    let asked = sections.iter().map(|section| in_section(instance, section, shelf(section), words, filters, limit));
    let answers = try_join_all(asked).await?;
    let has_some = answers.iter().any(Option::is_some);
    let mut found = Found { items: Vec::new(), total: 0, more: json!({}) };
    for (items, total) in answers.into_iter().flatten() {
        found.items.extend(items);
        found.total += total;
    }
    if let Some(order) = filters.sort_by.filter(|_| sections.len() > 1) {
        merge(&mut found.items, order, filters.sort_order);
    }
    if !has_some {
        found.more = unknown_names(instance, sections, filters).await?;
    }
    Ok(found)
}

/// Lists of several libraries become one in the order that was asked for.
fn merge(items: &mut [Value], order: Order, direction: Option<Direction>) {
    let number = |item: &Value, name: &str| item[name].as_f64().unwrap_or(f64::MIN);
    items.sort_by(|one, other| {
        let compared = match order {
            Order::Title => one["title"].as_str().cmp(&other["title"].as_str()),
            Order::Year => number(one, "year").total_cmp(&number(other, "year")),
            Order::Rating => number(one, "audienceRating").total_cmp(&number(other, "audienceRating")),
            Order::AddedAt => number(one, "addedAt").total_cmp(&number(other, "addedAt")),
            Order::LastViewedAt => number(one, "lastViewedAt").total_cmp(&number(other, "lastViewedAt")),
            Order::Duration => number(one, "duration").total_cmp(&number(other, "duration")),
        };
        let default = if order == Order::Title { Direction::Asc } else { Direction::Desc };
        if direction.unwrap_or(default) == Direction::Desc { compared.reverse() } else { compared }
    });
}

/// Which names no library has. A genre that is not there is refused with those that are; people are simply not found.
async fn unknown_names(instance: &Instance, sections: &[Section], filters: &Filters) -> Result<Value, ToolError> {
    let mut missing = Vec::new();
    for (kind, what, names) in filters.named() {
        let Some(names) = names.filter(|names| !names.is_empty()) else { continue };
        let asked = join_all(sections.iter().map(|section| numbers(instance, section, kind, names))).await;
        let asked: Vec<(Vec<String>, Vec<String>)> = asked.into_iter().collect::<Result<_, _>>()?;
        if asked.iter().any(|(found, _)| !found.is_empty()) {
            continue;
        }
        let offered: BTreeSet<String> = asked.into_iter().flat_map(|(_, offered)| offered).collect();
        if !matches!(kind, "actor" | "director") && !offered.is_empty() {
            let offered: Vec<String> = offered.into_iter().take(CHOICES_TOLD).collect();
            let text = format!("the library has none of these {what}; it has {}", offered.join(", "));
            return Err(ToolError::TellModel(text));
        }
        missing.push(format!("none of these {what} is in the library"));
    }
    Ok(json!({ "why": missing }))
}

/// Films in 4K or with HDR, and by which questions they were found.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Either is enough (true, also when absent), or both are needed.
    or_semantics: Option<bool>,
    /// One library by title or number; every one with films when absent.
    #[serde(alias = "section_id", default, deserialize_with = "number_or_name")]
    section: Option<String>,
    /// Items told, 1 to 100; 30 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

fn number_or_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(name)) => Some(name),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
}

impl Tool for Quality {
    const NAME: &'static str = "plex_movies_4k_or_hdr";
    const ALIASES: &'static [&'static str] = &["get_plex_movies_4k_or_hdr"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "4k uhd hdr dolby vision resolution quality films movies bildqualität auflösung filme calidad resolución películas qualité résolution";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking for films in 4K or HDR".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 30)?, self.response_level.unwrap_or_default());
        let sections = sections(instance, self.section.as_deref(), Some(Shelf::Movie)).await?;
        let either = self.or_semantics.unwrap_or(true);
        let (mut found, mut all, mut attempts) = (Vec::new(), 0, Vec::new());
        for section in sections.iter().filter(|section| section.kind == "movie") {
            let (items, total, tried) = sharp(instance, section, either, limit).await?;
            found.extend(items);
            all += total;
            attempts.extend(tried);
        }
        let more = json!({"or_semantics": either, "attempts": attempts});
        listed_with(instance, &found, all, limit, level, more)
    }
}

/// The films of one library, how many there are, and what was asked.
async fn sharp(
    instance: &Instance,
    section: &Section,
    either: bool,
    limit: usize,
) -> Result<(Vec<Value>, usize, Vec<Value>), ToolError> {
    let film = || ("type", "1".to_owned());
    let flag = |name: &'static str| (name, "1".to_owned());
    let uhd = || ("resolution", "4k".to_owned());
    let attempt = |query: &str, count: Option<usize>, used: bool| json!({"library": section.title, "query": query, "count": count, "used": used});
    if !either {
        let answer = page(instance, section, &vec![film(), uhd(), flag("hdr")], limit).await?;
        return Ok((
            items(&answer).to_vec(),
            total(&answer),
            vec![attempt("resolution=4k&hdr=1", Some(total(&answer)), true)],
        ));
    }
    let grouped: Query = vec![film(), flag("push"), uhd(), flag("or"), flag("hdr"), flag("pop")];
    let whole = count(instance, section, &vec![film()]).await?;
    let name = "push=1&resolution=4k&or=1&hdr=1&pop=1";
    let mut attempts = Vec::new();
    match page(instance, section, &grouped, limit).await {
        // As many as without any filter: then the group was passed over.
        Ok(answer) if total(&answer) < whole || whole == 0 => {
            return Ok((items(&answer).to_vec(), total(&answer), vec![attempt(name, Some(total(&answer)), true)]));
        }
        Ok(answer) => attempts.push(attempt(name, Some(total(&answer)), false)),
        Err(ToolError::TellModel(_)) => attempts.push(attempt(name, None, false)),
        Err(error) => return Err(error),
    }
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (name, filter) in [("resolution=4k", uhd()), ("hdr=1", flag("hdr"))] {
        let answer = page(instance, section, &vec![film(), filter], super::arguments::MAX_LIMIT).await?;
        attempts.push(attempt(name, Some(total(&answer)), true));
        found.extend(items(&answer).iter().filter(|item| key(item).is_some_and(|key| seen.insert(key))).cloned());
    }
    let total = found.len();
    Ok((found, total, attempts))
}
