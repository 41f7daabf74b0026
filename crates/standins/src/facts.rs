//! What the real services understand, and whether a request keeps to it.
//!
//! From the published API descriptions when their folder is given, else from compact tables of our own (`facts/*.txt`: paths,
//! query parameters and their types). Plex is always checked by its table: its description is YAML. Nested properties of a body are not looked into: a
//! body is checked by the names and types of its top level.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Files as named in the folder of descriptions.
const TMDB_FILE: &str = "tmdb-v3.openapi.json";
const TVMAZE_FILE: &str = "tvmaze.openapi.json";
const OPENAI_FILE: &str = "openai.openapi.json";
const ANTHROPIC_FILE: &str = "anthropic.openapi.json";
const RADARR_FILE: &str = "radarr-v3.openapi.json";
const SONARR_FILE: &str = "sonarr-v3.openapi.json";

/// Body properties that work though the description leaves them out, as service, path and names. A command is described
/// without what each kind of it takes. A lookup's answer may be posted back whole.
const UNDESCRIBED_BODY: [(&str, &str, &[&str]); 4] = [
    ("radarr", "/api/v3/command", &["movieIds", "movieId", "files", "importMode", "collectionIds"]),
    (
        "sonarr",
        "/api/v3/command",
        &["seriesIds", "seriesId", "seasonNumber", "episodeIds", "monitored", "files", "importMode"],
    ),
    ("radarr", "/api/v3/movie", &["isExcluded"]),
    ("sonarr", "/api/v3/series", &["isExcluded"]),
];

/// Query parameters that work though the description leaves them out, as path prefix and name.
/// Source: TMDb's own documentation pages and forum; `append_to_response` passes the parameters of what it folds in.
const UNDESCRIBED: [(&str, &str, &str); 5] = [
    ("tmdb", "/trending/", "page"),
    ("tmdb", "/movie/", "include_image_language"),
    ("tmdb", "/movie/", "include_video_language"),
    ("tmdb", "/tv/", "include_image_language"),
    ("tmdb", "/tv/", "include_video_language"),
];

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    OneOf(Vec<String>),
}

impl Kind {
    fn read(word: &str) -> Self {
        match word {
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "boolean" => Kind::Boolean,
            other => match other.strip_prefix('=') {
                Some(set) => Kind::OneOf(set.split('|').map(str::to_owned).collect()),
                None => Kind::Text,
            },
        }
    }

    fn accepts(&self, value: &str) -> bool {
        match self {
            Kind::Text => true,
            Kind::Integer => value.parse::<i64>().is_ok(),
            Kind::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
            Kind::Boolean => matches!(value, "true" | "false"),
            Kind::OneOf(set) => set.iter().any(|known| known == value),
        }
    }

    fn name(&self) -> String {
        match self {
            Kind::Text => "text".to_owned(),
            Kind::Integer => "a whole number".to_owned(),
            Kind::Number => "a number".to_owned(),
            Kind::Boolean => "true or false".to_owned(),
            Kind::OneOf(set) => format!("one of {}", set.join(", ")),
        }
    }
}

#[derive(Clone, Debug)]
enum Segment {
    Fixed(String),
    Any(Kind),
}

#[derive(Clone, Debug)]
struct Operation {
    method: String,
    segments: Vec<Segment>,
    /// Name to whether it is required and what it is.
    query: BTreeMap<String, (bool, Kind)>,
    /// Whether it takes media queries, as Plex calls filters over the fields of an item.
    takes_media_queries: bool,
    /// Top-level body properties with the JSON types they may have; an empty set allows every type.
    body: Option<BTreeMap<String, BTreeSet<&'static str>>>,
}

/// What one service understands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    service: &'static str,
    /// The part of a path the tables leave out, such as `/3`.
    prefix: String,
    operations: Vec<Operation>,
    /// Fields of media queries, each with its type.
    fields: BTreeMap<String, String>,
}

impl Facts {
    pub(crate) fn tmdb(specs: Option<&Path>) -> Self {
        Self::from_folder("tmdb", "/3", specs, &[(TMDB_FILE, "/3", "")])
            .unwrap_or_else(|| Self::from_table("tmdb", "/3", include_str!("facts/tmdb.txt")))
    }

    pub(crate) fn tvmaze(specs: Option<&Path>) -> Self {
        Self::from_folder("tvmaze", "", specs, &[(TVMAZE_FILE, "", "")])
            .unwrap_or_else(|| Self::from_table("tvmaze", "", include_str!("facts/tvmaze.txt")))
    }

    /// `base` is the URL base of the instance, such as `/radarr`.
    pub(crate) fn radarr(specs: Option<&Path>, base: &str) -> Self {
        Self::of_an_instance("radarr", base, specs, RADARR_FILE, include_str!("facts/radarr.txt"))
    }

    pub(crate) fn sonarr(specs: Option<&Path>, base: &str) -> Self {
        Self::of_an_instance("sonarr", base, specs, SONARR_FILE, include_str!("facts/sonarr.txt"))
    }

    fn of_an_instance(service: &'static str, base: &str, specs: Option<&Path>, file: &str, table: &str) -> Self {
        let mut facts = Self::from_folder(service, base, specs, &[(file, "", "")])
            .unwrap_or_else(|| Self::from_table(service, base, table));
        // The description also has the pages of the application, of which one would answer to any name.
        facts.operations.retain(|operation| matches!(operation.path().get(..5), Some("/api/" | "/ping")));
        facts
    }

    pub(crate) fn plex() -> Self {
        Self::from_table("plex", "", include_str!("facts/plex.txt"))
    }

    pub(crate) fn plex_cloud() -> Self {
        Self::from_table("plex_cloud", "", include_str!("facts/plex_cloud.txt"))
    }

    /// Without the folder nothing is known of the model's API, and nothing is checked beyond what the stand-in itself
    /// refuses.
    pub(crate) fn model(specs: Option<&Path>) -> Self {
        let wanted = ["/v1/chat/completions", "/v1/responses", "/v1/models", "/v1/messages"];
        let files = [(OPENAI_FILE, "", "/v1"), (ANTHROPIC_FILE, "", "")];
        let mut facts = Self::from_folder("model", "", specs, &files).unwrap_or_default();
        facts.operations.retain(|operation| wanted.contains(&operation.path().as_str()));
        facts
    }

    fn from_table(service: &'static str, prefix: &str, table: &str) -> Self {
        let mut facts = Self { service, prefix: prefix.to_owned(), ..Self::default() };
        // Lists of body properties that several operations share.
        let mut shared: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in table.lines() {
            let (method, line) = match line.split_once(' ') {
                Some(("fields", fields)) => {
                    let fields = fields.split_ascii_whitespace().filter_map(|word| word.split_once(':'));
                    facts.fields.extend(fields.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
                    continue;
                }
                Some((name, words)) if name.starts_with('@') => {
                    shared.insert(name, words.split_ascii_whitespace().collect());
                    continue;
                }
                Some((method @ ("POST" | "PUT" | "DELETE" | "GET"), rest)) => (method, rest),
                _ => ("GET", line),
            };
            if !line.starts_with('/') {
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            let segments = words.next().unwrap_or_default().split('/').skip(1).map(|segment| {
                match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                    Some(kind) => Segment::Any(Kind::read(kind)),
                    None => Segment::Fixed(segment.to_owned()),
                }
            });
            let mut operation = Operation {
                method: method.to_owned(),
                segments: segments.collect(),
                query: BTreeMap::new(),
                takes_media_queries: false,
                body: None,
            };
            let words = words.flat_map(|word| shared.get(word).cloned().unwrap_or_else(|| vec![word]));
            for word in words {
                if let Some(property) = word.strip_prefix('.') {
                    let (name, kinds) = property.split_once(':').unwrap_or((property, ""));
                    let kinds = JSON_KINDS.into_iter().filter(|kind| kinds.split('|').any(|word| word == *kind));
                    operation.body.get_or_insert_default().insert(name.to_owned(), kinds.collect());
                    continue;
                }
                match word.split_once(':') {
                    Some((name, kind)) => {
                        let name_only = name.trim_end_matches('!').to_owned();
                        operation.query.insert(name_only, (name.ends_with('!'), Kind::read(kind)));
                    }
                    None if word == "media" => operation.takes_media_queries = true,
                    None => {
                        for name in ["X-Plex-Container-Start", "X-Plex-Container-Size"] {
                            operation.query.insert(name.to_owned(), (false, Kind::Integer));
                        }
                    }
                }
            }
            facts.operations.push(operation);
        }
        facts
    }

    /// `files` are name, prefix to take off its paths, prefix to put before them. None unless all can be read.
    fn from_folder(
        service: &'static str,
        prefix: &str,
        folder: Option<&Path>,
        files: &[(&str, &str, &str)],
    ) -> Option<Self> {
        let folder = folder?;
        let mut operations = Vec::new();
        for (file, take_off, put_before) in files {
            let text = std::fs::read(folder.join(file)).ok()?;
            let description: Value = serde_json::from_slice(&text).ok()?;
            for (path, item) in description["paths"].as_object()? {
                let path = format!("{put_before}{}", path.strip_prefix(take_off).unwrap_or(path));
                for (method, operation) in item.as_object()? {
                    operations.extend(described(&description, method, &path, operation));
                }
            }
        }
        Some(Self { service, prefix: prefix.to_owned(), operations, ..Self::default() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Why the service would not understand this request, in sentences; empty when it would.
    pub(crate) fn check(&self, method: &str, path: &str, query: &[(String, String)], body: &Value) -> Vec<String> {
        if self.is_empty() {
            return Vec::new();
        }
        let Some(inside) = path.strip_prefix(&self.prefix) else {
            return vec![format!("the path does not start with {}", self.prefix)];
        };
        let asked: Vec<&str> = inside.split('/').skip(1).collect();
        let Some(operation) = self
            .operations
            .iter()
            .filter(|operation| operation.method.eq_ignore_ascii_case(method) && operation.answers(&asked))
            .max_by_key(|operation| operation.fixed())
        else {
            return vec![format!("{method} {inside} is not in the description")];
        };
        let mut reasons = Vec::new();
        for (name, value) in query.iter().filter(|(name, _)| !matches!(name.as_str(), "api_key" | "apikey")) {
            let known = operation.query.get(name).or_else(|| operation.query.get(name.trim_end_matches("[]")));
            match known {
                Some((_, kind)) if !kind.accepts(value) => {
                    reasons.push(format!("query parameter {name} is not {}", kind.name()));
                }
                Some(_) => {}
                None if self.tolerates(inside, name) => {}
                None if operation.takes_media_queries => reasons.extend(self.media_query(name, value)),
                None => reasons.push(format!("query parameter {name} is not in the description")),
            }
        }
        for (name, (required, _)) in &operation.query {
            if *required && !query.iter().any(|(given, _)| given == name) {
                reasons.push(format!("query parameter {name} is missing"));
            }
        }
        if let (Some(known), Some(given)) = (&operation.body, body.as_object()) {
            for (name, value) in given {
                match known.get(name) {
                    None if self.tolerates_in_body(inside, name) => {}
                    None => reasons.push(format!("body property {name} is not in the description")),
                    Some(kinds) if kinds.is_empty() || kinds.contains(json_kind(value)) => {}
                    Some(kinds) if kinds.contains("number") && json_kind(value) == "integer" => {}
                    Some(_) => reasons.push(format!("body property {name} must not be {}", json_kind(value))),
                }
            }
        }
        reasons
    }

    /// What is wrong with one part of a media query. `name` ends with what stands before the `=` of its operator.
    fn media_query(&self, name: &str, value: &str) -> Option<String> {
        if matches!(name, "type" | "sort" | "limit" | "group" | "push" | "or" | "pop" | "sourceType") {
            return None;
        }
        let end = name.find(['!', '=', '<', '>']).unwrap_or(name.len());
        let (field, operator) = name.split_at(end);
        let allowed: &[&str] = match self.fields.get(field).map(String::as_str) {
            None => return Some(format!("media queries know no field {field}")),
            Some("integer") => &["", "!", ">>", "<<", ">", "<"],
            Some("boolean") => &[""],
            Some("tag") => &["", "!"],
            Some("date") => &["", "!", ">>", "<<", ">", "<"],
            Some(_) => &["", "!", "=", "!=", "<", ">"],
        };
        if !allowed.contains(&operator) {
            return Some(format!("the field {field} has no operator {operator}="));
        }
        let is_flag = self.fields.get(field).is_some_and(|kind| kind == "boolean");
        (is_flag && !matches!(value, "0" | "1")).then(|| format!("the field {field} is 0 or 1"))
    }

    fn tolerates_in_body(&self, path: &str, name: &str) -> bool {
        UNDESCRIBED_BODY
            .iter()
            .any(|(service, known, names)| *service == self.service && path == *known && names.contains(&name))
    }

    fn tolerates(&self, path: &str, name: &str) -> bool {
        UNDESCRIBED
            .iter()
            .any(|(service, prefix, known)| *service == self.service && path.starts_with(prefix) && *known == name)
    }
}

impl Operation {
    fn answers(&self, asked: &[&str]) -> bool {
        self.segments.len() == asked.len()
            && self.segments.iter().zip(asked).all(|(segment, asked)| match segment {
                Segment::Fixed(text) => text == asked,
                Segment::Any(kind) => !asked.is_empty() && kind.accepts(asked),
            })
    }

    /// How many of its segments are fixed: `/movie/popular` goes before `/movie/{id}`.
    fn fixed(&self) -> usize {
        self.segments.iter().filter(|segment| matches!(segment, Segment::Fixed(_))).count()
    }

    fn path(&self) -> String {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Fixed(text) => format!("/{text}"),
                Segment::Any(_) => "/{}".to_owned(),
            })
            .collect()
    }
}

fn described(description: &Value, method: &str, path: &str, operation: &Value) -> Option<Operation> {
    if !matches!(method, "get" | "post" | "put" | "delete" | "patch") {
        return None;
    }
    let parameters: Vec<&Value> =
        operation["parameters"].as_array().into_iter().flatten().map(|one| followed(description, one)).collect();
    let kind = |parameter: &Value| {
        let schema = followed(description, &parameter["schema"]);
        match schema["enum"].as_array() {
            Some(set) => Kind::OneOf(set.iter().map(plain).collect()),
            None => Kind::read(schema["type"].as_str().unwrap_or("string")),
        }
    };
    let segments = path.split('/').skip(1).map(|segment| {
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Segment::Any(
                parameters
                    .iter()
                    .find(|one| one["in"] == "path" && one["name"] == name)
                    .map_or(Kind::Text, |one| kind(one)),
            ),
            None => Segment::Fixed(segment.to_owned()),
        }
    });
    let query = parameters.iter().filter(|one| one["in"] == "query").map(|one| {
        let name = one["name"].as_str().unwrap_or_default().to_owned();
        // Both take several values, comma for and, pipe for or; the description says integer.
        let kind = if matches!(name.as_str(), "with_release_type" | "with_networks") { Kind::Text } else { kind(one) };
        (name, (one["required"] == true, kind))
    });
    let body = operation["requestBody"]["content"]["application/json"].get("schema").map(|schema| {
        let mut properties = BTreeMap::new();
        collect_properties(description, schema, &mut properties, 0);
        properties
    });
    Some(Operation {
        method: method.to_owned(),
        segments: segments.collect(),
        query: query.collect(),
        takes_media_queries: false,
        body,
    })
}

/// Follows `$ref` inside the document; a value without one is itself.
fn followed<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let mut value = value;
    for _ in 0..8 {
        match value["$ref"].as_str().and_then(|place| place.strip_prefix('#')) {
            Some(pointer) => value = document.pointer(pointer).unwrap_or(&Value::Null),
            None => break,
        }
    }
    value
}

const JSON_KINDS: [&str; 7] = ["string", "integer", "number", "boolean", "array", "object", "null"];

/// Depth is bounded because descriptions refer to themselves.
const DEPTH: usize = 6;

fn collect_properties(
    document: &Value,
    schema: &Value,
    properties: &mut BTreeMap<String, BTreeSet<&'static str>>,
    depth: usize,
) {
    if depth > DEPTH {
        return;
    }
    let schema = followed(document, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let mut kinds = BTreeSet::new();
        let known = collect_kinds(document, property, &mut kinds, 0);
        let entry = properties.entry(name.clone()).or_default();
        if known {
            entry.extend(kinds);
        }
    }
    for part in ["allOf", "anyOf", "oneOf"] {
        for inner in schema[part].as_array().into_iter().flatten() {
            collect_properties(document, inner, properties, depth + 1);
        }
    }
}

/// False when any type would do.
fn collect_kinds(document: &Value, schema: &Value, kinds: &mut BTreeSet<&'static str>, depth: usize) -> bool {
    if depth > DEPTH {
        return false;
    }
    let schema = followed(document, schema);
    if schema["nullable"] == true {
        kinds.insert("null");
    }
    let mut said = false;
    let named: Vec<&Value> = match &schema["type"] {
        Value::Array(several) => several.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    };
    for name in named {
        said |= JSON_KINDS.into_iter().find(|kind| name == kind).is_some_and(|kind| {
            kinds.insert(kind);
            true
        });
    }
    if let Some(set) = schema["enum"].as_array() {
        kinds.extend(set.iter().map(json_kind));
        said = true;
    }
    for part in ["allOf", "anyOf", "oneOf"] {
        for inner in schema[part].as_array().into_iter().flatten() {
            said |= collect_kinds(document, inner, kinds, depth + 1);
        }
    }
    said
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
