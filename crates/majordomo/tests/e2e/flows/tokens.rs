//! What questions cost in input tokens with every tool there, as the model is sent them: bytes by four, tool schemas included.

use crate::harness::{Setting, Stage};

/// The largest request of a first question about films or series.
const FIRST_QUESTION: usize = 4_000;
/// Small talk, with every tool installed.
const HELLO: usize = 1_500;

/// The size of each request of a turn in a new conversation.
async fn requests_of(stage: &Stage, said: &str) -> Vec<usize> {
    let talk = stage.conversation().await;
    stage.town.forget();
    let answer = stage.ask(&talk, said).await;
    let asked = stage.town.requests_to("model").into_iter().map(|asked| asked.body);
    let sizes: Vec<usize> =
        asked.map(|body| (body["messages"].to_string().len() + body["tools"].to_string().len()) / 4).collect();
    eprintln!(
        "{said}: {sizes:?}, {} in all; {}",
        sizes.iter().sum::<usize>(),
        answer.lines().next().unwrap_or_default()
    );
    sizes
}

#[tokio::test]
async fn small_talk_and_first_questions_are_cheap_with_every_tool_there() {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("[tools.knowledge]\nfolder = {:?}\n", folder.path().to_str().unwrap());
    let stage = Stage::with(Setting { settings, has_media: true, ..Setting::default() }).await;
    let hello = requests_of(&stage, "hello").await;
    assert!(hello.len() == 1 && hello[0] <= HELLO, "{hello:?}");
    // What can be answered with the tools a model is told of at once, over all its steps.
    let trending = requests_of(&stage, "what's trending this week?").await;
    assert!(trending.len() == 2 && trending.iter().sum::<usize>() <= FIRST_QUESTION, "{trending:?}");
    for said in [
        "is Metropolis in our library?",
        "where is my film Nosferatu?",
        "get me Häxan in 4K",
        "what is being downloaded?",
        "is anything stuck?",
        "is everything running?",
        "when is the next episode of Sherlock Holmes?",
        "what should we watch tonight?",
    ] {
        let sizes = requests_of(&stage, said).await;
        assert!(sizes.len() > 1 && sizes.iter().all(|size| *size <= FIRST_QUESTION), "{said}: {sizes:?}");
    }
}
