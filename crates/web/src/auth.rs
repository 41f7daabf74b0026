//! Who is asking: a browser with a session, or a program with a key.
//!
//! Sessions and keys are 256 random bits, kept as SHA-256. What was looked up is remembered for ten seconds, and forgotten at
//! once when anything about sessions, keys or people changes in this process. A change by another process (the command line)
//! holds after those ten seconds.
//!
//! A key is looked at once, in front of every route ([`Shared::look_at_key`]), so that no route is a place to guess.

use crate::{config::Config, error::ApiError, shared::Shared};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
};
use axum_extra::extract::cookie::Cookie;
use majordomo_domain::{KeyId, Millis, Person, PersonId, Standing, secret::random_hex};
use majordomo_store::{Store, StoreError};
use moka::future::Cache;
use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    marker::PhantomData,
    net::{IpAddr, SocketAddr},
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use subtle::ConstantTimeEq;

/// Every API key begins with it, so that it is recognised in a leak.
const KEY_PREFIX: &str = "mdk_";
const CSRF_HEADER: &str = "x-csrf-token";
const DAY_MS: Millis = 86_400_000;
/// A visit is written down at most so often.
const TOUCH_EVERY_MS: Millis = 60_000;

/// Who asks, and by what right.
pub(crate) struct Identity {
    pub person: Arc<Person>,
    pub means: Means,
}

pub(crate) enum Means {
    Session { hash: String, csrf_token: String, created_at_ms: Millis },
    Key { id: KeyId, scopes: Vec<String> },
}

impl Identity {
    pub fn is_admin(&self) -> bool {
        self.person.standing == Standing::Admin
    }

    pub fn has_scope(&self, any_of: &[&str]) -> bool {
        match &self.means {
            Means::Session { .. } => true,
            Means::Key { scopes, .. } => scopes.is_empty() || scopes.iter().any(|s| any_of.contains(&s.as_str())),
        }
    }
}

/// What keys may be restricted to.
pub(crate) const SCOPES: [&str; 6] = ["read", "chat", "tools", "approve", "admin", "metrics"];

/// What a route asks of whoever calls it.
pub(crate) trait Right: Send + Sync + 'static {
    /// One of these, for a key that is restricted.
    const SCOPES: &'static [&'static str];
    const ADMIN: bool = false;
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident $scopes:expr, $admin:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;
        impl Right for $name {
            const SCOPES: &'static [&'static str] = &$scopes;
            const ADMIN: bool = $admin;
        }
    )*};
}

rights! {
    /// Sees own things.
    Reads ["read", "chat", "tools", "approve"], false;
    /// Talks, and changes own conversations.
    Chats ["chat"], false;
    /// Decides what waits for a decision.
    Decides ["approve"], false;
    /// Runs tools.
    RunsTools ["tools"], false;
    /// Changes own keys.
    Manages ["admin"], false;
    /// Changes the household.
    Administers ["admin"], true;
}

/// A caller who may do what the route does. 401 for nobody, 403 for somebody without the right.
pub(crate) struct Caller<R>(pub Arc<Identity>, PhantomData<R>);

impl<R> Deref for Caller<R> {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.0
    }
}

impl<R: Right> FromRequestParts<Arc<Shared>> for Caller<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let identity = match parts.extensions.get::<Looked>() {
            Some(Looked::Right(identity)) => identity.clone(),
            Some(Looked::Wrong(error)) => return Err(error.clone()),
            None => shared.identify(&parts.method, &parts.headers).await?.ok_or_else(ApiError::unauthorized)?,
        };
        if R::ADMIN && !identity.is_admin() {
            return Err(ApiError::forbidden("only an admin may do this"));
        }
        if !identity.has_scope(R::SCOPES) {
            return Err(ApiError::forbidden(format!("this key has none of the scopes: {}", R::SCOPES.join(", "))));
        }
        Ok(Self(identity, PhantomData))
    }
}

/// What became of a request's key.
#[derive(Clone)]
enum Looked {
    Right(Arc<Identity>),
    Wrong(ApiError),
}

/// What was looked up, and at which state of things.
struct Known {
    identity: Arc<Identity>,
    generation: u64,
    seen_at_ms: AtomicI64,
}

pub(crate) struct Auth {
    known: Cache<[u8; 32], Arc<Known>>,
    /// Grows with every change of sessions, keys and people; what was looked up before is not believed any more. Also holds
    /// for a look-up that was under way during the change.
    generation: AtomicU64,
    attempts: Cache<Guess, Attempts>,
    /// Keys that were right, with where they came from. Whoever guesses beside them does not make them wait.
    proven: Cache<(IpAddr, [u8; 32]), ()>,
}

/// What failures are counted by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Guess {
    /// One-time codes from an address.
    Codes(IpAddr),
    /// Different keys from an address.
    Keys(IpAddr),
    /// The very same key from an address: a program with an old one is no guesser, and makes no other program wait.
    Key(IpAddr, [u8; 32]),
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            known: Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(10)).build(),
            generation: AtomicU64::new(0),
            attempts: Cache::builder().max_capacity(20_000).time_to_idle(Duration::from_secs(86_400)).build(),
            proven: Cache::builder().max_capacity(10_000).time_to_idle(Duration::from_secs(86_400)).build(),
        }
    }
}

impl Auth {
    /// Sessions, keys or people have changed.
    pub fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

impl Shared {
    /// Look at a request's key before anybody else does. A wrong one is counted and taken off, so that every route behind sees
    /// nobody; after ten failures keys from there are not looked at for a while, except those that were right before.
    pub async fn look_at_key(&self, parts: &mut Parts) {
        let Some(value) = parts.headers.get(header::AUTHORIZATION) else { return };
        let from = network_of(self.client_address(parts));
        let proof: [u8; 32] = Sha256::digest(value.as_bytes()).into();
        let now_ms = self.now_ms();
        let is_proven = self.auth.proven.contains_key(&(from, proof));
        let looked = match self.auth.key_waits(from, proof, now_ms).await {
            Some(wait) if !is_proven => Looked::Wrong(too_many_failures(wait)),
            _ => match self.identify(&parts.method, &parts.headers).await {
                Ok(Some(identity)) => {
                    if !is_proven {
                        self.auth.proven.insert((from, proof), ()).await;
                    }
                    Looked::Right(identity)
                }
                // The store failed: nothing is known of the key, and the route will say so.
                Err(error) if error.status.is_server_error() => return,
                Ok(None) | Err(_) => {
                    self.auth.proven.invalidate(&(from, proof)).await;
                    self.auth.key_failed(from, proof, now_ms).await;
                    Looked::Wrong(ApiError::unauthorized())
                }
            },
        };
        if matches!(looked, Looked::Wrong(_)) {
            parts.headers.remove(header::AUTHORIZATION);
        }
        parts.extensions.insert(looked);
    }

    /// Who sends these headers. None for nobody; 401 for proof that does not hold; 403 for a browser that was led here by
    /// another site.
    pub async fn identify(&self, method: &Method, headers: &HeaderMap) -> Result<Option<Arc<Identity>>, ApiError> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let key = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default().trim();
            if !key.starts_with(KEY_PREFIX) || key.len() > 128 {
                return Err(ApiError::unauthorized());
            }
            return self.known(key, true).await?.ok_or_else(ApiError::unauthorized).map(Some);
        }
        let Some(token) = session_token(headers, &self.web.config)? else { return Ok(None) };
        let identity = self.known(&token, false).await?.ok_or_else(ApiError::unauthorized)?;
        self.guard_against_other_sites(method, headers, &identity)?;
        Ok(Some(identity))
    }

    /// A browser sends its cookie whoever asks it to; what changes something also needs the token, which only our page knows.
    fn guard_against_other_sites(
        &self,
        method: &Method,
        headers: &HeaderMap,
        identity: &Identity,
    ) -> Result<(), ApiError> {
        let Means::Session { csrf_token, .. } = &identity.means else { return Ok(()) };
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            let says = |name: &str, value: &[u8]| headers.get(name).is_some_and(|v| v.as_bytes() == value);
            if says("sec-fetch-site", b"cross-site") && !says("sec-fetch-mode", b"navigate") {
                return Err(ApiError::cross_site());
            }
            return Ok(());
        }
        let given = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
        if given.ct_eq(csrf_token.as_bytes()).into() {
            Ok(())
        } else {
            Err(ApiError::new(
                axum::http::StatusCode::FORBIDDEN,
                "CSRF_TOKEN",
                "the header X-CSRF-Token is missing or old; read it from /api/me",
            ))
        }
    }

    async fn known(&self, token: &str, is_key: bool) -> Result<Option<Arc<Identity>>, ApiError> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        // Read before the look-up, so that a change in between makes the result stale.
        let generation = self.auth.generation();
        let now_ms = self.now_ms();
        let known = match self.auth.known.get(&hash).await {
            Some(known) if known.generation == generation => known,
            _ => {
                let found = if is_key {
                    self.look_up_key(&hash, generation).await?
                } else {
                    self.look_up_session(token, &hash, generation).await?
                };
                let Some(found) = found else { return Ok(None) };
                let found = Arc::new(found);
                self.auth.known.insert(hash, found.clone()).await;
                found
            }
        };
        let seen_at_ms = known.seen_at_ms.load(Ordering::Relaxed);
        if let Means::Session { created_at_ms, hash: session, .. } = &known.identity.means {
            let config = &self.web.config;
            let idle = i64::from(config.session_idle_days) * DAY_MS;
            let longest = i64::from(config.session_days) * DAY_MS;
            if now_ms - seen_at_ms > idle || now_ms - created_at_ms > longest {
                let session = session.clone();
                self.auth.known.invalidate(&hash).await;
                self.web.store.delete_web_session(&session).await?;
                return Ok(None);
            }
        }
        let is_due = now_ms - seen_at_ms >= TOUCH_EVERY_MS;
        if is_due && known.seen_at_ms.compare_exchange(seen_at_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            let (store, identity) = (self.web.store.clone(), known.identity.clone());
            tokio::spawn(async move {
                let touched = match &identity.means {
                    Means::Session { hash, .. } => store.touch_web_session(hash, now_ms).await,
                    Means::Key { id, .. } => store.touch_api_key(*id, now_ms).await,
                };
                if let Err(error) = touched {
                    tracing::debug!(%error, "a visit was not written down");
                }
            });
        }
        Ok(Some(known.identity.clone()))
    }

    async fn look_up_key(&self, hash: &[u8; 32], generation: u64) -> Result<Option<Known>, StoreError> {
        let found = self.web.store.api_key(&hex(hash)).await?;
        Ok(found.map(|(key, person)| Known {
            generation,
            seen_at_ms: AtomicI64::new(key.used_at_ms.unwrap_or(0)),
            identity: Arc::new(Identity {
                person: Arc::new(person),
                means: Means::Key { id: key.id, scopes: key.scopes },
            }),
        }))
    }

    async fn look_up_session(
        &self,
        token: &str,
        hash: &[u8; 32],
        generation: u64,
    ) -> Result<Option<Known>, StoreError> {
        let hash = hex(hash);
        let found = self.web.store.web_session(&hash).await?;
        Ok(found.map(|session| Known {
            generation,
            seen_at_ms: AtomicI64::new(session.seen_at_ms),
            identity: Arc::new(Identity {
                person: Arc::new(session.person),
                means: Means::Session { hash, csrf_token: csrf_token(token), created_at_ms: session.created_at_ms },
            }),
        }))
    }

    /// Redeem a one-time code. The answer is a new session's token.
    pub async fn sign_in(&self, code: &str, from: Option<IpAddr>, old: &HeaderMap) -> Result<SignedIn, ApiError> {
        let now_ms = self.now_ms();
        let from = network_of(from);
        self.auth.begin_attempt(from, now_ms).await?;
        let token = random_hex(32);
        let redeemed = self.web.store.redeem_login_code(&sha256(code), &sha256(&token), now_ms).await?;
        let Some(person) = redeemed else {
            return Err(ApiError::new(
                axum::http::StatusCode::UNAUTHORIZED,
                "BAD_CODE",
                "this link was used before, is too old, or was never given; ask for a new one",
            ));
        };
        self.auth.attempt_succeeded(from).await;
        // Whoever was signed in here before is not any more: an id planted by somebody else never gains a person.
        if let Ok(Some(old)) = session_token(old, &self.web.config) {
            self.web.store.delete_web_session(&sha256(&old)).await?;
        }
        self.auth.changed();
        Ok(SignedIn { csrf_token: csrf_token(&token), cookie: self.cookie(&token), person })
    }

    pub async fn sign_out(&self, identity: &Identity) -> Result<HeaderValue, ApiError> {
        if let Means::Session { hash, .. } = &identity.means {
            self.web.store.delete_web_session(hash).await?;
            self.auth.changed();
        }
        Ok(self.cookie(""))
    }

    /// The cookie of a session; with an empty token, its removal.
    fn cookie(&self, token: &str) -> HeaderValue {
        let name = cookie_name(&self.web.config);
        let age = if token.is_empty() { 0 } else { i64::from(self.web.config.session_days) * 86_400 };
        let secure = if self.web.config.is_https() { "; Secure" } else { "" };
        HeaderValue::from_str(&format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}"))
            .unwrap_or(HeaderValue::from_static(""))
    }

    /// The address of whoever asks. What proxies say counts only when we trust the proxy.
    pub fn client_address(&self, parts: &Parts) -> Option<IpAddr> {
        let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
        let trusts = |address: IpAddr| self.web.config.trusted_proxies.iter().any(|n| n.contains(address));
        let mut address = peer.ip().to_canonical();
        // From the right: each proxy appends who spoke to it.
        let forwarded = parts.headers.get_all("x-forwarded-for");
        let forwarded: Vec<&str> =
            forwarded.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).collect();
        for hop in forwarded.into_iter().rev() {
            if !trusts(address) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(hop) => address = hop.to_canonical(),
                Err(_) => break,
            }
        }
        Some(address)
    }

    /// Whether the request was made on this very machine, and not passed on by a proxy that runs here.
    pub fn is_local(&self, parts: &Parts) -> bool {
        let is_forwarded = ["x-forwarded-for", "forwarded", "x-real-ip"].iter().any(|h| parts.headers.contains_key(*h));
        !is_forwarded && self.client_address(parts).is_some_and(|address| address.is_loopback())
    }
}

/// A browser that has just signed in.
pub(crate) struct SignedIn {
    pub person: Person,
    pub csrf_token: String,
    pub cookie: HeaderValue,
}

/// A new key and what is stored of it.
pub(crate) fn new_key() -> (String, String) {
    let key = format!("{KEY_PREFIX}{}", random_hex(32));
    let hash = sha256(&key);
    (key, hash)
}

/// A link that signs a person in, once.
#[derive(Clone, Debug)]
pub struct LoginLink {
    /// Such as `http://127.0.0.1:8765/#code=…`. The code is behind the `#`, so it reaches no log and no proxy.
    pub url: String,
    pub expires_at_ms: Millis,
}

/// Make a link that signs a person in, once, until it expires.
pub async fn login_link(
    store: &Store,
    config: &Config,
    person: PersonId,
    now_ms: Millis,
    valid_for: Duration,
) -> Result<LoginLink, StoreError> {
    let code = random_hex(16);
    let expires_at_ms = now_ms.saturating_add(i64::try_from(valid_for.as_millis()).unwrap_or(i64::MAX));
    store.put_login_code(&sha256(&code), person, expires_at_ms).await?;
    Ok(LoginLink { url: format!("{}/#code={code}", config.base_url()), expires_at_ms })
}

fn cookie_name(config: &Config) -> &'static str {
    if config.is_https() { "__Host-majordomo" } else { "majordomo" }
}

/// The session's token in the cookies. Two different ones are somebody's trick: 401.
fn session_token(headers: &HeaderMap, config: &Config) -> Result<Option<String>, ApiError> {
    let name = cookie_name(config);
    let mut found: Option<String> = None;
    for value in headers.get_all(header::COOKIE) {
        let Ok(text) = value.to_str() else { return Err(ApiError::unauthorized()) };
        for cookie in Cookie::split_parse(text).flatten().filter(|c| c.name() == name) {
            match &found {
                Some(other) if other != cookie.value() => return Err(ApiError::unauthorized()),
                _ => found = Some(cookie.value().to_owned()),
            }
        }
    }
    match found {
        Some(token) if token.is_empty() => Ok(None),
        Some(token) if token.len() > 128 => Err(ApiError::unauthorized()),
        found => Ok(found),
    }
}

/// Belongs to one session and is of no use for making it.
fn csrf_token(session_token: &str) -> String {
    sha256(&format!("csrf:{session_token}"))
}

pub(crate) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Failed attempts of one kind from one address.
#[derive(Clone, Copy, Default)]
struct Attempts {
    count: u32,
    last_ms: Millis,
    refused_until_ms: Millis,
    /// Whether the newest attempt was refused without being looked at.
    refused: bool,
}

/// Failures that are free.
const FREE_ATTEMPTS: u32 = 10;
/// Quiet time after which failures are forgotten.
const FORGET_AFTER_MS: Millis = 30 * 60_000;

impl Attempts {
    /// One more, unless it is too early. The wait after ten failures doubles from one minute to fifteen.
    fn count(mut self, now_ms: Millis) -> Self {
        self.refused = now_ms < self.refused_until_ms;
        if self.refused {
            return self;
        }
        if now_ms - self.last_ms > FORGET_AFTER_MS {
            self.count = 0;
        }
        self.count += 1;
        self.last_ms = now_ms;
        if let Some(beyond) = self.count.checked_sub(FREE_ATTEMPTS) {
            self.refused_until_ms = now_ms + 60_000 * (1 << beyond.min(4)).min(15);
        }
        self
    }

    fn wait(self, now_ms: Millis) -> Option<Duration> {
        let ms = u64::try_from(self.refused_until_ms - now_ms).ok().filter(|ms| *ms > 0)?;
        Some(Duration::from_secs(ms.div_ceil(1_000)))
    }
}

fn too_many_failures(wait: Duration) -> ApiError {
    ApiError::too_many(format!("too many failed attempts; try again in {} s", wait.as_secs()), wait)
}

impl Auth {
    /// Count an attempt with a code before it is looked at, so that many at the same time are counted too. 429 after ten
    /// failures. Nobody is locked out for ever.
    async fn begin_attempt(&self, from: IpAddr, now_ms: Millis) -> Result<(), ApiError> {
        let attempts = self.count(Guess::Codes(from), now_ms).await;
        match attempts.wait(now_ms) {
            Some(wait) if attempts.refused => Err(too_many_failures(wait)),
            _ => Ok(()),
        }
    }

    /// The attempt was none of those that are counted.
    async fn attempt_succeeded(&self, from: IpAddr) {
        let back = |old: Option<Attempts>| {
            let mut attempts = old.unwrap_or_default();
            attempts.count = attempts.count.saturating_sub(1);
            attempts.refused_until_ms = 0;
            attempts
        };
        let entry = self.attempts.entry(Guess::Codes(from));
        entry.and_upsert_with(|old| std::future::ready(back(old.map(|e| e.into_value())))).await;
    }

    /// How long keys from there, or this one, are not looked at.
    async fn key_waits(&self, from: IpAddr, key: [u8; 32], now_ms: Millis) -> Option<Duration> {
        let mut longest = None;
        for guess in [Guess::Keys(from), Guess::Key(from, key)] {
            longest = longest.max(self.attempts.get(&guess).await.and_then(|attempts| attempts.wait(now_ms)));
        }
        longest
    }

    /// Keys are counted after they were looked at: a program that opens many connections at once with a right one is no guesser,
    /// and 256 bits are not guessed in the meantime.
    async fn key_failed(&self, from: IpAddr, key: [u8; 32], now_ms: Millis) {
        if self.count(Guess::Key(from, key), now_ms).await.count == 1 {
            self.count(Guess::Keys(from), now_ms).await;
        }
    }

    async fn count(&self, guess: Guess, now_ms: Millis) -> Attempts {
        let next = |old: Option<Attempts>| old.unwrap_or_default().count(now_ms);
        let entry = self.attempts.entry(guess);
        let entry = entry.and_upsert_with(|old| std::future::ready(next(old.map(|e| e.into_value())))).await;
        entry.into_value()
    }
}

/// Where attempts are counted together: one IPv4 address, or the network an IPv6 subscriber has to himself. Callers whose address
/// is unknown share one count.
fn network_of(address: Option<IpAddr>) -> IpAddr {
    match address {
        None => IpAddr::from([0, 0, 0, 0]),
        Some(IpAddr::V6(address)) => IpAddr::from((address.to_bits() >> 64 << 64).to_be_bytes()),
        Some(address) => address,
    }
}

/// The peer of a request, for handlers that need nothing else of it.
pub(crate) struct ClientAddress(pub Option<IpAddr>);

impl FromRequestParts<Arc<Shared>> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Self::Rejection> {
        Ok(Self(shared.client_address(parts)))
    }
}
