//! One loopback port for one stand-in: accepts, reads, records, checks, lays faults over, answers.
//!
//! Every accepted socket has TCP_NODELAY, so a small piece of a stream leaves at once.

use crate::{
    facts::Facts,
    fault::{Fault, Spoiled, Switch, text},
    requests::{Log, Violation, locked},
};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, Response, StatusCode, request::Parts},
};
use bytes::Bytes;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tokio_util::sync::CancellationToken;

/// Connections at once, enough for every bench of the project.
const CONNECTIONS: usize = 16_384;
/// Bytes of a request body: files are sent to models as base64.
const BODY: usize = 64 * 1024 * 1024;
/// How long a closed port may take to really be closed.
const CLOSING: Duration = Duration::from_secs(2);

/// A request as a stand-in sees it.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Decoded, in the order sent.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// A fault only the model can play.
    pub(crate) fault: Option<Fault>,
}

impl Asked {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What stands behind a port.
pub(crate) trait StandIn: Send + Sync + 'static {
    fn name(&self) -> &str;
    /// The name of a path in the request log, where one port serves two services.
    fn name_of(&self, _path: &str) -> &str {
        self.name()
    }
    fn facts(&self) -> &Facts;
    fn answer(&self, asked: Asked) -> impl Future<Output = Response<Body>> + Send;
    /// The service's own error body for a status.
    fn error(&self, code: u16, path: &str) -> String;
    /// Paths starting with `/_` that only this stand-in knows.
    fn control(&self, _method: &Method, _path: &str, _body: &Bytes) -> Option<Response<Body>> {
        None
    }
}

/// The fault switches of one service.
pub(crate) struct Faults {
    any: AtomicBool,
    set: Mutex<Option<Switch>>,
    refusing: watch::Sender<bool>,
    listening: watch::Sender<bool>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            any: AtomicBool::new(false),
            set: Mutex::new(None),
            refusing: watch::Sender::new(false),
            listening: watch::Sender::new(false),
        }
    }
}

impl Faults {
    /// Returns once the port is really closed or open again.
    pub(crate) async fn switch(&self, switch: Switch) {
        let refuse = switch.fault == Some(Fault::Refuse);
        let active = switch.fault.is_some();
        let was_refusing = *self.refusing.borrow();
        *locked(&self.set) = active.then_some(switch);
        self.any.store(active, Ordering::Release);
        self.refusing.send_replace(refuse);
        if refuse != was_refusing {
            let mut listening = self.listening.subscribe();
            let _ = tokio::time::timeout(CLOSING, listening.wait_for(|listening| *listening != refuse)).await;
        }
    }

    /// The fault this request meets, counted down.
    fn take(&self, path: &str) -> Option<Fault> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut set = locked(&self.set);
        let switch = set.as_mut()?;
        if switch.path.as_ref().is_some_and(|part| !path.contains(part.as_str())) {
            return None;
        }
        let fault = switch.fault.clone();
        if let Some(times) = &mut switch.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                *set = None;
                self.any.store(false, Ordering::Release);
            }
        }
        fault
    }
}

/// The switches of the whole town, by the service's name.
#[derive(Clone, Default)]
pub(crate) struct Switchboard(Arc<Mutex<BTreeMap<String, Arc<Faults>>>>);

impl Switchboard {
    /// None for a service that was not started. Pictures share the switch of whoever serves them.
    pub(crate) fn of(&self, service: &str) -> Option<Arc<Faults>> {
        locked(&self.0).get(service.trim_end_matches("_images")).map(Arc::clone)
    }

    /// A service that begins.
    fn add(&self, service: &str) -> Arc<Faults> {
        Arc::clone(locked(&self.0).entry(service.to_owned()).or_default())
    }
}

struct Door<S> {
    stand_in: Arc<S>,
    faults: Arc<Faults>,
    board: Switchboard,
    log: Log,
}

/// Opens a port (0 for a free one) and serves until `stop`.
pub(crate) async fn open<S: StandIn>(
    stand_in: Arc<S>,
    port: u16,
    board: Switchboard,
    log: Log,
    stop: CancellationToken,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    let faults = board.add(stand_in.name());
    let door = Arc::new(Door { stand_in, faults, board, log });
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = keep_open(door, listener, address, stop.clone()) => {}
        }
    });
    Ok(address)
}

async fn keep_open<S: StandIn>(door: Arc<Door<S>>, first: TcpListener, address: SocketAddr, stop: CancellationToken) {
    let mut refusing = door.faults.refusing.subscribe();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut listener = first;
    loop {
        door.faults.listening.send_replace(true);
        let connections = stop.child_token();
        loop {
            tokio::select! {
                () = until(&mut refusing, true) => break,
                accepted = listener.accept() => {
                    // A failed accept is the peer's going or a passing lack of file descriptors.
                    let Ok((stream, _)) = accepted else { tokio::task::yield_now().await; continue };
                    let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                    let (door, closed) = (Arc::clone(&door), connections.clone());
                    tokio::spawn(async move {
                        tokio::select! {
                            () = closed.cancelled() => {}
                            () = talk(door, stream) => {}
                        }
                        drop(place);
                    });
                }
            }
        }
        drop(listener);
        connections.cancel();
        door.faults.listening.send_replace(false);
        until(&mut refusing, false).await;
        listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%address, "the stand-in could not open its port again: {error}");
                return;
            }
        };
    }
}

/// The value itself is looked at inside, because a borrowed one must not be held over an await.
async fn until(switch: &mut watch::Receiver<bool>, wanted: bool) {
    let _ = switch.wait_for(|now| *now == wanted).await.is_ok();
}

async fn talk<S: StandIn>(door: Arc<Door<S>>, stream: TcpStream) {
    // Without it the kernel holds small pieces back for up to 40 ms.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| answered(Arc::clone(&door), request));
    // An error here is a peer that went away or a fault that was asked for.
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn answered<S: StandIn>(door: Arc<Door<S>>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(Body::new(body), BODY).await else {
        return Ok(text(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "the body is too large or broke off"));
    };
    let Parts { method, uri, headers, .. } = head;
    let path = uri.path().to_owned();
    let query: Vec<(String, String)> = match uri.query() {
        Some(query) => url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        None => Vec::new(),
    };
    if path.starts_with("/_") {
        return Ok(controlled(&door, &method, &path, &body).await);
    }
    let facts = door.stand_in.facts();
    let service = door.stand_in.name_of(&path);
    let checks = !facts.is_empty() && service == door.stand_in.name();
    if door.log.is_on() || checks {
        let json = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or(Value::Null) };
        if checks {
            for reason in facts.check(method.as_str(), &path, &query, &json) {
                let (service, method, path) = (service.to_owned(), method.to_string(), path.clone());
                door.log.violation(Violation { service, method, path, reason });
            }
        }
        if door.log.is_on() {
            door.log.add(service, &method, &path, &query, &headers, json);
        }
    }
    let fault = door.faults.take(&path);
    let asked = |fault| Asked { method, path: path.clone(), query, headers, body, fault };
    let Some(fault) = fault else { return Ok(door.stand_in.answer(asked(None)).await) };
    match fault.instead(&path, |code| door.stand_in.error(code, &path)) {
        Some(Spoiled::Answer(answer)) => Ok(answer),
        Some(Spoiled::Close) => Err(io::Error::new(io::ErrorKind::ConnectionReset, "closed on purpose")),
        Some(Spoiled::Never) => std::future::pending().await,
        None => {
            let answer = door.stand_in.answer(asked(Some(fault.clone()))).await;
            Ok(fault.over(answer).await)
        }
    }
}

async fn controlled<S: StandIn>(door: &Door<S>, method: &Method, path: &str, body: &Bytes) -> Response<Body> {
    match (method.as_str(), path) {
        ("POST", "/_fault") => {
            let switch: Switch = match serde_json::from_slice(body) {
                Ok(switch) => switch,
                Err(error) => return json_answer(StatusCode::BAD_REQUEST, &json!({ "error": error.to_string() })),
            };
            let service = switch.service.clone().unwrap_or_else(|| door.stand_in.name().to_owned());
            match door.board.of(&service) {
                Some(faults) => {
                    faults.switch(switch).await;
                    json_answer(StatusCode::OK, &json!({ "ok": true }))
                }
                None => json_answer(StatusCode::BAD_REQUEST, &json!({ "error": format!("no service {service}") })),
            }
        }
        ("DELETE", "/_fault") => {
            door.faults.switch(Switch { fault: None, times: None, path: None, service: None }).await;
            json_answer(StatusCode::OK, &json!({ "ok": true }))
        }
        ("GET", "/_requests") => json_answer(StatusCode::OK, &json!({ "requests": door.log.requests() })),
        ("GET", "/_violations") => json_answer(StatusCode::OK, &json!({ "violations": door.log.violations() })),
        ("DELETE", "/_requests") => {
            door.log.clear();
            json_answer(StatusCode::OK, &json!({ "ok": true }))
        }
        _ => door.stand_in.control(method, path, body).unwrap_or_else(|| {
            json_answer(StatusCode::NOT_FOUND, &json!({ "error": format!("no control {method} {path}") }))
        }),
    }
}

pub(crate) fn json_answer(status: StatusCode, value: &Value) -> Response<Body> {
    text(status, "application/json;charset=utf-8", value.to_string())
}
