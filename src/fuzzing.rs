//! The door for `fuzz/`: what reads bytes from outside and is private otherwise.
//!
//! It is there only when `cargo fuzz` builds the crate, and promises nothing to anybody
//! else. Each room says in its own `fuzzing.rs` what it shows; what is public anyway, such
//! as [`read_answer`](crate::impersonation::read_answer), needs no door.

#[cfg(feature = "emulator")]
pub use crate::emulator::fuzzing as emulator;
pub use crate::{fit::fuzzing as fit, inbox::fuzzing as inbox};
