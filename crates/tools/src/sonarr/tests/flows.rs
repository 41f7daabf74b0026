//! What becomes of Sonarr when something is changed: every flow runs against the stand-in, which keeps what it was told.

use super::{KEY, fixture, own, with};
use crate::{
    sonarr::{Sonarr, fallback, instances, search::Wait},
    testing::{ask, call, requests, told, tool, upstream},
};
use majordomo_domain::{Card, Output, Secret, ToolError, Toolkit, tool::Undo};
use majordomo_standins::{Clock, Fate, Held, Offer, ServarrPace, Town};
use majordomo_upstream::{
    Url,
    testing::{Answer, TestServer},
};
use serde_json::{Value, json};
use std::time::Duration;

const HILLBILLIES: u64 = 9_300_001;
const FLASH_GORDON: u64 = 9_300_003;
const SUPERMAN: u64 = 9_300_004;
const DRAGNET: u64 = 9_300_006;

/// A Sonarr with the household's series, at the moment of [`call`]. Commands are done by the next look; downloads stay in the queue.
struct House {
    town: Town,
    kit: Toolkit,
}

impl House {
    async fn new() -> Self {
        let now = jiff::Timestamp::from_millisecond(call().now_ms).unwrap();
        let town = Town::plan().sonarr("default").clock(Clock::at(now)).start().await.expect("a town");
        let sonarr = town.sonarr("default");
        sonarr.clear_queue();
        sonarr.pace(ServarrPace { command_ms: 0, ..ServarrPace::default() });
        sonarr.fate(Fate::Stall);
        let key = sonarr.key().to_owned();
        let kit = with(Url::parse(&town.sonarr_url("default")).unwrap(), |instance| {
            instance.api_key = Secret::new(&key);
            instance.command_wait_ms = 200;
        });
        Self { town, kit }
    }

    async fn run(&self, name: &str, arguments: Value) -> Result<Output, ToolError> {
        ask(&self.kit, name, &arguments.to_string()).await
    }

    async fn ok(&self, name: &str, arguments: Value) -> Output {
        self.run(name, arguments).await.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    async fn undo(&self, output: &Output) -> Output {
        let undo = output.undo.clone().expect("a way back");
        self.ok(&undo.tool, undo.arguments).await
    }

    async fn preview(&self, name: &str, arguments: Value) -> Result<Card, ToolError> {
        tool(&self.kit, name).parse(&arguments.to_string())?.preview(&call()).await
    }

    /// Sonarr's id of a series.
    async fn id(&self, tvdb: u64) -> u64 {
        told(&self.ok("sonarr_series", json!({ "tvdb_id": tvdb })).await)["series"][0]["series_id"].as_u64().unwrap()
    }

    /// Numbers of the seasons that are monitored.
    async fn monitored(&self, id: u64) -> Vec<u64> {
        let series = told(&self.ok("sonarr_series_details", json!({ "series_id": id })).await);
        let seasons = series["seasons"].as_array().unwrap().iter().filter(|season| season["monitored"] == true);
        seasons.map(|season| season["season"].as_u64().unwrap()).collect()
    }

    /// Every episode of a series.
    async fn episodes(&self, id: u64) -> Vec<Value> {
        let list = told(&self.ok("sonarr_episodes", json!({ "series_id": id, "limit": 100 })).await);
        list["episodes"].as_array().unwrap().clone()
    }

    /// Codes of the episodes that are monitored.
    async fn monitored_episodes(&self, id: u64) -> Vec<String> {
        let episodes = self.episodes(id).await;
        let monitored = episodes.iter().filter(|episode| episode["monitored"] == true);
        monitored.map(|episode| episode["episode"].as_str().unwrap().to_owned()).collect()
    }

    async fn episode_id(&self, series: u64, code: &str) -> u64 {
        let episodes = self.episodes(series).await;
        episodes.iter().find(|episode| episode["episode"] == code).unwrap()["episode_id"].as_u64().unwrap()
    }

    /// What was changed since the last look: `METHOD path body`.
    fn changes(&self) -> Vec<String> {
        let all = self.town.requests_to("sonarr");
        self.town.forget();
        let changes = all.iter().filter(|request| request.method != "GET");
        changes.map(|request| format!("{} {} {}", request.method, request.path, request.body)).collect()
    }

    /// Names of commands with what they are about.
    fn commands(&self) -> Vec<Value> {
        let all = self.town.requests_to("sonarr");
        let commands = all.iter().filter(|request| request.method == "POST" && request.path.ends_with("/command"));
        commands.map(|request| request.body.clone()).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.town.violations(), []);
        }
    }
}

#[tokio::test]
async fn adding_chosen_seasons_leaves_exactly_these_monitored() {
    let house = House::new().await;
    let arguments = json!({
        "tvdb_id": SUPERMAN, "quality_profile": "hd-720p", "root_folder": "/series/", "seasons_to_monitor": [2],
        "tags": ["kids"],
    });
    let card = house.preview("sonarr_add", arguments.clone()).await.unwrap();
    let fact = |label: &str| card.facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.as_str());
    assert_eq!(card.title, "Superman (1941)");
    assert_eq!((fact("Seasons there are"), fact("Monitored")), (Some("seasons 1 and 2"), Some("season 2")));
    assert_eq!((fact("Profile"), fact("Later seasons")), (Some("HD-720p"), Some("not monitored")));
    assert_eq!(house.changes(), [""; 0]);

    let added = house.ok("sonarr_add", arguments).await;
    let answer = told(&added);
    let id = answer["series_id"].as_u64().unwrap();
    assert_eq!((&answer["added"], &answer["episodes"]), (&json!(true), &json!(17)));
    assert_eq!(answer["monitored_seasons"], json!([2]));
    assert_eq!(added.receipt.as_deref(), Some("Superman (1941) was added to Sonarr, monitoring season 2."));
    assert_eq!(house.monitored(id).await, [2]);
    assert!(house.monitored_episodes(id).await.iter().all(|code| code.starts_with("S02")));
    assert_eq!(house.monitored_episodes(id).await.len(), 8);
    let posts: Vec<String> = house.changes().into_iter().filter(|line| line.starts_with("POST")).collect();
    assert_eq!(posts.len(), 1, "Sonarr itself searches after the add: {posts:?}");
    assert!(
        posts[0].contains(r#""monitor":"skip","searchForCutoffUnmetEpisodes":false,"searchForMissingEpisodes":true"#)
    );

    // Again it is there already, which is what was asked for.
    let again = told(&house.ok("sonarr_add", json!({ "tvdb_id": SUPERMAN, "root_folder": "/series" })).await);
    assert_eq!((&again["already_exists"], &again["series_id"]), (&json!(true), &json!(id)));
    assert_eq!(house.changes(), [""; 0]);

    let gone = house.undo(&added).await;
    assert_eq!(gone.receipt.as_deref(), Some("Superman (1941) was taken out of Sonarr; its files stay."));
    assert!(house.ok("sonarr_series", json!({ "tvdb_id": SUPERMAN })).await.text.contains("nothing found"));
}

/// What is sent for seasons 1 and 3 of four, by the old name and arguments: one answer of Sonarr after the other.
#[tokio::test]
async fn seasons_one_and_three_are_sent_and_looked_at() {
    let server = TestServer::start().await;
    let get = |path: &str, text: String| {
        server.on("GET", path, Answer::json_text(text));
    };
    get("/api/v3/series/lookup", fixture("lookup-bonanza"));
    get("/api/v3/series", "[]".into());
    get("/api/v3/qualityprofile", fixture("profiles"));
    get("/api/v3/rootfolder", fixture("root-folders"));
    get("/api/v3/system/status", r#"{"version":"3.0.10.1567"}"#.into());
    get("/api/v3/languageprofile", r#"[{"id":1,"name":"English"}]"#.into());
    // Sonarr's refresh has switched a season on that was not asked for.
    let added = |flags: [bool; 4]| {
        let seasons: Vec<Value> = flags
            .iter()
            .enumerate()
            .map(|(number, flag)| json!({ "seasonNumber": number, "monitored": flag }))
            .collect();
        json!({ "id": 9, "tvdbId": 9_300_007, "title": "Bonanza", "year": 1959, "seasons": seasons, "extra": "kept" })
    };
    let wrong = added([false, true, true, true]);
    server.on("POST", "/api/v3/series", Answer::json(&wrong).status(201));
    get("/api/v3/series", json!([wrong]).to_string());
    get("/api/v3/episode", "[]".into());
    get("/api/v3/episode", json!([{ "id": 1, "seriesId": 9, "seasonNumber": 1, "episodeNumber": 1 }]).to_string());
    get("/api/v3/series/9", wrong.to_string());
    get("/api/v3/series/9", added([false, true, false, true]).to_string());
    server.on("PUT", "/api/v3/series/9", Answer::json_text("{}").status(202));

    let kit = with(server.url(), |_| {});
    let arguments = json!({
        "tvdb_id": 9_300_007, "quality_profile_id": 6, "root_folder_path": "/series", "monitored": true,
        "search_for_missing": false, "season_folder": true, "seasons_to_monitor": [1, 3], "episodes_to_monitor": null,
        "monitor_new_episodes": true,
    });
    let output = ask(&kit, "sonarr_add_series", &arguments.to_string()).await.unwrap();
    assert_eq!(told(&output)["monitored_seasons"], json!([1, 3]));
    assert!(requests(&server).contains(&"GET /api/v3/series/lookup?term=tvdb:9300007".to_owned()));
    let sent = |method: &str| server.asked().into_iter().find(|asked| asked.method == method).unwrap().json();
    assert_eq!(
        sent("POST"),
        json!({
            "tvdbId": 9_300_007, "title": "Bonanza", "year": 1959, "qualityProfileId": 6, "languageProfileId": 1,
            "rootFolderPath": "/series", "monitored": true, "monitorNewItems": "all", "seasonFolder": true,
            "seriesType": "standard", "tags": [],
            "seasons": [
                { "seasonNumber": 0, "monitored": false }, { "seasonNumber": 1, "monitored": true },
                { "seasonNumber": 2, "monitored": false }, { "seasonNumber": 3, "monitored": true },
            ],
            "addOptions": { "monitor": "skip", "searchForMissingEpisodes": false, "searchForCutoffUnmetEpisodes": false },
        })
    );
    let mut whole = wrong.clone();
    whole["seasons"][2]["monitored"] = false.into();
    assert_eq!(sent("PUT"), whole);
}

#[tokio::test]
async fn an_unknown_profile_folder_season_or_tag_is_refused_with_those_there_are() {
    let house = House::new().await;
    let refused = async |more: Value| {
        let mut arguments = json!({ "tvdb_id": SUPERMAN, "quality_profile": "HD-720p", "root_folder": "/series" });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        house.run("sonarr_add", arguments).await.unwrap_err().to_string()
    };
    let profile = refused(json!({ "quality_profile": "8K" })).await;
    assert!(profile.contains("no quality profile “8K”") && profile.contains("HD-1080p, Ultra-HD"), "{profile}");
    let folder = refused(json!({ "root_folder": "/etc" })).await;
    assert_eq!(folder, "there is no root folder “/etc” in Sonarr; there are: /series");
    let season = refused(json!({ "seasons_to_monitor": [1, 7] })).await;
    assert_eq!(season, "Superman (1941) has no season 7 in Sonarr; it has seasons 1 and 2");
    assert!(refused(json!({ "tags": ["nobody"] })).await.contains("no tag “nobody”"));
    assert!(refused(json!({ "episodes_to_monitor": [3] })).await.contains("such as S01E03"));
    let unknown = house.run("sonarr_add", json!({ "tvdb_id": 24 })).await.unwrap_err().to_string();
    assert_eq!(unknown, "Sonarr finds no series with TVDB id 24; take the id from sonarr_lookup");
    assert_eq!(house.changes(), [""; 0]);
}

#[tokio::test]
async fn adding_single_episodes_monitors_and_searches_only_those() {
    let house = House::new().await;
    let arguments = json!({
        "tvdb_id": SUPERMAN, "quality_profile": "HD-720p", "episodes_to_monitor": ["S02E03", "1x2", "S02E99"],
    });
    let answer = told(&house.ok("sonarr_add", arguments).await);
    let id = answer["series_id"].as_u64().unwrap();
    assert_eq!(house.monitored_episodes(id).await, ["S01E02", "S02E03"]);
    assert_eq!(answer["unknown_episodes"], "S02E99");
    let ids = [house.episode_id(id, "S01E02").await, house.episode_id(id, "S02E03").await];
    assert_eq!(house.commands(), [json!({ "name": "EpisodeSearch", "episodeIds": ids })]);
    assert_eq!(answer["episode_search"]["grabbed"], 2, "{answer}");
}

#[tokio::test]
async fn a_season_is_monitored_with_its_episodes_and_the_way_back_is_exact() {
    let house = House::new().await;
    let id = house.id(HILLBILLIES).await;
    let odd = house.episode_id(id, "S02E04").await;
    house.ok("sonarr_monitor_episodes", json!({ "episode_ids": [odd], "monitored": true })).await;
    let before = house.monitored_episodes(id).await;
    assert!(before.contains(&"S02E04".to_owned()) && !before.contains(&"S02E05".to_owned()));

    let change = json!({ "series_id": id, "season_number": 2, "monitored": true });
    let done = house.ok("sonarr_monitor_season", change.clone()).await;
    assert_eq!(done.text, "The Beverly Hillbillies (1962), season 2: now monitored.");
    assert_eq!(house.monitored(id).await, [1, 2]);
    assert_eq!(house.monitored_episodes(id).await.iter().filter(|code| code.starts_with("S02")).count(), 10);
    assert!(house.ok("sonarr_season_monitor", change).await.undo.is_none(), "it was so already");

    house.undo(&done).await;
    assert_eq!((house.monitored(id).await, house.monitored_episodes(id).await), (vec![1], before));

    let several = json!({ "series_id": id, "seasons": [1, 2], "monitored": false, "series_monitored": false });
    let done = house.ok("sonarr_season_monitor", several).await;
    assert_eq!(house.monitored_episodes(id).await, [""; 0]);
    house.undo(&done).await;
    assert_eq!(house.monitored(id).await, [1]);
    let unknown = json!({ "series_id": id, "season_number": 9, "monitored": true });
    let error = house.run("sonarr_monitor_episodes_by_season", unknown).await.unwrap_err().to_string();
    assert!(error.ends_with("has no season 9 in Sonarr; it has seasons 1 and 2 and the specials"), "{error}");
}

#[tokio::test]
async fn exactly_the_given_episodes_change_with_one_call() {
    let house = House::new().await;
    let id = house.id(DRAGNET).await;
    let before = house.monitored_episodes(id).await;
    let ids = [house.episode_id(id, "S01E02").await, house.episode_id(id, "S02E03").await];
    house.changes();
    let done = house.ok("sonarr_episodes_monitor", json!({ "episode_ids": ids, "monitored": false })).await;
    assert_eq!(done.text, "Dragnet (1951) S01E02 and S02E03: no longer monitored.");
    let body = json!({ "episodeIds": ids, "monitored": false });
    assert_eq!(house.changes(), [format!("PUT /api/v3/episode/monitor {body}")]);
    let expected: Vec<String> =
        before.iter().filter(|code| !["S01E02", "S02E03"].contains(&code.as_str())).cloned().collect();
    assert_eq!(house.monitored_episodes(id).await, expected);
    house.undo(&done).await;
    assert_eq!(house.monitored_episodes(id).await, before);
    let unknown = house.run("sonarr_episodes_monitor", json!({ "episode_ids": [9_999], "monitored": true })).await;
    assert!(matches!(unknown, Err(ToolError::TellModel(_))), "{unknown:?}");
}

#[tokio::test]
async fn changing_the_profile_leaves_everything_else_as_it_was() {
    let house = House::new().await;
    let id = house.id(DRAGNET).await;
    let whole = async || told(&house.ok("sonarr_series_details", json!({ "series_id": id })).await);
    let before = whole().await;
    let change = json!({ "series_id": id, "update_data": { "qualityProfileId": 4, "monitorNewItems": "none", "seriesType": "daily" } });
    let card = house.preview("sonarr_update", change.clone()).await.unwrap();
    assert_eq!(card.text, "Change to later seasons monitored: no, profile: HD-1080p, type: daily");
    let done = house.ok("sonarr_update_series", change).await;
    let after = whole().await;
    let mut expected = before.clone();
    expected["profile"] = "HD-1080p".into();
    expected["monitors_new_seasons"] = false.into();
    expected["type"] = "daily".into();
    assert_eq!(after, expected);
    house.undo(&done).await;
    assert_eq!(whole().await, before);
    let nothing = house.run("sonarr_update", json!({ "series_id": id, "changes": {} })).await.unwrap_err();
    assert_eq!(nothing.to_string(), "say what to change");
}

#[tokio::test]
async fn several_series_are_changed_at_once_and_only_those_that_differ() {
    let house = House::new().await;
    let ids = [house.id(DRAGNET).await, house.id(FLASH_GORDON).await, house.id(HILLBILLIES).await];
    house.ok("sonarr_update", json!({ "series_id": ids[0], "changes": { "monitored": false } })).await;
    house.changes();
    let change = json!({ "series_ids": ids, "changes": { "monitored": false } });
    let done = house.ok("sonarr_edit_many", change).await;
    let mut others = ids[1..].to_vec();
    others.sort_unstable();
    let body = json!({ "monitored": false, "seriesIds": others });
    assert_eq!(house.changes(), [format!("PUT /api/v3/series/editor {body}")]);
    house.undo(&done).await;
    let list = told(&house.ok("sonarr_series", json!({ "monitored": false })).await);
    assert_eq!(list["matching"], 1, "the one that was off before stays off");
}

#[tokio::test]
async fn deleting_keeps_the_files_unless_told_otherwise() {
    let house = House::new().await;
    let (dragnet, flash) = (house.id(DRAGNET).await, house.id(FLASH_GORDON).await);
    let card = house.preview("sonarr_delete", json!({ "series_id": dragnet })).await.unwrap();
    assert!(card.facts[0].value.starts_with("8 files (") && card.facts[0].value.ends_with(") stay"), "{card:?}");
    house.changes();
    house.ok("sonarr_delete_series", json!({ "series_id": dragnet })).await;
    let sent = house.town.requests_to("sonarr");
    let sent = sent.iter().find(|request| request.method == "DELETE").unwrap();
    assert_eq!((sent.query("deleteFiles"), sent.query("addImportListExclusion")), (Some("false"), Some("false")));

    let arguments = json!({ "series_ids": [flash], "delete_files": true, "add_import_list_exclusion": true });
    let card = house.preview("sonarr_delete_many", arguments.clone()).await.unwrap();
    assert!(card.facts[0].value.ends_with("are deleted for good"), "{card:?}");
    house.ok("sonarr_delete_many", arguments).await;
    assert!(house.ok("sonarr_series_details", json!({ "series_id": flash })).await.text.contains("nothing found"));
    let many: Vec<u64> = (1..=21).collect();
    let error = house.run("sonarr_delete_many", json!({ "series_ids": many })).await.unwrap_err();
    assert_eq!(error.to_string(), "one call deletes 1 to 20 series, not 21");
    let unknown = house.preview("sonarr_delete", json!({ "series_id": 4_711 })).await.unwrap_err();
    assert_eq!(unknown.to_string(), "Sonarr has no series 4711; take the id from sonarr_series");
}

#[tokio::test]
async fn episodes_are_no_longer_monitored_before_their_files_go() {
    let house = House::new().await;
    let id = house.id(DRAGNET).await;
    let files = told(&house.ok("sonarr_files", json!({ "series_id": id })).await);
    let ids: Vec<u64> =
        files["files"].as_array().unwrap().iter().take(2).map(|f| f["file_id"].as_u64().unwrap()).collect();
    let card = house.preview("sonarr_file_delete", json!({ "file_ids": ids })).await.unwrap();
    assert_eq!(
        card.text,
        "Delete the files of Dragnet (1951) S01E01, S01E02 for good. Their episodes are no longer monitored."
    );
    house.changes();
    let done = house.ok("sonarr_file_delete", json!({ "file_ids": ids })).await;
    let methods: Vec<String> =
        house.changes().iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(methods, ["PUT /api/v3/episode/monitor", "DELETE /api/v3/episodefile/bulk"]);
    assert!(done.text.starts_with("Deleted the files of Dragnet (1951) S01E01, S01E02: 2 files, "), "{}", done.text);
    assert!(!house.monitored_episodes(id).await.contains(&"S01E01".to_owned()));
    let again = house.run("sonarr_file_delete", json!({ "file_id": ids[0] })).await.unwrap_err();
    assert!(again.to_string().contains("take ids from sonarr_files"));
    let many: Vec<u64> = (1..=21).collect();
    let error = house.run("sonarr_file_delete", json!({ "file_ids": many })).await.unwrap_err();
    assert!(error.to_string().starts_with("one call deletes 1 to 20 files, not 21"));
}

#[tokio::test]
async fn each_search_starts_its_own_command_and_says_what_was_taken() {
    let house = House::new().await;
    let (flash, hills) = (house.id(FLASH_GORDON).await, house.id(HILLBILLIES).await);
    let sonarr = house.town.sonarr("default");
    sonarr
        .offers(FLASH_GORDON, [Offer::of("WEBDL-720p").episodes(1, [5]).title("Flash.Gordon.S01E05.720p.WEB-DL-GRP")]);
    let episode = house.episode_id(flash, "S01E05").await;
    house.changes();

    let found = house.ok("sonarr_search_episode", json!({ "episode_id": episode })).await;
    let answer = told(&found);
    assert_eq!(answer["result"], "1 release taken for download");
    assert_eq!(
        answer["releases"],
        json!([{ "release": "Flash.Gordon.S01E05.720p.WEB-DL-GRP", "episodes": ["S01E05"] }])
    );
    assert_eq!(
        found.receipt.as_deref(),
        Some("Searched for Flash Gordon (1954) S01E05: 1 release taken for download.")
    );
    // A season search that completes well and finds nothing says so, and names what may help.
    house.town.clock().advance(Duration::from_secs(60));
    sonarr.offers(FLASH_GORDON, []);
    let nothing = told(&house.ok("sonarr_search_season", json!({ "series_id": flash, "season_number": 1 })).await);
    assert_eq!((&nothing["state"], &nothing["result"]), (&json!("completed"), &json!("nothing was found")));
    assert!(nothing["next"].as_str().unwrap().starts_with("sonarr_episode_fallback_search"), "{nothing}");
    house.ok("sonarr_search_series", json!({ "series_id": flash })).await;
    house.ok("sonarr_search_missing", json!({ "series_id": flash })).await;
    house.ok("sonarr_search_cutoff", json!({ "series_id": hills })).await;
    house.ok("sonarr_search_missing", json!({})).await;
    assert_eq!(
        house.commands(),
        [
            json!({ "name": "EpisodeSearch", "episodeIds": [episode] }),
            json!({ "name": "SeasonSearch", "seriesId": flash, "seasonNumber": 1 }),
            json!({ "name": "SeriesSearch", "seriesId": flash }),
            json!({ "name": "MissingEpisodeSearch", "seriesId": flash, "monitored": true }),
            json!({ "name": "CutoffUnmetEpisodeSearch", "seriesId": hills, "monitored": true }),
            json!({ "name": "MissingEpisodeSearch", "monitored": true }),
        ]
    );
    let unwatched = house.run("sonarr_search_season", json!({ "series_id": hills, "season_number": 2 })).await;
    assert!(
        unwatched
            .unwrap_err()
            .to_string()
            .contains("no episode of The Beverly Hillbillies (1962), season 2 is monitored")
    );
}

#[tokio::test]
async fn a_search_for_what_one_series_lacks_says_what_it_really_took() {
    let house = House::new().await;
    let (flash, hills) = (house.id(FLASH_GORDON).await, house.id(HILLBILLIES).await);
    let sonarr = house.town.sonarr("default");
    sonarr.offers(FLASH_GORDON, []);
    let nothing = house.ok("sonarr_search_missing", json!({ "series_id": flash })).await;
    assert_eq!(told(&nothing)["outcome"], "the search is complete and nothing was taken");
    house.town.clock().advance(Duration::from_secs(60));
    let release = "The.Beverly.Hillbillies.S02.720p.WEB-DL-GRP";
    sonarr.offers(HILLBILLIES, [Offer::of("WEBDL-720p").season(2).title(release)]);
    house.ok("sonarr_season_monitor", json!({ "series_id": hills, "season_number": 2, "monitored": true })).await;
    let found = house.ok("sonarr_search_missing", json!({ "series_id": hills })).await;
    let answer = told(&found);
    assert_eq!((answer["grabbed"][0]["release"].as_str(), &answer["reports_downloaded"]), (Some(release), &json!(1)));
    assert_eq!(answer["in_queue"], answer["grabbed_count"], "a row for each episode: {answer}");
    assert_eq!(
        found.receipt.as_deref(),
        Some("The Beverly Hillbillies (1962) was searched in Sonarr: a release was sent to the download client.")
    );
}

#[tokio::test]
async fn a_search_that_goes_on_longer_than_the_call_is_said_to_go_on() {
    let house = House::new().await;
    let flash = house.id(FLASH_GORDON).await;
    house.town.sonarr("default").pace(ServarrPace { command_ms: 600_000, ..ServarrPace::default() });
    let arguments = json!({ "series_id": flash, "season_number": 1 });
    let call_of = tool(&house.kit, "sonarr_search_season").parse(&arguments.to_string()).unwrap();
    assert_eq!(call_of.check(&call()).await, Ok(None), "nobody has searched yet");
    let answer = told(&house.ok("sonarr_search_season", arguments).await);
    assert!(answer["result"].as_str().unwrap().starts_with("still searching"), "{answer}");
    // After a stop in the middle it is looked up, not sent again.
    let known = call_of.check(&call()).await.unwrap().unwrap();
    assert!(known.text.ends_with("was sent; Sonarr has it as queued."), "{}", known.text);
}

#[tokio::test]
async fn seasons_are_added_to_a_series_that_is_there_and_each_is_searched() {
    let house = House::new().await;
    let id = house.id(HILLBILLIES).await;
    house.changes();
    let added = house.ok("sonarr_add_seasons", json!({ "series_id": id, "seasons": [2] })).await;
    let answer = told(&added);
    assert_eq!(house.monitored(id).await, [1, 2]);
    assert_eq!(house.commands(), [json!({ "name": "SeasonSearch", "seriesId": id, "seasonNumber": 2 })]);
    assert_eq!(answer["searches"][0]["search"]["result"], "1 release taken for download", "{answer}");
    assert_eq!(added.receipt.as_deref(), Some("The Beverly Hillbillies (1962): season 2 added."));
    house.undo(&added).await;
    assert_eq!(house.monitored(id).await, [1]);
}

/// Season 2 of the Hillbillies, wanted, with ten episodes that have aired.
async fn wanted_season(house: &House) -> u64 {
    let id = house.id(HILLBILLIES).await;
    house.ok("sonarr_season_monitor", json!({ "series_id": id, "season_number": 2, "monitored": true })).await;
    house.changes();
    id
}

#[tokio::test]
async fn without_a_pack_every_episode_is_searched_once_and_told_apart() {
    let house = House::new().await;
    let id = wanted_season(&house).await;
    let single = |episode| Offer::of("WEBDL-720p").episodes(2, [episode]);
    house.town.sonarr("default").offers(HILLBILLIES, [single(1), single(7)]);
    let output = house
        .ok(
            "sonarr_episode_fallback_search",
            json!({ "series_id": id, "season_number": 2, "series_title": "The Hillbillies" }),
        )
        .await;
    let answer = told(&output);
    let found: Vec<&str> =
        answer["found"].as_array().unwrap().iter().map(|one| one["episode"].as_str().unwrap()).collect();
    assert_eq!(found, ["S02E01", "S02E07"]);
    let not_found: Vec<String> = [2, 3, 4, 5, 6, 8, 9, 10].iter().map(|number| format!("S02E{number:02}")).collect();
    assert_eq!(answer["not_found"], json!(not_found));
    assert_eq!((answer.get("not_searched"), answer.get("stopped")), (None, None));
    assert_eq!(
        output.receipt.as_deref(),
        Some("The Beverly Hillbillies (1962), season 2: 10 episodes searched, 2 found.")
    );
    let commands = house.commands();
    let sizes: Vec<usize> =
        commands.iter().filter_map(|command| command["episodeIds"].as_array()).map(Vec::len).collect();
    assert_eq!((commands[0]["name"].as_str(), sizes), (Some("SeasonSearch"), vec![5, 5]));

    // What it found is in the queue, so a second pass is not made.
    house.changes();
    let again = told(&house.ok("sonarr_episode_fallback_search", json!({ "series_id": id, "season_number": 2 })).await);
    assert_eq!(again["because"], "2 episodes of the season are in the queue already; see sonarr_queue");
    assert_eq!(house.changes(), [""; 0]);
}

#[tokio::test]
async fn a_season_search_that_found_nothing_a_moment_ago_is_not_repeated_and_what_is_to_come_is_told() {
    let house = House::new().await;
    let id = house.id(DRAGNET).await;
    house.town.sonarr("default").offers(DRAGNET, []);
    house.ok("sonarr_search_season", json!({ "series_id": id, "season_number": 2 })).await;
    let off = house.episode_id(id, "S02E02").await;
    house.ok("sonarr_episodes_monitor", json!({ "episode_ids": [off], "monitored": false })).await;
    house.changes();
    let answer =
        told(&house.ok("sonarr_episode_fallback_search", json!({ "series_id": id, "season_number": 2 })).await);
    assert_eq!(answer["found"], json!([]));
    assert_eq!(answer["not_found"], json!(["S02E01", "S02E03"]));
    assert_eq!(answer["not_yet_aired"], json!(["S02E04", "S02E05", "S02E06"]));
    assert_eq!(answer["not_searched"], json!({ "not monitored": ["S02E02"] }));
    let names: Vec<Value> = house.commands().iter().map(|command| command["name"].clone()).collect();
    assert_eq!(names, ["EpisodeSearch"]);
    // After a stop in the middle Sonarr's own notes tell what was searched.
    let parsed = tool(&house.kit, "sonarr_episode_fallback_search")
        .parse(&json!({ "series_id": id, "season_number": 2 }).to_string())
        .unwrap();
    let known = parsed.check(&call()).await.unwrap().unwrap();
    assert!(known.text.contains("S02E01 and S02E03 of Dragnet (1951)"), "{}", known.text);
}

#[tokio::test]
async fn nothing_is_searched_where_it_would_not_help() {
    let house = House::new().await;
    let id = wanted_season(&house).await;
    let because = async |arguments: Value| {
        house.town.forget();
        let answer = told(&house.ok("sonarr_episode_fallback_search", arguments).await);
        assert_eq!(answer["searched"], false, "{answer}");
        (answer["because"].as_str().unwrap().to_owned(), house.commands().len())
    };
    // The pack is there: that is what the season search takes.
    let (reason, commands) = because(json!({ "series_id": id, "season_number": 2 })).await;
    assert_eq!((reason.as_str(), commands), ("the season search took something", 1));
    house.town.sonarr("default").clear_queue();
    house.ok("sonarr_update", json!({ "series_id": id, "changes": { "series_type": "anime" } })).await;
    let (reason, commands) = because(json!({ "series_id": id, "season_number": 2 })).await;
    assert_eq!(commands, 0);
    assert!(reason.contains("of type anime, which Sonarr searches by episode anyway"), "{reason}");
    house.ok("sonarr_update", json!({ "series_id": id, "changes": { "series_type": "standard" } })).await;
    let (reason, commands) = because(json!({ "series_id": id, "season_number": 1 })).await;
    assert_eq!((reason.as_str(), commands), ("no episode is missing that has aired and is monitored", 0));
    house.town.sonarr("default").put_season(HILLBILLIES, 2, &[3], "WEBDL-720p", Held::stalled());
    let (reason, commands) = because(json!({ "series_id": id, "season_number": 2 })).await;
    assert_eq!((reason.as_str(), commands), ("1 episode of the season is in the queue already; see sonarr_queue", 0));
    let unknown = json!({ "series_id": id, "season_number": 2, "target_episodes": [3, 44] });
    let error = house.run("sonarr_episode_fallback_search", unknown).await.unwrap_err().to_string();
    assert_eq!(error, "season 2 of The Beverly Hillbillies (1962) has no episode 44");
}

#[tokio::test]
async fn a_pass_that_runs_out_of_time_tells_how_far_it_came() {
    let house = House::new().await;
    let id = wanted_season(&house).await;
    let sonarr = house.town.sonarr("default");
    sonarr.offers(HILLBILLIES, []);
    // Nobody answers in the time there is: the first round is under way, the second is not begun.
    sonarr.pace(ServarrPace { command_ms: 600_000, ..ServarrPace::default() });
    let instances = instance_of(&house);
    let at = instances.get(None).unwrap();
    let episodes = fallback::episodes_of(at, id, 2).await.unwrap();
    let all: Vec<_> = episodes.iter().collect();
    let report = fallback::one_by_one(at, id, &all, &Wait::within(Wait::SPARE + Duration::from_millis(150))).await;
    let told = report.told(&episodes, call().now_ms);
    assert_eq!(told["still_searching"], json!(["S02E01", "S02E02", "S02E03", "S02E04", "S02E05"]));
    assert_eq!(told["not_searched"]["not reached"].as_array().unwrap().len(), 5);
    assert_eq!(told["stopped"], "the time for one call is over");
    let late = fallback::one_by_one(at, id, &all, &Wait::within(Duration::ZERO)).await;
    assert_eq!(late.told(&episodes, call().now_ms)["not_searched"]["not reached"].as_array().unwrap().len(), 10);
}

fn instance_of(house: &House) -> Sonarr {
    let instance = crate::sonarr::Instance {
        base_url: Some(Url::parse(&house.town.sonarr_url("default")).unwrap()),
        api_key: Secret::new(house.town.sonarr("default").key()),
        poll_ms: 10,
        ..Default::default()
    };
    instances(&crate::sonarr::Config([("default".to_owned(), instance)].into()), &upstream())
}

#[tokio::test]
async fn the_next_quality_is_proposed_only_where_quality_was_the_reason_and_taken_when_it_is_asked_for() {
    let house = House::new().await;
    let id = house.id(FLASH_GORDON).await;
    let sonarr = house.town.sonarr("default");
    let ask_for = json!({ "series_id": id, "target_quality": "Ultra-HD", "fallback_qualities": ["8K", "SD"] });
    let card = house.preview("sonarr_quality_fallback", ask_for.clone()).await.unwrap();
    let facts: Vec<&str> = card.facts.iter().map(|fact| fact.value.as_str()).collect();
    assert_eq!(facts, ["HD-720p → Ultra-HD", "season 1 is searched once", "proposed, not done: SD", "Sonarr"]);

    // Rejected for something else: another quality would not help.
    let seeders = "Not enough seeders: 0. Minimum seeders: 1";
    sonarr.offers(FLASH_GORDON, [Offer::of("Bluray-2160p").season(1).rejected(seeders)]);
    let done = house.ok("sonarr_quality_fallback", ask_for.clone()).await;
    let answer = told(&done);
    assert_eq!(answer["why"], "another quality would not help: releases are rejected for other reasons", "{answer}");
    assert_eq!((answer.get("proposal"), &answer["no_such_profile"]), (None, &json!(["8K"])));
    assert_eq!(
        done.receipt.as_deref(),
        Some("Flash Gordon (1954) has the profile Ultra-HD now and was searched: nothing was found.")
    );
    house.undo(&done).await;
    assert_eq!(told(&house.ok("sonarr_series_details", json!({ "series_id": id })).await)["profile"], "HD-720p");

    sonarr.offers(FLASH_GORDON, []);
    let answer = told(&house.ok("sonarr_quality_fallback", ask_for.clone()).await);
    assert_eq!(answer["why"], "no indexer offers a release in any quality");

    let mut single = Offer::of("DVD").episodes(1, [6]);
    single.with_season = true;
    sonarr.offers(FLASH_GORDON, [single]);
    let answer = told(&house.ok("sonarr_quality_fallback", ask_for).await);
    let proposal = &answer["proposal"];
    assert_eq!((&answer["profile"], &proposal["profile"]), (&json!("Ultra-HD"), &json!("SD")), "{answer}");
    // The proposal is a call, which somebody approves.
    let output = house.ok(proposal["tool"].as_str().unwrap(), proposal["arguments"].clone()).await;
    assert_eq!(
        output.receipt.as_deref(),
        Some("Flash Gordon (1954) has the profile SD now and was searched: 1 release taken for download.")
    );
    let unknown = json!({ "series_id": id, "target_quality": "8K" });
    let error = house.run("sonarr_quality_fallback", unknown).await.unwrap_err().to_string();
    assert!(error.starts_with("there is no quality profile for “8K” in Sonarr; there are: Any, SD"), "{error}");
}

#[tokio::test]
async fn a_lookup_says_what_was_matched_and_what_is_there() {
    let house = House::new().await;
    let there = told(&house.ok("sonarr_lookup", json!({ "term": format!("tvdb:{DRAGNET}") })).await);
    assert_eq!(there["matched"], "that id is Dragnet (1951)");
    assert!(there["series"][0]["in_sonarr"]["series_id"].is_u64());
    let new = told(&house.ok("sonarr_lookup", json!({ "term": "superman", "year": 1941 })).await);
    assert_eq!(new["matched"], "Superman (1941) has that title and year");
    assert_eq!((new["series"][0].get("in_sonarr"), &new["series"][0]["seasons"]), (None, &json!("seasons 1 and 2")));
    let other = told(&house.ok("sonarr_lookup", json!({ "term": "Superman (2006)" })).await);
    assert_eq!(other["matched"], "Superman (1941) has that title but not the year 2006; ask whether it is meant");
    assert!(house.ok("sonarr_lookup", json!({ "term": "tvdb:24" })).await.text.contains("nothing found"));
}

#[tokio::test]
async fn a_card_shows_sonarrs_own_poster() {
    let house = House::new().await;
    let id = house.id(DRAGNET).await;
    let pictures = house.kit.pictures.clone().unwrap();
    let picture = pictures(format!("default/{id}")).await.unwrap();
    assert_eq!(picture.media_type, "image/svg+xml");
    for name in ["default/../../command", "4k/1", "default"] {
        assert!(matches!(pictures(name.into()).await, Err(ToolError::TellModel(_))), "{name}");
    }
}

/// Every changing tool: good arguments.
fn changes() -> Vec<(&'static str, Value)> {
    vec![
        ("sonarr_add", json!({ "tvdb_id": 1 })),
        ("sonarr_update", json!({ "series_id": 3, "changes": { "monitored": false } })),
        ("sonarr_edit_many", json!({ "series_ids": [3], "changes": { "monitored": false } })),
        ("sonarr_delete", json!({ "series_id": 3 })),
        ("sonarr_delete_many", json!({ "series_ids": [3] })),
        ("sonarr_season_monitor", json!({ "series_id": 3, "season_number": 1, "monitored": true })),
        ("sonarr_add_seasons", json!({ "series_id": 3, "seasons": [1] })),
        ("sonarr_episodes_monitor", json!({ "episode_ids": [1], "monitored": true })),
        ("sonarr_file_delete", json!({ "file_ids": [1] })),
        ("sonarr_search_series", json!({ "series_id": 3 })),
        ("sonarr_search_season", json!({ "series_id": 3, "season_number": 1 })),
        ("sonarr_search_episodes", json!({ "episode_ids": [1] })),
        ("sonarr_episode_fallback_search", json!({ "series_id": 3, "season_number": 1 })),
        ("sonarr_quality_fallback", json!({ "series_id": 3, "season_number": 1, "target_quality": "SD" })),
    ]
}

#[tokio::test]
async fn a_change_that_cannot_be_asked_for_says_so_in_card_and_call() {
    let server = TestServer::start().await;
    for path in ["series/lookup", "series/3", "episode", "episodefile/1"] {
        server.on("GET", &format!("/api/v3/{path}"), Answer::html("<html>Sign in</html>"));
    }
    let free = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let nobody = Url::parse(&format!("http://127.0.0.1:{free}/")).unwrap();
    for (url, reason) in [(server.url(), "this address returns a web page, not the API"), (nobody, "it did not answer")]
    {
        let all = own(url.clone());
        let all = all.tools.iter().filter(|tool| tool.effect != majordomo_domain::Effect::Read).count();
        assert_eq!(all, changes().len());
        for (name, arguments) in changes() {
            // Anew for each, or the breaker would answer in place of the service.
            let kit = with(url.clone(), |_| {});
            let tool = tool(&kit, name);
            assert_ne!(tool.undo, Undo::Needless, "{name}");
            let said = tool.parse(&arguments.to_string()).unwrap().preview(&call()).await.unwrap_err();
            let kit = with(url.clone(), |_| {});
            let ran = ask(&kit, name, &arguments.to_string()).await.unwrap_err();
            for error in [said, ran] {
                let is_told = matches!(&error, ToolError::CouldNotAsk { reason: told, .. } if told.contains(reason));
                assert!(is_told && !error.to_string().contains(KEY), "{name}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_sonarrs_words_and_already_there_is_no_failure() {
    let server = TestServer::start().await;
    let get = |path: &str, text: String| {
        server.on("GET", path, Answer::json_text(text));
    };
    get("/api/v3/series/lookup", fixture("lookup-bonanza"));
    get("/api/v3/qualityprofile", fixture("profiles"));
    get("/api/v3/rootfolder", fixture("root-folders"));
    get("/api/v3/system/status", fixture("status"));
    let refusal = json!([{
        "propertyName": "Path", "errorMessage": "Path is already configured for an existing series",
        "attemptedValue": "/series/Bonanza", "severity": "error", "errorCode": "SeriesPathValidator",
    }]);
    server.on("POST", "/api/v3/series", Answer::json(&refusal).status(400));
    // Not there before, not there after the first refusal, there after the second.
    get("/api/v3/series", "[]".into());
    get("/api/v3/series", "[]".into());
    get("/api/v3/series", "[]".into());
    get("/api/v3/series", json!([{ "id": 9, "tvdbId": 9_300_007, "title": "Bonanza", "year": 1959 }]).to_string());
    let kit = with(server.url(), |_| {});
    let arguments = json!({ "tvdb_id": 9_300_007, "quality_profile": 6, "root_folder": 1 }).to_string();
    let error = ask(&kit, "sonarr_add", &arguments).await.unwrap_err();
    assert_eq!(error, ToolError::TellModel("Sonarr refused: Path is already configured for an existing series".into()));
    let output = ask(&kit, "sonarr_add", &arguments).await.unwrap();
    assert_eq!((&told(&output)["already_exists"], output.undo), (&json!(true), None));
}
