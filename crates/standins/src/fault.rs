//! Bad days on demand: one switch per service, set by a test or by `POST /_fault`.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{convert::Infallible, io, pin::Pin, time::Duration};
use tokio::time::sleep;

/// What goes wrong. As JSON: `{"kind": "status", "code": 429, "retry_after": 2}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The answer is right and comes this much later.
    Slow { ms: u64 },
    /// The answer is right and comes in small pieces.
    Trickle { bytes_per_second: u64 },
    /// The connection breaks after so many bytes of the body.
    CutAfter { bytes: usize },
    /// The port is closed: connections are refused and open ones end. Lifted through the Rust interface or through
    /// another service's `/_fault`.
    Refuse,
    /// The request is read, then the connection closes without an answer.
    HangUp,
    /// The request is read, then nothing ever comes.
    Hang,
    /// Head and so many bytes of the body come, then nothing more.
    SilenceAfter { bytes: usize },
    /// 200 with a web page, as a login proxy in front of a service answers.
    Html,
    /// This status with the service's own error body; with a `Retry-After` header when given, in seconds.
    Status {
        code: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    /// 200 with the first half of the right JSON.
    HalfJson,
    /// The answer is right, but every text of this name in it says something else: what somebody wrote into a catalogue.
    Words { field: String, text: String },
    /// 200 with JSON of another shape.
    OtherShape,
    /// 301 to the same address, for ever.
    RedirectLoop,
    /// 200 with a JSON text of about so many bytes, never kept in memory as a whole.
    Huge { bytes: u64 },
    /// Model only: after so many pieces of a stream, an error event in the stream's own dialect.
    ErrorEvent { after_pieces: usize },
    /// Model only: the stream ends without its finish.
    MissingFinish,
}

/// What `POST /_fault` takes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// None lifts the fault.
    pub fault: Option<Fault>,
    /// Requests it hits before it lifts itself. Until lifted when absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// Only requests whose path contains this text. Not heeded by `refuse`.
    #[serde(default)]
    pub path: Option<String>,
    /// `model`, `tmdb` or `tvmaze`; the service asked when absent.
    #[serde(default)]
    pub service: Option<String>,
}

/// What the server shall do after a fault was laid over an answer.
pub(crate) enum Spoiled {
    Answer(Response<Body>),
    /// Close the connection without answering.
    Close,
    /// Never answer.
    Never,
}

pub(crate) const HTML: &str = "<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1>\
    <form method=\"post\"><input name=\"user\"><input name=\"password\" type=\"password\"></form></body></html>";

/// Pieces of a huge answer.
const BLOCK: usize = 64 * 1024;

/// A moment in which bytes already written reach the wire before the connection breaks.
const FLUSH: Duration = Duration::from_millis(20);

impl Fault {
    /// Faults that need no right answer first. None when the right answer has to be made and spoiled.
    pub(crate) fn instead(&self, path: &str, error: impl Fn(u16) -> String) -> Option<Spoiled> {
        let answer = match self {
            Fault::HangUp | Fault::Refuse => return Some(Spoiled::Close),
            Fault::Hang => return Some(Spoiled::Never),
            Fault::Html => text(StatusCode::OK, "text/html; charset=utf-8", HTML),
            Fault::Status { code, retry_after } => {
                let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut answer = text(status, "application/json", error(*code));
                if let Some(seconds) = retry_after {
                    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
                }
                answer
            }
            Fault::OtherShape => {
                text(StatusCode::OK, "application/json", r#"{"surprise":[1,{"two":null}],"results":7}"#)
            }
            Fault::RedirectLoop => {
                let mut answer = text(StatusCode::MOVED_PERMANENTLY, "text/plain", "moved");
                if let Ok(place) = HeaderValue::from_str(path) {
                    answer.headers_mut().insert(header::LOCATION, place);
                }
                answer
            }
            Fault::Huge { bytes } => {
                let block = Bytes::from(vec![b'x'; BLOCK]);
                let blocks = usize::try_from(bytes / BLOCK as u64).unwrap_or(usize::MAX);
                let middle = futures_util::stream::iter(0..blocks).map(move |_| block.clone());
                let start = futures_util::stream::iter([Bytes::from_static(b"{\"results\":[\"")]);
                let end = futures_util::stream::iter([Bytes::from_static(b"\"]}")]);
                let body = start.chain(middle).chain(end).map(Ok::<_, Infallible>);
                let mut answer = Response::new(Body::from_stream(body));
                answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                answer
            }
            Fault::Slow { .. }
            | Fault::Trickle { .. }
            | Fault::CutAfter { .. }
            | Fault::SilenceAfter { .. }
            | Fault::HalfJson
            | Fault::Words { .. }
            | Fault::ErrorEvent { .. }
            | Fault::MissingFinish => return None,
        };
        Some(Spoiled::Answer(answer))
    }

    /// Spoils a right answer.
    pub(crate) async fn over(&self, answer: Response<Body>) -> Response<Body> {
        let (mut head, body) = answer.into_parts();
        let body = match self {
            Fault::Slow { ms } => {
                sleep(Duration::from_millis(*ms)).await;
                body
            }
            Fault::Trickle { bytes_per_second } => trickled(body, (*bytes_per_second).max(1)),
            Fault::CutAfter { bytes } => ended(body, *bytes, true),
            Fault::SilenceAfter { bytes } => ended(body, *bytes, false),
            Fault::HalfJson => {
                head.headers.remove(header::CONTENT_LENGTH);
                let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
                Body::from(whole.slice(..whole.len() / 2))
            }
            Fault::Words { field, text } => {
                head.headers.remove(header::CONTENT_LENGTH);
                let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
                let mut answer = serde_json::from_slice(&whole).unwrap_or_default();
                put_words(&mut answer, field, text);
                Body::from(answer.to_string())
            }
            _ => body,
        };
        Response::from_parts(head, body)
    }
}

fn put_words(value: &mut Value, field: &str, text: &str) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.is_string() && name == field {
                    true => *value = text.into(),
                    false => put_words(value, field, text),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| put_words(value, field, text)),
        _ => {}
    }
}

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, axum::Error>> + Send>>;

fn pieces(body: Body) -> Pieces {
    Box::pin(body.into_data_stream())
}

fn trickled(body: Body, bytes_per_second: u64) -> Body {
    let gap = Duration::from_secs_f64(1.0 / bytes_per_second as f64);
    let stream = futures_util::stream::unfold((pieces(body), Bytes::new()), move |(mut source, mut rest)| async move {
        while rest.is_empty() {
            rest = source.next().await?.ok()?;
        }
        sleep(gap).await;
        let piece = rest.split_to(1);
        Some((Ok::<_, io::Error>(piece), (source, rest)))
    });
    Body::from_stream(stream)
}

/// The first `bytes` of a body, then a broken connection or silence.
fn ended(body: Body, bytes: usize, broken: bool) -> Body {
    let stream = futures_util::stream::unfold(Some((pieces(body), bytes)), move |state| async move {
        let (mut source, left) = state?;
        if left > 0
            && let Some(Ok(mut piece)) = source.next().await
        {
            piece.truncate(left);
            let left = left - piece.len();
            return Some((Ok(piece), Some((source, left))));
        }
        if !broken {
            std::future::pending::<()>().await;
        }
        sleep(FLUSH).await;
        Some((Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut on purpose")), None))
    });
    Body::from_stream(stream)
}

pub(crate) fn text(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}
