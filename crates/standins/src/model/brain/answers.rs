//! The demo model's words: Markdown from results, and plain sentences where there is nothing to tell.

use super::{Asked, Item};
use crate::model::{
    dialect::{Conversation, Turn, said},
    reading::episodes,
};
use jiff::Timestamp;
use serde_json::Value;

pub(super) const NO_MORE_STEPS: &str = "I have used up my steps for this question and do not have enough to answer it. Ask me once more and I will start over.";

const UNDERSTOOD: &str = "- what's trending this week, and is any of it good for kids?\n\
- what should we watch tonight? (also: *a short comedy from the 1920s*, *something for the kids*)\n\
- tell me about *Metropolis*, who is in *Charade*, where does *The General* stream?\n\
- something similar to *Nosferatu*\n\
- what's on tonight, when is the next episode of *Sherlock Holmes*?\n\
- what is upcoming, what is in cinemas?\n\
- get me *Häxan* in 4K; add *Dragnet*, season 2; where is my *Häxan*; what is being downloaded?\n\
- is *Metropolis* in our library, is anything stuck, is everything running?\n\
- what is 15% of 80, what time is it?\n\
- add *V* to my party, he's a *Solo*; show my party; remember that *I like silent films*; what do you know about me?";

pub(super) fn hello() -> String {
    format!(
        "Hello! I am the demo household's assistant: a small scripted model that really calls tools, on a shelf of \
         public-domain films and series. I understand:\n\n{UNDERSTOOD}"
    )
}

pub(super) fn unknown() -> String {
    format!(
        "That is beyond me: I am a scripted demo model, not a real one, and understand only a handful of requests:\n\n{UNDERSTOOD}\n\n\
         Connect a real model in the settings and it answers in my place."
    )
}

/// How a tool says that the person has to choose.
pub(super) const ASK: &str = "ask the person which ";

/// A wish that was not carried out, in the words of what refused it.
pub(super) fn refused(why: &str) -> String {
    match why.strip_prefix(ASK) {
        Some(which) => format!("Which {which}. Say it again with the seasons."),
        None => format!("Nothing was asked for: {why}"),
    }
}

pub(super) fn which(items: &[Item]) -> String {
    let names = items.iter().take(5).map(|item| format!("- **{}** ({})", item.title, item.year)).collect::<Vec<_>>();
    format!("Which one do you mean?\n\n{}", names.join("\n"))
}

/// Where something is that was asked for.
pub(super) fn whereabouts(found: Option<&Value>) -> String {
    let found = found.map(|found| if found.is_array() { &found[0] } else { found });
    let line = found.and_then(|found| found["answer"].as_str()).unwrap_or("I could not find out where it is.");
    let could_not = found.into_iter().flat_map(|found| found["could_not_ask"].as_array().into_iter().flatten());
    let could_not: String = could_not.filter_map(Value::as_str).map(|text| format!("\n\n{text}")).collect();
    format!("{line}{could_not}")
}

/// What is being fetched.
pub(super) fn downloads(found: Option<&Value>) -> String {
    let rows: Vec<String> = found
        .and_then(|found| found["downloads"].as_array())
        .into_iter()
        .flatten()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap_or_default();
            let percent = row["percent"].as_u64().map(|percent| format!(", {percent} %")).unwrap_or_default();
            let left =
                if text("time_left").is_empty() { String::new() } else { format!(", {} left", text("time_left")) };
            let problem = if text("problem").is_empty() { String::new() } else { format!(": {}", text("problem")) };
            format!("- **{}** {}{percent}{left}{problem}", text("title"), text("state"))
        })
        .collect();
    let could_not = found.and_then(|found| found["could_not_ask"].as_array()).into_iter().flatten();
    let could_not: String =
        could_not.filter_map(|one| one["reason"].as_str()).map(|reason| format!("\n\n{reason}")).collect();
    let list = if rows.is_empty() { "Nothing is being downloaded.".to_owned() } else { rows.join("\n") };
    format!("{list}{could_not}")
}

/// How the services are.
pub(super) fn health(found: Option<&Value>) -> String {
    let list = |key: &str| found.and_then(|found| found[key].as_array()).into_iter().flatten();
    let rows = list("services").map(|service| {
        let text = |key: &str| service[key].as_str().unwrap_or_default();
        let version = if text("version").is_empty() { String::new() } else { format!(" ({})", text("version")) };
        let problems = service["problems"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let told: String = problems.chain(service["reason"].as_str()).map(|line| format!("\n  - {line}")).collect();
        format!("- **{}** is {}{version}{told}", text("name"), text("state"))
    });
    let disks = list("disks").filter_map(|disk| {
        let gigabytes = |key: &str| disk[key].as_f64().map(|bytes| bytes / 1e9);
        let (free, total) = (gigabytes("free_bytes")?, gigabytes("total_bytes"));
        let of = total.map(|total| format!(" of {total:.0}")).unwrap_or_default();
        Some(format!("- `{}`: {free:.0}{of} GB free", disk["path"].as_str()?))
    });
    let lines: Vec<String> = rows.chain(disks).collect();
    if lines.is_empty() { "I could not find out how the services are.".into() } else { lines.join("\n") }
}

/// What hangs, and what would mend it.
pub(super) fn stuck(found: Option<&Value>) -> String {
    let rows = found.and_then(|found| found["downloads"].as_array()).into_iter().flatten().map(|row| {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        format!("- **{}**: {} {}", text("for"), text("cause"), text("consequence"))
    });
    let rows: Vec<String> = rows.collect();
    let could_not = found.and_then(|found| found["could_not_ask"].as_array()).into_iter().flatten();
    let could_not: String =
        could_not.filter_map(|one| one["reason"].as_str()).map(|reason| format!("\n\n{reason}")).collect();
    let list = if rows.is_empty() { "Nothing is stuck.".to_owned() } else { rows.join("\n") };
    format!("{list}{could_not}")
}

/// What came of a change that asks first.
pub(super) fn change(result: &str) -> String {
    if result.starts_with("Not done.") {
        "It waits for your yes: the question is beside this answer.".into()
    } else if result.is_empty() {
        "Nothing came of it.".into()
    } else {
        format!("{result}\n")
    }
}

pub(super) fn decided(yes: bool, failed: Option<bool>) -> String {
    match (yes, failed) {
        (true, Some(true)) => "It did not work; the reason stands above.".into(),
        (true, _) => "As you wish.".into(),
        (false, _) => "Then it stays as it is.".into(),
    }
}

pub(super) fn party(characters: Option<&Value>) -> String {
    let lines: Vec<String> = characters
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|one| {
            format!("- **{}**, {}", one["name"].as_str().unwrap_or_default(), one["role"].as_str().unwrap_or_default())
        })
        .collect();
    if lines.is_empty() { "The party is empty.".into() } else { lines.join("\n") }
}

pub(super) fn known(text: &str) -> String {
    // Ids are for tools.
    let lines = text.lines().map(|line| line.split(" [").next().unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

pub(super) fn could_not_ask(reason: &str) -> String {
    let reason: String = reason.trim().chars().take(200).collect();
    format!(
        "I could not look that up just now: {}. Rather than guess I leave it at that; please ask again in a moment.",
        reason.trim_end_matches('.')
    )
}

pub(super) fn no_tool(words: &str) -> String {
    format!("I have no tool here that could help with this ({words}), and without one I would only be guessing.")
}

pub(super) fn not_found(title: &str) -> String {
    format!("I looked for “{title}” and found nothing of that name.")
}

pub(super) fn nothing_fits() -> String {
    "I looked, and nothing fits all of that. Leave out one of the wishes and I will try again.".to_owned()
}

/// What the conversation was about, for the assistant's own memory.
pub(super) fn summary(conversation: &Conversation) -> String {
    let asked: Vec<String> = conversation
        .turns
        .iter()
        .filter_map(|turn| match turn {
            Turn::User(text) => {
                Some(format!("- {}", said(text).chars().take(400).collect::<String>().replace('\n', " ")))
            }
            Turn::Assistant { .. } | Turn::Result { .. } => None,
        })
        .take(40)
        .collect();
    format!("Summary of the conversation so far:\n{}", asked.join("\n"))
}

fn named(item: &Item) -> String {
    if item.year.is_empty() { format!("**{}**", item.title) } else { format!("**{}** ({})", item.title, item.year) }
}

fn length(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn rating(item: &Item) -> String {
    match item.certification.as_str() {
        "" | "NR" | "Not Rated" | "Unrated" => "not rated".to_owned(),
        rating => format!("rated {rating}"),
    }
}

fn facts(item: &Item, with_rating: bool) -> String {
    let mut facts = Vec::new();
    if item.media == "tv" {
        facts.push("series".to_owned());
    }
    if with_rating {
        facts.push(rating(item));
    }
    facts.extend(item.runtime.map(length));
    if !item.genres.is_empty() {
        facts.push(item.genres.iter().take(3).cloned().collect::<Vec<_>>().join(", "));
    }
    facts.extend(item.score.map(|score| format!("{score:.1}/10")));
    facts.join(" · ")
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").and_then(|end| text.get(..=end)).unwrap_or(text)
}

/// Whether something suits children, from its age rating and, where it has none, its genres.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suits {
    Kids,
    WithParents,
    /// Nobody has rated it and the genres do not settle it.
    Unknown,
    Not,
}

fn suits(item: &Item) -> Suits {
    let has = |words: &[&str]| item.genres.iter().any(|genre| words.contains(&genre.as_str()));
    match item.certification.as_str() {
        "G" | "U" | "TV-Y" | "TV-G" | "TV-Y7" | "0" | "6" | "AL" => Suits::Kids,
        "PG" | "TV-PG" | "12" | "12A" | "PG-13" => Suits::WithParents,
        "R" | "NC-17" | "TV-14" | "TV-MA" | "15" | "16" | "18" => Suits::Not,
        _ if has(&["Horror", "Thriller", "Crime", "War"]) => Suits::Not,
        _ if has(&["Family", "Animation", "Kids"]) => Suits::WithParents,
        _ => Suits::Unknown,
    }
}

fn window_name(window: &str) -> &str {
    if window == "day" { "today" } else { "this week" }
}

pub(super) fn trending(window: &str, list: &[Item]) -> String {
    if list.is_empty() {
        return "I looked, and the list of trends is empty.".to_owned();
    }
    let mut text = format!("Trending {}:\n\n", window_name(window));
    for (place, item) in list.iter().enumerate() {
        let facts = facts(item, false);
        text += &format!(
            "{}. {}{} {}\n",
            place + 1,
            named(item),
            if facts.is_empty() { ":".to_owned() } else { format!(" — {facts}:") },
            first_sentence(&item.overview)
        );
    }
    text + "\nAsk me which of these are good for kids, or to tell you about one of them."
}

pub(super) fn trending_for_kids(window: &str, list: &[Item]) -> String {
    let mut text = format!("Trending {}, with age ratings:\n\n", window_name(window));
    for (place, item) in list.iter().enumerate() {
        text += &format!("{}. {} — {}\n", place + 1, named(item), facts(item, true));
    }
    let group = |wanted: Suits| -> Vec<&Item> { list.iter().filter(|item| suits(item) == wanted).collect() };
    text += "\n### For the kids\n\n";
    let good = group(Suits::Kids);
    if good.is_empty() {
        text += "None of these is rated for all ages.\n";
    }
    for item in good {
        text += &format!("- {}, {}. {}\n", named(item), rating(item), first_sentence(&item.overview));
    }
    let told = |items: Vec<&Item>| {
        items.into_iter().map(|item| format!("{} ({})", item.title, rating(item))).collect::<Vec<_>>().join(", ")
    };
    for (wanted, heading) in [
        (Suits::WithParents, "Together with a grown-up"),
        (Suits::Unknown, "Nobody rated these, so have a look first"),
        (Suits::Not, "Not for small children"),
    ] {
        let items = group(wanted);
        if !items.is_empty() {
            text += &format!("\n{heading}: {}.\n", told(items));
        }
    }
    text
}

pub(super) fn watch(asked: &Asked, list: &[Item]) -> String {
    let mut left: Vec<&Item> =
        list.iter().filter(|item| !asked.kids || matches!(suits(item), Suits::Kids | Suits::WithParents)).collect();
    if left.is_empty() {
        return "I found films, but none I would put before children without having seen it: their age ratings are missing or too high.".to_owned();
    }
    // Three that differ: the first, then whatever shares least with what was picked.
    let mut picks: Vec<&Item> = vec![left.remove(0)];
    while picks.len() < 3 && !left.is_empty() {
        let shared = |item: &Item| {
            picks
                .iter()
                .map(|pick| pick.genres.iter().filter(|genre| item.genres.contains(genre)).count())
                .sum::<usize>()
        };
        let next =
            left.iter().enumerate().min_by_key(|(place, item)| (shared(item), *place)).map_or(0, |(place, _)| place);
        picks.push(left.remove(next));
    }
    let mut text = if asked.kids { "For tonight, with the kids:\n\n" } else { "For tonight:\n\n" }.to_owned();
    for item in picks {
        text += &format!("- {} — {}\n  {}\n", named(item), facts(item, true), item.overview);
    }
    text + "\nAsk me where one of them streams, or for something shorter, older or funnier."
}

/// What was chosen for an evening, with the reasons.
pub(super) fn recommended(found: Option<&Value>) -> String {
    let list = |key: &str| found.and_then(|found| found[key].as_array()).into_iter().flatten();
    let rows: Vec<String> = list("results")
        .map(|one| {
            let year = one["year"].as_i64().map(|year| format!(" ({year})")).unwrap_or_default();
            let flags: Vec<&str> =
                one["content_flags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let flags = if flags.is_empty() { String::new() } else { format!(" Beware: {}.", flags.join(", ")) };
            let here = if one["in_library"] == true { " It is in the library." } else { "" };
            let text = |key: &str| one[key].as_str().unwrap_or_default();
            format!("- **{}**{year}.{flags} {}{here}", text("title"), text("reason"))
        })
        .collect();
    let could_not: String = list("could_not_ask").filter_map(Value::as_str).map(|line| format!("\n\n{line}")).collect();
    if rows.is_empty() {
        return format!("I found nothing that fits.{could_not}");
    }
    format!(
        "For tonight:\n\n{}{could_not}\n\nAsk me where one of them is, or for something shorter, older or funnier.",
        rows.join("\n")
    )
}

pub(super) fn about(item: &Item, found: &Item, watch: &[(String, Vec<String>)]) -> String {
    let mut text = format!("{}\n\n", named(if item.title.is_empty() { found } else { item }));
    if item.media == "person" {
        if !item.biography.is_empty() {
            text += &format!("{}\n\n", item.biography);
        }
        let works = if item.works.is_empty() { &found.works } else { &item.works };
        if !works.is_empty() {
            text += &format!("Known for: {}.", works.join(", "));
        }
        return text;
    }
    let facts = facts(item, !item.certification.is_empty());
    if !facts.is_empty() {
        text += &format!("{facts}\n\n");
    }
    let overview = if item.overview.is_empty() { &found.overview } else { &item.overview };
    text += &format!("{overview}\n");
    if !item.directors.is_empty() {
        let by = if item.media == "tv" { "Created by" } else { "Directed by" };
        text += &format!("\n- {by} {}", item.directors.join(", "));
    }
    if !item.cast.is_empty() {
        text += &format!("\n- With {}", item.cast.iter().take(5).cloned().collect::<Vec<_>>().join(", "));
    }
    if !watch.is_empty() {
        text += &format!("\n- To watch: {} (data by JustWatch)", ways(watch));
    }
    if !item.alike.is_empty() {
        text += &format!("\n- If you like it: {}", item.alike.iter().take(4).cloned().collect::<Vec<_>>().join(", "));
    }
    text
}

fn ways(watch: &[(String, Vec<String>)]) -> String {
    // What costs nothing more comes first.
    let order = |how: &str| ["flatrate", "free", "ads", "rent", "buy"].iter().position(|known| *known == how);
    let mut watch: Vec<_> = watch.iter().collect();
    watch.sort_by_key(|(how, _)| order(how).unwrap_or(usize::MAX));
    let mut told: Vec<String> = Vec::new();
    for (how, names) in watch {
        let how = match how.as_str() {
            "free" => "free at",
            "ads" => "with advertisements at",
            "rent" => "to rent at",
            "buy" => "to buy at",
            _ => "streams at",
        };
        let one = format!("{how} {}", names.join(", "));
        if !told.contains(&one) {
            told.push(one);
        }
    }
    told.join("; ")
}

pub(super) fn streams(item: &Item, watch: &[(String, Vec<String>)]) -> String {
    if watch.is_empty() {
        return format!("{} is nowhere to be streamed, rented or bought here, as far as JustWatch knows.", named(item));
    }
    format!("{}: {}.\n\nData by JustWatch.", named(item), ways(watch))
}

pub(super) fn similar(item: &Item, list: &[Item]) -> String {
    let others: Vec<&Item> = list.iter().filter(|other| other.id != item.id).take(6).collect();
    if others.is_empty() {
        return format!("I found nothing similar to {}.", named(item));
    }
    let mut text = format!("Similar to {}:\n\n", named(item));
    for other in others {
        text += &format!("- {}: {}\n", named(other), first_sentence(&other.overview));
    }
    text
}

pub(super) fn list(heading: &str, list: &[Item]) -> String {
    if list.is_empty() {
        return format!("{heading}: the list is empty at the moment.");
    }
    let mut text = format!("{heading}:\n\n");
    for item in list {
        text += &format!("- {}: {}\n", named(item), first_sentence(&item.overview));
    }
    text
}

pub(super) fn tonight(results: &[Value]) -> String {
    let mut on: Vec<_> = results.iter().flat_map(episodes).collect();
    if on.is_empty() {
        let titles: Vec<String> =
            results.iter().flat_map(super::items).map(|item| format!("- {}", named(&item))).collect();
        return match titles.is_empty() {
            true => "I looked at the schedule, and nothing is on.".to_owned(),
            false => format!("With an episode today:\n\n{}", titles.join("\n")),
        };
    }
    on.sort_by(|one, other| one.time.cmp(&other.time));
    on.dedup();
    let mut text = "On today:\n\n".to_owned();
    for episode in on.iter().take(12) {
        let time = if episode.time.is_empty() { String::new() } else { format!("{} ", episode.time) };
        let channel = if episode.channel.is_empty() { String::new() } else { format!(" · {}", episode.channel) };
        text += &format!("- {time}**{}**, {}{channel}\n", episode.series, numbered(episode));
    }
    text
}

fn numbered(episode: &crate::model::reading::Episode) -> String {
    let number = match (episode.season, episode.number) {
        (Some(season), Some(number)) => format!("season {season}, episode {number}"),
        (None, Some(number)) => format!("episode {number}"),
        (_, None) => "an episode".to_owned(),
    };
    if episode.name.is_empty() { number } else { format!("{number} “{}”", episode.name) }
}

pub(super) fn next_episode(title: &str, results: &[Value]) -> String {
    let mut known: Vec<_> = results.iter().flat_map(episodes).collect();
    known.sort_by(|one, other| one.date.cmp(&other.date));
    match known.first() {
        Some(next) => {
            let series = if next.series.is_empty() { title } else { &next.series };
            let time = if next.time.is_empty() { String::new() } else { format!(" at {}", next.time) };
            let channel = if next.channel.is_empty() { String::new() } else { format!(" on {}", next.channel) };
            format!("The next episode of **{series}** is {}, {}{time}{channel}.", numbered(next), next.date)
        }
        None => format!("I looked, and no next episode of “{title}” is announced."),
    }
}

pub(super) fn sum(expression: &str, result: Option<(&str, Option<&Value>)>) -> String {
    let Some((text, json)) = result else { return "The calculator gave no answer.".to_owned() };
    let told = json.map(|json| &json["result"]).filter(|result| !result.is_null());
    let value = match told {
        Some(Value::String(value)) => value.clone(),
        Some(other) => other.to_string(),
        None => text.trim().to_owned(),
    };
    format!("{} = **{value}**", expression.replace('*', " × "))
}

pub(super) fn time(text: &str) -> String {
    let text = text.trim().trim_matches('"');
    match text.parse::<Timestamp>() {
        Ok(now) => format!("It is **{}** (UTC).", now.strftime("%A, %d %B %Y, %H:%M")),
        Err(_) => format!("It is **{text}** (UTC)."),
    }
}
