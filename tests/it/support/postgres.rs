//! A database of a test's own, on the server that the unit tests use.

#[path = "../../../src/store/postgres/tests/server.rs"]
#[expect(dead_code, reason = "no test here kills the server")]
mod server;

pub(crate) use self::server::TestDatabase;
