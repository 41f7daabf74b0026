//! Anthropic's dialect: `POST /messages`, content blocks in and out, ended by `message_stop`.
//!
//! Knows: the shapes of that API, where its cache marks go, and that thinking must come back signed. Never: connects or
//! retries. Start reading at [`request::body`], then [`stream::Decoder`].
//! Source: Anthropic API, `POST /v1/messages` and its stream events.

pub(crate) mod request;
pub(crate) mod stream;

pub(crate) const PATH: &str = "messages";
