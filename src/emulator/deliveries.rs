//! Delivers what the platform fires by itself: one request, and the same again after a failure.
//!
//! A remote has 5 s (55 s before an uninstall). What it does not take with a 2xx comes
//! again four times, a minute apart, and is dropped then (Forge remote events).

mod again;
mod parcel;
mod verdict;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    installation::Installation,
    journal::{Attempt, Delivery, DeliveryState, Full, Hook, Occasion, Retry, RetryReason},
    platform::{Envelope, Received, oauth_tokens},
    stage::Stage,
};
use crate::{conformance::answer::Exchange, ids::InstallationId};

pub(super) use again::again;
pub(super) use parcel::{Content, Parcel};

use parcel::address;

/// Forge remote events: "retried at most four times", a minute apart.
const REDELIVERIES: u32 = 4;
const PAUSE: Duration = Duration::from_mins(1);
/// Data-residency hooks: twice more, five seconds apart.
const HOOK_REPEATS: u32 = 2;
const HOOK_PAUSE: Duration = Duration::from_secs(5);

/// How long the platform waits, and how fast its time passes.
#[derive(Debug, Clone)]
pub(super) struct Timing {
    /// Seconds of the platform in one of ours.
    pub(super) speed: f64,
    pub(super) event_limit: Duration,
    pub(super) uninstall_limit: Duration,
    /// Whether bodies of events stand in a `payload` where nothing else is said.
    pub(super) wrapped: bool,
    pub(super) schedules_retried: bool,
    /// Every so many runs of a schedule one is delivered twice.
    pub(super) duplicate_every: Option<NonZeroU32>,
}

impl Timing {
    /// A span of the platform's time as we live through it.
    pub(super) fn scaled(&self, span: Duration) -> Duration {
        Duration::try_from_secs_f64(span.as_secs_f64() / self.speed).unwrap_or(Duration::MAX)
    }
}

/// Why nothing is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undeliverable {
    /// All the journal's places are taken by deliveries that are not settled.
    TooMany,
    /// The path leads away from the remote.
    Path,
}

struct Rules {
    limit: Duration,
    repeats: u32,
    pause: Duration,
}

/// Begins to deliver; gives back the number of the delivery.
pub(super) fn deliver(
    stage: &Arc<Stage>,
    installation: &Installation,
    parcel: Parcel,
) -> Result<u64, Undeliverable> {
    address(&stage.remote.load(), &parcel.path).ok_or(Undeliverable::Path)?;
    let opened = stage.journal.open(Delivery {
        id: 0,
        at: stage.clock.now(),
        occasion: parcel.occasion.clone(),
        module_key: parcel.module_key.clone(),
        installation: installation.id,
        state: DeliveryState::Waiting,
        attempts: Vec::new(),
        calls: Vec::new(),
        faults: parcel.faults.clone(),
    });
    let id = opened.map_err(|Full| Undeliverable::TooMany)?;
    let rules = rules(&stage.timing, &parcel.occasion);
    let run = Run {
        stage: Arc::clone(stage),
        id,
        installation: installation.id,
        parcel,
        rules,
    };
    tokio::spawn(async move {
        run.stage.stop.run_until_cancelled(run.to_the_end()).await;
        // Only what did not come to its end.
        run.stage.journal.abandon(id);
    });
    Ok(id)
}

fn rules(timing: &Timing, occasion: &Occasion) -> Rules {
    let once = |limit| Rules {
        limit,
        repeats: 0,
        pause: Duration::ZERO,
    };
    match occasion {
        // No limit is documented for the hooks: that of a call before an uninstall is generous.
        Occasion::PreUninstall | Occasion::Migration(Hook::Status) => once(timing.uninstall_limit),
        Occasion::Schedule if !timing.schedules_retried => once(timing.event_limit),
        Occasion::Event(_) | Occasion::Schedule => Rules {
            limit: timing.event_limit,
            repeats: REDELIVERIES,
            pause: PAUSE,
        },
        Occasion::Migration(_) => Rules {
            limit: timing.uninstall_limit,
            repeats: HOOK_REPEATS,
            pause: HOOK_PAUSE,
        },
    }
}

/// One delivery on its way.
struct Run {
    stage: Arc<Stage>,
    id: u64,
    installation: InstallationId,
    parcel: Parcel,
    rules: Rules,
}

impl Run {
    async fn to_the_end(&self) {
        self.pause(self.parcel.delay).await;
        let mut retry = None;
        while let Some(reason) = self.attempt(retry).await {
            let count = retry.map_or(0, |retry: Retry| retry.count) + 1;
            retry = Some(Retry { count, reason });
            self.pause(self.rules.pause).await;
        }
    }

    /// So long of the platform's time, or until the installation is gone: nothing is sent then.
    async fn pause(&self, span: Duration) {
        let mut changes = self.stage.installed.changes();
        tokio::select! {
            () = sleep(self.stage.timing.scaled(span)) => {}
            () = changes.until_other_than(self.installation) => {}
        }
    }

    /// Sends one request and writes down what came of it; the reason to come again, if there is one.
    async fn attempt(&self, retry: Option<Retry>) -> Option<RetryReason> {
        let journal = &self.stage.journal;
        let _permit = self.stage.under_way.acquire().await.ok()?;
        let envelope = self.envelope(retry)?;
        let (tokens, fit_was_good) = (envelope.tokens(), envelope.fit_is_good());
        let attempt = self.begun(&envelope, retry);
        journal.attempt(self.id, attempt, envelope.token_ids());
        let (began, limit) = (Instant::now(), self.rules.limit);
        let received = Received::within(limit, &self.stage.client, envelope).await;
        let elapsed = began.elapsed();
        let failure = failure(&received);
        let tries_left = retry.map_or(0, |retry| retry.count) < self.rules.repeats;
        let again = failure.filter(|_| tries_left && !self.is_final(&received));
        let reached = match (failure, again) {
            (None, _) => DeliveryState::Delivered,
            (Some(_), None) => DeliveryState::Dropped,
            (Some(_), Some(_)) => DeliveryState::Waiting,
        };
        journal.attempted(self.id, reached, |attempt| {
            attempt.duration = elapsed;
            attempt.failure = failure;
            attempt.verdict = verdict::of(&Exchange {
                fit_was_good,
                tokens: &tokens,
                outcome: received.outcome(),
                elapsed,
                limit,
            });
            attempt.answer = received.answer(&tokens);
        });
        again
    }

    fn begun(&self, envelope: &Envelope, retry: Option<Retry>) -> Attempt {
        Attempt {
            at: self.stage.clock.now(),
            trace_id: envelope.trace_id.clone(),
            retry,
            request: envelope.shown(),
            claims: envelope.claims.clone(),
            answer: None,
            duration: Duration::ZERO,
            failure: None,
            verdict: Vec::new(),
            started: Duration::ZERO,
            faults: envelope.faults.clone(),
        }
    }

    /// None if the app is not installed any more; an upgrade meanwhile is seen in the FIT.
    fn envelope(&self, retry: Option<Retry>) -> Option<Envelope> {
        let (stage, parcel) = (&self.stage, &self.parcel);
        let installed = stage.installed.current();
        let installed = installed.filter(|installed| installed.id == self.installation)?;
        let url = address(&stage.remote.load(), &parcel.path)?;
        let session = stage.session.get();
        let fit = stage
            .mint
            .backend(&installed, &parcel.endpoint_key, &session)?;
        let oauth = oauth_tokens(stage, installed.id, parcel.auth, None)?;
        let body = parcel.content.body(retry);
        let mut headers = HeaderMap::new();
        if body.is_some() {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        let line = (parcel.method.clone(), url);
        Some(Envelope::new(line, fit, oauth, headers, body))
    }

    /// A migration hook that names its error is not called again.
    fn is_final(&self, received: &Received) -> bool {
        let Received::Whole { body, .. } = received else {
            return false;
        };
        matches!(self.parcel.occasion, Occasion::Migration(_))
            && serde_json::from_slice::<Value>(body)
                .is_ok_and(|answer| answer["errorResponseCode"].is_string())
    }
}

fn failure(received: &Received) -> Option<RetryReason> {
    match received.status() {
        Some(status) if status.is_success() => None,
        Some(StatusCode::UNAUTHORIZED) => Some(RetryReason::InvalidForgeInvocationToken),
        None if matches!(received, Received::TimedOut) => Some(RetryReason::Timeout),
        Some(_) | None => Some(RetryReason::InvalidRemoteInvocation),
    }
}
