//! Storage against small servers on loopback.
