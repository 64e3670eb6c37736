//! What answers on the public listener: CORS, the gate, and the router behind it.

use std::{convert::Infallible, sync::Arc};

use axum::Router;
use http::{
    Method,
    header::{ORIGIN, VARY},
};
use hyper::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;

use super::{
    connections::{Answers, Asked},
    cross_origin::{VARIES_BY, cors},
    gate::Gate,
    held::Held,
    layers,
    pressure::Pressure,
};
use crate::forge::Forge;

/// The public routes. A browser can read a refusal too: CORS is in front of the gate.
#[derive(Debug, Clone)]
pub(super) struct Public(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cors: CorsLayer,
    gate: Gate,
    router: Router,
}

impl Public {
    pub(super) fn new(routes: Router<Forge>, forge: &Forge) -> Self {
        let settings = &forge.config().server;
        Self(Arc::new(Inner {
            cors: cors(forge.clone()),
            gate: Gate::new(settings),
            router: layers::around(routes, forge).with_state(()),
        }))
    }

    pub(super) fn pressure(&self) -> Pressure {
        self.0.gate.pressure()
    }
}

impl Answers for Public {
    type Body = Held;

    async fn answer(self, request: Request<Asked>) -> Response<Held> {
        let Inner { cors, gate, router } = &*self.0;
        let of_browser = request.headers().contains_key(ORIGIN);
        let answer = if of_browser || request.method() == Method::OPTIONS {
            let gated = |request| gate.serve(router.clone(), request);
            cors.layer(service_fn(gated)).oneshot(request).await
        } else {
            // Forge's own requests, which are most: CORS has nothing to say to them but this.
            let mut answer = gate.serve(router.clone(), request).await;
            if let Ok(answer) = &mut answer {
                answer.headers_mut().append(VARY, VARIES_BY);
            }
            answer
        };
        answer.unwrap_or_else(|never: Infallible| match never {})
    }
}
