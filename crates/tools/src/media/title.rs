//! A film or a series as lists and details tell of it, and whether it is in the household's library.
//!
//! A service that could not be asked is named, never taken for an empty one.

use super::{
    Media,
    wish::{Kind, age_of},
};
use crate::{
    plex::{
        Have, Library, Outside, Shelf,
        client::{Age as PlexAge, DEFAULT},
        index::Watched,
    },
    servarr::client::Client,
    text::line,
    tmdb::{self, client::Age, view},
};
use futures_util::future::join_all;
use majordomo_domain::{Card, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};

/// Films, series, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Which {
    #[serde(alias = "film", alias = "movies", alias = "films")]
    Movie,
    #[serde(alias = "series", alias = "show", alias = "shows")]
    Tv,
    #[default]
    All,
}

impl Which {
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Which::Movie => &[Kind::Film],
            Which::Tv => &[Kind::Series],
            Which::All => &[Kind::Film, Kind::Series],
        }
    }
}

impl Kind {
    pub(super) fn shelf(self) -> Shelf {
        match self {
            Kind::Film => Shelf::Movie,
            Kind::Series => Shelf::Show,
        }
    }

    pub(super) fn screen(self) -> tmdb::Kind {
        match self {
            Kind::Film => tmdb::Kind::Movie,
            Kind::Series => tmdb::Kind::Tv,
        }
    }

    /// `movie` or `tv`, as TMDb's paths and the arguments have it.
    pub(super) fn path(self) -> &'static str {
        self.screen().as_str()
    }
}

/// A copy in a library.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Owned {
    pub rating_key: u32,
    /// The Plex it is in.
    pub instance: String,
    /// Of the picture; 0 when unknown.
    pub lines: u16,
    pub is_watched: bool,
}

/// What a list tells of a title.
#[derive(Clone, Debug, Default)]
pub(super) struct Title {
    pub kind: Kind,
    pub tmdb: Option<u64>,
    pub title: String,
    /// In its own language, where that is another one.
    pub original: Option<String>,
    pub year: Option<i32>,
    pub genres: Vec<String>,
    pub language: Option<String>,
    pub overview: String,
    /// 0 to 10.
    pub score: Option<f64>,
    pub votes: u64,
    pub minutes: Option<u32>,
    pub picture: Option<String>,
    pub owned: Option<Owned>,
}

impl Title {
    pub fn of_tmdb(item: &Value, kind: Kind) -> Self {
        let title = view::title(item);
        let original = item.get("original_title").or_else(|| item.get("original_name")).unwrap_or(&Value::Null);
        let by_id = item["genre_ids"].as_array().into_iter().flatten().filter_map(Value::as_u64);
        let named = item["genres"].as_array().into_iter().flatten().filter_map(|genre| view::text(&genre["name"], 40));
        let genres = named.chain(by_id.filter_map(|id| tmdb::genres::name(id).map(str::to_owned))).take(8).collect();
        let runtime = item["runtime"].as_u64().or_else(|| item["episode_run_time"][0].as_u64());
        Self {
            kind,
            tmdb: item["id"].as_u64(),
            original: view::text(original, 200).filter(|original| *original != title),
            title,
            year: view::year(item),
            genres,
            language: view::text(&item["original_language"], 10),
            overview: view::text(&item["overview"], 300).unwrap_or_default(),
            score: item["vote_average"].as_f64().filter(|score| *score > 0.0),
            votes: item["vote_count"].as_u64().unwrap_or(0),
            minutes: runtime.filter(|minutes| *minutes > 0).and_then(|minutes| u32::try_from(minutes).ok()),
            picture: view::picture(item),
            owned: None,
        }
    }

    pub fn of_plex(have: &Have<'_>, instance: &str, tmdb: Option<u64>) -> Self {
        Self {
            kind: if have.shelf == Shelf::Movie { Kind::Film } else { Kind::Series },
            tmdb,
            title: have.title.to_owned(),
            year: (have.year > 0).then(|| have.year.into()),
            genres: have.genres.iter().map(|genre| (*genre).to_owned()).collect(),
            score: have.rating.map(f64::from),
            minutes: (have.minutes > 0).then(|| have.minutes.into()),
            owned: Some(Owned::of(have, instance)),
            ..Self::default()
        }
    }

    /// By which two services' words of one title are known to be that.
    pub fn key(&self) -> String {
        let kind = self.kind.path();
        match (self.tmdb, &self.owned) {
            (Some(id), _) => format!("{kind} {id}"),
            (None, Some(owned)) => format!("{kind} plex {} {}", owned.instance, owned.rating_key),
            (None, None) => format!("{kind} {} {}", super::nearness::plain(&self.title), self.year.unwrap_or(0)),
        }
    }

    /// Such as `Metropolis (1927)`.
    pub fn in_words(&self) -> String {
        self.year.map_or_else(|| self.title.clone(), |year| format!("{} ({year})", self.title))
    }

    /// A card with this text under it.
    pub fn card(&self, text: String) -> Card {
        let mut subtitle = vec![if self.kind == Kind::Film { "Film".to_owned() } else { "Series".to_owned() }];
        subtitle.extend(self.minutes.map(|minutes| match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("{minutes} min"),
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        }));
        if !self.genres.is_empty() {
            subtitle.push(self.genres.iter().take(3).cloned().collect::<Vec<_>>().join(", "));
        }
        let sources = [self.tmdb.map(|_| "TMDb"), self.owned.as_ref().map(|_| "Plex")];
        let link = self.tmdb.map(|id| format!("https://www.themoviedb.org/{}/{id}", self.kind.path()));
        let card = Card {
            subtitle: subtitle.join(" · "),
            text,
            picture: self.picture.clone(),
            link,
            source: format!("Data: {}", sources.into_iter().flatten().collect::<Vec<_>>().join(", ")),
            ..Card::new(line(&self.in_words(), 256))
        };
        match &self.owned {
            Some(owned) if owned.is_watched => card.fact("In the library", "yes, watched"),
            Some(_) => card.fact("In the library", "yes"),
            None => card,
        }
    }
}

impl Owned {
    fn of(have: &Have<'_>, instance: &str) -> Self {
        Self {
            rating_key: have.rating_key,
            instance: instance.to_owned(),
            lines: have.lines,
            is_watched: have.watched == Watched::Yes,
        }
    }
}

/// The libraries of every Plex that answered.
#[derive(Default)]
pub(super) struct Libraries {
    all: Vec<(String, Arc<Library>)>,
    /// Those that could not be asked, a clause each.
    pub away: Vec<String>,
}

impl Libraries {
    pub fn owned(&self, kind: Kind, tmdb: u64) -> Option<Owned> {
        let id = Outside::Tmdb(u32::try_from(tmdb).ok()?);
        self.all.iter().find_map(|(name, library)| library.find(kind.shelf(), id).map(|have| Owned::of(&have, name)))
    }

    /// What a title is called there, with its year.
    pub fn name(&self, kind: Kind, id: Outside) -> Option<(String, Option<u32>)> {
        let have = self.all.iter().find_map(|(_, library)| library.find(kind.shelf(), id))?;
        Some((line(have.title, 150), (have.year > 0).then(|| have.year.into())))
    }

    /// Every title of a kind.
    pub fn titles(&self, kinds: &[Kind]) -> Vec<Title> {
        let mut titles = Vec::new();
        for (name, library) in &self.all {
            let ids: HashMap<u32, u64> = library
                .ids()
                .filter_map(|(_, id, key)| if let Outside::Tmdb(id) = id { Some((key, u64::from(id))) } else { None })
                .collect();
            let of_kind = library.all().filter(|have| kinds.iter().any(|kind| kind.shelf() == have.shelf));
            titles.extend(of_kind.map(|have| Title::of_plex(&have, name, ids.get(&have.rating_key).copied())));
        }
        titles
    }

    /// Whether anything can be said of what is there.
    pub fn is_known(&self) -> bool {
        !self.all.is_empty()
    }
}

/// What details add to a list's words. What a service does not say stays empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Details {
    pub directors: Vec<String>,
    pub cast: Vec<String>,
    pub keywords: Vec<String>,
    pub collection: Option<(u64, String)>,
    pub certification: Option<String>,
    /// Titles TMDb names beside it.
    pub alike: Vec<Value>,
}

impl Details {
    /// For whom it is, in years. None when nobody has said.
    pub fn age(&self) -> Option<u32> {
        self.certification.as_deref().and_then(age_of)
    }
}

impl Media {
    pub(super) async fn libraries(&self) -> Libraries {
        let mut libraries = Libraries::default();
        let Some(plex) = &self.plex else { return libraries };
        let names: Vec<String> = plex.names().map(str::to_owned).collect();
        let asked = names.iter().map(|name| async move { plex.instance(Some(name))?.library().await });
        for (name, library) in names.iter().zip(join_all(asked).await) {
            match library {
                Ok(library) => libraries.all.push((name.clone(), library)),
                Err(error) => libraries.away.push(error.to_string()),
            }
        }
        libraries
    }

    /// A title with its details, in one request to TMDb, and one to Plex where only that can say for whom it is. None when TMDb knows
    /// no such title.
    pub(super) async fn details(&self, title: &Title) -> Result<Option<(Title, Details)>, ToolError> {
        let asked = match (&self.tmdb, title.tmdb) {
            (Some(tmdb), Some(id)) => {
                let parts = match title.kind {
                    Kind::Film => "keywords,credits,release_dates,recommendations",
                    Kind::Series => "keywords,credits,content_ratings,recommendations",
                };
                let query = vec![("language", tmdb.language.clone()), ("append_to_response", parts.to_owned())];
                tmdb.get(&format!("/{}/{id}", title.kind.path()), &query, Age::Details)
                    .await
                    .map(|answer| answer.map(|item| (item, &tmdb.region)))
            }
            _ => Ok(None),
        };
        let (full, mut details) = match &asked {
            Ok(Some((item, region))) => {
                let mut full = Title::of_tmdb(item, title.kind);
                full.owned.clone_from(&title.owned);
                full.minutes = full.minutes.or(title.minutes);
                let words = |list: Vec<Value>| list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect();
                let made = match title.kind {
                    Kind::Film => words(view::jobs(&item["credits"]["crew"], &["Director"], 4)),
                    Kind::Series => words(view::names(&item["created_by"], 4)),
                };
                let cast = item["credits"]["cast"].as_array().into_iter().flatten().take(10);
                let collection = &item["belongs_to_collection"];
                let details = Details {
                    directors: made,
                    cast: cast.filter_map(|one| view::text(&one["name"], 100)).collect(),
                    keywords: words(view::keywords(&item["keywords"], 30)),
                    collection: collection["id"].as_u64().zip(view::text(&collection["name"], 150)),
                    certification: view::certification(item, title.kind.screen(), region),
                    alike: item["recommendations"]["results"].as_array().cloned().unwrap_or_default(),
                };
                (full, details)
            }
            Ok(None) if title.owned.is_none() => return Ok(None),
            Err(error) if title.owned.is_none() => return Err(error.clone()),
            Ok(None) | Err(_) => (title.clone(), Details::default()),
        };
        if let (None, Some(owned), Some(plex)) = (details.age(), &title.owned, &self.plex) {
            let item = plex.instance(Some(&owned.instance))?.item(owned.rating_key.into(), PlexAge::Reference).await;
            // Whatever TMDb said stands without it.
            if let Ok(Some(item)) = item {
                let tags = |name: &str| {
                    let list = item[name].as_array().into_iter().flatten();
                    list.take(10).filter_map(|one| view::text(&one["tag"], 100)).collect::<Vec<_>>()
                };
                if details.directors.is_empty() {
                    details.directors = tags("Director");
                }
                if details.cast.is_empty() {
                    details.cast = tags("Role");
                }
                let said = view::text(&item["contentRating"], 20);
                details.certification = said.or(details.certification);
            }
        }
        Ok(Some((full, details)))
    }

    /// Radarrs or Sonarrs with the titles they have, and who could not be asked.
    pub(super) async fn fetched(&self, kinds: &[Kind]) -> (Vec<Fetched>, Vec<String>) {
        let radarr = self.radarr.iter().flat_map(|all| all.all()).map(|client| (Kind::Film, client));
        let sonarr = self.sonarr.iter().flat_map(|all| all.all()).map(|client| (Kind::Series, client));
        let all: Vec<(Kind, &Client)> = radarr.chain(sonarr).filter(|(kind, _)| kinds.contains(kind)).collect();
        let (mut fetched, mut away) = (Vec::new(), Vec::new());
        for ((kind, client), answer) in all.iter().zip(join_all(all.iter().map(|(_, client)| client.library())).await) {
            match answer {
                Ok(records) => fetched.push(Fetched { kind: *kind, by: client.title(), records }),
                Err(error) => away.push(error.to_string()),
            }
        }
        (fetched, away)
    }
}

/// What one Radarr or Sonarr has.
pub(super) struct Fetched {
    pub kind: Kind,
    /// Such as `Radarr`, or `Radarr (4k)`.
    pub by: String,
    records: Arc<Value>,
}

impl Fetched {
    pub fn records(&self) -> impl Iterator<Item = &Value> {
        self.records.as_array().into_iter().flatten()
    }

    /// How it stands there, in words.
    pub fn state(record: &Value) -> &'static str {
        let has_all = match record.get("hasFile") {
            Some(has_file) => *has_file == true,
            None => record["statistics"]["percentOfEpisodes"].as_f64().is_some_and(|percent| percent >= 100.0),
        };
        match (has_all, record["monitored"] == true) {
            (true, _) => "downloaded",
            (false, true) => "wanted",
            (false, false) => "known, not looked for",
        }
    }
}

/// Plex's name where there are several.
pub(super) fn instance_told(owned: &Owned) -> Option<&str> {
    (owned.instance != DEFAULT).then_some(owned.instance.as_str())
}
