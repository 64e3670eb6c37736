//! Forge storage, as far as a remote needs it to do its work: one shelf for each installation.
//!
//! It is no judge of requests, for no rule asks about them: what it does not understand it
//! refuses with the platform's code, and queries of entities are answered without an index.

use std::collections::BTreeMap;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{lock, tenant::Tenant};

/// Items that an installation may have here.
const MOST_ITEMS: usize = 50_000;

/// The items of one installation: by kind (plain, secret, or an entity's name) and key.
#[derive(Default)]
pub(crate) struct Shelf(BTreeMap<(String, String), Item>);

struct Item {
    value: Value,
    created: i64,
    updated: i64,
}

const PLAIN: &str = "";
const SECRET: &str = "\0secret";

type Refused = (StatusCode, &'static str);

const NO_KEY: Refused = (StatusCode::NOT_FOUND, "KEY_NOT_FOUND");
const BAD: Refused = (StatusCode::BAD_REQUEST, "BAD_REQUEST");
const EXISTS: Refused = (StatusCode::CONFLICT, "KEY_ALREADY_EXISTS");

/// What an operation gives: a body, or nothing to say.
type Done = Result<Option<Value>, Refused>;

impl Shelf {
    fn get(&self, kind: &str, body: &Value) -> Done {
        let key = text(body, "key")?;
        let item = self.0.get(&(kind.to_owned(), key.clone())).ok_or(NO_KEY)?;
        let mut face = face(&key, item, &body["options"]["metadataFields"]);
        if !kind.is_empty() && kind != SECRET {
            face.insert("entityName".to_owned(), json!(kind));
        }
        Ok(Some(Value::Object(face)))
    }

    fn set(&mut self, kind: &str, body: &Value, now: i64) -> Done {
        let key = text(body, "key")?;
        let value = body
            .get("value")
            .filter(|value| !value.is_null())
            .ok_or(BAD)?;
        let place = (kind.to_owned(), key.clone());
        let options = &body["options"];
        let before = self.0.get(&place);
        if options["keyPolicy"] == "FAIL_IF_EXISTS" && before.is_some() {
            return Err(EXISTS);
        }
        if before.is_none() && self.0.len() >= MOST_ITEMS {
            return Err((StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED"));
        }
        let fields = &options["returnMetadataFields"];
        let previous = before.map(|item| Value::Object(face(&key, item, fields)));
        let created = before.map_or(now, |item| item.created);
        let item = Item {
            value: value.clone(),
            created,
            updated: now,
        };
        let latest = Value::Object(face(&key, &item, fields));
        self.0.insert(place, item);
        Ok(match options["returnValue"].as_str() {
            Some("PREVIOUS") => previous,
            Some(_) => Some(latest),
            None => None,
        })
    }

    fn delete(&mut self, kind: &str, body: &Value) -> Done {
        self.0.remove(&(kind.to_owned(), text(body, "key")?));
        Ok(None)
    }

    fn query(&self, kind: &str, body: &Value) -> Value {
        let limit = body["limit"].as_u64().unwrap_or(10).clamp(1, 100);
        let limit = usize::try_from(limit).unwrap_or(100);
        let after = ["after", "cursor"]
            .iter()
            .find_map(|name| body[*name].as_str());
        let prefix = body["where"][0]["values"][0].as_str().unwrap_or_default();
        let filters = &body["filters"];
        let wanted = |key: &str, item: &Item| {
            key.starts_with(prefix)
                && after.is_none_or(|after| key > after)
                && passes(&item.value, filters)
        };
        let items = self
            .0
            .iter()
            .filter(|((of, key), item)| of == kind && wanted(key, item));
        let found: Vec<_> = items.take(limit + 1).collect();
        let fields = &body["options"]["metadataFields"];
        let data: Vec<_> = found
            .iter()
            .take(limit)
            .map(|((_, key), item)| Value::Object(face(key, item, fields)))
            .collect();
        let mut answer = json!({"data": data});
        if found.len() > limit {
            answer["cursor"] = json!(found.get(limit - 1).map(|((_, key), _)| key));
        }
        answer
    }

    fn transaction(&mut self, body: &Value, now: i64) -> Done {
        let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
        let (sets, deletes, checks) = (list("set"), list("delete"), list("check"));
        for item in sets.iter().chain(&deletes).chain(&checks) {
            let value = self
                .0
                .get(&(entity(item), text(item, "key")?))
                .map(|item| &item.value);
            if !passes(value.unwrap_or(&Value::Null), &item["conditions"]) {
                return Err((StatusCode::BAD_REQUEST, "TRANSACTION_CONDITION_FAILED"));
            }
        }
        for item in &sets {
            self.set(&entity(item), item, now)?;
        }
        for item in &deletes {
            self.delete(&entity(item), item)?;
        }
        Ok(None)
    }

    fn batch(&mut self, body: &Value, act: impl Fn(&mut Self, &str, &Value) -> Done) -> Done {
        let items = body
            .as_array()
            .filter(|items| (1..=25).contains(&items.len()))
            .ok_or(BAD)?;
        let (mut good, mut failed) = (Vec::new(), Vec::new());
        for item in items {
            let key = text(item, "key")?;
            let kind = entity(item);
            let mut named = Map::from_iter([("key".to_owned(), json!(key))]);
            if !kind.is_empty() {
                named.insert("entityName".to_owned(), json!(kind));
            }
            match act(self, &kind, item) {
                Ok(Some(Value::Object(face))) => {
                    named.extend(face);
                    good.push(Value::Object(named));
                }
                Ok(_) => good.push(Value::Object(named)),
                Err((_, code)) => {
                    named.insert("error".to_owned(), json!({"code": code, "message": code}));
                    failed.push(Value::Object(named));
                }
            }
        }
        Ok(Some(json!({"successfulKeys": good, "failedKeys": failed})))
    }
}

/// Answers `POST /forge/storage/kvs/v1/…`.
pub(super) fn answer(tenant: &Tenant, operation: &str, body: &Value, now: i64) -> Response {
    let mut shelf = lock(tenant.shelf());
    let named = entity(body);
    let done = match operation {
        "get" => shelf.get(PLAIN, body),
        "set" => shelf.set(PLAIN, body, now),
        "delete" => shelf.delete(PLAIN, body),
        "query" => Ok(Some(shelf.query(PLAIN, body))),
        "secret/get" => shelf.get(SECRET, body),
        "secret/set" => shelf.set(SECRET, body, now),
        "secret/delete" => shelf.delete(SECRET, body),
        "entity/get" => shelf.get(&named, body),
        "entity/set" => shelf.set(&named, body, now),
        "entity/delete" => shelf.delete(&named, body),
        "entity/query" => Ok(Some(shelf.query(&named, body))),
        "transaction" => shelf.transaction(body, now),
        "batch/get" => shelf.batch(body, |shelf, kind, item| Shelf::get(shelf, kind, item)),
        "batch/set" => shelf.batch(body, |shelf, kind, item| shelf.set(kind, item, now)),
        "batch/delete" => shelf.batch(body, Shelf::delete),
        _ => Err((StatusCode::NOT_FOUND, "NOT_FOUND")),
    };
    drop(shelf);
    match done {
        Ok(Some(body)) => Json(body).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err((status, code)) => {
            (status, Json(json!({"code": code, "message": code}))).into_response()
        }
    }
}

fn text(body: &Value, name: &str) -> Result<String, Refused> {
    let text = body[name].as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .ok_or((StatusCode::BAD_REQUEST, "INVALID_KEY"))
}

fn entity(body: &Value) -> String {
    body["entityName"].as_str().unwrap_or(PLAIN).to_owned()
}

fn face(key: &str, item: &Item, fields: &Value) -> Map<String, Value> {
    let mut face = Map::new();
    face.insert("key".to_owned(), json!(key));
    face.insert("value".to_owned(), item.value.clone());
    for field in fields
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        match field {
            "CREATED_AT" => face.insert("createdAt".to_owned(), json!(item.created)),
            "UPDATED_AT" => face.insert("updatedAt".to_owned(), json!(item.updated)),
            _ => None,
        };
    }
    face
}

/// Whether a value passes `{and: […]}`, `{or: […]}`, or the absence of both.
fn passes(value: &Value, filters: &Value) -> bool {
    if let Some(all) = filters["and"].as_array() {
        return all.iter().all(|filter| holds(value, filter));
    }
    if let Some(any) = filters["or"].as_array() {
        return any.iter().any(|filter| holds(value, filter));
    }
    true
}

fn holds(value: &Value, filter: &Value) -> bool {
    let found = &value[filter["property"].as_str().unwrap_or_default()];
    let wanted = &filter["values"][0];
    match filter["condition"].as_str().unwrap_or_default() {
        "EQUAL_TO" => found == wanted,
        "NOT_EQUAL_TO" => found != wanted,
        "EXISTS" => !found.is_null(),
        "NOT_EXISTS" => found.is_null(),
        "BEGINS_WITH" => match (found.as_str(), wanted.as_str()) {
            (Some(found), Some(wanted)) => found.starts_with(wanted),
            _ => false,
        },
        "GREATER_THAN" => found.as_f64() > wanted.as_f64(),
        "LESS_THAN" => found.as_f64() < wanted.as_f64(),
        _ => true,
    }
}
