//! The head of a request in every form that the platform and a browser give it.

use super::GROUP;
use crate::conformance::{
    check::Run,
    rule::{Outcome, Rule},
};

const HEADERS: &str = "Forge request contract: request headers";

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "headers-any-case",
        "Names of headers are taken in any case and any order.",
        HEADERS,
        "Look headers up by a framework that ignores case: on HTTP/2 they arrive in lower case, through proxies in any.",
        |run| Box::pin(any_case(run)),
    ),
    GROUP.must(
        "headers-b3-optional",
        "A request without `x-b3-traceid` and `x-b3-spanid` is served.",
        HEADERS,
        "Take the trace headers as optional: calls from a browser have none.",
        |run| Box::pin(no_b3(run)),
    ),
    GROUP.should(
        "headers-b3-forms",
        "A trace id of 64 or 128 bits is taken, and one that is none does no harm.",
        HEADERS,
        "Make a trace id of your own when there is none that you can read.",
        |run| Box::pin(b3_forms(run)),
    ),
    GROUP.should(
        "headers-many-taken",
        "Forty more headers and one of 8 KB are tolerated.",
        HEADERS,
        "Allow 32 KB of headers: the app's code may send its own beside the platform's.",
        |run| Box::pin(many(run)),
    ),
    GROUP.must(
        "query-unknown-tolerated",
        "A query that the remote does not know is tolerated.",
        "Forge request contract: URL of a request",
        "Ignore parameters that you do not know.",
        |run| Box::pin(query(run)),
    ),
];

async fn any_case(run: &Run) -> Outcome {
    let door = run.door().await?;
    let tenant = run.tenant();
    run.success(
        &run.good(door, &tenant)
            .spell(str::to_uppercase)
            .with("headers in capitals"),
    )
    .await?;
    let mixed = run
        .good(door, &tenant)
        .spell(mixed_case)
        .with("headers in mixed case");
    run.success(&mixed).await?;
    run.success(
        &run.good(door, &tenant)
            .reversed()
            .with("headers in reverse order"),
    )
    .await?;
    Ok(())
}

fn mixed_case(name: &str) -> String {
    let letters = name.chars().enumerate();
    letters
        .map(|(at, c)| {
            if at % 2 == 0 {
                c.to_ascii_uppercase()
            } else {
                c
            }
        })
        .collect()
}

async fn no_b3(run: &Run) -> Outcome {
    let tenant = run.tenant();
    let door = run.door().await?;
    for door in std::iter::once(door).chain(run.healthy_backend_doors().await) {
        let call = run
            .good(door, &tenant)
            .without("x-b3-traceid")
            .without("x-b3-spanid");
        run.success(&call.with("no B3 headers")).await?;
    }
    Ok(())
}

async fn b3_forms(run: &Run) -> Outcome {
    let door = run.door().await?;
    let tenant = run.tenant();
    for (what, id) in [
        ("a trace id of 64 bits", "463ac35c9f6413ad"),
        ("a trace id of 128 bits", "463ac35c9f6413ad48485a3953bb6124"),
        ("an empty trace id", ""),
        ("a trace id that is none", "not/hex'\"<script>"),
        ("a trace id of two thousand letters", &"a".repeat(2000)),
    ] {
        let call = run
            .good(door, &tenant)
            .without("x-b3-traceid")
            .header("x-b3-traceid", id);
        run.success(&call.with(what)).await?;
    }
    Ok(())
}

async fn many(run: &Run) -> Outcome {
    let door = run.door().await?;
    let mut call = run
        .good(door, &run.tenant())
        .header("x-app-large", &"v".repeat(8 * 1024));
    for number in 0..40 {
        call = call.header(&format!("x-app-{number}"), "of the app's own code");
    }
    run.success(&call.with("forty headers more, one of 8 KB"))
        .await?;
    Ok(())
}

async fn query(run: &Run) -> Outcome {
    let door = run.door().await?;
    let call = run.good(door, &run.tenant());
    let mark = if door.path.contains('?') { '&' } else { '?' };
    let target = format!(
        "{}{mark}unknown=1&empty=&%C3%A4=%E2%82%AC",
        call.full_target()
    );
    run.success(&call.target(&target)).await?;
    Ok(())
}
