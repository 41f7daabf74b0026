//! The library as a whole: its sections, what is new, what is next, what nobody has seen.

use super::{
    arguments::{Level, Shelf, limit, one_line, section, sections},
    client::{Age, Host, Instance, Plex, Query, Section},
    index::Outside,
    search::{choices, count, page},
    tell::{self, items, listed, listed_with, nothing, told, total},
};
use futures_util::future::{try_join, try_join_all};
use majordomo_domain::{
    Call, Effect, Output, Tool, ToolError,
    text::{clean, shorten},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Newest first, over several sections.
fn newest(mut found: Vec<Value>, field: &str) -> Vec<Value> {
    found.sort_by_key(|item| std::cmp::Reverse(tell::number(&item[field]).unwrap_or(0)));
    found
}

/// The newest items of some sections, and how many items those hold.
async fn recent(instance: &Instance, sections: &[Section], limit: usize) -> Result<(Vec<Value>, usize), ToolError> {
    let asked = sections.iter().map(|section| {
        let query: Query = vec![("type", section.item_type().to_string()), ("sort", "addedAt:desc".to_owned())];
        async move { page(instance, section, &query, limit).await }
    });
    let answers = try_join_all(asked).await?;
    let found = answers.iter().flat_map(|answer| items(answer).iter().cloned()).collect();
    Ok((newest(found, "addedAt"), answers.iter().map(|answer| total(answer)).sum()))
}

/// Next to watch, from the list, else from what was begun.
async fn on_deck(
    instance: &Instance,
    sections: Option<&[Section]>,
    limit: usize,
) -> Result<(Vec<Value>, usize), ToolError> {
    let paged = || vec![("X-Plex-Container-Start", "0".to_owned()), ("X-Plex-Container-Size", limit.to_string())];
    match sections {
        None => match instance.find("/library/onDeck", &paged(), Age::List).await? {
            Some(answer) => Ok((items(&answer).to_vec(), total(&answer))),
            None => begun(instance, limit).await,
        },
        Some(sections) => {
            let (mut found, mut all) = (Vec::new(), 0);
            for section in sections {
                let path = format!("/library/sections/{}/onDeck", section.key);
                let Some(answer) = instance.find(&path, &paged(), Age::List).await? else {
                    return begun(instance, limit).await;
                };
                found.extend(items(&answer).iter().cloned());
                all += total(&answer);
            }
            Ok((newest(found, "lastViewedAt"), all))
        }
    }
}

/// What was begun and not ended, by a question every server understands.
async fn begun(instance: &Instance, limit: usize) -> Result<(Vec<Value>, usize), ToolError> {
    let sections = sections(instance, None, None).await?;
    let asked = sections.iter().map(|section| {
        let kind = if section.kind == "show" { "4" } else { "1" };
        let query: Query =
            vec![("type", kind.to_owned()), ("inProgress", "1".to_owned()), ("sort", "lastViewedAt:desc".to_owned())];
        async move { page(instance, section, &query, limit).await }
    });
    let answers = try_join_all(asked).await?;
    let found = answers.iter().flat_map(|answer| items(answer).iter().cloned()).collect();
    Ok((newest(found, "lastViewedAt"), answers.iter().map(|answer| total(answer)).sum()))
}

async fn continued(instance: &Instance, limit: usize) -> Result<(Vec<Value>, usize), ToolError> {
    let paged = vec![("X-Plex-Container-Start", "0".to_owned()), ("X-Plex-Container-Size", limit.to_string())];
    if let Some(answer) = instance.find("/hubs/continueWatching/items", &paged, Age::List).await? {
        return Ok((items(&answer).to_vec(), total(&answer)));
    }
    // The described form has the items within a hub.
    let counted = vec![("count", limit.to_string())];
    if let Some(answer) = instance.find("/hubs/continueWatching", &counted, Age::List).await? {
        let hubs = answer["MediaContainer"]["Hub"].as_array().into_iter().flatten();
        let found: Vec<Value> =
            hubs.flat_map(|hub| hub["Metadata"].as_array().into_iter().flatten()).cloned().collect();
        let all = found.len();
        return Ok((found, all));
    }
    on_deck(instance, None, limit).await
}

/// The question for what is unwatched: spelled otherwise for series, where the films' spelling gives the whole library.
fn unwatched_query(section: &Section) -> Query {
    let field = if section.kind == "show" { "show.unwatchedLeaves" } else { "unwatched" };
    vec![("type", section.item_type().to_string()), (field, "1".to_owned())]
}

/// The whole library at a glance: sections with counts, newest titles, next to watch, begun, and how much is unwatched.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Overview {
    /// Films or series only; both when absent.
    section_type: Option<Shelf>,
    /// Items of each list, 1 to 100; 5 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Overview {
    const NAME: &'static str = "plex_library_overview";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex library overview summary how many films series what is there \
        übersicht überblick wie viele bibliothek resumen cuántas biblioteca aperçu combien bibliothèque";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking over the Plex library".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 5)?, self.response_level.unwrap_or_default());
        let sections = sections(instance, None, self.section_type).await?;
        let counts = try_join_all(sections.iter().map(|section| async move {
            let all: Query = vec![("type", section.item_type().to_string())];
            let unwatched = unwatched_query(section);
            try_join(count(instance, section, &all), count(instance, section, &unwatched)).await
        }));
        let on_shelf = self.section_type.map(|_| sections.as_slice());
        let lists = async {
            let recent = recent(instance, &sections, limit);
            let next = on_deck(instance, on_shelf, limit);
            let ((recent, next), begun) = try_join(try_join(recent, next), continued(instance, limit)).await?;
            Ok((recent, next, begun))
        };
        let (counts, (recent, next, begun)) = try_join(counts, lists).await?;
        let list = |(found, all): &(Vec<Value>, usize)| {
            let shown: Vec<Value> = found.iter().take(limit).map(|item| told(item, level)).collect();
            json!({"count": all.max(&shown.len()), "items": shown})
        };
        let told_sections: Vec<Value> = sections
            .iter()
            .zip(&counts)
            .map(|(section, (all, unwatched))| {
                json!({"title": section.title, "key": section.key, "type": section.kind, "count": all, "unwatched": unwatched})
            })
            .collect();
        let unwatched: usize = counts.iter().map(|(_, unwatched)| unwatched).sum();
        let cards = recent.0.iter().take(4).map(|item| tell::card(instance, item)).collect();
        let told = json!({
            "sections": told_sections, "unwatched_total": unwatched, "recently_added": list(&recent), "on_deck": list(&next),
            "continue_watching": list(&begun), "total_results": counts.iter().map(|(all, _)| all).sum::<usize>(),
        });
        Ok(Output::json(&told)?.with_cards(cards))
    }
}

/// The libraries of a Plex server: title, number, kind, folders and how many items each holds.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sections {
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Sections {
    const NAME: &'static str = "plex_sections";
    const ALIASES: &'static [&'static str] = &["get_plex_library_sections"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex libraries sections folders count bibliotheken ordner bibliotecas carpetas bibliothèques dossiers";
    type Service = Plex;

    fn title(&self) -> String {
        "Listing the Plex libraries".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let sections = instance.sections().await?;
        let counts = try_join_all(sections.iter().map(|section| {
            let query: Query = vec![("type", section.item_type().to_string())];
            async move { count(instance, section, &query).await }
        }))
        .await?;
        let told: Vec<Value> = sections
            .iter()
            .zip(counts)
            .map(|(section, count)| {
                json!({"title": section.title, "key": section.key, "type": section.kind, "count": count, "agent": section.agent,
                    "folders": section.folders, "scanned": tell::minute(&json!(section.scanned_at))})
            })
            .collect();
        if told.is_empty() {
            return nothing("the server has no libraries");
        }
        Output::json(&json!({"total_results": told.len(), "sections": told}))
    }
}

/// Page through one library in an order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Items {
    /// The library, by title or number.
    section: String,
    /// A field of Plex and a direction, such as `addedAt:desc`, `titleSort`, `year:desc`, `duration`.
    sort: Option<String>,
    /// Items to pass over; 0 when absent.
    offset: Option<u32>,
    /// Items told, 1 to 100; 20 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Items {
    const NAME: &'static str = "plex_section_items";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex list all items of a library page browse alle titel auflisten listar todo lister tout";
    type Service = Plex;

    fn title(&self) -> String {
        format!("Paging through {}", shorten(&clean(&self.section), 40))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 20)?, self.response_level.unwrap_or_default());
        let section = section(instance, &self.section).await?;
        let mut query: Query = vec![("type", section.item_type().to_string())];
        if let Some(sort) = self.sort.as_deref().map(str::trim).filter(|sort| !sort.is_empty()) {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | ',');
            if !sort.chars().all(is_plain) || sort.len() > 80 {
                return Err(ToolError::TellModel("sort is a field and a direction, such as addedAt:desc".into()));
            }
            query.push(("sort", sort.to_owned()));
        }
        query.push(("X-Plex-Container-Start", self.offset.unwrap_or(0).to_string()));
        query.push(("X-Plex-Container-Size", limit.to_string()));
        let answer = instance.get(&format!("/library/sections/{}/all", section.key), &query, Age::List).await?;
        let more = json!({"library": section.title, "offset": self.offset.unwrap_or(0)});
        listed_with(instance, items(&answer), total(&answer), limit, level, more)
    }
}

/// What a library can be filtered by: its genres, years, actors, directors, age ratings, resolutions and so on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// The library, by title or number.
    section: String,
    /// Which choices; the kinds themselves and the orders when absent.
    filter: Option<Choice>,
    /// Only choices with these letters.
    contains: Option<String>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Choice {
    Genre,
    Year,
    Decade,
    #[serde(alias = "content_rating")]
    ContentRating,
    Director,
    Actor,
    Country,
    Studio,
    Collection,
    Resolution,
}

impl Choice {
    fn name(self) -> &'static str {
        match self {
            Choice::Genre => "genre",
            Choice::Year => "year",
            Choice::Decade => "decade",
            Choice::ContentRating => "contentRating",
            Choice::Director => "director",
            Choice::Actor => "actor",
            Choice::Country => "country",
            Choice::Studio => "studio",
            Choice::Collection => "collection",
            Choice::Resolution => "resolution",
        }
    }
}

impl Tool for Filters {
    const NAME: &'static str = "plex_section_filters";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex genres years actors directors choices filter sort which genres are there genres schauspieler filtros géneros filtres genres";
    type Service = Plex;

    fn title(&self) -> String {
        format!("Reading what {} can be filtered by", shorten(&clean(&self.section), 40))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        const TOLD: usize = 100;
        let instance = plex.instance(self.instance.as_deref())?;
        let section = section(instance, &self.section).await?;
        let Some(choice) = self.filter else {
            let base = format!("/library/sections/{}", section.key);
            let (filters, sorts) = try_join(
                instance.find(&format!("{base}/filters"), &Query::new(), Age::Reference),
                instance.find(&format!("{base}/sorts"), &Query::new(), Age::Reference),
            )
            .await?;
            let names = |answer: &Option<std::sync::Arc<Value>>, field: &str| -> Vec<String> {
                let list = answer.as_ref().map(|answer| &answer["MediaContainer"]["Directory"]);
                list.and_then(Value::as_array).into_iter().flatten().map(|one| tell::text(&one[field], 40)).collect()
            };
            return Output::json(
                &json!({"library": section.title, "filters": names(&filters, "filter"), "sorts": names(&sorts, "key")}),
            );
        };
        let wanted = self.contains.unwrap_or_default().trim().to_lowercase();
        let all = choices(instance, &section, choice.name(), section.item_type()).await?;
        let found: Vec<&String> =
            all.iter().map(|(title, _)| title).filter(|title| title.to_lowercase().contains(&wanted)).collect();
        if found.is_empty() {
            return nothing("the library offers no such choices");
        }
        let shown: Vec<&&String> = found.iter().take(TOLD).collect();
        Output::json(
            &json!({"library": section.title, "filter": choice.name(), "total_results": found.len(), "choices": shown}),
        )
    }
}

/// Find a title in the library by an id: `tmdb://603`, `imdb://tt0133093`, `tvdb://81189` or `plex://movie/…`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindByGuid {
    /// The id with its service in front.
    guid: String,
    /// Whether the number is a film's or a series': TMDb counts them apart. A film when absent.
    #[serde(alias = "media_type")]
    r#type: Option<Shelf>,
    /// How much is told.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for FindByGuid {
    const NAME: &'static str = "plex_find_by_guid";
    const EFFECT: Effect = Effect::Read;
    /// The first question reads the whole library.
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(60));
    const KEYWORDS: &'static str =
        "plex id tmdb imdb tvdb do we have it already in library vorhanden schon da ya está déjà présent";
    type Service = Plex;

    fn title(&self) -> String {
        format!("Looking for {} in Plex", shorten(&clean(&self.guid), 60))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (guid, level) = (one_line("id", &self.guid)?, self.response_level.unwrap_or(Level::Standard));
        if guid.starts_with("plex://") {
            let shelf = if guid.starts_with("plex://show/") { Shelf::Show } else { Shelf::Movie };
            let mut found = Vec::new();
            for section in sections(instance, None, Some(shelf)).await? {
                let query: Query = vec![("type", shelf.number().to_string()), ("guid", guid.clone())];
                found.extend(items(&*page(instance, &section, &query, 5).await?).iter().cloned());
            }
            let all = found.len();
            return listed(instance, &found, all, 5, level);
        }
        let shelf = self.r#type.unwrap_or(Shelf::Movie);
        let wanted = Outside::parse(&guid).ok_or_else(|| {
            ToolError::TellModel("the id is not one of tmdb://…, imdb://tt…, tvdb://… or plex://movie/…".into())
        })?;
        let library = instance.library().await?;
        let kinds = if matches!(wanted, Outside::Tmdb(_)) { vec![shelf] } else { vec![Shelf::Movie, Shelf::Show] };
        let mut found = Vec::new();
        for have in kinds.into_iter().filter_map(|kind| library.find(kind, wanted)) {
            found.extend(instance.item(have.rating_key.into(), Age::List).await?);
        }
        let all = found.len();
        listed(instance, &found, all, 5, level)
    }
}

/// The newest titles of the library, newest first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecentlyAdded {
    /// Films or series only; both when absent.
    section_type: Option<Shelf>,
    /// One library by title or number.
    section: Option<String>,
    /// Items told, 1 to 100; 20 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for RecentlyAdded {
    const NAME: &'static str = "plex_recently_added";
    const ALIASES: &'static [&'static str] = &["get_plex_recently_added"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex new newest latest added recently what is new neu neueste hinzugefügt novedades nuevo añadido nouveautés récemment ajouté";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking at what is new on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 20)?, self.response_level.unwrap_or_default());
        let sections = sections(instance, self.section.as_deref(), self.section_type).await?;
        let (found, all) = recent(instance, &sections, limit).await?;
        listed(instance, &found, all, limit, level)
    }
}

/// What is next to watch: begun films, and the next episode of series somebody follows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnDeck {
    /// One library by title or number; all when absent.
    section: Option<String>,
    /// Items told, 1 to 100; 20 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for OnDeck {
    const NAME: &'static str = "plex_on_deck";
    const ALIASES: &'static [&'static str] = &["get_plex_on_deck"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex next episode on deck what to watch next nächste folge weiter siguiente episodio prochain épisode suite";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking at what is next on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 20)?, self.response_level.unwrap_or_default());
        let named = self.section.as_deref().filter(|name| !name.trim().is_empty());
        let chosen = match named {
            Some(_) => Some(sections(instance, named, None).await?),
            None => None,
        };
        let (found, all) = on_deck(instance, chosen.as_deref(), limit).await?;
        listed(instance, &found, all, limit, level)
    }
}

/// What was begun and not finished, with the minute where it was left.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContinueWatching {
    /// Items told, 1 to 100; 20 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for ContinueWatching {
    const NAME: &'static str = "plex_continue_watching";
    const ALIASES: &'static [&'static str] = &["get_plex_continue_watching"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex continue watching resume left off half weiterschauen angefangen fortsetzen seguir viendo continuar reprendre continuer \
        where I stopped weiter sigue por donde lo dejé reprends où je me suis arrêté";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking at what was left half-watched".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 20)?, self.response_level.unwrap_or_default());
        let (found, all) = continued(instance, limit).await?;
        listed(instance, &found, all, limit, level)
    }
}

/// Films nobody has watched, or series with unwatched episodes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unwatched {
    /// Films or series; both when absent.
    section_type: Option<Shelf>,
    /// One library by title or number.
    section: Option<String>,
    /// Items told, 1 to 100; 20 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Unwatched {
    const NAME: &'static str = "plex_unwatched";
    const ALIASES: &'static [&'static str] = &["get_plex_unwatched"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex unwatched not seen yet ungesehen noch nicht gesehen sin ver no visto pas vu non vus";
    type Service = Plex;

    fn title(&self) -> String {
        format!("Looking for unwatched {}", self.section_type.map_or("titles", Shelf::words))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 20)?, self.response_level.unwrap_or_default());
        let sections = sections(instance, self.section.as_deref(), self.section_type).await?;
        let asked = sections.iter().map(|section| async move {
            let mut query = unwatched_query(section);
            query.push(("sort", "addedAt:desc".to_owned()));
            page(instance, section, &query, limit).await
        });
        let answers = try_join_all(asked).await?;
        let found = answers.iter().flat_map(|answer| items(answer).iter().cloned()).collect();
        let all = answers.iter().map(|answer| total(answer)).sum();
        listed(instance, &newest(found, "addedAt"), all, limit, level)
    }
}

/// The key by which the watchlist knows a title, from an id of another service.
pub async fn discover_key(instance: &Instance, shelf: Shelf, guid: &str) -> Result<Option<Value>, ToolError> {
    let query: Query = vec![("type", shelf.number().to_string()), ("guid", guid.to_owned())];
    let answer = instance.cloud(Host::Metadata, "/library/metadata/matches", &query).await?;
    Ok(answer.and_then(|answer| items(&answer).first().cloned()))
}
