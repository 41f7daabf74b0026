//! Plex: what the household can watch right now, what it watched, its lists, and the watchlist behind plex.tv.
//! `https://developer.plex.tv/pms/`
//!
//! Knows: the server's paths and the undescribed ones beside them, the hosts behind plex.tv, which answer means what, an index of the
//! whole library in a few megabytes. Several servers have names.
//! Never: plays anything, asks a host that is not in the settings, tells a token.
//! Start reading at [`toolkit`]; then `client.rs` (asking), `tell.rs` (telling), `index.rs` (what is there, by anybody's id), one file
//! for each topic of tools.

pub(crate) mod arguments;
pub mod client;
pub mod hook;
pub mod index;
mod items;
mod library;
mod lists;
pub(crate) mod playback;
mod search;
pub(crate) mod tell;
#[cfg(test)]
mod tests;
mod watchlist;

pub use arguments::Shelf;
pub use client::Plex;
pub use index::{Have, Library, Outside};
pub(crate) use playback::{regard, seasons_of};

use crate::{LONGEST_AGE_S, Problems, address};
use majordomo_domain::{Label, Secret, Toolkit, tool::Limits};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use url::Url;

/// `[tools.plex.NAME]`, one table for each server.
pub type Config = BTreeMap<String, Server>;

/// One server and the account its token belongs to.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Such as `http://nas:32400`. Without it the server is off.
    pub base_url: Option<Url>,
    /// The `X-Plex-Token` of the server's owner.
    pub token: Secret,
    /// Where the watchlist is, default `https://discover.provider.plex.tv`.
    pub discover_url: Url,
    /// Where titles are matched, default `https://metadata.provider.plex.tv`.
    pub metadata_url: Url,
    /// Where the account is, default `https://plex.tv`.
    pub plex_tv_url: Url,
    /// Where the account's servers are listed, default `https://clients.plex.tv`.
    pub clients_url: Url,
    /// What the server's list of devices calls us, default `Majordomo`.
    pub product: String,
    /// A stable name of this installation; made once and kept when absent.
    pub client_identifier: Option<String>,
    /// Wall time of one call, retries included. Milliseconds, 100 to 600 000, default 15 000.
    pub timeout_ms: u64,
    /// Wait for one answer. Milliseconds, 100 to 600 000, default 10 000.
    pub request_timeout_ms: u64,
    /// Wait for one answer while the whole library is read. Milliseconds, 100 to 600 000, default 60 000.
    pub sync_timeout_ms: u64,
    /// Requests at the same time, 1 to 100, default 4: it is a home machine.
    pub at_once: usize,
    /// Age up to which lists and items are reused. Seconds up to a week, default 60.
    pub age_s: u64,
    /// Age up to which sections, genres, people and the like are reused. Seconds up to a week, default 600.
    pub reference_age_s: u64,
    /// Age up to which the watchlist is not even asked whether it changed. Seconds up to a week, default 180.
    pub watchlist_age_s: u64,
    /// Age after which the index looks for what is new. Seconds up to a week, default 300.
    pub index_age_s: u64,
    /// Age after which the index is read anew as a whole. Seconds up to a week, default 21 600.
    pub index_whole_age_s: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            base_url: None,
            token: Secret::default(),
            discover_url: address("https://discover.provider.plex.tv"),
            metadata_url: address("https://metadata.provider.plex.tv"),
            plex_tv_url: address("https://plex.tv"),
            clients_url: address("https://clients.plex.tv"),
            product: "Majordomo".into(),
            client_identifier: None,
            timeout_ms: 15_000,
            request_timeout_ms: 10_000,
            sync_timeout_ms: 60_000,
            at_once: 4,
            age_s: 60,
            reference_age_s: 600,
            watchlist_age_s: 180,
            index_age_s: 300,
            index_whole_age_s: 21_600,
        }
    }
}

/// Why the toolkit is off with these settings, in one sentence.
pub(crate) fn fault(config: &Config) -> Option<String> {
    let named = |server: &&Server| server.base_url.is_some() || !server.token.is_empty();
    if !config.values().any(|server| named(&server)) {
        return Some("no instance: set tools.plex.default.base_url and .token".into());
    }
    for (name, server) in config {
        if server.base_url.is_none() {
            return Some(format!("no address: set tools.plex.{name}.base_url"));
        }
        if server.token.is_empty() {
            return Some(format!("no token: set tools.plex.{name}.token"));
        }
    }
    problems(config).into_iter().next().map(|(key, text)| format!("tools.plex.{key}: {text}"))
}

/// Keys below `tools.plex` that do not fit, each with the reason.
pub(crate) fn problems(config: &Config) -> Vec<(String, String)> {
    let of = |(name, server): (&String, &Server)| {
        let found = server.problems();
        found.0.into_iter().map(|(key, text)| (format!("{name}.{key}"), text)).collect::<Vec<_>>()
    };
    config.iter().flat_map(of).collect()
}

impl Server {
    fn problems(&self) -> Problems {
        let mut problems = Problems::default();
        if let Some(base_url) = &self.base_url {
            problems.address("base_url", base_url);
        }
        let is_header = |text: &str| !text.trim().is_empty() && text.len() <= 100 && text.is_ascii();
        problems
            .address("discover_url", &self.discover_url)
            .address("metadata_url", &self.metadata_url)
            .address("plex_tv_url", &self.plex_tv_url)
            .address("clients_url", &self.clients_url)
            .unless("product", is_header(&self.product), || "it is not a name of 1 to 100 plain letters".into())
            .unless("client_identifier", self.client_identifier.as_deref().is_none_or(is_header), || {
                "it is not a name of 1 to 100 plain letters".into()
            })
            .range("timeout_ms", self.timeout_ms, 100, 600_000)
            .range("request_timeout_ms", self.request_timeout_ms, 100, 600_000)
            .range("sync_timeout_ms", self.sync_timeout_ms, 100, 600_000)
            .range("at_once", self.at_once as u64, 1, 100)
            .range("age_s", self.age_s, 0, LONGEST_AGE_S)
            .range("reference_age_s", self.reference_age_s, 0, LONGEST_AGE_S)
            .range("watchlist_age_s", self.watchlist_age_s, 0, LONGEST_AGE_S)
            .range("index_age_s", self.index_age_s, 0, LONGEST_AGE_S)
            .range("index_whole_age_s", self.index_whole_age_s, 0, LONGEST_AGE_S);
        problems
    }
}

pub fn toolkit(config: &Config, plex: Plex) -> Toolkit {
    let longest = config.values().map(|server| server.timeout_ms).max().unwrap_or(15_000);
    let at_once = config.values().map(|server| server.at_once).max().unwrap_or(4);
    Toolkit::new("plex", plex)
        .label(Label::OUTSIDE)
        .guide(include_str!("guide.md"))
        .limits(Limits { at_once, timeout: Duration::from_millis(longest) })
        .progress(&[
            "Walking along the shelves",
            "Asking Plex",
            "Rewinding the tape",
            "Dimming the lights",
            "Looking behind the other films",
            "Checking who sat on the remote",
            "Counting what nobody has watched yet",
            "Reading the backs of the boxes",
            "Finding where you left off",
        ])
        .tool::<search::Search>()
        .tool::<search::Quality>()
        .tool::<library::Overview>()
        .tool::<library::Sections>()
        .tool::<library::Items>()
        .tool::<library::Filters>()
        .tool::<library::FindByGuid>()
        .tool::<library::RecentlyAdded>()
        .tool::<library::OnDeck>()
        .tool::<library::ContinueWatching>()
        .tool::<library::Unwatched>()
        .tool::<items::Metadata>()
        .tool::<items::Children>()
        .tool::<items::AllEpisodes>()
        .tool::<items::Similar>()
        .tool::<items::Related>()
        .tool::<items::Extras>()
        .tool::<items::Rate>()
        .tool::<items::MarkWatched>()
        .tool::<items::MarkUnwatched>()
        .tool::<items::RemoveFromContinue>()
        .tool::<items::RefreshItem>()
        .tool::<items::DeleteItem>()
        .tool::<playback::Identity>()
        .tool::<playback::ServerInfo>()
        .tool::<playback::Sessions>()
        .tool::<playback::History>()
        .tool::<playback::Accounts>()
        .tool::<playback::Activities>()
        .tool::<playback::ScanSection>()
        .tool::<playback::StopSession>()
        .tool::<lists::Playlists>()
        .tool::<lists::PlaylistItems>()
        .tool::<lists::PlaylistCreate>()
        .tool::<lists::PlaylistAdd>()
        .tool::<lists::PlaylistRemove>()
        .tool::<lists::PlaylistMove>()
        .tool::<lists::PlaylistRename>()
        .tool::<lists::PlaylistDelete>()
        .tool::<lists::Collections>()
        .tool::<lists::CollectionItems>()
        .tool::<lists::CollectionCreate>()
        .tool::<lists::CollectionAdd>()
        .tool::<lists::CollectionRemove>()
        .tool::<lists::CollectionDelete>()
        .tool::<watchlist::Watchlist>()
        .tool::<watchlist::WatchlistAdd>()
        .tool::<watchlist::WatchlistRemove>()
        .tool::<watchlist::WatchlistState>()
        .tool::<watchlist::DiscoverSearch>()
        .tool::<watchlist::DiscoverMatch>()
        .tool::<watchlist::Account>()
        .tool::<watchlist::Servers>()
        .tool::<watchlist::Pin>()
        .probe(|plex| async move { plex.status().await })
        .pictures(|plex, name| async move { plex.picture(&name).await })
        .build()
}
