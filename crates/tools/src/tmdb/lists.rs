//! TMDb's ready-made lists, alone or several at once.

use super::{
    arguments::{Level, Media, Screen, compact},
    client::{PAGE_SIZE, Page, Query, Tmdb},
    discover::Filters,
    view,
};
use futures_util::{FutureExt, future::join_all};
use majordomo_domain::{Call, Effect, Output, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub fn first_page() -> u32 {
    1
}

pub fn full_page() -> usize {
    20
}

/// A list that takes nothing but language, page, limit and level. `$region` and `$timezone` name the extra parameter
/// of the lists that have one.
macro_rules! plain_list {
    ($(#[doc = $doc:literal])* $type:ident, $name:literal, $aliases:expr, $keywords:literal, $media:expr, $path:literal, $title:literal $(, $extra:ident: $extra_doc:literal)?) => {
        $(#[doc = $doc])*
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $type {
            $(#[doc = $extra_doc] #[serde(default)] $extra: Option<String>,)?
            /// Results, 1 to 60. Default 20.
            #[serde(default = "full_page")]
            limit: usize,
            /// Such as `de-DE`.
            #[serde(default)]
            language: Option<String>,
            #[serde(default = "first_page")]
            page: u32,
            #[serde(default = "compact")]
            response_level: Level,
        }

        impl Tool for $type {
            const NAME: &'static str = $name;
            const EFFECT: Effect = Effect::Read;
            const ALIASES: &'static [&'static str] = &$aliases;
            const KEYWORDS: &'static str = $keywords;
            type Service = Tmdb;

            fn title(&self) -> String {
                $title.into()
            }

            async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
                #[allow(unused_mut)]
                let mut query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
                $(query.extend($extra(tmdb, self.$extra.as_deref())?);)?
                let page = tmdb.page($path, &query, self.page, self.limit).await?;
                view::list(&page, Some($media), self.response_level, Value::Null)
            }
        }
    };
}

fn region(tmdb: &Tmdb, asked: Option<&str>) -> Result<Query, ToolError> {
    Ok(vec![("region", tmdb.region(asked)?)])
}

/// TMDb's day begins at midnight in New York unless another zone is named.
fn timezone(_: &Tmdb, asked: Option<&str>) -> Result<Query, ToolError> {
    match asked.map(str::trim).filter(|zone| !zone.is_empty()) {
        None => Ok(Vec::new()),
        Some(zone) if jiff::tz::TimeZone::get(zone).is_ok() => Ok(vec![("timezone", zone.to_owned())]),
        Some(_) => Err(ToolError::TellModel("timezone is not an IANA name such as Europe/Berlin".into())),
    }
}

plain_list! {
    /// Films popular now.
    PopularMovies, "tmdb_popular_movies", [], "popular movie film hits \
        beliebte Filme populär películas populares films populaires", Media::Movie, "/movie/popular",
    "Looking at popular films", region: "Country, such as `DE`; the household's when absent."
}
plain_list! {
    /// Series popular now.
    PopularTv, "tmdb_popular_tv", [], "popular tv show series hits \
        beliebte Serien populär series populares séries populaires", Media::Tv, "/tv/popular",
    "Looking at popular series"
}
plain_list! {
    /// People popular now, with what they are known for.
    PopularPeople, "tmdb_popular_people", [], "popular person actor actress director star \
        beliebte Schauspieler Stars actores populares acteurs populaires vedettes", Media::Person,
    "/person/popular", "Looking at popular people"
}
plain_list! {
    /// Best rated films of all time.
    TopRatedMovies, "tmdb_top_rated_movies", [], "best top rated movie film classics \
        highest beste bestbewertete Filme aller Zeiten mejores películas mejor valoradas historia meilleurs films mieux notés tous les temps", Media::Movie,
    "/movie/top_rated", "Looking at the best rated films", region: "Country, such as `DE`; the household's when absent."
}
plain_list! {
    /// Best rated series of all time.
    TopRatedTv, "tmdb_top_rated_tv", [], "best top rated tv show series \
        highest all time beste bestbewertete Serien aller Zeiten mejores series mejor valoradas historia meilleures séries mieux notées tous les temps", Media::Tv, "/tv/top_rated",
    "Looking at the best rated series"
}
plain_list! {
    /// Films that come to cinemas soon.
    Upcoming, "tmdb_upcoming", ["tmdb_upcoming_movies", "upcoming_tool", "get_upcoming_movies"],
    "upcoming soon new release cinema movie film \
        coming theaters theatres demnächst bald kommt ins Kino neue Filme próximamente pronto estreno estrenan cine bientôt sortie sortent prochainement cinéma", Media::Movie, "/movie/upcoming", "Looking at upcoming films",
    region: "Country, such as `DE`; the household's when absent."
}
plain_list! {
    /// Films in cinemas now.
    NowPlaying, "tmdb_now_playing", ["tmdb_now_playing_movies"], "now playing cinema theater theatre movie film \
        right now cinemas läuft gerade im Kino Kinoprogramm cartelera ahora en el cine en ce moment à l'affiche au cinéma passe",
    Media::Movie, "/movie/now_playing", "Looking at what is in cinemas",
    region: "Country, such as `DE`; the household's when absent."
}
plain_list! {
    /// Series with an episode today, as TMDb lists them. `media_airing_today` adds network and time.
    AiringToday, "tmdb_airing_today", ["tmdb_airing_today_tv"], "airing today tonight tv show series episode \
        television heute Abend Fernsehen Folge esta noche televisión hoy ce soir télévision aujourd'hui",
    Media::Tv, "/tv/airing_today", "Looking at today's episodes",
    timezone: "IANA time zone whose day counts, such as `Europe/Berlin`."
}
plain_list! {
    /// Series with an episode within the next seven days.
    OnTheAir, "tmdb_on_the_air", ["tmdb_on_the_air_tv", "on_the_air_tool", "get_on_the_air_tv"],
    "on the air this week current tv show series episode \
        diese Woche laufende Serien esta semana series cette semaine séries", Media::Tv, "/tv/on_the_air",
    "Looking at this week's series", timezone: "IANA time zone whose days count, such as `Europe/Berlin`."
}

/// Span of a trend.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    Day,
    #[default]
    Week,
}

impl Window {
    fn as_str(self) -> &'static str {
        match self {
            Window::Day => "day",
            Window::Week => "week",
        }
    }
}

/// What a trend is about.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    #[default]
    All,
    Movie,
    Tv,
    Person,
}

impl Trend {
    fn as_str(self) -> &'static str {
        match self {
            Trend::All => "all",
            Trend::Movie => "movie",
            Trend::Tv => "tv",
            Trend::Person => "person",
        }
    }
}

/// What is trending today or this week: films, series, people or all.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trending {
    /// Default `all`.
    #[serde(default, alias = "include_type")]
    media_type: Trend,
    /// Default `week`.
    #[serde(default)]
    time_window: Window,
    /// Results, 1 to 20. Default 20.
    #[serde(default = "full_page")]
    limit: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
}

impl Tool for Trending {
    const NAME: &'static str = "tmdb_trending";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["trending_tool", "get_trending_media"];
    const KEYWORDS: &'static str = "trending trend hot new this week today movie film tv show series person \
        im Trend angesagt diese Woche tendencia tendencias de moda esta semana tendance tendances à la mode cette semaine";
    type Service = Tmdb;

    fn title(&self) -> String {
        match self.time_window {
            Window::Day => "Looking at what is trending today".into(),
            Window::Week => "Looking at what is trending this week".into(),
        }
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let path = format!("/trending/{}/{}", self.media_type.as_str(), self.time_window.as_str());
        let page = tmdb.page(&path, &query, self.page, self.limit.min(PAGE_SIZE)).await?;
        view::list(&page, Media::parse(self.media_type.as_str()), self.response_level, Value::Null)
    }
}

/// Popular films, series or people.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Popular {
    /// Default `movie`.
    #[serde(default)]
    media_type: Media,
    /// Results, 1 to 60. Default 20.
    #[serde(default = "full_page")]
    limit: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
}

impl Tool for Popular {
    const NAME: &'static str = "tmdb_popular";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["popular_tool", "get_popular_media"];
    const KEYWORDS: &'static str = "popular hits movie film tv show series person \
        beliebt populär populares populaires";
    type Service = Tmdb;

    fn title(&self) -> String {
        format!("Looking at popular {}", self.media_type.plural())
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let path = format!("/{}/popular", self.media_type.as_str());
        let page = tmdb.page(&path, &query, self.page, self.limit).await?;
        view::list(&page, Some(self.media_type), self.response_level, Value::Null)
    }
}

/// Best rated films or series of all time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopRated {
    /// Default `movie`.
    #[serde(default)]
    media_type: Screen,
    /// Results, 1 to 60. Default 20.
    #[serde(default = "full_page")]
    limit: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
}

impl Tool for TopRated {
    const NAME: &'static str = "tmdb_top_rated";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["top_rated_tool", "get_top_rated_media"];
    const KEYWORDS: &'static str = "best top rated classics movie film tv show series \
        highest all time beste bestbewertete aller Zeiten mejores mejor valoradas de la historia meilleurs mieux notés de tous les temps";
    type Service = Tmdb;

    fn title(&self) -> String {
        format!("Looking at the best rated {}", Media::from(self.media_type).plural())
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let media = Media::from(self.media_type);
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let path = format!("/{}/top_rated", media.as_str());
        let page = tmdb.page(&path, &query, self.page, self.limit).await?;
        view::list(&page, Some(media), self.response_level, Value::Null)
    }
}

/// Films with a theme keyword, from `tmdb_search_keywords`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeywordMovies {
    keyword_id: u32,
    /// Results, 1 to 60. Default 20.
    #[serde(default = "full_page")]
    limit: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
}

impl Tool for KeywordMovies {
    const NAME: &'static str = "tmdb_keyword_movies";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "keyword theme topic movie film \
        Thema Filme tema películas thème films";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking at films on a theme".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![
            ("language", tmdb.language(self.language.as_deref())?),
            ("include_adult", tmdb.include_adult.to_string()),
        ];
        let page = tmdb.page(&format!("/keyword/{}/movies", self.keyword_id), &query, self.page, self.limit).await?;
        view::list(&page, Some(Media::Movie), self.response_level, Value::Null)
    }
}

/// A kind of list within a suite.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Discovery {
    Trending,
    Popular,
    TopRated,
    Discover,
}

/// Several lists of films and series in one call: trending, popular, top rated and a filtered discovery of each.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscoverySuite {
    /// Default all four, for films and series: eight lists.
    #[serde(default)]
    discovery_types: Vec<Discovery>,
    /// Only films or only series; both when absent.
    #[serde(default)]
    media_type: Option<Screen>,
    /// Of trending. Default `week`.
    #[serde(default)]
    time_window: Window,
    /// Filters of discover, as `tmdb_discover_movies` and `tmdb_discover_tv` take them.
    #[serde(default)]
    filters: Filters,
    /// Results of each list, 1 to 20. Default 5.
    #[serde(default = "five")]
    limit: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
    #[serde(default)]
    #[schemars(skip)]
    sort_by: Option<String>,
    #[serde(default)]
    #[schemars(skip)]
    year: Option<u16>,
    #[serde(default)]
    #[schemars(skip)]
    primary_release_year: Option<u16>,
    #[serde(default)]
    #[schemars(skip)]
    first_air_date_year: Option<u16>,
    #[serde(default)]
    #[schemars(skip)]
    with_genres: Option<super::arguments::Choices>,
    #[serde(default)]
    #[schemars(skip)]
    without_genres: Option<super::arguments::Choices>,
    #[serde(default)]
    #[schemars(skip)]
    with_cast: Option<super::arguments::Choices>,
    #[serde(default)]
    #[schemars(skip)]
    with_crew: Option<super::arguments::Choices>,
    #[serde(default)]
    #[schemars(skip)]
    with_keywords: Option<super::arguments::Choices>,
    #[serde(default)]
    #[schemars(skip)]
    with_runtime_gte: Option<u32>,
    #[serde(default)]
    #[schemars(skip)]
    with_runtime_lte: Option<u32>,
    #[serde(default)]
    #[schemars(skip)]
    with_original_language: Option<String>,
}

fn five() -> usize {
    5
}

impl DiscoverySuite {
    /// The filters, those given flat (as the system this replaces takes them) included.
    fn filters(&self) -> Filters {
        let mut filters = self.filters.clone();
        macro_rules! fill {
            ($($field:ident),*) => {$( if filters.$field.is_none() { filters.$field = self.$field.clone(); } )*};
        }
        fill!(sort_by, year, primary_release_year, first_air_date_year, with_genres, without_genres, with_cast);
        fill!(with_crew, with_keywords, with_runtime_gte, with_runtime_lte, with_original_language);
        filters
    }
}

impl Tool for DiscoverySuite {
    const NAME: &'static str = "tmdb_discovery_suite";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "overview trending popular top rated discover all at once ideas what to watch tonight \
        Ideen was schauen wir Vorschläge ideas qué ver idées quoi regarder";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking at several TMDb lists".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let language = tmdb.language(self.language.as_deref())?;
        if !(1..=20).contains(&self.limit) {
            return Err(ToolError::TellModel(format!("limit is {}, it may be 1 to 20", self.limit)));
        }
        let filters = self.filters();
        let mut kinds = self.discovery_types.clone();
        kinds.dedup();
        if kinds.is_empty() {
            kinds = vec![Discovery::Trending, Discovery::Popular, Discovery::TopRated, Discovery::Discover];
        }
        kinds.truncate(4);
        let screens = match self.media_type {
            Some(one) => vec![Media::from(one)],
            None => vec![Media::Movie, Media::Tv],
        };
        let mut asked = Vec::new();
        for kind in kinds {
            for media in screens.iter().copied() {
                let name = match kind {
                    Discovery::Trending => "trending",
                    Discovery::Popular => "popular",
                    Discovery::TopRated => "top_rated",
                    Discovery::Discover => "discover",
                };
                let label = format!("{name}_{}", if media == Media::Tv { "tv" } else { "movies" });
                let mut query: Query = vec![("language", language.clone())];
                let (filters, window) = (&filters, self.time_window);
                let (number, limit) = (self.page, self.limit);
                let answer = async move {
                    let path = match kind {
                        Discovery::Trending => format!("/trending/{}/{}", media.as_str(), window.as_str()),
                        Discovery::Popular => format!("/{}/popular", media.as_str()),
                        Discovery::TopRated => format!("/{}/top_rated", media.as_str()),
                        Discovery::Discover => {
                            query.extend(filters.query(tmdb, media).await?);
                            format!("/discover/{}", media.as_str())
                        }
                    };
                    tmdb.page(&path, &query, number, limit).await
                };
                asked.push(answer.map(move |answer| (label, media, answer)).boxed());
            }
        }
        self.report(join_all(asked).await)
    }
}

impl DiscoverySuite {
    /// One list's failure stays its own; when all failed there is no answer.
    fn report(&self, answers: Vec<(String, Media, Result<Page, ToolError>)>) -> Result<Output, ToolError> {
        let (mut lists, mut cards, mut failed) = (Map::new(), Vec::new(), 0usize);
        let count = answers.len();
        let mut last_error = None;
        for (label, media, answer) in answers {
            match answer {
                Ok(page) => {
                    cards.extend(page.results.iter().take(2).map(|item| view::card(item, Some(media), None)));
                    let items = page.results.iter().map(|item| view::item(item, Some(media), self.response_level));
                    lists.insert(label, items.collect());
                }
                Err(error) => {
                    failed += 1;
                    lists.insert(label, json!({ "error": error.to_string() }));
                    last_error = Some(error);
                }
            }
        }
        match last_error {
            Some(error) if failed == count => Err(error),
            _ => {
                let mut seen = std::collections::HashSet::new();
                cards.retain(|card| seen.insert(card.title.clone()));
                cards.truncate(view::MAX_CARDS);
                let summary = json!({ "lists": count, "answered": count - failed, "failed": failed });
                Ok(Output::json(&json!({ "summary": summary, "results": lists }))?.with_cards(cards))
            }
        }
    }
}
