//! The text of a token, taken apart.
//!
//! What is taken has one spelling: the parts, encoded again, are the same text.
#![no_main]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use forge_remote::{clock::Timestamp, fuzzing::fit};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const APP: &str = "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";

fuzz_target!(|token: &str| {
    let parts = fit::parts(token);
    assert_eq!(parts, fit::parts(token), "the same text, read differently");
    let app = APP.parse().expect("an app id");
    let claims = fit::all_but_signature(token, app, Timestamp::from_unix(1_785_312_002));
    let Ok(parts) = parts else {
        assert!(claims.is_err(), "claims from what is no token");
        return;
    };
    if let Ok(claims) = claims {
        assert_eq!(claims.app.id, app);
    }
    assert!(token.len() <= 16 * 1024);
    assert!((1..=256).contains(&parts.key_id.chars().count()));

    let segments: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = segments[..] else {
        panic!("a token of {} segments", segments.len());
    };
    assert_eq!(URL_SAFE_NO_PAD.encode(&parts.payload), payload);
    assert_eq!(URL_SAFE_NO_PAD.encode(&parts.signature), signature);

    let header = URL_SAFE_NO_PAD.decode(header).expect("it was read");
    // Values may be too deep or too large for this reader where nobody reads them.
    if let Ok(header) = serde_json::from_slice::<Value>(&header) {
        assert_eq!(header["alg"], "RS256");
        assert_eq!(header["kid"], *parts.key_id);
        assert_eq!(header.get("crit"), None);
    }
    for odd in [".", "=", " ", "\n"] {
        assert!(fit::parts(&format!("{token}{odd}")).is_err());
        assert!(fit::parts(&format!("{odd}{token}")).is_err());
    }
});
