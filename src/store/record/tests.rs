use proptest::prelude::*;

use super::*;
use crate::store::tests::fixtures::{NOW, bare, installation, token};

fn at(seconds: i64, installation: Installation, app_token: Option<AppToken>) -> Remembered {
    Remembered {
        installation,
        app_token,
        token_origin: TokenOrigin::Platform,
        last_seen: Timestamp::from_unix(NOW.unix() + seconds),
        first_seen: Timestamp::from_unix(NOW.unix() + seconds),
    }
}

#[test]
fn what_a_later_account_leaves_out_stays() {
    let older = at(0, installation(1), Some(token("old", 60)));
    let mut event = installation(1);
    event.site_url = None;
    let merged = at(1, event, None).over(&older);
    assert_eq!(merged.installation, installation(1));
    assert_eq!(merged.token_expiry(), older.token_expiry());
    assert!(!merged.adds_to(&older));
}

#[test]
fn everything_else_is_taken_as_it_comes() {
    let older = at(0, installation(1), None);
    let mut bare = bare(1);
    bare.site_url.clone_from(&older.installation.site_url);
    let merged = at(1, bare.clone(), None).over(&older);
    assert_eq!(merged.installation, bare);
    assert!(merged.adds_to(&older));
}

#[test]
fn a_token_gives_way_to_a_longer_lived_one_only() {
    for (new, kept) in [
        (token("new", 59), "old"),
        (token("new", 60), "old"),
        (token("new", 61), "new"),
    ] {
        let older = at(0, installation(1), Some(token("old", 60)));
        let merged = at(1, installation(1), Some(new)).over(&older);
        assert_eq!(merged.adds_to(&older), kept == "new");
        assert_eq!(merged.app_token.unwrap().secret().expose(), kept);
    }
}

#[test]
fn the_platforms_token_goes_before_a_browsers_whatever_its_expiry() {
    let from = |token_origin, minutes| Remembered {
        token_origin,
        ..at(0, installation(1), Some(token("t", minutes)))
    };
    let (platform, browser) = (TokenOrigin::Platform, TokenOrigin::Browser);
    for (new, old, kept) in [
        (from(platform, 5), from(browser, 240), platform),
        (from(browser, 240), from(platform, 5), platform),
        // One in its last minute does not live.
        (from(browser, 240), from(platform, 1), browser),
        (from(browser, 240), from(browser, 5), browser),
    ] {
        let merged = new.clone().over(&old);
        assert_eq!(merged.token_origin, kept);
        assert_eq!(merged.adds_to(&old), kept == new.token_origin);
        assert_eq!(old.beside(&new, NOW).token_origin, kept);
        assert_eq!(merged.platform_token(NOW).is_some(), kept == platform);
    }
}

#[test]
fn an_opaque_token_that_arrives_again_is_no_news_for_some_minutes() {
    let older = at(0, installation(1), Some(token("same", 60)));
    for (minutes, news) in [(60, false), (64, false), (65, true)] {
        let merged = at(1, installation(1), Some(token("same", minutes))).over(&older);
        assert_eq!(merged.adds_to(&older), news, "{minutes}");
    }
}

#[test]
fn last_seen_is_news_after_an_hour_either_way() {
    let older = at(0, installation(1), None);
    for (seconds, news) in [(3599, false), (3600, true), (-3599, false), (-3600, true)] {
        let merged = at(seconds, installation(1), None).over(&older);
        assert_eq!(merged.adds_to(&older), news, "{seconds}");
    }
}

#[test]
fn of_two_accounts_the_later_one_counts() {
    let mut upgraded = installation(1);
    upgraded.app_version = Some("5.0.0".into());
    for (known_at, version) in [(-1, "5.0.0"), (0, "4.2.0"), (1, "4.2.0")] {
        let known = at(known_at, installation(1), Some(token("known", 60)));
        let stored = at(0, upgraded.clone(), Some(token("stored", 90)));
        let both = stored.beside(&known, NOW);
        assert_eq!(both.installation.app_version.as_deref(), Some(version));
        assert_eq!(both.app_token.unwrap().secret().expose(), "stored");
    }
}

#[test]
fn of_two_first_moments_the_earlier_one_counts() {
    let (early, late) = (at(-5, installation(1), None), at(5, installation(1), None));
    let firsts = [
        late.clone().over(&early),
        late.clone().beside(&early, NOW),
        early.clone().beside(&late, NOW),
    ]
    .map(|it| it.first_seen);
    assert_eq!(firsts, [early.first_seen; 3]);
}

#[test]
fn a_lapsed_token_is_not_living() {
    let record = at(0, installation(1), Some(token("t", 2)));
    assert!(record.living_token(NOW).is_some());
    assert!(
        record
            .living_token(NOW.plus(Duration::from_mins(1)))
            .is_none()
    );
}

proptest! {
    #[test]
    fn no_order_of_arrival_shortens_the_tokens_life(minutes in prop::collection::vec(1..500_u64, 1..20)) {
        let longest = minutes.iter().max().copied().unwrap();
        let arrivals = minutes
            .iter()
            .map(|minutes| at(0, installation(1), Some(token(&format!("t{minutes}"), *minutes))));
        let last = arrivals.reduce(|older, newer| newer.over(&older)).unwrap();
        prop_assert_eq!(last.token_expiry(), token("x", longest).expires_at().into());
    }
}
