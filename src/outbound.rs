//! The way out: one HTTP client, and the list of hosts that may get a token.

pub(crate) mod upstream;

use std::{net::IpAddr, sync::Arc, time::Duration};

use reqwest::{NoProxy, Proxy};
use url::{Host, Url};

/// The connection is refused or lost sooner than a caller's patience ends.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than any deadline; the callers' own deadlines bound a request.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const IDLE_PER_HOST: usize = 64;

/// The HTTP client that every room shares: no redirects, time limits, a bounded pool.
///
/// `https` goes through the proxy of `HTTPS_PROXY` or `ALL_PROXY`, except to the hosts of
/// `NO_PROXY`. Plain `http` goes to this machine only, and so through no proxy.
///
/// # Errors
/// If the system has no root certificates, or the proxy's address is none.
pub fn client() -> reqwest::Result<reqwest::Client> {
    let builder = match proxy_of_process() {
        Some(address) => {
            let proxy = Proxy::https(address)?.no_proxy(NoProxy::from_env());
            reqwest::Client::builder().proxy(proxy)
        }
        None => reqwest::Client::builder().no_proxy(),
    };
    builder
        .user_agent(concat!("forge-remote/", env!("CARGO_PKG_VERSION")))
        // A redirect would carry the token to a host that nobody checked.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .build()
}

#[expect(
    clippy::disallowed_methods,
    reason = "not a setting of this program: every HTTP client of the machine reads it there"
)]
fn proxy_of_process() -> Option<String> {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|address| !address.trim().is_empty())
}

/// The only hosts that ever get a token.
///
/// Host names are compared whole, after URL parsing. `https` and port 443 only; on
/// loopback any port, and plain `http` where `plain_loopback` says so.
///
/// ```
/// use forge_remote::outbound::ApiHosts;
/// let hosts = ApiHosts::new(["api.atlassian.com"], false);
/// assert!(hosts.check("https://api.atlassian.com/graphql".parse()?).is_ok());
/// assert!(hosts.check("https://api.atlassian.com.evil.example/".parse()?).is_err());
/// # Ok::<(), url::ParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ApiHosts {
    names: Arc<[String]>,
    plain_loopback: bool,
}

/// A URL on the list: the only kind that a token is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl(Url);

/// A URL is not on the list of API hosts. It names the host, for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{host}` may not get a token: it is not in `atlassian.api_hosts`, or scheme or port are not https and 443"
)]
pub struct HostNotAllowed {
    host: String,
}

impl ApiHosts {
    /// A list of host names. They are taken as they stand, without scheme or port.
    pub fn new<I>(names: I, plain_loopback: bool) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let names = names
            .into_iter()
            .map(|name| name.into().to_ascii_lowercase())
            .collect();
        Self {
            names,
            plain_loopback,
        }
    }

    /// Passes a URL that may get a token.
    ///
    /// # Errors
    /// [`HostNotAllowed`] for any other.
    pub fn check(&self, url: Url) -> Result<ApiUrl, HostNotAllowed> {
        if self.allows(&url) {
            Ok(ApiUrl(url))
        } else {
            Err(HostNotAllowed {
                host: url.host_str().unwrap_or("").chars().take(253).collect(),
            })
        }
    }

    fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        let loopback = is_loopback(url);
        let scheme = match url.scheme() {
            "https" => true,
            "http" => loopback && self.plain_loopback,
            _ => false,
        };
        scheme
            && (loopback || url.port_or_known_default() == Some(443))
            && url.username().is_empty()
            && url.password().is_none()
            && self.names.iter().any(|name| name == host)
    }
}

/// Whether the URL's host is this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

impl ApiUrl {
    /// The URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// This base with `path` behind it, joined as text.
    ///
    /// `Url::join` with an absolute path would drop `/ex/confluence/<cloudId>`. A path
    /// cannot leave the base: `..`, `//`, `\`, `?`, `#` and control characters are refused.
    #[must_use]
    pub fn with_path(&self, path: &str) -> Option<Self> {
        let clean = path.starts_with('/')
            && !path.contains("//")
            && !path
                .bytes()
                .any(|b| b.is_ascii_control() || matches!(b, b'\\' | b'?' | b'#'))
            && !path.split('/').any(is_dot_segment);
        if !clean {
            return None;
        }
        let mut url = self.0.clone();
        url.set_query(None);
        url.set_fragment(None);
        let joined = format!("{}{path}", self.0.path().trim_end_matches('/'));
        url.set_path(&joined);
        Some(Self(url))
    }

    /// The same place with another query.
    #[must_use]
    pub fn with_query(mut self, query: Option<&str>) -> Self {
        self.0.set_query(query);
        self
    }
}

/// `.` and `..`, also percent-encoded, which URL parsers resolve alike.
fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> ApiHosts {
        ApiHosts::new(["api.atlassian.com", "127.0.0.1", "localhost"], true)
    }

    fn allows(hosts: &ApiHosts, url: &str) -> bool {
        hosts.check(url.parse().unwrap()).is_ok()
    }

    #[test]
    fn listed_hosts_get_a_token() {
        for url in [
            "https://api.atlassian.com/graphql",
            "https://API.atlassian.com:443/x",
            "http://127.0.0.1:4000/x",
            "http://localhost:1/x",
            "https://127.0.0.1:4000/x",
        ] {
            assert!(allows(&hosts(), url), "{url}");
        }
    }

    #[test]
    fn no_other_host_gets_one() {
        for url in [
            "http://api.atlassian.com/graphql",
            "https://api.atlassian.com:8443/x",
            "https://api.atlassian.com.evil.example/x",
            "https://xapi.atlassian.com/x",
            "https://api.atlassian.com./x",
            "https://user@api.atlassian.com/x",
            "https://:pass@api.atlassian.com/x",
            "https://evil.example/api.atlassian.com",
            "https://api.atlassian.com@evil.example/",
            "http://127.0.0.2:4000/x",
            "ftp://api.atlassian.com/x",
            "data:text/plain,api.atlassian.com",
        ] {
            assert!(!allows(&hosts(), url), "{url}");
        }
    }

    #[test]
    fn loopback_needs_https_in_production() {
        let production = ApiHosts::new(["127.0.0.1"], false);
        assert!(!allows(&production, "http://127.0.0.1:4000/x"));
        assert!(allows(&production, "https://127.0.0.1:4000/x"));
    }

    #[test]
    fn a_path_goes_behind_the_base() {
        let base = hosts()
            .check("https://api.atlassian.com/ex/jira/1".parse().unwrap())
            .unwrap();
        let url = base.with_path("/rest/api/3/issue/QUA-1").unwrap();
        assert_eq!(
            url.url().as_str(),
            "https://api.atlassian.com/ex/jira/1/rest/api/3/issue/QUA-1"
        );
        let encoded = base.with_path("/rest/a b/ü").unwrap();
        assert_eq!(encoded.url().path(), "/ex/jira/1/rest/a%20b/%C3%BC");
    }

    #[test]
    fn no_path_leaves_the_base() {
        let base = hosts()
            .check("https://api.atlassian.com/ex/jira/1".parse().unwrap())
            .unwrap();
        for path in [
            "",
            "x",
            "/../2",
            "/a/..",
            "/%2e%2E/2",
            "/.%2e/2",
            "//evil",
            "/a\\..\\b",
            "/a?b",
            "/a#b",
            "/a\n",
        ] {
            assert!(base.with_path(path).is_none(), "{path:?}");
        }
    }
}
