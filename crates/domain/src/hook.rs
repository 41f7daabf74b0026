//! An outside service speaks to us.

use crate::tool::ToolError;
use futures_util::future::BoxFuture;

/// What a webhook said. A hint and no more: who acts on it asks the service first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notification {
    /// Which service, such as `radarr`.
    pub source: String,
    /// What happened, in the service's own word.
    pub kind: String,
    /// Subjects of requests it may be about, as in [`crate::Request::subject`]; all of them when empty.
    pub subjects: Vec<String>,
    /// Something an admin should know, as one sentence.
    pub trouble: Option<String>,
    pub body: serde_json::Value,
}

/// A receiver of webhooks, registered under a name by its toolkit.
pub trait Hook: Send + Sync {
    /// As in the address, such as `radarr`.
    fn name(&self) -> &str;
    /// Understand one request body. `content_type` is the request's header, empty when there was none: forms have their boundary in
    /// it. `Ok(None)` when it is of no interest.
    fn receive<'a>(
        &'a self,
        content_type: &'a str,
        body: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Notification>, ToolError>>;
}
