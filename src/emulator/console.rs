//! x
use super::stage::Stage;
use axum::Router;
use std::sync::Arc;
pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
}
