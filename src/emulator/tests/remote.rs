//! A remote that does as it is told and remembers what came.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, routing::any};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

/// What came to a remote.
#[derive(Debug, Clone)]
pub(super) struct Came {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// A remote that answers from a list, 202 when it is empty, and remembers what came.
#[derive(Clone, Default)]
pub(super) struct Remote {
    answers: Arc<Mutex<VecDeque<Reply>>>,
    came: Arc<Mutex<Vec<Came>>>,
}

#[derive(Clone)]
pub(super) enum Reply {
    Status(u16, &'static str),
    Never,
}

impl Remote {
    pub(super) fn answering(answers: impl IntoIterator<Item = Reply>) -> Self {
        let answers: VecDeque<_> = answers.into_iter().collect();
        Self {
            answers: Arc::new(Mutex::new(answers)),
            came: Arc::default(),
        }
    }

    pub(super) fn router(&self) -> Router {
        let remote = self.clone();
        Router::new().fallback(any(move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let remote = remote.clone();
            async move { remote.answer(&uri, headers, &body).await }
        }))
    }

    async fn answer(&self, uri: &Uri, headers: HeaderMap, body: &Bytes) -> (StatusCode, String) {
        self.came.lock().unwrap().push(Came {
            path: uri.to_string(),
            headers,
            body: serde_json::from_slice(body).unwrap_or_default(),
        });
        let reply = self.answers.lock().unwrap().pop_front();
        match reply {
            Some(Reply::Never) => std::future::pending().await,
            Some(Reply::Status(status, body)) => {
                (StatusCode::from_u16(status).unwrap(), body.to_owned())
            }
            None => (
                StatusCode::ACCEPTED,
                r#"{"id":"1","duplicate":false}"#.into(),
            ),
        }
    }

    pub(super) fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }
}

/// A minute of the platform takes 6 ms, and nothing fires unasked.
pub(super) fn fast(settings: &mut Settings) {
    settings.speed = 10_000.0;
    settings.schedules_run = false;
    settings.event_limit = Duration::from_secs(1);
    settings.uninstall_limit = Duration::from_secs(1);
}

pub(super) async fn settled(played: &Played, fired: &[Delivery]) -> Vec<Delivery> {
    let mut settled = Vec::new();
    for delivery in fired {
        let found = played.running.settled(delivery.id, LIMIT).await;
        settled.push(found.expect("a delivery that is settled in time"));
    }
    settled
}

pub(super) async fn fired(played: &Played, event: &FireEvent) -> Vec<Delivery> {
    settled(played, &played.running.fire_event(event).unwrap()).await
}

/// What the FIT of a request says.
pub(super) fn claims(came: &Came) -> Value {
    let fit = came.headers["authorization"].to_str().unwrap();
    let payload = fit.strip_prefix("Bearer ").unwrap().split('.').nth(1);
    let payload = URL_SAFE_NO_PAD.decode(payload.unwrap());
    serde_json::from_slice(&payload.unwrap()).unwrap()
}
