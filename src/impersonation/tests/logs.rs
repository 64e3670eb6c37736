//! What a log and the metrics may hold.

use metrics_exporter_prometheus::PrometheusBuilder;

use super::*;
use crate::captured_log::Logs;

#[tokio::test]
async fn no_log_line_or_error_holds_a_token_or_the_account() {
    let logs = Logs::capture();
    // A gateway that repeats what it should not.
    let echo = format!("no {ACCOUNT}\nwith {APP_TOKEN} {}", "x".repeat(5_000));
    let gateway = FakeGateway::start(move |seen| match seen.index {
        0 => granted("their-t0ken", 3600),
        1 => denied(&echo),
        _ => respond(400, &json!({"errors": [{"message": echo}]})),
    })
    .await;
    let impersonation = gateway.impersonation();
    let mut shown = Vec::new();
    for product in ["confluence", "compass", "loom"] {
        let context = ContextId::site(Product::from(product), CLOUD.parse().unwrap());
        let subject = Subject {
            context,
            ..subject()
        };
        tracing::info!(?subject, ?impersonation, "asked");
        if let Err(error) = ask(&impersonation, &subject).await {
            let causes = crate::Error::from(error.clone()).causes();
            shown.extend([error.to_string(), format!("{error:?}"), causes]);
        }
    }
    let shown = shown.join("\n");
    let log = logs.text();
    assert_eq!(
        log.matches("asked the gateway for an account's token")
            .count(),
        3
    );
    assert!(log.contains("outcome=\"denied\""), "{log}");
    assert!(shown.contains("no [account] with [redacted]"), "{shown}");
    assert!(shown.len() < 4_000, "messages are cut");
    for text in [&log, &shown] {
        for secret in [APP_TOKEN, "their-t0ken", ACCOUNT] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn exchanges_and_hits_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let gateway = FakeGateway::start(|seen| match seen.index {
        0 => granted("t", 3600),
        1 => denied("no"),
        _ => status(500),
    })
    .await;
    let impersonation = metrics::with_local_recorder(&recorder, || gateway.impersonation());
    for account in ["one", "one", "two", "two", "three"] {
        let subject = Subject {
            account: account.parse().unwrap(),
            ..subject()
        };
        let _ = ask(&impersonation, &subject).await;
    }
    pass(Duration::from_mins(50)).await;
    let renewed = Subject {
        account: "one".parse().unwrap(),
        ..subject()
    };
    ask(&impersonation, &renewed).await.unwrap();
    until(|| impersonation.flights.is_empty()).await;
    let metrics = recorder.handle().render();
    for line in [
        "forge_impersonation_cache_total{result=\"hit\"} 3",
        "forge_impersonation_cache_total{result=\"miss\"} 3",
        "forge_impersonation_cache_total{result=\"renewal\"} 1",
        "forge_impersonation_exchanges_total{outcome=\"granted\"} 1",
        "forge_impersonation_exchanges_total{outcome=\"denied\"} 1",
        "forge_impersonation_exchanges_total{outcome=\"failed\"} 3",
        "forge_impersonation_wait_seconds_count 5",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
}
