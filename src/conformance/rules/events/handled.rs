//! What was acknowledged is handled, for whom it came, and nothing else is.

use futures_util::future::join_all;

use super::{GROUP, some};
use crate::conformance::{
    check::{Run, describe_work},
    platform::{Bearer, Seen, Speaker, Tenant},
    rule::{Miss, Outcome, Rule, alone},
    wire::Answered,
};

const DELIVERY: &str = "Forge events: delivery";

/// For each second of the time for an answer: what a site does in a moment when somebody changes many pages.
const BURST: usize = 12;
/// Likewise: more than a remote has to take at once.
const OVERLOAD: usize = 50;

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "event-bad-fit-does-nothing",
        "Events, ticks and uninstalls with a bad FIT are refused with 401, and nothing comes of them.",
        "Forge Invocation Token: verification",
        "Verify the FIT before you write an event down.",
        |run| Box::pin(bad_fit(run)),
    ),
    GROUP.must(
        "event-handled-with-own-token",
        "What an event leads to is done with a token of its own installation, whatever its body says.",
        "Forge OAuth tokens: x-forge-oauth-system",
        "Keep tokens by the FIT's `installationId`, and take no site from the body.",
        |run| Box::pin(own_token(run)),
    ),
    alone(GROUP.must(
        "event-acknowledged-under-load",
        "Sixty events at once are each acknowledged with 2xx within 5 s.",
        DELIVERY,
        "Write events down together, and answer before you work on them.",
        |run| Box::pin(under_load(run)),
    )),
    alone(GROUP.must(
        "event-overload-honest",
        "Of 250 events at once each is answered within 5 s, and each that is acknowledged is handled.",
        DELIVERY,
        "Answer 429 or 503 to what you cannot keep: it is sent again. Never acknowledge what you drop.",
        |run| Box::pin(overload(run)),
    )),
];

async fn bad_fit(run: &Run) -> Outcome {
    let why = "the manifest has no event, schedule or uninstall endpoint";
    let tenant = run.tenant();
    let foreign = run.platform.keys().foreign();
    for door in some(run.backend_doors(), why)? {
        let fit = run.fit(door, &tenant);
        let wrong_audience = fit
            .clone()
            .claim("/aud", serde_json::json!("ari:cloud:ecosystem::app/0"));
        for (what, token) in [
            (
                "an expired FIT",
                fit.clone().expires_in(&run.platform, -600).token(),
            ),
            (
                "a FIT by another key",
                fit.clone().forged_by(&foreign).token(),
            ),
            ("a FIT for another app", wrong_audience.token()),
            ("a FIT that is none", "no.fit.here".to_owned()),
        ] {
            let call = run.call(door, &tenant).fit(&token).with(what);
            let answer = run.answer(&call).await?;
            if answer.status != 401 {
                return Err(Miss::failed(call.describe(), answer.describe()));
            }
        }
    }
    let work = run.quiet_work(&tenant, 0).await;
    if work.is_empty() {
        return Ok(());
    }
    Err(Miss::failed(
        "bad FITs at the platform's paths",
        describe_work(&work),
    ))
}

async fn own_token(run: &Run) -> Outcome {
    let worker = run.event_worker().await?;
    let (one, other) = (run.tenant(), run.tenant());
    let mut body = run.body_for(&worker.door, &one);
    body["context"] = serde_json::json!({"cloudId": other.cloud_id(),
        "installationId": other.installation()});
    body["workspaceId"] =
        serde_json::json!(format!("ari:cloud:confluence::site/{}", other.cloud_id()));
    let call = run.deliver(&worker.door, &one, &body);
    let call = call.with("an event whose body names another installation's site");
    let second = run.good(&worker.door, &other).with("an event of the other");
    let (first, second) = tokio::join!(run.success(&call), run.success(&second));
    first?;
    second?;
    for tenant in [&one, &other] {
        if !run.until_worked(tenant, 0).await {
            return Err(Miss::failed(
                call.describe(),
                "2xx, and nothing was done about it",
            ));
        }
        let work = run.quiet_work(tenant, 0).await;
        if let Some(seen) = work.iter().find(|seen| !is_own(seen, tenant)) {
            return Err(Miss::failed(call.describe(), seen.describe()));
        }
    }
    // One event each: whoever takes the site from the body has worked twice there.
    let works = [&one, &other].map(|tenant| run.platform.journal().of(tenant));
    let astray = works.iter().flatten().find(|seen| {
        let site = seen.cloud.as_deref();
        let of = |tenant: &Tenant| seen.installation.as_deref() == Some(&*tenant.installation());
        of(&one) && site == Some(other.cloud_id()) || of(&other) && site == Some(one.cloud_id())
    });
    match astray {
        Some(seen) => Err(Miss::failed(call.describe(), seen.describe())),
        None => Ok(()),
    }
}

/// Whether it was asked with a good token of this installation that an event may be handled with.
fn is_own(seen: &Seen, tenant: &Tenant) -> bool {
    matches!(&seen.bearer, Bearer::Of { installation, speaker, good: true, .. }
        if *installation == tenant.installation() && !matches!(speaker, Speaker::User(_)))
}

/// That many for each second that there is for an answer: fewer where the limits are shortened.
fn of(run: &Run, many: usize) -> usize {
    many * usize::try_from(run.limits.event.as_secs()).unwrap_or(1)
}

/// That many events of as many installations, all at once.
async fn burst(run: &Run, many: usize) -> Result<Vec<(Tenant, Answered)>, Miss> {
    let door = match run.event_worker().await {
        Ok(worker) => &worker.door,
        Err(_) => super::events(run)?[0],
    };
    let tenants: Vec<Tenant> = (0..many).map(|_| run.tenant()).collect();
    // Signed before, so that the remote's time is measured and not ours.
    let mut calls = Vec::with_capacity(many);
    for tenant in &tenants {
        calls.push(run.good(door, tenant));
        tokio::task::yield_now().await;
    }
    let answers = calls
        .iter()
        .map(|call| run.ask_within(call, run.limits.event));
    let answers = join_all(answers).await;
    Ok(tenants.into_iter().zip(answers).collect())
}

async fn under_load(run: &Run) -> Outcome {
    let sent = format!("{} events of as many installations at once", of(run, BURST));
    for (_, answered) in burst(run, of(run, BURST)).await? {
        match answered {
            Ok(answer) if answer.is_success() => {}
            Ok(answer) => return Err(Miss::failed(sent, answer.describe())),
            Err(none) => return Err(Miss::failed(sent, none.to_string())),
        }
    }
    Ok(())
}

async fn overload(run: &Run) -> Outcome {
    let sent = format!(
        "{} events of as many installations at once",
        of(run, OVERLOAD)
    );
    run.event_worker().await?;
    let mut acknowledged = Vec::new();
    for (tenant, answered) in burst(run, of(run, OVERLOAD)).await? {
        match answered {
            Ok(answer) if answer.is_success() => acknowledged.push(tenant),
            Ok(answer) if answer.status != 401 => {}
            Ok(answer) => return Err(Miss::failed(sent, answer.describe())),
            Err(none) => return Err(Miss::failed(sent, none.to_string())),
        }
    }
    all_handled(run, &sent, &acknowledged).await
}

/// Whether there is work for each of these, within the time that there is for all of them.
async fn all_handled(run: &Run, sent: &str, acknowledged: &[Tenant]) -> Outcome {
    let deadline = tokio::time::Instant::now() + run.limits.handled;
    let mut lost = 0;
    for tenant in acknowledged {
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        lost += usize::from(!run.worked_within(tenant, 0, left).await);
    }
    if lost == 0 {
        return Ok(());
    }
    let of = acknowledged.len();
    let patience = run.limits.handled;
    Err(Miss::failed(
        sent,
        format!("{of} were acknowledged, and {lost} of these not handled within {patience:?}"),
    ))
}
