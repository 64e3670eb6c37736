//! One request, as it is put together.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Call, Listing, PathError, ProductError, RequestError, Response,
    client::Client,
    outgoing::{JSON, Outgoing},
    path,
    repeats::is_idempotent,
};

/// Bytes of an answer that are taken if the request does not say, after decompression.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// One try takes no longer. Below the 25 s that a UI waits, so that a product which hangs
/// once leaves time for another try.
const TRY_TIMEOUT: Duration = Duration::from_secs(15);

/// Pages of a list that are fetched if the request does not say.
const MAX_PAGES: usize = 1_000;

/// The client's own to set: what names the principal, the host, the trace or the framing.
const RESERVED: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::HOST,
    header::COOKIE,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
];

/// A request that is being put together. Nothing is sent before it is awaited.
///
/// **Path.** It begins with `/` and is put behind the base URL as text; it cannot leave it. A
/// `{name}` in it stands for a [`segment`](Self::segment), and logs and errors show it
/// without the value. A query is given with [`query`](Self::query), never in the path.
///
/// **Repeats.** At most three tries. A 429 is repeated whatever the method, as nothing was
/// done; a failed connection, 502, 503 and 504 where doing it twice is the same as doing
/// it once: GET, HEAD, PUT, DELETE, OPTIONS, or said to be [`idempotent`](Self::idempotent).
/// The wait is the product's `Retry-After` or `X-RateLimit-Reset`, up to 10 s, else it
/// doubles from 250 ms with jitter. A wait that is longer or does not fit into the deadline is
/// an error at once, and tells how long it would have been. A 401 is repeated once if the
/// credentials then have another token.
///
/// **Bounds.** The client's deadline for everything together, 15 s for one try
/// ([`timeout`](Self::timeout)), 16 MiB for the answer ([`max_bytes`](Self::max_bytes)), 1,000
/// pages for a list ([`max_pages`](Self::max_pages)). No redirect is followed.
///
/// A mistake in putting it together is the error of sending it.
///
/// ```
/// use std::time::Duration;
/// use forge_remote::product::{Jira, ProductError};
/// use serde_json::{Value, json};
///
/// async fn report(jira: &Jira, key: &str) -> Result<(), ProductError> {
///     let comments = jira
///         .get("/rest/api/3/issue/{key}/comment")
///         .segment("key", key)
///         .query(&[("maxResults", 50)])
///         .list_key("comments")
///         .max_pages(4);
///     let comments: Vec<Value> = comments.items().all().await?;
///
///     let search = jira.post("/rest/api/3/search/jql").json_body(&json!({"jql": "project = QUA"}));
///     let pages: Vec<Value> = search.idempotent().pages().all().await?;
///
///     let file = jira.get("/rest/api/3/attachment/content/{id}").segment("id", "10000");
///     let bytes = file.max_bytes(1024 * 1024).timeout(Duration::from_secs(5)).bytes().await?;
///
///     let upload = jira.put("/rest/api/3/issue/{key}/properties/mine").segment("key", key);
///     upload.header("x-atlassian-token", "no-check").body("application/json", "1").send().await?;
///     let text = jira.get("/rest/api/3/serverInfo").text().await?;
///     println!("{} comments, {} pages, {} and {} bytes", comments.len(), pages.len(), bytes.len(), text.len());
///     Ok(())
/// }
/// ```
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    outgoing: Outgoing,
    /// Whether the route is a path to go behind the base URL, and not that URL's own.
    behind_base: bool,
    segments: Vec<(String, String)>,
    query: String,
    max_pages: usize,
    list_key: Option<String>,
    /// The first mistake: it is the error of sending.
    problem: Option<RequestError>,
}

impl Request {
    pub(crate) fn new(client: Arc<Client>, method: Method, path: &str) -> Self {
        Self::with_route(client, method, path.into(), true)
    }

    /// To the base URL itself.
    pub(super) fn to_base(client: Arc<Client>, method: Method) -> Self {
        let route = client.base.url().path().into();
        Self::with_route(client, method, route, false)
    }

    fn with_route(client: Arc<Client>, method: Method, route: Arc<str>, behind_base: bool) -> Self {
        let call = Call {
            api: client.api,
            method,
            route,
        };
        Self {
            outgoing: Outgoing {
                url: client.base.clone(),
                headers: HeaderMap::from_iter([(header::ACCEPT, JSON)]),
                body: None,
                idempotent: is_idempotent(&call.method),
                max_bytes: MAX_BYTES,
                one_try: TRY_TIMEOUT,
                client,
                call,
            },
            behind_base,
            segments: Vec::new(),
            query: String::new(),
            max_pages: MAX_PAGES,
            list_key: None,
            problem: None,
        }
    }

    /// The value for `{name}` in the path, as one segment: whatever would end the segment
    /// is percent-encoded. An empty value, `.` and `..` are refused.
    pub fn segment(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.segments.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds to the query: a struct, a map, or a list of pairs such as `&[("limit", 25)]`.
    pub fn query<T: Serialize + ?Sized>(mut self, query: &T) -> Self {
        match serde_urlencoded::to_string(query) {
            Ok(more) => {
                if !self.query.is_empty() && !more.is_empty() {
                    self.query.push('&');
                }
                self.query.push_str(&more);
                self
            }
            Err(error) => self.with_problem(RequestError::Query(error)),
        }
    }

    /// Sends this as JSON.
    pub fn json_body<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match self.outgoing.set_json(body) {
            Ok(()) => self,
            Err(problem) => self.with_problem(problem),
        }
    }

    /// Sends these bytes as they are.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.outgoing.body = Some(body.into());
        self.header(header::CONTENT_TYPE.as_str(), content_type)
    }

    /// Sets a header. Those that name the principal, the host, the trace or the framing
    /// are the client's own: `authorization`, `host`, `cookie`, `x-b3-*` and the like.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else {
            return self.with_problem(RequestError::InvalidHeader);
        };
        if RESERVED.contains(&name) || name.as_str().starts_with("x-b3-") {
            return self.with_problem(RequestError::ReservedHeader(name));
        }
        self.outgoing.headers.insert(name, value);
        self
    }

    /// Says that doing it twice is the same as doing it once, so that it may be repeated.
    pub const fn idempotent(mut self) -> Self {
        self.outgoing.idempotent = true;
        self
    }

    /// Takes at most that many bytes of answer, counted after decompression.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.outgoing.max_bytes = bytes;
        self
    }

    /// Lets one try take that long; the deadline still bounds all tries together.
    pub const fn timeout(mut self, one_try: Duration) -> Self {
        self.outgoing.one_try = one_try;
        self
    }

    /// Fetches at most that many pages of a list; a longer list ends in an error.
    pub const fn max_pages(mut self, pages: usize) -> Self {
        self.max_pages = pages;
        self
    }

    /// Where the items of a list are, if not under `results`, `values` or `issues`: Jira's
    /// comments, for one, come under `comments`.
    pub fn list_key(mut self, key: &str) -> Self {
        self.list_key = Some(key.to_owned());
        self
    }

    /// Sends it and reads the answer.
    ///
    /// # Errors
    /// Any [`ProductError`]; an answer that is not 2xx is one.
    pub async fn send(self) -> Result<Response, ProductError> {
        self.prepare()?.send().await
    }

    /// Sends it and reads the answer as JSON; see [`Response::json`].
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`ProductError::Decode`].
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, ProductError> {
        self.send().await?.json()
    }

    /// Sends it and reads the answer as text.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`ProductError::Decode`] if it is not UTF-8.
    pub async fn text(self) -> Result<String, ProductError> {
        self.send().await?.text()
    }

    /// Sends it and gives the answer's bytes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn bytes(self) -> Result<Bytes, ProductError> {
        Ok(self.send().await?.into_bytes())
    }

    /// The items of a list, page after page, each page fetched when it is needed.
    ///
    /// The style of pagination is recognised from the answer: all of Confluence, Jira, Jira
    /// Service Management and Bitbucket. An answer that is a bare array is a list of one page.
    pub fn items<T: DeserializeOwned + Send + 'static>(self) -> Listing<T> {
        let (pages, key) = (self.max_pages, self.list_key.clone());
        Listing::of_items(self.prepare(), pages, key)
    }

    /// The pages of a list, each with all that the product says about it.
    pub fn pages<T: DeserializeOwned + Send + 'static>(self) -> Listing<T> {
        let (pages, key) = (self.max_pages, self.list_key.clone());
        Listing::of_pages(self.prepare(), pages, key)
    }

    /// The request as it goes out, or the first mistake in it.
    pub(super) fn prepare(self) -> Result<Outgoing, ProductError> {
        let mut outgoing = self.outgoing;
        if let Some(source) = outgoing.client.barred.clone() {
            let api = outgoing.call.api;
            return Err(ProductError::HostNotAllowed { api, source });
        }
        if let Some(source) = self.problem {
            let call = outgoing.call;
            return Err(ProductError::InvalidRequest { call, source });
        }
        if self.behind_base {
            let path = path::fill(&outgoing.call.route, &self.segments);
            let url = path.and_then(|path| {
                let base = &outgoing.client.base;
                base.with_path(&path).ok_or(PathError::Malformed)
            });
            outgoing.url = match url {
                Ok(url) => url,
                Err(source) => {
                    let call = outgoing.call;
                    return Err(ProductError::InvalidPath { call, source });
                }
            };
        }
        if !self.query.is_empty() {
            outgoing.url = outgoing.url.with_query(Some(&self.query));
        }
        Ok(outgoing)
    }

    /// The error that this mistake is, or an earlier one.
    pub(super) fn failed(self, problem: RequestError) -> ProductError {
        ProductError::InvalidRequest {
            call: self.outgoing.call,
            source: self.problem.unwrap_or(problem),
        }
    }

    pub(super) const fn max_pages_wanted(&self) -> usize {
        self.max_pages
    }

    fn with_problem(mut self, problem: RequestError) -> Self {
        self.problem.get_or_insert(problem);
        self
    }
}

impl fmt::Debug for Request {
    /// Neither values nor query nor body: they may be about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("call", &self.outgoing.call)
            .finish_non_exhaustive()
    }
}
