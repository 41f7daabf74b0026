//! The first walk: a question on the page's API, tools, an answer as it is written, and the same after a restart.

use crate::harness::{Setting, Stage, count, visible};
use majordomo_standins::model::{Piece, Script};
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn a_question_about_what_is_trending_is_answered_with_tools_and_survives_a_restart() {
    let mut stage = Stage::new().await;
    let conversation = stage.conversation().await;
    let mut events = stage.events(&conversation).await;
    assert_eq!(events.next().await.unwrap()["type"], "snapshot");
    let question = "what's trending this week, and is any of it good for kids?";
    let turn = stage.say(&conversation, question).await;
    let seen = events.turn().await;

    let kinds = count(seen.iter().map(|event| event["type"].as_str().unwrap().to_owned()));
    assert!(kinds["call_finished"] >= 1, "{kinds:?}");
    assert!(kinds["text_delta"] > 3, "the answer comes in pieces: {kinds:?}");
    let numbers: Vec<i64> = seen.iter().map(|event| event["number"].as_i64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let cards =
        seen.iter().filter(|e| e["type"] == "call_finished").flat_map(|e| e["cards"].as_array().unwrap()).count();
    assert!(cards > 0, "films are shown as cards: {seen:#?}");

    let end = seen.last().unwrap();
    assert_eq!(end["state"], "done", "{end}");
    let messages = stage.messages(&conversation).await;
    assert_eq!(visible(&messages[0]), question);
    let answer = visible(messages.last().unwrap());
    let mut streamed = String::new();
    for event in &seen {
        match event["type"].as_str().unwrap() {
            "model_asked" => streamed.clear(),
            "text_delta" => streamed.push_str(event["text"].as_str().unwrap()),
            // A watcher who fell behind is given everything so far at once.
            "snapshot" => streamed = event["running"]["text"].as_str().unwrap_or_default().to_owned(),
            _ => {}
        }
    }
    assert_eq!(streamed, answer, "what was streamed is what is stored");

    stage.restart().await;
    assert_eq!(stage.messages(&conversation).await, messages);
    let (_, list) = stage.get("/api/conversations").await;
    assert_eq!(list["conversations"][0]["title"], "what's trending this week, and is any o…", "{list}");
    assert_eq!(stage.over(&turn).await["turn"]["state"], "done");

    // The model is given what was said before the restart.
    stage.town.forget();
    stage.ask(&conversation, "and what did I ask first?").await;
    let asked = stage.town.requests_to("model");
    let body = serde_json::to_string(&asked.last().unwrap().body).unwrap();
    assert!(body.contains("trending this week"), "{body}");
    stage.check_requests();
}

#[tokio::test]
async fn hello_is_cheap_although_every_tool_is_there() {
    let stage = Stage::new().await;
    let conversation = stage.conversation().await;
    stage.ask(&conversation, "hello").await;
    let asked = stage.town.requests_to("model");
    let body = &asked[0].body;
    let bytes = body["messages"].to_string().len() + body["tools"].to_string().len();
    assert!(bytes / 4 <= 1_500, "about {} tokens: {body}", bytes / 4);
    let (_, tools) = stage.get("/api/tools").await;
    let all: usize =
        tools["toolkits"].as_array().unwrap().iter().map(|kit| kit["tools"].as_array().unwrap().len()).sum();
    assert!(all > 50, "{all} tools are on offer");
}

#[tokio::test]
async fn the_stable_part_of_a_conversation_stays_equal_byte_for_byte() {
    let stage = Stage::new().await;
    let conversation = stage.conversation().await;
    for number in 0..20 {
        stage.town.model().script(Script::text(&format!("answer {number}")));
        stage.ask(&conversation, &format!("question {number}")).await;
    }
    let asked = stage.town.requests_to("model");
    assert_eq!(asked.len(), 20);
    let system = |index: usize| asked[index].body["messages"][0].to_string();
    let tools = |index: usize| asked[index].body["tools"].to_string();
    for index in 1..20 {
        assert_eq!((system(index), tools(index)), (system(0), tools(0)), "request {index}");
        let before = asked[index - 1].body["messages"].as_array().unwrap();
        let after = asked[index].body["messages"].as_array().unwrap();
        assert_eq!(&after[..before.len()], &before[..], "history before request {index}");
    }
}

#[tokio::test]
async fn a_stream_that_was_cut_goes_on_where_it_was() {
    let stage = Stage::new().await;
    stage.town.model().script(Script::text("one two three four five six seven eight"));
    let conversation = stage.conversation().await;
    let mut whole = stage.events(&conversation).await;
    stage.say(&conversation, "count").await;
    let seen = whole.turn().await;
    let middle = seen[seen.len() / 2]["number"].as_i64().unwrap();
    let path = format!("/api/conversations/{conversation}/events");
    let request = stage.request(Method::GET, &path).header("Last-Event-ID", middle.to_string());
    let mut resumed = crate::harness::Events::of(request.send().await.unwrap());
    assert_eq!(resumed.turn().await, seen[seen.len() / 2 + 1..], "nothing is missing, nothing comes twice");

    for (bad, status) in [("tomorrow", StatusCode::BAD_REQUEST), ("999999999999", StatusCode::BAD_REQUEST)] {
        let answer = stage.request(Method::GET, &path).header("Last-Event-ID", bad).send().await.unwrap();
        assert_eq!(answer.status(), status, "{bad}");
    }
}

#[tokio::test]
async fn a_turn_that_takes_too_long_is_ended_by_the_server_and_stays_ended() {
    let mut stage =
        Stage::with(Setting { settings: "[agents.majordomo.limits]\nseconds = 5\n".into(), ..Setting::default() })
            .await;
    stage.town.model().script(Script::new(vec![Piece::Text { text: "so far".into() }, Piece::Silence]).for_ever());
    let conversation = stage.conversation().await;
    let turn = stage.say(&conversation, "take your time").await;
    let over = stage.over(&turn).await;
    assert_eq!(over["turn"]["state"], "cancelled", "{over}");
    let messages = stage.messages(&conversation).await;
    let notice = messages.last().unwrap()["parts"].as_array().unwrap().iter().find(|p| p["type"] == "notice").cloned();
    assert_eq!(notice.expect("a notice is stored")["kind"], "timed_out");
    assert_eq!(visible(messages.last().unwrap()).matches("so far").count(), 1, "{messages:?}");
    // Nobody begins to think again: not the next start, not whoever reads the conversation then.
    stage.town.forget();
    stage.restart().await;
    assert_eq!(stage.messages(&conversation).await, messages);
    assert_eq!(stage.over(&turn).await["turn"]["state"], "cancelled");
    let (_, shown) = stage.get(&format!("/api/conversations/{conversation}")).await;
    assert_eq!(shown["pending"], false, "{shown}");
    assert!(stage.town.requests_to("model").is_empty());
}

#[tokio::test]
async fn bad_messages_are_refused_with_a_sentence_and_no_model_is_asked() {
    let stage = Stage::new().await;
    let conversation = stage.conversation().await;
    let path = format!("/api/conversations/{conversation}/messages");
    let cases = [
        (json!({"text": ""}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"text": " \n\u{200b}"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"text": "x".repeat(100_001)}), StatusCode::PAYLOAD_TOO_LARGE),
        (json!({"words": "hi"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"text": 7}), StatusCode::UNPROCESSABLE_ENTITY),
    ];
    for (body, expected) in cases {
        let (status, answer) = stage.post(&path, body).await;
        assert_eq!(status, expected, "{answer}");
        assert!(answer["error"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
        assert!(answer["error_code"].is_string() && answer["request_id"].is_string(), "{answer}");
    }
    assert!(stage.town.requests_to("model").is_empty());
}

#[tokio::test]
async fn one_answer_for_one_key_however_often_it_is_sent() {
    let stage = Stage::new().await;
    let conversation = stage.conversation().await;
    let path = format!("/api/conversations/{conversation}/messages");
    let send = |text: &'static str| {
        let request = stage.request(Method::POST, &path).header("Idempotency-Key", "k-1").json(&json!({"text": text}));
        async move {
            let response = request.send().await.unwrap();
            (response.status(), response.json::<serde_json::Value>().await.unwrap())
        }
    };
    let (first, again) = (send("hello").await, send("hello").await);
    assert_eq!((first.0, again.0), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_eq!(first.1["turn_id"], again.1["turn_id"]);
    assert_eq!(send("something else").await.0, StatusCode::CONFLICT);
    stage.over(first.1["turn_id"].as_str().unwrap()).await;
    let users = stage.messages(&conversation).await.iter().filter(|m| m["role"] == "user").count();
    assert_eq!(users, 1);
}

#[tokio::test]
async fn a_question_that_only_the_catalogue_answers_takes_less_than_a_second() {
    let stage = Stage::new().await;
    let mut took = Vec::new();
    for question in ["what's trending this week?", "which films are popular?", "what's trending this week?"] {
        for _ in 0..3 {
            let talk = stage.conversation().await;
            let begun = std::time::Instant::now();
            stage.ask(&talk, question).await;
            took.push(begun.elapsed());
        }
    }
    took.sort();
    let median = took[took.len() / 2];
    eprintln!("median {median:?}, slowest {:?}", took.last());
    assert!(stage.town.requests_to("tmdb").iter().any(|asked| asked.path.contains("/trending/")), "it was asked");
    assert!(median < std::time::Duration::from_secs(1), "{took:?}");
}
