//! Spans on their way to a collector: OTLP over HTTP, in a thread of its own.
//!
//! A request hands its spans to a queue and goes on. If the collector is slow, the queue fills
//! and what does not fit is dropped; if it is dead, each batch is tried and given up. Either is
//! said in the log, once a minute at most.

mod losses;
mod queue;
mod scrub;

use std::{sync::OnceLock, time::Duration};

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider},
};
use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};
use url::Url;

use self::{
    losses::Losses,
    queue::{Queue, Sender},
};
use super::{TelemetryError, ids::Ids, sampling, spans};
use crate::{config::Telemetry, outbound};

/// Spans that wait for the collector: some megabytes.
const MOST_WAITING: usize = 4096;
const BATCH: usize = 512;
const EVERY: Duration = Duration::from_secs(2);
/// For one batch, with all tries.
const PATIENCE: Duration = Duration::from_secs(5);
/// For what is left at the end.
const LAST_PATIENCE: Duration = Duration::from_secs(4);

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Exports the spans of this process from now on, if the settings name a collector.
pub(super) fn layer<S>(
    settings: &Telemetry,
) -> Result<Option<impl Layer<S> + Send + Sync + use<S>>, TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let Some(endpoint) = &settings.otlp_endpoint else {
        return Ok(None);
    };
    sampling::keep(settings.sample_ratio);
    let provider = provider(settings, endpoint)?;
    let tracer = provider.tracer("forge-remote");
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        // A span's parent is the `tracing` span around it. To keep OpenTelemetry's own idea of
        // it beside that would cost every poll of a request.
        .with_context_activation(false)
        .with_filter(filter_fn(goes_out).with_max_level_hint(LevelFilter::DEBUG));
    let _ = PROVIDER.set(provider);
    spans::are_exported();
    Ok(Some(layer))
}

/// Of this crate all spans, of others those that anybody would log, and lines beside them.
fn goes_out(metadata: &Metadata<'_>) -> bool {
    let of_ours = metadata.target().starts_with("forge_remote");
    let most = if metadata.is_span() && of_ours {
        Level::DEBUG
    } else {
        Level::INFO
    };
    *metadata.level() <= most
}

fn provider(settings: &Telemetry, endpoint: &Url) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client()?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(traces_of(endpoint))
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| TelemetryError::Export(error.into()))?;
    let losses = Losses::shared();
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(MOST_WAITING)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(EVERY)
        .build();
    let sender = Sender::new(exporter, losses.clone());
    let waiting = sender.waiting();
    let batches = BatchSpanProcessor::builder(sender)
        .with_batch_config(batches)
        .build();
    let queue = Queue::new(batches, waiting, losses, MOST_WAITING);
    Ok(SdkTracerProvider::builder()
        .with_span_processor(queue)
        .with_sampler(sampling::Sampling)
        .with_id_generator(Ids::default())
        .with_resource(resource(settings))
        .build())
}

/// The place for traces under the endpoint, as the OTLP specification has it for a base URL.
fn traces_of(endpoint: &Url) -> String {
    format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'))
}

/// A client that follows no redirect, which would carry the collector's credentials on, and
/// takes the proxies that all others here take. Where a runtime is, it must be made on a thread
/// that is not the runtime's.
fn client() -> Result<reqwest::blocking::Client, TelemetryError> {
    let failed = |error: reqwest::Error| TelemetryError::Export(error.without_url().into());
    std::thread::scope(|scope| {
        let made = scope.spawn(|| {
            let builder = match outbound::proxy()? {
                Some(proxy) => reqwest::blocking::Client::builder().proxy(proxy),
                None => reqwest::blocking::Client::builder().no_proxy(),
            };
            builder
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(PATIENCE)
                .timeout(PATIENCE)
                .build()
        });
        match made.join() {
            Ok(client) => client.map_err(failed),
            Err(_) => Err(TelemetryError::Export(
                "the exporter's HTTP client cannot be made".into(),
            )),
        }
    })
}

/// Who sends the spans. `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` count too; the
/// settings come before them.
fn resource(settings: &Telemetry) -> Resource {
    let named = Resource::builder().build();
    let is_named = named
        .get(&"service.name".into())
        .is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let mut resource = Resource::builder().with_attributes([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
        KeyValue::new(
            "deployment.environment.name",
            settings.environment.to_string(),
        ),
    ]);
    match &settings.service_name {
        Some(name) => resource = resource.with_service_name(name.clone()),
        None if !is_named => resource = resource.with_service_name("forge-remote"),
        None => {}
    }
    resource.build()
}

/// Sends what waits, within a few seconds. What the collector does not take by then is lost.
pub(super) async fn flush() {
    let Some(provider) = PROVIDER.get() else {
        return;
    };
    let flushed = tokio::task::spawn_blocking(|| provider.force_flush());
    let outcome = tokio::time::timeout(LAST_PATIENCE, flushed).await;
    if !matches!(outcome, Ok(Ok(Ok(())))) {
        tracing::warn!("the last spans were not taken by the collector in time");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_to_their_place_below_the_endpoint() {
        for (endpoint, place) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            (
                "https://otlp.example.net/otlp/",
                "https://otlp.example.net/otlp/v1/traces",
            ),
        ] {
            assert_eq!(traces_of(&endpoint.parse().unwrap()), place);
        }
    }
}
