//! A conversation's place in this process: who is next, and what watchers have seen.

use crate::engine::Outcome;
use majordomo_domain::{
    ConversationId, Event, EventKind, Message, PersonId, TurnId,
    event::{RunningCall, RunningTurn},
    op::Say,
};
use majordomo_store::{Fence, Step, bus::Bus};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Events kept for watchers who come back, by number and by bytes. Older ones are replaced by a snapshot.
const KEPT_EVENTS: usize = 2_048;
const KEPT_BYTES: usize = 256 * 1024;
/// Rooms kept although nothing happens in them.
const IDLE_ROOMS: usize = 256;

#[derive(Default)]
pub(crate) struct Rooms(Mutex<HashMap<ConversationId, Arc<Room>>>);

pub(crate) struct Room {
    conversation: ConversationId,
    /// Held while something is accepted, cleared or deleted.
    pub gate: tokio::sync::Mutex<()>,
    state: Mutex<RoomState>,
}

#[derive(Default)]
struct RoomState {
    waiting: VecDeque<Waiting>,
    /// A task runs this room's turns, or is about to.
    driven: bool,
    /// One of them has been taken out of the line and is not over.
    current: bool,
    running: Option<RunningTurn>,
    /// The step that runs, and where its text begins: a reset takes back only that.
    step: (u32, usize),
    last: i64,
    kept: VecDeque<Arc<Event>>,
    kept_bytes: usize,
}

/// A turn in line.
pub(crate) struct Waiting {
    pub handle: Arc<TurnHandle>,
    pub say: Say,
    /// What was said; read from the store when absent.
    pub question: Option<Message>,
    /// The lease, when it was taken with the row.
    pub fence: Option<Fence>,
    /// What an earlier attempt has journalled.
    pub steps: Vec<Step>,
    pub attempt: i64,
}

/// What others hold of a turn while it is not over.
pub(crate) struct TurnHandle {
    pub turn: TurnId,
    pub conversation: ConversationId,
    pub person: PersonId,
    pub ordinal: i64,
    pub cancel: CancellationToken,
    outcome: watch::Sender<Option<Arc<Outcome>>>,
}

impl TurnHandle {
    pub fn new(turn: TurnId, conversation: ConversationId, person: PersonId, ordinal: i64) -> Self {
        Self {
            turn,
            conversation,
            person,
            ordinal,
            cancel: CancellationToken::new(),
            outcome: watch::Sender::new(None),
        }
    }

    pub fn settle(&self, outcome: Arc<Outcome>) {
        self.outcome.send_replace(Some(outcome));
    }

    /// The end of the turn; None when the process lets go of it without one.
    pub async fn outcome(&self) -> Option<Arc<Outcome>> {
        let mut receiver = self.outcome.subscribe();
        receiver.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }
}

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, HashMap<ConversationId, Arc<Room>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn of(&self, conversation: ConversationId) -> Arc<Room> {
        let mut rooms = self.lock();
        if rooms.len() > 4 * IDLE_ROOMS && !rooms.contains_key(&conversation) {
            forget(&mut rooms);
        }
        rooms
            .entry(conversation)
            .or_insert_with(|| {
                Arc::new(Room { conversation, gate: tokio::sync::Mutex::default(), state: Mutex::default() })
            })
            .clone()
    }

    pub fn forget_idle(&self) {
        forget(&mut self.lock());
    }
}

/// Let go of rooms in which nothing happens and nobody watches, the ones with the oldest conversations first.
fn forget(rooms: &mut HashMap<ConversationId, Arc<Room>>) {
    let mut idle: Vec<_> = rooms
        .iter()
        .filter(|(_, room)| Arc::strong_count(room) == 1 && !room.state().driven)
        .map(|(id, _)| *id)
        .collect();
    idle.sort_unstable();
    let surplus = idle.len().saturating_sub(IDLE_ROOMS);
    for id in idle.into_iter().take(surplus) {
        rooms.remove(&id);
    }
}

impl Room {
    fn state(&self) -> MutexGuard<'_, RoomState> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// How many turns run or wait, and whether the caller may begin one at once. If so the room is the caller's to drive.
    pub fn reserve(&self) -> (usize, bool) {
        let mut state = self.state();
        let free = !state.driven;
        state.driven = true;
        (state.waiting.len() + usize::from(state.current), free)
    }

    /// Nothing came of a reservation.
    pub fn unreserve(&self, was_free: bool) {
        if was_free {
            self.state().driven = false;
        }
    }

    /// Put a turn in line, in the order of the conversation; true when the caller has to drive the room.
    pub fn enqueue(&self, next: Waiting, reserved: bool) -> bool {
        let mut state = self.state();
        state.insert(next);
        let idle = !state.driven;
        state.driven = true;
        reserved || idle
    }

    /// The next turn in line. None ends the driving.
    pub fn next(&self) -> Option<Waiting> {
        let mut state = self.state();
        let next = state.waiting.pop_front();
        state.driven = next.is_some();
        state.current = next.is_some();
        next
    }

    /// Put a turn that could not begin yet back in line. The caller goes on driving the room.
    pub fn put_back(&self, next: Waiting) {
        let mut state = self.state();
        state.insert(next);
        state.current = false;
    }

    pub fn has_waiting(&self) -> bool {
        !self.state().waiting.is_empty()
    }

    pub fn last_number(&self) -> i64 {
        self.state().last
    }

    /// Tell watchers about a turn, numbering the event and folding it into the picture latecomers get.
    pub fn tell(&self, bus: &Bus, ordinal: i64, attempt: i64, turn: TurnId, kind: EventKind) {
        let mut state = self.state();
        // A recovered turn must not reuse numbers that watchers saw before the stop.
        let floor = ordinal * 1_000_000 + (attempt - 1).clamp(0, 9) * 100_000;
        state.last = (state.last + 1).max(floor);
        let event = Arc::new(Event { conversation: self.conversation, number: state.last, turn, kind });
        state.fold(&event);
        state.keep(event.clone());
        bus.announce(event);
    }

    /// Tell watchers something about the conversation itself.
    pub fn tell_now(&self, bus: &Bus, kind: EventKind) {
        self.tell(bus, 0, 0, TurnId(Default::default()), kind);
    }

    /// Subscribe and, in the same moment, take what the watcher has missed.
    pub fn join(&self, bus: &Bus, after: Option<i64>) -> (majordomo_store::bus::Watch, VecDeque<Arc<Event>>) {
        let state = self.state();
        let watch = bus.watch(self.conversation);
        let missed = match after {
            Some(after) if state.covers(after) => {
                state.kept.iter().filter(|event| event.number > after).cloned().collect()
            }
            _ => VecDeque::from([Arc::new(self.snapshot(&state))]),
        };
        (watch, missed)
    }

    fn snapshot(&self, state: &RoomState) -> Event {
        let turn = state.running.as_ref().map_or(TurnId(Default::default()), |running| running.turn);
        let queued = state.waiting.len() as u32;
        let kind = EventKind::Snapshot { running: state.running.clone(), queued };
        Event { conversation: self.conversation, number: state.last, turn, kind }
    }
}

impl RoomState {
    fn insert(&mut self, next: Waiting) {
        let later = |other: &Waiting| other.handle.ordinal > next.handle.ordinal;
        let place = self.waiting.iter().position(later).unwrap_or(self.waiting.len());
        self.waiting.insert(place, next);
    }

    fn covers(&self, after: i64) -> bool {
        after == self.last || self.kept.front().is_some_and(|oldest| oldest.number <= after + 1 && after < self.last)
    }

    fn keep(&mut self, event: Arc<Event>) {
        self.kept_bytes += weight(&event);
        self.kept.push_back(event);
        while self.kept.len() > KEPT_EVENTS || self.kept_bytes > KEPT_BYTES {
            match self.kept.pop_front() {
                Some(oldest) => self.kept_bytes -= weight(&oldest),
                None => break,
            }
        }
        if self.kept.is_empty() {
            self.kept_bytes = 0;
        }
    }

    fn fold(&mut self, event: &Event) {
        match &event.kind {
            EventKind::TurnStarted { started_at_ms } => {
                self.step = (0, 0);
                self.running = Some(RunningTurn {
                    turn: event.turn,
                    started_at_ms: *started_at_ms,
                    model: String::new(),
                    text: String::new(),
                    thinking: String::new(),
                    calls: Vec::new(),
                });
            }
            EventKind::TurnFinished { .. } | EventKind::ConversationCleared | EventKind::ConversationDeleted => {
                self.running = None;
            }
            kind => {
                if let Some(running) = &mut self.running {
                    fold_running(running, &mut self.step, kind);
                }
            }
        }
    }
}

fn fold_running(running: &mut RunningTurn, current: &mut (u32, usize), kind: &EventKind) {
    match kind {
        EventKind::ModelAsked { model, step } => {
            running.model.clone_from(model);
            if current.0 != *step {
                // Texts of several steps read as paragraphs, as they do in the stored answer.
                if !running.text.is_empty() && !running.text.ends_with("\n\n") {
                    running.text.push_str("\n\n");
                }
                *current = (*step, running.text.len());
            }
        }
        EventKind::StepReset { .. } => {
            running.text.truncate(current.1);
            running.thinking.clear();
        }
        EventKind::TextDelta { text } => running.text.push_str(text),
        EventKind::ThinkingDelta { text } => running.thinking.push_str(text),
        EventKind::CallStarted { call_id, name, title } => running.calls.push(RunningCall {
            call_id: call_id.clone(),
            name: name.clone(),
            title: title.clone(),
            finished: false,
            is_error: false,
            summary: String::new(),
            cards: Vec::new(),
            duration_ms: 0,
        }),
        EventKind::CallFinished { call_id, is_error, summary, cards, duration_ms, .. } => {
            if let Some(call) = running.calls.iter_mut().rev().find(|c| c.call_id == *call_id && !c.finished) {
                call.finished = true;
                call.is_error = *is_error;
                call.summary.clone_from(summary);
                call.cards.clone_from(cards);
                call.duration_ms = *duration_ms;
            }
        }
        _ => {}
    }
}

/// Roughly what an event costs to keep. Bytes.
fn weight(event: &Event) -> usize {
    128 + match &event.kind {
        EventKind::TextDelta { text } | EventKind::ThinkingDelta { text } | EventKind::Progress { text } => text.len(),
        EventKind::CallFinished { summary, cards, .. } => summary.len() + cards.len() * 600,
        EventKind::TurnQueued { message, .. } => message.parts.iter().map(|p| p.weight_bytes()).sum(),
        EventKind::TurnFinished { messages, .. } => {
            messages.iter().flat_map(|m| &m.parts).map(|p| p.weight_bytes()).sum()
        }
        _ => 64,
    }
}
