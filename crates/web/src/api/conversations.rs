//! Conversations of the caller.

use crate::{
    auth::{Caller, Chats, Reads},
    body::{Id, Json, Params},
    error::ApiError,
    shared::House,
    wire::{Conversation, ConversationDetails, ConversationList},
};
use axum::{extract::State, http::StatusCode};
use majordomo_domain::{Agent, ConversationId, text};
use majordomo_store::NewConversation;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Characters of a title.
const MAX_TITLE: usize = 120;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// A part of the title.
    query: Option<String>,
    /// At most so many, 1 to 500. Default 50.
    limit: Option<u32>,
    /// Only those last changed before this moment: `updated_at_ms` of the last one continues the list.
    before_ms: Option<i64>,
}

#[utoipa::path(get, path = "/api/conversations", tag = "conversations", params(ListParams), responses(
    (status = 200, body = ConversationList)))]
pub(crate) async fn list(
    State(shared): House,
    caller: Caller<Reads>,
    Params(params): Params<ListParams>,
) -> Result<axum::Json<ConversationList>, ApiError> {
    let limit = params.limit.unwrap_or(50);
    let query = params.query.as_deref().filter(|q| !q.is_empty()).map(|q| text::shorten(q, MAX_TITLE));
    let page = shared.web.store.conversations(caller.person.id, query.as_deref(), params.before_ms, limit).await?;
    let conversations = page.conversations.into_iter().map(Conversation::from).collect();
    Ok(axum::Json(ConversationList { conversations, more: page.more }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConversationBody {
    /// The first message becomes the title when absent.
    title: Option<String>,
    /// An agent's id or name; the first one when absent.
    agent: Option<String>,
}

#[utoipa::path(post, path = "/api/conversations", tag = "conversations", request_body = NewConversationBody, responses(
    (status = 201, body = Conversation)))]
pub(crate) async fn create(
    State(shared): House,
    caller: Caller<Chats>,
    Json(body): Json<NewConversationBody>,
) -> Result<(StatusCode, axum::Json<Conversation>), ApiError> {
    let agents = shared.web.engine.agents();
    let agent = choose_agent(agents, body.agent.as_deref())?;
    let title = body.title.map_or(Ok(String::new()), |title| clean_title(&title))?;
    let id = ConversationId::new();
    // An agent that remembers by person has one talk with each.
    let shared_place = shared.web.engine.shared_place(agent.id, caller.person.id, None);
    if let Some(place) = &shared_place
        && let Some(conversation) = shared.web.store.conversation_at(place).await?
    {
        return Ok((StatusCode::OK, axum::Json(conversation.into())));
    }
    let new = NewConversation {
        id,
        owner: caller.person.id,
        agent: agent.id,
        place: shared_place.unwrap_or_else(|| id.to_string()),
        title,
        now_ms: shared.now_ms(),
    };
    let conversation = shared.web.store.create_conversation(new).await?;
    Ok((StatusCode::CREATED, axum::Json(conversation.into())))
}

fn choose_agent<'a>(agents: &'a [Agent], wanted: Option<&str>) -> Result<&'a Agent, ApiError> {
    match wanted {
        None => agents.first().ok_or_else(ApiError::internal),
        Some(wanted) => agents
            .iter()
            .find(|agent| agent.name == wanted || agent.id.to_string() == wanted)
            .ok_or_else(|| ApiError::invalid("there is no such agent")),
    }
}

/// A title a person gave: without what cannot be seen, on one line, 1 to 120 characters.
pub(crate) fn clean_title(title: &str) -> Result<String, ApiError> {
    let title = text::clean(title).split_whitespace().collect::<Vec<_>>().join(" ");
    if text::is_blank(&title) {
        return Err(ApiError::invalid("the title is empty"));
    }
    if title.chars().count() > MAX_TITLE {
        return Err(ApiError::invalid(format!("a title has at most {MAX_TITLE} characters")));
    }
    Ok(title)
}

#[utoipa::path(get, path = "/api/conversations/{id}", tag = "conversations", params(("id" = Uuid, Path)), responses(
    (status = 200, body = ConversationDetails)))]
pub(crate) async fn show(
    State(shared): House,
    caller: Caller<Reads>,
    Id(id): Id<ConversationId>,
) -> Result<axum::Json<ConversationDetails>, ApiError> {
    let conversation = shared.conversation(id, caller.person.id).await?;
    let (usage, cost_micros, turns) = shared.web.store.conversation_usage(id).await?;
    Ok(axum::Json(ConversationDetails { conversation: conversation.into(), usage, cost_micros, turns }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rename {
    /// 1 to 120 characters.
    pub title: String,
}

#[utoipa::path(patch, path = "/api/conversations/{id}", tag = "conversations", params(("id" = Uuid, Path)),
    request_body = Rename, responses((status = 200, body = Conversation)))]
pub(crate) async fn rename(
    State(shared): House,
    caller: Caller<Chats>,
    Id(id): Id<ConversationId>,
    Json(body): Json<Rename>,
) -> Result<axum::Json<Conversation>, ApiError> {
    shared.owned(id, caller.person.id).await?;
    shared.web.engine.rename(id, &clean_title(&body.title)?).await?;
    Ok(axum::Json(shared.conversation(id, caller.person.id).await?.into()))
}

/// Remove a conversation with everything in it, stopping what runs in it.
#[utoipa::path(delete, path = "/api/conversations/{id}", tag = "conversations", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is gone.")))]
pub(crate) async fn delete(
    State(shared): House,
    caller: Caller<Chats>,
    Id(id): Id<ConversationId>,
) -> Result<StatusCode, ApiError> {
    let conversation = shared.conversation(id, caller.person.id).await?;
    shared.delete_conversation(&conversation).await?;
    Ok(StatusCode::NO_CONTENT)
}
