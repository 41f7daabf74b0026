//! Playlists and collections: what is in them, and making, growing, ordering and deleting them.

use super::{
    arguments::{Key, Level, MOST_CHANGED, Shelf, limit, one_line, section, sections},
    client::{Age, Instance, Plex, Query},
    items::{all_wanted, arguments, few_titles},
    tell::{self, card, items, key, listed_with, nothing, number, text, titled, total},
};
use futures_util::future::try_join_all;
use majordomo_domain::{
    Call, Card, Effect, Output, Tool, ToolError,
    approval::Wording,
    text::{clean, shorten},
    tool::{Repeat, Undo, UndoCall},
};
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Items of a list that are read to see what is in it.
const MOST_READ: usize = 500;

fn words(question: impl Into<String>, declined: &str) -> Wording {
    Wording { question: question.into(), declined: declined.to_owned(), reason: String::new() }
}

fn names(of: &[Key]) -> Vec<u64> {
    of.iter().map(|key| key.0).collect()
}

/// A list, with its items.
struct List {
    head: Value,
    items: Vec<Value>,
}

impl List {
    fn title(&self) -> String {
        text(&self.head["title"], 120)
    }

    fn is_smart(&self) -> bool {
        self.head["smart"] == true || self.head["smart"] == "1" || self.head["smart"] == 1
    }

    fn holds(&self, wanted: u64) -> bool {
        self.items.iter().any(|item| key(item) == Some(wanted))
    }

    /// The place of an item in a playlist.
    fn place(&self, number_in_list: u64) -> Option<usize> {
        self.items.iter().position(|item| number(&item["playlistItemID"]) == Some(number_in_list))
    }
}

async fn read_all(instance: &Instance, path: &str) -> Result<Option<Vec<Value>>, ToolError> {
    let query: Query =
        vec![("X-Plex-Container-Start", "0".to_owned()), ("X-Plex-Container-Size", MOST_READ.to_string())];
    Ok(instance.find(path, &query, Age::Now).await?.map(|answer| items(&answer).to_vec()))
}

async fn playlist(instance: &Instance, list: Key) -> Result<List, ToolError> {
    let missing = || ToolError::TellModel(format!("Plex has no playlist {}; see plex_playlists", list.0));
    let path = format!("/playlists/{}", list.0);
    let answer = instance.find(&path, &Query::new(), Age::Now).await?.ok_or_else(missing)?;
    let head = items(&answer).first().cloned().ok_or_else(missing)?;
    let items = read_all(instance, &format!("{path}/items")).await?.ok_or_else(missing)?;
    Ok(List { head, items })
}

/// A playlist whose items may be changed.
async fn own_playlist(instance: &Instance, list: Key) -> Result<List, ToolError> {
    let list = playlist(instance, list).await?;
    if list.is_smart() {
        return Err(ToolError::TellModel("that is a smart playlist: Plex fills it by its rules".into()));
    }
    Ok(list)
}

async fn collection(instance: &Instance, list: Key) -> Result<List, ToolError> {
    let missing = || ToolError::TellModel(format!("Plex has no collection {}; see plex_collections", list.0));
    let head = instance.item(list.0, Age::Now).await?.filter(|item| item["type"] == "collection");
    let head = head.ok_or_else(missing)?;
    let items = read_all(instance, &format!("/library/collections/{}/items", list.0)).await?.ok_or_else(missing)?;
    Ok(List { head, items })
}

fn list_card(list: &List) -> Card {
    Card::new(list.title()).fact(
        "Holds",
        match list.items.len() {
            1 => "1 title".into(),
            count => format!("{count} titles"),
        },
    )
}

fn told_list(head: &Value) -> Value {
    let minutes = number(&head["duration"]).map(|duration| duration / 60_000);
    let count = number(&head["leafCount"]).or_else(|| number(&head["childCount"]));
    json!({"title": text(&head["title"], 120), "key": key(head), "items": count, "minutes": minutes,
        "smart": head["smart"] == true || head["smart"] == 1 || head["smart"] == "1"})
}

/// The video playlists on Plex.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Playlists {
    /// Playlists told, 1 to 100; 50 when absent.
    limit: Option<u32>,
    /// Taken for the sake of older callers; everything is told.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Playlists {
    const NAME: &'static str = "plex_playlists";
    const ALIASES: &'static [&'static str] = &["get_plex_playlists"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex playlists lists wiedergabelisten listas de reproducción listes de lecture";
    type Service = Plex;

    fn title(&self) -> String {
        "Listing the playlists on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let limit = limit(self.limit, 50)?;
        let _ = self.response_level;
        let answer = instance.get("/playlists", &vec![("playlistType", "video".to_owned())], Age::List).await?;
        let told: Vec<Value> = items(&answer).iter().take(limit).map(told_list).collect();
        if told.is_empty() {
            return nothing("there are no playlists");
        }
        Output::json(&json!({"total_results": total(&answer), "playlists": told}))
    }
}

/// What is in a playlist, in order; each with the number by which it is moved or taken out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaylistItems {
    /// The playlist's key.
    playlist: Key,
    /// Items told, 1 to 100; 30 when absent.
    limit: Option<u32>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for PlaylistItems {
    const NAME: &'static str = "plex_playlist_items";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex playlist contents items what is in inhalt der wiedergabeliste contenido lista contenu liste";
    type Service = Plex;

    fn title(&self) -> String {
        "Reading a playlist on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let limit = limit(self.limit, 30)?;
        let list = match playlist(instance, self.playlist).await {
            Err(ToolError::TellModel(text)) => return nothing(&text),
            other => other?,
        };
        let told: Vec<Value> = list
            .items
            .iter()
            .take(limit)
            .map(|item| json!({"title": titled(item), "rating_key": key(item), "playlist_item": number(&item["playlistItemID"]), "state": tell::watched(item)}))
            .collect();
        if told.is_empty() {
            return nothing("the playlist is empty");
        }
        Output::json(
            &json!({"playlist": list.title(), "smart": list.is_smart(), "total_results": list.items.len(), "items": told}),
        )
    }
}

/// Make a video playlist of titles of the library.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaylistCreate {
    /// Its name.
    title: String,
    /// What is in it, in order.
    rating_keys: Vec<Key>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for PlaylistCreate {
    const NAME: &'static str = "plex_playlist_create";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex make new playlist create wiedergabeliste anlegen erstellen crear lista créer liste de lecture";
    type Service = Plex;

    fn title(&self) -> String {
        format!("Make the playlist “{}” on Plex", shorten(&clean(&self.title), 60))
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let found = all_wanted(instance, &self.rating_keys).await?;
        Ok(Card::new(one_line("title", &self.title)?).fact("Holds", few_titles(&found)))
    }

    fn wording(&self, _: &Plex) -> Wording {
        words(format!("{}?", self.title()), "No playlist was made.")
    }

    async fn check(&self, plex: &Plex, _: &Call) -> Result<Option<Output>, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let title = one_line("title", &self.title)?;
        let answer = instance.get("/playlists", &vec![("playlistType", "video".to_owned())], Age::Now).await?;
        let wanted = names(&self.rating_keys);
        for head in items(&answer).iter().filter(|head| text(&head["title"], 200) == title) {
            let Some(own) = key(head) else { continue };
            let held = playlist(instance, Key(own)).await?;
            if held.items.iter().filter_map(key).collect::<Vec<_>>() == wanted {
                return Ok(Some(created(&title, own, &held, &self.instance)));
            }
        }
        Ok(None)
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let title = one_line("title", &self.title)?;
        all_wanted(instance, &self.rating_keys).await?;
        let query: Query = vec![
            ("type", "video".to_owned()),
            ("title", title.clone()),
            ("smart", "0".to_owned()),
            ("uri", instance.uri(&names(&self.rating_keys)).await?),
        ];
        let answer = instance.change(Method::POST, "/playlists", &query).await?;
        let own = answer.as_ref().and_then(|answer| items(answer).first()).and_then(key);
        let own = own.ok_or_else(|| instance.could_not("it did not say which playlist it made"))?;
        let list = playlist(instance, Key(own)).await?;
        Ok(created(&title, own, &list, &self.instance))
    }
}

fn created(title: &str, key: u64, list: &List, instance: &Option<String>) -> Output {
    let undo = UndoCall {
        tool: PlaylistDelete::NAME.into(),
        arguments: arguments(json!({"playlist": key}), instance),
        title: format!("Delete the playlist {title}"),
    };
    let sentence = format!("The playlist {title} with {} was made on Plex (key {key}).", few_titles(&list.items));
    Output::done(sentence).with_undo(undo)
}

/// Put titles into a playlist, at its end.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaylistAdd {
    /// The playlist's key.
    playlist: Key,
    /// What is put into it.
    rating_keys: Vec<Key>,
    /// The place of each in the list afterwards, from 1, lowest first; at the end when absent.
    places: Option<Vec<usize>>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl PlaylistAdd {
    fn places(&self) -> Result<&[usize], ToolError> {
        match &self.places {
            None => Ok(&[]),
            Some(places) if places.len() == self.rating_keys.len() && places.is_sorted() => Ok(places),
            Some(_) => Err(ToolError::TellModel("give places for every one of rating_keys, lowest first".into())),
        }
    }
}

impl Tool for PlaylistAdd {
    const NAME: &'static str = "plex_playlist_add";
    const EFFECT: Effect = Effect::Write;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex add to playlist zur wiedergabeliste hinzufügen añadir a la lista ajouter à la liste";
    type Service = Plex;

    fn title(&self) -> String {
        "Put titles into a playlist on Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let list = own_playlist(instance, self.playlist).await?;
        let found = all_wanted(instance, &self.rating_keys).await?;
        Ok(list_card(&list).fact("Is added", few_titles(&found)))
    }

    fn wording(&self, _: &Plex) -> Wording {
        words("Put these into the playlist?", "The playlist stays as it is.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let places = self.places()?;
        let before = own_playlist(instance, self.playlist).await?;
        let found = all_wanted(instance, &self.rating_keys).await?;
        let query: Query = vec![("uri", instance.uri(&names(&self.rating_keys)).await?)];
        let path = format!("/playlists/{}/items", self.playlist.0);
        if instance.change(Method::PUT, &path, &query).await?.is_none() {
            return Err(instance.could_not("it did not take the titles into the playlist"));
        }
        let after = playlist(instance, self.playlist).await?;
        let numbers =
            |list: &List| list.items.iter().filter_map(|item| number(&item["playlistItemID"])).collect::<Vec<u64>>();
        let old = numbers(&before);
        let new: Vec<u64> = numbers(&after).into_iter().filter(|one| !old.contains(one)).collect();
        if new.is_empty() {
            return Err(instance.could_not("it took the titles, and the playlist is as before"));
        }
        // Each goes behind what stands before its place; those of lower places stand there already.
        let mut order: Vec<u64> = numbers(&after);
        for (item, place) in new.iter().zip(places) {
            order.retain(|one| one != item);
            let place = place.saturating_sub(1).min(order.len());
            let mut query = Query::new();
            query.extend(place.checked_sub(1).map(|before| ("after", order[before].to_string())));
            let path = format!("/playlists/{}/items/{item}/move", self.playlist.0);
            if instance.change(Method::PUT, &path, &query).await?.is_none() {
                return Err(instance.could_not("it took the titles, and did not put them in their places"));
            }
            order.insert(place, *item);
        }
        let title = after.title();
        let undo = UndoCall {
            tool: PlaylistRemove::NAME.into(),
            arguments: arguments(json!({"playlist": self.playlist.0, "playlist_items": new}), &self.instance),
            title: format!("Take them out of {title} again"),
        };
        Ok(Output::done(format!("{} went into the playlist {title}.", few_titles(&found))).with_undo(undo))
    }
}

/// Take titles out of a playlist. The films and episodes themselves stay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaylistRemove {
    /// The playlist's key.
    playlist: Key,
    /// Numbers of the items in the list, from `plex_playlist_items`.
    #[serde(alias = "playlist_item_ids")]
    playlist_items: Vec<Key>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl PlaylistRemove {
    async fn chosen(&self, instance: &Instance) -> Result<(List, Vec<Value>), ToolError> {
        if self.playlist_items.is_empty() || self.playlist_items.len() > MOST_CHANGED {
            return Err(ToolError::TellModel(format!("give 1 to {MOST_CHANGED} playlist_items")));
        }
        let list = own_playlist(instance, self.playlist).await?;
        let chosen = self.playlist_items.iter().map(|item| {
            let place = list.place(item.0);
            place.map(|place| list.items[place].clone()).ok_or_else(|| {
                ToolError::TellModel(format!("the playlist has no item {}; see plex_playlist_items", item.0))
            })
        });
        let chosen = chosen.collect::<Result<Vec<Value>, ToolError>>()?;
        Ok((list, chosen))
    }
}

impl Tool for PlaylistRemove {
    const NAME: &'static str = "plex_playlist_remove";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex remove from playlist aus der wiedergabeliste entfernen quitar de la lista retirer de la liste de lecture";
    type Service = Plex;

    fn title(&self) -> String {
        "Take titles out of a playlist on Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let (list, chosen) = self.chosen(plex.instance(self.instance.as_deref())?).await?;
        Ok(list_card(&list).fact("Is taken out", few_titles(&chosen)))
    }

    fn wording(&self, _: &Plex) -> Wording {
        words("Take these out of the playlist?", "The playlist stays as it is.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (list, chosen) = self.chosen(instance).await?;
        for item in &self.playlist_items {
            // One that is gone already is what was asked for.
            instance
                .change(Method::DELETE, &format!("/playlists/{}/items/{}", self.playlist.0, item.0), &Query::new())
                .await?;
        }
        let after = playlist(instance, self.playlist).await?;
        let title = list.title();
        if self.playlist_items.iter().any(|item| after.place(item.0).is_some()) {
            return Err(instance.could_not(&format!("it took the order, and some are still in the playlist {title}")));
        }
        let mut places: Vec<usize> = self.playlist_items.iter().filter_map(|item| list.place(item.0)).collect();
        places.sort_unstable();
        places.dedup();
        let keys: Vec<u64> = places.iter().filter_map(|place| key(&list.items[*place])).collect();
        let places: Vec<usize> = places.iter().map(|place| place + 1).collect();
        let back = json!({"playlist": self.playlist.0, "rating_keys": keys, "places": places});
        let undo = UndoCall {
            tool: PlaylistAdd::NAME.into(),
            arguments: arguments(back, &self.instance),
            title: format!("Put them back into {title}"),
        };
        Ok(Output::done(format!("{} went out of the playlist {title}.", few_titles(&chosen))).with_undo(undo))
    }
}

/// Move an item within a playlist: behind another, or to the front.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaylistMove {
    /// The playlist's key.
    playlist: Key,
    /// The number of the item in the list.
    #[serde(alias = "playlist_item_id")]
    playlist_item: Key,
    /// The number of the item it goes behind; to the front when absent.
    after: Option<Key>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl PlaylistMove {
    async fn checked(&self, instance: &Instance) -> Result<(List, usize), ToolError> {
        let list = own_playlist(instance, self.playlist).await?;
        let unknown =
            |item: Key| ToolError::TellModel(format!("the playlist has no item {}; see plex_playlist_items", item.0));
        let place = list.place(self.playlist_item.0).ok_or_else(|| unknown(self.playlist_item))?;
        match self.after {
            Some(after) if list.place(after.0).is_none() => Err(unknown(after)),
            Some(after) if after == self.playlist_item => {
                Err(ToolError::TellModel("an item cannot go behind itself".into()))
            }
            _ => Ok((list, place)),
        }
    }
}

impl Tool for PlaylistMove {
    const NAME: &'static str = "plex_playlist_move";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex playlist order move reorder wiedergabeliste verschieben reihenfolge mover orden déplacer ordre";
    type Service = Plex;

    fn title(&self) -> String {
        "Move a title within a playlist on Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let (list, place) = self.checked(plex.instance(self.instance.as_deref())?).await?;
        let behind =
            self.after.and_then(|after| list.place(after.0)).map(|at| format!("behind {}", titled(&list.items[at])));
        let to = behind.unwrap_or_else(|| "to the front".into());
        Ok(list_card(&list).fact("Moves", titled(&list.items[place])).fact("Goes", to))
    }

    fn wording(&self, _: &Plex) -> Wording {
        words("Move this within the playlist?", "The order stays as it is.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (list, place) = self.checked(instance).await?;
        let mut query = Query::new();
        query.extend(self.after.map(|after| ("after", after.0.to_string())));
        let path = format!("/playlists/{}/items/{}/move", self.playlist.0, self.playlist_item.0);
        if instance.change(Method::PUT, &path, &query).await?.is_none() {
            return Err(instance.could_not("it did not move the title"));
        }
        let after = playlist(instance, self.playlist).await?;
        let wanted = self.after.and_then(|behind| after.place(behind.0)).map_or(0, |at| at + 1);
        let title = list.title();
        if after.place(self.playlist_item.0) != Some(wanted) {
            return Err(instance.could_not(&format!("it took the order, and {title} is not in the order asked for")));
        }
        let mut old = json!({"playlist": self.playlist.0, "playlist_item": self.playlist_item.0});
        if let Some(before) = place.checked_sub(1).and_then(|at| number(&list.items[at]["playlistItemID"])) {
            old["after"] = json!(before);
        }
        let name = titled(&list.items[place]);
        let undo = UndoCall {
            tool: Self::NAME.into(),
            arguments: arguments(old, &self.instance),
            title: format!("Put {name} back where it was"),
        };
        Ok(Output::done(format!("{name} is now number {} of the playlist {title}.", wanted + 1)).with_undo(undo))
    }
}

/// Give a playlist another name or description.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaylistRename {
    /// The playlist's key.
    playlist: Key,
    /// The new name; kept when absent.
    title: Option<String>,
    /// The new description; kept when absent.
    summary: Option<String>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for PlaylistRename {
    const NAME: &'static str = "plex_playlist_rename";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "plex rename playlist wiedergabeliste umbenennen renombrar lista renommer liste";
    type Service = Plex;

    fn title(&self) -> String {
        "Rename a playlist on Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let list = playlist(plex.instance(self.instance.as_deref())?, self.playlist).await?;
        let mut card = list_card(&list);
        if let Some(title) = &self.title {
            card = card.fact("New name", one_line("title", title)?);
        }
        if let Some(summary) = &self.summary {
            card = card.fact("New description", shorten(&clean(summary), 200));
        }
        Ok(card)
    }

    fn wording(&self, _: &Plex) -> Wording {
        words("Rename this playlist?", "The playlist keeps its name.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let before = playlist(instance, self.playlist).await?;
        let mut query = Query::new();
        let mut old = json!({"playlist": self.playlist.0});
        if let Some(title) = &self.title {
            query.push(("title", one_line("title", title)?));
            old["title"] = json!(before.title());
        }
        if let Some(summary) = &self.summary {
            query.push(("summary", shorten(&clean(summary), 1_000)));
            old["summary"] = json!(text(&before.head["summary"], 1_000));
        }
        if query.is_empty() {
            return Err(ToolError::TellModel("give a title, a summary, or both".into()));
        }
        let path = format!("/playlists/{}", self.playlist.0);
        if instance.change(Method::PUT, &path, &query).await?.is_none() {
            return Err(instance.could_not("it did not rename the playlist"));
        }
        let after = playlist(instance, self.playlist).await?;
        let undo = UndoCall {
            tool: Self::NAME.into(),
            arguments: arguments(old, &self.instance),
            title: format!("Call it {} again", before.title()),
        };
        Ok(Output::done(format!("The playlist {} is now called {}.", before.title(), after.title())).with_undo(undo))
    }
}

/// Delete a playlist. The films and episodes themselves stay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaylistDelete {
    /// The playlist's key.
    playlist: Key,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for PlaylistDelete {
    const NAME: &'static str = "plex_playlist_delete";
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("the playlist is gone; what was in it is still there");
    const KEYWORDS: &'static str = "plex delete playlist wiedergabeliste löschen borrar lista supprimer liste";
    type Service = Plex;

    fn title(&self) -> String {
        "Delete a playlist on Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let list = playlist(plex.instance(self.instance.as_deref())?, self.playlist).await?;
        Ok(list_card(&list).fact("In it", few_titles(&list.items)))
    }

    fn wording(&self, _: &Plex) -> Wording {
        words("Delete this playlist?", "The playlist stays.")
    }

    async fn check(&self, plex: &Plex, _: &Call) -> Result<Option<Output>, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let path = format!("/playlists/{}", self.playlist.0);
        let is_there = instance.find(&path, &Query::new(), Age::Now).await?.is_some();
        Ok((!is_there).then(|| Output::done("The playlist is gone.")))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let list = playlist(instance, self.playlist).await?;
        let path = format!("/playlists/{}", self.playlist.0);
        instance.change(Method::DELETE, &path, &Query::new()).await?;
        if instance.find(&path, &Query::new(), Age::Now).await?.is_some() {
            return Err(instance.could_not("it took the order to delete the playlist, and still has it"));
        }
        Ok(Output::done(format!("The playlist {} was deleted; its titles stay.", list.title())))
    }
}

/// Collections of the library, such as the films of one series.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collections {
    /// Films or series only; both when absent.
    section_type: Option<Shelf>,
    /// One library by title or number.
    section: Option<String>,
    /// Collections told, 1 to 100; 50 when absent.
    limit: Option<u32>,
    /// Taken for the sake of older callers; everything is told.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Collections {
    const NAME: &'static str = "plex_collections";
    const ALIASES: &'static [&'static str] = &["get_plex_collections"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "plex collections film series sets sammlungen reihen colecciones sagas collections";
    type Service = Plex;

    fn title(&self) -> String {
        "Listing the collections on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let limit = limit(self.limit, 50)?;
        let _ = self.response_level;
        let sections = sections(instance, self.section.as_deref(), self.section_type).await?;
        let asked = sections.iter().map(|section| {
            let query: Query =
                vec![("X-Plex-Container-Start", "0".to_owned()), ("X-Plex-Container-Size", limit.to_string())];
            let path = format!("/library/sections/{}/collections", section.key);
            async move { instance.get(&path, &query, Age::List).await }
        });
        let answers = try_join_all(asked).await?;
        let told: Vec<Value> = sections
            .iter()
            .zip(&answers)
            .flat_map(|(section, answer)| {
                items(answer).iter().map(|head| {
                    let mut told = told_list(head);
                    told["library"] = json!(section.title);
                    told
                })
            })
            .take(limit)
            .collect();
        if told.is_empty() {
            return nothing("there are no collections");
        }
        let all: usize = answers.iter().map(|answer| total(answer)).sum();
        Output::json(&json!({"total_results": all, "collections": told}))
    }
}

/// What is in a collection.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionItems {
    /// The collection's key.
    collection: Key,
    /// Items told, 1 to 100; 30 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for CollectionItems {
    const NAME: &'static str = "plex_collection_items";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex collection contents films in a collection inhalt sammlung contenido colección contenu collection";
    type Service = Plex;

    fn title(&self) -> String {
        "Reading a collection on Plex".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let limit = limit(self.limit, 30)?;
        let path = format!("/library/collections/{}/items", self.collection.0);
        let query: Query =
            vec![("X-Plex-Container-Start", "0".to_owned()), ("X-Plex-Container-Size", limit.to_string())];
        let Some(answer) = instance.find(&path, &query, Age::List).await? else {
            return nothing("Plex has no collection of that key");
        };
        listed_with(instance, items(&answer), total(&answer), limit, self.response_level.unwrap_or_default(), json!({}))
    }
}

/// Make a collection of titles of one library.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionCreate {
    /// Its name.
    title: String,
    /// The library it is in, by title or number.
    section: String,
    /// What is in it: all films, or all series.
    rating_keys: Vec<Key>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for CollectionCreate {
    const NAME: &'static str = "plex_collection_create";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex make new collection sammlung anlegen erstellen crear colección créer collection";
    type Service = Plex;

    fn title(&self) -> String {
        format!("Make the collection “{}” on Plex", shorten(&clean(&self.title), 60))
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let section = section(instance, &self.section).await?;
        let found = all_wanted(instance, &self.rating_keys).await?;
        Ok(Card::new(one_line("title", &self.title)?).fact("Library", section.title).fact("Holds", few_titles(&found)))
    }

    fn wording(&self, _: &Plex) -> Wording {
        words(format!("{}?", self.title()), "No collection was made.")
    }

    async fn check(&self, plex: &Plex, _: &Call) -> Result<Option<Output>, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (title, section) = (one_line("title", &self.title)?, section(instance, &self.section).await?);
        let path = format!("/library/sections/{}/collections", section.key);
        let answer = instance.get(&path, &Query::new(), Age::Now).await?;
        let found = items(&answer).iter().find(|head| text(&head["title"], 200) == title).and_then(key);
        Ok(found.map(|own| collected(&title, own, &self.instance)))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (title, section) = (one_line("title", &self.title)?, section(instance, &self.section).await?);
        let found = all_wanted(instance, &self.rating_keys).await?;
        let wanted = if section.kind == "show" { "show" } else { "movie" };
        if let Some(other) = found.iter().find(|item| item["type"] != wanted) {
            let text =
                format!("{} is not a {wanted}; a collection of {} holds nothing else", titled(other), section.title);
            return Err(ToolError::TellModel(text));
        }
        let query: Query = vec![
            ("type", section.item_type().to_string()),
            ("title", title.clone()),
            ("smart", "0".to_owned()),
            ("sectionId", section.key.clone()),
            ("uri", instance.uri(&names(&self.rating_keys)).await?),
        ];
        let answer = instance.change(Method::POST, "/library/collections", &query).await?;
        let own = answer.as_ref().and_then(|answer| items(answer).first()).and_then(key);
        let own = own.ok_or_else(|| instance.could_not("it did not say which collection it made"))?;
        collection(instance, Key(own)).await?;
        Ok(collected(&title, own, &self.instance))
    }
}

fn collected(title: &str, key: u64, instance: &Option<String>) -> Output {
    let undo = UndoCall {
        tool: CollectionDelete::NAME.into(),
        arguments: arguments(json!({"collection": key}), instance),
        title: format!("Delete the collection {title}"),
    };
    Output::done(format!("The collection {title} was made on Plex (key {key}).")).with_undo(undo)
}

/// Put titles into a collection.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionAdd {
    /// The collection's key.
    collection: Key,
    /// What is put into it.
    rating_keys: Vec<Key>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for CollectionAdd {
    const NAME: &'static str = "plex_collection_add";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex add to collection zur sammlung hinzufügen añadir a la colección ajouter à la collection";
    type Service = Plex;

    fn title(&self) -> String {
        "Put titles into a collection on Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let list = collection(instance, self.collection).await?;
        let found = all_wanted(instance, &self.rating_keys).await?;
        Ok(list_card(&list).fact("Is added", few_titles(&found)))
    }

    fn wording(&self, _: &Plex) -> Wording {
        words("Put these into the collection?", "The collection stays as it is.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let before = collection(instance, self.collection).await?;
        let mut found = all_wanted(instance, &self.rating_keys).await?;
        found.retain(|item| key(item).is_some_and(|key| !before.holds(key)));
        let title = before.title();
        if found.is_empty() {
            return Output::json(
                &json!({"note": format!("all of them are in {title} already; nothing was changed"), "already_exists": true}),
            );
        }
        let keys: Vec<u64> = found.iter().filter_map(key).collect();
        let path = format!("/library/collections/{}/items", self.collection.0);
        let query: Query = vec![("uri", instance.uri(&keys).await?)];
        if instance.change(Method::PUT, &path, &query).await?.is_none() {
            return Err(instance.could_not("it did not take the titles into the collection"));
        }
        let after = collection(instance, self.collection).await?;
        if keys.iter().any(|key| !after.holds(*key)) {
            return Err(instance.could_not(&format!("it took the titles, and some are not in {title}")));
        }
        let undo = UndoCall {
            tool: CollectionRemove::NAME.into(),
            arguments: arguments(json!({"collection": self.collection.0, "rating_keys": keys}), &self.instance),
            title: format!("Take them out of {title} again"),
        };
        Ok(Output::done(format!("{} went into the collection {title}.", few_titles(&found))).with_undo(undo))
    }
}

/// Take titles out of a collection. The titles themselves stay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionRemove {
    /// The collection's key.
    collection: Key,
    /// What is taken out.
    rating_keys: Vec<Key>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl CollectionRemove {
    async fn chosen(&self, instance: &Instance) -> Result<(List, Vec<Value>), ToolError> {
        if self.rating_keys.is_empty() || self.rating_keys.len() > MOST_CHANGED {
            return Err(ToolError::TellModel(format!("give 1 to {MOST_CHANGED} rating_keys")));
        }
        let list = collection(instance, self.collection).await?;
        let chosen = self.rating_keys.iter().map(|wanted| {
            let found = list.items.iter().find(|item| key(item) == Some(wanted.0)).cloned();
            found.ok_or_else(|| ToolError::TellModel(format!("the collection does not hold {}", wanted.0)))
        });
        let chosen = chosen.collect::<Result<Vec<Value>, ToolError>>()?;
        Ok((list, chosen))
    }
}

impl Tool for CollectionRemove {
    const NAME: &'static str = "plex_collection_remove";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex remove from collection aus der sammlung entfernen quitar de la colección retirer de la collection";
    type Service = Plex;

    fn title(&self) -> String {
        "Take titles out of a collection on Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let (list, chosen) = self.chosen(plex.instance(self.instance.as_deref())?).await?;
        Ok(list_card(&list).fact("Is taken out", few_titles(&chosen)))
    }

    fn wording(&self, _: &Plex) -> Wording {
        words("Take these out of the collection?", "The collection stays as it is.")
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (list, chosen) = self.chosen(instance).await?;
        for wanted in &self.rating_keys {
            let path = format!("/library/collections/{}/items/{}", self.collection.0, wanted.0);
            // The description has PUT for this path, servers in the field take DELETE.
            if instance.change(Method::DELETE, &path, &Query::new()).await?.is_none() {
                instance.change(Method::PUT, &path, &Query::new()).await?;
            }
        }
        let title = list.title();
        let left = read_all(instance, &format!("/library/collections/{}/items", self.collection.0)).await?;
        let is_left = |item: &Value| key(item).is_some_and(|key| self.rating_keys.contains(&Key(key)));
        if left.is_some_and(|left| left.iter().any(is_left)) {
            return Err(instance.could_not(&format!("it took the order, and some are still in {title}")));
        }
        let undo = UndoCall {
            tool: CollectionAdd::NAME.into(),
            arguments: arguments(
                json!({"collection": self.collection.0, "rating_keys": names(&self.rating_keys)}),
                &self.instance,
            ),
            title: format!("Put them back into {title}"),
        };
        Ok(Output::done(format!("{} went out of the collection {title}.", few_titles(&chosen))).with_undo(undo))
    }
}

/// Delete a collection. The titles in it stay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionDelete {
    /// The collection's key.
    collection: Key,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for CollectionDelete {
    const NAME: &'static str = "plex_collection_delete";
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("the collection is gone; what was in it is still there");
    const KEYWORDS: &'static str = "plex delete collection sammlung löschen borrar colección supprimer collection";
    type Service = Plex;

    fn title(&self) -> String {
        "Delete a collection on Plex".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let list = collection(instance, self.collection).await?;
        let mut shown = list_card(&list).fact("In it", few_titles(&list.items));
        shown.picture = card(instance, &list.head).picture;
        Ok(shown)
    }

    fn wording(&self, _: &Plex) -> Wording {
        words("Delete this collection?", "The collection stays.")
    }

    async fn check(&self, plex: &Plex, _: &Call) -> Result<Option<Output>, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let is_there = instance.item(self.collection.0, Age::Now).await?.is_some();
        Ok((!is_there).then(|| Output::done("The collection is gone.")))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let list = collection(instance, self.collection).await?;
        let path = format!("/library/collections/{}", self.collection.0);
        if instance.change(Method::DELETE, &path, &Query::new()).await?.is_none() {
            // Servers that keep to the description have it under the section.
            let section = number(&list.head["librarySectionID"]).unwrap_or(0);
            let path = format!("/library/sections/{section}/collection/{}", self.collection.0);
            instance.change(Method::DELETE, &path, &Query::new()).await?;
        }
        if instance.item(self.collection.0, Age::Now).await?.is_some() {
            return Err(instance.could_not("it took the order to delete the collection, and still has it"));
        }
        Ok(Output::done(format!("The collection {} was deleted; its titles stay.", list.title())))
    }
}
