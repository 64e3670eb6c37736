//! What holds of the tries of any request.

use proptest::{prelude::*, sample::select};

use super::*;

fn trouble() -> impl Strategy<Value = (Reason, Option<Duration>)> {
    let reasons = vec![Reason::RateLimited, Reason::Unavailable, Reason::Transport];
    let asked = prop_oneof![
        Just(None),
        (0_u64..20_000).prop_map(|ms| Some(Duration::from_millis(ms))),
        any::<Duration>().prop_map(Some),
    ];
    (select(reasons), asked)
}

proptest! {
    #[test]
    fn tries_and_waits_are_bounded(
        idempotent: bool,
        first_ms in 1_u64..1000,
        left_ms in 0_u64..60_000,
        troubles in prop::collection::vec(trouble(), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let left = Duration::from_millis(left_ms);
        let deadline = Deadline::after(left);
        let first = Duration::from_millis(first_ms);
        let mut repeats = Repeats::new(idempotent, first);
        let mut again = 0;
        for (at, (reason, asked)) in (0_u32..).zip(troubles) {
            let step = repeats.after(reason, asked, deadline);
            if let Some(asked) = asked {
                prop_assert_eq!(step.wait, asked);
            } else {
                // Doubled each time, and up to as much again; never without an end.
                let end = Duration::from_mins(1);
                let most = end.min(first.saturating_mul(2_u32 << at.min(30)));
                prop_assert!(step.wait >= first);
                prop_assert!(step.wait <= most * 2, "{:?} at try {}", step.wait, at);
            }
            if step.again {
                again += 1;
                prop_assert!(idempotent || reason == Reason::RateLimited);
                prop_assert!(step.wait <= LONGEST_WAIT);
                prop_assert!(step.wait + LEAST_TRY < left);
            }
        }
        prop_assert!(again < TRIES);
    }
}
