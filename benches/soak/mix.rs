//! Which requests there are, and how many of each.

use crate::{faults::Fault, fits::Fits};

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A page's call with a FIT that came before.
    Reused,
    /// A page's call with a FIT that has to be verified.
    Distinct,
    /// A page's call that asks the product as the user.
    AsUser,
    /// A page's call that asks the product as the app.
    AsApp,
    /// A page's call that asks the product as somebody else.
    AsAccount,
    /// An event of a page of its own.
    Event,
    /// The last event of its sender again, as Forge does where it heard no answer.
    Redelivery,
    /// A FIT that does not pass.
    Bad,
    /// A tick of a schedule.
    Tick,
}

/// Of a hundred requests.
const MIX: [(Kind, u64); 8] = [
    (Kind::Reused, 25),
    (Kind::Distinct, 22),
    (Kind::AsUser, 15),
    (Kind::AsApp, 10),
    (Kind::AsAccount, 10),
    (Kind::Event, 15),
    (Kind::Redelivery, 2),
    (Kind::Bad, 1),
];

/// Accounts that come again and again; one in twenty is new.
const ACCOUNTS: u64 = 500;

impl Kind {
    /// The kind of a request, by its number: a prime scatters them.
    pub(crate) fn of(number: u64) -> Self {
        let mut place = number.wrapping_mul(37) % 100;
        for (kind, share) in MIX {
            if place < share {
                return kind;
            }
            place -= share;
        }
        Self::Reused
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reused => "page, FIT reused",
            Self::Distinct => "page, FIT new",
            Self::AsUser => "page, as user",
            Self::AsApp => "page, as app",
            Self::AsAccount => "page, as account",
            Self::Event => "event",
            Self::Redelivery => "event again",
            Self::Bad => "bad FIT",
            Self::Tick => "tick",
        }
    }
}

/// The bytes of a request that is no redelivery.
pub(crate) fn request(kind: Kind, number: u64, fits: &Fits, fault: Option<Fault>) -> Vec<u8> {
    let key = usize::from(fault == Some(Fault::KeyRotation));
    let page = |path: &str, fit: &str| get(path, fit, number);
    match kind {
        Kind::Reused => page("/api/invocation", fits.reused(key, number)),
        Kind::Distinct => page("/api/invocation", fits.distinct(key)),
        Kind::AsUser => page("/api/content?limit=5", fits.distinct(key)),
        Kind::AsApp => page("/api/content?limit=5&as=app", fits.distinct(key)),
        Kind::AsAccount => {
            let account = if number.is_multiple_of(20) {
                uuid::Uuid::new_v4()
            } else {
                uuid::Uuid::from_u128(u128::from(number % ACCOUNTS))
            };
            let path = format!("/api/accounts/{account}/content?limit=5");
            page(&path, fits.distinct(key))
        }
        // A key that the set does not have makes the service ask for the set.
        Kind::Bad if fault == Some(Fault::KeySetDown) => {
            page("/api/invocation", &fits.of_nobody(number))
        }
        Kind::Bad => page("/api/invocation", &fits.forged(number)),
        Kind::Event | Kind::Redelivery => {
            let event = serde_json::json!({
                "eventType": "avi:confluence:updated:page", "updateTrigger": "edit_page",
                "atlassianId": "5f3c9a1be8d2470071b64c0d",
                "content": {
                    "id": number.to_string(), "type": "page", "title": "Release notes",
                    "space": {"id": 65538, "key": "ENG", "type": "global"},
                    "history": {"text": "x".repeat(1000)},
                },
            });
            let fit = fits.of_platform(key);
            post("/forge/events", &fit, number, &event.to_string())
        }
        Kind::Tick => {
            let fit = fits.of_platform(key);
            post("/forge/scheduled/digest-hourly", &fit, number, "{}")
        }
    }
}

fn get(path: &str, fit: &str, number: u64) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\n{}\r\n", headers(fit, number)).into_bytes()
}

fn post(path: &str, fit: &str, number: u64, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\n{}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        headers(fit, number),
        body.len()
    )
    .into_bytes()
}

/// Tokens as long as the platform's. The app's changes now and then, as there: one that a
/// product has refused does not come back for ever.
fn headers(fit: &str, number: u64) -> String {
    let (app, text) = (number / 1000, "t".repeat(1200));
    format!(
        "host: remote\r\nauthorization: Bearer {fit}\r\nx-forge-oauth-system: app-{app}.{text}\r\n\
         x-forge-oauth-user: user.{text}\r\nx-b3-traceid: {number:032x}\r\nx-b3-spanid: {number:016x}\r\n"
    )
}
