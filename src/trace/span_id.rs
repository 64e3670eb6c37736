//! The id of a span, and what a caller says of its own.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
};

use http::{HeaderMap, HeaderName};
use uuid::Uuid;

use super::{SPAN_ID, is_hex_id};

/// Says whether the caller's tracer keeps this trace. Forge promises no such header; a proxy in
/// front of the remote may send it.
const SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");

/// Id of a span: 16 hex digits that are not all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanId(u64);

impl SpanId {
    /// A new one. It need not be hard to guess: the standard library's seeds, which differ with
    /// each use, do without asking the system each time.
    pub(crate) fn random() -> Self {
        Self::of_number(RandomState::new().build_hasher().finish())
    }

    /// The same for the same job, in whatever process: so an attempt finds the span that put
    /// the job into the store, without anything being written for it.
    pub(crate) fn of_job(job: Uuid) -> Self {
        let (high, low) = job.as_u64_pair();
        Self::of_number(high ^ low.rotate_left(32))
    }

    /// Of 32 digits the last 16, as with trace ids.
    fn of_text(text: &str) -> Option<Self> {
        let last = is_hex_id(text).then(|| &text[text.len() - 16..])?;
        let number = u64::from_str_radix(last, 16).ok()?;
        (number != 0).then_some(Self(number))
    }

    /// All zeros would mean that there is none.
    const fn of_number(number: u64) -> Self {
        Self(if number == 0 { 1 } else { number })
    }

    #[cfg(any(feature = "otlp", test))]
    pub(crate) const fn of_bytes(bytes: [u8; 8]) -> Self {
        Self::of_number(u64::from_be_bytes(bytes))
    }

    #[cfg(any(feature = "otlp", test))]
    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    /// The id as text.
    pub(crate) fn hex(self) -> HexSpanId {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 16];
        for (at, digit) in text.iter_mut().enumerate() {
            *digit = DIGITS[(self.0 >> (60 - 4 * at) & 0xf) as usize];
        }
        HexSpanId(text)
    }
}

/// A [`SpanId`] as text, without an allocation.
pub(crate) struct HexSpanId([u8; 16]);

impl HexSpanId {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hex().as_str())
    }
}

/// What the B3 headers of a request say beside the id of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The caller's span.
    pub(crate) span: Option<SpanId>,
    /// Whether the caller keeps the trace, if it says so.
    pub(crate) sampled: Option<bool>,
}

impl Caller {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            span: text(&SPAN_ID).and_then(SpanId::of_text),
            sampled: match text(&SAMPLED) {
                Some("1" | "true" | "d") => Some(true),
                Some("0" | "false") => Some(false),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(span: &str, sampled: &str) -> Caller {
        Caller::of(&HeaderMap::from_iter([
            (SPAN_ID, span.parse().unwrap()),
            (SAMPLED, sampled.parse().unwrap()),
        ]))
    }

    #[test]
    fn a_callers_span_is_read_in_both_lengths() {
        for (text, number) in [
            ("a2fb4a1d1a96d312", Some(0xa2fb_4a1d_1a96_d312)),
            (
                "ffffffffffffffffa2fb4a1d1a96d312",
                Some(0xa2fb_4a1d_1a96_d312),
            ),
            ("0000000000000000", None),
            ("a2fb4a1d1a96d31", None),
            ("A2FB4A1D1A96D312", None),
            ("a2fb4a1d1a96d31g", None),
            ("", None),
        ] {
            assert_eq!(of(text, "1").span.map(SpanId::number), number, "{text}");
        }
    }

    #[test]
    fn a_callers_decision_is_taken_where_it_is_one() {
        for (text, sampled) in [
            ("1", Some(true)),
            ("true", Some(true)),
            ("d", Some(true)),
            ("0", Some(false)),
            ("false", Some(false)),
            ("", None),
            ("yes", None),
        ] {
            assert_eq!(of("", text).sampled, sampled, "{text}");
        }
        let nothing = Caller::of(&HeaderMap::new());
        assert_eq!((nothing.span, nothing.sampled), (None, None));
    }

    #[test]
    fn an_id_is_16_digits_and_never_zero() {
        assert_eq!(SpanId::of_number(0xab).to_string(), "00000000000000ab");
        assert_eq!(SpanId::of_number(u64::MAX).to_string(), "f".repeat(16));
        assert_ne!(SpanId::of_job(Uuid::nil()).number(), 0);
        assert_ne!(SpanId::random(), SpanId::random());
        let job = Uuid::new_v4();
        assert_eq!(SpanId::of_job(job), SpanId::of_job(job));
        assert_ne!(SpanId::of_job(job), SpanId::of_job(Uuid::new_v4()));
    }
}
