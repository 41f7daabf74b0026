//! Answers kept for a while. Equal questions at the same time are asked once; failures are not kept.

use crate::{Scope, UpstreamError};
use moka::{Expiry, future};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// Name and place of the service.
    pub service: Arc<str>,
    pub path: String,
    /// Sorted, so that the order of the query does not matter.
    pub query: Vec<(String, String)>,
    pub scope: Scope,
}

#[derive(Clone)]
struct Entry {
    answer: Arc<Value>,
    bytes: u32,
    age: Duration,
    since: Instant,
}

pub(crate) struct Cache(future::Cache<Key, Entry>);

struct ByAge;

impl Expiry<Key, Entry> for ByAge {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.age)
    }
}

impl Cache {
    pub fn new(max_bytes: u64) -> Self {
        let cache = future::Cache::builder()
            .max_capacity(max_bytes)
            // Parsed JSON takes several times its text, and a key is not free either.
            .weigher(|key: &Key, entry: &Entry| {
                entry.bytes.saturating_mul(3).saturating_add(key.path.len() as u32).saturating_add(256)
            })
            .expire_after(ByAge)
            .build();
        Self(cache)
    }

    /// The kept answer when it is younger than `age`, else what `ask` gives: the answer and its length in bytes.
    pub async fn get(
        &self,
        key: Key,
        age: Duration,
        ask: impl Future<Output = Result<(Arc<Value>, usize), UpstreamError>>,
    ) -> Result<Arc<Value>, UpstreamError> {
        if let Some(entry) = self.0.get(&key).await {
            if entry.since.elapsed() < age {
                return Ok(entry.answer);
            }
            self.0.invalidate(&key).await;
        }
        let fetch = async {
            let (answer, bytes) = ask.await?;
            Ok(Entry { answer, bytes: u32::try_from(bytes).unwrap_or(u32::MAX), age, since: Instant::now() })
        };
        match self.0.try_get_with(key, fetch).await {
            Ok(entry) => Ok(entry.answer),
            Err(error) => Err(UpstreamError::clone(&error)),
        }
    }
}
