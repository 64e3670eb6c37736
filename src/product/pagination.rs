//! Lists that come in pages: which page is next, and whether it may be fetched.

mod envelope;
mod link;
#[cfg(test)]
mod properties;

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use http::Method;
use serde_json::Value;
use url::form_urlencoded;

pub(super) use self::envelope::Envelope;
use self::envelope::Next;
use super::{ProductError, Response, outgoing::Outgoing};

/// Why a list cannot be read on. The pages before were complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaginationError {
    /// The link to the next page leads to another host, scheme or base path. It was not
    /// followed: the token would have gone with it.
    #[error("the link to the next page leads away from the base URL")]
    Elsewhere,
    /// The link to the next page is no text, or too long.
    #[error("the link to the next page cannot be read")]
    UnreadableLink,
    /// The next page is one that was fetched already.
    #[error("the next page is one that was fetched already")]
    Loop,
    /// There are more pages than the request wanted; see
    /// [`max_pages`](super::Request::max_pages).
    #[error("there are more than {0} pages")]
    TooManyPages(usize),
    /// The answer holds no list that is known; see [`list_key`](super::Request::list_key).
    #[error("the answer has no list under the expected key")]
    NoList,
    /// A GraphQL connection does not say whether there is another page; ask for
    /// `pageInfo { hasNextPage endCursor }`.
    #[error("the connection has no `pageInfo` with `hasNextPage` and `endCursor`")]
    NoPageInfo,
    /// The position of the next page cannot be put into the body of the request.
    #[error("a list that is not fetched with GET needs a JSON object as its body")]
    Body,
}

/// Fetches one page after the other.
#[derive(Debug)]
pub(super) struct Pager {
    /// The next page's request, none after the last, or why there is none.
    next: Result<Option<Outgoing>, ProductError>,
    list_key: Option<String>,
    seen: Seen,
}

impl Pager {
    pub(super) fn new(
        first: Result<Outgoing, ProductError>,
        max_pages: usize,
        list_key: Option<String>,
    ) -> Self {
        Self {
            next: first.map(Some),
            list_key,
            seen: Seen::new(max_pages),
        }
    }

    /// Fetches the next page and reads it; none after the last.
    pub(super) async fn turn<R>(
        &mut self,
        read: impl FnOnce(&Response, &Envelope<'_>) -> Result<R, ProductError>,
    ) -> Result<Option<R>, ProductError> {
        let Some(outgoing) = std::mem::replace(&mut self.next, Ok(None))? else {
            return Ok(None);
        };
        let failed = |source| {
            let call = outgoing.call.clone();
            ProductError::Pagination { call, source }
        };
        self.seen
            .admit(&(outgoing.url.url(), &outgoing.body))
            .map_err(failed)?;
        let response = outgoing.send().await?;
        let envelope = Envelope::read(&response, self.list_key.as_deref())?;
        // A bad link is the next page's error: this page is whole.
        self.next = following(&outgoing, &response, &envelope).map_err(failed);
        read(&response, &envelope).map(Some)
    }
}

/// The request for the page after this one.
fn following(
    outgoing: &Outgoing,
    response: &Response,
    envelope: &Envelope<'_>,
) -> Result<Option<Outgoing>, PaginationError> {
    let Some(next) = envelope.next(response.headers())? else {
        return Ok(None);
    };
    let mut following = outgoing.clone();
    match next {
        Next::Link(link) => {
            let base = &outgoing.client.base;
            following.url = link::resolve(outgoing.call.api(), base, &link)?;
        }
        Next::Position(name, value) => set_position(&mut following, name, value)?,
    }
    Ok(Some(following))
}

/// Puts the position where the request has its other parameters: into the query, or into
/// the body of a search by POST.
fn set_position(
    outgoing: &mut Outgoing,
    name: &str,
    position: Value,
) -> Result<(), PaginationError> {
    if let Some(body) = &outgoing.body
        && *outgoing.call.method() != Method::GET
    {
        let mut fields: serde_json::Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| PaginationError::Body)?;
        fields.insert(name.to_owned(), position);
        let body = serde_json::to_vec(&fields).map_err(|_| PaginationError::Body)?;
        outgoing.body = Some(body.into());
        return Ok(());
    }
    let position = match position {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let url = outgoing.url.url();
    let others = url.query_pairs().filter(|(key, _)| key != name);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair(name, &position)
        .finish();
    outgoing.url = outgoing.url.clone().with_query(Some(&query));
    Ok(())
}

/// The pages that were fetched, so that none is fetched twice, and how many may be.
#[derive(Debug)]
pub(crate) struct Seen {
    most: usize,
    // Hashes: a cursor can be long, and there can be many.
    pages: HashSet<u64>,
    hasher: RandomState,
}

impl Seen {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            pages: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Counts a page before it is fetched.
    pub(crate) fn admit(&mut self, page: &impl std::hash::Hash) -> Result<(), PaginationError> {
        if !self.pages.insert(self.hasher.hash_one(page)) {
            Err(PaginationError::Loop)
        } else if self.pages.len() > self.most {
            Err(PaginationError::TooManyPages(self.most))
        } else {
            Ok(())
        }
    }
}
