//! The HTTP side: API, event stream, health, and the page.
//!
//! Knows: routes, sessions, keys, the shapes on the wire, the Movie Analyst API.
//! Never: decides what happens in a turn, knows a tool, a channel or a provider, shows one person's things to another.
//! Start reading at [`router`] (every route in one list), then `front.rs` (what every request passes), then `auth.rs`, then
//! the handlers in `api/` and `compat/`.

mod api;
mod assets;
mod auth;
mod body;
mod compat;
mod config;
mod error;
mod front;
mod hooks;
mod openapi;
mod shared;
mod wire;

pub use auth::{LoginLink, login_link};
pub use config::{Config, Network, Origin};
pub use error::ApiError;
pub use openapi::document;
pub use wire::{DemoInfo, Suggestion};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use majordomo_domain::Clock;
use majordomo_engine::Engine;
use majordomo_store::Store;
use shared::Shared;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tower_http::{catch_panic::CatchPanicLayer, csrf::CsrfLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the HTTP side is made of.
pub struct Web {
    pub engine: Engine,
    pub store: Store,
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    /// The metrics as Prometheus text.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Version of the program, shown to people who are signed in.
    pub version: String,
    /// What of this house is a demonstration; None for a real one.
    pub demo: Option<DemoInfo>,
    /// Questions the page offers to begin with.
    pub suggestions: Vec<Suggestion>,
    /// Parts that are switched off, each with the reason, such as `("tmdb", "no api key")`. The name `models` stands for all
    /// models.
    pub off: Vec<(String, String)>,
    /// A message has fewer characters than this.
    pub max_message_chars: usize,
    /// Where services reach this one, before `/hooks/`.
    pub hooks_url: String,
    /// Cancelled when the service stops: event streams end, readiness goes.
    pub stopping: CancellationToken,
}

/// The service, ready to be served with `into_make_service_with_connect_info::<SocketAddr>()`; without the peer's address every
/// caller counts as a stranger from far away.
pub fn router(state: Web) -> Router {
    let shared = Arc::new(Shared::new(state));
    let config = &shared.web.config;
    let (api, _) = api_routes(config, shared.web.max_message_chars).split_for_parts();
    let mut csrf = CsrfLayer::new();
    for origin in config.trusted_origins() {
        csrf = match csrf.clone().add_trusted_origin(&origin) {
            Ok(extended) => extended,
            Err(error) => {
                tracing::warn!(%origin, %error, "this origin cannot be trusted and is left out");
                csrf
            }
        };
    }
    let csrf = csrf.with_rejection_response(|_| error::response(ApiError::cross_site()));
    api.route("/", get(assets::root))
        .route("/openapi.json", get(openapi::serve))
        .route("/hooks/{name}/{secret}", post(hooks::receive).layer(DefaultBodyLimit::max(hooks::MOST)))
        .fallback(assets::fallback)
        .layer(DefaultBodyLimit::max(config.max_body_bytes))
        .layer(csrf)
        .layer(CatchPanicLayer::custom(front::panicked))
        .layer(front::cors(config))
        .layer(middleware::from_fn_with_state(shared.clone(), front::pass))
        .with_state(shared)
}

/// Every route of the API in one list; the document is made from the same list.
pub(crate) fn api_routes(config: &Config, max_message_chars: usize) -> OpenApiRouter<Arc<Shared>> {
    // JSON may write one character as a pair of escapes, twelve bytes; what is around the text is small.
    let longest_text = max_message_chars.saturating_mul(12).saturating_add(4_096);
    let with_files = OpenApiRouter::new()
        .routes(routes!(api::messages::say))
        .layer(DefaultBodyLimit::max(config.max_files_bytes.max(longest_text)));
    OpenApiRouter::new()
        .routes(routes!(api::session::login))
        .routes(routes!(api::session::logout))
        .routes(routes!(api::session::me))
        .routes(routes!(api::conversations::list, api::conversations::create))
        .routes(routes!(api::conversations::show, api::conversations::rename, api::conversations::delete))
        .routes(routes!(api::messages::list, api::messages::clear))
        .merge(with_files)
        .routes(routes!(api::events::stream))
        .routes(routes!(api::turns::show))
        .routes(routes!(api::turns::cancel))
        .routes(routes!(api::turns::undo))
        .routes(routes!(api::catalogue::models))
        .routes(routes!(api::catalogue::tools))
        .routes(routes!(api::catalogue::run_tool))
        .routes(routes!(api::catalogue::agents))
        .routes(routes!(api::people::list, api::people::create))
        .routes(routes!(api::people::change, api::people::delete))
        .routes(routes!(api::people::link))
        .routes(routes!(api::keys::list, api::keys::create))
        .routes(routes!(api::keys::revoke))
        .routes(routes!(api::hooks::list))
        .routes(routes!(api::hooks::make, api::hooks::remove))
        .routes(routes!(api::approvals::list))
        .routes(routes!(api::approvals::show, api::approvals::decide))
        .routes(routes!(api::approvals::stop))
        .routes(routes!(api::audit::list))
        .routes(routes!(api::memory::list))
        .routes(routes!(api::memory::forget))
        .routes(routes!(api::memory::forget_me))
        .routes(routes!(api::memory::link_code))
        .routes(routes!(api::memory::identities, api::memory::unlink))
        .routes(routes!(api::pictures::show))
        .routes(routes!(api::requests::list))
        .routes(routes!(api::requests::show, api::requests::cancel))
        .routes(routes!(api::requests::watch, api::requests::unwatch))
        .routes(routes!(api::reports::list))
        .routes(routes!(api::reports::close))
        .routes(routes!(api::usage::by_day))
        .routes(routes!(compat::sessions::chat))
        .routes(routes!(compat::sessions::create))
        .routes(routes!(compat::sessions::list))
        .routes(routes!(compat::sessions::show, compat::sessions::rename, compat::sessions::delete))
        .routes(routes!(compat::sessions::messages, compat::sessions::clear))
        .routes(routes!(compat::sessions::status))
        .routes(routes!(compat::sessions::cancel))
        .routes(routes!(compat::sessions::root))
        .routes(routes!(compat::sessions::health))
        .routes(routes!(api::health::alive))
        .routes(routes!(api::health::ready))
        .routes(routes!(api::health::components))
        .routes(routes!(api::health::metrics))
}
