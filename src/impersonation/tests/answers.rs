//! Each answer that the gateway can give, and the request that it is given to.

use http::header;

use super::*;

/// What a caller gets when the gateway always answers like this, and after how many requests.
async fn outcome(
    answer: impl Fn() -> Response + Send + Sync + 'static,
) -> (Result<String, ImpersonationError>, usize) {
    let gateway = FakeGateway::start(move |_| answer()).await;
    let result = ask(&gateway.impersonation(), &subject()).await;
    (result, gateway.requests())
}

#[tokio::test]
async fn the_request_is_the_documented_one() {
    let gateway = FakeGateway::generous().await;
    let trace = TraceId::random();
    let deadline = Deadline::after(Duration::from_secs(5));
    gateway
        .impersonation()
        .token(&subject(), &app_token(APP_TOKEN), deadline, &trace)
        .await
        .unwrap();
    let [seen] = &gateway.seen()[..] else {
        panic!("one request")
    };
    assert_eq!(
        seen.body,
        json!({
            "query": "mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) { offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }",
            "variables": {"input": {
                "contextIds": ["ari:cloud:confluence::site/3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85"],
                "userId": "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458",
            }},
        })
    );
    assert_eq!(seen.headers[header::ACCEPT], "application/json");
    assert_eq!(seen.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(seen.headers[header::AUTHORIZATION], "Bearer app-t0ken");
    assert_eq!(seen.headers["x-b3-traceid"], trace.as_str());
    assert_eq!(seen.headers["x-b3-spanid"].len(), 16);
}

#[tokio::test]
async fn success_gives_the_token_with_its_expiry() {
    let gateway = FakeGateway::start(|_| granted("theirs", 1800)).await;
    let deadline = Deadline::after(Duration::from_secs(5));
    let token = gateway
        .impersonation()
        .token(
            &subject(),
            &app_token(APP_TOKEN),
            deadline,
            &TraceId::random(),
        )
        .await
        .unwrap();
    assert_eq!(token.secret().expose(), "theirs");
    assert_eq!(token.expires_at(), NOW.plus(Duration::from_mins(30)));
}

#[tokio::test]
async fn a_refusal_is_a_denial() {
    let (result, requests) = outcome(|| denied("User cannot be impersonated")).await;
    assert!(
        matches!(result, Err(ImpersonationError::Denied { message, .. }) if &*message == "User cannot be impersonated")
    );
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_graphql_error_counts_as_its_status() {
    let (result, requests) = outcome(|| graphql_error(403, "no")).await;
    assert!(matches!(result, Err(ImpersonationError::Denied { .. })));
    assert_eq!(requests, 1);
    let (result, requests) = outcome(|| graphql_error(401, "no")).await;
    assert!(matches!(
        result,
        Err(ImpersonationError::AppTokenRefused { .. })
    ));
    assert_eq!(requests, 1);
    let (result, requests) = outcome(|| graphql_error(500, "no")).await;
    assert!(matches!(result, Err(ImpersonationError::Gateway { .. })));
    assert_eq!(requests, 2);
    for body in [
        json!({"data": null, "errors": [{"message": "x"}]}),
        json!({"errors": [{"message": "x"}]}),
        json!({"data": {"offlineUserAuthToken": {"success": true, "authToken": null}}}),
    ] {
        let (result, requests) = outcome(move || respond(200, &body)).await;
        assert!(matches!(result, Err(ImpersonationError::Gateway { .. })));
        assert_eq!(requests, 1, "nothing says that it would pass");
    }
}

#[tokio::test]
async fn a_stale_app_token_is_told_apart_and_not_tried_again() {
    let (result, requests) = outcome(|| status(401)).await;
    assert!(matches!(
        result,
        Err(ImpersonationError::AppTokenRefused { .. })
    ));
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_malformed_request_is_our_failure_and_not_tried_again() {
    let (result, requests) = outcome(|| status(400)).await;
    assert!(matches!(result, Err(ImpersonationError::Gateway { .. })));
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_gateway_that_is_down_gets_one_more_try() {
    let (result, requests) = outcome(|| status(500)).await;
    assert!(matches!(result, Err(ImpersonationError::Gateway { .. })));
    assert_eq!(requests, 2);
    let gateway = FakeGateway::start(|seen| match seen.index {
        0 => status(503),
        _ => granted("second", 60),
    })
    .await;
    let token = ask(&gateway.impersonation(), &subject()).await;
    assert_eq!(token.unwrap(), "second");
}

#[tokio::test]
async fn no_second_try_is_begun_without_time_for_it() {
    // The answer takes so long that a tenth of a second is left.
    let gateway = FakeGateway::slow(|_| async {
        pass(Duration::from_millis(4_900)).await;
        status(500)
    })
    .await;
    let impersonation = gateway.impersonation();
    let result = ask_within(Duration::from_secs(5), &impersonation, &subject()).await;
    assert!(result.is_err());
    until(|| impersonation.flights.is_empty()).await;
    assert_eq!(gateway.requests(), 1);
}

#[tokio::test]
async fn a_gateway_that_cannot_be_reached_is_a_failure_with_its_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = allowed(&format!(
        "http://{}/graphql",
        listener.local_addr().unwrap()
    ));
    drop(listener);
    let settings = config::Impersonation {
        requests_per_minute: 100,
        max_cached_tokens: 10,
    };
    let http = outbound::client().unwrap();
    let impersonation = Impersonation::new(&settings, url, http, Clock::system());
    let error = ask(&impersonation, &subject()).await.unwrap_err();
    assert!(matches!(&error, ImpersonationError::Gateway { source, .. }
        if matches!(**source, GatewayFault::Unreachable(_))));
    let causes = crate::Error::from(error).causes();
    assert!(
        causes.starts_with("the exchange failed: the gateway cannot be reached: "),
        "{causes}"
    );
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_its_deadline() {
    let gateway = FakeGateway::slow(|_| future::pending()).await;
    let impersonation = gateway.impersonation();
    let result = ask_within(Duration::from_millis(50), &impersonation, &subject()).await;
    assert!(matches!(result, Err(ImpersonationError::Deadline)));
    // Who comes with no time at all begins nothing.
    let late = Subject {
        account: "late".parse().unwrap(),
        ..subject()
    };
    let result = ask_within(Duration::ZERO, &impersonation, &late).await;
    assert!(matches!(result, Err(ImpersonationError::Deadline)));
    assert_eq!(impersonation.flights.len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = FakeGateway::generous().await;
    let target = elsewhere.url.url().to_string();
    let (result, requests) = outcome(move || {
        let location = [("location", target.clone())];
        (StatusCode::TEMPORARY_REDIRECT, location).into_response()
    })
    .await;
    assert!(matches!(result, Err(ImpersonationError::Gateway { .. })));
    assert_eq!((requests, elsewhere.requests()), (1, 0));
}

#[tokio::test]
async fn an_answer_too_large_is_refused() {
    for (padding, fits) in [(200 * 1024, true), (256 * 1024, false)] {
        let (result, _) = outcome(move || {
            let told = json!({"success": true, "authToken": {"token": "t", "ttl": 60}});
            let data = json!({"offlineUserAuthToken": told});
            respond(200, &json!({"data": data, "padding": "x".repeat(padding)}))
        })
        .await;
        assert_eq!(result.is_ok(), fits, "{padding}");
    }
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_refused() {
    for token in ["a b", "a\r\nx: y", "ü"] {
        let (result, _) = outcome(move || granted(token, 60)).await;
        assert!(matches!(result, Err(ImpersonationError::Gateway { .. })));
    }
}

#[tokio::test]
async fn the_gateways_trace_id_goes_with_the_error() {
    let traced = |mut response: Response| {
        let id = http::HeaderValue::from_static("4bf92f3577b34da6");
        response.headers_mut().insert("atl-traceid", id);
        response
    };
    for answer in [denied("no"), status(401), status(400)] {
        let answer = Mutex::new(Some(traced(answer)));
        let (result, _) = outcome(move || answer.lock().unwrap().take().unwrap()).await;
        let error = crate::Error::from(result.unwrap_err());
        assert_eq!(error.upstream_trace(), Some("4bf92f3577b34da6"), "{error}");
    }
}
