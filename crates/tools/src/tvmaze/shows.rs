//! Shows, their episodes and people.

use super::{
    client::{Query, Tvmaze, not_as_described},
    view,
};
use majordomo_domain::{
    Call, Effect, Output, Tool, ToolError,
    text::{clean, is_blank, shorten},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Find series by name; forgives two typing errors a word.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Name of the series.
    #[serde(alias = "q")]
    query: String,
}

impl Tool for Search {
    const NAME: &'static str = "tvmaze_search";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "tv show series find name lookup typo \
        Serie suchen finden buscar serie chercher série";
    type Service = Tvmaze;

    fn title(&self) -> String {
        searching(&self.query)
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let found = tvmaze.list("/search/shows", &vec![("q", search_text(&self.query)?)]).await?;
        let shows: Vec<&Value> =
            found.iter().map(|hit| &hit["show"]).filter(|show| show.is_object()).take(10).collect();
        let cards = shows.iter().take(view::MAX_CARDS).map(|show| view::card(show)).collect();
        answer("shows", shows.into_iter().map(view::show).collect()).map(|output| output.with_cards(cards))
    }
}

/// The one series that fits a name best, with its next episode.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Single {
    /// Name of the series.
    #[serde(alias = "q")]
    query: String,
}

impl Tool for Single {
    const NAME: &'static str = "tvmaze_single";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "tv show series best match name next episode \
        Serie nächste Folge serie próximo episodio série prochain épisode";
    type Service = Tvmaze;

    fn title(&self) -> String {
        searching(&self.query)
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("q", search_text(&self.query)?), ("embed", "nextepisode".into())];
        one_show(tvmaze.get("/singlesearch/shows", &query).await?.as_deref())
    }
}

/// The series behind an IMDb or TVDB id.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// IMDb id such as `tt0063951`.
    #[serde(default, alias = "imdb_id")]
    imdb: Option<String>,
    /// TVDB id such as `71663`.
    #[serde(default, alias = "tvdb_id")]
    thetvdb: Option<u32>,
}

impl Tool for Lookup {
    const NAME: &'static str = "tvmaze_lookup";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "imdb tvdb external id lookup tv show series \
        Serie Kennung serie identificador série identifiant";
    type Service = Tvmaze;

    fn title(&self) -> String {
        "Looking up a series in TVmaze".into()
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let query: Query = match (&self.imdb, self.thetvdb) {
            (Some(imdb), None) => {
                let digits = imdb.trim().strip_prefix("tt").unwrap_or_default();
                if digits.is_empty() || digits.len() > 12 || !digits.chars().all(|c| c.is_ascii_digit()) {
                    return Err(ToolError::TellModel("imdb is not an id such as tt0063951".into()));
                }
                vec![("imdb", format!("tt{digits}"))]
            }
            (None, Some(thetvdb)) => vec![("thetvdb", thetvdb.to_string())],
            _ => return Err(ToolError::TellModel("give either imdb or thetvdb".into())),
        };
        one_show(tvmaze.get("/lookup/shows", &query).await?.as_deref())
    }
}

/// Find people of television by name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct People {
    #[serde(alias = "q")]
    query: String,
}

impl Tool for People {
    const NAME: &'static str = "tvmaze_people";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "person actor actress presenter tv name \
        Person Schauspieler Moderator persona actor presentador personne acteur présentateur";
    type Service = Tvmaze;

    fn title(&self) -> String {
        searching(&self.query)
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let found = tvmaze.list("/search/people", &vec![("q", search_text(&self.query)?)]).await?;
        answer("people", found.iter().take(10).map(|hit| view::person(&hit["person"])).collect())
    }
}

/// What can be told together with a show.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Embed {
    Episodes,
    Seasons,
    Cast,
    #[serde(alias = "next_episode")]
    NextEpisode,
    #[serde(alias = "previous_episode")]
    PreviousEpisode,
}

impl Embed {
    fn as_str(self) -> &'static str {
        match self {
            Embed::Episodes => "episodes",
            Embed::Seasons => "seasons",
            Embed::Cast => "cast",
            Embed::NextEpisode => "nextepisode",
            Embed::PreviousEpisode => "previousepisode",
        }
    }
}

/// A series by TVmaze id: status, network, when it airs, next and previous episode, and what else is asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// TVmaze id.
    #[serde(alias = "id")]
    show_id: u32,
    /// Default `["nextepisode", "previousepisode"]`.
    #[serde(default)]
    embed: Vec<Embed>,
}

impl Tool for Show {
    const NAME: &'static str = "tvmaze_show";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "tv show series details status running ended network cast seasons next episode \
        Serie Einzelheiten läuft abgesetzt Sender serie detalles estado cancelada cadena série détails statut annulée chaîne";
    type Service = Tvmaze;

    fn title(&self) -> String {
        "Looking up a series in TVmaze".into()
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let mut embed = self.embed;
        embed.dedup();
        if embed.is_empty() {
            embed = vec![Embed::NextEpisode, Embed::PreviousEpisode];
        }
        embed.truncate(5);
        let query: Query = match embed.as_slice() {
            [one] => vec![("embed", one.as_str().into())],
            several => several.iter().map(|part| ("embed[]", part.as_str().into())).collect(),
        };
        one_show(tvmaze.get(&format!("/shows/{}", self.show_id), &query).await?.as_deref())
    }
}

/// When the next episode of a series airs, by name or TVmaze id.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextEpisode {
    /// Name of the series.
    #[serde(default, alias = "query")]
    name: Option<String>,
    /// TVmaze id; surer than a name.
    #[serde(default, alias = "id")]
    show_id: Option<u32>,
}

impl Tool for NextEpisode {
    const NAME: &'static str = "tvmaze_next_episode";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "next episode when airs tv show series date time network \
        nächste Folge wann kommt läuft Serie próximo episodio cuándo se emite serie prochain épisode quand passe série";
    type Service = Tvmaze;

    fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("Looking for the next episode of {}", shorten(name.trim(), 80)),
            None => "Looking for the next episode".into(),
        }
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let embed = ("embed", "nextepisode".to_owned());
        let found = match (self.show_id, self.name) {
            (Some(id), _) => tvmaze.get(&format!("/shows/{id}"), &vec![embed]).await?,
            (None, Some(name)) => tvmaze.get("/singlesearch/shows", &vec![("q", search_text(&name)?), embed]).await?,
            (None, None) => return Err(ToolError::TellModel("give the name or the show_id of a series".into())),
        };
        let Some(show) = found else { return nothing() };
        if !show["id"].is_u64() {
            return Err(not_as_described("something that is not a show"));
        }
        let next = view::episode(&show["_embedded"]["nextepisode"]);
        let is_known = next.as_object().is_some_and(|fields| !fields.is_empty());
        let told = view::filled([
            ("show", view::text(&show["name"], 150).into()),
            ("show_id", show["id"].clone()),
            ("status", view::text(&show["status"], 40).into()),
            ("network", view::network(&show).into()),
            ("next_episode", next),
            ("note", if is_known { Value::Null } else { "no next episode is announced".into() }),
            ("source", view::SOURCE.into()),
            ("link", view::link(&show).into()),
        ]);
        Ok(Output::json(&told)?.with_cards(vec![view::card(&show)]))
    }
}

/// All episodes of a series, or of one season.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Episodes {
    /// TVmaze id.
    #[serde(alias = "id")]
    show_id: u32,
    /// Only this season.
    #[serde(default)]
    season: Option<u32>,
    /// Specials too. Default false.
    #[serde(default)]
    specials: bool,
}

impl Tool for Episodes {
    const NAME: &'static str = "tvmaze_episodes";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "episodes list season air dates tv show series \
        Folgen Episoden Staffel Liste episodios temporada lista épisodes saison liste";
    type Service = Tvmaze;

    fn title(&self) -> String {
        "Looking up episodes in TVmaze".into()
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let query: Query = if self.specials { vec![("specials", "1".into())] } else { Vec::new() };
        let all = tvmaze.list(&format!("/shows/{}/episodes", self.show_id), &query).await?;
        let wanted: Vec<&Value> =
            all.iter().filter(|e| self.season.is_none_or(|s| e["season"].as_u64() == Some(s.into()))).collect();
        let count = wanted.len();
        // The newest are what people ask about.
        let shown = wanted.into_iter().skip(count.saturating_sub(120)).map(view::episode_line).collect::<Vec<_>>();
        if count > shown.len() {
            return Output::json(&json!({
                "episodes": shown, "left_out": count - shown.len(), "note": "only the latest; name a season for others",
                "source": view::SOURCE,
            }));
        }
        answer("episodes", shown)
    }
}

/// One episode by season and number.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Episode {
    /// TVmaze id.
    #[serde(alias = "id")]
    show_id: u32,
    season: u32,
    #[serde(alias = "episode")]
    number: u32,
}

impl Tool for Episode {
    const NAME: &'static str = "tvmaze_episode";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "episode season number story air date tv show series \
        Folge Episode Staffel Handlung episodio temporada argumento épisode saison histoire";
    type Service = Tvmaze;

    fn title(&self) -> String {
        format!("Looking up season {} episode {} in TVmaze", self.season, self.number)
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("season", self.season.to_string()), ("number", self.number.to_string())];
        match tvmaze.get(&format!("/shows/{}/episodebynumber", self.show_id), &query).await? {
            Some(found) => answer("episodes", vec![view::episode(&found)]),
            None => nothing(),
        }
    }
}

/// Episodes of a series that aired on a date; for daily shows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EpisodesOn {
    /// TVmaze id.
    #[serde(alias = "id")]
    show_id: u32,
    /// `2026-11-21`.
    date: String,
}

impl Tool for EpisodesOn {
    const NAME: &'static str = "tvmaze_episodes_on";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "episode by date daily show news talk aired on \
        Folge Datum Sendung episodio fecha épisode date émission";
    type Service = Tvmaze;

    fn title(&self) -> String {
        format!("Looking up episodes of {}", shorten(&self.date, 20))
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let query: Query = vec![("date", super::date(&self.date)?)];
        let found = tvmaze.list(&format!("/shows/{}/episodesbydate", self.show_id), &query).await?;
        answer("episodes", found.iter().take(20).map(view::episode).collect())
    }
}

/// The seasons of a series with their dates.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seasons {
    /// TVmaze id.
    #[serde(alias = "id")]
    show_id: u32,
}

impl Tool for Seasons {
    const NAME: &'static str = "tvmaze_seasons";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "seasons list premiere end dates tv show series \
        how many Staffeln wie viele Serie temporadas cuántas serie saisons combien série";
    type Service = Tvmaze;

    fn title(&self) -> String {
        "Looking up seasons in TVmaze".into()
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let found = tvmaze.list(&format!("/shows/{}/seasons", self.show_id), &Query::new()).await?;
        answer("seasons", found.iter().take(80).map(view::season).collect())
    }
}

/// Who plays whom in a series.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cast {
    /// TVmaze id.
    #[serde(alias = "id")]
    show_id: u32,
}

impl Tool for Cast {
    const NAME: &'static str = "tvmaze_cast";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "cast actors characters who plays tv show series \
        wer spielt Besetzung Schauspieler Darsteller Serie quién actúa reparto actores serie qui joue distribution acteurs série";
    type Service = Tvmaze;

    fn title(&self) -> String {
        "Looking up a cast in TVmaze".into()
    }

    async fn run(self, tvmaze: &Tvmaze, _: &Call) -> Result<Output, ToolError> {
        let found = tvmaze.list(&format!("/shows/{}/cast", self.show_id), &Query::new()).await?;
        answer("cast", found.iter().take(40).map(view::cast).collect())
    }
}

fn searching(query: &str) -> String {
    format!("Searching TVmaze for “{}”", shorten(query.trim(), 80))
}

fn search_text(text: &str) -> Result<String, ToolError> {
    if is_blank(text) {
        return Err(ToolError::TellModel("the search text is empty".into()));
    }
    Ok(clean(text).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect())
}

fn nothing() -> Result<Output, ToolError> {
    Output::json(&json!({ "note": "nothing found: TVmaze has no such entry" }))
}

/// A named list with its source. An empty one says that nothing was found.
pub fn answer(name: &str, list: Vec<Value>) -> Result<Output, ToolError> {
    if list.is_empty() {
        return Output::json(&json!({ name: list, "note": "nothing found" }));
    }
    Output::json(&json!({ name: list, "source": view::SOURCE }))
}

fn one_show(found: Option<&Value>) -> Result<Output, ToolError> {
    let Some(show) = found else { return nothing() };
    if !show["id"].is_u64() {
        return Err(not_as_described("something that is not a show"));
    }
    let mut told = view::show(show);
    told["source"] = view::SOURCE.into();
    Ok(Output::json(&told)?.with_cards(vec![view::card(show)]))
}
