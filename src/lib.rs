//! The backend of an Atlassian Forge app: a *remote* that receives what Forge sends,
//! verifies it, and calls products back as the app, as the user, or as an account that
//! the app impersonates.
//!
//! ```no_run
//! use axum::{Json, Router, routing::get};
//! use forge_remote::{Config, Error, Event, Events, Forge, Invocation, JobError, Schedule};
//! use serde_json::Value;
//!
//! #[tokio::main]
//! async fn main() -> anyhow::Result<()> {
//!     let forge = Forge::from_config(Config::load()?).await?;
//!     let ui = Router::new().route("/api/content", get(content));
//!     let events = Events::new().on("avi:confluence:updated:page", page_updated);
//!     forge_remote::serve(forge, ui, events, Schedule::new()).await?;
//!     Ok(())
//! }
//!
//! async fn content(invocation: Invocation) -> Result<Json<Value>, Error> {
//!     let confluence = invocation.as_user()?.confluence()?;
//!     let content = confluence.get("/wiki/rest/api/content").query(&[("limit", "25")]);
//!     Ok(Json(content.json().await?))
//! }
//!
//! async fn page_updated(event: Event) -> Result<(), JobError> {
//!     event.as_app()?.confluence()?.get("/wiki/api/v2/pages").send().await?;
//!     Ok(())
//! }
//! ```
//!
//! # The way of a request
//!
//! It goes one way. The layers of [`server`] give it a trace, a deadline and limits. The
//! extractor [`Invocation`] takes its Forge Invocation Token to the [`fit::Verifier`] and
//! keeps the forwarded tokens. The handler asks the invocation for an [`actor`], and the
//! actor opens a [`product`]. A handler never sees a raw header and never builds an
//! `Authorization` value; whatever fails on the way becomes an [`Error`] with one of the
//! public codes.
//!
//! # The way of an event
//!
//! What Forge sends by itself is written before it is acknowledged and handled afterwards, at
//! least once. A handler is an async function that takes an [`Event`], with its body as a type
//! of yours, or a [`Tick`] of a schedule, and returns `Result<(), JobError>`. [`Events`] and
//! [`Schedule`] say which handler takes what, [`JobError`] what happens when one fails, and
//! [`inbox::Job`] what it can rely on. An app that comes and goes is told by [`Lifecycle`] and
//! [`Uninstalling`].
//!
//! # The rooms
//!
//! | room | what lives there |
//! |---|---|
//! | [`fit`] | the token: claims, verifier, key sets |
//! | [`store`] | installations, app tokens and jobs, on SQLite or PostgreSQL, sealed at rest |
//! | [`product`] | Confluence, Jira, Bitbucket, GraphQL: requests, repeats, pages |
//! | [`storage`] | Forge's key-value and entity storage |
//! | [`impersonation`] | the exchange of the app's token for another account's |
//! | [`actor`] | who speaks, and with which token |
//! | [`invocation`] | the extractor |
//! | [`inbox`] | events and schedules: on disk before they are acknowledged, handled at least once |
//! | [`residency`] | data residency: what the platform asks when a site moves |
//! | [`server`] | listeners, layers, health, shutdown, new settings for a remote that runs |
//! | [`telemetry`] | the log, its level, spans and the collector that gets them |
//! | [`config`] | settings, their layers and checks |
//! | [`digest`] | the app that ships: an example of all of it |
//!
//! All of them share what stands by itself: [`error`], [`ids`], [`token`], [`secret`], [`trace`],
//! [`deadline`] and [`clock`].
//!
//! # Beside the library
//!
//! With the feature `emulator` there is the Forge platform on a laptop, for work and for tests:
//! the module `emulator`, or `forge-remote dev`. With the feature `conformance` there are the
//! platform's rules for a remote in any language, and what plays them against a running one: the
//! module `conformance`, or `forge-remote check`. Both are on by default, and production builds
//! need neither: `default-features = false, features = ["otlp"]` leaves them out.

pub mod actor;
mod admission;
mod cache;
#[cfg(test)]
mod captured_log;
pub mod clock;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod cors;
pub mod deadline;
pub mod digest;
#[cfg(feature = "emulator")]
pub mod emulator;
pub mod error;
pub mod fit;
mod forge;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod ids;
pub mod impersonation;
pub mod inbox;
pub mod invocation;
#[cfg(feature = "conformance")]
#[cfg_attr(
    not(feature = "emulator"),
    allow(
        dead_code,
        unused_imports,
        reason = "the emulator reads more of it than the checker does"
    )
)]
mod manifest;
pub mod outbound;
pub mod product;
pub mod residency;
pub mod secret;
pub mod server;
pub mod storage;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod trace;

pub use actor::{AccountActor, AppActor, UserActor};
pub use config::Config;
pub use error::{Error, ErrorCode};
pub use forge::{Forge, Installed, StartError};
pub use inbox::{Event, Events, Interval, JobError, Lifecycle, Schedule, Tick, Uninstalling};
pub use invocation::Invocation;
pub use secret::Secret;
pub use server::serve;

/// The examples of the README and of the book are compiled with the tests. `tests/it/book` sees
/// to it that no page with some is left out.
#[cfg(doctest)]
mod book {
    macro_rules! pages {
        ($($page:ident: $path:literal,)+) => {
            $(#[doc = include_str!($path)] struct $page;)+
        };
    }

    pages! {
        Readme: "../README.md",
        Start: "../docs/start.md",
        AsApp: "../docs/howto/as-app.md",
        AsUser: "../docs/howto/as-user.md",
        AsAccount: "../docs/howto/as-account.md",
        Event: "../docs/howto/event.md",
        Schedule: "../docs/howto/schedule.md",
        Storage: "../docs/howto/storage.md",
        Products: "../docs/howto/products.md",
        Connect: "../docs/howto/connect.md",
        Bitbucket: "../docs/howto/bitbucket.md",
        Events: "../docs/events.md",
        Errors: "../docs/errors.md",
        Telemetry: "../docs/telemetry.md",
        Regions: "../docs/regions.md",
    }

    #[cfg(feature = "emulator")]
    pages! {
        Console: "../docs/console.md",
    }
}
