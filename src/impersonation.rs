//! The app speaks as a user who is not there: its own token exchanged for theirs.
//!
//! The platform calls it offline user impersonation ("Calling product APIs from a
//! remote"). [`Impersonation`] does the exchange and keeps what came of it:
//!
//! - a token serves until shortly before its end, and is renewed in the background
//!   from three quarters of its time on;
//! - any number of callers for one [`Subject`] cost one exchange, also when the one
//!   that began it goes away;
//! - a denial is remembered for 30 s, a failure is not;
//! - the quota of the app holds in any minute, and who would wait in vain is told at once;
//! - a 429 of the gateway pauses all exchanges of the app and slows them down for a while;
//! - replicas that share a store share tokens and the quota: one exchange serves them all.
//!
//! A handler needs none of this: it calls [`as_account`](crate::Invocation::as_account). This
//! room is for those who exchange tokens without the rest of the library.
//!
//! ```
//! use forge_remote::impersonation::{ContextAri, ContextId, GatewayFault, Impersonation, ImpersonationError, Subject};
//! use forge_remote::{ids::Product, token::AccountToken};
//!
//! fn says(error: &ImpersonationError) -> String {
//!     match error {
//!         ImpersonationError::Gateway { source, .. } => match &**source {
//!             GatewayFault::TimedOut => "the gateway is slow".to_owned(),
//!             fault => fault.to_string(),
//!         },
//!         error => error.to_string(),
//!     }
//! }
//!
//! /// A product answered 401 to a token, and then the app was uninstalled.
//! fn gone(impersonation: &Impersonation, subject: &Subject, token: &AccountToken) {
//!     impersonation.refused(subject, token);
//!     impersonation.forget_installation(&subject.installation);
//!     println!("{} are left", impersonation.cached_tokens());
//! }
//!
//! let workspace = ContextId::workspace("{d41c7e90-3a5f-4b82-96e0-7c8b1f2a5d63}".parse()?);
//! assert_eq!(workspace.product(), &Product::Bitbucket);
//! let (ari, _): (ContextAri, _) = workspace.forms();
//! assert_eq!(ari.as_str(), "ari:cloud:bitbucket::workspace/d41c7e90-3a5f-4b82-96e0-7c8b1f2a5d63");
//! # Ok::<(), forge_remote::ids::IdError>(())
//! ```

mod answer;
mod context;
mod error;
mod exchange;
mod flights;
mod gateway;
mod held;
mod memory;
mod meter;
mod quota;
mod replicas;
mod subject;

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

#[doc(hidden)] // for the fuzzer
pub use self::answer::{Answer, read_answer};
pub use self::{
    context::{ContextAri, ContextId},
    error::{GatewayFault, ImpersonationError},
    subject::Subject,
};
use self::{
    exchange::{Desk, Errand},
    flights::{Boarding, Flights, Pilot},
    gateway::Gateway,
    memory::Memory,
    meter::Meter,
    quota::Quota,
    replicas::Replicas,
};
use crate::{
    clock::Clock,
    config,
    deadline::Deadline,
    ids::InstallationId,
    outbound::ApiUrl,
    store::shared::Shared,
    telemetry,
    token::{AccountToken, AppToken},
    trace::TraceId,
};

/// No exchange waits longer for its place in the quota, whatever time its caller has.
/// It bounds the line: to the places of one minute.
const MAX_PATIENCE: Duration = Duration::from_mins(1);

/// How often a caller boards: a flight that it only joined may end for a reason that
/// is not its own.
const MAX_BOARDINGS: usize = 3;

/// Hands out tokens of impersonated accounts. Clones share everything.
///
/// ```no_run
/// # use std::time::Duration;
/// # use forge_remote::{clock::Clock, config, deadline::Deadline, outbound, token::AppToken, trace::TraceId};
/// # use forge_remote::{ids::Product, impersonation::{ContextId, Impersonation, Subject}};
/// # async fn example(app_token: AppToken) -> Result<(), Box<dyn std::error::Error>> {
/// let settings = config::Impersonation { requests_per_minute: 10_000, max_cached_tokens: 100_000 };
/// let hosts = outbound::ApiHosts::new(["api.atlassian.com"], false);
/// let graphql = hosts.check("https://api.atlassian.com/graphql".parse()?)?;
/// let impersonation = Impersonation::new(&settings, graphql, outbound::client()?, Clock::system());
///
/// let subject = Subject {
///     app: "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".parse()?,
///     installation: "9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647".parse()?,
///     ic_label: None,
///     context: ContextId::site(Product::Jira, "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85".parse()?),
///     account: "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458".parse()?,
/// };
/// let deadline = Deadline::after(Duration::from_secs(20));
/// let token = impersonation.token(&subject, &app_token, deadline, &TraceId::random()).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Impersonation {
    desk: Arc<Desk>,
    flights: Flights,
}

impl Impersonation {
    /// Exchanges tokens at `graphql_url`.
    ///
    /// `http` must not follow redirects, which would carry the app's token on:
    /// [`outbound::client`](crate::outbound::client) does not. Metrics go to the
    /// recorder that is installed by now.
    #[must_use]
    pub fn new(
        settings: &config::Impersonation,
        graphql_url: ApiUrl,
        http: reqwest::Client,
        clock: Clock,
    ) -> Self {
        Self::among(None, settings, graphql_url, http, clock)
    }

    /// As [`new`](Self::new), with tokens and quota shared with the other replicas that have
    /// the same store.
    pub(crate) fn among(
        shared: Option<Arc<dyn Shared>>,
        settings: &config::Impersonation,
        graphql_url: ApiUrl,
        http: reqwest::Client,
        clock: Clock,
    ) -> Self {
        let replicas = shared.map(|shared| Arc::new(Replicas::new(shared, clock.clone())));
        Self {
            desk: Arc::new(Desk {
                gateway: Gateway::new(graphql_url, http, clock),
                quota: Quota::new(settings.requests_per_minute, replicas.clone()),
                memory: Memory::new(settings.max_cached_tokens),
                meter: Meter::new(),
                replicas,
            }),
            flights: Flights::default(),
        }
    }

    /// Shows what is left of the quota, as it is now.
    pub(crate) fn measure(&self) {
        self.desk.meter.quota(&self.desk.quota.standing());
    }

    /// A token of the subject's account, from memory or by exchanging `app_token`.
    ///
    /// It can be used when it is handed out; hold it no longer than for the calls at
    /// hand, and ask again for the next. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ImpersonationError`]; none of them waits longer than `deadline`.
    pub async fn token(
        &self,
        subject: &Subject,
        app_token: &AppToken,
        deadline: Deadline,
        trace: &TraceId,
    ) -> Result<AccountToken, ImpersonationError> {
        let now = Instant::now();
        if let Some(hit) = self.desk.memory.hit(subject, now) {
            self.desk.meter.hit.increment(1);
            if hit.renewal_due {
                self.renew(subject, app_token, trace);
            }
            return Ok(hit.token);
        }
        // In a box, so that the future of a hit stays small.
        Box::pin(self.exchanged(subject, app_token, deadline, trace)).await
    }

    /// A product answered 401 to this token: it is handed out no more. A newer one
    /// that has come meanwhile stays.
    pub fn refused(&self, subject: &Subject, token: &AccountToken) {
        self.desk.memory.refuse(subject, token);
    }

    /// How many tokens are in memory: at most `impersonation.max_cached_tokens`, and those that
    /// lapsed not long ago among them.
    #[must_use]
    pub fn cached_tokens(&self) -> usize {
        self.desk.memory.tokens()
    }

    /// Forgets all tokens of an installation, also those that are on their way.
    ///
    /// It looks at every token that is kept: fit for an uninstall, not for each request.
    pub fn forget_installation(&self, id: &InstallationId) {
        // First the flights: what one of them has kept before this line is found by the next.
        self.flights.forget(id);
        self.desk.memory.forget(id);
    }

    async fn exchanged(
        &self,
        subject: &Subject,
        app_token: &AppToken,
        deadline: Deadline,
        trace: &TraceId,
    ) -> Result<AccountToken, ImpersonationError> {
        let mut missed = false;
        let mut boardings = 0;
        loop {
            // Before boarding: a flight that is called off would strand those who join it.
            if deadline.remaining().is_zero() {
                return Err(ImpersonationError::Deadline);
            }
            let known = || self.known(subject);
            let (flight, joined) = match self.flights.board(subject, app_token, known) {
                Boarding::Known(outcome) => {
                    self.desk.meter.hit.increment(u64::from(!missed));
                    return outcome;
                }
                Boarding::Joined(flight) => (flight, true),
                Boarding::Leads(pilot) => {
                    let flight = Arc::clone(pilot.flight());
                    self.depart(pilot, app_token, deadline.within(MAX_PATIENCE), trace);
                    (flight, false)
                }
            };
            self.desk.meter.miss.increment(u64::from(!missed));
            missed = true;
            boardings += 1;
            match flight.outcome(deadline).await {
                Err(error)
                    if joined
                        && boardings < MAX_BOARDINGS
                        && flight.may_do_better(&error, app_token, deadline) => {}
                outcome => return outcome,
            }
        }
    }

    /// What memory has for the subject, as seen under the lock of the flights.
    fn known(&self, subject: &Subject) -> Option<Result<AccountToken, ImpersonationError>> {
        let now = Instant::now();
        let memory = &self.desk.memory;
        memory
            .token(subject, now)
            .map(Ok)
            .or_else(|| memory.denial(subject, now).map(Err))
    }

    fn renew(&self, subject: &Subject, app_token: &AppToken, trace: &TraceId) {
        if let Some(pilot) = self.flights.renew(subject, app_token) {
            self.desk.meter.renewal.increment(1);
            self.depart(pilot, app_token, Deadline::after(Duration::ZERO), trace);
        }
    }

    /// Sends an exchange on its way, in a task that no caller can cancel.
    fn depart(&self, pilot: Pilot, app_token: &AppToken, patience: Deadline, trace: &TraceId) {
        let desk = Arc::clone(&self.desk);
        let (app_token, trace) = (app_token.clone(), trace.clone());
        // Its ids and no more: the span of a request must not stay open for an exchange that
        // outlives it.
        let parent = telemetry::current_span();
        tokio::spawn(async move {
            let errand = Errand {
                desk: &desk,
                pilot: &pilot,
                app_token: &app_token,
                trace: &trace,
                parent,
                patience,
            };
            let land =
                |result| pilot.land(result, |subject, result| desk.memory.keep(subject, result));
            errand.run(land).await;
            let now = Instant::now();
            if desk.memory.sweep_due(now) {
                // It looks at all tokens: not on a thread that serves requests.
                tokio::task::spawn_blocking(move || desk.memory.sweep(now));
            }
        });
    }
}

impl fmt::Debug for Impersonation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Impersonation")
            .field("desk", &self.desk)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
