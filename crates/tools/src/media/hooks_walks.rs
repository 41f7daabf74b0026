//! Setting up the webhooks of Radarr and Sonarr against the stand-ins: once, for several instances, after a move, without a secret said.

use super::walks::{Home, somebody};
use majordomo_domain::Standing;
use majordomo_standins::{Fault, Request};
use majordomo_upstream::testing::{Answer, TestServer};
use serde_json::{Value, json};

#[tokio::test]
async fn webhooks_are_set_up_once_say_no_secret_and_are_taken_back() {
    let receiver = TestServer::start().await;
    for status in [204, 204, 204, 204, 404] {
        receiver.on("POST", "*", Answer::json_text("{}").status(status));
    }
    let home = Home::with(json!({"hooks_url": receiver.url().as_str()})).await;
    let ada = somebody("Ada", Standing::Admin);
    let refused = home.run("media_hooks_install", json!({})).await.unwrap_err();
    assert!(refused.to_string().contains("only an admin"), "{refused}");

    let output = home.run_as(&ada, "media_hooks_install", json!({})).await.unwrap();
    assert_eq!(output.receipt.as_deref(), Some("Webhooks: Radarr was set up and works; Sonarr was set up and works."));
    let sent = |method: &str| {
        let all = home.town.requests();
        all.into_iter()
            .filter(|asked| asked.method == method && asked.path.contains("/notification"))
            .collect::<Vec<_>>()
    };
    let saved = sent("POST");
    let secrets: Vec<String> = saved
        .iter()
        .map(|asked| {
            let fields = asked.body["fields"].as_array().unwrap();
            let url = fields.iter().find(|field| field["name"] == "url").unwrap()["value"].as_str().unwrap();
            url.rsplit('/').next().unwrap().to_owned()
        })
        .collect();
    assert_eq!(secrets.len(), 2);
    for (hook, secret) in ["radarr", "sonarr"].iter().zip(&secrets) {
        assert!(home.store.is_hook_secret(hook, secret).await.unwrap(), "{hook} is told an address that is answered");
        assert!(!format!("{output:?}").contains(secret.as_str()), "the secret is not shown");
    }
    assert!(saved.iter().all(|asked| asked.body["onDownload"] == true && asked.body["onGrab"] == true));

    // A second time nothing is changed, only tested.
    home.town.forget();
    let again = home.run_as(&ada, "media_hooks_install", json!({})).await.unwrap();
    assert_eq!((again.receipt, again.undo), (None, None), "{}", again.text);
    let tested = sent("POST");
    assert!(tested.len() == 2 && tested.iter().all(|asked| asked.path.ends_with("/notification/test")), "{tested:?}");
    assert!(sent("PUT").is_empty());

    // With nobody there it says so, without the secret.
    let undo = output.undo.unwrap();
    let removed = home.run_as(&ada, &undo.tool, undo.arguments).await.unwrap();
    assert_eq!(removed.receipt.as_deref(), Some("The webhooks are removed from Radarr, Sonarr."));
    let failed = home.run_as(&ada, "media_hooks_install", json!({})).await.unwrap();
    assert_eq!(failed.receipt, None);
    assert!(failed.text.contains("Radarr was not set up"), "{}", failed.text);
    assert!(secrets.iter().all(|secret| !failed.text.contains(secret.as_str())), "{}", failed.text);
    assert_eq!(home.town.violations(), []);
}

/// The changes of connections that were sent, in order.
fn saved(home: &Home, method: &str) -> Vec<Request> {
    let all = home.town.requests().into_iter();
    all.filter(|asked| asked.method == method && asked.path.contains("/notification")).collect()
}

fn address(asked: &Request) -> String {
    let fields = asked.body["fields"].as_array().unwrap();
    let url = fields.iter().find(|field| field["name"] == "url").unwrap();
    url["value"].as_str().unwrap().to_owned()
}

/// Somebody who takes every webhook.
async fn receiver() -> TestServer {
    let receiver = TestServer::start().await;
    for _ in 0..30 {
        receiver.on("POST", "*", Answer::json_text("{}").status(204));
    }
    receiver
}

#[tokio::test]
async fn several_radarrs_are_told_one_address_and_one_that_is_away_is_set_up_later() {
    let receiver = receiver().await;
    let bounds = json!({"hooks_url": receiver.url().as_str()});
    let home = Home::with_radarrs(bounds, &["default", "4k", "kids"]).await;
    let ada = somebody("Ada", Standing::Admin);
    home.town.fault("radarr:kids", Fault::Refuse).await;
    let output = home.run_as(&ada, "media_hooks_install", json!({})).await.unwrap();
    let told: Value = serde_json::from_str(&output.text).unwrap();
    let lines: Vec<&str> = told["webhooks"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for name in ["Radarr", "Radarr (4k)"] {
        assert!(lines.contains(&format!("{name} was set up and works").as_str()), "{lines:?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("Radarr (kids) was not set up")), "{lines:?}");
    let radarrs: Vec<String> =
        saved(&home, "POST").iter().filter(|asked| asked.service.starts_with("radarr")).map(address).collect();
    assert!(radarrs.len() == 2 && radarrs[0] == radarrs[1], "one address for all of them: {}", radarrs.len());

    // The one that was away joins the others; nothing of theirs is changed, so their address stays good.
    home.town.mend("radarr:kids").await;
    home.town.forget();
    home.run_as(&ada, "media_hooks_install", json!({})).await.unwrap();
    let made: Vec<Request> =
        saved(&home, "POST").into_iter().filter(|asked| asked.path.ends_with("/notification")).collect();
    assert_eq!(made.iter().map(|asked| asked.service.as_str()).collect::<Vec<_>>(), ["radarr:kids"]);
    assert_eq!(address(&made[0]), radarrs[0]);
    assert!(saved(&home, "PUT").is_empty());
    let secret = radarrs[0].rsplit('/').next().unwrap();
    assert!(home.store.is_hook_secret("radarr", secret).await.unwrap());

    // Taken back from one only, as an undo names it.
    let removed = home.run_as(&ada, "media_hooks_remove", json!({"only": ["radarr/4k"]})).await.unwrap();
    assert_eq!(removed.receipt.as_deref(), Some("The webhooks are removed from Radarr (4k)."));

    // While the only ones that know the address are away, no other is made in its place.
    home.run_as(&ada, "media_hooks_remove", json!({"only": ["radarr/kids"]})).await.unwrap();
    home.town.fault("radarr", Fault::Refuse).await;
    home.town.forget();
    let output = home.run_as(&ada, "media_hooks_install", json!({})).await.unwrap();
    assert!(output.text.contains("Radarr (4k) was not set up: first all of them have to answer"), "{}", output.text);
    assert!(saved(&home, "POST").iter().all(|asked| asked.service == "sonarr"));
    assert!(home.store.is_hook_secret("radarr", secret).await.unwrap(), "what Radarr knows stays good");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn after_a_move_of_the_house_the_connections_are_put_right_and_the_rest_of_them_stays() {
    let (before, after) = (receiver().await, receiver().await);
    let mut home = Home::with(json!({"hooks_url": before.url().as_str()})).await;
    let ada = somebody("Ada", Standing::Admin);
    home.run_as(&ada, "media_hooks_install", json!({})).await.unwrap();
    let old: Vec<String> = saved(&home, "POST").iter().map(address).collect();

    home.config.media.hooks_url = Some(format!("{}house/", after.url()).parse().unwrap());
    home.town.forget();
    let output = home.run_as(&ada, "media_hooks_install", json!({})).await.unwrap();
    assert_eq!(
        output.receipt.as_deref(),
        Some("Webhooks: Radarr was put right and works; Sonarr was put right and works.")
    );
    assert_eq!(output.undo, None, "a connection that was there before is not taken out by an undo");
    let changed = saved(&home, "PUT");
    let base = |hook: &str| format!("{}house/hooks/{hook}/", after.url());
    let new: Vec<String> = changed.iter().map(address).collect();
    assert!(
        new.len() == 2 && new[0].starts_with(&base("radarr")) && new[1].starts_with(&base("sonarr")),
        "{}",
        new.len()
    );
    assert!(changed.iter().all(|asked| asked.body["name"] == "Majordomo" && asked.body["onGrab"] == true));
    for (hook, (old, new)) in ["radarr", "sonarr"].iter().zip(old.iter().zip(&new)) {
        let secret = |address: &str| address.rsplit('/').next().unwrap().to_owned();
        assert!(home.store.is_hook_secret(hook, &secret(new)).await.unwrap());
        assert!(!home.store.is_hook_secret(hook, &secret(old)).await.unwrap(), "what is written down there is void");
        assert!(!output.text.contains(&secret(new)));
    }
    assert!(saved(&home, "POST").is_empty(), "no second connection beside the first");

    // The address of Plex is a person's to make, and no tool says one.
    assert!(output.text.contains("an admin makes its address on the page"), "{}", output.text);
    assert_eq!(home.store.hook_made_at("plex").await.unwrap(), None);
    assert_eq!(home.town.violations(), []);
}
