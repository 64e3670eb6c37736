//! The service, as its callers meet it: over real HTTP, against a played Atlassian.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod architecture;
mod attacks;
mod authentication;
mod backup;
mod book;
mod check;
mod command;
mod console;
mod cors;
mod deploy;
mod dev;
mod dev_remote;
mod digest;
mod durability;
mod errors;
mod events;
mod examples;
mod failures;
mod handlers;
mod impersonation;
mod inbox_command;
mod isolated_cloud;
mod key_sets;
mod lifecycle;
mod metrics;
mod overload;
mod products;
mod prometheus;
mod replicas;
mod residency;
mod schedules;
mod secrets;
mod security_doc;
mod service;
mod storage;
mod store;
mod support;
#[cfg(feature = "otlp")]
mod telemetry;
mod upgrades;
