//! Calls that wait for a yes: who is asked, what a yes does and how often, what is told when it is unknown.

use super::*;
use majordomo_domain::{
    Approval, ApprovalId, ApprovalMode, ApprovalState, Card, Decision, Op, Repeat, approval::Wording, op::Decide,
};
use majordomo_engine::Invoked;

/// Lend a film to somebody.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lend {
    /// Its title.
    title: String,
}

/// Send a film by post.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ship {
    /// Its title.
    title: String,
}

/// Put a film on its shelf.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shelve {
    /// Its title.
    title: String,
}

async fn change(world: &World, call: &Call, what: String) -> Result<Output, ToolError> {
    let mut done = world.done.lock().unwrap();
    match what.as_str() {
        "lost" => {
            // It happened, and the answer never came.
            done.push((call.key.clone(), what));
            Err(ToolError::CouldNotAsk { service: "films".into(), reason: "no answer within 2 s".into() })
        }
        "refused" => Err(ToolError::TellModel("the film is out already".into())),
        _ => {
            done.push((call.key.clone(), what.clone()));
            Ok(Output::done(format!("{what} was done.")))
        }
    }
}

macro_rules! changes {
    ($tool:ty, $name:literal, $repeat:expr, $verb:literal $(, $check:expr)?) => {
        impl Tool for $tool {
            const NAME: &'static str = $name;
            const EFFECT: Effect = Effect::Write;
            const REPEAT: Repeat = $repeat;
            const APPROVAL_SECONDS: u32 = 60;
            type Service = World;

            fn title(&self) -> String {
                format!(concat!($verb, " “{}”"), self.title)
            }

            fn wording(&self, _world: &World) -> Wording {
                Wording {
                    question: format!(concat!($verb, " “{}”?"), self.title),
                    declined: format!("“{}” stays where it is.", self.title),
                    reason: String::new(),
                }
            }

            async fn preview(&self, _world: &World, _call: &Call) -> Result<Card, ToolError> {
                Ok(Card::new(self.title()).fact("Title", self.title.clone()))
            }

            $(async fn check(&self, world: &World, _call: &Call) -> Result<Option<Output>, ToolError> {
                let check: fn(&Self, &World) -> Option<Output> = $check;
                Ok(check(self, world))
            })?

            async fn run(self, world: &World, call: &Call) -> Result<Output, ToolError> {
                change(world, call, self.title).await
            }
        }
    };
}
changes!(Lend, "films_lend", Repeat::Keyed, "Lend");
changes!(Ship, "films_ship", Repeat::Blind, "Ship");
changes!(Shelve, "films_shelve", Repeat::Checkable, "Shelve", |tool, world| {
    let done = world.done.lock().unwrap();
    done.iter().any(|(_, what)| *what == tool.title).then(|| Output::done(format!("{} was done.", tool.title)))
});

impl House {
    pub async fn open_approvals(&self) -> Vec<Approval> {
        self.store.approvals(None, true, None, 50).await.unwrap()
    }

    pub async fn approval(&self) -> Approval {
        let mut open = self.open_approvals().await;
        assert_eq!(open.len(), 1, "{open:#?}");
        open.remove(0)
    }

    pub async fn decides(&self, id: ApprovalId, by: PersonId, decision: Decision) -> Result<Accepted, EngineError> {
        self.engine.submit(Op::Decide(Decide { approval: id, by, decision })).await
    }

    /// Say yes and wait for the end of the turn that carries it out.
    pub async fn approves(&self, id: ApprovalId) -> (TurnState, String) {
        match self.decides(id, self.person, Decision::Approve).await.expect("decided") {
            Accepted::Decided { turn: Some(turn), .. } => self.ends(turn).await,
            other => panic!("{other:?}"),
        }
    }

    pub fn done(&self) -> Vec<String> {
        self.world.done.lock().unwrap().iter().map(|(_, what)| what.clone()).collect()
    }

    pub async fn somebody(&self, name: &str, standing: Standing) -> PersonId {
        let person =
            Person { id: PersonId::new(), name: name.into(), standing, zone: None, language: None, created_at_ms: 0 };
        self.store.put_person(&person).await.unwrap();
        person.id
    }
}

#[tokio::test]
async fn a_change_waits_for_a_yes_happens_once_and_the_model_hears_of_it() {
    let house = House::new().await;
    house.model.calls(&[("films_lend", r#"{"title":"Metropolis"}"#)]).says("It waits for you.");
    let (state, text) = house.asks("Lend Metropolis to Otto").await;
    assert_eq!((state, text.as_str()), (TurnState::Done, "It waits for you."));
    assert!(house.done().is_empty());
    let approval = house.approval().await;
    assert_eq!(approval.wording.question, "Lend “Metropolis”?");
    assert_eq!(approval.card.facts[0].value, "Metropolis");
    assert_eq!(approval.arguments, r#"{"title":"Metropolis"}"#);
    assert_eq!(approval.expires_at_ms - approval.created_at_ms, 60_000);

    house.model.says("Otto has it now.");
    let (state, text) = house.approves(approval.id).await;
    assert_eq!(state, TurnState::Done);
    assert_eq!(text, "Otto has it now.\n\nMetropolis was done.");
    assert_eq!(house.done(), ["Metropolis"]);
    let end = house.store.approval(approval.id).await.unwrap();
    assert_eq!((end.state, end.outcome.as_deref()), (ApprovalState::Executed, Some("Metropolis was done.")));
    // What the model was told: the decision, the call and its result.
    let asked = house.model.asked();
    let told = &asked.last().unwrap().messages;
    assert!(told[told.len() - 3].visible_text().starts_with("Approved by Ada: Lend “Metropolis”?"));
    assert!(told[told.len() - 2].calls().next().is_some_and(|call| call.arguments == approval.arguments));
    let entries = house.store.audit_entries(None, None, 100).await.unwrap();
    let kinds: Vec<_> = entries.iter().rev().map(|e| (e.kind.as_str(), e.detail.clone())).collect();
    assert_eq!(kinds[0], ("policy", "ask: it changes something".into()));
    assert!(kinds[1].1.ends_with("approved"), "{kinds:?}");
    assert_eq!(kinds[2], ("execution", "done".into()));
    house.store.verify_audit().await.unwrap();
    house.store.verify_history(house.conversation).await.unwrap();
}

#[tokio::test]
async fn a_no_and_a_no_with_a_reason_change_nothing_and_say_so() {
    let house = House::new().await;
    for (reason, said, expected) in [
        (None, None, "“Metropolis” stays where it is."),
        (Some("Otto never gives anything back"), Some("Then not."), "Then not."),
    ] {
        house.model.calls(&[("films_lend", r#"{"title":"Metropolis"}"#)]).says("It waits.");
        house.asks("Lend it").await;
        let approval = house.approval().await;
        if let Some(said) = said {
            house.model.says(said);
        }
        let decision = Decision::Decline { reason: reason.map(str::to_owned) };
        let Accepted::Decided { turn: Some(turn), .. } =
            house.decides(approval.id, house.person, decision).await.unwrap()
        else {
            panic!("decided")
        };
        assert_eq!(house.ends(turn).await, (TurnState::Done, expected.into()));
        let late = house.decides(approval.id, house.person, Decision::Approve).await;
        assert!(matches!(&late, Err(EngineError::Conflict(text)) if text == "this was declined already"), "{late:?}");
    }
    assert!(house.done().is_empty());
    let told = house.model.asked().last().unwrap().messages.last().unwrap().visible_text();
    assert!(told.ends_with("Reason: Otto never gives anything back"), "{told}");
}

#[tokio::test]
async fn only_those_it_is_for_decide_and_a_child_asks_an_admin() {
    let house = House::new().await;
    let (child, member) = (house.somebody("Kim", Standing::Child).await, house.somebody("Mia", Standing::Member).await);
    house.model.calls(&[("films_lend", r#"{"title":"Metropolis"}"#)]).says("It waits.");
    let say = Say { author: child, ..house.saying("Lend it") };
    let Accepted::Turn { turn, .. } = house.engine.say(say, None).await.unwrap() else { panic!("accepted") };
    house.ends(turn).await;
    let approval = house.approval().await;
    for who in [child, member] {
        let refused = house.decides(approval.id, who, Decision::Approve).await;
        assert!(
            matches!(&refused, Err(EngineError::NotAllowed(text)) if text == "this is for an admin to decide"),
            "{refused:?}"
        );
    }
    assert!(house.done().is_empty());
    house.model.says("It is lent.");
    assert_eq!(house.approves(approval.id).await.0, TurnState::Done);
    assert_eq!(house.done(), ["Metropolis"]);
}

#[tokio::test]
async fn a_thousand_races_of_two_deciders_end_in_one_execution_each() {
    let house = House::new().await;
    let rounds = 1_000;
    for round in 0..rounds {
        let title = format!("{{\"title\":\"{round}\"}}");
        house.model.calls(&[("films_lend", &title)]).says("It waits.");
        house.asks("Lend it").await;
        let approval = house.approval().await;
        house.model.says("Lent.");
        let both = [(); 2].map(|()| house.decides(approval.id, house.person, Decision::Approve));
        let [one, other] = both;
        let (one, other) = tokio::join!(one, other);
        let turns: Vec<TurnId> = [one, other]
            .into_iter()
            .filter_map(|outcome| match outcome {
                Ok(Accepted::Decided { turn, .. }) => turn,
                Err(EngineError::Conflict(_)) => None,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(turns.len(), 1, "round {round}");
        house.ends(turns[0]).await;
        if round % 100 == 99 {
            // A short history keeps the rounds quick.
            house.engine.clear(house.conversation).await.unwrap();
        }
    }
    let expected: Vec<String> = (0..rounds).map(|n| n.to_string()).collect();
    assert_eq!(house.done(), expected);
}

#[tokio::test]
async fn nobody_decides_in_time_and_watchers_see_it_struck_through() {
    let store = Store::scratch().await.unwrap();
    let house = House::on(&store, |agent| agent.approvals.expire_seconds = Some(1)).await;
    house.model.calls(&[("films_lend", r#"{"title":"Metropolis"}"#)]).says("It waits.");
    let mut watch = house.engine.watch(house.conversation, None).await.unwrap();
    house.asks("Lend it").await;
    let approval = house.approval().await;
    let mut states = Vec::new();
    while let Some(event) = watch.next().await {
        match &event.kind {
            EventKind::ApprovalOpened { approval } => states.push(approval.state),
            EventKind::ApprovalChanged { approval } => {
                states.push(approval.state);
                break;
            }
            _ => {}
        }
    }
    assert_eq!(states, [ApprovalState::Open, ApprovalState::Expired]);
    let late = house.decides(approval.id, house.person, Decision::Approve).await;
    assert!(matches!(&late, Err(EngineError::Conflict(text)) if text == "this has expired; ask again"), "{late:?}");
    // The next request tells the model, without one being made for it.
    house.model.says("It ran out.");
    house.asks("And?").await;
    let asked = house.model.asked();
    assert_eq!(asked.len(), 3);
    let told: Vec<_> = asked[2].messages.iter().map(|m| m.visible_text()).collect();
    assert!(told.iter().any(|text| text.starts_with("Nobody decided in time: Lend “Metropolis”?")), "{told:?}");
    assert!(house.done().is_empty());
}

#[tokio::test]
async fn a_change_is_another_question_with_another_fingerprint() {
    let house = House::new().await;
    house.model.calls(&[("films_lend", r#"{"title":"Metropolis"}"#)]).says("It waits.");
    house.asks("Lend it").await;
    let old = house.approval().await;
    let change = |arguments: serde_json::Value| house.decides(old.id, house.person, Decision::Change { arguments });
    for (arguments, said) in [
        (serde_json::json!({"title": "Metropolis"}), "nothing was changed"),
        (serde_json::json!({"titel": "M"}), "unknown field"),
    ] {
        let refused = change(arguments).await.expect_err("refused").to_string();
        assert!(refused.contains(said), "{refused}");
    }
    let Ok(Accepted::Asked { approval: new }) = change(serde_json::json!({"title": "M"})).await else {
        panic!("asked")
    };
    assert_ne!(new.fingerprint, old.fingerprint);
    assert_eq!((new.replaces, new.wording.question.as_str()), (Some(old.id), "Lend “M”?"));
    let late = house.decides(old.id, house.person, Decision::Approve).await;
    assert!(matches!(late, Err(EngineError::Conflict(_))));
    house.model.says("M is lent.");
    house.approves(new.id).await;
    assert_eq!(house.done(), ["M"]);
}

#[tokio::test]
async fn what_did_not_report_back_is_looked_up_repeated_by_key_or_told_as_unknown() {
    for (tool, state, text, done) in [
        // The service drops the repeat by the key.
        ("films_lend", ApprovalState::Uncertain, "Whether this happened is not known", 2),
        ("films_ship", ApprovalState::Uncertain, "Whether this happened is not known", 1),
        ("films_shelve", ApprovalState::Executed, "lost was done.", 1),
    ] {
        let house = House::new().await;
        house.model.calls(&[(tool, r#"{"title":"lost"}"#)]).says("It waits.");
        house.asks("Do it").await;
        let approval = house.approval().await;
        house.model.says("I've sent it.");
        let (_, answer) = house.approves(approval.id).await;
        assert!(answer.contains(text), "{tool}: {answer}");
        assert_eq!(house.store.approval(approval.id).await.unwrap().state, state, "{tool}");
        let keys: Vec<_> = house.world.done.lock().unwrap().iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys.len(), done, "{tool}");
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{tool}: one key for one call");
    }
}

#[tokio::test]
async fn a_failing_change_says_so_and_what_the_tool_says_reaches_the_model() {
    let house = House::new().await;
    house.model.calls(&[("films_lend", r#"{"title":"refused"}"#)]).says("It waits.");
    house.asks("Lend it").await;
    let approval = house.approval().await;
    house.model.says("It is out.");
    assert_eq!(house.approves(approval.id).await.1, "It is out.");
    let end = house.store.approval(approval.id).await.unwrap();
    assert_eq!((end.state, end.outcome.as_deref()), (ApprovalState::Failed, Some("the film is out already")));
}

#[tokio::test]
async fn several_changes_are_several_questions_and_more_than_five_are_not_asked() {
    let house = House::new().await;
    let calls: Vec<String> = (0..8).map(|n| format!(r#"{{"title":"{n}"}}"#)).collect();
    let mut all: Vec<(&str, &str)> = calls.iter().map(|arguments| ("films_lend", arguments.as_str())).collect();
    // The same once more is the same question.
    all.insert(1, ("films_lend", &calls[0]));
    house.model.calls(&all).says("They wait.");
    house.asks("Lend all").await;
    let mut open: Vec<_> = house.open_approvals().await.into_iter().map(|a| a.wording.question).collect();
    open.sort();
    assert_eq!(open.len(), 4, "{open:?}");
    let results = house.model.asked()[1].messages.last().unwrap().parts.clone();
    let refused = results
        .iter()
        .filter(|p| matches!(p, Part::Result(r) if r.is_error && r.text.starts_with("at most 5 changes")))
        .count();
    assert_eq!(refused, 4);
}

#[tokio::test]
async fn the_talk_goes_on_while_something_waits_and_answers_that_claim_it_are_set_right() {
    let house = House::new().await;
    house
        .model
        .calls(&[("films_lend", r#"{"title":"Metropolis"}"#)])
        .says("I've lent it. It has been added to Otto's list.");
    let (_, text) = house.asks("Lend it").await;
    assert!(text.contains("This has not happened yet: “Lend “Metropolis”” waits for a decision."), "{text}");
    house.model.says("Fritz Lang.");
    assert_eq!(house.asks("Who directed it?").await.1, "Fritz Lang.");
    assert_eq!(house.open_approvals().await.len(), 1);
}

#[tokio::test]
async fn a_person_who_lost_the_right_between_yes_and_run_changes_nothing() {
    let house = House::new().await;
    let admin = house.somebody("Ben", Standing::Admin).await;
    let child = house.somebody("Kim", Standing::Child).await;
    house.model.calls(&[("films_lend", r#"{"title":"Metropolis"}"#)]).says("It waits.");
    let say = Say { author: child, ..house.saying("Lend it") };
    let Accepted::Turn { turn, .. } = house.engine.say(say, None).await.unwrap() else { panic!("accepted") };
    house.ends(turn).await;
    let approval = house.approval().await;
    // A slow turn of the same conversation keeps the decision waiting.
    house.model.calls(&[("films_look_up", r#"{"title":"slow"}"#)]).says("Slow.");
    let slow = house.says("Something slow").await;
    let Ok(Accepted::Decided { turn: Some(turn), .. }) = house.decides(approval.id, admin, Decision::Approve).await
    else {
        panic!("decided")
    };
    let mut ben = house.store.person(admin).await.unwrap();
    ben.standing = Standing::Member;
    house.store.put_person(&ben).await.unwrap();
    house.engine.cancel(CancelTarget::Turn(slow), house.person).await.unwrap();
    let (_, text) = house.ends(turn).await;
    assert_eq!(text, "Not done: the one who decided may no longer do so.");
    assert_eq!(house.store.approval(approval.id).await.unwrap().state, ApprovalState::Void);
    assert!(house.done().is_empty());
}

#[tokio::test]
async fn modes_run_what_the_person_may_decide_alone_and_ask_before_reading() {
    let store = Store::scratch().await.unwrap();
    let house = House::on(&store, |agent| agent.approvals.mode = ApprovalMode::Never).await;
    house.model.calls(&[("films_lend", r#"{"title":"Metropolis"}"#)]).says("I've lent it.");
    assert_eq!(house.asks("Lend it").await.1, "I've lent it.\n\nMetropolis was done.");
    assert_eq!(house.done(), ["Metropolis"]);

    let store = Store::scratch().await.unwrap();
    let house = House::on(&store, |agent| agent.approvals.mode = ApprovalMode::Always).await;
    house.model.calls(&[("films_look_up", r#"{"title":"Metropolis"}"#)]).says("May I look?");
    house.asks("Look it up").await;
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 0);
    let approval = house.approval().await;
    house.model.says("1927.");
    assert_eq!(house.approves(approval.id).await.1, "1927.");
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_tool_run_by_hand_asks_too_and_its_yes_needs_no_model() {
    let house = House::new().await;
    let ada = house.store.person(house.person).await.unwrap();
    let read = house.engine.run_tool("films_look_up", r#"{"title":"M"}"#, ada.clone()).await.unwrap();
    assert!(matches!(read, Invoked::Output(output) if output.text.contains("1927")));
    let Invoked::Turn { outcome, .. } = house.engine.run_tool("films_ship", r#"{"title":"M"}"#, ada).await.unwrap()
    else {
        panic!("a turn")
    };
    assert_eq!(outcome.state, TurnState::Done);
    let approval = house.approval().await;
    assert_eq!(house.approves(approval.id).await.1, "M was done.");
    assert_eq!(house.done(), ["M"]);
    assert!(house.model.asked().is_empty());
}

#[tokio::test]
async fn stop_said_in_a_chat_ends_what_runs_for_that_person() {
    let house = House::new().await;
    house.model.calls(&[("films_look_up", r#"{"title":"slow"}"#)]);
    let mut watch = house.engine.watch(house.conversation, None).await.unwrap();
    let turn = house.says("Something slow").await;
    while let Some(event) = watch.next().await {
        if matches!(event.kind, EventKind::CallStarted { .. }) {
            break;
        }
    }
    let stopped = house.engine.say(house.saying("STOP!"), None).await.unwrap();
    assert_eq!(stopped, Accepted::Stopped { turn });
    assert_eq!(house.ends(turn).await.0, TurnState::Cancelled);
    // Nothing runs any more: the word is a message like any other.
    house.model.says("There is nothing to stop.");
    assert_eq!(house.asks("stop").await.1, "There is nothing to stop.");
    let audit = house.store.audit_entries(None, Some("stop"), 10).await.unwrap();
    assert_eq!((audit.len(), audit[0].detail.as_str()), (1, "1 turns were told to stop"));
}
