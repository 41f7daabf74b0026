//! The shelf in TMDb's words: list items, details and their parts.

use super::{Thing, discover::strictness};
use crate::household::{
    Airing, COUNTRIES, FILM_GENRES, Film, HOUSEHOLD, PROVIDERS, Person, SERIES_GENRES, Series, genres, number_of,
    poster,
    seasons::{HILLBILLIES, TvdbEpisode},
};
use jiff::{ToSpan, civil::Date};
use serde_json::{Value, json};

pub(super) fn in_days(today: Date, days: i32) -> String {
    today.checked_add(days.days()).unwrap_or(today).to_string()
}

/// An item of a list.
pub(super) fn item(thing: Thing, with_kind: bool) -> Value {
    let (mut item, kind) = match thing {
        Thing::Film(film) => (film_item(film), "movie"),
        Thing::Series(series) => (series_item(series), "tv"),
        Thing::Person(person) => {
            let mut known: Vec<Value> = works(person).into_iter().map(|(work, _)| self::item(work, true)).collect();
            known.dedup();
            known.truncate(3);
            let mut item = person_item(&person.name);
            item["known_for"] = json!(known);
            (item, "person")
        }
    };
    if with_kind {
        item["media_type"] = json!(kind);
    }
    item
}

fn genre_ids(known: &[(u64, &str)], names: &[String]) -> Vec<u64> {
    names.iter().filter_map(|name| number_of(known, name)).collect()
}

fn film_item(film: &Film) -> Value {
    json!({
        "adult": false, "backdrop_path": poster::film_backdrop(film), "genre_ids": genre_ids(&FILM_GENRES, &film.genres),
        "id": film.id, "original_language": film.language, "original_title": film.original, "overview": film.overview,
        "popularity": film.votes as f64 / 64.0, "poster_path": poster::film_poster(film), "release_date": film.date,
        "title": film.title, "video": false, "vote_average": film.vote, "vote_count": film.votes,
    })
}

fn series_item(series: &Series) -> Value {
    json!({
        "adult": false, "backdrop_path": poster::series_backdrop(series), "first_air_date": series.first,
        "genre_ids": genre_ids(&SERIES_GENRES, &series.genres), "id": series.id, "name": series.name,
        "origin_country": ["US"], "original_language": "en", "original_name": series.name, "overview": series.overview,
        "popularity": series.votes as f64 / 16.0, "poster_path": poster::series_poster(series),
        "vote_average": series.vote, "vote_count": series.votes,
    })
}

fn person_item(name: &str) -> Value {
    let person = HOUSEHOLD.person(name);
    let department = if person.is_some_and(|person| person.directs) { "Directing" } else { "Acting" };
    json!({
        "adult": false, "gender": 0, "id": person.map(|person| person.id), "known_for_department": department,
        "name": name, "original_name": name, "popularity": 3.5, "profile_path": poster::portrait(name),
    })
}

/// What somebody did, best known first, with the role or the job.
pub(super) fn works(person: &Person) -> Vec<(Thing, String)> {
    let mut works: Vec<(Thing, String)> = Vec::new();
    for film in &HOUSEHOLD.films {
        works.extend(
            film.cast
                .iter()
                .filter(|(name, _)| *name == person.name)
                .map(|(_, role)| (Thing::Film(film), role.clone())),
        );
        if film.director == person.name {
            works.push((Thing::Film(film), "Director".to_owned()));
        }
    }
    for series in &HOUSEHOLD.series {
        let roles = series.cast.iter().filter(|(name, _)| *name == person.name);
        works.extend(roles.map(|(_, role)| (Thing::Series(series), role.clone())));
        if series.creator == person.name {
            works.push((Thing::Series(series), "Creator".to_owned()));
        }
    }
    works.sort_by_key(|(work, _)| match work {
        Thing::Film(film) => std::cmp::Reverse(film.votes),
        Thing::Series(series) => std::cmp::Reverse(series.votes),
        Thing::Person(_) => std::cmp::Reverse(0),
    });
    works
}

fn collection_of(film: &Film) -> Value {
    match &film.collection {
        Some(name) => json!({
            "id": number_of(&HOUSEHOLD.collections(), name), "name": name, "poster_path": poster::film_poster(film),
            "backdrop_path": poster::film_backdrop(film),
        }),
        None => Value::Null,
    }
}

fn language_name(code: &str) -> &str {
    match code {
        "de" => "German",
        "fr" => "French",
        "ru" => "Russian",
        "sv" => "Swedish",
        _ => "English",
    }
}

pub(super) fn film(film: &Film) -> Value {
    let mut details = film_item(film);
    let extra = json!({
        "belongs_to_collection": collection_of(film), "budget": film.budget, "revenue": film.revenue, "homepage": "",
        "genres": genres(&FILM_GENRES, &film.genres), "imdb_id": film.imdb, "origin_country": [film.country],
        "production_companies": [{
            "id": number_of(&HOUSEHOLD.companies(), &film.company), "logo_path": null, "name": film.company,
            "origin_country": film.country,
        }],
        "production_countries": [{"iso_3166_1": film.country, "name": film.country}], "runtime": film.runtime,
        "spoken_languages": [{
            "english_name": language_name(&film.language), "iso_639_1": film.language, "name": language_name(&film.language),
        }],
        "status": "Released", "tagline": film.tagline,
    });
    merge(&mut details, extra);
    if let Some(object) = details.as_object_mut() {
        object.remove("genre_ids");
    }
    details
}

fn merge(into: &mut Value, extra: Value) {
    if let (Some(into), Value::Object(extra)) = (into.as_object_mut(), extra) {
        into.extend(extra);
    }
}

fn cast(list: &[(String, String)], id: u64) -> Vec<Value> {
    list.iter()
        .enumerate()
        .map(|(order, (name, role))| {
            let mut member = person_item(name);
            merge(
                &mut member,
                json!({"cast_id": order, "character": role, "credit_id": format!("c{id}x{order}"), "order": order}),
            );
            member
        })
        .collect()
}

fn crew(name: &str, department: &str, job: &str, id: u64) -> Value {
    let mut member = person_item(name);
    merge(&mut member, json!({"department": department, "job": job, "credit_id": format!("w{id}")}));
    member
}

fn providers(kind: &str, id: u64, count: usize) -> Value {
    let list = |way: &str| -> Vec<Value> {
        PROVIDERS
            .iter()
            .take(count)
            .enumerate()
            .filter(|(_, (_, _, how))| *how == way)
            .map(|(place, (number, name, _))| {
                json!({"logo_path": null, "provider_id": number, "provider_name": name, "display_priority": place})
            })
            .collect()
    };
    let mut here = json!({"link": format!("https://www.themoviedb.org/{kind}/{id}/watch"), "free": list("free")});
    if !list("ads").is_empty() {
        here["ads"] = json!(list("ads"));
    }
    let results: serde_json::Map<String, Value> =
        COUNTRIES.iter().map(|(country, _)| ((*country).to_owned(), here.clone())).collect();
    json!({"id": id, "results": results})
}

fn pictures(id: u64, upright: String, wide: String) -> Value {
    json!({
        "id": id, "logos": [],
        "posters": [{"aspect_ratio": 0.667, "height": 750, "width": 500, "iso_639_1": "en", "file_path": upright,
            "vote_average": 5.3, "vote_count": 4}],
        "backdrops": [{"aspect_ratio": 1.778, "height": 720, "width": 1280, "iso_639_1": null, "file_path": wide,
            "vote_average": 5.3, "vote_count": 4}],
    })
}

fn no_reviews(id: u64) -> Value {
    json!({"id": id, "page": 1, "results": [], "total_pages": 1, "total_results": 0})
}

fn keyword_list(words: &[String]) -> Vec<Value> {
    let known = HOUSEHOLD.keywords();
    words.iter().map(|word| json!({"id": number_of(&known, word), "name": word})).collect()
}

/// A part of a film's details by its path behind the id.
pub(super) fn film_part(film: &Film, part: &[&str], today: Date) -> Option<Value> {
    let id = film.id;
    Some(match part {
        ["credits"] => json!({
            "id": id, "cast": cast(&film.cast, id), "crew": [crew(&film.director, "Directing", "Director", id)],
        }),
        ["external_ids"] => json!({
            "id": id, "imdb_id": film.imdb, "wikidata_id": null, "facebook_id": null, "instagram_id": null, "twitter_id": null,
        }),
        ["release_dates"] => {
            let mut home = vec![release(&film.us, &film.date, 3, "")];
            if let Some(days) = film.returns_in_days {
                home.push(release(&film.us, &in_days(today, days), 2, "Restored, back in cinemas"));
            }
            home.push(release(&film.us, "2015-01-01", 4, "Internet Archive"));
            json!({"id": id, "results": [
                {"iso_3166_1": "GB", "release_dates": [release(&film.gb, &film.date, 3, "")]},
                {"iso_3166_1": "US", "release_dates": home},
            ]})
        }
        ["watch", "providers"] => providers("movie", id, if film.votes > 500 { 3 } else { 2 }),
        ["videos"] => json!({"id": id, "results": []}),
        ["images"] => pictures(id, poster::film_poster(film), poster::film_backdrop(film)),
        ["reviews"] => no_reviews(id),
        ["keywords"] => json!({"id": id, "keywords": keyword_list(&film.keywords)}),
        ["alternative_titles"] => {
            json!({"id": id, "titles": [{"iso_3166_1": film.country, "title": film.original, "type": ""}]})
        }
        ["translations"] => json!({"id": id, "translations": []}),
        _ => return None,
    })
}

fn release(rating: &str, date: &str, kind: u8, note: &str) -> Value {
    json!({
        "certification": rating, "descriptors": [], "iso_639_1": "", "note": note,
        "release_date": format!("{date}T00:00:00.000Z"), "type": kind,
    })
}

fn episode(airing: &Airing<'_>) -> Value {
    let series = airing.series;
    json!({
        "air_date": airing.date.to_string(), "episode_number": airing.number, "episode_type": "standard", "id": airing.id(),
        "name": airing.name, "overview": "", "production_code": "", "runtime": series.runtime, "season_number": 1,
        "show_id": series.id, "still_path": poster::series_backdrop(series), "vote_average": series.vote,
        "vote_count": series.votes / 10, "crew": [], "guest_stars": [],
    })
}

/// Episodes of a second season, of the one series about which TMDb and TVDB agree that it has one.
fn second(series: &Series) -> Vec<TvdbEpisode> {
    if series.tvdb != HILLBILLIES {
        return Vec::new();
    }
    // Nothing of it counts from today.
    series.tvdb_episodes(Date::default()).into_iter().filter(|episode| episode.season == 2).collect()
}

fn second_episode(series: &Series, fact: &TvdbEpisode) -> Value {
    json!({
        "air_date": fact.date.to_string(), "episode_number": fact.number, "episode_type": "standard",
        "id": series.tvmaze * 100 + 50 + u64::from(fact.number), "name": fact.title, "overview": "", "production_code": "",
        "runtime": series.runtime, "season_number": 2, "show_id": series.id, "still_path": poster::series_backdrop(series),
        "vote_average": series.vote, "vote_count": series.votes / 10, "crew": [], "guest_stars": [],
    })
}

pub(super) fn series(series: &Series, today: Date) -> Value {
    let mut details = series_item(series);
    let airing = |airing: Option<Airing<'_>>| airing.as_ref().map_or(Value::Null, episode);
    let number = HOUSEHOLD.person(&series.creator).map(|person| person.id);
    let season = |number: u64, date: String, count: usize| {
        json!({
            "air_date": date, "episode_count": count, "id": series.id * 10 + number, "name": format!("Season {number}"),
            "overview": "", "poster_path": poster::series_poster(series), "season_number": number, "vote_average": series.vote,
        })
    };
    let mut seasons = vec![season(1, series.first.clone(), series.episodes.len())];
    let later = second(series);
    if let Some(first) = later.first() {
        seasons.push(season(2, first.date.to_string(), later.len()));
    }
    let extra = json!({
        "created_by": [{"id": number, "credit_id": "c", "name": series.creator, "gender": 0, "profile_path": null}],
        "episode_run_time": [series.runtime], "genres": genres(&SERIES_GENRES, &series.genres), "homepage": "",
        // Repeats go on, so it counts as returning.
        "in_production": false, "status": "Returning Series", "type": "Scripted", "languages": ["en"],
        "last_air_date": series.aired_last(today).map(|airing| airing.date.to_string()),
        "last_episode_to_air": airing(series.aired_last(today)), "next_episode_to_air": airing(series.airs_next(today)),
        "networks": [{"id": number_of(&HOUSEHOLD.networks(), &series.network), "name": series.network, "logo_path": null, "origin_country": "US"}],
        "number_of_episodes": series.episodes.len() + second(series).len(), "number_of_seasons": seasons.len(),
        "production_companies": [],
        "production_countries": [{"iso_3166_1": "US", "name": "United States of America"}],
        "seasons": seasons,
        "spoken_languages": [{"english_name": "English", "iso_639_1": "en", "name": "English"}], "tagline": "",
    });
    merge(&mut details, extra);
    if let Some(object) = details.as_object_mut() {
        object.remove("genre_ids");
    }
    details
}

/// A part of a series' details by its path behind the id.
pub(super) fn series_part(series: &Series, part: &[&str], today: Date) -> Option<Value> {
    let id = series.id;
    let count = series.episodes.len();
    Some(match part {
        ["credits"] | ["season", "1", "credits"] => json!({
            "id": id, "cast": cast(&series.cast, id), "crew": [crew(&series.creator, "Production", "Creator", id)],
        }),
        ["aggregate_credits"] | ["season", "1", "aggregate_credits"] => {
            let members = series.cast.iter().enumerate().map(|(order, (name, role))| {
                let mut member = person_item(name);
                let roles = json!([{"credit_id": format!("c{id}x{order}"), "character": role, "episode_count": count}]);
                merge(&mut member, json!({"roles": roles, "total_episode_count": count, "order": order}));
                member
            });
            json!({"id": id, "cast": members.collect::<Vec<_>>(), "crew": []})
        }
        ["external_ids"] => json!({
            "id": id, "imdb_id": series.imdb, "tvdb_id": series.tvdb, "wikidata_id": null, "tvrage_id": null,
            "facebook_id": null, "instagram_id": null, "twitter_id": null,
        }),
        ["content_ratings"] => json!({"id": id, "results": [
            {"descriptors": [], "iso_3166_1": "GB", "rating": series.gb},
            {"descriptors": [], "iso_3166_1": "US", "rating": series.us},
        ]}),
        ["watch", "providers"] | ["season", "1", "watch", "providers"] => providers("tv", id, 2),
        ["videos"] | ["season", "1", "videos"] => json!({"id": id, "results": []}),
        ["images"] => pictures(id, poster::series_poster(series), poster::series_backdrop(series)),
        ["reviews"] => no_reviews(id),
        ["keywords"] => json!({"id": id, "results": keyword_list(&series.keywords)}),
        ["alternative_titles"] => json!({"id": id, "results": []}),
        ["translations"] => json!({"id": id, "translations": []}),
        ["season", "1"] => json!({
            "_id": format!("season{id}"), "air_date": series.first, "name": "Season 1", "overview": "", "id": id * 10 + 1,
            "episodes": series.all_airings(today).iter().map(episode).collect::<Vec<_>>(),
            "poster_path": poster::series_poster(series), "season_number": 1, "vote_average": series.vote, "networks": [],
        }),
        ["season", "2"] => {
            let facts = second(series);
            let first = facts.first()?;
            let episodes: Vec<Value> = facts.iter().map(|fact| second_episode(series, fact)).collect();
            json!({
                "_id": format!("season{id}x2"), "air_date": first.date.to_string(), "name": "Season 2", "overview": "",
                "id": id * 10 + 2, "episodes": episodes, "poster_path": poster::series_poster(series), "season_number": 2,
                "vote_average": series.vote, "networks": [],
            })
        }
        ["season", "2", "episode", number] => {
            let wanted: u32 = number.parse().ok()?;
            second_episode(series, second(series).iter().find(|fact| fact.number == wanted)?)
        }
        ["season", "1", "episode", number] => {
            let wanted: usize = number.parse().ok()?;
            episode(series.all_airings(today).iter().find(|airing| airing.number == wanted)?)
        }
        ["season", "1", "episode", _, "credits"] => {
            json!({"id": id, "cast": cast(&series.cast, id), "crew": [], "guest_stars": []})
        }
        _ => return None,
    })
}

pub(super) fn person(person: &Person, part: &[&str]) -> Option<Value> {
    let id = person.id;
    let credits = |films: bool, series: bool| {
        let (mut cast, mut crew) = (Vec::new(), Vec::new());
        for (work, role) in works(person) {
            let wanted = match work {
                Thing::Film(_) => films,
                Thing::Series(_) => series,
                Thing::Person(_) => false,
            };
            if !wanted {
                continue;
            }
            let mut credit = item(work, films && series);
            if matches!(role.as_str(), "Director" | "Creator") {
                let department = if role == "Director" { "Directing" } else { "Production" };
                merge(&mut credit, json!({"job": role, "department": department, "credit_id": format!("w{id}")}));
                crew.push(credit);
            } else {
                merge(&mut credit, json!({"character": role, "credit_id": format!("c{id}"), "order": 0}));
                cast.push(credit);
            }
        }
        json!({"id": id, "cast": cast, "crew": crew})
    };
    Some(match part {
        [] => {
            let mut titles: Vec<String> = works(person)
                .iter()
                .filter_map(|(work, _)| match work {
                    Thing::Film(film) => Some(format!("{} ({})", film.title, film.date.get(..4)?)),
                    Thing::Series(series) => Some(format!("{} ({})", series.name, series.first.get(..4)?)),
                    Thing::Person(_) => None,
                })
                .collect();
            // Who directs and plays has two credits for one film.
            titles.dedup();
            titles.truncate(5);
            let mut details = person_item(&person.name);
            let biography = format!("On the demo household's shelf: {}.", titles.join(", "));
            merge(
                &mut details,
                json!({
                    "also_known_as": [], "biography": biography, "birthday": null, "deathday": null, "homepage": null,
                    "imdb_id": null, "place_of_birth": null,
                }),
            );
            details
        }
        ["combined_credits"] => credits(true, true),
        ["movie_credits"] => credits(true, false),
        ["tv_credits"] => credits(false, true),
        ["external_ids"] => json!({
            "id": id, "imdb_id": null, "wikidata_id": null, "facebook_id": null, "instagram_id": null, "twitter_id": null,
        }),
        ["images"] => {
            json!({"id": id, "profiles": [{"aspect_ratio": 0.667, "height": 600, "width": 400, "iso_639_1": null,
            "file_path": poster::portrait(&person.name), "vote_average": 5.0, "vote_count": 1}]})
        }
        ["translations"] => json!({"id": id, "translations": []}),
        _ => return None,
    })
}

pub(super) fn collection(number: u64, name: &str) -> Value {
    let films: Vec<&'static Film> =
        HOUSEHOLD.films.iter().filter(|film| film.collection.as_deref() == Some(name)).collect();
    let picture = films.first().map(|film| poster::film_poster(film));
    let backdrop = films.first().map(|film| poster::film_backdrop(film));
    json!({
        "id": number, "name": name, "original_name": name, "original_language": "en", "overview": "",
        "poster_path": picture, "backdrop_path": backdrop,
        "parts": films.iter().map(|film| item(Thing::Film(film), true)).collect::<Vec<_>>(),
    })
}

pub(super) fn configuration() -> Value {
    json!({
        "images": {
            "base_url": "http://image.tmdb.org/t/p/", "secure_base_url": "https://image.tmdb.org/t/p/",
            "backdrop_sizes": ["w300", "w780", "w1280", "original"],
            "logo_sizes": ["w45", "w92", "w154", "w185", "w300", "w500", "original"],
            "poster_sizes": ["w92", "w154", "w185", "w342", "w500", "w780", "original"],
            "profile_sizes": ["w45", "w185", "h632", "original"], "still_sizes": ["w92", "w185", "w300", "original"],
        },
        "change_keys": [],
    })
}

pub(super) fn languages() -> Value {
    ["de", "en", "fr", "ru", "sv"]
        .iter()
        .map(|code| json!({"iso_639_1": code, "english_name": language_name(code), "name": language_name(code)}))
        .collect()
}

fn ratings(list: &[(&str, &str)]) -> Vec<Value> {
    list.iter()
        .map(|(name, meaning)| json!({"certification": name, "meaning": meaning, "order": strictness(name)}))
        .collect()
}

pub(super) fn film_certifications() -> Value {
    json!({"certifications": {
        "US": ratings(&[
            ("NR", "No rating information."), ("G", "All ages admitted."), ("PG", "Some material may not be suitable for children under 10."),
            ("PG-13", "Some material may be inappropriate for children under 13."), ("R", "Under 17 requires an accompanying adult."),
            ("NC-17", "These films are not for those 17 and under."),
        ]),
        "GB": ratings(&[("U", "All ages."), ("PG", "Parental guidance."), ("12", "Over 12."), ("15", "Over 15."), ("18", "Adults.")]),
    }})
}

pub(super) fn series_certifications() -> Value {
    json!({"certifications": {
        "US": ratings(&[
            ("NR", "No rating information."), ("TV-Y", "All children."), ("TV-Y7", "Children of 7 and older."), ("TV-G", "All ages."),
            ("TV-PG", "Parental guidance suggested."), ("TV-14", "Unsuitable under 14."), ("TV-MA", "Adults."),
        ]),
        "GB": ratings(&[("U", "All ages."), ("PG", "Parental guidance."), ("12", "Over 12."), ("15", "Over 15."), ("18", "Adults.")]),
    }})
}
