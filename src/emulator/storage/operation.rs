//! The operations and their paths.

use serde_json::Value;

use super::items::Family;

/// What is asked of the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Get(Family),
    Set(Family),
    Delete(Family),
    Query,
    EntityQuery,
    Transaction,
    BatchGet,
    BatchSet,
    BatchDelete,
}

impl Operation {
    /// All of them, each with its path (Forge storage REST: operations).
    pub(super) const ALL: [(&'static str, Self); 15] = [
        ("/v1/get", Self::Get(Family::Plain)),
        ("/v1/set", Self::Set(Family::Plain)),
        ("/v1/delete", Self::Delete(Family::Plain)),
        ("/v1/query", Self::Query),
        ("/v1/secret/get", Self::Get(Family::Secret)),
        ("/v1/secret/set", Self::Set(Family::Secret)),
        ("/v1/secret/delete", Self::Delete(Family::Secret)),
        ("/v1/entity/get", Self::Get(Family::Entity)),
        ("/v1/entity/set", Self::Set(Family::Entity)),
        ("/v1/entity/delete", Self::Delete(Family::Entity)),
        ("/v1/entity/query", Self::EntityQuery),
        ("/v1/transaction", Self::Transaction),
        ("/v1/batch/get", Self::BatchGet),
        ("/v1/batch/set", Self::BatchSet),
        ("/v1/batch/delete", Self::BatchDelete),
    ];

    /// What of a request is worth a line in the journal: which item, or how many. Never a value.
    pub(super) fn subject(self, request: &Value) -> String {
        let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str);
        let count = |field: &str| request[field].as_array().map_or(0, Vec::len);
        let subject = match self {
            Self::Get(_) | Self::Set(_) | Self::Delete(_) => {
                match (text("/entityName"), text("/key")) {
                    (Some(entity), Some(key)) => format!("{entity} {key}"),
                    (None, Some(key)) => key.to_owned(),
                    (_, None) => String::new(),
                }
            }
            Self::Query => format!("{}…", text("/where/0/values/0").unwrap_or_default()),
            Self::EntityQuery => [text("/entityName"), text("/indexName")]
                .map(Option::unwrap_or_default)
                .join(" "),
            Self::Transaction => format!(
                "{} set, {} deleted, {} checked",
                count("set"),
                count("delete"),
                count("check")
            ),
            Self::BatchGet | Self::BatchSet | Self::BatchDelete => {
                let items = request.as_array().map_or(0, Vec::len);
                format!("{items} items")
            }
        };
        subject.chars().take(128).collect()
    }
}
