use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;
use crate::{
    captured_log::Logs,
    fit::testing::{KID, SigningKey},
};

fn ids(keys: &[Value]) -> Vec<String> {
    let document = json!({ "keys": keys, "unknown": 1 }).to_string();
    let mut ids: Vec<_> = match read(document.as_bytes(), None) {
        Ok(keys) => keys.keys().map(ToString::to_string).collect(),
        Err(NoKeys::Unusable { .. }) => Vec::new(),
        Err(error) => panic!("{error}"),
    };
    ids.sort();
    ids
}

fn jwk_with(name: &str, value: Value) -> Value {
    let mut jwk = SigningKey::a().jwk(KID);
    jwk[name] = value;
    jwk
}

fn jwk_without(name: &str) -> Value {
    let mut jwk = SigningKey::a().jwk(KID);
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

#[test]
fn a_key_may_leave_its_purpose_unsaid() {
    for name in ["use", "alg"] {
        assert_eq!(ids(&[jwk_without(name)]), [KID], "{name}");
    }
    assert_eq!(
        ids(&[jwk_with("key_ops", json!(["verify", "other"]))]),
        [KID]
    );
    assert_eq!(ids(&[jwk_with("x5c", json!(["MII"]))]), [KID]);
}

#[test]
fn keys_for_other_purposes_are_left_out_and_do_not_fail_the_set() {
    let good = SigningKey::b().jwk("good");
    for other in [
        jwk_with("kty", json!("EC")),
        jwk_with("kty", json!("rsa")),
        jwk_without("kty"),
        jwk_with("use", json!("enc")),
        jwk_with("use", json!(5)),
        jwk_with("alg", json!("RS512")),
        jwk_with("alg", json!("PS256")),
        jwk_with("key_ops", json!(["encrypt"])),
        jwk_with("key_ops", json!([])),
        jwk_with("key_ops", json!("verify")),
    ] {
        assert_eq!(ids(&[other.clone(), good.clone()]), ["good"], "{other}");
    }
}

#[test]
fn keys_that_cannot_be_used_are_left_out_and_do_not_fail_the_set() {
    let good = SigningKey::b().jwk("good");
    let weak: Value =
        serde_json::from_str(include_str!("../../../tests/keys/rsa-1024.jwk.json")).unwrap();
    for broken in [
        weak,
        json!(null),
        json!(5),
        json!(["RSA"]),
        json!({}),
        jwk_without("kid"),
        jwk_with("kid", json!("")),
        jwk_with("kid", json!(5)),
        jwk_with("kid", json!("k".repeat(257))),
        jwk_without("n"),
        jwk_with("n", json!("AQAB")),
        jwk_with("n", json!("not base64url!")),
        jwk_with("e", json!("AQAB==")),
        jwk_with("e", json!("Ag")),
        jwk_with("e", json!("")),
    ] {
        assert_eq!(ids(&[broken.clone(), good.clone()]), ["good"], "{broken}");
    }
}

#[test]
fn of_two_keys_with_one_id_the_first_counts() {
    let document = json!({"keys": [SigningKey::a().jwk(KID), SigningKey::b().jwk(KID)]});
    let keys = read(document.to_string().as_bytes(), None).unwrap();
    let signature = SigningKey::a().sign(b"m");
    assert_eq!(keys[KID].verify(&Digest::of(b"m"), &signature), Ok(()));
}

#[test]
fn a_leading_zero_in_a_modulus_does_not_matter() {
    let a = SigningKey::a();
    let padded = URL_SAFE_NO_PAD.encode([&[0], a.modulus()].concat());
    let document = json!({"keys": [jwk_with("n", json!(padded))]}).to_string();
    let keys = read(document.as_bytes(), None).unwrap();
    assert_eq!(keys[KID].verify(&Digest::of(b"m"), &a.sign(b"m")), Ok(()));
}

#[test]
fn a_set_without_a_usable_key_is_none() {
    for document in [json!({"keys": []}), json!({"keys": [{"kty": "EC"}]})] {
        let outcome = read(document.to_string().as_bytes(), None);
        assert!(
            matches!(outcome, Err(NoKeys::Unusable { .. })),
            "{document}"
        );
    }
    for document in ["", "[]", "{}", "null", r#"{"keys": {}}"#, "<html>", "[[]]"] {
        let outcome = read(document.as_bytes(), None);
        assert!(matches!(outcome, Err(NoKeys::Json { .. })), "{document}");
    }
}

#[test]
fn a_set_has_a_bounded_number_of_keys() {
    let key = SigningKey::a();
    let many: Vec<_> = (0..100).map(|n| key.jwk(&format!("{n:03}"))).collect();
    let ids = ids(&many);
    assert_eq!(ids.len(), MOST_KEYS);
    assert_eq!(ids.last().unwrap(), "063");
}

#[test]
fn a_key_that_stays_is_the_same_one() {
    let document = |keys: &[Value]| json!({ "keys": keys }).to_string();
    let (a, b) = (SigningKey::a(), SigningKey::b());
    let first = read(document(&[a.jwk("x"), b.jwk("y")]).as_bytes(), None).unwrap();
    let second = read(document(&[a.jwk("x"), a.jwk("y")]).as_bytes(), Some(&first)).unwrap();
    assert!(Arc::ptr_eq(&first["x"], &second["x"]));
    assert!(
        !Arc::ptr_eq(&first["y"], &second["y"]),
        "other numbers, other key"
    );
}

#[test]
fn a_long_list_of_what_is_no_key_is_not_a_long_log() {
    let logs = Logs::capture();
    let listed = "1,".repeat(400_000);
    let document = format!(r#"{{"keys":[{listed}1]}}"#);
    let read = read(document.as_bytes(), None);
    assert!(matches!(read, Err(NoKeys::Unusable { listed: 400_001 })));
    let lines = logs.text().lines().count();
    assert!((1..=300).contains(&lines), "{lines}");
}
