//! FITs that are good, in every form that the platform gives them.

use serde_json::json;

use super::{GROUP, Scene, accepted};
use crate::conformance::{
    check::Run,
    rule::{Outcome, Rule},
};

const CLAIMS: &str = "Forge Invocation Token: claims";
const REGISTERED: &str = "Forge Invocation Token: header and registered claims";

pub(super) static RULES: &[Rule] = &[
    GROUP.must(
        "fit-good-accepted",
        "A FIT as the platform makes it is accepted.",
        "Forge Invocation Token: verification",
        "Verify RS256 with the key of the token's `kid`, then `iss`, `aud` and the times; demand no other claim than the documented ones.",
        |run| Box::pin(good(run)),
    ),
    GROUP.must(
        "fit-backend-accepted",
        "A FIT without `context` and `principal` is accepted wherever the platform calls by itself.",
        CLAIMS,
        "Take `context` and `principal` as optional: only invocations from a page have them.",
        |run| Box::pin(backend(run)),
    ),
    GROUP.must(
        "fit-optional-claims-absent-accepted",
        "A FIT without `app.version`, `app.license`, `context`, `principal` or `jti` is accepted.",
        CLAIMS,
        "Demand only the claims that are always there: `app.version` is deprecated, and licenses come in production only.",
        |run| Box::pin(optional(run)),
    ),
    GROUP.must(
        "fit-unknown-claims-accepted",
        "Claims and header members that nobody knows yet are tolerated.",
        "Forge Invocation Token: claims are added without notice",
        "Read the claims that you need and ignore the others: no schema that forbids more.",
        |run| Box::pin(unknown(run)),
    ),
    GROUP.must(
        "fit-license-forms-accepted",
        "Every state of `app.license` is accepted: lapsed, in evaluation, only `isActive`, of an unknown type.",
        "Forge Invocation Token: app.license",
        "Take every field of the license as optional, and its texts as open.",
        |run| Box::pin(licenses(run)),
    ),
    GROUP.must(
        "fit-environment-forms-accepted",
        "Every environment is accepted, with its id in either form.",
        "Forge Invocation Token: app.environment",
        "Take the last segment of `app.environment.id`, and its type as an open text.",
        |run| Box::pin(environments(run)),
    ),
    GROUP.must(
        "fit-other-versions-accepted",
        "FITs of other versions of the app and of other modules are accepted.",
        "Forge manifest: upgrades; a remote serves several versions at once",
        "Do not compare `app.appVersion` or `app.module` with what is deployed now.",
        |run| Box::pin(versions(run)),
    ),
    GROUP.must(
        "fit-several-products-accepted",
        "A FIT of an app that is installed in several products is accepted.",
        "Forge Invocation Token: app.installation.contexts",
        "Take `contexts` as a list of any length, whose entries have a `cloudId` or a `workspaceId`.",
        |run| Box::pin(products(run)),
    ),
    GROUP.should(
        "fit-audience-list-accepted",
        "An `aud` that is a list with the app in it is accepted.",
        REGISTERED,
        "Take `aud` as a text or as a list of texts, as RFC 7519 has it.",
        |run| Box::pin(audience_list(run)),
    ),
    GROUP.should(
        "fit-clock-skew-accepted",
        "A FIT that is two seconds early is accepted.",
        "Forge Invocation Token: verification, leeway",
        "Allow a few seconds between the clocks: five are enough, and ten the most.",
        |run| Box::pin(skew(run)),
    ),
    GROUP.must(
        "fit-reused-accepted",
        "One FIT is accepted as often as it comes until it expires.",
        "Forge bridge: requestRemote reuses its FIT",
        "Do not remember `jti` to refuse it: browsers send one FIT many times.",
        |run| Box::pin(reused(run)),
    ),
    GROUP.must(
        "fit-scheme-case-accepted",
        "The scheme `Bearer` is taken in any case.",
        "Forge Invocation Token: verification, step 1",
        "Compare the scheme without regard to case (RFC 9110, 11.1).",
        |run| Box::pin(scheme_case(run)),
    ),
];

/// At any door, for none is known to be good if this fails.
async fn good(run: &Run) -> Outcome {
    for door in run.doors().iter().take(3) {
        let call = run.good(door, &run.tenant()).with("a good FIT");
        accepted(&call, &run.answer(&call).await?)?;
    }
    Ok(())
}

async fn backend(run: &Run) -> Outcome {
    for door in run.backend_doors() {
        let tenant = run.tenant();
        run.success(&run.good(door, &tenant).with("a good FIT without a user"))
            .await?;
    }
    // A page's path takes it too: what it can do without a user is its own affair.
    let scene = Scene::at(run).await?;
    let fit = run.platform.backend_fit(&scene.tenant, "checked-endpoint");
    scene
        .accepts("a good FIT without a user", &fit.token())
        .await
}

async fn optional(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    for pointer in [
        "/app/version",
        "/app/license",
        "/context",
        "/principal",
        "/jti",
    ] {
        let what = format!("a FIT without `{}`", pointer[1..].replace('/', "."));
        scene
            .accepts(&what, &scene.fit().without(pointer).token())
            .await?;
    }
    let bare = scene
        .fit()
        .without("/context/localId")
        .without("/context/extension");
    scene
        .accepts(
            "a FIT whose `context` has no `localId` and no `extension`",
            &bare.token(),
        )
        .await?;
    let untyped = scene.fit().without_header("typ");
    scene
        .accepts("a FIT without `typ` in its header", &untyped.token())
        .await
}

async fn unknown(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let invention = json!({"deep": [{"er": null}], "flag": true});
    for pointer in [
        "/invention",
        "/app/invention",
        "/app/installation/invention",
        "/context/invention",
        "/app/module/invention",
    ] {
        let what = format!(
            "an unknown claim `{}` in the FIT",
            pointer[1..].replace('/', ".")
        );
        scene
            .accepts(
                &what,
                &scene.fit().claim(pointer, invention.clone()).token(),
            )
            .await?;
    }
    let header = scene.fit().header("invention", json!("of tomorrow"));
    scene
        .accepts(
            "an unknown member in the header of the FIT",
            &header.token(),
        )
        .await
}

async fn licenses(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let forms = [
        (
            "an active license",
            json!({"active": true, "isEvaluation": false, "type": "COMMERCIAL", "billingPeriod": "ANNUAL",
            "capabilitySet": "capabilityStandard", "supportEntitlementNumber": null, "modes": ["USER_ACCESS"],
            "subscriptionEndDate": "2027-03-01T00:00:00.000Z"}),
        ),
        (
            "an evaluation",
            json!({"active": true, "isEvaluation": true, "trialEndDate": "2027-03-01T00:00:00.000Z"}),
        ),
        (
            "a lapsed license",
            json!({"active": false, "type": "commercial"}),
        ),
        ("a license of the old form", json!({"isActive": true})),
        (
            "a license of an unknown type",
            json!({"active": true, "type": "OF_TOMORROW", "modes": []}),
        ),
        ("an empty license", json!({})),
    ];
    for (what, license) in forms {
        let fit = scene.fit().claim("/app/license", license);
        scene
            .accepts(&format!("{what} in the FIT"), &fit.token())
            .await?;
    }
    Ok(())
}

async fn environments(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let uuid = uuid::Uuid::new_v4();
    for (kind, id) in [
        (
            "DEVELOPMENT",
            format!("ari:cloud:ecosystem::environment/{uuid}"),
        ),
        (
            "STAGING",
            format!("ari:cloud:ecosystem::environment/{uuid}/{uuid}"),
        ),
        (
            "PRODUCTION",
            format!("ari:cloud:ecosystem::environment/{uuid}"),
        ),
    ] {
        let fit = scene
            .fit()
            .claim("/app/environment", json!({"type": kind, "id": id}));
        scene
            .accepts(&format!("the environment {kind} {id}"), &fit.token())
            .await?;
    }
    Ok(())
}

async fn versions(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    for version in ["1.0.0", "99.12.3"] {
        let fit = scene.fit().claim("/app/appVersion", json!(version));
        scene
            .accepts(
                &format!("a FIT of the app's version {version}"),
                &fit.token(),
            )
            .await?;
    }
    for module in [
        json!({"type": "xen:macro", "key": "other-macro"}),
        json!({"type": "core:endpoint", "key": "other-endpoint"}),
    ] {
        let what = format!("a FIT of the module {}", module["key"]);
        scene
            .accepts(&what, &scene.fit().claim("/app/module", module).token())
            .await?;
    }
    Ok(())
}

async fn products(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let tenant = &scene.tenant;
    let site = |name: &str| json!({"name": name, "cloudId": tenant.cloud_id(), "apiBaseUrl": run.platform.api_base(tenant, name)});
    let primary = run.platform.primary();
    let other = if primary == "jira" {
        "confluence"
    } else {
        "jira"
    };
    let workspace = json!({"name": "bitbucket", "workspaceId": tenant.workspace_id(),
        "apiBaseUrl": run.platform.origin()});
    let compass = json!({"name": "compass", "cloudId": tenant.cloud_id(), "apiBaseUrl": run.platform.origin()});
    let all = json!([site(primary), site(other), workspace, compass]);
    let fit = scene.fit().claim("/app/installation/contexts", all);
    scene
        .accepts("a FIT of an app in four products", &fit.token())
        .await
}

async fn audience_list(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let list = json!([run.platform.app().to_string()]);
    scene
        .accepts(
            "a FIT whose `aud` is a list",
            &scene.fit().claim("/aud", list).token(),
        )
        .await
}

async fn skew(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let early = run.platform.clock().now().unix() + 2;
    let fit = scene
        .fit()
        .claim("/nbf", json!(early))
        .claim("/iat", json!(early));
    scene
        .accepts("a FIT whose `nbf` is in two seconds", &fit.token())
        .await
}

async fn reused(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    let token = scene.fit().token();
    for time in 1..=5 {
        let what = format!("the same FIT, for the {time}. time");
        let (call, answer) = scene.send(&what, &token).await?;
        accepted(&call, &answer)?;
    }
    Ok(())
}

async fn scheme_case(run: &Run) -> Outcome {
    let scene = Scene::at(run).await?;
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        let value = format!("{scheme} {}", scene.fit().token());
        let call = scene
            .call()
            .header("authorization", &value)
            .with(format!("the scheme {scheme}"));
        accepted(&call, &run.answer(&call).await?)?;
    }
    Ok(())
}
