//! Signing in and out, and who one is.

use crate::{
    auth::{Caller, ClientAddress, Identity, Means, Reads},
    body::Json,
    error::ApiError,
    shared::{House, Shared},
    wire::{AgentName, Me},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use majordomo_domain::Person;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The code of a one-time link.
    code: String,
}

/// Redeem a one-time code for a session's cookie.
#[utoipa::path(post, path = "/api/login", tag = "session", request_body = Login, responses(
    (status = 200, description = "Signed in; the cookie is set.", body = Me)))]
pub(crate) async fn login(
    State(shared): House,
    ClientAddress(from): ClientAddress,
    headers: HeaderMap,
    Json(login): Json<Login>,
) -> Result<Response, ApiError> {
    let signed_in = shared.sign_in(login.code.trim(), from, &headers).await?;
    let me = describe(&shared, signed_in.person, signed_in.csrf_token);
    Ok(([(header::SET_COOKIE, signed_in.cookie)], axum::Json(me)).into_response())
}

/// End the session.
#[utoipa::path(post, path = "/api/logout", tag = "session", responses((status = 204, description = "Signed out.")))]
pub(crate) async fn logout(State(shared): House, caller: Caller<Reads>) -> Result<Response, ApiError> {
    let cookie = shared.sign_out(&caller).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/me", tag = "session", responses((status = 200, body = Me)))]
pub(crate) async fn me(State(shared): House, caller: Caller<Reads>) -> axum::Json<Me> {
    let identity: &Identity = &caller;
    let token = match &identity.means {
        Means::Session { csrf_token, .. } => csrf_token.clone(),
        Means::Key { .. } => String::new(),
    };
    axum::Json(describe(&shared, (*identity.person).clone(), token))
}

fn describe(shared: &Shared, person: Person, csrf_token: String) -> Me {
    let web = &shared.web;
    let agents = web.engine.agents().iter().map(|agent| AgentName { id: agent.id.0, name: agent.name.clone() });
    Me {
        person,
        csrf_token,
        version: web.version.clone(),
        demo: web.demo.clone(),
        suggestions: web.suggestions.clone(),
        agents: agents.collect(),
    }
}
