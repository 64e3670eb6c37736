//! Pages that stay up to date: a request that waits for news and answers with the parts that changed.
//!
//! htmx asks; without a script nobody asks, and the page is what it was when it was loaded.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use maud::{Markup, html};
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use super::{delivery, detail, layout, timeline};
use crate::emulator::{journal::Journal, stage::Stage};

/// How long a request waits for news.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long news gather before they are told: a page that flickers cannot be read.
const GATHERED: Duration = Duration::from_millis(200);

pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/live/timeline", get(of_timeline))
        .route("/live/invocations/{id}", get(of_invocation))
        .route("/live/events/{id}", get(of_delivery))
}

/// What a page knows already.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Known {
    since: u64,
    /// The answer was there: nothing but calls can come.
    settled: bool,
}

impl Known {
    fn part(&self) -> Part {
        if self.settled {
            Part::UpdateOfSettled
        } else {
            Part::Update
        }
    }
}

/// Whether a part stands in its page, or comes to take its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Standing,
    Update,
    /// As [`Update`](Self::Update), without what does not change any more: whoever reads it
    /// has unfolded and scrolled it.
    UpdateOfSettled,
}

impl Part {
    /// Tells htmx to put it in the place of the part with the same id.
    pub(super) fn swap(self) -> Option<&'static str> {
        (self != Self::Standing).then_some("true")
    }
}

/// Asks for what is newer, and again whenever an answer has come; after a failure every five seconds.
pub(super) fn pulse(address: &str) -> Markup {
    html! {
        div id="pulse" hx-get=(address) hx-trigger="load, every 5s" hx-sync="this:drop" hx-swap="outerHTML" {}
    }
}

async fn of_timeline(
    State(stage): State<Arc<Stage>>,
    Query(known): Query<Known>,
    Query(asked): Query<timeline::Asked>,
) -> Response {
    let newer = || stage.journal.version() != known.since;
    news(&stage, newer, || timeline::parts(&stage, &asked)).await
}

async fn of_invocation(
    State(stage): State<Arc<Stage>>,
    Path(id): Path<u64>,
    Query(known): Query<Known>,
) -> Response {
    let newer = || stage.journal.last_change(id) != Some(known.since);
    let parts = || {
        let version = stage.journal.last_change(id).unwrap_or_default();
        let invocation = stage.journal.get(id)?;
        Some(detail::parts(&invocation, known.part(), version))
    };
    news(&stage, newer, || parts().unwrap_or_default()).await
}

async fn of_delivery(
    State(stage): State<Arc<Stage>>,
    Path(id): Path<u64>,
    Query(known): Query<Known>,
) -> Response {
    let newer = || stage.journal.last_change_of_delivery(id) != Some(known.since);
    let parts = || {
        let version = stage
            .journal
            .last_change_of_delivery(id)
            .unwrap_or_default();
        let delivery = stage.journal.delivery(id)?;
        Some(delivery::parts(&delivery, known.part(), version))
    };
    news(&stage, newer, || parts().unwrap_or_default()).await
}

/// Waits until there is something newer, or for as long as is waited, and tells how things stand then.
async fn news(stage: &Stage, newer: impl Fn() -> bool, parts: impl Fn() -> Markup) -> Response {
    let Ok(_place) = stage.listeners.try_acquire() else {
        let later = [(header::RETRY_AFTER, HeaderValue::from_static("5"))];
        return (StatusCode::SERVICE_UNAVAILABLE, later).into_response();
    };
    tokio::select! {
        () = until(&stage.journal, newer) => {}
        () = stage.stop.cancelled() => {}
    }
    let told = html! { (parts()) (layout::banner(stage, Part::Update)) };
    Html(told.into_string()).into_response()
}

/// Waits until something is newer and a little longer, or for as long as is waited.
async fn until(journal: &Journal, newer: impl Fn() -> bool) {
    let mut changes = journal.changes();
    let waited = async {
        loop {
            changes.mark_unchanged();
            if newer() {
                sleep(GATHERED).await;
                return;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    };
    // Whether there are news or not, it is told how things stand.
    let _ = timeout(PATIENCE, waited).await;
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_newer_already_is_told_once_it_has_gathered() {
        let journal = Journal::default();
        let began = Instant::now();
        until(&journal, || true).await;
        assert_eq!(began.elapsed(), GATHERED);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_something_else_is_no_news() {
        let journal = Journal::default();
        let began = Instant::now();
        let elsewhere = async {
            sleep(Duration::from_secs(1)).await;
            journal.announce();
        };
        tokio::join!(until(&journal, || false), elsewhere);
        assert_eq!(began.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn news_end_the_waiting() {
        let journal = Journal::default();
        let began = Instant::now();
        let moment = Duration::from_secs(3);
        let change = async {
            sleep(moment).await;
            journal.announce();
        };
        tokio::join!(until(&journal, || journal.version() == 1), change);
        assert_eq!(began.elapsed(), moment + GATHERED);
    }
}
