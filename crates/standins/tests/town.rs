//! The town through its doors: what a client of the real services would get, on good days and bad ones.

#[path = "town/plex.rs"]
mod plex;
#[path = "town/servarr.rs"]
mod servarr;

use futures_util::{StreamExt, future::join_all};
use jiff::Timestamp;
use majordomo_standins::{
    Clock, Fault, Mode, Pace, Town,
    model::{Piece, Script},
    proxy::Proxy,
};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

const SOON: Duration = Duration::from_secs(10);
const DIALECTS: [&str; 3] = ["chat/completions", "responses", "messages"];
/// A Saturday.
const TODAY: &str = "2026-11-21T12:00:00Z";

fn client() -> Client {
    // Only the first of the tests succeeds in installing it, which is enough.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("a client")
}

fn saturday() -> Clock {
    Clock::at(TODAY.parse::<Timestamp>().expect("a time"))
}

async fn demo() -> Town {
    Town::plan()
        .model(Mode::demo_at_once())
        .tmdb()
        .tvmaze()
        .clock(saturday())
        .without_specs()
        .start()
        .await
        .expect("a town")
}

async fn scripted(scripts: impl IntoIterator<Item = Script>) -> Town {
    let town = Town::plan().model(Mode::demo_at_once()).without_specs().start().await.expect("a town");
    scripts.into_iter().for_each(|script| town.model().script(script));
    town
}

/// One step of a conversation, in no dialect yet.
#[derive(Clone)]
enum Said {
    User(String),
    Assistant(String),
    Calls(Vec<Call>),
    Results(Vec<(String, String, bool)>),
}

#[derive(Clone, Debug, PartialEq)]
struct Call {
    id: String,
    name: String,
    arguments: Value,
}

fn body(dialect: &str, said: &[Said], tools: &[Value], stream: bool) -> Value {
    let calls_of = |calls: &[Call]| -> Vec<Value> {
        calls
            .iter()
            .map(|call| match dialect {
                "chat/completions" => {
                    let function = json!({"name": call.name, "arguments": call.arguments.to_string()});
                    json!({"id": call.id, "type": "function", "function": function})
                }
                "responses" => json!({
                    "type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments.to_string(),
                }),
                _ => json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}),
            })
            .collect()
    };
    let mut messages: Vec<Value> = Vec::new();
    for step in said {
        match (step, dialect) {
            (Said::User(text), _) => messages.push(json!({"role": "user", "content": text})),
            (Said::Assistant(text), _) => messages.push(json!({"role": "assistant", "content": text})),
            (Said::Calls(calls), "responses") => messages.extend(calls_of(calls)),
            (Said::Calls(calls), "messages") => messages.push(json!({"role": "assistant", "content": calls_of(calls)})),
            (Said::Calls(calls), _) => {
                messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls_of(calls)}));
            }
            (Said::Results(results), "responses") => messages.extend(
                results
                    .iter()
                    .map(|(id, text, _)| json!({"type": "function_call_output", "call_id": id, "output": text})),
            ),
            (Said::Results(results), "messages") => {
                let blocks: Vec<Value> = results
                    .iter()
                    .map(|(id, text, failed)| json!({"type": "tool_result", "tool_use_id": id, "content": text, "is_error": failed}))
                    .collect();
                messages.push(json!({"role": "user", "content": blocks}));
            }
            (Said::Results(results), _) => messages.extend(
                results.iter().map(|(id, text, _)| json!({"role": "tool", "tool_call_id": id, "content": text})),
            ),
        }
    }
    let tools: Vec<Value> = tools
        .iter()
        .map(|tool| match dialect {
            "chat/completions" => json!({"type": "function", "function": tool}),
            "responses" => json!({"type": "function", "name": tool["name"], "description": tool["description"], "parameters": tool["parameters"]}),
            _ => json!({"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}),
        })
        .collect();
    let mut request = json!({"model": "demo-household", "stream": stream});
    request[if dialect == "responses" { "input" } else { "messages" }] = json!(messages);
    if !tools.is_empty() {
        request["tools"] = json!(tools);
    }
    if dialect == "messages" {
        request["max_tokens"] = json!(1000);
    }
    request
}

async fn post(client: &Client, town: &Town, dialect: &str, body: &Value) -> Response {
    client
        .post(format!("{}/{dialect}", town.model_url()))
        .header("anthropic-version", "2023-06-01")
        .bearer_auth("any")
        .json(body)
        .send()
        .await
        .expect("an answer")
}

#[derive(Debug, Default, PartialEq)]
struct Heard {
    text: String,
    thinking: String,
    calls: Vec<Call>,
    finish: String,
    output_tokens: u64,
    pieces: usize,
}

fn call(id: &Value, name: &Value, arguments: &str) -> Call {
    Call {
        id: id.as_str().expect("an id").to_owned(),
        name: name.as_str().expect("a name").to_owned(),
        arguments: serde_json::from_str(arguments).unwrap_or_else(|_| json!(arguments)),
    }
}

/// Reads a whole answer.
fn hear_whole(dialect: &str, answer: &Value) -> Heard {
    let mut heard = Heard::default();
    match dialect {
        "chat/completions" => {
            let choice = &answer["choices"][0];
            heard.text = choice["message"]["content"].as_str().unwrap_or_default().to_owned();
            heard.thinking = choice["message"]["reasoning_content"].as_str().unwrap_or_default().to_owned();
            heard.finish = choice["finish_reason"].as_str().expect("a reason").to_owned();
            for made in choice["message"]["tool_calls"].as_array().into_iter().flatten() {
                let arguments = made["function"]["arguments"].as_str().expect("arguments");
                heard.calls.push(call(&made["id"], &made["function"]["name"], arguments));
            }
            heard.output_tokens = answer["usage"]["completion_tokens"].as_u64().expect("usage");
        }
        "responses" => {
            for item in answer["output"].as_array().expect("output") {
                match item["type"].as_str() {
                    Some("message") => heard.text += item["content"][0]["text"].as_str().expect("text"),
                    Some("reasoning") => heard.thinking += item["summary"][0]["text"].as_str().expect("text"),
                    _ => heard.calls.push(call(
                        &item["call_id"],
                        &item["name"],
                        item["arguments"].as_str().expect("arguments"),
                    )),
                }
            }
            heard.finish = answer["status"].as_str().expect("a status").to_owned();
            heard.output_tokens = answer["usage"]["output_tokens"].as_u64().expect("usage");
        }
        _ => {
            for block in answer["content"].as_array().expect("content") {
                match block["type"].as_str() {
                    Some("text") => heard.text += block["text"].as_str().expect("text"),
                    Some("thinking") => heard.thinking += block["thinking"].as_str().expect("text"),
                    _ => heard.calls.push(call(&block["id"], &block["name"], &block["input"].to_string())),
                }
            }
            heard.finish = answer["stop_reason"].as_str().expect("a reason").to_owned();
            heard.output_tokens = answer["usage"]["output_tokens"].as_u64().expect("usage");
        }
    }
    heard
}

/// Reads a stream, which is only its bytes here.
fn hear_stream(dialect: &str, stream: &str) -> Heard {
    let mut heard = Heard::default();
    let mut open: Vec<(Value, Value, String)> = Vec::new();
    for line in stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|line| *line != "[DONE]") {
        let event: Value = serde_json::from_str(line).expect("JSON in every event");
        match dialect {
            "chat/completions" => {
                let choice = &event["choices"][0];
                let delta = &choice["delta"];
                if let Some(text) = delta["content"].as_str().filter(|text| !text.is_empty()) {
                    heard.text += text;
                    heard.pieces += 1;
                }
                heard.thinking += delta["reasoning_content"].as_str().unwrap_or_default();
                for piece in delta["tool_calls"].as_array().into_iter().flatten() {
                    if piece["id"].is_string() {
                        open.push((piece["id"].clone(), piece["function"]["name"].clone(), String::new()));
                    }
                    let index = piece["index"].as_u64().expect("an index") as usize;
                    open[index].2 += piece["function"]["arguments"].as_str().unwrap_or_default();
                }
                heard.finish += choice["finish_reason"].as_str().unwrap_or_default();
                heard.output_tokens = event["usage"]["completion_tokens"].as_u64().unwrap_or(heard.output_tokens);
            }
            "responses" => match event["type"].as_str().expect("a type") {
                "response.output_text.delta" => {
                    heard.text += event["delta"].as_str().expect("text");
                    heard.pieces += 1;
                }
                "response.reasoning_summary_text.delta" => heard.thinking += event["delta"].as_str().expect("text"),
                "response.output_item.added" if event["item"]["type"] == "function_call" => {
                    open.push((event["item"]["call_id"].clone(), event["item"]["name"].clone(), String::new()));
                }
                "response.function_call_arguments.delta" => {
                    open.last_mut().expect("an open call").2 += event["delta"].as_str().expect("text");
                }
                "response.completed" => {
                    heard.finish = "completed".into();
                    let whole = hear_whole(dialect, &event["response"]);
                    assert_eq!(
                        (&whole.text, &whole.thinking),
                        (&heard.text, &heard.thinking),
                        "the end repeats the whole"
                    );
                    heard.output_tokens = whole.output_tokens;
                }
                _ => {}
            },
            _ => match event["type"].as_str().expect("a type") {
                "content_block_start" if event["content_block"]["type"] == "tool_use" => {
                    open.push((
                        event["content_block"]["id"].clone(),
                        event["content_block"]["name"].clone(),
                        String::new(),
                    ));
                }
                "content_block_delta" => {
                    let delta = &event["delta"];
                    if let Some(text) = delta["text"].as_str() {
                        heard.text += text;
                        heard.pieces += 1;
                    }
                    heard.thinking += delta["thinking"].as_str().unwrap_or_default();
                    if let Some(text) = delta["partial_json"].as_str() {
                        open.last_mut().expect("an open call").2 += text;
                    }
                }
                "message_delta" => {
                    heard.finish = event["delta"]["stop_reason"].as_str().expect("a reason").to_owned();
                    heard.output_tokens = event["usage"]["output_tokens"].as_u64().expect("usage");
                }
                _ => {}
            },
        }
    }
    heard.calls = open.iter().map(|(id, name, arguments)| call(id, name, arguments)).collect();
    heard
}

async fn ask(client: &Client, town: &Town, dialect: &str, said: &[Said], tools: &[Value]) -> Heard {
    let answer = post(client, town, dialect, &body(dialect, said, tools, true)).await;
    let (status, text) = (answer.status(), answer.text().await.expect("a stream"));
    assert_eq!(status, StatusCode::OK, "{text}");
    hear_stream(dialect, &text)
}

fn user(text: &str) -> Said {
    Said::User(text.into())
}

#[tokio::test]
async fn a_script_is_said_alike_in_every_dialect_streamed_and_whole() {
    let client = client();
    for dialect in DIALECTS {
        let script = Script::new(vec![
            Piece::Thinking { text: "Let me see. ".into() },
            Piece::Text { text: "Grüße aus ".into() },
            Piece::Text { text: "Metropolis".into() },
            Piece::Call { name: "first".into(), arguments: json!({"id": 19}), id: None, pieces: 4 },
            Piece::Call { name: "second".into(), arguments: json!({"text": "ü"}), id: Some("own".into()), pieces: 2 },
        ]);
        let town = scripted([script.clone(), script]).await;
        let mut request = body(dialect, &[user("hello")], &[], true);
        request["stream_options"] = json!({"include_usage": true});
        let streamed = post(&client, &town, dialect, &request).await;
        assert_eq!(streamed.headers()["content-type"], "text/event-stream; charset=utf-8");
        let streamed = hear_stream(dialect, &streamed.text().await.expect("a stream"));
        let whole = post(&client, &town, dialect, &body(dialect, &[user("hello")], &[], false)).await;
        let whole = hear_whole(dialect, &whole.json().await.expect("JSON"));
        assert_eq!(streamed.text, "Grüße aus Metropolis", "{dialect}");
        assert_eq!(streamed.thinking, "Let me see. ", "{dialect}");
        let calls = [("call_1_0", "first", json!({"id": 19})), ("own", "second", json!({"text": "ü"}))];
        let calls = calls.map(|(id, name, arguments)| Call { id: id.into(), name: name.into(), arguments });
        assert_eq!(streamed.calls, calls, "{dialect}");
        assert_eq!(streamed.pieces, 2, "{dialect}");
        assert!(streamed.output_tokens > 0, "{dialect}");
        assert_eq!(Heard { pieces: 0, ..streamed }, whole, "{dialect}");
    }
}

#[tokio::test]
async fn an_answer_waits_at_its_gate_while_the_first_words_are_already_there() {
    let client = client();
    let script = Script::new(vec![
        Piece::Text { text: "First".into() },
        Piece::Gate { name: "more".into() },
        Piece::Text { text: " second".into() },
    ]);
    let town = scripted([script]).await;
    let answer = post(&client, &town, "chat/completions", &body("chat/completions", &[user("go")], &[], true)).await;
    let mut stream = answer.bytes_stream();
    let mut text = String::new();
    while !text.contains("First") {
        text += &String::from_utf8_lossy(&stream.next().await.expect("more").expect("bytes"));
    }
    assert!(!text.contains("second"));
    town.model().open_gate("more");
    while let Some(bytes) = stream.next().await {
        text += &String::from_utf8_lossy(&bytes.expect("bytes"));
    }
    assert_eq!(hear_stream("chat/completions", &text).text, "First second");
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_is_noticed() {
    let client = client();
    let town = scripted([Script::new(vec![Piece::Text { text: "First".into() }, Piece::Silence])]).await;
    let answer = post(&client, &town, "messages", &body("messages", &[user("go")], &[], true)).await;
    drop(answer);
    assert!(town.model().left(1, SOON).await);
}

#[tokio::test]
async fn scripts_are_chosen_by_what_was_asked_and_can_be_posted_as_json() {
    let client = client();
    let town = scripted([]).await;
    let origin = town.model_url().replace("/v1", "");
    let scripts = json!([
        {"pieces": [{"type": "text", "text": "about films"}], "when": {"text": "film"}},
        {"pieces": [{"type": "call", "name": "look", "arguments": {}}], "when": {"after_results": false}, "times": null},
        {"pieces": [], "refuse": {"status": 429, "retry_after": 7}, "when": {"after_results": true}},
    ]);
    let posted = client.post(format!("{origin}/_script")).json(&scripts).send().await.expect("an answer");
    assert_eq!(posted.json::<Value>().await.expect("JSON"), json!({"waiting": 3}));
    let dialect = "chat/completions";
    for _ in 0..2 {
        assert_eq!(ask(&client, &town, dialect, &[user("anything")], &[]).await.calls[0].name, "look");
    }
    assert_eq!(ask(&client, &town, dialect, &[user("a film")], &[]).await.text, "about films");
    let made = Call { id: "c".into(), name: "look".into(), arguments: json!({}) };
    let said = [user("anything"), Said::Calls(vec![made]), Said::Results(vec![("c".into(), "{}".into(), false)])];
    let refused = post(&client, &town, dialect, &body(dialect, &said, &[], true)).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().ok()), (429, Some("7")));
    let bad = client
        .post(format!("{origin}/_script"))
        .json(&json!({"pieces": [{"type": "shout"}]}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_history_the_vendors_refuse_is_refused() {
    let client = client();
    let town = demo().await;
    let made = |id: &str| Call { id: id.into(), name: "look".into(), arguments: json!({}) };
    let result = |id: &str| (id.to_owned(), "{}".to_owned(), false);
    let histories = [
        ("nothing", vec![]),
        ("starts with the assistant", vec![Said::Assistant("Hello".into()), user("hi")]),
        (
            "a call without result",
            vec![user("hi"), Said::Calls(vec![made("a"), made("b")]), Said::Results(vec![result("a")])],
        ),
        ("a call without result, then talk", vec![user("hi"), Said::Calls(vec![made("a")]), user("well?")]),
        ("a result without call", vec![user("hi"), Said::Results(vec![result("a")])]),
        (
            "a result twice",
            vec![user("hi"), Said::Calls(vec![made("a")]), Said::Results(vec![result("a"), result("a")])],
        ),
        (
            "a call id twice",
            vec![user("hi"), Said::Calls(vec![made("a"), made("a")]), Said::Results(vec![result("a"), result("a")])],
        ),
    ];
    for dialect in DIALECTS {
        for (name, history) in &histories {
            let answer = post(&client, &town, dialect, &body(dialect, history, &[], true)).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{dialect}: {name}");
            let error: Value = answer.json().await.expect("JSON");
            assert!(error["error"]["message"].is_string(), "{dialect}: {name}: {error}");
        }
        let tool = json!({"name": "no spaces allowed", "parameters": {"type": "object"}});
        let answer = post(&client, &town, dialect, &body(dialect, &[user("hi")], &[tool], true)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{dialect}: tool name");
    }
    let mut odd = body("chat/completions", &[user("hi")], &[], true);
    odd["messages"][0]["role"] = json!("narrator");
    assert_eq!(post(&client, &town, "chat/completions", &odd).await.status(), StatusCode::BAD_REQUEST);
}

/// Tools as a client of the stand-ins would offer them, and what they do.
fn tool(name: &str, properties: Value) -> Value {
    json!({"name": name, "description": name, "parameters": {"type": "object", "properties": properties}})
}

fn tools() -> Vec<Value> {
    let ids = json!({"type": ["integer", "array"], "items": {"type": "integer"}});
    let media = json!({"$ref": "#/$defs/Media"});
    let mut recommendations = tool("tmdb_recommendations", json!({"ids": ids, "media_type": media}));
    let mut watch = tool("tmdb_watch_providers", json!({"ids": ids, "media_type": media}));
    for tool in [&mut recommendations, &mut watch] {
        tool["parameters"]["$defs"] = json!({"Media": {"enum": ["movie", "tv"], "type": "string"}});
    }
    vec![
        tool("tmdb_trending", json!({"media_type": {"type": "string"}, "time_window": {"enum": ["day", "week"]}})),
        tool("tmdb_movie_details", json!({"movie_id": ids, "append_to_response": {"type": ["string", "null"]}})),
        tool("tmdb_tv_details", json!({"tv_id": ids, "append_to_response": {"type": ["string", "null"]}})),
        tool("tmdb_person", json!({"person_id": ids})),
        tool("tmdb_search_multi", json!({"query": {"type": "string"}})),
        tool(
            "tmdb_discover_movies",
            json!({"with_genres": {"type": "array", "items": {"type": "string"}}, "with_runtime_lte": {"type": "integer"}, "date_gte": {"type": "string"}, "date_lte": {"type": "string"}}),
        ),
        tool("tmdb_upcoming", json!({})),
        tool("tvmaze_schedule", json!({"country": {"type": "string"}})),
        tool("tvmaze_next_episode", json!({"name": {"type": "string"}})),
        tool("calculate_expression", json!({"expression": {"type": "string"}})),
        tool("current_datetime", json!({"format": {"type": "string"}})),
        recommendations,
        watch,
    ]
}

async fn get(client: &Client, base: &str, path: &str) -> (StatusCode, Value) {
    let answer = client.get(format!("{base}{path}")).bearer_auth("key").send().await.expect("an answer");
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

/// Runs a call against the town, as a thin tool would.
async fn run(client: &Client, town: &Town, call: &Call) -> String {
    let (tmdb, tvmaze) = (town.tmdb_url(), town.tvmaze_url());
    let text = |name: &str| call.arguments[name].as_str().unwrap_or_default().replace(' ', "+");
    let list = |value: &Value| -> Vec<u64> {
        value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]).iter().filter_map(Value::as_u64).collect()
    };
    let details = |kind: &'static str, ids: Vec<u64>, parts: &'static str| {
        let tmdb = tmdb.clone();
        async move {
            let all = ids.into_iter().map(|id| {
                let path = format!("/{kind}/{id}{parts}");
                let tmdb = tmdb.clone();
                async move { get(client, &tmdb, &path).await.1 }
            });
            json!({"results": join_all(all).await})
        }
    };
    let answer = match call.name.as_str() {
        "tmdb_trending" => {
            get(client, &tmdb, &format!("/trending/{}/{}", text("media_type"), text("time_window"))).await.1
        }
        "tmdb_movie_details" => {
            details(
                "movie",
                list(&call.arguments["movie_id"]),
                "?append_to_response=release_dates,credits,watch/providers",
            )
            .await
        }
        "tmdb_tv_details" => {
            details("tv", list(&call.arguments["tv_id"]), "?append_to_response=content_ratings,aggregate_credits").await
        }
        "tmdb_person" => details("person", list(&call.arguments["person_id"]), "").await,
        "tmdb_search_multi" => get(client, &tmdb, &format!("/search/multi?query={}", text("query"))).await.1,
        "tmdb_upcoming" => get(client, &tmdb, "/movie/upcoming").await.1,
        "tmdb_discover_movies" => {
            let genres: Vec<&str> =
                call.arguments["with_genres"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let ids: Vec<&str> = genres.iter().map(|name| if *name == "Family" { "10751" } else { "35" }).collect();
            let mut query = vec![("with_genres", ids.join(","))];
            query.extend(
                call.arguments["with_runtime_lte"].as_u64().map(|minutes| ("with_runtime.lte", minutes.to_string())),
            );
            let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            get(client, &tmdb, &format!("/discover/movie?{}", query.join("&"))).await.1
        }
        "tmdb_recommendations" => {
            details("movie", list(&call.arguments["ids"]), "/recommendations").await["results"][0].clone()
        }
        "tmdb_watch_providers" => {
            let found = details("movie", list(&call.arguments["ids"]), "/watch/providers").await;
            found["results"][0]["results"]["US"].clone()
        }
        "tvmaze_schedule" => get(client, &tvmaze, "/schedule?country=US").await.1,
        "tvmaze_next_episode" => get(
            client,
            &tvmaze,
            &format!("/singlesearch/shows?q={}&embed=nextepisode", text("name")),
        )
        .await
        .1["_embedded"]
            .clone(),
        "calculate_expression" => json!({"expression": call.arguments["expression"], "result": "12"}),
        "current_datetime" => return TODAY.into(),
        other => panic!("no tool {other}"),
    };
    answer.to_string()
}

/// Asks until there is an answer. Gives the answer and the calls of each step.
async fn walk(
    client: &Client,
    town: &Town,
    dialect: &str,
    history: &[Said],
    tools: &[Value],
) -> (String, Vec<Vec<Call>>) {
    let mut said = history.to_vec();
    let mut steps = Vec::new();
    for _ in 0..6 {
        let heard = ask(client, town, dialect, &said, tools).await;
        if heard.calls.is_empty() {
            return (heard.text, steps);
        }
        let mut results = Vec::new();
        for call in &heard.calls {
            let through = if call.name == "use_tool" {
                Call {
                    id: call.id.clone(),
                    name: call.arguments["name"].as_str().expect("a name").into(),
                    arguments: call.arguments["arguments"].clone(),
                }
            } else {
                call.clone()
            };
            let text = if through.name == "find_tools" { found() } else { run(client, town, &through).await };
            results.push((call.id.clone(), text, false));
        }
        steps.push(heard.calls.clone());
        said.extend([Said::Calls(heard.calls), Said::Results(results)]);
    }
    panic!("no answer after six steps: {steps:?}");
}

/// What a tool that finds tools says.
fn found() -> String {
    let line = |tool: &Value| {
        let name = tool["name"].as_str().expect("a name");
        format!("{name}: does things: many. Arguments: {} required: []\n", tool["parameters"]["properties"])
    };
    tools().iter().map(line).collect()
}

#[tokio::test]
async fn the_trending_question_looks_up_ages_in_one_call_and_names_what_suits_kids() {
    let client = client();
    let town = demo().await;
    let question = user("what's trending this week, and is any of it good for kids?");
    let (_, trending) = get(&client, &town.tmdb_url(), "/trending/all/week").await;
    let mut answers = BTreeSet::new();
    for dialect in DIALECTS {
        let (text, steps) = walk(&client, &town, dialect, std::slice::from_ref(&question), &tools()).await;
        let names: Vec<Vec<&str>> =
            steps.iter().map(|step| step.iter().map(|call| call.name.as_str()).collect()).collect();
        assert_eq!(names, [vec!["tmdb_trending"], vec!["tmdb_movie_details", "tmdb_tv_details"]], "{dialect}");
        assert!(steps[1][0].arguments["movie_id"].as_array().is_some_and(|ids| ids.len() > 2), "{dialect}");
        for item in trending["results"].as_array().expect("results").iter().take(8) {
            let title = item["title"].as_str().or(item["name"].as_str()).expect("a title");
            assert!(text.contains(title), "{dialect}: {title} is missing in {text}");
        }
        assert!(text.contains("### For the kids") && text.contains("rated G"), "{dialect}: {text}");
        answers.insert(text);
    }
    assert_eq!(answers.len(), 1, "the answer does not depend on the dialect");
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn a_tool_that_is_not_offered_is_looked_for_and_used() {
    let client = client();
    let town = demo().await;
    let finding = tool("find_tools", json!({"query": {"type": "string"}}));
    let through = tool("use_tool", json!({"name": {"type": "string"}, "arguments": {"type": "object"}}));
    let question = user("what's trending this week, and is any of it good for kids?");
    let (text, steps) =
        walk(&client, &town, "messages", std::slice::from_ref(&question), &[finding.clone(), through]).await;
    assert_eq!(steps[0][0].name, "find_tools");
    assert_eq!(steps[1][0].arguments["name"], "tmdb_trending");
    assert!(text.contains("### For the kids"), "{text}");
    // It may also turn up among the tools of the next request.
    let look =
        |id: &str, query: &str| Call { id: id.into(), name: "find_tools".into(), arguments: json!({"query": query}) };
    let nothing = |id: &str| Said::Results(vec![(id.into(), "No tool fits these words.".into(), false)]);
    let mut said = vec![question];
    let first = ask(&client, &town, "messages", &said, std::slice::from_ref(&finding)).await.calls.remove(0);
    said.extend([Said::Calls(vec![look("a", first.arguments["query"].as_str().expect("words"))]), nothing("a")]);
    let all: Vec<Value> = tools().into_iter().chain([finding.clone()]).collect();
    assert_eq!(ask(&client, &town, "messages", &said, &all).await.calls[0].name, "tmdb_trending");
    // Where it does not, it is looked for once more, by name, and then there is none.
    let second = ask(&client, &town, "messages", &said, std::slice::from_ref(&finding)).await.calls.remove(0);
    assert_eq!(second.arguments, json!({"query": "tmdb trending"}));
    said.extend([Said::Calls(vec![look("b", "tmdb trending")]), nothing("b")]);
    let last = ask(&client, &town, "messages", &said, &[finding]).await;
    assert!(last.calls.is_empty() && last.text.contains("no tool"), "{}", last.text);
}

#[tokio::test]
async fn the_handful_of_requests_is_understood() {
    let client = client();
    let town = demo().await;
    let check = [
        ("Hello!", &[][..], &["trending"][..]),
        ("what can you do?", &[], &["watch tonight"]),
        ("what should we watch tonight?", &["tmdb_trending", "tmdb_movie_details"], &["For tonight", "**"]),
        (
            "A short comedy for the kids, what should we watch?",
            &["tmdb_discover_movies", "tmdb_movie_details"],
            &["with the kids"],
        ),
        (
            "Tell me about Metropolis",
            &["tmdb_search_multi", "tmdb_movie_details"],
            &["**Metropolis** (1927)", "Fritz Lang", "Brigitte Helm"],
        ),
        ("who is in Charade?", &["tmdb_search_multi", "tmdb_movie_details"], &["Audrey Hepburn as Regina Lampert"]),
        ("Tell me about Dragnet", &["tmdb_search_multi", "tmdb_tv_details"], &["**Dragnet** (1951)", "Jack Webb"]),
        ("who is Buster Keaton?", &["tmdb_search_multi", "tmdb_person"], &["**Buster Keaton**", "The General"]),
        (
            "Where does The General stream?",
            &["tmdb_search_multi", "tmdb_watch_providers"],
            &["**The General**", "free at Internet Archive"],
        ),
        (
            "something similar to Nosferatu please",
            &["tmdb_search_multi", "tmdb_recommendations"],
            &["Similar to **Nosferatu** (1922)"],
        ),
        ("what's on tonight?", &["tvmaze_schedule"], &["On today", "17:30", "**Superman**"]),
        ("When is the next episode of Sherlock Holmes?", &["tvmaze_next_episode"], &["2026-11-23", "20:00"]),
        ("what is upcoming?", &["tmdb_upcoming"], &["Coming to cinemas", "**Metropolis**"]),
        ("what is 15% of 80?", &["calculate_expression"], &["= **12**"]),
        ("What time is it?", &["current_datetime"], &["Saturday, 21 November 2026, 12:00"]),
        ("add Metropolis in 4K", &["tmdb_search_multi"], &["no tool"]),
        ("where is my film?", &[], &["no tool"]),
        ("a short comedy from the 1920s", &["tmdb_discover_movies", "tmdb_movie_details"], &["For tonight"]),
        (
            "and which of these are good for kids?",
            &["tmdb_trending", "tmdb_movie_details", "tmdb_tv_details"],
            &["For the kids"],
        ),
        ("write me a poem about rust", &[], &["scripted demo model"]),
        ("tell me about Zzyzzx Qqq", &["tmdb_search_multi"], &["found nothing"]),
    ];
    for (question, expected_calls, expected_words) in check {
        let (text, steps) = walk(&client, &town, "chat/completions", &[user(question)], &tools()).await;
        let names: Vec<&str> = steps.iter().flatten().map(|call| call.name.as_str()).collect();
        assert_eq!(names, expected_calls, "{question}");
        for words in expected_words {
            assert!(text.contains(words), "{question}: {words:?} is missing in {text}");
        }
    }
    assert_eq!(town.violations(), []);
}

/// The assistant writes the day in front of the first message of a day, and a summary in front of what it stands for.
#[tokio::test]
async fn what_the_assistant_writes_in_front_of_a_question_is_not_part_of_it() {
    let client = client();
    let town = demo().await;
    let questions = [
        "What's trending this week, and is any of it good for kids?",
        "What should we watch tonight? Something under two hours.",
        "what should we watch tonight?",
        "something for the kids",
        "What is on television tonight?",
        "Where can I watch Metropolis (1927)?",
        "what is 15% of 80?",
    ];
    // Ids count the messages before.
    fn made(steps: &[Vec<Call>]) -> Vec<(&str, &Value)> {
        steps.iter().flatten().map(|call| (call.name.as_str(), &call.arguments)).collect()
    }
    let summary = "[Summary of the conversation so far]\n- which horror films are from 1922?";
    for dialect in DIALECTS {
        for question in questions {
            let (plain, steps) = walk(&client, &town, dialect, &[user(question)], &tools()).await;
            assert!(plain.contains("**") && !plain.contains("nothing fits"), "{question}: {plain}");
            for line_ends in ["\n", "\n\n"] {
                let stamped = user(&format!("[Saturday 2026-11-21 UTC]{line_ends}{question}"));
                let (text, same) = walk(&client, &town, dialect, std::slice::from_ref(&stamped), &tools()).await;
                assert_eq!((&text, &same), (&plain, &steps), "{dialect}: {question}");
                let (text, later) = walk(&client, &town, dialect, &[user(summary), stamped], &tools()).await;
                assert_eq!((&text, made(&later)), (&plain, made(&steps)), "{dialect}, after a summary: {question}");
            }
        }
    }
    // One message in several blocks, as a vendor wants who lets nobody speak twice in a row.
    let blocks = [summary, "what is 15% of 80?"].map(|text| json!({"type": "text", "text": text}));
    let mut request = body("messages", &[user("later")], &tools(), true);
    request["messages"][0]["content"] = json!(blocks);
    let heard = hear_stream("messages", &post(&client, &town, "messages", &request).await.text().await.expect("text"));
    assert_eq!(heard.calls.first().map(|call| call.name.as_str()), Some("calculate_expression"), "{heard:?}");
    let (text, _) = walk(&client, &town, "messages", &[user("[Saturday 2026-11-21 UTC]\nsummarize this")], &[]).await;
    assert_eq!(text, "Summary of the conversation so far:\n- summarize this");
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn it_means_what_was_talked_of_last() {
    let client = client();
    let town = demo().await;
    let said = [
        user("tell me about metropolis"),
        Said::Assistant("**Metropolis** (1927)\n\nA city.".into()),
        user("where does it stream?"),
    ];
    let (text, _) = walk(&client, &town, "responses", &said, &tools()).await;
    assert!(text.starts_with("**Metropolis** (1927): free at"), "{text}");
}

#[tokio::test]
async fn a_failed_tool_is_named_and_nothing_invented() {
    let client = client();
    let town = demo().await;
    for dialect in DIALECTS {
        let made = Call { id: "a".into(), name: "tmdb_trending".into(), arguments: json!({}) };
        let failure = ("a".to_owned(), "TMDb at 127.0.0.1:1 did not answer within 4 s".to_owned(), true);
        let said = [user("what's trending this week?"), Said::Calls(vec![made]), Said::Results(vec![failure])];
        let heard = ask(&client, &town, dialect, &said, &tools()).await;
        assert!(
            heard.text.contains("could not look that up") && heard.text.contains("TMDb"),
            "{dialect}: {}",
            heard.text
        );
        assert!(!heard.text.contains("**"), "{dialect}: {}", heard.text);
    }
}

#[tokio::test]
async fn the_fixed_answer_comes_at_once_and_can_be_paced() {
    let client = client();
    for pace in [Pace::default(), Pace { first_token: Duration::from_millis(1), between: Duration::from_millis(1) }] {
        let town = Town::plan().model(Mode::fixed(pace)).log(false).without_specs().start().await.expect("a town");
        for dialect in DIALECTS {
            let streamed = ask(&client, &town, dialect, &[user("hi")], &[]).await;
            let whole = post(&client, &town, dialect, &body(dialect, &[user("hi")], &[], false)).await;
            let whole = hear_whole(dialect, &whole.json().await.expect("JSON"));
            assert!(streamed.text.starts_with("Metropolis is"), "{dialect}");
            assert!(streamed.pieces > 10, "{dialect}");
            assert_eq!(streamed.text, whole.text, "{dialect}");
        }
        assert_eq!(town.requests(), [], "the log is off");
    }
}

#[tokio::test]
async fn the_proxy_passes_a_stream_through() {
    let client = client();
    let town = Town::plan().model(Mode::instant()).without_specs().start().await.expect("a town");
    let proxy = Proxy::start(0, town.model_url().trim_end_matches("/v1")).await.expect("a proxy");
    let request = body("chat/completions", &[user("hi")], &[], true);
    let answer =
        client.post(format!("{}/v1/chat/completions", proxy.url())).json(&request).send().await.expect("an answer");
    assert!(hear_stream("chat/completions", &answer.text().await.expect("a stream")).text.starts_with("Metropolis is"));
}

fn titles(list: &Value) -> Vec<String> {
    let title = |item: &Value| item["title"].as_str().or(item["name"].as_str()).expect("a title").to_owned();
    list["results"].as_array().expect("results").iter().map(title).collect()
}

#[tokio::test]
async fn tmdb_searches_finds_and_tells_details() {
    let client = client();
    let town = demo().await;
    let base = town.tmdb_url();
    let check = [
        ("/search/movie?query=metropolis", vec!["Metropolis"]),
        ("/search/movie?query=metropolis&year=1931", vec![]),
        ("/search/movie?query=metropoils", vec!["Metropolis"]),
        ("/search/tv?query=sherlock", vec!["Sherlock Holmes"]),
        ("/search/person?query=lon+chaney", vec!["Lon Chaney"]),
        ("/search/keyword?query=robot", vec!["robot"]),
        ("/search/collection?query=popeye", vec!["Popeye Color Specials"]),
        ("/search/multi?query=sherlock", vec!["Sherlock Holmes", "Sherlock Jr."]),
    ];
    for (path, expected) in check {
        let (status, list) = get(&client, &base, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let found: BTreeSet<String> = titles(&list).into_iter().collect();
        assert_eq!(found, expected.iter().map(|title| (*title).to_owned()).collect(), "{path}");
    }
    let (_, found) = get(&client, &base, "/find/tt0017136?external_source=imdb_id").await;
    assert_eq!(found["movie_results"][0]["id"], 19);
    let (_, found) = get(&client, &base, "/find/9300001?external_source=tvdb_id").await;
    assert_eq!(found["tv_results"][0]["name"], "The Beverly Hillbillies");
    let (status, found) = get(&client, &base, "/find/tt9999999?external_source=imdb_id").await;
    assert_eq!((status, found["movie_results"].as_array().map(Vec::len)), (StatusCode::OK, Some(0)));
    let parts =
        "credits,external_ids,release_dates,watch/providers,videos,images,keywords,recommendations,similar,reviews";
    let (_, film) = get(&client, &base, &format!("/movie/19?append_to_response={parts}")).await;
    assert_eq!(film["credits"]["crew"][0]["name"], "Fritz Lang");
    assert_eq!(film["watch/providers"]["results"]["US"]["free"][0]["provider_name"], "Internet Archive");
    for part in parts.split(',') {
        assert!(film[part].is_object(), "{part}");
    }
    let parts = "aggregate_credits,content_ratings,watch/providers,season/1";
    let (_, series) = get(&client, &base, &format!("/tv/9100002?append_to_response={parts}")).await;
    assert_eq!(series["season/1"]["episodes"].as_array().map(Vec::len), Some(12));
    assert_eq!(series["next_episode_to_air"]["air_date"], "2026-11-23");
    let (_, person) = get(&client, &base, "/search/person?query=keaton").await;
    let (_, credits) = get(&client, &base, &format!("/person/{}/combined_credits", person["results"][0]["id"])).await;
    assert!(credits["cast"].as_array().is_some_and(|cast| !cast.is_empty()));
    let all = "/configuration /genre/movie/list /genre/tv/list /certification/movie/list /certification/tv/list \
               /watch/providers/movie /watch/providers/regions /configuration/languages /movie/popular /movie/top_rated \
               /movie/now_playing /tv/popular /tv/top_rated /tv/airing_today /tv/on_the_air /person/popular \
               /trending/person/day /tv/9100001/season/1/episode/3 /collection/9900001 /keyword/9600001/movies";
    for path in all.split_whitespace() {
        let (status, _) = get(&client, &base, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
    }
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn trends_turn_by_the_week_and_not_by_the_hour() {
    let client = client();
    let town = demo().await;
    let base = town.tmdb_url();
    let first = titles(&get(&client, &base, "/trending/all/week").await.1);
    town.clock().advance(Duration::from_secs(3600));
    assert_eq!(titles(&get(&client, &base, "/trending/all/week").await.1), first);
    town.clock().advance(Duration::from_secs(7 * 24 * 3600));
    assert_ne!(titles(&get(&client, &base, "/trending/all/week").await.1), first);
    let second = titles(&get(&client, &base, "/trending/all/week?page=2").await.1);
    assert!(!second.is_empty() && second.iter().all(|title| !first.contains(title) || first.len() == 20));
}

#[tokio::test]
async fn discover_keeps_to_its_filters() {
    let client = client();
    let town = demo().await;
    type Fits = fn(&Value) -> bool;
    let check: [(&str, &str, Fits); 8] = [
        ("/discover/movie?with_genres=35,10751", "comedy and family", |film| {
            has_genre(film, 35) && has_genre(film, 10751)
        }),
        ("/discover/movie?with_genres=37|99", "western or documentary", |film| {
            has_genre(film, 37) || has_genre(film, 99)
        }),
        ("/discover/movie?without_genres=18", "no drama", |film| !has_genre(film, 18)),
        ("/discover/movie?primary_release_year=1922", "1922", |film| {
            film["release_date"].as_str().is_some_and(|date| date.starts_with("1922"))
        }),
        (
            "/discover/movie?primary_release_date.gte=1940-01-01&primary_release_date.lte=1949-12-31",
            "the forties",
            |film| film["release_date"].as_str().is_some_and(|date| date.starts_with("194")),
        ),
        ("/discover/movie?vote_average.gte=8&vote_count.gte=1000", "well voted", |film| {
            film["vote_average"].as_f64() >= Some(8.0) && film["vote_count"].as_u64() >= Some(1000)
        }),
        ("/discover/movie?with_runtime.lte=20", "short", |film| {
            ["A Trip to the Moon", "Steamboat Willie"].contains(&film["title"].as_str().unwrap_or_default())
                || film["title"].as_str().is_some_and(|title| title.starts_with("Popeye"))
        }),
        ("/discover/tv?with_genres=80", "crime series", |series| has_genre(series, 80)),
    ];
    for (path, name, fits) in check {
        let (status, list) = get(&client, &town.tmdb_url(), path).await;
        let results = list["results"].as_array().cloned().unwrap_or_default();
        assert!(status.is_success() && !results.is_empty(), "{name}");
        assert!(results.iter().all(fits), "{name}: {:?}", titles(&list));
    }
    let (_, list) = get(&client, &town.tmdb_url(), "/discover/movie?sort_by=primary_release_date.asc").await;
    assert_eq!(titles(&list)[0], "A Trip to the Moon");
    let (_, list) =
        get(&client, &town.tmdb_url(), "/discover/movie?certification_country=US&certification.lte=PG").await;
    assert!(titles(&list).contains(&"The Kid".to_owned()) && !titles(&list).contains(&"Nosferatu".to_owned()));
    let (_, list) = get(&client, &town.tmdb_url(), "/discover/movie?vote_average.gte=9.9").await;
    assert_eq!(titles(&list), Vec::<String>::new());
}

fn has_genre(item: &Value, genre: u64) -> bool {
    item["genre_ids"].as_array().is_some_and(|ids| ids.contains(&json!(genre)))
}

#[tokio::test]
async fn tmdb_refuses_in_its_own_words() {
    let client = client();
    let town = Town::plan().tmdb().tmdb_key("right").without_specs().start().await.expect("a town");
    let base = town.tmdb_url();
    let check = [
        ("/movie/19", "right", 200, Value::Null),
        ("/movie/19?api_key=right", "", 200, Value::Null),
        ("/movie/19", "wrong", 401, json!(7)),
        ("/movie/19", "", 401, json!(7)),
        ("/movie/11", "right", 404, json!(34)),
        ("/nonsense", "right", 404, json!(34)),
        ("/movie/popular?page=501", "right", 400, json!(22)),
        ("/movie/popular?page=0", "right", 400, json!(22)),
        ("/search/movie", "right", 422, json!(5)),
    ];
    for (path, key, status, code) in check {
        let mut request = client.get(format!("{base}{path}"));
        if !key.is_empty() {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{path} {key}");
        assert_eq!(answer.json::<Value>().await.expect("JSON")["status_code"], code, "{path} {key}");
    }
    let (address, many) = (format!("{base}/movie/19"), vec!["credits"; 21].join(","));
    let answer = client
        .get(format!("{address}?append_to_response={many}"))
        .bearer_auth("right")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.json::<Value>().await.expect("JSON")["status_code"], 27);
}

#[tokio::test]
async fn every_picture_named_in_a_list_is_there_and_is_plain_drawing() {
    let client = client();
    let town = demo().await;
    let mut files = BTreeSet::new();
    for path in ["/movie/popular", "/movie/popular?page=2", "/tv/popular", "/person/popular"] {
        for item in get(&client, &town.tmdb_url(), path).await.1["results"].as_array().expect("results") {
            files.extend(
                ["poster_path", "backdrop_path", "profile_path"]
                    .iter()
                    .filter_map(|name| item[*name].as_str().map(str::to_owned)),
            );
        }
    }
    assert!(files.len() > 90, "{}", files.len());
    for file in files {
        let answer = client.get(format!("{}/w342{file}", town.tmdb_image_url())).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        assert_eq!(answer.headers()["content-type"], "image/svg+xml");
        let svg = answer.text().await.expect("text");
        assert!(
            svg.starts_with("<svg ") && svg.ends_with("</svg>") && !svg.contains("<script") && !svg.contains("href"),
            "{file}"
        );
        assert_eq!(svg.matches("<g>").count() + svg.matches("<g ").count(), svg.matches("</g>").count(), "{file}");
    }
    let missing = client.get(format!("{}/w342/none.jpg", town.tmdb_image_url())).send().await.expect("an answer");
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn something_airs_every_day_and_episodes_keep_their_days() {
    let client = client();
    let town = demo().await;
    let base = town.tvmaze_url();
    for day in 1..=28 {
        let date = format!("2027-02-{day:02}");
        for path in ["/schedule?country=US&date=", "/schedule/web?date="] {
            let (status, list) = get(&client, &base, &format!("{path}{date}")).await;
            let list = list.as_array().cloned().unwrap_or_default();
            assert!(status.is_success() && (!list.is_empty() || path.contains("web")), "{path}{date}");
            assert!(list.iter().all(|episode| episode["airdate"] == json!(date)), "{path}{date}");
        }
    }
    assert_eq!(get(&client, &base, "/schedule?country=DE").await.1, json!([]));
    let (_, show) = get(&client, &base, "/singlesearch/shows?q=sherlok+holmes&embed=nextepisode").await;
    let next = &show["_embedded"]["nextepisode"];
    assert_eq!(
        (next["airdate"].as_str(), next["airstamp"].as_str()),
        (Some("2026-11-23"), Some("2026-11-23T20:00:00-05:00"))
    );
    let (_, same) = get(&client, &base, "/shows/9200002/episodesbydate?date=2026-11-23").await;
    assert_eq!(same[0]["id"], next["id"]);
    let number = format!("/shows/9200002/episodebynumber?season=1&number={}", next["number"]);
    assert_eq!(get(&client, &base, &number).await.1["name"], next["name"]);
    let (_, all) = get(&client, &base, "/shows/9200002?embed[]=episodes&embed[]=cast&embed[]=seasons").await;
    assert_eq!(all["_embedded"]["episodes"].as_array().map(Vec::len), Some(12));
    assert!(all["_embedded"]["cast"][0]["person"]["name"].is_string());
    let moved = client.get(format!("{base}/lookup/shows?imdb=tt0055662")).send().await.expect("an answer");
    assert_eq!((moved.status().as_u16(), moved.headers()["location"].to_str().ok()), (301, Some("/shows/9200001")));
    for missing in ["/shows/1", "/lookup/shows?imdb=tt1", "/singlesearch/shows?q=qqqq", "/shows?page=1"] {
        assert_eq!(get(&client, &base, missing).await.0, StatusCode::NOT_FOUND, "{missing}");
    }
    assert_eq!(get(&client, &base, "/search/shows?q=qqqq").await.1, json!([]));
    assert_eq!(town.violations(), []);
}

#[tokio::test]
async fn bad_days_come_on_demand_and_go() {
    let client = client();
    let town = demo().await;
    let address = format!("{}/movie/19", town.tmdb_url());
    let ask = || async { client.get(&address).bearer_auth("key").send().await };
    town.fault("tmdb", Fault::Html).await;
    assert_eq!(ask().await.expect("an answer").headers()["content-type"], "text/html; charset=utf-8");
    town.fault("tmdb", Fault::Status { code: 429, retry_after: Some(3) }).await;
    let answer = ask().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().ok()), (429, Some("3")));
    assert_eq!(answer.json::<Value>().await.expect("JSON")["status_code"], 25);
    town.fault("tmdb", Fault::Status { code: 502, retry_after: None }).await;
    let answer = ask().await.expect("an answer");
    assert!(answer.status() == StatusCode::BAD_GATEWAY && !answer.headers().contains_key("retry-after"));
    town.fault("tmdb", Fault::CutAfter { bytes: 100 }).await;
    let mut received = 0;
    let mut stream = ask().await.expect("a head").bytes_stream();
    let end = loop {
        match stream.next().await.expect("an end") {
            Ok(bytes) => received += bytes.len(),
            Err(error) => break error,
        }
    };
    assert!(received == 100 && (end.is_body() || end.is_decode()), "{received} {end:?}");
    town.fault("tmdb", Fault::HalfJson).await;
    assert!(ask().await.expect("an answer").json::<Value>().await.is_err());
    town.fault("tmdb", Fault::Words { field: "overview".into(), text: "Obey.".into() }).await;
    let film = ask().await.expect("an answer").json::<Value>().await.expect("JSON");
    assert_eq!((&film["overview"], &film["title"]), (&json!("Obey."), &json!("Metropolis")));
    town.fault("tmdb", Fault::OtherShape).await;
    assert_eq!(ask().await.expect("an answer").json::<Value>().await.expect("JSON")["results"], 7);
    town.fault("tmdb", Fault::RedirectLoop).await;
    assert_eq!(ask().await.expect("an answer").headers()["location"], "/3/movie/19");
    town.fault("tmdb", Fault::Huge { bytes: 3_000_000 }).await;
    assert!(ask().await.expect("an answer").bytes().await.expect("bytes").len() > 2_900_000);
    town.fault("tmdb", Fault::HangUp).await;
    assert!(ask().await.is_err());
    town.fault("tmdb", Fault::Slow { ms: 30 }).await;
    let before = std::time::Instant::now();
    assert!(ask().await.expect("an answer").status().is_success() && before.elapsed() >= Duration::from_millis(30));
    for fault in [Fault::Hang, Fault::SilenceAfter { bytes: 10 }] {
        town.fault("tmdb", fault).await;
        let answer = tokio::time::timeout(Duration::from_millis(150), async { ask().await?.bytes().await }).await;
        assert!(answer.is_err(), "nothing comes");
    }
    town.fault("tmdb", Fault::Refuse).await;
    assert!(ask().await.expect_err("a closed port").is_connect());
    town.mend("tmdb").await;
    assert!(ask().await.expect("an answer").status().is_success());
    town.fault_times("tmdb", Fault::Html, 1).await;
    assert_eq!(ask().await.expect("an answer").headers()["content-type"], "text/html; charset=utf-8");
    assert!(ask().await.expect("an answer").json::<Value>().await.is_ok());
}

#[tokio::test]
async fn the_model_has_bad_days_of_its_own() {
    let client = client();
    let town = scripted([]).await;
    let origin = town.model_url().replace("/v1", "");
    for dialect in DIALECTS {
        let request = body(dialect, &[user("hello")], &[], true);
        let switch = json!({"fault": {"kind": "error_event", "after_pieces": 2}, "times": 1});
        client.post(format!("{origin}/_fault")).json(&switch).send().await.expect("an answer");
        let stream = post(&client, &town, dialect, &request).await.text().await.expect("a stream");
        assert!(stream.contains("\"error\"") && hear_finish(dialect, &stream).is_empty(), "{dialect}: {stream}");
        town.fault_times("model", Fault::MissingFinish, 1).await;
        let stream = post(&client, &town, dialect, &request).await.text().await.expect("a stream");
        assert!(stream.contains("Hello!") && hear_finish(dialect, &stream).is_empty(), "{dialect}");
        town.fault_times("model", Fault::Status { code: 529, retry_after: None }, 1).await;
        let refused = post(&client, &town, dialect, &request).await;
        assert_eq!(refused.status().as_u16(), 529);
        town.model().script(Script::new(vec![Piece::Text { text: "half".into() }, Piece::Cut]));
        assert!(
            post(&client, &town, dialect, &request).await.text().await.is_err(),
            "{dialect}: the connection breaks"
        );
        let well = post(&client, &town, dialect, &request).await.text().await.expect("a stream");
        assert!(!hear_finish(dialect, &well).is_empty(), "{dialect}");
    }
}

fn hear_finish(dialect: &str, stream: &str) -> String {
    let clean: String =
        stream.lines().filter(|line| !line.contains("\"error\":{")).map(|line| format!("{line}\n")).collect();
    hear_stream(dialect, &clean).finish
}

async fn violations_of(town: &Town) {
    let client = client();
    let (tmdb, tvmaze) = (town.tmdb_url(), town.tvmaze_url());
    let check = [
        (format!("{tmdb}/movie/19?languag=de"), Some("query parameter languag is not in the description")),
        (format!("{tmdb}/films/19"), Some("GET /films/19 is not in the description")),
        (format!("{tmdb}/movie/abc"), Some("GET /movie/abc is not in the description")),
        (format!("{tmdb}/movie/popular?page=two"), Some("query parameter page is not a whole number")),
        (format!("{tmdb}/search/movie"), Some("query parameter query is missing")),
        (format!("{tmdb}/discover/movie?sort_by=random"), Some("query parameter sort_by is not one of")),
        (format!("{tvmaze}/search/shows?query=x"), Some("query parameter query is not in the description")),
        (format!("{tmdb}/trending/all/week?page=2&language=en-US&api_key=key"), None),
        (format!("{tmdb}/movie/19?append_to_response=credits,images&include_image_language=en,null"), None),
        (format!("{tvmaze}/shows/9200001?embed[]=episodes&embed[]=cast"), None),
    ];
    for (address, expected) in check {
        town.forget();
        client.get(&address).bearer_auth("key").send().await.expect("an answer");
        let found = town.violations();
        match expected {
            Some(reason) => {
                assert!(found.iter().any(|violation| violation.reason.starts_with(reason)), "{address}: {found:?}");
            }
            None => assert_eq!(found, [], "{address}"),
        }
    }
}

#[tokio::test]
async fn a_request_the_service_would_not_understand_is_held_against_its_sender() {
    violations_of(&demo().await).await;
}

#[tokio::test]
async fn the_published_descriptions_hold_too_where_their_folder_is() {
    let Some(folder) = std::env::var_os(majordomo_standins::SPECS) else {
        eprintln!("skipped: {} is not set", majordomo_standins::SPECS);
        return;
    };
    let town = Town::plan()
        .model(Mode::demo_at_once())
        .tmdb()
        .tvmaze()
        .clock(saturday())
        .specs(folder)
        .start()
        .await
        .expect("a town");
    violations_of(&town).await;
    let client = client();
    town.forget();
    for dialect in DIALECTS {
        let (_, steps) = walk(&client, &town, dialect, &[user("tell me about Metropolis")], &tools()).await;
        assert_eq!(steps.len(), 2);
    }
    assert_eq!(town.violations(), []);
    let mut odd = body("chat/completions", &[user("hi")], &[], true);
    odd["temprature"] = json!(1);
    odd["max_completion_tokens"] = json!("many");
    post(&client, &town, "chat/completions", &odd).await;
    let reasons: BTreeSet<String> = town.violations().into_iter().map(|violation| violation.reason).collect();
    let expected = [
        "body property max_completion_tokens must not be string",
        "body property temprature is not in the description",
    ];
    assert_eq!(reasons, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn the_request_log_keeps_no_credentials() {
    let client = client();
    let town = demo().await;
    let address = format!("{}/movie/19?api_key=secret-one&language=en-US", town.tmdb_url());
    client.get(&address).header("x-api-key", "secret-two").bearer_auth("secret-three").send().await.expect("an answer");
    post(&client, &town, "responses", &body("responses", &[user("hi")], &[], true)).await;
    assert!(town.asked("tmdb", 1, SOON).await && !town.asked("tvmaze", 1, Duration::from_millis(5)).await);
    let request = &town.requests_to("tmdb")[0];
    assert_eq!(
        (request.path.as_str(), request.query("language"), request.query("api_key")),
        ("/3/movie/19", Some("en-US"), Some("present"))
    );
    assert_eq!((request.header("authorization"), request.header("x-api-key")), (Some("present"), Some("present")));
    assert_eq!(town.requests_to("model")[0].body["input"][0]["content"], "hi");
    assert!(!format!("{:?}", town.requests()).contains("secret-"));
}

#[tokio::test]
async fn the_model_lists_its_names_and_wants_its_key() {
    let client = client();
    let town = Town::plan().model(Mode::instant()).model_key("right").without_specs().start().await.expect("a town");
    let list = |key: &'static str| client.get(format!("{}/models", town.model_url())).bearer_auth(key).send();
    assert_eq!(list("wrong").await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    let names: Value = list("right").await.expect("an answer").json().await.expect("JSON");
    assert_eq!(names["data"][0]["id"], "demo-household");
}
