//! Runs against a product over HTTP: which token is sent, and what an answer comes to.

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::State, response::IntoResponse};
use http::{HeaderMap, StatusCode, header};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{fake::claimed, *};
use crate::{
    ids::Product,
    inbox::dispatcher::{attempt::Runner, verdict::Verdict},
    store::{StoredContext, jobs::Claimed},
};

/// A product that takes one token and tells which it was sent.
struct Site {
    remote: Remote,
    base: Box<str>,
    sent: mpsc::UnboundedReceiver<String>,
}

const TAKEN: &str = "t0ken-that-is-taken";
const LIMITED: &str = "t0ken-that-is-limited";
const DENIED: &str = "t0ken-that-is-denied";

async fn answer(
    State(sent): State<mpsc::UnboundedSender<String>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let token = headers[header::AUTHORIZATION].to_str().unwrap();
    let token = token.trim_start_matches("Bearer ").to_owned();
    let status = match &*token {
        TAKEN => StatusCode::OK,
        LIMITED => StatusCode::TOO_MANY_REQUESTS,
        DENIED => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    };
    sent.send(token).unwrap();
    let wait = (status == StatusCode::TOO_MANY_REQUESTS).then_some([(header::RETRY_AFTER, "120")]);
    (status, wait, "{}")
}

impl Site {
    async fn new() -> Self {
        let (tell, sent) = mpsc::unbounded_channel();
        let router = Router::new().fallback(answer).with_state(tell);
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", socket.local_addr().unwrap()).into();
        tokio::spawn(async move { axum::serve(socket, router).await });
        let remote = Remote::new().await;
        Self { remote, base, sent }
    }

    /// Installation 7, where Confluence is.
    fn install(&self, token: Option<AppToken>) {
        let app: AppId = Uuid::from_u128(0xa).into();
        let mut record = Installation::new(installation(7), app, self.base.clone());
        record.contexts.push(StoredContext {
            product: Product::Confluence,
            cloud_id: Some("quarry".parse().unwrap()),
            workspace_id: None,
            api_base_url: self.base.clone(),
        });
        self.remote.forge.installations().remember(record, token);
    }

    async fn run(&self, events: Events, app_token: Option<&str>) -> Verdict {
        let forge = self.remote.forge.clone();
        let ticks = Schedule::new().handlers;
        let runner = Arc::new(Runner::new(forge, events.handlers, ticks, MOST_ATTEMPTS));
        let job = Claimed {
            app_token: app_token.map(token),
            ..claimed(1, 7)
        };
        let (_cut, never) = oneshot::channel();
        runner.start(job, never).await.1
    }

    fn sent(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.sent.try_recv().ok()).collect()
    }
}

async fn read(event: Event) -> Result<(), JobError> {
    let confluence = event.as_app()?.confluence()?;
    confluence.get("/wiki/api/v2/pages").send().await?;
    Ok(())
}

fn later(text: &str) -> AppToken {
    AppToken::expiring(text.to_owned(), NOW.plus(Duration::from_mins(220))).unwrap()
}

#[tokio::test]
async fn the_token_that_came_with_the_event_is_used_while_it_lives() {
    let mut site = Site::new().await;
    site.install(Some(token("t0ken-of-installation")));
    assert_eq!(site.run(pages(read), Some(TAKEN)).await, Verdict::Done);
    assert_eq!(site.sent(), [TAKEN]);
}

#[tokio::test]
async fn after_it_the_latest_of_the_installation_is() {
    let mut site = Site::new().await;
    site.install(Some(token(TAKEN)));
    assert_eq!(site.run(pages(read), None).await, Verdict::Done);
    assert_eq!(site.sent(), [TAKEN]);

    // The event's has lapsed, and the installation has got another.
    site.remote.clock.advance(Duration::from_mins(179));
    site.install(Some(later(TAKEN)));
    assert_eq!(
        site.run(pages(read), Some("t0ken-of-event")).await,
        Verdict::Done
    );
    assert_eq!(site.sent(), [TAKEN]);
}

#[tokio::test]
async fn a_long_run_sees_a_token_that_came_after_it_began() {
    let mut site = Site::new().await;
    site.install(Some(token("t0ken-at-the-start")));
    let (began, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let events = pages({
        let (began, go_on) = (Arc::clone(&began), Arc::clone(&go_on));
        move |event| {
            let (began, go_on) = (Arc::clone(&began), Arc::clone(&go_on));
            async move {
                began.add_permits(1);
                go_on.acquire().await.unwrap().forget();
                read(event).await
            }
        }
    });
    let meanwhile = async {
        began.acquire().await.unwrap().forget();
        site.install(Some(later(TAKEN)));
        go_on.add_permits(1);
    };
    let (verdict, ()) = tokio::join!(site.run(events, None), meanwhile);
    assert_eq!(verdict, Verdict::Done);
    assert_eq!(site.sent(), [TAKEN]);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_by_the_installations() {
    let mut site = Site::new().await;
    site.install(Some(token(TAKEN)));
    assert_eq!(
        site.run(pages(read), Some("t0ken-refused")).await,
        Verdict::Done
    );
    assert_eq!(site.sent(), ["t0ken-refused", TAKEN]);
}

#[tokio::test]
async fn a_product_that_limits_calls_is_left_alone_for_as_long_as_it_asks() {
    let site = Site::new().await;
    site.install(None);
    let verdict = site.run(pages(read), Some(LIMITED)).await;
    let Verdict::Retry { after, cause } = verdict else {
        panic!("{verdict:?}")
    };
    let asked = Duration::from_mins(2);
    assert!(after >= asked && after <= asked + asked / 10, "{after:?}");
    assert!(
        cause.contains("confluence GET /wiki/api/v2/pages"),
        "{cause}"
    );
}

#[tokio::test]
async fn a_product_that_refuses_a_new_app_is_asked_again() {
    let site = Site::new().await;
    site.install(None);
    for refused in ["t0ken-refused", DENIED] {
        let verdict = site.run(pages(read), Some(refused)).await;
        let Verdict::Postponed { after, .. } = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(after, Duration::from_secs(5));
    }
    site.remote.clock.advance(Duration::from_mins(10));
    let verdict = site.run(pages(read), Some(DENIED)).await;
    assert!(matches!(verdict, Verdict::Retry { .. }), "{verdict:?}");
}
