//! Products and the gateway that are slow, broken or full.

use std::time::Duration;

use futures_util::future::join_all;

use super::GROUP;
use crate::conformance::{
    check::Run,
    platform::{Fault, Kind, On},
    rule::{Miss, Outcome, Rule},
};

const TIMES: &str = "Forge limits: time";
const ANSWERS: &str = "Forge request contract: what the remote answers";

/// Calls that hang at a product at the same time.
const HANGING: usize = 20;
/// What a product says in `Retry-After`.
const WAIT: u64 = 2;

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "product-slow-holds-up-nobody",
        "While twenty calls of one site wait for a slow product, another site's are answered within 5 s, and those twenty within 25 s.",
        TIMES,
        "Hold no lock and no small pool while you wait for a product, and bound each outgoing call.",
        |run| Box::pin(slow(run)),
    ),
    GROUP.must(
        "product-failure-passes",
        "After a product has cut connections, sent half a JSON, 500 and 503, it is used again once it is well.",
        ANSWERS,
        "Keep no failure for longer than a few seconds, and only for the site and product that failed.",
        |run| Box::pin(recovers(run)),
    ),
    GROUP.must(
        "gateway-down-answered",
        "While the gateway is down, a call that needs it is answered with an error in JSON, and other pages go on.",
        "Forge offline impersonation: errors",
        "Answer 502 or 503 with a JSON body when a token cannot be exchanged.",
        |run| Box::pin(gateway(run)),
    ),
    GROUP.should(
        "event-failure-tried-again",
        "When a product fails while an acknowledged event is handled, the remote tries again by itself.",
        "Forge lifecycle events: eventual consistency",
        "Keep what you acknowledged until it is done, and try again with growing delays.",
        |run| Box::pin(tried_again(run)),
    ),
    GROUP.should(
        "event-retry-after-respected",
        "When a product answers 429 with `Retry-After`, the remote does not ask it again sooner.",
        "Forge product APIs: rate limits",
        "Wait as long as `Retry-After` says before you ask that site's product again.",
        |run| Box::pin(limited(run)),
    ),
];

async fn slow(run: &Run) -> Outcome {
    let door = &run.product_door().await?.door;
    let (slow, other) = (run.tenant(), run.tenant());
    // 10 of the 25 s.
    slow.fault(On::Products, Fault::Slow(run.limits.ui * 2 / 5));
    let calls: Vec<_> = (0..HANGING).map(|_| run.good(door, &slow)).collect();
    let hanging = calls.iter().map(|call| run.ask_within(call, run.limits.ui));
    let hanging = join_all(hanging);
    let others = async {
        // Not before the product was asked for the first of them.
        let asked = |seen: &[std::sync::Arc<_>]| !seen.is_empty();
        let journal = run.platform.journal();
        journal.until(&slow, run.limits.event, asked).await;
        for _ in 0..5 {
            let call = run.good(door, &other);
            let call = call.with("a good FIT, while another site's product is slow");
            match run.ask_within(&call, run.limits.event).await {
                Ok(answer) if answer.is_success() => {}
                Ok(answer) => return Err(Miss::failed(call.describe(), answer.describe())),
                Err(none) => return Err(Miss::failed(call.describe(), none.to_string())),
            }
        }
        Ok(())
    };
    let (answers, others) = tokio::join!(hanging, others);
    others?;
    for answered in answers {
        let sent = format!("{HANGING} calls while the product takes its time");
        match answered {
            Ok(answer) if answer.is_success() || answer.json().is_some() => {}
            Ok(answer) => return Err(Miss::failed(sent, answer.describe())),
            Err(none) => return Err(Miss::failed(sent, none.to_string())),
        }
    }
    Ok(())
}

async fn recovers(run: &Run) -> Outcome {
    let door = &run.product_door().await?.door;
    let tenant = run.tenant();
    for fault in [
        Fault::Cut,
        Fault::Malformed,
        Fault::Status(500),
        Fault::Status(503),
    ] {
        tenant.fault(On::Products, fault);
        for _ in 0..6 {
            run.answer(&run.good(door, &tenant)).await?;
        }
        tenant.fault(On::Products, Fault::None);
        let deadline = tokio::time::Instant::now() + run.limits.handled;
        loop {
            let call = run.good(door, &tenant);
            let call = call.with(format!("a good FIT after the product's {fault:?} is over"));
            let answer = run.answer(&call).await?;
            if answer.is_success() {
                break;
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(Miss::failed(call.describe(), answer.describe()));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
    Ok(())
}

async fn gateway(run: &Run) -> Outcome {
    let doors = run.ui_doors().await?;
    let Some(exchanging) = doors.into_iter().find(|it| it.asked(Kind::Exchange)) else {
        return Err(Miss::not_exercised(
            "no --ui-path makes the remote exchange a token",
        ));
    };
    for fault in [
        Fault::Status(503),
        Fault::Html,
        Fault::Cut,
        Fault::Malformed,
    ] {
        let tenant = run.tenant();
        tenant.fault(On::Exchange, fault);
        let call = run.good(&exchanging.door, &tenant);
        let call = call.with(format!("a good FIT, while the gateway has {fault:?}"));
        let answer = match run.ask_within(&call, run.limits.ui).await {
            Ok(answer) => answer,
            Err(none) => return Err(Miss::failed(call.describe(), none.to_string())),
        };
        if answer.is_success() || answer.status == 401 || answer.json().is_none() {
            return Err(Miss::failed(call.describe(), answer.describe()));
        }
        super::serves(run, &tenant, "while the gateway is down").await?;
    }
    Ok(())
}

async fn tried_again(run: &Run) -> Outcome {
    let door = &run.event_worker().await?.door;
    let tenant = run.tenant();
    for on in [On::Products, On::Storage] {
        tenant.fault(on, Fault::Status(503));
    }
    let call = run.good(door, &tenant);
    run.success(&call).await?;
    if !run.until_worked(&tenant, 0).await {
        return Err(Miss::not_exercised("this event was not worked on"));
    }
    for on in [On::Products, On::Storage] {
        tenant.fault(on, Fault::None);
    }
    let before = run.platform.journal().of(&tenant).len();
    if run.until_worked(&tenant, before).await {
        return Ok(());
    }
    Err(Miss::failed(
        call.with("the product down at first").describe(),
        format!("2xx, and no second try within {:?}", run.limits.handled),
    ))
}

async fn limited(run: &Run) -> Outcome {
    let door = &run.event_worker().await?.door;
    let tenant = run.tenant();
    tenant.fault(On::Products, Fault::Limited(WAIT));
    let call = run.good(door, &tenant).with("the product answering 429");
    run.success(&call).await?;
    let asks = |seen: &[std::sync::Arc<crate::conformance::platform::Seen>], least: usize| {
        seen.iter()
            .filter(|seen| seen.kind == Kind::Product)
            .count()
            >= least
    };
    let journal = run.platform.journal();
    let first = |seen: &[_]| asks(seen, 1);
    if !first(&journal.until(&tenant, run.limits.handled, first).await) {
        return Err(Miss::not_exercised(
            "no event makes the remote call a product",
        ));
    }
    // A little earlier than told is as good as in time.
    let wait = Duration::from_secs(WAIT) * 9 / 10;
    let second = |seen: &[_]| asks(seen, 2);
    let seen = journal.until(&tenant, wait, second).await;
    tenant.fault(On::Products, Fault::None);
    if second(&seen) {
        let came = format!("asked again before {WAIT} s were over");
        return Err(Miss::failed(call.describe(), came));
    }
    Ok(())
}
