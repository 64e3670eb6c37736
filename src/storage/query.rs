//! Entries in an order, page after page.

mod cursor;
mod pages;

use std::{fmt, marker::PhantomData, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use self::{cursor::Cursor, pages::Page};
use super::{
    Condition, EntityName, Entry, Filter, IndexName, Key, Metadata, Range, StorageError,
    operation::{MANY_VALUES, Operation},
};
use crate::product::{Client, Listing};

/// "`limit` 1–100, default 10" (Forge storage REST).
const MOST_PER_PAGE: usize = 100;

/// Pages that [`Query::entries`] fetches if the query does not say.
const MAX_PAGES: usize = 1_000;

/// A [`Query`] over plain values, in the order of their keys.
#[derive(Debug, Clone, Copy)]
pub enum ByKey {}

/// A [`Query`] over entities, in the order of an index.
#[derive(Debug, Clone, Copy)]
pub enum ByIndex {}

/// All entries of a query, fetched page by page as they are read.
///
/// It is a [`Stream`](futures_util::Stream), and
/// [`try_next`](crate::product::Listing::try_next) and [`all`](crate::product::Listing::all)
/// read it without the traits of one.
pub type Entries<T> = Listing<Entry<T>, StorageError>;

/// A query that is being put together. Nothing is sent before its entries are read.
///
/// Queries and indexes are eventually consistent: what was just written may be missing for a
/// moment. A mistake in putting it together is the error of sending it.
///
/// ```
/// use forge_remote::storage::{ByIndex, ByKey, Cursor, Entries, Metadata, Page, Query, Sort, Storage, StorageError};
///
/// /// A page for a browser, which sends the cursor back for the next one.
/// async fn page(storage: &Storage, after: Option<&Cursor>) -> Result<(Vec<u32>, Option<Cursor>), StorageError> {
///     let query: Query<ByKey> = storage.query().metadata(Metadata::ALL).limit(25);
///     let query = match after {
///         Some(cursor) => query.after(cursor),
///         None => query,
///     };
///     let Page { entries, next, .. } = query.page().await?;
///     println!("on from {:?}", next.as_ref().map(Cursor::as_str));
///     Ok((entries.into_iter().map(|entry| entry.value).collect(), next))
/// }
///
/// fn newest(query: Query<ByIndex>) -> Entries<u32> {
///     query.sort(Sort::Descending).max_pages(3).entries()
/// }
/// ```
#[must_use = "a query does nothing until its entries are read"]
pub struct Query<Kind> {
    client: Arc<Client>,
    body: Body,
    max_pages: usize,
    /// The first mistake.
    problem: Option<StorageError>,
    kind: PhantomData<fn() -> Kind>,
}

/// The order of a query's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Sort {
    /// The least first.
    #[serde(rename = "ASC")]
    Ascending,
    /// The greatest first.
    #[serde(rename = "DESC")]
    Descending,
}

/// Both kinds of query: which fields are set says which it is.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(flatten)]
    of: Option<Indexed>,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    prefix: Option<[Condition; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Cursor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<Cursor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Options>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Indexed {
    entity_name: EntityName,
    index_name: IndexName,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<Filter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<Sort>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    metadata_fields: Vec<Metadata>,
}

impl Body {
    const fn operation(&self) -> Operation {
        let path = match self.of {
            Some(_) => "/v1/entity/query",
            None => "/v1/query",
        };
        Operation::new(path, MANY_VALUES)
    }

    /// The two kinds have two names for it.
    fn start_at(&mut self, position: Cursor) {
        if self.of.is_some() {
            self.cursor = Some(position);
        } else {
            self.after = Some(position);
        }
    }

    fn position(&self) -> Option<&Cursor> {
        self.cursor.as_ref().or(self.after.as_ref())
    }
}

impl Query<ByKey> {
    pub(super) fn by_key(client: Arc<Client>) -> Self {
        Self::new(client, Body::default())
    }

    /// Only entries whose keys begin like this.
    pub fn prefix(mut self, prefix: &Key) -> Self {
        let condition = Condition::begins_with("key", prefix.as_str());
        self.body.prefix = Some([condition]);
        self
    }
}

impl Query<ByIndex> {
    pub(super) fn by_index(client: Arc<Client>, entity: &EntityName, index: &IndexName) -> Self {
        let of = Indexed {
            entity_name: entity.clone(),
            index_name: index.clone(),
            partition: None,
            range: None,
            filters: None,
            sort: None,
        };
        let body = Body {
            of: Some(of),
            ..Body::default()
        };
        Self::new(client, body)
    }

    /// The values of the index's partition attributes, in the order of the manifest. An index
    /// with a partition needs all of them; together at most 1,700 bytes.
    pub fn partition<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.indexed(|of| of.partition = Some(values))
    }

    /// Only this part of the index; each value at most 900 bytes.
    pub fn range(self, range: Range) -> Self {
        self.indexed(|of| of.range = Some(range))
    }

    /// Only those that meet this. The platform filters after it has read the index: a
    /// page may hold less than its limit, or nothing, and yet not be the last.
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        let filter = filter.into();
        self.problem = self.problem.or_else(|| filter.problem());
        self.indexed(|of| of.filters = Some(filter))
    }

    /// The order; ascending if it is not said.
    pub fn sort(self, sort: Sort) -> Self {
        self.indexed(|of| of.sort = Some(sort))
    }

    fn indexed(mut self, change: impl FnOnce(&mut Indexed)) -> Self {
        if let Some(of) = &mut self.body.of {
            change(of);
        }
        self
    }
}

impl<Kind> Query<Kind> {
    fn new(client: Arc<Client>, body: Body) -> Self {
        Self {
            client,
            body,
            max_pages: MAX_PAGES,
            problem: None,
            kind: PhantomData,
        }
    }

    /// At most that many entries in a page, 1 to 100; the platform gives 10 if it is not said.
    pub fn limit(mut self, limit: u8) -> Self {
        if !(1..=MOST_PER_PAGE).contains(&usize::from(limit)) {
            self.problem.get_or_insert(StorageError::OutOfRange {
                what: "the limit of a page",
                most: MOST_PER_PAGE,
            });
        }
        self.body.limit = Some(limit);
        self
    }

    /// Begins where an earlier page of the same query ended.
    pub fn after(mut self, cursor: &Cursor) -> Self {
        self.body.start_at(cursor.clone());
        self
    }

    /// Asks for this beside each value.
    pub fn metadata(mut self, fields: &[Metadata]) -> Self {
        let metadata_fields = fields.to_vec();
        self.body.options = (!fields.is_empty()).then_some(Options { metadata_fields });
        self
    }

    /// [`entries`](Self::entries) fetches at most that many pages, 1,000 if it is not said; a
    /// longer list ends in an error.
    pub const fn max_pages(mut self, pages: usize) -> Self {
        self.max_pages = pages;
        self
    }

    /// One page. At most 32 MiB are read of it.
    ///
    /// # Errors
    /// [`StorageError`]; a value that is no `T` is one.
    pub async fn page<T: DeserializeOwned>(self) -> Result<Page<T>, StorageError> {
        match self.problem {
            Some(problem) => Err(problem),
            None => pages::fetch(&self.client, &self.body).await,
        }
    }

    /// All entries, page after page, each page fetched when it is needed.
    ///
    /// A cursor that comes a second time ends the list with
    /// [`StorageError::Pagination`]: it would never end.
    pub fn entries<T: DeserializeOwned + Send + 'static>(self) -> Entries<T> {
        let first = self.problem.map_or(Ok(self.body), Err);
        pages::entries(self.client, first, self.max_pages)
    }
}

impl<Kind> fmt::Debug for Query<Kind> {
    /// Without prefix and filters: they may be about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("limit", &self.body.limit)
            .field("max_pages", &self.max_pages)
            .finish_non_exhaustive()
    }
}
