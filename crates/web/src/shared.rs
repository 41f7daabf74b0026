//! What the handlers share: the parts, and small bounded memories that make the common request cheap.

use crate::{Web, auth::Auth, error::ApiError};
use axum::extract::State;
use majordomo_domain::{AgentId, ConversationId, Millis, PersonId};
use majordomo_store::{Conversation, StoreError};
use moka::future::Cache;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::time::Instant;

pub(crate) type House = State<Arc<Shared>>;

pub(crate) struct Shared {
    pub web: Web,
    pub auth: Auth,
    /// Owner and agent of a conversation never change, so they may be remembered. A conversation that was removed is found
    /// missing by the store at the next write.
    owners: Cache<ConversationId, Owned>,
    /// The Movie Analyst API's own names of conversations.
    pub sessions: Cache<(PersonId, String), ConversationId>,
    /// The answer to the last look at the database.
    readiness: tokio::sync::Mutex<Option<(Instant, Result<(), StoreError>)>>,
    pub tool_list: OnceLock<bytes::Bytes>,
}

/// What never changes about a conversation.
#[derive(Clone, Copy)]
pub(crate) struct Owned {
    pub owner: PersonId,
    pub agent: AgentId,
}

impl Shared {
    pub fn new(web: Web) -> Self {
        let remembered = |seconds| Cache::builder().max_capacity(20_000).time_to_live(Duration::from_secs(seconds));
        Self {
            auth: Auth::default(),
            owners: remembered(600).build(),
            sessions: Cache::builder().max_capacity(20_000).time_to_live(Duration::from_secs(600)).build(),
            readiness: tokio::sync::Mutex::default(),
            tool_list: OnceLock::new(),
            web,
        }
    }

    pub fn now_ms(&self) -> Millis {
        self.web.clock.now_ms()
    }

    /// A conversation of this person. Another one's is not found, to admins too.
    pub async fn conversation(&self, id: ConversationId, person: PersonId) -> Result<Conversation, ApiError> {
        let conversation = self.web.store.conversation(id).await?;
        if conversation.owner != person {
            return Err(ApiError::not_found("conversation"));
        }
        self.owners.insert(id, Owned { owner: conversation.owner, agent: conversation.agent }).await;
        Ok(conversation)
    }

    /// The same without its row, as cheaply as possible.
    pub async fn owned(&self, id: ConversationId, person: PersonId) -> Result<Owned, ApiError> {
        match self.owners.get(&id).await {
            Some(owned) if owned.owner == person => Ok(owned),
            Some(_) => Err(ApiError::not_found("conversation")),
            None => {
                let conversation = self.conversation(id, person).await?;
                Ok(Owned { owner: conversation.owner, agent: conversation.agent })
            }
        }
    }

    /// Conversations went without their owners being asked one by one.
    pub fn forget_owners(&self) {
        self.owners.invalidate_all();
        self.sessions.invalidate_all();
    }

    pub async fn delete_conversation(&self, conversation: &Conversation) -> Result<(), ApiError> {
        let deleted = self.web.engine.delete(conversation.id).await;
        self.owners.invalidate(&conversation.id).await;
        self.sessions.invalidate(&(conversation.owner, crate::compat::sessions::name_of(conversation))).await;
        Ok(deleted?)
    }

    /// Whether rows can be written, looked at most once a second however many ask.
    pub async fn database(&self) -> Result<(), StoreError> {
        let mut last = self.readiness.lock().await;
        if let Some((at, result)) = last.as_ref()
            && at.elapsed() < Duration::from_secs(1)
        {
            return result.clone();
        }
        let result = self.web.store.check().await;
        *last = Some((Instant::now(), result.clone()));
        result
    }

    pub fn is_stopping(&self) -> bool {
        self.web.stopping.is_cancelled() || self.web.engine.is_draining()
    }
}

/// A moment as text: RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(ms: Millis) -> String {
    let moment = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    format!("{moment:.3}")
}
