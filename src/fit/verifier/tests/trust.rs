//! Tokens that were verified before: what a cache of them has to ask.

use super::*;
use crate::fit::testing::{Answer, claims, pass, until};

#[tokio::test]
async fn a_key_that_left_the_set_takes_its_verified_tokens_along() {
    let remote = Remote::start().await;
    remote.verifier.start_refreshing();
    until(|| remote.verifier.is_ready()).await;
    let token = remote.token(&claims());
    let fit = remote.verifier.verify(&token).await.unwrap();
    assert!(remote.verifier.still_trusts(&fit));

    remote
        .endpoint
        .answer(Answer::keys(&[SigningKey::b().jwk("new")]));
    assert!(remote.verifier.still_trusts(&fit), "nobody has looked yet");
    tokio::task::yield_now().await;
    pass(Duration::from_mins(48)).await;
    until(|| !remote.verifier.still_trusts(&fit)).await;
    assert_eq!(remote.outcome_of(&token).await, "unknown_key");
}

#[tokio::test]
async fn a_refresh_that_keeps_the_key_keeps_its_tokens() {
    let remote = Remote::start().await;
    let fit = remote
        .verifier
        .verify(&remote.token(&claims()))
        .await
        .unwrap();
    let both = [remote.key.jwk(KID), SigningKey::b().jwk("new")];
    remote.endpoint.answer(Answer::keys(&both));
    let new = SigningKey::b().token("new", &claims());
    assert_eq!(remote.outcome_of(&new).await, "ok");
    assert!(remote.verifier.still_trusts(&fit));
}

#[tokio::test]
async fn a_token_that_has_lapsed_is_not_trusted_any_more() {
    let remote = Remote::start().await;
    let fit = remote
        .verifier
        .verify(&remote.token(&claims()))
        .await
        .unwrap();
    remote.clock.advance(Duration::from_secs(27));
    assert!(remote.verifier.still_trusts(&fit), "within the leeway");
    remote.clock.advance(Duration::from_secs(1));
    assert!(!remote.verifier.still_trusts(&fit));
}

#[tokio::test]
async fn another_verifiers_token_is_not_trusted() {
    let (one, other) = (Remote::start().await, Remote::start().await);
    let fit = one.verifier.verify(&one.token(&claims())).await.unwrap();
    assert_eq!(other.outcome(&claims()).await, "ok");
    assert!(!other.verifier.still_trusts(&fit));
}
