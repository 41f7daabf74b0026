//! Plex: calls and their errors. Knows nothing about models or chat.

use super::{Config, Server, index::Index};
use futures_util::future::join_all;
use majordomo_domain::{
    ToolError,
    text::{clean, shorten},
    tool::Picture,
};
use majordomo_store::Store;
use majordomo_upstream::{
    Credential, Method, Scope, Service, ServiceLimits, ServiceSpec, Upstream, UpstreamError, Url,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// The instance meant when a call names none.
pub const DEFAULT: &str = "default";
/// The server behaves as described since 1.42.2 when it is asked for this version.
const API_VERSION: &str = "1.1.1";
const IDENTIFIER: &str = "com.plexapp.plugins.library";
const MAX_PICTURE_BYTES: usize = 5 * 1024 * 1024;
/// Items of one page of a library of hundreds, and of the index.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Where this installation's name is kept.
const KEPT_AT: [&str; 3] = ["plex", "household", "client_identifier"];

/// Name and value of query parameters.
pub type Query = Vec<(&'static str, String)>;

/// The servers of the settings, by name.
#[derive(Clone)]
pub struct Plex {
    instances: Arc<BTreeMap<String, Arc<Instance>>>,
}

/// One server and the hosts behind plex.tv as its token sees them.
pub struct Instance {
    pub name: String,
    settings: Server,
    bare: [Service; 6],
    doors: OnceCell<Doors>,
    store: Option<Store>,
    machine: OnceCell<String>,
    /// When something was changed last: what was fetched before is not reused.
    changed: Mutex<Option<Instant>>,
    watchlists: Mutex<BTreeMap<String, Kept>>,
    pub(super) index: Index,
}

/// The doors with the headers of this installation.
struct Doors {
    server: Service,
    /// The same server with the patience for reading all of it.
    whole: Service,
    discover: Service,
    metadata: Service,
    plex_tv: Service,
    clients: Service,
}

/// A host behind plex.tv.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Discover,
    Metadata,
    PlexTv,
    Clients,
}

/// An answer with the tag by which one asks whether it still holds.
struct Kept {
    tag: Option<String>,
    answer: Arc<Value>,
    asked_at: Instant,
}

/// How long an answer may be reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Not at all: who is watching, what is about to be changed.
    Now,
    List,
    /// Sections, genres, people.
    Reference,
}

/// One library, as Plex calls a section.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    pub key: String,
    pub title: String,
    /// `movie`, `show`, `artist` or `photo`.
    pub kind: String,
    pub agent: String,
    /// Seconds since the epoch.
    pub scanned_at: i64,
    pub folders: Vec<String>,
}

impl Section {
    /// The number Plex has for the items of such a section.
    pub fn item_type(&self) -> u32 {
        match self.kind.as_str() {
            "movie" => 1,
            "show" => 2,
            "artist" => 8,
            _ => 13,
        }
    }
}

impl Plex {
    pub fn new(config: &Config, upstream: &Upstream, store: Option<Store>) -> Self {
        let instances = config.iter().filter_map(|(name, server)| {
            let base_url = server.base_url.clone()?;
            Some((name.clone(), Arc::new(Instance::new(name, server, base_url, upstream, store.clone()))))
        });
        Self { instances: Arc::new(instances.collect()) }
    }

    /// The server of a call: the named one, else `default`, else the only one.
    pub fn instance(&self, name: Option<&str>) -> Result<&Arc<Instance>, ToolError> {
        let known = || self.instances.keys().cloned().collect::<Vec<_>>().join(", ");
        match name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => self.instances.get(name).ok_or_else(|| {
                let name = shorten(&clean(name), 30);
                ToolError::TellModel(format!("there is no Plex called “{name}”; there is {}", known()))
            }),
            None => match self.instances.get(DEFAULT) {
                Some(instance) => Ok(instance),
                None if self.instances.len() == 1 => {
                    Ok(self.instances.values().next().unwrap_or_else(|| unreachable!()))
                }
                None => Err(ToolError::TellModel(format!("say which Plex: {}", known()))),
            },
        }
    }

    /// Names of the servers, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.instances.keys().map(String::as_str)
    }

    /// Whether every server answers and takes its token.
    pub async fn status(&self) -> Result<String, ToolError> {
        let all = self.instances.values().map(|instance| async {
            let answer = instance.get("/", &Query::new(), Age::Now).await?;
            let name = answer["MediaContainer"]["friendlyName"].as_str().unwrap_or("Plex");
            let version = answer["MediaContainer"]["version"].as_str().unwrap_or("of unknown version");
            let version = version.split('-').next().unwrap_or(version);
            Ok::<_, ToolError>(format!("{} {} answers", shorten(&clean(name), 40), shorten(&clean(version), 30)))
        });
        let said: Result<Vec<String>, ToolError> = join_all(all).await.into_iter().collect();
        Ok(said?.join("; "))
    }

    /// A picture by `{instance}/{rating key}/{stamp}`.
    pub async fn picture(&self, name: &str) -> Result<Picture, ToolError> {
        let nothing = || ToolError::TellModel("there is no picture of that name".into());
        let parts: Vec<&str> = name.split('/').collect();
        let [instance, key, stamp] = parts.as_slice() else { return Err(nothing()) };
        let is_number = |text: &str| !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(key) || !is_number(stamp) {
            return Err(nothing());
        }
        let instance = self.instances.get(*instance).ok_or_else(nothing)?;
        let path = format!("/library/metadata/{key}/thumb/{stamp}");
        let (media_type, bytes) = match instance.doors().await?.server.get_bytes(&path, MAX_PICTURE_BYTES).await {
            Err(UpstreamError::NotFound { .. }) => return Err(nothing()),
            other => other.map_err(|error| instance.error(error))?,
        };
        if !["image/jpeg", "image/png", "image/webp", "image/svg+xml"].contains(&media_type.as_str()) {
            return Err(instance.not_as_described("something that is not a picture"));
        }
        Ok(Picture { media_type, bytes: bytes.to_vec() })
    }
}

impl Instance {
    fn new(name: &str, server: &Server, base_url: Url, upstream: &Upstream, store: Option<Store>) -> Self {
        let limits = ServiceLimits {
            at_once: server.at_once,
            read_timeout: Duration::from_millis(server.request_timeout_ms),
            // A little less than the call may take, so that the reason is ours to tell.
            total_timeout: Duration::from_millis(server.timeout_ms) * 9 / 10,
            max_bytes: MAX_ANSWER_BYTES,
            ..ServiceLimits::default()
        };
        let whole = ServiceLimits {
            read_timeout: Duration::from_millis(server.sync_timeout_ms),
            total_timeout: Duration::from_millis(server.sync_timeout_ms),
            ..limits
        };
        // "No faster than one request a second overall": bursts of a question's few requests are let through.
        let cloud = ServiceLimits { at_once: 2, per: Some((10, Duration::from_secs(10))), ..limits };
        let token = |name: String, base_url: &Url, limits: ServiceLimits| {
            let credential = Credential::Header { name: "x-plex-token", value: server.token.clone() };
            upstream.service(ServiceSpec { name, base_url: base_url.clone(), credential, limits })
        };
        let label = if name == DEFAULT { "Plex".to_owned() } else { format!("Plex ({name})") };
        let bare = [
            token(label.clone(), &base_url, limits),
            token(label.clone(), &base_url, whole),
            token(format!("{label} discover"), &server.discover_url, cloud),
            token(format!("{label} metadata"), &server.metadata_url, cloud),
            token("plex.tv".into(), &server.plex_tv_url, cloud),
            token("plex.tv servers".into(), &server.clients_url, cloud),
        ];
        Self {
            name: name.to_owned(),
            settings: server.clone(),
            bare,
            doors: OnceCell::new(),
            store,
            machine: OnceCell::new(),
            changed: Mutex::new(None),
            watchlists: Mutex::new(BTreeMap::new()),
            index: Index::default(),
        }
    }

    /// What errors call it.
    pub fn label(&self) -> String {
        if self.name == DEFAULT { "Plex".to_owned() } else { format!("Plex ({})", self.name) }
    }

    pub fn settings(&self) -> &Server {
        &self.settings
    }

    async fn doors(&self) -> Result<&Doors, ToolError> {
        self.doors
            .get_or_try_init(|| async {
                let identifier = self.identifier().await?;
                let headers = [
                    ("x-plex-client-identifier", identifier.as_str()),
                    ("x-plex-product", &self.settings.product),
                    ("x-plex-version", env!("CARGO_PKG_VERSION")),
                    ("x-plex-pms-api-version", API_VERSION),
                    ("accept", "application/json"),
                ];
                let open = |door: &Service| door.with_headers(headers).map_err(|error| self.error(error));
                let [server, whole, discover, metadata, plex_tv, clients] = &self.bare;
                Ok(Doors {
                    server: open(server)?,
                    whole: open(whole)?,
                    discover: open(discover)?,
                    metadata: open(metadata)?,
                    plex_tv: open(plex_tv)?,
                    clients: open(clients)?,
                })
            })
            .await
    }

    /// A name of this installation that stays: of the settings, else made once and kept. Without a store it follows from the address.
    async fn identifier(&self) -> Result<String, ToolError> {
        if let Some(identifier) = &self.settings.client_identifier {
            return Ok(identifier.clone());
        }
        let Some(store) = &self.store else {
            let address = self.settings.base_url.as_ref().map_or("", |url| url.as_str());
            let digest = Sha256::digest(format!("majordomo {address}"));
            return Ok(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect());
        };
        let [toolkit, owner, key] = KEPT_AT;
        let unreachable = crate::kept::unreachable;
        if let Some(kept) = store.document(toolkit, owner, key).await.map_err(unreachable)? {
            return Ok(kept.body);
        }
        let made = uuid::Uuid::now_v7().simple().to_string();
        // Another process may have been quicker; then its name is the household's.
        match store.put_document(toolkit, owner, key, &made, Some(0), jiff::Timestamp::now().as_millisecond()).await {
            Ok(_) => Ok(made),
            Err(majordomo_store::StoreError::Conflict(_)) => {
                let kept = store.document(toolkit, owner, key).await.map_err(unreachable)?;
                Ok(kept.map_or(made, |kept| kept.body))
            }
            Err(error) => Err(unreachable(error)),
        }
    }

    fn age(&self, age: Age) -> Duration {
        let wanted = Duration::from_secs(match age {
            Age::Now => 0,
            Age::List => self.settings.age_s,
            Age::Reference => self.settings.reference_age_s,
        });
        let changed = *self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.map_or(wanted, |changed| wanted.min(changed.elapsed()))
    }

    /// From now on nothing fetched before is reused.
    pub fn was_changed(&self) {
        *self.changed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// An answer, or None when the server knows no such thing or has no such path.
    pub async fn find(&self, path: &str, query: &Query, age: Age) -> Result<Option<Arc<Value>>, ToolError> {
        match self.doors().await?.server.get_cached(path, query, self.age(age), &Scope::Household).await {
            Ok(answer) if answer["MediaContainer"].is_object() => Ok(Some(answer)),
            Ok(_) => Err(self.not_as_described("something that Plex does not answer")),
            Err(UpstreamError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error(error)),
        }
    }

    /// An answer that must be there.
    pub async fn get(&self, path: &str, query: &Query, age: Age) -> Result<Arc<Value>, ToolError> {
        let missing = || self.could_not("it has no such path; check base_url");
        self.find(path, query, age).await?.ok_or_else(missing)
    }

    /// A page of the index, with the patience for a large library.
    pub(super) async fn page(&self, path: &str, query: &Query) -> Result<Arc<Value>, ToolError> {
        match self.doors().await?.whole.get(path, query).await {
            Ok(answer) if answer["MediaContainer"].is_object() => Ok(answer),
            Ok(_) => Err(self.not_as_described("something that Plex does not answer")),
            Err(error) => Err(self.error(error)),
        }
    }

    /// Change something. Never repeated. None when there is no such thing.
    pub async fn change(&self, method: Method, path: &str, query: &Query) -> Result<Option<Value>, ToolError> {
        let answer = self.doors().await?.server.send(method, path, query, &Value::Null).await;
        self.was_changed();
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(UpstreamError::NotFound { .. } | UpstreamError::Refused { status: 405, .. }) => Ok(None),
            Err(error) => Err(self.error(error)),
        }
    }

    /// The same for changes that older servers want to be asked for with GET. A refusal by "there is no such path" did nothing, so
    /// that asking the other way repeats nothing.
    pub async fn change_either_way(
        &self,
        method: Method,
        path: &str,
        query: &Query,
    ) -> Result<Option<Value>, ToolError> {
        match self.change(method, path, query).await? {
            Some(answer) => Ok(Some(answer)),
            None => self.change(Method::GET, path, query).await,
        }
    }

    /// What `rate`, `scrobble` and their like want beside the key.
    pub fn about(key: u64) -> Query {
        vec![("key", key.to_string()), ("identifier", IDENTIFIER.to_owned())]
    }

    /// The address of items within this server, for playlists and collections.
    pub async fn uri(&self, keys: &[u64]) -> Result<String, ToolError> {
        let machine = self.machine().await?;
        let keys: Vec<String> = keys.iter().map(u64::to_string).collect();
        Ok(format!("server://{machine}/{IDENTIFIER}/library/metadata/{}", keys.join(",")))
    }

    /// The server's own name for itself.
    pub async fn machine(&self) -> Result<&str, ToolError> {
        let ask = || async {
            let answer = self.get("/identity", &Query::new(), Age::Now).await?;
            let machine = answer["MediaContainer"]["machineIdentifier"].as_str();
            machine.map(str::to_owned).ok_or_else(|| self.not_as_described("no name of its own"))
        };
        self.machine.get_or_try_init(ask).await.map(String::as_str)
    }

    /// Every library. `/library/sections` is not in the description, `/library/sections/all` is missing from older servers.
    pub async fn sections(&self) -> Result<Vec<Section>, ToolError> {
        let nothing = Query::new();
        let answer = match self.find("/library/sections", &nothing, Age::Reference).await? {
            Some(answer) => answer,
            None => self.get("/library/sections/all", &nothing, Age::Reference).await?,
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let read = |section: &Value| {
            let folders = section["Location"].as_array().into_iter().flatten();
            Section {
                key: text(&section["key"]),
                title: shorten(&clean(section["title"].as_str().unwrap_or_default()), 60),
                kind: section["type"].as_str().unwrap_or_default().to_owned(),
                agent: shorten(&clean(section["agent"].as_str().unwrap_or_default()), 60),
                scanned_at: section["scannedAt"].as_i64().unwrap_or_default(),
                folders: folders
                    .filter_map(|one| one["path"].as_str())
                    .map(|path| shorten(&clean(path), 200))
                    .collect(),
            }
        };
        Ok(answer["MediaContainer"]["Directory"].as_array().into_iter().flatten().map(read).collect())
    }

    /// One item, whole. None when there is none of that number.
    pub async fn item(&self, key: u64, age: Age) -> Result<Option<Value>, ToolError> {
        let path = format!("/library/metadata/{key}");
        let answer = self.find(&path, &vec![("includeGuids", "1".to_owned())], age).await?;
        Ok(answer.and_then(|answer| answer["MediaContainer"]["Metadata"][0].as_object().cloned().map(Value::Object)))
    }

    fn door(doors: &Doors, host: Host) -> &Service {
        match host {
            Host::Discover => &doors.discover,
            Host::Metadata => &doors.metadata,
            Host::PlexTv => &doors.plex_tv,
            Host::Clients => &doors.clients,
        }
    }

    /// Ask a host behind plex.tv. None when it knows no such thing.
    pub async fn cloud(&self, host: Host, path: &str, query: &Query) -> Result<Option<Value>, ToolError> {
        let has_container = matches!(host, Host::Discover | Host::Metadata);
        match Self::door(self.doors().await?, host).get(path, query).await {
            Ok(answer) if has_container && !answer["MediaContainer"].is_object() => {
                Err(self.cloud_not_as_described(host))
            }
            Ok(answer) => Ok(Some(Value::clone(&answer))),
            Err(UpstreamError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.cloud_error(host, error)),
        }
    }

    /// Change something at a host behind plex.tv. None when it knows no such thing.
    pub async fn cloud_change(
        &self,
        host: Host,
        method: Method,
        path: &str,
        query: &Query,
    ) -> Result<Option<Value>, ToolError> {
        let answer = Self::door(self.doors().await?, host).send(method, path, query, &Value::Null).await;
        self.watchlists.lock().unwrap_or_else(PoisonError::into_inner).clear();
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(UpstreamError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.cloud_error(host, error)),
        }
    }

    /// A part of the watchlist: not asked again for a while, then asked whether it changed. A missing list is a failure, never an
    /// empty one: it has moved before.
    pub async fn watchlist(&self, which: &str, query: &Query) -> Result<Arc<Value>, ToolError> {
        let path = format!("/library/sections/watchlist/{which}");
        let name = format!("{path} {query:?}");
        let age = Duration::from_secs(self.settings.watchlist_age_s);
        let tag = {
            let kept = self.watchlists.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.get(&name) {
                Some(kept) if kept.asked_at.elapsed() < age => return Ok(kept.answer.clone()),
                kept => kept.and_then(|kept| kept.tag.clone()),
            }
        };
        let answer = self.doors().await?.discover.get_if_changed(&path, query, tag.as_deref()).await;
        let mut all = self.watchlists.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(None) => {
                let kept = all.get_mut(&name).ok_or_else(|| self.could_not("it did not say what the watchlist is"))?;
                kept.asked_at = Instant::now();
                Ok(kept.answer.clone())
            }
            Ok(Some((answer, _))) if !answer["MediaContainer"].is_object() => {
                Err(self.cloud_not_as_described(Host::Discover))
            }
            Ok(Some((answer, tag))) => {
                let answer = Arc::new(answer);
                // A household has a handful of such questions.
                if all.len() >= 32 {
                    all.clear();
                }
                all.insert(name, Kept { tag, answer: answer.clone(), asked_at: Instant::now() });
                Ok(answer)
            }
            Err(UpstreamError::NotFound { .. }) => Err(ToolError::CouldNotAsk {
                service: "the Plex watchlist".into(),
                reason: "it has moved or is unavailable; that does not mean it is empty. discover_url says where it is"
                    .into(),
            }),
            Err(error) => Err(self.cloud_error(Host::Discover, error)),
        }
    }

    pub fn could_not(&self, reason: &str) -> ToolError {
        ToolError::CouldNotAsk { service: self.label(), reason: reason.to_owned() }
    }

    pub fn not_as_described(&self, what: &str) -> ToolError {
        self.could_not(&format!("it answered {what}"))
    }

    pub fn cloud_not_as_described(&self, host: Host) -> ToolError {
        ToolError::CouldNotAsk {
            service: name_of(host).into(),
            reason: "it answered something else than it used to".into(),
        }
    }

    /// What a failure of the server means. 401: the token is wrong; 403: it is not the owner's.
    fn error(&self, error: UpstreamError) -> ToolError {
        match error {
            UpstreamError::Refused { status: 401, .. } => {
                self.could_not(&format!("it refused the token; check tools.plex.{}.token", self.name))
            }
            UpstreamError::Refused { status: 403, .. } => {
                self.could_not("the token may not do that; it takes the one of the server's owner")
            }
            UpstreamError::Refused { status: 400, .. } => {
                ToolError::TellModel("Plex refused the request: it does not know something in it".into())
            }
            UpstreamError::NotFound { .. } => self.could_not("it has no such path; check base_url"),
            other => self.renamed(other),
        }
    }

    fn cloud_error(&self, host: Host, error: UpstreamError) -> ToolError {
        let could_not =
            |reason: &str| ToolError::CouldNotAsk { service: name_of(host).into(), reason: reason.to_owned() };
        match error {
            UpstreamError::Refused { status: 401, .. } => {
                could_not(&format!("it refused the token; check tools.plex.{}.token", self.name))
            }
            UpstreamError::Busy { status: 429, .. } => could_not("it is asked too often; try again in a few minutes"),
            other => match ToolError::from(other) {
                ToolError::CouldNotAsk { reason, .. } => could_not(&reason),
                other => other,
            },
        }
    }

    /// The general words, under the name people know it by.
    fn renamed(&self, error: UpstreamError) -> ToolError {
        match ToolError::from(error) {
            ToolError::CouldNotAsk { reason, .. } => self.could_not(&reason),
            other => other,
        }
    }
}

fn name_of(host: Host) -> &'static str {
    match host {
        Host::Discover => "the Plex watchlist",
        Host::Metadata => "Plex's catalogue",
        Host::PlexTv | Host::Clients => "plex.tv",
    }
}

/// The token of a test or a settings file is never shown.
impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("name", &self.name).finish_non_exhaustive()
    }
}
