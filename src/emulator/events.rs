//! Events of the products: which the emulator can make, and who gets them.

mod confluence;
mod jira;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::Value;

use super::{
    deliveries::{self, Content, Parcel, Undeliverable},
    faults::Fault,
    journal::{MAX_DELIVERIES, Occasion},
    stage::Stage,
    world,
};
use crate::clock::Timestamp;
use crate::manifest::Endpoint;

/// Larger events are not delivered at all (Forge remote events: 200 kB).
const MAX_EVENT_BYTES: usize = 200_000;
/// Forge remote events: up to three minutes between cause and delivery.
const MAX_DELAY: Duration = Duration::from_mins(3);
/// Events in one burst.
const MAX_BURST: u32 = 100;

/// An event to fire, and how.
///
/// ```
/// use forge_remote::emulator::FireEvent;
///
/// let mut event = FireEvent::new("avi:confluence:updated:page");
/// event.subject = Some("5341191".into());
/// event.duplicate = true;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FireEvent {
    /// Full name, such as `avi:confluence:updated:page`.
    pub event_type: String,
    /// Id of the page, id or key of the issue; the first one of the site by default.
    pub subject: Option<String>,
    /// Account id of who caused it; the administrator by default. What the app caused
    /// itself is its bot account's.
    pub user: Option<String>,
    /// Whether the app caused it itself: a trigger with `ignoreSelf` does not get it.
    pub self_generated: bool,
    /// The event, in place of the emulator's own; a JSON object. `eventType` is set in it.
    pub body: Option<Value>,
    /// How long the platform takes to deliver it, in its own time: three minutes at most.
    pub delay: Duration,
    /// Whether the same event is delivered twice, as the platform may.
    pub duplicate: bool,
    /// How many such events are fired at once: 1 to 100. Each has a moment of its own.
    pub burst: u32,
    /// Whether the body stands in a `payload` object; as the settings say by default.
    pub wrapped: Option<bool>,
}

impl FireEvent {
    /// One event of that name, of the site's first page or issue, caused by the administrator.
    pub fn new(event_type: impl Into<String>) -> Self {
        Self {
            event_type: event_type.into(),
            subject: None,
            user: None,
            self_generated: false,
            body: None,
            delay: Duration::ZERO,
            duplicate: false,
            burst: 1,
            wrapped: None,
        }
    }
}

/// An event that the platform would not deliver.
///
/// ```
/// # use forge_remote::emulator::{FireError, FireEvent, Running};
/// fn fire(emulator: &Running, event_type: &str) -> Result<usize, FireError> {
///     match emulator.fire_event(&FireEvent::new(event_type)) {
///         Err(FireError::NotSubscribed(_)) => Ok(0),
///         fired => Ok(fired?.len()),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FireError {
    /// The app was uninstalled.
    #[error("the app is not installed in the site: install it first")]
    NotInstalled,
    /// No trigger names the event.
    #[error("no trigger of the manifest has `{0}` among its `events`")]
    NotSubscribed(String),
    /// Every trigger that names the event has `ignoreSelf`, and the app caused it.
    #[error("the app caused it itself, and `filter.ignoreSelf` drops that")]
    IgnoredSelf,
    /// The emulator does not know what such an event looks like.
    #[error("the emulator has no template for `{0}`: give the event's body")]
    NoTemplate(String),
    /// No such page or issue.
    #[error("the site has no page or issue of that id or key")]
    UnknownSubject,
    /// No such account.
    #[error("nobody on the site has that account id")]
    UnknownUser,
    /// The body is no JSON object.
    #[error("an event is a JSON object")]
    Body,
    /// Larger than the platform delivers.
    #[error("the event is larger than the 200 kB that the platform delivers")]
    TooLarge,
    /// None, or too many at once.
    #[error("a burst has 1 to {MAX_BURST} events")]
    Burst,
    /// Longer than the platform takes.
    #[error("a delay is 3 minutes at most")]
    Delay,
    /// The manifest has no such schedule.
    #[error("the manifest has no scheduled trigger `{0}` with an endpoint")]
    UnknownSchedule(String),
    /// The platform has no such region.
    #[error("no region has that key: take EU, US, AU, DE, SG, CA, IN, KR, JP, GB or CH")]
    Region,
    /// The manifest declares no migration.
    #[error("the manifest has no `migration:dataResidency`")]
    NoMigration,
    /// A step of a process that is made of several.
    #[error("only events and schedules can be fired again")]
    Once,
    /// There is nothing to repeat yet.
    #[error("it was not sent yet")]
    NotSent,
    /// The event is longer than what is kept of it.
    #[error("its body was kept in part only, and cannot be fired again: fire it from the form")]
    Cut,
    /// Too much is under way.
    #[error("{MAX_DELIVERIES} deliveries are not settled yet: let the remote catch up")]
    TooMany,
    /// The endpoint's path is no path on the remote.
    #[error("the endpoint's path leads away from the remote")]
    Path,
}

impl From<Undeliverable> for FireError {
    fn from(undeliverable: Undeliverable) -> Self {
        match undeliverable {
            Undeliverable::TooMany => Self::TooMany,
            Undeliverable::Path => Self::Path,
        }
    }
}

/// What an event tells of.
#[derive(Debug, Clone, Copy)]
struct Scene<'a> {
    event_type: &'a str,
    subject: Option<&'a str>,
    account_id: &'a str,
    self_generated: bool,
    at: Timestamp,
    /// Tells events of the same second apart.
    serial: u64,
}

/// The events that the emulator can make by itself.
pub(super) fn templates() -> impl Iterator<Item = &'static str> {
    confluence::EVENTS.iter().chain(jira::EVENTS).copied()
}

/// Begins to deliver the event to every trigger that wants it; the numbers of the deliveries.
pub(super) fn fire(stage: &Arc<Stage>, fire: &FireEvent) -> Result<Vec<u64>, FireError> {
    let installation = stage.installed.current().ok_or(FireError::NotInstalled)?;
    if !(1..=MAX_BURST).contains(&fire.burst) {
        return Err(FireError::Burst);
    }
    if fire.delay > MAX_DELAY {
        return Err(FireError::Delay);
    }
    let receivers = receivers(stage, &fire.event_type, fire.self_generated)?;
    let mut deliveries = Vec::new();
    for _ in 0..fire.burst {
        let event = event(stage, fire)?;
        if event.to_string().len() > MAX_EVENT_BYTES {
            return Err(FireError::TooLarge);
        }
        let twice = stage.faults.take(|fault| *fault == Fault::DuplicateEvent);
        for _ in 0..=u8::from(fire.duplicate || twice.is_some()) {
            for (key, endpoint) in &receivers {
                let wrapped = fire.wrapped.unwrap_or(stage.timing.wrapped);
                let event = event.clone();
                let content = Content::Event { event, wrapped };
                let occasion = Occasion::Event(fire.event_type.clone());
                let mut parcel = Parcel::to(endpoint, key, occasion, content);
                parcel.delay = fire.delay;
                parcel.faults = twice.into_iter().collect();
                deliveries.push(deliveries::deliver(stage, &installation, parcel)?);
            }
        }
    }
    Ok(deliveries)
}

/// The triggers that get the event, each with its endpoint.
pub(super) fn receivers<'a>(
    stage: &'a Stage,
    event_type: &str,
    self_generated: bool,
) -> Result<Vec<(&'a str, &'a Endpoint)>, FireError> {
    let mut subscribed = false;
    let mut receivers = Vec::new();
    for trigger in &stage.manifest.triggers.events {
        let mut subscriptions = trigger.subscriptions.iter();
        let Some(subscription) = subscriptions.find(|known| known.event_type == event_type) else {
            continue;
        };
        subscribed = true;
        if !(self_generated && subscription.ignores_self) {
            receivers.push((trigger.key.as_str(), &trigger.endpoint));
        }
    }
    match (receivers.is_empty(), subscribed) {
        (false, _) => Ok(receivers),
        (true, true) => Err(FireError::IgnoredSelf),
        (true, false) => Err(FireError::NotSubscribed(event_type.to_owned())),
    }
}

fn event(stage: &Stage, fire: &FireEvent) -> Result<Value, FireError> {
    if let Some(body) = &fire.body {
        let mut body = body.clone();
        let fields = body.as_object_mut().ok_or(FireError::Body)?;
        fields.insert("eventType".to_owned(), fire.event_type.clone().into());
        return Ok(body);
    }
    let account_id = match fire.user.as_deref() {
        _ if fire.self_generated => world::BOT,
        None => world::MIRA,
        Some(id) => world::user(id).ok_or(FireError::UnknownUser)?.account_id,
    };
    let scene = Scene {
        event_type: &fire.event_type,
        subject: fire.subject.as_deref(),
        account_id,
        self_generated: fire.self_generated,
        at: stage.clock.now(),
        serial: stage.fired.fetch_add(1, Ordering::Relaxed),
    };
    if let Some(name) = fire.event_type.strip_prefix("avi:confluence:") {
        confluence::event(name, &scene)
    } else if let Some(name) = fire.event_type.strip_prefix("avi:jira:") {
        jira::event(name, &scene)
    } else {
        Err(FireError::NoTemplate(fire.event_type.clone()))
    }
}
