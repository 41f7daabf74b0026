//! How well a title suits those who watch, and why, in one sentence made of what is true of it. Pure.

use super::{
    nearness::plain,
    title::{Details, Title},
    wish::{Kind, list},
};
use crate::{
    household::constraints::{Joint, TitleFacts, allows},
    tmdb,
};

/// A title that was named, or liked before.
pub(super) struct Seed {
    pub title: Title,
    pub details: Details,
}

/// What is wished for tonight.
pub(super) struct Taste<'a> {
    pub joint: &'a Joint,
    pub seeds: &'a [Seed],
    /// Words of the wish: genres, and what it is to be about.
    pub wishes: &'a [String],
}

/// How well a title suits, and why.
pub(super) struct Judgement {
    pub points: f64,
    /// Whether it has something of what was wished for.
    pub fits_wish: bool,
    reasons: Vec<(f64, String)>,
}

/// Why a title is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LeftOut {
    Watched,
    OfferedBefore,
    NotWanted,
    AboveAge,
    TooLong,
}

impl LeftOut {
    pub fn in_words(self) -> &'static str {
        match self {
            LeftOut::Watched => "watched",
            LeftOut::OfferedBefore => "recommended lately",
            LeftOut::NotWanted => "not wanted here",
            LeftOut::AboveAge => "not known to be fit for the age",
            LeftOut::TooLong => "too long",
        }
    }
}

pub(super) fn facts(title: &Title, details: &Details) -> TitleFacts {
    TitleFacts {
        title: title.title.clone(),
        tmdb_id: title.tmdb,
        year: title.year,
        language: title.language.clone(),
        // How long an evening may be is said of films.
        runtime_minutes: title.minutes.filter(|_| title.kind == Kind::Film),
        genres: title.genres.clone(),
        keywords: details.keywords.clone(),
        ..TitleFacts::default()
    }
}

fn is_genre(kind: Kind, one: &str, other: &str) -> bool {
    let number = |name: &str| tmdb::genres::id(kind.screen(), name);
    plain(one) == plain(other) || number(one).is_some_and(|id| number(other) == Some(id))
}

fn has(words: &[String], wanted: &str) -> bool {
    let wanted = plain(wanted);
    words.iter().any(|word| plain(word) == wanted)
}

/// `A`, or `A and B`.
fn few(words: Vec<&str>) -> String {
    list(words.into_iter().take(2).map(str::to_owned))
}

impl Taste<'_> {
    /// Whether it may be offered at all. Where a year is demanded, one that nobody knows is not enough.
    pub fn forbids(&self, title: &Title, details: &Details) -> bool {
        let profile = &self.joint.profile;
        let facts = facts(title, details);
        let as_original = title.original.clone().map(|original| TitleFacts { title: original, ..facts.clone() });
        let is_disliked = profile
            .dislikes
            .genres
            .iter()
            .any(|unwanted| title.genres.iter().any(|genre| is_genre(title.kind, genre, unwanted)))
            || profile
                .dislikes
                .people
                .iter()
                .any(|unwanted| has(&details.directors, unwanted) || has(&details.cast, unwanted));
        is_disliked
            || profile.constraints.era_min_year.is_some() && title.year.is_none()
            || allows(profile, &facts).is_err()
            || as_original.is_some_and(|facts| allows(profile, &facts).is_err())
    }

    /// What is found in it before its details are known.
    pub fn judge(&self, title: &Title, details: &Details, named_beside: Option<&str>) -> Judgement {
        let mut reasons: Vec<(f64, String)> = Vec::new();
        let mut points = title.score.map_or(-0.5, |score| (score - 6.0) * 0.6);
        let mut add = |weight: f64, clause: String| reasons.push((weight, clause));
        for seed in self.seeds {
            let name = &seed.title.title;
            if let (Some(one), Some(other)) = (&details.collection, &seed.details.collection)
                && one.0 == other.0
            {
                add(6.0, format!("it belongs to {} like {name}", one.1));
            }
            let shared = |one: &[String], other: &[String]| one.iter().find(|word| has(other, word)).cloned();
            if let Some(director) = shared(&details.directors, &seed.details.directors) {
                add(4.0, format!("{director} also made {name}"));
            }
            if let Some(actor) = shared(&details.cast, &seed.details.cast) {
                add(2.5, format!("{actor} is in it as in {name}"));
            }
            let themes: Vec<&str> =
                details.keywords.iter().filter(|word| has(&seed.details.keywords, word)).map(String::as_str).collect();
            // A theme may tell how it ends.
            if !themes.is_empty() && self.joint.profile.heuristics.zero_spoilers != Some(true) {
                add(themes.len().min(3) as f64, format!("it shares {} with {name}", few(themes)));
            }
        }
        if let Some(name) = named_beside {
            add(2.0, format!("TMDb names it beside {name}"));
        }
        let share =
            |word: &str| self.joint.shares.iter().find(|(known, _)| known == word).map_or(0.5, |(_, share)| *share);
        let likes = &self.joint.profile.likes;
        for person in &likes.people {
            if has(&details.directors, person) {
                add(3.0 + share(person), format!("it is by {person}, who is liked here"));
            } else if has(&details.cast, person) {
                add(3.0 + share(person), format!("it is with {person}, who is liked here"));
            }
        }
        let liked: Vec<&str> = likes
            .genres
            .iter()
            .filter(|liked| title.genres.iter().any(|genre| is_genre(title.kind, genre, liked)))
            .map(String::as_str)
            .collect();
        if !liked.is_empty() {
            let weight: f64 = liked.iter().take(2).map(|word| 1.0 + share(word)).sum();
            let verb = if liked.len() == 1 { "is" } else { "are" };
            add(weight, format!("{} {verb} liked here", few(liked)));
        }
        for motif in likes.motifs.iter().chain(&likes.vibes).filter(|motif| has(&details.keywords, motif)) {
            add(1.5, format!("it has {motif}, which is liked here"));
        }
        let mut fits_wish = false;
        let fitting: Vec<&str> = self
            .wishes
            .iter()
            .filter(|wish| {
                let in_theme = |word: &String| format!(" {} ", plain(word)).contains(&format!(" {} ", plain(wish)));
                title.genres.iter().any(|genre| is_genre(title.kind, genre, wish))
                    || details.keywords.iter().any(in_theme)
            })
            .map(String::as_str)
            .collect();
        if !fitting.is_empty() {
            fits_wish = true;
            add(3.0 * fitting.len().min(2) as f64, format!("{} was wished for", few(fitting)));
        }
        if title.owned.is_some() {
            points += 0.3;
        }
        points += reasons.iter().map(|(weight, _)| weight).sum::<f64>();
        reasons.sort_by(|one, other| other.0.total_cmp(&one.0));
        Judgement { points, fits_wish, reasons }
    }
}

impl Judgement {
    /// One sentence: the best two reasons, else how it is rated.
    pub fn sentence(&self, title: &Title) -> String {
        let mut clauses: Vec<String> = self.reasons.iter().take(2).map(|(_, clause)| clause.clone()).collect();
        if clauses.len() < 2 {
            let score = title.score.filter(|score| *score >= 6.5 || clauses.is_empty());
            clauses.extend(score.map(|score| format!("it is rated {score:.1} of 10")));
        }
        if clauses.is_empty() {
            clauses.push("it is among what there is".into());
        }
        let sentence = clauses.join(", and ");
        let mut letters = sentence.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    }
}
