//! One answer being made: its journal, and stopping it.

use super::messages::drop_proof;
use crate::{
    auth::{Caller, Chats, Decides, Reads},
    body::{Id, Json},
    error::ApiError,
    shared::{House, Shared},
    wire::{self, Cancelled, TurnReport, Undone},
};
use axum::extract::State;
use majordomo_domain::{PersonId, TurnId, op::CancelTarget};
use majordomo_engine::TakingBack;
use majordomo_store::{Step, StepKind, Turn};
use serde::Deserialize;
use utoipa::ToSchema;

/// A turn in a conversation of this person. Another one's is not found.
async fn own(shared: &Shared, id: TurnId, person: PersonId) -> Result<Turn, ApiError> {
    let turn = shared.web.store.turn(id).await?;
    match shared.owned(turn.conversation, person).await {
        Ok(_) => Ok(turn),
        Err(_) => Err(ApiError::not_found("turn")),
    }
}

#[utoipa::path(get, path = "/api/turns/{id}", tag = "turns", params(("id" = Uuid, Path)), responses(
    (status = 200, body = TurnReport)))]
pub(crate) async fn show(
    State(shared): House,
    caller: Caller<Reads>,
    Id(id): Id<TurnId>,
) -> Result<axum::Json<TurnReport>, ApiError> {
    let turn = own(&shared, id, caller.person.id).await?;
    let steps = shared.web.store.steps(id).await?;
    let taken_back = shared.web.engine.taken_back(&turn).await?;
    let turn = wire::Turn {
        id: turn.id.0,
        conversation: turn.conversation.0,
        state: turn.state,
        model: turn.model,
        started_at_ms: turn.started_at_ms,
        finished_at_ms: turn.finished_at_ms,
        usage: turn.usage,
        cost_micros: turn.cost_micros,
        error: turn.error,
    };
    let taken_back = taken_back.into_iter().map(|one| wire::TakenBack {
        call_id: one.call_id,
        turn_id: one.turn.0,
        reason: one.reason,
        may_retry: one.may_retry,
        state: match one.state {
            TakingBack::Waits => wire::TakingBack::Waits,
            TakingBack::Runs => wire::TakingBack::Runs,
            TakingBack::Done => wire::TakingBack::Done,
            TakingBack::Refused => wire::TakingBack::Refused,
            TakingBack::Uncertain => wire::TakingBack::Uncertain,
        },
    });
    let taken_back = taken_back.collect();
    let described = steps.iter().map(|step| describe(step, &steps)).collect::<Result<_, _>>()?;
    Ok(axum::Json(TurnReport { turn, steps: described, taken_back }))
}

fn describe(step: &Step, all: &[Step]) -> Result<wire::Step, ApiError> {
    let returned =
        |id: &str| all.iter().any(|s| matches!(&s.kind, StepKind::Returned { result } if result.call_id == id));
    let state = match &step.kind {
        StepKind::Asked { .. } | StepKind::Compacted { .. } => "done",
        StepKind::Intent { call } if returned(&call.id) => "done",
        StepKind::Intent { .. } => "open",
        StepKind::Returned { result } if result.is_error => "failed",
        StepKind::Returned { .. } => "done",
    };
    let mut kind = step.kind.clone();
    if let StepKind::Asked { parts, .. } = &mut kind {
        parts.iter_mut().for_each(drop_proof);
    }
    let mut body = serde_json::to_value(&kind).map_err(|error| {
        tracing::error!(%error, "a step could not be written");
        ApiError::internal()
    })?;
    let name = body.as_object_mut().and_then(|object| object.remove("kind"));
    let name = name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    Ok(wire::Step { seq: step.seq, kind: name, state, body, created_at_ms: step.created_at_ms })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UndoBody {
    /// Of the call whose change is taken back.
    call_id: String,
}

/// Take back what a call of this turn has changed, while it is offered: once, and again where it failed.
#[utoipa::path(post, path = "/api/turns/{id}/undo", tag = "turns", params(("id" = Uuid, Path)), request_body = UndoBody,
    responses((status = 200, body = Undone)))]
pub(crate) async fn undo(
    State(shared): House,
    caller: Caller<Decides>,
    Id(id): Id<TurnId>,
    Json(body): Json<UndoBody>,
) -> Result<axum::Json<Undone>, ApiError> {
    own(&shared, id, caller.person.id).await?;
    let turn = shared.web.engine.undo(&caller.person, id, &body.call_id).await?;
    Ok(axum::Json(Undone { turn_id: turn.0 }))
}

/// Stop a turn. It leaves a marker that everybody can see.
#[utoipa::path(post, path = "/api/turns/{id}/cancel", tag = "turns", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Cancelled)))]
pub(crate) async fn cancel(
    State(shared): House,
    caller: Caller<Chats>,
    Id(id): Id<TurnId>,
) -> Result<axum::Json<Cancelled>, ApiError> {
    own(&shared, id, caller.person.id).await?;
    let cancelled = shared.web.engine.cancel(CancelTarget::Turn(id), caller.person.id).await?;
    Ok(axum::Json(Cancelled { cancelled }))
}
