//! Calls put together from their pieces, in the order they began. Bounded, and never sized by a number the provider sent.

use majordomo_domain::CallRequest;

/// Most calls in one answer.
pub(crate) const MOST_CALLS: usize = 64;
/// Longest arguments of all calls of an answer together. Bytes.
pub(crate) const MOST_ARGUMENT_BYTES: usize = 1024 * 1024;

#[derive(Default)]
pub(crate) struct Calls {
    calls: Vec<Building>,
    argument_bytes: usize,
}

pub(crate) struct Building {
    /// The provider's number of the call or of the item that holds it.
    pub index: u64,
    pub id: String,
    pub name: String,
    pub arguments: String,
    /// Given on already.
    pub done: bool,
    /// The id under which it was given on.
    pub done_id: String,
}

impl Calls {
    /// The latest call with this number.
    pub fn find(&mut self, index: u64) -> Option<&mut Building> {
        self.calls.iter_mut().rev().find(|call| call.index == index)
    }

    pub fn last(&mut self) -> Option<&mut Building> {
        self.calls.last_mut()
    }

    pub fn begin(&mut self, index: u64) -> Result<&mut Building, &'static str> {
        if self.calls.len() >= MOST_CALLS {
            return Err("it asks for more than 64 calls at once");
        }
        self.calls.push(Building {
            index,
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
            done: false,
            done_id: String::new(),
        });
        Ok(self.calls.last_mut().expect("one was pushed"))
    }

    /// Adds to the arguments of the latest call with this number; nothing when there is none.
    pub fn add(&mut self, index: u64, piece: &str) -> Result<(), &'static str> {
        self.argument_bytes += piece.len();
        if self.argument_bytes > MOST_ARGUMENT_BYTES {
            return Err("the arguments of its calls are longer than 1 MiB");
        }
        if let Some(call) = self.find(index) {
            call.arguments.push_str(piece);
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Building> {
        self.calls.iter()
    }

    /// The calls not given on yet, whole.
    pub fn take(&mut self) -> impl Iterator<Item = CallRequest> + '_ {
        self.calls.iter_mut().enumerate().filter(|(_, call)| !call.done).map(|(place, call)| call.finish(place))
    }

    /// One call, whole, unless it was given on before.
    pub fn take_one(&mut self, index: u64) -> Option<CallRequest> {
        let place = self.calls.iter().rposition(|call| call.index == index && !call.done)?;
        Some(self.calls[place].finish(place))
    }
}

impl Building {
    fn finish(&mut self, place: usize) -> CallRequest {
        self.done = true;
        let id = match self.id.is_empty() {
            // Some servers name no calls; the result must still find its call.
            true => format!("call_{place}"),
            false => std::mem::take(&mut self.id),
        };
        let arguments = match self.arguments.trim().is_empty() {
            true => "{}".to_owned(),
            false => std::mem::take(&mut self.arguments),
        };
        self.done_id = id.clone();
        CallRequest { id, name: std::mem::take(&mut self.name), arguments }
    }
}
