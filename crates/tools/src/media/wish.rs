//! A wish: what exactly is wanted and where it is fetched; how large it will be, for whom it is, and what a person may still ask for.
//!
//! Pure. Sizes are guesses, and are told as such.

use crate::servarr::{Doctor, stuck::Grace};
use majordomo_domain::{Standing, ToolError};
use majordomo_store::{RequestUsage, Store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use url::Url;

/// What is kept of a request in its row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Wish {
    pub kind: Kind,
    pub tmdb: Option<u64>,
    pub tvdb: Option<u64>,
    pub title: String,
    pub year: Option<u32>,
    /// Sonarr's numbers; empty for a film.
    pub seasons: Vec<u32>,
    /// Single episodes, as season and number, beside whole seasons.
    pub episodes: Vec<(u32, u32)>,
    /// Of Radarr or Sonarr, as in the settings.
    pub instance: String,
    pub profile: String,
    pub root_folder: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    #[default]
    #[serde(alias = "movie")]
    Film,
    #[serde(alias = "tv", alias = "show")]
    Series,
}

impl Wish {
    /// The key of its request. One for a title and an instance: further seasons of a series join it.
    pub fn subject(&self) -> String {
        let (kind, id) = match self.kind {
            Kind::Film => ("film", self.tmdb.map(|id| format!("tmdb:{id}"))),
            Kind::Series => ("series", self.tvdb.map(|id| format!("tvdb:{id}"))),
        };
        format!("{kind} {} {}", id.unwrap_or_else(|| "unknown".into()), self.instance)
    }

    /// Such as `Dragnet (1951), seasons 1 and 3`.
    pub fn in_words(&self) -> String {
        let year = self.year.map(|year| format!(" ({year})")).unwrap_or_default();
        let mut parts: Vec<String> = Vec::new();
        match self.seasons.as_slice() {
            [] => {}
            [one] => parts.push(format!("season {one}")),
            many => parts.push(format!("seasons {}", list(many.iter().map(u32::to_string)))),
        }
        match self.episodes.len() {
            0 => {}
            1..=3 => parts.push(list(self.episodes.iter().map(|(season, number)| code(*season, *number)))),
            n => parts.push(format!("{n} single episodes")),
        }
        let parts = if parts.is_empty() { String::new() } else { format!(", {}", parts.join(" and ")) };
        format!("{}{year}{parts}", self.title)
    }

    /// Whether everything that another wish for the same wants is wanted by this one.
    pub fn holds(&self, other: &Wish) -> bool {
        !self.clone().join(other)
    }

    /// Take in what a second wish for the same wants beyond the first; whether that was anything.
    pub fn join(&mut self, other: &Wish) -> bool {
        let before = (self.seasons.clone(), self.episodes.clone());
        self.seasons
            .extend(other.seasons.iter().copied().filter(|season| !self.seasons.contains(season)).collect::<Vec<_>>());
        self.seasons.sort_unstable();
        // A whole season has its episodes; one that is named besides is wanted no further.
        let seasons = self.seasons.clone();
        self.episodes.retain(|episode| !seasons.contains(&episode.0));
        let fresh: Vec<_> = other
            .episodes
            .iter()
            .copied()
            .filter(|episode| !self.episodes.contains(episode) && !self.seasons.contains(&episode.0))
            .collect();
        self.episodes.extend(fresh);
        self.episodes.sort_unstable();
        before != (self.seasons.clone(), self.episodes.clone())
    }

    /// Take whole seasons out of it, with single episodes of them; whether it wanted anything of them.
    pub fn leave_out(&mut self, seasons: &[u32]) -> bool {
        let before = (self.seasons.len(), self.episodes.len());
        self.seasons.retain(|season| !seasons.contains(season));
        self.episodes.retain(|(season, _)| !seasons.contains(season));
        before != (self.seasons.len(), self.episodes.len())
    }

    pub fn wants(&self, season: u32, number: u32) -> bool {
        self.seasons.contains(&season) || self.episodes.contains(&(season, number))
    }
}

/// `S02E05`.
pub(crate) fn code(season: u32, number: u32) -> String {
    format!("S{season:02}E{number:02}")
}

/// `1, 2 and 3`.
pub(crate) fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// Bytes to expect for so many minutes at so many lines of picture. From what releases of ordinary bit rates come to: 1, 3, 8 and 25
/// Mbit/s.
pub(crate) fn expected_bytes(minutes: u32, lines: u32) -> u64 {
    let bytes_a_minute: u64 = match lines {
        2_160.. => 187_500_000,
        1_080.. => 60_000_000,
        720.. => 22_500_000,
        _ => 7_500_000,
    };
    u64::from(minutes) * bytes_a_minute
}

/// The age a certification is for, in years. None for one that says nothing of age: whoever has a ceiling may not have it.
/// Source: the lists of TMDb `GET /certification/{movie,tv}/list` for US, GB, DE, FR, ES.
pub(crate) fn age_of(certification: &str) -> Option<u32> {
    let text = certification.trim().to_ascii_uppercase();
    let known = match text.as_str() {
        "G" | "TV-Y" | "TV-G" | "U" | "APTA" | "A" | "TP" | "AL" => 0,
        "TV-Y7" | "TV-Y7-FV" => 7,
        "PG" | "TV-PG" => 10,
        "12A" => 12,
        "PG-13" => 13,
        "TV-14" => 14,
        "R" | "TV-MA" => 17,
        "NC-17" | "R18" => 18,
        _ => {
            let digits: String =
                text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
            return digits.parse().ok().filter(|age| *age <= 21);
        }
    };
    Some(known)
}

/// `[tools.media]`: who may ask for how much.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// The window in days, 1 to 365. Default 7.
    pub days: Option<u32>,
    /// Requests within the window.
    pub count: Option<u64>,
    /// Requests that are not over, whenever asked.
    pub open: Option<u64>,
    /// Expected gigabytes within the window.
    pub gigabytes: Option<u64>,
}

impl Quota {
    pub fn window_ms(&self) -> i64 {
        i64::from(self.days.unwrap_or(7).clamp(1, 365)) * 86_400_000
    }

    /// What forbids another request of this size, in one sentence for the person.
    pub fn refuses(&self, usage: &RequestUsage, size_bytes: u64, now_ms: i64) -> Option<String> {
        let days = self.days.unwrap_or(7);
        let frees = usage.oldest_ms.map(|at| at + self.window_ms() - now_ms).filter(|left| *left > 0).map(|left| {
            let hours = (left + 3_599_999) / 3_600_000;
            if hours > 47 {
                format!("; the next one is free in {} days", (hours + 23) / 24)
            } else {
                format!("; the next one is free in {hours} hours")
            }
        });
        let frees = frees.unwrap_or_default();
        if let Some(most) = self.open.filter(|most| usage.open >= *most) {
            return Some(format!(
                "{} of {most} requests at once are open already; one has to be over first",
                usage.open
            ));
        }
        if let Some(most) = self.count.filter(|most| usage.count >= *most) {
            return Some(format!("{} of {most} requests in {days} days are used{frees}", usage.count));
        }
        if let Some(most) = self.gigabytes
            && usage.size_bytes + size_bytes > most * 1_000_000_000
        {
            let left = (most * 1_000_000_000).saturating_sub(usage.size_bytes);
            return Some(format!(
                "this is expected to take about {}, and {} of {most} GB in {days} days are left{frees}",
                crate::text::bytes(size_bytes),
                crate::text::bytes(left)
            ));
        }
        None
    }

    /// What is left after this one, for the card; empty where nothing is limited.
    pub fn left(&self, usage: &RequestUsage, size_bytes: u64) -> String {
        let mut parts = Vec::new();
        if let Some(most) = self.count {
            parts.push(format!("{} of {most} requests", most.saturating_sub(usage.count + 1)));
        }
        if let Some(most) = self.gigabytes {
            let left = (most * 1_000_000_000).saturating_sub(usage.size_bytes + size_bytes);
            parts.push(format!("{} of {most} GB", left / 1_000_000_000));
        }
        parts.join(", ")
    }
}

/// Quotas and ceilings by standing, or by the name of a person.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// By `admin`, `member`, `child` or `guest`.
    pub quotas: BTreeMap<String, Quota>,
    /// By name, in place of the standing's.
    pub people: BTreeMap<String, Quota>,
    /// The oldest age, in years, that a film may be for: by standing or by name. What has no known rating is above every ceiling.
    pub age_ceilings: BTreeMap<String, u32>,
    /// When a download counts as stuck.
    pub stuck: Stuck,
    /// Where Radarr and Sonarr reach this service for their webhooks, where that is not `server.public_url`.
    pub hooks_url: Option<Url>,
}

/// `[tools.media.stuck]`: how long a download is left alone before something is done about it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stuck {
    /// Without a byte more. Minutes, 1 to 43 200, default 360.
    pub stalled_minutes: u32,
    /// A finished one, for its unpacker and its import. Minutes, 1 to 43 200, default 30.
    pub finished_minutes: u32,
    /// A failed one, for the application's own handling. Minutes, 1 to 43 200, default 60.
    pub failed_minutes: u32,
    /// How long a removed release is remembered. Days, 1 to 3 650, default 180.
    pub remember_days: u32,
}

impl Default for Stuck {
    fn default() -> Self {
        Self { stalled_minutes: 360, finished_minutes: 30, failed_minutes: 60, remember_days: 180 }
    }
}

impl Bounds {
    /// Who judges downloads by these quiet times, and remembers in this store.
    pub(crate) fn doctor(&self, store: Option<Store>) -> Doctor {
        let minutes = |minutes: u32| jiff::SignedDuration::from_mins(minutes.into());
        let Stuck { stalled_minutes, finished_minutes, failed_minutes, remember_days } = self.stuck;
        let grace = Grace {
            stalled: minutes(stalled_minutes),
            unpacking: minutes(finished_minutes),
            importing: minutes(finished_minutes),
            failed: minutes(failed_minutes),
        };
        Doctor::new(grace, remember_days, store)
    }

    pub fn quota(&self, standing: Standing, name: &str) -> Option<&Quota> {
        named(&self.people, name).or_else(|| self.quotas.get(standing.as_str()))
    }

    pub fn ceiling(&self, standing: Standing, name: &str) -> Option<u32> {
        named(&self.age_ceilings, name).or_else(|| self.age_ceilings.get(standing.as_str())).copied()
    }

    /// Refuse what is for older people than this one may have.
    pub fn check_age(&self, standing: Standing, name: &str, title: &str, age: Option<u32>) -> Result<(), ToolError> {
        let Some(ceiling) = self.ceiling(standing, name) else { return Ok(()) };
        match age {
            Some(age) if age <= ceiling => Ok(()),
            Some(age) => Err(ToolError::TellModel(format!(
                "{title} is for people from {age}; {name} may have what is for {ceiling} at most"
            ))),
            None => Err(ToolError::TellModel(format!(
                "nobody has said for which age {title} is; {name} may have what is for {ceiling} at most, so an adult has to ask for it"
            ))),
        }
    }

    pub(crate) fn problems(&self) -> crate::Problems {
        let standings = ["guest", "child", "member", "admin"];
        let mut problems = crate::Problems::default();
        for standing in self.quotas.keys() {
            problems.unless("quotas", standings.contains(&standing.as_str()), || {
                format!("there is no standing “{standing}”; there are guest, child, member, admin")
            });
        }
        for (key, quotas) in [("quotas", &self.quotas), ("people", &self.people)] {
            for days in quotas.values().filter_map(|quota| quota.days) {
                problems.unless(key, (1..=365).contains(&days), || format!("days: {days} is not between 1 and 365"));
            }
        }
        let stuck = &self.stuck;
        problems
            .range("stuck.stalled_minutes", stuck.stalled_minutes.into(), 1, 43_200)
            .range("stuck.finished_minutes", stuck.finished_minutes.into(), 1, 43_200)
            .range("stuck.failed_minutes", stuck.failed_minutes.into(), 1, 43_200)
            .range("stuck.remember_days", stuck.remember_days.into(), 1, 3_650);
        for age in self.age_ceilings.values() {
            problems.unless("age_ceilings", *age <= 21, || format!("{age} is not between 0 and 21"));
        }
        problems
    }
}

fn named<'a, T>(map: &'a BTreeMap<String, T>, name: &str) -> Option<&'a T> {
    map.iter().find(|(known, _)| known.to_lowercase() == name.to_lowercase()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_told_in_words_and_a_second_one_joins_it() {
        let mut wish = Wish {
            kind: Kind::Series,
            tvdb: Some(9),
            title: "Dragnet".into(),
            year: Some(1951),
            seasons: vec![2],
            instance: "default".into(),
            ..Wish::default()
        };
        assert_eq!(
            (wish.in_words(), wish.subject()),
            ("Dragnet (1951), season 2".into(), "series tvdb:9 default".into())
        );
        let same = wish.clone();
        assert!(!wish.join(&same), "nothing new");
        let more = Wish { seasons: vec![3, 1], episodes: vec![(2, 4), (5, 1)], ..same };
        assert!(wish.join(&more));
        assert_eq!(wish.in_words(), "Dragnet (1951), seasons 1, 2 and 3 and S05E01");
        assert!(wish.wants(5, 1) && wish.wants(1, 9) && !wish.wants(5, 2));
    }

    #[test]
    fn ages_are_read_from_the_certifications_of_several_countries() {
        for (text, age) in [
            ("PG-13", Some(13)),
            ("tv-ma", Some(17)),
            ("U", Some(0)),
            ("15", Some(15)),
            ("FSK 16", Some(16)),
            ("12A", Some(12)),
            ("NR", None),
            ("", None),
            ("1999", None),
        ] {
            assert_eq!(age_of(text), age, "{text}");
        }
    }

    #[test]
    fn a_ceiling_holds_and_what_is_unrated_is_above_it() {
        let bounds =
            Bounds { age_ceilings: BTreeMap::from([("child".into(), 12), ("Sam".into(), 6)]), ..Bounds::default() };
        let allows = |standing, name: &str, age| bounds.check_age(standing, name, "It", age).is_ok();
        assert!(allows(Standing::Child, "Mia", Some(12)) && !allows(Standing::Child, "Mia", Some(13)));
        assert!(!allows(Standing::Child, "Mia", None), "unrated");
        assert!(allows(Standing::Child, "sam", Some(6)) && !allows(Standing::Child, "sam", Some(10)), "by name");
        assert!(allows(Standing::Member, "Bob", None) && allows(Standing::Admin, "Ada", Some(18)));
    }

    #[test]
    fn a_quota_says_what_is_used_and_when_it_frees() {
        let quota = Quota { days: Some(7), count: Some(3), open: Some(5), gigabytes: Some(20) };
        let now = 100 * 86_400_000;
        let used = |count, open, gb: u64| RequestUsage {
            count,
            open,
            size_bytes: gb * 1_000_000_000,
            oldest_ms: Some(now - 6 * 86_400_000),
        };
        let says = |usage: RequestUsage, gb: u64| quota.refuses(&usage, gb * 1_000_000_000, now);
        assert_eq!(says(used(2, 4, 5), 10), None);
        assert_eq!(
            says(used(3, 1, 0), 1).unwrap(),
            "3 of 3 requests in 7 days are used; the next one is free in 24 hours"
        );
        assert_eq!(
            says(used(0, 5, 0), 1).unwrap(),
            "5 of 5 requests at once are open already; one has to be over first"
        );
        assert_eq!(
            says(used(1, 1, 15), 10).unwrap(),
            "this is expected to take about 10 GB, and 5 GB of 20 GB in 7 days are left; the next one is free in 24 hours"
        );
        assert_eq!(quota.left(&used(1, 1, 5), 5_000_000_000), "1 of 3 requests, 10 of 20 GB");
        assert_eq!(Quota::default().refuses(&used(99, 99, 999), 99, now), None, "nothing is limited that is not named");
    }
}
