//! The page of what the platform fires by itself: forms, the deliveries, and one of them.

use std::{sync::Arc, time::Duration};

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use tokio::time::timeout;

use super::{
    ask, delivery, firing,
    layout::{self, Places, Tab},
    timeline,
};
use crate::emulator::{
    events::{self, FireEvent},
    lifecycle, schedules,
    stage::Stage,
};

/// How long a form waits for something to show; then the page says that it is under way.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/events", get(overview))
        .route("/events/{id}", get(one))
        .route("/events/fire", post(fire))
        .route("/events/schedule", post(schedule))
        .route("/events/install", post(install))
        .route("/events/upgrade", post(upgrade))
        .route("/events/uninstall", post(uninstall))
}

async fn overview(
    State(stage): State<Arc<Stage>>,
    Query(asked): Query<timeline::Asked>,
) -> Response {
    let filled = firing::Filled::default();
    let subject = html! {
        (delivery::overview(&stage))
        (timeline::section(&stage, &asked.fired()))
    };
    page(&stage, "Events · ", &filled, &subject, &html! {}).into_response()
}

async fn one(State(stage): State<Arc<Stage>>, Path(id): Path<u64>) -> Response {
    let filled = firing::Filled::default();
    let past = timeline::recent(&stage, &format!("/events/{id}"));
    // Before the delivery: what changes in between is told again.
    let version = stage.journal.last_change_of_delivery(id);
    let found = stage.journal.delivery(id);
    let (status, subject) = match &found {
        Some(delivery) => {
            let section = delivery::section(delivery, version.unwrap_or_default());
            (StatusCode::OK, section)
        }
        None => (
            StatusCode::NOT_FOUND,
            layout::notice(
                "Nothing here",
                "It remembers the last five hundred deliveries, and none from before it was started.",
            ),
        ),
    };
    let title = format!("Event #{id} · ");
    (status, page(&stage, &title, &filled, &subject, &past)).into_response()
}

async fn fire(State(stage): State<Arc<Stage>>, Form(filled): Form<firing::Filled>) -> Response {
    let fired = FireEvent::try_from(&filled)
        .map_err(str::to_owned)
        .and_then(|event| events::fire(&stage, &event).map_err(|error| error.to_string()));
    shown(&stage, &filled, fired).await
}

#[derive(Debug, Deserialize)]
struct Scheduled {
    #[serde(default)]
    key: String,
}

async fn schedule(State(stage): State<Arc<Stage>>, Form(form): Form<Scheduled>) -> Response {
    let fired = schedules::fire(&stage, &form.key);
    let fired = fired.map(|id| vec![id]).map_err(|error| error.to_string());
    shown(&stage, &firing::Filled::default(), fired).await
}

async fn install(State(stage): State<Arc<Stage>>, Form(form): Form<firing::Install>) -> Response {
    let fired = match form.settling() {
        Ok(settling) => lifecycle::install(&stage, settling)
            .await
            .map_err(|error| error.to_string()),
        Err(message) => Err(message.to_owned()),
    };
    shown(&stage, &firing::Filled::default(), fired).await
}

#[derive(Debug, Deserialize)]
struct Upgrade {
    #[serde(default)]
    version: String,
}

async fn upgrade(State(stage): State<Arc<Stage>>, Form(form): Form<Upgrade>) -> Response {
    let fired = lifecycle::upgrade(&stage, form.version.trim()).await;
    let fired = fired.map_err(|error| error.to_string());
    shown(&stage, &firing::Filled::default(), fired).await
}

async fn uninstall(State(stage): State<Arc<Stage>>) -> Response {
    // It goes on without us: the remote may take its 55 s.
    let ended = timeout(PATIENCE, lifecycle::uninstall(&stage)).await;
    let fired = ended
        .unwrap_or_else(|_| Ok(Vec::new()))
        .map_err(|error| error.to_string());
    shown(&stage, &firing::Filled::default(), fired).await
}

/// Leads to what was fired, or says why nothing was. The page that a reload shows again is no form.
async fn shown(
    stage: &Stage,
    filled: &firing::Filled,
    fired: Result<Vec<u64>, String>,
) -> Response {
    match fired.as_deref() {
        Ok([id]) => {
            // Long enough to see how the first attempt ends.
            let _ = timeout(PATIENCE, stage.journal.first_attempt(*id)).await;
            Redirect::to(&format!("/events/{id}")).into_response()
        }
        Ok(ids) => {
            if let Some(last) = ids.last() {
                let _ = timeout(PATIENCE, stage.journal.first_attempt(*last)).await;
            }
            Redirect::to("/events").into_response()
        }
        Err(message) => {
            let subject = layout::notice("Not fired", &layout::sentence(message));
            let page = page(stage, "Events · ", filled, &subject, &html! {});
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    }
}

fn page(
    stage: &Stage,
    title: &str,
    filled: &firing::Filled,
    subject: &Markup,
    past: &Markup,
) -> axum::response::Html<String> {
    let places = Places {
        ask: &ask::fire(stage, filled),
        subject,
        past,
    };
    layout::frame(stage, Tab::Events, title, &places)
}
