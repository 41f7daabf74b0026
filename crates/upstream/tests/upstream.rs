//! What a neighbour gets from `upstream`, asked through its public doors against a server on loopback.

use futures_util::{StreamExt, future::join_all};
use majordomo_domain::{PersonId, Secret, ToolError};
use majordomo_upstream::{
    BodyKind, Config, Credential, EventParser, Method, Scope, ServerEvent, Service, ServiceLimits, ServiceSpec,
    Upstream, UpstreamError, Url, retry_after,
    testing::{Answer, TestServer},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

const KEY: &str = "s3cret-key-0123456789";

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn quick() -> Upstream {
    let config = Config { backoff: millis(1), longest_wait: millis(20), ..Config::default() };
    Upstream::new(config).expect("a client")
}

fn limits() -> ServiceLimits {
    ServiceLimits { breaker_failures: 0, ..ServiceLimits::default() }
}

fn at(upstream: &Upstream, base_url: Url, limits: ServiceLimits) -> Service {
    let credential = Credential::Query { name: "api_key", value: Secret::new(KEY) };
    upstream.service(ServiceSpec { name: "films".into(), base_url, credential, limits })
}

fn door(server: &TestServer, limits: ServiceLimits) -> Service {
    at(&quick(), server.url(), limits)
}

fn ok() -> Answer {
    Answer::json(&json!({"ok": true}))
}

fn failing(status: u16) -> Answer {
    Answer::json(&json!({"message": "no"})).status(status)
}

async fn get(service: &Service) -> Result<Arc<Value>, UpstreamError> {
    service.get("x", &[]).await
}

#[tokio::test]
async fn a_failure_at_the_first_attempt_is_retried_and_succeeds() {
    for status in [408, 429, 502, 503, 504] {
        let server = TestServer::start().await;
        server.on("GET", "/x", failing(status)).on("GET", "/x", ok());
        assert_eq!(*get(&door(&server, limits())).await.unwrap(), json!({"ok": true}), "{status}");
        assert_eq!(server.asked().len(), 2);
    }
    let server = TestServer::start().await;
    server.on("GET", "/x", ok().then_break()).on("GET", "/x", ok());
    assert!(get(&door(&server, limits())).await.is_ok(), "a cut connection is retried too");
}

#[tokio::test]
async fn retries_are_bounded_and_other_refusals_are_not_retried() {
    let server = TestServer::start().await;
    server.on("GET", "/x", failing(503));
    assert!(matches!(get(&door(&server, limits())).await, Err(UpstreamError::Busy { status: 503, .. })));
    assert_eq!(server.asked().len(), 3);
    for status in [400, 401, 404, 409, 500] {
        let server = TestServer::start().await;
        server.on("GET", "/x", failing(status));
        assert!(get(&door(&server, limits())).await.is_err());
        assert_eq!(server.asked().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_change_is_never_repeated_and_never_hedged() {
    let server = TestServer::start().await;
    server.on("POST", "/x", failing(503)).on("PUT", "/x", ok().delayed(millis(30))).on(
        "DELETE",
        "/x",
        ok().then_break(),
    );
    let service = door(&server, ServiceLimits { hedge_after: Some(millis(1)), ..limits() });
    assert!(service.send(Method::POST, "x", &[], &json!({"a": 1})).await.is_err());
    assert!(service.send(Method::PUT, "x", &[], &json!({"a": 1})).await.is_ok());
    assert!(service.send(Method::DELETE, "x", &[], &Value::Null).await.is_err());
    let asked = server.asked();
    let methods: Vec<&str> = asked.iter().map(|asked| asked.method.as_str()).collect();
    assert_eq!(methods, ["POST", "PUT", "DELETE"]);
    assert_eq!(asked[0].json(), json!({"a": 1}));
    assert!(asked[2].body.is_empty(), "null is no body");
}

#[tokio::test]
async fn an_answer_without_a_body_is_null() {
    let server = TestServer::start().await;
    server.on("DELETE", "/x", Answer::bytes("text/plain", "").status(204));
    let answer = door(&server, limits()).send(Method::DELETE, "x", &[], &Value::Null).await;
    assert_eq!(answer.unwrap(), Value::Null);
}

#[tokio::test]
async fn a_wish_to_be_asked_tomorrow_is_clamped() {
    let server = TestServer::start().await;
    for wish in ["86400", "0.001", "-5", "soon", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        server.on("GET", "/x", failing(429).header("retry-after", wish));
    }
    server.on("GET", "/x", ok());
    let service = door(&server, ServiceLimits { retries: 5, ..limits() });
    let began = Instant::now();
    assert!(get(&service).await.is_ok());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn a_wait_past_the_deadline_is_not_begun() {
    let server = TestServer::start().await;
    server.on("GET", "/x", failing(429).header("retry-after", "8"));
    let upstream = Upstream::new(Config::default()).unwrap();
    let service = at(&upstream, server.url(), ServiceLimits { total_timeout: Duration::from_secs(5), ..limits() });
    let began = Instant::now();
    let error = get(&service).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(8)));
}

#[test]
fn every_form_of_retry_after_is_read() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
    assert_eq!(retry_after("0.5", now), Some(millis(500)));
    assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(Duration::from_secs(10)));
    assert_eq!(retry_after("Thu, 29 Feb 2024 00:00:00 GMT", SystemTime::UNIX_EPOCH).unwrap().as_secs(), 1_709_164_800);
    for nonsense in ["-5", "soon", "", "NaN", "inf", "Sun, 06 Nov 1993 08:49:37 GMT", "Sun, 99 Nov 2094 08:49:37 GMT"] {
        assert_eq!(retry_after(nonsense, now), None, "{nonsense}");
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_left_alone_and_tried_again_later() {
    let server = TestServer::start().await;
    for _ in 0..4 {
        server.on("GET", "/x", failing(500));
    }
    server.on("GET", "/x", ok());
    let open_for = Duration::from_secs(60);
    let service = door(&server, ServiceLimits { breaker_failures: 3, breaker_open_for: open_for, ..limits() });
    let wait = || async {
        tokio::time::pause();
        tokio::time::advance(open_for).await;
        tokio::time::resume();
    };
    for _ in 0..3 {
        assert!(matches!(get(&service).await, Err(UpstreamError::Failed { status: 500, .. })));
    }
    let error = get(&service).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Resting { .. }), "{error}");
    assert!(error.to_string().contains("3 times in a row"), "{error}");
    assert_eq!(server.asked().len(), 3, "not asked while it rests");
    wait().await;
    assert!(matches!(get(&service).await, Err(UpstreamError::Failed { .. })), "one trial");
    assert!(matches!(get(&service).await, Err(UpstreamError::Resting { .. })), "which failed");
    wait().await;
    assert!(get(&service).await.is_ok(), "the next trial succeeds");
    assert!(get(&service).await.is_ok(), "and it is asked again as before");
}

#[tokio::test]
async fn several_questions_at_once_all_pass_when_the_service_is_back() {
    let server = TestServer::start().await;
    server.on("GET", "/x", failing(500)).on("GET", "/x", ok().delayed(millis(20)));
    let open_for = Duration::from_secs(60);
    let service = door(&server, ServiceLimits { breaker_failures: 1, breaker_open_for: open_for, ..limits() });
    assert!(get(&service).await.is_err());
    tokio::time::pause();
    tokio::time::advance(open_for).await;
    tokio::time::resume();
    let answers = join_all((0..4).map(|_| get(&service))).await;
    assert!(answers.iter().all(Result::is_ok), "those beside the trial wait for it: {answers:?}");
    // Whoever tries and gives up leaves the trial to the next one.
    let server = TestServer::start().await;
    server.on("GET", "/x", failing(500)).on("GET", "/x", ok().then_silence()).on("GET", "/x", ok());
    let service = door(&server, ServiceLimits { breaker_failures: 1, breaker_open_for: Duration::ZERO, ..limits() });
    assert!(get(&service).await.is_err());
    let waits = async {
        assert!(tokio::time::timeout(millis(50), get(&service)).await.is_err());
        Ok(Arc::new(Value::Null))
    };
    let (gave_up, answer): (Result<Arc<Value>, UpstreamError>, _) = futures_util::join!(waits, get(&service));
    assert!(gave_up.is_ok() && answer.is_ok(), "{answer:?}");
}

#[tokio::test]
async fn refusals_and_missing_things_do_not_open_the_breaker() {
    let server = TestServer::start().await;
    server.on("GET", "/x", failing(404));
    let service = door(&server, ServiceLimits { breaker_failures: 1, ..limits() });
    for _ in 0..3 {
        assert!(matches!(get(&service).await, Err(UpstreamError::NotFound { .. })));
    }
}

#[tokio::test]
async fn a_hundred_equal_questions_are_asked_once() {
    let server = TestServer::start().await;
    server.on("GET", "/x", ok().delayed(millis(20)));
    let service = door(&server, limits());
    let query = [("b", "2".to_owned()), ("a", "1".to_owned())];
    let ask = || service.get_cached("x", &query, Duration::from_secs(60), &Scope::Household);
    let answers = join_all((0..100).map(|_| ask())).await;
    assert!(answers.iter().all(Result::is_ok));
    let turned = [("a", "1".to_owned()), ("b", "2".to_owned())];
    service.get_cached("x", &turned, Duration::from_secs(60), &Scope::Household).await.unwrap();
    assert_eq!(server.asked().len(), 1, "also when the query comes in another order");
}

#[tokio::test]
async fn what_was_fetched_for_one_person_is_not_shown_to_another() {
    let server = TestServer::start().await;
    server.on("GET", "/x", ok());
    let service = door(&server, limits());
    let scopes = [Scope::Household, Scope::Person(PersonId::new()), Scope::Person(PersonId::new())];
    for scope in scopes.iter().chain(&scopes) {
        service.get_cached("x", &[], Duration::from_secs(60), scope).await.unwrap();
    }
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn old_answers_are_asked_anew_and_failures_are_not_kept() {
    let server = TestServer::start().await;
    server.on("GET", "/x", failing(500)).on("GET", "/x", ok());
    let service = door(&server, limits());
    let ask = |age| service.get_cached("x", &[], age, &Scope::Household);
    assert!(ask(Duration::from_secs(60)).await.is_err());
    assert!(ask(Duration::from_secs(60)).await.is_ok());
    assert!(ask(Duration::from_secs(60)).await.is_ok());
    assert_eq!(server.asked().len(), 2);
    tokio::time::sleep(millis(5)).await;
    ask(millis(1)).await.unwrap();
    assert_eq!(server.asked().len(), 3, "a kept answer older than asked for is none");
}

#[tokio::test]
async fn a_web_page_is_not_taken_for_an_answer() {
    let server = TestServer::start().await;
    server
        .on("GET", "/x", Answer::html("<html>Sign in</html>"))
        .on("GET", "/lies", Answer::bytes("application/json", "  <!doctype html>"))
        .on("POST", "/x", Answer::html("<html>"));
    let service = door(&server, limits());
    for error in [
        get(&service).await.unwrap_err(),
        service.get("lies", &[]).await.unwrap_err(),
        service.send(Method::POST, "x", &[], &json!({})).await.unwrap_err(),
    ] {
        assert!(matches!(error, UpstreamError::NotAnApi { .. }), "{error}");
        assert!(error.to_string().ends_with("this address returns a web page, not the API"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_given_up() {
    let server = TestServer::start().await;
    let long = "x".repeat(100_000);
    server
        .on("GET", "/x", Answer::bytes("application/json", long.clone()))
        .on("GET", "/pieces", Answer::bytes("image/png", long).in_pieces(1_000))
        .on("GET", "/small", Answer::bytes("image/png; q=1", "png"));
    let service = door(&server, ServiceLimits { max_bytes: 10_000, ..limits() });
    assert!(matches!(get(&service).await, Err(UpstreamError::TooLarge { .. })));
    assert!(matches!(service.get_bytes("pieces", 5_000).await, Err(UpstreamError::TooLarge { .. })));
    let (media_type, bytes) = service.get_bytes("small", 5_000).await.unwrap();
    assert_eq!((media_type.as_str(), &bytes[..]), ("image/png", &b"png"[..]));
}

/// 30 MB of zeros in 195 kB: one deflate block with a zero and then matches of the greatest length, by hand because it needs
/// no compressor. Source: RFC 1951, 3.2.6.
fn bomb() -> Vec<u8> {
    // Final block, fixed codes: 0 is 00110000, a match of 258 bytes 11000101, distance one 00000, the end 0000000.
    let mut bits: Vec<bool> = vec![true, true, false];
    let code = |bits: &mut Vec<bool>, value: u32, length: u32| {
        bits.extend((0..length).rev().map(|place| value >> place & 1 == 1));
    };
    code(&mut bits, 0b0011_0000, 8);
    for _ in 0..120_000 {
        code(&mut bits, 0b1100_0101, 8);
        code(&mut bits, 0, 5);
    }
    code(&mut bits, 0, 7);
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.extend(
        bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |sum, (place, bit)| sum | u8::from(*bit) << place)),
    );
    gzip.extend([0; 8]);
    gzip
}

#[tokio::test]
async fn a_compressed_bomb_is_given_up_while_it_unfolds() {
    let server = TestServer::start().await;
    let packed = bomb();
    assert!(packed.len() < 200_000);
    server.on("GET", "/x", Answer::bytes("application/json", packed).header("content-encoding", "gzip"));
    let error = get(&door(&server, ServiceLimits { max_bytes: 1_000_000, ..limits() })).await.unwrap_err();
    assert!(matches!(error, UpstreamError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn too_many_headers_are_an_error_and_not_read() {
    let server = TestServer::start().await;
    let many = (0..5_000).fold(ok(), |answer, n| answer.also_header(&format!("x-{n}"), "y"));
    server.on("GET", "/x", many);
    assert!(get(&door(&server, ServiceLimits { retries: 0, ..limits() })).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn silence_and_slowness_end_within_the_limits() {
    let server = TestServer::start().await;
    server.on("GET", "/x", ok().then_silence()).on("GET", "/mute", ok().delayed(Duration::from_secs(600)));
    let brief = ServiceLimits { read_timeout: Duration::from_secs(3), retries: 0, ..limits() };
    let service = door(&server, brief);
    for path in ["x", "mute"] {
        let error = service.get(path, &[]).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Silent { .. }), "{path}: {error}");
        assert!(error.to_string().ends_with("nothing came for 3 s"), "{error}");
    }
    let total =
        ServiceLimits { read_timeout: Duration::from_secs(5), total_timeout: Duration::from_secs(2), ..limits() };
    let error = door(&server, total).get("mute", &[]).await.unwrap_err();
    assert!(error.to_string().contains("within 2 s"), "{error}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let server = TestServer::start().await;
    server.on("GET", "/x", ok().in_pieces(2).then_break());
    let error = get(&door(&server, ServiceLimits { retries: 0, ..limits() })).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn redirects_stay_on_the_same_origin_and_end() {
    let elsewhere = TestServer::start().await;
    elsewhere.on("GET", "/x", ok());
    let server = TestServer::start().await;
    let to = |place: &str| Answer::bytes("text/plain", "").status(302).header("location", place);
    server
        .on("GET", "/api/here", to("/api/there?page=2"))
        .on("GET", "/api/there", ok())
        .on("GET", "/api/away", to(elsewhere.url_of("/x").as_str()))
        .on("GET", "/api/user", to("http://me:pw@127.0.0.1:1/"))
        .on("GET", "/api/circle", to("/api/circle"))
        .on("POST", "/api/here", to("/api/there"));
    let service = at(&quick(), server.url_of("/api"), limits());
    assert!(service.get("here", &[]).await.is_ok());
    for path in ["away", "user", "circle"] {
        let error = service.get(path, &[]).await.unwrap_err();
        assert!(matches!(error, UpstreamError::NotAllowed { .. }), "{path}: {error}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
    assert!(elsewhere.asked().is_empty(), "the other host was never asked");
    assert!(service.send(Method::POST, "here", &[], &json!({})).await.is_err());
    assert_eq!(server.asked().iter().filter(|asked| asked.path == "/api/circle").count(), 6);
}

#[tokio::test]
async fn an_address_with_a_password_or_another_scheme_is_refused() {
    for address in
        ["http://user:pw@127.0.0.1:9/", "http://user@127.0.0.1:9/", "ftp://127.0.0.1/", "http://127.0.0.1:9/?k=v"]
    {
        let service = at(&quick(), Url::parse(address).unwrap(), limits());
        let error = get(&service).await.unwrap_err();
        assert!(matches!(error, UpstreamError::NotAllowed { .. }), "{address}: {error}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
}

#[tokio::test]
async fn a_path_stays_below_the_base_address() {
    let server = TestServer::start().await;
    let service = at(&quick(), server.url_of("/radarr/"), limits());
    for path in ["../secret", "a/../../b", "%2e%2e/b", "a/%2E./b", "a\\b", "a\tb", "./a", "a\nb"] {
        let error = service.get(path, &[]).await.unwrap_err();
        assert!(matches!(error, UpstreamError::NotAllowed { .. }), "{path}: {error}");
    }
    assert!(server.asked().is_empty());
    for path in
        ["//evil.example/x", "http://evil.example/x", "a?b=c#d", "@evil.example", "api/v3/movie", "/api/v3/movie"]
    {
        let _ = service.get(path, &[]).await;
    }
    let asked = server.asked();
    let paths: Vec<&str> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/radarr//evil.example/x",
            "/radarr/http://evil.example/x",
            "/radarr/a%3Fb=c%23d",
            "/radarr/@evil.example",
            "/radarr/api/v3/movie",
            "/radarr/api/v3/movie"
        ]
    );
    assert!(asked.iter().all(|asked| asked.query == [("api_key".to_owned(), KEY.to_owned())]));
}

#[tokio::test]
async fn the_second_of_two_equal_questions_wins_when_the_first_hangs() {
    let server = TestServer::start().await;
    server.on("GET", "/x", ok().delayed(Duration::from_secs(60))).on("GET", "/x", ok());
    let service = door(&server, ServiceLimits { hedge_after: Some(millis(10)), ..limits() });
    let began = Instant::now();
    assert!(get(&service).await.is_ok());
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_quick_answer_is_not_asked_for_twice() {
    let server = TestServer::start().await;
    server.on("GET", "/x", ok());
    assert!(get(&door(&server, ServiceLimits { hedge_after: Some(Duration::from_secs(5)), ..limits() })).await.is_ok());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn the_rate_and_the_number_at_once_are_kept() {
    let server = TestServer::start().await;
    server.on("GET", "/x", ok());
    let service = door(&server, ServiceLimits { per: Some((2, millis(40))), ..limits() });
    let began = Instant::now();
    join_all((0..4).map(|_| get(&service))).await;
    assert!(began.elapsed() >= millis(35), "two at once, then one every 20 ms: {:?}", began.elapsed());

    let server = TestServer::start().await;
    server.on("GET", "/x", ok().delayed(millis(10))).on("POST", "/held", Answer::events("data: a\n\n").then_silence());
    let service = door(&server, ServiceLimits { at_once: 1, total_timeout: millis(200), ..limits() });
    let began = Instant::now();
    join_all((0..3).map(|_| get(&service))).await;
    assert!(began.elapsed() >= millis(30), "one after the other: {:?}", began.elapsed());

    let service = door(&server, ServiceLimits { at_once: 1, total_timeout: millis(20), ..limits() });
    let held = service.post_events("held", &[], &json!({}), Duration::from_secs(5)).await.unwrap();
    assert!(matches!(get(&service).await, Err(UpstreamError::Busy { .. })), "an open stream takes a place");
    drop(held);
    assert!(!matches!(get(&service).await, Err(UpstreamError::Busy { .. })), "and gives it back");
}

#[tokio::test]
async fn neither_key_nor_query_is_ever_in_the_text_of_an_error() {
    const TOKEN: &str = "t\"ken/of-the-house";
    let server = TestServer::start().await;
    let said = json!({"error": {"message": format!("the key {KEY} or the token {TOKEN} is wrong")}});
    let to = Answer::bytes("text/plain", "").status(302).header("location", "http://127.0.0.1:1/");
    server
        .on("GET", "/refused", Answer::json(&said).status(401))
        .on("GET", "/busy", Answer::json(&said).status(429))
        .on("GET", "/failed", Answer::json(&said).status(500))
        .on("GET", "/page", Answer::html("<html>"))
        .on("GET", "/malformed", Answer::json_text(format!("{{\"{KEY}\": tru")))
        .on("GET", "/broken", ok().then_break())
        .on("GET", "/silent", ok().then_silence())
        .on("GET", "/away", to);
    let closed = Url::parse("http://127.0.0.1:1/").unwrap();
    let unknown = Url::parse("http://nowhere.invalid/").unwrap();
    let brief = ServiceLimits { read_timeout: millis(20), retries: 0, ..limits() };
    let query = [("title", "my private question".to_owned())];
    let mut errors = Vec::new();
    for credential in [
        Credential::Query { name: "api_key", value: Secret::new(KEY) },
        Credential::Bearer(Secret::new(KEY)),
        Credential::Header { name: "X-Api-Key", value: Secret::new(KEY) },
    ] {
        let open = |base_url: Url| {
            let credential = credential.clone();
            let service = quick().service(ServiceSpec { name: "films".into(), base_url, credential, limits: brief });
            service.with_headers([("X-House-Token", TOKEN), ("X-Team", "wrong")]).unwrap()
        };
        let service = open(server.url());
        for path in ["refused", "busy", "failed", "page", "malformed", "broken", "silent", "away", "none"] {
            errors.push(service.get(path, &query).await.unwrap_err());
        }
        for address in [&closed, &unknown] {
            errors.push(open(address.clone()).get("x", &query).await.unwrap_err());
        }
    }
    for error in errors {
        let shown = format!("{error} {error:?} {}", ToolError::from(error.clone()));
        assert!(!shown.contains(KEY) && !shown.contains("private") && !shown.contains("api_key"), "{shown}");
        assert!(!error.reason().contains("of-the-house"), "{shown}");
        // Other headers are no secrets, and their words may be said.
        assert!(!shown.contains("the key") || shown.contains("is wrong"), "{shown}");
        assert!(error.to_string().starts_with("films at "), "{error}");
        let told = ToolError::from(error.clone()).to_string();
        assert!(told.starts_with("could not ask films: "), "everybody may read it, so it says no place: {told}");
        assert!(!error.to_string().ends_with('.'), "{error}");
    }
}

#[tokio::test]
async fn a_key_is_sent_where_the_service_wants_it() {
    let server = TestServer::start().await;
    server.on("GET", "/x", ok());
    for credential in [
        Credential::Bearer(Secret::new(KEY)),
        Credential::Header { name: "X-Api-Key", value: Secret::new(KEY) },
        Credential::Header { name: "x-api-key", value: Secret::new("line\nbreak") },
    ] {
        let spec = ServiceSpec { name: "films".into(), base_url: server.url(), credential, limits: limits() };
        let _ = get(&quick().service(spec)).await;
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 2, "a key that no header can carry is not sent");
    assert_eq!(asked[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(asked[1].header("x-api-key"), Some(KEY));
    assert_eq!(asked[0].header("accept"), Some("application/json"));
}

#[tokio::test]
async fn an_event_stream_is_read_and_a_plain_answer_recognised() {
    let server = TestServer::start().await;
    let text = "\u{feff}: hello\r\n\r\nevent: a\ndata: grü\ndata:ß\n\ndata: [DONE]\r\r";
    server
        .on("POST", "/x", Answer::events(text).in_pieces(1))
        .on("POST", "/json", Answer::events(" {\"a\": 1}"))
        .on("POST", "/page", Answer::html("<html>"))
        .on("POST", "/empty", Answer::events("\n\n"))
        .on("POST", "/refused", failing(429).header("retry-after", "3"));
    let service = door(&server, limits());
    let idle = Duration::from_secs(1);
    let mut reader = service.post_events("x", &[("x-turn", "t1".into())], &json!({"a": 1}), idle).await.unwrap();
    assert_eq!(reader.kind().await.unwrap(), BodyKind::Events);
    let events: Vec<_> = reader.map(Result::unwrap).collect().await;
    let event = |event: &str, data: &str| ServerEvent { event: event.into(), data: data.into() };
    assert_eq!(events, [event("a", "grü\nß"), event("", "[DONE]")]);
    assert_eq!(server.asked()[0].header("x-turn"), Some("t1"));
    for (path, kind) in [("json", BodyKind::Json), ("page", BodyKind::Page), ("empty", BodyKind::Empty)] {
        let mut reader = service.post_events(path, &[], &json!({}), idle).await.unwrap();
        assert_eq!(reader.kind().await.unwrap(), kind, "{path}");
        if kind == BodyKind::Json {
            assert_eq!(reader.read_whole(100).await.unwrap(), " {\"a\": 1}");
        }
    }
    let refused = service.post_events("refused", &[], &json!({}), idle).await;
    assert_eq!(refused.err().and_then(|error| error.retry_after()), Some(Duration::from_secs(3)));
    assert_eq!(server.asked().iter().filter(|asked| asked.path == "/refused").count(), 1);
}

#[tokio::test]
async fn a_stream_that_breaks_or_never_ends_its_line_is_an_error() {
    let server = TestServer::start().await;
    let endless = "data: ".to_owned() + &"x".repeat(2 * 1024 * 1024);
    server.on("POST", "/broken", Answer::events("data: a\n\n").in_pieces(64).then_break()).on(
        "POST",
        "/endless",
        Answer::events(format!("data: a\n\n{endless}")).in_pieces(60_000),
    );
    let service = door(&server, limits());
    for path in ["broken", "endless"] {
        let reader = service.post_events(path, &[], &json!({}), Duration::from_secs(5)).await.unwrap();
        let events: Vec<_> = reader.collect().await;
        assert_eq!(events.len(), 2, "{path}: {events:?}");
        assert!(events[0].is_ok() && events[1].is_err(), "{path}: {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_falls_silent_is_given_up_after_the_idle_time() {
    let server = TestServer::start().await;
    server.on("POST", "/x", Answer::events("data: a\n\n").then_silence());
    let service = door(&server, limits());
    let reader = service.post_events("x", &[], &json!({}), Duration::from_secs(60)).await.unwrap();
    let began = tokio::time::Instant::now();
    let events: Vec<_> = reader.collect().await;
    assert!(matches!(&events[..], [Ok(_), Err(UpstreamError::Silent { .. })]), "{events:?}");
    assert!(began.elapsed() < Duration::from_secs(62));
}

fn parse(pieces: &[&[u8]]) -> Vec<Result<ServerEvent, &'static str>> {
    let mut parser = EventParser::default();
    let mut events = Vec::new();
    for piece in pieces {
        parser.push(piece);
        loop {
            match parser.next_event() {
                Ok(Some(event)) => events.push(Ok(event)),
                Ok(None) => break,
                Err(reason) => {
                    events.push(Err(reason));
                    return events;
                }
            }
        }
    }
    events
}

proptest! {
    #[test]
    fn any_cut_of_a_stream_gives_the_same_events(
        text in "(data: ?[a-zü]{0,4}|event: ?[a-z]{0,3}|: c|id: 1|x|(\r\n|\n|\r){1,3}){0,40}",
        cuts in proptest::collection::vec(0usize..200, 0..4),
    ) {
        let bytes = text.as_bytes();
        let whole = parse(&[bytes]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts {
            pieces.push(&bytes[start..cut]);
            start = cut;
        }
        pieces.push(&bytes[start..]);
        prop_assert_eq!(parse(&pieces), whole);
    }

    #[test]
    fn no_bytes_make_the_parser_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse(&[&bytes]);
    }
}

#[tokio::test]
async fn what_still_has_its_tag_is_not_sent_again() {
    let server = TestServer::start().await;
    server.on("GET", "/x", ok().header("etag", "\"one\""));
    server.on("GET", "/x", Answer::bytes("application/json", "").status(304));
    server.on("GET", "/x", Answer::json(&json!({"ok": 2})).header("etag", "\"two\""));
    let service = door(&server, limits());
    let (first, tag) = service.get_if_changed("x", &[], None).await.unwrap().unwrap();
    assert_eq!((first, tag.as_deref()), (json!({"ok": true}), Some("\"one\"")));
    assert_eq!(service.get_if_changed("x", &[], tag.as_deref()).await.unwrap(), None);
    let (third, tag) = service.get_if_changed("x", &[], tag.as_deref()).await.unwrap().unwrap();
    assert_eq!((third, tag.as_deref()), (json!({"ok": 2}), Some("\"two\"")));
    let sent: Vec<Option<String>> =
        server.asked().iter().map(|asked| asked.header("if-none-match").map(str::to_owned)).collect();
    assert_eq!(sent, [None, Some("\"one\"".to_owned()), Some("\"one\"".to_owned())]);
    // Nobody who did not ask so is told "unchanged".
    let server = TestServer::start().await;
    server.on("GET", "/x", Answer::bytes("application/json", "").status(304));
    assert!(get(&door(&server, limits())).await.is_err());
}
