//! Media queries: which items of a section a request's parameters ask for, and in which order.

use super::library::{Item, Kind, Library};
use crate::household::plain;
use std::cmp::Ordering;

/// Parameters that are no fields.
const OTHERS: [&str; 14] = [
    "type",
    "sort",
    "limit",
    "group",
    "sourceType",
    "includeGuids",
    "includeMeta",
    "X-Plex-Container-Start",
    "X-Plex-Container-Size",
    "X-Plex-Token",
    "count",
    "push",
    "or",
    "pop",
];

enum Term {
    Field(String, String, String),
    /// Any of these, each all of those.
    Group(Vec<Vec<Term>>),
}

pub(crate) struct Query(Vec<Vec<Term>>);

/// What an item has for a field.
enum Has {
    Number(Option<f64>),
    Flag(bool),
    Tags(Vec<String>),
    Text(String),
    Date(Option<i64>),
    /// The field means nothing for this type, and the server says nothing about it.
    Ignored,
}

impl Query {
    pub(crate) fn read(query: &[(String, String)]) -> Self {
        let mut stack: Vec<Vec<Vec<Term>>> = vec![vec![Vec::new()]];
        for (name, value) in query {
            match name.as_str() {
                "push" => stack.push(vec![Vec::new()]),
                "pop" if stack.len() > 1 => {
                    if let Some(group) = stack.pop() {
                        add(&mut stack, Term::Group(group));
                    }
                }
                "or" => {
                    if let Some(group) = stack.last_mut() {
                        group.push(Vec::new());
                    }
                }
                other if OTHERS.contains(&other) => {}
                other => {
                    let end = other.find(['!', '=', '<', '>']).unwrap_or(other.len());
                    let (field, operator) = other.split_at(end);
                    add(&mut stack, Term::Field(field.to_owned(), operator.to_owned(), value.clone()));
                }
            }
        }
        Self(stack.into_iter().next().unwrap_or_default())
    }

    pub(crate) fn has_fields(&self) -> bool {
        self.0.iter().any(|all| !all.is_empty())
    }

    pub(crate) fn fits(&self, library: &Library, account: u64, item: &Item, now: i64) -> bool {
        any(&self.0, library, account, item, now)
    }
}

fn add(stack: &mut [Vec<Vec<Term>>], term: Term) {
    if let Some(last) = stack.last_mut().and_then(|group| group.last_mut()) {
        last.push(term);
    }
}

fn any(group: &[Vec<Term>], library: &Library, account: u64, item: &Item, now: i64) -> bool {
    group.iter().any(|all| {
        all.iter().all(|term| match term {
            Term::Group(inner) => any(inner, library, account, item, now),
            Term::Field(field, operator, value) => holds(&has(library, account, item, field), operator, value, now),
        })
    })
}

fn has(library: &Library, account: u64, item: &Item, field: &str) -> Has {
    let (level, name) = field.split_once('.').unwrap_or(("", field));
    if level == "show" && item.kind != Kind::Show {
        return library.show_of(item).map_or(Has::Ignored, |show| has(library, account, show, name));
    }
    let seen = library.seen(account, item.key);
    let tags = |kind: &'static str, names: Vec<&String>| {
        Has::Tags(
            names.iter().filter_map(|name| library.tags.get(&(kind, (*name).clone()))).map(u64::to_string).collect(),
        )
    };
    match name {
        "year" => Has::Number(Some(item.year.into())),
        "decade" => Has::Number(Some(f64::from(item.year / 10 * 10))),
        "duration" => Has::Number(Some(f64::from(item.minutes) * 60_000.0)),
        "rating" | "audienceRating" => Has::Number(Some(item.rating)),
        "userRating" => Has::Number(seen.rating),
        "viewCount" => Has::Number(Some(seen.views.into())),
        "index" => Has::Number(Some(item.index.into())),
        // The films' spelling means nothing to a show.
        "unwatched" if item.kind == Kind::Show => Has::Ignored,
        "unwatched" => Has::Flag(seen.views == 0),
        "unwatchedLeaves" => {
            let is_open = |leaf: &u64| library.seen(account, *leaf).views == 0;
            Has::Flag(item.made_up_leaves > 0 || library.leaves(item.key).iter().any(is_open))
        }
        "inProgress" => Has::Flag(seen.offset.is_some()),
        "hdr" => Has::Flag(item.media.as_ref().is_some_and(|media| media.hdr)),
        "genre" => tags("genre", item.genres.iter().collect()),
        "director" => tags("director", item.directors.iter().collect()),
        "actor" => tags("actor", item.cast.iter().map(|(name, _)| name).collect()),
        "country" => tags("country", item.country.iter().collect()),
        "collection" => {
            let held = library.collections.iter().filter(|collection| collection.items.contains(&item.key));
            Has::Tags(held.map(|collection| collection.key.to_string()).collect())
        }
        "contentRating" => Has::Tags(vec![item.content_rating.clone()]),
        "resolution" => Has::Tags(item.media.iter().map(|media| media.resolution().to_owned()).collect()),
        "title" => Has::Text(item.title.clone()),
        "studio" => Has::Text(item.studio.clone()),
        "guid" => Has::Text(format!("plex://{}/{}", item.kind.name(), item.guid)),
        "addedAt" => Has::Date(Some(item.added_at)),
        "lastViewedAt" => Has::Date(seen.last_viewed_at),
        "originallyAvailableAt" => Has::Date(epoch(&item.date)),
        _ => Has::Ignored,
    }
}

fn holds(has: &Has, operator: &str, value: &str, now: i64) -> bool {
    let mut wanted = value.split(',');
    match has {
        Has::Ignored => true,
        Has::Flag(flag) => (value == "1") == *flag,
        Has::Number(have) => {
            let Some(have) = have else { return operator == "!" };
            let compare = |wanted: &str| wanted.parse::<f64>().ok().and_then(|wanted| have.partial_cmp(&wanted));
            match operator {
                "" => wanted.any(|wanted| compare(wanted) == Some(Ordering::Equal)),
                "!" => wanted.all(|wanted| compare(wanted) != Some(Ordering::Equal)),
                ">>" => compare(value) == Some(Ordering::Greater),
                "<<" => compare(value) == Some(Ordering::Less),
                ">" => matches!(compare(value), Some(Ordering::Greater | Ordering::Equal)),
                _ => matches!(compare(value), Some(Ordering::Less | Ordering::Equal)),
            }
        }
        Has::Tags(have) => {
            let found = wanted.any(|wanted| have.iter().any(|have| have == wanted));
            if operator == "!" { !found } else { found }
        }
        Has::Text(have) => match operator {
            "=" => have == value,
            "!=" => have != value,
            "!" => !plain(have).contains(&plain(value)),
            "<" => plain(have).starts_with(&plain(value)),
            ">" => plain(have).ends_with(&plain(value)),
            // A guid is compared as it stands.
            _ if have.starts_with("plex://") => have == value,
            _ => wanted.any(|wanted| plain(have).contains(&plain(wanted))),
        },
        Has::Date(have) => {
            let (Some(have), Some(wanted)) = (have, moment(value, now)) else { return false };
            match operator {
                ">>" | ">" => *have > wanted,
                "<<" | "<" => *have < wanted,
                "!" => have.div_euclid(86_400) != wanted.div_euclid(86_400),
                _ => have.div_euclid(86_400) == wanted.div_euclid(86_400),
            }
        }
    }
}

fn epoch(date: &str) -> Option<i64> {
    let date: jiff::civil::Date = date.parse().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Seconds since the epoch, a date, or so long before now: `-30d`.
fn moment(value: &str, now: i64) -> Option<i64> {
    if let Ok(seconds) = value.parse::<i64>()
        && seconds >= 0
    {
        return Some(seconds);
    }
    let Some(back) = value.strip_prefix('-') else { return epoch(value) };
    let end = back.find(|c: char| !c.is_ascii_digit()).unwrap_or(back.len());
    let (count, unit) = back.split_at(end);
    let seconds = match unit {
        "" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "mon" => 30 * 86_400,
        "y" => 365 * 86_400,
        _ => return None,
    };
    Some(now - count.parse::<i64>().ok()? * seconds)
}

/// Orders items as `sort=field:desc,field2` says; by title without one.
pub(crate) fn sort(items: &mut [&Item], library: &Library, account: u64, order: Option<&str>) {
    let order = order.unwrap_or("titleSort");
    items.sort_by(|one, other| {
        order
            .split(',')
            .map(|field| {
                let (field, direction) = field.split_once(':').unwrap_or((field, "asc"));
                let compared = compare(one, other, library, account, field);
                if direction.starts_with("desc") { compared.reverse() } else { compared }
            })
            .find(|compared| compared.is_ne())
            .unwrap_or(Ordering::Equal)
            .then(one.key.cmp(&other.key))
    });
}

fn compare(one: &Item, other: &Item, library: &Library, account: u64, field: &str) -> Ordering {
    let title = |item: &Item| plain(item.title.trim_start_matches("The ").trim_start_matches("A "));
    match field {
        "title" | "titleSort" => title(one).cmp(&title(other)),
        "addedAt" => one.added_at.cmp(&other.added_at),
        "originallyAvailableAt" => one.date.cmp(&other.date),
        "mediaHeight" => {
            let lines = |item: &Item| item.media.as_ref().map_or(0, |media| media.lines);
            lines(one).cmp(&lines(other))
        }
        field => {
            let number = |item: &Item| match has(library, account, item, field) {
                Has::Number(number) => number,
                Has::Date(date) => date.map(|date| date as f64),
                _ => None,
            };
            number(one).partial_cmp(&number(other)).unwrap_or(Ordering::Equal)
        }
    }
}
