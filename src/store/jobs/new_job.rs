//! A job that is to be kept, and how it is told from others.

use std::{fmt, str::FromStr, time::Duration};

use uuid::Uuid;

use crate::{ids::InstallationId, token::AppToken, trace::TraceId};

/// A job's id. It stays the same over redeliveries, attempts and replays: the idempotency key.
///
/// ```
/// use forge_remote::inbox::JobId;
/// let id: JobId = "0a8e6c3b-5f21-4b7f-9d15-6b1f0d3e2c4a".parse()?;
/// assert_eq!(JobId::from_uuid(id.uuid()), id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct JobId(Uuid);

impl JobId {
    /// The id of that UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// What brought a job about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobKind {
    /// An app event, or a lifecycle event.
    Event,
    /// A scheduled trigger.
    Tick,
}

/// A job that is to be kept.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id. A job with the id of one that is held is a duplicate of it.
    pub id: JobId,
    /// Whose it is. Installations take turns.
    pub installation: InstallationId,
    /// What brought it about.
    pub kind: JobKind,
    /// The event's type, or the schedule's key; at most 255 visible ASCII characters.
    pub name: Box<str>,
    /// What a redelivery has in common with the first delivery.
    pub digest: [u8; 32],
    /// If set: it is a duplicate of a job with its digest that came within this time.
    pub unless_within: Option<Duration>,
    /// It is a duplicate of a job of its order that has not begun to run yet.
    pub coalesces: bool,
    /// How long its key is kept once it is done, from its arrival.
    pub remember_for: Duration,
    /// Jobs of one order run one after the other, in the order they came.
    pub order: Option<Order>,
    /// What the handler gets: JSON.
    pub payload: Box<str>,
    /// The trace that brought it.
    pub trace: TraceId,
    /// The app token that came with it. Sealed at rest, gone when the job has ended.
    pub app_token: Option<AppToken>,
}

/// What jobs have in common that must not overtake each other: a hash of the installation
/// and the handler's ordering key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(pub [u8; 16]);

/// What became of a job that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// The job that is held: the one handed in, or the one it is a duplicate of.
    pub id: JobId,
    /// Whether it was held before.
    pub duplicate: bool,
}
