//! The connections of a listener: how many there are, and how long one may take to ask
//! and to listen.

mod patience;
mod progress;
mod trickle;

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
};
use hyper::{
    Request, Response, body::Incoming, server::conn::http1, service::service_fn as answered_by,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::{BoxError, Service as _};

use self::{
    patience::Patience,
    progress::{Progress, Watched},
};

/// The body of a request.
pub(super) type Asked = trickle::Trickle<Incoming>;

/// For the pause between requests: longer than what proxies in front of a remote keep an
/// idle connection (60 to 90 s), so that they close it first.
const IDLE_PATIENCE: Duration = Duration::from_mins(2);
/// For a head that is on its way when the service is told to stop: it is a packet or two.
const STOP_PATIENCE: Duration = Duration::from_secs(1);
/// After a failure that the next attempt would meet as well: no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What answers the requests of a listener.
pub(super) trait Answers: Clone + Send + Sync + 'static {
    /// The body of an answer.
    type Body: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static;

    /// Answers one.
    fn answer(self, request: Request<Asked>) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// Answers whatever comes: for a listener that only operators reach.
impl Answers for Router {
    type Body = Body;

    async fn answer(mut self, request: Request<Asked>) -> Response<Body> {
        self.call(request)
            .await
            .unwrap_or_else(|never: Infallible| match never {})
    }
}

/// A listener and what answers there.
pub(super) struct Connections<Service> {
    pub(super) socket: TcpListener,
    pub(super) service: Service,
    /// How many at once; more wait in the system's queue.
    pub(super) most: usize,
}

impl<Service: Answers> Connections<Service> {
    /// Serves HTTP/1.1 until `stopping`, then takes no connection any more and lets those
    /// that are open finish, for at most `drain`. Whether all of them did.
    pub(super) async fn serve(self, stopping: CancellationToken, drain: Duration) -> bool {
        let room = Arc::new(Semaphore::new(self.most));
        let mut open = JoinSet::new();
        loop {
            let (stream, place) = tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                Some(_) = open.join_next() => continue,
                accepted = accept(&self.socket, &room) => accepted,
            };
            let (service, stopping) = (self.service.clone(), stopping.clone());
            open.spawn(async move {
                converse(stream, service, stopping).await;
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

/// Answers the requests of one connection until it ends.
async fn converse(stream: TcpStream, service: impl Answers, stopping: CancellationToken) {
    // An answer is written in one go: waiting for more to send only delays it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(cause = %error, "a connection without TCP_NODELAY");
    }
    let progress = Progress::of_new_connection();
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_PATIENCE)
        .serve_connection(
            TokioIo::new(Patience::new(stream, progress.clone())),
            answered_by(|request| answer(request, service.clone(), &progress)),
        )
        .with_upgrades();
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            loop {
                match timeout(STOP_PATIENCE, connection.as_mut()).await {
                    Ok(outcome) => break outcome,
                    Err(_) if progress.owes_an_answer() => {}
                    // Half a head: nobody was promised anything.
                    Err(_) => break Ok(()),
                }
            }
        }
    };
    if let Err(error) = outcome {
        tracing::trace!(cause = %error, "a connection ended early");
    }
}

fn answer<Service: Answers>(
    request: Request<Incoming>,
    service: Service,
    progress: &Progress,
) -> impl Future<Output = Result<Response<Watched<Service::Body>>, Infallible>> + Send + use<Service>
{
    let answering = progress.begin_answer();
    async move {
        let answer = service.answer(request.map(Asked::new)).await;
        Ok(answer.map(|body| Watched::new(body, answering)))
    }
}

#[cfg(test)]
mod tests;
