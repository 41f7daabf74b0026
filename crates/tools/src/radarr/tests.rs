//! Radarr's own tools against the stand-in: what is sent, what changes, what is told.

use crate::{
    servarr::client::Age,
    servarr::tests::{CALIGARI, House, METROPOLIS, SUNRISE, radarr_kit},
    testing::{ask, call, requests, told, tool},
};
use majordomo_domain::{Effect, ToolError};
use majordomo_standins::{Dates, Fault, Held, Offer};
use majordomo_upstream::testing::{Answer, TestServer};
use serde_json::{Value, json};

fn offer(quality: &str, rejections: &[&str]) -> Offer {
    serde_json::from_value(json!({ "quality": quality, "rejections": rejections })).unwrap()
}

/// Radarr's number of a film of the library.
async fn number(house: &House, tmdb_id: u64) -> u64 {
    house.told("radarr_movies", &json!({ "tmdb_id": tmdb_id })).await["movie_id"].as_u64().unwrap()
}

/// The film as the service has it.
async fn raw(house: &House, tmdb_id: u64) -> Value {
    super::film::by_tmdb(&client(house), tmdb_id, Age::Now).await.unwrap().unwrap_or_default()
}

fn client(house: &House) -> crate::servarr::Client {
    let instance = super::Instance {
        base_url: Some(house.town.radarr_url("default").parse().unwrap()),
        api_key: majordomo_domain::Secret::new(house.standin().key()),
        ..super::Instance::default()
    };
    let config = super::Config([("default".to_owned(), instance)].into());
    super::instances(&config, &crate::testing::upstream()).get(None).unwrap().clone()
}

#[tokio::test]
async fn looking_tells_what_is_there_and_what_is_not() {
    let house = House::new().await;
    let id = number(&house, METROPOLIS).await;
    let mut all = String::new();
    for (name, arguments) in [
        ("radarr_lookup", json!({ "term": "Sunrise", "limit": 2 })),
        ("radarr_lookup", json!({ "term": format!("tmdb:{METROPOLIS}") })),
        ("radarr_lookup_tmdb", json!({ "tmdb_id": SUNRISE })),
        ("radarr_movies", json!({ "search": "kid", "limit": 3 })),
        ("radarr_movies", json!({ "state": "wanted", "sort": "year", "limit": 2 })),
        ("radarr_movies", json!({ "quality_profile": "ultra-hd", "sort": "size", "page": 2, "limit": 1 })),
        ("radarr_movie", json!({ "movie_id": id })),
        ("radarr_files", json!({ "movie_id": id })),
        ("radarr_movie_history", json!({ "movie_id": number(&house, 22744).await })),
        ("radarr_collections", json!({})),
    ] {
        assert_eq!(tool(&house.radarr, name).effect, Effect::Read);
        let output = house.ask(name, &arguments).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let cards: Vec<String> = output.cards.iter().map(|card| serde_json::to_string(card).unwrap()).collect();
        all.push_str(&format!("{name} {arguments}\n{:#}\n{}\n\n", told(&output), cards.join("\n")));
    }
    insta::assert_snapshot!("looking", all.replace(&house.town.tmdb_image_url(), "IMAGES"));
    house.is_understood();
}

#[tokio::test]
async fn nothing_found_is_an_answer() {
    let house = House::new().await;
    for (name, arguments) in [
        ("radarr_lookup", json!({ "term": "zzzzzz" })),
        ("radarr_lookup_tmdb", json!({ "tmdb_id": 77_777_777 })),
        ("radarr_movies", json!({ "search": "zzzzzz" })),
        ("radarr_get_movies", json!({ "movie_id": 9_999 })),
        ("radarr_movies", json!({ "tmdb_id": 77_777_777 })),
        ("radarr_movie", json!({ "movie_id": 9_999 })),
        ("radarr_files", json!({ "movie_id": number(&house, CALIGARI).await })),
        ("radarr_movie_history", json!({ "movie_id": number(&house, METROPOLIS).await, "event": "failed" })),
        ("radarr_collections", json!({ "search": "zzzzzz" })),
        ("radarr_command", json!({ "command_id": 9_999 })),
    ] {
        let output = house.ask(name, &arguments).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(output.text.contains("nothing found"), "{name}: {}", output.text);
        assert!(output.cards.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_failure_while_looking_is_no_empty_list() {
    let house = House::new().await;
    for fault in [Fault::Html, Fault::Refuse, Fault::HalfJson, Fault::Status { code: 500, retry_after: None }] {
        house.town.fault("radarr", fault.clone()).await;
        let kit = radarr_kit(&house.town.radarr_url("default"), house.standin().key(), |_| {});
        for (name, arguments) in [
            ("radarr_lookup", r#"{"term":"x"}"#),
            ("radarr_lookup_tmdb", r#"{"tmdb_id":1}"#),
            ("radarr_movies", "{}"),
            ("radarr_movie", r#"{"movie_id":1}"#),
            ("radarr_files", r#"{"movie_id":1}"#),
            ("radarr_movie_history", r#"{"movie_id":1}"#),
            ("radarr_collections", "{}"),
        ] {
            let error = ask(&kit, name, arguments).await.expect_err(name);
            assert!(matches!(error, ToolError::CouldNotAsk { .. }), "{name} {fault:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_film_is_added_searched_and_taken_back() {
    let house = House::new().await;
    house.standin().offers(SUNRISE, [offer("Bluray-1080p", &[])]);
    let arguments = json!({ "tmdb_id": SUNRISE, "tags": ["kids"] });
    let card = house.preview("radarr_add", &arguments).await.unwrap();
    insta::assert_snapshot!("add_preview", serde_json::to_string_pretty(&card).unwrap());
    assert_eq!(house.changes(), [""; 0], "a preview changes nothing");

    let output = house.ask("radarr_add", &arguments).await.unwrap();
    let said = told(&output);
    assert_eq!(said["already_exists"], false);
    assert_eq!(said["search"]["outcome"], "a release was sent to the download client", "{said}");
    assert_eq!(said["search"]["grabbed_count"], 1);
    assert_eq!(said["profile"], "HD-1080p");
    assert_eq!(
        output.receipt.as_deref(),
        Some("Sunrise: A Song of Two Humans (1927) was added to Radarr with the profile HD-1080p.")
    );
    let film = raw(&house, SUNRISE).await;
    assert_eq!(
        (&film["monitored"], &film["tags"], &film["minimumAvailability"]),
        (&json!(true), &json!([1]), &json!("released"))
    );
    assert_eq!(house.changes(), ["POST /movie"]);

    house.undo(&output).await;
    assert_eq!(raw(&house, SUNRISE).await, Value::Null);
    house.is_understood();
}

#[tokio::test]
async fn a_film_that_is_there_is_success_with_the_existing_film() {
    let house = House::new().await;
    // MovieBot's name and arguments.
    let arguments = json!({
        "tmdb_id": METROPOLIS, "quality_profile_id": 4, "root_folder_path": "/films/", "monitored": true, "search_now": true,
    });
    let output = house.ask("radarr_add_movie", &arguments).await.unwrap();
    let said = told(&output);
    assert_eq!((&said["already_exists"], &said["title"]), (&json!(true), &json!("Metropolis (1927)")));
    assert_eq!((output.receipt, output.undo), (None, None), "nothing was changed");
    assert_eq!(house.changes(), [""; 0]);
    let card = house.preview("radarr_add_movie", &arguments).await.unwrap();
    assert!(card.text.contains("in Radarr already"), "{card:?}");
    house.is_understood();
}

#[tokio::test]
async fn a_film_added_by_somebody_else_in_the_same_moment_is_success_too() {
    let server = TestServer::start().await;
    let film =
        json!([{ "id": 5, "tmdbId": 631, "title": "Sunrise", "year": 1927, "qualityProfileId": 4, "monitored": true }]);
    lists(&server);
    server.on("GET", "/api/v3/movie", Answer::json_text("[]"));
    server.on("GET", "/api/v3/movie", Answer::json(&film));
    let there = r#"[{"propertyName":"TmdbId","errorMessage":"This movie has already been added","errorCode":"MovieExistsValidator","severity":"error"}]"#;
    server.on("POST", "/api/v3/movie", Answer::json_text(there).status(400));
    let kit = radarr_kit(server.url().as_str(), "0123456789abcdef0123456789abcdef", |_| {});
    let output = ask(&kit, "radarr_add", r#"{"tmdb_id":631}"#).await.unwrap();
    assert_eq!((&told(&output)["already_exists"], &told(&output)["movie_id"]), (&json!(true), &json!(5)));
    assert_eq!(posts(&server), 1);
}

/// Profiles, folders and tags of a hand-made Radarr.
fn lists(server: &TestServer) {
    let profiles = json!([
        { "id": 4, "name": "HD-1080p", "items": [{ "quality": { "id": 7, "name": "Bluray-1080p" }, "allowed": true, "items": [] }] },
        { "id": 3, "name": "HD-720p", "items": [{ "quality": { "id": 6, "name": "Bluray-720p" }, "allowed": true, "items": [] }] },
    ]);
    server.on("GET", "/api/v3/qualityprofile", Answer::json(&profiles));
    server.on(
        "GET",
        "/api/v3/rootfolder",
        Answer::json_text(r#"[{"id":1,"path":"/films","accessible":true,"freeSpace":1000000000}]"#),
    );
    server.on("GET", "/api/v3/tag", Answer::json_text("[]"));
}

fn posts(server: &TestServer) -> usize {
    requests(server).iter().filter(|line| line.starts_with("POST /api/v3/movie")).count()
}

#[tokio::test]
async fn a_refused_short_body_is_sent_once_more_with_all_that_is_known() {
    let server = TestServer::start().await;
    lists(&server);
    let film = json!([{ "id": 5, "tmdbId": 631, "title": "Sunrise", "year": 1927, "qualityProfileId": 4 }]);
    server.on("GET", "/api/v3/movie", Answer::json_text("[]"));
    server.on("GET", "/api/v3/movie", Answer::json(&film));
    let lookup =
        json!({ "id": 0, "tmdbId": 631, "title": "Sunrise", "year": 1927, "titleSlug": "sunrise-631", "images": [] });
    server.on("GET", "/api/v3/movie/lookup/tmdb", Answer::json(&lookup));
    let refused =
        r#"[{"propertyName":"Title","errorMessage":"'Title' must not be empty.","errorCode":"NotEmptyValidator"}]"#;
    server.on("POST", "/api/v3/movie", Answer::json_text(refused).status(400));
    server.on("POST", "/api/v3/movie", Answer::json(&film[0]).status(201));
    let kit = radarr_kit(server.url().as_str(), "0123456789abcdef0123456789abcdef", |_| {});
    let output = ask(&kit, "radarr_add", r#"{"tmdb_id":631,"search_now":false}"#).await.unwrap();
    assert_eq!(told(&output)["already_exists"], false);
    let bodies: Vec<Value> = server
        .asked()
        .iter()
        .filter(|asked| asked.method == "POST")
        .map(majordomo_upstream::testing::Asked::json)
        .collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0]["title"], Value::Null);
    assert_eq!((&bodies[1]["title"], &bodies[1]["qualityProfileId"]), (&json!("Sunrise"), &json!(4)));
    assert_eq!(bodies[1]["addOptions"], json!({ "searchForMovie": false, "monitor": "movieOnly" }));
    assert_eq!(bodies[1]["id"], Value::Null);
}

#[tokio::test]
async fn a_body_refused_twice_is_not_sent_a_third_time() {
    let server = TestServer::start().await;
    lists(&server);
    server.on("GET", "/api/v3/movie", Answer::json_text("[]"));
    server.on("GET", "/api/v3/movie/lookup/tmdb", Answer::json_text(r#"{"tmdbId":631,"title":"Sunrise"}"#));
    let refused = r#"[{"propertyName":"Path","errorMessage":"Path '/films/Sunrise' is already configured for an existing movie"},
        {"propertyName":"X","errorMessage":"only a warning","severity":"warning"}]"#;
    server.on("POST", "/api/v3/movie", Answer::json_text(refused).status(400));
    let kit = radarr_kit(server.url().as_str(), "0123456789abcdef0123456789abcdef", |_| {});
    assert_eq!(
        ask(&kit, "radarr_add", r#"{"tmdb_id":631}"#).await,
        Err(ToolError::TellModel(
            "Radarr refused: Path '/films/Sunrise' is already configured for an existing movie".into()
        ))
    );
    assert_eq!(posts(&server), 2);
    assert!(server.asked().iter().all(|asked| asked.header("x-api-key") == Some("0123456789abcdef0123456789abcdef")));
}

#[tokio::test]
async fn a_server_that_breaks_while_adding_is_not_asked_twice() {
    let server = TestServer::start().await;
    lists(&server);
    server.on("GET", "/api/v3/movie", Answer::json_text("[]"));
    server.on("POST", "/api/v3/movie", Answer::json_text(r#"{"message":"database is locked"}"#).status(500));
    let kit = radarr_kit(server.url().as_str(), "0123456789abcdef0123456789abcdef", |_| {});
    let error = ask(&kit, "radarr_add", r#"{"tmdb_id":631}"#).await.unwrap_err();
    assert!(error.to_string().contains("database is locked"), "{error}");
    assert_eq!(posts(&server), 1);
}

#[tokio::test]
async fn unknown_profiles_folders_and_tags_are_refused_with_those_there_are() {
    let house = House::new().await;
    for (arguments, expected) in [
        (
            json!({ "tmdb_id": SUNRISE, "quality_profile": "Best" }),
            "there is no quality profile “Best” in Radarr; there are: Any, SD, HD-720p, HD-1080p, Ultra-HD, HD - 720p/1080p",
        ),
        (json!({ "tmdb_id": SUNRISE, "quality_profile": 99 }), "there is no quality profile “99” in Radarr"),
        (
            json!({ "tmdb_id": SUNRISE, "root_folder": "/movies" }),
            "there is no root folder “/movies” in Radarr; there are: /films",
        ),
        (
            json!({ "tmdb_id": SUNRISE, "tags": ["kids", "grown-ups"] }),
            "there is no tag “grown-ups” in Radarr; there are: kids, classics",
        ),
        (json!({ "tmdb_id": 77_777_777 }), "Radarr finds no film with the tmdb_id 77777777"),
    ] {
        for error in [
            house.preview("radarr_add", &arguments).await.unwrap_err(),
            house.ask("radarr_add", &arguments).await.unwrap_err(),
        ] {
            let ToolError::TellModel(said) = &error else { panic!("{error:?}") };
            // The service's own words once it was asked.
            assert!(said.starts_with(expected) || said.contains("no film") || said.contains("not found"), "{said}");
        }
    }
    assert_eq!(house.told("radarr_missing", &json!({ "limit": 50 })).await["total"], 6);
}

#[tokio::test]
async fn changing_the_profile_leaves_everything_else_and_is_taken_back() {
    let house = House::new().await;
    let id = number(&house, METROPOLIS).await;
    let before = raw(&house, METROPOLIS).await;
    // MovieBot's name and arguments.
    let arguments = json!({ "movie_id": id, "update_data": { "qualityProfileId": 5 } });
    let card = house.preview("radarr_update_movie", &arguments).await.unwrap();
    assert_eq!(
        (card.facts[0].label.as_str(), card.facts[0].value.as_str()),
        ("Quality profile", "HD-1080p → Ultra-HD")
    );
    let output = house.ask("radarr_update_movie", &arguments).await.unwrap();
    assert_eq!(output.receipt.as_deref(), Some("Metropolis (1927) was changed: Quality profile: HD-1080p → Ultra-HD."));
    let mut after = raw(&house, METROPOLIS).await;
    assert_eq!(after["qualityProfileId"], 5);
    after["qualityProfileId"] = before["qualityProfileId"].clone();
    // The file is now below what is wanted, which is the service's own remark.
    after["movieFile"]["qualityCutoffNotMet"] = before["movieFile"]["qualityCutoffNotMet"].clone();
    assert_eq!(after, before);
    house.undo(&output).await;
    assert_eq!(raw(&house, METROPOLIS).await, before);

    let again = house.ask("radarr_update", &json!({ "movie_id": id, "changes": { "monitored": true } })).await.unwrap();
    assert_eq!((&told(&again)["note"], again.receipt), (&json!("it is so already"), None));
    let nothing = house.ask("radarr_update", &json!({ "movie_id": id, "changes": {} })).await.unwrap_err();
    assert!(matches!(nothing, ToolError::TellModel(_)));
    house.is_understood();
}

#[tokio::test]
async fn several_films_are_changed_at_once_and_each_gets_its_own_back() {
    let house = House::new().await;
    let (one, two) = (number(&house, METROPOLIS).await, number(&house, 961).await);
    let before = [raw(&house, METROPOLIS).await, raw(&house, 961).await];
    assert_ne!(before[0]["qualityProfileId"], before[1]["qualityProfileId"]);
    let arguments = json!({ "movie_ids": [one, two], "changes": { "quality_profile": "HD-720p", "monitored": false } });
    let output = house.ask("radarr_edit_many", &arguments).await.unwrap();
    assert_eq!(output.receipt.as_deref(), Some("2 films changed in Radarr."));
    assert_eq!(house.changes(), ["PUT /movie/editor"]);
    for tmdb in [METROPOLIS, 961] {
        let film = raw(&house, tmdb).await;
        assert_eq!((&film["qualityProfileId"], &film["monitored"]), (&json!(3), &json!(false)));
    }
    house.undo(&output).await;
    for (tmdb, before) in [METROPOLIS, 961].into_iter().zip(&before) {
        let film = raw(&house, tmdb).await;
        assert_eq!(
            (&film["qualityProfileId"], &film["monitored"]),
            (&before["qualityProfileId"], &before["monitored"])
        );
    }
    let missing =
        house.ask("radarr_edit_many", &json!({ "movie_ids": [9_999], "changes": { "monitored": true } })).await;
    assert_eq!(missing, Err(ToolError::TellModel("Radarr has no film with the movie_id 9999".into())));
    house.is_understood();
}

#[tokio::test]
async fn a_deleted_film_keeps_its_files_and_may_come_back_unless_said_otherwise() {
    let house = House::new().await;
    let id = number(&house, METROPOLIS).await;
    let card = house.preview("radarr_delete_movie", &json!({ "movie_id": id })).await.unwrap();
    assert!(card.facts[0].value.starts_with("stay on the disk ("), "{card:?}");
    let output = house.ask("radarr_delete_movie", &json!({ "movie_id": id })).await.unwrap();
    assert_eq!(output.receipt.as_deref(), Some("Metropolis (1927) was taken out of Radarr; its files stay."));
    let asked = house.town.requests_to("radarr");
    let delete = asked.iter().find(|request| request.method == "DELETE").unwrap();
    assert_eq!((delete.query("deleteFiles"), delete.query("addImportExclusion")), (Some("false"), Some("false")));
    assert_eq!(house.told("radarr_exclusions", &json!({})).await["total"], 0);
    assert!(tool(&house.radarr, "radarr_delete").effect == Effect::Destroy);
    assert_eq!(
        house.ask("radarr_delete", &json!({ "movie_id": id })).await,
        Err(ToolError::TellModel(format!("Radarr has no film with the movie_id {id}")))
    );
    house.is_understood();
}

#[tokio::test]
async fn deleting_with_files_stops_watching_first_and_excludes_when_asked() {
    let house = House::new().await;
    let id = number(&house, METROPOLIS).await;
    // MovieBot's name of the flag.
    let arguments = json!({ "movie_id": id, "delete_files": true, "add_import_list_exclusion": true });
    let card = house.preview("radarr_delete", &arguments).await.unwrap();
    assert!(card.facts[0].value.starts_with("1 file deleted for good, "), "{card:?}");
    let parsed = tool(&house.radarr, "radarr_delete").parse(&arguments.to_string()).unwrap();
    assert_eq!(parsed.wording().question, "Delete this film and its files?");
    let output = house.ask("radarr_delete", &arguments).await.unwrap();
    assert_eq!(told(&output)["excluded_from_lists"], true);
    assert_eq!(house.changes(), ["PUT /movie/editor".to_owned(), format!("DELETE /movie/{id}")]);
    assert_eq!(house.told("radarr_exclusions", &json!({})).await["items"][0]["tmdb_id"], METROPOLIS);
    house.is_understood();
}

#[tokio::test]
async fn twenty_films_are_the_most_one_call_deletes() {
    let house = House::new().await;
    let ids: Vec<u64> = (1..=21).collect();
    assert_eq!(
        house.ask("radarr_delete_many", &json!({ "movie_ids": ids })).await,
        Err(ToolError::TellModel("these are 21; one call deletes at most 20".into()))
    );
    let output =
        house.ask("radarr_delete_many", &json!({ "movie_ids": [1, 2, 3], "delete_files": true })).await.unwrap();
    assert_eq!(told(&output)["deleted"].as_array().unwrap().len(), 3);
    assert!(output.receipt.unwrap().starts_with("3 films and their files were deleted"));
    assert_eq!(house.changes(), ["PUT /movie/editor", "DELETE /movie/editor"]);
    house.is_understood();
}

#[tokio::test]
async fn deleted_files_are_not_fetched_again_unless_wished() {
    let house = House::new().await;
    let id = number(&house, METROPOLIS).await;
    let card = house.preview("radarr_file_delete", &json!({ "movie_id": id })).await.unwrap();
    assert!(card.facts.iter().any(|fact| fact.value == "it is not watched for any more"), "{card:?}");
    let output = house.ask("radarr_file_delete", &json!({ "movie_id": id })).await.unwrap();
    assert_eq!((&told(&output)["deleted"], &told(&output)["monitored"]), (&json!(1), &json!(false)));
    let film = raw(&house, METROPOLIS).await;
    assert_eq!((&film["hasFile"], &film["monitored"]), (&json!(false), &json!(false)));

    let other = number(&house, 653).await;
    house.told("radarr_file_delete", &json!({ "movie_id": other, "keep_monitored": true })).await;
    let film = raw(&house, 653).await;
    assert_eq!((&film["hasFile"], &film["monitored"]), (&json!(false), &json!(true)));
    let wrong = house.ask("radarr_file_delete", &json!({ "movie_id": other, "file_ids": [9_999] })).await.unwrap_err();
    assert_eq!(wrong, ToolError::TellModel("Nosferatu (1922) has no file 9999".into()));
    house.is_understood();
}

#[tokio::test]
async fn a_search_says_what_was_really_taken() {
    let house = House::new().await;
    let id = number(&house, CALIGARI).await;
    house.standin().offers(CALIGARI, []);
    // MovieBot's name.
    let output = house.ask("radarr_search_movie", &json!({ "movie_id": id })).await.unwrap();
    let said = told(&output);
    assert_eq!(
        (&said["outcome"], &said["command"]["status"]),
        (&json!("the search is complete and nothing was taken"), &json!("completed"))
    );
    assert_eq!(output.receipt.as_deref(), Some("The Cabinet of Dr. Caligari (1920) was searched: nothing was taken."));

    house.standin().offers(CALIGARI, [offer("Bluray-1080p", &[])]);
    let output = house.ask("radarr_search_movies", &json!({ "movie_ids": [id] })).await.unwrap();
    let said = told(&output);
    assert_eq!(
        (&said["grabbed_count"], &said["reports_downloaded"], &said["in_queue"]),
        (&json!(1), &json!(1), &json!(1)),
        "{said}"
    );
    assert_eq!(said["command"]["name"], "MoviesSearch");
    assert!(output.receipt.unwrap().contains("a release was sent to the download client"));

    // Once more: a search is really sent every time, and says that it is coming already.
    house.town.clock().advance(std::time::Duration::from_secs(5));
    let said = house.told("radarr_search_movies", &json!({ "movie_id": id })).await;
    assert_eq!(said["outcome"], "nothing new was taken; a download is in the queue already");
    assert_eq!(house.changes().iter().filter(|change| *change == "POST /command").count(), 3);
    house.is_understood();
}

#[tokio::test]
async fn a_search_that_takes_long_is_said_to_be_running() {
    let house = House::new().await;
    house.standin().pace(majordomo_standins::ServarrPace { command_ms: 60_000, ..Default::default() });
    let id = number(&house, CALIGARI).await;
    let kit =
        radarr_kit(&house.town.radarr_url("default"), house.standin().key(), |instance| instance.command_wait_ms = 100);
    let output = ask(&kit, "radarr_search_movies", &json!({ "movie_id": id }).to_string()).await.unwrap();
    assert!(told(&output)["outcome"].as_str().unwrap().contains("still running"), "{}", output.text);
    assert!(output.receipt.unwrap().ends_with("is being searched."));
}

#[tokio::test]
async fn a_watched_collection_adds_its_films_and_is_put_back() {
    let house = House::new().await;
    let collections = house.told("radarr_collections", &json!({})).await;
    let id = &collections["items"][0]["collection_id"];
    let arguments = json!({ "collection_id": id, "monitored": true, "quality_profile": "HD-720p" });
    let card = house.preview("radarr_collection_update", &arguments).await.unwrap();
    assert!(card.facts.iter().any(|fact| fact.value == "yes: its films are added"), "{card:?}");
    let output = house.ask("radarr_collection_update", &arguments).await.unwrap();
    assert_eq!(told(&output)["monitored"], true);
    let undo = output.undo.clone().unwrap();
    assert_eq!((&undo.arguments["monitored"], undo.tool.as_str()), (&json!(false), "radarr_collection_update"));
    let back = house.undo(&output).await;
    assert_eq!(told(&back)["monitored"], false);
    house.is_understood();
}

#[tokio::test]
async fn when_nothing_is_found_the_next_allowed_quality_is_proposed_and_not_done() {
    let house = House::new().await;
    let id = number(&house, CALIGARI).await;
    house.standin().offers(CALIGARI, [offer("WEBDL-720p", &[]), offer("DVD", &[])]);
    let arguments = json!({
        "movie_id": id, "movie_title": "Caligari", "target_quality": "4K", "fallback_qualities": ["HD-1080p", "HD-720p", "SD"],
    });
    let card = house.preview("radarr_quality_fallback", &arguments).await.unwrap();
    assert_eq!(card.facts[0].value, "HD-1080p → Ultra-HD");
    assert_eq!(card.facts[2].value, "proposed, not done: HD-1080p, HD-720p, SD");

    let output = house.ask("radarr_quality_fallback", &arguments).await.unwrap();
    let said = told(&output);
    assert_eq!(said["outcome"], "the search is complete and nothing was taken");
    assert_eq!(said["why"], "no release is of the wanted quality");
    let proposal = &said["proposal"];
    // Nothing is offered in 1080p, so that step is passed over.
    assert_eq!(
        (&proposal["tool"], &proposal["profile"]),
        (&json!("radarr_quality_fallback"), &json!("HD-720p")),
        "{said}"
    );
    assert_eq!(proposal["arguments"]["fallback_qualities"], json!(["SD"]));
    assert_eq!(proposal["it_would_take"]["quality"], "WEBDL-720p");
    assert_eq!(raw(&house, CALIGARI).await["qualityProfileId"], 5, "only what was approved");
    assert_eq!(house.changes(), ["PUT /movie/editor", "POST /command"], "one search");

    // The proposal, once approved, is a call as it stands, and it finds.
    let next = house.ask("radarr_quality_fallback", &proposal["arguments"]).await.unwrap();
    assert_eq!(told(&next)["outcome"], "a release was sent to the download client");
    assert!(next.receipt.as_deref().unwrap().ends_with("was searched: a release was taken."), "{next:?}");
    assert_eq!(told(&next)["proposal"], Value::Null);
    house.undo(&next).await;
    assert_eq!(raw(&house, CALIGARI).await["qualityProfileId"], 5);
    house.is_understood();
}

#[tokio::test]
async fn another_quality_is_not_proposed_where_it_would_not_help() {
    let house = House::new().await;
    let id = number(&house, CALIGARI).await;
    let arguments = json!({ "movie_id": id, "target_quality": "HD-1080p", "fallback_qualities": ["HD-720p"] });
    for (offers, why) in [
        (vec![], "no indexer offers a release in any quality"),
        (vec![offer("WEBDL-720p", &["Not enough seeders: 0. Minimum seeders: 1"])], "another quality would not help"),
        (vec![offer("DVD", &[])], "no release is of a quality that may be used"),
    ] {
        house.standin().offers(CALIGARI, offers);
        let said = house.told("radarr_quality_fallback", &arguments).await;
        assert!(said["why"].as_str().unwrap().starts_with(why), "{said}");
        assert_eq!(said["proposal"], Value::Null);
    }
    // Not out yet: that is why, whatever is offered.
    let day = |text: &str| Some(text.parse().unwrap());
    house.standin().dates(CALIGARI, Dates { cinemas: day("2026-11-01"), digital: day("2027-02-01"), physical: None });
    house.standin().offers(CALIGARI, []);
    let said = house.told("radarr_quality_fallback", &arguments).await;
    assert!(said["why"].as_str().unwrap().contains("not out before 2027-02-01"), "{said}");
    house.is_understood();
}

#[tokio::test]
async fn the_order_of_the_household_holds_where_a_call_names_none() {
    let house = House::new().await;
    let id = number(&house, CALIGARI).await;
    house.standin().offers(CALIGARI, [offer("WEBDL-720p", &[]), offer("DVD", &[])]);
    let kit = radarr_kit(&house.town.radarr_url("default"), house.standin().key(), |instance| {
        instance.fallback_profiles = vec!["SD".into(), "HD-720p".into()];
    });
    let arguments = json!({ "movie_id": id, "target_quality": "HD-1080p" }).to_string();
    let said = told(&ask(&kit, "radarr_quality_fallback", &arguments).await.unwrap());
    assert_eq!(said["proposal"]["profile"], "SD");
}

#[tokio::test]
async fn a_film_is_added_in_the_first_quality_there_is_a_profile_for_and_that_is_told() {
    let house = House::new().await;
    house.standin().offers(SUNRISE, [offer("Bluray-1080p", &[])]);
    let arguments = json!({
        "tmdb_id": SUNRISE, "movie_title": "Sunrise", "preferred_quality": "8K", "fallback_qualities": ["HD-1080p", "HD-720p"],
    });
    let card = house.preview("radarr_movie_addition_fallback", &arguments).await.unwrap();
    assert!(card.facts.iter().any(|fact| fact.label == "No such profile" && fact.value == "8K"), "{card:?}");
    let output = house.ask("radarr_movie_addition_fallback", &arguments).await.unwrap();
    let said = told(&output);
    assert_eq!((&said["no_such_profile"], &said["used_profile"]), (&json!(["8K"]), &json!("HD-1080p")));
    assert_eq!(said["search"]["outcome"], "a release was sent to the download client", "{said}");
    assert_eq!(house.changes(), ["POST /movie"]);
    let nothing = json!({ "tmdb_id": 16_093, "preferred_quality": "8K" });
    let error = house.ask("radarr_movie_addition_fallback", &nothing).await.unwrap_err().to_string();
    assert!(error.starts_with("there is no quality profile for “8K” in Radarr; there are: Any, SD"), "{error}");
    for argument in ["api_key", "provider"] {
        let error = house.ask("radarr_movie_addition_fallback", &json!({ "tmdb_id": SUNRISE, argument: "x" })).await;
        assert!(error.unwrap_err().to_string().contains("unknown field"), "{argument}");
    }
    house.is_understood();
}

#[tokio::test]
async fn a_film_that_is_there_is_not_changed_by_adding_it_in_another_quality() {
    let house = House::new().await;
    let arguments = json!({ "tmdb_id": METROPOLIS, "preferred_quality": "4K" });
    let output = house.ask("radarr_movie_addition_fallback", &arguments).await.unwrap();
    let said = told(&output);
    assert_eq!((&said["already_exists"], output.receipt), (&json!(true), None));
    assert_eq!(said["proposal"]["arguments"]["target_quality"], "Ultra-HD");
    assert_eq!(house.changes(), [""; 0]);
}

#[tokio::test]
async fn a_stop_in_the_middle_is_looked_up_before_anything_is_repeated() {
    let house = House::new().await;
    let check = async |name: &str, arguments: Value| {
        let parsed = tool(&house.radarr, name).parse(&arguments.to_string()).unwrap();
        parsed.check(&call()).await.unwrap().is_some()
    };
    assert!(!check("radarr_add", json!({ "tmdb_id": SUNRISE })).await);
    assert!(check("radarr_add", json!({ "tmdb_id": METROPOLIS })).await);
    let id = number(&house, METROPOLIS).await;
    assert!(!check("radarr_delete", json!({ "movie_id": id })).await);
    assert!(check("radarr_delete", json!({ "movie_id": 9_999 })).await);
    house.standin().put_film(653, "Bluray-2160p", Held::stalled());
    let queue = house.told("radarr_queue", &json!({})).await;
    assert!(!check("radarr_queue_remove", json!({ "queue_ids": [queue["items"][0]["queue_id"]] })).await);
    house.standin().clear_queue();
    assert!(check("radarr_queue_remove", json!({ "queue_ids": [queue["items"][0]["queue_id"]] })).await);
}
