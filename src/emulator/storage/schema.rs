//! The entity types that the manifest declares, and what they ask of items.

use serde_json::Value;

use super::{
    address::{Address, EntityName},
    fault::{Code, Fault},
};
use crate::manifest::{AttributeType, Entity};

/// Longest name of an attribute (Forge storage: limits); more of another is not repeated.
const MAX_ATTRIBUTE: usize = 30;

/// The declared entity types. If none is declared, every name and every object passes, and
/// the only index is `by-key`.
#[derive(Debug)]
pub(super) struct Schema(Vec<Entity>);

impl Schema {
    pub(super) const fn new(entities: Vec<Entity>) -> Self {
        Self(entities)
    }

    /// The declaration of that entity type; `None` where the manifest declares nothing at all.
    pub(super) fn entity(&self, name: &EntityName) -> Result<Option<&Entity>, Fault> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let declared = self.0.iter().find(|entity| entity.name == name.as_str());
        declared.map(Some).ok_or_else(|| {
            let message = "The manifest's app.storage.entities declares no entity of that name.";
            Fault::new(Code::InvalidEntityType, message)
        })
    }

    /// Passes an address unless it names an entity type that is not declared.
    pub(super) fn check_address(&self, address: &Address) -> Result<(), Fault> {
        match address.entity() {
            Some(name) => self.entity(name).map(drop),
            None => Ok(()),
        }
    }

    /// Passes a value that may stand at that address.
    pub(super) fn check_value(&self, address: &Address, value: &Value) -> Result<(), Fault> {
        let Some(name) = address.entity() else {
            return Ok(());
        };
        let entity = self.entity(name)?;
        let Value::Object(attributes) = value else {
            let message = "The value of an entity is an object with its attributes.";
            return Err(Fault::new(Code::InvalidEntityValue, message));
        };
        let Some(entity) = entity else {
            return Ok(());
        };
        for (attribute, value) in attributes {
            let Some(declared) = entity.attributes.get(attribute) else {
                let name: String = attribute.escape_debug().take(MAX_ATTRIBUTE).collect();
                let message =
                    format!("The manifest declares no attribute `{name}` of that entity.");
                return Err(Fault::new(Code::InvalidEntityAttribute, message));
            };
            if !fits(declared.kind, value) {
                let message =
                    format!("The attribute `{attribute}` is of another type in the manifest.");
                return Err(Fault::new(Code::InvalidEntityValue, message));
            }
        }
        Ok(())
    }
}

/// Whether a value is of that type.
pub(super) fn fits(kind: AttributeType, value: &Value) -> bool {
    match kind {
        AttributeType::String => value.is_string(),
        AttributeType::Integer => value
            .as_i64()
            .is_some_and(|number| i32::try_from(number).is_ok()),
        AttributeType::Float => value.is_number(),
        AttributeType::Boolean => value.is_boolean(),
        AttributeType::Any => !value.is_null(),
    }
}
