//! Plex's tools against the stand-in, which checks every request: what is told, what is changed and taken back, what each failure says.

use super::{Config, Outside, Plex, Server, arguments::Shelf, index::Watched, toolkit};
use crate::testing::{ask, call, told, tool, upstream};
use majordomo_domain::{Output, Secret, ToolError, Toolkit, tool::Undo};
use majordomo_standins::{Clock, Fault, GUEST_TOKEN, Town, Ways};
use majordomo_store::Store;
use majordomo_upstream::{
    Url,
    testing::{Answer, TestServer},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

const TOKEN: &str = "0123456789abcdef0123";

async fn town() -> Town {
    // Saturday, the time of `testing::call`.
    let clock = Clock::at("2026-11-21T06:53:00Z".parse().unwrap());
    Town::plan().plex_token(TOKEN).plex().clock(clock).without_specs().start().await.unwrap()
}

fn server(town: &Town) -> Server {
    let url = |text: String| Url::parse(&text).unwrap();
    Server {
        base_url: Some(url(town.plex_url())),
        token: Secret::new(TOKEN),
        discover_url: url(town.plex_cloud_url("discover")),
        metadata_url: url(town.plex_cloud_url("metadata")),
        plex_tv_url: url(town.plex_cloud_url("tv")),
        clients_url: url(town.plex_cloud_url("clients")),
        ..Server::default()
    }
}

fn config(town: &Town) -> Config {
    Config::from([("default".to_owned(), server(town))])
}

fn over(config: &Config) -> (Plex, Toolkit) {
    assert_eq!(super::fault(config), None);
    let plex = Plex::new(config, &upstream(), None);
    (plex.clone(), toolkit(config, plex))
}

async fn kit(town: &Town) -> Toolkit {
    over(&config(town)).1
}

async fn good(kit: &Toolkit, name: &str, arguments: Value) -> Output {
    ask(kit, name, &arguments.to_string()).await.unwrap_or_else(|error| panic!("{name} {arguments}: {error}"))
}

async fn said(kit: &Toolkit, name: &str, arguments: Value) -> Value {
    let output = good(kit, name, arguments).await;
    assert!(output.text.len() < 20_000, "{name} tells {} bytes", output.text.len());
    told(&output)
}

async fn refused(kit: &Toolkit, name: &str, arguments: Value) -> String {
    match ask(kit, name, &arguments.to_string()).await {
        Err(ToolError::TellModel(text)) => text,
        other => panic!("{name} {arguments}: {other:?}"),
    }
}

fn titles(told: &Value) -> Vec<&str> {
    told["items"].as_array().into_iter().flatten().filter_map(|item| item["title"].as_str()).collect()
}

/// What the undo of a call does, done.
async fn taken_back(kit: &Toolkit, output: &Output) -> Output {
    let undo = output.undo.clone().expect("can be taken back");
    good(kit, &undo.tool, undo.arguments).await
}

#[tokio::test]
async fn a_search_means_or_within_a_kind_and_and_across_kinds_in_the_order_asked_for() {
    let town = town().await;
    let kit = kit(&town).await;
    let search = |filters: Value| {
        said(&kit, "search_plex", json!({"filters": filters, "limit": 20, "response_level": "minimal"}))
    };
    let found = search(
        json!({"genres": ["Horror", "Comedy"], "actors": ["Charlie Chaplin"], "sort_by": "year", "sort_order": "asc"}),
    )
    .await;
    assert_eq!(titles(&found), ["The Kid", "The Gold Rush"]);
    let either = search(json!({"genres": ["Horror", "Western"], "sort_by": "title"})).await;
    assert!(titles(&either).contains(&"Nosferatu") && !titles(&either).contains(&"The Kid"), "{either}");
    let latest = search(json!({"year_min": 1960, "sort_by": "year"})).await;
    assert_eq!(titles(&latest)[0], "Night of the Living Dead");
    let one = search(json!({"year_min": 1927, "year_max": 1927})).await;
    assert_eq!(titles(&one), ["Metropolis"]);
    let rated = search(json!({"rating_min": 8.0, "sort_by": "rating"})).await;
    assert!(rated["total_results"].as_u64().unwrap() > 0, "{rated}");
    assert_eq!(
        said(&kit, "search_plex", json!({"filters": {"in_progress": true}})).await["items"][0]["state"],
        "started"
    );
    let words = said(&kit, "plex_search", json!({"query": "nosfertu"})).await;
    assert_eq!(titles(&words), ["Nosferatu"]);
    let nobody = search(json!({"actors": ["Nobody Atall"]})).await;
    assert_eq!((&nobody["total_results"], &nobody["note"]), (&json!(0), &json!("nothing found")));
    let text = refused(&kit, "plex_search", json!({"filters": {"genres": ["Musicals"]}})).await;
    assert!(text.contains("it has") && text.contains("Comedy"), "{text}");
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn libraries_are_found_whatever_they_are_called() {
    let town = town().await;
    town.plex().in_german();
    let kit = kit(&town).await;
    let found =
        said(&kit, "search_plex", json!({"filters": {"year_min": 1927, "year_max": 1927}, "section": "Filme"})).await;
    assert_eq!(titles(&found), ["Metropolis"]);
    let recent = said(&kit, "get_plex_recently_added", json!({"section_type": "movie", "limit": 3})).await;
    assert_eq!(titles(&recent).len(), 3);
    let text = refused(&kit, "plex_unwatched", json!({"section": "Movies"})).await;
    assert!(text.contains("Filme (1), Serien (2)"), "{text}");
}

#[tokio::test]
async fn films_in_4k_or_hdr_are_told_with_the_attempts_made() {
    let town = town().await;
    let kit = kit(&town).await;
    let found = said(&kit, "get_plex_movies_4k_or_hdr", json!({})).await;
    let mut names = titles(&found);
    names.sort_unstable();
    assert_eq!(names, ["A Trip to the Moon", "The General"]);
    let attempt = &found["attempts"][0];
    assert_eq!((&attempt["count"], &attempt["used"]), (&json!(2), &json!(true)));

    // A server that passes over the group and gives everything is asked twice more.
    let server = TestServer::start().await;
    let film = |key: u64| json!({"ratingKey": key.to_string(), "type": "movie", "title": format!("Film {key}")});
    let list = |films: Vec<Value>, all: usize| {
        Answer::json(&json!({"MediaContainer": {"size": films.len(), "totalSize": all, "Metadata": films}}))
    };
    server.on(
        "GET",
        "/library/sections",
        Answer::json(&json!({"MediaContainer": {"Directory": [{"key": "1", "type": "movie", "title": "Films"}]}})),
    );
    for answer in
        [list(vec![], 9), list(vec![film(1), film(2)], 9), list(vec![film(1)], 1), list(vec![film(1), film(3)], 2)]
    {
        server.on("GET", "/library/sections/1/all", answer);
    }
    let config = Config::from([(
        "default".to_owned(),
        Server { base_url: Some(server.url()), token: Secret::new(TOKEN), ..Server::default() },
    )]);
    let found = said(&over(&config).1, "plex_movies_4k_or_hdr", json!({})).await;
    assert_eq!(titles(&found), ["Film 1", "Film 3"]);
    let used: Vec<bool> = found["attempts"].as_array().unwrap().iter().map(|one| one["used"] == true).collect();
    assert_eq!(used, [false, true, true]);
}

#[tokio::test]
async fn the_overview_counts_what_the_lists_hold() {
    let town = town().await;
    let kit = kit(&town).await;
    let overview = said(&kit, "plex_library_overview", json!({"limit": 50, "response_level": "minimal"})).await;
    for (list, tool) in [
        ("on_deck", "plex_on_deck"),
        ("continue_watching", "plex_continue_watching"),
        ("recently_added", "plex_recently_added"),
    ] {
        let own = said(&kit, tool, json!({"limit": 100, "response_level": "minimal"})).await;
        assert_eq!(overview[list]["count"], own["total_results"], "{list}");
        assert_eq!(overview[list]["items"].as_array().map(Vec::len), own["items"].as_array().map(Vec::len), "{list}");
        assert!(overview[list]["count"].as_u64().unwrap() > 0, "{list}");
    }
    for (at, kind) in ["movie", "show"].iter().enumerate() {
        let unwatched = said(&kit, "plex_unwatched", json!({"section_type": kind, "limit": 100})).await;
        assert_eq!(overview["sections"][at]["unwatched"], unwatched["total_results"], "{kind}");
    }
    assert_eq!(overview["sections"][0]["count"], 18);
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn one_title_is_told_as_much_as_asked_for_with_what_is_like_it_and_its_extras() {
    let town = town().await;
    let kit = kit(&town).await;
    let key = town.plex().key_of("Metropolis").unwrap();
    let level =
        |level: &'static str| said(&kit, "get_plex_item_details", json!({"rating_key": key, "response_level": level}));
    let names = |told: &Value| told["items"][0].as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    let minimal = names(&level("minimal").await);
    assert_eq!(minimal, BTreeSet::from(["rating_key", "title", "type"].map(str::to_owned)));
    let (compact, standard, detailed) =
        (names(&level("compact").await), names(&level("standard").await), names(&level("detailed").await));
    assert!(minimal.is_subset(&compact) && compact.is_subset(&standard) && standard.is_subset(&detailed));
    assert!(compact.contains("year") && standard.contains("media") && detailed.contains("actors"));
    let whole = level("detailed").await;
    assert_eq!(whole["items"][0]["ids"], json!(["imdb://tt0017136", "tmdb://19"]));
    assert_eq!((&whole["items"][0]["your_rating"], &whole["items"][0]["state"]), (&json!(9.0), &json!("watched")));

    let similar = said(&kit, "get_plex_similar_items", json!({"rating_key": key, "limit": 3})).await;
    assert_eq!(titles(&similar).len(), 3);
    assert!(said(&kit, "plex_related", json!({"rating_key": key})).await["groups"][0]["items"].is_array());
    let extras = said(&kit, "get_plex_extras", json!({"rating_key": key})).await;
    assert_eq!(extras["extras"][0]["kind"], "trailer");
    let show = town.plex().key_of("Dragnet").unwrap();
    let episodes = said(&kit, "plex_all_episodes", json!({"rating_key": show})).await;
    assert_eq!(
        (&episodes["total_results"], &episodes["seasons"][0]["numbers"], &episodes["seasons"][0]["watched"]),
        (&json!(8), &json!("1-8"), &json!(0))
    );
    assert_eq!(said(&kit, "plex_children", json!({"rating_key": show})).await["total_results"], 1);
    for tool in ["plex_metadata", "plex_similar", "plex_related", "plex_extras", "plex_children", "plex_all_episodes"] {
        let nothing = said(&kit, tool, json!({"rating_key": 999_999})).await;
        assert!(nothing["note"].as_str().unwrap().starts_with("nothing found"), "{tool}: {nothing}");
    }
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn who_watches_and_who_watched_is_told_with_time_and_name() {
    let town = town().await;
    let kit = kit(&town).await;
    let now = said(&kit, "get_plex_playback_status", json!({})).await;
    let session = &now["sessions"][0];
    assert_eq!(
        (&session["user"], &session["title"], &session["client"]),
        (&json!("Guest"), &json!("The General"), &json!("Living room"))
    );
    assert!(session["progress_percent"].as_u64().unwrap() > 0);
    let key = town.plex().key_of("Metropolis").unwrap();
    let history = said(&kit, "get_plex_watch_history", json!({"rating_key": key, "limit": 20})).await;
    assert_eq!(
        history["views"],
        json!([{"title": "Metropolis", "type": "movie", "viewed_at": "2026-11-19T06:53Z", "by": "Household", "rating_key": key}])
    );
    let guest = said(&kit, "plex_history", json!({"account": "guest", "days": 2})).await;
    assert_eq!(guest["views"][0]["title"], "The General");
    assert_eq!(guest["total_results"], 1);
    // What was deleted since has no key and is told all the same.
    let all = said(&kit, "plex_history", json!({"limit": 100})).await;
    let lost = all["views"].as_array().unwrap().iter().find(|view| view["title"] == "The Lost Reel").cloned().unwrap();
    assert_eq!(lost["rating_key"], Value::Null);
    assert!(refused(&kit, "plex_history", json!({"account": "stranger"})).await.contains("it has Household, Guest"));

    let mut both = config(&town);
    both.insert("guest".into(), Server { token: Secret::new(GUEST_TOKEN), ..server(&town) });
    let (_, kit) = over(&both);
    let theirs = said(&kit, "plex_history", json!({"instance": "guest", "limit": 100})).await;
    assert!(theirs["views"].as_array().unwrap().iter().all(|view| view["by"] == "Guest"), "{theirs}");
    match ask(&kit, "plex_sessions", r#"{"instance":"guest"}"#).await {
        Err(ToolError::CouldNotAsk { service, reason }) => {
            assert_eq!((service.as_str(), reason.contains("owner")), ("Plex (guest)", true), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert!(refused(&kit, "plex_accounts", json!({"instance": "attic"})).await.contains("there is default, guest"));
}

#[tokio::test]
async fn a_rating_is_given_shown_by_the_next_read_and_taken_back() {
    let town = town().await;
    let kit = kit(&town).await;
    let key = town.plex().key_of("Detour").unwrap();
    let read = || said(&kit, "plex_metadata", json!({"rating_key": key}));
    assert_eq!(read().await["items"][0].get("your_rating"), None);
    let call = call();
    let parsed = tool(&kit, "set_plex_rating").parse(&json!({"rating_key": key, "rating": 7}).to_string()).unwrap();
    let card = parsed.preview(&call).await.unwrap();
    assert_eq!(card.title, "Detour (1945)");
    assert!(
        card.facts.iter().any(|fact| (fact.label.as_str(), fact.value.as_str()) == ("Rating then", "7 of 10")),
        "{card:?}"
    );
    let rated = parsed.run(&call).await.unwrap();
    assert_eq!(rated.receipt.as_deref(), Some("Detour (1945) now has 7 of 10 on Plex."));
    assert_eq!(read().await["items"][0]["your_rating"], 7.0);
    taken_back(&kit, &rated).await;
    assert_eq!(town.plex().seen(key).1, None);
    assert!(refused(&kit, "plex_rate", json!({"rating_key": key, "rating": 11})).await.contains("0 to 10"));
    assert!(refused(&kit, "plex_rate", json!({"rating_key": 999_999, "rating": 5})).await.contains("no item 999999"));
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn marking_counts_nothing_twice_and_can_be_taken_back() {
    let town = town().await;
    let kit = kit(&town).await;
    let show = town.plex().key_of("The Beverly Hillbillies").unwrap();
    let watched = || async {
        said(&kit, "plex_all_episodes", json!({"rating_key": show})).await["seasons"][0]["watched"].as_u64().unwrap()
    };
    assert_eq!(watched().await, 3);
    let marked = good(&kit, "plex_mark_watched", json!({"rating_key": show})).await;
    assert_eq!(
        marked.receipt.as_deref(),
        Some("The Beverly Hillbillies (1962) is marked as watched on Plex (9 episodes).")
    );
    assert_eq!(watched().await, 12);
    let again = said(&kit, "plex_mark_watched", json!({"rating_key": show})).await;
    assert!(again["note"].as_str().unwrap().contains("already"), "{again}");
    let series =
        || async { said(&kit, "get_plex_unwatched", json!({"section_type": "show"})).await["total_results"].clone() };
    assert_eq!(series().await, 3, "a series that is watched to the end is not among the unwatched");
    taken_back(&kit, &marked).await;
    assert_eq!((watched().await, series().await), (3, json!(4)));
    let key = town.plex().key_of("Metropolis").unwrap();
    let unmarked = good(&kit, "plex_mark_unwatched", json!({"rating_key": key})).await;
    assert_eq!(town.plex().seen(key).0, 0);
    taken_back(&kit, &unmarked).await;
    assert_eq!(town.plex().seen(key).0, 1);
    let before = said(&kit, "plex_continue_watching", json!({})).await["total_results"].as_u64().unwrap();
    good(&kit, "plex_remove_from_continue", json!({"rating_key": town.plex().key_of("Charade")})).await;
    assert_eq!(said(&kit, "plex_continue_watching", json!({})).await["total_results"], before - 1);
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn playlists_and_collections_are_made_changed_and_put_back() {
    let town = town().await;
    let kit = kit(&town).await;
    let key = |title: &str| town.plex().key_of(title).unwrap();
    let (detour, charade, stranger) = (key("Detour"), key("Charade"), key("The Kid"));
    let made = good(&kit, "plex_playlist_create", json!({"title": "Noir", "rating_keys": [detour, charade]})).await;
    let lists = said(&kit, "get_plex_playlists", json!({})).await;
    let list =
        lists["playlists"].as_array().unwrap().iter().find(|list| list["title"] == "Noir").unwrap()["key"].clone();
    let order = || async {
        let items = said(&kit, "plex_playlist_items", json!({"playlist": list})).await;
        items["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["title"].as_str().unwrap().to_owned(), item["playlist_item"].clone()))
            .collect::<Vec<_>>()
    };
    let names = |order: &[(String, Value)]| {
        order.iter().map(|(title, _)| title.split(" (").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let added = good(&kit, "plex_playlist_add", json!({"playlist": list, "rating_keys": [stranger]})).await;
    assert_eq!(names(&order().await), ["Detour", "Charade", "The Kid"]);
    let last = order().await[2].1.clone();
    let moved = good(&kit, "plex_playlist_move", json!({"playlist": list, "playlist_item": last})).await;
    assert_eq!(names(&order().await), ["The Kid", "Detour", "Charade"]);
    taken_back(&kit, &moved).await;
    assert_eq!(names(&order().await), ["Detour", "Charade", "The Kid"]);
    taken_back(&kit, &added).await;
    assert_eq!(names(&order().await), ["Detour", "Charade"]);
    let first = order().await[0].1.clone();
    let removed = good(&kit, "plex_playlist_remove", json!({"playlist": list, "playlist_items": [first]})).await;
    assert_eq!(names(&order().await), ["Charade"]);
    taken_back(&kit, &removed).await;
    assert_eq!(names(&order().await), ["Detour", "Charade"], "it is in its place again");
    let renamed = good(&kit, "plex_playlist_rename", json!({"playlist": list, "title": "Black and white"})).await;
    taken_back(&kit, &renamed).await;
    taken_back(&kit, &made).await;
    assert_eq!(said(&kit, "plex_playlists", json!({})).await["total_results"], 1);

    let made =
        good(&kit, "plex_collection_create", json!({"title": "Noir", "section": "Films", "rating_keys": [detour]}))
            .await;
    let all = said(&kit, "get_plex_collections", json!({})).await;
    let own = all["collections"].as_array().unwrap().iter().find(|one| one["title"] == "Noir").unwrap()["key"].clone();
    let held =
        || async { said(&kit, "plex_collection_items", json!({"collection": own})).await["total_results"].clone() };
    let added = good(&kit, "plex_collection_add", json!({"collection": own, "rating_keys": [charade, detour]})).await;
    assert_eq!(held().await, 2);
    taken_back(&kit, &added).await;
    assert_eq!(held().await, 1);
    let removed = good(&kit, "plex_collection_remove", json!({"collection": own, "rating_keys": [detour]})).await;
    let undo = removed.undo.clone().unwrap();
    assert_eq!(
        (undo.tool.as_str(), &undo.arguments),
        ("plex_collection_add", &json!({"collection": own, "rating_keys": [detour]}))
    );
    assert!(made.undo.is_some());
    let frights =
        all["collections"].as_array().unwrap().iter().find(|one| one["title"] == "Frights").unwrap()["key"].clone();
    good(&kit, "plex_collection_delete", json!({"collection": frights})).await;
    let text = refused(
        &kit,
        "plex_collection_create",
        json!({"title": "Mixed", "section": "Films", "rating_keys": [key("Dragnet")]}),
    )
    .await;
    assert!(text.contains("Dragnet (1951) is not a movie"), "{text}");
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn deleting_and_stopping_show_what_goes_and_happen_once() {
    let town = town().await;
    let kit = kit(&town).await;
    let call = call();
    let key = town.plex().key_of("Detour").unwrap();
    let arguments = json!({"rating_key": key}).to_string();
    let card = tool(&kit, "plex_delete_item").parse(&arguments).unwrap().preview(&call).await.unwrap();
    let facts: Vec<String> = card.facts.iter().map(|fact| format!("{}: {}", fact.label, fact.value)).collect();
    assert!(
        facts.contains(&"Goes: 1 file, 2.3 GB".to_owned())
            && facts.contains(&"Folder: /films/Detour (1945)".to_owned()),
        "{facts:?}"
    );
    let check = |arguments: String| {
        let parsed = tool(&kit, "plex_delete_item").parse(&arguments).unwrap();
        let call = call.clone();
        async move { parsed.check(&call).await.unwrap() }
    };
    assert_eq!(check(arguments.clone()).await, None);
    let gone = good(&kit, "plex_delete_item", json!({"rating_key": key})).await;
    assert!(gone.receipt.unwrap().starts_with("Detour (1945) was deleted"));
    assert!(check(arguments).await.is_some());
    let shown = tool(&kit, "plex_delete_item").parse(r#"{"rating_key":999999}"#).unwrap().preview(&call).await;
    assert!(matches!(shown, Err(ToolError::TellModel(_))), "{shown:?}");

    let stopped = good(&kit, "plex_stop_session", json!({"session_id": "tsession1", "reason": "Bedtime"})).await;
    assert_eq!(stopped.receipt.as_deref(), Some("Guest was told to stop The General (1926)."));
    assert!(refused(&kit, "plex_stop_session", json!({"session_id": "tsession1"})).await.contains("nobody"));
    assert_eq!(said(&kit, "plex_sessions", json!({})).await["note"], "nothing found: nobody is watching");
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn a_scan_finds_the_new_film_and_the_index_with_it() {
    let town = town().await;
    let (plex, kit) = over(&config(&town));
    let library = plex.library(None).await.unwrap();
    assert_eq!(library.len(), 22);
    let have = library.find(Shelf::Movie, Outside::Tmdb(961)).unwrap();
    assert_eq!(
        (have.title, have.year, have.lines, have.has_hdr, have.section),
        ("The General", 1926, 2160, true, "Films")
    );
    assert!(have.size_bytes > 10_000_000_000 && have.genres.contains(&"Comedy"), "{have:?}");
    assert_eq!(library.find(Shelf::Movie, Outside::Imdb(17_136)).unwrap().title, "Metropolis");
    assert_eq!(library.find(Shelf::Show, Outside::Tvdb(9_300_006)).unwrap().title, "Dragnet");
    // The agents of earlier years put the id elsewhere.
    assert_eq!(library.find(Shelf::Movie, Outside::Imdb(54_033)).unwrap().title, "The Little Shop of Horrors");
    // TMDb counts films and series apart.
    assert_eq!(library.find(Shelf::Show, Outside::Tmdb(961)), None);
    assert_eq!(library.find(Shelf::Movie, Outside::Tmdb(234)), None);
    let seasons = plex.instance(None).unwrap().seasons(town.plex().key_of("Dragnet").unwrap()).await.unwrap();
    assert_eq!((seasons.len(), seasons[0].episodes.len(), seasons[0].episodes[0].lines), (1, 8, 720));

    assert!(town.plex().put_film(234, 1080));
    assert!(
        refused(&kit, "plex_scan_section", json!({"section": "Films", "path": "/films/../etc"}))
            .await
            .contains("not in that library")
    );
    good(&kit, "plex_scan_section", json!({"section": "Films", "path": "/films"})).await;
    assert_eq!(plex.library(None).await.unwrap().find(Shelf::Movie, Outside::Tmdb(234)), None);
    assert_eq!(said(&kit, "plex_activities", json!({})).await["total_results"], 1);
    town.clock().advance(Duration::from_secs(2));
    plex.library_is_stale();
    town.forget();
    let library = plex.library(None).await.unwrap();
    assert_eq!(library.find(Shelf::Movie, Outside::Tmdb(234)).unwrap().title, "The Cabinet of Dr. Caligari");
    let looks = town.requests_to("plex").iter().filter(|one| one.query("X-Plex-Container-Size") == Some("30")).count();
    // And once for the sections.
    assert_eq!((looks, town.requests_to("plex").len()), (5, 6), "what is new is looked for without reading everything");
    let found = said(&kit, "plex_find_by_guid", json!({"guid": "tmdb://234"})).await;
    assert_eq!(titles(&found), ["The Cabinet of Dr. Caligari"]);

    // Watched since, and deleted since.
    let key = town.plex().key_of("Nosferatu").unwrap();
    let detour = town.plex().key_of("Detour").unwrap();
    town.plex().watch(detour);
    plex.library_is_stale();
    let library = plex.library(None).await.unwrap();
    assert_eq!(library.by_key(detour as u32).unwrap().watched, Watched::Yes);
    good(&kit, "plex_delete_item", json!({"rating_key": key})).await;
    assert_eq!(plex.library(None).await.unwrap().find(Shelf::Movie, Outside::Tmdb(653)), None);
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn the_watchlist_is_read_changed_and_never_empty_when_it_cannot_be_read() {
    let town = town().await;
    let mut config = config(&town);
    let kit = over(&config).1;
    let list = said(&kit, "plex_watchlist", json!({})).await;
    assert_eq!(titles(&list), ["The General", "Sunrise: A Song of Two Humans", "The Cabinet of Dr. Caligari"]);
    assert!(list["items"].as_array().unwrap().iter().all(|item| item["ids"].is_array()), "{list}");
    let asked = || town.requests_to("plex_cloud").iter().filter(|one| one.path.ends_with("watchlist/all")).count();
    said(&kit, "plex_watchlist", json!({})).await;
    assert_eq!(asked(), 1, "asked again within three minutes");
    let added = good(&kit, "plex_watchlist_add", json!({"key": "tmdb://19"})).await;
    assert_eq!(added.receipt.as_deref(), Some("Metropolis (1927) is on the Plex watchlist now."));
    assert_eq!(said(&kit, "plex_watchlist", json!({"type": "movie"})).await["total_results"], 4);
    let again = said(&kit, "plex_watchlist_add", json!({"key": "imdb://tt0017136"})).await;
    assert_eq!(again["already_exists"], true);
    taken_back(&kit, &added).await;
    assert_eq!(said(&kit, "plex_watchlist_state", json!({"key": "tmdb://19"})).await["is_listed"], false);
    let found = said(&kit, "plex_discover_search", json!({"query": "Metropolis"})).await;
    let key = found["items"][0]["discover_key"].clone();
    assert_eq!(said(&kit, "plex_discover_match", json!({"guid": "tmdb://19"})).await["discover_key"], key);
    assert_eq!(said(&kit, "plex_account", json!({})).await["name"], "Household");
    let servers = good(&kit, "plex_servers", json!({})).await;
    assert!(!servers.text.contains("token-of-the-server"), "{}", servers.text);
    assert_eq!(told(&servers)["servers"][0]["connections"][0]["local"], true);
    let pin = said(&kit, "plex_pin", json!({})).await;
    assert!(pin["link"].as_str().unwrap().starts_with("https://app.plex.tv/auth#?clientID="), "{pin}");
    assert_eq!(said(&kit, "plex_pin", json!({"pin_id": pin["pin_id"]})).await["is_signed_in"], false);
    town.plex().sign_in();
    let signed = good(&kit, "plex_pin", json!({"pin_id": pin["pin_id"]})).await;
    assert!(signed.text.contains("\"is_signed_in\":true") && !signed.text.contains("token-from"), "{}", signed.text);

    // Asked at once and unchanged: a short answer does.
    config.get_mut("default").unwrap().watchlist_age_s = 0;
    let kit = over(&config).1;
    let first = said(&kit, "plex_watchlist", json!({})).await;
    assert_eq!(said(&kit, "plex_watchlist", json!({})).await, first);
    let tagged = town.requests_to("plex_cloud").iter().filter(|one| one.header("if-none-match").is_some()).count();
    assert_eq!(tagged, 1);
    town.plex().watchlist_is_gone(true);
    match ask(&kit, "plex_watchlist", "{}").await {
        Err(ToolError::CouldNotAsk { reason, .. }) => assert!(reason.contains("moved or is unavailable"), "{reason}"),
        other => panic!("{other:?}"),
    }
    town.fault("plex_cloud", Fault::Status { code: 429, retry_after: None }).await;
    let error = ask(&kit, "plex_account", "{}").await.unwrap_err().to_string();
    assert!(error.contains("asked too often"), "{error}");
    assert_eq!(town.violations(), []);
}

/// Good arguments of every tool that reads the server.
fn reads(key: u64, playlist: &Value, collection: &Value) -> Vec<(&'static str, Value)> {
    vec![
        ("plex_search", json!({"query": "Metropolis"})),
        ("plex_search", json!({"filters": {"genres": ["Comedy"]}})),
        ("plex_movies_4k_or_hdr", json!({})),
        ("plex_library_overview", json!({})),
        ("plex_sections", json!({})),
        ("plex_section_items", json!({"section": "Films"})),
        ("plex_section_filters", json!({"section": "Films", "filter": "genre"})),
        ("plex_section_filters", json!({"section": "Films"})),
        ("plex_find_by_guid", json!({"guid": "tmdb://19"})),
        ("plex_find_by_guid", json!({"guid": "plex://movie/5d7768000000000000000013"})),
        ("plex_recently_added", json!({})),
        ("plex_on_deck", json!({})),
        ("plex_on_deck", json!({"section": "Series"})),
        ("plex_continue_watching", json!({})),
        ("plex_unwatched", json!({})),
        ("plex_metadata", json!({"rating_key": key})),
        ("plex_children", json!({"rating_key": key})),
        ("plex_all_episodes", json!({"rating_key": key})),
        ("plex_similar", json!({"rating_key": key})),
        ("plex_related", json!({"rating_key": key})),
        ("plex_extras", json!({"rating_key": key})),
        ("plex_identity", json!({})),
        ("plex_server_info", json!({})),
        ("plex_sessions", json!({})),
        ("plex_history", json!({})),
        ("plex_accounts", json!({})),
        ("plex_activities", json!({})),
        ("plex_playlists", json!({})),
        ("plex_playlist_items", json!({"playlist": playlist})),
        ("plex_collections", json!({})),
        ("plex_collection_items", json!({"collection": collection})),
        ("plex_watchlist", json!({})),
        ("plex_watchlist_state", json!({"key": "tmdb://19"})),
        ("plex_discover_search", json!({"query": "Metropolis"})),
        ("plex_discover_match", json!({"guid": "tmdb://19"})),
        ("plex_account", json!({})),
        ("plex_servers", json!({})),
        ("plex_pin", json!({})),
    ]
}

#[tokio::test]
async fn a_failure_is_told_as_one_by_every_tool_and_never_as_an_empty_list() {
    let town = town().await;
    let key = town.plex().key_of("Dragnet").unwrap();
    let kit = kit(&town).await;
    let playlist = said(&kit, "plex_playlists", json!({})).await["playlists"][0]["key"].clone();
    let collection = said(&kit, "plex_collections", json!({})).await["collections"][0]["key"].clone();
    let reads = || reads(key, &playlist, &collection);
    let covered: BTreeSet<&str> = reads().iter().map(|(name, _)| *name).collect();
    let wanted: BTreeSet<&str> =
        kit.tools.iter().filter(|tool| tool.undo == Undo::Needless).map(|tool| tool.name).collect();
    assert_eq!(covered, wanted, "every tool that reads is tried");
    let faults = [
        (Fault::Html, "returns a web page, not the API"),
        (Fault::Status { code: 401, retry_after: None }, "refused the token"),
        (Fault::Status { code: 500, retry_after: None }, "it "),
        (Fault::OtherShape, "it answered"),
        (Fault::HalfJson, "cannot be read"),
        (Fault::Refuse, "it did"),
    ];
    for (fault, reason) in faults {
        for service in ["plex", "plex_cloud"] {
            town.fault(service, fault.clone()).await;
        }
        for (name, arguments) in reads() {
            let (_, kit) = over(&config(&town));
            match ask(&kit, name, &arguments.to_string()).await {
                Err(error @ ToolError::CouldNotAsk { .. }) => {
                    let text = error.to_string();
                    assert!(text.contains(reason), "{name} {fault:?}: {text}");
                    assert!(!text.contains(TOKEN), "{text}");
                }
                other => panic!("{name} {fault:?}: {other:?}"),
            }
        }
    }
}

/// Every tool that reads: what is asked of the server, and what a model is told.
#[tokio::test]
async fn what_is_asked_and_told_is_as_it_was() {
    let town = town().await;
    let mut config = config(&town);
    config.get_mut("default").unwrap().client_identifier = Some("this-house".into());
    let first = over(&config).1;
    let list = said(&first, "plex_playlists", json!({})).await["playlists"][0]["key"].clone();
    let collection = said(&first, "plex_collections", json!({})).await["collections"][0]["key"].clone();
    let mut text = String::new();
    for (name, arguments) in reads(town.plex().key_of("Dragnet").unwrap(), &list, &collection) {
        town.forget();
        // A toolkit of its own, so that nothing is reused.
        let output = good(&over(&config).1, name, arguments.clone()).await;
        let asked = |request: &majordomo_standins::Request| {
            let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{} {} {}?{}", request.service, request.method, request.path, query.join("&"))
        };
        let mut requests: Vec<String> = town.requests().iter().map(asked).collect();
        requests.sort();
        let cards: Vec<&str> = output.cards.iter().map(|card| card.title.as_str()).collect();
        let told = told(&output).to_string().replace(&town.plex_url(), "http://plex");
        text.push_str(&format!("{name} {arguments}\n  {}\n= {told}\n", requests.join("\n  ")));
        text.push_str(&format!(
            "{}\n",
            if cards.is_empty() { String::new() } else { format!("[{}]\n", cards.join(", ")) }
        ));
    }
    assert_eq!(town.violations(), []);
    insta::assert_snapshot!("reads", text);
}

#[tokio::test]
async fn lists_a_server_lacks_come_by_another_question() {
    let town = town().await;
    town.plex().ways(Ways::AsDescribed);
    let kit = kit(&town).await;
    assert_eq!(said(&kit, "plex_sections", json!({})).await["total_results"], 2);
    assert_eq!(titles(&said(&kit, "plex_on_deck", json!({})).await), ["Charade"]);
    assert!(titles(&said(&kit, "plex_continue_watching", json!({})).await).contains(&"Charade"));
    let show = town.plex().key_of("Dragnet").unwrap();
    assert_eq!(said(&kit, "plex_children", json!({"rating_key": show})).await["seasons"][0]["episodes"], 8);
    assert!(said(&kit, "plex_history", json!({})).await["views"][0]["by"].as_str().unwrap().starts_with("account "));
    let all = said(&kit, "plex_collections", json!({})).await;
    let frights =
        all["collections"].as_array().unwrap().iter().find(|one| one["title"] == "Frights").unwrap()["key"].clone();
    let nosferatu = town.plex().key_of("Nosferatu");
    good(&kit, "plex_collection_remove", json!({"collection": frights, "rating_keys": [nosferatu]})).await;
    good(&kit, "plex_collection_delete", json!({"collection": frights})).await;
    town.plex().ways(Ways::Old);
    let key = town.plex().key_of("Detour").unwrap();
    good(&kit, "plex_rate", json!({"rating_key": key, "rating": 6})).await;
    good(&kit, "plex_mark_watched", json!({"rating_key": key})).await;
    assert_eq!(town.plex().seen(key), (1, Some(6.0)));
    good(&kit, "plex_scan_section", json!({"section": "Films"})).await;
    good(&kit, "plex_stop_session", json!({"session_id": "tsession1"})).await;
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn every_request_carries_who_we_are_and_the_name_of_this_installation_stays() {
    let town = town().await;
    let store = Store::scratch().await.unwrap();
    let config = config(&town);
    let mut names = BTreeSet::new();
    for _ in 0..2 {
        let plex = Plex::new(&config, &upstream(), Some(store.clone()));
        let kit = toolkit(&config, plex);
        said(&kit, "plex_sections", json!({})).await;
        said(&kit, "plex_account", json!({})).await;
    }
    for request in town.requests_to("plex").iter().chain(&town.requests_to("plex_cloud")) {
        assert_eq!(request.header("x-plex-token"), Some("present"));
        assert_eq!(request.header("x-plex-product"), Some("Majordomo"));
        assert_eq!(request.header("x-plex-pms-api-version"), Some("1.1.1"));
        assert_eq!(request.header("accept"), Some("application/json"));
        names.insert(request.header("x-plex-client-identifier").unwrap().to_owned());
    }
    assert_eq!(names.len(), 1, "{names:?}");
}

#[tokio::test]
async fn pictures_come_through_us_and_no_other_address_is_asked() {
    let town = town().await;
    let kit = kit(&town).await;
    let output = good(&kit, "plex_search", json!({"query": "Metropolis"})).await;
    let name = output.cards[0].picture.clone().unwrap();
    let picture = kit.pictures.clone().unwrap()(name.strip_prefix("plex:").unwrap().to_owned()).await.unwrap();
    assert_eq!(picture.media_type, "image/svg+xml");
    for wrong in ["default/../1", "default/1/2/3", "attic/1/2", "default/1/x", "", "default/999999/1"] {
        let answer = kit.pictures.clone().unwrap()(wrong.to_owned()).await;
        assert!(matches!(answer, Err(ToolError::TellModel(_))), "{wrong}: {answer:?}");
    }
    assert_eq!(kit.probe.clone().unwrap()().await.unwrap(), "Demo Plex 1.42.2.10156 answers");
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn a_webhook_of_the_server_makes_the_index_look() {
    use majordomo_domain::Hook;
    use tokio::io::AsyncReadExt;
    let town = town().await;
    let (plex, _) = over(&config(&town));
    assert_eq!(plex.library(None).await.unwrap().len(), 22);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    town.plex().webhook(format!("http://{}/hooks/plex", listener.local_addr().unwrap()));
    town.plex().scan_takes(Duration::ZERO);
    assert!(town.plex().put_film(234, 1080));
    good(&over(&config(&town)).1, "plex_scan_section", json!({"section": "Films"})).await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"--\r\n") {
        stream.read_buf(&mut request).await.unwrap();
    }
    let end = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap();
    // Until then nothing is asked: what was read is young enough.
    assert_eq!(plex.library(None).await.unwrap().len(), 22);
    let hook = super::hook::Webhook::new(plex.clone());
    let notification = hook.receive(content_type, &request[end + 4..]).await.unwrap().unwrap();
    assert_eq!(
        (notification.kind.as_str(), &notification.body["item"]["title"]),
        ("library.new", &json!("The Cabinet of Dr. Caligari"))
    );
    assert_eq!(plex.library(None).await.unwrap().len(), 23);
}

#[tokio::test]
async fn one_connection_serves_one_call_after_the_other() {
    let server = TestServer::start().await;
    for _ in 0..5 {
        server.on("GET", "/status/sessions", Answer::json(&json!({"MediaContainer": {"size": 0}})));
    }
    let own = Server { base_url: Some(server.url()), token: Secret::new(TOKEN), ..Server::default() };
    let (_, kit) = over(&Config::from([("default".to_owned(), own)]));
    for _ in 0..5 {
        said(&kit, "plex_sessions", json!({})).await;
    }
    assert_eq!((server.asked().len(), server.connections()), (5, 1));
}

#[tokio::test]
async fn optional_arguments_may_be_null_and_numbers_may_be_written_as_texts() {
    let town = town().await;
    let kit = kit(&town).await;
    for tool in &kit.tools {
        let schema = &tool.spec.schema;
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let nothing: serde_json::Map<String, Value> = schema["properties"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, property)| {
                let value = match property["type"].as_str() {
                    _ if !required.contains(name.as_str()) => Value::Null,
                    Some("string") => json!("x"),
                    Some("array") => json!([1]),
                    _ => json!("1"),
                };
                (name.clone(), if name == "rating" { json!(1) } else { value })
            })
            .collect();
        let parsed = tool.parse(&Value::Object(nothing).to_string());
        assert!(parsed.is_ok(), "{}: {:?}", tool.name, parsed.err());
        assert!(tool.undo == Undo::Needless || tool.effect != majordomo_domain::Effect::Read, "{}", tool.name);
    }
}

/// A hanging path of the server.
async fn hangs(town: &Town, path: &str) {
    let switch = majordomo_standins::Switch {
        fault: Some(Fault::Hang),
        times: None,
        path: Some(path.into()),
        service: Some("plex".into()),
    };
    town.switch(switch).await;
}

fn with(town: &Town, change: impl FnOnce(&mut Server)) -> (Plex, Toolkit) {
    let mut own = server(town);
    change(&mut own);
    over(&Config::from([("default".to_owned(), own)]))
}

#[tokio::test]
async fn each_wait_is_as_long_as_its_own_setting_says() {
    let town = town().await;
    let soon = Duration::from_secs(4);
    let sets: [fn(&mut Server); 2] = [|one| one.request_timeout_ms = 100, |one| one.timeout_ms = 100];
    hangs(&town, "/status/sessions").await;
    for set in sets {
        let (_, kit) = with(&town, set);
        let begun = std::time::Instant::now();
        let error = ask(&kit, "plex_sessions", "{}").await.unwrap_err().to_string();
        assert!(error.contains("did not answer") && begun.elapsed() < soon, "{error} after {:?}", begun.elapsed());
    }
    hangs(&town, "/library/sections/1/all").await;
    let (plex, _) = with(&town, |one| one.sync_timeout_ms = 100);
    let begun = std::time::Instant::now();
    let error = plex.library(None).await.unwrap_err().to_string();
    assert!(error.contains("did not answer") && begun.elapsed() < soon, "{error} after {:?}", begun.elapsed());
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_the_setting_allows() {
    let town = town().await;
    let (_, kit) = with(&town, |one| one.at_once = 1);
    town.fault("plex", Fault::Slow { ms: 60 }).await;
    let begun = std::time::Instant::now();
    let names = ["plex_sessions", "plex_accounts", "plex_activities"];
    let answers = futures_util::future::join_all(names.map(|name| ask(&kit, name, "{}"))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(begun.elapsed() >= Duration::from_millis(180), "one after the other: {:?}", begun.elapsed());
}

#[tokio::test]
async fn answers_are_reused_as_long_as_the_settings_say() {
    let town = town().await;
    let asked = |path: &str| town.requests_to("plex").iter().filter(|one| one.path == path).count();
    for (age, times) in [(600, 1), (0, 2)] {
        let (_, kit) = with(&town, |one| one.age_s = age);
        town.forget();
        for _ in 0..2 {
            said(&kit, "plex_recently_added", json!({})).await;
        }
        assert_eq!(asked("/library/sections/1/all"), times, "lists with {age}");
        let (plex, _) = with(&town, |one| one.reference_age_s = age);
        town.forget();
        for _ in 0..2 {
            plex.instance(None).unwrap().sections().await.unwrap();
        }
        assert_eq!(asked("/library/sections"), times, "sections with {age}");
        let (plex, _) = with(&town, |one| one.index_age_s = age);
        plex.library(None).await.unwrap();
        town.forget();
        plex.library(None).await.unwrap();
        assert_eq!(asked("/library/sections/1/all") > 0, times == 2, "the index with {age}");
    }
    // Looked at again in part, or read anew as a whole: what was deleted is noticed either way.
    let mut pages = Vec::new();
    for whole_age in [600, 0] {
        let (plex, _) = with(&town, |one| (one.index_age_s, one.index_whole_age_s) = (0, whole_age));
        plex.library(None).await.unwrap();
        town.forget();
        plex.library(None).await.unwrap();
        let of_pages = |size: &str| {
            let all = town.requests_to("plex");
            all.iter().filter(|one| one.query("X-Plex-Container-Size") == Some(size)).count()
        };
        pages.push((of_pages("30") > 0, of_pages("200") > 0));
    }
    assert_eq!(pages, [(true, false), (false, true)], "in part within its age, as a whole after it");
}
