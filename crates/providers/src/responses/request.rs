//! Writes the request.

use crate::{
    config::Efforts,
    history::{self, Block, Said, Spoken},
    write::{DataUrl, Json, Wish, effort_word, thinks},
};
use serde_json::Value;

/// The least `max_output_tokens` the API takes.
const LEAST_OUTPUT_TOKENS: u32 = 16;

pub(crate) fn body(wish: &Wish<'_>) -> Vec<u8> {
    let request = wish.request;
    let thinks = thinks(wish.model);
    let mut json = wish.begin();
    json.entry("model", wish.model);
    json.entry("stream", &wish.streams);
    wish.top(&mut json, "store", &false);
    if thinks {
        // Refused by models that do not think.
        wish.top(&mut json, "include", &["reasoning.encrypted_content"]);
    }
    if wish.quirks.cache_key && !request.cache_key.is_empty() {
        wish.top(&mut json, "prompt_cache_key", cache_key(&request.cache_key));
    }
    let word = wish.effort.and_then(|effort| effort_word(wish.model, effort));
    if let Some(word) = word.filter(|_| wish.quirks.efforts != Efforts::None && !wish.params.contains_key("reasoning"))
    {
        json.key("reasoning").open(b'{').entry("effort", word).close(b'}');
    }
    if !request.system.is_empty() {
        json.entry("instructions", &*request.system);
    }
    if !request.tools.is_empty() {
        json.key("tools").open(b'[');
        for tool in request.tools.iter() {
            json.open(b'{').entry("type", "function").entry("name", &tool.name);
            // Strict mode is the default here and refuses schemas with optional fields.
            json.entry("description", &tool.description).entry("parameters", &tool.schema).entry("strict", &false);
            json.close(b'}');
        }
        json.close(b']');
    }
    json.key("input").open(b'[');
    for block in history::blocks(&request.messages, wish.provider, wish.quirks.call_ids) {
        match block {
            Block::User(said) => user(&mut json, &said),
            Block::Assistant(spoken) => assistant(&mut json, &spoken, thinks),
            Block::Results(results) => {
                for result in results {
                    json.open(b'{').entry("type", "function_call_output").entry("call_id", &*result.id);
                    json.entry("output", &*result.text).close(b'}');
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
    wish.end(json, "max_output_tokens", request.max_output_tokens.max(LEAST_OUTPUT_TOKENS))
}

/// At most 64 characters, which is what the API takes.
pub(crate) fn cache_key(key: &str) -> &str {
    &key[..key.floor_char_boundary(64)]
}

fn user(json: &mut Json, said: &[Said<'_>]) {
    json.open(b'{').entry("role", "user").key("content").open(b'[');
    for said in said {
        json.open(b'{');
        match said {
            Said::Text(text) => json.entry("type", "input_text").entry("text", &**text),
            Said::Image { media_type, data } => {
                json.entry("type", "input_image").entry("detail", "auto");
                json.entry("image_url", &DataUrl(media_type, data))
            }
            Said::Pdf { name, data } => {
                json.entry("type", "input_file").entry("filename", name);
                json.entry("file_data", &DataUrl("application/pdf", data))
            }
        };
        json.close(b'}');
    }
    json.close(b']').close(b'}');
}

fn assistant(json: &mut Json, spoken: &[Spoken<'_>], thinks: bool) {
    for spoken in spoken {
        match spoken {
            Spoken::Text(text) => {
                json.open(b'{').entry("role", "assistant").entry("content", text).close(b'}');
            }
            // A model that does not think refuses another's thoughts.
            Spoken::State(state) => {
                if thinks && state.get("type").and_then(Value::as_str) == Some("reasoning") {
                    json.value(state);
                }
            }
            Spoken::Call(call) => {
                json.open(b'{').entry("type", "function_call").entry("call_id", &*call.id);
                json.entry("name", &*call.name).entry("arguments", call.arguments).close(b'}');
            }
        }
    }
}
