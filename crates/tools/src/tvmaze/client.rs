//! TVmaze: calls and their errors. Knows nothing about models or chat.

use super::Config;
use majordomo_domain::ToolError;
use majordomo_upstream::{Credential, Scope, Service, ServiceLimits, ServiceSpec, Upstream, UpstreamError};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// What errors call the service.
pub const NAME: &str = "TVmaze";

/// The service and how to ask it.
#[derive(Clone)]
pub struct Tvmaze {
    api: Service,
    age: Duration,
    /// Country of the schedule when a call names none, `US`.
    pub country: String,
}

/// Name and value of query parameters.
pub type Query = Vec<(&'static str, String)>;

impl Tvmaze {
    pub fn new(config: &Config, upstream: &Upstream) -> Self {
        let api = upstream.service(ServiceSpec {
            name: NAME.into(),
            base_url: config.base_url.clone(),
            credential: Credential::None,
            limits: ServiceLimits {
                at_once: config.at_once,
                // "At least 20 calls every 10 seconds per IP address." Source: TVmaze API, rate limiting.
                per: Some((config.per_ten_seconds.max(1), Duration::from_secs(10))),
                read_timeout: Duration::from_millis(config.request_timeout_ms),
                // A little less than the call may take, so that the reason is ours to tell.
                total_timeout: Duration::from_millis(config.timeout_ms) * 9 / 10,
                hedge_after: config.hedge_after_ms.map(Duration::from_millis),
                ..ServiceLimits::default()
            },
        });
        Self { api, age: Duration::from_secs(config.age_s), country: config.country.clone() }
    }

    /// An answer, or None when TVmaze knows no such thing (404).
    pub async fn get(&self, path: &str, query: &Query) -> Result<Option<Arc<Value>>, ToolError> {
        match self.api.get_cached(path, query, self.age, &Scope::Household).await {
            Ok(answer) => Ok(Some(answer).filter(|answer| !answer.is_null())),
            // A web page instead of TVmaze's own short answer means that this is not TVmaze.
            Err(UpstreamError::NotFound { body, .. }) if !body.trim_start().starts_with('<') => Ok(None),
            Err(UpstreamError::Busy { .. }) => Err(ToolError::CouldNotAsk {
                service: NAME.into(),
                reason: "it is rate limited; try again in ten seconds".into(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// A list. Nothing known is an empty one; anything but a list is a failure.
    pub async fn list(&self, path: &str, query: &Query) -> Result<Vec<Value>, ToolError> {
        match self.get(path, query).await? {
            None => Ok(Vec::new()),
            Some(answer) => match answer.as_array() {
                Some(list) => Ok(list.clone()),
                None => Err(not_as_described("no list")),
            },
        }
    }

    /// What is broadcast in a country on a date, with the show inside each episode.
    pub async fn schedule(&self, country: &str, date: Option<&str>) -> Result<Vec<Value>, ToolError> {
        let mut query: Query = vec![("country", country.to_owned())];
        query.extend(date.map(|date| ("date", date.to_owned())));
        self.list("/schedule", &query).await
    }

    /// Whether it answers.
    pub async fn status(&self) -> Result<String, ToolError> {
        // The only small request that is always there.
        match self.api.get("/shows/1", &[]).await {
            Ok(show) if show["id"].is_u64() => Ok("TVmaze answers".into()),
            Ok(_) => Err(not_as_described("something that is not a show")),
            Err(UpstreamError::NotFound { .. }) => Ok("TVmaze answers".into()),
            Err(error) => Err(error.into()),
        }
    }
}

pub fn not_as_described(what: &str) -> ToolError {
    ToolError::CouldNotAsk { service: NAME.into(), reason: format!("it answered {what}") }
}
