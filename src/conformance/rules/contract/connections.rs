//! Connections that are kept, and methods that nobody serves.

use super::{GROUP, no_server_error};
use crate::conformance::{
    check::Run,
    rule::{Miss, Outcome, Rule},
    wire::Call,
};

pub(super) static RULES: &[Rule] = &[
    GROUP.should(
        "connection-kept-alive",
        "Two requests on one connection are both answered.",
        "Forge request contract: HTTP/1.1 (RFC 9112, 9.3)",
        "Keep connections open between requests.",
        |run| Box::pin(keep_alive(run)),
    ),
    GROUP.should(
        "preflight-without-fit",
        "A preflight is not refused for want of a FIT.",
        "Forge bridge: requestRemote, CORS",
        "Answer OPTIONS before the FIT is looked for: a browser sends none with it.",
        |run| Box::pin(preflight(run)),
    ),
    GROUP.should(
        "method-head-harmless",
        "HEAD and OPTIONS with a good FIT lead to no error of the server.",
        "Forge request contract: methods",
        "Answer 404 or 405 to methods that you do not serve.",
        |run| Box::pin(head(run)),
    ),
];

async fn keep_alive(run: &Run) -> Outcome {
    let door = run.door().await?;
    let tenant = run.tenant();
    let failed = |call: &Call, came: String| Miss::failed(call.describe(), came);
    let first = run
        .good(door, &tenant)
        .header("connection", "keep-alive")
        .with("the first request of a connection");
    let mut line = run
        .wire
        .open()
        .await
        .map_err(|none| failed(&first, none.to_string()))?;
    for number in 1..=3 {
        let call = run.good(door, &tenant).header("connection", "keep-alive");
        let call = call.with(format!("request {number} of a connection"));
        line.say(&call.bytes(&run.wire.host()))
            .await
            .map_err(|none| failed(&call, none.to_string()))?;
        let answer = line
            .hear(run.limits.ui)
            .await
            .map_err(|none| failed(&call, none.to_string()))?;
        if !answer.is_success() {
            return Err(failed(&call, answer.describe()));
        }
    }
    Ok(())
}

async fn preflight(run: &Run) -> Outcome {
    let doors = run.ui_doors().await?;
    for probed in doors {
        let call = run.tokenless(&probed.door, &run.tenant());
        let call = Call::bare("OPTIONS", call.path())
            .header("origin", "https://quarry.atlassian.net")
            .header("access-control-request-method", &probed.door.method)
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            )
            .with("a preflight's headers");
        let answer = run.answer(&call).await?;
        if matches!(answer.status, 401 | 500..) {
            return Err(Miss::failed(call.describe(), answer.describe()));
        }
    }
    Ok(())
}

async fn head(run: &Run) -> Outcome {
    let tenant = run.tenant();
    for probed in run.ui_doors().await? {
        for method in ["HEAD", "OPTIONS"] {
            let call = run
                .good(&probed.door, &tenant)
                .method(method)
                .with("a good FIT");
            let answer = run.answer(&call).await?;
            no_server_error(&call, &answer)?;
        }
    }
    Ok(())
}
