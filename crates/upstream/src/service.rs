//! What may be asked of one service.

use crate::{
    Credential, Scope, ServiceLimits, ServiceSpec, Shared, UpstreamError,
    breaker::{Breaker, Pass},
    cache::Key,
    egress,
    error::{self, AT},
    policy::{self, Retries},
    stream::EventReader,
};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use majordomo_domain::text;
use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION, RETRY_AFTER},
};
use serde::Serialize;
use serde_json::Value;
use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use tracing::Instrument;
use url::Url;

/// Redirects followed within the service's own origin.
const MOST_REDIRECTS: usize = 5;
/// Shorter texts are no secrets, and would tear sentences apart. Bytes.
const SHORTEST_SECRET: usize = 6;
/// What is kept of the body of a refusal.
const REFUSAL_BYTES: usize = 16 * 1024;

/// A door to one service. Cheap to clone; clones share limits, rate and breaker.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
    headers: Arc<HeaderMap>,
}

struct Inner {
    shared: Arc<Shared>,
    name: Arc<str>,
    /// Name and place, such as `radarr at nas:7878`.
    label: Arc<str>,
    base: Url,
    /// Why the base may not be used.
    unusable: Option<&'static str>,
    credential: Credential,
    limits: ServiceLimits,
    gate: Arc<Semaphore>,
    rate: Option<DefaultDirectRateLimiter>,
    breaker: Breaker,
}

/// One request, ready to be made several times when it may be.
struct Ask<'a> {
    method: &'a Method,
    path: &'a str,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Service {
    pub(crate) fn new(shared: Arc<Shared>, spec: ServiceSpec) -> Self {
        let ServiceSpec { name, base_url, credential, limits } = spec;
        let mut unusable = egress::check_base(&base_url).err();
        let mut headers = HeaderMap::new();
        let credential_header = match &credential {
            Credential::None | Credential::Query { .. } => None,
            Credential::Bearer(key) => Some(("authorization", format!("Bearer {}", key.expose()))),
            Credential::Header { name, value } => Some((*name, value.expose().to_owned())),
        };
        if let Some((name, value)) = credential_header {
            match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
                _ => unusable = unusable.or(Some("its key holds characters that no header can carry")),
            }
        }
        let rate = limits.per.and_then(|(times, per)| {
            let times = NonZeroU32::new(times)?;
            let quota = Quota::with_period(per / times.get())?.allow_burst(times);
            Some(RateLimiter::direct(quota))
        });
        let inner = Inner {
            shared,
            label: format!("{name}{AT}{}", egress::place(&base_url)).into(),
            name: name.into(),
            base: base_url,
            unusable,
            credential,
            limits,
            gate: Arc::new(Semaphore::new(limits.at_once.clamp(1, Semaphore::MAX_PERMITS))),
            rate,
            breaker: Breaker::new(limits.breaker_failures, limits.breaker_open_for),
        };
        Self { inner: Arc::new(inner), headers: Arc::new(headers) }
    }

    /// The same service with headers on every request, such as a version of its API. What is no header is refused.
    pub fn with_headers<'a>(
        &self,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, UpstreamError> {
        let mut all = HeaderMap::clone(&self.headers);
        for (name, value) in headers {
            let (name, mut value) = self.header(name, value)?;
            value.set_sensitive(proves_who_asks(&name));
            all.insert(name, value);
        }
        Ok(Self { inner: self.inner.clone(), headers: Arc::new(all) })
    }

    /// As in the settings, such as `radarr`.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Name and place for people, such as `radarr at nas:7878`.
    pub fn label(&self) -> &str {
        &self.inner.label
    }

    /// Ask for JSON. `path` is plain text below the base address and is encoded here; `query` too. Retried and hedged as
    /// the limits say.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Arc<Value>, UpstreamError> {
        let (value, _) = self.get_json(path, query).await?;
        Ok(value)
    }

    /// The same from the cache when a kept answer is younger than `age`. Equal questions at the same time are asked once.
    pub async fn get_cached(
        &self,
        path: &str,
        query: &[(&str, String)],
        age: Duration,
        scope: &Scope,
    ) -> Result<Arc<Value>, UpstreamError> {
        if age.is_zero() {
            return self.get(path, query).await;
        }
        let mut sorted: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        sorted.sort();
        let key = Key { service: self.inner.label.clone(), path: path.to_owned(), query: sorted, scope: *scope };
        self.inner.shared.cache.get(key, age, self.get_json(path, query)).await
    }

    /// Ask for JSON unless it is still what it was when the service gave it this tag (`ETag`): None then. With the tag it has now.
    pub async fn get_if_changed(
        &self,
        path: &str,
        query: &[(&str, String)],
        tag: Option<&str>,
    ) -> Result<Option<(Value, Option<String>)>, UpstreamError> {
        let mut ask = self.ask(&Method::GET, path, query, "application/json")?;
        if let Some(tag) = tag.and_then(|tag| HeaderValue::try_from(tag).ok()) {
            ask.headers.insert(IF_NONE_MATCH, tag);
        }
        let (headers, body) = self.read(&ask, self.inner.limits.max_bytes).await?;
        if body.is_empty() && tag.is_some() {
            return Ok(None);
        }
        let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        Ok(Some((self.json(&headers, &body)?, tag)))
    }

    /// A picture or another body that is not JSON: its media type without parameters, and at most `max_bytes`.
    pub async fn get_bytes(&self, path: &str, max_bytes: usize) -> Result<(String, Bytes), UpstreamError> {
        let ask = self.ask(&Method::GET, path, &[], "*/*")?;
        let (headers, body) = self.read(&ask, max_bytes).await?;
        Ok((media_type(&headers), body))
    }

    /// Change something. Never repeated, never hedged. An answer without a body is `null`.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: &Value,
    ) -> Result<Value, UpstreamError> {
        let mut ask = self.ask(&method, path, query, "application/json")?;
        if !body.is_null() {
            ask.set_json(body).map_err(|reason| self.not_allowed(reason))?;
        }
        let deadline = Instant::now() + self.inner.limits.total_timeout;
        let (headers, bytes) = self.once(&ask, self.inner.limits.max_bytes, deadline).await?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        self.json(&headers, &bytes)
    }

    /// Ask and read the answer as it comes. Never repeated: whoever reads knows whether the start may be. `idle` is the
    /// longest silence, before the headers and between two pieces.
    pub async fn post_events<B: Serialize + ?Sized>(
        &self,
        path: &str,
        headers: &[(&str, String)],
        body: &B,
        idle: Duration,
    ) -> Result<EventReader, UpstreamError> {
        let body = serde_json::to_vec(body).map_err(|_| self.not_allowed("the request cannot be written as JSON"))?;
        self.post_events_bytes(path, headers, body.into(), idle).await
    }

    /// The same with the JSON already written, for a caller that may ask more than once.
    pub async fn post_events_bytes(
        &self,
        path: &str,
        headers: &[(&str, String)],
        body: Bytes,
        idle: Duration,
    ) -> Result<EventReader, UpstreamError> {
        let mut ask = self.ask(&Method::POST, path, &[], "text/event-stream, application/json")?;
        ask.set_body(body);
        for (name, value) in headers {
            let (name, value) = self.header(name, value)?;
            ask.headers.insert(name, value);
        }
        let span = self.span(&ask);
        let opened = async {
            let deadline = Instant::now() + self.inner.limits.total_timeout.max(idle);
            let permit = self.wait_turn(deadline).await?;
            let pass = self.pass(deadline).await?;
            match self.open(&ask, idle, Instant::now() + idle).await {
                Ok(response) => Ok(EventReader::new(self.inner.label.clone(), response, idle, pass, permit)),
                Err(error) => {
                    settle(pass, Some(&error));
                    Err(error)
                }
            }
        }
        .instrument(span);
        let began = Instant::now();
        let answer = opened.await;
        self.count(began, answer.as_ref().err());
        answer
    }

    async fn get_json(&self, path: &str, query: &[(&str, String)]) -> Result<(Arc<Value>, usize), UpstreamError> {
        let ask = self.ask(&Method::GET, path, query, "application/json")?;
        let (headers, body) = self.read(&ask, self.inner.limits.max_bytes).await?;
        let value = self.json(&headers, &body)?;
        Ok((Arc::new(value), body.len()))
    }

    /// A GET with everything that a GET may have: retries, and within each a second request when the first is slow.
    async fn read(&self, ask: &Ask<'_>, max_bytes: usize) -> Result<(HeaderMap, Bytes), UpstreamError> {
        let limits = &self.inner.limits;
        let config = &self.inner.shared.config;
        let deadline = Instant::now() + limits.total_timeout;
        let retries =
            Retries { times: limits.retries, backoff: config.backoff, longest_wait: config.longest_wait, deadline };
        retries.run(|| policy::hedge(limits.hedge_after, || self.once(ask, max_bytes, deadline).boxed())).await
    }

    /// One request with its whole answer.
    async fn once(
        &self,
        ask: &Ask<'_>,
        max_bytes: usize,
        deadline: Instant,
    ) -> Result<(HeaderMap, Bytes), UpstreamError> {
        let asked = async {
            let _permit = self.wait_turn(deadline).await?;
            let pass = self.pass(deadline).await?;
            let read_timeout = self.inner.limits.read_timeout;
            let answer = async {
                let mut response = self.open(ask, read_timeout, deadline).await?;
                let body = self.body(&mut response, max_bytes, deadline).await?;
                Ok((std::mem::take(response.headers_mut()), body))
            }
            .await;
            settle(pass, answer.as_ref().err());
            answer
        }
        .instrument(self.span(ask));
        let began = Instant::now();
        let answer = asked.await;
        self.count(began, answer.as_ref().err());
        answer
    }

    /// Waits for a free place and for the rate.
    async fn wait_turn(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, UpstreamError> {
        let waited = timeout_at(deadline, async {
            let permit = self.inner.gate.clone().acquire_owned().await;
            if let Some(rate) = &self.inner.rate {
                rate.until_ready().await;
            }
            permit
        });
        match waited.await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(UpstreamError::Busy {
                service: self.inner.label.to_string(),
                status: 0,
                retry_after: None,
                reason: "too many questions are waiting for it".into(),
                body: String::new(),
            }),
        }
    }

    async fn pass(&self, deadline: Instant) -> Result<Pass, UpstreamError> {
        self.inner.breaker.enter(deadline).await.map_err(|shut| UpstreamError::Resting {
            service: self.inner.label.to_string(),
            retry_after: shut.wait,
            reason: format!(
                "it failed {} times in a row, lastly because {}; the next try is in {}",
                shut.failed,
                shut.last,
                seconds(shut.wait)
            ),
        })
    }

    /// Sends and waits for the headers of a good answer; follows redirects of a GET within the same origin.
    async fn open(&self, ask: &Ask<'_>, silence: Duration, deadline: Instant) -> Result<Response, UpstreamError> {
        let mut url = ask.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = reqwest::Request::new(ask.method.clone(), url.clone());
            *request.headers_mut() = ask.headers.clone();
            *request.body_mut() = ask.body.clone().map(Into::into);
            let until = deadline.min(Instant::now() + silence);
            let mut response = match timeout_at(until, self.inner.shared.client.execute(request)).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => return Err(self.unreachable(error::deepest(&error))),
                Err(_) if until < deadline => {
                    return Err(self.silent(silence));
                }
                Err(_) => return Err(self.out_of_time()),
            };
            let status = response.status();
            let is_unchanged = status == StatusCode::NOT_MODIFIED && ask.headers.contains_key(IF_NONE_MATCH);
            if status.is_success() || is_unchanged {
                return Ok(response);
            }
            if !status.is_redirection() {
                return Err(self.refusal(&mut response, deadline).await);
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let Some(location) = location.filter(|_| ask.method == Method::GET) else {
                return Err(self.not_allowed(&format!("it answered with a redirect, status {}", status.as_u16())));
            };
            url = egress::follow(&url, location).map_err(|reason| self.not_allowed(&reason))?;
        }
        Err(self.not_allowed("it redirects in a circle"))
    }

    async fn body(&self, response: &mut Response, max_bytes: usize, deadline: Instant) -> Result<Bytes, UpstreamError> {
        let too_large = || UpstreamError::TooLarge {
            service: self.inner.label.to_string(),
            reason: format!("more than {max_bytes} bytes"),
        };
        if response.content_length().is_some_and(|length| length > max_bytes as u64) {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        loop {
            let silence = self.inner.limits.read_timeout;
            let until = deadline.min(Instant::now() + silence);
            match timeout_at(until, response.chunk()).await {
                Ok(Ok(Some(piece))) => {
                    if body.len() + piece.len() > max_bytes {
                        return Err(too_large());
                    }
                    body.extend_from_slice(&piece);
                }
                Ok(Ok(None)) => return Ok(body.freeze()),
                Ok(Err(error)) => {
                    return Err(self.unreachable(format!("the answer broke off: {}", error::deepest(&error))));
                }
                Err(_) if until < deadline => {
                    return Err(self.silent(silence));
                }
                Err(_) => return Err(self.out_of_time()),
            }
        }
    }

    /// Turns a bad status into an error, with what the service said about it.
    async fn refusal(&self, response: &mut Response, deadline: Instant) -> UpstreamError {
        let status = response.status().as_u16();
        let wait = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| policy::retry_after(value, SystemTime::now()));
        let mut body = Vec::new();
        let until = deadline.min(Instant::now() + self.inner.limits.read_timeout);
        while let Ok(Ok(Some(piece))) = timeout_at(until, response.chunk()).await {
            let room = REFUSAL_BYTES - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if body.len() >= REFUSAL_BYTES {
                break;
            }
        }
        let body = self.without_secrets(&String::from_utf8_lossy(&body));
        let service = self.inner.label.to_string();
        let reason = match said(&body, &media_type(response.headers())) {
            // Once more, since escapes are gone here.
            Some(said) => format!("status {status}: {}", self.without_secrets(&said)),
            None => format!("status {status}"),
        };
        match status {
            404 | 410 => UpstreamError::NotFound { service, reason, body },
            408 | 425 | 429 | 503 | 529 => UpstreamError::Busy { service, status, retry_after: wait, reason, body },
            500.. => UpstreamError::Failed { service, status, retry_after: wait, reason, body },
            _ => UpstreamError::Refused { service, status, reason, body },
        }
    }

    fn json(&self, headers: &HeaderMap, body: &[u8]) -> Result<Value, UpstreamError> {
        let first = body.iter().copied().find(|b| !b.is_ascii_whitespace());
        if media_type(headers) == "text/html" || first == Some(b'<') {
            return Err(UpstreamError::NotAnApi {
                service: self.inner.label.to_string(),
                reason: "this address returns a web page, not the API".into(),
            });
        }
        serde_json::from_slice(body).map_err(|error| UpstreamError::Malformed {
            service: self.inner.label.to_string(),
            // Line and column only: the words of serde_json may quote the body.
            reason: format!("it is not JSON at line {} column {}", error.line(), error.column()),
        })
    }

    fn ask<'a>(
        &self,
        method: &'a Method,
        path: &'a str,
        query: &[(&str, String)],
        accept: &'static str,
    ) -> Result<Ask<'a>, UpstreamError> {
        if let Some(reason) = self.inner.unusable {
            return Err(self.not_allowed(reason));
        }
        let mut url = egress::join(&self.inner.base, path, query).map_err(|reason| self.not_allowed(reason))?;
        if let Credential::Query { name, value } = &self.inner.credential {
            url.query_pairs_mut().append_pair(name, value.expose());
        }
        let mut headers = HeaderMap::clone(&self.headers);
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static(accept));
        Ok(Ask { method, path, url, headers, body: None })
    }

    fn header(&self, name: &str, value: &str) -> Result<(HeaderName, HeaderValue), UpstreamError> {
        let name =
            HeaderName::try_from(name).map_err(|_| self.not_allowed("a header has a name that no header has"))?;
        let value = HeaderValue::try_from(value)
            .map_err(|_| self.not_allowed(&format!("the header {name} holds characters that no header can carry")))?;
        Ok((name, value))
    }

    fn span(&self, ask: &Ask<'_>) -> tracing::Span {
        tracing::debug_span!("upstream", service = %self.inner.name, method = %ask.method, path = ask.path)
    }

    fn count(&self, began: Instant, error: Option<&UpstreamError>) {
        let service = self.inner.name.clone();
        let outcome = error.map_or("ok", UpstreamError::kind);
        if error.is_some_and(UpstreamError::is_illness) {
            // People are told the name; where it is helps those who read this.
            tracing::info!(service = %self.inner.label, outcome, "a service did not answer as it should");
        }
        metrics::counter!("majordomo_upstream_requests_total", "service" => service.clone(), "outcome" => outcome)
            .increment(1);
        metrics::histogram!("majordomo_upstream_duration_seconds", "service" => service)
            .record(began.elapsed().as_secs_f64());
    }

    fn unreachable(&self, reason: String) -> UpstreamError {
        UpstreamError::Unreachable { service: self.inner.label.to_string(), reason: self.without_secrets(&reason) }
    }

    fn silent(&self, silence: Duration) -> UpstreamError {
        let reason = format!("nothing came for {}", seconds(silence));
        UpstreamError::Silent { service: self.inner.label.to_string(), reason }
    }

    fn out_of_time(&self) -> UpstreamError {
        let reason = format!("no whole answer within {}", seconds(self.inner.limits.total_timeout));
        UpstreamError::Silent { service: self.inner.label.to_string(), reason }
    }

    fn not_allowed(&self, reason: &str) -> UpstreamError {
        UpstreamError::NotAllowed { service: self.inner.label.to_string(), reason: reason.to_owned() }
    }

    /// A text of the service without the key and the headers it was given: services like to repeat them.
    pub fn without_secrets(&self, text: &str) -> String {
        let key = self.inner.credential.secret().map(majordomo_domain::Secret::expose);
        let headers =
            self.headers.values().filter(|value| value.is_sensitive()).filter_map(|value| value.to_str().ok());
        let secrets = key.into_iter().chain(headers).filter(|secret| secret.len() >= SHORTEST_SECRET);
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "[secret]"))
    }
}

/// Whether a header is one by which callers prove who they are.
fn proves_who_asks(name: &HeaderName) -> bool {
    const ENDS: [&str; 6] = ["authorization", "cookie", "key", "token", "secret", "password"];
    ENDS.iter().any(|end| name.as_str().ends_with(end))
}

impl Ask<'_> {
    fn set_json(&mut self, body: &Value) -> Result<(), &'static str> {
        let body = serde_json::to_vec(body).map_err(|_| "the request cannot be written as JSON")?;
        self.set_body(body.into());
        Ok(())
    }

    fn set_body(&mut self, body: Bytes) {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Some(body);
    }
}

fn settle(pass: Pass, error: Option<&UpstreamError>) {
    match error {
        Some(error) if error.is_illness() => pass.failed(error.reason()),
        _ => pass.succeeded(),
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let whole = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The sentence in the body of a refusal, when there is one: the places where JSON APIs usually put it, else the first
/// line of plain text. At most 300 characters.
fn said(body: &str, media_type: &str) -> Option<String> {
    const PLACES: [&str; 9] = [
        "/error/message",
        "/message",
        "/error",
        "/status_message",
        "/detail",
        "/errors/0/message",
        "/errors/0",
        "/0/errorMessage",
        "/title",
    ];
    let found = match serde_json::from_str::<Value>(body) {
        Ok(value) => PLACES.iter().find_map(|place| value.pointer(place)?.as_str().map(str::to_owned))?,
        Err(_) if media_type == "text/html" || body.trim_start().starts_with('<') => "a web page".to_owned(),
        Err(_) => body.lines().next()?.to_owned(),
    };
    let found: String = text::clean(found.trim()).replace('\n', " ").chars().take(300).collect();
    let found = found.trim_end_matches('.').trim();
    (!found.is_empty()).then(|| found.to_owned())
}

/// A duration as people say it: `250 ms`, `4 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    match duration.as_millis() {
        millis if millis < 1_000 => format!("{millis} ms"),
        millis => format!("{} s", millis.div_ceil(1_000)),
    }
}
