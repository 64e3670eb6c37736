//! Flaws in how FITs are verified.

use super::{Caught, Flaw};

pub(in crate::check) const REFUSES_ALL: Flaw = Flaw("it refuses every FIT");
pub(in crate::check) const DEMANDS_PRINCIPAL: Flaw = Flaw("it demands a principal");
pub(in crate::check) const DEMANDS_VERSION: Flaw = Flaw("it demands app.version");
pub(in crate::check) const DEMANDS_LOCAL_ID: Flaw = Flaw("it demands context.localId");
pub(in crate::check) const FORBIDS_UNKNOWN: Flaw = Flaw("it forbids unknown claims");
pub(in crate::check) const DEMANDS_ACTIVE: Flaw = Flaw("it demands license.active");
pub(in crate::check) const DEMANDS_LONG_ENVIRONMENT: Flaw =
    Flaw("it demands the long form of an environment's id");
pub(in crate::check) const ONE_VERSION: Flaw = Flaw("it takes one version of the app");
pub(in crate::check) const DEMANDS_CLOUD: Flaw = Flaw("it demands a cloudId of every context");
pub(in crate::check) const AUDIENCE_IS_TEXT: Flaw = Flaw("it takes aud as a text only");
pub(in crate::check) const NO_LEEWAY: Flaw = Flaw("it has no leeway");
pub(in crate::check) const ONCE: Flaw = Flaw("it takes each jti once");
pub(in crate::check) const SCHEME_AS_WRITTEN: Flaw = Flaw("it takes Bearer as it is written only");

pub(in crate::check) const TAKES_EXPIRED: Flaw = Flaw("it takes expired FITs");
pub(in crate::check) const TAKES_EARLY: Flaw = Flaw("it does not look at nbf");
pub(in crate::check) const TAKES_ENDLESS: Flaw = Flaw("it takes FITs without exp");
pub(in crate::check) const ANY_AUDIENCE: Flaw = Flaw("it takes FITs for any app");
pub(in crate::check) const ANY_ISSUER: Flaw = Flaw("it takes FITs of any issuer");
pub(in crate::check) const ANY_APP: Flaw = Flaw("it does not look at app.id");
pub(in crate::check) const ANY_INSTALLATION: Flaw = Flaw("it does not look at installation.id");
pub(in crate::check) const UNREADABLE_IS_500: Flaw = Flaw("it answers 500 to unreadable claims");
pub(in crate::check) const ANY_LABEL: Flaw = Flaw("it does not look at icLabel");

pub(in crate::check) const TAKES_NONE: Flaw = Flaw("it takes alg none");
pub(in crate::check) const TAKES_HMAC: Flaw = Flaw("it takes HS256 unverified");
pub(in crate::check) const ANY_RSA: Flaw = Flaw("it takes any algorithm of RSA");
pub(in crate::check) const NO_SIGNATURE: Flaw = Flaw("it does not verify the signature");
pub(in crate::check) const UNKNOWN_KEY_IS_500: Flaw = Flaw("it answers 500 to an unknown key");
pub(in crate::check) const ANY_KEY_WITHOUT_ID: Flaw = Flaw("it tries all keys without kid");
pub(in crate::check) const TRUSTS_JWK: Flaw = Flaw("it trusts the key in the header");
pub(in crate::check) const FETCHES_JKU: Flaw = Flaw("it fetches jku");
pub(in crate::check) const IGNORES_CRIT: Flaw = Flaw("it ignores crit");
pub(in crate::check) const PARTS_ARE_500: Flaw = Flaw("it answers 500 to a token of two parts");
pub(in crate::check) const TRIMS_PADDING: Flaw = Flaw("it trims padding");

pub(in crate::check) const FORGETS_A_ROUTE: Flaw = Flaw("it forgets to verify ticks");
pub(in crate::check) const EMPTY_IS_400: Flaw = Flaw("it answers 400 to an empty header");
pub(in crate::check) const ANY_SCHEME: Flaw = Flaw("it takes any scheme");
pub(in crate::check) const TAKES_QUERY: Flaw = Flaw("it takes a FIT in the query");
pub(in crate::check) const TAKES_COOKIE: Flaw = Flaw("it takes a FIT in a cookie");
pub(in crate::check) const FIRST_COUNTS: Flaw = Flaw("of two FITs it takes the first");
pub(in crate::check) const LAST_COUNTS: Flaw = Flaw("of two FITs it takes the last");
pub(in crate::check) const LARGE_IS_500: Flaw = Flaw("it answers 500 to a large token");

pub(in crate::check) const REFUSES_IN_TEXT: Flaw = Flaw("it refuses in plain text");
pub(in crate::check) const SAYS_WHY: Flaw = Flaw("it says what it found in the token");
pub(in crate::check) const WORKS_FIRST: Flaw = Flaw("it asks the product before it verifies");
pub(in crate::check) const READS_FIRST: Flaw = Flaw("it reads the body before it verifies");
pub(in crate::check) const PAGES_SEND_EVENTS: Flaw = Flaw("it takes events from pages");

pub(in crate::check) const FIRST_KEY_ONLY: Flaw = Flaw("it keeps the first key of the set");
pub(in crate::check) const FETCHES_ONCE: Flaw = Flaw("it fetches the key set once");
pub(in crate::check) const ONLY_ADDS_KEYS: Flaw = Flaw("it never drops a key");
pub(in crate::check) const FETCHES_ALWAYS: Flaw = Flaw("it fetches for every unknown key");
pub(in crate::check) const FORGETS_KEYS: Flaw = Flaw("it forgets its keys when a fetch fails");
pub(in crate::check) const ALL_WAIT: Flaw = Flaw("everybody waits for a fetch");
pub(in crate::check) const UNKNOWN_PASSES: Flaw = Flaw("without a key set it lets everything pass");

pub(in crate::check) const FLAWS: &[Caught] = &[
    ("fit-good-accepted", REFUSES_ALL),
    ("fit-backend-accepted", DEMANDS_PRINCIPAL),
    ("fit-optional-claims-absent-accepted", DEMANDS_VERSION),
    ("fit-optional-claims-absent-accepted", DEMANDS_LOCAL_ID),
    ("fit-unknown-claims-accepted", FORBIDS_UNKNOWN),
    ("fit-license-forms-accepted", DEMANDS_ACTIVE),
    ("fit-environment-forms-accepted", DEMANDS_LONG_ENVIRONMENT),
    ("fit-other-versions-accepted", ONE_VERSION),
    ("fit-several-products-accepted", DEMANDS_CLOUD),
    ("fit-audience-list-accepted", AUDIENCE_IS_TEXT),
    ("fit-clock-skew-accepted", NO_LEEWAY),
    ("fit-reused-accepted", ONCE),
    ("fit-scheme-case-accepted", SCHEME_AS_WRITTEN),
    ("fit-expired-refused", TAKES_EXPIRED),
    ("fit-not-yet-valid-refused", TAKES_EARLY),
    ("fit-without-expiry-refused", TAKES_ENDLESS),
    ("fit-wrong-audience-refused", ANY_AUDIENCE),
    ("fit-wrong-issuer-refused", ANY_ISSUER),
    ("fit-app-contradiction-refused", ANY_APP),
    ("fit-installation-contradiction-refused", ANY_INSTALLATION),
    ("fit-no-object-refused", UNREADABLE_IS_500),
    ("fit-bad-isolated-label-refused", ANY_LABEL),
    ("fit-unsigned-refused", TAKES_NONE),
    ("fit-unsigned-refused", NO_SIGNATURE),
    ("fit-hmac-refused", TAKES_HMAC),
    ("fit-other-algorithm-refused", ANY_RSA),
    ("fit-foreign-key-refused", NO_SIGNATURE),
    ("fit-unknown-key-refused", UNKNOWN_KEY_IS_500),
    ("fit-without-key-id-refused", ANY_KEY_WITHOUT_ID),
    ("fit-key-injection-refused", TRUSTS_JWK),
    ("fit-key-injection-refused", FETCHES_JKU),
    ("fit-critical-header-refused", IGNORES_CRIT),
    ("fit-tampered-refused", NO_SIGNATURE),
    ("fit-cut-refused", PARTS_ARE_500),
    ("fit-loose-encoding-refused", TRIMS_PADDING),
    ("fit-missing-refused", FORGETS_A_ROUTE),
    ("fit-empty-refused", EMPTY_IS_400),
    ("fit-other-scheme-refused", ANY_SCHEME),
    ("fit-elsewhere-refused", TAKES_QUERY),
    ("fit-elsewhere-refused", TAKES_COOKIE),
    ("fit-twice-refused", FIRST_COUNTS),
    ("fit-twice-refused", LAST_COUNTS),
    ("fit-huge-refused", LARGE_IS_500),
    ("refusal-is-json", REFUSES_IN_TEXT),
    ("refusal-tells-nothing", SAYS_WHY),
    ("refusal-does-nothing", WORKS_FIRST),
    ("refusal-waits-for-no-body", READS_FIRST),
    ("backend-refuses-page-fit", PAGES_SEND_EVENTS),
    ("key-of-set-accepted", FIRST_KEY_ONLY),
    ("key-new-accepted", FETCHES_ONCE),
    ("key-withdrawn-refused", ONLY_ADDS_KEYS),
    ("key-storm-bounded", FETCHES_ALWAYS),
    ("key-outage-survived", FORGETS_KEYS),
    ("key-slow-holds-up-nobody", ALL_WAIT),
    ("key-outage-refuses-unknown", UNKNOWN_PASSES),
];
