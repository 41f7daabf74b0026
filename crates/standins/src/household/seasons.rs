//! Seasons as TVDB counts them, which is what Sonarr shows. TMDb agrees about some series and not about others.
//!
//! The shelf names the episodes of one season. Here are the second seasons: the Hillbillies' (TMDb agrees), Dragnet's, of
//! which half is still to come (TMDb does not know it), and Superman's seventeen films, which TMDb counts as one season.

use super::Series;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

pub(crate) const HILLBILLIES: u64 = 9_300_001;
const SUPERMAN: u64 = 9_300_004;
const DRAGNET: u64 = 9_300_006;

/// Of the Hillbillies' second season.
const SECOND: [&str; 10] = [
    "Jed Gets the Misery",
    "Hair-Raising Holiday",
    "Granny's Garden",
    "Elly Starts to School",
    "The Clampett Look",
    "Jethro's First Love",
    "Chickadee Returns",
    "The Clampetts Are Overdrawn",
    "The Clampetts Go Hollywood",
    "Turkey Day",
];

/// Films of Superman in the first of its two seasons.
const SUPERMAN_FIRST: usize = 9;
/// Episodes of Dragnet's second season, and how many of them have aired at the start.
const DRAGNET_SECOND: u32 = 6;
const DRAGNET_AIRED: i32 = 3;

#[derive(Clone, Debug)]
pub(crate) struct TvdbEpisode {
    pub(crate) season: u32,
    pub(crate) number: u32,
    /// Counted through, specials apart.
    pub(crate) absolute: Option<u32>,
    pub(crate) title: String,
    pub(crate) date: Date,
    pub(crate) at: Timestamp,
}

impl Series {
    /// Every episode, specials first. `start` is the day on which the town began: what airs now is counted from it.
    pub(crate) fn tvdb_episodes(&self, start: Date) -> Vec<TvdbEpisode> {
        let first: Date = self.first.parse().unwrap_or(start);
        let mut episodes = Vec::new();
        let mut add = |season: u32, number: usize, title: &str, date: Date| {
            let number = u32::try_from(number).unwrap_or_default();
            episodes.push(TvdbEpisode {
                season,
                number,
                absolute: None,
                title: title.to_owned(),
                date,
                at: self.airs_at(date),
            });
        };
        let weekly = |from: Date, weeks: usize| {
            from.checked_add(i64::try_from(weeks).unwrap_or_default().weeks()).unwrap_or(from)
        };
        let split = if self.tvdb == SUPERMAN { SUPERMAN_FIRST } else { usize::MAX };
        if self.tvdb == HILLBILLIES {
            add(0, 1, "Behind the Scenes", weekly(first, 60));
        }
        for (index, title) in self.episodes.iter().enumerate() {
            if index < split {
                add(1, index + 1, title, weekly(first, index));
            } else {
                add(2, index - split + 1, title, weekly(first, index + 30));
            }
        }
        if self.tvdb == HILLBILLIES {
            for (index, title) in SECOND.iter().enumerate() {
                add(2, index + 1, title, weekly(first, index + 52));
            }
        }
        if self.tvdb == DRAGNET {
            for number in 1..=DRAGNET_SECOND {
                let weeks = i32::try_from(number).unwrap_or_default() - DRAGNET_AIRED;
                // The last of those that have aired was on yesterday.
                let date = start.checked_add((weeks * 7 - 1).days()).unwrap_or(start);
                let place = usize::try_from(number).unwrap_or_default();
                add(2, place, &format!("The Big Case, Part {number}"), date);
            }
        }
        let mut count = 0;
        for episode in episodes.iter_mut().filter(|episode| episode.season > 0) {
            count += 1;
            episode.absolute = Some(count);
        }
        episodes
    }

    fn airs_at(&self, date: Date) -> Timestamp {
        let zone = TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC);
        let (hour, minute) = self.time.split_once(':').unwrap_or(("20", "00"));
        let at = date.at(hour.parse().unwrap_or(20), minute.parse().unwrap_or(0), 0, 0);
        at.to_zoned(zone).map(|at| at.timestamp()).unwrap_or_default()
    }

    /// Whether episodes are still to come.
    pub(crate) fn continues(&self) -> bool {
        self.tvdb == DRAGNET
    }
}
