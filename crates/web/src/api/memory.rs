//! What the house knows of the caller, forgetting it, and joining an account on another channel.

use crate::{
    auth::{Administers, Caller, Chats, Manages, Reads},
    body::{Id, Json},
    error::ApiError,
    shared::House,
    wire::{Forgotten, IdentityBody, IdentityList, LinkCode, MemoryList, Remembered},
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use majordomo_domain::{PersonId, person::Identity};
use majordomo_store::Scope;
use serde::Deserialize;
use utoipa::ToSchema;

/// What is known of the caller, and what they told the household.
#[utoipa::path(get, path = "/api/memory", tag = "memory", responses((status = 200, body = MemoryList)))]
pub(crate) async fn list(State(shared): House, caller: Caller<Reads>) -> Result<axum::Json<MemoryList>, ApiError> {
    let store = &shared.web.store;
    let mut facts = store.facts(&Scope::Person(caller.person.id)).await?;
    let household = store.facts(&Scope::Household).await?;
    facts.extend(household.into_iter().filter(|fact| fact.author == caller.person.id || caller.is_admin()));
    let facts = facts.into_iter().map(|fact| Remembered {
        scope: fact.scope.name().into(),
        author: fact.author.0,
        created_at_ms: fact.created_at_ms,
        id: fact.id,
        text: fact.text,
    });
    Ok(axum::Json(MemoryList { facts: facts.collect() }))
}

/// Forget one of them.
#[utoipa::path(delete, path = "/api/memory/{id}", tag = "memory", params(("id" = String, Path)), responses(
    (status = 204, description = "It is forgotten.")))]
pub(crate) async fn forget(
    State(shared): House,
    caller: Caller<Chats>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let store = &shared.web.store;
    let mut scopes = vec![Scope::Person(caller.person.id)];
    let household = store.facts(&Scope::Household).await?;
    if household.iter().any(|fact| fact.id == id && (fact.author == caller.person.id || caller.is_admin())) {
        scopes.push(Scope::Household);
    }
    match store.forget_fact(&id, &scopes).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found("memory")),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmed {
    /// The caller's own name, so that nobody does this by accident.
    confirm: String,
}

/// Forget the caller: conversations, what is remembered, what was asked for. They stay a person of the household.
#[utoipa::path(delete, path = "/api/me/data", tag = "memory", request_body = Confirmed, responses((status = 200, body = Forgotten)))]
pub(crate) async fn forget_me(
    State(shared): House,
    caller: Caller<Manages>,
    Json(body): Json<Confirmed>,
) -> Result<axum::Json<Forgotten>, ApiError> {
    if body.confirm.trim().to_lowercase() != caller.person.name.to_lowercase() {
        return Err(ApiError::invalid("type your name to confirm"));
    }
    let gone = shared.web.engine.forget_person(caller.person.id).await?;
    shared.forget_owners();
    Ok(axum::Json(Forgotten {
        facts: gone.facts,
        conversations: gone.conversations,
        messages: gone.messages,
        documents: gone.documents,
        approvals: gone.approvals,
    }))
}

/// A code that joins an account on another channel to the caller, once, within ten minutes: say `link CODE` there.
#[utoipa::path(post, path = "/api/me/link-code", tag = "people", responses((status = 200, body = LinkCode)))]
pub(crate) async fn link_code(State(shared): House, caller: Caller<Manages>) -> Result<axum::Json<LinkCode>, ApiError> {
    let (code, expires_at_ms) = shared.web.engine.make_link_code(caller.person.id).await?;
    Ok(axum::Json(LinkCode { code, expires_at_ms }))
}

/// A person's accounts.
#[utoipa::path(get, path = "/api/people/{id}/identities", tag = "people", params(("id" = Uuid, Path)), responses(
    (status = 200, body = IdentityList)))]
pub(crate) async fn identities(
    State(shared): House,
    _caller: Caller<Administers>,
    Id(id): Id<PersonId>,
) -> Result<axum::Json<IdentityList>, ApiError> {
    shared.web.store.person(id).await?;
    let accounts = shared.web.store.identities(id).await?;
    let shown =
        accounts.into_iter().map(|identity| IdentityBody { channel: identity.channel, account: identity.account });
    Ok(axum::Json(IdentityList { identities: shown.collect() }))
}

/// Take an account from a person.
#[utoipa::path(delete, path = "/api/people/{id}/identities", tag = "people", params(("id" = Uuid, Path)), request_body = IdentityBody,
    responses((status = 204, description = "It is taken.")))]
pub(crate) async fn unlink(
    State(shared): House,
    _caller: Caller<Administers>,
    Id(id): Id<PersonId>,
    Json(body): Json<IdentityBody>,
) -> Result<StatusCode, ApiError> {
    let identity = Identity { channel: body.channel, account: body.account, person: id };
    shared.web.store.delete_identity(&identity).await?;
    Ok(StatusCode::NO_CONTENT)
}
