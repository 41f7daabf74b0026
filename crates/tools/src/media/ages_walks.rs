//! What a child reads of in the lists of TMDb and Plex.

use super::walks::{HAXAN, Home, METROPOLIS, somebody};
use crate::{Parts, testing::upstream};
use majordomo_domain::{Output, Person, Standing, ToolError};
use majordomo_standins::Fault;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

/// Rated G in the United States.
const THE_KID: u64 = 10_098;

/// Runs a tool as the program puts it together.
async fn run(home: &Home, person: &Arc<Person>, tool: &str, arguments: Value) -> Result<Output, ToolError> {
    let (kits, _) = crate::toolkits(&home.config, &Parts { upstream: upstream(), store: Some(home.store.clone()) });
    let kit = kits.iter().find(|kit| kit.tools.iter().any(|one| one.name == tool)).expect("a toolkit");
    crate::testing::tool(kit, tool).parse(&arguments.to_string())?.run(&home.call(person)).await
}

async fn told(home: &Home, person: &Arc<Person>, tool: &str, arguments: Value) -> (Value, Vec<String>) {
    let output = run(home, person, tool, arguments).await.unwrap_or_else(|error| panic!("{tool}: {error}"));
    let cards = output.cards.into_iter().map(|card| card.title).collect();
    (serde_json::from_str(&output.text).unwrap(), cards)
}

/// Titles anywhere in an answer.
fn titles(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match value {
        Value::Array(list) => found.extend(list.iter().flat_map(titles)),
        // Libraries have titles, too.
        Value::Object(fields) if fields.contains_key("key") => {}
        Value::Object(fields) => {
            found.extend(fields.get("title").and_then(Value::as_str).map(str::to_owned));
            found.extend(fields.values().flat_map(titles));
        }
        _ => {}
    }
    found
}

/// Titles of the household's catalogue that are for everybody in the United States.
const FOR_ALL: [&str; 15] = [
    "The Kid",
    "A Trip to the Moon",
    "Gulliver's Travels",
    "The Gold Rush",
    "Steamboat Bill, Jr.",
    "The Lost World",
    "The Thief of Bagdad",
    "The Mark of Zorro",
    "Steamboat Willie",
    "Popeye the Sailor Meets Sindbad the Sailor",
    "Popeye the Sailor Meets Ali Baba's Forty Thieves",
    "The Beverly Hillbillies",
    "Flash Gordon",
    "Superman",
    "Rocky Jones, Space Ranger",
];

#[tokio::test]
async fn a_child_reads_of_no_title_above_its_age_in_any_list_and_others_read_all() {
    let home = Home::with(json!({"age_ceilings": {"child": 6}})).await;
    let (mia, ada) = (somebody("Mia", Standing::Child), somebody("Ada", Standing::Member));
    for (tool, arguments) in [
        ("tmdb_popular_movies", json!({"limit": 20})),
        ("tmdb_discover_movies", json!({"limit": 40})),
        ("tmdb_search_movies", json!({"query": "the"})),
        ("tmdb_trending", json!({"media_type": "all"})),
        ("tmdb_search_multi", json!({"query": "Steamboat"})),
        ("plex_section_items", json!({"section": "Films", "limit": 30})),
        ("plex_recently_added", json!({})),
        ("plex_unwatched", json!({})),
        ("plex_history", json!({})),
        ("plex_on_deck", json!({})),
        ("plex_library_overview", json!({})),
        ("plex_search", json!({"query": "The"})),
    ] {
        let (all, _) = told(&home, &ada, tool, arguments.clone()).await;
        let (some, cards) = told(&home, &mia, tool, arguments).await;
        let is_fit = |title: &String| FOR_ALL.iter().any(|fit| title.starts_with(fit));
        let unfit: Vec<String> = titles(&some).into_iter().chain(cards).filter(|title| !is_fit(title)).collect();
        assert_eq!(unfit, [""; 0], "{tool}: {some}");
        let kept: BTreeSet<String> = titles(&all).into_iter().filter(is_fit).collect();
        assert_eq!(titles(&some), kept, "{tool}: what is fit is told: {all}");
        if kept.len() < titles(&all).len() {
            assert!(some["left_out"].as_u64().is_some_and(|left_out| left_out > 0), "{tool}: {some}");
        }
        assert_eq!(all["left_out"], Value::Null, "{tool}: no ceiling for members");
    }
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn a_title_above_the_age_is_not_told_of_by_its_number_either() {
    let home = Home::with(json!({"age_ceilings": {"Mia": 6}})).await;
    let mia = somebody("Mia", Standing::Member);
    let metropolis = home.town.plex().key_of("Metropolis").unwrap();
    for (tool, arguments) in [
        ("tmdb_movie_details", json!({"movie_id": HAXAN})),
        ("tmdb_details", json!({"item_id": METROPOLIS, "media_type": "movie"})),
        ("tmdb_movie_credits", json!({"movie_id": HAXAN})),
        ("plex_metadata", json!({"rating_key": metropolis})),
        ("plex_related", json!({"rating_key": metropolis})),
    ] {
        let (answer, cards) = told(&home, &mia, tool, arguments).await;
        assert_eq!((&answer["left_out"], answer.as_object().unwrap().len()), (&json!(1), 2), "{tool}: {answer}");
        assert!(cards.is_empty(), "{tool}");
    }
    let (kid, _) = told(&home, &mia, "tmdb_movie_details", json!({"movie_id": THE_KID})).await;
    assert_eq!(kid["title"], "The Kid");
    let told_of = titles(&kid);
    assert!(told_of.len() > 1 && told_of.iter().all(|title| FOR_ALL.contains(&title.as_str())), "{told_of:?}");
    let series = home.town.plex().key_of("The Beverly Hillbillies").unwrap();
    let (seasons, _) = told(&home, &mia, "plex_all_episodes", json!({"rating_key": series})).await;
    assert!(seasons["seasons"][0]["list"].as_array().is_some_and(|list| !list.is_empty()), "{seasons}");
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_left_out() {
    let home = Home::with(json!({"age_ceilings": {"child": 6}})).await;
    let mia = somebody("Mia", Standing::Child);
    let switch = majordomo_standins::Switch {
        fault: Some(Fault::Status { code: 500, retry_after: None }),
        times: None,
        path: Some(format!("/movie/{THE_KID}")),
        service: Some("tmdb".into()),
    };
    home.town.switch(switch).await;
    let (answer, cards) = told(&home, &mia, "tmdb_search_movies", json!({"query": "The Kid"})).await;
    assert_eq!((titles(&answer).len(), cards.len()), (0, 0), "{answer}");
    assert!(answer["because"].as_str().unwrap().contains("nobody has said"), "{answer}");
}
