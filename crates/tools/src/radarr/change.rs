//! Changing: a film added, its settings, its files, searches for it, collections.

use super::{film, library};
use crate::servarr::{
    Availability, COMMAND_TIMEOUT, Client, Instances, NameOrId, Radarr, arguments, asks,
    client::{Age, Query, refusals},
    command::{self, Command, Searched},
    commands::capped,
    counted, exclusions,
    lists::{Profile, RootFolder, Tag},
    undo, view,
};
use jiff::Timestamp;
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, text::shorten, tool::Undo,
};
use majordomo_upstream::{Method, UpstreamError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Films one call may change.
const MOST_CHANGED: usize = 100;

/// A film to be added, every part checked against what the instance has.
pub struct Addition {
    pub tmdb_id: u64,
    pub profile: Profile,
    pub folder: RootFolder,
    pub tags: Vec<Tag>,
    pub monitored: bool,
    pub search: bool,
    pub with_collection: bool,
    pub availability: Availability,
}

/// What came of adding.
pub struct Added {
    /// As Radarr has it now.
    pub film: Value,
    pub was_there: bool,
}

impl Addition {
    fn body(&self) -> Value {
        let monitor = match (self.monitored, self.with_collection) {
            (false, _) => "none",
            (true, false) => "movieOnly",
            (true, true) => "movieAndCollection",
        };
        json!({
            "tmdbId": self.tmdb_id,
            "qualityProfileId": self.profile.id,
            "rootFolderPath": self.folder.path,
            "monitored": self.monitored,
            "minimumAvailability": self.availability.as_str(),
            "tags": self.tags.iter().map(|tag| tag.id).collect::<Vec<_>>(),
            "addOptions": { "searchForMovie": self.search, "monitor": monitor },
        })
    }

    /// Adds it; one that is there already is that one. The short body first: Radarr fills in the rest. When that is refused, once more
    /// with everything Radarr itself knows of the film.
    pub async fn add(&self, client: &Client) -> Result<Added, ToolError> {
        if let Some(film) = film::by_tmdb(client, self.tmdb_id, Age::Now).await? {
            return Ok(Added { film, was_there: true });
        }
        let body = self.body();
        match client.try_send(Method::POST, "/movie", &Query::new(), &body).await {
            Ok(_) => {}
            Err(error) if is_there(&error) => return self.read_back(client, true).await,
            Err(UpstreamError::Refused { status: 400, .. }) => {
                let Some(found) = looked_up(client, self.tmdb_id).await? else {
                    return Err(unknown(client, self.tmdb_id));
                };
                let mut whole = found;
                if let (Value::Object(whole), Value::Object(body)) = (&mut whole, body) {
                    // Numbers of its own it does not have yet.
                    whole.remove("id");
                    whole.extend(body);
                }
                match client.try_send(Method::POST, "/movie", &Query::new(), &whole).await {
                    Ok(_) => {}
                    Err(error) if is_there(&error) => return self.read_back(client, true).await,
                    Err(error) => return Err(client.tool_error(error)),
                }
            }
            Err(error) => return Err(client.tool_error(error)),
        }
        self.read_back(client, false).await
    }

    async fn read_back(&self, client: &Client, was_there: bool) -> Result<Added, ToolError> {
        match film::by_tmdb(client, self.tmdb_id, Age::Now).await? {
            Some(film) => Ok(Added { film, was_there }),
            None => Err(client.not_as_described("that the film was added, but does not have it")),
        }
    }

    /// What an approver sees.
    pub async fn card(&self, client: &Client, call: &Call) -> Result<Card, ToolError> {
        let Some(found) = looked_up(client, self.tmdb_id).await? else { return Err(unknown(client, self.tmdb_id)) };
        let mut card = film::card(client, &found);
        if found["id"].as_u64().is_some_and(|id| id > 0) {
            card.text = format!("It is in {} already and stays as it is.", client.title());
            return Ok(card);
        }
        let mut as_added = found;
        as_added["minimumAvailability"] = self.availability.as_str().into();
        let now = Timestamp::from_millisecond(call.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let release = film::Release::of(&as_added, now);
        card = card
            .fact("Quality profile", self.profile.name.clone())
            .fact(
                "Folder",
                match self.folder.free {
                    Some(free) => format!("{} ({} free)", self.folder.path, view::size(free)),
                    None => format!("{} (cannot be reached)", self.folder.path),
                },
            )
            .fact("Release", release.in_words())
            .fact(
                "Then",
                match (self.monitored, self.search) {
                    (true, true) => "searched at once and watched for",
                    (true, false) => "watched for, not searched now",
                    (false, true) => "searched once, not watched for",
                    (false, false) => "only noted",
                },
            );
        if self.with_collection {
            card = card.fact("Collection", "its other films are added, too");
        }
        if !self.tags.is_empty() {
            card = card.fact("Tags", self.tags.iter().map(|tag| tag.label.as_str()).collect::<Vec<_>>().join(", "));
        }
        Ok(card.fact("In", client.title()))
    }
}

/// "This movie has already been added": an answer, not a failure.
fn is_there(error: &UpstreamError) -> bool {
    refusals(error).iter().any(|refusal| {
        refusal.code == "MovieExistsValidator" || refusal.message.to_lowercase().contains("already been added")
    })
}

fn unknown(client: &Client, tmdb_id: u64) -> ToolError {
    ToolError::TellModel(format!("{} finds no film with the tmdb_id {tmdb_id}", client.title()))
}

pub async fn looked_up(client: &Client, tmdb_id: u64) -> Result<Option<Value>, ToolError> {
    let found = client.find("/movie/lookup/tmdb", &vec![("tmdbId", tmdb_id.to_string())], Age::List).await?;
    Ok(found.filter(|found| found["tmdbId"] == tmdb_id).map(|found| Value::clone(&found)))
}

/// Waits for the search that follows an addition by itself, once Radarr has read the film, and looks what came of it. None when it
/// has not begun within the wait of the settings.
pub async fn watch(client: &Client, movie_id: u64) -> Result<Option<Searched>, ToolError> {
    let poll = client.settings().poll;
    let deadline = Instant::now() + client.settings().command_wait;
    let mut wait = poll;
    loop {
        let commands = client.list("/command", &Query::new(), Age::Now).await?;
        let is_it = |entry: &&Value| {
            let body = &entry["body"];
            entry["name"] == "MoviesSearch"
                && body["movieIds"].as_array().is_some_and(|ids| ids.contains(&json!(movie_id)))
        };
        if let Some(command) = commands.iter().find(is_it).and_then(Command::read) {
            return client.verify(command, |row| row["movieId"] == movie_id).await.map(Some);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        sleep(wait.min(left)).await;
        wait = (wait * 3 / 2).min(poll * 5);
    }
}

arguments! {
    /// Add a film to Radarr by its TMDb id and search a release. One that is there already is told as such. Asks first.
    pub struct Add for Radarr {
        /// TMDb id of the film, from `radarr_lookup` or `tmdb_search_movies`.
        tmdb_id: u64,
        /// Quality profile by name; the configured one when absent.
        #[serde(default, alias = "profile", alias = "quality_profile_id")]
        quality_profile: Option<NameOrId>,
        /// Root folder by path; the configured one when absent.
        #[serde(default, alias = "root_folder_path")]
        root_folder: Option<NameOrId>,
        /// Watch for releases. True when absent.
        #[serde(default)]
        monitored: Option<bool>,
        /// Search at once. True when absent.
        #[serde(default, alias = "search")]
        search_now: Option<bool>,
        /// When it counts as out; the configured one when absent.
        #[serde(default)]
        minimum_availability: Option<Availability>,
        /// Also watch its collection, which adds its other films. False when absent.
        #[serde(default)]
        with_collection: Option<bool>,
        /// Tags by name.
        #[serde(default)]
        tags: Option<Vec<NameOrId>>,
    }
}

impl Add {
    async fn addition(&self, client: &Client) -> Result<Addition, ToolError> {
        Ok(Addition {
            tmdb_id: self.tmdb_id,
            profile: client.profile_or_default(self.quality_profile.as_ref()).await?,
            folder: client.root_folder_or_default(self.root_folder.as_ref()).await?,
            tags: client.tags_named(self.tags.as_deref().unwrap_or_default()).await?,
            monitored: self.monitored.unwrap_or(true),
            search: self.search_now.unwrap_or(true),
            with_collection: self.with_collection.unwrap_or(false),
            availability: self.minimum_availability.unwrap_or(client.settings().minimum_availability),
        })
    }
}

/// What the model reads of an addition.
pub async fn added_told(client: &Client, added: &Added, call: &Call) -> Result<Value, ToolError> {
    let now = Timestamp::from_millisecond(call.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let profile = client.profile_name(&added.film["qualityProfileId"]).await?;
    let mut told = film::short(&added.film, Some(&profile));
    told["already_exists"] = added.was_there.into();
    told["folder"] = view::text(&added.film["path"], 200).into();
    told["release"] = film::Release::of(&added.film, now).in_words().into();
    Ok(told)
}

/// The call that takes an addition back.
pub fn take_out_again(client: &Client, film: &Value) -> majordomo_domain::tool::UndoCall {
    undo(
        "radarr_delete",
        client,
        json!({ "movie_id": film["id"], "delete_files": false }),
        format!("Take {} out of {} again", film::name_of(film), client.title()),
    )
}

impl Tool for Add {
    const NAME: &'static str = "radarr_add";
    const ALIASES: &'static [&'static str] = &["radarr_add_movie"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::ByCall;
    const TIMEOUT: Option<Duration> = Some(COMMAND_TIMEOUT);
    const KEYWORDS: &'static str = "add film movie download get request want hinzufügen Film herunterladen holen añadir película \
                                    descargar quiero ajouter film télécharger je veux \
        füge zu añade ajoute hinzu";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        format!("Add film {} to Radarr", self.tmdb_id)
    }

    fn wording(&self, _: &Instances<Radarr>) -> Wording {
        asks("Add this film?", "The film was not added.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<Radarr>, call: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        self.addition(client).await?.card(client, call).await
    }

    async fn check(&self, instances: &Instances<Radarr>, call: &Call) -> Result<Option<Output>, ToolError> {
        let client = self.client(instances)?;
        let Some(film) = film::by_tmdb(client, self.tmdb_id, Age::Now).await? else { return Ok(None) };
        let added = Added { film, was_there: true };
        let mut output = Output::json(&added_told(client, &added, call).await?)?;
        output.receipt = Some(format!("{} is in {}.", film::name_of(&added.film), client.title()));
        Ok(Some(output))
    }

    async fn run(self, instances: &Instances<Radarr>, call: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let addition = self.addition(client).await?;
        let added = addition.add(client).await?;
        let name = film::name_of(&added.film);
        let mut told = added_told(client, &added, call).await?;
        let cards = vec![film::card(client, &added.film)];
        if added.was_there {
            told["note"] = "it was there already; nothing was changed".into();
            return Ok(Output::json(&told)?.with_cards(cards));
        }
        if addition.search {
            let id = added.film["id"].as_u64().unwrap_or_default();
            told["search"] = match watch(client, id).await {
                Ok(Some(searched)) => searched.told(client.which()),
                Ok(None) => json!({ "outcome": "the search has not begun yet; look at the queue in a few minutes" }),
                // The film is added; only the look at its search failed.
                Err(error) => json!({ "outcome": format!("the search could not be watched: {error}") }),
            };
        }
        let mut output = Output::json(&told)?.with_cards(cards).with_undo(take_out_again(client, &added.film));
        output.receipt =
            Some(format!("{name} was added to {} with the profile {}.", client.title(), addition.profile.name));
        Ok(output)
    }
}

/// What of a film is to be different. What is absent stays as it is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    /// Quality profile by name.
    #[serde(alias = "profile", alias = "quality_profile_id", alias = "qualityProfileId")]
    quality_profile: Option<NameOrId>,
    /// Whether it is watched for.
    monitored: Option<bool>,
    /// When it counts as out.
    #[serde(alias = "minimumAvailability")]
    minimum_availability: Option<Availability>,
    /// Root folder by path.
    #[serde(alias = "root_folder_path", alias = "rootFolderPath")]
    root_folder: Option<NameOrId>,
    /// With `root_folder`: also move the files. True when absent.
    #[serde(alias = "moveFiles")]
    move_files: Option<bool>,
    /// All its tags by name, in place of those it has.
    tags: Option<Vec<NameOrId>>,
}

/// Changes by Radarr's own names and numbers.
struct Resolved {
    /// Such as `{"qualityProfileId": 4}`.
    fields: Value,
    move_files: bool,
}

impl Changes {
    async fn resolve(&self, client: &Client) -> Result<Resolved, ToolError> {
        let mut fields = json!({});
        if let Some(wanted) = &self.quality_profile {
            fields["qualityProfileId"] = client.profile(wanted).await?.id.into();
        }
        if let Some(monitored) = self.monitored {
            fields["monitored"] = monitored.into();
        }
        if let Some(availability) = self.minimum_availability {
            fields["minimumAvailability"] = availability.as_str().into();
        }
        if let Some(wanted) = &self.root_folder {
            fields["rootFolderPath"] = client.root_folder(wanted).await?.path.into();
        }
        if let Some(wanted) = &self.tags {
            let tags = client.tags_named(wanted).await?;
            fields["tags"] = tags.iter().map(|tag| tag.id).collect::<Vec<_>>().into();
        }
        if fields.as_object().is_some_and(serde_json::Map::is_empty) {
            return Err(ToolError::TellModel("nothing is to be changed; name at least one field".into()));
        }
        Ok(Resolved { fields, move_files: self.root_folder.is_some() && self.move_files.unwrap_or(true) })
    }
}

impl Resolved {
    /// Only what really differs from a film.
    fn differing(&self, film: &Value) -> Value {
        let mut differing = self.fields.clone();
        if let Value::Object(fields) = &mut differing {
            fields.retain(|name, wanted| match name.as_str() {
                "rootFolderPath" => !is_same_folder(&film[name], wanted),
                _ => film[name] != *wanted,
            });
        }
        differing
    }
}

impl Resolved {
    /// The changes after which a film is as it was; its files go where they came from the way they came.
    async fn before(&self, client: &Client, film: &Value, changed: &Value) -> Result<Value, ToolError> {
        let mut before = film::as_before(client, film, changed).await?;
        if before["root_folder"].is_string() {
            before["move_files"] = self.move_files.into();
        }
        Ok(before)
    }
}

fn is_same_folder(one: &Value, other: &Value) -> bool {
    let bare = |path: &Value| path.as_str().unwrap_or_default().trim_end_matches(['/', '\\']).to_owned();
    bare(one) == bare(other)
}

/// Fields in words, of a film or of changes.
async fn in_words(client: &Client, name: &str, value: &Value) -> Result<(&'static str, String), ToolError> {
    let yes_or_no = |value: &Value| if value == true { "yes" } else { "no" };
    Ok(match name {
        "qualityProfileId" => ("Quality profile", client.profile_name(value).await?),
        "monitored" => ("Watched for", yes_or_no(value).to_owned()),
        "minimumAvailability" => ("Counts as out", view::text_or(value, 30, "unknown")),
        "rootFolderPath" => ("Root folder", view::text_or(value, 200, "unknown")),
        "tags" => {
            let labels = client.tag_labels(value).await?;
            ("Tags", if labels.is_empty() { "none".into() } else { labels.join(", ") })
        }
        _ => ("Other", value.to_string()),
    })
}

/// Old and new of every field that changes.
async fn differences(client: &Client, film: &Value, changed: &Value) -> Result<Vec<(String, String)>, ToolError> {
    let mut lines = Vec::new();
    for (name, wanted) in changed.as_object().into_iter().flatten() {
        let (label, before) = in_words(client, name, &film[name]).await?;
        let (_, after) = in_words(client, name, wanted).await?;
        lines.push((label.to_owned(), format!("{before} → {after}")));
    }
    Ok(lines)
}

arguments! {
    /// Change a film in Radarr: quality profile, watched or not, folder, tags. Everything else stays. A new profile starts no search.
    pub struct Update for Radarr {
        /// The film, as `radarr_movies` numbers it.
        movie_id: u64,
        /// What is to be different.
        #[serde(alias = "update_data")]
        changes: Changes,
    }
}

impl Tool for Update {
    const NAME: &'static str = "radarr_update";
    const ALIASES: &'static [&'static str] = &["radarr_update_movie"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "update change edit film movie quality profile 4k monitored folder tag move ändern Qualität \
                                    Profil cambiar calidad perfil changer qualité profil \
        upgrade to 4k better quality";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        "Change a film in Radarr".into()
    }

    fn wording(&self, _: &Instances<Radarr>) -> Wording {
        asks("Change this film?", "The film stays as it is.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<Radarr>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let (resolved, film) = (self.changes.resolve(client).await?, film::known(client, self.movie_id).await?);
        let differing = resolved.differing(&film);
        let mut card = film::card(client, &film);
        for (label, change) in differences(client, &film, &differing).await? {
            card = card.fact(label, change);
        }
        if card.facts.is_empty() {
            card.text = "It is so already.".into();
        }
        if differing["rootFolderPath"].is_string() {
            card = card.fact("Files", if resolved.move_files { "are moved, too" } else { "stay where they are" });
        }
        Ok(card.fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let (resolved, film) = (self.changes.resolve(client).await?, film::known(client, self.movie_id).await?);
        let differing = resolved.differing(&film);
        let name = film::name_of(&film);
        if differing.as_object().is_some_and(serde_json::Map::is_empty) {
            return Output::json(&json!({ "movie_id": self.movie_id, "title": name, "note": "it is so already" }));
        }
        let lines = differences(client, &film, &differing).await?;
        // The whole record as it is, with nothing but the wanted fields changed: what is left out would be lost.
        let mut whole = film.clone();
        if let (Value::Object(whole), Value::Object(differing)) = (&mut whole, differing.clone()) {
            whole.extend(differing);
        }
        let mut query = Query::new();
        if let Some(root) = differing["rootFolderPath"].as_str() {
            let folder = film["path"].as_str().unwrap_or_default().trim_end_matches(['/', '\\']);
            let folder = folder.rsplit(['/', '\\']).next().unwrap_or_default();
            let mark = if root.contains('\\') { '\\' } else { '/' };
            whole["path"] = format!("{}{mark}{folder}", root.trim_end_matches(['/', '\\'])).into();
            query.push(("moveFiles", resolved.move_files.to_string()));
        }
        client.send(Method::PUT, &format!("/movie/{}", self.movie_id), &query, &whole).await?;
        let now = film::known(client, self.movie_id).await?;
        let not_taken = resolved.differing(&now);
        let not_taken: Vec<&String> = not_taken.as_object().into_iter().flat_map(|fields| fields.keys()).collect();
        let changed: Vec<String> = lines.iter().map(|(label, change)| format!("{label}: {change}")).collect();
        let mut told = json!({ "movie_id": self.movie_id, "title": name, "changed": changed });
        if !not_taken.is_empty() {
            told["not_taken"] = json!(not_taken);
        }
        let before = resolved.before(client, &film, &differing).await?;
        let back = undo(
            "radarr_update",
            client,
            json!({ "movie_id": self.movie_id, "changes": before }),
            format!("Put {name} back as it was"),
        );
        let mut output = Output::json(&told)?.with_undo(back);
        output.receipt = Some(match not_taken.is_empty() {
            true => format!("{name} was changed: {}.", changed.join("; ")),
            false => format!("{name} was sent to {}, but it did not take everything.", client.title()),
        });
        Ok(output)
    }
}

/// How tags of many films are changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TagMode {
    #[default]
    Add,
    Remove,
    Replace,
}

/// Films with what of them is to be different.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Group {
    /// The films, as `radarr_movies` numbers them.
    movie_ids: Vec<u64>,
    /// What is to be different.
    changes: Changes,
}

arguments! {
    /// Change the same of several films in Radarr at once: profile, watched or not, folder, tags. Up to 100 films.
    pub struct EditMany for Radarr {
        /// The films, as `radarr_movies` numbers them.
        movie_ids: Vec<u64>,
        /// What is to be different.
        #[serde(alias = "update_data")]
        changes: Changes,
        /// What becomes of the given tags. Default `add`.
        #[serde(default)]
        tag_mode: Option<TagMode>,
        /// More films with other changes, in the same go; this is how a change is taken back.
        #[serde(default)]
        also: Option<Vec<Group>>,
    }
}

impl EditMany {
    /// Each group's films as they are, with what is asked of them.
    async fn groups(&self, client: &Client) -> Result<Vec<(Vec<Value>, Resolved)>, ToolError> {
        let first = Group { movie_ids: self.movie_ids.clone(), changes: self.changes.clone() };
        let all: Vec<Group> = std::iter::once(first).chain(self.also.clone().unwrap_or_default()).collect();
        let count: usize = all.iter().map(|group| group.movie_ids.len()).sum();
        if count == 0 {
            return Err(ToolError::TellModel("no film is named; give movie_ids".into()));
        }
        if count > MOST_CHANGED {
            return Err(ToolError::TellModel(format!(
                "these are {count} films; one call changes at most {MOST_CHANGED}"
            )));
        }
        client.forget_answers();
        let library = client.library().await?;
        let mut groups = Vec::new();
        for group in all {
            let mut films = Vec::new();
            for id in &group.movie_ids {
                let found = library.as_array().into_iter().flatten().find(|film| film["id"] == *id);
                films.push(found.cloned().ok_or_else(|| {
                    ToolError::TellModel(format!("{} has no film with the movie_id {id}", client.title()))
                })?);
            }
            groups.push((films, group.changes.resolve(client).await?));
        }
        Ok(groups)
    }

    fn tag_mode(&self) -> &'static str {
        match self.tag_mode.unwrap_or_default() {
            TagMode::Add => "add",
            TagMode::Remove => "remove",
            TagMode::Replace => "replace",
        }
    }
}

impl Tool for EditMany {
    const NAME: &'static str = "radarr_edit_many";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(60));
    const KEYWORDS: &'static str = "edit many bulk several films profile monitored tags folder mehrere ändern alle varias \
                                    cambiar plusieurs changer";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        format!("Change {} in Radarr", counted(self.movie_ids.len(), "film"))
    }

    fn wording(&self, _: &Instances<Radarr>) -> Wording {
        asks(format!("{}?", self.title()), "The films stay as they are.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<Radarr>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let groups = self.groups(client).await?;
        let mut card = Card::new(self.title());
        for (films, resolved) in groups.iter().take(3) {
            let names: Vec<String> = films.iter().map(film::name_of).collect();
            card = card.fact("Films", shorten(&names.join(", "), 300));
            for (name, wanted) in resolved.fields.as_object().into_iter().flatten() {
                let (label, after) = in_words(client, name, wanted).await?;
                let after = if label == "Tags" { format!("{}: {after}", self.tag_mode()) } else { after };
                card = card.fact(label, after);
            }
        }
        card.facts.truncate(11);
        Ok(card.fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let groups = self.groups(client).await?;
        let mut before: Vec<(Vec<u64>, Value)> = Vec::new();
        let mut count = 0;
        for (films, resolved) in &groups {
            let ids: Vec<u64> = films.iter().filter_map(|film| film["id"].as_u64()).collect();
            for (id, film) in ids.iter().zip(films) {
                let was = resolved.before(client, film, &resolved.fields).await?;
                match before.iter_mut().find(|(_, known)| *known == was) {
                    Some((same, _)) => same.push(*id),
                    None => before.push((vec![*id], was)),
                }
            }
            let mut body = resolved.fields.clone();
            body["movieIds"] = json!(ids);
            if body["tags"].is_array() {
                body["applyTags"] = self.tag_mode().into();
            }
            if body["rootFolderPath"].is_string() {
                body["moveFiles"] = resolved.move_files.into();
            }
            client.send(Method::PUT, "/movie/editor", &Query::new(), &body).await?;
            count += ids.len();
        }
        // One look after it.
        let library = client.library().await?;
        let is_done = |film: &Value, resolved: &Resolved| {
            let now = library.as_array().into_iter().flatten().find(|now| now["id"] == film["id"]);
            now.is_some_and(|now| {
                let left = resolved.differing(now);
                left.as_object().is_some_and(|left| left.keys().all(|name| name == "tags"))
            })
        };
        let done: usize =
            groups.iter().map(|(films, resolved)| films.iter().filter(|film| is_done(film, resolved)).count()).sum();
        let mut told = json!({ "changed": done });
        if done < count {
            told["not_changed"] = (count - done).into();
        }
        let mut put_back = before.into_iter().map(|(ids, changes)| json!({ "movie_ids": ids, "changes": changes }));
        let first = put_back.next().unwrap_or_default();
        let back = undo(
            "radarr_edit_many",
            client,
            json!({
                "movie_ids": first["movie_ids"],
                "changes": first["changes"],
                "tag_mode": "replace",
                "also": put_back.collect::<Vec<_>>(),
            }),
            format!("Put {} back as they were", counted(count, "film")),
        );
        let mut output = Output::json(&told)?.with_undo(back);
        output.receipt = Some(format!("{} changed in {}.", counted(done, "film"), client.title()));
        Ok(output)
    }
}

/// What goes with films, for the eyes of whoever decides.
fn what_goes(films: &[Value], with_files: bool, with_exclusion: bool, client: &Client) -> Card {
    let size: u64 = films.iter().filter_map(|film| view::bytes(&film["sizeOnDisk"])).sum();
    let files = films.iter().filter(|film| film["hasFile"] == true).count();
    let mut card = match films {
        [one] => film::card(client, one),
        many => Card::new(format!("{} films", many.len())),
    };
    card = card.fact(
        "Files",
        match (files, with_files) {
            (0, _) => "there are none".to_owned(),
            (_, false) => format!("stay on the disk ({})", view::size(size)),
            (count, true) => format!("{} deleted for good, {}", counted(count, "file"), view::size(size)),
        },
    );
    for film in films.iter().take(if films.len() == 1 { 1 } else { 8 }) {
        let folder = view::text_or(&film["path"], 200, "no folder");
        card = match films.len() {
            1 => card.fact("Folder", folder),
            _ => card.fact(shorten(&film::name_of(film), 60), folder),
        };
    }
    if films.len() > 8 {
        card = card.fact("And", format!("{} more", films.len() - 8));
    }
    if with_exclusion {
        card = card.fact("Import lists", "may not add it again");
    }
    card.fact("In", client.title())
}

/// Stops watching for films whose files are about to go: else they are fetched again, should the rest fail.
async fn unmonitor(client: &Client, ids: &[u64]) -> Result<(), ToolError> {
    let body = json!({ "movieIds": ids, "monitored": false });
    client.send(Method::PUT, "/movie/editor", &Query::new(), &body).await.map(|_| ())
}

/// Whether every one of these films is excluded.
async fn are_excluded(client: &Client, films: &[Value]) -> Result<bool, ToolError> {
    for film in films {
        let tmdb_id = film["tmdbId"].as_u64().unwrap_or_default();
        if exclusions::exclusion(client, tmdb_id).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

arguments! {
    /// Delete a film from Radarr, by default without its files. Shows what goes and asks first.
    pub struct Delete for Radarr {
        /// The film, as `radarr_movies` numbers it. Never by the likeness of a title.
        movie_id: u64,
        /// Also delete its files for good. False when absent.
        #[serde(default)]
        delete_files: Option<bool>,
        /// Also keep import lists from adding it again. False when absent.
        #[serde(default, alias = "add_import_list_exclusion", alias = "add_exclusion")]
        add_import_exclusion: Option<bool>,
    }
}

impl Tool for Delete {
    const NAME: &'static str = "radarr_delete";
    const ALIASES: &'static [&'static str] = &["radarr_delete_movie"];
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("a deleted film is only added anew");
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(60));
    const KEYWORDS: &'static str = "delete remove film movie files disk löschen entfernen Film Dateien borrar eliminar película \
                                    supprimer enlever film";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        match self.delete_files {
            Some(true) => "Delete a film and its files from Radarr".into(),
            _ => "Take a film out of Radarr".into(),
        }
    }

    fn wording(&self, _: &Instances<Radarr>) -> Wording {
        match self.delete_files {
            Some(true) => asks("Delete this film and its files?", "The film and its files stay."),
            _ => asks("Take this film out of Radarr and leave its files?", "The film stays in Radarr."),
        }
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<Radarr>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let film = film::known(client, self.movie_id).await?;
        let tags = client.tag_labels(&film["tags"]).await?;
        let mut card = what_goes(
            std::slice::from_ref(&film),
            self.delete_files == Some(true),
            self.add_import_exclusion == Some(true),
            client,
        );
        if !tags.is_empty() {
            card = card.fact("Tags", tags.join(", "));
        }
        Ok(card)
    }

    async fn check(&self, instances: &Instances<Radarr>, _: &Call) -> Result<Option<Output>, ToolError> {
        let client = self.client(instances)?;
        let found = film::fresh(client, self.movie_id).await?;
        Ok(found.is_none().then(|| Output::done(format!("The film is not in {} any more.", client.title()))))
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let film = film::known(client, self.movie_id).await?;
        let (with_files, excluded) = (self.delete_files == Some(true), self.add_import_exclusion == Some(true));
        if with_files {
            unmonitor(client, &[self.movie_id]).await?;
        }
        let query = vec![("deleteFiles", with_files.to_string()), ("addImportExclusion", excluded.to_string())];
        client.send(Method::DELETE, &format!("/movie/{}", self.movie_id), &query, &Value::Null).await?;
        if film::fresh(client, self.movie_id).await?.is_some() {
            return Err(client.not_as_described("that the film was deleted, but still has it"));
        }
        let name = film::name_of(&film);
        let mut told = json!({ "deleted": name, "tmdb_id": film["tmdbId"], "files_deleted": with_files });
        if with_files {
            told["freed"] = view::size_of(&film["sizeOnDisk"]).into();
        }
        if excluded {
            told["excluded_from_lists"] = are_excluded(client, std::slice::from_ref(&film)).await?.into();
        }
        let mut output = Output::json(&told)?;
        output.receipt = Some(match with_files {
            true => format!("{name} and its files were deleted from {}.", client.title()),
            false => format!("{name} was taken out of {}; its files stay.", client.title()),
        });
        Ok(output)
    }
}

arguments! {
    /// Delete several films from Radarr, at most 20 in one call, by default without their files. Asks first.
    pub struct DeleteMany for Radarr {
        /// The films, as `radarr_movies` numbers them.
        movie_ids: Vec<u64>,
        /// Also delete their files for good. False when absent.
        #[serde(default)]
        delete_files: Option<bool>,
        /// Also keep import lists from adding them again. False when absent.
        #[serde(default, alias = "add_import_list_exclusion", alias = "add_exclusion")]
        add_import_exclusion: Option<bool>,
    }
}

impl DeleteMany {
    async fn meant(&self, client: &Client) -> Result<Vec<Value>, ToolError> {
        capped(&self.movie_ids, "film")?;
        let mut films = Vec::new();
        for id in &self.movie_ids {
            films.push(film::known(client, *id).await?);
        }
        Ok(films)
    }
}

impl Tool for DeleteMany {
    const NAME: &'static str = "radarr_delete_many";
    const EFFECT: Effect = Effect::Destroy;
    const UNDO: Undo = Undo::No("deleted films are only added anew");
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(60));
    const KEYWORDS: &'static str = "delete remove several many films movies clean up mehrere Filme löschen aufräumen borrar \
                                    varias películas supprimer plusieurs films";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        match self.delete_files {
            Some(true) => format!("Delete {} with their files from Radarr", counted(self.movie_ids.len(), "film")),
            _ => format!("Take {} out of Radarr", counted(self.movie_ids.len(), "film")),
        }
    }

    fn wording(&self, _: &Instances<Radarr>) -> Wording {
        asks(format!("{}?", self.title()), "The films stay.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<Radarr>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let films = self.meant(client).await?;
        let (with_files, excluded) = (self.delete_files == Some(true), self.add_import_exclusion == Some(true));
        Ok(what_goes(&films, with_files, excluded, client))
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let films = self.meant(client).await?;
        let (with_files, excluded) = (self.delete_files == Some(true), self.add_import_exclusion == Some(true));
        if with_files {
            unmonitor(client, &self.movie_ids).await?;
        }
        let body = json!({ "movieIds": self.movie_ids, "deleteFiles": with_files, "addImportExclusion": excluded });
        client.send(Method::DELETE, "/movie/editor", &Query::new(), &body).await?;
        let library = client.library().await?;
        let is_left = |film: &&Value| library.as_array().into_iter().flatten().any(|now| now["id"] == film["id"]);
        let (left, gone): (Vec<&Value>, Vec<&Value>) = films.iter().partition(is_left);
        let names = |films: &[&Value]| films.iter().map(|film| film::name_of(film)).collect::<Vec<_>>();
        let freed: u64 = gone.iter().filter_map(|film| view::bytes(&film["sizeOnDisk"])).sum();
        let mut told = json!({ "deleted": names(&gone), "files_deleted": with_files });
        if with_files {
            told["freed"] = view::size(freed).into();
        }
        if !left.is_empty() {
            told["still_there"] = json!(names(&left));
        }
        if excluded {
            told["excluded_from_lists"] = are_excluded(client, &films).await?.into();
        }
        let mut output = Output::json(&told)?;
        output.receipt = Some(match with_files {
            true => format!("{} and their files were deleted from {}.", counted(gone.len(), "film"), client.title()),
            false => format!("{} taken out of {}; their files stay.", counted(gone.len(), "film"), client.title()),
        });
        Ok(output)
    }
}

arguments! {
    /// Delete files of a film from the disk and keep the film in Radarr. It is not watched for any more, unless asked. Asks first.
    pub struct FileDelete for Radarr {
        /// The film, as `radarr_movies` numbers it.
        movie_id: u64,
        /// Only these files, by `file_id` of `radarr_files`; all of the film when absent.
        #[serde(default)]
        file_ids: Option<Vec<u64>>,
        /// Go on watching for it, so that another copy is fetched. False when absent.
        #[serde(default)]
        keep_monitored: Option<bool>,
    }
}

impl FileDelete {
    async fn meant(&self, client: &Client) -> Result<(Value, Vec<Value>), ToolError> {
        let film = film::known(client, self.movie_id).await?;
        let query = vec![("movieId", self.movie_id.to_string())];
        let mut files = client.list("/moviefile", &query, Age::Now).await?;
        if let Some(wanted) = &self.file_ids {
            if let Some(id) = wanted.iter().find(|id| !files.iter().any(|file| file["id"] == **id)) {
                return Err(ToolError::TellModel(format!("{} has no file {id}", film::name_of(&film))));
            }
            files.retain(|file| wanted.iter().any(|id| file["id"] == *id));
        }
        let ids: Vec<u64> = files.iter().filter_map(|file| file["id"].as_u64()).collect();
        capped(&ids, "file")?;
        Ok((film, files))
    }
}

impl Tool for FileDelete {
    const NAME: &'static str = "radarr_file_delete";
    const EFFECT: Effect = Effect::Destroy;
    const UNDO: Undo = Undo::No("the files are gone");
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(60));
    const KEYWORDS: &'static str = "delete file files disk free space keep film Datei löschen Platz borrar archivo espacio \
                                    supprimer fichier place";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        "Delete a film's files".into()
    }

    fn wording(&self, _: &Instances<Radarr>) -> Wording {
        asks("Delete these files for good?", "The files stay.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<Radarr>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let (film, files) = self.meant(client).await?;
        let mut card = film::card(client, &film);
        for file in files.iter().take(8) {
            let mut parts = vec![view::text_or(&file["relativePath"], view::LONGEST_NAME, "a file")];
            parts.extend(view::size_of(&file["size"]));
            card = card.fact(view::quality(&file["quality"]).unwrap_or_else(|| "File".into()), parts.join(" · "));
        }
        card = card.fact(
            "Then",
            match self.keep_monitored {
                Some(true) => "it is watched for: another copy is fetched",
                _ => "it is not watched for any more",
            },
        );
        Ok(card.fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let (film, files) = self.meant(client).await?;
        if self.keep_monitored != Some(true) && film["monitored"] == true {
            unmonitor(client, &[self.movie_id]).await?;
        }
        let ids: Vec<u64> = files.iter().filter_map(|file| file["id"].as_u64()).collect();
        match ids.as_slice() {
            [one] => client.send(Method::DELETE, &format!("/moviefile/{one}"), &Query::new(), &Value::Null).await?,
            many => {
                let body = json!({ "movieFileIds": many });
                client.send(Method::DELETE, "/moviefile/bulk", &Query::new(), &body).await?
            }
        };
        let query = vec![("movieId", self.movie_id.to_string())];
        let left = client.list("/moviefile", &query, Age::Now).await?;
        let gone: Vec<&Value> = files.iter().filter(|file| !left.iter().any(|now| now["id"] == file["id"])).collect();
        let freed: u64 = gone.iter().filter_map(|file| view::bytes(&file["size"])).sum();
        let name = film::name_of(&film);
        let mut output = Output::json(&json!({
            "title": name,
            "deleted": gone.len(),
            "freed": view::size(freed),
            "still_there": files.len() - gone.len(),
            "monitored": self.keep_monitored == Some(true) && film["monitored"] == true,
        }))?;
        output.receipt = Some(format!("{} of {name} deleted, {}.", counted(gone.len(), "file"), view::size(freed)));
        Ok(output)
    }
}

arguments! {
    /// Search releases of films now and say what was really taken. Also searches what is not watched for or not out.
    pub struct SearchMovies for Radarr {
        /// The film, as `radarr_movies` numbers it.
        #[serde(default)]
        movie_id: Option<u64>,
        /// Or several, at most 20.
        #[serde(default)]
        movie_ids: Option<Vec<u64>>,
    }
}

impl SearchMovies {
    async fn meant(&self, client: &Client) -> Result<(Vec<u64>, Vec<Value>), ToolError> {
        let mut ids = self.movie_ids.clone().unwrap_or_default();
        ids.extend(self.movie_id);
        ids.sort_unstable();
        ids.dedup();
        if !(1..=20).contains(&ids.len()) {
            return Err(ToolError::TellModel("give movie_id, or movie_ids with 1 to 20 films".into()));
        }
        let mut films = Vec::new();
        for id in &ids {
            films.push(film::known(client, *id).await?);
        }
        Ok((ids, films))
    }
}

impl Tool for SearchMovies {
    const NAME: &'static str = "radarr_search_movies";
    const ALIASES: &'static [&'static str] = &["radarr_search_movie"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("a search cannot be called back");
    const TIMEOUT: Option<Duration> = Some(COMMAND_TIMEOUT);
    const KEYWORDS: &'static str = "search film movie now again find release download suchen Film nochmal buscar película otra vez \
                                    chercher film encore";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        "Search releases of a film".into()
    }

    fn wording(&self, _: &Instances<Radarr>) -> Wording {
        asks("Search releases now?", "Nothing was searched.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<Radarr>, call: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let (_, films) = self.meant(client).await?;
        let now = Timestamp::from_millisecond(call.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let card = match films.as_slice() {
            [one] => {
                let profile = client.profile_name(&one["qualityProfileId"]).await?;
                film::card(client, one)
                    .fact("State", film::state(one))
                    .fact("Release", film::Release::of(one, now).in_words())
                    .fact("Quality profile", profile)
            }
            many => {
                let names: Vec<String> = many.iter().map(film::name_of).collect();
                Card::new(format!("{} films", many.len())).fact("Films", shorten(&names.join(", "), 400))
            }
        };
        Ok(card.fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let (ids, films) = self.meant(client).await?;
        let body = command::body("MoviesSearch", json!({ "movieIds": ids }));
        let is_meant = |row: &Value| row["movieId"].as_u64().is_some_and(|id| ids.contains(&id));
        let searched = client.search_and_verify(&body, is_meant).await?;
        let mut told = searched.told(client.which());
        told["films"] = films.iter().map(film::name_of).collect::<Vec<_>>().into();
        let names: Vec<String> = films.iter().map(film::name_of).collect();
        let names = shorten(&names.join(", "), 120);
        let mut output = Output::json(&told)?;
        output.receipt = Some(match (searched.has_found(), searched.command.is_over()) {
            (true, _) => format!("{names} was searched: a release was sent to the download client."),
            (false, false) => format!("{names} is being searched."),
            (false, true) => format!("{names} was searched: nothing was taken."),
        });
        Ok(output)
    }
}

arguments! {
    /// Change a collection in Radarr: watching it adds its films, also future ones.
    pub struct CollectionUpdate for Radarr {
        /// The collection, as `radarr_collections` numbers it.
        collection_id: u64,
        /// Whether it is watched, which adds its films.
        #[serde(default)]
        monitored: Option<bool>,
        /// Whether its films that are in Radarr are watched for.
        #[serde(default)]
        monitor_movies: Option<bool>,
        /// With `monitor_movies`: only these of them, as `radarr_movies` numbers them; this is how it is taken back.
        #[serde(default)]
        only_movies: Option<Vec<u64>>,
        /// Whether films it adds are searched.
        #[serde(default)]
        search_on_add: Option<bool>,
        /// Quality profile of films it adds, by name.
        #[serde(default, alias = "profile", alias = "quality_profile_id")]
        quality_profile: Option<NameOrId>,
        /// Root folder of films it adds, by path.
        #[serde(default, alias = "root_folder_path")]
        root_folder: Option<NameOrId>,
        /// When films it adds count as out.
        #[serde(default)]
        minimum_availability: Option<Availability>,
    }
}

impl CollectionUpdate {
    async fn fields(&self, client: &Client) -> Result<Value, ToolError> {
        let mut fields = json!({});
        let flags = [
            ("monitored", self.monitored),
            ("monitorMovies", self.monitor_movies),
            ("searchOnAdd", self.search_on_add),
        ];
        for (name, flag) in flags {
            if let Some(flag) = flag {
                fields[name] = flag.into();
            }
        }
        if let Some(wanted) = &self.quality_profile {
            fields["qualityProfileId"] = client.profile(wanted).await?.id.into();
        }
        if let Some(wanted) = &self.root_folder {
            fields["rootFolderPath"] = client.root_folder(wanted).await?.path.into();
        }
        if let Some(availability) = self.minimum_availability {
            fields["minimumAvailability"] = availability.as_str().into();
        }
        if fields.as_object().is_some_and(serde_json::Map::is_empty) {
            return Err(ToolError::TellModel("nothing is to be changed; name at least one field".into()));
        }
        if self.only_movies.is_some() && self.monitor_movies.is_none() {
            return Err(ToolError::TellModel("only_movies goes with monitor_movies".into()));
        }
        Ok(fields)
    }

    /// Its films that are in Radarr and not yet watched for, or no longer, as is asked; of those that are named, when they are.
    async fn movies_that_change(&self, client: &Client, collection: &Value) -> Result<Vec<u64>, ToolError> {
        let Some(monitored) = self.monitor_movies else { return Ok(Vec::new()) };
        let members: Vec<u64> =
            collection["movies"].as_array().into_iter().flatten().filter_map(|film| film["tmdbId"].as_u64()).collect();
        client.forget_answers();
        let library = client.library().await?;
        let its = library.as_array().into_iter().flatten().filter(|film| {
            film["monitored"] != monitored && film["tmdbId"].as_u64().is_some_and(|id| members.contains(&id))
        });
        let ids = its.filter_map(|film| film["id"].as_u64());
        Ok(ids.filter(|id| self.only_movies.as_ref().is_none_or(|only| only.contains(id))).collect())
    }

    async fn known(&self, client: &Client) -> Result<Value, ToolError> {
        let found = client.find(&format!("/collection/{}", self.collection_id), &Query::new(), Age::Now).await?;
        found
            .map(|found| Value::clone(&found))
            .ok_or_else(|| ToolError::TellModel(format!("{} has no collection {}", client.title(), self.collection_id)))
    }
}

impl Tool for CollectionUpdate {
    const NAME: &'static str = "radarr_collection_update";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "collection franchise monitor add all films trilogy Filmreihe beobachten alle Teile colección \
                                    toda la saga collection toute la saga";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        "Change a collection in Radarr".into()
    }

    fn wording(&self, _: &Instances<Radarr>) -> Wording {
        asks("Change this collection?", "The collection stays as it is.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<Radarr>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let (fields, collection) = (self.fields(client).await?, self.known(client).await?);
        let told = library::collection_told(&collection);
        let mut card = Card::new(view::text_or(&collection["title"], 120, "A collection"));
        card.subtitle = format!("{} films, {} not in Radarr", told["films"], told["missing"].as_u64().unwrap_or(0));
        for (name, wanted) in fields.as_object().into_iter().flatten() {
            let (label, after) = match name.as_str() {
                "monitored" => ("Watched", if *wanted == true { "yes: its films are added" } else { "no" }.to_owned()),
                "monitorMovies" => {
                    ("Its films", if *wanted == true { "watched for" } else { "not watched for" }.to_owned())
                }
                "searchOnAdd" => {
                    ("Films it adds", if *wanted == true { "searched" } else { "not searched" }.to_owned())
                }
                other => in_words(client, other, wanted).await?,
            };
            card = card.fact(label, after);
        }
        Ok(card.fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<Radarr>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let (fields, before) = (self.fields(client).await?, self.known(client).await?);
        let movies = self.movies_that_change(client, &before).await?;
        let mut body = fields.clone();
        body["collectionIds"] = json!([self.collection_id]);
        if self.only_movies.is_some()
            && let Some(body) = body.as_object_mut()
        {
            body.remove("monitorMovies");
        }
        if body.as_object().is_some_and(|body| body.len() > 1) {
            client.send(Method::PUT, "/collection", &Query::new(), &body).await?;
        }
        if self.only_movies.is_some() && !movies.is_empty() {
            let edit = json!({ "movieIds": movies, "monitored": self.monitor_movies });
            client.send(Method::PUT, "/movie/editor", &Query::new(), &edit).await?;
        }
        let now = self.known(client).await?;
        let title = view::text_or(&now["title"], 120, "The collection");
        let mut was = json!({ "collection_id": self.collection_id });
        for name in fields.as_object().into_iter().flat_map(|fields| fields.keys()) {
            let (argument, value) = match name.as_str() {
                "monitored" => ("monitored", before["monitored"].clone()),
                "searchOnAdd" => ("search_on_add", before["searchOnAdd"].clone()),
                "qualityProfileId" => ("quality_profile", before["qualityProfileId"].clone()),
                "rootFolderPath" => ("root_folder", before["rootFolderPath"].clone()),
                "minimumAvailability" => {
                    let word = before["minimumAvailability"].as_str().unwrap_or("released");
                    ("minimum_availability", json!(if word == "inCinemas" { "in_cinemas" } else { word }))
                }
                "monitorMovies" if !movies.is_empty() => {
                    was["only_movies"] = json!(movies);
                    ("monitor_movies", json!(self.monitor_movies.map(|monitored| !monitored)))
                }
                _ => continue,
            };
            was[argument] = value;
        }
        let is_undoable = was.as_object().is_some_and(|was| was.len() > 1);
        let mut output = Output::json(&library::collection_told(&now))?;
        output.receipt = Some(format!("{title} was changed in {}.", client.title()));
        if is_undoable {
            output = output.with_undo(undo(
                "radarr_collection_update",
                client,
                was,
                format!("Put {title} back as it was; films it added stay"),
            ));
        }
        Ok(output)
    }
}
