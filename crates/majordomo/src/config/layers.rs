//! From a file and the environment to one typed tree, with every complaint naming the line or the variable to blame.
//!
//! The environment wins over the file, the file over defaults. A value that does not fit is first given a chance (a number in
//! the environment is text, `"5MB"` is a number of bytes, `"30s"` a number of milliseconds where milliseconds are wanted); what
//! still does not fit is noted, taken out, and the rest is read on, so that one start shows everything that is wrong.

use super::address;
use majordomo_domain::Secret;
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};
use toml::{
    Table, Value,
    de::{DeTable, DeValue},
};

/// Names and values a process was given. The variables of the process hide those of a `.env` file.
pub type Environment = BTreeMap<String, String>;

/// Everything that is wrong, one sentence a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// A part that names a variable which is not set, and is therefore left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Such as `models.openai`.
    pub section: String,
    /// The variable.
    pub variable: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Line(usize),
    Variable(String),
}

/// Where each key came from.
#[derive(Debug, Default)]
pub struct Layers {
    file: String,
    tree: Table,
    origins: BTreeMap<Vec<String>, Origin>,
    pub problems: Vec<String>,
    pub left_out: Vec<LeftOut>,
    /// Keys that name a secret of the database, with its name. They are absent until [`Layers::put_secrets`].
    pub wanted: Vec<(Vec<String>, String)>,
}

/// Sections that are read before the database is open, so no secret of it can be in them.
const EARLY: [&str; 9] = ["backup", "bus", "data", "demo", "log", "secrets", "server", "store", "telemetry"];

/// Complaints after which reading stops looking for more.
const MOST_PROBLEMS: usize = 50;

impl Layers {
    /// Read a file's text. `file` is how messages name it.
    pub fn of_file(file: &Path, text: &str) -> Self {
        let mut layers = Self { file: file.display().to_string(), ..Self::default() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors.iter().take(MOST_PROBLEMS) {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            let message = error.message().lines().next().unwrap_or_default().trim().to_owned();
            layers.problems.push(format!("{}:{line}: {message}", layers.file));
        }
        if errors.is_empty() {
            note_lines(table.get_ref(), text, &mut Vec::new(), &mut layers.origins);
            match toml::from_str(text) {
                Ok(tree) => layers.tree = tree,
                Err(error) => layers.problems.push(format!("{}: {}", layers.file, error.message())),
            }
        }
        layers
    }

    /// Lay `MAJORDOMO_SECTION__KEY` over the file. `top` are the keys without a section. An empty variable is as good as none.
    pub fn lay_environment(&mut self, environment: &Environment, top: &[&str]) {
        for (name, value) in environment {
            let Some(rest) = name.strip_prefix("MAJORDOMO_") else { continue };
            let key = rest.to_lowercase();
            if value.is_empty() || !(key.contains("__") || top.contains(&key.as_str())) {
                continue;
            }
            let path: Vec<String> = key.split("__").map(str::to_owned).collect();
            if path.iter().any(String::is_empty) {
                self.problems.push(format!("{name}: write it as MAJORDOMO_SECTION__KEY"));
                continue;
            }
            if self.set(&path, Value::String(value.clone())) {
                self.origins.retain(|known, _| !known.starts_with(&path));
                self.origins.insert(path, Origin::Variable(name.clone()));
            } else {
                self.problems.push(format!("{name}: there is no such section"));
            }
        }
    }

    /// Set a key that nobody has set: what the environment says by convention.
    pub fn set_default(&mut self, path: &[&str], value: Value, variable: &str) {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        if self.value(&path).is_none() && self.set(&path, value) {
            self.origins.insert(path, Origin::Variable(variable.to_owned()));
        }
    }

    pub fn has(&self, path: &[&str]) -> bool {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        self.value(&path).is_some()
    }

    /// Put the variables named by `env:NAME` in place, note the secrets named by `secret:NAME`, and refuse secrets that are none.
    ///
    /// A toolkit whose variable is not set is left out as a whole and reported; so is a model provider, by itself. Anywhere else it
    /// is a problem.
    pub fn resolve(&mut self, environment: &Environment) {
        let mut paths = Vec::new();
        texts(&self.tree, &mut Vec::new(), &mut paths);
        let mut gone = BTreeSet::new();
        for (path, text) in paths {
            let secret = is_secret(&path);
            if !(secret || text.starts_with("env:") || text.starts_with("secret:")) {
                continue;
            }
            if let Some(name) = text.strip_prefix("secret:") {
                if path.first().is_some_and(|section| EARLY.contains(&section.as_str())) {
                    let key = path.last().cloned().unwrap_or_default();
                    let text = "is read before the database is open, so secret:NAME cannot stand here; use env:NAME";
                    self.blame(&path, format!("{key}: {text}"));
                } else {
                    self.wanted.push((path.clone(), name.trim().to_owned()));
                }
                gone.insert(path);
                continue;
            }
            // Providers read the variable of their key themselves; here it is only looked at.
            let is_key = path.len() == 3 && path[0] == "models" && path[2] == "api_key";
            let stays = is_key && text.starts_with("env:");
            let value = match text.strip_prefix("env:") {
                None => text,
                Some(variable) => match environment.get(variable.trim()) {
                    Some(value) => value.clone(),
                    None if stays => continue,
                    None => {
                        match optional_section(&path) {
                            Some(section) => {
                                self.left_out
                                    .push(LeftOut { section: section.join("."), variable: variable.trim().into() });
                                gone.insert(section.to_vec());
                            }
                            None => {
                                let key = path.last().cloned().unwrap_or_default();
                                let text = format!("{key}: the environment variable {} is not set", variable.trim());
                                self.blame(&path, text);
                                gone.insert(path.clone());
                            }
                        }
                        continue;
                    }
                },
            };
            if secret && is_placeholder(&value) {
                let name = path.last().cloned().unwrap_or_default();
                self.blame(&path, format!("{name} is blank or a placeholder, not a secret"));
                self.remove(&path);
            } else if !stays {
                self.set(&path, Value::String(value));
            }
        }
        for section in gone {
            self.remove(&section);
        }
    }

    /// Put the secrets of the database where the settings name them. One that is not there is a problem.
    pub fn put_secrets(&mut self, secrets: &BTreeMap<String, Secret>) {
        let names: Vec<&String> = secrets.keys().collect();
        for (path, name) in std::mem::take(&mut self.wanted) {
            if let Some(secret) = secrets.get(&name) {
                self.set(&path, Value::String(secret.expose().to_owned()));
                continue;
            }
            let key = path.last().cloned().unwrap_or_default();
            let hint = match nearest(&name, &names) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("`majordomo secret set {name}` makes it"),
            };
            self.blame(&path, format!("{key}: there is no secret \"{name}\"; {hint}"));
        }
    }

    /// Every text that stands where a secret belongs, and every password in an address.
    pub fn secrets(&self) -> Vec<Secret> {
        let mut found = Vec::new();
        texts(&self.tree, &mut Vec::new(), &mut found);
        let secret = |(path, text): (Vec<String>, String)| match is_secret(&path) {
            true => Some(text),
            // A prompt may speak of addresses; it is none.
            false if text.contains(char::is_whitespace) => None,
            false => address::password(&text),
        };
        found.into_iter().filter_map(secret).map(Secret::new).collect()
    }

    /// Read the tree as `T`. What does not fit is noted in `problems` and taken out. None when nothing could be read at all.
    pub fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut healed = BTreeSet::new();
        for _ in 0..MOST_PROBLEMS {
            let error = match serde_path_to_error::deserialize::<_, T>(Value::Table(self.tree.clone())) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let mut path: Vec<String> = error
                .path()
                .iter()
                .filter_map(|segment| match segment {
                    serde_path_to_error::Segment::Map { key } => Some(key.clone()),
                    serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
                    _ => None,
                })
                .collect();
            let message = error.inner().message().lines().next().unwrap_or_default().to_owned();
            if healed.insert(path.clone()) && self.heal(&path, &message) {
                continue;
            }
            if let Some(key) = quoted(&message, "unknown field `")
                && path.last() != Some(&key)
            {
                path.push(key);
            }
            // What was found may be an address with a password in it.
            let text = address::without_password(&explain(&path, &message));
            self.blame(&path, text);
            if !self.remove_nearest(&path) {
                return None;
            }
        }
        None
    }

    /// Note a problem with a key, with the place it came from.
    pub fn blame(&mut self, path: &[String], text: String) {
        let section = match path.split_last() {
            Some((_, [])) | None => String::new(),
            Some((_, section)) => format!("[{}] ", section.join(".")),
        };
        let origin = (0..=path.len()).rev().find_map(|n| self.origins.get(&path[..n]));
        let line = match origin {
            Some(Origin::Line(line)) => format!("{}:{line}: {section}{text}", self.file),
            Some(Origin::Variable(name)) => format!("{name}: {section}{text}"),
            None if self.file.is_empty() => format!("settings: {section}{text}"),
            None => format!("{}: {section}{text}", self.file),
        };
        if !self.problems.contains(&line) {
            self.problems.push(line);
        }
    }

    /// As [`Layers::blame`], with the path as text: `server.listen`.
    pub fn blame_key(&mut self, path: &str, text: impl Into<String>) {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        self.blame(&path, text.into());
    }

    fn value(&self, path: &[String]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.tree.get(first)?, |value, key| match value {
            Value::Table(table) => table.get(key),
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Set a value, making tables on the way. False when the way leads through something that is no table.
    fn set(&mut self, path: &[String], value: Value) -> bool {
        let Some((last, tables)) = path.split_last() else { return false };
        let mut table = &mut self.tree;
        for key in tables {
            let next = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
            match next {
                Value::Table(inner) => table = inner,
                Value::Array(items) if tables.last() == Some(key) => {
                    if let Some(slot) = last.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                        *slot = value;
                        return true;
                    }
                    return false;
                }
                _ => return false,
            }
        }
        table.insert(last.clone(), value);
        true
    }

    fn remove(&mut self, path: &[String]) -> bool {
        let Some((last, tables)) = path.split_last() else { return false };
        let mut table = &mut self.tree;
        for key in tables {
            match table.get_mut(key) {
                Some(Value::Table(inner)) => table = inner,
                _ => return false,
            }
        }
        table.remove(last).is_some()
    }

    fn remove_nearest(&mut self, path: &[String]) -> bool {
        (1..=path.len()).rev().any(|n| self.remove(&path[..n]))
    }

    /// Try to read a text as what was expected. True when the tree was changed.
    fn heal(&mut self, path: &[String], message: &str) -> bool {
        let Some(Value::String(text)) = self.value(path) else { return false };
        let text = text.trim().to_owned();
        let wants_number = ["usize", "u64", "u32", "u16", "u8", "i64", "i32", "integer", "f64", "nonzero"]
            .iter()
            .any(|word| message.contains(&format!("expected {word}")) || message.contains(&format!("a {word}")));
        if wants_number && let Some(number) = path.last().and_then(|key| quantity(key, &text)) {
            return self.set(path, Value::Integer(number));
        }
        if matches!(self.origins.get(path), Some(Origin::Variable(_)))
            && let Ok(mut parsed) = toml::from_str::<Table>(&format!("value = {text}"))
            && let Some(value) = parsed.remove("value")
            && !value.is_str()
        {
            return self.set(path, value);
        }
        let is_variable = matches!(self.origins.get(path), Some(Origin::Variable(_)));
        if is_variable && message.contains("expected a sequence") {
            let items = text.split(',').map(|item| Value::String(item.trim().to_owned())).collect();
            return self.set(path, Value::Array(items));
        }
        false
    }

    /// All problems in the order in which a reader meets them: the file's by line, then the environment's.
    pub fn sorted_problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        problems.sort_by_key(|problem| {
            let line =
                problem.strip_prefix(&format!("{}:", self.file)).and_then(|rest| rest.split(':').next()?.parse().ok());
            line.unwrap_or(usize::MAX)
        });
        problems
    }
}

/// A number of bytes (`5MB`, `2 MiB`), or of the unit the key ends in (`30s` for `…_ms` gives 30 000).
fn quantity(key: &str, text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let number: f64 = text[..digits].replace('_', "").parse().ok()?;
    let unit = text[digits..].trim().to_lowercase();
    let milliseconds = match unit.as_str() {
        "ms" => Some(1.0),
        "s" => Some(1_000.0),
        "m" | "min" => Some(60_000.0),
        "h" => Some(3_600_000.0),
        "d" => Some(86_400_000.0),
        _ => None,
    };
    let per_key = [
        ("_ms", 1.0),
        ("seconds", 1_000.0),
        ("_s", 1_000.0),
        ("minutes", 60_000.0),
        ("hours", 3_600_000.0),
        ("days", 86_400_000.0),
    ]
    .into_iter()
    .find(|(end, _)| key.ends_with(end))
    .map(|(_, milliseconds)| milliseconds);
    let value = match (milliseconds, per_key) {
        (Some(given), Some(wanted)) => number * given / wanted,
        (Some(_), None) => return None,
        (None, _) => {
            let factor = match unit.as_str() {
                "" => 1.0,
                "b" => 1.0,
                "kb" | "k" => 1e3,
                "mb" => 1e6,
                "gb" => 1e9,
                "kib" => 1024.0,
                "mib" => 1024.0 * 1024.0,
                "gib" => 1024.0 * 1024.0 * 1024.0,
                _ => return None,
            };
            number * factor
        }
    };
    (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn note_lines(table: &DeTable<'_>, text: &str, path: &mut Vec<String>, origins: &mut BTreeMap<Vec<String>, Origin>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        origins.insert(path.clone(), Origin::Line(line_of(text, key.span().start)));
        note_value(value.get_ref(), text, path, origins);
        path.pop();
    }
}

fn note_value(value: &DeValue<'_>, text: &str, path: &mut Vec<String>, origins: &mut BTreeMap<Vec<String>, Origin>) {
    match value {
        DeValue::Table(inner) => note_lines(inner, text, path, origins),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                origins.insert(path.clone(), Origin::Line(line_of(text, item.span().start)));
                note_value(item.get_ref(), text, path, origins);
                path.pop();
            }
        }
        _ => {}
    }
}

fn texts(table: &Table, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    for (key, value) in table {
        path.push(key.clone());
        match value {
            Value::String(text) => found.push((path.clone(), text.clone())),
            Value::Table(inner) => texts(inner, path, found),
            _ => {}
        }
        path.pop();
    }
}

/// The part of a path that may be missing without harm: one toolkit.
fn optional_section(path: &[String]) -> Option<&[String]> {
    match path.first().map(String::as_str) {
        Some("tools") if path.len() > 2 => Some(&path[..2]),
        _ => None,
    }
}

pub fn is_secret(path: &[String]) -> bool {
    let Some(key) = path.last() else { return false };
    if path.iter().rev().nth(1).is_some_and(|table| table == "headers") {
        return is_secret_header(key);
    }
    ["api_key", "token", "secret", "password"].iter().any(|end| key.ends_with(end))
}

/// Whether a header is one by which callers prove who they are.
pub fn is_secret_header(name: &str) -> bool {
    let name = name.to_lowercase().replace('-', "_");
    ["authorization", "cookie", "key", "token", "secret", "password"].iter().any(|end| name.ends_with(end))
}

/// Whether a text stands where a secret should be without being one.
pub fn is_placeholder(value: &str) -> bool {
    let value = value.trim().to_lowercase();
    let known = ["", "undefined", "null", "none", "changeme", "change-me", "change_me", "your-api-key", "xxx", "todo"];
    known.contains(&value.as_str())
}

fn quoted(message: &str, before: &str) -> Option<String> {
    let rest = message.split_once(before)?.1;
    Some(rest.split_once('`')?.0.to_owned())
}

/// The known words of an `expected one of` message.
fn expected(message: &str) -> Vec<String> {
    let Some((_, rest)) = message.split_once(", expected ") else { return Vec::new() };
    rest.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The known word that was probably meant.
pub fn nearest<'a, T: AsRef<str>>(word: &str, known: &'a [T]) -> Option<&'a str> {
    known
        .iter()
        .map(AsRef::as_ref)
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A parser's message in the words of somebody who edits a file.
fn explain(path: &[String], message: &str) -> String {
    let key = path.last().map(String::as_str).unwrap_or_default();
    let known = expected(message);
    if message.starts_with("unknown field") {
        let mut text = format!("unknown key \"{key}\"");
        match nearest(key, &known) {
            Some(near) => text.push_str(&format!("; did you mean \"{near}\"?")),
            None if known.is_empty() => {}
            None => text.push_str(&format!("; known keys: {}", known.join(", "))),
        }
        return text;
    }
    if let Some(missing) = quoted(message, "missing field `") {
        return format!("{key}: \"{missing}\" is missing");
    }
    if is_secret(path) {
        return format!("{key} is not of the expected kind");
    }
    if let Some(word) = quoted(message, "unknown variant `") {
        let hint = nearest(&word, &known).map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
        return format!("{key}: \"{word}\" is not one of {}{hint}", known.join(", "));
    }
    if let Some((found, wanted)) = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "))
    {
        let wanted = match wanted {
            "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number, 0 or more",
            "i64" | "i32" => "a whole number",
            "f64" | "f32" => "a number",
            "a boolean" | "bool" => "true or false",
            "a sequence" => "a list",
            "a map" => "a table",
            other if other.starts_with("struct ") => "a table",
            other => other,
        };
        if wanted == "a table" && found.starts_with("string ") {
            // Somebody who forgot the name of the key may have written the key's value here.
            return format!("{key}: expected a table, found a text");
        }
        let found = found.replace('`', "").replacen("string ", "", 1);
        return format!("{key}: expected {wanted}, found {found}");
    }
    format!("{key}: {message}")
}
