//! 401: every rule of the verifier, with a token that breaks exactly that rule.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::{
    app::TestApp,
    caller::Fit,
    claims::{APP, OTHER_APP, now},
    keys::{KEY, KID, OTHER_KEY, OTHER_KID, SHORT_JWK, SHORT_SIGNED},
};

async fn refused(app: &TestApp, what: &str, token: &str, code: &str) {
    let answer = app
        .anybody()
        .token(token)
        .app_token()
        .user_token()
        .get("/api/invocation")
        .await;
    assert_eq!(answer.status, 401, "{what}: {answer:?}");
    assert_eq!(answer.json()["error"]["code"], code, "{what}");
    let _ = answer.refused(401, code);
}

async fn accepted(app: &TestApp, what: &str, fit: Fit) {
    let answer = app
        .anybody()
        .token(&fit.token())
        .get("/api/invocation")
        .await;
    assert_eq!(answer.status, 200, "{what}: {answer:?}");
}

#[tokio::test]
async fn a_good_fit_is_accepted() {
    let app = TestApp::start().await;
    let answer = app.as_forge().get("/api/invocation").await.ok();
    assert_eq!(answer["claims"]["app"]["id"], APP);
    assert_eq!(answer["appToken"], true);
    assert_eq!(answer["userToken"], true);
}

#[tokio::test]
async fn without_a_bearer_there_is_no_invocation() {
    let app = TestApp::start().await;
    let _ = app
        .anybody()
        .get("/api/invocation")
        .await
        .refused(401, "missing_token");
    for value in ["", "Basic YTpi", "Bearer", "Bearer "] {
        let answer = app
            .anybody()
            .header("authorization", value)
            .get("/api/invocation")
            .await;
        let _ = answer.refused(401, "missing_token");
    }
    let fit = Fit::of(&app.atlassian.url()).token();
    let lower = app
        .anybody()
        .header("authorization", &format!("bearer {fit}"));
    let _ = lower.get("/api/invocation").await.ok();
    let twice = app
        .anybody()
        .token(&fit)
        .token(&fit)
        .get("/api/invocation")
        .await;
    let _ = twice.refused(401, "malformed_token");
}

#[tokio::test]
async fn what_is_not_a_jws_is_malformed() {
    let app = TestApp::start().await;
    let fit = Fit::new();
    let good = fit.token();
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let b64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let tokens = [
        ("one segment", "abc".to_owned()),
        ("two segments", format!("{header}.{payload}")),
        ("four segments", format!("{good}.{signature}")),
        ("an empty header", format!(".{payload}.{signature}")),
        ("an empty payload", format!("{header}..{signature}")),
        ("an empty signature", format!("{header}.{payload}.")),
        ("padded base64", format!("{header}=.{payload}.{signature}")),
        (
            "standard base64",
            format!("{header}.{payload}+.{signature}"),
        ),
        (
            "a header that is no JSON",
            format!("{}.{payload}.{signature}", b64("{")),
        ),
        (
            "a header that is no object",
            format!("{}.{payload}.{signature}", b64("[]")),
        ),
        ("a payload that is no JSON", fit.signed("{")),
        ("a payload that is no object", fit.signed("[]")),
        ("a payload nested deep", fit.signed(&"[".repeat(2000))),
        (
            "more than 16 KiB",
            fit.clone().claim("/x", "y".repeat(20_000)).token(),
        ),
        ("a space inside", format!("{header} .{payload}.{signature}")),
        ("no kid", fit.clone().without_header("kid").token()),
        (
            "a kid that is no text",
            fit.clone().header("kid", 7).token(),
        ),
        ("an empty kid", fit.clone().header("kid", "").token()),
        (
            "a critical extension",
            fit.clone().header("crit", json!(["exp"])).token(),
        ),
        ("no exp", fit.clone().without("/exp").token()),
        (
            "an exp that is no number",
            fit.clone().claim("/exp", "soon").token(),
        ),
        ("no app", fit.clone().without("/app").token()),
        (
            "no installation id",
            fit.clone().without("/app/installationId").token(),
        ),
        (
            "an installation id of another kind",
            fit.clone().claim("/app/installationId", APP).token(),
        ),
        (
            "an app id that is no text",
            fit.clone().claim("/app/id", json!({"a": 1})).token(),
        ),
        (
            "no API base",
            fit.clone().without("/app/apiBaseUrl").token(),
        ),
        (
            "a bad Isolated Cloud label",
            fit.clone().claim("/icLabel", "../evil").token(),
        ),
        ("a claim twice", {
            let text = fit.claims.to_string();
            fit.signed(&format!(
                "{},\"exp\":{}}}",
                &text[..text.len() - 1],
                now() + 9999
            ))
        }),
    ];
    for (what, token) in tokens {
        refused(&app, what, &token, "malformed_token").await;
    }
}

#[tokio::test]
async fn the_algorithm_is_rs256_whatever_the_token_says() {
    let app = TestApp::start().await;
    let fit = Fit::of(&app.atlassian.url());
    let public = KEY.public_der();
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let token = fit.hmac(algorithm, &public);
        refused(
            &app,
            "HMAC with the public key",
            &token,
            "unsupported_algorithm",
        )
        .await;
    }
    for name in [
        "none", "None", "NONE", "rs256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "",
    ] {
        let token = fit.clone().header("alg", name).token();
        refused(&app, name, &token, "unsupported_algorithm").await;
        let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
        let answer = app.anybody().token(&unsigned).get("/api/invocation").await;
        assert_eq!(answer.status, 401, "{name} unsigned");
    }
}

#[tokio::test]
async fn keys_come_from_the_configured_set_only() {
    let app = TestApp::start().await;
    let evil = Fit::of(&app.atlassian.url()).key(OTHER_KEY);
    refused(
        &app,
        "a key id that is not in the set",
        &evil.clone().header("kid", OTHER_KID).token(),
        "unknown_key",
    )
    .await;
    for (name, value) in [
        ("jwk", OTHER_KEY.jwk(OTHER_KID)),
        ("jku", json!(format!("{}/evil.json", app.atlassian.url()))),
        ("x5u", json!(format!("{}/evil.pem", app.atlassian.url()))),
        ("x5c", json!(["MIIB"])),
    ] {
        let token = evil.clone().header(name, value).token();
        refused(&app, name, &token, "bad_signature").await;
    }
    assert!(
        app.atlassian.calls().is_empty(),
        "no header of a token is followed"
    );
}

#[tokio::test]
async fn keys_that_are_not_fit_for_signatures_are_not_used() {
    let mut encryption = OTHER_KEY.jwk("encryption");
    encryption["use"] = json!("enc");
    let mut hmac = OTHER_KEY.jwk("hmac");
    hmac["alg"] = json!("HS256");
    let mut operations = OTHER_KEY.jwk("operations");
    operations["key_ops"] = json!(["encrypt"]);
    let mut nameless = OTHER_KEY.jwk("nameless");
    nameless.as_object_mut().unwrap().remove("kid");
    let short: Value = serde_json::from_str(SHORT_JWK).unwrap();
    let oct = json!({"kty": "oct", "kid": "oct", "k": "c2VjcmV0"});
    let setup = TestApp::setup().await;
    setup.atlassian().serves_keys(&[
        encryption,
        hmac,
        operations,
        nameless,
        oct,
        short,
        KEY.jwk(KID),
    ]);
    let app = setup.start().await;
    let fit = Fit::of(&app.atlassian.url());
    accepted(&app, "the good key beside the bad ones", fit.clone()).await;
    for kid in ["encryption", "hmac", "operations", "nameless", "oct"] {
        let token = fit.clone().key(OTHER_KEY).header("kid", kid).token();
        refused(&app, kid, &token, "unknown_key").await;
    }
    refused(&app, "1024 bits", SHORT_SIGNED.trim(), "unknown_key").await;
}

#[tokio::test]
async fn a_signature_holds_for_exactly_what_was_signed() {
    let app = TestApp::start().await;
    let fit = Fit::of(&app.atlassian.url());
    let token = fit.token();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let other_payload = URL_SAFE_NO_PAD.encode(
        fit.clone()
            .claim("/principal", "5f3c9a1be8d2470071b64c0d")
            .claims
            .to_string(),
    );
    let flipped = {
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        bytes[17] ^= 1;
        URL_SAFE_NO_PAD.encode(bytes)
    };
    for (what, token) in [
        (
            "another payload",
            format!("{header}.{other_payload}.{signature}"),
        ),
        ("a flipped bit", format!("{message}.{flipped}")),
        (
            "a short signature",
            format!("{message}.{}", URL_SAFE_NO_PAD.encode([0_u8; 64])),
        ),
        (
            "zeros",
            format!("{message}.{}", URL_SAFE_NO_PAD.encode([0_u8; 256])),
        ),
        ("another key's", fit.key(OTHER_KEY).token()),
    ] {
        refused(&app, what, &token, "bad_signature").await;
    }
}

#[tokio::test]
async fn time_is_kept_with_five_seconds_of_leeway() {
    let app = TestApp::start().await;
    let fit = Fit::of(&app.atlassian.url());
    let at = |exp: i64, nbf: i64| {
        fit.clone()
            .claim("/exp", now() + exp)
            .claim("/nbf", now() + nbf)
    };
    accepted(&app, "just lapsed", at(-2, -30)).await;
    accepted(&app, "nearly valid", at(30, 2)).await;
    accepted(&app, "without nbf", fit.clone().without("/nbf")).await;
    refused(&app, "lapsed", &at(-10, -40).token(), "expired").await;
    refused(
        &app,
        "long lapsed",
        &at(-100_000, -100_030).token(),
        "expired",
    )
    .await;
    refused(&app, "not yet", &at(60, 10).token(), "not_yet_valid").await;
    refused(
        &app,
        "before 1970",
        &fit.clone().claim("/exp", -1).token(),
        "malformed_token",
    )
    .await;
    refused(
        &app,
        "far nbf",
        &fit.clone().claim("/nbf", i64::MAX).token(),
        "not_yet_valid",
    )
    .await;
}

#[tokio::test]
async fn issuer_and_audience_are_exact() {
    let app = TestApp::start().await;
    let fit = Fit::of(&app.atlassian.url());
    for iss in [
        json!("forge/context-token"),
        json!("forge/invocation-token "),
        json!(["forge/invocation-token"]),
        json!(null),
    ] {
        refused(
            &app,
            "issuer",
            &fit.clone().claim("/iss", iss).token(),
            "wrong_issuer",
        )
        .await;
    }
    refused(
        &app,
        "no issuer",
        &fit.clone().without("/iss").token(),
        "wrong_issuer",
    )
    .await;
    for aud in [
        json!(OTHER_APP),
        json!([OTHER_APP]),
        json!([]),
        json!(null),
        json!(7),
    ] {
        refused(
            &app,
            "audience",
            &fit.clone().claim("/aud", aud).token(),
            "wrong_audience",
        )
        .await;
    }
    refused(
        &app,
        "no audience",
        &fit.clone().without("/aud").token(),
        "wrong_audience",
    )
    .await;
    accepted(
        &app,
        "one of several audiences",
        fit.claim("/aud", json!([OTHER_APP, APP])),
    )
    .await;
}

#[tokio::test]
async fn a_remote_may_serve_several_apps() {
    let setup = TestApp::setup()
        .await
        .set("APP__IDS", &format!("{APP},{OTHER_APP}"));
    let app = setup.start().await;
    let fit = Fit::of(&app.atlassian.url());
    let other = fit
        .clone()
        .claim("/aud", OTHER_APP)
        .claim("/app/id", OTHER_APP);
    accepted(&app, "the other app", other).await;
    refused(
        &app,
        "one app in the other's name",
        &fit.claim("/aud", OTHER_APP).token(),
        "inconsistent_claims",
    )
    .await;
}

#[tokio::test]
async fn claims_may_not_contradict_each_other() {
    let app = TestApp::start().await;
    let fit = Fit::of(&app.atlassian.url());
    let another = "ari:cloud:ecosystem::installation/00000000-4d08-4b6f-a3e1-5f20d8b9c647";
    for (what, fit) in [
        ("app and audience", fit.clone().claim("/app/id", OTHER_APP)),
        ("installation ids", fit.clone().claim("/app/installation/id", another)),
        ("cloud ids", fit.clone().claim("/context/cloudId", "00000000-91f2-4c6a-b4d7-2a0f6e9c1b85")),
        (
            "workspace ids",
            fit.clone()
                .claim("/app/installation/contexts", json!([{"name": "bitbucket", "workspaceId": "d41c7e90-3a5f-4b82-96e0-7c8b1f2a5d63", "apiBaseUrl": "https://api.bitbucket.org"}]))
                .claim("/context", json!({"workspaceId": "{00000000-3a5f-4b82-96e0-7c8b1f2a5d63}"})),
        ),
    ] {
        refused(&app, what, &fit.token(), "inconsistent_claims").await;
    }
    accepted(
        &app,
        "no cloud id in the contexts",
        fit.without("/app/installation/contexts/0/cloudId")
            .without("/app/installation/contexts/1/cloudId"),
    )
    .await;
}

#[tokio::test]
async fn everything_the_platform_may_add_is_tolerated() {
    let app = TestApp::start().await;
    let fit = Fit::of(&app.atlassian.url());
    for (what, fit) in [
        (
            "unknown claims",
            fit.clone()
                .claim("/new", json!({"deep": [1]}))
                .claim("/app/new", 1),
        ),
        (
            "an unknown environment",
            fit.clone().claim("/app/environment/type", "NIGHTLY"),
        ),
        (
            "an unknown license",
            fit.clone().claim("/app/license/type", "galactic"),
        ),
        (
            "an old license",
            fit.clone().claim("/app/license", json!({"isActive": true})),
        ),
        ("no license", fit.clone().without("/app/license")),
        (
            "no context and nobody",
            fit.clone().without("/context").without("/principal"),
        ),
        (
            "a null principal",
            fit.clone().claim("/principal", json!(null)),
        ),
        (
            "an anonymous user",
            fit.clone().claim("/principal", "unidentified"),
        ),
        ("no internal version", fit.clone().without("/app/version")),
        (
            "an unknown product",
            fit.clone()
                .claim("/app/installation/contexts/1/name", "loom"),
        ),
        (
            "a header with more",
            fit.clone().header("cty", "x").header("new", json!({})),
        ),
    ] {
        accepted(&app, what, fit).await;
    }
}

#[tokio::test]
async fn staging_and_isolated_cloud_have_key_sets_of_their_own() {
    let app = TestApp::start().await;
    let isolated = Fit::of(&app.atlassian.url()).claim("/icLabel", "orange");
    refused(
        &app,
        "Isolated Cloud, not configured",
        &isolated.token(),
        "unknown_key",
    )
    .await;

    let setup = TestApp::setup().await;
    let template = format!("{}/keys/{{IC_LABEL}}/jwks.json", setup.atlassian().url());
    let app = setup
        .set("FIT__ISOLATED_CLOUD_JWKS_URL", &template)
        .start()
        .await;
    app.atlassian.answers(|call| match call.path.as_str() {
        "/keys/orange/jwks.json" => {
            crate::support::atlassian::json_answer(200, json!({"keys": [OTHER_KEY.jwk(OTHER_KID)]}))
        }
        _ => crate::support::atlassian::json_answer(404, json!({})),
    });
    let isolated = Fit::of(&app.atlassian.url()).claim("/icLabel", "orange");
    let theirs = isolated.clone().key(OTHER_KEY).header("kid", OTHER_KID);
    accepted(&app, "signed with the label's own key", theirs.clone()).await;
    refused(
        &app,
        "the commercial key in Isolated Cloud",
        &isolated.token(),
        "unknown_key",
    )
    .await;
    refused(
        &app,
        "their key without the label",
        &theirs.clone().without("/icLabel").token(),
        "unknown_key",
    )
    .await;

    let before = app.atlassian.calls().len();
    for label in ["../x", "a.b", "Orange", "orange\n", "", &"a".repeat(51)] {
        refused(
            &app,
            label,
            &theirs.clone().claim("/icLabel", label).token(),
            "malformed_token",
        )
        .await;
    }
    assert_eq!(
        app.atlassian.calls().len(),
        before,
        "a bad label touches no URL"
    );
    let blue = theirs.claim("/icLabel", "blue").token();
    let answer = app.anybody().token(&blue).get("/api/invocation").await;
    let _ = answer.refused(503, "keys_unavailable");
}
