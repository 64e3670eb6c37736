//! What an entity must be like: ranges of an index, conditions on attributes.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::StorageError;

/// "At most 100 conditions per query" (Forge storage limits).
const MOST_CONDITIONS: usize = 100;

/// Part of an index, by the value that the index is ordered by.
///
/// ```
/// use forge_remote::storage::Range;
/// let this_year = [Range::at_least("2026-01-01"), Range::begins_with("2026-")];
/// let before = [Range::less_than(2026), Range::at_most(2025), Range::equal_to(2025)];
/// let after = [Range::greater_than(2026), Range::between(2027, 2030)];
/// ```
#[derive(Clone, PartialEq, Serialize)]
pub struct Range {
    #[serde(rename = "condition")]
    operator: &'static str,
    values: Vec<Value>,
}

/// One demand on one attribute.
///
/// ```
/// use forge_remote::storage::{Condition, Filter};
/// let due = Filter::any([
///     Condition::not_exists("sent"),
///     Condition::exists("again"),
///     Condition::equal_to("state", "open"),
///     Condition::not_equal_to("state", "done"),
///     Condition::begins_with("title", "Draft"),
///     Condition::contains("labels", "urgent"),
///     Condition::not_contains("labels", "later"),
/// ]);
/// let small = Filter::all([
///     Condition::greater_than("votes", 0),
///     Condition::at_least("votes", 1),
///     Condition::less_than("votes", 10),
///     Condition::at_most("votes", 9),
///     Condition::between("votes", 1, 9),
/// ]);
/// ```
#[derive(Clone, PartialEq, Serialize)]
pub struct Condition {
    property: String,
    #[serde(rename = "condition")]
    operator: &'static str,
    values: Vec<Value>,
}

/// Demands on an entity, of which all must be met or any one.
#[derive(Clone, PartialEq, Serialize)]
pub struct Filter(Demands);

#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Demands {
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $method:ident = $operator:literal;)+) => {
        impl Range {
            $($(#[$doc])*
            #[must_use]
            pub fn $method(value: impl Into<Value>) -> Self {
                Self { operator: $operator, values: vec![value.into()] }
            })+
        }

        impl Condition {
            $($(#[$doc])*
            #[must_use]
            pub fn $method(property: impl Into<String>, value: impl Into<Value>) -> Self {
                Self::of(property, $operator, vec![value.into()])
            })+
        }
    };
}

comparisons! {
    /// A text that begins like this.
    begins_with = "BEGINS_WITH";
    /// This and no other.
    equal_to = "EQUAL_TO";
    /// More than this.
    greater_than = "GREATER_THAN";
    /// This or more.
    at_least = "GREATER_THAN_EQUAL_TO";
    /// Less than this.
    less_than = "LESS_THAN";
    /// This or less.
    at_most = "LESS_THAN_EQUAL_TO";
}

impl Range {
    /// From `low` to `high`, both included.
    #[must_use]
    pub fn between(low: impl Into<Value>, high: impl Into<Value>) -> Self {
        Self {
            operator: "BETWEEN",
            values: vec![low.into(), high.into()],
        }
    }
}

impl Condition {
    /// From `low` to `high`, both included.
    #[must_use]
    pub fn between(
        property: impl Into<String>,
        low: impl Into<Value>,
        high: impl Into<Value>,
    ) -> Self {
        Self::of(property, "BETWEEN", vec![low.into(), high.into()])
    }

    /// Anything but this.
    #[must_use]
    pub fn not_equal_to(property: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::of(property, "NOT_EQUAL_TO", vec![value.into()])
    }

    /// A text or a list with this in it.
    #[must_use]
    pub fn contains(property: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::of(property, "CONTAINS", vec![value.into()])
    }

    /// A text or a list without this in it.
    #[must_use]
    pub fn not_contains(property: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::of(property, "NOT_CONTAINS", vec![value.into()])
    }

    /// The attribute is there.
    #[must_use]
    pub fn exists(property: impl Into<String>) -> Self {
        Self::of(property, "EXISTS", vec![Value::Bool(true)])
    }

    /// The attribute is not there.
    #[must_use]
    pub fn not_exists(property: impl Into<String>) -> Self {
        Self::of(property, "NOT_EXISTS", vec![Value::Bool(true)])
    }

    fn of(property: impl Into<String>, operator: &'static str, values: Vec<Value>) -> Self {
        Self {
            property: property.into(),
            operator,
            values,
        }
    }
}

impl Filter {
    /// All of these must be met; 1 to 100.
    pub fn all(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self(Demands::And(conditions.into_iter().collect()))
    }

    /// One of these must be met; 1 to 100.
    pub fn any(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self(Demands::Or(conditions.into_iter().collect()))
    }

    /// Why it cannot be sent, if it cannot.
    pub(super) fn problem(&self) -> Option<StorageError> {
        let (Demands::And(conditions) | Demands::Or(conditions)) = &self.0;
        let wrong = conditions.is_empty() || conditions.len() > MOST_CONDITIONS;
        wrong.then_some(StorageError::OutOfRange {
            what: "the number of conditions",
            most: MOST_CONDITIONS,
        })
    }
}

impl From<Condition> for Filter {
    fn from(condition: Condition) -> Self {
        Self::all([condition])
    }
}

impl fmt::Debug for Range {
    /// Without the values: they may be about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Range").field(&self.operator).finish()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition")
            .field(&self.property)
            .field(&self.operator)
            .finish()
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Demands::And(conditions) => f.debug_tuple("Filter::all").field(conditions).finish(),
            Demands::Or(conditions) => f.debug_tuple("Filter::any").field(conditions).finish(),
        }
    }
}
