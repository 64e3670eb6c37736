//! The least that axum does for a request: the floor that a remote on it stands on.

use anyhow::Result;
use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, routing::get};
use tokio::net::TcpListener;

use crate::child::announce;

/// As many as the other remotes have.
const WORKERS: usize = 2;

/// Answers `body` to the route that the others answer, whatever the request says.
pub(crate) fn run(body: String) -> Result<()> {
    let body = Bytes::from(body);
    let answer = move || async move { ([(CONTENT_TYPE, "application/json")], body) };
    let router = Router::new().route("/api/invocation", get(answer));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        announce(listener.local_addr()?)?;
        axum::serve(listener, router).await?;
        Ok(())
    })
}
