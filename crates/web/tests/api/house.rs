//! A house to ask: engine, store, a model that follows a script, a few people.

use axum::{
    Router,
    body::{Body, BodyDataStream},
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use futures_util::{StreamExt, stream::BoxStream};
use majordomo_domain::{
    Agent, AgentId, Call, Clock, Effect, KeyId, Millis, Model, ModelError, ModelEvent, ModelRequest, ModelRole, Output,
    Person, PersonId, Provider, Standing, StopReason, Tool, ToolError, Toolkit,
    model::{ModelInfo, ModelOptions},
    testing::{ManualClock, ScriptedModel},
    tool::Picture,
};
use majordomo_engine::{Engine, Parts, RoleModel, RouteConfig};
use majordomo_store::{ApiKey, Store};
use majordomo_web::{Config, Suggestion, Web, login_link};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub const NOW: Millis = 1_795_000_000_000;

pub struct House {
    pub router: Router,
    pub engine: Engine,
    pub store: Store,
    pub clock: Arc<ManualClock>,
    /// Answers by script; named `scripted/one`.
    pub model: ScriptedModel,
    /// Answers as the test goes; named `live/one`.
    pub live: LiveModel,
    pub probes: Arc<AtomicUsize>,
    pub config: Config,
    pub stopping: CancellationToken,
    pub admin: Person,
    pub member: Person,
}

impl House {
    pub async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub async fn with(config: Config) -> Self {
        Self::over(Store::scratch().await.unwrap(), config).await
    }

    pub async fn over(store: Store, config: Config) -> Self {
        Self::build(store, config, 100_000).await
    }

    /// A house whose messages have fewer characters than so many.
    pub async fn with_messages_below(config: Config, max_message_chars: usize) -> Self {
        Self::build(Store::scratch().await.unwrap(), config, max_message_chars).await
    }

    async fn build(store: Store, config: Config, max_message_chars: usize) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let (model, live) = (ScriptedModel::new("scripted/one"), LiveModel::default());
        let providers: Vec<Arc<dyn Provider>> = vec![Arc::new(model.clone()), Arc::new(live.clone())];
        let role = |provider: &str| RoleModel {
            provider: provider.into(),
            id: "one".into(),
            options: ModelOptions::default(),
        };
        let roles = BTreeMap::from([(ModelRole::Chat, vec![role("scripted"), role("live")])]);
        let router = majordomo_engine::Router::new(providers, roles, RouteConfig::default());
        let probes = Arc::new(AtomicUsize::new(0));
        let agent = Agent {
            id: AgentId::new(),
            name: "majordomo".into(),
            prompt: "You are helpful.".into(),
            toolkits: vec![],
            first_tools: vec!["things_echo".into()],
            may_stay_silent: true,
            approvals: Default::default(),
            memory: Default::default(),
            limits: Default::default(),
        };
        let parts = Parts {
            store: store.clone(),
            clock: clock.clone() as Arc<dyn Clock>,
            toolkits: vec![things(probes.clone())],
            router,
            agents: vec![agent],
            config: majordomo_engine::Config { max_message_chars, ..Default::default() },
            rules: Vec::new(),
            limits: Default::default(),
            news: Default::default(),
            owner: "test".into(),
        };
        let engine = Engine::start(parts).await.unwrap();
        let person = |name: &str, standing| Person {
            id: PersonId::new(),
            name: name.into(),
            standing,
            zone: None,
            language: None,
            created_at_ms: NOW,
        };
        let (admin, member) = (person("Ada", Standing::Admin), person("Ben", Standing::Member));
        store.put_person(&admin).await.unwrap();
        store.put_person(&member).await.unwrap();
        let stopping = CancellationToken::new();
        let web = Web {
            engine: engine.clone(),
            store: store.clone(),
            config: config.clone(),
            clock: clock.clone() as Arc<dyn Clock>,
            metrics: Arc::new(|| "turns_total 1\n".into()),
            version: "9.9.9".into(),
            demo: None,
            suggestions: vec![Suggestion { title: "Films".into(), prompt: "What is on?".into() }],
            off: vec![("tvmaze".into(), "switched off".into())],
            max_message_chars,
            hooks_url: "http://nas:8080/house/".into(),
            stopping: stopping.clone(),
        };
        let router = majordomo_web::router(web);
        Self { router, engine, store, clock, model, live, probes, config, stopping, admin, member }
    }

    /// A key for somebody, without asking the API.
    pub async fn key(&self, person: &Person, scopes: &[&str]) -> String {
        let key = format!("mdk_{}", majordomo_domain::secret::random_hex(32));
        let hash: String = Sha256::digest(key.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        let row = ApiKey {
            id: KeyId::new(),
            person: person.id,
            name: "test".into(),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            created_at_ms: NOW,
            used_at_ms: None,
        };
        self.store.put_api_key(&row, &hash).await.unwrap();
        key
    }

    pub async fn code(&self, person: &Person) -> String {
        let now = self.clock.now_ms();
        let link = login_link(&self.store, &self.config, person.id, now, Duration::from_secs(900)).await.unwrap();
        link.url.split_once("#code=").unwrap().1.to_owned()
    }

    /// Somebody at a program, with a key that may do everything.
    pub async fn program(&self, person: &Person) -> Asker {
        let key = self.key(person, &[]).await;
        self.stranger().header("authorization", &format!("Bearer {key}"))
    }

    /// Somebody at a browser, signed in.
    pub async fn browser(&self, person: &Person) -> Asker {
        let code = self.code(person).await;
        let answer = self.stranger().post("/api/login", serde_json::json!({ "code": code })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let token = answer.json["csrf_token"].as_str().unwrap().to_owned();
        self.stranger().header("cookie", &cookie).header("x-csrf-token", &token).header("sec-fetch-site", "same-origin")
    }

    pub fn stranger(&self) -> Asker {
        Asker { router: self.router.clone(), headers: HeaderMap::new(), peer: Some("192.0.2.7:5000".parse().unwrap()) }
    }

    /// Wait until nothing runs.
    pub async fn quiet(&self) {
        for _ in 0..2_000 {
            if self.engine.running_turns() == 0 {
                return;
            }
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("a turn does not end");
    }
}

/// Somebody who asks, with the headers they always send.
#[derive(Clone)]
pub struct Asker {
    router: Router,
    pub headers: HeaderMap,
    pub peer: Option<SocketAddr>,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.json["error_code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl Asker {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: header::HeaderName = name.parse().unwrap();
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub fn at_peer(mut self, peer: &str) -> Self {
        self.peer = Some(peer.parse().unwrap());
        self
    }

    pub async fn open(&self, method: Method, path: &str, body: impl Into<Body>) -> axum::response::Response {
        let mut request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
        *request.headers_mut() = self.headers.clone();
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        let response = self.open(method, path, body).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A stream where an answer was expected would never end.
        let whole = axum::body::to_bytes(response.into_body(), 10_000_000);
        let bytes = tokio::time::timeout(Duration::from_secs(20), whole).await.expect("an answer with an end").unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, json }
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> Answer {
        self.clone().header("content-type", "application/json").send(method, path, body.to_string()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "").await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PUT, path, body).await
    }

    pub async fn delete_with(&self, path: &str, body: Value) -> Answer {
        self.json(Method::DELETE, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PATCH, path, body).await
    }

    /// A raw body as JSON's content type.
    pub async fn post_raw(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.clone().header("content-type", "application/json").send(Method::POST, path, body).await
    }

    /// An event stream.
    pub async fn watch(&self, path: &str) -> Events {
        let response = self.open(Method::GET, path, "").await;
        assert_eq!(response.status(), StatusCode::OK);
        Events::new(response)
    }

    pub async fn new_conversation(&self) -> String {
        let answer = self.post("/api/conversations", serde_json::json!({})).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json["id"].as_str().unwrap().to_owned()
    }
}

/// Server-sent events as they come.
pub struct Events {
    body: BodyDataStream,
    buffer: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub id: Option<i64>,
    pub data: Value,
    /// As it came.
    pub raw: String,
}

impl Events {
    pub fn new(response: axum::response::Response) -> Self {
        assert!(response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/event-stream"));
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { body: response.into_body().into_data_stream(), buffer: String::new() }
    }

    /// The next event; None at the end. Panics when nothing comes for ten seconds.
    pub async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let raw: String = self.buffer.drain(..end + 2).collect();
                let field = |name: &str| raw.lines().find_map(|line| line.strip_prefix(name));
                let Some(data) = field("data: ") else { continue };
                let (id, data) = (field("id: ").map(|id| id.parse().unwrap()), serde_json::from_str(data).unwrap());
                return Some(Sent { id, data, raw });
            }
            let chunk =
                tokio::time::timeout(Duration::from_secs(10), self.body.next()).await.expect("an event in time")?;
            self.buffer.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    /// Everything up to the end of the turn, or of the stream.
    pub async fn until_finished(&mut self) -> Vec<Sent> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            let is_last = event.data["type"] == "turn_finished" || event.data["done"] == true;
            all.push(event);
            if is_last {
                break;
            }
        }
        all
    }
}

/// A model that says what the test puts in, when it puts it in.
#[derive(Clone)]
pub struct LiveModel {
    info: ModelInfo,
    next: Arc<Mutex<Option<mpsc::UnboundedReceiver<Said>>>>,
}

impl Default for LiveModel {
    fn default() -> Self {
        let info = ModelInfo {
            name: "live/one".into(),
            provider: "live".into(),
            id: "one".into(),
            context_tokens: None,
            price: None,
        };
        Self { info, next: Arc::default() }
    }
}

pub struct Speaker(mpsc::UnboundedSender<Said>);

type Said = Result<ModelEvent, ModelError>;

impl Speaker {
    pub fn say(&self, text: &str) {
        let _ = self.0.send(Ok(ModelEvent::Text(text.into())));
    }

    pub fn end(&self) {
        let _ = self.0.send(Ok(ModelEvent::Finished { reason: StopReason::End, model: None }));
    }
}

impl LiveModel {
    /// The next question is answered by this speaker.
    pub fn speaker(&self) -> Speaker {
        let (sender, receiver) = mpsc::unbounded_channel();
        *self.next.lock().unwrap() = Some(receiver);
        Speaker(sender)
    }

    /// Wait until the speaker is being listened to.
    pub async fn heard(&self) {
        while self.next.lock().unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    }
}

impl Model for LiveModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn stream(&self, _: ModelRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        match self.next.lock().unwrap().take() {
            Some(receiver) => {
                futures_util::stream::unfold(receiver, async |mut r| r.recv().await.map(|event| (event, r))).boxed()
            }
            None => {
                let error = ModelError::Invalid { provider: "live".into(), detail: "nobody speaks".into() };
                futures_util::stream::iter([Err(error)]).boxed()
            }
        }
    }
}

impl Provider for LiveModel {
    fn name(&self) -> &str {
        "live"
    }

    fn list(&self) -> futures_util::future::BoxFuture<'_, Result<Vec<ModelInfo>, ModelError>> {
        Box::pin(async { Ok(vec![self.info.clone()]) })
    }

    fn model(&self, _: &str, _: ModelOptions) -> Arc<dyn Model> {
        Arc::new(self.clone())
    }
}

/// Say it again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Echo {
    /// What to say.
    text: String,
}

impl Tool for Echo {
    const NAME: &'static str = "things_echo";
    const EFFECT: Effect = Effect::Read;
    const ALIASES: &'static [&'static str] = &["echo"];
    type Service = ();

    fn title(&self) -> String {
        "Saying it again".into()
    }

    async fn run(self, _: &(), _: &Call) -> Result<Output, ToolError> {
        match self.text.as_str() {
            "away" => Err(ToolError::CouldNotAsk { service: "things".into(), reason: "it is away".into() }),
            "boom" => panic!("the secret of the house"),
            text => Ok(Output::text(text)),
        }
    }
}

/// Throw something away.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Throw {}

impl Tool for Throw {
    const NAME: &'static str = "things_throw";
    const EFFECT: Effect = Effect::Destroy;
    type Service = ();

    fn title(&self) -> String {
        "Throwing away".into()
    }

    async fn run(self, _: &(), _: &Call) -> Result<Output, ToolError> {
        Ok(Output::text("gone"))
    }
}

/// A webhook of which nothing is ever of interest.
struct Gong;

impl majordomo_domain::Hook for Gong {
    fn name(&self) -> &str {
        "gong"
    }

    fn receive<'a>(
        &'a self,
        _content_type: &'a str,
        _body: &'a [u8],
    ) -> futures_util::future::BoxFuture<'a, Result<Option<majordomo_domain::hook::Notification>, ToolError>> {
        Box::pin(async { Ok(None) })
    }
}

fn things(probes: Arc<AtomicUsize>) -> Toolkit {
    Toolkit::new("things", ())
        .tool::<Echo>()
        .tool::<Throw>()
        .hook(Gong)
        .probe(move |_| {
            probes.fetch_add(1, Ordering::SeqCst);
            async { Ok("1.0 at http://secret.lan".into()) }
        })
        .pictures(|_, name| async move {
            match name.as_str() {
                "a/b.png" => Ok(Picture { media_type: "image/png".into(), bytes: vec![1, 2, 3] }),
                "d.svg" => Ok(Picture { media_type: "image/svg+xml".into(), bytes: b"<svg/>".to_vec() }),
                "page.html" => Ok(Picture { media_type: "text/html".into(), bytes: b"<script>".to_vec() }),
                _ => Err(ToolError::CouldNotAsk { service: "things".into(), reason: "no such picture".into() }),
            }
        })
        .build()
}
