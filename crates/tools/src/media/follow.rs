//! How far a request has come, for the house that follows it; and the webhooks by which the services say that something has moved.

use super::{
    Media,
    shelf::Found,
    whereabouts::{Cause, whereabouts},
    wish::{Kind, Wish},
};
use crate::plex::{self, Shelf};
use futures_util::future::BoxFuture;
use majordomo_domain::{
    Clock, Follow, Hook, Past, Progress, Request, SystemClock, ToolError, hook::Notification, text::shorten,
};
use majordomo_upstream::Method;
use serde_json::Value;
use std::sync::Arc;

/// A file that the library has not picked up after so long is somebody's business. Milliseconds.
const UNSCANNED_MS: i64 = 15 * 60_000;
/// The library is told of a file that came within so long, and not again later. Milliseconds.
const FRESH_MS: i64 = 10 * 60_000;
/// While a file waits for the library, it is looked at often.
const SETTLING_MS: u64 = 20_000;

/// Follows requests of this toolkit.
pub(super) struct Following(pub Arc<Media>);

impl Follow for Following {
    fn look<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Progress, ToolError>> {
        Box::pin(async move {
            let now_ms = SystemClock.now_ms();
            let wish: Wish = serde_json::from_value(request.wish.clone())
                .map_err(|error| ToolError::Bug(format!("a wish was not understood: {error}")))?;
            self.0.progress(&wish, request.progress.as_ref(), now_ms).await
        })
    }

    fn sources(&self) -> Vec<String> {
        self.0.sources()
    }

    fn past<'a>(
        &'a self,
        source: &'a str,
        since_ms: i64,
        requests: &'a [Request],
    ) -> BoxFuture<'a, Result<Past, ToolError>> {
        Box::pin(self.0.past(source, since_ms, requests))
    }
}

impl Media {
    pub(super) async fn progress(
        &self,
        wish: &Wish,
        before: Option<&Progress>,
        now_ms: i64,
    ) -> Result<Progress, ToolError> {
        let found = self.look_for(wish, Ok(None), now_ms).await?;
        let unanswered =
            |said: &str| ToolError::CouldNotAsk { service: found.evidence.fetcher.clone(), reason: said.to_owned() };
        // Without these nothing can be said, and nothing is.
        if let Err(said) = &found.evidence.record {
            return Err(unanswered(said));
        }
        if let Err(said) = &found.evidence.library {
            return Err(ToolError::CouldNotAsk { service: "Plex".into(), reason: said.clone() });
        }
        let is_fresh = found.file_added_ms.is_some_and(|at| now_ms - at < FRESH_MS);
        if found.is_unscanned && is_fresh && before.is_none_or(|before| !before.is_settling) {
            self.have_scanned(wish.kind, found.folder.as_deref()).await;
        }
        Ok(told(&found, now_ms))
    }

    /// Tell Plex to look at a folder, where it knows it, else at its libraries of that kind. Failing is no harm: Plex looks by itself too.
    pub(super) async fn have_scanned(&self, kind: Kind, folder: Option<&str>) {
        let Some(plex) = &self.plex else { return };
        let wanted = if kind == Kind::Film { Shelf::Movie } else { Shelf::Show };
        for name in plex.names().map(str::to_owned).collect::<Vec<_>>() {
            let Ok(instance) = plex.instance(Some(&name)) else { continue };
            let Ok(sections) = instance.sections().await else { continue };
            let sections: Vec<_> = sections.iter().filter(|one| one.kind == wanted.kind()).collect();
            let holds = |section: &&&plex::client::Section| {
                folder.is_some_and(|folder| section.folders.iter().any(|known| folder.starts_with(known.as_str())))
            };
            let own: Vec<_> = sections.iter().filter(holds).collect();
            let (those, path) = match own.is_empty() {
                true => (sections.iter().collect(), None),
                false => (own, folder),
            };
            for section in those {
                let query = path.map(|path| ("path", path.to_owned())).into_iter().collect();
                let path = format!("/library/sections/{}/refresh", section.key);
                let _ = instance.change_either_way(Method::POST, &path, &query).await;
            }
        }
        plex.library_is_stale();
    }
}

fn told(found: &Found, now_ms: i64) -> Progress {
    let whereabouts = whereabouts(&found.evidence);
    let is_old = found.file_added_ms.is_some_and(|at| now_ms - at >= UNSCANNED_MS);
    let trouble = match whereabouts.cause {
        Cause::ImportBlocked | Cause::ClientAway | Cause::FolderMissing | Cause::Stalled => {
            Some(whereabouts.line.clone())
        }
        _ if found.is_unscanned && is_old => {
            Some(format!("it was downloaded a while ago, but Plex does not show it: {}", whereabouts.line))
        }
        _ => None,
    };
    let is_gone = matches!(found.evidence.record, Ok(None));
    let is_all = !found.items.is_empty() && found.items.iter().all(|item| item.is_watchable);
    let is_settling = found.is_unscanned && !is_old;
    Progress {
        line: whereabouts.line,
        percent: found.percent,
        unit: found.evidence.unit.to_owned(),
        is_downloading: found.is_downloading,
        is_settling,
        failure: (is_gone && !is_all).then(|| format!("{} does not have it any more", found.evidence.fetcher)),
        trouble,
        look_again_ms: is_settling.then_some(SETTLING_MS),
        items: found.items.clone(),
    }
}

/// What Radarr or Sonarr sends by itself.
pub(super) struct ServarrHook(pub Kind);

impl Hook for ServarrHook {
    fn name(&self) -> &str {
        if self.0 == Kind::Film { "radarr" } else { "sonarr" }
    }

    fn receive<'a>(
        &'a self,
        _content_type: &'a str,
        body: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Notification>, ToolError>> {
        Box::pin(async move {
            let said: Value = serde_json::from_slice(body)
                .map_err(|_| ToolError::TellModel("a webhook of Radarr or Sonarr is JSON".into()))?;
            Ok(understand(self.0, &said))
        })
    }
}

/// None for tests, and for what changes nothing that anybody waits for.
fn understand(kind: Kind, said: &Value) -> Option<Notification> {
    let event = said["eventType"].as_str()?;
    let word = |value: &Value| value.as_str().map(|text| crate::text::line(text, 200));
    // A household follows a few dozen requests at most: all of them are looked at, whatever the event says it is about.
    let notification = Notification {
        source: if kind == Kind::Film { "radarr" } else { "sonarr" }.into(),
        kind: shorten(event, 40),
        ..Notification::default()
    };
    let application = if kind == Kind::Film { "Radarr" } else { "Sonarr" };
    match event {
        "Grab"
        | "Download"
        | "MovieAdded"
        | "MovieDelete"
        | "MovieFileDelete"
        | "SeriesAdd"
        | "SeriesDelete"
        | "EpisodeFileDelete"
        | "ManualInteractionRequired"
        | "Rename" => Some(notification),
        "Health" if said["level"] == "error" => {
            let message = word(&said["message"]).unwrap_or_else(|| "no reason is given".into());
            Some(Notification { trouble: Some(format!("{application}: {message}")), ..notification })
        }
        _ => None,
    }
}

/// What Plex sends by itself.
pub(super) struct PlexHook(pub Arc<Media>);

impl Hook for PlexHook {
    fn name(&self) -> &str {
        "plex"
    }

    fn receive<'a>(
        &'a self,
        content_type: &'a str,
        body: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Notification>, ToolError>> {
        Box::pin(async move {
            let Some(notification) = plex::hook::understand(content_type, body).await? else { return Ok(None) };
            if !plex::hook::is_new_in_library(&notification) {
                return Ok(None);
            }
            if let Some(plex) = &self.0.plex {
                plex.library_is_stale();
            }
            Ok(Some(notification))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tests_and_warnings_move_nothing_and_errors_reach_the_admins() {
        let heard = |said: Value| understand(Kind::Film, &said);
        assert_eq!(heard(json!({"eventType": "Test", "movie": {"id": 1}})), None);
        assert_eq!(heard(json!({"eventType": "Health", "level": "warning", "message": "old"})), None);
        assert_eq!(heard(json!({"movie": {}})), None);
        let download = heard(json!({"eventType": "Download", "movie": {"tmdbId": 19}})).unwrap();
        assert_eq!((download.kind.as_str(), download.trouble), ("Download", None));
        let health =
            heard(json!({"eventType": "Health", "level": "error", "message": "All\u{7} indexers\nare down"})).unwrap();
        assert_eq!(health.trouble.as_deref(), Some("Radarr: All indexers are down"));
    }
}
