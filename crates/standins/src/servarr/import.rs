//! From a finished download to files on the disk: by itself, or with a person's word on what is what.

use super::{
    Kind, Question, Refusal, Told,
    history::EventType,
    library::{FileRecord, Reason},
    number, numbers, ok,
    queue::Download,
    script::Held,
    settings::{QUALITIES, quality_model, quality_numbered, rank},
    state::State,
};
use serde_json::{Value, json};

/// What came of importing one file.
#[derive(Clone, Debug)]
pub(super) struct Imported {
    pub(super) file: FileRecord,
    pub(super) items: Vec<u32>,
    /// The files it replaced.
    pub(super) replaced: Vec<FileRecord>,
    pub(super) source_path: String,
}

impl State {
    /// Where a file of this movie or these episodes belongs.
    pub(super) fn path_for(&self, owner: u32, items: &[u32], quality: usize) -> String {
        let name = QUALITIES.get(quality).map_or("Unknown", |quality| quality.name(self.kind));
        match self.kind {
            Kind::Radarr => self.movies.iter().find(|movie| movie.id == owner).map(|movie| {
                let year = movie.film.date.get(..4).unwrap_or_default();
                format!("{}/{} ({year}) {name}.mkv", movie.path, movie.film.title)
            }),
            Kind::Sonarr => self.shows.iter().find(|show| show.id == owner).map(|show| {
                let episodes = self.episodes.iter().filter(|episode| items.contains(&episode.id));
                let season = episodes.clone().next().map_or(0, |episode| episode.season);
                let numbers: String = episodes.map(|episode| format!("E{:02}", episode.number)).collect();
                let title = &show.series.name;
                format!("{}/Season {season:02}/{title} - S{season:02}{numbers} - {name}.mkv", show.path)
            }),
        }
        .unwrap_or_default()
    }

    /// The files in a download, with the episodes of each: a pack holds one file an episode.
    pub(super) fn content(&self, download: &Download) -> Vec<(String, Vec<u32>, u64)> {
        let folder = download.output_path();
        if self.kind == Kind::Radarr || !download.is_pack {
            return vec![(format!("{folder}/{}.mkv", download.title), download.items.clone(), download.size)];
        }
        let share = download.size / u64::try_from(download.items.len().max(1)).unwrap_or(1);
        let named = |item: &u32| {
            let episode = self.episodes.iter().find(|episode| episode.id == *item)?;
            let (season, code) =
                (format!("S{:02}", episode.season), format!("S{:02}E{:02}", episode.season, episode.number));
            Some((format!("{folder}/{}.mkv", download.title.replacen(&season, &code, 1)), vec![*item], share))
        };
        download.items.iter().filter(|item| !download.lacking.contains(item)).filter_map(named).collect()
    }

    /// Imports a finished download, or says why it cannot be.
    pub(super) fn import(&mut self, number: u32) {
        let Some(download) = self.downloads.iter().find(|download| download.number == number).cloned() else { return };
        if download.items.is_empty() {
            let kind = if self.kind == Kind::Radarr { "movie" } else { "series" };
            let message =
                format!("Unknown {}. Manual Import required.", if kind == "movie" { "Movie" } else { "Series" });
            self.hold(number, Held::blocked(vec![message]));
            self.tell_manual_interaction(number);
            return;
        }
        let mut done = Vec::new();
        let mut refused = Vec::new();
        for (source, items, size) in self.content(&download) {
            let old = items
                .iter()
                .filter_map(|item| self.file_of(*item))
                .map(|file| file.quality)
                .max_by_key(|one| rank(*one));
            if let Some(old) = old.filter(|old| rank(*old) >= rank(download.quality)) {
                let name = |place: usize| QUALITIES.get(place).map_or("Unknown", |quality| quality.name(self.kind));
                let what = if self.kind == Kind::Radarr { "movie" } else { "episode" };
                refused.push(format!(
                    "Not an upgrade for existing {what} file(s). Existing quality: {}. New Quality {}.",
                    name(old),
                    name(download.quality)
                ));
                continue;
            }
            done.push(self.import_file(&download, source, items, size, download.quality));
        }
        if !done.is_empty() {
            self.tell_complete(&download, &done);
        }
        if refused.is_empty() {
            self.downloads.retain(|download| download.number != number);
        } else {
            let mut held = Held::blocked(refused);
            held.tracked_state = Some("importPending".to_owned());
            self.hold(number, held);
            self.tell_manual_interaction(number);
        }
    }

    pub(super) fn hold(&mut self, number: u32, held: Held) {
        if let Some(download) = self.downloads.iter_mut().find(|download| download.number == number) {
            download.held = Some(held);
        }
    }

    fn import_file(
        &mut self,
        download: &Download,
        source_path: String,
        items: Vec<u32>,
        size: u64,
        quality: usize,
    ) -> Imported {
        let owner = items.first().map_or(download.owner, |item| self.owner_of(*item));
        let season = items.first().and_then(|item| self.season_of(*item)).unwrap_or_default();
        let old: Vec<u32> = self
            .files
            .iter()
            .filter(|file| file.items.iter().any(|item| items.contains(item)))
            .map(|file| file.id)
            .collect();
        let path = self.path_for(owner, &items, quality);
        let record = FileRecord {
            id: 0,
            owner,
            items: items.clone(),
            season,
            path,
            size,
            quality,
            group: Some(download.group.clone()),
            scene_name: Some(download.title.clone()),
            added: self.now,
        };
        let file = self.put_file(record);
        let replaced: Vec<FileRecord> =
            old.into_iter().filter_map(|id| self.remove_file(id, Reason::Upgrade)).collect();
        for item in &items {
            let data = json!({
                "fileId": file.id.to_string(), "droppedPath": source_path, "importedPath": file.path,
                "downloadClient": download.client(), "downloadClientName": download.client(), "releaseGroup": download.group,
                "customFormatScore": "0", "size": size.to_string(), "indexerFlags": "0",
            });
            self.note(*item, EventType::Imported, &download.title, quality, download.id.as_deref(), data);
        }
        let imported = Imported { file, items, replaced, source_path };
        self.tell_file(download, &imported);
        imported
    }

    pub(super) fn import_told(&mut self, question: &Question<'_>) -> Option<Told> {
        if question.path.as_slice() != ["manualimport"] {
            return None;
        }
        Some(match question.method {
            "GET" => self.import_preview(question),
            // Judges corrected rows again; here a corrected row is a right one.
            "POST" => {
                let mut rows = question.body.clone();
                for row in rows.as_array_mut().into_iter().flatten() {
                    row["rejections"] = json!([]);
                }
                ok(rows)
            }
            _ => Err(Refusal::Method),
        })
    }

    fn import_preview(&self, question: &Question<'_>) -> Told {
        let (id, folder) = (question.get("downloadId"), question.get("folder"));
        if id.is_none() && folder.is_none() {
            return Err(Refusal::Said(400, "folder or downloadId must be provided".to_owned()));
        }
        let wanted = |download: &&Download| match id {
            Some(id) => download.id.as_deref() == Some(id),
            None => folder.is_some_and(|folder| download.output_path().starts_with(folder)),
        };
        let kind = self.kind;
        let mut rows = Vec::new();
        for download in self.downloads.iter().filter(wanted) {
            let reasons = download.held.as_ref().map(|held| held.messages.clone()).unwrap_or_default();
            let rejections: Vec<Value> =
                reasons.iter().map(|reason| json!({"reason": reason, "type": "permanent"})).collect();
            for (path, items, size) in self.content(download) {
                let name = path.rsplit('/').next().unwrap_or_default();
                let mut row = json!({
                    "id": rows.len() + 1, "path": path, "relativePath": name, "folderName": download.title,
                    "name": name.trim_end_matches(".mkv"), "size": size, "quality": quality_model(kind, download.quality),
                    "languages": [self.language_of(download.owner)], "qualityWeight": rank(download.quality) * 100,
                    "releaseGroup": download.group, "downloadId": download.id, "customFormats": [], "customFormatScore": 0,
                    "indexerFlags": 0, "rejections": rejections,
                });
                match kind {
                    Kind::Radarr => {
                        if let Some(movie) = self.movies.iter().find(|movie| items.contains(&movie.id)) {
                            row["movie"] = self.movie_view(movie);
                        }
                    }
                    Kind::Sonarr => {
                        if let Some(show) = self.shows.iter().find(|show| show.id == download.owner) {
                            row["series"] = self.show_view(show);
                        }
                        let known = self.episodes.iter().filter(|episode| items.contains(&episode.id));
                        row["episodes"] = known.map(|episode| self.episode_view(episode)).collect();
                        row["seasonNumber"] = json!(items.first().and_then(|item| self.season_of(*item)));
                        row["releaseType"] = json!(if download.is_pack { "seasonPack" } else { "singleEpisode" });
                    }
                }
                rows.push(row);
            }
        }
        ok(rows)
    }

    /// The command: takes the word of whoever sent it on what each file is.
    pub(super) fn manual_import(&mut self, body: &Value) -> Result<String, String> {
        let files = body["files"].as_array().cloned().unwrap_or_default();
        let mut groups: Vec<(u32, Vec<super::import::Imported>)> = Vec::new();
        for file in &files {
            let id = file["downloadId"].as_str().unwrap_or_default();
            let path = file["path"].as_str().unwrap_or_default();
            let Some(download) = self.downloads.iter().find(|one| one.id.as_deref() == Some(id)).cloned() else {
                return Err(format!("Could not find file {path}"));
            };
            let content = self.content(&download);
            let Some((source, known, size)) = content.into_iter().find(|(source, ..)| source == path) else {
                return Err(format!("Could not find file {path}"));
            };
            let mut items = match self.kind {
                Kind::Radarr => number(&file["movieId"]).into_iter().collect(),
                Kind::Sonarr => numbers(&file["episodeIds"]),
            };
            if items.is_empty() {
                items = known;
            }
            if items.is_empty() {
                return Err(format!("{path}: no movie or episodes were given"));
            }
            let quality = quality_numbered(self.kind, &file["quality"]["quality"]["id"]).unwrap_or(download.quality);
            let imported = self.import_file(&download, source, items, size, quality);
            match groups.iter_mut().find(|(number, _)| *number == download.number) {
                Some((_, done)) => done.push(imported),
                None => groups.push((download.number, vec![imported])),
            }
        }
        let count: usize = groups.iter().map(|(_, done)| done.len()).sum();
        for (number, done) in groups {
            let Some(download) = self.downloads.iter().find(|one| one.number == number).cloned() else { continue };
            self.tell_complete(&download, &done);
            if done.len() >= self.content(&download).len() {
                self.downloads.retain(|one| one.number != number);
            }
        }
        Ok(format!("Manually imported {count} files"))
    }
}
