//! Flaws in what becomes of events, ticks and uninstalls.

use super::{Caught, Flaw};

pub(in crate::check) const SLOW: Flaw = Flaw("it acknowledges too late");
pub(in crate::check) const DEMANDS_ACCOUNT: Flaw = Flaw("an event needs somebody who caused it");
pub(in crate::check) const DEMANDS_ENVIRONMENT: Flaw = Flaw("an installation needs an environment");
pub(in crate::check) const WORKS_FIRST: Flaw = Flaw("it works before it acknowledges");
pub(in crate::check) const SLOW_TICK: Flaw = Flaw("it acknowledges ticks too late");
pub(in crate::check) const UNINSTALL_FAILS: Flaw = Flaw("an uninstall is answered with 502");
pub(in crate::check) const WRONG_TYPES_ARE_500: Flaw = Flaw("a wrong type is its own error");
pub(in crate::check) const TAKES_GET: Flaw = Flaw("it takes events by GET");
pub(in crate::check) const ACTS_FIRST: Flaw = Flaw("it acts before the FIT is verified");
pub(in crate::check) const FIRST_TOKEN: Flaw = Flaw("it works with the first token it got");
pub(in crate::check) const SITE_OF_BODY: Flaw = Flaw("it takes the site from an event's body");
pub(in crate::check) const FEW: Flaw = Flaw("it takes eight events in a second");
pub(in crate::check) const DROPS: Flaw = Flaw("it acknowledges and drops what is too much");
pub(in crate::check) const HANDLES_AGAIN: Flaw = Flaw("it handles redeliveries");
pub(in crate::check) const CHANGES_AGAIN: Flaw = Flaw("it writes one more item at a redelivery");
pub(in crate::check) const KNOWS_BY_TYPE: Flaw = Flaw("it knows events by their types");
pub(in crate::check) const KNOWS_BY_BODY: Flaw = Flaw("it knows events without the installation");
pub(in crate::check) const TICKS_AGAIN: Flaw = Flaw("it runs for each tick");
pub(in crate::check) const ONE_SLOT: Flaw = Flaw("it runs once for all installations");

pub(in crate::check) const FLAWS: &[Caught] = &[
    ("event-acknowledged", SLOW),
    ("event-optional-fields-absent-taken", DEMANDS_ACCOUNT),
    ("event-in-time-product-silent", WORKS_FIRST),
    ("event-acknowledged-product-broken", WORKS_FIRST),
    ("lifecycle-acknowledged", DEMANDS_ENVIRONMENT),
    ("schedule-acknowledged", SLOW_TICK),
    ("uninstall-answered", UNINSTALL_FAILS),
    ("event-wrong-types-no-server-error", WRONG_TYPES_ARE_500),
    ("event-only-by-post", TAKES_GET),
    ("event-bad-fit-does-nothing", ACTS_FIRST),
    ("event-handled-with-own-token", FIRST_TOKEN),
    ("event-handled-with-own-token", SITE_OF_BODY),
    ("event-acknowledged-under-load", FEW),
    ("event-overload-honest", DROPS),
    ("event-redelivery-changes-once", CHANGES_AGAIN),
    ("event-redelivery-handled-once", HANDLES_AGAIN),
    ("event-different-both-handled", KNOWS_BY_TYPE),
    ("event-different-both-handled", KNOWS_BY_BODY),
    ("schedule-twice-changes-once", TICKS_AGAIN),
    ("schedule-twice-runs-once", TICKS_AGAIN),
    ("schedule-installations-each-run", ONE_SLOT),
];
