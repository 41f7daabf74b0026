//! Every TVmaze tool: the request sent, what is told, and what each failure says.

use super::{Config, Tvmaze, toolkit};
use crate::testing::{Bench, Case, ask, check_against_description, requests, told, upstream};
use majordomo_domain::{ToolError, Toolkit};
use majordomo_upstream::{
    Url,
    testing::{Answer, TestServer},
};
use serde_json::Value;

fn over(base_url: Url) -> Toolkit {
    // The rate limit is TVmaze's; a server on loopback has none.
    let config = Config { base_url, per_ten_seconds: 1_000, ..Config::default() };
    let tvmaze = Tvmaze::new(&config, &upstream());
    toolkit(&config, tvmaze)
}

pub(crate) fn fixture(name: &str) -> String {
    let path = format!("{}/src/tvmaze/fixtures/tvmaze-{name}-v1.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn nothing(good: &Value) -> Answer {
    match good {
        Value::Array(_) => Answer::json_text("[]"),
        _ => Answer::json_text(r#"{"name":"Not Found","message":"","code":0,"status":404}"#).status(404),
    }
}

const BENCH: Bench = Bench { toolkit: over, fixture, nothing, cases: CASES };

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { tool: "tvmaze_search", arguments: r#"{"query":"under the dome"}"#, answers: &[("/search/shows", "search-shows")] },
    Case { tool: "tvmaze_single", arguments: r#"{"query":"under the dom"}"#, answers: &[("/singlesearch/shows", "show-with-nextepisode")] },
    Case { tool: "tvmaze_lookup", arguments: r#"{"imdb":"tt1553656"}"#, answers: &[("/lookup/shows", "show")] },
    Case { tool: "tvmaze_people", arguments: r#"{"query":"mike vogel"}"#, answers: &[("/search/people", "search-people")] },
    Case { tool: "tvmaze_show", arguments: r#"{"show_id":1}"#, answers: &[("/shows/1", "show-with-nextepisode")] },
    Case { tool: "tvmaze_next_episode", arguments: r#"{"name":"under the dome"}"#, answers: &[("/singlesearch/shows", "show-with-nextepisode")] },
    Case { tool: "tvmaze_episodes", arguments: r#"{"show_id":1,"season":1,"specials":true}"#, answers: &[("/shows/1/episodes", "episodes")] },
    Case { tool: "tvmaze_episode", arguments: r#"{"show_id":1,"season":1,"number":1}"#, answers: &[("/shows/1/episodebynumber", "episodebynumber")] },
    Case { tool: "tvmaze_episodes_on", arguments: r#"{"show_id":1,"date":"2013-06-24"}"#, answers: &[("/shows/1/episodesbydate", "episodesbydate")] },
    Case { tool: "tvmaze_seasons", arguments: r#"{"show_id":1}"#, answers: &[("/shows/1/seasons", "seasons")] },
    Case { tool: "tvmaze_cast", arguments: r#"{"show_id":1}"#, answers: &[("/shows/1/cast", "cast")] },
    Case { tool: "tvmaze_schedule", arguments: r#"{"country":"us","date":"2026-11-21"}"#, answers: &[("/schedule", "schedule")] },
    Case { tool: "tvmaze_schedule_web", arguments: r#"{"country":"","limit":1}"#, answers: &[("/schedule/web", "schedule-web")] },
];

#[tokio::test]
async fn every_tool_sends_what_tvmaze_understands_and_tells_what_came_back() {
    BENCH.covers_every_tool();
    let requests = BENCH.good_answers().await;
    check_against_description(&requests, "tvmaze.openapi.json", "", &[]);
}

#[tokio::test]
async fn nothing_found_is_an_answer() {
    BENCH.nothing_found(&[]).await;
}

#[tokio::test]
async fn a_refusal_is_not_an_empty_list() {
    BENCH.failing(&Answer::json_text(r#"{"status":403}"#).status(403), "it refused").await;
}

#[tokio::test]
async fn a_login_page_is_not_an_empty_list() {
    BENCH.failing(&Answer::html("<html><title>Log in</title></html>"), "web page").await;
}

#[tokio::test]
async fn a_404_page_of_something_else_is_not_nothing_found() {
    BENCH.failing(&Answer::html("<html>404</html>").status(404), "").await;
}

#[tokio::test]
async fn an_unreachable_service_is_said_to_be_one() {
    BENCH.unreachable().await;
}

#[tokio::test]
async fn a_lookup_follows_the_redirect_to_the_show() {
    let server = TestServer::start().await;
    server.on("GET", "/lookup/shows", Answer::json_text("").status(301).header("location", "/shows/1"));
    server.on("GET", "/shows/1", Answer::json_text(fixture("show")));
    let output = ask(&over(server.url()), "tvmaze_lookup", r#"{"thetvdb":264492}"#).await.unwrap();
    assert_eq!(told(&output)["name"], "Under the Dome");
    assert_eq!(requests(&server), ["GET /lookup/shows?thetvdb=264492", "GET /shows/1"]);
}

#[tokio::test]
async fn a_series_without_a_next_episode_says_so() {
    let server = TestServer::start().await;
    server.on("GET", "/shows/1", Answer::json_text(fixture("show")));
    let output = ask(&over(server.url()), "tvmaze_next_episode", r#"{"show_id":1}"#).await.unwrap();
    assert_eq!(told(&output)["note"], "no next episode is announced");
}

#[tokio::test]
async fn being_rate_limited_is_said() {
    let server = TestServer::start().await;
    server.on("GET", "/shows/1", Answer::json_text("{}").status(429).header("retry-after", "0"));
    let error = ask(&over(server.url()), "tvmaze_show", r#"{"show_id":1}"#).await.unwrap_err();
    assert!(error.to_string().contains("rate limited"), "{error}");
}

#[tokio::test]
async fn bad_arguments_are_told_to_the_model_and_nothing_is_asked() {
    let server = TestServer::start().await;
    let toolkit = over(server.url());
    for (name, arguments, expected) in [
        ("tvmaze_search", r#"{"query":""}"#, "the search text is empty"),
        ("tvmaze_lookup", r#"{"imdb":"nm1"}"#, "imdb is not an id"),
        ("tvmaze_lookup", r#"{}"#, "give either imdb or thetvdb"),
        ("tvmaze_episodes_on", r#"{"show_id":1,"date":"tomorrow"}"#, "not a date"),
        ("tvmaze_schedule", r#"{"country":"Great Britain"}"#, "country is not a code"),
        ("tvmaze_next_episode", r#"{}"#, "give the name"),
        ("tvmaze_show", r#"{"show_id":1,"embed":["everything"]}"#, "arguments not understood"),
    ] {
        match ask(&toolkit, name, arguments).await {
            Err(ToolError::TellModel(text)) => assert!(text.contains(expected), "{name} {arguments}: {text}"),
            other => panic!("{name} {arguments}: {other:?}"),
        }
    }
    assert!(server.asked().is_empty());
}
