use super::*;

const SLOW: Fault = Fault::ProductSlow(Duration::from_millis(5));

fn any(_: &Fault) -> bool {
    true
}

#[test]
fn a_fault_strikes_as_often_as_it_is_asked_to() {
    let faults = Faults::default();
    faults.switch_on(SLOW, Times::Next(2)).unwrap();
    assert_eq!(faults.take(any), Some(SLOW));
    assert_eq!(faults.all(), [(SLOW, Times::Next(1))]);
    assert_eq!(faults.take(|fault| *fault == Fault::GatewayDown), None);
    assert_eq!(faults.take(any), Some(SLOW));
    assert_eq!(faults.take(any), None);
    faults.switch_on(Fault::GatewayDown, Times::Always).unwrap();
    for _ in 0..5 {
        assert_eq!(faults.take(any), Some(Fault::GatewayDown));
    }
    faults.switch_off(any);
    assert_eq!(faults.take(any), None);
}

#[test]
fn one_of_each_kind_is_on_and_the_last_one_counts() {
    let faults = Faults::default();
    let slower = Fault::ProductSlow(Duration::from_secs(1));
    faults.switch_on(SLOW, Times::Always).unwrap();
    faults.switch_on(Fault::FitExpired, Times::Next(1)).unwrap();
    faults.switch_on(slower, Times::Next(3)).unwrap();
    let on = [
        (slower, Times::Next(3)),
        (Fault::FitExpired, Times::Next(1)),
    ];
    assert_eq!(faults.all(), on);
}

#[test]
fn everything_about_a_fault_has_a_bound() {
    let faults = Faults::default();
    let on = |fault, times| faults.switch_on(fault, times).unwrap_err();
    let minute = Duration::from_mins(1);
    let longer = minute + Duration::from_millis(1);
    for slow in [Fault::ProductSlow(longer), Fault::StorageSlow(longer)] {
        assert_eq!(on(slow, Times::Always), FaultError::TooSlow);
    }
    let wait = Fault::ProductRateLimited(Duration::from_secs(3601));
    assert_eq!(on(wait, Times::Always), FaultError::RetryAfter);
    let status = Fault::ProductFails(StatusCode::NOT_FOUND);
    assert_eq!(on(status, Times::Always), FaultError::Status);
    for times in [0, 1001, u32::MAX] {
        let never = on(Fault::GatewayDown, Times::Next(times));
        assert_eq!(never, FaultError::Times);
    }
    assert!(faults.all().is_empty());
    let slowest = Fault::ProductSlow(minute);
    faults.switch_on(slowest, Times::Next(1000)).unwrap();
}
