//! `POST /forge/events` and `POST /forge/lifecycle`

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};

use super::Desk;
use crate::{
    error::Error,
    inbox::{
        envelope::Envelope,
        events::{INSTALLED, UNINSTALLED, UPGRADED},
        handlers::Handler,
        identity,
    },
    invocation::{FromPlatform, Invocation},
    store::jobs::{JobKind, NewJob},
};

/// Forge sends an event again four times, a minute apart, and gives up (Forge events:
/// "Delivery"). A day leaves room for its own outages.
const MEMORY: Duration = Duration::from_hours(24);

/// Both paths take the same: which event it is, the body says.
pub(super) async fn take(
    State(desk): State<Desk>,
    FromPlatform(invocation): FromPlatform,
    body: Bytes,
) -> Result<Response, Error> {
    let event = Envelope::open(&body)?;
    // It may be large, and the commit takes a while.
    drop(body);
    let name = event.event_type();
    let Some(handler) = desk.0.events.handlers.of(name) else {
        return unhandled(&desk, &invocation, name).await;
    };
    let job = job(&invocation, &event, handler);
    drop(event);
    let acknowledged = desk.acknowledge(&invocation, job).await?;
    Ok(acknowledged.into_response())
}

async fn unhandled(desk: &Desk, invocation: &Invocation, name: &str) -> Result<Response, Error> {
    match name {
        INSTALLED | UPGRADED => desk.installation_kept(invocation).await?,
        UNINSTALLED => desk.0.uninstall.delete(invocation).await?,
        _ => desk.0.strange_events.event(name),
    }
    Ok(desk.pass_over(invocation).into_response())
}

fn job(invocation: &Invocation, event: &Envelope, handler: &Handler) -> NewJob {
    let claims = invocation.claims();
    let installation = claims.app.installation_id;
    let payload = event.canonical();
    let order = handler
        .order_by
        .and_then(|pointer| event.text_at(pointer))
        .map(|text| identity::event_order(installation, &text));
    NewJob {
        id: identity::job_id(claims),
        installation,
        kind: JobKind::Event,
        name: event.event_type().into(),
        digest: identity::event_digest(claims, &payload),
        unless_within: event.is_redelivered().then_some(MEMORY),
        coalesces: false,
        remember_for: MEMORY,
        order,
        payload,
        trace: invocation.trace().clone(),
        app_token: invocation.living_app_token().cloned(),
    }
}
