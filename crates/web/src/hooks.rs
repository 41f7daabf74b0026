//! Webhooks of outside services: `POST /hooks/{name}/{secret}`, answered at once and looked into after.
//!
//! Not part of the API's description: who calls it is a service of the household, told the address by the house itself.

use crate::{error::ApiError, shared::House};
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
};

/// Bytes of one webhook. Plex sends a small picture along.
pub(crate) const MOST: usize = 2 * 1024 * 1024;

pub(crate) async fn receive(
    State(shared): House,
    Path((name, secret)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    shared.web.engine.receive_hook(&name, &secret, content_type, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}
