//! What films and series have in common once they are files: records of them, their views, their deletion.

use super::{
    Kind, Question, Refusal, Told, accepted,
    history::EventType,
    id_of, numbers, ok,
    settings::{QUALITIES, profile, quality_model, rank},
    state::{State, there},
};
use crate::household::disk::{File, What};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A file the service knows of. Its size is on the disk.
#[derive(Clone, Debug)]
pub(super) struct FileRecord {
    pub(super) id: u32,
    /// The movie or series.
    pub(super) owner: u32,
    /// The movie again, or the episodes in it.
    pub(super) items: Vec<u32>,
    pub(super) season: u32,
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) quality: usize,
    pub(super) group: Option<String>,
    pub(super) scene_name: Option<String>,
    pub(super) added: Timestamp,
}

/// Why a file went, as webhooks and history say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Manual,
    Upgrade,
    MissingFromDisk,
}

impl Reason {
    pub(super) fn hook(self) -> &'static str {
        match self {
            Reason::Manual => "manual",
            Reason::Upgrade => "upgrade",
            Reason::MissingFromDisk => "missingFromDisk",
        }
    }

    fn history(self) -> &'static str {
        match self {
            Reason::Manual => "Manual",
            Reason::Upgrade => "Upgrade",
            Reason::MissingFromDisk => "MissingFromDisk",
        }
    }
}

/// A file name without what a file system dislikes.
pub(super) fn plain_name(title: &str) -> String {
    title.replace([':', '/'], "")
}

impl State {
    /// The file of a movie or an episode.
    pub(super) fn file_of(&self, item: u32) -> Option<&FileRecord> {
        self.files.iter().find(|file| file.items.contains(&item))
    }

    /// Takes up a file that is already on the disk.
    pub(super) fn take_up(&mut self, owner: u32, items: Vec<u32>, season: u32, path: String, file: &File) -> u32 {
        let id = self.fresh("file");
        // The folder's files are named after their quality; where they are not, lines are all there is.
        let quality = QUALITIES
            .iter()
            .enumerate()
            .skip(1)
            .find(|(_, quality)| path.contains(quality.name(self.kind)))
            .or_else(|| QUALITIES.iter().enumerate().find(|(_, quality)| quality.lines == file.lines))
            .map_or(0, |(place, _)| place);
        let added = Timestamp::from_millisecond(file.added_at_ms).unwrap_or(self.now);
        let size = file.size;
        self.files.push(FileRecord {
            id,
            owner,
            items,
            season,
            path,
            size,
            quality,
            group: None,
            scene_name: None,
            added,
        });
        id
    }

    /// Puts a new file on the disk and into the records; the disk's word on it is what the media server will see.
    pub(super) fn put_file(&mut self, mut record: FileRecord) -> FileRecord {
        record.id = self.fresh("file");
        let lines = QUALITIES.get(record.quality).map_or(480, |quality| quality.lines.max(480));
        let what = match self.kind {
            Kind::Radarr => self
                .movies
                .iter()
                .find(|movie| movie.id == record.owner)
                .map(|movie| What::Film { tmdb: movie.film.id }),
            Kind::Sonarr => self
                .episodes
                .iter()
                .find(|episode| record.items.first() == Some(&episode.id))
                .map(|episode| What::Episode { tvdb: episode.tvdb, season: episode.season, number: episode.number }),
        };
        if let Some(what) = what {
            let added_at_ms = record.added.as_millisecond();
            self.disk
                .put(record.path.clone(), File { what, size: record.size, lines, hdr: lines == 2160, added_at_ms });
        }
        self.files.push(record.clone());
        record
    }

    /// Removes a file everywhere, writes history and tells the webhooks.
    pub(super) fn remove_file(&mut self, id: u32, reason: Reason) -> Option<FileRecord> {
        let place = self.files.iter().position(|file| file.id == id)?;
        let file = self.files.remove(place);
        // An upgrade of the same name has already taken the old file's place.
        if !self.files.iter().any(|other| other.path == file.path) {
            self.disk.remove(&file.path);
        }
        for item in file.items.clone() {
            let data = json!({"reason": reason.history(), "customFormatScore": "0"});
            self.note(item, EventType::FileDeleted, &file.path, file.quality, None, data);
        }
        self.tell_file_deleted(&file, reason);
        Some(file)
    }

    /// Whether the profile would like something better than this quality.
    pub(super) fn below_cutoff(&self, quality: usize, profile_id: u32) -> bool {
        profile(profile_id).is_some_and(|profile| rank(quality) < profile.cutoff_rank())
    }

    pub(super) fn file_view(&self, file: &FileRecord, profile_id: u32, language: Value, minutes: u32) -> Value {
        let kind = self.kind;
        let folder = self.folder_of(file.owner);
        let relative = file.path.strip_prefix(&format!("{folder}/")).unwrap_or(&file.path);
        let mut view = json!({
            "id": file.id, "relativePath": relative, "path": file.path, "size": file.size, "dateAdded": file.added,
            "sceneName": file.scene_name, "releaseGroup": file.group, "quality": quality_model(kind, file.quality),
            "languages": [language], "customFormats": [], "customFormatScore": 0, "indexerFlags": 0,
            "mediaInfo": media_info(file.quality, minutes), "qualityCutoffNotMet": self.below_cutoff(file.quality, profile_id),
        });
        if kind == Kind::Radarr {
            view["movieId"] = json!(file.owner);
            view["edition"] = json!("");
            view["originalFilePath"] = json!(file.scene_name);
        } else {
            view["seriesId"] = json!(file.owner);
            view["seasonNumber"] = json!(file.season);
            view["releaseType"] = json!(if file.items.len() > 1 { "multiEpisode" } else { "singleEpisode" });
        }
        view
    }

    pub(super) fn folder_of(&self, owner: u32) -> String {
        match self.kind {
            Kind::Radarr => self.movies.iter().find(|movie| movie.id == owner).map(|movie| movie.path.clone()),
            Kind::Sonarr => self.shows.iter().find(|show| show.id == owner).map(|show| show.path.clone()),
        }
        .unwrap_or_default()
    }

    /// `moviefile` and `episodefile` are one thing with two names.
    pub(super) fn file_told(&mut self, question: &Question<'_>, owner: &str, several: &str) -> Told {
        match (question.method, question.path.get(1..).unwrap_or_default()) {
            ("GET", []) => {
                let (owners, ids) = (question.ids(owner), question.ids(several));
                if owners.is_empty() && ids.is_empty() {
                    return Err(Refusal::Said(400, format!("{owner} or {several} must be provided")));
                }
                let wanted = self.files.iter().filter(|file| owners.contains(&file.owner) || ids.contains(&file.id));
                ok(wanted.map(|file| self.known_file_view(file)).collect::<Vec<_>>())
            }
            ("GET", [id]) => {
                let id = id_of(id)?;
                ok(self.known_file_view(there(self.files.iter().find(|file| file.id == id))?))
            }
            ("DELETE", ["bulk"]) => {
                for id in numbers(&question.body[several]) {
                    self.remove_file(id, Reason::Manual);
                }
                ok(json!({}))
            }
            ("DELETE", [id]) => {
                there(self.remove_file(id_of(id)?, Reason::Manual))?;
                ok(json!({}))
            }
            _ => Err(Refusal::Missing),
        }
    }

    /// With what its owner says of it.
    pub(super) fn known_file_view(&self, file: &FileRecord) -> Value {
        match self.kind {
            Kind::Radarr => match self.movies.iter().find(|movie| movie.id == file.owner) {
                Some(movie) => {
                    let language = super::settings::language(&movie.film.language);
                    self.file_view(file, movie.profile, language, movie.film.runtime)
                }
                None => Value::Null,
            },
            Kind::Sonarr => match self.shows.iter().find(|show| show.id == file.owner) {
                Some(show) => self.file_view(file, show.profile, super::settings::language("en"), show.series.runtime),
                None => Value::Null,
            },
        }
    }

    /// `GET /rename`: files whose name is not the one they would be given.
    pub(super) fn rename_preview(&self, owner: u32, season: Option<u32>) -> Value {
        let folder = self.folder_of(owner);
        let relative = |path: &str| path.strip_prefix(&format!("{folder}/")).unwrap_or(path).to_owned();
        let files = self.files.iter().filter(|file| file.owner == owner);
        let files = files.filter(|file| season.is_none_or(|season| season == file.season));
        let rows = files.filter_map(|file| {
            let wanted = self.path_for(file.owner, &file.items, file.quality);
            (wanted != file.path).then(|| {
                let mut row = json!({"existingPath": relative(&file.path), "newPath": relative(&wanted)});
                if self.kind == Kind::Radarr {
                    row["movieId"] = json!(owner);
                    row["movieFileId"] = json!(file.id);
                } else {
                    row["seriesId"] = json!(owner);
                    row["seasonNumber"] = json!(file.season);
                    row["episodeNumbers"] = json!(self.numbers_of(&file.items));
                    row["episodeFileId"] = json!(file.id);
                }
                row
            })
        });
        rows.collect()
    }

    /// Renames what the preview names; all of it when `only` is empty.
    pub(super) fn rename(&mut self, owner: u32, only: &[u32]) -> usize {
        let wanted: Vec<(usize, String)> = self
            .files
            .iter()
            .enumerate()
            .filter(|(_, file)| file.owner == owner && (only.is_empty() || only.contains(&file.id)))
            .map(|(place, file)| (place, self.path_for(file.owner, &file.items, file.quality)))
            .collect();
        let mut renamed = Vec::new();
        for (place, path) in wanted {
            let Some(file) = self.files.get_mut(place).filter(|file| file.path != path) else { continue };
            let before = std::mem::replace(&mut file.path, path.clone());
            let (items, quality, id) = (file.items.clone(), file.quality, file.id);
            if let Some(content) = self.disk.remove(&before) {
                self.disk.put(path.clone(), content);
            }
            for item in items {
                let data = json!({"sourcePath": before, "path": path});
                self.note(item, EventType::Renamed, &before, quality, None, data);
            }
            renamed.push((id, before));
        }
        if !renamed.is_empty() {
            self.tell_renamed(owner, &renamed);
        }
        renamed.len()
    }

    /// Moves the folder of a movie or series, with its files where that is wanted.
    pub(super) fn move_folder(&mut self, owner: u32, from: &str, to: &str, with_files: bool) {
        if !with_files {
            // Where the files stay behind, the service no longer sees them.
            self.files.retain(|file| file.owner != owner);
            return;
        }
        let moving = self.files.iter_mut().filter(|file| file.owner == owner);
        for file in moving {
            let path = file.path.replacen(from, to, 1);
            if let Some(content) = self.disk.remove(&file.path) {
                self.disk.put(path.clone(), content);
            }
            file.path = path;
        }
    }

    /// Compares the records with the disk: forgets what is gone.
    pub(super) fn rescan(&mut self, owner: u32) {
        let folder = format!("{}/", self.folder_of(owner));
        let there: BTreeSet<String> = self.disk.below(&folder).into_iter().map(|(path, _)| path).collect();
        let known = self.files.iter().filter(|file| file.owner == owner);
        let gone: Vec<u32> = known.filter(|file| !there.contains(&file.path)).map(|file| file.id).collect();
        for id in gone {
            self.remove_file(id, Reason::MissingFromDisk);
        }
    }

    /// The part of an editor's answer that is the same for both: tags added, removed or replaced.
    pub(super) fn apply_tags(tags: &mut BTreeSet<u32>, body: &Value) {
        if body["tags"].is_null() {
            return;
        }
        let given = numbers(&body["tags"]);
        match body["applyTags"].as_str().unwrap_or("add") {
            "remove" => tags.retain(|tag| !given.contains(tag)),
            "replace" => *tags = given.into_iter().collect(),
            _ => tags.extend(given),
        }
    }

    /// `importlistexclusion` and `exclusions` are one thing with two names.
    pub(super) fn exclusion_told(&mut self, question: &Question<'_>) -> Told {
        let kind = self.kind;
        let view = |(id, (number, title, year)): (&u32, &(u64, String, u32))| match kind {
            Kind::Radarr => json!({"id": id, "tmdbId": number, "movieTitle": title, "movieYear": year}),
            Kind::Sonarr => json!({"id": id, "tvdbId": number, "title": title}),
        };
        let (key, title_key) = if kind == Kind::Radarr { ("tmdbId", "movieTitle") } else { ("tvdbId", "title") };
        let read = |body: &Value| {
            let title = body[title_key].as_str().unwrap_or_default().to_owned();
            let year = body["movieYear"].as_u64().and_then(|year| u32::try_from(year).ok()).unwrap_or_default();
            (body[key].as_u64().unwrap_or_default(), title, year)
        };
        match (question.method, question.path.get(1..).unwrap_or_default()) {
            ("GET", []) => ok(self.exclusions.iter().map(view).collect::<Vec<_>>()),
            ("GET", ["paged"]) => {
                let rows = self.exclusions.iter().map(view).collect();
                let title_place = if kind == Kind::Radarr { "/movieTitle" } else { "/title" };
                let number_place = if kind == Kind::Radarr { "/tmdbId" } else { "/tvdbId" };
                let keys = [("id", "/id"), (title_key, title_place), (key, number_place)];
                ok(super::paged(question, rows, &keys, false))
            }
            ("GET", [id]) => {
                let id = id_of(id)?;
                ok(view(there(self.exclusions.get_key_value(&id))?))
            }
            ("POST", []) => {
                let given = read(&question.body);
                let property = if kind == Kind::Radarr { "TmdbId" } else { "TvdbId" };
                if given.0 == 0 {
                    return Err(super::invalid(
                        property,
                        format!("'{property}' must not be empty."),
                        json!(0),
                        "NotEmptyValidator",
                    ));
                }
                if self.exclusions.values().any(|known| known.0 == given.0) {
                    let message = "This exclusion has already been added.";
                    return Err(super::invalid(
                        property,
                        message,
                        json!(given.0),
                        "ImportListExclusionExistsValidator",
                    ));
                }
                let id = self.fresh("exclusion");
                self.exclusions.insert(id, given);
                let made = self.exclusions.get_key_value(&id).map(view);
                Ok((axum::http::StatusCode::CREATED, json!(made)))
            }
            ("PUT", [id]) => {
                let id = id_of(id)?;
                *there(self.exclusions.get_mut(&id))? = read(&question.body);
                accepted(json!(self.exclusions.get_key_value(&id).map(view)))
            }
            ("DELETE", ["bulk"]) => {
                for id in numbers(&question.body["ids"]) {
                    self.exclusions.remove(&id);
                }
                ok(json!({}))
            }
            ("DELETE", [id]) => {
                there(self.exclusions.remove(&id_of(id)?))?;
                ok(json!({}))
            }
            _ => Err(Refusal::Missing),
        }
    }
}

/// What a look into the file would find.
fn media_info(quality: usize, minutes: u32) -> Value {
    let lines = QUALITIES.get(quality).map_or(480, |quality| quality.lines.max(480));
    let width = if lines == 480 { 720 } else { lines * 16 / 9 };
    let (codec, depth, range) = if lines == 2160 { ("x265", 10, "HDR") } else { ("x264", 8, "") };
    json!({
        "audioBitrate": 192_000, "audioChannels": 2.0, "audioCodec": "AAC", "audioLanguages": "eng", "audioStreamCount": 1,
        "videoBitDepth": depth, "videoBitrate": 0, "videoCodec": codec, "videoFps": 23.976, "videoDynamicRange": range,
        "videoDynamicRangeType": if range.is_empty() { "" } else { "HDR10" }, "resolution": format!("{width}x{lines}"),
        "runTime": format!("{}:{:02}:00", minutes / 60, minutes % 60), "scanType": "Progressive", "subtitles": "eng",
    })
}
