//! The bus of a single process: events of conversations to whoever watches, in memory.

use majordomo_domain::{ConversationId, Event};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::broadcast;

/// Events a slow watcher may lag behind before it has to start over from a snapshot.
const LAG: usize = 128;

/// Carries events while somebody watches. Cheap to clone.
#[derive(Clone, Default)]
pub struct Bus {
    rooms: Arc<Mutex<HashMap<ConversationId, broadcast::Sender<Arc<Event>>>>>,
}

/// A watcher's end. Dropping it leaves.
pub struct Watch {
    events: broadcast::Receiver<Arc<Event>>,
    bus: Bus,
    conversation: ConversationId,
}

/// The watcher fell behind; what it missed is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged;

impl Bus {
    fn rooms(&self) -> MutexGuard<'_, HashMap<ConversationId, broadcast::Sender<Arc<Event>>>> {
        self.rooms.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Announce to whoever watches; nobody watching is fine.
    pub fn announce(&self, event: Arc<Event>) {
        if let Some(room) = self.rooms().get(&event.conversation) {
            let _ = room.send(event);
        }
    }

    pub fn watch(&self, conversation: ConversationId) -> Watch {
        let events = self.rooms().entry(conversation).or_insert_with(|| broadcast::Sender::new(LAG)).subscribe();
        Watch { events, bus: self.clone(), conversation }
    }

    /// How many conversations are being watched.
    pub fn watched(&self) -> usize {
        self.rooms().len()
    }
}

impl Watch {
    /// The next event, or that some were missed. None when the bus is gone.
    pub async fn next(&mut self) -> Option<Result<Arc<Event>, Lagged>> {
        match self.events.recv().await {
            Ok(event) => Some(Ok(event)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Err(Lagged)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut rooms = self.bus.rooms();
        if rooms.get(&self.conversation).is_some_and(|room| room.receiver_count() <= 1) {
            rooms.remove(&self.conversation);
        }
    }
}
