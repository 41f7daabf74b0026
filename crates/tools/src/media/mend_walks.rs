//! The doctor of stuck downloads against the stand-ins: packs, what is not needed, what keeps coming back, a stop in the middle, and
//! the same judgement whichever tool is asked.

use super::walks::{HILLBILLIES, Home, METROPOLIS, SHERLOCK_JR, mending, stuck, stuck_film};
use crate::{Parts, testing::upstream};
use majordomo_standins::{Held, Offer};
use serde_json::{Value, json};

const HOUR: u64 = 3_600;

/// What was sent that changes something, such as `DELETE /queue/7` or `MoviesSearch`.
fn writes(home: &Home) -> Vec<String> {
    home.town
        .requests()
        .into_iter()
        .filter(|asked| asked.method != "GET" && asked.service != "plex")
        .map(|asked| match asked.body["name"].as_str().filter(|_| asked.path.ends_with("/command")) {
            Some(command) => command.to_owned(),
            None => {
                let path = asked.path.rsplit_once("/v3").map_or(asked.path.as_str(), |(_, path)| path);
                format!("{} {}", asked.method, path.trim_end_matches(char::is_numeric))
            }
        })
        .collect()
}

/// The second season as one download in this state.
fn pack(home: &Home, held: Held) -> String {
    let sonarr = home.town.sonarr("default");
    sonarr.clear_queue();
    sonarr.put_season(HILLBILLIES, 2, &[], "WEBDL-720p", held).expect("a pack")
}

/// Sonarr takes whole seasons only where they are watched for.
async fn wants_the_season(home: &Home) {
    home.town.sonarr("default").offers(HILLBILLIES, []);
    let season = json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [2]});
    home.run("media_request", season).await.unwrap();
}

async fn mended(home: &Home, proposed: &Value) -> String {
    home.town.forget();
    let output = home.run("media_mend", mending(proposed)).await.unwrap_or_else(|error| panic!("{proposed}: {error}"));
    output.receipt.unwrap()
}

#[tokio::test]
async fn of_an_incomplete_pack_what_is_there_is_imported_and_the_rest_searched_one_by_one() {
    let home = Home::new().await;
    let sonarr = home.town.sonarr("default");
    let message = "One or more episodes expected in this release were not imported or missing from the release";
    let id = pack(&home, Held::blocked(vec![message.into()]));
    assert_eq!(sonarr.lacks(&id, &[8, 9, 10]), 3);
    home.later(HOUR).await;
    let proposed = stuck(&home).await;
    assert_eq!((&proposed["fix"], &proposed["application"]), (&json!("import_part"), &json!("series")), "{proposed}");
    sonarr.offers(HILLBILLIES, [Offer::of("WEBDL-720p").episodes(2, [9])]);
    let said = mended(&home, &proposed).await;
    assert!(
        said.contains(": 7 of 7 files imported, 3 parts were searched one by one; another release was taken: "),
        "{said}"
    );
    assert!(said.contains("S02E09"), "{said}");
    assert_eq!(writes(&home), ["ManualImport", "EpisodeSearch"]);
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn a_season_that_stands_still_is_replaced_as_a_season_by_one_removal() {
    let home = Home::new().await;
    wants_the_season(&home).await;
    pack(&home, Held::stalled());
    home.later(7 * HOUR).await;
    let proposed = stuck(&home).await;
    assert_eq!(proposed["fix"], "remove_and_block", "{proposed}");
    let sonarr = home.town.sonarr("default");
    // The one that was removed is still on offer, and it looks the best.
    let other = Offer::of("WEBDL-720p").season(2).title("The.Beverly.Hillbillies.S02.720p.WEB-OTHER").seeders(2);
    sonarr.offers(HILLBILLIES, [Offer::of("WEBDL-720p").season(2), other]);
    let said = mended(&home, &proposed).await;
    assert!(said.contains("it was removed and is not taken again; another release was taken: "), "{said}");
    assert_eq!(writes(&home), ["DELETE /queue/", "SeasonSearch"]);
    let queue = home.told("media_queue", json!({})).await;
    let releases = queue["downloads"].as_array().unwrap();
    assert_eq!(releases.len(), 1, "{queue}");
    assert_eq!(home.told("media_stuck", json!({})).await["total"], 0, "the new one is on its way");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn what_is_as_good_as_the_file_is_removed_and_nothing_is_searched_or_blocked() {
    let home = Home::new().await;
    let radarr = home.town.radarr("default");
    radarr.clear_queue();
    let message = "Not an upgrade for existing movie file(s). Existing quality: Bluray-1080p. New Quality Bluray-720p.";
    radarr.put_film(METROPOLIS, "Bluray-720p", Held::blocked(vec![message.into()])).expect("a row");
    home.later(HOUR).await;
    let proposed = stuck(&home).await;
    assert_eq!(proposed["fix"], "remove_quietly", "{proposed}");
    let said = mended(&home, &proposed).await;
    assert_eq!(said, "Metropolis (1927): it was removed; nothing is searched.");
    assert_eq!(writes(&home), ["DELETE /queue/"]);
    let removal = home.town.requests().into_iter().find(|asked| asked.method == "DELETE").unwrap();
    assert!(removal.query.contains(&("blocklist".into(), "false".into())), "{:?}", removal.query);
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn what_comes_back_makes_room_for_another_release_of_a_film_and_of_a_season() {
    let home = Home::new().await;
    for is_film in [true, false] {
        let put = || match is_film {
            true => stuck_film(&home, Held::stalled()),
            false => drop(pack(&home, Held::stalled())),
        };
        let (radarr, sonarr) = (home.town.radarr("default"), home.town.sonarr("default"));
        put();
        home.later(7 * HOUR).await;
        radarr.offers(SHERLOCK_JR, []);
        sonarr.offers(HILLBILLIES, []);
        let first = mended(&home, &stuck(&home).await).await;
        assert!(first.ends_with("no other release is offered now."), "{first}");
        // The same content under another listing, and another one.
        put();
        home.later(7 * HOUR).await;
        let again = stuck(&home).await;
        assert_eq!(again["fix"], "choose_another", "{again}");
        let same = again["release"].as_str().unwrap();
        radarr.offers(
            SHERLOCK_JR,
            [
                Offer { indexer: 2, ..Offer::of("Bluray-1080p").title(&same.replace('.', " ")) },
                Offer::of("Bluray-1080p").title("Sherlock.Jr.1924.1080p.BluRay-OTHER"),
            ],
        );
        sonarr.offers(
            HILLBILLIES,
            [
                Offer { indexer: 2, ..Offer::of("WEBDL-720p").season(2).title(&same.replace('.', " ")) },
                Offer::of("WEBDL-720p").season(2).title("The.Beverly.Hillbillies.S02.720p.WEB-OTHER"),
            ],
        );
        let said = mended(&home, &again).await;
        assert!(said.ends_with("-OTHER was taken in its place."), "{said}");
        assert_eq!(writes(&home), ["DELETE /queue/", "POST /release"], "removed before another is taken");
        radarr.clear_queue();
        sonarr.clear_queue();
    }
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn after_a_stop_it_is_looked_whether_the_download_is_gone_and_nothing_is_done_twice() {
    let home = Home::new().await;
    let radarr = home.town.radarr("default");
    stuck_film(&home, Held::stalled());
    home.later(7 * HOUR).await;
    let proposed = stuck(&home).await;
    let check = async || {
        let parsed = crate::testing::tool(&home.kit(), "media_mend").parse(&mending(&proposed).to_string()).unwrap();
        parsed.check(&home.call(&home.person.clone())).await.unwrap()
    };
    assert_eq!(check().await, None, "it is still there, so it did not happen");
    radarr.offers(SHERLOCK_JR, []);
    mended(&home, &proposed).await;
    home.town.forget();
    let known = check().await.unwrap().receipt.unwrap();
    assert_eq!(
        known,
        "The download is not in Radarr's queue any more; whether another one was searched for is not known."
    );
    assert_eq!(writes(&home), [""; 0], "looking changes nothing");
}

#[tokio::test]
async fn a_failed_one_waits_as_long_as_the_settings_say_and_is_remembered_as_long() {
    let home = Home::with(json!({"stuck": {"failed_minutes": 5, "remember_days": 2}})).await;
    let radarr = home.town.radarr("default");
    let fix_after = async |seconds: u64| {
        home.later(seconds).await;
        stuck(&home).await
    };
    stuck_film(&home, Held::of("failed", "failedPending", 0.0));
    assert_eq!(fix_after(4 * 60).await["fix"], "wait");
    let proposed = fix_after(2 * 60).await;
    assert_eq!(proposed["fix"], "remove_and_block");
    radarr.offers(SHERLOCK_JR, []);
    mended(&home, &proposed).await;
    stuck_film(&home, Held::of("failed", "failedPending", 0.0));
    assert_eq!(fix_after(24 * HOUR).await["fix"], "choose_another", "a day later it is remembered");
    assert_eq!(fix_after(25 * HOUR).await["fix"], "remove_and_block", "and two days later not any more");
}

#[tokio::test]
async fn whichever_tool_is_asked_the_same_is_proposed_for_the_same_download() {
    let home = Home::with(json!({"stuck": {"stalled_minutes": 10, "finished_minutes": 90, "failed_minutes": 5}})).await;
    let of_the_toolkit = async |tool: &str| -> Value {
        let parts = Parts { upstream: upstream(), store: Some(home.store.clone()) };
        let (kits, _) = crate::toolkits(&home.config, &parts);
        let tool = kits.iter().flat_map(|kit| &kit.tools).find(|known| known.name == tool).unwrap();
        let output = tool.parse(r#"{"only_stuck":true}"#).unwrap().run(&home.call(&home.person.clone())).await.unwrap();
        serde_json::from_str(&output.text).unwrap()
    };
    let states = [
        Held::stalled(),
        Held::of("failed", "failedPending", 0.0),
        Held::blocked(vec!["Sample".into()]),
        Held::blocked(vec!["No files found are eligible for import".into()]),
        Held::blocked(vec!["Manual Import required".into()]),
        Held::of("paused", "downloading", 0.5),
        Held::of("downloading", "downloading", 0.5),
        Held::of("downloadClientUnavailable", "downloading", 0.5),
    ];
    let mut proposals = std::collections::BTreeSet::new();
    for held in states {
        stuck_film(&home, held.clone());
        pack(&home, held.clone());
        for minutes in [7, 30, 100] {
            home.later(minutes * 60).await;
            let all = home.told("media_stuck", json!({})).await;
            for (application, tool) in [("film", "radarr_queue"), ("series", "sonarr_queue")] {
                let told = of_the_toolkit(tool).await;
                let here = all["downloads"].as_array().unwrap().iter().find(|one| one["application"] == application);
                let there = told["items"].as_array().unwrap().first();
                let shown = |one: Option<&Value>, fix: &str| {
                    one.map(|one| [&one["queue_id"], &one[fix], &one["cause"], &one["consequence"]].map(Value::clone))
                };
                assert_eq!(shown(there, "proposed"), shown(here, "fix"), "{tool}: {held:?}");
                proposals.extend(here.map(|one| one["fix"].to_string()));
            }
        }
    }
    assert!(proposals.len() >= 4, "{proposals:?}");
    // What was tried is known to both.
    stuck_film(&home, Held::stalled());
    home.later(HOUR).await;
    home.town.radarr("default").offers(SHERLOCK_JR, []);
    let film = async || {
        let all = home.told("media_stuck", json!({"title": "Sherlock"})).await;
        all["downloads"][0].clone()
    };
    mended(&home, &film().await).await;
    stuck_film(&home, Held::stalled());
    home.later(HOUR).await;
    assert_eq!(film().await["fix"], "choose_another");
    assert_eq!(of_the_toolkit("radarr_queue").await["items"][0]["proposed"], "choose_another");
}

#[tokio::test]
async fn a_slow_download_of_which_nothing_comes_is_seen_by_looking_twice() {
    let home = Home::new().await;
    let moving = |left: f64| Held::of("downloading", "downloading", left);
    let class = async || stuck(&home).await["class"].clone();
    stuck_film(&home, moving(0.6));
    assert_eq!(class().await, Value::Null, "it says that it downloads");
    home.later(5 * HOUR).await;
    assert_eq!(class().await, Value::Null);
    home.later(2 * HOUR).await;
    let proposed = stuck(&home).await;
    assert_eq!((&proposed["class"], &proposed["fix"]), (&json!("stalled"), &json!("remove_and_block")), "{proposed}");
    assert_eq!(proposed["cause"], "no data has come for 7 hours: nobody seems to share it");

    // A little has come: it counts from then.
    let radarr = home.town.radarr("default");
    radarr.hold(None, moving(0.55));
    assert_eq!(class().await, Value::Null);
    home.later(5 * HOUR).await;
    assert_eq!(class().await, Value::Null);
    // Also where the client says so itself, and it is there for longer.
    radarr.hold(None, Held { left: 0.55, ..Held::stalled() });
    assert_eq!(stuck(&home).await["fix"], "wait");
    home.later(2 * HOUR).await;
    assert_eq!(stuck(&home).await["fix"], "remove_and_block");

    // One that is paused or gone is not watched, and the same one anew begins anew.
    radarr.hold(None, Held::of("paused", "downloading", 0.55));
    assert_eq!(class().await, Value::Null);
    radarr.hold(None, moving(0.55));
    home.later(7 * HOUR).await;
    assert_eq!(class().await, Value::Null);
    home.later(7 * HOUR).await;
    assert_eq!(class().await, "stalled");
}

#[tokio::test]
async fn where_it_is_says_that_nothing_comes_also_where_the_client_says_that_it_downloads() {
    let home = Home::new().await;
    stuck_film(&home, Held::of("downloading", "downloading", 0.6));
    let place = async || home.told("media_where_is", json!({"media_type": "film", "tmdb_id": SHERLOCK_JR})).await;
    assert_eq!(place().await["cause"], "downloading");
    home.later(7 * HOUR).await;
    let found = place().await;
    assert_eq!(found["cause"], "stalled", "{found}");
    assert!(found.to_string().contains("stands still at 40 %: no data comes any more."), "{found}");
}
