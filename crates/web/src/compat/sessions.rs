//! The Movie Analyst API: sessions are conversations, a session's id is any text of 1 to 128 characters.
//!
//! A conversation made here has the place `web:PERSON:SESSION`; one made by the page is found by its own id. One turn is one
//! answer: what the assistant said in it, its steps joined by blank lines. A stream's pieces concatenate to exactly that.
//! A plain request whose turn is cancelled is answered with 200, the marker as content, and `"cancelled": true`.

use crate::{
    api::{
        conversations::{Rename, clean_title},
        events::event_stream,
        health,
    },
    auth::{Caller, Chats, Reads},
    body::Json,
    error::ApiError,
    shared::{House, Shared, rfc3339},
};
use axum::{
    body::Body,
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, Method, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use majordomo_domain::{
    Accepted, Address, ConversationId, EventKind, Message, NoticeKind, Part, PersonId, Role, TurnId, TurnState,
    op::{CancelTarget, Say},
    text,
};
use majordomo_engine::{EngineError, Outcome, Watch};
use majordomo_store::{Conversation, NewConversation};
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, sync::Arc, time::Duration};
use utoipa::ToSchema;
use uuid::Uuid;

/// Characters of a message.
const MAX_MESSAGE: usize = 2_000;
/// Characters of a session's id.
const MAX_SESSION: usize = 128;
/// Pages of a thousand messages one listing may have.
const MAX_PAGES: usize = 20;
/// Sessions one listing may have.
const MAX_SESSIONS: u32 = 500;

/// A session's id in the path.
pub(crate) struct SessionId(String);

impl<S: Send + Sync> FromRequestParts<S> for SessionId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) if id.chars().count() <= MAX_SESSION => Ok(Self(id)),
            _ => Err(ApiError::not_found("session")),
        }
    }
}

fn place_of(person: PersonId, session: &str) -> String {
    format!("web:{person}:{session}")
}

/// A conversation's name in this API.
pub(crate) fn name_of(conversation: &Conversation) -> String {
    let prefix = place_of(conversation.owner, "");
    match conversation.place.strip_prefix(&prefix) {
        Some(session) => session.to_owned(),
        None => conversation.id.to_string(),
    }
}

/// The conversation a session's id stands for. None when this person has no such session, whoever else may have.
async fn look_up(shared: &Shared, person: PersonId, session: &str) -> Result<Option<ConversationId>, ApiError> {
    if let Ok(id) = Uuid::parse_str(session) {
        match shared.web.store.conversation(ConversationId(id)).await {
            Ok(row) if row.owner == person => return Ok(Some(row.id)),
            Ok(_) | Err(majordomo_store::StoreError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(shared.web.store.conversation_at(&place_of(person, session)).await?.map(|row| row.id))
}

/// The session's conversation; 404 when there is none.
async fn existing(shared: &Shared, person: PersonId, session: &str) -> Result<Conversation, ApiError> {
    let id = match shared.sessions.get(&(person, session.to_owned())).await {
        Some(id) => Some(id),
        None => look_up(shared, person, session).await?,
    };
    let missing = || ApiError::not_found("session");
    let conversation = shared.web.store.conversation(id.ok_or_else(missing)?).await;
    match conversation {
        Ok(conversation) if conversation.owner == person => Ok(conversation),
        Ok(_) | Err(majordomo_store::StoreError::NotFound(_)) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChatBody {
    /// 1 to 128 characters. One that is not known is made.
    session_id: String,
    /// 1 to 2000 characters.
    message: String,
    /// A model by name; the router's choice when absent or `auto`.
    model: Option<String>,
    /// Answer as server-sent events.
    #[serde(default)]
    stream: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ChatAnswer {
    content: String,
    session_id: String,
    /// RFC 3339.
    timestamp: String,
    /// Only there when the turn was stopped; `content` then ends with the marker that says so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cancelled: bool,
}

/// One event of a streamed answer: `content` for a piece; `done` on the last one, with `error` when it went wrong.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChatEvent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    session_id: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cancelled: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    done: bool,
}

/// Say something and get the answer, whole or as it is written. The turn goes on when the caller goes away.
#[utoipa::path(post, path = "/api/v1/chat", tag = "movie analyst", request_body = ChatBody, responses(
    (status = 200, content((ChatAnswer = "application/json"), (ChatEvent = "text/event-stream")))))]
pub(crate) async fn chat(
    State(shared): House,
    caller: Caller<Chats>,
    Json(body): Json<ChatBody>,
) -> Result<Response, ApiError> {
    check_session(&body.session_id)?;
    let message = text::clean(&body.message);
    if text::is_blank(&message) {
        return Err(ApiError::invalid("message: there is no text in it"));
    }
    if body.message.len() > MAX_MESSAGE && body.message.chars().count() > MAX_MESSAGE {
        return Err(ApiError::invalid(format!("message: at most {MAX_MESSAGE} characters")));
    }
    let said = Said { session: body.session_id, message, model: body.model };
    if body.stream {
        let (conversation, watch, turn) = said.start_watched(&shared, caller.person.id).await?;
        tracing::debug!(%conversation, %turn, "streaming");
        return Ok(stream_answer(shared, said.session, watch, turn));
    }
    let turn = said.start(&shared, caller.person.id).await?.1;
    let outcome = shared.web.engine.finished(turn).await?;
    let content = answer_text(&outcome.messages);
    match outcome.state {
        TurnState::Done => {}
        TurnState::Cancelled if !content.is_empty() => {}
        TurnState::Cancelled => return Err(vanished(&shared)),
        _ => return Err(failed(&outcome)),
    }
    let timestamp = rfc3339(outcome.messages.last().map_or_else(|| shared.now_ms(), |m| m.created_at_ms));
    let cancelled = outcome.state == TurnState::Cancelled;
    Ok(axum::Json(ChatAnswer { content, session_id: said.session, timestamp, cancelled }).into_response())
}

fn check_session(session: &str) -> Result<(), ApiError> {
    let is_sane = |c: char| !c.is_control() && c < '\u{e0000}';
    if text::is_blank(session) || session.chars().count() > MAX_SESSION || !session.chars().all(is_sane) {
        return Err(ApiError::invalid(format!("session_id: 1 to {MAX_SESSION} visible characters")));
    }
    Ok(())
}

/// What went wrong, as the house told the person.
fn failed(outcome: &Outcome) -> ApiError {
    let mut notices = outcome.messages.iter().rev().flat_map(|m| m.parts.iter().rev()).filter_map(|part| match part {
        Part::Notice(notice) if notice.kind == NoticeKind::Failed => Some(notice.text.clone()),
        _ => None,
    });
    let sentence = notices.next().or_else(|| outcome.error.clone()).unwrap_or_else(|| "no answer".into());
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "NO_ANSWER", sentence)
}

/// The turn ended without leaving anything: the service stops, or the conversation was cleared or deleted.
fn vanished(shared: &Shared) -> ApiError {
    if shared.is_stopping() {
        ApiError::unavailable("STOPPING", "the service is stopping; the answer is made when it starts next", 5)
    } else {
        ApiError::conflict("the session was cleared or deleted meanwhile")
    }
}

/// What a person reads of a turn's messages.
fn answer_text(messages: &[Message]) -> String {
    let mut answer = String::new();
    for text in messages.iter().filter(|m| m.role == Role::Assistant).map(Message::visible_text) {
        if !answer.is_empty() && !text.is_empty() {
            answer.push_str("\n\n");
        }
        answer.push_str(&text);
    }
    answer
}

struct Said {
    session: String,
    message: String,
    model: Option<String>,
}

impl Said {
    /// The conversation of the session, an old one or one to be made with what is said.
    async fn conversation(&self, shared: &Shared, person: PersonId) -> Result<ConversationId, ApiError> {
        let found = shared.sessions.try_get_with((person, self.session.clone()), async {
            Ok(look_up(shared, person, &self.session).await?.unwrap_or_else(ConversationId::new))
        });
        found.await.map_err(|error: Arc<ApiError>| (*error).clone())
    }

    async fn say(
        &self,
        shared: &Shared,
        person: PersonId,
        conversation: ConversationId,
    ) -> Result<TurnId, EngineError> {
        let agent = shared.web.engine.agents().first().ok_or(EngineError::NotFound("agent"))?.id;
        // One that the page made keeps the place it has; this one is for a session that does not exist yet.
        let create = NewConversation {
            id: conversation,
            owner: person,
            agent,
            place: place_of(person, &self.session),
            title: String::new(),
            now_ms: shared.now_ms(),
        };
        let say = Say {
            conversation,
            agent,
            author: person,
            address: Address::new("web", conversation.to_string()),
            room: None,
            platform_id: None,
            parts: vec![Part::Text { text: self.message.clone() }],
            model: self.model.clone(),
            output_tokens: None,
            task: Default::default(),
        };
        match shared.web.engine.say(say, Some(create)).await? {
            Accepted::Turn { turn, .. } | Accepted::Duplicate { turn } | Accepted::Stopped { turn } => Ok(turn),
            _ => Err(EngineError::NotFound("turn")),
        }
    }

    async fn start(&self, shared: &Shared, person: PersonId) -> Result<(ConversationId, TurnId), ApiError> {
        let conversation = self.conversation(shared, person).await?;
        match self.say(shared, person, conversation).await {
            // Another process has made the session in the meantime: take its conversation.
            Err(EngineError::Conflict(_)) => {
                shared.sessions.invalidate(&(person, self.session.clone())).await;
                let conversation = self.conversation(shared, person).await?;
                Ok((conversation, self.say(shared, person, conversation).await?))
            }
            said => Ok((conversation, said?)),
        }
    }

    /// The same, watched from before it begins.
    async fn start_watched(
        &self,
        shared: &Shared,
        person: PersonId,
    ) -> Result<(ConversationId, Watch, TurnId), ApiError> {
        let expected = self.conversation(shared, person).await?;
        let watch = shared.web.engine.watch(expected, None).await?;
        let (conversation, turn) = self.start(shared, person).await?;
        let watch = if conversation == expected { watch } else { shared.web.engine.watch(conversation, None).await? };
        Ok((conversation, watch, turn))
    }
}

/// What of an answer has been written, and what of that has been sent. Text is void when its step begins anew, but what was
/// sent cannot be taken back: nothing more is sent until the new text has caught up with it.
#[derive(Default)]
struct Progress {
    /// Finished steps, then the one that is being written.
    text: String,
    /// Where the present step begins, its blank line included.
    step_start: usize,
    /// Text of the present step that may turn out to be nothing but space.
    space: String,
    step: u32,
    sent: String,
    /// The text still begins with what was sent.
    in_line: bool,
}

impl Progress {
    fn new() -> Self {
        Self { in_line: true, ..Self::default() }
    }

    fn begin_step(&mut self, step: u32) {
        if step != self.step {
            self.step = step;
            self.step_start = self.text.len();
            self.space.clear();
        }
    }

    fn reset_step(&mut self) {
        self.text.truncate(self.step_start);
        self.space.clear();
        self.in_line = self.text.starts_with(&self.sent);
    }

    /// Take a piece of the answer; what is to be sent of it.
    fn add(&mut self, piece: &str) -> Option<String> {
        // The engine stores cleaned text.
        let piece = text::clean(piece);
        let begins = self.text.len() == self.step_start;
        if begins && piece.trim().is_empty() {
            self.space.push_str(&piece);
            return None;
        }
        if begins && !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(&std::mem::take(&mut self.space));
        self.text.push_str(&piece);
        if !self.in_line {
            self.in_line = self.text.starts_with(&self.sent);
        }
        if !self.in_line {
            return None;
        }
        self.send_rest()
    }

    /// The answer as it was stored; what is to be sent of it. Err when what was sent is not how it begins.
    fn conclude(&mut self, stored: String) -> Result<Option<String>, ()> {
        if !stored.starts_with(&self.sent) {
            return Err(());
        }
        self.text = stored;
        Ok(self.send_rest())
    }

    fn send_rest(&mut self) -> Option<String> {
        let rest = self.text.get(self.sent.len()..).filter(|rest| !rest.is_empty())?.to_owned();
        self.sent.push_str(&rest);
        Some(rest)
    }
}

struct Streaming {
    shared: Arc<Shared>,
    session: String,
    watch: Watch,
    turn: TurnId,
    progress: Progress,
    began: bool,
    over: bool,
}

fn stream_answer(shared: Arc<Shared>, session: String, watch: Watch, turn: TurnId) -> Response {
    let streaming = Streaming { shared, session, watch, turn, progress: Progress::new(), began: false, over: false };
    event_stream(Body::from_stream(stream::unfold(streaming, Streaming::next)))
}

impl Streaming {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let quiet = Duration::from_secs(self.shared.web.config.keep_alive_seconds.clamp(1, 300).into());
        let mut chunk = Vec::new();
        while chunk.is_empty() {
            if self.over {
                return None;
            }
            // A service that stops lets the turn finish, or says that it could not; nothing to look out for here.
            let event = match tokio::time::timeout(quiet, self.watch.next()).await {
                Ok(event) => event,
                Err(_) => {
                    chunk.extend_from_slice(b": \n\n");
                    break;
                }
            };
            let Some(event) = event else {
                self.wait_for_end(&mut chunk).await;
                break;
            };
            if let EventKind::Snapshot { running, .. } = &event.kind {
                // The first event; later ones mean that some were missed, among them perhaps the end.
                let is_ours = running.as_ref().is_some_and(|running| running.turn == self.turn);
                if self.began || is_ours {
                    self.wait_for_end(&mut chunk).await;
                }
                self.began = true;
                continue;
            }
            if event.turn == self.turn {
                self.take(&event.kind, &mut chunk);
            } else if matches!(event.kind, EventKind::ConversationDeleted) {
                self.end(&mut chunk, Some("the session was deleted meanwhile"), false);
            }
        }
        Some((Ok(chunk.into()), self))
    }

    fn take(&mut self, kind: &EventKind, chunk: &mut Vec<u8>) {
        match kind {
            EventKind::ModelAsked { step, .. } => self.progress.begin_step(*step),
            EventKind::StepReset { .. } => self.progress.reset_step(),
            EventKind::TextDelta { text } => {
                if let Some(piece) = self.progress.add(text) {
                    self.write(chunk, Some(&piece), None, false, false);
                }
            }
            EventKind::TurnFinished { state, messages, .. } => self.conclude(*state, messages, None, chunk),
            _ => {}
        }
    }

    /// Events were missed: send nothing more until the answer is whole.
    async fn wait_for_end(&mut self, chunk: &mut Vec<u8>) {
        match self.shared.web.engine.finished(self.turn).await {
            Ok(outcome) => self.conclude(outcome.state, &outcome.messages, outcome.error.as_deref(), chunk),
            Err(error) => {
                let error = ApiError::from(error);
                self.end(chunk, Some(&error.sentence), false);
            }
        }
    }

    fn conclude(&mut self, state: TurnState, messages: &[Message], error: Option<&str>, chunk: &mut Vec<u8>) {
        let stored = answer_text(messages);
        if state == TurnState::Failed {
            let outcome = Outcome {
                state,
                messages: messages.to_vec(),
                model: String::new(),
                usage: Default::default(),
                cost_micros: 0,
                error: error.map(str::to_owned),
            };
            return self.end(chunk, Some(&failed(&outcome).sentence), false);
        }
        if state == TurnState::Cancelled && stored.is_empty() {
            let sentence = vanished(&self.shared).sentence;
            return self.end(chunk, Some(&sentence), true);
        }
        match self.progress.conclude(stored) {
            Ok(rest) => {
                if let Some(rest) = rest {
                    self.write(chunk, Some(&rest), None, false, false);
                }
                self.end(chunk, None, state == TurnState::Cancelled);
            }
            Err(()) => self.end(chunk, Some("the answer was begun anew; read it in the session's messages"), false),
        }
    }

    fn end(&mut self, chunk: &mut Vec<u8>, error: Option<&str>, cancelled: bool) {
        self.over = true;
        self.write(chunk, None, error, cancelled, true);
    }

    fn write(&self, chunk: &mut Vec<u8>, content: Option<&str>, error: Option<&str>, cancelled: bool, done: bool) {
        let event = ChatEvent { content, error, session_id: &self.session, cancelled, done };
        chunk.extend_from_slice(b"data: ");
        if let Err(error) = serde_json::to_writer(&mut *chunk, &event) {
            tracing::error!(%error, "an event could not be written");
        }
        chunk.extend_from_slice(b"\n\n");
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct NewSession {
    session_id: String,
    created_at: String,
}

#[utoipa::path(post, path = "/api/v1/session/new", tag = "movie analyst", responses((status = 200, body = NewSession)))]
pub(crate) async fn create(State(shared): House, caller: Caller<Chats>) -> Result<axum::Json<NewSession>, ApiError> {
    let agent = shared.web.engine.agents().first().ok_or_else(ApiError::internal)?.id;
    let id = ConversationId::new();
    let (owner, now_ms) = (caller.person.id, shared.now_ms());
    let new = NewConversation { id, owner, agent, place: id.to_string(), title: String::new(), now_ms };
    let conversation = shared.web.store.create_conversation(new).await?;
    let session_id = id.to_string();
    shared.sessions.insert((caller.person.id, session_id.clone()), id).await;
    Ok(axum::Json(NewSession { session_id, created_at: rfc3339(conversation.created_at_ms) }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionInfo {
    session_id: String,
    title: String,
    created_at: String,
    #[schema(value_type = Object)]
    metadata: serde_json::Map<String, serde_json::Value>,
}

#[utoipa::path(get, path = "/api/v1/session/{session_id}", tag = "movie analyst", params(("session_id" = String, Path)),
    responses((status = 200, body = SessionInfo)))]
pub(crate) async fn show(
    State(shared): House,
    caller: Caller<Reads>,
    SessionId(session_id): SessionId,
) -> Result<axum::Json<SessionInfo>, ApiError> {
    let row = existing(&shared, caller.person.id, &session_id).await?;
    let created_at = rfc3339(row.created_at_ms);
    Ok(axum::Json(SessionInfo { session_id, title: row.title, created_at, metadata: Default::default() }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionDone {
    /// `updated` or `deleted`.
    status: &'static str,
    session_id: String,
}

#[utoipa::path(patch, path = "/api/v1/session/{session_id}", tag = "movie analyst", params(("session_id" = String, Path)),
    request_body = Rename, responses((status = 200, body = SessionDone)))]
pub(crate) async fn rename(
    State(shared): House,
    caller: Caller<Chats>,
    SessionId(session_id): SessionId,
    Json(body): Json<Rename>,
) -> Result<axum::Json<SessionDone>, ApiError> {
    let row = existing(&shared, caller.person.id, &session_id).await?;
    shared.web.engine.rename(row.id, &clean_title(&body.title)?).await?;
    Ok(axum::Json(SessionDone { status: "updated", session_id }))
}

#[utoipa::path(delete, path = "/api/v1/session/{session_id}", tag = "movie analyst", params(("session_id" = String, Path)),
    responses((status = 200, body = SessionDone)))]
pub(crate) async fn delete(
    State(shared): House,
    caller: Caller<Chats>,
    SessionId(session_id): SessionId,
) -> Result<axum::Json<SessionDone>, ApiError> {
    let row = existing(&shared, caller.person.id, &session_id).await?;
    shared.delete_conversation(&row).await?;
    shared.sessions.invalidate(&(caller.person.id, session_id.clone())).await;
    Ok(axum::Json(SessionDone { status: "deleted", session_id }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionMessages {
    session_id: String,
    messages: Vec<SessionMessage>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionMessage {
    id: String,
    /// `user` or `assistant`.
    role: &'static str,
    content: String,
    created_at: String,
}

#[utoipa::path(get, path = "/api/v1/session/{session_id}/messages", tag = "movie analyst", params(("session_id" = String, Path)),
    responses((status = 200, body = SessionMessages)))]
pub(crate) async fn messages(
    State(shared): House,
    caller: Caller<Reads>,
    SessionId(session_id): SessionId,
) -> Result<axum::Json<SessionMessages>, ApiError> {
    let row = existing(&shared, caller.person.id, &session_id).await?;
    let mut pages = Vec::new();
    let mut before = None;
    for _ in 0..MAX_PAGES {
        let page = shared.web.store.messages(row.id, before, 1_000).await?;
        before = page.messages.first().map(|m| m.position);
        pages.push(page.messages);
        if !page.more {
            break;
        }
    }
    let all: Vec<Message> = pages.into_iter().rev().flatten().collect();
    let mut messages = Vec::new();
    for said in all.chunk_by(|a, b| a.turn == b.turn && a.role != Role::User && b.role != Role::User) {
        let Some(last) = said.iter().rfind(|m| m.role != Role::Tool) else { continue };
        let (role, content) = match last.role {
            Role::User => ("user", last.visible_text()),
            _ => ("assistant", answer_text(said)),
        };
        if role == "user" || !content.is_empty() {
            messages.push(SessionMessage {
                id: last.id.to_string(),
                role,
                content,
                created_at: rfc3339(last.created_at_ms),
            });
        }
    }
    Ok(axum::Json(SessionMessages { session_id, messages }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionCleared {
    /// `cleared`.
    status: &'static str,
    session_id: String,
    deleted: u64,
}

#[utoipa::path(delete, path = "/api/v1/session/{session_id}/messages", tag = "movie analyst",
    params(("session_id" = String, Path)), responses((status = 200, body = SessionCleared)))]
pub(crate) async fn clear(
    State(shared): House,
    caller: Caller<Chats>,
    SessionId(session_id): SessionId,
) -> Result<axum::Json<SessionCleared>, ApiError> {
    let row = existing(&shared, caller.person.id, &session_id).await?;
    let deleted = shared.web.engine.clear(row.id).await?;
    Ok(axum::Json(SessionCleared { status: "cleared", session_id, deleted }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionList {
    /// Newest change first.
    sessions: Vec<SessionRow>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionRow {
    session_id: String,
    title: String,
    created_at: String,
    message_count: u64,
}

#[utoipa::path(get, path = "/api/v1/sessions", tag = "movie analyst", responses((status = 200, body = SessionList)))]
pub(crate) async fn list(State(shared): House, caller: Caller<Reads>) -> Result<axum::Json<SessionList>, ApiError> {
    let page = shared.web.store.conversations(caller.person.id, None, None, MAX_SESSIONS).await?;
    let sessions = page.conversations.into_iter().map(|row| SessionRow {
        session_id: name_of(&row),
        created_at: rfc3339(row.created_at_ms),
        message_count: row.message_count,
        title: row.title,
    });
    Ok(axum::Json(SessionList { sessions: sessions.collect() }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionStatus {
    session_id: String,
    pending: bool,
    /// Turns that run or wait.
    task_count: u32,
}

#[utoipa::path(get, path = "/api/v1/session/{session_id}/status", tag = "movie analyst", params(("session_id" = String, Path)),
    responses((status = 200, body = SessionStatus)))]
pub(crate) async fn status(
    State(shared): House,
    caller: Caller<Reads>,
    SessionId(session_id): SessionId,
) -> Result<axum::Json<SessionStatus>, ApiError> {
    let row = existing(&shared, caller.person.id, &session_id).await?;
    // Turns of another process are known to the store only.
    let task_count = shared.web.engine.pending(row.id).max(row.pending.into());
    Ok(axum::Json(SessionStatus { session_id, pending: task_count > 0, task_count }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionCancelled {
    session_id: String,
    /// Turns that were told to stop.
    cancelled: u32,
}

#[utoipa::path(post, path = "/api/v1/session/{session_id}/cancel", tag = "movie analyst", params(("session_id" = String, Path)),
    responses((status = 200, body = SessionCancelled)))]
pub(crate) async fn cancel(
    State(shared): House,
    caller: Caller<Chats>,
    SessionId(session_id): SessionId,
) -> Result<axum::Json<SessionCancelled>, ApiError> {
    let row = existing(&shared, caller.person.id, &session_id).await?;
    let target = CancelTarget::Conversation(row.id);
    let cancelled = shared.web.engine.cancel(target, caller.person.id).await?;
    Ok(axum::Json(SessionCancelled { session_id, cancelled }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Root {
    name: &'static str,
    /// Of this API, not of the program.
    version: &'static str,
    status: &'static str,
    /// Where the description is.
    docs: &'static str,
    health: &'static str,
}

/// What this is. Also at `/` for those who do not ask for a page.
#[utoipa::path(get, path = "/api/v1", tag = "movie analyst", responses((status = 200, body = Root)))]
pub(crate) async fn root() -> axum::Json<Root> {
    let (docs, health) = ("/openapi.json", "/health");
    axum::Json(Root { name: "Majordomo", version: "1.0.0", status: "running", docs, health })
}

/// The same as `/health`.
#[utoipa::path(get, path = "/api/v1/health", tag = "movie analyst", responses((status = 200, body = crate::wire::Health),
    (status = 503, body = crate::wire::Health)))]
pub(crate) async fn health(State(shared): House, headers: HeaderMap) -> Response {
    let is_known = matches!(shared.identify(&Method::GET, &headers).await, Ok(Some(_)));
    health::report(&shared, is_known).await
}
