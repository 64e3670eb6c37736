//! The remote is killed and started again.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{GROUP, serves};
use crate::conformance::{
    check::{Run, describe_work, is_change},
    platform::{Fault, On, Tenant},
    rule::{Miss, Outcome, Rule, alone},
};

const DELIVERY: &str = "Forge events: delivery";

/// Events that are acknowledged and cannot be finished before the restart.
const EVENTS: usize = 10;

pub(super) static RULES: &[Rule] = &[
    alone(GROUP.must(
        "restart-fits-accepted",
        "After a restart the remote accepts good FITs within 30 s.",
        "Forge Invocation Token: keys",
        "Fetch the key set when you start or when the first FIT comes, and need nothing else to serve.",
        |run| Box::pin(accepted(run)),
    )),
    alone(GROUP.should(
        "restart-redelivery-handled-once",
        "An event that was handled before a restart is not handled again when it is delivered after it.",
        "Forge events: retryContext",
        "Keep on disk for some minutes which events you have taken: a redelivery comes up to four minutes later.",
        |run| Box::pin(once(run)),
    )),
    alone(GROUP.must(
        "restart-events-handled",
        "Events that were acknowledged and not handled when the remote was killed are handled within 70 s after the restart.",
        DELIVERY,
        "Acknowledge an event when it is on disk, or in a queue that outlives you, and not before.",
        |run| Box::pin(handled(run)),
    )),
];

/// A restart, and what stood before it: played once for all rules about it.
pub(in crate::conformance) struct RestartPlay {
    restarted: Outcome,
    at: Instant,
    /// Installations with an acknowledged event that was not handled, and what each had asked.
    held: Vec<(Tenant, usize)>,
    /// An event that was handled.
    done: Option<Done>,
}

struct Done {
    tenant: Tenant,
    body: Value,
    calls: usize,
}

impl RestartPlay {
    pub(in crate::conformance) async fn of(run: &Run) -> Self {
        let done = done(run).await;
        let held = held(run).await;
        let restarted = run.restart().await;
        // What the remote asked before it was killed got no answer and counts for nothing.
        let counts = |tenant: &Tenant| run.platform.journal().of(tenant).len();
        let held: Vec<_> = held
            .into_iter()
            .map(|it| (it.clone(), counts(&it)))
            .collect();
        for (it, _) in &held {
            hold(it, Fault::None);
        }
        Self {
            restarted,
            at: Instant::now(),
            held,
            done,
        }
    }

    fn restarted(&self) -> Outcome {
        match &self.restarted {
            Ok(()) => Ok(()),
            Err(Miss::Failed(failure)) => Err(Miss::Failed(failure.clone())),
            Err(Miss::NotExercised(why)) => Err(Miss::NotExercised(why.clone())),
        }
    }
}

async fn play(run: &Run) -> &RestartPlay {
    run.restart_play.get_or_init(|| RestartPlay::of(run)).await
}

async fn accepted(run: &Run) -> Outcome {
    play(run).await.restarted()?;
    serves(run, &run.tenant(), "after a restart").await
}

/// Nothing of Atlassian gives this tenant an answer that work could be finished with.
fn hold(tenant: &Tenant, fault: Fault) {
    for on in [On::Products, On::Storage, On::Exchange] {
        tenant.fault(on, fault);
    }
}

/// Installations of which an event is acknowledged and cannot be finished.
async fn held(run: &Run) -> Vec<Tenant> {
    let Ok(worker) = run.event_worker().await else {
        return Vec::new();
    };
    let mut tenants: Vec<Tenant> = (0..EVENTS).map(|_| run.tenant()).collect();
    for tenant in &tenants {
        hold(tenant, Fault::Silent);
    }
    let calls = tenants.iter().map(|tenant| run.good(&worker.door, tenant));
    let calls: Vec<_> = calls.collect();
    let answers = calls
        .iter()
        .map(|call| run.ask_within(call, run.limits.event));
    let mut answers = join_all(answers).await.into_iter();
    tenants.retain(|_| matches!(answers.next(), Some(Ok(answer)) if answer.is_success()));
    tenants
}

/// An event that is handled, as far as can be seen.
async fn done(run: &Run) -> Option<Done> {
    let door = &run.event_worker().await.ok()?.door;
    let tenant = run.tenant();
    let body = run.body_for(door, &tenant);
    run.success(&run.deliver(door, &tenant, &body)).await.ok()?;
    run.until_worked(&tenant, 0).await.then_some(())?;
    let calls = run.quiet_work(&tenant, 0).await.len();
    Some(Done {
        tenant,
        body,
        calls,
    })
}

async fn handled(run: &Run) -> Outcome {
    run.event_worker().await?;
    let play = play(run).await;
    play.restarted()?;
    if play.held.is_empty() {
        return Err(Miss::not_exercised(
            "no event is acknowledged while the product does not answer",
        ));
    }
    let patience = run.limits.recovered;
    let deadline = play.at + patience;
    let mut lost = 0;
    for (tenant, before) in &play.held {
        let left = deadline.saturating_duration_since(Instant::now());
        lost += usize::from(!run.worked_within(tenant, *before, left).await);
    }
    if lost == 0 {
        return Ok(());
    }
    let of = play.held.len();
    Err(Miss::failed(
        format!("{EVENTS} events while the product does not answer, then a restart"),
        format!("{of} were acknowledged, and {lost} of these not handled within {patience:?}"),
    ))
}

async fn once(run: &Run) -> Outcome {
    let door = &run.event_worker().await?.door;
    let play = play(run).await;
    play.restarted()?;
    let Some(Done {
        tenant,
        body,
        calls,
    }) = &play.done
    else {
        return Err(Miss::not_exercised(
            "no event was worked on before the restart",
        ));
    };
    run.quiet_work(tenant, 0).await;
    let before = run.platform.journal().of(tenant).len();
    let mut body = body.clone();
    body["retryContext"] =
        json!({"retryCount": 1, "retryReason": "TIMEOUT_ERROR", "retryData": null});
    let call = run.deliver(door, tenant, &body);
    let call = call.with("a redelivery, after a restart");
    run.success(&call).await?;
    let again = run.quiet_work(tenant, before).await;
    let changes = again.iter().any(|seen| is_change(seen));
    if again.is_empty() || !changes && again.len() < *calls {
        return Ok(());
    }
    Err(Miss::failed(call.describe(), describe_work(&again)))
}
