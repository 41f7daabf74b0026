//! Which tools the real program finds for what people say, in four languages.

use crate::harness::{Setting, Stage};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Question, language, names of tools that serve; a line each.
const QUESTIONS: &str = include_str!("../find_tools.tsv");

/// Of the first five tools one serves, for 95 of 100 questions of each language whose tools are there.
#[tokio::test]
async fn a_tool_that_serves_is_among_the_first_five_in_four_languages() {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("[tools.knowledge]\nfolder = {:?}\n", folder.path().to_str().unwrap());
    let stage = Stage::with(Setting { settings, has_media: true, ..Setting::default() }).await;
    let (status, tools) = stage.get("/api/tools").await;
    assert_eq!(status, StatusCode::OK, "{tools}");
    let known = tools.to_string();
    let (mut found, mut missed, mut absent) = (BTreeMap::<&str, [u32; 2]>::new(), Vec::new(), 0);
    for line in QUESTIONS.lines().skip(1) {
        let [question, language, names] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let serving: BTreeSet<&str> = names.split(' ').filter(|name| known.contains(&format!("\"{name}\""))).collect();
        if serving.is_empty() {
            absent += 1;
            continue;
        }
        let (status, answer) = stage.post("/api/tools/find_tools", json!({ "query": question })).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let first = first_five(&answer);
        let [of, hits] = found.entry(language).or_default();
        *of += 1;
        match first.iter().any(|name| serving.contains(name.as_str())) {
            true => *hits += 1,
            false => missed.push(format!("{language} {question} {first:?}")),
        }
    }
    eprintln!(
        "{absent} questions are for tools that are not here; found of those asked: {found:?}; missed: {missed:#?}"
    );
    assert!(found.len() == 4 && found.values().map(|[of, _]| of).sum::<u32>() >= 200, "{found:?}");
    for (language, [of, hits]) in found {
        assert!(hits * 100 >= of * 95, "{language}: {hits} of {of}; {missed:#?}");
    }
}

fn first_five(answer: &Value) -> Vec<String> {
    let text = answer["text"].as_str().unwrap_or_default();
    let is_name = |name: &str| name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_');
    let name = |line: &str| line.split_once(": ").map(|(name, _)| name.to_owned()).filter(|name| is_name(name));
    text.lines().filter_map(name).take(5).collect()
}
