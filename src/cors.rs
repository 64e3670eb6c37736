//! Which browser origins may call the remote directly.
//!
//! ```
//! use forge_remote::cors::OriginPattern;
//!
//! // What `server.cors_origins` may hold; plain `http` only while one develops.
//! assert!(OriginPattern::parse("https://bitbucket.org", false).is_some());
//! assert!(OriginPattern::parse("http://localhost:5173", false).is_none());
//! assert!(OriginPattern::parse("http://localhost:5173", true).is_some());
//! ```

use std::fmt;

use url::Url;

/// An origin, or a pattern of origins, that `requestRemote` may come from.
///
/// The platform does not document the origin that a browser sends. It is the product's
/// page: `https://<site>.atlassian.net`, a customer's own domain, or `https://bitbucket.org`.
///
/// ```
/// use forge_remote::cors::OriginPattern;
/// let sites = OriginPattern::parse("https://*.atlassian.net", false).unwrap();
/// assert!(sites.matches("https://quarry.atlassian.net"));
/// assert!(!sites.matches("https://atlassian.net.evil.example"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct OriginPattern(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// `https://*`
    AnyHttps,
    /// `https://*.atlassian.net`: kept as `.atlassian.net`.
    Below(String),
    /// An origin as a browser writes it.
    Exact(String),
}

impl OriginPattern {
    /// Reads `https://host[:port]`, `https://*.domain` or `https://*`. With `local`
    /// also `http://host[:port]`, as frontends on a developer's machine have it.
    #[must_use]
    pub fn parse(text: &str, local: bool) -> Option<Self> {
        if text == "https://*" {
            return Some(Self(Kind::AnyHttps));
        }
        if let Some(domain) = text.strip_prefix("https://*.") {
            let url = Url::parse(&format!("https://{domain}")).ok()?;
            let whole = url.host_str() == Some(domain) && domain.contains('.');
            return whole.then(|| Self(Kind::Below(format!(".{domain}"))));
        }
        let url = Url::parse(text).ok()?;
        let scheme = url.scheme() == "https" || (local && url.scheme() == "http");
        // An origin has no path, and a browser writes it exactly so.
        (scheme && !text.contains('*') && url.origin().ascii_serialization() == text)
            .then(|| Self(Kind::Exact(text.to_owned())))
    }

    /// Whether a browser's `origin` header is one of these.
    #[must_use]
    pub fn matches(&self, origin: &str) -> bool {
        match &self.0 {
            Kind::AnyHttps => origin.starts_with("https://"),
            Kind::Exact(exact) => origin == exact,
            Kind::Below(domain) => origin.strip_prefix("https://").is_some_and(|host| {
                host.len() > domain.len()
                    && host.ends_with(domain.as_str())
                    && !host.contains(['/', ':', '@'])
            }),
        }
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::AnyHttps => f.write_str("https://*"),
            Kind::Below(domain) => write!(f, "https://*{domain}"),
            Kind::Exact(origin) => f.write_str(origin),
        }
    }
}

impl fmt::Debug for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_subdomains_only() {
        let sites = OriginPattern::parse("https://*.atlassian.net", false).unwrap();
        assert!(sites.matches("https://a.b.atlassian.net"));
        for origin in [
            "https://atlassian.net",
            "https://.atlassian.net",
            "http://quarry.atlassian.net",
            "https://quarry.atlassian.net:8443",
            "https://evil.example/.atlassian.net",
            "https://evilatlassian.net",
            "null",
            "",
        ] {
            assert!(!sites.matches(origin), "{origin}");
        }
    }

    #[test]
    fn what_is_no_origin_is_no_pattern() {
        for text in [
            "",
            "*",
            "https://",
            "http://*",
            "https://*.",
            "https://*.net",
            "https://a.example/",
            "https://a.example/path",
            "a.example",
            "https://*.a.example:1",
            "https://A.example",
        ] {
            assert!(OriginPattern::parse(text, true).is_none(), "{text}");
        }
        assert!(OriginPattern::parse("http://localhost:3000", true).is_some());
        assert!(OriginPattern::parse("http://localhost:3000", false).is_none());
    }
}
