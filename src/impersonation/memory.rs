//! What past exchanges have shown: tokens, denials, and which form of a context works.
//!
//! The entries carry their own end, by tokio's clock, and are asked for it; the
//! caches' own expiry only frees the memory.

use std::{fmt, sync::Arc, time::Duration};

use moka::{Expiry, policy::EvictionPolicy, sync::Cache};
use tokio::time::Instant;

use super::{
    context::ContextAri,
    error::ImpersonationError,
    held::{Grant, Held},
    subject::Subject,
};
use crate::ids::InstallationId;

/// How long a denial is remembered.
const DENIAL: Duration = Duration::from_secs(30);
/// Denials and forms that are kept.
const MAX_NOTES: u64 = 10_000;

pub(super) struct Memory {
    tokens: Cache<Subject, Arc<Held>>,
    denials: Cache<Subject, Arc<Denial>>,
    forms: Cache<InstallationId, ContextAri>,
}

struct Denial {
    error: ImpersonationError,
    until: Instant,
}

impl Memory {
    pub(super) fn new(max_tokens: u64) -> Self {
        Self {
            tokens: Cache::builder()
                .max_capacity(max_tokens)
                // The default policy may turn a newcomer away when the cache is full, and
                // every call for that account would cost another exchange.
                .eviction_policy(EvictionPolicy::lru())
                .expire_after(UntilItsEnd)
                .build(),
            denials: Cache::builder()
                .max_capacity(MAX_NOTES)
                .time_to_live(DENIAL)
                .build(),
            forms: Cache::new(MAX_NOTES),
        }
    }

    pub(super) fn token(&self, subject: &Subject) -> Option<Arc<Held>> {
        self.tokens.get(subject)
    }

    pub(super) fn denial(&self, subject: &Subject, now: Instant) -> Option<ImpersonationError> {
        self.denials
            .get(subject)
            .filter(|denial| now < denial.until)
            .map(|denial| denial.error.clone())
    }

    /// Keeps a result if it is one to be kept: a token that lives, or a denial.
    /// Anything else is a failure, and the next caller tries again.
    pub(super) fn keep(&self, subject: &Subject, result: &Result<Grant, ImpersonationError>) {
        match result {
            Ok(grant) => {
                if let Some(held) = Held::new(grant) {
                    self.tokens.insert(subject.clone(), Arc::new(held));
                }
            }
            Err(error @ ImpersonationError::Denied { .. }) => {
                let denial = Denial {
                    error: error.clone(),
                    until: Instant::now() + DENIAL,
                };
                self.denials.insert(subject.clone(), Arc::new(denial));
            }
            Err(_) => {}
        }
    }

    /// The form of a context that worked in this installation when the documented one did not.
    pub(super) fn form(&self, installation: &InstallationId) -> Option<ContextAri> {
        self.forms.get(installation)
    }

    pub(super) fn form_works(&self, installation: InstallationId, form: ContextAri) {
        self.forms.insert(installation, form);
    }

    #[cfg(test)]
    pub(super) fn settled_tokens(&self) -> u64 {
        self.tokens.run_pending_tasks();
        self.tokens.entry_count()
    }

    /// Forgets all of an installation.
    pub(super) fn forget(&self, installation: &InstallationId) {
        self.forms.invalidate(installation);
        drop_of(&self.tokens, installation);
        drop_of(&self.denials, installation);
    }
}

fn drop_of<V>(cache: &Cache<Subject, V>, installation: &InstallationId)
where
    V: Clone + Send + Sync + 'static,
{
    for (subject, _) in cache {
        if subject.installation == *installation {
            cache.invalidate(&*subject);
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("tokens", &self.tokens.entry_count())
            .field("denials", &self.denials.entry_count())
            .finish_non_exhaustive()
    }
}

/// Without the second function a renewed token would go with the end of the one before it.
struct UntilItsEnd;

impl Expiry<Subject, Arc<Held>> for UntilItsEnd {
    fn expire_after_create(
        &self,
        _: &Subject,
        held: &Arc<Held>,
        _: std::time::Instant,
    ) -> Option<Duration> {
        Some(held.until().saturating_duration_since(Instant::now()))
    }

    fn expire_after_update(
        &self,
        _: &Subject,
        held: &Arc<Held>,
        _: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(held.until().saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Timestamp, impersonation::ContextId, token::AccountToken};

    #[test]
    fn a_renewed_token_gets_a_place_in_memory_for_its_own_life() {
        let token = AccountToken::expiring("t".to_owned(), Timestamp::from_unix(0)).unwrap();
        let grant = Grant {
            token,
            asked: Instant::now(),
            ttl: Duration::from_hours(1),
        };
        let held = Arc::new(Held::new(&grant).unwrap());
        let id = "9c7e1a52-4d08-4b6f-a3e1-5f20d8b9c647";
        let subject = Subject {
            app: id.parse().unwrap(),
            installation: id.parse().unwrap(),
            ic_label: None,
            context: ContextId::workspace(id.parse().unwrap()),
            account: id.parse().unwrap(),
        };
        let now = std::time::Instant::now();
        let rest_of_the_old_one = Some(Duration::from_secs(3));
        let created = UntilItsEnd.expire_after_create(&subject, &held, now);
        let updated = UntilItsEnd.expire_after_update(&subject, &held, now, rest_of_the_old_one);
        for span in [created, updated] {
            assert!(span.unwrap() > Duration::from_mins(58), "{span:?}");
        }
    }
}
