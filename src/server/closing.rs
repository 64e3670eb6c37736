//! What is counted and logged of a request once its answer is there.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use http::{Method, StatusCode};
use metrics::{Counter, Histogram};
use tokio::time::Instant;

use super::{invocations::Invocations, span};
use crate::{
    error::{ErrorCode, Failure},
    invocation::Recognised,
};

/// Longer than any method that is registered. What is longer came from outside, and may be as
/// long as a head.
const LONGEST_METHOD: usize = 17;

/// Counts and logs requests. Clones share the counts.
#[derive(Clone)]
pub(super) struct Closing(Arc<Counts>);

struct Counts {
    seconds: Histogram,
    /// As many as there are routes: each is registered when it is first asked.
    routes: ArcSwap<HashMap<Box<str>, Arc<Classes>>>,
    invocations: Invocations,
}

/// The answers of a route, by the hundreds of their status.
#[derive(Default)]
struct Classes([OnceLock<Counter>; CLASSES.len()]);

const CLASSES: [&str; 5] = ["other", "2xx", "3xx", "4xx", "5xx"];

/// A request that came.
pub(super) struct Asked {
    at: Instant,
    method: Option<Method>,
    route: Option<MatchedPath>,
    recognised: Recognised,
}

impl Asked {
    /// A request that came just now.
    pub(super) fn now(request: &Request) -> Self {
        let method = request.method();
        Self {
            at: Instant::now(),
            method: (method.as_str().len() <= LONGEST_METHOD).then(|| method.clone()),
            route: request.extensions().get().cloned(),
            recognised: Recognised::default(),
        }
    }

    /// Where the extractor notes whose request it is.
    pub(super) const fn recognised(&self) -> &Recognised {
        &self.recognised
    }

    pub(super) fn method(&self) -> &str {
        self.method.as_ref().map_or("<other>", Method::as_str)
    }

    pub(super) const fn has_route(&self) -> bool {
        self.route.is_some()
    }

    /// Not the path, which may hold anything.
    pub(super) fn route(&self) -> &str {
        self.route.as_ref().map_or("<unknown>", MatchedPath::as_str)
    }
}

impl Closing {
    pub(super) fn new() -> Self {
        Self(Arc::new(Counts {
            seconds: metrics::histogram!("forge_request_seconds"),
            routes: ArcSwap::default(),
            invocations: Invocations::new(),
        }))
    }

    /// Counts an answer, and says what there is to say of it.
    pub(super) fn close(&self, answer: &Response, asked: &Asked) {
        let took = asked.at.elapsed();
        self.0.seconds.record(took);
        self.0.count(asked.route(), answer.status());
        if let Some((fit, kind)) = asked.recognised.get() {
            self.0.invocations.count(fit, *kind, answer);
        }
        say(answer, asked, took.as_secs_f64() * 1000.0);
    }
}

impl Counts {
    fn count(&self, route: &str, status: StatusCode) {
        let class = match status.as_u16() / 100 {
            hundreds @ 2..=5 => usize::from(hundreds) - 1,
            _ => 0,
        };
        let routes = self.routes.load();
        let counters = match routes.get(route) {
            Some(counters) => Arc::clone(counters),
            None => self.register(route),
        };
        let counter = counters.0[class].get_or_init(|| {
            let route = route.to_owned();
            metrics::counter!("forge_requests_total", "route" => route, "class" => CLASSES[class])
        });
        counter.increment(1);
    }

    fn register(&self, route: &str) -> Arc<Classes> {
        let counters = Arc::<Classes>::default();
        // Whoever registers it at the same time may come first: both count the same.
        self.routes.rcu(|routes| {
            let mut routes = HashMap::clone(routes);
            routes.insert(route.into(), Arc::clone(&counters));
            routes
        });
        counters
    }
}

/// One line for each answer, under a target of its own: whoever wants to see those of all
/// requests says `forge_remote::access=debug`.
const ACCESS: &str = "forge_remote::access";

fn say(answer: &Response, asked: &Asked, duration_ms: f64) {
    let (method, route) = (asked.method(), asked.route());
    let failure = answer.extensions().get::<Failure>();
    let code = failure.map(|Failure(error)| error.code());
    span::answered(answer.status(), code.map(ErrorCode::as_str));
    let status = answer.status().as_u16();
    let Some(Failure(error)) = failure else {
        return tracing::debug!(
            target: ACCESS,
            status, outcome = outcome(answer.status()), duration_ms, "{method} {route} answered"
        );
    };
    let code = error.code().as_str();
    let causes = error.causes();
    let cause = (!causes.is_empty()).then_some(causes);
    if error.code() == ErrorCode::Overloaded {
        // Counted and said where it was refused, once a second: a line for each would be one
        // more thing to do.
        tracing::debug!(
            target: ACCESS,
            status, outcome = "shed", code, cause, duration_ms, "{method} {route} turned away"
        );
    } else if status >= 500 {
        tracing::warn!(
            target: ACCESS,
            status, outcome = "failed", code, cause,
            upstream_trace_id = error.upstream_trace(), duration_ms, "{method} {route} failed"
        );
    } else {
        tracing::info!(
            target: ACCESS,
            status, outcome = "refused", code, cause,
            upstream_trace_id = error.upstream_trace(), duration_ms, "{method} {route} refused"
        );
    }
}

/// Of an answer that a handler made itself.
fn outcome(status: StatusCode) -> &'static str {
    if status.is_server_error() {
        "failed"
    } else if status.is_client_error() {
        "refused"
    } else {
        "ok"
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_method_is_shown_unless_it_is_longer_than_any() {
        let method = |method: &str| {
            let request = Request::builder().method(method).body(Body::empty());
            Asked::now(&request.unwrap()).method().to_owned()
        };
        assert_eq!(method("GET"), "GET");
        assert_eq!(method("UPDATEREDIRECTREF"), "UPDATEREDIRECTREF");
        assert_eq!(method(&"A".repeat(LONGEST_METHOD + 1)), "<other>");
    }

    #[test]
    fn every_status_has_its_class_and_every_route_is_registered_once() {
        let counts = Closing::new().0;
        for status in [101, 200, 302, 404, 503, 700, 999] {
            counts.count("/a", StatusCode::from_u16(status).unwrap());
        }
        counts.count("/b", StatusCode::OK);
        let routes = counts.routes.load();
        assert_eq!(routes.len(), 2);
        assert!(routes["/a"].0.iter().all(|counter| counter.get().is_some()));
    }
}
