//! x
mod manifest;
