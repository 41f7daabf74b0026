//! Plex, Radarr and Sonarr in every way a service can be ill, through the real program: a sentence that says so and never an empty
//! list, an end in time, nothing sent twice, and everything as before once it is well again.

use crate::harness::{PATIENCE, Setting, Stage};
use futures_util::{StreamExt, stream};
use majordomo_standins::{Fault, Switch};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What a call may take at most. Seconds.
const TIMEOUT: u64 = 2;

/// Each with one of its reads.
const SERVICES: [(&str, &str); 3] = [("plex", "plex_sections"), ("radarr", "radarr_queue"), ("sonarr", "sonarr_queue")];

fn ills() -> Vec<(&'static str, Fault)> {
    let status = |code| Fault::Status { code, retry_after: None };
    vec![
        ("refusing", Fault::Refuse),
        ("hanging up", Fault::HangUp),
        ("hanging before the answer", Fault::Hang),
        ("hanging after the head", Fault::SilenceAfter { bytes: 0 }),
        ("hanging in the middle", Fault::SilenceAfter { bytes: 40 }),
        ("broken off", Fault::CutAfter { bytes: 40 }),
        ("sending round in circles", Fault::RedirectLoop),
        ("wanting another key", status(401)),
        ("in conflict", status(409)),
        ("overrun", Fault::Status { code: 429, retry_after: Some(3_600) }),
        ("broken", status(500)),
        ("under repair", status(503)),
        ("hidden behind a web page", Fault::Html),
        ("half", Fault::HalfJson),
        ("of another shape", Fault::OtherShape),
        ("of a hundred megabytes", Fault::Huge { bytes: 100 << 20 }),
        ("of a byte a second", Fault::Trickle { bytes_per_second: 1 }),
    ]
}

async fn stage() -> Stage {
    let limits = |toolkit: &str| format!("{toolkit} = {{ timeout_ms = {} }}\n", TIMEOUT * 1_000);
    let rules = ["radarr_refresh", "sonarr_refresh"]
        .map(|tool| format!("[[rules]]\ntool = \"{tool}\"\ndecision = \"allow\"\n"))
        .concat();
    let settings = format!(
        "[engine.tools]\n{}{}{}{}{}{rules}",
        limits("plex"),
        limits("radarr"),
        limits("sonarr"),
        limits("radarr_refresh"),
        limits("sonarr_refresh"),
    );
    Stage::with(Setting {
        settings,
        has_media: true,
        variables: vec![("MAJORDOMO_ENGINE__COOL_DOWN_SECONDS", "1".into())],
        ..Setting::default()
    })
    .await
}

async fn asks(stage: &Stage, tool: &str, arguments: Value) -> (Value, Duration) {
    let begun = Instant::now();
    let (status, answer) = stage.post(&format!("/api/tools/{tool}"), arguments).await;
    assert_eq!(status, StatusCode::OK, "{tool}: {answer}");
    (answer, begun.elapsed())
}

/// Until a read works again: the pause of a service that failed is over.
async fn is_well(stage: &Stage, tool: &str) {
    let begun = Instant::now();
    while asks(stage, tool, json!({})).await.0["is_error"] != false {
        assert!(begun.elapsed() < PATIENCE, "{tool} does not recover: {}", asks(stage, tool, json!({})).await.0);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What is not as it should be, and how long the longest read took. Each illness meets a house of its own: a service that failed
/// several times in a row is left alone for a while.
async fn suffers(service: &'static str, read: &str, ill: &str, fault: Fault) -> (Vec<String>, Duration) {
    let stage = stage().await;
    let mut problems = Vec::new();
    if service != "plex" {
        let (thing, path) = (if service == "radarr" { "movie_id" } else { "series_id" }, Some("/command".to_owned()));
        let switch = Switch { fault: Some(fault.clone()), times: None, path, service: Some(service.to_owned()) };
        stage.town.switch(switch).await;
        let (answer, _) = asks(&stage, &format!("{service}_refresh"), json!({ thing: 1 })).await;
        stage.town.mend(service).await;
        let asked = stage.town.requests_to(service);
        let tries = asked.iter().filter(|asked| asked.method == "POST" && asked.path.ends_with("/command")).count();
        if answer["is_error"] != true || tries > 1 {
            problems.push(format!("{service} {ill}: a change was sent {tries} times: {answer}"));
        }
    }
    stage.town.fault(service, fault).await;
    let (answer, took) = asks(&stage, read, json!({})).await;
    let text = answer["text"].as_str().unwrap_or_default();
    let is_sentence = text.len() > 15 && text.len() < 400 && !text.contains('{');
    // Where a service is concerns those who run it; they find it in the log.
    let has_place = text.contains("127.0.0.1");
    if answer["is_error"] != true || !text.to_lowercase().contains(service) || !is_sentence || has_place {
        problems.push(format!("{service} {ill}: {answer}"));
    }
    // The neighbours notice nothing.
    for (other, tool) in SERVICES.iter().filter(|(other, _)| *other != service) {
        let (answer, _) = asks(&stage, tool, json!({})).await;
        if answer["is_error"] != false {
            problems.push(format!("{other} while {service} is {ill}: {answer}"));
        }
    }
    if stage.log().contains("panic") {
        problems.push(format!("{service} {ill}: {}", stage.log()));
    }
    (problems, took)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ill_service_is_named_in_a_sentence_others_go_on_and_nothing_is_sent_twice() {
    let cases = SERVICES.into_iter().flat_map(|service| ills().into_iter().map(move |ill| (service, ill)));
    let seen: Vec<_> = stream::iter(cases)
        .map(async |((service, read), (ill, fault))| suffers(service, read, ill, fault).await)
        .buffer_unordered(4)
        .collect()
        .await;
    let longest = seen.iter().map(|(_, took)| *took).max().unwrap_or_default();
    eprintln!("{} cases; the longest read took {longest:?}, its limit is {TIMEOUT} s", seen.len());
    let problems: Vec<String> = seen.into_iter().flat_map(|(problems, _)| problems).collect();
    assert!(problems.is_empty(), "{}: {problems:#?}", problems.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_house_starts_while_everything_else_is_down() {
    let mut stage = stage().await;
    for (service, ..) in SERVICES {
        stage.town.fault(service, Fault::Refuse).await;
    }
    stage.restart().await;
    let (health, _) = asks(&stage, "media_health", json!({})).await;
    let health: Value = serde_json::from_str(health["text"].as_str().unwrap()).unwrap();
    assert_eq!(health["state"], "degraded", "{health}");
    for (service, tool) in SERVICES {
        stage.town.mend(service).await;
        is_well(&stage, tool).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_catalogue_away_the_answer_says_so_and_names_no_film() {
    let stage = Stage::new().await;
    let talk = stage.conversation().await;
    stage.town.fault("tmdb", Fault::Refuse).await;
    let answer = stage.ask(&talk, "what's trending this week?").await;
    assert!(answer.contains("TMDb"), "the service that could not be asked is named: {answer}");
    let messages = stage.messages(&talk).await;
    let parts: Vec<&Value> = messages.iter().flat_map(|message| message["parts"].as_array().unwrap()).collect();
    assert!(parts.iter().any(|part| part["is_error"] == true), "the call did not work: {parts:#?}");
    assert!(
        parts.iter().all(|part| part["cards"].as_array().is_none_or(Vec::is_empty)),
        "nothing is shown: {parts:#?}"
    );
    stage.town.mend("tmdb").await;
    let begun = Instant::now();
    let films = loop {
        let (films, _) = asks(&stage, "tmdb_trending", json!({"media_type": "movie"})).await;
        if films["is_error"] == false {
            break films;
        }
        assert!(begun.elapsed() < PATIENCE, "{films}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let films: Value = serde_json::from_str(films["text"].as_str().unwrap()).unwrap();
    for film in films["results"].as_array().unwrap() {
        let title = film["title"].as_str().unwrap();
        assert!(!answer.contains(title), "{title} is not known while nobody can be asked: {answer}");
    }
}
