//! The engine by itself: operations in, outcomes out.

mod batches;
mod bounds;
mod entities;
mod items;
mod queries;

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    engine::{Limits, Outcome, Storage},
    operation::Operation,
};
use crate::{
    clock::{Clock, Timestamp},
    ids::InstallationId,
    manifest::Entity,
};

const START: i64 = 1_785_312_000;

/// A storage with one installation that speaks to it.
struct Kvs {
    storage: Storage,
    clock: Clock,
}

impl Kvs {
    /// Without declared entities.
    fn new() -> Self {
        Self::with(vec![], |_| {})
    }

    fn with(entities: Vec<Entity>, change: impl FnOnce(&mut Limits)) -> Self {
        let clock = Clock::manual(Timestamp::from_unix(START));
        let mut limits = Limits {
            requests_per_second: u32::MAX,
            query_delay: Duration::ZERO,
        };
        change(&mut limits);
        Self {
            storage: Storage::new(entities, limits, clock.clone()),
            clock,
        }
    }

    /// The answer, null if there is none; or status and code of the refusal.
    fn ask(&self, path: &str, request: Value) -> Result<Value, (u16, &'static str)> {
        self.ask_for(installation(1), path, request)
    }

    fn ask_for(
        &self,
        installation: InstallationId,
        path: &str,
        request: Value,
    ) -> Result<Value, (u16, &'static str)> {
        let operation = Operation::ALL
            .into_iter()
            .find(|(known, _)| known.strip_prefix("/v1/") == Some(path))
            .unwrap()
            .1;
        match self.storage.run(installation, operation, request) {
            Ok(Outcome::Done) => Ok(Value::Null),
            Ok(Outcome::Told(value)) => Ok(value),
            Err(fault) => Err((fault.code.status().as_u16(), fault.code.as_str())),
        }
    }

    fn set(&self, key: &str, value: Value) {
        let mut request = json!({"key": key});
        request["value"] = value;
        let done = self.ask("set", request);
        assert_eq!(done, Ok(Value::Null), "{key}");
    }

    /// The value at that key, null if there is none.
    fn value(&self, key: &str) -> Value {
        match self.ask("get", json!({"key": key})) {
            Ok(mut item) => item["value"].take(),
            Err(refused) => {
                assert_eq!(refused, (404, "KEY_NOT_FOUND"));
                Value::Null
            }
        }
    }
}

fn installation(number: u128) -> InstallationId {
    Uuid::from_u128(number).into()
}

fn keys(page: &Value) -> Vec<&str> {
    let rows = page["data"].as_array().unwrap();
    rows.iter()
        .map(|row| row["key"].as_str().unwrap())
        .collect()
}
