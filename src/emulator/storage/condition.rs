//! What is asked of one attribute, and whether it holds.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    fault::{Code, Fault},
    schema::fits,
};
use crate::manifest::AttributeType;

/// A condition and its values as they came, for an attribute that is known otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestRequest {
    pub(super) condition: String,
    #[serde(default)]
    pub(super) values: Vec<Value>,
}

/// A condition with as many values as it needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) enum Test {
    BeginsWith(String),
    Between(Value, Value),
    Compare(Comparison, Value),
    Contains(Value),
    NotContains(Value),
    Exists,
    NotExists,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Comparison {
    EqualTo,
    NotEqualTo,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl TestRequest {
    /// A condition of a range: those that follow an order.
    pub(super) fn check_range(self, kind: Option<AttributeType>) -> Result<Test, Fault> {
        let test = self.check(kind)?;
        match test {
            Test::BeginsWith(_) | Test::Between(..) => Ok(test),
            Test::Compare(comparison, _) if comparison != Comparison::NotEqualTo => Ok(test),
            _ => Err(Fault::new(
                Code::InvalidFilterCondition,
                "That condition is one for filters: a range follows the index's order.",
            )),
        }
    }

    /// A condition of a filter: any.
    pub(super) fn check(self, kind: Option<AttributeType>) -> Result<Test, Fault> {
        let Self { condition, values } = self;
        let test = match condition.as_str() {
            "BEGINS_WITH" => {
                let [value] = exactly(values)?;
                match value {
                    Value::String(prefix) => Test::BeginsWith(prefix),
                    _ => return Err(wrong_values()),
                }
            }
            "BETWEEN" => {
                let [low, high] = exactly(values)?;
                Test::Between(low, high)
            }
            "CONTAINS" => Test::Contains(one(values)?),
            "NOT_CONTAINS" => Test::NotContains(one(values)?),
            "EXISTS" | "NOT_EXISTS" => {
                if one(values)? != Value::Bool(true) {
                    let message = "`EXISTS` and `NOT_EXISTS` have the values [true].";
                    return Err(Fault::new(Code::InvalidFilterValues, message));
                }
                if condition == "EXISTS" {
                    Test::Exists
                } else {
                    Test::NotExists
                }
            }
            other => Test::Compare(Comparison::named(other)?, one(values)?),
        };
        test.suits(kind)?;
        Ok(test)
    }
}

impl Comparison {
    fn named(condition: &str) -> Result<Self, Fault> {
        Ok(match condition {
            "EQUAL_TO" => Self::EqualTo,
            "NOT_EQUAL_TO" => Self::NotEqualTo,
            "GREATER_THAN" => Self::Greater,
            "GREATER_THAN_EQUAL_TO" => Self::GreaterOrEqual,
            "LESS_THAN" => Self::Less,
            "LESS_THAN_EQUAL_TO" => Self::LessOrEqual,
            _ => {
                let message = "There is no such condition.";
                return Err(Fault::new(Code::InvalidFilterCondition, message));
            }
        })
    }

    const fn holds(self, order: Ordering) -> bool {
        match self {
            Self::EqualTo => order.is_eq(),
            Self::NotEqualTo => order.is_ne(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

fn one(values: Vec<Value>) -> Result<Value, Fault> {
    exactly(values).map(|[value]| value)
}

fn exactly<const N: usize>(values: Vec<Value>) -> Result<[Value; N], Fault> {
    <[Value; N]>::try_from(values).map_err(|values| {
        let (code, message) = if values.len() < N {
            (
                Code::InsufficientFilterValues,
                "The condition has too few values.",
            )
        } else {
            (
                Code::InvalidFilterValues,
                "The condition has too many values.",
            )
        };
        Fault::new(code, message)
    })
}

fn wrong_values() -> Fault {
    Fault::new(
        Code::InvalidFilterValues,
        "A value of the condition is of another type than what it is compared with.",
    )
}

impl Test {
    /// Refuses what can never hold for an attribute of that type.
    fn suits(&self, kind: Option<AttributeType>) -> Result<(), Fault> {
        let values: &[&Value] = match self {
            Self::Between(low, high) => &[low, high],
            Self::Compare(_, value) | Self::Contains(value) | Self::NotContains(value) => &[value],
            Self::BeginsWith(_) | Self::Exists | Self::NotExists => &[],
        };
        let scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
        if !values.iter().all(|value| scalar(value)) {
            return Err(wrong_values());
        }
        let Some(kind) = kind else {
            return Ok(());
        };
        let of_text = matches!(
            self,
            Self::BeginsWith(_) | Self::Contains(_) | Self::NotContains(_)
        );
        if of_text && kind != AttributeType::String {
            let message = "That condition is one for attributes of the type string.";
            return Err(Fault::new(Code::InvalidFilterCondition, message));
        }
        if values.iter().all(|value| fits(kind, value)) {
            Ok(())
        } else {
            Err(wrong_values())
        }
    }

    /// Whether it holds for that attribute of an item; a missing one satisfies `NOT_EXISTS` alone.
    pub(super) fn holds(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else {
            return *self == Self::NotExists;
        };
        match self {
            Self::BeginsWith(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
            Self::Between(low, high) => {
                compare(value, low).is_some_and(Ordering::is_ge)
                    && compare(value, high).is_some_and(Ordering::is_le)
            }
            Self::Compare(comparison, other) => match compare(value, other) {
                Some(order) => comparison.holds(order),
                None => *comparison == Comparison::NotEqualTo,
            },
            Self::Contains(part) => contains(value, part),
            Self::NotContains(part) => !contains(value, part),
            Self::Exists => true,
            Self::NotExists => false,
        }
    }
}

fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::String(text), Value::String(part)) => text.contains(part),
        (Value::Array(list), part) => list.contains(part),
        _ => false,
    }
}

/// The order of two scalars of one type.
pub(super) fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        _ => None,
    }
}
