//! What everybody may see: the description, health, the page, and the headers on everything.

use crate::house::{House, NOW};
use axum::http::Method;
use majordomo_store::Store;
use majordomo_web::Config;
use sqlx::{Connection, Executor};
use std::sync::atomic::Ordering;

#[test]
fn the_description_beside_the_crate_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let text = majordomo_web::document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == text, "openapi.json is old; run this test with UPDATE_OPENAPI=1 and look at what changed");
}

#[tokio::test]
async fn health_names_the_parts_and_tells_the_rest_only_to_those_who_are_known() {
    let house = House::new().await;
    for path in ["/health", "/api/v1/health"] {
        let answer = house.stranger().get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["components"]["api"], "operational");
        assert_eq!(answer.json["components"]["database"], "operational");
        assert_eq!(answer.json["components"]["tvmaze_api"], "off");
        for part in ["tmdb_api", "concentrate_ai", "models", "things_api"] {
            assert!(answer.json["components"][part].is_string(), "{part}");
        }
        assert_eq!(answer.json["timestamp"], "2026-11-18T11:06:40.000Z", "{NOW}");
        assert!(!answer.text.contains("9.9.9") && !answer.text.contains("secret.lan"), "{}", answer.text);
        let known = house.program(&house.member).await.get(path).await;
        assert_eq!(known.json["version"], "9.9.9");
        assert_eq!(known.json["off"]["tvmaze"], "switched off");
    }
}

#[tokio::test]
async fn asking_for_health_a_hundred_times_asks_no_service_a_hundred_times() {
    let house = House::new().await;
    for _ in 0..100 {
        house.stranger().get("/health").await;
        house.stranger().get("/readyz").await;
    }
    assert!(house.probes.load(Ordering::SeqCst) <= 1);
}

#[tokio::test]
async fn without_a_database_health_is_503_and_the_program_still_lives() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("house.db").display());
    let house = House::over(Store::open(&url).await.unwrap(), Config::default()).await;
    // Somebody else keeps the database locked.
    let mut other = sqlx::AnyConnection::connect(&url).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let answer = house.stranger().get("/health").await;
    assert_eq!(
        (answer.status, &answer.json["components"]["database"]),
        (503, &"unavailable".into()),
        "{}",
        answer.text
    );
    let ready = house.stranger().get("/readyz").await;
    assert_eq!((ready.status, ready.json["ready"].as_bool()), (503, Some(false)));
    assert_eq!(house.stranger().get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_service_that_stops_is_not_ready() {
    let house = House::new().await;
    assert_eq!(house.stranger().get("/readyz").await.status, 200);
    house.stopping.cancel();
    let answer = house.stranger().get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json["reason"], "the service is stopping");
}

#[tokio::test]
async fn figures_are_for_this_machine_admins_and_scrapers() {
    let house = House::new().await;
    let local = house.stranger().at_peer("127.0.0.1:40000");
    assert_eq!(local.get("/metrics").await.text, "turns_total 1\n");
    // A proxy on this machine passes on strangers.
    assert_eq!(local.clone().header("x-forwarded-for", "203.0.113.9").get("/metrics").await.status, 401);
    assert_eq!(house.stranger().get("/metrics").await.status, 401);
    assert_eq!(house.program(&house.member).await.get("/metrics").await.status, 403);
    assert_eq!(house.program(&house.admin).await.get("/metrics").await.status, 200);
    let scraper = house.key(&house.member, &["metrics"]).await;
    let scraper = house.stranger().header("authorization", &format!("Bearer {scraper}"));
    assert_eq!(scraper.get("/metrics").await.status, 200);
    assert_eq!(scraper.get("/api/conversations").await.status, 403);
}

#[tokio::test]
async fn browsers_get_the_page_and_programs_the_facts_at_the_root() {
    let house = House::new().await;
    let facts = house.stranger().header("accept", "*/*").get("/").await;
    for field in ["name", "version", "status", "docs", "health"] {
        assert!(facts.json[field].is_string(), "{field}: {}", facts.text);
    }
    assert_eq!(house.stranger().get("/api/v1").await.json, facts.json);
    let page = house.stranger().header("accept", "text/html,*/*;q=0.8");
    for path in ["/", "/c/0198c0de", "/settings"] {
        let page = page.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").starts_with("text/html"));
        assert_eq!(page.header("cache-control"), "no-cache");
        let policy = page.header("content-security-policy");
        for rule in ["default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    }
    assert_eq!(page.get("/assets/nothing.js").await.status, 404);
    for path in ["/api/nothing", "/v1/nothing", "/api", "/hooks/x", "/mcp"] {
        let answer = page.get(path).await;
        assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{path}");
    }
    assert_eq!(page.send(Method::POST, "/c/1", "").await.status, 405);
    assert_eq!(page.send(Method::PUT, "/api/me", "").await.status, 405);
}

#[tokio::test]
async fn every_answer_carries_an_id_and_tells_browsers_to_be_careful() {
    let house = House::new().await;
    for path in ["/", "/api/me", "/api/nothing", "/healthz", "/openapi.json"] {
        let answer = house.stranger().get(path).await;
        assert!(answer.header("x-request-id").len() >= 16, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
    let given = house.stranger().header("x-request-id", "my-id.1").get("/api/me").await;
    assert_eq!(given.header("x-request-id"), "my-id.1");
    assert_eq!(given.json["request_id"], "my-id.1");
    assert_eq!(given.header("cache-control"), "no-store");
    let insane = house.stranger().header("x-request-id", "a b<script>").get("/api/me").await;
    assert!(!insane.header("x-request-id").contains('<'));
}

#[tokio::test]
async fn only_listed_origins_may_use_the_api_from_their_pages() {
    let config = Config { allowed_origins: vec!["https://panel.example".parse().unwrap()], ..Config::default() };
    let house = House::with(config).await;
    let asks = |origin: &str| {
        let asker = house.stranger().header("origin", origin).header("host", "127.0.0.1:8765");
        asker.header("access-control-request-method", "POST")
    };
    let allowed = asks("https://panel.example").send(Method::OPTIONS, "/api/v1/chat", "").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://panel.example");
    assert!(allowed.headers.get("access-control-allow-credentials").is_none());
    let refused = asks("https://evil.example").send(Method::OPTIONS, "/api/v1/chat", "").await;
    assert!(refused.headers.get("access-control-allow-origin").is_none());
    // The answer itself too, success or not.
    let program = house.program(&house.member).await.header("host", "127.0.0.1:8765");
    let allowed = program.clone().header("origin", "https://panel.example").get("/api/v1/sessions").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://panel.example");
    let failed = program.clone().header("origin", "https://panel.example").get("/api/v1/session/none").await;
    assert_eq!((failed.status, failed.header("access-control-allow-origin")), (404, "https://panel.example"));
    let refused = program.header("origin", "https://evil.example").get("/api/v1/sessions").await;
    assert!(refused.headers.get("access-control-allow-origin").is_none());
}
