//! Pages as they come, one after the other.

use std::sync::Arc;

use futures_util::stream;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::{Body, Cursor, Entries};
use crate::{
    product::{Client, Listing, Seen, flat},
    storage::{Entry, StorageError},
};

/// Some entries of a query, and where to read on.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Page<T> {
    /// The entries: fewer than the limit, or none, does not mean that it is the last page.
    #[serde(rename = "data")]
    pub entries: Vec<Entry<T>>,
    /// Where to read on, with [`Query::after`](super::Query::after); none on the last page.
    #[serde(rename = "cursor", default, deserialize_with = "next")]
    pub next: Option<Cursor>,
}

/// An empty cursor is none.
fn next<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cursor>, D::Error> {
    let text = Option::<Arc<str>>::deserialize(deserializer)?;
    match text.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => Cursor::new(text)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom("a cursor that is too long")),
    }
}

pub(super) async fn fetch<T: DeserializeOwned>(
    client: &Arc<Client>,
    body: &Body,
) -> Result<Page<T>, StorageError> {
    Ok(body.operation().send(client, body).await?.json()?)
}

pub(super) fn entries<T: DeserializeOwned + Send + 'static>(
    client: Arc<Client>,
    first: Result<Body, StorageError>,
    max_pages: usize,
) -> Entries<T> {
    let pages = Pages {
        client,
        next: first.map(Some),
        seen: Seen::new(max_pages),
    };
    Listing::new(flat(stream::try_unfold(pages, async |mut pages: Pages| {
        let page = pages.turn().await?;
        Ok(page.map(|entries| (entries, pages)))
    })))
}

/// Fetches one page after the other.
struct Pages {
    client: Arc<Client>,
    /// The next page's query, none after the last, or why there is none.
    next: Result<Option<Body>, StorageError>,
    seen: Seen,
}

impl Pages {
    async fn turn<T: DeserializeOwned>(&mut self) -> Result<Option<Vec<Entry<T>>>, StorageError> {
        let Some(mut body) = std::mem::replace(&mut self.next, Ok(None))? else {
            return Ok(None);
        };
        let admitted = self.seen.admit(&body.position().map(Cursor::as_str));
        admitted.map_err(StorageError::Pagination)?;
        let page = fetch(&self.client, &body).await?;
        self.next = Ok(page.next.map(|cursor| {
            body.start_at(cursor);
            body
        }));
        Ok(Some(page.entries))
    }
}
