//! A watcher's view of a conversation: first what was missed, then what happens.

use crate::room::Room;
use majordomo_domain::Event;
use majordomo_store::bus::{self, Bus};
use std::{collections::VecDeque, sync::Arc};

/// Events of one conversation, without gap and without repeat. A watcher who falls behind is brought up from what is
/// kept, or by a snapshot.
pub struct Watch {
    room: Arc<Room>,
    bus: Bus,
    live: bus::Watch,
    missed: VecDeque<Arc<Event>>,
    seen: i64,
}

impl Watch {
    pub(crate) fn open(room: Arc<Room>, bus: &Bus, after: Option<i64>) -> Self {
        let (live, missed) = room.join(bus, after);
        Self { room, bus: bus.clone(), live, missed, seen: after.unwrap_or(-1) }
    }

    /// The next event. None when the service goes away.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        loop {
            if let Some(event) = self.missed.pop_front() {
                self.seen = event.number;
                return Some(event);
            }
            match self.live.next().await? {
                Ok(event) if event.number > self.seen => {
                    self.seen = event.number;
                    return Some(event);
                }
                Ok(_) => {}
                Err(bus::Lagged) => {
                    let (live, missed) = self.room.join(&self.bus, Some(self.seen));
                    self.live = live;
                    self.missed = missed;
                }
            }
        }
    }
}
