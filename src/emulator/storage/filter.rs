//! Conditions together: the filters of queries and of transactions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    condition::{Test, TestRequest},
    fault::{Code, Fault},
};
use crate::manifest::{AttributeType, Entity};

/// Forge storage: limits.
const MAX_CONDITIONS: usize = 100;

/// `{"and": […]}` or `{"or": […]}` as it came.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilterRequest {
    and: Option<Vec<ConditionRequest>>,
    or: Option<Vec<ConditionRequest>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionRequest {
    property: String,
    condition: String,
    #[serde(default)]
    values: Vec<Value>,
}

/// Conditions of which all or any must hold.
#[derive(Debug, Serialize)]
pub(super) enum Filter {
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

#[derive(Debug, Serialize)]
pub(super) struct Condition {
    attribute: String,
    test: Test,
}

impl FilterRequest {
    /// Checks the conditions against the declared attributes, if any are declared.
    pub(super) fn check(self, entity: Option<&Entity>) -> Result<Filter, Fault> {
        let (conditions, all) = match (self.and, self.or) {
            (Some(_), Some(_)) => {
                let message = "A filter has either `and` or `or`.";
                return Err(Fault::new(Code::InvalidFilterOperatorsCombination, message));
            }
            (Some(conditions), None) => (conditions, true),
            (None, Some(conditions)) => (conditions, false),
            (None, None) => (Vec::new(), true),
        };
        if conditions.is_empty() {
            let message = "A filter has at least one condition in its `and` or `or`.";
            return Err(Fault::new(Code::EmptyFilterOperator, message));
        }
        if conditions.len() > MAX_CONDITIONS {
            return Err(Fault::bad_request("A query has at most 100 conditions."));
        }
        let checked = conditions
            .into_iter()
            .map(|condition| condition.check(entity));
        let checked = checked.collect::<Result<_, _>>()?;
        Ok(if all {
            Filter::All(checked)
        } else {
            Filter::Any(checked)
        })
    }
}

impl ConditionRequest {
    fn check(self, entity: Option<&Entity>) -> Result<Condition, Fault> {
        let kind = kind_of(entity, &self.property)?;
        let test = TestRequest {
            condition: self.condition,
            values: self.values,
        };
        Ok(Condition {
            attribute: self.property,
            test: test.check(kind)?,
        })
    }
}

/// The declared type of an attribute; `None` where nothing is declared.
fn kind_of(entity: Option<&Entity>, attribute: &str) -> Result<Option<AttributeType>, Fault> {
    let Some(entity) = entity else {
        return Ok(None);
    };
    match entity.attributes.get(attribute) {
        Some(declared) if declared.kind == AttributeType::Any => {
            let message = "An attribute of the type `any` cannot be filtered by.";
            Err(Fault::new(Code::UnprocessableEntity, message))
        }
        Some(declared) => Ok(Some(declared.kind)),
        None => {
            let message = "A condition names an attribute that the manifest does not declare.";
            Err(Fault::new(Code::InvalidEntityAttribute, message))
        }
    }
}

impl Filter {
    /// Whether it lets an item with these attributes through.
    pub(super) fn admits(&self, attributes: Option<&Value>) -> bool {
        let holds = |condition: &Condition| {
            let value = attributes.and_then(|value| value.get(&condition.attribute));
            condition.test.holds(value)
        };
        match self {
            Self::All(conditions) => conditions.iter().all(holds),
            Self::Any(conditions) => conditions.iter().any(holds),
        }
    }
}
