//! `POST /forge/scheduled` and `POST /forge/scheduled/{schedule}`

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use serde_json::Value;

use super::{Acknowledged, Desk};
use crate::{
    error::Error,
    inbox::identity,
    invocation::{FromPlatform, Invocation},
    store::jobs::{JobKind, NewJob},
};

/// A tick may be sent again like an event, which takes some minutes.
const SHORTEST_MEMORY: Duration = Duration::from_hours(24);

pub(super) async fn take_by_path(
    State(desk): State<Desk>,
    FromPlatform(invocation): FromPlatform,
    Path(schedule): Path<String>,
) -> Result<Acknowledged, Error> {
    take(&desk, &invocation, &schedule).await
}

/// The trigger that ticks is the FIT's module, or the body names it: neither is documented
/// for a remote (Forge events: "Scheduled triggers").
pub(super) async fn take_by_module(
    State(desk): State<Desk>,
    FromPlatform(invocation): FromPlatform,
    body: Bytes,
) -> Result<Acknowledged, Error> {
    let module = invocation.claims().app.module.key.as_str();
    if desk.0.schedule.handlers.of(module).is_some() {
        return take(&desk, &invocation, module).await;
    }
    let named = module_key(&body);
    take(&desk, &invocation, named.as_deref().unwrap_or(module)).await
}

/// A body of another kind, or none, names no module.
fn module_key(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    match body.pointer("/context/moduleKey")? {
        Value::String(key) => Some(key.clone()),
        _ => None,
    }
}

async fn take(desk: &Desk, invocation: &Invocation, key: &str) -> Result<Acknowledged, Error> {
    let schedule = &desk.0.schedule;
    let (Some(_), Some(window)) = (schedule.handlers.of(key), schedule.windows.get(key)) else {
        desk.0.strange_schedules.tick(key);
        return Ok(desk.pass_over(invocation));
    };
    desk.acknowledge(invocation, job(invocation, key, *window))
        .await
}

fn job(invocation: &Invocation, key: &str, window: Duration) -> NewJob {
    let claims = invocation.claims();
    let installation = claims.app.installation_id;
    NewJob {
        id: identity::job_id(claims),
        installation,
        kind: JobKind::Tick,
        name: key.into(),
        digest: identity::tick_digest(installation, key),
        unless_within: Some(window),
        coalesces: true,
        remember_for: window.max(SHORTEST_MEMORY),
        order: Some(identity::tick_order(installation, key)),
        // What a tick says, its job says.
        payload: "{}".into(),
        trace: invocation.trace().clone(),
        app_token: invocation.living_app_token().cloned(),
    }
}
