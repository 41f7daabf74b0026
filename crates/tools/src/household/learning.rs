//! What is learned, from what people say and from what they rate; each lesson can be taken back by itself.
//!
//! Everything here is a pure function of the notebook and what was said.

use super::{
    edit::{Edit, at, is_same, shown, steps},
    profile::Profile,
};
use majordomo_domain::{Label, Millis, Origin, PersonId, ToolError, text::shorten};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Words of one kind in a rating.
type WordsOf = fn(&Rating) -> &Vec<String>;
/// Where words of that kind are liked, and disliked.
type ListsOf = fn(&mut Profile) -> (&mut Vec<String>, &mut Vec<String>);

/// Lessons remembered; older ones stay learned and can no longer be taken back.
const MOST_LESSONS: usize = 300;
/// Bytes of all lessons together.
const LARGEST_LOG: usize = 256 * 1024;
/// Calls remembered, so that a repeat of one says what the first said.
const REMEMBERED_CALLS: usize = 40;
/// Genres, people and keywords of one rated title that count.
const MOST_OF_A_TITLE: usize = 12;

/// What is kept of one house or one person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notebook {
    pub profile: Profile,
    /// Oldest first.
    pub lessons: Vec<Lesson>,
    /// The number of the newest lesson.
    pub newest: u32,
    /// Who said what is in the profile and no longer among the lessons.
    pub earlier_authors: BTreeSet<PersonId>,
    /// Whether such words were influenced by others'.
    pub is_earlier_influenced: bool,
    /// What was there before it was set back or imported over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<Box<Notebook>>,
    /// When the backup was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_at_ms: Option<Millis>,
    /// Keys of the newest calls with what each said.
    pub calls: Vec<(String, Said)>,
}

/// What a call said it has changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    pub text: String,
    /// The lesson it made, when it made one.
    pub lesson: Option<u32>,
}

impl Said {
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), lesson: None }
    }
}

/// One thing learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// Counts up from 1 in its notebook.
    pub id: u32,
    pub at_ms: Millis,
    /// Who said it; None when it was read from a file by whoever runs the house.
    pub by: Option<PersonId>,
    /// Whose words it was made of.
    #[serde(default)]
    pub origin: Origin,
    pub source: Source,
    /// Empty when the evidence was not enough to change anything yet.
    #[serde(default)]
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// Somebody said so.
    Said,
    /// Somebody rated a title.
    Rated(Rating),
    /// A file was read.
    Imported,
}

impl Source {
    fn rating(&self) -> Option<&Rating> {
        match self {
            Source::Rated(rating) => Some(rating),
            Source::Said | Source::Imported => None,
        }
    }
}

/// Film or series, as TMDb's paths have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaType {
    #[serde(alias = "film")]
    Movie,
    #[serde(alias = "series", alias = "show")]
    Tv,
}

/// A title somebody rated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rating {
    pub title: String,
    pub tmdb_id: Option<u64>,
    /// Films and series share numbers. None where nobody said which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// 0 to 10.
    pub rating: f64,
    pub genres: Vec<String>,
    pub people: Vec<String>,
    pub keywords: Vec<String>,
}

/// One difference a lesson made. The path has dots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// An entry of a list.
    Added {
        path: String,
        value: Value,
    },
    Removed {
        path: String,
        value: Value,
    },
    Set {
        path: String,
        before: Option<Value>,
        after: Option<Value>,
    },
}

/// Who teaches, and when.
#[derive(Clone, Copy, Debug)]
pub struct Teacher {
    pub by: Option<PersonId>,
    pub origin: Origin,
    pub at_ms: Millis,
}

impl Change {
    /// For people, such as `“Margot Robbie” added to likes.people`.
    pub fn in_words(&self) -> String {
        let brief = |value: &Value| shorten(&shown(value), 80);
        match self {
            Change::Added { path, value } => format!("{} added to {path}", brief(value)),
            Change::Removed { path, value } => format!("{} removed from {path}", brief(value)),
            Change::Set { path, after: Some(after), .. } => format!("{path} set to {}", brief(after)),
            Change::Set { path, after: None, .. } => format!("{path} removed"),
        }
    }

    fn path(&self) -> &str {
        match self {
            Change::Added { path, .. } | Change::Removed { path, .. } | Change::Set { path, .. } => path,
        }
    }

    /// Take it back, where it still stands; whether it did.
    fn take_back(&self, document: &mut Value) -> bool {
        let path = steps(self.path());
        let now = at(document, &path).cloned();
        let back = match (self, now) {
            (Change::Added { value, .. }, Some(Value::Array(mut list))) => {
                let Some(place) = list.iter().position(|entry| is_same(entry, value)) else { return false };
                list.remove(place);
                Some(Value::Array(list))
            }
            (Change::Removed { value, .. }, now) => {
                let mut list = if let Some(Value::Array(list)) = now { list } else { Vec::new() };
                if list.iter().any(|entry| is_same(entry, value)) {
                    return false;
                }
                list.push(value.clone());
                Some(Value::Array(list))
            }
            (Change::Set { before, after, .. }, now) if now == *after => before.clone(),
            _ => return false,
        };
        put(document, &path, back);
        true
    }
}

fn put(document: &mut Value, path: &[String], value: Option<Value>) {
    let Some((last, holder)) = path.split_last() else { return };
    let mut place = document;
    for step in holder {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(fields) = place else { return };
        place = fields.entry(step.clone()).or_insert(Value::Null);
    }
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    if let Value::Object(fields) = place {
        match value {
            Some(value) => drop(fields.insert(last.clone(), value)),
            None => drop(fields.remove(last)),
        }
    }
}

/// What differs between two documents, each entry of a list by itself.
pub fn differences(before: &Profile, after: &Profile) -> Vec<Change> {
    let mut changes = Vec::new();
    differ(Some(&before.to_value()), Some(&after.to_value()), "", &mut changes);
    changes
}

fn differ(before: Option<&Value>, after: Option<&Value>, path: &str, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    let empty_list = Vec::new();
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (before, after) {
        (Some(Value::Object(_)) | None, Some(Value::Object(_)) | None) => {
            let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
            let (old, new) = (object(before), object(after));
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                differ(old.get(key), new.get(key), &below(key), changes);
            }
        }
        (Some(Value::Array(_)) | None, Some(Value::Array(_)) | None) => {
            let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned();
            let (old, new) = (list(before).unwrap_or_else(|| empty_list.clone()), list(after).unwrap_or(empty_list));
            let gone = old.iter().filter(|entry| !new.contains(entry));
            changes.extend(gone.map(|value| Change::Removed { path: path.into(), value: value.clone() }));
            let come = new.iter().filter(|entry| !old.contains(entry));
            changes.extend(come.map(|value| Change::Added { path: path.into(), value: value.clone() }));
        }
        (before, after) => {
            changes.push(Change::Set { path: path.into(), before: before.cloned(), after: after.cloned() });
        }
    }
}

impl Notebook {
    /// Learn what somebody said. What is liked is no longer disliked, and the other way round.
    pub fn learn_statement(&mut self, edit: &Edit, teacher: Teacher) -> Result<Option<&Lesson>, ToolError> {
        let mut after = edit.apply(&self.profile)?;
        settle_contradictions(&self.profile, &mut after);
        Ok(self.learn(after, Source::Said, teacher))
    }

    /// Learn from a rating. One title says that it was loved or is not to come again; what its genres, people and keywords have in
    /// common with others' counts once several ratings agree. Rating a title again replaces what the first rating taught.
    pub fn learn_rating(&mut self, rating: Rating, teacher: Teacher) -> &Lesson {
        let is_it = |lesson: &Lesson| {
            lesson.source.rating().is_some_and(|known| {
                known.title.to_lowercase() == rating.title.to_lowercase()
                    && may_be_same(known.tmdb_id, rating.tmdb_id)
                    && may_be_same(known.media_type, rating.media_type)
            })
        };
        if let Some(earlier) = self.lessons.iter().find(|lesson| is_it(lesson)).map(|lesson| lesson.id) {
            self.unlearn(earlier);
        }
        let rating = Rating {
            rating: rating.rating.clamp(0.0, 10.0),
            genres: rating.genres.into_iter().take(MOST_OF_A_TITLE).collect(),
            people: rating.people.into_iter().take(MOST_OF_A_TITLE).collect(),
            keywords: rating.keywords.into_iter().take(MOST_OF_A_TITLE).collect(),
            ..rating
        };
        let mut after = self.profile.clone();
        match rating.rating {
            r if r >= 8.5 => add(&mut after.anchors.loved, &rating.title),
            r if r >= 7.0 => add(&mut after.anchors.responded_to, &rating.title),
            r if r <= 3.0 => {
                add(&mut after.never_recommend.titles, &rating.title);
                // The numbers of series are not told apart there; the title is.
                let id = rating.tmdb_id.filter(|_| rating.media_type != Some(MediaType::Tv));
                if let Some(id) = id.filter(|id| !after.never_recommend.tmdb_ids.contains(id)) {
                    after.never_recommend.tmdb_ids.push(id);
                }
            }
            _ => {}
        }
        let source = Source::Rated(rating);
        let kinds: [(WordsOf, ListsOf); 3] = [
            (|rating| &rating.genres, |p| (&mut p.likes.genres, &mut p.dislikes.genres)),
            (|rating| &rating.people, |p| (&mut p.likes.people, &mut p.dislikes.people)),
            (|rating| &rating.keywords, |p| (&mut p.likes.motifs, &mut p.dislikes.vibes)),
        ];
        for (words_of, lists_of) in kinds {
            for (word, evidence) in self.evidence(&source, words_of) {
                let (likes, dislikes) = lists_of(&mut after);
                // What somebody said stands against what ratings hint at.
                if evidence >= ENOUGH && !has(dislikes, &word) {
                    add(likes, &word);
                } else if evidence <= -ENOUGH && !has(likes, &word) {
                    add(dislikes, &word);
                }
            }
        }
        self.note(after, source, teacher);
        &self.lessons[self.lessons.len() - 1]
    }

    /// What all ratings say of the words of the newest: each counts from -1 (a 1) to 1 (a 10).
    fn evidence(&self, newest: &Source, words_of: fn(&Rating) -> &Vec<String>) -> Vec<(String, f64)> {
        let Some(newest) = newest.rating() else { return Vec::new() };
        let ratings = self.lessons.iter().filter_map(|lesson| lesson.source.rating()).chain([newest]);
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for rating in ratings {
            for word in words_of(rating) {
                *sums.entry(word.to_lowercase()).or_default() += (rating.rating - 5.5) / 4.5;
            }
        }
        words_of(newest).iter().map(|word| (word.clone(), sums[&word.to_lowercase()])).collect()
    }

    /// Put a whole profile in place of this one, which is kept.
    pub fn replace(&mut self, profile: Profile, source: Source, teacher: Teacher) {
        self.set_aside(teacher.at_ms);
        self.learn(profile, source, teacher);
    }

    /// Forget everything, and keep it aside. False when there was nothing.
    pub fn reset(&mut self, at_ms: Millis) -> bool {
        if self.profile.is_empty() && self.lessons.is_empty() {
            return false;
        }
        self.set_aside(at_ms);
        true
    }

    fn set_aside(&mut self, at_ms: Millis) {
        let fresh = Notebook { newest: self.newest, calls: self.calls.clone(), ..Notebook::default() };
        let mut old = std::mem::replace(self, fresh);
        old.backup = None;
        old.calls.clear();
        self.backup = Some(Box::new(old));
        self.backup_at_ms = Some(at_ms);
    }

    /// Bring back what was set aside; what is there now is set aside in its place. False when there is nothing to bring back.
    pub fn restore(&mut self, at_ms: Millis) -> bool {
        let Some(old) = self.backup.take() else { return false };
        let (calls, newest) = (std::mem::take(&mut self.calls), self.newest);
        let now = std::mem::replace(self, *old);
        self.newest = self.newest.max(newest);
        self.calls = calls;
        self.backup = Some(Box::new(now));
        self.backup_at_ms = Some(at_ms);
        true
    }

    /// Take one lesson back; what of it still stood, in words. None when there is no such lesson.
    pub fn unlearn(&mut self, id: u32) -> Option<Vec<String>> {
        let place = self.lessons.iter().position(|lesson| lesson.id == id)?;
        let lesson = self.lessons.remove(place);
        let (profile, back) = taken_back(&self.profile, &lesson);
        self.profile = profile;
        Some(back)
    }

    fn learn(&mut self, after: Profile, source: Source, teacher: Teacher) -> Option<&Lesson> {
        if after == self.profile {
            return None;
        }
        self.note(after, source, teacher);
        self.lessons.last()
    }

    fn note(&mut self, after: Profile, source: Source, teacher: Teacher) {
        let changes = differences(&self.profile, &after);
        self.profile = after;
        self.newest += 1;
        let Teacher { by, origin, at_ms } = teacher;
        self.lessons.push(Lesson { id: self.newest, at_ms, by, origin, source, changes });
        let weight = |lesson: &Lesson| serde_json::to_string(lesson).map_or(0, |text| text.len());
        let mut bytes: usize = self.lessons.iter().map(weight).sum();
        while self.lessons.len() > 1 && (self.lessons.len() > MOST_LESSONS || bytes > LARGEST_LOG) {
            let oldest = self.lessons.remove(0);
            bytes -= weight(&oldest);
            self.earlier_authors.extend(oldest.by);
            self.is_earlier_influenced |= oldest.origin > Origin::Own;
        }
    }

    /// Answer a call once: a repeat changes nothing and says the same.
    pub fn once(
        &mut self,
        key: &str,
        change: impl FnOnce(&mut Self) -> Result<Said, ToolError>,
    ) -> Result<(Said, bool), ToolError> {
        if let Some((_, said)) = self.calls.iter().find(|(known, _)| known == key) {
            return Ok((said.clone(), false));
        }
        let said = change(self)?;
        self.calls.push((key.to_owned(), said.clone()));
        let surplus = self.calls.len().saturating_sub(REMEMBERED_CALLS);
        self.calls.drain(..surplus);
        Ok((said, true))
    }

    /// Whose words the profile is made of, for one reader.
    pub fn label(&self, reader: PersonId) -> Label {
        let mut origin = if self.is_earlier_influenced { Origin::Outside } else { Origin::Own };
        let authors = self.lessons.iter().map(|lesson| (lesson.by, lesson.origin));
        for (by, from) in authors.chain(self.earlier_authors.iter().map(|by| (Some(*by), Origin::Own))) {
            let others = by.is_some_and(|by| by != reader);
            origin = origin.max(from).max(if others { Origin::Household } else { Origin::Own });
        }
        Label { origin, ..Label::OWN }
    }

    /// Everybody whose words are in it.
    pub fn authors(&self) -> BTreeSet<PersonId> {
        self.lessons.iter().filter_map(|lesson| lesson.by).chain(self.earlier_authors.iter().copied()).collect()
    }

    /// The profile without what others, or what others' words, have put there. None when that can no longer be told apart.
    pub fn by_trusted(&self, trusted: &BTreeSet<PersonId>) -> Option<Profile> {
        if self.is_earlier_influenced || !self.earlier_authors.is_subset(trusted) {
            return None;
        }
        let is_trusted =
            |lesson: &Lesson| lesson.origin == Origin::Own && lesson.by.is_none_or(|by| trusted.contains(&by));
        let doubtful = self.lessons.iter().rev().filter(|lesson| !is_trusted(lesson));
        Some(doubtful.fold(self.profile.clone(), |profile, lesson| taken_back(&profile, lesson).0))
    }
}

/// What nobody said may be either.
fn may_be_same<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.is_none() || other.is_none() || one == other
}

/// How much ratings have to agree: two nines do, one ten does not.
const ENOUGH: f64 = 1.5;

fn taken_back(profile: &Profile, lesson: &Lesson) -> (Profile, Vec<String>) {
    let (mut profile, mut back) = (profile.clone(), Vec::new());
    // Each by itself: one that no longer fits does not keep the others.
    for change in lesson.changes.iter().rev() {
        let mut document = profile.to_value();
        if change.take_back(&mut document)
            && let Ok(fits) = Profile::of(document)
        {
            profile = fits;
            back.push(change.in_words());
        }
    }
    (profile, back)
}

fn has(list: &[String], word: &str) -> bool {
    list.iter().any(|known| known.trim().to_lowercase() == word.trim().to_lowercase())
}

fn add(list: &mut Vec<String>, word: &str) {
    if !word.trim().is_empty() && !has(list, word) {
        list.push(word.to_owned());
    }
}

/// What is newly liked leaves the dislikes, and the other way round.
fn settle_contradictions(before: &Profile, after: &mut Profile) {
    let (old_likes, old_dislikes) = (&before.likes, &before.dislikes);
    for (old_liked, liked, old_disliked, disliked) in [
        (&old_likes.genres, &mut after.likes.genres, &old_dislikes.genres, &mut after.dislikes.genres),
        (&old_likes.people, &mut after.likes.people, &old_dislikes.people, &mut after.dislikes.people),
        (&old_likes.vibes, &mut after.likes.vibes, &old_dislikes.vibes, &mut after.dislikes.vibes),
        (&old_likes.aesthetics, &mut after.likes.aesthetics, &old_dislikes.aesthetics, &mut after.dislikes.aesthetics),
    ] {
        let newly_liked: Vec<String> = liked.iter().filter(|word| !has(old_liked, word)).cloned().collect();
        let newly_disliked: Vec<String> = disliked.iter().filter(|word| !has(old_disliked, word)).cloned().collect();
        liked.retain(|word| !has(&newly_disliked, word) || has(&newly_liked, word));
        disliked.retain(|word| !has(&newly_liked, word) || has(&newly_disliked, word));
    }
}
