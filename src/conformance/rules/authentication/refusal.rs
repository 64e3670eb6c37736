//! What a refusal is: 401, a few words, and nothing done.

use serde_json::json;

use super::{GROUP, Scene, refused};
use crate::conformance::{
    check::Run,
    platform::Kind,
    rule::{Miss, Outcome, Rule},
};

const REFUSAL: &str = "Forge Invocation Token: verification, step 7";

pub(super) static RULES: &[Rule] = &[
    GROUP.should(
        "refusal-is-json",
        "A refusal is a 401 with a short JSON body.",
        REFUSAL,
        "Answer 401 with `content-type: application/json` and a body such as {\"error\":{\"message\":\"…\"}}.",
        |run| Box::pin(is_json(run)),
    ),
    GROUP.must(
        "refusal-tells-nothing",
        "A refusal repeats neither the token nor a claim, and does not say what was expected.",
        REFUSAL,
        "Write the reason into the log, and a fixed sentence into the answer.",
        |run| Box::pin(tells_nothing(run)),
    ),
    GROUP.must(
        "refusal-does-nothing",
        "A request with a bad FIT leads to no call of a product, of storage or of the gateway.",
        REFUSAL,
        "Verify the FIT before anything else is done with the request.",
        |run| Box::pin(does_nothing(run)),
    ),
    GROUP.should(
        "refusal-waits-for-no-body",
        "A bad FIT is refused before the body has come.",
        REFUSAL,
        "Verify the FIT when the head of the request is there: whoever cannot show one should not be able to send megabytes.",
        |run| Box::pin(waits_for_no_body(run)),
    ),
    GROUP.must(
        "backend-refuses-page-fit",
        "What only the platform may say is refused to the FIT of a page, and not with 401.",
        "Forge Invocation Token: verify that the operation fits the FIT",
        "Refuse events, ticks and uninstalls with 403 if the FIT has a `principal`: whoever has a page open in a browser holds such a FIT.",
        |run| Box::pin(refuses_pages(run)),
    ),
];

async fn is_json(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let expired = scene.fit().expires_in(&run.platform, -600).token();
    for (what, token) in [
        ("an expired FIT", expired),
        ("no token at all", "opaque".to_owned()),
    ] {
        let (call, answer) = scene.send(what, &token).await?;
        refused(&call, &answer)?;
        let short = answer.body.len() <= 4096;
        if answer.media_type().as_deref() != Some("application/json")
            || answer.json().is_none()
            || !short
        {
            return Err(Miss::failed(call.describe(), answer.describe()));
        }
    }
    Ok(())
}

async fn tells_nothing(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let foreign = run.platform.keys().foreign();
    let other = format!("ari:cloud:ecosystem::app/{}", uuid::Uuid::new_v4());
    for (what, fit) in [
        (
            "an expired FIT",
            scene.fit().expires_in(&run.platform, -600),
        ),
        ("a FIT by another key", scene.fit().forged_by(&foreign)),
        ("a FIT by an unknown key", scene.fit().signed_by(&foreign)),
        (
            "a FIT for another app",
            scene
                .fit()
                .claim("/aud", json!(other))
                .claim("/app/id", json!(other)),
        ),
        (
            "a FIT of another issuer",
            scene.fit().claim("/iss", json!("h0stile/issuer")),
        ),
    ] {
        let token = fit.token();
        let (call, answer) = scene.send(what, &token).await?;
        let kid = foreign
            .kid
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let app = run.platform.app().to_string();
        let app = app.rsplit('/').next().unwrap_or_default().to_owned();
        let secrets = token.split('.').map(str::to_owned).chain([
            scene.tenant.installation_uuid(),
            scene.tenant.user().to_owned(),
            other.rsplit('/').next().unwrap_or_default().to_owned(),
            "h0stile".to_owned(),
            kid,
            app,
        ]);
        for secret in secrets.filter(|secret| secret.len() >= 7) {
            if answer.holds(&secret) {
                return Err(Miss::failed(call.describe(), answer.describe()));
            }
        }
    }
    Ok(())
}

async fn does_nothing(run: &Run) -> Outcome {
    let tenant = run.tenant();
    let foreign = run.platform.keys().foreign();
    for door in run.doors() {
        let fit = run.fit(door, &tenant);
        for (what, token) in [
            (
                "an expired FIT",
                fit.clone().expires_in(&run.platform, -600).token(),
            ),
            (
                "a FIT by another key",
                fit.clone().forged_by(&foreign).token(),
            ),
        ] {
            let call = run.call(door, &tenant).fit(&token).with(what);
            run.answer(&call).await?;
        }
    }
    let seen = run
        .platform
        .journal()
        .until_quiet(&tenant, run.limits.silence, run.limits.handled)
        .await;
    match seen.iter().find(|seen| seen.kind != Kind::Keys) {
        Some(seen) => Err(Miss::failed(
            "bad FITs with good OAuth tokens beside them",
            seen.describe(),
        )),
        None => Ok(()),
    }
}

async fn waits_for_no_body(run: &Run) -> Outcome {
    let Some(door) = run
        .doors()
        .iter()
        .find(|door| door.method != "GET" && door.method != "DELETE")
    else {
        return Err(Miss::not_exercised("no path of the remote takes a body"));
    };
    let tenant = run.tenant();
    let fit = run.fit(door, &tenant).expires_in(&run.platform, -600);
    let call = run
        .call(door, &tenant)
        .body("")
        .fit(&fit.token())
        .header("content-length", "100000");
    let call = call.with("an expired FIT and 100,000 bytes of body that do not come");
    let failed = |came: String| Miss::failed(call.describe(), came);
    let mut line = run
        .wire
        .open()
        .await
        .map_err(|none| failed(none.to_string()))?;
    line.say(&call.bytes(&run.wire.host()))
        .await
        .map_err(|none| failed(none.to_string()))?;
    let answer = line
        .hear(run.limits.event)
        .await
        .map_err(|none| failed(none.to_string()))?;
    refused(&call, &answer)
}

async fn refuses_pages(run: &Run) -> Outcome {
    let doors = run.backend_doors();
    if doors.is_empty() {
        return Err(Miss::not_exercised(
            "the manifest has no event, schedule or uninstall endpoint",
        ));
    }
    for door in doors {
        let tenant = run.tenant();
        let call = run
            .call(door, &tenant)
            .fit(&run.platform.fit(&tenant).token());
        let call = call.with("the FIT of a page");
        let answer = run.answer(&call).await?;
        if answer.is_success() || answer.status == 401 || answer.status >= 500 {
            return Err(Miss::failed(call.describe(), answer.describe()));
        }
    }
    Ok(())
}
