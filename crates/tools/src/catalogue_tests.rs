//! The catalogue as a whole: which tools there are, under which names, and what switches them off.

use crate::{Config, Off, Parts, testing::upstream, toolkits};
use majordomo_domain::{Effect, Toolkit, tool::Undo};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// A Plex server nobody is asked for.
fn plex() -> crate::plex::Config {
    let base_url = Some("http://127.0.0.1:9".parse().expect("an address"));
    let token = majordomo_domain::Secret::new("0123456789abcdef0123");
    let server = crate::plex::Server { base_url, token, ..Default::default() };
    [("default".to_owned(), server)].into()
}

/// Plex's tools that change something.
const PLEX_CHANGES: &str = "plex_rate plex_mark_watched plex_mark_unwatched plex_remove_from_continue plex_refresh_item plex_delete_item \
    plex_scan_section plex_stop_session plex_playlist_create plex_playlist_add plex_playlist_remove plex_playlist_move plex_playlist_rename \
    plex_playlist_delete plex_collection_create plex_collection_add plex_collection_remove plex_collection_delete plex_watchlist_add \
    plex_watchlist_remove";

/// Names of Plex's operations, and those an earlier system called them by.
const PLEX_PROMISED: &str = "plex_identity plex_server_info plex_sections plex_section_items plex_section_filters plex_search \
    plex_find_by_guid plex_recently_added plex_on_deck plex_continue_watching plex_metadata plex_children plex_all_episodes plex_similar \
    plex_related plex_sessions plex_history plex_accounts plex_activities plex_rate plex_mark_watched plex_mark_unwatched \
    plex_remove_from_continue plex_scan_section plex_refresh_item plex_playlists plex_playlist_items plex_playlist_create plex_playlist_add \
    plex_playlist_remove plex_playlist_move plex_playlist_rename plex_playlist_delete plex_collections plex_collection_items \
    plex_collection_create plex_collection_add plex_collection_remove plex_collection_delete plex_stop_session plex_delete_item \
    plex_watchlist plex_watchlist_add plex_watchlist_remove plex_watchlist_state plex_discover_search plex_discover_match plex_account \
    plex_servers plex_pin search_plex get_plex_library_sections get_plex_recently_added get_plex_on_deck get_plex_continue_watching \
    get_plex_unwatched get_plex_collections get_plex_playlists get_plex_similar_items get_plex_extras get_plex_playback_status \
    get_plex_watch_history get_plex_item_details get_plex_movies_4k_or_hdr set_plex_rating plex_library_overview";

fn all() -> Vec<Toolkit> {
    let mut config = Config::default();
    config.tmdb.api_key = majordomo_domain::Secret::new("0123456789abcdef0123456789abcdef");
    config.radarr.0.insert("default".into(), crate::radarr::Instance::named());
    config.sonarr.0.insert("default".into(), crate::sonarr::Instance::named());
    config.knowledge.folder = Some("documents".into());
    config.plex = plex();
    let (toolkits, off) = toolkits(&config, &Parts { upstream: upstream(), store: None });
    assert_eq!(off, []);
    toolkits
}

#[test]
fn the_catalogue_lists_every_tool_with_one_line() {
    let mut lines = String::new();
    for toolkit in all() {
        lines.push_str(&format!("{}\n", toolkit.name));
        for tool in &toolkit.tools {
            lines.push_str(&format!("  {}: {}\n", tool.name, tool.spec.description));
            if !tool.aliases.is_empty() {
                lines.push_str(&format!("    also {}\n", tool.aliases.join(", ")));
            }
        }
    }
    insta::assert_snapshot!("catalogue", lines);
}

/// What changes something in Radarr and in Sonarr, without the application's name.
#[rustfmt::skip]
const SERVARR_CHANGES: &[&str] = &[
    "arr_tag_create", "arr_queue_remove", "arr_queue_grab", "arr_mark_failed", "arr_blocklist_remove", "arr_clear_blacklist",
    "arr_grab", "arr_manual_import", "arr_exclusion_add", "arr_exclusion_remove", "arr_command_cancel", "arr_refresh",
    "arr_rescan", "arr_refresh_downloads", "arr_rename", "arr_search_missing", "arr_search_cutoff",
    // Of Radarr only.
    "radarr_add", "radarr_update", "radarr_edit_many", "radarr_delete", "radarr_delete_many", "radarr_file_delete",
    "radarr_search_movies", "radarr_collection_update", "radarr_quality_fallback", "radarr_movie_addition_fallback",
];

const RADARR_NAMES: &str = "radarr_lookup radarr_add_movie radarr_get_movies radarr_update_movie radarr_delete_movie
    radarr_search_movie radarr_search_missing radarr_search_cutoff radarr_get_queue radarr_get_wanted radarr_get_calendar
    radarr_get_blacklist radarr_clear_blacklist radarr_system_status radarr_health radarr_disk_space radarr_quality_profiles
    radarr_root_folders radarr_get_indexers radarr_get_download_clients radarr_movie_addition_fallback radarr_activity_check
    radarr_quality_fallback radarr_activity_overview
    radarr_status radarr_tags radarr_tag_create radarr_lookup_tmdb radarr_movies radarr_movie radarr_add radarr_update
    radarr_edit_many radarr_delete radarr_delete_many radarr_files radarr_file_delete radarr_queue radarr_queue_details
    radarr_queue_status radarr_queue_remove radarr_queue_grab radarr_history radarr_movie_history radarr_history_since
    radarr_mark_failed radarr_missing radarr_cutoff radarr_calendar radarr_search_movies radarr_refresh radarr_rescan
    radarr_refresh_downloads radarr_rename_preview radarr_rename radarr_command radarr_command_cancel radarr_releases
    radarr_grab radarr_manual_import_preview radarr_manual_import radarr_blocklist radarr_blocklist_remove radarr_exclusions
    radarr_exclusion_add radarr_exclusion_remove radarr_collections radarr_collection_update radarr_parse
    radarr_notifications
    sonarr_system_status sonarr_health sonarr_disk_space sonarr_quality_profiles sonarr_root_folders sonarr_get_queue
    sonarr_get_wanted sonarr_get_calendar sonarr_activity_overview sonarr_status sonarr_tags sonarr_tag_create sonarr_queue
    sonarr_queue_details sonarr_queue_status sonarr_queue_remove sonarr_queue_grab sonarr_history sonarr_history_since
    sonarr_mark_failed sonarr_missing sonarr_cutoff sonarr_calendar sonarr_refresh sonarr_rescan sonarr_refresh_downloads
    sonarr_rename_preview sonarr_rename sonarr_command sonarr_command_cancel sonarr_releases sonarr_grab
    sonarr_manual_import_preview sonarr_manual_import sonarr_blocklist sonarr_blocklist_remove sonarr_exclusions
    sonarr_exclusion_add sonarr_exclusion_remove sonarr_parse";

/// What changes something in Sonarr only.
#[rustfmt::skip]
const SONARR_CHANGES: &[&str] = &[
    "sonarr_add", "sonarr_update", "sonarr_edit_many", "sonarr_delete", "sonarr_delete_many", "sonarr_season_monitor",
    "sonarr_add_seasons", "sonarr_episodes_monitor", "sonarr_file_delete", "sonarr_search_series", "sonarr_search_season",
    "sonarr_search_episodes", "sonarr_search_missing", "sonarr_search_cutoff", "sonarr_episode_fallback_search",
    "sonarr_quality_fallback",
];

const SONARR_NAMES: &str = "sonarr_lookup sonarr_add_series sonarr_get_series sonarr_update_series sonarr_delete_series sonarr_get_episodes
    sonarr_monitor_episodes sonarr_monitor_season sonarr_monitor_episodes_by_season sonarr_search_series sonarr_search_missing
    sonarr_search_season sonarr_search_episode sonarr_search_episodes sonarr_get_series_summary sonarr_get_season_summary
    sonarr_get_season_details sonarr_get_episode_file_info sonarr_episode_fallback_search sonarr_quality_fallback
    sonarr_series sonarr_series_details sonarr_add sonarr_update sonarr_edit_many sonarr_season_monitor sonarr_delete sonarr_delete_many
    sonarr_episodes sonarr_episode sonarr_episodes_monitor sonarr_files sonarr_file_delete sonarr_series_history sonarr_search_cutoff
    sonarr_add_seasons";

#[test]
fn names_are_unique_and_well_formed_and_schemas_are_objects() {
    let mut names: HashMap<&str, &str> = HashMap::new();
    for toolkit in all() {
        for tool in &toolkit.tools {
            for name in std::iter::once(&tool.name).chain(tool.aliases) {
                assert!(name.len() <= 64 && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_')), "{name}");
                assert_eq!(names.insert(name, tool.name), None, "{name} twice");
            }
            let changes = [
                "party_add_character",
                "party_remove_character",
                "remember",
                "remember_for_household",
                "forget",
                "knowledge_reindex",
                "media_removal",
                "media_report",
                "media_request",
                "media_take_back",
                "media_mend",
                "media_hooks_install",
                "media_hooks_remove",
                "update_household_preferences",
                "household_preferences_reset",
                "household_preferences_restore",
                "household_rate",
                "household_unlearn",
            ];
            let is_change = changes.contains(&tool.name)
                || PLEX_CHANGES.split_whitespace().any(|name| name == tool.name)
                || SONARR_CHANGES.contains(&tool.name)
                || SERVARR_CHANGES.iter().any(|name| tool.name.ends_with(name));
            assert_eq!(tool.effect != Effect::Read, is_change, "{}", tool.name);
            assert_eq!(tool.spec.schema["type"], "object", "{}", tool.name);
            assert_eq!(tool.spec.schema["additionalProperties"], false, "{}", tool.name);
            let description = &tool.spec.description;
            assert!((15..=260).contains(&description.len()), "{}: {description}", tool.name);
            assert!(!tool.keywords.is_empty(), "{}", tool.name);
            let schema = tool.spec.schema.to_string();
            assert!(!schema.contains("$ref") && !schema.contains("null"), "{}: {schema}", tool.name);
        }
        assert!(toolkit.guide.len() < 800, "{}", toolkit.name);
    }
}

#[test]
fn every_change_says_how_it_is_taken_back_or_why_it_cannot_be() {
    for tool in all().iter().flat_map(|toolkit| &toolkit.tools) {
        match (tool.effect, tool.undo) {
            (Effect::Read, Undo::Needless) | (Effect::Write | Effect::Destroy, Undo::ByCall) => {}
            (Effect::Write | Effect::Destroy, Undo::No(why)) => {
                assert!(why.split_whitespace().count() >= 3 && !why.ends_with('.'), "{}: {why}", tool.name);
            }
            (effect, undo) => panic!("{}: {effect:?} and {undo:?}", tool.name),
        }
    }
}

/// A tool that is forgotten in `undo_walks.rs` is found here, as is a walk of a tool that says otherwise by now.
#[test]
fn every_change_that_is_taken_back_by_a_call_is_walked_there_and_back() {
    let kits = all();
    let by_call = kits.iter().flat_map(|kit| &kit.tools).filter(|tool| tool.undo == Undo::ByCall);
    let by_call: BTreeSet<&str> = by_call.map(|tool| tool.name).collect();
    assert_eq!(by_call, crate::undo_walks::walked());
}

/// Names the household's earlier systems used, and those of the services' operations.
#[test]
fn every_promised_name_is_answered() {
    let toolkits = all();
    let known = |name: &str| {
        toolkits.iter().flat_map(|kit| &kit.tools).any(|tool| tool.name == name || tool.aliases.contains(&name))
    };
    let promised = "add_party_character remove_party_character view_party_members recommend_gear reindex knowledge_search calculate_expression current_datetime
        tmdb_search tmdb_search_tv tmdb_search_multi tmdb_search_person tmdb_recommendations tmdb_similar_movies
        tmdb_similar_tv tmdb_movie_details tmdb_tv_details tmdb_upcoming_movies tmdb_now_playing_movies
        tmdb_on_the_air_tv tmdb_airing_today_tv tmdb_genres tmdb_collection_details tmdb_watch_providers_movie
        tmdb_watch_providers_tv tmdb_trending tmdb_popular_movies tmdb_popular_tv tmdb_top_rated_movies
        tmdb_top_rated_tv tmdb_discover_movies tmdb_discover_tv tmdb_discovery_suite
        search_tool search_tmdb details_tool get_media_details trending_tool get_trending_media popular_tool
        get_popular_media top_rated_tool get_top_rated_media upcoming_tool get_upcoming_movies airing_today_tool
        get_airing_today on_the_air_tool get_on_the_air_tv similar_tool get_similar_media recommendations_tool
        get_recommendations discover_tool discover_with_filters find_id_tool find_by_external_id
        tmdb_search_movies tmdb_search_people tmdb_search_collections tmdb_search_keywords tmdb_search_companies
        tmdb_find tmdb_season tmdb_episode tmdb_person tmdb_collection tmdb_movie_credits tmdb_tv_credits
        tmdb_person_credits tmdb_external_ids tmdb_release_dates tmdb_content_ratings tmdb_watch_providers tmdb_videos
        tmdb_images tmdb_reviews tmdb_keywords tmdb_similar tmdb_popular_people tmdb_upcoming tmdb_now_playing
        tmdb_airing_today tmdb_on_the_air tmdb_keyword_movies tmdb_certifications tmdb_provider_list tmdb_configuration
        tvmaze_search tvmaze_single tvmaze_lookup tvmaze_people tvmaze_show tvmaze_episodes tvmaze_episode
        tvmaze_episodes_on tvmaze_seasons tvmaze_cast tvmaze_schedule tvmaze_schedule_web tvmaze_next_episode
        read_household_preferences search_household_preferences update_household_preferences query_household_preferences
        household_preferences_reset household_learned
        media_search intelligent_search media_recommend smart_recommendations";
    let promised = promised.split_whitespace();
    let promised =
        promised.chain([PLEX_PROMISED, RADARR_NAMES, SONARR_NAMES].into_iter().flat_map(str::split_whitespace));
    let missing: Vec<&str> = promised.filter(|name| !known(name)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn a_toolkit_without_its_key_is_off_and_says_what_to_set() {
    let (kits, off) = toolkits(&Config::default(), &Parts { upstream: upstream(), store: None });
    let reasons = [
        ("tmdb", "no key: set tools.tmdb.api_key"),
        ("plex", "no instance: set tools.plex.default.base_url and .token"),
        ("radarr", "no instance: set tools.radarr.default.base_url and .api_key"),
        ("sonarr", "no instance: set tools.sonarr.default.base_url and .api_key"),
        ("knowledge", "no folder: set tools.knowledge.folder"),
    ];
    assert_eq!(off, reasons.map(|(toolkit, reason)| Off { toolkit, reason: reason.into() }));
    let names: Vec<&str> = kits.iter().map(|kit| kit.name).collect();
    assert_eq!(names, ["clock", "calculator", "party", "memory", "household", "tvmaze", "media"]);

    let config: Config = serde_json::from_str(r#"{"tvmaze":{"enabled":false}}"#).unwrap();
    let (kits, off) = toolkits(&config, &Parts { upstream: upstream(), store: None });
    assert_eq!(kits.len(), 5);
    assert_eq!(
        off.iter().map(|off| off.toolkit).collect::<Vec<_>>(),
        ["tmdb", "tvmaze", "plex", "radarr", "sonarr", "knowledge", "media"]
    );
}

#[test]
fn settings_are_strict_and_have_defaults() {
    let read = |text: &str| serde_json::from_str::<Config>(text);
    let config =
        read(r#"{"tmdb":{"base_url":"http://127.0.0.1:9/prefix/3","api_key":"x","hedge_after_ms":0}}"#).unwrap();
    assert_eq!(config.tmdb.base_url.as_str(), "http://127.0.0.1:9/prefix/3");
    assert_eq!((config.tmdb.hedge_after_ms, config.tmdb.language.as_str()), (None, "en-US"));
    assert!(read(r#"{"tmdb":{"api_keey":"x"}}"#).unwrap_err().to_string().contains("unknown field `api_keey`"));
    assert!(read(r#"{"netflix":{}}"#).unwrap_err().to_string().contains("unknown field `netflix`"));
    let debug = format!("{:?}", read(r#"{"tmdb":{"api_key":"secret-value"}}"#).unwrap());
    assert!(!debug.contains("secret-value"));

    let wrong: Config = read(r#"{"tmdb":{"api_key":"x","region":"Germany"}}"#).unwrap();
    let (_, off) = toolkits(&wrong, &Parts { upstream: upstream(), store: None });
    assert_eq!(off[0].reason, "tools.tmdb.region: “Germany” is not a country code such as US");
}

#[test]
fn a_plex_server_that_cannot_be_used_is_off_with_the_key_to_mend() {
    let reason = |text: &str| {
        let config: Config = serde_json::from_str(text).unwrap();
        let (_, off) = toolkits(&config, &Parts { upstream: upstream(), store: None });
        off.into_iter().find(|off| off.toolkit == "plex").map(|off| off.reason).unwrap_or_default()
    };
    for (text, expected) in [
        (r#"{"plex":{"kids":{"token":"x"}}}"#, "no address: set tools.plex.kids.base_url"),
        (r#"{"plex":{"kids":{"base_url":"http://nas:32400"}}}"#, "no token: set tools.plex.kids.token"),
        (
            r#"{"plex":{"kids":{"base_url":"http://nas:32400","token":"x","at_once":0}}}"#,
            "tools.plex.kids.at_once: 0 is not between 1 and 100",
        ),
        (
            r#"{"plex":{"kids":{"base_url":"http://nas:32400","token":"x","discover_url":"ftp://h"}}}"#,
            "tools.plex.kids.discover_url: its address is neither http nor https",
        ),
        (r#"{"plex":{"default":{"base_url":"http://nas:32400/plex","token":"x"}}}"#, ""),
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
    let unknown = serde_json::from_str::<Config>(r#"{"plex":{"default":{"tokn":"x"}}}"#).unwrap_err().to_string();
    assert!(unknown.contains("unknown field `tokn`"), "{unknown}");
}

#[test]
fn a_settings_value_of_null_is_not_a_schema_default() {
    for toolkit in all() {
        for tool in &toolkit.tools {
            let properties = tool.spec.schema["properties"].as_object().cloned().unwrap_or_default();
            for (name, property) in properties {
                let is_typed = property.get("type").is_some()
                    || property.get("anyOf").is_some()
                    || property.get("oneOf").is_some()
                    || property.get("enum").is_some();
                assert!(is_typed, "{} {name}: {property}", tool.name);
                assert_ne!(property.get("default"), Some(&Value::Null), "{} {name}", tool.name);
            }
        }
    }
}

#[test]
fn there_are_ninety_tools_for_media_and_preferences_at_least() {
    let media = ["tmdb", "tvmaze", "plex", "radarr", "sonarr", "media", "household"];
    let count: usize = all().iter().filter(|kit| media.contains(&kit.name)).map(|kit| kit.tools.len()).sum();
    assert!(count >= 90, "{count}");
}

/// Some models send every argument they were told of, and null for those they do not mean.
#[test]
fn every_optional_argument_of_every_tool_may_be_null() {
    let mut problems = Vec::new();
    for tool in all().iter().flat_map(|kit| &kit.tools) {
        let schema = &tool.spec.schema;
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for name in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
            if required.contains(&name.as_str()) {
                continue;
            }
            let refusal = |arguments: String| {
                let said = tool.parse(&arguments).err().map(|error| error.to_string());
                said.map(|said| said.split(" at line ").next().unwrap_or_default().to_owned())
            };
            // What is missing is missing either way.
            let without = refusal("{}".into());
            let refused =
                refusal(serde_json::json!({ name: null }).to_string()).filter(|said| without.as_ref() != Some(said));
            problems.extend(refused.map(|said| format!("{} {name}: {said}", tool.name)));
        }
    }
    assert_eq!(problems, [""; 0]);
}
