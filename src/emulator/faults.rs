//! Faults on demand: what goes wrong on a bad day, switched on to see how a handler behaves.
//!
//! Each is applied where the platform answers or sends, for the next few times or until it
//! is switched off, and is written beside whatever it touched.

mod access;
mod fit;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::StatusCode;

use super::running::Running;

pub(super) use access::Struck;
pub(super) use fit::{break_signature, spoil};

/// The longest that a call is kept waiting: more than twice what the platform gives a UI.
const MAX_SLOWNESS: Duration = Duration::from_mins(1);
/// The longest wait that a 429 names.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);
/// As often as a fault may be asked for.
const MAX_TIMES: u32 = 1000;

/// Something that goes wrong.
///
/// ```
/// use std::time::Duration;
/// use forge_remote::emulator::{Fault, FaultError, Running, Times};
/// let fault = Fault::ProductRateLimited(Duration::from_secs(5));
/// assert_eq!(fault.describe(), "product: 429, retry after 5 s");
///
/// fn too_much(emulator: &Running) -> bool {
///     let longer_than_anybody_waits = Fault::ProductSlow(Duration::from_secs(3600));
///     matches!(emulator.switch_on(longer_than_anybody_waits, Times::Always), Err(FaultError::TooSlow))
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Confluence and Jira take so much longer to answer; 60 s at most.
    ProductSlow(Duration),
    /// Confluence and Jira answer 429 and name this wait in `Retry-After`; 0 to 3600 s.
    ProductRateLimited(Duration),
    /// Confluence and Jira refuse a good token with 401.
    ProductUnauthorized,
    /// Confluence and Jira fail with this status, from 500 to 599.
    ProductFails(StatusCode),
    /// The GraphQL gateway fails: nobody can be impersonated anew.
    GatewayDown,
    /// Forge storage answers 429 as if the installation had asked too often.
    StorageRateLimited,
    /// Forge storage takes so much longer to answer; 60 s at most.
    StorageSlow(Duration),
    /// The FIT lapsed ten minutes ago.
    FitExpired,
    /// The FIT is for another app.
    FitWrongAudience,
    /// The FIT's signature does not fit its content.
    FitBadSignature,
    /// The FIT names a key that the key set does not have.
    FitUnknownKey,
    /// The app's and the user's tokens beside the FIT lapsed a minute ago.
    TokensExpired,
    /// An event is delivered twice.
    DuplicateEvent,
}

impl Fault {
    /// What it is, in a few words: `product: 429, retry after 5 s`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::ProductSlow(by) => format!("product: slower by {} ms", by.as_millis()),
            Self::ProductRateLimited(wait) => {
                format!("product: 429, retry after {} s", wait.as_secs())
            }
            Self::ProductUnauthorized => "product: 401".to_owned(),
            Self::ProductFails(status) => format!("product: {}", status.as_u16()),
            Self::GatewayDown => "gateway: down".to_owned(),
            Self::StorageRateLimited => "storage: 429".to_owned(),
            Self::StorageSlow(by) => format!("storage: slower by {} ms", by.as_millis()),
            Self::FitExpired => "FIT: expired".to_owned(),
            Self::FitWrongAudience => "FIT: for another app".to_owned(),
            Self::FitBadSignature => "FIT: bad signature".to_owned(),
            Self::FitUnknownKey => "FIT: unknown key".to_owned(),
            Self::TokensExpired => "tokens: expired".to_owned(),
            Self::DuplicateEvent => "event: delivered twice".to_owned(),
        }
    }

    /// Whether it makes a FIT that a remote must refuse.
    pub(super) const fn spoils_the_fit(&self) -> bool {
        matches!(
            self,
            Self::FitExpired | Self::FitWrongAudience | Self::FitBadSignature | Self::FitUnknownKey
        )
    }

    /// Whether it is of the same kind, whatever its figure is.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn check(&self) -> Result<(), FaultError> {
        match self {
            Self::ProductSlow(by) | Self::StorageSlow(by) if *by > MAX_SLOWNESS => {
                Err(FaultError::TooSlow)
            }
            Self::ProductRateLimited(wait) if *wait > MAX_RETRY_AFTER => {
                Err(FaultError::RetryAfter)
            }
            Self::ProductFails(status) if !status.is_server_error() => Err(FaultError::Status),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// The next so many times: 1 to 1000.
    Next(u32),
    /// Until it is switched off.
    Always,
}

/// A fault that cannot be switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// Longer than anybody waits.
    #[error("a call is slowed by {} ms at most", MAX_SLOWNESS.as_millis())]
    TooSlow,
    /// Longer than anybody waits.
    #[error("a 429 asks for {} s of patience at most", MAX_RETRY_AFTER.as_secs())]
    RetryAfter,
    /// The status is no server error.
    #[error("a product fails with a status from 500 to 599")]
    Status,
    /// Never, or too often.
    #[error("a fault strikes 1 to {MAX_TIMES} times, or until it is switched off")]
    Times,
    /// The cryptographic library gave no key.
    #[error("the emulator could not make a new signing key")]
    Key,
    /// There was no rotation, or its old key is gone already.
    #[error("the key set has no old key")]
    NoOldKey,
}

/// The faults that are switched on, in that order: at most one of each kind.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<(Fault, Times)>>);

impl Faults {
    /// Switches it on, in place of one of its kind that was on.
    pub(super) fn switch_on(&self, fault: Fault, times: Times) -> Result<(), FaultError> {
        fault.check()?;
        if matches!(times, Times::Next(count) if !(1..=MAX_TIMES).contains(&count)) {
            return Err(FaultError::Times);
        }
        let mut on = self.on();
        match on.iter_mut().find(|(known, _)| known.is_like(&fault)) {
            Some(known) => *known = (fault, times),
            None => on.push((fault, times)),
        }
        Ok(())
    }

    /// Switches off all that `which` names.
    pub(super) fn switch_off(&self, which: impl Fn(&Fault) -> bool) {
        self.on().retain(|(fault, _)| !which(fault));
    }

    /// The first fault that `strikes` here, which counts as one time.
    pub(super) fn take(&self, strikes: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut on = self.on();
        let at = on.iter().position(|(fault, _)| strikes(fault))?;
        let (fault, times) = on.get_mut(at)?;
        let fault = *fault;
        match times {
            Times::Next(count) if *count > 1 => *count -= 1,
            Times::Next(_) => {
                on.remove(at);
            }
            Times::Always => {}
        }
        Some(fault)
    }

    /// Whether one is on that would strike here.
    pub(super) fn is_on(&self, strikes: impl Fn(&Fault) -> bool) -> bool {
        self.on().iter().any(|(fault, _)| strikes(fault))
    }

    pub(super) fn all(&self) -> Vec<(Fault, Times)> {
        self.on().clone()
    }

    fn on(&self) -> MutexGuard<'_, Vec<(Fault, Times)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Faults on demand.
impl Running {
    /// Switches a fault on, in place of one of its kind that was on.
    ///
    /// # Errors
    /// [`FaultError`] if it would last too long or strike too often.
    ///
    /// ```no_run
    /// # use forge_remote::emulator::{Fault, Running, Times};
    /// # fn run(emulator: &Running) -> Result<(), Box<dyn std::error::Error>> {
    /// emulator.switch_on(Fault::ProductUnauthorized, Times::Next(1))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn switch_on(&self, fault: Fault, times: Times) -> Result<(), FaultError> {
        self.stage.faults.switch_on(fault, times)?;
        self.stage.journal.announce();
        Ok(())
    }

    /// Switches a fault off, whatever its figure is.
    pub fn switch_off(&self, fault: Fault) {
        self.stage.faults.switch_off(|known| known.is_like(&fault));
        self.stage.journal.announce();
    }

    /// The faults that are on, and how often each will strike yet.
    #[must_use]
    pub fn faults(&self) -> Vec<(Fault, Times)> {
        self.stage.faults.all()
    }

    /// Signs with a new key from now on. The old one stays in the key set, until
    /// [`retire_old_key`](Self::retire_old_key) or the next rotation. Both end with the emulator.
    ///
    /// It makes an RSA key, which takes a moment.
    ///
    /// # Errors
    /// [`FaultError::Key`] if there is no new key.
    pub fn rotate_signing_key(&self) -> Result<(), FaultError> {
        self.stage.mint.rotate().map_err(|_| FaultError::Key)?;
        self.stage.journal.announce();
        Ok(())
    }

    /// Removes the key that was rotated out from the key set.
    ///
    /// # Errors
    /// [`FaultError::NoOldKey`] if there is none.
    pub fn retire_old_key(&self) -> Result<(), FaultError> {
        let retired = self.stage.mint.retire().then_some(());
        self.stage.journal.announce();
        retired.ok_or(FaultError::NoOldKey)
    }
}
