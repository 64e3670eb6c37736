//! The query of entities by an index.

use std::{cmp::Ordering, ops::Bound, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    address::{EntityName, Key, Space},
    condition::{Test, TestRequest, compare},
    cursor::Question,
    fault::{Code, Fault},
    filter::{Filter, FilterRequest},
    options::ReadOptions,
    query::{page_size, row},
    schema::Schema,
    shelf::{Item, Shelf, of_space},
};
use crate::manifest::{AttributeType, Entity, Index};

/// The index that every entity has.
const BY_KEY: &str = "by-key";
/// Forge storage: limits.
const MAX_RANGE_BYTES: usize = 900;
const MAX_PARTITION_BYTES: usize = 1_700;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct EntityQuery {
    entity_name: String,
    index_name: String,
    #[serde(default)]
    partition: Vec<Value>,
    range: Option<TestRequest>,
    filters: Option<FilterRequest>,
    #[serde(default)]
    sort: Sort,
    cursor: Option<String>,
    limit: Option<i64>,
    #[serde(default)]
    options: ReadOptions,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Sort {
    #[default]
    Asc,
    Desc,
}

/// A query that passed its checks.
struct Checked {
    entity: EntityName,
    /// `None`: by the key.
    index: Option<Index>,
    partition: Vec<Value>,
    range: Option<Test>,
    filter: Option<Filter>,
    sort: Sort,
    limit: usize,
}

/// An item's place in an index: the values that it is ordered by, then its key.
#[derive(Serialize, Deserialize)]
struct Place {
    range: Vec<Value>,
    key: String,
}

struct Found<'a> {
    place: Place,
    item: &'a Arc<Item>,
}

pub(super) fn query(
    shelf: &mut Shelf,
    schema: &Schema,
    request: EntityQuery,
) -> Result<Value, Fault> {
    let (cursor, options) = (
        request.cursor.clone(),
        &request.options.metadata_fields.clone(),
    );
    let checked = Checked::new(request, schema)?;
    let question = checked.question()?;
    let after: Option<Place> = match cursor {
        Some(cursor) => Some(question.position(&cursor)?),
        None => None,
    };
    let space = Space::Entity(checked.entity.clone());
    let mut found: Vec<_> = of_space(shelf.queried(), &space, Bound::Unbounded)
        .filter_map(|(key, item)| checked.find(key, item))
        .collect();
    found.sort_by(|one, other| checked.order(&one.place, &other.place));
    let start = after.map_or(0, |after| {
        found.partition_point(|found| checked.order(&found.place, &after).is_le())
    });
    let rest = &found[start..];
    let page = &rest[..rest.len().min(checked.limit)];
    let data: Vec<_> = page
        .iter()
        .map(|found| row(&found.place.key, found.item, options))
        .collect();
    let mut answer = json!({"data": data});
    if let (Some(last), true) = (page.last(), rest.len() > page.len()) {
        answer["cursor"] = question.cursor(&last.place)?.into();
    }
    Ok(answer)
}

impl Checked {
    fn new(request: EntityQuery, schema: &Schema) -> Result<Self, Fault> {
        let entity = EntityName::check(&request.entity_name)?;
        let declared = schema.entity(&entity)?;
        let index = index(declared, &request.index_name)?;
        check_partition(index.as_ref(), &request.partition)?;
        Ok(Self {
            range: range(declared, index.as_ref(), request.range)?,
            filter: request
                .filters
                .map(|filters| filters.check(declared))
                .transpose()?,
            limit: page_size(request.limit, Code::ComplexQueryPageLimitNotInRange)?,
            partition: request.partition,
            sort: request.sort,
            entity,
            index,
        })
    }

    fn question(&self) -> Result<Question, Fault> {
        let index = self.index.as_ref().map(|index| index.name.as_str());
        Question::new(&(
            self.entity.as_str(),
            index,
            &self.partition,
            &self.range,
            &self.filter,
            self.sort,
            self.limit,
        ))
    }

    /// The item's place in the index, if it is in there and in the range, and the filter lets it through.
    fn find<'a>(&self, key: &Key, item: &'a Arc<Item>) -> Option<Found<'a>> {
        let attribute = |name: &String| item.value.get(name);
        let mut range = Vec::new();
        if let Some(index) = &self.index {
            let equal = |(name, value): (&String, &Value)| {
                attribute(name).is_some_and(|own| compare(own, value) == Some(Ordering::Equal))
            };
            if !index.partition.iter().zip(&self.partition).all(equal) {
                return None;
            }
            for name in &index.range {
                range.push(attribute(name)?.clone());
            }
        }
        let key = key.as_str().to_owned();
        if let Some(test) = &self.range {
            let by_key = Value::from(key.as_str());
            let value = if self.index.is_some() {
                range.first()
            } else {
                Some(&by_key)
            };
            if !test.holds(value) {
                return None;
            }
        }
        let passes = self
            .filter
            .as_ref()
            .is_none_or(|filter| filter.admits(Some(&item.value)));
        passes.then_some(Found {
            place: Place { range, key },
            item,
        })
    }

    fn order(&self, one: &Place, other: &Place) -> Ordering {
        let by_range = one.range.iter().zip(&other.range);
        let order = by_range
            .map(|(one, other)| compare(one, other).unwrap_or(Ordering::Equal))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| one.key.cmp(&other.key));
        match self.sort {
            Sort::Asc => order,
            Sort::Desc => order.reverse(),
        }
    }
}

/// The index of that name; `None` is the one by the key.
fn index(declared: Option<&Entity>, name: &str) -> Result<Option<Index>, Fault> {
    if name == BY_KEY {
        return Ok(None);
    }
    let index = declared.and_then(|entity| entity.index(name));
    index.map(Some).ok_or_else(|| {
        let message =
            "The manifest declares no index of that name for the entity; `by-key` is always there.";
        Fault::new(Code::InvalidEntityIndex, message)
    })
}

fn check_partition(index: Option<&Index>, values: &[Value]) -> Result<(), Fault> {
    let expected = index.map_or(0, |index| index.partition.len());
    if values.len() != expected {
        let message = format!("That index takes {expected} partition values.");
        return Err(Fault::new(Code::InvalidEntityIndex, message));
    }
    let scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    if !values.iter().all(scalar) {
        return Err(Fault::bad_request(
            "A partition value is a text, a number or a boolean.",
        ));
    }
    if values.iter().map(length).sum::<usize>() > MAX_PARTITION_BYTES {
        return Err(Fault::bad_request(
            "Partition values have at most 1,700 bytes together.",
        ));
    }
    Ok(())
}

fn range(
    declared: Option<&Entity>,
    index: Option<&Index>,
    request: Option<TestRequest>,
) -> Result<Option<Test>, Fault> {
    let Some(request) = request else {
        return Ok(None);
    };
    let kind = match index {
        None => Some(AttributeType::String),
        Some(index) => {
            let first = index
                .range
                .first()
                .ok_or_else(|| Fault::new(Code::InvalidEntityIndex, "That index has no range."))?;
            let attribute = declared.and_then(|entity| entity.attributes.get(first));
            attribute.map(|attribute| attribute.kind)
        }
    };
    if request
        .values
        .iter()
        .any(|value| length(value) > MAX_RANGE_BYTES)
    {
        return Err(Fault::bad_request("A range value has at most 900 bytes."));
    }
    request.check_range(kind).map(Some)
}

fn length(value: &Value) -> usize {
    value.as_str().map_or(8, str::len)
}
