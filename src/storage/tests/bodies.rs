//! What is sent, as the platform documents it, and what is made of its good answers.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Platform, entity, key};
use crate::storage::{Condition, Filter, IndexName, Metadata, Put, Range, Sort, Ttl};

#[tokio::test]
async fn a_get_asks_for_one_key() {
    let platform = Platform::answering(200, r#"{"key":"k","value":{"hour":7}}"#).await;
    let value: Option<Value> = platform.storage.get(&key("k")).await.unwrap();
    assert_eq!(value, Some(json!({"hour": 7})));
    assert_eq!(
        platform.asked_once(),
        ("/v1/get".into(), json!({"key": "k"}))
    );

    let arrived = &platform.upstream.arrived()[0];
    assert_eq!(arrived.headers["authorization"], "Bearer t0ken");
    assert_eq!(arrived.headers["content-type"], "application/json");
    assert_eq!(arrived.headers["accept"], "application/json");
    assert!(arrived.headers.contains_key("x-b3-traceid"));
}

#[tokio::test]
async fn an_entry_comes_with_the_metadata_that_was_asked_for() {
    let platform = Platform::answering(
        200,
        r#"{"key":"k","value":7,"createdAt":1785585600000,"expireTime":"2026-08-01T12:00:09Z"}"#,
    )
    .await;
    let asked = platform.storage.get::<u8>(&key("k"));
    let entry = asked
        .metadata(Metadata::ALL)
        .entry()
        .await
        .unwrap()
        .unwrap();
    assert_eq!((entry.key.as_str(), entry.value), ("k", 7));
    assert_eq!(entry.created_at.unwrap().unix(), 1_785_585_600);
    assert_eq!(entry.expires_at.unwrap().unix(), 1_785_585_609);
    assert_eq!(entry.updated_at, None);
    let fields = json!(["CREATED_AT", "UPDATED_AT", "EXPIRE_TIME"]);
    let body = json!({"key": "k", "options": {"metadataFields": fields}});
    assert_eq!(platform.asked_once().1, body);
}

#[tokio::test]
async fn a_set_is_sent_as_the_platform_writes_it() {
    let platform = Platform::content().await;
    let value = json!({"hour": 7, "days": ["mon", "thu"]});
    let set = platform.storage.set(&key("digest:QUA:cfg"), &value);
    set.ttl(Ttl::days(30).unwrap()).create().await.unwrap();
    let body = json!({
        "key": "digest:QUA:cfg",
        "value": {"hour": 7, "days": ["mon", "thu"]},
        "options": {"ttl": {"value": 30, "unit": "DAYS"}, "keyPolicy": "FAIL_IF_EXISTS"},
    });
    assert_eq!(platform.asked_once(), ("/v1/set".into(), body));
}

#[tokio::test]
async fn a_plain_set_has_no_options() {
    let platform = Platform::content().await;
    platform.storage.set(&key("k"), "v").await.unwrap();
    assert_eq!(platform.asked_once().1, json!({"key": "k", "value": "v"}));
}

#[tokio::test]
async fn a_set_gives_back_what_was_or_what_is() {
    let platform = Platform::start(|n, _| match n {
        0 => (StatusCode::NO_CONTENT, ""),
        1 => (StatusCode::OK, r#"{"key":"k","value":"old"}"#),
        _ => (
            StatusCode::OK,
            r#"{"key":"k","value":2,"updatedAt":1785585600000}"#,
        ),
    })
    .await;
    let set = |value: u8| platform.storage.set(&key("k"), &value);
    assert_eq!(set(0).previous::<String>().await.unwrap(), None);
    let old = set(1).previous::<String>().await.unwrap().unwrap();
    assert_eq!(old.value, "old");
    let latest = set(2).metadata(&[Metadata::UpdatedAt]).latest::<u8>().await;
    assert_eq!(latest.unwrap().updated_at.unwrap().unix(), 1_785_585_600);
    let options: Vec<_> = platform
        .asked()
        .iter()
        .map(|(_, body)| body["options"].clone())
        .collect();
    assert_eq!(
        options,
        [
            json!({"returnValue": "PREVIOUS"}),
            json!({"returnValue": "PREVIOUS"}),
            json!({"returnValue": "LATEST", "returnMetadataFields": ["UPDATED_AT"]}),
        ]
    );
}

#[tokio::test]
async fn secrets_and_entities_have_paths_of_their_own() {
    let platform = Platform::start(|_, request| {
        if request.uri.ends_with("/get") {
            (StatusCode::OK, r#"{"key":"k","value":1}"#)
        } else {
            (StatusCode::NO_CONTENT, "")
        }
    })
    .await;
    let (secrets, of) = (
        platform.storage.secrets(),
        platform.storage.entity(&entity("seat")),
    );
    assert_eq!(secrets.get::<u8>(&key("k")).await.unwrap(), Some(1));
    secrets.set(&key("k"), &1).await.unwrap();
    secrets.delete(&key("k")).await.unwrap();
    assert_eq!(of.get::<u8>(&key("k")).await.unwrap(), Some(1));
    of.set(&key("k"), &1).await.unwrap();
    of.delete(&key("k")).await.unwrap();
    platform.storage.delete(&key("k")).await.unwrap();
    let named = json!({"entityName": "seat", "key": "k"});
    let expected = [
        ("/v1/secret/get", json!({"key": "k"})),
        ("/v1/secret/set", json!({"key": "k", "value": 1})),
        ("/v1/secret/delete", json!({"key": "k"})),
        ("/v1/entity/get", named.clone()),
        (
            "/v1/entity/set",
            json!({"entityName": "seat", "key": "k", "value": 1}),
        ),
        ("/v1/entity/delete", named),
        ("/v1/delete", json!({"key": "k"})),
    ];
    assert_eq!(
        platform.asked(),
        expected.map(|(path, body)| (path.to_owned(), body))
    );
}

#[tokio::test]
async fn a_query_by_prefix_is_sent_as_the_platform_writes_it() {
    let platform =
        Platform::answering(200, r#"{"data":[{"key":"p:1","value":1}],"cursor":"next"}"#).await;
    let query = || platform.storage.query();
    let page = query()
        .prefix(&key("p:"))
        .limit(100)
        .page::<u8>()
        .await
        .unwrap();
    assert_eq!(page.entries[0].value, 1);
    let fields = &[Metadata::ExpireTime];
    query()
        .after(&page.next.unwrap())
        .metadata(fields)
        .page::<u8>()
        .await
        .unwrap();
    let condition = json!({"property": "key", "condition": "BEGINS_WITH", "values": ["p:"]});
    assert_eq!(
        platform.asked(),
        [
            (
                "/v1/query".to_owned(),
                json!({"limit": 100, "where": [condition]})
            ),
            (
                "/v1/query".to_owned(),
                json!({"after": "next", "options": {"metadataFields": ["EXPIRE_TIME"]}})
            ),
        ]
    );
}

#[tokio::test]
async fn a_query_of_an_index_is_sent_as_the_platform_writes_it() {
    let platform = Platform::answering(
        200,
        r#"{"data":[{"key":"s:17","value":{"space":"65538"}}],"cursor":"eyJ2IjoxfQ"}"#,
    )
    .await;
    let query = || {
        let of = platform.storage.entity(&entity("subscription"));
        of.query(&IndexName::new("by-space").unwrap())
    };
    let filtered = query()
        .partition(["65538"])
        .range(Range::between(100, 200))
        .filter(Condition::equal_to("active", true))
        .sort(Sort::Descending)
        .limit(20);
    let page = filtered.page::<Value>().await.unwrap();
    assert_eq!(page.entries[0].key, key("s:17"));
    query()
        .after(&page.next.unwrap())
        .page::<Value>()
        .await
        .unwrap();
    assert_eq!(
        platform.asked(),
        [
            (
                "/v1/entity/query".to_owned(),
                json!({
                    "entityName": "subscription", "indexName": "by-space", "partition": ["65538"],
                    "range": {"condition": "BETWEEN", "values": [100, 200]},
                    "filters": {"and": [
                        {"property": "active", "condition": "EQUAL_TO", "values": [true]},
                    ]},
                    "sort": "DESC", "limit": 20,
                })
            ),
            (
                "/v1/entity/query".to_owned(),
                json!({
                    "entityName": "subscription", "indexName": "by-space",
                    "cursor": "eyJ2IjoxfQ",
                })
            ),
        ]
    );
}

#[test]
fn conditions_have_the_platforms_names() {
    let filter = Filter::any([
        Condition::begins_with("a", "x"),
        Condition::between("a", 1, 2),
        Condition::contains("a", "x"),
        Condition::not_contains("a", "x"),
        Condition::equal_to("a", 1.5),
        Condition::not_equal_to("a", 1),
        Condition::greater_than("a", 1),
        Condition::at_least("a", 1),
        Condition::less_than("a", 1),
        Condition::at_most("a", 1),
        Condition::exists("a"),
        Condition::not_exists("a"),
    ]);
    let item = |condition: &str, values: Value| json!({"property": "a", "condition": condition, "values": values});
    assert_eq!(
        serde_json::to_value(filter).unwrap(),
        json!({"or": [
            item("BEGINS_WITH", json!(["x"])),
            item("BETWEEN", json!([1, 2])),
            item("CONTAINS", json!(["x"])),
            item("NOT_CONTAINS", json!(["x"])),
            item("EQUAL_TO", json!([1.5])),
            item("NOT_EQUAL_TO", json!([1])),
            item("GREATER_THAN", json!([1])),
            item("GREATER_THAN_EQUAL_TO", json!([1])),
            item("LESS_THAN", json!([1])),
            item("LESS_THAN_EQUAL_TO", json!([1])),
            item("EXISTS", json!([true])),
            item("NOT_EXISTS", json!([true])),
        ]})
    );
    let range = serde_json::to_value(Range::at_least(5)).unwrap();
    assert_eq!(
        range,
        json!({"condition": "GREATER_THAN_EQUAL_TO", "values": [5]})
    );
}

#[tokio::test]
async fn a_transaction_is_sent_as_the_platform_writes_it() {
    let platform = Platform::content().await;
    let (seat, ttl) = (entity("seat"), Ttl::hours(1).unwrap());
    let free = || Condition::equal_to("taken", false);
    let of = platform.storage.entity(&seat);
    let transaction = platform
        .storage
        .transaction()
        .set(Put::new(key("a"), &1).ttl(ttl))
        .set_if(
            Put::new(of.item(&key("b")), &json!({"taken": true})),
            free(),
        )
        .delete(key("c"))
        .delete_if(of.item(&key("d")), Filter::any([free()]))
        .check(&seat, &key("e"), free());
    transaction.commit().await.unwrap();
    let free = json!({"property": "taken", "condition": "EQUAL_TO", "values": [false]});
    let body = json!({
        "set": [
            {"key": "a", "value": 1, "options": {"ttl": {"value": 1, "unit": "HOURS"}}},
            {"key": "b", "entityName": "seat", "value": {"taken": true}, "conditions": {"and": [free]}},
        ],
        "delete": [
            {"key": "c"},
            {"key": "d", "entityName": "seat", "conditions": {"or": [free]}},
        ],
        "check": [{"key": "e", "entityName": "seat", "conditions": {"and": [free]}}],
    });
    assert_eq!(platform.asked_once(), ("/v1/transaction".into(), body));
}
