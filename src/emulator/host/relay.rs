//! What the bridge gets for an `invokeRemote`, in the shape that `@forge/bridge` unpacks.

use std::collections::BTreeMap;

use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::{
    journal::Settlement,
    platform::{Invoke, Received, Relayed},
};

/// The payload of the bridge's `invoke`, as `@forge/bridge` makes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call {
    /// `ui-remote-fetch` or `ui-container-fetch`; none calls a function.
    #[serde(default)]
    invoke_type: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    body: Option<Value>,
}

const FUNCTION: &str = "`invoke` calls a Forge function, and the emulator plays remotes only: call the remote with `invokeRemote`";
const CONTAINER: &str = "`invokeService` calls a container, and the emulator plays remotes only: call them with `invokeRemote`";
const METHOD: &str = "`invokeRemote` takes a `method`: GET, POST, PUT, PATCH or DELETE";
const PATH: &str = "`invokeRemote` takes a `path` that starts with `/`";

impl Call {
    /// As the platform takes it, on behalf of that user.
    pub(super) fn into_invoke(self, user: &str, module_key: &str) -> Result<Invoke, &'static str> {
        match self.invoke_type.as_deref() {
            Some("ui-remote-fetch") => {}
            None => return Err(FUNCTION),
            Some(_) => return Err(CONTAINER),
        }
        let method = self.method.ok_or(METHOD)?;
        Ok(Invoke {
            user: user.to_owned(),
            module_key: module_key.to_owned(),
            method: method
                .to_ascii_uppercase()
                .parse::<Method>()
                .map_err(|_| METHOD)?,
            path: self.path.ok_or(PATH)?,
            headers: self.headers.into_iter().filter_map(header).collect(),
            body: self.body.filter(|body| !body.is_null()),
        })
    }
}

fn header((name, value): (String, Value)) -> Option<(String, String)> {
    match value {
        Value::String(text) => Some((name, text)),
        Value::Number(number) => Some((name, number.to_string())),
        _ => None,
    }
}

/// `{"success", "payload" | "error"}` where the promise resolves, else `{"rejects"}`; and
/// the number of the journal's entry.
pub(super) fn answer(relayed: &Relayed) -> Value {
    let id = relayed.invocation.id;
    match (&relayed.invocation.settlement, &relayed.received) {
        (
            Settlement::Resolved { .. },
            Some(Received::Whole {
                status,
                headers,
                body,
            }),
        ) => resolved(id, *status, headers, body),
        (Settlement::Rejected { message }, _) => json!({"rejects": message, "invocation": id}),
        // A settlement without an answer does not resolve.
        _ => json!({"rejects": "An unexpected error happened", "invocation": id}),
    }
}

/// The package takes the answer from `payload` of a success and from `error` of a failure.
fn resolved(id: u64, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Value {
    let mut response = json!({
        "status": status.as_u16(),
        "headers": by_name(headers),
    });
    if let Ok(body) = serde_json::from_slice::<Value>(body) {
        response["body"] = body;
    }
    let succeeded = status.is_success();
    let place = if succeeded { "payload" } else { "error" };
    json!({"success": succeeded, place: response, "status": status.as_u16(), "invocation": id})
}

fn by_name(headers: &HeaderMap) -> BTreeMap<&str, Vec<String>> {
    let mut all = BTreeMap::<&str, Vec<String>>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        all.entry(name.as_str()).or_default().push(value);
    }
    all
}
