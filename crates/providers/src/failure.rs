//! From what went wrong outside to what the engine can do about it.

use majordomo_domain::ModelError;
use majordomo_upstream::{Service, UpstreamError};
use serde_json::Value;
use std::time::Duration;

/// What a provider says about a failure, wherever it says it.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    pub code: String,
    pub kind: String,
    pub message: String,
}

impl Complaint {
    /// Reads `{"error": {...}}`, `{"error": "text"}`, the object itself, or an array of one of these.
    pub fn read(value: &Value) -> Self {
        let value = value.get(0).unwrap_or(value);
        let inner = match value.get("error") {
            Some(Value::Null) | None => value,
            Some(inner) => inner,
        };
        let text = |key: &str| match inner.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let message = match inner {
            Value::String(message) => message.clone(),
            _ => text("message"),
        };
        Self { code: text("code"), kind: text("type"), message }
    }

    fn is_too_long(&self) -> bool {
        const SIGNS: [&str; 10] = [
            "context length",
            "context_length",
            "context window",
            "maximum context",
            "prompt is too long",
            "input is too long",
            "too many tokens",
            "exceeds the maximum number of tokens",
            "input token count",
            "request too large for model",
        ];
        let message = self.message.to_lowercase();
        self.code.contains("context_length")
            || self.code == "string_above_max_length"
            || self.kind == "request_too_large"
            || SIGNS.iter().any(|sign| message.contains(sign))
    }

    /// No money left is no passing thing, whatever the status says.
    fn is_unpaid(&self) -> bool {
        self.code == "insufficient_quota" || self.kind == "insufficient_quota" || self.kind == "billing_error"
    }

    /// What a complaint in the middle of a stream means; there is no status to go by.
    pub fn into_error(self, provider: &str) -> ModelError {
        let provider = provider.to_owned();
        let said = |fallback: &str| shorten(if self.message.is_empty() { fallback } else { &self.message });
        if self.is_too_long() {
            return ModelError::TooLong { provider, detail: said("it is longer than the model can read") };
        }
        if self.is_unpaid() {
            return ModelError::Refused { provider, detail: said("there is no credit left") };
        }
        let word = if self.kind.is_empty() || self.kind == "error" { self.code.as_str() } else { self.kind.as_str() };
        match word {
            "invalid_request_error" | "invalid_prompt" | "400" | "422" => {
                ModelError::Invalid { provider, detail: said("the request was refused") }
            }
            "authentication_error"
            | "permission_error"
            | "not_found_error"
            | "model_not_found"
            | "401"
            | "402"
            | "403"
            | "404" => ModelError::Refused { provider, detail: said("the key or the model was refused") },
            _ => {
                ModelError::Busy { provider, detail: said("it failed in the middle of the answer"), retry_after: None }
            }
        }
    }
}

/// What a failed request means.
pub(crate) fn from_upstream(provider: &str, error: UpstreamError) -> ModelError {
    let provider = provider.to_owned();
    let detail = shorten(error.reason());
    match &error {
        UpstreamError::Unreachable { .. } | UpstreamError::Silent { .. } | UpstreamError::Resting { .. } => {
            ModelError::Unreachable { provider, detail }
        }
        UpstreamError::Busy { body, .. } if complaint(body).is_unpaid() => ModelError::Refused { provider, detail },
        UpstreamError::Busy { .. } | UpstreamError::Failed { .. } => {
            // Longer than an hour helps nobody to decide anything.
            let retry_after = error.retry_after().map(|wait| wait.min(Duration::from_secs(3_600)));
            ModelError::Busy { provider, detail, retry_after }
        }
        UpstreamError::Refused { status: 413, .. } => ModelError::TooLong { provider, detail },
        UpstreamError::Refused { status: 409, .. } => ModelError::Busy { provider, detail, retry_after: None },
        UpstreamError::Refused { status: 401..=403, .. } | UpstreamError::NotFound { .. } => {
            ModelError::Refused { provider, detail }
        }
        UpstreamError::Refused { body, .. } => {
            let complaint = complaint(body);
            match (complaint.is_too_long(), complaint.is_unpaid() || complaint.code == "model_not_found") {
                (true, _) => ModelError::TooLong { provider, detail },
                (_, true) => ModelError::Refused { provider, detail },
                _ => ModelError::Invalid { provider, detail },
            }
        }
        UpstreamError::NotAnApi { .. } | UpstreamError::NotAllowed { .. } => ModelError::Refused { provider, detail },
        UpstreamError::Malformed { .. } | UpstreamError::TooLarge { .. } => ModelError::Broken { provider, detail },
    }
}

/// The same once the answer had begun: whatever it was, the answer broke off.
pub(crate) fn while_reading(provider: &str, error: UpstreamError) -> ModelError {
    ModelError::Broken { provider: provider.to_owned(), detail: shorten(error.reason()) }
}

/// The failure without anything the service was given to know us by, wherever its text came from.
pub(crate) fn without_secrets(mut error: ModelError, service: &Service) -> ModelError {
    match &mut error {
        ModelError::Busy { detail, .. }
        | ModelError::Unreachable { detail, .. }
        | ModelError::Broken { detail, .. }
        | ModelError::Refused { detail, .. }
        | ModelError::TooLong { detail, .. }
        | ModelError::Invalid { detail, .. } => *detail = service.without_secrets(detail),
    }
    error
}

pub(crate) fn broken(provider: &str, detail: &str) -> ModelError {
    ModelError::Broken { provider: provider.to_owned(), detail: detail.to_owned() }
}

fn complaint(body: &str) -> Complaint {
    serde_json::from_str::<Value>(body).map(|value| Complaint::read(&value)).unwrap_or_default()
}

fn shorten(text: &str) -> String {
    let text = majordomo_domain::text::clean(text);
    text.trim().trim_end_matches('.').replace('\n', " ").chars().take(300).collect()
}
