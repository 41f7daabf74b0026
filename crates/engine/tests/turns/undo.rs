//! A change is taken back with one press, once, by the one it was done for, while it is offered.

use super::*;
use majordomo_domain::{Decision, Repeat, testing::ManualClock, tool::UndoCall};
use majordomo_engine::{TakenBack, TakingBack, Undoable};
use serde_json::json;

/// Give a film stars.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Its title.
    title: String,
    /// 0 to 10.
    stars: i64,
}

impl Tool for Rate {
    const NAME: &'static str = "films_rate";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: majordomo_domain::tool::Undo = majordomo_domain::tool::Undo::ByCall;
    type Service = World;

    fn title(&self) -> String {
        format!("Giving “{}” {} stars", self.title, self.stars)
    }

    async fn run(self, world: &World, _call: &Call) -> Result<Output, ToolError> {
        if world.is_down.load(Ordering::SeqCst) {
            return Err(ToolError::CouldNotAsk { service: "the critics".into(), reason: "they do not answer".into() });
        }
        let before = world.stars.lock().unwrap().insert(self.title.clone(), self.stars).unwrap_or(0);
        let undo = UndoCall {
            tool: Self::NAME.into(),
            arguments: json!({"title": self.title, "stars": before}),
            title: format!("Give “{}” its {before} stars back", self.title),
        };
        Ok(Output::done(format!("“{}” has {} stars now.", self.title, self.stars)).with_undo(undo))
    }
}

/// Burn a film. It is taken back by somebody else's yes only.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Burn {
    /// Its title.
    title: String,
}

impl Tool for Burn {
    const NAME: &'static str = "films_burn";
    const EFFECT: Effect = Effect::Destroy;
    type Service = World;

    fn title(&self) -> String {
        format!("Burning “{}”", self.title)
    }

    async fn run(self, world: &World, _call: &Call) -> Result<Output, ToolError> {
        world.stars.lock().unwrap().insert(self.title.clone(), -1);
        let undo = UndoCall {
            tool: "films_remove".into(),
            arguments: json!({"title": self.title}),
            title: "Sweep the ashes".into(),
        };
        Ok(Output::done("It burns.").with_undo(undo))
    }
}

impl House {
    /// How it stands with taking back what a turn has changed.
    async fn standing(&self, turn: TurnId) -> Vec<(TakingBack, String)> {
        self.known(turn).await.into_iter().map(|one| (one.state, one.reason)).collect()
    }

    async fn known(&self, turn: TurnId) -> Vec<TakenBack> {
        let row = self.store.turn(turn).await.unwrap();
        self.engine.taken_back(&row).await.unwrap()
    }

    fn stars(&self, title: &str) -> Option<i64> {
        self.world.stars.lock().unwrap().get(title).copied()
    }

    /// Change something with a yes; the turn that did it and the offer to take it back.
    async fn changed(&self, tool: &str, arguments: serde_json::Value, by: PersonId) -> (TurnId, String, i64) {
        self.model.calls(&[(tool, &arguments.to_string())]).says("It waits for you.");
        let say = Say { author: by, ..self.saying("Change it") };
        let Accepted::Turn { turn, .. } = self.engine.say(say, None).await.unwrap() else { panic!() };
        self.ends(turn).await;
        let approval = self.approval().await;
        self.model.says("So be it.");
        let Accepted::Decided { turn: Some(turn), .. } =
            self.decides(approval.id, self.person, Decision::Approve).await.unwrap()
        else {
            panic!()
        };
        self.ends(turn).await;
        let row = self.store.turn(turn).await.unwrap();
        let messages = self.store.turn_messages(&row).await.unwrap();
        let results = messages.iter().flat_map(|m| &m.parts);
        let offer = results
            .filter_map(|part| match part {
                Part::Result(result) => Some((result.call_id.clone(), result.undo.clone()?, result.text.clone())),
                _ => None,
            })
            .next_back()
            .expect("it is offered to take it back");
        assert!(offer.2.contains("to take it back within 60 min"), "the model knows how: {}", offer.2);
        (turn, offer.0, offer.1.until_ms)
    }
}

#[tokio::test]
async fn one_press_restores_what_was_and_further_presses_change_nothing() {
    let house = House::new().await;
    let ada = house.store.person(house.person).await.unwrap();
    house.world.stars.lock().unwrap().insert("Metropolis".into(), 8);
    let (turn, call, _) = house.changed("films_rate", json!({"title": "Metropolis", "stars": 2}), house.person).await;
    assert_eq!(house.stars("Metropolis"), Some(2));

    assert_eq!(house.standing(turn).await, []);
    let row = house.store.turn(turn).await.unwrap();
    let offered = Undoable { turn, call_id: call.clone(), title: "Give “Metropolis” its 8 stars back".into() };
    assert_eq!(house.engine.undoable(row.conversation).await.unwrap(), Some(offered));

    house.model.says("It is as it was.");
    let undoing = house.engine.undo(&ada, turn, &call).await.unwrap();
    house.ends(undoing).await;
    assert_eq!(house.standing(turn).await, [(TakingBack::Done, String::new())]);
    let next = house.engine.undoable(row.conversation).await.unwrap();
    assert_eq!(next, None, "what took it back is not offered as the next one");
    assert_eq!(house.stars("Metropolis"), Some(8), "what was there before is there again");
    house.world.stars.lock().unwrap().insert("Metropolis".into(), 5);
    for _ in 0..3 {
        house.engine.undo(&ada, turn, &call).await.unwrap();
    }
    assert_eq!(house.stars("Metropolis"), Some(5), "it is taken back once");
    assert!(house.open_approvals().await.is_empty(), "and nobody is asked again");
    let missing = house.engine.undo(&ada, turn, "no such call").await;
    assert!(matches!(missing, Err(EngineError::NotFound("undo"))), "{missing:?}");
}

#[tokio::test]
async fn it_is_taken_back_by_the_one_it_was_done_for_and_in_time() {
    let house = House::new().await;
    let ada = house.store.person(house.person).await.unwrap();
    let bob = house.store.person(house.somebody("Bob", Standing::Member).await).await.unwrap();
    let (turn, call, until_ms) =
        house.changed("films_rate", json!({"title": "Detour", "stars": 7}), house.person).await;
    let others = house.engine.undo(&bob, turn, &call).await;
    assert!(matches!(others, Err(EngineError::NotFound("turn"))), "{others:?}");

    house.engine.stop(Duration::from_secs(5)).await;
    let parts = parts_of(&house.store, &house.model, &house.second, &house.world, TurnLimits::default(), |_| {});
    let clock = Arc::new(ManualClock::at(until_ms + 1));
    let engine = Engine::start(Parts { clock, ..parts }).await.unwrap();
    let late = engine.undo(&ada, turn, &call).await;
    assert!(matches!(late, Err(EngineError::Conflict(_))), "{late:?}");
    assert_eq!(house.stars("Detour"), Some(7));
    let row = house.store.turn(turn).await.unwrap();
    assert_eq!(engine.undoable(row.conversation).await.unwrap(), None, "nor is it offered any more");
}

#[tokio::test]
async fn what_somebody_else_decides_waits_for_them_also_when_taken_back() {
    let house = House::new().await;
    let bob = house.store.person(house.somebody("Bob", Standing::Member).await).await.unwrap();
    let (turn, call, _) = house.changed("films_burn", json!({"title": "Charade"}), bob.id).await;
    house.engine.undo(&bob, turn, &call).await.unwrap();
    let waiting = house.approval().await;
    assert_eq!((waiting.tool.as_str(), waiting.requester), ("films_remove", bob.id));
    assert_eq!(house.world.asked.load(Ordering::SeqCst), 0, "nothing was removed");
    assert_eq!(house.standing(turn).await, [(TakingBack::Waits, String::new())]);
    house.model.says("It stays.");
    let no = Decision::Decline { reason: Some("let it lie".into()) };
    let Accepted::Decided { turn: Some(told), .. } = house.decides(waiting.id, house.person, no).await.unwrap() else {
        panic!()
    };
    house.ends(told).await;
    assert_eq!(house.standing(turn).await, [(TakingBack::Refused, "somebody said no: let it lie".into())]);
}

#[tokio::test]
async fn what_could_not_be_taken_back_is_pressed_for_again() {
    let house = House::new().await;
    let ada = house.store.person(house.person).await.unwrap();
    house.world.stars.lock().unwrap().insert("Detour".into(), 9);
    let (turn, call, _) = house.changed("films_rate", json!({"title": "Detour", "stars": 1}), house.person).await;
    house.world.is_down.store(true, Ordering::SeqCst);
    let mut tries = Vec::new();
    for _ in 0..2 {
        house.model.says("That did not work.");
        let undoing = house.engine.undo(&ada, turn, &call).await.unwrap();
        house.ends(undoing).await;
        let reason = "could not ask the critics: they do not answer".to_owned();
        assert_eq!(house.standing(turn).await, [(TakingBack::Refused, reason)]);
        assert!(house.known(turn).await[0].may_retry);
        let row = house.store.turn(turn).await.unwrap();
        assert!(house.engine.undoable(row.conversation).await.unwrap().is_some(), "the terminal offers it again, too");
        tries.push(undoing);
    }
    assert_ne!(tries[0], tries[1], "each press is a try of its own");
    house.world.is_down.store(false, Ordering::SeqCst);
    house.model.says("It is as it was.");
    let undoing = house.engine.undo(&ada, turn, &call).await.unwrap();
    house.ends(undoing).await;
    assert_eq!((house.stars("Detour"), house.standing(turn).await[0].0), (Some(9), TakingBack::Done));
    let row = house.store.turn(turn).await.unwrap();
    assert_eq!(house.engine.undoable(row.conversation).await.unwrap(), None);
    house.world.stars.lock().unwrap().insert("Detour".into(), 5);
    house.engine.undo(&ada, turn, &call).await.unwrap();
    assert_eq!((house.stars("Detour"), house.known(turn).await[0].may_retry), (Some(5), false), "and then no more");
}

#[tokio::test]
async fn what_somebody_has_declined_is_not_asked_again_however_often_it_is_pressed() {
    let house = House::new().await;
    let bob = house.store.person(house.somebody("Bob", Standing::Member).await).await.unwrap();
    let (turn, call, _) = house.changed("films_burn", json!({"title": "Charade"}), bob.id).await;
    house.engine.undo(&bob, turn, &call).await.unwrap();
    house.model.says("It stays.");
    let waiting = house.approval().await;
    house.decides(waiting.id, house.person, Decision::Decline { reason: None }).await.unwrap();
    house.engine.undo(&bob, turn, &call).await.unwrap();
    assert!(house.open_approvals().await.is_empty());
    assert!(!house.known(turn).await[0].may_retry);
}

#[tokio::test]
async fn what_failed_is_not_offered_again_when_the_time_is_over() {
    let house = House::new().await;
    let ada = house.store.person(house.person).await.unwrap();
    let (turn, call, until_ms) =
        house.changed("films_rate", json!({"title": "Detour", "stars": 1}), house.person).await;
    house.world.is_down.store(true, Ordering::SeqCst);
    house.model.says("That did not work.");
    let undoing = house.engine.undo(&ada, turn, &call).await.unwrap();
    house.ends(undoing).await;
    assert!(house.known(turn).await[0].may_retry);
    house.engine.stop(Duration::from_secs(5)).await;
    let parts = parts_of(&house.store, &house.model, &house.second, &house.world, TurnLimits::default(), |_| {});
    let clock = Arc::new(ManualClock::at(until_ms + 1));
    let engine = Engine::start(Parts { clock, ..parts }).await.unwrap();
    let row = house.store.turn(turn).await.unwrap();
    assert!(!engine.taken_back(&row).await.unwrap()[0].may_retry);
    let late = engine.undo(&ada, turn, &call).await;
    assert!(matches!(late, Err(EngineError::Conflict(_))), "{late:?}");
}
