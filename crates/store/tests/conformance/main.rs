//! One suite for every database: SQLite always; PostgreSQL and MariaDB when the environment variable `MAJORDOMO_TEST_STORES`
//! holds their addresses, separated by blanks, as `majordomo-databases` of the stand-ins sets it. What is skipped is said.

#![allow(clippy::print_stdout)]

mod moving;
mod past;
mod requests;
mod sealed;
mod shared;

use majordomo_domain::{
    Address, Agent, AgentId, ConversationId, Delivery, DeliveryId, KeyId, Message, MessageId, Part, Person, PersonId,
    Role, Standing, TurnId, TurnState, Usage, delivery::DeliveryState, op::Say, person::Identity,
};
use majordomo_store::{
    AcceptOutcome, ApiKey, Fence, FinishedTurn, NewConversation, NewSay, Scope, Step, StepKind, Store, StoreError,
    ToStop,
};
use std::future::Future;

mod trust;

async fn on_every_database<F: Future<Output = ()>>(check: impl Fn(Store) -> F) {
    on_every_address(async |address| {
        let store = Store::open(&address).await.expect("a database opens");
        check(store.clone()).await;
        store.close().await;
    })
    .await;
}

/// Two stores on one database, as two processes have them.
async fn on_every_pair<F: Future<Output = ()>>(check: impl Fn(Store, Store) -> F) {
    on_every_address(async |address| {
        let (one, two) =
            (Store::open(&address).await.expect("opens"), Store::open(&address).await.expect("opens twice"));
        check(one.clone(), two.clone()).await;
        one.close().await;
        two.close().await;
    })
    .await;
}

/// An empty database of its own for every test, so that they may run side by side; on every server there is.
async fn on_every_address(check: impl AsyncFn(String)) {
    let folder = tempfile::tempdir().unwrap();
    check(format!("sqlite://{}/majordomo.db", folder.path().display())).await;
    // Opening a store has made the drivers known.
    let servers = std::env::var("MAJORDOMO_TEST_STORES").unwrap_or_default();
    if servers.trim().is_empty() {
        println!("SKIPPED PostgreSQL and MariaDB: MAJORDOMO_TEST_STORES names none");
    }
    for server in servers.split_whitespace() {
        let name = format!("majordomo_{}", TurnId::new().0.simple());
        ask(server, &format!("CREATE DATABASE {name}")).await;
        let (base, _) = server.rsplit_once('/').expect("an address ends with a database");
        check(format!("{base}/{name}")).await;
        let force = if server.starts_with("postgres") { " WITH (FORCE)" } else { "" };
        ask(server, &format!("DROP DATABASE {name}{force}")).await;
    }
}

async fn ask(address: &str, statement: &str) {
    use sqlx::{AssertSqlSafe, Connection, Executor};
    let mut connection = sqlx::AnyConnection::connect(address).await.expect("the server answers");
    connection.execute(AssertSqlSafe(statement.to_owned())).await.expect("it does as told");
    connection.close().await.expect("it closes");
}

fn person(name: &str) -> Person {
    Person {
        id: PersonId::new(),
        name: name.into(),
        standing: Standing::Admin,
        zone: Some("Europe/Berlin".into()),
        language: None,
        created_at_ms: 5,
    }
}

fn conversation(owner: PersonId) -> NewConversation {
    let id = ConversationId::new();
    NewConversation { id, owner, agent: AgentId::new(), place: id.to_string(), title: String::new(), now_ms: 10 }
}

fn said(conversation: &NewConversation, text: &str, claim: Option<&str>, now_ms: i64) -> NewSay {
    NewSay {
        turn: TurnId::new(),
        say: Say {
            conversation: conversation.id,
            agent: conversation.agent,
            author: conversation.owner,
            address: Address::new("web", "here"),
            room: None,
            platform_id: None,
            parts: vec![Part::text(text)],
            model: None,
            output_tokens: None,
            task: Default::default(),
        },
        create: None,
        audit: Vec::new(),
        digest: text.into(),
        claim: claim.map(|owner| (owner.to_owned(), now_ms + 1_000)),
        now_ms,
    }
}

fn ending(say: &NewSay, ordinal: i64, fence: Fence, text: &str) -> FinishedTurn {
    FinishedTurn {
        turn: say.turn,
        conversation: say.say.conversation,
        person: say.say.author,
        agent: say.say.agent,
        fence,
        keep_lease: false,
        state: TurnState::Done,
        messages: vec![Message {
            id: MessageId::new(),
            turn: say.turn,
            position: ordinal * 1000 + 1,
            role: Role::Assistant,
            parts: vec![Part::text(text)],
            created_at_ms: say.now_ms + 1,
        }],
        model: "house/demo".into(),
        error: None,
        usage: Usage { input_tokens: 10, cached_input_tokens: 4, output_tokens: 3, estimated: false },
        cost_micros: 7,
        day: "2026-11-21".into(),
        delivery: None,
        audit: Vec::new(),
        charged: false,
        ends_decision: false,
        now_ms: say.now_ms + 2,
    }
}

async fn accepted(store: &Store, say: &NewSay) -> (i64, Option<Fence>) {
    match store.accept(say.clone()).await.expect("accepted") {
        AcceptOutcome::Stored { ordinal, fence, .. } => (ordinal, fence),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_turn_from_question_to_answer() {
    on_every_database(async |store| {
        let new = conversation(PersonId::new());
        store.create_conversation(new.clone()).await.unwrap();
        let text = "Wie heißt der Film mit dem 🤖 von 1927? It is a long question, longer than forty characters.";
        let say = said(&new, text, Some("a"), 100);
        let (ordinal, fence) = accepted(&store, &say).await;
        assert_eq!(ordinal, 1);
        let row = store.conversation(new.id).await.unwrap();
        assert!(row.pending && row.message_count == 1);
        assert_eq!(row.title, "Wie heißt der Film mit dem 🤖 von 1927?…");
        let steps = vec![Step {
            seq: 1,
            kind: StepKind::Asked {
                parts: vec![Part::text("Let me see.")],
                model: "m".into(),
                usage: Usage::default(),
                cost_micros: 0,
                judgements: Vec::new(),
            },
            created_at_ms: 101,
        }];
        store.add_step(say.turn, new.id, fence.unwrap(), steps[0].clone()).await.unwrap();
        store.save_partial(say.turn, new.id, fence.unwrap(), "Metro", 2_000).await.unwrap();
        let unfinished = store.unfinished_turns("a", 110, |_| false).await.unwrap();
        assert_eq!((unfinished.len(), &unfinished[0].steps), (1, &steps));
        assert_eq!(unfinished[0].turn.partial.as_deref(), Some("Metro"));
        assert!(!unfinished[0].is_to_stop && store.turns_to_stop().await.unwrap().is_empty());
        assert_eq!(store.stop_turns(ToStop::Person(PersonId::new()), 120).await.unwrap(), 0);
        for which in
            [ToStop::Turn(say.turn), ToStop::Conversation(new.id), ToStop::Person(say.say.author), ToStop::Everybody]
        {
            assert_eq!(store.stop_turns(which, 121).await.unwrap(), 1, "{which:?}");
        }
        assert_eq!(store.turns_to_stop().await.unwrap(), [say.turn]);
        assert!(store.unfinished_turns("a", 122, |_| false).await.unwrap()[0].is_to_stop);
        store.finish_turn(ending(&say, 1, fence.unwrap(), "Metropolis")).await.unwrap();
        let page = store.messages(new.id, None, 10).await.unwrap();
        let read: Vec<_> = page.messages.iter().map(|m| (m.role, m.visible_text())).collect();
        assert_eq!(read, [(Role::User, text.to_owned()), (Role::Assistant, "Metropolis".to_owned())]);
        let turn = store.turn(say.turn).await.unwrap();
        assert_eq!((turn.state, turn.usage.cached_input_tokens, turn.cost_micros), (TurnState::Done, 4, 7));
        assert!(!store.conversation(new.id).await.unwrap().pending);
        assert!(store.unfinished_turns("a", 9_000, |_| false).await.unwrap().is_empty());
        assert!(store.turns_to_stop().await.unwrap().is_empty(), "it is over");
        assert_eq!(store.stop_turns(ToStop::Everybody, 123).await.unwrap(), 0);
        let days = store.usage_by_day(Some(new.owner), "2026-11-01").await.unwrap();
        assert_eq!((days.len(), days[0].input_tokens, days[0].cost_micros, days[0].turns), (1, 10, 7, 1));
        assert!(store.usage_by_day(Some(PersonId::new()), "2026-11-01").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_same_platform_id_is_one_turn_and_another_content_is_refused() {
    on_every_database(async |store| {
        let new = conversation(PersonId::new());
        store.create_conversation(new.clone()).await.unwrap();
        let mut say = said(&new, "hello", None, 100);
        say.say.platform_id = Some("m-7".into());
        accepted(&store, &say).await;
        let again = NewSay { turn: TurnId::new(), ..say.clone() };
        assert_eq!(store.accept(again.clone()).await.unwrap(), AcceptOutcome::Duplicate { turn: say.turn });
        let other = NewSay { digest: "other".into(), ..again };
        assert!(matches!(store.accept(other).await, Err(StoreError::Conflict(_))));
        assert_eq!(store.messages(new.id, None, 10).await.unwrap().messages.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn five_deliveries_of_one_message_at_once_are_one_turn() {
    on_every_database(async |store| {
        let new = conversation(PersonId::new());
        store.create_conversation(new.clone()).await.unwrap();
        let mut say = said(&new, "hello", None, 100);
        say.say.platform_id = Some("m-8".into());
        let tries = (0..5).map(|_| store.accept(NewSay { turn: TurnId::new(), ..say.clone() }));
        let outcomes = futures_util::future::join_all(tries).await;
        let stored = outcomes.iter().filter(|o| matches!(o, Ok(AcceptOutcome::Stored { .. }))).count();
        let repeated = outcomes.iter().filter(|o| matches!(o, Ok(AcceptOutcome::Duplicate { .. }))).count();
        assert_eq!((stored, repeated), (1, 4));
    })
    .await;
}

#[tokio::test]
async fn one_writer_at_a_time_and_a_late_one_writes_nothing() {
    on_every_database(async |store| {
        let new = conversation(PersonId::new());
        store.create_conversation(new.clone()).await.unwrap();
        let first = said(&new, "one", Some("a"), 100);
        let (_, fence) = accepted(&store, &first).await;
        let fence = fence.expect("free, so taken");
        // Another process cannot have it, and its turn waits.
        let second = said(&new, "two", Some("b"), 200);
        assert_eq!(accepted(&store, &second).await, (2, None));
        assert!(matches!(store.begin_turn(second.turn, new.id, "b", 3_000, 300).await, Err(StoreError::Fenced)));
        // When the lease has lapsed the other one takes over, in the order of the conversation, and the first finds its fence gone.
        let early = store.begin_turn(second.turn, new.id, "b", 9_000, 5_000).await;
        assert!(matches!(early, Err(StoreError::Fenced)), "an earlier turn has no end");
        let taken = store.begin_turn(first.turn, new.id, "b", 9_000, 5_000).await.expect("lapsed");
        assert!(taken.0 > fence.0);
        assert!(matches!(store.finish_turn(ending(&first, 1, fence, "late")).await, Err(StoreError::Fenced)));
        let step = Step { seq: 1, kind: StepKind::Compacted { summary: String::new(), through: 0 }, created_at_ms: 1 };
        assert!(matches!(store.add_step(first.turn, new.id, fence, step).await, Err(StoreError::Fenced)));
        assert!(matches!(store.save_partial(first.turn, new.id, fence, "x", 1).await, Err(StoreError::Fenced)));
        store.finish_turn(ending(&first, 1, taken, "in time")).await.unwrap();
        let over = store.begin_turn(first.turn, new.id, "b", 9_000, 5_000).await;
        assert!(matches!(over, Err(StoreError::NotFound("turn"))));
        let taken = store.begin_turn(second.turn, new.id, "b", 9_000, 5_000).await.expect("its turn");
        store.finish_turn(ending(&second, 2, taken, "at last")).await.unwrap();
        let said: Vec<_> =
            store.messages(new.id, None, 10).await.unwrap().messages.iter().map(|m| m.visible_text()).collect();
        assert_eq!(said, ["one", "in time", "two", "at last"]);
        // Ending twice changes nothing.
        assert!(matches!(store.finish_turn(ending(&second, 2, taken, "twice")).await, Err(StoreError::Fenced)));
    })
    .await;
}

#[tokio::test]
async fn a_failing_job_does_not_harm_its_neighbours() {
    on_every_database(async |store| {
        let good: Vec<_> = (0..20).map(|_| conversation(PersonId::new())).collect();
        let bad = good[0].clone();
        store.create_conversation(bad.clone()).await.unwrap();
        let jobs = good.iter().map(|new| store.create_conversation(new.clone()));
        let outcomes = futures_util::future::join_all(jobs).await;
        let failed = outcomes.iter().filter(|o| matches!(o, Err(StoreError::Conflict(_)))).count();
        let made = outcomes.iter().filter(|o| o.is_ok()).count();
        assert_eq!((failed, made), (1, 19));
    })
    .await;
}

#[tokio::test]
async fn conversations_are_listed_searched_renamed_cleared_and_deleted() {
    on_every_database(async |store| {
        let owner = PersonId::new();
        let mut all = Vec::new();
        for n in 0..5 {
            let new = NewConversation { title: format!("Film {n}"), now_ms: 100 + n, ..conversation(owner) };
            store.create_conversation(new.clone()).await.unwrap();
            all.push(new);
        }
        store.create_conversation(conversation(PersonId::new())).await.unwrap();
        let titles = |page: majordomo_store::ConversationPage| {
            (page.conversations.into_iter().map(|c| c.title).collect::<Vec<_>>(), page.more)
        };
        assert_eq!(
            titles(store.conversations(owner, None, None, 3).await.unwrap()),
            (vec!["Film 4".into(), "Film 3".into(), "Film 2".into()], true)
        );
        assert_eq!(
            titles(store.conversations(owner, None, Some(102), 3).await.unwrap()),
            (vec!["Film 1".into(), "Film 0".into()], false)
        );
        assert_eq!(titles(store.conversations(owner, Some("FILM 3"), None, 9).await.unwrap()).0, ["Film 3"]);
        assert!(titles(store.conversations(owner, Some("100%"), None, 9).await.unwrap()).0.is_empty());
        store.rename_conversation(all[0].id, "Nosferatu").await.unwrap();
        assert_eq!(store.conversation(all[0].id).await.unwrap().title, "Nosferatu");
        let say = said(&all[0], "hello", Some("a"), 500);
        let (_, fence) = accepted(&store, &say).await;
        assert_eq!(store.clear_conversation(all[0].id, 600).await.unwrap(), 1);
        assert!(matches!(store.finish_turn(ending(&say, 1, fence.unwrap(), "late")).await, Err(StoreError::Fenced)));
        assert!(store.messages(all[0].id, None, 10).await.unwrap().messages.is_empty());
        assert_eq!(store.conversation(all[0].id).await.unwrap().message_count, 0);
        store.delete_conversation(all[0].id).await.unwrap();
        assert!(matches!(store.delete_conversation(all[0].id).await, Err(StoreError::NotFound(_))));
        assert!(matches!(store.conversation(all[0].id).await, Err(StoreError::NotFound(_))));
        assert!(matches!(store.rename_conversation(all[0].id, "x").await, Err(StoreError::NotFound(_))));
    })
    .await;
}

#[tokio::test]
async fn people_sign_in_once_per_code_and_the_last_admin_stays() {
    on_every_database(async |store| {
        let ada = person("Ada");
        store.put_person(&ada).await.unwrap();
        assert_eq!(store.person(ada.id).await.unwrap(), ada);
        store.put_login_code("code", ada.id, 1_000).await.unwrap();
        assert!(store.redeem_login_code("code", "late", 1_001).await.unwrap().is_none());
        assert_eq!(store.redeem_login_code("code", "session", 900).await.unwrap(), Some(ada.clone()));
        assert!(store.redeem_login_code("code", "twice", 901).await.unwrap().is_none());
        assert!(store.web_session("twice").await.unwrap().is_none());
        store.touch_web_session("session", 950).await.unwrap();
        let session = store.web_session("session").await.unwrap().unwrap();
        assert_eq!((session.person.id, session.created_at_ms, session.seen_at_ms), (ada.id, 900, 950));
        assert_eq!(store.delete_web_sessions(PersonId::new()).await.unwrap(), 0);
        store.delete_web_session("session").await.unwrap();
        assert!(store.web_session("session").await.unwrap().is_none());

        let key = ApiKey {
            id: KeyId::new(),
            person: ada.id,
            name: "script".into(),
            scopes: vec!["chat".into()],
            created_at_ms: 1,
            used_at_ms: None,
        };
        store.put_api_key(&key, "hash").await.unwrap();
        store.touch_api_key(key.id, 77).await.unwrap();
        let (read, who) = store.api_key("hash").await.unwrap().unwrap();
        assert_eq!((read.used_at_ms, read.scopes, who.id), (Some(77), key.scopes.clone(), ada.id));
        store.revoke_api_key(key.id, 80).await.unwrap();
        assert!(store.api_key("hash").await.unwrap().is_none());
        assert!(matches!(store.revoke_api_key(key.id, 81).await, Err(StoreError::NotFound(_))));

        let identity = Identity { channel: "web".into(), account: "42".into(), person: ada.id };
        store.put_identity(&identity).await.unwrap();
        assert_eq!(store.person_behind("web", "42").await.unwrap().map(|p| p.id), Some(ada.id));
        assert!(store.person_behind("discord", "42").await.unwrap().is_none());
        let bea = Person { name: "Bea".into(), ..person("Bea") };
        store.put_person(&bea).await.unwrap();
        store.delete_person(ada.id).await.unwrap();
        assert!(store.person_behind("web", "42").await.unwrap().is_none());
        assert!(matches!(store.delete_person(bea.id).await, Err(StoreError::Conflict(_))));
    })
    .await;
}

#[tokio::test]
async fn odd_keys_and_values_are_text_or_refused_and_nobodys_else() {
    on_every_database(async |store| {
        let odd = ["../x", "a/b", "'; DROP TABLE documents; --", "\" OR \"1\"=\"1", "%", "_", "$1", "?", "日本", "🎬"];
        for (number, key) in odd.iter().enumerate() {
            let body = format!("{number} {key}");
            assert_eq!(store.put_document("notes", "ada", key, &body, Some(0), 1).await.unwrap(), 1, "{key}");
        }
        for (number, key) in odd.iter().enumerate() {
            let read = store.document("notes", "ada", key).await.unwrap().unwrap();
            assert_eq!((read.key.as_str(), read.body), (*key, format!("{number} {key}")));
            for (toolkit, owner) in [("notes", "bea"), ("notes", ""), ("notes", "' OR '1'='1"), ("party", "ada")] {
                assert!(store.document(toolkit, owner, key).await.unwrap().is_none(), "{toolkit} {owner} {key}");
                assert!(!store.remove_document(toolkit, owner, key).await.unwrap(), "{toolkit} {owner} {key}");
            }
        }
        let long = "k".repeat(10_000);
        for key in ["", &long, "a\0b", "a\nb"] {
            let refused = store.put_document("notes", "ada", key, "x", None, 1).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{key:.20}: {refused:?}");
            assert!(store.document("notes", "ada", key).await.unwrap().is_none());
            assert!(!store.remove_document("notes", "ada", key).await.unwrap());
        }
        for body in ["v".repeat(10_000_000), "a\0b".into()] {
            let refused = store.put_document("notes", "ada", "large", &body, None, 1).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        }
        assert_eq!(store.document_keys("notes", "ada").await.unwrap().len(), odd.len());
        for id in ["", "a\0b", "' OR '1'='1", "%", &long] {
            assert!(!store.forget_fact(id, &[Scope::Household]).await.unwrap(), "{id:.20}");
        }
    })
    .await;
}

#[tokio::test]
async fn documents_have_revisions_and_leases_have_fences() {
    on_every_database(async |store| {
        assert_eq!(store.put_document("notes", "ada", "milk", "{}", None, 1).await.unwrap(), 1);
        assert_eq!(store.put_document("notes", "ada", "milk", "{\"n\":1}", Some(1), 2).await.unwrap(), 2);
        assert!(matches!(
            store.put_document("notes", "ada", "milk", "x", Some(1), 3).await,
            Err(StoreError::Conflict(_))
        ));
        let read = store.document("notes", "ada", "milk").await.unwrap().unwrap();
        assert_eq!((read.revision, read.body.as_str()), (2, "{\"n\":1}"));
        assert!(store.document("notes", "bea", "milk").await.unwrap().is_none());
        assert!(store.put_document("notes", "ada", &"k".repeat(121), "x", None, 3).await.is_err());
        store.put_document("notes", "ada", "bread", "{}", None, 3).await.unwrap();
        store.put_document("notes", "bea", "salt", "{}", None, 3).await.unwrap();
        assert_eq!(store.document_keys("notes", "ada").await.unwrap(), ["bread", "milk"]);
        assert!(store.remove_document("notes", "ada", "bread").await.unwrap());
        assert!(!store.remove_document("notes", "ada", "bread").await.unwrap());
        assert_eq!(store.document_keys("notes", "ada").await.unwrap(), ["milk"]);
        assert_eq!(store.sweep_documents("notes", 100).await.unwrap(), 2);

        let first = store.take_lease("sweep", "a", 100, 10).await.unwrap();
        assert!(matches!(store.take_lease("sweep", "b", 100, 20).await, Err(StoreError::Fenced)));
        assert_eq!(store.take_lease("sweep", "a", 200, 20).await.unwrap(), first);
        let second = store.take_lease("sweep", "b", 500, 300).await.unwrap();
        assert!(second.0 > first.0);
        store.release_lease("sweep", "b").await.unwrap();
        store.take_lease("sweep", "a", 900, 310).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn deliveries_are_claimed_once_and_settled() {
    on_every_database(async |store| {
        let new = conversation(PersonId::new());
        store.create_conversation(new.clone()).await.unwrap();
        let say = said(&new, "hello", Some("a"), 100);
        let (_, fence) = accepted(&store, &say).await;
        let delivery = Delivery {
            id: DeliveryId::new(),
            conversation: new.id,
            turn: say.turn,
            address: Address::new("console", "tty"),
            parts: vec![Part::text("hi")],
            state: DeliveryState::Waiting,
            attempts: 0,
        };
        let mut end = ending(&say, 1, fence.unwrap(), "hi");
        end.delivery = Some(delivery.clone());
        store.finish_turn(end).await.unwrap();
        let claimed = store.claim_deliveries("console", 10, 200).await.unwrap();
        assert_eq!((claimed.len(), claimed[0].attempts, &claimed[0].parts), (1, 1, &delivery.parts));
        assert!(store.claim_deliveries("console", 10, 201).await.unwrap().is_empty());
        store.settle_delivery(delivery.id, DeliveryState::Settled, Some("msg-1".into()), None, 202).await.unwrap();
        assert!(store.settle_delivery(delivery.id, DeliveryState::Failed, None, None, 203).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn agents_keep_their_id_over_changes() {
    on_every_database(async |store| {
        let agent = Agent {
            id: AgentId::new(),
            name: format!("agent-{}", AgentId::new()),
            prompt: "one".into(),
            toolkits: Vec::new(),
            first_tools: Vec::new(),
            may_stay_silent: false,
            approvals: Default::default(),
            memory: Default::default(),
            limits: Default::default(),
        };
        store.put_agent(&agent).await.unwrap();
        let changed = Agent { id: AgentId::new(), prompt: "two".into(), ..agent.clone() };
        assert_eq!(store.put_agent(&changed).await.unwrap().id, agent.id);
        let read = store.agents().await.unwrap().into_iter().find(|a| a.name == agent.name).unwrap();
        assert_eq!((read.id, read.prompt.as_str()), (agent.id, "two"));
    })
    .await;
}

#[tokio::test]
async fn what_was_answered_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/deep/down/majordomo.db", folder.path().display());
    let new = conversation(PersonId::new());
    let store = Store::open(&url).await.unwrap();
    store.create_conversation(new.clone()).await.unwrap();
    store.close().await;
    let store = Store::open(&url).await.unwrap();
    assert_eq!(store.conversation(new.id).await.unwrap().id, new.id);
    store.check().await.unwrap();
    store.close().await;
    assert!(matches!(store.check().await, Err(StoreError::Unusable(_))), "a closed store says so");
}

#[tokio::test]
async fn a_file_that_another_process_keeps_locked_is_said_and_used_again() {
    use sqlx::{Connection, Executor};
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/majordomo.db", folder.path().display());
    let store = Store::open(&url).await.unwrap();
    let new = conversation(PersonId::new());
    store.create_conversation(new.clone()).await.unwrap();
    let mut other = sqlx::AnyConnection::connect(&url).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let begun = std::time::Instant::now();
    let says = (0..20).map(|n| store.accept(said(&new, "meanwhile", None, 200 + n)));
    for outcome in futures_util::future::join_all(says).await {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, StoreError::Busy(_)) && error.to_string().contains("locked by another process"),
            "{error}"
        );
    }
    // The first comes alone and the others together, each of the two waits for the lock once.
    assert!(begun.elapsed() < std::time::Duration::from_secs(14), "they wait together: {:?}", begun.elapsed());
    assert_eq!(store.conversation(new.id).await.unwrap().id, new.id, "what is there can be read");
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(accepted(&store, &said(&new, "after", None, 300)).await.0, 1);
    store.check().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn addresses_and_files_that_cannot_be_used_are_refused_in_words() {
    for (url, words) in [
        ("mongodb://nas/majordomo", "\"mongodb\""),
        #[cfg(not(feature = "postgres"))]
        ("postgres://nas/majordomo", "without PostgreSQL"),
        ("redis://nas", "\"redis\""),
        ("sqlite://", "names no file"),
        ("postgres://nas", "names no database"),
        ("mysql://nas/", "names no database"),
        ("sqlite:///proc/nowhere/majordomo.db", "cannot be made"),
    ] {
        let Err(error) = Store::open(url).await else { panic!("{url} opened") };
        assert!(error.to_string().contains(words), "{url}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.db");
    let url = format!("sqlite://{}", path.display());
    Store::open(&url).await.unwrap().close().await;
    {
        sqlx::any::install_drivers(&[sqlx::sqlite::any::DRIVER]).ok();
        use sqlx::{Connection, Executor};
        let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
        connection.execute("INSERT INTO schema_version (version) VALUES (99)").await.unwrap();
        connection.close().await.unwrap();
    }
    let Err(error) = Store::open(&url).await else { panic!("a newer schema opened") };
    assert!(error.to_string().contains("newer version (schema 99"), "{error}");
}

#[tokio::test]
async fn what_was_answered_is_seen_by_everybody_at_once() {
    on_every_database(async |store| {
        let new = conversation(PersonId::new());
        store.create_conversation(new.clone()).await.unwrap();
        for n in 0..200 {
            let say = said(&new, "hello", None, n);
            store.accept(say.clone()).await.unwrap();
            store.turn(say.turn).await.expect("an answer comes after the commit");
        }
    })
    .await;
}

#[tokio::test]
async fn the_database_itself_refuses_a_second_row_of_what_is_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("h.db").display());
    let store = Store::open(&url).await.unwrap();
    let new = conversation(PersonId::new());
    store.create_conversation(new.clone()).await.unwrap();
    let mut say = said(&new, "hello", Some("a"), 1);
    say.say.platform_id = Some("m-1".into());
    let (ordinal, fence) = accepted(&store, &say).await;
    let step = Step { seq: 1, kind: StepKind::Compacted { summary: String::new(), through: 1 }, created_at_ms: 1 };
    store.add_step(say.turn, new.id, fence.unwrap(), step).await.unwrap();
    store.finish_turn(ending(&say, ordinal, fence.unwrap(), "answer")).await.unwrap();
    store.close().await;
    // A message, a place in a conversation, a step, what a turn cost.
    for table in ["inbox", "messages", "steps", "ledger", "turns"] {
        use sqlx::{AssertSqlSafe, Connection, Executor};
        let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
        let again = format!("INSERT INTO {table} SELECT * FROM {table} LIMIT 1");
        let refused = connection.execute(AssertSqlSafe(again)).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("UNIQUE")), "{table}");
        connection.close().await.unwrap();
    }
}
