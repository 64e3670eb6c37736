//! FITs that the platform signed, and that are not for this remote, not for now, or not whole.

use serde_json::json;

use super::{GROUP, Scene};
use crate::conformance::{
    check::Run,
    platform::{Kind, segment},
    rule::{Miss, Outcome, Rule},
};

const TIMES: &str = "Forge Invocation Token: verification, step 5";

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "fit-expired-refused",
        "A FIT that expired a minute ago is refused with 401.",
        TIMES,
        "Compare `exp` with the clock, with ten seconds of leeway at most.",
        |run| Box::pin(expired(run)),
    ),
    GROUP.must(
        "fit-not-yet-valid-refused",
        "A FIT that is valid in two minutes is refused with 401.",
        TIMES,
        "Compare `nbf` with the clock: many libraries leave that out unless they are told.",
        |run| Box::pin(not_yet(run)),
    ),
    GROUP.must(
        "fit-without-expiry-refused",
        "A FIT without `exp`, or with one that is no number, is refused with 401.",
        TIMES,
        "Demand `exp`: many libraries take a token without it for one that lives for ever.",
        |run| Box::pin(without_expiry(run)),
    ),
    GROUP.must(
        "fit-wrong-audience-refused",
        "A FIT for another app is refused with 401.",
        TIMES,
        "Compare `aud` with the app's ARI: every app's tokens are signed by the same keys.",
        |run| Box::pin(audience(run)),
    ),
    GROUP.must(
        "fit-wrong-issuer-refused",
        "A FIT of another issuer is refused with 401.",
        TIMES,
        "Compare `iss` with `forge/invocation-token`, whole: sibling tokens are signed by the same keys.",
        |run| Box::pin(issuer(run)),
    ),
    GROUP.should(
        "fit-app-contradiction-refused",
        "A FIT whose `app.id` is not its `aud` is refused with 401.",
        "Forge Invocation Token: verification, step 6",
        "Compare `app.id` with `aud`.",
        |run| Box::pin(app(run)),
    ),
    GROUP.should(
        "fit-installation-contradiction-refused",
        "A FIT that names two installations is refused with 401.",
        "Forge Invocation Token: verification, step 6",
        "Compare `app.installation.id` with `app.installationId`: one of them keys your data.",
        |run| Box::pin(installation(run)),
    ),
    GROUP.must(
        "fit-no-object-refused",
        "A signed token whose payload is no object of claims is refused with 401.",
        "Forge Invocation Token: claims",
        "Answer 401 for whatever cannot be read as claims, however deep or long it is.",
        |run| Box::pin(no_object(run)),
    ),
    GROUP.should(
        "fit-bad-isolated-label-refused",
        "A FIT with an `icLabel` that is no label is refused with 401, and nothing is fetched for it.",
        "Forge Isolated Cloud: icLabel",
        "Match `icLabel` against ^[a-z0-9_-]{1,50}$ before it goes into any URL.",
        |run| Box::pin(isolated(run)),
    ),
];

async fn expired(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    for seconds in [60, 86_400] {
        let fit = scene.fit().expires_in(&run.platform, -seconds);
        scene
            .refuses(&format!("a FIT that expired {seconds} s ago"), &fit.token())
            .await?;
    }
    Ok(())
}

async fn not_yet(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let later = run.platform.clock().now().unix() + 120;
    let fit = scene
        .fit()
        .claim("/nbf", json!(later))
        .claim("/exp", json!(later + 25));
    scene
        .refuses("a FIT whose `nbf` is in two minutes", &fit.token())
        .await
}

async fn without_expiry(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    scene
        .refuses("a FIT without `exp`", &scene.fit().without("/exp").token())
        .await?;
    for exp in [json!(null), json!("never"), json!({"$gt": 0})] {
        let what = format!("a FIT whose `exp` is {exp}");
        scene
            .refuses(&what, &scene.fit().claim("/exp", exp).token())
            .await?;
    }
    Ok(())
}

async fn audience(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let other = format!("ari:cloud:ecosystem::app/{}", uuid::Uuid::new_v4());
    // A token for another app says so in both places.
    let fit = scene
        .fit()
        .claim("/aud", json!(other))
        .claim("/app/id", json!(other));
    scene.refuses("a FIT for another app", &fit.token()).await?;
    let fit = scene.fit().claim("/aud", json!(other));
    scene
        .refuses("a FIT whose `aud` is another app", &fit.token())
        .await?;
    let fit = scene.fit().claim("/aud", json!([other, "forge"]));
    scene
        .refuses("a FIT whose `aud` lists other apps", &fit.token())
        .await?;
    let longer = format!("{}0", run.platform.app());
    let fit = scene.fit().claim("/aud", json!(longer));
    scene
        .refuses("a FIT whose `aud` begins as the app's does", &fit.token())
        .await?;
    scene
        .refuses("a FIT without `aud`", &scene.fit().without("/aud").token())
        .await
}

async fn issuer(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    for issuer in [
        "forge/context-token",
        "forge/invocation-token/",
        "https://example.com",
        "",
    ] {
        let fit = scene.fit().claim("/iss", json!(issuer));
        scene
            .refuses(&format!("a FIT whose `iss` is {issuer:?}"), &fit.token())
            .await?;
    }
    scene
        .refuses("a FIT without `iss`", &scene.fit().without("/iss").token())
        .await
}

async fn app(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let other = format!("ari:cloud:ecosystem::app/{}", uuid::Uuid::new_v4());
    let fit = scene.fit().claim("/app/id", json!(other));
    scene
        .refuses("a FIT whose `app.id` is another app's", &fit.token())
        .await
}

async fn installation(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let other = run.tenant().installation();
    let fit = scene.fit().claim("/app/installation/id", json!(other));
    scene
        .refuses(
            "a FIT whose `app.installation.id` is another's",
            &fit.token(),
        )
        .await
}

async fn no_object(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let key = run.platform.keys().current();
    let header = segment(json!({"alg": "RS256", "typ": "JWT", "kid": key.kid}).to_string());
    let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    for (what, payload) in [
        ("no JSON", "not json"),
        ("a list", "[]"),
        ("a number", "7"),
        ("null", "null"),
        ("nothing", ""),
        ("an empty object", "{}"),
        ("half a JSON", "{\"iss\":"),
        ("three thousand lists in each other", &*deep),
    ] {
        let message = format!("{header}.{}", segment(payload));
        let token = format!("{message}.{}", segment(key.sign(message.as_bytes())));
        scene
            .refuses(&format!("a signed token whose payload is {what}"), &token)
            .await?;
    }
    Ok(())
}

async fn isolated(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    for label in [
        "../../evil",
        "evil.example/x?",
        "UPPER",
        "a\nb",
        &"x".repeat(51),
        "%2e%2e",
    ] {
        let fit = scene.fit().claim("/icLabel", json!(label));
        scene
            .refuses(&format!("a FIT whose `icLabel` is {label:?}"), &fit.token())
            .await?;
    }
    let strayed = run
        .platform
        .journal()
        .filter(|seen| seen.kind == Kind::Elsewhere && seen.path.contains("evil"));
    match strayed.first() {
        Some(seen) => Err(Miss::failed(
            "a FIT whose `icLabel` holds a path",
            seen.describe(),
        )),
        None => Ok(()),
    }
}
