//! What stands around the items of a page, in any of the products' styles.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::{PaginationError, link};
use crate::product::{DecodeError, ProductError, Response};

/// Where the products put the items of a list.
const LIST_KEYS: [&str; 3] = ["results", "values", "issues"];

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// A page whose items are not read yet.
pub(in crate::product) struct Envelope<'a> {
    fields: Fields<'a>,
    /// The text of the list, if there is one.
    list: Option<&'a RawValue>,
}

/// Where the next page is.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// At a link, which is still to be checked.
    Link(String),
    /// At the same place with that parameter.
    Position(&'static str, Value),
}

impl<'a> Envelope<'a> {
    pub(in crate::product) fn read(
        response: &'a Response,
        list_key: Option<&str>,
    ) -> Result<Self, ProductError> {
        let body: &RawValue = decode(response.bytes(), response)?;
        if is_list(body) {
            return Ok(Self {
                fields: Fields::new(),
                list: Some(body),
            });
        }
        let fields: Fields<'a> = decode(response.bytes(), response)?;
        let list = match list_key {
            Some(key) => fields.get(key).copied().filter(|value| is_list(value)),
            None => LIST_KEYS
                .iter()
                .filter_map(|key| fields.get(*key).copied())
                .find(|value| is_list(value)),
        };
        Ok(Self { fields, list })
    }

    /// The items of this page.
    pub(in crate::product) fn items<T: DeserializeOwned>(
        &self,
        response: &Response,
    ) -> Result<Vec<T>, ProductError> {
        self.raw_items()
            .ok_or_else(|| ProductError::Pagination {
                call: response.call.clone(),
                source: PaginationError::NoList,
            })?
            .into_iter()
            .map(|item| {
                serde_json::from_str(item.get())
                    .map_err(|error| response.undecodable(DecodeError::of::<T>(&error)))
            })
            .collect()
    }

    fn raw_items(&self) -> Option<Vec<&'a RawValue>> {
        serde_json::from_str(self.list?.get()).ok()
    }

    /// Where the page after this one is; none after the last.
    ///
    /// The order matters: Jira Service Management has a `_links.next` too, but it leads to the
    /// site's own URL, where no token of an app may go. So has Jira its `nextPage`.
    pub(super) fn next(&self, headers: &HeaderMap) -> Result<Option<Next>, PaginationError> {
        if let Some(is_last) = self.field::<bool>("isLastPage") {
            return self.after_service_desk_page(is_last);
        }
        if let Some(link) = text(self.fields.get("next").copied())? {
            return Ok(Some(Next::Link(link)));
        }
        let links: Option<Fields<'a>> = self.field("_links");
        if let Some(link) = text(links.and_then(|links| links.get("next").copied()))? {
            return Ok(Some(Next::Link(link)));
        }
        if let Some(link) = link::next_of(headers) {
            return Ok(Some(Next::Link(link)));
        }
        if self.field("isLast") == Some(true) {
            return Ok(None);
        }
        if let Some(token) = text(self.fields.get("nextPageToken").copied())? {
            return Ok(Some(Next::Position("nextPageToken", token.into())));
        }
        self.after_jira_page()
    }

    /// `start += limit` until `isLastPage`: a page may be short where the user may not see all.
    fn after_service_desk_page(&self, is_last: bool) -> Result<Option<Next>, PaginationError> {
        if is_last {
            return Ok(None);
        }
        let start: u64 = self.field("start").unwrap_or(0);
        let limit = match self.field("limit") {
            Some(limit) => limit,
            None => self.len()?,
        };
        let next = start.saturating_add(limit);
        Ok(Some(Next::Position("start", next.into())))
    }

    /// `startAt += len(values)` until `total` is reached or a page is empty. `total` may be
    /// missing, and a page may be shorter than `maxResults` without being the last.
    fn after_jira_page(&self) -> Result<Option<Next>, PaginationError> {
        let Some(start) = self.field::<u64>("startAt") else {
            return Ok(None);
        };
        let count = self.len()?;
        let next = start.saturating_add(count);
        let total: Option<u64> = self.field("total");
        if count == 0 || total.is_some_and(|total| next >= total) {
            return Ok(None);
        }
        Ok(Some(Next::Position("startAt", next.into())))
    }

    fn len(&self) -> Result<u64, PaginationError> {
        let items = self.raw_items().ok_or(PaginationError::NoList)?;
        Ok(items.len() as u64)
    }

    fn field<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.fields.get(name)?.get()).ok()
    }
}

/// A link or cursor: absent, `null` and the empty text mean that there is none.
fn text(value: Option<&RawValue>) -> Result<Option<String>, PaginationError> {
    let Some(value) = value else { return Ok(None) };
    let text: Option<String> =
        serde_json::from_str(value.get()).map_err(|_| PaginationError::UnreadableLink)?;
    Ok(text.filter(|text| !text.is_empty()))
}

fn is_list(value: &RawValue) -> bool {
    value.get().starts_with('[')
}

fn decode<'a, T: Deserialize<'a>>(body: &'a [u8], of: &Response) -> Result<T, ProductError> {
    serde_json::from_slice(body).map_err(|error| of.undecodable(DecodeError::of::<Value>(&error)))
}
