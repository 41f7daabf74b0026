//! What the engine gets from a provider, asked through `Model` and `Provider` against a server on loopback.

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::StreamExt;
use majordomo_domain::{
    CallRequest, CallResult, Message, MessageId, Model, ModelError, ModelEvent, ModelRequest, ModelRole, Notice,
    NoticeKind, Part, Role, StopReason, TurnId, Usage,
    model::{Effort, ModelOptions, ToolSpec},
};
use majordomo_providers::{Catalogue, Config, Pace, build_with};
use majordomo_upstream::{
    Config as UpstreamConfig, Upstream,
    testing::{Answer, TestServer},
};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const KEY: &str = "sk-test-0123456789abcdef";
const CHAT: &str = include_str!("../src/chat_completions/fixtures/openai-v1-text.sse");
const RESPONSES: &str = include_str!("../src/responses/fixtures/openai-v1-text.sse");
const MESSAGES: &str = include_str!("../src/messages/fixtures/anthropic-2023-06-01-text.sse");

fn settings(text: &str) -> Config {
    let mut config: Config = toml::from_str(text).expect("settings that can be read");
    assert_eq!(config.problems(), []);
    config.resolve(&|name| name.ends_with("_API_KEY").then(|| KEY.to_owned()));
    config
}

fn catalogue(text: &str) -> Catalogue {
    let upstream = Upstream::new(UpstreamConfig::default()).expect("a client");
    let pace = Pace {
        backoff: Duration::from_millis(1),
        longest_wait: Duration::from_millis(20),
        piece: Duration::from_millis(1),
    };
    build_with(&settings(text), &upstream, pace)
}

/// A provider of the given dialect at the server, under a name that is no preset.
fn home(server: &TestServer, dialect: &str, more: &str) -> Catalogue {
    let url = server.url_of("/v1");
    catalogue(&format!("[home]\ndialect = '{dialect}'\nbase_url = '{url}'\napi_key = '{KEY}'\n{more}"))
}

fn model(catalogue: &Catalogue) -> Arc<dyn Model> {
    catalogue.providers[0].model("test-model", ModelOptions::default())
}

/// The chat role's model with its options.
fn chat_model(catalogue: &Catalogue) -> Arc<dyn Model> {
    let chat = &catalogue.roles[&ModelRole::Chat][0];
    catalogue.providers[0].model(&chat.id, chat.options.clone())
}

fn message(role: Role, parts: Vec<Part>) -> Arc<Message> {
    Arc::new(Message { id: MessageId::new(), turn: TurnId::new(), position: 0, role, parts, created_at_ms: 0 })
}

fn question(messages: Vec<Arc<Message>>) -> ModelRequest {
    ModelRequest {
        system: "You are Alfred.".into(),
        tools: Arc::new([]),
        messages,
        max_output_tokens: 1000,
        may_call: true,
        must_call: false,
        cache_key: "conversation-1".into(),
        turn: "turn-1".into(),
    }
}

fn hello() -> ModelRequest {
    question(vec![message(Role::User, vec![Part::text("Hello, what is on tonight?")])])
}

async fn ask(model: &Arc<dyn Model>) -> Vec<Result<ModelEvent, ModelError>> {
    model.stream(hello()).collect().await
}

fn text(events: &[Result<ModelEvent, ModelError>]) -> String {
    let text = events.iter().filter_map(|event| match event {
        Ok(ModelEvent::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    text.collect()
}

fn is_finished(events: &[Result<ModelEvent, ModelError>]) -> bool {
    matches!(events.last(), Some(Ok(ModelEvent::Finished { .. })))
}

fn error(events: &[Result<ModelEvent, ModelError>]) -> &ModelError {
    match events.last() {
        Some(Err(error)) => error,
        other => panic!("not an error: {other:?}"),
    }
}

/// Path and a good answer of each dialect.
const DIALECTS: [(&str, &str, &str); 3] = [
    ("chat_completions", "/v1/chat/completions", CHAT),
    ("responses", "/v1/responses", RESPONSES),
    ("messages", "/v1/messages", MESSAGES),
];

fn refusing(status: u16) -> Answer {
    Answer::json(&json!({"error": {"message": "no", "type": "x"}})).status(status)
}

#[tokio::test]
async fn an_answer_is_streamed_in_every_dialect() {
    for (dialect, path, stream) in DIALECTS {
        let server = TestServer::start().await;
        server.on("POST", path, Answer::events(stream).in_pieces(7));
        let events = ask(&model(&home(&server, dialect, ""))).await;
        assert!(is_finished(&events), "{dialect}: {events:?}");
        assert!(events.iter().filter(|event| matches!(event, Ok(ModelEvent::Text(_)))).count() >= 4, "{dialect}");
        let asked = &server.asked()[0];
        assert_eq!(asked.header("x-request-id"), Some("turn-1"));
        assert_eq!(asked.json()["stream"], json!(true));
        let (header, key) = match dialect {
            "messages" => ("x-api-key", KEY.to_owned()),
            _ => ("authorization", format!("Bearer {KEY}")),
        };
        assert_eq!(asked.header(header), Some(key.as_str()), "{dialect}");
        assert_eq!(asked.header("anthropic-version").is_some(), dialect == "messages");
    }
}

#[tokio::test]
async fn a_connection_is_used_again_for_the_next_question() {
    for (dialect, path, stream) in DIALECTS {
        let server = TestServer::start().await;
        server.on("POST", path, Answer::events(stream).ending_late(Duration::from_millis(5)));
        let model = model(&home(&server, dialect, ""));
        for _ in 0..5 {
            let mut stream = model.stream(hello());
            // As the engine does: it stops at the end of the answer and drops the stream.
            while !matches!(stream.next().await, Some(Ok(ModelEvent::Finished { .. }))) {}
            drop(stream);
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        assert_eq!((server.asked().len(), server.connections()), (5, 1), "{dialect}");
    }
}

#[tokio::test]
async fn passing_failures_are_asked_again_whatever_wait_they_wish_for() {
    let server = TestServer::start().await;
    let path = "/v1/chat/completions";
    for status in [408, 409, 429, 500, 502, 503, 529] {
        server.on("POST", path, refusing(status));
    }
    for wait in ["86400", "-5", "soon", "0.001", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 2094 08:49:37 GMT"] {
        // The last retry goes through here.
        server.on("POST", path, refusing(429).header("retry-after", wait));
    }
    server.on("POST", path, Answer::events(CHAT));
    let model = model(&home(&server, "chat_completions", "retries = 10\n"));
    let began = Instant::now();
    let mut asked = ask(&model).await;
    assert!(matches!(error(&asked), ModelError::Busy { .. }));
    assert_eq!(server.asked().len(), 11, "retries are bounded");
    asked = ask(&model).await;
    assert!(is_finished(&asked), "{asked:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let bodies: Vec<_> = server.asked().into_iter().map(|asked| asked.body).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "every attempt asks the same");
}

#[tokio::test]
async fn what_a_refusal_means_is_told_and_it_is_not_asked_again() {
    let complaint = |code: &str, message: &str| json!({"error": {"message": message, "type": code, "code": code}});
    let long = complaint("context_length_exceeded", "This model's maximum context length is 8192 tokens");
    let claude =
        json!({"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}});
    type Is = fn(&ModelError) -> bool;
    let (refused, invalid, too_long): (Is, Is, Is) = (
        |e| matches!(e, ModelError::Refused { .. }),
        |e| matches!(e, ModelError::Invalid { .. }),
        |e| matches!(e, ModelError::TooLong { .. }),
    );
    for (status, body, is) in [
        (400, complaint("invalid_request_error", "Unknown parameter"), invalid),
        (422, complaint("x", "Extra inputs"), invalid),
        (400, long, too_long),
        (400, claude, too_long),
        (413, complaint("request_too_large", "x"), too_long),
        (401, complaint("invalid_api_key", &format!("Incorrect API key {KEY}")), refused),
        (402, complaint("x", "Insufficient credits"), refused),
        (403, complaint("x", "no"), refused),
        (404, complaint("model_not_found", "The model does not exist"), refused),
        (400, complaint("model_not_found", "The model does not exist"), refused),
        (429, complaint("insufficient_quota", "You exceeded your current quota"), refused),
    ] {
        let server = TestServer::start().await;
        server.on("POST", "/v1/responses", Answer::json(&body).status(status));
        let events = ask(&model(&home(&server, "responses", ""))).await;
        let error = error(&events);
        assert!(is(error), "{status} {body}: {error:?}");
        assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
        assert_eq!((events.len(), server.asked().len()), (1, 1), "{status} {body}");
    }
}

#[tokio::test]
async fn an_error_before_the_first_word_is_asked_again_and_one_after_it_is_not() {
    let overloaded = r#"event: error
data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}

"#;
    let server = TestServer::start().await;
    let begun = &MESSAGES[..MESSAGES.find("event: message_delta").unwrap()];
    server
        .on("POST", "/v1/messages", Answer::events(overloaded))
        .on("POST", "/v1/messages", Answer::events(MESSAGES))
        .on("POST", "/v1/messages", Answer::events(format!("{begun}{overloaded}")));
    let model = model(&home(&server, "messages", ""));
    assert!(is_finished(&ask(&model).await));
    assert_eq!(server.asked().len(), 2);
    let events = ask(&model).await;
    assert!(matches!(error(&events), ModelError::Busy { .. }), "{events:?}");
    assert!(text(&events).contains("Nosferatu"), "what came before is given on");
    assert_eq!(server.asked().len(), 3, "no beginning again once something was said");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_broken_in_every_dialect() {
    for (dialect, path, stream) in DIALECTS {
        let half = &stream[..stream.floor_char_boundary(stream.len() / 2)];
        let clean = TestServer::start().await;
        clean.on("POST", path, Answer::events(half));
        let cut = TestServer::start().await;
        cut.on("POST", path, Answer::events(half).in_pieces(100).then_break());
        for server in [clean, cut] {
            let events = ask(&model(&home(&server, dialect, "retries = 0\n"))).await;
            assert!(matches!(error(&events), ModelError::Broken { .. }), "{dialect}: {events:?}");
            assert!(!events.iter().any(|event| matches!(event, Ok(ModelEvent::Finished { .. }))), "{dialect}");
        }
    }
}

#[tokio::test]
async fn answers_that_are_no_stream_are_errors_or_read_whole() {
    let whole = json!({"model": "m", "choices": [{"message": {"content": "All at once."}, "finish_reason": "stop"}]});
    for (answer, asked, is_right) in [
        (
            Answer::html("<html>Sign in</html>"),
            1,
            (|e| matches!(e, ModelError::Refused { .. })) as fn(&ModelError) -> bool,
        ),
        (Answer::events("<!doctype html>"), 1, |e| matches!(e, ModelError::Refused { .. })),
        (Answer::events(""), 3, |e| matches!(e, ModelError::Broken { .. })),
        (Answer::events("\n\n\n"), 3, |e| matches!(e, ModelError::Broken { .. })),
        (Answer::json_text("{\"choices\":[{\"mess"), 3, |e| matches!(e, ModelError::Broken { .. })),
        (Answer::events("data: {\"choices\":\n\n"), 3, |e| matches!(e, ModelError::Broken { .. })),
        (Answer::events("data: ".to_owned() + &"x".repeat(3_000_000)), 3, |e| matches!(e, ModelError::Broken { .. })),
        (Answer::events(": ping\n\n".repeat(9)), 3, |e| matches!(e, ModelError::Broken { .. })),
    ] {
        let server = TestServer::start().await;
        server.on("POST", "/v1/chat/completions", answer);
        let events = ask(&model(&home(&server, "chat_completions", ""))).await;
        assert!(is_right(error(&events)), "{events:?}");
        assert_eq!(server.asked().len(), asked, "{events:?}");
    }
    for answer in
        [Answer::json(&whole), Answer::events(whole.to_string()), Answer::bytes("text/plain", whole.to_string())]
    {
        let server = TestServer::start().await;
        server.on("POST", "/v1/chat/completions", answer);
        let events = ask(&model(&home(&server, "chat_completions", ""))).await;
        assert!(is_finished(&events));
        assert_eq!(text(&events), "All at once.");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_idle_time_and_is_tried_once_more() {
    let server = TestServer::start().await;
    let path = "/v1/chat/completions";
    let begun = &CHAT[..CHAT.find("heute").unwrap()];
    let begun = &begun[..begun.rfind("data:").unwrap()];
    server
        .on("POST", path, Answer::events("").then_silence())
        .on("POST", path, Answer::events(": ping\n\n").then_silence())
        .on("POST", path, Answer::events(begun).then_silence());
    let model = model(&home(&server, "chat_completions", "idle_timeout_seconds = 2\nretries = 9\n"));
    let began = tokio::time::Instant::now();
    let events = ask(&model).await;
    assert!(matches!(error(&events), ModelError::Unreachable { .. } | ModelError::Broken { .. }), "{events:?}");
    assert_eq!(server.asked().len(), 2);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let events = ask(&model).await;
    assert!(matches!(error(&events), ModelError::Broken { .. }), "{events:?}");
    assert_eq!(server.asked().len(), 3, "no beginning again once something was said");
}

#[tokio::test]
async fn usage_is_estimated_and_marked_when_the_provider_says_nothing() {
    let server = TestServer::start().await;
    server.on(
        "POST",
        "/v1/chat/completions",
        Answer::events(include_str!("../src/chat_completions/fixtures/ollama-v0-no-usage.sse")),
    );
    let events = ask(&model(&home(&server, "chat_completions", ""))).await;
    let usage = events.iter().find_map(|event| match event {
        Ok(ModelEvent::Usage(usage)) => Some(*usage),
        _ => None,
    });
    let Some(Usage { input_tokens: 5..50, output_tokens: 1..5, estimated: true, .. }) = usage else {
        panic!("{usage:?}");
    };
    assert!(is_finished(&events));
}

#[tokio::test]
async fn a_provider_without_streaming_is_given_on_in_small_pieces() {
    let server = TestServer::start().await;
    let said = "Tonight there is Metropolis at eight, and Nosferatu right after it.";
    let whole = json!({"status": "completed", "model": "m", "output": [
        {"type": "message", "content": [{"type": "output_text", "text": said}]}]});
    server.on("POST", "/v1/responses", Answer::json(&whole));
    let url = server.url_of("/v1");
    let catalogue = catalogue(&format!("[concentrate]\nbase_url = '{url}'\n"));
    let events = ask(&chat_model(&catalogue)).await;
    assert_eq!(text(&events), said);
    let pieces: Vec<&str> = events
        .iter()
        .filter_map(|event| if let Ok(ModelEvent::Text(text)) = event { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(pieces, ["Tonight there is ", "Metropolis at eight, ", "and Nosferatu right ", "after it."]);
    assert!(is_finished(&events));
    assert_eq!(server.asked()[0].json()["stream"], json!(false));
}

fn tools() -> Arc<[ToolSpec]> {
    let schema = json!({"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]});
    Arc::new([
        ToolSpec { name: "tmdb_search".into(), description: "Find a film.".into(), schema },
        ToolSpec { name: "clock_now".into(), description: "The time.".into(), schema: json!({"type": "object"}) },
    ])
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::Call(CallRequest { id: id.into(), name: name.into(), arguments: arguments.into() })
}

fn result(id: &str, text: &str, is_error: bool) -> Part {
    Part::Result(CallResult {
        call_id: id.into(),
        name: "x".into(),
        text: text.into(),
        is_error,
        duration_ms: 1,
        ..CallResult::default()
    })
}

fn thought(provider: &str, state: Value) -> Part {
    Part::Thinking { text: "hm".into(), dialect: Some(provider.into()), state: Some(state) }
}

/// A history in which everything happened that may happen to one.
fn eventful(provider: &str, states: &[Value]) -> ModelRequest {
    let base64 = |text: &str| BASE64_STANDARD.encode(text);
    let mut first: Vec<Part> = states.iter().map(|state| thought(provider, state.clone())).collect();
    first.push(thought("another", json!({"type": "reasoning", "encrypted_content": "not yours"})));
    first.push(Part::text("Let me look."));
    first.push(call("call_1", "tmdb_search", r#"{"query": "Metropolis"}"#));
    first.push(call("call 2/ß", "made up.name", r#"{"query": "cut"#));
    let mut last: Vec<Part> = states.iter().map(|state| thought(provider, state.clone())).collect();
    last.push(call("call_1", "clock_now", ""));
    let messages = vec![
        message(Role::Assistant, vec![Part::text("The conversation's beginning fell out of the window.")]),
        message(Role::Tool, vec![result("gone", "a result without its call", false)]),
        message(
            Role::User,
            vec![
                Part::text("What is this?"),
                Part::Image { media_type: "image/png".into(), data: base64("png") },
                Part::Image { media_type: "image/tiff".into(), data: base64("tiff") },
                Part::File { name: "notes.txt".into(), media_type: "text/plain".into(), data: base64("Buy milk") },
                Part::File { name: "plan.pdf".into(), media_type: "application/pdf".into(), data: base64("pdf") },
                Part::File { name: "a.zip".into(), media_type: "application/zip".into(), data: base64("zip") },
            ],
        ),
        message(Role::Assistant, first),
        message(Role::Tool, vec![result("call_1", "Metropolis (1927)", false), result("call_1", "twice", false)]),
        message(Role::Assistant, vec![Part::text("It is \"Metropolis\"."), Part::text(" ")]),
        message(Role::Assistant, vec![Part::Notice(Notice::new(NoticeKind::Cancelled, "Stopped by you."))]),
        message(Role::User, vec![Part::text("And now?")]),
        message(Role::User, vec![Part::text(""), Part::text("Quick.")]),
        message(Role::Assistant, last),
        message(Role::Tool, vec![result("call_1", "", true)]),
    ];
    ModelRequest { tools: tools(), may_call: false, ..question(messages) }
}

/// What a provider is sent for the eventful history.
async fn sent(section: &str, provider: &str, states: &[Value]) -> Value {
    let server = TestServer::start().await;
    let catalogue = catalogue(&section.replace("URL", server.url_of("/v1").as_str()));
    let _: Vec<_> = chat_model(&catalogue).stream(eventful(provider, states)).collect().await;
    server.asked()[0].json()
}

#[tokio::test]
async fn calls_are_demanded_where_the_dialect_can_and_results_name_their_reference() {
    let base = "base_url = 'URL'\napi_key = 'k'\n";
    for (section, choice) in [
        (
            "[home]\ndialect = 'chat_completions'\nbase_url = 'URL'\nroles.chat = 'llama-4'\n".to_owned(),
            json!("required"),
        ),
        (format!("[openai]\n{base}roles.chat = 'gpt-5-mini'\n"), json!("required")),
        (format!("[anthropic]\n{base}roles.chat = 'claude-3-5-haiku-latest'\n"), json!({ "type": "any" })),
        (
            format!("[anthropic]\n{base}[anthropic.roles.chat]\nmodel = 'claude-sonnet-4-5'\neffort = 'low'\n"),
            Value::Null,
        ),
    ] {
        let server = TestServer::start().await;
        let catalogue = catalogue(&section.replace("URL", server.url_of("/v1").as_str()));
        let call = CallRequest { id: "call_1".into(), name: "look".into(), arguments: "{}".into() };
        let result = CallResult {
            call_id: "call_1".into(),
            text: "Nothing.".into(),
            reference: Some("r1-1".into()),
            ..CallResult::default()
        };
        let messages = vec![
            message(Role::User, vec![Part::text("Look.")]),
            message(Role::Assistant, vec![Part::Call(call)]),
            message(Role::Tool, vec![Part::Result(result)]),
            message(Role::User, vec![Part::text("Do it.")]),
        ];
        let request = ModelRequest { tools: tools(), must_call: true, ..question(messages) };
        let _: Vec<_> = chat_model(&catalogue).stream(request).collect().await;
        let sent = server.asked()[0].json();
        assert_eq!(sent["tool_choice"], choice, "{section}");
        assert!(sent.to_string().contains(r"Nothing.\n[ref r1-1]"), "{sent}");
    }
}

#[tokio::test]
async fn an_eventful_history_can_be_sent_to_every_dialect() {
    let reasoning = json!({"id": "rs_1", "type": "reasoning", "encrypted_content": "opaque", "summary": []});
    let signed = json!({"type": "thinking", "thinking": "hm", "signature": "sig"});
    let details = json!({"reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}]});
    let deepseek = json!({"reasoning_content": "hm"});
    let plain = "[home]\ndialect = 'chat_completions'\nbase_url = 'URL'\nroles.chat = 'llama-4'\n";
    for (name, section, provider, states) in [
        ("responses", "[openai]\nbase_url = 'URL'\n", "openai", vec![reasoning.clone()]),
        ("responses-plain", "[openai]\nbase_url = 'URL'\nroles.chat = 'gpt-4.1-mini'\n", "openai", vec![reasoning]),
        ("chat", plain, "home", vec![]),
        ("chat-openrouter", "[openrouter]\nbase_url = 'URL'\n", "openrouter", vec![details]),
        ("chat-mistral", "[mistral]\nbase_url = 'URL'\n", "mistral", vec![]),
        ("chat-deepseek", "[deepseek]\nbase_url = 'URL'\n", "deepseek", vec![deepseek]),
        ("messages", "[anthropic]\nbase_url = 'URL'\n", "anthropic", vec![signed.clone()]),
        (
            "messages-thinking",
            "[anthropic]\nbase_url = 'URL'\nroles.chat = { model = 'claude-sonnet-4-5', effort = 'low' }\n",
            "anthropic",
            vec![signed],
        ),
        (
            "messages-unsigned",
            "[anthropic]\nbase_url = 'URL'\nroles.chat = { model = 'claude-opus-4-6', effort = 'low' }\n",
            "anthropic",
            vec![],
        ),
    ] {
        insta::assert_json_snapshot!(name, sent(section, provider, &states).await);
    }
}

#[tokio::test]
async fn a_longer_history_begins_with_the_same_bytes() {
    let whole = eventful("home", &[]).messages;
    for (dialect, path, _) in DIALECTS {
        let server = TestServer::start().await;
        let model = model(&home(&server, dialect, "retries = 0\n"));
        let mut bodies = Vec::new();
        for length in [3, 5, 7, 8, 11] {
            let mut request = question(whole[..length].to_vec());
            request.tools = tools();
            request.messages.push(message(Role::User, vec![Part::text("Well?")]));
            let _: Vec<_> = model.stream(request).collect().await;
            let asked = server.asked().pop().unwrap();
            assert_eq!(asked.path, path);
            bodies.push(String::from_utf8(asked.body.to_vec()).unwrap());
        }
        for body in &bodies {
            let stable = body.find("Find a film.").unwrap().max(body.find("Alfred").unwrap());
            assert_eq!(body[..stable], bodies[0][..stable], "{dialect}");
        }
        // What the longest shares with one that ends with a person's message goes at least up to that message.
        let last = bodies.last().unwrap();
        let known = bodies[1].find("Metropolis (1927)").unwrap();
        assert_eq!(last[..known], bodies[1][..known], "{dialect}");
    }
}

#[tokio::test]
async fn a_history_that_ends_with_the_model_or_holds_nothing_still_asks_something() {
    for (dialect, _, _) in DIALECTS {
        let server = TestServer::start().await;
        let model = model(&home(&server, dialect, "retries = 0\n"));
        for messages in [
            vec![],
            vec![message(Role::User, vec![Part::text(" ")])],
            vec![message(Role::User, vec![Part::text("a")]), message(Role::Assistant, vec![Part::text("b")])],
            vec![message(Role::User, vec![]), message(Role::Assistant, vec![call("a", "clock_now", "{}")])],
        ] {
            let _: Vec<_> = model.stream(question(messages)).collect().await;
            let body = server.asked().pop().unwrap().json();
            let list = body.get("input").or(body.get("messages")).and_then(Value::as_array).unwrap().clone();
            let spoken: Vec<&Value> = list.iter().filter(|entry| entry["role"] != "system").collect();
            assert_eq!(spoken.first().unwrap()["role"], "user", "{dialect}: {list:?}");
            assert_ne!(spoken.last().unwrap()["role"], "assistant", "{dialect}: {list:?}");
        }
    }
}

#[tokio::test]
async fn a_key_that_is_missing_skips_the_provider_and_the_next_answers() {
    let server = TestServer::start().await;
    server.on("POST", "/v1/chat/completions", Answer::events(CHAT));
    let url = server.url_of("/v1");
    let text = format!("priority = ['openai', 'openrouter']\n[openrouter]\nbase_url = '{url}'\n");
    let mut config: Config = toml::from_str(&text).unwrap();
    config.resolve(&|name| (name == "OPENROUTER_API_KEY").then(|| KEY.to_owned()));
    let catalogue = build_with(&config, &Upstream::new(UpstreamConfig::default()).unwrap(), Pace::default());
    assert_eq!(catalogue.skipped.len(), 1);
    assert_eq!(catalogue.skipped[0].name, "openai");
    assert_eq!(catalogue.skipped[0].reason, "no key: the environment variable OPENAI_API_KEY is not set");
    assert_eq!(catalogue.providers.len(), 1);
    assert!(is_finished(&ask(&chat_model(&catalogue)).await));
}

#[test]
fn with_no_settings_the_keys_in_the_environment_decide() {
    let upstream = Upstream::new(UpstreamConfig::default()).unwrap();
    let names = |keys: &[&str]| -> Vec<String> {
        let mut config = Config::default();
        config.resolve(&|name| keys.contains(&name).then(|| KEY.to_owned()));
        let catalogue = build_with(&config, &upstream, Pace::default());
        catalogue.providers.iter().map(|provider| provider.name().to_owned()).collect()
    };
    assert_eq!(names(&[]), Vec::<String>::new());
    assert_eq!(names(&["ANTHROPIC_API_KEY", "OPENAI_API_KEY"]), ["openai", "anthropic"]);
}

#[tokio::test]
async fn parameters_reach_the_provider_unchanged_and_chat_thinks_little_unless_told() {
    let body = |section: &'static str| async move { sent(section, "openai", &[]).await };
    let plain = body("[openai]\nbase_url = 'URL'\nroles.chat = 'gpt-5-mini'\n").await;
    assert_eq!(plain["reasoning"], json!({"effort": "minimal"}));
    let told = body(
        "[openai]\nbase_url = 'URL'\n[openai.roles.chat]\nmodel = 'gpt-5'\nreasoningEffort = 'high'\n\
         params = { temperature = 1, text = { verbosity = 'low' }, store = true, x = [1, 'a'] }\n",
    )
    .await;
    assert_eq!(told["reasoning"], json!({"effort": "high"}));
    assert_eq!(told["temperature"], json!(1));
    assert_eq!(told["text"], json!({"verbosity": "low"}));
    assert_eq!(told["store"], json!(true));
    assert_eq!(told["x"], json!([1, "a"]));
    for (id, effort) in [("o4-mini", json!("low")), ("gpt-4.1-mini", Value::Null), ("gpt-5.1", json!("none"))] {
        let section = format!("[openai]\nbase_url = 'URL'\nroles.chat = '{id}'\n");
        let sent = sent(&section, "openai", &[]).await;
        assert_eq!(sent["reasoning"]["effort"], effort, "{id}");
    }
    let chat = "[openai]\ndialect = 'chat_completions'\nbase_url = 'URL'\nroles.chat = 'gpt-5-nano'\n";
    assert_eq!(sent(chat, "openai", &[]).await["reasoning_effort"], json!("minimal"));
}

#[tokio::test]
async fn openrouter_is_told_who_asks_and_sent_no_reasoning_unless_it_is_set() {
    let server = TestServer::start().await;
    server.on("POST", "/v1/chat/completions", Answer::events(CHAT));
    let url = server.url_of("/v1");
    let plain = format!("[openrouter]\nbase_url = '{url}'\nroles.chat = 'openai/gpt-5-mini'\n");
    let full = format!(
        "[openrouter]\nbase_url = '{url}'\nsite_url = 'https://home.example'\napp_name = 'MovieBot'\n\
         headers = {{ X-Extra = 'yes' }}\nroles.chat = {{ model = 'openai/gpt-5-mini', effort = 'low' }}\n"
    );
    for section in [&plain, &full] {
        ask(&chat_model(&catalogue(section))).await;
    }
    let asked = server.asked();
    assert_eq!(asked[0].header("x-title"), Some("Majordomo"));
    assert_eq!(asked[0].header("http-referer"), None);
    assert_eq!(asked[1].header("x-title"), Some("MovieBot"));
    assert_eq!(asked[1].header("http-referer"), Some("https://home.example"));
    assert_eq!(asked[1].header("x-extra"), Some("yes"));
    for key in ["reasoning", "reasoning_effort"] {
        assert!(asked[0].json().get(key).is_none(), "{key}");
    }
    assert_eq!(asked[1].json()["reasoning"], json!({"effort": "low"}));
}

#[tokio::test]
async fn the_limit_on_output_has_the_name_the_model_accepts() {
    let at = |dialect: &str, id: &str, params: &str| {
        format!(
            "[home]\ndialect = '{dialect}'\nbase_url = 'URL'\n[home.roles.chat]\nmodel = '{id}'\nparams = {params}\n"
        )
    };
    for (section, name, limit) in [
        (at("chat_completions", "llama-4", "{}"), "max_tokens", 1000),
        (at("chat_completions", "gpt-5-mini", "{}"), "max_completion_tokens", 1000),
        (at("chat_completions", "openai/o3", "{}"), "max_completion_tokens", 1000),
        (at("responses", "gpt-5-mini", "{}"), "max_output_tokens", 1000),
        (at("messages", "claude-haiku-4-5", "{}"), "max_tokens", 1000),
        (at("chat_completions", "gpt-5-mini", "{ max_tokens = 77 }"), "max_completion_tokens", 77),
        (at("chat_completions", "llama-4", "{ max_output_tokens = 77 }"), "max_tokens", 77),
        (at("responses", "gpt-4.1", "{ max_completion_tokens = 77 }"), "max_output_tokens", 77),
    ] {
        let sent = sent(&section, "home", &[]).await;
        let limits: Vec<(&String, &Value)> =
            sent.as_object().unwrap().iter().filter(|(key, _)| key.starts_with("max_")).collect();
        assert_eq!(limits, [(&name.to_owned(), &json!(limit))], "{section}");
    }
}

#[tokio::test]
async fn a_list_tells_models_lengths_and_prices() {
    let server = TestServer::start().await;
    let many: Vec<Value> = (0..600).map(|n| json!({"id": format!("m{n}")})).collect();
    server
        .on(
            "GET",
            "/openrouter/models",
            Answer::json(&json!({"data": [
            {"id": "z-ai/glm-4.5-air:free", "context_length": 131072,
             "pricing": {"prompt": "0.0000002", "completion": "0.0000011", "input_cache_read": "0.00000003"}},
            {"id": "openrouter/auto", "context_length": 2000000, "pricing": {"prompt": "-1", "completion": "-1"}},
            {"name": "no id"}]})),
        )
        .on(
            "GET",
            "/openai/models",
            Answer::json(&json!({"data": [{"id": "gpt-5"}, {"id": "whisper-1"}, {"id": "tts-1"}]})),
        )
        .on(
            "GET",
            "/anthropic/models",
            Answer::json(&json!({"data": [{"id": "claude-x", "max_input_tokens": 200000}]})),
        )
        .on("GET", "/vllm/models", Answer::json(&json!({"data": many})))
        .on("GET", "/ollama/models", Answer::html("<html>"))
        .on("GET", "/groq/models", refusing(401));
    let url = server.url();
    let names = ["openrouter", "openai", "anthropic", "vllm", "ollama", "groq"];
    let mut section = format!("priority = {names:?}\n");
    for name in names {
        section += &format!("[{name}]\nbase_url = '{url}{name}'\n");
    }
    let catalogue = catalogue(&section);
    let list = |place: usize| catalogue.providers[place].list();
    let models = list(0).await.unwrap();
    assert_eq!(models.len(), 2);
    assert_eq!(models[0].name, "openrouter/z-ai/glm-4.5-air:free");
    assert_eq!(models[0].context_tokens, Some(131_072));
    let price = models[0].price.unwrap();
    assert_eq!((price.input, price.output, price.cached_input), (0.2, 1.1, Some(0.03)));
    assert_eq!(models[1].price, None);
    let openai = list(1).await.unwrap();
    assert_eq!(openai.len(), 1, "what is no language model is left out");
    assert_eq!(openai[0].price.unwrap().output, 10.0, "a known price");
    assert_eq!(list(2).await.unwrap()[0].context_tokens, Some(200_000));
    assert_eq!(list(3).await.unwrap().len(), 500);
    assert!(matches!(list(4).await, Err(ModelError::Refused { .. })));
    assert!(matches!(list(5).await, Err(ModelError::Refused { .. })));
    assert_eq!(catalogue.models.iter().filter(|model| model.provider == "openai").count(), 4);
}

#[tokio::test]
async fn echo_says_back_what_was_said_word_by_word() {
    let catalogue = catalogue("[parrot]\ndialect = 'echo'\n");
    let events = ask(&chat_model(&catalogue)).await;
    assert_eq!(text(&events), "Hello, what is on tonight?");
    assert!(events.len() >= 7);
    assert!(matches!(events.last(), Some(Ok(ModelEvent::Finished { reason: StopReason::End, .. }))));
    assert_eq!(catalogue.providers[0].list().await.unwrap()[0].name, "parrot/echo");
}

#[test]
fn wrong_settings_are_told_by_their_place() {
    let problems = |text: &str| -> Vec<String> {
        let config: Config = toml::from_str(text).unwrap();
        config.problems().into_iter().map(|problem| problem.path).collect()
    };
    assert_eq!(problems("priority = ['opnai']"), ["models.priority"]);
    assert_eq!(problems("[home]\ndialect = 'echo'"), Vec::<String>::new());
    assert_eq!(problems("[home]"), ["models.home", "models.home"]);
    assert_eq!(
        problems("[openai]\nidle_timeout_seconds = 0\nretries = 11\nbase_url = 'http://a:b@c/'\nroles.chat = ''"),
        [
            "models.openai.base_url",
            "models.openai.idle_timeout_seconds",
            "models.openai.retries",
            "models.openai.roles.chat"
        ]
    );
    for address in ["ftp://c/", "http://c/?key=1", "http://u@c/"] {
        assert_eq!(problems(&format!("[openai]\nbase_url = '{address}'")), ["models.openai.base_url"], "{address}");
    }
    assert_eq!(
        problems(
            "[openai]\ncontext_tokens = 0\nprices = { 'a' = { input = -1, output = 1 }, 'b' = { input = 1, output = nan } }"
        ),
        ["models.openai.context_tokens", "models.openai.prices.a", "models.openai.prices.b"]
    );
    assert_eq!(
        problems("[openai.roles]\nchat = { model = 'x', params = { messages = [] } }"),
        ["models.openai.roles.chat.params.messages"]
    );
    for wrong in [
        "[openai]\nbase_uri = 'x'",
        "[openai.roles]\nboss = 'x'",
        "[openai.roles]\nchat = { modl = 'x' }",
        "[openai]\ndialect = 'x'",
    ] {
        let error = toml::from_str::<Config>(wrong).map(|_| ()).unwrap_err();
        assert!(error.span().is_some(), "{error}");
    }
}

#[test]
fn efforts_and_params_are_read_from_both_spellings() {
    let config: Config = toml::from_str(
        "[openai.roles]\nsmart = { model = 'a', effort = 'low' }\nchat = { model = 'b', reasoningEffort = 'high' }",
    )
    .unwrap();
    let roles = &config.providers["openai"].roles;
    assert_eq!(roles[&ModelRole::Smart].options.effort, Some(Effort::Low));
    assert_eq!(roles[&ModelRole::Chat].options.effort, Some(Effort::High));
    assert!(!format!("{config:?}").contains(KEY));
}
