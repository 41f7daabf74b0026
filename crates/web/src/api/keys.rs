//! Keys for programs. Shown once, stored hashed, revoked at once.

use super::people::clean_name;
use crate::{
    auth::{Caller, Manages, SCOPES, new_key},
    body::{Id, Json, Params},
    error::ApiError,
    shared::House,
    wire::{KeyList, NewKey},
};
use axum::{extract::State, http::StatusCode};
use majordomo_domain::KeyId;
use majordomo_store::ApiKey;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Keys one person may have.
const MAX_KEYS: usize = 100;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Those of the whole household, for admins.
    #[serde(default)]
    all: bool,
}

#[utoipa::path(get, path = "/api/keys", tag = "keys", params(ListParams), responses((status = 200, body = KeyList)))]
pub(crate) async fn list(
    State(shared): House,
    caller: Caller<Manages>,
    Params(params): Params<ListParams>,
) -> Result<axum::Json<KeyList>, ApiError> {
    if params.all && !caller.is_admin() {
        return Err(ApiError::forbidden("only an admin sees the keys of others"));
    }
    let keys = shared.web.store.api_keys((!params.all).then_some(caller.person.id)).await?;
    Ok(axum::Json(KeyList { keys: keys.into_iter().map(Into::into).collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyBody {
    /// 1 to 80 characters.
    name: String,
    /// For whom; oneself when absent. Only admins make keys for others.
    person: Option<Uuid>,
    /// Any of `read`, `chat`, `tools`, `admin`, `metrics`; everything the person may when absent or empty.
    #[serde(default)]
    scopes: Vec<String>,
}

#[utoipa::path(post, path = "/api/keys", tag = "keys", request_body = NewKeyBody, responses((status = 201, body = NewKey)))]
pub(crate) async fn create(
    State(shared): House,
    caller: Caller<Manages>,
    Json(body): Json<NewKeyBody>,
) -> Result<(StatusCode, axum::Json<NewKey>), ApiError> {
    let person = body.person.map_or(caller.person.id, majordomo_domain::PersonId);
    if person != caller.person.id {
        if !caller.is_admin() {
            return Err(ApiError::forbidden("only an admin makes keys for others"));
        }
        shared.web.store.person(person).await?;
    }
    if let Some(unknown) = body.scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        let unknown = majordomo_domain::text::shorten(unknown, 40);
        return Err(ApiError::invalid(format!("“{unknown}” is none of the scopes: {}", SCOPES.join(", "))));
    }
    if body.scopes.len() > SCOPES.len() {
        return Err(ApiError::invalid("every scope is named once"));
    }
    if shared.web.store.api_keys(Some(person)).await?.len() >= MAX_KEYS {
        return Err(ApiError::conflict(format!("a person has at most {MAX_KEYS} keys; revoke one first")));
    }
    // A restricted key passes its restriction on.
    if !caller.has_scope(&[])
        && (body.scopes.is_empty() || !body.scopes.iter().all(|s| caller.has_scope(&[s.as_str()])))
    {
        return Err(ApiError::forbidden("a restricted key makes no key that may do more"));
    }
    let (key, hash) = new_key();
    let row = ApiKey {
        id: KeyId::new(),
        person,
        name: clean_name(&body.name)?,
        scopes: body.scopes,
        created_at_ms: shared.now_ms(),
        used_at_ms: None,
    };
    shared.web.store.put_api_key(&row, &hash).await?;
    Ok((StatusCode::CREATED, axum::Json(NewKey { id: row.id.0, name: row.name, key })))
}

/// Revoke a key. The next request with it is refused.
#[utoipa::path(delete, path = "/api/keys/{id}", tag = "keys", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is worth nothing any more.")))]
pub(crate) async fn revoke(
    State(shared): House,
    caller: Caller<Manages>,
    Id(id): Id<KeyId>,
) -> Result<StatusCode, ApiError> {
    let visible = shared.web.store.api_keys((!caller.is_admin()).then_some(caller.person.id)).await?;
    if !visible.iter().any(|key| key.id == id) {
        return Err(ApiError::not_found("key"));
    }
    shared.web.store.revoke_api_key(id, shared.now_ms()).await?;
    shared.auth.changed();
    Ok(StatusCode::NO_CONTENT)
}
