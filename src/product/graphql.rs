//! The GraphQL gateway.

pub(super) mod answer;
mod connection;

use std::{fmt, sync::Arc, time::Duration};

use http::Method;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

pub use self::answer::Partial;
use super::{
    Api, Credentials, Listing, Outbound, ProductError, Request, RequestError, client::Client,
    outgoing::Outgoing,
};
use crate::{deadline::Deadline, trace::TraceId};

/// Atlassian's GraphQL gateway, as one principal.
///
/// ```
/// use forge_remote::product::{GraphQl, ProductError};
/// use serde::Deserialize;
/// use serde_json::json;
///
/// #[derive(Deserialize)]
/// struct Data {
///     me: Me,
/// }
/// #[derive(Deserialize)]
/// struct Me {
///     user: Option<User>,
/// }
/// #[derive(Deserialize)]
/// struct User {
///     name: String,
/// }
///
/// async fn my_name(graphql: &GraphQl) -> Result<Option<String>, ProductError> {
///     let data: Data = graphql.query("query { me { user { name } } }").data().await?;
///     Ok(data.me.user.map(|user| user.name))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct GraphQl(Arc<Client>);

impl GraphQl {
    /// A client of the gateway at `url`: the setting `atlassian.graphql_url`.
    ///
    /// # Errors
    /// [`ProductError::HostNotAllowed`] or [`ProductError::InvalidBase`] if `url` is not a
    /// URL that may get a token.
    pub fn new(
        outbound: &Outbound,
        url: &str,
        credentials: Arc<dyn Credentials>,
        deadline: Deadline,
        trace: TraceId,
    ) -> Result<Self, ProductError> {
        Client::new(outbound, Api::GraphQl, url, credentials, deadline, trace)
            .map(|client| Self(Arc::new(client)))
    }

    /// A query or a mutation.
    ///
    /// A query may be repeated. A text with the word `mutation` in it is not, unless it is
    /// called [idempotent](GraphQlQuery::idempotent) or was turned away by a 401 or 429.
    pub fn query(&self, text: &str) -> GraphQlQuery {
        let mut request = Request::to_base(Arc::clone(&self.0), Method::POST);
        if !text.contains("mutation") {
            request = request.idempotent();
        }
        GraphQlQuery {
            request,
            text: text.to_owned(),
            variables: Ok(Map::new()),
        }
    }
}

/// A query that is being put together. Nothing is sent before it is awaited.
///
/// **Errors beside data.** A GraphQL answer can hold both. [`data`](Self::data) takes no half
/// answers: any error is an error. [`partial`](Self::partial) gives both.
///
/// **Errors' status.** An error with `extensions.statusCode` is treated as an HTTP answer of
/// that status: a 401 renews the token, a 429 waits, a 404 is
/// [`ProductError::NotFound`]. One without is [`ProductError::Status`] with status 200.
///
/// ```
/// use std::time::Duration;
/// use forge_remote::product::{GraphQl, Partial, ProductError};
/// use serde_json::{Value, json};
///
/// async fn issues(graphql: &GraphQl, cloud: &str) -> Result<Vec<Value>, ProductError> {
///     let text = "query ($cloud: ID!, $after: String) { jira { issueSearchStable(cloudId: $cloud, after: $after) \
///         { nodes { key } pageInfo { hasNextPage endCursor } } } }";
///     let query = || graphql.query(text).variables(&json!({"cloud": cloud}));
///     let whole = query().max_pages(2).pages::<Value>("/jira/issueSearchStable").all().await?;
///     println!("{} pages", whole.len());
///     query().items("/jira/issueSearchStable").all().await
/// }
///
/// async fn what_there_is(graphql: &GraphQl) -> Result<Value, ProductError> {
///     let asked = graphql
///         .query("mutation { touch { at } }")
///         .header("x-experimentalapi", "touch")
///         .idempotent()
///         .max_bytes(64 * 1024)
///         .timeout(Duration::from_secs(3));
///     let Partial { data, errors, .. } = asked.partial::<Value>().await?;
///     println!("{} gaps", errors.len());
///     Ok(data)
/// }
/// ```
#[must_use = "a query does nothing until it is sent"]
pub struct GraphQlQuery {
    request: Request,
    text: String,
    variables: Result<Map<String, Value>, RequestError>,
}

impl GraphQlQuery {
    /// The variables, as a struct or a map; a second call adds to the first.
    pub fn variables<T: Serialize + ?Sized>(mut self, variables: &T) -> Self {
        use serde::ser::Error as _;
        let more = match serde_json::to_value(variables) {
            Ok(Value::Object(more)) => Ok(more),
            Ok(_) => Err(serde_json::Error::custom("variables are not an object")),
            Err(error) => Err(error),
        };
        self.variables = match (self.variables, more) {
            (Ok(mut held), Ok(more)) => {
                held.extend(more);
                Ok(held)
            }
            (Ok(_), Err(error)) => Err(RequestError::Body(error)),
            (first, _) => first,
        };
        self
    }

    /// Sets a header, such as `x-experimentalapi`; see [`Request::header`].
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Says that doing it twice is the same as doing it once, so that it may be repeated.
    pub fn idempotent(mut self) -> Self {
        self.request = self.request.idempotent();
        self
    }

    /// Takes at most that many bytes of answer, counted after decompression.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.request = self.request.max_bytes(bytes);
        self
    }

    /// Lets one try take that long; the deadline still bounds all tries together.
    pub fn timeout(mut self, one_try: Duration) -> Self {
        self.request = self.request.timeout(one_try);
        self
    }

    /// Fetches at most that many pages of a connection; a longer one ends in an error.
    pub fn max_pages(mut self, pages: usize) -> Self {
        self.request = self.request.max_pages(pages);
        self
    }

    /// Sends it and reads `data`.
    ///
    /// # Errors
    /// Any [`ProductError`]; any error in the answer is one.
    pub async fn data<T: DeserializeOwned>(self) -> Result<T, ProductError> {
        let response = self.prepare()?.outgoing()?.send().await?;
        answer::data(&response)
    }

    /// Sends it and reads `data` together with the errors beside it.
    ///
    /// # Errors
    /// Any [`ProductError`]; an answer with errors and no data is one.
    pub async fn partial<T: DeserializeOwned>(self) -> Result<Partial<T>, ProductError> {
        let response = self.prepare()?.outgoing()?.send().await?;
        answer::partial(&response)
    }

    /// The nodes of a connection, page after page, each page fetched when it is needed.
    ///
    /// `connection` is the JSON pointer from `data` to it, such as `/jira/issueSearch`. The
    /// query must ask there for `edges { node { … } }` or `nodes { … }`, and for
    /// `pageInfo { hasNextPage endCursor }`, and take the cursor as a variable `$after`.
    pub fn items<T: DeserializeOwned + Send + 'static>(self, connection: &str) -> Listing<T> {
        let pages = self.request.max_pages_wanted();
        connection::items(self.prepare(), connection, pages)
    }

    /// The same, but the whole `data` of each page.
    pub fn pages<T: DeserializeOwned + Send + 'static>(self, connection: &str) -> Listing<T> {
        let pages = self.request.max_pages_wanted();
        connection::pages(self.prepare(), connection, pages)
    }

    fn prepare(self) -> Result<Prepared, ProductError> {
        let variables = match self.variables {
            Ok(variables) => variables,
            Err(problem) => return Err(self.request.failed(problem)),
        };
        Ok(Prepared {
            outgoing: self.request.prepare()?,
            text: self.text,
            variables,
        })
    }
}

impl fmt::Debug for GraphQlQuery {
    /// Neither text nor variables: they may be about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GraphQlQuery").field(&self.request).finish()
    }
}

/// A query whose variables can still be turned to the next page.
#[derive(Clone)]
struct Prepared {
    outgoing: Outgoing,
    text: String,
    variables: Map<String, Value>,
}

impl Prepared {
    fn outgoing(&self) -> Result<Outgoing, ProductError> {
        let body = json!({ "query": self.text, "variables": self.variables });
        self.outgoing.clone().with_json(&body)
    }
}
