//! A request of before, sent again or shown as a command for a shell.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use http::StatusCode;
use maud::{Markup, html};
use tokio::time::timeout;

use super::{
    detail, events,
    layout::{self, Tab, clock_time},
};
use crate::emulator::{
    deliveries,
    journal::{Delivery, Occasion},
    platform::{self, Envelope, Remembered},
    stage::Stage,
};

/// How long the FIT of a command lives: a person copies it, changes it, and tries again.
const FIT_OF_A_COMMAND: Duration = Duration::from_mins(15);

pub(super) fn routes() -> Router<Arc<Stage>> {
    Router::new()
        .route("/invocations/{id}/again", post(invocation))
        .route("/invocations/{id}/curl", post(command_of_invocation))
        .route("/events/{id}/again", post(delivery))
        .route("/events/{id}/curl", post(command_of_delivery))
}

/// Steps of something longer cannot be repeated alone.
pub(super) fn can_be_repeated(delivery: &Delivery) -> bool {
    matches!(delivery.occasion, Occasion::Event(_) | Occasion::Schedule)
}

async fn invocation(State(stage): State<Arc<Stage>>, Path(id): Path<u64>) -> Response {
    let Some(found) = stage.journal.get(id) else {
        return super::nothing_here(State(stage)).await;
    };
    match platform::again(&stage, &found).await {
        Ok(invocation) => Redirect::to(&format!("/invocations/{}", invocation.id)).into_response(),
        Err(error) => refused(&stage, &error.to_string()),
    }
}

async fn delivery(State(stage): State<Arc<Stage>>, Path(id): Path<u64>) -> Response {
    let Some(found) = stage.journal.delivery(id) else {
        return super::nothing_here(State(stage)).await;
    };
    match deliveries::again(&stage, &found) {
        Ok(id) => {
            let _ = timeout(events::PATIENCE, stage.journal.first_attempt(id)).await;
            Redirect::to(&format!("/events/{id}")).into_response()
        }
        Err(error) => refused(&stage, &error.to_string()),
    }
}

async fn command_of_invocation(State(stage): State<Arc<Stage>>, Path(id): Path<u64>) -> Response {
    let Some(found) = stage.journal.get(id) else {
        return super::nothing_here(State(stage)).await;
    };
    let back = format!("/invocations/{id}");
    command(&stage, Remembered::of(&found), &back)
}

async fn command_of_delivery(State(stage): State<Arc<Stage>>, Path(id): Path<u64>) -> Response {
    let found = stage.journal.delivery(id);
    let Some(last) = found.and_then(|mut found| found.attempts.pop()) else {
        return super::nothing_here(State(stage)).await;
    };
    let back = format!("/events/{id}");
    command(&stage, Remembered::of_attempt(&last), &back)
}

/// The page with the command. It holds tokens: it is made for whoever asked, and is not kept.
fn command(stage: &Stage, remembered: Remembered<'_>, back: &str) -> Response {
    match Envelope::again(stage, remembered, FIT_OF_A_COMMAND) {
        Ok(envelope) => {
            stage.journal.keep_apart(envelope.trace_id.clone());
            let section = shown(stage, &envelope, back);
            layout::plain(stage, Tab::Timeline, "curl · ", &section).into_response()
        }
        Err(error) => refused(stage, &error.to_string()),
    }
}

fn shown(stage: &Stage, envelope: &Envelope, back: &str) -> Markup {
    let end = stage.clock.now().plus(FIT_OF_A_COMMAND);
    html! {
        section class="summary" {
            h1 { "The request as a command" }
            p {
                "Its FIT is new and lives for " strong { (FIT_OF_A_COMMAND.as_secs() / 60) " minutes" }
                ", until " (clock_time(end)) "; those that Forge sends live for "
                (stage.mint.lifetime().as_secs()) " s. What stands in it are tokens that the emulator takes: "
                "they open nothing else, and are shown here only."
            }
            @if !envelope.faults.is_empty() { (detail::struck(&envelope.faults)) }
        }
        section class="card" {
            pre id="command" class="command" tabindex="0" { (envelope.curl()) }
            div class="actions" {
                button class="scripted-only" type="button" data-copy="command" { "Copy" }
                a href=(back) { "Back to the request" }
            }
            p class="quiet" {
                "Run it while the remote is up. Calls that the remote makes for it stand in the timeline "
                "as calls outside of any."
            }
        }
    }
}

fn refused(stage: &Stage, message: &str) -> Response {
    let section = layout::notice("Not sent", &layout::sentence(message));
    let page = layout::plain(stage, Tab::Timeline, "", &section);
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}
