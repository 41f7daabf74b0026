//! What each setting of `[tools.radarr.NAME]` and `[tools.sonarr.NAME]` changes.

use super::{CALIGARI, House, METROPOLIS, SUNRISE, radarr_kit, sonarr_kit};
use crate::testing::{ask, told};
use majordomo_domain::Toolkit;
use majordomo_standins::{Fault, ServarrPace, Switch};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Both applications' toolkits over the stand-ins, with one setting changed.
macro_rules! kits {
    ($house:expr, $($field:ident = $value:expr),+) => {{
        let town = &$house.town;
        let radarr = radarr_kit(&town.radarr_url("default"), town.radarr("default").key(), |one| {
            $(one.$field = $value;)+
        });
        let sonarr = sonarr_kit(&town.sonarr_url("default"), town.sonarr("default").key(), |one| {
            $(one.$field = $value;)+
        });
        [("radarr", radarr), ("sonarr", sonarr)]
    }};
}

async fn hangs(house: &House, service: &str, path: &str) {
    let fault = Some(Fault::Hang);
    let switch = Switch { fault, times: None, path: Some(path.into()), service: Some(service.into()) };
    house.town.switch(switch).await;
}

/// What a tool says that failed, and how long it took.
async fn failure(kit: &Toolkit, name: &str, arguments: &str) -> (String, Duration) {
    let begun = Instant::now();
    let error = ask(kit, name, arguments).await.expect_err(name).to_string();
    (error, begun.elapsed())
}

/// How often a service was asked for a path.
fn asked(house: &House, service: &str, end: &str) -> usize {
    house.town.requests_to(service).iter().filter(|one| one.path.ends_with(end)).count()
}

const SOON: Duration = Duration::from_secs(4);

#[tokio::test]
async fn each_wait_is_as_long_as_its_own_setting_says_and_holds_for_nothing_else() {
    let house = House::new().await;
    for [(service, brief), (other, brief_too)] in
        [kits!(house, request_timeout_ms = 100), kits!(house, timeout_ms = 100)]
    {
        for (service, kit) in [(service, brief), (other, brief_too)] {
            hangs(&house, service, "/system/status").await;
            let (error, took) = failure(&kit, &format!("{service}_status"), "{}").await;
            assert!(error.contains("did not answer") && took < SOON, "{service}: {error} after {took:?}");
            house.town.mend(service).await;
        }
    }
    for (service, kit) in kits!(house, library_timeout_ms = 100) {
        let (tool, path) = if service == "radarr" { ("radarr_movies", "/movie") } else { ("sonarr_series", "/series") };
        hangs(&house, service, path).await;
        let (error, took) = failure(&kit, tool, "{}").await;
        assert!(error.contains("did not answer") && took < SOON, "{service}: {error} after {took:?}");
        house.town.mend(service).await;
        let slow = Switch {
            fault: Some(Fault::Slow { ms: 300 }),
            times: None,
            path: Some("/system/status".into()),
            service: Some(service.into()),
        };
        house.town.switch(slow).await;
        assert!(ask(&kit, &format!("{service}_status"), "{}").await.is_ok(), "{service}: others have their own time");
        house.town.mend(service).await;
    }
    for (service, kit) in kits!(house, release_timeout_ms = 100) {
        let arguments = if service == "radarr" { r#"{"movie_id":1}"# } else { r#"{"series_id":1,"season_number":1}"# };
        hangs(&house, service, "/release").await;
        let (error, took) = failure(&kit, &format!("{service}_releases"), arguments).await;
        assert!(error.contains("did not answer") && took < SOON, "{service}: {error} after {took:?}");
        house.town.mend(service).await;
    }
}

#[tokio::test]
async fn a_search_is_followed_as_long_and_looked_at_as_often_as_the_settings_say() {
    let house = House::new().await;
    for service in [house.town.radarr("default"), house.town.sonarr("default")] {
        service.pace(ServarrPace { command_ms: 600_000, ..ServarrPace::default() });
    }
    let number = house.told("radarr_movies", &json!({"tmdb_id": CALIGARI})).await["movie_id"].clone();
    let arguments = |service: &str| match service {
        "radarr" => ("radarr_search_movies", json!({"movie_ids": [number]})),
        _ => ("sonarr_search_series", json!({"series_id": 1})),
    };
    for (poll_ms, looks) in [(10, 4..100), (60_000, 0..2)] {
        for (service, kit) in kits!(house, command_wait_ms = 400, poll_ms = poll_ms) {
            house.town.forget();
            let (tool, arguments) = arguments(service);
            let begun = Instant::now();
            let output =
                ask(&kit, tool, &arguments.to_string()).await.unwrap_or_else(|error| panic!("{tool}: {error}"));
            assert!((Duration::from_millis(350)..SOON).contains(&begun.elapsed()), "{tool}: {:?}", begun.elapsed());
            assert!(output.text.contains("still"), "{tool}: {}", output.text);
            let all = house.town.requests_to(service);
            let number_of = all.iter().filter(|one| one.method == "GET" && one.path.contains("/command/")).count();
            assert!(looks.contains(&number_of), "{tool} with {poll_ms}: {number_of}");
        }
    }
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_the_setting_allows() {
    let house = House::new().await;
    for (service, kit) in kits!(house, at_once = 1) {
        house.town.fault(service, Fault::Slow { ms: 60 }).await;
        let begun = Instant::now();
        let names = ["status", "health", "disk_space"].map(|name| format!("{service}_{name}"));
        let answers = futures_util::future::join_all(names.iter().map(|name| ask(&kit, name, "{}"))).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert!(begun.elapsed() >= Duration::from_millis(180), "one after the other: {:?}", begun.elapsed());
        house.town.mend(service).await;
    }
}

#[tokio::test]
async fn answers_are_reused_as_long_as_the_settings_say() {
    let house = House::new().await;
    for (age_s, times) in [(600, 1), (0, 2)] {
        for (service, kit) in kits!(house, age_s = age_s) {
            house.town.forget();
            let (tool, path) =
                if service == "radarr" { ("radarr_movies", "/movie") } else { ("sonarr_series", "/series") };
            for _ in 0..2 {
                ask(&kit, tool, "{}").await.unwrap();
            }
            assert_eq!(asked(&house, service, path), times, "{tool} with {age_s}");
        }
        for (service, kit) in kits!(house, reference_age_s = age_s) {
            house.town.forget();
            for _ in 0..2 {
                ask(&kit, &format!("{service}_quality_profiles"), "{}").await.unwrap();
            }
            assert_eq!(asked(&house, service, "/qualityprofile"), times, "{service} with {age_s}");
        }
    }
}

#[tokio::test]
async fn what_is_added_goes_where_the_settings_say_and_what_they_name_has_to_be_there() {
    let house = House::new().await;
    let adds = [
        ("radarr", "radarr_add", json!({"tmdb_id": SUNRISE})),
        ("sonarr", "sonarr_add", json!({"tvdb_id": 9_300_004})),
    ];
    for (set, wanted) in [
        (kits!(house, quality_profile = Some("Cinema".into())), "HD-720p"),
        (kits!(house, quality_profile = Some("SD".into()), root_folder = Some("/elsewhere".into())), "/"),
    ] {
        for ((service, kit), (_, tool, arguments)) in set.into_iter().zip(&adds) {
            let error = ask(&kit, tool, &arguments.to_string()).await.unwrap_err().to_string();
            assert!(error.contains(wanted), "{service}: {error}");
        }
    }
    for ((service, kit), (_, tool, arguments)) in
        kits!(house, quality_profile = Some("SD".into())).into_iter().zip(&adds)
    {
        house.town.forget();
        ask(&kit, tool, &arguments.to_string()).await.unwrap_or_else(|error| panic!("{tool}: {error}"));
        let all = house.town.requests_to(service);
        let added = all.iter().find(|one| one.method == "POST" && !one.path.ends_with("/command")).expect("an add");
        assert_eq!(added.body["qualityProfileId"], 2, "{tool}: {}", added.body);
    }
}

#[tokio::test]
async fn a_film_counts_as_out_when_the_setting_says_unless_the_call_says_otherwise() {
    let house = House::new().await;
    let (url, key) = (house.town.radarr_url("default"), house.standin().key().to_owned());
    let sent = |tmdb: u64| {
        let all = house.town.requests_to("radarr");
        let add = all.iter().find(|one| one.method == "POST" && one.body["tmdbId"] == tmdb);
        add.map(|one| one.body["minimumAvailability"].clone()).unwrap_or_default()
    };
    let films = [(SUNRISE, json!("announced")), (9_000_004, json!("inCinemas")), (9_000_005, json!("released"))];
    for (tmdb, wanted) in films {
        let set: crate::radarr::Instance =
            serde_json::from_value(json!({ "minimum_availability": match wanted.as_str() {
                Some("inCinemas") => "in_cinemas",
                Some(other) => other,
                None => unreachable!(),
            }}))
            .unwrap();
        let kit = radarr_kit(&url, &key, |one| one.minimum_availability = set.minimum_availability);
        ask(&kit, "radarr_add", &json!({"tmdb_id": tmdb}).to_string()).await.unwrap();
        assert_eq!(sent(tmdb), wanted);
    }
    let kit = radarr_kit(&url, &key, |_| {});
    let there = told(&ask(&kit, "radarr_add", &json!({"tmdb_id": METROPOLIS}).to_string()).await.unwrap());
    assert_eq!(there["already_exists"], Value::Bool(true));
}
