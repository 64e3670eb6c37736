//! What replicas share of impersonation: tokens, and the quota of exchanges.
//!
//! [`Shared`] is what a database has to do for it. A replica that cannot reach it goes on
//! alone: nothing here is worth an exchange that does not happen.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::StoreError;
use crate::{
    ids::{AppId, InstallationId},
    secret::Secret,
};

/// How long an exchange is left to the replica that claimed it, if it says no more: as long
/// as a replica that died keeps the others from it.
pub(crate) const CLAIM: Duration = Duration::from_secs(4);

/// A store that several replicas share.
///
/// Every operation ends within a few seconds, and may be dropped at any point without harm.
pub(crate) trait Shared: Send + Sync + 'static {
    /// The token that is kept for the subject.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn account_token<'a>(
        &'a self,
        subject: &'a SharedSubject,
    ) -> BoxFuture<'a, Result<Option<SharedToken>, StoreError>>;

    /// Claims the exchange for the subject for [`CLAIM`] from now, unless somebody else has.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn claim_exchange<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
    ) -> BoxFuture<'a, Result<Claiming, StoreError>>;

    /// Lengthens a claim to [`CLAIM`] from now, if it is still held.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn keep_claim<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends a claim, and keeps what came of it. Nothing happens if it is not held any
    /// more: another replica took over, or the installation is gone with its tokens.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn end_exchange<'a>(
        &'a self,
        subject: &'a SharedSubject,
        claim: ExchangeClaim,
        token: Option<&'a SharedToken>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Takes a place in the app's quota of `limit` exchanges in any minute, over all
    /// replicas, if it comes within `patience`.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn take_place(
        &self,
        app: AppId,
        limit: u32,
        patience: Duration,
    ) -> BoxFuture<'_, Result<Taken, StoreError>>;

    /// Whether the places of `epoch` are still good.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn is_epoch(&self, app: AppId, epoch: i64) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// The gateway limited a request that was sent `ago`: all places are void, there are
    /// none before `pause` is over, and fewer from then on. Tells the wait for a newcomer.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    fn limit_places(
        &self,
        app: AppId,
        limit: u32,
        ago: Duration,
        pause: Duration,
    ) -> BoxFuture<'_, Result<Duration, StoreError>>;
}

/// Whose token it is, and where: a hash of all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SharedSubject {
    pub(crate) installation: InstallationId,
    hash: [u8; 32],
}

impl SharedSubject {
    /// The subject of those parts, whose order and number is always the same.
    pub(crate) fn new(installation: InstallationId, parts: &[&str]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(installation.uuid().as_bytes());
        for part in parts {
            // With its length, so that no two lists of parts read the same.
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Self { installation, hash }
    }

    pub(crate) const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

/// A token of an impersonated account, as it is passed from one replica to another.
#[derive(Debug, Clone)]
pub(crate) struct SharedToken {
    pub(crate) secret: Secret,
    /// How long ago it was asked for.
    pub(crate) age: Duration,
    /// How long it lives, from when it was asked for.
    pub(crate) ttl: Duration,
}

/// Who exchanges: a random id of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExchangeClaim(Uuid);

impl ExchangeClaim {
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    pub(crate) const fn uuid(self) -> Uuid {
        self.0
    }
}

/// What came of a claim.
#[derive(Debug)]
pub(crate) enum Claiming {
    /// It is the claimer's. This token is kept by now: somebody may have been faster.
    Ours(Option<SharedToken>),
    /// Another replica exchanges.
    Theirs,
}

/// What came of asking for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// There is one, from so long from now on, while the epoch lasts.
    Place {
        /// How long from now.
        wait: Duration,
        /// The epoch that it belongs to.
        epoch: i64,
    },
    /// There is none in time, but in so long.
    Later(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_subjects_share_a_hash() {
        let one = InstallationId::from(Uuid::from_u128(1));
        let two = InstallationId::from(Uuid::from_u128(2));
        let subjects = [
            SharedSubject::new(one, &["ab", "c"]),
            SharedSubject::new(one, &["a", "bc"]),
            SharedSubject::new(one, &["abc", ""]),
            SharedSubject::new(one, &["abc"]),
            SharedSubject::new(two, &["ab", "c"]),
        ];
        for (index, subject) in subjects.iter().enumerate() {
            assert_eq!(subjects.iter().position(|it| it == subject), Some(index));
        }
        assert_eq!(subjects[0], SharedSubject::new(one, &["ab", "c"]));
    }
}
