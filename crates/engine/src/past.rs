//! Reading what happened outside while nobody listened: at the start, after webhooks, and now and then where none come.
//!
//! Only stories grow by it. What is to be told is found by looking (`follow.rs`), so a past that is read late, twice or out of order
//! tells nobody anything again.

use crate::engine::{Engine, EngineError};
use majordomo_domain::{Follow, Millis, Past, Request, RequestState, ToolError, Toolkit};
use std::time::Duration;

/// Read again from so long before what was read last: what was written down late, and what two readings cut apart. Milliseconds.
const OVERLAP_MS: i64 = 15 * 60_000;
/// Nothing older than this is read, and a request that has been over for longer has no story any more. Milliseconds.
const LONGEST_MS: i64 = 30 * 86_400_000;
/// By how much the clock of a service may be behind ours. Milliseconds.
const SKEW_MS: i64 = 60_000;
/// One reading may take so long.
const READ: Duration = Duration::from_secs(90);

impl Engine {
    pub(crate) fn spawn_past(&self) {
        let has_sources =
            |toolkit: &Toolkit| toolkit.follow.as_ref().is_some_and(|follow| !follow.sources().is_empty());
        if !self.0.catalogue.toolkits().iter().any(has_sources) {
            return;
        }
        let engine = self.clone();
        let pace = Duration::from_secs(self.0.news.look_seconds.into());
        self.0.tasks.spawn(async move {
            loop {
                let is_whole = engine.is_draining() || engine.read_past().await;
                let pause = if is_whole { pace * 15 } else { pace };
                tokio::select! {
                    () = engine.0.halt.cancelled() => break,
                    () = tokio::time::sleep(pause) => {}
                    () = engine.0.heard.notified() => {
                        // What comes with it is read with it.
                        tokio::select! {
                            () = engine.0.halt.cancelled() => break,
                            () = tokio::time::sleep(pace / 6) => {}
                        }
                    }
                }
            }
        });
    }

    /// Read every source from where it was read last; whether all of them answered.
    async fn read_past(&self) -> bool {
        let mut is_whole = true;
        for toolkit in self.0.catalogue.toolkits() {
            let Some(follow) = &toolkit.follow else { continue };
            for source in follow.sources() {
                if let Err(error) = self.read_source(toolkit.name, follow.as_ref(), &source).await {
                    tracing::info!(%error, source, "what happened meanwhile could not be read; it is tried again");
                    is_whole = false;
                }
            }
        }
        is_whole
    }

    async fn read_source(&self, toolkit: &str, follow: &dyn Follow, source: &str) -> Result<(), EngineError> {
        let store = &self.0.store;
        let now_ms = self.0.clock.now_ms();
        let earliest_ms = now_ms - LONGEST_MS;
        let requests = store.requests_with_past(toolkit, earliest_ms).await?;
        // Where nothing is followed nobody needs a past.
        let Some(first_ms) = requests.iter().map(|request| request.created_at_ms).min() else { return Ok(()) };
        let read_to_ms = store.past_mark(toolkit, source).await?.unwrap_or(earliest_ms);
        let since_ms = (read_to_ms.max(first_ms) - OVERLAP_MS).max(earliest_ms);
        let past = match tokio::time::timeout(READ, follow.past(source, since_ms, &requests)).await {
            Ok(past) => past?,
            Err(_) => {
                let reason = format!("no answer within {} s", READ.as_secs());
                return Err(ToolError::CouldNotAsk { service: source.to_owned(), reason }.into());
            }
        };
        let happenings = past.happenings.into_iter().filter(|happening| {
            let request = requests.iter().find(|request| request.id == happening.request);
            request.is_some_and(|request| is_of(request, &requests, happening.at_ms))
        });
        // A clock that was ahead for a while leaves nothing out later.
        let newest_ms = past.newest_ms.map(|newest_ms| newest_ms.min(now_ms));
        let past = Past { happenings: happenings.collect(), newest_ms };
        Ok(store.add_past(toolkit, source, past).await?)
    }
}

/// Whether what happened then belongs to this request's story: from the wish on until it was taken back, until somebody wished for
/// the same anew, or until nobody asks after it any more.
fn is_of(request: &Request, all: &[Request], at_ms: Millis) -> bool {
    let keeps_on = if request.state == RequestState::Cancelled { 0 } else { LONGEST_MS };
    let next = all
        .iter()
        .filter(|other| other.subject == request.subject && other.created_at_ms > request.created_at_ms)
        .map(|other| other.created_at_ms - SKEW_MS);
    let end = request.closed_at_ms.map(|closed| closed + keeps_on).into_iter().chain(next).min();
    at_ms >= request.created_at_ms - SKEW_MS && end.is_none_or(|end| at_ms < end)
}
