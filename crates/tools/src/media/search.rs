//! One search over everything: by title however it is spelled and in whichever language, or by what somebody remembers of it.
//!
//! TMDb, every Plex, Radarr and Sonarr are asked side by side; who could not be asked is told beside what the others know. One question
//! asks TMDb at most [`MOST_ASKED`] times.

use super::{
    Media,
    nearness::{NEAR, nearness, plain},
    title::{Fetched, Libraries, Title, Which, instance_told},
    wish::Kind,
};
use crate::{
    knowledge::{
        passages::Passage,
        ranking::{Ranking, Words},
    },
    text::line,
    tmdb::{
        self, Level, Tmdb,
        client::{Page, Query, search_text},
        view,
    },
};
use futures_util::future::join_all;
use majordomo_domain::{Call, Effect, Output, Tool, ToolError, text::shorten};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Results told when nobody says how many, and at most.
const TOLD: u32 = 10;
const MOST_TOLD: u32 = 20;
/// Other forms of a text that finds nothing.
const MOST_FORMS: usize = 4;
/// Words of a description that are looked up as themes.
const MOST_THEMES: usize = 5;
/// Titles whose rating is looked up for somebody with an age ceiling.
const MOST_RATED: usize = 10;
/// Questions to TMDb: the text, its other forms, its themes, two lists for each kind, ratings.
#[cfg(test)]
pub(super) const MOST_ASKED: usize = 1 + MOST_FORMS + MOST_THEMES + 4 + MOST_RATED;

/// Find a film or series by title, misspelled or in any language, or by description; says what is in the library, what is on its way,
/// and who could not be asked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaSearch {
    /// A title, or what is remembered of it in English, such as `robot woman in a silent city`.
    query: String,
    /// movie, tv or all; all when absent.
    #[serde(default)]
    media_type: Option<Which>,
    /// Year of the release or of the first episode, when it is known.
    #[serde(default)]
    year: Option<u16>,
    /// Titles told, 1 to 20; 10 when absent.
    #[serde(default, alias = "max_results")]
    limit: Option<u32>,
    /// How much of each.
    #[serde(default)]
    response_level: Option<Level>,
}

/// How a title was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Title,
    Spelling,
    OtherTitle,
    Description,
}

impl By {
    fn in_words(self) -> &'static str {
        match self {
            By::Title => "title",
            By::Spelling => "similar spelling",
            By::OtherTitle => "another title of it",
            By::Description => "description",
        }
    }
}

struct Hit {
    title: Title,
    by: By,
    /// 0 to 1.
    rank: f64,
    /// Who fetches it, and how it stands there.
    managed: Option<(String, &'static str)>,
}

impl Tool for MediaSearch {
    const NAME: &'static str = "media_search";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["intelligent_search"];
    const KEYWORDS: &'static str = "search find film movie series show title misspelled translated what was it called the one with about \
        remember description everywhere library Film Serie suchen finden wie hieß der mit Beschreibung película serie buscar cómo se \
        llamaba la de descripción chercher trouver film série comment s'appelait celui avec description";
    type Service = Media;

    fn title(&self) -> String {
        format!("Searching everywhere for “{}”", shorten(self.query.trim(), 80))
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let text = search_text(&self.query)?;
        let kinds = self.media_type.unwrap_or_default().kinds();
        let limit = self.limit.unwrap_or(TOLD).clamp(1, MOST_TOLD) as usize;
        let (found, libraries, (fetched, fetchers_away)) =
            futures_util::join!(multi(media.tmdb.as_ref(), &text), media.libraries(), media.fetched(kinds));
        let mut away: Vec<String> = libraries.away.iter().cloned().chain(fetchers_away).collect();
        let mut hits = Hits::new(&text, self.year);
        let mut people = Vec::new();
        match found {
            Ok(page) => {
                people = people_of(&page);
                hits.take_list(&page.results, kinds);
            }
            Err(error) => away.push(error.to_string()),
        }
        hits.take_libraries(&libraries, kinds);
        hits.take_fetched(&fetched);
        if let Some(tmdb) = media.tmdb.as_ref().filter(|_| away.iter().all(|one| !one.contains(tmdb::client::NAME))) {
            let themes = themes(&text);
            let is_description = themes.len() >= 4;
            if hits.nearest() < NEAR && !hits.has_listed && !is_description {
                for answer in
                    join_all(forms(&text).into_iter().map(|form| async move { multi(Some(tmdb), &form).await })).await
                {
                    match answer {
                        Ok(page) => hits.take_near(&page.results, kinds),
                        Err(error) => away.push(error.to_string()),
                    }
                }
            }
            if hits.nearest() < NEAR && !hits.has_listed && themes.len() >= 2 {
                match described(tmdb, &themes, kinds, self.year).await {
                    Ok(list) => hits.take_described(&list),
                    Err(error) => away.push(error.to_string()),
                }
            }
        }
        away.sort();
        away.dedup();
        let asked_nobody = media.tmdb.is_none() && !libraries.is_known() && fetched.is_empty();
        let mut hits = hits.sorted();
        if hits.is_empty() && (asked_nobody || !away.is_empty()) {
            return Err(ToolError::CouldNotAsk { service: "the catalogues".into(), reason: away.join("; ") });
        }
        for hit in &mut hits {
            complete(hit, &libraries, &fetched);
        }
        let (hits, left_out) = media.fit_for(hits, call, limit).await;
        let level = self.response_level.unwrap_or(Level::Compact);
        let results: Vec<Value> = hits.iter().map(|hit| told(hit, level, &libraries)).collect();
        let mut answer = json!({"total_results": results.len(), "results": results});
        if !people.is_empty() && level > Level::Minimal {
            answer["people"] = people.into();
        }
        if !away.is_empty() {
            answer["could_not_ask"] = away.into();
        }
        if left_out > 0 {
            answer["left_out"] = json!({"not known to be fit for the person's age": left_out});
        }
        if hits.is_empty() {
            answer["note"] = "nothing found".into();
        }
        let cards = hits.iter().take(view::MAX_CARDS).map(|hit| hit.title.card(hit.title.overview.clone())).collect();
        Ok(Output::json(&answer)?.with_cards(cards))
    }
}

/// One question of TMDb for films, series and people.
async fn multi(tmdb: Option<&Tmdb>, text: &str) -> Result<Page, ToolError> {
    let Some(tmdb) = tmdb else { return Ok(Page::default()) };
    let query: Query = vec![
        ("query", text.to_owned()),
        ("include_adult", tmdb.include_adult.to_string()),
        ("language", tmdb.language.clone()),
    ];
    tmdb.page("/search/multi", &query, 1, 20).await
}

fn people_of(page: &Page) -> Vec<String> {
    let people = page.results.iter().filter(|item| view::media(item, None) == tmdb::Kind::Person);
    people.take(3).map(view::title).collect()
}

fn kind_of(item: &Value) -> Option<Kind> {
    match view::media(item, None) {
        tmdb::Kind::Movie => Some(Kind::Film),
        tmdb::Kind::Tv => Some(Kind::Series),
        tmdb::Kind::Person => None,
    }
}

/// Other forms of a text: its longest words by themselves, and their beginnings, where a slip is rarer than at the end.
fn forms(text: &str) -> Vec<String> {
    let plain = plain(text);
    let mut words: Vec<&str> = plain.split(' ').filter(|word| word.chars().count() >= 4).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    let mut forms: Vec<String> = Vec::new();
    for word in words.iter().take(2) {
        let beginning: String = word.chars().take((word.chars().count() * 3 / 5).max(3)).collect();
        for form in [(*word).to_owned(), beginning] {
            if form != plain && !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms.truncate(MOST_FORMS);
    forms
}

/// Words that say something, as written, each once.
pub(super) fn themes(text: &str) -> Vec<String> {
    let idle = [
        "film",
        "films",
        "movie",
        "movies",
        "series",
        "show",
        "one",
        "called",
        "remember",
        "where",
        "watch",
        "tonight",
        "something",
        "want",
        "good",
    ];
    let mut seen = HashSet::new();
    let words = Words::of("english");
    let said = words.pairs(text).filter(|(written, _)| !idle.contains(&written.to_lowercase().as_str()));
    said.filter(|(_, word)| seen.insert(word.clone())).map(|(written, _)| written.to_lowercase()).collect()
}

/// Titles that have themes of a description, those that have most of them first.
async fn described(
    tmdb: &Tmdb,
    words: &[String],
    kinds: &[Kind],
    year: Option<u16>,
) -> Result<Vec<(Kind, Value)>, ToolError> {
    let asked = words
        .iter()
        .take(MOST_THEMES)
        .map(|word| async move { tmdb.page("/search/keyword", &vec![("query", word.clone())], 1, 20).await });
    let mut themes: Vec<String> = Vec::new();
    for (word, page) in words.iter().zip(join_all(asked).await) {
        let page = page?;
        let id = |item: &Value| item["id"].as_u64().map(|id| id.to_string());
        // The word itself says more than what it is a part of.
        let exact = page.results.iter().find(|item| item["name"].as_str().is_some_and(|name| plain(name) == *word));
        themes.extend(match exact {
            Some(item) => id(item).into_iter().collect::<Vec<_>>(),
            None => page.results.iter().take(2).filter_map(id).collect(),
        });
    }
    let genres = |kind: Kind| {
        let ids = words.iter().filter_map(|word| tmdb::genres::id(kind.screen(), word)).map(|id| id.to_string());
        ids.collect::<Vec<_>>().join(",")
    };
    let mut asked = Vec::new();
    for kind in kinds {
        let query = |filters: &[(&'static str, String)]| {
            let mut query: Query =
                vec![("include_adult", tmdb.include_adult.to_string()), ("language", tmdb.language.clone())];
            query.extend(filters.iter().filter(|(_, value)| !value.is_empty()).cloned());
            let name = if *kind == Kind::Film { "primary_release_year" } else { "first_air_date_year" };
            query.extend(year.map(|year| (name, year.to_string())));
            query
        };
        let genres = genres(*kind);
        if !themes.is_empty() {
            asked.push((*kind, query(&[("with_keywords", themes.join("|"))])));
        }
        if !genres.is_empty() {
            asked.push((*kind, query(&[("with_genres", genres), ("with_keywords", themes.join("|"))])));
        }
    }
    let pages = join_all(asked.iter().map(|(kind, query)| async move {
        tmdb.page(&format!("/discover/{}", kind.path()), query, 1, 20).await.map(|page| (*kind, page))
    }));
    let (mut list, mut seen) = (Vec::new(), HashSet::new());
    for page in pages.await {
        let (kind, page) = page?;
        list.extend(
            page.results
                .into_iter()
                .filter(|item| seen.insert((kind.path(), item["id"].as_u64())))
                .map(|item| (kind, item)),
        );
    }
    Ok(list)
}

/// What was found, each title once.
struct Hits<'t> {
    text: &'t str,
    year: Option<u16>,
    all: HashMap<String, Hit>,
    /// Whether TMDb knows a film or series by the text as it stands.
    has_listed: bool,
}

impl<'t> Hits<'t> {
    fn new(text: &'t str, year: Option<u16>) -> Self {
        Self { text, year, all: HashMap::new(), has_listed: false }
    }

    fn nearest(&self) -> f64 {
        self.all.values().map(|hit| hit.rank).fold(0.0, f64::max)
    }

    fn put(&mut self, title: Title, by: By, rank: f64) {
        if let (Some(wanted), Some(year)) = (self.year, title.year)
            && (i32::from(wanted) - year).abs() > 1
        {
            return;
        }
        let hit = Hit { title, by, rank, managed: None };
        match self.all.get_mut(&hit.title.key()) {
            Some(known) if known.rank >= rank => known.title.owned = known.title.owned.take().or(hit.title.owned),
            Some(known) => {
                let owned = known.title.owned.take();
                let known_title = std::mem::take(&mut known.title);
                *known = hit;
                known.title.owned = known.title.owned.take().or(owned);
                // TMDb's words say more than a library's.
                if known.title.overview.is_empty() && !known_title.overview.is_empty() {
                    known.title = Title { owned: known.title.owned.take(), ..known_title };
                }
            }
            None => drop(self.all.insert(hit.title.key(), hit)),
        }
    }

    /// What TMDb answered to the text as it stands. It knows translations and other titles that its answer does not show.
    fn take_list(&mut self, list: &[Value], kinds: &[Kind]) {
        for (place, item) in list.iter().enumerate() {
            let Some(kind) = kind_of(item).filter(|kind| kinds.contains(kind)) else { continue };
            self.has_listed = true;
            let title = Title::of_tmdb(item, kind);
            let near = self.nearness(&title);
            let (by, rank) = match near >= NEAR {
                true => (if near >= 0.99 { By::Title } else { By::Spelling }, near),
                false => (By::OtherTitle, (0.7 - place as f64 * 0.02).max(near)),
            };
            // Of equally near ones the better known.
            let known = (title.votes as f64 + 1.0).log10() * 0.01;
            self.put(title, by, rank + known);
        }
    }

    /// Answers to other forms of the text: only what is near to the text itself.
    fn take_near(&mut self, list: &[Value], kinds: &[Kind]) {
        for item in list {
            let Some(kind) = kind_of(item).filter(|kind| kinds.contains(kind)) else { continue };
            let title = Title::of_tmdb(item, kind);
            let near = self.nearness(&title);
            if near >= NEAR {
                self.put(title, By::Spelling, near);
            }
        }
    }

    fn take_libraries(&mut self, libraries: &Libraries, kinds: &[Kind]) {
        for title in libraries.titles(kinds) {
            let near = self.nearness(&title);
            if near >= NEAR {
                self.put(title, if near >= 0.99 { By::Title } else { By::Spelling }, near);
            }
        }
    }

    /// Radarr and Sonarr know the titles of other countries.
    fn take_fetched(&mut self, fetched: &[Fetched]) {
        for list in fetched {
            for record in list.records() {
                let others = record["alternateTitles"].as_array().into_iter().flatten().map(|other| &other["title"]);
                let names = [&record["title"], &record["originalTitle"]].into_iter().chain(others);
                let near = names.filter_map(Value::as_str).map(|name| nearness(self.text, name)).fold(0.0, f64::max);
                if near < NEAR {
                    continue;
                }
                let title = Title {
                    kind: list.kind,
                    tmdb: record["tmdbId"].as_u64().filter(|id| *id > 0),
                    title: line(record["title"].as_str().unwrap_or_default(), 200),
                    year: record["year"].as_i64().filter(|year| *year > 0).and_then(|year| i32::try_from(year).ok()),
                    overview: line(record["overview"].as_str().unwrap_or_default(), 300),
                    ..Title::default()
                };
                let own = nearness(self.text, &title.title);
                let by = match (own >= 0.99, own >= near) {
                    (true, _) => By::Title,
                    (false, true) => By::Spelling,
                    (false, false) => By::OtherTitle,
                };
                self.put(title, by, near);
            }
        }
    }

    /// What has themes of the description, those first whose texts have most of its words.
    fn take_described(&mut self, list: &[(Kind, Value)]) {
        let titles: Vec<Title> = list.iter().map(|(kind, item)| Title::of_tmdb(item, *kind)).collect();
        let passages: Vec<Passage> = titles
            .iter()
            .map(|title| Passage {
                heading: format!("{} {}", title.title, title.genres.join(" ")),
                page: None,
                repeats: 0,
                text: title.overview.clone(),
            })
            .collect();
        let ranked = Ranking::of(&passages, "english").rank(self.text, titles.len());
        let mut order: Vec<usize> = ranked.passages.iter().map(|place| *place as usize).collect();
        order.extend((0..titles.len()).filter(|place| !ranked.passages.contains(&(*place as u32))));
        for (place, at) in order.into_iter().enumerate() {
            if let Some(title) = titles.get(at) {
                self.put(title.clone(), By::Description, 0.6 - place as f64 * 0.01);
            }
        }
    }

    fn nearness(&self, title: &Title) -> f64 {
        let original = title.original.as_deref().map_or(0.0, |original| nearness(self.text, original));
        nearness(self.text, &title.title).max(original)
    }

    fn sorted(self) -> Vec<Hit> {
        let mut hits: Vec<Hit> = self.all.into_values().collect();
        hits.sort_by(|one, other| {
            other.rank.total_cmp(&one.rank).then_with(|| one.title.key().cmp(&other.title.key()))
        });
        hits
    }
}

/// What the library and the fetchers say of a hit.
fn complete(hit: &mut Hit, libraries: &Libraries, fetched: &[Fetched]) {
    let Some(id) = hit.title.tmdb else { return };
    let kind = hit.title.kind;
    if hit.title.owned.is_none() {
        hit.title.owned = libraries.owned(kind, id);
    }
    let lists = fetched.iter().filter(|list| list.kind == kind);
    hit.managed = lists.flat_map(|list| list.records().map(move |record| (list, record))).find_map(|(list, record)| {
        (record["tmdbId"].as_u64() == Some(id)).then(|| (list.by.clone(), Fetched::state(record)))
    });
}

impl Media {
    /// The first of those that the person may be shown, and how many were left out for their age.
    async fn fit_for(&self, mut hits: Vec<Hit>, call: &Call, limit: usize) -> (Vec<Hit>, usize) {
        let Some(ceiling) = self.bounds.ceiling(call.person.standing, &call.person.name) else {
            hits.truncate(limit);
            return (hits, 0);
        };
        let all = hits.len();
        hits.truncate(MOST_RATED.min(limit));
        let seen = hits.len();
        let ages = join_all(hits.iter().map(|hit| async {
            let known = self.details(&hit.title).await.ok().flatten();
            known.and_then(|(_, details)| details.age())
        }));
        let mut ages = ages.await.into_iter();
        hits.retain(|_| ages.next().flatten().is_some_and(|age| age <= ceiling));
        let unfit = seen - hits.len();
        // Those nobody looked at are not told either; they count as far as they would have been.
        let beyond = limit.min(all) - seen;
        (hits, unfit + beyond)
    }
}

fn told(hit: &Hit, level: Level, libraries: &Libraries) -> Value {
    let title = &hit.title;
    let mut fields = view::Fields::default();
    fields.put("title", title.title.clone()).put("year", title.year).put("media_type", title.kind.path());
    fields.put("tmdb_id", title.tmdb).put("found_by", hit.by.in_words());
    match &title.owned {
        Some(owned) => {
            fields.put("in_library", true).put("rating_key", owned.rating_key).put("watched", owned.is_watched);
            fields.put("instance", instance_told(owned));
            if owned.lines > 0 {
                fields.put("lines", owned.lines);
            }
        }
        None if libraries.is_known() && libraries.away.is_empty() => {
            fields.put("in_library", false);
        }
        // Nobody knows.
        None => {}
    }
    if let Some((by, state)) = &hit.managed {
        fields.put("managed", format!("{by}: {state}"));
    }
    if level >= Level::Compact {
        fields.put("original_title", title.original.clone()).put("overview", title.overview.clone());
        fields.put("score", title.score.map(|score| (score * 10.0).round() / 10.0));
    }
    if level >= Level::Standard {
        fields
            .put("genres", title.genres.clone())
            .put("minutes", title.minutes)
            .put("language", title.language.clone());
    }
    fields.object()
}
