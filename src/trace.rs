//! The trace that a request belongs to, as Forge names it in its B3 headers.
//!
//! ```
//! use forge_remote::trace::{SPAN_ID, TRACE_ID, TraceId};
//! use http::HeaderMap;
//!
//! let mut headers = HeaderMap::new();
//! headers.insert(TRACE_ID, "463ac35c9f6413ad48485a3953bb6124".parse()?);
//! let trace = TraceId::of(&headers);
//! assert_eq!(trace.as_str(), "463ac35c9f6413ad48485a3953bb6124");
//! assert_eq!(TraceId::of_text(trace.as_str()), trace);
//!
//! let [(id, carried), (span, _)] = trace.onward();
//! assert_eq!((id, carried.to_str()?), (TRACE_ID, trace.as_str()));
//! assert_eq!(span, SPAN_ID);
//!
//! assert_ne!(TraceId::of(&HeaderMap::new()), TraceId::random());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod span_id;

use std::{borrow::Cow, fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

pub(crate) use self::span_id::{Caller, SpanId};
use crate::telemetry;

/// Carries the id of the whole trace.
pub const TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
/// Carries the id of the sender's span.
pub const SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");

/// Id of a trace: 16 or 32 lower-case hex digits. Atlassian's support asks for it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TraceId(Arc<str>);

impl TraceId {
    /// A new id, for a request that brought none (a browser's `requestRemote`).
    #[must_use]
    pub fn random() -> Self {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = Uuid::new_v4().simple().encode_lower(&mut buffer);
        Self(text.into())
    }

    /// The id in `x-b3-traceid`, or a new one if there is none that can be used.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get(TRACE_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|text| is_hex_id(text))
            .map_or_else(Self::random, |text| Self(text.into()))
    }

    /// The id of that text, or a new one if it is none.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        if is_hex_id(text) {
            Self(text.into())
        } else {
            Self::random()
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id in 32 digits, with zeros before one of 16: as it stands in the log and in an
    /// exported trace.
    ///
    /// ```
    /// use forge_remote::trace::TraceId;
    /// let trace = TraceId::of_text("463ac35c9f6413ad");
    /// assert_eq!(trace.padded(), "0000000000000000463ac35c9f6413ad");
    /// ```
    #[must_use]
    pub fn padded(&self) -> Cow<'_, str> {
        if self.0.len() == 32 {
            Cow::Borrowed(&self.0)
        } else {
            Cow::Owned(format!("{:0>32}", self.0))
        }
    }

    /// The headers that carry this trace on to a product, with a new span.
    #[must_use]
    pub fn onward(&self) -> [(HeaderName, HeaderValue); 2] {
        self.onward_from(SpanId::random())
    }

    /// The headers that carry this trace on, from a span of ours.
    pub(crate) fn onward_from(&self, span: SpanId) -> [(HeaderName, HeaderValue); 2] {
        [
            (TRACE_ID, of_digits(&self.0)),
            (SPAN_ID, of_digits(span.hex().as_str())),
        ]
    }

    /// The value of a W3C `traceparent` header, for calls to services of your own: what they
    /// export joins the same trace. Its parent is the span that this is called in, if spans
    /// are exported.
    ///
    /// Calls to Atlassian carry B3 headers, which the platform uses itself, and no others.
    ///
    /// ```
    /// use forge_remote::trace::TraceId;
    ///
    /// let trace = TraceId::of_text("463ac35c9f6413ad48485a3953bb6124");
    /// let value = trace.traceparent();
    /// assert!(value.to_str()?.starts_with("00-463ac35c9f6413ad48485a3953bb6124-"));
    /// # Ok::<(), http::header::ToStrError>(())
    /// ```
    #[must_use]
    pub fn traceparent(&self) -> HeaderValue {
        let (span, sampled) = match telemetry::current_span() {
            Some(parent) if parent.trace == self.number() => (parent.span, parent.sampled),
            _ => (SpanId::random(), false),
        };
        let flags = if sampled { "01" } else { "00" };
        of_digits(&format!("00-{}-{span}-{flags}", self.padded()))
    }

    pub(crate) fn number(&self) -> u128 {
        u128::from_str_radix(&self.0, 16).unwrap_or_default()
    }
}

/// Hex digits and hyphens, which any header value may hold.
fn of_digits(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("0000000000000000"))
}

/// All zeros would mean that there is none.
fn is_hex_id(text: &str) -> bool {
    matches!(text.len(), 16 | 32)
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && text.bytes().any(|byte| byte != b'0')
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(value: &'static str) -> TraceId {
        TraceId::of(&HeaderMap::from_iter([(
            TRACE_ID,
            HeaderValue::from_static(value),
        )]))
    }

    #[test]
    fn forges_trace_id_is_kept() {
        for id in ["463ac35c9f6413ad", "463ac35c9f6413ad48485a3953bb6124"] {
            assert_eq!(of(id).as_str(), id);
        }
    }

    #[test]
    fn anything_else_is_replaced() {
        for id in [
            "",
            "463AC35C9F6413AD",
            "463ac35c9f6413a",
            "463ac35c9f6413ag",
            "0000000000000000",
            "00000000000000000000000000000000",
        ] {
            assert_ne!(of(id).as_str(), id);
            assert!(is_hex_id(of(id).as_str()));
        }
    }

    #[test]
    fn a_short_id_is_padded_where_a_trace_has_32_digits() {
        assert_eq!(
            of("463ac35c9f6413ad").padded(),
            "0000000000000000463ac35c9f6413ad"
        );
        let whole = "463ac35c9f6413ad48485a3953bb6124";
        assert_eq!(of(whole).padded(), whole);
        let parent = of("463ac35c9f6413ad").traceparent();
        let parent = parent.to_str().unwrap();
        let (version, rest) = parent.split_at(3);
        assert_eq!(version, "00-");
        assert!(
            rest.starts_with("0000000000000000463ac35c9f6413ad-"),
            "{parent}"
        );
        assert!(parent.len() == 55 && parent.ends_with("-00"), "{parent}");
    }

    proptest! {
        #[test]
        fn whatever_comes_goes_on_as_hex_digits(
            text in "[0-9a-f]{14,18}|[0-9a-f]{30,34}|[0-9A-Fa-fx ]{16}|\\PC{0,33}",
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let value = HeaderValue::from_bytes(&bytes).ok();
            let headers: HeaderMap = value.map(|value| (TRACE_ID, value)).into_iter().collect();
            for trace in [TraceId::of_text(&text), TraceId::of(&headers)] {
                prop_assert!(is_hex_id(trace.as_str()));
                let [(name, id), (_, span)] = trace.onward();
                prop_assert_eq!((name, id.to_str().unwrap()), (TRACE_ID, trace.as_str()));
                prop_assert!(span.len() == 16 && is_hex_id(span.to_str().unwrap()));
            }
            prop_assert_eq!(TraceId::of_text(&text).as_str() == text, is_hex_id(&text));
        }
    }
}
