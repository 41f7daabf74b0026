//! One question to a model: ask, ask again while nothing was answered, give on what comes.

use crate::{
    Dialect, chat_completions,
    failure::{broken, from_upstream, while_reading, without_secrets},
    messages,
    provider::Remote,
    responses,
    write::Wish,
};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use majordomo_domain::{ModelError, ModelEvent, ModelRequest, Usage};
use majordomo_upstream::{BodyKind, EventReader, ServerEvent, UpstreamError};
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// Longest answer that comes whole. Bytes.
const MOST_WHOLE_BYTES: usize = 8 * 1024 * 1024;
/// An answer that comes whole is silent until it is complete. Longest such silence.
const WHOLE_IDLE: Duration = Duration::from_secs(300);
/// An answer that came whole is given on in at most so many pieces, so that a long one takes no longer than five seconds.
const MOST_PIECES: usize = 150;

/// How long a connection may take to end after the answer did, before it is given up.
const READ_OUT: Duration = Duration::from_secs(1);

pub(crate) fn stream(model: Arc<Remote>, request: ModelRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
    let backoff = ExponentialBuilder::default()
        .with_min_delay(model.setup.pace.backoff)
        .with_max_delay(model.setup.pace.longest_wait)
        .with_max_times(model.setup.retries as usize)
        .with_jitter()
        .build();
    let answer = Answer {
        decoder: Decoder::new(&model),
        model,
        request,
        body: None,
        backoff,
        silences: 0,
        status: None,
        reader: None,
        fresh: Vec::new(),
        queue: VecDeque::new(),
        failed: None,
        given: false,
        paced: false,
        counted: false,
        output_bytes: 0,
        over: false,
    };
    stream::unfold(answer, |mut answer| async move { Some((answer.next().await?, answer)) }).boxed()
}

struct Answer {
    model: Arc<Remote>,
    request: ModelRequest,
    /// Written at the first attempt.
    body: Option<Bytes>,
    backoff: ExponentialBackoff,
    silences: u32,
    /// With which the last attempt was refused, when it was refused by a status.
    status: Option<u16>,
    reader: Option<EventReader>,
    decoder: Decoder,
    fresh: Vec<ModelEvent>,
    queue: VecDeque<ModelEvent>,
    /// Comes after what is in the queue.
    failed: Option<ModelError>,
    /// Something was given on, so there is no beginning again.
    given: bool,
    paced: bool,
    /// The provider said what it used.
    counted: bool,
    output_bytes: usize,
    over: bool,
}

impl Answer {
    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        loop {
            if self.over {
                return None;
            }
            if let Some(event) = self.queue.pop_front() {
                return Some(Ok(self.give(event).await));
            }
            if let Some(error) = self.failed.take() {
                if self.may_repeat(&error).await {
                    continue;
                }
                self.over = true;
                return Some(Err(without_secrets(error, &self.model.setup.service)));
            }
            if let Err(error) = self.read().await {
                self.failed = Some(error);
            }
            self.queue.extend(self.fresh.drain(..));
        }
    }

    async fn give(&mut self, event: ModelEvent) -> ModelEvent {
        match &event {
            ModelEvent::Text(text) => {
                if self.paced && self.given {
                    tokio::time::sleep(self.model.setup.pace.piece).await;
                }
                self.output_bytes += text.len();
            }
            ModelEvent::Thinking(text) => self.output_bytes += text.len(),
            ModelEvent::Call(call) => self.output_bytes += call.name.len() + call.arguments.len(),
            ModelEvent::ThinkingState(_) => {}
            ModelEvent::Usage(_) => self.counted = true,
            ModelEvent::Finished { .. } if !self.counted => {
                self.counted = true;
                let usage = self.estimate();
                self.queue.push_front(event);
                self.given = true;
                return ModelEvent::Usage(usage);
            }
            ModelEvent::Finished { .. } => {
                self.over = true;
                if let Some(reader) = self.reader.take() {
                    read_out(reader);
                }
            }
        }
        self.given = true;
        event
    }

    /// Reads one event of the answer, opening it first.
    async fn read(&mut self) -> Result<(), ModelError> {
        let Some(reader) = &mut self.reader else {
            return self.open().await;
        };
        let provider = &self.model.setup.name;
        match reader.next().await {
            Some(Ok(event)) => self.decoder.push(&event, &mut self.fresh),
            Some(Err(error)) if self.decoder.is_finished() => {
                let model = &self.model.info.id;
                tracing::debug!(%provider, model, kind = error.kind(), "the connection failed after the end of the answer");
                Ok(())
            }
            Some(Err(error)) => {
                self.silences += u32::from(is_silence(&error));
                Err(while_reading(provider, error))
            }
            None => self.decoder.finish(&mut self.fresh),
        }
    }

    async fn open(&mut self) -> Result<(), ModelError> {
        let setup = &self.model.setup;
        let body = self.body.get_or_insert_with(|| self.model.write(&self.request).into()).clone();
        let idle = if setup.streams { setup.idle } else { setup.idle.max(WHOLE_IDLE) };
        let opened = async {
            let turn = &self.request.turn;
            let correlation = [("x-request-id", turn.clone())];
            let is_header = !turn.is_empty() && turn.bytes().all(|b| b.is_ascii_graphic());
            let headers = if is_header { &correlation[..] } else { &[] };
            let mut reader = setup.service.post_events_bytes(setup.path(), headers, body, idle).await?;
            let kind = reader.kind().await?;
            Ok((reader, kind))
        };
        let (reader, kind) = match opened.await {
            Ok(opened) => opened,
            Err(error) => {
                self.silences += u32::from(is_silence(&error));
                self.status = error.status();
                return Err(from_upstream(&setup.name, error));
            }
        };
        match kind {
            BodyKind::Events => self.reader = Some(reader),
            BodyKind::Json => {
                let whole =
                    reader.read_whole(MOST_WHOLE_BYTES).await.map_err(|error| while_reading(&setup.name, error))?;
                self.paced = !setup.streams;
                self.decoder.whole(&whole, &mut self.fresh)?;
                if self.paced {
                    self.fresh = in_pieces(std::mem::take(&mut self.fresh));
                }
            }
            BodyKind::Page => {
                return Err(ModelError::Refused {
                    provider: setup.name.to_string(),
                    detail: "this address returns a web page, not the API".into(),
                });
            }
            BodyKind::Empty => return Err(broken(&setup.name, "it was empty")),
        }
        Ok(())
    }

    /// Waits and makes ready for another attempt, when the failure is a passing one and nothing was given on.
    async fn may_repeat(&mut self, error: &ModelError) -> bool {
        // One silence may be an accident; a second one would only make a person wait for a third.
        if self.given || !error.is_passing() || self.silences > 1 {
            return false;
        }
        let Some(wait) = self.backoff.next() else { return false };
        let pace = &self.model.setup.pace;
        let wait = match error {
            ModelError::Busy { retry_after: Some(wished), .. } => (*wished).min(pace.longest_wait),
            _ => wait.min(pace.longest_wait),
        };
        // What a provider says of a request may quote it, so only the kind of failure is logged.
        tracing::debug!(
            provider = %self.model.setup.name,
            model = %self.model.info.id,
            kind = error.kind(),
            status = self.status,
            wait_ms = wait.as_millis() as u64,
            "asking again"
        );
        self.reader = None;
        tokio::time::sleep(wait).await;
        self.decoder = Decoder::new(&self.model);
        true
    }

    /// Four bytes a token, for providers that do not say.
    fn estimate(&self) -> Usage {
        let request = &self.request;
        let said: usize =
            request.messages.iter().flat_map(|message| &message.parts).map(|part| part.weight_bytes()).sum();
        let tools: usize =
            request.tools.iter().map(|tool| tool.description.len() + tool.schema.to_string().len()).sum();
        Usage {
            input_tokens: ((request.system.len() + said + tools) as u64).div_ceil(4),
            cached_input_tokens: 0,
            output_tokens: (self.output_bytes as u64).div_ceil(4),
            estimated: true,
        }
    }
}

fn is_silence(error: &UpstreamError) -> bool {
    matches!(error, UpstreamError::Silent { .. })
}

/// Reads what is left after the last event, so that the connection can be used again. Usually nothing is.
fn read_out(mut reader: EventReader) {
    if matches!(reader.next().now_or_never(), Some(None)) {
        return;
    }
    tokio::spawn(tokio::time::timeout(READ_OUT, async move { while reader.next().await.is_some() {} }));
}

/// Texts cut into pieces of about three words.
fn in_pieces(events: Vec<ModelEvent>) -> Vec<ModelEvent> {
    let mut pieces = Vec::with_capacity(events.len());
    for event in events {
        let ModelEvent::Text(text) = event else {
            pieces.push(event);
            continue;
        };
        let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
        let size = words.len().div_ceil(MOST_PIECES).max(3);
        pieces.extend(words.chunks(size).map(|words| ModelEvent::Text(words.concat())));
    }
    pieces
}

/// The reader of each dialect.
pub(crate) enum Decoder {
    Chat(chat_completions::stream::Decoder),
    Responses(responses::stream::Decoder),
    Messages(messages::stream::Decoder),
}

impl Decoder {
    fn new(model: &Remote) -> Self {
        let setup = &model.setup;
        Self::of(setup.dialect, setup.name.clone(), setup.quirks.returns_thinking)
    }

    pub(crate) fn of(dialect: Dialect, provider: Arc<str>, returns_thinking: bool) -> Self {
        match dialect {
            Dialect::Responses => Decoder::Responses(responses::stream::Decoder::new(provider)),
            Dialect::Messages => Decoder::Messages(messages::stream::Decoder::new(provider)),
            Dialect::ChatCompletions | Dialect::Demo | Dialect::Echo => {
                Decoder::Chat(chat_completions::stream::Decoder::new(provider, returns_thinking))
            }
        }
    }

    pub(crate) fn push(&mut self, event: &ServerEvent, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        match self {
            Decoder::Chat(decoder) => decoder.push(event, out),
            Decoder::Responses(decoder) => decoder.push(event, out),
            Decoder::Messages(decoder) => decoder.push(event, out),
        }
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        match self {
            Decoder::Chat(decoder) => decoder.finish(out),
            Decoder::Responses(decoder) => decoder.finish(out),
            Decoder::Messages(decoder) => decoder.finish(out),
        }
    }

    pub(crate) fn whole(&mut self, body: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        match self {
            Decoder::Chat(decoder) => decoder.whole(body, out),
            Decoder::Responses(decoder) => decoder.whole(body, out),
            Decoder::Messages(decoder) => decoder.whole(body, out),
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Decoder::Chat(decoder) => decoder.is_finished(),
            Decoder::Responses(decoder) => decoder.is_finished(),
            Decoder::Messages(decoder) => decoder.is_finished(),
        }
    }
}

impl Remote {
    /// The request in the provider's dialect.
    pub(crate) fn write(&self, request: &ModelRequest) -> Vec<u8> {
        let wish = Wish {
            request,
            model: &self.info.id,
            provider: &self.setup.name,
            effort: self.options.effort,
            params: &self.options.params,
            streams: self.setup.streams,
            quirks: &self.setup.quirks,
        };
        match self.setup.dialect {
            Dialect::Responses => responses::request::body(&wish),
            Dialect::Messages => messages::request::body(&wish),
            Dialect::ChatCompletions | Dialect::Demo | Dialect::Echo => chat_completions::request::body(&wish),
        }
    }
}
