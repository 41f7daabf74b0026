//! Where words come from and whom they are for. Every part of a message and every result carries a label; a turn's label is the
//! join of all it has read, and `engine/access.rs` decides by it.

use serde::{Deserialize, Serialize};

/// Whose words they are. Ordered: a later one may be trusted less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The person who asks, or this program.
    #[default]
    Own,
    /// Somebody else of the household: a note, a name, another's message.
    Household,
    /// Anybody: web pages, overviews of films, names of releases and files, attached documents.
    Outside,
}

/// Who may see them. Ordered: a later one is narrower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    #[default]
    Household,
    /// The person of the turn, and nobody else.
    Person,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Label {
    pub origin: Origin,
    pub audience: Audience,
}

impl Label {
    pub const OWN: Self = Self { origin: Origin::Own, audience: Audience::Household };
    pub const OUTSIDE: Self = Self { origin: Origin::Outside, audience: Audience::Household };

    /// What both together are: as little trusted as the worse, as private as the narrower.
    pub fn join(self, other: Self) -> Self {
        Self { origin: self.origin.max(other.origin), audience: self.audience.max(other.audience) }
    }

    /// Whether words of anybody but the person who asks are in it.
    pub fn is_untrusted(self) -> bool {
        self.origin > Origin::Own
    }

    pub fn is_private(self) -> bool {
        self.audience == Audience::Person
    }

    pub fn is_plain(&self) -> bool {
        *self == Self::OWN
    }
}
