//! One search over TMDb, Plex, Radarr and Sonarr, as somebody asks who half remembers.

use super::{
    search::MOST_ASKED,
    walks::{HAXAN, Home, METROPOLIS, SHERLOCK_JR, somebody},
};
use majordomo_domain::{Standing, ToolError};
use majordomo_standins::Fault;
use serde_json::{Value, json};

const MOON: u64 = 775;
const NOSFERATU: u64 = 653;

/// Two films of TMDb that the library has, one Radarr wants, one nobody has.
async fn find(home: &Home, query: &str) -> Value {
    home.town.forget();
    let found = home.told("media_search", json!({ "query": query })).await;
    let asked = home.town.requests_to("tmdb").len();
    assert!(asked <= MOST_ASKED, "{query}: {asked} questions");
    assert_eq!(home.town.violations(), []);
    found
}

fn first(found: &Value) -> (Option<u64>, &str) {
    (found["results"][0]["tmdb_id"].as_u64(), found["results"][0]["found_by"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn hits_of_tmdb_and_plex_are_one_list_that_says_what_is_there_and_what_is_fetched() {
    let home = Home::new().await;
    let found = find(&home, "Metropolis").await;
    let metropolis = &found["results"][0];
    assert_eq!(
        (metropolis["tmdb_id"].as_u64(), &metropolis["in_library"]),
        (Some(METROPOLIS), &json!(true)),
        "{found}"
    );
    assert!(metropolis["rating_key"].is_u64(), "{found}");
    assert_eq!(metropolis["managed"], "Radarr: downloaded");
    let titles: Vec<Option<u64>> =
        found["results"].as_array().unwrap().iter().map(|one| one["tmdb_id"].as_u64()).collect();
    assert_eq!(titles.iter().filter(|id| **id == Some(METROPOLIS)).count(), 1, "each title once: {found}");

    let wanted = find(&home, "Sherlock Jr").await;
    assert_eq!(first(&wanted).0, Some(SHERLOCK_JR), "{wanted}");
    assert_eq!(wanted["results"][0]["in_library"], false);
    assert_eq!(wanted["results"][0]["managed"], "Radarr: wanted");
    let nobodys = find(&home, "Häxan").await;
    assert_eq!((first(&nobodys).0, &nobodys["results"][0]["managed"]), (Some(HAXAN), &Value::Null), "{nobodys}");
    // By the names of the system that had this before.
    let old =
        home.told("intelligent_search", json!({"query": "Metropolis", "limit": 1, "response_level": "minimal"})).await;
    assert_eq!(old["results"].as_array().unwrap().len(), 1);
    assert_eq!(old["results"][0]["overview"], Value::Null);
}

#[tokio::test]
async fn a_misspelled_a_translated_and_a_described_title_is_found() {
    let home = Home::new().await;
    for (query, film, by) in [
        ("metroplis", METROPOLIS, "similar spelling"),
        ("Metropplois", METROPOLIS, "similar spelling"),
        ("nosfertu", NOSFERATU, "similar spelling"),
        ("hexan", HAXAN, "similar spelling"),
        ("Le Voyage dans la Lune", MOON, "title"),
        ("the one with the robot woman in a silent city", METROPOLIS, "description"),
        ("a tramp in the snow looking for gold, silent", 962, "description"),
    ] {
        let found = find(&home, query).await;
        assert_eq!(first(&found).0, Some(film), "{query}: {found}");
        assert_eq!(first(&found).1, by, "{query}: {found}");
    }
    let nothing = find(&home, "qqqqqqqq zzzzzzz").await;
    assert_eq!((nothing["note"].as_str(), nothing["total_results"].as_u64()), (Some("nothing found"), Some(0)));
}

#[tokio::test]
async fn with_a_service_away_the_others_answer_and_it_is_named() {
    let home = Home::new().await;
    home.town.fault("plex", Fault::Refuse).await;
    let found = find(&home, "Metropolis").await;
    assert_eq!(first(&found).0, Some(METROPOLIS));
    assert_eq!(found["results"][0]["in_library"], Value::Null, "nobody knows: {found}");
    assert!(found["could_not_ask"][0].as_str().unwrap().starts_with("could not ask Plex"), "{found}");
    home.town.mend("plex").await;

    home.town.fault("tmdb", Fault::Refuse).await;
    let found = find(&home, "metropols").await;
    assert_eq!(first(&found), (Some(METROPOLIS), "similar spelling"), "{found}");
    assert!(found["could_not_ask"][0].as_str().unwrap().starts_with("could not ask TMDb"), "{found}");

    for service in ["plex", "radarr", "sonarr"] {
        home.town.fault(service, Fault::Refuse).await;
    }
    let nobody = home.run("media_search", json!({"query": "Metropolis"})).await.unwrap_err();
    assert!(matches!(&nobody, ToolError::CouldNotAsk { reason, .. } if reason.contains("TMDb")), "{nobody}");
}

#[tokio::test]
async fn a_child_is_shown_what_is_rated_for_its_age_and_told_how_much_is_left_out() {
    let home = Home::with(json!({"age_ceilings": {"child": 6}})).await;
    let mia = somebody("Mia", Standing::Child);
    let output = home.run_as(&mia, "media_search", json!({"query": "The Kid"})).await.unwrap();
    assert!(output.text.contains("\"tmdb_id\":10098"), "{}", output.text);
    // Not rated where the household lives.
    let output = home.run_as(&mia, "media_search", json!({"query": "Häxan"})).await.unwrap();
    let told: Value = serde_json::from_str(&output.text).unwrap();
    assert_eq!(told["results"], json!([]), "{told}");
    assert!(output.cards.is_empty());
    assert_eq!(told["left_out"], json!({"not known to be fit for the person's age": 1}));
    let grown = find(&home, "Häxan").await;
    assert_eq!((first(&grown).0, &grown["left_out"]), (Some(HAXAN), &Value::Null), "no ceiling for members");
}

#[tokio::test]
async fn ten_people_with_the_same_question_at_once_are_one_question_for_tmdb() {
    let home = Home::new().await;
    let kit = home.kit();
    let people: Vec<_> = (0..10).map(|n| somebody(&format!("Person {n}"), Standing::Member)).collect();
    home.town.forget();
    let calls: Vec<_> = people.iter().map(|person| home.call(person)).collect();
    let asked = calls.iter().map(|call| {
        let search = crate::testing::tool(&kit, "media_search").parse(r#"{"query":"Metropolis"}"#).unwrap();
        search.run(call)
    });
    for answer in futures_util::future::join_all(asked).await {
        assert!(answer.unwrap().text.contains("Metropolis"));
    }
    assert_eq!(home.town.requests_to("tmdb").len(), 1);
}
