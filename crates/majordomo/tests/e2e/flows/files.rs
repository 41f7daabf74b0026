//! Files that come with messages, as the machine sees them: memory stays bounded, and no name becomes a place on the disk.

use crate::harness::Stage;
use futures_util::stream;
use reqwest::{Body, Method, header};
use serde_json::json;
use std::path::{Path, PathBuf};

/// KiB that no bad input may cost.
const MOST_MORE: u64 = 64 * 1024;

/// `hello`, as base64.
const HELLO: &str = "aGVsbG8=";

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_two_hundred_megabytes_and_pictures_nobody_can_draw_cost_little_memory() {
    let stage = Stage::new().await;
    let talk = stage.conversation().await;
    let path = format!("/api/conversations/{talk}/messages");
    stage.ask(&talk, "hello").await;
    let (before, _) = stage.memory();

    for _ in 0..3 {
        const PIECE: &[u8] = &[b'A'; 64 * 1024];
        let begin: &[u8] = br#"{"files":[{"name":"a","media_type":"image/png","data":""#;
        let pieces =
            (0..200_000_000 / PIECE.len()).map(move |n| Ok::<_, std::io::Error>(if n == 0 { begin } else { PIECE }));
        let body = Body::wrap_stream(stream::iter(pieces));
        let sent =
            stage.request(Method::POST, &path).header(header::CONTENT_TYPE, "application/json").body(body).send();
        // The service closes the connection once it has refused; whoever still writes may see only that.
        if let Ok(answer) = sent.await {
            assert_eq!(answer.status(), 413);
        }
    }
    // 33 bytes that would be 14 gigabytes on a screen, and a message as long as one may be with a file that is too large.
    let picture = "iVBORw0KGgoAAAANSUhEUgAA6mAAAOpgCAYAAAAAAAAA";
    let file = |data: &str| json!({ "name": "a.png", "media_type": "image/png", "data": data });
    let (status, body) = stage.post(&path, json!({ "text": "look", "files": [file(picture)] })).await;
    assert_eq!((status.as_u16(), body["error_code"].as_str()), (413, Some("TOO_LARGE")), "{body}");
    assert!(body["error"].as_str().unwrap().contains("60000 × 60000"), "{body}");
    let (status, body) = stage.post(&path, json!({ "text": "look", "files": [file(&"A".repeat(15_900_000))] })).await;
    assert_eq!(status.as_u16(), 413, "{body}");

    let (_, most) = stage.memory();
    let more = most.saturating_sub(before);
    eprintln!("memory: {before} KiB before, {more} KiB more at most");
    assert!(more <= MOST_MORE, "{more} KiB more than the {before} KiB before");
    assert_eq!(stage.messages(&talk).await.len(), 2, "none of it was kept");
    assert!(stage.ask(&talk, "hello").await.starts_with("Hello"), "the service goes on");
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files_below(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_files_characters_and_documents_never_become_a_path() {
    let stage = Stage::new().await;
    let here = stage.folder.path();
    let out = format!("{}-out", here.file_name().unwrap().to_str().unwrap());
    let absolute = here.with_file_name(&out).to_str().unwrap().to_owned();
    let climbs = [format!("../{out}"), format!("../../{out}"), format!("..\\..\\{out}"), absolute];
    let names = climbs.into_iter().chain(["CON", "two\nlines", "x\u{0}y"].map(str::to_owned)).chain(["n".repeat(300)]);
    let names: Vec<String> = names.collect();
    let talk = stage.conversation().await;
    // What comes and goes beside a SQLite file is there before.
    stage.ask(&talk, "hello").await;
    let before = files_below(here);
    for name in &names {
        let file = json!({ "name": name, "media_type": "text/plain", "data": HELLO });
        let path = format!("/api/conversations/{talk}/messages");
        let (status, said) = stage.post(&path, json!({ "text": "keep this", "files": [file] })).await;
        assert_eq!(status.as_u16(), 202, "{said}");
        stage.over(said["turn_id"].as_str().unwrap()).await;
        // A name of the party is a line within its document.
        let character = json!({ "name": name, "role": name });
        let (_, asked) = stage.post("/api/tools/party_add_character", character).await;
        if let Some(approval) = asked["approval"].as_str() {
            let (_, decided) =
                stage.post(&format!("/api/approvals/{approval}"), json!({ "decision": "approve" })).await;
            stage.over(decided["turn_id"].as_str().unwrap_or_else(|| panic!("{decided}"))).await;
        }
        stage.post("/api/tools/knowledge_search", json!({ "query": name })).await;
    }
    let kept = stage.messages(&talk).await;
    let attached = kept.iter().filter(|message| message["parts"][1]["name"].is_string());
    assert_eq!(attached.count(), names.len(), "{kept:#?}");
    let (_, party) = stage.post("/api/tools/party_view", json!({})).await;
    let party = party["text"].as_str().unwrap();
    for name in [&format!("../../{out}"), "CON"] {
        assert!(party.contains(&format!(r#""name":"{name}""#)), "{name}: {party}");
    }
    assert_eq!(files_below(here), before, "no file came of a name");
    for folder in here.ancestors().skip(1) {
        assert!(!folder.join(&out).exists(), "{}", folder.display());
    }
    stage.check_whole();
}
