//! Approvals, the audit, the chain of a history, reservations, memory and codes.

use super::*;
use futures_util::future::join_all;
use majordomo_domain::{
    Approval, ApprovalId, ApprovalState, Approvers, Card, Origin,
    approval::{Fingerprint, Wording},
    op::Task,
};
use majordomo_store::{
    Ceiling, DecideOutcome, Entry, Fact, NewAudit, NewCharge, NewDecision, NewTurn, Scope, Settlement, Span, Whose,
};

fn audit(detail: &str, at_ms: i64) -> NewAudit {
    NewAudit {
        at_ms,
        actor: Some(PersonId::new()),
        kind: "approval",
        subject: "party_add".into(),
        conversation: None,
        turn: None,
        detail: detail.into(),
    }
}

fn approval(say: &NewSay, expires_at_ms: i64) -> Approval {
    Approval {
        id: ApprovalId::new(),
        conversation: say.say.conversation,
        turn: say.turn,
        call_id: "call_1".into(),
        agent: say.say.agent,
        requester: say.say.author,
        tool: "party_add".into(),
        instance: String::new(),
        arguments: r#"{"name":"V"}"#.into(),
        schema_hash: "aa".into(),
        fingerprint: Fingerprint("bb".into()),
        approvers: Approvers { requester: true, standing: Some(Standing::Admin) },
        card: Card::new("Add V").fact("Role", "Solo"),
        wording: Wording { question: "Add V?".into(), declined: "V was not added.".into(), reason: String::new() },
        state: ApprovalState::Open,
        created_at_ms: 100,
        expires_at_ms,
        decided_at_ms: None,
        decided_by: None,
        decision_turn: None,
        replaces: None,
        outcome: None,
    }
}

fn decision(approval: &Approval, say: &NewSay, state: ApprovalState, now_ms: i64) -> NewDecision {
    let turn = TurnId::new();
    let say =
        Say { parts: vec![Part::text("Approved.")], task: Task::Decision { approval: approval.id }, ..say.say.clone() };
    NewDecision {
        approval: approval.id,
        by: Some(approval.requester),
        state,
        outcome: None,
        turn: Some(NewTurn { id: turn, say, create: None, claim: None, now_ms }),
        replacement: None,
        audit: audit("decided", now_ms),
        now_ms,
    }
}

/// A running turn that has parked a call.
async fn parked(store: &Store, expires_at_ms: i64) -> (NewSay, Fence, Approval) {
    let new = conversation(PersonId::new());
    store.create_conversation(new.clone()).await.unwrap();
    let say = said(&new, "Add V", Some("a"), 100);
    let (_, fence) = accepted(store, &say).await;
    let approval = approval(&say, expires_at_ms);
    let entry = Entry { approvals: vec![approval.clone()], ..entry(&say, fence.unwrap()) };
    store.enter(entry).await.unwrap();
    (say, fence.unwrap(), approval)
}

fn entry(say: &NewSay, fence: Fence) -> Entry {
    Entry {
        turn: say.turn,
        conversation: say.say.conversation,
        fence,
        steps: Vec::new(),
        approvals: Vec::new(),
        begins: None,
        settles: None,
        audit: Vec::new(),
    }
}

#[tokio::test]
async fn the_first_decision_wins_and_opens_one_turn() {
    on_every_database(async |store| {
        let (say, _, approval) = parked(&store, 10_000).await;
        assert_eq!(store.approval(approval.id).await.unwrap(), approval, "what was parked is read back whole");
        let states =
            [ApprovalState::Approved, ApprovalState::Declined, ApprovalState::Approved, ApprovalState::Declined];
        let decisions = states.map(|state| store.decide(decision(&approval, &say, state, 200)));
        let outcomes = join_all(decisions).await;
        let won = outcomes.iter().filter(|o| matches!(o, Ok(DecideOutcome::Decided { turn: Some(_), .. }))).count();
        let late = outcomes.iter().filter(|o| matches!(o, Ok(DecideOutcome::TooLate(a)) if !a.state.is_open())).count();
        assert_eq!((won, late), (1, 3), "{outcomes:?}");
        let turns = store.unfinished_turns("a", 1_000_000, |_| false).await.unwrap();
        assert_eq!(turns.len(), 2, "the turn that asked and the one that carries out");
        assert!(turns.iter().any(|turn| turn.say.task == Task::Decision { approval: approval.id }));
    })
    .await;
}

#[tokio::test]
async fn an_approval_is_carried_out_once_and_never_after_its_time() {
    on_every_database(async |store| {
        let (say, fence, approval) = parked(&store, 10_000).await;
        let late = store.decide(decision(&approval, &say, ApprovalState::Approved, 10_000)).await.unwrap();
        assert!(matches!(&late, DecideOutcome::TooLate(a) if a.state == ApprovalState::Expired), "{late:?}");
        assert_eq!(store.overdue_approvals(10_000).await.unwrap().len(), 1);
        assert_eq!(store.next_expiry().await.unwrap(), Some(10_000));

        let begin = |turn| Entry { turn, begins: Some(approval.id), ..entry(&say, fence) };
        assert!(matches!(store.enter(begin(say.turn)).await, Err(StoreError::Conflict(_))), "nobody has approved it");
        let decision = decision(&approval, &say, ApprovalState::Approved, 200);
        let turn = decision.turn.as_ref().unwrap().id;
        assert!(matches!(store.decide(decision).await.unwrap(), DecideOutcome::Decided { .. }));
        assert_eq!(store.next_expiry().await.unwrap(), None);
        assert!(matches!(store.enter(begin(say.turn)).await, Err(StoreError::Conflict(_))), "another turn may not");
        store.enter(begin(turn)).await.unwrap();
        assert!(matches!(store.enter(begin(turn)).await, Err(StoreError::Conflict(_))), "once");
        let settlement =
            Settlement { approval: approval.id, state: ApprovalState::Executed, outcome: "V was added.".into() };
        store.enter(Entry { turn, settles: Some(settlement), ..entry(&say, fence) }).await.unwrap();
        let end = store.approval(approval.id).await.unwrap();
        assert_eq!((end.state, end.outcome.as_deref()), (ApprovalState::Executed, Some("V was added.")));
        assert_eq!(end.decision_turn, Some(turn));
        assert_eq!(store.count_executed(&["party_add"], 0).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_audit_that_was_changed_or_shortened_says_so() {
    on_every_database(async |store| {
        for n in 1..=5 {
            store.audit(audit(&format!("entry {n}"), n)).await.unwrap();
        }
        assert_eq!(store.verify_audit().await.unwrap(), 5);
        let newest = store.audit_entries(None, Some("approval"), 2).await.unwrap();
        assert_eq!(newest.iter().map(|e| e.seq).collect::<Vec<_>>(), [5, 4]);
        assert!(store.audit_entries(Some(3), Some("key"), 10).await.unwrap().is_empty());
        // The oldest may go, as time passes; what is left still follows.
        assert_eq!(store.sweep_audit(3).await.unwrap(), 2);
        assert_eq!(store.verify_audit().await.unwrap(), 3);
    })
    .await;
    // Changed behind the house's back.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    for tamper in ["UPDATE audit SET detail = 'other' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2"] {
        let url = format!("sqlite://{}", path.display());
        let store = Store::open(&url).await.unwrap();
        for n in 1..=3 {
            store.audit(audit("as it was", n)).await.unwrap();
        }
        store.close().await;
        ask(&url, tamper).await;
        let store = Store::open(&url).await.unwrap();
        let error = store.verify_audit().await.expect_err(tamper).to_string();
        assert!(error.contains("does not follow"), "{error}");
        store.close().await;
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn a_history_that_was_changed_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for (tamper, is_whole) in [
        ("SELECT 1", true),
        ("UPDATE messages SET parts = '[]' WHERE position = 1000", false),
        ("UPDATE messages SET position = 3500 WHERE position = 3001", false),
        ("DELETE FROM messages WHERE position = 2001", false),
        ("UPDATE messages SET role = 'assistant' WHERE position = 2000", false),
        // Whole turns may be trimmed.
        ("DELETE FROM messages WHERE position < 2000", true),
    ] {
        let url = format!("sqlite://{}", folder.path().join("h.db").display());
        let store = Store::open(&url).await.unwrap();
        let new = conversation(PersonId::new());
        store.create_conversation(new.clone()).await.unwrap();
        for n in 1..=3 {
            let say = said(&new, &format!("question {n}"), Some("a"), 100 * n);
            let (ordinal, fence) = accepted(&store, &say).await;
            store.finish_turn(ending(&say, ordinal, fence.unwrap(), "answer")).await.unwrap();
        }
        store.close().await;
        ask(&url, tamper).await;
        let store = Store::open(&url).await.unwrap();
        assert_eq!(store.verify_history(new.id).await.is_ok(), is_whole, "{tamper}");
        match store.verify_histories().await {
            Ok(count) => assert!(is_whole && count == 1, "{tamper}: {count}"),
            Err(error) => assert!(!is_whole && error.to_string().contains(&new.id.to_string()), "{tamper}: {error}"),
        }
        store.close().await;
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("h.db{end}")));
        }
    }
}

#[tokio::test]
async fn what_is_reserved_counts_until_the_turn_ends_and_what_was_spent_after_it() {
    on_every_database(async |store| {
        let new = conversation(PersonId::new());
        store.create_conversation(new.clone()).await.unwrap();
        let say = said(&new, "hello", Some("a"), 100);
        let (ordinal, fence) = accepted(&store, &say).await;
        let charge = |person, tokens| NewCharge {
            turn: say.turn,
            person,
            agent: new.agent,
            day: "2026-11-21".into(),
            tokens,
            cost_micros: 10,
            now_ms: 100,
        };
        let ceiling = |whose, tokens| Ceiling {
            whose,
            span: Span::Month,
            since_day: "2026-11-01".into(),
            tokens: Some(tokens),
            cost_micros: None,
        };
        let own = || vec![ceiling(Whose::Person(new.owner), 100)];
        let first = store.reserve(charge(new.owner, 60), own()).await.unwrap().expect("60 of 100");
        let over = store.reserve(charge(new.owner, 60), own()).await.unwrap().expect_err("120 of 100");
        assert_eq!((over.tokens, over.cost_micros), (60, 10));
        let other = PersonId::new();
        let theirs = vec![ceiling(Whose::Person(other), 100)];
        store.reserve(charge(other, 60), theirs).await.unwrap().expect("another's spending is another's");
        store
            .reserve(charge(new.owner, 1), vec![ceiling(Whose::Agent(new.agent), 130)])
            .await
            .unwrap()
            .expect("121 of 130");
        store
            .reserve(charge(new.owner, 1), vec![ceiling(Whose::Household, 121)])
            .await
            .unwrap()
            .expect_err("122 of 121");
        store.settle_charge(&first, 20, 3).await.unwrap();
        store.reserve(charge(new.owner, 70), own()).await.unwrap().expect("91 of 100, now that it is known");
        let end = FinishedTurn { charged: true, ..ending(&say, ordinal, fence.unwrap(), "hi") };
        store.finish_turn(end).await.unwrap();
        // 13 tokens are in the ledger.
        let over = store.reserve(charge(new.owner, 90), own()).await.unwrap().expect_err("103 of 100");
        assert_eq!(over.tokens, 13);
        let tomorrow = Ceiling { since_day: "2026-11-22".into(), ..own().remove(0) };
        store.reserve(charge(new.owner, 90), vec![tomorrow]).await.unwrap().expect("a new day");
    })
    .await;
}

#[tokio::test]
async fn facts_belong_to_their_scope_and_a_person_can_be_forgotten() {
    on_every_database(async |store| {
        let (one, two) = (person("One"), person("Two"));
        for person in [&one, &two] {
            store.put_person(person).await.unwrap();
        }
        let fact = |n: i64, scope: Scope, author: &Person, text: &str| Fact {
            id: TurnId::new().to_string(),
            scope,
            author: author.id,
            origin: Origin::Own,
            text: text.into(),
            created_at_ms: n,
        };
        let own = Scope::Person(one.id);
        for (n, scope, author, text) in [
            (1, own.clone(), &one, "likes silent films 🎞"),
            (2, own.clone(), &one, "likes silent films 🎞"),
            (3, Scope::Household, &one, "dinner is at seven"),
            (4, Scope::Household, &two, "the dog is called Rex"),
            (5, Scope::Room("web:1".into()), &two, "this room is for films"),
        ] {
            store.put_fact(&fact(n, scope, author, text)).await.unwrap();
        }
        let kept = store.facts(&own).await.unwrap();
        assert_eq!((kept.len(), kept[0].text.as_str(), kept[0].created_at_ms), (1, "likes silent films 🎞", 2));
        assert!(store.facts(&Scope::Person(two.id)).await.unwrap().is_empty());
        assert!(!store.forget_fact(&kept[0].id, &[Scope::Person(two.id)]).await.unwrap(), "another's fact");

        let new = conversation(one.id);
        store.create_conversation(new.clone()).await.unwrap();
        let say = said(&new, "canary of one", Some("a"), 100);
        let (ordinal, fence) = accepted(&store, &say).await;
        store.finish_turn(ending(&say, ordinal, fence.unwrap(), "canary of the answer")).await.unwrap();
        store.put_document("notes", &one.id.to_string(), "n", "canary note", None, 1).await.unwrap();
        let gone = store.forget_person(one.id).await.unwrap();
        assert_eq!((gone.facts, gone.conversations, gone.messages, gone.documents), (2, 1, 2, 1));
        assert!(store.facts(&own).await.unwrap().is_empty());
        assert_eq!(store.facts(&Scope::Household).await.unwrap().len(), 1, "the other's stays");
        assert!(matches!(store.turn(say.turn).await, Err(StoreError::NotFound(_))));
        assert!(store.document("notes", &one.id.to_string(), "n").await.unwrap().is_none());
        assert!(store.person(one.id).await.is_ok(), "they stay a person of the household");
    })
    .await;
}

#[tokio::test]
async fn a_link_code_joins_one_account_once_and_a_new_one_voids_the_old() {
    on_every_database(async |store| {
        let one = person("One");
        store.put_person(&one).await.unwrap();
        store.put_link_code("old", one.id, 1_000).await.unwrap();
        store.put_link_code("new", one.id, 1_000).await.unwrap();
        for (code, now_ms) in [("old", 500), ("unknown", 500), ("new", 1_001)] {
            let refused = store.redeem_link_code(code, "console", "7", now_ms).await;
            assert!(matches!(refused, Err(StoreError::NotFound(_))), "{code} at {now_ms}: {refused:?}");
        }
        let tries = (0..4).map(|n| {
            let store = &store;
            async move { store.redeem_link_code("new", "console", &n.to_string(), 500).await.is_ok() }
        });
        let won = join_all(tries).await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
        let accounts = store.identities(one.id).await.unwrap();
        assert_eq!(accounts.len(), 1);
        store.delete_identity(&accounts[0]).await.unwrap();
        assert!(store.person_behind("console", &accounts[0].account).await.unwrap().is_none());
    })
    .await;
}
