//! Finding things by name or by another service's number.

use super::{
    arguments::{Choices, Level, Media, compact},
    client::{Age, Page, Query, Tmdb, search_text},
    view,
};
use futures_util::future::{self, join_all};
use majordomo_domain::{Call, Effect, Output, Tool, ToolError, text::shorten};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

fn first_page() -> u32 {
    1
}

fn five() -> usize {
    5
}

fn yes() -> bool {
    true
}

/// Find films by title. Forgives a wrong year, subtitle or punctuation, then tries people.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchMovies {
    /// Title, such as `Metropolis`.
    query: String,
    /// Year of any release.
    #[serde(default)]
    year: Option<u16>,
    /// Year of the first release; stricter than `year`.
    #[serde(default)]
    primary_release_year: Option<u16>,
    /// Add runtime, genres and IMDb id to the first results. Default true.
    #[serde(default = "yes")]
    include_details: bool,
    /// Results that get them, at most 10. Default 5.
    #[serde(default = "five")]
    max_details: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
}

impl Tool for SearchMovies {
    const NAME: &'static str = "tmdb_search_movies";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["tmdb_search"];
    const KEYWORDS: &'static str = "movie film find title lookup id \
        Film suchen finden Titel película buscar título film chercher trouver titre";
    type Service = Tmdb;

    fn title(&self) -> String {
        searching(&self.query)
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let (query, trailing) = split_year(&search_text(&self.query)?, Trailing::Bracketed);
        let year = match (self.primary_release_year, self.year.or(trailing)) {
            (Some(year), _) => Some(("primary_release_year", year)),
            (None, Some(year)) => Some(("year", year)),
            (None, None) => None,
        };
        let language = tmdb.language(self.language.as_deref())?;
        let (mut page, note, media) = forgiving(tmdb, Media::Movie, &query, year, language.clone(), self.page).await?;
        let mut details = Vec::new();
        if self.include_details && self.response_level > Level::Minimal && media == Media::Movie {
            let query: Query = vec![("language", language)];
            let first = page.results.iter().take(self.max_details.min(10));
            let asked = first.map(|item| {
                let path = format!("/movie/{}", item["id"].as_u64().unwrap_or(0));
                let query = &query;
                async move { tmdb.get(&path, query, Age::Details).await }
            });
            // A result whose details could not be had is still a result.
            details = join_all(asked).await.into_iter().map(|answer| answer.ok().flatten()).collect();
        }
        for (item, detail) in page.results.iter_mut().zip(&details) {
            let (Some(item), Some(detail)) = (item.as_object_mut(), detail) else { continue };
            for key in ["genres", "runtime", "imdb_id", "status", "belongs_to_collection"] {
                item.insert(key.into(), detail[key].clone());
            }
            item.remove("genre_ids");
        }
        let results = page.results.iter().zip(0..).map(|(item, place): (&Value, usize)| {
            let mut shown = view::item(item, Some(media), self.response_level);
            if details.get(place).is_some_and(Option::is_some) {
                let full = view::item(item, Some(media), self.response_level.max(Level::Standard));
                for key in ["genres", "runtime"] {
                    if !full[key].is_null() {
                        shown[key] = full[key].clone();
                    }
                }
                for key in ["imdb_id", "status"] {
                    if let Some(text) = view::text(&item[key], 30) {
                        shown[key] = text.into();
                    }
                }
            }
            shown
        });
        let results = results.collect();
        let cards = page.results.iter().take(view::MAX_CARDS).map(|item| view::card(item, Some(media), None)).collect();
        Ok(Output::json(&view::envelope(results, &page, json!({ "note": note })))?.with_cards(cards))
    }
}

/// Find series by title. Forgives a wrong year, subtitle or punctuation, then tries people.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchTv {
    /// Title, such as `The Clangers`.
    query: String,
    /// Year of the first episode.
    #[serde(default)]
    first_air_date_year: Option<u16>,
    /// Year of any episode.
    #[serde(default)]
    year: Option<u16>,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
}

impl Tool for SearchTv {
    const NAME: &'static str = "tmdb_search_tv";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "tv show series find title lookup id \
        Serie suchen finden Titel serie buscar título série chercher trouver titre";
    type Service = Tmdb;

    fn title(&self) -> String {
        searching(&self.query)
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let (query, trailing) = split_year(&search_text(&self.query)?, Trailing::Bracketed);
        let year = match (self.first_air_date_year.or(trailing), self.year) {
            (Some(year), _) => Some(("first_air_date_year", year)),
            (None, Some(year)) => Some(("year", year)),
            (None, None) => None,
        };
        let language = tmdb.language(self.language.as_deref())?;
        let (page, note, media) = forgiving(tmdb, Media::Tv, &query, year, language, self.page).await?;
        view::list(&page, Some(media), self.response_level, json!({ "note": note }))
    }
}

/// Find actors, directors and other people by name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchPeople {
    /// Name, such as `Buster Keaton`.
    query: String,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
}

impl Tool for SearchPeople {
    const NAME: &'static str = "tmdb_search_people";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["tmdb_search_person"];
    const KEYWORDS: &'static str = "actor actress director writer person cast name id \
        Schauspieler Schauspielerin Regisseur suchen actor actriz director buscar acteur actrice réalisateur chercher";
    type Service = Tmdb;

    fn title(&self) -> String {
        searching(&self.query)
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let language = tmdb.language(self.language.as_deref())?;
        let query = query_of(tmdb, search_text(&self.query)?, language);
        let page = tmdb.page("/search/person", &query, self.page, 20).await?;
        view::list(&page, Some(Media::Person), self.response_level, Value::Null)
    }
}

/// Find films, series and people by title or name, grouped as movies, shows and people; several texts in one call.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchMulti {
    /// Title or name, or up to 8 of them; a year at the end is understood.
    query: Texts,
    /// Results altogether, 1 to 60. Default 20; 5 for each of several texts.
    #[serde(default)]
    limit: Option<usize>,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
}

/// One search text or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "query is a text, or a list of up to 8 texts")]
enum Texts {
    One(String),
    Many(Vec<String>),
}

/// Search texts one call may hold.
const MAX_TEXTS: usize = 8;

impl JsonSchema for Texts {
    fn schema_name() -> Cow<'static, str> {
        "Texts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" }, "maxItems": MAX_TEXTS })
    }
}

impl Tool for SearchMulti {
    const NAME: &'static str = "tmdb_search_multi";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["search_tool", "search_tmdb"];
    const KEYWORDS: &'static str = "search anything movie film tv show series person actor title name \
        find suchen Film Serie Person buscar película serie persona chercher film série personne";
    type Service = Tmdb;

    fn title(&self) -> String {
        match &self.query {
            Texts::One(text) => searching(text),
            Texts::Many(texts) => searching(&texts.join("”, “")),
        }
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let texts = match &self.query {
            Texts::One(text) => return self.one(tmdb, text, self.limit.unwrap_or(20)).await,
            Texts::Many(texts) => texts,
        };
        if texts.is_empty() || texts.len() > MAX_TEXTS {
            return Err(ToolError::TellModel(format!("give 1 to {MAX_TEXTS} search texts, not {}", texts.len())));
        }
        let answers = join_all(texts.iter().map(|text| self.one(tmdb, text, self.limit.unwrap_or(5)))).await;
        if let Some(Err(error)) = answers.first()
            && answers.iter().all(Result::is_err)
        {
            return Err(error.clone());
        }
        let (mut searches, mut cards) = (Vec::new(), Vec::new());
        for (text, answer) in texts.iter().zip(answers) {
            let mut told = match answer {
                Ok(output) => {
                    cards.extend(output.cards.into_iter().take(1));
                    serde_json::from_str(&output.text).map_err(|e| ToolError::Bug(e.to_string()))?
                }
                Err(error) => json!({ "error": error.to_string() }),
            };
            told["query"] = shorten(text.trim(), 100).into();
            searches.push(told);
        }
        cards.truncate(view::MAX_CARDS);
        Ok(Output::json(&json!({ "searches": searches }))?.with_cards(cards))
    }
}

impl SearchMulti {
    async fn one(&self, tmdb: &Tmdb, text: &str, limit: usize) -> Result<Output, ToolError> {
        let text = search_text(text)?;
        let language = tmdb.language(self.language.as_deref())?;
        // There is no year filter here, so a trailing year is cut off and compared with what comes back.
        let (without_year, year) = split_year(&text, Trailing::Any);
        let mut page = match year {
            None => {
                tmdb.page("/search/multi", &query_of(tmdb, text.clone(), language.clone()), self.page, limit).await?
            }
            Some(year) => {
                let query = query_of(tmdb, without_year, language.clone());
                let mut page = tmdb.page("/search/multi", &query, self.page, limit).await?;
                page.results.retain(|item| view::year(item) == Some(i32::from(year)));
                (page.total_results, page.total_pages) = (page.results.len() as u64, 1);
                page
            }
        };
        let mut note = Value::Null;
        if page.results.is_empty() {
            // The year may be part of the title.
            let mut forms: Vec<_> = year.map(|_| (text.clone(), self.page, None)).into_iter().collect();
            if self.page == 1 {
                forms.extend(simpler(&text).into_iter().map(|(simpler, why)| (simpler, 1, Some(why))));
            }
            let asked = forms.into_iter().map(|(form, number, why)| {
                let query = query_of(tmdb, form, language.clone());
                async move { (tmdb.page("/search/multi", &query, number, limit).await, why) }
            });
            if let Some((helped, why)) = first_with_results(join_all(asked).await)? {
                (page, note) = (helped, why.into());
            }
        }
        let of = |media: Media| -> Vec<Value> {
            let some = page.results.iter().filter(|item| view::media(item, None) == media);
            some.map(|item| view::item(item, None, self.response_level)).collect()
        };
        let mut answer = json!({
            "page": page.number, "total_pages": page.total_pages, "total_results": page.total_results,
            "movies": of(Media::Movie), "shows": of(Media::Tv), "people": of(Media::Person),
        });
        if page.results.is_empty() {
            note = "nothing found".into();
        }
        if !note.is_null() {
            answer["note"] = note;
        }
        let cards = page.results.iter().take(view::MAX_CARDS).map(|item| view::card(item, None, None)).collect();
        Ok(Output::json(&answer)?.with_cards(cards))
    }
}

/// Find film collections (franchises) by name; `tmdb_collection` lists their films.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchCollections {
    /// Name, such as `Dr. Mabuse`.
    query: String,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
}

impl Tool for SearchCollections {
    const NAME: &'static str = "tmdb_search_collections";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "collection franchise saga trilogy film series id \
        Filmreihe suchen saga buscar colección saga chercher";
    type Service = Tmdb;

    fn title(&self) -> String {
        format!("Searching TMDb collections for “{}”", shorten(self.query.trim(), 80))
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let language = tmdb.language(self.language.as_deref())?;
        let query = query_of(tmdb, search_text(&self.query)?, language);
        named(tmdb.page("/search/collection", &query, self.page, 20).await?)
    }
}

/// Find theme keywords such as `silent film`; their ids go into `with_keywords` of discover.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchKeywords {
    /// Word, such as `time travel`.
    query: String,
    #[serde(default = "first_page")]
    page: u32,
}

impl Tool for SearchKeywords {
    const NAME: &'static str = "tmdb_search_keywords";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "keyword theme topic tag mood id with_keywords \
        Thema Stichwort tema palabra clave thème mot-clé";
    type Service = Tmdb;

    fn title(&self) -> String {
        format!("Searching TMDb keywords for “{}”", shorten(self.query.trim(), 80))
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("query", search_text(&self.query)?)];
        named(tmdb.page("/search/keyword", &query, self.page, 20).await?)
    }
}

/// Find production companies such as `UFA`; their ids go into `with_companies` of discover.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchCompanies {
    /// Name, such as `Studio Ghibli`.
    query: String,
    #[serde(default = "first_page")]
    page: u32,
}

impl Tool for SearchCompanies {
    const NAME: &'static str = "tmdb_search_companies";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "company studio producer network id with_companies \
        Studio Produktionsfirma estudio productora studio société de production";
    type Service = Tmdb;

    fn title(&self) -> String {
        format!("Searching TMDb companies for “{}”", shorten(self.query.trim(), 80))
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("query", search_text(&self.query)?)];
        named(tmdb.page("/search/company", &query, self.page, 20).await?)
    }
}

/// Find the TMDb entry for another service's id: IMDb (`tt0017136`, `nm0000428`), TVDB, Wikidata.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// The other service's id, or several, at most 10.
    external_id: Choices,
    /// Told from the shape of the id when absent: `tt…` and `nm…` are IMDb's, `Q…` Wikidata's, digits TVDB's.
    #[serde(default)]
    external_source: Option<ExternalSource>,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "compact")]
    response_level: Level,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::enum_variant_names)]
enum ExternalSource {
    ImdbId,
    TvdbId,
    WikidataId,
    FacebookId,
    InstagramId,
    TwitterId,
    TiktokId,
    YoutubeId,
}

impl ExternalSource {
    fn as_str(self) -> &'static str {
        match self {
            ExternalSource::ImdbId => "imdb_id",
            ExternalSource::TvdbId => "tvdb_id",
            ExternalSource::WikidataId => "wikidata_id",
            ExternalSource::FacebookId => "facebook_id",
            ExternalSource::InstagramId => "instagram_id",
            ExternalSource::TwitterId => "twitter_id",
            ExternalSource::TiktokId => "tiktok_id",
            ExternalSource::YoutubeId => "youtube_id",
        }
    }

    fn of(id: &str) -> Self {
        let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        match id.chars().next() {
            Some('Q') if digits(&id[1..]) => ExternalSource::WikidataId,
            _ if digits(id) => ExternalSource::TvdbId,
            _ => ExternalSource::ImdbId,
        }
    }
}

impl Tool for Find {
    const NAME: &'static str = "tmdb_find";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["find_id_tool", "find_by_external_id"];
    const KEYWORDS: &'static str = "imdb tvdb wikidata external id lookup resolve \
        Kennung identificador identifiant";
    type Service = Tmdb;

    fn title(&self) -> String {
        format!("Looking up {} in TMDb", shorten(&self.external_id.list().0.join(", "), 80))
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let (ids, _) = self.external_id.list();
        if ids.is_empty() || ids.len() > 10 {
            return Err(ToolError::TellModel(format!("give 1 to 10 external ids, not {}", ids.len())));
        }
        let language = tmdb.language(self.language.as_deref())?;
        for id in &ids {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if id.len() > 64 || !id.chars().all(is_plain) {
                return Err(ToolError::TellModel(format!("“{}” is not an external id", shorten(id, 30))));
            }
        }
        let asked = ids.iter().map(|id| {
            let source = self.external_source.unwrap_or_else(|| ExternalSource::of(id));
            let query: Query = vec![("external_source", source.as_str().into()), ("language", language.clone())];
            let path = format!("/find/{id}");
            async move { tmdb.get(&path, &query, Age::Details).await }
        });
        let (mut results, mut cards, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for (id, answer) in ids.iter().zip(join_all(asked).await) {
            let answer = answer?;
            let before = results.len();
            for kind in ["movie", "tv", "person"] {
                let list = answer.as_ref().and_then(|a| a[format!("{kind}_results")].as_array());
                for item in list.into_iter().flatten() {
                    let media = Media::parse(kind);
                    let mut shown = view::item(item, media, self.response_level);
                    shown["external_id"] = id.as_str().into();
                    results.push(shown);
                    cards.push(view::card(item, media, None));
                }
            }
            for kind in ["tv_season", "tv_episode"] {
                let list = answer.as_ref().and_then(|a| a[format!("{kind}_results")].as_array());
                for item in list.into_iter().flatten() {
                    let mut shown = view::episode(item, 0);
                    shown["media_type"] = kind.into();
                    shown["show_id"] = item["show_id"].clone();
                    shown["external_id"] = id.as_str().into();
                    results.push(shown);
                }
            }
            if results.len() == before {
                unknown.push(id.clone());
            }
        }
        cards.truncate(view::MAX_CARDS);
        let mut answer = json!({ "total_results": results.len(), "results": results });
        if !unknown.is_empty() {
            answer["unknown_to_tmdb"] = unknown.into();
        }
        Ok(Output::json(&answer)?.with_cards(cards))
    }
}

fn searching(query: &str) -> String {
    format!("Searching TMDb for “{}”", shorten(query.trim(), 80))
}

fn query_of(tmdb: &Tmdb, text: String, language: String) -> Query {
    vec![("query", text), ("include_adult", tmdb.include_adult.to_string()), ("language", language)]
}

/// Things with an id and a name only.
fn named(page: Page) -> Result<Output, ToolError> {
    let view = |item: &Value| {
        let mut fields = view::Fields::default();
        fields.put("id", item["id"].clone()).text("name", &item["name"], 150);
        fields.text("country", &item["origin_country"], 5).text("overview", &item["overview"], 200);
        fields.object()
    };
    Output::json(&view::envelope(page.results.iter().map(view).collect(), &page, Value::Null))
}

/// TMDb's search tolerates little. On an empty first page: without the year, without a subtitle, without punctuation,
/// and as a person, before giving up. Tells what helped.
async fn forgiving(
    tmdb: &Tmdb,
    media: Media,
    text: &str,
    year: Option<(&'static str, u16)>,
    language: String,
    number: u32,
) -> Result<(Page, Option<&'static str>, Media), ToolError> {
    let path = if media == Media::Movie { "/search/movie" } else { "/search/tv" };
    let mut query = query_of(tmdb, text.to_owned(), language.clone());
    if let Some((name, year)) = year {
        query.push((name, year.to_string()));
    }
    let first = tmdb.page(path, &query, number, 20).await?;
    if !first.results.is_empty() || number > 1 {
        return Ok((first, None, media));
    }
    let mut attempts = Vec::new();
    if year.is_some() {
        attempts.push((text.to_owned(), "nothing in that year; these are from other years"));
    }
    attempts.extend(simpler(text));
    // None of them waits for another: an empty search costs one more round, not one for each.
    let asked = attempts.iter().map(|(simpler, note)| {
        let query = query_of(tmdb, simpler.clone(), language.clone());
        async move { (tmdb.page(path, &query, 1, 20).await, *note) }
    });
    let query = query_of(tmdb, text.to_owned(), language.clone());
    let (answers, people) = future::join(join_all(asked), tmdb.page("/search/person", &query, 1, 20)).await;
    if let Some((page, note)) = first_with_results(answers)? {
        return Ok((page, Some(note), media));
    }
    let people = people?;
    if people.results.is_empty() {
        return Ok((people, None, media));
    }
    Ok((people, Some("no title matches; these people do"), Media::Person))
}

/// The first answer that holds something, with what is said of it. When none does, a failure is not "nothing found".
fn first_with_results<N>(answers: Vec<(Result<Page, ToolError>, N)>) -> Result<Option<(Page, N)>, ToolError> {
    let mut failed = None;
    for (answer, note) in answers {
        match answer {
            Ok(page) if !page.results.is_empty() => return Ok(Some((page, note))),
            Ok(_) => {}
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(None), Err)
}

/// Simpler forms of a search text, each different from the ones before, with what to say when one helped.
fn simpler(text: &str) -> Vec<(String, &'static str)> {
    let mut forms: Vec<(String, &'static str)> = Vec::new();
    let mut add = |form: String, note| {
        if !form.is_empty() && form != text && !forms.iter().any(|(known, _)| *known == form) {
            forms.push((form, note));
        }
    };
    let (without_year, year) = split_year(text, Trailing::Any);
    if year.is_some() {
        add(without_year, "found without the year");
    }
    let title = text.split([':', '–', '—']).next().unwrap_or_default();
    let title = title.split(" - ").next().unwrap_or_default();
    add(title.trim().to_owned(), "found without the subtitle");
    let plain: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    add(plain.split_whitespace().collect::<Vec<_>>().join(" "), "found without punctuation");
    forms
}

/// Which years at the end of a text count as one.
#[derive(Clone, Copy, PartialEq)]
enum Trailing {
    /// `Metropolis (1927)` only: `Blade Runner 2049` is a title.
    Bracketed,
    /// `Metropolis 1927` too.
    Any,
}

/// The text without a year at its end, and the year. A text that is only a year is a title.
fn split_year(text: &str, which: Trailing) -> (String, Option<u16>) {
    let Some((before, last)) = text.rsplit_once(' ') else { return (text.to_owned(), None) };
    let inner = last.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    let digits = match (inner, which) {
        (Some(inner), _) => inner,
        (None, Trailing::Any) => last,
        (None, Trailing::Bracketed) => return (text.to_owned(), None),
    };
    match digits.parse::<u16>() {
        Ok(year) if digits.len() == 4 && (1870..=2100).contains(&year) => (before.trim().to_owned(), Some(year)),
        _ => (text.to_owned(), None),
    }
}
