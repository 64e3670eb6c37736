//! What the platform can be asked to do by itself, and how to see what became of it.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    deliveries,
    events::{self, FireError, FireEvent},
    installation::Settling,
    journal::Delivery,
    lifecycle::{self, LifecycleError},
    migration::{self, Migrate, Migrated},
    running::Running,
    schedules,
};

/// Events, lifecycle, schedules and migrations.
///
/// ```
/// use std::time::Duration;
/// use forge_remote::emulator::{Delivery, DeliveryState, Migrate, Migrated, Refused, Running, Settling};
///
/// /// The life of an app in a site, from its first day to its last.
/// async fn live(emulator: &Running) -> Result<(), Box<dyn std::error::Error>> {
///     emulator.install().await?;
///     emulator.upgrade("3.0.0").await?;
///     for key in emulator.schedule_keys() {
///         let tick: Delivery = emulator.fire_schedule(key)?;
///         let tick = emulator.settled(tick.id, Duration::from_secs(10)).await.ok_or("still under way")?;
///         assert_eq!(tick.state, DeliveryState::Delivered, "{:?}", tick.answer());
///         emulator.fire_again(&tick)?;
///     }
///     println!("{} events can be fired", emulator.event_templates().len());
///     let moved = emulator.migrate(&Migrate::to("EU")).await?;
///     assert_eq!(moved, Migrated::Committed);
///     emulator.uninstall().await?;
///
///     // And once more, on a site where the app's permissions come late.
///     let lasts = Duration::from_secs(60);
///     emulator.install_settling(Settling { refused: Refused::Forbidden, lasts }).await?;
///     println!("{} deliveries", emulator.deliveries().len());
///     Ok(())
/// }
/// ```
impl Running {
    /// Fires an event: one delivery for each trigger that has it, twice as many for a
    /// duplicate, and all of that for each event of a burst.
    ///
    /// It does not wait for the remote: see [`settled`](Self::settled).
    ///
    /// # Errors
    /// [`FireError`] for what the platform would not deliver.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use forge_remote::emulator::{FireEvent, Running};
    /// # async fn run(emulator: Running) -> Result<(), Box<dyn std::error::Error>> {
    /// let fired = emulator.fire_event(&FireEvent::new("avi:confluence:updated:page"))?;
    /// let limit = Duration::from_secs(10);
    /// let delivery = emulator.settled(fired[0].id, limit).await.ok_or("still under way")?;
    /// println!("{:?} after {} attempts", delivery.state, delivery.attempts.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn fire_event(&self, event: &FireEvent) -> Result<Vec<Delivery>, FireError> {
        Ok(self.all(&events::fire(&self.stage, event)?))
    }

    /// Runs the scheduled trigger of that key now, besides its own times.
    ///
    /// # Errors
    /// [`FireError`] for what the platform would not deliver.
    pub fn fire_schedule(&self, key: &str) -> Result<Delivery, FireError> {
        let id = schedules::fire(&self.stage, key)?;
        self.delivery(id).ok_or(FireError::TooMany)
    }

    /// Fires an event or a schedule of before once more, as a delivery of its own.
    ///
    /// # Errors
    /// [`FireError`] if it is another thing, was not kept whole, or cannot be delivered.
    pub fn fire_again(&self, delivery: &Delivery) -> Result<Delivery, FireError> {
        let id = deliveries::again(&self.stage, delivery)?;
        self.delivery(id).ok_or(FireError::TooMany)
    }

    /// Tells the remote that the app was installed; after an uninstall it is installed anew,
    /// with another installation id. Gives back the event's deliveries, which may be none.
    ///
    /// # Errors
    /// [`LifecycleError::AlreadyInstalled`] the second time; others if the event cannot be delivered.
    pub async fn install(&self) -> Result<Vec<Delivery>, LifecycleError> {
        let fired = lifecycle::install(&self.stage, None).await?;
        Ok(self.all(&fired))
    }

    /// As [`install`](Self::install), and products refuse the app for a while.
    ///
    /// # Errors
    /// As [`install`](Self::install).
    pub async fn install_settling(
        &self,
        settling: Settling,
    ) -> Result<Vec<Delivery>, LifecycleError> {
        let fired = lifecycle::install(&self.stage, Some(settling)).await?;
        Ok(self.all(&fired))
    }

    /// Gives the installation another version of the app and tells the remote. Gives back
    /// the event's deliveries, which may be none.
    ///
    /// # Errors
    /// [`LifecycleError`] if there is no installation, or `version` is none.
    pub async fn upgrade(&self, version: &str) -> Result<Vec<Delivery>, LifecycleError> {
        let fired = lifecycle::upgrade(&self.stage, version).await?;
        Ok(self.all(&fired))
    }

    /// Lets the remote clean up for 55 s at most, then removes the installation whatever it
    /// answered. Every token of it is refused from then on. Gives back the deliveries of
    /// `preUninstall`, settled.
    ///
    /// # Errors
    /// [`LifecycleError`] if there is no installation.
    pub async fn uninstall(&self) -> Result<Vec<Delivery>, LifecycleError> {
        let fired = lifecycle::uninstall(&self.stage).await?;
        Ok(self.all(&fired))
    }

    /// Plays a data-residency migration to its end, which takes as long as the remote
    /// copies, and no longer than the window that the manifest declares.
    ///
    /// # Errors
    /// [`FireError`] if the manifest declares no migration or the hooks cannot be called.
    pub async fn migrate(&self, migrate: &Migrate) -> Result<Migrated, FireError> {
        migration::migrate(&self.stage, migrate).await
    }

    /// The last 500 deliveries, the newest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.stage.journal.deliveries()
    }

    /// One delivery as it stands now, if it is remembered.
    #[must_use]
    pub fn delivery(&self, id: u64) -> Option<Delivery> {
        self.stage.journal.delivery(id)
    }

    /// Waits until a delivery is settled, redeliveries included, for no longer than `limit`.
    pub async fn settled(&self, id: u64, limit: Duration) -> Option<Delivery> {
        let settled = self.stage.journal.settled(id);
        timeout(limit, settled).await.ok().flatten()
    }

    /// Waits until `ready` finds what it looks for, for no longer than `limit`. It is asked
    /// at once, and again after each change of an invocation, a delivery or their calls.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use forge_remote::emulator::Running;
    /// # async fn run(emulator: Running, id: u64) {
    /// let job = emulator.wait_for(Duration::from_secs(10), |emulator| {
    ///     emulator.delivery(id).filter(|delivery| !delivery.calls.is_empty())
    /// });
    /// assert!(job.await.is_some(), "the job asked no product");
    /// # }
    /// ```
    pub async fn wait_for<T>(
        &self,
        limit: Duration,
        mut ready: impl FnMut(&Self) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.stage.journal.changes();
        let found = async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = ready(self) {
                    return Some(found);
                }
                changes.changed().await.ok()?;
            }
        };
        timeout(limit, found).await.ok().flatten()
    }

    /// Keys of the scheduled triggers that can be fired.
    #[must_use]
    pub fn schedule_keys(&self) -> Vec<&str> {
        let schedules = self.stage.manifest.triggers.schedules.iter();
        schedules.map(|schedule| schedule.key.as_str()).collect()
    }

    /// Names of the events that can be fired without a body.
    #[must_use]
    pub fn event_templates(&self) -> Vec<&'static str> {
        events::templates().collect()
    }

    fn all(&self, ids: &[u64]) -> Vec<Delivery> {
        ids.iter().filter_map(|id| self.delivery(*id)).collect()
    }
}
