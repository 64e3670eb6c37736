//! Get, set and delete of one item, whatever its namespace.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    address::{Address, Space},
    fault::{Code, Fault},
    options::{Field, KeyPolicy, ReadOptions, ReturnValue, Ttl, WriteOptions, describe},
    schema::Schema,
    shelf::{Change, Item, Shelf},
    value::Storable,
};
use crate::clock::Timestamp;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Get {
    entity_name: Option<String>,
    key: Option<String>,
    #[serde(default)]
    options: ReadOptions,
}

/// Not `Debug`: the value may be a secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Set {
    entity_name: Option<String>,
    key: Option<String>,
    value: Option<Value>,
    #[serde(default)]
    options: WriteOptions,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Delete {
    entity_name: Option<String>,
    key: Option<String>,
}

/// Which family of paths a request came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `/v1/get`
    Plain,
    /// `/v1/secret/get`
    Secret,
    /// `/v1/entity/get`
    Entity,
}

impl Family {
    /// The address that a request of this family means. Only entities have an `entityName`, and all of them.
    fn address(self, entity: Option<&str>, key: Option<String>) -> Result<Address, Fault> {
        match (self, entity) {
            (Self::Plain, None) => Address::of(None, key),
            (Self::Secret, None) => Address::secret(key),
            (Self::Entity, Some(name)) => Address::of(Some(name), key),
            (Self::Entity, None) => Err(Fault::bad_request("The request names no `entityName`.")),
            (Self::Plain | Self::Secret, Some(_)) => Err(Fault::bad_request(
                "An `entityName` goes with the paths under /v1/entity.",
            )),
        }
    }
}

pub(super) fn get(
    shelf: &mut Shelf,
    schema: &Schema,
    family: Family,
    request: Get,
) -> Result<Value, Fault> {
    let address = family.address(request.entity_name.as_deref(), request.key)?;
    schema.check_address(&address)?;
    let item = shelf.read(&address)?;
    Ok(shown(&address, &item, &request.options.metadata_fields))
}

/// What is told back of a set: nothing unless it was asked for.
pub(super) fn set(
    shelf: &mut Shelf,
    schema: &Schema,
    family: Family,
    request: Set,
    now: Timestamp,
) -> Result<Option<Value>, Fault> {
    let address = family.address(request.entity_name.as_deref(), request.key)?;
    let options = request.options;
    options.check()?;
    let item = written(shelf, schema, &address, request.value, options.ttl, now)?;
    let previous = shelf.get(&address).cloned();
    if options.key_policy == KeyPolicy::FailIfExists && previous.is_some() {
        let message = "There is an item with that key already.";
        return Err(Fault::new(Code::KeyAlreadyExists, message));
    }
    let fields = &options.return_metadata_fields;
    let told = match options.return_value {
        None => None,
        Some(ReturnValue::Previous) => previous.map(|item| shown(&address, &item, fields)),
        Some(ReturnValue::Latest) => Some(shown(&address, &item, fields)),
    };
    shelf.apply(vec![Change::Put(address, item)])?;
    Ok(told)
}

pub(super) fn delete(
    shelf: &mut Shelf,
    schema: &Schema,
    family: Family,
    request: Delete,
) -> Result<(), Fault> {
    let address = family.address(request.entity_name.as_deref(), request.key)?;
    schema.check_address(&address)?;
    if shelf.remove(&address) {
        Ok(())
    } else {
        Err(Fault::key_not_found())
    }
}

/// The item that a write would leave there. An item keeps its birthday, and its end only if
/// the write gives one again.
pub(super) fn written(
    shelf: &Shelf,
    schema: &Schema,
    address: &Address,
    value: Option<Value>,
    ttl: Option<Ttl>,
    now: Timestamp,
) -> Result<Item, Fault> {
    let Storable { value, bytes } = match address.space {
        Space::Secret => Storable::secret(value)?,
        Space::Plain | Space::Entity(_) => Storable::value(value)?,
    };
    schema.check_value(address, &value)?;
    Ok(Item {
        value,
        bytes,
        created: shelf.get(address).map_or(now, |item| item.created),
        updated: now,
        expires: Ttl::end(ttl, now)?,
    })
}

/// `{entityName?, key, value, …}` with the metadata that was asked for.
pub(super) fn shown(address: &Address, item: &Item, fields: &[Field]) -> Value {
    let mut shown = named(address);
    shown.insert("value".to_owned(), item.value.clone());
    describe(item, fields, &mut shown);
    Value::Object(shown)
}

/// `{entityName?, key}`
pub(super) fn named(address: &Address) -> Map<String, Value> {
    let mut named = Map::new();
    if let Some(entity) = address.entity() {
        named.insert("entityName".to_owned(), entity.as_str().into());
    }
    named.insert("key".to_owned(), address.key.as_str().into());
    named
}
