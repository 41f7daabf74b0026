//! Asking for a film or a series: what is here already, whether it may be asked for, what it will take, then the adding itself, and
//! the row by which it is followed.
//!
//! A title is chosen by its id and read from the fetcher, never taken from the model's words.

use super::{
    Media,
    shelf::millis,
    take_back::Looked,
    wish::{Kind, Wish, age_of, expected_bytes},
};
use crate::{
    servarr::{
        Client, NameOrId, Which,
        client::{Age, Query},
        lists::{Profile, RootFolder},
        view,
    },
    sonarr::{monitor, parse_code, wait_for_episodes},
    text::{bytes, line},
};
use majordomo_domain::{
    Address, Call, Card, Effect, NoticeLevel, Output, Progress, Repeat, Request, RequestId, RequestState, Tool,
    ToolError, approval::Wording, request::Watcher, tool::Undo,
};
use majordomo_store::{AskOutcome, NewRequest, RequestUsage, Store};
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Who wishes for something waits days for a yes, not minutes.
const OPEN_SECONDS: u32 = 7 * 86_400;
/// Seasons of one request.
const MOST_SEASONS: usize = 60;
/// Single episodes of one request; more of them are a season.
const MOST_EPISODES: usize = 30;
/// How long Sonarr may take to fill in the episodes of a series it has just been given.
const EPISODES: Duration = Duration::from_secs(30);
/// After adding, a look is worth while.
const FIRST_LOOK_MS: i64 = 3_000;

/// Ask for a film, seasons or episodes of which something is missing: says what is here, then has it fetched and followed until it can
/// be watched. Whoever asks for the same joins the first.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaRequest {
    /// film or series.
    media_type: Kind,
    /// TMDb id, from a search. For a film always; for a series where no TVDB id is known.
    #[serde(default)]
    tmdb_id: Option<u64>,
    /// TVDB id of a series.
    #[serde(default)]
    tvdb_id: Option<u64>,
    /// Whole seasons of a series by Sonarr's numbers, such as [2]. Ask the person which; all of them when they say so.
    #[serde(default)]
    seasons: Option<Vec<u32>>,
    /// Single episodes of a series, such as ["S02E05"]; exactly these beside the seasons.
    #[serde(default)]
    episodes: Option<Vec<String>>,
    /// Quality profile by name; the household's own when absent.
    #[serde(default)]
    quality: Option<NameOrId>,
    /// Root folder by path; the household's own when absent.
    #[serde(default)]
    root_folder: Option<NameOrId>,
    /// Which Radarr or Sonarr, such as 4k; the default one when absent.
    #[serde(default)]
    instance: Option<String>,
    /// When the person is told: first (of it), each (new part), season (whole ones), all.
    #[serde(default)]
    tell_me: Option<TellMe>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TellMe {
    First,
    #[default]
    Each,
    #[serde(alias = "group")]
    Season,
    All,
}

impl From<TellMe> for NoticeLevel {
    fn from(tell: TellMe) -> Self {
        match tell {
            TellMe::First => NoticeLevel::First,
            TellMe::Each => NoticeLevel::Each,
            TellMe::Season => NoticeLevel::Group,
            TellMe::All => NoticeLevel::All,
        }
    }
}

/// Everything that is known before anything is asked or done.
struct Plan {
    wish: Wish,
    /// As the fetcher's catalogue has it.
    title: Value,
    /// As the fetcher has it already.
    record: Option<Value>,
    profile: Profile,
    folder: RootFolder,
    size_bytes: u64,
    age: Option<u32>,
    certification: Option<String>,
    /// When it is out, where it is not yet.
    unreleased: Option<String>,
    usage: RequestUsage,
    picture: Option<String>,
    /// Which seasons Sonarr has.
    seasons: Vec<u32>,
    /// Everything of it is in a request that is open and needs nobody's yes.
    is_wanted_already: bool,
}

impl MediaRequest {
    /// One that is never asked for: to find the title of an id.
    pub(super) fn for_looking(media_type: Kind, tmdb_id: Option<u64>, tvdb_id: Option<u64>) -> Self {
        Self {
            media_type,
            tmdb_id,
            tvdb_id,
            seasons: None,
            episodes: None,
            quality: None,
            root_folder: None,
            instance: None,
            tell_me: None,
        }
    }

    async fn plan(&self, media: &Media, call: &Call) -> Result<Plan, ToolError> {
        let client = media.fetcher(self.media_type, self.instance.as_deref())?;
        let title = self.title_of(client).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut wish = Wish {
            kind: self.media_type,
            tmdb: title["tmdbId"].as_u64().filter(|id| *id > 0).or(self.tmdb_id),
            tvdb: title["tvdbId"].as_u64().filter(|id| *id > 0),
            title: line(title["title"].as_str().unwrap_or("without a title"), 150),
            year: title["year"].as_u64().and_then(|year| u32::try_from(year).ok()).filter(|year| *year > 0),
            instance: client.name().to_owned(),
            ..Wish::default()
        };
        let seasons = seasons_of(&title);
        if wish.kind == Kind::Series {
            wish.episodes = self.episodes(&wish, &seasons)?;
            wish.seasons = self.seasons(&wish, &seasons)?;
            wish.episodes.retain(|(season, _)| !wish.seasons.contains(season));
        }
        let (profile, folder) = futures_util::join!(
            client.profile_or_default(self.quality.as_ref()),
            client.root_folder_or_default(self.root_folder.as_ref())
        );
        let (mut profile, folder) = (profile?, folder?);
        let record = media.record(client, &wish, Age::Now).await?;
        if let Some(record) = record.as_ref().filter(|_| !wish.episodes.is_empty()) {
            ids_of(&media.episodes_of(client, &wish, record["id"].as_u64().unwrap_or_default()).await?, &wish)?;
        }
        // What is there keeps its profile, unless another is named.
        if let Some(record) = record.as_ref().filter(|_| self.quality.is_none()) {
            let id = NameOrId::Id(record["qualityProfileId"].as_u64().unwrap_or_default());
            profile = client.profile(&id).await.unwrap_or(profile);
        }
        wish.profile.clone_from(&profile.name);
        wish.root_folder.clone_from(&folder.path);
        let minutes = u32::try_from(title["runtime"].as_u64().unwrap_or(0)).unwrap_or(0);
        let minutes = if minutes > 0 {
            minutes
        } else if wish.kind == Kind::Film {
            110
        } else {
            45
        };
        let episodes = match wish.kind {
            Kind::Film => 1,
            Kind::Series => {
                let whole: u32 = wish.seasons.iter().map(|season| episodes_in(&title, *season)).sum();
                (whole + wish.episodes.len() as u32).max(1)
            }
        };
        let certification = text(&title["certification"]).filter(|text| !text.is_empty()).map(|text| line(&text, 20));
        let now_ms = call.now_ms;
        let unreleased = match wish.kind {
            Kind::Film if title["isAvailable"] == false || title["status"] == "announced" => {
                Some(out_when(&title, now_ms).unwrap_or_else(|| "nobody knows yet when".into()))
            }
            Kind::Series if title["status"] == "upcoming" => Some(
                view::date(&title["firstAired"])
                    .map_or_else(|| "nobody knows yet when".into(), |day| format!("first aired on {day}")),
            ),
            _ => None,
        };
        let store = media.store()?;
        let quota = media.bounds.quota(call.person.standing, &call.person.name);
        let since_ms = now_ms - quota.map_or(0, super::wish::Quota::window_ms);
        let subject = wish.subject();
        let usage = store
            .request_usage(call.person.id, since_ms, &subject, (call.turn, &call.id))
            .await
            .map_err(crate::kept::unreachable)?;
        let open = store.open_request(super::NAME, &subject).await.map_err(crate::kept::unreachable)?;
        let is_wanted_already = open
            .filter(|open| open.state.is_followed())
            .is_some_and(|open| serde_json::from_value(open.wish).is_ok_and(|wanted: Wish| wanted.holds(&wish)));
        Ok(Plan {
            is_wanted_already,
            size_bytes: expected_bytes(minutes, lines_of(&profile)) * u64::from(episodes),
            age: certification.as_deref().and_then(age_of),
            picture: media.poster_of(client, &title).await,
            wish,
            title,
            record,
            profile,
            folder,
            certification,
            unreleased,
            usage,
            seasons,
        })
    }

    /// The title as the fetcher's catalogue has it: exactly the one of the id.
    pub(super) async fn title_of(&self, client: &Client) -> Result<Value, ToolError> {
        match (self.media_type, self.tmdb_id, self.tvdb_id) {
            (Kind::Film, Some(tmdb), _) => {
                let found = client.find("/movie/lookup/tmdb", &vec![("tmdbId", tmdb.to_string())], Age::List).await?;
                let found = found.filter(|film| film["tmdbId"].as_u64() == Some(tmdb));
                found.map(|film| Value::clone(&film)).ok_or_else(|| {
                    ToolError::TellModel(format!("{} knows no film with the TMDb id {tmdb}", client.title()))
                })
            }
            (Kind::Film, None, _) => Err(ToolError::TellModel("a film needs its tmdb_id; search for it first".into())),
            (Kind::Series, tmdb, tvdb) => {
                let (term, key, id) = match (tvdb, tmdb) {
                    (Some(tvdb), _) => (format!("tvdb:{tvdb}"), "tvdbId", tvdb),
                    (None, Some(tmdb)) => (format!("tmdb:{tmdb}"), "tmdbId", tmdb),
                    (None, None) => {
                        return Err(ToolError::TellModel(
                            "a series needs its tvdb_id or tmdb_id; search for it first".into(),
                        ));
                    }
                };
                let found = client.list("/series/lookup", &vec![("term", term.clone())], Age::List).await?;
                let found = found.into_iter().find(|one| one[key].as_u64() == Some(id));
                found.ok_or_else(|| {
                    ToolError::TellModel(format!(
                        "{} knows no series {term}; look it up by title with sonarr_lookup",
                        client.title()
                    ))
                })
            }
        }
    }

    /// The seasons that are wanted, each one that Sonarr has.
    fn seasons(&self, wish: &Wish, known: &[u32]) -> Result<Vec<u32>, ToolError> {
        let has = super::wish::list(known.iter().map(u32::to_string));
        let mut wanted = match &self.seasons {
            None if !wish.episodes.is_empty() => return Ok(Vec::new()),
            Some(none) if none.is_empty() && !wish.episodes.is_empty() => return Ok(Vec::new()),
            None if known.iter().filter(|n| **n > 0).count() == 1 => vec![1],
            None => {
                return Err(ToolError::TellModel(format!(
                    "ask the person which seasons of {}: Sonarr has {has}",
                    wish.title
                )));
            }
            Some(wanted) => wanted.clone(),
        };
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() || wanted.len() > MOST_SEASONS {
            return Err(ToolError::TellModel(format!("name 1 to {MOST_SEASONS} seasons; Sonarr has {has}")));
        }
        match wanted.iter().find(|season| !known.contains(season)) {
            Some(season) => Err(no_season(wish, *season, known)),
            None => Ok(wanted),
        }
    }

    /// The single episodes that are wanted, each in a season that Sonarr has.
    fn episodes(&self, wish: &Wish, known: &[u32]) -> Result<Vec<(u32, u32)>, ToolError> {
        let named = self.episodes.as_deref().unwrap_or_default();
        if named.len() > MOST_EPISODES {
            return Err(ToolError::TellModel(format!(
                "name at most {MOST_EPISODES} single episodes; ask for whole seasons instead"
            )));
        }
        let mut episodes = Vec::new();
        for text in named {
            let episode = parse_code(text)
                .ok_or_else(|| ToolError::TellModel("write an episode as season and number, such as S02E05".into()))?;
            if !known.contains(&episode.0) {
                return Err(no_season(wish, episode.0, known));
            }
            episodes.push(episode);
        }
        episodes.sort_unstable();
        episodes.dedup();
        Ok(episodes)
    }

    fn request(&self, plan: &Plan, call: &Call, state: RequestState, progress: Option<Progress>) -> NewRequest {
        let told = progress.as_ref().map(Progress::known_at_first).unwrap_or_default();
        NewRequest {
            request: Request {
                id: RequestId::new(),
                toolkit: super::NAME.into(),
                subject: plan.wish.subject(),
                title: plan.wish.in_words(),
                picture: plan.picture.clone(),
                owner: call.person.id,
                agent: call.agent,
                wish: serde_json::to_value(&plan.wish).unwrap_or_default(),
                state,
                progress: None,
                size_bytes: Some(plan.size_bytes),
                created_at_ms: call.now_ms,
                updated_at_ms: call.now_ms,
                closed_at_ms: None,
                revision: 1,
            },
            watcher: Watcher {
                person: call.person.id,
                conversation: call.conversation,
                agent: call.agent,
                address: Address::new(&*call.channel, call.conversation.to_string()),
                level: self.tell_me.unwrap_or_default().into(),
                told,
                since_ms: call.now_ms,
            },
            asked: (state == RequestState::Asked).then(|| (call.turn, call.id.clone())),
            text: format!("{} asked for {}", call.person.name, plan.wish.in_words()),
            look_at_ms: call.now_ms + FIRST_LOOK_MS,
        }
    }

    /// Refuse what this person may not ask for.
    fn check(&self, media: &Media, plan: &Plan, call: &Call) -> Result<(), ToolError> {
        let person = &call.person;
        media.bounds.check_age(person.standing, &person.name, &plan.wish.title, plan.age)?;
        // Who joins an open request takes nothing from anybody.
        if plan.is_wanted_already {
            return Ok(());
        }
        if let Some(quota) = media.bounds.quota(person.standing, &person.name)
            && let Some(reason) = quota.refuses(&plan.usage, plan.size_bytes, call.now_ms)
        {
            return Err(ToolError::TellModel(format!("{} may not ask for more now: {reason}", person.name)));
        }
        if let Some(free) = plan.folder.free.filter(|free| *free < plan.size_bytes) {
            return Err(ToolError::TellModel(format!(
                "{} has {} free, and {} is expected to take about {}; an admin makes room first",
                plan.folder.path,
                bytes(free),
                plan.wish.in_words(),
                bytes(plan.size_bytes)
            )));
        }
        Ok(())
    }
}

impl Tool for MediaRequest {
    const NAME: &'static str = "media_request";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::ByCall;
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(90));
    const APPROVAL_SECONDS: u32 = OPEN_SECONDS;
    const KEYWORDS: &'static str = "request wish add get download film movie series season episode want have fetch 4k quality \
        wünschen anfragen hinzufügen holen Film Serie Staffel Folge Episode pedir solicitar añadir película serie temporada episodio capítulo \
        demander ajouter télécharger série saison épisode \
        füge añade ajoute hinzu holen";
    type Service = Media;

    fn title(&self) -> String {
        match self.media_type {
            Kind::Film => "Asking for a film".into(),
            Kind::Series if self.episodes.as_ref().is_some_and(|named| !named.is_empty()) => {
                "Asking for episodes".into()
            }
            Kind::Series => "Asking for a series".into(),
        }
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    fn wording(&self, _media: &Media) -> Wording {
        Wording {
            question: match self.media_type {
                Kind::Film => "Have this film fetched?".into(),
                Kind::Series => match (&self.seasons, &self.episodes) {
                    (None, Some(episodes)) if episodes.len() == 1 => "Have this episode fetched?".into(),
                    (None, Some(episodes)) if !episodes.is_empty() => "Have these episodes fetched?".into(),
                    (_, Some(episodes)) if !episodes.is_empty() => "Have these seasons and episodes fetched?".into(),
                    _ => "Have these seasons fetched?".into(),
                },
            },
            declined: "It was not asked for.".into(),
            reason: String::new(),
        }
    }

    async fn facts(&self, media: &Media, call: &Call) -> Result<Map<String, Value>, ToolError> {
        let plan = self.plan(media, call).await?;
        let facts = json!({
            "expected_gb": (plan.size_bytes as f64 / 1e8).round() / 10.0,
            "season_count": plan.wish.seasons.len(),
            "episode_count": plan.wish.episodes.len(),
            "unreleased": plan.unreleased.is_some(),
            "age": plan.age.map_or(Value::from("unknown"), Value::from),
            "instance": plan.wish.instance,
            "quality": plan.profile.name,
            "is_new": plan.record.is_none(),
        });
        Ok(facts.as_object().cloned().unwrap_or_default())
    }

    async fn preview(&self, media: &Media, call: &Call) -> Result<Card, ToolError> {
        let plan = self.plan(media, call).await?;
        self.check(media, &plan, call)?;
        if let Some(here) = self.already_here(media, &plan, call).await? {
            return Err(ToolError::TellModel(here));
        }
        let mut card = Card::new(plan.wish.in_words());
        card.picture.clone_from(&plan.picture);
        card.text = line(plan.title["overview"].as_str().unwrap_or_default(), 300);
        card = card.fact("Quality", plan.profile.name.clone()).fact("Folder", plan.folder.path.clone());
        if plan.wish.kind == Kind::Series {
            let has = super::wish::list(plan.seasons.iter().filter(|n| **n > 0).map(u32::to_string));
            card = card.fact("Seasons there are", has);
            if !plan.wish.episodes.is_empty() {
                let codes = plan.wish.episodes.iter().map(|(season, number)| super::wish::code(*season, *number));
                card = card.fact("Single episodes", super::wish::list(codes));
            }
        }
        let free = plan.folder.free.map(|free| format!(" of {} free", bytes(free))).unwrap_or_default();
        card = card.fact("Expected size", format!("about {}{free}", bytes(plan.size_bytes)));
        if let Some(unreleased) = &plan.unreleased {
            card = card.fact("Not out yet", unreleased.clone());
        }
        if let Some(certification) = &plan.certification {
            card = card.fact("Age rating", certification.clone());
        }
        let client = media.fetcher(plan.wish.kind, Some(plan.wish.instance.as_str()))?;
        card = card.fact("Fetched by", client.title()).fact("Asked by", call.person.name.clone());
        if let Some(quota) = media.bounds.quota(call.person.standing, &call.person.name) {
            let left = quota.left(&plan.usage, plan.size_bytes);
            if !left.is_empty() {
                card = card.fact("Left after this", left);
            }
        }
        Ok(card)
    }

    async fn waits(&self, media: &Media, call: &Call) -> Result<(), ToolError> {
        let plan = self.plan(media, call).await?;
        let new = self.request(&plan, call, RequestState::Asked, None);
        media.store()?.ask_request(new).await.map_err(crate::kept::unreachable)?;
        Ok(())
    }

    async fn check(&self, media: &Media, call: &Call) -> Result<Option<Output>, ToolError> {
        let plan = self.plan(media, call).await?;
        let Some(record) = &plan.record else { return Ok(None) };
        // It was added; what else belongs to it does no harm twice.
        let is_there = match plan.wish.kind {
            Kind::Film => record["monitored"] == true,
            Kind::Series => {
                let client = media.fetcher(plan.wish.kind, Some(plan.wish.instance.as_str()))?;
                let all = media.episodes_of(client, &plan.wish, record["id"].as_u64().unwrap_or_default()).await?;
                plan.wish.seasons.iter().all(|season| is_monitored(record, *season))
                    && all.iter().filter(|one| is_single(one, &plan.wish)).all(|one| one["monitored"] == true)
            }
        };
        if !is_there {
            return Ok(None);
        }
        Ok(Some(self.write_down(media, &plan, call).await?.0))
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let plan = self.plan(media, call).await?;
        MediaRequest::check(&self, media, &plan, call)?;
        if let Some(here) = self.already_here(media, &plan, call).await? {
            return Ok(Output::text(here));
        }
        let client = media.fetcher(plan.wish.kind, Some(plan.wish.instance.as_str()))?;
        let before = Looked::at(media, client, &plan.wish).await?;
        match (&plan.record, plan.wish.kind) {
            (None, Kind::Film) => {
                add_film(client, &plan).await?;
            }
            (None, Kind::Series) => {
                let id = add_series(client, &plan).await?;
                if !plan.wish.episodes.is_empty() {
                    fill_in(media, client, &plan, id).await?;
                }
            }
            (Some(record), Kind::Film) => want_film(client, &plan, record).await?,
            (Some(record), Kind::Series) => {
                want_seasons(client, &plan, record).await?;
                let id = record["id"].as_u64().unwrap_or_default();
                let all = media.episodes_of(client, &plan.wish, id).await?;
                want_episodes(client, &plan, id, &ids_of(&all, &plan.wish)?).await?;
            }
        }
        let own = self.own_wish(media, &plan, call).await?;
        let (output, request) = self.write_down(media, &plan, call).await?;
        let changed = before.until(&Looked::at(media, client, &plan.wish).await?);
        Ok(match own {
            // It was asked for already, and nothing is otherwise than before.
            Some((wish, _)) if changed.is_nothing() && wish.holds(&plan.wish) => output,
            Some((wish, size_bytes)) => {
                let undo = changed.adding_to(&wish, size_bytes).undo(request, &plan.wish, client);
                output.with_undo(undo)
            }
            None => output.with_undo(changed.undo(request, &plan.wish, client)),
        })
    }
}

impl MediaRequest {
    /// What the person waits for of this title already, with its expected size.
    async fn own_wish(
        &self,
        media: &Media,
        plan: &Plan,
        call: &Call,
    ) -> Result<Option<(Wish, Option<u64>)>, ToolError> {
        let store = media.store()?;
        let open = store.open_request(super::NAME, &plan.wish.subject()).await.map_err(crate::kept::unreachable)?;
        let Some(open) = open.filter(|open| open.state.is_followed()) else { return Ok(None) };
        let watchers = store.watchers(open.id).await.map_err(crate::kept::unreachable)?;
        if watchers.iter().all(|watcher| watcher.person != call.person.id) {
            return Ok(None);
        }
        Ok(serde_json::from_value(open.wish).ok().map(|wish| (wish, open.size_bytes)))
    }

    /// A sentence when there is nothing to ask for: all of it is here, or the person waits for it already.
    async fn already_here(&self, media: &Media, plan: &Plan, call: &Call) -> Result<Option<String>, ToolError> {
        let found = media.look_for(&plan.wish, Ok(None), call.now_ms).await?;
        let all = !found.items.is_empty() && found.items.iter().all(|item| item.is_watchable);
        // Another quality of what is here is a wish of its own.
        let other_quality = self.quality.is_some()
            && plan.record.as_ref().is_some_and(|record| record["qualityProfileId"].as_u64() != Some(plan.profile.id));
        if all && !other_quality {
            let quality = found.evidence.library.ok().and_then(|shown| shown.quality);
            let quality = quality.map(|quality| format!(" in {quality}")).unwrap_or_default();
            return Ok(Some(format!(
                "{} is here already{quality}; nothing was asked for. Another quality can be asked for by name.",
                plan.wish.in_words()
            )));
        }
        Ok(None)
    }

    /// The row by which it is followed, and what is told of it.
    async fn write_down(&self, media: &Media, plan: &Plan, call: &Call) -> Result<(Output, RequestId), ToolError> {
        let store = media.store()?;
        let found = media.look_for(&plan.wish, Ok(None), call.now_ms).await;
        let progress = found.ok().map(|found| Progress { items: found.items, ..Progress::default() });
        let new = self.request(plan, call, RequestState::Wanted, progress);
        let outcome = store.ask_request(new).await.map_err(crate::kept::unreachable)?;
        let request = match &outcome {
            AskOutcome::Joined(open) | AskOutcome::Opened(open) => open.id,
            AskOutcome::Changed(id) => *id,
        };
        let first = match &outcome {
            AskOutcome::Joined(open) if open.owner != call.person.id && open.state != RequestState::Asked => {
                join_wish(store, open, plan, call).await?;
                true
            }
            AskOutcome::Joined(open) => {
                join_wish(store, open, plan, call).await?;
                false
            }
            AskOutcome::Opened(_) | AskOutcome::Changed(_) => false,
        };
        let client = media.fetcher(plan.wish.kind, Some(plan.wish.instance.as_str()))?;
        let when = match &plan.unreleased {
            Some(out) => format!(" It is not out yet: {out}."),
            None => String::new(),
        };
        let also = if first { " Somebody else waits for it too." } else { "" };
        let receipt = format!(
            "{} is wanted now, in {}, by {}.{when}{also}",
            plan.wish.in_words(),
            plan.profile.name,
            client.title()
        );
        let mut card = Card::new(plan.wish.in_words());
        card.picture.clone_from(&plan.picture);
        card = card.fact("Quality", plan.profile.name.clone()).fact("State", "wanted");
        let told = " You are told here when it can be watched.";
        let output = Output { text: format!("{receipt}{told}"), ..Output::done(receipt) };
        Ok((output.with_cards(vec![card]), request))
    }
}

/// What a second wish wants beyond the first is wanted by the one row of both.
async fn join_wish(store: &Store, open: &Request, plan: &Plan, call: &Call) -> Result<(), ToolError> {
    let wish = &plan.wish;
    for _ in 0..4 {
        let fresh = store.request(open.id).await.map_err(crate::kept::unreachable)?;
        let mut joined: Wish = serde_json::from_value(fresh.wish.clone()).unwrap_or_default();
        if !joined.join(wish) {
            return Ok(());
        }
        let event = majordomo_domain::request::RequestEvent {
            at_ms: call.now_ms,
            kind: "joined".into(),
            actor: Some(call.person.id),
            text: format!("{} is wanted too", wish.in_words()),
        };
        let changed = Request {
            title: joined.in_words(),
            wish: serde_json::to_value(&joined).unwrap_or_default(),
            size_bytes: Some(fresh.size_bytes.unwrap_or(0) + plan.size_bytes),
            ..fresh
        };
        match store.change_request(changed, event, Vec::new(), call.now_ms + FIRST_LOOK_MS).await {
            Ok(()) => return Ok(()),
            Err(majordomo_store::StoreError::Conflict(_)) => {}
            Err(error) => return Err(crate::kept::unreachable(error)),
        }
    }
    Err(ToolError::CouldNotAsk { service: "the store".into(), reason: "too many changes at once".into() })
}

/// Add a film; its number.
async fn add_film(client: &Client, plan: &Plan) -> Result<u64, ToolError> {
    let body = json!({
        "tmdbId": plan.wish.tmdb,
        "title": plan.wish.title,
        "year": plan.wish.year,
        "qualityProfileId": plan.profile.id,
        "rootFolderPath": plan.folder.path,
        "monitored": true,
        "minimumAvailability": client.settings().minimum_availability.as_str(),
        "addOptions": {"searchForMovie": true, "monitor": "movieOnly"},
    });
    added(client, "/movie", &body, &plan.wish).await
}

/// Add a series with the wanted seasons and no other; its number.
async fn add_series(client: &Client, plan: &Plan) -> Result<u64, ToolError> {
    let seasons: Vec<Value> = plan
        .seasons
        .iter()
        .map(|season| json!({"seasonNumber": season, "monitored": plan.wish.seasons.contains(season)}))
        .collect();
    let is_daily = plan.title["seriesType"].as_str().unwrap_or("standard");
    let body = json!({
        "tvdbId": plan.wish.tvdb,
        "title": plan.wish.title,
        "qualityProfileId": plan.profile.id,
        "rootFolderPath": plan.folder.path,
        "monitored": true,
        "seasonFolder": true,
        "seriesType": is_daily,
        "monitorNewItems": "none",
        "seasons": seasons,
        "addOptions": {"monitor": "skip", "searchForMissingEpisodes": !plan.wish.seasons.is_empty(), "searchForCutoffUnmetEpisodes": false},
    });
    added(client, "/series", &body, &plan.wish).await
}

async fn added(client: &Client, path: &str, body: &Value, wish: &Wish) -> Result<u64, ToolError> {
    match client.send(Method::POST, path, &Query::new(), body).await {
        Ok(answer) => answer["id"].as_u64().ok_or_else(|| client.not_as_described("a record without a number")),
        // Somebody was quicker, or an earlier try arrived after all.
        Err(ToolError::TellModel(text)) if text.contains("already been added") || text.contains("already exists") => {
            let key = if wish.kind == Kind::Film { ("tmdbId", wish.tmdb) } else { ("tvdbId", wish.tvdb) };
            let query = vec![(key.0, key.1.unwrap_or_default().to_string())];
            let found = client.list(path, &query, Age::Now).await?;
            found.first().and_then(|record| record["id"].as_u64()).ok_or(ToolError::TellModel(text))
        }
        Err(error) => Err(error),
    }
}

/// Have a film that is known looked for: with the wanted profile, monitored, searched.
async fn want_film(client: &Client, plan: &Plan, record: &Value) -> Result<(), ToolError> {
    let id = record["id"].as_u64().unwrap_or_default();
    let edit = json!({"movieIds": [id], "monitored": true, "qualityProfileId": plan.profile.id});
    client.send(Method::PUT, "/movie/editor", &Query::new(), &edit).await?;
    client.send(Method::POST, "/command", &Query::new(), &json!({"name": "MoviesSearch", "movieIds": [id]})).await?;
    Ok(())
}

/// Have further seasons of a series that is known looked for.
async fn want_seasons(client: &Client, plan: &Plan, record: &Value) -> Result<(), ToolError> {
    let mut changed = record.clone();
    changed["monitored"] = json!(true);
    if let Some(seasons) = changed["seasons"].as_array_mut() {
        for season in seasons {
            let number = season["seasonNumber"].as_u64().unwrap_or_default() as u32;
            if plan.wish.seasons.contains(&number) {
                season["monitored"] = json!(true);
            }
        }
    }
    if plan.wish.seasons.is_empty() && record["monitored"] != true {
        // Sonarr has been told to leave it alone: of its seasons only the named episodes are wanted.
        for season in changed["seasons"].as_array_mut().into_iter().flatten() {
            season["monitored"] = json!(false);
        }
    }
    changed["qualityProfileId"] = json!(plan.profile.id);
    let id = record["id"].as_u64().unwrap_or_default();
    client.send(Method::PUT, &format!("/series/{id}"), &Query::new(), &changed).await?;
    for season in &plan.wish.seasons {
        let command = json!({"name": "SeasonSearch", "seriesId": id, "seasonNumber": season});
        client.send(Method::POST, "/command", &Query::new(), &command).await?;
    }
    Ok(())
}

/// Have single episodes looked for: exactly these.
async fn want_episodes(client: &Client, plan: &Plan, id: u64, ids: &[u64]) -> Result<(), ToolError> {
    if ids.is_empty() {
        return Ok(());
    }
    monitor(client, ids, true).await?;
    let command = json!({"name": "EpisodeSearch", "episodeIds": ids});
    client.send(Method::POST, "/command", &Query::new(), &command).await?;
    let all = client.list("/episode", &vec![("seriesId", id.to_string())], Age::Live).await?;
    match all.iter().filter(|one| is_single(one, &plan.wish)).all(|one| one["monitored"] == true) {
        true => Ok(()),
        false => Err(client.not_as_described("that the episodes are watched for, but does not watch for them")),
    }
}

/// A series that was just added gets its episodes a moment later. One that turns out not to have them is taken out again.
async fn fill_in(media: &Media, client: &Client, plan: &Plan, id: u64) -> Result<(), ToolError> {
    if wait_for_episodes(client, id, EPISODES).await?.is_empty() {
        return Err(ToolError::TellModel(format!(
            "{} was added to {}, which has not listed its episodes yet; ask for them again in a few minutes",
            plan.wish.title,
            client.title()
        )));
    }
    let all = media.episodes_of(client, &plan.wish, id).await?;
    match ids_of(&all, &plan.wish) {
        Ok(ids) => want_episodes(client, plan, id, &ids).await,
        Err(unknown) => {
            let query = vec![("deleteFiles", "false".to_owned()), ("addImportListExclusion", "false".to_owned())];
            client.send(Method::DELETE, &format!("/series/{id}"), &query, &Value::Null).await?;
            Err(unknown)
        }
    }
}

/// Sonarr's numbers of the single episodes; one that it does not have is refused with those of its season.
fn ids_of(all: &[Value], wish: &Wish) -> Result<Vec<u64>, ToolError> {
    for (season, number) in &wish.episodes {
        let numbers = || {
            let own = all.iter().filter(|one| one["seasonNumber"].as_u64() == Some((*season).into()));
            own.filter_map(|one| one["episodeNumber"].as_u64())
        };
        if numbers().all(|known| known != u64::from(*number)) {
            let has = match (numbers().min(), numbers().max()) {
                (Some(first), Some(last)) => format!("season {season} has episodes {first} to {last}"),
                _ => format!("it has no episode of season {season}"),
            };
            return Err(ToolError::TellModel(format!(
                "Sonarr has no {} of {}; {has}. Its numbers may differ from TMDb's: show both and ask",
                super::wish::code(*season, *number),
                wish.title
            )));
        }
    }
    Ok(all.iter().filter(|one| is_single(one, wish)).filter_map(|one| one["id"].as_u64()).collect())
}

/// Whether it is one of the episodes that are wanted by themselves.
fn is_single(episode: &Value, wish: &Wish) -> bool {
    let number = |key: &str| episode[key].as_u64().and_then(|n| u32::try_from(n).ok());
    let place = number("seasonNumber").zip(number("episodeNumber"));
    place.is_some_and(|place| wish.episodes.contains(&place))
}

pub(super) fn no_season(wish: &Wish, season: u32, known: &[u32]) -> ToolError {
    let has = super::wish::list(known.iter().map(u32::to_string));
    ToolError::TellModel(format!(
        "Sonarr has no season {season} of {}; it has {has}. Its numbers may differ from TMDb's: show both and ask",
        wish.title
    ))
}

fn is_monitored(record: &Value, season: u32) -> bool {
    let seasons = record["seasons"].as_array().into_iter().flatten();
    record["monitored"] == true
        && seasons.filter(|one| one["seasonNumber"].as_u64() == Some(season.into())).any(|one| one["monitored"] == true)
}

pub(super) fn seasons_of(title: &Value) -> Vec<u32> {
    let seasons = title["seasons"].as_array().into_iter().flatten();
    seasons.filter_map(|season| season["seasonNumber"].as_u64().and_then(|n| u32::try_from(n).ok())).collect()
}

/// Episodes of a season, as the catalogue counts them; ten where it does not.
fn episodes_in(title: &Value, season: u32) -> u32 {
    let seasons = title["seasons"].as_array().into_iter().flatten();
    let found = seasons.filter(|one| one["seasonNumber"].as_u64() == Some(season.into()));
    let count = found.filter_map(|one| one["statistics"]["totalEpisodeCount"].as_u64()).next();
    count.filter(|count| *count > 0).and_then(|count| u32::try_from(count).ok()).unwrap_or(10)
}

fn out_when(title: &Value, now_ms: i64) -> Option<String> {
    let at = |key: &str| {
        title[key].as_str().filter(|text| millis(text).is_some_and(|at| at > now_ms)).and_then(|text| text.get(..10))
    };
    at("digitalRelease")
        .map(|day| format!("digital release on {day}"))
        .or_else(|| at("physicalRelease").map(|day| format!("on disc on {day}")))
        .or_else(|| at("inCinemas").map(|day| format!("in cinemas on {day}, at home later")))
}

fn tmdb_picture(file: &str) -> String {
    format!("tmdb:w342/{file}")
}

/// Lines of the best picture a profile takes, read from the names of its qualities.
pub(super) fn lines_of(profile: &Profile) -> u32 {
    let lines = |name: &String| {
        let name = name.to_lowercase();
        [(2_160, "2160"), (1_080, "1080"), (720, "720")]
            .into_iter()
            .find(|(_, part)| name.contains(part))
            .map_or(480, |(n, _)| n)
    };
    profile.allows.iter().map(lines).max().unwrap_or(1_080)
}

impl Media {
    pub(super) fn store(&self) -> Result<&Store, ToolError> {
        self.store.as_ref().ok_or_else(|| ToolError::Bug("there is no store".into()))
    }

    /// The poster of a record of Radarr or Sonarr, by the name under which our own server has it: TMDb's, else the one they keep
    /// themselves. Sonarr's own come from elsewhere, and what it only looked up it has none of.
    pub(super) fn picture_of(&self, client: &Client, record: &Value) -> Option<String> {
        let images = record["images"].as_array().into_iter().flatten();
        let poster =
            images.filter(|image| image["coverType"] == "poster").find_map(|image| image["remoteUrl"].as_str());
        let url = record["remotePoster"].as_str().or(poster).filter(|_| self.tmdb.is_some());
        let file = url.and_then(|url| url.split_once("/t/p/")).and_then(|(_, rest)| rest.rsplit('/').next());
        let file = file.filter(|file| crate::tmdb::client::is_picture_file(file));
        file.map(tmdb_picture).or_else(|| client.picture_of(record["id"].as_u64()))
    }

    /// The same, and TMDb is asked where neither has one.
    pub(super) async fn poster_of(&self, client: &Client, record: &Value) -> Option<String> {
        if let Some(known) = self.picture_of(client, record) {
            return Some(known);
        }
        let (tmdb, id) = (self.tmdb.as_ref()?, record["tmdbId"].as_u64().filter(|id| *id > 0)?);
        let path = if client.which() == Which::Radarr { format!("/movie/{id}") } else { format!("/tv/{id}") };
        let answer = tmdb.get(&path, &Vec::new(), crate::tmdb::client::Age::Details).await.ok()??;
        let file = answer["poster_path"].as_str()?.trim_start_matches('/');
        crate::tmdb::client::is_picture_file(file).then(|| tmdb_picture(file))
    }
}
