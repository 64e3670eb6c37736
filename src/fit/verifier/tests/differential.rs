//! The same tokens given to jsonwebtoken with everything strict: whatever this
//! crate accepts, it accepts too.

use std::collections::HashMap;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;

use super::*;
use crate::fit::testing::{APP, ISSUED, claims, claims_with as with, claims_without};

/// jsonwebtoken, with its lax defaults made strict.
struct Reference {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

impl Reference {
    fn new() -> Self {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.set_audience(&[APP, OTHER_APP]);
        validation.set_issuer(&["forge/invocation-token"]);
        validation.validate_nbf = true;
        validation.leeway = 5;
        let key = SigningKey::a();
        let key = DecodingKey::from_rsa_raw_components(key.modulus(), key.exponent());
        Self {
            keys: HashMap::from([(KID.to_owned(), key)]),
            validation,
        }
    }

    fn accepts(&self, token: &str) -> bool {
        let Ok(header) = decode_header(token) else {
            return false;
        };
        header
            .kid
            .and_then(|kid| self.keys.get(&kid))
            .is_some_and(|key| decode::<Value>(token, key, &self.validation).is_ok())
    }
}

/// Both sides, at the system's time, which jsonwebtoken cannot do without.
struct Pair {
    remote: Remote,
    reference: Reference,
    now: i64,
}

impl Pair {
    async fn start() -> Self {
        let now = Clock::system().now();
        Self {
            remote: Remote::at(now, |_| {}).await,
            reference: Reference::new(),
            now: now.unix(),
        }
    }

    fn fresh(&self, mut claims: Value) -> Value {
        for (name, offset) in [("iat", 0), ("nbf", 0), ("exp", 600)] {
            if claims.get(name).is_some_and(Value::is_i64) {
                claims[name] = json!(self.now + offset);
            }
        }
        claims
    }

    async fn both(&self, token: &str) -> (bool, bool) {
        let ours = self.remote.verifier.verify(token).await.is_ok();
        (ours, self.reference.accepts(token))
    }
}

#[tokio::test]
async fn good_tokens_pass_both() {
    let pair = Pair::start().await;
    for claims in [
        claims(),
        with("/aud", json!([APP])),
        with("/aud", json!([OTHER_APP, APP])),
        with("/principal", Value::Null),
        claims_without("/principal"),
        claims_without("/context"),
        claims_without("/nbf"),
        claims_without("/iat"),
        claims_without("/jti"),
        with("/exp", json!(4_000_000_000.5)),
        with("/exp", json!(u64::MAX)),
        with("/nbf", json!(1.5)),
        with("/new", json!({"deep": [1, 2, {"x": null}]})),
    ] {
        let token = pair.remote.token(&pair.fresh(claims.clone()));
        assert_eq!(pair.both(&token).await, (true, true), "{claims}");
    }
}

#[tokio::test]
async fn bad_claims_pass_neither() {
    let pair = Pair::start().await;
    let now = pair.now;
    for claims in [
        claims_without("/iss"),
        with("/iss", json!("other")),
        with("/iss", json!(5)),
        claims_without("/aud"),
        with("/aud", json!("other")),
        with("/aud", json!(["other"])),
        with("/aud", json!([])),
        with("/aud", json!([APP, 5])),
        with("/aud", json!(APP.to_uppercase())),
        claims_without("/exp"),
        with("/exp", json!(now - 60)),
        with("/exp", json!(-1)),
        with("/exp", json!("4000000000")),
        with("/exp", json!(1e300)),
        with("/exp", Value::Null),
        with("/nbf", json!(4_000_000_000_u64)),
        with("/nbf", json!(-1)),
        with("/nbf", Value::Null),
        with("/nbf", json!("0")),
    ] {
        // Times as they stand: `fresh` would mend them.
        let mut sent = claims.clone();
        if sent
            .get("exp")
            .is_some_and(|exp| *exp == json!(ISSUED + 25))
        {
            sent["exp"] = json!(now + 600);
        }
        let token = pair.remote.token(&sent);
        assert_eq!(pair.both(&token).await, (false, false), "{claims}");
    }
}

#[tokio::test]
async fn bad_envelopes_pass_neither() {
    let pair = Pair::start().await;
    let payload = pair.fresh(claims());
    let good = pair.remote.token(&payload);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, body) = signed.split_once('.').unwrap();
    let signed_as = |header: Value| {
        pair.remote
            .key
            .jws(&header.to_string(), &payload.to_string())
    };
    for token in [
        String::new(),
        signed.to_owned(),
        format!("{signed}."),
        format!("{good}."),
        format!("{good}="),
        format!("{good}\n"),
        format!(" {good}"),
        format!("{header}..{signature}"),
        format!("{header}.{body}.{body}.{signature}"),
        format!("{header}.{body}A.{signature}"),
        SigningKey::b().token(KID, &payload),
        SigningKey::a().token("other", &payload),
        signed_as(json!({"alg": "none", "kid": KID})),
        signed_as(json!({"alg": "HS256", "kid": KID})),
        signed_as(json!({"alg": "RS512", "kid": KID})),
        signed_as(json!({"kid": KID})),
        signed_as(json!({"alg": "RS256"})),
        signed_as(json!({"alg": "RS256", "kid": 5})),
        pair.remote.key.jws("[]", &payload.to_string()),
        pair.remote.key.jws("{", &payload.to_string()),
        pair.remote.key.token(KID, &json!([])),
        pair.remote
            .key
            .jws(&json!({"alg": "RS256", "kid": KID}).to_string(), "{"),
        pair.remote
            .key
            .jws(&json!({"alg": "RS256", "kid": KID}).to_string(), "{}{}"),
    ] {
        assert_eq!(pair.both(&token).await, (false, false), "{token}");
    }
}

#[tokio::test]
async fn here_it_is_stricter() {
    let pair = Pair::start().await;
    let payload = pair.fresh(claims()).to_string();
    let header = json!({"alg": "RS256", "kid": KID}).to_string();
    let critical = json!({"alg": "RS256", "kid": KID, "crit": ["exp"]}).to_string();
    let issuers = with("/iss", json!(["forge/invocation-token", "x"]));
    for token in [
        pair.remote.key.jws(&critical, &payload),
        pair.remote.token(&pair.fresh(issuers)),
        pair.remote
            .token(&pair.fresh(with("/app/id", json!(OTHER_APP)))),
        pair.remote.token(&pair.fresh(claims_without("/app"))),
        pair.remote
            .token(&pair.fresh(with("/icLabel", json!("orange")))),
        pair.remote
            .key
            .jws(&header, &payload.replacen('{', "{\"principal\":null,", 1)),
    ] {
        assert_eq!(pair.both(&token).await, (false, true), "{token}");
    }
}

#[test]
fn whatever_is_done_to_a_token_jsonwebtoken_accepts_all_that_is_accepted() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let pair = runtime.block_on(Pair::start());
    let good = pair.remote.token(&pair.fresh(claims()));
    let longest = good.len();
    let damage = prop::collection::vec((0..longest, any::<u8>()), 1..4);
    let mut runner = TestRunner::new(cases());
    runner
        .run(&damage, |places| {
            let mut bytes = good.clone().into_bytes();
            for (place, byte) in places {
                bytes[place] =
                    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="
                        [usize::from(byte) % 66];
            }
            let token = String::from_utf8(bytes).unwrap();
            let (ours, theirs) = runtime.block_on(pair.both(&token));
            prop_assert!(!ours || theirs, "{token}");
            prop_assert!(!ours || token == good);
            Ok(())
        })
        .unwrap();
}

fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A value that a claim might have by mistake or malice.
fn odd_value(now: i64) -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!(APP)),
        Just(json!([APP])),
        Just(json!("forge/invocation-token")),
        any::<i64>().prop_map(|n| json!(n)),
        any::<u64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        (-100..100_i64)
            .prop_filter("clear of the boundaries", |n| n.abs() > 20)
            .prop_map(move |n| json!(now + n)),
        ".{0,8}".prop_map(|text| json!(text)),
    ]
}

#[test]
fn whatever_its_claims_are_jsonwebtoken_accepts_all_that_is_accepted() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let pair = runtime.block_on(Pair::start());
    let names = prop::sample::select(vec!["iss", "aud", "exp", "nbf", "iat", "jti", "sub"]);
    let changes = prop::collection::vec((names, odd_value(pair.now)), 0..3);
    let mut runner = TestRunner::new(cases());
    runner
        .run(&changes, |changes| {
            let mut claims = pair.fresh(claims());
            for (name, value) in changes {
                claims[name] = value;
            }
            let token = pair.remote.token(&claims);
            let (ours, theirs) = runtime.block_on(pair.both(&token));
            prop_assert!(!ours || theirs, "{claims}");
            Ok(())
        })
        .unwrap();
    // The corpus is worth nothing if nothing in it is good.
    let good = pair.remote.token(&pair.fresh(claims()));
    assert_eq!(runtime.block_on(pair.both(&good)), (true, true));
}
