//! What the household asked for: the list, one with its story, waiting for it too, taking it back.

use crate::{
    api::approvals::names,
    auth::{Caller, Chats, Reads},
    body::{Id, Json},
    error::ApiError,
    shared::{House, Shared},
    wire::{RequestList, RequestProgress, RequestStory, ShownRequest, ShownWatcher, StoryLine},
};
use axum::{
    extract::{Query, State},
    http::StatusCode,
};
use majordomo_domain::{ApprovalId, NoticeLevel, Person, PersonId, Request, RequestId, RequestState};
use majordomo_engine::EngineError;
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `open` (the default) or `all`.
    state: Option<String>,
    /// Only what the caller asked for or waits for.
    #[serde(default)]
    own: bool,
    /// Those that were asked before this moment: continues a list.
    before_ms: Option<i64>,
    /// 1 to 200, 50 when absent.
    limit: Option<u32>,
}

/// What the household asked for, newest first. Guests see their own.
#[utoipa::path(get, path = "/api/requests", tag = "requests", params(Wanted), responses((status = 200, body = RequestList)))]
pub(crate) async fn list(
    State(shared): House,
    caller: Caller<Reads>,
    Query(wanted): Query<Wanted>,
) -> Result<axum::Json<RequestList>, ApiError> {
    let only_open = match wanted.state.as_deref() {
        None | Some("open") => true,
        Some("all") => false,
        Some(_) => return Err(ApiError::invalid("state is open or all")),
    };
    let limit = wanted.limit.unwrap_or(50);
    let requests = shared.web.engine.requests(&caller.person, wanted.own, only_open, wanted.before_ms, limit).await?;
    let names = names(&shared).await?;
    let waiting = waiting(&shared, &caller.person, &requests).await?;
    let shown = requests.into_iter().map(|request| show_to(&caller.person, request, &names, &waiting));
    Ok(axum::Json(RequestList { requests: shown.collect() }))
}

/// One with those who wait for it and its whole story.
#[utoipa::path(get, path = "/api/requests/{id}", tag = "requests", params(("id" = Uuid, Path)), responses(
    (status = 200, body = RequestStory)))]
pub(crate) async fn show(
    State(shared): House,
    caller: Caller<Reads>,
    Id(id): Id<RequestId>,
) -> Result<axum::Json<RequestStory>, ApiError> {
    let detail = shared.web.engine.request_detail(&caller.person, id).await?;
    let names = names(&shared).await?;
    let waiting = waiting(&shared, &caller.person, std::slice::from_ref(&detail.request)).await?;
    let watchers = detail.watchers.iter().map(|watcher| ShownWatcher {
        name: name(&names, watcher.person),
        is_caller: watcher.person == caller.person.id,
        level: watcher.level.as_str().into(),
        since_ms: watcher.since_ms,
    });
    let story = detail.story.iter().map(|line| StoryLine {
        at_ms: line.at_ms,
        kind: line.kind.clone(),
        actor_name: line.actor.map(|actor| name(&names, actor)),
        text: line.text.clone(),
    });
    Ok(axum::Json(RequestStory {
        watchers: watchers.collect(),
        story: story.collect(),
        request: show_to(&caller.person, detail.request, &names, &waiting),
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchBody {
    /// When to be told: `first` of it, `each` new part (the default), a whole `group` such as a season, or `all` of it.
    level: Option<String>,
}

/// Wait for it too, or be told otherwise than before.
#[utoipa::path(put, path = "/api/requests/{id}/watch", tag = "requests", params(("id" = Uuid, Path)), request_body = WatchBody,
    responses((status = 204)))]
pub(crate) async fn watch(
    State(shared): House,
    caller: Caller<Chats>,
    Id(id): Id<RequestId>,
    Json(body): Json<WatchBody>,
) -> Result<StatusCode, ApiError> {
    let level = match body.level.as_deref() {
        None => NoticeLevel::default(),
        Some(text) => {
            NoticeLevel::parse(text).ok_or_else(|| ApiError::invalid("level is first, each, group or all"))?
        }
    };
    shared.web.engine.watch_request(&caller.person, id, level).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Wait no longer.
#[utoipa::path(delete, path = "/api/requests/{id}/watch", tag = "requests", params(("id" = Uuid, Path)), responses((status = 204)))]
pub(crate) async fn unwatch(
    State(shared): House,
    caller: Caller<Chats>,
    Id(id): Id<RequestId>,
) -> Result<StatusCode, ApiError> {
    shared.web.engine.unwatch_request(&caller.person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take it back: its owner, or an admin. What was fetched already stays.
#[utoipa::path(delete, path = "/api/requests/{id}", tag = "requests", params(("id" = Uuid, Path)), responses((status = 204)))]
pub(crate) async fn cancel(
    State(shared): House,
    caller: Caller<Chats>,
    Id(id): Id<RequestId>,
) -> Result<StatusCode, ApiError> {
    shared.web.engine.cancel_request(&caller.person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) fn name(names: &HashMap<PersonId, String>, id: PersonId) -> String {
    names.get(&id).cloned().unwrap_or_else(|| "somebody who is gone".into())
}

/// The open approvals that these wait for, as far as this person may see them.
async fn waiting(
    shared: &Shared,
    person: &Person,
    requests: &[Request],
) -> Result<HashMap<RequestId, ApprovalId>, ApiError> {
    let mut waiting = HashMap::new();
    if requests.iter().all(|request| request.state != RequestState::Asked) {
        return Ok(waiting);
    }
    for (approval, request) in shared.web.store.asked_requests().await? {
        if !requests.iter().any(|one| one.id == request && one.state == RequestState::Asked) {
            continue;
        }
        match shared.web.engine.approval(approval, person).await {
            Ok(approval) if approval.state.is_open() => {
                waiting.insert(request, approval.id);
            }
            Ok(_) | Err(EngineError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(waiting)
}

fn show_to(
    person: &Person,
    request: Request,
    names: &HashMap<PersonId, String>,
    waiting: &HashMap<RequestId, ApprovalId>,
) -> ShownRequest {
    let progress = request.progress.map(|progress| RequestProgress {
        line: progress.line,
        percent: progress.percent,
        here: progress.items.iter().filter(|item| item.is_watchable).count() as u32,
        wanted: progress.items.len() as u32,
        unit: progress.unit,
    });
    ShownRequest {
        approval_id: waiting.get(&request.id).map(|approval| approval.0),
        id: request.id.0,
        title: request.title,
        picture: request.picture,
        owner_name: name(names, request.owner),
        is_own: request.owner == person.id,
        may_cancel: request.closed_at_ms.is_none()
            && (request.owner == person.id || person.standing == majordomo_domain::Standing::Admin),
        state: request.state.as_str().into(),
        progress,
        size_bytes: request.size_bytes,
        created_at_ms: request.created_at_ms,
        updated_at_ms: request.updated_at_ms,
        closed_at_ms: request.closed_at_ms,
    }
}
