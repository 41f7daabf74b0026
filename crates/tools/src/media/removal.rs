//! Asking for something to go: what would be deleted, who is still about it, and after the yes the deleting itself.
//!
//! The question is the removal request: it waits for days, is decided by whom the rules name, and nothing is touched before.

use super::{
    Media,
    request::MediaRequest,
    wish::{Kind, Wish, list},
};
use crate::{
    kept::unreachable,
    plex::{Outside, Shelf, regard},
    servarr::{
        Client, asks,
        client::{Age, Query},
        exclusions::exclusion,
        view,
    },
    text::{bytes, line},
};
use majordomo_domain::{
    Call, Card, Effect, Output, PersonId, Repeat, RequestState, Tool, ToolError, approval::Wording,
    request::RequestEvent, tool::Undo,
};
use majordomo_store::News;
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Ask to have a film or a whole series deleted with its files, such as one everybody has seen. Shows what goes and who still wants it;
/// somebody who may decide says yes first.
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
        let title = MediaRequest::for_looking(self.media_type, self.tmdb_id, self.tvdb_id).title_of(client).await?;
        let wish = Wish {
            kind: self.media_type,
            tmdb: title["tmdbId"].as_u64().filter(|id| *id > 0).or(self.tmdb_id),
            tvdb: title["tvdbId"].as_u64().filter(|id| *id > 0),
            title: line(title["title"].as_str().unwrap_or("without a title"), 150),
            year: title["year"].as_u64().and_then(|year| u32::try_from(year).ok()).filter(|year| *year > 0),
            instance: client.name().to_owned(),
            ..Wish::default()
        };
        let Some(record) = media.record(client, &wish, Age::Now).await? else { return Ok((client, None, wish)) };
        let (files, size) = match self.media_type {
            Kind::Film => (u64::from(record["hasFile"] == true), view::bytes(&record["sizeOnDisk"])),
            Kind::Series => (
                record["statistics"]["episodeFileCount"].as_u64().unwrap_or(0),
                view::bytes(&record["statistics"]["sizeOnDisk"]),
            ),
        };
        let going = Going {
            id: record["id"].as_u64().unwrap_or_default(),
            files,
            size_bytes: size.unwrap_or(0),
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
                "{} does not have {}; there is nothing to delete",
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
            let found = regard(instance, have.rating_key.into()).await?;
            wanted.watched.extend(found.watched.into_iter().map(|(who, day)| format!("{who} ({day})")));
            wanted.next.extend(found.next);
            wanted.playing.extend(found.playing);
            wanted.lists.extend(found.lists);
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
        space can go löschen wegwerfen weg entfernen gesehen Film Serie kann weg Platz schaffen borrar eliminar quitar ya la vimos película \
        serie hacer sitio supprimer effacer enlever déjà vu film série faire de la place";
    type Service = Media;

    fn title(&self) -> String {
        match self.media_type {
            Kind::Film => "Asking for a film to be deleted".into(),
            Kind::Series => "Asking for a series to be deleted".into(),
        }
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    fn wording(&self, _: &Media) -> Wording {
        match self.media_type {
            Kind::Film => asks("Delete this film and its files for good?", "The film and its files stay."),
            Kind::Series => asks("Delete this series and all its files for good?", "The series and its files stay."),
        }
    }

    async fn facts(&self, media: &Media, call: &Call) -> Result<Map<String, Value>, ToolError> {
        let (client, going) = self.there(media).await?;
        let wanted = self.wanted(media, &going.wish, call).await?;
        let facts = json!({
            "size_gb": (going.size_bytes as f64 / 1e8).round() / 10.0,
            "file_count": going.files,
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
                Ok(Some(Output::done(format!("{} is not in {} any more.", wish.in_words(), client.title()))))
            }
        }
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let (client, going) = self.there(media).await?;
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

impl Media {
    /// Those who had asked for it, or wait for it, hear that it is gone; what is still open ends.
    async fn tell_gone(&self, wish: &Wish, call: &Call) -> Result<(), ToolError> {
        let store = self.store()?;
        let Some(request) = store.last_request(super::NAME, &wish.subject()).await.map_err(unreachable)? else {
            return Ok(());
        };
        let person = &call.person;
        if !request.state.is_over() {
            let text = format!("deleted; {} had asked for that", person.name);
            let closed = store.close_request(request.id, RequestState::Cancelled, Some(person.id), text, call.now_ms);
            return closed.await.map(|_| ()).map_err(unreachable);
        }
        // Nobody waits for what was declined or taken back, and it is told once.
        let story = store.request_story(request.id).await.map_err(unreachable)?;
        if request.state != RequestState::Watchable || story.iter().any(|line| line.kind == "removed") {
            return Ok(());
        }
        let watchers = store.watchers(request.id).await.map_err(unreachable)?;
        let text = format!("{} was deleted; {} had asked for that.", request.title, person.name);
        let others = watchers.iter().filter(|watcher| watcher.person != person.id);
        let news = others.map(|watcher| News::to_watcher(watcher, &request.subject, &text, call.now_ms));
        let event = RequestEvent {
            at_ms: call.now_ms,
            kind: "removed".into(),
            actor: Some(person.id),
            text: format!("deleted; {} had asked for that", person.name),
        };
        store.note_request(request.id, event, news.collect()).await.map_err(unreachable)
    }
}
