//! Why a download does not get on, and the one thing to do about it. A pure function over rows of the queue.
//!
//! Knows: the states and messages of both applications. Never: asks or changes anything; what was tried before is passed in, and
//! whoever acts remembers it. Source: "Queue states and what to do".

use super::{Which, view};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All rows of one download: a season pack is one row for each episode, each with the pack's full size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Download {
    /// The download client's name for it; for torrents the info hash. None while a release is held back.
    pub id: Option<String>,
    /// Numbers of its rows in the queue. Removing one removes the download.
    pub rows: Vec<u64>,
    /// Of the release. A stranger's text, cleaned.
    pub title: String,
    /// What it is for, such as `Metropolis (1927)`; empty when the application does not know either.
    pub about: Vec<String>,
    /// Films or series it is for, by the application's numbers.
    pub things: Vec<u64>,
    /// Of the download client: `queued`, `paused`, `downloading`, `completed`, `failed`, `warning`, `delay`, …
    pub status: String,
    /// Of the application: `downloading`, `importPending`, `importBlocked`, …; empty when it does not follow it yet.
    pub state: String,
    /// `ok`, `warning` or `error`.
    pub health: String,
    /// What the application says about it, each once.
    pub messages: Vec<String>,
    /// Bytes in all and still to come.
    pub size: Option<u64>,
    pub left: Option<u64>,
    pub time_left: Option<String>,
    pub added: Option<Timestamp>,
    /// When it is expected to be there, or to be let go when it is held back.
    pub expected: Option<Timestamp>,
    pub quality: Option<String>,
    pub protocol: Option<String>,
    pub indexer: Option<String>,
    pub client: Option<String>,
}

/// How long what may pass by itself is left alone.
#[derive(Clone, Copy, Debug)]
pub struct Grace {
    /// Without a byte more; default 6 hours.
    pub stalled: SignedDuration,
    /// For an unpacker; default 30 minutes.
    pub unpacking: SignedDuration,
    /// Between the end of a download and its import; default 30 minutes.
    pub importing: SignedDuration,
    /// For the application's own handling of failures; default 1 hour.
    pub failed: SignedDuration,
}

impl Default for Grace {
    fn default() -> Self {
        Self {
            stalled: SignedDuration::from_hours(6),
            unpacking: SignedDuration::from_mins(30),
            importing: SignedDuration::from_mins(30),
            failed: SignedDuration::from_hours(1),
        }
    }
}

/// What state a download is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Waiting,
    Paused,
    Downloading,
    Stalled,
    /// Held back by a delay profile.
    Held,
    ClientUnavailable,
    Failed,
    Importing,
    Ignored,
    /// The existing file is as good.
    NotAnUpgrade,
    /// Its name does not say what it is.
    Unidentified,
    Sample,
    Packed,
    IncompletePack,
    /// Season or episode numbers differ.
    Numbering,
    Damaged,
    /// Folders, rights or space of the household's own machine.
    Configuration,
    /// Waits for a person, for a reason that is not known here.
    Blocked,
}

/// The one thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    /// All is well.
    Nothing,
    /// It gets on by itself.
    Wait,
    /// Remove it, never take this release again, look for another.
    RemoveAndBlock,
    /// Remove it and look for nothing.
    RemoveQuietly,
    /// Look at the preview, then import by hand.
    ImportByHand,
    /// Import what is there, search the missing episodes one by one.
    ImportPart,
    /// This release keeps coming back: choose another one by hand, or another quality.
    ChooseAnother,
    /// Only the one who runs the machine can mend it.
    TellAdmin,
}

/// What is the matter, in plain words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    pub class: Class,
    pub cause: String,
    pub fix: Fix,
    /// What the fix means, or why there is none.
    pub consequence: String,
}

/// A fix that was tried on a release. Whoever acts keeps these and passes them in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Lower case, letters and digits only.
    pub title: String,
    /// Bytes.
    pub size: Option<u64>,
    /// 40 hex digits, in lower case.
    pub info_hash: Option<String>,
    pub fix: Fix,
}

impl Tried {
    pub fn of(download: &Download, fix: Fix) -> Self {
        Self {
            title: normalised(&download.title),
            size: download.size,
            info_hash: info_hash(download.id.as_deref()),
            fix,
        }
    }

    /// Whether it was this same content, whoever lists it and however it is punctuated.
    pub fn is_about(&self, download: &Download) -> bool {
        let hash = info_hash(download.id.as_deref());
        if self.info_hash.is_some() && self.info_hash == hash {
            return true;
        }
        // Indexers round sizes, so one in a hundred is the same.
        let is_as_large = match (self.size, download.size) {
            (Some(before), Some(now)) => before.abs_diff(now) <= before / 100,
            (None, _) | (_, None) => true,
        };
        !self.title.is_empty() && self.title == normalised(&download.title) && is_as_large
    }
}

/// A release's name as the same name from another indexer would be written.
pub fn normalised(title: &str) -> String {
    title.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn info_hash(id: Option<&str>) -> Option<String> {
    let id = id.filter(|id| id.len() == 40 && id.chars().all(|c| c.is_ascii_hexdigit()))?;
    Some(id.to_ascii_lowercase())
}

/// Rows of a queue as downloads, in the order of their first rows.
pub fn downloads(which: Which, rows: &[Value]) -> Vec<Download> {
    let mut all: Vec<Download> = Vec::new();
    for row in rows {
        let id = row["downloadId"].as_str().filter(|id| !id.is_empty());
        let place = match id {
            Some(id) => all.iter().position(|download| download.id.as_deref() == Some(id)),
            None => None,
        };
        let download = match place {
            Some(place) => &mut all[place],
            None => {
                all.push(first_row(row, id));
                all.last_mut().expect("one was pushed")
            }
        };
        download.rows.extend(row["id"].as_u64());
        push_once(&mut download.things, row[which.id_field()].as_u64().filter(|id| *id > 0));
        push_once(&mut download.about, view::about(which, row));
        for said in messages(row) {
            push_once(&mut download.messages, Some(said));
        }
        // A pack is as far as its least row: one blocked import blocks the download.
        if row["trackedDownloadState"] == "importBlocked" {
            download.state = "importBlocked".into();
        }
    }
    all
}

fn first_row(row: &Value, id: Option<&str>) -> Download {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let instant = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
    Download {
        id: id.map(str::to_owned),
        title: view::text_or(&row["title"], view::LONGEST_NAME, "a download without a name"),
        status: word(&row["status"]),
        state: word(&row["trackedDownloadState"]),
        health: word(&row["trackedDownloadStatus"]),
        size: view::bytes(&row["size"]),
        left: view::bytes(&row["sizeleft"]),
        time_left: view::time_left(&row["timeleft"]),
        added: instant(&row["added"]),
        expected: instant(&row["estimatedCompletionTime"]),
        quality: view::quality(&row["quality"]),
        protocol: view::text(&row["protocol"], 20),
        indexer: view::text(&row["indexer"], 60),
        client: view::text(&row["downloadClient"], 60),
        ..Download::default()
    }
}

fn messages(row: &Value) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for status in row["statusMessages"].as_array().into_iter().flatten().take(50) {
        let said = status["messages"].as_array().into_iter().flatten().filter_map(|said| view::text(said, 300));
        let before = all.len();
        all.extend(said);
        // A message without a list stands in its title.
        if all.len() == before {
            all.extend(view::text(&status["title"], 300));
        }
    }
    all.extend(view::text(&row["errorMessage"], 300));
    all
}

fn push_once<T: PartialEq>(list: &mut Vec<T>, value: Option<T>) {
    if let Some(value) = value.filter(|value| !list.contains(value)) {
        list.push(value);
    }
}

impl Download {
    /// How much is there, in percent.
    pub fn percent(&self) -> Option<u64> {
        let (size, left) = (self.size.filter(|size| *size > 0)?, self.left?);
        Some(size.saturating_sub(left).saturating_mul(100) / size)
    }

    /// For people: what it is for, else the release's name.
    pub fn name(&self) -> String {
        match self.about.as_slice() {
            [] => self.title.clone(),
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        }
    }

    /// Whether the download client says that nothing comes.
    pub fn is_said_to_stall(&self) -> bool {
        self.says(&["stalled"])
    }

    fn says(&self, parts: &[&str]) -> bool {
        self.messages.iter().any(|said| {
            let said = said.to_lowercase();
            parts.iter().any(|part| said.contains(part))
        })
    }
}

/// What is the matter with a download at `now`. `still_since`: since when not a byte has come, for whoever has watched it; without
/// it a stalled download counts from when it was added. `tried`: what was done about releases before.
pub fn diagnose(
    download: &Download,
    now: Timestamp,
    grace: &Grace,
    still_since: Option<Timestamp>,
    tried: &[Tried],
) -> Verdict {
    let verdict = first_thought(download, now, grace, still_since);
    another_if_tried(verdict, download, tried)
}

fn verdict(class: Class, fix: Fix, cause: impl Into<String>, consequence: &str) -> Verdict {
    Verdict { class, cause: cause.into(), fix, consequence: consequence.into() }
}

const ANOTHER_SEARCH: &str = "the release is removed from the download client with its data and is not taken again; \
                              a search for another one follows";

fn first_thought(download: &Download, now: Timestamp, grace: &Grace, still_since: Option<Timestamp>) -> Verdict {
    use Class::*;
    let since = |start: Option<Timestamp>| start.map(|start| now.duration_since(start));
    let is_over = |start: Option<Timestamp>, grace| since(start).is_some_and(|passed| passed > grace);
    let hours = |start| since(start).map_or_else(|| "some time".to_owned(), said);
    match (download.status.as_str(), download.state.as_str()) {
        (_, "ignored") => {
            return verdict(Ignored, Fix::Nothing, "somebody told it to ignore this download", "nothing happens");
        }
        // Nothing may be removed while the client is out of reach: the rest of the row is old.
        ("downloadClientUnavailable", _) => {
            let cause = "the download client cannot be reached";
            return verdict(ClientUnavailable, Fix::TellAdmin, cause, "nothing should be removed; the client must run");
        }
        ("delay", _) => {
            let cause = match download.expected {
                Some(until) => format!("held back by a delay profile until {}", until.strftime("%Y-%m-%d %H:%M UTC")),
                None => "held back by a delay profile".to_owned(),
            };
            return verdict(Held, Fix::Wait, cause, "it is taken by itself then; it can also be grabbed now");
        }
        ("failed", _) | (_, "failedPending" | "failed") => {
            let cause = match download.messages.first() {
                Some(said) => format!("the download client reported a failure: {said}"),
                None => "the download client reported a failure".to_owned(),
            };
            if is_over(download.added, grace.failed) {
                return verdict(Failed, Fix::RemoveAndBlock, cause, ANOTHER_SEARCH);
            }
            return verdict(
                Failed,
                Fix::Wait,
                cause,
                "it is removed and searched again by itself when that is switched on",
            );
        }
        (_, "importing" | "imported") => {
            return verdict(Importing, Fix::Nothing, "it is being imported", "it is there in a moment");
        }
        _ => {}
    }
    let is_done =
        download.status == "completed" || matches!(download.state.as_str(), "importPending" | "importBlocked");
    if is_done {
        return import(download, now, grace);
    }
    // Still downloading. A row of warnings may mean the machine itself.
    if let Some(verdict) = configuration(download) {
        return verdict;
    }
    if download.is_said_to_stall() || still_since.is_some_and(|start| now.duration_since(start) > grace.stalled) {
        let start = still_since.or(download.added);
        let cause = format!("no data has come for {}: nobody seems to share it", hours(start));
        if is_over(start, grace.stalled) {
            return verdict(Stalled, Fix::RemoveAndBlock, cause, ANOTHER_SEARCH);
        }
        return verdict(
            Stalled,
            Fix::Wait,
            cause,
            "somebody may still share it; after some hours it should be replaced",
        );
    }
    match download.status.as_str() {
        "paused" => {
            verdict(Paused, Fix::Nothing, "paused in the download client", "it goes on when somebody resumes it there")
        }
        "queued" => verdict(Waiting, Fix::Nothing, "waiting in the download client", "it begins by itself"),
        _ => verdict(Downloading, Fix::Nothing, "downloading", "it is imported when it is there"),
    }
}

fn configuration(download: &Download) -> Option<Verdict> {
    let texts =
        ["path does not exist", "remote path mapping", "permission", "disk space", "free space", "access to the path"];
    download.says(&texts).then(|| {
        let said = download.messages.iter().find(|said| texts.iter().any(|text| said.to_lowercase().contains(text)));
        let cause = format!("the machine's own settings are in the way: {}", said.map_or("", String::as_str));
        verdict(Class::Configuration, Fix::TellAdmin, cause, "removing the download will not help")
    })
}

/// A finished download that is not imported. Where several messages fit, what the machine lacks comes first, then what saves the
/// most of the download.
fn import(download: &Download, now: Timestamp, grace: &Grace) -> Verdict {
    use Class::*;
    if let Some(verdict) = configuration(download) {
        return verdict;
    }
    if download.says(&["expected in this release were not imported"]) {
        let cause = "the pack is incomplete: not every episode it promised is in it";
        return verdict(
            IncompletePack,
            Fix::ImportPart,
            cause,
            "what is there is imported; the rest is searched one by one",
        );
    }
    if download.says(&["was unexpected", "unverified scene"]) {
        let cause = "its season or episode numbers differ from the expected ones";
        return verdict(Numbering, Fix::ImportByHand, cause, "the files are imported as the episodes somebody chooses");
    }
    if download.says(&["matched to series by id", "matched to movie by id", "title mismatch", "manual import required"])
    {
        let cause = "its name does not say for certain what it is";
        return verdict(Unidentified, Fix::ImportByHand, cause, "the files are imported after a look at what they are");
    }
    if download.says(&["not an upgrade", "not a custom format upgrade", "not a quality revision upgrade"]) {
        let cause = "the file that is there is as good";
        return verdict(
            NotAnUpgrade,
            Fix::RemoveQuietly,
            cause,
            "the download is removed; the file that is there stays",
        );
    }
    // Before "sample": these messages hold that word.
    if download.says(&["unable to determine if file is a sample", "invalid"]) {
        return verdict(Damaged, Fix::RemoveAndBlock, "the file is damaged", ANOTHER_SEARCH);
    }
    if download.says(&["sample"]) {
        return verdict(Sample, Fix::RemoveAndBlock, "it holds a sample only", ANOTHER_SEARCH);
    }
    let passed = download.expected.or(download.added).map(|start| now.duration_since(start));
    if download.says(&["no files found are eligible", "archive", "unpack"]) {
        let cause = "it is a packed archive, and nothing has unpacked it";
        if passed.is_some_and(|passed| passed > grace.unpacking) {
            return verdict(Packed, Fix::RemoveAndBlock, cause, ANOTHER_SEARCH);
        }
        return verdict(Packed, Fix::Wait, cause, "an unpacker may still be at work");
    }
    if download.state == "importBlocked" {
        let cause = match download.messages.first() {
            Some(said) => format!("the import waits for a person: {said}"),
            None => "the import waits for a person".to_owned(),
        };
        return verdict(Blocked, Fix::ImportByHand, cause, "the files are imported after a look at what they are");
    }
    if passed.is_some_and(|passed| passed > grace.importing) {
        let cause = match download.messages.first() {
            Some(said) => format!("it is complete and was not imported: {said}"),
            None => "it is complete and was not imported, without a reason given".to_owned(),
        };
        return verdict(Blocked, Fix::TellAdmin, cause, "the application's log says why");
    }
    verdict(Importing, Fix::Wait, "complete; the import follows within minutes", "it is there soon")
}

/// The same fix is never proposed twice for the same content.
fn another_if_tried(verdict: Verdict, download: &Download, tried: &[Tried]) -> Verdict {
    let was_tried = |fix: Fix| tried.iter().any(|tried| tried.fix == fix && tried.is_about(download));
    let mut fix = verdict.fix;
    while was_tried(fix) {
        fix = match fix {
            Fix::ImportByHand | Fix::ImportPart => Fix::RemoveAndBlock,
            Fix::RemoveAndBlock | Fix::RemoveQuietly => Fix::ChooseAnother,
            Fix::ChooseAnother => Fix::TellAdmin,
            Fix::Nothing | Fix::Wait | Fix::TellAdmin => break,
        };
    }
    if fix == verdict.fix {
        return verdict;
    }
    let (what, consequence) = match fix {
        Fix::RemoveAndBlock => ("importing it was tried before and did not help", ANOTHER_SEARCH),
        Fix::ChooseAnother => (
            "this same release was removed before and came back",
            "another release is chosen by hand, or another quality; this one is not taken again",
        ),
        _ => ("what could be done was tried before", "somebody has to look at it"),
    };
    Verdict { cause: format!("{}; {what}", verdict.cause), fix, consequence: consequence.into(), class: verdict.class }
}

fn said(duration: SignedDuration) -> String {
    match (duration.as_hours(), duration.as_mins()) {
        (0, ..=1) => "a moment".into(),
        (0, minutes) => format!("{minutes} minutes"),
        (1, _) => "an hour".into(),
        (hours @ 2..=48, _) => format!("{hours} hours"),
        (hours, _) => format!("{} days", hours / 24),
    }
}
