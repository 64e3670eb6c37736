//! The bounded queue in front of the exporter, and what stands at its end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};

use super::{losses::Losses, scrub::scrub};

/// Takes spans as they end. The batches' own queue drops what is too much without a word after
/// the first time, so it is counted here.
#[derive(Debug)]
pub(super) struct Queue {
    batches: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
    losses: Arc<Losses>,
    most: usize,
}

impl Queue {
    pub(super) fn new(
        batches: BatchSpanProcessor,
        waiting: Arc<AtomicUsize>,
        losses: Arc<Losses>,
        most: usize,
    ) -> Self {
        Self {
            batches,
            waiting,
            losses,
            most,
        }
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < self.most {
            self.batches.on_end(span);
        } else {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.losses.count(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// Sends a batch, on the exporter's thread.
#[derive(Debug)]
pub(super) struct Sender<Exporter> {
    exporter: Exporter,
    waiting: Arc<AtomicUsize>,
    losses: Arc<Losses>,
}

impl<Exporter: SpanExporter> Sender<Exporter> {
    pub(super) fn new(exporter: Exporter, losses: Arc<Losses>) -> Self {
        Self {
            exporter,
            waiting: Arc::default(),
            losses,
        }
    }

    /// How many spans were taken and are not sent yet.
    pub(super) fn waiting(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.waiting)
    }
}

impl<Exporter: SpanExporter> SpanExporter for Sender<Exporter> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        batch.iter_mut().for_each(scrub);
        let outcome = self.exporter.export(batch).await;
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        if let Err(error) = &outcome {
            self.losses.count(spans);
            // The exporter's own words: they hold neither the headers nor the answer's body.
            self.losses.tell(&error.to_string());
        } else {
            self.losses.tell("more spans come than it takes");
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
