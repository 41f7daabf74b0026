//! The doctor of stuck downloads: which do not get on, the one fix that is proposed for each, and doing it.
//!
//! Never: judges itself (`servarr/doctor.rs` does, and remembers); does another fix than the one that was approved; does the same fix
//! twice for the same release.

use super::{Media, wish::Kind};
use crate::servarr::{
    Client, Radarr, Sonarr, Which, asks,
    client::{Age, Query},
    command,
    doctor::{is_doing, is_stuck},
    imports,
    releases::is_accepted,
    stuck::{self, Download, Fix, Tried, Verdict},
    view,
};
use futures_util::future::join_all;
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, text::clean, tool::Undo,
};
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const SHOWN: usize = 10;
/// A removal, then a search of every indexer that is followed for two minutes at most.
const TIMEOUT: Duration = Duration::from_secs(200);

/// Downloads that do not get on, the worst first: why, since when, and the one fix proposed for `media_mend`. What was tried before is not
/// proposed again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StuckDownloads {
    /// Only downloads with these words in their title.
    #[serde(default)]
    title: Option<String>,
}

impl Tool for StuckDownloads {
    const NAME: &'static str = "media_stuck";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "stuck download stalled blocked hangs not importing why diagnose doctor fix hängt Download stockt \
        klemmt warum atascada descarga parada bloqueada por qué téléchargement bloqué coincé pourquoi";
    type Service = Media;

    fn title(&self) -> String {
        "Looking for downloads that do not get on".into()
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let doctor = media.bounds.doctor(media.store.clone());
        let wanted = self.title.as_deref().map(stuck::normalised).filter(|wanted| !wanted.is_empty());
        let asked =
            media.fetchers().into_iter().map(|(kind, client)| async move { (kind, client, client.downloads().await) });
        let (mut found, mut could_not_ask) = (Vec::new(), Vec::new());
        for (kind, client, answer) in join_all(asked).await {
            match answer {
                Ok(downloads) => {
                    let visit = doctor.visit(client, &downloads, true, call.now_ms).await?;
                    found.extend(downloads.into_iter().map(|download| {
                        let verdict = visit.judge(&download);
                        (kind, client, download, verdict)
                    }));
                }
                Err(error) => could_not_ask.push(json!({"service": client.title(), "reason": error.to_string()})),
            }
        }
        let mut stuck: Vec<(Kind, &Client, Download, Verdict)> = found
            .into_iter()
            .filter(|(_, _, download, _)| {
                let holds = |text: &str| wanted.as_ref().is_none_or(|wanted| stuck::normalised(text).contains(wanted));
                holds(&download.title) || holds(&download.name())
            })
            .filter(|(.., verdict)| is_stuck(verdict.class))
            .collect();
        // First what can be mended, then the oldest.
        stuck.sort_by_key(|(_, _, download, verdict)| (!is_doing(verdict.fix), download.added));
        let told = |(kind, client, download, verdict): &(Kind, &Client, Download, Verdict)| {
            view::Fields::default()
                .put("application", if *kind == Kind::Film { "film" } else { "series" })
                .put("instance", client.name())
                .put("queue_id", download.rows.first().copied())
                .put("for", download.name())
                .put("release", download.title.clone())
                .put("since", download.added.map(|at| at.to_string()))
                .put("class", serde_json::to_value(verdict.class).unwrap_or_default())
                .put("cause", verdict.cause.clone())
                .put("fix", serde_json::to_value(verdict.fix).unwrap_or_default())
                .put("consequence", verdict.consequence.clone())
                .done()
        };
        let shown: Vec<Value> = stuck.iter().take(SHOWN).map(told).collect();
        Output::json(&json!({"total": stuck.len(), "downloads": shown, "could_not_ask": could_not_ask}))
    }
}

/// Mend one stuck download with the fix that `media_stuck` proposes for it, then look whether it helped. Asks first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mend {
    /// film for Radarr, series for Sonarr, as `media_stuck` says.
    application: Kind,
    /// Its `queue_id` from `media_stuck`.
    queue_id: u64,
    /// Its `fix` from `media_stuck`; another than the proposed one is refused.
    fix: Fix,
    /// Which Radarr or Sonarr; the default one when absent.
    #[serde(default)]
    instance: Option<String>,
}

/// A download with everything that is known of it before it is mended.
struct Case<'a> {
    client: &'a Client,
    download: Download,
    verdict: Verdict,
    /// Rows of the queue, as they came.
    rows: Vec<Value>,
    tried: Vec<Tried>,
}

impl Mend {
    async fn case<'a>(&self, media: &'a Media, call: &Call) -> Result<Case<'a>, ToolError> {
        let client = media.fetcher(self.application, self.instance.as_deref())?;
        let mut rows = client.whole_queue().await?;
        let downloads = stuck::downloads(client.which(), &rows);
        let doctor = media.bounds.doctor(media.store.clone());
        let visit = doctor.visit(client, &downloads, true, call.now_ms).await?;
        let Some(download) = downloads.into_iter().find(|download| download.rows.contains(&self.queue_id)) else {
            let (title, id) = (client.title(), self.queue_id);
            return Err(ToolError::TellModel(format!("{title} has no download with the queue_id {id} any more")));
        };
        rows.retain(|row| row["id"].as_u64().is_some_and(|id| download.rows.contains(&id)));
        let verdict = visit.judge(&download);
        if !is_doing(verdict.fix) {
            let (name, Verdict { cause, consequence, .. }) = (download.name(), verdict);
            return Err(ToolError::TellModel(format!("nothing is done about {name}: {cause}; {consequence}")));
        }
        if verdict.fix != self.fix {
            let fix = serde_json::to_value(verdict.fix).unwrap_or_default();
            let (name, cause) = (download.name(), verdict.cause);
            return Err(ToolError::TellModel(format!("the fix for {name} is {fix} now: {cause}")));
        }
        Ok(Case { client, download, verdict, rows, tried: visit.tried })
    }
}

impl Tool for Mend {
    const NAME: &'static str = "media_mend";
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("a removed download is gone; its release can be taken off the blocklist");
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "mend fix repair stuck stalled blocked download replace import doctor reparieren beheben Download \
        hängt ersetzen arreglar reparar descarga atascada réparer téléchargement bloqué remplacer";
    type Service = Media;

    fn title(&self) -> String {
        match self.fix {
            Fix::RemoveAndBlock => "Replace a stuck download with another release",
            Fix::RemoveQuietly => "Remove a download that is not needed",
            Fix::ImportByHand => "Import a finished download by hand",
            Fix::ImportPart => "Import what is there of a pack and search the rest",
            Fix::ChooseAnother => "Take another release in place of a stuck one",
            Fix::Nothing | Fix::Wait | Fix::TellAdmin => "Mend a download",
        }
        .into()
    }

    fn wording(&self, _: &Media) -> Wording {
        asks(format!("{}?", self.title()), "The download stays as it is.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, media: &Media, call: &Call) -> Result<Card, ToolError> {
        let Case { client, download, verdict, .. } = self.case(media, call).await?;
        let card = client.card_of(&download);
        let mut card = card.fact("Release", download.title.clone()).fact("Why", verdict.cause);
        card.subtitle = self.title();
        let mut consequence = verdict.consequence;
        if let Some(first) = consequence.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        card.text = format!("{consequence}.");
        if let Some(size) = download.size {
            card = card.fact("Size", view::size(size));
        }
        if let Some(percent) = download.percent() {
            card = card.fact("There", format!("{percent} %"));
        }
        if download.rows.len() > 1 {
            card = card.fact("Holds", format!("{} parts, all of them are meant", download.rows.len()));
        }
        Ok(card.fact("In", client.title()))
    }

    /// Whether it is not in the queue any more.
    async fn check(&self, media: &Media, _: &Call) -> Result<Option<Output>, ToolError> {
        let client = media.fetcher(self.application, self.instance.as_deref())?;
        let is_there = client.downloads().await?.iter().any(|download| download.rows.contains(&self.queue_id));
        let unknown = match self.fix {
            Fix::RemoveAndBlock | Fix::ChooseAnother => "; whether another one was searched for is not known",
            Fix::ImportPart => "; whether the rest was searched for is not known",
            Fix::RemoveQuietly | Fix::ImportByHand | Fix::Nothing | Fix::Wait | Fix::TellAdmin => "",
        };
        let gone = || format!("The download is not in {}'s queue any more{unknown}.", client.title());
        Ok((!is_there).then(|| Output::done(gone())))
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let case = self.case(media, call).await?;
        let tried = Tried::of(&case.download, self.fix);
        // Before anything is done: however this ends, it is not tried a second time.
        let doctor = media.bounds.doctor(media.store.clone());
        doctor.note(&tried, None, call.now_ms).await?;
        let outcome = match self.fix {
            Fix::RemoveAndBlock => case.replace().await,
            Fix::RemoveQuietly => case.take_out(false).await.map(|()| "it was removed; nothing is searched".to_owned()),
            Fix::ImportByHand | Fix::ImportPart => case.import(media, call, self.fix == Fix::ImportPart).await,
            Fix::ChooseAnother => case.choose_another().await,
            Fix::Nothing | Fix::Wait | Fix::TellAdmin => Err(ToolError::Bug("a fix that does nothing".into())),
        };
        let said = match &outcome {
            Ok(said) => said.clone(),
            Err(error) => error.to_string(),
        };
        doctor.note(&tried, Some(&said), call.now_ms).await?;
        let said = outcome?;
        let name = case.download.name();
        let mut output = Output::json(&json!({"for": name, "release": case.download.title, "result": said}))?;
        output.receipt = Some(format!("{name}: {said}."));
        Ok(output)
    }
}

impl Case<'_> {
    /// Takes the download out of the queue and the client; looks that it is gone.
    async fn take_out(&self, is_blocked: bool) -> Result<(), ToolError> {
        let Some(row) = self.download.rows.first() else {
            return Err(ToolError::Bug("a download without rows".into()));
        };
        let query: Query = vec![
            ("removeFromClient", "true".into()),
            ("blocklist", is_blocked.to_string()),
            // The search is ours, so that what comes of it is known: by itself it depends on a setting.
            ("skipRedownload", "true".into()),
            ("changeCategory", "false".into()),
        ];
        self.client.send(Method::DELETE, &format!("/queue/{row}"), &query, &Value::Null).await?;
        let left = self.client.downloads().await?;
        match left.iter().any(|download| download.rows.contains(row)) {
            false => Ok(()),
            true => Err(ToolError::TellModel(format!(
                "{} was told to remove it, and it is still in the queue; look again in a minute",
                self.client.title()
            ))),
        }
    }

    fn episodes(&self) -> Vec<u64> {
        self.rows.iter().filter_map(|row| row["episodeId"].as_u64()).filter(|id| *id > 0).collect()
    }

    /// The season all its episodes are of, when it holds several.
    fn season(&self) -> Option<u64> {
        let mut seasons = self.rows.iter().filter_map(|row| row["seasonNumber"].as_u64());
        let first = seasons.next()?;
        (self.rows.len() > 1 && seasons.all(|season| season == first)).then_some(first)
    }

    /// The search for another release of the same; None when nobody knows what the download is for.
    fn search(&self) -> Option<Value> {
        let thing = *self.download.things.first()?;
        Some(match (self.client.which(), self.season()) {
            (Which::Radarr, _) => command::body("MoviesSearch", json!({ "movieIds": [thing] })),
            (Which::Sonarr, Some(season)) => {
                command::body("SeasonSearch", json!({ "seriesId": thing, "seasonNumber": season }))
            }
            (Which::Sonarr, None) => command::body("EpisodeSearch", json!({ "episodeIds": self.episodes() })),
        })
    }

    async fn replace(&self) -> Result<String, ToolError> {
        self.take_out(true).await?;
        let Some(search) = self.search() else {
            return Ok(
                "it was removed and is not taken again; nobody knows what it was for, so nothing is searched".into()
            );
        };
        let done = "it was removed and is not taken again";
        match self.searched(&search, done).await {
            Ok(said) => Ok(said),
            // The removal stands, and is told.
            Err(error) => Ok(format!("{done}, but the search for another one did not go well: {error}")),
        }
    }

    /// Sends a search and says what was really taken; a release that was mended before is not good news.
    async fn searched(&self, search: &Value, done: &str) -> Result<String, ToolError> {
        let field = self.client.which().id_field();
        let is_meant = |row: &Value| row[field].as_u64().is_some_and(|id| self.download.things.contains(&id));
        let searched = self.client.search_and_verify(search, is_meant).await?;
        let name = |row: &Value| view::text_or(&row["sourceTitle"], view::LONGEST_NAME, "a release");
        Ok(match searched.grabbed.last().map(name) {
            Some(name) if stuck::normalised(&name) == stuck::normalised(&self.download.title) => {
                format!("{done}, but the search took the same release again: {name}")
            }
            Some(name) => format!("{done}; another release was taken: {name}"),
            None if !searched.command.is_over() => format!("{done}; the search for another one is still running"),
            None => format!("{done}; no other release is offered now"),
        })
    }

    /// The import that a person would start, then a look at the files that are there now.
    async fn import(&self, media: &Media, call: &Call, is_part: bool) -> Result<String, ToolError> {
        let arguments = json!({ "download_id": self.download.id, "instance": self.client.name() });
        let understood = |error: serde_json::Error| ToolError::Bug(error.to_string());
        let imported = match (&media.radarr, &media.sonarr, self.client.which()) {
            (Some(instances), _, Which::Radarr) => {
                let import: imports::ManualImport<Radarr> = serde_json::from_value(arguments).map_err(understood)?;
                import.run(instances, call).await?
            }
            (_, Some(instances), Which::Sonarr) => {
                let import: imports::ManualImport<Sonarr> = serde_json::from_value(arguments).map_err(understood)?;
                import.run(instances, call).await?
            }
            _ => return Err(ToolError::Bug("a download of nobody".into())),
        };
        let told: Value = serde_json::from_str(&imported.text).unwrap_or_default();
        let missing = self.without_file().await?;
        let count = told["imported"].as_u64().unwrap_or(0);
        if count == 0 {
            return Ok("nothing was imported; the next fix is another one".into());
        }
        let said = format!("{count} of {} files imported", told["files"].as_u64().unwrap_or(count));
        match missing {
            0 => Ok(format!("{said}, and the files are there")),
            _ if !is_part => Ok(format!("{said}; {missing} of its parts still have no file")),
            _ => {
                let episodes = self.episodes_without_file().await?;
                let search = command::body("EpisodeSearch", json!({ "episodeIds": episodes }));
                self.searched(&search, &format!("{said}, {missing} parts were searched one by one")).await
            }
        }
    }

    /// Of what the download is for, how many have no file.
    async fn without_file(&self) -> Result<usize, ToolError> {
        if self.client.which() == Which::Sonarr {
            return Ok(self.episodes_without_file().await?.len());
        }
        let mut missing = 0;
        for thing in &self.download.things {
            let film = self.client.get(&format!("/movie/{thing}"), &Query::new(), Age::Now).await?;
            missing += usize::from(film["hasFile"] != true);
        }
        Ok(missing)
    }

    async fn episodes_without_file(&self) -> Result<Vec<u64>, ToolError> {
        let wanted = self.episodes();
        let mut missing = Vec::new();
        for series in &self.download.things {
            let all = self.client.list("/episode", &vec![("seriesId", series.to_string())], Age::Now).await?;
            let lacking = all.iter().filter(|episode| episode["hasFile"] != true);
            missing.extend(lacking.filter_map(|episode| episode["id"].as_u64()).filter(|id| wanted.contains(id)));
        }
        Ok(missing)
    }

    /// Removes it, then grabs the best release on offer that was never mended.
    async fn choose_another(&self) -> Result<String, ToolError> {
        let thing = self.download.things.first().copied();
        let query: Query = match (self.client.which(), thing, self.season(), self.episodes().first().copied()) {
            (Which::Radarr, Some(film), ..) => vec![("movieId", film.to_string())],
            (Which::Sonarr, Some(series), Some(season), _) => {
                vec![("seriesId", series.to_string()), ("seasonNumber", season.to_string())]
            }
            (Which::Sonarr, _, _, Some(episode)) => vec![("episodeId", episode.to_string())],
            _ => return Err(ToolError::TellModel("nobody knows what this download is for; remove it by hand".into())),
        };
        let releases = self.client.search(&query).await?.unwrap_or_default();
        let is_known = |release: &Value| {
            let alike = Download {
                id: release["infoHash"].as_str().map(str::to_owned),
                title: clean(release["title"].as_str().unwrap_or_default()),
                size: view::bytes(&release["size"]),
                ..Download::default()
            };
            let is_this = Tried::of(&self.download, Fix::ChooseAnother).is_about(&alike);
            is_this || self.tried.iter().any(|tried| tried.is_about(&alike))
        };
        let may_be_taken = |release: &Value| is_accepted(release) || is_behind_the_queue(release);
        let Some(other) = releases.iter().find(|release| may_be_taken(release) && !is_known(release)) else {
            return Err(ToolError::TellModel(format!(
                "no other acceptable release is offered for {}; nothing was removed",
                self.download.name()
            )));
        };
        self.take_out(true).await?;
        let body = json!({ "guid": other["guid"], "indexerId": other["indexerId"] });
        self.client.send(Method::POST, "/release", &Query::new(), &body).await?;
        let title = view::text_or(&other["title"], view::LONGEST_NAME, "a release");
        let is_there = self.client.downloads().await?.iter().any(|now| now.title == title);
        let seen = if is_there { "" } else { ", though it is not in the queue yet" };
        Ok(format!("it was removed and is not taken again; {title} was taken in its place{seen}"))
    }
}

/// Whether nothing is in a release's way but what is in the queue, which goes. Source: `QueueSpecification` of both applications, whose
/// texts all begin with these words.
fn is_behind_the_queue(release: &Value) -> bool {
    let said = release["rejections"].as_array().into_iter().flatten();
    let mut said = said.map(|said| said.as_str().or(said["reason"].as_str()).unwrap_or_default()).peekable();
    said.peek().is_some() && said.all(|said| said.starts_with("Release in queue "))
}
