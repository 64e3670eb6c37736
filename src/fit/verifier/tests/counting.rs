//! What is counted.

use metrics_exporter_prometheus::PrometheusBuilder;

use super::*;
use crate::fit::testing::{claims, claims_without};

#[test]
fn verifications_and_refreshes_are_counted_by_outcome() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let remote = Remote::start().await;
            remote.outcome(&claims()).await;
            remote.outcome(&claims_without("/iss")).await;
            remote.outcome(&claims_without("/iss")).await;
        });
    });
    let text = recorder.handle().render();
    for line in [
        r#"forge_fit_verifications_total{outcome="ok"} 1"#,
        r#"forge_fit_verifications_total{outcome="wrong_issuer"} 2"#,
        "forge_fit_verification_seconds_count 3",
        r#"forge_jwks_refreshes_total{outcome="ok"} 1"#,
        r#"forge_jwks_refreshed_timestamp_seconds{set="production"} 1785312002"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
