//! A request that stays in flight until a test lets it go.

use std::sync::Arc;

use axum::{Router, routing::get};
use forge_remote::Forge;
use tokio::sync::Notify;

/// Holds `GET /test/held`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    entered: Arc<Notify>,
    released: Arc<Notify>,
}

impl Held {
    pub(crate) fn route(&self) -> Router<Forge> {
        let held = self.clone();
        let handler = async move || {
            held.entered.notify_one();
            held.released.notified().await;
            "done"
        };
        Router::new().route("/test/held", get(handler))
    }

    /// Waits until a request is in the handler.
    pub(crate) async fn entered(&self) {
        self.entered.notified().await;
    }

    /// Lets one request finish.
    pub(crate) fn release(&self) {
        self.released.notify_one();
    }
}
