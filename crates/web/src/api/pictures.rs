//! Pictures named on cards, handed on by us so that the page loads nothing from anybody else.

use crate::{
    auth::{Caller, Reads},
    error::ApiError,
    shared::House,
};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

const WEEK: HeaderValue = HeaderValue::from_static("private, max-age=604800");
/// A drawing may hold scripts; opened by itself it must not run them.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
const KINDS: [&str; 5] = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/svg+xml"];

/// A picture by the name on a card: `tmdb:w342/abc.jpg` is `/api/pictures/tmdb/w342/abc.jpg`.
#[utoipa::path(get, path = "/api/pictures/{source}/{*name}", tag = "catalogue",
    params(("source" = String, Path), ("name" = String, Path)),
    responses((status = 200, description = "The picture.", content_type = "image/*")))]
pub(crate) async fn show(
    State(shared): House,
    _caller: Caller<Reads>,
    Path((source, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    if name.len() > 200 || !name.chars().all(is_plain) || name.split('/').any(|part| part.is_empty() || part == "..") {
        return Err(ApiError::not_found("picture"));
    }
    let picture = shared.web.engine.picture(&source, &name).await?;
    let Some(kind) = KINDS.iter().find(|kind| **kind == picture.media_type) else {
        return Err(ApiError::new(StatusCode::BAD_GATEWAY, "NO_PICTURE", "what came back is no picture"));
    };
    let digest = Sha256::digest(&picture.bytes);
    let etag = format!("\"{}\"", digest[..16].iter().map(|b| format!("{b:02x}")).collect::<String>());
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag));
    let common = [
        (header::CACHE_CONTROL, WEEK),
        (header::ETAG, HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\""))),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, [(header::CONTENT_TYPE, *kind)], picture.bytes).into_response())
}
