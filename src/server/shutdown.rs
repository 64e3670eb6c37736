//! When the service stops, and how it lets go.

use std::time::Duration;

use axum::Router;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{connections::Connections, pressure::Pressure, public::Public};
use crate::{forge::Forge, inbox::Working, telemetry};

/// What requests in flight and jobs get once the service is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Ready when the process gets SIGTERM (what platforms send) or Ctrl-C.
///
/// A process that cannot listen for signals at all runs until it is killed.
pub async fn terminated() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate() => {}
    }
}

#[cfg(unix)]
async fn terminate() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminate() {
    std::future::pending().await
}

/// Everything that runs until the process stops.
pub(super) struct Service {
    pub(super) forge: Forge,
    pub(super) pressure: Pressure,
    pub(super) inbox: Working,
    pub(super) public: Connections<Public>,
    pub(super) admin: Connections<Router>,
    pub(super) stopping: CancellationToken,
}

impl Service {
    /// Serves both listeners until `stop`, then drains the public one and the inbox. The
    /// admin listener goes last, so that readiness can be seen going red.
    pub(super) async fn run(self, stop: impl Future<Output = ()> + Send) {
        let Self {
            forge,
            pressure,
            inbox,
            public,
            admin,
            stopping,
        } = self;
        let drained = CancellationToken::new();
        // Whoever holds a scrape open does not hold the process.
        let admin = tokio::spawn(admin.serve(drained.clone(), Duration::from_secs(1)));
        let public = tokio::spawn(public.serve(stopping.clone(), DRAIN));
        let pressure = AbortOnDropHandle::new(tokio::spawn(pressure.watch()));
        stop.await;
        tracing::info!("stopping: what is at work has {} s", DRAIN.as_secs());
        stopping.cancel();
        let (public, ()) = tokio::join!(public, inbox.stop(DRAIN));
        if !public.unwrap_or(false) {
            tracing::warn!(
                "stopped with requests in flight: they took longer than the drain allows"
            );
        }
        drop(pressure);
        forge.flush().await;
        telemetry::flush().await;
        drained.cancel();
        let _ = admin.await;
        tracing::info!("stopped");
    }
}
