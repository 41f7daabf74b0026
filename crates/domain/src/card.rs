//! What a person sees in place of JSON: a title, a picture, facts. No platform words; each channel draws it.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Such as `Metropolis (1927)`. At most 256 characters.
    pub title: String,
    /// A line under the title, such as `Film · 2 h 33 min · Science Fiction`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subtitle: String,
    /// A short paragraph, at most 600 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// A picture by its own name, such as `tmdb:w342/abc.jpg`; never an address of a third party. The page asks our
    /// server for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Short labelled values, such as score and where it streams. At most 12.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// An address for more, shown as a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Whose data it is, such as `Data: TMDb`. Shown small.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

impl Card {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    pub fn fact(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts.push(Fact { label: label.into(), value: value.into() });
        self
    }
}
