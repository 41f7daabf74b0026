//! What the program says about itself: logs, metrics, traces. Nothing secret and no message text in any of them.

use crate::config::{self, Environment};
use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::{Deserialize, Serialize};
use std::{io::IsTerminal, panic::PanicHookInfo};
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};
use url::Url;

/// Settings of the section `[log]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub format: Format,
    /// `error`, `warn`, `info`, `debug`, `trace`, or a list such as `info,majordomo_engine=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: Format::Text, level: "info".into() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For eyes.
    Text,
    /// `key=value`, one line each.
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// Settings of the section `[telemetry]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Where traces go, such as `http://localhost:4318/v1/traces`. Nothing is sent when absent.
    pub otlp_endpoint: Option<Url>,
}

/// Holds what must be flushed at the end.
#[derive(Default)]
pub struct Guard {
    #[cfg(feature = "otel")]
    traces: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        #[cfg(feature = "otel")]
        if let Some(traces) = self.traces.take() {
            let _ = traces.shutdown();
        }
    }
}

/// Start logs and, when an endpoint is set, traces. Logs go to standard error.
pub fn start(log: &Log, telemetry: &Telemetry, environment: &Environment) -> anyhow::Result<Guard> {
    let filter = filter(&log.level)?;
    let colours = std::io::stderr().is_terminal() && config::wants_colours(environment);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        Format::Text => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(colours)
            .with_target(false)
            .with_filter(filter)
            .boxed(),
        Format::Logfmt => tracing_logfmt::builder()
            .with_target(true)
            .with_span_path(false)
            .layer()
            .with_writer(std::io::stderr)
            .with_filter(filter)
            .boxed(),
        Format::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(std::io::stderr)
            .with_filter(filter)
            .boxed(),
    };
    let registry = Registry::default().with(lines);
    std::panic::set_hook(Box::new(log_panic));
    #[cfg(feature = "otel")]
    if let Some(endpoint) = &telemetry.otlp_endpoint {
        let provider = traces::provider(endpoint)?;
        let layer = traces::layer(&provider);
        registry.with(layer).try_init().context("logging was started twice")?;
        return Ok(Guard { traces: Some(provider) });
    }
    #[cfg(not(feature = "otel"))]
    anyhow::ensure!(telemetry.otlp_endpoint.is_none(), "[telemetry] otlp_endpoint: this build cannot send traces");
    registry.try_init().context("logging was started twice")?;
    Ok(Guard::default())
}

/// Understand a level; the error names what is wrong with it.
pub fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    // Our own lines at the level asked for; libraries speak up from warnings on unless they are named.
    let plain = ["error", "warn", "info", "debug", "trace", "off"].contains(&level.trim());
    let text = if plain { format!("{level},hyper=warn,h2=warn,sqlx=warn,reqwest=warn") } else { level.to_owned() };
    EnvFilter::builder().parse(text).with_context(|| format!("level: \"{level}\" is not a log level"))
}

/// The recorder behind `/metrics`.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    // Seconds, from a fast plain turn to the longest one.
    const SECONDS: &[f64] =
        &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)
        .context("metric buckets")?
        .build_recorder();
    let handle = recorder.handle();
    // A second call in the same process keeps the first recorder; its handle then renders nothing, which harms no one.
    let _ = metrics::set_global_recorder(recorder);
    Ok(handle)
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
    // The payload may hold what somebody said, so the place alone is logged.
    tracing::error!(place, "a bug stopped a task");
}

#[cfg(feature = "otel")]
mod traces {
    use anyhow::Context;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_otlp::{SpanExporter, WithExportConfig};
    use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
    use tracing_subscriber::{Layer, registry::LookupSpan};
    use url::Url;

    pub fn provider(endpoint: &Url) -> anyhow::Result<SdkTracerProvider> {
        // The exporter's client is built before anybody else's; a second call finds a TLS provider in place, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint.as_str())
            .build()
            .context("[telemetry] otlp_endpoint")?;
        let resource = Resource::builder().with_service_name("majordomo").build();
        Ok(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())
    }

    pub fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("majordomo"))
            .with_filter(tracing_subscriber::filter::LevelFilter::INFO)
    }
}
