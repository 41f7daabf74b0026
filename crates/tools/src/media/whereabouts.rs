//! “Where is my film?”: the first true cause along the way from the wish to the evening, and what could not be looked at.
//!
//! Pure: what the services said comes in, one sentence goes out. A service that could not be asked is named as such; it never
//! counts as “nothing there”.

use serde::Serialize;

/// What a service said, or why it could not be asked.
pub(crate) type Said<T> = Result<T, String>;

/// Everything that is known of one wish.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// Such as `Metropolis (1927)` or `Dragnet, season 2`.
    pub title: String,
    /// What one part is called: `episode`, or empty for a film.
    pub unit: &'static str,
    /// Who fetches it, such as `Radarr` or `Sonarr 4k`.
    pub fetcher: String,
    /// What shows it, such as `Plex`; None where no library is set up.
    pub library_name: Option<String>,
    pub wish: Said<Option<Wished>>,
    pub record: Said<Option<Record>>,
    pub queue: Said<Vec<Download>>,
    pub past: Said<Past>,
    /// What the fetcher complains about, such as `All indexers are unavailable`.
    pub complaints: Said<Vec<String>>,
    /// How many parts the library shows, and how well.
    pub library: Said<Shown>,
}

/// The wish as the house knows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wished {
    /// Waits for a yes: whose, and since when in words.
    Waits {
        whose: String,
        since: String,
    },
    Declined {
        reason: String,
    },
    Granted,
}

/// What the fetcher knows of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    /// Parts that were wished for; 1 for a film.
    pub wanted: u32,
    /// Of those: with a file.
    pub with_file: u32,
    /// Of those without a file: not monitored.
    pub unmonitored: u32,
    /// Of those without a file and monitored: not out yet.
    pub unreleased: u32,
    /// When the next of them is out, in words: `its digital release on 2027-01-12`; None when nobody knows.
    pub next_release: Option<String>,
    /// When it was last looked for, in words; None for never.
    pub last_search: Option<String>,
    /// The folder it belongs in cannot be reached.
    pub folder_missing: Option<String>,
    pub profile: String,
}

/// Something on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Download {
    pub state: DownloadState,
    /// 0 to 100.
    pub percent: u8,
    /// Such as `12 min`.
    pub time_left: Option<String>,
    /// Why it does not go on, in plain words.
    pub problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DownloadState {
    Moving,
    Waiting,
    Paused,
    /// Held back by a rule until a time.
    Delayed,
    Importing,
    Stalled,
    ClientAway,
    Failed,
    ImportBlocked,
}

/// What has happened to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Past {
    /// The newest of these, if any; the first letter tells the order: later wins.
    pub last: Option<Happened>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    Grabbed { when: String },
    Failed { when: String, reason: String },
    Imported { when: String },
    Deleted { when: String, reason: String },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shown {
    pub parts: u32,
    /// Such as `1080p`.
    pub quality: Option<String>,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Whereabouts {
    pub cause: Cause,
    /// One or two sentences for people.
    pub line: String,
    /// What could not be looked at, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub could_not_ask: Vec<String>,
    /// What would help, if somebody may do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    Watchable,
    WaitsForYes,
    Declined,
    NotWanted,
    NotMonitored,
    NotReleased,
    FolderMissing,
    ClientAway,
    ImportBlocked,
    DownloadFailed,
    Stalled,
    Importing,
    Downloading,
    Paused,
    Delayed,
    Queued,
    NotScanned,
    Downloaded,
    FileDeleted,
    IndexersDown,
    NeverSearched,
    NothingFound,
    FailedBefore,
    /// What would tell could not be asked.
    Unknown,
}

/// The first true cause, in the order of the way: wish, record, release, download, import, library, search.
pub(crate) fn whereabouts(evidence: &Evidence) -> Whereabouts {
    let mut finding = Finding { evidence, unchecked: Vec::new() };
    let (cause, line, next) = finding.cause();
    finding.unchecked.dedup();
    Whereabouts { cause, line, could_not_ask: finding.unchecked, next }
}

struct Finding<'a> {
    evidence: &'a Evidence,
    unchecked: Vec<String>,
}

type Found = (Cause, String, Option<&'static str>);

impl<'a> Finding<'a> {
    fn heard<T>(&mut self, who: &str, said: &'a Said<T>) -> Option<&'a T> {
        match said {
            Ok(value) => Some(value),
            Err(reason) => {
                self.unchecked.push(format!("{who} could not be asked: {reason}"));
                None
            }
        }
    }

    fn cause(&mut self) -> Found {
        let evidence = self.evidence;
        let title = &evidence.title;
        let fetcher = evidence.fetcher.as_str();
        let wish = self.heard("the list of requests", &evidence.wish).cloned().flatten();
        let shown = match &evidence.library_name {
            Some(name) => self.heard(name, &evidence.library).cloned(),
            None => None,
        };
        let record = self.heard(fetcher, &evidence.record).cloned();
        let wanted = record.as_ref().and_then(Option::as_ref).map_or(1, |record| record.wanted.max(1));
        // Without the fetcher nobody knows how many parts there are.
        let is_uncounted = record.is_none() && !evidence.unit.is_empty();
        if let Some(shown) = &shown
            && shown.parts >= wanted
            && !is_uncounted
        {
            let quality = shown.quality.as_ref().map(|q| format!(" in {q}")).unwrap_or_default();
            let library = evidence.library_name.as_deref().unwrap_or("the library");
            return (Cause::Watchable, format!("{title} is in {library}{quality} and can be watched now."), None);
        }
        match wish {
            Some(Wished::Waits { whose, since }) => {
                let line = format!("{title} waits for the yes of {whose}, since {since}.");
                return (Cause::WaitsForYes, line, None);
            }
            Some(Wished::Declined { reason }) if matches!(record, Some(None) | None) => {
                let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                return (Cause::Declined, format!("{title} was declined{why}."), None);
            }
            _ => {}
        }
        let record = match record {
            Some(Some(record)) => record,
            Some(None) => {
                let line = format!("Nobody has asked {fetcher} for {title} yet.");
                return (Cause::NotWanted, line, Some("request it"));
            }
            None => {
                let parts = shown.map_or(0, |shown| shown.parts);
                let line = match &evidence.library_name {
                    Some(library) if parts > 0 => format!(
                        "{library} shows {parts} {}{} of {title}; whether that is all of it cannot be told, because {fetcher} could not be \
                         asked.",
                        evidence.unit,
                        if parts == 1 { "" } else { "s" },
                    ),
                    _ => format!("Where {title} is cannot be told, because {fetcher} could not be asked."),
                };
                return (Cause::Unknown, line, None);
            }
        };
        if record.wanted == 0 {
            let unit = evidence.unit;
            let line = format!("{fetcher} knows no {unit} of {title} yet: the number may be wrong, or nothing is out.");
            return (Cause::NotReleased, line, None);
        }
        let missing = record.wanted.saturating_sub(record.with_file);
        if missing == 0 {
            return self.downloaded(&record, shown.as_ref());
        }
        let some = self.some(missing, record.wanted);
        if record.unmonitored >= missing {
            let line =
                format!("{fetcher} knows {title}, but is not told to look for {}.", self.it(missing, record.wanted));
            return (Cause::NotMonitored, line, Some("have it monitored and searched"));
        }
        // What is on its way comes before why it was not: somebody may have fetched it by hand.
        let queue = self.heard(&format!("the queue of {fetcher}"), &evidence.queue);
        if let Some(found) = queue.and_then(|queue| in_queue(title, fetcher, queue)) {
            return found;
        }
        if let Some(folder) = &record.folder_missing {
            let line = format!("{fetcher} cannot reach the folder {folder}, so {title} cannot be put there.");
            return (Cause::FolderMissing, line, Some("an admin mends the folder"));
        }
        if record.unreleased + record.unmonitored >= missing {
            let when = record.next_release.as_ref().map_or_else(
                || "and nobody knows yet when it will be".to_owned(),
                |release| format!("not before {release}"),
            );
            return (Cause::NotReleased, format!("{title} is not out yet{}: {when}.", some), None);
        }
        let past = self.heard(&format!("the history of {fetcher}"), &evidence.past);
        let last = past.and_then(|past| past.last.as_ref());
        match last {
            Some(Happened::Failed { when, reason }) => {
                let line =
                    format!("The last download of {title} failed {when}: {reason}. Nothing has taken its place yet.");
                return (Cause::FailedBefore, line, Some("look for another release"));
            }
            Some(Happened::Deleted { when, reason }) => {
                let line = format!("The file of {title} was deleted {when} ({reason}).");
                return (Cause::FileDeleted, line, Some("search it again"));
            }
            Some(Happened::Grabbed { when }) if queue.is_some() => {
                let line = format!(
                    "{fetcher} sent {title} to the download client {when}, but the client does not list it any more."
                );
                return (Cause::FailedBefore, line, Some("look for another release"));
            }
            _ => {}
        }
        let complaints = self.heard(&format!("the health of {fetcher}"), &evidence.complaints);
        let about_search = complaints.into_iter().flatten().find(|text| is_about_indexers(text));
        if let Some(complaint) = about_search {
            let line = format!("{fetcher} cannot look for {title}: {}.", complaint.trim_end_matches('.'));
            return (Cause::IndexersDown, line, Some("an admin looks after the indexers"));
        }
        let Some(searched) = &record.last_search else {
            let line = format!("{fetcher} has never looked for {title}.");
            return (Cause::NeverSearched, line, Some("search it now"));
        };
        if queue.is_none() || past.is_none() {
            let line = format!("{fetcher} last looked for {title} {searched}; what came of it cannot be told now.");
            return (Cause::Unknown, line, None);
        }
        let line = format!(
            "{fetcher} last looked for {title} {searched} and found nothing it may take with the profile {}{some}.",
            record.profile
        );
        (Cause::NothingFound, line, Some("see what there is, or allow another quality"))
    }

    /// Every part has a file; the library does not show all of them.
    fn downloaded(&self, record: &Record, shown: Option<&Shown>) -> Found {
        let (title, fetcher) = (&self.evidence.title, &self.evidence.fetcher);
        match (&self.evidence.library_name, shown) {
            (Some(library), Some(shown)) => {
                let of = if record.wanted > 1 {
                    format!(" ({} of {} shown)", shown.parts, record.wanted)
                } else {
                    String::new()
                };
                let line = format!("{title} is downloaded, but {library} does not show it yet{of}.");
                (Cause::NotScanned, line, Some("have the library scanned"))
            }
            (Some(library), None) => {
                let line =
                    format!("{fetcher} has {title} downloaded; whether {library} shows it could not be checked.");
                (Cause::Downloaded, line, None)
            }
            (None, _) => (Cause::Downloaded, format!("{fetcher} has {title} downloaded."), None),
        }
    }

    /// Such as ` (3 of 10 episodes are missing)`; nothing for a film.
    fn some(&self, missing: u32, wanted: u32) -> String {
        if wanted < 2 { String::new() } else { format!(" ({missing} of {wanted} {}s are missing)", self.evidence.unit) }
    }

    fn it(&self, missing: u32, wanted: u32) -> String {
        match wanted {
            0 | 1 => "it".into(),
            _ => format!("{missing} of its {wanted} {}s", self.evidence.unit),
        }
    }
}

fn is_about_indexers(complaint: &str) -> bool {
    let complaint = complaint.to_lowercase();
    complaint.contains("indexer") && !complaint.contains("some indexers") || complaint.contains("no download client")
}

/// The most telling of what is on its way: what stands still before what moves.
fn in_queue(title: &str, fetcher: &str, queue: &[Download]) -> Option<Found> {
    let worst = queue.iter().max_by_key(|download| download.state)?;
    let percent = worst.percent;
    let left = worst.time_left.as_ref().map(|left| format!(", {left} left")).unwrap_or_default();
    let problem = worst.problem.as_deref().unwrap_or("no reason is given").trim_end_matches('.');
    Some(match worst.state {
        DownloadState::Moving => (Cause::Downloading, format!("{title} is downloading: {percent} %{left}."), None),
        DownloadState::Waiting => (Cause::Queued, format!("{title} waits in the download client for its turn."), None),
        DownloadState::Paused => (
            Cause::Paused,
            format!("The download of {title} is paused at {percent} %."),
            Some("resume it in the client"),
        ),
        DownloadState::Delayed => {
            (Cause::Delayed, format!("{title} was found and is held back: {problem}."), Some("grab it now"))
        }
        DownloadState::Importing => {
            (Cause::Importing, format!("{title} is downloaded and {fetcher} is putting it in its place."), None)
        }
        DownloadState::Stalled => {
            let line = format!("The download of {title} stands still at {percent} %: {problem}.");
            (Cause::Stalled, line, Some("remove it and take another release"))
        }
        DownloadState::ClientAway => {
            let line = format!("{fetcher} cannot reach the download client that has {title}.");
            (Cause::ClientAway, line, Some("an admin looks after the download client"))
        }
        DownloadState::Failed => {
            let line = format!("The download of {title} failed: {problem}.");
            (Cause::DownloadFailed, line, Some("take another release"))
        }
        DownloadState::ImportBlocked => {
            let line = format!("{title} is downloaded, but {fetcher} does not take it in: {problem}.");
            (Cause::ImportBlocked, line, Some("look at the import"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn film() -> Evidence {
        Evidence {
            title: "Metropolis (1927)".into(),
            unit: "",
            fetcher: "Radarr".into(),
            library_name: Some("Plex".into()),
            wish: Ok(Some(Wished::Granted)),
            record: Ok(Some(Record {
                wanted: 1,
                last_search: Some("two hours ago".into()),
                profile: "HD-1080p".into(),
                ..Record::default()
            })),
            queue: Ok(Vec::new()),
            past: Ok(Past::default()),
            complaints: Ok(Vec::new()),
            library: Ok(Shown::default()),
        }
    }

    fn record(change: impl FnOnce(&mut Record)) -> Said<Option<Record>> {
        let mut record = film().record.unwrap().unwrap();
        change(&mut record);
        Ok(Some(record))
    }

    fn download(state: DownloadState, problem: Option<&str>) -> Said<Vec<Download>> {
        let time_left = Some("12 min".to_owned());
        Ok(vec![Download { state, percent: 42, time_left, problem: problem.map(str::to_owned) }])
    }

    fn faults() -> Vec<(&'static str, Cause, Evidence)> {
        let waits = Wished::Waits { whose: "an admin".into(), since: "yesterday".into() };
        vec![
            ("waits for a yes", Cause::WaitsForYes, Evidence { wish: Ok(Some(waits)), record: Ok(None), ..film() }),
            (
                "declined",
                Cause::Declined,
                Evidence { wish: Ok(Some(Wished::Declined { reason: "too big".into() })), record: Ok(None), ..film() },
            ),
            ("never asked for", Cause::NotWanted, Evidence { wish: Ok(None), record: Ok(None), ..film() }),
            ("not monitored", Cause::NotMonitored, Evidence { record: record(|r| r.unmonitored = 1), ..film() }),
            (
                "not out yet",
                Cause::NotReleased,
                Evidence {
                    record: record(|r| {
                        r.unreleased = 1;
                        r.next_release = Some("its digital release on 2027-01-12".into());
                    }),
                    ..film()
                },
            ),
            ("never searched", Cause::NeverSearched, Evidence { record: record(|r| r.last_search = None), ..film() }),
            ("nothing found", Cause::NothingFound, film()),
            (
                "indexers down",
                Cause::IndexersDown,
                Evidence { complaints: Ok(vec!["All indexers are unavailable due to failures".into()]), ..film() },
            ),
            ("downloading", Cause::Downloading, Evidence { queue: download(DownloadState::Moving, None), ..film() }),
            (
                "stalled",
                Cause::Stalled,
                Evidence { queue: download(DownloadState::Stalled, Some("nobody shares it")), ..film() },
            ),
            ("client away", Cause::ClientAway, Evidence { queue: download(DownloadState::ClientAway, None), ..film() }),
            (
                "import blocked",
                Cause::ImportBlocked,
                Evidence { queue: download(DownloadState::ImportBlocked, Some("only a sample")), ..film() },
            ),
            ("no parts", Cause::NotReleased, Evidence { unit: "episode", record: record(|r| r.wanted = 0), ..film() }),
            ("not scanned", Cause::NotScanned, Evidence { record: record(|r| r.with_file = 1), ..film() }),
            (
                "failed before",
                Cause::FailedBefore,
                Evidence {
                    past: Ok(Past {
                        last: Some(Happened::Failed { when: "yesterday".into(), reason: "it was damaged".into() }),
                    }),
                    ..film()
                },
            ),
            (
                "deleted",
                Cause::FileDeleted,
                Evidence {
                    past: Ok(Past {
                        last: Some(Happened::Deleted { when: "yesterday".into(), reason: "by hand".into() }),
                    }),
                    ..film()
                },
            ),
            (
                "folder gone",
                Cause::FolderMissing,
                Evidence { record: record(|r| r.folder_missing = Some("/films".into())), ..film() },
            ),
            (
                "here",
                Cause::Watchable,
                Evidence { library: Ok(Shown { parts: 1, quality: Some("1080p".into()) }), ..film() },
            ),
        ]
    }

    #[test]
    fn the_first_true_cause_is_named() {
        let mut lines = String::new();
        for (name, cause, evidence) in faults() {
            let found = whereabouts(&evidence);
            assert_eq!(found.cause, cause, "{name}: {found:?}");
            assert_eq!(found.could_not_ask, [""; 0], "{name}");
            lines.push_str(&format!("{name}: {}\n", found.line));
        }
        insta::assert_snapshot!("whereabouts", lines);
    }

    #[test]
    fn with_any_service_away_the_cause_is_right_or_says_what_could_not_be_asked() {
        let away = || "no answer within 10 s".to_owned();
        for (name, cause, evidence) in faults() {
            let without: [(&str, Evidence); 6] = [
                ("wish", Evidence { wish: Err(away()), ..evidence.clone() }),
                ("record", Evidence { record: Err(away()), ..evidence.clone() }),
                ("queue", Evidence { queue: Err(away()), ..evidence.clone() }),
                ("past", Evidence { past: Err(away()), ..evidence.clone() }),
                ("complaints", Evidence { complaints: Err(away()), ..evidence.clone() }),
                ("library", Evidence { library: Err(away()), ..evidence.clone() }),
            ];
            for (what, evidence) in without {
                let found = whereabouts(&evidence);
                let is_right = found.cause == cause;
                let is_honest = !found.could_not_ask.is_empty();
                assert!(is_right || is_honest, "{name} without {what}: {found:?}");
                // A service that is away is never taken for an empty one.
                if what == "record" {
                    assert!(is_honest, "{name}: {found:?}");
                    assert_ne!(found.cause, Cause::NotWanted, "{name}");
                }
                if what == "queue" && matches!(cause, Cause::Downloading | Cause::Stalled | Cause::ImportBlocked) {
                    assert_ne!(found.cause, Cause::NothingFound, "{name}");
                }
            }
        }
    }

    #[test]
    fn of_a_season_what_is_missing_is_counted() {
        let season = |record: Record, shown: u32| {
            let evidence = Evidence {
                title: "Dragnet, season 2".into(),
                unit: "episode",
                fetcher: "Sonarr".into(),
                record: Ok(Some(Record { wanted: 10, ..record })),
                library: Ok(Shown { parts: shown, quality: None }),
                ..film()
            };
            whereabouts(&evidence).line
        };
        let searched = Some("an hour ago".to_owned());
        assert_eq!(
            season(Record { with_file: 7, last_search: searched, profile: "Any".into(), ..Record::default() }, 7),
            "Sonarr last looked for Dragnet, season 2 an hour ago and found nothing it may take with the profile Any (3 of 10 episodes are missing)."
        );
        assert_eq!(
            season(Record { with_file: 10, ..Record::default() }, 8),
            "Dragnet, season 2 is downloaded, but Plex does not show it yet (8 of 10 shown)."
        );
        let evidence = Evidence {
            title: "Dragnet, season 2".into(),
            unit: "episode",
            fetcher: "Sonarr".into(),
            record: Err("it did not answer".into()),
            library: Ok(Shown { parts: 4, quality: None }),
            ..film()
        };
        let found = whereabouts(&evidence);
        assert_eq!(
            (found.cause, found.line.as_str()),
            (
                Cause::Unknown,
                "Plex shows 4 episodes of Dragnet, season 2; whether that is all of it cannot be told, because Sonarr could not be asked."
            )
        );
        assert_eq!(
            season(Record { unmonitored: 10, ..Record::default() }, 0),
            "Sonarr knows Dragnet, season 2, but is not told to look for 10 of its 10 episodes."
        );
    }
}
