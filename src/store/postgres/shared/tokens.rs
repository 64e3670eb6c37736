//! Account tokens that one replica got and all may use.

use crate::store::{
    StoreError,
    postgres::{
        PostgresStore, fault,
        moment::{millis, now, span},
    },
    seal::{Purpose, SealError},
    shared::{CLAIM, Claiming, ExchangeClaim, SharedSubject, SharedToken},
};

/// Rows that are of no use any more go a few at a time, with each token that comes.
const MOST_FORGOTTEN: i64 = 100;

/// `$1`: subject; `$2`: now.
const FIND: &str = concat!(
    "SELECT sealed, greatest(",
    now!("$2"),
    " - asked_at, 0), ttl FROM account_tokens \
    WHERE subject = $1 AND sealed IS NOT NULL AND asked_at + ttl > ",
    now!("$2")
);

/// `$1`: subject; `$2`: installation; `$3`: claim; `$4`: for how long; `$5`: now.
const CLAIM_FOR: &str = concat!(
    "INSERT INTO account_tokens AS t \
        (subject, installation_id, claim, claimed_until, forget_after) \
    SELECT $1, $2, $3, m.now + $4, m.now + $4 FROM (SELECT ",
    now!("$5"),
    " AS now) m \
    ON CONFLICT (subject) DO UPDATE SET claim = excluded.claim, \
        claimed_until = excluded.claimed_until, \
        forget_after = greatest(t.forget_after, excluded.forget_after) \
    WHERE t.claim IS NULL OR t.claimed_until <= ",
    now!("$5"),
    " RETURNING sealed, ",
    now!("$5"),
    " - asked_at, ttl"
);

/// `$1`: subject; `$2`: claim; `$3`: for how long; `$4`: now.
const PROLONG: &str = concat!(
    "UPDATE account_tokens SET claimed_until = ",
    now!("$4"),
    " + $3, forget_after = greatest(forget_after, ",
    now!("$4"),
    " + $3) WHERE subject = $1 AND claim = $2"
);

/// `$1`: subject; `$2`: claim; `$3`: sealed token; `$4`: its age; `$5`: its life; `$6`: now.
const KEEP: &str = concat!(
    "UPDATE account_tokens SET sealed = $3, asked_at = m.now - $4, ttl = $5, claim = NULL, \
        claimed_until = NULL, forget_after = m.now - $4 + $5 \
    FROM (SELECT ",
    now!("$6"),
    " AS now) m WHERE subject = $1 AND claim = $2"
);

const RELEASE: &str = "\
    UPDATE account_tokens SET claim = NULL, claimed_until = NULL \
    WHERE subject = $1 AND claim = $2";

/// `$1`: how many; `$2`: now.
const FORGET: &str = concat!(
    "WITH over AS MATERIALIZED ( \
        SELECT subject FROM account_tokens WHERE forget_after <= ",
    now!("$2"),
    " ORDER BY forget_after LIMIT $1 FOR UPDATE SKIP LOCKED) \
    DELETE FROM account_tokens t USING over WHERE t.subject = over.subject"
);

/// What is kept: a sealed token, its age and its life.
type ClaimedRow = (Option<Vec<u8>>, Option<i64>, Option<i64>);

impl PostgresStore {
    pub(super) async fn token_of(
        &self,
        subject: &SharedSubject,
    ) -> Result<Option<SharedToken>, StoreError> {
        let found: Option<(Vec<u8>, i64, i64)> = sqlx::query_as(FIND)
            .bind(subject.hash())
            .bind(self.set_by_hand())
            .fetch_optional(&self.pool)
            .await
            .map_err(fault)?;
        Ok(found.and_then(|(sealed, age, ttl)| self.unseal(subject, &sealed, age, ttl)))
    }

    pub(super) async fn claim_for(
        &self,
        subject: &SharedSubject,
        claim: ExchangeClaim,
    ) -> Result<Claiming, StoreError> {
        let claimed: Option<ClaimedRow> = sqlx::query_as(CLAIM_FOR)
            .bind(subject.hash())
            .bind(subject.installation.uuid())
            .bind(claim.uuid())
            .bind(millis(CLAIM))
            .bind(self.set_by_hand())
            .fetch_optional(&self.pool)
            .await
            .map_err(fault)?;
        let Some((sealed, age, ttl)) = claimed else {
            return Ok(Claiming::Theirs);
        };
        let token = sealed.zip(age.zip(ttl));
        Ok(Claiming::Ours(token.and_then(|(sealed, (age, ttl))| {
            self.unseal(subject, &sealed, age, ttl)
        })))
    }

    pub(super) async fn prolong(
        &self,
        subject: &SharedSubject,
        claim: ExchangeClaim,
    ) -> Result<(), StoreError> {
        sqlx::query(PROLONG)
            .bind(subject.hash())
            .bind(claim.uuid())
            .bind(millis(CLAIM))
            .bind(self.set_by_hand())
            .execute(&self.pool)
            .await
            .map_err(fault)?;
        Ok(())
    }

    pub(super) async fn end_claim(
        &self,
        subject: &SharedSubject,
        claim: ExchangeClaim,
        token: Option<&SharedToken>,
    ) -> Result<(), StoreError> {
        let Some(token) = token else {
            sqlx::query(RELEASE)
                .bind(subject.hash())
                .bind(claim.uuid())
                .execute(&self.pool)
                .await
                .map_err(fault)?;
            return Ok(());
        };
        let purpose = Purpose::AccountToken(*subject.hash());
        let sealed = self
            .sealer
            .seal(purpose, subject.installation, &token.secret);
        sqlx::query(KEEP)
            .bind(subject.hash())
            .bind(claim.uuid())
            .bind(sealed.map_err(StoreError::damaged)?)
            .bind(millis(token.age))
            .bind(millis(token.ttl))
            .bind(self.set_by_hand())
            .execute(&self.pool)
            .await
            .map_err(fault)?;
        sqlx::query(FORGET)
            .bind(MOST_FORGOTTEN)
            .bind(self.set_by_hand())
            .execute(&self.pool)
            .await
            .map_err(fault)?;
        Ok(())
    }

    /// A token that cannot be unsealed is none: the exchange that follows replaces it.
    fn unseal(
        &self,
        subject: &SharedSubject,
        sealed: &[u8],
        age: i64,
        ttl: i64,
    ) -> Option<SharedToken> {
        let purpose = Purpose::AccountToken(*subject.hash());
        match self.sealer.open(purpose, subject.installation, sealed) {
            Ok(secret) => Some(SharedToken {
                secret,
                age: span(age),
                ttl: span(ttl),
            }),
            Err(error) => {
                error.count(purpose);
                // While replicas take another key one after the other, this is as it should be.
                if error == SealError::UnknownKey {
                    tracing::debug!(
                        installation = %subject.installation.uuid(),
                        "a shared account token was sealed with another store.encryption_key"
                    );
                } else {
                    tracing::warn!(
                        installation = %subject.installation.uuid(),
                        cause = %error,
                        "a shared account token cannot be unsealed and is taken for none"
                    );
                }
                None
            }
        }
    }
}
