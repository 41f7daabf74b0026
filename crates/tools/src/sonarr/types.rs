//! What of Sonarr's records the tools use. Source: Sonarr v3 API, the resources named at each type.
//!
//! Sonarr leaves out what is null, and Sonarr 3 has less than Sonarr 4, so everything has a default. What is written back is
//! never made from these but from the whole record as it was read.

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// SeriesResource.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Series {
    /// 0 in a lookup: not in Sonarr.
    #[serde(deserialize_with = "or_default")]
    pub id: u64,
    #[serde(deserialize_with = "or_default")]
    pub tvdb_id: u64,
    pub tmdb_id: Option<u64>,
    pub imdb_id: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub title: String,
    #[serde(deserialize_with = "or_default")]
    pub year: u32,
    /// `continuing`, `ended`, `upcoming` or `deleted`.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    pub overview: Option<String>,
    pub network: Option<String>,
    /// `standard`, `daily` or `anime`.
    #[serde(deserialize_with = "or_default")]
    pub series_type: String,
    #[serde(deserialize_with = "or_default")]
    pub monitored: bool,
    /// `all` or `none`; Sonarr 3 has none.
    pub monitor_new_items: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub quality_profile_id: u64,
    /// Sonarr 3 only.
    pub language_profile_id: Option<u64>,
    pub path: Option<String>,
    pub root_folder_path: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub season_folder: bool,
    #[serde(deserialize_with = "or_default")]
    pub tags: Vec<u64>,
    pub next_airing: Option<String>,
    pub previous_airing: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub seasons: Vec<Season>,
    #[serde(deserialize_with = "or_default")]
    pub statistics: Statistics,
    #[serde(deserialize_with = "or_default")]
    pub alternate_titles: Vec<AlternateTitle>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AlternateTitle {
    #[serde(deserialize_with = "or_default")]
    pub title: String,
}

/// SeasonResource.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Season {
    /// 0: specials.
    #[serde(deserialize_with = "or_default")]
    pub season_number: u32,
    #[serde(deserialize_with = "or_default")]
    pub monitored: bool,
    #[serde(deserialize_with = "or_default")]
    pub statistics: Statistics,
}

/// SeasonStatisticsResource and SeriesStatisticsResource.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Statistics {
    #[serde(deserialize_with = "or_default")]
    pub episode_file_count: u32,
    /// Episodes that have aired and are monitored or have a file.
    #[serde(deserialize_with = "or_default")]
    pub episode_count: u32,
    #[serde(deserialize_with = "or_default")]
    pub total_episode_count: u32,
    /// Bytes.
    #[serde(deserialize_with = "or_default")]
    pub size_on_disk: u64,
    pub next_airing: Option<String>,
}

/// EpisodeResource.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Episode {
    #[serde(deserialize_with = "or_default")]
    pub id: u64,
    #[serde(deserialize_with = "or_default")]
    pub series_id: u64,
    /// 0 without a file.
    #[serde(deserialize_with = "or_default")]
    pub episode_file_id: u64,
    #[serde(deserialize_with = "or_default")]
    pub season_number: u32,
    #[serde(deserialize_with = "or_default")]
    pub episode_number: u32,
    pub absolute_episode_number: Option<u32>,
    #[serde(deserialize_with = "or_default")]
    pub title: String,
    pub overview: Option<String>,
    /// Such as `2026-11-21`, where it airs.
    pub air_date: Option<String>,
    pub air_date_utc: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub has_file: bool,
    #[serde(deserialize_with = "or_default")]
    pub monitored: bool,
    pub finale_type: Option<String>,
    pub last_search_time: Option<String>,
    pub episode_file: Option<EpisodeFile>,
}

impl Episode {
    /// Such as `S02E05`.
    pub fn code(&self) -> String {
        format!("S{:02}E{:02}", self.season_number, self.episode_number)
    }

    /// Whether it has aired by a moment in milliseconds. Without a date it has not.
    pub fn has_aired(&self, now_ms: i64) -> bool {
        let aired: Option<jiff::Timestamp> = self.air_date_utc.as_deref().and_then(|at| at.parse().ok());
        aired.is_some_and(|at| at.as_millisecond() <= now_ms)
    }
}

/// EpisodeFileResource.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EpisodeFile {
    #[serde(deserialize_with = "or_default")]
    pub id: u64,
    #[serde(deserialize_with = "or_default")]
    pub series_id: u64,
    #[serde(deserialize_with = "or_default")]
    pub season_number: u32,
    pub relative_path: Option<String>,
    pub path: Option<String>,
    /// Bytes.
    #[serde(deserialize_with = "or_default")]
    pub size: u64,
    pub date_added: Option<String>,
    pub release_group: Option<String>,
    pub release_type: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub quality: QualityModel,
    #[serde(deserialize_with = "or_default")]
    pub quality_cutoff_not_met: bool,
    #[serde(deserialize_with = "or_default")]
    pub languages: Vec<Named>,
    pub media_info: Option<MediaInfo>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct QualityModel {
    #[serde(deserialize_with = "or_default")]
    pub quality: Named,
}

/// A quality, a language, a profile: a number with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Named {
    #[serde(deserialize_with = "or_default")]
    pub id: i64,
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MediaInfo {
    pub video_codec: Option<String>,
    pub video_dynamic_range_type: Option<String>,
    pub resolution: Option<String>,
    pub audio_codec: Option<String>,
    pub audio_languages: Option<String>,
    pub subtitles: Option<String>,
    pub run_time: Option<String>,
}

/// HistoryResource.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HistoryRecord {
    #[serde(deserialize_with = "or_default")]
    pub id: u64,
    #[serde(deserialize_with = "or_default")]
    pub series_id: u64,
    #[serde(deserialize_with = "or_default")]
    pub episode_id: u64,
    /// `grabbed`, `downloadFolderImported`, `downloadFailed` and others.
    #[serde(deserialize_with = "or_default")]
    pub event_type: String,
    #[serde(deserialize_with = "or_default")]
    pub source_title: String,
    #[serde(deserialize_with = "or_default")]
    pub date: String,
    pub download_id: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub quality: QualityModel,
    pub episode: Option<Episode>,
}

/// QueueResource: one row an episode.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct QueueRow {
    #[serde(deserialize_with = "or_default")]
    pub id: u64,
    pub episode_id: Option<u64>,
    pub season_number: Option<u32>,
    pub download_id: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub title: String,
    #[serde(deserialize_with = "or_default")]
    pub status: String,
}

/// null is as good as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Whether a change is wanted by the words of a schema: `standard`, `daily`, `anime`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeriesType {
    #[default]
    Standard,
    Daily,
    Anime,
}

impl SeriesType {
    pub fn as_str(self) -> &'static str {
        match self {
            SeriesType::Standard => "standard",
            SeriesType::Daily => "daily",
            SeriesType::Anime => "anime",
        }
    }
}

/// A record of Sonarr's as one of these types; None when it is something else.
pub fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}
