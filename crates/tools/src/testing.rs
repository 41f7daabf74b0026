//! What the tests of several toolkits need: a person who calls, and a way to run a tool as the engine does.

use majordomo_domain::{
    Call, ConversationId, Output, Person, PersonId, Standing, ToolError, Toolkit, TurnId, tool::ErasedTool,
};
use std::sync::Arc;

/// Saturday, 2026-11-21T06:53:00Z, asked by a member in Berlin.
pub fn call() -> Call {
    Call {
        id: "call_1".into(),
        turn: TurnId::new(),
        conversation: ConversationId::new(),
        person: Arc::new(Person {
            id: PersonId::new(),
            name: "Brigitte".into(),
            standing: Standing::Member,
            zone: Some("Europe/Berlin".into()),
            language: None,
            created_at_ms: 0,
        }),
        now_ms: 1_795_243_980_000,
    }
}

pub fn tool<'a>(toolkit: &'a Toolkit, name: &str) -> &'a ErasedTool {
    toolkit
        .tools
        .iter()
        .find(|tool| tool.name == name || tool.aliases.contains(&name))
        .expect("the toolkit has the tool")
}

/// Runs a tool that needs no outside service.
pub fn run(toolkit: &Toolkit, name: &str, arguments: &str, call: &Call) -> Result<Output, ToolError> {
    futures_util::future::FutureExt::now_or_never(tool(toolkit, name).parse(arguments)?.run(call))
        .expect("needs no waiting")
}
