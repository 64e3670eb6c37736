//! Project Wycheproof's vectors for RSASSA-PKCS1-v1_5 with SHA-256, and some of
//! those for RS256 as a JWS.

use serde::Deserialize;

use super::{Digest, RsaKey};
use crate::fit::{jwk, jws::UnverifiedJws};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors<Group> {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RsaGroup {
    key_size: usize,
    sha: String,
    public_key: Numbers,
    tests: Vec<RsaVector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    modulus: String,
    public_exponent: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RsaVector {
    tc_id: usize,
    comment: String,
    flags: Vec<String>,
    msg: String,
    sig: String,
    result: Verdict,
}

#[derive(Deserialize)]
struct JwsGroup {
    public: serde_json::Value,
    tests: Vec<JwsVector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JwsVector {
    tc_id: usize,
    comment: String,
    jws: String,
    result: Verdict,
}

/// `Acceptable` is wrong by the standard and taken by some for the sake of old signers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Valid,
    Acceptable,
    Invalid,
}

/// How many vectors were valid, acceptable and invalid.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts(usize, usize, usize);

impl Counts {
    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Valid => self.0 += 1,
            Verdict::Acceptable => self.1 += 1,
            Verdict::Invalid => self.2 += 1,
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    assert_eq!(text.len() % 2, 0, "{text}");
    let digits = (0..text.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Holds every vector of a file against the key's own verdict: what is valid passes, and
/// nothing else does, the acceptable included.
fn check(file: &str, bits: usize) -> Counts {
    let vectors: Vectors<RsaGroup> = serde_json::from_str(file).unwrap();
    let mut counts = Counts::default();
    for group in vectors.test_groups {
        assert_eq!((group.key_size, &*group.sha), (bits, "SHA-256"));
        let Numbers {
            modulus,
            public_exponent,
        } = &group.public_key;
        let key = RsaKey::new(&hex(modulus), &hex(public_exponent)).unwrap();
        for vector in group.tests {
            let passes = key.verify(&Digest::of(&hex(&vector.msg)), &hex(&vector.sig)) == Ok(());
            assert_eq!(
                passes,
                vector.result == Verdict::Valid,
                "{bits} bits, vector {}: {} {:?}",
                vector.tc_id,
                vector.comment,
                vector.flags
            );
            if vector.result == Verdict::Acceptable {
                // The one thing that the authors would forgive: no NULL in the DigestInfo.
                assert_eq!(vector.flags, ["MissingNull"], "{}", vector.tc_id);
            }
            counts.add(vector.result);
        }
    }
    let Counts(valid, acceptable, invalid) = counts;
    assert_eq!(valid + acceptable + invalid, vectors.number_of_tests);
    counts
}

macro_rules! vectors {
    ($name:literal) => {
        include_str!(concat!("../../../tests/it/vectors/wycheproof/", $name))
    };
}

#[test]
fn keys_of_2048_bits_judge_as_the_vectors_do() {
    let file = vectors!("rsa_signature_2048_sha256_test.json");
    assert_eq!(check(file, 2048), Counts(9, 1, 249));
}

#[test]
fn keys_of_3072_bits_judge_as_the_vectors_do() {
    let file = vectors!("rsa_signature_3072_sha256_test.json");
    assert_eq!(check(file, 3072), Counts(8, 1, 250));
}

#[test]
fn keys_of_4096_bits_judge_as_the_vectors_do() {
    let file = vectors!("rsa_signature_4096_sha256_test.json");
    assert_eq!(check(file, 4096), Counts(7, 1, 250));
}

/// As a verifier does, up to the claims, which these tokens do not have: taken apart, the
/// key found by its id in the set, the signature checked.
fn passes(token: &str, keys: &jwk::Keys) -> bool {
    let Ok(jws) = UnverifiedJws::cut(token) else {
        return false;
    };
    let (Ok(key_id), Ok(_), Ok(signature)) = (jws.key_id(), jws.payload(), jws.signature()) else {
        return false;
    };
    let digest = Digest::of(jws.signed.as_bytes());
    keys.get(&*key_id)
        .is_some_and(|key| key.verify(&digest, &signature).is_ok())
}

#[test]
fn a_jws_is_judged_as_the_vectors_do() {
    let file = vectors!("json_web_signature_rs256.json");
    let vectors: Vectors<JwsGroup> = serde_json::from_str(file).unwrap();
    let mut counts = Counts::default();
    for group in vectors.test_groups {
        let set = serde_json::json!({"keys": [group.public]}).to_string();
        let keys = jwk::read(set.as_bytes(), None).unwrap();
        for vector in group.tests {
            assert_eq!(
                passes(&vector.jws, &keys),
                vector.result == Verdict::Valid,
                "vector {}: {}",
                vector.tc_id,
                vector.comment
            );
            counts.add(vector.result);
        }
    }
    assert_eq!(vectors.number_of_tests, 24);
    assert_eq!(counts, Counts(1, 0, 23));
}
