//! The four fallbacks, whatever comes of them: they search, add and change a profile, and nothing of theirs deletes.

use super::{CALIGARI, House, METROPOLIS, SUNRISE};
use crate::testing::{ask, told};
use majordomo_standins::{Fate, Offer};
use serde_json::{Value, json};

const HILLBILLIES: u64 = 9_300_001;
const FLASH_GORDON: u64 = 9_300_003;

/// What a fallback may ask for beside reads, as the descriptions of both services name it.
const MAY_SEND: [&str; 4] = ["POST /command", "POST /movie", "PUT /movie/editor", "PUT /series/editor"];

/// Everything that was sent to change something since the last look.
fn sent(house: &House) -> Vec<(String, Value)> {
    let all = house.town.requests();
    house.town.forget();
    let changes = all.into_iter().filter(|one| one.method != "GET");
    changes.map(|one| (format!("{} {}", one.method, one.path.trim_start_matches("/api/v3")), one.body)).collect()
}

#[tokio::test]
async fn no_fallback_ever_asks_for_anything_to_be_deleted() {
    let house = House::new().await;
    for servarr in [house.town.radarr("default"), house.town.sonarr("default")] {
        servarr.fate(Fate::Stall);
    }
    let film = house.told("radarr_movies", &json!({ "tmdb_id": CALIGARI })).await["movie_id"].clone();
    let series = async |tvdb: u64| {
        let list = told(&ask(&house.sonarr, "sonarr_series", &json!({ "tvdb_id": tvdb }).to_string()).await.unwrap());
        list["series"][0]["series_id"].clone()
    };
    let (hills, flash) = (series(HILLBILLIES).await, series(FLASH_GORDON).await);
    let watch = json!({ "series_id": hills, "season_number": 2, "monitored": true }).to_string();
    ask(&house.sonarr, "sonarr_season_monitor", &watch).await.unwrap();
    house.town.forget();
    // Nothing offered, something lower offered, single episodes only, and what is there already.
    let stocks: [Vec<Offer>; 3] = [vec![], vec![Offer::of("DVD")], vec![Offer::of("WEBDL-720p").episodes(2, [1])]];
    let mut all = Vec::new();
    for stock in stocks {
        for tmdb in [CALIGARI, SUNRISE] {
            let whole = stock.iter().filter(|offer| offer.episodes.is_empty()).cloned();
            house.town.radarr("default").offers(tmdb, whole.collect::<Vec<_>>());
        }
        house.town.sonarr("default").offers(HILLBILLIES, stock.clone());
        house.town.sonarr("default").offers(FLASH_GORDON, stock.clone());
        for (kit, tool, arguments) in [
            (&house.sonarr, "sonarr_episode_fallback_search", json!({ "series_id": hills, "season_number": 2 })),
            (
                &house.sonarr,
                "sonarr_quality_fallback",
                json!({ "series_id": flash, "target_quality": "Ultra-HD", "fallback_qualities": ["SD"] }),
            ),
            (
                &house.radarr,
                "radarr_quality_fallback",
                json!({ "movie_id": film, "target_quality": "4K", "fallback_qualities": ["SD"] }),
            ),
            (
                &house.radarr,
                "radarr_movie_addition_fallback",
                json!({ "tmdb_id": SUNRISE, "preferred_quality": "8K", "fallback_qualities": ["HD-1080p"] }),
            ),
            (
                &house.radarr,
                "radarr_movie_addition_fallback",
                json!({ "tmdb_id": METROPOLIS, "preferred_quality": "4K" }),
            ),
        ] {
            ask(kit, tool, &arguments.to_string()).await.unwrap_or_else(|error| panic!("{tool}: {error}"));
            all.extend(sent(&house));
        }
    }
    let named: std::collections::BTreeSet<&str> = all.iter().map(|(what, _)| what.as_str()).collect();
    assert!(named.iter().all(|what| MAY_SEND.contains(what)), "{named:?}");
    assert!(MAY_SEND.iter().all(|what| named.contains(what)), "each of them was needed: {named:?}");
    for (what, body) in &all {
        assert!(!body.to_string().to_lowercase().contains("delete"), "{what}: {body}");
    }
    house.is_understood();
}
