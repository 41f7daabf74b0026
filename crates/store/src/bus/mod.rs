//! Hints between rooms: "look now" and text as it is being written. Losing one costs latency, never a message.

mod local;

pub use local::{Bus, Lagged, Watch};
