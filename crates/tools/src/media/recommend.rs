//! What to watch: a few titles with the reason for each, from taste, ratings, what was watched, and what was named.
//!
//! Nobody is asked for an opinion: code gathers, forbids, weighs and gives the reasons. One question asks TMDb at most [`MOST_ASKED`]
//! times, and each Plex, beside the look at its library, for ratings by library, accounts and history.

use super::{
    Media,
    evening::{Evening, Loved},
    liking::{Judgement, LeftOut, Seed, Taste, facts},
    nearness::nearness,
    search::themes,
    title::{Details, Libraries, Title, Which, instance_told},
    wish::Kind,
};
use crate::{
    household::constraints::content_flags,
    tmdb::{
        self, Tmdb,
        client::{Query, search_text},
        view,
    },
};
use futures_util::future::join_all;
use majordomo_domain::{Audience, Call, Effect, Label, Origin, Output, Tool, ToolError, text::shorten, tool::Class};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// Titles when neither the call nor the profile says how many, and at most.
const TOLD: u32 = 3;
const MOST_TOLD: u32 = 10;
/// Named or loved titles one starts from.
const MOST_SEEDS: usize = 2;
/// Liked people and wished themes that are looked up.
const MOST_PEOPLE: usize = 2;
const MOST_THEMES: usize = 3;
/// Titles whose details are read, and again when too few of them may be offered.
const ROUNDS: [usize; 2] = [10, 8];
/// Questions to TMDb: a search and details for each seed; people and their films; themes, and lists by theme and by genre for each
/// kind; details.
#[cfg(test)]
pub(super) const MOST_ASKED: usize = MOST_SEEDS * 2 + MOST_PEOPLE + 1 + MOST_THEMES + 4 + ROUNDS[0] + ROUNDS[1];

/// Suggest what to watch, each title with its reason: from taste, ratings and history, or like a title that is named, alone or with
/// others. Forbidden, watched and lately suggested titles are left out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaRecommend {
    /// Titles it should be like, by name, at most 2.
    #[serde(default)]
    like: Option<Vec<String>>,
    /// A title it should be like, by TMDb id.
    #[serde(default, alias = "tmdb_id")]
    seed_tmdb_id: Option<u64>,
    /// What is wished for in English words, such as `a short comedy with trains`.
    #[serde(default)]
    prompt: Option<String>,
    /// Names of those who watch along.
    #[serde(default)]
    people: Option<Vec<String>>,
    /// owned, new or mixed; mixed when absent.
    #[serde(default)]
    mode: Option<Mode>,
    /// movie, tv or all; all when absent.
    #[serde(default)]
    media_type: Option<Which>,
    /// Titles, 1 to 10; as many as the profile says, else 3, when absent.
    #[serde(default)]
    max_results: Option<u32>,
    /// Longest running time of a film or an episode, in minutes.
    #[serde(default)]
    max_minutes: Option<u32>,
    /// Also what was suggested lately; only when that is asked for.
    #[serde(default)]
    again: Option<bool>,
    /// Also what was watched; only when that is asked for.
    #[serde(default)]
    watched: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    // In the library.
    #[serde(alias = "library")]
    Owned,
    // Not in the library.
    New,
    #[default]
    Mixed,
}

/// What a model reads of one. What may trouble somebody stands first; nothing tells what happens in it.
#[derive(Serialize)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_flags: Option<Vec<String>>,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<i32>,
    media_type: &'static str,
    reason: String,
    genres: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_rating: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tmdb_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_library: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating_key: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    results: Vec<Told>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    people: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    could_not_ask: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    left_out: Map<String, Value>,
}

/// A title that may become a suggestion.
struct Candidate {
    title: Title,
    /// The seed TMDb names it beside.
    beside: Option<String>,
    /// TMDb lists it under a theme that was wished for.
    has_theme: bool,
}

impl From<Title> for Candidate {
    fn from(title: Title) -> Self {
        Self { title, beside: None, has_theme: false }
    }
}

impl Tool for MediaRecommend {
    const NAME: &'static str = "media_recommend";
    const EFFECT: Effect = Effect::Read;
    const CLASS: Class = Class::ReadPrivate;
    const ALIASES: &'static [&'static str] = &["smart_recommendations"];
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(40));
    const KEYWORDS: &'static str = "recommend recommendation suggest suggestion what should we watch tonight something like for me good \
        movie series evening family empfehlen Empfehlung vorschlagen was sollen wir heute Abend schauen ansehen etwas wie Filmabend \
        recomendar recomendación sugerir qué vemos esta noche algo como recommander suggérer que regarder ce soir quelque chose comme";
    type Service = Media;

    fn title(&self) -> String {
        "Looking for something to watch".into()
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let kinds = self.media_type.unwrap_or_default().kinds();
        let mode = self.mode.unwrap_or_default();
        let names = self.people.clone().unwrap_or_default();
        let (evening, libraries) = futures_util::join!(media.evening(&names, call), media.libraries());
        let evening = evening?;
        if mode == Mode::Owned && !libraries.is_known() {
            return Err(match libraries.away.first() {
                Some(reason) => ToolError::CouldNotAsk { service: "the library".into(), reason: reason.clone() },
                None => ToolError::TellModel("no Plex is connected here; ask with mode new".into()),
            });
        }
        let mut away: Vec<String> = libraries.away.iter().chain(&evening.away).cloned().collect();
        let (seeds, failed) = self.seeds(media, &evening, &libraries, kinds).await?;
        away.extend(failed);
        let wishes = self.prompt.as_deref().map(themes).unwrap_or_default();
        let taste = Taste { joint: &evening.company.joint, seeds: &seeds, wishes: &wishes };
        let mut candidates: Vec<Candidate> = Vec::new();
        if mode != Mode::New {
            candidates.extend(libraries.titles(kinds).into_iter().map(Candidate::from));
        }
        if let (Some(tmdb), true) = (&media.tmdb, mode != Mode::Owned) {
            let (found, failed) = self.found(tmdb, &taste, kinds).await;
            candidates.extend(found);
            away.extend(failed);
        }
        away.sort();
        away.dedup();
        // Who could not be asked once is not asked for every title.
        let media = match away.iter().any(|one| one.contains(tmdb::client::NAME)) {
            true => &Media { tmdb: None, ..media.clone() },
            false => media,
        };
        let most = self.max_results.or(taste.joint.profile.heuristics.max_options).unwrap_or(TOLD).clamp(1, MOST_TOLD);
        let mut left_out: BTreeMap<LeftOut, usize> = BTreeMap::new();
        let candidates = self.ordered(candidates, &libraries, &evening, &taste, mode, &mut left_out);
        let chosen = self.chosen(media, candidates, &evening, &taste, most as usize, &mut left_out).await;
        if chosen.is_empty() && !away.is_empty() && left_out.is_empty() {
            return Err(ToolError::CouldNotAsk { service: "the catalogues".into(), reason: away.join("; ") });
        }
        let keys: Vec<String> = chosen.iter().map(|(title, ..)| title.key()).collect();
        media.offer(&evening, &keys, call).await?;
        let mut cards = Vec::new();
        let results = chosen.iter().map(|(title, details, judgement)| {
            let told = told(title, details, judgement, &taste, &libraries);
            let flags = told.content_flags.as_ref().map(|flags| format!("Content: {}. ", flags.join(", ")));
            cards.push(title.card(format!("{}{}", flags.unwrap_or_default(), told.reason)));
            told
        });
        let results: Vec<Told> = results.collect();
        let mut notes = evening.company.joint.conflicts.clone();
        if results.is_empty() {
            notes.push("nothing fits".into());
        }
        let counted = left_out.into_iter().map(|(why, count)| (why.in_words().to_owned(), count.into()));
        let answer = Answer {
            people: if names.is_empty() { Vec::new() } else { evening.names() },
            results,
            could_not_ask: away,
            notes,
            left_out: counted.collect(),
        };
        let has_own = names.is_empty() && !evening.company.ratings.is_empty();
        let audience = if has_own { Audience::Person } else { Audience::Household };
        let label = Label { origin: evening.company.origin.max(Origin::Outside), audience };
        Ok(Output::json(&answer)?.with_cards(cards).labelled(label))
    }
}

impl MediaRecommend {
    /// What is named, else what was loved; with details. And who could not be asked.
    async fn seeds(
        &self,
        media: &Media,
        evening: &Evening,
        libraries: &Libraries,
        kinds: &[Kind],
    ) -> Result<(Vec<Seed>, Vec<String>), ToolError> {
        let named = self.like.iter().flatten().map(|title| Loved { title: title.clone(), ..Loved::default() });
        let numbered = self.seed_tmdb_id.map(|id| Loved {
            tmdb: Some(id),
            kind: Some(if kinds == [Kind::Series] { Kind::Series } else { Kind::Film }),
            ..Loved::default()
        });
        let mut wanted: Vec<Loved> = numbered.into_iter().chain(named).take(MOST_SEEDS).collect();
        let is_named = !wanted.is_empty();
        if !is_named && self.prompt.is_none() {
            wanted = evening.loved(libraries, kinds).into_iter().take(MOST_SEEDS).collect();
        }
        let asked = wanted.iter().map(|loved| seed(media, loved, libraries));
        let (mut seeds, mut away) = (Vec::new(), Vec::new());
        for (loved, answer) in wanted.iter().zip(join_all(asked).await) {
            match answer {
                Ok(Some(seed)) => seeds.push(seed),
                Ok(None) if is_named => {
                    let name = if loved.title.is_empty() {
                        "that id".to_owned()
                    } else {
                        format!("“{}”", shorten(&loved.title, 80))
                    };
                    return Err(ToolError::TellModel(format!("nobody knows a title by {name}; search for it first")));
                }
                Ok(None) => {}
                Err(ToolError::TellModel(text)) => return Err(ToolError::TellModel(text)),
                Err(error) => away.push(error.to_string()),
            }
        }
        Ok((seeds, away))
    }

    /// What TMDb has to offer: beside the seeds, by liked people, by what is wished for, by liked genres.
    async fn found(&self, tmdb: &Tmdb, taste: &Taste<'_>, kinds: &[Kind]) -> (Vec<Candidate>, Vec<String>) {
        let mut candidates: Vec<Candidate> = Vec::new();
        for seed in taste.seeds.iter().filter(|seed| kinds.contains(&seed.title.kind)) {
            candidates.extend(seed.details.alike.iter().take(20).map(|item| Candidate {
                title: Title::of_tmdb(item, seed.title.kind),
                beside: Some(seed.title.title.clone()),
                has_theme: false,
            }));
        }
        let people = taste.joint.profile.likes.people.iter().take(MOST_PEOPLE);
        let people = people.filter(|_| kinds.contains(&Kind::Film));
        let people = join_all(people.map(|name| first_id(tmdb, "/search/person", name)));
        let words = taste.wishes.iter().filter(|word| tmdb::genres::id(tmdb::Kind::Movie, word).is_none());
        let words = join_all(words.take(MOST_THEMES).map(|word| first_id(tmdb, "/search/keyword", word)));
        let (people, words) = futures_util::join!(people, words);
        let (mut away, mut asked) = (Vec::new(), Vec::new());
        let mut ids = |answers: Vec<Result<Option<u64>, ToolError>>| {
            let mut ids: Vec<String> = Vec::new();
            for answer in answers {
                match answer {
                    Ok(id) => ids.extend(id.map(|id| id.to_string())),
                    Err(error) => away.push(error.to_string()),
                }
            }
            ids.join("|")
        };
        let (people, words) = (ids(people), ids(words));
        if !people.is_empty() {
            asked.push((Kind::Film, self.query(tmdb, taste, Kind::Film, &[("with_people", people)])));
        }
        for kind in kinds {
            let number = |name: &String| tmdb::genres::id(kind.screen(), name).map(|id| id.to_string());
            let wished: Vec<String> = taste.wishes.iter().filter_map(number).collect();
            let liked = || taste.joint.profile.likes.genres.iter().filter_map(number).take(6).collect::<Vec<_>>();
            let genres = if wished.is_empty() { liked().join("|") } else { wished.join(",") };
            if !words.is_empty() {
                asked.push((*kind, self.query(tmdb, taste, *kind, &[("with_keywords", words.clone())])));
            }
            if !genres.is_empty() || taste.seeds.is_empty() {
                asked.push((*kind, self.query(tmdb, taste, *kind, &[("with_genres", genres)])));
            }
        }
        let pages = asked.iter().map(|(kind, query)| async move {
            tmdb.page(&format!("/discover/{}", kind.path()), query, 1, 20)
                .await
                .map(|page| (*kind, query.iter().any(|(name, _)| *name == "with_keywords"), page))
        });
        for page in join_all(pages).await {
            match page {
                Ok((kind, has_theme, page)) => candidates.extend(
                    page.results.iter().map(|item| Candidate { has_theme, ..Title::of_tmdb(item, kind).into() }),
                ),
                Err(error) => away.push(error.to_string()),
            }
        }
        (candidates, away)
    }

    /// A list by what is like this and within what is allowed, as far as TMDb can tell that.
    fn query(&self, tmdb: &Tmdb, taste: &Taste<'_>, kind: Kind, filters: &[(&'static str, String)]) -> Query {
        let constraints = &taste.joint.profile.constraints;
        let mut query: Query = vec![
            ("include_adult", tmdb.include_adult.to_string()),
            ("language", tmdb.language.clone()),
            ("sort_by", "popularity.desc".to_owned()),
        ];
        let from = if kind == Kind::Film { "primary_release_date.gte" } else { "first_air_date.gte" };
        query.extend(
            constraints
                .era_min_year
                .filter(|year| (1..=9_999).contains(year))
                .map(|year| (from, format!("{year:04}-01-01"))),
        );
        let sweet = constraints.runtime_sweet_spot_mins.filter(|_| kind == Kind::Film).map(|span| span.1);
        let longest = [self.max_minutes, sweet].into_iter().flatten().min();
        query.extend(longest.map(|minutes| ("with_runtime.lte", minutes.to_string())));
        let disliked =
            taste.joint.profile.dislikes.genres.iter().filter_map(|name| tmdb::genres::id(kind.screen(), name));
        let disliked: Vec<String> = disliked.map(|id| id.to_string()).collect();
        let all = filters.iter().cloned().chain([("without_genres", disliked.join(","))]);
        query.extend(all.filter(|(_, value)| !value.is_empty()));
        query
    }

    /// Each title once, those first that suit best by what lists say; without those that are out of the question.
    fn ordered(
        &self,
        candidates: Vec<Candidate>,
        libraries: &Libraries,
        evening: &Evening,
        taste: &Taste<'_>,
        mode: Mode,
        left_out: &mut BTreeMap<LeftOut, usize>,
    ) -> Vec<Candidate> {
        let mut once: HashMap<String, Candidate> = HashMap::new();
        for mut candidate in candidates {
            if let (None, Some(id)) = (&candidate.title.owned, candidate.title.tmdb) {
                candidate.title.owned = libraries.owned(candidate.title.kind, id);
            }
            match once.get_mut(&candidate.title.key()) {
                None => drop(once.insert(candidate.title.key(), candidate)),
                Some(known) => {
                    known.has_theme |= candidate.has_theme;
                    known.beside = known.beside.take().or(candidate.beside);
                }
            }
        }
        let seeds: Vec<String> = taste.seeds.iter().map(|seed| seed.title.key()).collect();
        let nothing = Details::default();
        let mut fit: Vec<(f64, bool, Candidate)> = Vec::new();
        for (key, candidate) in once {
            let title = &candidate.title;
            if seeds.contains(&key) || mode == Mode::New && title.owned.is_some() {
                continue;
            }
            match self.refuses(title, &nothing, evening, taste) {
                Some(why) => *left_out.entry(why).or_default() += 1,
                None => {
                    let judgement = taste.judge(title, &nothing, candidate.beside.as_deref());
                    fit.push((judgement.points, judgement.fits_wish || candidate.has_theme, candidate));
                }
            }
        }
        fit.sort_by(|one, other| {
            (other.1.cmp(&one.1))
                .then(other.0.total_cmp(&one.0))
                .then_with(|| one.2.title.key().cmp(&other.2.title.key()))
        });
        let all = fit.into_iter().map(|(.., candidate)| candidate);
        let (owned, new): (Vec<_>, Vec<_>) = all.partition(|candidate| candidate.title.owned.is_some());
        // Neither the library nor the rest of the world is looked at alone.
        let (mut owned, mut new) = (owned.into_iter(), new.into_iter());
        let mut mixed = Vec::new();
        loop {
            let (one, other) = (owned.next(), new.next());
            if one.is_none() && other.is_none() {
                return mixed;
            }
            mixed.extend(one.into_iter().chain(other));
        }
    }

    /// Why it is not offered, as far as is known.
    fn refuses(&self, title: &Title, details: &Details, evening: &Evening, taste: &Taste<'_>) -> Option<LeftOut> {
        if taste.forbids(title, details) {
            return Some(LeftOut::NotWanted);
        }
        if self.watched != Some(true) && evening.knows(title) {
            return Some(LeftOut::Watched);
        }
        if self.again != Some(true) && evening.was_offered(title) {
            return Some(LeftOut::OfferedBefore);
        }
        let is_long = self.max_minutes.zip(title.minutes).is_some_and(|(most, minutes)| minutes > most);
        is_long.then_some(LeftOut::TooLong)
    }

    /// Those that suit best once their details are known.
    async fn chosen(
        &self,
        media: &Media,
        candidates: Vec<Candidate>,
        evening: &Evening,
        taste: &Taste<'_>,
        most: usize,
        left_out: &mut BTreeMap<LeftOut, usize>,
    ) -> Vec<(Title, Details, Judgement)> {
        let mut chosen: Vec<(Title, Details, Judgement)> = Vec::new();
        let mut candidates = candidates.into_iter();
        for size in ROUNDS {
            if chosen.len() >= most {
                break;
            }
            let round: Vec<Candidate> = candidates.by_ref().take(size).collect();
            let details = join_all(round.iter().map(|candidate| media.details(&candidate.title))).await;
            for (candidate, answer) in round.iter().zip(details) {
                let Ok(Some((title, details))) = answer else { continue };
                let age_refuses = || {
                    let ceiling = evening.ceiling?;
                    let fits = details.age().is_some_and(|age| age <= ceiling);
                    (!fits).then_some(LeftOut::AboveAge)
                };
                match self.refuses(&title, &details, evening, taste).or_else(age_refuses) {
                    Some(why) => *left_out.entry(why).or_default() += 1,
                    None => {
                        let judgement = taste.judge(&title, &details, candidate.beside.as_deref());
                        chosen.push((title, details, judgement));
                    }
                }
            }
        }
        chosen.sort_by(|one, other| {
            (other.2.fits_wish.cmp(&one.2.fits_wish))
                .then(other.2.points.total_cmp(&one.2.points))
                .then_with(|| one.0.key().cmp(&other.0.key()))
        });
        chosen.truncate(most);
        chosen
    }
}

/// The number of the first of that name.
async fn first_id(tmdb: &Tmdb, path: &str, name: &str) -> Result<Option<u64>, ToolError> {
    let page = tmdb.page(path, &vec![("query", search_text(name)?)], 1, 20).await?;
    Ok(page.results.first().and_then(|item| item["id"].as_u64()))
}

/// A title by its number, else by its name: in the library, else at TMDb.
async fn seed(media: &Media, loved: &Loved, libraries: &Libraries) -> Result<Option<Seed>, ToolError> {
    let title = match (loved.kind, loved.tmdb) {
        (Some(kind), Some(_)) => Some(Title { kind, tmdb: loved.tmdb, title: loved.title.clone(), ..Title::default() }),
        _ => {
            let mut own = libraries.titles(Which::All.kinds()).into_iter();
            let own = own.find(|title| {
                nearness(&loved.title, &title.title) >= 0.99 && loved.tmdb.is_none_or(|id| title.tmdb == Some(id))
            });
            match (own, &media.tmdb) {
                (Some(own), _) => Some(own),
                (None, Some(tmdb)) => named(tmdb, loved).await?,
                (None, None) => None,
            }
        }
    };
    let Some(title) = title else { return Ok(None) };
    let found = media.details(&title).await?;
    Ok(found.map(|(title, details)| Seed { title, details }))
}

async fn named(tmdb: &Tmdb, loved: &Loved) -> Result<Option<Title>, ToolError> {
    let query: Query = vec![("query", search_text(&loved.title)?), ("language", tmdb.language.clone())];
    let page = tmdb.page("/search/multi", &query, 1, 20).await?;
    let titles = page.results.iter().filter_map(|item| match view::media(item, None) {
        tmdb::Kind::Movie => Some(Title::of_tmdb(item, Kind::Film)),
        tmdb::Kind::Tv => Some(Title::of_tmdb(item, Kind::Series)),
        tmdb::Kind::Person => None,
    });
    let titles: Vec<Title> = titles.collect();
    let same = |title: &&Title| loved.tmdb.is_some() && title.tmdb == loved.tmdb;
    Ok(titles.iter().find(same).or(titles.first().filter(|_| loved.tmdb.is_none())).cloned())
}

fn told(title: &Title, details: &Details, judgement: &Judgement, taste: &Taste<'_>, libraries: &Libraries) -> Told {
    let flags = content_flags(&taste.joint.profile, &facts(title, details));
    let owned = title.owned.as_ref();
    Told {
        content_flags: flags.map(|flags| if flags.is_empty() { vec!["none is named".to_owned()] } else { flags }),
        title: title.title.clone(),
        year: title.year,
        media_type: title.kind.path(),
        reason: judgement.sentence(title),
        genres: title.genres.iter().take(4).cloned().collect(),
        minutes: title.minutes,
        age_rating: details.certification.clone(),
        tmdb_id: title.tmdb,
        in_library: match owned {
            Some(_) => Some(true),
            None => (libraries.is_known() && libraries.away.is_empty()).then_some(false),
        },
        rating_key: owned.map(|owned| owned.rating_key),
        instance: owned.and_then(instance_told).map(str::to_owned),
    }
}
