//! What each way to fail comes to.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use sqlx::Connection as _;
use tokio::{sync::oneshot, time::Instant};

use super::{fake::claimed, *};
use crate::{
    captured_log::Logs,
    error::{Error, ErrorCode},
    inbox::dispatcher::{attempt::Runner, verdict::Verdict},
    store::jobs::Claimed,
};

impl Remote {
    /// What a run of `claimed` comes to.
    async fn verdict_on(&self, events: Events, claimed: Claimed) -> Verdict {
        let schedule = Schedule::new();
        let (forge, ticks) = (self.forge.clone(), schedule.handlers);
        let runner = Runner::new(forge, events.handlers, ticks, MOST_ATTEMPTS);
        self.run(&Arc::new(runner), claimed).await
    }

    async fn run(&self, runner: &Arc<Runner>, claimed: Claimed) -> Verdict {
        let (_cut, never) = oneshot::channel();
        runner.start(claimed, never).await.1
    }

    fn runner(&self, events: Events) -> Arc<Runner> {
        let forge = self.forge.clone();
        let ticks = Schedule::new().handlers;
        Arc::new(Runner::new(forge, events.handlers, ticks, MOST_ATTEMPTS))
    }
}

fn fails(error: impl Fn() -> JobError + Send + Sync + 'static) -> Events {
    pages(move |_| std::future::ready(Err(error())))
}

fn at(attempt: u32) -> Claimed {
    let mut claimed = claimed(1, 1);
    claimed.run.attempt = attempt;
    claimed
}

/// Without a token of its own, in an installation that has none.
fn without_token() -> Claimed {
    Claimed {
        app_token: None,
        ..claimed(1, 7)
    }
}

fn wait_of(verdict: &Verdict) -> Duration {
    match verdict {
        Verdict::Retry { after, .. } | Verdict::Postponed { after, .. } => *after,
        other => panic!("{other:?}"),
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn what_is_dropped_has_ended_with_a_line() {
    let logs = Logs::capture();
    let remote = Remote::new().await;
    let events = fails(|| JobError::drop("the page is gone"));
    let verdict = remote.verdict_on(events, at(1)).await;
    assert!(matches!(verdict, Verdict::Dropped { .. }));
    assert_eq!(logs.count("INFO", "the page is gone"), 1);
}

#[tokio::test]
async fn the_last_attempt_is_the_last() {
    let remote = Remote::new().await;
    for attempt in 1..MOST_ATTEMPTS {
        let events = fails(|| JobError::retry("no"));
        let verdict = remote.verdict_on(events, at(attempt)).await;
        assert!(matches!(verdict, Verdict::Retry { .. }), "{verdict:?}");
    }
    for error in [
        || JobError::retry("no"),
        || JobError::retry_after(Duration::from_secs(1), "no"),
    ] {
        for attempt in [MOST_ATTEMPTS, MOST_ATTEMPTS + 1] {
            let cause = "no".to_owned();
            let verdict = remote.verdict_on(fails(error), at(attempt)).await;
            assert_eq!(verdict, Verdict::Dead { cause });
        }
    }
}

#[tokio::test]
async fn the_handlers_own_wait_is_kept() {
    let remote = Remote::new().await;
    for (asked, kept) in [(0, 0), (90, 90), (7200, 7200), (1_000_000, 86_400)] {
        let events = fails(move || JobError::retry_after(seconds(asked), "later"));
        let wait = wait_of(&remote.verdict_on(events, at(3)).await);
        let kept = seconds(kept);
        assert!(
            wait >= kept && wait <= kept + kept / 10,
            "{asked}: {wait:?}"
        );
    }
}

#[tokio::test]
async fn a_wait_that_somebody_asked_for_is_the_least() {
    let limited = |wait: u64| {
        let error = Error::new(ErrorCode::RateLimited, "Wait.").retry_after(seconds(wait));
        std::io::Error::other(error)
    };
    let remote = Remote::new().await;
    let wait = wait_of(
        &remote
            .verdict_on(fails(move || limited(300).into()), at(1))
            .await,
    );
    assert!(wait >= seconds(300) && wait <= seconds(330), "{wait:?}");
    let wait = wait_of(
        &remote
            .verdict_on(fails(move || limited(1).into()), at(3))
            .await,
    );
    assert!(wait >= seconds(32) && wait <= seconds(64), "{wait:?}");
    let both = move || JobError::retry_after(seconds(10), limited(50));
    let wait = wait_of(&remote.verdict_on(fails(both), at(1)).await);
    assert!(wait >= seconds(50) && wait <= seconds(55), "{wait:?}");
}

#[tokio::test]
async fn a_body_that_the_handler_cannot_take_is_a_dead_letter_at_once() {
    #[derive(Deserialize)]
    struct Page {
        #[expect(dead_code, reason = "only read from JSON")]
        number: String,
    }
    let remote = Remote::new().await;
    let events = Events::new().on(PAGE, |_: Event<Page>| async { Ok(()) });
    let mut job = claimed(1, 1);
    job.payload = r#"{"number":77341}"#.into();
    let verdict = remote.verdict_on(events, job).await;
    let Verdict::Dead { cause } = verdict else {
        panic!("{verdict:?}")
    };
    assert!(cause.contains("line 1, column 15"), "{cause}");
    assert!(!cause.contains("77341"), "{cause}");
}

#[tokio::test]
async fn a_job_that_no_handler_is_left_for_is_a_dead_letter_at_once() {
    let remote = Remote::new().await;
    let verdict = remote.verdict_on(Events::new(), at(1)).await;
    let Verdict::Dead { cause } = verdict else {
        panic!("{verdict:?}")
    };
    assert!(cause.contains("no handler"), "{cause}");
}

#[tokio::test]
async fn a_job_of_an_installation_that_nobody_knows_waits_and_is_dropped_then() {
    let remote = Remote::new().await;
    for (passed, wait) in [(0, 1), (1, 1), (3, 4), (595, 599)] {
        remote.clock.advance(seconds(passed));
        let verdict = remote.verdict_on(pages(never), claimed(1, 99)).await;
        assert!(matches!(verdict, Verdict::Postponed { .. }), "{verdict:?}");
        assert_eq!(wait_of(&verdict), seconds(wait), "{passed}");
    }
    remote.clock.advance(seconds(1));
    let verdict = remote.verdict_on(pages(never), claimed(1, 99)).await;
    assert!(matches!(verdict, Verdict::Dropped { .. }), "{verdict:?}");
}

#[tokio::test]
async fn a_job_whose_installation_cannot_be_looked_up_comes_again_uncounted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("remote.db");
    let url = format!("sqlite://{}", file.display());
    let clock = Clock::manual(NOW);
    let forge = Forge::with_clock(config(&[("STORE__URL", &url)]), clock.clone());
    let remote = Remote {
        forge: forge.await.unwrap(),
        clock,
        jobs: Arc::default(),
        wake: Arc::default(),
    };
    let runner = remote.runner(pages(never));
    let lost = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut lost = sqlx::SqliteConnection::connect_with(&lost).await.unwrap();
    sqlx::query("ALTER TABLE app_tokens RENAME TO lost")
        .execute(&mut lost)
        .await
        .unwrap();
    let verdict = remote.run(&runner, at(MOST_ATTEMPTS)).await;
    let Verdict::Postponed { cause, .. } = verdict else {
        panic!("{verdict:?}")
    };
    assert!(
        cause.starts_with("the installation cannot be looked up: "),
        "{cause}"
    );
}

#[tokio::test]
async fn a_job_without_a_token_waits_for_one_and_does_not_spin() {
    let remote = Remote::new().await;
    remote.install(7, None);
    let runner = remote.runner(pages(|event| async move {
        event.as_app().map(drop).map_err(Into::into)
    }));
    let verdict = remote.run(&runner, without_token()).await;
    assert!(
        matches!(verdict, Verdict::AwaitsToken { .. }),
        "{verdict:?}"
    );
    // Whatever woke it was no token: not again at once.
    let verdict = remote.run(&runner, without_token()).await;
    assert!(matches!(verdict, Verdict::Postponed { .. }), "{verdict:?}");
    assert_eq!(wait_of(&verdict), Duration::from_mins(1));
    // Not for ever either.
    remote.clock.advance(Duration::from_hours(8 * 24));
    let verdict = remote.run(&runner, without_token()).await;
    let Verdict::Dead { cause } = verdict else {
        panic!("{verdict:?}")
    };
    assert!(
        cause.starts_with("held up for 8 days: missing_app_token"),
        "{cause}"
    );
}

#[tokio::test]
async fn the_token_of_another_installation_is_not_waited_for() {
    let remote = Remote::new().await;
    remote.install(7, None);
    let forge = remote.forge.clone();
    let events = pages(move |_| {
        let forge = forge.clone();
        async move {
            forge.installation(&installation(7)).await?.as_app()?;
            Ok(())
        }
    });
    let verdict = remote.verdict_on(events, at(1)).await;
    assert!(matches!(verdict, Verdict::Retry { .. }), "{verdict:?}");
}

#[tokio::test]
async fn a_new_installation_is_not_ready_yet() {
    let remote = Remote::new().await;
    remote.install(7, Some(token("t0ken-of-installation")));
    let refused = || fails(|| Error::new(ErrorCode::Forbidden, "No.").into());
    for (passed, wait) in [(0, 5), (10, 25), (30, 125), (200, 625), (359, 625)] {
        remote.clock.advance(seconds(passed));
        let verdict = remote.verdict_on(refused(), claimed(1, 7)).await;
        assert!(matches!(verdict, Verdict::Postponed { .. }), "{verdict:?}");
        assert_eq!(wait_of(&verdict), seconds(wait), "{passed}");
    }
    remote.clock.advance(seconds(1));
    let verdict = remote.verdict_on(refused(), claimed(1, 7)).await;
    assert!(matches!(verdict, Verdict::Retry { .. }), "{verdict:?}");
}

#[tokio::test]
async fn what_a_new_installation_has_is_told_from_what_it_is_refused() {
    let remote = Remote::new().await;
    remote.install(7, Some(token("t0ken-of-installation")));
    for code in [ErrorCode::NotFound, ErrorCode::UpstreamError] {
        let events = fails(move || Error::new(code, "No.").into());
        let verdict = remote.verdict_on(events, claimed(1, 7)).await;
        assert!(matches!(verdict, Verdict::Retry { .. }), "{verdict:?}");
    }
}

#[tokio::test]
async fn a_run_has_a_quarter_of_an_hour() {
    let remote = Remote::paused().await;
    let begin = Instant::now();
    let events = pages(|event| async move {
        assert_eq!(event.deadline().remaining(), Duration::from_mins(15));
        never(event).await
    });
    let verdict = remote.verdict_on(events, at(1)).await;
    let Verdict::Retry { cause, .. } = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(cause, "the handler took more than 15 minutes");
    assert!(about(begin.elapsed(), Duration::from_secs(905)));
}

#[tokio::test]
async fn no_line_holds_a_token_that_a_handler_let_slip() {
    let logs = Logs::capture();
    let remote = Remote::new().await;
    let events = fails(|| JobError::retry("t0ken-of-the-event or t0ken-of-installation"));
    let verdict = remote.verdict_on(events, at(1)).await;
    let Verdict::Retry { cause, .. } = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(cause, "[redacted] or [redacted]");
    assert!(!logs.text().contains("t0ken"), "{}", logs.text());
}

#[tokio::test]
async fn no_line_holds_a_token_that_came_while_the_handler_ran() {
    let remote = Remote::new().await;
    let (clock, forge) = (remote.clock.clone(), remote.forge.clone());
    let events = pages(move |event| {
        clock.advance(Duration::from_hours(1));
        let expires_at = NOW.plus(Duration::from_hours(5));
        let later = AppToken::expiring("t0ken-that-came-later".to_owned(), expires_at).unwrap();
        let record = event.record().clone();
        forge.installations().remember(record, Some(later));
        std::future::ready(Err(JobError::retry("t0ken-that-came-later")))
    });
    let verdict = remote.verdict_on(events, at(1)).await;
    let Verdict::Retry { cause, .. } = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(cause, "[redacted]");
}
