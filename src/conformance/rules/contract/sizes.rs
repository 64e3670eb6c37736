//! How large, and how late.

use serde_json::json;

use super::{GROUP, as_error};
use crate::conformance::{
    check::{Door, DoorKind, Run, fresh_id},
    platform::{Fault, Kind, On, event},
    rule::{Miss, Outcome, Rule},
    wire::NoAnswer,
};

const SIZES: &str = "Forge request contract: sizes";
const TIMES: &str = "Forge limits: time";

/// The platform takes no larger answer.
const MOST_ANSWER: usize = 5 * 1024 * 1024;
/// What a page may send.
const PAGE_BODY: usize = 500 * 1000;
/// What an event may weigh.
const EVENT_BODY: usize = 199_000;
/// What nobody has to take.
const TOO_LARGE: usize = 12 * 1024 * 1024;

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "success-is-json",
        "A success has a JSON body, or none.",
        "Forge request contract: what the remote answers",
        "Send JSON or nothing: the bridge parses the body of every success.",
        |run| Box::pin(success_is_json(run)),
    ),
    GROUP.should(
        "success-content-type",
        "A body of JSON is declared as `application/json`.",
        "Forge request contract: what the remote answers",
        "Send `content-type: application/json` with every body.",
        |run| Box::pin(success_content_type(run)),
    ),
    GROUP.must(
        "size-page-body-taken",
        "A page's body of 500 KB is taken.",
        SIZES,
        "Raise the limit of your body parser: many have 100 KB.",
        |run| Box::pin(page_body(run)),
    ),
    GROUP.must(
        "size-event-taken",
        "An event of 199 KB is acknowledged.",
        SIZES,
        "Raise the limit of your body parser: many have 100 KB.",
        |run| Box::pin(event_body(run)),
    ),
    GROUP.should(
        "size-too-large-refused",
        "A body of 12 MB is refused with a 4xx, and the remote lives on.",
        SIZES,
        "Stop reading after 5 MB and answer 413 with a JSON body.",
        |run| Box::pin(too_large(run)),
    ),
    GROUP.must(
        "size-answer-bounded",
        "However much a product says, no answer is larger than 5 MB.",
        SIZES,
        "Bound what you read of a product's answer, and answer 502 when it is more.",
        |run| Box::pin(answer_bounded(run)),
    ),
    GROUP.must(
        "time-page-answered",
        "A page's call is answered within 25 s though the product never answers: with an error in JSON.",
        TIMES,
        "Bound every outgoing call by what is left of the 25 s, and answer 504 with a JSON body before they end.",
        |run| Box::pin(page_answered(run)),
    ),
];

async fn success_is_json(run: &Run) -> Outcome {
    for probed in run.ui_doors().await? {
        let call = run.good(&probed.door, &run.tenant()).with("a good FIT");
        let answer = run.success(&call).await?;
        if !answer.body.is_empty() && answer.json().is_none() {
            return Err(Miss::failed(call.describe(), answer.describe()));
        }
    }
    Ok(())
}

async fn success_content_type(run: &Run) -> Outcome {
    for probed in run.ui_doors().await? {
        let call = run.good(&probed.door, &run.tenant()).with("a good FIT");
        let answer = run.success(&call).await?;
        if !answer.body.is_empty() && answer.media_type().as_deref() != Some("application/json") {
            return Err(Miss::failed(call.describe(), answer.describe()));
        }
    }
    Ok(())
}

async fn page_body(run: &Run) -> Outcome {
    let ui = run
        .ui_doors()
        .await?
        .into_iter()
        .find_map(|probed| Some((&probed.door, probed.door.body.as_ref()?)));
    let Some((door, body)) = ui else {
        return Err(Miss::not_exercised(
            "no --ui-path has a body: add one as METHOD:PATH={…}",
        ));
    };
    // White space makes it large and changes nothing that it says.
    let text = body.to_string();
    let filling = " ".repeat(PAGE_BODY - text.len().min(PAGE_BODY));
    let (start, end) = text.split_at(1);
    let tenant = run.tenant();
    let call = run
        .good(door, &tenant)
        .body(format!("{start}{filling}{end}"))
        .with("500 KB of JSON");
    run.success(&call).await?;
    Ok(())
}

async fn event_body(run: &Run) -> Outcome {
    let doors = run.healthy_backend_doors().await;
    let events = doors.into_iter().filter_map(|door| match &door.kind {
        DoorKind::Event(event_type) if door.is_product_event() => Some((door, event_type)),
        _ => None,
    });
    let mut tried = false;
    for (door, event_type) in events {
        tried = true;
        let tenant = run.tenant();
        let mut body = event(&run.platform, &tenant, event_type, &fresh_id());
        body["filling"] = json!("x".repeat(EVENT_BODY - body.to_string().len()));
        let call = run
            .call(door, &tenant)
            .json(&body)
            .fit(&run.fit(door, &tenant).token());
        run.success(&call.with("an event of 199 KB")).await?;
    }
    if tried {
        return Ok(());
    }
    Err(Miss::not_exercised(
        "no endpoint of a trigger acknowledges an event of a product",
    ))
}

async fn too_large(run: &Run) -> Outcome {
    let doors = run.doors().iter();
    let Some(door) = doors
        .filter(|door| door.method != "GET" && door.method != "DELETE")
        .max_by_key(|door| door.body.is_some())
    else {
        return Err(Miss::not_exercised("no path of the remote takes a body"));
    };
    let tenant = run.tenant();
    let body =
        json!({"eventType": "avi:confluence:created:page", "filling": "x".repeat(TOO_LARGE)});
    let call = run.good(door, &tenant).json(&body).with("12 MB of JSON");
    match run.ask_within(&call, run.limits.ui).await {
        Ok(answer) if (400..500).contains(&answer.status) && answer.status != 401 => {}
        // Whoever is told to stop and goes on may be hung up on.
        Err(NoAnswer::Ended | NoAnswer::NotHttp) => {}
        Ok(answer) => return Err(Miss::failed(call.describe(), answer.describe())),
        Err(none) => return Err(Miss::failed(call.describe(), none.to_string())),
    }
    let after = run.door().await?;
    run.success(
        &run.good(after, &tenant)
            .with("a good FIT after 12 MB of JSON"),
    )
    .await?;
    Ok(())
}

async fn answer_bounded(run: &Run) -> Outcome {
    let probed = run.product_door().await?;
    let tenant = run.tenant();
    tenant.fault(On::Products, Fault::Huge(MOST_ANSWER + 300_000));
    let call = run
        .good(&probed.door, &tenant)
        .with("a good FIT, while the product says 5.3 MB");
    match run.ask_within(&call, run.limits.ui).await {
        Ok(answer) if answer.body.len() <= MOST_ANSWER && answer.is_success() => Ok(()),
        Ok(answer) if answer.body.len() <= MOST_ANSWER => as_error(&call, &answer),
        Ok(answer) => Err(Miss::failed(
            call.describe(),
            format!("{}, {} bytes", answer.status, answer.body.len()),
        )),
        Err(none) => Err(Miss::failed(call.describe(), none.to_string())),
    }
}

async fn page_answered(run: &Run) -> Outcome {
    let product = run.product_door().await?;
    // The same where the gateway is silent, if a page makes the remote ask it.
    let doors = run.ui_doors().await?;
    let exchanging = doors.into_iter().find(|it| it.asked(Kind::Exchange));
    let gateway = async {
        match exchanging {
            Some(probed) => in_time(run, &probed.door, On::Exchange, "the gateway").await,
            None => Ok(()),
        }
    };
    let product = in_time(run, &product.door, On::Products, "the product");
    tokio::try_join!(product, gateway).map(drop)
}

async fn in_time(run: &Run, door: &Door, on: On, who: &str) -> Outcome {
    let tenant = run.tenant();
    tenant.fault(on, Fault::Silent);
    let call = run.good(door, &tenant);
    let call = call.with(format!("a good FIT, while {who} never answers"));
    match run.ask_within(&call, run.limits.ui).await {
        Ok(answer) => as_error(&call, &answer),
        Err(none) => Err(Miss::failed(call.describe(), none.to_string())),
    }
}
