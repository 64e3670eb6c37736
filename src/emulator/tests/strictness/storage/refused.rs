//! What Forge storage refuses: at least one request for each code, and for each limit one that
//! passes it by the least.

use serde_json::{Value, json};

/// An operation, what it is asked, and what it answers.
type Row = (&'static str, Value, u16, &'static str);

/// For a storage that holds the key `k`, and the subscription `s` with the weight 1.
pub(super) fn all() -> Vec<Row> {
    let rows = [
        keys_and_values(),
        queries(),
        entities(),
        entity_queries(),
        many_at_once(),
    ];
    rows.concat()
}

fn keys_and_values() -> Vec<Row> {
    let deep = (0..32).fold(json!(1), |inner, _| json!([inner]));
    let set = |value: Value| json!({"key": "k", "value": value});
    let options = |options: Value| json!({"key": "k", "value": 1, "options": options});
    vec![
        ("get", json!({}), 400, "EMPTY_KEY"),
        ("get", json!({"key": ""}), 400, "KEY_TOO_SHORT"),
        ("get", json!({"key": "k".repeat(501)}), 400, "KEY_TOO_LONG"),
        ("get", json!({"key": "a/b"}), 400, "INVALID_KEY"),
        ("get", json!({"key": "   "}), 400, "INVALID_KEY"),
        ("get", json!({"key": "absent"}), 404, "KEY_NOT_FOUND"),
        ("delete", json!({"key": "absent"}), 404, "KEY_NOT_FOUND"),
        ("set", set(Value::Null), 400, "BAD_REQUEST"),
        ("set", set(deep), 400, "MAX_DEPTH"),
        ("set", set("x".repeat(240 * 1024).into()), 400, "MAX_SIZE"),
        (
            "secret/set",
            set("x".repeat(128 * 1024).into()),
            400,
            "MAX_SIZE",
        ),
        (
            "set",
            options(json!({"ttl": {"value": 366, "unit": "DAYS"}})),
            400,
            "BAD_REQUEST",
        ),
        (
            "set",
            options(json!({"keyPolicy": "FAIL_IF_EXISTS"})),
            409,
            "KEY_ALREADY_EXISTS",
        ),
        (
            "set",
            options(json!({"keyPolicy": "FAIL_IF_EXISTS", "returnValue": "LATEST"})),
            400,
            "BAD_REQUEST",
        ),
        (
            "get",
            json!({"key": "k", "metadata": true}),
            400,
            "BAD_REQUEST",
        ),
    ]
}

fn queries() -> Vec<Row> {
    let begins =
        |prefix: &str| json!({"property": "key", "condition": "BEGINS_WITH", "values": [prefix]});
    let field = json!([{"property": "value", "condition": "BEGINS_WITH", "values": ["a"]}]);
    vec![
        (
            "query",
            json!({"limit": 101}),
            400,
            "LIST_QUERY_LIMIT_EXCEEDED",
        ),
        ("query", json!({"limit": 0}), 400, "BAD_REQUEST"),
        ("query", json!({"after": "mine"}), 400, "BAD_REQUEST"),
        (
            "query",
            json!({"where": [begins("a"), begins("b")]}),
            400,
            "QUERY_WHERE_INVALID",
        ),
        (
            "query",
            json!({"where": field}),
            400,
            "QUERY_WHERE_FIELD_INVALID",
        ),
    ]
}

fn entities() -> Vec<Row> {
    let named = |name: &str| json!({"entityName": name, "key": "k"});
    let set = |value: Value| json!({"entityName": "subscription", "key": "k", "value": value});
    vec![
        ("entity/get", named("ab"), 400, "ENTITY_TYPE_TOO_SHORT"),
        (
            "entity/get",
            named(&"e".repeat(61)),
            400,
            "ENTITY_TYPE_TOO_LARGE",
        ),
        (
            "entity/get",
            named("Subscription"),
            400,
            "INVALID_ENTITY_TYPE",
        ),
        (
            "entity/get",
            named("undeclared"),
            400,
            "INVALID_ENTITY_TYPE",
        ),
        (
            "entity/set",
            set(json!({"weight": "heavy"})),
            400,
            "INVALID_ENTITY_VALUE",
        ),
        (
            "entity/set",
            set(json!({"weight": 2_147_483_648_u32})),
            400,
            "INVALID_ENTITY_VALUE",
        ),
        (
            "entity/set",
            set(json!({"colour": "red"})),
            400,
            "INVALID_ENTITY_ATTRIBUTE",
        ),
    ]
}

fn entity_queries() -> Vec<Row> {
    let ask = |more: Value| {
        let mut query = json!({"entityName": "subscription", "indexName": "by-key"});
        query
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        query
    };
    let on = |property: &str, condition: &str, values: Value| {
        let condition = json!({"property": property, "condition": condition, "values": values});
        ask(json!({"filters": {"and": [condition]}}))
    };
    let many: Vec<_> = (0..101)
        .map(|n| json!({"property": "weight", "condition": "EQUAL_TO", "values": [n]}))
        .collect();
    let both = json!({"filters": {"and": [many[0]], "or": [many[0]]}});
    let limit = "COMPLEX_QUERY_PAGE_LIMIT_NOT_IN_RANGE";
    vec![
        (
            "entity/query",
            ask(json!({"indexName": "by-colour"})),
            400,
            "INVALID_ENTITY_INDEX",
        ),
        (
            "entity/query",
            ask(json!({"indexName": "by-space"})),
            400,
            "INVALID_ENTITY_INDEX",
        ),
        ("entity/query", ask(json!({"limit": 101})), 400, limit),
        (
            "entity/query",
            ask(json!({"filters": {}})),
            400,
            "EMPTY_FILTER_OPERATOR",
        ),
        (
            "entity/query",
            ask(both),
            400,
            "INVALID_FILTER_OPERATORS_COMBINATION",
        ),
        (
            "entity/query",
            ask(json!({"filters": {"or": many}})),
            400,
            "BAD_REQUEST",
        ),
        (
            "entity/query",
            on("weight", "LIKE", json!([1])),
            400,
            "INVALID_FILTER_CONDITION",
        ),
        (
            "entity/query",
            on("weight", "EQUAL_TO", json!(["1"])),
            400,
            "INVALID_FILTER_VALUES",
        ),
        (
            "entity/query",
            on("weight", "BETWEEN", json!([1])),
            400,
            "INSUFFICIENT_FILTER_VALUES",
        ),
        (
            "entity/query",
            on("colour", "EXISTS", json!([true])),
            400,
            "INVALID_ENTITY_ATTRIBUTE",
        ),
        (
            "entity/query",
            on("notes", "EXISTS", json!([true])),
            422,
            "UNPROCESSABLE_ENTITY",
        ),
        (
            "entity/query",
            ask(json!({"indexName": "by-space", "partition": ["x".repeat(1_701)]})),
            400,
            "BAD_REQUEST",
        ),
        (
            "entity/query",
            ask(json!({"range": {"condition": "EQUAL_TO", "values": ["x".repeat(901)]}})),
            400,
            "BAD_REQUEST",
        ),
    ]
}

fn many_at_once() -> Vec<Row> {
    let items = |count: usize| -> Vec<_> {
        (0..count)
            .map(|n| json!({"key": n.to_string(), "value": n}))
            .collect()
    };
    let large: Vec<_> = (0..18)
        .map(|n| json!({"key": n.to_string(), "value": "x".repeat(239 * 1024)}))
        .collect();
    let twice = json!([{"key": "a", "value": 1}, {"key": "a", "value": 2}]);
    let heavy =
        json!({"and": [{"property": "weight", "condition": "GREATER_THAN", "values": [99]}]});
    let check = json!([{"entityName": "subscription", "key": "s", "conditions": heavy}]);
    vec![
        ("batch/set", json!([]), 400, "BAD_REQUEST"),
        ("batch/set", json!(items(26)), 400, "BAD_REQUEST"),
        ("batch/set", twice, 400, "BAD_REQUEST"),
        ("batch/set", json!(large), 400, "MAX_SIZE"),
        ("transaction", json!({"set": items(26)}), 400, "BAD_REQUEST"),
        ("transaction", json!({"set": large}), 400, "MAX_SIZE"),
        (
            "transaction",
            json!({"set": items(1), "delete": [{"key": "0"}]}),
            400,
            "BAD_REQUEST",
        ),
        (
            "transaction",
            json!({"set": items(1), "check": check}),
            409,
            "CONDITION_NOT_MET",
        ),
    ]
}
