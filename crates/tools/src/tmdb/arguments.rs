//! Kinds of arguments that many TMDb tools share.

use majordomo_domain::ToolError;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Items one call may ask about.
pub const MAX_ITEMS: usize = 10;

/// Which of TMDb's number spaces an id belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    #[default]
    Movie,
    #[serde(alias = "show", alias = "series")]
    Tv,
    Person,
}

impl Media {
    pub fn as_str(self) -> &'static str {
        match self {
            Media::Movie => "movie",
            Media::Tv => "tv",
            Media::Person => "person",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "movie" => Some(Media::Movie),
            "tv" => Some(Media::Tv),
            "person" => Some(Media::Person),
            _ => None,
        }
    }

    /// As a person calls one of them.
    pub fn singular(self) -> &'static str {
        match self {
            Media::Movie => "film",
            Media::Tv => "series",
            Media::Person => "person",
        }
    }

    /// As a person calls several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Media::Movie => "films",
            Media::Tv => "series",
            Media::Person => "people",
        }
    }
}

/// A film or a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    #[default]
    Movie,
    #[serde(alias = "show", alias = "series")]
    Tv,
}

impl From<Screen> for Media {
    fn from(screen: Screen) -> Self {
        match screen {
            Screen::Movie => Media::Movie,
            Screen::Tv => Media::Tv,
        }
    }
}

// Plain comments on the variants: as documentation each would cost every request some forty tokens in every tool that has it.
/// How much is told of each item; standard adds genres and runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    // Id, media type, title, date, score.
    Minimal,
    // And overview, votes, poster.
    Compact,
    // And genres, runtime, popularity, original title and language, backdrop.
    Standard,
    // All that is known, capped.
    Detailed,
}

pub fn compact() -> Level {
    Level::Compact
}

pub fn detailed() -> Level {
    Level::Detailed
}

/// One TMDb id or several, at most [`MAX_ITEMS`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a TMDb id is a whole number above 0, or a list of up to 10 of them")]
pub enum Ids {
    One(u64),
    Text(String),
    Many(Vec<u64>),
}

impl JsonSchema for Ids {
    fn schema_name() -> Cow<'static, str> {
        "Ids".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "array"], "items": { "type": "integer" }, "maxItems": MAX_ITEMS,
        })
    }
}

impl Ids {
    /// The ids, each once, in order.
    pub fn list(&self) -> Result<Vec<u64>, ToolError> {
        let mut ids = match self {
            Ids::One(id) => vec![*id],
            Ids::Many(ids) => ids.clone(),
            Ids::Text(text) => text
                .split(',')
                .map(|id| id.trim().parse())
                .collect::<Result<_, _>>()
                .map_err(|_| ToolError::TellModel("an id must be a whole number, from a search".into()))?,
        };
        let mut seen = std::collections::HashSet::new();
        ids.retain(|id| seen.insert(*id));
        if ids.is_empty() || ids.len() > MAX_ITEMS {
            return Err(ToolError::TellModel(format!("give 1 to {MAX_ITEMS} ids, not {}", ids.len())));
        }
        if ids.iter().any(|id| *id == 0 || *id > u64::from(u32::MAX)) {
            return Err(ToolError::TellModel("an id must be a whole number above 0, from a search".into()));
        }
        Ok(ids)
    }
}

/// Values of a discover filter: one, several, or text that already holds TMDb's commas (and) or pipes (or).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "this takes a number, a text such as 18,35 or 18|35, or a list of numbers and texts")]
pub enum Choices {
    Number(u64),
    Text(String),
    Many(Vec<Choice>),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a list of numbers and texts")]
pub enum Choice {
    Number(u64),
    Text(String),
}

impl JsonSchema for Choices {
    fn schema_name() -> Cow<'static, str> {
        "Choices".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": { "type": ["integer", "string"] } })
    }
}

impl Choices {
    /// Each value as text, with the separator that joined them: `,` unless the text had pipes.
    pub fn list(&self) -> (Vec<String>, char) {
        let text = |text: &str| {
            let separator = if text.contains('|') { '|' } else { ',' };
            let list = text.split(separator).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect();
            (list, separator)
        };
        match self {
            Choices::Number(number) => (vec![number.to_string()], ','),
            Choices::Text(one) => text(one),
            Choices::Many(many) => {
                let list = many.iter().map(|choice| match choice {
                    Choice::Number(number) => number.to_string(),
                    Choice::Text(text) => text.trim().to_owned(),
                });
                (list.filter(|t| !t.is_empty()).collect(), ',')
            }
        }
    }
}
