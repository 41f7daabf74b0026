//! Starting, refusing to start, the command line, and what is never said.

use crate::harness::{PROGRAM, Setting, Stage, program, text_of};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::process::Command;

#[track_caller]
fn refused(settings: &str, variables: &[(&str, &str)], lines: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("majordomo.toml"), settings).unwrap();
    let output = program(folder.path()).arg("serve").envs(variables.iter().copied()).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), lines, "{settings}");
}

#[test]
fn wrong_settings_are_refused_at_start_with_file_line_and_nearest_key() {
    refused(
        "[server]\nlistn = \"127.0.0.1:0\"\n[engin]\n",
        &[],
        &[
            "majordomo.toml:2: [server] unknown key \"listn\"; did you mean \"listen\"?",
            "majordomo.toml:3: unknown key \"engin\"; did you mean \"engine\"?",
        ],
    );
    refused(
        "[server]\nlisten = \"0.0.0.0:0\"\n",
        &[],
        &[
            "majordomo.toml:2: [server] listen: 0.0.0.0:0 can be reached from outside, and there is no admin yet; start once on \
         127.0.0.1, or run `majordomo person add NAME --standing admin` first",
        ],
    );
    refused(
        "[models.openai]\napi_key = \"env:SECRET\"\n",
        &[("SECRET", "changeme")],
        &["majordomo.toml:2: [models.openai] api_key is blank or a placeholder, not a secret"],
    );
    refused(
        "[models.home]\nbase_url = \"http://127.0.0.1:1/v1\"\n",
        &[],
        &[
            "majordomo.toml:1: [models] home: this name is no preset, so it needs `dialect`: responses, chat_completions, messages or echo",
        ],
    );
}

#[test]
fn one_model_key_is_enough_and_the_rest_is_reported_as_off() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[models.openai]\nbase_url = \"http://127.0.0.1:9/v1\"\napi_key = \"env:OPENAI_API_KEY\"\n";
    std::fs::write(folder.path().join("majordomo.toml"), settings).unwrap();
    let mut command = program(folder.path());
    let output = command.args(["doctor", "--json"]).env("OPENAI_API_KEY", "sk-canary-of-the-model").output().unwrap();
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text_of(&output)));
    let state = |name: &str| {
        let finding = findings.as_array().unwrap().iter().find(|finding| finding["name"] == name);
        finding.map(|finding| finding["state"].as_str().unwrap().to_owned())
    };
    assert_eq!(state("tmdb").as_deref(), Some("off"), "{findings}");
    assert_eq!(state("tvmaze").as_deref(), Some("off"), "{findings}");
    assert_eq!(state("store").as_deref(), Some("ok"), "{findings}");
    assert!(!text_of(&output).contains("canary"));
}

#[tokio::test]
async fn without_a_model_the_service_starts_and_says_what_is_off() {
    let mut stage = Stage::new().await;
    stage.kill();
    let settings = "[server]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"logfmt\"\n";
    std::fs::write(stage.folder.path().join("majordomo.toml"), settings).unwrap();
    stage.start(&[]).await;
    let (status, health) = stage.get("/health").await;
    assert_eq!(status, StatusCode::OK);
    let text = health.to_string();
    assert!(text.contains("tmdb") && text.contains("no key") && text.contains("models"), "{text}");
    let log = stage.log();
    assert!(log.contains("part=tmdb") && log.contains("part=models"), "{log}");
    assert!(log.contains("ready in"), "{log}");
}

#[test]
fn with_nothing_configured_the_demo_household_answers_in_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let question = "what's trending this week, and is any of it good for kids?";
    let output = program(folder.path()).args(["chat", "--once", question]).output().unwrap();
    let text = text_of(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains('✓'), "tools are shown: {text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "fits 80 columns: {text}");
    assert!(!text.contains('\u{1b}'), "no colours for a pipe: {text}");
}

/// With no settings every service is a stand-in, and whoever opens the page is offered questions to press.
#[tokio::test]
async fn every_question_the_page_suggests_is_answered_with_titles_in_the_demo() {
    let mut stage = Stage::new().await;
    stage.kill();
    std::fs::write(stage.folder.path().join("majordomo.toml"), "demo = \"on\"\n[server]\nlisten = \"127.0.0.1:0\"\n")
        .unwrap();
    stage.start(&[]).await;
    let (status, me) = stage.get("/api/me").await;
    assert_eq!(status, StatusCode::OK, "{me}");
    assert_eq!(me["demo"]["parts"], json!(["model", "tmdb", "tvmaze", "radarr", "sonarr"]));
    let prompts: Vec<&str> =
        me["suggestions"].as_array().unwrap().iter().map(|one| one["prompt"].as_str().unwrap()).collect();
    assert!(prompts.len() >= 3, "{prompts:?}");
    let stage = &stage;
    futures_util::future::join_all(prompts.into_iter().map(|prompt| async move {
        let answer = stage.ask(&stage.conversation().await, prompt).await;
        let lower = answer.to_lowercase();
        for words in ["nothing fits", "could not", "nothing is on", "found nothing", "beyond me", "no tool"] {
            assert!(!lower.contains(words), "{prompt}: {answer}");
        }
        // What would change something asks first instead.
        if prompt.starts_with("Add ") {
            let (_, waiting) = stage.get("/api/approvals").await;
            assert_eq!(waiting["approvals"].as_array().map(Vec::len), Some(1), "{waiting}");
            return;
        }
        let mut known = 0;
        for title in answer.split("**").skip(1).step_by(2) {
            let (status, found) = stage.post("/api/tools/tmdb_search_multi", json!({"query": title})).await;
            assert_eq!(status, StatusCode::OK, "{found}");
            known += usize::from(found["text"].as_str().is_some_and(|text| text.contains(title)));
        }
        assert!(known > 0, "{prompt} names no film and no series: {answer}");
    }))
    .await;
}

#[tokio::test]
async fn a_second_process_on_the_same_database_is_refused_with_the_name_of_the_first() {
    let mut stage = Stage::new().await;
    let second = stage.command(&["serve"]);
    assert!(!second.status.success());
    let text = String::from_utf8(second.stderr).unwrap();
    assert!(text.contains("is in use by process ") && text.contains(" on "), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    // However the first one ends, the next may start at once.
    stage.restart().await;
}

#[tokio::test]
async fn a_sign_in_link_works_once_and_is_printed_while_nobody_has_signed_in() {
    let mut stage = Stage::new().await;
    let link = stage.log().lines().find_map(|line| line.split_once("/#code=").map(|(_, code)| code.to_owned()));
    let code = link.expect("a link is printed");
    let login = |code: String| {
        let request = stage.client.post(format!("{}/api/login", stage.address)).json(&json!({"code": code}));
        async move { request.send().await.unwrap() }
    };
    let first = login(code.clone()).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert!(first.headers().contains_key("set-cookie"));
    let me: Value = first.json().await.unwrap();
    assert_eq!((me["person"]["name"].as_str(), me["person"]["standing"].as_str()), (Some("Admin"), Some("admin")));
    assert_eq!(login(code).await.status(), StatusCode::UNAUTHORIZED);
    stage.restart().await;
    assert!(!stage.log().contains("/#code="), "{}", stage.log());
    let printed = stage.command(&["person", "link", "Admin"]);
    assert!(String::from_utf8(printed.stdout).unwrap().contains("/#code="));
}

#[tokio::test]
async fn people_and_keys_are_kept_from_the_command_line() {
    let stage = Stage::new().await;
    assert!(stage.command(&["person", "add", "Grace", "--standing", "child"]).status.success());
    let list = stage.command(&["person", "list", "--json"]);
    let people: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert!(people.as_array().unwrap().iter().any(|p| p["name"] == "Grace" && p["standing"] == "child"), "{people}");
    let twice = stage.command(&["person", "add", "grace"]);
    assert!(!twice.status.success());
    assert_eq!(String::from_utf8(twice.stderr).unwrap(), "somebody is named \"grace\" already\n");
    let key = stage.command(&["key", "create", "display", "--person", "Grace", "--scope", "read"]);
    assert!(String::from_utf8(key.stdout).unwrap().starts_with("mdk_"));
    let keys = stage.command(&["key", "list", "--json"]);
    let keys: Value = serde_json::from_slice(&keys.stdout).unwrap();
    let display = keys.as_array().unwrap().iter().find(|k| k["name"] == "display").unwrap();
    let id = display["id"].as_str().unwrap();
    assert!(stage.command(&["key", "revoke", id]).status.success());
    assert!(!stage.command(&["key", "revoke", id]).status.success());
    let last_admin = stage.command(&["person", "remove", "Admin"]);
    assert_eq!(String::from_utf8(last_admin.stderr).unwrap(), "the last admin cannot be removed\n");
}

#[tokio::test]
async fn the_log_joins_a_turn_by_its_id_and_holds_no_secret_and_no_message() {
    let stage =
        Stage::with(Setting { variables: vec![("MAJORDOMO_LOG__LEVEL", "debug".to_owned())], ..Setting::default() })
            .await;
    let conversation = stage.conversation().await;
    let turn = stage.say(&conversation, "a canary sang in the kitchen").await;
    stage.over(&turn).await;
    let log = stage.log();
    assert!(log.contains(&turn), "the turn is named in the log: {log}");
    for secret in ["sk-canary-of-the-model", "0123456789abcdef0123456789abcdef", "a canary sang", stage.key.as_str()] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    let (status, metrics) = stage.get("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    let metrics = metrics.as_str().unwrap_or_default().to_owned();
    assert!(metrics.contains("# TYPE"), "{metrics}");
    assert!(!metrics.contains("canary"));
}

#[tokio::test]
async fn traces_are_sent_where_the_settings_say_and_hold_no_secret_and_no_message() {
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
    let collector = axum::Router::new().route(
        "/v1/traces",
        axum::routing::post(move |body: axum::body::Bytes| {
            let _ = sender.send(body.to_vec());
            async { "" }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, collector).await });
    let mut stage = Stage::with(Setting {
        variables: vec![("MAJORDOMO_TELEMETRY__OTLP_ENDPOINT", endpoint)],
        ..Setting::default()
    })
    .await;
    let conversation = stage.conversation().await;
    stage.ask(&conversation, "a canary sang in the kitchen").await;
    stage.terminate();
    assert!(stage.ended().await.success());
    let mut bodies = Vec::new();
    while let Ok(body) = received.try_recv() {
        bodies.extend(body);
    }
    let text = String::from_utf8_lossy(&bodies);
    assert!(text.contains("majordomo") && text.contains("turn"), "spans arrive: {text}");
    for secret in ["canary", "0123456789abcdef0123456789abcdef", stage.key.as_str()] {
        assert!(!text.contains(secret), "{secret} is in a trace");
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    for words in [
        &["serve"][..],
        &["demo"],
        &["chat"],
        &["person"],
        &["person", "add"],
        &["person", "link"],
        &["key"],
        &["key", "create"],
        &["secret"],
        &["secret", "set"],
        &["secret", "list"],
        &["secret", "remove"],
        &["secret", "rotate"],
        &["doctor"],
        &["migrate"],
        &["reference", "settings"],
        &["reference", "tools"],
    ] {
        let output = Command::new(PROGRAM).args(words).arg("--help").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains("Example"), "{words:?}: {text}");
    }
}

#[test]
fn the_generated_list_of_tools_is_up_to_date() {
    let output = Command::new(PROGRAM).args(["reference", "tools"]).output().unwrap();
    let kept = include_str!("../../../../../docs/reference/tools.md");
    assert!(
        kept == String::from_utf8(output.stdout).unwrap(),
        "run `make reference` and look at docs/reference/tools.md"
    );
}
