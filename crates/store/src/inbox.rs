//! Accepted operations: stored before anybody acts on them, once each by channel and platform id.

use crate::{
    Fence, Result, Store, StoreError,
    audit::{self, NewAudit},
    conversations::{self, Counts, NewConversation},
    row::{Columns, to_json},
    writer::Tx,
};
use majordomo_domain::{Message, Millis, TurnId, message::Role, op::Say, text::shorten};

/// Something said, ready to be stored.
#[derive(Clone, Debug)]
pub struct NewSay {
    pub turn: TurnId,
    /// Its parts are the message.
    pub say: Say,
    /// Made in the same transaction when it does not exist.
    pub create: Option<NewConversation>,
    /// Equal for equal requests; a repeat of the platform id with another digest is refused.
    pub digest: String,
    /// The process that wants to run the turn at once: its name and until when. None: the turn waits.
    pub claim: Option<(String, Millis)>,
    /// What is to be written down about it.
    pub audit: Vec<NewAudit>,
    pub now_ms: Millis,
}

/// A turn to be put at the end of a conversation's line.
#[derive(Clone, Debug)]
pub struct NewTurn {
    pub id: TurnId,
    /// Its parts are the message.
    pub say: Say,
    /// Made in the same transaction when it does not exist.
    pub create: Option<NewConversation>,
    /// As in [`NewSay`].
    pub claim: Option<(String, Millis)>,
    pub now_ms: Millis,
}

/// A turn in its line.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedTurn {
    /// Place of the turn in the conversation, from 1.
    pub ordinal: i64,
    pub message: Message,
    /// The lease, when it was asked for and free. The turn is marked as running.
    pub fence: Option<Fence>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AcceptOutcome {
    Stored {
        /// Place of the turn in the conversation, from 1.
        ordinal: i64,
        message: Message,
        /// The lease, when it was asked for and free. The turn is marked as running.
        fence: Option<Fence>,
    },
    Duplicate {
        turn: TurnId,
    },
}

/// The first message becomes the title, cut here. Characters.
const TITLE_FROM_MESSAGE: usize = 40;

impl Store {
    /// Store what was said: message, turn and, when the conversation is free, the lease, in one commit.
    ///
    /// Errors: [`StoreError::NotFound`] for a conversation that does not exist and may not be made,
    /// [`StoreError::Conflict`] for a platform id used with another content.
    pub async fn accept(&self, new: NewSay) -> Result<AcceptOutcome> {
        self.write(async move |tx| {
            tx.has_room()?;
            let say = &new.say;
            if let Some(platform_id) = &say.platform_id {
                let key = [(&say.address.channel).into(), platform_id.into()];
                if let Some(row) =
                    tx.first("SELECT turn_id, digest FROM inbox WHERE channel = ? AND platform_id = ?", &key).await?
                {
                    if row.text("digest")? != new.digest {
                        return Err(StoreError::Conflict("this key was used before with another message".into()));
                    }
                    return Ok(AcceptOutcome::Duplicate { turn: row.id("turn_id")? });
                }
                tx.run(
                    "INSERT INTO inbox (channel, platform_id, turn_id, digest, created_at_ms) VALUES (?, ?, ?, ?, ?)",
                    &[
                        (&say.address.channel).into(),
                        platform_id.into(),
                        new.turn.into(),
                        (&new.digest).into(),
                        new.now_ms.into(),
                    ],
                )
                .await?;
            }

            audit::append(tx, &new.audit).await?;
            let opened = open_turn(
                tx,
                &NewTurn {
                    id: new.turn,
                    say: new.say.clone(),
                    create: new.create.clone(),
                    claim: new.claim.clone(),
                    now_ms: new.now_ms,
                },
            )
            .await?;
            let OpenedTurn { ordinal, message, fence } = opened;
            Ok(AcceptOutcome::Stored { ordinal, message, fence })
        })
        .await
    }

    /// The turn that was made of what came under this id.
    pub async fn accepted(&self, channel: &str, platform_id: &str) -> Result<Option<TurnId>> {
        let sql = "SELECT turn_id FROM inbox WHERE channel = ? AND platform_id = ?";
        self.first(sql, &[channel.into(), platform_id.into()]).await?.map(|row| row.id("turn_id")).transpose()
    }
}

/// Put a turn at the end of a conversation's line: its message, its row and, when the conversation is free and it is wanted, the
/// lease.
pub(crate) async fn open_turn(tx: &mut Tx<'_>, new: &NewTurn) -> Result<OpenedTurn> {
    let say = &new.say;
    let row = tx
        .first(
            "SELECT turn_count, title, lease_owner, lease_fence, lease_until_ms FROM conversations WHERE id = ? FOR UPDATE",
            &[say.conversation.into()],
        )
        .await?;
    let (turns, fence, free) = match &row {
        Some(row) => {
            let ours = new.claim.as_ref().map(|(owner, _)| owner.as_str());
            let free = row.int("lease_until_ms")? < new.now_ms || row.optional_text("lease_owner")?.as_deref() == ours;
            (row.int("turn_count")?, row.int("lease_fence")?, free)
        }
        None => (0, 0, true),
    };
    let ordinal = turns + 1;
    let lease = new.claim.clone().filter(|_| free);
    let fence = lease.is_some().then_some(Fence(fence + 1));
    let message = Message {
        id: majordomo_domain::MessageId::new(),
        turn: new.id,
        position: ordinal * 1000,
        role: Role::User,
        parts: say.parts.clone(),
        created_at_ms: new.now_ms,
    };
    let title = shorten(message.visible_text().lines().next().unwrap_or_default(), TITLE_FROM_MESSAGE);
    let mut statements = Vec::with_capacity(3);
    match (&row, &new.create) {
        (Some(_), _) => {
            let mut values = vec![new.now_ms.into(), title.into()];
            let sql = match &lease {
                Some((owner, until)) => {
                    values.extend([owner.into(), (*until).into()]);
                    "UPDATE conversations SET turn_count = turn_count + 1, message_count = message_count + 1, updated_at_ms = ?, \
                     title = CASE WHEN title = '' THEN ? ELSE title END, lease_owner = ?, lease_until_ms = ?, \
                     lease_fence = lease_fence + 1 WHERE id = ? AND turn_count = ?"
                }
                None => {
                    "UPDATE conversations SET turn_count = turn_count + 1, message_count = message_count + 1, updated_at_ms = ?, \
                     title = CASE WHEN title = '' THEN ? ELSE title END WHERE id = ? AND turn_count = ?"
                }
            };
            values.extend([say.conversation.into(), turns.into()]);
            statements.push((sql, values));
        }
        (None, Some(create)) => {
            let create = NewConversation {
                title: if create.title.is_empty() { title } else { create.title.clone() },
                ..create.clone()
            };
            let counts = Counts { turns: 1, messages: 1, lease };
            statements.push(conversations::inserted(&create, &counts));
        }
        (None, None) => return Err(StoreError::NotFound("conversation")),
    }
    statements.push(conversations::inserted_message(say.conversation, &message)?);
    // The message holds the parts; the operation keeps the rest.
    let op = Say { parts: Vec::new(), ..say.clone() };
    statements.push((
        "INSERT INTO turns (id, conversation_id, ordinal, agent_id, person_id, state, attempt, op, input_tokens, cached_input_tokens, \
         output_tokens, estimated, cost_micros, created_at_ms, started_at_ms) VALUES (?, ?, ?, ?, ?, ?, 1, ?, 0, 0, 0, 0, 0, ?, ?)",
        vec![
            new.id.into(),
            say.conversation.into(),
            ordinal.into(),
            say.agent.into(),
            say.author.into(),
            if fence.is_some() { "running" } else { "queued" }.into(),
            to_json(&op)?.into(),
            new.now_ms.into(),
            fence.map(|_| new.now_ms).into(),
        ],
    ));
    if tx.run_all(&statements).await? < 3 {
        return Err(StoreError::Busy("another process wrote this conversation at the same moment".into()));
    }
    Ok(OpenedTurn { ordinal, message, fence })
}
