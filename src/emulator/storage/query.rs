//! The query by the beginning of the key. Secrets and entities are not among what it finds.

use std::ops::Bound;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    address::Space,
    cursor::Question,
    fault::{Code, Fault},
    options::{Field, ReadOptions, describe},
    shelf::{Item, Shelf, of_space},
};

const DEFAULT_LIMIT: usize = 10;
/// Another page of the documentation says 20.
const MAX_LIMIT: i64 = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    limit: Option<i64>,
    after: Option<String>,
    #[serde(default, rename = "where")]
    conditions: Vec<Where>,
    #[serde(default)]
    options: ReadOptions,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Where {
    property: String,
    condition: String,
    #[serde(default)]
    values: Vec<Value>,
}

pub(super) fn query(shelf: &mut Shelf, query: &Query) -> Result<Value, Fault> {
    let limit = page_size(query.limit, Code::ListQueryLimitExceeded)?;
    let prefix = prefix(&query.conditions)?;
    let question = Question::new(&("keys", prefix, limit))?;
    let after: Option<String> = match &query.after {
        Some(cursor) => Some(question.position(cursor)?),
        None => None,
    };
    let from = after
        .as_deref()
        .map_or(Bound::Included(prefix), Bound::Excluded);
    let mut found = of_space(shelf.queried(), &Space::Plain, from)
        .take_while(|(key, _)| key.as_str().starts_with(prefix))
        .peekable();
    let mut data = Vec::new();
    let mut last = None;
    for (key, item) in found.by_ref().take(limit) {
        data.push(row(key.as_str(), item, &query.options.metadata_fields));
        last = Some(key);
    }
    let mut page = json!({"data": data});
    if let (Some(last), Some(_)) = (last, found.peek()) {
        page["cursor"] = question.cursor(&last.as_str())?.into();
    }
    Ok(page)
}

/// How many items a page has. Too many has a code of its own for each kind of query.
pub(super) fn page_size(limit: Option<i64>, too_many: Code) -> Result<usize, Fault> {
    let Some(limit) = limit else {
        return Ok(DEFAULT_LIMIT);
    };
    let message = "A page has 1 to 100 items.";
    match usize::try_from(limit) {
        Ok(size) if (1..=MAX_LIMIT).contains(&limit) => Ok(size),
        _ if limit > MAX_LIMIT || too_many == Code::ComplexQueryPageLimitNotInRange => {
            Err(Fault::new(too_many, message))
        }
        _ => Err(Fault::bad_request(message)),
    }
}

/// `{key, value, …}` with the metadata that was asked for.
pub(super) fn row(key: &str, item: &Item, fields: &[Field]) -> Value {
    let mut row = Map::new();
    row.insert("key".to_owned(), key.into());
    row.insert("value".to_owned(), item.value.clone());
    describe(item, fields, &mut row);
    Value::Object(row)
}

fn prefix(conditions: &[Where]) -> Result<&str, Fault> {
    let invalid = |message| Err(Fault::new(Code::QueryWhereInvalid, message));
    match conditions {
        [] => Ok(""),
        [only] if only.property != "key" => Err(Fault::new(
            Code::QueryWhereFieldInvalid,
            "`where` looks at the property `key` only.",
        )),
        [only] if only.condition != "BEGINS_WITH" => {
            invalid("`where` has the condition `BEGINS_WITH` only.")
        }
        [only] => match only.values.as_slice() {
            [Value::String(prefix)] => Ok(prefix),
            _ => invalid("`where` has one value, a text."),
        },
        _ => invalid("`where` has at most one condition."),
    }
}
