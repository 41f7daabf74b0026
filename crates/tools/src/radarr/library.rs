//! Looking: candidates for a title, the films there are, one of them with its files and history, collections.

use super::film;
use crate::servarr::{
    Instances, NameOrId, Radarr, arguments,
    client::{Age, Query},
    history, lists, view,
};
use majordomo_domain::{
    Call, Card, Effect, Output, Tool, ToolError,
    text::{clean, is_blank, shorten},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Cards of a list at most.
const MOST_CARDS: usize = 5;

fn words(text: &str) -> Result<String, ToolError> {
    if is_blank(text) {
        return Err(ToolError::TellModel("the search text is empty".into()));
    }
    Ok(clean(text).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect())
}

arguments! {
    /// Find a film to add: title (a year helps), `tmdb:603` or `imdb:tt0133093`. Says which are in Radarr already.
    pub struct Lookup for Radarr {
        /// A title, `tmdb:…` or `imdb:…`.
        #[serde(alias = "query")]
        term: String,
        /// Candidates shown, 1 to 20; 6 when absent.
        #[serde(default)]
        limit: Option<usize>,
    }
}

impl Tool for Lookup {
    const NAME: &'static str = "radarr_lookup";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "film movie find search title lookup add is it there suchen Film finden gibt es buscar \
                                    película encontrar chercher trouver";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        format!("Looking “{}” up in Radarr", shorten(&clean(&self.term), 40))
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let limit = crate::servarr::limit(self.limit, 6, 20)?;
        let found = client.list("/movie/lookup", &vec![("term", words(&self.term)?)], Age::List).await?;
        let mut told = view::some(found.iter(), limit, film::candidate);
        if found.is_empty() {
            told["note"] = "nothing found".into();
        }
        let cards: Vec<Card> = found.iter().take(limit.min(MOST_CARDS)).map(|it| film::card(client, it)).collect();
        Ok(Output::json(&told)?.with_cards(cards))
    }
}

arguments! {
    /// One film by its TMDb id, as Radarr would add it, and whether it is there already.
    pub struct LookupTmdb for Radarr {
        /// TMDb id of the film, such as 603.
        tmdb_id: u64,
    }
}

impl Tool for LookupTmdb {
    const NAME: &'static str = "radarr_lookup_tmdb";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "film movie lookup tmdb id nachschlagen consultar consulter";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        format!("Looking film {} up in Radarr", self.tmdb_id)
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let query = vec![("tmdbId", self.tmdb_id.to_string())];
        match client.find("/movie/lookup/tmdb", &query, Age::List).await? {
            Some(found) if found.is_object() => {
                Ok(Output::json(&film::candidate(&found))?.with_cards(vec![film::card(client, &found)]))
            }
            _ => Output::json(&json!({ "note": "nothing found" })),
        }
    }
}

/// What a list of films is ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Sort {
    #[default]
    Title,
    /// Newest in the library first.
    Added,
    /// Newest first.
    Year,
    /// Largest first.
    Size,
}

/// What is wanted of a film's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Has a file.
    There,
    /// Monitored, without a file.
    Wanted,
    NotMonitored,
}

arguments! {
    /// Films in Radarr's library, by title, state, profile, tag or year; a page at a time, never all of them.
    pub struct Movies for Radarr {
        /// One film by Radarr's number.
        #[serde(default)]
        movie_id: Option<u64>,
        /// One film by its TMDb id.
        #[serde(default)]
        tmdb_id: Option<u64>,
        /// Words of the title.
        #[serde(default, alias = "query")]
        search: Option<String>,
        /// Only in this state.
        #[serde(default)]
        state: Option<State>,
        /// Only with this quality profile, by name.
        #[serde(default)]
        quality_profile: Option<NameOrId>,
        /// Only with this tag.
        #[serde(default)]
        tag: Option<NameOrId>,
        /// Only from this year on.
        #[serde(default)]
        year_min: Option<u64>,
        /// Only up to this year.
        #[serde(default)]
        year_max: Option<u64>,
        /// Default `title`.
        #[serde(default)]
        sort: Option<Sort>,
        /// From 1.
        #[serde(default)]
        page: Option<usize>,
        /// Films of a page, 1 to 50; 10 when absent.
        #[serde(default, alias = "page_size")]
        limit: Option<usize>,
    }
}

impl Tool for Movies {
    const NAME: &'static str = "radarr_movies";
    const ALIASES: &'static [&'static str] = &["radarr_get_movies"];
    const EFFECT: Effect = Effect::Read;
    const TIMEOUT: Option<std::time::Duration> = Some(std::time::Duration::from_secs(60));
    const KEYWORDS: &'static str = "films movies library list have wanted monitored which Filme Bibliothek welche haben wir \
                                    películas biblioteca tenemos films bibliothèque avons";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        match &self.search {
            Some(search) => format!("Looking for “{}” among Radarr's films", shorten(&clean(search), 40)),
            None => "Looking through Radarr's films".into(),
        }
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<Radarr>, call: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let one = match (self.movie_id, self.tmdb_id) {
            (Some(id), _) => Some(film::fresh(client, id).await?),
            (None, Some(id)) => Some(film::by_tmdb(client, id, Age::Live).await?),
            (None, None) => None,
        };
        match one {
            Some(Some(found)) => {
                let told = film::details(client, &found, call).await?;
                return Ok(Output::json(&told)?.with_cards(vec![film::card(client, &found)]));
            }
            Some(None) => return Output::json(&json!({ "note": "nothing found: the film is not in Radarr" })),
            None => {}
        }
        let limit = crate::servarr::limit(self.limit, 10, 50)?;
        let page = self.page.unwrap_or(1).max(1);
        let profile = match &self.quality_profile {
            Some(wanted) => Some(client.profile(wanted).await?.id),
            None => None,
        };
        let tag = match &self.tag {
            Some(wanted) => client.tags_named(std::slice::from_ref(wanted)).await?.first().map(|tag| tag.id),
            None => None,
        };
        let search = self.search.as_deref().map(words).transpose()?.map(|words| words.to_lowercase());
        let library = client.library().await?;
        let fits = |film: &&Value| {
            let title = |field: &str| film[field].as_str().unwrap_or_default().to_lowercase();
            let year = film["year"].as_u64().unwrap_or(0);
            search.as_ref().is_none_or(|search| {
                let titles = format!("{} {} {year}", title("title"), title("originalTitle"));
                search.split(' ').all(|word| titles.contains(word.trim_matches(['(', ')'])))
            }) && self.state.is_none_or(|state| match state {
                State::There => film["hasFile"] == true,
                State::Wanted => film["hasFile"] != true && film["monitored"] == true,
                State::NotMonitored => film["monitored"] == false,
            }) && profile.is_none_or(|profile| film["qualityProfileId"] == profile)
                && tag.is_none_or(|tag| film["tags"].as_array().is_some_and(|tags| tags.contains(&json!(tag))))
                && self.year_min.is_none_or(|least| year >= least)
                && self.year_max.is_none_or(|most| year <= most)
        };
        let mut films: Vec<&Value> = library.as_array().into_iter().flatten().filter(fits).collect();
        let text = |film: &Value, field: &str| film[field].as_str().unwrap_or_default().to_lowercase();
        match self.sort.unwrap_or_default() {
            Sort::Title => films.sort_by_key(|film| text(film, "sortTitle")),
            Sort::Added => films.sort_by_key(|film| std::cmp::Reverse(text(film, "added"))),
            Sort::Year => films.sort_by_key(|film| std::cmp::Reverse(film["year"].as_u64())),
            Sort::Size => films.sort_by_key(|film| std::cmp::Reverse(view::bytes(&film["sizeOnDisk"]))),
        }
        let profiles = client.profiles().await?;
        let name = |film: &Value| {
            let known = profiles.iter().find(|profile| film["qualityProfileId"] == profile.id);
            known.map(|profile: &lists::Profile| profile.name.clone())
        };
        let total = films.len();
        let shown: Vec<&Value> = films.into_iter().skip((page - 1) * limit).take(limit).collect();
        let items: Vec<Value> = shown.iter().map(|film| film::short(film, name(film).as_deref())).collect();
        let mut told = json!({ "total": total, "page": page, "count": items.len(), "items": items });
        if total == 0 {
            told["note"] = "nothing found".into();
        }
        Output::json(&told)
    }
}

arguments! {
    /// One film in Radarr: state, release dates, profile, folder, file with quality and languages, last search.
    pub struct Movie for Radarr {
        /// The film, as `radarr_movies` numbers it.
        #[serde(alias = "id")]
        movie_id: u64,
    }
}

impl Tool for Movie {
    const NAME: &'static str = "radarr_movie";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "film movie details state quality folder release date when Film Zustand wann Qualität \
                                    película estado cuándo calidad film état quand qualité";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        "Looking at a film in Radarr".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<Radarr>, call: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        match film::fresh(client, self.movie_id).await? {
            Some(found) => {
                let told = film::details(client, &found, call).await?;
                Ok(Output::json(&told)?.with_cards(vec![film::card(client, &found)]))
            }
            None => Output::json(&json!({ "note": "nothing found: Radarr has no film of that number" })),
        }
    }
}

arguments! {
    /// Files of a film in Radarr: quality, size, languages, codecs.
    pub struct Files for Radarr {
        /// The film, as `radarr_movies` numbers it.
        movie_id: u64,
    }
}

impl Tool for Files {
    const NAME: &'static str = "radarr_files";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "file files quality size language codec audio subtitles Datei Größe Sprache archivo tamaño \
                                    idioma fichier taille langue";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        "Looking at a film's files".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let list = client.list("/moviefile", &vec![("movieId", self.movie_id.to_string())], Age::Live).await?;
        let mut told = view::some(list.iter(), 10, film::file_told);
        if list.is_empty() {
            told["note"] = "nothing found: the film has no file".into();
        }
        Output::json(&told)
    }
}

arguments! {
    /// What happened to one film in Radarr, newest first: grabbed, imported, failed, deleted.
    pub struct MovieHistory for Radarr {
        /// The film, as `radarr_movies` numbers it.
        movie_id: u64,
        /// Only this kind of event.
        #[serde(default)]
        event: Option<history::Event>,
        /// Events shown, 1 to 50; 10 when absent.
        #[serde(default)]
        limit: Option<usize>,
    }
}

impl Tool for MovieHistory {
    const NAME: &'static str = "radarr_movie_history";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "film movie history what happened when downloaded Verlauf Film historial película historique";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        "Looking at what happened to a film".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let limit = crate::servarr::limit(self.limit, 10, 50)?;
        let mut query = vec![("movieId", self.movie_id.to_string()), ("includeMovie", "true".to_owned())];
        query.extend(self.event.map(|event| ("eventType", event.name(client.which()).to_owned())));
        let mut rows = client.list("/history/movie", &query, Age::Live).await?;
        rows.sort_by(|a, b| b["date"].as_str().cmp(&a["date"].as_str()));
        let mut told = view::some(rows.iter(), limit, |row| history::told(client.which(), row));
        if rows.is_empty() {
            told["note"] = "nothing found: nothing happened to it yet".into();
        }
        Output::json(&told)
    }
}

/// A collection for the model.
pub fn collection_told(collection: &Value) -> Value {
    let films = collection["movies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let title = |film: &Value| {
        view::Fields::default()
            .put("tmdb_id", film["tmdbId"].as_u64())
            .put("title", view::title_and_year(film))
            .flag("in_radarr", film["isExisting"] == true)
            .done()
    };
    view::Fields::default()
        .put("collection_id", collection["id"].as_u64())
        .put("tmdb_id", collection["tmdbId"].as_u64())
        .put("title", view::text(&collection["title"], 120))
        .put("monitored", collection["monitored"].as_bool())
        .put("search_on_add", collection["searchOnAdd"].as_bool())
        .put("root_folder", view::text(&collection["rootFolderPath"], 200))
        .put("films", films.len())
        .put("missing", collection["missingMovies"].as_u64())
        .put("titles", films.iter().take(15).map(title).collect::<Vec<_>>())
        .done()
}

arguments! {
    /// Collections (franchises) Radarr knows: their films, how many are missing, whether new films are added by themselves.
    pub struct Collections for Radarr {
        /// Only the collection with this TMDb id.
        #[serde(default)]
        tmdb_id: Option<u64>,
        /// Words of the title.
        #[serde(default, alias = "query")]
        search: Option<String>,
        /// Collections shown, 1 to 20; 5 when absent.
        #[serde(default)]
        limit: Option<usize>,
    }
}

impl Tool for Collections {
    const NAME: &'static str = "radarr_collections";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "collection franchise series of films trilogy saga Reihe Filmreihe Sammlung colección saga \
                                    collection trilogie";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        "Looking through Radarr's collections".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let limit = crate::servarr::limit(self.limit, 5, 20)?;
        let query: Query = self.tmdb_id.map(|id| ("tmdbId", id.to_string())).into_iter().collect();
        let mut list = client.list("/collection", &query, Age::List).await?;
        if let Some(search) = self.search.as_deref().map(words).transpose()? {
            let search = search.to_lowercase();
            list.retain(|it| {
                let title = it["title"].as_str().unwrap_or_default().to_lowercase();
                search.split(' ').all(|word| title.contains(word))
            });
        }
        let mut told = view::some(list.iter(), limit, collection_told);
        if list.is_empty() {
            told["note"] = "nothing found".into();
        }
        Output::json(&told)
    }
}
