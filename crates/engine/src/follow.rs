//! Following what people asked for: look at it when it is due, write down what has changed, tell those who wait.
//!
//! What a webhook says is only a reason to look now: what was missed, said twice or said out of order is found by looking. A look and
//! what is to be told of it are one commit; the telling is one commit with the turn that tells it. So nothing is told twice and
//! nothing is lost, wherever the process stops.

use crate::{
    engine::{Engine, EngineError, LEASE_MS},
    notice::news_for,
};
use futures_util::{StreamExt, stream};
use majordomo_domain::{
    Address, ConversationId, Follow, Millis, Notice, NoticeKind, NoticeLevel, Part, Person, PersonId, Progress,
    Request, RequestId, RequestState, Standing, ToolError, TurnId, fault_point,
    message::About,
    op::{Say, Task},
    request::{RequestEvent, Watcher},
    text::shorten,
};
use majordomo_store::{Advance, NewAudit, NewConversation, NewTurn, News, RequestFilter};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Requests looked at by the services at the same time.
const LOOKS_AT_ONCE: usize = 4;
/// Requests of one round.
const ROUND: u32 = 100;
/// One look may take so long.
const LOOK: Duration = Duration::from_secs(60);
/// Looked at least so often, whatever the rows say.
const LONGEST_NAP: Duration = Duration::from_secs(60);
/// A webhook is looked into after so long, so that the ones behind it are looked into with it. Milliseconds.
const HINT_MS: i64 = 1_500;
/// After something happened it is looked at often for so long. Milliseconds.
const FRESH_MS: i64 = 5 * 60_000;
/// A wish whose question was never asked ends after so long. Milliseconds.
const UNASKED_MS: i64 = 10 * 60_000;
/// News told in one message.
const TOGETHER: usize = 40;

/// A request with those who wait for it and its story.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestDetail {
    pub request: Request,
    pub watchers: Vec<Watcher>,
    pub story: Vec<RequestEvent>,
}

impl Engine {
    pub(crate) fn spawn_follow(&self) {
        let engine = self.clone();
        self.0.tasks.spawn(async move {
            loop {
                if !engine.is_draining() {
                    engine.follow_due().await;
                    engine.tell_due().await;
                }
                let next = engine.0.store.next_follow().await.ok().flatten();
                let left = next.map_or(LONGEST_NAP, |at| {
                    let left = u64::try_from(at - engine.0.clock.now_ms()).unwrap_or(0);
                    Duration::from_millis(left).clamp(Duration::from_millis(200), LONGEST_NAP)
                });
                tokio::select! {
                    () = engine.0.halt.cancelled() => break,
                    () = engine.0.store.following() => {}
                    () = tokio::time::sleep(left) => {}
                }
            }
        });
    }

    /// Look at everything that is due.
    async fn follow_due(&self) {
        let now_ms = self.0.clock.now_ms();
        if let Err(error) = self.0.store.close_unasked_requests(now_ms - UNASKED_MS, now_ms).await {
            tracing::warn!(%error, "wishes nobody was asked about were not closed");
        }
        let due = match self.0.store.due_requests(now_ms, ROUND).await {
            Ok(due) => due,
            Err(error) => return tracing::warn!(%error, "requests were not looked up"),
        };
        stream::iter(due)
            .for_each_concurrent(LOOKS_AT_ONCE, |request| async move {
                if let Err(error) = self.look_at(&request).await {
                    tracing::warn!(%error, request.id = %request.id, "a request was not looked at");
                }
            })
            .await;
    }

    fn follower(&self, toolkit: &str) -> Option<Arc<dyn Follow>> {
        self.0.catalogue.toolkits().iter().find(|t| t.name == toolkit)?.follow.clone()
    }

    async fn look_at(&self, request: &Request) -> Result<(), EngineError> {
        let inner = &self.0;
        let looked = match self.follower(&request.toolkit) {
            None => Err(ToolError::CouldNotAsk {
                service: request.toolkit.clone(),
                reason: "it is not set up here any more".into(),
            }),
            Some(follower) => match tokio::time::timeout(LOOK, follower.look(request)).await {
                Ok(looked) => looked,
                Err(_) => Err(ToolError::CouldNotAsk {
                    service: request.toolkit.clone(),
                    reason: "no answer within 60 s".into(),
                }),
            },
        };
        let now_ms = inner.clock.now_ms();
        let pace = i64::from(inner.news.look_seconds) * 1_000;
        let progress = match looked {
            Ok(progress) => progress,
            // As it was; the line says that nobody knows at the moment.
            Err(error) => {
                tracing::info!(%error, request.id = %request.id, "a request could not be looked at");
                let mut progress = request.progress.clone().unwrap_or_default();
                progress.line = error.to_string();
                let advance = Advance {
                    request: request.id,
                    revision: request.revision,
                    state: request.state,
                    progress: Some(progress),
                    events: Vec::new(),
                    told: Vec::new(),
                    news: Vec::new(),
                    look_at_ms: now_ms + pace,
                    now_ms,
                };
                inner.store.advance_request(advance).await?;
                return Ok(());
            }
        };
        let watchers = inner.store.watchers(request.id).await?;
        let advance = self.advance(request, &watchers, progress, now_ms).await?;
        fault_point!("follow.tx");
        inner.store.advance_request(advance).await?;
        Ok(())
    }

    /// What a look changes: state, story, and what is to be told to whom.
    async fn advance(
        &self,
        request: &Request,
        watchers: &[Watcher],
        progress: Progress,
        now_ms: i64,
    ) -> Result<Advance, EngineError> {
        let inner = &self.0;
        let state = progress.state();
        let before = request.progress.as_ref();
        let mut events = Vec::new();
        if state != request.state {
            events.push(event(state.as_str(), &progress.line, now_ms));
        }
        let (mut told, mut news) = (Vec::new(), Vec::new());
        for watcher in watchers {
            // While more of the same arrives, it is told together.
            let found = match state {
                RequestState::Failed => Some((failed(&request.title, &progress), watcher.told.clone())),
                _ if progress.is_settling && state != RequestState::Watchable => None,
                _ => news_for(watcher.level, &watcher.told, &request.title, &progress),
            };
            let Some((text, now_known)) = found else { continue };
            let person = match self.person(watcher.person).await {
                Ok(person) => person,
                // Somebody who is gone is told nothing.
                Err(majordomo_store::StoreError::NotFound(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            events.push(event("told", &format!("{} was told: {text}", person.name), now_ms));
            told.push((watcher.person, now_known));
            news.push(News {
                due_at_ms: inner.news.due_ms(now_ms, person.zone.as_deref()),
                ..News::to_watcher(watcher, &request.subject, &text, now_ms)
            });
        }
        let known_trouble = before.and_then(|p| p.trouble.as_ref());
        if let Some(trouble) = progress.trouble.as_ref().filter(|trouble| Some(*trouble) != known_trouble) {
            events.push(event("trouble", trouble, now_ms));
            news.extend(self.news_for_admins(&request.subject, &format!("{}: {trouble}", request.title)).await?);
        }
        let pace = i64::from(inner.news.look_seconds) * 1_000;
        let again = match progress.look_again_ms {
            Some(ms) => i64::try_from(ms).unwrap_or(pace),
            None if progress.is_settling => (pace / 3).max(1_000),
            None if progress.is_downloading => pace,
            None if self.is_fresh(request, now_ms).await? => (pace / 3).max(1_000),
            None => pace * 15,
        };
        Ok(Advance {
            request: request.id,
            revision: request.revision,
            state,
            progress: Some(progress),
            events,
            told,
            news,
            look_at_ms: now_ms + again,
            now_ms,
        })
    }

    /// Whether something happened to it a moment ago, such as a yes: whether a search finds anything is known within minutes.
    async fn is_fresh(&self, request: &Request, now_ms: i64) -> Result<bool, EngineError> {
        let story = self.0.store.request_story(request.id).await?;
        Ok(story.last().is_some_and(|line| now_ms - line.at_ms < FRESH_MS))
    }

    /// The same news for every admin, where they get such news.
    async fn news_for_admins(&self, subject: &str, text: &str) -> Result<Vec<News>, EngineError> {
        let inner = &self.0;
        let now_ms = inner.clock.now_ms();
        let agent = self.agents()[0].id;
        let people = inner.store.people().await?;
        let admins = people.into_iter().filter(|person| person.standing == Standing::Admin);
        Ok(admins
            .map(|admin| News {
                due_at_ms: inner.news.due_ms(now_ms, admin.zone.as_deref()),
                ..News::to_admin(admin.id, agent, subject, text, now_ms)
            })
            .collect())
    }

    /// Tell what is due, everything for one conversation in one message.
    async fn tell_due(&self) {
        let due = match self.0.store.due_news(self.0.clock.now_ms(), 500).await {
            Ok(due) => due,
            Err(error) => return tracing::warn!(%error, "news were not looked up"),
        };
        let mut together: BTreeMap<(PersonId, ConversationId), Vec<News>> = BTreeMap::new();
        for news in due {
            let these = together.entry((news.person, news.conversation)).or_default();
            if these.len() < TOGETHER {
                these.push(news);
            }
        }
        for news in together.into_values() {
            if let Err(error) = self.tell(&news).await {
                tracing::warn!(%error, "news were not told; they are tried again");
            }
        }
    }

    async fn tell(&self, news: &[News]) -> Result<(), EngineError> {
        let inner = &self.0;
        let Some(first) = news.first() else { return Ok(()) };
        let zone = self.person(first.person).await.ok().and_then(|person| person.zone.clone());
        let now_ms = inner.clock.now_ms();
        let awake_ms = inner.news.awake_ms(now_ms, zone.as_deref());
        if awake_ms > now_ms {
            let ids = news.iter().map(|news| news.id.clone()).collect();
            return Ok(inner.store.put_off_news(ids, awake_ms).await?);
        }
        let (conversation, address, create) = self.where_to_tell(first).await?;
        // A notice for each thing they are about, with its lines.
        let mut lines: Vec<(&str, Vec<&str>)> = Vec::new();
        for news in news {
            match lines.iter_mut().find(|(subject, _)| *subject == news.subject) {
                Some((_, known)) if known.contains(&news.text.as_str()) => {}
                Some((_, known)) => known.push(&news.text),
                None => lines.push((&news.subject, vec![&news.text])),
            }
        }
        let mut parts = Vec::new();
        for (subject, lines) in lines {
            let request = inner.store.request_of(subject).await?;
            let about = request.map(|request| About { request: request.id, picture: request.picture });
            parts.push(Part::Notice(Notice { about, ..Notice::new(NoticeKind::News, lines.join("\n")) }));
        }
        let room = inner.rooms.of(conversation);
        let _gate = room.gate.lock().await;
        let (waiting, free) = room.reserve();
        let now_ms = inner.clock.now_ms();
        let say = Say {
            conversation,
            agent: first.agent,
            author: first.person,
            address,
            room: None,
            platform_id: None,
            parts,
            model: None,
            output_tokens: None,
            task: Task::News,
        };
        let turn = NewTurn {
            id: TurnId::new(),
            say: say.clone(),
            create,
            claim: free.then(|| (inner.owner.clone(), now_ms + LEASE_MS)),
            now_ms,
        };
        fault_point!("news.tx");
        let (id, ids) = (turn.id, news.iter().map(|news| news.id.clone()).collect());
        match inner.store.tell_news(ids, turn).await {
            Ok(Some(opened)) => {
                fault_point!("news.done");
                self.line_up(&room, id, say, opened, waiting, free);
                Ok(())
            }
            other => {
                room.unreserve(free);
                other.map(|_| ()).map_err(EngineError::from)
            }
        }
    }

    /// The conversation they asked in; where that is gone, one that holds nothing but news.
    async fn where_to_tell(
        &self,
        news: &News,
    ) -> Result<(ConversationId, Address, Option<NewConversation>), EngineError> {
        let inner = &self.0;
        match inner.store.conversation(news.conversation).await {
            Ok(conversation) if conversation.owner == news.person || news.address.channel != "web" => {
                return Ok((conversation.id, news.address.clone(), None));
            }
            Ok(_) | Err(majordomo_store::StoreError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let place = format!("news:{}", news.person);
        let known = inner.store.conversation_at(&place).await?;
        let id = known.map_or_else(ConversationId::new, |conversation| conversation.id);
        let create = NewConversation {
            id,
            owner: news.person,
            agent: news.agent,
            place,
            title: "News".into(),
            now_ms: inner.clock.now_ms(),
        };
        Ok((id, Address::new("web", id.to_string()), Some(create)))
    }

    /// A webhook of this name came in. [`EngineError::NotFound`] for a name or a secret nobody gave out.
    pub async fn receive_hook(
        &self,
        name: &str,
        secret: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<(), EngineError> {
        let found = self.0.catalogue.toolkits().iter().find_map(|toolkit| {
            let hook = toolkit.hooks.iter().find(|hook| hook.name() == name)?;
            Some((toolkit.name, hook.clone()))
        });
        let (Some((toolkit, hook)), true) = (found, self.0.store.is_hook_secret(name, secret).await?) else {
            return Err(EngineError::NotFound("hook"));
        };
        let Some(notification) = hook.receive(content_type, body).await? else { return Ok(()) };
        let at_ms = self.0.clock.now_ms() + HINT_MS;
        let followed = self.0.store.look_soon(toolkit, &notification.subjects, at_ms).await?;
        self.0.heard.notify_one();
        tracing::info!(hook = name, kind = %shorten(&notification.kind, 60), followed, "a webhook came in");
        metrics::counter!("majordomo_hooks_total", "hook" => name.to_owned()).increment(1);
        if let Some(trouble) = &notification.trouble {
            let news = self.news_for_admins(&format!("{name} {}", notification.kind), trouble).await?;
            self.0.store.add_news(news).await?;
        }
        Ok(())
    }

    /// Every webhook that is understood, with when its address was made. For admins.
    pub async fn hooks(&self, person: &Person) -> Result<Vec<(String, Option<Millis>)>, EngineError> {
        only_admins(person)?;
        let mut hooks = Vec::new();
        for name in self.hook_names() {
            hooks.push((name.clone(), self.0.store.hook_made_at(&name).await?));
        }
        Ok(hooks)
    }

    /// Make the secret of a hook's address, in place of the one before it. It is told this once: only its digest is kept. For admins.
    pub async fn make_hook_secret(&self, person: &Person, name: &str) -> Result<String, EngineError> {
        self.known_hook(person, name)?;
        let secret = self.0.store.make_hook_secret(name, self.0.clock.now_ms()).await?;
        self.hook_changed(person, name, "a new address was made").await;
        Ok(secret)
    }

    /// Make a hook's address void. For admins.
    pub async fn remove_hook_secret(&self, person: &Person, name: &str) -> Result<(), EngineError> {
        self.known_hook(person, name)?;
        if !self.0.store.remove_hook_secret(name).await? {
            return Err(EngineError::NotFound("hook"));
        }
        self.hook_changed(person, name, "the address was made void").await;
        Ok(())
    }

    fn hook_names(&self) -> Vec<String> {
        let hooks = self.0.catalogue.toolkits().iter().flat_map(|toolkit| &toolkit.hooks);
        hooks.map(|hook| hook.name().to_owned()).collect()
    }

    fn known_hook(&self, person: &Person, name: &str) -> Result<(), EngineError> {
        only_admins(person)?;
        let is_known = self.hook_names().iter().any(|known| known == name);
        is_known.then_some(()).ok_or(EngineError::NotFound("hook"))
    }

    async fn hook_changed(&self, person: &Person, name: &str, detail: &str) {
        self.write_down(NewAudit {
            at_ms: self.0.clock.now_ms(),
            actor: Some(person.id),
            kind: "hook",
            subject: name.to_owned(),
            conversation: None,
            turn: None,
            detail: detail.to_owned(),
        })
        .await;
    }

    /// What the household asked for, newest first. Guests see their own.
    pub async fn requests(
        &self,
        person: &Person,
        is_own: bool,
        only_open: bool,
        before_ms: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Request>, EngineError> {
        let own = is_own || person.standing == Standing::Guest;
        let filter = RequestFilter { person: own.then_some(person.id), only_open, before_ms, limit };
        Ok(self.0.store.requests(filter).await?)
    }

    /// One of them with its story; a guest's only if it is theirs.
    pub async fn request_detail(&self, person: &Person, id: RequestId) -> Result<RequestDetail, EngineError> {
        let request = self.0.store.request(id).await?;
        let watchers = self.0.store.watchers(id).await?;
        let is_theirs = request.owner == person.id || watchers.iter().any(|w| w.person == person.id);
        if person.standing == Standing::Guest && !is_theirs {
            return Err(EngineError::NotFound("request"));
        }
        let story = self.0.store.request_story(id).await?;
        Ok(RequestDetail { request, watchers, story })
    }

    /// Wait for it too, or be told otherwise than before. News come where news come that have no conversation.
    pub async fn watch_request(&self, person: &Person, id: RequestId, level: NoticeLevel) -> Result<(), EngineError> {
        let detail = self.request_detail(person, id).await?;
        if detail.request.state.is_over() {
            return Err(EngineError::Conflict("this request is over".into()));
        }
        let told = detail.request.progress.as_ref().map(Progress::known_at_first).unwrap_or_default();
        let watcher = Watcher {
            person: person.id,
            conversation: ConversationId(Default::default()),
            agent: detail.request.agent,
            address: Address::new("web", ""),
            level,
            told,
            since_ms: self.0.clock.now_ms(),
        };
        let text = format!("{} waits for it too", person.name);
        Ok(self.0.store.watch_request(id, watcher, text).await?)
    }

    pub async fn unwatch_request(&self, person: &Person, id: RequestId) -> Result<(), EngineError> {
        self.request_detail(person, id).await?;
        self.0.store.unwatch_request(id, person.id).await?;
        Ok(())
    }

    /// Take a wish back: its owner, or an admin. What was fetched already stays.
    pub async fn cancel_request(&self, person: &Person, id: RequestId) -> Result<(), EngineError> {
        let detail = self.request_detail(person, id).await?;
        if detail.request.owner != person.id && person.standing != Standing::Admin {
            return Err(EngineError::NotAllowed("only the one who asked, or an admin, takes a request back".into()));
        }
        let text = format!("taken back by {}", person.name);
        let now_ms = self.0.clock.now_ms();
        let closed =
            self.0.store.close_request(id, RequestState::Cancelled, Some(person.id), text.clone(), now_ms).await?;
        if !closed {
            return Err(EngineError::Conflict("this request is over already".into()));
        }
        self.write_down(NewAudit {
            at_ms: now_ms,
            actor: Some(person.id),
            kind: "request",
            subject: shorten(&detail.request.title, 190),
            conversation: None,
            turn: None,
            detail: text,
        })
        .await;
        Ok(())
    }

    /// Look at requests again now, such as after a change by hand.
    pub async fn look_again(&self, id: RequestId) -> Result<(), EngineError> {
        let request = self.0.store.request(id).await?;
        self.0.store.look_soon(&request.toolkit, &[request.subject], self.0.clock.now_ms()).await?;
        Ok(())
    }
}

fn only_admins(person: &Person) -> Result<(), EngineError> {
    match person.standing {
        Standing::Admin => Ok(()),
        Standing::Member | Standing::Child | Standing::Guest => {
            Err(EngineError::NotAllowed("only an admin says who may call this house".into()))
        }
    }
}

fn event(kind: &str, text: &str, at_ms: i64) -> RequestEvent {
    RequestEvent { at_ms, kind: kind.into(), actor: None, text: text.into() }
}

fn failed(title: &str, progress: &Progress) -> String {
    let reason = progress.failure.as_deref().unwrap_or_default().trim_end_matches('.');
    format!("{title} cannot be had as it was wished for: {reason}.")
}
