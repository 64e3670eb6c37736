//! The backend of an Atlassian Forge app.

pub mod clock;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod config;
pub mod cors;
pub mod deadline;
#[cfg(feature = "emulator")]
pub mod emulator;
pub mod error;
pub mod fit;
pub mod ids;
pub mod impersonation;
pub mod outbound;
pub mod product;
pub mod secret;
pub mod store;
pub mod token;
pub mod trace;

pub use error::{Error, ErrorCode};
pub use secret::Secret;
