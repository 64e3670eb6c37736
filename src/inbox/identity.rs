//! By what a delivery, an event and an order are told from others: hashes.

use aws_lc_rs::digest::{Context, SHA256};
use uuid::{Builder, Uuid};

use crate::{
    fit::Claims,
    ids::InstallationId,
    store::jobs::{JobId, Order},
};

/// The id of the job that a request becomes. The same FIT makes the same id, so that a
/// request which somebody repeats on the way is one job.
pub(super) fn job_id(claims: &Claims) -> JobId {
    let uuid = match claims.token_id.as_deref() {
        Some(token) => {
            let installation = claims.app.installation_id;
            let hash = hash("job", installation, &[token]);
            Builder::from_custom_bytes(first_half(&hash)).into_uuid()
        }
        None => Uuid::new_v4(),
    };
    JobId::from_uuid(uuid)
}

/// What all deliveries of an event have in common.
pub(super) fn event_digest(claims: &Claims, body: &str) -> [u8; 32] {
    let app = &claims.app;
    hash(
        "event",
        app.installation_id,
        &[app.module.key.as_str(), body],
    )
}

/// What all ticks of a schedule have in common, for one installation.
pub(super) fn tick_digest(installation: InstallationId, schedule: &str) -> [u8; 32] {
    hash("tick", installation, &[schedule])
}

/// The order of events with that text at what they are ordered by.
pub(super) fn event_order(installation: InstallationId, text: &str) -> Order {
    Order(first_half(&hash("event order", installation, &[text])))
}

/// The order of a schedule's ticks.
pub(super) fn tick_order(installation: InstallationId, schedule: &str) -> Order {
    Order(first_half(&hash("tick order", installation, &[schedule])))
}

/// What is hashed for one purpose is never what is hashed for another, and no part can pass
/// for two.
fn hash(purpose: &str, installation: InstallationId, parts: &[&str]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let mut update = |part: &[u8]| {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    };
    update(purpose.as_bytes());
    update(installation.uuid().as_bytes());
    for part in parts {
        update(part.as_bytes());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

fn first_half(hash: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|at| hash[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passes_for_something_else() {
        let installation = |n| InstallationId::from(Uuid::from_u128(n));
        let (one, two) = (installation(1), installation(2));
        let hashes = [
            hash("event", one, &["key", "body"]),
            hash("event", two, &["key", "body"]),
            hash("event", one, &["keyb", "ody"]),
            hash("event", one, &["key", "body", ""]),
            tick_digest(one, "key"),
            hash("job", one, &["key"]),
        ];
        for (at, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..at].contains(hash), "{at}");
        }
        assert_eq!(hashes[0], hash("event", one, &["key", "body"]));
        assert_ne!(event_order(one, "1"), event_order(two, "1"));
        assert_ne!(event_order(one, "1"), tick_order(one, "1"));
        assert_eq!(event_order(one, "1"), event_order(one, "1"));
    }
}
