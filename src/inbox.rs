//! Events and ticks: acknowledged when they are on disk, handled at least once.
//!
//! ```text
//! Forge ──► intake: verify, write (many share a commit), 202
//!                        │
//!                     Jobs (store)
//!                        │
//!           dispatcher: claim ──► handler ──► done · retry · dead letter
//! ```

mod dispatcher;
mod error;
mod event;
mod events;
mod handlers;
mod job;
mod schedule;
mod tick;
mod uninstalling;

pub use self::{
    error::JobError,
    event::{Event, Lifecycle},
    events::Events,
    job::Job,
    schedule::{Interval, Schedule},
    tick::Tick,
    uninstalling::Uninstalling,
};
