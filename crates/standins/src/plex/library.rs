//! What the Plex stand-in has: sections, items, what each account did with them, playlists, collections, who is watching.
//!
//! Items come from the household's disk by a scan, as on a real server, or are made up in any number for benches.

use crate::household::{
    Film, HOUSEHOLD, Series,
    disk::{Disk, FILM_FOLDER, File, SERIES_FOLDER, What},
    poster,
};
use std::collections::{BTreeMap, BTreeSet};

/// The owner of the server, and somebody it is shared with.
pub(crate) const OWNER: u64 = 1;
pub(crate) const GUEST: u64 = 2;

pub(crate) const FILMS: u64 = 1;
pub(crate) const SERIES: u64 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Movie,
    Show,
    Season,
    Episode,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Movie => "movie",
            Kind::Show => "show",
            Kind::Season => "season",
            Kind::Episode => "episode",
        }
    }

    pub(crate) fn number(self) -> u64 {
        match self {
            Kind::Movie => 1,
            Kind::Show => 2,
            Kind::Season => 3,
            Kind::Episode => 4,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Media {
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) lines: u32,
    pub(crate) hdr: bool,
}

impl Media {
    pub(crate) fn resolution(&self) -> &'static str {
        match self.lines {
            2160.. => "4k",
            1080.. => "1080",
            720.. => "720",
            480.. => "480",
            _ => "sd",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) key: u64,
    pub(crate) kind: Kind,
    pub(crate) section: u64,
    /// The last segment of the `plex://` guid.
    pub(crate) guid: String,
    /// `tmdb://19` and the like.
    pub(crate) guids: Vec<String>,
    /// A guid of the agents before 2020 in place of the above.
    pub(crate) legacy: Option<String>,
    pub(crate) title: String,
    pub(crate) original: Option<String>,
    pub(crate) year: u32,
    pub(crate) date: String,
    pub(crate) summary: String,
    pub(crate) tagline: String,
    pub(crate) studio: String,
    pub(crate) content_rating: String,
    pub(crate) rating: f64,
    pub(crate) minutes: u32,
    /// Seconds since the epoch.
    pub(crate) added_at: i64,
    pub(crate) genres: Vec<String>,
    pub(crate) directors: Vec<String>,
    /// Name and role.
    pub(crate) cast: Vec<(String, String)>,
    pub(crate) country: Option<String>,
    pub(crate) parent: Option<u64>,
    pub(crate) index: u32,
    pub(crate) media: Option<Media>,
    /// The file name of the drawing.
    pub(crate) thumb: String,
    /// Leaves of a show that was made up without episodes.
    pub(crate) made_up_leaves: u32,
}

/// What one account did with one film or episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) views: u32,
    pub(crate) last_viewed_at: Option<i64>,
    /// Milliseconds.
    pub(crate) offset: Option<u64>,
    pub(crate) rating: Option<f64>,
    pub(crate) hidden_from_continue: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) id: u64,
    pub(crate) account: u64,
    /// None when the item was deleted.
    pub(crate) key: Option<u64>,
    pub(crate) title: String,
    pub(crate) viewed_at: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) account: u64,
    pub(crate) key: u64,
    pub(crate) offset: u64,
    pub(crate) transcodes: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Playlist {
    pub(crate) key: u64,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) smart: bool,
    /// Number of the place in the list, and the item.
    pub(crate) items: Vec<(u64, u64)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Collection {
    pub(crate) key: u64,
    pub(crate) section: u64,
    pub(crate) title: String,
    pub(crate) kind: u64,
    pub(crate) items: Vec<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) section: u64,
    /// A part of the section only.
    pub(crate) folder: String,
    /// Seconds since the epoch.
    pub(crate) due_at_ms: i64,
}

#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) titles: [String; 2],
    pub(crate) items: BTreeMap<u64, Item>,
    /// By account and item.
    pub(crate) seen: BTreeMap<(u64, u64), Seen>,
    pub(crate) views: Vec<View>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) playlists: Vec<Playlist>,
    pub(crate) collections: Vec<Collection>,
    pub(crate) scans: Vec<Scan>,
    /// Seconds since the epoch, by section.
    pub(crate) scanned_at: BTreeMap<u64, i64>,
    /// Numbers of genres, people and the like, by kind and name.
    pub(crate) tags: BTreeMap<(&'static str, String), u64>,
    next_key: u64,
    next_number: u64,
}

/// Titles of the two sections, in English and as a household elsewhere may call them.
pub(crate) const ENGLISH: [&str; 2] = ["Films", "Series"];
pub(crate) const GERMAN: [&str; 2] = ["Filme", "Serien"];

impl Library {
    /// What a first scan of the disk finds, and a little of a life with it.
    pub(crate) fn household(disk: &Disk, now: i64) -> Self {
        let mut library = Self::empty();
        for section in [FILMS, SERIES] {
            library.scan(disk, section, "", now);
        }
        library.live(now);
        library
    }

    pub(crate) fn empty() -> Self {
        Self {
            titles: ENGLISH.map(str::to_owned),
            items: BTreeMap::new(),
            seen: BTreeMap::new(),
            views: Vec::new(),
            sessions: Vec::new(),
            playlists: Vec::new(),
            collections: Vec::new(),
            scans: Vec::new(),
            scanned_at: BTreeMap::new(),
            tags: BTreeMap::new(),
            next_key: 1_000,
            next_number: 5_000,
        }
    }

    /// Films and series in the proportion of three to one, without episodes, each with the ids of three services.
    pub(crate) fn made_up(count: u64, now: i64) -> Self {
        const WORDS: [&str; 12] = [
            "Silent", "River", "House", "Night", "Garden", "Winter", "Letter", "Station", "Harbour", "Mirror", "Train",
            "Song",
        ];
        const GENRES: [&str; 6] = ["Drama", "Comedy", "Crime", "Horror", "Western", "Romance"];
        let mut library = Self::empty();
        for number in 0..count {
            let is_film = number % 4 != 3;
            let word = |shift: u64| WORDS[((number / shift) % 12) as usize];
            let title = format!("{} {} {number}", word(1), word(12));
            let year = 1920 + (number % 100) as u32;
            let (kind, section) = if is_film { (Kind::Movie, FILMS) } else { (Kind::Show, SERIES) };
            let lines = [480, 720, 1080, 2160][(number % 7 % 4) as usize];
            let media = is_film.then(|| Media {
                path: format!("{FILM_FOLDER}/{title} ({year})/{title} ({year}).mkv"),
                size: 2_000_000_000 + number * 100_000,
                lines,
                hdr: lines == 2160 && number % 2 == 0,
            });
            library.add(Item {
                key: 0,
                kind,
                section,
                guid: format!("5d7768{number:018x}"),
                guids: vec![
                    format!("imdb://tt{:07}", 5_000_000 + number),
                    format!("tmdb://{}", 2_000_000 + number),
                    format!("tvdb://{}", 3_000_000 + number),
                ],
                legacy: (number % 50 == 0).then(|| match kind {
                    Kind::Movie => format!("com.plexapp.agents.imdb://tt{:07}?lang=en", 5_000_000 + number),
                    _ => format!("com.plexapp.agents.thetvdb://{}?lang=en", 3_000_000 + number),
                }),
                title,
                original: None,
                year,
                date: format!("{year}-06-01"),
                summary: format!("A made-up title with the number {number}, told in a sentence of the usual length, so that answers weigh what they weigh."),
                tagline: String::new(),
                studio: "Nobody".into(),
                content_rating: if number % 3 == 0 { "PG".into() } else { "NR".into() },
                rating: (number % 90) as f64 / 10.0 + 1.0,
                minutes: 60 + (number % 90) as u32,
                added_at: now - (count - number) as i64 * 600,
                genres: vec![GENRES[(number % 6) as usize].into(), GENRES[(number / 6 % 6) as usize].into()],
                directors: vec![format!("Director {}", number % 500)],
                cast: (0..3).map(|place| (format!("Actor {}", (number + place) % 2_000), format!("Role {place}"))).collect(),
                country: Some("US".into()),
                parent: None,
                index: 0,
                media,
                thumb: String::new(),
                made_up_leaves: if is_film { 0 } else { 10 },
            });
        }
        library
    }

    fn next_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    pub(crate) fn new_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.next_number()
    }

    fn add(&mut self, mut item: Item) -> u64 {
        item.key = self.new_key();
        let key = item.key;
        let mut names: Vec<(&'static str, String)> = Vec::new();
        names.extend(item.genres.iter().map(|name| ("genre", name.clone())));
        names.extend(item.directors.iter().map(|name| ("director", name.clone())));
        names.extend(item.cast.iter().map(|(name, _)| ("actor", name.clone())));
        names.extend(item.country.iter().map(|name| ("country", name.clone())));
        for name in names {
            let next = 100 + self.tags.len() as u64;
            self.tags.entry(name).or_insert(next);
        }
        self.items.insert(key, item);
        key
    }

    pub(crate) fn folder(section: u64) -> &'static str {
        if section == FILMS { FILM_FOLDER } else { SERIES_FOLDER }
    }

    /// Takes in what is new below the folder, and drops what is gone. The keys of new films and episodes.
    pub(crate) fn scan(&mut self, disk: &Disk, section: u64, folder: &str, now: i64) -> Vec<u64> {
        let below = if folder.is_empty() { Self::folder(section) } else { folder };
        let files = disk.below(below);
        let known: BTreeMap<String, u64> = self
            .items
            .values()
            .filter(|item| item.section == section)
            .filter_map(|item| Some((item.media.as_ref()?.path.clone(), item.key)))
            .collect();
        let there: BTreeSet<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        for (path, key) in known.iter().filter(|(path, _)| path.starts_with(below) && !there.contains(path.as_str())) {
            let _ = path;
            self.forget(*key);
        }
        let is_first = !self.scanned_at.contains_key(&section);
        self.scanned_at.insert(section, now);
        let mut new = Vec::new();
        for (path, file) in files.iter().filter(|(path, _)| !known.contains_key(path)) {
            let added_at = if is_first { file.added_at_ms / 1_000 } else { now };
            new.extend(match file.what {
                What::Film { tmdb } => self.take_film(tmdb, path, file, added_at),
                What::Episode { tvdb, season, number } => {
                    self.take_episode(tvdb, (season, number), path, file, added_at)
                }
            });
        }
        new
    }

    fn take_film(&mut self, tmdb: u64, path: &str, file: &File, added_at: i64) -> Option<u64> {
        let film = HOUSEHOLD.films.iter().find(|film| film.id == tmdb)?;
        // A better file of a film that is there takes the place of the old one.
        if let Some(item) = self.items.values_mut().find(|item| item.guid == film_guid(film)) {
            item.media = Some(media(path, file));
            return None;
        }
        let mut item = film_item(film);
        (item.added_at, item.media) = (added_at, Some(media(path, file)));
        let key = self.add(item);
        if let Some(title) = &film.collection {
            match self.collections.iter_mut().find(|collection| &collection.title == title) {
                Some(collection) => collection.items.push(key),
                None => {
                    let own = self.new_key();
                    let (title, items) = (title.clone(), vec![key]);
                    self.collections.push(Collection { key: own, section: FILMS, title, kind: 1, items });
                }
            }
        }
        Some(key)
    }

    fn take_episode(&mut self, tvdb: u64, place: (u32, u32), path: &str, file: &File, added_at: i64) -> Option<u64> {
        let series = HOUSEHOLD.series.iter().find(|series| series.tvdb == tvdb)?;
        let (season, number) = place;
        let show = match self.items.values().find(|item| item.guid == series_guid(series)) {
            Some(item) => item.key,
            None => {
                let mut item = series_item(series);
                item.added_at = added_at;
                self.add(item)
            }
        };
        let template = self.items.get(&show)?.clone();
        let blank = |kind: Kind, guid: String, title: String, parent: u64, index: u32| Item {
            key: 0,
            kind,
            guid,
            guids: Vec::new(),
            title,
            parent: Some(parent),
            index,
            media: None,
            added_at,
            summary: String::new(),
            cast: Vec::new(),
            genres: Vec::new(),
            ..template.clone()
        };
        let there =
            self.items.values().find(|item| item.parent == Some(show) && item.index == season).map(|item| item.key);
        let season_key = match there {
            Some(key) => key,
            None => {
                let guid = format!("602e69{:018x}", tvdb * 100 + u64::from(season));
                self.add(blank(Kind::Season, guid, format!("Season {season}"), show, season))
            }
        };
        if let Some(item) = self.items.values_mut().find(|item| item.parent == Some(season_key) && item.index == number)
        {
            item.media = Some(media(path, file));
            return None;
        }
        let name = series.episodes.get(number as usize - 1).filter(|_| season == 1);
        let title = name.cloned().unwrap_or_else(|| format!("Episode {number}"));
        let guid = format!("602e6a{:018x}", tvdb * 10_000 + u64::from(season) * 100 + u64::from(number));
        let mut episode = blank(Kind::Episode, guid, title, season_key, number);
        episode.media = Some(media(path, file));
        episode.guids = vec![format!("tvdb://{}", tvdb * 10_000 + u64::from(season) * 100 + u64::from(number))];
        Some(self.add(episode))
    }

    /// Takes an item out, and parents that are empty then.
    pub(crate) fn forget(&mut self, key: u64) -> Vec<Item> {
        let mut gone: Vec<Item> = Vec::new();
        let mut doomed = vec![key];
        while let Some(key) = doomed.pop() {
            doomed.extend(self.items.values().filter(|item| item.parent == Some(key)).map(|item| item.key));
            let Some(item) = self.items.remove(&key) else { continue };
            if let Some(parent) = item.parent
                && !self.items.values().any(|item| item.parent == Some(parent))
            {
                doomed.push(parent);
            }
            gone.push(item);
        }
        let is_gone = |key: u64| gone.iter().any(|item| item.key == key);
        self.seen.retain(|(_, key), _| !is_gone(*key));
        self.sessions.retain(|session| !is_gone(session.key));
        for view in &mut self.views {
            view.key = view.key.filter(|key| !is_gone(*key));
        }
        for playlist in &mut self.playlists {
            playlist.items.retain(|(_, key)| !is_gone(*key));
        }
        for collection in &mut self.collections {
            collection.items.retain(|key| !is_gone(*key));
        }
        self.collections.retain(|collection| !collection.items.is_empty());
        gone
    }

    /// The item itself, or every episode below it.
    pub(crate) fn leaves(&self, key: u64) -> Vec<u64> {
        match self.items.get(&key).map(|item| item.kind) {
            Some(Kind::Movie | Kind::Episode) => vec![key],
            Some(Kind::Show | Kind::Season) => {
                let mut children: Vec<&Item> = self.children(key);
                children.sort_by_key(|item| item.index);
                children.iter().flat_map(|child| self.leaves(child.key)).collect()
            }
            None => Vec::new(),
        }
    }

    pub(crate) fn children(&self, key: u64) -> Vec<&Item> {
        let mut children: Vec<&Item> = self.items.values().filter(|item| item.parent == Some(key)).collect();
        children.sort_by_key(|item| item.index);
        children
    }

    pub(crate) fn show_of(&self, item: &Item) -> Option<&Item> {
        let parent = self.items.get(&item.parent?)?;
        if parent.kind == Kind::Show { Some(parent) } else { self.items.get(&parent.parent?) }
    }

    pub(crate) fn titled(&self, title: &str) -> Option<&Item> {
        self.items.values().find(|item| item.title == title)
    }

    pub(crate) fn seen(&self, account: u64, key: u64) -> Seen {
        self.seen.get(&(account, key)).cloned().unwrap_or_default()
    }

    pub(crate) fn seen_mut(&mut self, account: u64, key: u64) -> &mut Seen {
        self.seen.entry((account, key)).or_default()
    }

    pub(crate) fn watch(&mut self, account: u64, key: u64, at: i64) {
        for leaf in self.leaves(key) {
            let title = self.items.get(&leaf).map(|item| item.title.clone()).unwrap_or_default();
            let seen = self.seen_mut(account, leaf);
            (seen.views, seen.last_viewed_at, seen.offset) = (seen.views + 1, Some(at), None);
            let id = self.number();
            self.views.push(View { id, account, key: Some(leaf), title, viewed_at: at });
        }
    }

    pub(crate) fn unwatch(&mut self, account: u64, key: u64) {
        for leaf in self.leaves(key) {
            let seen = self.seen_mut(account, leaf);
            (seen.views, seen.last_viewed_at, seen.offset) = (0, None, None);
        }
    }

    /// A few evenings: what the two accounts saw, what they are in the middle of, lists they made.
    fn live(&mut self, now: i64) {
        const DAY: i64 = 86_400;
        let key = |library: &Self, title: &str| library.titled(title).map(|item| item.key);
        for (title, days) in [("Metropolis", 2), ("Nosferatu", 9), ("The Kid", 30), ("The Gold Rush", 400)] {
            if let Some(key) = key(self, title) {
                self.watch(OWNER, key, now - days * DAY);
            }
        }
        for (title, days) in [("The General", 1), ("Night of the Living Dead", 4)] {
            if let Some(key) = key(self, title) {
                self.watch(GUEST, key, now - days * DAY);
            }
        }
        if let Some(show) = key(self, "The Beverly Hillbillies") {
            for (leaf, days) in self.leaves(show).into_iter().zip([7, 6, 5]) {
                self.watch(OWNER, leaf, now - days * DAY);
            }
        }
        if let Some(show) = key(self, "Dragnet")
            && let Some(leaf) = self.leaves(show).first().copied()
        {
            self.watch(GUEST, leaf, now - 3 * DAY);
        }
        let id = self.number();
        let title = "The Lost Reel".to_owned();
        self.views.push(View { id, account: OWNER, key: None, title, viewed_at: now - 12 * DAY });
        if let Some(key) = key(self, "Charade") {
            let seen = self.seen_mut(OWNER, key);
            (seen.offset, seen.last_viewed_at) = (Some(41 * 60_000), Some(now - DAY / 2));
        }
        if let Some(key) = key(self, "Metropolis") {
            self.seen_mut(OWNER, key).rating = Some(9.0);
        }
        if let Some(key) = key(self, "The General") {
            let id = "tsession1".to_owned();
            self.sessions.push(Session { id, account: GUEST, key, offset: 20 * 60_000, transcodes: true });
        }
        let silent = ["Metropolis", "Nosferatu", "The General", "The Kid"];
        let keys: Vec<u64> = silent.iter().filter_map(|title| key(self, title)).collect();
        let items: Vec<(u64, u64)> = keys.into_iter().map(|key| (self.number(), key)).collect();
        let own = self.new_key();
        let (title, summary) = ("Silent evenings".to_owned(), String::new());
        self.playlists.push(Playlist { key: own, title, summary, smart: false, items });
        if let (Some(one), Some(other)) = (key(self, "Nosferatu"), key(self, "Night of the Living Dead")) {
            let own = self.new_key();
            let title = "Frights".to_owned();
            self.collections.push(Collection { key: own, section: FILMS, title, kind: 1, items: vec![one, other] });
        }
    }
}

fn media(path: &str, file: &File) -> Media {
    Media { path: path.to_owned(), size: file.size, lines: file.lines, hdr: file.hdr }
}

pub(crate) fn film_guid(film: &Film) -> String {
    format!("5d7768{:018x}", film.id)
}

pub(crate) fn series_guid(series: &Series) -> String {
    format!("5d9c08{:018x}", series.tvdb)
}

pub(crate) fn film_item(film: &Film) -> Item {
    let mut guids: Vec<String> = film.imdb.iter().map(|id| format!("imdb://{id}")).collect();
    guids.push(format!("tmdb://{}", film.id));
    Item {
        key: 0,
        kind: Kind::Movie,
        section: FILMS,
        guid: film_guid(film),
        guids,
        // One film was never matched anew since the agents changed.
        legacy: film
            .imdb
            .as_ref()
            .filter(|_| film.id == 24_452)
            .map(|id| format!("com.plexapp.agents.imdb://{id}?lang=en")),
        title: film.title.clone(),
        original: (film.original != film.title).then(|| film.original.clone()),
        year: film.date.get(..4).and_then(|year| year.parse().ok()).unwrap_or_default(),
        date: film.date.clone(),
        summary: film.overview.clone(),
        tagline: film.tagline.clone(),
        studio: film.company.clone(),
        content_rating: film.us.clone(),
        rating: film.vote,
        minutes: film.runtime,
        added_at: 0,
        genres: film.genres.clone(),
        directors: vec![film.director.clone()],
        cast: film.cast.clone(),
        country: Some(film.country.clone()),
        parent: None,
        index: 0,
        media: None,
        thumb: poster::film_poster(film),
        made_up_leaves: 0,
    }
}

pub(crate) fn series_item(series: &Series) -> Item {
    let mut guids: Vec<String> = series.imdb.iter().map(|id| format!("imdb://{id}")).collect();
    guids.extend([format!("tmdb://{}", series.id), format!("tvdb://{}", series.tvdb)]);
    Item {
        key: 0,
        kind: Kind::Show,
        section: SERIES,
        guid: series_guid(series),
        guids,
        legacy: None,
        title: series.name.clone(),
        original: None,
        year: series.first.get(..4).and_then(|year| year.parse().ok()).unwrap_or_default(),
        date: series.first.clone(),
        summary: series.overview.clone(),
        tagline: String::new(),
        studio: series.network.clone(),
        content_rating: series.us.clone(),
        rating: series.vote,
        minutes: series.runtime,
        added_at: 0,
        genres: series.genres.clone(),
        directors: Vec::new(),
        cast: series.cast.clone(),
        country: Some("US".into()),
        parent: None,
        index: 0,
        media: None,
        thumb: poster::series_poster(series),
        made_up_leaves: 0,
    }
}
