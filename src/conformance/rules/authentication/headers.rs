//! Where the FIT may stand, and where it may not.

use super::{GROUP, Scene, refused};
use crate::conformance::{
    check::Run,
    rule::{Miss, Outcome, Rule},
};

const PLACE: &str = "Forge request contract: headers; verification, step 1";

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "fit-missing-refused",
        "Every path of the remote refuses a request without a FIT with 401.",
        PLACE,
        "Verify the FIT in one place in front of all routes that Forge calls, and leave out none.",
        |run| Box::pin(missing(run)),
    ),
    GROUP.must(
        "fit-empty-refused",
        "An empty `authorization` is refused with 401.",
        PLACE,
        "Treat a header without a token like no header.",
        |run| Box::pin(empty(run)),
    ),
    GROUP.must(
        "fit-other-scheme-refused",
        "A FIT under another scheme than `Bearer`, or without one, is refused with 401.",
        PLACE,
        "Take the token of `Bearer` alone.",
        |run| Box::pin(other_scheme(run)),
    ),
    GROUP.must(
        "fit-elsewhere-refused",
        "A FIT in the query, in a cookie or in another header counts for nothing.",
        PLACE,
        "Read the FIT from `authorization` only: addresses and cookies end up in logs and come by themselves.",
        |run| Box::pin(elsewhere(run)),
    ),
    GROUP.should(
        "fit-twice-refused",
        "A bad FIT beside a good one is refused with 401, whichever comes first.",
        PLACE,
        "Refuse a request that has `authorization` more than once: proxies and servers do not agree which of them counts.",
        |run| Box::pin(twice(run)),
    ),
    GROUP.should(
        "fit-huge-refused",
        "A token of 64 KB is refused with a 4xx, and the remote lives on.",
        PLACE,
        "Bound the size of headers; 16 KB are plenty.",
        |run| Box::pin(huge(run)),
    ),
];

async fn missing(run: &Run) -> Outcome {
    let tenant = run.tenant();
    for door in run.open_doors().await {
        let call = run.call(door, &tenant).with("no FIT");
        refused(&call, &run.answer(&call).await?)?;
    }
    Ok(())
}

async fn empty(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    for value in ["", "Bearer", "Bearer ", "Bearer  \t "] {
        let call = scene
            .call()
            .header("authorization", value)
            .with(format!("the header {value:?}"));
        refused(&call, &run.answer(&call).await?)?;
    }
    Ok(())
}

async fn other_scheme(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let token = scene.fit().token();
    for (what, value) in [
        ("no scheme", token.clone()),
        ("the scheme Basic", format!("Basic {token}")),
        ("the scheme Token", format!("Token {token}")),
        ("the scheme JWT", format!("JWT {token}")),
        ("the scheme BearerX", format!("BearerX {token}")),
    ] {
        let call = scene
            .call()
            .header("authorization", &value)
            .with(format!("a good FIT under {what}"));
        refused(&call, &run.answer(&call).await?)?;
    }
    Ok(())
}

async fn elsewhere(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let token = scene.fit().token();
    let mark = if scene.door.path.contains('?') {
        '&'
    } else {
        '?'
    };
    for name in ["token", "access_token", "jwt"] {
        let target = format!(
            "{}{mark}{name}={token}",
            scene.door.path.replace("{account}", scene.tenant.user())
        );
        let call = scene
            .call()
            .target(&target)
            .with(format!("a good FIT in the query, as `{name}`"));
        refused(&call, &run.answer(&call).await?)?;
    }
    for (name, value) in [
        ("cookie", format!("token={token}; authorization={token}")),
        ("x-forge-oauth-system", token.clone()),
        ("proxy-authorization", format!("Bearer {token}")),
        ("x-authorization", format!("Bearer {token}")),
        ("x-forwarded-authorization", format!("Bearer {token}")),
    ] {
        let call = scene
            .call()
            .without(name)
            .header(name, &value)
            .with(format!("a good FIT in `{name}`"));
        refused(&call, &run.answer(&call).await?)?;
    }
    Ok(())
}

async fn twice(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let good = scene.fit().token();
    let bad = scene
        .fit()
        .forged_by(&run.platform.keys().foreign())
        .token();
    for (what, first, second) in [
        ("a good FIT and then a bad one", &good, &bad),
        ("a bad FIT and then a good one", &bad, &good),
    ] {
        let call = scene.call().fit(first).fit(second).with(what);
        let answer = run.answer(&call).await?;
        // Some servers refuse such a request before anybody sees it.
        if answer.status != 400 {
            refused(&call, &answer)?;
        }
    }
    Ok(())
}

async fn huge(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let token = format!("eyJ{}", "A".repeat(64 * 1024));
    let call = scene.call().fit(&token).with("a token of 64 KB");
    let answered = run.ask(&call).await;
    // A server may hang up on whoever sends such a head.
    if let Ok(answer) = &answered
        && !(400..500).contains(&answer.status)
    {
        return Err(Miss::failed(call.describe(), answer.describe()));
    }
    let after = scene
        .call()
        .fit(&scene.fit().token())
        .with("a good FIT after a token of 64 KB");
    run.success(&after).await.map(drop)
}
