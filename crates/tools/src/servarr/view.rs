//! Telling: short, clean, with units. Names of releases and files, overviews and indexers' names are strangers' text.

use super::Which;
use majordomo_domain::text::{clean, is_blank, shorten};
use serde_json::{Map, Value, json};

/// Longest name of a release or a file.
pub const LONGEST_NAME: usize = 160;

/// A text, cleaned and in one line; None when it is none or cannot be seen.
pub fn text(value: &Value, max: usize) -> Option<String> {
    let text = value.as_str().filter(|text| !is_blank(text))?;
    Some(shorten(&clean(text).split_whitespace().collect::<Vec<_>>().join(" "), max))
}

/// The same, with a word in place of nothing.
pub fn text_or(value: &Value, max: usize, otherwise: &str) -> String {
    text(value, max).unwrap_or_else(|| otherwise.to_owned())
}

/// Names in a row, each short, at most forty.
pub fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| shorten(&clean(name), 60)).collect();
    let more = names.len().saturating_sub(40);
    names.truncate(40);
    let mut text = names.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// Bytes as people say them, in powers of 1,000: `8.1 GB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => {
            let tenths = (u128::from(bytes) * 10 + u128::from(*unit) / 2) / u128::from(*unit);
            if tenths < 1_000 {
                format!("{}.{} {name}", tenths / 10, tenths % 10)
            } else {
                format!("{} {name}", tenths / 10)
            }
        }
        None => format!("{bytes} bytes"),
    }
}

/// The same of a number in an answer; the services give sizes as whole numbers or as floats.
pub fn size_of(value: &Value) -> Option<String> {
    bytes(value).map(size)
}

pub fn bytes(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().filter(|bytes| *bytes >= 0.0).map(|bytes| bytes as u64))
}

/// `Metropolis (1927)`.
pub fn title_and_year(record: &Value) -> Option<String> {
    let title = text(&record["title"], 200)?;
    Some(match record["year"].as_u64().filter(|year| *year > 0) {
        Some(year) => format!("{title} ({year})"),
        None => title,
    })
}

/// `S02E05`, or `season 2`.
pub fn episode_number(season: Option<u64>, episode: Option<u64>) -> Option<String> {
    match (season?, episode) {
        (season, Some(episode)) => Some(format!("S{season:02}E{episode:02}")),
        (0, None) => Some("specials".into()),
        (season, None) => Some(format!("season {season}")),
    }
}

/// What a row of a queue, of a history or of a wanted list is about, as the service included it: `Metropolis (1927)`,
/// `Harbour Lights S02E05`. None when the service does not know either.
pub fn about(which: Which, row: &Value) -> Option<String> {
    match which {
        Which::Radarr => title_and_year(&row["movie"]),
        Which::Sonarr => {
            let series = text(&row["series"]["title"], 200)?;
            let episode = &row["episode"];
            let season = episode["seasonNumber"].as_u64().or(row["seasonNumber"].as_u64());
            let number = episode_number(season, episode["episodeNumber"].as_u64().or(row["episodeNumber"].as_u64()));
            Some(number.map_or_else(|| series.clone(), |number| format!("{series} {number}")))
        }
    }
}

/// `Bluray-1080p` of a quality as both nest it.
pub fn quality(value: &Value) -> Option<String> {
    text(&value["quality"]["name"], 40)
}

/// `German, English`.
pub fn languages(value: &Value) -> Option<String> {
    let names: Vec<String> = value.as_array()?.iter().take(8).filter_map(|it| text(&it["name"], 30)).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// An instant to the minute, `2026-11-21 06:53 UTC`, of the service's `2026-11-21T06:53:12Z`.
pub fn instant(value: &Value) -> Option<String> {
    let instant: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Some(instant.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// A date of an instant, `2026-11-21`.
pub fn date(value: &Value) -> Option<String> {
    value.as_str()?.get(..10).filter(|date| date.parse::<jiff::civil::Date>().is_ok()).map(str::to_owned)
}

/// `d.hh:mm:ss` or `hh:mm:ss` as people say it: `1 d 2 h`, `5 min`.
pub fn time_left(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let (days, clock) = text.split_once('.').filter(|(days, _)| !days.contains(':')).unwrap_or(("0", text));
    let mut parts = clock.split('.').next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (days, hours, minutes) = (days.parse::<u64>().ok()?, parts.next()??, parts.next()??);
    Some(match (days, hours, minutes) {
        (0, 0, 0) => "less than a minute".into(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    })
}

/// An object without what is not there.
#[derive(Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    pub fn put(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let is_nothing = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        if !is_nothing {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// Only when it is true, which then says something.
    pub fn flag(self, name: &str, is_so: bool) -> Self {
        self.put(name, if is_so { Value::Bool(true) } else { Value::Null })
    }

    pub fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// A list with its real length: the first `limit` entries, and how many there are.
pub fn some<'a>(
    entries: impl ExactSizeIterator<Item = &'a Value>,
    limit: usize,
    tell: impl Fn(&Value) -> Value,
) -> Value {
    let total = entries.len();
    let shown: Vec<Value> = entries.take(limit).map(tell).collect();
    json!({ "total": total, "count": shown.len(), "items": shown })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_said_as_people_say_them() {
        assert_eq!(size(8_100_000_000), "8.1 GB");
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1_400_000_000_000), "1.4 TB");
        assert_eq!(size(700_000_000), "700 MB");
        for (given, said) in [
            ("00:05:10", "5 min"),
            ("1.02:03:04", "1 d 2 h"),
            ("02:03:04.5000000", "2 h 3 min"),
            ("00:00:20", "less than a minute"),
        ] {
            assert_eq!(time_left(&given.into()).as_deref(), Some(said), "{given}");
        }
        assert_eq!(time_left(&"soon".into()), None);
        assert_eq!(instant(&"2026-11-21T06:53:12Z".into()).as_deref(), Some("2026-11-21 06:53 UTC"));
        assert_eq!(date(&"2026-11-21T06:53:12Z".into()).as_deref(), Some("2026-11-21"));
    }

    #[test]
    fn hidden_text_in_a_name_is_gone() {
        assert_eq!(text(&"Me\u{e0041}tro\npolis".into(), 20).as_deref(), Some("Metro polis"));
        assert_eq!(text(&"\u{200b}".into(), 20), None);
    }
}
