//! What waits for somebody's decision, and deciding it; stopping everything.

use crate::{
    auth::{Caller, Chats, Decides, Reads},
    body::{Id, Json},
    error::ApiError,
    shared::{House, Shared},
    wire::{ApprovalList, Cancelled, Decided, ShownApproval},
};
use axum::extract::{Query, State};
use majordomo_domain::{
    Accepted, Approval, ApprovalId, Decision, Op, Person, PersonId, RequestId, fault_point, op::Decide,
};
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `open` (the default) or `all`.
    state: Option<String>,
    /// Those that were asked before this moment: continues a list.
    before_ms: Option<i64>,
    /// 1 to 200, 50 when absent.
    limit: Option<u32>,
}

/// Those the caller may decide or has asked for, newest first.
#[utoipa::path(get, path = "/api/approvals", tag = "approvals", params(Wanted), responses((status = 200, body = ApprovalList)))]
pub(crate) async fn list(
    State(shared): House,
    caller: Caller<Reads>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<ApprovalList>, ApiError> {
    let only_open = match wanted.state.as_deref() {
        None | Some("open") => true,
        Some("all") => false,
        Some(_) => return Err(ApiError::invalid("state is open or all")),
    };
    let limit = wanted.limit.unwrap_or(50);
    let approvals = shared.web.engine.approvals(&caller.person, only_open, wanted.before_ms, limit).await?;
    let (names, asked) = (names(&shared).await?, asked(&shared).await?);
    let shown = approvals.into_iter().map(|approval| show_to(&caller.person, approval, &names, &asked));
    Ok(axum::Json(ApprovalList { approvals: shown.collect() }))
}

#[utoipa::path(get, path = "/api/approvals/{id}", tag = "approvals", params(("id" = Uuid, Path)), responses(
    (status = 200, body = ShownApproval)))]
pub(crate) async fn show(
    State(shared): House,
    caller: Caller<Reads>,
    Id(id): Id<ApprovalId>,
) -> Result<axum::Json<ShownApproval>, ApiError> {
    let approval = shared.web.engine.approval(id, &caller.person).await?;
    Ok(axum::Json(show_to(&caller.person, approval, &names(&shared).await?, &asked(&shared).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionBody {
    decision: Choice,
    /// With `decline`: why, at most 300 characters.
    reason: Option<String>,
    /// With `change`: all arguments, an object as the tool's schema says.
    #[schema(value_type = Option<Object>)]
    arguments: Option<serde_json::Value>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Choice {
    Approve,
    Decline,
    Change,
}

/// Decide. The first decision wins; a later one gets 409 with a sentence of how it stands.
#[utoipa::path(post, path = "/api/approvals/{id}", tag = "approvals", params(("id" = Uuid, Path)), request_body = DecisionBody,
    responses((status = 200, body = Decided)))]
pub(crate) async fn decide(
    State(shared): House,
    caller: Caller<Decides>,
    Id(id): Id<ApprovalId>,
    Json(body): Json<DecisionBody>,
) -> Result<axum::Json<Decided>, ApiError> {
    // Somebody else's is not found, whatever is wrong with the rest.
    shared.web.engine.approval(id, &caller.person).await?;
    let decision = match (body.decision, body.arguments) {
        (Choice::Approve, None) => Decision::Approve,
        (Choice::Decline, None) => Decision::Decline { reason: body.reason },
        (Choice::Change, Some(arguments)) if arguments.is_object() => Decision::Change { arguments },
        (Choice::Change, _) => return Err(ApiError::invalid("a change needs arguments, an object")),
        _ => return Err(ApiError::invalid("arguments belong to a change")),
    };
    let accepted =
        shared.web.engine.submit(Op::Decide(Decide { approval: id, by: caller.person.id, decision })).await?;
    fault_point!("ack");
    let (names, asked) = (names(&shared).await?, asked(&shared).await?);
    let (turn_id, changed_to) = match accepted {
        Accepted::Decided { turn, .. } => (turn.map(|turn| turn.0), None),
        Accepted::Asked { approval } => (None, Some(show_to(&caller.person, *approval, &names, &asked))),
        _ => (None, None),
    };
    let approval = shared.web.engine.approval(id, &caller.person).await?;
    Ok(axum::Json(Decided { approval: show_to(&caller.person, approval, &names, &asked), turn_id, changed_to }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// Everybody's turns; for admins.
    #[serde(default)]
    everybody: bool,
}

/// Stop every turn of the caller that runs or waits.
#[utoipa::path(post, path = "/api/stop", tag = "approvals", params(Whose), responses((status = 200, body = Cancelled)))]
pub(crate) async fn stop(
    State(shared): House,
    caller: Caller<Chats>,
    Query(whose): Query<Whose>,
) -> Result<axum::Json<Cancelled>, ApiError> {
    if whose.everybody && !caller.is_admin() {
        return Err(ApiError::forbidden("only an admin may stop what others asked for"));
    }
    let cancelled = shared.web.engine.stop_turns(caller.person.id, whose.everybody).await?;
    Ok(axum::Json(Cancelled { cancelled }))
}

pub(crate) async fn names(shared: &Shared) -> Result<HashMap<PersonId, String>, ApiError> {
    Ok(shared.web.store.people().await?.into_iter().map(|person| (person.id, person.name)).collect())
}

/// What was asked for with which approval.
pub(crate) async fn asked(shared: &Shared) -> Result<HashMap<ApprovalId, RequestId>, ApiError> {
    Ok(shared.web.store.asked_requests().await?.into_iter().collect())
}

fn show_to(
    person: &Person,
    approval: Approval,
    names: &HashMap<PersonId, String>,
    asked: &HashMap<ApprovalId, RequestId>,
) -> ShownApproval {
    let name = |id: &PersonId| names.get(id).cloned().unwrap_or_else(|| "somebody who is gone".into());
    let may = approval.approvers.include(person.id, person.standing, approval.requester);
    ShownApproval {
        requester_name: name(&approval.requester),
        decided_by_name: approval.decided_by.as_ref().map(name),
        may_decide: may && approval.state.is_open(),
        request_id: asked.get(&approval.id).map(|request| request.0),
        approval,
    }
}
