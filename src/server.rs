//! The service around the handlers: listeners, layers, health, shutdown.
//!
//! [`serve`] is all that most need. Where the port is not known before, or something else says
//! when to stop:
//!
//! ```no_run
//! use axum::Router;
//! use forge_remote::{Events, Forge, Schedule, server::{self, ServeError, Server}};
//!
//! async fn until(forge: Forge, stop: tokio::sync::oneshot::Receiver<()>) -> Result<(), ServeError> {
//!     let server = Server::bind(forge, Router::new(), Events::new(), Schedule::new()).await?;
//!     println!("Forge: {}, health and metrics: {}", server.address(), server.admin_address());
//!     server.run(async {
//!         tokio::select! {
//!             () = server::terminated() => {}
//!             _ = stop => {}
//!         }
//!     }).await;
//!     Ok(())
//! }
//! ```

mod admin;
mod closing;
mod connections;
mod contract;
mod cross_origin;
mod gate;
mod held;
mod invocations;
mod layers;
mod pressure;
mod public;
mod reload;
mod shutdown;
mod span;

use std::{io, net::SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::{connections::Connections, public::Public};
pub use self::{reload::reload_on_hangup, shutdown::terminated};
use crate::{
    forge::Forge,
    inbox::{Events, Inbox, Schedule},
};

/// Connections for each request that is served at once: proxies keep idle ones.
const IDLE_FOR_EACH: usize = 4;
/// Probes and scrapes come one at a time.
const MOST_OPERATORS: usize = 64;

/// Runs a remote until the process is told to stop (SIGTERM or Ctrl-C).
///
/// `ui` holds the routes that Forge or a browser calls; its handlers take an
/// [`Invocation`](crate::Invocation). `events` and `schedule` hold the handlers of what the
/// platform sends to `/forge/events`, `/forge/lifecycle`, `/forge/scheduled/<key>` and
/// `/forge/uninstall`: those routes are there without any. Around all come the error
/// contract, limits, deadlines, CORS and the admin listener with health and metrics.
///
/// ```no_run
/// use axum::{Json, Router, routing::get};
/// use forge_remote::{Config, Error, Event, Events, Forge, Invocation, JobError, Schedule};
///
/// #[tokio::main]
/// async fn main() -> anyhow::Result<()> {
///     let forge = Forge::from_config(Config::load()?).await?;
///     let ui = Router::new().route("/api/hello", get(hello));
///     let events = Events::new().on("avi:confluence:updated:page", page_updated);
///     forge_remote::serve(forge, ui, events, Schedule::new()).await?;
///     Ok(())
/// }
///
/// async fn hello(invocation: Invocation) -> Result<Json<String>, Error> {
///     Ok(Json(format!("Hello from {}", invocation.installation())))
/// }
///
/// async fn page_updated(event: Event) -> Result<(), JobError> {
///     println!("{} in {}", event.event_type(), event.installation());
///     Ok(())
/// }
/// ```
///
/// Of the runtime it asks nothing. Where more may come than can be done, let it take every second
/// turn from the queue of all, as the command does: with tokio's own choice, what does not fit
/// into a worker's queue waits there while newer requests are served.
///
/// ```
/// let runtime = tokio::runtime::Builder::new_multi_thread()
///     .enable_all()
///     .global_queue_interval(2)
///     .build();
/// # assert!(runtime.is_ok());
/// ```
///
/// # Errors
/// [`ServeError`] if a listener cannot be opened.
///
/// # Panics
/// If `ui` has one of the routes that events and schedules have.
pub async fn serve(
    forge: Forge,
    ui: Router<Forge>,
    events: Events,
    schedule: Schedule,
) -> Result<(), ServeError> {
    let server = Server::bind(forge, ui, events, schedule).await?;
    server.run(terminated()).await;
    Ok(())
}

/// A remote whose listeners are open.
#[derive(Debug)]
pub struct Server {
    forge: Forge,
    public: Listener<Public>,
    admin: Listener<Router>,
    inbox: Inbox,
    stopping: CancellationToken,
}

#[derive(Debug)]
struct Listener<Service> {
    socket: TcpListener,
    address: SocketAddr,
    service: Service,
}

/// A listener cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is taken or may not be used.
    #[error("cannot listen on {address}: free it, or change `{setting}`")]
    Bind {
        /// The address of the settings.
        address: SocketAddr,
        /// The setting it comes from.
        setting: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Server {
    /// Opens both listeners. Nothing is answered before [`run`](Self::run).
    ///
    /// # Errors
    /// [`ServeError`] if an address cannot be had.
    ///
    /// # Panics
    /// If `ui` has one of the routes that events and schedules have.
    pub async fn bind(
        forge: Forge,
        ui: Router<Forge>,
        events: Events,
        schedule: Schedule,
    ) -> Result<Self, ServeError> {
        let settings = forge.config().server.clone();
        let stopping = CancellationToken::new();
        let inbox = Inbox::new(&forge, &events, &schedule);
        let public = Public::new(ui.merge(inbox.routes()), &forge);
        let admin = admin::router(forge.clone(), stopping.clone());
        Ok(Self {
            public: Listener::open(settings.listen, "server.listen", public).await?,
            admin: Listener::open(settings.admin_listen, "server.admin_listen", admin).await?,
            forge,
            inbox,
            stopping,
        })
    }

    /// Address of the public listener: with its port, where the settings asked for any.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.public.address
    }

    /// Address of the admin listener.
    #[must_use]
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin.address
    }

    /// Answers until `stop` is ready, then drains: readiness goes red, no connection
    /// is taken any more, no job begins, and requests and jobs that are at work have ten
    /// seconds to finish.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let Self {
            forge,
            public,
            admin,
            inbox,
            stopping,
        } = self;
        tracing::info!(
            "server.address" = %public.address,
            "server.admin_address" = %admin.address,
            environment = %forge.config().environment,
            "listening on {}", public.address
        );
        forge.start();
        let upkeep = admin::keep_metrics_small(forge.clone());
        tokio::spawn(stopping.clone().run_until_cancelled_owned(upkeep));
        let keeper = forge.clone();
        let keeping = async move { keeper.keep_sealed().await };
        tokio::spawn(stopping.clone().run_until_cancelled_owned(keeping));
        let most = forge.config().server.max_in_flight * IDLE_FOR_EACH;
        let service = shutdown::Service {
            forge,
            pressure: public.service.pressure(),
            inbox: inbox.start(),
            public: public.connections(most),
            admin: admin.connections(MOST_OPERATORS),
            stopping,
        };
        service.run(stop).await;
    }
}

impl<Service> Listener<Service> {
    async fn open(
        address: SocketAddr,
        setting: &'static str,
        service: Service,
    ) -> Result<Self, ServeError> {
        let bind = |source| ServeError::Bind {
            address,
            setting,
            source,
        };
        let socket = TcpListener::bind(address).await.map_err(bind)?;
        let address = socket.local_addr().map_err(bind)?;
        Ok(Self {
            socket,
            address,
            service,
        })
    }

    fn connections(self, most: usize) -> Connections<Service> {
        Connections {
            socket: self.socket,
            service: self.service,
            most,
        }
    }
}
