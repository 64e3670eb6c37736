//! One request to the GraphQL gateway, and its answer.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::Response;
use secrecy::zeroize::Zeroizing;
use serde_json::json;
use tracing::Instrument;

use super::{
    answer::{Answer, read_answer},
    context::ContextAri,
    error::GatewayFault,
};
use crate::{
    clock::{Clock, Timestamp},
    ids::AccountId,
    outbound::{ApiUrl, ClientSpan, Outgoing, upstream},
    telemetry::Parent,
    token::AppToken,
    trace::TraceId,
};

/// As it stands in "Calling product APIs from a remote".
const MUTATION: &str = "mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) { offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }";

const MUTATION_NAME: &str = "forge_remote_offlineUserAuthToken";

/// One try. Two of them fit into the 25 s that a user interface waits.
const TRY_LIMIT: Duration = Duration::from_secs(8);

/// For the body of an error, whose status says most.
const ERROR_BODY_LIMIT: Duration = Duration::from_secs(2);

/// An answer has a few kilobytes; this is what a gateway gone wild may cost.
const MAX_ANSWER: usize = 256 * 1024;

/// Room for most answers at once: a buffer that grows leaves copies of a token behind.
const ROOM: usize = 8 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[derive(Debug)]
pub(super) struct Gateway {
    url: ApiUrl,
    http: reqwest::Client,
    clock: Clock,
}

/// An answer with what its headers say.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) answer: Answer,
    status: Option<StatusCode>,
    pub(super) retry_after: Option<Duration>,
    pub(super) upstream_trace: Option<Arc<str>>,
}

impl Gateway {
    pub(super) const fn new(url: ApiUrl, http: reqwest::Client, clock: Clock) -> Self {
        Self { url, http, clock }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Asks for a token, within [`TRY_LIMIT`].
    pub(super) async fn ask(
        &self,
        app_token: &AppToken,
        context: &ContextAri,
        account: &AccountId,
        trace: &TraceId,
        parent: Option<Parent>,
        resent: u32,
    ) -> Reply {
        let outgoing = Outgoing {
            method: &Method::POST,
            url: self.url.url(),
            route: self.url.url().path(),
            resent,
        };
        let span = ClientSpan::begin(&outgoing, trace, parent);
        span.of_graphql("mutation", MUTATION_NAME);

        let body = json!({
            "query": MUTATION,
            "variables": {"input": {"contextIds": [context.as_str()], "userId": account.as_str()}},
        });
        let request = self
            .http
            .post(self.url.url().clone())
            .header(header::ACCEPT, JSON)
            .header(header::CONTENT_TYPE, JSON)
            .header(header::AUTHORIZATION, app_token.authorization())
            .headers(HeaderMap::from_iter(trace.onward_from(span.id())))
            .body(body.to_string());
        let reply = async {
            match request.send().await {
                Ok(response) => self.reply(response).await,
                Err(error) => Reply::without_answer(unreachable(error)),
            }
        };
        let reply = tokio::time::timeout(TRY_LIMIT, reply.instrument(span.span()))
            .await
            .unwrap_or_else(|_| Reply::without_answer(GatewayFault::TimedOut));
        reply.told(&span);
        reply
    }

    async fn reply(&self, mut response: Response) -> Reply {
        let retry_after = upstream::wait(response.headers(), self.clock.now());
        let upstream_trace = upstream::trace_id(response.headers()).map(Arc::from);
        let status = response.status();
        let answered = Some(status);
        let body = read_bounded(&mut response);
        let answer = if status.is_success() {
            body.await
                .map_or_else(Answer::Failed, |body| read_answer(status, &body))
        } else {
            // The status alone says enough where the body is too large, breaks off or does not end.
            let body = tokio::time::timeout(ERROR_BODY_LIMIT, body).await;
            let body = body.ok().and_then(Result::ok).unwrap_or_default();
            read_answer(status, &body)
        };
        Reply {
            answer,
            status: answered,
            retry_after,
            upstream_trace,
        }
    }
}

impl Reply {
    /// An answer of 200 may say no: then it is no failure of the call, and its word is the
    /// error's.
    fn told(&self, span: &ClientSpan) {
        if let Some(status) = self.status {
            span.answered(status);
        }
        match &self.answer {
            Answer::Granted { .. } => {}
            Answer::Denied { .. } => span.failed("denied"),
            Answer::AppTokenRefused => span.failed("app_token_refused"),
            Answer::RateLimited => span.failed("rate_limited"),
            Answer::Failed(GatewayFault::TimedOut) => span.failed("timeout"),
            Answer::Failed(GatewayFault::Unreachable(_)) => span.failed("connection"),
            Answer::Failed(_) => span.failed("bad_answer"),
        }
        if let Some(trace) = &self.upstream_trace {
            span.traced_as(trace);
        }
    }

    const fn without_answer(fault: GatewayFault) -> Self {
        Self {
            answer: Answer::Failed(fault),
            status: None,
            retry_after: None,
            upstream_trace: None,
        }
    }
}

/// The body, which may hold a token, and is wiped once it is read.
async fn read_bounded(response: &mut Response) -> Result<Zeroizing<Vec<u8>>, GatewayFault> {
    let mut body = Zeroizing::new(Vec::with_capacity(ROOM));
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(GatewayFault::Unreadable("is larger than 256 KiB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(error: reqwest::Error) -> GatewayFault {
    if error.is_timeout() {
        GatewayFault::TimedOut
    } else {
        GatewayFault::Unreachable(error.without_url())
    }
}
