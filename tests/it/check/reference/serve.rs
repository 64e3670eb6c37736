//! Connections: what is read of them, and for how long.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::body::Body;
use futures_util::StreamExt;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};

use super::{Remote, router};
use crate::check::flaws::resilience as flaws;

/// For a head, and for a pause in a body.
const PATIENCE: Duration = Duration::from_millis(1500);

pub(super) async fn serve(listener: TcpListener, remote: &Remote) {
    let app = router(remote);
    let few = remote.has(flaws::FULL_OF_IDLERS);
    let places = Arc::new(Semaphore::new(if few { 20 } else { 10_000 }));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (app, remote) = (TowerToHyperService::new(app.clone()), remote.clone());
        tokio::spawn(async move {
            let _place = place;
            let mut server = http1::Builder::new();
            if !remote.has(flaws::WAITS_FOR_HEADS) {
                server
                    .timer(TokioTimer::new())
                    .header_read_timeout(PATIENCE);
            }
            let ended = server.serve_connection(TokioIo::new(stream), app).await;
            let parse = ended.as_ref().is_err_and(hyper::Error::is_parse);
            let large = ended.is_err_and(|error| error.is_parse_too_large());
            if parse && remote.has(flaws::ENDS_AT_GARBAGE)
                || large && remote.has(flaws::HEADERS_END_IT)
            {
                remote.0.broken.store(true, Ordering::Relaxed);
            }
        });
    }
}

/// The body, as long as its pauses are short.
pub(super) fn watched(remote: &Remote, body: Body) -> Body {
    if remote.has(flaws::WAITS_FOR_BODIES) {
        return body;
    }
    let stream = futures_util::stream::unfold(body.into_data_stream(), |mut body| async {
        match timeout(PATIENCE, body.next()).await {
            Ok(chunk) => chunk.map(|chunk| (chunk.map_err(std::io::Error::other), body)),
            Err(late) => Some((Err(std::io::Error::other(late)), body)),
        }
    });
    Body::from_stream(stream)
}
