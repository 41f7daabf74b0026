//! Secrets never leave. Canaries are planted wherever a secret can be, the real program walks and stumbles with everything it
//! and its libraries can say switched on, and then whatever came out of it is searched: log, output, metrics, traces, every
//! answer over HTTP, prompts, and the database; as they are, encoded, escaped, and cut in two.

use crate::harness::{PATIENCE, Setting, Stage, database_bytes, program, text_of, with_input};
use axum::{body::Bytes, http::HeaderMap};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use majordomo_standins::{
    Fault,
    model::{Piece, Script},
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fmt::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
};

/// Something that must not be found, and where it may be all the same.
struct Canary {
    name: &'static str,
    value: String,
    /// Beginnings of the names of places.
    may_be_in: &'static [&'static str],
}

/// Everything that came out of the program, by the place it came out of.
#[derive(Default)]
struct Seen {
    places: Vec<(String, Vec<u8>)>,
}

impl Seen {
    fn note(&mut self, place: impl Into<String>, bytes: impl AsRef<[u8]>) {
        self.places.push((place.into(), bytes.as_ref().to_vec()));
    }

    /// Send a request and keep what came back, headers other than the cookie included.
    async fn ask(&mut self, what: &str, request: RequestBuilder) -> (StatusCode, HeaderMap, Value) {
        let response = request.timeout(PATIENCE).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let kind = if status.is_success() { "body" } else { "error" };
        let shown: Vec<_> = headers.iter().filter(|(name, _)| *name != "set-cookie").collect();
        self.note(format!("{kind} {what}"), format!("{shown:?}\n{text}"));
        (status, headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Say something and keep what comes of it: the events, and the texts that came in pieces put together again.
    async fn turn(&mut self, stage: &Stage, conversation: &str, text: &str) {
        let mut events = stage.events(conversation).await;
        let path = format!("/api/conversations/{conversation}/messages");
        let said = stage.request(Method::POST, &path).json(&json!({ "text": text }));
        let (status, _, body) = self.ask("POST message", said).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        let mut pieces = String::new();
        for event in events.turn().await {
            self.note("stream", event.to_string());
            pieces.push_str(event["text"].as_str().unwrap_or_default());
        }
        self.note("stream", pieces);
    }

    /// Where each canary was found that should not be there.
    fn found(&self, canaries: &[Canary]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (place, bytes) in &self.places {
            // What a line break, a chunk or a wrapped print has cut in two.
            let joined: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            for canary in canaries {
                if canary.may_be_in.iter().any(|allowed| place.starts_with(allowed)) {
                    continue;
                }
                let is_there = |(_, form): &(&str, Vec<u8>)| contains(bytes, form) || contains(&joined, form);
                if let Some((form, _)) = forms(&canary.value).iter().find(|form| is_there(form)) {
                    found.insert(format!("{} ({form}) in {place}", canary.name));
                }
            }
        }
        found
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    let (first, rest) = (part[0], &part[1..]);
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == first).map(|at| from + at) {
        if text[at + 1..].starts_with(rest) {
            return true;
        }
        from = at + 1;
    }
    false
}

/// What a value may look like. Base64 in the three ways in which it can lie within something longer.
fn forms(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = value.as_bytes();
    let joined: String = value.split_whitespace().collect();
    let json = serde_json::to_string(value).unwrap();
    let json = json.trim_matches('"');
    let url: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let mut hex = String::new();
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    let mut forms = vec![
        ("as it is", bytes.to_vec()),
        ("without blanks", joined.into_bytes()),
        ("as JSON", json.as_bytes().to_vec()),
        ("as JSON in JSON", serde_json::to_string(json).unwrap().trim_matches('"').as_bytes().to_vec()),
        ("in an address", url.replace('+', "%20").into_bytes()),
        ("in a form", url.into_bytes()),
        ("as hex", hex.to_uppercase().into_bytes()),
        ("as hex", hex.into_bytes()),
    ];
    for shift in 0..3 {
        let padded = [&vec![0; shift][..], bytes].concat();
        let (first, last) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
        forms.push(("as base64", STANDARD_NO_PAD.encode(&padded).as_bytes()[first..last].to_vec()));
        forms.push(("as base64", URL_SAFE_NO_PAD.encode(&padded).as_bytes()[first..last].to_vec()));
    }
    forms
}

const KEY_IN_SETTINGS: &str = "sk-canary-settings/7a+1=";
const KEY_OF_VARIABLE: &str = "sk-canary-variable/7b+2=";
const KEY_SEALED: &str = "sk-canary-sealed/7c+3=";
const HEADER: &str = "canary-header/7d+4=";
const TMDB: &str = "c0ffee5ec2e7c0ffee5ec2e7c0ffee11";
const BYSTANDER: &str = "sk-canary-bystander/7e+5=";
const DATABASE: &str = "canary-database/7f+6";
const OTLP: &str = "canary-otlp-80+7";
const GUESSED_KEY: &str = "mdk_canary81deadbeefcanary81deadbeef";
const GUESSED_CODE: &str = "canary82feedfacecanary82feedface";
const GUESSED_COOKIE: &str = "canary83cafebabecanary83cafebabe";
const IN_ADDRESS: &str = "canary-in-an-address-84";
const IN_TYPO: &str = "canary-in-a-typo-85";
const IN_WRONG_KIND: &str = "canary-of-the-wrong-kind-86";
const IN_USER_INFO: &str = "canary-user-info-87";
const SAID: &str = "the canary sang \"at dawn\" in the cellar 88";
const ANSWERED: &str = "and the canary answered / softly 89";
const QUOTED: &str = "the vendor quotes a canary 90";
const BROKEN: &str = "canary in a broken request 91";
const TITLE: &str = "canary in a title 92";

/// Everything may speak, libraries included.
const LOUD: &str =
    "trace,majordomo=trace,hyper=trace,hyper_util=trace,reqwest=trace,sqlx=trace,tower_http=trace,h2=trace";

const TALK: &[&str] = &["body", "stream", "database", "prompt"];
const NOWHERE: &[&str] = &[];

fn canary(name: &'static str, value: impl Into<String>, may_be_in: &'static [&'static str]) -> Canary {
    Canary { name, value: value.into(), may_be_in }
}

/// A place where traces arrive, and the header they came with.
async fn collector() -> (String, Arc<Mutex<(Vec<u8>, Vec<String>)>>) {
    let received = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let kept = received.clone();
    let receive = move |headers: HeaderMap, body: Bytes| {
        let mut received = kept.lock().unwrap();
        received.0.extend_from_slice(&body);
        received.1.extend(headers.get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned));
        async { "" }
    };
    let app = axum::Router::new().route("/v1/traces", axum::routing::post(receive));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (endpoint, received)
}

#[test]
fn the_search_finds_a_canary_in_every_form_and_cut_in_two() {
    let canaries = [canary("test", "c4nary/\"one\"+1 =", NOWHERE), canary("allowed", "allowed-canary", &["log"])];
    let mut missed = Vec::new();
    for (form, text) in forms(&canaries[0].value) {
        let mut cut = b"before ".to_vec();
        cut.extend_from_slice(&text[..text.len() / 2]);
        cut.extend_from_slice(b"\r\n");
        cut.extend_from_slice(&text[text.len() / 2..]);
        for bytes in [text.clone(), cut] {
            let mut seen = Seen::default();
            seen.note("log", [b"x=", &bytes[..], b" allowed-canary"].concat());
            // A blank is no cut: what holds one is found by its form without any.
            let is_found = !seen.found(&canaries).is_empty();
            if !is_found && !form.starts_with("as JSON") && form != "as it is" {
                missed.push(form);
            }
            assert!(!seen.found(&canaries).iter().any(|hit| hit.starts_with("allowed")));
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
    assert!(Seen::default().found(&canaries).is_empty());
}

/// Settings that are refused, and commands that fail, with a canary in what they refuse.
fn stumble(folder: &Path, seen: &mut Seen) {
    let bad = tempfile::tempdir().unwrap();
    for (what, settings) in [
        ("a typo", format!("[models.openai]\napi_kee = \"{IN_TYPO}\"\n")),
        ("no end", format!("[models.openai]\napi_key = \"{IN_TYPO}\n")),
        ("no quotes", format!("[models.openai]\napi_key = {IN_TYPO}\n")),
        ("a wrong kind", format!("[tools.tmdb]\napi_key = [\"{IN_WRONG_KIND}\"]\n")),
        ("a table", format!("[tools.tmdb]\napi_key = {{ value = \"{IN_WRONG_KIND}\" }}\n")),
        ("a wrong place", format!("[models]\nopenai = \"{IN_WRONG_KIND}\"\n")),
        ("a wrong section", format!("[tools]\ntmdb = \"{IN_WRONG_KIND}\"\n")),
        ("a malformed key", format!("[tools.tmdb]\napi_key = \"{IN_WRONG_KIND}\"\n")),
        ("user info", format!("[tools.tmdb]\nbase_url = \"http://me:{IN_USER_INFO}@localhost/3\"\n")),
        ("broken user info", format!("[tools.tmdb]\nbase_url = \"http://me:{IN_USER_INFO}@[localhost/3\"\n")),
        ("user info of a model", format!("[models.openai]\nbase_url = \"http://me:{IN_USER_INFO}@localhost/3\"\n")),
        ("a bad address", format!("[server]\npublic_url = \"http://me:{IN_USER_INFO}@[localhost/3\"\n")),
        ("a database", format!("[store]\nurl = \"postgres://house:{DATABASE}@127.0.0.1:9/house\"\n")),
        ("no database", format!("[store]\nurl = \"oracle://house:{DATABASE}@127.0.0.1:9/house\"\n")),
        ("a broken database", format!("[store]\nurl = \"postgres://house:{DATABASE}@[127/house\"\n")),
        ("a collector", format!("[telemetry]\notlp_endpoint = \"ftp://me:{IN_USER_INFO}@localhost/\"\n")),
    ] {
        std::fs::write(bad.path().join("majordomo.toml"), format!("{settings}\n[log]\nlevel = \"{LOUD}\"\n")).unwrap();
        for arguments in [&["serve", "--listen", "192.0.2.1:1"][..], &["doctor"], &["migrate"]] {
            let output = program(bad.path()).args(arguments).output().unwrap();
            if arguments[0] == "serve" {
                assert!(!output.status.success(), "{what} starts");
            }
            seen.note(format!("output {} with {what}", arguments[0]), text_of(&output));
        }
    }
    std::fs::remove_file(bad.path().join("majordomo.toml")).unwrap();
    let mut variable = program(bad.path());
    variable.args(["serve"]).env("MAJORDOMO_TOOLS__TMDB__API_KEY", format!("[{IN_WRONG_KIND}]"));
    variable.env("MAJORDOMO_SERVER__LISTEN", "nowhere");
    seen.note("output serve with variables", text_of(&variable.output().unwrap()));
    for arguments in
        [&["secret", "list"][..], &["secret", "list", "--json"], &["secret", "rotate"], &["person", "list"]]
    {
        seen.note(
            format!("output {}", arguments.join(" ")),
            text_of(&program(folder).args(arguments).output().unwrap()),
        );
    }
    for key in ["short", IN_WRONG_KIND, ""] {
        let mut wrong = program(folder);
        wrong.args(["secret", "rotate"]).env("MAJORDOMO_SECRETS__KEY_FILE", folder.join("wrong.key"));
        std::fs::write(folder.join("wrong.key"), key).unwrap();
        std::fs::set_permissions(folder.join("wrong.key"), PermissionsExt::from_mode(0o600)).unwrap();
        seen.note("output rotate with a wrong key", text_of(&wrong.output().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_message_leaves_the_house_by_any_door() {
    let mut seen = Seen::default();
    let (endpoint, traces) = collector().await;
    let mut stage = Stage::with(Setting::default()).await;
    stage.kill();
    let path = stage.folder.path().join("majordomo.toml");
    let settings = std::fs::read_to_string(&path)
        .unwrap()
        .replace("format = \"logfmt\"", &format!("format = \"logfmt\"\nlevel = \"{LOUD}\""))
        .replace("sk-canary-of-the-model", KEY_IN_SETTINGS)
        .replace(
            "api_key = \"0123456789abcdef0123456789abcdef\"",
            "api_key = \"secret:TMDB\"\ntimeout_ms = 1500\nrequest_timeout_ms = 700",
        );
    let provider = |name: &str, key: &str, model: &str, more: &str| {
        format!(
            "[models.{name}]\ndialect = \"chat_completions\"\nbase_url = \"{}\"\napi_key = \"{key}\"\nretries = 1\n\
             idle_timeout_seconds = 1\nroles = {{ chat = \"{model}\" }}\n{more}",
            stage.town.model_url()
        )
    };
    let others = [
        provider("second", "env:SECOND_KEY", "two", &format!("headers = {{ X-Api-Key = \"{HEADER}\" }}\n")),
        provider("third", "secret:MODEL", "three", "headers = { X-House-Token = \"secret:TOKEN\" }\n"),
    ];
    let head = format!("[secrets]\nkey_file = \"{}\"\n", stage.folder.path().join("keys/master").display());
    std::fs::write(
        &path,
        format!(
            "{settings}\n[engine]\ncool_down_seconds = 0\n[agents.majordomo.limits]\nseconds = 8\n{head}{}",
            others.concat()
        ),
    )
    .unwrap();
    let sealed = [
        ("MODEL", KEY_SEALED),
        ("TMDB", TMDB),
        ("TOKEN", "canary-token \"of\" the/house"),
        ("SPARE", "canary-spare\\93"),
    ];
    for (name, value) in sealed {
        let mut command = program(stage.folder.path());
        command.args(["secret", "set", name]);
        let output = with_input(command, value);
        assert!(output.status.success(), "{}", text_of(&output));
        seen.note(format!("output secret set {name}"), text_of(&output));
    }
    let first_master = std::fs::read_to_string(stage.folder.path().join("keys/master")).unwrap().trim().to_owned();
    let mut variables = vec![
        ("SECOND_KEY", KEY_OF_VARIABLE.to_owned()),
        ("ANTHROPIC_API_KEY", BYSTANDER.to_owned()),
        ("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization=Bearer%20{}", OTLP.replace('+', "%2B"))),
        ("MAJORDOMO_TELEMETRY__OTLP_ENDPOINT", endpoint),
        ("MAJORDOMO_MODELS__STANDIN__IDLE_TIMEOUT_SECONDS", "1".to_owned()),
        ("MAJORDOMO_MODELS__STANDIN__RETRIES", "1".to_owned()),
        ("RUST_BACKTRACE", "full".to_owned()),
    ];
    stage.start(&variables).await;

    // Signing in: the link is for the person at the terminal, and for nobody else.
    let printed = stage.command(&["person", "link", "Admin"]);
    let code = |text: &str| text.split_once("/#code=").unwrap().1.lines().next().unwrap().to_owned();
    let codes = [code(&text_of(&printed)), code(&text_of(&stage.command(&["person", "link", "Admin"])))];
    let url = |path: &str| format!("{}{path}", stage.address);
    let mut cookies = Vec::new();
    let mut csrf = Vec::new();
    for code in &codes {
        let login = stage.client.post(url("/api/login")).json(&json!({ "code": code }));
        let (status, headers, body) = seen.ask("POST /api/login", login).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let cookie = headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        cookies.push(cookie);
        csrf.push(body["csrf_token"].as_str().unwrap().to_owned());
    }
    let browser = |method: Method, path: &str| {
        let request = stage.client.request(method, url(path)).header("cookie", &cookies[1]);
        request.header("x-csrf-token", &csrf[1]).header("origin", &stage.address)
    };
    let (status, ..) = seen.ask("GET /api/me", browser(Method::GET, "/api/me")).await;
    assert_eq!(status, StatusCode::OK);
    let made = browser(Method::POST, "/api/keys").json(&json!({ "name": "display" }));
    let (status, _, body) = seen.ask("POST /api/keys", made).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let second_key = body["key"].as_str().unwrap().to_owned();
    let (_, _, body) = seen.ask("POST link-code", browser(Method::POST, "/api/me/link-code")).await;
    let link_code = body["code"].as_str().unwrap().to_owned();
    seen.ask("GET /api/keys", browser(Method::GET, "/api/keys")).await;
    for (what, request) in [
        ("a wrong code", stage.client.post(url("/api/login")).json(&json!({ "code": GUESSED_CODE }))),
        ("a used code", stage.client.post(url("/api/login")).json(&json!({ "code": codes[0] }))),
        ("a wrong key", stage.client.get(url("/api/me")).bearer_auth(GUESSED_KEY)),
        ("a wrong cookie", stage.client.get(url("/api/me")).header("cookie", format!("majordomo={GUESSED_COOKIE}"))),
        ("a key in the address", stage.client.get(url(&format!("/api/me?token={IN_ADDRESS}")))),
        ("a path", stage.request(Method::GET, &format!("/api/{IN_ADDRESS}"))),
        ("a conversation", stage.request(Method::GET, &format!("/api/conversations/{IN_ADDRESS}"))),
        ("a picture", stage.request(Method::GET, &format!("/api/pictures/tmdb/{IN_ADDRESS}"))),
        ("a tool", stage.request(Method::POST, &format!("/api/tools/{IN_ADDRESS}")).json(&json!({}))),
        ("another's token", browser(Method::POST, "/api/keys").header("x-csrf-token", &csrf[0]).json(&json!({}))),
    ] {
        let (status, ..) = seen.ask(what, request).await;
        assert!(status.is_client_error(), "{what}: {status}");
    }

    // Talking, on every way in.
    let made = stage.request(Method::POST, "/api/conversations").json(&json!({ "title": TITLE }));
    let (_, _, body) = seen.ask("POST /api/conversations", made).await;
    let conversation = body["id"].as_str().unwrap().to_owned();
    let say = format!("/api/conversations/{conversation}/messages");
    stage.town.model().script(Script::text(ANSWERED).when_asked(SAID));
    seen.turn(&stage, &conversation, SAID).await;
    for (what, body) in [
        ("broken JSON", format!("{{\"text\": \"{BROKEN}")),
        ("another shape", format!("{{\"words\": \"{BROKEN}\"}}")),
        ("another kind", format!("{{\"text\": [\"{BROKEN}\"]}}")),
        ("an unknown model", json!({ "text": BROKEN, "model": "nobody/nothing" }).to_string()),
        ("too long", json!({ "text": BROKEN.repeat(6_000) }).to_string()),
    ] {
        let request = stage.request(Method::POST, &say).header("content-type", "application/json").body(body);
        let (status, ..) = seen.ask(what, request).await;
        assert!(status.is_client_error(), "{what}: {status}");
    }
    let chat = stage.request(Method::POST, "/api/v1/chat").json(&json!({ "message": SAID, "session_id": "canaries" }));
    seen.ask("POST /api/v1/chat", chat).await;

    // A model that fails in every way, quoting what it can.
    let town = &stage.town;
    // Each vendor quotes what it was given.
    let quotes = [
        ("demo-household", KEY_IN_SETTINGS.to_owned()),
        ("two", format!("{KEY_OF_VARIABLE} and {HEADER}")),
        ("three", format!("{KEY_SEALED} and {}", sealed[2].1)),
    ];
    let each = |script: &dyn Fn(String) -> Script| -> Vec<Script> {
        let of_model = |(model, quote): &(&str, String)| {
            let mut script = script(format!("{QUOTED}: bad key {quote}")).for_ever();
            script.when.model = Some((*model).to_owned());
            script
        };
        quotes.iter().map(of_model).collect()
    };
    let mut faults = Vec::new();
    for status in [401, 400, 500, 429] {
        faults.push(each(&|message| {
            let mut script = Script::status(status, None);
            script.refuse.as_mut().unwrap().message = Some(message);
            script
        }));
    }
    faults.push(each(&|message| Script::new(vec![Piece::ErrorEvent { message }])));
    for piece in [
        Piece::Raw { text: format!("data: {{\"choices\": \"{QUOTED}\"}}\n\n") },
        Piece::Raw { text: format!("data: {QUOTED}\n\n") },
        Piece::Cut,
        Piece::NoFinish,
        Piece::Silence,
    ] {
        faults.push(vec![Script::new(vec![Piece::Text { text: ANSWERED.into() }, piece]).for_ever()]);
    }
    faults.push(vec![Script::call("tmdb_details", json!({ "item_id": SAID })).for_ever()]);
    faults.push(vec![Script::call("no_such_tool", json!({ "words": SAID })).for_ever()]);
    for scripts in faults {
        town.model().unscript();
        scripts.into_iter().for_each(|script| town.model().script(script));
        seen.turn(&stage, &conversation, SAID).await;
    }
    town.model().unscript();
    for fault in [Fault::Refuse, Fault::HalfJson, Fault::Html, Fault::OtherShape, Fault::HangUp] {
        town.fault("model", fault).await;
        seen.turn(&stage, &conversation, SAID).await;
        seen.ask("GET /api/models", stage.request(Method::GET, "/api/models?refresh=true")).await;
        town.mend("model").await;
    }

    // TMDb on its bad days: its key stands in the address of every request.
    let mut failures = 0;
    for fault in [
        Fault::Refuse,
        Fault::HangUp,
        Fault::Hang,
        Fault::Status { code: 401, retry_after: None },
        Fault::Status { code: 500, retry_after: None },
        Fault::Status { code: 429, retry_after: Some(1) },
        Fault::HalfJson,
        Fault::OtherShape,
        Fault::Html,
        Fault::RedirectLoop,
        Fault::CutAfter { bytes: 40 },
    ] {
        // A breaker that has seen enough would keep the next fault out.
        stage.kill();
        stage.start(&variables).await;
        stage.town.fault("tmdb", fault.clone()).await;
        let search = json!({ "query": format!("canary {failures}") });
        let asked = stage.request(Method::POST, "/api/tools/tmdb_search_multi").json(&search);
        let (_, _, body) = seen.ask("POST tool", asked).await;
        let text = body.to_string();
        assert!(text.contains("could not") || text.contains("not understand"), "{fault:?}: {text}");
        failures += 1;
        seen.ask("GET picture", stage.request(Method::GET, "/api/pictures/tmdb/w342/canary.jpg")).await;
        let mut doctor = program(stage.folder.path());
        doctor.args(["doctor", "--json"]).envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        if failures < 3 {
            seen.note("output doctor", text_of(&doctor.output().unwrap()));
        }
        seen.ask("GET /health", stage.request(Method::GET, "/health")).await;
        stage.town.mend("tmdb").await;
    }
    for path in [
        "/health",
        "/readyz",
        "/healthz",
        "/api/v1/health",
        "/openapi.json",
        "/api/tools",
        "/api/models",
        "/api/usage",
        "/api/people",
        "/api/agents",
    ] {
        seen.ask(path, stage.request(Method::GET, path)).await;
    }
    let (_, _, metrics) = seen.ask("metrics", stage.request(Method::GET, "/metrics")).await;
    seen.note("metrics", metrics.as_str().unwrap());
    let (_, list) = stage.get(&say).await;
    assert!(list.to_string().contains("canary sang"), "the person reads what was said");
    let mut asked = BTreeSet::new();
    for request in stage.town.requests_to("model") {
        asked.extend(request.body["model"].as_str().map(str::to_owned));
        seen.note("prompt", request.body.to_string());
        assert_eq!(request.header("authorization"), Some("present"));
    }

    assert_eq!(asked.len(), 3, "every provider was asked: {asked:?}");
    let hidden = list.to_string().matches("[secret]").count();
    assert!(hidden > 0, "what a vendor quotes is shown without its key: {list}");

    // The keys change, the service stops, and starts once more with nobody to take its traces.
    let changed = stage.command(&["secret", "rotate", "--master", "keys/new"]);
    assert!(changed.status.success(), "{}", text_of(&changed));
    seen.note("output rotate --master", text_of(&changed));
    let second_master = std::fs::read_to_string(stage.folder.path().join("keys/new")).unwrap().trim().to_owned();
    stage.terminate();
    assert!(stage.ended().await.success());
    variables.pop_if(|(name, _)| *name == "RUST_BACKTRACE");
    variables
        .extend([("MAJORDOMO_SECRETS__KEY_FILE", "keys/new".to_owned()), ("MAJORDOMO_LOG__FORMAT", "json".to_owned())]);
    let gone = ("MAJORDOMO_TELEMETRY__OTLP_ENDPOINT", format!("http://me:{IN_USER_INFO}@127.0.0.1:9/v1/traces"));
    variables.retain(|(name, _)| *name != gone.0);
    variables.push(gone);
    stage.start(&variables).await;
    stage.ask(&conversation, SAID).await;
    stage.terminate();
    stage.ended().await;
    let mut once = program(stage.folder.path());
    once.args(["chat", "--once", SAID, "--link", &link_code])
        .envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
    let talk = once.output().unwrap();
    assert!(talk.status.success(), "{}", text_of(&talk));
    seen.note("chat", text_of(&talk));
    stumble(stage.folder.path(), &mut seen);

    let mut said = 0;
    for entry in std::fs::read_dir(stage.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("log-") {
            let text = std::fs::read_to_string(&path).unwrap();
            // The one line that is meant for eyes.
            let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("Sign in, once, within")).collect();
            said += lines.len();
            seen.note("log", lines.join("\n"));
        }
    }
    let (traced, headers) = traces.lock().unwrap().clone();
    assert!(headers.contains(&format!("Bearer {OTLP}")), "traces come with their header: {headers:?}");
    seen.note("traces", traced);
    for (file, bytes) in database_bytes(stage.folder.path()).await {
        seen.note(format!("database {file}"), bytes);
    }
    let mut canaries = vec![
        canary("key in the settings", KEY_IN_SETTINGS, NOWHERE),
        canary("key in a variable", KEY_OF_VARIABLE, NOWHERE),
        canary("sealed key", KEY_SEALED, NOWHERE),
        canary("header", HEADER, NOWHERE),
        canary("TMDb key", TMDB, NOWHERE),
        canary("key nobody uses", BYSTANDER, NOWHERE),
        canary("password of the database", DATABASE, NOWHERE),
        canary("header of the traces", OTLP, NOWHERE),
        canary("guessed key", GUESSED_KEY, NOWHERE),
        canary("guessed code", GUESSED_CODE, NOWHERE),
        canary("guessed cookie", GUESSED_COOKIE, NOWHERE),
        canary("word in an address", IN_ADDRESS, NOWHERE),
        canary("word of a typo", IN_TYPO, NOWHERE),
        canary("word of a wrong kind", IN_WRONG_KIND, NOWHERE),
        canary("password in an address", IN_USER_INFO, NOWHERE),
        canary("what was said", SAID, &["body", "stream", "database", "prompt"]),
        canary("what was answered", ANSWERED, &["body", "stream", "database", "prompt", "chat"]),
        canary("what the vendor quotes", QUOTED, TALK),
        canary("what was refused", BROKEN, NOWHERE),
        canary("title", TITLE, TALK),
        canary("sealed token", sealed[2].1, NOWHERE),
        canary("sealed secret nobody uses", sealed[3].1, NOWHERE),
        canary("master key", first_master, NOWHERE),
        canary("new master key", second_master, NOWHERE),
        canary("API key", stage.key.clone(), NOWHERE),
        canary("code that joins an account", link_code, &["body POST link-code"]),
        canary("second API key", second_key, &["body POST /api/keys"]),
    ];
    for (code, cookie) in codes.into_iter().zip(&cookies) {
        canaries.push(canary("one-time code", code, NOWHERE));
        canaries.push(canary("session", cookie.split_once('=').unwrap().1, NOWHERE));
    }
    for token in csrf {
        canaries.push(canary("token of the page", token, &["body GET /api/me", "body POST /api/login"]));
    }
    assert!(canaries.len() >= 25, "{} canaries", canaries.len());
    let bytes: usize = seen.places.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(said > 2_000 && bytes > 1_000_000, "{said} lines of log, {bytes} bytes in {} places", seen.places.len());
    let found = seen.found(&canaries);
    assert!(found.is_empty(), "{found:#?}");
}
