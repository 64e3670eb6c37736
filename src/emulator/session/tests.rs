use super::*;
use crate::{
    clock::Timestamp,
    emulator::world::{JONAS, MIRA, TOMAS},
};

fn user(account: &str) -> SessionChange {
    SessionChange {
        user: Some(account.to_owned()),
        ..SessionChange::default()
    }
}

#[test]
fn a_change_is_made_as_a_whole_or_not_at_all() {
    let current = CurrentSession::default();
    let mut change = user(JONAS);
    change.issue = Some("QUA-0".into());
    assert_eq!(current.change(&change), Err(SessionError::UnknownIssue));
    assert_eq!(current.get().user.account_id, MIRA);
    assert_eq!(current.get().revision, 0);
    change.issue = Some("QUA-21".into());
    change.license = Some(License::Active);
    assert_eq!(current.change(&change), Ok(()));
    let session = current.get();
    assert_eq!(session.user.account_id, JONAS);
    assert_eq!((session.issue.key, session.revision), ("QUA-21", 1));
    assert_eq!(session.license, License::Active);
    assert_eq!(
        session.page.id,
        world::PAGES[0].id,
        "what is not named stays"
    );
}

#[test]
fn who_has_left_cannot_sign_in() {
    let current = CurrentSession::default();
    for account in [TOMAS, "nobody"] {
        let refused = current.change(&user(account));
        assert_eq!(refused, Err(SessionError::UnknownUser));
    }
}

#[test]
fn the_administrators_are_the_sites_unless_the_form_says_otherwise() {
    let current = CurrentSession::default();
    let session = current.get();
    assert!(session.administers(MIRA) && !session.administers(JONAS));
    let mut change = user(JONAS);
    change.administrator = Some(true);
    current.change(&change).unwrap();
    let session = current.get();
    assert!(session.administers(MIRA) && session.administers(JONAS));
    assert!(!session.administers("nobody"));
}

#[test]
fn each_state_of_the_license_is_told_apart_by_its_claim() {
    let now = Timestamp::from_unix(1_785_312_000);
    assert_eq!(License::None.claim(now), None);
    let claim = |license: License| license.claim(now).unwrap();
    let active = claim(License::Active);
    assert_eq!(
        (&active["active"], &active["isEvaluation"]),
        (&true.into(), &false.into())
    );
    assert!(active.get("trialEndDate").is_none());
    let evaluation = claim(License::Evaluation);
    assert_eq!(
        (&evaluation["active"], &evaluation["isEvaluation"]),
        (&true.into(), &true.into())
    );
    assert_eq!(evaluation["trialEndDate"], "2026-08-12T08:00:00.000Z");
    let lapsed = claim(License::Lapsed);
    assert_eq!(lapsed["active"], false);
    assert_eq!(lapsed["subscriptionEndDate"], "2026-07-26T08:00:00.000Z");
}
