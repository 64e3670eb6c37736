//! The admin listener: is it alive, is it ready, what does it count, what does it log.

mod log_level;

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::forge::Forge;

/// How much a histogram gathers before it is summed up: 16 bytes for each request.
const BETWEEN_UPKEEPS: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Admin {
    forge: Forge,
    stopping: CancellationToken,
}

pub(super) fn router(forge: Forge, stopping: CancellationToken) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(scrape))
        .merge(log_level::routes())
        .with_state(Admin { forge, stopping })
}

/// Ready with a key set and a store that answers, until the stop. Says which is missing.
async fn readyz(State(admin): State<Admin>) -> impl IntoResponse {
    let keys = admin.forge.has_keys();
    let store = admin.forge.store_answers().await;
    let stopping = admin.stopping.is_cancelled();
    let ready = keys && store && !stopping;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let why = json!({ "ready": ready, "keys": keys, "store": store, "stopping": stopping });
    (status, Json(why))
}

/// Sums up what was measured, for ever: else it would be kept one by one until somebody
/// scrapes, and there may be nobody.
pub(super) async fn keep_metrics_small(forge: Forge) {
    while forge.sum_up_metrics() {
        tokio::time::sleep(BETWEEN_UPKEEPS).await;
    }
}

async fn scrape(State(admin): State<Admin>) -> Response {
    match admin.forge.metrics() {
        Some(metrics) => {
            let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
            (headers, metrics).into_response()
        }
        // The program had a recorder before this crate could bring its own.
        None => (
            StatusCode::NOT_FOUND,
            "metrics go to this program's own recorder\n",
        )
            .into_response(),
    }
}
