//! What is kept of the folder: one document of the store for the list of files, and some for each file's passages. The list is
//! written after the passages it names, so a stop in between leaves leftovers, which the next reading takes away, and nothing wrong.

use super::{
    Knowledge, blocking,
    folder::{self, Found, Listing},
    passages::{Passage, cut},
    ranking::Ranking,
    reading,
};
use crate::kept::unreachable;
use majordomo_domain::{ToolError, text::shorten};
use majordomo_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    ops::RangeInclusive,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

const TOOLKIT: &str = "knowledge";
/// The documents are everybody's of the household.
const OWNER: &str = "household";
const LIST: &str = "files";
/// Changes when the same file would be read or cut otherwise than before.
const EDITION: u32 = 1;
/// Bytes of one part of a file's passages; the store takes 1 MiB.
const PART_BYTES: usize = 700_000;
/// Passages of all files: about 30 MB of text, held in memory.
const MOST_PASSAGES: usize = 20_000;
/// Time one file may take.
const FILE_TIME: Duration = Duration::from_secs(20);
/// Files after which the list is saved, so that a stop costs no more than these.
const SAVE_EVERY: usize = 20;
/// Characters of a reason kept.
const LONGEST_REASON: usize = 100;

/// How closely the folder is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Files whose time or size changed.
    Changed,
    /// Every file is opened; those whose content changed are read.
    ByChecksum,
    /// Every file is read anew.
    Everything,
}

/// What is known of the folder's files, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct List {
    files: BTreeMap<String, Entry>,
    /// Folders of which nothing is known, with the reason.
    unknown: Vec<(String, String)>,
    /// Files over the number that is read.
    surplus: usize,
    /// When the folder was last read to its end. Milliseconds.
    read_at_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    /// SHA-256 of the content in hex; empty when it was not read.
    checksum: String,
    size: u64,
    modified_ms: i64,
    /// How it was read and cut.
    cut: String,
    parts: u32,
    passages: usize,
    /// Why it is not there, or not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Entry {
    fn of(file: &Found, cut: &str) -> Self {
        Self {
            checksum: String::new(),
            size: file.size,
            modified_ms: file.modified_ms,
            cut: cut.to_owned(),
            parts: 0,
            passages: 0,
            problem: file.refused.clone(),
        }
    }

    fn broken(self, reason: &str) -> Self {
        Self { problem: Some(shorten(reason, LONGEST_REASON)), ..self }
    }
}

/// What reading the folder again came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub added: usize,
    pub updated: usize,
    pub removed: usize,
    pub unchanged: usize,
    /// Documents that are not there, or not all of them, with the reason.
    pub problems: Vec<(String, String)>,
    /// Files over the number that is read.
    pub surplus: usize,
    /// Files there was no time for.
    pub left: usize,
}

impl Report {
    /// One sentence for people.
    pub fn sentence(&self) -> String {
        let Self { added, updated, removed, unchanged, .. } = self;
        let mut text = format!(
            "The knowledge base was read: {added} added, {updated} updated, {removed} removed, {unchanged} unchanged"
        );
        if !self.problems.is_empty() {
            let _ = write!(text, ", {} with a problem", self.problems.len());
        }
        text.push('.');
        if self.left > 0 {
            let _ = write!(text, " For {} there was no time; they come next time.", self.left);
        }
        text
    }

    /// What is missing, one line each.
    pub fn doubts(&self) -> Vec<String> {
        doubts(&self.problems, self.surplus)
    }
}

fn doubts(problems: &[(String, String)], surplus: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if !problems.is_empty() {
        let named: Vec<String> =
            problems.iter().take(super::MOST_NAMED).map(|(name, reason)| format!("{name} ({reason})")).collect();
        let more = match problems.len().saturating_sub(super::MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        lines.push(format!("Could not be read, or not all of it: {}{more}.", named.join("; ")));
    }
    if surplus > 0 {
        lines.push(format!("{surplus} further files are over tools.knowledge.max_files and were not read."));
    }
    lines
}

/// The knowledge base as it is, for the one who runs this.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub documents: Vec<Document>,
    pub passages: usize,
    pub problems: Vec<(String, String)>,
    /// Files over the number that is read.
    pub surplus: usize,
    /// None before the first time.
    pub read_at_ms: Option<i64>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Document {
    pub name: String,
    pub passages: usize,
}

impl Knowledge {
    fn store(&self) -> Result<&Store, ToolError> {
        self.store.as_ref().ok_or_else(|| ToolError::Bug("there is no store".into()))
    }

    fn folder(&self) -> Result<&Path, ToolError> {
        self.config.folder.as_deref().ok_or_else(|| ToolError::Bug("there is no folder".into()))
    }

    async fn listing(&self) -> Result<Listing, ToolError> {
        let (folder, most, bytes) = (self.folder()?.to_owned(), self.config.max_files, self.config.max_file_bytes);
        blocking(move || folder::list(&folder, most, bytes))
            .await?
            .map_err(|reason| ToolError::CouldNotAsk { service: "the folder of the knowledge base".into(), reason })
    }

    /// Whether the folder can be read, and how much is in it.
    pub(super) async fn look(&self) -> Result<String, ToolError> {
        let listing = self.listing().await?;
        Ok(match listing.files.len() + listing.surplus {
            1 => "1 document in the folder".into(),
            many => format!("{many} documents in the folder"),
        })
    }

    /// The list as kept, with its revision.
    async fn list(&self) -> Result<(List, i64), ToolError> {
        match self.store()?.document(TOOLKIT, OWNER, LIST).await.map_err(unreachable)? {
            None => Ok((List::default(), 0)),
            // A list of another edition of this program is made anew, as everything here can be.
            Some(document) => Ok((serde_json::from_str(&document.body).unwrap_or_default(), document.revision)),
        }
    }

    pub async fn status(&self) -> Result<Status, ToolError> {
        let (list, revision) = self.list().await?;
        Ok(Status {
            documents: list
                .files
                .iter()
                .filter(|(_, entry)| entry.passages > 0)
                .map(|(name, entry)| Document { name: name.clone(), passages: entry.passages })
                .collect(),
            passages: list.files.values().map(|entry| entry.passages).sum(),
            problems: list.problems(),
            surplus: list.surplus,
            read_at_ms: (revision > 0).then_some(list.read_at_ms),
        })
    }

    /// Bring the list and the passages up to date with the folder.
    pub(super) async fn read_folder(
        &self,
        how: How,
        limit: Option<Duration>,
        now_ms: i64,
    ) -> Result<Report, ToolError> {
        let started = Instant::now();
        let (mut list, mut revision) = self.list().await?;
        let before = list.clone();
        let listing = self.listing().await?;
        let cut = format!("{EDITION}/{}/{}", self.config.chunk_chars, self.config.overlap_chars);
        let mut report = Report::default();
        let mut unsaved = 0;
        for file in &listing.files {
            let old = list.files.get(&file.name);
            let new = Entry::of(file, &cut);
            let is_as_before = old.is_some_and(|old| {
                let is_settled = match &file.refused {
                    Some(reason) => old.problem.as_ref() == Some(reason),
                    // What could not be opened may be open now, at the same time and size.
                    None => !old.checksum.is_empty(),
                };
                is_settled && (old.size, old.modified_ms, &old.cut) == (new.size, new.modified_ms, &new.cut)
            });
            if how == How::Changed && is_as_before {
                report.unchanged += 1;
                continue;
            }
            if limit.is_some_and(|limit| started.elapsed() >= limit) {
                report.left += 1;
                continue;
            }
            let entry = match &file.refused {
                Some(_) => new,
                None => match self.opened(file).await? {
                    Err(reason) => new.broken(&reason),
                    Ok((bytes, checksum)) => {
                        let same = old.filter(|old| old.checksum == checksum && old.cut == cut);
                        match same.filter(|_| how != How::Everything) {
                            Some(same) => Entry { size: new.size, modified_ms: new.modified_ms, ..same.clone() },
                            None => {
                                let room = list.room_beside(&file.name);
                                self.taken_in(file, bytes, Entry { checksum, ..new }, room, now_ms).await?
                            }
                        }
                    }
                },
            };
            let is_same = old.is_some_and(|old| {
                (&old.checksum, &old.cut, &old.problem) == (&entry.checksum, &entry.cut, &entry.problem)
            });
            match old {
                Some(_) if is_same && how != How::Everything => report.unchanged += 1,
                Some(old) if old.passages > 0 || entry.passages > 0 => report.updated += 1,
                None if entry.passages > 0 => report.added += 1,
                // Only a reason more or less.
                _ => {}
            }
            if !is_same || how == How::Everything {
                unsaved += 1;
            }
            list.files.insert(file.name.clone(), entry);
            if unsaved >= SAVE_EVERY {
                revision = self.save(&list, revision, now_ms).await?;
                unsaved = 0;
            }
        }
        let names: BTreeSet<&str> = listing.files.iter().map(|file| file.name.as_str()).collect();
        list.files.retain(|name, entry| {
            // What is in a folder that cannot be listed is not gone for that.
            let is_kept = names.contains(name.as_str())
                || listing.unknown.iter().any(|(folder, _)| name.starts_with(folder.as_str()));
            report.removed += usize::from(!is_kept && entry.passages > 0);
            is_kept
        });
        list.surplus = listing.surplus;
        list.unknown =
            listing.unknown.into_iter().map(|(name, reason)| (name, shorten(&reason, LONGEST_REASON))).collect();
        report.surplus = list.surplus;
        report.problems = list.problems();
        if list != before || revision == 0 || how != How::Changed {
            list.read_at_ms = now_ms;
            self.save(&list, revision, now_ms).await?;
            self.take_away_leftovers(&list).await?;
        }
        Ok(report)
    }

    async fn opened(&self, file: &Found) -> Result<Result<(Vec<u8>, String), String>, ToolError> {
        let (folder, file, most) = (self.folder()?.to_owned(), file.clone(), self.config.max_file_bytes);
        blocking(move || folder::read(&folder, &file, most)).await
    }

    /// Read, cut and store a file's text; what is to be written of it in the list.
    async fn taken_in(
        &self,
        file: &Found,
        bytes: Vec<u8>,
        entry: Entry,
        room: usize,
        now_ms: i64,
    ) -> Result<Entry, ToolError> {
        let (kind, size, overlap) = (file.kind, self.config.chunk_chars, self.config.overlap_chars);
        let work = tokio::task::spawn_blocking(move || {
            let text = reading::read(kind, bytes, Instant::now() + FILE_TIME)?;
            Ok::<_, String>((cut(&text.sections, size, overlap), text.remark))
        });
        // Twice the time the reader gives itself: the library that parses cannot be stopped, only left behind.
        let (passages, remark) = match tokio::time::timeout(FILE_TIME * 2, work).await {
            Err(_) => return Ok(entry.broken("reading it takes too long")),
            Ok(Err(_)) => return Ok(entry.broken("it made its reader stumble")),
            Ok(Ok(Err(reason))) => return Ok(entry.broken(&reason)),
            Ok(Ok(Ok(read))) => read,
        };
        if passages.is_empty() {
            return Ok(entry.broken("it has no text"));
        }
        if passages.len() > room {
            return Ok(entry.broken(&format!("the knowledge base is full with {MOST_PASSAGES} passages")));
        }
        let mut entry = Entry { passages: passages.len(), problem: remark, ..entry };
        for body in in_parts(&passages)? {
            let key = part_key(&file.name, &entry, entry.parts);
            self.store()?.put_document(TOOLKIT, OWNER, &key, &body, None, now_ms).await.map_err(unreachable)?;
            entry.parts += 1;
        }
        Ok(entry)
    }

    async fn save(&self, list: &List, revision: i64, now_ms: i64) -> Result<i64, ToolError> {
        let body = serde_json::to_string(list).map_err(|error| ToolError::Bug(error.to_string()))?;
        match self.store()?.put_document(TOOLKIT, OWNER, LIST, &body, Some(revision), now_ms).await {
            Err(StoreError::Conflict(_)) => Err(ToolError::CouldNotAsk {
                service: "the knowledge base".into(),
                reason: "somebody else is reading the folder at the same time".into(),
            }),
            outcome => outcome.map_err(unreachable),
        }
    }

    async fn take_away_leftovers(&self, list: &List) -> Result<(), ToolError> {
        let store = self.store()?;
        let mut keys: BTreeSet<String> = BTreeSet::from([LIST.to_owned()]);
        for (name, entry) in &list.files {
            keys.extend((0..entry.parts).map(|part| part_key(name, entry, part)));
        }
        for key in store.document_keys(TOOLKIT, OWNER).await.map_err(unreachable)? {
            if !keys.contains(&key) {
                store.remove_document(TOOLKIT, OWNER, &key).await.map_err(unreachable)?;
            }
        }
        Ok(())
    }

    /// The index, loaded once for every change of it, whichever process made it.
    pub(super) async fn load(&self) -> Result<Arc<Loaded>, ToolError> {
        let mut loaded = self.loaded.lock().await;
        let (list, revision) = self.list().await?;
        if let Some(loaded) = loaded.as_ref().filter(|loaded| loaded.revision == revision) {
            return Ok(loaded.clone());
        }
        let (mut passages, mut files) = (Vec::new(), Vec::new());
        for (name, entry) in &list.files {
            for part in 0..entry.parts {
                let key = part_key(name, entry, part);
                let document = self.store()?.document(TOOLKIT, OWNER, &key).await.map_err(unreachable)?;
                let read: Option<Vec<Passage>> =
                    document.and_then(|document| serde_json::from_str(&document.body).ok());
                passages.extend(read.ok_or_else(|| ToolError::CouldNotAsk {
                    service: "the knowledge base".into(),
                    reason: "its index is being changed or damaged; knowledge_reindex with force makes it anew".into(),
                })?);
            }
            files.push((name.clone(), passages.len()));
        }
        let language = self.config.language.clone();
        let fresh = blocking(move || {
            let ranking = Ranking::of(&passages, &language);
            Arc::new(Loaded { revision, list, files, passages, ranking })
        })
        .await?;
        *loaded = Some(fresh.clone());
        Ok(fresh)
    }
}

impl List {
    fn problems(&self) -> Vec<(String, String)> {
        let files = self.files.iter().filter_map(|(name, entry)| Some((name.clone(), entry.problem.clone()?)));
        files.chain(self.unknown.iter().cloned()).collect()
    }

    /// Passages there is room for, this file's own aside.
    fn room_beside(&self, name: &str) -> usize {
        let others = self.files.iter().filter(|(other, _)| *other != name).map(|(_, entry)| entry.passages);
        MOST_PASSAGES.saturating_sub(others.sum())
    }
}

/// Of a name, a content and a way to cut it, so that what is written anew leaves the old alone.
fn part_key(name: &str, entry: &Entry, part: u32) -> String {
    let name = folder::hex(&Sha256::digest(format!("{name}\n{}", entry.cut))[..16]);
    format!("part:{name}:{:.32}:{part}", entry.checksum)
}

/// JSON lists of passages, each small enough for the store.
fn in_parts(passages: &[Passage]) -> Result<Vec<String>, ToolError> {
    let mut parts: Vec<String> = Vec::new();
    for passage in passages {
        let passage = serde_json::to_string(passage).map_err(|error| ToolError::Bug(error.to_string()))?;
        match parts.last_mut().filter(|part| part.len() + passage.len() < PART_BYTES) {
            Some(part) => {
                part.push(',');
                part.push_str(&passage);
            }
            None => parts.push(format!("[{passage}")),
        }
    }
    parts.iter_mut().for_each(|part| part.push(']'));
    Ok(parts)
}

/// The index in memory.
pub struct Loaded {
    revision: i64,
    list: List,
    /// Each file with the number of the passage after its last one.
    files: Vec<(String, usize)>,
    passages: Vec<Passage>,
    ranking: Ranking,
}

/// What a question found, ready to be told.
pub struct Answer {
    /// Passages that follow each other, the best first.
    pub runs: Vec<RangeInclusive<usize>>,
    pub missing: Vec<String>,
    pub has_words: bool,
}

impl Loaded {
    pub fn is_empty(&self) -> bool {
        self.passages.is_empty()
    }

    /// Documents with text.
    pub fn readable(&self) -> usize {
        self.list.files.values().filter(|entry| entry.passages > 0).count()
    }

    pub fn doubts(&self) -> Vec<String> {
        doubts(&self.list.problems(), self.list.surplus)
    }

    /// The file a passage is of, and the number of the passage after its last.
    fn file_of(&self, passage: usize) -> (&str, usize) {
        let at = self.files.partition_point(|(_, end)| *end <= passage);
        self.files.get(at).map_or(("", passage + 1), |(name, end)| (name.as_str(), *end))
    }

    /// The best passages, each with the one after it, nothing twice.
    pub fn find(&self, question: &str, top: usize) -> Answer {
        let ranked = self.ranking.rank(question, top);
        let mut runs: Vec<RangeInclusive<usize>> = Vec::new();
        for passage in ranked.passages.into_iter().map(|passage| passage as usize) {
            let (_, end) = self.file_of(passage);
            let next = (passage + 1).min(end - 1);
            // A neighbour of what is told already belongs to it, and may join two of them.
            let is_near = |run: &RangeInclusive<usize>| run.contains(&passage) || run.contains(&next);
            match runs.iter().position(is_near) {
                None => runs.push(passage..=next),
                Some(at) => {
                    let near = runs.extract_if(at.., |run| is_near(run)).chain([passage..=next]);
                    let joined =
                        near.reduce(|one, other| *one.start().min(other.start())..=*one.end().max(other.end()));
                    runs.splice(at..at, joined);
                }
            }
        }
        Answer { runs, missing: ranked.missing, has_words: ranked.has_words }
    }

    /// Passages that follow each other as one text, with where they stand.
    pub fn tell(&self, run: &RangeInclusive<usize>, text: &mut String) {
        let (name, _) = self.file_of(*run.start());
        let mut told: Option<(&str, Option<u32>)> = None;
        for passage in run.clone().filter_map(|number| self.passages.get(number)) {
            let place = (passage.heading.as_str(), passage.page);
            if told == Some(place) {
                text.push_str(passage.text.get(passage.repeats..).unwrap_or(&passage.text));
                continue;
            }
            told = Some(place);
            let heading = if passage.heading.is_empty() { String::new() } else { format!(" › {}", passage.heading) };
            let page = passage.page.map(|page| format!(", page {page}")).unwrap_or_default();
            let _ = write!(text, "\n\n[{name}{heading}{page}]\n{}", passage.text);
        }
        text.push('\n');
    }
}
