use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use super::{Caller, upstream::Upstream};
use crate::{
    deadline::Deadline,
    error::Error,
    ids::InstallationId,
    product::{Credentials, Identity, ProductError},
};

const LIMITED: StatusCode = StatusCode::TOO_MANY_REQUESTS;

fn limited(error: &ProductError) -> Duration {
    match error {
        ProductError::RateLimited { retry_after, .. } => *retry_after,
        other => panic!("{other:?}"),
    }
}

/// A product that answers 429 with that header, and how often it was asked.
async fn meets(header: (&'static str, &'static str)) -> (usize, Duration) {
    let upstream = Upstream::start(move |_, _| (LIMITED, [header])).await;
    let before = Instant::now();
    let error = Caller::new().jira(&upstream.url).post("/x").send().await;
    assert!(before.elapsed() < Duration::from_secs(2));
    (upstream.hits(), limited(&error.unwrap_err()))
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_told_at_once() {
    for header in [
        ("retry-after", "60"),
        ("retry-after", "Sat, 01 Aug 2026 12:01:00 GMT"),
        ("x-ratelimit-reset", "2026-08-01T12:01:00Z"),
    ] {
        assert_eq!(
            meets(header).await,
            (1, Duration::from_mins(1)),
            "{header:?}"
        );
    }
}

#[tokio::test]
async fn without_a_wait_it_is_tried_again_soon() {
    for header in [
        ("x-none", ""),
        ("retry-after", "soon"),
        ("retry-after", "-1"),
        ("x-ratelimit-reset", "tomorrow"),
        ("retry-after", "Sat, 01 Aug 2026 11:00:00 GMT"),
    ] {
        let (hits, wait) = meets(header).await;
        assert_eq!(hits, 3, "{header:?}");
        assert!(wait < Duration::from_secs(1), "{header:?}: {wait:?}");
    }
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_told_at_once() {
    let upstream = Upstream::start(|_, _| (LIMITED, [("retry-after", "5")])).await;
    let before = Instant::now();
    let sent = Caller::new()
        .for_ms(4_000)
        .jira(&upstream.url)
        .get("/x")
        .send();
    assert_eq!(limited(&sent.await.unwrap_err()), Duration::from_secs(5));
    assert_eq!(upstream.hits(), 1);
    assert!(before.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn further_calls_to_the_site_are_not_even_sent() {
    let upstream = Upstream::start(|_, request| {
        let limited = request.uri.starts_with("/ex/jira/1/");
        let status = if limited { LIMITED } else { StatusCode::OK };
        (status, [("retry-after", "60")])
    })
    .await;
    let caller = Caller::new();
    let site = |n| caller.jira(&format!("{}/ex/jira/{n}", upstream.url));
    site(1).get("/x").send().await.unwrap_err();

    let error = site(1).get("/y").send().await.unwrap_err();
    assert!(limited(&error) > Duration::from_secs(55));
    assert_eq!(error.status(), None);
    assert_eq!(
        error.to_string(),
        "jira GET /y is rate limited for 60 s more"
    );
    assert_eq!(upstream.hits(), 1);

    site(2).get("/x").send().await.unwrap();
    assert_eq!(upstream.hits(), 2);
}

#[tokio::test]
async fn a_limit_on_one_issue_leaves_the_others_alone() {
    let upstream = Upstream::start(|n, _| {
        let status = if n == 0 { LIMITED } else { StatusCode::OK };
        let reason = ("ratelimit-reason", "jira-per-issue-on-write");
        (status, [reason, ("retry-after", "60")])
    })
    .await;
    let jira = Caller::new().jira(&upstream.url);
    let error = jira.put("/issue/1").send().await.unwrap_err();
    assert_eq!(
        error.refusal().unwrap().limit(),
        Some("jira-per-issue-on-write")
    );
    jira.put("/issue/2").send().await.unwrap();
}

/// A principal in a known installation.
#[derive(Debug)]
struct In(InstallationId);

impl Credentials for In {
    fn identity(&self) -> Identity {
        Identity::User
    }
    fn authorization(&self, _: Deadline) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        Box::pin(async { Ok(HeaderValue::from_static("Bearer t")) })
    }
    fn refused<'a>(&'a self, _: &'a HeaderValue) -> BoxFuture<'a, bool> {
        Box::pin(async { false })
    }
    fn installation(&self) -> Option<InstallationId> {
        Some(self.0)
    }
}

#[tokio::test]
async fn installations_that_share_a_base_url_pause_apart() {
    let upstream = Upstream::start(|_, _| (LIMITED, [("retry-after", "60")])).await;
    let mut caller = Caller::new();
    for (installation, hits) in [(1, 1), (1, 1), (2, 2), (2, 2)] {
        let installation = uuid::Uuid::from_u128(installation).into();
        caller = caller.with(Arc::new(In(installation)));
        let sent = caller.bitbucket(&upstream.url).get("/2.0/x").send().await;
        limited(&sent.unwrap_err());
        assert_eq!(upstream.hits(), hits);
    }
}

#[tokio::test]
async fn a_503_that_asks_for_a_long_wait_is_not_repeated() {
    let upstream =
        Upstream::start(|_, _| (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "60")])).await;
    let caller = Caller::new();
    let error = caller
        .jira(&upstream.url)
        .get("/x")
        .send()
        .await
        .unwrap_err();
    assert_eq!(upstream.hits(), 1);
    assert_eq!(error.retry_after(), Some(Duration::from_mins(1)));
    // It is the product's trouble with this call, not a limit on the others.
    caller
        .jira(&upstream.url)
        .get("/x")
        .send()
        .await
        .unwrap_err();
    assert_eq!(upstream.hits(), 2);
}
