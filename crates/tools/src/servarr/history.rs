//! What happened: history, releases that failed, and the blocklist of what is never taken again.

use super::{
    Application, Client, Instances, Paging, Which, also_named, arguments, asks,
    client::{Age, LARGEST_PAGE, Query},
    named, view,
};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError,
    approval::Wording,
    text::{clean, shorten},
    tool::Undo,
};
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Sent to a download client.
    Grabbed,
    Imported,
    Failed,
    FileDeleted,
    FileRenamed,
    Ignored,
}

impl Event {
    /// The number a paged history is asked with. Source: EntityHistoryEventType of each application.
    fn number(self, which: Which) -> u32 {
        match (self, which) {
            (Event::Grabbed, _) => 1,
            (Event::Imported, _) => 3,
            (Event::Failed, _) => 4,
            (Event::FileDeleted, Which::Radarr) => 6,
            (Event::FileDeleted, Which::Sonarr) => 5,
            (Event::FileRenamed, Which::Radarr) => 8,
            (Event::FileRenamed, Which::Sonarr) => 6,
            (Event::Ignored, Which::Radarr) => 9,
            (Event::Ignored, Which::Sonarr) => 7,
        }
    }

    /// The name an unpaged history is asked with.
    pub fn name(self, which: Which) -> &'static str {
        match (self, which) {
            (Event::Grabbed, _) => "grabbed",
            (Event::Imported, _) => "downloadFolderImported",
            (Event::Failed, _) => "downloadFailed",
            (Event::FileDeleted, Which::Radarr) => "movieFileDeleted",
            (Event::FileDeleted, Which::Sonarr) => "episodeFileDeleted",
            (Event::FileRenamed, Which::Radarr) => "movieFileRenamed",
            (Event::FileRenamed, Which::Sonarr) => "episodeFileRenamed",
            (Event::Ignored, _) => "downloadIgnored",
        }
    }
}

/// What an answer calls an event, in words.
fn in_words(event: &Value) -> &'static str {
    match event.as_str().unwrap_or_default() {
        "grabbed" => "grabbed",
        "downloadFolderImported" | "movieFolderImported" | "seriesFolderImported" => "imported",
        "downloadFailed" => "failed",
        "movieFileDeleted" | "episodeFileDeleted" => "file deleted",
        "movieFileRenamed" | "episodeFileRenamed" => "file renamed",
        "downloadIgnored" => "ignored",
        _ => "other",
    }
}

/// One event for the model.
pub fn told(which: Which, row: &Value) -> Value {
    let data = &row["data"];
    view::Fields::default()
        .put("history_id", row["id"].clone())
        .put("date", view::instant(&row["date"]))
        .put("event", in_words(&row["eventType"]))
        .put("for", view::about(which, row))
        .put(which.id_argument(), row[which.id_field()].clone())
        .put("release", view::text(&row["sourceTitle"], view::LONGEST_NAME))
        .put("quality", view::quality(&row["quality"]))
        .put("indexer", view::text(&data["indexer"], 60))
        .put("reason", view::text(&data["reason"], 100))
        .put("message", view::text(&data["message"], 200))
        .put("download_id", view::text(&row["downloadId"], 80))
        .done()
}

fn including(which: Which) -> Query {
    match which {
        Which::Radarr => vec![("includeMovie", "true".to_owned())],
        Which::Sonarr => vec![("includeSeries", "true".to_owned()), ("includeEpisode", "true".to_owned())],
    }
}

arguments! {
    /// What {App} did lately, newest first: grabbed, imported, failed, deleted, renamed.
    pub struct History<A> {
        /// Only this kind of event.
        #[serde(default)]
        event: Option<Event>,
        /// Only of this film.
        #[serde(default)]
        movie_id: Option<u64>,
        /// Only of this series.
        #[serde(default)]
        series_id: Option<u64>,
        /// Only of this episode.
        #[serde(default)]
        episode_id: Option<u64>,
        /// Only of this download, as the queue or the history names it.
        #[serde(default)]
        download_id: Option<String>,
        /// From 1.
        #[serde(default)]
        page: Option<u32>,
        /// Events of a page, 1 to 50; 10 when absent.
        #[serde(default, alias = "page_size")]
        limit: Option<usize>,
    }
}

impl<A: Application> Tool for History<A> {
    const NAME: &'static str = named!(A, "history");
    const ALIASES: &'static [&'static str] = also_named!(A, "get_history");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "history grabbed imported failed deleted when what happened Verlauf passiert wann historial \
                                    qué pasó historique quand \
        what did it do lately zuletzt gemacht hizo últimamente dernièrement fait";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking at what {} did", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let mut query = including(A::WHICH);
        if let Some(event) = self.event {
            query.push(("eventType", event.number(A::WHICH).to_string()));
        }
        if let Some(thing) = super::own_id::<A>(self.movie_id, self.series_id)? {
            query.push((if A::WHICH == Which::Radarr { "movieIds" } else { "seriesIds" }, thing.to_string()));
        }
        if let Some(episode) = super::sonarr_only::<A, _>("episode_id", self.episode_id)? {
            query.push(("episodeId", episode.to_string()));
        }
        if let Some(download) = &self.download_id {
            query.push(("downloadId", clean(download).trim().to_owned()));
        }
        let limit = super::limit(self.limit, 10, 50)?;
        let paging = Paging { page: self.page.unwrap_or(1), size: limit, sort_key: "date".into(), descending: true };
        let page = client.page("/history", &query, &paging, Age::Live).await?;
        let items: Vec<Value> = page.records.iter().take(limit).map(|row| told(A::WHICH, row)).collect();
        Output::json(&json!({ "total": page.total, "page": page.number, "count": items.len(), "items": items }))
    }
}

arguments! {
    /// Everything {App} did since an instant, newest first; for catching up.
    pub struct HistorySince<A> {
        /// From when on, such as `2026-11-20` or `2026-11-20T18:00:00Z`.
        #[serde(alias = "date")]
        since: String,
        /// Only this kind of event.
        #[serde(default)]
        event: Option<Event>,
        /// Events shown, 1 to 50; 20 when absent.
        #[serde(default)]
        limit: Option<usize>,
    }
}

impl<A: Application> Tool for HistorySince<A> {
    const NAME: &'static str = named!(A, "history_since");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "history since catch up new yesterday last night seit gestern neu desde ayer nuevo depuis hier nouveau";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking at what {} did since {}", A::WHICH.name(), shorten(&clean(&self.since), 30))
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let limit = super::limit(self.limit, 20, 50)?;
        let mut query = including(A::WHICH);
        // Its description knows no episodes here.
        query.retain(|(name, _)| *name != "includeEpisode" || A::WHICH == Which::Sonarr);
        query.push(("date", super::instant(&self.since)?.to_string()));
        if let Some(event) = self.event {
            query.push(("eventType", event.name(A::WHICH).to_owned()));
        }
        let mut rows = client.list("/history/since", &query, Age::Live).await?;
        rows.sort_by(|a, b| b["date"].as_str().cmp(&a["date"].as_str()));
        Output::json(&view::some(rows.iter(), limit, |row| told(A::WHICH, row)))
    }
}

arguments! {
    /// Say that a grabbed release was bad: {App} never takes it again and searches another one. Asks first.
    pub struct MarkFailed<A> {
        /// `history_id` of its `grabbed` event, from `{app}_history`.
        #[serde(alias = "id")]
        history_id: u64,
    }
}

impl<A: Application> MarkFailed<A> {
    async fn meant(&self, client: &Client) -> Result<Value, ToolError> {
        let mut query = including(A::WHICH);
        query.push(("eventType", Event::Grabbed.number(A::WHICH).to_string()));
        let paging = Paging { page: 1, size: LARGEST_PAGE, sort_key: "date".into(), descending: true };
        let page = client.page("/history", &query, &paging, Age::Live).await?;
        page.records.into_iter().find(|row| row["id"] == self.history_id).ok_or_else(|| {
            ToolError::TellModel(format!(
                "{} has no grabbed release with the history_id {} among its last {LARGEST_PAGE}",
                client.title(),
                self.history_id
            ))
        })
    }
}

impl<A: Application> Tool for MarkFailed<A> {
    const NAME: &'static str = named!(A, "mark_failed");
    const EFFECT: Effect = Effect::Destroy;
    const UNDO: Undo = Undo::No("the download is given up; the release can be taken off the blocklist");
    const KEYWORDS: &'static str = "mark failed bad release wrong language broken fake schlecht falsche kaputt malo roto \
                                    mauvais cassé";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Mark a release of {} as failed", A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks("Mark this release as failed and search another one?", "The release stays as it is.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let row = self.meant(client).await?;
        let mut card = Card::new(view::about(A::WHICH, &row).unwrap_or_else(|| "A release".into()))
            .fact("Release", view::text_or(&row["sourceTitle"], view::LONGEST_NAME, "without a name"));
        card.picture = client.picture_of(row[A::WHICH.id_field()].as_u64());
        card.subtitle = "It is never taken again; another one is searched".into();
        if let Some(date) = view::instant(&row["date"]) {
            card = card.fact("Grabbed", date);
        }
        Ok(card.fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let row = self.meant(client).await?;
        let path = format!("/history/failed/{}", self.history_id);
        client.send(Method::POST, &path, &Query::new(), &Value::Null).await?;
        let name = view::text_or(&row["sourceTitle"], 100, "The release");
        let mut output = Output::json(&json!({
            "marked_failed": view::text(&row["sourceTitle"], view::LONGEST_NAME),
            "for": view::about(A::WHICH, &row),
            "note": "another one is searched when that is switched on; look at the queue in a few minutes",
        }))?;
        output.receipt = Some(format!("{name} was marked as failed in {}.", client.title()));
        Ok(output)
    }
}

arguments! {
    /// Releases {App} never takes again, newest first, with the reason.
    pub struct Blocklist<A> {
        /// Only of this film.
        #[serde(default)]
        movie_id: Option<u64>,
        /// Only of this series.
        #[serde(default)]
        series_id: Option<u64>,
        /// From 1.
        #[serde(default)]
        page: Option<u32>,
        /// Releases of a page, 1 to 50; 10 when absent.
        #[serde(default, alias = "page_size")]
        limit: Option<usize>,
    }
}

impl<A: Application> Tool for Blocklist<A> {
    const NAME: &'static str = named!(A, "blocklist");
    const ALIASES: &'static [&'static str] = also_named!(A, "get_blacklist", "blacklist");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "blocklist blacklist blocked banned releases Sperrliste gesperrt bloqueados lista negra bloqués liste noire";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Reading {}'s blocklist", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let mut query = Query::new();
        if let Some(thing) = super::own_id::<A>(self.movie_id, self.series_id)? {
            query.push((if A::WHICH == Which::Radarr { "movieIds" } else { "seriesIds" }, thing.to_string()));
        }
        let limit = super::limit(self.limit, 10, 50)?;
        let paging = Paging { page: self.page.unwrap_or(1), size: limit, sort_key: "date".into(), descending: true };
        let page = client.page("/blocklist", &query, &paging, Age::Live).await?;
        let entry = |row: &Value| {
            view::Fields::default()
                .put("blocklist_id", row["id"].clone())
                .put("date", view::instant(&row["date"]))
                .put("for", view::about(A::WHICH, row))
                .put("release", view::text(&row["sourceTitle"], view::LONGEST_NAME))
                .put("indexer", view::text(&row["indexer"], 60))
                .put("message", view::text(&row["message"], 200))
                .done()
        };
        let items: Vec<Value> = page.records.iter().take(limit).map(entry).collect();
        Output::json(&json!({ "total": page.total, "page": page.number, "count": items.len(), "items": items }))
    }
}

/// Every entry of the blocklist, a page at a time.
async fn whole_blocklist(client: &Client) -> Result<Vec<Value>, ToolError> {
    let mut all = Vec::new();
    // Ten thousand entries are more than anybody has; the rest would be said.
    for page in 1..=10 {
        let paging = Paging { page, size: LARGEST_PAGE, sort_key: "date".into(), descending: true };
        let found = client.page("/blocklist", &Query::new(), &paging, Age::Now).await?;
        let is_last = found.records.len() < LARGEST_PAGE;
        all.extend(found.records);
        if is_last {
            break;
        }
    }
    Ok(all)
}

fn ids_of(rows: &[Value]) -> Vec<u64> {
    rows.iter().filter_map(|row| row["id"].as_u64()).collect()
}

arguments! {
    /// Take releases off {App}'s blocklist, so that they may be taken again.
    pub struct BlocklistRemove<A> {
        /// `blocklist_id` of each, from `{app}_blocklist`; 1 to 100.
        #[serde(alias = "ids")]
        blocklist_ids: Vec<u64>,
    }
}

impl<A: Application> BlocklistRemove<A> {
    async fn meant(&self, client: &Client) -> Result<Vec<Value>, ToolError> {
        if !(1..=100).contains(&self.blocklist_ids.len()) {
            return Err(ToolError::TellModel("give 1 to 100 blocklist_ids".into()));
        }
        let rows = whole_blocklist(client).await?;
        let known = ids_of(&rows);
        if let Some(id) = self.blocklist_ids.iter().find(|id| !known.contains(id)) {
            return Err(ToolError::TellModel(format!("{}'s blocklist has no entry {id}", client.title())));
        }
        Ok(rows.into_iter().filter(|row| self.blocklist_ids.iter().any(|id| row["id"] == *id)).collect())
    }
}

impl<A: Application> Tool for BlocklistRemove<A> {
    const NAME: &'static str = named!(A, "blocklist_remove");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("an entry is only made when a download fails or is blocked");
    const KEYWORDS: &'static str = "blocklist blacklist remove unblock allow again Sperrliste entfernen freigeben \
                                    desbloquear débloquer";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Take {} off {}'s blocklist", super::counted(self.blocklist_ids.len(), "release"), A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{}?", self.title()), "The blocklist stays as it is.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let rows = self.meant(client).await?;
        let mut card = Card::new(self.title());
        for row in rows.iter().take(8) {
            let name = view::text_or(&row["sourceTitle"], view::LONGEST_NAME, "without a name");
            card = card.fact(view::date(&row["date"]).unwrap_or_else(|| "Release".into()), name);
        }
        Ok(card.fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let rows = self.meant(client).await?;
        let went = remove(client, &ids_of(&rows)).await?;
        removed(client, went, whole_blocklist(client).await?.len())
    }
}

/// Removes entries and says how many are really gone.
async fn remove(client: &Client, ids: &[u64]) -> Result<usize, ToolError> {
    match ids {
        [] => return Ok(0),
        [one] => client.send(Method::DELETE, &format!("/blocklist/{one}"), &Query::new(), &Value::Null).await?,
        many => client.send(Method::DELETE, "/blocklist/bulk", &Query::new(), &json!({ "ids": many })).await?,
    };
    let left = ids_of(&whole_blocklist(client).await?);
    Ok(ids.iter().filter(|id| !left.contains(id)).count())
}

fn removed(client: &Client, went: usize, left: usize) -> Result<Output, ToolError> {
    let mut output = Output::json(&json!({ "removed": went, "left": left }))?;
    if went > 0 {
        output.receipt = Some(format!("{} went from {}'s blocklist.", super::counted(went, "release"), client.title()));
    }
    Ok(output)
}

arguments! {
    /// Empty {App}'s whole blocklist, so that every release may be taken again. Says how many entries went.
    pub struct ClearBlacklist<A> {}
}

impl<A: Application> Tool for ClearBlacklist<A> {
    const NAME: &'static str = named!(A, "clear_blacklist");
    const ALIASES: &'static [&'static str] = also_named!(A, "clear_blocklist");
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("the entries are not kept anywhere else");
    const KEYWORDS: &'static str =
        "clear empty blocklist blacklist all Sperrliste leeren vaciar lista negra vider liste";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Empty {}'s blocklist", A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{}?", self.title()), "The blocklist stays as it is.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let count = whole_blocklist(client).await?.len();
        let mut card =
            Card::new(format!("The whole blocklist of {}", client.title())).fact("Entries", count.to_string());
        card.subtitle = "Releases that failed before may be taken again".into();
        Ok(card)
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let ids = ids_of(&whole_blocklist(client).await?);
        let mut went = 0;
        for some in ids.chunks(LARGEST_PAGE) {
            went += remove(client, some).await?;
        }
        removed(client, went, ids.len() - went)
    }
}
