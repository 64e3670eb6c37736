//! Why an operation is refused, in the storage's own codes.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Value, json};

/// A refusal: a code for the remote's program, and a sentence for whoever writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) message: Cow<'static, str>,
}

/// The codes of the storage (Forge storage REST: errors), and how the HTTP status follows from each.
///
/// For some refusals the platform's code is not documented; the variant says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    BadRequest,
    /// The request names no key at all.
    EmptyKey,
    KeyTooShort,
    KeyTooLong,
    InvalidKey,
    MaxSize,
    MaxDepth,
    EntityTypeTooShort,
    EntityTypeTooLarge,
    InvalidEntityType,
    InvalidEntityValue,
    InvalidEntityAttribute,
    InvalidEntityIndex,
    InvalidFilterCondition,
    InvalidFilterValues,
    InsufficientFilterValues,
    EmptyFilterOperator,
    InvalidFilterOperatorsCombination,
    ListQueryLimitExceeded,
    ComplexQueryPageLimitNotInRange,
    QueryWhereInvalid,
    QueryWhereFieldInvalid,
    /// A token of another kind than the app's. Undocumented.
    Unauthorized,
    /// The app lacks the scope. Undocumented.
    Forbidden,
    KeyNotFound,
    /// `FAIL_IF_EXISTS`, and the key exists. Undocumented beside its status.
    KeyAlreadyExists,
    /// A transaction's condition does not hold. Undocumented beside "4xx".
    ConditionNotMet,
    /// A filter on an attribute of the type `any`. Undocumented beside its status.
    UnprocessableEntity,
    RateLimitExceeded,
    /// What a transaction says in place of [`RateLimitExceeded`](Self::RateLimitExceeded).
    TooManyRequests,
    /// The emulator's own bound; the platform has no such one.
    EmulatorStorageFull,
}

impl Code {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::EmptyKey => "EMPTY_KEY",
            Self::KeyTooShort => "KEY_TOO_SHORT",
            Self::KeyTooLong => "KEY_TOO_LONG",
            Self::InvalidKey => "INVALID_KEY",
            Self::MaxSize => "MAX_SIZE",
            Self::MaxDepth => "MAX_DEPTH",
            Self::EntityTypeTooShort => "ENTITY_TYPE_TOO_SHORT",
            Self::EntityTypeTooLarge => "ENTITY_TYPE_TOO_LARGE",
            Self::InvalidEntityType => "INVALID_ENTITY_TYPE",
            Self::InvalidEntityValue => "INVALID_ENTITY_VALUE",
            Self::InvalidEntityAttribute => "INVALID_ENTITY_ATTRIBUTE",
            Self::InvalidEntityIndex => "INVALID_ENTITY_INDEX",
            Self::InvalidFilterCondition => "INVALID_FILTER_CONDITION",
            Self::InvalidFilterValues => "INVALID_FILTER_VALUES",
            Self::InsufficientFilterValues => "INSUFFICIENT_FILTER_VALUES",
            Self::EmptyFilterOperator => "EMPTY_FILTER_OPERATOR",
            Self::InvalidFilterOperatorsCombination => "INVALID_FILTER_OPERATORS_COMBINATION",
            Self::ListQueryLimitExceeded => "LIST_QUERY_LIMIT_EXCEEDED",
            Self::ComplexQueryPageLimitNotInRange => "COMPLEX_QUERY_PAGE_LIMIT_NOT_IN_RANGE",
            Self::QueryWhereInvalid => "QUERY_WHERE_INVALID",
            Self::QueryWhereFieldInvalid => "QUERY_WHERE_FIELD_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::KeyNotFound => "KEY_NOT_FOUND",
            Self::KeyAlreadyExists => "KEY_ALREADY_EXISTS",
            Self::ConditionNotMet => "CONDITION_NOT_MET",
            Self::UnprocessableEntity => "UNPROCESSABLE_ENTITY",
            Self::RateLimitExceeded => "RATE_LIMIT_EXCEEDED",
            Self::TooManyRequests => "TOO_MANY_REQUESTS",
            Self::EmulatorStorageFull => "EMULATOR_STORAGE_FULL",
        }
    }

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::KeyNotFound => StatusCode::NOT_FOUND,
            Self::KeyAlreadyExists | Self::ConditionNotMet => StatusCode::CONFLICT,
            Self::UnprocessableEntity => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimitExceeded | Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl Fault {
    pub(super) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(super) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BadRequest, message)
    }

    pub(super) fn key_not_found() -> Self {
        Self::new(Code::KeyNotFound, "There is no item with that key.")
    }

    /// `{"code", "message"}`
    pub(super) fn body(&self) -> Value {
        json!({"code": self.code.as_str(), "message": self.message})
    }
}
