use std::{future::pending, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode};

use super::{Caller, Tokens, upstream::Upstream};
use crate::{
    deadline::Deadline,
    error::{Error, ErrorCode},
    product::{Credentials, Identity, ProductError},
};

/// A product that takes `good` and no other token.
async fn taking(good: &'static str) -> Upstream {
    Upstream::start(move |_, request| {
        if request.headers["authorization"] == format!("Bearer {good}") {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        }
    })
    .await
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    // POST: a 401 means that nothing was done.
    let upstream = taking("fresh").await;
    let tokens = Tokens::new(&["stale", "fresh"]);
    let caller = Caller::new().with(tokens.clone());
    caller.jira(&upstream.url).post("/x").send().await.unwrap();
    assert_eq!(upstream.hits(), 2);
    let refused = tokens.refused.all();
    assert_eq!(refused, ["Bearer stale"]);
    assert!(refused[0].is_sensitive(), "so that no layer logs it");
}

#[tokio::test]
async fn a_token_without_successor_is_not_tried_again() {
    let upstream = taking("fresh").await;
    let tokens = Tokens::new(&["stale"]);
    let caller = Caller::new().with(tokens.clone());
    let sent = caller.jira(&upstream.url).get("/x").send().await;
    assert!(matches!(sent, Err(ProductError::Unauthorized(_))));
    assert_eq!(upstream.hits(), 1);
    assert_eq!(tokens.refused.all(), ["Bearer stale"]);
}

#[tokio::test]
async fn a_second_refusal_is_final() {
    let upstream = taking("none").await;
    let tokens = Tokens::new(&["a", "b", "c"]);
    let caller = Caller::new().with(tokens.clone());
    let error = caller
        .jira(&upstream.url)
        .get("/x")
        .send()
        .await
        .unwrap_err();
    assert_eq!(upstream.hits(), 2);
    assert_eq!(tokens.refused.all(), ["Bearer a"]);
    assert_eq!(Error::from(error).code(), ErrorCode::UpstreamUnauthorized);
}

#[tokio::test]
async fn the_last_try_still_tells_the_credentials() {
    let upstream = Upstream::start(|n, _| match n {
        2 => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_GATEWAY,
    })
    .await;
    let tokens = Tokens::new(&["a", "b"]);
    let caller = Caller::new().with(tokens.clone());
    let sent = caller.jira(&upstream.url).get("/x").send().await;
    assert!(matches!(sent, Err(ProductError::Unauthorized(_))));
    assert_eq!(upstream.hits(), 3);
    assert_eq!(tokens.refused.all(), ["Bearer a"]);
}

/// Has no token, or makes its caller wait for one.
#[derive(Debug)]
struct Without {
    hangs: bool,
}

impl Credentials for Without {
    fn identity(&self) -> Identity {
        Identity::Account
    }
    fn authorization(&self, _: Deadline) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        Box::pin(async {
            if self.hangs {
                pending::<()>().await;
            }
            Err(Error::new(ErrorCode::ImpersonationDenied, "No."))
        })
    }
    fn refused<'a>(&'a self, _: &'a HeaderValue) -> BoxFuture<'a, bool> {
        Box::pin(async { true })
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let upstream = taking("none").await;
    let caller = Caller::new().with(Arc::new(Without { hangs: false }));
    let error = caller
        .jira(&upstream.url)
        .get("/x")
        .send()
        .await
        .unwrap_err();
    assert_eq!(Error::from(error).code(), ErrorCode::ImpersonationDenied);

    let hanging = Arc::new(Without { hangs: true });
    let caller = Caller::new().with(hanging).for_ms(50);
    let sent = caller.jira(&upstream.url).get("/x").send();
    let sent = tokio::time::timeout(Duration::from_secs(5), sent).await;
    assert!(matches!(sent, Ok(Err(ProductError::Deadline(_)))));
    assert_eq!(upstream.hits(), 0);
}

/// Must not be asked.
#[derive(Debug)]
struct Untouchable;

impl Credentials for Untouchable {
    fn identity(&self) -> Identity {
        Identity::App
    }
    fn authorization(&self, _: Deadline) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        unreachable!("there is no time left to use a token")
    }
    fn refused<'a>(&'a self, _: &'a HeaderValue) -> BoxFuture<'a, bool> {
        unreachable!("nothing was sent")
    }
}

#[tokio::test]
async fn after_the_deadline_not_even_a_token_is_fetched() {
    let upstream = taking("none").await;
    let caller = Caller::new().with(Arc::new(Untouchable)).for_ms(0);
    let sent = caller.jira(&upstream.url).get("/x").send().await;
    assert!(matches!(sent, Err(ProductError::Deadline(_))));
    assert_eq!(upstream.hits(), 0);
}
