//! A store in memory that fails and waits when it is told to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering::SeqCst},
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::Semaphore;

use crate::{
    ids::{CloudId, InstallationId},
    store::{Deleted, Remembered, Store, StoreError},
    token::AppToken,
};

pub(in crate::store) struct FakeStore {
    pub(in crate::store) records: Mutex<HashMap<InstallationId, Remembered>>,
    /// The batches of all calls to `save`, those that failed included.
    pub(in crate::store) saves: Mutex<Vec<Vec<InstallationId>>>,
    pub(in crate::store) loads: AtomicUsize,
    /// So many of the next calls fail.
    pub(in crate::store) failures: AtomicUsize,
    /// This installation can never be written.
    pub(in crate::store) poison: Option<InstallationId>,
    /// Each call to `save` takes one permit before it changes anything.
    pub(in crate::store) saving: Semaphore,
    /// Each call to `load` takes one permit after it has read.
    pub(in crate::store) loading: Semaphore,
}

impl Default for FakeStore {
    fn default() -> Self {
        Self {
            records: Mutex::default(),
            saves: Mutex::default(),
            loads: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            poison: None,
            saving: Semaphore::new(1000),
            loading: Semaphore::new(1000),
        }
    }
}

impl FakeStore {
    pub(in crate::store) fn holding(
        records: impl IntoIterator<Item = Arc<Remembered>>,
    ) -> Arc<Self> {
        let store = Self::default();
        for record in records {
            store.put(&record);
        }
        Arc::new(store)
    }

    fn put(&self, record: &Remembered) {
        let mut records = self.records.lock().unwrap();
        let id = record.installation.id;
        let record = match records.get(&id) {
            Some(older) => record.clone().over(older),
            None => record.clone(),
        };
        records.insert(id, record);
    }

    pub(in crate::store) fn get(&self, id: InstallationId) -> Option<Remembered> {
        self.records.lock().unwrap().get(&id).cloned()
    }

    pub(in crate::store) fn save_count(&self) -> usize {
        self.saves.lock().unwrap().len()
    }

    fn fail(&self) -> Result<(), StoreError> {
        self.failures
            .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1))
            .map_or(Ok(()), |_| Err(StoreError::unavailable("told to fail")))
    }

    async fn pass(gate: &Semaphore) {
        gate.acquire().await.unwrap().forget();
    }
}

impl Store for FakeStore {
    fn save<'a>(&'a self, records: &'a [Arc<Remembered>]) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let ids = records.iter().map(|it| it.installation.id);
            self.saves.lock().unwrap().push(ids.clone().collect());
            Self::pass(&self.saving).await;
            self.fail()?;
            if ids.clone().any(|id| Some(id) == self.poison) {
                return Err(StoreError::damaged("poison"));
            }
            for record in records {
                self.put(record);
            }
            Ok(())
        }
        .boxed()
    }

    fn load(&self, id: InstallationId) -> BoxFuture<'_, Result<Option<Remembered>, StoreError>> {
        async move {
            self.loads.fetch_add(1, SeqCst);
            self.fail()?;
            let found = self.get(id);
            Self::pass(&self.loading).await;
            Ok(found)
        }
        .boxed()
    }

    fn of_cloud<'a>(
        &'a self,
        cloud: &'a CloudId,
    ) -> BoxFuture<'a, Result<Vec<Remembered>, StoreError>> {
        async {
            self.fail()?;
            let records = self.records.lock().unwrap();
            let there = records.values().filter(|it| it.installation.is_in(cloud));
            Ok(there.cloned().collect())
        }
        .boxed()
    }

    fn forget_app_token<'a>(
        &'a self,
        id: InstallationId,
        token: &'a AppToken,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.fail()?;
            if let Some(record) = self.records.lock().unwrap().get_mut(&id)
                && let Some(without) = record.without(token)
            {
                *record = without;
            }
            Ok(())
        }
        .boxed()
    }

    fn delete(&self, id: InstallationId) -> BoxFuture<'_, Result<Deleted, StoreError>> {
        async move {
            self.fail()?;
            let known = self.records.lock().unwrap().remove(&id).is_some();
            Ok(Deleted { known, jobs: 0 })
        }
        .boxed()
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        async { self.fail() }.boxed()
    }
}
