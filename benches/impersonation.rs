//! What a token costs that is at hand: a hit of the cache, and the same through the door that
//! a handler uses, alone and with a second thread.
//!
//! `cargo bench --bench impersonation`; `growth` has the curve up to a million accounts.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "what cannot be set up cannot be measured"
)]

#[path = "platform/played.rs"]
#[expect(dead_code, reason = "no address has to be chosen here")]
mod played;

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use axum::{Json, Router, extract::FromRequestParts, routing::post};
use divan::{Bencher, black_box};
use forge_remote::{
    Config, Forge, Invocation,
    clock::Clock,
    config::{self, Sources},
    deadline::Deadline,
    ids::{AccountId, Product},
    impersonation::{ContextId, Impersonation, Subject},
    outbound::{self, ApiHosts},
    token::AppToken,
    trace::TraceId,
};
use futures_util::FutureExt;
use http::{Request, header::AUTHORIZATION};
use serde_json::json;
use tokio::runtime::Runtime;

use self::played::{APP, CLOUD, INSTALLATION, claims, serve_keys, sign, signing_key};

const ACCOUNTS: usize = 1_000;

fn main() {
    divan::main();
}

#[divan::bench(threads = [1, 2], sample_size = 1_000)]
fn hit_of_one_account(bencher: Bencher<'_, '_>) {
    Filled::new().bench(bencher, 1);
}

#[divan::bench(threads = [1, 2], sample_size = 1_000)]
fn hit_of_a_thousand_accounts(bencher: Bencher<'_, '_>) {
    Filled::new().bench(bencher, ACCOUNTS);
}

#[divan::bench(threads = [1, 2], sample_size = 1_000)]
fn as_account_of_an_invocation(bencher: Bencher<'_, '_>) {
    let runtime = Runtime::new().unwrap();
    let (invocation, accounts) = runtime.block_on(invoked());
    let next = AtomicUsize::new(0);
    bencher
        .with_inputs(|| &accounts[next.fetch_add(1, Relaxed) % ACCOUNTS])
        .bench_refs(|account| {
            invocation
                .as_account(black_box(account))
                .now_or_never()
                .expect("a hit waits for nothing")
                .unwrap()
        });
}

struct Filled {
    /// Runs the gateway; the bench itself needs no runtime.
    _runtime: Runtime,
    impersonation: Impersonation,
    subjects: Vec<Subject>,
    app_token: AppToken,
    trace: TraceId,
}

impl Filled {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
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
        Self {
            _runtime: runtime,
            impersonation,
            subjects,
            app_token,
            trace,
        }
    }

    fn bench(&self, bencher: Bencher<'_, '_>, accounts: usize) {
        let deadline = Deadline::after(Duration::from_hours(1));
        let next = AtomicUsize::new(0);
        bencher
            .with_inputs(|| &self.subjects[next.fetch_add(1, Relaxed) % accounts])
            .bench_refs(|subject| {
                self.impersonation
                    .token(black_box(subject), &self.app_token, deadline, &self.trace)
                    .now_or_never()
                    .expect("a hit waits for nothing")
                    .unwrap()
            });
    }
}

/// A verified invocation, and accounts whose tokens it has asked for.
async fn invoked() -> (Invocation, Vec<AccountId>) {
    let key = signing_key();
    let keys = serve_keys(&key);
    let variables = [
        ("_ENV", "test".to_owned()),
        ("__APP__IDS", APP.to_owned()),
        ("__FIT__JWKS_URL", format!("http://{keys}/jwks.json")),
        ("__STORE__URL", "sqlite::memory:".to_owned()),
        ("__ATLASSIAN__API_HOSTS", "127.0.0.1".to_owned()),
        ("__ATLASSIAN__GRAPHQL_URL", gateway().await),
        (
            "__ATLASSIAN__STORAGE_URL",
            "http://127.0.0.1:1/forge/storage/kvs".to_owned(),
        ),
    ];
    let variables: HashMap<_, _> = variables
        .into_iter()
        .map(|(name, value)| (format!("FORGE_REMOTE{name}"), value))
        .collect();
    let sources = Sources {
        folder: "/nonexistent".into(),
        variables,
    };
    let config = Config::load_from(&sources).unwrap().config;
    let forge = Forge::from_config(config).await.unwrap();
    let token = sign(&key, &claims("http://127.0.0.1:1", INSTALLATION, 3_600));
    let request = Request::get("/")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header("x-forge-oauth-system", "app");
    let mut head = request.body(()).unwrap().into_parts().0;
    let invocation = Invocation::from_request_parts(&mut head, &forge)
        .await
        .unwrap();
    let accounts: Vec<_> = (0..ACCOUNTS).map(account).collect();
    for account in &accounts {
        invocation.as_account(account).await.unwrap();
    }
    (invocation, accounts)
}

fn subject(number: usize) -> Subject {
    Subject {
        app: APP.parse().unwrap(),
        installation: INSTALLATION.parse().unwrap(),
        ic_label: None,
        context: ContextId::site(Product::Confluence, CLOUD.parse().unwrap()),
        account: account(number),
    }
}

fn account(number: usize) -> AccountId {
    format!("712020:5d0b7c34-8e21-4f96-a7d3-{number:012}")
        .parse()
        .unwrap()
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
