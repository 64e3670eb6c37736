//! What past exchanges have shown: tokens, denials, and which form of a context works.
//!
//! The entries carry their own end, by tokio's clock, and are asked for it; what has lapsed
//! is swept away now and then to free its memory.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache as Notes;
use tokio::time::Instant;

use super::{
    context::ContextAri,
    error::ImpersonationError,
    held::{Grant, Held, Predecessor},
    subject::{Key, Subject},
};
use crate::{cache::Cache, ids::InstallationId, token::AccountToken};

/// How long a denial is remembered.
const DENIAL: Duration = Duration::from_secs(30);
/// Denials and forms that are kept.
const MAX_NOTES: u64 = 10_000;
/// How long a token that has lapsed may take up memory, as long as others come.
const BETWEEN_SWEEPS: Duration = Duration::from_mins(1);

pub(super) struct Memory {
    tokens: Cache<Key, Held>,
    denials: Notes<Subject, Arc<Denial>>,
    forms: Notes<InstallationId, ContextAri>,
    began: Instant,
    /// Seconds after `began`.
    next_sweep: AtomicU64,
}

struct Denial {
    error: ImpersonationError,
    until: Instant,
}

/// A token that serves, and whether it is this caller who has to renew it.
pub(super) struct Hit {
    pub(super) token: AccountToken,
    pub(super) renewal_due: bool,
}

impl Memory {
    pub(super) fn new(max_tokens: u64) -> Self {
        Self {
            tokens: Cache::new(usize::try_from(max_tokens).unwrap_or(usize::MAX)),
            denials: Notes::builder()
                .max_capacity(MAX_NOTES)
                .time_to_live(DENIAL)
                .build(),
            forms: Notes::new(MAX_NOTES),
            began: Instant::now(),
            next_sweep: AtomicU64::new(BETWEEN_SWEEPS.as_secs()),
        }
    }

    /// The token of the subject, if there is one that serves.
    pub(super) fn hit(&self, subject: &Subject, now: Instant) -> Option<Hit> {
        let read = |held: &Held| {
            let token = held.token_at(now)?.clone();
            let renewal_due = held.renewal_due(now);
            Some(Hit { token, renewal_due })
        };
        self.tokens.get(subject, read).flatten()
    }

    /// As [`hit`](Self::hit), for somebody who does not renew it.
    pub(super) fn token(&self, subject: &Subject, now: Instant) -> Option<AccountToken> {
        let read = |held: &Held| held.token_at(now).cloned();
        self.tokens.get(subject, read).flatten()
    }

    /// The token that there is, whether it serves or not.
    pub(super) fn predecessor(&self, subject: &Subject) -> Option<Predecessor> {
        self.tokens.get(subject, Held::predecessor)
    }

    /// A product refused that token of the subject.
    pub(super) fn refuse(&self, subject: &Subject, token: &AccountToken) {
        self.tokens.get(subject, |held| held.refuse(token));
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
                    self.tokens.put(subject, held);
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

    pub(super) fn tokens(&self) -> usize {
        self.tokens.len()
    }

    /// Whether it is this caller who has to [sweep](Self::sweep).
    pub(super) fn sweep_due(&self, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.began).as_secs();
        let due = self.next_sweep.load(Ordering::Relaxed);
        let next = now + BETWEEN_SWEEPS.as_secs();
        now >= due
            && self
                .next_sweep
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Drops what has lapsed. It looks at all tokens, some 10 ms for a million; hits go on.
    pub(super) fn sweep(&self, now: Instant) {
        self.tokens.retain(|_, held| !held.has_lapsed(now));
    }

    /// Forgets all of an installation.
    pub(super) fn forget(&self, installation: &InstallationId) {
        self.forms.invalidate(installation);
        self.tokens
            .retain(|subject, _| subject.installation != *installation);
        for (subject, _) in &self.denials {
            if subject.installation == *installation {
                self.denials.invalidate(&*subject);
            }
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("tokens", &self.tokens.len())
            .field("denials", &self.denials.entry_count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Timestamp, impersonation::tests::subject};

    fn grant(ttl: Duration) -> Grant {
        let token = AccountToken::expiring("t".to_owned(), Timestamp::from_unix(0));
        Grant {
            token: token.unwrap(),
            asked: Instant::now(),
            ttl,
        }
    }

    fn account(number: usize) -> Subject {
        Subject {
            account: format!("account-{number}").parse().unwrap(),
            ..subject()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_lapsed_is_swept_away_once_a_minute_and_what_serves_stays() {
        let memory = Memory::new(100_000);
        for number in 0..3_000 {
            let minutes = if number % 3 == 0 { 60 } else { 2 };
            memory.keep(&account(number), &Ok(grant(Duration::from_mins(minutes))));
        }
        assert!(!memory.sweep_due(Instant::now()));
        tokio::time::advance(Duration::from_mins(3)).await;
        let now = Instant::now();
        assert!(memory.sweep_due(now));
        assert!(!memory.sweep_due(now), "one caller sweeps");
        assert_eq!(memory.tokens(), 3_000);
        memory.sweep(now);
        assert_eq!(memory.tokens(), 1_000);
        for number in 0..3_000 {
            assert_eq!(
                memory.token(&account(number), now).is_some(),
                number % 3 == 0
            );
        }
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(!memory.sweep_due(Instant::now()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(memory.sweep_due(Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewed_token_lives_its_own_life() {
        let memory = Memory::new(10);
        memory.keep(&subject(), &Ok(grant(Duration::from_mins(2))));
        tokio::time::advance(Duration::from_mins(1)).await;
        memory.keep(&subject(), &Ok(grant(Duration::from_hours(1))));
        tokio::time::advance(Duration::from_mins(58)).await;
        memory.sweep(Instant::now());
        assert!(memory.token(&subject(), Instant::now()).is_some());
        assert_eq!(memory.tokens(), 1);
    }
}
