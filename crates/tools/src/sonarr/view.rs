//! How Sonarr's records are told: to a model as small JSON, to people as cards.

use super::types::{Episode, EpisodeFile, Season, Series};
use crate::servarr::view::size;
use majordomo_domain::{
    Card,
    text::{clean, shorten},
};
use serde_json::{Map, Value, json};

/// A stranger's words on one line.
pub fn line(text: &str, most: usize) -> String {
    shorten(clean(text).split_whitespace().collect::<Vec<_>>().join(" ").as_str(), most)
}

/// Such as `Dragnet (1951)`.
pub fn title(series: &Series) -> String {
    let title = line(&series.title, 100);
    if series.year == 0 || title.ends_with(&format!("({})", series.year)) {
        return title;
    }
    format!("{title} ({})", series.year)
}

/// `1`, `1 and 2`, `1, 2 and 5`; a row of four or more as `1 to 4`.
pub fn numbers(list: &[u32]) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for number in list {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => spans.push((*number, *number)),
        }
    }
    let words = |(first, last): (u32, u32)| -> Vec<String> {
        if last - first >= 3 {
            vec![format!("{first} to {last}")]
        } else {
            (first..=last).map(|n| n.to_string()).collect()
        }
    };
    and(&spans.into_iter().flat_map(words).collect::<Vec<_>>())
}

/// Seasons as people call them: `season 2`, `seasons 1 and 3`, `the specials`.
pub fn seasons(list: &[u32]) -> String {
    let regular: Vec<u32> = list.iter().copied().filter(|number| *number > 0).collect();
    let mut parts = Vec::new();
    match regular.len() {
        0 => {}
        1 => parts.push(format!("season {}", regular[0])),
        _ => parts.push(format!("seasons {}", numbers(&regular))),
    }
    if list.contains(&0) {
        parts.push("the specials".into());
    }
    if parts.is_empty() { "no season".into() } else { parts.join(" and ") }
}

/// Episodes as people call them: `S02E01 to S02E08`, `S01E01, S01E03 and S02E01`; many are counted.
pub fn codes<'a>(episodes: impl IntoIterator<Item = &'a Episode>) -> String {
    let mut spans: Vec<(&Episode, &Episode)> = Vec::new();
    let mut all: Vec<&Episode> = episodes.into_iter().collect();
    all.sort_by_key(|episode| (episode.season_number, episode.episode_number));
    for episode in &all {
        match spans.last_mut() {
            Some((_, last))
                if last.season_number == episode.season_number && last.episode_number + 1 == episode.episode_number =>
            {
                *last = episode;
            }
            _ => spans.push((episode, episode)),
        }
    }
    if spans.len() > 6 {
        return format!("{} episodes", all.len());
    }
    let words = |(first, last): (&Episode, &Episode)| match last.episode_number - first.episode_number {
        0 => first.code(),
        1 => format!("{}, {}", first.code(), last.code()),
        _ => format!("{} to {}", first.code(), last.code()),
    };
    and(&spans.into_iter().map(words).collect::<Vec<_>>())
}

pub fn and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `1 episode`, `8 episodes`.
pub fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// What is not said is left out: null, empty text.
pub fn told(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .filter(|(_, value)| !value.is_null() && value.as_str() != Some(""))
                .map(|(key, value)| (key, told(value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(list) => Value::Array(list.into_iter().map(told).collect()),
        other => other,
    }
}

/// One line of a list of series.
pub fn row(series: &Series) -> Value {
    let statistics = &series.statistics;
    told(json!({
        "series_id": series.id,
        "tvdb_id": series.tvdb_id,
        "title": line(&series.title, 100),
        "year": (series.year > 0).then_some(series.year),
        "status": series.status,
        "monitored": series.monitored,
        "seasons": series.seasons.iter().filter(|season| season.season_number > 0).count(),
        "episodes": statistics.total_episode_count,
        "with_file": statistics.episode_file_count,
        "missing": statistics.episode_count.saturating_sub(statistics.episode_file_count),
        "size": size(statistics.size_on_disk),
    }))
}

pub fn season_row(season: &Season) -> Value {
    let statistics = &season.statistics;
    told(json!({
        "season": season.season_number,
        "monitored": season.monitored,
        "episodes": statistics.total_episode_count,
        "with_file": statistics.episode_file_count,
        "missing": statistics.episode_count.saturating_sub(statistics.episode_file_count),
        "size": (statistics.size_on_disk > 0).then(|| size(statistics.size_on_disk)),
        "next_airing": statistics.next_airing,
    }))
}

/// One line of a list of episodes.
pub fn episode_row(episode: &Episode, now_ms: i64) -> Value {
    told(json!({
        "episode_id": episode.id,
        "episode": episode.code(),
        "absolute": episode.absolute_episode_number,
        "title": line(&episode.title, 80),
        "air_date": episode.air_date,
        "aired": episode.has_aired(now_ms),
        "monitored": episode.monitored,
        "has_file": episode.has_file,
        "file_id": (episode.episode_file_id > 0).then_some(episode.episode_file_id),
        "quality": episode.episode_file.as_ref().map(|file| line(&file.quality.quality.name, 40)),
        "finale": episode.finale_type,
        "last_searched": episode.last_search_time,
    }))
}

pub fn file_row(file: &EpisodeFile) -> Value {
    told(json!({
        "file_id": file.id,
        "season": file.season_number,
        "file": file.relative_path.as_deref().or(file.path.as_deref()).map(|path| line(path, 160)),
        "size": size(file.size),
        "quality": line(&file.quality.quality.name, 40),
        "below_cutoff": file.quality_cutoff_not_met,
        "group": file.release_group.as_deref().map(|group| line(group, 40)),
        "type": file.release_type,
        "languages": file.languages.iter().map(|language| line(&language.name, 30)).collect::<Vec<_>>(),
        "added": file.date_added,
    }))
}

/// A series in Sonarr as a card, with Sonarr's poster.
pub fn card(instance: &str, series: &Series) -> Card {
    let statistics = &series.statistics;
    let mut card = Card::new(title(series));
    card.subtitle = ["Series", &series.status, series.network.as_deref().unwrap_or_default()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| line(part, 40))
        .collect::<Vec<_>>()
        .join(" · ");
    card.picture = (series.id > 0).then(|| format!("sonarr:{instance}/{}", series.id));
    card.source = "Data: Sonarr, TheTVDB".into();
    // A lookup has no counts.
    if series.id > 0 && statistics.total_episode_count > 0 {
        let (have, all) = (statistics.episode_file_count, statistics.total_episode_count);
        card = card.fact("Episodes", format!("{have} of {all}")).fact("Size", size(statistics.size_on_disk));
    }
    if series.id > 0 {
        card = card.fact("Monitored", if series.monitored { "yes" } else { "no" });
    }
    card
}
