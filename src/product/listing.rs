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

/// A list, fetched page by page as it is read. It ends after the first error. `E` is the
/// error of the API that it comes from.
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
///
/// Or at once:
///
/// ```
/// # use forge_remote::product::{Jira, ProductError};
/// # use serde_json::Value;
/// async fn projects(jira: &Jira) -> Result<Vec<Value>, ProductError> {
///     jira.get("/rest/api/3/project/search").max_pages(5).items().all().await
/// }
/// ```
#[must_use = "a list is not fetched before it is read"]
pub struct Listing<T, E = ProductError>(BoxStream<'static, Result<T, E>>);

impl<T: Send + 'static, E: Send + 'static> Listing<T, E> {
    /// The next item; none after the last.
    ///
    /// # Errors
    /// Any error of a page. The items of the pages before were right.
    pub async fn try_next(&mut self) -> Result<Option<T>, E> {
        self.0.try_next().await
    }

    /// All items. Bounded by the number of pages and the size of each; where that is too much
    /// to hold at once, read them one by one.
    ///
    /// # Errors
    /// Any error of a page.
    pub async fn all(self) -> Result<Vec<T>, E> {
        self.0.try_collect().await
    }

    pub(crate) fn new(stream: impl Stream<Item = Result<T, E>> + Send + 'static) -> Self {
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
pub(crate) fn flat<T: Send + 'static, E: Send + 'static>(
    pages: impl Stream<Item = Result<Vec<T>, E>> + Send + 'static,
) -> impl Stream<Item = Result<T, E>> + Send + 'static {
    pages
        .map_ok(|items| stream::iter(items.into_iter().map(Ok)))
        .try_flatten()
}

impl<T, E> Stream for Listing<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl<T, E> fmt::Debug for Listing<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").finish_non_exhaustive()
    }
}
