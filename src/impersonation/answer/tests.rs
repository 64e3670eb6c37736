use proptest::prelude::*;
use serde_json::json;

use super::*;

fn ok(body: &Value) -> Answer {
    read_answer(StatusCode::OK, body.to_string().as_bytes())
}

fn exchange(exchange: &Value) -> Answer {
    ok(&json!({"data": {"offlineUserAuthToken": exchange}}))
}

fn ttl_of(ttl: &Value) -> Duration {
    let body = json!({"success": true, "errors": null, "authToken": {"token": "t", "ttl": ttl}});
    match exchange(&body) {
        Answer::Granted { token, ttl } => {
            assert_eq!(token.expose(), "t");
            ttl
        }
        other => panic!("{other:?}"),
    }
}

fn graphql(statuses: &[Value]) -> Answer {
    let errors: Vec<Value> = statuses
        .iter()
        .map(|status| json!({"message": "no", "extensions": {"statusCode": status}}))
        .collect();
    ok(&json!({"data": null, "errors": errors}))
}

#[test]
fn a_life_is_an_integer_or_a_text_that_holds_one() {
    let hour = Duration::from_hours(1);
    assert_eq!(ttl_of(&json!(3600)), hour);
    assert_eq!(ttl_of(&json!("3600")), hour);
    assert_eq!(ttl_of(&json!(" 3600 ")), hour);
}

#[test]
fn no_life_is_longer_than_four_hours() {
    for ttl in [
        json!(14_401),
        json!("99999999"),
        json!(u64::MAX),
        json!(i64::MAX),
    ] {
        assert_eq!(ttl_of(&ttl), LONGEST_LIFE, "{ttl}");
    }
}

#[test]
fn a_life_that_cannot_be_read_is_none() {
    for ttl in [
        json!(0),
        json!(-1),
        json!(null),
        json!("an hour"),
        json!(true),
        json!([3600]),
        json!(""),
    ] {
        assert_eq!(ttl_of(&ttl), Duration::ZERO, "{ttl}");
    }
    let without = json!({"success": true, "authToken": {"token": "t"}});
    assert!(matches!(
        exchange(&without),
        Answer::Granted {
            ttl: Duration::ZERO,
            ..
        }
    ));
}

#[test]
fn success_without_a_token_is_a_failure() {
    for token in [
        json!(null),
        json!({}),
        json!({"token": null, "ttl": 1}),
        json!({"token": "", "ttl": 1}),
        json!({"token": 7, "ttl": 1}),
        json!("t"),
    ] {
        let answer = exchange(&json!({"success": true, "errors": [], "authToken": token}));
        assert!(
            matches!(answer, Answer::Failed(GatewayFault::Unreadable(_))),
            "{token}: {answer:?}"
        );
    }
}

#[test]
fn a_refusal_keeps_its_messages() {
    let body = json!({"success": false, "authToken": null,
        "errors": [{"message": "first"}, null, {"message": 7}, {"message": "second"}]});
    match exchange(&body) {
        Answer::Denied { message } => assert_eq!(message, "first; second"),
        other => panic!("{other:?}"),
    }
    for errors in [json!(null), json!([]), json!("x"), json!({})] {
        let answer = exchange(&json!({"success": false, "errors": errors, "authToken": null}));
        assert!(matches!(answer, Answer::Denied { message } if message.is_empty()));
    }
}

#[test]
fn a_token_beside_a_refusal_is_not_taken() {
    let body = json!({"success": false, "errors": [], "authToken": {"token": "t", "ttl": 60}});
    assert!(matches!(exchange(&body), Answer::Denied { .. }));
}

#[test]
fn a_graphql_error_counts_as_its_status() {
    for status in [400, 403, 404] {
        let answer = graphql(&[json!(status)]);
        assert!(matches!(answer, Answer::Denied { .. }), "{status}");
    }
    assert!(matches!(graphql(&[json!("403")]), Answer::Denied { .. }));
    assert!(matches!(graphql(&[json!(401)]), Answer::AppTokenRefused));
    assert!(matches!(graphql(&[json!(429)]), Answer::RateLimited));
    for status in [500, 503] {
        let answer = graphql(&[json!(status)]);
        assert!(
            matches!(answer, Answer::Failed(fault) if fault.may_pass()),
            "{status}"
        );
    }
}

#[test]
fn a_denial_among_other_errors_is_no_verdict() {
    let with = |other: u16| graphql(&[json!(403), json!(other)]);
    assert!(matches!(with(401), Answer::AppTokenRefused));
    assert!(matches!(with(429), Answer::RateLimited));
    assert!(matches!(with(502), Answer::Failed(_)));
}

#[test]
fn an_error_without_a_usable_status_is_a_failure() {
    for status in [
        json!(null),
        json!(200),
        json!(99),
        json!(70_000),
        json!(-1),
        json!("x"),
    ] {
        assert!(
            matches!(graphql(std::slice::from_ref(&status)), Answer::Failed(_)),
            "{status}"
        );
    }
}

#[test]
fn every_step_may_be_null_or_missing() {
    for body in [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({"data": null}),
        json!({"data": []}),
        json!({"data": {}}),
        json!({"data": {"offlineUserAuthToken": null}}),
        json!({"data": {"offlineUserAuthToken": 1}}),
        json!({"data": {"offlineUserAuthToken": {}}}),
        json!({"data": {"offlineUserAuthToken": {"success": "true", "authToken": {"token": "t"}}}}),
        json!({"data": null, "errors": null}),
        json!({"errors": [null, 1, {}, {"extensions": null}, {"extensions": {}}]}),
    ] {
        let answer = ok(&body);
        assert!(
            matches!(answer, Answer::Failed(GatewayFault::Unreadable(_))),
            "{body}: {answer:?}"
        );
    }
    assert!(matches!(
        read_answer(StatusCode::OK, b"<html>"),
        Answer::Failed(_)
    ));
}

#[test]
fn the_status_of_the_response_comes_before_its_body() {
    let granted = json!({"data": {"offlineUserAuthToken":
        {"success": true, "authToken": {"token": "t", "ttl": 60}}}})
    .to_string();
    for body in [granted.as_bytes(), b"<html>", b""] {
        let read = |status: u16| read_answer(StatusCode::from_u16(status).unwrap(), body);
        assert!(matches!(read(401), Answer::AppTokenRefused));
        assert!(matches!(read(429), Answer::RateLimited));
        assert!(matches!(read(403), Answer::Denied { .. }));
        for status in [302, 307, 400, 404, 500, 503] {
            match read(status) {
                Answer::Failed(fault) => assert_eq!(fault.may_pass(), status >= 500),
                other => panic!("{status}: {other:?}"),
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = || {
        prop::sample::select(vec![
            "data",
            "offlineUserAuthToken",
            "success",
            "errors",
            "message",
            "authToken",
            "token",
            "ttl",
            "extensions",
            "statusCode",
        ])
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names(), inner), 0..6)
                .prop_map(|pairs| pairs.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read(status in 100_u16..1000, body in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = read_answer(StatusCode::from_u16(status).unwrap(), &body);
    }

    #[test]
    fn a_token_is_granted_only_with_success_and_a_token(body in any_json()) {
        let told = &body["data"]["offlineUserAuthToken"];
        let granted = matches!(ok(&body), Answer::Granted { .. });
        let should = told["success"] == json!(true)
            && told["authToken"]["token"].as_str().is_some_and(|token| !token.is_empty());
        prop_assert_eq!(granted, should);
    }

    #[test]
    fn any_exchange_is_read(told in any_json(), errors in any_json()) {
        let body = json!({"data": {"offlineUserAuthToken": told}, "errors": errors});
        if let Answer::Granted { ttl, .. } = ok(&body) {
            prop_assert!(ttl <= LONGEST_LIFE);
        }
    }
}
