//! An outside service speaks to us.

use crate::tool::ToolError;
use futures_util::future::BoxFuture;

/// What a webhook said, as a fact the house may act on.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Which service, such as `radarr`.
    pub source: String,
    /// What happened, in the service's own word.
    pub kind: String,
    pub body: serde_json::Value,
}

/// A receiver of webhooks, registered under a name by its toolkit.
pub trait Hook: Send + Sync {
    fn name(&self) -> &str;
    /// Understand one request body. `content_type` is the request's header, empty when there was none: forms have their boundary in
    /// it. `Ok(None)` when it is of no interest.
    fn receive<'a>(
        &'a self,
        content_type: &'a str,
        body: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Notification>, ToolError>>;
}
