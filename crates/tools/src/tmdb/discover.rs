//! Finding films and series by what they are like.

use super::{
    arguments::{Choices, Level, Media, Screen, compact},
    client::{Age, Query, Tmdb, is_country, is_language},
    genres,
    lists::{first_page, full_page},
    view,
};
use majordomo_domain::{Call, Effect, Output, Tool, ToolError, text::shorten};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// What TMDb's discover can filter by. Dates are `2026-11-21`. Values of one filter must all match unless `any_of`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// Such as `popularity.desc`, `vote_average.desc`, `primary_release_date.asc`, `first_air_date.desc`, `revenue.desc`.
    pub sort_by: Option<String>,
    /// Year of any release (films) or of the first episode (series).
    pub year: Option<u16>,
    /// Films: year of the first release.
    pub primary_release_year: Option<u16>,
    /// Series: year of the first episode.
    pub first_air_date_year: Option<u16>,
    /// First release or first episode not before.
    pub date_gte: Option<String>,
    /// First release or first episode not after.
    pub date_lte: Option<String>,
    /// Films: any release in `region` not before.
    pub release_date_gte: Option<String>,
    /// Films: any release in `region` not after.
    pub release_date_lte: Option<String>,
    /// Series: an episode not before.
    pub air_date_gte: Option<String>,
    /// Series: an episode not after.
    pub air_date_lte: Option<String>,
    /// Lowest average score, 0 to 10.
    pub vote_average_gte: Option<f64>,
    /// Highest average score, 0 to 10.
    pub vote_average_lte: Option<f64>,
    /// Fewest votes. 100 when absent and ordered or filtered by score.
    pub vote_count_gte: Option<u32>,
    /// Genres by name or id.
    pub with_genres: Option<Choices>,
    pub without_genres: Option<Choices>,
    /// Theme ids from `tmdb_search_keywords`.
    pub with_keywords: Option<Choices>,
    pub without_keywords: Option<Choices>,
    /// Films: person ids.
    pub with_cast: Option<Choices>,
    /// Films: person ids.
    pub with_crew: Option<Choices>,
    /// Films: person ids, cast or crew.
    pub with_people: Option<Choices>,
    /// Company ids.
    pub with_companies: Option<Choices>,
    pub without_companies: Option<Choices>,
    /// Series: network ids.
    pub with_networks: Option<Choices>,
    /// One of the values of a filter is enough. Default false: all of them.
    pub any_of: bool,
    /// Minutes.
    pub with_runtime_gte: Option<u32>,
    /// Minutes.
    pub with_runtime_lte: Option<u32>,
    /// Such as `de`.
    pub with_original_language: Option<String>,
    /// Such as `DE`.
    pub with_origin_country: Option<String>,
    /// Films: age rating in `certification_country`, exactly.
    pub certification: Option<String>,
    /// Films: age rating at most, such as `PG`.
    pub certification_lte: Option<String>,
    /// Films: age rating at least.
    pub certification_gte: Option<String>,
    /// The household's country when absent.
    pub certification_country: Option<String>,
    /// Streaming service ids from `tmdb_provider_list`.
    pub with_watch_providers: Option<Choices>,
    pub without_watch_providers: Option<Choices>,
    /// `flatrate`, `free`, `ads`, `rent`, `buy`.
    pub with_watch_monetization_types: Option<Choices>,
    /// Country of the streaming services; the household's when absent.
    pub watch_region: Option<String>,
    /// Films: country of release.
    pub region: Option<String>,
    /// Films: 1 premiere, 2 limited, 3 cinema, 4 digital, 5 disc, 6 television.
    pub with_release_type: Option<Choices>,
    /// Series: 0 returning, 1 planned, 2 in production, 3 ended, 4 cancelled, 5 pilot.
    pub with_status: Option<Choices>,
    /// Series: 0 documentary, 1 news, 2 miniseries, 3 reality, 4 scripted, 5 talk show, 6 video.
    pub with_type: Option<Choices>,
}

const MOVIE_ORDERS: [&str; 8] = [
    "popularity",
    "vote_average",
    "vote_count",
    "primary_release_date",
    "release_date",
    "revenue",
    "title",
    "original_title",
];
const TV_ORDERS: [&str; 6] = ["popularity", "vote_average", "vote_count", "first_air_date", "name", "original_name"];

impl Filters {
    /// The parameters TMDb understands, dots and all. Filters that only the other kind has are left out.
    pub async fn query(&self, tmdb: &Tmdb, media: Media) -> Result<Query, ToolError> {
        let is_movie = media != Media::Tv;
        let mut query: Query = vec![("include_adult", tmdb.include_adult.to_string())];
        let order = order(self.sort_by.as_deref(), is_movie)?;
        let is_by_score = order.starts_with("vote_average") || self.vote_average_gte.is_some_and(|lowest| lowest > 0.0);
        query.push(("sort_by", order));
        let votes = self.vote_count_gte.or(is_by_score.then_some(tmdb.vote_floor));
        put(&mut query, "vote_count.gte", votes);
        put(&mut query, "vote_average.gte", out_of_ten("vote_average_gte", self.vote_average_gte)?);
        put(&mut query, "vote_average.lte", out_of_ten("vote_average_lte", self.vote_average_lte)?);
        put(&mut query, "with_runtime.gte", self.with_runtime_gte);
        put(&mut query, "with_runtime.lte", self.with_runtime_lte);
        if is_movie {
            put(&mut query, "primary_release_year", self.primary_release_year);
            put(&mut query, "year", self.year);
            put(&mut query, "primary_release_date.gte", date("date_gte", &self.date_gte)?);
            put(&mut query, "primary_release_date.lte", date("date_lte", &self.date_lte)?);
            put(&mut query, "release_date.gte", date("release_date_gte", &self.release_date_gte)?);
            put(&mut query, "release_date.lte", date("release_date_lte", &self.release_date_lte)?);
        } else {
            let year = self.first_air_date_year.or(self.year).or(self.primary_release_year);
            put(&mut query, "first_air_date_year", year);
            put(&mut query, "first_air_date.gte", date("date_gte", &self.date_gte)?);
            put(&mut query, "first_air_date.lte", date("date_lte", &self.date_lte)?);
            put(&mut query, "air_date.gte", date("air_date_gte", &self.air_date_gte)?);
            put(&mut query, "air_date.lte", date("air_date_lte", &self.air_date_lte)?);
        }
        for (name, genres) in [("with_genres", &self.with_genres), ("without_genres", &self.without_genres)] {
            if let Some(genres) = genres {
                put(&mut query, name, self.genres(tmdb, media, genres).await?);
            }
        }
        let numbers = [
            ("with_keywords", &self.with_keywords, true),
            ("without_keywords", &self.without_keywords, true),
            ("with_companies", &self.with_companies, true),
            ("without_companies", &self.without_companies, true),
            ("with_cast", &self.with_cast, is_movie),
            ("with_crew", &self.with_crew, is_movie),
            ("with_people", &self.with_people, is_movie),
            ("with_release_type", &self.with_release_type, is_movie),
            ("with_networks", &self.with_networks, !is_movie),
            ("with_status", &self.with_status, !is_movie),
            ("with_type", &self.with_type, !is_movie),
            ("with_watch_providers", &self.with_watch_providers, true),
            ("without_watch_providers", &self.without_watch_providers, true),
        ];
        for (name, choices, is_known) in numbers {
            if let Some(choices) = choices.as_ref().filter(|_| is_known) {
                put(&mut query, name, self.numbers(name, choices)?);
            }
        }
        if let Some(kinds) = &self.with_watch_monetization_types {
            let (kinds, _) = kinds.list();
            if let Some(odd) = kinds.iter().find(|k| !["flatrate", "free", "ads", "rent", "buy"].contains(&k.as_str()))
            {
                return Err(ToolError::TellModel(format!(
                    "“{}” is not one of flatrate, free, ads, rent, buy",
                    shorten(odd, 30)
                )));
            }
            // Several kinds are always alternatives: nothing is only rented and only bought.
            put(&mut query, "with_watch_monetization_types", Some(kinds.join("|")).filter(|k| !k.is_empty()));
        }
        if self.with_watch_providers.is_some()
            || self.without_watch_providers.is_some()
            || self.with_watch_monetization_types.is_some()
        {
            put(&mut query, "watch_region", Some(tmdb.region(self.watch_region.as_deref())?));
        }
        if let Some(language) = &self.with_original_language {
            if !is_language(language) {
                return Err(ToolError::TellModel("with_original_language is not a language such as de".into()));
            }
            put(&mut query, "with_original_language", Some(language));
        }
        if let Some(country) = &self.with_origin_country {
            if !is_country(country) {
                return Err(ToolError::TellModel("with_origin_country is not a country code such as DE".into()));
            }
            put(&mut query, "with_origin_country", Some(country.to_ascii_uppercase()));
        }
        if is_movie {
            let ratings = [
                ("certification", &self.certification),
                ("certification.lte", &self.certification_lte),
                ("certification.gte", &self.certification_gte),
            ];
            if ratings.iter().any(|(_, rating)| rating.is_some()) {
                let country = tmdb.region(self.certification_country.as_deref())?;
                put(&mut query, "certification_country", Some(country));
            }
            for (name, rating) in ratings {
                put(&mut query, name, rating.as_ref().map(|rating| shorten(rating.trim(), 20)));
            }
            if self.region.is_some() {
                put(&mut query, "region", Some(tmdb.region(self.region.as_deref())?));
            }
        }
        Ok(query)
    }

    fn joined(&self, values: &[String], separator: char) -> Option<String> {
        let separator = if self.any_of || separator == '|' { "|" } else { "," };
        Some(values.join(separator)).filter(|joined| !joined.is_empty())
    }

    fn numbers(&self, name: &str, choices: &Choices) -> Result<Option<String>, ToolError> {
        let (values, separator) = choices.list();
        if values.len() > 30 || values.iter().any(|value| value.parse::<u32>().is_err()) {
            return Err(ToolError::TellModel(format!("{name} takes up to 30 ids (whole numbers), from a search")));
        }
        Ok(self.joined(&values, separator))
    }

    /// Genres as numbers. Names are looked up in English first, then in TMDb's list in the configured language.
    async fn genres(&self, tmdb: &Tmdb, media: Media, choices: &Choices) -> Result<Option<String>, ToolError> {
        let (values, separator) = choices.list();
        let mut numbers = Vec::new();
        for value in values.iter().take(20) {
            let number = match value.parse::<u32>() {
                Ok(number) => Some(u64::from(number)),
                Err(_) => match genres::id(media, value) {
                    Some(number) => Some(number),
                    None => asked_genre(tmdb, media, value).await?,
                },
            };
            let Some(number) = number else {
                return Err(ToolError::TellModel(format!(
                    "“{}” is not a genre of {}; there are: {}",
                    shorten(value, 40),
                    media.plural(),
                    genres::names(media)
                )));
            };
            numbers.push(number.to_string());
        }
        Ok(self.joined(&numbers, separator))
    }
}

async fn asked_genre(tmdb: &Tmdb, media: Media, name: &str) -> Result<Option<u64>, ToolError> {
    if tmdb.language.starts_with("en") {
        return Ok(None);
    }
    let path = format!("/genre/{}/list", media.as_str());
    let answer = tmdb.get(&path, &vec![("language", tmdb.language.clone())], Age::Reference).await?;
    let wanted = genres::plain(name);
    let list = answer.as_ref().and_then(|answer| answer["genres"].as_array());
    let found = list.into_iter().flatten().find(|g| g["name"].as_str().is_some_and(|n| genres::plain(n) == wanted));
    Ok(found.and_then(|genre| genre["id"].as_u64()))
}

fn put(query: &mut Query, name: &'static str, value: Option<impl ToString>) {
    if let Some(value) = value {
        query.push((name, value.to_string()));
    }
}

fn out_of_ten(name: &str, value: Option<f64>) -> Result<Option<f64>, ToolError> {
    match value {
        Some(value) if !(0.0..=10.0).contains(&value) => {
            Err(ToolError::TellModel(format!("{name} is {value}, it may be 0 to 10")))
        }
        other => Ok(other),
    }
}

fn date(name: &str, value: &Option<String>) -> Result<Option<String>, ToolError> {
    let Some(text) = value else { return Ok(None) };
    match text.trim().parse::<jiff::civil::Date>() {
        Ok(date) => Ok(Some(date.to_string())),
        Err(_) => Err(ToolError::TellModel(format!("{name} is not a date such as 2026-11-21"))),
    }
}

fn order(asked: Option<&str>, is_movie: bool) -> Result<String, ToolError> {
    let asked = asked.map(str::trim).filter(|order| !order.is_empty()).unwrap_or("popularity.desc");
    let (field, direction) = asked.split_once('.').unwrap_or((asked, "desc"));
    // The same wish under the other kind's name.
    let field = match (field, is_movie) {
        ("first_air_date", true) => "primary_release_date",
        ("name", true) => "title",
        ("original_name", true) => "original_title",
        ("primary_release_date" | "release_date", false) => "first_air_date",
        ("title", false) => "name",
        ("original_title", false) => "original_name",
        ("revenue", false) => "popularity",
        (field, _) => field,
    };
    let orders: &[&str] = if is_movie { &MOVIE_ORDERS } else { &TV_ORDERS };
    if orders.contains(&field) && matches!(direction, "asc" | "desc") {
        // The published description knows no order by `release_date`.
        let field = if field == "release_date" { "primary_release_date" } else { field };
        return Ok(format!("{field}.{direction}"));
    }
    Err(ToolError::TellModel(format!(
        "sort_by is “{}”; use one of {} followed by .asc or .desc",
        shorten(asked, 40),
        orders.join(", ")
    )))
}

async fn discover(
    tmdb: &Tmdb,
    media: Media,
    filters: &Filters,
    language: Option<&str>,
    (page, limit): (u32, usize),
    level: Level,
) -> Result<Output, ToolError> {
    let mut query: Query = vec![("language", tmdb.language(language)?)];
    query.extend(filters.query(tmdb, media).await?);
    let page = tmdb.page(&format!("/discover/{}", media.as_str()), &query, page, limit).await?;
    view::list(&page, Some(media), level, Value::Null)
}

/// A tool over [`Filters`], its fields flat because a model fills in flat arguments better. Lists the filters the
/// kind has.
macro_rules! discover_tool {
    ($(#[doc = $doc:literal])* $type:ident, $name:literal, $keywords:literal, $media:expr,
        $($(#[doc = $field_doc:literal])* $field:ident: $field_type:ty,)*) => {
        $(#[doc = $doc])*
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $type {
            $($(#[doc = $field_doc])* #[serde(default)] $field: $field_type,)*
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
            const KEYWORDS: &'static str = $keywords;
            type Service = Tmdb;

            fn title(&self) -> String {
                format!("Looking through {} on TMDb", $media.plural())
            }

            async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
                let filters = Filters { $($field: self.$field,)* ..Filters::default() };
                let place = (self.page, self.limit);
                discover(tmdb, $media, &filters, self.language.as_deref(), place, self.response_level).await
            }
        }
    };
}

discover_tool! {
    /// Films by genre, year, score, people, themes, length, age rating, streaming service and more.
    DiscoverMovies, "tmdb_discover_movies",
    "discover filter movie film genre year rating runtime short long cast crew keyword language country certification kids family streaming \
        comedies thrillers dramas westerns minutes from the decade under Komödien Krimis Filme Jahre Minuten kurze comedias películas años minutos menos comédies films années minutes moins",
    Media::Movie,
    /// `popularity`, `vote_average`, `vote_count`, `primary_release_date`, `revenue`, `title` with `.asc` or `.desc`. Default `popularity.desc`.
    sort_by: Option<String>,
    /// Year of any release.
    year: Option<u16>,
    /// Year of the first release.
    primary_release_year: Option<u16>,
    /// First release not before, `2026-11-21`.
    date_gte: Option<String>,
    /// First release not after.
    date_lte: Option<String>,
    /// Any release in `region` not before.
    release_date_gte: Option<String>,
    /// Any release in `region` not after.
    release_date_lte: Option<String>,
    /// Lowest score, 0 to 10.
    vote_average_gte: Option<f64>,
    /// Highest score.
    vote_average_lte: Option<f64>,
    /// Fewest votes; 100 when absent and ordered or filtered by score.
    vote_count_gte: Option<u32>,
    /// Names or ids, such as `["Comedy", "Family"]`.
    with_genres: Option<Choices>,
    without_genres: Option<Choices>,
    /// Ids from `tmdb_search_keywords`.
    with_keywords: Option<Choices>,
    without_keywords: Option<Choices>,
    /// Person ids of actors.
    with_cast: Option<Choices>,
    /// Person ids of crew, such as directors.
    with_crew: Option<Choices>,
    /// Person ids, cast or crew.
    with_people: Option<Choices>,
    /// Company ids.
    with_companies: Option<Choices>,
    without_companies: Option<Choices>,
    /// One value of each filter is enough. Default: all must match.
    any_of: bool,
    /// Minutes at least.
    with_runtime_gte: Option<u32>,
    /// Minutes at most.
    with_runtime_lte: Option<u32>,
    /// Such as `de`.
    with_original_language: Option<String>,
    /// Such as `DE`.
    with_origin_country: Option<String>,
    /// Age rating exactly, such as `PG`.
    certification: Option<String>,
    /// Age rating at most.
    certification_lte: Option<String>,
    /// Age rating at least.
    certification_gte: Option<String>,
    /// Country of the age rating; the household's when absent.
    certification_country: Option<String>,
    /// Streaming service ids from `tmdb_provider_list`.
    with_watch_providers: Option<Choices>,
    without_watch_providers: Option<Choices>,
    /// `flatrate`, `free`, `ads`, `rent`, `buy`.
    with_watch_monetization_types: Option<Choices>,
    /// Country of the streaming services; the household's when absent.
    watch_region: Option<String>,
    /// Country of release.
    region: Option<String>,
    /// 1 premiere, 2 limited, 3 cinema, 4 digital, 5 disc, 6 television.
    with_release_type: Option<Choices>,
}

discover_tool! {
    /// Series by genre, year, score, themes, network, status, length, streaming service and more.
    DiscoverTv, "tmdb_discover_tv",
    "discover filter tv show series genre year rating runtime network status keyword language country kids family streaming miniseries \
        crime comedy drama from the decade Krimiserien Serien Jahre comedia drama series años séries comédie années",
    Media::Tv,
    /// `popularity`, `vote_average`, `vote_count`, `first_air_date`, `name` with `.asc` or `.desc`. Default `popularity.desc`.
    sort_by: Option<String>,
    /// Year of the first episode.
    first_air_date_year: Option<u16>,
    /// The same as `first_air_date_year`.
    year: Option<u16>,
    /// First episode not before, `2026-11-21`.
    date_gte: Option<String>,
    /// First episode not after.
    date_lte: Option<String>,
    /// An episode not before.
    air_date_gte: Option<String>,
    /// An episode not after.
    air_date_lte: Option<String>,
    /// Lowest score, 0 to 10.
    vote_average_gte: Option<f64>,
    /// Highest score.
    vote_average_lte: Option<f64>,
    /// Fewest votes; 100 when absent and ordered or filtered by score.
    vote_count_gte: Option<u32>,
    /// Names or ids, such as `["Comedy", "Kids"]`.
    with_genres: Option<Choices>,
    without_genres: Option<Choices>,
    /// Ids from `tmdb_search_keywords`.
    with_keywords: Option<Choices>,
    without_keywords: Option<Choices>,
    /// Company ids.
    with_companies: Option<Choices>,
    without_companies: Option<Choices>,
    /// Network ids, from `tmdb_tv_details`.
    with_networks: Option<Choices>,
    /// One value of each filter is enough. Default: all must match.
    any_of: bool,
    /// Minutes of an episode at least.
    with_runtime_gte: Option<u32>,
    /// Minutes of an episode at most.
    with_runtime_lte: Option<u32>,
    /// Such as `de`.
    with_original_language: Option<String>,
    /// Such as `DE`.
    with_origin_country: Option<String>,
    /// Streaming service ids from `tmdb_provider_list`.
    with_watch_providers: Option<Choices>,
    without_watch_providers: Option<Choices>,
    /// `flatrate`, `free`, `ads`, `rent`, `buy`.
    with_watch_monetization_types: Option<Choices>,
    /// Country of the streaming services; the household's when absent.
    watch_region: Option<String>,
    /// 0 returning, 1 planned, 2 in production, 3 ended, 4 cancelled, 5 pilot.
    with_status: Option<Choices>,
    /// 0 documentary, 1 news, 2 miniseries, 3 reality, 4 scripted, 5 talk show, 6 video.
    with_type: Option<Choices>,
}

/// Films or series by rating, year and genre names; the simple form of discover. Only what enough people voted on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discover {
    /// Default `movie`.
    #[serde(default)]
    media_type: Screen,
    /// Lowest score, 0 to 10. Default 0.
    #[serde(default)]
    min_rating: f64,
    /// Highest score, 0 to 10. Default 10.
    #[serde(default = "ten")]
    max_rating: f64,
    /// Year of the first release or episode.
    #[serde(default)]
    year: Option<u16>,
    /// Names or ids, such as `["Comedy", "Family"]`.
    #[serde(default)]
    genres: Option<Choices>,
    /// Default `vote_average.desc`.
    #[serde(default = "by_score")]
    sort_by: String,
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

fn ten() -> f64 {
    10.0
}

fn by_score() -> String {
    "vote_average.desc".into()
}

impl Tool for Discover {
    const NAME: &'static str = "tmdb_discover";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["discover_tool", "discover_with_filters"];
    const KEYWORDS: &'static str = "discover filter genre year rating movie film tv show series \
        comedies thrillers from the decade filtern Genre Jahr Komödien Krimis Jahre filtrar género año comedias filtrer genre année comédies";
    type Service = Tmdb;

    fn title(&self) -> String {
        format!("Looking through {} on TMDb", Media::from(self.media_type).plural())
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let media = Media::from(self.media_type);
        let filters = Filters {
            sort_by: Some(self.sort_by),
            primary_release_year: self.year,
            vote_average_gte: Some(self.min_rating).filter(|lowest| *lowest != 0.0),
            vote_average_lte: Some(self.max_rating).filter(|highest| *highest != 10.0),
            vote_count_gte: Some(tmdb.vote_floor),
            with_genres: self.genres,
            ..Filters::default()
        };
        let place = (self.page, self.limit);
        discover(tmdb, media, &filters, self.language.as_deref(), place, self.response_level).await
    }
}
