//! What people say is wrong: the list, and what became of one.

use crate::{
    api::approvals::names,
    auth::{Caller, Chats, Reads},
    body::{Id, Json},
    error::ApiError,
    shared::House,
    wire::{ReportList, ShownReport},
};
use axum::{
    extract::{Query, State},
    http::StatusCode,
};
use majordomo_domain::{ReportId, ReportState, Standing};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `open` (the default) or `all`.
    state: Option<String>,
    /// Those that were made before this moment: continues a list.
    before_ms: Option<i64>,
    /// 1 to 200, 50 when absent.
    limit: Option<u32>,
}

/// What people say is wrong, newest first. Admins see all of it, everybody else their own.
#[utoipa::path(get, path = "/api/reports", tag = "requests", params(Wanted), responses((status = 200, body = ReportList)))]
pub(crate) async fn list(
    State(shared): House,
    caller: Caller<Reads>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<ReportList>, ApiError> {
    let only_open = match wanted.state.as_deref() {
        None | Some("open") => true,
        Some("all") => false,
        Some(_) => return Err(ApiError::invalid("state is open or all")),
    };
    let (person, limit) = (&caller.person, wanted.limit.unwrap_or(50));
    let reports = shared.web.engine.reports(person, only_open, wanted.before_ms, limit).await?;
    let names = names(&shared).await?;
    let shown = reports.into_iter().map(|report| ShownReport {
        id: report.id.0,
        title: report.title,
        picture: report.picture,
        text: report.text,
        reporter_name: super::requests::name(&names, report.reporter),
        is_own: report.reporter == person.id,
        may_close: report.state == ReportState::Open && person.standing == Standing::Admin,
        request_id: report.request.map(|request| request.0),
        state: report.state.as_str().into(),
        answer: report.answer,
        created_at_ms: report.created_at_ms,
        closed_at_ms: report.closed_at_ms,
    });
    Ok(axum::Json(ReportList { reports: shown.collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClosingBody {
    /// `mended` or `dismissed`.
    state: String,
    /// What the reporter is told beside that, at most 300 characters.
    answer: Option<String>,
}

/// Say what became of one; an admin. Who reported it is told.
#[utoipa::path(post, path = "/api/reports/{id}", tag = "requests", params(("id" = Uuid, Path)), request_body = ClosingBody,
    responses((status = 204)))]
pub(crate) async fn close(
    State(shared): House,
    caller: Caller<Chats>,
    Id(id): Id<ReportId>,
    Json(body): Json<ClosingBody>,
) -> Result<StatusCode, ApiError> {
    let state = ReportState::parse(&body.state)
        .filter(|state| *state != ReportState::Open)
        .ok_or_else(|| ApiError::invalid("state is mended or dismissed"))?;
    shared.web.engine.close_report(&caller.person, id, state, body.answer).await?;
    Ok(StatusCode::NO_CONTENT)
}
