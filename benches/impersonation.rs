//! What a token costs that is at hand: a hit of the cache, alone and with a second thread.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what cannot be set up cannot be measured"
)]

use std::time::Duration;

use axum::{Json, Router, routing::post};
use divan::{Bencher, black_box};
use forge_remote::{
    clock::Clock,
    config,
    deadline::Deadline,
    ids::Product,
    impersonation::{ContextId, Impersonation, Subject},
    outbound::{self, ApiHosts},
    token::AppToken,
    trace::TraceId,
};
use futures_util::FutureExt;
use serde_json::json;

const ACCOUNTS: usize = 1_000;

fn main() {
    divan::main();
}

struct Filled {
    /// Runs the gateway; the bench itself needs no runtime.
    _runtime: tokio::runtime::Runtime,
    impersonation: Impersonation,
    subjects: Vec<Subject>,
    app_token: AppToken,
    trace: TraceId,
}

fn subject(account: usize) -> Subject {
    Subject {
        app: "6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21".parse().unwrap(),
        installation: "9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647".parse().unwrap(),
        ic_label: None,
        context: ContextId::site(
            Product::Confluence,
            "3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85".parse().unwrap(),
        ),
        account: format!("712020:5d0b7c34-8e21-4f96-a7d3-{account:012}")
            .parse()
            .unwrap(),
    }
}

async fn gateway() -> String {
    let told = json!({"success": true, "authToken": {"token": "t".repeat(2_000), "ttl": 3600}});
    let answer = Json(json!({"data": {"offlineUserAuthToken": told}}));
    let router = Router::new().route("/graphql", post(async move || answer.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/graphql")
}

fn filled() -> Filled {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (impersonation, subjects, app_token, trace) = runtime.block_on(async {
        let settings = config::Impersonation {
            requests_per_minute: 1_000_000,
            max_cached_tokens: 100_000,
        };
        let hosts = ApiHosts::new(["127.0.0.1"], true);
        let url = hosts.check(gateway().await.parse().unwrap()).unwrap();
        let http = outbound::client().unwrap();
        let impersonation = Impersonation::new(&settings, url, http, Clock::system());
        let app_token = AppToken::received("app".to_owned(), Clock::system().now()).unwrap();
        let trace = TraceId::random();
        let subjects: Vec<_> = (0..ACCOUNTS).map(subject).collect();
        for subject in &subjects {
            let deadline = Deadline::after(Duration::from_secs(20));
            impersonation
                .token(subject, &app_token, deadline, &trace)
                .await
                .unwrap();
        }
        (impersonation, subjects, app_token, trace)
    });
    Filled {
        _runtime: runtime,
        impersonation,
        subjects,
        app_token,
        trace,
    }
}

impl Filled {
    fn bench(&self, bencher: Bencher<'_, '_>, accounts: usize) {
        let deadline = Deadline::after(Duration::from_hours(1));
        let next = std::sync::atomic::AtomicUsize::new(0);
        bencher
            .with_inputs(|| {
                let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                &self.subjects[n % accounts]
            })
            .bench_refs(|subject| {
                self.impersonation
                    .token(black_box(subject), &self.app_token, deadline, &self.trace)
                    .now_or_never()
                    .expect("a hit waits for nothing")
                    .unwrap()
            });
    }
}

#[divan::bench(threads = [1, 2], sample_size = 1_000)]
fn hit_of_one_account(bencher: Bencher<'_, '_>) {
    filled().bench(bencher, 1);
}

#[divan::bench(threads = [1, 2], sample_size = 1_000)]
fn hit_of_a_thousand_accounts(bencher: Bencher<'_, '_>) {
    filled().bench(bencher, ACCOUNTS);
}
