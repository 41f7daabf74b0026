//! Requests, where things are and overviews, against stand-ins of Radarr, Sonarr, Plex and TMDb that share one disk.

use super::{Media, shelf, toolkit, wish::Wish};
use crate::{Config, Parts, testing::upstream};
use majordomo_domain::{Call, Card, Output, Person, PersonId, Progress, RequestState, Standing, ToolError, Toolkit};
use majordomo_standins::{Clock, Fault, Held, Offer, ServarrPace, Town};
use majordomo_store::{RequestFilter, Store};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// Films of the stand-in's catalogue.
pub(crate) const METROPOLIS: u64 = 19;
pub(crate) const HAXAN: u64 = 9_000_008;
pub(crate) const STEAMBOAT_BILL: u64 = 9_000_004;
/// Wanted by Radarr, and not there.
pub(crate) const SHERLOCK_JR: u64 = 992;
/// Series; the household has season 1 of the first.
pub(crate) const HILLBILLIES: u64 = 9_300_001;
/// A series nobody has.
const ONE_STEP_BEYOND: u64 = 9_300_005;
/// Another, of two seasons.
const SUPERMAN: u64 = 9_300_004;

pub(crate) struct Home {
    pub town: Town,
    pub config: Config,
    pub store: Store,
    pub person: Arc<Person>,
}

impl Home {
    pub async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// With settings of `[tools.media]`.
    pub async fn with(bounds: Value) -> Self {
        Self::with_radarrs(bounds, &["default"]).await
    }

    /// The same with several Radarrs.
    pub async fn with_radarrs(bounds: Value, names: &[&str]) -> Self {
        let clock = Clock::at("2026-11-21T06:53:00Z".parse().unwrap());
        let plan = Town::plan().tmdb().plex().sonarr("default").clock(clock).without_specs();
        let plan = names.iter().fold(plan, |plan, name| plan.radarr(name));
        let town = plan.start().await.expect("a town");
        for servarr in names.iter().map(|name| town.radarr(name)).chain([town.sonarr("default")]) {
            servarr.clear_queue();
            servarr.pace(ServarrPace { command_ms: 0, bytes_per_second: 50_000_000, import_ms: 0 });
        }
        town.plex().scan_takes(Duration::from_secs(30));
        let servarr = |url: String, key: &str, folder: &str| json!({"base_url": url, "api_key": key, "quality_profile": "HD-1080p", "root_folder": folder, "age_s": 0});
        let radarr = |name: &&str| {
            let instance = servarr(town.radarr_url(name), town.radarr(name).key(), "/films");
            ((*name).to_owned(), instance)
        };
        let radarrs: serde_json::Map<String, Value> = names.iter().map(radarr).collect();
        let config = json!({
            "tmdb": {"base_url": town.tmdb_url(), "image_base_url": town.tmdb_image_url(), "api_key": "0".repeat(32)},
            "radarr": radarrs,
            "sonarr": {"default": servarr(town.sonarr_url("default"), town.sonarr("default").key(), "/series")},
            "plex": {"default": {"base_url": town.plex_url(), "token": "plex-token", "age_s": 0, "index_age_s": 0}},
            "media": bounds,
        });
        let config: Config = serde_json::from_value(config).unwrap();
        let store = Store::scratch().await.unwrap();
        let (kits, off) = crate::toolkits(&config, &Parts { upstream: upstream(), store: Some(store.clone()) });
        assert!(off.iter().all(|off| off.toolkit == "knowledge"), "{off:?}");
        assert!(kits.iter().any(|kit| kit.tools.iter().any(|tool| tool.name == "media_request")));
        let person = somebody("Brigitte", Standing::Member);
        store.put_person(&person).await.unwrap();
        Self { town, config, store, person }
    }

    /// The services as they are now: the town's clock jumps, so nothing of a moment ago is reused.
    pub fn media(&self) -> Media {
        let (config, upstream) = (&self.config, upstream());
        Media {
            plex: Some(crate::plex::Plex::new(&config.plex, &upstream, None)),
            radarr: Some(crate::radarr::instances(&config.radarr, &upstream)),
            sonarr: Some(crate::sonarr::instances(&config.sonarr, &upstream)),
            tmdb: Some(crate::tmdb::Tmdb::new(&config.tmdb, &upstream)),
            store: Some(self.store.clone()),
            bounds: config.media.clone(),
            ..Media::default()
        }
    }

    pub fn kit(&self) -> Toolkit {
        toolkit(self.media())
    }

    pub fn now_ms(&self) -> i64 {
        self.town.clock().now().as_millisecond()
    }

    pub fn call(&self, person: &Arc<Person>) -> Call {
        Call { person: person.clone(), now_ms: self.now_ms(), ..crate::testing::call() }
    }

    pub async fn run(&self, tool: &str, arguments: Value) -> Result<Output, ToolError> {
        self.run_as(&self.person.clone(), tool, arguments).await
    }

    pub async fn run_as(&self, person: &Arc<Person>, tool: &str, arguments: Value) -> Result<Output, ToolError> {
        crate::testing::tool(&self.kit(), tool).parse(&arguments.to_string())?.run(&self.call(person)).await
    }

    pub async fn told(&self, tool: &str, arguments: Value) -> Value {
        let output = self.run(tool, arguments).await.unwrap_or_else(|error| panic!("{tool}: {error}"));
        serde_json::from_str(&output.text).unwrap_or_else(|_| panic!("{tool}: {}", output.text))
    }

    pub async fn card(&self, arguments: Value) -> Result<Card, ToolError> {
        let parsed = crate::testing::tool(&self.kit(), "media_request").parse(&arguments.to_string())?;
        parsed.preview(&self.call(&self.person.clone())).await
    }

    pub async fn facts(&self, arguments: Value) -> Value {
        let parsed = crate::testing::tool(&self.kit(), "media_request").parse(&arguments.to_string()).unwrap();
        Value::Object(parsed.facts(&self.call(&self.person.clone())).await.unwrap())
    }

    pub async fn requests(&self) -> Vec<majordomo_domain::Request> {
        let filter = RequestFilter { person: None, only_open: false, before_ms: None, limit: 50 };
        self.store.requests(filter).await.unwrap()
    }

    /// How far the newest request is.
    pub async fn look(&self, before: Option<&Progress>) -> Progress {
        let request = self.requests().await.remove(0);
        let wish: Wish = serde_json::from_value(request.wish).unwrap();
        self.media().progress(&wish, before, self.now_ms()).await.unwrap()
    }

    pub async fn later(&self, seconds: u64) {
        self.town.clock().advance(Duration::from_secs(seconds));
        self.town.settle().await;
    }
}

pub(crate) fn somebody(name: &str, standing: Standing) -> Arc<Person> {
    Arc::new(Person {
        id: PersonId::new(),
        name: name.into(),
        standing,
        zone: Some("Europe/Berlin".into()),
        language: None,
        created_at_ms: 0,
    })
}

fn film(tmdb: u64) -> Value {
    json!({"media_type": "film", "tmdb_id": tmdb})
}

#[tokio::test]
async fn a_film_is_asked_for_fetched_and_watchable_only_when_plex_shows_it() {
    let home = Home::new().await;
    home.town.radarr("default").offers(HAXAN, [Offer::of("Bluray-1080p")]);
    let card = home.card(film(HAXAN)).await.unwrap();
    insta::assert_snapshot!("card_of_a_film", serde_json::to_string_pretty(&card).unwrap());

    let output = home.run("media_request", film(HAXAN)).await.unwrap();
    assert_eq!(output.receipt.as_deref(), Some("Häxan (1922) is wanted now, in HD-1080p, by Radarr."));
    assert_eq!(output.undo.unwrap().tool, "media_take_back");
    let request = home.requests().await.remove(0);
    assert_eq!((request.state, request.title.as_str()), (RequestState::Wanted, "Häxan (1922)"));

    home.later(1).await;
    home.later(1).await;
    home.later(10).await;
    let moving = home.look(None).await;
    assert_eq!(moving.state(), RequestState::Downloading, "{moving:?}");
    assert!(moving.percent.is_some_and(|percent| (1..100).contains(&percent)), "{moving:?}");
    home.later(600).await;
    home.town.radarr("default").run_out().await;
    let here = home.look(Some(&moving)).await;
    assert_eq!(here.state(), RequestState::Downloaded, "{here:?}");
    assert_eq!(here.line, "Häxan (1922) is downloaded, but Plex does not show it yet.");
    home.later(60).await;
    let shown = home.look(Some(&here)).await;
    assert_eq!(shown.state(), RequestState::Watchable, "Plex was told to look, and did: {shown:?}");
    assert_eq!(shown.line, "Häxan (1922) is in Plex in 1080p and can be watched now.");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn seasons_are_chosen_from_sonarrs_own_and_told_part_by_part() {
    let home = Home::new().await;
    let series = |seasons: Value| json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": seasons});
    let unasked = home.run("media_request", json!({"media_type": "series", "tvdb_id": HILLBILLIES})).await.unwrap_err();
    assert!(unasked.to_string().contains("ask the person which seasons"), "{unasked}");
    let unknown = home.run("media_request", series(json!([7]))).await.unwrap_err();
    assert!(unknown.to_string().contains("Sonarr has no season 7"), "{unknown}");

    let here = home.run("media_request", series(json!([1]))).await.unwrap();
    assert!(here.text.contains("is here already"), "{}", here.text);
    assert!(home.requests().await.is_empty());

    home.town.sonarr("default").offers(HILLBILLIES, [Offer::of("WEBDL-720p").season(2)]);
    let output = home.run("media_request", series(json!([2]))).await.unwrap();
    assert!(output.text.contains("season 2 is wanted now"), "{}", output.text);
    for _ in 0..6 {
        home.later(5).await;
    }
    home.town.sonarr("default").run_out().await;
    let here = home.look(None).await;
    assert_eq!(here.unit, "episode");
    assert!(here.items.len() > 3 && here.items.iter().all(|item| item.group == "Season 2"), "{here:?}");
    assert_eq!(here.state(), RequestState::Downloaded, "{here:?}");
    home.later(60).await;
    let shown = home.look(Some(&here)).await;
    assert_eq!(shown.state(), RequestState::Watchable, "{shown:?}");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn single_episodes_are_watched_for_searched_and_told_by_themselves() {
    let home = Home::new().await;
    let sonarr = home.town.sonarr("default");
    let ask = |series: u64, episodes: Value| json!({"media_type": "series", "tvdb_id": series, "episodes": episodes});
    for (episodes, reason) in [
        (json!(["S07E01"]), "Sonarr has no season 7"),
        (json!(["S02E99"]), "Sonarr has no S02E99"),
        (json!(["the fifth"]), "such as S02E05"),
    ] {
        let refused = home.run("media_request", ask(HILLBILLIES, episodes)).await.unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
    }
    let here = home.run("media_request", ask(HILLBILLIES, json!(["S01E02"]))).await.unwrap();
    assert!(here.text.contains("is here already"), "{}", here.text);

    sonarr.offers(HILLBILLIES, [Offer::of("WEBDL-720p").episodes(2, [3]), Offer::of("WEBDL-720p").episodes(2, [5])]);
    let card = home.card(ask(HILLBILLIES, json!(["s2e5", "2x03"]))).await.unwrap();
    let fact = |label: &str| card.facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.as_str());
    assert_eq!(fact("Single episodes"), Some("S02E03 and S02E05"));
    assert_eq!(home.facts(ask(HILLBILLIES, json!(["S02E05"]))).await["episode_count"], 1);
    home.run("media_request", ask(HILLBILLIES, json!(["S02E05", "S02E03"]))).await.unwrap();
    let searches = sent(&home, "EpisodeSearch");
    assert_eq!(searches.len(), 1);
    assert_eq!(searches[0]["episodeIds"].as_array().map(Vec::len), Some(2), "{searches:?}");
    assert!(sent(&home, "SeasonSearch").is_empty());
    for _ in 0..6 {
        home.later(5).await;
    }
    sonarr.run_out().await;
    let here = home.look(None).await;
    let keys: Vec<&str> = here.items.iter().map(|item| item.key.as_str()).collect();
    assert_eq!(keys, ["s02e03", "s02e05"], "nothing else is followed: {here:?}");
    home.later(60).await;
    let shown = home.look(Some(&here)).await;
    assert_eq!(shown.state(), RequestState::Watchable, "{shown:?}");

    // A wish for the whole season takes the episodes in, and one for an episode of it adds nothing.
    let otto = somebody("Otto", Standing::Member);
    home.store.put_person(&otto).await.unwrap();
    let season = json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [2]});
    home.run_as(&otto, "media_request", season).await.unwrap();
    home.run("media_request", ask(HILLBILLIES, json!(["S02E04"]))).await.unwrap();
    let requests = home.requests().await;
    assert_eq!(requests.len(), 1);
    assert!(requests[0].title.ends_with(", season 2"), "{}", requests[0].title);
    assert_eq!(home.store.watchers(requests[0].id).await.unwrap().len(), 2);
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn an_episode_of_a_series_nobody_has_adds_it_for_that_episode_only() {
    let home = Home::new().await;
    let ask = |episodes: Value| json!({"media_type": "series", "tvdb_id": ONE_STEP_BEYOND, "episodes": episodes});
    let unknown = home.run("media_request", ask(json!(["S01E99"]))).await.unwrap_err();
    assert!(unknown.to_string().contains("season 1 has episodes 1 to"), "{unknown}");
    let sonarr = home.media().sonarr.unwrap();
    let client = sonarr.get(None).unwrap();
    let there = async || {
        let query = vec![("tvdbId", ONE_STEP_BEYOND.to_string())];
        client.list("/series", &query, crate::servarr::client::Age::Now).await.unwrap()
    };
    assert!(there().await.is_empty(), "what was added in vain is taken out again");

    let output = home.run("media_request", ask(json!(["S01E02"]))).await.unwrap();
    assert!(output.receipt.unwrap().contains("S01E02 is wanted now"), "{}", output.text);
    assert_eq!(output.undo.unwrap().tool, "media_take_back");
    let query = vec![("seriesId", there().await[0]["id"].to_string())];
    let episodes = client.list("/episode", &query, crate::servarr::client::Age::Now).await.unwrap();
    let watched: Vec<String> = episodes
        .iter()
        .filter(|one| one["monitored"] == true)
        .map(|one| format!("{}x{}", one["seasonNumber"], one["episodeNumber"]))
        .collect();
    assert_eq!(watched, ["1x2"], "exactly that one");
    assert_eq!(home.town.violations(), []);
}

/// Commands of a name that Sonarr or Radarr were sent.
fn sent(home: &Home, name: &str) -> Vec<Value> {
    let asked =
        home.town.requests().into_iter().filter(|asked| asked.method == "POST" && asked.path.ends_with("/command"));
    asked.map(|asked| asked.body).filter(|body| body["name"] == name).collect()
}

#[tokio::test]
async fn another_folder_other_seasons_and_another_quality_are_what_is_added() {
    let home = Home::new().await;
    home.town.radarr("default").root_folder("/films-old");
    home.town.sonarr("default").root_folder("/series-old");
    let mut old = film(HAXAN);
    old["root_folder"] = "/films-old/".into();
    old["quality"] = "SD".into();
    let card = home.card(old.clone()).await.unwrap();
    let fact = |label: &str| card.facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.clone());
    assert_eq!((fact("Folder").as_deref(), fact("Quality").as_deref()), (Some("/films-old"), Some("SD")));
    home.run("media_request", old).await.unwrap();
    let series = json!({"media_type": "series", "tvdb_id": SUPERMAN, "seasons": [2], "root_folder": "/series-old"});
    home.run("media_request", series).await.unwrap();
    let added = |path: &str| {
        let all = home.town.requests().into_iter();
        all.filter(|asked| asked.method == "POST" && asked.path.ends_with(path))
            .map(|asked| asked.body)
            .collect::<Vec<_>>()
    };
    let film = added("/movie").remove(0);
    assert_eq!((&film["rootFolderPath"], &film["qualityProfileId"]), (&json!("/films-old"), &json!(2)), "{film}");
    let series = added("/series").remove(0);
    assert_eq!(series["rootFolderPath"], "/series-old", "{series}");
    let wanted = series["seasons"].as_array().unwrap().iter().filter(|season| season["monitored"] == true);
    assert_eq!(wanted.map(|season| season["seasonNumber"].as_u64()).collect::<Vec<_>>(), [Some(2)]);
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn a_second_wish_joins_the_first_and_nothing_is_added_twice() {
    let home = Home::new().await;
    home.town.radarr("default").offers(STEAMBOAT_BILL, []);
    home.run("media_request", film(STEAMBOAT_BILL)).await.unwrap();
    let otto = somebody("Otto", Standing::Member);
    home.store.put_person(&otto).await.unwrap();
    let output = home.run_as(&otto, "media_request", film(STEAMBOAT_BILL)).await.unwrap();
    assert!(output.text.contains("Somebody else waits for it too."), "{}", output.text);
    let requests = home.requests().await;
    assert_eq!(requests.len(), 1);
    let watchers: Vec<PersonId> =
        home.store.watchers(requests[0].id).await.unwrap().into_iter().map(|watcher| watcher.person).collect();
    assert_eq!(watchers, [home.person.id, otto.id]);
    let adds =
        home.town.requests().into_iter().filter(|asked| asked.method == "POST" && asked.path.ends_with("/movie"));
    assert_eq!(adds.count(), 1);

    // After a stop in between, what was added is recognised.
    let parsed = crate::testing::tool(&home.kit(), "media_request").parse(&film(STEAMBOAT_BILL).to_string()).unwrap();
    let known = parsed.check(&home.call(&home.person.clone())).await.unwrap();
    assert!(known.is_some_and(|output| output.receipt.is_some()));
}

#[tokio::test]
async fn what_waits_for_a_yes_is_not_counted_against_itself_and_a_season_of_ones_own_is_no_further_request() {
    let home = Home::with(json!({"quotas": {"member": {"count": 1, "days": 7}}})).await;
    let kit = home.kit();
    let parsed = crate::testing::tool(&kit, "media_request").parse(&film(HAXAN).to_string()).unwrap();
    let call = home.call(&home.person.clone());
    parsed.preview(&call).await.unwrap();
    parsed.waits(&call).await.unwrap();
    assert_eq!(home.requests().await[0].state, RequestState::Asked);
    home.run("media_request", film(HAXAN)).await.unwrap();
    assert_eq!(home.requests().await[0].state, RequestState::Wanted, "the yes is not refused for its own question");

    let otto = somebody("Otto", Standing::Member);
    home.store.put_person(&otto).await.unwrap();
    let episode = |code: &str| json!({"media_type": "series", "tvdb_id": HILLBILLIES, "episodes": [code]});
    home.run_as(&otto, "media_request", episode("S02E01")).await.unwrap();
    home.run_as(&otto, "media_request", episode("S02E02")).await.unwrap();
    let open = home.requests().await.into_iter().find(|request| request.owner == otto.id).unwrap();
    assert!(open.title.ends_with("S02E01 and S02E02"), "{}", open.title);
    // Two times 25 minutes at 720 lines, which is what the series has.
    assert_eq!(open.size_bytes, Some(2 * 25 * 22_500_000));
    let third = home.run_as(&otto, "media_request", film(STEAMBOAT_BILL)).await.unwrap_err();
    assert!(third.to_string().contains("1 of 1 requests"), "{third}");
    // What others wait for already takes nothing.
    home.run_as(&otto, "media_request", film(HAXAN)).await.unwrap();
}

#[tokio::test]
async fn a_film_somebody_asks_to_delete_shows_who_wants_it_and_goes_with_its_files() {
    let home = Home::new().await;
    let otto = somebody("Otto", Standing::Member);
    home.store.put_person(&otto).await.unwrap();
    home.town.radarr("default").offers(HAXAN, [Offer::of("Bluray-1080p")]);
    home.run_as(&otto, "media_request", film(HAXAN)).await.unwrap();
    for _ in 0..6 {
        home.later(30).await;
    }
    home.town.radarr("default").run_out().await;
    home.look(None).await;
    home.later(60).await;
    let parsed = |tmdb: u64| {
        let mut arguments = film(tmdb);
        arguments["exclude"] = true.into();
        crate::testing::tool(&home.kit(), "media_removal").parse(&arguments.to_string()).unwrap()
    };
    let call = home.call(&home.person.clone());
    let card = parsed(HAXAN).preview(&call).await.unwrap();
    insta::assert_snapshot!("card_of_a_removal", serde_json::to_string_pretty(&card).unwrap());
    let facts = Value::Object(parsed(HAXAN).facts(&call).await.unwrap());
    assert_eq!(
        (&facts["others_asked"], &facts["is_watched"], &facts["file_count"]),
        (&json!(true), &json!(false), &json!(1))
    );
    // One that somebody has watched.
    let seen = parsed(METROPOLIS).preview(&call).await.unwrap();
    let label =
        |card: &Card, label: &str| card.facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.clone());
    assert!(label(&seen, "Watched by").is_some_and(|who| who != "nobody"), "{seen:?}");
    let writes = || home.town.requests().into_iter().filter(|asked| asked.method == "DELETE").count();
    assert_eq!(writes(), 0, "nothing goes before the yes");

    let output = parsed(HAXAN).run(&call).await.unwrap();
    let receipt = output.receipt.unwrap();
    assert!(
        receipt.starts_with("Häxan (1922) and its files (") && receipt.ends_with("may not add it again."),
        "{receipt}"
    );
    let order: Vec<String> = home
        .town
        .requests()
        .into_iter()
        .filter(|asked| asked.service == "radarr" && matches!(asked.method.as_str(), "PUT" | "DELETE"))
        .map(|asked| {
            format!("{} {}", asked.method, asked.path.rsplit_once("/v3").unwrap().1.trim_end_matches(char::is_numeric))
        })
        .collect();
    assert_eq!(order, ["PUT /movie/editor", "DELETE /movie/"], "no longer watched for, then deleted");
    let told = home.store.due_news(i64::MAX, 10).await.unwrap();
    assert_eq!(told.iter().map(|news| news.person).collect::<Vec<_>>(), [otto.id]);
    assert_eq!(told[0].text, "Häxan (1922) was deleted; Brigitte had asked for that.");
    assert_eq!(home.requests().await[0].state, RequestState::Cancelled);
    let gone = parsed(HAXAN).check(&call).await.unwrap();
    assert!(gone.is_some(), "after a stop it is seen that it happened");
    assert_eq!(home.store.due_news(i64::MAX, 10).await.unwrap().len(), 1, "told once");
    let again = parsed(HAXAN).preview(&call).await.unwrap_err();
    assert!(again.to_string().contains("nothing to delete"), "{again}");
    home.later(60).await;
    assert_eq!(home.told("media_where_is", film(HAXAN)).await["cause"], "not_wanted");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn with_plex_away_a_film_can_be_asked_for_and_is_told_when_plex_answers_again() {
    let home = Home::new().await;
    home.town.radarr("default").offers(HAXAN, [Offer::of("Bluray-1080p")]);
    home.town.fault("plex", Fault::Refuse).await;
    home.run("media_request", film(HAXAN)).await.unwrap();
    for _ in 0..6 {
        home.later(30).await;
    }
    home.town.radarr("default").run_out().await;
    let request = home.requests().await.remove(0);
    let wish: Wish = serde_json::from_value(request.wish).unwrap();
    let unknown = home.media().progress(&wish, None, home.now_ms()).await.unwrap_err();
    assert!(matches!(&unknown, ToolError::CouldNotAsk { service, .. } if service == "Plex"), "{unknown}");
    home.town.mend("plex").await;
    let here = home.look(None).await;
    home.later(60).await;
    assert_eq!(home.look(Some(&here)).await.state(), RequestState::Watchable);
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn what_was_removed_after_it_was_watchable_is_told_to_those_who_had_asked_for_it() {
    let home = Home::new().await;
    let otto = somebody("Otto", Standing::Member);
    home.store.put_person(&otto).await.unwrap();
    home.town.radarr("default").offers(HAXAN, [Offer::of("Bluray-1080p")]);
    home.run_as(&otto, "media_request", film(HAXAN)).await.unwrap();
    let request = home.requests().await.remove(0);
    let over = majordomo_store::Advance {
        request: request.id,
        revision: request.revision,
        state: RequestState::Watchable,
        progress: None,
        events: Vec::new(),
        told: Vec::new(),
        news: Vec::new(),
        look_at_ms: 0,
        now_ms: home.now_ms(),
    };
    assert!(home.store.advance_request(over).await.unwrap());
    home.run("media_removal", film(HAXAN)).await.unwrap();
    let told = home.store.due_news(i64::MAX, 10).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].person, told[0].text.as_str()),
        (otto.id, "Häxan (1922) was deleted; Brigitte had asked for that.")
    );
    let story = home.store.request_story(request.id).await.unwrap();
    assert_eq!(story.last().unwrap().kind, "removed");
    let after = crate::testing::tool(&home.kit(), "media_removal").parse(&film(HAXAN).to_string()).unwrap();
    assert!(after.check(&home.call(&home.person.clone())).await.unwrap().is_some());
    assert_eq!(home.store.due_news(i64::MAX, 10).await.unwrap().len(), 1, "told once");
}

#[tokio::test]
async fn a_series_goes_with_all_its_files() {
    let home = Home::new().await;
    let arguments = json!({"media_type": "series", "tvdb_id": HILLBILLIES});
    let parsed = crate::testing::tool(&home.kit(), "media_removal").parse(&arguments.to_string()).unwrap();
    let call = home.call(&home.person.clone());
    let card = parsed.preview(&call).await.unwrap();
    assert!(card.facts[0].value.starts_with("12 files deleted for good"), "{card:?}");
    home.town.fault("plex", Fault::Refuse).await;
    let blind = parsed.preview(&call).await.unwrap();
    assert!(blind.facts.iter().any(|fact| fact.value.starts_with("not known: could not ask Plex")), "{blind:?}");
    home.town.mend("plex").await;
    let receipt = parsed.run(&call).await.unwrap().receipt.unwrap();
    assert!(receipt.contains("were deleted from Sonarr"), "{receipt}");
    let sonarr = home.media().sonarr.unwrap();
    let left = sonarr.get(None).unwrap().library().await.unwrap();
    assert!(left.as_array().unwrap().iter().all(|series| series["tvdbId"] != HILLBILLIES));
    assert_eq!(home.town.violations(), []);
}

/// The files Sonarr has of a series, as season and size.
async fn files_of(home: &Home, tvdb: u64) -> Vec<(u64, u64)> {
    let sonarr = home.media().sonarr.unwrap();
    let client = sonarr.get(None).unwrap();
    let age = crate::servarr::client::Age::Now;
    let series = client.list("/series", &vec![("tvdbId", tvdb.to_string())], age).await.unwrap().remove(0);
    let files = client.list("/episodefile", &vec![("seriesId", series["id"].to_string())], age).await.unwrap();
    files.iter().map(|file| (file["seasonNumber"].as_u64().unwrap(), file["size"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn one_season_goes_with_its_files_and_the_others_stay() {
    let home = Home::new().await;
    let sonarr = home.town.sonarr("default");
    let otto = somebody("Otto", Standing::Member);
    home.store.put_person(&otto).await.unwrap();
    sonarr.offers(HILLBILLIES, [Offer::of("WEBDL-720p").season(2)]);
    home.run_as(&otto, "media_request", json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [2]}))
        .await
        .unwrap();
    for _ in 0..6 {
        home.later(5).await;
    }
    sonarr.run_out().await;
    home.look(None).await;
    home.later(60).await;
    let of = |season: u64, files: &[(u64, u64)]| files.iter().filter(|file| file.0 == season).count();
    let before = files_of(&home, HILLBILLIES).await;
    let (first, second) = (of(1, &before), of(2, &before));
    assert!(first > 0 && second > 0, "{before:?}");

    let arguments = |seasons: Value| json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": seasons});
    let parsed = |seasons: Value| {
        crate::testing::tool(&home.kit(), "media_removal").parse(&arguments(seasons).to_string()).unwrap()
    };
    let call = home.call(&home.person.clone());
    for (wrong, reason) in [
        (json!([7]), "Sonarr has no season 7"),
        (json!([]), "name the seasons, or leave them out"),
        (json!([0]), "does not have anything of The Beverly Hillbillies (1962), season 0"),
    ] {
        let refused = parsed(wrong).preview(&call).await.unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused}");
    }
    let card = parsed(json!([2])).preview(&call).await.unwrap();
    let fact = |label: &str| card.facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.clone());
    let size = crate::text::bytes(before.iter().filter(|file| file.0 == 2).map(|file| file.1).sum());
    assert_eq!(card.title, "The Beverly Hillbillies (1962), season 2");
    assert_eq!(fact("Files"), Some(format!("{second} files deleted for good, {size}")));
    assert_eq!(fact("Season 2"), Some(format!("{second} files, {size}, and no longer watched for")));
    assert_eq!(fact("Also asked for by").as_deref(), Some("Otto"));
    assert_eq!(
        fact("Watched by").as_deref(),
        Some("nobody"),
        "who has watched another season has not watched this one"
    );
    let facts = parsed(json!([2])).facts(&call).await.unwrap();
    assert_eq!((&facts["season_count"], &facts["file_count"]), (&json!(1), &json!(second)));
    assert_eq!(files_of(&home, HILLBILLIES).await, before, "nothing goes before the yes");

    home.town.forget();
    let output = parsed(json!([2])).run(&call).await.unwrap();
    assert_eq!(
        output.receipt,
        Some(format!(
            "The Beverly Hillbillies (1962), season 2: {second} files ({size}) deleted from Sonarr, and no longer watched for."
        ))
    );
    assert_eq!(output.undo, None, "files do not come back");
    let after = files_of(&home, HILLBILLIES).await;
    assert_eq!((of(1, &after), of(2, &after)), (first, 0));
    let writes: Vec<_> =
        home.town.requests().into_iter().filter(|asked| matches!(asked.method.as_str(), "PUT" | "DELETE")).collect();
    assert_eq!(writes[0].method, "PUT", "no longer watched for, then deleted");
    assert!(writes.iter().all(|asked| !(asked.method == "DELETE" && asked.path.contains("/series/"))), "{writes:?}");
    let told = home.store.due_news(i64::MAX, 10).await.unwrap();
    assert_eq!(told.iter().map(|news| news.person).collect::<Vec<_>>(), [otto.id]);
    assert!(parsed(json!([2])).check(&call).await.unwrap().is_some(), "after a stop it is seen that it happened");
    assert_eq!(home.store.due_news(i64::MAX, 10).await.unwrap().len(), 1, "told once");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn seasons_of_more_files_than_one_call_takes_go_in_parts() {
    let home = Home::new().await;
    let sonarr = home.town.sonarr("default");
    sonarr.offers(HILLBILLIES, [Offer::of("WEBDL-720p").season(2)]);
    home.run("media_request", json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [2]})).await.unwrap();
    for _ in 0..6 {
        home.later(5).await;
    }
    sonarr.run_out().await;
    let count = files_of(&home, HILLBILLIES).await.len();
    assert!(count > 20, "{count}");
    home.town.forget();
    home.run("media_removal", json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [1, 2]}))
        .await
        .unwrap();
    let deletes = home.town.requests().into_iter().filter(|asked| asked.method == "DELETE");
    let sizes: Vec<usize> = deletes.map(|asked| asked.body["episodeFileIds"].as_array().map_or(1, Vec::len)).collect();
    assert!(sizes.len() > 1 && sizes.iter().all(|size| *size <= 20), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), count);
    assert_eq!(files_of(&home, HILLBILLIES).await, [], "and the series itself is still there");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn a_season_that_goes_leaves_the_request_with_what_is_still_wanted() {
    let home = Home::new().await;
    let otto = somebody("Otto", Standing::Member);
    home.store.put_person(&otto).await.unwrap();
    let both = json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [1, 2]});
    home.run_as(&otto, "media_request", both).await.unwrap();
    home.run("media_removal", json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [1]})).await.unwrap();
    let request = home.requests().await.remove(0);
    assert_eq!(
        (request.state, request.title.as_str()),
        (RequestState::Wanted, "The Beverly Hillbillies (1962), season 2")
    );
    let told = home.store.due_news(i64::MAX, 10).await.unwrap();
    let expected = "The Beverly Hillbillies (1962), season 1 was deleted; Brigitte had asked for that.";
    assert_eq!(told.iter().map(|news| (news.person, news.text.as_str())).collect::<Vec<_>>(), [(otto.id, expected)]);
    let series = home.media().sonarr.unwrap().get(None).unwrap().library().await.unwrap();
    let one = series.as_array().unwrap().iter().find(|one| one["tvdbId"] == HILLBILLIES).unwrap();
    let watched: Vec<u64> = one["seasons"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|season| season["monitored"] == true)
        .map(|season| season["seasonNumber"].as_u64().unwrap())
        .collect();
    assert!(watched.contains(&2) && !watched.contains(&1), "{watched:?}");
}

#[tokio::test]
async fn a_problem_is_kept_with_its_request_and_told_to_the_admins_once() {
    let home = Home::new().await;
    let (ada, eve) = (somebody("Ada", Standing::Admin), somebody("Eve", Standing::Admin));
    for person in [&ada, &eve] {
        home.store.put_person(person).await.unwrap();
    }
    home.run("media_request", film(HAXAN)).await.unwrap();
    let mut arguments = film(HAXAN);
    arguments["problem"] = "no_subtitles".into();
    arguments["details"] = "only\nSwedish".into();
    let text = "Brigitte reports no subtitles (“only Swedish”)";
    let output = home.run("media_report", arguments.clone()).await.unwrap();
    assert!(output.text.contains("the admins are told. Nothing was changed."), "{}", output.text);
    let request = home.requests().await.remove(0);
    let story = home.store.request_story(request.id).await.unwrap();
    let last = story.last().unwrap();
    assert_eq!((last.kind.as_str(), last.text.as_str(), last.actor), ("report", text, Some(home.person.id)));
    let told = home.store.due_news(i64::MAX, 10).await.unwrap();
    let people: std::collections::BTreeSet<PersonId> = told.iter().map(|news| news.person).collect();
    assert_eq!(people, [ada.id, eve.id].into());
    assert!(told.iter().all(|news| news.text == format!("Häxan (1922): {text}.")), "{told:?}");
    let again = home.run("media_report", arguments.clone()).await.unwrap();
    assert!(again.text.contains("reported already") && again.receipt.is_none(), "{}", again.text);
    assert_eq!(home.store.due_news(i64::MAX, 10).await.unwrap().len(), 2);

    // What nobody here asked for is told all the same, to the others.
    let episode =
        json!({"media_type": "series", "tvdb_id": HILLBILLIES, "episode": "S01E02", "problem": "wrong_language"});
    home.run_as(&ada, "media_report", episode).await.unwrap();
    let told = home.store.due_news(i64::MAX, 10).await.unwrap();
    assert_eq!(told.len(), 3);
    let filter = majordomo_store::ReportFilter { person: Some(ada.id), only_open: true, before_ms: None, limit: 10 };
    let kept = home.store.reports(filter).await.unwrap().remove(0);
    assert_eq!(
        (kept.title.as_str(), kept.text.as_str(), kept.request),
        ("The Beverly Hillbillies (1962)", "S01E02: wrong language", None)
    );
    assert_eq!(
        (told[2].person, told[2].text.as_str()),
        (eve.id, "The Beverly Hillbillies (1962): Ada reports S01E02: wrong language.")
    );
    let wrong = home
        .run("media_report", json!({"media_type": "film", "tmdb_id": HAXAN, "episode": "S01E02", "problem": "other"}));
    assert!(wrong.await.unwrap_err().to_string().contains("a film has no episodes"));
}

#[tokio::test]
async fn what_a_person_may_not_have_is_refused_with_the_reason() {
    let home = Home::with(json!({
        "quotas": {"member": {"count": 1, "days": 7}},
        "age_ceilings": {"child": 12},
    }))
    .await;
    let mia = somebody("Mia", Standing::Child);
    home.store.put_person(&mia).await.unwrap();
    let unrated = home.run_as(&mia, "media_request", film(HAXAN)).await.unwrap_err();
    assert!(unrated.to_string().contains("an adult has to ask for it"), "{unrated}");

    home.run("media_request", film(HAXAN)).await.unwrap();
    let second = home.run("media_request", film(STEAMBOAT_BILL)).await.unwrap_err();
    assert!(second.to_string().contains("1 of 1 requests in 7 days are used"), "{second}");
    let unknown_profile =
        json!({"media_type": "film", "tmdb_id": STEAMBOAT_BILL, "quality": "Cinema", "root_folder": "/elsewhere"});
    let refused = home.run("media_request", unknown_profile).await.unwrap_err();
    assert!(refused.to_string().contains("HD-1080p"), "the valid ones are named: {refused}");
    home.town.radarr("default").free_space(Some(1_000_000));
    let full = home.run_as(&somebody("Ada", Standing::Admin), "media_request", film(STEAMBOAT_BILL)).await;
    let full = full.expect_err("no room");
    assert!(full.to_string().contains("makes room first"), "{full}");
}

#[tokio::test]
async fn films_of_at_most_so_many_minutes_are_no_longer_than_that() {
    let home = Home::new().await;
    let tmdb = crate::tmdb::Tmdb::new(&home.config.tmdb, &upstream());
    let kit = crate::tmdb::toolkit(&home.config.tmdb, tmdb);
    let arguments = json!({"with_runtime_lte": 70, "limit": 60}).to_string();
    let found = crate::testing::told(&crate::testing::ask(&kit, "tmdb_discover_movies", &arguments).await.unwrap());
    let all =
        crate::testing::told(&crate::testing::ask(&kit, "tmdb_discover_movies", r#"{"limit": 60}"#).await.unwrap());
    let (found, all) = (found["results"].as_array().unwrap(), all["results"].as_array().unwrap());
    assert!(!found.is_empty() && found.len() < all.len(), "{} of {}", found.len(), all.len());
    for film in found {
        let id = film["id"].as_u64().unwrap();
        let details =
            crate::testing::ask(&kit, "tmdb_movie_details", &json!({"movie_id": id}).to_string()).await.unwrap();
        let details = crate::testing::told(&details);
        assert!(details["runtime"].as_u64().unwrap() <= 70, "{details}");
    }
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn rules_get_facts_of_a_request() {
    let home = Home::new().await;
    let facts = home.facts(film(HAXAN)).await;
    assert_eq!(
        facts,
        json!({
            "expected_gb": 6.3, "season_count": 0, "episode_count": 0, "unreleased": false, "age": "unknown", "instance": "default",
            "quality": "HD-1080p", "is_new": true
        })
    );
}

#[tokio::test]
async fn where_it_is_is_told_by_the_first_true_cause_also_with_a_service_away() {
    let home = Home::new().await;
    let place = async |tmdb: u64| home.told("media_where_is", film(tmdb)).await;
    assert_eq!(place(METROPOLIS).await["cause"], "watchable");
    assert_eq!(place(HAXAN).await["cause"], "not_wanted");
    home.town.radarr("default").offers(HAXAN, []);
    home.run("media_request", film(HAXAN)).await.unwrap();
    home.later(5).await;
    home.later(5).await;
    assert_eq!(place(HAXAN).await["cause"], "nothing_found");
    for (held, cause) in [
        (Held::of("downloading", "downloading", 0.4), "downloading"),
        (Held::stalled(), "stalled"),
        (Held::blocked(vec!["No files found are eligible for import".into()]), "import_blocked"),
        (Held::of("downloadClientUnavailable", "downloading", 0.4), "client_away"),
        (Held::of("paused", "downloading", 0.4), "paused"),
    ] {
        home.town.radarr("default").clear_queue();
        home.town.radarr("default").put_film(HAXAN, "Bluray-1080p", held).expect("a row");
        let found = place(HAXAN).await;
        assert_eq!(found["cause"], cause, "{found}");
        home.town.fault("plex", Fault::Refuse).await;
        let found = place(HAXAN).await;
        assert!(found["could_not_ask"][0].as_str().unwrap().starts_with("Plex could not be asked"), "{found}");
        assert_eq!(found["cause"], cause, "{found}");
        home.town.mend("plex").await;
    }
}

#[tokio::test]
async fn overviews_name_who_could_not_be_asked() {
    let home = Home::new().await;
    home.town.radarr("default").put_film(SHERLOCK_JR, "Bluray-1080p", Held::of("downloading", "downloading", 0.4));
    home.town.sonarr("default").put_season(HILLBILLIES, 2, &[1, 2, 3], "WEBDL-720p", Held::stalled());
    let queue = home.told("media_queue", json!({})).await;
    let rows = queue["downloads"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "a pack is one download: {queue}");
    assert_eq!((rows[0]["title"].as_str(), rows[0]["percent"].as_u64()), (Some("Sherlock Jr. (1924)"), Some(60)));
    assert_eq!(
        (rows[1]["detail"].as_str(), rows[1]["state"].as_str()),
        (Some("Season 2, 3 episodes"), Some("stalled"))
    );

    let library = home.told("media_library", json!({})).await;
    assert_eq!((library["films"].as_u64(), library["series"].as_u64()), (Some(18), Some(4)));
    assert_eq!(library["disks"], json!([]), "disks are the admins' business");
    assert!(library["by_resolution"].as_array().unwrap().iter().any(|row| row["label"] == "4K" && row["count"] == 2));

    let healthy = home.told("media_health", json!({})).await;
    assert_eq!(healthy["state"], "healthy", "{healthy}");
    home.town.fault("sonarr", Fault::Refuse).await;
    let down = home.told("media_health", json!({})).await;
    assert_eq!(down["state"], "degraded", "{down}");
    let sonarr = down["services"].as_array().unwrap().iter().find(|one| one["name"] == "Sonarr").unwrap();
    assert_eq!(sonarr["state"], "down");
    let queue = home.told("media_queue", json!({})).await;
    assert_eq!(queue["could_not_ask"][0]["service"], "Sonarr");
    assert_eq!(queue["downloads"].as_array().unwrap().len(), 1, "Radarr is told of all the same");
    let calendar = home.told("media_calendar", json!({"days": 30})).await;
    assert_eq!(calendar["could_not_ask"][0]["service"], "Sonarr");
}

#[test]
fn how_long_ago_is_told_as_people_say_it() {
    let minute = 60_000;
    for (ago, words) in [
        (0, "just now"),
        (5 * minute, "5 minutes ago"),
        (120 * minute, "2 hours ago"),
        (3 * 1_440 * minute, "3 days ago"),
    ] {
        assert_eq!(shelf::ago(1_000_000_000_000 - ago, 1_000_000_000_000), words);
    }
}

pub(super) fn stuck_film(home: &Home, held: Held) {
    home.town.radarr("default").clear_queue();
    home.town.radarr("default").put_film(SHERLOCK_JR, "Bluray-1080p", held).expect("a row");
}

/// The first stuck download, as somebody is told of it.
pub(super) async fn stuck(home: &Home) -> Value {
    home.told("media_stuck", json!({})).await["downloads"][0].clone()
}

pub(super) fn mending(stuck: &Value) -> Value {
    json!({"application": stuck["application"], "queue_id": stuck["queue_id"], "fix": stuck["fix"]})
}

#[tokio::test]
async fn a_stuck_download_is_left_alone_first_then_replaced_and_its_release_is_not_taken_again() {
    let home = Home::new().await;
    let radarr = home.town.radarr("default");
    stuck_film(&home, Held::stalled());
    let quiet = stuck(&home).await;
    assert_eq!((quiet["class"].as_str(), quiet["fix"].as_str()), (Some("stalled"), Some("wait")), "{quiet}");
    let refused = home
        .run("media_mend", json!({"application": "film", "queue_id": quiet["queue_id"], "fix": "remove_and_block"}));
    let refused = refused.await.unwrap_err().to_string();
    assert!(refused.starts_with("nothing is done about Sherlock Jr. (1924)"), "{refused}");

    home.later(7 * 3_600).await;
    let proposed = stuck(&home).await;
    assert_eq!(proposed["fix"], "remove_and_block", "{proposed}");
    radarr.offers(SHERLOCK_JR, [Offer::of("Bluray-1080p").title("Sherlock.Jr.1924.1080p.BluRay-OTHER")]);
    let parsed = crate::testing::tool(&home.kit(), "media_mend").parse(&mending(&proposed).to_string()).unwrap();
    let card = parsed.preview(&home.call(&home.person.clone())).await.unwrap();
    assert_eq!(
        (card.title.as_str(), card.subtitle.as_str()),
        ("Sherlock Jr. (1924)", "Replace a stuck download with another release")
    );
    home.town.forget();
    let mended = home.run("media_mend", mending(&proposed)).await.unwrap();
    assert_eq!(
        mended.receipt.as_deref(),
        Some(
            "Sherlock Jr. (1924): it was removed and is not taken again; another release was taken: Sherlock.Jr.1924.1080p.BluRay-OTHER."
        )
    );
    let removals: Vec<_> = home.town.requests().into_iter().filter(|asked| asked.method == "DELETE").collect();
    assert_eq!(removals.len(), 1, "{removals:?}");
    // The same release again: the same fix is not proposed again, and then nothing but a look is left.
    for fix in ["choose_another", "tell_admin"] {
        radarr.offers(SHERLOCK_JR, []);
        stuck_film(&home, Held::stalled());
        home.later(7 * 3_600).await;
        let again = stuck(&home).await;
        assert_eq!(again["fix"], fix, "{again}");
        let refused = home.run("media_mend", mending(&again)).await.unwrap_err().to_string();
        assert!(
            refused.contains("no other acceptable release") || refused.contains("somebody has to look"),
            "{refused}"
        );
    }
    // The memory ages.
    home.later(200 * 86_400).await;
    assert_eq!(stuck(&home).await["fix"], "remove_and_block");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn what_is_configured_as_quiet_is_what_counts() {
    let home = Home::with(json!({"stuck": {"stalled_minutes": 10, "finished_minutes": 600}})).await;
    stuck_film(&home, Held::stalled());
    home.later(11 * 60).await;
    assert_eq!(stuck(&home).await["fix"], "remove_and_block");
    stuck_film(&home, Held::blocked(vec!["Sample".into()]));
    home.later(3_600).await;
    assert_eq!(stuck(&home).await["fix"], "wait");

    let failed = Held { tracked_status: "error".into(), ..Held::of("failed", "failedPending", 0.0) };
    for (minutes, is_left_alone) in [(30, false), (300, true)] {
        let home = Home::with(json!({"stuck": {"failed_minutes": minutes}})).await;
        stuck_film(&home, failed.clone());
        home.later(3_600).await;
        let told = stuck(&home).await;
        assert_eq!(told["fix"] == "wait", is_left_alone, "{minutes}: {told}");
    }
    for (days, is_remembered) in [(1, false), (30, true)] {
        let home = Home::with(json!({"stuck": {"remember_days": days}})).await;
        stuck_film(&home, Held::stalled());
        home.later(7 * 3_600).await;
        home.town.radarr("default").offers(SHERLOCK_JR, [Offer::of("Bluray-1080p").title("Sherlock.Jr.1924.OTHER")]);
        home.run("media_mend", mending(&stuck(&home).await)).await.unwrap();
        stuck_film(&home, Held::stalled());
        home.later(2 * 86_400).await;
        let told = stuck(&home).await;
        assert_eq!(told["fix"] != "remove_and_block", is_remembered, "{days}: {told}");
    }
}

#[tokio::test]
async fn what_is_asked_for_is_added_as_the_settings_of_radarr_say() {
    for (set, sent) in [("announced", "announced"), ("in_cinemas", "inCinemas")] {
        let mut home = Home::new().await;
        let instance = home.config.radarr.0.get_mut("default").unwrap();
        instance.minimum_availability = serde_json::from_value(json!(set)).unwrap();
        instance.quality_profile = Some("HD-720p".into());
        home.run("media_request", film(HAXAN)).await.unwrap();
        let requests = home.town.requests_to("radarr");
        let add = requests.iter().find(|one| one.method == "POST" && one.body["tmdbId"] == HAXAN).expect("an add");
        assert_eq!((&add.body["minimumAvailability"], &add.body["qualityProfileId"]), (&json!(sent), &json!(3)));
        assert_eq!(add.body["rootFolderPath"], "/films");
    }
    let mut home = Home::new().await;
    home.config.radarr.0.get_mut("default").unwrap().root_folder = Some("/elsewhere".into());
    let refused = home.run("media_request", film(HAXAN)).await.unwrap_err().to_string();
    assert!(refused.contains("/films"), "what there is is named: {refused}");
}

#[tokio::test]
async fn a_persons_own_quota_holds_in_place_of_the_standings() {
    let home = Home::with(json!({
        "quotas": {"member": {"count": 1, "days": 7}},
        "people": {"Brigitte": {"count": 2, "days": 7}},
    }))
    .await;
    let otto = somebody("Otto", Standing::Member);
    home.store.put_person(&otto).await.unwrap();
    for tmdb in [HAXAN, STEAMBOAT_BILL] {
        home.run("media_request", film(tmdb)).await.unwrap();
    }
    let third = home.run("media_request", film(9_000_009)).await.unwrap_err();
    assert!(third.to_string().contains("2 of 2 requests"), "{third}");
    home.run_as(&otto, "media_request", film(9_000_009)).await.unwrap();
    let second = home.run_as(&otto, "media_request", film(9_000_005)).await.unwrap_err();
    assert!(second.to_string().contains("1 of 1 requests"), "{second}");
}

#[tokio::test]
async fn a_finished_download_is_imported_by_hand_and_the_file_is_looked_for() {
    let home = Home::new().await;
    stuck_film(
        &home,
        Held::blocked(vec![
            "Found matching movie via grab history, but release was matched to movie by ID. Manual Import required."
                .into(),
        ]),
    );
    home.later(3_600).await;
    let proposed = stuck(&home).await;
    assert_eq!(proposed["fix"], "import_by_hand", "{proposed}");
    let mended = home.run("media_mend", mending(&proposed)).await.unwrap();
    assert_eq!(mended.receipt.as_deref(), Some("Sherlock Jr. (1924): 1 of 1 files imported, and the files are there."));
    assert_eq!(home.told("media_stuck", json!({})).await["total"], 0);
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn a_wish_others_wait_for_stays_and_one_that_is_over_or_anothers_is_not_taken_back() {
    let home = Home::new().await;
    let otto = somebody("Otto", Standing::Member);
    home.store.put_person(&otto).await.unwrap();
    let own = home.run("media_request", film(STEAMBOAT_BILL)).await.unwrap().undo.unwrap();
    let strangers = home.run_as(&otto, &own.tool, own.arguments.clone()).await.unwrap_err();
    assert!(strangers.to_string().contains("no such request"), "{strangers}");
    home.run_as(&otto, "media_request", film(STEAMBOAT_BILL)).await.unwrap();
    let card = crate::testing::tool(&home.kit(), &own.tool).parse(&own.arguments.to_string()).unwrap();
    let card = card.preview(&home.call(&home.person.clone())).await.unwrap();
    assert!(card.picture.is_some(), "{card:?}");
    assert_eq!(card.facts[0].value, "somebody else waits for it and keeps it");
    let left = home.run(&own.tool, own.arguments.clone()).await.unwrap();
    assert!(left.text.contains("stays wanted, because somebody else waits for it"), "{}", left.text);
    let request = home.requests().await.remove(0);
    assert_eq!(request.state, RequestState::Wanted);
    let waits: Vec<PersonId> =
        home.store.watchers(request.id).await.unwrap().into_iter().map(|one| one.person).collect();
    assert_eq!(waits, [otto.id]);

    // What was there before a wish is not taken out by it, whatever the arguments say.
    home.later(600).await;
    let other = home.run("media_request", film(SHERLOCK_JR)).await.unwrap();
    let request = home.requests().await.into_iter().find(|one| one.title.starts_with("Sherlock")).unwrap();
    let all = json!({"request": request.id.to_string(), "before": {"absent": true}});
    let refused = home.run("media_take_back", all).await.unwrap_err();
    assert!(refused.to_string().contains("it is not taken out"), "{refused}");
    assert!(other.undo.is_some());
    let here = "it is here".to_owned();
    home.store.close_request(request.id, RequestState::Watchable, None, here, home.now_ms()).await.unwrap();
    let over = home.run("media_take_back", json!({"request": request.id.to_string()})).await.unwrap_err();
    assert!(over.to_string().contains("it can be watched already"), "{over}");
    assert_eq!(home.town.violations(), []);
}

#[tokio::test]
async fn a_poster_is_tmdbs_or_the_services_own_or_looked_up() {
    let home = Home::new().await;
    let media = home.media();
    let sonarr = media.sonarr.as_ref().unwrap().get(None).unwrap();
    let found =
        sonarr.list("/series", &vec![("tvdbId", HILLBILLIES.to_string())], crate::servarr::client::Age::Now).await;
    let tmdb = found.unwrap()[0]["tmdbId"].clone();
    let of = |id: u64, url: &str| {
        let image = json!({"coverType": "poster", "remoteUrl": url});
        json!({"id": id, "tvdbId": HILLBILLIES, "tmdbId": tmdb, "images": [image]})
    };
    let elsewhere = "https://artworks.example/banners/posters/71471-1.jpg";
    let known = media.poster_of(sonarr, &of(3, "https://image.example/t/p/original/abc.jpg")).await;
    assert_eq!(known.as_deref(), Some("tmdb:w342/abc.jpg"));
    assert_eq!(media.poster_of(sonarr, &of(3, elsewhere)).await.as_deref(), Some("sonarr:default/3"));
    let looked_up = media.poster_of(sonarr, &of(0, elsewhere)).await.unwrap();
    assert!(looked_up.starts_with("tmdb:w342/"), "{looked_up}");
    assert_eq!(media.poster_of(sonarr, &json!({"id": 0, "images": []})).await, None);
}
