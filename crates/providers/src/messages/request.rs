//! Writes the request.

use crate::{
    history::{self, Answered, Block, Said, Spoken},
    write::{Json, Wish},
};
use majordomo_domain::model::Effort;
use serde_json::Value;

/// Marks the end of what the provider may keep. Three in all: after the tools, after the system text, after the last
/// message; four are allowed.
const CACHE_MARK: &str = r#"{"type":"ephemeral"}"#;

/// How a model is told to think.
#[derive(Clone, Copy, PartialEq)]
enum Thinking {
    Off,
    /// Up to so many tokens.
    Budget(u32),
    /// As it sees fit, nudged by an effort.
    Adaptive(&'static str),
}

pub(crate) fn body(wish: &Wish<'_>) -> Vec<u8> {
    let request = wish.request;
    let blocks = history::blocks(&request.messages, wish.provider, wish.quirks.call_ids);
    let mut thinking = thinking(wish.model, wish.effort);
    if wish.params.contains_key("thinking") {
        thinking = Thinking::Off;
    } else if !continues_signed(&blocks) {
        // A step in the middle of a turn must begin with the thinking of the steps before; when another model took
        // those, this turn goes on without.
        thinking = Thinking::Off;
    }
    let thinks = thinking != Thinking::Off || wish.params.contains_key("thinking");
    let mut json = wish.begin();
    json.entry("model", wish.model);
    json.entry("stream", &wish.streams);
    match thinking {
        Thinking::Off => {}
        Thinking::Budget(tokens) => {
            json.key("thinking").open(b'{').entry("type", "enabled").entry("budget_tokens", &tokens).close(b'}');
        }
        Thinking::Adaptive(effort) => {
            json.key("thinking").open(b'{').entry("type", "adaptive").close(b'}');
            if !wish.params.contains_key("output_config") {
                json.key("output_config").open(b'{').entry("effort", effort).close(b'}');
            }
        }
    }
    if !request.tools.is_empty() {
        json.key("tools").open(b'[');
        for (place, tool) in request.tools.iter().enumerate() {
            json.open(b'{').entry("name", &tool.name).entry("description", &tool.description);
            json.entry("input_schema", &tool.schema);
            if place + 1 == request.tools.len() {
                json.key("cache_control").raw(CACHE_MARK);
            }
            json.close(b'}');
        }
        json.close(b']');
    }
    if !request.system.is_empty() {
        json.key("system").open(b'[').open(b'{').entry("type", "text").entry("text", &*request.system);
        json.key("cache_control").raw(CACHE_MARK).close(b'}').close(b']');
    }
    messages(&mut json, &blocks, thinks);
    let choice = match (request.may_call, request.must_call) {
        (false, _) => Some("none"),
        // One that thinks may not be forced.
        (true, true) if !thinks => Some("any"),
        (true, _) => None,
    };
    if let Some(choice) = choice.filter(|_| !request.tools.is_empty() && !wish.params.contains_key("tool_choice")) {
        json.key("tool_choice").open(b'{').entry("type", choice).close(b'}');
    }
    let limit = match thinking {
        // The budget counts as output.
        Thinking::Budget(tokens) => request.max_output_tokens.saturating_add(tokens),
        Thinking::Off | Thinking::Adaptive(_) => request.max_output_tokens,
    };
    wish.end(json, "max_tokens", limit.max(1))
}

/// From 4.6 on models decide themselves; older ones get a budget. None before 3.7 thinks.
fn thinking(model: &str, effort: Option<Effort>) -> Thinking {
    let (budget, word) = match effort {
        None | Some(Effort::Minimal) => return Thinking::Off,
        Some(Effort::Low) => (2_048, "low"),
        Some(Effort::Medium) => (8_192, "medium"),
        Some(Effort::High) => (16_384, "high"),
    };
    match version(model) {
        Some(version) if version < (3, 7) => Thinking::Off,
        Some(version) if version >= (4, 6) => Thinking::Adaptive(word),
        _ => Thinking::Budget(budget),
    }
}

/// `claude-sonnet-4-5-20250929` → (4, 5); `claude-3-7-sonnet-latest` → (3, 7); a date is no version.
fn version(model: &str) -> Option<(u32, u32)> {
    let mut numbers =
        model.split(['-', '.']).filter(|part| part.len() <= 2).filter_map(|part| part.parse::<u32>().ok());
    Some((numbers.next()?, numbers.next().unwrap_or(0)))
}

/// Whether the steps of the running turn, if there are any, begin with our signed thinking.
fn continues_signed(blocks: &[Block<'_>]) -> bool {
    let last_user = blocks.iter().rposition(|block| matches!(block, Block::User(_))).unwrap_or(0);
    blocks[last_user..].iter().all(|block| match block {
        Block::Assistant(spoken) => matches!(spoken.first(), Some(Spoken::State(state)) if is_ours(state)),
        Block::User(_) | Block::Results(_) => true,
    })
}

fn is_ours(state: &Value) -> bool {
    matches!(state.get("type").and_then(Value::as_str), Some("thinking" | "redacted_thinking"))
}

/// Results are the person's in this dialect, and what the person says next joins them.
fn messages(json: &mut Json, blocks: &[Block<'_>], thinks: bool) {
    json.key("messages").open(b'[');
    let mut in_user = false;
    for (place, block) in blocks.iter().enumerate() {
        let is_user = !matches!(block, Block::Assistant(_));
        if !(is_user && in_user) {
            if place > 0 {
                json.close(b']').close(b'}');
            }
            let role = if is_user { "user" } else { "assistant" };
            json.open(b'{').entry("role", role).key("content").open(b'[');
        }
        in_user = is_user;
        let is_last = place + 1 == blocks.len();
        match block {
            Block::User(said) => user(json, said, is_last),
            Block::Assistant(spoken) => assistant(json, spoken, thinks),
            Block::Results(results) => self::results(json, results, is_last),
        }
    }
    json.close(b']').close(b'}').close(b']');
}

fn user(json: &mut Json, said: &[Said<'_>], is_last: bool) {
    for (place, piece) in said.iter().enumerate() {
        json.open(b'{');
        match piece {
            Said::Text(text) => {
                json.entry("type", "text").entry("text", &**text);
            }
            Said::Image { media_type, data } => {
                json.entry("type", "image").key("source").open(b'{').entry("type", "base64");
                json.entry("media_type", media_type).entry("data", data).close(b'}');
            }
            Said::Pdf { name, data } => {
                json.entry("type", "document").entry("title", name).key("source").open(b'{').entry("type", "base64");
                json.entry("media_type", "application/pdf").entry("data", data).close(b'}');
            }
        }
        mark(json, is_last && place + 1 == said.len());
        json.close(b'}');
    }
}

fn results(json: &mut Json, results: &[Answered<'_>], is_last: bool) {
    for (place, result) in results.iter().enumerate() {
        json.open(b'{').entry("type", "tool_result").entry("tool_use_id", &*result.id).entry("content", &*result.text);
        if result.is_error {
            json.entry("is_error", &true);
        }
        mark(json, is_last && place + 1 == results.len());
        json.close(b'}');
    }
}

fn mark(json: &mut Json, is_last: bool) {
    if is_last {
        json.key("cache_control").raw(CACHE_MARK);
    }
}

fn assistant(json: &mut Json, spoken: &[Spoken<'_>], thinks: bool) {
    for spoken in spoken {
        match spoken {
            Spoken::Text(text) => {
                json.open(b'{').entry("type", "text").entry("text", text).close(b'}');
            }
            Spoken::State(state) => {
                if thinks && is_ours(state) {
                    json.value(state);
                }
            }
            Spoken::Call(call) => {
                json.open(b'{').entry("type", "tool_use").entry("id", &*call.id).entry("name", &*call.name);
                json.key("input").raw(call.arguments).close(b'}');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn the_version_of_a_model_is_read_from_either_place_and_never_from_a_date() {
        assert_eq!(version("claude-sonnet-4-5-20250929"), Some((4, 5)));
        assert_eq!(version("claude-3-7-sonnet-latest"), Some((3, 7)));
        assert_eq!(version("claude-opus-4-20250514"), Some((4, 0)));
        assert_eq!(version("claude-opus-4-6"), Some((4, 6)));
        assert_eq!(version("home-made"), None);
    }
}
