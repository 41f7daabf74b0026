//! Saying something, and reading what was said.

use super::files::{self, FileBody};
use crate::{
    auth::{Caller, Chats, Reads, sha256},
    body::{Id, Json, Params},
    error::ApiError,
    shared::House,
    wire::{Accepted, Deleted, MessageList},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
};
use majordomo_domain::{
    Accepted as Stored, Address, ConversationId, Message, Part, PersonId, fault_point, op::Say, text,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMessage {
    /// What is said, fewer than 100 000 characters unless the settings say otherwise. May be left out when there are files.
    #[serde(default)]
    text: String,
    /// A model by name; the router's choice when absent or `auto`.
    model: Option<String>,
    /// At most 8.
    #[serde(default)]
    files: Vec<FileBody>,
}

/// Say something. Answered when it is stored; the answer comes as events and as messages.
#[utoipa::path(post, path = "/api/conversations/{id}/messages", tag = "messages",
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 characters. A repeat gets \
    the first turn again; another content under the same key gets 409.")),
    request_body = NewMessage, responses((status = 202, body = Accepted)))]
pub(crate) async fn say(
    State(shared): House,
    caller: Caller<Chats>,
    Id(id): Id<ConversationId>,
    headers: HeaderMap,
    Json(body): Json<NewMessage>,
) -> Result<(StatusCode, axum::Json<Accepted>), ApiError> {
    fault_point!("rx");
    let owned = shared.owned(id, caller.person.id).await?;
    let platform_id = idempotency_key(&headers, caller.person.id, id)?;
    let mut parts = Vec::with_capacity(1 + body.files.len());
    // Every character has at least one byte.
    let most = shared.web.max_message_chars;
    if body.text.len() >= most && body.text.chars().count() >= most {
        return Err(ApiError::too_large(format!("a message has fewer than {} characters", in_thousands(most))));
    }
    // The engine takes out what nobody can see, and writes down that it did.
    if !text::is_blank(&text::clean(&body.text)) {
        parts.push(Part::Text { text: body.text });
    } else if body.files.is_empty() {
        return Err(ApiError::invalid("there is no text in this message"));
    }
    parts.extend(files::parts_of(body.files)?);
    let say = Say {
        conversation: id,
        agent: owned.agent,
        author: caller.person.id,
        address: Address::new("web", id.to_string()),
        room: None,
        platform_id,
        parts,
        model: body.model,
        output_tokens: None,
        task: Default::default(),
    };
    let accepted = match shared.web.engine.say(say, None).await? {
        Stored::Turn { turn, ahead } => Accepted { turn_id: turn.0, ahead },
        Stored::Duplicate { turn } => Accepted { turn_id: turn.0, ahead: 0 },
        Stored::Stopped { turn } => Accepted { turn_id: turn.0, ahead: 0 },
        _ => return Err(ApiError::internal()),
    };
    fault_point!("ack");
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

/// `100 000`.
fn in_thousands(number: usize) -> String {
    let digits = number.to_string();
    let grouped: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    grouped.join(" ")
}

/// The key belongs to this person and this conversation; another one's equal key is another key.
fn idempotency_key(
    headers: &HeaderMap,
    person: PersonId,
    conversation: ConversationId,
) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=128).contains(&key.len()) => Ok(Some(sha256(&format!("{person}:{conversation}:{key}")))),
        _ => Err(ApiError::invalid("an Idempotency-Key has 1 to 128 visible characters")),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// At most so many, 1 to 1000. Default 200.
    limit: Option<u32>,
    /// Only those before this position.
    before: Option<i64>,
}

#[utoipa::path(get, path = "/api/conversations/{id}/messages", tag = "messages", params(("id" = Uuid, Path), ListParams),
    responses((status = 200, body = MessageList)))]
pub(crate) async fn list(
    State(shared): House,
    caller: Caller<Reads>,
    Id(id): Id<ConversationId>,
    Params(params): Params<ListParams>,
) -> Result<axum::Json<MessageList>, ApiError> {
    // The row itself: an empty list must not stand for a conversation that is gone.
    shared.conversation(id, caller.person.id).await?;
    let page = shared.web.store.messages(id, params.before, params.limit.unwrap_or(200)).await?;
    let messages = page.messages.into_iter().map(without_proofs).collect();
    Ok(axum::Json(MessageList { messages, more: page.more }))
}

/// A message without the opaque proofs of thinking, which only their provider reads.
pub(crate) fn without_proofs(mut message: Message) -> Message {
    message.parts.iter_mut().for_each(drop_proof);
    message
}

pub(crate) fn drop_proof(part: &mut Part) {
    if let Part::Thinking { dialect, state, .. } = part {
        (*dialect, *state) = (None, None);
    }
}

/// Remove the messages, keep the conversation.
#[utoipa::path(delete, path = "/api/conversations/{id}/messages", tag = "messages", params(("id" = Uuid, Path)),
    responses((status = 200, body = Deleted)))]
pub(crate) async fn clear(
    State(shared): House,
    caller: Caller<Chats>,
    Id(id): Id<ConversationId>,
) -> Result<axum::Json<Deleted>, ApiError> {
    shared.owned(id, caller.person.id).await?;
    Ok(axum::Json(Deleted { deleted: shared.web.engine.clear(id).await? }))
}
