//! Settings that do not fit, what is on without being named, what the log shows, and providers that are no help.

use crate::harness::{Setting, Stage, program, text_of, visible};
use axum::{
    Json, Router,
    http::StatusCode as Status,
    routing::{get, post},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn one_start_shows_every_value_that_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let settings = r#"[log]
level = "bogus"
[server]
session_days = 0
[engine]
max_message_chars = 1
[engine.tools.tmbd]
at_once = 0
[agents.majordomo]
toolkits = ["tmdb", "tvmase"]
first_tools = ["search_tool"]
[agents.majordomo.limits]
seconds = 4
[tools.tmdb]
base_url = "http://user:hush-hush@localhost/3"
[tools.tvmaze]
base_url = "ftp://localhost"
per_ten_seconds = 0
"#;
    std::fs::write(folder.path().join("majordomo.toml"), settings).unwrap();
    let output = program(folder.path()).arg("serve").output().unwrap();
    assert!(!output.status.success());
    let text = text_of(&output);
    assert!(!text.contains("hush"), "{text}");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_by_key(|line| line.split(':').nth(1).and_then(|number| number.parse::<u32>().ok()));
    let unknown = "majordomo.toml:7: [engine.tools] there is no toolkit or tool \"tmbd\"; did you mean \"tmdb\"?";
    assert!(lines.contains(&unknown), "{text}");
    lines.retain(|line| *line != unknown);
    assert_eq!(
        lines,
        [
            "majordomo.toml:2: [log] level: \"bogus\" is not one of trace, debug, info, warn, error, off, nor a list such as \
             \"warn,majordomo=info,hyper=debug\"",
            "majordomo.toml:4: [server] session_days: 0 is not between 1 and 3650",
            "majordomo.toml:6: [engine] max_message_chars: 1 is not between 2 and 1000000",
            "majordomo.toml:8: [engine.tools.tmbd] at_once: 0 is not between 1 and 1000",
            "majordomo.toml:10: [agents.majordomo] toolkits: there is no toolkit \"tvmase\"; did you mean \"tvmaze\"?",
            "majordomo.toml:11: [agents.majordomo] first_tools: there is no tool \"search_tool\"; did you mean \
             \"tmdb_search_multi\"?",
            "majordomo.toml:13: [agents.majordomo.limits] seconds: 4 is not between 5 and 3600",
            "majordomo.toml:15: [tools.tmdb] base_url: its address holds a user name or password; give the key as a setting \
             instead",
            "majordomo.toml:17: [tools.tvmaze] base_url: its address is neither http nor https",
            "majordomo.toml:18: [tools.tvmaze] per_ten_seconds: 0 is not between 1 and 1000",
        ]
    );
}

/// What the settings may name is what the running service has, the engine's own tools included.
#[tokio::test]
async fn every_toolkit_and_tool_there_is_may_be_named_in_the_settings() {
    let mut stage = Stage::new().await;
    let (_, list) = stage.get("/api/tools").await;
    let (mut limits, mut toolkits, mut tools) = (String::new(), Vec::new(), Vec::new());
    for kit in list["toolkits"].as_array().unwrap() {
        let name = kit["name"].as_str().unwrap();
        toolkits.push(name.to_owned());
        tools.extend(kit["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
    }
    let mut both: Vec<&String> = toolkits.iter().chain(&tools).collect();
    both.sort();
    both.dedup();
    for name in both {
        limits.push_str(&format!("[engine.tools.{name}]\ntimeout_ms = 9000\n"));
    }
    stage.kill();
    let path = stage.folder.path().join("majordomo.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    let agent = format!("[agents.majordomo]\ntoolkits = {toolkits:?}\nfirst_tools = {tools:?}\n");
    std::fs::write(&path, format!("{settings}\n{agent}{limits}")).unwrap();
    stage.start(&[]).await;
    assert_eq!(stage.get("/healthz").await.0, StatusCode::OK);
}

#[test]
fn the_demo_refuses_a_settings_file_it_would_not_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), "[server]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    // An address of no machine, so that a demo that does not refuse ends all the same.
    let words = ["demo", "--config", "mine.toml", "--listen", "192.0.2.1:1"];
    let output = program(folder.path()).args(words).output().unwrap();
    assert!(!output.status.success());
    assert_eq!(
        text_of(&output),
        "majordomo demo takes no settings; write demo = \"on\" into mine.toml and run `majordomo serve --config mine.toml`\n"
    );
}

/// What `majordomo doctor` finds of one part.
fn finding(folder: &Path, part: &str, variables: &[(&str, &str)]) -> Value {
    let mut command = program(folder);
    let output = command.args(["doctor", "--json"]).envs(variables.iter().copied()).output().unwrap();
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text_of(&output)));
    let found = findings.as_array().unwrap().iter().find(|finding| finding["name"] == part).cloned();
    found.unwrap_or_else(|| panic!("{part}: {findings}"))
}

#[test]
fn tvmaze_is_asked_only_when_it_is_named() {
    // Nobody listens at port 9: what is on cannot answer, and nothing outside is asked.
    let tmdb = [("TMDB_API_KEY", KEY), ("MAJORDOMO_TOOLS__TMDB__BASE_URL", "http://127.0.0.1:9/3")];
    let named = [
        tmdb[0],
        tmdb[1],
        ("MAJORDOMO_TOOLS__TVMAZE__ENABLED", "true"),
        ("MAJORDOMO_TOOLS__TVMAZE__BASE_URL", "http://127.0.0.1:9/"),
    ];
    let how = "not configured: write [tools.tvmaze] in the settings, or set MAJORDOMO_TOOLS__TVMAZE__ENABLED=true";
    for settings in [None, Some("[server]\nlisten = \"127.0.0.1:0\"\n")] {
        let folder = tempfile::tempdir().unwrap();
        if let Some(settings) = settings {
            std::fs::write(folder.path().join("majordomo.toml"), settings).unwrap();
        }
        let found = finding(folder.path(), "tvmaze", &tmdb);
        assert_eq!((&found["state"], &found["detail"]), (&json!("off"), &json!(how)), "{settings:?}");
        assert_eq!(finding(folder.path(), "tvmaze", &named)["state"], "failed", "{settings:?}");
    }
    // With nothing configured at all the demo household has a stand-in, which is no host outside.
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(finding(folder.path(), "tvmaze", &[])["state"], "demo");
}

#[test]
fn radarr_and_sonarr_are_stand_ins_only_where_nothing_of_them_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    for toolkit in ["radarr", "sonarr"] {
        let found = finding(folder.path(), toolkit, &[]);
        assert_eq!(found["state"], "demo", "{found}");
    }
    // One that is named is asked, and nobody listens at port 9.
    let named = [
        ("MAJORDOMO_TOOLS__RADARR__DEFAULT__BASE_URL", "http://127.0.0.1:9/"),
        ("MAJORDOMO_TOOLS__RADARR__DEFAULT__API_KEY", KEY),
    ];
    assert_eq!(finding(folder.path(), "radarr", &named)["state"], "failed");
    std::fs::write(folder.path().join("majordomo.toml"), "[server]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    assert_eq!(finding(folder.path(), "sonarr", &[])["state"], "off");
}

#[tokio::test]
async fn without_a_terminal_the_log_is_logfmt_and_debug_is_about_this_program_only() {
    let mut stage = Stage::new().await;
    stage.kill();
    let path = stage.folder.path().join("majordomo.toml");
    let settings =
        std::fs::read_to_string(&path).unwrap().replace("[log]\nformat = \"logfmt\"\n", "[log]\nlevel = \"debug\"\n");
    std::fs::write(&path, settings).unwrap();
    stage.start(&[]).await;
    let conversation = stage.conversation().await;
    stage.ask(&conversation, "what's trending this week?").await;
    let log = stage.log();
    assert!(log.lines().any(|line| line.contains("level=info") && line.contains("target=majordomo")), "{log}");
    for line in log.lines().filter(|line| line.contains("level=debug") || line.contains("level=info")) {
        assert!(line.contains("target=majordomo"), "{line}");
    }
    assert!(!log.contains(concat!(env!("CARGO_MANIFEST_DIR"), "/")) && !log.contains("/registry/src/"), "{log}");
}

/// A provider that quotes what it was sent: busy at first, then refusing. It has no list of models.
async fn quoting_provider() -> String {
    let asked = Arc::new(AtomicUsize::new(0));
    let quote = move |Json(body): Json<Value>| {
        let asked = asked.clone();
        async move {
            let said = body["messages"].as_array().and_then(|messages| messages.last()).cloned().unwrap_or_default();
            let message = format!("cannot read {}", said["content"]);
            let status = match asked.fetch_add(1, Ordering::SeqCst) {
                0 => Status::SERVICE_UNAVAILABLE,
                _ => Status::BAD_REQUEST,
            };
            (status, Json(json!({ "error": { "message": message, "type": "invalid_request_error" } })))
        }
    };
    let app = Router::new()
        .route("/v1/chat/completions", post(quote))
        .route("/v1/models", get(|| async { Status::INTERNAL_SERVER_ERROR }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn stage_with_quoting_provider() -> Stage {
    let mut stage = Stage::with(Setting::default()).await;
    stage.kill();
    let settings = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"logfmt\"\nlevel = \"debug\"\n[models.quoting]\n\
         dialect = \"chat_completions\"\nbase_url = \"{}\"\napi_key = \"sk-of-a-test\"\nroles = {{ chat = \"one\", smart = \
         \"two\" }}\n",
        quoting_provider().await
    );
    std::fs::write(stage.folder.path().join("majordomo.toml"), settings).unwrap();
    stage.start(&[]).await;
    stage
}

#[tokio::test]
async fn a_provider_that_quotes_the_person_is_told_to_the_person_and_not_to_the_log() {
    let stage = stage_with_quoting_provider().await;
    let conversation = stage.conversation().await;
    let turn = stage.say(&conversation, "a canary sang in the kitchen").await;
    stage.over(&turn).await;
    let messages = stage.messages(&conversation).await;
    let notice = visible(messages.last().unwrap());
    assert!(notice.contains("cannot read") && notice.contains("canary"), "the person is told why: {notice}");
    let log = stage.log();
    let about: Vec<&str> = log.lines().filter(|line| line.contains("quoting")).collect();
    let has = |words: &[&str]| about.iter().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(has(&["asking again", "kind=busy", "status=503", "model=one"]), "{log}");
    assert!(has(&["a model gave no answer", "kind=invalid"]), "{log}");
    assert!(!log.contains("canary") && !log.contains("cannot read"), "{log}");
}

#[tokio::test]
async fn models_are_those_of_the_settings_when_the_provider_cannot_list_its_own() {
    let stage = stage_with_quoting_provider().await;
    let (status, list) = stage.get("/api/models").await;
    assert_eq!(
        (status, &list["live"], &list["default"]),
        (StatusCode::OK, &json!(false), &json!("quoting/one")),
        "{list}"
    );
    let mut names: Vec<&str> = list["models"].as_array().unwrap().iter().filter_map(|m| m["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["quoting/one", "quoting/two"], "{list}");
    assert!(list["problem"].as_str().is_some_and(|text| text.contains("quoting")), "{list}");
}
