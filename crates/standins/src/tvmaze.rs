//! TVmaze's public API over the demo household's series, relative to the clock: something airs every day.

use crate::{
    clock::Clock,
    facts::Facts,
    fault::text,
    household::{Airing, HOUSEHOLD, Person, Series, match_score, poster},
    server::{Asked, StandIn, json_answer},
};
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use jiff::{civil::Date, tz::TimeZone};
use serde_json::{Value, json};

pub(crate) struct TvMaze {
    clock: Clock,
    /// Where the pictures are, such as `http://127.0.0.1:4002/t/p`; none when TMDb was not started.
    images: Option<String>,
    facts: Facts,
}

/// What is not a JSON document.
enum Other {
    Missing,
    Wrong(&'static str),
    Elsewhere(u64),
}

impl TvMaze {
    pub(crate) fn new(clock: Clock, images: Option<String>, facts: Facts) -> Self {
        Self { clock, images, facts }
    }

    /// The listener of one show stands for any zone: days are New York's, where the channels are.
    fn today(&self) -> Date {
        let zone = TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC);
        self.clock.now().to_zoned(zone).date()
    }

    fn image(&self, path: &str) -> Value {
        match &self.images {
            Some(base) => json!({"medium": format!("{base}/w342{path}"), "original": format!("{base}/original{path}")}),
            None => Value::Null,
        }
    }

    fn show(&self, series: &Series) -> Value {
        let id = series.tvmaze;
        let us = json!({"name": "United States", "code": "US", "timezone": "America/New_York"});
        let channel = |id: u64, name: &str| json!({"id": id, "name": name, "country": us, "officialSite": null});
        let (network, web) = if series.web {
            (Value::Null, channel(9_400_001, "Internet Archive"))
        } else {
            (channel(9_400_010, "Demo Channel"), Value::Null)
        };
        let genres: Vec<&str> = series.genres.iter().flat_map(|genre| genre.split(" & ")).collect();
        json!({
            "id": id, "url": format!("https://www.tvmaze.com/shows/{id}"), "name": series.name, "type": if series.genres.iter().any(|genre| genre == "Animation") { "Animation" } else { "Scripted" },
            "language": "English", "genres": genres, "status": "Running", "runtime": series.runtime, "averageRuntime": series.runtime,
            "premiered": series.first, "ended": null, "officialSite": null,
            "schedule": {"time": series.time, "days": series.days}, "rating": {"average": series.vote}, "weight": 50,
            "network": network, "webChannel": web, "dvdCountry": null,
            "externals": {"tvrage": null, "thetvdb": series.tvdb, "imdb": series.imdb},
            "image": self.image(&poster::series_poster(series)), "summary": format!("<p>{}</p>", series.overview),
            "updated": self.clock.now().as_second(), "_links": {"self": {"href": format!("https://api.tvmaze.com/shows/{id}")}},
        })
    }

    fn episode(&self, airing: &Airing<'_>) -> Value {
        let id = airing.id();
        let zone = TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC);
        let (hour, minute) = airing.series.time.split_once(':').unwrap_or(("20", "00"));
        let at = airing.date.at(hour.parse().unwrap_or(20), minute.parse().unwrap_or(0), 0, 0);
        let stamp = at.to_zoned(zone).map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()).unwrap_or_default();
        json!({
            "id": id, "url": format!("https://www.tvmaze.com/episodes/{id}"), "name": airing.name, "season": 1,
            "number": airing.number, "type": "regular", "airdate": airing.date.to_string(), "airtime": airing.series.time,
            "airstamp": stamp, "runtime": airing.series.runtime, "rating": {"average": airing.series.vote},
            "image": self.image(&poster::series_backdrop(airing.series)), "summary": "",
            "_links": {"self": {"href": format!("https://api.tvmaze.com/episodes/{id}")}},
        })
    }

    fn person(&self, person: &Person) -> Value {
        json!({
            "id": person.id, "url": format!("https://www.tvmaze.com/people/{}", person.id), "name": person.name, "country": null,
            "birthday": null, "deathday": null, "gender": null, "image": self.image(&poster::portrait(&person.name)),
            "updated": self.clock.now().as_second(), "_links": {"self": {"href": format!("https://api.tvmaze.com/people/{}", person.id)}},
        })
    }

    fn cast(&self, series: &Series) -> Vec<Value> {
        let member = |(place, (name, role)): (usize, &(String, String))| {
            let person = HOUSEHOLD.person(name)?;
            let character = json!({"id": series.tvmaze * 10 + place as u64, "name": role, "image": null});
            Some(
                json!({"person": self.person(person), "character": character, "self": false, "voice": role.contains("(voice)")}),
            )
        };
        series.cast.iter().enumerate().filter_map(member).collect()
    }

    fn seasons(&self, series: &Series) -> Vec<Value> {
        let airings = series.all_airings(self.today());
        let dates = airings.iter().map(|airing| airing.date);
        vec![json!({
            "id": series.tvmaze * 10 + 1, "number": 1, "name": "", "episodeOrder": series.episodes.len(),
            "premiereDate": dates.clone().min().map(|date| date.to_string()), "endDate": dates.max().map(|date| date.to_string()),
            "network": self.show(series)["network"], "webChannel": self.show(series)["webChannel"], "image": null, "summary": "",
        })]
    }

    fn embedded(&self, series: &Series, asked: &Asked) -> Value {
        let mut show = self.show(series);
        for (_, embed) in asked.query.iter().filter(|(name, _)| name == "embed" || name == "embed[]") {
            let part = match embed.as_str() {
                "episodes" => series.all_airings(self.today()).iter().map(|airing| self.episode(airing)).collect(),
                "seasons" => json!(self.seasons(series)),
                "cast" => json!(self.cast(series)),
                "nextepisode" => series.airs_next(self.today()).map_or(Value::Null, |airing| self.episode(&airing)),
                "previousepisode" => {
                    series.aired_last(self.today()).map_or(Value::Null, |airing| self.episode(&airing))
                }
                _ => continue,
            };
            if !part.is_null() {
                show["_embedded"][embed.as_str()] = part;
            }
        }
        show
    }

    fn found(&self, query: &str) -> Vec<(f64, &'static Series)> {
        let mut found: Vec<(u32, &Series)> = HOUSEHOLD
            .series
            .iter()
            .map(|series| (match_score(query, &series.name), series))
            .filter(|(score, _)| *score > 0)
            .collect();
        found.sort_by_key(|(score, series)| std::cmp::Reverse((*score, series.votes)));
        found.into_iter().map(|(score, series)| (f64::from(score) / 100.0, series)).collect()
    }

    fn scheduled(&self, asked: &Asked, web: bool) -> Result<Value, Other> {
        let date = match asked.query("date") {
            Some(date) => date.parse().map_err(|_| Other::Wrong("Invalid date"))?,
            None => self.today(),
        };
        // Everything is American; a web schedule for no country at all holds global channels only, of which there are none.
        let country = asked.query("country");
        if country.is_some_and(|country| country != "US") {
            return Ok(json!([]));
        }
        let mut airings: Vec<Airing<'_>> = HOUSEHOLD
            .series
            .iter()
            .filter(|series| series.web == web)
            .filter_map(|series| series.airs_on(date))
            .collect();
        airings.sort_by(|one, other| one.series.time.cmp(&other.series.time));
        Ok(airings
            .iter()
            .map(|airing| {
                let (mut episode, show) = (self.episode(airing), self.show(airing.series));
                if web {
                    episode["_embedded"] = json!({ "show": show });
                } else {
                    episode["show"] = show;
                }
                episode
            })
            .collect())
    }

    fn told(&self, asked: &Asked) -> Result<Value, Other> {
        let wanted = |name: &str| {
            asked.query(name).filter(|value| !value.is_empty()).ok_or(Other::Wrong("Missing required parameters"))
        };
        let path: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match path.as_slice() {
            ["search", "shows"] => {
                let found = self.found(wanted("q")?);
                Ok(found
                    .into_iter()
                    .map(|(score, series)| json!({"score": score, "show": self.show(series)}))
                    .collect())
            }
            ["singlesearch", "shows"] => {
                let (_, series) = self.found(wanted("q")?).into_iter().next().ok_or(Other::Missing)?;
                Ok(self.embedded(series, asked))
            }
            ["search", "people"] => {
                let query = wanted("q")?;
                let people = HOUSEHOLD.people.iter().filter_map(|person| {
                    let score = match_score(query, &person.name);
                    (score > 0).then(|| json!({"score": f64::from(score) / 100.0, "person": self.person(person)}))
                });
                Ok(people.collect())
            }
            ["lookup", "shows"] => {
                let series = HOUSEHOLD.series.iter().find(|series| {
                    asked.query("imdb").is_some_and(|id| series.imdb.as_deref() == Some(id))
                        || asked.query("thetvdb").is_some_and(|id| series.tvdb.to_string() == id)
                });
                Err(series.map_or(Other::Missing, |series| Other::Elsewhere(series.tvmaze)))
            }
            ["schedule"] => self.scheduled(asked, false),
            ["schedule", "web"] => self.scheduled(asked, true),
            ["shows"] => match asked.query("page").unwrap_or("0") {
                "0" => Ok(HOUSEHOLD.series.iter().map(|series| self.show(series)).collect()),
                _ => Err(Other::Missing),
            },
            ["updates", "shows"] => {
                let now = self.clock.now().as_second();
                let updates: serde_json::Map<String, Value> =
                    HOUSEHOLD.series.iter().map(|series| (series.tvmaze.to_string(), json!(now))).collect();
                Ok(Value::Object(updates))
            }
            ["episodes", id] => {
                let mut all = HOUSEHOLD.series.iter().flat_map(|series| series.all_airings(self.today()));
                all.find(|airing| airing.id().to_string() == *id)
                    .map(|airing| self.episode(&airing))
                    .ok_or(Other::Missing)
            }
            ["shows", id, rest @ ..] => {
                let series =
                    HOUSEHOLD.series.iter().find(|series| series.tvmaze.to_string() == *id).ok_or(Other::Missing)?;
                let airings = || series.all_airings(self.today());
                match rest {
                    [] => Ok(self.embedded(series, asked)),
                    ["episodes"] => Ok(airings().iter().map(|airing| self.episode(airing)).collect()),
                    ["episodebynumber"] => {
                        let (season, number) = (wanted("season")?, wanted("number")?);
                        let airing =
                            airings().into_iter().find(|one| season == "1" && one.number.to_string() == number);
                        airing.map(|airing| self.episode(&airing)).ok_or(Other::Missing)
                    }
                    ["episodesbydate"] => {
                        let date: Date = wanted("date")?.parse().map_err(|_| Other::Wrong("Invalid date"))?;
                        let airing = series.airs_on(date).ok_or(Other::Missing)?;
                        Ok(json!([self.episode(&airing)]))
                    }
                    ["seasons"] => Ok(json!(self.seasons(series))),
                    ["cast"] => Ok(json!(self.cast(series))),
                    ["crew"] => {
                        let creator = HOUSEHOLD.person(&series.creator).map(|person| self.person(person));
                        Ok(json!([{"type": "Creator", "person": creator}]))
                    }
                    ["akas" | "alternatelists" | "images"] => Ok(json!([])),
                    _ => Err(Other::Missing),
                }
            }
            _ => Err(Other::Missing),
        }
    }
}

impl StandIn for TvMaze {
    fn name(&self) -> &'static str {
        "tvmaze"
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn error(&self, code: u16, _: &str) -> String {
        let name = if code == 429 { "Too Many Requests" } else { "Error" };
        json!({"name": name, "message": "", "code": 0, "status": code}).to_string()
    }

    async fn answer(&self, asked: Asked) -> Response<Body> {
        match self.told(&asked) {
            Ok(answer) => json_answer(StatusCode::OK, &answer),
            Err(Other::Missing) => {
                let answer = json!({"name": "Not Found", "message": "Page not found.", "code": 0, "status": 404});
                json_answer(StatusCode::NOT_FOUND, &answer)
            }
            Err(Other::Wrong(message)) => {
                let answer = json!({"name": "Bad Request", "message": message, "code": 0, "status": 400});
                json_answer(StatusCode::BAD_REQUEST, &answer)
            }
            Err(Other::Elsewhere(id)) => {
                let mut answer = text(StatusCode::MOVED_PERMANENTLY, "text/html", "");
                // The real service names itself absolutely; a relative address stays on this port.
                if let Ok(place) = HeaderValue::from_str(&format!("/shows/{id}")) {
                    answer.headers_mut().insert(header::LOCATION, place);
                }
                answer
            }
        }
    }
}
