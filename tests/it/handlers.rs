//! Handlers that answer oddly: whatever they do, the caller gets one JSON error in time.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Response, StatusCode},
    middleware::map_response,
    routing::get,
};
use forge_remote::{Error, ErrorCode, Forge};
use futures_util::{StreamExt, stream};

use crate::support::app::TestApp;

type Piece = Result<Bytes, std::io::Error>;

fn error(status: u16, body: Body) -> Response<Body> {
    Response::builder().status(status).body(body).unwrap()
}

fn routes() -> Router<Forge> {
    let silent = || Body::from_stream(stream::pending::<Piece>());
    let endless = || Body::from_stream(stream::repeat_with(|| Piece::Ok("x".repeat(64).into())));
    let panics = || {
        let first = stream::iter([Piece::Ok("x".into())]);
        Body::from_stream(first.chain(stream::once(async { panic!("in the body") })))
    };
    Router::new()
        .route("/test/silent", get(async move || error(400, silent())))
        .route("/test/endless", get(async move || error(400, endless())))
        .route("/test/panics", get(async move || error(400, panics())))
        .route(
            "/test/status/{status}",
            get(
                async |axum::extract::Path(status): axum::extract::Path<u16>| {
                    StatusCode::from_u16(status).unwrap()
                },
            ),
        )
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for() {
    let app = TestApp::setup()
        .await
        .routes(routes())
        .set("SERVER__ANSWER_WITHIN_MS", "2000")
        .start()
        .await;
    for path in ["/test/silent", "/test/endless", "/test/panics"] {
        let answer = app.anybody().get(path);
        let answer = tokio::time::timeout(Duration::from_secs(5), answer)
            .await
            .unwrap_or_else(|_| panic!("{path} hangs"));
        let _ = answer.refused(400, "bad_request");
    }
}

#[tokio::test]
async fn a_bare_status_gets_the_code_that_goes_with_it() {
    let app = TestApp::setup().await.routes(routes()).start().await;
    for (status, code) in [
        (400, "bad_request"),
        (409, "bad_request"),
        (429, "rate_limited"),
        (500, "internal_error"),
        (502, "upstream_error"),
        (503, "overloaded"),
        (504, "deadline_exceeded"),
    ] {
        let answer = app.anybody().get(&format!("/test/status/{status}")).await;
        let _ = answer.refused(status, code);
    }
}

/// As a compression layer leaves an answer.
async fn compressed(mut answer: Response<Body>) -> Response<Body> {
    let headers = answer.headers_mut();
    headers.insert("content-encoding", "gzip".parse().unwrap());
    headers.remove("content-length");
    *answer.body_mut() = Body::from(&b"\x1f\x8b\x08"[..]);
    answer
}

#[tokio::test]
async fn an_error_that_a_layer_compressed_is_readable_again() {
    let refuses =
        async || -> Result<(), Error> { Err(Error::new(ErrorCode::Forbidden, "Not on a Sunday.")) };
    let routes = Router::new()
        .route("/test/own", get(refuses))
        .route("/test/bare", get(async || StatusCode::FORBIDDEN))
        .layer(map_response(compressed));
    let app = TestApp::setup().await.routes(routes).start().await;
    for path in ["/test/own", "/test/bare"] {
        let answer = app.anybody().get(path).await;
        assert!(!answer.headers.contains_key("content-encoding"), "{path}");
        let _ = answer.refused(403, "forbidden");
    }
}
