//! Radarr v3 and Sonarr v3 over the demo household's shelf, as many named instances of each as a test wants.
//!
//! Knows what both have in common: key, URL base, paging, refusals; who differs has a file of the service's name. Searches
//! find what [`Offer`]s say, downloads move with the town's clock and end as files on the household's disk, and every
//! change is told to the installed webhooks, once. Never asks anybody but those webhooks. Start reading at [`Servarr`],
//! then `state` for what moves by itself and `script` for what a test can play.

mod commands;
mod history;
mod import;
mod indexer;
mod library;
mod parse;
mod queue;
mod radarr;
mod script;
mod settings;
mod sonarr;
mod state;
mod webhooks;

pub use indexer::Offer;
pub use radarr::Dates;
pub use script::{Fate, HealthIssue, Held, Pace, Past, Sent};

use crate::{
    clock::Clock,
    facts::Facts,
    fault::{HTML, text},
    household::{disk::Disk, poster},
    requests::locked,
    server::{Asked, StandIn, json_answer},
};
use axum::{
    body::Body,
    http::{HeaderValue, Method, Response, StatusCode, header},
};
use bytes::Bytes;
use serde_json::{Value, json};
use state::State;
use std::{
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Radarr,
    Sonarr,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Radarr => "Radarr",
            Kind::Sonarr => "Sonarr",
        }
    }

    /// `radarr` for the instance called `default`, `radarr:4k` for another.
    pub(crate) fn service(self, instance: &str) -> String {
        let kind = self.name().to_ascii_lowercase();
        if instance == DEFAULT { kind } else { format!("{kind}:{instance}") }
    }
}

/// The name of the instance that has the household's library.
pub const DEFAULT: &str = "default";

/// What a plan says of one instance.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) port: u16,
    /// Such as `/radarr`, or nothing.
    pub(crate) base: String,
    pub(crate) key: String,
}

impl Wanted {
    /// The key is made of the name, so that several instances have several keys and a test can tell them apart.
    pub(crate) fn new(kind: Kind, name: &str, port: u16, base: &str) -> Self {
        let seed: String = kind.service(name).bytes().map(|byte| format!("{byte:02x}")).collect();
        let key = seed.chars().chain("0123456789abcdef0123456789abcdef".chars()).take(32).collect();
        Self { kind, name: name.to_owned(), port, base: base.trim_end_matches('/').to_owned(), key }
    }
}

/// One Radarr or Sonarr: what it answers, and what a test plays on it.
pub struct Servarr {
    kind: Kind,
    service: String,
    pictures: String,
    base: String,
    key: String,
    clock: Clock,
    facts: Facts,
    state: Mutex<State>,
    /// Held while webhooks are sent, so that they arrive in the order in which they happened.
    posting: tokio::sync::Mutex<webhooks::Client>,
    /// For the tasks that send them.
    itself: Weak<Servarr>,
}

/// How often an instance with a real clock looks what is due.
const TICK: Duration = Duration::from_millis(500);

/// A request without its transport.
struct Question<'a> {
    method: &'a str,
    /// Behind `/api/v3`.
    path: Vec<&'a str>,
    query: &'a [(String, String)],
    body: Value,
}

impl Question<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    fn id(&self, name: &str) -> Option<u32> {
        self.get(name)?.parse().ok()
    }

    /// Repeated parameters, or several values with commas.
    fn several(&self, name: &str) -> Vec<&str> {
        let given = self.query.iter().filter(|(key, _)| key.trim_end_matches("[]").eq_ignore_ascii_case(name));
        given.flat_map(|(_, value)| value.split(',')).filter(|value| !value.is_empty()).collect()
    }

    fn ids(&self, name: &str) -> Vec<u32> {
        self.several(name).into_iter().filter_map(|value| value.parse().ok()).collect()
    }
}

/// One complaint of the validation.
#[derive(Debug)]
struct Complaint {
    property: &'static str,
    message: String,
    attempted: Value,
    code: &'static str,
}

/// What is not an answer.
#[derive(Debug)]
enum Refusal {
    Missing,
    Method,
    /// 400 with a list.
    Invalid(Vec<Complaint>),
    /// 400 because the body cannot be read: property and reason.
    Unreadable(&'static str, String),
    /// Any status with `{message, description}`.
    Said(u16, String),
}

type Told = Result<(StatusCode, Value), Refusal>;

fn ok(value: impl Into<Value>) -> Told {
    Ok((StatusCode::OK, value.into()))
}

fn accepted(value: impl Into<Value>) -> Told {
    Ok((StatusCode::ACCEPTED, value.into()))
}

fn invalid(property: &'static str, message: impl Into<String>, attempted: Value, code: &'static str) -> Refusal {
    Refusal::Invalid(vec![Complaint { property, message: message.into(), attempted, code }])
}

fn id_of(segment: &str) -> Result<u32, Refusal> {
    segment.parse().map_err(|_| Refusal::Missing)
}

/// Numbers in a list of a body, such as `movieIds`.
fn numbers(value: &Value) -> Vec<u32> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_u64).filter_map(|number| u32::try_from(number).ok()).collect()
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

/// The answer of a paged list. `keys` are the sort keys it knows with the place of each in a row; an unknown one falls
/// back to the first, silently, as the services do.
fn paged(question: &Question<'_>, mut rows: Vec<Value>, keys: &[(&str, &str)], descending: bool) -> Value {
    let wanted = |name: &str| question.get(name).filter(|value| *value != "default");
    let asked = wanted("sortKey").unwrap_or_default();
    let (key, place) = keys
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(asked))
        .or_else(|| keys.first())
        .copied()
        .unwrap_or_default();
    let descending = match wanted("sortDirection") {
        Some(direction) => direction.eq_ignore_ascii_case("descending"),
        None => descending,
    };
    rows.sort_by(|one, other| {
        let (one, other) = (one.pointer(place), other.pointer(place));
        let order = match (one, other) {
            (Some(Value::Number(one)), Some(Value::Number(other))) => {
                one.as_f64().unwrap_or_default().total_cmp(&other.as_f64().unwrap_or_default())
            }
            (one, other) => one.and_then(Value::as_str).cmp(&other.and_then(Value::as_str)),
        };
        if descending { order.reverse() } else { order }
    });
    let page = question.number("page").unwrap_or(1).max(1);
    let size = question.number("pageSize").unwrap_or(10).max(1);
    let total = rows.len();
    let start = usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let records: Vec<Value> = rows.into_iter().skip(start).take(usize::try_from(size).unwrap_or(usize::MAX)).collect();
    json!({
        "page": page, "pageSize": size, "sortKey": key,
        "sortDirection": if descending { "descending" } else { "ascending" }, "totalRecords": total, "records": records,
    })
}

/// Takes a part out of every row that was not asked for.
fn without(rows: &mut [Value], part: &str, wanted: bool) {
    if !wanted {
        rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| {
            row.remove(part);
        });
    }
}

impl Servarr {
    pub(crate) fn new(wanted: &Wanted, clock: Clock, disk: Disk, images: Option<String>, facts: Facts) -> Arc<Self> {
        let service = wanted.kind.service(&wanted.name);
        let state = State::new(wanted.kind, &wanted.name, &wanted.base, disk, images, clock.now());
        Arc::new_cyclic(|itself| Self {
            itself: Weak::clone(itself),
            kind: wanted.kind,
            pictures: format!("{service}_images"),
            service,
            base: wanted.base.clone(),
            key: wanted.key.clone(),
            clock,
            facts,
            state: Mutex::new(state),
            posting: tokio::sync::Mutex::new(webhooks::client()),
        })
    }

    /// With a real clock, things happen though nobody asks.
    pub(crate) fn tick(self: &Arc<Self>, stop: CancellationToken) {
        let instance = Arc::clone(self);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                if instance.clock.is_real() {
                    instance.settle().await;
                }
            }
        });
    }

    /// The state with everything done that is due by now.
    fn now(&self) -> MutexGuard<'_, State> {
        let mut state = locked(&self.state);
        state.settle(self.clock.now());
        state
    }

    fn has_key(&self, asked: &Asked) -> bool {
        let bearer = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        [asked.query("apikey"), asked.header("x-api-key"), bearer].contains(&Some(self.key.as_str()))
    }

    /// The pictures are open to everyone who has the key, below the API and beside it.
    fn picture(&self, path: &str) -> Option<Response<Body>> {
        let rest = path.strip_prefix("/MediaCover/").or_else(|| path.strip_prefix("/api/v3/mediacover/"))?;
        let (id, file) = rest.split_once('/')?;
        let name = locked(&self.state).picture(id.parse().ok()?, file)?;
        Some(text(StatusCode::OK, "image/svg+xml", poster::drawing(&name)?))
    }

    async fn told(&self, asked: &Asked, path: &str) -> Told {
        let body = if asked.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&asked.body).map_err(|error| Refusal::Unreadable("$", error.to_string()))?
        };
        let path: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let question = Question { method: asked.method.as_str(), path, query: &asked.query, body };
        if let ("POST" | "PUT", ["notification", ..]) = (question.method, question.path.as_slice())
            && !question.flag("forceSave", false)
        {
            self.test(&question.body).await?;
        }
        self.now().route(&question)
    }

    fn refused(refusal: Refusal) -> Response<Body> {
        match refusal {
            Refusal::Missing => json_answer(StatusCode::NOT_FOUND, &json!({"message": "NotFound"})),
            Refusal::Method => text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", ""),
            Refusal::Invalid(complaints) => {
                let list: Vec<Value> = complaints
                    .into_iter()
                    .map(|complaint| {
                        json!({
                            "propertyName": complaint.property, "errorMessage": complaint.message,
                            "attemptedValue": complaint.attempted, "severity": "error", "errorCode": complaint.code,
                            "formattedMessageArguments": [], "formattedMessagePlaceholderValues": {},
                        })
                    })
                    .collect();
                json_answer(StatusCode::BAD_REQUEST, &json!(list))
            }
            Refusal::Unreadable(property, reason) => {
                let errors = json!({ property: [reason] });
                let title = "One or more validation errors occurred.";
                json_answer(StatusCode::BAD_REQUEST, &json!({"title": title, "status": 400, "errors": errors}))
            }
            Refusal::Said(code, message) => {
                let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                json_answer(status, &json!({"message": message, "description": ""}))
            }
        }
    }
}

/// What [`Servarr`] is behind its port; the trait is not ours to implement for an `Arc` that is handed out as well.
pub(crate) struct Behind(pub(crate) Arc<Servarr>);

impl StandIn for Behind {
    fn name(&self) -> &str {
        &self.0.service
    }

    fn name_of(&self, path: &str) -> &str {
        let inside = path.strip_prefix(self.0.base.as_str()).unwrap_or(path);
        if inside.starts_with("/MediaCover/") { &self.0.pictures } else { &self.0.service }
    }

    fn facts(&self) -> &Facts {
        &self.0.facts
    }

    fn error(&self, code: u16, _: &str) -> String {
        match code {
            401 => String::new(),
            404 => json!({"message": "NotFound"}).to_string(),
            _ => json!({"message": "An error has occurred", "description": ""}).to_string(),
        }
    }

    async fn answer(&self, asked: Asked) -> Response<Body> {
        let instance = &self.0;
        let Some(inside) = asked.path.strip_prefix(instance.base.as_str()).filter(|inside| inside.starts_with('/'))
        else {
            return elsewhere(&instance.base, &asked);
        };
        if inside == "/ping" {
            return json_answer(StatusCode::OK, &json!({"status": "OK"}));
        }
        if !instance.has_key(&asked) && (inside.starts_with("/api/") || inside.starts_with("/MediaCover/")) {
            return text(StatusCode::UNAUTHORIZED, "text/plain", "");
        }
        if let Some(picture) = instance.picture(inside) {
            return picture;
        }
        // Whatever is not of the API is the page of the application.
        let Some(path) = inside.strip_prefix("/api/v3/") else {
            return text(StatusCode::OK, "text/html; charset=utf-8", HTML);
        };
        let answer = match instance.told(&asked, path).await {
            Ok((status, value)) => json_answer(status, &value),
            Err(refusal) => Servarr::refused(refusal),
        };
        instance.post_soon();
        answer
    }

    fn control(&self, method: &Method, path: &str, body: &Bytes) -> Option<Response<Body>> {
        let answer = self.0.play(method, path, body)?;
        self.0.post_soon();
        Some(answer)
    }
}

/// Without its base the service sends on to it.
fn elsewhere(base: &str, asked: &Asked) -> Response<Body> {
    let mut answer = text(StatusCode::TEMPORARY_REDIRECT, "text/plain", "");
    if let Ok(place) = HeaderValue::from_str(&format!("{base}{}", asked.path)) {
        answer.headers_mut().insert(header::LOCATION, place);
    }
    answer
}
