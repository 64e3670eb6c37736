//! Forge under load: events of pages, each of a page of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use super::remote::Remote;

const PATIENCE: Duration = Duration::from_mins(1);

/// What was sent, and what of it was acknowledged.
#[derive(Clone, Default)]
pub(crate) struct Load {
    next: Arc<AtomicUsize>,
    acknowledged: watch::Sender<Vec<String>>,
}

impl Load {
    /// Sends from so many connections, until the remote is there no more.
    pub(crate) fn on(&self, remote: &Remote, connections: usize) -> JoinSet<()> {
        let mut senders = JoinSet::new();
        for _ in 0..connections {
            let (load, anybody) = (self.clone(), remote.anybody());
            senders.spawn(async move {
                loop {
                    let page = format!("p{}", load.next.fetch_add(1, Ordering::Relaxed));
                    let forge = anybody.clone().fit(super::caller::Fit::of_platform);
                    let forge = forge.with_fit().app_token().json(&updated(&page));
                    match forge.try_send(Method::POST, "/forge/events").await {
                        Ok(answer) if answer.status == StatusCode::ACCEPTED => {
                            load.acknowledged.send_modify(|pages| pages.push(page));
                        }
                        Ok(_) => {}
                        Err(_) => return,
                    }
                }
            });
        }
        senders
    }

    /// Waits until so many events are acknowledged, and fails if that takes too long.
    pub(crate) async fn reaches(&self, count: usize) {
        let mut acknowledged = self.acknowledged.subscribe();
        let enough = acknowledged.wait_for(|pages| pages.len() >= count);
        let in_time = tokio::time::timeout(PATIENCE, enough).await;
        assert!(in_time.is_ok(), "fewer than {count} after {PATIENCE:?}");
    }

    /// The pages whose events were acknowledged.
    pub(crate) fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.borrow().clone()
    }
}

/// A page has changed, in Forge's words.
pub(crate) fn updated(page: &str) -> Value {
    json!({
        "eventType": "avi:confluence:updated:page",
        "atlassianId": "5f3c9a1be8d2470071b64c0d",
        "content": {"id": page, "type": "page"},
    })
}
