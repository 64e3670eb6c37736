//! The body of an event: all its forms are the same event, and its name is bounded.
#![no_main]

use forge_remote::fuzzing::inbox;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let Ok(opened) = inbox::open(body) else {
        assert!(inbox::open(body).is_err());
        return;
    };
    assert_eq!(inbox::open(body).ok().as_ref(), Some(&opened));
    assert!((1..=255).contains(&opened.event_type.len()));
    assert!(
        opened
            .event_type
            .bytes()
            .all(|byte| byte.is_ascii_graphic())
    );

    let event: Value = serde_json::from_str(&opened.canonical).expect("it is kept as JSON");
    assert!(event.is_object());
    assert_eq!(event.get("retryContext"), None);
    // A lifecycle event without a type may have a `payload` of its own, and a number with a
    // fraction may be read as its neighbour.
    if event.get("eventType").is_none() || has_fraction(&event) {
        return;
    }
    let first = inbox::open(opened.canonical.as_bytes()).expect("it is an event");
    assert!(!first.redelivered);
    assert_eq!(first.canonical, opened.canonical);
    assert_eq!(first.event_type, opened.event_type);

    let wrapped = format!(
        r#"{{"payload": {}, "retryContext": {{"retryCount": 1}}}}"#,
        opened.canonical
    );
    // One level more may be one too many.
    if let Ok(again) = inbox::open(wrapped.as_bytes()) {
        assert!(again.redelivered);
        assert_eq!(again.canonical, opened.canonical);
        assert_eq!(again.event_type, opened.event_type);
    }
});

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        _ => false,
    }
}
