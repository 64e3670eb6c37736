use super::*;

#[test]
fn installations_share_nothing_and_one_is_forgotten_whole() {
    let kvs = Kvs::new();
    let set = |at: u128, value: i64| {
        kvs.ask_for(installation(at), "set", json!({"key": "a", "value": value}))
    };
    let get = |at: u128| kvs.ask_for(installation(at), "get", json!({"key": "a"}));
    set(1, 1).unwrap();
    assert_eq!(get(2), Err((404, "KEY_NOT_FOUND")));
    set(2, 2).unwrap();
    kvs.storage.forget(installation(1));
    assert_eq!(get(1), Err((404, "KEY_NOT_FOUND")));
    assert_eq!(get(2).unwrap()["value"], 2);
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_in_a_second_are_refused_to_that_installation() {
    let kvs = Kvs::with(vec![], |limits| limits.requests_per_second = 2);
    let get = |at: u128| kvs.ask_for(installation(at), "get", json!({"key": "a"}));
    let missing = Err((404, "KEY_NOT_FOUND"));
    assert_eq!((get(1), get(1)), (missing.clone(), missing.clone()));
    assert_eq!(get(1), Err((429, "RATE_LIMIT_EXCEEDED")));
    let transaction = json!({"delete": [{"key": "a"}]});
    assert_eq!(
        kvs.ask("transaction", transaction),
        Err((429, "TOO_MANY_REQUESTS"))
    );
    assert_eq!(get(2), missing);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(get(1), missing);
}

#[test]
fn there_is_room_for_ten_thousand_items() {
    let kvs = Kvs::new();
    for number in 0..10_000 {
        kvs.set(&number.to_string(), json!(number));
    }
    let full = Err((400, "EMULATOR_STORAGE_FULL"));
    let one_more = json!({"key": "more", "value": 1});
    assert_eq!(kvs.ask("set", one_more.clone()), full);
    kvs.set("0", json!("again"));
    let exchange = json!({"set": [one_more], "delete": [{"key": "1"}]});
    assert_eq!(kvs.ask("transaction", exchange), Ok(Value::Null));
    let two = json!({"set": [{"key": "m1", "value": 1}, {"key": "m2", "value": 1}], "delete": [{"key": "2"}]});
    assert_eq!(kvs.ask("transaction", two), full);
    assert_eq!(kvs.value("2"), 2, "all or nothing");
}

#[test]
fn there_is_room_for_64_mebibytes_and_what_goes_makes_room() {
    let kvs = Kvs::new();
    let large = json!("x".repeat(240 * 1024 - 2));
    let fits = 64 * 1024 / 240;
    for number in 0..fits {
        kvs.set(&number.to_string(), large.clone());
    }
    let more = json!({"key": "more", "value": large});
    assert_eq!(
        kvs.ask("set", more.clone()),
        Err((400, "EMULATOR_STORAGE_FULL"))
    );
    kvs.set("0", json!(0));
    assert_eq!(kvs.ask("set", more), Ok(Value::Null));
}

#[tokio::test(start_paused = true)]
async fn queries_may_see_a_write_late_and_a_get_sees_it_at_once() {
    let kvs = Kvs::with(vec![], |limits| limits.query_delay = Duration::from_secs(2));
    let seen = || {
        let page = kvs.ask("query", json!({})).unwrap();
        let rows = page["data"].as_array().unwrap().iter();
        rows.map(|row| row["value"].clone()).collect::<Vec<_>>()
    };
    kvs.set("a", json!(1));
    assert_eq!((seen(), kvs.value("a")), (vec![], json!(1)));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(seen(), [json!(1)]);
    kvs.set("a", json!(2));
    assert_eq!((seen(), kvs.value("a")), (vec![json!(1)], json!(2)));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(seen(), [json!(2)]);
    kvs.ask("delete", json!({"key": "a"})).unwrap();
    assert_eq!(seen(), [json!(2)]);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(seen(), Vec::<Value>::new());
}
