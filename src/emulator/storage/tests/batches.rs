use super::*;

#[test]
fn a_batch_succeeds_and_fails_item_by_item() {
    let kvs = Kvs::new();
    let set = json!([
        {"key": "a", "value": 1, "options": {"ttl": {"value": 1, "unit": "DAYS"}}},
        {"key": "b/c", "value": 2},
        {"key": "n", "value": null},
        {"key": "a", "entityName": "sub", "value": {"x": 1}},
    ]);
    let told = kvs.ask("batch/set", set).unwrap();
    assert_eq!(
        told["successfulKeys"],
        json!([{"key": "a"}, {"key": "a", "entityName": "sub"}])
    );
    assert_eq!(told["failedKeys"][0]["key"], "b/c");
    assert_eq!(told["failedKeys"][0]["error"]["code"], "INVALID_KEY");
    assert_eq!(told["failedKeys"][1]["error"]["code"], "BAD_REQUEST");
    assert!(told["failedKeys"][0]["error"]["message"].is_string());

    let options = json!({"metadataFields": ["EXPIRE_TIME"]});
    let get =
        json!([{"key": "a", "options": options}, {"key": "z"}, {"key": "a", "entityName": "sub"}]);
    let told = kvs.ask("batch/get", get).unwrap();
    assert_eq!(
        told["successfulKeys"],
        json!([
            {"key": "a", "value": 1, "expireTime": "2026-07-30T08:00:00.000Z"},
            {"key": "a", "entityName": "sub", "value": {"x": 1}},
        ])
    );
    assert_eq!(told["failedKeys"][0]["error"]["code"], "KEY_NOT_FOUND");

    let told = kvs
        .ask("batch/delete", json!([{"key": "a"}, {"key": "z"}]))
        .unwrap();
    assert_eq!(told["successfulKeys"], json!([{"key": "a"}]));
    assert_eq!(told["failedKeys"][0]["key"], "z");
    assert_eq!(kvs.value("a"), Value::Null);
}

#[test]
fn what_is_wrong_with_a_batch_fails_all_of_it() {
    let kvs = Kvs::new();
    let many: Vec<_> = (0..26)
        .map(|n| json!({"key": n.to_string(), "value": n}))
        .collect();
    for batch in [
        json!([]),
        json!({}),
        json!([1]),
        json!([{"key": "a", "value": 1}, {"key": "a", "value": 2}]),
        json!([{"key": "a", "value": 1}, {"key": 5, "value": 2}]),
        json!(many),
    ] {
        assert_eq!(kvs.ask("batch/set", batch), Err((400, "BAD_REQUEST")));
    }
    assert!(keys(&kvs.ask("query", json!({})).unwrap()).is_empty());
    assert!(kvs.ask("batch/set", json!(&many[..25])).is_ok());
}

fn at_least(weight: i64) -> Value {
    json!({"and": [{"property": "weight", "condition": "GREATER_THAN_EQUAL_TO", "values": [weight]}]})
}

#[test]
fn a_transaction_happens_whole_or_not_at_all() {
    let kvs = Kvs::new();
    kvs.set("old", json!(1));
    let item = json!({"entityName": "sub", "key": "s", "value": {"weight": 5}});
    let first = json!({"set": [item, {"key": "new", "value": 1}], "delete": [{"key": "old"}, {"key": "never"}]});
    assert_eq!(kvs.ask("transaction", first), Ok(Value::Null));
    assert_eq!(
        (kvs.value("new"), kvs.value("old")),
        (json!(1), Value::Null)
    );

    let check =
        |weight: i64| json!([{"entityName": "sub", "key": "s", "conditions": at_least(weight)}]);
    let second = |weight: i64| json!({"set": [{"key": "new", "value": 2}], "check": check(weight)});
    assert_eq!(
        kvs.ask("transaction", second(6)),
        Err((409, "CONDITION_NOT_MET"))
    );
    assert_eq!(kvs.value("new"), 1);
    assert_eq!(kvs.ask("transaction", second(5)), Ok(Value::Null));
    assert_eq!(kvs.value("new"), 2);
    let bad_value = json!({"set": [{"key": "new", "value": 3}, {"key": "x", "value": null}]});
    assert_eq!(kvs.ask("transaction", bad_value), Err((400, "BAD_REQUEST")));
    assert_eq!(kvs.value("new"), 2);
}

#[test]
fn conditions_hold_for_what_was_there_before_and_for_what_was_not() {
    let kvs = Kvs::new();
    let absent =
        json!({"or": [{"property": "weight", "condition": "NOT_EXISTS", "values": [true]}]});
    let create = json!({"set": [{"entityName": "sub", "key": "s", "value": {"weight": 1}, "conditions": absent}]});
    assert_eq!(kvs.ask("transaction", create.clone()), Ok(Value::Null));
    assert_eq!(
        kvs.ask("transaction", create),
        Err((409, "CONDITION_NOT_MET"))
    );
    let delete = |weight: i64| json!({"delete": [{"entityName": "sub", "key": "s", "conditions": at_least(weight)}]});
    assert_eq!(
        kvs.ask("transaction", delete(2)),
        Err((409, "CONDITION_NOT_MET"))
    );
    assert_eq!(kvs.ask("transaction", delete(1)), Ok(Value::Null));
    assert_eq!(
        kvs.ask("transaction", delete(1)),
        Err((409, "CONDITION_NOT_MET"))
    );
}

#[test]
fn transactions_have_bounds() {
    let kvs = Kvs::new();
    let sets = |count: usize| {
        let sets: Vec<_> = (0..count)
            .map(|n| json!({"key": n.to_string(), "value": n}))
            .collect();
        json!({"set": sets})
    };
    assert_eq!(kvs.ask("transaction", sets(25)), Ok(Value::Null));
    let of_plain = json!({"key": "a", "conditions": at_least(1)});
    for bad in [
        sets(26),
        json!({}),
        json!({"set": [{"key": "a", "value": 1}], "delete": [{"key": "a"}]}),
        json!({"delete": [of_plain]}),
        json!({"check": [of_plain]}),
        json!({"check": [{"entityName": "sub", "key": "a"}]}),
        json!({"set": [{"key": "a", "value": 1, "options": {"keyPolicy": "FAIL_IF_EXISTS"}}]}),
    ] {
        assert_eq!(
            kvs.ask("transaction", bad.clone()),
            Err((400, "BAD_REQUEST")),
            "{bad}"
        );
    }
}
