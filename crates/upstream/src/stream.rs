//! Reading an event stream, bounded.
//!
//! The parser is our own and not `eventsource-stream`: that one copies the rest of its buffer at every line, reads an
//! unfinished line again from its start with every piece, and keeps as much as it is given. This one touches each byte
//! once and refuses an event or a stream that is too long. Source: WHATWG HTML, 9.2.6 "Interpreting an event stream".

use crate::{UpstreamError, breaker::Pass, error::deepest};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::{BoxStream, Stream, StreamExt};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep},
};

/// Longest single event, comments before it included. Bytes.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;
/// Longest stream. Bytes, decoded.
pub const MAX_STREAM_BYTES: usize = 32 * 1024 * 1024;

/// One event. Id and retry are not kept: a model's answer cannot be resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEvent {
    /// Empty when the stream did not name it.
    pub event: String,
    /// Lines joined by line feeds.
    pub data: String,
}

/// Bytes in, events out. Any cut of the bytes gives the same events.
#[derive(Default)]
pub struct EventParser {
    buffer: BytesMut,
    /// Bytes at the start of `buffer` known to hold no line end.
    seen: usize,
    /// The last line ended with a carriage return, so a line feed right after it belongs to it.
    after_return: bool,
    started: bool,
    event: String,
    data: Vec<u8>,
    has_data: bool,
    /// Bytes since the last event was given.
    since_event: usize,
}

impl EventParser {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event. None when more bytes are needed; the reason when the stream is not one we read.
    pub fn next_event(&mut self) -> Result<Option<ServerEvent>, &'static str> {
        loop {
            if self.after_return {
                match self.buffer.first() {
                    Some(b'\n') => self.buffer.advance(1),
                    Some(_) => {}
                    None => return Ok(None),
                }
                self.after_return = false;
            }
            let Some(end) = self.buffer[self.seen..].iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                self.seen = self.buffer.len();
                if self.since_event + self.seen > MAX_EVENT_BYTES {
                    return Err("a single event is longer than 1 MiB");
                }
                return Ok(None);
            };
            let end = self.seen + end;
            self.since_event += end + 1;
            if self.since_event > MAX_EVENT_BYTES {
                return Err("a single event is longer than 1 MiB");
            }
            let line = self.buffer.split_to(end);
            self.after_return = self.buffer[0] == b'\r';
            self.buffer.advance(1);
            self.seen = 0;
            if let Some(event) = self.line(&line)? {
                return Ok(Some(event));
            }
        }
    }

    fn line(&mut self, mut line: &[u8]) -> Result<Option<ServerEvent>, &'static str> {
        if !self.started {
            self.started = true;
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            self.since_event = 0;
            let event = std::mem::take(&mut self.event);
            if !std::mem::take(&mut self.has_data) {
                return Ok(None);
            }
            let data = String::from_utf8(std::mem::take(&mut self.data)).map_err(|_| "the stream is not UTF-8")?;
            return Ok(Some(ServerEvent { event, data }));
        }
        let (field, value) = match line.iter().position(|b| *b == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.event = std::str::from_utf8(value).map_err(|_| "the stream is not UTF-8")?.to_owned();
            }
            // Comments, ids, retries and fields nobody knows.
            _ => {}
        }
        Ok(None)
    }
}

/// What an answer that should be an event stream turned out to be, by its first byte: servers send the wrong content
/// type in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    Events,
    /// One JSON document.
    Json,
    /// A web page.
    Page,
    Empty,
}

/// An answer being read. Dropping it cancels the request.
pub struct EventReader {
    service: Arc<str>,
    content_type: String,
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    parser: EventParser,
    /// Read while looking at the kind, not parsed yet.
    held: BytesMut,
    read: usize,
    done: bool,
    pass: Option<Pass>,
    _permit: OwnedSemaphorePermit,
}

impl EventReader {
    pub(crate) fn new(
        service: Arc<str>,
        response: reqwest::Response,
        idle: Duration,
        pass: Pass,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let content_type = response
            .headers()
            .get(reqwest::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        Self {
            service,
            content_type,
            body: response.bytes_stream().boxed(),
            idle,
            timer: Box::pin(tokio::time::sleep(idle)),
            parser: EventParser::default(),
            held: BytesMut::new(),
            read: 0,
            done: false,
            pass: Some(pass),
            _permit: permit,
        }
    }

    /// Lower case, parameters included; empty when the answer names none.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Waits for the first byte that says something and tells what kind of body this is.
    pub async fn kind(&mut self) -> Result<BodyKind, UpstreamError> {
        loop {
            let first = self.held.iter().copied().find(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
            match first {
                Some(b'{' | b'[') => return Ok(BodyKind::Json),
                Some(b'<') => return Ok(BodyKind::Page),
                Some(_) => return Ok(BodyKind::Events),
                None if self.held.len() > 64 * 1024 => return Ok(BodyKind::Empty),
                None => {}
            }
            match std::future::poll_fn(|context| self.poll_piece(context)).await {
                Some(piece) => self.held.extend_from_slice(&piece?),
                None => return Ok(BodyKind::Empty),
            }
        }
    }

    /// The whole body, for an answer that is no event stream.
    pub async fn read_whole(mut self, max_bytes: usize) -> Result<Bytes, UpstreamError> {
        let mut whole = std::mem::take(&mut self.held);
        loop {
            if whole.len() > max_bytes {
                return Err(UpstreamError::TooLarge {
                    service: self.service.to_string(),
                    reason: format!("more than {max_bytes} bytes"),
                });
            }
            match std::future::poll_fn(|context| self.poll_piece(context)).await {
                Some(piece) => whole.extend_from_slice(&piece?),
                None => return Ok(whole.freeze()),
            }
        }
    }

    /// The next piece of the body, within the idle time and the bound on the whole.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        if self.done {
            return Poll::Ready(None);
        }
        match self.body.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(piece))) => {
                self.read += piece.len();
                if self.read > MAX_STREAM_BYTES {
                    return Poll::Ready(Some(Err(self.end(UpstreamError::TooLarge {
                        service: self.service.to_string(),
                        reason: "more than 32 MiB".into(),
                    }))));
                }
                self.timer.as_mut().reset(Instant::now() + self.idle);
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(error))) => {
                let error = UpstreamError::Unreachable {
                    service: self.service.to_string(),
                    reason: format!("the answer broke off: {}", deepest(&error)),
                };
                Poll::Ready(Some(Err(self.end(error))))
            }
            Poll::Ready(None) => {
                self.done = true;
                if let Some(pass) = self.pass.take() {
                    pass.succeeded();
                }
                Poll::Ready(None)
            }
            Poll::Pending => {
                if self.timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                let error = UpstreamError::Silent {
                    service: self.service.to_string(),
                    reason: format!("nothing came for {}", crate::service::seconds(self.idle)),
                };
                Poll::Ready(Some(Err(self.end(error))))
            }
        }
    }

    fn end(&mut self, error: UpstreamError) -> UpstreamError {
        self.done = true;
        if let Some(pass) = self.pass.take() {
            match error.is_illness() {
                true => pass.failed(error.reason()),
                false => pass.succeeded(),
            }
        }
        error
    }
}

impl Stream for EventReader {
    type Item = Result<ServerEvent, UpstreamError>;

    /// Ends after the last whole event or after the first error. Whether the end is a good one is for the dialect to say.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let reader = &mut *self;
        if !reader.held.is_empty() {
            let held = std::mem::take(&mut reader.held);
            reader.parser.push(&held);
        }
        loop {
            match reader.parser.next_event() {
                Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                Ok(None) => {}
                Err(_) if reader.done => return Poll::Ready(None),
                Err(reason) => {
                    let error =
                        UpstreamError::Malformed { service: reader.service.to_string(), reason: reason.to_owned() };
                    return Poll::Ready(Some(Err(reader.end(error))));
                }
            }
            match reader.poll_piece(context) {
                Poll::Ready(Some(Ok(piece))) => reader.parser.push(&piece),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
