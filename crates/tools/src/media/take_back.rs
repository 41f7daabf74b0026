//! Taking a wish back: what it changed in Radarr or Sonarr is as before, and nobody waits for it any more.
//!
//! Never: deletes a file; takes out what was there before the wish; ends what others wait for too.

use super::{
    Media,
    shelf::millis,
    wish::{Kind, Wish, code},
};
use crate::{
    kept::unreachable,
    servarr::{
        Client, asks,
        client::{Age, Query},
    },
    sonarr::{monitor, parse_code},
};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Request, RequestId, RequestState, Standing, Tool, ToolError,
    approval::Wording,
    request::RequestEvent,
    tool::{Undo, UndoCall},
};
use majordomo_store::StoreError;
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was added a little before the request was written down came by it.
const WRITTEN_DOWN_MS: i64 = 60_000;

/// Take back a request that is not over: Radarr or Sonarr are as before it, its downloads stop, nobody waits for it. No file is deleted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaTakeBack {
    /// The request's number, from the result of `media_request`.
    request: String,
    /// What it changed, from that result word for word; when absent, Radarr and Sonarr keep what they have.
    #[serde(default)]
    before: Before,
}

/// How things were before a wish, as far as it changed them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Before {
    /// Radarr or Sonarr did not have it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    absent: bool,
    /// Whether it was watched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    monitored: Option<bool>,
    /// Its quality profile's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    quality_profile: Option<u64>,
    /// Seasons, by number.
    #[serde(skip_serializing_if = "Flags::is_empty")]
    seasons: Flags,
    /// Episodes, by Sonarr's ids.
    #[serde(skip_serializing_if = "Flags::is_empty")]
    episodes: Flags,
    /// What was asked for before it, where it only added to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    wish: Option<Parts>,
}

/// Which were watched for, and which were not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Flags {
    on: Vec<u64>,
    off: Vec<u64>,
}

impl Flags {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Those of `old` that are otherwise in `new`.
    fn changed(old: &BTreeMap<u64, bool>, new: &BTreeMap<u64, bool>) -> Self {
        let of = |flag: bool| {
            let changed = old.iter().filter(|(id, was)| **was == flag && new.get(id) == Some(&!flag));
            changed.map(|(id, _)| *id).collect()
        };
        Self { on: of(true), off: of(false) }
    }

    fn get(&self, id: u64) -> Option<bool> {
        match (self.on.contains(&id), self.off.contains(&id)) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parts {
    seasons: Vec<u32>,
    /// Such as `S02E05`.
    episodes: Vec<String>,
    size_bytes: Option<u64>,
}

/// A film or series as Radarr or Sonarr has it, with its episodes. None when it does not.
pub(super) struct Looked(Option<(Value, Vec<Value>)>);

impl Looked {
    pub async fn at(media: &Media, client: &Client, wish: &Wish) -> Result<Self, ToolError> {
        let Some(record) = media.record(client, wish, Age::Now).await? else { return Ok(Self(None)) };
        let episodes = match wish.kind {
            Kind::Film => Vec::new(),
            Kind::Series => episodes(client, id_of(&record)).await?,
        };
        Ok(Self(Some((record, episodes))))
    }

    /// What of this is otherwise by now.
    pub fn until(&self, now: &Looked) -> Before {
        let Self(Some((old, old_episodes))) = self else { return Before { absent: true, ..Before::default() } };
        let Self(Some((new, new_episodes))) = now else { return Before::default() };
        let flag = |record: &Value| record["monitored"] == true;
        Before {
            absent: false,
            monitored: (flag(old) != flag(new)).then_some(flag(old)),
            quality_profile: (old["qualityProfileId"] != new["qualityProfileId"])
                .then(|| old["qualityProfileId"].as_u64())
                .flatten(),
            seasons: Flags::changed(&by_number(&old["seasons"]), &by_number(&new["seasons"])),
            episodes: Flags::changed(&by_id(old_episodes), &by_id(new_episodes)),
            wish: None,
        }
    }
}

fn id_of(record: &Value) -> u64 {
    record["id"].as_u64().unwrap_or_default()
}

fn by_number(seasons: &Value) -> BTreeMap<u64, bool> {
    let all = seasons.as_array().into_iter().flatten();
    all.filter_map(|one| Some((one["seasonNumber"].as_u64()?, one["monitored"] == true))).collect()
}

fn by_id(episodes: &[Value]) -> BTreeMap<u64, bool> {
    episodes.iter().filter_map(|one| Some((one["id"].as_u64()?, one["monitored"] == true))).collect()
}

async fn episodes(client: &Client, series: u64) -> Result<Vec<Value>, ToolError> {
    client.list("/episode", &vec![("seriesId", series.to_string())], Age::Now).await
}

impl Before {
    /// The wish that was there already is kept, and was this.
    pub fn adding_to(mut self, wish: &Wish, size_bytes: Option<u64>) -> Self {
        let episodes = wish.episodes.iter().map(|(season, number)| code(*season, *number)).collect();
        self.wish = Some(Parts { seasons: wish.seasons.clone(), episodes, size_bytes });
        self
    }

    /// Nothing in Radarr or Sonarr is otherwise.
    pub fn is_nothing(&self) -> bool {
        Self { wish: None, ..self.clone() } == Self::default()
    }

    /// The call that takes a wish back.
    pub fn undo(&self, request: RequestId, wish: &Wish, client: &Client) -> UndoCall {
        let title = match self.absent {
            true => format!("Take {} out of {} again, and ask for it no more", wish.title, client.title()),
            false => format!("Ask for {} no more, and have {} as before", wish.in_words(), client.title()),
        };
        UndoCall {
            tool: MediaTakeBack::NAME.into(),
            arguments: json!({ "request": request.to_string(), "before": self }),
            title,
        }
    }

    /// Stop what is on its way because of the wish.
    async fn stop_downloads(&self, client: &Client, kind: Kind, id: u64) -> Result<(), ToolError> {
        let name = if kind == Kind::Film { "movieId" } else { "seriesId" };
        let rows = client.list("/queue/details", &vec![(name, id.to_string())], Age::Now).await?;
        let is_ours = |row: &Value| match kind {
            _ if self.absent => true,
            Kind::Film => self.monitored == Some(false),
            Kind::Series => row["episodeId"].as_u64().is_some_and(|id| self.episodes.off.contains(&id)),
        };
        let query: Query = vec![
            ("removeFromClient", "true".into()),
            ("blocklist", "false".into()),
            ("skipRedownload", "true".into()),
            ("changeCategory", "false".into()),
        ];
        let mut stopped: Vec<&str> = Vec::new();
        for row in rows.iter().filter(|row| is_ours(row)) {
            // One download of a season has a row for each episode, and they go together.
            let download = row["downloadId"].as_str().unwrap_or_default();
            if !download.is_empty() && stopped.contains(&download) {
                continue;
            }
            stopped.push(download);
            let path = format!("/queue/{}", id_of(row));
            client.send(Method::DELETE, &path, &query, &Value::Null).await?;
        }
        Ok(())
    }

    /// Have Radarr or Sonarr as it was.
    async fn restore(&self, client: &Client, request: &Request, wish: &Wish, record: &Value) -> Result<(), ToolError> {
        let id = id_of(record);
        if self.absent
            && record["added"].as_str().and_then(millis).is_none_or(|at| at + WRITTEN_DOWN_MS < request.created_at_ms)
        {
            let (title, name) = (&wish.title, client.title());
            return Err(ToolError::TellModel(format!(
                "{name} had {title} before it was asked for; it is not taken out"
            )));
        }
        self.stop_downloads(client, wish.kind, id).await?;
        if self.absent {
            let (path, exclusion) = match wish.kind {
                Kind::Film => ("/movie", "addImportExclusion"),
                Kind::Series => ("/series", "addImportListExclusion"),
            };
            let query = vec![("deleteFiles", "false".to_owned()), (exclusion, "false".to_owned())];
            client.send(Method::DELETE, &format!("{path}/{id}"), &query, &Value::Null).await?;
            return Ok(());
        }
        match wish.kind {
            Kind::Film => {
                let mut edit = json!({ "movieIds": [id] });
                if let Some(monitored) = self.monitored {
                    edit["monitored"] = monitored.into();
                }
                if let Some(profile) = self.quality_profile {
                    edit["qualityProfileId"] = profile.into();
                }
                client.send(Method::PUT, "/movie/editor", &Query::new(), &edit).await?;
            }
            Kind::Series => self.restore_series(client, record).await?,
        }
        Ok(())
    }

    /// Sonarr sets a season's episodes itself when the season's flag changes; what it should not have set is put right afterwards.
    async fn restore_series(&self, client: &Client, record: &Value) -> Result<(), ToolError> {
        let id = id_of(record);
        let mut wanted = by_id(&episodes(client, id).await?);
        for (id, flag) in &mut wanted {
            *flag = self.episodes.get(*id).unwrap_or(*flag);
        }
        let mut whole = record.clone();
        if let Some(monitored) = self.monitored {
            whole["monitored"] = monitored.into();
        }
        if let Some(profile) = self.quality_profile {
            whole["qualityProfileId"] = profile.into();
        }
        for season in whole["seasons"].as_array_mut().into_iter().flatten() {
            if let Some(flag) = season["seasonNumber"].as_u64().and_then(|number| self.seasons.get(number)) {
                season["monitored"] = flag.into();
            }
        }
        client.send(Method::PUT, &format!("/series/{id}"), &Query::new(), &whole).await?;
        let now = by_id(&episodes(client, id).await?);
        for flag in [true, false] {
            let wrong = now.iter().filter(|(id, now)| **now != flag && wanted.get(id) == Some(&flag));
            let ids: Vec<u64> = wrong.map(|(id, _)| *id).collect();
            if !ids.is_empty() {
                monitor(client, &ids, flag).await?;
            }
        }
        Ok(())
    }
}

impl MediaTakeBack {
    /// The request, when the person may take it back and it is not over.
    async fn open(&self, media: &Media, call: &Call) -> Result<(Request, Wish), ToolError> {
        let missing = || ToolError::TellModel("there is no such request of this person".into());
        let id: RequestId = self.request.parse().map_err(|_| missing())?;
        let request = match media.store()?.request(id).await {
            Ok(request) if request.toolkit == super::NAME => request,
            Ok(_) | Err(StoreError::NotFound(_)) => return Err(missing()),
            Err(error) => return Err(unreachable(error)),
        };
        let watchers = media.store()?.watchers(id).await.map_err(unreachable)?;
        let is_own = request.owner == call.person.id || watchers.iter().any(|one| one.person == call.person.id);
        if !is_own && call.person.standing != Standing::Admin {
            return Err(missing());
        }
        if request.state.is_over() {
            let how = match request.state {
                RequestState::Watchable => "it can be watched already; it can be deleted with media_removal",
                _ => "it is over already",
            };
            return Err(ToolError::TellModel(format!("{}: {how}", request.title)));
        }
        let wish = serde_json::from_value(request.wish.clone()).map_err(|error| ToolError::Bug(error.to_string()))?;
        Ok((request, wish))
    }

    /// Whether somebody else waits for it, too.
    async fn is_shared(&self, media: &Media, request: &Request, call: &Call) -> Result<bool, ToolError> {
        let watchers = media.store()?.watchers(request.id).await.map_err(unreachable)?;
        let waits = watchers.iter().any(|one| one.person == call.person.id);
        // An admin who does not wait for it acts for the one who asked.
        let own = if waits { call.person.id } else { request.owner };
        Ok(watchers.iter().any(|one| one.person != own))
    }

    /// What was asked for before stays asked for.
    async fn narrow(
        &self,
        media: &Media,
        request: &Request,
        wish: &Wish,
        parts: &Parts,
        call: &Call,
    ) -> Result<(), ToolError> {
        let episodes = parts.episodes.iter().filter_map(|code| parse_code(code)).collect();
        let narrowed = Wish { seasons: parts.seasons.clone(), episodes, ..wish.clone() };
        let changed = Request {
            title: narrowed.in_words(),
            wish: serde_json::to_value(&narrowed).unwrap_or_default(),
            size_bytes: parts.size_bytes.or(request.size_bytes),
            ..request.clone()
        };
        let event = RequestEvent {
            at_ms: call.now_ms,
            kind: "changed".into(),
            actor: Some(call.person.id),
            text: format!("{} is wanted no more, {} still is", wish.in_words(), narrowed.in_words()),
        };
        media.store()?.change_request(changed, event, Vec::new(), call.now_ms).await.map_err(unreachable)
    }
}

impl Tool for MediaTakeBack {
    const NAME: &'static str = "media_take_back";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("it is asked for again like any other title");
    const KEYWORDS: &'static str = "take back request wish cancel withdraw no longer want undo film series season \
        Wunsch zurücknehmen Anfrage stornieren doch nicht mehr gewünscht Film Serie Staffel retirar cancelar petición solicitud ya no \
        quiero película serie retirer annuler demande ne veux plus film série";
    type Service = Media;

    fn title(&self) -> String {
        "Taking a request back".into()
    }

    fn wording(&self, _: &Media) -> Wording {
        asks("Take this request back?", "The request stays.")
    }

    async fn preview(&self, media: &Media, call: &Call) -> Result<Card, ToolError> {
        let (request, wish) = self.open(media, call).await?;
        let client = media.fetcher(wish.kind, Some(wish.instance.as_str()))?;
        let mut card = Card::new(request.title.clone());
        card.picture.clone_from(&request.picture);
        let then = match (self.is_shared(media, &request, call).await?, self.before.absent) {
            (true, _) => "somebody else waits for it and keeps it".to_owned(),
            (false, true) => format!("{} does not have it any more; no file is deleted", client.title()),
            (false, false) if self.before.is_nothing() => format!("{} keeps what it has", client.title()),
            (false, false) => format!("{} has it as before", client.title()),
        };
        Ok(card.fact("Then", then))
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let (request, wish) = self.open(media, call).await?;
        let store = media.store()?;
        let person = call.person.id;
        if self.is_shared(media, &request, call).await? {
            store.unwatch_request(request.id, person).await.map_err(unreachable)?;
            let text = format!(
                "{} stays wanted, because somebody else waits for it; you are not told of it any more.",
                request.title
            );
            return Ok(Output::done(text));
        }
        let client = media.fetcher(wish.kind, Some(wish.instance.as_str()))?;
        if !self.before.is_nothing()
            && let Some(record) = media.record(client, &wish, Age::Now).await?
        {
            self.before.restore(client, &request, &wish, &record).await?;
        }
        if let Some(parts) = &self.before.wish {
            self.narrow(media, &request, &wish, parts, call).await?;
            return Ok(Output::done(format!("What was added to the request for {} is taken back.", wish.title)));
        }
        let text = format!("taken back by {}", call.person.name);
        store
            .close_request(request.id, RequestState::Cancelled, Some(person), text, call.now_ms)
            .await
            .map_err(unreachable)?;
        let then = match (self.before.absent, self.before.is_nothing()) {
            (true, _) => format!(" {} does not have it any more.", client.title()),
            (false, true) => String::new(),
            (false, false) => format!(" {} has it as before.", client.title()),
        };
        Ok(Output::done(format!("{} is asked for no more.{then}", request.title)))
    }
}
