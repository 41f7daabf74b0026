//! What is told to those who wait: when, and in which words. Pure: the rows and the clock are the caller's.

use jiff::{
    Timestamp, ToSpan, Zoned,
    civil::Time,
    tz::{Disambiguation, TimeZone},
};
use majordomo_domain::{
    Millis, NoticeLevel, Progress,
    request::{RequestItem, group_key},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Settings of the section `[news]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewsConfig {
    /// Seconds that news wait for more of the same, 0 to 3 600. Default 60.
    pub gather_seconds: u32,
    /// Nothing is told between these times of a person's day, such as `23:00`; what comes then waits for the morning. Both empty: no
    /// quiet hours. Default `23:00` to `07:00`.
    pub quiet_from: String,
    pub quiet_to: String,
    /// Seconds between two looks at what is on its way, 1 to 3 600. Default 60; what nobody has found yet is looked at every
    /// fifteenth time.
    pub look_seconds: u32,
}

impl Default for NewsConfig {
    fn default() -> Self {
        Self { gather_seconds: 60, quiet_from: "23:00".into(), quiet_to: "07:00".into(), look_seconds: 60 }
    }
}

impl NewsConfig {
    /// What cannot work: the key and the reason.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.gather_seconds > 3_600 {
            problems.push(("gather_seconds", format!("{} is more than 3600", self.gather_seconds)));
        }
        if !(1..=3_600).contains(&self.look_seconds) {
            problems.push(("look_seconds", format!("{} is not between 1 and 3600", self.look_seconds)));
        }
        for (key, text) in [("quiet_from", &self.quiet_from), ("quiet_to", &self.quiet_to)] {
            if !text.is_empty() && time_of_day(text).is_none() {
                problems.push((key, format!("“{text}” is not a time such as 23:00")));
            }
        }
        if self.quiet_from.is_empty() != self.quiet_to.is_empty() {
            problems.push(("quiet_to", "quiet hours need a beginning and an end".into()));
        }
        problems
    }

    /// When what happens now is told to somebody in this zone.
    pub(crate) fn due_ms(&self, now_ms: Millis, zone: Option<&str>) -> Millis {
        self.awake_ms(now_ms + i64::from(self.gather_seconds) * 1_000, zone)
    }

    /// The same moment, or the end of the quiet hours it falls into.
    pub(crate) fn awake_ms(&self, at_ms: Millis, zone: Option<&str>) -> Millis {
        let (Some(from), Some(to)) = (time_of_day(&self.quiet_from), time_of_day(&self.quiet_to)) else {
            return at_ms;
        };
        let zone = zone.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system);
        let Ok(at) = Timestamp::from_millisecond(at_ms) else { return at_ms };
        awake(&at.to_zoned(zone), from, to).map_or(at_ms, |morning| morning.timestamp().as_millisecond())
    }
}

fn time_of_day(text: &str) -> Option<Time> {
    Time::strptime("%H:%M", text).ok()
}

/// The end of the quiet hours that `at` falls into, if it does.
fn awake(at: &Zoned, from: Time, to: Time) -> Option<Zoned> {
    let time = at.time();
    let is_quiet = if from <= to { from <= time && time < to } else { time >= from || time < to };
    if !is_quiet {
        return None;
    }
    let day = if time < to { at.date() } else { at.date().checked_add(1.day()).ok()? };
    at.time_zone().to_ambiguous_zoned(day.to_datetime(to)).disambiguate(Disambiguation::Compatible).ok()
}

/// Told of once, whatever follows.
const FIRST: &str = "first";
const ALL: &str = "all";

/// What to tell somebody, and what they know of then. None when there is nothing.
pub(crate) fn news_for(
    level: NoticeLevel,
    told: &[String],
    title: &str,
    progress: &Progress,
) -> Option<(String, Vec<String>)> {
    let known: BTreeSet<&str> = told.iter().map(String::as_str).collect();
    let fresh: Vec<&RequestItem> =
        progress.items.iter().filter(|item| item.is_watchable && !known.contains(item.key.as_str())).collect();
    let is_all = !progress.items.is_empty() && progress.items.iter().all(|item| item.is_watchable);
    let mut now_known: Vec<String> = told.to_vec();
    now_known.extend(fresh.iter().map(|item| item.key.clone()));
    let text = match level {
        NoticeLevel::Each if fresh.is_empty() => return None,
        NoticeLevel::Each => in_words(title, &fresh, progress),
        NoticeLevel::First if fresh.is_empty() || known.contains(FIRST) => return None,
        NoticeLevel::First => {
            now_known.push(FIRST.into());
            in_words(title, &fresh, progress)
        }
        NoticeLevel::Group => {
            let whole: Vec<&str> =
                progress.whole_groups().into_iter().filter(|g| !known.contains(group_key(g).as_str())).collect();
            if whole.is_empty() {
                return None;
            }
            now_known.extend(whole.iter().map(|group| group_key(group)));
            let items: Vec<&RequestItem> =
                progress.items.iter().filter(|item| whole.contains(&item.group.as_str())).collect();
            in_words(title, &items, progress)
        }
        NoticeLevel::All if !is_all || known.contains(ALL) => return None,
        NoticeLevel::All => {
            now_known.push(ALL.into());
            let items: Vec<&RequestItem> = progress.items.iter().collect();
            in_words(title, &items, progress)
        }
    };
    Some((text, now_known))
}

/// Such as `Sherlock Holmes: Season 2 is complete (10 episodes). Ready to watch.`
fn in_words(title: &str, items: &[&RequestItem], progress: &Progress) -> String {
    if items.iter().all(|item| item.group.is_empty()) {
        return format!("{title} is ready to watch.");
    }
    let mut groups: Vec<&str> = items.iter().map(|item| item.group.as_str()).collect();
    groups.dedup();
    let unit = if progress.unit.is_empty() { "part" } else { &progress.unit };
    let lines: Vec<String> = groups
        .into_iter()
        .map(|group| {
            let these: Vec<&RequestItem> = items.iter().copied().filter(|item| item.group == group).collect();
            let all = progress.items.iter().filter(|item| item.group == group).count();
            match these.len() {
                n if n == all && n > 1 => format!("{group} is complete ({n} {unit}s)"),
                n if n <= 3 => {
                    let titles: Vec<String> = these.iter().map(|item| format!("“{}”", item.title)).collect();
                    format!("{group}, {}", titles.join(", "))
                }
                n => format!("{n} {unit}s of {group}"),
            }
        })
        .collect();
    format!("{title}: {}. Ready to watch.", lines.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn season(number: u32, watchable: &[u32], of: u32) -> Vec<RequestItem> {
        (1..=of)
            .map(|n| RequestItem {
                key: format!("s{number:02}e{n:02}"),
                group: format!("Season {number}"),
                title: format!("{n}. Part {n}"),
                is_watchable: watchable.contains(&n),
            })
            .collect()
    }

    fn progress(items: Vec<RequestItem>) -> Progress {
        Progress { items, unit: "episode".into(), ..Progress::default() }
    }

    /// Looks one after another: what is told at each.
    fn told(level: NoticeLevel, looks: &[Vec<RequestItem>]) -> Vec<String> {
        let mut known = progress(looks[0].clone()).known_at_first();
        let mut said = Vec::new();
        for items in looks {
            if let Some((text, now)) = news_for(level, &known, "Dragnet", &progress(items.clone())) {
                said.push(text);
                known = now;
            }
        }
        said
    }

    #[test]
    fn each_level_tells_once_what_it_promises() {
        let looks = [
            season(1, &[], 4),
            season(1, &[1], 4),
            season(1, &[1], 4),
            season(1, &[1, 2, 3], 4),
            season(1, &[1, 2, 3, 4], 4),
            // An upgrade for which the library shows it as gone for a moment.
            season(1, &[1, 2, 4], 4),
            season(1, &[1, 2, 3, 4], 4),
        ];
        assert_eq!(
            told(NoticeLevel::Each, &looks),
            [
                "Dragnet: Season 1, “1. Part 1”. Ready to watch.",
                "Dragnet: Season 1, “2. Part 2”, “3. Part 3”. Ready to watch.",
                "Dragnet: Season 1, “4. Part 4”. Ready to watch."
            ]
        );
        assert_eq!(told(NoticeLevel::First, &looks), ["Dragnet: Season 1, “1. Part 1”. Ready to watch."]);
        let whole = ["Dragnet: Season 1 is complete (4 episodes). Ready to watch."];
        assert_eq!(told(NoticeLevel::Group, &looks), whole);
        assert_eq!(told(NoticeLevel::All, &looks), whole);
    }

    #[test]
    fn what_was_there_before_is_no_news() {
        let two = |first: &[u32], second: &[u32]| [season(1, first, 2), season(2, second, 2)].concat();
        let looks = [two(&[1, 2], &[]), two(&[1, 2], &[1, 2])];
        let second = ["Dragnet: Season 2 is complete (2 episodes). Ready to watch."];
        assert_eq!(told(NoticeLevel::Each, &looks), second);
        assert_eq!(told(NoticeLevel::First, &looks), second);
        assert_eq!(told(NoticeLevel::Group, &looks), second);
        assert_eq!(
            told(NoticeLevel::All, &looks),
            ["Dragnet: Season 1 is complete (2 episodes); Season 2 is complete (2 episodes). Ready to watch."]
        );
    }

    #[test]
    fn a_film_is_told_once_at_every_level() {
        let film = |is_watchable| vec![RequestItem { key: "film".into(), is_watchable, ..RequestItem::default() }];
        for level in [NoticeLevel::First, NoticeLevel::Each, NoticeLevel::Group, NoticeLevel::All] {
            let said = told(level, &[film(false), film(true), film(true)]);
            assert_eq!(said, ["Dragnet is ready to watch."], "{level:?}");
        }
    }

    #[test]
    fn nobody_is_woken() {
        let config = NewsConfig { gather_seconds: 0, ..NewsConfig::default() };
        let at = |text: &str| text.parse::<Zoned>().unwrap().timestamp().as_millisecond();
        for (now, due) in [
            ("2026-11-24T22:59:00+01:00[Europe/Berlin]", "2026-11-24T22:59:00+01:00[Europe/Berlin]"),
            ("2026-11-24T23:00:00+01:00[Europe/Berlin]", "2026-11-25T07:00:00+01:00[Europe/Berlin]"),
            ("2026-11-25T03:12:00+01:00[Europe/Berlin]", "2026-11-25T07:00:00+01:00[Europe/Berlin]"),
            ("2026-11-25T07:00:00+01:00[Europe/Berlin]", "2026-11-25T07:00:00+01:00[Europe/Berlin]"),
            // The night when the clocks go forward.
            ("2026-03-29T01:30:00+01:00[Europe/Berlin]", "2026-03-29T07:00:00+02:00[Europe/Berlin]"),
        ] {
            assert_eq!(config.due_ms(at(now), Some("Europe/Berlin")), at(due), "{now}");
        }
        let awake = NewsConfig { quiet_from: String::new(), quiet_to: String::new(), gather_seconds: 5, ..config };
        let night = at("2026-11-25T03:12:00+01:00[Europe/Berlin]");
        assert_eq!(awake.due_ms(night, Some("Europe/Berlin")), night + 5_000);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let config =
            NewsConfig { quiet_from: "late".into(), quiet_to: String::new(), look_seconds: 0, ..NewsConfig::default() };
        let keys: Vec<&str> = config.problems().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["look_seconds", "quiet_from", "quiet_to"]);
        assert_eq!(NewsConfig::default().problems(), []);
    }
}
