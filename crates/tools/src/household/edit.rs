//! Changing a document by what a model writes: merged, by path, by a list of operations. Nothing is kept when one of them does not fit.

use super::profile::Profile;
use majordomo_domain::ToolError;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Operations of one call at most.
const MOST_OPERATIONS: usize = 50;
/// Levels a path may have.
const DEEPEST: usize = 8;

/// A word, a number, a yes or no, or a list of words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given(pub Value);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Given {
    fn schema_name() -> Cow<'static, str> {
        "Given".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "string"},
            {"type": "number"},
            {"type": "boolean"},
            {"type": "array", "items": {"type": "string"}}
        ]})
    }
}

/// A JSON object, or its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged(pub Value);

impl<'de> Deserialize<'de> for Merged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Merged {
    fn schema_name() -> Cow<'static, str> {
        "Merged".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Add,
    Replace,
    Remove,
}

/// One change among several.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    op: Kind,
    /// With slashes, such as `/likes/genres/-` for the end of a list.
    path: String,
    /// For add and replace.
    value: Option<Given>,
}

/// What is to be done to a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    Merge(Value),
    Set(Vec<String>, Value),
    Append(Vec<String>, Value),
    Remove(Vec<String>, Value),
    Operations(Vec<Operation>),
}

fn refuse<T>(text: impl Into<String>) -> Result<T, ToolError> {
    Err(ToolError::TellModel(text.into()))
}

impl Edit {
    /// Understand what was given. Exactly one way of changing; nothing at all and contradictions are refused.
    pub fn of(
        patch: Option<&Merged>,
        path: Option<&str>,
        value: Option<&Given>,
        append: Option<&Given>,
        remove_value: Option<&Given>,
        operations: Option<&[Operation]>,
    ) -> Result<Self, ToolError> {
        // What is null was left out.
        let given = |given: Option<&Given>| given.map(|given| given.0.clone()).filter(|value| !value.is_null());
        let (value, append, remove) = (given(value), given(append), given(remove_value));
        let patch = patch.map(|patch| in_full(&patch.0)).filter(|patch| !patch.is_null());
        let operations = operations.filter(|list| !list.is_empty());
        if append.is_some() && remove.is_some() {
            return refuse("append and remove_value were both given; nothing was changed, give one of them");
        }
        let ways = [value.is_some() || append.is_some() || remove.is_some(), patch.is_some(), operations.is_some()];
        match ways.iter().filter(|is_given| **is_given).count() {
            0 => return refuse("nothing to change was given: patch, path with value, append or remove_value, or ops"),
            1 => {}
            _ => return refuse("more than one way to change was given; nothing was changed, give one of them"),
        }
        if let Some(patch) = patch {
            return match patch {
                Value::Object(_) => Ok(Self::Merge(patch)),
                _ => refuse("patch is a JSON object such as {\"likes\":{\"genres\":[\"noir\"]}}"),
            };
        }
        if let Some(operations) = operations {
            if operations.len() > MOST_OPERATIONS {
                return refuse(format!("at most {MOST_OPERATIONS} operations at once"));
            }
            return Ok(Self::Operations(operations.to_vec()));
        }
        let Some(path) = path.map(steps).filter(|steps| !steps.is_empty()) else {
            return refuse("value, append and remove_value need a path such as likes.people");
        };
        if value.is_some() && (append.is_some() || remove.is_some()) {
            return refuse("value and append or remove_value were both given; nothing was changed, give one of them");
        }
        Ok(match (value, append, remove) {
            (Some(value), ..) => Self::Set(path, value),
            (_, Some(value), _) => Self::Append(path, value),
            (.., value) => Self::Remove(path, value.unwrap_or_default()),
        })
    }

    /// The document as it would be, checked.
    pub fn apply(&self, profile: &Profile) -> Result<Profile, ToolError> {
        let before = profile.to_value();
        let mut refused = None;
        // A text that is JSON is meant as JSON where the text itself does not fit: "2019" for a year, but not for a title.
        for reading in [Reading::AsWritten, Reading::AsJson] {
            let mut after = before.clone();
            self.change(&mut after, reading)?;
            match Profile::of(after) {
                Ok(profile) => return Ok(profile),
                Err(reason) => refused = refused.or(Some(reason)),
            }
        }
        refuse(format!("nothing was changed: {}", refused.unwrap_or_default()))
    }

    fn change(&self, document: &mut Value, reading: Reading) -> Result<(), ToolError> {
        match self {
            Self::Merge(patch) => merge(document, patch, reading),
            Self::Set(path, value) => *slot(document, path)? = reading.of(value),
            Self::Append(path, value) => append(slot(document, path)?, reading.of(value))?,
            Self::Remove(path, value) => remove_value(document, path, value)?,
            Self::Operations(operations) => {
                for operation in operations {
                    operation.change(document, reading)?;
                }
            }
        }
        Ok(())
    }

    /// What it does, for people, such as `add “Margot Robbie” to likes.people`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Merge(patch) => {
                let keys: Vec<&str> = patch.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
                format!("change {}", keys.join(", "))
            }
            Self::Set(path, value) => format!("set {} to {}", path.join("."), shown(value)),
            Self::Append(path, value) => format!("add {} to {}", shown(value), path.join(".")),
            Self::Remove(path, value) => format!("remove {} from {}", shown(value), path.join(".")),
            Self::Operations(operations) => {
                let each = operations.iter().map(|operation| {
                    let path = steps(&operation.path).join(".");
                    let value = operation.value.as_ref().map(|value| shown(&value.0)).unwrap_or_default();
                    match operation.op {
                        Kind::Add => format!("add {value} to {path}"),
                        Kind::Replace => format!("set {path} to {value}"),
                        Kind::Remove => format!("remove {path}"),
                    }
                });
                each.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Reading {
    AsWritten,
    AsJson,
}

impl Reading {
    fn of(self, value: &Value) -> Value {
        match self {
            Self::AsWritten => in_full(value),
            Self::AsJson => as_json(value),
        }
    }
}

/// A text that holds a list or an object, as what it holds.
fn in_full(value: &Value) -> Value {
    match value.as_str().map(str::trim) {
        Some(text) if text.starts_with(['{', '[', '"']) => as_json(value),
        _ => value.clone(),
    }
}

fn as_json(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        Value::Array(list) => list.iter().map(as_json).collect(),
        other => other.clone(),
    }
}

/// A value for people.
pub fn shown(value: &Value) -> String {
    match in_full(value) {
        Value::String(text) => format!("“{text}”"),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The steps of a path with dots or slashes.
pub fn steps(path: &str) -> Vec<String> {
    let path = path.trim();
    let split = if path.starts_with('/') { path.split('/') } else { path.split('.') };
    split.map(|step| step.trim().replace("~1", "/").replace("~0", "~")).filter(|step| !step.is_empty()).collect()
}

/// What is at a path, when something is.
pub fn at<'v>(document: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(document, |value, step| match value {
        Value::Object(fields) => fields.get(step),
        Value::Array(list) => step.parse::<usize>().ok().and_then(|place| list.get(place)),
        _ => None,
    })
}

/// The place at a path, made where there is none.
fn slot<'v>(document: &'v mut Value, path: &[String]) -> Result<&'v mut Value, ToolError> {
    if path.len() > DEEPEST {
        return refuse(format!("a path has at most {DEEPEST} steps"));
    }
    let mut value = document;
    for step in path {
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
        value = match value {
            Value::Object(fields) => fields.entry(step.clone()).or_insert(Value::Null),
            Value::Array(list) => match step.parse::<usize>().ok().and_then(|place| list.get_mut(place)) {
                Some(entry) => entry,
                None => return refuse(format!("nothing was changed: there is no entry {step} in {}", path.join("."))),
            },
            _ => return refuse(format!("nothing was changed: there is nothing below {step} in {}", path.join("."))),
        };
    }
    Ok(value)
}

/// Objects grow together, everything else is put in place of what was; null removes.
fn merge(target: &mut Value, patch: &Value, reading: Reading) {
    let Value::Object(fields) = patch else {
        *target = reading.of(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(known) = target {
        for (key, value) in fields {
            if value.is_null() {
                known.remove(key);
            } else {
                merge(known.entry(key.clone()).or_insert(Value::Null), value, reading);
            }
        }
    }
}

fn append(target: &mut Value, value: Value) -> Result<(), ToolError> {
    if target.is_null() {
        *target = Value::Array(Vec::new());
    }
    let Value::Array(list) = target else {
        return refuse("nothing was changed: this is not a list; give value instead");
    };
    let new = if let Value::Array(several) = value { several } else { vec![value] };
    for entry in new {
        if !list.iter().any(|known| is_same(known, &entry)) {
            list.push(entry);
        }
    }
    Ok(())
}

fn remove_value(document: &mut Value, path: &[String], value: &Value) -> Result<(), ToolError> {
    if at(document, path).is_none() {
        return Ok(());
    }
    let target = slot(document, path)?;
    let gone = match in_full(value) {
        Value::Array(several) => several,
        one => vec![one],
    };
    match target {
        Value::Array(list) => list.retain(|entry| !gone.iter().any(|value| is_same(entry, value))),
        one if gone.iter().any(|value| is_same(one, value)) => *one = Value::Null,
        _ => return refuse("nothing was changed: this is not a list, and has another value"),
    }
    Ok(())
}

/// Words are the same in upper and lower case, and a number is the same as its text.
pub fn is_same(one: &Value, other: &Value) -> bool {
    let word = |value: &Value| match value {
        Value::String(text) => text.trim().to_lowercase(),
        value => value.to_string(),
    };
    word(one) == word(other)
}

impl Operation {
    fn change(&self, document: &mut Value, reading: Reading) -> Result<(), ToolError> {
        let mut path = steps(&self.path);
        let value = self.value.as_ref().map(|value| reading.of(&value.0)).filter(|value| !value.is_null());
        if self.op != Kind::Remove && value.is_none() {
            return refuse("nothing was changed: add and replace need a value");
        }
        let value = value.unwrap_or_default();
        let Some(last) = path.last().cloned() else { return refuse("nothing was changed: an operation needs a path") };
        let place = last.parse::<usize>().ok();
        let is_end = last == "-";
        let holder = &path[..path.len() - 1];
        let in_list = at(document, holder).is_some_and(Value::is_array);
        match self.op {
            Kind::Add if is_end => {
                path.pop();
                append(slot(document, &path)?, value)
            }
            Kind::Add if in_list => {
                let Value::Array(list) = slot(document, holder)? else { return Ok(()) };
                match place {
                    Some(place) if place <= list.len() => list.insert(place, value),
                    _ => return refuse(format!("nothing was changed: a list has no place {last}")),
                }
                Ok(())
            }
            // Said of a list itself, it is its end that is meant.
            Kind::Add if !value.is_array() && at(document, &path).is_some_and(Value::is_array) => {
                append(slot(document, &path)?, value)
            }
            Kind::Add => {
                *slot(document, &path)? = value;
                Ok(())
            }
            Kind::Replace | Kind::Remove if at(document, &path).is_none() => {
                refuse(format!("nothing was changed: there is nothing at {}", self.path))
            }
            Kind::Replace => {
                *slot(document, &path)? = value;
                Ok(())
            }
            Kind::Remove => {
                match slot(document, holder)? {
                    Value::Array(list) => drop(place.map(|place| list.remove(place))),
                    Value::Object(fields) => drop(fields.remove(&last)),
                    _ => {}
                }
                Ok(())
            }
        }
    }
}
