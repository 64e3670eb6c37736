use super::*;

/// The entity of the platform's own example, with an attribute of each type.
fn subscriptions() -> Kvs {
    let entity = json!({
        "name": "subscription",
        "attributes": {
            "space": {"type": "string"},
            "weight": {"type": "integer"},
            "share": {"type": "float"},
            "active": {"type": "boolean"},
            "notes": {"type": "any"},
        },
        "indexes": ["weight", {"name": "by-space", "partition": ["space"], "range": ["weight"]}],
    });
    let kvs = Kvs::with(vec![serde_json::from_value(entity).unwrap()], |_| {});
    for (key, space, weight, active) in [
        ("s:1", "A", 30, true),
        ("s:2", "A", 10, false),
        ("s:3", "B", 20, true),
        ("s:4", "A", 20, true),
        ("t:5", "A", 20, true),
    ] {
        let value = json!({"space": space, "weight": weight, "active": active});
        kvs.set_entity(key, value).unwrap();
    }
    // No weight: it is in no index but the one by the key.
    kvs.set_entity("u:6", json!({"space": "A"})).unwrap();
    kvs
}

impl Kvs {
    fn set_entity(&self, key: &str, value: Value) -> Result<Value, (u16, &'static str)> {
        let mut request = json!({"entityName": "subscription", "key": key});
        request["value"] = value;
        self.ask("entity/set", request)
    }

    fn query(&self, mut query: Value) -> Result<Vec<String>, (u16, &'static str)> {
        query["entityName"] = "subscription".into();
        let page = self.ask("entity/query", query)?;
        Ok(keys(&page).into_iter().map(str::to_owned).collect())
    }
}

fn test(condition: &str, values: Value) -> Value {
    let mut test = json!({"condition": condition});
    test["values"] = values;
    test
}

fn on(property: &str, condition: &str, values: Value) -> Value {
    let mut on = test(condition, values);
    on["property"] = property.into();
    on
}

#[test]
fn an_index_finds_by_partition_and_orders_by_range() {
    let kvs = subscriptions();
    let of = |more: Value| {
        let mut query = json!({"indexName": "by-space", "partition": ["A"]});
        query
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        kvs.query(query).unwrap()
    };
    assert_eq!(of(json!({})), ["s:2", "s:4", "t:5", "s:1"]);
    assert_eq!(of(json!({"sort": "DESC"})), ["s:1", "t:5", "s:4", "s:2"]);
    for (condition, values, found) in [
        ("BETWEEN", json!([10, 20]), vec!["s:2", "s:4", "t:5"]),
        ("EQUAL_TO", json!([30]), vec!["s:1"]),
        ("GREATER_THAN", json!([20]), vec!["s:1"]),
        (
            "GREATER_THAN_EQUAL_TO",
            json!([20]),
            vec!["s:4", "t:5", "s:1"],
        ),
        ("LESS_THAN", json!([20]), vec!["s:2"]),
        ("LESS_THAN_EQUAL_TO", json!([5]), vec![]),
    ] {
        assert_eq!(
            of(json!({"range": test(condition, values)})),
            found,
            "{condition}"
        );
    }
    let simple = kvs.query(json!({"indexName": "weight"})).unwrap();
    assert_eq!(simple, ["s:2", "s:3", "s:4", "t:5", "s:1"]);
}

#[test]
fn by_key_has_all_items_and_ranges_over_keys() {
    let kvs = subscriptions();
    let by_key = |range: Value| {
        kvs.query(json!({"indexName": "by-key", "range": range}))
            .unwrap()
    };
    assert_eq!(kvs.query(json!({"indexName": "by-key"})).unwrap().len(), 6);
    assert_eq!(
        by_key(test("BEGINS_WITH", json!(["s:"]))),
        ["s:1", "s:2", "s:3", "s:4"]
    );
    assert_eq!(by_key(test("GREATER_THAN", json!(["s:4"]))), ["t:5", "u:6"]);
}

#[test]
fn filters_let_through_what_meets_all_or_any_condition() {
    let kvs = subscriptions();
    let filtered = |filters: Value| {
        kvs.query(json!({"indexName": "by-key", "filters": filters}))
            .unwrap()
    };
    let active = on("active", "EQUAL_TO", json!([true]));
    let heavy = on("weight", "GREATER_THAN", json!([20]));
    let in_b = on("space", "NOT_EQUAL_TO", json!(["A"]));
    assert_eq!(filtered(json!({"and": [active, heavy]})), ["s:1"]);
    assert_eq!(filtered(json!({"or": [heavy, in_b]})), ["s:1", "s:3"]);
    let exists = on("weight", "EXISTS", json!([true]));
    assert_eq!(filtered(json!({"and": [exists]})).len(), 5);
    let missing = on("weight", "NOT_EXISTS", json!([true]));
    assert_eq!(filtered(json!({"and": [missing]})), ["u:6"]);
    let contains = on("space", "CONTAINS", json!(["A"]));
    assert_eq!(filtered(json!({"and": [contains]})).len(), 5);
    let without = on("space", "NOT_CONTAINS", json!(["A"]));
    assert_eq!(filtered(json!({"and": [without]})), ["s:3"]);
}

#[test]
fn pages_of_an_index_lead_through_equal_values_once() {
    let kvs = subscriptions();
    for sort in ["ASC", "DESC"] {
        let mut request = json!({
            "entityName": "subscription", "indexName": "by-space", "partition": ["A"], "limit": 1, "sort": sort,
        });
        let mut seen = Vec::new();
        loop {
            let page = kvs.ask("entity/query", request.clone()).unwrap();
            seen.extend(keys(&page).into_iter().map(str::to_owned));
            let Some(cursor) = page.get("cursor") else {
                break;
            };
            request["cursor"] = cursor.clone();
            assert!(seen.len() <= 4);
        }
        let mut expected = ["s:2", "s:4", "t:5", "s:1"];
        if sort == "DESC" {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_cursor_of_another_query_is_refused() {
    let kvs = subscriptions();
    let query = json!({"entityName": "subscription", "indexName": "weight", "limit": 1});
    let cursor = kvs.ask("entity/query", query.clone()).unwrap()["cursor"].clone();
    for (field, value) in [
        ("sort", json!("DESC")),
        ("range", test("GREATER_THAN", json!([1]))),
        (
            "filters",
            json!({"and": [on("active", "EXISTS", json!([true]))]}),
        ),
        ("limit", json!(2)),
        ("indexName", json!("by-key")),
    ] {
        let mut other = query.clone();
        other["cursor"] = cursor.clone();
        other[field] = value;
        assert_eq!(
            kvs.ask("entity/query", other),
            Err((400, "BAD_REQUEST")),
            "{field}"
        );
    }
}

#[test]
fn values_have_the_declared_attributes() {
    let kvs = subscriptions();
    for (value, code) in [
        (json!({"weight": 2_147_483_648_u32}), "INVALID_ENTITY_VALUE"),
        (json!({"weight": 1.5}), "INVALID_ENTITY_VALUE"),
        (json!({"space": 1}), "INVALID_ENTITY_VALUE"),
        (json!({"active": "yes"}), "INVALID_ENTITY_VALUE"),
        (json!({"share": "1"}), "INVALID_ENTITY_VALUE"),
        (json!({"space": null}), "INVALID_ENTITY_VALUE"),
        (json!([1]), "INVALID_ENTITY_VALUE"),
        (json!({"colour": "red"}), "INVALID_ENTITY_ATTRIBUTE"),
    ] {
        assert_eq!(
            kvs.set_entity("x", value.clone()),
            Err((400, code)),
            "{value}"
        );
    }
    let good = json!({"weight": -2_147_483_648_i64, "share": 1, "notes": [{"a": null}]});
    assert!(kvs.set_entity("x", good).is_ok());
    let unknown = json!({"entityName": "subscriber", "key": "x"});
    assert_eq!(
        kvs.ask("entity/get", unknown),
        Err((400, "INVALID_ENTITY_TYPE"))
    );
}

#[test]
fn bad_indexes_ranges_and_pages_are_told_apart() {
    let kvs = subscriptions();
    let range = |test: Value| json!({"indexName": "by-key", "range": test});
    let (long, longer) = ("x".repeat(901), "x".repeat(1_701));
    let limit = "COMPLEX_QUERY_PAGE_LIMIT_NOT_IN_RANGE";
    for (query, code) in [
        (json!({"indexName": "by-name"}), "INVALID_ENTITY_INDEX"),
        (json!({"indexName": "by-space"}), "INVALID_ENTITY_INDEX"),
        (
            json!({"indexName": "by-key", "partition": ["A"]}),
            "INVALID_ENTITY_INDEX",
        ),
        (
            json!({"indexName": "by-space", "partition": [longer]}),
            "BAD_REQUEST",
        ),
        (json!({"indexName": "by-key", "limit": 101}), limit),
        (json!({"indexName": "by-key", "limit": 0}), limit),
        (json!({"indexName": "by-key", "sort": "asc"}), "BAD_REQUEST"),
        (json!({"indexName": "by-key", "after": "x"}), "BAD_REQUEST"),
        (
            range(test("CONTAINS", json!(["a"]))),
            "INVALID_FILTER_CONDITION",
        ),
        (
            range(test("NOT_EQUAL_TO", json!(["a"]))),
            "INVALID_FILTER_CONDITION",
        ),
        (range(test("EQUAL_TO", json!([1]))), "INVALID_FILTER_VALUES"),
        (range(test("EQUAL_TO", json!([long]))), "BAD_REQUEST"),
    ] {
        assert_eq!(kvs.query(query.clone()), Err((400, code)), "{query}");
    }
}

#[test]
fn bad_filters_are_told_apart() {
    let kvs = subscriptions();
    let of = |filters: Value| {
        let mut query = json!({"indexName": "by-key"});
        query["filters"] = filters;
        kvs.query(query)
    };
    let one = on("weight", "EXISTS", json!([true]));
    let many = (0..101).map(|n| on("weight", "EQUAL_TO", json!([n])));
    let many = many.collect::<Vec<_>>();
    for (filters, code) in [
        (json!({}), "EMPTY_FILTER_OPERATOR"),
        (json!({"or": []}), "EMPTY_FILTER_OPERATOR"),
        (
            json!({"or": [one], "and": [one]}),
            "INVALID_FILTER_OPERATORS_COMBINATION",
        ),
        (json!({"or": many}), "BAD_REQUEST"),
    ] {
        assert_eq!(of(filters), Err((400, code)));
    }
    for (condition, status, code) in [
        (
            on("weight", "LIKE", json!([1])),
            400,
            "INVALID_FILTER_CONDITION",
        ),
        (
            on("weight", "CONTAINS", json!([1])),
            400,
            "INVALID_FILTER_CONDITION",
        ),
        (
            on("weight", "BETWEEN", json!([1])),
            400,
            "INSUFFICIENT_FILTER_VALUES",
        ),
        (
            on("weight", "EQUAL_TO", json!([1, 2])),
            400,
            "INVALID_FILTER_VALUES",
        ),
        (
            on("weight", "EQUAL_TO", json!(["1"])),
            400,
            "INVALID_FILTER_VALUES",
        ),
        (
            on("weight", "EXISTS", json!([false])),
            400,
            "INVALID_FILTER_VALUES",
        ),
        (
            on("notes", "EXISTS", json!([true])),
            422,
            "UNPROCESSABLE_ENTITY",
        ),
        (
            on("colour", "EXISTS", json!([true])),
            400,
            "INVALID_ENTITY_ATTRIBUTE",
        ),
    ] {
        let asked = condition.to_string();
        assert_eq!(
            of(json!({"and": [condition]})),
            Err((status, code)),
            "{asked}"
        );
    }
}

#[test]
fn without_declarations_any_entity_has_the_index_by_key_only() {
    let kvs = Kvs::new();
    for key in ["b", "a"] {
        kvs.set_entity(key, json!({"free": key})).unwrap();
    }
    assert_eq!(
        kvs.query(json!({"indexName": "by-key"})).unwrap(),
        ["a", "b"]
    );
    let filters = json!({"and": [on("free", "EQUAL_TO", json!(["b"]))]});
    assert_eq!(
        kvs.query(json!({"indexName": "by-key", "filters": filters}))
            .unwrap(),
        ["b"]
    );
    let other = kvs.query(json!({"indexName": "free"}));
    assert_eq!(other, Err((400, "INVALID_ENTITY_INDEX")));
    assert_eq!(
        kvs.set_entity("c", json!("text")),
        Err((400, "INVALID_ENTITY_VALUE"))
    );
}
