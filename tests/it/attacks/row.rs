//! One line of the table: a request as bytes, and what it must get.

use std::time::Duration;

use crate::support::claims::{APP_TOKEN, USER_TOKEN};

/// It is in every text that a row makes up: no answer and no log line may have it.
pub(super) const POISON: &str = "h0stile";

/// Shorter words may be anything, and one of that length gives a token away.
pub(super) const SHORTEST: usize = 24;

/// What a row must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// 200, with the claims of the FIT.
    Accepted,
    /// An error in the public shape: status and code.
    Refused(u16, &'static str),
    /// What hyper says before any of our code runs: the statuses of all answers that the
    /// connection gets, ours among them if it comes to that.
    Connection(&'static [u16]),
}

pub(super) const MISSING: Want = Want::Refused(401, "missing_token");
pub(super) const MALFORMED: Want = Want::Refused(401, "malformed_token");
pub(super) const UNSUPPORTED: Want = Want::Refused(401, "unsupported_algorithm");
pub(super) const UNKNOWN_KEY: Want = Want::Refused(401, "unknown_key");
pub(super) const BAD_SIGNATURE: Want = Want::Refused(401, "bad_signature");
pub(super) const EXPIRED: Want = Want::Refused(401, "expired");
pub(super) const NOT_YET_VALID: Want = Want::Refused(401, "not_yet_valid");
pub(super) const WRONG_ISSUER: Want = Want::Refused(401, "wrong_issuer");
pub(super) const WRONG_AUDIENCE: Want = Want::Refused(401, "wrong_audience");
pub(super) const INCONSISTENT: Want = Want::Refused(401, "inconsistent_claims");
pub(super) const BAD_REQUEST: Want = Want::Refused(400, "bad_request");
pub(super) const FORBIDDEN: Want = Want::Refused(403, "forbidden");

/// A request and its verdict.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) request: Vec<u8>,
    pub(super) want: Want,
    /// The clock goes on by that much before the request is sent.
    pub(super) later: Duration,
}

impl Row {
    /// A request as it is.
    pub(super) fn raw(name: impl Into<String>, request: impl Into<Vec<u8>>, want: Want) -> Self {
        Self {
            name: name.into(),
            request: request.into(),
            want,
            later: Duration::ZERO,
        }
    }

    /// `GET /api/invocation` with these lines in its head, each with its line end.
    pub(super) fn head(name: impl Into<String>, lines: impl AsRef<[u8]>, want: Want) -> Self {
        Self::raw(name, get("/api/invocation", lines), want)
    }

    /// The token where it belongs, beside the tokens that Forge forwards.
    pub(super) fn token(name: impl Into<String>, token: impl AsRef<[u8]>, want: Want) -> Self {
        let bearer = bearer(token);
        let forwarded =
            format!("x-forge-oauth-system: {APP_TOKEN}\r\nx-forge-oauth-user: {USER_TOKEN}\r\n");
        Self::head(name, [&*bearer, forwarded.as_bytes()].concat(), want)
    }

    pub(super) const fn later(mut self, seconds: u64) -> Self {
        self.later = Duration::from_secs(seconds);
        self
    }

    /// What a token leaves behind where it should not be: its segments.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        words(&self.request)
    }
}

/// Long words of a token's alphabet.
pub(super) fn words(text: &[u8]) -> impl Iterator<Item = &str> {
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.split(move |byte| !is_of_token(byte))
        .filter(|word| word.len() >= SHORTEST)
        .filter_map(|word| std::str::from_utf8(word).ok())
}

/// The header line that a token comes in.
pub(super) fn bearer(token: impl AsRef<[u8]>) -> Vec<u8> {
    [b"authorization: Bearer ", token.as_ref(), b"\r\n"].concat()
}

/// A request after which the service closes the connection.
pub(super) fn get(target: &str, lines: impl AsRef<[u8]>) -> Vec<u8> {
    let head = format!("GET {target} HTTP/1.1\r\nhost: remote.example\r\nconnection: close\r\n");
    [head.as_bytes(), lines.as_ref(), b"\r\n"].concat()
}
