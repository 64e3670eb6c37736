//! Flaws in what happens when something breaks.

use super::{Caught, Flaw};

pub(in crate::check) const TRIES_ONCE: Flaw = Flaw("it tries what an event needs once");
pub(in crate::check) const HASTY: Flaw = Flaw("it does not wait as it is told");
pub(in crate::check) const FORGETS: Flaw = Flaw("a restart forgets what was acknowledged");
pub(in crate::check) const STALLS: Flaw = Flaw("one call of a product at a time");
pub(in crate::check) const STAYS_BROKEN: Flaw = Flaw("it never calls a product again that failed");
pub(in crate::check) const GATEWAY_IS_SUCCESS: Flaw =
    Flaw("without the gateway it acts as the app");
pub(in crate::check) const ENDS_AT_GARBAGE: Flaw = Flaw("garbage makes it refuse everything");
pub(in crate::check) const FULL_OF_IDLERS: Flaw = Flaw("it serves twenty connections at a time");
pub(in crate::check) const WAITS_FOR_HEADS: Flaw = Flaw("it waits for heads for ever");
pub(in crate::check) const WAITS_FOR_BODIES: Flaw = Flaw("it waits for bodies for ever");
pub(in crate::check) const BANS: Flaw = Flaw("bad FITs make it refuse good ones");
pub(in crate::check) const HEADERS_END_IT: Flaw = Flaw("large headers make it refuse everything");
pub(in crate::check) const GONE_ARE_COUNTED: Flaw = Flaw("clients who left keep their places");

pub(in crate::check) const STAYS_DOWN: Flaw = Flaw("a restart leaves it out of order");

pub(in crate::check) const FLAWS: &[Caught] = &[
    ("product-slow-holds-up-nobody", STALLS),
    ("product-failure-passes", STAYS_BROKEN),
    ("gateway-down-answered", GATEWAY_IS_SUCCESS),
    ("event-failure-tried-again", TRIES_ONCE),
    ("event-retry-after-respected", HASTY),
    ("slow-head-closed", WAITS_FOR_HEADS),
    ("slow-body-closed", WAITS_FOR_BODIES),
    ("slow-senders-stop-nobody", FULL_OF_IDLERS),
    ("idle-connections-stop-nobody", FULL_OF_IDLERS),
    ("flood-of-bad-fits-stops-nobody", BANS),
    ("headers-too-large-refused", HEADERS_END_IT),
    ("garbage-harmless", ENDS_AT_GARBAGE),
    ("clients-gone-harmless", GONE_ARE_COUNTED),
    ("restart-fits-accepted", STAYS_DOWN),
    ("restart-events-handled", FORGETS),
    ("restart-redelivery-handled-once", FORGETS),
];
