//! The way out: one HTTP client, and the list of hosts that may get a token.
//!
//! ```
//! use forge_remote::outbound::{self, ApiHosts, ApiUrl, HostNotAllowed};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hosts = ApiHosts::new(["api.atlassian.com"], false);
//! let base: ApiUrl = hosts.check("https://api.atlassian.com/ex/jira/3e8d5b70".parse()?)?;
//! let myself = base.with_path("/rest/api/3/myself").ok_or("no path")?.with_query(Some("expand=groups"));
//! assert_eq!(
//!     myself.url().as_str(),
//!     "https://api.atlassian.com/ex/jira/3e8d5b70/rest/api/3/myself?expand=groups",
//! );
//! assert!(base.with_path("/../4f9e6c81").is_none(), "a path does not leave its site");
//!
//! let elsewhere: Result<ApiUrl, HostNotAllowed> = hosts.check("http://localhost:8090/".parse()?);
//! assert!(elsewhere.is_err());
//! assert!(outbound::is_loopback(&"http://localhost:8090/".parse()?));
//!
//! let http = outbound::client()?; // follows no redirect, and every request of it ends
//! # drop(http);
//! # Ok(()) }
//! ```

pub(crate) mod isolated;
mod span;
pub(crate) mod upstream;

#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc, time::Duration};

use futures_util::future::join_all;

use reqwest::{ClientBuilder, NoProxy, Proxy};
use url::{Host, Url};

pub(crate) use self::span::{ClientSpan, Outgoing};

/// The connection is refused or lost sooner than a caller's patience ends.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than any deadline; the callers' own deadlines bound a request.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// Load balancers commonly close a connection that was idle for 60 s. It is given up before
/// that, so that no request is sent into one that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// With HTTP/1.1 each call under way has a connection of its own. Fewer that are kept would
/// mean a handshake for every call beyond them.
const IDLE_PER_HOST: usize = 256;
/// The system looks after a silent connection that often, below what NATs forget.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);
/// With HTTP/2 all calls share a connection. One that died without a word would take them all
/// with it, so it is asked for a sign of life, idle or not.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// The first connections are opened while nobody waits for them; no longer than this.
const WARM_UP_TIME: Duration = Duration::from_secs(10);

/// The HTTP client that every room shares: no redirects, time limits, a bounded pool.
///
/// It speaks HTTP/2 where the server does, all calls to a host over one connection, and
/// HTTP/1.1 elsewhere. Connections are kept for 50 s after their last use.
///
/// `https` goes through the proxy of `HTTPS_PROXY` or `ALL_PROXY`, except to the hosts of
/// `NO_PROXY`. Plain `http` goes to this machine only, and so through no proxy.
///
/// # Errors
/// If the system has no root certificates, or the proxy's address is none.
pub fn client() -> reqwest::Result<reqwest::Client> {
    let builder = match proxy()? {
        Some(proxy) => reqwest::Client::builder().proxy(proxy),
        None => reqwest::Client::builder().no_proxy(),
    };
    tuned(builder).build()
}

/// The proxy that calls out of this machine go through, if there is one.
pub(crate) fn proxy() -> reqwest::Result<Option<Proxy>> {
    proxy_of_process()
        .map(|address| Ok(Proxy::https(address)?.no_proxy(NoProxy::from_env())))
        .transpose()
}

fn tuned(builder: ClientBuilder) -> ClientBuilder {
    builder
        .user_agent(concat!("forge-remote/", env!("CARGO_PKG_VERSION")))
        // A redirect would carry the token to a host that nobody checked.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .tcp_keepalive(TCP_KEEPALIVE)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .http2_keep_alive_while_idle(true)
}

/// Opens a connection to each of these places, so that the first calls find one. Nothing but
/// `HEAD /` is sent, and no token. Whatever fails is tried again by the call that needs it.
pub(crate) async fn warm_up(http: &reqwest::Client, places: Vec<Url>) {
    let opened = places.into_iter().map(async |place| {
        let host = place.host_str().unwrap_or_default().to_owned();
        let answer = http.head(place).timeout(WARM_UP_TIME).send().await;
        if let Err(error) = answer {
            let cause = error.without_url();
            tracing::debug!(server.address = host, %cause, "no connection could be opened ahead");
        }
    });
    join_all(opened).await;
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

    /// The roots of the hosts that calls go to over a network. To this machine no connection
    /// needs to be opened ahead.
    pub(crate) fn places(&self) -> Vec<Url> {
        let roots = self.names.iter().map(|name| format!("https://{name}/"));
        roots
            .filter_map(|root| root.parse().ok())
            .filter(|root| !is_loopback(root))
            .collect()
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
        if url.query().is_some() || url.fragment().is_some() {
            url.set_query(None);
            url.set_fragment(None);
        }
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
    // The longest is `%2e%2e`.
    if segment.len() > 6 || !segment.contains('%') {
        return segment == "." || segment == "..";
    }
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}
