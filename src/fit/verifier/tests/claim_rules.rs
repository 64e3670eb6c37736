//! Every rule for a single token, each with a token that really breaks it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;
use crate::fit::testing::{
    APP, CLOUD, INSTALLATION, ISSUED, PRINCIPAL, WORKSPACE, claims, claims_with, claims_without,
};

const STRANGER: &str = "ari:cloud:ecosystem::app/11111111-2222-4333-8444-555555555555";
const OTHER_INSTALLATION: &str =
    "ari:cloud:ecosystem::installation/11111111-2222-4333-8444-555555555555";

#[tokio::test]
async fn a_fit_is_verified() {
    let remote = Remote::start().await;
    let fit = remote
        .verifier
        .verify(&remote.token(&claims()))
        .await
        .unwrap();
    assert_eq!(fit.app.id, app());
    assert_eq!(fit.principal.as_ref().unwrap().as_str(), PRINCIPAL);
    assert_eq!(fit.key_id(), KID);
    let shown = format!("{fit:?} {:?}", remote.verifier);
    assert!(shown.contains(INSTALLATION) && !shown.contains(PRINCIPAL));
}

#[tokio::test]
async fn the_signature_must_be_that_of_the_key_it_names() {
    let remote = Remote::start().await;
    let forged = SigningKey::b().token(KID, &claims());
    assert_eq!(remote.outcome_of(&forged).await, "bad_signature");

    let good = remote.token(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let other = remote.token(&claims_with("/principal", json!("712020:other")));
    let (other_signed, _) = other.rsplit_once('.').unwrap();
    let swapped = format!("{other_signed}.{signature}");
    assert_eq!(remote.outcome_of(&swapped).await, "bad_signature");
    for cut in ["AAAA", &signature[4..]] {
        let token = format!("{signed}.{cut}");
        assert_eq!(remote.outcome_of(&token).await, "bad_signature");
    }
}

#[tokio::test]
async fn a_header_that_was_changed_breaks_the_signature() {
    let remote = Remote::start().await;
    let good = remote.token(&claims());
    let (_, rest) = good.split_once('.').unwrap();
    let header = json!({"alg": "RS256", "kid": KID}).to_string();
    let token = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header));
    assert_eq!(remote.outcome_of(&token).await, "bad_signature");
}

#[tokio::test]
async fn no_other_algorithm_gets_past_the_key() {
    let remote = Remote::start().await;
    let payload = claims().to_string();
    for alg in ["none", "HS256", "PS256", "RS512"] {
        let header = json!({"alg": alg, "kid": KID}).to_string();
        let token = remote.key.jws(&header, &payload);
        assert_eq!(
            remote.outcome_of(&token).await,
            "unsupported_algorithm",
            "{alg}"
        );
    }
    // The public key as the secret of an HMAC.
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "kid": KID}).to_string());
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(&payload));
    let public = remote.key.jwk(KID)["n"].as_str().unwrap().to_owned();
    let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.as_bytes());
    let mac = aws_lc_rs::hmac::sign(&secret, signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac));
    assert_eq!(remote.outcome_of(&token).await, "unsupported_algorithm");
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "kid": KID}).to_string());
    let token = format!(
        "{header}.{}.{}",
        URL_SAFE_NO_PAD.encode(&payload),
        URL_SAFE_NO_PAD.encode(mac)
    );
    assert_eq!(remote.outcome_of(&token).await, "bad_signature");
}

#[tokio::test]
async fn a_key_of_1024_bits_is_not_trusted() {
    let remote = Remote::start().await;
    let weak = include_str!("../../../../tests/keys/rsa-1024.jwk.json");
    let weak: Value = serde_json::from_str(weak).unwrap();
    let keys = [weak, remote.key.jwk(KID)];
    remote
        .endpoint
        .answer(crate::fit::testing::Answer::keys(&keys));
    let signed = include_str!("../../../../tests/keys/rsa-1024.signed.jws").trim();
    assert_eq!(remote.outcome_of(signed).await, "unknown_key");
    assert_eq!(remote.outcome(&claims()).await, "ok");
}

#[tokio::test]
async fn the_issuer_is_one_text() {
    let remote = Remote::start().await;
    for issuer in [
        json!("forge/context-token"),
        json!("forge/invocation-token "),
        json!("Forge/invocation-token"),
        json!(""),
        json!(null),
        json!(5),
        json!(["forge/invocation-token"]),
        json!({"forge/invocation-token": 1}),
    ] {
        let claims = claims_with("/iss", issuer.clone());
        assert_eq!(remote.outcome(&claims).await, "wrong_issuer", "{issuer}");
    }
    assert_eq!(
        remote.outcome(&claims_without("/iss")).await,
        "wrong_issuer"
    );
}

#[tokio::test]
async fn the_audience_is_an_app_of_this_remote() {
    let remote = Remote::start().await;
    for audience in [
        json!(STRANGER),
        json!([STRANGER]),
        json!("6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21"),
        json!(APP.to_uppercase()),
        json!(""),
        json!([]),
        json!([APP, 5]),
        json!(null),
        json!(5),
        json!({ APP: 1 }),
    ] {
        let claims = claims_with("/aud", audience.clone());
        assert_eq!(
            remote.outcome(&claims).await,
            "wrong_audience",
            "{audience}"
        );
    }
    assert_eq!(
        remote.outcome(&claims_without("/aud")).await,
        "wrong_audience"
    );
    for audience in [
        json!([APP]),
        json!([STRANGER, APP]),
        json!([OTHER_APP, APP]),
    ] {
        let claims = claims_with("/aud", audience.clone());
        assert_eq!(remote.outcome(&claims).await, "ok", "{audience}");
    }
}

#[tokio::test]
async fn each_app_of_the_remote_is_served() {
    let remote = Remote::start().await;
    let mut other = claims_with("/aud", json!(OTHER_APP));
    other["app"]["id"] = json!(OTHER_APP);
    assert_eq!(remote.outcome(&other).await, "ok");
}

#[tokio::test]
async fn the_app_is_the_audience() {
    let remote = Remote::start().await;
    for id in [OTHER_APP, STRANGER] {
        let claims = claims_with("/app/id", json!(id));
        assert_eq!(remote.outcome(&claims).await, "inconsistent_claims", "{id}");
    }
    let mut both = claims_with("/aud", json!([STRANGER, OTHER_APP]));
    assert_eq!(remote.outcome(&both).await, "inconsistent_claims");
    both["app"]["id"] = json!(STRANGER);
    assert_eq!(remote.outcome(&both).await, "inconsistent_claims");
}

#[tokio::test]
async fn the_two_installation_ids_are_one() {
    let remote = Remote::start().await;
    let claims = claims_with("/app/installation/id", json!(OTHER_INSTALLATION));
    assert_eq!(remote.outcome(&claims).await, "inconsistent_claims");
}

#[tokio::test]
async fn the_site_is_one_of_the_installations() {
    let remote = Remote::start().await;
    let elsewhere = claims_with("/context/cloudId", json!("another-site"));
    assert_eq!(remote.outcome(&elsewhere).await, "inconsistent_claims");
    let mut nowhere = elsewhere;
    nowhere["app"]["installation"]["contexts"] = json!([]);
    assert_eq!(
        remote.outcome(&nowhere).await,
        "ok",
        "there is nothing to compare with"
    );
    assert_eq!(
        remote.outcome(&claims_without("/context/cloudId")).await,
        "ok"
    );
}

#[tokio::test]
async fn the_workspace_is_one_of_the_installations() {
    let remote = Remote::start().await;
    let mut bitbucket = claims();
    bitbucket["app"]["apiBaseUrl"] = json!("https://api.bitbucket.org");
    bitbucket["app"]["installation"]["contexts"] = json!([{"name": "bitbucket",
        "apiBaseUrl": "https://api.bitbucket.org", "workspaceId": WORKSPACE}]);
    bitbucket["context"] = json!({"workspaceId": format!("{{{WORKSPACE}}}")});
    assert_eq!(remote.outcome(&bitbucket).await, "ok");
    bitbucket["context"] = json!({"workspaceId": "{another}", "cloudId": CLOUD});
    assert_eq!(remote.outcome(&bitbucket).await, "inconsistent_claims");
}

#[tokio::test]
async fn a_fit_is_valid_from_nbf_to_exp_with_the_leeway_on_both_sides() {
    let remote = Remote::at(Timestamp::from_unix(ISSUED - 6), |_| {}).await;
    assert_eq!(remote.outcome(&claims()).await, "not_yet_valid");
    remote.clock.advance(Duration::from_secs(1)); // nbf - leeway
    assert_eq!(remote.outcome(&claims()).await, "ok");
    remote.clock.advance(Duration::from_secs(34)); // exp + leeway - 1
    assert_eq!(remote.outcome(&claims()).await, "ok");
    remote.clock.advance(Duration::from_secs(1)); // exp + leeway
    assert_eq!(remote.outcome(&claims()).await, "expired");
}

#[tokio::test]
async fn times_at_the_ends_of_time_do_not_overflow() {
    let remote = Remote::with(|settings| settings.leeway = Duration::MAX).await;
    assert_eq!(
        remote.outcome(&claims_with("/exp", json!(u64::MAX))).await,
        "ok"
    );
    let remote = Remote::start().await;
    assert_eq!(
        remote.outcome(&claims_with("/exp", json!(u64::MAX))).await,
        "ok"
    );
    assert_eq!(
        remote.outcome(&claims_with("/exp", json!(0))).await,
        "expired"
    );
    assert_eq!(
        remote.outcome(&claims_with("/nbf", json!(u64::MAX))).await,
        "not_yet_valid"
    );
    assert_eq!(remote.outcome(&claims_with("/nbf", json!(0))).await, "ok");
    assert_eq!(remote.outcome(&claims_without("/nbf")).await, "ok");
    let far = Remote::at(Timestamp::from_unix(i64::MAX), |_| {}).await;
    assert_eq!(far.outcome(&claims()).await, "expired");
}

#[tokio::test]
async fn what_cannot_be_read_is_malformed_and_causes_no_fetch() {
    let remote = Remote::start().await;
    let huge = claims_with("/context/extension", json!({"text": "x".repeat(16_000)}));
    for token in [
        remote.token(&huge),
        remote.token(&claims_without("/exp")),
        remote.token(&claims_with("/app/id", json!("x"))),
        remote.token(&json!([])),
        "e30.e30.e30".replace("e30", ""),
        String::new(),
    ] {
        assert_eq!(remote.outcome_of(&token).await, "malformed_token");
    }
    assert_eq!(remote.endpoint.hits(), 0);
}
