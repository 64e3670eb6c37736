//! What the platform demands of any remote, as rules that can be applied to an answer.
//!
//! The rules know nothing of this crate's own server: they judge a remote in any
//! language. The emulator's verdict is made of them.

pub mod answer;
