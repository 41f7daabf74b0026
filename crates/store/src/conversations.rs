//! Conversations and their messages.

use crate::{
    Result, Store, StoreError,
    row::{Columns, Value, to_json},
    writer::Tx,
};
use majordomo_domain::{AgentId, ConversationId, Message, Millis, PersonId, Role, Usage, text::shorten};
use sqlx::any::AnyRow;

/// A conversation as its owner sees it in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    pub id: ConversationId,
    pub owner: PersonId,
    pub agent: AgentId,
    /// The channel's name of the place, unique. The id when the place is the page itself.
    pub place: String,
    pub title: String,
    pub message_count: u64,
    pub created_at_ms: Millis,
    pub updated_at_ms: Millis,
    /// A turn runs or waits.
    pub pending: bool,
}

/// A conversation to be made.
#[derive(Clone, Debug)]
pub struct NewConversation {
    pub id: ConversationId,
    pub owner: PersonId,
    pub agent: AgentId,
    pub place: String,
    pub title: String,
    pub now_ms: Millis,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConversationPage {
    pub conversations: Vec<Conversation>,
    pub more: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MessagePage {
    /// Oldest first.
    pub messages: Vec<Message>,
    pub more: bool,
}

/// Titles are cut here. Characters.
const TITLE: usize = 120;

impl Store {
    /// Make a conversation. [`StoreError::Conflict`] when the id or place is taken.
    pub async fn create_conversation(&self, new: NewConversation) -> Result<Conversation> {
        let id = new.id;
        self.write(async move |tx| insert(tx, &new).await).await?;
        self.conversation(id).await
    }

    pub async fn conversation(&self, id: ConversationId) -> Result<Conversation> {
        let row = self
            .first(
                "SELECT c.*, (SELECT COUNT(*) FROM turns t WHERE t.conversation_id = c.id AND t.state IN ('queued', 'running')) AS pending \
                 FROM conversations c WHERE c.id = ?",
                &[id.into()],
            )
            .await?;
        row.as_ref().map(read).transpose()?.ok_or(StoreError::NotFound("conversation"))
    }

    /// Whether anybody but this person has said something in it.
    pub async fn is_shared(&self, id: ConversationId, person: PersonId) -> Result<bool> {
        let sql = "SELECT COUNT(*) AS number FROM turns WHERE conversation_id = ? AND person_id <> ?";
        let row = self.first(sql, &[id.into(), person.into()]).await?;
        Ok(row.map_or(Ok(0), |row| row.count("number"))? > 0)
    }

    /// By the channel's name of the place.
    pub async fn conversation_at(&self, place: &str) -> Result<Option<Conversation>> {
        let row = self
            .first(
                "SELECT c.*, (SELECT COUNT(*) FROM turns t WHERE t.conversation_id = c.id AND t.state IN ('queued', 'running')) AS pending \
                 FROM conversations c WHERE c.place = ?",
                &[place.into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// A person's conversations, newest change first. `title` finds a part of the title, `before_ms` continues a list.
    pub async fn conversations(
        &self,
        owner: PersonId,
        title: Option<&str>,
        before_ms: Option<Millis>,
        limit: u32,
    ) -> Result<ConversationPage> {
        let pattern = format!("%{}%", title.unwrap_or_default().to_lowercase().replace(['%', '_', '!'], ""));
        let limit = limit.clamp(1, 500);
        let rows = self
            .all(
                "SELECT c.*, (SELECT COUNT(*) FROM turns t WHERE t.conversation_id = c.id AND t.state IN ('queued', 'running')) AS pending \
                 FROM conversations c WHERE c.owner_id = ? AND c.updated_at_ms < ? AND LOWER(c.title) LIKE ? \
                 ORDER BY c.updated_at_ms DESC, c.id DESC LIMIT ?",
                &[owner.into(), before_ms.unwrap_or(i64::MAX).into(), pattern.into(), (limit + 1).into()],
            )
            .await?;
        let mut conversations = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        let more = conversations.len() > limit as usize;
        conversations.truncate(limit as usize);
        Ok(ConversationPage { conversations, more })
    }

    pub async fn rename_conversation(&self, id: ConversationId, title: &str) -> Result<()> {
        let title = shorten(title, TITLE);
        let touched = self
            .write(async move |tx| {
                tx.run("UPDATE conversations SET title = ? WHERE id = ?", &[(&title).into(), id.into()]).await
            })
            .await?;
        if touched == 0 { Err(StoreError::NotFound("conversation")) } else { Ok(()) }
    }

    /// Remove a conversation with everything in it. A turn that still runs elsewhere finds its fence gone and writes nothing.
    pub async fn delete_conversation(&self, id: ConversationId) -> Result<()> {
        let touched = self
            .write(async move |tx| {
                let text = id.to_string();
                let key = [(&text).into()];
                tx.run("DELETE FROM steps WHERE turn_id IN (SELECT id FROM turns WHERE conversation_id = ?)", &key)
                    .await?;
                tx.run("DELETE FROM inbox WHERE turn_id IN (SELECT id FROM turns WHERE conversation_id = ?)", &key)
                    .await?;
                tx.run("DELETE FROM turns WHERE conversation_id = ?", &key).await?;
                tx.run(
                    "UPDATE approvals SET state = CASE WHEN state = 'running' THEN 'uncertain' ELSE 'void' END, \
                     outcome = 'the conversation was deleted' WHERE conversation_id = ? AND state IN ('open', 'approved', 'running')",
                    &key,
                )
                .await?;
                tx.run("DELETE FROM messages WHERE conversation_id = ?", &key).await?;
                tx.run("DELETE FROM outbox WHERE conversation_id = ?", &key).await?;
                tx.run("DELETE FROM documents WHERE owner = ?", &key).await?;
                tx.run("DELETE FROM conversations WHERE id = ?", &key).await
            })
            .await?;
        if touched == 0 { Err(StoreError::NotFound("conversation")) } else { Ok(()) }
    }

    /// Remove the messages, keep the conversation; how many messages a person could see went. Turns that run are closed as
    /// cancelled, and the fence moves on so that they write nothing.
    pub async fn clear_conversation(&self, id: ConversationId, now_ms: Millis) -> Result<u64> {
        self.write(async move |tx| {
            let touched = tx
                .run(
                    "UPDATE conversations SET message_count = 0, lease_fence = lease_fence + 1, lease_until_ms = 0 WHERE id = ?",
                    &[id.into()],
                )
                .await?;
            if touched == 0 {
                return Err(StoreError::NotFound("conversation"));
            }
            tx.run(
                "UPDATE turns SET state = 'cancelled', finished_at_ms = ? WHERE conversation_id = ? AND state IN ('queued', 'running')",
                &[now_ms.into(), id.into()],
            )
            .await?;
            tx.run(
                "DELETE FROM steps WHERE turn_id IN (SELECT id FROM turns WHERE conversation_id = ?)",
                &[id.into()],
            )
            .await?;
            tx.run("UPDATE turns SET op = '', partial = NULL WHERE conversation_id = ?", &[id.into()]).await?;
            tx.run("DELETE FROM documents WHERE owner = ?", &[id.into()]).await?;
            // What was asked in it went with it: nobody could say any more what a yes is about.
            tx.run(
                "UPDATE approvals SET state = CASE WHEN state = 'running' THEN 'uncertain' ELSE 'void' END, \
                 outcome = 'the conversation was cleared' WHERE conversation_id = ? AND state IN ('open', 'approved', 'running')",
                &[id.into()],
            )
            .await?;
            let row = tx
                .first(
                    "SELECT COUNT(*) AS visible FROM messages WHERE conversation_id = ? AND role IN ('user', 'assistant')",
                    &[id.into()],
                )
                .await?;
            tx.run("DELETE FROM messages WHERE conversation_id = ?", &[id.into()]).await?;
            row.map_or(Ok(0), |row| row.count("visible"))
        })
        .await
    }

    /// A page of messages before a position, or the newest ones. Oldest first.
    pub async fn messages(&self, id: ConversationId, before: Option<i64>, limit: u32) -> Result<MessagePage> {
        let limit = limit.clamp(1, 1_000);
        let rows = self
            .all(
                "SELECT * FROM messages WHERE conversation_id = ? AND position < ? ORDER BY position DESC LIMIT ?",
                &[id.into(), before.unwrap_or(i64::MAX).into(), (limit + 1).into()],
            )
            .await?;
        let more = rows.len() > limit as usize;
        let mut messages = rows.iter().take(limit as usize).map(read_message).collect::<Result<Vec<_>>>()?;
        messages.reverse();
        Ok(MessagePage { messages, more })
    }

    /// Keep the newest messages of a conversation and remove the rest, whole turns at a time; how many went.
    pub async fn trim_conversation(&self, id: ConversationId, keep: u32) -> Result<u64> {
        self.write(async move |tx| {
            let row = tx
                .first(
                    "SELECT position FROM messages WHERE conversation_id = ? ORDER BY position DESC LIMIT 1 OFFSET ?",
                    &[id.into(), keep.into()],
                )
                .await?;
            let Some(row) = row else { return Ok(0) };
            // The turn of the newest message that has to go, goes as a whole: an answer without its question helps nobody.
            let first_kept = (row.int("position")? / 1000 + 1) * 1000;
            tx.run("DELETE FROM messages WHERE conversation_id = ? AND position < ?", &[id.into(), first_kept.into()])
                .await
        })
        .await
    }

    /// What a conversation has cost: tokens, micro-dollars, turns.
    pub async fn conversation_usage(&self, id: ConversationId) -> Result<(Usage, i64, u64)> {
        let row = self
            .first(
                "SELECT CAST(COALESCE(SUM(input_tokens), 0) AS BIGINT) AS input, CAST(COALESCE(SUM(cached_input_tokens), 0) AS BIGINT) AS cached, \
                 CAST(COALESCE(SUM(output_tokens), 0) AS BIGINT) AS output, CAST(COALESCE(MAX(estimated), 0) AS BIGINT) AS estimated, \
                 CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) AS cost, COUNT(*) AS turns FROM turns WHERE conversation_id = ?",
                &[id.into()],
            )
            .await?
            .ok_or(StoreError::NotFound("conversation"))?;
        let usage = Usage {
            input_tokens: row.count("input")?,
            cached_input_tokens: row.count("cached")?,
            output_tokens: row.count("output")?,
            estimated: row.flag("estimated")?,
        };
        Ok((usage, row.int("cost")?, row.count("turns")?))
    }
}

pub(crate) async fn insert(tx: &mut Tx<'_>, new: &NewConversation) -> Result<()> {
    let taken = tx
        .first("SELECT id FROM conversations WHERE id = ? OR place = ?", &[new.id.into(), (&new.place).into()])
        .await?;
    if taken.is_some() {
        return Err(StoreError::Conflict("this conversation exists already".into()));
    }
    let (sql, values) = inserted(new, &Counts::default());
    tx.run(sql, &values).await?;
    Ok(())
}

/// What a conversation begins with when its first message makes it.
#[derive(Default)]
pub(crate) struct Counts {
    pub turns: i64,
    pub messages: i64,
    pub lease: Option<(String, Millis)>,
}

pub(crate) fn inserted(new: &NewConversation, counts: &Counts) -> (&'static str, Vec<Value>) {
    let sql = "INSERT INTO conversations (id, owner_id, agent_id, place, title, turn_count, message_count, created_at_ms, \
         updated_at_ms, lease_owner, lease_fence, lease_until_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.id.into(),
        new.owner.into(),
        new.agent.into(),
        (&new.place).into(),
        shorten(&new.title, TITLE).into(),
        counts.turns.into(),
        counts.messages.into(),
        new.now_ms.into(),
        new.now_ms.into(),
        counts.lease.as_ref().map(|(owner, _)| owner.as_str()).into(),
        i64::from(counts.lease.is_some()).into(),
        counts.lease.as_ref().map_or(0, |(_, until)| *until).into(),
    ];
    (sql, values)
}

pub(crate) fn inserted_message(conversation: ConversationId, message: &Message) -> Result<(&'static str, Vec<Value>)> {
    let sql = "INSERT INTO messages (conversation_id, position, id, turn_id, role, parts, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        conversation.into(),
        message.position.into(),
        message.id.into(),
        message.turn.into(),
        message.role.as_str().into(),
        to_json(&message.parts)?.into(),
        message.created_at_ms.into(),
    ];
    Ok((sql, values))
}

fn read(row: &AnyRow) -> Result<Conversation> {
    Ok(Conversation {
        id: row.id("id")?,
        owner: row.id("owner_id")?,
        agent: row.id("agent_id")?,
        place: row.text("place")?,
        title: row.text("title")?,
        message_count: row.count("message_count")?,
        created_at_ms: row.int("created_at_ms")?,
        updated_at_ms: row.int("updated_at_ms")?,
        pending: row.int("pending")? > 0,
    })
}

fn read_message(row: &AnyRow) -> Result<Message> {
    let role = match row.text("role")?.as_str() {
        "user" => Role::User,
        "tool" => Role::Tool,
        _ => Role::Assistant,
    };
    Ok(Message {
        id: row.id("id")?,
        turn: row.id("turn_id")?,
        position: row.int("position")?,
        role,
        parts: row.json("parts")?,
        created_at_ms: row.int("created_at_ms")?,
    })
}
