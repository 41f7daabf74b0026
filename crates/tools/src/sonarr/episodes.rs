//! Episodes and their files.

use super::{
    Sonarr, client,
    seasons::{Counts, Numbers},
    types::{Episode, EpisodeFile, Series},
    view::{self, told},
};
use crate::servarr::{Client, asks, undo, view::size};
use majordomo_domain::{Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, tool::Undo};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Files one call may delete.
const MOST_FILES: usize = 20;
/// Episodes one call may change or name.
const MOST_EPISODES: usize = 200;

/// Which episodes are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    #[default]
    All,
    // Aired, monitored, without a file.
    Missing,
    Unaired,
    WithFile,
    Unmonitored,
}

impl Which {
    fn holds(self, episode: &Episode, now_ms: i64) -> bool {
        match self {
            Which::All => true,
            Which::Missing => episode.monitored && !episode.has_file && episode.has_aired(now_ms),
            Which::Unaired => !episode.has_aired(now_ms),
            Which::WithFile => episode.has_file,
            Which::Unmonitored => !episode.monitored,
        }
    }
}

/// Episodes of a series in Sonarr, or those with the given ids: aired, monitored, with file or missing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Episodes {
    /// Sonarr's id of the series, from `sonarr_series`. Not needed with `episode_ids`.
    series_id: Option<u64>,
    /// Sonarr's ids of episodes, in place of a series.
    episode_ids: Option<Numbers<u64>>,
    /// Only this season, as Sonarr counts.
    #[serde(alias = "season")]
    season_number: Option<u32>,
    /// Which of them, default all.
    which: Option<Which>,
    /// Episodes listed, 1 to 100, default 30.
    limit: Option<usize>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for Episodes {
    const NAME: &'static str = "sonarr_episodes";
    const ALIASES: &'static [&'static str] = &["sonarr_get_episodes"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "list episodes missing aired file season Folgen Episoden fehlende episodios faltan capítulos épisodes manquants";
    type Service = Sonarr;

    fn title(&self) -> String {
        match (self.series_id, self.season_number) {
            (Some(series), Some(season)) => format!("Listing episodes of season {season} of series {series}"),
            (Some(series), None) => format!("Listing episodes of series {series}"),
            (None, _) => "Listing episodes".into(),
        }
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, sonarr: &Sonarr, call: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let limit = client::limit(self.limit, 30, 100)?;
        let ids = self.episode_ids.as_ref().map(Numbers::list).unwrap_or_default();
        let mut episodes = match (self.series_id, ids.as_slice()) {
            (_, [_, ..]) => client::episodes_by_id(at, &checked(&ids)?).await?,
            (Some(series), []) => client::episodes(at, series, self.season_number, true).await?,
            (None, []) => return Err(ToolError::TellModel("give series_id or episode_ids".into())),
        };
        if let Some(series) = self.series_id {
            episodes.retain(|episode| episode.series_id == series);
        }
        if let Some(season) = self.season_number {
            episodes.retain(|episode| episode.season_number == season);
        }
        if episodes.is_empty() {
            return Ok(client::nothing("Sonarr has no such episodes"));
        }
        episodes.sort_by_key(|episode| (episode.series_id, episode.season_number, episode.episode_number));
        let counts = Counts::of(&episodes, call.now_ms);
        let which = self.which.unwrap_or_default();
        let chosen: Vec<&Episode> = episodes.iter().filter(|episode| which.holds(episode, call.now_ms)).collect();
        let list: Vec<Value> =
            chosen.iter().take(limit).map(|episode| view::episode_row(episode, call.now_ms)).collect();
        Output::json(&told(json!({
            "series_id": episodes[0].series_id,
            "counts": counts.told(),
            "matching": chosen.len(),
            "episodes": list,
            "not_listed": (chosen.len() > limit).then(|| chosen.len() - limit),
        })))
    }
}

fn checked(ids: &[u64]) -> Result<Vec<u64>, ToolError> {
    if ids.is_empty() || ids.len() > MOST_EPISODES {
        return Err(ToolError::TellModel(format!("give 1 to {MOST_EPISODES} episodes, not {}", ids.len())));
    }
    Ok(ids.to_vec())
}

/// One episode in Sonarr by its id, with overview and file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OneEpisode {
    /// Sonarr's id of the episode, from `sonarr_episodes`.
    episode_id: u64,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for OneEpisode {
    const NAME: &'static str = "sonarr_episode";
    const ALIASES: &'static [&'static str] = &["sonarr_get_episode"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "episode details when aired plot Folge Handlung ausgestrahlt episodio capítulo argumento épisode résumé diffusion";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Looking at episode {}", self.episode_id)
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, sonarr: &Sonarr, call: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let Some(episode) = client::episode(at, self.episode_id).await? else {
            return Ok(client::nothing(&format!("Sonarr has no episode {}", self.episode_id)));
        };
        let mut row = view::episode_row(&episode, call.now_ms);
        row["series_id"] = episode.series_id.into();
        if let Some(series) = client::series(at, episode.series_id).await?.map(|(_, series)| series) {
            row["series"] = view::title(&series).into();
        }
        if let Some(overview) = &episode.overview {
            row["overview"] = view::line(overview, 400).into();
        }
        Output::json(&row)
    }
}

/// The file of one episode in Sonarr: quality, size, languages, codecs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EpisodeFileInfo {
    /// Sonarr's id of the episode (not of the file), from `sonarr_episodes`.
    episode_id: u64,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for EpisodeFileInfo {
    const NAME: &'static str = "sonarr_episode_file";
    const ALIASES: &'static [&'static str] = &["sonarr_get_episode_file_info"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "file of an episode quality size resolution codec language Datei Qualität Größe Sprache archivo calidad idioma fichier qualité langue";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Looking at the file of episode {}", self.episode_id)
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let Some(episode) = client::episode(at, self.episode_id).await? else {
            return Ok(client::nothing(&format!("Sonarr has no episode {}", self.episode_id)));
        };
        let file = match episode.episode_file_id {
            0 => None,
            id => client::file(at, id).await?,
        };
        let Some(file) = file else {
            return Ok(client::nothing(&format!("{} has no file", episode.code())));
        };
        let mut row = view::file_row(&file);
        row["episode_id"] = episode.id.into();
        row["episode"] = episode.code().into();
        row["title"] = view::line(&episode.title, 80).into();
        if let Some(media) = &file.media_info {
            row["media"] = told(json!({
                "resolution": media.resolution,
                "video": media.video_codec,
                "dynamic_range": media.video_dynamic_range_type,
                "audio": media.audio_codec,
                "audio_languages": media.audio_languages.as_deref().map(|text| view::line(text, 80)),
                "subtitles": media.subtitles.as_deref().map(|text| view::line(text, 120)),
                "run_time": media.run_time,
            }));
        }
        Output::json(&row)
    }
}

/// Monitor exactly these episodes in Sonarr, or stop that. Starts no search.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EpisodesMonitor {
    /// Sonarr's ids of the episodes, from `sonarr_episodes`.
    #[serde(alias = "episode_id")]
    episode_ids: Numbers<u64>,
    /// true to monitor, false to stop.
    monitored: bool,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl EpisodesMonitor {
    fn verb(&self) -> &'static str {
        if self.monitored { "Monitor" } else { "Stop monitoring" }
    }
}

/// The episodes with these ids, every one of them, and the series they belong to.
pub async fn known_episodes(at: &Client, ids: &[u64]) -> Result<(Vec<Episode>, Vec<Series>), ToolError> {
    let mut episodes = client::episodes_by_id(at, &checked(ids)?).await?;
    let unknown: Vec<String> =
        ids.iter().filter(|id| episodes.iter().all(|episode| episode.id != **id)).map(u64::to_string).collect();
    if !unknown.is_empty() {
        return Err(ToolError::TellModel(format!(
            "Sonarr has no episode {}; take ids from sonarr_episodes",
            unknown.join(", ")
        )));
    }
    episodes.sort_by_key(|episode| (episode.series_id, episode.season_number, episode.episode_number));
    let mut of: Vec<u64> = episodes.iter().map(|episode| episode.series_id).collect();
    of.dedup();
    let mut series = Vec::new();
    for id in of {
        series.push(client::known_series(at, id).await?.1);
    }
    Ok((episodes, series))
}

/// Such as `Dragnet (1951) S01E02, S01E03`, a series after the other.
pub fn named(episodes: &[Episode], series: &[Series]) -> String {
    let one = |series: &Series| {
        let its = episodes.iter().filter(|episode| episode.series_id == series.id);
        format!("{} {}", view::title(series), view::codes(its))
    };
    view::and(&series.iter().map(one).collect::<Vec<_>>())
}

/// A card that names episodes.
pub fn episodes_card(at: &Client, episodes: &[Episode], series: &[Series], text: String) -> Card {
    let mut card = match series {
        [one] => view::card(at.name(), one),
        _ => Card::new(view::count(episodes.len(), "episode")),
    };
    card.text = text;
    for episode in episodes.iter().take(6) {
        card = card.fact(episode.code(), view::line(&episode.title, 60));
    }
    if episodes.len() > 6 {
        card = card.fact("And", view::count(episodes.len() - 6, "more episode"));
    }
    card
}

impl Tool for EpisodesMonitor {
    const NAME: &'static str = "sonarr_episodes_monitor";
    const ALIASES: &'static [&'static str] = &["sonarr_monitor_episodes"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "monitor unmonitor single episodes follow Folgen überwachen seguir episodios vigilar suivre épisodes surveiller";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("{} {}", self.verb(), view::count(self.episode_ids.list().len(), "episode"))
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "Nothing was changed.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (episodes, series) = known_episodes(at, &self.episode_ids.list()).await?;
        let text = format!("{} {}", self.verb(), named(&episodes, &series));
        Ok(episodes_card(at, &episodes, &series, text))
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let ids = self.episode_ids.list();
        let (episodes, series) = known_episodes(at, &ids).await?;
        let changed: Vec<u64> =
            episodes.iter().filter(|episode| episode.monitored != self.monitored).map(|episode| episode.id).collect();
        let name = named(&episodes, &series);
        if changed.is_empty() {
            return Ok(Output::text(format!("{name}: it was so already, nothing was changed.")));
        }
        client::monitor(at, &ids, self.monitored).await?;
        let after = client::episodes_by_id(at, &ids).await?;
        if after.iter().any(|episode| episode.monitored != self.monitored) {
            return Err(ToolError::TellModel(format!("Sonarr took the change of {name} but does not show it")));
        }
        let state = if self.monitored { "now monitored" } else { "no longer monitored" };
        let undo = undo(
            Self::NAME,
            at,
            json!({ "episode_ids": changed, "monitored": !self.monitored }),
            format!("Set {} back", view::count(changed.len(), "episode")),
        );
        Ok(Output::done(format!("{name}: {state}.")).with_undo(undo))
    }
}

/// Files of a series in Sonarr, newest season first: name, size, quality, whether below the wanted quality.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// Only this season, as Sonarr counts.
    season_number: Option<u32>,
    /// Files listed, 1 to 100, default 20.
    limit: Option<usize>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for Files {
    const NAME: &'static str = "sonarr_files";
    const ALIASES: &'static [&'static str] = &["sonarr_episode_files"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "files of a series size quality on disk Dateien Größe Qualität archivos tamaño calidad fichiers taille qualité";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Listing files of series {}", self.series_id)
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let limit = client::limit(self.limit, 20, 100)?;
        let mut files = client::files(at, self.series_id).await?;
        if let Some(season) = self.season_number {
            files.retain(|file| file.season_number == season);
        }
        if files.is_empty() {
            return Ok(client::nothing("Sonarr has no such files"));
        }
        files.sort_by(|one, other| {
            (other.season_number, &one.relative_path).cmp(&(one.season_number, &other.relative_path))
        });
        let total: u64 = files.iter().map(|file| file.size).sum();
        let list: Vec<Value> = files.iter().take(limit).map(view::file_row).collect();
        Output::json(&told(json!({
            "series_id": self.series_id,
            "count": files.len(),
            "size": size(total),
            "below_cutoff": files.iter().filter(|file| file.quality_cutoff_not_met).count(),
            "files": list,
            "not_listed": (files.len() > limit).then(|| files.len() - limit),
        })))
    }
}

/// Delete episode files from disk through Sonarr, at most 20. Stops monitoring their episodes first, so that they are not
/// fetched again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileDelete {
    /// Sonarr's ids of the files, from `sonarr_files`.
    #[serde(alias = "file_id", alias = "episode_file_id", alias = "episode_file_ids")]
    file_ids: Numbers<u64>,
    /// true to keep monitoring, so that Sonarr fetches them anew; default false.
    keep_monitored: Option<bool>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

/// What a deletion of files is about.
struct Doomed {
    files: Vec<EpisodeFile>,
    episodes: Vec<Episode>,
    series: Vec<Series>,
}

impl Doomed {
    async fn find(at: &Client, ids: &[u64]) -> Result<Self, ToolError> {
        if ids.is_empty() || ids.len() > MOST_FILES {
            return Err(ToolError::TellModel(format!(
                "one call deletes 1 to {MOST_FILES} files, not {}; ask for them in parts",
                ids.len()
            )));
        }
        let files = client::files_by_id(at, ids).await?;
        let unknown: Vec<String> =
            ids.iter().filter(|id| files.iter().all(|file| file.id != **id)).map(u64::to_string).collect();
        if !unknown.is_empty() {
            return Err(ToolError::TellModel(format!(
                "Sonarr has no file {}; take ids from sonarr_files",
                unknown.join(", ")
            )));
        }
        let mut of: Vec<u64> = files.iter().map(|file| file.series_id).collect();
        of.sort_unstable();
        of.dedup();
        let (mut episodes, mut series) = (Vec::new(), Vec::new());
        for id in of {
            series.push(client::known_series(at, id).await?.1);
            let all = client::episodes(at, id, None, false).await?;
            episodes.extend(all.into_iter().filter(|episode| ids.contains(&episode.episode_file_id)));
        }
        Ok(Self { files, episodes, series })
    }

    fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

impl Tool for FileDelete {
    const NAME: &'static str = "sonarr_file_delete";
    const ALIASES: &'static [&'static str] = &["sonarr_delete_episode_file", "sonarr_delete_episode_files"];
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("the files are gone");
    const KEYWORDS: &'static str = "delete remove episode file free space Folge Datei löschen Platz borrar eliminar archivo supprimer effacer fichier";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Delete {}", view::count(self.file_ids.list().len(), "episode file"))
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "The files stay.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let doomed = Doomed::find(at, &self.file_ids.list()).await?;
        let mut card = match doomed.series.as_slice() {
            [one] => view::card(at.name(), one),
            _ => Card::new(self.title()),
        };
        let then = match self.keep_monitored {
            Some(true) => "Sonarr goes on monitoring them and may fetch them again.",
            _ => "Their episodes are no longer monitored.",
        };
        card.text = format!("Delete the files of {} for good. {then}", named(&doomed.episodes, &doomed.series));
        card.facts.clear();
        card = card.fact("Files", doomed.files.len().to_string()).fact("Frees", size(doomed.size()));
        for file in doomed.files.iter().take(6) {
            let name = file.relative_path.as_deref().or(file.path.as_deref()).unwrap_or_default();
            card = card.fact(size(file.size), view::line(name, 100));
        }
        Ok(card)
    }

    async fn check(&self, sonarr: &Sonarr, _: &Call) -> Result<Option<Output>, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let left = client::files_by_id(at, &self.file_ids.list()).await?;
        Ok(left.is_empty().then(|| Output::done("The files are no longer there.")))
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let ids = self.file_ids.list();
        let doomed = Doomed::find(at, &ids).await?;
        let mut unmonitored = Vec::new();
        if self.keep_monitored != Some(true) {
            unmonitored =
                doomed.episodes.iter().filter(|episode| episode.monitored).map(|episode| episode.id).collect();
            if !unmonitored.is_empty() {
                client::monitor(at, &unmonitored, false).await?;
            }
        }
        client::delete_files(at, &ids).await?;
        let left = client::files_by_id(at, &ids).await?;
        if !left.is_empty() {
            return Err(ToolError::TellModel(format!(
                "{} of {} are still there after the deletion; look at sonarr_files",
                left.len(),
                view::count(ids.len(), "file")
            )));
        }
        let mut sentence = format!(
            "Deleted the files of {}: {}, {}.",
            named(&doomed.episodes, &doomed.series),
            view::count(ids.len(), "file"),
            size(doomed.size())
        );
        if !unmonitored.is_empty() {
            sentence.push_str(&format!(
                " {} no longer monitored.",
                match unmonitored.len() {
                    1 => "The episode is".to_owned(),
                    n => format!("{n} episodes are"),
                }
            ));
        }
        Ok(Output::done(sentence))
    }
}
