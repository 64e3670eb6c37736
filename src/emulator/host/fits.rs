//! FITs that a browser holds for `requestRemote`: one for many calls, renewed before it lapses.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;

use crate::manifest::UiModule;
use crate::{
    clock::{Clock, Timestamp},
    emulator::{faults::Fault, mint::Fit, platform::InvokeError, stage::Stage},
    ids::InstallationId,
    secret::Secret,
};

/// FITs that are remembered: for reports of calls that took as long as their FIT lived.
const MAX_FITS: usize = 64;
/// A call that leaves now shall arrive with a FIT that lives. The platform does not say how
/// early it renews.
const LEAST_LEFT: Duration = Duration::from_secs(5);

/// The FITs that were handed to host pages lately.
#[derive(Debug)]
pub(in crate::emulator) struct BrowserFits {
    clock: Clock,
    held: Mutex<VecDeque<Arc<Held>>>,
}

/// A FIT and what it was made for.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) token: Secret,
    pub(super) claims: Value,
    /// What is wrong with it, on demand.
    pub(super) fault: Option<Fault>,
    pub(super) user: &'static str,
    module_key: String,
    made_for: (InstallationId, String, u64),
    expires: Timestamp,
}

impl Held {
    pub(super) fn id(&self) -> &str {
        self.claims["jti"].as_str().unwrap_or_default()
    }
}

impl BrowserFits {
    pub(in crate::emulator) const fn new(clock: Clock) -> Self {
        Self {
            clock,
            held: Mutex::new(VecDeque::new()),
        }
    }

    /// The FIT of that module in the session as it is: the last one as long as it is good.
    pub(super) fn take(&self, stage: &Stage, module: &UiModule) -> Result<Arc<Held>, InvokeError> {
        let session = stage.session.get();
        let installation = stage.installed.current();
        let installation = installation.ok_or(InvokeError::NotInstalled)?;
        let made_for = (
            installation.id,
            installation.app_version.clone(),
            session.revision,
        );
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = self.clock.now().plus(LEAST_LEFT);
        // One that is to be bad on demand is made anew, and is not kept for the next call.
        let spoilt = stage.faults.is_on(Fault::spoils_the_fit);
        let mut good = held.iter().rev().filter(|it| it.fault.is_none() && !spoilt);
        let known = good.find(|it| {
            it.module_key == module.key && it.made_for == made_for && it.expires > enough
        });
        if let Some(known) = known {
            return Ok(Arc::clone(known));
        }
        let fit = stage.mint.ui(&installation, module, session.user, &session);
        let Fit {
            token,
            claims,
            fault,
        } = fit.ok_or(InvokeError::Signing)?;
        let expires = claims["exp"].as_i64().unwrap_or_default();
        let fresh = Arc::new(Held {
            token,
            claims,
            fault,
            user: session.user.name,
            module_key: module.key.clone(),
            made_for,
            expires: Timestamp::from_unix(expires),
        });
        if held.len() == MAX_FITS {
            held.pop_front();
        }
        held.push_back(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// The FIT of that id, if it was handed out lately.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Held>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().rev().find(|it| it.id() == id).map(Arc::clone)
    }
}
