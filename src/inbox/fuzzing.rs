//! What the fuzz target reaches: an event's way out of its envelope.

use super::envelope::Envelope;
use crate::error::Error;

/// An event out of its envelope.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// What happened.
    pub event_type: String,
    /// The event as it is kept.
    pub canonical: Box<str>,
    /// Whether Forge says that it has sent this before.
    pub redelivered: bool,
}

/// Opens the body of a delivery.
///
/// # Errors
/// What its sender is told.
pub fn open(body: &[u8]) -> Result<Opened, Error> {
    let envelope = Envelope::open(body)?;
    Ok(Opened {
        event_type: envelope.event_type().to_owned(),
        canonical: envelope.canonical(),
        redelivered: envelope.is_redelivered(),
    })
}
