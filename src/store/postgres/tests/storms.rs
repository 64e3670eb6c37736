//! Everything at once, from two replicas.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use futures_util::future::join_all;
use uuid::Uuid;

use super::*;
use crate::{
    store::jobs::{
        Claim, Claimed, Counts, Ending, JobId, JobKind, Jobs, NewJob, Order, Owner, Settled, Which,
    },
    trace::TraceId,
};

const JOBS: u128 = 240;
const ATTEMPTS: u32 = 3;

/// What the workers see of each other.
#[derive(Default)]
struct Watch {
    running: Mutex<HashMap<Order, JobId>>,
    done: Mutex<HashSet<JobId>>,
    over: AtomicBool,
}

impl Watch {
    fn begins(&self, id: JobId) {
        if let Some(order) = order_of(id) {
            let beside = self.running.lock().unwrap().insert(order, id);
            assert_eq!(beside, None, "{id} runs beside another of its order");
        }
    }

    fn ends(&self, id: JobId, how: &Ending) {
        if let Some(order) = order_of(id) {
            self.running.lock().unwrap().remove(&order);
        }
        if *how == Ending::Done {
            let mut done = self.done.lock().unwrap();
            assert!(done.insert(id), "{id} was done twice");
            if done.len() as u128 == JOBS {
                self.over.store(true, SeqCst);
            }
        }
    }
}

/// Two of three are of one of four orders.
fn order_of(id: JobId) -> Option<Order> {
    let number = id.uuid().as_u128();
    let order = u8::try_from(number % 6).unwrap();
    (order < 4).then_some(Order([order; 16]))
}

fn job(number: u128) -> NewJob {
    let job_id = JobId::from_uuid(Uuid::from_u128(number));
    NewJob {
        id: job_id,
        installation: id(number % 6),
        kind: JobKind::Event,
        name: "avi:confluence:updated:page".into(),
        digest: [u8::try_from(number).unwrap(); 32],
        unless_within: number.is_multiple_of(2).then_some(Duration::from_hours(1)),
        coalesces: false,
        remember_for: Duration::from_hours(1),
        order: order_of(job_id),
        payload: "{}".into(),
        trace: TraceId::random(),
        app_token: None,
    }
}

fn claim_of(owner: Owner, most: usize, lease: Duration) -> Claim {
    Claim {
        owner,
        most,
        lease,
        after: Some(Uuid::new_v4().into()),
        each: usize::MAX,
        except: Vec::new(),
    }
}

fn any_ending() -> Ending {
    let error = "it broke".to_owned();
    match Uuid::new_v4().as_u128() % 9 {
        0 => Ending::Retry {
            after: Duration::ZERO,
            error,
        },
        1 => Ending::Retry {
            after: Duration::from_millis(3),
            error,
        },
        2 => Ending::Postponed {
            after: Duration::ZERO,
            error: None,
        },
        3 => Ending::AwaitsToken { error },
        4 => Ending::Dead { error },
        _ => Ending::Done,
    }
}

async fn work(store: Arc<PostgresStore>, watch: Arc<Watch>) {
    let owner = Owner::random();
    let claim = claim_of(owner, 5, Duration::from_mins(1));
    let mut settled = Vec::new();
    while !watch.over.load(SeqCst) {
        let turn = store.turn(&settled, Some(&claim)).await.unwrap();
        assert_eq!(turn.lost, []);
        let runs = turn.claimed.iter().map(|Claimed { run, .. }| *run);
        let runs: Vec<_> = runs.inspect(|run| watch.begins(run.job)).collect();
        let lost = store.renew(owner, &runs, Duration::from_mins(1)).await;
        assert_eq!(lost.unwrap(), []);
        settled.clear();
        for run in runs {
            let how = any_ending();
            watch.ends(run.job, &how);
            settled.push(Settled { owner, run, how });
        }
    }
    store.turn(&settled, None).await.unwrap();
}

/// Claims and dies, again and again.
async fn die(store: Arc<PostgresStore>, watch: Arc<Watch>) {
    while !watch.over.load(SeqCst) {
        let claim = claim_of(Owner::random(), 1, Duration::ZERO);
        store.turn(&[], Some(&claim)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn tend(store: Arc<PostgresStore>, watch: Arc<Watch>) {
    while !watch.over.load(SeqCst) {
        store.sweep(ATTEMPTS).await.unwrap();
        store.replay(&Which::default()).await.unwrap();
        store.prune().await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn add(store: Arc<PostgresStore>) {
    let jobs: Vec<_> = (0..JOBS).map(job).collect();
    for batch in jobs.chunks(8) {
        store.add(batch).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_at_once_no_order_is_broken_and_nothing_is_left_behind() {
    let bench = Bench::real_time().await;
    let stores = [Arc::new(bench.open().await), Arc::new(bench.open().await)];
    let hour = Clock::system().now().plus(Duration::from_hours(1));
    for number in 0..6 {
        let token = AppToken::expiring("t0ken".to_owned(), hour).unwrap();
        stores[0]
            .save(&[record(bare(number), Some(token))])
            .await
            .unwrap();
    }
    let watch = Arc::new(Watch::default());
    let mut tasks = Vec::new();
    for store in &stores {
        let with = || (Arc::clone(store), Arc::clone(&watch));
        tasks.push(tokio::spawn(add(Arc::clone(store))));
        for _ in 0..2 {
            let (store, watch) = with();
            tasks.push(tokio::spawn(work(store, watch)));
        }
        let (store, watch) = with();
        tasks.push(tokio::spawn(die(store, watch)));
        let (store, watch) = with();
        tasks.push(tokio::spawn(tend(store, watch)));
    }
    let all = timeout(Duration::from_mins(1), join_all(tasks)).await;
    let counts = stores[0].counts().await.unwrap();
    for task in all.unwrap_or_else(|_| panic!("left behind: {counts:?}")) {
        task.unwrap();
    }
    assert_eq!(counts, Counts::default());
}
