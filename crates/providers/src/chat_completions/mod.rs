//! The dialect most servers understand: `POST /chat/completions`, answered by chunks that end with `[DONE]`.
//!
//! Knows: the shapes of that API and what servers that copy it do differently. Never: connects or retries.
//! Start reading at [`request::body`], then [`stream::Decoder`].
//! Source: OpenAI API, `createChatCompletion`; OpenRouter's for `reasoning` and `reasoning_details`.

pub(crate) mod request;
pub(crate) mod stream;

pub(crate) const PATH: &str = "chat/completions";
