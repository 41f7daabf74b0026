//! A language model that is none: compatible endpoints in three dialects, streaming and not.
//!
//! What it says comes from scripts first, then from its mode: one fixed answer for benches, or the demo household's
//! rule-based brain. It refuses, as the vendors do, a history that does not start with the user, an unknown role, and a
//! call without exactly one result. Start reading at [`Script`] to write a test, at `brain.rs` for the demo.

mod arguments;
mod brain;
mod dialect;
mod reading;
mod script;

pub use dialect::Usage;
pub use script::{Piece, Refusal, Script, When};

use crate::{
    facts::Facts,
    fault::{Fault, text},
    requests::locked,
    server::{Asked, StandIn, json_answer},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
};
use bytes::Bytes;
use dialect::{Conversation, Dialect, Writer};
use futures_util::{Stream, StreamExt, stream};
use script::words;
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, VecDeque},
    io,
    pin::Pin,
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::sleep};

/// Scripts waiting at once.
const SCRIPTS: usize = 100_000;
/// What every answer of this stand-in says it was created at: 2026-01-01, so that answers are equal in every run.
const CREATED: i64 = 1_767_225_600;
/// Lets the bytes before a cut reach the wire.
const FLUSH: Duration = Duration::from_millis(20);

/// Names this endpoint lists. Any name may be asked for.
const MODELS: [&str; 3] = ["demo-household", "demo-household-small", "fixed-answer"];

/// The speed of an answer. No waiting by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Before the first token.
    pub first_token: Duration,
    /// Between tokens, which are words here.
    pub between: Duration,
}

/// What is said when no script fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// This text, whatever was asked. The request is read but not checked.
    Fixed { text: String, pace: Pace },
    /// The demo household's rule-based model.
    Demo { pace: Pace },
}

impl Default for Mode {
    fn default() -> Self {
        Self::instant()
    }
}

impl Mode {
    /// A fixed answer at once.
    pub fn instant() -> Self {
        Self::fixed(Pace::default())
    }

    pub fn fixed(pace: Pace) -> Self {
        let text = "Metropolis is a silent film of 1927 by Fritz Lang; the household can watch it tonight.".to_owned();
        Mode::Fixed { text, pace }
    }

    /// The demo at reading speed.
    pub fn demo() -> Self {
        Mode::Demo { pace: Pace { first_token: Duration::from_millis(120), between: Duration::from_millis(15) } }
    }

    /// The demo without waiting, for tests.
    pub fn demo_at_once() -> Self {
        Mode::Demo { pace: Pace::default() }
    }
}

/// The fixed answer in one dialect, written once.
struct Ready {
    whole: Bytes,
    /// Everything up to and with the first token, one by word after it, and the end with the last.
    pieces: Vec<Bytes>,
    stream: Bytes,
}

/// The model behind its port. See [`crate::Town::model`].
pub struct ModelStandIn {
    mode: Mode,
    key: Option<String>,
    facts: Facts,
    ready: Option<[Ready; 3]>,
    scripts: Mutex<VecDeque<Script>>,
    waiting: AtomicUsize,
    gates: watch::Sender<BTreeSet<String>>,
    answers: AtomicU64,
    abandoned: watch::Sender<u64>,
}

impl ModelStandIn {
    pub(crate) fn new(mode: Mode, key: Option<String>, facts: Facts) -> Self {
        let ready = match &mode {
            Mode::Fixed { text, .. } => Some(
                [Dialect::ChatCompletions, Dialect::Responses, Dialect::Messages].map(|dialect| ready(dialect, text)),
            ),
            Mode::Demo { .. } => None,
        };
        Self {
            mode,
            key,
            facts,
            ready,
            scripts: Mutex::default(),
            waiting: AtomicUsize::new(0),
            gates: watch::Sender::default(),
            answers: AtomicU64::new(0),
            abandoned: watch::Sender::new(0),
        }
    }

    /// Adds an answer at the end of the queue. Each request takes the first script that is for it.
    pub fn script(&self, script: Script) {
        let mut scripts = locked(&self.scripts);
        if scripts.len() < SCRIPTS {
            scripts.push_back(script);
        }
        self.waiting.store(scripts.len(), Ordering::Release);
    }

    /// Forgets all scripts.
    pub fn unscript(&self) {
        locked(&self.scripts).clear();
        self.waiting.store(0, Ordering::Release);
    }

    /// Scripts not yet used up.
    pub fn scripts_waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// Lets every answer that waits at this gate, now or later, go on.
    pub fn open_gate(&self, name: &str) {
        self.gates.send_modify(|open| {
            open.insert(name.to_owned());
        });
    }

    /// How many streams the client left before their end.
    pub fn abandoned(&self) -> u64 {
        *self.abandoned.borrow()
    }

    /// Waits until `count` streams were left by the client. False when `at_most` passed first.
    pub async fn left(&self, count: u64, at_most: Duration) -> bool {
        let mut abandoned = self.abandoned.subscribe();
        tokio::time::timeout(at_most, abandoned.wait_for(|left| *left >= count))
            .await
            .is_ok_and(|waited| waited.is_ok())
    }

    fn take_script(&self, conversation: &Conversation) -> Option<Script> {
        if self.waiting.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut scripts = locked(&self.scripts);
        let place = scripts.iter().position(|script| script.when.holds(conversation))?;
        let script = scripts.get(place).cloned()?;
        let used_up = match scripts.get_mut(place).and_then(|script| script.times.as_mut()) {
            Some(times) => {
                *times = times.saturating_sub(1);
                *times == 0
            }
            None => false,
        };
        if used_up {
            scripts.remove(place);
        }
        self.waiting.store(scripts.len(), Ordering::Release);
        Some(script)
    }

    fn refused_key(&self, headers: &HeaderMap) -> bool {
        let Some(key) = &self.key else { return false };
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let own = headers.get("x-api-key").and_then(|value| value.to_str().ok());
        bearer.and_then(|value| value.strip_prefix("Bearer ")) != Some(key) && own != Some(key)
    }

    async fn say(&self, dialect: Dialect, asked: Asked) -> Response<Body> {
        if let (Mode::Fixed { pace, .. }, Some(ready), None) = (&self.mode, &self.ready, &asked.fault)
            && self.waiting.load(Ordering::Acquire) == 0
        {
            return fixed(&ready[dialect as usize], *pace, is_stream(&asked.body)).await;
        }
        let conversation = match Conversation::read(dialect, &asked.body, &asked.headers) {
            Ok(conversation) => conversation,
            Err(reason) => return json_answer(StatusCode::BAD_REQUEST, &dialect.error(400, &reason)),
        };
        let script = self.take_script(&conversation).unwrap_or_else(|| self.unscripted(&conversation));
        if let Some(refusal) = &script.refuse {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let message = refusal.message.as_deref().unwrap_or(reason_for(refusal.status));
            let mut answer = json_answer(status, &dialect.error(refusal.status, message));
            if let Some(seconds) = refusal.retry_after {
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            return answer;
        }
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let input = (conversation.input_characters as u64).div_ceil(4);
        let model = script.model.as_deref().unwrap_or(&conversation.model);
        let writer = Writer::new(dialect, model, number, CREATED, conversation.stream_usage, input);
        let telling = Telling {
            writer,
            steps: steps(&script, &conversation, asked.fault.as_ref()),
            script,
            input,
            gates: self.gates.subscribe(),
            ended: false,
        };
        if conversation.stream {
            let guard = Leaving { abandoned: self.abandoned.clone(), ended: false };
            event_stream(Body::from_stream(telling.told(guard)))
        } else {
            telling.whole(dialect).await
        }
    }

    fn unscripted(&self, conversation: &Conversation) -> Script {
        let (mut script, pace) = match &self.mode {
            Mode::Fixed { text, pace } => (Script::text(text), *pace),
            Mode::Demo { pace } => (brain::answer(conversation), *pace),
        };
        let mut pieces = Vec::with_capacity(script.pieces.len() * 2 + 1);
        if pace.first_token > Duration::ZERO {
            pieces.push(Piece::Wait { ms: pace.first_token.as_millis() as u64 });
        }
        for piece in script.pieces.drain(..) {
            let is_text = matches!(piece, Piece::Text { .. });
            pieces.push(piece);
            if is_text && pace.between > Duration::ZERO {
                pieces.push(Piece::Wait { ms: pace.between.as_millis() as u64 });
            }
        }
        script.pieces = pieces;
        script
    }
}

impl StandIn for ModelStandIn {
    fn name(&self) -> &'static str {
        "model"
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn error(&self, code: u16, path: &str) -> String {
        Dialect::of_path(path).unwrap_or(Dialect::ChatCompletions).error(code, reason_for(code)).to_string()
    }

    async fn answer(&self, asked: Asked) -> Response<Body> {
        let dialect = Dialect::of_path(&asked.path);
        if self.refused_key(&asked.headers) {
            let dialect = dialect.unwrap_or(Dialect::ChatCompletions);
            return json_answer(StatusCode::UNAUTHORIZED, &dialect.error(401, "Incorrect API key provided."));
        }
        match (asked.method.as_str(), dialect) {
            ("POST", Some(dialect)) => self.say(dialect, asked).await,
            ("GET", None) if matches!(asked.path.trim_end_matches('/'), "/v1/models" | "/models") => {
                json_answer(StatusCode::OK, &catalogue(asked.header("anthropic-version").is_some()))
            }
            _ => {
                let message = format!("Invalid URL ({} {})", asked.method, asked.path);
                json_answer(StatusCode::NOT_FOUND, &Dialect::ChatCompletions.error(404, &message))
            }
        }
    }

    fn control(&self, method: &Method, path: &str, body: &Bytes) -> Option<Response<Body>> {
        match (method.as_str(), path) {
            ("POST", "/_script") => Some(match read_scripts(body) {
                Ok(scripts) => {
                    scripts.into_iter().for_each(|script| self.script(script));
                    json_answer(StatusCode::OK, &json!({ "waiting": self.scripts_waiting() }))
                }
                Err(error) => json_answer(StatusCode::BAD_REQUEST, &json!({ "error": error.to_string() })),
            }),
            ("GET", "/_script") => {
                let scripts = locked(&self.scripts);
                Some(json_answer(StatusCode::OK, &json!({ "waiting": scripts.iter().collect::<Vec<_>>() })))
            }
            ("DELETE", "/_script") => {
                self.unscript();
                Some(json_answer(StatusCode::OK, &json!({ "waiting": 0 })))
            }
            ("POST", gate) => gate.strip_prefix("/_gate/").map(|name| {
                self.open_gate(name);
                json_answer(StatusCode::OK, &json!({ "ok": true }))
            }),
            _ => None,
        }
    }
}

fn read_scripts(body: &[u8]) -> serde_json::Result<Vec<Script>> {
    let value: Value = serde_json::from_slice(body)?;
    if value.is_array() {
        serde_json::from_value(value)
    } else {
        serde_json::from_value(value).map(|script| vec![script])
    }
}

fn reason_for(status: u16) -> &'static str {
    match status {
        429 => "Rate limit reached, please slow down.",
        529 => "Overloaded",
        500..=599 => "The server had an error while processing your request.",
        401 => "Incorrect API key provided.",
        _ => "The request could not be processed.",
    }
}

fn catalogue(anthropic: bool) -> Value {
    let models = MODELS.map(|id| {
        json!({
            "id": id, "object": "model", "type": "model", "created": CREATED, "created_at": "2026-01-01T00:00:00Z",
            "owned_by": "demo-household", "display_name": id, "context_length": 65_536,
        })
    });
    if anthropic {
        json!({"data": models, "has_more": false, "first_id": MODELS[0], "last_id": MODELS[MODELS.len() - 1]})
    } else {
        json!({"object": "list", "data": models})
    }
}

fn event_stream(body: Body) -> Response<Body> {
    let mut answer = text(StatusCode::OK, "text/event-stream; charset=utf-8", body);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

/// Whether a body asks for a stream, without parsing it: for the fast path only.
fn is_stream(body: &[u8]) -> bool {
    let Some(place) = body.windows(8).rposition(|window| window == b"\"stream\"") else { return false };
    let rest = body.get(place + 8..).unwrap_or_default();
    let mut rest = rest.iter().skip_while(|byte| byte.is_ascii_whitespace());
    rest.next() == Some(&b':') && rest.find(|byte| !byte.is_ascii_whitespace()) == Some(&b't')
}

fn ready(dialect: Dialect, text: &str) -> Ready {
    let mut writer = Writer::new(dialect, "fixed-answer", 0, CREATED, true, 100);
    let mut pieces: Vec<String> = Vec::new();
    let start = writer.start();
    for (index, word) in words(text).iter().enumerate() {
        let piece = writer.text(word);
        pieces.push(if index == 0 { format!("{start}{piece}") } else { piece });
    }
    let usage = Usage { input: 100, cached: 0, output: writer.output_tokens() };
    pieces.push(writer.finish(None, usage));
    Ready {
        whole: Bytes::from(writer.whole(None, usage).to_string()),
        stream: Bytes::from(pieces.concat()),
        pieces: pieces.into_iter().map(Bytes::from).collect(),
    }
}

async fn fixed(ready: &Ready, pace: Pace, streaming: bool) -> Response<Body> {
    if !streaming {
        if pace != Pace::default() {
            sleep(pace.first_token + pace.between * ready.pieces.len() as u32).await;
        }
        return text(StatusCode::OK, "application/json", ready.whole.clone());
    }
    if pace == Pace::default() {
        return event_stream(Body::from(ready.stream.clone()));
    }
    let pieces = stream::iter(ready.pieces.clone().into_iter().enumerate()).then(move |(index, piece)| async move {
        let wait = if index == 0 { pace.first_token } else { pace.between };
        if wait > Duration::ZERO {
            sleep(wait).await;
        }
        Ok::<_, io::Error>(piece)
    });
    event_stream(Body::from_stream(pieces))
}

/// What a script means for one request: every call with its id, every fault in its place.
fn steps(script: &Script, conversation: &Conversation, fault: Option<&Fault>) -> VecDeque<Piece> {
    let mut calls = 0;
    let mut steps: VecDeque<Piece> = script
        .pieces
        .iter()
        .cloned()
        .map(|mut piece| {
            if let Piece::Call { id, .. } = &mut piece {
                let number = calls;
                calls += 1;
                id.get_or_insert_with(|| format!("call_{}_{number}", conversation.turns.len()));
            }
            piece
        })
        .collect();
    match fault {
        Some(Fault::ErrorEvent { after_pieces }) => {
            steps.truncate(*after_pieces);
            steps.push_back(Piece::ErrorEvent {
                message: "The server had an error in the middle of its answer.".to_owned(),
            });
        }
        Some(Fault::MissingFinish) => steps.push_back(Piece::NoFinish),
        _ => {}
    }
    steps
}

/// Counts a stream whose client left before the end.
struct Leaving {
    abandoned: watch::Sender<u64>,
    ended: bool,
}

impl Leaving {
    fn end(&mut self) {
        self.ended = true;
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if !self.ended {
            self.abandoned.send_modify(|count| *count += 1);
        }
    }
}

/// An answer on its way.
struct Telling {
    writer: Writer,
    steps: VecDeque<Piece>,
    script: Script,
    input: u64,
    gates: watch::Receiver<BTreeSet<String>>,
    ended: bool,
}

enum Said {
    Bytes(String),
    Nothing,
    Cut,
    End,
    Failed(String),
}

impl Telling {
    async fn step(&mut self) -> Said {
        if self.ended {
            return Said::End;
        }
        let Some(piece) = self.steps.pop_front() else {
            self.ended = true;
            let usage = self.usage();
            return Said::Bytes(self.writer.finish(self.script.finish.as_deref(), usage));
        };
        match piece {
            Piece::Text { text } => Said::Bytes(self.writer.text(&text)),
            Piece::Thinking { text } => Said::Bytes(self.writer.thinking(&text)),
            Piece::Call { name, arguments, id, pieces } => {
                let text = arguments.as_str().map_or_else(|| arguments.to_string(), str::to_owned);
                Said::Bytes(self.writer.call(id.as_deref().unwrap_or("call"), &name, &cut(&text, pieces)))
            }
            Piece::Wait { ms } => {
                sleep(Duration::from_millis(ms)).await;
                Said::Nothing
            }
            Piece::Gate { name } => {
                // The sender lives in the stand-in, which outlives its answers.
                let _ = self.gates.wait_for(|open| open.contains(&name)).await;
                Said::Nothing
            }
            Piece::Raw { text } => Said::Bytes(text),
            Piece::ErrorEvent { message } => {
                self.ended = true;
                Said::Failed(message)
            }
            Piece::Cut => Said::Cut,
            Piece::Silence => std::future::pending().await,
            Piece::NoFinish => {
                self.ended = true;
                Said::Nothing
            }
        }
    }

    fn usage(&self) -> Usage {
        let estimate = Usage { input: self.input, cached: 0, output: self.writer.output_tokens() };
        self.script.usage.unwrap_or(estimate)
    }

    fn told(mut self, guard: Leaving) -> Pin<Box<dyn Stream<Item = Result<Bytes, io::Error>> + Send>> {
        let start = self.writer.start();
        let rest = stream::unfold((Some(self), guard), |(telling, mut guard)| async move {
            let mut telling = telling?;
            loop {
                match telling.step().await {
                    Said::Bytes(text) => return Some((Ok(Bytes::from(text)), (Some(telling), guard))),
                    Said::Failed(message) => {
                        let text = telling.writer.error(&message);
                        return Some((Ok(Bytes::from(text)), (Some(telling), guard)));
                    }
                    Said::Nothing => {}
                    Said::Cut => {
                        guard.end();
                        sleep(FLUSH).await;
                        return Some((
                            Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut on purpose")),
                            (None, guard),
                        ));
                    }
                    Said::End => {
                        guard.end();
                        return None;
                    }
                }
            }
        });
        Box::pin(stream::iter([Ok(Bytes::from(start))]).chain(rest))
    }

    async fn whole(mut self, dialect: Dialect) -> Response<Body> {
        // The opening is not shown, but it numbers what follows.
        let _ = self.writer.start();
        let finish = self.script.finish.clone();
        loop {
            match self.step().await {
                Said::Bytes(_) | Said::Nothing => {}
                Said::Failed(message) => {
                    return json_answer(StatusCode::INTERNAL_SERVER_ERROR, &dialect.error(500, &message));
                }
                Said::Cut => {
                    let pieces =
                        stream::iter([Ok(Bytes::from_static(b"{\"id\":")), Err(io::Error::other("cut on purpose"))]);
                    return text(StatusCode::OK, "application/json", Body::from_stream(pieces));
                }
                Said::End => {
                    let usage = self.usage();
                    return json_answer(StatusCode::OK, &self.writer.whole(finish.as_deref(), usage));
                }
            }
        }
    }
}

/// A text in about equal pieces, never inside a character.
fn cut(text: &str, pieces: usize) -> Vec<&str> {
    let size = text.len().div_ceil(pieces.max(1)).max(1);
    let mut rest = text;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let mut end = size.min(rest.len());
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    parts
}
