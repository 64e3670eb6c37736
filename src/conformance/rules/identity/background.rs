//! What bodies of events and ticks say of where they belong.

use serde_json::{Value, json};

use super::{GROUP, said::with_claims};
use crate::conformance::{
    check::{Door, DoorKind, Run, fresh_id},
    platform::{Tenant, event},
    rule::{Miss, Outcome, Rule},
    rules::trail::{nothing_for, stays_at_home},
};

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    GROUP.must(
        "identity-not-from-event",
        "An event that names another installation or site is worked on for the FIT's, or not at all.",
        "Forge events: the request body; Forge Invocation Token: claims",
        "Take installation and site of an event from its FIT; of the body only what the event is about.",
        |run| Box::pin(event_body(run)),
    ),
    GROUP.must(
        "identity-not-from-tick",
        "A schedule's tick that names another site is worked on for the FIT's, or not at all.",
        "Forge scheduled triggers; Forge Invocation Token: claims",
        "Take installation and site of a tick from its FIT: its body is not documented, and may be empty.",
        |run| Box::pin(tick_body(run)),
    ),
];

async fn event_body(run: &Run) -> Outcome {
    let body = |door: &Door, other: &Tenant| match &door.kind {
        DoorKind::Event(event_type) => {
            let body = event(&run.platform, other, event_type, &fresh_id());
            Some(with_claims(body, other, other.user()))
        }
        _ => None,
    };
    in_background(run, body, "an event").await
}

async fn tick_body(run: &Run) -> Outcome {
    let body = |door: &Door, other: &Tenant| match &door.kind {
        DoorKind::Schedule(key) => {
            let context = json!({"cloudId": other.cloud_id(), "moduleKey": key});
            let body = json!({ "context": context });
            Some(with_claims(body, other, other.user()))
        }
        _ => None,
    };
    in_background(run, body, "a tick").await
}

/// Sends bodies that name another tenant with good FITs, and looks at what is done then.
async fn in_background(
    run: &Run,
    body: impl Fn(&Door, &Tenant) -> Option<Value>,
    what: &str,
) -> Outcome {
    let mut works = false;
    for door in run.backend_doors() {
        let (tenant, other) = (run.tenant(), run.tenant());
        let Some(body) = body(door, &other) else {
            continue;
        };
        let call = run.good(door, &tenant).json(&body);
        let call = call.with(format!("{what} that names another installation and site"));
        run.answer(&call).await?;
        works |= works_in_background(run, door).await?;
        let (silence, patience) = (run.limits.silence, run.limits.handled);
        let journal = run.platform.journal();
        let seen = journal.until_quiet(&tenant, silence, patience).await;
        stays_at_home(&call, &seen, &tenant)?;
        nothing_for(run, &call, &other, 0)?;
    }
    if works {
        return Ok(());
    }
    let why = format!("{what} as it should be does not make the remote call the platform");
    Err(Miss::not_exercised(why))
}

/// Whether a good call there makes the remote call the platform, sooner or later.
async fn works_in_background(run: &Run, door: &Door) -> Result<bool, Miss> {
    let tenant = run.tenant();
    if !run.answer(&run.good(door, &tenant)).await?.is_success() {
        return Ok(false);
    }
    // Events of the app's life need not make work: nobody waits long for that.
    let patience = match &door.kind {
        DoorKind::Event(_) if !door.is_product_event() => run.limits.silence,
        _ => run.limits.handled,
    };
    let journal = run.platform.journal();
    let seen = journal.until(&tenant, patience, |seen| !seen.is_empty());
    Ok(!seen.await.is_empty())
}
