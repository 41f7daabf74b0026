//! Genre names and numbers.
//!
//! Source: TMDb, `GET /genre/movie/list` and `/genre/tv/list`; they change about once in ten years, so the English
//! names are kept here and a list of results costs no second request.

use super::arguments::Media;

const MOVIE: &[(u64, &str)] = &[
    (28, "Action"),
    (12, "Adventure"),
    (16, "Animation"),
    (35, "Comedy"),
    (80, "Crime"),
    (99, "Documentary"),
    (18, "Drama"),
    (10751, "Family"),
    (14, "Fantasy"),
    (36, "History"),
    (27, "Horror"),
    (10402, "Music"),
    (9648, "Mystery"),
    (10749, "Romance"),
    (878, "Science Fiction"),
    (10770, "TV Movie"),
    (53, "Thriller"),
    (10752, "War"),
    (37, "Western"),
];

const TV: &[(u64, &str)] = &[
    (10759, "Action & Adventure"),
    (16, "Animation"),
    (35, "Comedy"),
    (80, "Crime"),
    (99, "Documentary"),
    (18, "Drama"),
    (10751, "Family"),
    (10762, "Kids"),
    (9648, "Mystery"),
    (10763, "News"),
    (10764, "Reality"),
    (10765, "Sci-Fi & Fantasy"),
    (10766, "Soap"),
    (10767, "Talk"),
    (10768, "War & Politics"),
    (37, "Western"),
];

/// What people and models say instead of the official name.
const SYNONYMS: &[(&str, &str)] = &[
    ("scifi", "sciencefiction"),
    ("sf", "sciencefiction"),
    ("romantic", "romance"),
    ("historical", "history"),
    ("animated", "animation"),
    ("documentaries", "documentary"),
    ("musical", "music"),
    ("children", "family"),
    ("kids", "family"),
];

const TV_SYNONYMS: &[(&str, &str)] = &[
    ("action", "actionadventure"),
    ("adventure", "actionadventure"),
    ("scifi", "scififantasy"),
    ("sciencefiction", "scififantasy"),
    ("fantasy", "scififantasy"),
    ("war", "warpolitics"),
    ("politics", "warpolitics"),
    ("children", "kids"),
    ("animated", "animation"),
    ("documentaries", "documentary"),
];

fn table(media: Media) -> &'static [(u64, &'static str)] {
    match media {
        Media::Movie | Media::Person => MOVIE,
        Media::Tv => TV,
    }
}

/// The English name of a genre. A number means the same in both lists where both have it.
pub fn name(id: u64) -> Option<&'static str> {
    MOVIE.iter().chain(TV).find(|(number, _)| *number == id).map(|(_, name)| *name)
}

/// The number of a genre by its English name; `Sci-Fi`, `science fiction` and `sf` are the same.
pub fn id(media: Media, text: &str) -> Option<u64> {
    let wanted = plain(text);
    let synonyms = if media == Media::Tv { TV_SYNONYMS } else { SYNONYMS };
    let wanted = synonyms.iter().find(|(said, _)| *said == wanted).map_or(wanted.as_str(), |(_, official)| official);
    table(media).iter().find(|(_, name)| plain(name) == wanted).map(|(number, _)| *number)
}

pub fn names(media: Media) -> String {
    table(media).iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

/// Letters and digits only, in lower case, for comparing.
pub fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
