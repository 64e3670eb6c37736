//! The clients: one type for each product, all on the same ground.

use std::sync::Arc;

use http::Method;

use super::{Api, Credentials, Outbound, ProductError, Request, pauses::Scope};
use crate::{
    deadline::Deadline,
    outbound::{ApiUrl, HostNotAllowed},
    trace::TraceId,
};

/// Everything that the requests of one client have in common.
#[derive(Debug)]
pub(crate) struct Client {
    pub(super) outbound: Outbound,
    pub(super) api: Api,
    pub(super) base: ApiUrl,
    /// Why nothing may be sent.
    pub(super) barred: Option<HostNotAllowed>,
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) deadline: Deadline,
    pub(super) trace: TraceId,
}

impl Client {
    pub(super) fn new(
        outbound: &Outbound,
        api: Api,
        base: &str,
        credentials: Arc<dyn Credentials>,
        deadline: Deadline,
        trace: TraceId,
    ) -> Result<Self, ProductError> {
        let base = outbound.base(api, base)?;
        Ok(Self::at(outbound, api, base, credentials, deadline, trace))
    }

    /// A client under a base URL that was checked before.
    pub(crate) fn at(
        outbound: &Outbound,
        api: Api,
        base: ApiUrl,
        credentials: Arc<dyn Credentials>,
        deadline: Deadline,
        trace: TraceId,
    ) -> Self {
        Self {
            outbound: outbound.clone(),
            api,
            base,
            barred: None,
            credentials,
            deadline,
            trace,
        }
    }

    /// If there is a reason, it is the error of each call from now on.
    pub(crate) fn bar(&mut self, reason: Option<HostNotAllowed>) {
        self.barred = reason;
    }

    /// What a 429 pauses.
    pub(super) fn scope(&self) -> Scope {
        Scope {
            installation: self.credentials.installation(),
            base: self.base.url().as_str().into(),
        }
    }
}

macro_rules! product_client {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Arc<Client>);

        impl $name {
            /// A client of this product at `base`, the `apiBaseUrl` of the FIT.
            ///
            /// `credentials` says who speaks, `deadline` bounds all its calls together,
            /// and `trace` goes with each of them.
            ///
            /// # Errors
            /// [`ProductError::HostNotAllowed`] or [`ProductError::InvalidBase`] if `base`
            /// is not a URL that may get a token.
            pub fn new(
                outbound: &Outbound,
                base: &str,
                credentials: Arc<dyn Credentials>,
                deadline: Deadline,
                trace: TraceId,
            ) -> Result<Self, ProductError> {
                Client::new(outbound, Api::$name, base, credentials, deadline, trace)
                    .map(|client| Self(Arc::new(client)))
            }

            /// Reads. See [`Request`] for what a path may hold.
            pub fn get(&self, path: &str) -> Request {
                self.request(Method::GET, path)
            }

            /// Creates, or does something. Not repeated unless it is called
            /// [idempotent](Request::idempotent) or was turned away by a 429.
            pub fn post(&self, path: &str) -> Request {
                self.request(Method::POST, path)
            }

            /// Replaces.
            pub fn put(&self, path: &str) -> Request {
                self.request(Method::PUT, path)
            }

            /// Changes a part. Not repeated unless it is called
            /// [idempotent](Request::idempotent) or was turned away by a 429.
            pub fn patch(&self, path: &str) -> Request {
                self.request(Method::PATCH, path)
            }

            /// Deletes.
            pub fn delete(&self, path: &str) -> Request {
                self.request(Method::DELETE, path)
            }

            /// Any method.
            pub fn request(&self, method: Method, path: &str) -> Request {
                Request::new(Arc::clone(&self.0), method, path)
            }
        }
    };
}

product_client! {
    /// Confluence of one site, as one principal.
    ///
    /// Paths begin with `/wiki/rest/api/` (v1) or `/wiki/api/v2/`.
    ///
    /// ```
    /// use forge_remote::product::{Confluence, ProductError};
    /// use serde_json::{Value, json};
    ///
    /// async fn title(confluence: &Confluence, page: &str) -> Result<Value, ProductError> {
    ///     let path = "/wiki/api/v2/pages/{id}";
    ///     let page: Value = confluence.get(path).segment("id", page).json().await?;
    ///     Ok(page["title"].clone())
    /// }
    ///
    /// /// All pages of a space, fetched as they are asked for.
    /// async fn titles(confluence: &Confluence, space: &str) -> Result<Vec<Value>, ProductError> {
    ///     let mut titles = Vec::new();
    ///     let mut pages = confluence
    ///         .get("/wiki/api/v2/spaces/{space}/pages")
    ///         .segment("space", space)
    ///         .query(&[("limit", 100)])
    ///         .items::<Value>();
    ///     while let Some(page) = pages.try_next().await? {
    ///         titles.push(page["title"].clone());
    ///     }
    ///     Ok(titles)
    /// }
    /// ```
    Confluence
}

product_client! {
    /// Jira of one site, as one principal.
    ///
    /// Paths begin with `/rest/api/3/`, with `/rest/agile/1.0/` for Jira Software and with
    /// `/rest/servicedeskapi/` for Jira Service Management.
    ///
    /// ```
    /// use forge_remote::product::{Jira, ProductError};
    /// use serde_json::json;
    ///
    /// async fn rename(jira: &Jira, key: &str, summary: &str) -> Result<(), ProductError> {
    ///     jira.put("/rest/api/3/issue/{key}")
    ///         .segment("key", key)
    ///         .json_body(&json!({"fields": {"summary": summary}}))
    ///         .send()
    ///         .await?;
    ///     Ok(())
    /// }
    /// ```
    Jira
}

product_client! {
    /// Bitbucket, as one principal. Paths begin with `/2.0/`.
    ///
    /// A workspace or repository id in braces may stand in the path as it is.
    Bitbucket
}
