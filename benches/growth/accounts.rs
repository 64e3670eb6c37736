//! A cached token of an impersonated account, among a hundred to a million of them.

use std::{hint::black_box, sync::Arc, time::Duration};

use axum::{Json, Router, routing::post};
use forge_remote::{
    clock::Clock,
    config,
    deadline::Deadline,
    ids::{AccountId, Product},
    impersonation::{ContextId, Impersonation, Subject},
    outbound::{self, ApiHosts},
    token::AppToken,
    trace::TraceId,
};
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::json;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::{
    measure::{Table, nanoseconds, resident, shuffled, thousands},
    played::{APP, CLOUD},
};

/// About as long as a token of the gateway.
const TOKEN: usize = 1_500;
const SITE: usize = 1_000;
const ASKED: usize = 200_000;
const AT_ONCE: usize = 64;

pub(crate) fn measure(runtime: &Runtime, small: usize) -> Table {
    let mut table = Table::new(
        "A hit among so many cached accounts",
        &[
            "accounts",
            "at most",
            "kept",
            "1 thread, ns",
            "2 threads, ns",
            "bytes each, beside the token's",
        ],
    );
    // The last one would like half as many more as there is room for.
    let curves = [
        (100, 1_000_000),
        (10_000, 1_000_000),
        (100_000, 1_000_000),
        (1_000_000, 1_100_000),
        (150_000, 100_000),
    ];
    // None is dropped: the next one would take its memory over and seem to take none.
    let mut caches = Vec::new();
    for (accounts, most) in curves.into_iter().filter(|it| it.0 <= small) {
        caches.push(runtime.block_on(Cached::new(most)));
        if let Some(cache) = caches.last() {
            table.row(curve(runtime, cache, accounts, most));
        }
    }
    table
}

fn curve(runtime: &Runtime, cache: &Cached, accounts: usize, most: usize) -> [String; 6] {
    // The machinery of the exchange takes its memory once.
    runtime.block_on(cache.fill(0..AT_ONCE));
    let before = resident();
    runtime.block_on(cache.fill(AT_ONCE..accounts));
    let kept = cache.impersonation.cached_tokens();
    assert!(kept <= most, "{kept} of at most {most}");
    let each = resident().saturating_sub(before) / kept.saturating_sub(AT_ONCE).max(1);
    // What came last is there.
    let there = kept.min(accounts) * 9 / 10;
    let nth = |thread, time| subject(accounts - 1 - shuffled(thread, time, there));
    let hit = |threads| {
        let overhead = |thread: usize, time: usize| drop(black_box(nth(thread, time)));
        let work = |thread: usize, time: usize| cache.hit(&nth(thread, time));
        let _runtime = runtime.enter();
        nanoseconds(threads, ASKED, &overhead, &work)
    };
    let (one, two) = (hit(1), hit(2));
    // Few entries show what the process happens to hold, not what they take.
    let each = if kept >= 100_000 {
        thousands(each.saturating_sub(TOKEN))
    } else {
        "-".to_owned()
    };
    [
        thousands(accounts),
        thousands(most),
        thousands(kept),
        format!("{one:.0}"),
        format!("{two:.0}"),
        each,
    ]
}

struct Cached {
    impersonation: Impersonation,
    app_token: AppToken,
    trace: TraceId,
}

impl Cached {
    async fn new(most: usize) -> Self {
        let settings = config::Impersonation {
            requests_per_minute: 60_000_000,
            max_cached_tokens: most.try_into().unwrap(),
        };
        let hosts = ApiHosts::new(["127.0.0.1"], true);
        let url = hosts.check(gateway().await.parse().unwrap()).unwrap();
        let http = outbound::client().unwrap();
        Self {
            impersonation: Impersonation::new(&settings, url, http, Clock::system()),
            app_token: AppToken::received("app".to_owned(), Clock::system().now()).unwrap(),
            trace: TraceId::random(),
        }
    }

    async fn fill(&self, accounts: std::ops::Range<usize>) {
        let exchange = async |account| {
            let deadline = Deadline::after(Duration::from_mins(1));
            let subject = subject(account);
            let token = self
                .impersonation
                .token(&subject, &self.app_token, deadline, &self.trace);
            token.await.unwrap();
        };
        stream::iter(accounts)
            .map(exchange)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }

    fn hit(&self, subject: &Subject) {
        let deadline = Deadline::after(Duration::from_mins(1));
        let token = self
            .impersonation
            .token(subject, &self.app_token, deadline, &self.trace);
        // What the cache let go meanwhile would wait for the gateway.
        drop(black_box(token.now_or_never()));
    }
}

/// An account of a site with as many others, as an invocation names it.
fn subject(account: usize) -> Subject {
    let cloud = format!("{}{:012}", &CLOUD[..24], account / SITE);
    let account_id: AccountId = format!("712020:5d0b7c34-8e21-4f96-a7d3-{account:012}")
        .parse()
        .unwrap();
    Subject {
        app: APP.parse().unwrap(),
        installation: Uuid::from_u128((account / SITE) as u128).into(),
        ic_label: None,
        context: ContextId::site(Product::Confluence, cloud.parse().unwrap()),
        account: account_id,
    }
}

async fn gateway() -> String {
    let told = json!({"success": true, "authToken": {"token": "t".repeat(TOKEN), "ttl": 3600}});
    let answer = Arc::new(json!({"data": {"offlineUserAuthToken": told}}));
    let router = Router::new().route("/graphql", post(async move || Json(Arc::clone(&answer))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/graphql")
}
