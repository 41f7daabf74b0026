//! Asking for something to go: what would be deleted, who is still about it, and after the yes the deleting itself.
//!
//! The question is the removal request: it waits for days, is decided by whom the rules name, and nothing is touched before.

use super::{
    Media,
    request::{MediaRequest, no_season, seasons_of},
    wish::{Kind, Wish, list},
};
use crate::{
    kept::unreachable,
    plex::{Outside, Shelf, regard, seasons_of as seasons_in_plex},
    servarr::{
        Client, MOST_DESTROYED, asks,
        client::{Age, Query},
        exclusions::exclusion,
        view,
    },
    sonarr::{delete_files, stop_monitoring},
    text::{bytes, line},
};
use majordomo_domain::{
    Call, Card, Effect, Output, PersonId, Repeat, Request, RequestState, Tool, ToolError, approval::Wording,
    request::RequestEvent, tool::Undo,
};
use majordomo_store::{News, StoreError};
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};

/// Files that go with seasons in one question; more of them are asked for in parts, or with the whole series.
const MOST_FILES: usize = 100;

/// Ask to have a film, a whole series or seasons of it deleted with the files, such as what everybody has seen. Shows what goes and who
/// still wants it; somebody who may decide says yes first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaRemoval {
    /// film or series.
    media_type: Kind,
    /// TMDb id, from a search or a list.
    #[serde(default)]
    tmdb_id: Option<u64>,
    /// TVDB id of a series.
    #[serde(default)]
    tvdb_id: Option<u64>,
    /// Only these seasons of a series, by Sonarr's numbers, such as [1]; the whole series when absent.
    #[serde(default)]
    seasons: Option<Vec<u32>>,
    /// Also keep import lists from adding it again. False when absent.
    #[serde(default)]
    exclude: Option<bool>,
    /// Which Radarr or Sonarr; the default one when absent.
    #[serde(default)]
    instance: Option<String>,
}

/// Everything that is known before anything is asked or done.
struct Going {
    wish: Wish,
    id: u64,
    files: u64,
    size_bytes: u64,
    /// Where only seasons go: each with the sizes of its files, by Sonarr's numbers of them.
    seasons: BTreeMap<u32, Vec<(u64, u64)>>,
    folder: Option<String>,
    picture: Option<String>,
}

/// Who is still about it.
#[derive(Default)]
struct Wanted {
    /// Who asked for it or waits for it, by name, with the one who asks now left out.
    by: Vec<String>,
    watched: Vec<String>,
    next: Vec<String>,
    playing: Vec<String>,
    lists: Vec<String>,
    /// Why Plex could not be asked.
    unchecked: Option<String>,
}

impl MediaRemoval {
    async fn going<'a>(&self, media: &'a Media) -> Result<(&'a Client, Option<Going>, Wish), ToolError> {
        let client = media.fetcher(self.media_type, self.instance.as_deref())?;
        match (&self.seasons, self.media_type) {
            (None, _) => {}
            (Some(_), Kind::Film) => return Err(ToolError::TellModel("a film has no seasons".into())),
            (Some(none), Kind::Series) if none.is_empty() => {
                return Err(ToolError::TellModel("name the seasons, or leave them out for the whole series".into()));
            }
            (Some(_), Kind::Series) if self.exclude == Some(true) => {
                return Err(ToolError::TellModel(
                    "import lists know whole series only; leave exclude out for seasons".into(),
                ));
            }
            (Some(_), Kind::Series) => {}
        }
        let title = MediaRequest::for_looking(self.media_type, self.tmdb_id, self.tvdb_id).title_of(client).await?;
        let mut wish = Wish {
            kind: self.media_type,
            tmdb: title["tmdbId"].as_u64().filter(|id| *id > 0).or(self.tmdb_id),
            tvdb: title["tvdbId"].as_u64().filter(|id| *id > 0),
            title: line(title["title"].as_str().unwrap_or("without a title"), 150),
            year: title["year"].as_u64().and_then(|year| u32::try_from(year).ok()).filter(|year| *year > 0),
            instance: client.name().to_owned(),
            ..Wish::default()
        };
        let Some(record) = media.record(client, &wish, Age::Now).await? else { return Ok((client, None, wish)) };
        let id = record["id"].as_u64().unwrap_or_default();
        let mut seasons = BTreeMap::new();
        if let Some(named) = &self.seasons {
            let known = seasons_of(&record);
            if let Some(unknown) = named.iter().find(|season| !known.contains(season)) {
                return Err(no_season(&wish, *unknown, &known));
            }
            wish.seasons.clone_from(named);
            wish.seasons.sort_unstable();
            wish.seasons.dedup();
            seasons = files_of(client, id, &wish.seasons).await?;
            let count: usize = seasons.values().map(Vec::len).sum();
            if count == 0 {
                return Ok((client, None, wish));
            }
            if count > MOST_FILES {
                return Err(ToolError::TellModel(format!(
                    "{} has {count} files; one question deletes at most {MOST_FILES} of single seasons: ask for fewer seasons",
                    wish.in_words()
                )));
            }
        }
        let of_seasons = || seasons.values().flatten();
        let (files, size) = match self.media_type {
            Kind::Film => (u64::from(record["hasFile"] == true), view::bytes(&record["sizeOnDisk"])),
            Kind::Series if self.seasons.is_some() => {
                (of_seasons().count() as u64, Some(of_seasons().map(|(_, size)| size).sum()))
            }
            Kind::Series => (
                record["statistics"]["episodeFileCount"].as_u64().unwrap_or(0),
                view::bytes(&record["statistics"]["sizeOnDisk"]),
            ),
        };
        let going = Going {
            id,
            files,
            size_bytes: size.unwrap_or(0),
            seasons,
            folder: record["path"].as_str().map(|path| line(path, 200)),
            picture: media.poster_of(client, &title).await,
            wish: wish.clone(),
        };
        Ok((client, Some(going), wish))
    }

    async fn there<'a>(&self, media: &'a Media) -> Result<(&'a Client, Going), ToolError> {
        match self.going(media).await? {
            (client, Some(going), _) => Ok((client, going)),
            (client, None, wish) => Err(ToolError::TellModel(format!(
                "{} does not have anything of {}; there is nothing to delete",
                client.title(),
                wish.in_words()
            ))),
        }
    }

    async fn wanted(&self, media: &Media, wish: &Wish, call: &Call) -> Result<Wanted, ToolError> {
        let mut wanted = Wanted::default();
        let store = media.store()?;
        if let Some(request) = store.last_request(super::NAME, &wish.subject()).await.map_err(unreachable)? {
            let mut people: Vec<PersonId> = vec![request.owner];
            people.extend(store.watchers(request.id).await.map_err(unreachable)?.iter().map(|w| w.person));
            people.retain(|person| *person != call.person.id);
            let all = store.people().await.map_err(unreachable)?;
            wanted.by = all.into_iter().filter(|one| people.contains(&one.id)).map(|one| one.name).collect();
        }
        if let Err(error) = media.regarded(wish, &mut wanted).await {
            wanted.unchecked = Some(error.to_string());
        }
        Ok(wanted)
    }
}

/// The files of these seasons with their sizes.
async fn files_of(client: &Client, series: u64, seasons: &[u32]) -> Result<BTreeMap<u32, Vec<(u64, u64)>>, ToolError> {
    let mut found: BTreeMap<u32, Vec<(u64, u64)>> = seasons.iter().map(|season| (*season, Vec::new())).collect();
    for file in client.list("/episodefile", &vec![("seriesId", series.to_string())], Age::Now).await? {
        let season = file["seasonNumber"].as_u64().and_then(|number| u32::try_from(number).ok());
        if let (Some(files), Some(id)) = (season.and_then(|season| found.get_mut(&season)), file["id"].as_u64()) {
            files.push((id, view::bytes(&file["size"]).unwrap_or(0)));
        }
    }
    Ok(found)
}

impl Media {
    async fn regarded(&self, wish: &Wish, wanted: &mut Wanted) -> Result<(), ToolError> {
        let Some(plex) = &self.plex else { return Ok(()) };
        let small = |id: u64| u32::try_from(id).unwrap_or(0);
        let (shelf, ids) = match wish.kind {
            Kind::Film => (Shelf::Movie, [wish.tmdb.map(|id| Outside::Tmdb(small(id))), None]),
            Kind::Series => (
                Shelf::Show,
                [wish.tvdb.map(|id| Outside::Tvdb(small(id))), wish.tmdb.map(|id| Outside::Tmdb(small(id)))],
            ),
        };
        for name in plex.names().map(str::to_owned).collect::<Vec<_>>() {
            let instance = plex.instance(Some(&name))?;
            let library = instance.library().await?;
            let Some(have) = ids.into_iter().flatten().find_map(|id| library.find(shelf, id)) else { continue };
            let whole = u64::from(have.rating_key);
            let keys = match wish.seasons.is_empty() {
                true => vec![whole],
                false => seasons_in_plex(instance, whole, &wish.seasons).await?,
            };
            for key in keys {
                let found = regard(instance, key).await?;
                wanted.watched.extend(found.watched.into_iter().map(|(who, day)| format!("{who} ({day})")));
                wanted.next.extend(found.next);
                wanted.playing.extend(found.playing);
                wanted.lists.extend(found.lists);
            }
        }
        Ok(())
    }
}

impl Tool for MediaRemoval {
    const NAME: &'static str = "media_removal";
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("the files are gone; it can be asked for anew");
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(90));
    const APPROVAL_SECONDS: u32 = 7 * 86_400;
    const KEYWORDS: &'static str = "request removal delete remove get rid of throw away film movie series we have seen watched it free \
        space can go season löschen wegwerfen weg entfernen gesehen Film Serie Staffel kann weg Platz schaffen borrar eliminar quitar ya la \
        vimos película serie temporada hacer sitio supprimer effacer enlever déjà vu film série saison faire de la place";
    type Service = Media;

    fn title(&self) -> String {
        match self.media_type {
            Kind::Film => "Asking for a film to be deleted".into(),
            Kind::Series if self.seasons.is_some() => "Asking for seasons to be deleted".into(),
            Kind::Series => "Asking for a series to be deleted".into(),
        }
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    fn wording(&self, _: &Media) -> Wording {
        match self.media_type {
            Kind::Film => asks("Delete this film and its files for good?", "The film and its files stay."),
            Kind::Series if self.seasons.is_some() => {
                asks("Delete the files of these seasons for good?", "The seasons and their files stay.")
            }
            Kind::Series => asks("Delete this series and all its files for good?", "The series and its files stay."),
        }
    }

    async fn facts(&self, media: &Media, call: &Call) -> Result<Map<String, Value>, ToolError> {
        let (client, going) = self.there(media).await?;
        let wanted = self.wanted(media, &going.wish, call).await?;
        let facts = json!({
            "size_gb": (going.size_bytes as f64 / 1e8).round() / 10.0,
            "file_count": going.files,
            "season_count": going.seasons.len(),
            "instance": client.name(),
            "others_asked": !wanted.by.is_empty(),
            "is_watched": !wanted.watched.is_empty(),
            "is_begun": !wanted.next.is_empty() || !wanted.playing.is_empty(),
            "is_listed": !wanted.lists.is_empty(),
        });
        Ok(facts.as_object().cloned().unwrap_or_default())
    }

    async fn preview(&self, media: &Media, call: &Call) -> Result<Card, ToolError> {
        let (client, going) = self.there(media).await?;
        let wanted = self.wanted(media, &going.wish, call).await?;
        let mut card = Card::new(going.wish.in_words());
        card.picture.clone_from(&going.picture);
        let files = match going.files {
            0 => "there are none".to_owned(),
            1 => format!("1 file deleted for good, {}", bytes(going.size_bytes)),
            n => format!("{n} files deleted for good, {}", bytes(going.size_bytes)),
        };
        card = card.fact("Files", files);
        for (season, files) in &going.seasons {
            let size = files.iter().map(|(_, size)| size).sum();
            let count = if files.len() == 1 { "1 file".to_owned() } else { format!("{} files", files.len()) };
            card =
                card.fact(format!("Season {season}"), format!("{count}, {}, and no longer watched for", bytes(size)));
        }
        if let Some(folder) = &going.folder {
            card = card.fact("Folder", folder.clone());
        }
        let words = |items: &[String]| list(items.iter().take(10).cloned());
        for (label, items) in [
            ("Plays it now", &wanted.playing),
            ("Begun or next", &wanted.next),
            ("On lists", &wanted.lists),
            ("Also asked for by", &wanted.by),
            ("Watched by", &wanted.watched),
        ] {
            if !items.is_empty() {
                card = card.fact(label, words(items));
            }
        }
        if let Some(reason) = &wanted.unchecked {
            card = card.fact("Who watches it", format!("not known: {reason}"));
        } else if media.plex.is_some() && wanted.watched.is_empty() {
            card = card.fact("Watched by", "nobody");
        }
        if self.exclude == Some(true) {
            card = card.fact("Import lists", "may not add it again");
        }
        Ok(card.fact("Deleted from", client.title()).fact("Asked by", call.person.name.clone()))
    }

    async fn check(&self, media: &Media, call: &Call) -> Result<Option<Output>, ToolError> {
        match self.going(media).await? {
            (_, Some(_), _) => Ok(None),
            (client, None, wish) => {
                media.tell_gone(&wish, call).await?;
                let gone = if wish.seasons.is_empty() { "is not" } else { "has no files" };
                Ok(Some(Output::done(format!("{} {gone} in {} any more.", wish.in_words(), client.title()))))
            }
        }
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let (client, going) = self.there(media).await?;
        if !going.seasons.is_empty() {
            return delete_seasons(media, client, &going, call).await;
        }
        let (id, exclude) = (going.id, self.exclude == Some(true));
        // What is not watched for is not fetched again while it goes.
        let (edited, ids, field, outside) = match self.media_type {
            Kind::Film => ("/movie", "movieIds", "addImportExclusion", going.wish.tmdb),
            Kind::Series => ("/series", "seriesIds", "addImportListExclusion", going.wish.tvdb),
        };
        let edit = json!({ids: [id], "monitored": false});
        client.send(Method::PUT, &format!("{edited}/editor"), &Query::new(), &edit).await?;
        let query = vec![("deleteFiles", "true".to_owned()), (field, exclude.to_string())];
        client.send(Method::DELETE, &format!("{edited}/{id}"), &query, &Value::Null).await?;
        if media.record(client, &going.wish, Age::Now).await?.is_some() {
            return Err(client.not_as_described("that it was deleted, but still has it"));
        }
        let is_excluded = exclude && exclusion(client, outside.unwrap_or_default()).await?.is_some();
        media.have_scanned(self.media_type, going.folder.as_deref()).await;
        media.tell_gone(&going.wish, call).await?;
        let mut receipt = format!(
            "{} and its files ({}) were deleted from {}.",
            going.wish.in_words(),
            bytes(going.size_bytes),
            client.title()
        );
        match (exclude, is_excluded) {
            (true, true) => receipt.push_str(" Import lists may not add it again."),
            (true, false) => receipt.push_str(" It could not be kept off the import lists."),
            _ => {}
        }
        Ok(Output::done(receipt))
    }
}

/// Has the seasons looked for no longer, then deletes their files; the series and its other seasons stay.
async fn delete_seasons(media: &Media, client: &Client, going: &Going, call: &Call) -> Result<Output, ToolError> {
    let wish = &going.wish;
    stop_monitoring(client, going.id, &wish.seasons).await?;
    let ids: Vec<u64> = going.seasons.values().flatten().map(|(id, _)| *id).collect();
    for some in ids.chunks(MOST_DESTROYED) {
        delete_files(client, some).await?;
    }
    let left: usize = files_of(client, going.id, &wish.seasons).await?.values().map(Vec::len).sum();
    if left > 0 {
        return Err(client.not_as_described("that the files were deleted, but still has some of them"));
    }
    media.have_scanned(wish.kind, going.folder.as_deref()).await;
    media.tell_gone(wish, call).await?;
    let files = if ids.len() == 1 { "1 file".to_owned() } else { format!("{} files", ids.len()) };
    Ok(Output::done(format!(
        "{}: {files} ({}) deleted from {}, and no longer watched for.",
        wish.in_words(),
        bytes(going.size_bytes),
        client.title()
    )))
}

impl Media {
    /// Those who had asked for it, or wait for it, hear that it is gone; what is still open ends, or wants only what is left of it.
    async fn tell_gone(&self, wish: &Wish, call: &Call) -> Result<(), ToolError> {
        for _ in 0..4 {
            match self.tell_gone_once(wish, call).await {
                Err(StoreError::Conflict(_)) => {}
                told => return told.map_err(unreachable),
            }
        }
        Err(ToolError::CouldNotAsk { service: "the store".into(), reason: "too many changes at once".into() })
    }

    async fn tell_gone_once(&self, wish: &Wish, call: &Call) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        let Some(request) = store.last_request(super::NAME, &wish.subject()).await? else { return Ok(()) };
        let mut left: Wish = serde_json::from_value(request.wish.clone()).unwrap_or_default();
        let person = &call.person;
        let is_part = !wish.seasons.is_empty();
        if is_part && !left.leave_out(&wish.seasons) {
            // Nobody had asked for these.
            return Ok(());
        }
        let is_some_left = is_part && !(left.seasons.is_empty() && left.episodes.is_empty());
        let said = format!("deleted; {} had asked for that", person.name);
        if !request.state.is_over() && !is_some_left {
            store.close_request(request.id, RequestState::Cancelled, Some(person.id), said, call.now_ms).await?;
            return Ok(());
        }
        let gone = if is_part { wish.in_words() } else { request.title.clone() };
        let event = RequestEvent {
            at_ms: call.now_ms,
            kind: "removed".into(),
            actor: Some(person.id),
            text: if is_part { format!("{gone}: {said}") } else { said },
        };
        // Nobody waits for what was declined or taken back, and it is told once.
        let story = store.request_story(request.id).await?;
        let is_told = story.iter().any(|line| line.kind == "removed" && (!is_part || line.text == event.text));
        if is_told || (request.state.is_over() && request.state != RequestState::Watchable) {
            return Ok(());
        }
        let watchers = store.watchers(request.id).await?;
        let text = format!("{gone} was deleted; {} had asked for that.", person.name);
        let others = watchers.iter().filter(|watcher| watcher.person != person.id);
        let news = others.map(|watcher| News::to_watcher(watcher, &request.subject, &text, call.now_ms)).collect();
        if !request.state.is_over() {
            let wish = serde_json::to_value(&left).unwrap_or_default();
            let less = Request { title: left.in_words(), wish, ..request };
            return store.change_request(less, event, news, call.now_ms).await;
        }
        store.note_request(request.id, event, news).await
    }
}
