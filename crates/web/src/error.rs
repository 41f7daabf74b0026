//! One error for every answer that is not a success. The sentence is for people; the code for programs. Neither holds a stack
//! trace, SQL or a secret: what only we should know goes to the log.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use majordomo_domain::ToolError;
use majordomo_engine::EngineError;
use majordomo_store::StoreError;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// Why a request was not done.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub code: &'static str,
    pub sentence: String,
    pub retry_after: Option<Duration>,
}

/// The body of every answer that is not a success.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody<'a> {
    /// One plain sentence for a person.
    pub error: &'a str,
    /// For programs, such as `NOT_FOUND` or `VALIDATION_ERROR`.
    pub error_code: &'a str,
    /// The same as the header `X-Request-Id`; the log knows it.
    pub request_id: &'a str,
    /// RFC 3339, UTC.
    pub timestamp: &'a str,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, sentence: impl Into<String>) -> Self {
        Self { status, code, sentence: sentence.into(), retry_after: None }
    }

    pub fn invalid(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", sentence)
    }

    pub fn malformed(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", sentence)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", format!("{what} not found"))
    }

    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "sign in with a link, or send a key")
    }

    pub fn forbidden(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", sentence)
    }

    pub fn cross_site() -> Self {
        Self::new(StatusCode::FORBIDDEN, "CROSS_SITE", "this request came from another site's page")
    }

    pub fn conflict(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "CONFLICT", sentence)
    }

    pub fn too_large(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", sentence)
    }

    pub fn unavailable(code: &'static str, sentence: impl Into<String>, retry_after: u64) -> Self {
        Self {
            retry_after: Some(Duration::from_secs(retry_after)),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, sentence)
        }
    }

    pub fn too_many(sentence: impl Into<String>, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", sentence)
        }
    }

    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "something went wrong on our side")
    }

    /// An error that came about without us, by its status: from the router, the body reader or a layer.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found("this address"),
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(status, "METHOD_NOT_ALLOWED", "this address does not know that method")
            }
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large("the request is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(status, "UNSUPPORTED_MEDIA_TYPE", "send application/json"),
            StatusCode::UNPROCESSABLE_ENTITY => Self::invalid("the request was not understood"),
            status if status.is_server_error() => Self { status, ..Self::internal() },
            status => Self::new(status, "BAD_REQUEST", "the request was not understood"),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::not_found(what),
            StoreError::Conflict(sentence) => Self::conflict(sentence),
            StoreError::Busy(_) | StoreError::Fenced => {
                tracing::warn!(%error, "the store was busy");
                Self::unavailable("STORAGE_BUSY", "the database is busy; try again in a moment", 1)
            }
            StoreError::Full(_) => {
                tracing::error!(%error, "the store cannot be written");
                Self::unavailable(
                    "STORAGE_FULL",
                    "the database cannot be written; what was said before is kept, there has to be room on the disk",
                    30,
                )
            }
            StoreError::Unusable(_) | StoreError::Other(_) => {
                tracing::error!(%error, "the store failed");
                Self::internal()
            }
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let sentence = error.to_string();
        match error {
            EngineError::NotFound(what) => Self::not_found(what),
            EngineError::Empty => Self::invalid(sentence),
            EngineError::TooLong { .. } => Self::too_large(sentence),
            EngineError::Overloaded { retry_after, .. } => Self::too_many(sentence, retry_after),
            EngineError::Draining => Self::unavailable("STOPPING", sentence, 5),
            EngineError::UnknownModel(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "UNKNOWN_MODEL", sentence),
            EngineError::BadEventNumber => Self::malformed(sentence),
            EngineError::Conflict(sentence) => Self::conflict(sentence),
            EngineError::NotAllowed(sentence) => Self::forbidden(sentence),
            EngineError::Tool(ToolError::TellModel(sentence)) => Self::invalid(sentence),
            EngineError::Tool(ToolError::CouldNotAsk { .. }) => {
                Self::new(StatusCode::BAD_GATEWAY, "COULD_NOT_ASK", sentence)
            }
            EngineError::Tool(ToolError::Bug(_)) | EngineError::Unusable(_) => {
                tracing::error!(error = %sentence, "a request met a bug");
                Self::internal()
            }
            EngineError::Store(error) => error.into(),
        }
    }
}

/// The error travels beside an empty body; `front.rs` writes the body, since it knows the request's id.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        response(self)
    }
}

pub(crate) fn response<B: Default>(error: ApiError) -> axum::http::Response<B> {
    let mut response = axum::http::Response::new(B::default());
    *response.status_mut() = error.status;
    response.extensions_mut().insert(error);
    response
}

/// The answer as it goes out.
pub(crate) fn render(error: &ApiError, request_id: &str, timestamp: &str) -> Response {
    let body = ErrorBody { error: &error.sentence, error_code: error.code, request_id, timestamp };
    let mut response = Response::new(Body::from(serde_json::to_vec(&body).unwrap_or_default()));
    *response.status_mut() = error.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = error.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if error.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
