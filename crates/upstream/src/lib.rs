//! The one door to outside HTTP: a pooled client, and for every service behind it limits, retries, a breaker, a cache and
//! the rule that it reaches its own configured origin and nothing else.
//!
//! Knows: HTTP, JSON, event streams, and what each [`ServiceSpec`] says. Never: knows a service by name, follows a
//! redirect to another host, repeats anything but a GET, puts a key or a query into an error, a log or a trace.
//! Start reading at [`Service`] (what may be asked), then [`UpstreamError`] (what may come back).

mod breaker;
mod cache;
mod egress;
mod error;
mod policy;
mod service;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;

pub use egress::check_base;
pub use error::UpstreamError;
pub use policy::retry_after;
pub use reqwest::Method;
pub use service::Service;
pub use stream::{BodyKind, EventParser, EventReader, MAX_EVENT_BYTES, MAX_STREAM_BYTES, ServerEvent};
pub use url::Url;

use majordomo_domain::{PersonId, Secret};
use std::{sync::Arc, time::Duration};

/// What all services share.
#[derive(Clone, Debug)]
pub struct Config {
    /// Time to resolve, connect and shake hands. Default 4 s.
    pub connect_timeout: Duration,
    /// First wait before a retry; each next one is twice as long, with jitter, at most 2 s. Default 100 ms.
    pub backoff: Duration,
    /// A longer `Retry-After` than this is not waited for in full. Default 10 s.
    pub longest_wait: Duration,
    /// Bytes of answers kept by `get_cached`, all services together. Default 16 MiB.
    pub cache_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(4),
            backoff: Duration::from_millis(100),
            longest_wait: Duration::from_secs(10),
            cache_bytes: 16 * 1024 * 1024,
        }
    }
}

/// The client all services share. Cheap to clone.
#[derive(Clone)]
pub struct Upstream {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    client: reqwest::Client,
    cache: cache::Cache,
    config: Config,
}

impl Upstream {
    /// Builds the one client. Installs ring as the process's TLS provider when none is installed yet.
    pub fn new(config: Config) -> Result<Self, UpstreamError> {
        // A second call finds a provider in place, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = match client(&config).build() {
            Ok(client) => client,
            // A machine without any CA certificates still reaches plain addresses in the house; what needs TLS says so
            // when it is asked.
            Err(error) => {
                tracing::warn!(error = %error::deepest(&error), "no certificates to trust on this machine; https will fail");
                client(&config).tls_certs_only([]).build().map_err(|e| UpstreamError::NotAllowed {
                    service: "http client".into(),
                    reason: error::deepest(&e),
                })?
            }
        };
        Ok(Self { shared: Arc::new(Shared { client, cache: cache::Cache::new(config.cache_bytes), config }) })
    }

    /// A door to one service. Its limits, breaker and rate belong to the returned value and its clones. A base address
    /// that may not be used (credentials in it, not http) shows at the first request, as `NotAllowed`.
    pub fn service(&self, spec: ServiceSpec) -> Service {
        Service::new(self.shared.clone(), spec)
    }
}

fn client(config: &Config) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("majordomo/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(Duration::from_secs(60))
        .tcp_nodelay(true)
        .http1_max_headers(100)
        .http2_max_header_list_size(64 * 1024)
        .redirect(reqwest::redirect::Policy::none())
        // Only configured hosts are ever contacted, and a proxy named by the environment is not configured here.
        .no_proxy()
}

/// A service as the settings and its toolkit describe it.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// As in the settings, such as `radarr`: in errors, metrics and cache keys. Two instances need two names.
    pub name: String,
    /// `http` or `https`, a path prefix allowed (`http://nas:7878/radarr`). Credentials in it are refused.
    pub base_url: Url,
    pub credential: Credential,
    pub limits: ServiceLimits,
}

/// How a service knows us.
#[derive(Clone, Debug)]
pub enum Credential {
    None,
    Bearer(Secret),
    Header { name: &'static str, value: Secret },
    Query { name: &'static str, value: Secret },
}

impl Credential {
    pub(crate) fn secret(&self) -> Option<&Secret> {
        match self {
            Credential::None => None,
            Credential::Bearer(value) | Credential::Header { value, .. } | Credential::Query { value, .. } => {
                Some(value)
            }
        }
    }
}

/// How much a service is asked of, and how long it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceLimits {
    /// Requests at the same time; more wait. Default 8.
    pub at_once: usize,
    /// At most so many requests in so long; more wait. Default none.
    pub per: Option<(u32, Duration)>,
    /// Longest silence: before the headers and between two pieces of the body. Default 5 s.
    pub read_timeout: Duration,
    /// Longest time for one question, waits and retries included. Does not apply to event streams. Default 10 s.
    pub total_timeout: Duration,
    /// Further attempts of a GET after a passing failure. Default 2.
    pub retries: u32,
    /// Ask a GET a second time when the first has not answered by then; the first success wins. Default never.
    pub hedge_after: Option<Duration>,
    /// Longest answer, decoded. Default 2 MiB.
    pub max_bytes: usize,
    /// Failures in a row after which the service is left alone; 0 is never. Default 3.
    pub breaker_failures: u32,
    /// How long it is left alone before one request may try again. Default 20 s.
    pub breaker_open_for: Duration,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            at_once: 8,
            per: None,
            read_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(10),
            retries: 2,
            hedge_after: None,
            max_bytes: 2 * 1024 * 1024,
            breaker_failures: 3,
            breaker_open_for: Duration::from_secs(20),
        }
    }
}

/// Whose answer it is. Part of every cache key, so that nobody is shown what was fetched for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The same for everybody: facts about films, the household's library.
    Household,
    /// Depends on who asks: a watchlist, a history.
    Person(PersonId),
}
