//! What every database must do when one key takes the place of another.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    fixtures::{Logs, bare, id, record, token, token_of},
    jobs::{LEASE, job},
};
use crate::{
    secret::Secret,
    store::{
        Store,
        jobs::{Claim, Ending, Jobs, Owner, Settled},
        keys::{Cursor, InFull, Replacement, Sealed, SealedKind, SealedRows, Survey, Walk},
        seal::Sealer,
    },
};

/// More than fits into two batches.
const MANY: u128 = 600;

pub(in crate::store) trait Everything: Store + Jobs + Sealed + SealedRows {}
impl<Any: Store + Jobs + Sealed + SealedRows> Everything for Any {}

/// Runs the suite on `bench()`, opened by `open(&bench, sealer)` and changed by `run(&store, sql)`.
macro_rules! suite {
    () => {
        $crate::store::tests::keys::suite! {
            everything_gets_under_the_new_key
            what_is_known_and_what_is_not
            what_changed_meanwhile_stays
            a_damaged_value_is_counted_and_left_alone
            a_job_wakes_for_a_token_of_a_key_that_only_opens
            a_token_that_is_sealed_anew_meanwhile_is_forgotten_all_the_same
            what_is_kept_up_says_what_cannot_be_read
        }
    };
    ($($test:ident)+) => {
        $(#[tokio::test]
        async fn $test() {
            let bench = bench().await;
            let open = async |sealer| Arc::new(open(&bench, sealer).await);
            let run = async |store: &_, sql: &str| run(store, sql).await;
            $crate::store::tests::keys::$test(open, run).await;
        })+
    };
}
pub(in crate::store) use suite;

pub(in crate::store) fn key(byte: u8) -> Secret {
    Secret::new(STANDARD.encode([byte; 32]))
}

fn sealer(byte: u8) -> Sealer {
    Sealer::with_key(&key(byte)).unwrap()
}

/// Seals with one key and knows the other.
fn sealers(seals: u8, knows: u8) -> Sealer {
    sealer(seals).knowing(&[key(knows)]).unwrap()
}

pub(in crate::store) async fn walk(store: &impl Sealed, walk: Walk) -> Survey {
    let mut survey = Survey::default();
    let mut cursor = Some(Cursor::START);
    while let Some(from) = cursor {
        let step = store.step(&from, walk).await.unwrap();
        survey.add(&step.survey);
        cursor = step.next;
    }
    survey
}

fn claim() -> Claim {
    Claim {
        owner: Owner::random(),
        most: 256,
        lease: LEASE,
        after: None,
        each: usize::MAX,
        except: Vec::new(),
    }
}

async fn fill<S: Everything>(store: &S) {
    let records: Vec<_> = (1..=MANY)
        .map(|number| record(bare(number), Some(token(&format!("t0ken-{number}"), 60))))
        .collect();
    store.save(&records).await.unwrap();
    for batch in (1..=MANY).collect::<Vec<_>>().chunks(256) {
        let jobs = batch.iter().map(|number| {
            let mut job = job(*number, *number);
            // Every other one came without.
            job.app_token = (number % 2 == 0).then(|| token(&format!("t0ken-of-{number}"), 60));
            job
        });
        store.add(&jobs.collect::<Vec<_>>()).await.unwrap();
    }
}

pub(in crate::store) async fn everything_gets_under_the_new_key<S: Everything>(
    open: impl AsyncFn(Sealer) -> Arc<S>,
    _run: impl AsyncFn(&S, &str),
) {
    fill(&*open(sealer(1)).await).await;
    // What replicas do that learn of the new key, and go on with the old one.
    let first = open(sealers(1, 2)).await;
    let survey = walk(&*first, Walk::Reseal).await;
    assert_eq!((survey.left(&first.key_ring()), survey.total()), (0, 900));
    assert!(survey.resealed.is_empty());

    let second = open(sealers(2, 1)).await;
    let ring = second.key_ring();
    let loaded = second.load(id(7)).await.unwrap().unwrap();
    assert_eq!(token_of(&loaded), Some("t0ken-7"));
    assert_eq!(walk(&*second, Walk::Count).await.left(&ring), 900);
    // Nobody minds where it is interrupted.
    let begun = second.step(&Cursor::START, Walk::Reseal).await.unwrap();
    assert_eq!(begun.survey.resealed[&SealedKind::AppToken], 256);
    let survey = walk(&*second, Walk::Reseal).await;
    assert_eq!(survey.resealed[&SealedKind::AppToken], 344);
    assert_eq!(survey.resealed[&SealedKind::JobToken], 300);
    assert_eq!((survey.left(&ring), survey.missed), (0, 0));
    assert_eq!(survey.of_key(SealedKind::AppToken, ring.primary), 600);
    let survey = walk(&*second, Walk::Reseal).await;
    assert!(survey.resealed.is_empty());
    // The others read it while they still seal with the old key.
    let loaded = first.load(id(7)).await.unwrap().unwrap();
    assert_eq!(token_of(&loaded), Some("t0ken-7"));

    let third = open(sealer(2)).await;
    let survey = walk(&*third, Walk::Open).await;
    assert!(survey.damaged.is_empty());
    assert_eq!(
        (survey.of_unknown_keys(&third.key_ring()), survey.total()),
        (0, 900)
    );
    for number in 1..=MANY {
        let loaded = third.load(id(number)).await.unwrap().unwrap();
        assert_eq!(token_of(&loaded), Some(&*format!("t0ken-{number}")));
    }
    let mut with_token = 0;
    while let claimed = third.turn(&[], Some(&claim())).await.unwrap().claimed
        && !claimed.is_empty()
    {
        for job in claimed {
            let number = job.run.job.uuid().as_u128();
            let token = job
                .app_token
                .map(|token| token.secret().expose().to_owned());
            let expected = (number % 2 == 0).then(|| format!("t0ken-of-{number}"));
            assert_eq!(token, expected);
            with_token += usize::from(expected.is_some());
        }
    }
    assert_eq!(with_token, 300);
}

pub(in crate::store) async fn what_is_known_and_what_is_not<S: Everything>(
    open: impl AsyncFn(Sealer) -> Arc<S>,
    _run: impl AsyncFn(&S, &str),
) {
    let old = open(sealer(1)).await;
    let records = [record(bare(1), Some(token("t0ken", 60)))];
    old.save(&records).await.unwrap();
    // The key is lost: nothing of it is touched.
    let other = open(sealers(2, 3)).await;
    let survey = walk(&*other, Walk::Reseal).await;
    assert_eq!(survey.of_unknown_keys(&other.key_ring()), 1);
    assert_eq!(survey.left(&other.key_ring()), 0);
    assert!(survey.resealed.is_empty());
    let key = old.key_ring().primary;
    assert_eq!(survey.of_key(SealedKind::AppToken, key), 1);
    // It is found again.
    let found = old.load(id(1)).await.unwrap().unwrap();
    assert_eq!(token_of(&found), Some("t0ken"));
}

pub(in crate::store) async fn what_changed_meanwhile_stays<S: Everything>(
    open: impl AsyncFn(Sealer) -> Arc<S>,
    _run: impl AsyncFn(&S, &str),
) {
    let old = open(sealer(1)).await;
    let save = async |text, minutes| {
        let records = [record(bare(1), Some(token(text, minutes)))];
        old.save(&records).await.unwrap();
    };
    save("t0ken", 60).await;
    let both = open(sealers(2, 1)).await;
    let page = both.page(SealedKind::AppToken, None, InFull::NotOfPrimary);
    let row = page.await.unwrap().pop().unwrap();
    save("t0ken-that-is-newer", 61).await;
    let replacement = Replacement {
        at: row.at,
        old: row.sealed.unwrap(),
        new: vec![1; 40],
    };
    let replaced = both.replace(SealedKind::AppToken, &[replacement]).await;
    assert_eq!(replaced.unwrap(), 0);
    let found = both.load(id(1)).await.unwrap().unwrap();
    assert_eq!(token_of(&found), Some("t0ken-that-is-newer"));
}

pub(in crate::store) async fn a_damaged_value_is_counted_and_left_alone<S: Everything>(
    open: impl AsyncFn(Sealer) -> Arc<S>,
    run: impl AsyncFn(&S, &str),
) {
    let old = open(sealer(1)).await;
    let records = [1, 2, 3].map(|number| record(bare(number), Some(token("t0ken", 60))));
    old.save(&records).await.unwrap();
    // One is in the row of another, and one is nothing.
    let one = id(1).uuid();
    let (two, three) = (id(2).uuid(), id(3).uuid());
    run(
        &old,
        &format!(
            "UPDATE app_tokens SET sealed = (SELECT sealed FROM app_tokens \
             WHERE installation_id = '{one}') WHERE installation_id = '{two}'; \
             UPDATE app_tokens SET sealed = substr(sealed, 2) WHERE installation_id = '{three}'"
        ),
    )
    .await;
    let both = open(sealers(2, 1)).await;
    for _ in 0..2 {
        let survey = walk(&*both, Walk::Reseal).await;
        assert_eq!(survey.damaged[&SealedKind::AppToken], 2);
        assert_eq!(survey.left(&both.key_ring()), 0);
    }
    let found = both.load(id(1)).await.unwrap().unwrap();
    assert_eq!(token_of(&found), Some("t0ken"));
    assert_eq!(token_of(&both.load(id(2)).await.unwrap().unwrap()), None);
}

pub(in crate::store) async fn a_job_wakes_for_a_token_of_a_key_that_only_opens<S: Everything>(
    open: impl AsyncFn(Sealer) -> Arc<S>,
    _run: impl AsyncFn(&S, &str),
) {
    let old = open(sealer(1)).await;
    let records = [record(bare(1), Some(token("t0ken", 60)))];
    old.save(&records).await.unwrap();
    old.add(&[job(1, 1)]).await.unwrap();
    let claim = claim();
    let run = old.turn(&[], Some(&claim)).await.unwrap().claimed[0].run;
    let error = "x".to_owned();
    let settled = Settled {
        owner: claim.owner,
        run,
        how: Ending::AwaitsToken { error },
    };
    old.turn(&[settled], None).await.unwrap();
    assert_eq!(open(sealers(2, 3)).await.sweep(3).await.unwrap().woken, 0);
    assert_eq!(open(sealers(2, 1)).await.sweep(3).await.unwrap().woken, 1);
}

pub(in crate::store) async fn a_token_that_is_sealed_anew_meanwhile_is_forgotten_all_the_same<
    S: Everything,
>(
    open: impl AsyncFn(Sealer) -> Arc<S>,
    _run: impl AsyncFn(&S, &str),
) {
    let (one, other) = (open(sealers(1, 2)).await, open(sealers(2, 1)).await);
    let held = token("t0ken", 60);
    for _ in 0..25 {
        one.save(&[record(bare(1), Some(held.clone()))])
            .await
            .unwrap();
        // Each seals anew what the other has sealed.
        let to_and_fro = async {
            loop {
                walk(&*other, Walk::Reseal).await;
                walk(&*one, Walk::Reseal).await;
            }
        };
        let forgetting = async {
            tokio::time::sleep(Duration::from_millis(2)).await;
            one.forget_app_token(id(1), &held).await.unwrap();
        };
        tokio::select! {
            () = to_and_fro => {}
            () = forgetting => {}
        }
        let found = other.load(id(1)).await.unwrap().unwrap();
        assert_eq!(token_of(&found), None);
    }
}

pub(in crate::store) async fn what_is_kept_up_says_what_cannot_be_read<S: Everything>(
    open: impl AsyncFn(Sealer) -> Arc<S>,
    _run: impl AsyncFn(&S, &str),
) {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let logs = Logs::capture();
    let (one, two) = (open(sealer(1)).await, open(sealer(2)).await);
    let saved = [(&one, 1), (&two, 2)].map(|(store, number)| {
        let records = [record(bare(number), Some(token("t0ken", 60)))];
        async move { store.save(&records).await.unwrap() }
    });
    futures_util::future::join_all(saved).await;
    let keeper = open(sealers(3, 1)).await;
    let seen = async {
        while logs.count("INFO", "sealed anew") == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        _ = crate::store::keep_under_one_key(keeper) => {}
        seen = tokio::time::timeout(Duration::from_secs(20), seen) => seen.unwrap(),
    }
    assert_eq!(
        logs.count("ERROR", "values.unreadable=1"),
        1,
        "{}",
        logs.text()
    );
    let strange = two.key_ring().primary.to_string();
    assert_eq!(logs.count("ERROR", &strange), 1, "{}", logs.text());
    let text = metrics.render();
    for line in [
        "forge_sealed_values{kind=\"app_token\",key=\"primary\"} 1",
        "forge_sealed_values{kind=\"app_token\",key=\"additional\"} 0",
        "forge_sealed_values{kind=\"app_token\",key=\"unknown\"} 1",
        "forge_resealed_total{kind=\"app_token\"} 1",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let reader = open(sealer(3)).await;
    assert!(
        reader
            .load(id(2))
            .await
            .unwrap()
            .unwrap()
            .app_token
            .is_none()
    );
    let line = "forge_unseal_failures_total{kind=\"app_token\",cause=\"unknown_key\"} 1";
    let text = metrics.render();
    assert!(text.contains(line), "{text}");
}
