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
