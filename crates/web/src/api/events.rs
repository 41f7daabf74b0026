//! What happens in a conversation, as it happens.

use super::messages::without_proofs;
use crate::{
    auth::{Caller, Reads},
    body::{Id, Params},
    error::ApiError,
    shared::{House, Shared},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{FutureExt, stream};
use majordomo_domain::{ConversationId, Event, EventKind, Part};
use majordomo_engine::Watch;
use serde::Deserialize;
use std::{convert::Infallible, io::Write, sync::Arc, time::Duration};
use utoipa::IntoParams;

/// Events that are ready together go out together, up to so many bytes.
const CHUNK: usize = 32 * 1024;
/// How often a stream looks whether its conversation has come to rest while the service stops.
const LAST_LOOK: Duration = Duration::from_millis(100);

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// Number of the last event seen, for those who cannot send the header.
    after: Option<String>,
}

/// Watch a conversation: server-sent events, each with `id: <number>` and `data: <Event>`. Without a number that can be
/// resumed from, the first event is a `snapshot`.
#[utoipa::path(get, path = "/api/conversations/{id}/events", tag = "messages",
    params(("id" = Uuid, Path), EventParams, ("Last-Event-ID" = Option<i64>, Header, description = "Number of the last event seen.")),
    responses((status = 200, content_type = "text/event-stream", body = crate::wire::Event)))]
pub(crate) async fn stream(
    State(shared): House,
    caller: Caller<Reads>,
    Id(id): Id<ConversationId>,
    Params(params): Params<EventParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // The row itself: nobody waits for events of a conversation that is gone.
    shared.conversation(id, caller.person.id).await?;
    let after = match headers.get("last-event-id") {
        Some(value) => Some(number(value.to_str().unwrap_or_default())?),
        None => params.after.as_deref().map(number).transpose()?,
    };
    let watch = shared.web.engine.watch(id, after).await?;
    let quiet = Duration::from_secs(shared.web.config.keep_alive_seconds.clamp(1, 300).into());
    let headers_of_caller = only_proofs(&headers);
    let generation = shared.auth.generation();
    let watching =
        Watching { watch, shared, conversation: id, quiet, headers: headers_of_caller, generation, over: false };
    Ok(event_stream(Body::from_stream(stream::unfold(watching, Watching::next))))
}

fn number(text: &str) -> Result<i64, ApiError> {
    match text.trim().parse::<i64>() {
        Ok(number) if number >= 0 => Ok(number),
        _ => Err(ApiError::malformed("the number of the last event is not a number")),
    }
}

/// The headers by which a caller proves who he is, to be looked at again later.
fn only_proofs(headers: &HeaderMap) -> HeaderMap {
    let mut proofs = HeaderMap::new();
    for name in [header::AUTHORIZATION, header::COOKIE] {
        for value in headers.get_all(&name) {
            proofs.append(name.clone(), value.clone());
        }
    }
    proofs
}

/// A body of server-sent events, with the headers that keep proxies from holding it back.
pub(crate) fn event_stream(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}

/// Somebody who watches.
struct Watching {
    watch: Watch,
    shared: Arc<Shared>,
    conversation: ConversationId,
    quiet: Duration,
    headers: HeaderMap,
    generation: u64,
    over: bool,
}

impl Watching {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if self.over {
            return None;
        }
        let first = loop {
            // A service that stops lets running turns finish, and whoever watches one sees its end.
            let is_stopping = self.shared.web.stopping.is_cancelled();
            if is_stopping && self.shared.web.engine.pending(self.conversation) == 0 {
                return None;
            }
            let patience = if is_stopping { LAST_LOOK } else { self.quiet };
            let next = tokio::select! {
                biased;
                () = self.shared.web.stopping.cancelled(), if !is_stopping => continue,
                next = tokio::time::timeout(patience, self.watch.next()) => next,
            };
            if !self.is_still_allowed().await {
                return None;
            }
            match next {
                Ok(event) => break event?,
                Err(_) if is_stopping => {}
                Err(_) => return Some((Ok(Bytes::from_static(b": \n\n")), self)),
            }
        };
        let mut chunk = Vec::with_capacity(256);
        write_event(&mut chunk, &first);
        self.over = matches!(first.kind, EventKind::ConversationDeleted);
        while !self.over && chunk.len() < CHUNK {
            match self.watch.next().now_or_never() {
                Some(Some(event)) => {
                    write_event(&mut chunk, &event);
                    self.over = matches!(event.kind, EventKind::ConversationDeleted);
                }
                Some(None) => self.over = true,
                None => break,
            }
        }
        Some((Ok(chunk.into()), self))
    }

    /// Whoever was signed out meanwhile sees nothing more. Looked up only after something has changed.
    async fn is_still_allowed(&mut self) -> bool {
        let generation = self.shared.auth.generation();
        if generation == self.generation {
            return true;
        }
        self.generation = generation;
        matches!(self.shared.identify(&Method::GET, &self.headers).await, Ok(Some(_)))
    }
}

fn write_event(chunk: &mut Vec<u8>, event: &Event) {
    let _ = write!(chunk, "id: {}\ndata: ", event.number);
    // JSON holds no line breaks of its own, so one line is enough.
    let written = match with_proofs(event) {
        false => serde_json::to_writer(&mut *chunk, event),
        true => serde_json::to_writer(&mut *chunk, &bare(event)),
    };
    if let Err(error) = written {
        tracing::error!(%error, "an event could not be written");
    }
    chunk.extend_from_slice(b"\n\n");
}

fn with_proofs(event: &Event) -> bool {
    let EventKind::TurnFinished { messages, .. } = &event.kind else { return false };
    messages.iter().flat_map(|m| &m.parts).any(|part| matches!(part, Part::Thinking { dialect: Some(_), .. }))
}

fn bare(event: &Event) -> Event {
    let mut event = event.clone();
    if let EventKind::TurnFinished { messages, .. } = &mut event.kind {
        *messages = std::mem::take(messages).into_iter().map(without_proofs).collect();
    }
    event
}
