//! What a model reads and a person sees of TVmaze's answers.

use majordomo_domain::{
    Card,
    text::{clean, shorten},
};
use serde_json::{Map, Value};

/// Whose data it is; the licence asks for it with every use.
pub const SOURCE: &str = "Data: TVmaze (CC BY-SA)";
/// Cards one call may show.
pub const MAX_CARDS: usize = 8;

/// A clean, capped text without markup; None when absent, empty or something else.
pub fn text(value: &Value, max: usize) -> Option<String> {
    let text = clean(value.as_str()?.trim());
    (!text.is_empty()).then(|| shorten(&text, max))
}

/// Summaries are HTML.
fn summary(value: &Value, max: usize) -> Option<String> {
    let plain = nanohtml2text::html2text(value.as_str()?);
    text(&Value::from(plain.split_whitespace().collect::<Vec<_>>().join(" ")), max)
}

/// An object without its empty fields.
pub fn filled<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let is_kept = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    };
    let kept = fields.into_iter().filter(|(_, value)| is_kept(value)).map(|(key, value)| (key.to_owned(), value));
    Value::Object(kept.collect::<Map<_, _>>())
}

/// The broadcaster or streaming service, such as `BBC One (GB)`.
pub fn network(show: &Value) -> Option<String> {
    let channel = ["network", "webChannel"].iter().map(|key| &show[*key]).find(|channel| channel.is_object())?;
    let name = text(&channel["name"], 60)?;
    match text(&channel["country"]["code"], 5) {
        Some(country) => Some(format!("{name} ({country})")),
        None => Some(name),
    }
}

/// TVmaze's page of a show, episode or person; the licence asks for a link back. Only TVmaze's own addresses.
pub fn link(item: &Value) -> Option<String> {
    let link = item["url"].as_str()?;
    let is_theirs = ["https://www.tvmaze.com/", "http://www.tvmaze.com/"].iter().any(|start| link.starts_with(start));
    (is_theirs && link.len() <= 300).then(|| link.to_owned())
}

pub fn show(show: &Value) -> Value {
    let days: Vec<&str> = show["schedule"]["days"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let airs = match (text(&show["schedule"]["time"], 5), days.join(", ")) {
        (Some(time), days) if !days.is_empty() => Some(format!("{days} {time}")),
        (None, days) if !days.is_empty() => Some(days),
        _ => None,
    };
    let genres: Vec<Value> =
        show["genres"].as_array().into_iter().flatten().filter_map(|g| text(g, 40)).map(Value::from).collect();
    filled([
        ("id", show["id"].clone()),
        ("name", text(&show["name"], 200).into()),
        ("type", text(&show["type"], 40).into()),
        ("status", text(&show["status"], 40).into()),
        ("language", text(&show["language"], 40).into()),
        ("genres", genres.into()),
        ("premiered", text(&show["premiered"], 10).into()),
        ("ended", text(&show["ended"], 10).into()),
        ("runtime", if show["runtime"].is_null() { show["averageRuntime"].clone() } else { show["runtime"].clone() }),
        ("network", network(show).into()),
        ("airs", airs.into()),
        ("rating", show["rating"]["average"].clone()),
        (
            "external_ids",
            filled([
                ("imdb", text(&show["externals"]["imdb"], 20).into()),
                ("thetvdb", show["externals"]["thetvdb"].clone()),
            ]),
        ),
        ("summary", summary(&show["summary"], 300).into()),
        ("next_episode", episode(&show["_embedded"]["nextepisode"])),
        ("previous_episode", episode(&show["_embedded"]["previousepisode"])),
        ("seasons", list(&show["_embedded"]["seasons"], 60, season)),
        ("cast", list(&show["_embedded"]["cast"], 15, cast)),
        ("episodes", list(&show["_embedded"]["episodes"], 200, episode_line)),
        ("link", link(show).into()),
    ])
}

/// At most `max` entries, each through `view`.
pub fn list(list: &Value, max: usize, view: fn(&Value) -> Value) -> Value {
    match list.as_array() {
        Some(list) => list.iter().take(max).map(view).collect(),
        None => Value::Null,
    }
}

/// `airstamp` is the exact instant; `airdate` is the local date where it is broadcast.
pub fn episode(episode: &Value) -> Value {
    filled([
        ("season", episode["season"].clone()),
        ("number", episode["number"].clone()),
        ("name", text(&episode["name"], 150).into()),
        ("airdate", text(&episode["airdate"], 10).into()),
        ("airtime", text(&episode["airtime"], 5).into()),
        ("airstamp", text(&episode["airstamp"], 30).into()),
        ("runtime", episode["runtime"].clone()),
        ("rating", episode["rating"]["average"].clone()),
        ("summary", summary(&episode["summary"], 200).into()),
    ])
}

/// An episode without its story, for long lists.
pub fn episode_line(item: &Value) -> Value {
    let mut view = episode(item);
    if let Some(fields) = view.as_object_mut() {
        for key in ["summary", "airstamp", "runtime", "rating"] {
            fields.remove(key);
        }
    }
    view
}

pub fn season(season: &Value) -> Value {
    filled([
        ("number", season["number"].clone()),
        ("name", text(&season["name"], 100).into()),
        ("episodes", season["episodeOrder"].clone()),
        ("premiere", text(&season["premiereDate"], 10).into()),
        ("end", text(&season["endDate"], 10).into()),
        ("network", network(season).into()),
    ])
}

pub fn cast(member: &Value) -> Value {
    filled([
        ("person", text(&member["person"]["name"], 80).into()),
        ("character", text(&member["character"]["name"], 80).into()),
        ("voice", if member["voice"] == true { true.into() } else { Value::Null }),
    ])
}

pub fn person(person: &Value) -> Value {
    filled([
        ("id", person["id"].clone()),
        ("name", text(&person["name"], 80).into()),
        ("country", text(&person["country"]["name"], 60).into()),
        ("birthday", text(&person["birthday"], 10).into()),
        ("deathday", text(&person["deathday"], 10).into()),
        ("link", link(person).into()),
    ])
}

/// An episode of a schedule with its show, which is `show` for broadcasts and `_embedded.show` for streaming.
pub fn scheduled(item: &Value) -> Value {
    let show = show_of(item);
    filled([
        ("show", text(&show["name"], 150).into()),
        ("show_id", show["id"].clone()),
        ("network", network(show).into()),
        ("season", item["season"].clone()),
        ("number", item["number"].clone()),
        ("name", text(&item["name"], 150).into()),
        ("airtime", text(&item["airtime"], 5).into()),
        ("airstamp", text(&item["airstamp"], 30).into()),
        ("runtime", item["runtime"].clone()),
    ])
}

pub fn show_of(item: &Value) -> &Value {
    if item["show"].is_object() { &item["show"] } else { &item["_embedded"]["show"] }
}

/// `season 2, episode 5 “Name”, 2026-11-21 20:15`
pub fn episode_in_words(episode: &Value) -> String {
    let mut words = Vec::new();
    if let (Some(season), Some(number)) = (episode["season"].as_u64(), episode["number"].as_u64()) {
        words.push(format!("season {season}, episode {number}"));
    }
    if let Some(name) = text(&episode["name"], 100) {
        words.push(format!("“{name}”"));
    }
    let when = [text(&episode["airdate"], 10), text(&episode["airtime"], 5)];
    words.extend(Some(when.into_iter().flatten().collect::<Vec<_>>().join(" ")).filter(|when| !when.is_empty()));
    words.join(", ")
}

/// What a person sees of a show. Its pictures stay at TVmaze, which is not our source of pictures.
pub fn card(show: &Value) -> Card {
    let year = show["premiered"].as_str().and_then(|date| date.get(..4));
    let name = text(&show["name"], 200).unwrap_or_else(|| "Untitled".into());
    let mut card = Card::new(year.map_or(name.clone(), |year| format!("{name} ({year})")));
    let facts = [Some("Series".to_owned()), text(&show["status"], 40), network(show)];
    card.subtitle = facts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    card.text = summary(&show["summary"], 300).unwrap_or_default();
    card.link = link(show);
    card.source = SOURCE.into();
    if let Some(rating) = show["rating"]["average"].as_f64() {
        card = card.fact("Score", format!("{rating} of 10"));
    }
    let next = &show["_embedded"]["nextepisode"];
    if next.is_object() {
        card = card.fact("Next episode", episode_in_words(next));
    }
    card
}
