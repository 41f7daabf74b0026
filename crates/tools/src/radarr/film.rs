//! A film as Radarr knows it: finding it, and telling of it.

use crate::servarr::{
    Client,
    client::{Age, Query},
    commands, view,
};
use jiff::{Timestamp, ToSpan, civil::Date};
use majordomo_domain::{Call, Card, ToolError};
use serde_json::{Value, json};

/// A film is taken as out so long after it was in cinemas when nothing else is known. Radarr's own rule.
const DAYS_AFTER_CINEMAS: i64 = 90;

/// The film with that TMDb id, when it is in the library.
pub async fn by_tmdb(client: &Client, tmdb_id: u64, age: Age) -> Result<Option<Value>, ToolError> {
    let query = vec![("tmdbId", tmdb_id.to_string())];
    let list = client.list("/movie", &query, age).await?;
    Ok(list.into_iter().find(|film| film["tmdbId"] == tmdb_id))
}

/// The film with that number, asked anew.
pub async fn fresh(client: &Client, id: u64) -> Result<Option<Value>, ToolError> {
    let found = client.find(&format!("/movie/{id}"), &Query::new(), Age::Now).await?;
    Ok(found.map(|found| Value::clone(&found)))
}

/// The same where it has to be there.
pub async fn known(client: &Client, id: u64) -> Result<Value, ToolError> {
    fresh(client, id)
        .await?
        .ok_or_else(|| ToolError::TellModel(format!("{} has no film with the movie_id {id}", client.title())))
}

pub fn name_of(film: &Value) -> String {
    commands::name_of(film)
}

/// When it can be fetched: out already, on a day, or nobody knows. By the film's own minimum availability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    Out,
    On(Date),
    Unknown,
}

impl Release {
    pub fn of(film: &Value, now: Timestamp) -> Self {
        if film["isAvailable"] == true {
            return Release::Out;
        }
        let day = |field: &str| view::date(&film[field]).and_then(|date| date.parse::<Date>().ok());
        let date = match film["minimumAvailability"].as_str() {
            Some("inCinemas") => day("inCinemas").or(day("digitalRelease")),
            _ => {
                let sold = [day("digitalRelease"), day("physicalRelease")].into_iter().flatten().min();
                sold.or_else(|| day("inCinemas")?.checked_add(DAYS_AFTER_CINEMAS.days()).ok())
            }
        };
        // A day that has passed although Radarr says that it is not out is no day to tell.
        match date {
            Some(date) if date > now.to_zoned(jiff::tz::TimeZone::UTC).date() => Release::On(date),
            Some(_) if film["isAvailable"].is_null() => Release::Out,
            _ => Release::Unknown,
        }
    }

    pub fn in_words(self) -> String {
        match self {
            Release::Out => "out".into(),
            Release::On(date) => format!("not out before {date}"),
            Release::Unknown => "not out; no date is known yet".into(),
        }
    }
}

/// In a word or two: is it there, coming, wanted?
pub fn state(film: &Value) -> &'static str {
    match (film["hasFile"] == true, film["monitored"] == true, film["isAvailable"] == true) {
        (true, ..) => "there",
        (false, true, true) => "wanted",
        (false, true, false) => "wanted, not out yet",
        (false, false, _) => "not monitored",
    }
}

/// One line of a list.
pub fn short(film: &Value, profile: Option<&str>) -> Value {
    view::Fields::default()
        .put("movie_id", film["id"].as_u64().filter(|id| *id > 0))
        .put("tmdb_id", film["tmdbId"].as_u64())
        .put("title", view::title_and_year(film))
        .put("state", state(film))
        .put("profile", profile)
        .put("quality", view::quality(&film["movieFile"]["quality"]))
        .put("size", view::size_of(&film["sizeOnDisk"]).filter(|_| film["hasFile"] == true))
        .done()
}

/// Everything worth knowing of one film.
pub async fn details(client: &Client, film: &Value, call: &Call) -> Result<Value, ToolError> {
    let profile = client.profile_name(&film["qualityProfileId"]).await?;
    let tags = client.tag_labels(&film["tags"]).await?;
    let now = Timestamp::from_millisecond(call.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let file = &film["movieFile"];
    Ok(view::Fields::default()
        .put("movie_id", film["id"].as_u64())
        .put("tmdb_id", film["tmdbId"].as_u64())
        .put("imdb_id", view::text(&film["imdbId"], 20))
        .put("title", view::title_and_year(film))
        .put("state", state(film))
        .put("monitored", film["monitored"].as_bool())
        .put("release", Release::of(film, now).in_words())
        .put("in_cinemas", view::date(&film["inCinemas"]))
        .put("digital_release", view::date(&film["digitalRelease"]))
        .put("physical_release", view::date(&film["physicalRelease"]))
        .put("minimum_availability", view::text(&film["minimumAvailability"], 20))
        .put("profile", profile)
        .put("folder", view::text(&film["path"], 200))
        .put("tags", tags)
        .put("collection", view::text(&film["collection"]["title"], 100))
        .put("added", view::instant(&film["added"]))
        .put("last_searched", view::instant(&film["lastSearchTime"]))
        .put("size", view::size_of(&film["sizeOnDisk"]).filter(|_| film["hasFile"] == true))
        .put("file", if file.is_object() { file_told(file) } else { Value::Null })
        .put("overview", view::text(&film["overview"], 300))
        .done())
}

pub fn file_told(file: &Value) -> Value {
    let media = &file["mediaInfo"];
    view::Fields::default()
        .put("file_id", file["id"].as_u64())
        .put("name", view::text(&file["relativePath"], view::LONGEST_NAME))
        .put("quality", view::quality(&file["quality"]))
        .put("size", view::size_of(&file["size"]))
        .put("languages", view::languages(&file["languages"]))
        .put("video", view::text(&media["videoCodec"], 20))
        .put("resolution", view::text(&media["resolution"], 20))
        .put("hdr", view::text(&media["videoDynamicRangeType"], 20))
        .put("audio", view::text(&media["audioCodec"], 30))
        .put("audio_languages", view::text(&media["audioLanguages"], 80))
        .put("subtitles", view::text(&media["subtitles"], 80))
        .put("group", view::text(&file["releaseGroup"], 40))
        .put("added", view::instant(&file["dateAdded"]))
        .flag("below_wanted_quality", file["qualityCutoffNotMet"] == true)
        .done()
}

/// A film for a person's eyes.
pub fn card(client: &Client, film: &Value) -> Card {
    let mut card = Card::new(name_of(film));
    let mut line = vec!["Film".to_owned()];
    if let Some(minutes) = film["runtime"].as_u64().filter(|minutes| *minutes > 0) {
        line.push(match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("{minutes} min"),
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        });
    }
    line.extend(film["genres"].as_array().into_iter().flatten().take(2).filter_map(|genre| view::text(genre, 30)));
    card.subtitle = line.join(" · ");
    card.picture = picture(client, film);
    card
}

/// Radarr's own picture of a film it has, TMDb's of one it found.
fn picture(client: &Client, film: &Value) -> Option<String> {
    if let Some(id) = film["id"].as_u64().filter(|id| *id > 0) {
        return Some(format!("{}:{}/{id}", client.which().key(), client.name()));
    }
    let (_, file) = film["remotePoster"].as_str()?.split_once("/t/p/")?;
    let (_, file) = file.rsplit_once('/')?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (file.len() <= 100 && file.chars().all(is_plain)).then(|| format!("tmdb:w342/{file}"))
}

/// What a lookup found, for the model.
pub fn candidate(film: &Value) -> Value {
    let id = film["id"].as_u64().filter(|id| *id > 0);
    view::Fields::default()
        .put("tmdb_id", film["tmdbId"].as_u64())
        .put("imdb_id", view::text(&film["imdbId"], 20))
        .put("title", view::title_and_year(film))
        .put("original_title", view::text(&film["originalTitle"], 120).filter(|title| film["title"] != title.as_str()))
        .put("runtime_min", film["runtime"].as_u64().filter(|minutes| *minutes > 0))
        .put("release", view::text(&film["status"], 20))
        .put("movie_id", id)
        .put("state", id.map(|_| state(film)))
        .flag("excluded_from_lists", film["isExcluded"] == true)
        .put("overview", view::text(&film["overview"], 160))
        .done()
}

/// A film's own fields a person may change, as Radarr names them.
pub async fn as_before(client: &Client, film: &Value, changed: &Value) -> Result<Value, ToolError> {
    let mut before = json!({});
    for name in changed.as_object().into_iter().flat_map(|changed| changed.keys()) {
        let (argument, value) = match name.as_str() {
            "qualityProfileId" => ("quality_profile", json!(client.profile_name(&film["qualityProfileId"]).await?)),
            "monitored" => ("monitored", film["monitored"].clone()),
            "minimumAvailability" => {
                let word = film["minimumAvailability"].as_str().unwrap_or("released");
                ("minimum_availability", json!(if word == "inCinemas" { "in_cinemas" } else { word }))
            }
            "rootFolderPath" => ("root_folder", film["rootFolderPath"].clone()),
            "tags" => ("tags", film["tags"].clone()),
            _ => continue,
        };
        before[argument] = value;
    }
    Ok(before)
}
