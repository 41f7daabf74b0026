//! What may be offered at all: the hard constraints of a profile against the facts of a title, and the profile of several people who
//! watch together. Pure functions.

use super::profile::{Constraints, Flags, Heuristics, Minutes, Profile};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a title. What is not known forbids nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TitleFacts {
    pub title: String,
    pub tmdb_id: Option<u64>,
    pub year: Option<i32>,
    /// The original language by its code, such as `de`.
    pub language: Option<String>,
    pub runtime_minutes: Option<u32>,
    pub genres: Vec<String>,
    pub keywords: Vec<String>,
    /// Content named by a service, such as `animal death`.
    pub content_warnings: Vec<String>,
    pub has_jump_scares: Option<bool>,
}

/// Whether a title may be offered; why not, as a clause for people.
pub fn allows(profile: &Profile, title: &TitleFacts) -> Result<(), String> {
    let constraints = &profile.constraints;
    let never = &profile.never_recommend;
    if title.tmdb_id.is_some_and(|id| never.tmdb_ids.contains(&id))
        || never.titles.iter().any(|name| is_title(name, title))
    {
        return Err("it is never to be recommended here".into());
    }
    if let (Some(least), Some(year)) = (constraints.era_min_year, title.year)
        && year < least
    {
        return Err(format!("it is of {year}, and nothing older than {least} is wanted"));
    }
    if let Some(language) = &title.language
        && !constraints.language_whitelist.is_empty()
        && !constraints.language_whitelist.iter().any(|code| primary(code) == primary(language))
    {
        return Err(format!(
            "its language is {language}, and only {} is wanted",
            constraints.language_whitelist.join(", ")
        ));
    }
    if let (Some(Minutes(least, most)), Some(minutes)) = (constraints.runtime_sweet_spot_mins, title.runtime_minutes)
        && !(least..=most).contains(&minutes)
    {
        return Err(format!("it runs {minutes} minutes, and {least} to {most} are wanted"));
    }
    let content = || title.content_warnings.iter().chain(&title.keywords);
    if let Some(found) = first_named(&constraints.content_warnings, content()) {
        return Err(format!("it has content to avoid: {found}"));
    }
    if let Some(found) = first_named(&constraints.visuals_disallow, title.keywords.iter().chain(&title.genres)) {
        return Err(format!("it looks like what is not wanted: {found}"));
    }
    let jumps = || content().any(|word| plain(word).contains("jump scare"));
    if constraints.allow_jump_scares == Some(false) && title.has_jump_scares.unwrap_or_else(jumps) {
        return Err("it has jump scares".into());
    }
    Ok(())
}

/// A title with its year behind it is that of the year only.
fn is_title(name: &str, title: &TitleFacts) -> bool {
    let name = plain(name);
    let own = plain(&title.title);
    name == own || title.year.is_some_and(|year| name == format!("{own} {year}"))
}

fn primary(code: &str) -> String {
    code.split(['-', '_']).next().unwrap_or_default().to_lowercase()
}

/// Words in lower case with one space between them, and nothing else.
fn plain(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    spaced.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first of the unwanted that one of the words names. What stands in brackets explains, a slash separates.
fn first_named<'a>(unwanted: &'a [String], words: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let words: Vec<String> = words.map(|word| format!(" {} ", plain(word))).collect();
    let named = |one: &str| {
        let one = plain(one);
        let one = one.strip_suffix('s').unwrap_or(&one);
        !one.is_empty()
            && words.iter().any(|word| word.contains(&format!(" {one} ")) || word.contains(&format!(" {one}s ")))
    };
    unwanted.iter().map(String::as_str).find(|text| text.split('(').next().unwrap_or(text).split(['/', ';']).any(named))
}

/// Words of a title that tell of troubling content. A service's own keywords, so they are English.
const TROUBLING: [&str; 24] = [
    "animal death",
    "blood",
    "cannibalism",
    "child abuse",
    "child death",
    "domestic violence",
    "drug",
    "gore",
    "hostage",
    "jump scare",
    "kidnapping",
    "murder",
    "nudity",
    "poison",
    "rape",
    "self harm",
    "serial killer",
    "sexual violence",
    "siege",
    "slasher",
    "suicide",
    "torture",
    "violence",
    "zombie",
];

/// What is to be named before a title. None when nobody asked for that; empty when nothing is known of it.
pub fn content_flags(profile: &Profile, title: &TitleFacts) -> Option<Vec<String>> {
    let kinds: Vec<String> = match profile.heuristics.content_flags_upfront.as_ref()? {
        Flags::All(false) => return None,
        Flags::All(true) => {
            let named = profile.constraints.content_warnings.iter().cloned();
            named.chain(TROUBLING.iter().map(|kind| (*kind).to_owned())).collect()
        }
        Flags::These(kinds) => kinds.clone(),
    };
    let words = || title.content_warnings.iter().chain(&title.keywords).chain(&title.genres);
    Some(distinct(kinds.iter().filter(|kind| first_named(std::slice::from_ref(kind), words()).is_some())))
}

/// What several people like together, and what none of them may be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Joint {
    /// Every dislike and constraint of each; what is liked most widely first.
    pub profile: Profile,
    /// Liked genres, people and so on, each with the share of the people who like it, 0 to 1. Best first.
    pub shares: Vec<(String, f64)>,
    /// Where they cannot be reconciled, a sentence each.
    pub conflicts: Vec<String>,
}

/// Join the profiles of people who watch together. What only a person themself is told, such as what they loved and their notes, is
/// not in it.
pub fn joint(profiles: &[&Profile]) -> Joint {
    let mut joint = Joint::default();
    let Joint { profile, shares, conflicts } = &mut joint;
    let union = |of: fn(&Profile) -> &Vec<String>| distinct(profiles.iter().flat_map(|profile| of(profile)));
    profile.dislikes.genres = union(|p| &p.dislikes.genres);
    profile.dislikes.people = union(|p| &p.dislikes.people);
    profile.dislikes.aesthetics = union(|p| &p.dislikes.aesthetics);
    profile.dislikes.tones = union(|p| &p.dislikes.tones);
    profile.dislikes.structure = union(|p| &p.dislikes.structure);
    profile.dislikes.vibes = union(|p| &p.dislikes.vibes);
    profile.anti_preferences = union(|p| &p.anti_preferences);
    profile.never_recommend.titles = union(|p| &p.never_recommend.titles);
    let ids: BTreeSet<u64> = profiles.iter().flat_map(|p| p.never_recommend.tmdb_ids.iter().copied()).collect();
    profile.never_recommend.tmdb_ids = ids.into_iter().collect();
    profile.constraints = constraints_of(profiles, conflicts);
    profile.heuristics = heuristics_of(profiles);

    let mut weigh = |of: fn(&Profile) -> &Vec<String>, disliked: &[String]| {
        let mut counts: BTreeMap<String, (String, usize)> = BTreeMap::new();
        for one in profiles {
            for word in distinct(of(one).iter()) {
                counts.entry(plain(&word)).or_insert((word, 0)).1 += 1;
            }
        }
        // What one cannot stand is no common ground, however many like it.
        counts.retain(|word, _| !disliked.iter().any(|other| plain(other) == *word));
        let mut liked: Vec<(String, usize)> = counts.into_values().collect();
        liked.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        shares.extend(liked.iter().map(|(word, count)| (word.clone(), *count as f64 / profiles.len() as f64)));
        liked.into_iter().map(|(word, _)| word).collect::<Vec<_>>()
    };
    profile.likes.genres = weigh(|p| &p.likes.genres, &profile.dislikes.genres);
    profile.likes.people = weigh(|p| &p.likes.people, &profile.dislikes.people);
    profile.likes.vibes = weigh(|p| &p.likes.vibes, &profile.dislikes.vibes);
    profile.likes.aesthetics = weigh(|p| &p.likes.aesthetics, &profile.dislikes.aesthetics);
    profile.likes.motifs = weigh(|p| &p.likes.motifs, &[]);
    profile.likes.languages = weigh(|p| &p.likes.languages, &[]);
    shares.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    joint
}

fn distinct<'a>(words: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    words.filter(|word| seen.insert(plain(word))).cloned().collect()
}

fn constraints_of(profiles: &[&Profile], conflicts: &mut Vec<String>) -> Constraints {
    let each = || profiles.iter().map(|profile| &profile.constraints);
    let lists: Vec<&Vec<String>> = each().map(|c| &c.language_whitelist).filter(|list| !list.is_empty()).collect();
    let all = distinct(lists.iter().copied().flatten());
    let mut languages = all.clone();
    languages.retain(|code| lists.iter().all(|list| list.iter().any(|other| primary(other) == primary(code))));
    if languages.is_empty() && !all.is_empty() {
        conflicts.push("no language suits everybody".into());
        languages = all;
    }
    let spans: Vec<Minutes> = each().filter_map(|c| c.runtime_sweet_spot_mins).collect();
    let longest_start = spans.iter().map(|span| span.0).max();
    let shortest_end = spans.iter().map(|span| span.1).min();
    let span = longest_start.zip(shortest_end).map(|(least, most)| {
        if least <= most {
            return Minutes(least, most);
        }
        conflicts.push("no running time suits everybody".into());
        Minutes(most, least)
    });
    let may_jump: Vec<bool> = each().filter_map(|c| c.allow_jump_scares).collect();
    Constraints {
        language_whitelist: languages,
        content_warnings: distinct(each().flat_map(|c| &c.content_warnings)),
        visuals_disallow: distinct(each().flat_map(|c| &c.visuals_disallow)),
        era_min_year: each().filter_map(|c| c.era_min_year).max(),
        runtime_sweet_spot_mins: span,
        allow_jump_scares: (!may_jump.is_empty()).then(|| may_jump.iter().all(|may| *may)),
        ..Constraints::default()
    }
}

fn heuristics_of(profiles: &[&Profile]) -> Heuristics {
    let each = || profiles.iter().map(|profile| &profile.heuristics);
    let flags: Vec<&Flags> = each().filter_map(|h| h.content_flags_upfront.as_ref()).collect();
    let kinds = flags.iter().filter_map(|flags| if let Flags::These(kinds) = flags { Some(kinds) } else { None });
    let kinds = distinct(kinds.flatten());
    Heuristics {
        max_options: each().filter_map(|h| h.max_options).min(),
        zero_spoilers: each().any(|h| h.zero_spoilers == Some(true)).then_some(true),
        content_flags_upfront: match flags.contains(&&Flags::All(true)) {
            true => Some(Flags::All(true)),
            false => (!kinds.is_empty()).then_some(Flags::These(kinds)),
        },
        ..Heuristics::default()
    }
}
