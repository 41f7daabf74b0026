//! What somebody asks, as far as the demo understands it.

use super::wish::{Wish, wish};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A question with what was said around it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    /// Whether children are meant.
    pub(super) kids: bool,
    /// Genres named, in TMDb's words.
    pub(super) genres: Vec<String>,
    /// At most so long.
    pub(super) minutes: Option<u64>,
    /// First and last day of the years named.
    pub(super) from: Option<String>,
    pub(super) until: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Hello,
    /// To have something fetched.
    Request(Wish),
    /// How far something is that was asked for; everything that is being fetched without a title.
    Progress {
        title: String,
    },
    Trending {
        window: &'static str,
        media: &'static str,
    },
    /// What to watch.
    Watch,
    About {
        title: String,
    },
    Where {
        title: String,
    },
    Like {
        title: String,
    },
    List {
        tools: &'static [&'static str],
        words: &'static str,
        heading: &'static str,
    },
    /// How the services are, and what room the disks have.
    Health,
    /// What hangs, and what would mend it.
    Stuck,
    Tonight,
    NextEpisode {
        title: String,
    },
    Sum {
        expression: String,
    },
    Time,
    /// A change that asks first: a tool by its names, words to find it by, its arguments.
    Change {
        tools: &'static [&'static str],
        words: &'static str,
        arguments: Value,
    },
    Party,
    Known,
    /// Somebody decided about a call; whether it was a yes.
    Decided {
        yes: bool,
    },
    /// The assistant folds old messages.
    Summary,
    Unknown,
}

const GENRES: [(&str, &str); 18] = [
    ("horror", "Horror"),
    ("scary", "Horror"),
    ("comed", "Comedy"),
    ("funny", "Comedy"),
    ("romanti", "Romance"),
    ("romance", "Romance"),
    ("western", "Western"),
    ("animat", "Animation"),
    ("cartoon", "Animation"),
    ("science fiction", "Science Fiction"),
    ("sci-fi", "Science Fiction"),
    ("crime", "Crime"),
    ("noir", "Crime"),
    ("myster", "Mystery"),
    ("adventure", "Adventure"),
    ("documentar", "Documentary"),
    ("thriller", "Thriller"),
    ("drama", "Drama"),
];

/// How a wish begins.
const ASKING: [&str; 17] = [
    "please add ",
    "please download ",
    "please get ",
    "can you add ",
    "can you download ",
    "can you get ",
    "could you add ",
    "could you get ",
    "can we have ",
    "could we have ",
    "i would like to see ",
    "we would like to see ",
    "get me ",
    "get us ",
    "add ",
    "request ",
    "download ",
];

/// How a question begins whether something is in the library.
const HAVING: [&str; 5] = ["do we have ", "do we already have ", "have we got ", "is there already ", "do you have "];

/// What stands around a title of which somebody asks whether it is there.
const THERE: [&str; 14] = [
    " in our library",
    " in the library",
    " in my library",
    " in plex",
    " on plex",
    " on our server",
    " there already",
    " there yet",
    " here already",
    " here yet",
    " ready yet",
    " ready",
    " downloaded yet",
    " downloaded",
];

/// "Is Metropolis in our library?"
fn in_library(text: &str, lower: &str) -> Option<String> {
    let start = ["is ", "are ", "do we have ", "have we got "].iter().find(|start| lower.starts_with(*start))?.len();
    let end = THERE.iter().filter_map(|end| lower.get(start..)?.find(end)).min()?;
    Some(tidy(text.get(start..start + end)?)).filter(|title| !title.is_empty())
}

/// "film Nosferatu" means the film of that name.
fn without_kind(title: &str) -> &str {
    let kinds = ["film ", "movie ", "series ", "show "];
    let starts = |kind: &&str| title.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind));
    kinds.iter().find(|kind| starts(kind)).map_or(title, |kind| &title[kind.len()..])
}

/// `mentioned` is asked for what "it" means.
pub(super) fn understand(text: &str, mentioned: impl Fn() -> Option<String>) -> Asked {
    let text = text.trim();
    let lower = text.to_lowercase().replace(['’', '‘'], "'");
    let (from, until) = years(&lower);
    let kids = has_word(
        &lower,
        &["kid", "kids", "child", "children", "family", "son", "daughter", "toddler", "grandchildren"],
    );
    let genres: BTreeSet<&str> =
        GENRES.iter().filter(|(word, _)| lower.contains(word)).map(|(_, genre)| *genre).collect();
    let minutes = minutes(&lower);
    let kind = match kind(text, &lower, mentioned) {
        // "And which of these are good for kids?"
        Kind::Unknown if kids && has_word(&lower, &["these", "those", "them"]) => {
            Kind::Trending { window: "week", media: "all" }
        }
        // "A short comedy from the 1920s."
        Kind::Unknown if lower.len() < 80 && (!genres.is_empty() || (kids && lower.contains("something"))) => {
            Kind::Watch
        }
        kind => kind,
    };
    Asked { kind, kids, genres: genres.into_iter().map(str::to_owned).collect(), minutes, from, until }
}

fn has_word(text: &str, words: &[&str]) -> bool {
    text.split(|character: char| !character.is_alphanumeric()).any(|word| words.contains(&word))
}

fn has(text: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| text.contains(part))
}

fn kind(text: &str, lower: &str, mentioned: impl Fn() -> Option<String>) -> Kind {
    // "it" and its kin stand for what was talked of last.
    let title = |title: String| {
        let pronoun =
            ["it", "that", "this", "them", "he", "she", "him", "her", "that one", "the first one", "the first"];
        if pronoun.contains(&title.to_lowercase().as_str()) { mentioned().unwrap_or(title) } else { title }
    };
    let after = |starts: &[&str]| after(text, lower, starts).map(&title);
    if has(lower, &["summarize", "summarise", "write a summary", "fold the"]) {
        return Kind::Summary;
    }
    if lower.starts_with("approved by ") || lower.starts_with("declined by ") {
        return Kind::Decided { yes: lower.starts_with('a') };
    }
    if let Some(change) = change(text, lower) {
        return change;
    }
    if has(lower, &["show my party", "who is in my party", "show the party", "who's in my party"]) {
        return Kind::Party;
    }
    if has(lower, &["what do you know about me", "what do you remember"]) {
        return Kind::Known;
    }
    if let Some(expression) = expression(lower) {
        return Kind::Sum { expression };
    }
    if has(lower, &["what time", "what day", "what date", "today's date", "which day", "time is it"]) {
        return Kind::Time;
    }
    if has(lower, &["where is my ", "where's my ", "how far is ", "is my film", "is my movie", "is my download"])
        || has(lower, &["download status", "what is downloading", "what's downloading", "being downloaded"])
    {
        let title = after(&["where is my ", "where's my ", "how far is "]).unwrap_or_default();
        let title = without_kind(&title).to_owned();
        let is_named = !["film", "movie", "download", "series", "show", "stuff", "my film", "my movie"]
            .contains(&title.to_lowercase().as_str());
        return Kind::Progress { title: if is_named { title } else { String::new() } };
    }
    if let Some(title) = in_library(text, lower).map(&title).or_else(|| after(&HAVING)) {
        return Kind::Progress { title: without_kind(&title).to_owned() };
    }
    if has(lower, &["is stuck", "anything stuck", "what hangs", "stuck download"]) {
        return Kind::Stuck;
    }
    if has(lower, &["everything running", "everything ok", "everything all right", "services", "disk space"])
        || has(lower, &["healthy", "space is left", "space do we have", "how full"])
    {
        return Kind::Health;
    }
    if let Some(rest) = rest_after(text, lower, &ASKING) {
        let mut wish = wish(rest);
        wish.title = title(wish.title);
        return Kind::Request(wish);
    }
    if has(lower, &["trending", "what's hot", "whats hot", "popular this week", "popular today"]) {
        let media = if has_word(lower, &["series", "shows", "tv"]) && !has_word(lower, &["films", "movies"]) {
            "tv"
        } else if has_word(lower, &["films", "movies", "film", "movie"]) && !has_word(lower, &["series", "shows"]) {
            "movie"
        } else {
            "all"
        };
        return Kind::Trending { window: if lower.contains("today") { "day" } else { "week" }, media };
    }
    if let Some(title) =
        after(&["next episode of ", "next episodes of ", "when does the next ", "when is the next episode of "])
    {
        return Kind::NextEpisode { title };
    }
    if let Some(inner) = lower.strip_prefix("when does ").or_else(|| lower.strip_prefix("when is "))
        && let Some(end) = inner.find(" air").or_else(|| inner.find(" on tv")).or_else(|| inner.find(" back"))
    {
        let start = lower.len() - inner.len();
        return Kind::NextEpisode { title: title(tidy(text.get(start..start + end).unwrap_or_default())) };
    }
    if has(
        lower,
        &[
            "airing today",
            "airing tonight",
            "on tv",
            "what's on tonight",
            "whats on tonight",
            "what is on tonight",
            "on television",
            "on tonight",
        ],
    ) {
        return Kind::Tonight;
    }
    for (start, end) in [
        ("where does ", " stream"),
        ("where can i watch ", ""),
        ("where can we watch ", ""),
        ("where is ", " streaming"),
        ("where do i watch ", ""),
        ("is ", " streaming"),
    ] {
        if let Some(at) = lower.find(start) {
            let rest = at + start.len();
            let stop = if end.is_empty() {
                Some(lower.len())
            } else {
                lower.get(rest..).and_then(|inner| inner.find(end)).map(|length| rest + length)
            };
            if let (true, Some(stop)) = (at == 0 || lower.as_bytes().get(at - 1) == Some(&b' '), stop) {
                return Kind::Where { title: title(tidy(text.get(rest..stop).unwrap_or_default())) };
            }
        }
    }
    if let Some(title) = after(&[
        "similar to ",
        "something like ",
        "films like ",
        "movies like ",
        "shows like ",
        "series like ",
        "more like ",
        "anything like ",
    ]) {
        return Kind::Like { title };
    }
    if let Some(title) = after(&[
        "tell me about ",
        "tell us about ",
        "what is the film ",
        "who is in ",
        "who's in ",
        "who plays in ",
        "who stars in ",
        "who directed ",
        "who made ",
        "what do you know about ",
        "details of ",
        "who is ",
        "who was ",
        "how long is ",
    ]) {
        return Kind::About { title };
    }
    if let Some(inner) = lower.strip_prefix("what is ").or_else(|| lower.strip_prefix("what's "))
        && let Some(end) = inner.find(" about")
    {
        let start = lower.len() - inner.len();
        return Kind::About { title: title(tidy(text.get(start..start + end).unwrap_or_default())) };
    }
    if has(lower, &["upcoming", "coming soon", "coming to cinemas"]) {
        return Kind::List {
            tools: &["tmdb_upcoming"],
            words: "upcoming films in cinemas",
            heading: "Coming to cinemas",
        };
    }
    if has(lower, &["in cinemas", "now playing", "in theaters", "in theatres", "at the cinema"]) {
        return Kind::List { tools: &["tmdb_now_playing"], words: "films now in cinemas", heading: "In cinemas now" };
    }
    if has(lower, &["top rated", "best films", "best movies", "best rated"]) {
        return Kind::List {
            tools: &["tmdb_top_rated_movies", "tmdb_top_rated"],
            words: "best rated films",
            heading: "Best rated",
        };
    }
    if has(
        lower,
        &[
            "what should we watch",
            "what should i watch",
            "what can we watch",
            "what to watch",
            "something to watch",
            "recommend",
            "suggest",
            "movie night",
            "film night",
            "should we see",
            "pick a film",
            "pick a movie",
        ],
    ) {
        return Kind::Watch;
    }
    if has_word(lower, &["hi", "hello", "hey", "hallo", "thanks", "help", "greetings"])
        || has(
            lower,
            &["good morning", "good evening", "good afternoon", "what can you do", "who are you", "thank you"],
        )
    {
        return Kind::Hello;
    }
    if has(lower, &["find me a", "show me a", "show me some", "a film", "a movie", "films", "movies"]) {
        return Kind::Watch;
    }
    Kind::Unknown
}

/// "Add V to my party, he's a Solo", "Remove V from my party", "Remember that I like silent films".
fn change(text: &str, lower: &str) -> Option<Kind> {
    let part = |from: usize, until: usize| {
        text.get(from..until).map(|part| part.trim().trim_end_matches(['.', '!', ',']).to_owned())
    };
    if let Some(start) =
        ["remember that ", "remember: ", "please remember "].iter().find(|start| lower.starts_with(**start))
    {
        let text = part(start.len(), text.len())?;
        let arguments = json!({ "text": text });
        return Some(Kind::Change { tools: &["remember"], words: "remember a taste of the person", arguments });
    }
    let place = [" to my party", " to the party", " from my party", " from the party"];
    let at = place.iter().find_map(|place| lower.find(place))?;
    if let Some(start) = ["remove ", "drop "].iter().find(|start| lower.starts_with(**start)) {
        let arguments = json!({ "name": part(start.len(), at)? });
        return Some(Kind::Change {
            tools: &["party_remove_character"],
            words: "remove a character from the party",
            arguments,
        });
    }
    let start = ["add ", "please add "].iter().find(|start| lower.starts_with(**start))?;
    let role = [" a ", " an "].iter().find_map(|article| Some(lower.get(at..)?.find(article)? + at + article.len()));
    let role = role.and_then(|role| part(role, text.len())).unwrap_or_default();
    let arguments = json!({ "name": part(start.len(), at)?, "role": role });
    Some(Kind::Change { tools: &["party_add_character"], words: "add a character to the party", arguments })
}

fn after(text: &str, lower: &str, starts: &[&str]) -> Option<String> {
    rest_after(text, lower, starts).map(tidy).filter(|title| !title.is_empty())
}

/// What follows the first of these words that starts the text or follows a space.
fn rest_after<'a>(text: &'a str, lower: &str, starts: &[&str]) -> Option<&'a str> {
    starts.iter().find_map(|start| {
        let at = lower.find(start)?;
        let free = at == 0 || !lower.as_bytes().get(at - 1)?.is_ascii_alphanumeric();
        // Only words at the beginning may start a request; elsewhere "add" means other things.
        let early = at <= 12 || start.len() > 8;
        let rest = text.get(at + start.len()..)?;
        (free && early && !rest.trim().is_empty()).then_some(rest)
    })
}

/// A title without what politeness and grammar put around it.
pub(super) fn tidy(text: &str) -> String {
    let mut title = text.trim().trim_end_matches(['?', '!', '.']).trim();
    for end in [" in 4k", " in hd", " please", " for me", " for us", " then", " tonight", " today"] {
        let cut = title.len().checked_sub(end.len()).filter(|at| title.is_char_boundary(*at));
        if let Some(cut) = cut
            && title.get(cut..).is_some_and(|last| last.eq_ignore_ascii_case(end))
        {
            title = title.get(..cut).unwrap_or_default().trim();
        }
    }
    for start in [
        "the film ",
        "the movie ",
        "the series ",
        "the show ",
        "a film called ",
        "the actor ",
        "the actress ",
        "the director ",
    ] {
        if let Some(rest) = title.get(start.len()..)
            && title.get(..start.len()).is_some_and(|first| first.eq_ignore_ascii_case(start))
        {
            title = rest;
        }
    }
    title.trim_matches(['"', '“', '”', '\'', '*', '_', '«', '»', ',']).trim().to_owned()
}

/// An arithmetic expression in the text: digits with an operator between them.
fn expression(lower: &str) -> Option<String> {
    let mut text = lower.trim().trim_end_matches(['?', '.', '!', '=']).to_owned();
    for start in ["what is ", "what's ", "calculate ", "compute ", "how much is ", "please "] {
        text = text.strip_prefix(start).unwrap_or(&text).to_owned();
    }
    for (word, sign) in [
        (" plus ", "+"),
        (" minus ", "-"),
        (" times ", "*"),
        (" multiplied by ", "*"),
        (" divided by ", "/"),
        (" x ", "*"),
        ("×", "*"),
        ("÷", "/"),
        ("^", "**"),
        ("% of ", "/100*"),
        (" percent of ", "/100*"),
    ] {
        text = text.replace(word, sign);
    }
    let text = text.trim();
    let arithmetic = text.chars().all(|character| character.is_ascii_digit() || "+-*/%().  ".contains(character));
    let operator = text.char_indices().any(|(at, character)| at > 0 && "+-*/%".contains(character));
    (arithmetic && operator && text.chars().any(|character| character.is_ascii_digit())).then(|| text.to_owned())
}

/// "under 90 minutes", "less than two hours", "a short film".
fn minutes(lower: &str) -> Option<u64> {
    let words: Vec<&str> =
        lower.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let number = words.windows(2).find_map(|pair| match pair {
        [count, "minutes" | "min" | "mins"] => count.parse().ok(),
        [count, "hours" | "hour"] => match *count {
            "one" | "an" | "a" => Some(60),
            "two" => Some(120),
            count => count.parse::<u64>().ok().map(|hours| hours * 60),
        },
        _ => None,
    });
    number.or_else(|| words.contains(&"short").then_some(80))
}

/// "from 1922", "from the 1920s".
fn years(lower: &str) -> (Option<String>, Option<String>) {
    let named = lower.split(|character: char| !character.is_alphanumeric()).find_map(|word| {
        let (digits, decade) = match word.strip_suffix('s') {
            Some(digits) => (digits, true),
            None => (word, false),
        };
        let year: u16 = digits.parse().ok().filter(|year| (1890..2100).contains(year))?;
        Some((year, if decade { year + 9 } else { year }))
    });
    match named {
        Some((from, until)) => (Some(format!("{from}-01-01")), Some(format!("{until}-12-31"))),
        None => (None, None),
    }
}
