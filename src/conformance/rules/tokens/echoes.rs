//! Tokens that come back to the caller.

use super::GROUP;
use crate::conformance::{
    check::{DoorKind, Run},
    platform::{Fault, Kind, On, Tenant},
    rule::{Miss, Outcome, Rule},
    wire::{Answer, Call},
};

const NEVER: &str = "Forge OAuth tokens: rules; never log or forward the tokens";

pub(in crate::conformance::rules) static RULES: &[Rule] = &[
    GROUP.must(
        "token-not-in-answers",
        "No answer holds an OAuth token, an exchanged one, or the FIT.",
        NEVER,
        "Answer with what the page needs, and never with request headers or whole objects of your framework.",
        |run| Box::pin(answers(run)),
    ),
    GROUP.must(
        "token-not-in-errors",
        "No error holds a token, whatever went wrong.",
        NEVER,
        "Give errors a text of your own; keep requests and their headers out of what your framework writes into them.",
        |run| Box::pin(errors(run)),
    ),
    GROUP.must(
        "token-not-in-echoed-errors",
        "When a product's error repeats the token, the caller does not get it.",
        NEVER,
        "Do not pass errors of products on as they came: take status and message apart, and write your own.",
        |run| Box::pin(echoed(run)),
    ),
];

/// What the FIT of a call is worth: its signature stands for it.
fn secrets(run: &Run, tenant: &Tenant, fit: &str) -> Vec<(&'static str, String)> {
    let tokens = run.platform.tokens_of(tenant).into_iter();
    let mut secrets: Vec<_> = tokens.map(|token| ("an OAuth token", token)).collect();
    let signature = fit.rsplit('.').next().unwrap_or_default();
    secrets.push(("the FIT", signature.to_owned()));
    secrets
}

fn keeps_quiet(run: &Run, tenant: &Tenant, fit: &str, call: &Call, answer: &Answer) -> Outcome {
    let secrets = secrets(run, tenant, fit);
    match secrets.iter().find(|(_, secret)| answer.holds(secret)) {
        Some((what, _)) => {
            let came = format!("{} in the answer: {}", what, answer.describe());
            Err(Miss::failed(call.describe(), came))
        }
        None => Ok(()),
    }
}

async fn answers(run: &Run) -> Outcome {
    run.door().await?;
    for probed in run.probed().await.iter().filter(|it| it.is_healthy()) {
        let tenant = run.tenant();
        let fit = run.fit(&probed.door, &tenant).token();
        let call = run.call(&probed.door, &tenant).fit(&fit);
        let call = call.with("a good FIT");
        let answer = run.answer(&call).await?;
        keeps_quiet(run, &tenant, &fit, &call, &answer)?;
    }
    Ok(())
}

async fn errors(run: &Run) -> Outcome {
    let page = run.door().await?;
    let tenant = run.tenant();
    let fit = run.fit(page, &tenant).token();
    let good = run.call(page, &tenant).fit(&fit);
    let mut calls = vec![
        good.clone()
            .target("/there/is/nothing/here")
            .with("a good FIT"),
        good.clone().method("PATCH").with("a good FIT"),
        good.clone().with("two FITs").fit(&fit),
    ];
    let reads = |door: &&crate::conformance::check::Door| {
        door.body.is_some() || matches!(door.kind, DoorKind::Event(_))
    };
    if let Some(door) = run.doors().iter().find(reads) {
        let fit = run.fit(door, &tenant).token();
        let call = run.call(door, &tenant).fit(&fit).body("{\"half\": ");
        let call = call.with("half a JSON");
        let answer = run.answer(&call).await?;
        keeps_quiet(run, &tenant, &fit, &call, &answer)?;
    }
    let expired = run.fit(page, &tenant).expires_in(&run.platform, -600);
    let expired = expired.token();
    let call = run.call(page, &tenant).fit(&expired).with("an expired FIT");
    let answer = run.answer(&call).await?;
    keeps_quiet(run, &tenant, &expired, &call, &answer)?;
    for call in calls.drain(..) {
        let answer = run.answer(&call).await?;
        keeps_quiet(run, &tenant, &fit, &call, &answer)?;
    }
    Ok(())
}

async fn echoed(run: &Run) -> Outcome {
    let mut tried = false;
    for probed in run.ui_doors().await? {
        for (on, kind) in [
            (On::Products, Kind::Product),
            (On::Storage, Kind::Storage),
            (On::Exchange, Kind::Exchange),
        ] {
            if !probed.asked(kind) {
                continue;
            }
            tried = true;
            for status in [400, 401, 403, 404, 500] {
                let tenant = run.tenant();
                tenant.fault(on, Fault::Echo(status));
                let fit = run.fit(&probed.door, &tenant).token();
                let call = run.call(&probed.door, &tenant).fit(&fit);
                let what =
                    format!("a good FIT, while the platform repeats the token with {status}");
                let call = call.with(what);
                let answered = run.ask_within(&call, run.limits.ui).await;
                let answer =
                    answered.map_err(|none| Miss::failed(call.describe(), none.to_string()))?;
                keeps_quiet(run, &tenant, &fit, &call, &answer)?;
            }
        }
    }
    if tried {
        return Ok(());
    }
    Err(Miss::not_exercised(
        "no --ui-path makes the remote call the platform",
    ))
}
