//! What a model reads and a person sees of TMDb's answers: few fields, no nulls, every text clean and capped.

use super::{
    arguments::{Level, Media},
    client::{Page, Tmdb},
    genres,
};
use majordomo_domain::{
    Card, Output, ToolError,
    text::{clean, shorten},
};
use serde_json::{Map, Value, json};

/// Whose data it is; shown with every card and told to the model.
pub const SOURCE: &str = "Data: TMDb";
/// Cards one call may show.
pub const MAX_CARDS: usize = 8;

const OVERVIEW: usize = 300;
const OVERVIEW_DETAILED: usize = 900;

/// A clean, capped text; None when absent, empty or something else.
pub fn text(value: &Value, max: usize) -> Option<String> {
    let text = clean(value.as_str()?.trim());
    if text.is_empty() { None } else { Some(shorten(&text, max)) }
}

/// Builds an object without empty fields.
#[derive(Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Keep it unless it is null, an empty text, list or object.
    pub fn put(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        let is_empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(object) => object.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        if !is_empty {
            self.0.insert(key.to_owned(), value);
        }
        self
    }

    pub fn text(&mut self, key: &str, value: &Value, max: usize) -> &mut Self {
        self.put(key, text(value, max))
    }

    /// A number, unless it is zero: TMDb writes 0 for "unknown".
    pub fn number(&mut self, key: &str, value: &Value) -> &mut Self {
        match value.as_f64() {
            Some(number) if number != 0.0 => self.put(key, value.clone()),
            _ => self,
        }
    }

    pub fn object(&mut self) -> Value {
        Value::Object(std::mem::take(&mut self.0))
    }
}

/// `title` of films, `name` of everything else.
pub fn title(item: &Value) -> String {
    text(&item["title"], 200).or_else(|| text(&item["name"], 200)).unwrap_or_else(|| "Untitled".into())
}

/// Release or first air date, `2026-11-21`.
pub fn date(item: &Value) -> Option<&str> {
    ["release_date", "first_air_date", "air_date"]
        .iter()
        .find_map(|key| item[*key].as_str())
        .filter(|date| !date.is_empty() && date.len() <= 10)
}

pub fn year(item: &Value) -> Option<i32> {
    date(item)?.get(..4)?.parse().ok()
}

/// What the item is: its own `media_type`, else what its fields tell, else what was asked for.
pub fn media(item: &Value, asked: Option<Media>) -> Media {
    let told = item["media_type"].as_str().and_then(Media::parse);
    told.or(asked).unwrap_or_else(|| {
        if item.get("known_for_department").is_some() {
            Media::Person
        } else if item.get("first_air_date").is_some() {
            Media::Tv
        } else {
            Media::Movie
        }
    })
}

/// TMDb's average out of ten with one decimal; None without votes.
fn score(item: &Value) -> Option<Value> {
    let average = item["vote_average"].as_f64().filter(|average| *average > 0.0)?;
    Some(json!((average * 10.0).round() / 10.0))
}

fn genre_names(item: &Value) -> Vec<Value> {
    let by_id = item["genre_ids"].as_array().into_iter().flatten().filter_map(Value::as_u64);
    let named = item["genres"].as_array().into_iter().flatten().filter_map(|genre| text(&genre["name"], 40));
    named.chain(by_id.filter_map(|id| genres::name(id).map(str::to_owned))).take(8).map(Value::from).collect()
}

/// One item of a list.
pub fn item(item: &Value, asked: Option<Media>, level: Level) -> Value {
    let media = media(item, asked);
    let mut fields = Fields::default();
    fields.put("id", item["id"].clone()).put("media_type", media.as_str()).put("title", title(item));
    fields.put("date", date(item)).put("vote_average", score(item));
    if level >= Level::Compact {
        fields
            .text("overview", &item["overview"], OVERVIEW)
            .number("vote_count", &item["vote_count"])
            .text("poster_path", &item["poster_path"], 100)
            .text("department", &item["known_for_department"], 60)
            .put("known_for", known_for(item));
    }
    if level >= Level::Standard {
        let original = item.get("original_title").or_else(|| item.get("original_name")).unwrap_or(&Value::Null);
        fields
            .put("original_title", text(original, 200).filter(|original| *original != title(item)))
            .text("original_language", &item["original_language"], 10)
            .put("genres", genre_names(item))
            .number("runtime", &item["runtime"])
            .put("popularity", item["popularity"].as_f64().map(|p| (p * 10.0).round() / 10.0))
            .text("backdrop_path", &item["backdrop_path"], 100);
    }
    if level >= Level::Detailed {
        fields
            .put("origin_country", item["origin_country"].clone())
            .text("profile_path", &item["profile_path"], 100)
            .text("character", &item["character"], 100)
            .text("job", &item["job"], 60);
    }
    fields.object()
}

fn known_for(person: &Value) -> Vec<Value> {
    let works = person["known_for"].as_array().into_iter().flatten();
    works.take(4).map(|work| with_year(&title(work), year(work)).into()).collect()
}

fn with_year(title: &str, year: Option<i32>) -> String {
    match year {
        Some(year) => format!("{title} ({year})"),
        None => title.to_owned(),
    }
}

/// Items with the page they are on, as an output with cards. Nothing found says so.
pub fn list(page: &Page, asked: Option<Media>, level: Level, extra: Value) -> Result<Output, ToolError> {
    let results: Vec<Value> = page.results.iter().map(|entry| item(entry, asked, level)).collect();
    let cards = page.results.iter().take(MAX_CARDS).map(|entry| card(entry, asked, None)).collect();
    Ok(Output::json(&envelope(results, page, extra))?.with_cards(cards))
}

/// `{"results": […], "page": 1, "total_pages": 3, "total_results": 47}` and what is extra.
pub fn envelope(results: Vec<Value>, page: &Page, extra: Value) -> Value {
    let mut answer = Map::new();
    if let Value::Object(extra) = extra {
        answer.extend(extra.into_iter().filter(|(_, value)| !value.is_null()));
    }
    if results.is_empty() && !answer.contains_key("note") {
        answer.insert("note".into(), "nothing found".into());
    }
    answer.insert("page".into(), page.number.into());
    answer.insert("total_pages".into(), page.total_pages.into());
    answer.insert("total_results".into(), page.total_results.into());
    answer.insert("results".into(), results.into());
    Value::Object(answer)
}

/// The poster or portrait by our own name for it, when the file name is one we would fetch.
pub fn picture(item: &Value) -> Option<String> {
    let path = ["poster_path", "profile_path"].iter().find_map(|key| item[*key].as_str())?;
    let file = path.strip_prefix('/')?;
    let size = if item["poster_path"].is_string() { "w342" } else { "w185" };
    super::client::is_picture_file(file).then(|| format!("tmdb:{size}/{file}"))
}

/// What a person sees of an item. Facts of details are shown when they are there.
pub fn card(item: &Value, asked: Option<Media>, tmdb: Option<&Tmdb>) -> Card {
    let media = media(item, asked);
    let mut card = Card::new(shorten(&with_year(&title(item), year(item)), 256));
    let mut subtitle = vec![match media {
        Media::Movie => "Film".to_owned(),
        Media::Tv => "Series".to_owned(),
        Media::Person => text(&item["known_for_department"], 60).unwrap_or_else(|| "Person".into()),
    }];
    if let Some(minutes) = item["runtime"].as_u64().filter(|minutes| *minutes > 0) {
        subtitle.push(match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("{minutes} min"),
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        });
    }
    if let Some(seasons) = item["number_of_seasons"].as_u64().filter(|seasons| *seasons > 0) {
        subtitle.push(if seasons == 1 { "1 season".into() } else { format!("{seasons} seasons") });
    }
    let genres: Vec<String> = genre_names(item).iter().filter_map(|g| g.as_str().map(str::to_owned)).take(3).collect();
    if !genres.is_empty() {
        subtitle.push(genres.join(", "));
    }
    card.subtitle = subtitle.join(" · ");
    card.text = text(&item["overview"], 300).or_else(|| text(&item["biography"], 300)).unwrap_or_default();
    card.picture = picture(item);
    card.source = SOURCE.into();
    card.link = item["id"].as_u64().map(|id| format!("https://www.themoviedb.org/{}/{id}", media.as_str()));
    if let Some(score) = score(item) {
        let votes = item["vote_count"].as_u64().unwrap_or(0);
        card = card.fact("Score", format!("{score} of 10 ({votes} votes)"));
    }
    let works = known_for(item);
    if !works.is_empty() {
        let works: Vec<&str> = works.iter().filter_map(Value::as_str).collect();
        card = card.fact("Known for", works.join(", "));
    }
    if let Some(tmdb) = tmdb {
        if let Some(age) = certification(item, media, &tmdb.region) {
            card = card.fact(format!("Age rating ({})", tmdb.region), age);
        }
        let streams = streams_on(&providers(&item["watch/providers"], &tmdb.region));
        if !streams.is_empty() {
            card = card.fact(format!("Streams on ({})", tmdb.region), streams);
            card.source = format!("{SOURCE}, JustWatch");
        }
    }
    card
}

/// Names of services where it streams without renting, such as `Netflix, Arte`.
pub fn streams_on(providers: &Value) -> String {
    let mut names: Vec<&str> = Vec::new();
    for kind in ["flatrate", "free", "ads"] {
        for name in providers[kind].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.truncate(6);
    names.join(", ")
}

/// The age rating in a region: the first a film's releases there have (`NR`, not rated, only when there is no other), or
/// a series' rating.
pub fn certification(item: &Value, media: Media, region: &str) -> Option<String> {
    let (list, key) = match media {
        Media::Movie => (&item["release_dates"], "release_dates"),
        Media::Tv => (&item["content_ratings"], "rating"),
        Media::Person => return None,
    };
    let country = list["results"].as_array()?.iter().find(|entry| entry["iso_3166_1"] == region)?;
    if media == Media::Tv {
        return text(&country[key], 20);
    }
    let ratings: Vec<String> =
        country[key].as_array()?.iter().filter_map(|release| text(&release["certification"], 20)).collect();
    ratings.iter().find(|rating| *rating != "NR").or(ratings.first()).cloned()
}

/// Everything about one film, series or person. `item` may carry sub-resources from `append_to_response`.
pub fn details(item: &Value, media: Media, level: Level, tmdb: &Tmdb) -> Value {
    if level < Level::Detailed {
        let mut shown = self::item(item, Some(media), level);
        if let Some(age) = certification(item, media, &tmdb.region) {
            shown["certification"] = age.into();
        }
        let watch = providers(&item["watch/providers"], &tmdb.region);
        if !watch.is_null() {
            shown["watch"] = watch;
        }
        return shown;
    }
    let mut fields = Fields::default();
    fields.put("id", item["id"].clone()).put("media_type", media.as_str()).put("title", title(item));
    match media {
        Media::Movie => movie(&mut fields, item, tmdb),
        Media::Tv => series(&mut fields, item, tmdb),
        Media::Person => person(&mut fields, item),
    }
    fields.object()
}

fn both_kinds(fields: &mut Fields, item: &Value, tmdb: &Tmdb, media: Media) {
    let original = item.get("original_title").or_else(|| item.get("original_name")).unwrap_or(&Value::Null);
    fields
        .put("original_title", text(original, 200).filter(|original| *original != title(item)))
        .text("status", &item["status"], 40)
        .put("genres", genre_names(item))
        .text("overview", &item["overview"], OVERVIEW_DETAILED)
        .text("tagline", &item["tagline"], 200)
        .put("vote_average", score(item))
        .number("vote_count", &item["vote_count"])
        .put("certification", certification(item, media, &tmdb.region))
        .text("original_language", &item["original_language"], 10)
        .put("origin_country", item["origin_country"].clone())
        .put("keywords", keywords(&item["keywords"], 15))
        .put("watch", providers(&item["watch/providers"], &tmdb.region))
        .put("recommendations", short_list(&item["recommendations"]["results"], 8))
        .put("trailer", trailer(&item["videos"]))
        .text("poster_path", &item["poster_path"], 100)
        .text("backdrop_path", &item["backdrop_path"], 100);
}

fn movie(fields: &mut Fields, item: &Value, tmdb: &Tmdb) {
    fields.put("date", date(item)).number("runtime", &item["runtime"]);
    both_kinds(fields, item, tmdb, Media::Movie);
    let crew = &item["credits"]["crew"];
    fields
        .put("director", jobs(crew, &["Director"], 4))
        .put("writers", jobs(crew, &["Screenplay", "Writer", "Story"], 4))
        .put("cast", cast(&item["credits"]["cast"], 10))
        .number("budget", &item["budget"])
        .number("revenue", &item["revenue"])
        .put("collection", named(&item["belongs_to_collection"]))
        .put("companies", names(&item["production_companies"], 4));
    let releases = release_dates(&item["release_dates"], Some(&tmdb.region));
    if let Some(dates) = releases.as_array().and_then(|list| list.first()) {
        fields.put("releases", dates["releases"].clone());
    }
    let mut ids = external_ids(&item["external_ids"]);
    if ids["imdb_id"].is_null() && item["imdb_id"].is_string() {
        ids["imdb_id"] = item["imdb_id"].clone();
    }
    fields.put("external_ids", ids);
}

fn series(fields: &mut Fields, item: &Value, tmdb: &Tmdb) {
    fields.put("date", date(item)).text("last_air_date", &item["last_air_date"], 10).text("type", &item["type"], 40);
    both_kinds(fields, item, tmdb, Media::Tv);
    let runtime = item["episode_run_time"].as_array().and_then(|minutes| minutes.first()).unwrap_or(&Value::Null);
    let seasons = item["seasons"].as_array().into_iter().flatten().take(40).map(|season| {
        let mut fields = Fields::default();
        fields.put("season_number", season["season_number"].clone());
        fields.number("episode_count", &season["episode_count"]).text("air_date", &season["air_date"], 10);
        fields.object()
    });
    fields
        .put("in_production", item["in_production"].clone())
        .number("episode_runtime", runtime)
        .number("number_of_seasons", &item["number_of_seasons"])
        .number("number_of_episodes", &item["number_of_episodes"])
        .put("seasons", seasons.collect::<Vec<_>>())
        .put("next_episode", episode(&item["next_episode_to_air"], 0))
        .put("last_episode", episode(&item["last_episode_to_air"], 0))
        .put("networks", names(&item["networks"], 4))
        .put("created_by", names(&item["created_by"], 4));
    // A series has no director of its own; whoever directed most episodes stands for it.
    let credits = if item["aggregate_credits"].is_object() { &item["aggregate_credits"] } else { &item["credits"] };
    fields
        .put("director", jobs(&credits["crew"], &["Director", "Series Director"], 3))
        .put("cast", cast(&credits["cast"], 10))
        .put("external_ids", external_ids(&item["external_ids"]));
}

fn person(fields: &mut Fields, item: &Value) {
    fields
        .text("department", &item["known_for_department"], 60)
        .text("birthday", &item["birthday"], 10)
        .text("deathday", &item["deathday"], 10)
        .text("place_of_birth", &item["place_of_birth"], 120)
        .text("biography", &item["biography"], 1_500)
        .put("known_works", known_works(&item["combined_credits"], 15));
    let mut ids = external_ids(&item["external_ids"]);
    if ids["imdb_id"].is_null() && item["imdb_id"].is_string() {
        ids["imdb_id"] = item["imdb_id"].clone();
    }
    fields.put("external_ids", ids).text("profile_path", &item["profile_path"], 100);
}

/// A person's best-known works first: as cast, or as crew in a leading job. Talk shows and "self" stay behind.
pub fn known_works(credits: &Value, max: usize) -> Vec<Value> {
    let mut works: Vec<(&Value, &str)> = Vec::new();
    for (list, role) in [("crew", "job"), ("cast", "character")] {
        works.extend(credits[list].as_array().into_iter().flatten().map(|work| (work, role)));
    }
    let weight = |(work, role): &(&Value, &str)| {
        let is_self = work[*role].as_str().is_some_and(|r| r.starts_with("Self") || r == "Thanks");
        (is_self, std::cmp::Reverse(work["vote_count"].as_u64().unwrap_or(0)))
    };
    works.sort_by_key(weight);
    let mut seen = std::collections::HashSet::new();
    works.retain(|(work, _)| seen.insert((work["media_type"].as_str(), work["id"].as_u64())));
    works.truncate(max);
    works
        .into_iter()
        .map(|(work, role)| {
            let mut fields = Fields::default();
            fields.put("id", work["id"].clone()).put("media_type", media(work, None).as_str());
            fields.put("title", title(work)).put("date", date(work)).put("vote_average", score(work));
            fields.text(role, &work[role], 80);
            fields.object()
        })
        .collect()
}

fn named(value: &Value) -> Value {
    let mut fields = Fields::default();
    fields.put("id", value["id"].clone()).text("name", &value["name"], 120);
    fields.object()
}

pub fn names(list: &Value, max: usize) -> Vec<Value> {
    list.as_array().into_iter().flatten().filter_map(|e| text(&e["name"], 80)).take(max).map(Value::from).collect()
}

/// Names of those with one of these jobs, each once; those with the most episodes first.
pub fn jobs(crew: &Value, wanted: &[&str], max: usize) -> Vec<Value> {
    let mut people: Vec<(u64, String)> = Vec::new();
    for member in crew.as_array().into_iter().flatten() {
        let has_job = |job: &Value| job["job"].as_str().is_some_and(|job| wanted.contains(&job));
        let episodes = match member["jobs"].as_array() {
            Some(jobs) => match jobs.iter().find(|job| has_job(job)) {
                Some(job) => job["episode_count"].as_u64().unwrap_or(0),
                None => continue,
            },
            None if has_job(member) => 0,
            None => continue,
        };
        if let Some(name) = text(&member["name"], 80)
            && !people.iter().any(|(_, known)| *known == name)
        {
            people.push((episodes, name));
        }
    }
    people.sort_by_key(|(episodes, _)| std::cmp::Reverse(*episodes));
    people.into_iter().take(max).map(|(_, name)| name.into()).collect()
}

pub fn cast(cast: &Value, max: usize) -> Vec<Value> {
    let members = cast.as_array().into_iter().flatten().take(max);
    let view = |member: &Value| {
        let role = member["roles"].as_array().and_then(|roles| roles.first());
        let mut fields = Fields::default();
        fields.put("id", member["id"].clone()).text("name", &member["name"], 80);
        fields.text("character", role.map_or(&member["character"], |role| &role["character"]), 80);
        fields.number("episodes", &member["total_episode_count"]);
        fields.object()
    };
    members.map(view).collect()
}

/// Cast and the leading crew, `max` of each.
pub fn credits(credits: &Value, max: usize) -> Value {
    let crew = credits["crew"].as_array().into_iter().flatten();
    let crew = crew.filter(|m| {
        let is_leading = |job: &Value| {
            job["job"].as_str().is_some_and(|job| {
                ["Director", "Screenplay", "Writer", "Story", "Novel", "Creator", "Producer", "Executive Producer"]
                    .contains(&job)
                    || ["Composer", "Photography", "Editor"].iter().any(|word| job.contains(word))
            })
        };
        is_leading(m) || m["jobs"].as_array().is_some_and(|jobs| jobs.iter().any(is_leading))
    });
    let crew = crew.take(max).map(|member| {
        let job = member["jobs"].as_array().and_then(|jobs| jobs.first()).unwrap_or(member);
        let mut fields = Fields::default();
        fields.put("id", member["id"].clone()).text("name", &member["name"], 80).text("job", &job["job"], 60);
        fields.number("episodes", &member["total_episode_count"]);
        fields.object()
    });
    let mut fields = Fields::default();
    fields.put("cast", cast(&credits["cast"], max)).put("crew", crew.collect::<Vec<_>>());
    fields.object()
}

/// Theme words. A film keeps them under `keywords`, a series under `results`.
pub fn keywords(keywords: &Value, max: usize) -> Vec<Value> {
    let list = if keywords["keywords"].is_array() { &keywords["keywords"] } else { &keywords["results"] };
    names(list, max)
}

pub fn short_list(list: &Value, max: usize) -> Vec<Value> {
    list.as_array().into_iter().flatten().take(max).map(|entry| item(entry, None, Level::Minimal)).collect()
}

pub fn external_ids(ids: &Value) -> Value {
    let mut fields = Fields::default();
    for key in ["imdb_id", "tvdb_id", "wikidata_id", "facebook_id", "instagram_id", "twitter_id"] {
        if !ids[key].is_null() {
            fields.put(key, ids[key].clone());
        }
    }
    fields.object()
}

/// Where it can be watched in a region: `{region, flatrate, free, ads, rent, buy, link, credit}`. Empty when nowhere.
/// JustWatch, whose data it is, asks to be credited.
pub fn providers(answer: &Value, region: &str) -> Value {
    let here = &answer["results"][region];
    let mut fields = Fields::default();
    for kind in ["flatrate", "free", "ads", "rent", "buy"] {
        let list = here[kind].as_array().into_iter().flatten().filter_map(|p| text(&p["provider_name"], 60)).take(10);
        fields.put(kind, list.map(Value::from).collect::<Vec<_>>());
    }
    match fields.object() {
        Value::Object(found) if !found.is_empty() => {
            fields = Fields(found);
            fields.put("region", region).text("link", &here["link"], 200).put("credit", "JustWatch");
            fields.object()
        }
        _ => Value::Null,
    }
}

const RELEASE_TYPES: [&str; 7] = ["", "premiere", "limited", "theatrical", "digital", "physical", "tv"];

/// Releases by country: `[{country, releases: [{type, date, certification}]}]`; all countries, or one.
pub fn release_dates(answer: &Value, region: Option<&str>) -> Value {
    let countries = answer["results"].as_array().into_iter().flatten();
    let countries = countries.filter(|entry| region.is_none_or(|region| entry["iso_3166_1"] == region));
    let view = |entry: &Value| {
        let releases = entry["release_dates"].as_array().into_iter().flatten().take(8).map(|release| {
            let kind = release["type"].as_u64().and_then(|kind| RELEASE_TYPES.get(usize::try_from(kind).ok()?));
            let mut fields = Fields::default();
            fields.put("type", kind.copied()).put("date", release["release_date"].as_str().and_then(|d| d.get(..10)));
            fields.text("certification", &release["certification"], 20).text("note", &release["note"], 60);
            fields.object()
        });
        json!({ "country": entry["iso_3166_1"], "releases": releases.collect::<Vec<_>>() })
    };
    countries.take(60).map(view).collect()
}

/// An official trailer's address, else any trailer's. YouTube and Vimeo only.
pub fn trailer(videos: &Value) -> Option<String> {
    let list: Vec<&Value> =
        videos["results"].as_array().into_iter().flatten().filter(|v| v["type"] == "Trailer").collect();
    let best = list.iter().find(|v| v["official"] == true).or(list.first())?;
    video_link(best)
}

pub fn video_link(video: &Value) -> Option<String> {
    let key = video["key"].as_str()?;
    let is_plain = key.len() <= 32 && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    match video["site"].as_str()? {
        "YouTube" if is_plain => Some(format!("https://www.youtube.com/watch?v={key}")),
        "Vimeo" if is_plain => Some(format!("https://vimeo.com/{key}")),
        _ => None,
    }
}

pub fn videos(answer: &Value) -> Vec<Value> {
    let view = |video: &Value| {
        let mut fields = Fields::default();
        fields.text("name", &video["name"], 120).text("type", &video["type"], 30);
        fields.put("official", video["official"].clone()).put("link", video_link(video));
        fields.object()
    };
    answer["results"].as_array().into_iter().flatten().take(12).map(view).collect()
}

/// File names by kind, five of each; a person sees them through cards.
pub fn images(answer: &Value) -> Value {
    let mut fields = Fields::default();
    for kind in ["posters", "backdrops", "logos", "profiles", "stills"] {
        let view = |image: &Value| {
            let mut fields = Fields::default();
            fields.text("file_path", &image["file_path"], 100).text("language", &image["iso_639_1"], 5);
            fields.number("width", &image["width"]).number("height", &image["height"]);
            fields.object()
        };
        fields.put(kind, answer[kind].as_array().into_iter().flatten().take(5).map(view).collect::<Vec<_>>());
    }
    fields.object()
}

pub fn reviews(answer: &Value) -> Vec<Value> {
    let view = |review: &Value| {
        let mut fields = Fields::default();
        fields.text("author", &review["author"], 60).number("rating", &review["author_details"]["rating"]);
        fields.put("date", review["created_at"].as_str().and_then(|d| d.get(..10)));
        fields.text("content", &review["content"], 500);
        fields.object()
    };
    answer["results"].as_array().into_iter().flatten().take(10).map(view).collect()
}

/// One episode; `guests` of its guest stars.
pub fn episode(episode: &Value, guests: usize) -> Value {
    let mut fields = Fields::default();
    if !episode.is_object() {
        return Value::Null;
    }
    fields
        .put("season_number", episode["season_number"].clone())
        .put("episode_number", episode["episode_number"].clone())
        .text("name", &episode["name"], 150)
        .text("air_date", &episode["air_date"], 10)
        .number("runtime", &episode["runtime"])
        .put("vote_average", score(episode))
        .put("type", text(&episode["episode_type"], 20).filter(|kind| kind != "standard"))
        .text("overview", &episode["overview"], if guests > 0 { OVERVIEW_DETAILED } else { 200 });
    if guests > 0 {
        fields
            .put("director", jobs(&episode["crew"], &["Director"], 3))
            .put("writers", jobs(&episode["crew"], &["Writer"], 4))
            .put("guest_stars", cast(&episode["guest_stars"], guests));
    }
    fields.object()
}

/// A part nobody has a view for: texts cleaned and capped, lists cut to ten, no nulls, at most `depth` levels.
pub fn capped(value: &Value, depth: usize) -> Value {
    match value {
        Value::String(_) => text(value, 200).map_or(Value::Null, Value::from),
        Value::Array(list) if depth > 0 => list.iter().take(10).map(|entry| capped(entry, depth - 1)).collect(),
        Value::Object(object) if depth > 0 => {
            let mut fields = Fields::default();
            for (key, value) in object.iter().take(20) {
                fields.put(key, capped(value, depth - 1));
            }
            fields.object()
        }
        Value::Array(_) | Value::Object(_) => Value::Null,
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
