//! One exchange: a place in the quota for each request, the other form of the
//! context if the first is not known, and one more try where that may help.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{Instant, sleep};

use super::{
    answer::Answer,
    context::ContextAri,
    error::{GatewayFault, ImpersonationError},
    flights::Pilot,
    gateway::Gateway,
    held::Grant,
    memory::Memory,
    meter::{Meter, Outcome},
    quota::{Quota, Wait},
    replicas::{Replicas, Turn},
};
use crate::{
    deadline::Deadline,
    secret::Secret,
    telemetry::Parent,
    token::{AccountToken, AppToken},
    trace::TraceId,
};

/// What the gateway says when it does not know the context in this form. It is no
/// documented text; it is known from the vendor's developer community.
const UNKNOWN_CONTEXT: &str = "Could not load permissions for app user in the provided contextIds";

/// Before the second try, and as much again at random.
const BACKOFF: Duration = Duration::from_millis(200);

/// How often the gateway may limit one exchange before the caller is told.
const MAX_LIMITED: u32 = 2;

/// What of a gateway's message a log line may hold.
const MAX_MESSAGE: usize = 300;

/// Everything that an exchange needs of the room.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) gateway: Gateway,
    pub(super) quota: Quota,
    pub(super) memory: Memory,
    pub(super) meter: Meter,
    pub(super) replicas: Option<Arc<Replicas>>,
}

/// One exchange on its way.
pub(super) struct Errand<'a> {
    pub(super) desk: &'a Desk,
    pub(super) pilot: &'a Pilot,
    pub(super) app_token: &'a AppToken,
    pub(super) trace: &'a TraceId,
    /// The span of whoever began it. Others who wait for it have a wait in theirs.
    pub(super) parent: Option<Parent>,
    /// Waits and further tries end here; a request that is out may take longer.
    pub(super) patience: Deadline,
}

/// Why a form of the context gave no token.
enum Setback {
    /// The gateway does not know the context in this form; another may do.
    UnknownContext(ImpersonationError),
    Final(ImpersonationError),
}

impl Errand<'_> {
    /// Gets a token of the account: one that another replica has got meanwhile, or by an
    /// exchange that is meant for all of them. `land` is told before they are.
    pub(super) async fn run(&self, land: impl FnOnce(Result<Grant, ImpersonationError>)) {
        let Some(replicas) = &self.desk.replicas else {
            return land(self.exchange().await);
        };
        let subject = self.pilot.subject();
        let held = self.desk.memory.predecessor(subject);
        match replicas.turn(subject, held.as_ref(), self.patience).await {
            Ok(Turn::Got(grant)) => {
                self.desk.meter.shared.increment(1);
                land(Ok(grant));
            }
            Ok(Turn::Ours(mandate)) => {
                let result = tokio::select! {
                    result = self.exchange() => result,
                    never = replicas.keep(&mandate) => match never {},
                };
                land(result.clone());
                replicas.end(mandate, result.as_ref().ok()).await;
            }
            Err(error) => land(Err(error)),
        }
    }

    /// Exchanges the app's token for one of the account.
    async fn exchange(&self) -> Result<Grant, ImpersonationError> {
        let (documented, other) = self.pilot.subject().context.forms();
        let Some(other) = other else {
            return Ok(self.obtain(&documented).await?);
        };
        let memory = &self.desk.memory;
        let installation = self.pilot.subject().installation;
        let (first, second) = if memory.form(&installation).as_ref() == Some(&other) {
            (other, documented)
        } else {
            (documented, other)
        };
        match self.obtain(&first).await {
            Err(Setback::UnknownContext(_)) => {
                let grant = self.obtain(&second).await?;
                memory.form_works(installation, second);
                Ok(grant)
            }
            result => Ok(result?),
        }
    }

    /// Asks for a token with the context in this form until there is an answer that stands.
    async fn obtain(&self, context: &ContextAri) -> Result<Grant, Setback> {
        let mut limited = 0;
        let mut failed = false;
        let mut sent_before = 0;
        loop {
            self.take_place().await?;
            let sent = Instant::now();
            let account = &self.pilot.subject().account;
            let gateway = &self.desk.gateway;
            let reply = gateway
                .ask(
                    self.app_token,
                    context,
                    account,
                    self.trace,
                    self.parent,
                    sent_before,
                )
                .await;
            sent_before += 1;
            self.note(&reply.answer, sent);
            let upstream_trace = reply.upstream_trace;
            match reply.answer {
                Answer::Granted { token, ttl } => {
                    return self.grant(token, ttl, sent, upstream_trace);
                }
                Answer::Denied { message } => return Err(self.denied(&message, upstream_trace)),
                Answer::AppTokenRefused => {
                    let error = ImpersonationError::AppTokenRefused { upstream_trace };
                    return Err(Setback::Final(error));
                }
                Answer::RateLimited => {
                    limited += 1;
                    let quota = &self.desk.quota;
                    let app = &self.pilot.subject().app;
                    let wait = quota.limited(app, sent, reply.retry_after).await;
                    if limited == MAX_LIMITED {
                        return Err(wait.into());
                    }
                }
                Answer::Failed(fault) => {
                    let pause = backoff();
                    if failed || !fault.may_pass() || !self.patience.allows(pause) {
                        return Err(self.gateway_failed(fault, upstream_trace));
                    }
                    failed = true;
                    sleep(pause).await;
                }
            }
        }
    }

    async fn take_place(&self) -> Result<(), Setback> {
        let began = Instant::now();
        let patience = self.patience.remaining();
        let queued = |at| self.pilot.queued(at);
        self.desk
            .quota
            .take(&self.pilot.subject().app, patience, queued)
            .await?;
        self.pilot.asking();
        self.desk.meter.waited(began.elapsed());
        Ok(())
    }

    fn grant(
        &self,
        token: Secret,
        ttl: Duration,
        asked: Instant,
        upstream_trace: Option<Arc<str>>,
    ) -> Result<Grant, Setback> {
        let expires_at = self.desk.gateway.now().plus(ttl);
        let Ok(token) = AccountToken::of_secret(token, expires_at) else {
            let fault = GatewayFault::Unreadable("holds a token that no header can carry");
            return Err(self.gateway_failed(fault, upstream_trace));
        };
        Ok(Grant { token, asked, ttl })
    }

    fn denied(&self, message: &str, upstream_trace: Option<Arc<str>>) -> Setback {
        let error = ImpersonationError::Denied {
            message: self.for_log(message).into(),
            upstream_trace,
        };
        if message.contains(UNKNOWN_CONTEXT) {
            Setback::UnknownContext(error)
        } else {
            Setback::Final(error)
        }
    }

    fn gateway_failed(&self, fault: GatewayFault, upstream_trace: Option<Arc<str>>) -> Setback {
        let fault = match fault {
            GatewayFault::Status { status, message } => GatewayFault::Status {
                status,
                message: self.for_log(&message),
            },
            other => other,
        };
        Setback::Final(ImpersonationError::Gateway {
            source: Arc::new(fault),
            upstream_trace,
        })
    }

    /// The gateway's words without account and token, short, and on one line.
    fn for_log(&self, message: &str) -> String {
        message
            .replace(self.app_token.secret().expose(), "[redacted]")
            .replace(self.pilot.subject().account.as_str(), "[account]")
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(MAX_MESSAGE)
            .collect()
    }

    fn note(&self, answer: &Answer, sent: Instant) {
        let outcome = match answer {
            Answer::Granted { .. } => Outcome::Granted,
            Answer::Denied { .. } => Outcome::Denied,
            Answer::AppTokenRefused => Outcome::AppTokenRefused,
            Answer::RateLimited => Outcome::RateLimited,
            Answer::Failed(_) => Outcome::Failed,
        };
        self.desk.meter.exchanged(outcome);
        tracing::debug!(
            app = %self.pilot.subject().app,
            installation = %self.pilot.subject().installation.uuid(),
            product = %self.pilot.subject().context.product(),
            trace_id = &*self.trace.padded(),
            outcome = outcome.as_str(),
            duration_ms = u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX),
            "asked the gateway for an account's token"
        );
    }
}

impl From<Setback> for ImpersonationError {
    fn from(setback: Setback) -> Self {
        match setback {
            Setback::UnknownContext(error) | Setback::Final(error) => error,
        }
    }
}

impl From<Wait> for Setback {
    fn from(Wait(retry_after): Wait) -> Self {
        Self::Final(ImpersonationError::RateLimited { retry_after })
    }
}

fn backoff() -> Duration {
    let delays = ExponentialBuilder::new()
        .with_min_delay(BACKOFF)
        .with_jitter();
    delays.build().next().unwrap_or(BACKOFF)
}
