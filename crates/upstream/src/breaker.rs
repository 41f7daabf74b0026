//! Stops asking a service that is down.
//!
//! Our own sixty lines and not `tower-resilience`: its breaker wraps a tower service with one response type and counts a
//! dropped call as nothing, while here one breaker stands over JSON answers, bytes and event streams, and a hedged
//! request that lost must give a half-open trial back. Given up: its slow-call rate and event hooks.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

#[derive(Clone)]
pub(crate) struct Breaker {
    state: Arc<Mutex<State>>,
    /// A trial is over.
    tried: Arc<Notify>,
    /// Failures in a row that open it; 0 is never.
    failures: u32,
    open_for: Duration,
}

#[derive(Default)]
struct State {
    failed: u32,
    last: String,
    open_until: Option<Instant>,
    /// One request is trying whether the service is back.
    trying: bool,
}

/// Why a request may not pass: how long to wait, and what happened last.
pub(crate) struct Shut {
    pub wait: Duration,
    pub failed: u32,
    pub last: String,
}

/// The right to make one request. Dropped without a verdict it changes nothing.
pub(crate) struct Pass {
    breaker: Breaker,
    trial: bool,
    settled: bool,
}

impl Breaker {
    pub fn new(failures: u32, open_for: Duration) -> Self {
        Self { state: Arc::default(), tried: Arc::default(), failures, open_for }
    }

    /// While one request tries whether the service is back, others wait for what it comes to: of several questions asked at once,
    /// those beside the trial would otherwise fail, and with them whatever needs all of their answers.
    pub async fn enter(&self, deadline: Instant) -> Result<Pass, Shut> {
        loop {
            let tried = self.tried.notified();
            tokio::pin!(tried);
            // From here on nothing is missed.
            tried.as_mut().enable();
            match self.try_enter() {
                Err(shut) if shut.wait.is_zero() && timeout_at(deadline, tried).await.is_ok() => {}
                entered => return entered,
            }
        }
    }

    fn try_enter(&self) -> Result<Pass, Shut> {
        let mut pass = Pass { breaker: self.clone(), trial: false, settled: false };
        if self.failures == 0 {
            return Ok(pass);
        }
        let mut state = self.lock();
        if let Some(until) = state.open_until {
            let now = Instant::now();
            if now < until || state.trying {
                pass.settled = true;
                return Err(Shut {
                    wait: until.saturating_duration_since(now),
                    failed: state.failed,
                    last: state.last.clone(),
                });
            }
            state.trying = true;
            pass.trial = true;
        }
        drop(state);
        Ok(pass)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing panics while holding it; a poisoned lock still holds a usable count.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Pass {
    pub fn succeeded(mut self) {
        self.settled = true;
        if self.breaker.failures > 0 {
            *self.breaker.lock() = State::default();
        }
        self.tell();
    }

    fn tell(&self) {
        if self.trial {
            self.breaker.tried.notify_waiters();
        }
    }

    pub fn failed(mut self, reason: &str) {
        self.settled = true;
        if self.breaker.failures == 0 {
            return;
        }
        let mut state = self.breaker.lock();
        state.failed = state.failed.saturating_add(1);
        state.last = reason.to_owned();
        if self.trial {
            state.trying = false;
        }
        if self.trial || (state.open_until.is_none() && state.failed >= self.breaker.failures) {
            state.open_until = Some(Instant::now() + self.breaker.open_for);
        }
        drop(state);
        self.tell();
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.trial && !self.settled {
            self.breaker.lock().trying = false;
            self.tell();
        }
    }
}
