//! The wall clock, so that tests can turn it by hand.

use crate::Millis;

pub trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC. For display and due times, never for time-outs.
    fn now_ms(&self) -> Millis;
}

pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> Millis {
        jiff::Timestamp::now().as_millisecond()
    }
}
