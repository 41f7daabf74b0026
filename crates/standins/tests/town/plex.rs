//! Plex through its doors: a library that follows the disk, media queries, what each account sees, the cloud's hosts.

use super::{client, saturday};
use majordomo_standins::{Fault, GUEST_TOKEN, Town, Ways};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::time::Duration;

async fn town() -> Town {
    Town::plan().plex().clock(saturday()).without_specs().start().await.expect("a town")
}

async fn send(method: Method, address: String, token: &str) -> (StatusCode, Value) {
    let request = client().request(method, address).header("accept", "application/json");
    let request = if token.is_empty() { request } else { request.header("x-plex-token", token) };
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    (status, serde_json::from_str(&answer.text().await.expect("a body")).unwrap_or(Value::Null))
}

async fn get(town: &Town, path: &str) -> Value {
    let (status, answer) = send(Method::GET, format!("{}{path}", town.plex_url()), "owner").await;
    assert_eq!(status, StatusCode::OK, "{path}");
    answer["MediaContainer"].clone()
}

fn titles(container: &Value) -> Vec<&str> {
    container["Metadata"].as_array().into_iter().flatten().filter_map(|item| item["title"].as_str()).collect()
}

async fn key_of(town: &Town, choice: &str, title: &str) -> String {
    let choices = get(town, &format!("/library/sections/1/{choice}?type=1")).await;
    let found = choices["Directory"].as_array().unwrap().iter().find(|one| one["title"] == title).cloned();
    found.unwrap_or_else(|| panic!("no {title}"))["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_wanted_and_the_sections_are_named_as_the_household_likes() {
    let town = town().await;
    let sections = get(&town, "/library/sections").await;
    assert_eq!(sections["Directory"][0]["title"], "Films");
    town.plex().in_german();
    let sections = get(&town, "/library/sections").await;
    assert_eq!(
        (&sections["Directory"][0]["title"], &sections["Directory"][1]["title"]),
        (&"Filme".into(), &"Serien".into())
    );
    let (status, _) = send(Method::GET, format!("{}/library/sections", town.plex_url()), "").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = send(Method::GET, format!("{}/identity", town.plex_url()), "").await;
    assert_eq!(status, StatusCode::OK);
    let recorded = town.requests_to("plex");
    assert!(recorded.iter().all(|request| request.header("x-plex-token").is_none_or(|token| token == "present")));
}

#[tokio::test]
async fn a_media_query_is_understood_with_its_operators_and_groups() {
    let town = town().await;
    let all = "/library/sections/1/all?type=1";
    for (query, expected) in [
        ("year=1927", vec!["Metropolis"]),
        ("year=1922,1927&sort=year", vec!["Nosferatu", "Metropolis"]),
        ("year%3E%3E=1962&sort=year", vec!["Charade", "The Last Man on Earth", "Night of the Living Dead"]),
        ("year%3C%3C=1920", vec!["A Trip to the Moon"]),
        ("title%3D=Nosferatu", vec!["Nosferatu"]),
        ("title%3C=metro", vec!["Metropolis"]),
        ("hdr=1&resolution=4k", vec!["The General", "A Trip to the Moon"]),
        ("push=1&year=1902&or=1&title%3D=Charade&pop=1&sort=year", vec!["A Trip to the Moon", "Charade"]),
        ("inProgress=1", vec!["Charade"]),
        ("genre=Comedy", vec![]),
    ] {
        let found = get(&town, &format!("{all}&{query}")).await;
        let mut found = titles(&found);
        let mut expected = expected;
        if !query.contains("sort=") {
            found.sort_unstable();
            expected.sort_unstable();
        }
        assert_eq!(found, expected, "{query}");
    }
    let comedy = key_of(&town, "genre", "Comedy").await;
    let chaplin = key_of(&town, "actor", "Charlie Chaplin").await;
    let found = get(&town, &format!("{all}&genre={comedy}&actor={chaplin}&sort=year")).await;
    assert_eq!(titles(&found), ["The Kid", "The Gold Rush"]);
    let unwatched = get(&town, &format!("{all}&unwatched=1")).await;
    assert_eq!(unwatched["totalSize"], 14);
    // The films' spelling is passed over for shows, without a word.
    let shows = get(&town, "/library/sections/2/all?type=2&unwatched=1").await;
    assert_eq!(shows["totalSize"], 4);
    let (status, _) = send(Method::GET, format!("{}/library/sections/1/all?year=1927", town.plex_url()), "owner").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(town.violations(), []);
    get(&town, &format!("{all}&gender=1&year%3D=1927")).await;
    let reasons: Vec<String> = town.violations().into_iter().map(|one| one.reason).collect();
    assert_eq!(reasons, ["media queries know no field gender", "the field year has no operator =="]);
}

#[tokio::test]
async fn lists_come_in_parts_with_the_count_of_the_whole_and_ids_when_asked_for() {
    let town = town().await;
    let page =
        get(&town, "/library/sections/1/all?type=1&X-Plex-Container-Start=16&X-Plex-Container-Size=5&includeGuids=1")
            .await;
    assert_eq!((&page["totalSize"], &page["size"], &page["offset"]), (&18.into(), &2.into(), &16.into()));
    assert!(page["Metadata"][0]["Guid"][0]["id"].as_str().unwrap().contains("://"));
    let count = get(&town, "/library/sections/1/all?type=1&X-Plex-Container-Start=0&X-Plex-Container-Size=0").await;
    assert_eq!((&count["totalSize"], count.get("Metadata")), (&18.into(), None));
    let bare = get(&town, "/library/sections/1/all?type=1").await;
    assert!(bare["Metadata"][0].get("Guid").is_none());
}

#[tokio::test]
async fn a_new_file_is_an_item_after_a_scan_and_the_webhook_says_so() {
    let town = town().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    town.plex().webhook(format!("http://{}/hooks/plex", listener.local_addr().unwrap()));
    let heard = tokio::spawn(async move {
        use tokio::io::AsyncReadExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = Vec::new();
        while !String::from_utf8_lossy(&text).contains("f1e--\r\n") {
            stream.read_buf(&mut text).await.unwrap();
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    assert!(town.plex().put_film(234, 1080));
    let query = "/library/sections/1/all?type=1&sort=addedAt%3Adesc&limit=1";
    let (status, _) = send(Method::POST, format!("{}/library/sections/1/refresh", town.plex_url()), "owner").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(titles(&get(&town, query).await), ["Metropolis"]);
    assert_eq!(get(&town, "/activities").await["Activity"][0]["type"], "library.update.section");
    town.clock().advance(Duration::from_secs(2));
    assert_eq!(titles(&get(&town, query).await), ["The Cabinet of Dr. Caligari"]);
    let heard = heard.await.unwrap();
    assert!(heard.to_lowercase().contains("content-type: multipart/form-data; boundary="), "{heard}");
    assert!(heard.contains("name=\"payload\"") && heard.contains("\"event\":\"library.new\""), "{heard}");
}

#[tokio::test]
async fn watching_rating_and_lists_are_kept_for_each_account() {
    let town = town().await;
    let seen = |token: &'static str| {
        let address = format!("{}/status/sessions/history/all?sort=viewedAt:desc", town.plex_url());
        async move { send(Method::GET, address, token).await.1["MediaContainer"].clone() }
    };
    assert_eq!(titles(&seen(GUEST_TOKEN).await)[0], "The General");
    assert!(titles(&seen("owner").await).contains(&"The Lost Reel"));
    assert!(!titles(&seen(GUEST_TOKEN).await).contains(&"Metropolis"));
    let key = town.plex().key_of("Detour").unwrap();
    let base = town.plex_url();
    let identifier = "identifier=com.plexapp.plugins.library";
    for path in [format!("scrobble?key={key}&{identifier}"), format!("rate?key={key}&{identifier}&rating=7")] {
        let (status, _) = send(Method::PUT, format!("{base}/:/{path}"), "owner").await;
        assert_eq!(status, StatusCode::OK);
    }
    assert_eq!(town.plex().seen(key), (1, Some(7.0)));
    assert!(titles(&get(&town, "/library/onDeck").await).contains(&"Charade"));
    let denied = send(Method::GET, format!("{base}/status/sessions"), GUEST_TOKEN).await;
    assert_eq!(denied.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_older_server_wants_get_and_a_strict_one_lacks_what_is_not_described() {
    let town = town().await;
    let base = town.plex_url();
    town.plex().ways(Ways::Old);
    assert_eq!(
        send(Method::POST, format!("{base}/library/sections/1/refresh"), "owner").await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(send(Method::GET, format!("{base}/library/sections/1/refresh"), "owner").await.0, StatusCode::OK);
    town.plex().ways(Ways::AsDescribed);
    for path in
        ["/library/sections", "/library/onDeck", "/library/recentlyAdded", "/accounts", "/hubs/continueWatching/items"]
    {
        assert_eq!(send(Method::GET, format!("{base}{path}"), "owner").await.0, StatusCode::NOT_FOUND, "{path}");
    }
    get(&town, "/library/sections/all").await;
}

#[tokio::test]
async fn the_watchlist_is_unchanged_for_its_tag_and_can_be_gone() {
    let town = town().await;
    let address = format!("{}/library/sections/watchlist/all", town.plex_cloud_url("discover"));
    let answer = client().get(&address).header("x-plex-token", "owner").send().await.unwrap();
    let tag = answer.headers()["etag"].clone();
    let list: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(list["MediaContainer"]["totalSize"], 3);
    let again =
        client().get(&address).header("x-plex-token", "owner").header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    town.plex().watchlist_is_gone(true);
    assert_eq!(send(Method::GET, address, "owner").await.0, StatusCode::NOT_FOUND);
    town.fault("plex_cloud", Fault::Status { code: 429, retry_after: Some(1) }).await;
    let user = format!("{}/api/v2/user", town.plex_cloud_url("tv"));
    let (status, body) = send(Method::GET, user, "owner").await;
    assert_eq!((status, &body["errors"][0]["code"]), (StatusCode::TOO_MANY_REQUESTS, &1003.into()));
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn twenty_thousand_made_up_items_have_ids_of_three_services() {
    let town = Town::plan().plex().plex_items(20_000).clock(saturday()).without_specs().start().await.unwrap();
    let films = get(&town, "/library/sections/1/all?type=1&sort=addedAt&X-Plex-Container-Start=14999&X-Plex-Container-Size=9&includeGuids=1").await;
    assert_eq!((&films["totalSize"], films["Metadata"].as_array().map(Vec::len)), (&15_000.into(), Some(1)));
    assert_eq!(films["Metadata"][0]["Guid"].as_array().map(Vec::len), Some(3));
    let shows = get(&town, "/library/sections/2/all?type=2&X-Plex-Container-Start=0&X-Plex-Container-Size=0").await;
    assert_eq!(shows["totalSize"], 5_000);
}
