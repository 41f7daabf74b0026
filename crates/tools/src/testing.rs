//! What the tests of several toolkits need: a person who calls, a way to run a tool as the engine does, and a check of
//! every tool against a service's answers and failures.

use majordomo_domain::{
    Call, ConversationId, Output, Person, PersonId, Standing, ToolError, Toolkit, TurnId, tool::ErasedTool,
};
use majordomo_upstream::{
    Config, Upstream, Url,
    testing::{Answer, TestServer},
};
use serde_json::Value;
use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

/// Saturday, 2026-11-21T06:53:00Z, asked by a member in Berlin.
pub fn call() -> Call {
    Call {
        id: "call_1".into(),
        turn: TurnId::new(),
        conversation: ConversationId::new(),
        person: Arc::new(Person {
            id: PersonId::new(),
            name: "Brigitte".into(),
            standing: Standing::Member,
            zone: Some("Europe/Berlin".into()),
            language: None,
            created_at_ms: 0,
        }),
        agent: majordomo_domain::AgentId::new(),
        toolkits: std::sync::Arc::new([]),
        room: None,
        channel: "web".into(),
        label: majordomo_domain::Label::OWN,
        key: "test".into(),
        ask: majordomo_domain::tool::Ask::nobody(),
        now_ms: 1_795_243_980_000,
    }
}

pub fn tool<'a>(toolkit: &'a Toolkit, name: &str) -> &'a ErasedTool {
    let tool = toolkit.tools.iter().find(|tool| tool.name == name || tool.aliases.contains(&name));
    tool.unwrap_or_else(|| panic!("the toolkit has no {name}"))
}

/// Runs a tool that needs no outside service.
pub fn run(toolkit: &Toolkit, name: &str, arguments: &str, call: &Call) -> Result<Output, ToolError> {
    futures_util::future::FutureExt::now_or_never(tool(toolkit, name).parse(arguments)?.run(call))
        .expect("needs no waiting")
}

pub async fn ask(toolkit: &Toolkit, name: &str, arguments: &str) -> Result<Output, ToolError> {
    tool(toolkit, name).parse(arguments)?.run(&call()).await
}

/// What a model reads, as JSON.
pub fn told(output: &Output) -> Value {
    let mut told: Value = serde_json::from_str(&output.text).expect("tools of services answer in JSON");
    // The order of keys depends on how the whole program is built.
    told.sort_all_objects();
    told
}

/// Retries without a wait.
pub fn upstream() -> Upstream {
    Upstream::new(Config { backoff: Duration::from_millis(1), ..Config::default() }).expect("a client")
}

/// One tool with good arguments and what the service answers: `(path, fixture)`.
pub struct Case {
    pub tool: &'static str,
    pub arguments: &'static str,
    pub answers: &'static [(&'static str, &'static str)],
}

/// Where a toolkit's service lives, how to build the toolkit over it, and how the service says that there is nothing.
pub struct Bench {
    pub toolkit: fn(Url) -> Toolkit,
    pub fixture: fn(&str) -> String,
    /// The answer for "nothing", given the good answer.
    pub nothing: fn(&Value) -> Answer,
    pub cases: &'static [Case],
}

/// `GET /path?name=value&…` as sent, and whatever else the server was asked.
pub fn requests(server: &TestServer) -> Vec<String> {
    let line = |asked: &majordomo_upstream::testing::Asked| {
        let query: Vec<String> = asked.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{}", asked.method, asked.path, query.join("&"))
    };
    let mut lines: Vec<String> = server.asked().iter().map(line).collect();
    lines.sort();
    lines
}

impl Bench {
    /// The good answer of every tool: requests sent, text for the model, cards for a person, as one snapshot a tool.
    /// Returns every request.
    pub async fn good_answers(&self) -> Vec<String> {
        let mut all = Vec::new();
        for case in self.cases {
            let server = TestServer::start().await;
            for (path, fixture) in case.answers {
                server.on("GET", path, Answer::json_text((self.fixture)(fixture)));
            }
            let toolkit = (self.toolkit)(server.url());
            let title = tool(&toolkit, case.tool).parse(case.arguments).expect(case.tool).title();
            let output =
                ask(&toolkit, case.tool, case.arguments).await.unwrap_or_else(|e| panic!("{}: {e}", case.tool));
            let requests = requests(&server);
            let cards: Vec<String> = output.cards.iter().map(|c| serde_json::to_string(c).unwrap()).collect();
            let text = format!(
                "{}\n{title}\n\n{}\n\n{:#}\n\n{}\n",
                case.arguments,
                requests.join("\n"),
                told(&output),
                cards.join("\n")
            );
            assert!(output.text.len() < 20_000, "{} tells {} bytes", case.tool, output.text.len());
            assert!(output.cards.len() <= 8);
            insta::assert_snapshot!(case.tool, text);
            all.extend(requests);
        }
        all
    }

    /// What every tool says when the service knows nothing of it.
    pub async fn nothing_found(&self, except: &[&str]) {
        for case in self.cases.iter().filter(|case| !except.contains(&case.tool)) {
            let server = TestServer::start().await;
            for (path, fixture) in case.answers {
                let good = serde_json::from_str(&(self.fixture)(fixture)).unwrap();
                server.on("GET", path, (self.nothing)(&good));
            }
            // The search falls back to people before it gives up.
            server.on(
                "GET",
                "/search/person",
                Answer::json_text(r#"{"page":1,"results":[],"total_pages":1,"total_results":0}"#),
            );
            let output = ask(&(self.toolkit)(server.url()), case.tool, case.arguments).await;
            let output = output.unwrap_or_else(|e| panic!("{}: {e}", case.tool));
            assert!(
                output.text.contains("nothing found") || output.text.contains("\"total_results\":0"),
                "{}: {}",
                case.tool,
                output.text
            );
            assert!(output.cards.is_empty(), "{}", case.tool);
        }
    }

    /// What every tool says when every request fails in one way: always "could not ask", never an empty list.
    pub async fn failing(&self, answer: &Answer, reason: &str) {
        for case in self.cases {
            let server = TestServer::start().await;
            for (path, _) in case.answers {
                server.on("GET", path, answer.clone());
            }
            let error = ask(&(self.toolkit)(server.url()), case.tool, case.arguments).await.expect_err(case.tool);
            could_not_ask(case.tool, &error, reason);
        }
    }

    /// The same with nobody listening.
    pub async fn unreachable(&self) {
        let free = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let toolkit = (self.toolkit)(Url::parse(&format!("http://127.0.0.1:{free}/")).unwrap());
        for case in self.cases {
            let error = ask(&toolkit, case.tool, case.arguments).await.expect_err(case.tool);
            could_not_ask(case.tool, &error, "it ");
        }
    }

    /// Every tool of the toolkit has a case.
    pub fn covers_every_tool(&self) {
        let toolkit = (self.toolkit)(Url::parse("http://127.0.0.1:9/").unwrap());
        let have: BTreeSet<&str> = self.cases.iter().map(|case| case.tool).collect();
        let want: BTreeSet<&str> = toolkit.tools.iter().map(|tool| tool.name).collect();
        assert_eq!(have, want);
    }
}

#[track_caller]
fn could_not_ask(tool: &str, error: &ToolError, expected: &str) {
    match error {
        ToolError::CouldNotAsk { reason, .. } => assert!(reason.contains(expected), "{tool}: {reason}"),
        other => panic!("{tool}: {other:?}"),
    }
    assert!(!error.to_string().contains("0123456789abcdef"), "the key is in: {error}");
}

/// Checks requests against a published API description in the shared folder beside the workspace, when it is there.
/// `prefix` is what the description's paths start with.
pub fn check_against_description(requests: &[String], file: &str, prefix: &str, also_known: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no {file} in the shared folder beside the workspace");
        return;
    };
    let description: Value = serde_json::from_str(&text).unwrap();
    let paths = description["paths"].as_object().unwrap();
    for request in requests {
        let (path, query) =
            request.trim_start_matches("GET ").split_once('?').unwrap_or((request.trim_start_matches("GET "), ""));
        let path = format!("{prefix}{path}");
        let fits = |template: &str| {
            let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
            template.len() == path.len()
                && template
                    .iter()
                    .zip(&path)
                    .all(|(want, have)| want == have || (want.starts_with('{') && !have.is_empty()))
        };
        // A path in words before one with a placeholder: `/tv/airing_today`, then `/tv/{id}`.
        let known = paths.keys().filter(|template| fits(template)).min_by_key(|template| template.matches('{').count());
        let Some(known) = known else { panic!("{file} has no {path}") };
        let parameters = paths[known]["get"]["parameters"].as_array().cloned().unwrap_or_default();
        for name in query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split('=').next().unwrap()) {
            let name = name.trim_end_matches("[]");
            let is_known = parameters.iter().any(|p| p["name"] == name) || also_known.contains(&name);
            assert!(is_known, "{file}: {known} has no parameter {name}");
        }
    }
}
