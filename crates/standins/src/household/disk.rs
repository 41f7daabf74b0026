//! The household's disk: the files that the downloaders import and the media server scans.
//!
//! Clones show the same disk. What is on it at the start is what the demo household already has.

use super::{Film, HOUSEHOLD, Series};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Bytes the whole disk holds.
pub(crate) const CAPACITY: u64 = 4_000_000_000_000;
/// Bytes on it that are nobody's film.
const OTHER: u64 = 1_400_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Film { tmdb: u64 },
    Episode { tvdb: u64, season: u32, number: u32 },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct File {
    pub(crate) what: What,
    /// Bytes.
    pub(crate) size: u64,
    /// Lines of the picture: 480, 720, 1080 or 2160.
    pub(crate) lines: u32,
    pub(crate) hdr: bool,
    pub(crate) added_at_ms: i64,
}

/// Files by path, such as `/films/Metropolis (1927)/Metropolis (1927) Bluray-1080p.mkv`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<BTreeMap<String, File>>>);

/// Films the household has at the start, by TMDb id, with the lines of the picture. 2160 is in HDR.
const FILMS: [(u64, u32); 18] = [
    (19, 1080),
    (653, 1080),
    (961, 2160),
    (10098, 1080),
    (10331, 1080),
    (4808, 720),
    (775, 2160),
    (964, 480),
    (10513, 480),
    (20367, 720),
    (21159, 1080),
    (9_000_002, 1080),
    (962, 1080),
    (643, 720),
    (24452, 480),
    (13562, 1080),
    (9_000_006, 1080),
    (9_000_010, 1080),
];

/// Series the household has at the start, by TVDB id, with the number of episodes of season 1 that are there.
const SERIES: [(u64, u32); 4] = [(9_300_001, 12), (9_300_002, 12), (9_300_003, 4), (9_300_006, 8)];

/// Where films and series live.
pub(crate) const FILM_FOLDER: &str = "/films";
pub(crate) const SERIES_FOLDER: &str = "/series";

impl Film {
    /// Such as `Metropolis (1927)`.
    pub(crate) fn folder(&self) -> String {
        format!("{FILM_FOLDER}/{} ({})", self.title.replace([':', '/'], ""), &self.date[..4])
    }
}

impl Series {
    pub(crate) fn folder(&self) -> String {
        format!("{SERIES_FOLDER}/{}", self.name.replace([':', '/'], ""))
    }
}

/// A plausible size: bytes for so many minutes of so many lines.
pub(crate) fn size_of(minutes: u32, lines: u32) -> u64 {
    let megabytes_a_minute = match lines {
        2160 => 320,
        1080 => 75,
        720 => 35,
        _ => 12,
    };
    u64::from(minutes) * megabytes_a_minute * 1_000_000
}

/// The name of a quality, such as `Bluray-1080p`.
pub(crate) fn quality_of(lines: u32) -> &'static str {
    match lines {
        2160 => "Bluray-2160p",
        1080 => "Bluray-1080p",
        720 => "Bluray-720p",
        _ => "DVD",
    }
}

impl Disk {
    /// What the household has at the start, each file a day older than the one before it.
    pub(crate) fn household(now_ms: i64) -> Self {
        let disk = Self::default();
        let mut days = 0;
        let mut added = || {
            days += 1;
            now_ms - days * 86_400_000
        };
        for (tmdb, lines) in FILMS {
            let Some(film) = HOUSEHOLD.films.iter().find(|film| film.id == tmdb) else { continue };
            let path = format!("{}/{} ({}) {}.mkv", film.folder(), film.title, &film.date[..4], quality_of(lines));
            let (what, size) = (What::Film { tmdb }, size_of(film.runtime, lines));
            disk.put(path, File { what, size, lines, hdr: lines == 2160, added_at_ms: added() });
        }
        for (tvdb, episodes) in SERIES {
            let Some(series) = HOUSEHOLD.series.iter().find(|series| series.tvdb == tvdb) else { continue };
            for number in 1..=episodes {
                let what = What::Episode { tvdb, season: 1, number };
                let path = format!("{}/Season 01/{} - S01E{number:02} - WEBDL-720p.mkv", series.folder(), series.name);
                let size = size_of(series.runtime, 720);
                disk.put(path, File { what, size, lines: 720, hdr: false, added_at_ms: added() });
            }
        }
        disk
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, path: impl Into<String>, file: File) {
        self.files().insert(path.into(), file);
    }

    pub(crate) fn remove(&self, path: &str) -> Option<File> {
        self.files().remove(path)
    }

    /// Every file whose path begins so, by path.
    pub(crate) fn below(&self, folder: &str) -> Vec<(String, File)> {
        self.files().iter().filter(|(path, _)| path.starts_with(folder)).map(|(p, f)| (p.clone(), f.clone())).collect()
    }

    /// Bytes.
    pub(crate) fn free(&self) -> u64 {
        let used: u64 = self.files().values().map(|file| file.size).sum();
        CAPACITY.saturating_sub(OTHER + used)
    }
}
