//! What somebody wants to have fetched, as far as the demo understands it: the title, and what was said around it.

use super::question::tidy;

/// "Get me season 2 of Dragnet in 720p, and tell me when all of it is there."
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wish {
    pub(super) title: String,
    /// `movie` or `tv`, where it was said or follows.
    pub(super) media: Option<&'static str>,
    pub(super) seasons: Seasons,
    /// A quality profile by its name.
    pub(super) quality: Option<&'static str>,
    /// When to be told, in the tool's words.
    pub(super) tell: Option<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Seasons {
    #[default]
    Unsaid,
    All,
    These(Vec<u64>),
}

/// Where being told begins, and what is left of the wish ends.
const TELL: [&str; 9] =
    [" and tell ", ", tell ", ". tell ", "; tell ", " and let ", ", let ", ". let ", " - tell ", " and ping "];

const QUALITIES: [(&str, &str); 12] = [
    ("in ultra hd", "Ultra-HD"),
    ("in 2160p", "Ultra-HD"),
    ("in uhd", "Ultra-HD"),
    ("in 4k", "Ultra-HD"),
    ("in full hd", "HD-1080p"),
    ("in 1080p", "HD-1080p"),
    ("in 720p", "HD-720p"),
    ("in 4k please", "Ultra-HD"),
    ("4k version of", "Ultra-HD"),
    ("at 1080p", "HD-1080p"),
    ("at 720p", "HD-720p"),
    ("at 4k", "Ultra-HD"),
];

const ORDINALS: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
const NUMBERS: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

/// The wish in what follows "get me" and its like.
pub(super) fn wish(rest: &str) -> Wish {
    let lower = rest.to_lowercase();
    // Positions of the one are positions of the other only where lower case is as long.
    let rest = if lower.len() == rest.len() { rest } else { lower.as_str() };
    let told = TELL.iter().filter_map(|start| lower.find(start)).min().unwrap_or(lower.len());
    let mut wish = Wish { tell: lower.get(told..).and_then(tell), ..Wish::default() };
    let mut words = rest.get(..told).unwrap_or(rest).to_owned();
    for (said, profile) in QUALITIES {
        if let Some(at) = find(&words, said) {
            wish.quality.get_or_insert(profile);
            words.replace_range(at..at + said.len(), " ");
        }
    }
    for (said, media) in [
        ("the series ", "tv"),
        ("the show ", "tv"),
        ("series called ", "tv"),
        (" series", "tv"),
        ("the film ", "movie"),
        ("the movie ", "movie"),
        ("a film called ", "movie"),
    ] {
        if find(&words, said).is_some() {
            wish.media.get_or_insert(media);
        }
    }
    (wish.seasons, words) = seasons(&words);
    if wish.seasons != Seasons::Unsaid {
        wish.media = Some("tv");
    }
    let mut title = tidy(&words.split_whitespace().collect::<Vec<_>>().join(" "));
    for end in [" series", " as well", " too", " from"] {
        title = title.strip_suffix(end).unwrap_or(&title).to_owned();
    }
    wish.title = tidy(&title);
    wish
}

fn find(words: &str, said: &str) -> Option<usize> {
    let lower = words.to_lowercase();
    (lower.len() == words.len()).then(|| lower.find(said)).flatten()
}

fn tell(lower: &str) -> Option<&'static str> {
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    if has(&["whole season", "season is complete", "season is done", "each season", "a season is"]) {
        Some("season")
    } else if has(&["all of it", "everything", "complete", "all is", "all are", "the lot"]) {
        Some("all")
    } else if has(&["first episode", "the first one", "as soon as there is something", "first part"]) {
        Some("first")
    } else if has(&["each episode", "every episode", "each new", "every new"]) {
        Some("each")
    } else {
        None
    }
}

/// The seasons that were named, and the words without them.
fn seasons(words: &str) -> (Seasons, String) {
    let lower = words.to_lowercase();
    if lower.len() != words.len() {
        return (Seasons::Unsaid, words.to_owned());
    }
    for all in ["all seasons of ", "every season of ", "all of the series ", "the whole series ", "all of the show "] {
        if let Some(at) = lower.find(all) {
            return (Seasons::All, format!("{}{}", &words[..at], &words[at + all.len()..]));
        }
    }
    for all in [", all seasons", " all seasons", ", every season", " complete series"] {
        if let Some(at) = lower.find(all) {
            return (Seasons::All, format!("{}{}", &words[..at], &words[at + all.len()..]));
        }
    }
    for (place, ordinal) in ORDINALS.iter().enumerate() {
        for said in [format!("the {ordinal} season of "), format!("{ordinal} season of ")] {
            if let Some(at) = lower.find(&said) {
                let left = format!("{}{}", &words[..at], &words[at + said.len()..]);
                return (Seasons::These(vec![place as u64 + 1]), left);
            }
        }
    }
    let Some(at) = ["seasons ", "season "].iter().find_map(|word| Some((lower.find(word)?, word.len()))) else {
        return (Seasons::Unsaid, words.to_owned());
    };
    let (start, length) = at;
    let (mut named, mut spans, mut end) = (Vec::new(), false, start + length);
    for word in words[start + length..].split_inclusive(' ') {
        let plain = word.trim().trim_end_matches([',', '.', '?', '!']).to_lowercase();
        let number = plain.parse().ok().or_else(|| Some(NUMBERS.iter().position(|n| *n == plain)? as u64 + 1));
        match (number, plain.as_str()) {
            (Some(number), _) if spans => {
                named.extend(named.last().map_or(number, |last: &u64| last + 1)..=number);
                spans = false;
            }
            (Some(number), _) => named.push(number),
            (None, "to" | "through" | "until") => spans = true,
            (None, "and" | "&") => {}
            _ => break,
        }
        end += word.len();
    }
    if named.is_empty() {
        return (Seasons::Unsaid, words.to_owned());
    }
    let before = words[..start].trim_end().trim_end_matches(',');
    let after = words[end..].trim_start();
    let after = after.strip_prefix("of ").unwrap_or(after);
    (Seasons::These(named), format!("{before} {after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(title: &str) -> Wish {
        Wish { title: title.into(), ..Wish::default() }
    }

    #[test]
    fn a_wish_is_taken_apart() {
        let these = |seasons: &[u64]| Seasons::These(seasons.to_vec());
        for (said, expected) in [
            ("Häxan", wanted("Häxan")),
            ("The Lost World (1925) please", wanted("The Lost World (1925)")),
            ("Häxan in 4K?", Wish { quality: Some("Ultra-HD"), ..wanted("Häxan") }),
            (
                "season 2 of Dragnet in 720p, and tell me when all of it is there.",
                Wish {
                    media: Some("tv"),
                    seasons: these(&[2]),
                    quality: Some("HD-720p"),
                    tell: Some("all"),
                    ..wanted("Dragnet")
                },
            ),
            ("Bonanza seasons 1 to 3", Wish { media: Some("tv"), seasons: these(&[1, 2, 3]), ..wanted("Bonanza") }),
            (
                "the second season of Superman and let us know with the first episode",
                Wish { media: Some("tv"), seasons: these(&[2]), tell: Some("first"), ..wanted("Superman") },
            ),
            ("all seasons of Bonanza", Wish { media: Some("tv"), seasons: Seasons::All, ..wanted("Bonanza") }),
            ("the film Detour", Wish { media: Some("movie"), ..wanted("Detour") }),
            ("Dragnet, season two", Wish { media: Some("tv"), seasons: these(&[2]), ..wanted("Dragnet") }),
        ] {
            assert_eq!(wish(said), expected, "{said}");
        }
    }
}
