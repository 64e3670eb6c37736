//! The doors of the hooks.

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Query},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{DataResidency, Migration, MigrationError, MigrationId};
use crate::{
    error::{Error, ErrorCode},
    forge::Forge,
    invocation::FromPlatform,
};

/// No documented body has a hundredth of it.
const MOST_BYTES: usize = 64 * 1024;

type Hooks<H> = Extension<Arc<H>>;

/// The routes under `/forge/migration`, for the app's [`Router`] of other routes: the
/// manifest's `path` is `/forge/migration` then. Without them the platform finds nothing.
pub fn routes<H: DataResidency>(hooks: H) -> Router<Forge> {
    Router::new()
        .route("/forge/migration/schedule", post(schedule::<H>))
        .route("/forge/migration/start", post(start::<H>))
        .route("/forge/migration/status", get(status::<H>))
        .route("/forge/migration/commit", post(commit::<H>))
        .route("/forge/migration/rollback", post(rollback::<H>))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(Extension(Arc::new(hooks)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    migration_id: MigrationId,
}

async fn schedule<H: DataResidency>(
    FromPlatform(invocation): FromPlatform,
    Extension(hooks): Hooks<H>,
    body: Bytes,
) -> Result<Response, Error> {
    let migration: Migration = read(&body)?;
    let outcome = hooks.schedule(&invocation, &migration).await;
    answer("schedule", migration.id, outcome)
}

async fn start<H: DataResidency>(
    FromPlatform(invocation): FromPlatform,
    Extension(hooks): Hooks<H>,
    body: Bytes,
) -> Result<Response, Error> {
    let migration: Migration = read(&body)?;
    let outcome = hooks.start(&invocation, &migration).await;
    answer("start", migration.id, outcome)
}

async fn commit<H: DataResidency>(
    FromPlatform(invocation): FromPlatform,
    Extension(hooks): Hooks<H>,
    body: Bytes,
) -> Result<Response, Error> {
    let Named { migration_id } = read(&body)?;
    let outcome = hooks.commit(&invocation, migration_id).await;
    answer("commit", migration_id, outcome)
}

async fn rollback<H: DataResidency>(
    FromPlatform(invocation): FromPlatform,
    Extension(hooks): Hooks<H>,
    body: Bytes,
) -> Result<Response, Error> {
    let Named { migration_id } = read(&body)?;
    let outcome = hooks.rollback(&invocation, migration_id).await;
    answer("rollback", migration_id, outcome)
}

/// A migration that has failed is no failure of this request.
async fn status<H: DataResidency>(
    FromPlatform(invocation): FromPlatform,
    Extension(hooks): Hooks<H>,
    Query(Named { migration_id }): Query<Named>,
) -> Result<Response, Error> {
    let status = match hooks.status(&invocation, migration_id).await {
        Ok(progress) => Status {
            status: progress.as_str(),
            error_response_code: None,
        },
        Err(error) => Status {
            error_response_code: Some(refusal("status", migration_id, error)?.1),
            status: "failed",
        },
    };
    Ok(Json(status).into_response())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_response_code: Option<&'static str>,
}

/// The documented answer of a hook that failed for good.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    error_response_code: &'static str,
}

fn answer(
    hook: &'static str,
    id: MigrationId,
    outcome: Result<(), MigrationError>,
) -> Result<Response, Error> {
    let Err(error) = outcome else {
        tracing::info!("migration.id" = %id, "migration.hook" = hook, "a migration goes on");
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let (status, error_response_code) = refusal(hook, id, error)?;
    let body = Refused {
        error_response_code,
    };
    Ok((status, Json(body)).into_response())
}

/// Status and code of a failure for good; an error without a code makes the platform ask
/// again.
fn refusal(
    hook: &'static str,
    id: MigrationId,
    error: MigrationError,
) -> Result<(StatusCode, &'static str), Error> {
    let Some(code) = error.code() else {
        return Err(error.into());
    };
    let status = error.status();
    tracing::warn!(
        "migration.id" = %id,
        "migration.hook" = hook,
        "migration.code" = code,
        cause = Error::from(error).causes(),
        "a migration failed: the platform rolls it back"
    );
    Ok((status, code))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        let (code, message) = if error.is_data() {
            let message = "The body is not what this hook takes. Send it as it is documented.";
            (ErrorCode::InvalidBody, message)
        } else {
            let message = "The body is not JSON. Send it as it is documented.";
            (ErrorCode::BadRequest, message)
        };
        // What serde says of data quotes them.
        Error::new(code, message)
    })
}
