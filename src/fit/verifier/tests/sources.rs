//! Which key set a token is verified with, and what that costs in fetches.

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;
use url::Url;

use super::*;
use crate::fit::testing::{Answer, CLOUD, claims, claims_with, pass};

const STAGING_BASE: &str = "https://api.stg.atlassian.com/ex/confluence/1";

fn labelled(label: &str) -> Value {
    claims_with("/icLabel", json!(label))
}

/// A remote whose Isolated Clouds have their key sets at `/{label}/jwks.json`.
async fn isolated() -> Remote {
    Remote::with(|settings| {
        let template = settings
            .jwks_url
            .as_str()
            .replace("/jwks", "/{IC_LABEL}/jwks");
        settings.isolated_cloud_jwks_url = Some(template);
    })
    .await
}

#[tokio::test]
async fn three_hundred_unknown_key_ids_cost_two_fetches_at_most() {
    let remote = Remote::start().await;
    let tokens: Vec<_> = (0..300)
        .map(|n| {
            remote
                .key
                .token(&format!("forge/invocation-token/{n}"), &claims())
        })
        .collect();
    let outcomes = join_all(tokens.iter().map(|token| remote.outcome_of(token))).await;
    assert_eq!(outcomes, ["unknown_key"; 300]);
    let again = join_all(tokens.iter().map(|token| remote.outcome_of(token))).await;
    assert_eq!(again, ["unknown_key"; 300]);
    assert_eq!(remote.endpoint.hits(), 2);
    assert_eq!(remote.outcome(&claims()).await, "ok");
    assert_eq!(remote.endpoint.hits(), 2);
}

#[tokio::test]
async fn without_keys_nothing_is_verified_and_nothing_refused() {
    let remote = Remote::start().await;
    remote
        .endpoint
        .answer(Answer::status(StatusCode::BAD_GATEWAY));
    assert_eq!(remote.outcome(&claims()).await, "keys_unavailable");
    assert!(!remote.verifier.is_ready());
}

#[tokio::test]
async fn a_verifier_is_ready_once_its_keys_are_loaded_and_its_tasks_end_with_it() {
    let remote = Remote::start().await;
    remote.verifier.start_refreshing();
    let clone = remote.verifier.clone();
    crate::fit::testing::until(|| clone.is_ready()).await;
    assert_eq!(remote.outcome(&claims()).await, "ok");
    assert_eq!(remote.endpoint.hits(), 1);
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    drop(remote.verifier);
    tokio::task::yield_now().await;
    assert_eq!(tasks(), before, "the clone keeps them");
    drop(clone);
    crate::fit::testing::until(|| tasks() < before).await;
}

#[tokio::test]
async fn a_staging_token_counts_only_where_staging_is_accepted() {
    let production = KeyEndpoint::serving(&[SigningKey::a().jwk(KID)]).await;
    let staging = KeyEndpoint::serving(&[SigningKey::b().jwk("stg")]).await;
    let verifier = |staging: Option<Url>| {
        let settings = settings(&production);
        let clock = Clock::manual(NOW);
        let sets = KeySets::with_staging(&settings, staging, http(), &clock);
        Verifier::with_key_sets(sets, Rules::new(&settings, &[app()]), clock)
    };
    let token = |base: &str| {
        let mut claims = claims_with("/app/apiBaseUrl", json!(base));
        claims["app"]["installation"]["contexts"] = json!([]);
        SigningKey::b().token("stg", &claims)
    };
    let verify = async |verifier: &Verifier, base| outcome(&verifier.verify(&token(base)).await);

    let strict = verifier(None);
    assert_eq!(verify(&strict, STAGING_BASE).await, "unknown_key");
    assert_eq!(staging.hits(), 0);

    let accepting = verifier(Some(staging.url.clone()));
    assert_eq!(verify(&accepting, STAGING_BASE).await, "ok");
    for other in [
        "https://api.stg.atlassian.com",
        "https://api.stg.atlassian.com.evil.example/",
        "http://api.stg.atlassian.com/",
        "https://api.atlassian.com/ex/jira/1",
    ] {
        assert_eq!(verify(&accepting, other).await, "unknown_key", "{other}");
    }
    // Nor do production's keys count for staging.
    let mut crossed = claims_with("/app/apiBaseUrl", json!(STAGING_BASE));
    crossed["app"]["installation"]["contexts"] = json!([]);
    let crossed = SigningKey::a().token(KID, &crossed);
    assert_eq!(outcome(&accepting.verify(&crossed).await), "unknown_key");
}

#[tokio::test]
async fn a_label_that_breaks_its_rule_causes_no_request() {
    let remote = isolated().await;
    let long = "a".repeat(51);
    for label in [
        "../x", "..", ".", "a.b", "Orange", "ORANGE", "orange\n", "\norange", "a/b", "a b",
        "a%2fb", "a@b", "a:b", "a?b", "a#b", "ö", "", &long,
    ] {
        assert_eq!(
            remote.outcome(&labelled(label)).await,
            "malformed_token",
            "{label:?}"
        );
    }
    assert_eq!(
        remote.outcome(&claims_with("/icLabel", json!(5))).await,
        "malformed_token"
    );
    assert_eq!(remote.endpoint.hits(), 0);
}

#[tokio::test]
async fn a_label_without_a_template_never_counts_by_the_commercial_keys() {
    let remote = Remote::start().await;
    assert_eq!(remote.outcome(&labelled("orange")).await, "unknown_key");
    assert_eq!(remote.endpoint.hits(), 0);
    assert_eq!(remote.outcome(&claims()).await, "ok");
    assert_eq!(remote.outcome(&labelled("orange")).await, "unknown_key");
}

#[tokio::test]
async fn each_isolated_cloud_has_keys_of_its_own() {
    let remote = isolated().await;
    let orange = SigningKey::b();
    remote
        .endpoint
        .answer_at("/orange/jwks.json", Answer::keys(&[orange.jwk("orange")]));
    remote
        .endpoint
        .answer_at("/blue/jwks.json", Answer::status(StatusCode::NOT_FOUND));
    let token = |label| orange.token("orange", &labelled(label));

    let fit = remote.verifier.verify(&token("orange")).await.unwrap();
    assert_eq!(fit.ic_label.as_ref().unwrap().as_str(), "orange");
    assert_eq!(remote.endpoint.paths(), ["/orange/jwks.json"]);
    assert!(remote.verifier.still_trusts(&fit));

    assert_eq!(remote.outcome_of(&token("blue")).await, "keys_unavailable");
    assert_eq!(remote.outcome_of(&token("orange")).await, "ok");
    assert_eq!(remote.outcome(&claims()).await, "ok");
    // Neither do the commercial keys count there, nor its keys elsewhere.
    assert_eq!(remote.outcome(&labelled("orange")).await, "unknown_key");
    let escaped = orange.token("orange", &claims());
    assert_eq!(remote.outcome_of(&escaped).await, "unknown_key");
}

#[tokio::test]
async fn invented_labels_are_bounded_and_do_not_displace_a_real_one() {
    let remote = isolated().await;
    assert_eq!(remote.outcome(&labelled("real")).await, "ok");
    remote
        .endpoint
        .answer(Answer::status(StatusCode::NOT_FOUND));
    for n in 1..64 {
        let invented = labelled(&format!("invented-{n}"));
        assert_eq!(remote.outcome(&invented).await, "keys_unavailable");
    }
    assert_eq!(remote.endpoint.hits(), 64);
    assert_eq!(remote.outcome(&labelled("late")).await, "keys_unavailable");
    assert_eq!(remote.endpoint.hits(), 64, "there was no room for it");
    assert_eq!(remote.outcome(&labelled("real")).await, "ok");

    pass(Duration::from_secs(30)).await;
    let keys = Answer::keys(&[remote.key.jwk(KID)]);
    remote.endpoint.answer_at("/late/jwks.json", keys);
    assert_eq!(remote.outcome(&labelled("late")).await, "ok");
    for n in 100..200 {
        remote.outcome(&labelled(&format!("invented-{n}"))).await;
    }
    let hits = remote.endpoint.hits();
    assert_eq!(remote.outcome(&labelled("real")).await, "ok");
    assert_eq!(remote.outcome(&labelled("late")).await, "ok");
    assert_eq!(remote.endpoint.hits(), hits);
}

#[tokio::test]
async fn the_set_of_an_isolated_cloud_is_kept_fresh_from_its_first_token() {
    let remote = isolated().await;
    remote.verifier.start_refreshing();
    crate::fit::testing::until(|| remote.verifier.is_ready()).await;
    assert_eq!(remote.outcome(&labelled("orange")).await, "ok");
    tokio::task::yield_now().await;
    pass(Duration::from_mins(50)).await;
    let oranges = || {
        let paths = remote.endpoint.paths();
        paths.iter().filter(|path| path.contains("orange")).count()
    };
    crate::fit::testing::until(|| oranges() == 2).await;
}

#[tokio::test]
async fn a_label_cannot_make_an_address_of_a_host() {
    let remote = Remote::with(|settings| {
        settings.isolated_cloud_jwks_url = Some("http://{IC_LABEL}:9/jwks.json".to_owned());
    })
    .await;
    for label in ["2130706433", "0x7f000001", "127"] {
        assert_eq!(
            remote.outcome(&labelled(label)).await,
            "unknown_key",
            "{label}"
        );
    }
}

#[tokio::test]
async fn a_site_named_like_a_label_stays_commercial() {
    let remote = isolated().await;
    let base = format!("https://api.orange.example/ex/confluence/{CLOUD}");
    let claims = claims_with("/app/apiBaseUrl", json!(base));
    assert_eq!(remote.outcome(&claims).await, "ok");
    assert_eq!(remote.endpoint.paths(), ["/jwks.json"]);
}
