//! The quota of an app over all replicas: a virtual schedule (GCRA) in one row.
//!
//! `tat` is the moment at which the bucket is full again. A place moves it on by a step, and
//! is good from the moment at which no more than a burst lies ahead. Whoever has to wait has
//! the place already: all replicas stand in one line, and one statement says how long it is.
//!
//! In any minute there are no more places than the limit: a grant at the minute's end has
//! `tat` no further ahead than the burst, and all steps since its beginning lie before that,
//! so there are at most a minute's steps and a burst of them, `N − b` and `b`. A rate that
//! rises makes steps shorter, but none shorter than those of the limit. A rate that falls
//! voids the places that were still to come, and begins with an empty bucket.

use std::time::Duration;

use crate::{
    ids::AppId,
    store::{
        StoreError,
        postgres::{PostgresStore, fault},
        shared::Taken,
    },
};

/// The moment in nanoseconds: the row may have been waited for, and the statement's own
/// moment would be of before that.
macro_rules! now {
    ($parameter:literal) => {
        concat!(
            "coalesce(",
            $parameter,
            "::bigint * 1000000, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000)"
        )
    };
}

/// `$1`: app; `$2`: limit; `$3`: now. The rate has risen by a tenth of the limit with each
/// minute without another 429.
///
/// No pause and no line is an hour long: what lies further ahead was written before the
/// server's clock was set back, and must not keep everybody waiting until it is there again.
macro_rules! held {
    () => {
        concat!(
            "moment AS MATERIALIZED (SELECT ",
            now!("$3"),
            " AS now), \
            held AS MATERIALIZED ( \
                SELECT tat, working, lowered_at, raised_at, epoch FROM exchange_quotas \
                WHERE app_id = $1 FOR UPDATE), \
            sound AS ( \
                SELECT now, working, epoch, \
                    CASE WHEN tat > now + 3600000000000 THEN now ELSE tat END AS tat, \
                    CASE WHEN raised_at > now + 3600000000000 THEN now ELSE raised_at END \
                        AS raised_at, \
                    CASE WHEN lowered_at > now + 3600000000000 THEN NULL ELSE lowered_at END \
                        AS lowered_at \
                FROM held, moment), \
            aged AS ( \
                SELECT *, least(greatest((now - raised_at) / 60000000000, 0), 1000000) AS minutes \
                FROM sound), \
            rated AS ( \
                SELECT now, tat, lowered_at, epoch, \
                    least($2, working + minutes * greatest($2 / 10, 1)) AS working, \
                    raised_at + minutes * 60000000000 AS raised_at \
                FROM aged)"
        )
    };
}

/// `$4`: patience in nanoseconds.
const TAKE: &str = concat!(
    "WITH ",
    held!(),
    ", pace AS (SELECT *, greatest(working / 10, 1) AS burst FROM rated), \
    step AS ( \
        SELECT *, 60000000000 / greatest(working - burst, 1) + 1 AS step FROM pace), \
    place AS ( \
        SELECT working, raised_at, epoch, greatest(tat, now) + step AS tat, \
            greatest(greatest(tat, now) + step - burst * step - now, 0) AS wait \
        FROM step), \
    taken AS ( \
        UPDATE exchange_quotas q \
        SET tat = place.tat, working = place.working, raised_at = place.raised_at \
        FROM place WHERE q.app_id = $1 AND place.wait <= $4) \
    SELECT wait, epoch FROM place"
);

/// `$4`: how long ago the request was sent, `$5`: the pause, in nanoseconds. The rate is
/// halved once for all requests that were on their way together.
const LIMIT: &str = concat!(
    "WITH ",
    held!(),
    ", lowered AS ( \
        SELECT now, epoch, greatest(now + $5, raised_at) AS until, \
            CASE WHEN lowered_at IS NULL OR now - $4 > lowered_at \
                THEN greatest(working / 2, $2 / 20, 1) ELSE working END AS working, \
            CASE WHEN lowered_at IS NULL OR now - $4 > lowered_at \
                THEN now ELSE lowered_at END AS lowered_at \
        FROM rated), \
    pace AS (SELECT *, greatest(working / 10, 1) AS burst FROM lowered), \
    step AS ( \
        SELECT *, 60000000000 / greatest(working - burst, 1) + 1 AS step FROM pace), \
    fresh AS ( \
        SELECT *, greatest(until + (burst - 1) * step, now + burst * step) AS tat FROM step) \
    UPDATE exchange_quotas q \
    SET tat = fresh.tat, working = fresh.working, lowered_at = fresh.lowered_at, \
        raised_at = fresh.until, epoch = q.epoch + 1 \
    FROM fresh WHERE q.app_id = $1 \
    RETURNING fresh.tat + fresh.step - fresh.burst * fresh.step - fresh.now"
);

/// `$1`: app; `$2`: limit; `$3`: now.
const BEGIN: &str = concat!(
    "INSERT INTO exchange_quotas (app_id, tat, working, raised_at) \
    SELECT $1, now, $2, now FROM (SELECT ",
    now!("$3"),
    " AS now) m ON CONFLICT (app_id) DO NOTHING"
);

const EPOCH: &str = "SELECT epoch = $2 FROM exchange_quotas WHERE app_id = $1";

impl PostgresStore {
    pub(super) async fn take(
        &self,
        app: AppId,
        limit: u32,
        patience: Duration,
    ) -> Result<Taken, StoreError> {
        loop {
            let place: Option<(i64, i64)> = sqlx::query_as(TAKE)
                .bind(app.uuid())
                .bind(i64::from(limit))
                .bind(self.set_by_hand())
                .bind(nanos(patience))
                .fetch_optional(&self.pool)
                .await
                .map_err(fault)?;
            let Some((wait, epoch)) = place else {
                self.begin_quota(app, limit).await?;
                continue;
            };
            let wait = span(wait);
            return Ok(if wait > patience {
                Taken::Later(wait)
            } else {
                Taken::Place { wait, epoch }
            });
        }
    }

    pub(super) async fn has_epoch(&self, app: AppId, epoch: i64) -> Result<bool, StoreError> {
        let has: Option<bool> = sqlx::query_scalar(EPOCH)
            .bind(app.uuid())
            .bind(epoch)
            .fetch_optional(&self.pool)
            .await
            .map_err(fault)?;
        Ok(has == Some(true))
    }

    pub(super) async fn limit(
        &self,
        app: AppId,
        limit: u32,
        ago: Duration,
        pause: Duration,
    ) -> Result<Duration, StoreError> {
        loop {
            let wait: Option<i64> = sqlx::query_scalar(LIMIT)
                .bind(app.uuid())
                .bind(i64::from(limit))
                .bind(self.set_by_hand())
                .bind(nanos(ago))
                .bind(nanos(pause))
                .fetch_optional(&self.pool)
                .await
                .map_err(fault)?;
            match wait {
                Some(wait) => return Ok(span(wait)),
                None => self.begin_quota(app, limit).await?,
            }
        }
    }

    async fn begin_quota(&self, app: AppId, limit: u32) -> Result<(), StoreError> {
        sqlx::query(BEGIN)
            .bind(app.uuid())
            .bind(i64::from(limit))
            .bind(self.set_by_hand())
            .execute(&self.pool)
            .await
            .map_err(fault)?;
        Ok(())
    }
}

fn nanos(span: Duration) -> i64 {
    const LONGEST: i64 = i64::MAX / 4;
    i64::try_from(span.as_nanos()).map_or(LONGEST, |nanos| nanos.min(LONGEST))
}

fn span(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}
