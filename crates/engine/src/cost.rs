//! What policy, labels, receipts and the truth check cost a turn: their own code, timed in this process, without a database or a
//! model. For `make bench`; built with the feature `bench` only.

use crate::{
    access::{Question, Rule, RuleDecision, judge},
    approve::{canonical, schema_hash},
    links::foreign_hosts,
    truth::Changes,
    turn::label_of,
};
use majordomo_domain::{
    Agent, AgentId, CallResult, Effect, Label, MemoryScope, Message, MessageId, Part, Person, PersonId, Role, Standing,
    TurnId, agent::Approvals, model::ToolSpec, tool::Class,
};
use serde_json::json;
use std::{
    collections::BTreeSet,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

/// Messages of the history, every fourth a result with a hundred words from outside.
const HISTORY: i64 = 80;
/// Calls that are judged, by a house with so many rules.
const CALLS: usize = 4;
const RULES: usize = 20;

/// The mean over so many turns of: the label of a history, four calls judged by twenty rules, one of them made into a question
/// (canonical arguments and their hashes), the receipts, the answer compared with them and searched for addresses.
pub fn cost_of_trust(turns: u32) -> Duration {
    let (person, agent) = (person(), agent());
    let rules: Vec<Rule> = (0..RULES).map(rule).collect();
    let history: Vec<Arc<Message>> = (1..=HISTORY).map(message).map(Arc::new).collect();
    let spec = ToolSpec {
        name: "party_add_character".into(),
        description: "Add a character to the party, or change one of that name.".into(),
        schema: json!({"type": "object", "properties": {"name": {"type": "string"}, "role": {"type": "string"}}}),
    };
    let arguments = r#"{"role":"Solo","name":"V","gear_preferences":["SMGs","revolvers"]}"#;
    let done = CallResult { receipt: Some("V (Solo) was added to the party.".into()), ..CallResult::default() };
    let answer = format!("{} V was added, see https://example.org/v for more.", "A sentence of an answer. ".repeat(60));
    let begun = Instant::now();
    for _ in 0..turns {
        let label = label_of(black_box(&history), None, None);
        let sources = BTreeSet::from(["tmdb".to_owned()]);
        for _ in 0..CALLS {
            let arguments = serde_json::from_str(black_box(arguments)).unwrap_or_default();
            black_box(judge(
                &Question {
                    person: &person,
                    agent: &agent,
                    channel: "web",
                    room: None,
                    tool: "party_add_character",
                    is_built_in: false,
                    effect: Effect::Write,
                    class: Class::Write,
                    arguments: &arguments,
                    label,
                    sources: &sources,
                    said: "V wants to join",
                    is_scheduled: false,
                },
                &rules,
            ));
        }
        let _ = black_box((canonical(black_box(arguments)), schema_hash(&spec)));
        let changes = Changes::of(std::iter::once(black_box(&done)));
        black_box((changes.correction(&answer), foreign_hosts(&answer, &history)));
    }
    begun.elapsed() / turns.max(1)
}

fn person() -> Person {
    Person {
        id: PersonId::new(),
        name: "One".into(),
        standing: Standing::Member,
        zone: None,
        language: None,
        created_at_ms: 0,
    }
}

fn agent() -> Agent {
    Agent {
        id: AgentId::new(),
        name: "majordomo".into(),
        prompt: String::new(),
        toolkits: Vec::new(),
        first_tools: Vec::new(),
        may_stay_silent: false,
        approvals: Approvals::default(),
        memory: MemoryScope::default(),
        limits: Default::default(),
    }
}

/// None of them fits, so that every call is held against all of them.
fn rule(number: usize) -> Rule {
    Rule {
        tool: Some(format!("service_{number}_*")),
        place: Some("discord:81".into()),
        decision: RuleDecision::Refuse,
        ..Rule::default()
    }
}

fn message(position: i64) -> Message {
    let words = "words from somewhere ".repeat(33);
    let (role, part) = match position % 4 {
        0 => (Role::Tool, Part::Result(CallResult { text: words, label: Label::OUTSIDE, ..CallResult::default() })),
        1 => (Role::User, Part::text(words)),
        _ => (Role::Assistant, Part::text(words)),
    };
    Message { id: MessageId::new(), turn: TurnId::new(), position, role, parts: vec![part], created_at_ms: 0 }
}
