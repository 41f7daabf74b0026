//! What to watch, as a household asks: alone, together, with a child, with a service away, and after it has rated something.

use super::{
    recommend::MOST_ASKED,
    walks::{Home, METROPOLIS, somebody},
};
use crate::household::{self, Household, Owner};
use majordomo_domain::{Call, Output, Person, Standing, ToolError};
use majordomo_standins::Fault;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

const CALIGARI: u64 = 234;
const SCARLET_STREET: u64 = 17_058;
const GENERAL: u64 = 961;

/// Every question of its own.
fn call(home: &Home, person: &Arc<Person>) -> Call {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    Call { key: format!("call {}", NEXT.fetch_add(1, Ordering::Relaxed)), ..home.call(person) }
}

async fn asked(home: &Home, call: &Call, arguments: Value) -> Result<Output, ToolError> {
    home.town.forget();
    let answer = crate::testing::tool(&home.kit(), "media_recommend").parse(&arguments.to_string())?.run(call).await;
    let questions = home.town.requests_to("tmdb").len();
    assert!(questions <= MOST_ASKED, "{arguments}: {questions} questions");
    assert_eq!(home.town.violations(), []);
    answer
}

async fn suggested(home: &Home, person: &Arc<Person>, arguments: Value) -> Value {
    let output = asked(home, &call(home, person), arguments.clone()).await;
    let output = output.unwrap_or_else(|error| panic!("{arguments}: {error}"));
    serde_json::from_str(&output.text).unwrap()
}

fn results(told: &Value) -> &Vec<Value> {
    told["results"].as_array().unwrap()
}

fn ids(told: &Value) -> Vec<u64> {
    results(told).iter().filter_map(|one| one["tmdb_id"].as_u64()).collect()
}

async fn taste(home: &Home, owner: Owner, profile: Value) {
    Household::new(Some(home.store.clone())).import(owner, profile, home.now_ms()).await.unwrap();
}

async fn rate(home: &Home, person: &Arc<Person>, arguments: Value) {
    let kit = household::toolkit(Some(home.store.clone()));
    let parsed = crate::testing::tool(&kit, "household_rate").parse(&arguments.to_string()).unwrap();
    parsed.run(&call(home, person)).await.unwrap();
}

#[tokio::test]
async fn tonight_gives_three_titles_at_most_none_forbidden_and_none_too_old() {
    let home = Home::new().await;
    let profile = json!({
        "likes": {"genres": ["Comedy", "Crime"], "people": ["Buster Keaton"]},
        "constraints": {"eraMinYear": 1940, "runtimeSweetSpotMins": [60, 110]},
        "neverRecommend": {"tmdbIds": [3085], "titles": ["Detour", "The Hitch-Hiker (1953)"]},
    });
    taste(&home, Owner::House, profile).await;
    for mode in ["owned", "new", "mixed"] {
        for kind in ["movie", "all"] {
            let told = suggested(&home, &home.person, json!({"mode": mode, "media_type": kind, "again": true})).await;
            let titles = results(&told);
            assert!((1..=3).contains(&titles.len()), "{mode}: {told}");
            for title in titles {
                assert!(title["year"].as_i64().unwrap() >= 1940, "{title}");
                assert!(
                    ![json!("His Girl Friday"), json!("Detour"), json!("The Hitch-Hiker")].contains(&title["title"]),
                    "{title}"
                );
                assert!(
                    title["media_type"] == "tv" || (60..=110).contains(&title["minutes"].as_i64().unwrap()),
                    "{title}"
                );
                match mode {
                    "owned" => assert_eq!(title["in_library"], true, "{title}"),
                    "new" => assert_eq!(title["in_library"], false, "{title}"),
                    _ => {}
                }
            }
            assert!(told["left_out"]["not wanted here"].as_u64().unwrap() >= 1, "{told}");
        }
    }
}

#[tokio::test]
async fn a_seed_gives_as_many_titles_as_asked_for_each_with_a_true_reason_in_one_sentence() {
    let home = Home::new().await;
    let arguments = json!({"seed_tmdb_id": METROPOLIS, "max_results": 4, "media_type": "movie", "prompt": null});
    let told = suggested(&home, &home.person, arguments).await;
    assert_eq!(results(&told).len(), 4, "{told}");
    assert!(!ids(&told).contains(&METROPOLIS), "not what it is to be like: {told}");
    for title in results(&told) {
        let reason = title["reason"].as_str().unwrap();
        assert!(reason.ends_with('.') && reason.contains("Metropolis") && !reason.contains(". "), "{reason}");
    }
    let told = suggested(&home, &home.person, json!({"like": ["Metropolis"], "max_results": 10, "again": true})).await;
    let scarlet = results(&told).iter().find(|title| title["tmdb_id"] == SCARLET_STREET);
    let reason = scarlet.unwrap_or_else(|| panic!("by the same director: {told}"))["reason"].as_str().unwrap();
    assert!(reason.starts_with("Fritz Lang also made Metropolis"), "{reason}");

    let shows = suggested(&home, &home.person, json!({"media_type": "tv", "prompt": "western"})).await;
    assert_eq!(results(&shows)[0]["title"], "Bonanza", "{shows}");
    assert!(results(&shows).iter().all(|title| title["media_type"] == "tv"), "{shows}");
    let unknown = asked(&home, &call(&home, &home.person), json!({"like": ["Qqqqqqqq"]})).await.unwrap_err();
    assert!(matches!(unknown, ToolError::TellModel(_)), "{unknown}");
}

#[tokio::test]
async fn a_rating_changes_what_is_suggested_later() {
    let home = Home::new().await;
    let before = suggested(&home, &home.person, json!({"media_type": "movie", "max_results": 5, "again": true})).await;
    let loved =
        json!({"title": "The Cabinet of Dr. Caligari", "tmdb_id": CALIGARI, "rating": 10, "genres": ["Horror"]});
    rate(&home, &home.person, loved).await;
    let after = suggested(&home, &home.person, json!({"media_type": "movie", "max_results": 5, "again": true})).await;
    assert_ne!(ids(&before), ids(&after));
    assert!(after["results"].to_string().contains("The Cabinet of Dr. Caligari"), "it is a reason now: {after}");
    assert!(!ids(&after).contains(&CALIGARI), "{after}");

    // One that was suggested and is not liked at all is never suggested again.
    let worst = results(&after)[0].clone();
    rate(&home, &home.person, json!({"title": worst["title"], "tmdb_id": worst["tmdb_id"], "rating": 1})).await;
    let later = suggested(&home, &home.person, json!({"max_results": 10, "again": true, "watched": true})).await;
    assert!(!results(&later).iter().any(|title| title["title"] == worst["title"]), "{later}");
}

#[tokio::test]
async fn what_was_suggested_lately_or_watched_does_not_come_again_unless_asked_for() {
    let home = Home::new().await;
    let ask = || json!({"media_type": "movie", "max_results": 5});
    let question = call(&home, &home.person);
    let told = |output: Output| serde_json::from_str::<Value>(&output.text).unwrap();
    let first = told(asked(&home, &question, ask()).await.unwrap());
    let repeated = told(asked(&home, &question, ask()).await.unwrap());
    assert_eq!(ids(&first), ids(&repeated), "the same call after a stop in the middle");
    let second = suggested(&home, &home.person, ask()).await;
    assert!(!ids(&second).is_empty());
    assert!(!ids(&second).iter().any(|id| ids(&first).contains(id)), "{first} {second}");
    assert!(second["left_out"]["recommended lately"].as_u64().unwrap() >= 1, "{second}");
    let again = suggested(&home, &home.person, json!({"media_type": "movie", "max_results": 5, "again": true})).await;
    assert_eq!(ids(&again), ids(&first));
    // Somebody else was not told.
    let otto = somebody("Otto", Standing::Member);
    home.store.put_person(&otto).await.unwrap();
    assert_eq!(ids(&suggested(&home, &otto, ask()).await), ids(&first));

    let owned = |watched: bool| json!({"mode": "owned", "max_results": 10, "again": true, "watched": watched});
    let fresh = suggested(&home, &otto, owned(false)).await;
    let all = suggested(&home, &otto, owned(true)).await;
    assert!(fresh["left_out"]["watched"].as_u64().unwrap() >= 1, "{fresh}");
    assert_eq!(all["left_out"]["watched"], Value::Null, "{all}");
}

#[tokio::test]
async fn troubling_content_stands_first_where_it_is_asked_for_and_nothing_tells_what_happens() {
    let home = Home::new().await;
    let arguments = json!({"media_type": "movie", "prompt": "film noir crime", "max_results": 5});
    let plain = suggested(&home, &home.person, arguments.clone()).await;
    assert!(results(&plain).iter().all(|title| title["content_flags"] == Value::Null), "{plain}");
    let profile = json!({"heuristics": {"contentFlagsUpfront": true, "zeroSpoilers": true, "maxOptions": 2}});
    taste(&home, Owner::House, profile).await;
    let otto = somebody("Otto", Standing::Member);
    let output = asked(&home, &call(&home, &otto), json!({"like": ["D.O.A."], "media_type": "movie", "again": true}))
        .await
        .unwrap();
    let first = output.text.find("\"content_flags\"").expect("flags");
    assert!(first < output.text.find("\"title\"").unwrap(), "{}", output.text);
    assert!(output.cards.iter().all(|card| card.text.starts_with("Content: ")), "{:?}", output.cards);
    let told: Value = serde_json::from_str(&output.text).unwrap();
    assert_eq!(results(&told).len(), 2, "as many as the profile says: {told}");
    let noir = suggested(&home, &otto, json!({"prompt": "poison", "media_type": "movie", "again": true})).await;
    assert_eq!(
        (&results(&noir)[0]["title"], &results(&noir)[0]["content_flags"]),
        (&json!("D.O.A."), &json!(["poison"]))
    );
    for answer in [&told, &noir, &plain] {
        for title in results(answer) {
            for spoiler in ["overview", "tagline", "keywords", "summary", "plot"] {
                assert_eq!(title[spoiler], Value::Null, "{title}");
            }
        }
    }
    // A theme may tell how it ends.
    assert!(!told["results"].to_string().contains("it shares"), "{told}");
}

#[tokio::test]
async fn an_evening_of_several_keeps_every_limit_of_each_and_the_age_of_the_youngest() {
    let home = Home::with(json!({"age_ceilings": {"child": 9}})).await;
    let (otto, mia) = (somebody("Otto", Standing::Member), somebody("Mia", Standing::Child));
    for person in [&otto, &mia] {
        home.store.put_person(person).await.unwrap();
    }
    taste(
        &home,
        Owner::Person(home.person.id),
        json!({"likes": {"genres": ["Comedy"]}, "dislikes": {"genres": ["Horror"]}}),
    )
    .await;
    taste(
        &home,
        Owner::Person(otto.id),
        json!({
            "likes": {"genres": ["Comedy", "Horror"]}, "constraints": {"runtimeSweetSpotMins": [10, 75]},
            "neverRecommend": {"tmdbIds": [10098]},
        }),
    )
    .await;
    let two =
        suggested(&home, &home.person, json!({"people": ["Otto"], "media_type": "movie", "max_results": 10})).await;
    assert_eq!(two["people"], json!(["Brigitte", "Otto"]));
    assert!(results(&two).len() >= 3, "{two}");
    for title in results(&two) {
        assert!(!title["genres"].to_string().contains("Horror"), "one of them cannot stand it: {title}");
        assert!(title["minutes"].as_u64().unwrap() <= 75, "{title}");
        assert_ne!(title["tmdb_id"], 10098);
    }
    let three = json!({"people": ["Otto", "Mia"], "media_type": "movie", "max_results": 10, "again": true});
    let told = suggested(&home, &home.person, three).await;
    assert!(!results(&told).is_empty(), "{told}");
    for title in results(&told) {
        assert!(["G", "U"].contains(&title["age_rating"].as_str().unwrap()), "{title}");
    }
    assert!(told["left_out"]["not known to be fit for the age"].as_u64().unwrap() >= 1, "{told}");
    // What was suggested to them together is not suggested to one of them.
    let after = suggested(&home, &otto, json!({"media_type": "movie", "max_results": 10})).await;
    assert!(!ids(&after).iter().any(|id| ids(&two).contains(id)), "{after}");

    let unknown = asked(&home, &call(&home, &home.person), json!({"people": ["Nobody"]})).await.unwrap_err();
    assert!(unknown.to_string().contains("nobody here is named Nobody"), "{unknown}");
    let guest = somebody("Guest", Standing::Guest);
    let refused = asked(&home, &call(&home, &guest), json!({"people": ["Otto"]})).await.unwrap_err();
    assert!(matches!(refused, ToolError::TellModel(_)), "{refused}");
}

#[tokio::test]
async fn with_plex_or_tmdb_away_the_other_suggests_and_it_is_said() {
    let home = Home::new().await;
    home.town.fault("plex", Fault::Refuse).await;
    let told = suggested(&home, &home.person, json!({"like": ["The General"]})).await;
    assert_eq!(results(&told).len(), 3, "{told}");
    assert!(told["could_not_ask"][0].as_str().unwrap().starts_with("could not ask Plex"), "{told}");
    assert!(results(&told).iter().all(|title| title["in_library"] == Value::Null), "nobody knows: {told}");
    let owned = asked(&home, &call(&home, &home.person), json!({"mode": "owned"})).await.unwrap_err();
    assert!(matches!(owned, ToolError::CouldNotAsk { .. }), "{owned}");
    home.town.mend("plex").await;

    home.town.fault("tmdb", Fault::Refuse).await;
    let told = suggested(&home, &home.person, json!({"media_type": "movie"})).await;
    assert_eq!(results(&told).len(), 3, "{told}");
    assert!(results(&told).iter().all(|title| title["in_library"] == true), "{told}");
    assert!(told["could_not_ask"].to_string().contains("could not ask TMDb"), "{told}");
}

#[tokio::test]
async fn a_wish_with_a_full_profile_stays_within_its_number_of_questions() {
    let home = Home::new().await;
    taste(&home, Owner::House, json!({
        "likes": {"genres": ["Comedy", "Drama", "Horror"], "people": ["Buster Keaton", "Fritz Lang", "Charlie Chaplin"], "motifs": ["train"]},
    }))
    .await;
    for title in [("Metropolis", METROPOLIS), ("The General", GENERAL)] {
        rate(&home, &home.person, json!({"title": title.0, "tmdb_id": title.1, "rating": 9})).await;
    }
    for arguments in [
        json!({"max_results": 10}),
        json!({"max_results": 10, "prompt": "a short comedy with a train, a chase and a detective dreaming"}),
        json!({"max_results": 10, "like": ["The Gold Rush", "Bonanza"], "prompt": "snow gold tramp detective"}),
    ] {
        let told = suggested(&home, &home.person, arguments).await;
        assert!(!results(&told).is_empty(), "{told}");
    }
}

#[tokio::test]
async fn a_rating_given_in_plex_counts_at_the_next_question() {
    let home = Home::new().await;
    let ask = || json!({"media_type": "movie", "max_results": 10, "again": true});
    let before = suggested(&home, &home.person, ask()).await;
    let owned = results(&before).iter().find(|title| title["in_library"] == true).expect("one of the library");
    let plex = crate::plex::Plex::new(&home.config.plex, &crate::testing::upstream(), None);
    let kit = crate::plex::toolkit(&home.config.plex, plex);
    let rating = json!({"rating_key": owned["rating_key"], "rating": 10}).to_string();
    let rate = crate::testing::tool(&kit, "plex_rate").parse(&rating).unwrap();
    rate.run(&call(&home, &home.person)).await.unwrap();
    let after = suggested(&home, &home.person, ask()).await;
    assert!(results(&after).iter().all(|title| title["title"] != owned["title"]), "who rated it has seen it: {after}");
    let reasons: Vec<&str> = results(&after).iter().filter_map(|title| title["reason"].as_str()).collect();
    assert!(reasons.iter().any(|reason| reason.contains(owned["title"].as_str().unwrap())), "{owned} {reasons:?}");
}

#[tokio::test]
async fn a_rating_keeps_whether_it_was_a_film_or_a_series_and_an_old_one_is_read_as_before() {
    use super::{evening::Evening, title::Title, wish::Kind};
    let home = Home::new().await;
    let person = home.person.clone();
    let told = |kind, tmdb| Title { kind, tmdb: Some(tmdb), title: "Sherlock Jr.".into(), ..Title::default() };
    let knows = async |kind, tmdb| {
        let evening: Evening = home.media().evening(&[], &call(&home, &person)).await.unwrap();
        evening.knows(&told(kind, tmdb))
    };
    rate(&home, &person, json!({"title": "Sherlock", "rating": 8, "tmdb_id": 700, "media_type": "tv"})).await;
    assert!(!knows(Kind::Film, 700).await, "a film of the number of a series is another title");
    assert!(knows(Kind::Series, 700).await, "whatever it is called today");
    // What was kept before says the number only: it is a film's, or the name decides.
    rate(&home, &person, json!({"title": "Sherlock Holmes", "rating": 8, "tmdb_id": 800})).await;
    assert!(knows(Kind::Film, 800).await);
    assert!(!knows(Kind::Series, 800).await);
    let old: household::Rating =
        serde_json::from_value(json!({"title": "Sherlock", "tmdb_id": 700, "rating": 8.0})).unwrap();
    assert_eq!(old.media_type, None);
}
