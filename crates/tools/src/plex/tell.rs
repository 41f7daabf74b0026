//! What of Plex's answers is worth a model's attention, and a person's.

use super::{
    arguments::Level,
    client::{DEFAULT, Instance},
};
use majordomo_domain::{
    Card, Output, ToolError,
    text::{clean, shorten},
};
use serde_json::{Map, Value, json};

/// Cards one answer shows.
const MOST_CARDS: usize = 5;
const SUMMARY: usize = 300;

/// A text of the library: anybody may have written it.
pub fn text(value: &Value, most: usize) -> String {
    shorten(clean(value.as_str().unwrap_or_default()).trim(), most)
}

/// A number, however Plex writes it.
pub fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

fn list<'a>(item: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    item[name].as_array().into_iter().flatten()
}

fn tags(item: &Value, name: &str, most: usize) -> Vec<String> {
    list(item, name).take(most).map(|tag| text(&tag["tag"], 60)).filter(|tag| !tag.is_empty()).collect()
}

/// The items of a container.
pub fn items(answer: &Value) -> &[Value] {
    answer["MediaContainer"]["Metadata"].as_array().map_or(&[], Vec::as_slice)
}

/// How many there are in all: of the whole list where Plex says so.
pub fn total(answer: &Value) -> usize {
    let container = &answer["MediaContainer"];
    let total = container["totalSize"].as_u64().or_else(|| container["size"].as_u64());
    total.and_then(|total| usize::try_from(total).ok()).unwrap_or_else(|| items(answer).len())
}

/// The title people know it by: `Dragnet S01E02 The Human Bomb`, `Metropolis`.
pub fn title(item: &Value) -> String {
    let own = text(&item["title"], 120);
    match item["type"].as_str() {
        Some("episode") => {
            let show = text(&item["grandparentTitle"], 120);
            let (season, episode) = (number(&item["parentIndex"]), number(&item["index"]));
            match (season, episode) {
                _ if show.is_empty() => own,
                (Some(season), Some(episode)) => format!("{show} S{season:02}E{episode:02} {own}"),
                _ => format!("{show}: {own}"),
            }
        }
        Some("season") => {
            let show = text(&item["parentTitle"], 120);
            if show.is_empty() { own } else { format!("{show}, {own}") }
        }
        _ => own,
    }
}

/// `Metropolis (1927)`.
pub fn titled(item: &Value) -> String {
    match number(&item["year"]).filter(|year| *year > 0 && item["type"] != "episode") {
        Some(year) => format!("{} ({year})", title(item)),
        None => title(item),
    }
}

pub fn key(item: &Value) -> Option<u64> {
    number(&item["ratingKey"])
}

/// Whether it is watched: a film or an episode once seen, a series when every episode is. None for what cannot be.
pub fn watched(item: &Value) -> Option<&'static str> {
    match item["type"].as_str()? {
        "movie" | "episode" => Some(match () {
            () if number(&item["viewOffset"]).is_some_and(|offset| offset > 0) => "started",
            () if number(&item["viewCount"]).is_some_and(|count| count > 0) => "watched",
            () => "unwatched",
        }),
        "show" | "season" => {
            let (seen, all) = (number(&item["viewedLeafCount"]).unwrap_or(0), number(&item["leafCount"])?);
            Some(match seen {
                _ if all > 0 && seen >= all => "watched",
                0 => "unwatched",
                _ => "started",
            })
        }
        _ => None,
    }
}

/// `2026-11-21`, from seconds since the epoch.
pub fn day(value: &Value) -> Option<String> {
    let seconds = i64::try_from(number(value)?).ok()?;
    Some(jiff::Timestamp::from_second(seconds).ok()?.strftime("%Y-%m-%d").to_string())
}

/// `2026-11-21T20:15Z`.
pub fn minute(value: &Value) -> Option<String> {
    let seconds = i64::try_from(number(value)?).ok()?;
    Some(jiff::Timestamp::from_second(seconds).ok()?.strftime("%Y-%m-%dT%H:%MZ").to_string())
}

/// `4k`, `1080p`, `sd`.
pub fn resolution(media: &Value) -> Option<String> {
    let name = media["videoResolution"].as_str()?;
    let is_number = name.bytes().all(|b| b.is_ascii_digit());
    Some(if is_number { format!("{name}p") } else { shorten(&clean(name), 10) })
}

/// Files of an item with their sizes in bytes.
pub fn files(item: &Value) -> Vec<(String, u64)> {
    list(item, "Media")
        .flat_map(|media| list(media, "Part"))
        .map(|part| (text(&part["file"], 300), number(&part["size"]).unwrap_or(0)))
        .collect()
}

/// Bytes as people say them: `12.3 GB`.
pub fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    let is_empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    if !is_empty {
        object.insert(name.to_owned(), value);
    }
}

/// One item for the model.
pub fn told(item: &Value, level: Level) -> Value {
    let mut object = Map::new();
    put(&mut object, "title", json!(title(item)));
    put(&mut object, "rating_key", json!(key(item)));
    put(&mut object, "type", json!(text(&item["type"], 20)));
    if level >= Level::Compact {
        put(&mut object, "year", json!(number(&item["year"]).filter(|year| *year > 0)));
        put(&mut object, "rating", item["audienceRating"].as_f64().or_else(|| item["rating"].as_f64()).into());
        put(&mut object, "your_rating", item["userRating"].as_f64().into());
        put(&mut object, "state", json!(watched(item)));
        if matches!(item["type"].as_str(), Some("show" | "season")) {
            put(&mut object, "seasons", json!(number(&item["childCount"]).filter(|_| item["type"] == "show")));
            put(&mut object, "episodes", json!(number(&item["leafCount"])));
            put(&mut object, "episodes_watched", json!(number(&item["viewedLeafCount"])));
        }
        if let Some(offset) = number(&item["viewOffset"]).filter(|offset| *offset > 0) {
            put(&mut object, "minutes_in", json!(offset / 60_000));
        }
    }
    if level >= Level::Standard {
        put(&mut object, "original_title", json!(text(&item["originalTitle"], 120)));
        put(&mut object, "content_rating", json!(text(&item["contentRating"], 20)));
        put(&mut object, "minutes", json!(number(&item["duration"]).map(|duration| duration / 60_000)));
        put(&mut object, "genres", json!(tags(item, "Genre", 6)));
        put(&mut object, "summary", json!(text(&item["summary"], SUMMARY)));
        let media: Vec<Value> = list(item, "Media").take(4).map(told_media).collect();
        put(&mut object, "media", json!(media));
        put(&mut object, "library", json!(text(&item["librarySectionTitle"], 60)));
    }
    if level >= Level::Detailed {
        put(&mut object, "tagline", json!(text(&item["tagline"], 200)));
        put(&mut object, "directors", json!(tags(item, "Director", 5)));
        let actor = |role: &Value| {
            let (name, role) = (text(&role["tag"], 60), text(&role["role"], 60));
            if role.is_empty() { name } else { format!("{name} ({role})") }
        };
        put(&mut object, "actors", json!(list(item, "Role").take(10).map(actor).collect::<Vec<_>>()));
        put(&mut object, "studio", json!(text(&item["studio"], 60)));
        put(&mut object, "collections", json!(tags(item, "Collection", 5)));
        put(&mut object, "released", json!(text(&item["originallyAvailableAt"], 10)));
        put(&mut object, "added", json!(day(&item["addedAt"])));
        put(&mut object, "updated", json!(day(&item["updatedAt"])));
        put(&mut object, "last_viewed", json!(minute(&item["lastViewedAt"])));
        put(&mut object, "views", json!(number(&item["viewCount"])));
        put(&mut object, "guid", json!(text(&item["guid"], 100)));
        let ids = list(item, "Guid").take(6).map(|guid| text(&guid["id"], 60)).collect::<Vec<_>>();
        put(&mut object, "ids", json!(ids));
    }
    Value::Object(object)
}

fn told_media(media: &Value) -> Value {
    let mut object = Map::new();
    put(&mut object, "resolution", json!(resolution(media)));
    put(&mut object, "video", json!(text(&media["videoCodec"], 20)));
    put(&mut object, "audio", json!(text(&media["audioCodec"], 20)));
    put(&mut object, "channels", json!(number(&media["audioChannels"])));
    let parts = || list(media, "Part");
    let bytes: u64 = parts().filter_map(|part| number(&part["size"])).sum();
    put(&mut object, "size", json!((bytes > 0).then(|| size(bytes))));
    let picture = parts().flat_map(|part| list(part, "Stream")).find(|stream| stream["streamType"] == 1);
    put(&mut object, "picture", json!(picture.map(|stream| text(&stream["displayTitle"], 60))));
    Value::Object(object)
}

/// A card of an item, with its poster through us.
pub fn card(instance: &Instance, item: &Value) -> Card {
    let mut card = Card::new(shorten(&titled(item), 256));
    let kind = match item["type"].as_str() {
        Some("movie") => "Film",
        Some("show") => "Series",
        Some("season") => "Season",
        Some("episode") => "Episode",
        Some("collection") => "Collection",
        _ => "",
    };
    let minutes = number(&item["duration"]).map(|duration| duration / 60_000).filter(|minutes| *minutes > 0);
    let length = minutes.map(|minutes| match (minutes / 60, minutes % 60) {
        (0, rest) => format!("{rest} min"),
        (hours, rest) => format!("{hours} h {rest} min"),
    });
    let genres = tags(item, "Genre", 2).join(", ");
    let parts = [kind.to_owned(), length.unwrap_or_default(), genres];
    card.subtitle = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
    card.text = text(&item["summary"], SUMMARY);
    card.picture = picture(instance, item);
    card.source = "Plex".into();
    if let Some(state) = watched(item) {
        card = card.fact("State", state);
    }
    if let Some(resolution) = item["Media"][0].as_object().and_then(|_| resolution(&item["Media"][0])) {
        card = card.fact("Picture", resolution);
    }
    card
}

/// The poster's own name: of the series for an episode. `/library/metadata/{key}/thumb/{stamp}` is where Plex has it.
fn picture(instance: &Instance, item: &Value) -> Option<String> {
    let path = ["grandparentThumb", "parentThumb", "thumb"].iter().find_map(|name| item[*name].as_str())?;
    let (key, stamp) = path.strip_prefix("/library/metadata/")?.split_once("/thumb/")?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(key) && is_number(stamp)).then(|| format!("plex:{}/{key}/{stamp}", instance.name))
}

/// A list for the model: how many there are, and the first of them.
pub fn listed(
    instance: &Instance,
    items: &[Value],
    total: usize,
    limit: usize,
    level: Level,
) -> Result<Output, ToolError> {
    listed_with(instance, items, total, limit, level, json!({}))
}

/// The same with more to say.
pub fn listed_with(
    instance: &Instance,
    items: &[Value],
    total: usize,
    limit: usize,
    level: Level,
    mut more: Value,
) -> Result<Output, ToolError> {
    let shown = &items[..items.len().min(limit)];
    more["total_results"] = json!(total.max(shown.len()));
    if shown.is_empty() {
        more["note"] = json!("nothing found");
    } else {
        more["items"] = shown.iter().map(|item| told(item, level)).collect();
    }
    if instance.name != DEFAULT {
        more["instance"] = json!(instance.name);
    }
    let cards = shown.iter().filter(|item| item["type"] != "clip").take(MOST_CARDS);
    Ok(Output::json(&more)?.with_cards(cards.map(|item| card(instance, item)).collect()))
}

/// What is said where one thing was asked for and is not there.
pub fn nothing(what: &str) -> Result<Output, ToolError> {
    Output::json(&json!({"total_results": 0, "note": format!("nothing found: {what}")}))
}

/// A change, with the item as it is now.
pub fn done(instance: &Instance, sentence: String, item: &Value) -> Output {
    Output::done(sentence).with_cards(vec![card(instance, item)])
}
