//! The demo household's shelf: public-domain films and series, and the people in them.
//!
//! `films.json` and `series.json` hold facts (titles, years, lengths, casts) and overviews in our own words. TMDb and
//! IMDb ids are the real ones where they are certain; other ids are of a private range from 9,000,000, and people's from
//! 9,500,000. Votes are invented but plausible. Air dates are repeats on the demo's own channel, counted from the clock,
//! so that there is always something on.

pub(crate) mod disk;
pub(crate) mod poster;
pub(crate) mod seasons;

use jiff::{ToSpan, civil::Date};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::LazyLock};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Film {
    pub(crate) id: u64,
    pub(crate) imdb: Option<String>,
    pub(crate) title: String,
    pub(crate) original: String,
    /// First release, `1927-02-06`.
    pub(crate) date: String,
    /// Minutes.
    pub(crate) runtime: u32,
    pub(crate) genres: Vec<String>,
    pub(crate) us: String,
    pub(crate) gb: String,
    pub(crate) language: String,
    pub(crate) country: String,
    pub(crate) director: String,
    /// Name and role.
    pub(crate) cast: Vec<(String, String)>,
    pub(crate) overview: String,
    pub(crate) tagline: String,
    pub(crate) vote: f64,
    pub(crate) votes: u64,
    pub(crate) keywords: Vec<String>,
    pub(crate) collection: Option<String>,
    pub(crate) budget: u64,
    pub(crate) revenue: u64,
    pub(crate) company: String,
    pub(crate) motif: String,
    /// Background, accent, paper.
    pub(crate) colours: [String; 3],
    /// Back in cinemas so many days from now, restored: that is what `upcoming` lists.
    pub(crate) returns_in_days: Option<i32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Series {
    pub(crate) id: u64,
    pub(crate) tvmaze: u64,
    pub(crate) imdb: Option<String>,
    pub(crate) tvdb: u64,
    pub(crate) name: String,
    pub(crate) first: String,
    /// Minutes of an episode.
    pub(crate) runtime: u32,
    pub(crate) genres: Vec<String>,
    pub(crate) us: String,
    pub(crate) gb: String,
    pub(crate) network: String,
    pub(crate) creator: String,
    pub(crate) cast: Vec<(String, String)>,
    pub(crate) overview: String,
    pub(crate) vote: f64,
    pub(crate) votes: u64,
    pub(crate) keywords: Vec<String>,
    pub(crate) motif: String,
    pub(crate) colours: [String; 3],
    /// Names of the episodes of the one season shown, in order.
    pub(crate) episodes: Vec<String>,
    /// Weekdays of the repeats, in English.
    pub(crate) days: Vec<String>,
    /// `20:00`, in New York.
    pub(crate) time: String,
    /// Repeated by a streaming channel, not a broadcaster.
    pub(crate) web: bool,
}

#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) directs: bool,
}

pub(crate) struct Household {
    pub(crate) films: Vec<Film>,
    pub(crate) series: Vec<Series>,
    pub(crate) people: Vec<Person>,
}

/// The shelf, read once. The files are part of the program and covered by a test.
pub(crate) static HOUSEHOLD: LazyLock<Household> = LazyLock::new(|| {
    let films: Vec<Film> = serde_json::from_str(include_str!("household/films.json")).unwrap_or_default();
    let series: Vec<Series> = serde_json::from_str(include_str!("household/series.json")).unwrap_or_default();
    let mut directs: BTreeMap<String, bool> = BTreeMap::new();
    let cast = films.iter().map(|film| &film.cast).chain(series.iter().map(|series| &series.cast));
    for (name, _) in cast.flatten() {
        directs.entry(name.clone()).or_default();
    }
    for film in &films {
        directs.insert(film.director.clone(), true);
    }
    for series in &series {
        directs.entry(series.creator.clone()).or_default();
    }
    let people =
        directs.into_iter().zip(9_500_001..).map(|((name, directs), id)| Person { id, name, directs }).collect();
    Household { films, series, people }
});

/// TMDb's genre numbers for films, in its order.
pub(crate) const FILM_GENRES: [(u64, &str); 19] = [
    (28, "Action"),
    (12, "Adventure"),
    (16, "Animation"),
    (35, "Comedy"),
    (80, "Crime"),
    (99, "Documentary"),
    (18, "Drama"),
    (10751, "Family"),
    (14, "Fantasy"),
    (36, "History"),
    (27, "Horror"),
    (10402, "Music"),
    (9648, "Mystery"),
    (10749, "Romance"),
    (878, "Science Fiction"),
    (10770, "TV Movie"),
    (53, "Thriller"),
    (10752, "War"),
    (37, "Western"),
];

pub(crate) const SERIES_GENRES: [(u64, &str); 16] = [
    (10759, "Action & Adventure"),
    (16, "Animation"),
    (35, "Comedy"),
    (80, "Crime"),
    (99, "Documentary"),
    (18, "Drama"),
    (10751, "Family"),
    (10762, "Kids"),
    (9648, "Mystery"),
    (10763, "News"),
    (10764, "Reality"),
    (10765, "Sci-Fi & Fantasy"),
    (10766, "Soap"),
    (10767, "Talk"),
    (10768, "War & Politics"),
    (37, "Western"),
];

/// Where the shelf can be watched. Number, name, how.
pub(crate) const PROVIDERS: [(u64, &str, &str); 3] = [
    (9_400_001, "Internet Archive", "free"),
    (9_400_002, "Wikimedia Commons", "free"),
    (9_400_003, "Open Culture", "ads"),
];

/// Countries the shelf is offered in.
pub(crate) const COUNTRIES: [(&str, &str); 7] = [
    ("AT", "Austria"),
    ("CA", "Canada"),
    ("CH", "Switzerland"),
    ("DE", "Germany"),
    ("FR", "France"),
    ("GB", "United Kingdom"),
    ("US", "United States of America"),
];

impl Household {
    pub(crate) fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name == name)
    }

    /// Every keyword with its number.
    pub(crate) fn keywords(&self) -> Vec<(u64, &str)> {
        let films = self.films.iter().flat_map(|film| &film.keywords);
        let mut all: Vec<&str> =
            films.chain(self.series.iter().flat_map(|series| &series.keywords)).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        (9_600_001..).zip(all).collect()
    }

    pub(crate) fn companies(&self) -> Vec<(u64, &str)> {
        let mut all: Vec<&str> = self.films.iter().map(|film| film.company.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        (9_700_001..).zip(all).collect()
    }

    pub(crate) fn networks(&self) -> Vec<(u64, &str)> {
        let mut all: Vec<&str> = self.series.iter().map(|series| series.network.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        (9_800_001..).zip(all).collect()
    }

    pub(crate) fn collections(&self) -> Vec<(u64, &str)> {
        let mut all: Vec<&str> = self.films.iter().filter_map(|film| film.collection.as_deref()).collect();
        all.dedup();
        (9_900_001..).zip(all).collect()
    }
}

/// The number of a name in one of the lists above.
pub(crate) fn number_of(list: &[(u64, &str)], name: &str) -> Option<u64> {
    list.iter().find(|(_, known)| *known == name).map(|(id, _)| *id)
}

/// Numbers and names of genres, in the order of the title.
pub(crate) fn genres(known: &[(u64, &str)], names: &[String]) -> Vec<Value> {
    names.iter().filter_map(|name| Some(json!({"id": number_of(known, name)?, "name": name}))).collect()
}

/// One episode with the day of its repeat nearest to today.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Airing<'a> {
    pub(crate) series: &'a Series,
    /// From 1.
    pub(crate) number: usize,
    pub(crate) name: &'a str,
    pub(crate) date: Date,
}

impl Airing<'_> {
    pub(crate) fn id(&self) -> u64 {
        self.series.tvmaze * 100 + self.number as u64
    }
}

/// A Monday from which repeats are counted.
const FIRST_MONDAY: Date = jiff::civil::date(2024, 1, 1);

impl Series {
    /// Weekdays of the repeats, Monday is 0.
    fn weekdays(&self) -> Vec<i64> {
        const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        (0..7).filter(|day| self.days.iter().any(|name| name == NAMES[*day as usize])).collect()
    }

    /// The episode repeated on a day, if any. Every day always has the same one, however the clock is turned.
    pub(crate) fn airs_on(&self, date: Date) -> Option<Airing<'_>> {
        let weekdays = self.weekdays();
        let days = i64::from(FIRST_MONDAY.until(date).ok()?.get_days());
        let place = weekdays.iter().position(|weekday| *weekday == days.rem_euclid(7))?;
        let shown = days.div_euclid(7) * weekdays.len() as i64 + place as i64;
        let index = shown.rem_euclid(self.episodes.len() as i64) as usize;
        let name = self.episodes.get(index)?;
        Some(Airing { series: self, number: index + 1, name, date })
    }

    /// Repeats from `today` on, at most `count`, within a year.
    pub(crate) fn airs_from(&self, today: Date, count: usize) -> Vec<Airing<'_>> {
        (0..366).filter_map(|days| self.airs_on(today.checked_add(days.days()).ok()?)).take(count).collect()
    }

    pub(crate) fn airs_next(&self, after: Date) -> Option<Airing<'_>> {
        self.airs_from(after.tomorrow().ok()?, 1).pop()
    }

    pub(crate) fn aired_last(&self, until: Date) -> Option<Airing<'_>> {
        (0..366).find_map(|days: i32| self.airs_on(until.checked_sub(days.days()).ok()?))
    }

    /// Every episode once, by number, with its repeat nearest to today.
    pub(crate) fn all_airings(&self, today: Date) -> Vec<Airing<'_>> {
        let past = self.episodes.len() / 2;
        let mut before: Vec<Airing<'_>> =
            (1..366).filter_map(|days: i32| self.airs_on(today.checked_sub(days.days()).ok()?)).take(past).collect();
        before.extend(self.airs_from(today, self.episodes.len() - past));
        before.sort_by_key(|airing| airing.number);
        before
    }
}

/// Lower case letters and digits of a title, for comparing and for file names.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .filter_map(|character| match character {
            'ä' | 'à' | 'á' | 'â' => Some('a'),
            'é' | 'è' | 'ê' | 'ë' => Some('e'),
            'ö' | 'ó' | 'ô' => Some('o'),
            'ü' | 'û' | 'ú' => Some('u'),
            'ç' => Some('c'),
            letter if letter.is_alphanumeric() => Some(letter),
            space if space.is_whitespace() || "-:.,".contains(space) => Some(' '),
            _ => None,
        })
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// How well a title answers a search, 0 for not at all. Words in any order; each may differ by one letter.
pub(crate) fn match_score(query: &str, title: &str) -> u32 {
    let (query, title) = (plain(query), plain(title));
    if query.is_empty() {
        return 0;
    }
    if query == title {
        return 100;
    }
    if title.starts_with(&query) {
        return 80;
    }
    if title.contains(&query) {
        return 60;
    }
    let words: Vec<&str> = title.split(' ').collect();
    let found =
        |word: &str| words.iter().any(|known| *known == word || (word.len() > 3 && one_letter_apart(word, known)));
    if query.split(' ').all(found) { 40 } else { 0 }
}

/// Whether two words differ by at most one letter added, missing, changed or swapped with its neighbour.
fn one_letter_apart(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 1 {
        return false;
    }
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (one, other) = (one.get(same..).unwrap_or_default(), other.get(same..).unwrap_or_default());
    match (one, other) {
        ([], [] | [_]) | ([_], []) => true,
        ([a, b, rest @ ..], [c, d, tail @ ..]) if a == d && b == c && rest == tail => true,
        ([_, rest @ ..], [_, tail @ ..]) if rest == tail => true,
        ([_, rest @ ..], tail) if rest == tail => true,
        (rest, [_, tail @ ..]) if rest == tail => true,
        _ => false,
    }
}
