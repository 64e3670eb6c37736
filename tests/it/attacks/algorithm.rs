//! Algorithm confusion: the token says by which algorithm it wants to be believed.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    row::{BAD_SIGNATURE, MALFORMED, Row, UNKNOWN_KEY, UNSUPPORTED},
    scene::{b64, good, header, header_with, message, seal, signed},
    textbook::PrivateKey,
};
use crate::support::keys::{KEY, KID};

pub(super) fn rows() -> Vec<Row> {
    [
        unsigned(),
        names(),
        symmetric(),
        other_algorithms(),
        kinds_of_alg(),
        types(),
        extensions(),
        other_forms(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The good claims under this `alg`, with whatever signature.
fn under(alg: &str, signature: &[u8]) -> String {
    format!("{}.{}", message(&header_with("alg", alg)), b64(signature))
}

/// `none`, in the spellings that got past blocklists, with and without a signature.
fn unsigned() -> Vec<Row> {
    let mut rows = Vec::new();
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        " none",
        "non\u{435}",
        "none\0",
        "",
    ] {
        let token = signed(header_with("alg", alg), good().claims.to_string());
        rows.push(Row::token(
            format!("{alg:?}, signed all the same"),
            token,
            UNSUPPORTED,
        ));
        rows.push(Row::token(
            format!("{alg:?}, any signature"),
            under(alg, b"x"),
            UNSUPPORTED,
        ));
        let token = under(alg, b"");
        rows.push(Row::token(
            format!("{alg:?}, no signature"),
            token,
            MALFORMED,
        ));
        let token = message(&header_with("alg", alg));
        rows.push(Row::token(
            format!("{alg:?}, two segments"),
            token,
            MALFORMED,
        ));
    }
    rows
}

/// Names that are nearly RS256, over a signature that is.
fn names() -> Vec<Row> {
    let names = [
        "rs256",
        "Rs256",
        "RS256 ",
        " RS256",
        "RS256\n",
        "RS256\0",
        "RS-256",
        "RS2566",
        "RS25",
        "ＲＳ２５６",
        "RSA",
        "RSA256",
        "SHA256withRSA",
        "sha256WithRSAEncryption",
        "RS1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "RS256,none",
        "none,RS256",
        "h0stile",
    ];
    let row = |alg: &str| {
        let token = signed(header_with("alg", alg), good().claims.to_string());
        Row::token(format!("{alg:?}"), token, UNSUPPORTED)
    };
    names.into_iter().map(row).collect()
}

/// HMAC with what everybody knows of the key for a secret.
fn symmetric() -> Vec<Row> {
    let spki = KEY.public_der();
    let pem = STANDARD.encode(&spki).into_bytes();
    let lines = pem.chunks(64).flat_map(|line| [line, b"\n"].concat());
    let pem: Vec<u8> = [
        b"-----BEGIN PUBLIC KEY-----\n",
        &*lines.collect::<Vec<u8>>(),
        b"-----END PUBLIC KEY-----\n",
    ]
    .concat();
    let modulus = PrivateKey::of(KEY).modulus;
    let secrets = [
        ("the PEM", pem.clone()),
        (
            "the PEM without its last line end",
            pem[..pem.len() - 1].to_vec(),
        ),
        // After the 24 bytes that say: an RSA key.
        ("the DER of PKCS #1", spki[24..].to_vec()),
        ("the DER", spki),
        ("the JWK", KEY.jwk(KID).to_string().into_bytes()),
        ("the modulus in base64url", b64(&modulus).into_bytes()),
        ("the modulus", modulus),
        ("the key id", KID.into()),
        ("nothing", Vec::new()),
        ("a secret of the set", b"secret".to_vec()),
    ];
    let algorithms = [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ];
    let mut rows = Vec::new();
    for (what, secret) in secrets {
        for (name, algorithm) in algorithms {
            let tag = |alg| tag(algorithm, &secret, &message(&header_with("alg", alg)));
            let token = under(name, &tag(name));
            rows.push(Row::token(format!("{name} by {what}"), token, UNSUPPORTED));
            if name == "HS256" {
                let token = under("RS256", &tag("RS256"));
                rows.push(Row::token(
                    format!("RS256, but {name} by {what}"),
                    token,
                    BAD_SIGNATURE,
                ));
            }
        }
    }
    rows
}

fn tag(algorithm: hmac::Algorithm, secret: &[u8], message: &str) -> Vec<u8> {
    let key = hmac::Key::new(algorithm, secret);
    hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}

/// Signs a text.
type Sign<'a> = Box<dyn Fn(&str) -> Vec<u8> + 'a>;

/// True signatures by other algorithms, under their own name and under RS256's.
fn other_algorithms() -> Vec<Row> {
    let random = SystemRandom::new();
    let elliptic = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let edwards = Ed25519KeyPair::generate().unwrap();
    let rsa = |encoding: &'static dyn RsaEncoding| {
        move |message: &str| KEY.sign_as(encoding, message.as_bytes())
    };
    let algorithms: [(&str, Sign<'_>); 5] = [
        ("RS384", Box::new(rsa(&RSA_PKCS1_SHA384))),
        ("RS512", Box::new(rsa(&RSA_PKCS1_SHA512))),
        ("PS256", Box::new(rsa(&RSA_PSS_SHA256))),
        (
            "ES256",
            Box::new(|message| {
                let signature = elliptic.sign(&random, message.as_bytes()).unwrap();
                signature.as_ref().to_vec()
            }),
        ),
        (
            "EdDSA",
            Box::new(|message| edwards.sign(message.as_bytes()).as_ref().to_vec()),
        ),
    ];
    let mut rows = Vec::new();
    for (name, sign) in &algorithms {
        let token = under(name, &sign(&message(&header_with("alg", *name))));
        rows.push(Row::token(
            format!("{name}, truly signed"),
            token,
            UNSUPPORTED,
        ));
        let token = under("RS256", &sign(&message(&header_with("alg", "RS256"))));
        rows.push(Row::token(
            format!("RS256, but {name}"),
            token,
            BAD_SIGNATURE,
        ));
    }
    for kid in ["elliptic", "edwards", "symmetric"] {
        let mut header = header();
        header["kid"] = json!(kid);
        let token = signed(header.to_string(), good().claims.to_string());
        rows.push(Row::token(
            format!("RS256 by the {kid} key"),
            token,
            UNKNOWN_KEY,
        ));
    }
    rows
}

/// `alg` that is no text, that is there twice, or not at all.
fn kinds_of_alg() -> Vec<Row> {
    let values = [
        ("null", json!(null)),
        ("a number", json!(256)),
        ("a list", json!(["RS256"])),
        ("an object", json!({"RS256": true})),
        ("true", json!(true)),
    ];
    let claims = good().claims.to_string();
    let mut rows: Vec<Row> = values
        .into_iter()
        .map(|(what, value): (&str, Value)| {
            let token = signed(header_with("alg", value), &claims);
            Row::token(format!("alg is {what}"), token, UNSUPPORTED)
        })
        .collect();
    let headers = [
        ("no alg", format!(r#"{{"kid":"{KID}"}}"#), UNSUPPORTED),
        (
            "ALG",
            format!(r#"{{"ALG":"RS256","kid":"{KID}"}}"#),
            UNSUPPORTED,
        ),
        (
            "alg twice, none first",
            format!(r#"{{"alg":"none","alg":"RS256","kid":"{KID}"}}"#),
            MALFORMED,
        ),
        (
            "alg twice, none last",
            format!(r#"{{"alg":"RS256","kid":"{KID}","alg":"none"}}"#),
            MALFORMED,
        ),
        (
            "alg twice, once in escapes",
            format!(r#"{{"alg":"RS256","\u0061lg":"none","kid":"{KID}"}}"#),
            MALFORMED,
        ),
        (
            "alg twice, both right",
            format!(r#"{{"alg":"RS256","alg":"RS256","kid":"{KID}"}}"#),
            MALFORMED,
        ),
        (
            "alg inside another object",
            format!(r#"{{"x":{{"alg":"RS256"}},"kid":"{KID}"}}"#),
            UNSUPPORTED,
        ),
    ];
    rows.extend(
        headers.map(|(name, header, want)| Row::token(name, signed(header, &claims), want)),
    );
    rows
}

/// What a token says it is does not matter: every token is a FIT or nothing.
fn types() -> Vec<Row> {
    let nested = seal(format!(
        "{}.{}",
        b64(header_with("cty", "JWT")),
        b64(good().token())
    ));
    let mut rows = vec![Row::token("a token in a token", nested, MALFORMED)];
    for typ in ["none", "JWE", "secevent+jwt", "dpop+jwt"] {
        let header = json!({"alg": "none", "typ": typ, "kid": KID}).to_string();
        let token = format!("{}.{}", message(&header), b64("x"));
        rows.push(Row::token(
            format!("typ {typ} and alg none"),
            token,
            UNSUPPORTED,
        ));
    }
    rows
}

/// Headers that would change what is signed, or ask for more than there is.
fn extensions() -> Vec<Row> {
    let claims = good().claims.to_string();
    let crit = |name: &str, value: Value, want| {
        Row::token(
            format!("crit {name}"),
            signed(header_with("crit", value), &claims),
            want,
        )
    };
    let detached = json!({"alg": "RS256", "kid": KID, "b64": false, "crit": ["b64"]}).to_string();
    let quiet = json!({"alg": "RS256", "kid": KID, "b64": false}).to_string();
    vec![
        crit("of nothing", json!([]), MALFORMED),
        crit("of b64", json!(["b64"]), MALFORMED),
        crit("of exp", json!(["exp"]), MALFORMED),
        crit("of an invention", json!(["h0stile"]), MALFORMED),
        crit("that is null", json!(null), MALFORMED),
        crit("that is no list", json!("exp"), MALFORMED),
        // RFC 7797: the payload as it is, unencoded or not there.
        Row::token(
            "b64 false, claims unencoded",
            seal(format!("{}.{claims}", b64(&detached))),
            MALFORMED,
        ),
        Row::token(
            "b64 false, claims encoded",
            signed(&detached, &claims),
            MALFORMED,
        ),
        Row::token(
            "b64 false without crit, claims unencoded",
            seal(format!("{}.{claims}", b64(&quiet))),
            MALFORMED,
        ),
        Row::token(
            "b64 false, claims left out",
            format!("{}..{}", b64(&quiet), b64([1; 256])),
            MALFORMED,
        ),
        Row::token(
            "zip over what is no JSON",
            signed(header_with("zip", "DEF"), b"\x78\x9c\x03\x00"),
            MALFORMED,
        ),
    ]
}

/// JWE, JSON serialisations, and counts of segments.
fn other_forms() -> Vec<Row> {
    let good = good().token();
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let jwe = json!({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": KID}).to_string();
    let dir = json!({"alg": "dir", "enc": "A128CBC-HS256"}).to_string();
    let flat = json!({"protected": header, "payload": payload, "signature": signature});
    let general = json!({"payload": payload,
        "signatures": [{"protected": header, "signature": signature}]});
    vec![
        Row::token(
            "a JWE",
            format!("{}.{payload}.{payload}.{payload}.{signature}", b64(jwe)),
            UNSUPPORTED,
        ),
        Row::token(
            "a JWE without a key",
            format!("{}..{payload}.{payload}.{signature}", b64(dir)),
            UNSUPPORTED,
        ),
        Row::token(
            "five segments, the header ours",
            format!("{good}.{payload}.{signature}"),
            MALFORMED,
        ),
        Row::token("a JWS in JSON", flat.to_string(), MALFORMED),
        Row::token(
            "a JWS in JSON, general form",
            general.to_string(),
            MALFORMED,
        ),
        Row::token("a JWS in JSON, encoded", b64(flat.to_string()), MALFORMED),
        Row::token("one segment", header, MALFORMED),
        Row::token("two segments", format!("{header}.{payload}"), MALFORMED),
        Row::token("four segments", format!("{good}.{signature}"), MALFORMED),
        Row::token(
            "four segments, the last empty",
            format!("{good}."),
            MALFORMED,
        ),
        Row::token(
            "four segments, the first empty",
            format!(".{good}"),
            MALFORMED,
        ),
        Row::token("no header", format!(".{payload}.{signature}"), MALFORMED),
        Row::token("no payload", format!("{header}..{signature}"), MALFORMED),
        Row::token("two dots", "..", MALFORMED),
        Row::token("a thousand dots", ".".repeat(1000), MALFORMED),
        Row::token("an opaque token", "h0stile-opaque", MALFORMED),
    ]
}
