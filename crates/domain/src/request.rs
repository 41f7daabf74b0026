//! Something the household wants, followed from the wish until it is there: who asked, who wants to hear of it, how far it has come.
//!
//! Knows: nothing of the services that fetch it. What is wanted is the toolkit's own ([`Request::wish`]); how far it has come is a
//! [`Progress`], which only a [`Follow`] of that toolkit can tell.

use crate::{Address, AgentId, ConversationId, Millis, PersonId, RequestId, tool::ToolError};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// One wish, once for the whole household: who wishes for the same joins it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: RequestId,
    /// The toolkit that follows it.
    pub toolkit: String,
    /// What it is about, in the toolkit's own key, such as `film tmdb:603`. At most one request of a subject is open. At most 150 bytes.
    pub subject: String,
    /// For people, such as `The Matrix (1999)`. At most 190 characters.
    pub title: String,
    /// A picture's own name, as on a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Who asked first.
    pub owner: PersonId,
    pub agent: AgentId,
    /// What exactly is wanted and where it is fetched: JSON of the toolkit's own.
    pub wish: serde_json::Value,
    pub state: RequestState,
    /// As last seen; None before the first look.
    pub progress: Option<Progress>,
    /// Expected size in bytes, as it counts against quotas.
    pub size_bytes: Option<u64>,
    pub created_at_ms: Millis,
    pub updated_at_ms: Millis,
    pub closed_at_ms: Option<Millis>,
    /// Grows with every change.
    pub revision: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Waits for somebody's yes.
    Asked,
    /// Wanted, and nothing of it is on its way.
    Wanted,
    /// On its way.
    Downloading,
    /// Here, but the library does not show it yet.
    Downloaded,
    /// Some of it can be watched.
    Partly,
    /// All of it can be watched.
    Watchable,
    /// Somebody said no, or nobody said yes in time.
    Declined,
    /// It cannot be had as it was wished for.
    Failed,
    /// Somebody took the wish back.
    Cancelled,
}

impl RequestState {
    pub const ALL: [Self; 9] = [
        Self::Asked,
        Self::Wanted,
        Self::Downloading,
        Self::Downloaded,
        Self::Partly,
        Self::Watchable,
        Self::Declined,
        Self::Failed,
        Self::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Wanted => "wanted",
            Self::Downloading => "downloading",
            Self::Downloaded => "downloaded",
            Self::Partly => "partly",
            Self::Watchable => "watchable",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Nothing more happens to it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Watchable | Self::Declined | Self::Failed | Self::Cancelled)
    }

    /// Somebody looks after it: it is wanted and not all here.
    pub fn is_followed(self) -> bool {
        matches!(self, Self::Wanted | Self::Downloading | Self::Downloaded | Self::Partly)
    }
}

/// When somebody who waits is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// Once, when the first of it can be watched.
    First,
    /// Whenever something more of it can be watched.
    #[default]
    Each,
    /// When a group of it is whole, such as a season.
    Group,
    /// Once, when all of it can be watched.
    All,
}

impl NoticeLevel {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Each => "each",
            Self::Group => "group",
            Self::All => "all",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::First, Self::Each, Self::Group, Self::All].into_iter().find(|level| level.as_str() == text)
    }
}

/// Somebody who wants to hear of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watcher {
    pub person: PersonId,
    /// Where they asked, and are told.
    pub conversation: ConversationId,
    pub agent: AgentId,
    pub address: Address,
    pub level: NoticeLevel,
    /// Keys of what they know of: what they were told, and what was there before they asked.
    pub told: Vec<String>,
    pub since_ms: Millis,
}

/// One line of a request's story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestEvent {
    pub at_ms: Millis,
    /// The state it came to, or `asked`, `joined`, `told`, `trouble`, `report`, `removed`; or what a [`Happening`] is.
    pub kind: String,
    pub actor: Option<PersonId>,
    /// One sentence.
    pub text: String,
}

/// How far a request has come, as the services say now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// What stands in the way or happens now, as one sentence for people.
    pub line: String,
    /// Of what is on its way. 0 to 100.
    pub percent: Option<u8>,
    /// Everything that is wanted, in order. A film is one item.
    pub items: Vec<RequestItem>,
    /// What one item is called, such as `episode`; empty for a film.
    pub unit: String,
    /// Something of it is on its way.
    pub is_downloading: bool,
    /// Something of it is here that the library does not show yet, or arrives together with what is new: telling waits a little.
    pub is_settling: bool,
    /// It cannot be had as it was wished for: why.
    pub failure: Option<String>,
    /// Something an admin should look at: told once for each text.
    pub trouble: Option<String>,
    /// Milliseconds until another look is worth while; the house's own pace when absent.
    pub look_again_ms: Option<u64>,
}

/// A part of what is wanted that can be watched by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestItem {
    /// Unique within the request, such as `s02e05`; `film` for a film.
    pub key: String,
    /// What it is whole together with, such as `Season 2`; empty for a film.
    pub group: String,
    /// For people, within its group, such as `5. The Signal`.
    pub title: String,
    pub is_watchable: bool,
}

impl Progress {
    pub fn state(&self) -> RequestState {
        let watchable = self.items.iter().filter(|item| item.is_watchable).count();
        match watchable {
            _ if self.failure.is_some() => RequestState::Failed,
            n if n > 0 && n == self.items.len() => RequestState::Watchable,
            _ if self.is_downloading => RequestState::Downloading,
            _ if self.is_settling => RequestState::Downloaded,
            n if n > 0 => RequestState::Partly,
            _ => RequestState::Wanted,
        }
    }
}

impl Progress {
    /// What somebody who begins to wait knows already: everything that is there.
    pub fn known_at_first(&self) -> Vec<String> {
        let watchable = self.items.iter().filter(|item| item.is_watchable).map(|item| item.key.clone());
        watchable.chain(self.whole_groups().into_iter().map(group_key)).collect()
    }

    /// Groups of which everything that is wanted can be watched.
    pub fn whole_groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = self.items.iter().map(|item| item.group.as_str()).collect();
        groups.dedup();
        groups.retain(|group| self.items.iter().filter(|item| item.group == *group).all(|item| item.is_watchable));
        groups
    }
}

/// By which a whole group is known in [`Watcher::told`].
pub fn group_key(group: &str) -> String {
    format!("group {group}")
}

/// Something that happened to a request outside, whether anybody listened or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    pub request: RequestId,
    /// Happenings of one key at about the same time are told as one, such as the files of one download. At most 190
    /// characters.
    pub key: String,
    /// By the clock of the one who remembers it.
    pub at_ms: Millis,
    /// `grabbed`, `imported`, `upgraded`, `download_failed` or `deleted`.
    pub kind: String,
    /// Which part of what is wanted, such as `S02E05`; None where there are no parts.
    pub part: Option<String>,
    /// One sentence, which does not name the part.
    pub text: String,
}

/// What a source remembers since a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    pub happenings: Vec<Happening>,
    /// The newest thing it remembers, about whatever; None where it remembers nothing since.
    pub newest_ms: Option<Millis>,
}

/// Tells how far a request has come. A toolkit brings one.
pub trait Follow: Send + Sync {
    /// Ask the services. Errors: [`ToolError::CouldNotAsk`] leaves the request as it was, to be looked at again.
    fn look<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Progress, ToolError>>;

    /// Who remembers what happened, such as `radarr default`; at most 120 bytes each.
    fn sources(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a source remembers of these requests since a time. It may tell more than once of the same, and of more than was asked.
    fn past<'a>(
        &'a self,
        source: &'a str,
        since_ms: Millis,
        requests: &'a [Request],
    ) -> BoxFuture<'a, Result<Past, ToolError>> {
        let _ = (source, since_ms, requests);
        Box::pin(async { Ok(Past::default()) })
    }
}
