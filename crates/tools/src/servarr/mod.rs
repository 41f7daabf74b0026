//! What Radarr and Sonarr share: one API with two vocabularies. `https://radarr.video/docs/api/`, `https://sonarr.tv/docs/api/`
//!
//! Knows: named instances and their settings, paging, refusals, commands that run in the background, the live lists (quality
//! profiles, root folders, tags), and the tools that both applications have, written once.
//! Never: has a tool of its own name. `radarr/` and `sonarr/` are the toolkits; they list the shared tools with [`shared_tools`].
//! Start reading at [`Application`], then `client.rs` (asking), `command.rs`, `lists.rs`, `view.rs` (telling), one file for each topic.
//!
//! A shared tool is a struct over an [`Application`]. In its doc comments `{App}`, `{thing}` and `{things}` stand for `Radarr`, `film`
//! and `films`, or `Sonarr`, `series` and `series`; [`speak`] puts the words in and takes the other application's arguments out.

pub mod client;
pub mod command;
pub mod commands;
pub mod doctor;
pub mod exclusions;
pub mod fallback;
pub mod history;
pub mod imports;
pub mod lists;
mod queue;
pub mod releases;
mod settings;
pub mod stuck;
mod system;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;
mod wanted;

pub use client::{Client, Page, Paging};
pub use command::Command;
pub use doctor::Doctor;
pub use lists::NameOrId;
pub use settings::{Availability, Settings};
pub(crate) use settings::{fault, instance_settings, problems};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use majordomo_domain::{
    Call, ToolError,
    approval::Wording,
    text,
    tool::{Picture, ToolkitBuilder, UndoCall},
};
use majordomo_upstream::Upstream;
use schemars::{JsonSchema, Schema};
use serde_json::Value;
use std::{collections::BTreeMap, marker::PhantomData, time::Duration};

/// Wall time of a call that waits for every indexer: a release search may take 120 seconds.
pub const SEARCH_TIMEOUT: Duration = Duration::from_secs(130);
/// Wall time of a call that follows a command until it is done.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(130);
/// Things one destructive call may take at most.
pub const MOST_DESTROYED: usize = 20;

/// Which of the two. A type, so that a shared tool is two tools.
pub trait Application: JsonSchema + Send + Sync + 'static {
    const WHICH: Which;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Radarr,
    Sonarr,
}

#[derive(Clone, Copy, Debug, JsonSchema)]
pub struct Radarr;

#[derive(Clone, Copy, Debug, JsonSchema)]
pub struct Sonarr;

impl Application for Radarr {
    const WHICH: Which = Which::Radarr;
}

impl Application for Sonarr {
    const WHICH: Which = Which::Sonarr;
}

impl Which {
    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Which::Radarr => "Radarr",
            Which::Sonarr => "Sonarr",
        }
    }

    /// As the settings and the tools write it.
    pub const fn key(self) -> &'static str {
        match self {
            Which::Radarr => "radarr",
            Which::Sonarr => "sonarr",
        }
    }

    pub const fn thing(self) -> &'static str {
        match self {
            Which::Radarr => "film",
            Which::Sonarr => "series",
        }
    }

    pub const fn things(self) -> &'static str {
        match self {
            Which::Radarr => "films",
            Which::Sonarr => "series",
        }
    }

    /// The path of its records, such as `/movie`.
    pub const fn path(self) -> &'static str {
        match self {
            Which::Radarr => "/movie",
            Which::Sonarr => "/series",
        }
    }

    /// How its answers name a record's number.
    pub const fn id_field(self) -> &'static str {
        match self {
            Which::Radarr => "movieId",
            Which::Sonarr => "seriesId",
        }
    }

    /// How its tools name that argument.
    pub const fn id_argument(self) -> &'static str {
        match self {
            Which::Radarr => "movie_id",
            Which::Sonarr => "series_id",
        }
    }

    /// Arguments of shared tools that only the other application understands.
    const fn foreign(self) -> &'static [&'static str] {
        match self {
            Which::Radarr => &["series_id", "season_number", "episode_id", "episode_ids", "tvdb_id"],
            Which::Sonarr => &["movie_id", "tmdb_id"],
        }
    }
}

/// `named!(A, "queue")`: `radarr_queue` or `sonarr_queue`.
macro_rules! named {
    ($application:ident, $name:literal) => {
        match $application::WHICH {
            $crate::servarr::Which::Radarr => concat!("radarr_", $name),
            $crate::servarr::Which::Sonarr => concat!("sonarr_", $name),
        }
    };
}

/// The same for several names: `also_named!(A, "get_queue")`.
macro_rules! also_named {
    ($application:ident, $($name:literal),+) => {
        match $application::WHICH {
            $crate::servarr::Which::Radarr => &[$(concat!("radarr_", $name)),+],
            $crate::servarr::Which::Sonarr => &[$(concat!("sonarr_", $name)),+],
        }
    };
}

/// The struct of a tool's arguments, with what every tool of an instance has. `Name<A>` is shared, `Name for Radarr` is one
/// application's own.
macro_rules! arguments {
    ($(#[$doc:meta])* pub struct $name:ident<A> { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, bound = "")]
        #[schemars(transform = $crate::servarr::speak::<A>)]
        pub struct $name<A: $crate::servarr::Application> {
            $($(#[$field_doc])* $field: $kind,)*
            /// Which {App}, by its name in the settings; the default one when absent.
            #[serde(default)]
            instance: Option<String>,
            #[serde(skip)]
            application: std::marker::PhantomData<A>,
        }

        impl<A: $crate::servarr::Application> $name<A> {
            fn client<'a>(
                &self,
                instances: &'a $crate::servarr::Instances<A>,
            ) -> Result<&'a $crate::servarr::Client, majordomo_domain::ToolError> {
                instances.get(self.instance.as_deref())
            }
        }
    };
    ($(#[$doc:meta])* pub struct $name:ident for $application:ident {
        $($(#[$field_doc:meta])* $field:ident: $kind:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(transform = $crate::servarr::speak::<$application>)]
        pub struct $name {
            $($(#[$field_doc])* $field: $kind,)*
            /// Which {App}, by its name in the settings; the default one when absent.
            #[serde(default)]
            instance: Option<String>,
        }

        impl $name {
            fn client<'a>(
                &self,
                instances: &'a $crate::servarr::Instances<$application>,
            ) -> Result<&'a $crate::servarr::Client, majordomo_domain::ToolError> {
                instances.get(self.instance.as_deref())
            }
        }
    };
}

pub(crate) use {also_named, arguments, named};

/// The words around an approval.
pub(crate) fn asks(question: impl Into<String>, declined: impl Into<String>) -> Wording {
    Wording { question: question.into(), declined: declined.into(), reason: String::new() }
}

/// A limit as given, within what is allowed.
pub(crate) fn limit(given: Option<usize>, otherwise: usize, most: usize) -> Result<usize, ToolError> {
    match given.unwrap_or(otherwise) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        limit => Err(ToolError::TellModel(format!("limit is {limit}, it may be 1 to {most}"))),
    }
}

/// The film or the series of a shared tool's arguments; the other application's number is refused.
pub(crate) fn own_id<A: Application>(movie: Option<u64>, series: Option<u64>) -> Result<Option<u64>, ToolError> {
    let (own, foreign) = match A::WHICH {
        Which::Radarr => (movie, series),
        Which::Sonarr => (series, movie),
    };
    match foreign {
        None => Ok(own),
        Some(_) => Err(ToolError::TellModel(format!("{} takes {}", A::WHICH.name(), A::WHICH.id_argument()))),
    }
}

/// The same where one is needed.
pub(crate) fn needed_id<A: Application>(movie: Option<u64>, series: Option<u64>) -> Result<u64, ToolError> {
    own_id::<A>(movie, series)?.ok_or_else(|| ToolError::TellModel(format!("{} is needed", A::WHICH.id_argument())))
}

/// An argument only Sonarr's tools have.
pub(crate) fn sonarr_only<A: Application, T>(name: &str, given: Option<T>) -> Result<Option<T>, ToolError> {
    match (A::WHICH, &given) {
        (Which::Radarr, Some(_)) => Err(ToolError::TellModel(format!("Radarr knows no {name}"))),
        _ => Ok(given),
    }
}

/// `1 film`, `3 films`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    match (count, one) {
        (1, _) | (_, "series") => format!("{count} {one}"),
        _ => format!("{count} {one}s"),
    }
}

/// A day such as `2026-11-21`; of an instant, its date.
pub(crate) fn day(text: &str) -> Result<Date, ToolError> {
    let text = text.trim();
    let date = text.get(..10).unwrap_or(text);
    date.parse().map_err(|_| {
        ToolError::TellModel(format!("“{}” is not a day such as 2026-11-21", text::shorten(&text::clean(text), 30)))
    })
}

/// An instant, or the beginning of a day.
pub(crate) fn instant(text: &str) -> Result<Timestamp, ToolError> {
    match text.trim().parse() {
        Ok(instant) => Ok(instant),
        Err(_) => {
            let start = day(text)?.to_zoned(TimeZone::UTC);
            start.map(|start| start.timestamp()).map_err(|error| ToolError::TellModel(error.to_string()))
        }
    }
}

/// Where the person of a call is.
pub(crate) fn zone(call: &Call) -> TimeZone {
    call.person.zone.as_deref().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC)
}

/// The call that takes a change back, on the same instance.
pub(crate) fn undo(tool: &str, client: &Client, mut arguments: Value, title: impl Into<String>) -> UndoCall {
    arguments["instance"] = client.name().into();
    UndoCall { tool: tool.to_owned(), arguments, title: title.into() }
}

/// Fills the application's words into a shared tool's schema and takes out the arguments it does not have.
pub(crate) fn speak<A: Application>(schema: &mut Schema) {
    fn fill(value: &mut Value, which: Which) {
        match value {
            Value::String(text) if text.contains('{') => {
                *text = text
                    .replace("{App}", which.name())
                    .replace("{app}", which.key())
                    .replace("{things}", which.things())
                    .replace("{thing}", which.thing());
            }
            Value::Object(object) => object.values_mut().for_each(|value| fill(value, which)),
            Value::Array(items) => items.iter_mut().for_each(|value| fill(value, which)),
            _ => {}
        }
    }
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.retain(|name, _| !A::WHICH.foreign().contains(&name.as_str()));
    }
    object.values_mut().for_each(|value| fill(value, A::WHICH));
}

/// The configured instances of one application. Cheap to clone; clones share everything.
pub struct Instances<A> {
    clients: BTreeMap<String, Client>,
    /// Judges their downloads.
    doctor: Doctor,
    application: PhantomData<fn() -> A>,
}

impl<A> Clone for Instances<A> {
    fn clone(&self) -> Self {
        Self { clients: self.clients.clone(), doctor: self.doctor.clone(), application: PhantomData }
    }
}

impl<A: Application> Instances<A> {
    pub fn new(settings: impl IntoIterator<Item = (String, Settings)>, upstream: &Upstream) -> Self {
        let client =
            |(name, settings): (String, Settings)| (name.clone(), Client::new(A::WHICH, name, settings, upstream));
        let clients = settings.into_iter().map(client).collect();
        Self { clients, doctor: Doctor::default(), application: PhantomData }
    }

    /// The same with the household's own judgement of downloads.
    pub fn judged_by(self, doctor: Doctor) -> Self {
        Self { doctor, ..self }
    }

    pub fn doctor(&self) -> &Doctor {
        &self.doctor
    }

    /// The instance of that name; without a name the one called `default`, else the only one.
    pub fn get(&self, name: Option<&str>) -> Result<&Client, ToolError> {
        let names = || self.names().collect::<Vec<_>>().join(", ");
        let application = A::WHICH.name();
        match name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => self.clients.get(name).ok_or_else(|| {
                let name = text::shorten(&text::clean(name), 40);
                ToolError::TellModel(format!("there is no {application} instance “{name}”; there are: {}", names()))
            }),
            None => match self.clients.get("default") {
                Some(client) => Ok(client),
                None if self.clients.len() == 1 => Ok(self.clients.values().next().expect("there is one")),
                None => Err(ToolError::TellModel(format!(
                    "say which {application} instance is meant; there are: {}",
                    names()
                ))),
            },
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.clients.keys().map(String::as_str)
    }

    pub fn all(&self) -> impl Iterator<Item = &Client> {
        self.clients.values()
    }

    /// The poster named on a card, `INSTANCE/ID`.
    pub async fn poster(&self, name: &str) -> Result<Picture, ToolError> {
        let known =
            name.split_once('/').and_then(|(instance, id)| Some((self.clients.get(instance)?, id.parse().ok()?)));
        match known {
            Some((client, id)) => client.poster(id).await,
            None => Err(ToolError::TellModel("there is no picture of that name".into())),
        }
    }

    /// What the toolkit's probe says: the version of each instance.
    pub async fn status(&self) -> Result<String, ToolError> {
        let asked = futures_util::future::join_all(self.clients.values().map(Client::version)).await;
        let mut lines = Vec::new();
        for (name, version) in self.names().zip(asked) {
            let version = version?;
            lines.push(if self.clients.len() == 1 { version } else { format!("{name}: {version}") });
        }
        Ok(lines.join(", "))
    }
}

/// The tools that both applications have.
pub fn shared_tools<A: Application>(builder: ToolkitBuilder<Instances<A>>) -> ToolkitBuilder<Instances<A>> {
    builder
        .tool::<system::Status<A>>()
        .tool::<system::Health<A>>()
        .tool::<system::DiskSpace<A>>()
        .tool::<system::RootFolders<A>>()
        .tool::<system::QualityProfiles<A>>()
        .tool::<system::Tags<A>>()
        .tool::<system::TagCreate<A>>()
        .tool::<system::Parse<A>>()
        .tool::<system::Notifications<A>>()
        .tool::<system::Indexers<A>>()
        .tool::<system::DownloadClients<A>>()
        .tool::<queue::Queue<A>>()
        .tool::<queue::QueueDetails<A>>()
        .tool::<queue::QueueStatus<A>>()
        .tool::<queue::QueueRemove<A>>()
        .tool::<queue::QueueGrab<A>>()
        .tool::<history::History<A>>()
        .tool::<history::HistorySince<A>>()
        .tool::<history::MarkFailed<A>>()
        .tool::<history::Blocklist<A>>()
        .tool::<history::BlocklistRemove<A>>()
        .tool::<history::ClearBlacklist<A>>()
        .tool::<wanted::Missing<A>>()
        .tool::<wanted::Cutoff<A>>()
        .tool::<wanted::Calendar<A>>()
        .tool::<wanted::ActivityOverview<A>>()
        .tool::<releases::Releases<A>>()
        .tool::<releases::Grab<A>>()
        .tool::<imports::ManualImportPreview<A>>()
        .tool::<imports::ManualImport<A>>()
        .tool::<exclusions::Exclusions<A>>()
        .tool::<exclusions::ExclusionAdd<A>>()
        .tool::<exclusions::ExclusionRemove<A>>()
        .tool::<commands::CommandState<A>>()
        .tool::<commands::CommandCancel<A>>()
        .tool::<commands::Refresh<A>>()
        .tool::<commands::Rescan<A>>()
        .tool::<commands::RefreshDownloads<A>>()
        .tool::<commands::RenamePreview<A>>()
        .tool::<commands::Rename<A>>()
        .tool::<commands::SearchMissing<A>>()
        .tool::<commands::SearchCutoff<A>>()
}
