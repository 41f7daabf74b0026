//! Kinds of arguments that many Plex tools share.

use super::client::{Instance, Section};
use majordomo_domain::{
    ToolError,
    text::{clean, shorten},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};
use std::borrow::Cow;

/// Items one list tells at most.
pub const MAX_LIMIT: usize = 100;
/// Items one call changes at most.
pub const MOST_CHANGED: usize = 100;
/// Items one call deletes at most.
pub const MOST_DELETED: usize = 20;

// Plain comments on the variants: as documentation each would cost every request some forty tokens in every tool that has it.
/// How much is told of each item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    // Title, key and type.
    Minimal,
    // And year, rating, watched or not.
    #[default]
    Compact,
    // And age rating, length, genres, summary, picture and sound.
    Standard,
    // And people, tagline, studio, dates, ids.
    Detailed,
}

/// Films or series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shelf {
    #[serde(alias = "movies", alias = "film", alias = "films")]
    Movie,
    #[serde(alias = "shows", alias = "tv", alias = "series")]
    Show,
}

impl Shelf {
    pub fn kind(self) -> &'static str {
        match self {
            Shelf::Movie => "movie",
            Shelf::Show => "show",
        }
    }

    /// Plex's number for the type.
    pub fn number(self) -> u32 {
        match self {
            Shelf::Movie => 1,
            Shelf::Show => 2,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Shelf::Movie => "films",
            Shelf::Show => "series",
        }
    }
}

/// A number that models like to write as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub u64);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer) {
            Ok(Written::Number(key)) => Ok(Self(key)),
            Ok(Written::Text(text)) => {
                let text = text.trim().trim_start_matches("/library/metadata/");
                text.parse().map(Self).map_err(|_| D::Error::custom("a rating key is a whole number"))
            }
            Err(_) => Err(D::Error::custom("a rating key is a whole number")),
        }
    }
}

impl JsonSchema for Key {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Key".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer"})
    }
}

/// How many items are told, checked.
pub fn limit(asked: Option<u32>, default: usize) -> Result<usize, ToolError> {
    match asked.map(|asked| asked as usize) {
        None => Ok(default),
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(limit) => Err(ToolError::TellModel(format!("limit is {limit}, it may be 1 to {MAX_LIMIT}"))),
    }
}

/// A name somebody gives, in one line.
pub fn one_line(what: &str, text: &str) -> Result<String, ToolError> {
    let text = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        0 => Err(ToolError::TellModel(format!("the {what} is empty"))),
        n if n > 200 => Err(ToolError::TellModel(format!("the {what} has {n} characters; the limit is 200"))),
        _ => Ok(text),
    }
}

/// The libraries a call is about: the named one (by title or number), else those of the kind, else films and series.
pub async fn sections(
    instance: &Instance,
    named: Option<&str>,
    shelf: Option<Shelf>,
) -> Result<Vec<Section>, ToolError> {
    let all = instance.sections().await?;
    let is_shelf = |section: &Section| match shelf {
        Some(shelf) => section.kind == shelf.kind(),
        None => section.kind == "movie" || section.kind == "show",
    };
    let Some(name) = named.map(str::trim).filter(|name| !name.is_empty()) else {
        return Ok(all.into_iter().filter(is_shelf).collect());
    };
    let plain = name.to_lowercase();
    let found: Vec<Section> = all
        .iter()
        .filter(|section| section.key == name || section.title.to_lowercase() == plain || section.kind == plain)
        .cloned()
        .collect();
    if found.is_empty() {
        let known: Vec<String> = all.iter().map(|section| format!("{} ({})", section.title, section.key)).collect();
        let name = shorten(&clean(name), 40);
        return Err(ToolError::TellModel(format!("there is no library “{name}”; there is {}", known.join(", "))));
    }
    Ok(found)
}

/// The one library a call is about.
pub async fn section(instance: &Instance, named: &str) -> Result<Section, ToolError> {
    let mut found = sections(instance, Some(named), None).await?;
    match found.len() {
        1 => Ok(found.remove(0)),
        _ => {
            let known: Vec<String> =
                found.iter().map(|section| format!("{} ({})", section.title, section.key)).collect();
            Err(ToolError::TellModel(format!("say which library: {}", known.join(", "))))
        }
    }
}
