//! `app.storage.entities`: the entity types that the app keeps in Forge storage.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Entity types of one app (Forge storage: limits).
const MAX_ENTITIES: usize = 20;
const MAX_INDEXES: usize = 7;
const MAX_ATTRIBUTES: usize = 50;

/// An entity type as the manifest declares it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Entity {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, Attribute>,
    #[serde(default)]
    indexes: Vec<IndexForm>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Attribute {
    #[serde(rename = "type")]
    pub(crate) kind: AttributeType,
}

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AttributeType {
    String,
    /// 32 bits.
    Integer,
    Float,
    Boolean,
    /// Anything; it can be neither indexed nor filtered by.
    Any,
}

/// An attribute's name alone, or an index with a name of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum IndexForm {
    OfAttribute(String),
    Named(Index),
}

/// By which attributes items are found, and in which order.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Index {
    pub(crate) name: String,
    /// Items are ordered by these.
    pub(crate) range: Vec<String>,
    /// A query gives a value for each of these.
    #[serde(default)]
    pub(crate) partition: Vec<String>,
}

impl Entity {
    /// The declared index of that name.
    pub(crate) fn index(&self, name: &str) -> Option<Index> {
        self.indexes.iter().find_map(|form| match form {
            IndexForm::OfAttribute(attribute) if attribute == name => Some(Index {
                name: attribute.clone(),
                range: vec![attribute.clone()],
                partition: Vec::new(),
            }),
            IndexForm::Named(index) if index.name == name => Some(index.clone()),
            _ => None,
        })
    }

    fn indexed(&self) -> impl Iterator<Item = &String> {
        self.indexes.iter().flat_map(|form| match form {
            IndexForm::OfAttribute(attribute) => std::slice::from_ref(attribute).iter().chain(&[]),
            IndexForm::Named(index) => index.range.iter().chain(&index.partition),
        })
    }
}

/// What the platform would not deploy.
pub(super) fn problems(entities: &[Entity], found: &mut Vec<String>) {
    if entities.len() > MAX_ENTITIES {
        found.push(format!(
            "app.storage.entities: at most {MAX_ENTITIES} are allowed."
        ));
    }
    for (at, entity) in entities.iter().enumerate() {
        let name = &entity.name;
        if entities[..at].iter().any(|other| other.name == *name) {
            found.push(format!("Entity '{name}' is declared twice."));
        }
        if entity.indexes.len() > MAX_INDEXES || entity.attributes.len() > MAX_ATTRIBUTES {
            found.push(format!(
                "Entity '{name}': at most {MAX_INDEXES} indexes and {MAX_ATTRIBUTES} attributes are allowed."
            ));
        }
        for attribute in entity.indexed() {
            match entity.attributes.get(attribute) {
                None => found.push(format!(
                    "Entity '{name}': an index names '{attribute}', which is not among its attributes."
                )),
                Some(declared) if declared.kind == AttributeType::Any => found.push(format!(
                    "Entity '{name}': attribute '{attribute}' of the type any cannot be indexed."
                )),
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Manifest, ManifestError};

    fn parse(entities: &str) -> Result<Vec<Entity>, ManifestError> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml");
        let text = std::fs::read_to_string(path).unwrap();
        let storage = format!("\napp:\n  storage: {{entities: {entities}}}");
        Manifest::parse(&text.replacen("\napp:", &storage, 1)).map(|manifest| manifest.entities)
    }

    fn problems(entities: &str) -> Vec<String> {
        match parse(entities) {
            Err(ManifestError::Problems(problems)) => problems,
            other => panic!("expected problems, got {other:?}"),
        }
    }

    #[test]
    fn both_forms_of_an_index_are_read() {
        let entities = "[{name: sub, attributes: {space: {type: string}, weight: {type: integer}}, \
            indexes: [weight, {name: by-space, partition: [space], range: [weight]}]}]";
        let entities = parse(entities).unwrap();
        let simple = entities[0].index("weight").unwrap();
        assert_eq!(
            (simple.range, simple.partition),
            (vec!["weight".to_owned()], vec![])
        );
        let named = entities[0].index("by-space").unwrap();
        assert_eq!(named.partition, ["space"]);
        assert!(entities[0].index("space").is_none());
    }

    #[test]
    fn what_could_not_be_deployed_is_said() {
        let index = "[{name: sub, attributes: {a: {type: any}}, indexes: [a, b]}]";
        let found = problems(index);
        assert!(found[0].contains("'a' of the type any"), "{found:?}");
        assert!(found[1].contains("'b', which is not among"), "{found:?}");
        let twice = problems("[{name: sub}, {name: sub}]");
        assert!(twice[0].contains("declared twice"), "{twice:?}");
        let many: Vec<_> = (0..21).map(|n| format!("{{name: e{n:02}}}")).collect();
        assert!(problems(&format!("[{}]", many.join(", ")))[0].contains("at most 20"));
    }
}
