//! What comes twice is done once, and two things are two.

use serde_json::{Value, json};

use super::GROUP;
use crate::conformance::{
    check::{Door, Run, describe_work, is_change},
    platform::Tenant,
    rule::{Miss, Outcome, Rule},
};

const RETRIES: &str = "Forge events: retryContext";
const DELIVERY: &str = "Forge events: delivery";
const DUPLICATES: &str = "Forge scheduled triggers: duplicates";

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "event-redelivery-changes-once",
        "A redelivery of an event, flat or wrapped, changes nothing a second time.",
        RETRIES,
        "Know an event again by a digest of its body without `retryContext`, and its installation.",
        |run| Box::pin(redelivery_changes(run)),
    ),
    GROUP.should(
        "event-redelivery-handled-once",
        "A redelivery of an event that was handled is not worked on again.",
        RETRIES,
        "Know an event again by a digest of its body without `retryContext`, and its installation.",
        |run| Box::pin(redelivery_works(run)),
    ),
    GROUP.must(
        "event-different-both-handled",
        "Two events about different things are both handled, and so is the same event of two installations.",
        DELIVERY,
        "Compare whole events: type and installation alone are the same for many.",
        |run| Box::pin(both_events(run)),
    ),
    GROUP.must(
        "schedule-twice-changes-once",
        "A tick that comes twice changes nothing a second time.",
        DUPLICATES,
        "Keep the last run of each installation and schedule, and skip a tick of the same time slot.",
        |run| Box::pin(tick_changes(run)),
    ),
    GROUP.should(
        "schedule-twice-runs-once",
        "A tick that comes twice is worked on once.",
        DUPLICATES,
        "Keep the last run of each installation and schedule, and skip a tick of the same time slot.",
        |run| Box::pin(tick_works(run)),
    ),
    GROUP.must(
        "schedule-installations-each-run",
        "Ticks of two installations at the same time are both worked on.",
        "Forge scheduled triggers: request",
        "Tell ticks apart by their installation: each gets its own.",
        |run| Box::pin(both_ticks(run)),
    ),
];

/// What was done for a first call, and for the same ones after it.
struct Twice {
    sent: String,
    first: Vec<std::sync::Arc<crate::conformance::platform::Seen>>,
    again: Vec<std::sync::Arc<crate::conformance::platform::Seen>>,
}

impl Twice {
    /// Nothing is changed again. The same thing set to the same value is no change.
    fn changes_once(&self) -> Outcome {
        let changes = self.first.iter().filter(|seen| is_change(seen)).count();
        if changes == 0 {
            return Err(Miss::not_exercised(
                "the remote changes nothing at Atlassian when it handles this",
            ));
        }
        let known = |seen: &crate::conformance::platform::Seen| {
            let sets = seen.path.ends_with("/set") || seen.method == "PUT";
            sets && self
                .first
                .iter()
                .any(|it| it.path == seen.path && it.body == seen.body)
        };
        let mut again = self.again.iter();
        match again.find(|seen| is_change(seen) && !known(seen)) {
            Some(seen) => Err(Miss::failed(
                &self.sent,
                format!("again: {}", seen.describe()),
            )),
            None => Ok(()),
        }
    }

    /// Fewer calls than at first: one may be needed to find out that it was done.
    fn works_once(&self) -> Outcome {
        let writes = self.again.iter().any(|seen| is_change(seen));
        if self.again.is_empty() || !writes && self.again.len() < self.first.len() {
            return Ok(());
        }
        Err(Miss::failed(&self.sent, describe_work(&self.again)))
    }
}

/// An event, then its redeliveries in both forms.
async fn redelivered(run: &Run) -> Result<Twice, Miss> {
    let door = &run.event_worker().await?.door;
    let tenant = run.tenant();
    let body = run.body_for(door, &tenant);
    let first = first_of(run, door, &tenant, &body).await?;
    let before = run.platform.journal().of(&tenant).len();
    let mut flat = body.clone();
    flat["retryContext"] =
        json!({"retryCount": 1, "retryReason": "TIMEOUT_ERROR", "retryData": null});
    let mut second = body;
    second["retryContext"] = json!({"retryCount": 2,
        "retryReason": "INVALID_REMOTE_INVOCATION_ERROR", "retryData": null});
    for (what, body) in [
        ("a redelivery", flat),
        ("a second redelivery, wrapped", json!({ "payload": second })),
    ] {
        let call = run.deliver(door, &tenant, &body).with(what);
        run.success(&call).await?;
    }
    Ok(Twice {
        sent: format!("an event at {}, and two redeliveries of it", door.name()),
        first,
        again: run.quiet_work(&tenant, before).await,
    })
}

/// The work for this body, which has to be some.
async fn first_of(
    run: &Run,
    door: &Door,
    tenant: &Tenant,
    body: &Value,
) -> Result<Vec<std::sync::Arc<crate::conformance::platform::Seen>>, Miss> {
    let before = run.platform.journal().of(tenant).len();
    let call = run.deliver(door, tenant, body);
    run.success(&call).await?;
    if !run.until_worked(tenant, before).await {
        return Err(Miss::failed(
            call.describe(),
            "2xx, and nothing was done about it",
        ));
    }
    Ok(run.quiet_work(tenant, before).await)
}

async fn redelivery_changes(run: &Run) -> Outcome {
    redelivered(run).await?.changes_once()
}

async fn redelivery_works(run: &Run) -> Outcome {
    redelivered(run).await?.works_once()
}

async fn both_events(run: &Run) -> Outcome {
    let door = &run.event_worker().await?.door;
    if !door.is_product_event() {
        return Err(Miss::not_exercised(
            "no product's event makes the remote call a product or storage",
        ));
    }
    let (tenant, other) = (run.tenant(), run.tenant());
    let body = run.body_for(door, &tenant);
    first_of(run, door, &tenant, &body).await?;
    // About something else, then the very same one of another installation.
    first_of(run, door, &tenant, &run.body_for(door, &tenant)).await?;
    first_of(run, door, &other, &body).await?;
    Ok(())
}

/// A tick of an installation that has been used, and the same again with a FIT of its own.
async fn ticked(run: &Run) -> Result<Twice, Miss> {
    let door = &run.tick_worker().await?.door;
    let tenant = run.tenant();
    run.live_in(&tenant).await;
    let before = run.platform.journal().of(&tenant).len();
    run.success(&run.good(door, &tenant)).await?;
    if !run.until_worked(&tenant, before).await {
        return Err(Miss::failed(
            door.name(),
            "2xx, and nothing was done about it",
        ));
    }
    let first = run.quiet_work(&tenant, before).await;
    let before = run.platform.journal().of(&tenant).len();
    for _ in 0..2 {
        run.success(&run.good(door, &tenant)).await?;
    }
    Ok(Twice {
        sent: format!("three ticks in a row at {}", door.name()),
        first,
        again: run.quiet_work(&tenant, before).await,
    })
}

async fn tick_changes(run: &Run) -> Outcome {
    ticked(run).await?.changes_once()
}

async fn tick_works(run: &Run) -> Outcome {
    ticked(run).await?.works_once()
}

async fn both_ticks(run: &Run) -> Outcome {
    let door = &run.tick_worker().await?.door;
    let tenants = [run.tenant(), run.tenant()];
    let mut before = Vec::new();
    for tenant in &tenants {
        run.live_in(tenant).await;
        before.push(run.platform.journal().of(tenant).len());
    }
    for tenant in &tenants {
        run.success(&run.good(door, tenant)).await?;
    }
    for (tenant, before) in tenants.iter().zip(before) {
        if !run.until_worked(tenant, before).await {
            let sent = format!("ticks of two installations at {}", door.name());
            return Err(Miss::failed(
                sent,
                "2xx, and nothing was done about one of them",
            ));
        }
    }
    Ok(())
}
