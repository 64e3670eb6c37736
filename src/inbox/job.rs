//! What every handler of a job is told, and whom it may speak as.

use std::{fmt, sync::Arc};

use crate::{
    actor::{AccountActor, ActorError, AppActor, Reach, Stage},
    clock::Timestamp,
    deadline::Deadline,
    error::Error,
    forge::Forge,
    ids::{AccountId, InstallationId, Product},
    secret::Secret,
    store::{
        Installation, Remembered,
        jobs::{Claimed, JobId},
    },
    token::AppToken,
    trace::TraceId,
};

/// One attempt at a job: whose it is, and whom its handler may speak as.
///
/// [`Event`](super::Event) and [`Tick`](super::Tick) lead to it.
///
/// # What a handler can rely on
/// It runs **at least once**. A process may die after the handler has done its work and
/// before that is on disk: then it runs again, under the same
/// [`idempotency_key`](Self::idempotency_key).
///
/// It has fifteen minutes, its [`deadline`](Self::deadline), and is cancelled soon after. It
/// is cancelled before that if the service stops and ten seconds were not enough, or if the
/// remote cannot hold on to the job because its store does not answer. To be cancelled is to
/// be dropped at an `.await`: a handler that blocks its thread cannot be, holds up others
/// that wait for a thread, and may meet itself in another process. Work that blocks belongs
/// into [`tokio::task::spawn_blocking`].
///
/// A panic is an attempt that failed. What it says goes to the process's panic hook and not
/// into the log.
///
/// # When it fails
/// It is tried again as [`JobError`](super::JobError) says, at most `inbox.max_attempts`
/// times, and is then a dead letter: kept for 30 days, to be looked at, replayed or purged.
///
/// ```
/// use forge_remote::inbox::Job;
///
/// fn mark(job: &Job) -> String {
///     format!("{}: attempt {} at {}", job.installation(), job.attempt(), job.idempotency_key())
/// }
/// ```
///
/// Whom it may speak as, and what is known of the one it works for:
///
/// ```
/// use forge_remote::{Error, ids::{AccountId, Product}, inbox::Job};
///
/// async fn work(job: &Job, account: &AccountId) -> Result<(), Error> {
///     let in_session = [
///         job.as_account(account).await?.confluence()?,
///         job.as_account_in(account, &Product::Confluence).await?.confluence()?,
///         job.as_app()?.confluence()?,
///     ];
///     println!("{:?} of {:?}, trace {}", job.record().app_version, job.received_at(), job.trace().as_str());
///     println!("{:?}, {} workers", job.deadline().remaining(), job.forge().config().inbox.workers);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Job(Arc<Inner>);

struct Inner {
    forge: Forge,
    known: Arc<Remembered>,
    claimed: Claimed,
    deadline: Deadline,
}

impl Job {
    pub(super) fn new(
        forge: Forge,
        known: Arc<Remembered>,
        claimed: Claimed,
        deadline: Deadline,
    ) -> Self {
        Self(Arc::new(Inner {
            forge,
            known,
            claimed,
            deadline,
        }))
    }

    /// The installation it is for: the key for everything you keep.
    #[must_use]
    pub fn installation(&self) -> &InstallationId {
        &self.0.claimed.installation
    }

    /// What is known of the installation.
    #[must_use]
    pub fn record(&self) -> &Installation {
        &self.0.known.installation
    }

    /// Speaks as the app: with the token that came with the event while it lives, then
    /// with the latest that another event or schedule of the installation brought. If a
    /// product refuses it, a newer one is tried, should there be one. Tokens of the app's pages
    /// do not count here: whoever sits before one could make it up.
    ///
    /// # Errors
    /// `missing_app_token` if none lives. Returned with `?`, it makes the job wait for the
    /// next token of an event or a schedule, without losing an attempt: their endpoint in the
    /// manifest needs `auth.appSystemToken`.
    pub fn as_app(&self) -> Result<AppActor, Error> {
        Ok(self.stage().app(self.token()?))
    }

    /// Speaks as `account` in the installation's primary product.
    ///
    /// # Errors
    /// As [`Invocation::as_account`](crate::Invocation::as_account).
    pub async fn as_account(&self, account: &AccountId) -> Result<AccountActor, Error> {
        self.stage().account(self.token()?, account, None).await
    }

    /// Speaks as `account` in `product`.
    ///
    /// # Errors
    /// As [`Invocation::as_account_in`](crate::Invocation::as_account_in).
    pub async fn as_account_in(
        &self,
        account: &AccountId,
        product: &Product,
    ) -> Result<AccountActor, Error> {
        let token = self.token()?;
        self.stage().account(token, account, Some(product)).await
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.claimed.run.attempt
    }

    /// The same for all deliveries and attempts of one event or tick, and for no other. A
    /// handler runs at least once: what it does under this key, it does once.
    #[must_use]
    pub fn idempotency_key(&self) -> JobId {
        self.0.claimed.run.job
    }

    /// When it was acknowledged.
    #[must_use]
    pub fn received_at(&self) -> Timestamp {
        self.0.claimed.received_at
    }

    /// The trace that brought it. Atlassian's support asks for it.
    #[must_use]
    pub fn trace(&self) -> &TraceId {
        &self.0.claimed.trace
    }

    /// Until when this attempt may take: fifteen minutes from its start. Calls to products
    /// keep to it by themselves.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.0.deadline
    }

    /// The remote.
    #[must_use]
    pub fn forge(&self) -> &Forge {
        &self.0.forge
    }

    pub(super) fn name(&self) -> &str {
        &self.0.claimed.name
    }

    pub(super) fn payload(&self) -> &str {
        &self.0.claimed.payload
    }

    /// When the installation was first heard of.
    pub(super) fn first_seen(&self) -> Timestamp {
        self.0.known.first_seen
    }

    /// Whether [`as_app`](Self::as_app) would find a token.
    pub(super) fn has_token(&self) -> bool {
        self.token().is_ok()
    }

    /// What must never be in a line about it.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let latest = self.0.forge.installations().known(self.installation());
        let own = self.0.claimed.app_token.as_ref();
        let known = self.0.known.app_token.as_ref();
        let latest = latest.as_ref().and_then(|it| it.app_token.as_ref());
        let tokens = own.into_iter().chain(known).chain(latest);
        tokens.map(AppToken::secret).cloned().collect()
    }

    /// The one that came with it while it lives, then the latest that the platform brought by
    /// now: a long run outlives the token that it began with. What a browser may have made up
    /// would cost the job its attempts.
    fn token(&self) -> Result<AppToken, ActorError> {
        let Inner {
            forge,
            known,
            claimed,
            ..
        } = &*self.0;
        let lives = |token: &&AppToken| forge.lives(*token);
        if let Some(own) = claimed.app_token.as_ref().filter(lives) {
            return Ok(own.clone());
        }
        let latest = forge.installations().known(self.installation());
        let latest = latest.as_ref().unwrap_or(known);
        let token = latest.platform_token(forge.clock().now());
        token.cloned().ok_or(ActorError::MissingAppToken)
    }

    fn stage(&self) -> Stage {
        let reach = Reach::of_store(Arc::clone(&self.0.known));
        let (deadline, trace) = (self.0.deadline, self.trace().clone());
        self.0.forge.actors().stage(reach, deadline, trace)
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.0.claimed.run.job)
            .field("name", &self.0.claimed.name)
            .field("attempt", &self.0.claimed.run.attempt)
            .field("installation", self.installation())
            .finish_non_exhaustive()
    }
}
