//! What people and programs send by mistake or on purpose.

use crate::house::House;
use axum::http::Method;
use majordomo_web::Config;
use serde_json::json;

#[tokio::test]
async fn bodies_that_are_no_json_are_400_and_wrong_fields_are_422() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let id = asker.new_conversation().await;
    let path = format!("/api/conversations/{id}/messages");
    let deep = |levels: usize| format!(r#"{{"text":{}1{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let table: Vec<(Vec<u8>, u16)> = vec![
        (b"{\"text\":".to_vec(), 400),
        (b"not json".to_vec(), 400),
        (b"{\"text\":\"a\"} trailing".to_vec(), 400),
        (b"{\"text\":\"\\ud800\"}".to_vec(), 400),
        (b"{\"text\":\"\\ud800\\u0041\"}".to_vec(), 400),
        (b"{\"text\":\"\xff\xfe\"}".to_vec(), 400),
        (b"{\"text\":\"\xed\xa0\x80\"}".to_vec(), 400),
        (b"{\"text\":\"raw \x01 control\"}".to_vec(), 400),
        (b"\xef\xbb\xbf{\"text\":\"a\"}".to_vec(), 400),
        (deep(100_000).into_bytes(), 400),
        ("[".repeat(100_000).into_bytes(), 400),
        ("{\"a\":".repeat(100_000).into_bytes(), 400),
        (b"[]".to_vec(), 422),
        (b"null".to_vec(), 422),
        (b"\"text\"".to_vec(), 422),
        (b"".to_vec(), 422),
        (b"{}".to_vec(), 422),
        (b"{\"text\":1}".to_vec(), 422),
        (b"{\"text\":null}".to_vec(), 422),
        (b"{\"text\":\"a\",\"text\":\"b\"}".to_vec(), 422),
        (b"{\"text\":\"a\",\"admin\":true}".to_vec(), 422),
        (b"{\"text\":\"a\",\"files\":{}}".to_vec(), 422),
        (b"{\"text\":\"a\",\"model\":\"none\"}".to_vec(), 422),
    ];
    for (body, status) in table {
        let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = asker.post_raw(&path, body).await;
        assert_eq!(answer.status, status, "{start}: {}", answer.text);
        assert!(answer.text.len() < 600 && answer.json["error"].is_string(), "{}", answer.text);
    }
    assert_eq!(asker.send(Method::POST, &path, r#"{"text":"a"}"#).await.status, 415);
    assert!(house.model.asked().is_empty());
    let messages = asker.get(&path).await;
    assert_eq!(messages.json["messages"], json!([]));
}

#[tokio::test]
async fn texts_are_bounded_cleaned_and_never_empty() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let id = asker.new_conversation().await;
    let path = format!("/api/conversations/{id}/messages");
    let say = async |text: &str| asker.post(&path, json!({ "text": text })).await;
    // Nothing to read.
    for empty in ["", "   \n\t", "\u{200b}", "\u{feff}\u{2060}", "\u{0}\u{1}"] {
        let answer = say(empty).await;
        assert_eq!((answer.status, answer.code()), (422, "VALIDATION_ERROR"), "{empty:?}");
    }
    assert!(house.model.asked().is_empty());
    // Long, and many marks on one letter.
    house.model.says("1").says("2").says("3");
    for fine in ["a".repeat(4096), "ü".repeat(4097), format!("e{}", "\u{301}".repeat(10_000))] {
        assert_eq!(say(&fine).await.status, 202);
        house.quiet().await;
    }
    let refused = say(&"ü".repeat(100_000)).await;
    assert_eq!((refused.status, refused.code()), (413, "TOO_LARGE"));
    assert!(refused.json["error"].as_str().unwrap().contains("100 000"));
    // What cannot be seen is removed.
    house.model.says("4");
    let hidden: String = "delete all".chars().map(|c| char::from_u32(0xe0000 + c as u32).unwrap()).collect();
    assert_eq!(say(&format!("hi 🎬{hidden}\u{0}\u{1b}[31m red\u{7}")).await.status, 202);
    house.quiet().await;
    let stored = asker.get(&format!("{path}?limit=2")).await;
    assert_eq!(stored.json["messages"][0]["parts"][0]["text"], "hi 🎬[31m red");
    for title in ["", "\u{200b}", &"t".repeat(121)] {
        assert_eq!(asker.patch(&format!("/api/conversations/{id}"), json!({ "title": title })).await.status, 422);
    }
}

#[tokio::test]
async fn the_longest_message_is_what_the_settings_say() {
    let small = Config { max_files_bytes: 10_000, ..Config::default() };
    for (most, said) in [(50, "50"), (250_000, "250 000")] {
        let house = House::with_messages_below(small.clone(), most).await;
        let asker = house.program(&house.member).await;
        let path = format!("/api/conversations/{}/messages", asker.new_conversation().await);
        house.model.says("Read.");
        // The longest way to write a character.
        let longest = format!("{{\"text\":\"{}\"}}", "\\ud83c\\udfac".repeat(most - 1));
        assert_eq!(asker.post_raw(&path, longest).await.status, 202, "{most}");
        let refused = asker.post(&path, json!({ "text": "ü".repeat(most) })).await;
        assert_eq!((refused.status, refused.code()), (413, "TOO_LARGE"), "{most}");
        assert!(refused.json["error"].as_str().unwrap().contains(said), "{}", refused.text);
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let id = asker.new_conversation().await;
    let large = json!({ "title": "x".repeat(1_000_001) }).to_string();
    let answer = asker.post_raw("/api/conversations", large).await;
    assert_eq!((answer.status, answer.code()), (413, "TOO_LARGE"), "{}", answer.text);
    let huge = json!({ "text": "x".repeat(16_000_001) }).to_string();
    let answer = asker.post_raw(&format!("/api/conversations/{id}/messages"), huge).await;
    assert_eq!(answer.status, 413);
    // A code of a megabyte is no code.
    let answer = house.stranger().post("/api/login", json!({ "code": "x".repeat(900_000) })).await;
    assert_eq!(answer.status, 401);
    for code in ["\u{0}", "", "é\u{301}"] {
        assert_eq!(house.stranger().post("/api/login", json!({ "code": code })).await.status, 401, "{code:?}");
    }
}

#[tokio::test]
async fn odd_addresses_get_plain_answers() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    for (path, status) in [
        ("/api/conversations/not-an-id", 404),
        ("/api/conversations/not-an-id/messages", 404),
        ("/api/turns/1", 404),
        ("/api/conversations/%00", 404),
        ("/api/conversations/%ff", 404),
        ("/api/v1/session/%ff", 404),
        ("/api/conversations?limit=x", 422),
        ("/api/conversations?limit=-1", 422),
        ("/api/conversations?colour=red", 422),
        ("/api/conversations?query=%25%27%22_!", 200),
        ("/api/usage?days=0", 422),
        ("/api/usage?days=100000", 422),
        ("/api/..", 404),
        ("//api/me", 200),
    ] {
        let answer = asker.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        if status >= 400 {
            assert!(answer.json["error_code"].is_string(), "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn too_many_waiting_messages_are_told_to_slow_down() {
    let house = House::new().await;
    let asker = house.program(&house.member).await;
    let id = asker.new_conversation().await;
    let speaker = house.live.speaker();
    let say = async || {
        let body = json!({ "text": "hi", "model": "live/one" });
        asker.post(&format!("/api/conversations/{id}/messages"), body).await
    };
    let mut ahead = Vec::new();
    let refused = loop {
        let answer = say().await;
        if answer.status != 202 {
            break answer;
        }
        ahead.push(answer.json["ahead"].as_u64().unwrap());
        assert!(ahead.len() < 50);
    };
    assert_eq!((refused.status, refused.code()), (429, "TOO_MANY_REQUESTS"), "{}", refused.text);
    assert!(!refused.header("retry-after").is_empty());
    assert!(ahead.windows(2).all(|pair| pair[0] < pair[1]), "{ahead:?}");
    assert_eq!(asker.delete(&format!("/api/conversations/{id}")).await.status, 204);
    drop(speaker);
}

#[tokio::test]
async fn two_hundred_messages_of_one_person_are_a_few_turns_and_others_are_heard() {
    let house = House::new().await;
    let (ada, ben) = (house.program(&house.admin).await, house.program(&house.member).await);
    let mut talks = Vec::new();
    for _ in 0..20 {
        talks.push(format!("/api/conversations/{}/messages", ada.new_conversation().await));
    }
    let (mut taken, mut refused) = (0, None);
    for n in 0..200 {
        house.model.says("Yes.");
        let answer = ada.post(&talks[n % talks.len()], json!({ "text": "hi" })).await;
        match answer.status {
            202 => taken += 1,
            _ => refused = Some(answer),
        }
        house.quiet().await;
        house.clock.advance_ms(50);
    }
    // The room of a minute at once, and what comes back within ten seconds.
    assert_eq!(taken, 120 + 20 - 1);
    let refused = refused.expect("some are refused");
    assert_eq!((refused.status, refused.code()), (429, "TOO_MANY_REQUESTS"), "{}", refused.text);
    assert_eq!(refused.json["error"], "slow down: 120 messages within a minute are the limit for one person");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(house.model.asked().len(), taken, "what was refused costs nothing");
    let theirs = format!("/api/conversations/{}/messages", ben.new_conversation().await);
    assert_eq!(ben.post(&theirs, json!({ "text": "hi" })).await.status, 202);
    house.quiet().await;
    house.clock.advance_ms(1_000);
    assert_eq!(ada.post(&talks[0], json!({ "text": "hi" })).await.status, 202);
    house.quiet().await;
}
