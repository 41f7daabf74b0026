//! The dialect of `POST /responses`: items in, named events out, ended by `response.completed` or `response.incomplete`.
//!
//! Knows: the shapes of that API. Never: lets the provider keep the conversation (`store` is false); what a thinking model
//! must be reminded of goes back as its encrypted items. Never connects or retries.
//! Start reading at [`request::body`], then [`stream::Decoder`].
//! Source: OpenAI API, `createResponse` and its streaming events.

pub(crate) mod request;
pub(crate) mod stream;

pub(crate) const PATH: &str = "responses";
