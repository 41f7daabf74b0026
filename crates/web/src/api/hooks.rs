//! Addresses of webhooks that somebody pastes by hand, such as into the account's settings of Plex. Shown once, kept as a digest.

use crate::{
    auth::{Caller, Manages},
    error::ApiError,
    shared::House,
    wire::{HookAddress, HookList, ShownHook},
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};

/// Who may call this house, for admins.
#[utoipa::path(get, path = "/api/hooks", tag = "hooks", responses((status = 200, body = HookList)))]
pub(crate) async fn list(State(shared): House, caller: Caller<Manages>) -> Result<axum::Json<HookList>, ApiError> {
    let hooks = shared.web.engine.hooks(&caller.person).await?;
    let hooks = hooks.into_iter().map(|(name, made_at_ms)| ShownHook { name, made_at_ms });
    Ok(axum::Json(HookList { hooks: hooks.collect() }))
}

/// Make the address that a service calls, in place of the one before it, which is void from now on.
#[utoipa::path(post, path = "/api/hooks/{name}", tag = "hooks", params(("name" = String, Path)), responses(
    (status = 201, body = HookAddress)))]
pub(crate) async fn make(
    State(shared): House,
    caller: Caller<Manages>,
    Path(name): Path<String>,
) -> Result<(StatusCode, axum::Json<HookAddress>), ApiError> {
    let secret = shared.web.engine.make_hook_secret(&caller.person, &name).await?;
    let address = format!("{}/hooks/{name}/{secret}", shared.web.hooks_url.trim_end_matches('/'));
    Ok((StatusCode::CREATED, axum::Json(HookAddress { address })))
}

/// Make the address void: whoever calls it is not listened to any more.
#[utoipa::path(delete, path = "/api/hooks/{name}", tag = "hooks", params(("name" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(shared): House,
    caller: Caller<Manages>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    shared.web.engine.remove_hook_secret(&caller.person, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
