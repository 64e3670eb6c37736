//! The body of an event, as Forge may write it.

use std::{borrow::Cow, mem};

use serde_json::{Map, Value};

use super::events::{INSTALLED, UPGRADED};
use crate::error::{Error, ErrorCode};

/// The event, flat or under `payload` (Forge events: both forms are documented).
const PAYLOAD: &str = "payload";
const EVENT_TYPE: &str = "eventType";
/// Says that this is not the first delivery. It is no part of the event.
const RETRY_CONTEXT: &str = "retryContext";
/// As long as a module key may be.
const LONGEST_TYPE: usize = 255;

/// An event out of its envelope.
pub(super) struct Envelope {
    event_type: Box<str>,
    body: Value,
    redelivered: bool,
}

/// Why a body is no event.
#[derive(Debug, thiserror::Error)]
pub(super) enum EnvelopeError {
    #[error("the body is not JSON")]
    NotJson(#[source] serde_json::Error),
    #[error("the body is not a JSON object")]
    NotAnObject,
    #[error("the body has no `eventType`, and nothing else tells what happened")]
    NoEventType,
    #[error("`eventType` is not a text of 1 to {LONGEST_TYPE} visible ASCII characters")]
    EventType,
}

impl Envelope {
    pub(super) fn open(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let body = serde_json::from_slice(bytes).map_err(EnvelopeError::NotJson)?;
        let Value::Object(mut outer) = body else {
            return Err(EnvelopeError::NotAnObject);
        };
        let mut redelivered = takes_retry(&mut outer);
        let mut body = unwrapped(outer);
        redelivered |= takes_retry(&mut body);
        let event_type = event_type(&body)?;
        let mut body = Value::Object(body);
        // They are sorted as they are, unless some crate of the program asks serde_json for
        // the order of the text: a redelivery need not keep that.
        body.sort_all_objects();
        Ok(Self {
            event_type,
            body,
            redelivered,
        })
    }

    pub(super) fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Whether Forge says that it has sent this before.
    pub(super) const fn is_redelivered(&self) -> bool {
        self.redelivered
    }

    /// The text at a JSON pointer; some ids are numbers (Confluence: `space.id`).
    pub(super) fn text_at(&self, pointer: &str) -> Option<Cow<'_, str>> {
        match self.body.pointer(pointer)? {
            Value::String(text) => Some(text.into()),
            Value::Number(number) => Some(number.to_string().into()),
            _ => None,
        }
    }

    /// The event as JSON: the same for all its deliveries, whatever their spaces, the order
    /// of their members and their form.
    pub(super) fn canonical(&self) -> Box<str> {
        self.body.to_string().into()
    }
}

/// The object that is the event.
fn unwrapped(mut outer: Map<String, Value>) -> Map<String, Value> {
    if outer.contains_key(EVENT_TYPE) {
        return outer;
    }
    match outer.get_mut(PAYLOAD) {
        Some(Value::Object(inner)) => mem::take(inner),
        _ => outer,
    }
}

/// Takes the retry context out, and tells whether there was one that speaks of a retry.
fn takes_retry(object: &mut Map<String, Value>) -> bool {
    match object.remove(RETRY_CONTEXT) {
        Some(Value::Object(retry)) => retry.get("retryCount").and_then(Value::as_u64) != Some(0),
        _ => false,
    }
}

/// The bodies of `installed` and `upgraded` may lack a type (Forge events: "Lifecycle"),
/// and are told by who did it.
fn event_type(body: &Map<String, Value>) -> Result<Box<str>, EnvelopeError> {
    match body.get(EVENT_TYPE) {
        Some(Value::String(name)) if is_name(name) => Ok(name.as_str().into()),
        Some(_) => Err(EnvelopeError::EventType),
        None if body.contains_key("upgraderAccountId") => Ok(UPGRADED.into()),
        None if body.contains_key("installerAccountId") => Ok(INSTALLED.into()),
        None => Err(EnvelopeError::NoEventType),
    }
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST_TYPE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl From<EnvelopeError> for Error {
    fn from(error: EnvelopeError) -> Self {
        let (code, message) = match error {
            EnvelopeError::NotJson(_) => (
                ErrorCode::BadRequest,
                "The body is not JSON, or too deep. Send the event as one JSON object.",
            ),
            EnvelopeError::NotAnObject => (
                ErrorCode::InvalidBody,
                "The body is not an object. Send the event as one JSON object.",
            ),
            EnvelopeError::NoEventType => (
                ErrorCode::InvalidBody,
                "The event names no type. Send it with `eventType`.",
            ),
            EnvelopeError::EventType => (
                ErrorCode::InvalidBody,
                "`eventType` is not a name. Send 1 to 255 visible ASCII characters.",
            ),
        };
        Self::new(code, message).caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn open(body: &Value) -> Envelope {
        Envelope::open(body.to_string().as_bytes()).unwrap()
    }

    fn refused(body: &[u8]) -> ErrorCode {
        let error = Envelope::open(body).err().expect("refused");
        Error::from(error).code()
    }

    #[test]
    fn all_forms_of_an_event_are_the_same_event() {
        let event = json!({"eventType": "avi:a", "content": {"id": "1", "title": "ä"}, "n": 1});
        let retry = json!({"retryCount": 2, "retryReason": "TIMEOUT_ERROR", "retryData": null});
        let flat = open(&event);
        assert!(!flat.is_redelivered());
        let mut again = event.clone();
        again["retryContext"] = retry.clone();
        let wrapped = json!({"payload": event});
        let wrapped_again = json!({"payload": again});
        let beside = json!({"payload": event, "retryContext": retry});
        for (body, redelivered) in [
            (&again, true),
            (&wrapped, false),
            (&wrapped_again, true),
            (&beside, true),
        ] {
            let envelope = open(body);
            assert_eq!(envelope.canonical(), flat.canonical(), "{body}");
            assert_eq!(envelope.event_type(), "avi:a");
            assert_eq!(envelope.is_redelivered(), redelivered, "{body}");
        }
        let spaced = "{\n \"n\": 1, \"content\": {\"title\": \"\\u00e4\", \"id\": \"1\"},\t\"eventType\":\"avi:a\"}";
        let spaced = Envelope::open(spaced.as_bytes()).unwrap();
        assert_eq!(spaced.canonical(), flat.canonical());
    }

    #[test]
    fn what_differs_stays_different() {
        let event = |id: &str| json!({"eventType": "avi:a", "id": id});
        assert_ne!(open(&event("1")).canonical(), open(&event("2")).canonical());
        // Inside the event, the word means something else.
        let inner = json!({"eventType": "avi:a", "field": {"retryContext": {"retryCount": 1}}});
        assert!(!open(&inner).is_redelivered());
        assert!(open(&inner).canonical().contains("retryContext"));
    }

    #[test]
    fn an_event_with_a_type_keeps_its_payload() {
        let event = json!({"eventType": "avi:a", "payload": {"eventType": "avi:b"}});
        assert_eq!(open(&event).event_type(), "avi:a");
        assert!(open(&event).canonical().contains("avi:b"));
    }

    #[test]
    fn a_retry_context_that_speaks_of_no_retry_is_no_redelivery() {
        for retry in [json!(null), json!(1), json!({"retryCount": 0})] {
            let body = json!({"eventType": "avi:a", "retryContext": retry});
            assert!(!open(&body).is_redelivered(), "{body}");
            assert!(!open(&body).canonical().contains("retryContext"));
        }
    }

    #[test]
    fn a_lifecycle_event_is_told_by_who_did_it() {
        let account = "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458";
        let installed = json!({"id": "1", "installerAccountId": account});
        assert_eq!(open(&installed).event_type(), INSTALLED);
        let wrapped = json!({"payload": {"upgraderAccountId": account}});
        assert_eq!(open(&wrapped).event_type(), UPGRADED);
    }

    #[test]
    fn a_text_or_a_number_can_keep_the_order() {
        let event = json!({"eventType": "avi:a", "id": "7", "space": {"id": 65538}, "no": null});
        let event = open(&event);
        assert_eq!(event.text_at("/id").as_deref(), Some("7"));
        assert_eq!(event.text_at("/space/id").as_deref(), Some("65538"));
        for pointer in ["/no", "/space", "/space/key", "/id/x", "id"] {
            assert_eq!(event.text_at(pointer), None, "{pointer}");
        }
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for body in ["", "{", "nul", "{\"eventType\":\"a\"} {}", "\u{0}"] {
            assert_eq!(refused(body.as_bytes()), ErrorCode::BadRequest, "{body}");
        }
        assert_eq!(refused(b"{\"eventType\":\"\xff\"}"), ErrorCode::BadRequest);
        for body in [
            json!(null),
            json!([]),
            json!("avi:a"),
            json!({}),
            json!({"payload": []}),
            json!({"payload": {"payload": {"eventType": "avi:a"}}}),
            json!({"eventType": null}),
            json!({"eventType": null, "installerAccountId": "1"}),
            json!({"eventType": ""}),
            json!({"eventType": "avi a"}),
            json!({"eventType": "avi:\u{e4}"}),
            json!({"eventType": "a".repeat(256)}),
            json!({"eventType": ["avi:a"]}),
        ] {
            let code = refused(body.to_string().as_bytes());
            assert_eq!(code, ErrorCode::InvalidBody, "{body}");
        }
        assert_eq!(
            open(&json!({"eventType": "a".repeat(255)}))
                .event_type()
                .len(),
            255
        );
    }

    #[test]
    fn a_bottomless_body_is_refused_and_not_followed() {
        let deep = format!("{{\"eventType\":\"avi:a\",\"x\":{}", "[".repeat(1_000_000));
        assert_eq!(refused(deep.as_bytes()), ErrorCode::BadRequest);
        let objects = format!(
            "{{\"eventType\":\"avi:a\",\"x\":{}",
            "{\"a\":".repeat(200_000)
        );
        assert_eq!(refused(objects.as_bytes()), ErrorCode::BadRequest);
    }
}
