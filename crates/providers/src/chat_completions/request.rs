//! Writes the request.

use crate::{
    config::Efforts,
    history::{self, Block, Called, Said, Spoken},
    write::{DataUrl, Json, Wish, effort_word, thinks},
};
use serde_json::Value;

pub(crate) fn body(wish: &Wish<'_>) -> Vec<u8> {
    let request = wish.request;
    let mut json = wish.begin();
    json.entry("model", wish.model);
    json.entry("stream", &wish.streams);
    if wish.streams && wish.quirks.usage_option && !wish.params.contains_key("stream_options") {
        json.key("stream_options").open(b'{').entry("include_usage", &true).close(b'}');
    }
    if wish.quirks.cache_key && !request.cache_key.is_empty() {
        wish.top(&mut json, "prompt_cache_key", crate::responses::request::cache_key(&request.cache_key));
    }
    effort(wish, &mut json);
    if !request.tools.is_empty() {
        json.key("tools").open(b'[');
        for tool in request.tools.iter() {
            json.open(b'{').entry("type", "function").key("function").open(b'{');
            json.entry("name", &tool.name).entry("description", &tool.description).entry("parameters", &tool.schema);
            json.close(b'}').close(b'}');
        }
        json.close(b']');
    }
    json.key("messages").open(b'[');
    if !request.system.is_empty() {
        json.open(b'{').entry("role", "system").entry("content", &*request.system).close(b'}');
    }
    let blocks = history::blocks(&request.messages, wish.provider, wish.quirks.call_ids);
    // Thinking goes back only within the turn it belongs to.
    let last_user = blocks.iter().rposition(|block| matches!(block, Block::User(_))).unwrap_or(0);
    for (place, block) in blocks.iter().enumerate() {
        match block {
            Block::User(said) => user(&mut json, said),
            Block::Assistant(spoken) => assistant(&mut json, spoken, place > last_user),
            Block::Results(results) => {
                for result in results {
                    json.open(b'{').entry("role", "tool").entry("tool_call_id", &*result.id);
                    json.entry("content", &*result.text).close(b'}');
                }
            }
        }
    }
    json.close(b']');
    match (request.tools.is_empty(), request.may_call, request.must_call) {
        (true, ..) | (false, true, false) => {}
        (false, false, _) => wish.top(&mut json, "tool_choice", "none"),
        (false, true, true) => wish.top(&mut json, "tool_choice", "required"),
    }
    wish.end(json, limit_name(wish), request.max_output_tokens)
}

fn limit_name<'a>(wish: &'a Wish<'_>) -> &'a str {
    match &wish.quirks.token_limit {
        Some(name) => name,
        None if thinks(wish.model) => "max_completion_tokens",
        None => "max_tokens",
    }
}

fn effort(wish: &Wish<'_>, json: &mut Json) {
    let Some(effort) = wish.effort else { return };
    match wish.quirks.efforts {
        Efforts::None => {}
        Efforts::Plain => {
            if let Some(word) = effort_word(wish.model, effort) {
                wish.top(json, "reasoning_effort", word);
            }
        }
        Efforts::Nested if wish.params.contains_key("reasoning") => {}
        Efforts::Nested => {
            json.key("reasoning").open(b'{').entry("effort", effort.as_str()).close(b'}');
        }
    }
}

fn user(json: &mut Json, said: &[Said<'_>]) {
    json.open(b'{').entry("role", "user").key("content");
    // Servers without pictures often take a string and nothing else.
    let texts: Option<Vec<&str>> =
        said.iter().map(|said| if let Said::Text(text) = said { Some(&**text) } else { None }).collect();
    match texts.as_deref() {
        Some([one]) => {
            json.value(one).close(b'}');
            return;
        }
        Some(several) => {
            json.value(&several.join("\n\n")).close(b'}');
            return;
        }
        None => {}
    }
    json.open(b'[');
    for said in said {
        json.open(b'{');
        match said {
            Said::Text(text) => json.entry("type", "text").entry("text", &**text),
            Said::Image { media_type, data } => {
                json.entry("type", "image_url").key("image_url").open(b'{');
                json.entry("url", &DataUrl(media_type, data)).close(b'}')
            }
            Said::Pdf { name, data } => {
                json.entry("type", "file").key("file").open(b'{').entry("filename", name);
                json.entry("file_data", &DataUrl("application/pdf", data)).close(b'}')
            }
        };
        json.close(b'}');
    }
    json.close(b']').close(b'}');
}

fn assistant(json: &mut Json, spoken: &[Spoken<'_>], is_current: bool) {
    json.open(b'{').entry("role", "assistant");
    let texts: Vec<&str> =
        spoken.iter().filter_map(|s| if let Spoken::Text(text) = s { Some(*text) } else { None }).collect();
    let calls: Vec<&Called<'_>> =
        spoken.iter().filter_map(|s| if let Spoken::Call(call) = s { Some(call) } else { None }).collect();
    match texts.as_slice() {
        [] => json.entry("content", &Value::Null),
        [one] => json.entry("content", one),
        several => json.entry("content", &several.join("\n\n")),
    };
    let state = |key: &'static str| {
        spoken.iter().find_map(move |s| if let Spoken::State(state) = s { state.get(key) } else { None })
    };
    if let Some(details) = state("reasoning_details") {
        json.entry("reasoning_details", details);
    }
    if let Some(thinking) = state("reasoning_content").filter(|_| is_current) {
        json.entry("reasoning_content", thinking);
    }
    if !calls.is_empty() {
        let extras = state("extra_content");
        json.key("tool_calls").open(b'[');
        for call in calls {
            json.open(b'{').entry("id", &*call.id).entry("type", "function").key("function").open(b'{');
            json.entry("name", &*call.name).entry("arguments", call.arguments).close(b'}');
            if let Some(extra) = extras.and_then(|extras| extras.get(call.own_id)) {
                json.entry("extra_content", extra);
            }
            json.close(b'}');
        }
        json.close(b']');
    }
    json.close(b'}');
}
