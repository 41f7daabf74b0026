//! The household's judgement of its downloads: its own quiet times, what was tried before, and since when nothing has come.
//!
//! Knows: what was done about releases, and how much of each download was left when somebody looked, in two documents of the
//! household's, bounded and aged. Never: asks a service, or mends (`media/mend.rs` does). The judgement itself is `stuck.rs`.

use super::{
    Client,
    stuck::{self, Class, Download, Fix, Grace, Tried, Verdict},
};
use crate::kept::Kept;
use jiff::Timestamp;
use majordomo_domain::{ToolError, text::shorten};
use majordomo_store::Store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whose documents these are.
const TOOLKIT: &str = "media";
const TRIED: &str = "stuck downloads";
const WATCHED: &str = "watched downloads";
/// Fixes that are remembered; the oldest goes first.
const MOST_REMEMBERED: usize = 500;
/// Downloads that are watched; more are told by what the client says alone.
const MOST_WATCHED: usize = 500;
/// What moves is written down again after so long. Milliseconds.
const WRITTEN_DOWN_MS: i64 = 10 * 60_000;

/// Cheap to clone.
#[derive(Clone)]
pub struct Doctor {
    grace: Grace,
    /// How long a fix is remembered. Milliseconds.
    remember_ms: i64,
    /// None where tools are only listed: then nothing is remembered.
    store: Option<Store>,
}

impl Default for Doctor {
    fn default() -> Self {
        Self::new(Grace::default(), 180, None)
    }
}

/// What was done about releases, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    done: Vec<Done>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Done {
    #[serde(flatten)]
    tried: Tried,
    at_ms: i64,
    /// What came of it, in words; None while it is being done, or when that was cut off.
    outcome: Option<String>,
}

/// How much of each download was left, by instance and the client's name for it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Watch(BTreeMap<String, Seen>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Seen {
    /// Bytes.
    left: u64,
    /// Since when it is that much, as far as anybody looked.
    since_ms: i64,
    /// It was seen to move before, so nothing is older than that.
    has_moved: bool,
}

/// The downloads of one moment, with what is remembered.
pub struct Visit {
    now: Timestamp,
    grace: Grace,
    pub tried: Vec<Tried>,
    /// Those of which nothing has come since somebody looked before, by the client's name.
    still: BTreeMap<String, Seen>,
}

impl Doctor {
    pub fn new(grace: Grace, remember_days: u32, store: Option<Store>) -> Self {
        Self { grace, remember_ms: i64::from(remember_days) * 86_400_000, store }
    }

    fn kept(&self) -> Kept {
        Kept::new(TOOLKIT, self.store.clone())
    }

    /// Look at the whole queue of an instance, or of some films or series of it when it is not whole.
    pub async fn visit(
        &self,
        client: &Client,
        downloads: &[Download],
        is_whole: bool,
        now_ms: i64,
    ) -> Result<Visit, ToolError> {
        let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        if self.store.is_none() {
            return Ok(Visit { now, grace: self.grace, tried: Vec::new(), still: BTreeMap::new() });
        }
        let (memory, _) = self.kept().read_of::<Memory>(TRIED).await?;
        let tried = memory.done.into_iter().filter(|done| done.at_ms >= now_ms - self.remember_ms);
        let tried = tried.map(|done| done.tried).collect();
        let still = self.watch(client, downloads, is_whole, now_ms).await?;
        Ok(Visit { now, grace: self.grace, tried, still })
    }

    /// Write down how much is left of what should be moving, and tell since when it is that much.
    async fn watch(
        &self,
        client: &Client,
        downloads: &[Download],
        is_whole: bool,
        now_ms: i64,
    ) -> Result<BTreeMap<String, Seen>, ToolError> {
        let place = format!("{} {} ", client.which().key(), client.name());
        let moving: Vec<(&str, u64)> = downloads
            .iter()
            .filter(|download| matches!(download.status.as_str(), "downloading" | "warning"))
            .filter_map(|download| Some((download.id.as_deref()?, download.left.filter(|left| *left > 0)?)))
            .collect();
        let change = |watch: &mut Watch| {
            let mut is_changed = false;
            if is_whole {
                let before = watch.0.len();
                watch.0.retain(|key, _| {
                    key.strip_prefix(&place).is_none_or(|id| moving.iter().any(|(moving, _)| *moving == id))
                });
                is_changed = watch.0.len() < before;
            }
            let mut still = BTreeMap::new();
            for (id, left) in &moving {
                let key = format!("{place}{}", shorten(id, 100));
                let is_full = watch.0.len() >= MOST_WATCHED;
                match watch.0.get_mut(&key) {
                    Some(seen) if seen.left == *left => {
                        still.insert((*id).to_owned(), seen.clone());
                    }
                    Some(seen) if now_ms - seen.since_ms >= WRITTEN_DOWN_MS => {
                        *seen = Seen { left: *left, since_ms: now_ms, has_moved: true };
                        is_changed = true;
                    }
                    None if !is_full => {
                        watch.0.insert(key, Seen { left: *left, since_ms: now_ms, has_moved: false });
                        is_changed = true;
                    }
                    Some(_) | None => {}
                }
            }
            Ok((still, is_changed))
        };
        self.kept().change_of(WATCHED, now_ms, change).await
    }

    /// Writes down a fix, or what came of it.
    pub async fn note(&self, tried: &Tried, outcome: Option<&str>, now_ms: i64) -> Result<(), ToolError> {
        let oldest = now_ms - self.remember_ms;
        let change = |memory: &mut Memory| {
            memory.done.retain(|done| done.at_ms >= oldest && done.tried != *tried);
            memory.done.push(Done {
                tried: tried.clone(),
                at_ms: now_ms,
                outcome: outcome.map(|text| shorten(text, 200)),
            });
            let too_many = memory.done.len().saturating_sub(MOST_REMEMBERED);
            memory.done.drain(..too_many);
            Ok(((), true))
        };
        self.kept().change_of(TRIED, now_ms, change).await
    }
}

impl Visit {
    /// What is the matter with one of the downloads, and the one thing to do.
    pub fn judge(&self, download: &Download) -> Verdict {
        let still = download.id.as_ref().and_then(|id| self.still.get(id));
        // Where the client itself says that it stands still, it may have done so for longer than anybody looked.
        let still = still.filter(|seen| seen.has_moved || !download.is_said_to_stall());
        let still_since = still.and_then(|seen| Timestamp::from_millisecond(seen.since_ms).ok());
        let verdict = stuck::diagnose(download, self.now, &self.grace, still_since, &self.tried);
        // A message may go away by itself while the application still works on the files.
        let is_import = !matches!(verdict.class, Class::Stalled | Class::Failed) && is_doing(verdict.fix);
        let is_fresh =
            download.expected.or(download.added).is_some_and(|at| self.now.duration_since(at) < self.grace.importing);
        match is_import && is_fresh {
            true => Verdict {
                fix: Fix::Wait,
                consequence: format!("it is left alone for {} minutes first", self.grace.importing.as_mins()),
                ..verdict
            },
            false => verdict,
        }
    }
}

/// Whether a fix is something that is done, not only said.
pub fn is_doing(fix: Fix) -> bool {
    match fix {
        Fix::RemoveAndBlock | Fix::RemoveQuietly | Fix::ImportByHand | Fix::ImportPart | Fix::ChooseAnother => true,
        Fix::Nothing | Fix::Wait | Fix::TellAdmin => false,
    }
}

/// Whether there is anything to say of it: those that get on, and those that somebody holds, are not stuck.
pub fn is_stuck(class: Class) -> bool {
    !matches!(
        class,
        Class::Waiting | Class::Downloading | Class::Importing | Class::Held | Class::Ignored | Class::Paused
    )
}
