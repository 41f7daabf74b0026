//! Every change that says it is taken back by a call: done, taken back as its result says, and everything is as before.
//!
//! What is compared is what the services themselves answer, asked past the toolkits, and for what the house keeps itself the tools
//! that show it.

use crate::{
    Parts,
    media::walks::{HAXAN, HILLBILLIES, Home, METROPOLIS, SHERLOCK_JR, STEAMBOAT_BILL, somebody},
    testing::upstream,
};
use futures_util::future::BoxFuture;
use majordomo_domain::{Call, Output, Person, Secret, Standing, ToolError, Toolkit};
use majordomo_standins::Offer;
use majordomo_store::RequestFilter;
use majordomo_upstream::{
    Credential, Service, ServiceLimits, ServiceSpec, Upstream,
    testing::{Answer, TestServer},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// Series of the household, with files: a first season of four episodes; two seasons.
const FLASH_GORDON: u64 = 9_300_003;
const DRAGNET: u64 = 9_300_006;
/// One that nobody has.
const SUPERMAN: u64 = 9_300_004;
/// Films of the one collection there is; the household has the first.
const SINDBAD: u64 = 9_000_011;

/// A change: its tool, what is special about it, and what makes the house ready for it and gives its arguments.
struct Walk {
    tool: &'static str,
    case: &'static str,
    arguments: for<'a> fn(&'a House) -> BoxFuture<'a, Value>,
}

macro_rules! walks {
    ($($tool:ident $case:literal: |$house:ident| $arguments:expr;)*) => {
        &[$(Walk {
            tool: stringify!($tool),
            case: $case,
            arguments: |$house| Box::pin(async move { let _ = $house; $arguments }),
        }),*]
    };
}

#[rustfmt::skip]
const RADARR: &[Walk] = walks![
    radarr_add "": |house| {
        house.town().radarr("default").offers(HAXAN, [Offer::of("Bluray-1080p")]);
        json!({"tmdb_id": HAXAN, "tags": ["kids"]})
    };
    radarr_movie_addition_fallback "": |house| {
        house.town().radarr("default").offers(HAXAN, []);
        json!({"tmdb_id": HAXAN, "preferred_quality": "4K"})
    };
    radarr_update "everything but the folder": |house| json!({"movie_id": house.film(METROPOLIS).await, "changes": {
        "quality_profile": "SD", "monitored": false, "minimum_availability": "in_cinemas", "tags": ["kids"],
    }});
    radarr_update "the folder, with its files": |house| {
        house.town().radarr("default").root_folder("/archive");
        json!({"movie_id": house.film(METROPOLIS).await, "changes": {"root_folder": "/archive"}})
    };
    radarr_update "the folder of one without files": |house| {
        house.town().radarr("default").root_folder("/archive");
        json!({"movie_id": house.film(SHERLOCK_JR).await, "changes": {"root_folder": "/archive", "move_files": false}})
    };
    radarr_edit_many "films that differ": |house| {
        let (one, other) = (house.film(METROPOLIS).await, house.film(SHERLOCK_JR).await);
        house.done("radarr_update", json!({"movie_id": one, "changes": {"monitored": false, "tags": ["kids"]}})).await;
        let changes = json!({"monitored": true, "quality_profile": "Ultra-HD", "tags": ["kids"]});
        json!({"movie_ids": [one, other], "changes": changes})
    };
    radarr_edit_many "tags taken away and another folder": |house| {
        house.town().radarr("default").root_folder("/archive");
        let (one, other) = (house.film(METROPOLIS).await, house.film(SHERLOCK_JR).await);
        house.done("radarr_update", json!({"movie_id": one, "changes": {"tags": ["kids"]}})).await;
        let changes = json!({"tags": ["kids"], "root_folder": "/archive"});
        json!({"movie_ids": [one, other], "changes": changes, "tag_mode": "remove"})
    };
    radarr_collection_update "its settings": |house| json!({
        "collection_id": house.collection().await, "search_on_add": true, "quality_profile": "SD",
        "minimum_availability": "in_cinemas",
    });
    radarr_collection_update "its films": |house| {
        let changes = json!({"monitored": false});
        house.done("radarr_update", json!({"movie_id": house.film(SINDBAD).await, "changes": changes})).await;
        json!({"collection_id": house.collection().await, "monitor_movies": true, "search_on_add": true})
    };
    radarr_quality_fallback "": |house| {
        house.town().radarr("default").offers(SHERLOCK_JR, []);
        json!({"movie_id": house.film(SHERLOCK_JR).await, "target_quality": "Ultra-HD"})
    };
    radarr_exclusion_add "": |_house| json!({"tmdb_id": HAXAN});
    radarr_exclusion_remove "": |house| {
        house.done("radarr_exclusion_add", json!({"tmdb_id": HAXAN})).await;
        json!({"exclusion_id": house.listed("radarr_exclusions", json!({}), "exclusion_id").await})
    };
];

#[rustfmt::skip]
const SONARR: &[Walk] = walks![
    sonarr_add "": |_house| json!({"tvdb_id": SUPERMAN, "seasons": [1]});
    sonarr_update "everything but the folder": |house| json!({"series_id": house.series(DRAGNET).await, "changes": {
        "monitored": false, "monitor_new": false, "quality_profile": "Ultra-HD", "series_type": "daily", "season_folder": false,
        "tags": ["kids"],
    }});
    sonarr_update "the folder, with its files": |house| {
        house.town().sonarr("default").root_folder("/archive");
        json!({"series_id": house.series(DRAGNET).await, "changes": {"root_folder": "/archive"}})
    };
    sonarr_edit_many "series that differ": |house| {
        let (one, other) = (house.series(DRAGNET).await, house.series(FLASH_GORDON).await);
        let changes = json!({"monitored": false, "quality_profile": "SD", "tags": []});
        house.done("sonarr_update", json!({"series_id": one, "changes": changes})).await;
        json!({"series_ids": [one, other], "changes": {"monitored": true, "quality_profile": "Ultra-HD", "tags": ["kids"]}})
    };
    sonarr_season_monitor "one of which an episode was watched for": |house| {
        let (id, odd) = (house.series(HILLBILLIES).await, house.episode(HILLBILLIES, 2, 4).await);
        house.done("sonarr_episodes_monitor", json!({"episode_ids": [odd], "monitored": true})).await;
        json!({"series_id": id, "season_number": 2, "monitored": true})
    };
    sonarr_season_monitor "one whose flag only changes": |house| {
        let id = house.series(HILLBILLIES).await;
        let all: Vec<u64> = house.episodes(HILLBILLIES, 1).await;
        house.done("sonarr_episodes_monitor", json!({"episode_ids": all, "monitored": false})).await;
        json!({"series_id": id, "season_number": 1, "monitored": false})
    };
    sonarr_season_monitor "with the series' own switch": |house| json!({
        "series_id": house.series(HILLBILLIES).await, "season_number": [1, 2], "monitored": false, "series_monitored": false,
    });
    sonarr_add_seasons "": |house| {
        let id = house.series(HILLBILLIES).await;
        house.town().sonarr("default").offers(HILLBILLIES, []);
        house.done("sonarr_update", json!({"series_id": id, "changes": {"monitored": false}})).await;
        json!({"series_id": id, "seasons": [2]})
    };
    sonarr_episodes_monitor "of which one is so already": |house| {
        let ids = [house.episode(DRAGNET, 1, 2).await, house.episode(DRAGNET, 1, 3).await];
        house.done("sonarr_episodes_monitor", json!({"episode_ids": [ids[0]], "monitored": false})).await;
        json!({"episode_ids": ids, "monitored": false})
    };
    sonarr_quality_fallback "": |house| {
        house.town().sonarr("default").offers(FLASH_GORDON, []);
        json!({"series_id": house.series(FLASH_GORDON).await, "season_number": 1, "target_quality": "Ultra-HD"})
    };
    sonarr_exclusion_add "": |_house| json!({"tvdb_id": SUPERMAN});
    sonarr_exclusion_remove "": |house| {
        house.done("sonarr_exclusion_add", json!({"tvdb_id": SUPERMAN})).await;
        json!({"exclusion_id": house.listed("sonarr_exclusions", json!({}), "exclusion_id").await})
    };
];

#[rustfmt::skip]
const PLEX: &[Walk] = walks![
    plex_rate "one that had another": |house| json!({"rating_key": house.key("Metropolis"), "rating": 3});
    plex_rate "one that had none": |house| json!({"rating_key": house.key("Charade"), "rating": 0});
    plex_mark_watched "a film": |house| json!({"rating_key": house.key("Detour")});
    plex_mark_watched "a series that was begun": |house| json!({"rating_key": house.key("The Beverly Hillbillies")});
    plex_mark_unwatched "a film": |house| json!({"rating_key": house.key("Nosferatu")});
    plex_mark_unwatched "a series that was begun": |house| json!({"rating_key": house.key("The Beverly Hillbillies")});
    plex_playlist_create "": |house| json!({"title": "Noir", "rating_keys": [house.key("Detour"), house.key("Charade")]});
    plex_playlist_add "": |house| json!({
        "playlist": house.playlist().await.0, "rating_keys": [house.key("Detour"), house.key("Metropolis")],
    });
    plex_playlist_remove "from the front and the middle": |house| {
        let (list, items) = house.playlist().await;
        json!({"playlist": list, "playlist_items": [items[2], items[0]]})
    };
    plex_playlist_move "to the front": |house| {
        let (list, items) = house.playlist().await;
        json!({"playlist": list, "playlist_item": items[2]})
    };
    plex_playlist_move "from the front": |house| {
        let (list, items) = house.playlist().await;
        json!({"playlist": list, "playlist_item": items[0], "after": items[2]})
    };
    plex_playlist_rename "": |house| json!({
        "playlist": house.playlist().await.0, "title": "Black and white", "summary": "Bring a blanket.",
    });
    plex_collection_create "": |house| json!({"title": "Noir", "section": "Films", "rating_keys": [house.key("Detour")]});
    plex_collection_add "of which one is in it": |house| json!({
        "collection": house.frights().await, "rating_keys": [house.key("Nosferatu"), house.key("Detour")],
    });
    plex_collection_remove "": |house| json!({"collection": house.frights().await, "rating_keys": [house.key("Nosferatu")]});
    plex_watchlist_add "": |_house| json!({"key": "tmdb://19"});
    plex_watchlist_remove "": |_house| json!({"key": "tmdb://961"});
];

#[rustfmt::skip]
const MEDIA: &[Walk] = walks![
    media_request "a film nobody had": |house| {
        house.town().radarr("default").offers(HAXAN, [Offer::of("Bluray-1080p")]);
        json!({"media_type": "film", "tmdb_id": HAXAN})
    };
    media_request "a film Radarr was told to leave alone": |house| {
        let changes = json!({"monitored": false, "quality_profile": "SD"});
        house.done("radarr_update", json!({"movie_id": house.film(SHERLOCK_JR).await, "changes": changes})).await;
        json!({"media_type": "film", "tmdb_id": SHERLOCK_JR})
    };
    media_request "a series nobody had": |_house| json!({"media_type": "series", "tvdb_id": SUPERMAN, "seasons": [1]});
    media_request "a season, in another quality": |house| {
        let odd = house.episode(HILLBILLIES, 2, 4).await;
        house.done("sonarr_episodes_monitor", json!({"episode_ids": [odd], "monitored": true})).await;
        let id = house.series(HILLBILLIES).await;
        house.done("sonarr_update", json!({"series_id": id, "changes": {"monitored": false}})).await;
        json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [2], "quality": "Ultra-HD"})
    };
    media_request "single episodes": |_house| {
        json!({"media_type": "series", "tvdb_id": HILLBILLIES, "episodes": ["S02E03", "S02E05"]})
    };
    media_request "a further season of one's own wish": |house| {
        let first = json!({"media_type": "series", "tvdb_id": HILLBILLIES, "episodes": ["S02E03"]});
        house.done("media_request", first).await;
        json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [2]})
    };
    media_request "what somebody else waits for": |house| {
        let film = json!({"media_type": "film", "tmdb_id": STEAMBOAT_BILL});
        let otto = somebody("Otto", Standing::Member);
        house.home.store.put_person(&otto).await.unwrap();
        house.run_as(&otto, "media_request", film.clone()).await.unwrap();
        film
    };
    media_hooks_install "where none are": |_house| json!({});
    media_hooks_install "where one of them is": |house| {
        house.done("media_hooks_install", json!({})).await;
        house.done("media_hooks_remove", json!({"only": ["sonarr/default"]})).await;
        json!({})
    };
    media_hooks_remove "of all": |house| {
        house.done("media_hooks_install", json!({})).await;
        json!({})
    };
    media_hooks_remove "where only one is": |house| {
        house.done("media_hooks_install", json!({})).await;
        house.done("media_hooks_remove", json!({"only": ["radarr/default"]})).await;
        json!({})
    };
];

#[rustfmt::skip]
const OWN: &[Walk] = walks![
    update_household_preferences "": |house| {
        house.done("update_household_preferences", json!({"path": "likes.genres", "append": "Comedy"})).await;
        json!({"patch": {"likes": {"genres": ["Western"]}, "constraints": {"eraMinYear": 1920}}})
    };
    update_household_preferences "one's own": |_house| {
        json!({"path": "likes.people", "append": "Buster Keaton", "whose": "me"})
    };
    household_preferences_reset "": |house| {
        house.done("update_household_preferences", json!({"path": "likes.genres", "append": "Comedy"})).await;
        json!({})
    };
    household_preferences_restore "": |house| {
        house.done("update_household_preferences", json!({"path": "likes.genres", "append": "Comedy"})).await;
        house.done("household_preferences_reset", json!({})).await;
        house.done("update_household_preferences", json!({"path": "likes.genres", "append": "Western"})).await;
        json!({})
    };
    household_rate "": |house| {
        house.done("household_rate", json!({"title": "Detour", "rating": 9, "genres": ["Crime"]})).await;
        json!({"title": "D.O.A.", "rating": 10, "genres": ["Crime"], "people": ["Rudolph Maté"]})
    };
    party_add_character "a new one": |_house| json!({"name": "V", "role": "Solo", "gear_preferences": ["SMGs"]});
    party_add_character "one of that name": |house| {
        house.done("party_add_character", json!({"name": "V", "role": "Solo", "gear_preferences": ["SMGs"]})).await;
        json!({"name": "v", "role": "Netrunner"})
    };
    party_remove_character "the first of several": |house| {
        for (name, role) in [("V", "Solo"), ("Jackie", "Brawler"), ("Bug", "Netrunner")] {
            house.done("party_add_character", json!({"name": name, "role": role, "gear_preferences": ["SMGs"]})).await;
        }
        json!({"name": "V"})
    };
];

/// Tools that have a walk.
pub(crate) fn walked() -> BTreeSet<&'static str> {
    [RADARR, SONARR, PLEX, MEDIA, OWN].into_iter().flatten().map(|walk| walk.tool).collect()
}

/// Keys that are new with every row, and what a service notes of a change by itself and takes from nobody.
const NOT_COMPARED: [&str; 7] =
    ["id", "added", "lastSearchTime", "lastViewedAt", "playlistItemID", "watchlistedAt", "updatedAt"];

struct House {
    home: Home,
    /// One for all calls: making its connections is what takes time.
    upstream: Upstream,
    /// Takes the webhooks' tests.
    _receiver: TestServer,
    ada: Arc<Person>,
    radarr: Service,
    sonarr: Service,
    plex: Service,
    cloud: Service,
    calls: AtomicU32,
}

impl House {
    async fn new() -> Self {
        let receiver = TestServer::start().await;
        receiver.on("POST", "*", Answer::json_text("{}"));
        let mut home = Home::with(json!({"hooks_url": receiver.url().as_str()})).await;
        for instance in home.config.radarr.0.values_mut() {
            (instance.poll_ms, instance.command_wait_ms) = (10, 2_000);
        }
        for instance in home.config.sonarr.0.values_mut() {
            (instance.poll_ms, instance.command_wait_ms) = (10, 2_000);
        }
        for server in home.config.plex.values_mut() {
            server.discover_url = home.town.plex_cloud_url("discover").parse().unwrap();
            server.metadata_url = home.town.plex_cloud_url("metadata").parse().unwrap();
            server.watchlist_age_s = 0;
        }
        let ada = somebody("Ada", Standing::Admin);
        home.store.put_person(&ada).await.unwrap();
        let upstream = upstream();
        let service = |address: String, name: &'static str, key: &str| {
            upstream.service(ServiceSpec {
                name: address.clone(),
                base_url: address.parse().unwrap(),
                credential: Credential::Header { name, value: Secret::new(key) },
                limits: ServiceLimits::default(),
            })
        };
        let (radarr, sonarr) = (home.town.radarr("default"), home.town.sonarr("default"));
        Self {
            radarr: service(format!("{}/api/v3", home.town.radarr_url("default")), "x-api-key", radarr.key()),
            sonarr: service(format!("{}/api/v3", home.town.sonarr_url("default")), "x-api-key", sonarr.key()),
            plex: service(home.town.plex_url(), "x-plex-token", "plex-token"),
            cloud: service(home.town.plex_cloud_url("discover"), "x-plex-token", "plex-token"),
            upstream: upstream.clone(),
            _receiver: receiver,
            ada,
            home,
            calls: AtomicU32::new(0),
        }
    }

    fn town(&self) -> &majordomo_standins::Town {
        &self.home.town
    }

    /// Every toolkit, with nothing remembered.
    fn kits(&self) -> Vec<Toolkit> {
        let parts = Parts { upstream: self.upstream.clone(), store: Some(self.home.store.clone()) };
        crate::toolkits(&self.home.config, &parts).0
    }

    async fn run_as(&self, person: &Arc<Person>, name: &str, arguments: Value) -> Result<Output, ToolError> {
        let kits = self.kits();
        let tool = kits.iter().flat_map(|kit| &kit.tools).find(|tool| tool.name == name);
        let tool = tool.unwrap_or_else(|| panic!("no {name}"));
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let call = Call { key: format!("call {number}"), id: format!("call_{number}"), ..self.home.call(person) };
        tool.parse(&arguments.to_string())?.run(&call).await
    }

    async fn done(&self, name: &str, arguments: Value) -> Output {
        let output = self.run_as(&self.ada, name, arguments.clone()).await;
        output.unwrap_or_else(|error| panic!("{name} {arguments}: {error}"))
    }

    /// A field of the first thing a tool lists.
    async fn listed(&self, name: &str, arguments: Value, field: &str) -> Value {
        let output = self.done(name, arguments).await;
        let told: Value = serde_json::from_str(&output.text).unwrap();
        told["items"][0][field].clone()
    }

    async fn read(&self, service: &Service, path: &str, query: &[(&str, String)]) -> Value {
        Value::clone(&*service.get(path, query).await.unwrap_or_else(|error| panic!("{path}: {error}")))
    }

    async fn of(&self, service: &Service, path: &str, key: &str, id: u64) -> u64 {
        let found = self.read(service, path, &[(key, id.to_string())]).await;
        found[0]["id"].as_u64().unwrap_or_else(|| panic!("{path} has no {id}"))
    }

    async fn film(&self, tmdb: u64) -> u64 {
        self.of(&self.radarr, "/movie", "tmdbId", tmdb).await
    }

    async fn series(&self, tvdb: u64) -> u64 {
        self.of(&self.sonarr, "/series", "tvdbId", tvdb).await
    }

    async fn collection(&self) -> u64 {
        self.read(&self.radarr, "/collection", &[]).await[0]["id"].as_u64().expect("a collection")
    }

    async fn episodes(&self, tvdb: u64, season: u64) -> Vec<u64> {
        let of = [("seriesId", self.series(tvdb).await.to_string())];
        let all = self.read(&self.sonarr, "/episode", &of).await;
        let all = all.as_array().unwrap().iter().filter(|one| one["seasonNumber"] == season);
        all.map(|one| one["id"].as_u64().unwrap()).collect()
    }

    async fn episode(&self, tvdb: u64, season: u64, number: usize) -> u64 {
        self.episodes(tvdb, season).await[number - 1]
    }

    fn key(&self, title: &str) -> u64 {
        self.town().plex().key_of(title).unwrap_or_else(|| panic!("Plex has no {title}"))
    }

    async fn plex_list(&self, path: &str, query: &[(&str, String)]) -> Vec<Value> {
        let answer = self.read(&self.plex, path, query).await;
        answer["MediaContainer"]["Metadata"].as_array().cloned().unwrap_or_default()
    }

    /// The playlist there is, and the numbers of its items.
    async fn playlist(&self) -> (u64, Vec<u64>) {
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok()).expect("a number");
        let list = number(&self.plex_list("/playlists", &[]).await[0]["ratingKey"]);
        let items = self.plex_list(&format!("/playlists/{list}/items"), &[]).await;
        (list, items.iter().map(|item| number(&item["playlistItemID"])).collect())
    }

    async fn frights(&self) -> Value {
        let all = self.plex_list("/library/sections/1/collections", &[]).await;
        let found = all.iter().find(|one| one["title"] == "Frights").expect("the collection");
        found["ratingKey"].as_str().unwrap().parse::<u64>().unwrap().into()
    }

    /// Everything a change could have changed, as the services and the house tell it.
    async fn state(&self) -> Value {
        let mut state = json!({
            "films": self.read(&self.radarr, "/movie", &[]).await,
            "collections": self.read(&self.radarr, "/collection", &[]).await,
            "kept off Radarr": self.read(&self.radarr, "/exclusions", &[]).await,
            "Radarr tells": self.read(&self.radarr, "/notification", &[]).await,
            "Radarr fetches": self.read(&self.radarr, "/queue/details", &[]).await,
            "series": self.read(&self.sonarr, "/series", &[]).await,
            "kept off Sonarr": self.read(&self.sonarr, "/importlistexclusion", &[]).await,
            "Sonarr tells": self.read(&self.sonarr, "/notification", &[]).await,
            "Sonarr fetches": self.read(&self.sonarr, "/queue/details", &[]).await,
            "watchlist": self.read(&self.cloud, "/library/sections/watchlist/all", &[("sort", "titleSort:asc".into())]).await,
        });
        for series in state["series"].as_array().cloned().unwrap_or_default() {
            let of = [("seriesId", series["id"].to_string())];
            let title = series["title"].as_str().unwrap_or_default();
            state[format!("episodes of {title}")] = self.read(&self.sonarr, "/episode", &of).await;
        }
        for (path, kind) in [("/library/sections/1/all", "1"), ("/library/sections/2/all", "4")] {
            state[path] = self.plex_list(path, &[("type", kind.to_owned())]).await.into();
        }
        for (what, items) in [("/playlists", "/playlists"), ("/library/sections/1/collections", "/library/collections")]
        {
            for list in self.plex_list(what, &[]).await {
                let key = list["ratingKey"].as_str().unwrap_or_default();
                state[format!("{what} {key}")] = list.clone();
                let mut held = self.plex_list(&format!("{items}/{key}/items"), &[]).await;
                if what != "/playlists" {
                    // Plex itself orders what is in a collection, by the day it came out.
                    held.sort_by_key(|item| item["ratingKey"].to_string());
                }
                state[format!("in {what} {key}")] = held.into();
            }
        }
        let own = [
            ("read_household_preferences", json!({})),
            ("read_household_preferences", json!({"whose": "me"})),
            ("household_learned", json!({"limit": 50})),
            ("household_learned", json!({"limit": 50, "whose": "me"})),
            ("party_view", json!({})),
        ];
        for (tool, arguments) in own {
            let name = format!("{tool} {arguments}");
            state[name] = self.done(tool, arguments).await.text.into();
        }
        let open = RequestFilter { person: None, only_open: true, before_ms: None, limit: 50 };
        for request in self.home.store.requests(open).await.unwrap() {
            let waits: Vec<String> =
                self.home.store.watchers(request.id).await.unwrap().iter().map(|one| one.person.to_string()).collect();
            state[format!("request {}", request.subject)] =
                json!([request.title, request.wish, request.state, request.size_bytes, waits]);
        }
        forget(&mut state);
        state
    }
}

/// Takes out what is not compared. A webhook's secret is new each time.
fn forget(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.get("name").is_some_and(|name| name == "url")
                && let Some(Value::String(address)) = object.get_mut("value")
            {
                address.truncate(address.rfind('/').unwrap_or(0));
            }
            object.retain(|key, _| !NOT_COMPARED.contains(&key.as_str()));
            object.values_mut().for_each(forget);
        }
        Value::Array(list) => list.iter_mut().for_each(forget),
        _ => {}
    }
}

/// What differs, so that a failure says where.
fn differences(one: &Value, other: &Value, at: &str, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            for key in left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))) {
                let place = format!("{at}/{key}");
                differences(
                    &left.get(key).cloned().unwrap_or_default(),
                    &right.get(key).cloned().unwrap_or_default(),
                    &place,
                    found,
                );
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (place, (left, right)) in left.iter().zip(right).enumerate() {
                differences(left, right, &format!("{at}/{place}"), found);
            }
        }
        _ if one == other => {}
        _ => found.push(format!("{at}: {} → {}", short(one), short(other))),
    }
}

fn short(value: &Value) -> String {
    majordomo_domain::text::shorten(&value.to_string(), 300)
}

async fn walk(all: &[Walk]) {
    let mut failed = Vec::new();
    for walk in all {
        let name = format!("{} ({})", walk.tool, walk.case);
        let house = House::new().await;
        let arguments = (walk.arguments)(&house).await;
        let before = house.state().await;
        let output = house.done(walk.tool, arguments).await;
        let Some(undo) = output.undo else {
            failed.push(format!("{name}: no way back is offered: {}", output.text));
            continue;
        };
        let mut changed = Vec::new();
        differences(&before, &house.state().await, "", &mut changed);
        if changed.is_empty() {
            failed.push(format!("{name}: nothing was changed: {}", output.text));
        }
        assert!(!undo.title.is_empty() && !undo.title.ends_with('.'), "{name}: {}", undo.title);
        let said = match house.run_as(&house.ada, &undo.tool, undo.arguments.clone()).await {
            Ok(output) => output.text,
            Err(error) => error.to_string(),
        };
        let mut left = Vec::new();
        differences(&before, &house.state().await, "", &mut left);
        if !left.is_empty() {
            failed.push(format!("{name}: {} {} → {said}\n    {}", undo.tool, undo.arguments, left.join("\n    ")));
        }
        assert_eq!(house.town().violations(), [], "{name}");
    }
    assert!(failed.is_empty(), "not as before:\n{}", failed.join("\n"));
}

/// The services forget at once where files are that stayed behind, so this is not walked.
#[tokio::test]
async fn files_that_stayed_where_they_were_stay_when_the_folder_is_put_back() {
    let house = House::new().await;
    house.town().radarr("default").root_folder("/archive");
    house.town().sonarr("default").root_folder("/archive");
    let changes = json!({"root_folder": "/archive", "move_files": false});
    let (film, series) = (house.film(METROPOLIS).await, house.series(DRAGNET).await);
    for (tool, arguments) in [
        ("radarr_update", json!({"movie_id": film, "changes": changes})),
        ("sonarr_update", json!({"series_id": series, "changes": changes})),
        ("radarr_edit_many", json!({"movie_ids": [house.film(SHERLOCK_JR).await], "changes": changes})),
        ("sonarr_edit_many", json!({"series_ids": [house.series(FLASH_GORDON).await], "changes": changes})),
    ] {
        let undo = house.done(tool, arguments).await.undo.unwrap();
        assert_eq!(undo.arguments["changes"]["move_files"], false, "{tool}: {}", undo.arguments);
    }
}

#[tokio::test]
async fn what_was_changed_in_radarr_is_taken_back() {
    walk(RADARR).await;
}

#[tokio::test]
async fn what_was_changed_in_sonarr_is_taken_back() {
    walk(SONARR).await;
}

#[tokio::test]
async fn what_was_changed_in_plex_is_taken_back() {
    walk(PLEX).await;
}

#[tokio::test]
async fn what_was_asked_for_and_set_up_is_taken_back() {
    walk(MEDIA).await;
}

#[tokio::test]
async fn what_the_house_keeps_itself_is_taken_back() {
    walk(OWN).await;
}
