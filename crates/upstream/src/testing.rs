//! A server on loopback that answers from a table and remembers what it was asked.
//!
//! Knows: nothing of any service. Never: used outside tests. Start reading at [`TestServer`].

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
    serve::ListenerExt,
};
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use url::Url;

/// Answers by method and path. Each path has a queue of answers; the last one is given again and again. What is not in
/// the table gets 404 with a JSON body. Stops when dropped.
pub struct TestServer {
    address: std::net::SocketAddr,
    table: Arc<Mutex<Table>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Table {
    answers: HashMap<(String, String), VecDeque<Answer>>,
    asked: Vec<Asked>,
    connections: usize,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// Still encoded, without the query.
    pub path: String,
    /// Decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    pieces: Vec<Bytes>,
    delay: Duration,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Whole,
    /// The body ends a moment after its last piece.
    Late(Duration),
    /// The connection is cut after the last piece.
    Broken,
    /// Nothing more ever comes.
    Silent,
}

impl Answer {
    pub fn bytes(media_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".into(), media_type.into())],
            pieces: vec![body.into()],
            delay: Duration::ZERO,
            end: End::Whole,
        }
    }

    pub fn json(value: &Value) -> Self {
        Self::bytes("application/json", value.to_string())
    }

    /// JSON as text, for fixtures and for JSON that is none.
    pub fn json_text(text: impl Into<String>) -> Self {
        Self::bytes("application/json", text.into())
    }

    pub fn html(text: &str) -> Self {
        Self::bytes("text/html; charset=utf-8", text.to_owned())
    }

    /// An event stream, as it goes over the wire.
    pub fn events(text: impl Into<String>) -> Self {
        Self::bytes("text/event-stream", text.into())
    }

    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name || name == "set-cookie");
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a header even when one of that name is there.
    pub fn also_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Waits before the headers.
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sends the body in pieces of so many bytes.
    pub fn in_pieces(mut self, size: usize) -> Self {
        let whole: Vec<u8> = self.pieces.concat();
        self.pieces = whole.chunks(size.max(1)).map(Bytes::copy_from_slice).collect();
        self
    }

    /// Ends the body only some time after its last byte.
    pub fn ending_late(mut self, delay: Duration) -> Self {
        self.end = End::Late(delay);
        self
    }

    /// Cuts the connection after the body, which then is not whole.
    pub fn then_break(mut self) -> Self {
        self.end = End::Broken;
        self
    }

    /// Keeps the connection open after the body and says nothing more.
    pub fn then_silence(mut self) -> Self {
        self.end = End::Silent;
        self
    }
}

impl TestServer {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let table = Arc::<Mutex<Table>>::default();
        let app = axum::Router::new().fallback(answer).with_state(table.clone());
        let counter = table.clone();
        let listener = listener.tap_io(move |socket| {
            let _ = socket.set_nodelay(true);
            counter.lock().expect("no test panics while holding the table").connections += 1;
        });
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self { address, table, task }
    }

    pub fn url(&self) -> Url {
        self.url_of("/")
    }

    /// With a path prefix, such as `/radarr`.
    pub fn url_of(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).expect("an address of our own")
    }

    /// The next answer of a path, or of every other path (`*`); given for ever when no other follows.
    pub fn on(&self, method: &str, path: &str, answer: Answer) -> &Self {
        self.lock().answers.entry((method.into(), path.into())).or_default().push_back(answer);
        self
    }

    /// Everything asked so far, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.lock().connections
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("no test panics while holding the table")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(table): State<Arc<Mutex<Table>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 64 * 1024 * 1024).await.unwrap_or_default();
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body,
    };
    let answer = {
        let mut table = table.lock().expect("no test panics while holding the table");
        let mut key = (asked.method.clone(), asked.path.clone());
        if !table.answers.contains_key(&key) {
            key.1 = "*".into();
        }
        table.asked.push(asked);
        match table.answers.get_mut(&key) {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => None,
        }
    };
    let answer =
        answer.unwrap_or_else(|| Answer::json_text(r#"{"message":"this path is not in the table"}"#).status(404));
    if !answer.delay.is_zero() {
        tokio::time::sleep(answer.delay).await;
    }
    let mut response = Response::new(body_of(&answer));
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("a status between 100 and 999");
    for (name, value) in &answer.headers {
        let name = HeaderName::try_from(name.as_str()).expect("a header name");
        response.headers_mut().append(name, HeaderValue::try_from(value.as_str()).expect("a header value"));
    }
    response
}

fn body_of(answer: &Answer) -> Body {
    if let (End::Whole, [one]) = (answer.end, answer.pieces.as_slice()) {
        return Body::from(one.clone());
    }
    let end = answer.end;
    let pieces: VecDeque<Bytes> = answer.pieces.clone().into();
    Body::from_stream(stream::unfold(pieces, move |mut pieces| async move {
        // Each piece goes out by itself and is not merged with the next.
        tokio::task::yield_now().await;
        if let Some(piece) = pieces.pop_front() {
            return Some((Ok::<_, std::io::Error>(piece), pieces));
        }
        match end {
            End::Whole => None,
            End::Late(delay) => {
                tokio::time::sleep(delay).await;
                None
            }
            End::Broken => Some((Err(std::io::Error::other("cut")), pieces)),
            End::Silent => std::future::pending().await,
        }
    }))
}
