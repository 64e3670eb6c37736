//! FITs that a remote must refuse: what the platform never sends, and an attacker may.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Header;
use serde_json::Value;

use super::Fault;
use crate::emulator::world;

/// How long ago an expired FIT lapsed: longer than any clock is wrong.
const LONG_AGO: Duration = Duration::from_mins(10);

/// Changes what is about to be signed.
pub(in crate::emulator) fn spoil(fault: Fault, header: &mut Header, claims: &mut Value) {
    match fault {
        Fault::FitExpired => {
            let end = claims["exp"].as_i64().unwrap_or_default();
            let begin = claims["iat"].as_i64().unwrap_or_default();
            let back = i64::try_from(LONG_AGO.as_secs()).unwrap_or_default() + end - begin;
            for name in ["iat", "nbf", "exp"] {
                let moment = claims[name].as_i64().unwrap_or_default();
                claims[name] = (moment - back).into();
            }
        }
        Fault::FitWrongAudience => {
            let other = world::random_uuid();
            claims["aud"] = format!("ari:cloud:ecosystem::app/{other}").into();
        }
        Fault::FitUnknownKey => {
            let other = world::random_uuid();
            header.kid = Some(format!("forge/invocation-token/{other}"));
        }
        _ => {}
    }
}

/// The token with one bit of its signature turned over.
pub(in crate::emulator) fn break_signature(token: &str) -> Option<String> {
    let (signed, signature) = token.rsplit_once('.')?;
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).ok()?;
    *bytes.first_mut()? ^= 1;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes)))
}
