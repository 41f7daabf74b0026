//! Accepted operations: stored before anybody acts on them, once each by channel and platform id.

use crate::{
    Fence, Result, Store, StoreError,
    conversations::{self, NewConversation},
    row::{Columns, to_json},
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
    pub now_ms: Millis,
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

            let mut message = Message {
                id: majordomo_domain::MessageId::new(),
                turn: new.turn,
                position: 0,
                role: Role::User,
                parts: say.parts.clone(),
                created_at_ms: new.now_ms,
            };
            let title = shorten(message.visible_text().lines().next().unwrap_or_default(), TITLE_FROM_MESSAGE);
            let (owner, until) = match &new.claim {
                Some((owner, until)) => (owner.as_str(), *until),
                None => ("", 0),
            };
            let claimed = || {
                [
                    new.now_ms.into(),
                    title.as_str().into(),
                    owner.into(),
                    until.into(),
                    say.conversation.into(),
                    new.now_ms.into(),
                    owner.into(),
                ]
            };
            const TAKE: &str = "UPDATE conversations SET turn_count = turn_count + 1, message_count = message_count + 1, updated_at_ms = ?, \
                 title = CASE WHEN title = '' THEN ? ELSE title END, lease_owner = ?, lease_until_ms = ?, lease_fence = lease_fence + 1 \
                 WHERE id = ? AND (lease_until_ms < ? OR lease_owner = ?)";
            const QUEUE: &str = "UPDATE conversations SET turn_count = turn_count + 1, message_count = message_count + 1, updated_at_ms = ?, \
                 title = CASE WHEN title = '' THEN ? ELSE title END WHERE id = ?";
            let queued = || [new.now_ms.into(), title.as_str().into(), say.conversation.into()];

            let mut fence = new.claim.is_some() && tx.run(TAKE, &claimed()).await? > 0;
            if !fence && tx.run(QUEUE, &queued()).await? == 0 {
                let Some(create) = &new.create else {
                    return Err(StoreError::NotFound("conversation"));
                };
                conversations::insert(tx, create).await?;
                fence = new.claim.is_some() && tx.run(TAKE, &claimed()).await? > 0;
                if !fence {
                    tx.run(QUEUE, &queued()).await?;
                }
            }
            let row = tx
                .first("SELECT turn_count, lease_fence FROM conversations WHERE id = ?", &[say.conversation.into()])
                .await?
                .ok_or(StoreError::NotFound("conversation"))?;
            let ordinal = row.int("turn_count")?;
            message.position = ordinal * 1000;
            conversations::insert_message(tx, say.conversation, &message).await?;
            // The message holds the parts; the operation keeps the rest.
            let op = Say { parts: Vec::new(), ..say.clone() };
            tx.run(
                "INSERT INTO turns (id, conversation_id, ordinal, agent_id, person_id, state, attempt, op, input_tokens, cached_input_tokens, \
                 output_tokens, estimated, cost_micros, created_at_ms, started_at_ms) VALUES (?, ?, ?, ?, ?, ?, 1, ?, 0, 0, 0, 0, 0, ?, ?)",
                &[
                    new.turn.into(),
                    say.conversation.into(),
                    ordinal.into(),
                    say.agent.into(),
                    say.author.into(),
                    if fence { "running" } else { "queued" }.into(),
                    to_json(&op)?.into(),
                    new.now_ms.into(),
                    fence.then_some(new.now_ms).into(),
                ],
            )
            .await?;
            let fence = fence.then_some(Fence(row.int("lease_fence")?));
            Ok(AcceptOutcome::Stored { ordinal, message, fence })
        })
        .await
    }
}
