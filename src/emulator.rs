//! x
mod keys;
mod manifest;
mod mint;
mod tokens;
mod world;
