//! What toolkits know of somebody before the first word.

use super::{House, parts_of};
use majordomo_domain::{
    Audience, Label, Origin, Toolkit,
    agent::TurnLimits,
    tool::{BRIEF_CHARS, Known},
};
use majordomo_engine::Engine;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

async fn knowing(toolkits: impl IntoIterator<Item = Toolkit>, may_use: &[&str]) -> House {
    let mut house = House::new().await;
    house.engine.stop(Duration::ZERO).await;
    let mut parts = parts_of(&house.store, &house.model, &house.second, &house.world, TurnLimits::default(), |agent| {
        agent.toolkits = may_use.iter().map(|name| (*name).to_owned()).collect();
    });
    parts.toolkits.extend(toolkits);
    house.engine = Engine::start(parts).await.unwrap();
    house
}

/// What the model read first in its newest request.
fn first(house: &House) -> String {
    house.model.asked().pop().unwrap().messages[0].visible_text()
}

#[tokio::test]
async fn what_a_toolkit_knows_stands_at_the_beginning_and_stays_as_it_was() {
    let asked = Arc::new(AtomicU32::new(0));
    let taste = Toolkit::new("taste", asked.clone())
        .brief(|asked, about| async move {
            let times = asked.fetch_add(1, Ordering::SeqCst) + 1;
            let text = format!("{} likes trains, version {times}. {}", about.person.name, "x".repeat(4_000));
            Ok(Some(Known { text, label: Label { origin: Origin::Own, audience: Audience::Person } }))
        })
        .build();
    let silent = Toolkit::new("silent", ()).brief(|_, _| async { Ok(None) }).build();
    let house = knowing([taste, silent], &[]).await;
    house.model.says("One.").says("Two.");
    house.asks("Hello").await;
    let before = first(&house);
    assert!(before.contains("Ada likes trains, version 1."), "{before}");
    assert!(before.chars().count() < BRIEF_CHARS + 100, "{}", before.chars().count());
    house.asks("And now?").await;
    assert_eq!(first(&house), before);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_toolkit_that_cannot_say_or_may_not_be_used_keeps_nobody_waiting() {
    let slow = Toolkit::new("slow", ())
        .brief(|_, _| async {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            Ok(Some(Known { text: "canary-slow".into(), label: Label::OWN }))
        })
        .build();
    let broken = Toolkit::new("broken", ())
        .brief(|_, _| async { Err(majordomo_domain::ToolError::Bug("canary-broken".into())) })
        .build();
    let other = Toolkit::new("other", ())
        .brief(|_, _| async { Ok(Some(Known { text: "canary-other".into(), label: Label::OWN })) })
        .build();
    let good = Toolkit::new("good", ())
        .brief(|_, _| async { Ok(Some(Known { text: "It is good.".into(), label: Label::OWN })) })
        .build();
    let house = knowing([slow, broken, other, good], &["films", "slow", "broken", "good"]).await;
    house.model.says("One.");
    house.asks("Hello").await;
    let known = first(&house);
    assert!(known.ends_with("\nIt is good."), "{known}");
    assert!(!known.contains("canary"), "{known}");
}
