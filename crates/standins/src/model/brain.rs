//! The demo household's model: a handful of rules that really call tools.
//!
//! Knows what a question of the demo looks like and which tools help. Looks for a tool with `find_tools` when it is not
//! offered, and uses it through `use_tool` or by its name, whichever is there. Answers are made from the results in the
//! request and from nothing else; a tool that failed is named, and nothing is invented in its place. The same request
//! always gets the same answer.

mod answers;
mod question;
mod wish;

use super::{
    arguments::{Want, fill, takes_several},
    dialect::{Conversation, Offered, Turn},
    reading::{Item, items, json_in},
    script::{Piece, Script},
};
use question::{Asked, Kind};
use serde_json::{Value, json};
use wish::{Seasons, Wish};

/// Titles whose age rating is looked up in one go; tools take at most ten ids.
const LOOKED_AT: usize = 8;

/// What chooses for an evening, and the words it is looked for with.
const RECOMMENDING: (&str, &str) = ("media_recommend", "what should we watch tonight, recommend films and series");

/// What to do with a request.
enum Next {
    Say(String),
    Call(Vec<(String, Value)>),
}

/// The answer to a request, unhurried: waits are added outside.
pub(crate) fn answer(conversation: &Conversation) -> Script {
    match think(conversation) {
        Next::Say(text) => Script::text(&text),
        Next::Call(calls) => Script::new(
            calls.into_iter().map(|(name, arguments)| Piece::Call { name, arguments, id: None, pieces: 3 }).collect(),
        ),
    }
}

fn think(conversation: &Conversation) -> Next {
    let walk = Walk::of(conversation);
    let asked = question::understand(conversation.question(), || mentioned(conversation));
    match walk.answer(&asked) {
        Ok(text) => Next::Say(text),
        Err(next) => next,
    }
}

/// The title the conversation was last about: the last bold one of an earlier answer.
fn mentioned(conversation: &Conversation) -> Option<String> {
    conversation.turns.iter().rev().find_map(|turn| match turn {
        Turn::Assistant { text, .. } => {
            let bold = text.split("**").skip(1).step_by(2);
            let titles: Vec<&str> = bold.filter(|title| !title.ends_with([':', '.'])).collect();
            titles.first().map(|title| (*title).to_owned())
        }
        Turn::User(_) | Turn::Result { .. } => None,
    })
}

/// A result of this turn.
struct Answered {
    /// The tool that ran, also when it ran through `use_tool`.
    tool: String,
    text: String,
    json: Option<Value>,
    failed: bool,
}

/// What happened since the person asked.
struct Walk<'a> {
    conversation: &'a Conversation,
    results: Vec<Answered>,
    /// Tools that `find_tools` named, with their schemas.
    found: Vec<Offered>,
    /// The words it was asked for.
    looked_for: Vec<String>,
}

/// Words of a failure in a dialect that has no mark for one.
const FAILURES: [&str; 11] = [
    "did not answer",
    "could not be",
    "could not ask",
    "cannot be reached",
    "unreachable",
    "refused",
    "is busy",
    "timed out",
    "unavailable",
    "error",
    "failed",
];

/// A result without the line that says how it is read again.
fn without_reference(text: &str) -> &str {
    match text.rsplit_once("\n[ref ") {
        Some((before, _)) if text.ends_with(']') => before,
        _ => text,
    }
}

impl<'a> Walk<'a> {
    fn of(conversation: &'a Conversation) -> Self {
        let start = conversation.turns.iter().rposition(|turn| matches!(turn, Turn::User(_))).unwrap_or_default();
        let mut walk = Walk { conversation, results: Vec::new(), found: Vec::new(), looked_for: Vec::new() };
        let mut calls = Vec::new();
        for turn in conversation.turns.iter().skip(start) {
            match turn {
                Turn::Assistant { calls: made, .. } => calls.extend(made),
                Turn::Result { call, text, is_error } => {
                    let Some(made) = calls.iter().find(|made| made.id == *call) else { continue };
                    let text = without_reference(text);
                    let tool = match made.name.as_str() {
                        "use_tool" => made.arguments["name"].as_str().unwrap_or_default().to_owned(),
                        name => name.to_owned(),
                    };
                    if tool == "find_tools" {
                        walk.found.extend(found_tools(text));
                        walk.looked_for.extend(made.arguments["query"].as_str().map(str::to_owned));
                    }
                    let json = if text.contains(['{', '[']) { json_in(text) } else { None };
                    let lower = text.to_lowercase();
                    let said = json.is_none() && FAILURES.iter().any(|words| lower.contains(words));
                    let told = json.as_ref().is_some_and(|json| json["error"].is_string());
                    walk.results.push(Answered {
                        tool,
                        text: text.to_owned(),
                        json,
                        failed: *is_error || said || told,
                    });
                }
                Turn::User(_) => {}
            }
        }
        walk
    }

    /// Results of the first of these tools that has any; else the calls that will bring them.
    fn need(&self, wanted: &[Needed<'_>]) -> Result<Vec<&Answered>, Next> {
        let (mut have, mut calls) = (Vec::new(), Vec::new());
        for needed in wanted {
            let results: Vec<&Answered> =
                self.results.iter().filter(|result| needed.tools.contains(&result.tool.as_str())).collect();
            if let Some(failed) = results.iter().find(|result| result.failed)
                && results.iter().all(|result| result.failed)
            {
                return Err(Next::Say(answers::could_not_ask(&failed.text)));
            }
            if results.is_empty() {
                calls.extend(self.call(needed)?);
            }
            have.extend(results.into_iter().filter(|result| !result.failed));
        }
        if calls.is_empty() {
            return Ok(have);
        }
        if !self.conversation.may_call {
            return Err(Next::Say(answers::NO_MORE_STEPS.to_owned()));
        }
        calls.dedup();
        Err(Next::Call(calls))
    }

    fn call(&self, needed: &Needed<'_>) -> Result<Vec<(String, Value)>, Next> {
        let offered = |tools: &'a [Offered], name: &str| tools.iter().find(|tool| tool.name == name);
        if let Some(tool) = needed.tools.iter().find_map(|name| offered(&self.conversation.tools, name)) {
            return Ok(arguments(tool, &needed.wants)
                .into_iter()
                .map(|arguments| (tool.name.clone(), arguments))
                .collect());
        }
        let found = needed.tools.iter().find_map(|name| self.found.iter().find(|tool| tool.name == *name));
        if let (Some(tool), Some(_)) = (found, offered(&self.conversation.tools, "use_tool")) {
            let through = |arguments| ("use_tool".to_owned(), json!({"name": tool.name, "arguments": arguments}));
            return Ok(arguments(tool, &needed.wants).into_iter().map(through).collect());
        }
        // First in plain words, then by the tool's own name; after that there is none.
        let by_name = needed.tools.first().map(|name| name.replace('_', " ")).unwrap_or_default();
        let words = [needed.words, by_name.as_str()]
            .into_iter()
            .find(|words| !self.looked_for.iter().any(|looked| looked == words));
        match (offered(&self.conversation.tools, "find_tools"), words) {
            (Some(tool), Some(words)) if found.is_none() => {
                Ok(vec![(tool.name.clone(), fill(tool, &[Want::Query(words)]))])
            }
            _ => Err(Next::Say(answers::no_tool(needed.words))),
        }
    }

    fn answer(&self, asked: &Asked) -> Result<String, Next> {
        match &asked.kind {
            Kind::Hello => Ok(answers::hello()),
            Kind::Request(wish) => self.request(wish),
            Kind::Progress { title } if title.is_empty() => {
                let tools = &["media_queue"];
                let results = self.need(&[Needed { tools, words: "downloads and their progress", wants: vec![] }])?;
                Ok(answers::downloads(results.first().and_then(|result| result.json.as_ref())))
            }
            Kind::Progress { title } => self.progress(title),
            Kind::Change { tools, words, arguments } => {
                let results = self.need(&[Needed { tools, words, wants: vec![Want::Exactly(arguments)] }])?;
                Ok(answers::change(results.first().map_or("", |result| result.text.as_str())))
            }
            Kind::Party => {
                let tools = &["party_view"];
                let results = self.need(&[Needed { tools, words: "view the party of characters", wants: vec![] }])?;
                Ok(answers::party(results.first().and_then(|result| result.json.as_ref())))
            }
            Kind::Known => {
                let tools = &["what_is_known"];
                let results =
                    self.need(&[Needed { tools, words: "what is known and remembered of the person", wants: vec![] }])?;
                Ok(results.first().map_or_else(answers::unknown, |result| answers::known(&result.text)))
            }
            Kind::Decided { yes } => Ok(answers::decided(*yes, self.results.last().map(|result| result.failed))),
            Kind::Summary => Ok(answers::summary(self.conversation)),
            Kind::Unknown => Ok(answers::unknown()),
            Kind::Trending { window, media } => self.trending(asked, window, media),
            Kind::Watch => self.watch(asked),
            Kind::About { title } => self.about(title),
            Kind::Where { title } => self.streams(title),
            Kind::Like { title } => self.similar(title),
            Kind::List { tools, words, heading } => {
                let results = self.need(&[Needed { tools, words, wants: vec![Want::Limit(10)] }])?;
                Ok(answers::list(heading, &read(&results)))
            }
            Kind::Health => {
                let tools = &["media_health"];
                let results =
                    self.need(&[Needed { tools, words: "health of the services and disk space", wants: vec![] }])?;
                Ok(answers::health(results.first().and_then(|result| result.json.as_ref())))
            }
            Kind::Stuck => {
                let tools = &["media_stuck"];
                let results =
                    self.need(&[Needed { tools, words: "stuck downloads and how to mend them", wants: vec![] }])?;
                Ok(answers::stuck(results.first().and_then(|result| result.json.as_ref())))
            }
            Kind::Tonight => {
                let tools = &["media_airing_today", "tvmaze_schedule", "tmdb_airing_today"];
                let results =
                    self.need(&[Needed { tools, words: "airing tonight television schedule", wants: vec![] }])?;
                Ok(answers::tonight(&results.iter().filter_map(|result| result.json.clone()).collect::<Vec<_>>()))
            }
            Kind::NextEpisode { title } => {
                let tools = &["tvmaze_next_episode", "tvmaze_single"];
                let wants = vec![Want::Query(title), Want::Embed("nextepisode")];
                let results = self.need(&[Needed { tools, words: "next episode of a series", wants }])?;
                Ok(answers::next_episode(
                    title,
                    &results.iter().filter_map(|result| result.json.clone()).collect::<Vec<_>>(),
                ))
            }
            Kind::Sum { expression } => {
                let tools = &["calculate_expression"];
                let results = self.need(&[Needed {
                    tools,
                    words: "calculate arithmetic",
                    wants: vec![Want::Expression(expression)],
                }])?;
                Ok(answers::sum(expression, results.first().map(|result| (result.text.as_str(), result.json.as_ref()))))
            }
            Kind::Time => {
                let tools = &["current_datetime"];
                let wants = vec![Want::Format("%A, %d %B %Y, %H:%M")];
                let results = self.need(&[Needed { tools, words: "current date and time", wants }])?;
                Ok(answers::time(results.first().map_or("", |result| result.text.as_str())))
            }
        }
    }

    /// Whether a tool is there, or has not been looked for.
    fn may_have(&self, (name, words): (&str, &str)) -> bool {
        let offers = |name: &str| self.conversation.tools.iter().any(|tool| tool.name == name);
        let is_unknown = offers("find_tools") && !self.looked_for.iter().any(|looked| looked == words);
        offers(name) || is_unknown || self.found.iter().any(|tool| tool.name == name)
    }

    fn trending(&self, asked: &Asked, window: &str, media: &str) -> Result<String, Next> {
        let wants = vec![Want::Window(window), Want::Media(media), Want::Limit(LOOKED_AT as u64)];
        let results =
            self.need(&[Needed { tools: &["tmdb_trending"], words: "trending films and series this week", wants }])?;
        let mut list: Vec<Item> = read(&results).into_iter().filter(|item| item.media != "person").collect();
        list.truncate(LOOKED_AT);
        if !asked.kids || list.is_empty() {
            return Ok(answers::trending(window, &list));
        }
        Ok(answers::trending_for_kids(window, &self.detailed(list)?))
    }

    fn watch(&self, asked: &Asked) -> Result<String, Next> {
        let genres: Vec<&str> = asked.genres.iter().map(String::as_str).collect();
        let of_kind = asked.kids || !genres.is_empty() || asked.from.is_some();
        if !of_kind && self.may_have(RECOMMENDING) {
            let mut arguments = json!({"max_results": 3});
            if let Some(minutes) = asked.minutes {
                arguments["max_minutes"] = minutes.into();
            }
            let wants = vec![Want::Exactly(&arguments)];
            let results = self.need(&[Needed { tools: &[RECOMMENDING.0], words: RECOMMENDING.1, wants }])?;
            return Ok(answers::recommended(results.first().and_then(|result| result.json.as_ref())));
        }
        let narrow = of_kind || asked.minutes.is_some();
        let results = if narrow {
            let mut wants = vec![Want::Order("popularity.desc"), Want::Limit(LOOKED_AT as u64)];
            let kids = ["Family"];
            wants.push(Want::Genres(if asked.kids && genres.is_empty() { &kids } else { &genres }));
            if genres.is_empty() && !asked.kids {
                wants.pop();
            }
            wants.extend(asked.minutes.map(Want::Runtime));
            wants.extend(asked.from.as_deref().map(Want::From));
            wants.extend(asked.until.as_deref().map(Want::Until));
            let tools = &["tmdb_discover_movies", "tmdb_discover"];
            self.need(&[Needed { tools, words: "discover films by genre, length and year", wants }])?
        } else {
            let wants = vec![Want::Window("week"), Want::Media("movie"), Want::Limit(LOOKED_AT as u64)];
            let tools = &["tmdb_trending", "tmdb_popular_movies", "tmdb_top_rated_movies"];
            self.need(&[Needed { tools, words: "trending or popular films", wants }])?
        };
        let mut list: Vec<Item> = read(&results).into_iter().filter(|item| item.media == "movie").collect();
        list.truncate(LOOKED_AT);
        if list.is_empty() {
            return Ok(answers::nothing_fits());
        }
        Ok(answers::watch(asked, &self.detailed(list)?))
    }

    /// The items with lengths and age ratings: films in one call, series in another, side by side.
    fn detailed(&self, list: Vec<Item>) -> Result<Vec<Item>, Next> {
        let ids = |media: &str| -> Vec<u64> {
            list.iter().filter(|item| item.media == media).filter_map(|item| item.id).collect()
        };
        let (films, series) = (ids("movie"), ids("tv"));
        let mut wanted = Vec::new();
        if !films.is_empty() {
            wanted.push(Needed {
                tools: &["tmdb_movie_details"],
                words: "film details with age rating",
                wants: vec![Want::Ids(&films), Want::Parts("release_dates")],
            });
        }
        if !series.is_empty() {
            wanted.push(Needed {
                tools: &["tmdb_tv_details"],
                words: "series details with age rating",
                wants: vec![Want::Ids(&series), Want::Parts("content_ratings")],
            });
        }
        let details = read(&self.need(&wanted)?);
        Ok(list
            .into_iter()
            .map(|item| {
                let fuller = details.iter().find(|other| other.id == item.id && other.media == item.media).cloned();
                match fuller {
                    Some(fuller) => Item {
                        overview: if fuller.overview.is_empty() { item.overview } else { fuller.overview },
                        genres: if fuller.genres.is_empty() { item.genres } else { fuller.genres },
                        score: fuller.score.or(item.score),
                        year: if fuller.year.is_empty() { item.year } else { fuller.year },
                        ..fuller
                    },
                    None => item,
                }
            })
            .collect())
    }

    /// The one thing a title means.
    fn search(&self, title: &str) -> Result<Item, Next> {
        // "Metropolis (1927)": the year says which one, and no search finds it as a part of the title.
        let (title, year) = match title.strip_suffix(')').and_then(|start| start.rsplit_once(" (")) {
            Some((name, year)) if year.len() == 4 && year.bytes().all(|one| one.is_ascii_digit()) => (name, Some(year)),
            _ => (title, None),
        };
        let tools = &["tmdb_search_multi", "tmdb_search_movies"];
        let wants = vec![Want::Query(title), Want::Media("multi"), Want::Limit(5)];
        let results = self.need(&[Needed { tools, words: "search films, series and people by title", wants }])?;
        let list = read(&results);
        let exact = |with_year: bool| {
            list.iter().find(|item| {
                item.title.eq_ignore_ascii_case(title) && (!with_year || year.is_none_or(|year| item.year == year))
            })
        };
        exact(true).or(exact(false)).or(list.first()).cloned().ok_or_else(|| Next::Say(answers::not_found(title)))
    }

    fn about(&self, title: &str) -> Result<String, Next> {
        let item = self.search(title)?;
        let ids: Vec<u64> = item.id.into_iter().collect();
        let (tools, words): (&[&str], &str) = match item.media.as_str() {
            "tv" => (&["tmdb_tv_details"], "series details"),
            "person" => (&["tmdb_person"], "details of a person"),
            _ => (&["tmdb_movie_details"], "film details"),
        };
        let results = self.need(&[Needed { tools, words, wants: vec![Want::Ids(&ids)] }])?;
        let fuller = read(&results).into_iter().next().unwrap_or_else(|| item.clone());
        let watch: Vec<_> =
            results.iter().filter_map(|result| result.json.as_ref()).flat_map(super::reading::providers).collect();
        Ok(answers::about(&fuller, &item, &watch))
    }

    fn request(&self, wish: &Wish) -> Result<String, Next> {
        let item = self.meant(&wish.title, wish.media)?;
        let asked: Vec<&Answered> = self.results.iter().filter(|result| result.tool == "media_request").collect();
        let mut seasons = if let Seasons::These(seasons) = &wish.seasons { Some(seasons.clone()) } else { None };
        match asked.as_slice() {
            // "Sonarr has 0, 1 and 2": all of them but the specials.
            [first] if first.text.starts_with(answers::ASK) && wish.seasons == Seasons::All => {
                let numbers = first.text.split_once("Sonarr has ").map(|(_, numbers)| numbers).unwrap_or_default();
                let numbers = numbers.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok());
                seasons = Some(numbers.filter(|number| *number > 0).collect());
                if seasons.as_ref().is_none_or(Vec::is_empty) {
                    return Ok(answers::refused(&first.text));
                }
            }
            [.., last] if last.failed || last.text.starts_with(answers::ASK) => {
                return Ok(answers::refused(&last.text));
            }
            [.., last] => return Ok(answers::change(&last.text)),
            [] => {}
        }
        let mut arguments = json!({
            "media_type": if item.media == "tv" { "series" } else { "film" },
            "tmdb_id": item.id,
        });
        for (name, value) in [
            ("seasons", seasons.map(Value::from)),
            ("quality", wish.quality.map(Value::from)),
            ("tell_me", wish.tell.map(Value::from)),
        ] {
            if let Some(value) = value {
                arguments[name] = value;
            }
        }
        let needed = Needed {
            tools: &["media_request"],
            words: "request a film or series to be fetched",
            wants: vec![Want::Exactly(&arguments)],
        };
        if !self.conversation.may_call {
            return Ok(answers::NO_MORE_STEPS.to_owned());
        }
        Err(Next::Call(self.call(&needed)?))
    }

    /// The one title a change is for: exactly the one that was said, or the only one there is.
    fn meant(&self, title: &str, media: Option<&str>) -> Result<Item, Next> {
        let first = self.search(title)?;
        let (plain, year) = match title.strip_suffix(')').and_then(|start| start.rsplit_once(" (")) {
            Some((name, year)) => (name.to_lowercase(), Some(year)),
            None => (title.to_lowercase(), None),
        };
        let fits = |item: &&Item| {
            item.media != "person"
                && media.is_none_or(|media| item.media == media)
                && year.is_none_or(|year| item.year == year)
        };
        let list: Vec<Item> = self.found_by_title().into_iter().filter(|item| fits(&item)).collect();
        if fits(&&first) && first.title.to_lowercase() == plain {
            return Ok(first);
        }
        let exact: Vec<&Item> = list.iter().filter(|item| item.title.to_lowercase() == plain).collect();
        match (exact.as_slice(), list.as_slice()) {
            ([one], _) => Ok((*one).clone()),
            (_, [one]) => Ok(one.clone()),
            (_, []) => Err(Next::Say(answers::not_found(title))),
            _ => Err(Next::Say(answers::which(&list))),
        }
    }

    fn found_by_title(&self) -> Vec<Item> {
        let searched: Vec<&Answered> =
            self.results.iter().filter(|result| result.tool.starts_with("tmdb_search")).collect();
        read(&searched)
    }

    fn progress(&self, title: &str) -> Result<String, Next> {
        let item = self.meant(title, None)?;
        let arguments = json!({"media_type": if item.media == "tv" { "series" } else { "film" }, "tmdb_id": item.id});
        let results = self.need(&[Needed {
            tools: &["media_where_is"],
            words: "where is my film, have it in library already",
            wants: vec![Want::Exactly(&arguments)],
        }])?;
        Ok(answers::whereabouts(results.first().and_then(|result| result.json.as_ref())))
    }

    fn streams(&self, title: &str) -> Result<String, Next> {
        let item = self.search(title)?;
        let ids: Vec<u64> = item.id.into_iter().collect();
        let media = if item.media == "tv" { "tv" } else { "movie" };
        let results = self.need(&[Needed {
            tools: &["tmdb_watch_providers"],
            words: "where a film or series can be watched",
            wants: vec![Want::Ids(&ids), Want::Media(media)],
        }])?;
        let watch: Vec<_> =
            results.iter().filter_map(|result| result.json.as_ref()).flat_map(super::reading::providers).collect();
        Ok(answers::streams(&item, &watch))
    }

    fn similar(&self, title: &str) -> Result<String, Next> {
        let item = self.search(title)?;
        let ids: Vec<u64> = item.id.into_iter().collect();
        let media = if item.media == "tv" { "tv" } else { "movie" };
        let results = self.need(&[Needed {
            tools: &["tmdb_recommendations", "tmdb_similar"],
            words: "recommendations similar to a film or series",
            wants: vec![Want::Ids(&ids), Want::Media(media), Want::Limit(6)],
        }])?;
        Ok(answers::similar(&item, &read(&results)))
    }
}

/// One thing to be found out.
struct Needed<'a> {
    /// Any of these does; the first that is there is used.
    tools: &'a [&'a str],
    /// What to look for when none is there.
    words: &'a str,
    wants: Vec<Want<'a>>,
}

/// One call, or one for each id when the tool takes no list.
fn arguments(tool: &Offered, wants: &[Want<'_>]) -> Vec<Value> {
    let ids =
        wants.iter().find_map(|want| if let Want::Ids(ids) = want { Some(*ids) } else { None }).unwrap_or_default();
    if ids.len() < 2 || takes_several(tool) {
        return vec![fill(tool, wants)];
    }
    ids.chunks(1)
        .map(|id| {
            let wants: Vec<Want<'_>> = wants
                .iter()
                .map(|want| if matches!(want, Want::Ids(_)) { Want::Ids(id) } else { want.clone() })
                .collect();
            fill(tool, &wants)
        })
        .collect()
}

fn read(results: &[&Answered]) -> Vec<Item> {
    results.iter().filter_map(|result| result.json.as_ref()).flat_map(items).collect()
}

/// Tools in an answer of `find_tools`: one a line, `name: description Arguments: {properties} required: [names]`, or
/// JSON objects with name and schema.
fn found_tools(text: &str) -> Vec<Offered> {
    let mut found: Vec<Offered> = text
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(": ")?;
            // One without arguments is asked for by its name.
            let (_, arguments) = rest.rsplit_once("Arguments: ")?;
            let is_name = !name.is_empty()
                && name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_');
            is_name.then(|| Offered {
                name: name.to_owned(),
                schema: json!({"type": "object", "properties": json_in(arguments).unwrap_or_else(|| json!({}))}),
            })
        })
        .collect();
    if found.is_empty() {
        let listed = json_in(text).unwrap_or(Value::Null);
        let list = listed.as_array().or_else(|| listed["tools"].as_array()).cloned().unwrap_or_default();
        found.extend(list.into_iter().filter_map(|tool| {
            let schema = ["schema", "parameters", "input_schema"].iter().find_map(|name| tool.get(*name)).cloned();
            Some(Offered { name: tool["name"].as_str()?.to_owned(), schema: schema.unwrap_or(Value::Null) })
        }));
    }
    found
}
