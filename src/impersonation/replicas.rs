//! Exchanges among replicas that share a store: one exchange serves them all, and one
//! quota counts them all.
//!
//! Nothing here is worth an exchange that does not happen. Where the store does not answer,
//! a replica goes on alone for a few seconds before it asks again: it exchanges for itself,
//! and its own quota counts what it does. That quota has the whole of the configured rate
//! and not a part of it. How many replicas there are is not known, and a part would have to
//! be small enough for the most there may ever be, which would slow all of them down for
//! the rare moment that a store is away; if they do pass the limit together then, the
//! gateway's 429 slows each of them down.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use super::{
    error::ImpersonationError,
    held::{Grant, Held, Predecessor},
    subject::Subject,
};
use crate::{
    clock::Clock,
    deadline::Deadline,
    ids::AppId,
    store::{
        StoreError,
        shared::{CLAIM, Claiming, ExchangeClaim, Shared, SharedSubject, SharedToken, Taken},
    },
    token::AccountToken,
};

/// An exchange does not wait longer for the store.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// How long a store that did not answer is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(5);
/// Questions at once: more would only wait for a connection.
const MOST_QUESTIONS: usize = 8;
/// How often a replica looks whether another's exchange has ended.
const LOOK: Duration = Duration::from_millis(50);
/// A claim is lengthened well before it ends.
const KEEP: Duration = Duration::from_millis(1_500);

/// The other replicas, as far as the store tells of them.
pub(super) struct Replicas {
    shared: Arc<dyn Shared>,
    clock: Clock,
    away: Mutex<Option<Instant>>,
    questions: Semaphore,
}

/// Whose turn it is to exchange.
pub(super) enum Turn {
    /// Nobody's: another replica has got this.
    Got(Grant),
    /// Ours.
    Ours(Mandate),
}

/// The right to exchange for all replicas, or for this one if the store is away.
#[derive(Debug)]
pub(super) struct Mandate(Option<(SharedSubject, ExchangeClaim)>);

impl Replicas {
    pub(super) fn new(shared: Arc<dyn Shared>, clock: Clock) -> Self {
        Self {
            shared,
            clock,
            away: Mutex::default(),
            questions: Semaphore::new(MOST_QUESTIONS),
        }
    }

    /// Waits until there is a token for the subject that is better than the one in memory,
    /// or nobody else is getting one.
    pub(super) async fn turn(
        &self,
        subject: &Subject,
        held: Option<&Predecessor>,
        patience: Deadline,
    ) -> Result<Turn, ImpersonationError> {
        let subject = shared_subject(subject);
        let claim = ExchangeClaim::random();
        let alone = Ok(Turn::Ours(Mandate(None)));
        loop {
            let Some(token) = self.ask(self.shared.account_token(&subject)).await else {
                return alone;
            };
            if let Some(grant) = token.and_then(|token| self.better(&token, held)) {
                return Ok(Turn::Got(grant));
            }
            let claiming = self.shared.claim_exchange(&subject, claim);
            match self.ask(claiming).await {
                None => return alone,
                Some(Claiming::Ours(token)) => {
                    let mandate = Mandate(Some((subject, claim)));
                    let Some(grant) = token.and_then(|token| self.better(&token, held)) else {
                        return Ok(Turn::Ours(mandate));
                    };
                    self.end(mandate, None).await;
                    return Ok(Turn::Got(grant));
                }
                Some(Claiming::Theirs) if patience.allows(LOOK) => sleep(LOOK).await,
                Some(Claiming::Theirs) => return Err(ImpersonationError::Deadline),
            }
        }
    }

    /// Tells the others again and again that the exchange is under way.
    pub(super) async fn keep(&self, mandate: &Mandate) -> Infallible {
        const { assert!(KEEP.as_millis() * 2 < CLAIM.as_millis()) };
        loop {
            sleep(KEEP).await;
            if let Mandate(Some((subject, claim))) = mandate {
                self.ask(self.shared.keep_claim(subject, *claim)).await;
            }
        }
    }

    /// Lets the others have what came of the exchange, or their turn if nothing did.
    pub(super) async fn end(&self, mandate: Mandate, grant: Option<&Grant>) {
        let Mandate(Some((subject, claim))) = mandate else {
            return;
        };
        let token = grant.map(|grant| SharedToken {
            secret: grant.token.secret().clone(),
            age: grant.asked.elapsed(),
            ttl: grant.ttl,
        });
        let ending = self.shared.end_exchange(&subject, claim, token.as_ref());
        self.ask(ending).await;
    }

    /// Takes a place in the quota of all replicas; none if the store is away.
    pub(super) async fn take_place(
        &self,
        app: AppId,
        limit: u32,
        patience: Duration,
    ) -> Option<Taken> {
        self.ask(self.shared.take_place(app, limit, patience)).await
    }

    /// Whether a place that was waited for is still good. If nobody can tell, it is.
    pub(super) async fn is_epoch(&self, app: AppId, epoch: i64) -> bool {
        let asked = self.ask(self.shared.is_epoch(app, epoch)).await;
        asked.unwrap_or(true)
    }

    /// Slows all replicas down; tells a newcomer's wait.
    pub(super) async fn limited(
        &self,
        app: AppId,
        limit: u32,
        sent: Instant,
        pause: Duration,
    ) -> Option<Duration> {
        let ago = sent.elapsed();
        self.ask(self.shared.limit_places(app, limit, ago, pause))
            .await
    }

    /// The token, if it serves, and is not the one in memory, which is on its way out.
    fn better(&self, token: &SharedToken, held: Option<&Predecessor>) -> Option<Grant> {
        let now = Instant::now();
        let left = token.ttl.checked_sub(token.age)?;
        let grant = Grant {
            token: AccountToken::of_secret(token.secret.clone(), self.clock.now().plus(left))
                .ok()?,
            asked: now.checked_sub(token.age)?,
            ttl: token.ttl,
        };
        let serves = Held::new(&grant)?.token_at(now).is_some();
        (serves && held.is_none_or(|held| held.is_outdone_by(&grant))).then_some(grant)
    }

    /// Asks the store; nothing if it does not answer soon, or did not lately.
    async fn ask<T>(&self, question: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        if self.is_away() {
            return None;
        }
        let _asking = self.questions.acquire().await.ok()?;
        let error = match timeout(ANSWER_WITHIN, question).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error,
            Err(elapsed) => StoreError::Unavailable(elapsed.into()),
        };
        self.is_away_now(&error);
        None
    }

    fn is_away(&self) -> bool {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.is_some_and(|until| Instant::now() < until)
    }

    fn is_away_now(&self, error: &StoreError) {
        let until = Instant::now() + LEFT_ALONE;
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let before = away.replace(until);
        drop(away);
        // Others that were asking at the same time find it away as well.
        if before.is_none_or(|until| until <= Instant::now()) {
            tracing::warn!(
                cause = error as &dyn std::error::Error,
                "the store does not answer: for now tokens are exchanged without the other replicas"
            );
        }
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas").finish_non_exhaustive()
    }
}

fn shared_subject(subject: &Subject) -> SharedSubject {
    let app = subject.app.uuid().to_string();
    // The documented form has product and place in it.
    let (context, _) = subject.context.forms();
    let ic_label = subject.ic_label.as_ref();
    SharedSubject::new(
        subject.installation,
        &[
            &app,
            ic_label.map_or("", |label| label.as_str()),
            context.as_str(),
            subject.account.as_str(),
        ],
    )
}

#[cfg(test)]
mod tests;
