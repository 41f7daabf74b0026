//! What comes with a message: taken when it is what it says, refused by what its first bytes say, found by its message and never by its name.

use crate::house::{Asker, House};
use axum::{body::Body, http::Method};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::stream;
use majordomo_domain::Part;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

fn file(name: &str, media_type: &str, bytes: &[u8]) -> Value {
    json!({ "name": name, "media_type": media_type, "data": STANDARD.encode(bytes) })
}

/// The beginning of a picture that says it is so large, and nothing of what it would show.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend(b"\x08\x06\0\0\0\0\0\0\0\0\0\0\0IEND\xaeB\x60\x82");
    bytes
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08".to_vec();
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.extend(b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9");
    bytes
}

fn gif(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(b"\0\0\0\x3b");
    bytes
}

fn webp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
    bytes.extend(&(width - 1).to_le_bytes()[..3]);
    bytes.extend(&(height - 1).to_le_bytes()[..3]);
    bytes
}

/// The head of an archive that says it unpacks to four gigabytes.
fn zip_bomb() -> Vec<u8> {
    let mut bytes = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\xde\xad\xbe\xef".to_vec();
    bytes.extend(1_000_u32.to_le_bytes());
    bytes.extend(u32::MAX.to_le_bytes());
    bytes.extend(b"\x08\0\0\0bomb.txt");
    bytes.extend([0xff; 1_000]);
    bytes
}

fn followed_by(mut bytes: Vec<u8>, more: &[u8]) -> Vec<u8> {
    bytes.extend(more);
    bytes
}

async fn talk(house: &House) -> (Asker, String) {
    let asker = house.program(&house.member).await;
    let path = format!("/api/conversations/{}/messages", asker.new_conversation().await);
    (asker, path)
}

/// What a model was given last.
fn given(house: &House) -> Part {
    let asked = house.model.asked().pop().expect("a model was asked");
    asked.messages.last().and_then(|message| message.parts.last()).expect("something was said").clone()
}

#[tokio::test]
async fn files_that_are_what_they_say_reach_the_model_as_they_came() {
    let house = House::new().await;
    let (asker, path) = talk(&house).await;
    // As large as one may be.
    for picture in [
        ("image/png", png(1, 1)),
        ("image/png", png(16_384, 3_051)),
        ("image/jpeg", jpeg(4_032, 3_024)),
        ("image/gif", gif(320, 200)),
        ("image/webp", webp(7_000, 7_000)),
    ] {
        house.model.says("Seen.");
        let answer = asker.post(&path, json!({ "files": [file("a", picture.0, &picture.1)] })).await;
        assert_eq!(answer.status, 202, "{}: {}", picture.0, answer.text);
        house.quiet().await;
        let part = Part::Image { media_type: picture.0.into(), data: STANDARD.encode(&picture.1) };
        assert_eq!(given(&house), part);
    }
    for (kind, bytes) in [
        ("text/plain", "hello".as_bytes()),
        ("text/markdown", b"# hello"),
        ("text/csv", b"a,b"),
        ("application/json", b"{}"),
        ("application/pdf", b"%PDF-1.7"),
    ] {
        house.model.says("Read.");
        let answer = asker.post(&path, json!({ "text": "Look", "files": [file("a.txt", kind, bytes)] })).await;
        assert_eq!(answer.status, 202, "{kind}: {}", answer.text);
        house.quiet().await;
    }
}

#[tokio::test]
async fn what_is_too_large_or_not_what_it_says_is_refused_by_its_first_bytes() {
    let house = House::new().await;
    let (asker, path) = talk(&house).await;
    let page = b"<!DOCTYPE html><html><script>fetch('/api/me')</script></html>";
    let lie = "“a” is not what its media type says";
    let damaged = "“a” is damaged: it does not say how large a picture it is";
    let pixels = |width, height| {
        format!("“a” has {width} × {height} pixels; a picture has at most 50 million, and 16384 a side")
    };
    for (kind, bytes, status, said) in [
        // Pictures nobody could draw.
        ("image/png", png(60_000, 60_000), 413, pixels(60_000, 60_000)),
        ("image/png", png(u32::MAX, u32::MAX), 413, pixels(u32::MAX, u32::MAX)),
        ("image/png", png(16_385, 1), 413, pixels(16_385, 1)),
        ("image/png", png(8_000, 6_251), 413, pixels(8_000, 6_251)),
        ("image/jpeg", jpeg(60_000, 60_000), 413, pixels(60_000, 60_000)),
        ("image/gif", gif(60_000, 60_000), 413, pixels(60_000, 60_000)),
        ("image/webp", webp(60_000, 60_000), 413, pixels(60_000, 60_000)),
        ("image/png", png(0, 5), 422, damaged.into()),
        ("image/png", png(5, 5)[..20].to_vec(), 422, damaged.into()),
        ("image/jpeg", b"\xff\xd8\xff\xe0\xff\xff\0\0\0\0\0\0".to_vec(), 422, damaged.into()),
        ("image/gif", b"GIF89a".to_vec(), 422, lie.into()),
        // Archives, as themselves and as something else.
        ("application/zip", zip_bomb(), 422, "“a”: files of this kind are not taken".into()),
        ("text/plain", zip_bomb(), 422, lie.into()),
        ("application/json", zip_bomb(), 422, lie.into()),
        ("application/pdf", zip_bomb(), 422, lie.into()),
        ("image/png", zip_bomb(), 422, lie.into()),
        // Two things at once.
        ("image/png", followed_by(page.to_vec(), &png(5, 5)), 422, lie.into()),
        ("image/png", followed_by(png(5, 5), page), 422, lie.into()),
        ("image/png", followed_by(png(5, 5), b"<SCRIPT src=x>"), 422, lie.into()),
        ("image/gif", followed_by(gif(5, 5), b"/*<script>*/"), 422, lie.into()),
        ("image/jpeg", followed_by(jpeg(5, 5), b"<iframe src=x>"), 422, lie.into()),
        ("image/webp", followed_by(webp(5, 5), b"\n<html >"), 422, lie.into()),
        // Something else than it says.
        ("image/png", b"hello".to_vec(), 422, lie.into()),
        ("image/png", jpeg(5, 5), 422, lie.into()),
        ("image/jpeg", png(5, 5), 422, lie.into()),
        ("image/webp", gif(5, 5), 422, lie.into()),
        ("text/plain", png(5, 5), 422, lie.into()),
        ("text/plain", b"\xff\xfe".to_vec(), 422, lie.into()),
        ("application/pdf", b"hello".to_vec(), 422, lie.into()),
        ("text/plain", Vec::new(), 422, lie.into()),
        ("image/png", Vec::new(), 422, lie.into()),
        ("text/html", page.to_vec(), 422, "“a”: files of this kind are not taken".into()),
        ("image/svg+xml", b"<svg/>".to_vec(), 422, "“a”: files of this kind are not taken".into()),
        ("", b"hello".to_vec(), 422, "“a”: files of this kind are not taken".into()),
        ("text/plain", vec![b'a'; 10_000_001], 413, "“a” is larger than 10 MB".into()),
    ] {
        let answer = asker.post(&path, json!({ "text": "look", "files": [file("a", kind, &bytes)] })).await;
        let code = if status == 413 { "TOO_LARGE" } else { "WRONG_FILE" };
        assert_eq!((answer.status, answer.code()), (status, code), "{kind} {said}: {}", answer.text);
        assert_eq!(answer.json["error"], said, "{kind}");
    }
    let no_base64 = json!({ "name": "a", "media_type": "text/plain", "data": "not base64!" });
    let answer = asker.post(&path, json!({ "text": "look", "files": [no_base64] })).await;
    assert_eq!((answer.status, answer.code()), (422, "WRONG_FILE"), "{}", answer.text);
    let many = vec![file("a.txt", "text/plain", b"hello"); 9];
    assert_eq!(asker.post(&path, json!({ "text": "look", "files": many })).await.status, 413);
    assert!(house.model.asked().is_empty(), "none of it reached a model");
    assert_eq!(asker.get(&path).await.json["messages"], json!([]), "none of it was kept");
}

/// A document that unpacks to more than it is, in a kind that is taken, is passed on as it came: nothing here unpacks it.
#[tokio::test]
async fn a_packed_stream_within_a_document_is_not_unpacked() {
    let house = House::new().await;
    let (asker, path) = talk(&house).await;
    let bomb = followed_by(b"%PDF-1.7\n1 0 obj<</Filter/FlateDecode/Length 1000>>stream\n".to_vec(), &zip_bomb());
    house.model.says("Read.");
    assert_eq!(asker.post(&path, json!({ "files": [file("a.pdf", "application/pdf", &bomb)] })).await.status, 202);
    house.quiet().await;
    let name = "a.pdf".into();
    assert_eq!(given(&house), Part::File { name, media_type: "application/pdf".into(), data: STANDARD.encode(bomb) });
    // Nor is a request that says it is packed.
    let packed = asker.clone().header("content-encoding", "gzip");
    let answer = packed.post_raw(&path, b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()).await;
    assert_eq!((answer.status, answer.code()), (400, "BAD_REQUEST"), "{}", answer.text);
}

#[tokio::test]
async fn of_two_hundred_megabytes_no_more_is_read_than_a_message_may_have() {
    let house = House::new().await;
    let (asker, path) = talk(&house).await;
    let read = Arc::new(AtomicUsize::new(0));
    const PIECE: usize = 64 * 1024;
    for path in [path.as_str(), "/api/conversations"] {
        read.store(0, Ordering::SeqCst);
        let counted = read.clone();
        let begin: &[u8] = br#"{"files":[{"name":"a","media_type":"image/png","data":""#;
        let pieces = (0..200_000_000 / PIECE).map(move |n| {
            counted.fetch_add(PIECE, Ordering::SeqCst);
            let piece = if n == 0 { Bytes::from_static(begin) } else { Bytes::from_static(&[b'A'; PIECE]) };
            Ok::<_, std::io::Error>(piece)
        });
        let sender = asker.clone().header("content-type", "application/json");
        let answer = sender.send(Method::POST, path, Body::from_stream(stream::iter(pieces))).await;
        assert_eq!((answer.status, answer.code()), (413, "TOO_LARGE"), "{}", answer.text);
        let most =
            if path == "/api/conversations" { house.config.max_body_bytes } else { house.config.max_files_bytes };
        assert!(
            read.load(Ordering::SeqCst) <= most + 2 * PIECE,
            "{path}: {} bytes were read",
            read.load(Ordering::SeqCst)
        );
    }
}

#[tokio::test]
async fn a_files_name_is_text_of_its_message_and_nothing_else() {
    let house = House::new().await;
    let (asker, path) = talk(&house).await;
    let long = format!("{}.txt", "n".repeat(296));
    let names = [
        ("../../x", "x"),
        ("..\\..\\x", "x"),
        ("/etc/passwd", "passwd"),
        ("C:\\x\\list.csv", "list.csv"),
        ("CON", "CON"),
        ("nul.txt", "nul.txt"),
        ("two\nlines\r.txt", "twolines.txt"),
        ("a\u{0}b\u{1b}[31m.txt", "ab[31m.txt"),
        ("a\u{202e}txt.exe", "atxt.exe"),
        (".htaccess", "htaccess"),
        ("..", "file"),
        ("", "file"),
        ("'; DROP TABLE messages; --", "'; DROP TABLE messages; --"),
        ("日本語.txt", "日本語.txt"),
        (long.as_str(), &format!("{}…", "n".repeat(119))),
    ];
    for (said, kept) in names {
        house.model.says("Read.");
        let answer = asker.post(&path, json!({ "text": "Look", "files": [file(said, "text/plain", b"hello")] })).await;
        assert_eq!(answer.status, 202, "{said:?}: {}", answer.text);
        house.quiet().await;
        let newest = asker.get(&format!("{path}?limit=2")).await.json["messages"][0].clone();
        assert_eq!(newest["parts"][1]["name"], kept, "{said:?}");
        // What it is found by has nothing of the name.
        let id = newest["id"].as_str().unwrap();
        assert!(id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'), "{id}");
        let part = Part::File { name: kept.into(), media_type: "text/plain".into(), data: STANDARD.encode("hello") };
        assert_eq!(given(&house), part, "{said:?}");
    }
}
