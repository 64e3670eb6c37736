//! The three places that have get, set and delete: plain values, secrets, and an entity.

use std::sync::Arc;

use serde::Serialize;

use super::{
    EntityName, Key, StorageError,
    operation::{ONE_VALUE, Operation, unless_missing},
};
use crate::product::Client;

/// One of the three, and whom it is reached through.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) client: Arc<Client>,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Plain,
    Secret,
    Entity(EntityName),
}

/// Which value is meant: every body of the three begins like this.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_name: Option<&'a EntityName>,
    key: &'a Key,
}

impl Target {
    pub(super) const fn plain(client: Arc<Client>) -> Self {
        let place = Place::Plain;
        Self { client, place }
    }

    pub(super) const fn secret(client: Arc<Client>) -> Self {
        let place = Place::Secret;
        Self { client, place }
    }

    pub(super) const fn entity(client: Arc<Client>, name: EntityName) -> Self {
        let place = Place::Entity(name);
        Self { client, place }
    }

    pub(super) const fn address<'a>(&'a self, key: &'a Key) -> Address<'a> {
        let entity_name = match &self.place {
            Place::Entity(name) => Some(name),
            Place::Plain | Place::Secret => None,
        };
        Address { entity_name, key }
    }

    pub(super) const fn getting(&self) -> Operation {
        let path = match self.place {
            Place::Plain => "/v1/get",
            Place::Secret => "/v1/secret/get",
            Place::Entity(_) => "/v1/entity/get",
        };
        Operation::new(path, ONE_VALUE)
    }

    pub(super) const fn setting(&self) -> Operation {
        let path = match self.place {
            Place::Plain => "/v1/set",
            Place::Secret => "/v1/secret/set",
            Place::Entity(_) => "/v1/entity/set",
        };
        Operation::new(path, ONE_VALUE)
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<(), StorageError> {
        let path = match self.place {
            Place::Plain => "/v1/delete",
            Place::Secret => "/v1/secret/delete",
            Place::Entity(_) => "/v1/entity/delete",
        };
        let operation = Operation::new(path, ONE_VALUE);
        let answer = operation.send(&self.client, &self.address(key)).await;
        unless_missing(answer).map(|_| ())
    }
}
