//! Filling in the arguments of a tool nobody told us about, from its schema: what is wanted goes where a property of a
//! fitting name takes it.

use super::dialect::Offered;
use serde_json::{Map, Value, json};

/// What the brain wants to say to a tool.
#[derive(Clone, Debug)]
pub(crate) enum Want<'a> {
    /// A search text.
    Query(&'a str),
    Ids(&'a [u64]),
    /// `all`, `movie`, `tv`, `multi`.
    Media(&'a str),
    /// `day` or `week`.
    Window(&'a str),
    Expression(&'a str),
    Genres(&'a [&'a str]),
    /// Minutes at most.
    Runtime(u64),
    /// How many results.
    Limit(u64),
    /// Parts to embed, such as `nextepisode`.
    Embed(&'a str),
    /// Only these parts of details.
    Parts(&'a str),
    /// First and last day, for lists over a span of years.
    From(&'a str),
    Until(&'a str),
    /// How a date is to be written.
    Format(&'a str),
    /// The order of a list.
    Order(&'a str),
    /// These arguments, as they are.
    Exactly(&'a Value),
}

impl Want<'_> {
    /// Property names this may go under, best first.
    fn names(&self) -> &'static [&'static str] {
        match self {
            Want::Query(_) => &["query", "q", "name", "title", "text", "search"],
            Want::Ids(_) => &[
                "ids",
                "item_ids",
                "item_id",
                "movie_ids",
                "movie_id",
                "tv_ids",
                "tv_id",
                "series_ids",
                "series_id",
                "show_ids",
                "show_id",
                "person_ids",
                "person_id",
                "tmdb_ids",
                "tmdb_id",
                "id",
            ],
            Want::Media(_) => &["media_type", "kind", "type", "include_type"],
            Want::Window(_) => &["time_window", "window", "period"],
            Want::Expression(_) => &["expression", "formula", "query"],
            Want::Genres(_) => &["with_genres", "genres", "genre"],
            Want::Runtime(_) => &["with_runtime_lte", "max_runtime", "runtime_lte"],
            Want::Limit(_) => &["limit", "max_results", "count"],
            Want::Embed(_) => &["embed", "include", "with"],
            Want::Parts(_) => &["append_to_response", "parts"],
            Want::From(_) => &["date_gte", "primary_release_date_gte", "release_date_gte"],
            Want::Until(_) => &["date_lte", "primary_release_date_lte", "release_date_lte"],
            Want::Format(_) => &["format"],
            Want::Order(_) => &["sort_by"],
            Want::Exactly(_) => &[],
        }
    }

    fn value(&self, schema: &Value, root: &Value) -> Option<Value> {
        let schema = resolved(schema, root);
        let takes = |kind: &str| kinds(schema, root).iter().any(|known| known == kind);
        match self {
            Want::Query(text)
            | Want::Expression(text)
            | Want::Parts(text)
            | Want::From(text)
            | Want::Until(text)
            | Want::Format(text)
            | Want::Order(text) => Some(json!(text)),
            Want::Exactly(arguments) => Some((*arguments).clone()),
            Want::Window(word) | Want::Media(word) => choice(schema, root, word),
            Want::Ids(ids) if takes("array") => {
                let text =
                    kinds(&schema["items"], root).iter().any(|kind| kind == "string") && !takes_integers(schema, root);
                Some(ids.iter().map(|id| if text { json!(id.to_string()) } else { json!(id) }).collect())
            }
            Want::Ids(ids) => ids
                .first()
                .map(|id| if takes("integer") || takes("number") { json!(id) } else { json!(id.to_string()) }),
            Want::Genres(genres) if takes("array") => Some(json!(genres)),
            Want::Genres(genres) => Some(json!(genres.join(","))),
            Want::Runtime(number) | Want::Limit(number) => Some(json!(number)),
            Want::Embed(part) if takes("array") => choice(&schema["items"], root, part).map(|part| json!([part])),
            Want::Embed(part) => choice(schema, root, part),
        }
    }
}

fn takes_integers(schema: &Value, root: &Value) -> bool {
    kinds(&schema["items"], root).iter().any(|kind| kind == "integer" || kind == "number")
}

/// Follows a reference into the schema's own definitions.
fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    pointer.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// All types a schema allows, looking through references and alternatives.
fn kinds(schema: &Value, root: &Value) -> Vec<String> {
    let schema = resolved(schema, root);
    let mut found: Vec<String> = match &schema["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    for part in ["anyOf", "oneOf", "allOf"] {
        for inner in schema[part].as_array().into_iter().flatten() {
            found.extend(kinds(inner, root));
        }
    }
    found
}

/// The words a schema allows, if it names them.
fn words(schema: &Value, root: &Value) -> Vec<String> {
    let schema = resolved(schema, root);
    let mut found: Vec<String> =
        schema["enum"].as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect();
    found.extend(schema["const"].as_str().map(str::to_owned));
    for part in ["anyOf", "oneOf", "allOf"] {
        for inner in schema[part].as_array().into_iter().flatten() {
            found.extend(words(inner, root));
        }
    }
    found
}

/// The word itself or another for the same; None when the schema allows neither.
fn choice(schema: &Value, root: &Value, word: &str) -> Option<Value> {
    let allowed = words(schema, root);
    let same: &[&str] = match word {
        "tv" => &["tv", "show", "series", "tv_show"],
        "movie" => &["movie", "film", "movies"],
        "all" | "multi" => &["all", "multi", "any", "both"],
        "nextepisode" => &["nextepisode", "next_episode"],
        _ => &[],
    };
    if allowed.is_empty() || allowed.iter().any(|known| known == word) {
        return Some(json!(word));
    }
    same.iter().find(|other| allowed.iter().any(|known| known == *other)).map(|other| json!(other))
}

/// Whether a tool takes several ids in one call.
pub(crate) fn takes_several(tool: &Offered) -> bool {
    let properties = &tool.schema["properties"];
    Want::Ids(&[]).names().iter().any(|name| {
        properties.get(*name).is_some_and(|schema| kinds(schema, &tool.schema).iter().any(|kind| kind == "array"))
    })
}

/// Arguments for a tool. What it has no place for is left out.
pub(crate) fn fill(tool: &Offered, wants: &[Want<'_>]) -> Value {
    if let Some(Want::Exactly(arguments)) = wants.iter().find(|want| matches!(want, Want::Exactly(_))) {
        return (*arguments).clone();
    }
    let mut arguments = Map::new();
    let properties = &tool.schema["properties"];
    for want in wants {
        for name in want.names() {
            let Some(schema) = properties.get(*name).filter(|_| !arguments.contains_key(*name)) else { continue };
            if let Some(value) = want.value(schema, &tool.schema) {
                arguments.insert((*name).to_owned(), value);
                break;
            }
        }
    }
    Value::Object(arguments)
}
