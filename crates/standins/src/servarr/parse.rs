//! How a release name is understood: title, year or season and episodes, quality.

use super::{
    Kind, Question, Told, ok,
    settings::{QUALITIES, quality_model},
    state::State,
};
use crate::household::plain;
use serde_json::{Value, json};

/// What a release name says.
struct Parsed {
    title: String,
    year: Option<u32>,
    season: Option<u32>,
    episodes: Vec<u32>,
    quality: usize,
    group: Option<String>,
}

fn parsed(name: &str) -> Parsed {
    let (body, group) = match name.rsplit_once('-') {
        Some((body, group)) if !group.is_empty() && group.chars().all(char::is_alphanumeric) => {
            (body, Some(group.to_owned()))
        }
        _ => (name, None),
    };
    let words: Vec<&str> = body.split(['.', ' ', '_', '(', ')', '[', ']']).filter(|word| !word.is_empty()).collect();
    let (mut season, mut episodes, mut year, mut end) = (None, Vec::new(), None, words.len());
    for (place, word) in words.iter().enumerate().skip(1) {
        if let Some((number, list)) = season_code(word) {
            (season, episodes, end) = (Some(number), list, end.min(place));
            break;
        }
        let number = word.parse::<u32>().ok().filter(|number| word.len() == 4 && (1880..2100).contains(number));
        if let (Some(number), None) = (number, year) {
            (year, end) = (Some(number), end.min(place));
        }
    }
    let title = words.get(..end).unwrap_or_default().join(" ");
    Parsed { title, year, season, episodes, quality: quality_in(body), group }
}

/// `S02` or `S02E01E02`.
fn season_code(word: &str) -> Option<(u32, Vec<u32>)> {
    let rest = word.strip_prefix(['S', 's'])?;
    let mut parts = rest.split(['E', 'e']);
    let season = parts.next()?.parse().ok()?;
    let episodes: Option<Vec<u32>> = parts.map(|part| part.parse().ok()).collect();
    Some((season, episodes?))
}

fn quality_in(name: &str) -> usize {
    let name = name.to_ascii_lowercase();
    let lines = [2160, 1080, 720].into_iter().find(|lines| name.contains(&format!("{lines}p"))).unwrap_or(480);
    let wanted = if name.contains("remux") {
        format!("Remux-{lines}p")
    } else if name.contains("bluray") {
        format!("Bluray-{lines}p")
    } else if name.contains("webrip") {
        format!("WEBRip-{lines}p")
    } else if name.contains("web") {
        format!("WEBDL-{lines}p")
    } else if name.contains("dvd") {
        "DVD".to_owned()
    } else if name.contains("hdtv") && lines > 480 {
        format!("HDTV-{lines}p")
    } else if name.contains("hdtv") {
        "SDTV".to_owned()
    } else {
        "Unknown".to_owned()
    };
    QUALITIES.iter().position(|quality| quality.name(Kind::Radarr) == wanted).unwrap_or_default()
}

impl State {
    pub(super) fn parse_told(&self, question: &Question<'_>) -> Option<Told> {
        if question.path.as_slice() != ["parse"] || question.method != "GET" {
            return None;
        }
        let title = question.get("title").unwrap_or_default();
        // An unreadable name is an answer without its parts.
        if title.is_empty() {
            return Some(ok(Value::Null));
        }
        let parsed = parsed(title);
        let quality = quality_model(self.kind, parsed.quality);
        let languages = json!([{"id": 1, "name": "English"}]);
        let mut view =
            json!({"id": 0, "title": title, "customFormats": [], "customFormatScore": 0, "languages": languages});
        match self.kind {
            Kind::Radarr => {
                view["parsedMovieInfo"] = json!({
                    "movieTitles": [parsed.title], "primaryMovieTitle": parsed.title, "releaseTitle": title, "quality": quality,
                    "languages": languages, "releaseGroup": parsed.group, "year": parsed.year.unwrap_or_default(), "edition": "",
                });
                let is_it = |movie: &&super::radarr::Movie| {
                    plain(&movie.film.title) == plain(&parsed.title)
                        && parsed.year.is_none_or(|year| movie.film.date.starts_with(&year.to_string()))
                };
                if let Some(movie) = self.movies.iter().find(is_it) {
                    view["movie"] = self.movie_view(movie);
                }
            }
            Kind::Sonarr => {
                let full = parsed.season.is_some() && parsed.episodes.is_empty();
                view["parsedEpisodeInfo"] = json!({
                    "releaseTitle": title, "seriesTitle": parsed.title, "quality": quality, "languages": languages,
                    "seasonNumber": parsed.season.unwrap_or_default(), "episodeNumbers": parsed.episodes, "fullSeason": full,
                    "absoluteEpisodeNumbers": [], "isDaily": false, "isAbsoluteNumbering": false, "special": false,
                    "releaseGroup": parsed.group,
                    "releaseType": if full { "seasonPack" } else if parsed.episodes.len() > 1 { "multiEpisode" } else { "singleEpisode" },
                });
                let show = self.shows.iter().find(|show| plain(&show.series.name) == plain(&parsed.title));
                view["episodes"] = json!([]);
                if let Some(show) = show {
                    let of_it = self.episodes.iter().filter(|episode| {
                        episode.show == show.id
                            && Some(episode.season) == parsed.season
                            && (full || parsed.episodes.contains(&episode.number))
                    });
                    view["episodes"] = of_it.map(|episode| self.episode_view(episode)).collect();
                    view["series"] = self.show_view(show);
                }
            }
        }
        Some(ok(view))
    }
}
