//! Whether we live, are ready, and how the parts are. No question here reaches an outside service: what they last said of
//! themselves is asked for by the engine, in its own time.

use crate::{
    auth::Right,
    error::ApiError,
    shared::{House, Shared, rfc3339},
    wire::{Health, HealthDetails, Readiness},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::collections::BTreeMap;

/// The program answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "Alive.", body = String)))]
pub(crate) async fn alive() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// Whether work is taken now: the database can be written and the service is not stopping. An outside service that is away
/// changes nothing here.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(crate) async fn ready(State(shared): House) -> Response {
    let reason = if shared.is_stopping() {
        Some("the service is stopping")
    } else if let Err(error) = shared.database().await {
        tracing::warn!(%error, "not ready");
        Some("the database cannot be written")
    } else {
        None
    };
    let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(Readiness { ready: reason.is_none(), reason }))
        .into_response()
}

/// The parts by name, and for those who are signed in what each last said.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn components(State(shared): House, headers: HeaderMap) -> Response {
    let is_known = matches!(shared.identify(&Method::GET, &headers).await, Ok(Some(_)));
    report(&shared, is_known).await
}

pub(crate) async fn report(shared: &Shared, with_details: bool) -> Response {
    let database = shared.database().await;
    let mut parts: BTreeMap<String, &'static str> = BTreeMap::new();
    let mut details = BTreeMap::new();
    parts.insert("api".into(), "operational");
    parts.insert("database".into(), if database.is_ok() { "operational" } else { "unavailable" });
    if let Err(error) = &database {
        tracing::warn!(%error, "the database is unusable");
        details.insert("database".into(), "the database cannot be written".into());
    }
    // The Movie Analyst API names these, whether there is such a part or not.
    parts.insert("tmdb_api".into(), "off");
    parts.insert("tvmaze_api".into(), "off");
    parts.insert("models".into(), "operational");
    for probe in shared.web.engine.probes().await {
        let name = format!("{}_api", probe.name);
        let state = match probe.ok {
            Some(true) => "operational",
            Some(false) => "degraded",
            None => "unknown",
        };
        details.insert(name.clone(), probe.detail);
        parts.insert(name, state);
    }
    let mut off = BTreeMap::new();
    for (name, reason) in &shared.web.off {
        let part = if name == "models" { name.clone() } else { format!("{name}_api") };
        parts.insert(part, "off");
        off.insert(name.clone(), reason.clone());
    }
    // What the Movie Analyst API called its models.
    let models = parts["models"];
    parts.insert("concentrate_ai".into(), models);
    let status = match () {
        () if database.is_err() => "unhealthy",
        () if models == "off" || parts.values().any(|state| *state == "degraded") => "degraded",
        () => "healthy",
    };
    let details = with_details.then(|| HealthDetails {
        version: shared.web.version.clone(),
        running_turns: shared.web.engine.running_turns(),
        details,
        off,
    });
    let code = if database.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let health = Health { status, components: parts, timestamp: rfc3339(shared.now_ms()), details };
    (code, [(header::CACHE_CONTROL, "no-store")], axum::Json(health)).into_response()
}

/// What a scraper needs.
struct ReadsMetrics;

impl Right for ReadsMetrics {
    const SCOPES: &'static [&'static str] = &["metrics", "admin"];
}

/// Figures as Prometheus text: on this machine for everybody, from elsewhere with an admin's session or key, or a key of the
/// scope `metrics`.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "Prometheus text.", body = String)))]
pub(crate) async fn metrics(State(shared): House, request: Request) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    if !shared.is_local(&parts) {
        let identity = shared.identify(&parts.method, &parts.headers).await?.ok_or_else(ApiError::unauthorized)?;
        let is_scraper = matches!(&identity.means, crate::auth::Means::Key { scopes, .. } if !scopes.is_empty());
        if !(identity.is_admin() || is_scraper) || !identity.has_scope(ReadsMetrics::SCOPES) {
            return Err(ApiError::forbidden("the figures are for admins and for keys of the scope metrics"));
        }
    }
    let text = (shared.web.metrics)();
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, text).into_response())
}
