//! Flaws in which token goes where.

use super::{
    Caught, Flaw,
    identity::{EXCHANGED_BY_ACCOUNT, SHARED_TOKEN},
};

pub(in crate::check) const KEEPS_FIRST_USER: Flaw = Flaw("it keeps the first user's token");
pub(in crate::check) const APP_FOR_USER: Flaw = Flaw("without the user's token it asks as the app");
pub(in crate::check) const EMPTY_BEARER: Flaw = Flaw("without a token it asks with an empty one");
pub(in crate::check) const USER_FOR_STORAGE: Flaw = Flaw("it asks storage with the user's token");
pub(in crate::check) const USER_IN_BACKGROUND: Flaw =
    Flaw("it works on events with the last user's token");
pub(in crate::check) const LENDS_TOKENS: Flaw = Flaw("it lends the last token to whoever has none");
pub(in crate::check) const LENDS_USERS: Flaw =
    Flaw("it lends the last user's token within an installation");
pub(in crate::check) const DEMANDS_JWT: Flaw = Flaw("it takes tokens for JWTs");
pub(in crate::check) const DEMANDS_AN_HOUR: Flaw =
    Flaw("it demands tokens that are good for an hour");
pub(in crate::check) const KEEPS_FIRST_APP: Flaw = Flaw("it keeps the first token of the app");
pub(in crate::check) const IGNORES_EXPIRY: Flaw = Flaw("it uses tokens that are over");
pub(in crate::check) const ECHOES: Flaw = Flaw("it answers with the headers of the request");
pub(in crate::check) const ECHOES_EXCHANGED: Flaw = Flaw("it answers with the exchanged token");
pub(in crate::check) const ERRORS_ECHO: Flaw = Flaw("its errors show the request");
pub(in crate::check) const PASSES_ERRORS: Flaw = Flaw("it passes errors of products on");
pub(in crate::check) const TOKEN_IN_QUERY: Flaw = Flaw("it sends the token in the query too");
pub(in crate::check) const FORWARDS_FIT: Flaw = Flaw("it forwards the FIT in a header");
pub(in crate::check) const FIT_AS_BEARER: Flaw = Flaw("it asks products with the FIT");
pub(in crate::check) const FOLLOWS_REDIRECTS: Flaw = Flaw("it follows redirects with the token");
pub(in crate::check) const FOLLOWS_LINKS: Flaw = Flaw("it follows links with the token");
pub(in crate::check) const ANY_BASE: Flaw = Flaw("it sends tokens to any base");
pub(in crate::check) const EXCHANGES_USER: Flaw = Flaw("it exchanges the user's token");
pub(in crate::check) const APP_AFTER_EXCHANGE: Flaw = Flaw("it goes on as the app");
pub(in crate::check) const EXCHANGED_BY_INSTALLATION: Flaw =
    Flaw("it keeps exchanged tokens by installation");
pub(in crate::check) const NO_CACHE: Flaw = Flaw("it exchanges for every call");
pub(in crate::check) const EACH_EXCHANGES: Flaw = Flaw("calls at once exchange each");
pub(in crate::check) const NEVER_RENEWS: Flaw = Flaw("it keeps exchanged tokens for ever");
pub(in crate::check) const KEEPS_REFUSED: Flaw = Flaw("it keeps exchanged tokens that are refused");
pub(in crate::check) const APP_WHEN_REFUSED: Flaw =
    Flaw("without the exchange it goes on as the app");
pub(in crate::check) const IGNORES_LIMIT: Flaw = Flaw("it does not wait after a 429");

pub(in crate::check) const FLAWS: &[Caught] = &[
    ("token-user-is-callers", KEEPS_FIRST_USER),
    ("token-user-not-replaced", APP_FOR_USER),
    ("token-missing-means-no-call", EMPTY_BEARER),
    ("token-app-for-storage", USER_FOR_STORAGE),
    ("token-user-not-in-background", USER_IN_BACKGROUND),
    ("token-not-across-tenants", LENDS_TOKENS),
    ("token-not-across-tenants", SHARED_TOKEN),
    ("token-not-across-users", LENDS_USERS),
    ("token-opaque-used", DEMANDS_JWT),
    ("token-short-rest-used", DEMANDS_AN_HOUR),
    ("token-rotated-used", KEEPS_FIRST_APP),
    ("token-rotated-used", KEEPS_FIRST_USER),
    ("token-expired-user-unused", IGNORES_EXPIRY),
    ("token-expired-app-unused", IGNORES_EXPIRY),
    ("token-not-in-answers", ECHOES),
    ("token-not-in-answers", ECHOES_EXCHANGED),
    ("token-not-in-errors", ERRORS_ECHO),
    ("token-not-in-echoed-errors", PASSES_ERRORS),
    ("token-in-authorization-only", TOKEN_IN_QUERY),
    ("fit-not-forwarded", FORWARDS_FIT),
    ("fit-not-forwarded", FIT_AS_BEARER),
    ("token-not-to-redirect", FOLLOWS_REDIRECTS),
    ("token-not-to-linked-host", FOLLOWS_LINKS),
    ("token-not-to-foreign-base", ANY_BASE),
    ("impersonation-exchanges-app-token", EXCHANGES_USER),
    ("impersonation-acts-as-account", APP_AFTER_EXCHANGE),
    ("impersonation-accounts-apart", EXCHANGED_BY_INSTALLATION),
    ("impersonation-tenants-apart", EXCHANGED_BY_ACCOUNT),
    ("impersonation-cached", NO_CACHE),
    ("impersonation-exchanged-once", EACH_EXCHANGES),
    ("impersonation-renewed", NEVER_RENEWS),
    ("impersonation-refused-token-replaced", KEEPS_REFUSED),
    ("impersonation-refusal-kept", APP_WHEN_REFUSED),
    ("impersonation-limit-respected", IGNORES_LIMIT),
];
