//! Three hundred ways in which a model fails, through the whole program: every turn ends in time, in one of three states, with
//! a bounded number of requests; half an answer is never stored as a whole one; nothing panics; the house still answers.

use crate::harness::{Setting, Stage, visible};
use futures_util::{StreamExt, stream};
use majordomo_standins::model::{Piece, Script};
use serde_json::{Value, json};

/// What a script may end as.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// The answer came, after retries or in spite of the oddity.
    Answered,
    /// The person reads why there is none.
    Failed,
    /// An answer with a remark that it was stopped, or a failure.
    Stopped,
}

struct Case {
    name: String,
    script: Script,
    end: End,
}

/// The time limit of a turn in this test. Seconds.
const LIMIT: u64 = 8;
/// Tries of a step times starts of a try times steps.
const MOST_REQUESTS: usize = 3 * 2 * 8;

/// A whole streamed answer as the wire has it, about 4 KB.
fn stream_text() -> String {
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        let body =
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]});
        format!("data: {body}\n\n")
    };
    let mut text = chunk(json!({"role": "assistant", "content": ""}), Value::Null);
    for n in 0..24 {
        text.push_str(&chunk(json!({"content": format!("Wörter {n} ")}), Value::Null));
    }
    text.push_str(&chunk(json!({}), json!("stop")));
    text.push_str("data: [DONE]\n\n");
    text
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |kind: &str, script: Script, end: End| {
        cases.push(Case { name: format!("{kind}-{}", cases.len()), script, end });
    };
    let words = |n: usize| (0..n).map(|i| Piece::Text { text: format!("word{i} ") });
    // Reset along the stream, for ever and once: the second time the model answers.
    let whole = stream_text();
    let finish = whole.find("\"stop\"").expect("it has a finish");
    let steps: Vec<usize> = (0..whole.len()).step_by(23).filter(|k| whole.is_char_boundary(*k)).collect();
    for (n, k) in steps.iter().enumerate() {
        let raw = Piece::Raw { text: whole[..*k].to_owned() };
        let script = Script::new(vec![raw, if n % 2 == 0 { Piece::Cut } else { Piece::NoFinish }]);
        if *k > finish {
            add("cut-after-the-end", script, End::Answered);
        } else if n % 3 == 0 {
            add("cut-once", script, End::Answered);
        } else {
            add("cut", script.for_ever(), End::Failed);
        }
    }
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        add("status-once", Script::status(status, None), End::Answered);
        add("status", Script::status(status, None).for_ever(), End::Failed);
        add("status-wait", Script::status(status, Some(86_400)).for_ever(), End::Failed);
    }
    for status in [400, 401, 402, 403, 404, 413, 422] {
        add("refused", Script::status(status, None).for_ever(), End::Failed);
    }
    for n in 0..24 {
        let pieces = |last: Piece| words(n).chain([last]).collect::<Vec<_>>();
        let error = Piece::ErrorEvent { message: "overloaded".into() };
        add("error-event", Script::new(pieces(error)).for_ever(), End::Failed);
        add("no-finish", Script::new(pieces(Piece::NoFinish)).for_ever(), End::Failed);
        add("cut-words", Script::new(pieces(Piece::Cut)).for_ever(), End::Failed);
        if n % 3 == 0 {
            add("silence", Script::new(pieces(Piece::Silence)).for_ever(), End::Failed);
        }
    }
    for n in 0..12 {
        let comment = Piece::Raw { text: ": still here\n\n".into() };
        let pieces = words(n).chain([comment]).chain(words(3)).collect();
        add("comments", Script::new(pieces), End::Answered);
    }
    add("empty", Script::new(Vec::new()).for_ever(), End::Failed);
    add("only-thinking", Script::new(vec![Piece::Thinking { text: "hm".into() }]).for_ever(), End::Failed);
    for bytes in [2 << 20, 50 << 20] {
        let line = format!("data: {}", "x".repeat(bytes));
        add("long-line", Script::new(vec![Piece::Raw { text: line }]).times(6), End::Failed);
    }
    let broken = [
        r#"{"query": "Metro"#,
        r#"{"query": "Metropolis",}"#,
        r#"{"query": "a"}{"query": "b"}"#,
        r#"{"query": "a", "query": "b"}"#,
        r#"{"query": 5}"#,
        r#"{"nothing": true}"#,
        "NaN",
        "[]",
        "null",
        r#"{"query": "a", "page": 1e3}"#,
        r#"{"query": "a", "page": -1}"#,
        r#"{"query": "a", "page": 9223372036854775808}"#,
    ];
    for arguments in broken {
        for name in ["tmdb_search_multi", "no_such_tool", "use_tool"] {
            let call =
                Piece::Call { name: name.into(), arguments: Value::String(arguments.into()), id: None, pieces: 3 };
            add("bad-call", Script::new(vec![call]).for_ever(), End::Stopped);
        }
    }
    for name in ["calculate_expression", "tmdb_trending", "find_tools"] {
        let arguments = if name == "find_tools" { json!({"query": "films"}) } else { json!({"expression": "1+1"}) };
        add("same-call", Script::call(name, arguments).for_ever(), End::Stopped);
    }
    let many: Vec<_> = (0..50).map(|n| ("calculate_expression", json!({"expression": format!("{n}+1")}))).collect();
    add("fifty-calls", Script::calls(many.iter().map(|(n, a)| (*n, a.clone()))).for_ever(), End::Stopped);
    cases
}

#[tokio::test]
async fn three_hundred_faults_of_a_model_end_in_time_and_in_words() {
    let stage = Stage::with(Setting {
        settings: format!("[agents.majordomo.limits]\nseconds = {LIMIT}\n[limits]\nmessages_per_minute = 0\n"),
        variables: vec![
            ("MAJORDOMO_MODELS__STANDIN__IDLE_TIMEOUT_SECONDS", "1".into()),
            ("MAJORDOMO_MODELS__STANDIN__RETRIES", "1".into()),
            ("MAJORDOMO_ENGINE__COOL_DOWN_SECONDS", "1".into()),
        ],
        ..Setting::default()
    })
    .await;
    let cases = cases();
    assert!(cases.len() >= 300, "{} scripts", cases.len());
    for case in &cases {
        stage.town.model().script(case.script.clone().when_asked(&format!("<{}>", case.name)));
    }
    let stage = &stage;
    let problems: Vec<String> = stream::iter(&cases)
        .map(async |case| {
            let conversation = stage.conversation().await;
            let turn = stage.say(&conversation, &format!("hello <{}>", case.name)).await;
            let row = stage.over(&turn).await;
            let at = |name: &str| row["turn"][name].as_i64().unwrap_or_default();
            let seconds = (at("finished_at_ms") - at("started_at_ms")).unsigned_abs() / 1000;
            let state = row["turn"]["state"].as_str().unwrap_or_default().to_owned();
            let messages = stage.messages(&conversation).await;
            let answer = messages.iter().rev().find(|m| m["role"] == "assistant").map(visible).unwrap_or_default();
            let as_wanted = match case.end {
                End::Answered => state == "done" && !answer.is_empty() && !answer.contains("No answer"),
                End::Failed => {
                    let said = answer.starts_with("No answer:") || answer.contains("too long for the model");
                    state == "failed" && said || state == "cancelled"
                }
                End::Stopped => ["done", "failed"].contains(&state.as_str()) && !answer.is_empty(),
            };
            // A deadline is a deadline, and half an answer is not stored as one.
            let in_time = seconds <= LIMIT + 5;
            let whole = case.end != End::Failed || !answer.starts_with("word") || answer.contains("Stopped after");
            if as_wanted && in_time && whole {
                return None;
            }
            Some(format!("{} ({:?}) ended {state} after {seconds} s: {answer}", case.name, case.end))
        })
        .buffer_unordered(24)
        .filter_map(async |problem| problem)
        .collect()
        .await;
    assert!(problems.is_empty(), "{} of {}: {problems:#?}", problems.len(), cases.len());

    let requests = stage.town.requests_to("model");
    for case in &cases {
        let mark = format!("<{}>", case.name);
        let asked = requests.iter().filter(|r| r.body["messages"].to_string().contains(&mark)).count();
        assert!((1..=MOST_REQUESTS).contains(&asked), "{}: {asked} requests", case.name);
    }
    assert!(!stage.log().contains("panic"), "{}", stage.log());
    let conversation = stage.conversation().await;
    assert!(!stage.ask(&conversation, "what's trending this week?").await.is_empty());
}
