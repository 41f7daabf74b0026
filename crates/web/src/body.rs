//! Reading what a caller sent, strictly: size, text encoding, depth, JSON, then the type.

use crate::error::ApiError;
use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// Brackets inside brackets. Deeper texts are refused unread.
const MAX_DEPTH: usize = 100;
/// Characters of a parser's remark that are passed on.
const MAX_REMARK: usize = 240;

/// A JSON object of a known shape.
///
/// 400 for what is no JSON or no UTF-8, 413 for too much, 415 for another content type, 422 for a wrong, missing or unknown
/// field.
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let text = JsonText::from_request(request, state).await?;
        serde_json::from_str(&text.0).map(Self).map_err(not_understood)
    }
}

/// The text of a JSON object, whatever its shape. An empty body counts as `{}`.
pub(crate) struct JsonText(pub String);

impl<S: Send + Sync> FromRequest<S> for JsonText {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| ApiError::of_status(rejection.status()))?;
        if bytes.is_empty() {
            return Ok(Self("{}".into()));
        }
        if !is_json {
            return Err(ApiError::of_status(axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let text =
            String::from_utf8(bytes.into()).map_err(|_| ApiError::malformed("the request is not valid UTF-8"))?;
        if is_too_deep(&text) {
            return Err(ApiError::malformed(format!("the request is nested deeper than {MAX_DEPTH} levels")));
        }
        // A struct would also be read from an array.
        if !text.trim_start().starts_with('{') {
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            return Err(match is_json {
                true => ApiError::invalid("the request must be a JSON object"),
                false => ApiError::malformed("the request is not valid JSON"),
            });
        }
        Ok(Self(text))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

pub(crate) fn not_understood(error: serde_json::Error) -> ApiError {
    let remark = majordomo_domain::text::shorten(&error.to_string(), MAX_REMARK);
    if error.is_data() { ApiError::invalid(remark) } else { ApiError::malformed(format!("not valid JSON: {remark}")) }
}

fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// The query of an address; 422 when it is not understood.
pub(crate) struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                let remark = majordomo_domain::text::shorten(&rejection.body_text(), MAX_REMARK);
                Err(ApiError::invalid(remark))
            }
        }
    }
}

/// An id in the path. One that cannot be an id belongs to nothing: 404.
pub(crate) struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let id = text.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(|| ApiError::not_found("this id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_strings_only() {
        assert!(!is_too_deep(&format!("{{\"a\":\"{}\"}}", "[".repeat(100_000))));
        assert!(!is_too_deep(r#"{"a":"\"[["}"#));
        assert!(is_too_deep(&"[".repeat(100_000)));
        assert!(!is_too_deep(&"[]".repeat(100_000)));
    }
}
