//! The page: embedded when it was built before the program was, otherwise a few words on how to build it.

use crate::error::ApiError;
use axum::{
    extract::Request,
    http::{HeaderValue, Method, header},
    response::{IntoResponse, Response},
};

/// The page takes everything from us and nothing from anybody else.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data:; style-src 'self'; connect-src 'self'; object-src 'none'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
);
const PERMISSIONS: HeaderValue =
    HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()");

/// Names that belong to programs; an unknown address below them is no page.
const NOT_PAGES: [&str; 6] = ["/api", "/v1", "/mcp", "/hooks", "/health", "/metrics"];

/// The page for browsers; for everybody else what this is, as the Movie Analyst API says it.
pub(crate) async fn root(request: Request) -> Response {
    let accepts = request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        page(request).await
    } else {
        crate::compat::sessions::root().await.into_response()
    }
}

/// Every address nobody else knows: a file of the page, a place inside the page, or nothing.
pub(crate) async fn fallback(request: Request) -> Response {
    let path = request.uri().path();
    let is_for_programs =
        NOT_PAGES.iter().any(|own| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    if is_for_programs {
        return ApiError::not_found("this address").into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::of_status(axum::http::StatusCode::METHOD_NOT_ALLOWED).into_response();
    }
    page(request).await
}

async fn page(request: Request) -> Response {
    let is_hashed = request.uri().path().starts_with("/assets/");
    let mut response = serve(request).await;
    let headers = response.headers_mut();
    let is_html = headers.get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"));
    if is_html {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert("permissions-policy", PERMISSIONS);
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
        headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    } else if !is_hashed {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    response
}

#[cfg(page)]
async fn serve(mut request: Request) -> Response {
    use axum::{Router, http::Uri};
    use memory_serve::CacheControl;
    use std::sync::OnceLock;
    use tower::ServiceExt;

    static PAGE: OnceLock<Router> = OnceLock::new();
    let files = PAGE.get_or_init(|| {
        memory_serve::load!()
            .index_file(Some("/index.html"))
            .html_cache_control(CacheControl::NoCache)
            .cache_control(CacheControl::Long)
            .into_router()
    });
    // A place inside the page has no dot in its last part; a file that is not there stays not there.
    let path = request.uri().path();
    let is_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    if !is_file {
        *request.uri_mut() = Uri::from_static("/");
    }
    match files.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(not(page))]
async fn serve(request: Request) -> Response {
    let is_file = request.uri().path().rsplit('/').next().is_some_and(|last| last.contains('.'));
    if is_file {
        return ApiError::not_found("this file").into_response();
    }
    axum::response::Html(include_str!("no_page.html")).into_response()
}
