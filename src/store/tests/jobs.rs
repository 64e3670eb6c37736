//! What every database must do for jobs: one suite, run on each of them.

pub(in crate::store) mod adding;
pub(in crate::store) mod claiming;
pub(in crate::store) mod deleting;
pub(in crate::store) mod operating;
pub(in crate::store) mod ordering;
pub(in crate::store) mod settling;
pub(in crate::store) mod waiting;

use std::{any::Any, sync::Arc, time::Duration};

use uuid::Uuid;

use super::fixtures::{NOW, bare, id, record, token, token_of};
use crate::{
    clock::Clock,
    ids::InstallationId,
    store::{
        Database, Remembered, StoreError, TokenOrigin,
        jobs::{
            Added, Claim, Claimed, Counts, Ending, JobId, JobKind, JobRecord, JobState, Jobs,
            NewJob, Order, Owner, Run, Settled, Swept, Turn, Which,
        },
    },
    token::AppToken,
    trace::TraceId,
};

/// How long a claim of these tests holds.
pub(in crate::store) const LEASE: Duration = Duration::from_mins(1);
const ATTEMPTS: u32 = 3;

/// A fresh database whose time is moved by hand.
pub(in crate::store) struct Bench {
    database: Database,
    clock: Clock,
    owner: Owner,
    /// Lives as long as the database is in use: a folder, a server.
    _place: Box<dyn Any + Send + Sync>,
}

/// Runs the suite on what `$open` opens: an `async fn(Clock) -> (Database, impl Any)`.
macro_rules! suite {
    ($open:path) => {
        $crate::store::tests::jobs::suite! { $open,
            adding {
                what_is_added_is_claimed_as_it_was
                nothing_is_added_for_nothing
                the_same_id_is_one_job
                the_same_digest_within_its_time_is_one_job
                what_came_before_the_clock_was_set_back_is_no_duplicate_for_long
                a_tick_coalesces_with_one_that_has_not_begun
                duplicates_within_one_batch_are_found
                a_batch_of_256_is_one_order_of_arrival
                a_batch_of_large_events_is_one_commit
                a_token_is_unsealed_for_its_job_only
            }
            claiming {
                jobs_are_claimed_in_the_order_they_came
                a_claimed_job_is_not_claimed_again
                installations_take_turns
                the_turn_goes_on_after_the_cursor_and_wraps
                a_noisy_installation_does_not_starve_the_others
                no_installation_gets_more_than_its_share
                no_claim_gives_more_than_256
                nothing_is_claimed_where_nothing_is_wanted
            }
            settling {
                what_is_done_keeps_its_key_without_payload_and_token
                a_retry_comes_back_in_time_with_its_attempt_counted
                what_is_postponed_has_its_attempt_back
                an_immediate_retry_is_ready_at_once
                a_dead_letter_keeps_its_payload_and_loses_its_token
                only_the_run_that_holds_a_job_settles_it
                what_is_settled_twice_counts_once
                settling_and_claiming_are_one_turn
                a_long_error_is_cut
                a_job_that_is_gone_is_lost
            }
            waiting {
                a_lease_that_lapses_is_an_attempt_and_the_last_one_kills
                a_renewed_lease_holds
                a_lease_that_is_not_held_is_not_renewed
                a_parked_job_wakes_when_a_token_lives_a_minute
                a_token_of_another_installation_wakes_nobody
                a_token_of_a_browser_wakes_nobody_and_gives_way_to_the_platforms
                a_job_does_not_wait_for_a_token_for_ever
                a_sweep_tells_when_to_come_again
            }
            ordering {
                jobs_of_one_order_run_one_after_the_other
                an_order_waits_for_retries_and_goes_on_after_a_dead_letter
                an_order_goes_on_after_a_lost_run_that_was_the_last
                a_replayed_job_waits_for_the_one_of_its_order_that_runs
                replayed_jobs_of_one_order_keep_it
                jobs_of_one_order_that_are_replayed_in_parts_keep_it
                a_purged_letter_holds_up_nobody
                other_orders_do_not_wait
            }
            deleting {
                an_installation_goes_with_its_token_and_its_jobs
                what_ran_when_its_installation_went_is_lost
                jobs_of_an_installation_nobody_knows_go_too
                an_installation_with_very_many_jobs_goes_in_parts
                when_it_was_first_seen_is_not_overwritten
            }
            operating {
                counts_tell_how_many_there_are_in_each_state
                a_list_has_dead_letters_the_newest_first
                a_list_is_filtered
                one_job_is_shown_with_its_payload
                a_replay_starts_again_with_the_same_id
                a_replay_touches_what_was_meant
                jobs_that_are_replayed_in_steps_keep_their_order
                a_replay_or_a_purge_is_bounded
                a_purge_touches_what_was_meant
                keys_are_pruned_in_their_time_and_dead_letters_after_a_month
            }
        }
    };
    ($open:path, $($subject:ident { $($test:ident)+ })+) => {
        $(mod $subject {
            $(#[tokio::test]
            async fn $test() {
                use $crate::store::tests::jobs::{$subject, Bench};
                $subject::$test(Bench::on($open).await).await;
            })+
        })+
    };
}
pub(in crate::store) use suite;

/// An event of that installation.
pub(in crate::store) fn job(number: u128, installation: u128) -> NewJob {
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(&number.to_be_bytes());
    NewJob {
        id: job_id(number),
        installation: id(installation),
        kind: JobKind::Event,
        name: "avi:confluence:updated:page".into(),
        digest,
        unless_within: None,
        coalesces: false,
        remember_for: Duration::from_hours(24),
        order: None,
        payload: format!(r#"{{"number":{number},"text":"\"\u0000\n ü {{}}"}}"#).into(),
        trace: TraceId::of_text("463ac35c9f6413ad"),
        app_token: None,
    }
}

fn ordered(number: u128, order: u8) -> NewJob {
    NewJob {
        order: Some(Order([order; 16])),
        ..job(number, 1)
    }
}

fn job_id(number: u128) -> JobId {
    JobId::from_uuid(Uuid::from_u128(number))
}

fn number(id: JobId) -> u128 {
    id.uuid().as_u128()
}

fn error(text: &str) -> String {
    text.to_owned()
}

impl Bench {
    pub(in crate::store) async fn on<Place: Any + Send + Sync, Opening>(
        open: impl FnOnce(Clock) -> Opening,
    ) -> Self
    where
        Opening: Future<Output = (Database, Place)>,
    {
        let clock = Clock::manual(NOW);
        let (database, place) = open(clock.clone()).await;
        Self {
            database,
            clock,
            owner: Owner::random(),
            _place: Box::new(place),
        }
    }

    fn jobs(&self) -> &dyn Jobs {
        &*self.database.jobs
    }

    fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }

    async fn add(&self, jobs: &[NewJob]) -> Vec<(u128, bool)> {
        let added = self.jobs().add(jobs).await.unwrap();
        assert_eq!(added.len(), jobs.len());
        let pair = |it: &Added| (number(it.id), it.duplicate);
        added.iter().map(pair).collect()
    }

    async fn try_turn(
        &self,
        settled: &[Settled],
        claim: Option<Claim>,
    ) -> Result<Turn, StoreError> {
        self.jobs().turn(settled, claim.as_ref()).await
    }

    fn claim_of(&self, most: usize, after: Option<u128>) -> Claim {
        Claim {
            owner: self.owner,
            most,
            lease: LEASE,
            after: after.map(id),
            each: usize::MAX,
            except: Vec::new(),
        }
    }

    async fn claim(&self, most: usize) -> Vec<Claimed> {
        let turn = self.try_turn(&[], Some(self.claim_of(most, None))).await;
        turn.unwrap().claimed
    }

    /// The numbers of the jobs that are claimed.
    async fn claimed(&self, most: usize) -> Vec<u128> {
        let claimed = self.claim(most).await;
        claimed.iter().map(|it| number(it.run.job)).collect()
    }

    /// Claims one job, which must be that one.
    async fn start(&self, expected: u128) -> Run {
        let claimed = self.claim(1).await;
        let run = claimed.first().expect("a job is ready").run;
        assert_eq!(number(run.job), expected);
        run
    }

    /// Settles runs; gives those that were lost.
    async fn settle(&self, endings: &[(Run, Ending)]) -> Vec<Run> {
        let settled: Vec<_> = endings
            .iter()
            .map(|(run, how)| self.settled(*run, how.clone()))
            .collect();
        self.try_turn(&settled, None).await.unwrap().lost
    }

    fn settled(&self, run: Run, how: Ending) -> Settled {
        Settled {
            owner: self.owner,
            run,
            how,
        }
    }

    async fn end(&self, run: Run, how: Ending) {
        assert_eq!(self.settle(&[(run, how)]).await, []);
    }

    /// Claims that job, which must be next, and lets it die.
    async fn kill(&self, expected: u128) {
        let run = self.start(expected).await;
        let error = error("it broke");
        self.end(run, Ending::Dead { error }).await;
    }

    async fn sweep(&self) -> Swept {
        self.jobs().sweep(ATTEMPTS).await.unwrap()
    }

    async fn counts(&self) -> Counts {
        self.jobs().counts().await.unwrap()
    }

    async fn show(&self, number: u128) -> Option<JobRecord> {
        self.jobs().show(job_id(number)).await.unwrap()
    }

    async fn state(&self, number: u128) -> Option<JobState> {
        self.show(number).await.map(|it| it.state)
    }

    async fn list(&self, which: Which) -> Vec<u128> {
        let list = self.jobs().list(&which).await.unwrap();
        list.iter().map(|it| number(it.id)).collect()
    }

    /// Stores an installation, with a token or without.
    async fn remember(&self, installation: u128, token: Option<AppToken>) {
        let records = [record(bare(installation), token)];
        self.database.installations.save(&records).await.unwrap();
    }

    /// Stores an installation with a token that a browser may have made up.
    async fn remember_from_browser(&self, installation: u128, token: AppToken) {
        let mut record = Remembered::clone(&record(bare(installation), Some(token)));
        record.token_origin = TokenOrigin::Browser;
        let records = [Arc::new(record)];
        self.database.installations.save(&records).await.unwrap();
    }

    /// The token of an installation, and who brought it.
    async fn token(&self, installation: u128) -> (String, TokenOrigin) {
        let stored = self.database.installations.load(id(installation)).await;
        let stored = stored.unwrap().unwrap();
        let token = token_of(&stored).unwrap();
        (token.to_owned(), stored.token_origin)
    }
}
