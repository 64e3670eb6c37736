//! A list that is fetched page by page.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{
    Stream, TryStreamExt,
    stream::{self, BoxStream},
};
use serde::de::DeserializeOwned;

use super::{ProductError, outgoing::Outgoing, pagination::Pager};

/// A list, fetched page by page as it is read. It ends after the first error.
///
/// It is a [`Stream`], and can be read without the traits of one:
///
/// ```
/// # use forge_remote::product::{Jira, ProductError};
/// # use serde_json::Value;
/// async fn keys(jira: &Jira) -> Result<Vec<Value>, ProductError> {
///     let mut projects = jira.get("/rest/api/3/project/search").items::<Value>();
///     let mut keys = Vec::new();
///     while let Some(project) = projects.try_next().await? {
///         keys.push(project["key"].clone());
///     }
///     Ok(keys)
/// }
/// ```
#[must_use = "a list is not fetched before it is read"]
pub struct Listing<T>(BoxStream<'static, Result<T, ProductError>>);

impl<T: Send + 'static> Listing<T> {
    /// The next item; none after the last.
    ///
    /// # Errors
    /// Any [`ProductError`] of a page. The items of the pages before were right.
    pub async fn try_next(&mut self) -> Result<Option<T>, ProductError> {
        self.0.try_next().await
    }

    /// All items. Bounded by the number of pages and the size of each; where that is too much
    /// to hold at once, read them one by one.
    ///
    /// # Errors
    /// Any [`ProductError`] of a page.
    pub async fn all(self) -> Result<Vec<T>, ProductError> {
        self.0.try_collect().await
    }

    pub(super) fn new(
        stream: impl Stream<Item = Result<T, ProductError>> + Send + 'static,
    ) -> Self {
        Self(Box::pin(stream))
    }
}

impl<T: DeserializeOwned + Send + 'static> Listing<T> {
    pub(super) fn of_items(
        first: Result<Outgoing, ProductError>,
        max_pages: usize,
        list_key: Option<String>,
    ) -> Self {
        let first = Pager::new(first, max_pages, list_key);
        let pages = stream::try_unfold(first, async |mut pager: Pager| {
            let page = pager
                .turn(|response, envelope| envelope.items::<T>(response))
                .await?;
            Ok(page.map(|items| (items, pager)))
        });
        Self::new(flat(pages))
    }

    pub(super) fn of_pages(
        first: Result<Outgoing, ProductError>,
        max_pages: usize,
        list_key: Option<String>,
    ) -> Self {
        let first = Pager::new(first, max_pages, list_key);
        Self::new(stream::try_unfold(first, async |mut pager: Pager| {
            let page = pager.turn(|response, _| response.json()).await?;
            Ok(page.map(|page| (page, pager)))
        }))
    }
}

/// The items of all pages, one by one.
pub(super) fn flat<T: Send + 'static>(
    pages: impl Stream<Item = Result<Vec<T>, ProductError>> + Send + 'static,
) -> impl Stream<Item = Result<T, ProductError>> + Send + 'static {
    pages
        .map_ok(|items| stream::iter(items.into_iter().map(Ok)))
        .try_flatten()
}

impl<T> Stream for Listing<T> {
    type Item = Result<T, ProductError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl<T> fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").finish_non_exhaustive()
    }
}
