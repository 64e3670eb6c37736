//! What came back, or why nothing did.

use std::{fmt, time::Duration};

use serde_json::Value;

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In their order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// From the connection's opening to the last byte.
    pub(crate) took: Duration,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Nobody listens there.
    NoConnection(String),
    /// The connection ended before the answer was whole.
    Ended,
    /// Not within this time.
    TimedOut(Duration),
    /// What came is no HTTP/1.1.
    NotHttp,
    /// The body has more bytes than anybody takes.
    TooLarge { status: u16 },
}

pub(crate) type Answered = Result<Answer, NoAnswer>;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConnection(why) => write!(f, "no connection: {why}"),
            Self::Ended => f.write_str("the connection ended before the answer was whole"),
            Self::TimedOut(after) => {
                write!(f, "no whole answer within {:.1} s", after.as_secs_f64())
            }
            Self::NotHttp => f.write_str("something that is no HTTP/1.1"),
            Self::TooLarge { status } => write!(f, "{status} with a body over 6 MiB"),
        }
    }
}

impl Answer {
    pub(super) const fn after(mut self, took: Duration) -> Self {
        self.took = took;
        self
    }

    pub(crate) const fn is_success(&self) -> bool {
        matches!(self.status, 200..300)
    }

    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The media type without its parameters, in lower case.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next()?.trim().to_ascii_lowercase())
    }

    /// The body as JSON, if it is some.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether this text stands anywhere in the answer.
    pub(crate) fn holds(&self, text: &str) -> bool {
        memchr::memmem::find(&self.body, text.as_bytes()).is_some()
            || self.headers.iter().any(|(_, value)| value.contains(text))
    }

    /// In a line: status, content type, and how the body begins.
    pub(crate) fn describe(&self) -> String {
        let media = self.header("content-type").unwrap_or("no content type");
        let text = String::from_utf8_lossy(&self.body);
        let start: String = text.chars().take(160).collect();
        let more = if start.len() < text.len() { "…" } else { "" };
        if start.is_empty() {
            return format!("{}, {media}, no body", self.status);
        }
        format!("{}, {media}: {start}{more}", self.status)
    }
}

/// The same for whatever came.
pub(crate) fn describe(answered: &Answered) -> String {
    match answered {
        Ok(answer) => answer.describe(),
        Err(none) => none.to_string(),
    }
}
