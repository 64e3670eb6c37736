//! Each claim that counts, with a value of each wrong kind in its place, truly signed.

use serde_json::{Value, json};

use super::{
    row::{EXPIRED, MALFORMED, Row, WRONG_AUDIENCE, WRONG_ISSUER, Want},
    scene::good,
};
use crate::support::caller::Fit;

/// A value of some kind, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Missing,
    Null,
    Bool,
    Number,
    Negative,
    Text,
    Empty,
    /// Long, but no more than a token of 16 KiB has room for.
    Long,
    List,
    Object,
}

use Kind::{Bool, Empty, List, Long, Missing, Negative, Null, Number, Object, Text};

const KINDS: [Kind; 10] = [
    Missing, Null, Bool, Number, Negative, Text, Empty, Long, List, Object,
];

const ABSENT: &[Kind] = &[Missing, Null];
const ANY_TEXT: &[Kind] = &[Text, Empty, Long];
const ANY_TEXT_OR_ABSENT: &[Kind] = &[Missing, Null, Text, Empty, Long];

/// A claim, what it gets by default, and the kinds that do no harm in its place: the platform
/// leaves some claims out, and adds and renames values without notice.
const CLAIMS: &[(&str, Want, &[Kind])] = &[
    ("/iss", WRONG_ISSUER, &[]),
    ("/aud", WRONG_AUDIENCE, &[]),
    ("/exp", MALFORMED, &[]),
    ("/nbf", MALFORMED, &[Missing, Number]),
    ("/iat", MALFORMED, &[Missing, Number]),
    ("/jti", MALFORMED, ANY_TEXT_OR_ABSENT),
    ("/principal", MALFORMED, ABSENT),
    ("/icLabel", MALFORMED, ABSENT),
    ("/app", MALFORMED, &[]),
    ("/app/id", MALFORMED, &[]),
    ("/app/installationId", MALFORMED, &[]),
    ("/app/apiBaseUrl", MALFORMED, &[]),
    ("/app/appVersion", MALFORMED, ANY_TEXT_OR_ABSENT),
    ("/app/version", MALFORMED, &KINDS),
    ("/app/environment", MALFORMED, ABSENT),
    ("/app/environment/id", MALFORMED, &[]),
    ("/app/environment/type", MALFORMED, ANY_TEXT),
    ("/app/module", MALFORMED, &[]),
    ("/app/module/key", MALFORMED, &[]),
    ("/app/module/type", MALFORMED, ANY_TEXT),
    ("/app/license", MALFORMED, &[Missing, Null, Object]),
    ("/app/license/active", MALFORMED, &[Missing, Null, Bool]),
    ("/app/installation", MALFORMED, &[]),
    ("/app/installation/id", MALFORMED, &[]),
    (
        "/app/installation/contexts",
        MALFORMED,
        &[Missing, Null, List],
    ),
    ("/app/installation/contexts/0/cloudId", MALFORMED, ABSENT),
    ("/app/installation/contexts/0/name", MALFORMED, ANY_TEXT),
    ("/app/installation/contexts/0/apiBaseUrl", MALFORMED, &[]),
    ("/context", MALFORMED, &[Missing, Null, Object]),
    ("/context/cloudId", MALFORMED, ABSENT),
    ("/context/workspaceId", MALFORMED, ABSENT),
    ("/context/siteUrl", MALFORMED, ANY_TEXT_OR_ABSENT),
    ("/context/localId", MALFORMED, ANY_TEXT_OR_ABSENT),
    ("/context/moduleKey", MALFORMED, ABSENT),
    ("/context/extension", MALFORMED, &KINDS),
];

pub(super) fn rows() -> Vec<Row> {
    let cells = CLAIMS.iter().flat_map(|(claim, want, harmless)| {
        KINDS.iter().map(move |kind| {
            let want = match (*claim, kind) {
                // Early in 1970.
                ("/exp", Number) => EXPIRED,
                _ if harmless.contains(kind) => Want::Accepted,
                _ => *want,
            };
            Row::token(format!("{claim}: {kind:?}"), kind.put(claim).token(), want)
        })
    });
    cells.collect()
}

impl Kind {
    fn put(self, claim: &str) -> Fit {
        let fit = good();
        match self.value() {
            Some(value) => fit.claim(claim, value),
            None if fit.claims.pointer(claim).is_some() => fit.without(claim),
            None => fit,
        }
    }

    fn value(self) -> Option<Value> {
        Some(match self {
            Missing => return None,
            Null => Value::Null,
            Bool => json!(true),
            Number => json!(7),
            Negative => json!(-7),
            // No id has a space.
            Text => json!("h0stile text"),
            Empty => json!(""),
            Long => json!("h0stile ".repeat(1000)),
            List => json!([]),
            Object => json!({}),
        })
    }
}
