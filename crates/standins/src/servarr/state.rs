//! What an instance holds in memory, and how it moves: whatever is due by the clock happens in its order.

use super::{
    Kind, Question, Refusal, Told,
    commands::{Command, Stage},
    history::{Blocked, Happened},
    indexer::{Offer, Release},
    library::FileRecord,
    queue::Download,
    radarr::{Collection, Movie},
    script::{Fate, HealthIssue, Pace},
    sonarr::{Episode, Show},
    webhooks::{Event, Hook},
};
use crate::household::disk::{Disk, FILM_FOLDER, SERIES_FOLDER};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(super) struct State {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) base: String,
    /// `/films` or `/series`; `/films-4k` for an instance called `4k`.
    pub(super) root: String,
    /// Further root folders, as an admin adds them.
    pub(super) further_roots: Vec<String>,
    /// Where the pictures are, such as `http://127.0.0.1:4002/t/p`.
    pub(super) images: Option<String>,
    pub(super) disk: Disk,
    pub(super) begun: Timestamp,
    /// The moment everything happens at. Set by whoever locks the state.
    pub(super) now: Timestamp,
    pub(super) movies: Vec<Movie>,
    pub(super) shows: Vec<Show>,
    pub(super) episodes: Vec<Episode>,
    pub(super) files: Vec<FileRecord>,
    pub(super) downloads: Vec<Download>,
    pub(super) history: Vec<Happened>,
    pub(super) blocklist: Vec<Blocked>,
    /// Id here to TMDb or TVDB id, title and year.
    pub(super) exclusions: BTreeMap<u32, (u64, String, u32)>,
    pub(super) collections: BTreeMap<u64, Collection>,
    pub(super) commands: VecDeque<Command>,
    pub(super) hooks: Vec<Hook>,
    pub(super) tags: BTreeMap<u32, String>,
    pub(super) health: Vec<HealthIssue>,
    pub(super) free: Option<u64>,
    /// What the indexer has, by TMDb or TVDB id. Whatever is not in here has the ordinary stock.
    pub(super) offers: BTreeMap<u64, Vec<Offer>>,
    /// Results of live searches, with the time they came.
    pub(super) found: Vec<(Timestamp, Release)>,
    pub(super) pace: Pace,
    pub(super) fate: Fate,
    pub(super) withheld: bool,
    pub(super) outbox: VecDeque<Event>,
    pub(super) posted: Vec<Event>,
    ids: BTreeMap<&'static str, u32>,
}

/// Something that will happen by itself.
#[derive(Clone, Copy, Debug)]
enum Due {
    Command(u32),
    Download(u32),
}

/// Things that happen in one look at the clock. A year turned at once is far below it.
const AT_ONCE: usize = 20_000;

impl State {
    pub(super) fn new(kind: Kind, name: &str, base: &str, disk: Disk, images: Option<String>, now: Timestamp) -> Self {
        let folder = if kind == Kind::Radarr { FILM_FOLDER } else { SERIES_FOLDER };
        let root = if name == super::DEFAULT { folder.to_owned() } else { format!("{folder}-{name}") };
        let mut state = Self {
            kind,
            name: name.to_owned(),
            base: base.to_owned(),
            root,
            further_roots: Vec::new(),
            images,
            disk,
            begun: now,
            now,
            movies: Vec::new(),
            shows: Vec::new(),
            episodes: Vec::new(),
            files: Vec::new(),
            downloads: Vec::new(),
            history: Vec::new(),
            blocklist: Vec::new(),
            exclusions: BTreeMap::new(),
            collections: BTreeMap::new(),
            commands: VecDeque::new(),
            hooks: Vec::new(),
            tags: BTreeMap::new(),
            health: Vec::new(),
            free: None,
            offers: BTreeMap::new(),
            found: Vec::new(),
            pace: Pace::default(),
            fate: Fate::default(),
            withheld: false,
            outbox: VecDeque::new(),
            posted: Vec::new(),
            ids: BTreeMap::new(),
        };
        for label in ["kids", "classics"] {
            let id = state.fresh("tag");
            state.tags.insert(id, label.to_owned());
        }
        match kind {
            Kind::Radarr => state.stock_films(),
            Kind::Sonarr => state.stock_series(),
        }
        state
    }

    /// The next number of a kind of record, from 1.
    pub(super) fn fresh(&mut self, of: &'static str) -> u32 {
        let last = self.ids.entry(of).or_default();
        *last += 1;
        *last
    }

    pub(super) fn instance_name(&self) -> String {
        let kind = self.kind.name();
        if self.name == super::DEFAULT { kind.to_owned() } else { format!("{kind} {}", self.name) }
    }

    /// Where a picture is for clients that go past this service.
    pub(super) fn remote(&self, picture: &str) -> String {
        self.images.as_ref().map_or_else(String::new, |base| format!("{base}/original{picture}"))
    }

    /// The drawing behind `/MediaCover/{id}/poster.jpg`.
    pub(super) fn picture(&self, id: u32, file: &str) -> Option<String> {
        let wide = file.starts_with("fanart") || file.starts_with("banner");
        match self.kind {
            Kind::Radarr => self.movies.iter().find(|movie| movie.id == id).map(|movie| movie.picture(wide)),
            Kind::Sonarr => self.shows.iter().find(|show| show.id == id).map(|show| show.picture(wide)),
        }
    }

    /// Movies or series with a tag.
    pub(super) fn tagged(&self, tag: u32) -> Vec<u32> {
        let has = |tags: &BTreeSet<u32>| tags.contains(&tag);
        let movies = self.movies.iter().filter(|movie| has(&movie.tags)).map(|movie| movie.id);
        movies.chain(self.shows.iter().filter(|show| has(&show.tags)).map(|show| show.id)).collect()
    }

    pub(super) fn route(&mut self, question: &Question<'_>) -> Told {
        let own = match self.kind {
            Kind::Radarr => self.radarr(question),
            Kind::Sonarr => self.sonarr(question),
        };
        // What is not of one of them is of both.
        let told = own.or_else(|| self.queue_told(question)).or_else(|| self.history_told(question));
        let told = told.or_else(|| self.command_told(question)).or_else(|| self.release_told(question));
        let told = told.or_else(|| self.hook_told(question)).or_else(|| self.parse_told(question));
        let told = told.or_else(|| self.import_told(question));
        told.unwrap_or_else(|| self.settings(question))
    }

    /// Lets everything happen that is due by `now`, each at its own time.
    pub(super) fn settle(&mut self, now: Timestamp) {
        for _ in 0..AT_ONCE {
            let Some((at, due)) = self.due().filter(|(at, _)| *at <= now) else { break };
            self.now = at;
            self.happen(due);
        }
        self.now = now;
    }

    /// Lets the next thing happen now, whenever it would be due. False when nothing is under way.
    pub(super) fn step(&mut self) -> bool {
        let Some((_, due)) = self.due() else { return false };
        self.happen(due);
        true
    }

    fn due(&self) -> Option<(Timestamp, Due)> {
        let commands = self.commands.iter().filter_map(|command| Some((command.due()?, Due::Command(command.id))));
        let downloads =
            self.downloads.iter().filter_map(|download| Some((download.due()?, Due::Download(download.number))));
        commands.chain(downloads).min_by_key(|(at, _)| *at)
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Command(id) => {
                let now = self.now;
                let Some(command) = self.commands.iter_mut().find(|command| command.id == id) else { return };
                if command.stage == Stage::Queued {
                    command.stage = Stage::Started;
                    command.started = Some(now);
                } else {
                    self.carry_out(id);
                }
            }
            Due::Download(number) => self.move_on(number),
        }
    }
}

/// The refusal for a record that is not there.
pub(super) fn there<T>(found: Option<T>) -> Result<T, Refusal> {
    found.ok_or(Refusal::Missing)
}
