//! What the tests are written in: the service, its callers, and Atlassian's side.

pub(crate) mod answer;
pub(crate) mod app;
pub(crate) mod atlassian;
pub(crate) mod caller;
pub(crate) mod claims;
#[cfg(feature = "otlp")]
pub(crate) mod collector;
pub(crate) mod held;
pub(crate) mod kept;
pub(crate) mod keys;
pub(crate) mod load;
pub(crate) mod log;
pub(crate) mod place;
pub(crate) mod postgres;
pub(crate) mod remote;
pub(crate) mod site;
pub(crate) mod traffic;
pub(crate) mod wire;
