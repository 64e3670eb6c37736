//! Batches: item by item, each with its own end.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    address::Address,
    fault::Fault,
    items::{named, shown, written},
    options::{ReadOptions, TtlOption},
    schema::Schema,
    shelf::{Change, Shelf},
};
use crate::clock::Timestamp;

/// Forge storage REST: limits.
const MAX_ITEMS: usize = 25;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Get {
    entity_name: Option<String>,
    key: Option<String>,
    #[serde(default)]
    options: ReadOptions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Set {
    entity_name: Option<String>,
    key: Option<String>,
    value: Option<Value>,
    #[serde(default)]
    options: TtlOption,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Delete {
    entity_name: Option<String>,
    key: Option<String>,
}

/// An entry of a batch: which item it means.
pub(super) trait Entry {
    fn target(&self) -> (Option<&str>, Option<&str>);
}

pub(super) fn get(shelf: &mut Shelf, schema: &Schema, batch: Vec<Get>) -> Result<Value, Fault> {
    each(batch, |entry, address| {
        schema.check_address(address)?;
        let item = shelf.read(address)?;
        Ok(shown(address, &item, &entry.options.metadata_fields))
    })
}

pub(super) fn set(
    shelf: &mut Shelf,
    schema: &Schema,
    batch: Vec<Set>,
    now: Timestamp,
) -> Result<Value, Fault> {
    each(batch, |entry, address| {
        let item = written(shelf, schema, address, entry.value, entry.options.ttl, now)?;
        shelf.apply(vec![Change::Put(address.clone(), item)])?;
        Ok(Value::Object(named(address)))
    })
}

pub(super) fn delete(
    shelf: &mut Shelf,
    schema: &Schema,
    batch: Vec<Delete>,
) -> Result<Value, Fault> {
    each(batch, |_, address| {
        schema.check_address(address)?;
        if shelf.remove(address) {
            Ok(Value::Object(named(address)))
        } else {
            Err(Fault::key_not_found())
        }
    })
}

/// `{successfulKeys, failedKeys}`. What is wrong with the batch as such fails all of it.
fn each<E: Entry>(
    batch: Vec<E>,
    mut act: impl FnMut(E, &Address) -> Result<Value, Fault>,
) -> Result<Value, Fault> {
    if !(1..=MAX_ITEMS).contains(&batch.len()) {
        return Err(Fault::bad_request("A batch has 1 to 25 items."));
    }
    let mut seen = BTreeSet::new();
    for entry in &batch {
        let (entity, key) = entry.target();
        if !seen.insert((entity.map(str::to_owned), key.map(str::to_owned))) {
            return Err(Fault::bad_request("A batch names each key once."));
        }
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in batch {
        let (entity, key) = entry.target();
        let (entity, key) = (entity.map(str::to_owned), key.map(str::to_owned));
        let done =
            Address::of(entity.as_deref(), key.clone()).and_then(|address| act(entry, &address));
        match done {
            Ok(told) => successful.push(told),
            Err(fault) => failed.push(failure(entity, key, &fault)),
        }
    }
    Ok(json!({"successfulKeys": successful, "failedKeys": failed}))
}

/// `{key, entityName?, error}` with the key as it came, good or not.
fn failure(entity: Option<String>, key: Option<String>, fault: &Fault) -> Value {
    let mut failure = Map::new();
    if let Some(entity) = entity {
        failure.insert("entityName".to_owned(), entity.into());
    }
    failure.insert("key".to_owned(), key.unwrap_or_default().into());
    failure.insert("error".to_owned(), fault.body());
    Value::Object(failure)
}

macro_rules! entries {
    ($($name:ident),*) => {$(
        impl Entry for $name {
            fn target(&self) -> (Option<&str>, Option<&str>) {
                (self.entity_name.as_deref(), self.key.as_deref())
            }
        }
    )*};
}
entries!(Get, Set, Delete);
