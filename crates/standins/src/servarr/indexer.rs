//! What the indexers have, what of it is taken, and what a person may pick from.

use super::{
    Kind, Question, Refusal, Told, numbers, ok,
    settings::{INDEXERS, QUALITIES, language, profile, quality_model, quality_named, quality_numbered, rank},
    state::{State, there},
};
use crate::household::{HOUSEHOLD, disk::size_of};
use jiff::{SignedDuration, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Results of a live search can be grabbed for so long.
const KEPT: SignedDuration = SignedDuration::from_mins(30);

/// One release an indexer has. As JSON only `quality` is required.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// By name, such as `WEBDL-1080p`.
    pub quality: String,
    /// The release's name. Made from title, season and quality when absent.
    #[serde(default)]
    pub title: Option<String>,
    /// Bytes. Plausible for the quality when absent.
    #[serde(default)]
    pub size: Option<u64>,
    #[serde(default = "some_seeders")]
    pub seeders: u32,
    /// 1 is a torrent indexer, 2 one of usenet.
    #[serde(default = "first_indexer")]
    pub indexer: u32,
    #[serde(default = "some_hours")]
    pub age_hours: u32,
    /// Sonarr only.
    #[serde(default)]
    pub season: Option<u32>,
    /// Sonarr only. Empty is the whole season.
    #[serde(default)]
    pub episodes: Vec<u32>,
    /// Sonarr only: a single episode that a query for its season also brings.
    #[serde(default)]
    pub with_season: bool,
    /// Reasons on top of those the service finds itself.
    #[serde(default)]
    pub rejections: Vec<String>,
    /// The indexer lists it but does not hand it over.
    #[serde(default)]
    pub refuses: bool,
    /// Held back by a delay profile for so many minutes.
    #[serde(default)]
    pub delay_minutes: u32,
}

fn some_seeders() -> u32 {
    25
}

fn first_indexer() -> u32 {
    1
}

fn some_hours() -> u32 {
    48
}

impl Offer {
    /// A film, or a whole season once [`Offer::season`] is said.
    pub fn of(quality: &str) -> Self {
        Self {
            quality: quality.to_owned(),
            title: None,
            size: None,
            seeders: some_seeders(),
            indexer: first_indexer(),
            age_hours: some_hours(),
            season: None,
            episodes: Vec::new(),
            with_season: false,
            rejections: Vec::new(),
            refuses: false,
            delay_minutes: 0,
        }
    }

    pub fn season(mut self, season: u32) -> Self {
        self.season = Some(season);
        self
    }

    pub fn episodes(mut self, season: u32, episodes: impl IntoIterator<Item = u32>) -> Self {
        self.season = Some(season);
        self.episodes = episodes.into_iter().collect();
        self
    }

    pub fn title(mut self, title: &str) -> Self {
        self.title = Some(title.to_owned());
        self
    }

    pub fn size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    pub fn seeders(mut self, seeders: u32) -> Self {
        self.seeders = seeders;
        self
    }

    pub fn rejected(mut self, reason: &str) -> Self {
        self.rejections.push(reason.to_owned());
        self
    }

    pub fn refuses(mut self) -> Self {
        self.refuses = true;
        self
    }
}

/// An offer as the service understood it.
#[derive(Clone, Debug)]
pub(super) struct Release {
    pub(super) offer: Offer,
    pub(super) guid: String,
    pub(super) title: String,
    pub(super) size: u64,
    pub(super) quality: usize,
    pub(super) group: String,
    /// Movie or series.
    pub(super) owner: u32,
    /// The movie, or the episodes it contains that the service knows.
    pub(super) items: Vec<u32>,
    pub(super) rejections: Vec<String>,
    /// Only rejected for now: held back by a delay profile.
    pub(super) later: bool,
}

impl Release {
    pub(super) fn indexer(&self) -> (u32, &'static str, &'static str) {
        INDEXERS.into_iter().find(|(id, ..)| *id == self.offer.indexer).unwrap_or(INDEXERS[0])
    }

    pub(super) fn is_pack(&self) -> bool {
        self.offer.season.is_some() && self.offer.episodes.is_empty()
    }

    /// 40 hex digits, as clients name a torrent.
    pub(super) fn hash(&self) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut digits = String::new();
        for _ in 0..3 {
            for byte in self.guid.bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            digits.push_str(&format!("{hash:016X}"));
        }
        digits.truncate(40);
        digits
    }
}

/// What a query is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    Movie(u32),
    Season(u32, u32),
    Episode(u32),
}

fn dotted(text: &str) -> String {
    let kept = text.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '.' });
    kept.collect::<String>().split('.').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// A quality as releases write it.
fn in_a_name(quality: usize) -> &'static str {
    match QUALITIES.get(quality).map_or("", |quality| quality.name(Kind::Radarr)) {
        "SDTV" => "HDTV.x264",
        "WEBRip-480p" => "480p.WEBRip.x264",
        "WEBDL-480p" => "480p.WEB-DL.x264",
        "DVD" => "DVDRip.x264",
        "Bluray-480p" => "480p.BluRay.x264",
        "HDTV-720p" => "720p.HDTV.x264",
        "WEBRip-720p" => "720p.WEBRip.x264",
        "WEBDL-720p" => "720p.WEB-DL.x264",
        "Bluray-720p" => "720p.BluRay.x264",
        "HDTV-1080p" => "1080p.HDTV.x264",
        "WEBRip-1080p" => "1080p.WEBRip.x264",
        "WEBDL-1080p" => "1080p.WEB-DL.x264",
        "Bluray-1080p" => "1080p.BluRay.x264",
        "Remux-1080p" => "1080p.BluRay.REMUX.AVC",
        "HDTV-2160p" => "2160p.HDTV.x265",
        "WEBRip-2160p" => "2160p.WEBRip.x265",
        "WEBDL-2160p" => "2160p.WEB-DL.x265",
        "Bluray-2160p" => "2160p.BluRay.x265",
        "Remux-2160p" => "2160p.BluRay.REMUX.HEVC",
        _ => "x264",
    }
}

impl State {
    /// What the indexers have of a film or series, by its TMDb or TVDB id: what was scripted, else the ordinary stock.
    fn stock(&self, id: u64) -> Vec<Offer> {
        if let Some(scripted) = self.offers.get(&id) {
            return scripted.clone();
        }
        match self.kind {
            Kind::Radarr => {
                let usenet = Offer { indexer: 2, seeders: 0, ..Offer::of("WEBDL-720p") };
                let all = ["Bluray-1080p", "WEBDL-1080p", "Bluray-720p", "DVD"].map(Offer::of);
                let large = Offer { seeders: 4, ..Offer::of("Bluray-2160p") };
                all.into_iter().chain([usenet, large]).collect()
            }
            Kind::Sonarr => {
                let Some(series) = HOUSEHOLD.series.iter().find(|series| series.tvdb == id) else { return Vec::new() };
                let mut offers = Vec::new();
                let facts = series.tvdb_episodes(self.begun_on());
                let mut seasons: Vec<u32> = facts.iter().map(|fact| fact.season).collect();
                seasons.dedup();
                for season in seasons {
                    let of_it = facts.iter().filter(|fact| fact.season == season);
                    if season > 0 && of_it.clone().all(|fact| self.has_aired(fact.at)) {
                        offers.extend(["WEBDL-1080p", "WEBDL-720p"].map(|quality| Offer::of(quality).season(season)));
                    }
                    for fact in of_it.filter(|fact| self.has_aired(fact.at)) {
                        offers.extend(
                            ["WEBDL-1080p", "WEBDL-720p"]
                                .map(|quality| Offer::of(quality).episodes(season, [fact.number])),
                        );
                    }
                }
                offers
            }
        }
    }

    /// Everything the indexers answer to a query, judged, best first.
    pub(super) fn query(&self, query: Query, interactive: bool) -> Vec<Release> {
        let Some((owner, external)) = (match query {
            Query::Movie(id) => self.movies.iter().find(|movie| movie.id == id).map(|movie| (id, movie.film.id)),
            Query::Season(id, _) => self.shows.iter().find(|show| show.id == id).map(|show| (id, show.series.tvdb)),
            Query::Episode(id) => {
                self.episodes.iter().find(|episode| episode.id == id).map(|episode| (episode.show, episode.tvdb))
            }
        }) else {
            return Vec::new();
        };
        let offers = self.stock(external).into_iter().filter(|offer| self.answers(query, offer));
        let mut releases: Vec<Release> =
            offers.filter_map(|offer| self.understood(owner, external, offer, query, interactive)).collect();
        // A person's list has the rejected at its end; both lists are in the service's order of preference.
        releases.sort_by_key(|release| {
            let seeders = release.offer.seeders;
            (!release.rejections.is_empty(), std::cmp::Reverse((rank(release.quality), release.is_pack(), seeders)))
        });
        releases
    }

    /// Whether a query brings an offer. A season's query brings packs, and single episodes only where the indexer lists
    /// them so; an episode's query brings that episode.
    fn answers(&self, query: Query, offer: &Offer) -> bool {
        match query {
            Query::Movie(_) => true,
            Query::Season(_, season) => {
                offer.season == Some(season) && (offer.episodes.is_empty() || offer.with_season)
            }
            Query::Episode(id) => self.episodes.iter().find(|episode| episode.id == id).is_some_and(|episode| {
                offer.season == Some(episode.season) && offer.episodes.contains(&episode.number)
            }),
        }
    }

    fn understood(&self, owner: u32, external: u64, offer: Offer, query: Query, interactive: bool) -> Option<Release> {
        let quality = quality_named(&offer.quality)?;
        let (title, minutes, items) = match self.kind {
            Kind::Radarr => {
                let film = self.movies.iter().find(|movie| movie.id == owner)?.film;
                (format!("{}.{}", dotted(&film.title), film.date.get(..4)?), film.runtime, vec![owner])
            }
            Kind::Sonarr => {
                let series = self.shows.iter().find(|show| show.id == owner)?.series;
                let season = offer.season?;
                let mut name = format!("{}.S{season:02}", dotted(&series.name));
                for number in &offer.episodes {
                    name.push_str(&format!("E{number:02}"));
                }
                let in_it = self.episodes.iter().filter(|episode| episode.show == owner && episode.season == season);
                let in_it = in_it.filter(|one| offer.episodes.is_empty() || offer.episodes.contains(&one.number));
                let items: Vec<u32> = in_it.map(|episode| episode.id).collect();
                let count = u32::try_from(items.len()).unwrap_or(1).max(1);
                (name, series.runtime * count, items)
            }
        };
        let group = "HOUSE".to_owned();
        let title = offer.title.clone().unwrap_or_else(|| format!("{title}.{}-{group}", in_a_name(quality)));
        let lines = QUALITIES.get(quality).map_or(480, |quality| quality.lines);
        let size = offer.size.unwrap_or_else(|| size_of(minutes, lines));
        let guid = format!("https://indexer-{}.invalid/{external}/{}", offer.indexer, dotted(&title));
        let later = offer.delay_minutes > 0 && !interactive;
        let mut release =
            Release { offer, guid, title, size, quality, group, owner, items, rejections: Vec::new(), later };
        release.rejections = self.judged(&release, query, interactive);
        Some(release)
    }

    /// A scripted offer of something in the library.
    pub(super) fn release_of(&self, query: Query, offer: Offer) -> Option<Release> {
        let owner = match query {
            Query::Movie(id) | Query::Season(id, _) => id,
            Query::Episode(id) => self.owner_of(id),
        };
        self.understood(owner, 0, offer, query, true)
    }

    /// A scripted offer of something nobody knows.
    pub(super) fn unknown_release(offer: Offer, quality: usize) -> Release {
        let title = offer.title.clone().unwrap_or_else(|| format!("Something.Else.{}", in_a_name(quality)));
        Release {
            guid: format!("https://indexer-{}.invalid/0/{}", offer.indexer, dotted(&title)),
            size: offer.size.unwrap_or_else(|| size_of(90, QUALITIES.get(quality).map_or(480, |one| one.lines))),
            offer,
            title,
            quality,
            group: "HOUSE".to_owned(),
            owner: 0,
            items: Vec::new(),
            rejections: Vec::new(),
            later: false,
        }
    }

    /// Why a release is not taken by itself.
    fn judged(&self, release: &Release, query: Query, interactive: bool) -> Vec<String> {
        let mut reasons = release.offer.rejections.clone();
        let kind = self.kind;
        let profile = profile(self.profile_of(release.owner));
        let name = QUALITIES.get(release.quality).map_or("Unknown", |quality| quality.name(kind));
        if !profile.is_some_and(|profile| profile.allows(release.quality)) {
            reasons.push(format!("{name} is not wanted in profile"));
        }
        let (_, indexer, protocol) = release.indexer();
        if protocol == "torrent" && release.offer.seeders == 0 {
            reasons.push("Not enough seeders: 0. Minimum seeders: 1".to_owned());
        }
        let blocked = |row: &super::history::Blocked| row.source_title == release.title && row.indexer == indexer;
        if self.blocklist.iter().any(blocked) {
            reasons.push("Release is blocklisted".to_owned());
        }
        for item in &release.items {
            let Some(file) = self.file_of(*item) else { continue };
            let had = QUALITIES.get(file.quality).map_or("Unknown", |quality| quality.name(kind));
            let upgrades = profile.is_some_and(|profile| profile.upgrades);
            if rank(release.quality) <= rank(file.quality) {
                reasons.push(format!("Existing file on disk is of equal or higher preference: {had} v1"));
                break;
            }
            if !upgrades || !self.below_cutoff(file.quality, self.profile_of(release.owner)) {
                reasons.push(format!("Existing file meets cutoff: {had}"));
                break;
            }
        }
        let queued = self.downloads.iter().filter(|download| download.id.is_some());
        let queued = queued.filter(|download| release.items.iter().any(|item| download.items.contains(item)));
        if let Some(better) = queued.clone().find(|download| rank(download.quality) >= rank(release.quality)) {
            let had = QUALITIES.get(better.quality).map_or("Unknown", |quality| quality.name(kind));
            reasons.push(format!("Release in queue is of equal or higher preference: {had} v1"));
        }
        if release.is_pack() {
            // A day of grace, as the service gives it.
            let until = self.now.checked_add(24.hours()).unwrap_or(self.now);
            let aired = |id: &u32| self.episodes.iter().any(|one| one.id == *id && one.at <= until);
            if !release.items.iter().all(aired) {
                reasons.push("Full season release rejected. All episodes haven't aired yet.".to_owned());
            }
        }
        if release.items.is_empty() {
            reasons.push("Unable to identify correct episode(s) using release name and scene mappings".to_owned());
        }
        if !interactive && let Query::Season(show, _) = query {
            let monitored = |id: &u32| self.episodes.iter().any(|one| one.id == *id && one.monitored);
            if self.shows.iter().any(|one| one.id == show && !one.monitored) {
                reasons.push("Series is not monitored".to_owned());
            } else if !release.items.iter().all(monitored) {
                let several = release.items.len() > 1;
                let reason = if several { "One or more episodes is not monitored" } else { "Episode is not monitored" };
                reasons.push(reason.to_owned());
            }
        }
        reasons
    }

    /// Takes the best of what a query brings, and further ones as long as they bring something else. How many were taken.
    pub(super) fn take(&mut self, releases: Vec<Release>) -> usize {
        let (mut taken, mut covered): (usize, Vec<u32>) = (0, Vec::new());
        for release in releases.into_iter().filter(|release| release.rejections.is_empty()) {
            if release.items.iter().any(|item| covered.contains(item)) {
                continue;
            }
            if release.offer.refuses {
                continue;
            }
            covered.extend(release.items.iter().copied());
            if release.later {
                let minutes = i64::from(release.offer.delay_minutes);
                let until = self.now.checked_add(minutes.minutes()).unwrap_or(self.now);
                self.hold_back(&release, until);
            } else {
                self.grab(&release, false);
                taken += 1;
            }
        }
        taken
    }

    pub(super) fn release_view(&self, release: &Release, weight: usize) -> Value {
        let kind = self.kind;
        let (id, indexer, protocol) = release.indexer();
        let hours = release.offer.age_hours;
        let published = self.now.checked_sub(i64::from(hours).hours()).unwrap_or(self.now);
        let approved = release.rejections.is_empty();
        let mut view = json!({
            "id": 0, "guid": release.guid, "indexerId": id, "indexer": indexer, "title": release.title, "size": release.size,
            "quality": quality_model(kind, release.quality), "qualityWeight": rank(release.quality) * 100, "age": hours / 24,
            "ageHours": f64::from(hours), "ageMinutes": f64::from(hours) * 60.0, "releaseGroup": release.group, "releaseHash": "",
            "sceneSource": false, "languages": [self.language_of(release.owner)], "customFormats": [], "customFormatScore": 0,
            "approved": approved && !release.later, "temporarilyRejected": approved && release.later,
            "rejected": !approved, "rejections": release.rejections, "publishDate": published,
            "commentUrl": format!("{}/comments", release.guid), "downloadUrl": format!("{}/download", release.guid),
            "infoUrl": release.guid, "downloadAllowed": !release.items.is_empty(), "releaseWeight": weight,
            "protocol": protocol,
        });
        if protocol == "torrent" {
            view["seeders"] = json!(release.offer.seeders);
            view["leechers"] = json!(release.offer.seeders / 5);
            view["infoHash"] = json!(release.hash());
        }
        match kind {
            Kind::Radarr => {
                let movie = self.movies.iter().find(|movie| movie.id == release.owner);
                view["movieTitles"] = json!(movie.map(|movie| [&movie.film.title]));
                view["mappedMovieId"] = json!(release.owner);
                view["tmdbId"] = json!(movie.map(|movie| movie.film.id));
                view["movieRequested"] = json!(true);
                view["indexerFlags"] = json!([]);
            }
            Kind::Sonarr => {
                let show = self.shows.iter().find(|show| show.id == release.owner);
                let known = self.episodes.iter().filter(|episode| release.items.contains(&episode.id));
                let mapped: Vec<Value> = known
                    .map(|episode| {
                        json!({"id": episode.id, "seasonNumber": episode.season, "episodeNumber": episode.number,
                            "absoluteEpisodeNumber": episode.absolute, "title": episode.title})
                    })
                    .collect();
                view["fullSeason"] = json!(release.is_pack());
                view["seasonNumber"] = json!(release.offer.season);
                view["episodeNumbers"] = json!(release.offer.episodes);
                view["absoluteEpisodeNumbers"] = json!([]);
                view["mappedSeasonNumber"] = json!(release.offer.season);
                view["mappedEpisodeNumbers"] = json!(self.numbers_of(&release.items));
                view["mappedSeriesId"] = json!(release.owner);
                view["mappedEpisodeInfo"] = json!(mapped);
                view["seriesTitle"] = json!(show.map(|show| &show.series.name));
                view["tvdbId"] = json!(show.map(|show| show.series.tvdb));
                view["episodeRequested"] = json!(true);
                view["languageWeight"] = json!(0);
                view["indexerFlags"] = json!(0);
                view["isDaily"] = json!(false);
                view["isAbsoluteNumbering"] = json!(false);
                view["special"] = json!(release.offer.season == Some(0));
            }
        }
        view
    }

    pub(super) fn release_told(&mut self, question: &Question<'_>) -> Option<Told> {
        if question.path.as_slice() != ["release"] {
            return None;
        }
        Some(match question.method {
            "GET" => self.release_search(question),
            "POST" => self.release_grab(&question.body),
            _ => Err(Refusal::Method),
        })
    }

    fn release_search(&mut self, question: &Question<'_>) -> Told {
        let query = match self.kind {
            Kind::Radarr => question.id("movieId").map(Query::Movie),
            Kind::Sonarr => match (question.id("episodeId"), question.id("seriesId"), question.id("seasonNumber")) {
                (Some(episode), ..) => Some(Query::Episode(episode)),
                (_, Some(series), Some(season)) => Some(Query::Season(series, season)),
                _ => None,
            },
        };
        // Without a target the service shows its feed, which is empty here.
        let Some(query) = query else { return ok(json!([])) };
        let known = match query {
            Query::Movie(id) => self.movies.iter().any(|movie| movie.id == id),
            Query::Season(id, _) => self.shows.iter().any(|show| show.id == id),
            Query::Episode(id) => self.episodes.iter().any(|episode| episode.id == id),
        };
        if !known {
            return Err(Refusal::Missing);
        }
        let now = self.now;
        let releases = self.query(query, true);
        self.found.retain(|(at, known)| {
            now.duration_since(*at) < KEPT && !releases.iter().any(|release| release.guid == known.guid)
        });
        self.found.extend(releases.iter().map(|release| (now, release.clone())));
        ok(releases.iter().enumerate().map(|(weight, one)| self.release_view(one, weight)).collect::<Vec<_>>())
    }

    fn release_grab(&mut self, body: &Value) -> Told {
        let (guid, indexer) = (body["guid"].as_str().unwrap_or_default(), body["indexerId"].as_u64());
        let now = self.now;
        self.found.retain(|(at, _)| now.duration_since(*at) < KEPT);
        let found = self
            .found
            .iter()
            .find(|(_, one)| one.guid == guid && Some(u64::from(one.offer.indexer)) == indexer)
            .map(|(_, release)| release.clone());
        let missing = "Couldn't find requested release in cache, try searching again";
        let mut release = found.ok_or_else(|| Refusal::Said(404, missing.to_owned()))?;
        if body["shouldOverride"] == true {
            let items = match self.kind {
                Kind::Radarr => body["movieId"].as_u64().and_then(|id| u32::try_from(id).ok()).into_iter().collect(),
                Kind::Sonarr => numbers(&body["episodeIds"]),
            };
            if let Some(first) = items.first() {
                release.owner = self.owner_of(*first);
                release.items = items;
            }
            if let Some(quality) = quality_numbered(self.kind, &body["quality"]["quality"]["id"]) {
                release.quality = quality;
            }
        }
        if release.items.is_empty() {
            let unable = "Unable to parse episodes in the release, will need to be manually provided";
            return Err(Refusal::Said(404, unable.to_owned()));
        }
        if release.offer.refuses {
            return Err(Refusal::Said(409, "Getting release from indexer failed".to_owned()));
        }
        let view = self.release_view(&release, 0);
        self.grab(&release, true);
        ok(view)
    }

    pub(super) fn language_of(&self, owner: u32) -> Value {
        let movie = self.movies.iter().find(|movie| movie.id == owner);
        language(movie.map_or("en", |movie| movie.film.language.as_str()))
    }

    pub(super) fn profile_of(&self, owner: u32) -> u32 {
        match self.kind {
            Kind::Radarr => self.movies.iter().find(|movie| movie.id == owner).map(|movie| movie.profile),
            Kind::Sonarr => self.shows.iter().find(|show| show.id == owner).map(|show| show.profile),
        }
        .unwrap_or_default()
    }

    /// Whether a record of the queue still stands for something that is wanted.
    pub(super) fn grab_pending(&mut self, number: u32) -> Told {
        let place = there(self.downloads.iter().position(|download| download.number == number))?;
        let release = there(self.downloads.get(place).and_then(|download| download.pending.clone()))?;
        self.downloads.remove(place);
        self.grab(&release, true);
        ok(json!({}))
    }
}
