//! What is on today, with both services, with either, and with neither answering.

use super::{Media, toolkit};
use crate::{
    testing::{ask, requests, told, upstream},
    tmdb::{self, Tmdb},
    tvmaze::{self, Tvmaze},
};
use majordomo_domain::{Secret, ToolError, Toolkit};
use majordomo_upstream::testing::{Answer, TestServer};

fn fixture(folder: &str, name: &str) -> String {
    let path = format!("{}/src/{folder}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

struct Town {
    tmdb: TestServer,
    tvmaze: TestServer,
}

impl Town {
    async fn start() -> Self {
        Self { tmdb: TestServer::start().await, tvmaze: TestServer::start().await }
    }

    fn toolkit(&self, with_tmdb: bool) -> Toolkit {
        let upstream = upstream();
        let config = tmdb::Config {
            base_url: self.tmdb.url(),
            api_key: Secret::new("eyJhbGciOiJIUzI1NiJ9.test"),
            ..tmdb::Config::default()
        };
        let tmdb = with_tmdb.then(|| Tmdb::new(&config, &upstream));
        let config =
            tvmaze::Config { base_url: self.tvmaze.url(), per_ten_seconds: 1_000, ..tvmaze::Config::default() };
        toolkit(Media { tmdb, tvmaze: Some(Tvmaze::new(&config, &upstream)), ..Media::default() })
    }

    fn tmdb_answers(&self) -> &Self {
        self.tmdb.on("GET", "/tv/airing_today", Answer::json_text(fixture("tmdb", "tmdb-tv-airing-today-v3")));
        self
    }

    fn tvmaze_answers(&self) -> &Self {
        self.tvmaze.on("GET", "/schedule", Answer::json_text(fixture("tvmaze", "tvmaze-schedule-v1")));
        self.tvmaze.on("GET", "/singlesearch/shows", Answer::json_text("null").status(404));
        self
    }
}

#[tokio::test]
async fn todays_series_come_with_network_and_next_episode() {
    let town = Town::start().await;
    town.tmdb_answers().tvmaze_answers();
    let output = ask(&town.toolkit(true), "airing_today_tool", r#"{"limit":20}"#).await.unwrap();
    assert_eq!(requests(&town.tmdb), ["GET /tv/airing_today?language=en-US"]);
    let asked = requests(&town.tvmaze);
    assert_eq!(asked[0], "GET /schedule?country=US");
    assert!(
        asked[1].starts_with("GET /singlesearch/shows?q=") && asked[1].ends_with("&embed=nextepisode"),
        "{asked:?}"
    );
    let cards: Vec<String> = output.cards.iter().map(|card| serde_json::to_string(card).unwrap()).collect();
    insta::assert_snapshot!("media_airing_today", format!("{:#}\n\n{}", told(&output), cards.join("\n")));
}

#[tokio::test]
async fn a_show_the_schedule_lacks_is_looked_up_by_name() {
    let town = Town::start().await;
    town.tmdb_answers();
    town.tvmaze.on("GET", "/schedule", Answer::json_text("[]"));
    let show = fixture("tvmaze", "tvmaze-show-with-nextepisode-v1")
        .replace("Under the Dome", "Dirty Linen")
        .replace("2013-06-24", "2023-01-23");
    town.tvmaze.on("GET", "/singlesearch/shows", Answer::json_text(show));
    let results = told(&ask(&town.toolkit(true), "get_airing_today", "{}").await.unwrap())["results"].clone();
    assert_eq!(results[0]["title"], "Dirty Linen");
    assert_eq!(results[0]["network"], "CBS (US)");
    assert_eq!(results[0]["next_episode"]["airdate"], "2026-11-26");
    // The same answer for another title is not taken for it.
    assert_eq!(results[1].get("network"), None);
}

#[tokio::test]
async fn either_service_may_be_missing_and_it_is_said() {
    let town = Town::start().await;
    town.tmdb_answers();
    town.tvmaze.on("GET", "/schedule", Answer::html("<html>"));
    let answer = told(&ask(&town.toolkit(true), "media_airing_today", "{}").await.unwrap());
    assert_eq!(answer["results"].as_array().unwrap().len(), 2);
    assert!(answer["note"].as_str().unwrap().contains("could not ask TVmaze"), "{answer}");

    let town = Town::start().await;
    town.tmdb.on("GET", "/tv/airing_today", Answer::json_text(r#"{"status_code":7}"#).status(401));
    town.tvmaze_answers();
    let answer = told(&ask(&town.toolkit(true), "media_airing_today", "{}").await.unwrap());
    assert_eq!(answer["results"][0]["show"], "Under the Dome");
    assert!(answer["note"].as_str().unwrap().contains("refused the key"), "{answer}");

    let town = Town::start().await;
    town.tvmaze_answers();
    let answer = told(&ask(&town.toolkit(false), "media_airing_today", r#"{"limit":1}"#).await.unwrap());
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);

    let town = Town::start().await;
    town.tmdb.on("GET", "/tv/airing_today", Answer::json_text(r#"{"status_code":7}"#).status(401));
    town.tvmaze.on("GET", "/schedule", Answer::html("<html>"));
    let error = ask(&town.toolkit(true), "media_airing_today", "{}").await.unwrap_err();
    assert!(matches!(error, ToolError::CouldNotAsk { .. }), "{error:?}");
}
