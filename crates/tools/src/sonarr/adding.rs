//! Adding a series.
//!
//! Found by its TVDB id and nothing else: a bare number is a title to Sonarr, and the first of its hits may be anything. Seasons are
//! chosen from Sonarr's own, and what is monitored afterwards is looked at, not assumed.

use super::{
    Sonarr,
    changing::Delete,
    client,
    search::{Scope, Wait, search},
    seasons::no_season,
    types::{Episode, Series, SeriesType},
    view::{self, told},
};
use crate::servarr::{
    Client, NameOrId, asks,
    lists::{Profile, RootFolder, Tag},
    undo,
    view::size,
};
use majordomo_domain::{Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, tool::Undo};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// Wall time of adding: Sonarr may need half a minute to fill in the episodes, and chosen episodes are searched then.
const TIMEOUT: Duration = Duration::from_secs(240);
/// How long the episodes are waited for. Source: they are filled in by a refresh after the answer to the add.
const EPISODES: Duration = Duration::from_secs(30);
/// Episodes one call may choose.
const MOST_EPISODES: usize = 60;

/// An episode before Sonarr has given it an id.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "an episode is written like S01E03, or as its number when one season is chosen")]
enum Chosen {
    Number(u32),
    Code(String),
}

impl JsonSchema for Chosen {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Chosen".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "integer"] })
    }
}

/// Add a series to Sonarr by its TVDB id from `sonarr_lookup` and search for it. Without seasons all of them are monitored; with
/// `seasons_to_monitor` exactly those. For one that is there already use `sonarr_add_seasons`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// TVDB id, from `sonarr_lookup`.
    tvdb_id: u64,
    /// Quality profile by name or id; the configured one when absent.
    #[serde(alias = "quality_profile_id", alias = "profile")]
    quality_profile: Option<NameOrId>,
    /// Root folder by path or id; the configured one when absent.
    #[serde(alias = "root_folder_path", alias = "root_folder_id")]
    root_folder: Option<NameOrId>,
    /// Seasons to monitor, as Sonarr counts; exactly these and no other. All but specials when absent.
    #[serde(alias = "seasons")]
    seasons_to_monitor: Option<Vec<u32>>,
    /// Single episodes to monitor, such as `S01E03`, beside the seasons; only these when no season is named.
    #[serde(alias = "episodes")]
    episodes_to_monitor: Option<Vec<Chosen>>,
    /// Whether seasons that appear later are monitored; default true without chosen seasons, else false.
    #[serde(alias = "monitor_new_episodes", alias = "monitor_new_items")]
    monitor_new: Option<bool>,
    /// false to add it without monitoring anything; default true.
    monitored: Option<bool>,
    /// Whether to search at once, default true.
    #[serde(alias = "search_for_missing", alias = "search")]
    search_now: Option<bool>,
    /// `anime` for anime, `daily` for talk shows; as Sonarr says when absent. With the wrong one searches find nothing.
    series_type: Option<SeriesType>,
    /// A folder for each season, default true.
    season_folder: Option<bool>,
    /// Tags by name.
    tags: Option<Vec<NameOrId>>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

/// Everything of an add that was checked against what Sonarr has.
struct Plan {
    series: Series,
    profile: Profile,
    folder: RootFolder,
    tags: Vec<Tag>,
    series_type: SeriesType,
    /// The choice of seasons; None for all of them.
    seasons: Option<BTreeSet<u32>>,
    /// Season and number of single episodes.
    episodes: BTreeSet<(u32, u32)>,
    monitored: bool,
    monitor_new: bool,
    search_now: bool,
    season_folder: bool,
}

/// What there is to do.
enum Found {
    /// It is in Sonarr.
    There(Box<Series>),
    New(Box<Plan>),
}

impl Add {
    async fn plan(&self, at: &Client) -> Result<Found, ToolError> {
        let found = client::lookup(at, &format!("tvdb:{}", self.tvdb_id)).await?;
        let Some((record, series)) = found.into_iter().find(|(_, series)| series.tvdb_id == self.tvdb_id) else {
            return Err(ToolError::TellModel(format!(
                "Sonarr finds no series with TVDB id {}; take the id from sonarr_lookup",
                self.tvdb_id
            )));
        };
        // The lookup may be a minute old; what is in Sonarr is asked for itself.
        if let Some((_, there)) = client::by_tvdb(at, self.tvdb_id).await? {
            return Ok(Found::There(Box::new(there)));
        }
        let seasons = match &self.seasons_to_monitor {
            Some(wanted) if !wanted.is_empty() => {
                let wanted: BTreeSet<u32> = wanted.iter().copied().collect();
                let asked: Vec<u32> = wanted.iter().copied().collect();
                let has = |number: &u32| series.seasons.iter().any(|season| season.season_number == *number);
                if !asked.iter().all(has) {
                    return Err(ToolError::TellModel(no_season(&series, &asked)));
                }
                Some(wanted)
            }
            _ => None,
        };
        let episodes = chosen(self.episodes_to_monitor.as_deref().unwrap_or_default(), seasons.as_ref(), &series)?;
        let seasons = if seasons.is_none() && !episodes.is_empty() { Some(BTreeSet::new()) } else { seasons };
        let monitored = self.monitored.unwrap_or(true);
        Ok(Found::New(Box::new(Plan {
            profile: at.profile_or_default(self.quality_profile.as_ref()).await?,
            folder: at.root_folder_or_default(self.root_folder.as_ref()).await?,
            tags: at.tags_named(self.tags.as_deref().unwrap_or_default()).await?,
            series_type: self.series_type.unwrap_or_else(|| type_of(&record, &series)),
            monitor_new: self.monitor_new.unwrap_or(seasons.is_none() && monitored),
            seasons,
            episodes,
            monitored,
            search_now: self.search_now.unwrap_or(true) && monitored,
            season_folder: self.season_folder.unwrap_or(true),
            series,
        })))
    }
}

/// Single episodes as season and number.
fn chosen(
    list: &[Chosen],
    seasons: Option<&BTreeSet<u32>>,
    series: &Series,
) -> Result<BTreeSet<(u32, u32)>, ToolError> {
    if list.len() > MOST_EPISODES {
        return Err(ToolError::TellModel(format!(
            "choose at most {MOST_EPISODES} single episodes; choose seasons instead"
        )));
    }
    let mut episodes = BTreeSet::new();
    for one in list {
        let place = match one {
            Chosen::Code(code) => parse_code(code),
            Chosen::Number(number) => match seasons.map(|seasons| seasons.iter().collect::<Vec<_>>()).as_deref() {
                Some([season]) => Some((**season, *number)),
                _ => None,
            },
        };
        let Some((season, number)) = place else {
            return Err(ToolError::TellModel("write an episode as season and number, such as S01E03".into()));
        };
        if series.seasons.iter().all(|known| known.season_number != season) {
            return Err(ToolError::TellModel(no_season(series, &[season])));
        }
        episodes.insert((season, number));
    }
    Ok(episodes)
}

/// `S01E03` or `1x3`.
pub(crate) fn parse_code(code: &str) -> Option<(u32, u32)> {
    let code = code.trim().to_ascii_lowercase();
    let (season, number) = code.strip_prefix('s').unwrap_or(&code).split_once(['e', 'x'])?;
    Some((season.trim().parse().ok()?, number.trim().parse().ok()?))
}

/// Sonarr says it of some; of others the genre does.
fn type_of(record: &Value, series: &Series) -> SeriesType {
    let is_anime = || {
        let genres = record["genres"].as_array().into_iter().flatten().filter_map(Value::as_str);
        genres.into_iter().any(|genre| genre.eq_ignore_ascii_case("anime"))
    };
    match series.series_type.as_str() {
        "daily" => SeriesType::Daily,
        "anime" => SeriesType::Anime,
        _ if is_anime() => SeriesType::Anime,
        _ => SeriesType::Standard,
    }
}

impl Plan {
    fn is_season_wanted(&self, number: u32) -> bool {
        self.monitored
            && match &self.seasons {
                Some(wanted) => wanted.contains(&number),
                None => number > 0,
            }
    }

    /// Only seasons are left to Sonarr's own search after adding; single episodes are searched when they have ids.
    fn searches_seasons(&self) -> bool {
        self.search_now && self.seasons.as_ref().is_none_or(|seasons| !seasons.is_empty())
    }

    fn body(&self, language_profile: Option<u64>) -> Value {
        let seasons: Vec<Value> = self
            .series
            .seasons
            .iter()
            .map(|season| {
                let number = season.season_number;
                json!({ "seasonNumber": number, "monitored": self.is_season_wanted(number) })
            })
            .collect();
        // "skip" keeps the flags sent; any other word would override them, and no word at all unmonitors what has aired.
        let body = json!({
            "tvdbId": self.series.tvdb_id,
            "title": self.series.title,
            "year": self.series.year,
            "qualityProfileId": self.profile.id,
            "languageProfileId": language_profile,
            "rootFolderPath": self.folder.path,
            "monitored": self.monitored,
            "monitorNewItems": if self.monitor_new { "all" } else { "none" },
            "seasonFolder": self.season_folder,
            "seriesType": self.series_type.as_str(),
            "tags": self.tags.iter().map(|tag| tag.id).collect::<Vec<_>>(),
            "seasons": seasons,
            "addOptions": {
                "monitor": "skip",
                "searchForMissingEpisodes": self.searches_seasons(),
                "searchForCutoffUnmetEpisodes": false,
            },
        });
        told(body)
    }

    fn folder_in_words(&self) -> String {
        match self.folder.free {
            Some(free) => format!("{} ({} free)", self.folder.path, size(free)),
            None => self.folder.path.clone(),
        }
    }

    fn monitored_in_words(&self) -> String {
        if !self.monitored {
            return "nothing".into();
        }
        let mut parts = Vec::new();
        match &self.seasons {
            None => parts.push("all seasons".to_owned()),
            Some(seasons) if seasons.is_empty() => {}
            Some(seasons) => parts.push(view::seasons(&seasons.iter().copied().collect::<Vec<_>>())),
        }
        if !self.episodes.is_empty() {
            let codes: Vec<Episode> = self
                .episodes
                .iter()
                .map(|(season, number)| Episode {
                    season_number: *season,
                    episode_number: *number,
                    ..Episode::default()
                })
                .collect();
            parts.push(view::codes(&codes));
        }
        view::and(&parts)
    }
}

/// As it is in Sonarr already: success, since that is what was asked for.
fn there(at: &Client, series: &Series) -> Result<Output, ToolError> {
    let seasons: Vec<Value> = series.seasons.iter().map(view::season_row).collect();
    let mut row = view::row(series);
    row["already_exists"] = true.into();
    row["seasons"] = seasons.into();
    row["next"] = "sonarr_add_seasons monitors and searches more of its seasons".into();
    Ok(Output::json(&row)?.with_cards(vec![view::card(at.name(), series)]))
}

impl Tool for Add {
    const NAME: &'static str = "sonarr_add";
    const ALIASES: &'static [&'static str] = &["sonarr_add_series"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::ByCall;
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "add new series show download request get Serie hinzufügen holen herunterladen añadir agregar serie descargar ajouter série télécharger \
        füge zu añade ajoute hinzu";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Add the series with TVDB id {}", self.tvdb_id)
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "The series was not added.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let plan = match self.plan(at).await? {
            Found::There(series) => {
                let mut card = view::card(at.name(), &series);
                card.text = "It is in Sonarr already; nothing would be changed.".into();
                return Ok(card);
            }
            Found::New(plan) => plan,
        };
        let mut card = view::card(at.name(), &plan.series);
        card.text = plan.series.overview.as_deref().map(|text| view::line(text, 240)).unwrap_or_default();
        let numbers: Vec<u32> = plan.series.seasons.iter().map(|season| season.season_number).collect();
        Ok(card
            .fact("Seasons there are", view::seasons(&numbers))
            .fact("Monitored", plan.monitored_in_words())
            .fact("Later seasons", if plan.monitor_new { "monitored" } else { "not monitored" })
            .fact("Profile", plan.profile.name.clone())
            .fact("Folder", plan.folder_in_words())
            .fact("Type", plan.series_type.as_str())
            .fact("Search", if plan.search_now { "at once" } else { "not now" })
            .fact("Sonarr", at.title()))
    }

    async fn check(&self, sonarr: &Sonarr, _: &Call) -> Result<Option<Output>, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let there = client::by_tvdb(at, self.tvdb_id).await?;
        Ok(there.map(|(_, series)| Output::done(format!("{} is in Sonarr.", view::title(&series)))))
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let wait = Wait::within(TIMEOUT);
        let plan = match self.plan(at).await? {
            Found::There(series) => return there(at, &series),
            Found::New(plan) => plan,
        };
        let language_profile = client::language_profile(at).await?;
        if let Err(error) = client::add(at, &plan.body(language_profile)).await {
            // It may have arrived though no answer did, and somebody else may have been faster.
            return match client::by_tvdb(at, self.tvdb_id).await {
                Ok(Some((_, series))) => there(at, &series),
                _ => Err(error),
            };
        }
        let Some((_, series)) = client::by_tvdb(at, self.tvdb_id).await? else {
            return Err(ToolError::TellModel(format!(
                "Sonarr took {} but does not show it; look at sonarr_series",
                view::title(&plan.series)
            )));
        };
        let episodes = client::wait_for_episodes(at, series.id, EPISODES).await?;
        let mended = settle(at, &plan, series.id, &episodes).await?;
        let searched = match (plan.search_now && !plan.episodes.is_empty(), mended.chosen.as_slice()) {
            (true, [_, ..]) => match search(
                at,
                &Scope::episodes(Some(series.id), &mended.chosen),
                &wait.no_longer_than(at.settings().command_wait),
            )
            .await
            {
                Ok(found) => Some(found.told()),
                Err(error) => Some(json!({ "searched": false, "because": error.to_string() })),
            },
            _ => None,
        };
        let title = view::title(&mended.series);
        let monitored: Vec<u32> =
            mended.series.seasons.iter().filter(|season| season.monitored).map(|season| season.season_number).collect();
        let mut output = Output::json(&told(json!({
            "added": true,
            "series_id": series.id,
            "title": title,
            "profile": plan.profile.name,
            "folder": mended.series.path.as_deref().map(|path| view::line(path, 160)),
            "type": plan.series_type.as_str(),
            "monitored_seasons": monitored,
            "monitored_episodes": plan.episodes.len(),
            "episodes": episodes.len(),
            "search": plan.searches_seasons().then_some("Sonarr searches in the background; look at sonarr_queue in a few minutes"),
            "episode_search": searched,
            "unknown_episodes": mended.unknown,
            "note": episodes.is_empty().then_some("Sonarr has not filled in the episodes yet; look at sonarr_episodes later"),
        })))?;
        output.receipt = Some(format!("{title} was added to Sonarr, monitoring {}.", plan.monitored_in_words()));
        let undo = undo(
            Delete::NAME,
            at,
            json!({ "series_id": series.id, "delete_files": false }),
            format!("Take {title} out of Sonarr"),
        );
        Ok(output.with_cards(vec![view::card(at.name(), &mended.series)]).with_undo(undo))
    }
}

/// A new series when its flags are as they were asked for.
struct Settled {
    series: Series,
    /// Ids of the single episodes that were chosen.
    chosen: Vec<u64>,
    /// Chosen ones that do not exist, for the answer.
    unknown: Option<String>,
}

/// Puts right what Sonarr's refresh left otherwise than asked, and monitors single episodes.
async fn settle(at: &Client, plan: &Plan, series_id: u64, episodes: &[Episode]) -> Result<Settled, ToolError> {
    let (mut record, mut series) = client::known_series(at, series_id).await?;
    let is_wrong = |number: u32, monitored: bool| plan.is_season_wanted(number) != monitored;
    if plan.seasons.is_some() && series.seasons.iter().any(|s| is_wrong(s.season_number, s.monitored)) {
        for season in record["seasons"].as_array_mut().into_iter().flatten() {
            let number = season["seasonNumber"].as_u64().and_then(|number| u32::try_from(number).ok());
            season["monitored"] = number.is_some_and(|number| plan.is_season_wanted(number)).into();
        }
        client::put_series(at, &record, false).await?;
        series = client::known_series(at, series_id).await?.1;
    }
    let is_chosen = |episode: &&Episode| plan.episodes.contains(&(episode.season_number, episode.episode_number));
    let chosen: Vec<&Episode> = episodes.iter().filter(is_chosen).collect();
    let ids: Vec<u64> = chosen.iter().map(|episode| episode.id).collect();
    if plan.monitored && !ids.is_empty() {
        client::monitor(at, &ids, true).await?;
    }
    let unknown: Vec<String> = plan
        .episodes
        .iter()
        .filter(|place| chosen.iter().all(|episode| (episode.season_number, episode.episode_number) != **place))
        .map(|(season, number)| format!("S{season:02}E{number:02}"))
        .collect();
    let unknown = (!unknown.is_empty() && !episodes.is_empty()).then(|| view::and(&unknown));
    Ok(Settled { series, chosen: ids, unknown })
}
