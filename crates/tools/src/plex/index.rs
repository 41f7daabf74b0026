//! What a Plex library holds, by anybody's id: every film and series with its TMDb, IMDb and TVDB ids, read once, kept small, and
//! brought up to date by looking at what is newest.
//!
//! Plex has no question for "do you have TMDb 603"; so each section is paged through with its ids. Titles stand one after the other
//! in one text, items are a few numbers each, ids are one sorted-by-hash map: about two megabytes for twenty thousand items.

use super::{
    arguments::Shelf,
    client::{Age, Instance, Plex, Query, Section},
    tell::{items, number, total},
};
use futures_util::{
    StreamExt, TryStreamExt,
    future::{try_join_all, try_join3},
    stream,
};
use majordomo_domain::{
    ToolError,
    text::{clean, shorten},
};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// Items of one page while the whole library is read.
const PAGE: usize = 200;
/// Items looked at to see what is new; more are fetched while all of them are.
const NEWEST: usize = 30;
/// Items a library may have; what is more is left out of the index.
const MOST_ITEMS: usize = 500_000;

/// An id of another service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outside {
    Tmdb(u32),
    /// The digits of `tt0133093`.
    Imdb(u32),
    Tvdb(u32),
}

impl Outside {
    /// `tmdb://603`, `imdb://tt0133093`, `tvdb://81189`, and the agents' guids of earlier years such as
    /// `com.plexapp.agents.imdb://tt0133093?lang=en`.
    pub fn parse(guid: &str) -> Option<Self> {
        let (service, id) = guid.split_once("://")?;
        let id = id.split(['?', '/']).next()?;
        match service.strip_prefix("com.plexapp.agents.").unwrap_or(service) {
            "tmdb" | "themoviedb" => id.parse().ok().map(Outside::Tmdb),
            "imdb" => id.strip_prefix("tt")?.parse().ok().map(Outside::Imdb),
            "tvdb" | "thetvdb" => id.parse().ok().map(Outside::Tvdb),
            _ => None,
        }
    }
}

/// Whether it was watched, by the account of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    No,
    Started,
    Yes,
}

/// One film or series, as small as it goes.
#[derive(Clone, Debug)]
struct Entry {
    key: u32,
    title_at: u32,
    title_length: u16,
    year: u16,
    /// Minutes; 0 when unknown.
    minutes: u16,
    /// Lines of the picture; 0 for series and where Plex does not say.
    lines: u16,
    genres: [u16; 4],
    /// Tenths, 0 when there is none.
    rating: u8,
    section: u8,
    is_show: bool,
    has_hdr: bool,
    watched: Watched,
    /// Seconds since the epoch.
    added_at: u32,
    size_bytes: u64,
}

const NO_GENRE: u16 = u16::MAX;

/// What the library has of a title.
#[derive(Clone, Debug, PartialEq)]
pub struct Have<'a> {
    pub rating_key: u32,
    pub shelf: Shelf,
    pub title: &'a str,
    /// 0 when unknown.
    pub year: u16,
    /// Minutes of a film or of an episode; 0 when unknown.
    pub minutes: u16,
    /// Of the picture: 2160, 1080, 720, 576, 480. 0 for series and where Plex does not say.
    pub lines: u16,
    pub has_hdr: bool,
    /// Of a film's files. 0 for series.
    pub size_bytes: u64,
    /// The audience's, 0 to 10. None where there is none.
    pub rating: Option<f32>,
    pub genres: Vec<&'a str>,
    /// Seconds since the epoch.
    pub added_at: u32,
    pub watched: Watched,
    /// Title of the section it is in.
    pub section: &'a str,
}

/// The library as it was a moment ago.
#[derive(Debug, Default)]
pub struct Library {
    sections: Vec<Section>,
    /// Items of each section, as Plex counts them.
    counts: Vec<usize>,
    titles: String,
    genres: Vec<String>,
    entries: Vec<Entry>,
    by_key: HashMap<u32, u32>,
    by_id: HashMap<(bool, Outside), u32>,
}

/// One season of a series: what is there of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Season {
    pub number: u32,
    pub rating_key: u64,
    pub episodes: Vec<Episode>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    pub number: u32,
    pub rating_key: u64,
    pub title: String,
    pub lines: u16,
    pub is_watched: bool,
}

/// Where an instance keeps its library.
#[derive(Default)]
pub struct Index {
    now: RwLock<Option<Kept>>,
    /// One reads at a time; the others wait and use what it read.
    reading: Mutex<()>,
    is_stale: AtomicBool,
}

#[derive(Clone)]
struct Kept {
    library: Arc<Library>,
    looked_at: Instant,
    read_at: Instant,
}

impl Index {
    fn kept(&self) -> Option<Kept> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, kept: Kept) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }
}

impl Library {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Films and series are looked up apart: TMDb gives both the same numbers.
    pub fn find(&self, shelf: Shelf, id: Outside) -> Option<Have<'_>> {
        let at = self.by_id.get(&(shelf == Shelf::Show, id))?;
        self.entries.get(*at as usize).map(|entry| self.have(entry))
    }

    pub fn by_key(&self, rating_key: u32) -> Option<Have<'_>> {
        let at = self.by_key.get(&rating_key)?;
        self.entries.get(*at as usize).map(|entry| self.have(entry))
    }

    /// Every film and series, in no order.
    pub fn all(&self) -> impl Iterator<Item = Have<'_>> {
        self.entries.iter().map(|entry| self.have(entry))
    }

    /// Ids of other services for an item, in no order.
    pub fn ids_of(&self, rating_key: u32) -> Vec<Outside> {
        let Some(at) = self.by_key.get(&rating_key) else { return Vec::new() };
        self.by_id.iter().filter(|(_, own)| *own == at).map(|((_, id), _)| *id).collect()
    }

    /// Every id with the item it belongs to, in no order: for comparing whole lists.
    pub fn ids(&self) -> impl Iterator<Item = (Shelf, Outside, u32)> + '_ {
        self.by_id.iter().filter_map(|((is_show, id), at)| {
            let key = self.entries.get(*at as usize)?.key;
            Some((if *is_show { Shelf::Show } else { Shelf::Movie }, *id, key))
        })
    }

    fn have(&self, entry: &Entry) -> Have<'_> {
        let end = entry.title_at as usize + usize::from(entry.title_length);
        let genres = entry.genres.iter().filter_map(|genre| self.genres.get(usize::from(*genre)));
        Have {
            rating_key: entry.key,
            shelf: if entry.is_show { Shelf::Show } else { Shelf::Movie },
            title: self.titles.get(entry.title_at as usize..end).unwrap_or_default(),
            year: entry.year,
            minutes: entry.minutes,
            lines: entry.lines,
            has_hdr: entry.has_hdr,
            size_bytes: entry.size_bytes,
            rating: (entry.rating > 0).then(|| f32::from(entry.rating) / 10.0),
            genres: genres.map(String::as_str).collect(),
            added_at: entry.added_at,
            watched: entry.watched,
            section: self.sections.get(usize::from(entry.section)).map_or("", |section| section.title.as_str()),
        }
    }

    /// Takes an item in, or renews the one of its number.
    fn put(&mut self, section: usize, item: &Value, has_hdr: bool) {
        let Some(key) = number(&item["ratingKey"]).and_then(|key| u32::try_from(key).ok()) else { return };
        let is_show = item["type"] == "show";
        let small = |value: &Value| number(value).and_then(|number| u16::try_from(number).ok()).unwrap_or(0);
        let minutes = number(&item["duration"]).map_or(0, |duration| duration / 60_000);
        let mut genres = [NO_GENRE; 4];
        let named = item["Genre"].as_array().into_iter().flatten().filter_map(|genre| genre["tag"].as_str());
        for (slot, name) in genres.iter_mut().zip(named) {
            *slot = self.genre(name);
        }
        let media = item["Media"].as_array().map_or(&[][..], Vec::as_slice);
        let parts = media.iter().flat_map(|media| media["Part"].as_array().into_iter().flatten());
        let rating = item["audienceRating"].as_f64().or_else(|| item["rating"].as_f64()).unwrap_or(0.0);
        let known = self.by_key.get(&key).map(|at| *at as usize);
        let title = shorten(&clean(item["title"].as_str().unwrap_or_default()), 200);
        let (title_at, title_length) = match known.and_then(|at| self.entries.get(at)) {
            Some(entry) if self.have(entry).title == title => (entry.title_at, entry.title_length),
            _ => {
                let at = self.titles.len();
                self.titles.push_str(&title);
                (u32::try_from(at).unwrap_or(0), u16::try_from(title.len()).unwrap_or(0))
            }
        };
        let entry = Entry {
            key,
            title_at,
            title_length,
            year: small(&item["year"]),
            minutes: u16::try_from(minutes).unwrap_or(0),
            lines: media.iter().map(lines).max().unwrap_or(0),
            genres,
            // Tenths of 0 to 10 fit.
            rating: (rating.clamp(0.0, 10.0) * 10.0).round() as u8,
            section: u8::try_from(section).unwrap_or(u8::MAX),
            is_show,
            has_hdr,
            watched: watched(item),
            added_at: number(&item["addedAt"]).and_then(|at| u32::try_from(at).ok()).unwrap_or(0),
            size_bytes: parts.filter_map(|part| number(&part["size"])).sum(),
        };
        let at = match known {
            Some(at) => {
                self.entries[at] = entry;
                at
            }
            None if self.entries.len() >= MOST_ITEMS => return,
            None => {
                self.entries.push(entry);
                self.entries.len() - 1
            }
        };
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        self.by_key.insert(key, at);
        let guids = item["Guid"].as_array().into_iter().flatten().filter_map(|guid| guid["id"].as_str());
        for id in guids.chain(item["guid"].as_str()).filter_map(Outside::parse) {
            self.by_id.insert((is_show, id), at);
        }
    }

    fn genre(&mut self, name: &str) -> u16 {
        let name = shorten(&clean(name), 40);
        if let Some(at) = self.genres.iter().position(|known| *known == name) {
            return u16::try_from(at).unwrap_or(NO_GENRE);
        }
        if self.genres.len() >= 1_000 {
            return NO_GENRE;
        }
        self.genres.push(name);
        u16::try_from(self.genres.len() - 1).unwrap_or(NO_GENRE)
    }

    /// The same with room for no more than there is.
    fn fitted(mut self) -> Self {
        self.titles.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.by_key.shrink_to_fit();
        self.by_id.shrink_to_fit();
        self
    }

    fn clone_of(&self) -> Self {
        Self {
            sections: self.sections.clone(),
            counts: self.counts.clone(),
            titles: self.titles.clone(),
            genres: self.genres.clone(),
            entries: self.entries.clone(),
            by_key: self.by_key.clone(),
            by_id: self.by_id.clone(),
        }
    }
}

/// `4k` is 2160; `sd` is what is left.
fn lines(media: &Value) -> u16 {
    match media["videoResolution"].as_str() {
        Some("8k") => 4_320,
        Some("4k") => 2_160,
        Some("2k") => 1_440,
        Some("sd") => 480,
        Some(number) => number.trim_end_matches('p').parse().unwrap_or(0),
        None => 0,
    }
}

fn watched(item: &Value) -> Watched {
    match super::tell::watched(item) {
        Some("watched") => Watched::Yes,
        Some("started") => Watched::Started,
        _ => Watched::No,
    }
}

fn query_of(section: &Section) -> Query {
    vec![("type", section.item_type().to_string()), ("sort", "addedAt:desc".to_owned())]
}

impl Instance {
    /// The library by anybody's ids: read whole at first and every few hours, looked at for what is new in between.
    pub async fn library(&self) -> Result<Arc<Library>, ToolError> {
        if let Some(kept) = self.fresh() {
            return Ok(kept.library);
        }
        let _reading = self.index.reading.lock().await;
        if let Some(kept) = self.fresh() {
            return Ok(kept.library);
        }
        self.index.is_stale.store(false, Ordering::Release);
        let whole_age = Duration::from_secs(self.settings().index_whole_age_s);
        let began = Instant::now();
        let renewed = match self.index.kept() {
            Some(kept) if kept.read_at.elapsed() <= whole_age => {
                self.renewed(&kept).await.map(|library| library.map(|library| (library, kept.read_at)))
            }
            _ => Ok(None),
        };
        let read = match renewed {
            Ok(Some(renewed)) => Ok(renewed),
            Ok(None) => self.whole_library().await.map(|library| (Arc::new(library), began)),
            Err(error) => Err(error),
        };
        match read {
            Ok((library, read_at)) => {
                self.index.keep(Kept { library: library.clone(), looked_at: began, read_at });
                Ok(library)
            }
            Err(error) => {
                self.library_is_stale();
                Err(error)
            }
        }
    }

    /// Something is new or gone: the next question looks.
    pub fn library_is_stale(&self) {
        self.index.is_stale.store(true, Ordering::Release);
    }

    fn fresh(&self) -> Option<Kept> {
        let kept = self.index.kept()?;
        let age = Duration::from_secs(self.settings().index_age_s);
        let is_fresh = !self.index.is_stale.load(Ordering::Acquire) && kept.looked_at.elapsed() < age;
        is_fresh.then_some(kept)
    }

    async fn whole_library(&self) -> Result<Library, ToolError> {
        let all = self.sections().await?;
        let sections: Vec<Section> =
            all.into_iter().filter(|one| matches!(one.kind.as_str(), "movie" | "show")).collect();
        let mut library = Library { sections: sections.clone(), ..Library::default() };
        for (place, section) in sections.iter().enumerate() {
            let hdr = self.hdr_keys(section, None).await?;
            let first = self.part(section, &query_of(section), 0, PAGE).await?;
            let count = total(&first);
            take(&mut library, place, &first, &hdr);
            let rest = (PAGE..count.min(MOST_ITEMS)).step_by(PAGE);
            let mut pages = stream::iter(rest)
                .map(|start| async move { self.part(section, &query_of(section), start, PAGE).await })
                .buffer_unordered(self.settings().at_once);
            while let Some(page) = pages.try_next().await? {
                take(&mut library, place, &page, &hdr);
            }
            drop(pages);
            library.counts.push(count);
        }
        Ok(library.fitted())
    }

    async fn part(&self, section: &Section, query: &Query, start: usize, size: usize) -> Result<Arc<Value>, ToolError> {
        let mut query = query.clone();
        query.push(("includeGuids", "1".to_owned()));
        query.push(("X-Plex-Container-Start", start.to_string()));
        query.push(("X-Plex-Container-Size", size.to_string()));
        self.page(&format!("/library/sections/{}/all", section.key), &query).await
    }

    /// Films with HDR: lists do not say it of their items, only the filter knows. None for the newest of them.
    async fn hdr_keys(&self, section: &Section, newest: Option<usize>) -> Result<HashSet<u64>, ToolError> {
        if section.kind != "movie" {
            return Ok(HashSet::new());
        }
        let mut query = query_of(section);
        query.push(("hdr", "1".to_owned()));
        let size = newest.unwrap_or(PAGE);
        let keys = |page: &Value| items(page).iter().filter_map(|item| number(&item["ratingKey"])).collect::<Vec<_>>();
        let first = self.part(section, &query, 0, size).await?;
        let mut found: HashSet<u64> = keys(&first).into_iter().collect();
        if newest.is_none() {
            let rest = (size..total(&first).min(MOST_ITEMS)).step_by(size);
            let query = &query;
            let mut pages = stream::iter(rest)
                .map(|start| async move { self.part(section, query, start, size).await })
                .buffer_unordered(self.settings().at_once);
            while let Some(page) = pages.try_next().await? {
                found.extend(keys(&page));
            }
        }
        Ok(found)
    }

    /// The library with what is new in it. None when more changed than that shows: something is gone, or there is a new section.
    async fn renewed(&self, kept: &Kept) -> Result<Option<Arc<Library>>, ToolError> {
        let sections: Vec<Section> = self.sections().await?;
        let sections: Vec<&Section> =
            sections.iter().filter(|one| matches!(one.kind.as_str(), "movie" | "show")).collect();
        let known = |one: &&Section| {
            kept.library.sections.iter().any(|other| (&other.key, &other.title) == (&one.key, &one.title))
        };
        if sections.len() != kept.library.sections.len() || !sections.iter().all(known) {
            return Ok(None);
        }
        let looks = kept.library.sections.iter().map(|section| async move {
            // Watched since is what was viewed last; a series' own time follows its episodes.
            let viewed: Query =
                vec![("type", section.item_type().to_string()), ("sort", "lastViewedAt:desc".to_owned())];
            let newest = query_of(section);
            let newest = self.part(section, &newest, 0, NEWEST);
            let viewed = self.part(section, &viewed, 0, NEWEST);
            try_join3(newest, viewed, self.hdr_keys(section, Some(NEWEST))).await
        });
        let seen = try_join_all(looks).await?;
        let mut library = kept.library.clone_of();
        let mut is_changed = false;
        for (place, (newest, viewed, hdr)) in seen.into_iter().enumerate() {
            let is_new = |library: &Library, item: &&Value| {
                let key = number(&item["ratingKey"]).and_then(|key| u32::try_from(key).ok());
                key.is_some_and(|key| !library.by_key.contains_key(&key))
            };
            let new: Vec<&Value> = items(&newest).iter().filter(|item| is_new(&library, item)).collect();
            let count = total(&newest);
            // More new ones than one look shows, or something is gone.
            let before = library.counts.get(place).copied().unwrap_or(0);
            if new.len() == NEWEST || before + new.len() != count {
                return Ok(None);
            }
            is_changed |= !new.is_empty();
            for item in new {
                library.put(place, item, number(&item["ratingKey"]).is_some_and(|key| hdr.contains(&key)));
            }
            if let Some(own) = library.counts.get_mut(place) {
                *own = count;
            }
            // What was watched or got a better file lately.
            for item in items(&viewed).iter().chain(items(&newest)) {
                let key = number(&item["ratingKey"]);
                let at = key.and_then(|key| u32::try_from(key).ok()).and_then(|key| library.by_key.get(&key).copied());
                let Some(entry) = at.and_then(|at| library.entries.get(at as usize)) else { continue };
                let (seen, has_hdr) = (watched(item), entry.has_hdr || key.is_some_and(|key| hdr.contains(&key)));
                let media = item["Media"].as_array().into_iter().flatten().map(lines).max().unwrap_or(0);
                if (entry.watched, entry.lines, entry.has_hdr) != (seen, media, has_hdr) {
                    is_changed = true;
                    library.put(place, item, has_hdr);
                }
            }
        }
        Ok(Some(if is_changed { Arc::new(library.fitted()) } else { kept.library.clone() }))
    }

    /// What is there of a series, season by season. Empty when the server has no such series.
    pub async fn seasons(&self, rating_key: u64) -> Result<Vec<Season>, ToolError> {
        let path = format!("/library/metadata/{rating_key}/allLeaves");
        let Some(answer) = self.find(&path, &Query::new(), Age::List).await? else { return Ok(Vec::new()) };
        let mut seasons: Vec<Season> = Vec::new();
        for item in items(&answer) {
            let small = |value: &Value| number(value).and_then(|number| u32::try_from(number).ok());
            let (Some(season), Some(episode)) = (small(&item["parentIndex"]), small(&item["index"])) else { continue };
            let place = match seasons.iter().position(|one| one.number == season) {
                Some(place) => place,
                None => {
                    let rating_key = number(&item["parentRatingKey"]).unwrap_or(0);
                    seasons.push(Season { number: season, rating_key, episodes: Vec::new() });
                    seasons.len() - 1
                }
            };
            seasons[place].episodes.push(Episode {
                number: episode,
                rating_key: number(&item["ratingKey"]).unwrap_or(0),
                title: super::tell::text(&item["title"], 120),
                lines: item["Media"].as_array().into_iter().flatten().map(lines).max().unwrap_or(0),
                is_watched: watched(item) == Watched::Yes,
            });
        }
        seasons.sort_by_key(|season| season.number);
        for season in &mut seasons {
            season.episodes.sort_by_key(|episode| episode.number);
        }
        Ok(seasons)
    }
}

fn take(library: &mut Library, place: usize, page: &Value, hdr: &HashSet<u64>) {
    for item in items(page) {
        library.put(place, item, number(&item["ratingKey"]).is_some_and(|key| hdr.contains(&key)));
    }
}

impl Plex {
    /// The library of one server; see [`Instance::library`].
    pub async fn library(&self, instance: Option<&str>) -> Result<Arc<Library>, ToolError> {
        self.instance(instance)?.library().await
    }

    /// Something is new or gone somewhere, as a webhook or a timer says.
    pub fn library_is_stale(&self) {
        for name in self.names() {
            if let Ok(instance) = self.instance(Some(name)) {
                instance.library_is_stale();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_understood_as_plex_and_its_earlier_agents_write_them() {
        for (guid, expected) in [
            ("tmdb://603", Some(Outside::Tmdb(603))),
            ("imdb://tt0133093", Some(Outside::Imdb(133_093))),
            ("tvdb://81189", Some(Outside::Tvdb(81_189))),
            ("com.plexapp.agents.imdb://tt0133093?lang=en", Some(Outside::Imdb(133_093))),
            ("com.plexapp.agents.themoviedb://603?lang=de", Some(Outside::Tmdb(603))),
            ("com.plexapp.agents.thetvdb://81189/2/3?lang=en", Some(Outside::Tvdb(81_189))),
            ("plex://movie/5d7768244de0ee001fcc7fed", None),
            ("local://12", None),
            ("imdb://0133093", None),
            ("tmdb", None),
        ] {
            assert_eq!(Outside::parse(guid), expected, "{guid}");
        }
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<Entry>() <= 48, "{} bytes", size_of::<Entry>());
    }
}
