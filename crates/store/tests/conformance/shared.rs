//! Several processes on one database, and a server that goes away: what clashes is tried again, and nothing is written twice.

use super::*;
use futures_util::future::{join, join_all};
use majordomo_standins::database::{Kind, Server};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

#[tokio::test]
async fn two_processes_in_one_conversation_lose_no_turn_and_give_no_place_twice() {
    on_every_pair(async |one, two| {
        let new = conversation(PersonId::new());
        one.create_conversation(new.clone()).await.unwrap();
        let says = (0..40).map(|n| {
            let store = if n % 2 == 0 { &one } else { &two };
            store.accept(said(&new, &format!("message {n}"), None, 100 + n))
        });
        let outcomes = join_all(says).await;
        let places: BTreeSet<i64> = outcomes
            .into_iter()
            .map(|outcome| match outcome.expect("a clash is tried again") {
                AcceptOutcome::Stored { ordinal, .. } => ordinal,
                other => panic!("not stored: {other:?}"),
            })
            .collect();
        assert_eq!(places, (1..=40).collect());
        assert_eq!(two.messages(new.id, None, 100).await.unwrap().messages.len(), 40);
        assert_eq!(two.conversation(new.id).await.unwrap().message_count, 40);
    })
    .await;
}

#[tokio::test]
async fn one_message_delivered_to_two_processes_is_one_turn_even_where_it_begins_the_conversation() {
    on_every_pair(async |one, two| {
        for round in 0..10 {
            let new = conversation(PersonId::new());
            let mut say = said(&new, "hello", Some("a"), 100);
            say.create = Some(new.clone());
            say.say.platform_id = Some(format!("m-{round}"));
            let again = NewSay { turn: TurnId::new(), claim: Some(("b".into(), 1_100)), ..say.clone() };
            let (first, second) = join(one.accept(say), two.accept(again)).await;
            let outcomes = [first.unwrap(), second.unwrap()];
            let stored = outcomes.iter().filter(|o| matches!(o, AcceptOutcome::Stored { .. })).count();
            assert_eq!(stored, 1, "{outcomes:?}");
            assert_eq!(one.messages(new.id, None, 10).await.unwrap().messages.len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_processes_that_want_a_lease_at_once_one_gets_it() {
    on_every_pair(async |one, two| {
        let mut last = 0;
        for round in 0..15_i64 {
            let now = 1_000 * round;
            let (a, b) =
                join(one.take_lease("sweep", "a", now + 500, now), two.take_lease("sweep", "b", now + 500, now)).await;
            let fence = match (&a, &b) {
                (Ok(fence), Err(StoreError::Fenced)) | (Err(StoreError::Fenced), Ok(fence)) => fence.0,
                other => panic!("round {round}: {other:?}"),
            };
            assert!(fence >= last, "a fence never goes back");
            last = fence;
        }
    })
    .await;
}

#[tokio::test]
async fn agents_documents_and_deliveries_survive_two_processes_at_once() {
    on_every_pair(async |one, two| {
        let agent = |prompt: &str| Agent {
            id: AgentId::new(),
            name: "majordomo".into(),
            prompt: prompt.into(),
            toolkits: Vec::new(),
            first_tools: Vec::new(),
            may_stay_silent: false,
            approvals: Default::default(),
            memory: Default::default(),
            limits: Default::default(),
        };
        let (first, second) = (agent("one"), agent("two"));
        let (a, b) = join(one.put_agent(&first), two.put_agent(&second)).await;
        assert_eq!(a.unwrap().id, b.unwrap().id, "two starts at once make one agent");

        let writes = (0..20).map(|n| {
            let store = if n % 2 == 0 { &one } else { &two };
            store.put_document("notes", "ada", "milk", "{}", None, n)
        });
        let revisions: BTreeSet<i64> = join_all(writes).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(revisions, (1..=20).collect());

        let new = conversation(PersonId::new());
        one.create_conversation(new.clone()).await.unwrap();
        for n in 1..=6 {
            let say = said(&new, "hello", Some("a"), 100);
            let (_, fence) = accepted(&one, &say).await;
            let mut end = ending(&say, n, fence.unwrap(), "hi");
            end.delivery = Some(Delivery {
                id: DeliveryId::new(),
                conversation: new.id,
                turn: say.turn,
                address: Address::new("console", "tty"),
                parts: vec![Part::text("hi")],
                state: DeliveryState::Waiting,
                attempts: 0,
            });
            one.finish_turn(end).await.unwrap();
        }
        let (a, b) = join(one.claim_deliveries("console", 4, 200), two.claim_deliveries("console", 4, 200)).await;
        let mut claimed: Vec<_> = a.unwrap().into_iter().chain(b.unwrap()).map(|d| d.id).collect();
        claimed.extend(one.claim_deliveries("console", 10, 201).await.unwrap().into_iter().map(|d| d.id));
        let different: BTreeSet<_> = claimed.iter().collect();
        assert_eq!((claimed.len(), different.len()), (6, 6), "each is claimed by one process");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_written_by_a_process_that_was_taken_over_in_the_same_moment() {
    on_every_pair(async |one, two| {
        for _ in 0..15 {
            let new = conversation(PersonId::new());
            one.create_conversation(new.clone()).await.unwrap();
            let say = said(&new, "hello", Some("a"), 100);
            let (_, fence) = accepted(&one, &say).await;
            let fence = fence.unwrap();
            let writing = async {
                for seq in 1..=8 {
                    let kind = StepKind::Compacted { summary: String::new(), through: 0 };
                    let step = Step { seq, kind, created_at_ms: 1 };
                    if one.add_step(say.turn, new.id, fence, step).await.is_err() {
                        return;
                    }
                }
            };
            let taking = async {
                two.begin_turn(say.turn, new.id, "b", 90_000, 50_000).await.expect("the lease has lapsed");
                two.steps(say.turn).await.unwrap().len()
            };
            let ((), seen) = join(writing, taking).await;
            assert_eq!(two.steps(say.turn).await.unwrap().len(), seen, "no step came after the take-over");
        }
    })
    .await;
}

#[tokio::test]
async fn a_postgresql_server_that_restarts_is_used_again_by_itself() {
    goes_on_after_a_restart(Kind::Postgres).await;
}

#[tokio::test]
async fn a_mariadb_server_that_restarts_is_used_again_by_itself() {
    goes_on_after_a_restart(Kind::MariaDb).await;
}

async fn goes_on_after_a_restart(kind: Kind) {
    let mut server = match Server::start(kind) {
        Ok(server) => server,
        Err(error) if std::env::var_os("CI").is_none() => return println!("SKIPPED {kind}: {error}"),
        Err(error) => panic!("{error}"),
    };
    let store = Store::open(&server.url()).await.unwrap();
    let new = conversation(PersonId::new());
    store.create_conversation(new.clone()).await.unwrap();
    accepted(&store, &said(&new, "before", None, 100)).await;

    server.kill();
    let begun = Instant::now();
    for _ in 0..3 {
        let error = store.accept(said(&new, "meanwhile", None, 200)).await.unwrap_err();
        assert!(matches!(error, StoreError::Busy(_)), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    assert!(store.check().await.is_err(), "not ready without its database");
    assert!(begun.elapsed() < Duration::from_secs(10), "refusals do not wait for long");

    server.run().unwrap();
    let begun = Instant::now();
    while store.check().await.is_err() || store.messages(new.id, None, 10).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "used again within ten seconds");
    }
    assert_eq!(accepted(&store, &said(&new, "after", None, 300)).await.0, 2);
    let texts: Vec<_> =
        store.messages(new.id, None, 10).await.unwrap().messages.iter().map(|m| m.visible_text()).collect();
    assert_eq!(texts, ["before", "after"]);
}
