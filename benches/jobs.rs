//! How many jobs a second SQLite keeps, and how many it gives out and settles: every commit
//! reaches the disk, on a file under `target/`.
//!
//! `cargo bench --bench jobs`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use forge_remote::{
    Secret,
    clock::Clock,
    config,
    store::{
        self,
        jobs::{Claim, Ending, JobId, JobKind, Jobs, NewJob, Owner, Settled},
    },
    trace::TraceId,
};
use tempfile::TempDir;
use uuid::Uuid;

const SPAN: Duration = Duration::from_secs(3);
const INSTALLATIONS: u128 = 100;
const GROUP: usize = 256;
/// As many as a busy remote has free at once.
const WORKERS: usize = 32;
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

#[tokio::main]
async fn main() {
    println!("kept: one commit for each job");
    for callers in [1, 64] {
        let rate = insert(callers, 1).await;
        println!("  {callers:3} callers: {rate:8.0} jobs/s");
    }
    println!("kept: one commit for {GROUP} jobs");
    for callers in [1, 2] {
        let rate = insert(callers, GROUP).await;
        println!("  {callers:3} callers: {rate:8.0} jobs/s");
    }
    println!("settled and claimed, {WORKERS} in a turn");
    for waiting in [1_000, 100_000] {
        let (rate, turn) = turns(waiting).await;
        println!("  {waiting:6} waiting: {rate:8.0} jobs/s, {turn:.2?} a turn");
    }
}

/// A database of its own, on a disk: `/tmp` may be memory.
async fn fresh() -> (Arc<dyn Jobs>, TempDir) {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let folder = TempDir::new_in(target).unwrap();
    let settings = config::Store {
        url: format!("sqlite://{}", folder.path().join("jobs.db").display()),
        encryption_key: Some(Secret::new(KEY.to_owned())),
        additional_encryption_keys: Vec::new(),
    };
    let open = store::open(&settings, &config::Environment::Test, Clock::system());
    (open.await.unwrap().jobs, folder)
}

/// An event of usual size, of one of many installations.
fn job(number: u128) -> NewJob {
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(&number.to_be_bytes());
    NewJob {
        id: JobId::from_uuid(Uuid::new_v4()),
        installation: Uuid::from_u128(number % INSTALLATIONS).into(),
        kind: JobKind::Event,
        name: "avi:confluence:updated:page".into(),
        digest,
        unless_within: Some(Duration::from_mins(10)),
        coalesces: false,
        remember_for: Duration::from_hours(24),
        order: None,
        payload: format!(r#"{{"number":{number},"text":"{}"}}"#, "x".repeat(900)).into(),
        trace: TraceId::of_text("463ac35c9f6413ad"),
        app_token: None,
    }
}

async fn insert(callers: u128, group: usize) -> f64 {
    let (jobs, _folder) = fresh().await;
    let added = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (jobs, added, over) = (Arc::clone(&jobs), Arc::clone(&added), Arc::clone(&over));
            tokio::spawn(async move {
                let mut number = caller << 64;
                while !over.load(Relaxed) {
                    let batch: Vec<_> = (0..group)
                        .map(|_| {
                            number += 1;
                            job(number)
                        })
                        .collect();
                    let count = jobs.add(&batch).await.unwrap().len();
                    added.fetch_add(u64::try_from(count).unwrap(), Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(SPAN).await;
    let (count, span) = (added.load(Relaxed), start.elapsed());
    over.store(true, Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    rate(count, span)
}

/// Turns that settle what the one before claimed, while as many wait all the time.
async fn turns(waiting: u128) -> (f64, Duration) {
    let (jobs, _folder) = fresh().await;
    let mut number = 0;
    let mut more = |count: usize| -> Vec<_> {
        (0..count)
            .map(|_| {
                number += 1;
                job(number)
            })
            .collect()
    };
    for _ in 0..waiting.div_ceil(GROUP as u128) {
        jobs.add(&more(GROUP)).await.unwrap();
    }
    let mut claim = Claim {
        owner: Owner::random(),
        most: WORKERS,
        lease: Duration::from_mins(1),
        after: None,
        each: usize::MAX,
        except: Vec::new(),
    };
    let (mut spent, mut turns, mut ended) = (Duration::ZERO, 0, 0);
    let mut settled = Vec::new();
    while spent < SPAN {
        let start = Instant::now();
        let turn = jobs.turn(&settled, Some(&claim)).await.unwrap();
        spent += start.elapsed();
        turns += 1;
        ended += u64::try_from(settled.len()).unwrap();
        assert_eq!(turn.claimed.len(), WORKERS);
        assert!(turn.lost.is_empty());
        claim.after = turn.claimed.last().map(|claimed| claimed.installation);
        settled = turn
            .claimed
            .iter()
            .map(|claimed| Settled {
                owner: claim.owner,
                run: claimed.run,
                how: Ending::Done,
            })
            .collect();
        jobs.add(&more(WORKERS)).await.unwrap();
    }
    (rate(ended, spent), spent / turns)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is not exact to the last job"
)]
fn rate(count: u64, span: Duration) -> f64 {
    count as f64 / span.as_secs_f64()
}
