//! What was asked of the town: a bounded list, without secrets, shared by all its services.

use axum::http::{HeaderMap, Method};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// The newest are kept; a test that needs more clears in between.
const KEPT: usize = 10_000;

/// Headers and query parameters whose value is a credential. Their presence is recorded, their value is not.
const CREDENTIALS: [&str; 7] = ["authorization", "x-api-key", "api-key", "api_key", "apikey", "cookie", "x-plex-token"];

/// One request as it arrived.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// `model`, `tmdb`, `tmdb_images`, `tvmaze`, `plex`, `plex_cloud`, `radarr`, `radarr:NAME`, `sonarr` or `sonarr:NAME`.
    pub service: String,
    pub method: String,
    /// Without the query, such as `/3/trending/all/week`.
    pub path: String,
    /// Decoded, in the order sent. A credential's value is `present`.
    pub query: Vec<(String, String)>,
    /// Names in lower case. A credential's value is `present`.
    pub headers: Vec<(String, String)>,
    /// The JSON sent, `null` when there was none or it was not JSON.
    pub body: Value,
}

impl Request {
    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A request the published description of a service does not know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Violation {
    pub service: String,
    pub method: String,
    pub path: String,
    /// One sentence: what is unknown or of the wrong type.
    pub reason: String,
}

#[derive(Clone, Default)]
pub(crate) struct Log {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    off: AtomicBool,
    requests: Mutex<VecDeque<Request>>,
    violations: Mutex<VecDeque<Violation>>,
    arrived: Notify,
}

impl Log {
    pub(crate) fn switch(&self, on: bool) {
        self.inner.off.store(!on, Ordering::Relaxed);
    }

    pub(crate) fn is_on(&self) -> bool {
        !self.inner.off.load(Ordering::Relaxed)
    }

    pub(crate) fn add(
        &self,
        service: &str,
        method: &Method,
        path: &str,
        query: &[(String, String)],
        headers: &HeaderMap,
        body: Value,
    ) {
        let request = Request {
            service: service.to_owned(),
            method: method.to_string(),
            path: path.to_owned(),
            query: query.iter().map(|(name, value)| (name.clone(), public(name, value))).collect(),
            headers: headers
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), public(name.as_str(), &String::from_utf8_lossy(value.as_bytes())))
                })
                .collect(),
            body,
        };
        push(&mut locked(&self.inner.requests), request);
        self.inner.arrived.notify_waiters();
    }

    pub(crate) fn violation(&self, violation: Violation) {
        tracing::warn!(service = violation.service, path = violation.path, "{}", violation.reason);
        push(&mut locked(&self.inner.violations), violation);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        locked(&self.inner.requests).iter().cloned().collect()
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        locked(&self.inner.violations).iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        locked(&self.inner.requests).clear();
        locked(&self.inner.violations).clear();
    }

    /// Waits until `count` requests of a service are in the log. False when `at_most` passed first.
    pub(crate) async fn reached(&self, service: &str, count: usize, at_most: Duration) -> bool {
        tokio::time::timeout(at_most, async {
            loop {
                let arrived = self.inner.arrived.notified();
                tokio::pin!(arrived);
                arrived.as_mut().enable();
                if locked(&self.inner.requests).iter().filter(|request| request.service == service).count() >= count {
                    return;
                }
                arrived.await;
            }
        })
        .await
        .is_ok()
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() == KEPT {
        list.pop_front();
    }
    list.push_back(item);
}

fn public(name: &str, value: &str) -> String {
    if CREDENTIALS.contains(&name.to_ascii_lowercase().as_str()) { "present".to_owned() } else { value.to_owned() }
}

/// A lock whose holder panicked still holds whole values here: every change is a single push, pop or assignment.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
