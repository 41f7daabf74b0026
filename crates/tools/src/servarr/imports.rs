//! Files that could not be imported by themselves: what they are taken for, and importing them by hand.

use super::{
    Application, Client, Instances, Which, arguments, asks,
    client::{Age, Query},
    command, commands, named, view,
};
use majordomo_domain::{
    Call, Card, Effect, Output, Tool, ToolError,
    approval::Wording,
    text::{clean, shorten},
    tool::Undo,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// What becomes of the downloaded files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// As the settings say: copied or linked while it is shared, else moved.
    #[default]
    Auto,
    Move,
    Copy,
}

/// Where the files are, and what they are.
struct Search<'a> {
    download: Option<&'a str>,
    folder: Option<&'a str>,
    thing: Option<u64>,
    season: Option<u32>,
}

impl Search<'_> {
    async fn candidates(&self, client: &Client) -> Result<Vec<Value>, ToolError> {
        let given = |text: Option<&str>| text.map(|text| clean(text).trim().to_owned()).filter(|text| !text.is_empty());
        let mut query: Query = match (given(self.download), given(self.folder)) {
            (Some(download), None) => vec![("downloadId", download)],
            (None, Some(folder)) => vec![("folder", folder)],
            _ => return Err(ToolError::TellModel("give download_id or folder, one of them".into())),
        };
        query.extend(self.thing.map(|thing| (client.which().id_field(), thing.to_string())));
        query.extend(self.season.map(|season| ("seasonNumber", season.to_string())));
        query.push(("filterExistingFiles", "true".to_owned()));
        client.list("/manualimport", &query, Age::Now).await
    }
}

fn file_name(candidate: &Value) -> String {
    view::text(&candidate["relativePath"], 200)
        .or_else(|| view::text(&candidate["name"], 200))
        .unwrap_or_else(|| "a file without a name".into())
}

fn rejections(candidate: &Value) -> Vec<String> {
    let list = candidate["rejections"].as_array().into_iter().flatten();
    list.filter_map(|said| view::text(&said["reason"], 160).or_else(|| view::text(said, 160))).take(5).collect()
}

fn taken_for(which: Which, candidate: &Value) -> Option<String> {
    match which {
        Which::Radarr => view::title_and_year(&candidate["movie"]),
        Which::Sonarr => {
            let series = view::text(&candidate["series"]["title"], 200)?;
            let episodes: Vec<String> = candidate["episodes"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|it| view::episode_number(it["seasonNumber"].as_u64(), it["episodeNumber"].as_u64()))
                .take(10)
                .collect();
            Some(if episodes.is_empty() { series } else { format!("{series} {}", episodes.join(", ")) })
        }
    }
}

fn told(which: Which, candidate: &Value) -> Value {
    view::Fields::default()
        .put("file", file_name(candidate))
        .put("size", view::size_of(&candidate["size"]))
        .put("taken_for", taken_for(which, candidate))
        .put("quality", view::quality(&candidate["quality"]))
        .put("languages", view::languages(&candidate["languages"]))
        .put("objections", rejections(candidate))
        .done()
}

arguments! {
    /// What {App} takes the files of a finished download or folder for, and why it did not import them.
    pub struct ManualImportPreview<A> {
        /// `download_id` from `{app}_queue`.
        #[serde(default)]
        download_id: Option<String>,
        /// Or a folder on {App}'s machine.
        #[serde(default)]
        folder: Option<String>,
        /// What it should be taken for.
        #[serde(default)]
        movie_id: Option<u64>,
        /// What it should be taken for.
        #[serde(default)]
        series_id: Option<u64>,
        /// Season it should be taken for.
        #[serde(default)]
        season_number: Option<u32>,
    }
}

impl<A: Application> Tool for ManualImportPreview<A> {
    const NAME: &'static str = named!(A, "manual_import_preview");
    const EFFECT: Effect = Effect::Read;
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(60));
    const KEYWORDS: &'static str = "manual import preview blocked stuck files what is it Import prüfen blockiert importar manual \
                                    bloqueado importer manuellement bloqué";
    type Service = Instances<A>;

    fn title(&self) -> String {
        "Looking at files that wait for their import".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let search = Search {
            download: self.download_id.as_deref(),
            folder: self.folder.as_deref(),
            thing: super::own_id::<A>(self.movie_id, self.series_id)?,
            season: super::sonarr_only::<A, _>("season_number", self.season_number)?,
        };
        let candidates = search.candidates(client).await?;
        let mut told = view::some(candidates.iter(), 20, |candidate| told(A::WHICH, candidate));
        if candidates.is_empty() {
            told["note"] = "nothing found: there are no files to import".into();
        }
        Output::json(&told)
    }
}

arguments! {
    /// Import files of a finished download by hand, after `{app}_manual_import_preview`. Shows what becomes of each file first.
    pub struct ManualImport<A> {
        /// `download_id` from `{app}_queue`.
        #[serde(default)]
        download_id: Option<String>,
        /// Or a folder on {App}'s machine.
        #[serde(default)]
        folder: Option<String>,
        /// What the files are, where {App} does not know.
        #[serde(default)]
        movie_id: Option<u64>,
        /// What the files are, where {App} does not know.
        #[serde(default)]
        series_id: Option<u64>,
        /// Which episodes the one named file holds.
        #[serde(default)]
        episode_ids: Option<Vec<u64>>,
        /// Only these files, as the preview names them; all that are known when absent.
        #[serde(default)]
        files: Option<Vec<String>>,
        /// Default `auto`.
        #[serde(default)]
        mode: Option<ImportMode>,
    }
}

impl<A: Application> ManualImport<A> {
    /// The files with what they are taken for, as the command wants them.
    async fn meant(&self, client: &Client) -> Result<Vec<(Value, Value)>, ToolError> {
        let thing = super::own_id::<A>(self.movie_id, self.series_id)?;
        let episodes = super::sonarr_only::<A, _>("episode_ids", self.episode_ids.clone())?;
        let search =
            Search { download: self.download_id.as_deref(), folder: self.folder.as_deref(), thing, season: None };
        let mut candidates = search.candidates(client).await?;
        if let Some(wanted) = &self.files {
            let known: Vec<String> = candidates.iter().map(file_name).collect();
            if let Some(unknown) = wanted.iter().find(|file| !known.contains(file)) {
                let unknown = shorten(&clean(unknown), 100);
                let known = view::names(known.iter().map(String::as_str));
                return Err(ToolError::TellModel(format!("there is no file “{unknown}”; there are: {known}")));
            }
            candidates.retain(|candidate| wanted.contains(&file_name(candidate)));
        }
        if episodes.is_some() && candidates.len() != 1 {
            return Err(ToolError::TellModel("episode_ids say what one file holds; name that file in files".into()));
        }
        if candidates.is_empty() {
            return Err(ToolError::TellModel("there are no files to import".into()));
        }
        let mut files = Vec::new();
        for candidate in candidates {
            let file = self.file(&candidate, thing, episodes.as_deref())?;
            files.push((candidate, file));
        }
        Ok(files)
    }

    fn file(&self, candidate: &Value, thing: Option<u64>, episodes: Option<&[u64]>) -> Result<Value, ToolError> {
        let name = file_name(candidate);
        let missing =
            |what: &str| ToolError::TellModel(format!("{} does not know what {name} is; give {what}", A::WHICH.name()));
        let mut file = json!({
            "path": candidate["path"],
            "folderName": candidate["folderName"],
            "quality": candidate["quality"],
            "languages": candidate["languages"],
            "releaseGroup": candidate["releaseGroup"],
            "downloadId": candidate["downloadId"],
            "indexerFlags": candidate["indexerFlags"].as_u64().unwrap_or(0),
        });
        let known = match A::WHICH {
            Which::Radarr => candidate["movie"]["id"].as_u64(),
            Which::Sonarr => candidate["series"]["id"].as_u64(),
        };
        let id = thing.or(known).filter(|id| *id > 0).ok_or_else(|| missing(A::WHICH.id_argument()))?;
        file[A::WHICH.id_field()] = id.into();
        if A::WHICH == Which::Sonarr {
            let list = candidate["episodes"].as_array().into_iter().flatten();
            let known: Vec<u64> = list.filter_map(|episode| episode["id"].as_u64()).collect();
            let episodes = episodes.map_or(known, <[u64]>::to_vec);
            if episodes.is_empty() {
                return Err(missing("files with that one name and episode_ids"));
            }
            file["episodeIds"] = episodes.into();
            file["releaseType"] = candidate["releaseType"].clone();
        }
        Ok(file)
    }
}

impl<A: Application> Tool for ManualImport<A> {
    const NAME: &'static str = named!(A, "manual_import");
    const EFFECT: Effect = Effect::Write;
    const UNDO: Undo = Undo::No("an imported file is deleted by its own tool");
    const TIMEOUT: Option<Duration> = Some(super::COMMAND_TIMEOUT);
    const KEYWORDS: &'static str = "manual import by hand blocked stuck files von Hand importieren importar a mano importer à la \
                                    main";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Import files by hand in {}", A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks("Import these files?", "Nothing was imported.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let files = self.meant(client).await?;
        let mut card = match super::own_id::<A>(self.movie_id, self.series_id)? {
            Some(id) => {
                let mut card = commands::card_of(client, &commands::thing(client, id).await?);
                card.title = format!("Import as {}", card.title);
                card
            }
            None => Card::new(format!("Import {}", super::counted(files.len(), "file"))),
        };
        for (candidate, _) in files.iter().take(8) {
            let mut parts = vec![taken_for(A::WHICH, candidate).unwrap_or_else(|| "as said above".into())];
            parts.extend(view::quality(&candidate["quality"]));
            parts.extend(view::size_of(&candidate["size"]));
            parts.extend(rejections(candidate).into_iter().take(1));
            card = card.fact(shorten(&file_name(candidate), 80), parts.join(" · "));
        }
        if files.len() > 8 {
            card = card.fact("And", format!("{} more", files.len() - 8));
        }
        Ok(card.fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let files = self.meant(client).await?;
        let mode = match self.mode.unwrap_or_default() {
            ImportMode::Auto => "auto",
            ImportMode::Move => "move",
            ImportMode::Copy => "copy",
        };
        let bodies: Vec<&Value> = files.iter().map(|(_, file)| file).collect();
        let body = command::body("ManualImport", json!({ "importMode": mode, "files": bodies }));
        let command = client.command(&body).await?;
        let since = command.queued.clone();
        let command = client.follow(command).await?;
        // "Completed" does not say that anything was imported; the history does.
        let event = super::history::Event::Imported.name(A::WHICH);
        let imported = match &since {
            Some(since) => {
                let query = vec![("date", since.clone()), ("eventType", event.to_owned())];
                client.list("/history/since", &query, Age::Now).await?.len()
            }
            None => 0,
        };
        let imported = imported.min(files.len());
        let mut output = Output::json(&json!({
            "command": command.told(),
            "files": files.len(),
            "imported": imported,
            "not_imported": files.len() - imported,
        }))?;
        output.receipt = Some(match imported {
            0 if !command.is_over() => format!("{} is importing; it is not done yet.", client.title()),
            0 => format!("{} imported nothing.", client.title()),
            count => format!("{} imported in {}.", super::counted(count, "file"), client.title()),
        });
        Ok(output)
    }
}
