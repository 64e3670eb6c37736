//! A request on its way: tries, waits, and what is made of each answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use tracing::Instrument;

use super::{
    Call, ProductError, Refusal, RequestError, Response, TransportError,
    body::{self, ReadError},
    client::Client,
    graphql::answer::hidden_refusal,
    observation::Observation,
    repeats::{Reason, Repeats, apart},
};
use crate::{
    deadline::Deadline,
    outbound::{self, ApiUrl, ClientSpan, upstream},
    trace::SpanId,
};

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// How much of an error's body is read, and for how long: enough for any message.
const ERROR_BODY_BYTES: usize = 64 * 1024;
const ERROR_BODY_TIME: Duration = Duration::from_secs(2);

/// Headers that each try adds: the token, the trace, and what the HTTP client says of itself.
const OWN_HEADERS: usize = 7;

/// A request that can be sent, and sent again.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) client: Arc<Client>,
    pub(super) call: Call,
    pub(super) url: ApiUrl,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) idempotent: bool,
    pub(super) max_bytes: usize,
    pub(super) one_try: Duration,
}

/// What came back.
enum Answer {
    /// 2xx, with its whole body.
    Whole(StatusCode, HeaderMap, Bytes),
    /// Anything else. Its body is not read yet.
    Refused(reqwest::Response),
}

/// Why a try failed.
enum Trouble {
    /// The product said no.
    Refused(Box<Refusal>),
    /// There was no answer, or none that can be used.
    Failed(ProductError),
}

impl Outgoing {
    /// The same with a body of JSON.
    pub(super) fn with_json<T: Serialize + ?Sized>(
        mut self,
        body: &T,
    ) -> Result<Self, ProductError> {
        match self.set_json(body) {
            Ok(()) => Ok(self),
            Err(source) => Err(ProductError::InvalidRequest {
                call: self.call,
                source,
            }),
        }
    }

    pub(super) fn set_json<T: Serialize + ?Sized>(&mut self, body: &T) -> Result<(), RequestError> {
        let body = serde_json::to_vec(body).map_err(RequestError::Body)?;
        self.headers.insert(header::CONTENT_TYPE, JSON);
        self.body = Some(body.into());
        Ok(())
    }

    /// Sends it, as often as the rules of [`Repeats`] allow.
    pub(super) async fn send(&self) -> Result<Response, ProductError> {
        let client = &self.client;
        let identity = client.credentials.identity();
        let mut observation = Observation::begin(client.outbound.meter(), &self.call, identity);
        let result = self.tries(&mut observation).await;
        observation.end(&result);
        result
    }

    async fn tries(&self, observation: &mut Observation<'_>) -> Result<Response, ProductError> {
        let first_delay = self.client.outbound.first_delay();
        let mut repeats = Repeats::new(self.idempotent, first_delay);
        loop {
            self.pass_pause().await?;
            let authorization = self.authorization().await?;
            let sent = self.span(observation.one_try());
            let answer = self.one_try(&authorization, sent.id());
            let answer = answer.instrument(sent.span()).await;
            let trouble = match answer {
                Ok(response) => {
                    sent.answered(response.status);
                    return Ok(response);
                }
                Err(trouble) => {
                    trouble.told(&sent);
                    trouble
                }
            };
            let reason = self.recover(trouble, &authorization, &mut repeats).await?;
            observation.repeat(reason);
        }
    }

    /// Returns when the request may be sent again, and why it may.
    async fn recover(
        &self,
        trouble: Trouble,
        authorization: &HeaderValue,
        repeats: &mut Repeats,
    ) -> Result<Reason, ProductError> {
        let Some(reason) = trouble.reason() else {
            return Err(trouble.into_error(None));
        };
        if reason == Reason::Unauthorized {
            // The credentials learn of it even if no try is left: the next call needs to know.
            let renewed = repeats.may_renew() && self.refused(authorization).await;
            return if renewed && repeats.take() {
                Ok(reason)
            } else {
                Err(trouble.into_error(None))
            };
        }
        let deadline = self.client.deadline;
        let step = repeats.after(reason, trouble.asked(), deadline);
        if trouble.pauses_others() {
            let client = &self.client;
            client.outbound.pauses().begin(&client.scope(), step.wait);
        }
        if !step.again {
            return Err(trouble.into_error(Some(step.wait)));
        }
        tokio::time::sleep(step.wait + apart()).await;
        Ok(reason)
    }

    /// Nothing is sent once the time is up, or while the product wants to be left alone.
    async fn pass_pause(&self) -> Result<(), ProductError> {
        let client = &self.client;
        let passed = client
            .outbound
            .pauses()
            .pass(|| client.scope(), client.deadline);
        passed.await.map_err(|paused| ProductError::RateLimited {
            call: self.call.clone(),
            retry_after: paused.0,
            refusal: None,
        })?;
        if client.deadline.remaining().is_zero() {
            return Err(ProductError::Deadline(self.call.clone()));
        }
        Ok(())
    }

    async fn authorization(&self) -> Result<HeaderValue, ProductError> {
        let Client {
            credentials,
            deadline,
            ..
        } = &*self.client;
        let mut value = deadline
            .bound(credentials.authorization(*deadline))
            .await
            .map_err(|_| ProductError::Deadline(self.call.clone()))?
            .map_err(ProductError::Credentials)?;
        value.set_sensitive(true);
        Ok(value)
    }

    async fn refused(&self, authorization: &HeaderValue) -> bool {
        let refused = self.client.credentials.refused(authorization);
        self.client.deadline.bound(refused).await.unwrap_or(false)
    }

    /// One try, its answer read to the end.
    async fn one_try(
        &self,
        authorization: &HeaderValue,
        span: SpanId,
    ) -> Result<Response, Trouble> {
        let limit = self.client.deadline.within(self.one_try);
        // One timer for the head and the body of a good answer.
        let exchange = self.exchange(authorization, span);
        let (status, headers, body) = match limit.bound(exchange).await {
            Ok(Ok(Answer::Whole(status, headers, body))) => (status, headers, body),
            Ok(Ok(Answer::Refused(answer))) => {
                return Err(self.refused_with(answer, authorization, limit).await);
            }
            Ok(Err(trouble)) => return Err(trouble),
            Err(_) => return Err(self.too_slow()),
        };
        if let Some(status) = hidden_refusal(self.call.api, &body) {
            let start = &body[..body.len().min(ERROR_BODY_BYTES)];
            let refusal = self.refusal(status, start, authorization);
            return Err(self.with_headers(refusal, &headers));
        }
        Ok(Response {
            call: self.call.clone(),
            status,
            headers,
            body,
        })
    }

    async fn exchange(&self, authorization: &HeaderValue, span: SpanId) -> Result<Answer, Trouble> {
        let request = self.http_request(authorization, span);
        let sent = self.client.outbound.http().execute(request).await;
        let mut answer = sent.map_err(|error| self.lost(error))?;
        let status = answer.status();
        if !status.is_success() {
            return Ok(Answer::Refused(answer));
        }
        let headers = std::mem::take(answer.headers_mut());
        match body::read(answer, self.max_bytes).await {
            Ok(body) => Ok(Answer::Whole(status, headers, body)),
            Err(ReadError::TooLarge) => Err(Trouble::Failed(ProductError::TooLarge {
                call: self.call.clone(),
                limit: self.max_bytes,
            })),
            Err(ReadError::Broken(error)) => Err(self.lost(error)),
        }
    }

    /// The status is known: a body that does not come is no reason to forget it.
    async fn refused_with(
        &self,
        mut answer: reqwest::Response,
        authorization: &HeaderValue,
        limit: Deadline,
    ) -> Trouble {
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let time = limit.within(ERROR_BODY_TIME);
        let body = body::read_start(answer, ERROR_BODY_BYTES, time).await;
        let refusal = self.refusal(status, &body, authorization);
        self.with_headers(refusal, &headers)
    }

    fn http_request(&self, authorization: &HeaderValue, span: SpanId) -> reqwest::Request {
        let url = self.url.url().clone();
        let mut request = reqwest::Request::new(self.call.method.clone(), url);
        let headers = request.headers_mut();
        headers.reserve(self.headers.len() + OWN_HEADERS);
        headers.extend(self.headers.clone());
        headers.extend(self.client.trace.onward_from(span));
        headers.insert(header::AUTHORIZATION, authorization.clone());
        *request.body_mut() = self.body.clone().map(Into::into);
        request
    }

    /// The span of one try, the first or a further one.
    fn span(&self, tries: u32) -> ClientSpan {
        let outgoing = outbound::Outgoing {
            method: &self.call.method,
            url: self.url.url(),
            route: &self.call.route,
            resent: tries.saturating_sub(1),
        };
        let span = ClientSpan::begin(&outgoing, &self.client.trace, None);
        span.of_product(
            self.call.api.as_str(),
            self.client.credentials.identity().as_str(),
        );
        span
    }

    fn refusal(&self, status: StatusCode, body: &[u8], authorization: &HeaderValue) -> Refusal {
        let value = authorization.to_str().unwrap_or_default();
        let token = value.strip_prefix("Bearer ").unwrap_or(value);
        Refusal::new(self.call.clone(), status, body, token)
    }

    fn with_headers(&self, refusal: Refusal, headers: &HeaderMap) -> Trouble {
        let asked = upstream::wait(headers, self.client.outbound.clock().now());
        Trouble::Refused(Box::new(refusal.with_headers(headers, asked)))
    }

    /// The URL is left out of the cause: its query may be about people.
    fn lost(&self, error: reqwest::Error) -> Trouble {
        self.transport(TransportError::Connection(error.without_url()))
    }

    fn too_slow(&self) -> Trouble {
        if self.client.deadline.remaining().is_zero() {
            Trouble::Failed(ProductError::Deadline(self.call.clone()))
        } else {
            self.transport(TransportError::Slow(self.one_try))
        }
    }

    fn transport(&self, source: TransportError) -> Trouble {
        Trouble::Failed(ProductError::Transport {
            call: self.call.clone(),
            source,
        })
    }
}

impl Trouble {
    fn told(&self, span: &ClientSpan) {
        match self {
            Self::Refused(refusal) => {
                span.answered(refusal.status);
                if let Some(trace) = &refusal.trace_id {
                    span.traced_as(trace);
                }
            }
            Self::Failed(
                ProductError::Transport {
                    source: TransportError::Slow(_),
                    ..
                }
                | ProductError::Deadline(_),
            ) => span.failed("timeout"),
            Self::Failed(ProductError::TooLarge { .. }) => span.failed("too_large"),
            Self::Failed(_) => span.failed("connection"),
        }
    }

    /// Why another try may help, if it may.
    fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(refusal) => match refusal.status {
                StatusCode::UNAUTHORIZED => Some(Reason::Unauthorized),
                StatusCode::TOO_MANY_REQUESTS => Some(Reason::RateLimited),
                StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT => Some(Reason::Unavailable),
                _ => None,
            },
            Self::Failed(ProductError::Transport { .. }) => Some(Reason::Transport),
            Self::Failed(_) => None,
        }
    }

    fn asked(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            Self::Failed(_) => None,
        }
    }

    fn pauses_others(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                refusal.status == StatusCode::TOO_MANY_REQUESTS && !refusal.is_about_one_issue()
            }
            Self::Failed(_) => false,
        }
    }

    fn into_error(self, wait: Option<Duration>) -> ProductError {
        match self {
            Self::Refused(refusal) => ProductError::of(refusal, wait),
            Self::Failed(error) => error,
        }
    }
}
