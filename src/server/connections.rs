//! The connections of a listener: how many there are, and how long one may take to ask
//! and to listen.

mod patience;

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::patience::Patience;

/// For the head of a request, and for the pause before it: longer than what proxies in
/// front of a remote keep an idle connection (60 to 90 s), so that they close it first.
const HEAD_PATIENCE: Duration = Duration::from_mins(2);
/// A client that takes nothing of its answer for so long is gone.
const STALL_PATIENCE: Duration = Duration::from_secs(30);
/// After a failure that the next attempt would meet as well: no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// A listener and what answers there.
pub(super) struct Connections {
    pub(super) socket: TcpListener,
    pub(super) router: Router,
    /// How many at once; more wait in the system's queue.
    pub(super) most: usize,
}

impl Connections {
    /// Serves HTTP/1.1 until `stopping`, then takes no connection any more and lets those
    /// that are open finish, for at most `drain`. Whether all of them did.
    pub(super) async fn serve(self, stopping: CancellationToken, drain: Duration) -> bool {
        let room = Arc::new(Semaphore::new(self.most));
        let router = self.router.with_state(());
        let mut open = JoinSet::new();
        loop {
            let (stream, place) = tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                Some(_) = open.join_next() => continue,
                accepted = accept(&self.socket, &room) => accepted,
            };
            let (router, stopping) = (router.clone(), stopping.clone());
            open.spawn(async move {
                answer(stream, router, stopping).await;
                drop(place);
            });
        }
        drop(self.socket);
        let finished = async { while open.join_next().await.is_some() {} };
        timeout(drain, finished).await.is_ok()
        // What is left ends here, as its set is dropped.
    }
}

/// The next connection, as soon as there is room for one.
async fn accept(
    socket: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // Nobody closes it, so that there is always a place in the end.
    let place = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match socket.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(cause = %error, "no connection can be taken for now");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether the client went away before it was served.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

async fn answer(stream: TcpStream, router: Router, stopping: CancellationToken) {
    // An answer is written in one go: waiting for more to send only delays it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(cause = %error, "a connection without TCP_NODELAY");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(
            TokioIo::new(Patience::new(stream, STALL_PATIENCE)),
            TowerToHyperService::new(router),
        )
        .with_upgrades();
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::trace!(cause = %error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests;
