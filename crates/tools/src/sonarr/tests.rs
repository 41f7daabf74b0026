//! Sonarr's own tools: requests sent, what is told, and what each failure says.

use super::{Config, Instance, instances, toolkit};
use crate::testing::{Bench, Case, ask, check_against_description, tool, upstream};
use majordomo_domain::{Secret, Toolkit};
use majordomo_upstream::{Url, testing::Answer};
use serde_json::{Value, json};

mod flows;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn over(base_url: Url) -> Toolkit {
    with(base_url, |_| {})
}

/// Without those it shares with Radarr, which have their own tests.
fn own(base_url: Url) -> Toolkit {
    let mut kit = over(base_url);
    kit.tools.retain(|tool| OWN.contains(&tool.name));
    kit
}

fn with(base_url: Url, change: impl Fn(&mut Instance)) -> Toolkit {
    let mut instance = Instance {
        base_url: Some(base_url),
        api_key: Secret::new(KEY),
        poll_ms: 10,
        age_s: 0,
        reference_age_s: 0,
        ..Instance::default()
    };
    change(&mut instance);
    let config = Config([("default".to_owned(), instance)].into());
    assert_eq!(config.fault(), None);
    let instances = instances(&config, &upstream());
    toolkit(&config, instances)
}

fn fixture(name: &str) -> String {
    let path = format!("{}/src/sonarr/fixtures/sonarr-{name}-v3.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn nothing(good: &Value) -> Answer {
    match good {
        Value::Array(_) => Answer::json_text("[]"),
        _ => Answer::json_text(r#"{"message":"NotFound"}"#).status(404),
    }
}

const BENCH: Bench = Bench { toolkit: reading, fixture, nothing, cases: CASES };

/// Only what changes nothing.
fn reading(base_url: Url) -> Toolkit {
    let mut kit = own(base_url);
    kit.tools.retain(|tool| tool.effect == majordomo_domain::Effect::Read);
    kit
}

#[rustfmt::skip]
const OWN: &[&str] = &[
    "sonarr_lookup", "sonarr_series", "sonarr_series_details", "sonarr_series_summary", "sonarr_series_history", "sonarr_add",
    "sonarr_update", "sonarr_edit_many", "sonarr_delete", "sonarr_delete_many", "sonarr_season_details", "sonarr_season_monitor",
    "sonarr_add_seasons", "sonarr_episodes", "sonarr_episode", "sonarr_episodes_monitor", "sonarr_episode_file", "sonarr_files",
    "sonarr_file_delete", "sonarr_search_series", "sonarr_search_season", "sonarr_search_episodes",
    "sonarr_episode_fallback_search", "sonarr_quality_fallback",
];

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { tool: "sonarr_lookup", arguments: r#"{"term":"Dragnet (1967)"}"#, answers: &[("/api/v3/series/lookup", "lookup")] },
    Case { tool: "sonarr_series", arguments: r#"{"missing":true}"#, answers: &[("/api/v3/series", "series-list")] },
    Case { tool: "sonarr_series_details", arguments: r#"{"series_id":3}"#, answers: &[("/api/v3/series/3", "series"), ("/api/v3/qualityprofile", "profiles"), ("/api/v3/tag", "tags")] },
    Case { tool: "sonarr_series_summary", arguments: r#"{"series_id":3}"#, answers: &[("/api/v3/series/3", "series"), ("/api/v3/episode", "episodes")] },
    Case { tool: "sonarr_series_history", arguments: r#"{"series_id":3,"season_number":2,"event":null}"#, answers: &[("/api/v3/history/series", "history-series")] },
    Case { tool: "sonarr_season_details", arguments: r#"{"series_id":3,"season_number":2}"#, answers: &[("/api/v3/series/3", "series"), ("/api/v3/episode", "episodes-season-2")] },
    Case { tool: "sonarr_episodes", arguments: r#"{"series_id":3,"which":"missing"}"#, answers: &[("/api/v3/episode", "episodes")] },
    Case { tool: "sonarr_episode", arguments: r#"{"episode_id":321}"#, answers: &[("/api/v3/episode/321", "episode"), ("/api/v3/series/3", "series")] },
    Case { tool: "sonarr_episode_file", arguments: r#"{"episode_id":321}"#, answers: &[("/api/v3/episode/321", "episode"), ("/api/v3/episodefile/511", "episode-file")] },
    Case { tool: "sonarr_files", arguments: r#"{"series_id":3,"limit":2}"#, answers: &[("/api/v3/episodefile", "episode-files")] },
];

#[tokio::test]
async fn each_reading_tool_sends_what_sonarr_understands_and_tells_what_it_said() {
    BENCH.covers_every_tool();
    let requests = BENCH.good_answers().await;
    check_against_description(&requests, "sonarr-v3.openapi.json", "", &[]);
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    BENCH.nothing_found(&[]).await;
}

#[tokio::test]
async fn a_failure_is_never_an_empty_list() {
    BENCH.failing(&Answer::json_text("").status(401), "it refused the key; check tools.sonarr.default.api_key").await;
    BENCH.failing(&Answer::html("<html>Sign in</html>"), "this address returns a web page, not the API").await;
    BENCH.failing(&Answer::json_text("not json").status(500), "it failed").await;
    BENCH.unreachable().await;
}

#[tokio::test]
async fn an_unknown_instance_is_refused_by_name() {
    let kit = over(Url::parse("http://127.0.0.1:9/").unwrap());
    let error = ask(&kit, "sonarr_get_series", r#"{"instance":"4k"}"#).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no Sonarr instance “4k”; there are: default");
    assert_eq!(tool(&kit, "sonarr_series").parse(r#"{"instance":"4k"}"#).unwrap().instance(), "4k");
}

/// Every optional argument may be null, and the arguments of the systems this one replaces are understood.
#[test]
fn arguments_of_other_systems_and_nulls_are_understood() {
    let kit = over(Url::parse("http://127.0.0.1:9/").unwrap());
    for (name, arguments) in [
        (
            "sonarr_add_series",
            json!({"tvdb_id": 1, "quality_profile_id": 4, "root_folder_path": "/series", "monitored": true,
            "search_for_missing": true, "season_folder": true, "seasons_to_monitor": [1], "episodes_to_monitor": [1], "monitor_new_episodes": true}),
        ),
        (
            "sonarr_update_series",
            json!({"series_id": 3, "update_data": {"qualityProfileId": 6, "monitorNewItems": "none"}}),
        ),
        ("sonarr_delete_series", json!({"series_id": 3, "delete_files": true, "add_import_list_exclusion": true})),
        ("sonarr_get_series", json!({"series_id": 3})),
        ("sonarr_get_episodes", json!({"series_id": 3, "episode_ids": [1, 2]})),
        ("sonarr_monitor_episodes", json!({"episode_ids": [1, 2], "monitored": true})),
        ("sonarr_monitor_season", json!({"series_id": 3, "season_number": 1, "monitored": true})),
        ("sonarr_monitor_episodes_by_season", json!({"series_id": 3, "season_number": 1, "monitored": true})),
        ("sonarr_search_series", json!({"series_id": 3})),
        ("sonarr_search_missing", json!({})),
        ("sonarr_search_season", json!({"series_id": 3, "season_number": 1})),
        ("sonarr_search_episode", json!({"episode_id": 1})),
        ("sonarr_search_episodes", json!({"episode_ids": [1]})),
        ("sonarr_get_series_summary", json!({"series_id": 3})),
        ("sonarr_get_season_summary", json!({"series_id": 3, "season_number": 1})),
        ("sonarr_get_season_details", json!({"series_id": 3, "season_number": 1})),
        ("sonarr_get_episode_file_info", json!({"episode_id": 3})),
        (
            "sonarr_episode_fallback_search",
            json!({"series_id": 3, "season_number": 1, "series_title": "Dragnet", "target_episodes": [1]}),
        ),
        (
            "sonarr_quality_fallback",
            json!({"series_id": 3, "target_quality": "HD-1080p", "fallback_qualities": ["HD-720p"]}),
        ),
    ] {
        let found = tool(&kit, name);
        let understood = found.parse(&arguments.to_string());
        assert!(understood.is_ok(), "{name}: {:?}", understood.err());
        let mut with_nulls = arguments.clone();
        let properties = found.spec.schema["properties"].as_object().unwrap();
        let required = found.spec.schema["required"].as_array().cloned().unwrap_or_default();
        for optional in properties.keys().filter(|name| !required.contains(&json!(name))) {
            // Under one of its other names it is there already.
            let mut tried = with_nulls.clone();
            tried[optional] = Value::Null;
            if found.parse(&tried.to_string()).is_ok() {
                with_nulls = tried;
            } else {
                let error = found.parse(&tried.to_string()).err().unwrap().to_string();
                assert!(error.contains("duplicate field"), "{name}: {error}");
            }
        }
    }
}
