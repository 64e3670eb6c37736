use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::*;
use crate::{
    store::jobs::{Claim, Counts, Ending, JobId, JobKind, Jobs, NewJob, Order, Owner, Settled},
    trace::TraceId,
};

#[tokio::test]
async fn stores_that_make_the_same_tables_at_once_all_open() {
    for _ in 0..3 {
        let bench = Bench::new().await;
        let (a, b, c, d) = tokio::join!(
            bench.try_open(),
            bench.try_open(),
            bench.try_open(),
            bench.try_open()
        );
        for store in [a, b, c, d] {
            store.unwrap().ping().await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_older_release_works_beside_a_newer_one() {
    let bench = Bench::new().await;
    let newer = bench.open().await;
    run(
        &newer,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'of a newer release', true, '', 0); \
         ALTER TABLE installations ADD COLUMN novelty text",
    )
    .await;
    let older = bench.open().await;
    older.save(&[record(installation(1), None)]).await.unwrap();
    assert_eq!(load(&newer, 1).await.installation, installation(1));

    run(&newer, "UPDATE forge_schema SET floor = 9999").await;
    let Err(error) = bench.try_open().await else {
        panic!("it works with tables that are not for it");
    };
    assert!(
        matches!(error, OpenError::NewerTables { floor: 9999, .. }),
        "{error:?}"
    );
    // One that runs goes on: whoever raises the floor stops it first.
    older.ping().await.unwrap();
}

#[tokio::test]
async fn records_of_two_replicas_that_overlap_are_all_written() {
    let bench = Bench::new().await;
    let stores = [bench.open().await, bench.open().await];
    let records: Vec<_> = (0..40)
        .map(|n| record(installation(n), Some(token("t", 60))))
        .collect();
    let reversed: Vec<_> = records.iter().rev().cloned().collect();
    for _ in 0..5 {
        let (a, b) = tokio::join!(stores[0].save(&records), stores[1].save(&reversed));
        a.unwrap();
        b.unwrap();
    }
    assert_eq!(load(&stores[0], 39).await.installation, installation(39));
}

/// Adds the jobs of a storm through both replicas at once, each of them twice.
async fn add_twice(stores: &[Arc<PostgresStore>; 2], jobs: &[NewJob]) -> usize {
    let batches = jobs.chunks(16).flat_map(|batch| {
        stores
            .iter()
            .map(move |store| async move { store.add(batch).await.unwrap() })
    });
    let added = futures_util::future::join_all(batches).await;
    added.iter().flatten().filter(|it| !it.duplicate).count()
}

/// Claims and settles until nothing is left; tells the jobs in the order they ran.
async fn work(
    store: Arc<PostgresStore>,
    left: Arc<AtomicUsize>,
    ticks: Arc<AtomicU64>,
) -> Vec<(JobId, u64, u64)> {
    let tick = || ticks.fetch_add(1, Ordering::SeqCst);
    let owner = Owner::random();
    let (mut ran, mut settled) = (Vec::new(), Vec::new());
    let mut after = None;
    while left.load(Ordering::SeqCst) > 0 {
        let claim = Claim {
            owner,
            most: 7,
            lease: Duration::from_mins(1),
            after,
            each: usize::MAX,
            except: Vec::new(),
        };
        let turn = store.turn(&settled, Some(&claim)).await.unwrap();
        assert_eq!(turn.lost, []);
        left.fetch_sub(settled.len(), Ordering::SeqCst);
        settled.clear();
        for claimed in turn.claimed {
            let began = tick();
            tokio::task::yield_now().await;
            ran.push((claimed.run.job, began, tick()));
            after = Some(claimed.installation);
            settled.push(Settled {
                owner,
                run: claimed.run,
                how: Ending::Done,
            });
        }
    }
    ran
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_run_each_job_once_and_keep_its_order() {
    let bench = Bench::real_time().await;
    let stores = [Arc::new(bench.open().await), Arc::new(bench.open().await)];
    let jobs: Vec<_> = (0..400).map(job_of_a_storm).collect();
    assert_eq!(add_twice(&stores, &jobs).await, jobs.len());

    let left = Arc::new(AtomicUsize::new(jobs.len()));
    let ticks = Arc::new(AtomicU64::new(0));
    let workers = (0..6).map(|n| {
        let (left, ticks) = (Arc::clone(&left), Arc::clone(&ticks));
        tokio::spawn(work(Arc::clone(&stores[n % 2]), left, ticks))
    });
    let working = futures_util::future::join_all(workers);
    let ran = timeout(Duration::from_mins(1), working).await.unwrap();
    let mut ran: Vec<_> = ran.into_iter().flat_map(Result::unwrap).collect();
    ran.sort_by_key(|(_, began, _)| *began);
    let mut ids: Vec<_> = ran.iter().map(|(id, ..)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ran.len(), ids.len()), (jobs.len(), jobs.len()));
    for order in 0..5 {
        let of_order =
            |id: &JobId| job_of_a_storm(id.uuid().as_u128()).order == Some(Order([order; 16]));
        let mut ended = 0;
        for (id, began, end) in ran.iter().filter(|(id, ..)| of_order(id)) {
            assert!(*began >= ended, "{id} began while another of its order ran");
            ended = *end;
        }
    }
    let counts = stores[0].counts().await.unwrap();
    assert_eq!(counts, Counts::default());
}

/// Every third job has an order of the five there are.
fn job_of_a_storm(number: u128) -> NewJob {
    let order = u8::try_from(number % 15).unwrap();
    NewJob {
        id: JobId::from_uuid(uuid::Uuid::from_u128(number)),
        installation: id(number % 15),
        kind: JobKind::Event,
        name: "avi:confluence:updated:page".into(),
        digest: [0; 32],
        unless_within: None,
        coalesces: false,
        remember_for: Duration::from_hours(1),
        order: (order < 5).then_some(Order([order; 16])),
        payload: "{}".into(),
        trace: TraceId::random(),
        app_token: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_that_comes_to_both_replicas_at_once_is_one_job() {
    let bench = Bench::real_time().await;
    let stores = [bench.open().await, bench.open().await];
    for round in 0..20_u8 {
        let ticks: Vec<_> = (0..8_u128)
            .map(|n| {
                [NewJob {
                    id: JobId::from_uuid(uuid::Uuid::from_u128(n + 1000 * u128::from(round))),
                    digest: [round; 32],
                    unless_within: Some(Duration::from_mins(4)),
                    coalesces: true,
                    order: Some(Order([round; 16])),
                    ..job_of_a_storm(14)
                }]
            })
            .collect();
        let adding = ticks
            .iter()
            .enumerate()
            .map(|(n, tick)| stores[n % 2].add(tick));
        let added = futures_util::future::join_all(adding).await;
        let added: Vec<_> = added.into_iter().map(|it| it.unwrap()[0]).collect();
        assert_eq!(added.iter().filter(|it| !it.duplicate).count(), 1);
        assert!(added.iter().all(|it| it.id == added[0].id), "{added:?}");
    }
}

#[tokio::test]
async fn a_run_whose_replica_died_goes_to_the_other_and_cannot_be_settled_by_the_first() {
    let bench = Bench::new().await;
    let (dead, alive) = (bench.open().await, bench.open().await);
    dead.add(&[job_of_a_storm(14)]).await.unwrap();
    let claim = |owner| Claim {
        owner,
        most: 1,
        lease: Duration::from_secs(10),
        after: None,
        each: usize::MAX,
        except: Vec::new(),
    };
    let (first, second) = (Owner::random(), Owner::random());
    let turn = dead.turn(&[], Some(&claim(first))).await.unwrap();
    let lost = turn.claimed[0].run;
    assert!(
        alive
            .turn(&[], Some(&claim(second)))
            .await
            .unwrap()
            .claimed
            .is_empty()
    );
    bench.clock.advance(Duration::from_secs(10));
    assert_eq!(alive.sweep(3).await.unwrap().lapsed[0].run, lost);
    let turn = alive.turn(&[], Some(&claim(second))).await.unwrap();
    assert_eq!(turn.claimed[0].run.attempt, 2);
    let late = Settled {
        owner: first,
        run: lost,
        how: Ending::Done,
    };
    assert_eq!(dead.turn(&[late], None).await.unwrap().lost, [lost]);
    assert_eq!(
        dead.renew(first, &[lost], Duration::from_secs(10))
            .await
            .unwrap(),
        [lost]
    );
    assert_eq!(alive.counts().await.unwrap().running, 1);
}
