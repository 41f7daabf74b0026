//! The description of the API, made from the routes themselves. `openapi.json` beside this crate is what it says; a test
//! compares them, and writes the file when `UPDATE_OPENAPI` is set.

use crate::{Config, error::ErrorBody, wire};
use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use std::sync::OnceLock;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, Ref, RefOr, ResponseBuilder,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Majordomo",
        description = "The API of a household's assistant. `/api` is our own, `/api/v1` speaks as the Movie Analyst API does. \
            Times ending in `_ms` are milliseconds since 1970, UTC; in `/api/v1` they are RFC 3339. A session's cookie goes \
            with the header `X-CSRF-Token` on every request that changes something; a key goes as `Authorization: Bearer mdk_…`.",
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(ErrorBody, wire::Event)),
    modifiers(&Common),
)]
struct Description;

struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        let cookie = ApiKeyValue::new("majordomo");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// The description as a document.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, routes) = crate::api_routes(&Config::default(), 0).split_for_parts();
    let mut document = Description::openapi();
    document.merge(routes);
    let failure = ResponseBuilder::new()
        .description("Not done; the sentence says why.")
        .content("application/json", Content::new(Some(Ref::from_schema_name("ErrorBody"))))
        .build();
    let either = ["key", "session"].map(|name| SecurityRequirement::new(name, [""; 0]));
    for (path, item) in &mut document.paths.paths {
        let is_open = OPEN.contains(&path.as_str());
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            operation.operation_id = Some(operation_name(method, path));
            operation.responses.responses.insert("default".into(), RefOr::T(failure.clone()));
            if !is_open {
                operation.security = Some(either.to_vec());
            }
        }
    }
    document
}

/// Routes that ask nobody who he is.
const OPEN: [&str; 7] = ["/api/login", "/api/v1", "/api/v1/health", "/healthz", "/readyz", "/health", "/metrics"];

/// Unique, such as `get_conversations_id_events`.
fn operation_name(method: &str, path: &str) -> String {
    let words = path.split(['/', '{', '}', '*', '.']).filter(|word| !word.is_empty() && *word != "api");
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

pub(crate) async fn serve() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_pretty_json().unwrap_or_default());
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], text.as_str()).into_response()
}
