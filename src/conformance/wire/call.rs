//! One request, as it goes over the wire.

use serde_json::Value;
use uuid::Uuid;

use crate::conformance::platform::Token;

/// A request that is not sent yet.
#[derive(Clone)]
pub(crate) struct Call {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    what: String,
}

impl Call {
    /// With the headers that the platform always sends, and no FIT.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self::bare(method, target)
            .header("accept", "*/*")
            .header("x-b3-traceid", &Uuid::new_v4().simple().to_string())
            .header("x-b3-spanid", &Uuid::new_v4().simple().to_string()[..16])
    }

    /// Without any header but `host` and `connection: close`.
    pub(crate) fn bare(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            what: String::new(),
        }
    }

    /// The FIT in its place.
    pub(crate) fn fit(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn app_token(self, token: &Token) -> Self {
        self.header("x-forge-oauth-system", token.text())
    }

    pub(crate) fn user_token(self, token: &Token) -> Self {
        self.header("x-forge-oauth-user", token.text())
    }

    /// One more header, spelt as it is given.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    pub(crate) fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without the headers of that name, however they are spelt.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self
    }

    /// Each header's name changed by this.
    pub(crate) fn spell(mut self, spelling: impl Fn(&str) -> String) -> Self {
        for (name, _) in &mut self.headers {
            *name = spelling(name);
        }
        self
    }

    /// The headers in reverse order.
    pub(crate) fn reversed(mut self) -> Self {
        self.headers.reverse();
        self
    }

    /// With a JSON body.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.without("content-type")
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    /// The body, if it is JSON.
    pub(crate) fn json_body(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// With a body, and whatever content type was set.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub(crate) fn target(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    /// What is special about it, for whoever reads of its failure: `an expired FIT`.
    pub(crate) fn with(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// Path and query.
    pub(crate) fn full_target(&self) -> &str {
        &self.target
    }

    /// Its body in chunks of a thousand bytes, and no length.
    pub(crate) fn in_chunks(mut self) -> Self {
        let mut chunked = Vec::with_capacity(self.body.len() + 64);
        for chunk in self.body.chunks(1000) {
            chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunked.extend_from_slice(chunk);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        self.body = chunked;
        self.header("transfer-encoding", "chunked")
    }

    /// The trace that it belongs to.
    pub(crate) fn trace_id(&self) -> Option<String> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(name, _)| name.eq_ignore_ascii_case("x-b3-traceid"))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// The path without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// What goes over the wire.
    pub(crate) fn bytes(&self, host: &str) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        let has = |name: &str| {
            self.headers
                .iter()
                .any(|(found, _)| found.eq_ignore_ascii_case(name))
        };
        let mut line = |name: &str, value: &[u8]| {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        };
        if !has("host") {
            line("host", host.as_bytes());
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        let takes_body = !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "DELETE");
        if !has("content-length")
            && !has("transfer-encoding")
            && (takes_body || !self.body.is_empty())
        {
            line("content-length", self.body.len().to_string().as_bytes());
        }
        if !has("connection") {
            line("connection", b"close");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// In a line, without any value of a header that could be a token.
    pub(crate) fn describe(&self) -> String {
        let path: String = self.target.chars().take(120).collect();
        let mut text = format!("{} {path}", self.method);
        if !self.what.is_empty() {
            text = format!("{text} with {}", self.what);
        }
        if !self.body.is_empty() {
            text = format!("{text}, {} bytes of body", self.body.len());
        }
        text
    }
}
