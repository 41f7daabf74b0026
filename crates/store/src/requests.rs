//! What the household wants: each wish once, with those who wait for it and its story; and the news that is to be told of it.
//!
//! A wish that waits for a decision is opened before the approval and ends with it, in the commit of the decision; unless somebody else
//! waits for a decision of their own about it, whose it is then.

use crate::{
    Result, Store, StoreError,
    inbox::{NewTurn, OpenedTurn, open_turn},
    past,
    row::{Columns, Value, to_json},
    writer::Tx,
};
use majordomo_domain::{
    Address, AgentId, Approval, ApprovalId, ApprovalState, ConversationId, Millis, NoticeLevel, PersonId, Progress,
    Report, Request, RequestId, RequestState, TurnId,
    request::{RequestEvent, Watcher},
    text::shorten,
};
use sqlx::any::AnyRow;
use uuid::Uuid;

/// Lines of one request's story that are kept; the oldest but the first go.
const STORY: i64 = 400;

/// A wish, as somebody asks for it.
#[derive(Clone, Debug)]
pub struct NewRequest {
    pub request: Request,
    pub watcher: Watcher,
    /// The call that asks, while it waits for a decision: its turn and the model's name for it.
    pub asked: Option<(TurnId, String)>,
    /// The first line of the story, or the one that joining adds.
    pub text: String,
    /// When somebody should look how far it is.
    pub look_at_ms: Millis,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AskOutcome {
    Opened(Box<Request>),
    /// Somebody wishes for it already; who asked waits for it too now. As it was before.
    Joined(Box<Request>),
    /// The call that asks has asked before, and now asks otherwise.
    Changed(RequestId),
}

/// What a look at the services has changed.
#[derive(Clone, Debug)]
pub struct Advance {
    pub request: RequestId,
    /// As it was read; somebody else's change in between makes this one void.
    pub revision: i64,
    pub state: RequestState,
    pub progress: Option<Progress>,
    pub events: Vec<RequestEvent>,
    /// What each who waits knows of now.
    pub told: Vec<(PersonId, Vec<String>)>,
    pub news: Vec<News>,
    pub look_at_ms: Millis,
    pub now_ms: Millis,
}

/// Characters of a subject of news, and of their text.
const MOST_SUBJECT: usize = 190;
const MOST_TEXT: usize = 600;

/// Something to be told to one person, once.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// UUID version 7.
    pub id: String,
    pub person: PersonId,
    pub conversation: ConversationId,
    pub agent: AgentId,
    pub address: Address,
    /// What it is about, at most 190 characters: news of one subject are told together.
    pub subject: String,
    /// One or two sentences.
    pub text: String,
    pub due_at_ms: Millis,
    pub created_at_ms: Millis,
}

/// Which requests to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestFilter {
    /// Those that this person asked for or waits for.
    pub person: Option<PersonId>,
    pub only_open: bool,
    /// Continues a list.
    pub before_ms: Option<Millis>,
    /// 1 to 200.
    pub limit: u32,
}

/// What somebody has asked for, as quotas count it. Declined and cancelled wishes do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestUsage {
    /// Since the given time.
    pub count: u64,
    pub size_bytes: u64,
    /// Not over yet, whenever asked.
    pub open: u64,
    /// The oldest of those since the given time.
    pub oldest_ms: Option<Millis>,
}

impl Store {
    /// Waits until a request or news may be due earlier in this process than [`Store::next_follow`] said.
    pub async fn following(&self) {
        self.inner.following.notified().await;
    }

    /// Open a wish, or join the one that is open for its subject. The database keeps a second row of a subject out: who is slower
    /// than another process runs again, finds its row and joins.
    pub async fn ask_request(&self, new: NewRequest) -> Result<AskOutcome> {
        let asked = self.write(async move |tx| {
            let wanted = &new.request;
            let sql = "SELECT * FROM requests WHERE toolkit = ? AND subject = ? AND closed_at_ms IS NULL ORDER BY id FOR UPDATE";
            let row = tx.first(sql, &[(&wanted.toolkit).into(), (&wanted.subject).into()]).await?;
            let began = asked_elsewhere(tx, &new, row.as_ref().map(|row| row.id("id")).transpose()?).await?;
            if let Some(own) = of_call(tx, &new).await? {
                if row.as_ref().map(|row| row.id("id")).transpose()? == Some(own.id) {
                    ask_otherwise(tx, &own, &new).await?;
                    return Ok(AskOutcome::Changed(own.id));
                }
                let text = format!("asked for as {}", wanted.title);
                let event = said("changed", new.watcher.person, &text, wanted.updated_at_ms);
                // Who waits for a decision about the old one of their own keeps it, and this is another wish.
                if !pass_on(tx, &own, &event).await? {
                    let Some(row) = &row else {
                        ask_otherwise(tx, &own, &new).await?;
                        return Ok(AskOutcome::Changed(own.id));
                    };
                    // Somebody wishes for that already: those who wait come along.
                    for watcher in watchers_of(tx, own.id).await? {
                        put_watcher_once(tx, row.id("id")?, &watcher).await?;
                    }
                    close(tx, own.id, RequestState::Cancelled, event.actor, &text, wanted.updated_at_ms).await?;
                }
            }
            let Some(row) = row else {
                insert(tx, &new).await?;
                put_watcher(tx, wanted.id, &new.watcher).await?;
                add_event(tx, wanted.id, &said("asked", new.watcher.person, &new.text, wanted.created_at_ms)).await?;
                return Ok(AskOutcome::Opened(Box::new(wanted.clone())));
            };
            let open = read(&row)?;
            let is_new = put_watcher_once(tx, open.id, &new.watcher).await?;
            if is_new {
                add_event(tx, open.id, &said("joined", new.watcher.person, &new.text, wanted.created_at_ms)).await?;
            }
            if let Some(asked) = &new.asked {
                put_question(tx, open.id, wanted, asked, is_new || began).await?;
            }
            // Who may have it at once need not wait for somebody else's decision: it is theirs, and who asked first goes on waiting for
            // a decision of their own.
            if open.state == RequestState::Asked && wanted.state == RequestState::Wanted {
                if let Some(asked) = asked_by(&row)? {
                    put_question(tx, open.id, &open, &asked, true).await?;
                }
                tx.run(
                    "UPDATE requests SET state = ?, owner_id = ?, asked_turn_id = NULL, asked_call_id = NULL, wish = ?, title = ?, \
                     size_bytes = ?, look_at_ms = ?, updated_at_ms = ?, revision = revision + 1 WHERE id = ?",
                    &[
                        wanted.state.as_str().into(),
                        wanted.owner.into(),
                        to_json(&wanted.wish)?.into(),
                        (&wanted.title).into(),
                        wanted.size_bytes.map(|n| i64::try_from(n).unwrap_or(i64::MAX)).into(),
                        new.look_at_ms.into(),
                        wanted.updated_at_ms.into(),
                        open.id.into(),
                    ],
                )
                .await?;
                add_event(tx, open.id, &said("wanted", new.watcher.person, &new.text, wanted.updated_at_ms)).await?;
            }
            Ok(AskOutcome::Joined(Box::new(open)))
        });
        let asked = asked.await;
        self.inner.following.notify_one();
        asked
    }

    pub async fn request(&self, id: RequestId) -> Result<Request> {
        let row = self.first("SELECT * FROM requests WHERE id = ?", &[id.into()]).await?;
        row.as_ref().map(read).transpose()?.ok_or(StoreError::NotFound("request"))
    }

    /// The open one of a subject, if any.
    pub async fn open_request(&self, toolkit: &str, subject: &str) -> Result<Option<Request>> {
        let sql = "SELECT * FROM requests WHERE toolkit = ? AND subject = ? AND closed_at_ms IS NULL";
        self.first(sql, &[toolkit.into(), subject.into()]).await?.as_ref().map(read).transpose()
    }

    /// The newest of a subject, whichever toolkit follows it.
    pub async fn request_of(&self, subject: &str) -> Result<Option<Request>> {
        let sql = "SELECT * FROM requests WHERE subject = ? ORDER BY created_at_ms DESC, id DESC LIMIT 1";
        self.first(sql, &[subject.into()]).await?.as_ref().map(read).transpose()
    }

    /// The newest of a subject, open or over.
    pub async fn last_request(&self, toolkit: &str, subject: &str) -> Result<Option<Request>> {
        let sql =
            "SELECT * FROM requests WHERE toolkit = ? AND subject = ? ORDER BY created_at_ms DESC, id DESC LIMIT 1";
        self.first(sql, &[toolkit.into(), subject.into()]).await?.as_ref().map(read).transpose()
    }

    /// Newest first.
    pub async fn requests(&self, filter: RequestFilter) -> Result<Vec<Request>> {
        let person = filter.person.map(|p| p.to_string()).unwrap_or_default();
        let rows = self
            .all(
                "SELECT * FROM requests WHERE (? = '' OR owner_id = ? OR id IN (SELECT request_id FROM request_watchers WHERE person_id = ?)) \
                 AND (? = 0 OR closed_at_ms IS NULL) AND created_at_ms < ? ORDER BY created_at_ms DESC, id DESC LIMIT ?",
                &[
                    (&person).into(),
                    (&person).into(),
                    (&person).into(),
                    filter.only_open.into(),
                    filter.before_ms.unwrap_or(i64::MAX).into(),
                    filter.limit.clamp(1, 200).into(),
                ],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Who waits for it, the first one first.
    pub async fn watchers(&self, id: RequestId) -> Result<Vec<Watcher>> {
        let sql = "SELECT * FROM request_watchers WHERE request_id = ? ORDER BY since_ms, person_id LIMIT 200";
        self.all(sql, &[id.into()]).await?.iter().map(read_watcher).collect()
    }

    /// Its story, oldest first, with what happened to it outside.
    pub async fn request_story(&self, id: RequestId) -> Result<Vec<RequestEvent>> {
        let sql = "SELECT * FROM request_events WHERE request_id = ? ORDER BY seq";
        let story: Vec<RequestEvent> =
            self.all(sql, &[id.into()]).await?.iter().map(read_event).collect::<Result<_>>()?;
        Ok(past::laid_together(story, self.past_of(id).await?))
    }

    /// Which approval asked for which request, the first one's and those of who joined, of the newest 500 approvals that did.
    pub async fn asked_requests(&self) -> Result<Vec<(ApprovalId, RequestId)>> {
        let sql = "SELECT a.id AS approval_id, r.id AS request_id, a.created_at_ms AS at_ms FROM approvals a JOIN requests r \
                   ON r.asked_turn_id = a.turn_id AND r.asked_call_id = a.call_id UNION ALL \
                   SELECT a.id AS approval_id, q.request_id AS request_id, a.created_at_ms AS at_ms FROM approvals a \
                   JOIN request_questions q ON q.turn_id = a.turn_id AND q.call_id = a.call_id \
                   ORDER BY at_ms DESC, approval_id DESC LIMIT 500";
        self.all(sql, &[]).await?.iter().map(|row| Ok((row.id("approval_id")?, row.id("request_id")?))).collect()
    }

    /// Wait for it too, or be told otherwise than before.
    pub async fn watch_request(&self, id: RequestId, watcher: Watcher, text: String) -> Result<()> {
        self.write(async move |tx| {
            let row = tx.first("SELECT * FROM requests WHERE id = ? FOR UPDATE", &[id.into()]).await?;
            row.ok_or(StoreError::NotFound("request"))?;
            let sql = "UPDATE request_watchers SET level = ? WHERE request_id = ? AND person_id = ?";
            let values = [watcher.level.as_str().into(), id.into(), watcher.person.into()];
            if tx.run(sql, &values).await? == 0 {
                // Where nothing changes, some databases count no row.
                let sql = "DELETE FROM request_watchers WHERE request_id = ? AND person_id = ?";
                let was_there = tx.run(sql, &[id.into(), watcher.person.into()]).await? > 0;
                put_watcher(tx, id, &watcher).await?;
                if !was_there {
                    add_event(tx, id, &said("joined", watcher.person, &text, watcher.since_ms)).await?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Wait no longer; whether somebody did.
    pub async fn unwatch_request(&self, id: RequestId, person: PersonId) -> Result<bool> {
        self.write(async move |tx| {
            let sql = "DELETE FROM request_watchers WHERE request_id = ? AND person_id = ?";
            Ok(tx.run(sql, &[id.into(), person.into()]).await? > 0)
        })
        .await
    }

    /// End a wish, once; whether it was open. Whoever else waits for it is told. One that its owner takes back lives on with somebody
    /// who waits for a decision of their own about it.
    pub async fn close_request(
        &self,
        id: RequestId,
        state: RequestState,
        by: Option<PersonId>,
        text: String,
        now_ms: Millis,
    ) -> Result<bool> {
        let closed = self.write(async move |tx| {
            let row =
                tx.first("SELECT * FROM requests WHERE id = ? AND state = 'asked' FOR UPDATE", &[id.into()]).await?;
            if let Some(request) = row.as_ref().map(read).transpose()?
                && (state == RequestState::Declined || by == Some(request.owner))
                && pass_on(tx, &request, &line(state.as_str(), by, &text, now_ms)).await?
            {
                return Ok(true);
            }
            let was_open = close(tx, id, state, by, &text, now_ms).await?;
            if was_open {
                tell_all(tx, id, &[by], &Ended::Otherwise(&text), now_ms).await?;
            }
            Ok(was_open)
        });
        let closed = closed.await;
        self.inner.following.notify_one();
        closed
    }

    /// Change what is wanted, and have something told of that; [`StoreError::Conflict`] when somebody else was quicker.
    pub async fn change_request(
        &self,
        request: Request,
        event: RequestEvent,
        news: Vec<News>,
        look_at_ms: Millis,
    ) -> Result<()> {
        self.write(async move |tx| {
            let won = tx
                .run(
                    "UPDATE requests SET title = ?, picture = ?, wish = ?, state = ?, size_bytes = ?, look_at_ms = ?, updated_at_ms = ?, \
                     revision = revision + 1 WHERE id = ? AND revision = ? AND closed_at_ms IS NULL",
                    &[
                        shorten(&request.title, 190).into(),
                        request.picture.clone().into(),
                        to_json(&request.wish)?.into(),
                        request.state.as_str().into(),
                        request.size_bytes.map(|n| i64::try_from(n).unwrap_or(i64::MAX)).into(),
                        look_at_ms.into(),
                        event.at_ms.into(),
                        request.id.into(),
                        request.revision.into(),
                    ],
                )
                .await?;
            if won == 0 {
                return Err(StoreError::Conflict("this request has changed meanwhile".into()));
            }
            for news in &news {
                put_news(tx, news).await?;
            }
            add_event(tx, request.id, &event).await
        })
        .await?;
        self.inner.following.notify_one();
        Ok(())
    }

    /// Those that somebody should look at by now, the longest due first.
    pub async fn due_requests(&self, now_ms: Millis, limit: u32) -> Result<Vec<Request>> {
        let sql = "SELECT * FROM requests WHERE state IN ('wanted', 'downloading', 'downloaded', 'partly') AND look_at_ms <= ? \
                   ORDER BY look_at_ms, id LIMIT ?";
        self.all(sql, &[now_ms.into(), limit.clamp(1, 500).into()]).await?.iter().map(read).collect()
    }

    /// When the next look, or the next news, is due.
    pub async fn next_follow(&self) -> Result<Option<Millis>> {
        let looks = "SELECT MIN(look_at_ms) AS at_ms FROM requests WHERE state IN ('wanted', 'downloading', 'downloaded', 'partly')";
        let news = "SELECT MIN(due_at_ms) AS at_ms FROM news";
        let mut next: Option<Millis> = None;
        for sql in [looks, news] {
            let at = self.first(sql, &[]).await?.map_or(Ok(None), |row| row.optional_int("at_ms"))?;
            next = next.into_iter().chain(at).min();
        }
        Ok(next)
    }

    /// Look at these soon, or at all of a toolkit when none is named; how many are followed.
    pub async fn look_soon(&self, toolkit: &str, subjects: &[String], at_ms: Millis) -> Result<u64> {
        let (toolkit, subjects) = (toolkit.to_owned(), subjects.to_vec());
        let touched = self.write(async move |tx| {
            if subjects.is_empty() {
                let sql = "UPDATE requests SET look_at_ms = ? WHERE toolkit = ? AND look_at_ms > ? \
                           AND state IN ('wanted', 'downloading', 'downloaded', 'partly')";
                return tx.run(sql, &[at_ms.into(), (&toolkit).into(), at_ms.into()]).await;
            }
            let mut touched = 0;
            for subject in &subjects {
                let sql = "UPDATE requests SET look_at_ms = ? WHERE toolkit = ? AND subject = ? AND look_at_ms > ? \
                           AND state IN ('wanted', 'downloading', 'downloaded', 'partly')";
                touched += tx.run(sql, &[at_ms.into(), (&toolkit).into(), subject.into(), at_ms.into()]).await?;
            }
            Ok(touched)
        });
        let touched = touched.await;
        self.inner.following.notify_one();
        touched
    }

    /// Write what a look has shown, with what is to be told of it, in one commit; whether nobody was quicker.
    pub async fn advance_request(&self, advance: Advance) -> Result<bool> {
        self.write(async move |tx| {
            let is_over = advance.state.is_over();
            let won = tx
                .run(
                    "UPDATE requests SET state = ?, progress = ?, look_at_ms = ?, updated_at_ms = ?, closed_at_ms = ?, \
                     open_key = CASE WHEN ? = 1 THEN NULL ELSE open_key END, revision = revision + 1 WHERE id = ? AND revision = ?",
                    &[
                        advance.state.as_str().into(),
                        advance.progress.as_ref().map(to_json).transpose()?.into(),
                        advance.look_at_ms.into(),
                        advance.now_ms.into(),
                        is_over.then_some(advance.now_ms).into(),
                        is_over.into(),
                        advance.request.into(),
                        advance.revision.into(),
                    ],
                )
                .await?;
            if won == 0 {
                return Ok(false);
            }
            for event in &advance.events {
                add_event(tx, advance.request, event).await?;
            }
            for (person, told) in &advance.told {
                let sql = "UPDATE request_watchers SET told = ? WHERE request_id = ? AND person_id = ?";
                tx.run(sql, &[to_json(told)?.into(), advance.request.into(), (*person).into()]).await?;
            }
            for news in &advance.news {
                put_news(tx, news).await?;
            }
            if is_over {
                tx.run("DELETE FROM request_questions WHERE request_id = ?", &[advance.request.into()]).await?;
            }
            Ok(true)
        })
        .await
        .inspect(|won| {
            if *won {
                self.inner.following.notify_one()
            }
        })
    }

    /// Have something told.
    pub async fn add_news(&self, news: Vec<News>) -> Result<()> {
        let added = self.write(async move |tx| {
            for news in &news {
                put_news(tx, news).await?;
            }
            Ok(())
        });
        let added = added.await;
        self.inner.following.notify_one();
        added
    }

    /// What is to be told by now, oldest first.
    pub async fn due_news(&self, now_ms: Millis, limit: u32) -> Result<Vec<News>> {
        let sql = "SELECT * FROM news WHERE due_at_ms <= ? ORDER BY created_at_ms, id LIMIT ?";
        self.all(sql, &[now_ms.into(), limit.clamp(1, 500).into()]).await?.iter().map(read_news).collect()
    }

    /// Add a line to a wish's story, open or over, and have something told of it, in one commit.
    pub async fn note_request(&self, id: RequestId, event: RequestEvent, news: Vec<News>) -> Result<()> {
        let noted = self.write(async move |tx| {
            note(tx, id, &event).await?;
            for news in &news {
                put_news(tx, news).await?;
            }
            Ok(())
        });
        let noted = noted.await;
        self.inner.following.notify_one();
        noted
    }

    /// Tell these later.
    pub async fn put_off_news(&self, ids: Vec<String>, due_at_ms: Millis) -> Result<()> {
        self.write(async move |tx| {
            for id in &ids {
                tx.run("UPDATE news SET due_at_ms = ? WHERE id = ?", &[due_at_ms.into(), id.into()]).await?;
            }
            Ok(())
        })
        .await
    }

    /// Open the turn that tells these news; they are gone with its commit. None when somebody else has told one of them.
    pub async fn tell_news(&self, ids: Vec<String>, turn: NewTurn) -> Result<Option<OpenedTurn>> {
        self.write(async move |tx| {
            for id in &ids {
                if tx.run("DELETE FROM news WHERE id = ?", &[id.into()]).await? == 0 {
                    return Err(StoreError::Conflict("this was told already".into()));
                }
            }
            open_turn(tx, &turn).await.map(Some)
        })
        .await
        .or_else(|error| match error {
            StoreError::Conflict(_) => Ok(None),
            other => Err(other),
        })
    }

    /// What a person has asked for since then, beside an open request of this subject or by this call of a turn: what is added to that
    /// is no further one, and what waits for its yes is not counted twice.
    pub async fn request_usage(
        &self,
        person: PersonId,
        since_ms: Millis,
        subject: &str,
        (turn, call): (TurnId, &str),
    ) -> Result<RequestUsage> {
        let sql = "SELECT state, subject, asked_turn_id, asked_call_id, size_bytes, created_at_ms, closed_at_ms FROM requests WHERE owner_id = ? \
                   AND state NOT IN ('declined', 'cancelled') AND (created_at_ms >= ? OR closed_at_ms IS NULL) \
                   ORDER BY created_at_ms LIMIT 1000";
        let mut usage = RequestUsage::default();
        for row in self.all(sql, &[person.into(), since_ms.into()]).await? {
            let created = row.int("created_at_ms")?;
            let is_open = row.optional_int("closed_at_ms")?.is_none();
            let by_call = row.optional_text("asked_turn_id")?.is_some_and(|asked| asked == turn.to_string())
                && row.optional_text("asked_call_id")?.as_deref() == Some(call);
            let is_same = is_open && (by_call || row.text("subject")? == subject);
            usage.open += u64::from(is_open && !is_same);
            if created < since_ms || (is_same && row.text("state")? == RequestState::Asked.as_str()) {
                continue;
            }
            usage.size_bytes += u64::try_from(row.optional_int("size_bytes")?.unwrap_or(0)).unwrap_or(0);
            if !is_same {
                usage.count += 1;
                usage.oldest_ms.get_or_insert(created);
            }
        }
        Ok(usage)
    }

    /// End wishes whose question nobody asked in the end: the process stopped between the two. How many.
    pub async fn close_unasked_requests(&self, before_ms: Millis, now_ms: Millis) -> Result<u64> {
        let sql = "SELECT id FROM requests WHERE state = 'asked' AND updated_at_ms < ? AND NOT EXISTS (SELECT 1 FROM approvals a \
                   WHERE a.turn_id = asked_turn_id AND a.call_id = asked_call_id AND a.state IN ('open', 'approved', 'running')) LIMIT 100";
        let rows = self.all(sql, &[before_ms.into()]).await?;
        let ids: Vec<RequestId> = rows.iter().map(|row| row.id("id")).collect::<Result<_>>()?;
        let mut closed = 0;
        for id in ids {
            let text = "not asked for: the question about it was lost. Please ask again".to_owned();
            closed += u64::from(self.close_request(id, RequestState::Declined, None, text, now_ms).await?);
        }
        Ok(closed)
    }
}

/// A decision about the call that asks for a wish is the wish's too.
pub(crate) async fn decided(
    tx: &mut Tx<'_>,
    approval: &Approval,
    replacement: Option<&Approval>,
    now_ms: Millis,
) -> Result<()> {
    let reason = approval.outcome.clone().unwrap_or_default();
    let text = if reason.is_empty() { "declined".into() } else { format!("declined: {reason}") };
    let ended = match approval.state {
        ApprovalState::Declined => Some((text.as_str(), Ended::Declined(&reason))),
        ApprovalState::Expired | ApprovalState::Void => Some(("nobody decided in time", Ended::Expired)),
        _ => None,
    };
    let Some(request) = asked_with(tx, approval).await? else {
        return match ended {
            Some((text, _)) => no_longer_asked(tx, approval, text, now_ms).await,
            None => Ok(()),
        };
    };
    if let Some((text, ended)) = ended {
        return end(tx, &request, approval, RequestState::Declined, text, &ended, now_ms).await;
    }
    let id = request.id;
    match approval.state {
        ApprovalState::Changed => {
            if let Some(next) = replacement {
                tx.run(
                    "UPDATE requests SET asked_turn_id = ?, asked_call_id = ? WHERE id = ?",
                    &[next.turn.into(), (&next.call_id).into(), id.into()],
                )
                .await?;
            }
            add_event(tx, id, &line("changed", approval.decided_by, "asked for otherwise", now_ms)).await?;
        }
        ApprovalState::Approved => {
            add_event(tx, id, &line("approved", approval.decided_by, "approved", now_ms)).await?;
        }
        _ => {}
    }
    Ok(())
}

/// What was approved did not work: a wish that still waits for it ends.
pub(crate) async fn not_done(tx: &mut Tx<'_>, approval: &Approval, outcome: &str, now_ms: Millis) -> Result<()> {
    match asked_with(tx, approval).await? {
        Some(request) => {
            let ended = format!("approved, but did not work: {outcome}");
            end(tx, &request, approval, RequestState::Failed, outcome, &Ended::Otherwise(&ended), now_ms).await
        }
        None => no_longer_asked(tx, approval, outcome, now_ms).await,
    }
}

/// The wish that waits for this decision, where it is the first one's.
async fn asked_with(tx: &mut Tx<'_>, approval: &Approval) -> Result<Option<Request>> {
    let sql = "SELECT * FROM requests WHERE asked_turn_id = ? AND asked_call_id = ? AND state = 'asked' FOR UPDATE";
    tx.first(sql, &[approval.turn.into(), (&approval.call_id).into()]).await?.as_ref().map(read).transpose()
}

/// The question that a wish was asked with is over. Somebody else's about it may still be open: then it is theirs, and only who asked
/// first is told; else it ends for everybody.
async fn end(
    tx: &mut Tx<'_>,
    request: &Request,
    approval: &Approval,
    state: RequestState,
    text: &str,
    ended: &Ended<'_>,
    now_ms: Millis,
) -> Result<()> {
    // Who asked reads it in the turn that follows a decision.
    let asker = approval.decision_turn.map(|_| approval.requester);
    let decided_by = approval.decided_by.filter(|_| approval.state == ApprovalState::Declined);
    let event = line(state.as_str(), decided_by, text, now_ms);
    let waiting = watchers_of(tx, request.id).await?;
    if pass_on(tx, request, &event).await? {
        let first = waiting.iter().find(|watcher| watcher.person == request.owner);
        if let Some(first) = first.filter(|first| asker != Some(first.person)) {
            put_news(tx, &News::to_watcher(first, &request.subject, &ended.in_words(&request.title), now_ms)).await?;
        }
    } else if close(tx, request.id, state, decided_by, text, now_ms).await? {
        tell_all(tx, request.id, &[asker, decided_by], ended, now_ms).await?;
    }
    Ok(())
}

/// A wish whose own question is over becomes that of the next one who waits for a decision about it; whether there is one. A question
/// whose approval is not written yet counts: it will be in a moment.
async fn pass_on(tx: &mut Tx<'_>, request: &Request, event: &RequestEvent) -> Result<bool> {
    let sql = "SELECT * FROM request_questions WHERE request_id = ? AND (EXISTS (SELECT 1 FROM approvals a \
               WHERE a.turn_id = request_questions.turn_id AND a.call_id = request_questions.call_id \
               AND a.state IN ('open', 'approved', 'running')) OR NOT EXISTS (SELECT 1 FROM approvals a \
               WHERE a.turn_id = request_questions.turn_id AND a.call_id = request_questions.call_id)) \
               ORDER BY created_at_ms, turn_id, call_id LIMIT 1 FOR UPDATE";
    let Some(next) = tx.first(sql, &[request.id.into()]).await? else { return Ok(false) };
    let (turn, call) = (next.text("turn_id")?, next.text("call_id")?);
    tx.run(
        "UPDATE requests SET owner_id = ?, agent_id = ?, title = ?, picture = ?, wish = ?, size_bytes = ?, asked_turn_id = ?, \
         asked_call_id = ?, updated_at_ms = ?, revision = revision + 1 WHERE id = ?",
        &[
            next.text("person_id")?.into(),
            next.text("agent_id")?.into(),
            next.text("title")?.into(),
            next.optional_text("picture")?.into(),
            next.text("wish")?.into(),
            next.optional_int("size_bytes")?.into(),
            (&turn).into(),
            (&call).into(),
            event.at_ms.into(),
            request.id.into(),
        ],
    )
    .await?;
    tx.run("DELETE FROM request_questions WHERE turn_id = ? AND call_id = ?", &[turn.into(), call.into()]).await?;
    if next.id::<PersonId>("person_id")? != request.owner {
        wait_no_longer(tx, request.id, request.owner).await?;
    }
    let text = format!("{}; somebody else still waits for a decision", event.text.trim_end_matches('.'));
    add_event(tx, request.id, &RequestEvent { text, ..event.clone() }).await?;
    Ok(true)
}

/// The question of somebody who joined is over without a yes: they wait no longer, where they began to with it.
async fn no_longer_asked(tx: &mut Tx<'_>, approval: &Approval, text: &str, now_ms: Millis) -> Result<()> {
    let sql = "SELECT * FROM request_questions WHERE turn_id = ? AND call_id = ? FOR UPDATE";
    let key: [Value; 2] = [approval.turn.into(), (&approval.call_id).into()];
    let Some(question) = tx.first(sql, &key).await? else { return Ok(()) };
    tx.run("DELETE FROM request_questions WHERE turn_id = ? AND call_id = ?", &key).await?;
    let id: RequestId = question.id("request_id")?;
    if question.flag("began")? && wait_no_longer(tx, id, question.id("person_id")?).await? {
        let text = format!("for one of those who waited: {text}");
        add_event(tx, id, &line("declined", approval.decided_by, &text, now_ms)).await?;
    }
    Ok(())
}

/// Somebody whose own question is over waits no longer, unless they have another one about it, or it is theirs; whether they waited.
async fn wait_no_longer(tx: &mut Tx<'_>, id: RequestId, person: PersonId) -> Result<bool> {
    let sql = "DELETE FROM request_watchers WHERE request_id = ? AND person_id = ? \
               AND NOT EXISTS (SELECT 1 FROM request_questions q WHERE q.request_id = ? AND q.person_id = ?) \
               AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = ? AND r.owner_id = ?)";
    let values = [id.into(), person.into(), id.into(), person.into(), id.into(), person.into()];
    Ok(tx.run(sql, &values).await? > 0)
}

/// The call that asks has joined a wish before, and now asks otherwise: its question there is gone, and who began to wait with it waits
/// for another one no longer. Whether they began to wait for the one of `subject` with it.
async fn asked_elsewhere(tx: &mut Tx<'_>, new: &NewRequest, subject: Option<RequestId>) -> Result<bool> {
    let Some((turn, call)) = &new.asked else { return Ok(false) };
    let sql = "SELECT * FROM request_questions WHERE turn_id = ? AND call_id = ? FOR UPDATE";
    let key: [Value; 2] = [(*turn).into(), call.into()];
    let Some(question) = tx.first(sql, &key).await? else { return Ok(false) };
    tx.run("DELETE FROM request_questions WHERE turn_id = ? AND call_id = ?", &key).await?;
    let (id, began): (RequestId, bool) = (question.id("request_id")?, question.flag("began")?);
    if began && subject != Some(id) {
        wait_no_longer(tx, id, question.id("person_id")?).await?;
    }
    Ok(began && subject == Some(id))
}

/// Keep that somebody waits for a decision about a wish of which the row is another's.
async fn put_question(
    tx: &mut Tx<'_>,
    id: RequestId,
    wanted: &Request,
    (turn, call): &(TurnId, String),
    began: bool,
) -> Result<()> {
    tx.run(
        "INSERT INTO request_questions (turn_id, call_id, request_id, person_id, agent_id, title, picture, wish, size_bytes, began, \
         created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            (*turn).into(),
            call.into(),
            id.into(),
            wanted.owner.into(),
            wanted.agent.into(),
            shorten(&wanted.title, 190).into(),
            wanted.picture.clone().into(),
            to_json(&wanted.wish)?.into(),
            wanted.size_bytes.map(|n| i64::try_from(n).unwrap_or(i64::MAX)).into(),
            began.into(),
            wanted.created_at_ms.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The call that a row waits for a decision about.
fn asked_by(row: &AnyRow) -> Result<Option<(TurnId, String)>> {
    let turn: Option<TurnId> = row.optional_id("asked_turn_id")?;
    Ok(turn.zip(row.optional_text("asked_call_id")?))
}

/// How a wish has ended before it was fetched.
enum Ended<'a> {
    /// The reason, where one was given.
    Declined(&'a str),
    Expired,
    /// What it was, such as `taken back by Ada`.
    Otherwise(&'a str),
}

impl Ended<'_> {
    fn in_words(&self, title: &str) -> String {
        match self {
            Ended::Declined("") => format!("{title} was declined."),
            // Somebody's own words, marked as such.
            Ended::Declined(reason) => {
                format!("{title} was declined: “{}”", reason.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Ended::Expired => format!("{title} was not asked for: nobody decided in time."),
            Ended::Otherwise(what) => format!("{title} was {}.", what.trim_end_matches('.')),
        }
    }
}

/// Tell everybody who waits for it, where they asked, but those who know. What would wake somebody is put off when it is told.
async fn tell_all(
    tx: &mut Tx<'_>,
    id: RequestId,
    who_know: &[Option<PersonId>],
    ended: &Ended<'_>,
    now_ms: Millis,
) -> Result<()> {
    let row = tx.first("SELECT * FROM requests WHERE id = ?", &[id.into()]).await?;
    let request = row.as_ref().map(read).transpose()?.ok_or(StoreError::NotFound("request"))?;
    let text = ended.in_words(&request.title);
    for watcher in watchers_of(tx, id).await? {
        if who_know.contains(&Some(watcher.person)) {
            continue;
        }
        put_news(tx, &News::to_watcher(&watcher, &request.subject, &text, now_ms)).await?;
    }
    Ok(())
}

async fn close(
    tx: &mut Tx<'_>,
    id: RequestId,
    state: RequestState,
    by: Option<PersonId>,
    text: &str,
    now_ms: Millis,
) -> Result<bool> {
    let won = tx
        .run(
            "UPDATE requests SET state = ?, closed_at_ms = ?, updated_at_ms = ?, open_key = NULL, revision = revision + 1 \
             WHERE id = ? AND closed_at_ms IS NULL",
            &[state.as_str().into(), now_ms.into(), now_ms.into(), id.into()],
        )
        .await?;
    if won == 0 {
        return Ok(false);
    }
    tx.run("DELETE FROM request_questions WHERE request_id = ?", &[id.into()]).await?;
    add_event(tx, id, &line(state.as_str(), by, text, now_ms)).await?;
    Ok(true)
}

fn line(kind: &str, actor: Option<PersonId>, text: &str, at_ms: Millis) -> RequestEvent {
    RequestEvent { at_ms, kind: kind.into(), actor, text: text.into() }
}

fn said(kind: &str, person: PersonId, text: &str, at_ms: Millis) -> RequestEvent {
    line(kind, Some(person), text, at_ms)
}

async fn insert(tx: &mut Tx<'_>, new: &NewRequest) -> Result<()> {
    let request = &new.request;
    let (turn, call) = new.asked.as_ref().map(|(turn, call)| (turn.to_string(), call.as_str())).unzip();
    tx.run(
        "INSERT INTO requests (id, toolkit, subject, open_key, title, picture, owner_id, agent_id, wish, state, size_bytes, asked_turn_id, \
         asked_call_id, created_at_ms, updated_at_ms, look_at_ms, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
        &[
            request.id.into(),
            (&request.toolkit).into(),
            (&request.subject).into(),
            (&request.subject).into(),
            shorten(&request.title, 190).into(),
            request.picture.clone().into(),
            request.owner.into(),
            request.agent.into(),
            to_json(&request.wish)?.into(),
            request.state.as_str().into(),
            request.size_bytes.map(|n| i64::try_from(n).unwrap_or(i64::MAX)).into(),
            turn.into(),
            call.into(),
            request.created_at_ms.into(),
            request.updated_at_ms.into(),
            new.look_at_ms.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The wish that the same call has asked for and that waits for a decision: somebody changes what is asked.
async fn of_call(tx: &mut Tx<'_>, new: &NewRequest) -> Result<Option<Request>> {
    let Some((turn, call)) = &new.asked else { return Ok(None) };
    let sql = "SELECT * FROM requests WHERE asked_turn_id = ? AND asked_call_id = ? AND state = 'asked' FOR UPDATE";
    tx.first(sql, &[(*turn).into(), call.into()]).await?.as_ref().map(read).transpose()
}

/// A wish that waits for a decision becomes another one: of another subject, place or size.
async fn ask_otherwise(tx: &mut Tx<'_>, own: &Request, new: &NewRequest) -> Result<()> {
    let wanted = &new.request;
    if (&own.subject, &own.title, &own.wish) == (&wanted.subject, &wanted.title, &wanted.wish) {
        return Ok(());
    }
    tx.run(
        "UPDATE requests SET subject = ?, open_key = ?, title = ?, picture = ?, wish = ?, size_bytes = ?, updated_at_ms = ?, \
         revision = revision + 1 WHERE id = ?",
        &[
            (&wanted.subject).into(),
            (&wanted.subject).into(),
            shorten(&wanted.title, 190).into(),
            wanted.picture.clone().into(),
            to_json(&wanted.wish)?.into(),
            wanted.size_bytes.map(|n| i64::try_from(n).unwrap_or(i64::MAX)).into(),
            wanted.updated_at_ms.into(),
            own.id.into(),
        ],
    )
    .await?;
    let text = format!("it is now {}", wanted.title);
    add_event(tx, own.id, &line("changed", None, &text, wanted.updated_at_ms)).await
}

/// A line of a wish's story, open or over.
pub(crate) async fn note(tx: &mut Tx<'_>, id: RequestId, event: &RequestEvent) -> Result<()> {
    let row = tx.first("SELECT * FROM requests WHERE id = ? FOR UPDATE", &[id.into()]).await?;
    row.ok_or(StoreError::NotFound("request"))?;
    add_event(tx, id, event).await
}

async fn watchers_of(tx: &mut Tx<'_>, id: RequestId) -> Result<Vec<Watcher>> {
    let sql = "SELECT * FROM request_watchers WHERE request_id = ? ORDER BY since_ms, person_id LIMIT 200";
    tx.all(sql, &[id.into()]).await?.iter().map(read_watcher).collect()
}

/// Whether they did not wait for it before.
async fn put_watcher_once(tx: &mut Tx<'_>, id: RequestId, watcher: &Watcher) -> Result<bool> {
    let sql = "SELECT COUNT(*) AS number FROM request_watchers WHERE request_id = ? AND person_id = ?";
    let known = tx.first(sql, &[id.into(), watcher.person.into()]).await?;
    let is_new = known.map_or(Ok(0), |row| row.count("number"))? == 0;
    if is_new {
        put_watcher(tx, id, watcher).await?;
    }
    Ok(is_new)
}

async fn put_watcher(tx: &mut Tx<'_>, id: RequestId, watcher: &Watcher) -> Result<()> {
    tx.run(
        "INSERT INTO request_watchers (request_id, person_id, conversation_id, agent_id, channel, place, level, told, since_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            watcher.person.into(),
            watcher.conversation.into(),
            watcher.agent.into(),
            (&watcher.address.channel).into(),
            (&watcher.address.place).into(),
            watcher.level.as_str().into(),
            to_json(&watcher.told)?.into(),
            watcher.since_ms.into(),
        ],
    )
    .await?;
    Ok(())
}

async fn add_event(tx: &mut Tx<'_>, id: RequestId, event: &RequestEvent) -> Result<()> {
    let sql = "SELECT MAX(seq) AS last FROM request_events WHERE request_id = ?";
    let last = tx.first(sql, &[id.into()]).await?.map_or(Ok(None), |row| row.optional_int("last"))?.unwrap_or(0);
    if last >= STORY {
        let sql = "DELETE FROM request_events WHERE request_id = ? AND seq > 1 AND seq <= ?";
        tx.run(sql, &[id.into(), (last + 1 - STORY).into()]).await?;
    }
    tx.run(
        "INSERT INTO request_events (request_id, seq, at_ms, kind, actor_id, body) VALUES (?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            (last + 1).into(),
            event.at_ms.into(),
            (&event.kind).into(),
            event.actor.map(|id| id.to_string()).into(),
            shorten(&event.text, 1_000).into(),
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn put_news(tx: &mut Tx<'_>, news: &News) -> Result<()> {
    tx.run(
        "INSERT INTO news (id, person_id, conversation_id, agent_id, channel, place, subject, body, due_at_ms, created_at_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            (&news.id).into(),
            news.person.into(),
            news.conversation.into(),
            news.agent.into(),
            (&news.address.channel).into(),
            (&news.address.place).into(),
            shorten(&news.subject, 190).into(),
            (&news.text).into(),
            news.due_at_ms.into(),
            news.created_at_ms.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Erase what a person wished for and waits for; what others wait for too stays theirs.
pub(crate) async fn forget(tx: &mut Tx<'_>, person: PersonId) -> Result<()> {
    let key: [Value; 1] = [person.into()];
    tx.run("DELETE FROM request_watchers WHERE person_id = ?", &key).await?;
    tx.run("DELETE FROM request_questions WHERE person_id = ?", &key).await?;
    tx.run("DELETE FROM news WHERE person_id = ?", &key).await?;
    let alone = tx
        .all(
            "SELECT id FROM requests WHERE owner_id = ? AND NOT EXISTS \
             (SELECT 1 FROM request_watchers w WHERE w.request_id = requests.id)",
            &key,
        )
        .await?;
    for row in &alone {
        let id: RequestId = row.id("id")?;
        tx.run("DELETE FROM request_events WHERE request_id = ?", &[id.into()]).await?;
        past::forget(tx, id).await?;
        tx.run("DELETE FROM requests WHERE id = ?", &[id.into()]).await?;
    }
    let shared = tx.all("SELECT id FROM requests WHERE owner_id = ?", &key).await?;
    for row in &shared {
        let id: RequestId = row.id("id")?;
        let sql = "SELECT person_id FROM request_watchers WHERE request_id = ? ORDER BY since_ms, person_id LIMIT 1";
        if let Some(next) = tx.first(sql, &[id.into()]).await? {
            let next: PersonId = next.id("person_id")?;
            tx.run("UPDATE requests SET owner_id = ? WHERE id = ?", &[next.into(), id.into()]).await?;
        }
    }
    tx.run("UPDATE request_events SET actor_id = NULL WHERE actor_id = ?", &key).await?;
    Ok(())
}

pub(crate) fn read(row: &AnyRow) -> Result<Request> {
    let progress = row.optional_text("progress")?;
    Ok(Request {
        id: row.id("id")?,
        toolkit: row.text("toolkit")?,
        subject: row.text("subject")?,
        title: row.text("title")?,
        picture: row.optional_text("picture")?,
        owner: row.id("owner_id")?,
        agent: row.id("agent_id")?,
        wish: row.json("wish")?,
        state: RequestState::parse(&row.text("state")?)
            .ok_or_else(|| StoreError::Other("a request has no known state".into()))?,
        progress: progress
            .map(|text| serde_json::from_str(&text).map_err(|e| StoreError::Other(format!("column progress: {e}"))))
            .transpose()?,
        size_bytes: row.optional_int("size_bytes")?.and_then(|n| u64::try_from(n).ok()),
        created_at_ms: row.int("created_at_ms")?,
        updated_at_ms: row.int("updated_at_ms")?,
        closed_at_ms: row.optional_int("closed_at_ms")?,
        revision: row.int("revision")?,
    })
}

fn read_watcher(row: &AnyRow) -> Result<Watcher> {
    Ok(Watcher {
        person: row.id("person_id")?,
        conversation: row.id("conversation_id")?,
        agent: row.id("agent_id")?,
        address: Address::new(row.text("channel")?, row.text("place")?),
        level: NoticeLevel::parse(&row.text("level")?).unwrap_or_default(),
        told: row.json("told")?,
        since_ms: row.int("since_ms")?,
    })
}

fn read_event(row: &AnyRow) -> Result<RequestEvent> {
    Ok(RequestEvent {
        at_ms: row.int("at_ms")?,
        kind: row.text("kind")?,
        actor: row.optional_id("actor_id")?,
        text: row.text("body")?,
    })
}

fn read_news(row: &AnyRow) -> Result<News> {
    Ok(News {
        id: row.text("id")?,
        person: row.id("person_id")?,
        conversation: row.id("conversation_id")?,
        agent: row.id("agent_id")?,
        address: Address::new(row.text("channel")?, row.text("place")?),
        subject: row.text("subject")?,
        text: row.text("body")?,
        due_at_ms: row.int("due_at_ms")?,
        created_at_ms: row.int("created_at_ms")?,
    })
}

impl News {
    /// A new name for it.
    pub fn new_id() -> String {
        Uuid::now_v7().to_string()
    }

    /// For somebody who waits, where they asked; due at once.
    pub fn to_watcher(watcher: &Watcher, subject: &str, text: &str, now_ms: Millis) -> Self {
        Self {
            id: Self::new_id(),
            person: watcher.person,
            conversation: watcher.conversation,
            agent: watcher.agent,
            address: watcher.address.clone(),
            subject: shorten(subject, MOST_SUBJECT),
            text: shorten(text, MOST_TEXT),
            due_at_ms: now_ms,
            created_at_ms: now_ms,
        }
    }

    /// For somebody who reported something, where they did; due at once.
    pub(crate) fn to_reporter(report: &Report, text: &str, now_ms: Millis) -> Self {
        Self {
            conversation: report.conversation,
            address: report.address.clone(),
            ..Self::to_admin(report.reporter, report.agent, &report.subject, text, now_ms)
        }
    }

    /// For an admin, where they get such news; due at once.
    pub fn to_admin(admin: PersonId, agent: AgentId, subject: &str, text: &str, now_ms: Millis) -> Self {
        Self {
            id: Self::new_id(),
            person: admin,
            conversation: ConversationId(Default::default()),
            agent,
            address: Address::new("web", ""),
            subject: shorten(subject, MOST_SUBJECT),
            text: shorten(text, MOST_TEXT),
            due_at_ms: now_ms,
            created_at_ms: now_ms,
        }
    }
}
