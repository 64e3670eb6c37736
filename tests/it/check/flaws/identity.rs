//! Flaws in who is who.

use super::{Caught, Flaw};

pub(in crate::check) const QUERY_NAMES_ACCOUNT: Flaw = Flaw("it takes the account from the query");
pub(in crate::check) const QUERY_NAMES_INSTALLATION: Flaw =
    Flaw("it takes the installation from the query");
pub(in crate::check) const QUERY_NAMES_SITE: Flaw = Flaw("it takes the site from the query");
pub(in crate::check) const HEADER_NAMES_ACCOUNT: Flaw = Flaw("it takes the account from a header");
pub(in crate::check) const HEADER_NAMES_SITE: Flaw = Flaw("it takes the site from a header");
pub(in crate::check) const BODY_NAMES_ACCOUNT: Flaw = Flaw("it takes the account from the body");
pub(in crate::check) const EVENT_NAMES_SITE: Flaw = Flaw("it takes the site from an event");
pub(in crate::check) const TICK_NAMES_SITE: Flaw = Flaw("it takes the site from a tick");
pub(in crate::check) const BUILDS_BASE: Flaw = Flaw("it builds the base of a product itself");
pub(in crate::check) const SHARED_TOKEN: Flaw = Flaw("all calls share one variable for the token");
pub(in crate::check) const KEEPS_ANSWERS: Flaw = Flaw("it keeps answers by their path");
pub(in crate::check) const PREVIOUS_TOKEN: Flaw =
    Flaw("it asks storage with the token of the call before");
pub(in crate::check) const EXCHANGED_BY_SITE: Flaw = Flaw("it keeps exchanged tokens by site");
pub(in crate::check) const EXCHANGED_BY_ACCOUNT: Flaw =
    Flaw("it keeps exchanged tokens by account");
pub(in crate::check) const KEEPS_ANSWERS_OF_INSTALLATION: Flaw =
    Flaw("it keeps answers by installation and path");
pub(in crate::check) const LAST_PRINCIPAL: Flaw = Flaw("nobody is whoever called last");
pub(in crate::check) const UNIDENTIFIED_IS_USER: Flaw = Flaw("it takes unidentified for a user");

pub(in crate::check) const FLAWS: &[Caught] = &[
    ("identity-not-from-query", QUERY_NAMES_ACCOUNT),
    ("identity-not-from-query", QUERY_NAMES_INSTALLATION),
    ("identity-not-from-query", QUERY_NAMES_SITE),
    ("identity-not-from-headers", HEADER_NAMES_ACCOUNT),
    ("identity-not-from-headers", HEADER_NAMES_SITE),
    ("identity-not-from-body", BODY_NAMES_ACCOUNT),
    ("identity-not-from-event", EVENT_NAMES_SITE),
    ("identity-not-from-tick", TICK_NAMES_SITE),
    ("identity-api-base-from-fit", BUILDS_BASE),
    ("identity-tenants-at-once", SHARED_TOKEN),
    ("identity-tenants-in-turn", KEEPS_ANSWERS),
    ("identity-storage-of-installation", PREVIOUS_TOKEN),
    ("identity-reinstall-is-new", EXCHANGED_BY_SITE),
    ("identity-account-on-two-sites", EXCHANGED_BY_ACCOUNT),
    ("identity-users-apart", KEEPS_ANSWERS_OF_INSTALLATION),
    ("identity-nobody-is-nobody", LAST_PRINCIPAL),
    ("identity-unidentified-is-nobody", UNIDENTIFIED_IS_USER),
];
