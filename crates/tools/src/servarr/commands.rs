//! Commands: how one stands, and those that read disks, download clients and names anew or search for everything.

use super::{
    Application, Client, Command, Instances, MOST_DESTROYED, Which, arguments, asks,
    client::{Age, Query},
    command, named, view, wanted,
};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, text::shorten, tool::Undo,
};
use majordomo_upstream::Method;
use serde_json::{Value, json};
use std::time::Duration;

const NOT_CALLED_BACK: Undo = Undo::No("a search cannot be called back");

/// A film or series by its number; refused when there is none.
pub async fn thing(client: &Client, id: u64) -> Result<Value, ToolError> {
    let found = client.find(&format!("{}/{id}", client.which().path()), &Query::new(), Age::Live).await?;
    found.map(|found| Value::clone(&found)).ok_or_else(|| {
        let which = client.which();
        ToolError::TellModel(format!(
            "{} has no {} with the {} {id}",
            client.title(),
            which.thing(),
            which.id_argument()
        ))
    })
}

pub fn name_of(thing: &Value) -> String {
    view::title_and_year(thing).unwrap_or_else(|| "without a title".into())
}

arguments! {
    /// How a command of {App} stands (searches, refreshes), or the newest commands when none is named.
    pub struct CommandState<A> {
        /// `command_id` of an earlier result.
        #[serde(default, alias = "id")]
        command_id: Option<u64>,
    }
}

impl<A: Application> Tool for CommandState<A> {
    const NAME: &'static str = named!(A, "command");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "command task running state finished search done Aufgabe läuft fertig tarea terminado tâche terminé";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking at what {} is busy with", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        match self.command_id {
            Some(id) => match client.command_state(id).await? {
                Some(command) => {
                    let mut told = command.told();
                    if let Some(count) = command.message.as_deref().and_then(command::reports_downloaded) {
                        told["reports_downloaded"] = count.into();
                    }
                    Output::json(&told)
                }
                None => Output::json(&json!({ "note": "nothing found: old commands are forgotten after a while" })),
            },
            None => {
                let list = client.list("/command", &Query::new(), Age::Live).await?;
                let newest: Vec<&Value> = list.iter().rev().collect();
                let tell = |entry: &Value| Command::read(entry).map_or(Value::Null, |command| command.told());
                Output::json(&view::some(newest.into_iter(), 10, tell))
            }
        }
    }
}

arguments! {
    /// Cancel a command of {App} that is still queued. One that runs goes on to its end.
    pub struct CommandCancel<A> {
        /// `command_id` of an earlier result.
        #[serde(alias = "id")]
        command_id: u64,
    }
}

impl<A: Application> Tool for CommandCancel<A> {
    const NAME: &'static str = named!(A, "command_cancel");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("a cancelled command is sent again by its own tool");
    const KEYWORDS: &'static str = "cancel command stop queued task abbrechen Aufgabe cancelar tarea annuler tâche";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Cancel a command of {}", A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{}?", self.title()), "The command stays queued.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let command = queued(client, self.command_id).await?;
        Ok(Card::new(format!("The command {}", command.name)).fact("State", command.status).fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let command = queued(client, self.command_id).await?;
        let path = format!("/command/{}", self.command_id);
        client.send(Method::DELETE, &path, &Query::new(), &Value::Null).await?;
        Ok(Output::done(format!("The command {} was cancelled in {}.", command.name, client.title())))
    }
}

async fn queued(client: &Client, id: u64) -> Result<Command, ToolError> {
    match client.command_state(id).await? {
        Some(command) if command.status == "queued" => Ok(command),
        Some(command) => Err(ToolError::TellModel(format!(
            "the command {} is {}; only queued ones can be cancelled",
            command.name, command.status
        ))),
        None => Err(ToolError::TellModel(format!("{} has no command {id}", client.title()))),
    }
}

/// A command that was followed, as an answer and a receipt.
fn followed(command: &Command, what: &str) -> Result<Output, ToolError> {
    let mut told = command.told();
    if !command.is_over() {
        told["note"] = "it is still running; look again later".into();
    }
    let mut output = Output::json(&told)?;
    output.receipt = Some(match (command.is_over(), command.has_failed()) {
        (false, _) => format!("{what}: still running."),
        (true, true) => format!("{what}: it failed."),
        (true, false) => format!("{what}: done."),
    });
    Ok(output)
}

arguments! {
    /// Read one of {App}'s {things} anew: metadata from the internet and files from the disk.
    pub struct Refresh<A> {
        /// The film, as `radarr_movies` numbers it.
        #[serde(default)]
        movie_id: Option<u64>,
        /// The series, as `sonarr_series` numbers it.
        #[serde(default)]
        series_id: Option<u64>,
    }
}

impl<A: Application> Tool for Refresh<A> {
    const NAME: &'static str = named!(A, "refresh");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("what was read anew is only newer");
    const TIMEOUT: Option<Duration> = Some(super::COMMAND_TIMEOUT);
    const KEYWORDS: &'static str =
        "refresh metadata update information aktualisieren Metadaten actualizar metadatos rafraîchir métadonnées";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Read a {} anew in {}", A::WHICH.thing(), A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{}?", self.title()), "Nothing was read anew.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let thing = thing(client, super::needed_id::<A>(self.movie_id, self.series_id)?).await?;
        let mut card = card_of(client, &thing).fact("In", client.title());
        card.subtitle = "Its information and files are read anew".into();
        Ok(card)
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let id = super::needed_id::<A>(self.movie_id, self.series_id)?;
        let thing = thing(client, id).await?;
        let body = match A::WHICH {
            Which::Radarr => command::body("RefreshMovie", json!({ "movieIds": [id] })),
            // Older versions read `seriesId`.
            Which::Sonarr => command::body("RefreshSeries", json!({ "seriesIds": [id], "seriesId": id })),
        };
        let command = client.command(&body).await?;
        followed(&client.follow(command).await?, &format!("Reading {} anew", name_of(&thing)))
    }
}

arguments! {
    /// Look on the disk for files of one of {App}'s {things}, for instance after files were moved by hand.
    pub struct Rescan<A> {
        /// The film, as `radarr_movies` numbers it.
        #[serde(default)]
        movie_id: Option<u64>,
        /// The series, as `sonarr_series` numbers it.
        #[serde(default)]
        series_id: Option<u64>,
    }
}

impl<A: Application> Tool for Rescan<A> {
    const NAME: &'static str = named!(A, "rescan");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("what was found on the disk is only newer");
    const TIMEOUT: Option<Duration> = Some(super::COMMAND_TIMEOUT);
    const KEYWORDS: &'static str = "rescan disk files folder scan Dateien einlesen escanear archivos analyser fichiers";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Look for a {}'s files in {}", A::WHICH.thing(), A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{}?", self.title()), "The disk was not read.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let thing = thing(client, super::needed_id::<A>(self.movie_id, self.series_id)?).await?;
        let path = view::text_or(&thing["path"], 200, "unknown");
        Ok(card_of(client, &thing).fact("Folder", path).fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let id = super::needed_id::<A>(self.movie_id, self.series_id)?;
        let thing = thing(client, id).await?;
        let body = match A::WHICH {
            Which::Radarr => command::body("RescanMovie", json!({ "movieId": id })),
            Which::Sonarr => command::body("RescanSeries", json!({ "seriesId": id })),
        };
        let command = client.command(&body).await?;
        followed(&client.follow(command).await?, &format!("Looking for files of {}", name_of(&thing)))
    }
}

arguments! {
    /// Have {App} look at its download clients now, in place of within the next minute.
    pub struct RefreshDownloads<A> {}
}

impl<A: Application> Tool for RefreshDownloads<A> {
    const NAME: &'static str = named!(A, "refresh_downloads");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("it only looks");
    const TIMEOUT: Option<Duration> = Some(super::COMMAND_TIMEOUT);
    const KEYWORDS: &'static str =
        "refresh downloads check download client now import nachsehen Download prüfen revisar descargas vérifier";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Have {} look at its download clients", A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{} now?", self.title()), "It looks by itself in a minute.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let command = client.command(&command::body("RefreshMonitoredDownloads", json!({}))).await?;
        followed(&client.follow(command).await?, "Looking at the download clients")
    }
}

/// Files that would get another name.
async fn renames(client: &Client, id: u64, season: Option<u32>) -> Result<Vec<Value>, ToolError> {
    let mut query = vec![(client.which().id_field(), id.to_string())];
    query.extend(season.map(|season| ("seasonNumber", season.to_string())));
    client.list("/rename", &query, Age::Now).await
}

fn rename_told(rename: &Value) -> Value {
    let file = |name: &str| rename[name].as_u64();
    view::Fields::default()
        .put("file_id", file("movieFileId").or(file("episodeFileId")))
        .put("from", view::text(&rename["existingPath"], 200))
        .put("to", view::text(&rename["newPath"], 200))
        .done()
}

arguments! {
    /// Which files of one of {App}'s {things} would get another name by the naming rules, and which.
    pub struct RenamePreview<A> {
        /// The film, as `radarr_movies` numbers it.
        #[serde(default)]
        movie_id: Option<u64>,
        /// The series, as `sonarr_series` numbers it.
        #[serde(default)]
        series_id: Option<u64>,
        /// Only this season.
        #[serde(default)]
        season_number: Option<u32>,
    }
}

impl<A: Application> Tool for RenamePreview<A> {
    const NAME: &'static str = named!(A, "rename_preview");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "rename files names preview umbenennen Dateinamen renombrar archivos renommer fichiers";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Comparing file names in {}", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let id = super::needed_id::<A>(self.movie_id, self.series_id)?;
        let season = super::sonarr_only::<A, _>("season_number", self.season_number)?;
        let list = renames(client, id, season).await?;
        Output::json(&view::some(list.iter(), 20, rename_told))
    }
}

arguments! {
    /// Rename files of one of {App}'s {things} by the naming rules. Shows old and new names first.
    pub struct Rename<A> {
        /// The film, as `radarr_movies` numbers it.
        #[serde(default)]
        movie_id: Option<u64>,
        /// The series, as `sonarr_series` numbers it.
        #[serde(default)]
        series_id: Option<u64>,
        /// Only this season.
        #[serde(default)]
        season_number: Option<u32>,
        /// Only these files, by `file_id`; all that differ when absent.
        #[serde(default)]
        file_ids: Option<Vec<u64>>,
    }
}

impl<A: Application> Rename<A> {
    async fn meant(&self, client: &Client) -> Result<(u64, Vec<Value>), ToolError> {
        let id = super::needed_id::<A>(self.movie_id, self.series_id)?;
        let season = super::sonarr_only::<A, _>("season_number", self.season_number)?;
        let mut list = renames(client, id, season).await?;
        if let Some(wanted) = &self.file_ids {
            list.retain(|rename| rename_told(rename)["file_id"].as_u64().is_some_and(|id| wanted.contains(&id)));
        }
        if list.is_empty() {
            return Err(ToolError::TellModel("no file would get another name".into()));
        }
        Ok((id, list))
    }
}

impl<A: Application> Tool for Rename<A> {
    const NAME: &'static str = named!(A, "rename");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("the old names are not kept");
    const TIMEOUT: Option<Duration> = Some(super::COMMAND_TIMEOUT);
    const KEYWORDS: &'static str = "rename files names umbenennen Dateien renombrar archivos renommer fichiers";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Rename files in {}", A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{}?", self.title()), "The files keep their names.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let (id, list) = self.meant(client).await?;
        let thing = thing(client, id).await?;
        let mut card = card_of(client, &thing);
        card.subtitle = format!("{} renamed", super::counted(list.len(), "file"));
        for rename in list.iter().take(8) {
            let told = rename_told(rename);
            let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
            card = card.fact(shorten(&text("from"), 120), text("to"));
        }
        Ok(card.fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let (id, list) = self.meant(client).await?;
        let files: Vec<u64> = list.iter().filter_map(|rename| rename_told(rename)["file_id"].as_u64()).collect();
        let body = command::body("RenameFiles", json!({ A::WHICH.id_field(): id, "files": files }));
        let command = client.command(&body).await?;
        let command = client.follow(command).await?;
        let left = renames(client, id, self.season_number).await?;
        let is_left = |file: &u64| left.iter().any(|rename| rename_told(rename)["file_id"] == *file);
        let renamed = files.iter().filter(|file| !is_left(file)).count();
        let mut output = Output::json(&json!({
            "command": command.told(),
            "renamed": renamed,
            "not_renamed": files.len() - renamed,
        }))?;
        output.receipt = Some(format!("{} renamed in {}.", super::counted(renamed, "file"), client.title()));
        Ok(output)
    }
}

arguments! {
    /// Search every indexer for everything {App} is missing. Heavy: prefer searching single {things}.
    pub struct SearchMissing<A> {
        /// Only this series; the whole library when absent.
        #[serde(default)]
        series_id: Option<u64>,
    }
}

impl<A: Application> Tool for SearchMissing<A> {
    const NAME: &'static str = named!(A, "search_missing");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = NOT_CALLED_BACK;
    const TIMEOUT: Option<Duration> = Some(super::COMMAND_TIMEOUT);
    const KEYWORDS: &'static str = "search missing all everything wanted alles suchen fehlende buscar todo lo que falta \
                                    chercher tout manquant";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Search for everything {} is missing", A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{}?", self.title()), "Nothing was searched.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let series = super::sonarr_only::<A, _>("series_id", self.series_id)?;
        everything(client, series, false).await
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let series = super::sonarr_only::<A, _>("series_id", self.series_id)?;
        let body = match A::WHICH {
            Which::Radarr => command::body("MissingMoviesSearch", json!({})),
            Which::Sonarr => command::body("MissingEpisodeSearch", scope(series)),
        };
        match series {
            Some(series) => searched(client, &body, series).await,
            None => begun(client, &body).await,
        }
    }
}

arguments! {
    /// Search every indexer for better copies of everything {App} has below its wanted quality. Heavy.
    pub struct SearchCutoff<A> {
        /// Only this series; the whole library when absent.
        #[serde(default)]
        series_id: Option<u64>,
    }
}

impl<A: Application> Tool for SearchCutoff<A> {
    const NAME: &'static str = named!(A, "search_cutoff");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = NOT_CALLED_BACK;
    const TIMEOUT: Option<Duration> = Some(super::COMMAND_TIMEOUT);
    const KEYWORDS: &'static str = "search cutoff upgrade better quality all bessere Qualität suchen mejor calidad buscar \
                                    meilleure qualité chercher";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Search for better copies of what {} has", A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{}?", self.title()), "Nothing was searched.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let series = super::sonarr_only::<A, _>("series_id", self.series_id)?;
        everything(client, series, true).await
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let series = super::sonarr_only::<A, _>("series_id", self.series_id)?;
        let body = match A::WHICH {
            Which::Radarr => command::body("CutoffUnmetMoviesSearch", json!({})),
            Which::Sonarr => command::body("CutoffUnmetEpisodeSearch", scope(series)),
        };
        match series {
            Some(series) => searched(client, &body, series).await,
            None => begun(client, &body).await,
        }
    }
}

fn scope(series: Option<u64>) -> Value {
    match series {
        Some(series) => json!({ "seriesId": series, "monitored": true }),
        None => json!({ "monitored": true }),
    }
}

/// A film or series by its name, with its poster.
pub fn card_of(client: &Client, thing: &Value) -> Card {
    let mut card = Card::new(name_of(thing));
    card.picture = client.picture_of(thing["id"].as_u64());
    card
}

/// What a search for everything means, in numbers.
async fn everything(client: &Client, series: Option<u64>, is_cutoff: bool) -> Result<Card, ToolError> {
    let (count, indexers) = tokio::try_join!(wanted::total(client, is_cutoff), wanted::indexers(client))?;
    let mut card = match series {
        Some(series) => card_of(client, &thing(client, series).await?),
        None => Card::new(format!("Everything in {}", client.title())),
    };
    card.subtitle = format!("Asks {} for each of them", super::counted(indexers, "indexer"));
    card.text = "Indexers limit how often they are asked; a search for everything may use that up for the day.".into();
    let label = if is_cutoff { "Below the wanted quality" } else { "Missing" };
    let whole = if series.is_some() { format!("{count} in the whole library") } else { count.to_string() };
    Ok(card.fact(label, whole).fact("In", client.title()))
}

/// Sends a search for everything. It may run for hours, so it is not waited for.
async fn begun(client: &Client, body: &Value) -> Result<Output, ToolError> {
    let command = client.command(body).await?;
    let mut told = command.told();
    told["note"] = "it runs in the background and may take long; what it finds appears in the queue".into();
    let mut output = Output::json(&told)?;
    output.receipt = Some(format!("A search for everything was started in {}.", client.title()));
    Ok(output)
}

/// Searches what one series lacks, waits for it, and reads from history and queue what was really taken.
async fn searched(client: &Client, body: &Value, series: u64) -> Result<Output, ToolError> {
    let name = name_of(&thing(client, series).await?);
    let searched = client.search_and_verify(body, |row| row["seriesId"] == series).await?;
    let mut told = searched.told(Which::Sonarr);
    told["searched"] = name.clone().into();
    let mut output = Output::json(&told)?;
    let outcome = told["outcome"].as_str().unwrap_or_default();
    output.receipt = Some(format!("{name} was searched in {}: {outcome}.", client.title()));
    Ok(output)
}

/// Refuses to destroy more than [`MOST_DESTROYED`] things in one call.
pub fn capped(ids: &[u64], what: &str) -> Result<(), ToolError> {
    match ids.len() {
        0 => Err(ToolError::TellModel(format!("no {what} is named"))),
        count if count > MOST_DESTROYED => {
            Err(ToolError::TellModel(format!("these are {count}; one call deletes at most {MOST_DESTROYED}")))
        }
        _ => Ok(()),
    }
}
