use super::*;

#[test]
fn what_is_set_is_got_until_it_is_deleted() {
    let kvs = Kvs::new();
    let missing = Err((404, "KEY_NOT_FOUND"));
    for family in ["", "secret/", "entity/"] {
        let path = |operation: &str| format!("{family}{operation}");
        let request = |value: Value| {
            let mut request = json!({"key": "a"});
            if family == "entity/" {
                request["entityName"] = "sub".into();
            }
            if !value.is_null() {
                request["value"] = value;
            }
            request
        };
        assert_eq!(kvs.ask(&path("get"), request(Value::Null)), missing);
        assert_eq!(kvs.ask(&path("delete"), request(Value::Null)), missing);
        let value = json!({"of": family});
        assert_eq!(
            kvs.ask(&path("set"), request(value.clone())),
            Ok(Value::Null)
        );
        let got = kvs.ask(&path("get"), request(Value::Null));
        assert_eq!(got, Ok(request(value)), "nothing but what was asked for");
    }
    for (path, request) in [
        ("delete", json!({"key": "a"})),
        ("secret/delete", json!({"key": "a"})),
        ("entity/delete", json!({"key": "a", "entityName": "sub"})),
    ] {
        assert_eq!(kvs.ask(path, request.clone()), Ok(Value::Null));
        assert_eq!(kvs.ask(path, request), missing);
    }
}

#[test]
fn metadata_comes_on_request_only() {
    let kvs = Kvs::new();
    let all = json!(["CREATED_AT", "UPDATED_AT", "EXPIRE_TIME"]);
    kvs.set("a", json!(1));
    kvs.clock.advance(Duration::from_secs(5));
    let ttl = json!({"ttl": {"value": 2, "unit": "DAYS"}});
    kvs.ask("set", json!({"key": "a", "value": 2, "options": ttl}))
        .unwrap();
    let get = |fields: &Value| {
        kvs.ask(
            "get",
            json!({"key": "a", "options": {"metadataFields": fields}}),
        )
        .unwrap()
    };
    let expected = json!({
        "key": "a",
        "value": 2,
        "createdAt": START * 1_000,
        "updatedAt": (START + 5) * 1_000,
        "expireTime": "2026-07-31T08:00:05.000Z",
    });
    assert_eq!(get(&all), expected);
    assert_eq!(get(&json!([])), json!({"key": "a", "value": 2}));
    kvs.set("a", json!(3));
    assert_eq!(
        get(&json!(["EXPIRE_TIME"])),
        json!({"key": "a", "value": 3})
    );
    let unknown = json!({"key": "a", "options": {"metadataFields": ["OWNER"]}});
    assert_eq!(kvs.ask("get", unknown), Err((400, "BAD_REQUEST")));
}

#[test]
fn a_set_may_ask_for_the_value_before_or_after() {
    let kvs = Kvs::new();
    let set = |value: i64, options: Value| {
        kvs.ask(
            "set",
            json!({"key": "a", "value": value, "options": options}),
        )
    };
    let previous = json!({"returnValue": "PREVIOUS", "returnMetadataFields": ["UPDATED_AT"]});
    assert_eq!(set(1, previous.clone()), Ok(Value::Null), "there was none");
    kvs.clock.advance(Duration::from_secs(1));
    let first = json!({"key": "a", "value": 1, "updatedAt": START * 1_000});
    assert_eq!(set(2, previous), Ok(first));
    let latest = json!({"returnValue": "LATEST"});
    assert_eq!(set(3, latest), Ok(json!({"key": "a", "value": 3})));
    assert_eq!(
        set(4, json!({"returnMetadataFields": ["UPDATED_AT"]})),
        Ok(Value::Null)
    );
}

#[test]
fn a_key_policy_keeps_what_is_there() {
    let kvs = Kvs::new();
    let set = |value: i64, options: Value| {
        kvs.ask(
            "set",
            json!({"key": "a", "value": value, "options": options}),
        )
    };
    let fail = json!({"keyPolicy": "FAIL_IF_EXISTS"});
    assert_eq!(set(1, fail.clone()), Ok(Value::Null));
    assert_eq!(set(2, fail.clone()), Err((409, "KEY_ALREADY_EXISTS")));
    assert_eq!(kvs.value("a"), 1);
    assert_eq!(set(3, json!({"keyPolicy": "OVERRIDE"})), Ok(Value::Null));
    let both = json!({"keyPolicy": "FAIL_IF_EXISTS", "returnValue": "LATEST"});
    assert_eq!(set(4, both), Err((400, "BAD_REQUEST")));
    assert_eq!(kvs.value("a"), 3);
}

#[test]
fn an_expired_item_is_returned_until_the_sweep_takes_it() {
    let kvs = Kvs::new();
    let ttl = |seconds: u64| json!({"ttl": {"value": seconds, "unit": "SECONDS"}});
    for (key, life) in [("a", 10), ("b", 100)] {
        kvs.ask("set", json!({"key": key, "value": 1, "options": ttl(life)}))
            .unwrap();
    }
    kvs.set("c", json!(1));
    kvs.clock.advance(Duration::from_secs(69));
    assert_eq!(kvs.value("a"), 1, "its time is over, and it is still there");
    let again = json!({"key": "a", "value": 2, "options": {"keyPolicy": "FAIL_IF_EXISTS"}});
    assert_eq!(
        kvs.ask("set", again.clone()),
        Err((409, "KEY_ALREADY_EXISTS"))
    );
    kvs.clock.advance(Duration::from_secs(1));
    assert_eq!(kvs.value("a"), Value::Null);
    assert_eq!(kvs.value("b"), 1);
    assert_eq!(kvs.ask("set", again), Ok(Value::Null));
    kvs.clock.advance(Duration::from_secs(90));
    assert_eq!(keys(&kvs.ask("query", json!({})).unwrap()), ["a", "c"]);
}

#[test]
fn what_is_no_request_is_refused() {
    let kvs = Kvs::new();
    let bad = Err((400, "BAD_REQUEST"));
    for (path, request) in [
        ("get", json!([])),
        ("get", json!({"key": 1})),
        ("get", json!({"key": "a", "option": {}})),
        ("get", json!({"key": "a", "entityName": "sub"})),
        ("secret/get", json!({"key": "a", "entityName": "sub"})),
        ("entity/get", json!({"key": "a"})),
        ("set", json!({"key": "a"})),
        ("set", json!({"key": "a", "value": null})),
        (
            "set",
            json!({"key": "a", "value": 1, "options": {"ttl": {"value": 2, "unit": "YEARS"}}}),
        ),
        (
            "set",
            json!({"key": "a", "value": 1, "options": {"ttl": {"value": 366, "unit": "DAYS"}}}),
        ),
        (
            "set",
            json!({"key": "a", "value": 1, "options": {"keyPolicy": "ASK"}}),
        ),
    ] {
        assert_eq!(kvs.ask(path, request.clone()), bad, "{path} {request}");
    }
    assert_eq!(kvs.ask("get", json!({})), Err((400, "EMPTY_KEY")));
    assert_eq!(
        kvs.ask("get", json!({"key": "a/b"})),
        Err((400, "INVALID_KEY"))
    );
    let short = json!({"key": "a", "entityName": "ab"});
    assert_eq!(
        kvs.ask("entity/get", short),
        Err((400, "ENTITY_TYPE_TOO_SHORT"))
    );
}
