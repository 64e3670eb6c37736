//! The gateway's answer to an exchange: a token only where it grants one, and for hours only.
//!
//! The first two bytes are the status, modulo a thousand.
#![no_main]

use std::time::Duration;

use forge_remote::impersonation::{Answer, read_answer};
use http::StatusCode;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Some((status, body)) = input.split_first_chunk() else {
        return;
    };
    let Ok(status) = StatusCode::from_u16(u16::from_be_bytes(*status) % 1000) else {
        return;
    };
    let answer = read_answer(status, body);
    assert_eq!(told(&answer), told(&read_answer(status, body)));
    let json = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let exchange = &json["data"]["offlineUserAuthToken"];
    let token = exchange["authToken"]["token"].as_str().unwrap_or_default();
    let granted = status.is_success() && exchange["success"] == true && !token.is_empty();
    match &answer {
        Answer::Granted { token: read, ttl } => {
            assert!(granted, "a token that nobody granted");
            assert_eq!(read.expose(), token);
            assert!(*ttl <= Duration::from_hours(4));
            // A token may well look like this text, so it is not enough to look for it.
            let printed = format!("Granted {{ token: [redacted], ttl: {ttl:?} }}");
            assert_eq!(format!("{answer:?}"), printed);
        }
        Answer::Denied { .. } => assert!(
            status == StatusCode::FORBIDDEN || status.is_success() && json.is_object(),
            "a denial that nobody spoke"
        ),
        _ => {}
    }
    assert_eq!(matches!(answer, Answer::Granted { .. }), granted);

    if let Ok(text) = str::from_utf8(body) {
        let unknown = text.replacen('{', r#"{"x-unknown-to-all":{"errors":[0]},"#, 1);
        if json.as_object().is_some_and(|members| !members.is_empty()) {
            assert_eq!(
                told(&read_answer(status, unknown.as_bytes())),
                told(&answer)
            );
        }
    }
});

/// The answer with its token, to compare it by.
fn told(answer: &Answer) -> String {
    match answer {
        Answer::Granted { token, ttl } => format!("{} for {ttl:?}", token.expose()),
        other => format!("{other:?}"),
    }
}
