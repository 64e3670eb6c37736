//! What is written down of something that the platform fired by itself.

use std::{fmt, time::Duration};

use serde_json::Value;

use super::record::{Answer, Call, SentRequest};
use crate::{
    clock::Timestamp, conformance::answer::Finding, emulator::faults::Fault, ids::InstallationId,
    trace::TraceId,
};

/// Something that the platform fires at an endpoint, with each attempt to deliver it.
///
/// ```
/// use forge_remote::emulator::{Attempt, Delivery, DeliveryState, Occasion, Retry, RetryReason};
///
/// fn line(delivery: &Delivery) -> String {
///     let what = match &delivery.occasion {
///         Occasion::Event(name) => name.as_str(),
///         Occasion::Schedule => "a tick",
///         _ => "a hook",
///     };
///     let reasons = delivery.attempts.iter().filter_map(|attempt: &Attempt| attempt.retry.as_ref());
///     let reasons: Vec<_> = reasons.map(|retry: &Retry| retry.reason.as_str()).collect();
///     let lost = delivery.state == DeliveryState::Dropped;
///     format!("{what}: settled {}, lost {lost}, again for {reasons:?}", delivery.state.is_settled())
/// }
///
/// assert_eq!(RetryReason::Timeout.as_str(), "TIMEOUT_ERROR");
/// ```
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Counts from 1 since the emulator started.
    pub id: u64,
    /// When it was fired.
    pub at: Timestamp,
    /// Why.
    pub occasion: Occasion,
    /// Key of the trigger, schedule, `preUninstall` or migration in the manifest.
    pub module_key: String,
    /// The installation that it is for.
    pub installation: InstallationId,
    /// How far it is.
    pub state: DeliveryState,
    /// The first delivery and its redeliveries, in their order: five at most.
    pub attempts: Vec<Attempt>,
    /// Calls of the emulated APIs that belong to it, in the order of their start: what the
    /// remote's job did, before and after the answer. The first 500 are kept.
    pub calls: Vec<Call>,
    /// Why it is delivered as it is: a fault that was switched on.
    pub faults: Vec<Fault>,
}

impl Delivery {
    /// The remote's last whole answer.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.attempts.last().and_then(|last| last.answer.as_ref())
    }
}

/// Why the platform calls the remote without a user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Occasion {
    /// An event of a product or of the app's lifecycle, by its full name.
    Event(String),
    /// A scheduled trigger was due.
    Schedule,
    /// The app is about to be uninstalled.
    PreUninstall,
    /// A step of a data-residency migration.
    Migration(Hook),
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(name) => f.write_str(name),
            Self::Schedule => f.write_str("schedule"),
            Self::PreUninstall => f.write_str("preUninstall"),
            Self::Migration(hook) => write!(f, "migration {hook}"),
        }
    }
}

/// A hook of a data-residency migration, by the end of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// A migration is planned.
    Schedule,
    /// Copy now.
    Start,
    /// How far is it?
    Status,
    /// The new region holds from now on.
    Commit,
    /// The old region stays.
    Rollback,
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Schedule => "schedule",
            Self::Start => "start",
            Self::Status => "status",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
        })
    }
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Its time has not come: at first, and between two attempts.
    Waiting,
    /// The remote has it and has not answered.
    UnderWay,
    /// The remote took it with a 2xx.
    Delivered,
    /// The last attempt failed too: the platform drops it.
    Dropped,
    /// The app was uninstalled or the emulator stopped before it was settled.
    Abandoned,
}

impl DeliveryState {
    /// Whether nothing more will be sent.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Delivered | Self::Dropped | Self::Abandoned)
    }
}

/// One request of a delivery.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// When it was sent.
    pub at: Timestamp,
    /// `x-b3-traceid` of the request: each attempt has its own.
    pub trace_id: TraceId,
    /// What the body says of the attempts before; none in the first.
    pub retry: Option<Retry>,
    /// The request as Forge sent it, tokens masked and the body cut at 16 KiB.
    pub request: SentRequest,
    /// Claims of the FIT.
    pub claims: Value,
    /// The remote's answer, if a whole one came in time; its body cut at 8 KiB.
    pub answer: Option<Answer>,
    /// From sending the request to the last byte of the answer.
    pub duration: Duration,
    /// Why it failed; none while it is under way, and none if it did not.
    pub failure: Option<RetryReason>,
    /// What the platform's rules say of the answer.
    pub verdict: Vec<Finding>,
    /// How long after the first attempt it began.
    pub started: Duration,
    /// What was wrong with the request because a fault was switched on.
    pub faults: Vec<Fault>,
}

/// `retryContext` of a redelivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// From 1 to 4.
    pub count: u32,
    /// Why the attempt before this one failed.
    pub reason: RetryReason,
}

/// `retryContext.retryReason` (Forge remote events).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryReason {
    /// Another status than 2xx and 401, or no connection.
    InvalidRemoteInvocation,
    /// No whole answer in time.
    Timeout,
    /// 401: the remote could not verify the FIT.
    InvalidForgeInvocationToken,
}

impl RetryReason {
    /// As it stands in the body.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRemoteInvocation => "INVALID_REMOTE_INVOCATION_ERROR",
            Self::Timeout => "TIMEOUT_ERROR",
            Self::InvalidForgeInvocationToken => "INVALID_FORGE_INVOCATION_TOKEN",
        }
    }
}
