//! Changing and deleting series.

use super::{
    Sonarr, client,
    seasons::Numbers,
    types::{Series, SeriesType},
    view,
};
use crate::servarr::{Client, NameOrId, asks, undo, view::size};
use majordomo_domain::{Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, tool::Undo};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Series one call may delete.
const MOST_DELETED: usize = 20;
/// Series one call may change.
const MOST_CHANGED: usize = 100;
/// Facts on one card.
const MOST_FACTS: usize = 11;
/// Series named in a sentence.
const MOST_NAMED: usize = 5;

/// Settings of a series to change; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    /// Whether the series is monitored.
    monitored: Option<bool>,
    /// Whether seasons that appear later are monitored.
    #[serde(alias = "monitorNewItems", alias = "monitor_new_items", deserialize_with = "all_or_none")]
    monitor_new: Option<bool>,
    /// Quality profile by name or id.
    #[serde(alias = "qualityProfileId", alias = "quality_profile_id")]
    quality_profile: Option<NameOrId>,
    #[serde(alias = "seriesType")]
    series_type: Option<SeriesType>,
    /// A folder for each season.
    #[serde(alias = "seasonFolder")]
    season_folder: Option<bool>,
    /// Root folder by path or id.
    #[serde(alias = "rootFolderPath", alias = "root_folder_path")]
    root_folder: Option<NameOrId>,
    /// Whether files move along to another root folder; default true.
    #[serde(alias = "moveFiles")]
    move_files: Option<bool>,
    /// Exactly these tags, by name or id.
    tags: Option<Vec<NameOrId>>,
}

/// Sonarr's own words `all` and `none` beside true and false.
fn all_or_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "this takes true or false")]
    enum Given {
        Flag(bool),
        Word(Word),
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        All,
        None,
    }
    Ok(Option::<Given>::deserialize(deserializer)?.map(|given| match given {
        Given::Flag(flag) => flag,
        Given::Word(word) => matches!(word, Word::All),
    }))
}

/// Changes that were checked against what Sonarr has: fields of its record with their values, and how they are called.
#[derive(Default)]
struct Checked {
    fields: Map<String, Value>,
    /// For a card: label and value.
    facts: Vec<(&'static str, String)>,
    move_files: bool,
}

impl Changes {
    async fn check(&self, at: &Client) -> Result<Checked, ToolError> {
        let mut checked = Checked { move_files: self.move_files.unwrap_or(true), ..Checked::default() };
        let yes = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
        let mut set = |field: &str, value: Value, label: &'static str, words: String| {
            checked.fields.insert(field.into(), value);
            checked.facts.push((label, words));
        };
        if let Some(flag) = self.monitored {
            set("monitored", flag.into(), "Monitored", yes(flag));
        }
        if let Some(flag) = self.monitor_new {
            set("monitorNewItems", if flag { "all" } else { "none" }.into(), "Later seasons monitored", yes(flag));
        }
        if let Some(named) = &self.quality_profile {
            let profile = at.profile(named).await?;
            set("qualityProfileId", profile.id.into(), "Profile", profile.name);
        }
        if let Some(kind) = self.series_type {
            set("seriesType", kind.as_str().into(), "Type", kind.as_str().into());
        }
        if let Some(flag) = self.season_folder {
            set("seasonFolder", flag.into(), "Folder for each season", yes(flag));
        }
        if let Some(named) = &self.root_folder {
            let folder = at.root_folder(named).await?;
            set("rootFolderPath", folder.path.clone().into(), "Root folder", folder.path);
        }
        if let Some(tags) = &self.tags {
            let tags = at.tags_named(tags).await?;
            let (ids, labels): (Vec<u64>, Vec<String>) = tags.into_iter().map(|tag| (tag.id, tag.label)).unzip();
            let words = if labels.is_empty() { "none".into() } else { labels.join(", ") };
            set("tags", ids.into(), "Tags", words);
        }
        if checked.fields.is_empty() {
            return Err(ToolError::TellModel("say what to change".into()));
        }
        Ok(checked)
    }
}

impl Checked {
    /// What of these fields differs in a record, as the record has it now.
    fn differing(&self, record: &Value, series: &Series) -> Map<String, Value> {
        let now = |field: &str| match field {
            "rootFolderPath" => root_of(series).into(),
            "tags" => sorted(&record["tags"]),
            field => record[field].clone(),
        };
        let wanted = |field: &str, value: &Value| match field {
            "rootFolderPath" => value.as_str().unwrap_or_default().trim_end_matches(['/', '\\']).into(),
            "tags" => sorted(value),
            _ => value.clone(),
        };
        let differs = |(field, value): &(&String, &Value)| now(field) != wanted(field, value);
        self.fields.iter().filter(differs).map(|(field, _)| (field.clone(), now(field))).collect()
    }

    fn in_words(&self) -> String {
        let each: Vec<String> =
            self.facts.iter().map(|(label, value)| format!("{}: {value}", label.to_lowercase())).collect();
        each.join(", ")
    }
}

fn sorted(tags: &Value) -> Value {
    let mut ids: Vec<u64> = tags.as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    ids.sort_unstable();
    ids.into()
}

/// The root folder of a series, without the slash at its end.
fn root_of(series: &Series) -> String {
    let path = series.path.as_deref().unwrap_or_default();
    let above =
        || path.trim_end_matches(['/', '\\']).rsplit_once(['/', '\\']).map_or("", |(above, _)| above).to_owned();
    let known = series.root_folder_path.as_deref().map(|root| root.trim_end_matches(['/', '\\']).to_owned());
    known.filter(|root| !root.is_empty()).unwrap_or_else(above)
}

/// What was there as the argument `changes` that brings it back; files go where they came from the way they came.
fn as_changes(old: &Map<String, Value>, move_files: bool) -> Value {
    let pairs = old.iter().filter_map(|(field, value)| {
        let (name, value) = match field.as_str() {
            "monitorNewItems" => ("monitor_new", json!(value == "all")),
            "qualityProfileId" => ("quality_profile", value.clone()),
            "seriesType" => ("series_type", value.clone()),
            "seasonFolder" => ("season_folder", value.clone()),
            "rootFolderPath" => ("root_folder", value.clone()),
            "monitored" => ("monitored", value.clone()),
            "tags" => ("tags", value.clone()),
            _ => return None,
        };
        (!value.is_null()).then(|| (name.to_owned(), value))
    });
    let mut changes: Map<String, Value> = pairs.collect();
    if changes.contains_key("root_folder") {
        changes.insert("move_files".into(), move_files.into());
    }
    Value::Object(changes)
}

/// Change settings of one series in Sonarr: monitored, later seasons, profile, type, folder, tags. Everything else stays as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// What to change.
    #[serde(alias = "update_data")]
    changes: Changes,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

impl Tool for Update {
    const NAME: &'static str = "sonarr_update";
    const ALIASES: &'static [&'static str] = &["sonarr_update_series"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "change edit series quality profile monitor folder move type tags Serie ändern Qualität verschieben cambiar editar calidad mover modifier changer qualité déplacer";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Change series {} in Sonarr", self.series_id)
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "The series stays as it is.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let checked = self.changes.check(at).await?;
        let (record, series) = client::known_series(at, self.series_id).await?;
        let mut card = view::card(at.name(), &series);
        card.text = match checked.differing(&record, &series).is_empty() {
            true => "It is so already; nothing would be changed.".into(),
            false => format!("Change to {}", checked.in_words()),
        };
        card.facts.clear();
        Ok(checked.facts.into_iter().fold(card, |card, (label, value)| card.fact(label, value)))
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let checked = self.changes.check(at).await?;
        let (mut record, series) = client::known_series(at, self.series_id).await?;
        let title = view::title(&series);
        let old = checked.differing(&record, &series);
        if old.is_empty() {
            return Ok(Output::text(format!("{title}: it was so already, nothing was changed.")));
        }
        for (field, value) in &checked.fields {
            record[field] = value.clone();
        }
        let moves = old.contains_key("rootFolderPath");
        if let Some(root) = checked.fields.get("rootFolderPath").and_then(Value::as_str).filter(|_| moves) {
            // What counts is the path; the root folder is read from it.
            let path = series.path.as_deref().unwrap_or_default().trim_end_matches(['/', '\\']);
            let name = path.rsplit_once(['/', '\\']).map_or(path, |(_, name)| name);
            record["path"] = format!("{}/{name}", root.trim_end_matches(['/', '\\'])).into();
        }
        client::put_series(at, &record, moves && checked.move_files).await?;
        let (record, series) = client::known_series(at, self.series_id).await?;
        let left = checked.differing(&record, &series);
        if !left.is_empty() {
            let fields: Vec<String> = left.keys().cloned().collect();
            return Err(ToolError::TellModel(format!(
                "Sonarr took the change of {title} but not {}",
                fields.join(", ")
            )));
        }
        let undo = undo(
            Self::NAME,
            at,
            json!({ "series_id": self.series_id, "changes": as_changes(&old, checked.move_files) }),
            format!("Put {title} back as it was"),
        );
        Ok(Output::done(format!("{title}: now {}.", checked.in_words())).with_undo(undo))
    }
}

/// Change the same settings of several series in Sonarr at once, at most 100.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditMany {
    /// Sonarr's ids of the series, from `sonarr_series`.
    series_ids: Numbers<u64>,
    /// What to change in each of them.
    changes: Changes,
    /// More series with other changes, in the same go; this is how a change is taken back.
    also: Option<Vec<Group>>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

/// Series with what of them is to be different.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Group {
    /// Sonarr's ids of the series.
    series_ids: Vec<u64>,
    /// What to change in each of them.
    changes: Changes,
}

/// Those of a group as they are, with what is asked of them.
type Resolved = (Vec<(Value, Series)>, Checked);

impl EditMany {
    async fn groups(&self, at: &Client) -> Result<Vec<Resolved>, ToolError> {
        let first = Group { series_ids: self.series_ids.list(), changes: self.changes.clone() };
        let all: Vec<Group> = std::iter::once(first).chain(self.also.clone().unwrap_or_default()).collect();
        let ids: Vec<u64> = all.iter().flat_map(|group| group.series_ids.iter().copied()).collect();
        let mut series = known(at, &ids, MOST_CHANGED, "changes").await?.into_iter();
        let mut groups = Vec::new();
        for group in all {
            let its = series.by_ref().take(group.series_ids.len()).collect();
            groups.push((its, group.changes.check(at).await?));
        }
        Ok(groups)
    }
}

/// Every series of a list of ids, in its order; unknown ids are refused by name.
async fn known(at: &Client, ids: &[u64], most: usize, verb: &str) -> Result<Vec<(Value, Series)>, ToolError> {
    if ids.is_empty() || ids.len() > most {
        return Err(ToolError::TellModel(format!("one call {verb} 1 to {most} series, not {}", ids.len())));
    }
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for id in ids {
        match client::series(at, *id).await? {
            Some(series) => found.push(series),
            None => unknown.push(id.to_string()),
        }
    }
    if unknown.is_empty() {
        return Ok(found);
    }
    Err(ToolError::TellModel(format!("Sonarr has no series {}; take ids from sonarr_series", unknown.join(", "))))
}

/// `Dragnet (1951), Superman (1941) and 3 more`.
fn names<'a>(series: impl Iterator<Item = &'a Series>) -> String {
    let mut titles: Vec<String> = series.map(view::title).collect();
    let more = titles.len().saturating_sub(MOST_NAMED);
    titles.truncate(MOST_NAMED);
    if more > 0 {
        titles.push(format!("{more} more"));
    }
    view::and(&titles)
}

impl Tool for EditMany {
    const NAME: &'static str = "sonarr_edit_many";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "change edit several series at once bulk profile mehrere Serien ändern varias series cambiar plusieurs séries modifier";
    type Service = Sonarr;

    fn title(&self) -> String {
        format!("Change {} series in Sonarr", self.series_ids.list().len())
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "The series stay as they are.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let groups = self.groups(at).await?;
        let all = groups.iter().flat_map(|(series, _)| series);
        let mut card = Card::new(format!("{} series", all.clone().count()));
        card.text = format!("Change {}", names(all.map(|(_, series)| series)));
        let facts = groups.into_iter().flat_map(|(_, checked)| checked.facts).take(MOST_FACTS);
        Ok(facts.fold(card, |card, (label, value)| card.fact(label, value)))
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let groups = self.groups(at).await?;
        // What was before, once for all series of which it was the same.
        let mut before: Vec<(Vec<u64>, Value)> = Vec::new();
        let (mut changed, mut left) = (Vec::new(), Vec::new());
        for (series, checked) in &groups {
            // Only those that differ are sent.
            let mut ids = Vec::new();
            for (record, series) in series {
                let old = checked.differing(record, series);
                if old.is_empty() {
                    continue;
                }
                ids.push(series.id);
                changed.push(series);
                let old = as_changes(&old, checked.move_files);
                match before.iter_mut().find(|(_, known)| *known == old) {
                    Some((same, _)) => same.push(series.id),
                    None => before.push((vec![series.id], old)),
                }
            }
            if ids.is_empty() {
                continue;
            }
            let mut body = checked.fields.clone();
            body.insert("seriesIds".into(), ids.clone().into());
            if body.contains_key("rootFolderPath") {
                body.insert("moveFiles".into(), checked.move_files.into());
            }
            if body.contains_key("tags") {
                body.insert("applyTags".into(), "replace".into());
            }
            client::edit(at, &Value::Object(body)).await?;
            for (record, series) in known(at, &ids, MOST_CHANGED, "changes").await? {
                if !checked.differing(&record, &series).is_empty() {
                    left.push(series);
                }
            }
        }
        if !left.is_empty() {
            return Err(ToolError::TellModel(format!("Sonarr took the change but not for {}", names(left.iter()))));
        }
        let mut back = before.into_iter().map(|(ids, changes)| json!({ "series_ids": ids, "changes": changes }));
        let Some(mut first) = back.next() else {
            return Ok(Output::text("They were so already, nothing was changed."));
        };
        let more: Vec<Value> = back.collect();
        if !more.is_empty() {
            first["also"] = more.into();
        }
        let changed = names(changed.into_iter());
        let now: Vec<String> = groups.iter().map(|(_, checked)| checked.in_words()).collect();
        let output = Output::done(format!("{changed}: now {}.", now.join("; ")));
        Ok(output.with_undo(undo(Self::NAME, at, first, format!("Put {changed} back as before"))))
    }
}

/// Take a series out of Sonarr. Keeps its files unless told otherwise.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// Sonarr's id of the series, from `sonarr_series`.
    series_id: u64,
    /// true to delete its files and folder for good; default false.
    delete_files: Option<bool>,
    /// true to keep import lists from adding it again; default false.
    #[serde(alias = "add_import_list_exclusion", alias = "add_import_exclusion")]
    add_exclusion: Option<bool>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

/// Take several series out of Sonarr, at most 20. Keeps their files unless told otherwise.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteMany {
    /// Sonarr's ids of the series, from `sonarr_series`.
    series_ids: Numbers<u64>,
    /// true to delete their files and folders for good; default false.
    delete_files: Option<bool>,
    /// true to keep import lists from adding them again; default false.
    #[serde(alias = "add_import_list_exclusion", alias = "add_import_exclusion")]
    add_exclusion: Option<bool>,
    /// Which Sonarr, by name; the default one when absent.
    instance: Option<String>,
}

/// What goes and what stays, for a card.
fn fate(card: Card, series: &[(Value, Series)], delete_files: bool, exclude: bool) -> Card {
    let files: u32 = series.iter().map(|(_, series)| series.statistics.episode_file_count).sum();
    let total: u64 = series.iter().map(|(_, series)| series.statistics.size_on_disk).sum();
    let files = view::count(files as usize, "file");
    let mut card = match delete_files {
        true => card.fact("Files", format!("{files} ({}) are deleted for good", size(total))),
        false => card.fact("Files", format!("{files} ({}) stay", size(total))),
    };
    if let [(_, one)] = series
        && let Some(path) = &one.path
    {
        card = card.fact("Folder", view::line(path, 160));
    }
    card.fact("Import lists", if exclude { "may not add it again" } else { "may add it again" })
}

fn deleted(what: &str, delete_files: bool, total: u64) -> String {
    match delete_files {
        true => format!("{what} was taken out of Sonarr and its files ({}) were deleted.", size(total)),
        false => format!("{what} was taken out of Sonarr; its files stay."),
    }
}

impl Tool for Delete {
    const NAME: &'static str = "sonarr_delete";
    const ALIASES: &'static [&'static str] = &["sonarr_delete_series"];
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("Sonarr forgets what it knew of the series");
    const KEYWORDS: &'static str =
        "delete remove series show Serie löschen entfernen borrar eliminar quitar supprimer enlever série";
    type Service = Sonarr;

    fn title(&self) -> String {
        match self.delete_files {
            Some(true) => format!("Take series {} out of Sonarr and delete its files", self.series_id),
            _ => format!("Take series {} out of Sonarr", self.series_id),
        }
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "The series stays in Sonarr.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (record, series) = client::known_series(at, self.series_id).await?;
        let mut card = view::card(at.name(), &series);
        card.facts.clear();
        card.text = "Take it out of Sonarr".into();
        let (files, exclude) = (self.delete_files == Some(true), self.add_exclusion == Some(true));
        Ok(fate(card, &[(record, series)], files, exclude))
    }

    async fn check(&self, sonarr: &Sonarr, _: &Call) -> Result<Option<Output>, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let there = client::series(at, self.series_id).await?;
        Ok(there.is_none().then(|| Output::done("The series is no longer in Sonarr.")))
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let (_, series) = client::known_series(at, self.series_id).await?;
        let title = view::title(&series);
        let (files, exclude) = (self.delete_files == Some(true), self.add_exclusion == Some(true));
        client::delete(at, self.series_id, files, exclude).await?;
        if client::series(at, self.series_id).await?.is_some() {
            return Err(ToolError::TellModel(format!("Sonarr took the deletion of {title} but still shows it")));
        }
        Ok(Output::done(deleted(&title, files, series.statistics.size_on_disk)))
    }
}

impl Tool for DeleteMany {
    const NAME: &'static str = "sonarr_delete_many";
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("Sonarr forgets what it knew of the series");
    const KEYWORDS: &'static str = "delete remove several series bulk mehrere Serien löschen entfernen varias series borrar eliminar plusieurs séries supprimer";
    type Service = Sonarr;

    fn title(&self) -> String {
        let count = self.series_ids.list().len();
        match self.delete_files {
            Some(true) => format!("Take {count} series out of Sonarr and delete their files"),
            _ => format!("Take {count} series out of Sonarr"),
        }
    }

    fn wording(&self, _: &Sonarr) -> Wording {
        asks(format!("{}?", self.title()), "The series stay in Sonarr.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, sonarr: &Sonarr, _: &Call) -> Result<Card, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let series = known(at, &self.series_ids.list(), MOST_DELETED, "deletes").await?;
        let mut card = Card::new(format!("Take {} series out of Sonarr", series.len()));
        // An approver sees every one of them; twenty titles fit.
        let titles: Vec<String> = series.iter().map(|(_, series)| view::line(&view::title(series), 28)).collect();
        card.text = titles.join(", ");
        let (files, exclude) = (self.delete_files == Some(true), self.add_exclusion == Some(true));
        Ok(fate(card, &series, files, exclude))
    }

    async fn check(&self, sonarr: &Sonarr, _: &Call) -> Result<Option<Output>, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        for id in self.series_ids.list() {
            if client::series(at, id).await?.is_some() {
                return Ok(None);
            }
        }
        Ok(Some(Output::done("These series are no longer in Sonarr.")))
    }

    async fn run(self, sonarr: &Sonarr, _: &Call) -> Result<Output, ToolError> {
        let at = sonarr.get(self.instance.as_deref())?;
        let ids = self.series_ids.list();
        let series = known(at, &ids, MOST_DELETED, "deletes").await?;
        let (files, exclude) = (self.delete_files == Some(true), self.add_exclusion == Some(true));
        client::delete_many(at, &ids, files, exclude).await?;
        let mut left = Vec::new();
        for (_, series) in &series {
            if client::series(at, series.id).await?.is_some() {
                left.push(series);
            }
        }
        if !left.is_empty() {
            return Err(ToolError::TellModel(format!(
                "still in Sonarr after the deletion: {}",
                names(left.into_iter())
            )));
        }
        let total: u64 = series.iter().map(|(_, series)| series.statistics.size_on_disk).sum();
        let what = names(series.iter().map(|(_, series)| series));
        let sentence = match files {
            true => format!("Taken out of Sonarr with their files ({}): {what}.", size(total)),
            false => format!("Taken out of Sonarr, files kept: {what}."),
        };
        Ok(Output::done(sentence))
    }
}
