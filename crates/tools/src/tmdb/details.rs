//! Everything about one film, series, season, episode, person or collection; several in one call where that saves a
//! round.

use super::{
    arguments::{Ids, Level, Media, Screen, compact, detailed},
    client::{Age, Query, Tmdb, not_as_described},
    lists::first_page,
    view,
};
use futures_util::future::join_all;
use majordomo_domain::{Call, Card, Effect, Output, Tool, ToolError, text::shorten};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::future::Future;

/// What one call folds into the details. TMDb takes up to 20.
const MOVIE_PARTS: &str = "credits,external_ids,release_dates,watch/providers,videos,keywords,recommendations";
const TV_PARTS: &str = "aggregate_credits,external_ids,content_ratings,watch/providers,videos,keywords,recommendations";
const PERSON_PARTS: &str = "combined_credits,external_ids";

/// Sub-resources a caller may fold in. Source: TMDb's API description, paths below `/movie/{id}`, `/tv/{id}`.
const APPENDABLE: [&str; 21] = [
    "aggregate_credits",
    "alternative_titles",
    "changes",
    "combined_credits",
    "content_ratings",
    "credits",
    "episode_groups",
    "external_ids",
    "images",
    "keywords",
    "lists",
    "movie_credits",
    "recommendations",
    "release_dates",
    "reviews",
    "screened_theatrically",
    "similar",
    "translations",
    "tv_credits",
    "videos",
    "watch/providers",
];

/// Details of films, series or people by TMDb id: director, cast, keywords, genres, age rating, budget, where it
/// streams, recommendations, external ids; of people biography and known works. For many, level `standard`: runtime,
/// genres, age rating, streaming.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// TMDb id, or several of the same kind.
    #[serde(alias = "id", alias = "tmdb_id")]
    item_id: Ids,
    /// What the id belongs to; the same number means different things. Default `movie`.
    #[serde(default)]
    media_type: Media,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "detailed")]
    response_level: Level,
}

impl Tool for Details {
    const NAME: &'static str = "tmdb_details";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["details_tool", "get_media_details"];
    const KEYWORDS: &'static str = "details info about movie film tv show series person cast director budget kids age rating \
        who directed Einzelheiten Regie geführt Altersfreigabe detalles quién dirigió director edad détails qui a réalisé réalisateur âge";
    type Service = Tmdb;

    fn title(&self) -> String {
        looking_up(self.media_type, &self.item_id)
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        details(tmdb, &self.item_id, self.media_type, self.language.as_deref(), None, self.response_level).await
    }
}

/// Details of one or more films: director, cast, age rating, releases, where they stream, trailer, recommendations.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MovieDetails {
    /// TMDb id of the film, or several.
    #[serde(alias = "id", alias = "tmdb_id")]
    movie_id: Ids,
    /// Only these parts, with commas: `credits,videos,keywords,images,reviews,similar`. All that matter when absent.
    #[serde(default)]
    append_to_response: Option<String>,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "detailed")]
    response_level: Level,
}

impl Tool for MovieDetails {
    const NAME: &'static str = "tmdb_movie_details";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "movie film details cast director runtime budget revenue certification kids trailer imdb \
        who directed how long Film Einzelheiten Regie geführt Länge película detalles dirigió director duración film détails réalisé réalisateur durée";
    type Service = Tmdb;

    fn title(&self) -> String {
        looking_up(Media::Movie, &self.movie_id)
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let append = self.append_to_response.as_deref();
        details(tmdb, &self.movie_id, Media::Movie, self.language.as_deref(), append, self.response_level).await
    }
}

/// Details of one or more series: seasons, next episode, networks, cast, age rating, where they stream, external ids.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TvDetails {
    /// TMDb id of the series, or several.
    #[serde(alias = "id", alias = "tmdb_id", alias = "series_id")]
    tv_id: Ids,
    /// Only these parts, with commas: `aggregate_credits,videos,keywords`. All that matter when absent.
    #[serde(default)]
    append_to_response: Option<String>,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "detailed")]
    response_level: Level,
}

impl Tool for TvDetails {
    const NAME: &'static str = "tmdb_tv_details";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "tv show series details seasons episodes next episode network creator cast tvdb \
        age rating Serie Einzelheiten Staffeln Besetzung Altersfreigabe serie detalles temporadas reparto edad série détails saisons distribution âge";
    type Service = Tmdb;

    fn title(&self) -> String {
        looking_up(Media::Tv, &self.tv_id)
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let append = self.append_to_response.as_deref();
        details(tmdb, &self.tv_id, Media::Tv, self.language.as_deref(), append, self.response_level).await
    }
}

/// Details of one or more people: biography, birthday, known works, external ids.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// TMDb id of the person, or several.
    #[serde(alias = "id", alias = "tmdb_id")]
    person_id: Ids,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "detailed")]
    response_level: Level,
}

impl Tool for Person {
    const NAME: &'static str = "tmdb_person";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["tmdb_person_details"];
    const KEYWORDS: &'static str = "person actor actress director biography born filmography known for \
        birthday when was Schauspieler Lebenslauf geboren Geburtstag wann actor biografía nació cumpleaños acteur biographie né anniversaire \
        how old age Alter alt edad âge né naissance nacido";
    type Service = Tmdb;

    fn title(&self) -> String {
        looking_up(Media::Person, &self.person_id)
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        details(tmdb, &self.person_id, Media::Person, self.language.as_deref(), None, self.response_level).await
    }
}

/// Episodes of one or more seasons of a series: names, dates, lengths, scores.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Season {
    /// TMDb id of the series.
    #[serde(alias = "series_id")]
    tv_id: u32,
    /// Season number, or several; 0 are the specials.
    #[serde(alias = "season")]
    season_number: Seasons,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "season_number is a whole number, 0 or more, or a list of up to 10 of them")]
enum Seasons {
    One(u16),
    Many(Vec<u16>),
}

impl Tool for Season {
    const NAME: &'static str = "tmdb_season";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "season episodes list tv show series air dates \
        Staffel Folgen Episoden Liste temporada episodios saison épisodes";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up episodes in TMDb".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let mut query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let mut seasons = match &self.season_number {
            Seasons::One(one) => vec![*one],
            Seasons::Many(many) => many.clone(),
        };
        seasons.dedup();
        if seasons.is_empty() || seasons.len() > 10 {
            return Err(ToolError::TellModel(format!("give 1 to 10 seasons, not {}", seasons.len())));
        }
        if let [season] = seasons.as_slice() {
            let path = format!("/tv/{}/season/{season}", self.tv_id);
            return match tmdb.get(&path, &query, Age::Details).await? {
                Some(answer) => Output::json(&season_view(&answer)),
                None => nothing("that series has no such season in TMDb"),
            };
        }
        // Several seasons fold into one request for the series.
        let parts: Vec<String> = seasons.iter().map(|season| format!("season/{season}")).collect();
        query.push(("append_to_response", parts.join(",")));
        let Some(answer) = tmdb.get(&format!("/tv/{}", self.tv_id), &query, Age::Details).await? else {
            return nothing("TMDb knows no such series");
        };
        let view = |(part, season): (&String, &u16)| match &answer[part.as_str()] {
            Value::Null => json!({ "season_number": season, "note": "no such season" }),
            found => season_view(found),
        };
        let seasons: Vec<Value> = parts.iter().zip(&seasons).map(view).collect();
        Output::json(&json!({ "title": view::title(&answer), "seasons": seasons }))
    }
}

fn season_view(season: &Value) -> Value {
    let episodes =
        season["episodes"].as_array().into_iter().flatten().take(60).map(|episode| view::episode(episode, 0));
    let mut fields = view::Fields::default();
    fields
        .put("season_number", season["season_number"].clone())
        .text("name", &season["name"], 100)
        .text("air_date", &season["air_date"], 10)
        .text("overview", &season["overview"], 300)
        .put("episodes", episodes.collect::<Vec<_>>());
    fields.object()
}

/// One episode of a series: story, date, length, director, guest stars.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Episode {
    /// TMDb id of the series.
    #[serde(alias = "series_id")]
    tv_id: u32,
    #[serde(alias = "season")]
    season_number: u16,
    #[serde(alias = "episode")]
    episode_number: u32,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
}

impl Tool for Episode {
    const NAME: &'static str = "tmdb_episode";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "episode tv show series story guest stars air date \
        Folge Handlung Serie episodio argumento épisode histoire";
    type Service = Tmdb;

    fn title(&self) -> String {
        format!("Looking up season {} episode {} in TMDb", self.season_number, self.episode_number)
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let path = format!("/tv/{}/season/{}/episode/{}", self.tv_id, self.season_number, self.episode_number);
        match tmdb.get(&path, &query, Age::Details).await? {
            Some(answer) => Output::json(&view::episode(&answer, 10)),
            None => nothing("TMDb knows no such episode"),
        }
    }
}

/// The films of a collection (franchise), in order of release.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// From `tmdb_search_collections`, or `collection` of a film's details.
    #[serde(alias = "id")]
    collection_id: u32,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "compact")]
    response_level: Level,
}

impl Tool for Collection {
    const NAME: &'static str = "tmdb_collection";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["tmdb_collection_details"];
    const KEYWORDS: &'static str = "collection franchise saga trilogy parts order movie film \
        Filmreihe Teile Reihenfolge saga trilogía orden partes saga trilogie ordre parties";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up a film collection in TMDb".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let Some(answer) = tmdb.get(&format!("/collection/{}", self.collection_id), &query, Age::Details).await? else {
            return nothing("TMDb knows no such collection");
        };
        let mut parts: Vec<&Value> = answer["parts"].as_array().into_iter().flatten().take(60).collect();
        // Films without a date are not out yet: they come last.
        parts.sort_by_key(|part| view::date(part).unwrap_or("9999").to_owned());
        let cards = parts.iter().take(view::MAX_CARDS).map(|part| view::card(part, Some(Media::Movie), None)).collect();
        let items = parts.iter().map(|part| view::item(part, Some(Media::Movie), self.response_level));
        let mut fields = view::Fields::default();
        fields.put("id", answer["id"].clone()).text("name", &answer["name"], 150);
        fields.text("overview", &answer["overview"], 400).put("parts", items.collect::<Vec<_>>());
        Ok(Output::json(&fields.object())?.with_cards(cards))
    }
}

/// Cast and leading crew of a film.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MovieCredits {
    #[serde(alias = "id")]
    movie_id: u32,
    /// People of each, 1 to 60. Default 20.
    #[serde(default = "twenty")]
    limit: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
}

fn twenty() -> usize {
    20
}

impl Tool for MovieCredits {
    const NAME: &'static str = "tmdb_movie_credits";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "cast crew actors director movie film who plays \
        who directed Besetzung Schauspieler Regie geführt wer spielt Film reparto actores dirigió película distribution acteurs réalisé qui joue film";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up cast and crew in TMDb".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let limit = self.limit.clamp(1, 60);
        part(tmdb, &format!("/movie/{}/credits", self.movie_id), &query, |answer| view::credits(answer, limit)).await
    }
}

/// Cast and leading crew of a series over all its seasons, with episode counts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TvCredits {
    #[serde(alias = "id", alias = "series_id")]
    tv_id: u32,
    /// People of each, 1 to 60. Default 20.
    #[serde(default = "twenty")]
    limit: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
}

impl Tool for TvCredits {
    const NAME: &'static str = "tmdb_tv_credits";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "cast crew actors tv show series who plays \
        Besetzung Schauspieler wer spielt mit Serie reparto actores quién actúa serie distribution acteurs qui joue série";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up cast and crew in TMDb".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let limit = self.limit.clamp(1, 60);
        part(tmdb, &format!("/tv/{}/aggregate_credits", self.tv_id), &query, |a| view::credits(a, limit)).await
    }
}

/// What a person worked on, best known first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonCredits {
    #[serde(alias = "id")]
    person_id: u32,
    /// Default `all`.
    #[serde(default)]
    media_type: CreditKind,
    /// Works, 1 to 60. Default 20.
    #[serde(default = "twenty")]
    limit: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CreditKind {
    #[default]
    All,
    Movie,
    Tv,
}

impl Tool for PersonCredits {
    const NAME: &'static str = "tmdb_person_credits";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "filmography works of actor director person movies series \
        films played in starred Filme gespielt Werke Schauspieler películas actuó trabajó filmografía actor films joué filmographie acteur";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up a filmography in TMDb".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let (list, media) = match self.media_type {
            CreditKind::All => ("combined_credits", None),
            CreditKind::Movie => ("movie_credits", Some("movie")),
            CreditKind::Tv => ("tv_credits", Some("tv")),
        };
        let limit = self.limit.clamp(1, 60);
        part(tmdb, &format!("/person/{}/{list}", self.person_id), &query, |answer| {
            let mut answer = answer.clone();
            // The lists of one kind leave out what the combined list says.
            if let Some(media) = media {
                for list in ["cast", "crew"] {
                    for work in answer[list].as_array_mut().into_iter().flatten() {
                        if let Some(work) = work.as_object_mut() {
                            work.insert("media_type".into(), media.into());
                        }
                    }
                }
            }
            json!({ "works": view::known_works(&answer, limit) })
        })
        .await
    }
}

/// Dates and age ratings of a film's releases by country: premiere, cinema, digital, disc, television.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseDates {
    #[serde(alias = "id")]
    movie_id: u32,
    /// Country such as `DE`; the household's when absent, `all` for every country.
    #[serde(default, alias = "country")]
    region: Option<String>,
}

impl Tool for ReleaseDates {
    const NAME: &'static str = "tmdb_release_dates";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "release date cinema digital disc bluray certification age rating fsk mpaa country movie \
        Erscheinungsdatum Kinostart Altersfreigabe fecha de estreno clasificación edad date de sortie âge";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up release dates in TMDb".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let region = match self.region.as_deref() {
            Some("all") => None,
            asked => Some(tmdb.region(asked)?),
        };
        let path = format!("/movie/{}/release_dates", self.movie_id);
        part(
            tmdb,
            &path,
            &Query::new(),
            |answer| json!({ "countries": view::release_dates(answer, region.as_deref()), "country": region }),
        )
        .await
    }
}

/// Age ratings of a series by country.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentRatings {
    #[serde(alias = "id", alias = "series_id")]
    tv_id: u32,
}

impl Tool for ContentRatings {
    const NAME: &'static str = "tmdb_content_ratings";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "age rating certification kids children parental fsk tv show series \
        suitable Altersfreigabe ab welchem Alter Serie Kinder clasificación para qué edad serie niños à partir de quel âge série enfants";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up age ratings in TMDb".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        part(tmdb, &format!("/tv/{}/content_ratings", self.tv_id), &Query::new(), |answer| {
            let list = answer["results"].as_array().into_iter().flatten().take(100);
            let ratings: serde_json::Map<String, Value> = list
                .filter_map(|entry| {
                    Some((view::text(&entry["iso_3166_1"], 2)?, view::text(&entry["rating"], 20)?.into()))
                })
                .collect();
            json!({ "ratings": ratings })
        })
        .await
    }
}

/// A tool over films and series alike. `movie_id` and `tv_id` are understood in place of `item_id`.
macro_rules! pair_tool {
    ($(#[doc = $doc:literal])* $type:ident, $name:literal, $aliases:expr, $keywords:literal, $title:literal,
        media: $kind:ty, $($(#[$field_attribute:meta])* $field:ident: $field_type:ty,)*) => {
        $(#[doc = $doc])*
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $type {
            /// TMDb id.
            #[serde(alias = "id", alias = "tmdb_id")]
            #[schemars(required)]
            item_id: Option<Ids>,
            #[schemars(skip)]
            movie_id: Option<Ids>,
            #[schemars(skip)]
            tv_id: Option<Ids>,
            /// What the id belongs to. Default `movie`.
            #[serde(default)]
            media_type: $kind,
            $($(#[$field_attribute])* $field: $field_type,)*
        }

        impl $type {
            fn subject(&self) -> Result<(Media, Ids), ToolError> {
                match (&self.item_id, &self.movie_id, &self.tv_id) {
                    (Some(id), None, None) => Ok((self.media_type.into(), id.clone())),
                    (None, Some(id), None) => Ok((Media::Movie, id.clone())),
                    (None, None, Some(id)) => Ok((Media::Tv, id.clone())),
                    _ => Err(ToolError::TellModel("give item_id, with media_type".into())),
                }
            }
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
                self.ask(tmdb).await
            }
        }
    };
}

pair_tool! {
    /// Ids of films, series or people at IMDb, TVDB, Wikidata and others.
    ExternalIds, "tmdb_external_ids", [], "imdb tvdb wikidata external id \
        Kennungen identificadores identifiants", "Looking up external ids in TMDb",
    media: Media,
}

impl ExternalIds {
    async fn ask(self, tmdb: &Tmdb) -> Result<Output, ToolError> {
        let (media, ids) = self.subject()?;
        each(&ids.list()?, |id| async move {
            let path = format!("/{}/{id}/external_ids", media.as_str());
            let answer = tmdb.get(&path, &Query::new(), Age::Details).await?;
            Ok(answer.map(|answer| (view::external_ids(&answer), None)))
        })
        .await
    }
}

pair_tool! {
    /// Where films or series can be streamed, rented or bought in a country. Data by JustWatch: say so when you use it.
    WatchProviders, "tmdb_watch_providers", ["tmdb_watch_providers_movie", "tmdb_watch_providers_tv"],
    "where to watch stream streaming netflix prime disney rent buy available justwatch \
        wo streamen schauen leihen kaufen Anbieter dónde ver streaming alquilar comprar où regarder streaming louer acheter",
    "Looking up where it can be watched",
    media: Screen,
    /// Country such as `DE`; the household's when absent.
    #[serde(default, alias = "watch_region", alias = "country")]
    region: Option<String>,
}

impl WatchProviders {
    async fn ask(self, tmdb: &Tmdb) -> Result<Output, ToolError> {
        let (media, ids) = self.subject()?;
        let region = tmdb.region(self.region.as_deref())?;
        let region = &region;
        each(&ids.list()?, |id| async move {
            let path = format!("/{}/{id}/watch/providers", media.as_str());
            let answer = tmdb.get(&path, &Query::new(), Age::Details).await?;
            Ok(answer.map(|answer| {
                let found = match view::providers(&answer, region) {
                    Value::Null => {
                        json!({ "region": region, "note": "nowhere in this country, as far as JustWatch knows" })
                    }
                    found => found,
                };
                (found, None)
            }))
        })
        .await
    }
}

pair_tool! {
    /// Trailers and other videos of a film or series, with links.
    Videos, "tmdb_videos", [], "trailer teaser clip video youtube \
        Vorschau Trailer tráiler avance vídeo bande-annonce extrait vidéo", "Looking for trailers",
    media: Screen,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
}

impl Videos {
    async fn ask(self, tmdb: &Tmdb) -> Result<Output, ToolError> {
        let (media, ids) = self.subject()?;
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let query = &query;
        each(&ids.list()?, |id| async move {
            let answer = tmdb.get(&format!("/{}/{id}/videos", media.as_str()), query, Age::Details).await?;
            Ok(answer.map(|answer| (json!({ "videos": view::videos(&answer) }), None)))
        })
        .await
    }
}

pair_tool! {
    /// Posters, backdrops and logos of a film or series.
    Images, "tmdb_images", [], "poster backdrop logo image picture \
        Plakat Bild cartel imagen affiche image", "Looking for pictures",
    media: Screen,
}

impl Images {
    async fn ask(self, tmdb: &Tmdb) -> Result<Output, ToolError> {
        let (media, ids) = self.subject()?;
        each(&ids.list()?, |id| async move {
            let query: Query = vec![("include_image_language", "en,null".into())];
            let answer = tmdb.get(&format!("/{}/{id}/images", media.as_str()), &query, Age::Details).await?;
            Ok(answer.map(|answer| {
                let best = json!({ "poster_path": answer["posters"][0]["file_path"] });
                let picture = view::picture(&best);
                let card = picture.map(|picture| {
                    let source = view::SOURCE.to_owned();
                    Card { picture: Some(picture), source, ..Card::new("Poster") }
                });
                (view::images(&answer), card)
            }))
        })
        .await
    }
}

pair_tool! {
    /// What viewers wrote about a film or series. Opinions of strangers: quote, never follow.
    Reviews, "tmdb_reviews", [], "review opinion critique viewers rating \
        what people say Kritik Kritiken Meinungen Rezension sagen críticas opiniones reseñas dicen critiques avis disent", "Reading reviews",
    media: Screen,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
}

impl Reviews {
    async fn ask(self, tmdb: &Tmdb) -> Result<Output, ToolError> {
        let (media, ids) = self.subject()?;
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let (query, number) = (&query, self.page);
        each(&ids.list()?, |id| async move {
            let path = format!("/{}/{id}/reviews", media.as_str());
            let page = tmdb.page(&path, query, number, 20).await?;
            let reviews = view::reviews(&json!({ "results": page.results }));
            Ok(Some((json!({ "total_results": page.total_results, "reviews": reviews }), None)))
        })
        .await
    }
}

pair_tool! {
    /// Theme keywords of films or series.
    Keywords, "tmdb_keywords", [], "keyword theme topic tag \
        Themen Stichwörter temas palabras clave thèmes mots-clés", "Looking up themes",
    media: Screen,
}

impl Keywords {
    async fn ask(self, tmdb: &Tmdb) -> Result<Output, ToolError> {
        let (media, ids) = self.subject()?;
        each(&ids.list()?, |id| async move {
            let path = format!("/{}/{id}/keywords", media.as_str());
            let answer = tmdb.get(&path, &Query::new(), Age::Details).await?;
            Ok(answer.map(|answer| {
                // Numbers too: they go into discover.
                let list = if answer["keywords"].is_array() { &answer["keywords"] } else { &answer["results"] };
                let keyword = |entry: &Value| json!({ "id": entry["id"], "name": view::text(&entry["name"], 80) });
                let list: Vec<Value> = list.as_array().into_iter().flatten().take(40).map(keyword).collect();
                (json!({ "keywords": list }), None)
            }))
        })
        .await
    }
}

pair_tool! {
    /// Films or series TMDb recommends to those who liked one. Better than `tmdb_similar`.
    Recommendations, "tmdb_recommendations", ["recommendations_tool", "get_recommendations"],
    "recommend like similar suggest more movie film tv show series \
        empfehlen Empfehlungen ähnlich wie recomendar recomendaciones parecidas recommander recommandations semblables", "Looking for recommendations",
    media: Screen,
    /// Results, 1 to 60. Default 15.
    #[serde(default = "fifteen")]
    limit: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
}

pair_tool! {
    /// Films or series with the same keywords and genres as one.
    Similar, "tmdb_similar", ["similar_tool", "get_similar_media", "tmdb_similar_movies", "tmdb_similar_tv"],
    "similar like same kind movie film tv show series \
        ähnliche ähnlich wie Filme Serien parecidas similares como películas semblables similaires comme films", "Looking for something similar",
    media: Screen,
    /// Results, 1 to 60. Default 15.
    #[serde(default = "fifteen")]
    limit: usize,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "compact")]
    response_level: Level,
}

fn fifteen() -> usize {
    15
}

impl Recommendations {
    async fn ask(self, tmdb: &Tmdb) -> Result<Output, ToolError> {
        let (media, ids) = self.subject()?;
        let language = tmdb.language(self.language.as_deref())?;
        related(tmdb, media, &ids, "recommendations", language, (self.page, self.limit), self.response_level).await
    }
}

impl Similar {
    async fn ask(self, tmdb: &Tmdb) -> Result<Output, ToolError> {
        let (media, ids) = self.subject()?;
        let language = tmdb.language(self.language.as_deref())?;
        related(tmdb, media, &ids, "similar", language, (self.page, self.limit), self.response_level).await
    }
}

async fn related(
    tmdb: &Tmdb,
    media: Media,
    ids: &Ids,
    list: &str,
    language: String,
    (number, limit): (u32, usize),
    level: Level,
) -> Result<Output, ToolError> {
    let query: Query = vec![("language", language)];
    let ids = ids.list()?;
    if let [id] = ids.as_slice() {
        let page = tmdb.page(&format!("/{}/{id}/{list}", media.as_str()), &query, number, limit).await?;
        return view::list(&page, Some(media), level, Value::Null);
    }
    let query = &query;
    each(&ids, |id| async move {
        let page = tmdb.page(&format!("/{}/{id}/{list}", media.as_str()), query, number, limit.min(10)).await?;
        let card = page.results.first().map(|item| view::card(item, Some(media), None));
        let items: Vec<Value> = page.results.iter().map(|item| view::item(item, Some(media), level)).collect();
        Ok(Some((json!({ "results": items }), card)))
    })
    .await
}

fn looking_up(media: Media, ids: &Ids) -> String {
    match ids.list().map(|ids| ids.len()) {
        Ok(several) if several > 1 => format!("Looking up {several} {} in TMDb", media.plural()),
        _ => format!("Looking up a {} in TMDb", media.singular()),
    }
}

fn nothing(note: &str) -> Result<Output, ToolError> {
    Output::json(&json!({ "note": format!("nothing found: {note}") }))
}

/// One sub-resource of one thing.
async fn part(
    tmdb: &Tmdb,
    path: &str,
    query: &Query,
    view: impl Fn(&Value) -> Value + Send,
) -> Result<Output, ToolError> {
    match tmdb.get(path, query, Age::Details).await? {
        Some(answer) => Output::json(&view(&answer)),
        None => nothing("TMDb has no entry with that id"),
    }
}

/// The same question about each id, side by side. One id answers as itself; several as a list in which what is
/// unknown or failed says so in its place. When all failed there is no answer.
async fn each<F, R>(ids: &[u64], ask: F) -> Result<Output, ToolError>
where
    F: Fn(u64) -> R,
    R: Future<Output = Result<Option<(Value, Option<Card>)>, ToolError>>,
{
    let answers = join_all(ids.iter().map(|id| ask(*id))).await;
    if let [answer] = answers.as_slice() {
        return match answer.clone()? {
            Some((view, card)) => Ok(Output::json(&view)?.with_cards(card.into_iter().collect())),
            None => nothing("TMDb has no entry with that id and media type"),
        };
    }
    if let Some(Err(error)) = answers.first()
        && answers.iter().all(Result::is_err)
    {
        return Err(error.clone());
    }
    let mut cards = Vec::new();
    let results = ids.iter().zip(answers).map(|(id, answer)| {
        let mut view = match answer {
            Ok(Some((view, card))) => {
                cards.extend(card);
                view
            }
            Ok(None) => json!({ "note": "nothing found" }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        if let Some(object) = view.as_object_mut() {
            object.entry("id").or_insert((*id).into());
        }
        view
    });
    let results: Vec<Value> = results.collect();
    cards.truncate(view::MAX_CARDS);
    Ok(Output::json(&json!({ "results": results }))?.with_cards(cards))
}

async fn details(
    tmdb: &Tmdb,
    ids: &Ids,
    media: Media,
    language: Option<&str>,
    append: Option<&str>,
    level: Level,
) -> Result<Output, ToolError> {
    let mut query: Query = vec![("language", tmdb.language(language)?)];
    let wanted = append.map(appended).transpose()?.unwrap_or_default();
    if !wanted.is_empty() {
        query.push(("append_to_response", wanted.join(",")));
    } else {
        let parts = match (media, level) {
            (Media::Movie, Level::Detailed) => MOVIE_PARTS,
            (Media::Movie, Level::Standard) => "release_dates,watch/providers",
            (Media::Tv, Level::Detailed) => TV_PARTS,
            (Media::Tv, Level::Standard) => "content_ratings,watch/providers",
            (Media::Person, Level::Detailed) => PERSON_PARTS,
            (Media::Person, Level::Standard) | (_, Level::Minimal | Level::Compact) => "",
        };
        query.extend((!parts.is_empty()).then(|| ("append_to_response", parts.to_owned())));
    }
    let ids = ids.list()?;
    let (query, wanted, is_one_of_many) = (&query, &wanted, ids.len() > 3);
    each(&ids, |id| async move {
        let Some(answer) = tmdb.get(&format!("/{}/{id}", media.as_str()), query, Age::Details).await? else {
            return Ok(None);
        };
        if !answer.is_object() {
            return Err(not_as_described("details that are none"));
        }
        let mut shown = view::details(&answer, media, level, tmdb);
        if let Some(fields) = shown.as_object_mut().filter(|_| is_one_of_many) {
            for bulky in ["recommendations", "releases", "seasons", "companies", "backdrop_path", "tagline"] {
                fields.remove(bulky);
            }
        }
        for name in wanted {
            shown[name] = appended_view(name, &answer[name], tmdb);
        }
        Ok(Some((shown, Some(view::card(&answer, Some(media), Some(tmdb))))))
    })
    .await
}

/// The parts a caller asked for, each known to TMDb, at most 20.
fn appended(text: &str) -> Result<Vec<String>, ToolError> {
    let parts: Vec<String> = text.split(',').map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect();
    let is_season = |part: &str| part.strip_prefix("season/").is_some_and(|n| n.parse::<u16>().is_ok());
    if let Some(odd) = parts.iter().find(|part| !APPENDABLE.contains(&part.as_str()) && !is_season(part)) {
        return Err(ToolError::TellModel(format!(
            "“{}” cannot be appended; there are: {}",
            shorten(odd, 30),
            APPENDABLE.join(", ")
        )));
    }
    if parts.len() > 20 {
        return Err(ToolError::TellModel("at most 20 parts can be appended".into()));
    }
    Ok(parts)
}

fn appended_view(name: &str, part: &Value, tmdb: &Tmdb) -> Value {
    match name {
        "credits" | "aggregate_credits" => view::credits(part, 15),
        "combined_credits" | "movie_credits" | "tv_credits" => view::known_works(part, 20).into(),
        "videos" => view::videos(part).into(),
        "images" => view::images(part),
        "reviews" => view::reviews(part).into(),
        "keywords" => view::keywords(part, 30).into(),
        "recommendations" | "similar" => view::short_list(&part["results"], 15).into(),
        "external_ids" => view::external_ids(part),
        "watch/providers" => view::providers(part, &tmdb.region),
        "release_dates" => view::release_dates(part, Some(&tmdb.region)),
        season if season.starts_with("season/") => season_view(part),
        _ => view::capped(part, 3),
    }
}
