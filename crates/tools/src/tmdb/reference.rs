//! TMDb's own lists of words and numbers: genres, age ratings, streaming services, countries, languages.

use super::{
    arguments::{Media, Screen},
    client::{Age, Query, Tmdb, not_as_described},
    view,
};
use majordomo_domain::{Call, Effect, Output, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Genre names and ids of films or of series.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Genres {
    /// Default `movie`.
    #[serde(default)]
    media_type: Screen,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
}

impl Tool for Genres {
    const NAME: &'static str = "tmdb_genres";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "genre list names ids movie tv \
        Genres Gattungen géneros genres";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up genres".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let path = format!("/genre/{}/list", Media::from(self.media_type).as_str());
        let answer = tmdb.get(&path, &query, Age::Reference).await?;
        let list = answer.as_ref().and_then(|answer| answer["genres"].as_array());
        let Some(list) = list else { return Err(not_as_described("no list of genres")) };
        let genre = |genre: &Value| json!({ "id": genre["id"], "name": view::text(&genre["name"], 60) });
        Output::json(&json!({ "genres": list.iter().take(60).map(genre).collect::<Vec<_>>() }))
    }
}

/// Age ratings of a country and what they mean, mildest first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certifications {
    /// Default `movie`.
    #[serde(default)]
    media_type: Screen,
    /// Such as `DE`; the household's when absent.
    #[serde(default, alias = "region")]
    country: Option<String>,
}

impl Tool for Certifications {
    const NAME: &'static str = "tmdb_certifications";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "age rating certification meaning kids children parental fsk mpaa \
        Altersfreigabe Jugendschutz Bedeutung clasificación por edades classification d'âge signification";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up age ratings".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let country = tmdb.region(self.country.as_deref())?;
        let path = format!("/certification/{}/list", Media::from(self.media_type).as_str());
        let answer = tmdb.get(&path, &Query::new(), Age::Reference).await?;
        let all = answer.as_ref().and_then(|answer| answer["certifications"].as_object());
        let Some(all) = all else { return Err(not_as_described("no list of age ratings")) };
        let Some(list) = all.get(&country).and_then(Value::as_array) else {
            let known: Vec<&String> = all.keys().take(100).collect();
            return Output::json(&json!({ "note": "nothing found for this country", "countries": known }));
        };
        let mut list: Vec<&Value> = list.iter().take(40).collect();
        list.sort_by_key(|rating| rating["order"].as_i64().unwrap_or(0));
        let rating = |rating: &&Value| {
            let mut fields = view::Fields::default();
            fields.text("certification", &rating["certification"], 20).text("meaning", &rating["meaning"], 200);
            fields.object()
        };
        Output::json(&json!({ "country": country, "mildest_first": list.iter().map(rating).collect::<Vec<_>>() }))
    }
}

/// Which list of streaming services.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ProviderList {
    #[default]
    Movie,
    Tv,
    /// Countries there is data for.
    Regions,
}

/// Streaming services of a country with the ids discover filters by; or the countries there is data for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Providers {
    /// Default `movie`.
    #[serde(default, alias = "media_type")]
    list: ProviderList,
    /// Such as `DE`; the household's when absent.
    #[serde(default, alias = "region")]
    watch_region: Option<String>,
    /// Such as `de-DE`.
    #[serde(default)]
    language: Option<String>,
}

impl Tool for Providers {
    const NAME: &'static str = "tmdb_provider_list";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "streaming service netflix prime disney provider id list country \
        Streamingdienste Anbieter servicios plataformas de streaming plateformes services";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up streaming services".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let mut query: Query = vec![("language", tmdb.language(self.language.as_deref())?)];
        let region = tmdb.region(self.watch_region.as_deref())?;
        let path = match self.list {
            ProviderList::Movie => "/watch/providers/movie",
            ProviderList::Tv => "/watch/providers/tv",
            ProviderList::Regions => "/watch/providers/regions",
        };
        if !matches!(self.list, ProviderList::Regions) {
            query.push(("watch_region", region.clone()));
        }
        let answer = tmdb.get(path, &query, Age::Reference).await?;
        let list = answer.as_ref().and_then(|answer| answer["results"].as_array());
        let Some(list) = list else { return Err(not_as_described("no list of streaming services")) };
        if matches!(self.list, ProviderList::Regions) {
            let country = |entry: &Value| json!({ "country": entry["iso_3166_1"], "name": view::text(&entry["english_name"], 60) });
            return Output::json(&json!({ "regions": list.iter().take(250).map(country).collect::<Vec<_>>() }));
        }
        let mut list: Vec<&Value> = list.iter().collect();
        let priority = |entry: &&Value| {
            entry["display_priorities"][&region].as_u64().or(entry["display_priority"].as_u64()).unwrap_or(u64::MAX)
        };
        list.sort_by_key(priority);
        let provider =
            |entry: &&Value| json!({ "id": entry["provider_id"], "name": view::text(&entry["provider_name"], 60) });
        let providers: Vec<Value> = list.iter().take(60).map(provider).collect();
        Output::json(&json!({ "region": region, "providers": providers, "credit": "JustWatch" }))
    }
}

/// Which part of TMDb's configuration.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Part {
    #[default]
    Images,
    Countries,
    Languages,
}

/// TMDb's image sizes, or the country and language codes it knows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Default `images`.
    #[serde(default)]
    part: Part,
}

impl Tool for Configuration {
    const NAME: &'static str = "tmdb_configuration";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "configuration image sizes country codes language codes \
        Ländercodes Sprachen códigos países idiomas codes pays langues";
    type Service = Tmdb;

    fn title(&self) -> String {
        "Looking up TMDb's configuration".into()
    }

    async fn run(self, tmdb: &Tmdb, _: &Call) -> Result<Output, ToolError> {
        let (path, name) = match self.part {
            Part::Images => ("/configuration", "images"),
            Part::Countries => ("/configuration/countries", "countries"),
            Part::Languages => ("/configuration/languages", "languages"),
        };
        let answer = tmdb.get(path, &Query::new(), Age::Reference).await?;
        let Some(answer) = answer else { return Err(not_as_described("no configuration")) };
        if matches!(self.part, Part::Images) {
            return Output::json(&json!({ name: view::capped(&answer["images"], 3) }));
        }
        let Some(list) = answer.as_array() else { return Err(not_as_described("no list")) };
        // `DE Germany`: one short text each, there are hundreds.
        let code = |entry: &Value| {
            let code = view::text(&entry["iso_3166_1"], 5).or_else(|| view::text(&entry["iso_639_1"], 5))?;
            Some(format!("{code} {}", view::text(&entry["english_name"], 50)?))
        };
        let codes: Vec<String> = list.iter().filter_map(code).take(260).collect();
        Output::json(&json!({ name: codes }))
    }
}
