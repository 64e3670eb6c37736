//! Errors: JSON, whoever speaks them, and 401 for the FIT alone.

use super::{GROUP, as_error, no_server_error, readers};
use crate::conformance::{
    check::{Door, Run},
    platform::{Fault, On, Speaker},
    rule::{Miss, Outcome, Rule},
    wire::{Answer, Call},
};

const ANSWERS: &str = "Forge request contract: what the remote answers";

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "error-json-path",
        "A path that does not exist is answered with an error in JSON.",
        ANSWERS,
        "Give the fallback of your framework a JSON body and `content-type: application/json`.",
        |run| Box::pin(path(run)),
    ),
    GROUP.must(
        "error-json-method",
        "A method that a path does not have is answered with an error in JSON.",
        ANSWERS,
        "Turn the 404 or 405 of your framework into JSON.",
        |run| Box::pin(method(run)),
    ),
    GROUP.must(
        "error-json-body",
        "A body that cannot be read leads to no error of the server, and is refused in JSON if it is refused.",
        ANSWERS,
        "Turn the rejections of your framework's body parser into 400 with a JSON body.",
        |run| Box::pin(body(run)),
    ),
    GROUP.should(
        "error-has-message",
        "An error says what went wrong, in `error.message` or `message`.",
        ANSWERS,
        "Put a sentence into `error.message` that tells the caller what to do.",
        |run| Box::pin(message(run)),
    ),
    GROUP.must(
        "error-not-redirect",
        "No path answers with a redirect, whatever slashes stand around it.",
        "Forge request contract: 3xx; redirects are never followed",
        "Answer at the path that was asked for, or with 404; turn off redirects for trailing slashes.",
        |run| Box::pin(redirect(run)),
    ),
    GROUP.must(
        "error-401-not-for-product",
        "A product's 401 is not passed on as one.",
        "Forge request contract: 401 is reserved for the FIT",
        "Answer 502 or 424 when a product refuses a token: Forge tells the caller of a 401 that the FIT could not be verified.",
        |run| Box::pin(product_401(run)),
    ),
    GROUP.must(
        "error-401-not-for-missing-token",
        "A missing OAuth token is not answered with 401, nor with a 5xx.",
        "Forge request contract: 401 is reserved for the FIT",
        "Answer 403 with a JSON body that names the switch in the manifest.",
        |run| Box::pin(missing_token(run)),
    ),
    GROUP.must(
        "error-json-product",
        "Whatever a broken product says, the caller gets JSON, and no success.",
        ANSWERS,
        "Turn a product's 5xx, HTML, half answers and lost connections into 502 with a JSON body.",
        |run| Box::pin(product_broken(run)),
    ),
];

/// An error as the platform passes it on: not 2xx, not 401, JSON.
async fn expect_error(run: &Run, call: &Call) -> Result<Answer, Miss> {
    let answer = run.answer(call).await?;
    as_error(call, &answer)?;
    Ok(answer)
}

async fn path(run: &Run) -> Outcome {
    let door = run.door().await?;
    let tenant = run.tenant();
    for path in [
        "/there/is/nothing/here",
        "/%20",
        "/api/..%2f..%2fetc%2fpasswd",
        "/%ff%fe",
    ] {
        let call = run.good(door, &tenant).target(path).with("a good FIT");
        let answer = expect_error(run, &call).await?;
        no_server_error(&call, &answer)?;
    }
    Ok(())
}

async fn method(run: &Run) -> Outcome {
    let tenant = run.tenant();
    for door in distinct(run) {
        for method in ["PUT", "PATCH", "DELETE"] {
            if run
                .doors()
                .iter()
                .any(|it| it.path == door.path && it.method == method)
            {
                continue;
            }
            let call = run.good(door, &tenant).method(method).with("a good FIT");
            let answer = run.answer(&call).await?;
            no_server_error(&call, &answer)?;
            if !answer.is_success() {
                as_error(&call, &answer)?;
            }
        }
    }
    Ok(())
}

/// One door for each path, three at most of each side.
fn distinct(run: &Run) -> Vec<&Door> {
    let ui = run.doors().iter().filter(|door| door.is_ui()).take(3);
    ui.chain(run.backend_doors().into_iter().take(3)).collect()
}

async fn body(run: &Run) -> Outcome {
    let tenant = run.tenant();
    for door in readers(run).await? {
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        for (what, body) in [
            ("half a JSON", b"{\"eventType\": \"avi".to_vec()),
            ("no JSON", b"<xml/>".to_vec()),
            (
                "bytes that are no UTF-8",
                vec![b'{', b'"', 0xff, 0xfe, b'"', b':', b'1', b'}'],
            ),
            ("twenty thousand lists in each other", deep.into_bytes()),
        ] {
            let call = run
                .good(door, &tenant)
                .body(body)
                .with(format!("a body of {what}"));
            let answer = run.answer(&call).await?;
            no_server_error(&call, &answer)?;
            // Whoever does not read the body has nothing against it.
            if !answer.is_success() {
                as_error(&call, &answer)?;
            }
        }
    }
    Ok(())
}

async fn message(run: &Run) -> Outcome {
    let door = run.door().await?;
    let call = run
        .good(door, &run.tenant())
        .target("/there/is/nothing/here")
        .with("a good FIT");
    let answer = run.answer(&call).await?;
    let body = answer.json().unwrap_or_default();
    let texts = [&body["error"]["message"], &body["message"], &body["error"]];
    if texts
        .iter()
        .any(|text| text.as_str().is_some_and(|text| !text.trim().is_empty()))
    {
        return Ok(());
    }
    Err(Miss::failed(call.describe(), answer.describe()))
}

async fn redirect(run: &Run) -> Outcome {
    let tenant = run.tenant();
    for door in distinct(run) {
        let good = run.good(door, &tenant);
        let path = good.path().to_owned();
        for target in [
            format!("{path}/"),
            format!("/{path}"),
            format!("{path}//"),
            path.to_uppercase(),
            format!("/.{path}"),
        ] {
            let call = good.clone().target(&target).with("a good FIT");
            let answer = run.answer(&call).await?;
            if (300..400).contains(&answer.status) || answer.status == 401 {
                return Err(Miss::failed(call.describe(), answer.describe()));
            }
        }
    }
    Ok(())
}

async fn product_401(run: &Run) -> Outcome {
    let probed = run.product_door().await?;
    for fault in [Fault::Status(401), Fault::Status(403)] {
        let tenant = run.tenant();
        tenant.fault(On::Products, fault);
        let call = run
            .good(&probed.door, &tenant)
            .with("a good FIT, while the product refuses the token");
        expect_error(run, &call).await?;
    }
    Ok(())
}

async fn missing_token(run: &Run) -> Outcome {
    let tenant = run.tenant();
    for probed in run.ui_doors().await? {
        let door = &probed.door;
        let fit = run.fit(door, &tenant).token();
        let bare = run.tokenless(door, &tenant).fit(&fit);
        let app = run.platform.token(&tenant, Speaker::App);
        for (what, call) in [
            ("no OAuth token", bare.clone()),
            ("the app's token alone", bare.app_token(&app)),
        ] {
            let call = call.with(what);
            let answer = run.answer(&call).await?;
            no_server_error(&call, &answer)?;
            if !answer.is_success() {
                as_error(&call, &answer)?;
            }
        }
    }
    Ok(())
}

async fn product_broken(run: &Run) -> Outcome {
    let probed = run.product_door().await?;
    let faults = [
        ("answers 500", Fault::Status(500)),
        ("answers with HTML", Fault::Html),
        ("answers with half a JSON", Fault::Malformed),
        ("cuts its answer off", Fault::Cut),
        ("answers with a redirect", Fault::Redirect("/elsewhere")),
    ];
    for (what, fault) in faults {
        let tenant = run.tenant();
        tenant.fault(On::Products, fault);
        let call = run
            .good(&probed.door, &tenant)
            .with(format!("a good FIT, while the product {what}"));
        let answered = run.ask_within(&call, run.limits.ui).await;
        let answer = answered.map_err(|none| Miss::failed(call.describe(), none.to_string()))?;
        as_error(&call, &answer)?;
    }
    Ok(())
}
