//! Every stream in the fixtures, whole, in pieces of any size, and cut off at every byte.

use crate::{Dialect, ask::Decoder};
use majordomo_domain::{ModelError, ModelEvent, StopReason};
use majordomo_upstream::EventParser;
use proptest::prelude::*;

macro_rules! fixtures {
    ($($dialect:ident $file:literal)*) => {
        &[$((Dialect::$dialect, $file, include_bytes!($file))),*]
    };
}

type Fixture = (Dialect, &'static str, &'static [u8]);

const FIXTURES: &[Fixture] = fixtures! {
    ChatCompletions "chat_completions/fixtures/openai-v1-text.sse"
    ChatCompletions "chat_completions/fixtures/openai-v1-interleaved-calls.sse"
    ChatCompletions "chat_completions/fixtures/openrouter-v1-reasoning-call.sse"
    ChatCompletions "chat_completions/fixtures/gemini-v1beta-two-calls-one-index.sse"
    ChatCompletions "chat_completions/fixtures/ollama-v0-no-usage.sse"
    ChatCompletions "chat_completions/fixtures/mistral-v1-thinking-parts.sse"
    Responses "responses/fixtures/openai-v1-text.sse"
    Responses "responses/fixtures/openai-v1-reasoning-calls.sse"
    Responses "responses/fixtures/openai-v1-incomplete.sse"
    Responses "responses/fixtures/openai-v1-refusal.sse"
    Messages "messages/fixtures/anthropic-2023-06-01-text.sse"
    Messages "messages/fixtures/anthropic-2023-06-01-thinking-calls.sse"
    Messages "messages/fixtures/anthropic-2023-06-01-limit.sse"
};

type Read = (Vec<ModelEvent>, Result<(), ModelError>);

fn decoder(dialect: Dialect) -> Decoder {
    Decoder::of(dialect, "cuts".into(), false)
}

/// What comes of a stream that arrives in these pieces and then ends.
fn read<'a>(dialect: Dialect, pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let (mut parser, mut decoder, mut events) = (EventParser::default(), decoder(dialect), Vec::new());
    for piece in pieces {
        parser.push(piece);
        loop {
            match parser.next_event() {
                Ok(Some(event)) => {
                    if let Err(error) = decoder.push(&event, &mut events) {
                        return (events, Err(error));
                    }
                }
                Ok(None) => break,
                Err(reason) => return (events, Err(crate::failure::broken("cuts", reason))),
            }
        }
    }
    let end = decoder.finish(&mut events);
    (events, end)
}

fn is_finished(events: &[ModelEvent]) -> bool {
    events.iter().any(|event| matches!(event, ModelEvent::Finished { .. }))
}

fn without_usage(events: &[ModelEvent]) -> Vec<&ModelEvent> {
    events.iter().filter(|event| !matches!(event, ModelEvent::Usage(_))).collect()
}

#[test]
fn every_stream_gives_its_events() {
    for (dialect, file, bytes) in FIXTURES {
        let (events, end) = read(*dialect, [*bytes]);
        assert_eq!(end, Ok(()), "{file}");
        let finished = events.iter().filter(|event| matches!(event, ModelEvent::Finished { .. })).count();
        assert_eq!(finished, 1, "{file}");
        assert!(matches!(events.last(), Some(ModelEvent::Finished { .. })), "{file}");
        let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".sse");
        insta::assert_debug_snapshot!(format!("{dialect:?}-{name}"), events);
    }
}

#[test]
fn any_two_pieces_and_single_bytes_give_the_same_events() {
    for (dialect, file, bytes) in FIXTURES {
        let whole = read(*dialect, [*bytes]);
        assert_eq!(read(*dialect, bytes.chunks(1)), whole, "{file}");
        for cut in 0..bytes.len() {
            let (before, after) = bytes.split_at(cut);
            assert_eq!(read(*dialect, [before, after]), whole, "{file} at {cut}");
        }
    }
}

#[test]
fn a_stream_cut_anywhere_is_broken_and_gives_nothing_that_was_not_there() {
    for (dialect, file, bytes) in FIXTURES {
        let (whole, _) = read(*dialect, [*bytes]);
        // Chat completions are over at the finish reason; what follows is usage and a farewell many servers leave out.
        let sign: &[u8] = match dialect {
            Dialect::ChatCompletions => b"\"finish_reason\":\"",
            Dialect::Responses => b"event: response.",
            _ => b"data: {\"type\":\"message_stop\"}",
        };
        let signed = bytes.windows(sign.len()).rposition(|window| window == sign).expect("a stream that ends");
        let terminal = signed + sign.len();
        for cut in 0..bytes.len() {
            let (events, end) = read(*dialect, [&bytes[..cut]]);
            if is_finished(&events) {
                assert!(cut > terminal, "{file} at {cut} is taken for finished");
                assert_eq!(without_usage(&events), without_usage(&whole), "{file} at {cut}");
                assert_eq!(end, Ok(()));
            } else {
                assert!(matches!(end, Err(ModelError::Broken { .. })), "{file} at {cut}: {end:?}");
                assert_eq!(events, whole[..events.len()], "{file} at {cut}");
            }
        }
    }
}

#[test]
fn an_answer_that_comes_whole_gives_the_same_kinds_of_events() {
    let mut events = Vec::new();
    decoder(Dialect::Responses).whole(include_bytes!("responses/fixtures/gateway-v1-whole.json"), &mut events).unwrap();
    insta::assert_debug_snapshot!("Responses-gateway-v1-whole", events);
    let chat =
        br#"{"id":"1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","tool_calls":[
        {"id":"a","type":"function","function":{"name":"clock_now","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
        "usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#;
    events.clear();
    decoder(Dialect::ChatCompletions).whole(chat, &mut events).unwrap();
    insta::assert_debug_snapshot!("ChatCompletions-whole", events);
    let messages =
        br#"{"type":"message","model":"claude","content":[{"type":"thinking","thinking":"hm","signature":"s"},
        {"type":"text","text":"Hi"},{"type":"tool_use","id":"t","name":"clock_now","input":{"zone":"UTC"}}],
        "stop_reason":"tool_use","usage":{"input_tokens":5,"output_tokens":2}}"#;
    events.clear();
    decoder(Dialect::Messages).whole(messages, &mut events).unwrap();
    insta::assert_debug_snapshot!("Messages-whole", events);
    for dialect in [Dialect::ChatCompletions, Dialect::Responses, Dialect::Messages] {
        for nothing in [&b"{}"[..], b"[]", b"null", b"{\"a\":1}", b"{\"choices\":[]}", b"{\"output\":", b""] {
            let mut events = Vec::new();
            let end = decoder(dialect).whole(nothing, &mut events);
            assert!(end.is_err() && events.is_empty(), "{dialect:?} {}", String::from_utf8_lossy(nothing));
        }
    }
}

fn chat(chunks: &[&str]) -> Read {
    let stream: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    read(Dialect::ChatCompletions, [stream.as_bytes()])
}

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

#[test]
fn odd_chat_streams_are_read_for_what_they_are() {
    let finished = |read: &Read| read.1 == Ok(()) && is_finished(&read.0);
    assert!(finished(&chat(&[STOP])), "an empty answer ends; the engine says that it is empty");
    assert!(finished(&chat(&[r#"{"choices":[]}"#, r#"{"choices":null}"#, STOP, r#"{"choices":[],"usage":null}"#])));
    let only_thought = chat(&[r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#, STOP, "[DONE]"]);
    assert_eq!(only_thought.0[0], ModelEvent::Thinking("hm".into()));
    assert!(finished(&only_thought));
    for broken in [
        &["[DONE]"][..],
        &[r#"{"choices":[{"delta":{"content":"Hi"}}]}"#, "[DONE]"],
        &[r#"{"choices":[{"delta":{"content":"#],
        &["not json", STOP],
        &["[1]", STOP],
        &[r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#],
        &[r#"{"choices":[{"delta":{},"finish_reason":"error"}]}"#],
    ] {
        let (events, end) = chat(broken);
        assert!(matches!(end, Err(ModelError::Broken { .. })) && !is_finished(&events), "{broken:?}: {end:?}");
    }
    let second = chat(&[r#"{"choices":[{"index":1,"delta":{"content":"other"},"finish_reason":"stop"}]}"#]);
    assert!(second.0.is_empty(), "a second choice is not the answer");
}

#[test]
fn usage_that_makes_no_sense_is_left_to_be_estimated() {
    for usage in [
        r#"{"prompt_tokens":-3,"completion_tokens":2}"#,
        r#"{"prompt_tokens":3,"completion_tokens":-2}"#,
        r#"{"prompt_tokens":"many","completion_tokens":2}"#,
        r#"{"prompt_tokens":0,"completion_tokens":0}"#,
        r#"{}"#,
    ] {
        let (events, _) = chat(&[STOP, &format!(r#"{{"choices":[],"usage":{usage}}}"#), "[DONE]"]);
        assert!(!events.iter().any(|event| matches!(event, ModelEvent::Usage(_))), "{usage}");
        assert!(is_finished(&events));
    }
}

fn call_piece(index: &str, id: &str, name: &str, arguments: &str) -> String {
    format!(
        r#"{{"choices":[{{"delta":{{"tool_calls":[{{{index}"id":"{id}","function":{{"name":"{name}","arguments":{}}}}}]}}}}]}}"#,
        serde_json::Value::from(arguments)
    )
}

#[test]
fn a_huge_index_takes_no_memory_and_missing_ones_are_no_trouble() {
    let far = call_piece("\"index\":18446744073709551615,", "a", "clock_now", "{}");
    let none = call_piece("", "b", "clock_now", "{\"a\":");
    let more = call_piece("", "", "", "1}");
    let (events, _) = chat(&[&far, &none, &more, STOP]);
    let calls: Vec<(&str, &str)> = events
        .iter()
        .filter_map(|event| match event {
            ModelEvent::Call(call) => Some((call.id.as_str(), call.arguments.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(calls, [("a", "{}"), ("b", "{\"a\":1}")]);
    assert!(matches!(events.last(), Some(ModelEvent::Finished { reason: StopReason::Calls, .. })));
}

#[test]
fn arguments_reach_the_tool_as_they_were_written() {
    let odd = "{\"a\": 1e400, trailing,}\n{}";
    let (events, _) = chat(&[&call_piece("\"index\":0,", "a", "no such tool", odd), STOP]);
    assert!(matches!(&events[0], ModelEvent::Call(call) if call.arguments == odd && call.name == "no such tool"));
}

#[test]
fn too_many_calls_and_too_long_arguments_break_the_answer() {
    let many: Vec<String> =
        (0..65).map(|n| call_piece(&format!("\"index\":{n},"), &format!("c{n}"), "clock_now", "{}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(matches!(chat(&many).1, Err(ModelError::Broken { .. })));
    let long = call_piece("\"index\":0,", "a", "clock_now", &"x".repeat(600_000));
    assert!(matches!(chat(&[&long, &long, STOP]).1, Err(ModelError::Broken { .. })));
}

#[test]
fn a_complaint_in_the_middle_says_what_can_be_done() {
    let chat = |error: &str| read(Dialect::ChatCompletions, [format!("data: {error}\n\n").as_bytes()]).1.unwrap_err();
    let responses = |error: &str| read(Dialect::Responses, [format!("data: {error}\n\n").as_bytes()]).1.unwrap_err();
    let messages = |error: &str| read(Dialect::Messages, [format!("data: {error}\n\n").as_bytes()]).1.unwrap_err();
    assert!(matches!(
        chat(r#"{"error":{"code":502,"message":"Provider returned error"},"choices":[]}"#),
        ModelError::Busy { .. }
    ));
    assert!(matches!(
        chat(r#"{"error":{"code":"context_length_exceeded","message":"x"}}"#),
        ModelError::TooLong { .. }
    ));
    assert!(matches!(chat(r#"{"error":"overloaded"}"#), ModelError::Busy { .. }));
    assert!(matches!(
        responses(r#"{"type":"error","code":"rate_limit_exceeded","message":"slow down","param":null}"#),
        ModelError::Busy { .. }
    ));
    assert!(matches!(
        responses(
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"x"}}}"#
        ),
        ModelError::Busy { .. }
    ));
    assert!(matches!(
        responses(r#"{"error":{"message":"quota","type":"insufficient_quota"}}"#),
        ModelError::Refused { .. }
    ));
    assert!(matches!(
        messages(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
        ModelError::Busy { .. }
    ));
    assert!(matches!(
        messages(r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}"#),
        ModelError::TooLong { .. }
    ));
    assert!(matches!(
        messages(r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#),
        ModelError::Refused { .. }
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_stream_never_makes_us_fall_over(
        which in 0..FIXTURES.len(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (dialect, _, bytes) = FIXTURES[which];
        let mut bytes = bytes.to_vec();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let (events, end) = read(dialect, [&bytes[..]]);
        prop_assert_eq!(is_finished(&events), end.is_ok());
    }
}
