//! What the storage does, without HTTP: an operation and its JSON in, an outcome out.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    batch, entity_query,
    fault::{Code, Fault},
    items,
    operation::Operation,
    query,
    schema::Schema,
    shelf::Shelf,
    snapshot::StoredItem,
    transaction,
};
use crate::manifest::Entity;
use crate::{
    clock::{Clock, Timestamp},
    emulator::meter::Meter,
    ids::InstallationId,
};

/// Longest part of the reader's words that is passed on.
const MAX_REASON: usize = 200;
const SECOND: Duration = Duration::from_secs(1);

/// The stored data of all installations.
pub(in crate::emulator) struct Storage {
    installations: Mutex<HashMap<InstallationId, Held>>,
    schema: Schema,
    limits: Limits,
    clock: Clock,
}

/// How the storage behaves towards an installation.
#[derive(Debug, Clone, Copy)]
pub(in crate::emulator) struct Limits {
    /// Requests in a second; more are refused with 429.
    pub(in crate::emulator) requests_per_second: u32,
    /// How long queries do not see a write.
    pub(in crate::emulator) query_delay: Duration,
}

struct Held {
    shelf: Shelf,
    meter: Meter,
}

/// The end of an operation that was not refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// There is nothing to tell.
    Done,
    Told(Value),
}

impl Storage {
    pub(in crate::emulator) fn new(entities: Vec<Entity>, limits: Limits, clock: Clock) -> Self {
        Self {
            installations: Mutex::default(),
            schema: Schema::new(entities),
            limits,
            clock,
        }
    }

    /// Runs one operation for an installation.
    pub(super) fn run(
        &self,
        installation: InstallationId,
        operation: Operation,
        request: Value,
    ) -> Result<Outcome, Fault> {
        let now = self.clock.now();
        let mut installations = self.installations();
        let held = installations.entry(installation).or_insert_with(|| Held {
            shelf: Shelf::new(self.limits.query_delay),
            meter: Meter::new(SECOND),
        });
        let most = usize::try_from(self.limits.requests_per_second).unwrap_or(usize::MAX);
        if !held.meter.admit(1, most) {
            return Err(too_many(operation));
        }
        held.shelf.sweep(now);
        act(&mut held.shelf, &self.schema, operation, request, now)
    }

    /// Deletes all that an installation has stored: it was uninstalled.
    pub(in crate::emulator) fn forget(&self, installation: InstallationId) {
        self.installations().remove(&installation);
    }

    /// What an installation has stored, in the order of namespaces and keys.
    pub(in crate::emulator) fn snapshot(&self, installation: InstallationId) -> Vec<StoredItem> {
        self.page(installation, "", 0, usize::MAX).1
    }

    /// How many items have a key with that beginning, and some of them, in the same order.
    pub(in crate::emulator) fn page(
        &self,
        installation: InstallationId,
        prefix: &str,
        skip: usize,
        take: usize,
    ) -> (usize, Vec<StoredItem>) {
        let mut installations = self.installations();
        let Some(held) = installations.get_mut(&installation) else {
            return (0, Vec::new());
        };
        held.shelf.sweep(self.clock.now());
        let items = held.shelf.items().iter();
        let matching = items.filter(|(address, _)| address.key.as_str().starts_with(prefix));
        let page = matching.clone().skip(skip).take(take);
        let page = page.map(|(address, item)| StoredItem::of(address, item));
        (matching.clone().count(), page.collect())
    }

    fn installations(&self) -> MutexGuard<'_, HashMap<InstallationId, Held>> {
        self.installations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Storage {
    /// What is stored is the app's own: it is in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage")
            .field("schema", &self.schema)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn act(
    shelf: &mut Shelf,
    schema: &Schema,
    operation: Operation,
    request: Value,
    now: Timestamp,
) -> Result<Outcome, Fault> {
    Ok(match operation {
        Operation::Get(family) => Outcome::Told(items::get(shelf, schema, family, read(request)?)?),
        Operation::Set(family) => items::set(shelf, schema, family, read(request)?, now)?
            .map_or(Outcome::Done, Outcome::Told),
        Operation::Delete(family) => {
            items::delete(shelf, schema, family, read(request)?)?;
            Outcome::Done
        }
        Operation::Query => Outcome::Told(query::query(shelf, &read(request)?)?),
        Operation::EntityQuery => {
            Outcome::Told(entity_query::query(shelf, schema, read(request)?)?)
        }
        Operation::Transaction => {
            transaction::run(shelf, schema, read(request)?, now)?;
            Outcome::Done
        }
        Operation::BatchGet => Outcome::Told(batch::get(shelf, schema, read(request)?)?),
        Operation::BatchSet => Outcome::Told(batch::set(shelf, schema, read(request)?, now)?),
        Operation::BatchDelete => Outcome::Told(batch::delete(shelf, schema, read(request)?)?),
    })
}

/// A field that the operation does not have is refused: it is a typo, and on the platform it does nothing.
fn read<T: DeserializeOwned>(request: Value) -> Result<T, Fault> {
    serde_json::from_value(request).map_err(|error| {
        // The reader's words may hold a value that stood in the wrong place, or a long name.
        let mut reason = error.to_string();
        if reason.starts_with("invalid") {
            "a field is of the wrong type".clone_into(&mut reason);
        }
        let reason: String = reason.chars().take(MAX_REASON).collect();
        Fault::bad_request(format!(
            "The body is not what the operation takes: {reason}."
        ))
    })
}

pub(super) fn too_many(operation: Operation) -> Fault {
    let code = match operation {
        Operation::Transaction => Code::TooManyRequests,
        _ => Code::RateLimitExceeded,
    };
    Fault::new(
        code,
        "More requests in a second than an installation may make.",
    )
}
