//! What may go wrong outside, by what the caller can do about it.

use majordomo_domain::ToolError;
use std::time::Duration;

/// Why no usable answer came. `service` is the name and where it lives, such as `radarr at nas:7878`. No text holds a
/// query, a key or credentials of an address. `body` is what the service said, at most 16 KiB, for callers that read it;
/// it is in no text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum UpstreamError {
    /// Refused, reset, not resolved, broken off. Worth another try later.
    #[error("{service} did not answer: {reason}")]
    Unreachable { service: String, reason: String },
    /// Nothing came for too long. Worth another try later, though not many.
    #[error("{service} did not answer: {reason}")]
    Silent { service: String, reason: String },
    /// 4xx that is none of the below: key missing or wrong (401, 403), or the request was.
    #[error("{service} refused: {reason}")]
    Refused { service: String, status: u16, reason: String, body: String },
    /// 404 or 410. The caller knows whether that is an answer ("no such film") or a failure.
    #[error("{service} does not have it: {reason}")]
    NotFound { service: String, reason: String, body: String },
    /// 408, 425, 429, 503, 529, or too many of our own requests waiting. Worth another try after the wait.
    #[error("{service} is busy: {reason}")]
    Busy { service: String, status: u16, retry_after: Option<Duration>, reason: String, body: String },
    /// Another 5xx.
    #[error("{service} failed: {reason}")]
    Failed { service: String, status: u16, retry_after: Option<Duration>, reason: String, body: String },
    /// A web page where the API should be: a login page of a proxy, or a wrong address.
    #[error("{service}: {reason}")]
    NotAnApi { service: String, reason: String },
    /// Not JSON, or not an event stream.
    #[error("{service} gave an answer that cannot be read: {reason}")]
    Malformed { service: String, reason: String },
    /// Longer than allowed.
    #[error("{service} gave too long an answer: {reason}")]
    TooLarge { service: String, reason: String },
    /// Failed too often in a row and is left alone for a while.
    #[error("{service} is left alone for now: {reason}")]
    Resting { service: String, retry_after: Duration, reason: String },
    /// Not asked at all: an address outside the service's own, or one that may not be used.
    #[error("{service} was not asked: {reason}")]
    NotAllowed { service: String, reason: String },
}

/// Between a service's name and its place, as in `radarr at nas:7878`.
pub(crate) const AT: &str = " at ";

impl UpstreamError {
    /// The service without its place: where it is concerns those who run it.
    pub fn name(&self) -> &str {
        self.service().split(AT).next().unwrap_or_default()
    }

    /// Name and place, for logs.
    pub fn service(&self) -> &str {
        match self {
            UpstreamError::Unreachable { service, .. }
            | UpstreamError::Silent { service, .. }
            | UpstreamError::Refused { service, .. }
            | UpstreamError::NotFound { service, .. }
            | UpstreamError::Busy { service, .. }
            | UpstreamError::Failed { service, .. }
            | UpstreamError::NotAnApi { service, .. }
            | UpstreamError::Malformed { service, .. }
            | UpstreamError::TooLarge { service, .. }
            | UpstreamError::Resting { service, .. }
            | UpstreamError::NotAllowed { service, .. } => service,
        }
    }

    pub fn reason(&self) -> &str {
        match self {
            UpstreamError::Unreachable { reason, .. }
            | UpstreamError::Silent { reason, .. }
            | UpstreamError::Refused { reason, .. }
            | UpstreamError::NotFound { reason, .. }
            | UpstreamError::Busy { reason, .. }
            | UpstreamError::Failed { reason, .. }
            | UpstreamError::NotAnApi { reason, .. }
            | UpstreamError::Malformed { reason, .. }
            | UpstreamError::TooLarge { reason, .. }
            | UpstreamError::Resting { reason, .. }
            | UpstreamError::NotAllowed { reason, .. } => reason,
        }
    }

    /// What the service wished for; unclamped.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            UpstreamError::Busy { retry_after, .. } | UpstreamError::Failed { retry_after, .. } => *retry_after,
            UpstreamError::Resting { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// The status it was refused with, when the service answered with one that is no success.
    pub fn status(&self) -> Option<u16> {
        match self {
            UpstreamError::Refused { status, .. }
            | UpstreamError::Busy { status, .. }
            | UpstreamError::Failed { status, .. } => Some(*status),
            UpstreamError::NotFound { .. } => Some(404),
            _ => None,
        }
    }

    /// What went wrong in one word, for metrics and logs: reasons may quote what the service said.
    pub fn kind(&self) -> &'static str {
        match self {
            UpstreamError::Unreachable { .. } => "unreachable",
            UpstreamError::Silent { .. } => "silent",
            UpstreamError::Refused { .. } => "refused",
            UpstreamError::NotFound { .. } => "not_found",
            UpstreamError::Busy { .. } => "busy",
            UpstreamError::Failed { .. } => "failed",
            UpstreamError::NotAnApi { .. } => "not_an_api",
            UpstreamError::Malformed { .. } => "malformed",
            UpstreamError::TooLarge { .. } => "too_large",
            UpstreamError::Resting { .. } => "resting",
            UpstreamError::NotAllowed { .. } => "not_allowed",
        }
    }

    /// Says that the service is ill, as opposed to busy, choosy or correct. What the breaker counts.
    pub(crate) fn is_illness(&self) -> bool {
        match self {
            UpstreamError::Unreachable { .. } | UpstreamError::Silent { .. } | UpstreamError::Failed { .. } => true,
            UpstreamError::Busy { status, .. } => *status == 503,
            _ => false,
        }
    }
}

impl From<UpstreamError> for ToolError {
    /// Every failure is "could not ask", without the place: everybody may read it. A caller for whom [`UpstreamError::NotFound`] is an answer matches it first.
    fn from(error: UpstreamError) -> Self {
        let what = match &error {
            UpstreamError::Unreachable { .. } | UpstreamError::Silent { .. } => "it did not answer: ",
            UpstreamError::Refused { .. } => "it refused: ",
            UpstreamError::NotFound { .. } => "it does not have that: ",
            UpstreamError::Busy { .. } => "it is busy: ",
            UpstreamError::Failed { .. } => "it failed: ",
            UpstreamError::Malformed { .. } => "its answer cannot be read: ",
            UpstreamError::TooLarge { .. } => "its answer is too long: ",
            UpstreamError::Resting { .. } => "it is left alone for now: ",
            UpstreamError::NotAnApi { .. } | UpstreamError::NotAllowed { .. } => "",
        };
        ToolError::CouldNotAsk { service: error.name().to_owned(), reason: format!("{what}{}", error.reason()) }
    }
}

/// The innermost cause, which is the one that says something ("connection refused"), without the address reqwest would
/// print around it.
pub(crate) fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    // An error without a source is reqwest's own and would print its URL.
    let text = if std::error::Error::source(error).is_none() { kind(error).to_owned() } else { cause.to_string() };
    let text = text.split(" (os error").next().unwrap_or_default().trim();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).take(200).collect())
}

fn kind(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no connection in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "the body could not be read"
    } else if error.is_builder() {
        "the request could not be built"
    } else {
        "the request failed"
    }
}
