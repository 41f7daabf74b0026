//! TMDb v3 over the demo household's shelf, and its image server.
//!
//! Paths, fields and errors follow the published description and the observed service: `Bearer` or `api_key`, pages to
//! 500, `append_to_response`, 404 with code 34. Lists are made when asked, from the clock's day, so trends turn by the
//! week. What the shelf does not have (videos, logos) is an empty list, as the real service answers.

mod discover;
mod views;

use crate::{
    clock::Clock,
    facts::Facts,
    fault::text,
    household::{
        COUNTRIES, FILM_GENRES, Film, HOUSEHOLD, PROVIDERS, Person, SERIES_GENRES, Series, match_score, poster,
    },
    server::{Asked, StandIn, json_answer},
};
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use jiff::civil::Date;
use serde_json::{Value, json};

/// Pages the service has, whatever `total_pages` says.
const LAST_PAGE: u64 = 500;
const PAGE_SIZE: usize = 20;
/// Parts of one `append_to_response`.
const PARTS: usize = 20;

pub(crate) struct Tmdb {
    clock: Clock,
    key: Option<String>,
    facts: Facts,
}

/// The service's own error: HTTP status, its code, its sentence.
pub(crate) struct Refusal(u16, u64, &'static str);

impl Refusal {
    fn body(&self) -> Value {
        json!({"success": false, "status_code": self.1, "status_message": self.2})
    }
}

const NOT_FOUND: Refusal = Refusal(404, 34, "The resource you requested could not be found.");
const BAD_KEY: Refusal = Refusal(401, 7, "Invalid API key: You must be granted a valid key.");
const BAD_PAGE: Refusal =
    Refusal(400, 22, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer.");
const TOO_MANY_PARTS: Refusal =
    Refusal(400, 27, "Too many append to response objects: The maximum number of remote calls is 20.");
const BAD_PARAMETERS: Refusal = Refusal(422, 5, "Invalid parameters: Your request parameters are incorrect.");

/// Something on the shelf.
#[derive(Clone, Copy)]
pub(crate) enum Thing {
    Film(&'static Film),
    Series(&'static Series),
    Person(&'static Person),
}

impl Thing {
    pub(crate) fn votes(self) -> u64 {
        match self {
            Thing::Film(film) => film.votes,
            Thing::Series(series) => series.votes * 4,
            Thing::Person(person) => views::works(person).iter().map(|work| work.0.votes()).sum::<u64>() / 3,
        }
    }

    fn id(self) -> u64 {
        match self {
            Thing::Film(film) => film.id,
            Thing::Series(series) => series.id,
            Thing::Person(person) => person.id,
        }
    }

    fn score(self) -> f64 {
        match self {
            Thing::Film(film) => film.vote,
            Thing::Series(series) => series.vote,
            Thing::Person(_) => 0.0,
        }
    }
}

pub(crate) fn films() -> Vec<Thing> {
    HOUSEHOLD.films.iter().map(Thing::Film).collect()
}

pub(crate) fn series() -> Vec<Thing> {
    HOUSEHOLD.series.iter().map(Thing::Series).collect()
}

fn people() -> Vec<Thing> {
    HOUSEHOLD.people.iter().map(Thing::Person).collect()
}

/// A request without its transport.
struct Question<'a> {
    query: &'a [(String, String)],
    today: Date,
    page: u64,
}

impl Question<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// One page of a list, with `media_type` where the list is mixed.
    fn list(&self, things: &[Thing], mixed: bool) -> Value {
        let start = usize::try_from(self.page - 1).unwrap_or(usize::MAX).saturating_mul(PAGE_SIZE);
        let results: Vec<Value> =
            things.iter().skip(start).take(PAGE_SIZE).map(|thing| views::item(*thing, mixed)).collect();
        self.envelope(results, things.len())
    }

    fn envelope(&self, results: Vec<Value>, total: usize) -> Value {
        json!({"page": self.page, "results": results, "total_pages": total.div_ceil(PAGE_SIZE).max(1), "total_results": total})
    }

    fn named(&self, list: &[(u64, &str)]) -> Result<Value, Refusal> {
        let query = self.get("query").ok_or(BAD_PARAMETERS)?;
        let found: Vec<Value> = list
            .iter()
            .filter(|(_, name)| match_score(query, name) > 0)
            .map(|(id, name)| json!({"id": id, "name": name}))
            .collect();
        let total = found.len();
        Ok(self.envelope(found, total))
    }
}

impl Tmdb {
    pub(crate) fn new(clock: Clock, key: Option<String>, facts: Facts) -> Self {
        Self { clock, key, facts }
    }

    fn has_key(&self, asked: &Asked) -> bool {
        let bearer = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let Some(given) = bearer.or_else(|| asked.query("api_key")) else { return false };
        match &self.key {
            Some(key) => key == given,
            None => !given.is_empty(),
        }
    }

    fn picture(rest: &str) -> Option<Response<Body>> {
        let (size, file) = rest.split_once('/')?;
        if size != "original" && !size.starts_with(['w', 'h']) {
            return None;
        }
        let mut answer = text(StatusCode::OK, "image/svg+xml", poster::drawing(file)?);
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=31536000"));
        Some(answer)
    }

    fn told(&self, asked: &Asked) -> Result<Value, Refusal> {
        if !self.has_key(asked) {
            return Err(BAD_KEY);
        }
        let page = match asked.query("page") {
            None => 1,
            Some(page) => page.parse().ok().filter(|page| (1..=LAST_PAGE).contains(page)).ok_or(BAD_PAGE)?,
        };
        let question = Question { query: &asked.query, today: self.clock.today(), page };
        let path: Vec<&str> = asked.path.split('/').skip(2).collect();
        let mut answer = resource(&path, &question)?;
        if let Some(parts) = question.get("append_to_response") {
            let parts: Vec<&str> = parts.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
            if parts.len() > PARTS {
                return Err(TOO_MANY_PARTS);
            }
            for part in parts {
                let mut inside = path.clone();
                inside.extend(part.split('/'));
                // An unknown part is left out, as the real service does.
                if let Ok(mut found) = resource(&inside, &question) {
                    if let (Some(object), false) = (found.as_object_mut(), part.starts_with("season/")) {
                        object.remove("id");
                    }
                    answer[part] = found;
                }
            }
        }
        Ok(answer)
    }
}

impl StandIn for Tmdb {
    fn name(&self) -> &'static str {
        "tmdb"
    }

    fn name_of(&self, path: &str) -> &'static str {
        if path.starts_with("/t/p/") { "tmdb_images" } else { "tmdb" }
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn error(&self, code: u16, _: &str) -> String {
        let refusal = match code {
            401 => BAD_KEY,
            404 => NOT_FOUND,
            429 => Refusal(429, 25, "Your request count (#) is over the allowed limit of (40)."),
            502 => Refusal(502, 43, "Couldn't connect to the backend server."),
            503 => Refusal(503, 9, "Service offline: This service is temporarily offline, try again later."),
            504 => Refusal(504, 24, "Your request to the backend server timed out. Try again."),
            _ => Refusal(code, 11, "Internal error: Something went wrong, contact TMDb."),
        };
        refusal.body().to_string()
    }

    async fn answer(&self, asked: Asked) -> Response<Body> {
        if let Some(rest) = asked.path.strip_prefix("/t/p/") {
            return Self::picture(rest)
                .unwrap_or_else(|| text(StatusCode::NOT_FOUND, "text/html", "<h1>File not Found</h1>"));
        }
        if asked.method != "GET" || !asked.path.starts_with("/3/") {
            return json_answer(StatusCode::NOT_FOUND, &NOT_FOUND.body());
        }
        match self.told(&asked) {
            Ok(answer) => json_answer(StatusCode::OK, &answer),
            Err(refusal) => {
                let status = StatusCode::from_u16(refusal.0).unwrap_or(StatusCode::BAD_REQUEST);
                json_answer(status, &refusal.body())
            }
        }
    }
}

/// One resource by its path without `/3`.
fn resource(path: &[&str], question: &Question<'_>) -> Result<Value, Refusal> {
    let today = question.today;
    match path {
        ["authentication"] => Ok(json!({"success": true, "status_code": 1, "status_message": "Success."})),
        ["configuration"] => Ok(views::configuration()),
        ["configuration", "countries"] => Ok(COUNTRIES
            .iter()
            .map(|(code, name)| json!({"iso_3166_1": code, "english_name": name, "native_name": name}))
            .collect()),
        ["configuration", "languages"] => Ok(views::languages()),
        ["configuration", "timezones"] => Ok(json!([
            {"iso_3166_1": "DE", "zones": ["Europe/Berlin"]},
            {"iso_3166_1": "GB", "zones": ["Europe/London"]},
            {"iso_3166_1": "US", "zones": ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"]},
        ])),
        ["genre", "movie", "list"] => Ok(json!({ "genres": named_list(&FILM_GENRES) })),
        ["genre", "tv", "list"] => Ok(json!({ "genres": named_list(&SERIES_GENRES) })),
        ["certification", "movie", "list"] => Ok(views::film_certifications()),
        ["certification", "tv", "list"] => Ok(views::series_certifications()),
        ["watch", "providers", "regions"] => Ok(json!({"results": COUNTRIES
            .iter()
            .map(|(code, name)| json!({"iso_3166_1": code, "english_name": name, "native_name": name}))
            .collect::<Vec<_>>()})),
        ["watch", "providers", "movie" | "tv"] => Ok(json!({"results": PROVIDERS
            .iter()
            .enumerate()
            .map(|(place, (id, name, _))| json!({
                "provider_id": id, "provider_name": name, "display_priority": place, "logo_path": null,
                "display_priorities": {"US": place, "GB": place, "DE": place},
            }))
            .collect::<Vec<_>>()})),
        ["search", kind] => search(kind, question),
        ["find", id] => find(id, question),
        ["trending", kind, window @ ("day" | "week")] => {
            let turn = match *window {
                "day" => i64::from(today.day_of_year()),
                _ => i64::from(today.iso_week_date().week()) * 7 + i64::from(today.iso_week_date().year()),
            };
            let things = match *kind {
                "all" => films().into_iter().chain(series()).collect(),
                "movie" => films(),
                "tv" => series(),
                "person" => people(),
                _ => return Err(NOT_FOUND),
            };
            Ok(question.list(&trending(things, turn), true))
        }
        ["discover", "movie"] => Ok(question.list(&discover::films(question), false)),
        ["discover", "tv"] => Ok(question.list(&discover::series(question), false)),
        ["keyword", id, "movies"] => {
            let keywords = HOUSEHOLD.keywords();
            let (number, name) = keywords.iter().find(|(number, _)| number.to_string() == *id).ok_or(NOT_FOUND)?;
            let found: Vec<Thing> = HOUSEHOLD
                .films
                .iter()
                .filter(|film| film.keywords.iter().any(|keyword| keyword == name))
                .map(Thing::Film)
                .collect();
            let mut list = question.list(&popular(found), false);
            list["id"] = json!(number);
            Ok(list)
        }
        ["keyword", id] => {
            let keywords = HOUSEHOLD.keywords();
            let (number, name) = keywords.iter().find(|(number, _)| number.to_string() == *id).ok_or(NOT_FOUND)?;
            Ok(json!({"id": number, "name": name}))
        }
        ["collection", id] => {
            let collections = HOUSEHOLD.collections();
            let (number, name) = collections.iter().find(|(number, _)| number.to_string() == *id).ok_or(NOT_FOUND)?;
            Ok(views::collection(*number, name))
        }
        ["movie", "popular"] => Ok(question.list(&popular(films()), false)),
        ["movie", "top_rated"] => Ok(question.list(&top_rated(films()), false)),
        ["movie", "upcoming"] => Ok(dated(question, returning(12, 60), today, 12, 60)),
        ["movie", "now_playing"] => Ok(dated(question, returning(0, 11), today, -28, 11)),
        ["tv", "popular"] => Ok(question.list(&popular(series()), false)),
        ["tv", "top_rated"] => Ok(question.list(&top_rated(series()), false)),
        ["tv", "airing_today"] => {
            let airing = HOUSEHOLD.series.iter().filter(|series| series.airs_on(today).is_some());
            Ok(question.list(&popular(airing.map(Thing::Series).collect()), false))
        }
        ["tv", "on_the_air"] => Ok(question.list(&popular(series()), false)),
        ["person", "popular"] => Ok(question.list(&popular(people()), false)),
        ["movie", id, rest @ ..] => {
            let film = HOUSEHOLD.films.iter().find(|film| film.id.to_string() == *id).ok_or(NOT_FOUND)?;
            match rest {
                [] => Ok(views::film(film)),
                ["recommendations" | "similar"] => {
                    let alike = alike(Thing::Film(film), films());
                    Ok(question.list(&alike, rest == ["recommendations"]))
                }
                rest => views::film_part(film, rest, today).ok_or(NOT_FOUND),
            }
        }
        ["tv", id, rest @ ..] => {
            let found = HOUSEHOLD.series.iter().find(|series| series.id.to_string() == *id).ok_or(NOT_FOUND)?;
            match rest {
                [] => Ok(views::series(found, today)),
                ["recommendations" | "similar"] => {
                    let alike = alike(Thing::Series(found), series());
                    Ok(question.list(&alike, rest == ["recommendations"]))
                }
                rest => views::series_part(found, rest, today).ok_or(NOT_FOUND),
            }
        }
        ["person", id, rest @ ..] => {
            let person = HOUSEHOLD.people.iter().find(|person| person.id.to_string() == *id).ok_or(NOT_FOUND)?;
            views::person(person, rest).ok_or(NOT_FOUND)
        }
        _ => Err(NOT_FOUND),
    }
}

pub(crate) fn named_list(list: &[(u64, &str)]) -> Vec<Value> {
    list.iter().map(|(id, name)| json!({"id": id, "name": name})).collect()
}

fn search(kind: &str, question: &Question<'_>) -> Result<Value, Refusal> {
    let query = question.get("query").ok_or(BAD_PARAMETERS)?;
    let year = |names: &[&str]| names.iter().find_map(|name| question.get(name)).map(str::to_owned);
    let mut found: Vec<(u32, Thing)> = Vec::new();
    if matches!(kind, "movie" | "multi") {
        let year = year(&["primary_release_year", "year"]);
        for film in HOUSEHOLD.films.iter().filter(|film| year.as_ref().is_none_or(|year| film.date.starts_with(year))) {
            found.push((match_score(query, &film.title).max(match_score(query, &film.original)), Thing::Film(film)));
        }
    }
    if matches!(kind, "tv" | "multi") {
        let year = year(&["first_air_date_year", "year"]);
        for series in HOUSEHOLD.series.iter().filter(|one| year.as_ref().is_none_or(|year| one.first.starts_with(year)))
        {
            found.push((match_score(query, &series.name), Thing::Series(series)));
        }
    }
    if matches!(kind, "person" | "multi") {
        found.extend(HOUSEHOLD.people.iter().map(|person| (match_score(query, &person.name), Thing::Person(person))));
    }
    match kind {
        "movie" | "tv" | "person" | "multi" => {
            found.retain(|(score, _)| *score > 0);
            found.sort_by_key(|(score, thing)| std::cmp::Reverse((*score, thing.votes())));
            let things: Vec<Thing> = found.into_iter().map(|(_, thing)| thing).collect();
            Ok(question.list(&things, kind == "multi"))
        }
        "collection" => question.named(&HOUSEHOLD.collections()),
        "keyword" => question.named(&HOUSEHOLD.keywords()),
        "company" => question.named(&HOUSEHOLD.companies()),
        _ => Err(NOT_FOUND),
    }
}

fn find(id: &str, question: &Question<'_>) -> Result<Value, Refusal> {
    let source = question.get("external_source").ok_or(BAD_PARAMETERS)?;
    let films = HOUSEHOLD.films.iter().filter(|film| source == "imdb_id" && film.imdb.as_deref() == Some(id));
    let series = HOUSEHOLD.series.iter().filter(|series| match source {
        "imdb_id" => series.imdb.as_deref() == Some(id),
        "tvdb_id" => series.tvdb.to_string() == id,
        _ => false,
    });
    let item = |thing| views::item(thing, true);
    Ok(json!({
        "movie_results": films.map(|film| item(Thing::Film(film))).collect::<Vec<_>>(),
        "tv_results": series.map(|series| item(Thing::Series(series))).collect::<Vec<_>>(),
        "person_results": [], "tv_episode_results": [], "tv_season_results": [],
    }))
}

/// Most voted first.
pub(crate) fn popular(mut things: Vec<Thing>) -> Vec<Thing> {
    things.sort_by_key(|thing| (std::cmp::Reverse(thing.votes()), thing.id()));
    things
}

fn top_rated(mut things: Vec<Thing>) -> Vec<Thing> {
    things.sort_by(|one, other| other.score().total_cmp(&one.score()).then(one.id().cmp(&other.id())));
    things
}

/// What is liked most, stirred anew with every turn.
fn trending(mut things: Vec<Thing>, turn: i64) -> Vec<Thing> {
    things.sort_by_key(|thing| {
        let stirred =
            (thing.id() ^ (turn as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 44;
        // There are fewer series than films; without a start they would hardly show among the first.
        let start = if matches!(thing, Thing::Series(_)) { 200 } else { 0 };
        std::cmp::Reverse(stirred % 1000 + thing.votes().min(1000) / 4 + start)
    });
    things
}

/// Films back in cinemas within so many days, soonest first.
fn returning(from: i32, to: i32) -> Vec<Thing> {
    let mut films: Vec<&Film> = HOUSEHOLD
        .films
        .iter()
        .filter(|film| film.returns_in_days.is_some_and(|days| (from..=to).contains(&days)))
        .collect();
    films.sort_by_key(|film| film.returns_in_days);
    films.into_iter().map(Thing::Film).collect()
}

fn dated(question: &Question<'_>, things: Vec<Thing>, today: Date, from: i32, to: i32) -> Value {
    let mut list = question.list(&things, false);
    list["dates"] = json!({"minimum": views::in_days(today, from), "maximum": views::in_days(today, to)});
    list
}

/// Others with the most genres and keywords in common; at least one.
fn alike(thing: Thing, all: Vec<Thing>) -> Vec<Thing> {
    let words = |thing: Thing| -> Vec<&'static str> {
        let (genres, keywords): (&'static [String], &'static [String]) = match thing {
            Thing::Film(film) => (&film.genres, &film.keywords),
            Thing::Series(series) => (&series.genres, &series.keywords),
            Thing::Person(_) => (&[], &[]),
        };
        // The silent films would all be alike by that word alone.
        genres
            .iter()
            .chain(keywords)
            .chain(keywords)
            .map(String::as_str)
            .filter(|word| *word != "silent film")
            .collect()
    };
    let own = words(thing);
    let mut scored: Vec<(usize, Thing)> = all
        .into_iter()
        .filter(|other| other.id() != thing.id())
        .map(|other| (words(other).iter().filter(|word| own.contains(word)).count(), other))
        .filter(|(common, _)| *common > 0)
        .collect();
    scored.sort_by_key(|(common, other)| (std::cmp::Reverse((*common, other.votes())), other.id()));
    scored.into_iter().map(|(_, other)| other).take(PAGE_SIZE).collect()
}
