//! Who did what and why it was allowed. For admins.

use super::approvals::names;
use crate::{
    auth::{Administers, Caller},
    error::ApiError,
    shared::House,
    wire::{AuditEntry, AuditList},
};
use axum::extract::{Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Entries before this number: continues a list.
    before: Option<i64>,
    /// One kind only, such as `policy`.
    kind: Option<String>,
    /// 1 to 500, 100 when absent.
    limit: Option<u32>,
}

#[utoipa::path(get, path = "/api/audit", tag = "audit", params(Wanted), responses((status = 200, body = AuditList)))]
pub(crate) async fn list(
    State(shared): House,
    _caller: Caller<Administers>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<AuditList>, ApiError> {
    let limit = wanted.limit.unwrap_or(100).clamp(1, 500);
    let mut found = shared.web.store.audit_entries(wanted.before, wanted.kind.as_deref(), limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let names = names(&shared).await?;
    let entries = found.into_iter().map(|entry| AuditEntry {
        seq: entry.seq,
        at_ms: entry.at_ms,
        actor: entry.actor.map(|id| id.0),
        actor_name: entry.actor.and_then(|id| names.get(&id).cloned()),
        kind: entry.kind,
        subject: entry.subject,
        conversation: entry.conversation.map(|id| id.0),
        turn: entry.turn.map(|id| id.0),
        detail: entry.detail,
    });
    Ok(axum::Json(AuditList { entries: entries.collect(), more }))
}
