//! What the program says about itself: logs, metrics, traces. Nothing secret and no message text in any of them.

use crate::{
    config::{self, Environment},
    redact::Redactor,
};
use anyhow::Context;
use majordomo_domain::Secret;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::{Deserialize, Serialize};
use std::{io::IsTerminal, panic::PanicHookInfo};
use tracing::subscriber::set_global_default;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt::MakeWriter, layer::SubscriberExt};
use url::Url;

/// Settings of the section `[log]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub format: Format,
    /// How much this program says: `trace`, `debug`, `info`, `warn`, `error` or `off`; libraries speak up from warnings on. Or a
    /// list that says it for each part, such as `warn,majordomo=info,hyper=debug`. Default `info`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: Format::Auto, level: "info".into() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text on a terminal, logfmt anywhere else.
    Auto,
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
    redactor: Redactor,
    #[cfg(feature = "otel")]
    traces: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

impl Guard {
    /// Never write these, whoever says them.
    pub fn hide(&self, secrets: impl IntoIterator<Item = Secret>) {
        self.redactor.hide(secrets);
    }
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
    let format = match log.format {
        Format::Auto if std::io::stderr().is_terminal() => Format::Text,
        Format::Auto => Format::Logfmt,
        chosen => chosen,
    };
    #[cfg_attr(not(feature = "otel"), expect(unused_mut, reason = "only traces are added"))]
    let mut guard = Guard::default();
    let redactor = guard.redactor.clone();
    let stderr = move || Quiet { out: std::io::stderr(), redactor: redactor.clone() };
    let lines = lines(format, colours, filter, stderr);
    let registry = Registry::default().with(lines);
    std::panic::set_hook(Box::new(log_panic));
    #[cfg(feature = "otel")]
    if let Some(endpoint) = &telemetry.otlp_endpoint {
        let provider = traces::provider(endpoint, &guard.redactor)?;
        let layer = traces::layer(&provider);
        set_global_default(registry.with(layer)).context("logging was started twice")?;
        guard.traces = Some(provider);
        return Ok(guard);
    }
    #[cfg(not(feature = "otel"))]
    anyhow::ensure!(telemetry.otlp_endpoint.is_none(), "[telemetry] otlp_endpoint: this build cannot send traces");
    // Not `try_init`, which would also take up what libraries write by the crate `log`, with the paths of their sources.
    set_global_default(registry).context("logging was started twice")?;
    Ok(guard)
}

/// What writes a line of the log.
fn lines<W>(format: Format, colours: bool, filter: EnvFilter, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'line> MakeWriter<'line> + Send + Sync + 'static,
{
    match format {
        Format::Text => tracing_subscriber::fmt::layer()
            .with_writer(writer)
            .with_ansi(colours)
            .with_target(false)
            .with_filter(filter)
            .boxed(),
        Format::Auto | Format::Logfmt => tracing_logfmt::builder()
            .with_target(true)
            .with_span_path(false)
            .layer()
            .with_writer(writer)
            .with_filter(filter)
            .boxed(),
        Format::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(writer)
            .with_filter(filter)
            .boxed(),
    }
}

/// The words for how much is said.
const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "off"];

/// Below warnings it writes whole paths of requests, and in the path of a webhook is its secret.
const SILENT: &str = "tower_http::csrf=warn";

/// Understand a level; the error names what is wrong with it.
pub fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    let level = level.trim();
    let text = match level {
        // Every crate of ours begins with this word.
        "trace" | "debug" | "info" => format!("warn,majordomo={level}"),
        list => list.to_owned(),
    };
    let directives: Vec<&str> = text.split(',').map(str::trim).collect();
    let is_understood = directives.iter().all(|directive| is_directive(directive));
    // A bare word that is no level would be taken for the name of a crate, and everything else be silent.
    anyhow::ensure!(
        is_understood,
        "level: \"{level}\" is not one of {}, nor a list such as \"warn,majordomo=info,hyper=debug\"",
        LEVELS.join(", ")
    );
    EnvFilter::builder()
        .parse(format!("{},{SILENT}", directives.join(",")))
        .with_context(|| format!("level: \"{level}\" is not understood"))
}

/// `info`, `majordomo_engine=debug`, `majordomo_engine[turn]=trace`.
fn is_directive(directive: &str) -> bool {
    match directive.rsplit_once('=') {
        None => LEVELS.contains(&directive),
        Some((part, level)) => {
            let name = part.split(['[', '{']).next().unwrap_or_default();
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-'));
            !part.is_empty() && is_name && LEVELS.contains(&level)
        }
    }
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

/// Standard error, where a line that cannot be written is lost: a full disk behind it must not stop the program. A line comes in
/// one piece, so no secret can hide between two.
struct Quiet<W> {
    out: W,
    redactor: Redactor,
}

impl<W: std::io::Write> std::io::Write for Quiet<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.out.write_all(&self.redactor.clean(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let _ = self.out.flush();
        Ok(())
    }
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|l| format!("{}:{}", within_crate(l.file()), l.line())).unwrap_or_default();
    // The payload may hold what somebody said, so the place alone is logged.
    tracing::error!(place, "a bug stopped a task");
}

/// A source file from its crate's name on, such as `engine/src/turn.rs`; where it was built is nobody's business.
fn within_crate(file: &str) -> &str {
    let name = |path: &str| path.rfind(['/', '\\']).map_or(0, |slash| slash + 1);
    match file.rfind("/src/").or_else(|| file.rfind("\\src\\")) {
        Some(src) => &file[name(&file[..src])..],
        None => &file[name(file)..],
    }
}

#[cfg(feature = "otel")]
mod traces {
    use crate::redact::Redactor;
    use anyhow::Context;
    use opentelemetry::{
        Array, KeyValue, Value,
        trace::{Status, TracerProvider},
    };
    use opentelemetry_otlp::WithExportConfig;
    use opentelemetry_sdk::{
        Resource,
        error::OTelSdkResult,
        trace::{SdkTracerProvider, SpanData, SpanExporter},
    };
    use std::{borrow::Cow, time::Duration};
    use tracing_subscriber::{Layer, registry::LookupSpan};
    use url::Url;

    pub fn provider(endpoint: &Url, redactor: &Redactor) -> anyhow::Result<SdkTracerProvider> {
        // The exporter's client is built before anybody else's; a second call finds a TLS provider in place, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint.as_str())
            .build()
            .context("[telemetry] otlp_endpoint")?;
        let exporter = Careful { exporter, redactor: redactor.clone() };
        let resource = Resource::builder().with_service_name("majordomo").build();
        Ok(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())
    }

    /// Takes out of the spans what is secret, before they leave.
    #[derive(Debug)]
    struct Careful<E> {
        exporter: E,
        redactor: Redactor,
    }

    impl<E: SpanExporter> SpanExporter for Careful<E> {
        async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
            for span in &mut batch {
                self.clean_text(&mut span.name);
                self.clean_values(&mut span.attributes);
                if let Status::Error { description } = &mut span.status {
                    self.clean_text(description);
                }
                for event in &mut span.events.events {
                    self.clean_text(&mut event.name);
                    self.clean_values(&mut event.attributes);
                }
            }
            self.exporter.export(batch).await
        }

        fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
            self.exporter.shutdown_with_timeout(timeout)
        }

        fn force_flush(&self) -> OTelSdkResult {
            self.exporter.force_flush()
        }

        fn set_resource(&mut self, resource: &Resource) {
            self.exporter.set_resource(resource);
        }
    }

    impl<E> Careful<E> {
        fn clean_text(&self, text: &mut Cow<'static, str>) {
            if let Some(clean) = self.redactor.cleaned(text) {
                *text = clean.into();
            }
        }

        fn clean_values(&self, values: &mut [KeyValue]) {
            for pair in values {
                match &mut pair.value {
                    Value::String(text) => {
                        if let Some(clean) = self.redactor.cleaned(text.as_str()) {
                            *text = clean.into();
                        }
                    }
                    Value::Array(Array::String(texts)) => {
                        for text in texts {
                            if let Some(clean) = self.redactor.cleaned(text.as_str()) {
                                *text = clean.into();
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    pub fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("majordomo"))
            .with_filter(tracing_subscriber::filter::LevelFilter::INFO)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use majordomo_domain::Secret;
        use std::sync::{Arc, Mutex};
        use tracing_subscriber::{Registry, layer::SubscriberExt};

        /// Where a collector would be.
        #[derive(Clone, Debug, Default)]
        struct Kept(Arc<Mutex<Vec<SpanData>>>);

        impl SpanExporter for Kept {
            async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
                self.0.lock().unwrap().extend(batch);
                Ok(())
            }
        }

        #[test]
        fn a_secret_that_a_library_puts_into_a_span_is_in_no_trace() {
            const KEY: &str = "canary/key+1";
            let redactor = Redactor::default();
            redactor.hide([Secret::new(KEY)]);
            let kept = Kept::default();
            let exporter = Careful { exporter: kept.clone(), redactor };
            let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
            tracing::subscriber::with_default(Registry::default().with(layer(&provider)), || {
                let span =
                    tracing::info_span!(target: "some_library", "request", url = "http://h/?key=canary%2Fkey%2B1");
                span.in_scope(|| tracing::error!(target: "some_library", header = KEY, "refused {KEY}"));
            });
            provider.shutdown().unwrap();
            let spans = format!("{:?}", kept.0.lock().unwrap());
            assert!(spans.contains("some_library") && spans.contains("refused [secret]"), "{spans}");
            assert!(spans.contains("http://h/?key=[secret]") && !spans.contains("canary"), "{spans}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_source_tells_nothing_of_the_machine_it_was_built_on() {
        for (file, told) in [
            ("crates/engine/src/turn.rs", "engine/src/turn.rs"),
            ("/somewhere/src/majordomo/crates/web/src/api/events.rs", "web/src/api/events.rs"),
            ("/somewhere/.cargo/registry/src/index-1949/hyper-1.9.0/src/proto/h1.rs", "hyper-1.9.0/src/proto/h1.rs"),
            ("/rustc/59807616e1/library/core/src/option.rs", "core/src/option.rs"),
            ("C:\\build\\core\\src\\option.rs", "core\\src\\option.rs"),
            ("/somewhere/bench/main.rs", "main.rs"),
            ("main.rs", "main.rs"),
        ] {
            assert_eq!(within_crate(file), told);
        }
    }

    /// A place for lines that a test can read.
    #[derive(Clone, Default)]
    struct Page(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_secret_of_the_settings_is_never_written_even_if_a_library_logs_it() {
        const KEY: &str = "canary key/with \"signs\"+1";
        for format in [Format::Text, Format::Logfmt, Format::Json] {
            let page = Page::default();
            let redactor = Redactor::default();
            redactor.hide([Secret::new(KEY)]);
            let out = page.clone();
            let writer = move || Quiet { out: out.clone(), redactor: redactor.clone() };
            let layer = lines(format, false, filter("trace,hyper_util=trace").unwrap(), writer);
            tracing::subscriber::with_default(Registry::default().with(layer), || {
                let span = tracing::info_span!(target: "hyper_util::client", "connection", key = KEY);
                let _inside = span.enter();
                let query: String = url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect();
                tracing::trace!(target: "hyper_util::client", url = %format!("https://h/3?api_key={query}&page=1"), "connecting");
                tracing::warn!(target: "some_library", headers = ?[("authorization", KEY)], "refused");
                tracing::error!(target: "some_library", "could not send {KEY}");
            });
            let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
            for said in ["connecting", "refused", "could not send", "&page=1", "[secret]"] {
                assert!(text.contains(said), "{format:?}: {said} is missing: {text}");
            }
            for part in ["canary", "signs"] {
                assert!(!text.contains(part), "{format:?}: {text}");
            }
        }
    }

    #[test]
    fn a_level_is_a_known_word_or_a_list_of_known_form() {
        for level in
            ["trace", "off", " info ", "warn,majordomo=info", "info, hyper=debug", "majordomo_engine[turn{id=1}]=trace"]
        {
            assert!(filter(level).is_ok(), "{level}");
        }
        for level in ["", "bogus", "INFO,", "info,bogus", "majordomo=loud", "=debug", "majordomo", "/x=debug", "3"] {
            assert!(filter(level).is_err(), "{level}");
        }
        assert_eq!(
            filter("bogus").unwrap_err().to_string(),
            "level: \"bogus\" is not one of trace, debug, info, warn, error, off, nor a list such as \
             \"warn,majordomo=info,hyper=debug\""
        );
        assert_eq!(filter("debug").unwrap().to_string(), "tower_http::csrf=warn,majordomo=debug,warn");
    }
}
