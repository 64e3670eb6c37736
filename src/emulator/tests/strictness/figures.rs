//! The platform's figures, as the emulator has them where nobody says otherwise.

use std::time::Duration;

use super::*;

#[test]
fn what_is_played_by_default_are_the_platforms_own_figures() {
    let settings = Settings::new("manifest.yml", "http://127.0.0.1:8080".parse().unwrap());
    let Settings {
        invocation_limit,
        event_limit,
        uninstall_limit,
        fit_lifetime,
        token_lifetime,
        invocations_per_minute,
        exchanges_per_minute,
        storage_requests_per_second,
        speed,
        wrapped_events,
        schedules_retried,
        ..
    } = settings;
    assert_eq!(invocation_limit, Duration::from_secs(25));
    assert_eq!(event_limit, Duration::from_secs(5));
    assert_eq!(uninstall_limit, Duration::from_secs(55));
    assert_eq!(fit_lifetime, Duration::from_secs(25));
    assert_eq!(token_lifetime, Duration::from_hours(4));
    assert_eq!(invocations_per_minute, 1_200);
    assert_eq!(exchanges_per_minute, 10_000);
    assert_eq!(storage_requests_per_second, 1_000);
    assert!((speed - 1.0).abs() < f64::EPSILON);
    assert!(!wrapped_events && schedules_retried);
}
