use super::*;

impl Bench {
    async fn claimed_after(&self, most: usize, after: u128) -> Vec<u128> {
        let claim = self.claim_of(most, Some(after));
        let turn = self.try_turn(&[], Some(claim)).await.unwrap();
        turn.claimed.iter().map(|it| number(it.run.job)).collect()
    }
}

pub(in crate::store) async fn jobs_are_claimed_in_the_order_they_came(bench: Bench) {
    for number in [3, 1, 2] {
        bench.add(&[job(number, 1)]).await;
    }
    assert_eq!(bench.claimed(2).await, [3, 1]);
    assert_eq!(bench.claimed(2).await, [2]);
}

pub(in crate::store) async fn a_claimed_job_is_not_claimed_again(bench: Bench) {
    bench.add(&[job(1, 1), job(2, 2)]).await;
    assert_eq!(bench.claimed(9).await, [1, 2]);
    assert_eq!(bench.claimed(9).await, []);
    assert_eq!(bench.state(1).await, Some(JobState::Running));
    let other = Claim {
        owner: Owner::random(),
        ..bench.claim_of(9, None)
    };
    let turn = bench.try_turn(&[], Some(other)).await.unwrap();
    assert!(turn.claimed.is_empty());
}

pub(in crate::store) async fn installations_take_turns(bench: Bench) {
    let of = |installation, numbers: [u128; 3]| numbers.map(|number| job(number, installation));
    bench.add(&of(1, [10, 11, 12])).await;
    bench.add(&of(2, [20, 21, 22])).await;
    bench.add(&of(3, [30, 31, 32])[..1]).await;
    assert_eq!(bench.claimed(6).await, [10, 20, 30, 11, 21, 12]);
    assert_eq!(bench.claimed(6).await, [22]);
}

pub(in crate::store) async fn the_turn_goes_on_after_the_cursor_and_wraps(bench: Bench) {
    for installation in [1, 2, 3] {
        let base = installation * 10;
        bench
            .add(&[job(base, installation), job(base + 1, installation)])
            .await;
    }
    assert_eq!(bench.claimed_after(2, 2).await, [30, 10]);
    // The one that was served last comes last, and does not come twice.
    assert_eq!(bench.claimed_after(9, 1).await, [20, 31, 11, 21]);
    bench.add(&[job(12, 1)]).await;
    assert_eq!(bench.claimed_after(9, 99).await, [12]);
}

pub(in crate::store) async fn a_noisy_installation_does_not_starve_the_others(bench: Bench) {
    let noise: Vec<_> = (1000..1300).map(|number| job(number, 1)).collect();
    bench.add(&noise[..150]).await;
    bench.add(&noise[150..]).await;
    bench.add(&[job(1, 2), job(2, 3)]).await;
    assert_eq!(bench.claimed(4).await, [1000, 1, 2, 1001]);
}

pub(in crate::store) async fn no_installation_gets_more_than_its_share(bench: Bench) {
    let noise: Vec<_> = (1000..1050).map(|number| job(number, 1)).collect();
    bench.add(&noise).await;
    bench.add(&[job(1, 2), job(2, 2)]).await;
    let claimed = async |most, each, except: &[u128]| {
        let claim = Claim {
            each,
            except: except.iter().copied().map(id).collect(),
            ..bench.claim_of(most, None)
        };
        let turn = bench.try_turn(&[], Some(claim)).await.unwrap();
        let numbers = turn.claimed.iter().map(|it| number(it.run.job));
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(claimed(8, 3, &[2]).await, [1000, 1001, 1002]);
    assert_eq!(claimed(2, 9, &[1]).await, [1, 2]);
    assert_eq!(claimed(9, 9, &[1, 2]).await, []);
    bench.add(&[job(3, 2)]).await;
    assert_eq!(claimed(8, 2, &[]).await, [1003, 3, 1004]);
}

pub(in crate::store) async fn no_claim_gives_more_than_256(bench: Bench) {
    let many: Vec<_> = (0..300).map(|number| job(number, number % 7)).collect();
    bench.add(&many[..200]).await;
    bench.add(&many[200..]).await;
    assert_eq!(bench.claim(1000).await.len(), 256);
    assert_eq!(bench.claim(1000).await.len(), 44);
}

pub(in crate::store) async fn nothing_is_claimed_where_nothing_is_wanted(bench: Bench) {
    bench.add(&[job(1, 1)]).await;
    assert_eq!(bench.claimed(0).await, []);
    let turn = bench.try_turn(&[], None).await.unwrap();
    assert!(turn.claimed.is_empty() && turn.lost.is_empty());
    assert_eq!(bench.claimed(1).await, [1]);
}
