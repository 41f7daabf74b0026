//! Asking one instance: reads, lists by page, changes, and what its refusals mean. Knows nothing of models or chat.

use super::{Settings, Which, view};
use majordomo_domain::{
    ToolError,
    text::{clean, shorten},
    tool::Picture,
};
use majordomo_upstream::{
    Credential, Method, Scope, Service, ServiceLimits, ServiceSpec, Upstream, UpstreamError, Url,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Records of one page at most. Both accept it; their own default is 10.
pub const LARGEST_PAGE: usize = 1_000;
/// The whole library: several kilobytes a film, thousands of films.
const LIBRARY_BYTES: usize = 64 * 1024 * 1024;
/// All candidates of a search.
const RELEASES_BYTES: usize = 16 * 1024 * 1024;
const MAX_POSTER_BYTES: usize = 2 * 1024 * 1024;
const PICTURE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/svg+xml"];
/// Releases remembered of the last searches, a few hundred each.
const MOST_RELEASES: usize = 2_000;
/// Equal questions within so long are one: what moves, such as a queue, is not kept longer.
const LIVE: Duration = Duration::from_secs(2);

/// One instance. Cheap to clone; clones share limits, breakers and what is remembered.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    which: Which,
    name: String,
    settings: Settings,
    /// What is quick: 10 seconds.
    api: Service,
    /// The whole library: 60 seconds.
    library: Service,
    /// Searches of every indexer: 120 seconds, never repeated.
    search: Service,
    /// When something was last changed through this client: nothing older is told from a cache.
    changed: Mutex<Option<Instant>>,
    /// Releases of the last searches by our own reference, oldest first.
    releases: Mutex<VecDeque<(String, Value)>>,
}

/// How long an answer may be reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Asked anew: the look before and after a change, and what is waited for.
    Now,
    /// What moves by itself: queue, commands, history.
    Live,
    /// Lists of the library.
    List,
    /// Quality profiles, root folders, tags.
    Reference,
}

/// Which page, in which order. All four are always sent: an unknown or absent key silently means another order.
#[derive(Clone, Debug)]
pub struct Paging {
    /// From 1.
    pub page: u32,
    /// 1 to [`LARGEST_PAGE`].
    pub size: usize,
    /// A field of the records, such as `movies.sortTitle`.
    pub sort_key: String,
    pub descending: bool,
}

/// One page of a list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub records: Vec<Value>,
    pub number: u64,
    /// Of all pages together.
    pub total: u64,
}

/// One thing the service did not like about a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Such as `TmdbId`; empty when it names none.
    pub property: String,
    /// Its own words.
    pub message: String,
    /// Such as `MovieExistsValidator`; empty when it gives none.
    pub code: String,
}

pub type Query = Vec<(&'static str, String)>;

impl Client {
    pub fn new(which: Which, name: String, settings: Settings, upstream: &Upstream) -> Self {
        let label = if name == "default" { which.key().to_owned() } else { format!("{} {name}", which.key()) };
        let limits = ServiceLimits {
            at_once: settings.at_once,
            read_timeout: settings.request_timeout,
            // A little less than the call may take, so that the reason is ours to tell.
            total_timeout: settings.timeout * 9 / 10,
            ..ServiceLimits::default()
        };
        let slow = |timeout: Duration, retries, max_bytes| ServiceLimits {
            read_timeout: timeout,
            total_timeout: timeout,
            retries,
            max_bytes,
            ..limits
        };
        let base_url = settings.base_url.clone().unwrap_or_else(|| Url::parse("http://nowhere").expect("an address"));
        let service = |limits| {
            upstream.service(ServiceSpec {
                name: label.clone(),
                base_url: base_url.clone(),
                credential: Credential::Header { name: "x-api-key", value: settings.api_key.clone() },
                limits,
            })
        };
        let inner = Inner {
            which,
            api: service(limits),
            library: service(slow(settings.library_timeout, 1, LIBRARY_BYTES)),
            search: service(slow(settings.release_timeout, 0, RELEASES_BYTES)),
            name,
            settings,
            changed: Mutex::new(None),
            releases: Mutex::new(VecDeque::new()),
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn which(&self) -> Which {
        self.inner.which
    }

    /// The instance's name in the settings, such as `default` or `4k`.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The poster of a film or series this has, by the name under which our own server has it.
    pub fn picture_of(&self, id: Option<u64>) -> Option<String> {
        id.filter(|id| *id > 0).map(|id| format!("{}:{}/{id}", self.which().key(), self.name()))
    }

    /// For people: `Radarr`, or `Radarr (4k)`.
    pub fn title(&self) -> String {
        match self.name() {
            "default" => self.which().name().to_owned(),
            name => format!("{} ({name})", self.which().name()),
        }
    }

    /// An answer; None when there is no such thing.
    pub async fn find(&self, path: &str, query: &Query, age: Age) -> Result<Option<Arc<Value>>, ToolError> {
        match self.cached(&self.inner.api, path, query, age).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(self.tool_error(error)),
        }
    }

    /// An answer that is always there.
    pub async fn get(&self, path: &str, query: &Query, age: Age) -> Result<Arc<Value>, ToolError> {
        self.cached(&self.inner.api, path, query, age).await.map_err(|error| self.tool_error(error))
    }

    /// A list that is always there.
    pub async fn list(&self, path: &str, query: &Query, age: Age) -> Result<Vec<Value>, ToolError> {
        let answer = self.get(path, query, age).await?;
        answer.as_array().cloned().ok_or_else(|| self.not_as_described("something that is not a list"))
    }

    /// The whole library. Never for a model's eyes as it is.
    pub async fn library(&self) -> Result<Arc<Value>, ToolError> {
        let query = match self.which() {
            Which::Radarr => vec![("excludeLocalCovers", "true".to_owned())],
            Which::Sonarr => vec![("includeSeasonImages", "false".to_owned())],
        };
        let answer = self.cached(&self.inner.library, self.which().path(), &query, Age::List).await;
        let answer = answer.map_err(|error| self.tool_error(error))?;
        if answer.is_array() { Ok(answer) } else { Err(self.not_as_described("something that is not a list")) }
    }

    /// Every row of the history since an instant, with what each is about. Never for a model's eyes as it is.
    pub async fn happened_since(&self, since_ms: i64) -> Result<Vec<Value>, ToolError> {
        let since = jiff::Timestamp::from_millisecond(since_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let mut query = vec![("date", since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())];
        match self.which() {
            Which::Radarr => query.push(("includeMovie", "true".to_owned())),
            Which::Sonarr => {
                query.extend([("includeSeries", "true".to_owned()), ("includeEpisode", "true".to_owned())]);
            }
        }
        // After a month away it is long.
        let answer = self.cached(&self.inner.library, "/history/since", &query, Age::Now).await;
        let answer = answer.map_err(|error| self.tool_error(error))?;
        answer.as_array().cloned().ok_or_else(|| self.not_as_described("something that is not a list"))
    }

    /// Searches every indexer now. None when the film, season or episode is unknown.
    pub async fn search(&self, query: &Query) -> Result<Option<Vec<Value>>, ToolError> {
        match self.inner.search.get(&api("/release"), query).await {
            Ok(answer) => match answer.as_array() {
                Some(releases) => Ok(Some(releases.clone())),
                None => Err(self.not_as_described("something that is not a list of releases")),
            },
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(self.tool_error(error)),
        }
    }

    /// One page of a list.
    pub async fn page(&self, path: &str, query: &Query, paging: &Paging, age: Age) -> Result<Page, ToolError> {
        if paging.page == 0 {
            return Err(ToolError::TellModel("page is 0, pages are counted from 1".into()));
        }
        if !(1..=LARGEST_PAGE).contains(&paging.size) {
            return Err(ToolError::TellModel(format!("limit is {}, it may be 1 to {LARGEST_PAGE}", paging.size)));
        }
        let mut query = query.clone();
        query.extend([
            ("page", paging.page.to_string()),
            ("pageSize", paging.size.to_string()),
            ("sortKey", paging.sort_key.clone()),
            ("sortDirection", if paging.descending { "descending" } else { "ascending" }.to_owned()),
        ]);
        let answer = self.get(path, &query, age).await?;
        let Some(records) = answer["records"].as_array() else {
            return Err(self.not_as_described("a page without records"));
        };
        Ok(Page {
            records: records.clone(),
            number: answer["page"].as_u64().unwrap_or(paging.page.into()),
            total: answer["totalRecords"].as_u64().unwrap_or(records.len() as u64),
        })
    }

    /// The poster of a film or a series, small. The service makes it in two widths, 250 and 500.
    pub async fn poster(&self, id: u64) -> Result<Picture, ToolError> {
        let path = api(&format!("/mediacover/{id}/poster-250.jpg"));
        match self.inner.api.get_bytes(&path, MAX_POSTER_BYTES).await {
            Ok((media_type, bytes)) if PICTURE_TYPES.contains(&media_type.as_str()) => {
                Ok(Picture { media_type, bytes: bytes.to_vec() })
            }
            Ok(_) => Err(self.not_as_described("something that is not a picture")),
            Err(UpstreamError::NotFound { .. }) => Err(ToolError::TellModel("there is no picture of that name".into())),
            Err(error) => Err(self.tool_error(error)),
        }
    }

    /// Changes something. Never repeated.
    pub async fn send(&self, method: Method, path: &str, query: &Query, body: &Value) -> Result<Value, ToolError> {
        self.try_send(method, path, query, body).await.map_err(|error| self.tool_error(error))
    }

    /// The same, with the refusal as it came, for a caller that reads it with [`refusals`].
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        body: &Value,
    ) -> Result<Value, UpstreamError> {
        let sent = self.inner.api.send(method, &api(path), query, body).await;
        // Also after a failure: it may have arrived.
        self.forget_answers();
        sent
    }

    /// Nothing that was answered until now is told again.
    pub fn forget_answers(&self) {
        *self.inner.changed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// The version, with the application's own name for the instance.
    pub async fn version(&self) -> Result<String, ToolError> {
        let status = self.get("/system/status", &Query::new(), Age::Live).await?;
        let Some(version) = view::text(&status["version"], 40) else {
            return Err(self.not_as_described("no version"));
        };
        Ok(format!("{} {version}", self.which().name()))
    }

    async fn cached(
        &self,
        service: &Service,
        path: &str,
        query: &Query,
        age: Age,
    ) -> Result<Arc<Value>, UpstreamError> {
        let age = match age {
            Age::Now => Duration::ZERO,
            Age::Live => LIVE,
            Age::List => self.inner.settings.age,
            Age::Reference => self.inner.settings.reference_age,
        };
        // What was kept before our own last change is not told any more.
        let changed = *self.inner.changed.lock().unwrap_or_else(PoisonError::into_inner);
        let age = changed.map_or(age, |changed| age.min(changed.elapsed()));
        service.get_cached(&api(path), query, age, &Scope::Household).await
    }

    /// Keeps what is needed to tell and to grab a release.
    pub(super) fn remember(&self, releases: impl Iterator<Item = (String, Value)>) {
        let mut known = self.inner.releases.lock().unwrap_or_else(PoisonError::into_inner);
        let releases: BTreeMap<String, Value> = releases.collect();
        known.retain(|(kept, _)| !releases.contains_key(kept));
        known.extend(releases);
        let too_many = known.len().saturating_sub(MOST_RELEASES);
        known.drain(..too_many);
    }

    pub(super) fn remembered(&self, reference: &str) -> Option<Value> {
        let known = self.inner.releases.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(kept, _)| kept == reference).map(|(_, release)| release.clone())
    }

    pub fn not_as_described(&self, what: &str) -> ToolError {
        ToolError::CouldNotAsk { service: self.title(), reason: format!("it answered {what}") }
    }

    /// What a failure means. Source: endpoints of Radarr v3, "Status codes".
    pub fn tool_error(&self, error: UpstreamError) -> ToolError {
        let could_not = |reason: String| ToolError::CouldNotAsk { service: self.title(), reason };
        let key = || format!("tools.{}.{}", self.which().key(), self.name());
        match &error {
            UpstreamError::Refused { status: 401 | 403, .. } => {
                could_not(format!("it refused the key; check {}.api_key", key()))
            }
            UpstreamError::Refused { status: 400 | 409 | 422, reason, .. } => {
                let said: Vec<String> = refusals(&error).into_iter().map(|refusal| refusal.message).collect();
                let said = if said.is_empty() { reason.clone() } else { said.join("; ") };
                ToolError::TellModel(format!("{} refused: {}", self.title(), shorten(&said, 400)))
            }
            UpstreamError::NotFound { .. } if !is_nothing(&error) => {
                could_not(format!("this address is not its API; check {}.base_url", key()))
            }
            UpstreamError::NotFound { .. } => ToolError::TellModel(format!("{} does not have that", self.title())),
            _ => match error.into() {
                ToolError::CouldNotAsk { reason, .. } => could_not(reason),
                other => other,
            },
        }
    }
}

fn api(path: &str) -> String {
    format!("/api/v3{path}")
}

/// Whether a 404 is the service's own, which has JSON with a `message`. Any other comes from something else.
pub fn is_nothing(error: &UpstreamError) -> bool {
    let UpstreamError::NotFound { body, .. } = error else { return false };
    serde_json::from_str::<Value>(body).is_ok_and(|body| body["message"].is_string() || body["title"].is_string())
}

/// What the service said about a request it refused: its list of validation errors, or the reader's complaint.
pub fn refusals(error: &UpstreamError) -> Vec<Refusal> {
    let (UpstreamError::Refused { body, .. } | UpstreamError::Failed { body, .. }) = error else { return Vec::new() };
    let Ok(body) = serde_json::from_str::<Value>(body) else { return Vec::new() };
    let text = |value: &Value| shorten(&clean(value.as_str().unwrap_or_default()).replace('\n', " "), 200);
    match &body {
        Value::Array(list) => list
            .iter()
            .filter(|entry| entry["severity"] != "warning")
            .take(10)
            .map(|entry| Refusal {
                property: text(&entry["propertyName"]),
                message: text(&entry["errorMessage"]),
                code: text(&entry["errorCode"]),
            })
            .collect(),
        // `{"title": …, "errors": {"$.tmdbId": ["…"]}}`: a body it could not read.
        Value::Object(_) if body["errors"].is_object() => {
            let errors = body["errors"].as_object().into_iter().flatten();
            errors
                .take(10)
                .map(|(property, said)| Refusal {
                    property: property.clone(),
                    message: format!("{property}: {}", text(&said[0])),
                    code: String::new(),
                })
                .collect()
        }
        Value::Object(_) => match view::text(&body["message"], 200) {
            Some(message) => vec![Refusal { property: String::new(), message, code: String::new() }],
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}
