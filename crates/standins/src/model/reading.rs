//! Reading results of tools leniently: whatever JSON is in the text, whole or cut, and whatever its fields are called.

use serde_json::Value;

/// The JSON in a text, if there is any. A text that was cut is closed where it broke off.
pub(crate) fn json_in(text: &str) -> Option<Value> {
    let start = text.find(['{', '['])?;
    let rest = text.get(start..)?;
    if let Some(Ok(value)) = serde_json::Deserializer::from_str(rest).into_iter::<Value>().next() {
        return Some(value);
    }
    // Cut somewhere: go back to the last thing that ended and close what is open there.
    let mut ends: Vec<usize> =
        rest.char_indices().filter(|(_, character)| "}]".contains(*character)).map(|(at, _)| at).collect();
    ends.reverse();
    ends.into_iter().take(8).find_map(|end| {
        let whole = rest.get(..=end)?;
        serde_json::from_str(&format!("{whole}{}", closing(whole))).ok()
    })
}

/// The brackets still open at the end of a text, in the order to close them.
fn closing(text: &str) -> String {
    let (mut open, mut in_text, mut escaped) = (Vec::new(), false, false);
    for character in text.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            '{' if !in_text => open.push('}'),
            '[' if !in_text => open.push(']'),
            '}' | ']' if !in_text => {
                open.pop();
            }
            _ => {}
        }
    }
    open.into_iter().rev().collect()
}

/// A film, series, person or episode as far as a result tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Item {
    pub(crate) id: Option<u64>,
    /// `movie`, `tv` or `person`, when told.
    pub(crate) media: String,
    pub(crate) title: String,
    pub(crate) year: String,
    pub(crate) overview: String,
    pub(crate) certification: String,
    pub(crate) genres: Vec<String>,
    pub(crate) score: Option<f64>,
    pub(crate) runtime: Option<u64>,
    pub(crate) directors: Vec<String>,
    /// `name` or `name as role`.
    pub(crate) cast: Vec<String>,
    pub(crate) biography: String,
    pub(crate) works: Vec<String>,
    /// Names of others that are alike.
    pub(crate) alike: Vec<String>,
}

/// Everything in a result that looks like an item, in order, outermost only.
pub(crate) fn items(value: &Value) -> Vec<Item> {
    let mut found = Vec::new();
    collect(value, "", &mut found);
    found
}

fn collect(value: &Value, key: &str, found: &mut Vec<Item>) {
    match value {
        Value::Array(list) => list.iter().for_each(|inner| collect(inner, key, found)),
        Value::Object(object) => {
            let titled =
                ["title", "name", "original_title"].iter().any(|name| object.get(*name).is_some_and(Value::is_string));
            if titled && object.contains_key("id") {
                found.push(item(value, key));
                return;
            }
            object.iter().for_each(|(key, inner)| collect(inner, key, found));
        }
        _ => {}
    }
}

fn text(value: &Value, names: &[&str]) -> String {
    names.iter().find_map(|name| value[*name].as_str()).unwrap_or_default().trim().to_owned()
}

fn item(value: &Value, key: &str) -> Item {
    let mut media = text(value, &["media_type"]);
    if media.is_empty() {
        let told = |names: &[&str]| names.iter().any(|name| value.get(*name).is_some());
        media = match key {
            "movies" | "movie_results" | "films" => "movie",
            "shows" | "tv" | "series" | "tv_results" => "tv",
            "people" | "persons" | "person_results" => "person",
            _ if told(&["first_air_date", "number_of_seasons", "network", "premiered"]) => "tv",
            _ if told(&["known_for", "known_for_department", "biography", "birthday"]) => "person",
            _ => "movie",
        }
        .to_owned();
    }
    let date = text(value, &["date", "release_date", "first_air_date", "premiered", "air_date"]);
    let year =
        value["year"].as_u64().map_or_else(|| date.get(..4).unwrap_or_default().to_owned(), |year| year.to_string());
    Item {
        id: value["id"].as_u64(),
        media,
        title: text(value, &["title", "name", "original_title"]),
        year,
        overview: text(value, &["overview", "summary", "description"]),
        certification: certification(value),
        genres: names(&value["genres"]),
        score: ["vote_average", "score"].iter().find_map(|name| value[*name].as_f64()),
        runtime: ["runtime", "episode_runtime"]
            .iter()
            .find_map(|name| value[*name].as_u64())
            .filter(|minutes| *minutes > 0),
        directors: directors(value),
        cast: cast(value),
        biography: text(value, &["biography"]),
        works: titles(&value["known_works"]).into_iter().chain(titles(&value["known_for"])).take(6).collect(),
        alike: titles(&value["recommendations"]),
    }
}

/// A list of names: texts, or objects with one, or one text.
pub(crate) fn names(list: &Value) -> Vec<String> {
    match list {
        Value::String(one) => one.split(", ").map(str::to_owned).collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(|one| one.as_str().or_else(|| one["name"].as_str()).or_else(|| one["provider_name"].as_str()))
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

fn titles(list: &Value) -> Vec<String> {
    let list = if list["results"].is_array() { &list["results"] } else { list };
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| match one {
            Value::String(title) => Some(title.clone()),
            object => {
                let title = object["title"].as_str().or_else(|| object["name"].as_str())?;
                let year =
                    ["date", "release_date", "first_air_date"].iter().find_map(|name| object[*name].as_str()?.get(..4));
                Some(year.map_or_else(|| title.to_owned(), |year| format!("{title} ({year})")))
            }
        })
        .collect()
}

fn certification(value: &Value) -> String {
    let direct = text(value, &["certification", "content_rating", "age_rating"]);
    if !direct.is_empty() {
        return direct;
    }
    if let Some(rating) = value["rating"].as_str() {
        return rating.to_owned();
    }
    let lists = [&value["release_dates"], &value["content_ratings"]];
    let countries: Vec<&Value> = lists.iter().flat_map(|list| list["results"].as_array()).flatten().collect();
    let here = countries.iter().find(|country| country["iso_3166_1"] == "US").or(countries.first());
    here.and_then(|country| {
        let releases = country["release_dates"].as_array().into_iter().flatten();
        let mut ratings = releases.filter_map(|release| release["certification"].as_str());
        country["rating"].as_str().or_else(|| ratings.find(|rating| !rating.is_empty()))
    })
    .unwrap_or_default()
    .to_owned()
}

fn directors(value: &Value) -> Vec<String> {
    let told: Vec<String> = ["director", "directors", "created_by"]
        .iter()
        .map(|name| names(&value[*name]))
        .find(|list| !list.is_empty())
        .unwrap_or_default();
    if !told.is_empty() {
        return told;
    }
    let crew = value["credits"]["crew"].as_array().or_else(|| value["crew"].as_array());
    crew.into_iter()
        .flatten()
        .filter(|one| one["job"] == "Director")
        .filter_map(|one| one["name"].as_str().map(str::to_owned))
        .collect()
}

fn cast(value: &Value) -> Vec<String> {
    let lists = [&value["cast"], &value["credits"]["cast"], &value["aggregate_credits"]["cast"]];
    let Some(list) = lists.iter().find_map(|list| list.as_array()) else { return names(&value["cast"]) };
    list.iter()
        .take(6)
        .filter_map(|one| {
            let name = one.as_str().or_else(|| one["name"].as_str())?;
            let role = one["character"]
                .as_str()
                .or_else(|| one["role"].as_str())
                .or_else(|| one["roles"][0]["character"].as_str());
            Some(
                role.filter(|role| !role.is_empty())
                    .map_or_else(|| name.to_owned(), |role| format!("{name} as {role}")),
            )
        })
        .collect()
}

/// Every service a result says something can be watched on, by how: `free`, `flatrate`, `ads`, `rent`, `buy`.
pub(crate) fn providers(value: &Value) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let how = ["flatrate", "free", "ads", "rent", "buy", "providers"].iter().find(|how| *how == key);
                match how {
                    Some(how) if !names(inner).is_empty() => found.push(((*how).to_owned(), names(inner))),
                    _ => found.extend(providers(inner)),
                }
            }
        }
        Value::Array(list) => found.extend(list.iter().flat_map(providers)),
        _ => {}
    }
    found
}

/// An episode in a schedule or as the next of a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Episode {
    pub(crate) series: String,
    pub(crate) name: String,
    pub(crate) season: Option<u64>,
    pub(crate) number: Option<u64>,
    pub(crate) date: String,
    pub(crate) time: String,
    pub(crate) channel: String,
}

/// Every episode with a date in a result.
pub(crate) fn episodes(value: &Value) -> Vec<Episode> {
    episodes_within(value, "", "")
}

/// `series` and `channel` are those of the object around, when it told them.
fn episodes_within(value: &Value, series: &str, channel: &str) -> Vec<Episode> {
    match value {
        Value::Array(list) => list.iter().flat_map(|inner| episodes_within(inner, series, channel)).collect(),
        Value::Object(object) => {
            let date = text(value, &["airdate", "air_date", "airstamp", "date"]).chars().take(10).collect::<String>();
            let number = ["number", "episode_number", "episode"].iter().find_map(|name| value[*name].as_u64());
            let show = [&value["show"], &value["_embedded"]["show"]]
                .into_iter()
                .find(|show| !show.is_null())
                .unwrap_or(&Value::Null);
            let own = show.as_str().map_or_else(|| text(show, &["name", "title"]), str::to_owned);
            let named = |place: &Value| -> Option<String> {
                ["network", "webChannel", "web_channel", "channel"]
                    .iter()
                    .find_map(|name| place[*name].as_str().or_else(|| place[*name]["name"].as_str()).map(str::to_owned))
            };
            let here = named(value).or_else(|| named(show)).unwrap_or_else(|| channel.to_owned());
            let told = text(value, &["series", "show_name", "series_name"]);
            if number.is_some() && !date.is_empty() {
                return vec![Episode {
                    series: [own, told, series.to_owned()]
                        .into_iter()
                        .find(|name| !name.is_empty())
                        .unwrap_or_default(),
                    name: text(value, &["name", "title", "episode_name"]),
                    season: ["season", "season_number"].iter().find_map(|name| value[*name].as_u64()),
                    number,
                    date,
                    time: text(value, &["airtime", "air_time", "time"]),
                    channel: here,
                }];
            }
            let around = [own, told, text(value, &["name", "title"]), series.to_owned()];
            let around = around.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
            let inner = ["next_episode", "nextepisode"].iter().find_map(|name| object.get(*name));
            match inner {
                Some(next) => episodes_within(next, &around, &here),
                None => object.values().flat_map(|inner| episodes_within(inner, &around, &here)).collect(),
            }
        }
        _ => Vec::new(),
    }
}
