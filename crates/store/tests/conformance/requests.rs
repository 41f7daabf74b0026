//! What the household wants: one wish for each subject, its story, those who wait, and news that are told once.

use super::*;
use futures_util::future::join_all;
use majordomo_domain::{
    ApprovalId, ApprovalState, Approvers, Card, NoticeLevel, Progress, Report, ReportId, ReportState, Request,
    RequestId, RequestState,
    approval::{Approval, Fingerprint},
    op::Task,
    request::{RequestEvent, RequestItem, Watcher},
};
use majordomo_store::{
    Advance, AskOutcome, NewAudit, NewDecision, NewRequest, NewTurn, News, ReportFilter, RequestFilter, RequestUsage,
};
use serde_json::json;

pub(crate) fn wish(owner: PersonId, subject: &str, state: RequestState, at_ms: i64) -> NewRequest {
    NewRequest {
        request: Request {
            id: RequestId::new(),
            toolkit: "media".into(),
            subject: subject.into(),
            title: "Metropolis (1927)".into(),
            picture: Some("tmdb:w342/a.jpg".into()),
            owner,
            agent: AgentId::new(),
            wish: json!({"tmdb": 19, "instance": "default"}),
            state,
            progress: None,
            size_bytes: Some(9_000_000_000),
            created_at_ms: at_ms,
            updated_at_ms: at_ms,
            closed_at_ms: None,
            revision: 1,
        },
        watcher: watcher(owner, at_ms),
        asked: None,
        text: "asked for Metropolis".into(),
        look_at_ms: at_ms + 1_000,
    }
}

fn watcher(person: PersonId, at_ms: i64) -> Watcher {
    Watcher {
        person,
        conversation: ConversationId::new(),
        agent: AgentId::new(),
        address: Address::new("web", "here"),
        level: NoticeLevel::Each,
        told: vec!["s01e01".into()],
        since_ms: at_ms,
    }
}

fn advance(request: &Request, state: RequestState, news: Vec<News>) -> Advance {
    let items = vec![RequestItem { key: "film".into(), is_watchable: true, ..RequestItem::default() }];
    Advance {
        request: request.id,
        revision: request.revision,
        state,
        progress: Some(Progress { line: "it is here".into(), items, ..Progress::default() }),
        events: vec![RequestEvent { at_ms: 500, kind: state.as_str().into(), actor: None, text: "it is here".into() }],
        told: vec![(request.owner, vec!["film".into()])],
        news,
        look_at_ms: 9_000,
        now_ms: 500,
    }
}

fn news(person: PersonId, conversation: ConversationId, due_at_ms: i64) -> News {
    News {
        id: News::new_id(),
        person,
        conversation,
        agent: AgentId::new(),
        address: Address::new("web", "here"),
        subject: "film tmdb:19".into(),
        text: "Metropolis is ready to watch.".into(),
        due_at_ms,
        created_at_ms: 500,
    }
}

#[tokio::test]
async fn a_second_wish_for_the_same_joins_the_first() {
    on_every_database(async |store| {
        let (one, two) = (PersonId::new(), PersonId::new());
        let first = wish(one, "film tmdb:19", RequestState::Wanted, 100);
        let opened = store.ask_request(first.clone()).await.unwrap();
        assert_eq!(opened, AskOutcome::Opened(Box::new(first.request.clone())));
        assert_eq!(store.request(first.request.id).await.unwrap(), first.request, "it is read back whole");

        for _ in 0..2 {
            let joined = store.ask_request(wish(two, "film tmdb:19", RequestState::Wanted, 200)).await.unwrap();
            assert!(matches!(joined, AskOutcome::Joined(r) if r.id == first.request.id));
        }
        let people: Vec<_> = store.watchers(first.request.id).await.unwrap().iter().map(|w| w.person).collect();
        assert_eq!(people, [one, two]);
        assert_eq!(store.watchers(first.request.id).await.unwrap()[0], first.watcher);
        let story: Vec<_> =
            store.request_story(first.request.id).await.unwrap().into_iter().map(|e| (e.kind, e.actor)).collect();
        assert_eq!(story, [("asked".to_owned(), Some(one)), ("joined".to_owned(), Some(two))]);

        store.ask_request(wish(two, "film tmdb:653", RequestState::Wanted, 300)).await.unwrap();
        let of = async |person, only_open| {
            let filter = RequestFilter { person, only_open, before_ms: None, limit: 50 };
            store.requests(filter).await.unwrap().len()
        };
        assert_eq!((of(None, true).await, of(Some(one), true).await, of(Some(two), true).await), (2, 1, 2));
        assert!(
            store.close_request(first.request.id, RequestState::Cancelled, Some(one), "no".into(), 400).await.unwrap()
        );
        assert!(!store.close_request(first.request.id, RequestState::Failed, None, "no".into(), 400).await.unwrap());
        assert_eq!((of(None, true).await, of(None, false).await), (1, 2));
        let again = store.ask_request(wish(one, "film tmdb:19", RequestState::Wanted, 500)).await.unwrap();
        assert!(matches!(again, AskOutcome::Opened(_)), "what is over may be wished for again");
    })
    .await;
}

#[tokio::test]
async fn a_look_and_its_news_are_one_and_news_are_told_once() {
    on_every_database(async |store| {
        let new = conversation(PersonId::new());
        store.create_conversation(new.clone()).await.unwrap();
        let wanted = wish(new.owner, "film tmdb:19", RequestState::Wanted, 100);
        store.ask_request(wanted.clone()).await.unwrap();
        assert_eq!(store.next_follow().await.unwrap(), Some(1_100));
        assert_eq!(store.due_requests(1_099, 10).await.unwrap(), []);
        let due = store.due_requests(1_100, 10).await.unwrap().remove(0);

        let told = news(new.owner, new.id, 700);
        assert!(store.advance_request(advance(&due, RequestState::Watchable, vec![told.clone()])).await.unwrap());
        // Whoever looked at the same moment is too late, and tells nothing.
        let late = advance(&due, RequestState::Watchable, vec![news(new.owner, new.id, 700)]);
        assert!(!store.advance_request(late).await.unwrap());
        let now = store.request(due.id).await.unwrap();
        assert_eq!((now.state, now.closed_at_ms, now.revision), (RequestState::Watchable, Some(500), 2));
        assert_eq!(now.progress.unwrap().line, "it is here");
        assert_eq!(store.watchers(due.id).await.unwrap()[0].told, ["film"]);
        assert_eq!(store.next_follow().await.unwrap(), Some(700));

        assert_eq!(store.due_news(699, 10).await.unwrap(), []);
        assert_eq!(store.due_news(700, 10).await.unwrap(), std::slice::from_ref(&told));
        let say = Say { task: Task::News, ..said(&new, "Metropolis is ready to watch.", None, 800).say };
        let turn = || NewTurn { id: TurnId::new(), say: say.clone(), create: None, claim: None, now_ms: 800 };
        assert!(store.tell_news(vec![told.id.clone()], turn()).await.unwrap().is_some());
        assert!(store.tell_news(vec![told.id.clone()], turn()).await.unwrap().is_none(), "told already");
        assert_eq!(store.due_news(10_000, 10).await.unwrap(), []);
        assert_eq!(store.unfinished_turns("a", 1_000_000, |_| false).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_wish_ends_with_the_decision_about_it() {
    on_every_database(async |store| {
        for (state, outcome, expected, last) in [
            (ApprovalState::Declined, Some("too\nbig"), RequestState::Declined, "declined: too\nbig"),
            (ApprovalState::Expired, None, RequestState::Declined, "nobody decided in time"),
            (ApprovalState::Approved, None, RequestState::Asked, "approved"),
        ] {
            let new = conversation(PersonId::new());
            store.create_conversation(new.clone()).await.unwrap();
            let say = said(&new, "Metropolis, please", Some("a"), 100);
            let (_, fence) = accepted(&store, &say).await;
            let subject = format!("film {}", state.as_str());
            let asked = NewRequest {
                asked: Some((say.turn, "call_1".into())),
                ..wish(new.owner, &subject, RequestState::Asked, 150)
            };
            store.ask_request(asked.clone()).await.unwrap();
            // Two more wait for it: one of them decides.
            let (bea, admin) = (PersonId::new(), PersonId::new());
            let joined = wish(bea, &subject, RequestState::Asked, 160);
            let place = joined.watcher.conversation;
            store.ask_request(joined).await.unwrap();
            store.ask_request(wish(admin, &subject, RequestState::Asked, 170)).await.unwrap();
            let approval = parked(&say);
            let entry = majordomo_store::Entry {
                turn: say.turn,
                conversation: new.id,
                fence: fence.unwrap(),
                steps: Vec::new(),
                approvals: vec![approval.clone()],
                begins: None,
                settles: None,
                audit: Vec::new(),
            };
            store.enter(entry).await.unwrap();
            assert_eq!(store.close_unasked_requests(10_000, 10_000).await.unwrap(), 0, "somebody is asked");
            let decided = NewDecision {
                approval: approval.id,
                by: (state != ApprovalState::Expired).then_some(admin),
                state,
                outcome: outcome.map(str::to_owned),
                turn: Some(NewTurn {
                    id: TurnId::new(),
                    say: Say { task: Task::Decision { approval: approval.id }, ..say.say.clone() },
                    create: None,
                    claim: None,
                    now_ms: 200,
                }),
                replacement: None,
                audit: NewAudit {
                    at_ms: 200,
                    actor: None,
                    kind: "approval",
                    subject: "media_request".into(),
                    conversation: None,
                    turn: None,
                    detail: String::new(),
                },
                now_ms: 200,
            };
            store.decide(decided).await.unwrap();
            let request = store.request(asked.request.id).await.unwrap();
            let story = store.request_story(request.id).await.unwrap();
            assert_eq!((request.state, story.last().unwrap().text.as_str()), (expected, last));

            // Who asked reads it in the turn of the decision; who waits too is told where they asked, the one who decided is not.
            let told = store.due_news(10_000, 10).await.unwrap();
            let to = |person| told.iter().filter(move |news| news.person == person).map(|news| news.text.as_str());
            assert_eq!(to(new.owner).count(), 0, "{told:?}");
            let text = match state {
                ApprovalState::Declined => "Metropolis (1927) was declined: “too big”",
                _ => "Metropolis (1927) was not asked for: nobody decided in time.",
            };
            let expected = if state == ApprovalState::Approved { Vec::new() } else { vec![text] };
            assert_eq!(to(bea).collect::<Vec<_>>(), expected);
            assert_eq!(to(admin).count(), usize::from(state == ApprovalState::Expired));
            assert!(told.iter().filter(|news| news.person == bea).all(|news| news.conversation == place));
            for news in told {
                let begins = conversation(news.person);
                let say = Say { task: Task::News, ..said(&begins, &news.text, None, 800).say };
                let turn = NewTurn { id: TurnId::new(), say, create: Some(begins), claim: None, now_ms: 800 };
                assert!(store.tell_news(vec![news.id], turn).await.unwrap().is_some());
            }
        }
    })
    .await;
}

fn parked(say: &NewSay) -> Approval {
    Approval {
        id: ApprovalId::new(),
        conversation: say.say.conversation,
        turn: say.turn,
        call_id: "call_1".into(),
        agent: say.say.agent,
        requester: say.say.author,
        tool: "media_request".into(),
        instance: String::new(),
        arguments: "{}".into(),
        schema_hash: "aa".into(),
        fingerprint: Fingerprint("bb".into()),
        approvers: Approvers::REQUESTER,
        card: Card::new("Metropolis"),
        wording: Default::default(),
        state: ApprovalState::Open,
        created_at_ms: 100,
        expires_at_ms: 1_000_000,
        decided_at_ms: None,
        decided_by: None,
        decision_turn: None,
        replaces: None,
        outcome: None,
    }
}

#[tokio::test]
async fn quotas_count_what_was_asked_and_forgetting_leaves_what_others_wait_for() {
    on_every_database(async |store| {
        let (one, two) = (person("One"), person("Two"));
        store.put_person(&one).await.unwrap();
        store.put_person(&two).await.unwrap();
        let old = wish(one.id, "film old", RequestState::Wanted, 100);
        let shared = wish(one.id, "film shared", RequestState::Wanted, 1_000);
        let declined = wish(one.id, "film declined", RequestState::Wanted, 1_500);
        for new in [&old, &shared, &declined] {
            store.ask_request((*new).clone()).await.unwrap();
        }
        store.close_request(declined.request.id, RequestState::Declined, None, "no".into(), 1_600).await.unwrap();
        let nobody = (TurnId::new(), "call_9");
        let usage = store.request_usage(one.id, 500, "film another", nobody).await.unwrap();
        let expected = RequestUsage { count: 1, size_bytes: 9_000_000_000, open: 2, oldest_ms: Some(1_000) };
        assert_eq!(usage, expected);
        let more = store.request_usage(one.id, 500, "film shared", nobody).await.unwrap();
        let expected = RequestUsage { count: 0, size_bytes: 9_000_000_000, open: 1, oldest_ms: None };
        assert_eq!(more, expected, "more of the same is no further request");
        let call = TurnId::new();
        let asked = NewRequest {
            asked: Some((call, "call_1".into())),
            ..wish(one.id, "film asked", RequestState::Asked, 1_700)
        };
        store.ask_request(asked.clone()).await.unwrap();
        for (subject, by) in [("film asked", nobody), ("film asked 4k", (call, "call_1"))] {
            let again = store.request_usage(one.id, 1_600, subject, by).await.unwrap();
            assert_eq!((again.count, again.size_bytes, again.open), (0, 0, 2), "it is not counted against itself");
        }
        store.close_request(asked.request.id, RequestState::Cancelled, None, "no".into(), 1_800).await.unwrap();

        store.watch_request(shared.request.id, watcher(two.id, 2_000), "Two waits too".into()).await.unwrap();
        store.forget_person(one.id).await.unwrap();
        assert!(matches!(store.request(old.request.id).await, Err(StoreError::NotFound(_))));
        let left = store.request(shared.request.id).await.unwrap();
        assert_eq!(left.owner, two.id);
        let actors: Vec<_> = store.request_story(left.id).await.unwrap().iter().map(|line| line.actor).collect();
        assert_eq!(actors, [None, Some(two.id)]);
        assert!(store.unwatch_request(left.id, two.id).await.unwrap());
        assert!(!store.unwatch_request(left.id, two.id).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_hint_is_looked_into_soon_and_only_where_it_belongs() {
    on_every_database(async |store| {
        let owner = PersonId::new();
        for subject in ["film tmdb:19", "film tmdb:653"] {
            store.ask_request(wish(owner, subject, RequestState::Wanted, 5_000)).await.unwrap();
        }
        assert_eq!(store.look_soon("media", &["film tmdb:19".into(), "film unknown".into()], 50).await.unwrap(), 1);
        let due = store.due_requests(60, 10).await.unwrap();
        assert_eq!(due.iter().map(|r| r.subject.as_str()).collect::<Vec<_>>(), ["film tmdb:19"]);
        assert_eq!(store.look_soon("media", &[], 55).await.unwrap(), 1, "the other one");
        assert_eq!(store.look_soon("party", &[], 10).await.unwrap(), 0);

        let orphan = NewRequest {
            asked: Some((TurnId::new(), "call_1".into())),
            ..wish(owner, "film orphan", RequestState::Asked, 100)
        };
        store.ask_request(orphan.clone()).await.unwrap();
        assert_eq!(store.close_unasked_requests(100, 900).await.unwrap(), 0, "too young");
        assert_eq!(store.close_unasked_requests(101, 900).await.unwrap(), 1);
        assert_eq!(store.request(orphan.request.id).await.unwrap().state, RequestState::Declined);
    })
    .await;
}

#[tokio::test]
async fn of_many_who_ask_for_the_same_at_once_one_opens_it_and_all_wait() {
    on_every_pair(async |one, two| {
        for round in 0..5 {
            let subject = format!("film tmdb:{round}");
            let asks = (0..16).map(|n| {
                let store = if n % 2 == 0 { &one } else { &two };
                store.ask_request(wish(PersonId::new(), &subject, RequestState::Wanted, 100))
            });
            let outcomes: Vec<_> = join_all(asks).await.into_iter().map(|asked| asked.expect("tried again")).collect();
            let opened = outcomes.iter().filter(|outcome| matches!(outcome, AskOutcome::Opened(_))).count();
            assert_eq!(opened, 1, "{outcomes:?}");
            let open = two.open_request("media", &subject).await.unwrap().unwrap();
            assert_eq!(one.watchers(open.id).await.unwrap().len(), 16);
        }
        let filter = RequestFilter { person: None, only_open: false, before_ms: None, limit: 50 };
        assert_eq!(one.requests(filter).await.unwrap().len(), 5);
    })
    .await;
}

#[tokio::test]
async fn a_database_from_before_the_key_is_taken_over_and_keeps_a_second_open_row_out() {
    on_every_address(async |address| {
        let store = Store::open(&address).await.unwrap();
        let first = wish(PersonId::new(), "film tmdb:19", RequestState::Wanted, 100);
        store.ask_request(first.clone()).await.unwrap();
        let over = wish(PersonId::new(), "film tmdb:20", RequestState::Wanted, 100);
        store.ask_request(over.clone()).await.unwrap();
        store.close_request(over.request.id, RequestState::Cancelled, None, "no".into(), 200).await.unwrap();
        store.close().await;
        let index = if address.starts_with("mysql") { "requests_open ON requests" } else { "requests_open" };
        let twin = |id: &str, column: &str, value: &str| {
            format!(
                "INSERT INTO requests (id, toolkit, subject, title, owner_id, agent_id, wish, state, created_at_ms, updated_at_ms, \
                 look_at_ms, revision{column}) SELECT '{id}', toolkit, subject, title, owner_id, agent_id, wish, state, created_at_ms, \
                 updated_at_ms, look_at_ms, revision{value} FROM requests WHERE id = '{}'",
                first.request.id
            )
        };
        let late = RequestId::new();
        for statement in [
            format!("DROP INDEX {index}"),
            "ALTER TABLE requests DROP COLUMN open_key".into(),
            // What came after the key.
            "ALTER TABLE turns DROP COLUMN stop_at_ms".into(),
            "DROP TABLE request_past".into(),
            "DROP TABLE past_marks".into(),
            "DROP TABLE request_questions".into(),
            "DROP TABLE reports".into(),
            "DELETE FROM schema_version WHERE version >= 4".into(),
            twin(&late.to_string(), "", ""),
        ] {
            ask(&address, &statement).await;
        }
        let store = Store::open(&address).await.unwrap();
        let joined = store.ask_request(wish(PersonId::new(), "film tmdb:19", RequestState::Wanted, 300)).await.unwrap();
        assert!(matches!(joined, AskOutcome::Joined(open) if open.id == first.request.id));
        let again = store.ask_request(wish(PersonId::new(), "film tmdb:20", RequestState::Wanted, 300)).await.unwrap();
        assert!(matches!(again, AskOutcome::Opened(_)), "what is over holds no key");
        store.close().await;

        use sqlx::{AssertSqlSafe, Connection, Executor};
        let mut connection = sqlx::AnyConnection::connect(&address).await.unwrap();
        let third = twin(&RequestId::new().to_string(), ", open_key", ", open_key");
        assert!(connection.execute(AssertSqlSafe(third)).await.is_err(), "the database itself refuses it");
        connection.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_question_asked_otherwise_takes_its_wish_along() {
    on_every_database(async |store| {
        let (ada, bea) = (PersonId::new(), PersonId::new());
        let call = Some((TurnId::new(), "call_1".to_owned()));
        let own = NewRequest { asked: call.clone(), ..wish(ada, "film tmdb:19 default", RequestState::Asked, 100) };
        store.ask_request(own.clone()).await.unwrap();
        let mut otherwise =
            NewRequest { asked: call.clone(), ..wish(ada, "film tmdb:19 4k", RequestState::Asked, 200) };
        otherwise.request.wish = json!({"tmdb": 19, "instance": "4k"});
        otherwise.request.size_bytes = Some(40_000_000_000);
        for _ in 0..2 {
            let changed = store.ask_request(otherwise.clone()).await.unwrap();
            assert_eq!(changed, AskOutcome::Changed(own.request.id));
        }
        let now = store.request(own.request.id).await.unwrap();
        assert_eq!((now.subject.as_str(), &now.wish), ("film tmdb:19 4k", &otherwise.request.wish));
        assert_eq!((now.size_bytes, now.state, now.revision), (Some(40_000_000_000), RequestState::Asked, 2));
        assert!(store.open_request("media", "film tmdb:19 default").await.unwrap().is_none());
        let opened = store.ask_request(wish(bea, "film tmdb:19 default", RequestState::Wanted, 300)).await.unwrap();
        assert!(matches!(opened, AskOutcome::Opened(_)), "the old subject is free");

        // Back to what somebody else has asked for meanwhile: one row, and both wait for it.
        let back = NewRequest { asked: call, ..wish(ada, "film tmdb:19 default", RequestState::Asked, 400) };
        assert!(matches!(store.ask_request(back).await.unwrap(), AskOutcome::Joined(_)));
        assert_eq!(store.request(own.request.id).await.unwrap().state, RequestState::Cancelled);
        let open = store.open_request("media", "film tmdb:19 default").await.unwrap().unwrap();
        let people: Vec<_> = store.watchers(open.id).await.unwrap().iter().map(|watcher| watcher.person).collect();
        assert_eq!(people, [ada, bea]);
        assert_eq!(store.due_news(10_000, 10).await.unwrap(), [], "nobody lost anything");
    })
    .await;
}

/// Somebody who asked, and whose question about it waits for a decision.
struct Asking {
    person: PersonId,
    request: RequestId,
    say: NewSay,
    approval: Approval,
}

async fn asking(store: &Store, subject: &str, at_ms: i64) -> Asking {
    asking_as(store, PersonId::new(), subject, at_ms).await
}

async fn asking_as(store: &Store, person: PersonId, subject: &str, at_ms: i64) -> Asking {
    let new = conversation(person);
    store.create_conversation(new.clone()).await.unwrap();
    let say = said(&new, "Metropolis, please", Some("a"), at_ms);
    let (_, fence) = accepted(store, &say).await;
    let mut asked =
        NewRequest { asked: Some((say.turn, "call_1".into())), ..wish(new.owner, subject, RequestState::Asked, at_ms) };
    asked.request.wish = json!({"asked_at": at_ms});
    let outcome = store.ask_request(asked.clone()).await.unwrap();
    let request = match outcome {
        AskOutcome::Opened(request) | AskOutcome::Joined(request) => request.id,
        AskOutcome::Changed(id) => id,
    };
    let approval = parked(&say);
    let entry = majordomo_store::Entry {
        turn: say.turn,
        conversation: new.id,
        fence: fence.unwrap(),
        steps: Vec::new(),
        approvals: vec![approval.clone()],
        begins: None,
        settles: None,
        audit: Vec::new(),
    };
    store.enter(entry).await.unwrap();
    Asking { person: new.owner, request, say, approval }
}

impl Asking {
    /// With the turn in which they read it; None when there is no conversation left for one.
    async fn decided(&self, store: &Store, state: ApprovalState, has_turn: bool) {
        let turn = NewTurn {
            id: TurnId::new(),
            say: Say { task: Task::Decision { approval: self.approval.id }, ..self.say.say.clone() },
            create: None,
            claim: None,
            now_ms: 1_000,
        };
        let audit = NewAudit {
            at_ms: 1_000,
            actor: None,
            kind: "approval",
            subject: "media_request".into(),
            conversation: None,
            turn: None,
            detail: String::new(),
        };
        let decided = NewDecision {
            approval: self.approval.id,
            by: (state != ApprovalState::Expired).then(PersonId::new),
            state,
            outcome: None,
            turn: has_turn.then_some(turn),
            replacement: None,
            audit,
            now_ms: 1_000,
        };
        store.decide(decided).await.unwrap();
    }

    /// What they do after a yes.
    async fn have_it(&self, store: &Store, subject: &str) -> AskOutcome {
        store.ask_request(wish(self.person, subject, RequestState::Wanted, 1_500)).await.unwrap()
    }
}

async fn waiting(store: &Store, id: RequestId) -> Vec<PersonId> {
    store.watchers(id).await.unwrap().into_iter().map(|watcher| watcher.person).collect()
}

async fn told(store: &Store) -> Vec<PersonId> {
    store.due_news(10_000, 50).await.unwrap().into_iter().map(|news| news.person).collect()
}

#[tokio::test]
async fn a_no_to_the_first_leaves_the_wish_to_who_waits_for_a_decision_of_their_own() {
    on_every_database(async |store| {
        let subject = "film tmdb:19";
        let (ada, bea) = (asking(&store, subject, 100).await, asking(&store, subject, 200).await);
        assert_eq!(ada.request, bea.request, "one row");
        // Somebody who only wants to be told has no question.
        let cleo = PersonId::new();
        store.watch_request(ada.request, watcher(cleo, 300), "waits too".into()).await.unwrap();
        let named: Vec<_> = store.asked_requests().await.unwrap();
        assert_eq!(named.len(), 2, "both questions are about it: {named:?}");

        ada.decided(&store, ApprovalState::Declined, true).await;
        let left = store.request(ada.request).await.unwrap();
        assert_eq!((left.state, left.owner, left.closed_at_ms), (RequestState::Asked, bea.person, None));
        assert_eq!(left.wish, json!({"asked_at": 200}), "it is what the second one asked for");
        assert_eq!(waiting(&store, left.id).await, [bea.person, cleo]);
        assert_eq!(
            told(&store).await,
            [],
            "who asked reads it in the turn of the decision, for the others nothing ended"
        );
        let story = store.request_story(left.id).await.unwrap();
        assert_eq!(story.last().unwrap().text, "declined; somebody else still waits for a decision");
        assert_eq!(store.close_unasked_requests(10_000, 10_000).await.unwrap(), 0, "somebody is asked");

        bea.decided(&store, ApprovalState::Approved, true).await;
        assert!(matches!(bea.have_it(&store, subject).await, AskOutcome::Joined(row) if row.id == left.id));
        assert_eq!(store.request(left.id).await.unwrap().state, RequestState::Wanted);
    })
    .await;
}

#[tokio::test]
async fn when_nobody_is_left_who_waits_for_a_decision_the_wish_ends_for_all() {
    on_every_database(async |store| {
        let subject = "film tmdb:19";
        let (ada, bea) = (asking(&store, subject, 100).await, asking(&store, subject, 200).await);
        let cleo = PersonId::new();
        store.watch_request(ada.request, watcher(cleo, 300), "waits too".into()).await.unwrap();
        // Nobody decides about the first, and there is no turn in which to read so.
        ada.decided(&store, ApprovalState::Expired, false).await;
        assert_eq!(told(&store).await, [ada.person]);
        bea.decided(&store, ApprovalState::Declined, true).await;
        let over = store.request(ada.request).await.unwrap();
        assert_eq!((over.state, over.owner), (RequestState::Declined, bea.person));
        assert_eq!(told(&store).await, [ada.person, cleo], "each once");
        assert!(store.open_request("media", subject).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_no_to_who_joined_takes_nothing_from_the_first() {
    on_every_database(async |store| {
        let subject = "film tmdb:19";
        let (ada, bea) = (asking(&store, subject, 100).await, asking(&store, subject, 200).await);
        bea.decided(&store, ApprovalState::Declined, true).await;
        let left = store.request(ada.request).await.unwrap();
        assert_eq!((left.state, left.owner), (RequestState::Asked, ada.person));
        assert_eq!(waiting(&store, left.id).await, [ada.person]);
        ada.decided(&store, ApprovalState::Declined, true).await;
        assert_eq!(store.request(left.id).await.unwrap().state, RequestState::Declined);
        assert_eq!(told(&store).await, [], "who was told no waits for nothing");

        // Who waited before for something of it still does after a no to more of it.
        let again = wish(bea.person, "series tvdb:9", RequestState::Wanted, 300);
        store.ask_request(again.clone()).await.unwrap();
        let more = asking_as(&store, bea.person, "series tvdb:9", 400).await;
        more.decided(&store, ApprovalState::Declined, true).await;
        assert_eq!(waiting(&store, again.request.id).await, [bea.person]);
    })
    .await;
}

#[tokio::test]
async fn who_may_have_it_at_once_owns_it_and_the_first_goes_on_waiting_for_a_decision() {
    on_every_database(async |store| {
        let subject = "film tmdb:19";
        let ada = asking(&store, subject, 100).await;
        let bea = PersonId::new();
        store.ask_request(wish(bea, subject, RequestState::Wanted, 200)).await.unwrap();
        let wanted = store.request(ada.request).await.unwrap();
        assert_eq!((wanted.state, wanted.owner), (RequestState::Wanted, bea));
        assert_eq!(waiting(&store, wanted.id).await, [ada.person, bea]);
        ada.decided(&store, ApprovalState::Declined, true).await;
        let wanted = store.request(ada.request).await.unwrap();
        assert_eq!((wanted.state, waiting(&store, wanted.id).await), (RequestState::Wanted, vec![bea]));
    })
    .await;
}

#[tokio::test]
async fn asking_otherwise_and_taking_back_leave_the_wish_to_who_joined() {
    on_every_database(async |store| {
        let subject = "film tmdb:19 default";
        let (ada, bea) = (asking(&store, subject, 100).await, asking(&store, subject, 200).await);
        let otherwise = NewRequest {
            asked: Some((ada.say.turn, "call_1".into())),
            ..wish(ada.person, "film tmdb:19 4k", RequestState::Asked, 300)
        };
        assert!(matches!(store.ask_request(otherwise.clone()).await.unwrap(), AskOutcome::Opened(_)));
        let old = store.open_request("media", subject).await.unwrap().unwrap();
        assert_eq!((old.id, old.owner, waiting(&store, old.id).await), (ada.request, bea.person, vec![bea.person]));
        let new = store.open_request("media", "film tmdb:19 4k").await.unwrap().unwrap();
        assert_eq!((new.owner, waiting(&store, new.id).await), (ada.person, vec![ada.person]));
        ada.decided(&store, ApprovalState::Declined, true).await;
        assert_eq!(store.request(new.id).await.unwrap().state, RequestState::Declined);
        assert_eq!(store.request(old.id).await.unwrap().state, RequestState::Asked);

        // Who joined asks otherwise: nothing of them is left at the first.
        let cleo = asking(&store, subject, 400).await;
        let other = NewRequest {
            asked: Some((cleo.say.turn, "call_1".into())),
            ..wish(cleo.person, "film tmdb:20 default", RequestState::Asked, 500)
        };
        store.ask_request(other).await.unwrap();
        assert_eq!(waiting(&store, old.id).await, [bea.person]);
        let dora = asking(&store, subject, 600).await;
        let taken_back = "taken back".to_owned();
        let closed = store.close_request(old.id, RequestState::Cancelled, Some(bea.person), taken_back, 700).await;
        assert!(closed.unwrap());
        let left = store.request(old.id).await.unwrap();
        assert_eq!(
            (left.state, left.owner, waiting(&store, left.id).await),
            (RequestState::Asked, dora.person, vec![dora.person])
        );
    })
    .await;
}

fn reported(reporter: PersonId, text: &str, request: Option<RequestId>, at_ms: i64) -> Report {
    Report {
        id: ReportId::new(),
        toolkit: "media".into(),
        subject: "film tmdb:19 default".into(),
        title: "Metropolis (1927)".into(),
        picture: Some("tmdb:w342/a.jpg".into()),
        text: text.into(),
        reporter,
        conversation: ConversationId::new(),
        agent: AgentId::new(),
        address: Address::new("web", "here"),
        request,
        state: ReportState::Open,
        answer: None,
        created_at_ms: at_ms,
        closed_at_ms: None,
        closed_by: None,
    }
}

#[tokio::test]
async fn a_report_is_kept_once_also_without_a_request_and_its_end_is_told_to_who_reported() {
    on_every_database(async |store| {
        let (one, admin) = (person("One"), person("Admin"));
        store.put_person(&one).await.unwrap();
        store.put_person(&admin).await.unwrap();
        let report = reported(one.id, "no subtitles", None, 100);
        let to_admin = || vec![News::to_admin(admin.id, report.agent, &report.subject, "One reports", 100)];
        assert!(store.put_report(report.clone(), "One reports".into(), to_admin()).await.unwrap());
        assert_eq!(store.report(report.id).await.unwrap(), report, "it is read back whole");
        let same = reported(one.id, "no subtitles", None, 200);
        assert!(!store.put_report(same, "One reports".into(), to_admin()).await.unwrap(), "known already");
        assert_eq!(told(&store).await, [admin.id], "once");
        // One that came by a request stands in its story too.
        let asked = wish(one.id, "film tmdb:19 default", RequestState::Wanted, 100);
        store.ask_request(asked.clone()).await.unwrap();
        let second = reported(one.id, "bad quality", Some(asked.request.id), 300);
        assert!(store.put_report(second.clone(), "One reports bad quality".into(), Vec::new()).await.unwrap());
        let list = async |person, only_open| {
            let filter = ReportFilter { person, only_open, before_ms: None, limit: 50 };
            store.reports(filter).await.unwrap().into_iter().map(|report| report.id).collect::<Vec<_>>()
        };
        assert_eq!(list(None, true).await, [second.id, report.id]);
        assert_eq!(list(Some(admin.id), false).await, []);

        let answer = Some("another file".to_owned());
        assert!(store.close_report(report.id, ReportState::Mended, admin.id, answer, 400).await.unwrap());
        assert!(!store.close_report(report.id, ReportState::Dismissed, admin.id, None, 500).await.unwrap(), "once");
        let news = store.due_news(10_000, 10).await.unwrap().remove(1);
        assert_eq!((news.person, news.conversation, &news.address), (one.id, report.conversation, &report.address));
        assert_eq!(news.text, "Metropolis (1927): what you reported (no subtitles) is mended: “another file”.");
        let over = store.report(report.id).await.unwrap();
        assert_eq!((over.state, over.closed_at_ms, over.closed_by), (ReportState::Mended, Some(400), Some(admin.id)));
        assert_eq!((list(None, true).await, list(None, false).await.len()), (vec![second.id], 2));
        assert!(store.close_report(second.id, ReportState::Dismissed, one.id, None, 500).await.unwrap());
        assert_eq!(told(&store).await.len(), 2, "who ends their own knows");
        let story = store.request_story(asked.request.id).await.unwrap();
        let lines: Vec<_> = story.iter().filter(|line| line.kind == "report").map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["One reports bad quality", "bad quality: left as it is"]);
        assert!(
            store.put_report(reported(one.id, "no subtitles", None, 600), String::new(), Vec::new()).await.unwrap()
        );

        store.forget_person(one.id).await.unwrap();
        assert_eq!(list(None, false).await, []);
    })
    .await;
}
