//! How fast one person may speak, over all conversations and channels. Each has room for a minute's messages at once; the room comes
//! back evenly. Kept in memory: a new start begins with all of it.

use crate::engine::EngineError;
use majordomo_domain::{Millis, PersonId};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

const MINUTE_MS: Millis = 60_000;
/// People kept although they have not spoken for a minute.
const IDLE_PEOPLE: usize = 1_000;

#[derive(Default)]
pub(crate) struct Pace(Mutex<HashMap<PersonId, Spoken>>);

#[derive(Default)]
struct Spoken {
    /// When all room is back. Microseconds.
    free_at: i64,
    /// When they were last told to slow down.
    told_at_ms: Option<Millis>,
}

impl Pace {
    fn lock(&self) -> MutexGuard<'_, HashMap<PersonId, Spoken>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Take the room of one message. [`EngineError::Overloaded`] when there is none. `per_minute` 0: there always is.
    pub fn take(&self, person: PersonId, per_minute: u32, now_ms: Millis) -> Result<(), EngineError> {
        let Some(each) = room_of_one(per_minute) else { return Ok(()) };
        let mut people = self.lock();
        if people.len() > IDLE_PEOPLE && !people.contains_key(&person) {
            people.retain(|_, spoken| spoken.free_at > now_ms * 1_000);
        }
        let spoken = people.entry(person).or_default();
        let (now, minute) = (now_ms * 1_000, MINUTE_MS * 1_000);
        // A clock that was put back keeps nobody waiting for longer than a minute.
        let free_at = spoken.free_at.clamp(now, now + minute);
        let over = free_at + each - now - minute;
        if over > 0 {
            spoken.free_at = free_at;
            let reason = format!("{per_minute} messages within a minute are the limit for one person");
            // Whole seconds are what `Retry-After` can say.
            let retry_after = Duration::from_secs(over.unsigned_abs().div_ceil(1_000_000));
            return Err(EngineError::Overloaded { reason, retry_after, is_repeat: spoken.is_told(now_ms) });
        }
        spoken.free_at = free_at + each;
        Ok(())
    }

    /// Nothing came of a message.
    pub fn give_back(&self, person: PersonId, per_minute: u32) {
        let Some(each) = room_of_one(per_minute) else { return };
        if let Some(spoken) = self.lock().get_mut(&person) {
            spoken.free_at -= each;
        }
    }

    /// Whether this person was told to slow down within the last minute; if not, they are now.
    pub fn was_told(&self, person: PersonId, now_ms: Millis) -> bool {
        self.lock().entry(person).or_default().is_told(now_ms)
    }
}

impl Spoken {
    fn is_told(&mut self, now_ms: Millis) -> bool {
        let is_told = self.told_at_ms.is_some_and(|at| (at..at + MINUTE_MS).contains(&now_ms));
        if !is_told {
            self.told_at_ms = Some(now_ms);
        }
        is_told
    }
}

/// Microseconds.
fn room_of_one(per_minute: u32) -> Option<i64> {
    (per_minute > 0).then(|| MINUTE_MS * 1_000 / i64::from(per_minute))
}
