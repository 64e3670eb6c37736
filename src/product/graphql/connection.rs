//! Connections: `edges` or `nodes`, and a cursor to the next page.

use futures_util::stream;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Prepared, answer};
use crate::product::{
    DecodeError, Listing, PaginationError, ProductError, Response, listing::flat, pagination::Seen,
};

/// Fetches one page of a connection after the other.
struct Pages {
    next: Result<Option<Prepared>, ProductError>,
    connection: String,
    seen: Seen,
}

pub(super) fn pages<T: DeserializeOwned + Send + 'static>(
    first: Result<Prepared, ProductError>,
    connection: &str,
    max_pages: usize,
) -> Listing<T> {
    let pages = Pages::new(first, connection, max_pages);
    Listing::new(stream::try_unfold(pages, async |mut pages: Pages| {
        let Some((response, _)) = pages.turn().await? else {
            return Ok(None);
        };
        Ok(Some((answer::data(&response)?, pages)))
    }))
}

pub(super) fn items<T: DeserializeOwned + Send + 'static>(
    first: Result<Prepared, ProductError>,
    connection: &str,
    max_pages: usize,
) -> Listing<T> {
    let pages = Pages::new(first, connection, max_pages);
    Listing::new(flat(stream::try_unfold(pages, async |mut pages: Pages| {
        let Some((response, connection)) = pages.turn().await? else {
            return Ok(None);
        };
        Ok(Some((nodes(&response, connection)?, pages)))
    })))
}

impl Pages {
    fn new(first: Result<Prepared, ProductError>, connection: &str, max_pages: usize) -> Self {
        Self {
            next: first.map(Some),
            connection: connection.to_owned(),
            seen: Seen::new(max_pages),
        }
    }

    /// The next page and the connection in it; none after the last.
    async fn turn(&mut self) -> Result<Option<(Response, Value)>, ProductError> {
        let Some(query) = std::mem::replace(&mut self.next, Ok(None))? else {
            return Ok(None);
        };
        let outgoing = query.outgoing()?;
        let failed = |source| {
            let call = outgoing.call.clone();
            ProductError::Pagination { call, source }
        };
        self.seen
            .admit(&query.variables.get("after").and_then(Value::as_str))
            .map_err(failed)?;
        let response = outgoing.send().await?;
        let mut data: Value = answer::data(&response)?;
        let connection = data
            .pointer_mut(&self.connection)
            .map(Value::take)
            .filter(Value::is_object)
            .ok_or_else(|| failed(PaginationError::NoList))?;
        self.next = following(query, &connection).map_err(failed);
        Ok(Some((response, connection)))
    }
}

fn following(mut query: Prepared, connection: &Value) -> Result<Option<Prepared>, PaginationError> {
    let info = &connection["pageInfo"];
    match info["hasNextPage"].as_bool() {
        Some(false) => return Ok(None),
        Some(true) => {}
        // Without it, a list would end early and nobody would know.
        None => return Err(PaginationError::NoPageInfo),
    }
    let cursor = info["endCursor"]
        .as_str()
        .ok_or(PaginationError::NoPageInfo)?;
    query.variables.insert("after".to_owned(), cursor.into());
    Ok(Some(query))
}

fn nodes<T: DeserializeOwned>(
    response: &Response,
    mut connection: Value,
) -> Result<Vec<T>, ProductError> {
    let list = |value: Value| match value {
        Value::Array(list) => Some(list),
        _ => None,
    };
    let nodes = match list(connection["edges"].take()) {
        Some(edges) => edges
            .into_iter()
            .map(|mut edge| edge.get_mut("node").map(Value::take).unwrap_or_default())
            .collect(),
        None => list(connection["nodes"].take()).ok_or_else(|| ProductError::Pagination {
            call: response.call.clone(),
            source: PaginationError::NoList,
        })?,
    };
    nodes
        .into_iter()
        .map(|node| {
            serde_json::from_value(node)
                .map_err(|error| response.undecodable(DecodeError::of::<T>(&error)))
        })
        .collect()
}
