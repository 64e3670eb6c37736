//! Storage against small servers on loopback.

mod batches;
mod bodies;
mod errors;
mod limits;
mod pages;
mod repeats;

use std::sync::Arc;

use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::Value;

use super::{EntityName, Key, Storage};
use crate::{
    outbound::ApiHosts,
    product::tests::{
        Caller,
        upstream::{Arrived, Upstream},
    },
    trace::TraceId,
};

const BASE: &str = "/forge/storage/kvs";

/// A platform that answers as it is told, and a client of its storage.
struct Platform {
    upstream: Upstream,
    storage: Storage,
}

impl Platform {
    /// Answers with what `answer` makes of a request and of how many came before it.
    async fn start<A: IntoResponse>(
        answer: impl Fn(usize, &Arrived) -> A + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::called_by(&Caller::new(), answer).await
    }

    async fn called_by<A: IntoResponse>(
        caller: &Caller,
        answer: impl Fn(usize, &Arrived) -> A + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::of(caller, Upstream::start(answer).await)
    }

    /// Always the same answer.
    async fn answering(status: u16, body: &'static str) -> Self {
        Self::of(&Caller::new(), Upstream::answering(status, body).await)
    }

    /// Writes, deletes and commits whatever comes.
    async fn content() -> Self {
        Self::start(|_, _| StatusCode::NO_CONTENT).await
    }

    fn of(caller: &Caller, upstream: Upstream) -> Self {
        let storage = storage(caller, &upstream.url);
        Self { upstream, storage }
    }

    /// The paths that were asked, without the base, and the bodies.
    fn asked(&self) -> Vec<(String, Value)> {
        let arrived = self.upstream.arrived();
        let asked = arrived.iter().map(|request| {
            assert_eq!(request.method, "POST");
            let path = request.uri.strip_prefix(BASE).unwrap().to_owned();
            (path, serde_json::from_slice(&request.body).unwrap())
        });
        asked.collect()
    }

    /// The only one of them.
    #[track_caller]
    fn asked_once(&self) -> (String, Value) {
        let [asked] = self.asked().try_into().unwrap();
        asked
    }
}

fn storage(caller: &Caller, url: &str) -> Storage {
    let hosts = ApiHosts::new(["127.0.0.1"], true);
    let base = hosts.check(format!("{url}{BASE}").parse().unwrap());
    let credentials = Arc::clone(&caller.credentials);
    let (deadline, trace) = (caller.deadline, TraceId::random());
    Storage::new(
        &caller.outbound,
        base.unwrap(),
        None,
        credentials,
        deadline,
        trace,
    )
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn entity(text: &str) -> EntityName {
    EntityName::new(text).unwrap()
}
