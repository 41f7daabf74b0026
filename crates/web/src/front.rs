//! What every request passes on its way in and out: an id, the check of the host name, a span, figures, headers that tell
//! browsers to be careful, and one shape for every error.

use crate::{
    config::Config,
    error::{self, ApiError},
    shared::{House, Shared, rfc3339},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{any::Any, time::Duration};
use tokio::time::Instant;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) async fn pass(State(shared): House, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(&request);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("other", |path| path.as_str()).to_owned();
    let is_api = request.uri().path().starts_with("/api");
    let span = tracing::info_span!("request", request.id = %id, method = %request.method(), route);
    let mut response = match ours(&shared, &request) {
        Ok(()) => {
            let (mut parts, body) = request.into_parts();
            shared.look_at_key(&mut parts).instrument(span.clone()).await;
            next.run(Request::from_parts(parts, body)).instrument(span.clone()).await
        }
        Err(error) => error.into_response(),
    };
    if let Some(error) = refused(&mut response) {
        let rendered = error::render(&error, &id, &rfc3339(shared.now_ms()));
        // Headers the error came with stay, such as those for CORS; what describes the old body goes.
        let mut headers = std::mem::take(response.headers_mut());
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
            headers.remove(name);
        }
        response = rendered;
        for (name, value) in &headers {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
    }
    let status = response.status();
    if status.is_server_error() {
        span.in_scope(|| tracing::warn!(status = status.as_u16(), "a request failed"));
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if is_api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    if shared.web.config.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    let took = began.elapsed();
    metrics::counter!("http_requests_total", "route" => route.clone(), "status" => status.as_str().to_owned())
        .increment(1);
    metrics::histogram!("http_request_seconds", "route" => route).record(took.as_secs_f64());
    response
}

/// The id the caller gave, when it is a sane one, or a new one.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_sane = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    given.filter(is_sane).map_or_else(|| Uuid::now_v7().simple().to_string(), str::to_owned)
}

/// Whether the request was meant for us. A page that points its own name at this machine is turned away here.
fn ours(shared: &Shared, request: &Request) -> Result<(), ApiError> {
    let Some(host) = request.headers().get(header::HOST) else { return Ok(()) };
    if host.to_str().is_ok_and(|host| shared.web.config.answers_to(host)) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "UNKNOWN_HOST",
        "this service does not answer to that host name; add it to allowed_hosts in the section [server] of the settings",
    ))
}

/// The error in a response: our own, or one that came about without us and still has to look like ours.
fn refused(response: &mut Response) -> Option<ApiError> {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        return Some(error);
    }
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_text = kind.is_empty() || kind.starts_with(b"text/plain");
    is_text.then(|| ApiError::of_status(status))
}

/// A handler panicked. The panic itself is on the log by then; the caller learns only that it is our fault.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request met a bug");
    ApiError::internal().into_response()
}

/// Pages of the listed origins may use the API with a key; cookies are never theirs to use.
pub(crate) fn cors(config: &Config) -> CorsLayer {
    let origins = config.allowed_origins.iter().filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok());
    let named = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            named("idempotency-key"),
            named("last-event-id"),
            REQUEST_ID,
        ])
        .expose_headers([REQUEST_ID, header::RETRY_AFTER])
        .max_age(Duration::from_secs(600))
}
