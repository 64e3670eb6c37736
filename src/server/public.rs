//! What answers on the public listener: CORS, the gate, and the router behind it.

use std::convert::Infallible;

use axum::Router;
use hyper::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;

use super::{
    connections::{Answers, Asked},
    cross_origin::cors,
    gate::Gate,
    held::Held,
    layers,
    pressure::Pressure,
};
use crate::forge::Forge;

/// The public routes. A browser can read a refusal too: CORS is in front of the gate.
#[derive(Debug, Clone)]
pub(super) struct Public {
    cors: CorsLayer,
    gate: Gate,
    router: Router,
}

impl Public {
    pub(super) fn new(routes: Router<Forge>, forge: &Forge) -> Self {
        let settings = &forge.config().server;
        Self {
            cors: cors(settings),
            gate: Gate::new(settings),
            router: layers::around(routes, forge).with_state(()),
        }
    }

    pub(super) fn pressure(&self) -> Pressure {
        self.gate.pressure()
    }
}

impl Answers for Public {
    type Body = Held;

    async fn answer(self, request: Request<Asked>) -> Response<Held> {
        let Self { cors, gate, router } = self;
        let gated = service_fn(move |request| gate.clone().serve(router.clone(), request));
        let answer = cors.layer(gated).oneshot(request).await;
        answer.unwrap_or_else(|never: Infallible| match never {})
    }
}
