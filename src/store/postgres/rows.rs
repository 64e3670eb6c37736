//! The statements.

use sqlx::{PgConnection, PgPool, Postgres, postgres::PgArguments, query::Query};

use super::fault;
use crate::{
    clock::Timestamp,
    ids::{CloudId, IcLabel, InstallationId, WorkspaceId},
    store::{Deleted, Remembered, StoreError, TokenOrigin, rows::Row},
    token::AppToken,
};

macro_rules! select_where {
    ($condition:literal) => {
        concat!(
            "SELECT i.id::text, i.app_id::text, i.ic_label, i.api_base_url, i.site_url, \
                    i.app_version, i.environment, i.environment_id::text, i.license_active, \
                    i.last_seen, i.first_seen, \
                    t.sealed, t.expires_at, t.from_platform, \
                    c.product, c.cloud_id, c.workspace_id, c.api_base_url AS context_url \
             FROM installations i \
             LEFT JOIN app_tokens t ON t.installation_id = i.id \
             LEFT JOIN installation_contexts c ON c.installation_id = i.id \
             WHERE ",
            $condition,
            " ORDER BY i.last_seen DESC, i.id, c.position"
        )
    };
}

const BY_ID: &str = select_where!("i.id = $1");

pub(super) const BY_CLOUD: &str = select_where!(
    "i.id IN ( \
        SELECT s.id FROM installations s \
        WHERE s.id IN ( \
            SELECT installation_id FROM installation_contexts WHERE cloud_id = $1) \
        ORDER BY s.last_seen DESC LIMIT $2)"
);

// A moment that lies ahead of us was written by a clock that was wrong, and does not count.
const PUT_INSTALLATION: &str = "\
    INSERT INTO installations (id, app_id, ic_label, api_base_url, site_url, app_version, \
        environment, environment_id, license_active, last_seen, first_seen) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12) \
    ON CONFLICT (id) DO UPDATE SET \
        app_id = excluded.app_id, \
        ic_label = excluded.ic_label, \
        api_base_url = excluded.api_base_url, \
        site_url = coalesce(excluded.site_url, installations.site_url), \
        app_version = excluded.app_version, \
        environment = excluded.environment, \
        environment_id = excluded.environment_id, \
        license_active = excluded.license_active, \
        last_seen = excluded.last_seen, \
        first_seen = least(installations.first_seen, excluded.first_seen) \
    WHERE excluded.last_seen >= installations.last_seen OR installations.last_seen > $11";

/// Jobs that one transaction of a deletion takes. The server gives no statement more than a
/// few seconds.
const DELETED_AT_ONCE: usize = 10_000;

macro_rules! some_jobs {
    ($which:literal) => {
        concat!(
            "WITH some_jobs AS MATERIALIZED ( \
                SELECT id FROM jobs WHERE installation_id = $1 AND ",
            $which,
            " LIMIT $2) \
            DELETE FROM jobs USING some_jobs WHERE jobs.id = some_jobs.id \
            RETURNING jobs.state <> 'done'"
        )
    };
}

const SOME_BLOCKED_JOBS: &str = some_jobs!("state = 'blocked'");
const SOME_READY_JOBS: &str = some_jobs!("state = 'ready'");
const SOME_OTHER_JOBS: &str = some_jobs!("state <> 'ready'");

const PUT_CONTEXT: &str = "\
    INSERT INTO installation_contexts \
        (installation_id, position, product, cloud_id, workspace_id, api_base_url) \
    VALUES ($1, $2, $3, $4, $5, $6)";

// A token of the platform replaces a browser's; a browser's replaces none of the platform's
// that lives at $5. Of two alike the longer-lived stays. The last line is for a change of the
// key: the same token under the new key has the same expiry and must replace what cannot be
// read any more. The first nine bytes name the key.
const PUT_APP_TOKEN: &str = "\
    INSERT INTO app_tokens (installation_id, sealed, expires_at, from_platform) \
    VALUES ($1, $2, $3, $4) \
    ON CONFLICT (installation_id) DO UPDATE SET \
        sealed = excluded.sealed, \
        expires_at = excluded.expires_at, \
        from_platform = excluded.from_platform \
    WHERE CASE \
        WHEN excluded.from_platform AND NOT app_tokens.from_platform THEN true \
        WHEN NOT excluded.from_platform AND app_tokens.from_platform \
            THEN app_tokens.expires_at <= $5 \
        ELSE excluded.expires_at > app_tokens.expires_at \
            OR (excluded.expires_at = app_tokens.expires_at \
                AND substr(excluded.sealed, 1, 9) <> substr(app_tokens.sealed, 1, 9)) END";

fn by_id(sql: &'static str, id: InstallationId) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(sql).bind(id.uuid())
}

pub(super) async fn put_installation(
    connection: &mut PgConnection,
    record: &Remembered,
    now: Timestamp,
) -> Result<(), StoreError> {
    let installation = &record.installation;
    let id = installation.id;
    let written = by_id(PUT_INSTALLATION, id)
        .bind(installation.app_id.uuid())
        .bind(installation.ic_label.as_ref().map(IcLabel::as_str))
        .bind(&*installation.api_base_url)
        .bind(installation.site_url.as_deref())
        .bind(installation.app_version.as_deref())
        .bind(installation.environment.as_deref())
        .bind(installation.environment_id.map(|id| id.uuid()))
        .bind(installation.license_active)
        .bind(record.last_seen.unix())
        .bind(now.unix())
        .bind(record.first_seen.unix())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    if written.rows_affected() == 0 {
        return Ok(());
    }
    by_id(
        "DELETE FROM installation_contexts WHERE installation_id = $1",
        id,
    )
    .execute(&mut *connection)
    .await
    .map_err(fault)?;
    for (position, context) in (0_i64..).zip(&installation.contexts) {
        by_id(PUT_CONTEXT, id)
            .bind(position)
            .bind(context.product.as_str())
            .bind(context.cloud_id.as_ref().map(CloudId::as_str))
            .bind(context.workspace_id.as_ref().map(WorkspaceId::as_str))
            .bind(&*context.api_base_url)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

pub(super) async fn put_app_token(
    connection: &mut PgConnection,
    record: &Remembered,
    token: &AppToken,
    sealed: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    by_id(PUT_APP_TOKEN, record.installation.id)
        .bind(sealed)
        .bind(token.expires_at().unix())
        .bind(record.token_origin == TokenOrigin::Platform)
        .bind(now.plus(AppToken::EXPIRY_MARGIN).unix())
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// No token is kept longer than it is of use.
pub(super) async fn drop_lapsed_tokens(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<(), StoreError> {
    // What another replica is just replacing does not lapse, and is not waited for.
    const DROP_LAPSED: &str = "\
        WITH lapsed AS MATERIALIZED ( \
            SELECT installation_id FROM app_tokens WHERE expires_at <= $1 \
            FOR UPDATE SKIP LOCKED) \
        DELETE FROM app_tokens t USING lapsed WHERE t.installation_id = lapsed.installation_id";
    sqlx::query(DROP_LAPSED)
        .bind(now.unix())
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

pub(super) async fn sealed_app_token(
    pool: &PgPool,
    id: InstallationId,
) -> Result<Option<Vec<u8>>, StoreError> {
    sqlx::query_scalar("SELECT sealed FROM app_tokens WHERE installation_id = $1")
        .bind(id.uuid())
        .fetch_optional(pool)
        .await
        .map_err(fault)
}

/// Tells whether it was there.
pub(super) async fn drop_app_token(
    pool: &PgPool,
    id: InstallationId,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let dropped = by_id(
        "DELETE FROM app_tokens WHERE installation_id = $1 AND sealed = $2",
        id,
    )
    .bind(sealed)
    .execute(pool)
    .await
    .map_err(fault)?;
    Ok(dropped.rows_affected() > 0)
}

/// Deletes an installation with everything that is its own: contexts and token go with it.
/// Its jobs go first, some at a time, those that wait for others before the others; true
/// once all is gone.
pub(super) async fn delete(
    connection: &mut PgConnection,
    id: InstallationId,
    deleted: &mut Deleted,
) -> Result<bool, StoreError> {
    for jobs in [SOME_BLOCKED_JOBS, SOME_READY_JOBS, SOME_OTHER_JOBS] {
        let jobs: Vec<bool> = sqlx::query_scalar(jobs)
            .bind(id.uuid())
            .bind(i64::try_from(DELETED_AT_ONCE).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await
            .map_err(fault)?;
        deleted.jobs += jobs.iter().map(|left| u64::from(*left)).sum::<u64>();
        if jobs.len() >= DELETED_AT_ONCE {
            return Ok(false);
        }
    }
    let done = by_id("DELETE FROM installations WHERE id = $1", id);
    let done = done.execute(&mut *connection).await.map_err(fault)?;
    deleted.known = done.rows_affected() > 0;
    // Also the claims of exchanges that are under way: they bring nothing to keep then.
    by_id("DELETE FROM account_tokens WHERE installation_id = $1", id)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(true)
}

pub(super) async fn of_installation(
    pool: &PgPool,
    id: InstallationId,
) -> Result<Vec<Row>, StoreError> {
    sqlx::query_as(BY_ID)
        .bind(id.uuid())
        .fetch_all(pool)
        .await
        .map_err(fault)
}

pub(super) async fn of_cloud(
    pool: &PgPool,
    cloud: &CloudId,
    most: i64,
) -> Result<Vec<Row>, StoreError> {
    sqlx::query_as(BY_CLOUD)
        .bind(cloud.as_str())
        .bind(most)
        .fetch_all(pool)
        .await
        .map_err(fault)
}

/// Reads a table, so that a file which is gone or damaged does not pass for a store.
pub(super) async fn ping(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::query("SELECT 1 FROM installations LIMIT 1")
        .fetch_optional(pool)
        .await
        .map_err(fault)?;
    Ok(())
}

/// The migration that a release has to know to work with the tables, if they say so.
pub(super) async fn schema_floor(
    connection: &mut PgConnection,
) -> Result<Option<i64>, sqlx::Error> {
    let table = "SELECT to_regclass('forge_schema') IS NOT NULL";
    let exists: bool = sqlx::query_scalar(table)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(floor) FROM forge_schema")
        .fetch_one(connection)
        .await
}
