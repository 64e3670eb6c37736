//! Requests in every form that the platform and a browser give them.

use serde_json::json;

use super::{must, no_server_error, readers, should};
use crate::conformance::{
    check::{Door, DoorKind, Run, fresh_id},
    platform::event,
    rule::{Miss, Outcome, Rule},
    wire::Call,
};

const HEADERS: &str = "Forge request contract: request headers";
const EVENTS: &str = "Forge events: the HTTP request body";
const SCHEDULES: &str = "Forge scheduled triggers: body";

pub(super) static RULES: &[Rule] = &[
    must(
        "headers-any-case",
        "Names of headers are taken in any case and any order.",
        HEADERS,
        "Look headers up by a framework that ignores case: on HTTP/2 they arrive in lower case, through proxies in any.",
        |run| Box::pin(any_case(run)),
    ),
    must(
        "headers-b3-optional",
        "A request without `x-b3-traceid` and `x-b3-spanid` is served.",
        HEADERS,
        "Take the trace headers as optional: calls from a browser have none.",
        |run| Box::pin(no_b3(run)),
    ),
    should(
        "headers-b3-forms",
        "A trace id of 64 or 128 bits is taken, and one that is none does no harm.",
        HEADERS,
        "Make a trace id of your own when there is none that you can read.",
        |run| Box::pin(b3_forms(run)),
    ),
    should(
        "headers-many-taken",
        "Forty more headers and one of 8 KB are tolerated.",
        HEADERS,
        "Allow 32 KB of headers: the app's code may send its own beside the platform's.",
        |run| Box::pin(many(run)),
    ),
    must(
        "query-unknown-tolerated",
        "A query that the remote does not know is tolerated.",
        "Forge request contract: URL of a request",
        "Ignore parameters that you do not know.",
        |run| Box::pin(query(run)),
    ),
    must(
        "body-content-type-forms",
        "`application/json` is taken with a charset and in any case.",
        HEADERS,
        "Compare the media type without its parameters and without regard to case.",
        |run| Box::pin(content_types(run)),
    ),
    should(
        "body-chunked-taken",
        "A body that comes in chunks, without a length, is taken.",
        "Forge request contract: HTTP/1.1 (RFC 9112, 7.1)",
        "Do not demand `content-length`: proxies pass bodies on in chunks.",
        |run| Box::pin(chunked(run)),
    ),
    must(
        "schedule-empty-body-taken",
        "A tick is acknowledged with an empty body, with `{}`, and without a content type.",
        SCHEDULES,
        "Read the body of a tick leniently: what it holds is not documented.",
        |run| Box::pin(empty_tick(run)),
    ),
    must(
        "event-unknown-fields-taken",
        "An event with fields that nobody knows yet is acknowledged.",
        EVENTS,
        "Read the fields that you need and ignore the others.",
        |run| Box::pin(unknown_fields(run)),
    ),
    should(
        "event-unknown-type-taken",
        "An event of a type that the remote does not know is acknowledged.",
        "Forge events: an older version of the app may subscribe to what a newer one does not",
        "Acknowledge what you have no handler for: a refusal is sent again four times.",
        |run| Box::pin(unknown_type(run)),
    ),
    must(
        "event-redelivery-forms-taken",
        "A redelivery is acknowledged flat and wrapped in `payload`, whatever its reason is called.",
        "Forge events: retryContext",
        "If there is no `eventType`, look for it in `payload`; take `retryReason` as an open text.",
        |run| Box::pin(redelivery(run)),
    ),
    should(
        "connection-kept-alive",
        "Two requests on one connection are both answered.",
        "Forge request contract: HTTP/1.1 (RFC 9112, 9.3)",
        "Keep connections open between requests.",
        |run| Box::pin(keep_alive(run)),
    ),
    should(
        "preflight-without-fit",
        "A preflight is not refused for want of a FIT.",
        "Forge bridge: requestRemote, CORS",
        "Answer OPTIONS before the FIT is looked for: a browser sends none with it.",
        |run| Box::pin(preflight(run)),
    ),
    should(
        "method-head-harmless",
        "HEAD and OPTIONS with a good FIT lead to no error of the server.",
        "Forge request contract: methods",
        "Answer 404 or 405 to methods that you do not serve.",
        |run| Box::pin(head(run)),
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

async fn content_types(run: &Run) -> Outcome {
    let tenant = run.tenant();
    for door in readers(run).await? {
        for value in [
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "Application/JSON",
        ] {
            let call = run
                .good(door, &tenant)
                .without("content-type")
                .header("content-type", value);
            run.success(&call.with(format!("content-type: {value}")))
                .await?;
        }
    }
    Ok(())
}

async fn chunked(run: &Run) -> Outcome {
    let tenant = run.tenant();
    for door in readers(run).await? {
        let call = run.good(door, &tenant).in_chunks().with("a body in chunks");
        run.success(&call).await?;
    }
    Ok(())
}

async fn empty_tick(run: &Run) -> Outcome {
    let mut doors = run.healthy_backend_doors().await;
    doors.retain(|door| matches!(door.kind, DoorKind::Schedule(_)));
    if doors.is_empty() {
        return Err(Miss::not_exercised(
            "no endpoint of a scheduled trigger acknowledges a tick",
        ));
    }
    for door in doors {
        let good = |tenant| run.good(door, tenant).without("content-type");
        let (one, two, three) = (run.tenant(), run.tenant(), run.tenant());
        let json = "application/json";
        for call in [
            good(&one)
                .body("")
                .with("an empty body and no content type"),
            good(&two)
                .body("{}")
                .header("content-type", json)
                .with("the body {}"),
            good(&three)
                .body("{}")
                .with("the body {} and no content type"),
        ] {
            run.success(&call).await?;
        }
    }
    Ok(())
}

/// The doors of events, with an event of a type that each of them takes.
async fn events(run: &Run) -> Result<Vec<(&Door, &str)>, Miss> {
    let doors = run.healthy_backend_doors().await.into_iter();
    let events: Vec<_> = doors
        .filter_map(|door| match &door.kind {
            DoorKind::Event(event_type) => Some((door, event_type.as_str())),
            _ => None,
        })
        .collect();
    if events.is_empty() {
        return Err(Miss::not_exercised(
            "no endpoint of a trigger acknowledges an event",
        ));
    }
    Ok(events)
}

fn deliver(
    run: &Run,
    door: &Door,
    tenant: &crate::conformance::platform::Tenant,
    body: &serde_json::Value,
) -> Call {
    let call = run.call(door, tenant).json(body);
    call.fit(&run.fit(door, tenant).token())
}

async fn unknown_fields(run: &Run) -> Outcome {
    for (door, event_type) in events(run).await? {
        let tenant = run.tenant();
        let mut body = event(&run.platform, &tenant, event_type, &fresh_id());
        body["invention"] = json!({"of": ["tomorrow", null, 1.5e300]});
        body["context"] = json!({"cloudId": tenant.cloud_id(), "moduleKey": "checked"});
        body["contextToken"] = json!("opaque");
        let call = deliver(run, door, &tenant, &body).with("unknown fields in the event");
        run.success(&call).await?;
    }
    Ok(())
}

async fn unknown_type(run: &Run) -> Outcome {
    for (door, event_type) in events(run).await? {
        let tenant = run.tenant();
        let mut body = event(&run.platform, &tenant, event_type, &fresh_id());
        body["eventType"] = json!("avi:confluence:invented:page:V9");
        let call = deliver(run, door, &tenant, &body).with("an event of an unknown type");
        run.success(&call).await?;
    }
    Ok(())
}

async fn redelivery(run: &Run) -> Outcome {
    for (door, event_type) in events(run).await? {
        for reason in [
            "TIMEOUT_ERROR",
            "INVALID_REMOTE_INVOCATION_ERROR",
            "REASON_OF_TOMORROW",
        ] {
            let tenant = run.tenant();
            let mut body = event(&run.platform, &tenant, event_type, &fresh_id());
            body["retryContext"] =
                json!({"retryCount": 2, "retryReason": reason, "retryData": null});
            let call =
                deliver(run, door, &tenant, &body).with(format!("a flat redelivery for {reason}"));
            run.success(&call).await?;
            let tenant = run.tenant();
            let body = json!({ "payload": body });
            let call = deliver(run, door, &tenant, &body)
                .with(format!("a wrapped redelivery for {reason}"));
            run.success(&call).await?;
        }
    }
    Ok(())
}

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
