//! Flaws in what an answer looks like, and in what is taken of a request.

use super::{Caught, Flaw};

pub(in crate::check) const HTML_404: Flaw = Flaw("404 is HTML");
pub(in crate::check) const TEXT_405: Flaw = Flaw("405 is plain text");
pub(in crate::check) const TEXT_400: Flaw = Flaw("400 is plain text");
pub(in crate::check) const BAD_BODY_IS_500: Flaw = Flaw("a bad body is an error of the server");
pub(in crate::check) const NO_WORDS: Flaw = Flaw("errors say nothing");
pub(in crate::check) const REDIRECTS: Flaw = Flaw("it redirects for a slash at the end");
pub(in crate::check) const PASSES_401: Flaw = Flaw("it passes a product's 401 on");
pub(in crate::check) const MISSING_IS_401: Flaw = Flaw("a missing token is 401");
pub(in crate::check) const BROKEN_IS_SUCCESS: Flaw = Flaw("a broken product is a success");
pub(in crate::check) const BROKEN_IS_TEXT: Flaw = Flaw("502 is plain text");

pub(in crate::check) const IN_ORDER: Flaw = Flaw("it demands headers in one order");
pub(in crate::check) const DEMANDS_B3: Flaw = Flaw("it demands B3 headers");
pub(in crate::check) const DEMANDS_HEX: Flaw = Flaw("it refuses odd trace ids");
pub(in crate::check) const FEW_HEADERS: Flaw = Flaw("it takes thirty headers");
pub(in crate::check) const NO_QUERY: Flaw = Flaw("it refuses queries");
pub(in crate::check) const TYPE_AS_WRITTEN: Flaw = Flaw("it takes one content type");
pub(in crate::check) const DEMANDS_LENGTH: Flaw = Flaw("it refuses chunks");
pub(in crate::check) const TICK_NEEDS_BODY: Flaw = Flaw("a tick needs a body");
pub(in crate::check) const KNOWN_FIELDS: Flaw = Flaw("it refuses events with unknown fields");
pub(in crate::check) const KNOWN_TYPES: Flaw = Flaw("it refuses events of unknown types");
pub(in crate::check) const FLAT_ONLY: Flaw = Flaw("it refuses wrapped redeliveries");
pub(in crate::check) const CLOSES: Flaw = Flaw("it closes each connection");
pub(in crate::check) const PREFLIGHT_IS_401: Flaw = Flaw("it demands a FIT of preflights");
pub(in crate::check) const HEAD_IS_500: Flaw = Flaw("HEAD is an error of the server");

pub(in crate::check) const TEXT_SUCCESS: Flaw = Flaw("a success is plain text");
pub(in crate::check) const UNDECLARED: Flaw = Flaw("JSON is declared as text");
pub(in crate::check) const SMALL_BODIES: Flaw = Flaw("it takes 100 KB");
pub(in crate::check) const LARGE_IS_500: Flaw = Flaw("a large body is an error of the server");
pub(in crate::check) const ENDLESS_ANSWERS: Flaw = Flaw("it passes on whatever a product says");
pub(in crate::check) const PATIENT: Flaw = Flaw("it waits for a product for ever");

pub(in crate::check) const FLAWS: &[Caught] = &[
    ("error-json-path", HTML_404),
    ("error-json-method", TEXT_405),
    ("error-json-body", TEXT_400),
    ("error-json-body", BAD_BODY_IS_500),
    ("error-has-message", NO_WORDS),
    ("error-not-redirect", REDIRECTS),
    ("error-401-not-for-product", PASSES_401),
    ("error-401-not-for-missing-token", MISSING_IS_401),
    ("error-json-product", BROKEN_IS_SUCCESS),
    ("error-json-product", BROKEN_IS_TEXT),
    ("headers-any-case", IN_ORDER),
    ("headers-b3-optional", DEMANDS_B3),
    ("headers-b3-forms", DEMANDS_HEX),
    ("headers-many-taken", FEW_HEADERS),
    ("query-unknown-tolerated", NO_QUERY),
    ("body-content-type-forms", TYPE_AS_WRITTEN),
    ("body-chunked-taken", DEMANDS_LENGTH),
    ("schedule-empty-body-taken", TICK_NEEDS_BODY),
    ("event-unknown-fields-taken", KNOWN_FIELDS),
    ("event-unknown-type-taken", KNOWN_TYPES),
    ("event-redelivery-forms-taken", FLAT_ONLY),
    ("connection-kept-alive", CLOSES),
    ("preflight-without-fit", PREFLIGHT_IS_401),
    ("method-head-harmless", HEAD_IS_500),
    ("success-is-json", TEXT_SUCCESS),
    ("success-content-type", UNDECLARED),
    ("size-page-body-taken", SMALL_BODIES),
    ("size-event-taken", SMALL_BODIES),
    ("size-too-large-refused", LARGE_IS_500),
    ("size-answer-bounded", ENDLESS_ANSWERS),
    ("time-page-answered", PATIENT),
];
