//! `/discover`: the filters of the published description, as far as the shelf has the facts.

use super::{Question, Thing};
use crate::household::{FILM_GENRES, Film, HOUSEHOLD, PROVIDERS, SERIES_GENRES, Series, number_of};

pub(super) fn films(question: &Question<'_>) -> Vec<Thing> {
    let kept = HOUSEHOLD.films.iter().filter(|film| film_fits(film, question)).collect::<Vec<&Film>>();
    let (field, descending) = order(question);
    let mut kept = kept;
    match field {
        "vote_average" => kept.sort_by(|one, other| one.vote.total_cmp(&other.vote)),
        "primary_release_date" => kept.sort_by(|one, other| one.date.cmp(&other.date)),
        "revenue" => kept.sort_by_key(|film| film.revenue),
        "title" => kept.sort_by(|one, other| one.title.cmp(&other.title)),
        "original_title" => kept.sort_by(|one, other| one.original.cmp(&other.original)),
        _ => kept.sort_by_key(|film| film.votes),
    }
    if descending {
        kept.reverse();
    }
    kept.into_iter().map(Thing::Film).collect()
}

pub(super) fn series(question: &Question<'_>) -> Vec<Thing> {
    let mut kept = HOUSEHOLD.series.iter().filter(|series| series_fits(series, question)).collect::<Vec<&Series>>();
    let (field, descending) = order(question);
    match field {
        "vote_average" => kept.sort_by(|one, other| one.vote.total_cmp(&other.vote)),
        "first_air_date" => kept.sort_by(|one, other| one.first.cmp(&other.first)),
        "name" | "original_name" => kept.sort_by(|one, other| one.name.cmp(&other.name)),
        _ => kept.sort_by_key(|series| series.votes),
    }
    if descending {
        kept.reverse();
    }
    kept.into_iter().map(Thing::Series).collect()
}

fn order<'a>(question: &'a Question<'_>) -> (&'a str, bool) {
    let order = question.get("sort_by").unwrap_or("popularity.desc");
    let (field, direction) = order.split_once('.').unwrap_or((order, "desc"));
    (field, direction != "asc")
}

/// A comma means and, a pipe means or; no filter fits everything.
fn all_or_any(filter: Option<&str>, has: impl Fn(&str) -> bool) -> bool {
    let Some(filter) = filter else { return true };
    if filter.contains('|') {
        filter.split('|').any(|one| has(one.trim()))
    } else {
        filter.split(',').all(|one| has(one.trim()))
    }
}

fn none_of(filter: Option<&str>, has: impl Fn(&str) -> bool) -> bool {
    filter.is_none_or(|filter| !filter.split([',', '|']).any(|one| has(one.trim())))
}

fn at_least(question: &Question<'_>, name: &str, value: f64) -> bool {
    question.get(name).and_then(|limit| limit.parse::<f64>().ok()).is_none_or(|limit| value >= limit)
}

fn at_most(question: &Question<'_>, name: &str, value: f64) -> bool {
    question.get(name).and_then(|limit| limit.parse::<f64>().ok()).is_none_or(|limit| value <= limit)
}

/// Dates compare as text.
fn between(question: &Question<'_>, name: &str, date: &str) -> bool {
    question.get(&format!("{name}.gte")).is_none_or(|limit| date >= limit)
        && question.get(&format!("{name}.lte")).is_none_or(|limit| date <= limit)
}

/// What both kinds have.
struct Common<'a> {
    vote: f64,
    votes: u64,
    runtime: u32,
    language: &'a str,
    country: &'a str,
    genres: Vec<u64>,
    keywords: &'a [String],
}

fn common_fits(one: &Common<'_>, question: &Question<'_>) -> bool {
    let known = HOUSEHOLD.keywords();
    let has_genre = |id: &str| one.genres.iter().any(|genre| genre.to_string() == id);
    let has_keyword = |id: &str| {
        one.keywords.iter().any(|word| number_of(&known, word).is_some_and(|number| number.to_string() == id))
    };
    let offered = |id: &str| PROVIDERS.iter().take(2).any(|(number, _, _)| number.to_string() == id);
    let votes = one.votes as f64;
    at_least(question, "vote_average.gte", one.vote)
        && at_most(question, "vote_average.lte", one.vote)
        && at_least(question, "vote_count.gte", votes)
        && at_most(question, "vote_count.lte", votes)
        && at_least(question, "with_runtime.gte", f64::from(one.runtime))
        && at_most(question, "with_runtime.lte", f64::from(one.runtime))
        && all_or_any(question.get("with_genres"), has_genre)
        && none_of(question.get("without_genres"), has_genre)
        && all_or_any(question.get("with_keywords"), has_keyword)
        && none_of(question.get("without_keywords"), has_keyword)
        && all_or_any(question.get("with_watch_providers"), offered)
        && all_or_any(question.get("with_original_language"), |language| language == one.language)
        && all_or_any(question.get("with_origin_country"), |country| country == one.country)
        && question
            .get("with_watch_monetization_types")
            .is_none_or(|kinds| kinds.split(['|', ',']).any(|kind| kind == "free"))
}

fn film_fits(film: &Film, question: &Question<'_>) -> bool {
    let common = Common {
        vote: film.vote,
        votes: film.votes,
        runtime: film.runtime,
        language: &film.language,
        country: &film.country,
        genres: film.genres.iter().filter_map(|genre| number_of(&FILM_GENRES, genre)).collect(),
        keywords: &film.keywords,
    };
    let person = |name: &str| HOUSEHOLD.person(name).map(|person| person.id.to_string()).unwrap_or_default();
    let acts = |id: &str| film.cast.iter().any(|(name, _)| person(name) == id);
    let directs = |id: &str| person(&film.director) == id;
    let company =
        |id: &str| number_of(&HOUSEHOLD.companies(), &film.company).is_some_and(|number| number.to_string() == id);
    let year = film.date.get(..4);
    common_fits(&common, question)
        && question.get("primary_release_year").is_none_or(|wanted| Some(wanted) == year)
        && question.get("year").is_none_or(|wanted| Some(wanted) == year)
        && between(question, "primary_release_date", &film.date)
        && between(question, "release_date", &film.date)
        && all_or_any(question.get("with_cast"), acts)
        && all_or_any(question.get("with_crew"), directs)
        && all_or_any(question.get("with_people"), |id| acts(id) || directs(id))
        && all_or_any(question.get("with_companies"), company)
        && none_of(question.get("without_companies"), company)
        && age_fits(film, question)
}

/// Strictness of an age rating; higher is stricter, unrated is 0, as the service orders them.
pub(super) fn strictness(rating: &str) -> u32 {
    match rating {
        "G" | "U" | "TV-Y" | "TV-G" => 1,
        "PG" | "TV-Y7" | "TV-PG" => 2,
        "PG-13" | "12" | "TV-14" => 3,
        "R" | "15" | "TV-MA" => 4,
        "NC-17" | "18" => 5,
        _ => 0,
    }
}

fn age_fits(film: &Film, question: &Question<'_>) -> bool {
    let rating = match question.get("certification_country") {
        Some("GB") => film.gb.as_str(),
        Some("US") | None => film.us.as_str(),
        // No other country has rated anything on the shelf.
        Some(_) => return question.get("certification").is_none() && question.get("certification.lte").is_none(),
    };
    all_or_any(question.get("certification"), |wanted| wanted == rating)
        && question.get("certification.lte").is_none_or(|limit| (1..=strictness(limit)).contains(&strictness(rating)))
        && question.get("certification.gte").is_none_or(|limit| strictness(rating) >= strictness(limit))
}

fn series_fits(series: &Series, question: &Question<'_>) -> bool {
    let common = Common {
        vote: series.vote,
        votes: series.votes,
        runtime: series.runtime,
        language: "en",
        country: "US",
        genres: series.genres.iter().filter_map(|genre| number_of(&SERIES_GENRES, genre)).collect(),
        keywords: &series.keywords,
    };
    let network = number_of(&HOUSEHOLD.networks(), &series.network).unwrap_or_default().to_string();
    let airs =
        series.all_airings(question.today).iter().any(|airing| between(question, "air_date", &airing.date.to_string()));
    common_fits(&common, question)
        && question.get("first_air_date_year").is_none_or(|year| series.first.starts_with(year))
        && between(question, "first_air_date", &series.first)
        && all_or_any(question.get("with_networks"), |id| id == network)
        && all_or_any(question.get("with_status"), |status| status == "0")
        && all_or_any(question.get("with_type"), |kind| kind == "4")
        && airs
}
