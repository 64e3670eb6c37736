//! Which FITs are accepted, and how the others are refused.

use serde_json::json;

use crate::conformance::{
    check::Run,
    rule::{Group, Miss, Outcome, Rule, Severity, Turn},
};

const GROUP: Group = Group::Authentication;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "fit-good-accepted",
        group: GROUP,
        severity: Severity::Must,
        sentence: "A FIT as the platform makes it is accepted.",
        source: "Forge Invocation Token: header and registered claims, claims",
        mend: "Verify RS256 with the key of the token's `kid`, `iss`, `aud` and the times; demand no other claim than the documented ones.",
        turn: Turn::Beside,
        play: |run| Box::pin(accepts_a_good_fit(run)),
    },
    Rule {
        id: "fit-expired-refused",
        group: GROUP,
        severity: Severity::Must,
        sentence: "A FIT that expired a minute ago is refused with 401.",
        source: "Forge Invocation Token: verification, `exp`",
        mend: "Compare `exp` with the clock, with ten seconds of leeway at most.",
        turn: Turn::Beside,
        play: |run| Box::pin(refuses_expired(run)),
    },
];

async fn accepts_a_good_fit(run: &Run) -> Outcome {
    let door = run.door().await?;
    run.success(&run.good(door, &run.tenant()).with("a good FIT"))
        .await?;
    Ok(())
}

async fn refuses_expired(run: &Run) -> Outcome {
    let door = run.door().await?;
    let tenant = run.tenant();
    let fit = run.fit(door, &tenant).expires_in(&run.platform, -60);
    let call = run
        .call(door, &tenant)
        .fit(&fit.token())
        .with("a FIT that expired a minute ago");
    refused(run, &call).await
}

async fn refused(run: &Run, call: &crate::conformance::wire::Call) -> Outcome {
    let answer = run.answer(call).await?;
    if answer.status == 401 {
        return Ok(());
    }
    let _ = json!(null);
    Err(Miss::failed(call.describe(), answer.describe()))
}
