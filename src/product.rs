//! Confluence, Jira, Bitbucket and the GraphQL gateway, called as somebody.
//!
//! A client is made of three things: the base URL of the FIT, the [`Credentials`] of the one who
//! speaks, and the deadline of the request it works for. It attaches the token, waits out
//! the products' limits, repeats what may be repeated, reads lists page by page, and says what
//! went wrong in terms of what one can do about it ([`ProductError`]).
//!
//! What it never does: send a token to a host that is not on the list, follow a redirect,
//! follow a `next` link away from the base URL, wait longer than its caller, or take an
//! answer without a bound.
//!
//! "Calling product APIs from a remote": the base URL is `app.apiBaseUrl` for the primary product,
//! else `app.installation.contexts[name].apiBaseUrl`, never the site's own.
//!
//! ```
//! use forge_remote::product::{Confluence, ProductError};
//! use http::Method;
//! use serde_json::json;
//!
//! /// The six verbs, which every client has.
//! async fn label(confluence: &Confluence, page: &str) -> Result<(), ProductError> {
//!     let labels = "/wiki/rest/api/content/{id}/label";
//!     confluence.get(labels).segment("id", page).send().await?;
//!     confluence.post(labels).segment("id", page).json_body(&json!([{"name": "seen"}])).send().await?;
//!     let property = "/wiki/rest/api/content/{id}/property/{key}";
//!     let of_page = |request: forge_remote::product::Request| request.segment("id", page).segment("key", "mine");
//!     of_page(confluence.put(property)).json_body(&json!({"value": 1})).send().await?;
//!     of_page(confluence.patch(property)).json_body(&json!({"value": 2})).send().await?;
//!     of_page(confluence.request(Method::HEAD, property)).send().await?;
//!     of_page(confluence.delete(property)).send().await?;
//!     Ok(())
//! }
//! ```
//!
//! An [actor](crate::actor) makes them. Whoever has tokens from elsewhere makes them alone:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use forge_remote::product::{Bitbucket, Confluence, Credentials, GraphQl, Jira, Outbound};
//! use forge_remote::{clock::Clock, deadline::Deadline, outbound::{self, ApiHosts}, trace::TraceId};
//!
//! # fn clients(own: Arc<dyn Credentials>) -> Result<(), Box<dyn std::error::Error>> {
//! let hosts = ApiHosts::new(["api.atlassian.com", "api.bitbucket.org"], false);
//! let outbound = Outbound::new(outbound::client()?, hosts, Clock::system());
//! let deadline = Deadline::after(Duration::from_secs(20));
//! let trace = TraceId::random();
//!
//! let site = "https://api.atlassian.com/ex/jira/3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";
//! let jira = Jira::new(&outbound, site, Arc::clone(&own), deadline, trace.clone())?;
//! let wiki = "https://api.atlassian.com/ex/confluence/3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";
//! let confluence = Confluence::new(&outbound, wiki, Arc::clone(&own), deadline, trace.clone())?;
//! let code = "https://api.bitbucket.org";
//! let bitbucket = Bitbucket::new(&outbound, code, Arc::clone(&own), deadline, trace.clone())?;
//! let gateway = "https://api.atlassian.com/graphql";
//! let graphql = GraphQl::new(&outbound, gateway, own, deadline, trace)?;
//! # Ok(()) }
//! ```

mod body;
mod call;
mod client;
mod credentials;
mod error;
mod error_body;
mod graphql;
mod listing;
mod meter;
mod observation;
mod outbound;
mod outgoing;
mod pagination;
mod path;
mod pauses;
mod refusal;
mod repeats;
mod request;
mod response;

#[cfg(test)]
pub(crate) mod tests;

pub use call::{Api, Call};
pub(crate) use client::Client;
pub use client::{Bitbucket, Confluence, Jira};
pub use credentials::{Credentials, Identity};
pub use error::{DecodeError, ProductError, RequestError, TransportError};
pub use graphql::{GraphQl, GraphQlQuery, Partial};
pub use listing::Listing;
pub(crate) use listing::flat;
pub use outbound::Outbound;
pub use pagination::PaginationError;
pub(crate) use pagination::Seen;
pub use path::PathError;
pub use refusal::Refusal;
pub use request::Request;
pub use response::Response;
