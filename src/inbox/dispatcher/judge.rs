//! What becomes of a job whose run failed.

use std::time::Duration;

use moka::sync::Cache;

use super::{
    delays,
    signs::{self, Signs},
    verdict::Verdict,
};
use crate::{
    clock::{Clock, Timestamp},
    inbox::{Job, JobError, handlers::Failure},
    store::jobs::{JobId, LONGEST_HELD_UP},
};

/// A job that waited for a token and still has none, so soon after: the token that woke it
/// cannot be read. It is asked for no more often than this.
const TOKEN_PAUSE: Duration = Duration::from_mins(1);
const MOST_PARKED: u64 = 10_000;

/// Where a job stands when it is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) job: JobId,
    pub(super) attempt: u32,
    pub(super) received_at: Timestamp,
}

impl Standing {
    fn of(job: &Job) -> Self {
        Self {
            job: job.idempotency_key(),
            attempt: job.attempt(),
            received_at: job.received_at(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Judge {
    max_attempts: u32,
    clock: Clock,
    /// Jobs that have been sent to wait for a token lately.
    parked: Cache<JobId, ()>,
}

impl Judge {
    pub(super) fn new(max_attempts: u32, clock: Clock) -> Self {
        let parked = Cache::builder()
            .max_capacity(MOST_PARKED)
            .time_to_live(TOKEN_PAUSE * 2)
            .build();
        Self {
            max_attempts,
            clock,
            parked,
        }
    }

    /// The handler says why.
    pub(super) fn failed(&self, job: &Job, failure: Failure) -> Verdict {
        match failure {
            Failure::Unreadable(error) => Verdict::Dead {
                cause: format!(
                    "the body is not what the handler takes: {}",
                    signs::place_in_json(&error)
                ),
            },
            Failure::Handler(error) => self.complained(job, &error),
        }
    }

    fn complained(&self, job: &Job, error: &JobError) -> Verdict {
        let cause = signs::text(error.source(), &job.secrets());
        let wait = match error {
            JobError::Drop(_) => return Verdict::Dropped { cause },
            JobError::Retry(_) => Duration::ZERO,
            JobError::RetryAfter(wait, _) => *wait,
        };
        let signs = Signs::of(error.source());
        let standing = Standing::of(job);
        // If one lives, it was not this job's installation that has none.
        if signs.no_app_token && !job.has_token() {
            return self.without_token(standing, cause);
        }
        if signs.refused
            && let Some(after) = delays::while_new(self.clock.now().since(job.first_seen()))
        {
            return self.postpone(standing, after.max(signs.wait), cause);
        }
        let wait = delays::at_least(wait.max(signs.wait));
        match error {
            // The handler knows best.
            JobError::RetryAfter(..) => self.retry(standing, wait, cause),
            _ => self.retry(
                standing,
                wait.max(delays::after_attempt(standing.attempt)),
                cause,
            ),
        }
    }

    /// It failed and no one said for how long to wait.
    pub(super) fn broke(&self, standing: Standing, cause: String) -> Verdict {
        self.retry(standing, delays::after_attempt(standing.attempt), cause)
    }

    /// It cannot be done yet, and an attempt would tell nothing.
    pub(super) fn postpone(&self, standing: Standing, after: Duration, cause: String) -> Verdict {
        if self.is_held_up_too_long(standing) {
            return Self::given_up(&cause);
        }
        let after = after.min(delays::LONGEST_WAIT);
        Verdict::Postponed { after, cause }
    }

    fn without_token(&self, standing: Standing, cause: String) -> Verdict {
        if self.is_held_up_too_long(standing) {
            return Self::given_up(&cause);
        }
        if self.parked.contains_key(&standing.job) {
            let after = TOKEN_PAUSE;
            return Verdict::Postponed { after, cause };
        }
        self.parked.insert(standing.job, ());
        Verdict::AwaitsToken { cause }
    }

    fn retry(&self, standing: Standing, after: Duration, cause: String) -> Verdict {
        if standing.attempt >= self.max_attempts {
            Verdict::Dead { cause }
        } else {
            Verdict::Retry { after, cause }
        }
    }

    fn is_held_up_too_long(&self, standing: Standing) -> bool {
        self.clock.now().since(standing.received_at) >= LONGEST_HELD_UP
    }

    fn given_up(cause: &str) -> Verdict {
        let days = LONGEST_HELD_UP.as_secs() / 86_400;
        Verdict::Dead {
            cause: format!("held up for {days} days: {cause}"),
        }
    }
}
