//! Where a reply goes.

use serde::{Deserialize, Serialize};

/// A place on a channel. The text is opaque to everybody but the channel that wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// `web`, `discord`, `telegram`, `console`.
    pub channel: String,
    /// The channel's own description of the place, at most 190 bytes.
    pub place: String,
}

impl Address {
    pub fn new(channel: impl Into<String>, place: impl Into<String>) -> Self {
        Self { channel: channel.into(), place: place.into() }
    }
}
