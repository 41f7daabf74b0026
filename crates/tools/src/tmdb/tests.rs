//! Every TMDb tool: the request sent, what is told, and what each failure says.

use super::{Config, Tmdb, toolkit};
use crate::testing::{Bench, Case, ask, check_against_description, requests, told, upstream};
use majordomo_domain::{Secret, ToolError, Toolkit};
use majordomo_upstream::{
    Url,
    testing::{Answer, TestServer},
};
use serde_json::{Value, json};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn over(base_url: Url) -> Toolkit {
    with(base_url, "eyJhbGciOiJIUzI1NiJ9.test")
}

fn with(base_url: Url, key: &str) -> Toolkit {
    let config = Config {
        image_base_url: base_url.join("images").unwrap(),
        base_url,
        api_key: Secret::new(key),
        ..Config::default()
    };
    assert_eq!(config.fault(), None);
    let tmdb = Tmdb::new(&config, &upstream());
    toolkit(&config, tmdb)
}

fn fixture(name: &str) -> String {
    let path = format!("{}/src/tmdb/fixtures/tmdb-{name}-v3.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn not_found() -> Answer {
    let text =
        r#"{"success":false,"status_code":34,"status_message":"The resource you requested could not be found."}"#;
    Answer::json_text(text).status(404)
}

fn empty() -> Answer {
    Answer::json_text(r#"{"page":1,"results":[],"total_pages":1,"total_results":0}"#)
}

fn nothing(good: &Value) -> Answer {
    if good["total_results"].is_u64() {
        empty()
    } else if good["movie_results"].is_array() {
        Answer::json_text(
            r#"{"movie_results":[],"person_results":[],"tv_results":[],"tv_episode_results":[],"tv_season_results":[]}"#,
        )
    } else {
        not_found()
    }
}

const BENCH: Bench = Bench { toolkit: over, fixture, nothing, cases: CASES };

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { tool: "tmdb_search_multi", arguments: r#"{"query":"star wars"}"#, answers: &[("/search/multi", "search-multi")] },
    Case { tool: "tmdb_search_movies", arguments: r#"{"query":"Fight Club (1999)","include_details":false}"#, answers: &[("/search/movie", "search-movie")] },
    Case { tool: "tmdb_search_tv", arguments: r#"{"query":"Game of Thrones","first_air_date_year":2011,"response_level":"standard"}"#, answers: &[("/search/tv", "search-tv")] },
    Case { tool: "tmdb_search_people", arguments: r#"{"query":"tom hanks"}"#, answers: &[("/search/person", "search-person")] },
    Case { tool: "tmdb_search_collections", arguments: r#"{"query":"avengers"}"#, answers: &[("/search/collection", "search-collection")] },
    Case { tool: "tmdb_search_keywords", arguments: r#"{"query":"lost"}"#, answers: &[("/search/keyword", "search-keyword")] },
    Case { tool: "tmdb_search_companies", arguments: r#"{"query":"HBO"}"#, answers: &[("/search/company", "search-company")] },
    Case { tool: "tmdb_find", arguments: r#"{"external_id":"tt17663992"}"#, answers: &[("/find/tt17663992", "find")] },
    Case { tool: "tmdb_details", arguments: r#"{"item_id":11,"media_type":"movie"}"#, answers: &[("/movie/11", "movie-with-parts")] },
    Case { tool: "tmdb_movie_details", arguments: r#"{"movie_id":11,"append_to_response":"credits,videos"}"#, answers: &[("/movie/11", "movie-with-parts")] },
    Case { tool: "tmdb_tv_details", arguments: r#"{"tv_id":1399}"#, answers: &[("/tv/1399", "tv-with-parts")] },
    Case { tool: "tmdb_season", arguments: r#"{"tv_id":1399,"season_number":1}"#, answers: &[("/tv/1399/season/1", "season")] },
    Case { tool: "tmdb_episode", arguments: r#"{"tv_id":1399,"season_number":1,"episode_number":1}"#, answers: &[("/tv/1399/season/1/episode/1", "episode")] },
    Case { tool: "tmdb_person", arguments: r#"{"person_id":31}"#, answers: &[("/person/31", "person-with-parts")] },
    Case { tool: "tmdb_collection", arguments: r#"{"collection_id":10,"response_level":"minimal"}"#, answers: &[("/collection/10", "collection")] },
    Case { tool: "tmdb_movie_credits", arguments: r#"{"movie_id":550}"#, answers: &[("/movie/550/credits", "movie-credits")] },
    Case { tool: "tmdb_tv_credits", arguments: r#"{"tv_id":1399}"#, answers: &[("/tv/1399/aggregate_credits", "tv-aggregate-credits")] },
    Case { tool: "tmdb_person_credits", arguments: r#"{"person_id":31,"limit":3}"#, answers: &[("/person/31/combined_credits", "person-combined-credits")] },
    Case { tool: "tmdb_external_ids", arguments: r#"{"item_id":1399,"media_type":"tv"}"#, answers: &[("/tv/1399/external_ids", "tv-external-ids")] },
    Case { tool: "tmdb_release_dates", arguments: r#"{"movie_id":550,"region":"DE"}"#, answers: &[("/movie/550/release_dates", "movie-release-dates")] },
    Case { tool: "tmdb_content_ratings", arguments: r#"{"tv_id":1399}"#, answers: &[("/tv/1399/content_ratings", "tv-content-ratings")] },
    Case { tool: "tmdb_watch_providers", arguments: r#"{"item_id":550}"#, answers: &[("/movie/550/watch/providers", "movie-watch-providers")] },
    Case { tool: "tmdb_videos", arguments: r#"{"item_id":550}"#, answers: &[("/movie/550/videos", "movie-videos")] },
    Case { tool: "tmdb_images", arguments: r#"{"item_id":550}"#, answers: &[("/movie/550/images", "movie-images")] },
    Case { tool: "tmdb_reviews", arguments: r#"{"item_id":550}"#, answers: &[("/movie/550/reviews", "movie-reviews")] },
    Case { tool: "tmdb_keywords", arguments: r#"{"item_id":1399,"media_type":"tv"}"#, answers: &[("/tv/1399/keywords", "tv-keywords")] },
    Case { tool: "tmdb_recommendations", arguments: r#"{"item_id":1399,"media_type":"tv"}"#, answers: &[("/tv/1399/recommendations", "tv-recommendations")] },
    Case { tool: "tmdb_similar", arguments: r#"{"item_id":550,"limit":2}"#, answers: &[("/movie/550/similar", "movie-similar")] },
    Case { tool: "tmdb_trending", arguments: r#"{}"#, answers: &[("/trending/all/week", "trending-all-week")] },
    Case { tool: "tmdb_popular", arguments: r#"{"media_type":"tv","limit":1}"#, answers: &[("/tv/popular", "tv-popular")] },
    Case { tool: "tmdb_popular_movies", arguments: r#"{}"#, answers: &[("/movie/popular", "movie-popular")] },
    Case { tool: "tmdb_popular_tv", arguments: r#"{}"#, answers: &[("/tv/popular", "tv-popular")] },
    Case { tool: "tmdb_popular_people", arguments: r#"{}"#, answers: &[("/person/popular", "person-popular")] },
    Case { tool: "tmdb_top_rated", arguments: r#"{"media_type":"movie"}"#, answers: &[("/movie/top_rated", "movie-top-rated")] },
    Case { tool: "tmdb_top_rated_movies", arguments: r#"{"page":2}"#, answers: &[("/movie/top_rated", "movie-top-rated")] },
    Case { tool: "tmdb_top_rated_tv", arguments: r#"{}"#, answers: &[("/tv/top_rated", "tv-top-rated")] },
    Case { tool: "tmdb_upcoming", arguments: r#"{"region":"de","language":"de-DE"}"#, answers: &[("/movie/upcoming", "movie-upcoming")] },
    Case { tool: "tmdb_now_playing", arguments: r#"{}"#, answers: &[("/movie/now_playing", "movie-now-playing")] },
    Case { tool: "tmdb_airing_today", arguments: r#"{"timezone":"Europe/Berlin"}"#, answers: &[("/tv/airing_today", "tv-airing-today")] },
    Case { tool: "tmdb_on_the_air", arguments: r#"{}"#, answers: &[("/tv/on_the_air", "tv-on-the-air")] },
    Case { tool: "tmdb_keyword_movies", arguments: r#"{"keyword_id":1701}"#, answers: &[("/keyword/1701/movies", "keyword-movies")] },
    Case { tool: "tmdb_discovery_suite", arguments: r#"{"discovery_types":["popular","discover"],"media_type":"movie","limit":1,"filters":{"with_genres":["Comedy"]}}"#, answers: &[("/movie/popular", "movie-popular"), ("/discover/movie", "discover-movie")] },
    Case { tool: "tmdb_discover", arguments: r#"{"year":1999,"min_rating":7,"genres":["Sci-Fi"]}"#, answers: &[("/discover/movie", "discover-movie")] },
    Case { tool: "tmdb_discover_movies", arguments: r#"{"sort_by":"vote_average.desc","with_genres":["Comedy",10751],"without_genres":"horror","with_cast":[31,"500"],"with_crew":[1],"with_keywords":"818|9715","with_runtime_lte":110,"with_original_language":"en","certification_lte":"PG","with_watch_providers":[8],"with_watch_monetization_types":["flatrate","free"],"date_gte":"1990-01-01"}"#, answers: &[("/discover/movie", "discover-movie")] },
    Case { tool: "tmdb_discover_tv", arguments: r#"{"first_air_date_year":2011,"with_genres":["science fiction"],"with_networks":[49],"with_status":[3],"vote_average_gte":8,"any_of":true}"#, answers: &[("/discover/tv", "discover-tv")] },
    Case { tool: "tmdb_genres", arguments: r#"{}"#, answers: &[("/genre/movie/list", "genre-movie-list")] },
    Case { tool: "tmdb_certifications", arguments: r#"{"country":"DE"}"#, answers: &[("/certification/movie/list", "certification-movie-list")] },
    Case { tool: "tmdb_provider_list", arguments: r#"{}"#, answers: &[("/watch/providers/movie", "watch-providers-movie")] },
    Case { tool: "tmdb_configuration", arguments: r#"{}"#, answers: &[("/configuration", "configuration")] },
];

/// These always have an answer; a 404 means that this is not TMDb.
const ALWAYS: [&str; 6] = [
    "tmdb_genres",
    "tmdb_certifications",
    "tmdb_provider_list",
    "tmdb_configuration",
    // Says it for each of its lists.
    "tmdb_discovery_suite",
    // Says it in numbers: a person or series may have none.
    "tmdb_reviews",
];

#[tokio::test]
async fn every_tool_sends_what_tmdb_understands_and_tells_what_came_back() {
    BENCH.covers_every_tool();
    let requests = BENCH.good_answers().await;
    check_against_description(&requests, "tmdb-v3.openapi.json", "/3", &[]);
}

#[tokio::test]
async fn nothing_found_is_an_answer() {
    BENCH.nothing_found(&ALWAYS).await;
}

#[tokio::test]
async fn a_refused_key_is_said_to_be_one() {
    let text =
        r#"{"success":false,"status_code":7,"status_message":"Invalid API key: You must be granted a valid key."}"#;
    BENCH.failing(&Answer::json_text(text).status(401), "refused the key; check tools.tmdb.api_key").await;
}

#[tokio::test]
async fn a_login_page_is_not_an_empty_list() {
    BENCH.failing(&Answer::html("<html><title>Log in</title></html>"), "web page").await;
}

#[tokio::test]
async fn another_services_404_is_not_nothing_found() {
    BENCH.failing(&Answer::json_text(r#"{"message":"no route"}"#).status(404), "check tools.tmdb.base_url").await;
}

#[tokio::test]
async fn an_unreachable_service_is_said_to_be_one() {
    BENCH.unreachable().await;
}

#[tokio::test]
async fn rate_limits_and_bad_pages_are_told_apart() {
    let server = TestServer::start().await;
    server.on(
        "GET",
        "/movie/popular",
        Answer::json_text(r#"{"status_code":25}"#).status(429).header("retry-after", "0"),
    );
    let text =
        r#"{"success":false,"status_code":22,"status_message":"Invalid page: Pages start at 1 and max at 500."}"#;
    server.on("GET", "/tv/popular", Answer::json_text(text).status(400));
    let toolkit = over(server.url());
    let error = ask(&toolkit, "tmdb_popular_movies", "{}").await.unwrap_err();
    assert!(error.to_string().contains("rate limited"), "{error}");
    let error = ask(&toolkit, "tmdb_popular_tv", r#"{"page":500}"#).await.unwrap_err();
    assert_eq!(error.to_string(), "TMDb refused the arguments: Invalid page: Pages start at 1 and max at 500.");
    let error = ask(&toolkit, "tmdb_popular_tv", r#"{"page":501}"#).await.unwrap_err();
    assert_eq!(error, ToolError::TellModel("page is 501, it may be 1 to 500".into()));
}

#[tokio::test]
async fn a_failure_on_the_first_attempt_is_repeated_and_succeeds() {
    let server = TestServer::start().await;
    server.on("GET", "/movie/popular", Answer::json_text("").status(502));
    server.on("GET", "/movie/popular", Answer::json_text(fixture("movie-popular")));
    let output = ask(&over(server.url()), "tmdb_popular_movies", "{}").await.unwrap();
    assert_eq!(told(&output)["results"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_shape_of_the_key_decides_how_it_is_sent() {
    let server = TestServer::start().await;
    server.on("GET", "/configuration", Answer::json_text(fixture("configuration")));
    for key in [KEY, "eyJhbGciOiJIUzI1NiJ9.test"] {
        let toolkit = with(server.url(), key);
        assert_eq!(toolkit.probe.as_ref().unwrap()().await.unwrap(), "TMDb answers and takes the key");
    }
    let asked = server.asked();
    assert_eq!(asked[0].query, [("api_key".to_owned(), KEY.to_owned())]);
    assert_eq!(asked[0].header("authorization"), None);
    assert!(asked[1].query.is_empty());
    assert_eq!(asked[1].header("authorization"), Some("Bearer eyJhbGciOiJIUzI1NiJ9.test"));

    server.on("GET", "/movie/popular", Answer::html("<html>"));
    let error = ask(&with(server.url(), KEY), "tmdb_popular_movies", "{}").await.unwrap_err();
    assert!(!error.to_string().contains(KEY), "{error}");
}

#[tokio::test]
async fn minimal_holds_five_fields() {
    let server = TestServer::start().await;
    server.on("GET", "/search/movie", Answer::json_text(fixture("search-movie")));
    let arguments = r#"{"query":"fight club","response_level":"minimal"}"#;
    let output = ask(&over(server.url()), "tmdb_search", arguments).await.unwrap();
    assert_eq!(
        told(&output)["results"][0],
        json!({"id":550,"media_type":"movie","title":"Fight Club","date":"1999-10-15","vote_average":8.4})
    );
    assert_eq!(requests(&server).len(), 1);
}

#[tokio::test]
async fn search_adds_details_to_the_first_results_only_and_survives_one_failing() {
    let server = TestServer::start().await;
    server.on("GET", "/search/movie", Answer::json_text(fixture("search-movie")));
    server.on("GET", "/movie/550", Answer::json_text(fixture("movie")));
    let output = ask(&over(server.url()), "tmdb_search", r#"{"query":"fight club"}"#).await.unwrap();
    let results = &told(&output)["results"];
    assert_eq!(results[0]["runtime"], 121);
    assert_eq!(results[0]["imdb_id"], "tt0076759");
    assert_eq!(results[1]["runtime"], Value::Null);
    assert_eq!(requests(&server).len(), 3);

    let server = TestServer::start().await;
    server.on("GET", "/search/movie", Answer::json_text(fixture("search-movie")));
    server.on("GET", "/movie/550", Answer::json_text(fixture("movie")));
    ask(&over(server.url()), "tmdb_search", r#"{"query":"fight club","max_details":1}"#).await.unwrap();
    assert_eq!(requests(&server).len(), 2);
}

#[tokio::test]
async fn an_empty_search_is_repeated_in_simpler_words_before_giving_up() {
    let server = TestServer::start().await;
    server.on("GET", "/search/movie", empty());
    server.on("GET", "/search/person", Answer::json_text(fixture("search-person")));
    let arguments = r#"{"query":"Dr. Mabuse: Der Spieler (1922)"}"#;
    let output = ask(&over(server.url()), "tmdb_search", arguments).await.unwrap();
    let mut texts: Vec<String> = server
        .asked()
        .iter()
        .map(|asked| {
            let of = |name: &str| asked.query.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value).to_owned();
            format!("{} {} {}", asked.path, of("query"), of("year")).trim().to_owned()
        })
        .collect();
    // Only the first one is waited for.
    texts[1..].sort();
    assert_eq!(
        texts,
        [
            "/search/movie Dr. Mabuse: Der Spieler 1922",
            "/search/movie Dr Mabuse Der Spieler",
            "/search/movie Dr. Mabuse",
            "/search/movie Dr. Mabuse: Der Spieler",
            "/search/person Dr. Mabuse: Der Spieler",
        ]
    );
    assert_eq!(told(&output)["note"], "no title matches; these people do");
    assert_eq!(told(&output)["results"][0]["media_type"], "person");
}

#[tokio::test]
async fn an_empty_search_takes_no_longer_than_two_requests() {
    const ONE: std::time::Duration = std::time::Duration::from_millis(300);
    let server = TestServer::start().await;
    for path in ["/search/movie", "/search/person", "/search/multi"] {
        server.on("GET", path, empty().delayed(ONE));
    }
    for tool in ["tmdb_search", "tmdb_search_multi"] {
        let toolkit = over(server.url());
        let (begun, before) = (std::time::Instant::now(), server.asked().len());
        let output = ask(&toolkit, tool, r#"{"query":"Dr. Mabuse: Der Spieler (1922)"}"#).await.unwrap();
        let (took, asked) = (begun.elapsed(), server.asked().len() - before);
        assert_eq!(told(&output)["total_results"], 0);
        assert!(asked >= 4, "{tool}: {asked} forms of the text are tried");
        assert!(took < ONE * 3, "{tool}: {asked} requests took {took:?}");
    }
}

#[tokio::test]
async fn a_year_at_the_end_of_a_search_for_anything_is_compared() {
    let server = TestServer::start().await;
    server.on("GET", "/search/multi", Answer::json_text(fixture("search-multi")));
    let output = ask(&over(server.url()), "search_tool", r#"{"query":"Star Wars 1977"}"#).await.unwrap();
    assert_eq!(requests(&server), ["GET /search/multi?query=Star Wars&include_adult=false&language=en-US"]);
    let told = told(&output);
    assert_eq!(told["movies"].as_array().unwrap().len(), 1);
    assert_eq!(told["movies"][0]["title"], "Star Wars");
    assert_eq!((&told["shows"], &told["people"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn several_ids_are_one_call_and_each_answers_for_itself() {
    let server = TestServer::start().await;
    server.on("GET", "/movie/550/watch/providers", Answer::json_text(fixture("movie-watch-providers")));
    server.on("GET", "/movie/11/watch/providers", not_found());
    server.on("GET", "/movie/12/watch/providers", Answer::html("<html>"));
    let toolkit = over(server.url());
    let output = ask(&toolkit, "tmdb_watch_providers_movie", r#"{"movie_id":[550,11,12,550]}"#).await.unwrap();
    let results = told(&output)["results"].clone();
    assert_eq!(results.as_array().unwrap().len(), 3);
    assert_eq!((&results[0]["credit"], &results[0]["id"]), (&json!("JustWatch"), &json!(550)));
    assert_eq!(results[1], json!({"id":11,"note":"nothing found"}));
    assert!(results[2]["error"].as_str().unwrap().contains("web page"), "{results}");

    let error = ask(&toolkit, "tmdb_details", r#"{"item_id":[1,2,3,4,5,6,7,8,9,10,11]}"#).await.unwrap_err();
    assert_eq!(error, ToolError::TellModel("give 1 to 10 ids, not 11".into()));
}

#[tokio::test]
async fn many_at_level_standard_tell_age_rating_and_streaming() {
    let server = TestServer::start().await;
    server.on("GET", "/movie/11", Answer::json_text(fixture("movie-with-parts")));
    let arguments = r#"{"item_id":[11],"response_level":"standard"}"#;
    let told = told(&ask(&over(server.url()), "tmdb_details", arguments).await.unwrap());
    assert_eq!(requests(&server), ["GET /movie/11?language=en-US&append_to_response=release_dates,watch/providers"]);
    assert_eq!((&told["certification"], &told["runtime"]), (&json!("R"), &json!(121)));
    assert_eq!(told["watch"]["flatrate"], json!(["fuboTV", "Hulu"]));
    assert_eq!(told.get("cast"), None);
}

#[tokio::test]
async fn several_texts_are_one_call_and_each_answers_for_itself() {
    let server = TestServer::start().await;
    server.on("GET", "/search/multi", Answer::json_text(fixture("search-multi")));
    let output = ask(&over(server.url()), "search_tool", r#"{"query":["Star Wars","Papi","  "]}"#).await.unwrap();
    let searches = told(&output)["searches"].clone();
    assert_eq!((&searches[0]["query"], &searches[1]["query"]), (&json!("Star Wars"), &json!("Papi")));
    assert_eq!(searches[0]["movies"].as_array().unwrap().len(), 2);
    assert_eq!(searches[2]["error"], "the search text is empty");
    assert_eq!(requests(&server).len(), 2);
}

#[tokio::test]
async fn several_seasons_are_one_request() {
    let server = TestServer::start().await;
    server.on("GET", "/tv/1399", Answer::json_text(fixture("tv-with-seasons")));
    let output = ask(&over(server.url()), "tmdb_season", r#"{"tv_id":1399,"season_number":[1,9]}"#).await.unwrap();
    assert_eq!(requests(&server), ["GET /tv/1399?language=en-US&append_to_response=season/1,season/9"]);
    let told = told(&output);
    assert_eq!(told["seasons"][0]["episodes"][0]["name"], "Winter Is Coming");
    assert_eq!(told["seasons"][1], json!({"season_number":9,"note":"no such season"}));
}

#[tokio::test]
async fn names_from_the_systems_this_one_replaces_answer_with_their_own_arguments() {
    let cases = [
        ("search_tmdb", r#"{"query":"star wars","limit":20}"#, "/search/multi", "search-multi"),
        ("get_media_details", r#"{"item_id":31,"media_type":"person"}"#, "/person/31", "person-with-parts"),
        (
            "get_trending_media",
            r#"{"time_window":"day","include_type":"movie","limit":5}"#,
            "/trending/movie/day",
            "trending-all-week",
        ),
        ("get_popular_media", r#"{"media_type":"movie","limit":5}"#, "/movie/popular", "movie-popular"),
        ("get_top_rated_media", r#"{"media_type":"tv","limit":5}"#, "/tv/top_rated", "tv-top-rated"),
        ("get_upcoming_movies", r#"{"limit":5}"#, "/movie/upcoming", "movie-upcoming"),
        ("get_on_the_air_tv", r#"{"limit":5}"#, "/tv/on_the_air", "tv-on-the-air"),
        (
            "get_similar_media",
            r#"{"item_id":550,"media_type":"movie","limit":15}"#,
            "/movie/550/similar",
            "movie-similar",
        ),
        (
            "get_recommendations",
            r#"{"item_id":1399,"media_type":"tv","limit":15}"#,
            "/tv/1399/recommendations",
            "tv-recommendations",
        ),
        (
            "discover_with_filters",
            r#"{"media_type":"tv","min_rating":0,"max_rating":10,"year":2011,"genres":"Drama","limit":20}"#,
            "/discover/tv",
            "discover-tv",
        ),
        (
            "find_by_external_id",
            r#"{"external_id":"tt17663992","external_source":"imdb_id"}"#,
            "/find/tt17663992",
            "find",
        ),
        (
            "tmdb_search_person",
            r#"{"query":"tom hanks","page":1,"language":"en-US"}"#,
            "/search/person",
            "search-person",
        ),
        ("tmdb_similar_movies", r#"{"movie_id":550}"#, "/movie/550/similar", "movie-similar"),
        ("tmdb_similar_tv", r#"{"tv_id":1399}"#, "/tv/1399/similar", "tv-recommendations"),
        ("tmdb_recommendations", r#"{"tmdb_id":550}"#, "/movie/550/recommendations", "movie-similar"),
        ("tmdb_watch_providers_tv", r#"{"tv_id":1399}"#, "/tv/1399/watch/providers", "tv-watch-providers"),
        ("tmdb_collection_details", r#"{"collection_id":10}"#, "/collection/10", "collection"),
        ("tmdb_now_playing_movies", r#"{}"#, "/movie/now_playing", "movie-now-playing"),
        ("tmdb_upcoming_movies", r#"{}"#, "/movie/upcoming", "movie-upcoming"),
        ("tmdb_on_the_air_tv", r#"{}"#, "/tv/on_the_air", "tv-on-the-air"),
        ("tmdb_airing_today_tv", r#"{}"#, "/tv/airing_today", "tv-airing-today"),
        ("tmdb_provider_list", r#"{"list":"regions"}"#, "/watch/providers/regions", "watch-providers-regions"),
        ("tmdb_configuration", r#"{"part":"countries"}"#, "/configuration/countries", "configuration-countries"),
        ("tmdb_configuration", r#"{"part":"languages"}"#, "/configuration/languages", "configuration-languages"),
        (
            "tmdb_person_credits",
            r#"{"person_id":31,"media_type":"movie"}"#,
            "/person/31/movie_credits",
            "person-movie-credits",
        ),
    ];
    let mut all = Vec::new();
    for (name, arguments, path, file) in cases {
        let server = TestServer::start().await;
        server.on("GET", path, Answer::json_text(fixture(file)));
        let output = ask(&over(server.url()), name, arguments).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(output.text.len() > 30, "{name}: {}", output.text);
        all.extend(requests(&server));
    }
    check_against_description(&all, "tmdb-v3.openapi.json", "/3", &[]);
    let discover = all.iter().find(|request| request.starts_with("GET /discover/tv")).unwrap();
    assert_eq!(
        discover,
        "GET /discover/tv?language=en-US&include_adult=false&sort_by=vote_average.desc&vote_count.gte=100&first_air_date_year=2011&with_genres=18"
    );
}

#[tokio::test]
async fn one_list_of_a_suite_may_fail_alone_but_not_all() {
    let server = TestServer::start().await;
    server.on("GET", "/movie/popular", Answer::json_text(fixture("movie-popular")));
    server.on("GET", "/tv/popular", Answer::html("<html>"));
    let toolkit = over(server.url());
    let arguments = r#"{"discovery_types":["popular"]}"#;
    let answer = told(&ask(&toolkit, "tmdb_discovery_suite", arguments).await.unwrap());
    assert_eq!(answer["summary"], json!({"lists":2,"answered":1,"failed":1}));
    assert!(answer["results"]["popular_tv"]["error"].as_str().unwrap().contains("web page"));
    assert_eq!(answer["results"]["popular_movies"].as_array().unwrap().len(), 2);

    let arguments = r#"{"discovery_types":["discover"],"with_genres":["Drama"],"with_runtime_lte":110}"#;
    ask(&toolkit, "tmdb_discovery_suite", arguments).await.unwrap_err();
    assert!(requests(&server).iter().any(|r| r.contains("/discover/movie?") && r.contains("with_runtime.lte=110")));
}

#[tokio::test]
async fn trending_takes_every_kind_and_both_windows_and_genres_are_of_films_or_series() {
    let server = TestServer::start().await;
    let toolkit = over(server.url());
    for kind in ["all", "movie", "tv", "person"] {
        for window in ["day", "week"] {
            let path = format!("/trending/{kind}/{window}");
            server.on("GET", &path, Answer::json_text(fixture("trending-all-week")));
            let arguments = json!({"media_type": kind, "time_window": window}).to_string();
            ask(&toolkit, "tmdb_trending", &arguments).await.unwrap_or_else(|error| panic!("{arguments}: {error}"));
            let asked = requests(&server);
            assert!(asked.iter().any(|line| line.starts_with(&format!("GET {path}?"))), "{path}: {asked:?}");
        }
    }
    for kind in ["movie", "tv"] {
        let path = format!("/genre/{kind}/list");
        server.on("GET", &path, Answer::json_text(fixture("genre-movie-list")));
        ask(&toolkit, "tmdb_genres", &json!({"media_type": kind}).to_string()).await.unwrap();
        let asked = requests(&server);
        assert!(asked.iter().any(|line| line.starts_with(&format!("GET {path}?"))), "{path}: {asked:?}");
    }
}

#[tokio::test]
async fn an_id_of_tvdb_is_found_too_and_an_unknown_one_is_no_failure() {
    let server = TestServer::start().await;
    server.on("GET", "/find/121361", Answer::json_text(fixture("find")));
    let none =
        r#"{"movie_results":[],"person_results":[],"tv_results":[],"tv_episode_results":[],"tv_season_results":[]}"#;
    server.on("GET", "/find/tt0000000", Answer::json_text(none));
    let toolkit = over(server.url());
    let found = ask(&toolkit, "tmdb_find", r#"{"external_id":"121361","external_source":"tvdb_id"}"#).await.unwrap();
    assert!(found.text.contains("\"id\""), "{}", found.text);
    assert!(requests(&server)[0].contains("external_source=tvdb_id"), "{:?}", requests(&server));
    let none = told(&ask(&toolkit, "find_id_tool", r#"{"external_id":"tt0000000"}"#).await.unwrap());
    assert_eq!(none["total_results"], 0, "{none}");
}

#[tokio::test]
async fn the_lists_of_a_suite_are_asked_for_side_by_side() {
    const ONE: std::time::Duration = std::time::Duration::from_millis(300);
    let server = TestServer::start().await;
    for path in ["/movie/popular", "/movie/top_rated", "/tv/popular", "/tv/top_rated"] {
        server.on("GET", path, Answer::json_text(fixture("movie-popular")).delayed(ONE));
    }
    let toolkit = over(server.url());
    let arguments = r#"{"discovery_types":["popular","top_rated"]}"#;
    let begun = std::time::Instant::now();
    let answer = told(&ask(&toolkit, "tmdb_discovery_suite", arguments).await.unwrap());
    let took = begun.elapsed();
    assert_eq!(answer["summary"]["answered"], 4, "{answer}");
    assert!(took < ONE * 3, "four lists took {took:?}");
}

#[tokio::test]
async fn bad_arguments_are_told_to_the_model_and_nothing_is_asked() {
    let server = TestServer::start().await;
    let toolkit = over(server.url());
    for (name, arguments, expected) in [
        ("tmdb_search", r#"{"query":" \u200b "}"#, "the search text is empty"),
        ("tmdb_search", r#"{"query":"x","yeer":1999}"#, "unknown field `yeer`"),
        ("tmdb_search", r#"{"query":"x","language":"english"}"#, "not a language"),
        ("tmdb_details", r#"{"item_id":0}"#, "above 0"),
        ("tmdb_details", r#"{"item_id":-1}"#, "a TMDb id is a whole number above 0, or a list of up to 10 of them"),
        ("tmdb_details", r#"{"item_id":1e3}"#, "a TMDb id is a whole number above 0, or a list of up to 10 of them"),
        (
            "tmdb_details",
            r#"{"item_id":[1,"x"]}"#,
            "a TMDb id is a whole number above 0, or a list of up to 10 of them",
        ),
        ("tmdb_similar", r#"{"movie_id":{}}"#, "a TMDb id is a whole number above 0, or a list of up to 10 of them"),
        ("tmdb_search_multi", r#"{"query":7}"#, "query is a text, or a list of up to 8 texts"),
        ("tmdb_season", r#"{"tv_id":1,"season_number":-1}"#, "season_number is a whole number, 0 or more, or a list"),
        ("tmdb_discover_movies", r#"{"with_genres":[1.5]}"#, "this takes a number, a text such as 18,35 or 18|35"),
        ("tmdb_find", r#"{"external_id":true}"#, "this takes a number, a text"),
        ("tmdb_details", r#"{"item_id":9223372036854775808}"#, "above 0"),
        ("tmdb_details", r#"{}"#, "missing field `item_id`"),
        ("tmdb_similar", r#"{}"#, "give item_id"),
        (
            "tmdb_movie_details",
            r#"{"movie_id":1,"append_to_response":"credits,../../3/account"}"#,
            "cannot be appended",
        ),
        ("tmdb_find", r#"{"external_id":"../configuration"}"#, "is not an external id"),
        ("tmdb_discover_movies", r#"{"with_genres":["Sauerkraut"]}"#, "is not a genre of films; there are: Action"),
        ("tmdb_discover_tv", r#"{"with_genres":["Horror"]}"#, "is not a genre of series"),
        ("tmdb_discover_movies", r#"{"sort_by":"id; drop"}"#, "use one of popularity"),
        ("tmdb_discover_movies", r#"{"date_gte":"last week"}"#, "date_gte is not a date"),
        ("tmdb_discover_movies", r#"{"with_cast":["Tom Hanks"]}"#, "takes up to 30 ids"),
        ("tmdb_discover_movies", r#"{"vote_average_gte":11}"#, "it may be 0 to 10"),
        ("tmdb_watch_providers", r#"{"item_id":1,"region":"Germany"}"#, "not a country code"),
        ("tmdb_popular", r#"{"limit":-1}"#, "expected a whole number, 0 or more"),
        ("tmdb_popular", r#"{"limit":"many"}"#, "expected a whole number"),
        ("tmdb_popular", r#"{"limit":61}"#, "limit is 61, it may be 1 to 60"),
        ("tmdb_airing_today", r#"{"timezone":"Berlin"}"#, "not an IANA name"),
    ] {
        match ask(&toolkit, name, arguments).await {
            Err(ToolError::TellModel(text)) => {
                assert!(text.contains(expected), "{name} {arguments}: {text}");
                for word in ["untagged", "enum", "struct", "variant of", "u32", "u64", "usize", "f64"] {
                    assert!(!text.contains(word), "{name} {arguments}: {text}");
                }
            }
            other => panic!("{name} {arguments}: {other:?}"),
        }
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn texts_of_strangers_are_cleaned_and_capped() {
    let hidden: String = "delete".chars().map(|c| char::from_u32(0xe0000 + c as u32).unwrap()).collect();
    let server = TestServer::start().await;
    let item = json!({
        "id": 1, "title": format!("A\u{1b}[31m\u{0}{hidden} film"), "overview": "word ".repeat(500),
        "release_date": "", "poster_path": "/../../secret.jpg", "vote_average": 0, "genre_ids": [18, 999],
    });
    let page = json!({ "page": 1, "results": [item], "total_pages": 900, "total_results": 1 });
    server.on("GET", "/movie/popular", Answer::json(&page));
    let output = ask(&over(server.url()), "tmdb_popular_movies", "{}").await.unwrap();
    let told = told(&output);
    assert_eq!(told["results"][0]["title"], "A[31m film");
    assert!(told["results"][0]["overview"].as_str().unwrap().chars().count() <= 300);
    assert_eq!(told["total_pages"], 500);
    assert_eq!(told["results"][0].get("date"), None);
    assert_eq!(output.cards[0].picture, None);
    assert_eq!(output.cards[0].subtitle, "Film · Drama");
}

#[tokio::test]
async fn pictures_are_fetched_by_size_and_file_and_by_nothing_else() {
    let server = TestServer::start().await;
    server.on("GET", "/images/w342/abc-1.jpg", Answer::bytes("image/jpeg", vec![1, 2, 3]));
    server.on("GET", "/images/w342/metropolis.svg", Answer::bytes("image/svg+xml; charset=utf-8", "<svg/>"));
    server.on("GET", "/images/w342/page.jpg", Answer::html("<html>"));
    let toolkit = over(server.url());
    let fetch = toolkit.pictures.clone().unwrap();
    let picture = fetch("w342/abc-1.jpg".into()).await.unwrap();
    assert_eq!((picture.media_type.as_str(), picture.bytes.as_slice()), ("image/jpeg", [1, 2, 3].as_slice()));
    assert_eq!(fetch("w342/metropolis.svg".into()).await.unwrap().media_type, "image/svg+xml");
    assert!(matches!(fetch("w342/page.jpg".into()).await, Err(ToolError::CouldNotAsk { .. })));
    assert!(matches!(fetch("w342/unknown.jpg".into()).await, Err(ToolError::TellModel(_))));
    let before = server.asked().len();
    for name in [
        "w343/abc.jpg",
        "original/abc.jpg",
        "abc.jpg",
        "w342/../w342/abc.jpg",
        "w342/a/b.jpg",
        "w342/a.jpg?x=1",
        "w342/.jpg",
        "w342/a.html",
        "w342/%2e.jpg",
    ] {
        assert!(matches!(fetch(name.into()).await, Err(ToolError::TellModel(_))), "{name}");
    }
    assert_eq!(server.asked().len(), before);
}
