//! The town's one clock. Real by default; a test sets it and turns it by hand.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Milliseconds since the epoch when set by hand, 0 for the machine's own time.
    by_hand: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's own time.
    pub fn real() -> Self {
        Self::default()
    }

    /// Stands still at `at` until it is set or advanced.
    pub fn at(at: Timestamp) -> Self {
        Self { by_hand: Arc::new(AtomicI64::new(at.as_millisecond())) }
    }

    pub fn is_real(&self) -> bool {
        self.by_hand.load(Ordering::Relaxed) == 0
    }

    pub fn now(&self) -> Timestamp {
        match self.by_hand.load(Ordering::Relaxed) {
            0 => Timestamp::now(),
            millis => Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    pub fn set(&self, at: Timestamp) {
        self.by_hand.store(at.as_millisecond(), Ordering::Relaxed);
    }

    /// Stops a real clock where it is and moves it.
    pub fn advance(&self, by: Duration) {
        let later = self.now().as_millisecond().saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
        self.by_hand.store(later, Ordering::Relaxed);
    }

    /// The calendar day in UTC.
    pub fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }

    /// A day some days from today; today itself where the calendar ends.
    pub fn in_days(&self, days: i32) -> Date {
        let today = self.today();
        today.checked_add(days.days()).unwrap_or(today)
    }
}
