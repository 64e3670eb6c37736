//! A token that comes again: it passes without a second look, and only as long as it may.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

use super::*;
use crate::fit::testing::{Answer, claims, claims_with, pass, until};

impl Remote {
    async fn fit(&self, token: &str) -> Fit {
        self.verifier.verify(token).await.unwrap()
    }

    /// Verifies it as often as it takes to be remembered.
    async fn remembered(&self, token: &str) -> Fit {
        self.fit(token).await;
        self.fit(token).await
    }

    /// Whether a token that passes did so as one that was verified before.
    async fn reuses(&self, fit: &Fit, token: &str) -> bool {
        Arc::ptr_eq(&fit.0, &self.fit(token).await.0)
    }
}

#[tokio::test]
async fn a_token_that_comes_again_is_the_one_that_was_verified() {
    let remote = Remote::start().await;
    let token = remote.token(&claims());
    let fit = remote.remembered(&token).await;
    assert!(remote.reuses(&fit, &token).await);
    assert!(remote.reuses(&fit, &token).await);
    let other = remote.token(&claims_with("/jti", json!("other")));
    assert!(!remote.reuses(&fit, &other).await);
}

#[tokio::test]
async fn reused_tokens_are_counted_apart() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let text = std::thread::spawn(move || {
        metrics::with_local_recorder(&recorder, || {
            runtime.block_on(async {
                let remote = Remote::start().await;
                let token = remote.token(&claims());
                for _ in 0..4 {
                    remote.fit(&token).await;
                }
            });
        });
        recorder.handle().render()
    });
    let text = text.join().unwrap();
    for line in [
        r#"forge_fit_verifications_total{outcome="ok"} 2"#,
        r#"forge_fit_verifications_total{outcome="reused"} 2"#,
        "forge_fit_verification_seconds_count 2",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn no_change_to_a_token_that_was_verified_passes() {
    let remote = Remote::start().await;
    let token = remote.token(&claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let other_token = remote.token(&claims_with("/jti", json!("other")));
    let (other_signed, other_signature) = other_token.rsplit_once('.').unwrap();
    let (_, other_payload) = other_signed.split_once('.').unwrap();
    let by_b = SigningKey::b().token(KID, &claims());
    let other_header = URL_SAFE_NO_PAD
        .encode(json!({"alg": "RS256", "kid": KID, "typ": "JWT", "x": 1}).to_string());
    remote.remembered(&token).await;
    remote.remembered(&other_token).await;
    for hostile in [
        format!("{signed}.{other_signature}"),
        format!("{other_signed}.{signature}"),
        format!("{header}.{other_payload}.{signature}"),
        format!("{other_header}.{payload}.{signature}"),
        by_b,
        format!("{signed}.{}", "A".repeat(signature.len())),
        format!("{signed}.{signature}AA"),
    ] {
        assert_eq!(
            remote.outcome_of(&hostile).await,
            "bad_signature",
            "{hostile}"
        );
    }
    for hostile in [
        format!("{token}="),
        format!("{token} "),
        format!("{token}\n"),
        format!("{signed}.{}", &signature[..signature.len() - 1]),
    ] {
        assert_eq!(
            remote.outcome_of(&hostile).await,
            "malformed_token",
            "{hostile}"
        );
    }
}

#[tokio::test]
async fn a_forged_sibling_does_not_displace_a_remembered_token() {
    let remote = Remote::start().await;
    let token = remote.token(&claims());
    let fit = remote.remembered(&token).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", "A".repeat(signature.len()));
    for _ in 0..3 {
        assert_eq!(remote.outcome_of(&forged).await, "bad_signature");
        assert!(remote.reuses(&fit, &token).await);
    }
}

#[tokio::test]
async fn what_failed_is_never_taken_for_verified() {
    let remote = Remote::start().await;
    let early = claims_with("/nbf", json!(NOW.unix() + 60));
    let others = claims_with("/aud", json!("ari:cloud:ecosystem::app/none"));
    for claims in [early, others] {
        let token = remote.token(&claims);
        let first = remote.outcome_of(&token).await;
        assert_ne!(first, "ok");
        assert_eq!(remote.outcome_of(&token).await, first);
    }
}

#[tokio::test]
async fn a_remembered_token_lapses_when_it_would_have() {
    let remote = Remote::start().await;
    let token = remote.token(&claims());
    let fit = remote.remembered(&token).await;
    remote.clock.advance(Duration::from_secs(22));
    assert!(remote.reuses(&fit, &token).await, "the last second");
    remote.clock.advance(Duration::from_secs(1));
    assert!(!remote.reuses(&fit, &token).await, "its `exp` has come");
    remote.clock.advance(Duration::from_secs(5));
    assert_eq!(remote.outcome_of(&token).await, "expired");
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_a_remembered_token_too_early() {
    let remote = Remote::start().await;
    let token = remote.token(&claims());
    remote.remembered(&token).await;
    remote.clock.set_back(Duration::from_hours(1));
    assert_eq!(remote.outcome_of(&token).await, "not_yet_valid");
}

#[tokio::test]
async fn a_key_that_left_the_set_takes_remembered_tokens_along() {
    let remote = Remote::start().await;
    remote.verifier.start_refreshing();
    until(|| remote.verifier.is_ready()).await;
    let token = remote.token(&claims());
    let fit = remote.remembered(&token).await;
    remote
        .endpoint
        .answer(Answer::keys(&[SigningKey::b().jwk("new")]));
    tokio::task::yield_now().await;
    pass(Duration::from_mins(48)).await;
    until(|| !remote.verifier.still_trusts(&fit)).await;
    assert_eq!(remote.outcome_of(&token).await, "unknown_key");

    // Nor does the key bring them back: what it signed is verified again.
    remote.endpoint.answer(Answer::keys(&[remote.key.jwk(KID)]));
    tokio::task::yield_now().await;
    pass(Duration::from_mins(48)).await;
    assert!(!remote.reuses(&fit, &token).await);
    assert!(!remote.verifier.still_trusts(&fit));
}

#[tokio::test]
async fn another_key_of_the_same_id_verifies_no_remembered_token() {
    let remote = Remote::start().await;
    remote.verifier.start_refreshing();
    until(|| remote.verifier.is_ready()).await;
    let token = remote.token(&claims());
    let fit = remote.remembered(&token).await;
    remote
        .endpoint
        .answer(Answer::keys(&[SigningKey::b().jwk(KID)]));
    tokio::task::yield_now().await;
    pass(Duration::from_mins(48)).await;
    until(|| !remote.verifier.still_trusts(&fit)).await;
    assert_eq!(remote.outcome_of(&token).await, "bad_signature");
}
