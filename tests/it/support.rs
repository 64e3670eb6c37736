//! What the tests are written in: the service, its callers, and Atlassian's side.

pub(crate) mod answer;
pub(crate) mod app;
pub(crate) mod atlassian;
pub(crate) mod caller;
pub(crate) mod claims;
pub(crate) mod held;
pub(crate) mod kept;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod postgres;
