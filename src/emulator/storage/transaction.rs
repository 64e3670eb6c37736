//! Transactions: several writes that happen together or not at all.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{
    address::Address,
    fault::{Code, Fault},
    filter::{Filter, FilterRequest},
    items::written,
    options::TtlOption,
    schema::Schema,
    shelf::{Change, Shelf},
};
use crate::clock::Timestamp;

/// Forge storage REST: limits.
const MAX_OPERATIONS: usize = 25;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transaction {
    #[serde(default)]
    set: Vec<Set>,
    #[serde(default)]
    delete: Vec<Delete>,
    #[serde(default)]
    check: Vec<Delete>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Set {
    entity_name: Option<String>,
    key: Option<String>,
    value: Option<Value>,
    conditions: Option<FilterRequest>,
    #[serde(default)]
    options: TtlOption,
}

/// A delete, or a check, which has the same fields and needs all of them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Delete {
    entity_name: Option<String>,
    key: Option<String>,
    conditions: Option<FilterRequest>,
}

pub(super) fn run(
    shelf: &mut Shelf,
    schema: &Schema,
    transaction: Transaction,
    now: Timestamp,
) -> Result<(), Fault> {
    let Transaction { set, delete, check } = transaction;
    let count = set.len() + delete.len() + check.len();
    if !(1..=MAX_OPERATIONS).contains(&count) {
        return Err(Fault::bad_request("A transaction has 1 to 25 operations."));
    }
    let mut conditions = Conditions {
        schema,
        seen: BTreeSet::new(),
        rest: Vec::new(),
    };
    let mut changes = Vec::with_capacity(count);
    for set in set {
        let address = Address::of(set.entity_name.as_deref(), set.key)?;
        conditions.add(&address, set.conditions)?;
        let item = written(shelf, schema, &address, set.value, set.options.ttl, now)?;
        changes.push(Change::Put(address, item));
    }
    for delete in delete {
        let address = Address::of(delete.entity_name.as_deref(), delete.key)?;
        conditions.add(&address, delete.conditions)?;
        changes.push(Change::Remove(address));
    }
    for check in check {
        if check.entity_name.is_none() || check.conditions.is_none() {
            return Err(Fault::bad_request(
                "A check has an `entityName` and `conditions`.",
            ));
        }
        let address = Address::of(check.entity_name.as_deref(), check.key)?;
        conditions.add(&address, check.conditions)?;
    }
    conditions.must_hold(shelf)?;
    shelf.apply(changes).map_err(in_its_words)
}

/// A transaction that is held back has a code of its own.
fn in_its_words(mut fault: Fault) -> Fault {
    if fault.code == Code::RateLimitExceeded {
        fault.code = Code::TooManyRequests;
    }
    fault
}

/// The conditions of all operations, whose addresses all differ.
struct Conditions<'a> {
    schema: &'a Schema,
    seen: BTreeSet<Address>,
    rest: Vec<(Address, Filter)>,
}

impl Conditions<'_> {
    fn add(&mut self, address: &Address, conditions: Option<FilterRequest>) -> Result<(), Fault> {
        self.schema.check_address(address)?;
        if !self.seen.insert(address.clone()) {
            return Err(Fault::bad_request("A transaction names each key once."));
        }
        let Some(conditions) = conditions else {
            return Ok(());
        };
        let Some(entity) = address.entity() else {
            return Err(Fault::bad_request(
                "Conditions look at attributes: they go with an `entityName` only.",
            ));
        };
        let filter = conditions.check(self.schema.entity(entity)?)?;
        self.rest.push((address.clone(), filter));
        Ok(())
    }

    fn must_hold(self, before: &Shelf) -> Result<(), Fault> {
        let holds = |(address, filter): &(Address, Filter)| {
            filter.admits(before.get(address).map(|item| &item.value))
        };
        if self.rest.iter().all(holds) {
            Ok(())
        } else {
            let message = "A condition of the transaction does not hold: nothing was written.";
            Err(Fault::new(Code::ConditionNotMet, message))
        }
    }
}
