use super::*;

fn begins(prefix: &str) -> Value {
    json!([{"property": "key", "condition": "BEGINS_WITH", "values": [prefix]}])
}

#[test]
fn pages_lead_through_the_keys_in_order_and_end() {
    let kvs = Kvs::new();
    for number in (0..25).rev() {
        kvs.set(&format!("p:{number:02}"), json!(number));
    }
    for other in ["o", "p", "pA", "q:1"] {
        kvs.set(other, json!("another"));
    }
    kvs.ask("secret/set", json!({"key": "p:secret", "value": 1}))
        .unwrap();
    kvs.ask(
        "entity/set",
        json!({"entityName": "sub", "key": "p:e", "value": {}}),
    )
    .unwrap();
    let mut request = json!({"where": begins("p:"), "limit": 10});
    let mut seen = Vec::new();
    loop {
        let page = kvs.ask("query", request.clone()).unwrap();
        seen.extend(keys(&page).into_iter().map(str::to_owned));
        let Some(cursor) = page.get("cursor") else {
            break;
        };
        request["after"] = cursor.clone();
        assert!(seen.len() <= 25);
    }
    let expected: Vec<_> = (0..25).map(|number| format!("p:{number:02}")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_full_last_page_has_no_cursor_and_the_default_page_has_ten() {
    let kvs = Kvs::new();
    for number in 0..11 {
        kvs.set(&format!("{number:02}"), json!(1));
    }
    let page = kvs.ask("query", json!({})).unwrap();
    assert_eq!(keys(&page).len(), 10);
    assert!(page["cursor"].is_string());
    let page = kvs.ask("query", json!({"limit": 11})).unwrap();
    assert_eq!((keys(&page).len(), page.get("cursor")), (11, None));
}

#[test]
fn a_cursor_survives_the_deletion_of_what_it_stands_on() {
    let kvs = Kvs::new();
    for key in ["a", "b", "c"] {
        kvs.set(key, json!(1));
    }
    let page = kvs.ask("query", json!({"limit": 2})).unwrap();
    kvs.ask("delete", json!({"key": "b"})).unwrap();
    let next = kvs
        .ask("query", json!({"limit": 2, "after": page["cursor"]}))
        .unwrap();
    assert_eq!(keys(&next), ["c"]);
}

#[test]
fn a_cursor_is_good_with_the_same_parameters_only() {
    let kvs = Kvs::new();
    for key in ["p:1", "p:2", "q:1"] {
        kvs.set(key, json!(1));
    }
    let page = kvs
        .ask("query", json!({"limit": 1, "where": begins("p:")}))
        .unwrap();
    let cursor = &page["cursor"];
    for (limit, prefix) in [(1, "q:"), (1, "p"), (2, "p:")] {
        let other = json!({"limit": limit, "where": begins(prefix), "after": cursor});
        assert_eq!(kvs.ask("query", other), Err((400, "BAD_REQUEST")));
    }
    // What is shown of the items is none of the parameters that choose them.
    let options = json!({"metadataFields": ["CREATED_AT"]});
    let same = json!({"limit": 1, "where": begins("p:"), "after": cursor, "options": options});
    let page = kvs.ask("query", same).unwrap();
    assert_eq!(
        page["data"][0],
        json!({"key": "p:2", "value": 1, "createdAt": START * 1_000})
    );
}

#[test]
fn bad_queries_are_told_apart() {
    let kvs = Kvs::new();
    let two = json!([begins("a")[0], begins("b")[0]]);
    let field = json!([{"property": "value", "condition": "BEGINS_WITH", "values": ["a"]}]);
    let condition = json!([{"property": "key", "condition": "EQUAL_TO", "values": ["a"]}]);
    let values = json!([{"property": "key", "condition": "BEGINS_WITH", "values": []}]);
    for (request, code) in [
        (json!({"limit": 101}), "LIST_QUERY_LIMIT_EXCEEDED"),
        (json!({"limit": 0}), "BAD_REQUEST"),
        (json!({"limit": -1}), "BAD_REQUEST"),
        (json!({"limit": "ten"}), "BAD_REQUEST"),
        (json!({"after": "p:7"}), "BAD_REQUEST"),
        (json!({"cursor": "x"}), "BAD_REQUEST"),
        (json!({"where": two}), "QUERY_WHERE_INVALID"),
        (json!({"where": field}), "QUERY_WHERE_FIELD_INVALID"),
        (json!({"where": condition}), "QUERY_WHERE_INVALID"),
        (json!({"where": values}), "QUERY_WHERE_INVALID"),
    ] {
        assert_eq!(
            kvs.ask("query", request.clone()),
            Err((400, code)),
            "{request}"
        );
    }
}
