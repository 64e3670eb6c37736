use uuid::Uuid;

use super::{refusals::LINE_PAUSE, *};
use crate::captured_log::Logs;

fn room(most: usize) -> Room {
    Room::new(most, Refusals::of_lane("test"))
}

fn installation(number: u128) -> InstallationId {
    Uuid::from_u128(number).into()
}

/// Takes a place for that installation, if it gets one.
fn of(room: &Room, number: u128) -> Option<Place> {
    let place = room.enter().ok()?;
    place.claim(&installation(number)).is_ok().then_some(place)
}

fn taken(room: &Room) -> usize {
    room.0.taken.load(Relaxed)
}

#[test]
fn a_place_is_given_back_with_its_last_clone() {
    let room = room(1);
    let place = room.enter().unwrap();
    let beside = place.clone();
    drop(place);
    assert_eq!(room.enter().unwrap_err(), Full);
    drop(beside);
    assert!(room.enter().is_ok());
    assert_eq!(taken(&room), 0);
}

#[test]
fn an_installation_that_is_alone_leaves_a_quarter_for_others() {
    let room = room(100);
    let held: Vec<_> = (0..200).map_while(|_| of(&room, 1)).collect();
    assert_eq!(held.len(), 75);
    let others: Vec<_> = (2..30).map_while(|other| of(&room, other)).collect();
    assert_eq!(others.len(), 25, "up to the last place");
    assert!(room.enter().is_err());
}

#[test]
fn whoever_holds_more_than_an_equal_part_is_refused_first() {
    let room = room(100);
    let mut first: Vec<_> = (0..70).map_while(|_| of(&room, 1)).collect();
    let second: Vec<_> = (0..6).map_while(|_| of(&room, 2)).collect();
    assert_eq!((first.len(), second.len()), (70, 6));
    assert!(
        of(&room, 1).is_none(),
        "it has 70 of 100, and there are two"
    );
    assert!(of(&room, 2).is_some());
    // Once there is room again nobody is refused.
    first.truncate(60);
    assert!(of(&room, 1).is_some());
}

#[test]
fn a_refused_claim_leaves_no_trace() {
    let room = room(100);
    let held: Vec<_> = (0..75).map_while(|_| of(&room, 1)).collect();
    for _ in 0..1000 {
        assert!(of(&room, 1).is_none());
    }
    assert_eq!(taken(&room), 75);
    drop(held);
    assert_eq!(taken(&room), 0);
    assert_eq!(room.0.shares.at_work(), 0);
}

#[test]
fn few_places_are_nobodys_unfair_share() {
    let room = room(100);
    let many: Vec<_> = (0..60).map_while(|other| of(&room, other)).collect();
    let few: Vec<_> = (0..15).map_while(|_| of(&room, 77)).collect();
    assert_eq!(many.len() + few.len(), 75);
    let more: Vec<_> = (0..LEAST_SHARE).map_while(|_| of(&room, 88)).collect();
    assert_eq!(more.len(), LEAST_SHARE, "an equal part would be one or two");
    assert!(of(&room, 88).is_none());
}

#[test]
fn a_small_room_is_used_to_the_last_place() {
    for most in 1..4 {
        let room = room(most);
        let held: Vec<_> = (0..10).map_while(|_| of(&room, 1)).collect();
        assert_eq!(held.len(), most);
    }
}

#[test]
fn under_pressure_shares_are_of_what_is_at_work() {
    let room = room(1000);
    let busy: Vec<_> = (0..40).map_while(|_| of(&room, 1)).collect();
    let _other = of(&room, 2).unwrap();
    assert!(of(&room, 1).is_some());
    room.press(true);
    assert!(
        of(&room, 1).is_none(),
        "41 are at work, of two installations"
    );
    assert!(of(&room, 2).is_some());
    room.press(false);
    assert!(of(&room, 1).is_some());
    drop(busy);
}

#[test]
fn counts_are_right_again_after_many_threads() {
    let room = room(64);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let room = &room;
            scope.spawn(move || {
                for round in 0..2000_u128 {
                    let _held = of(room, round % 7 + thread);
                }
            });
        }
    });
    assert_eq!(taken(&room), 0);
    assert_eq!(room.0.shares.at_work(), 0);
    assert!(of(&room, 1).is_some());
}

#[tokio::test(start_paused = true)]
async fn the_log_speaks_once_a_second_and_says_how_many() {
    let logs = Logs::capture();
    let refusals = Refusals::of_lane("test");
    for _ in 0..500 {
        refusals.count(Reason::Full);
    }
    assert_eq!(logs.count("WARN", "requests=1"), 1, "{}", logs.text());
    tokio::time::advance(LINE_PAUSE).await;
    refusals.count(Reason::Full);
    assert_eq!(logs.count("WARN", "requests=500"), 1, "{}", logs.text());
    assert_eq!(logs.count("WARN", "turned away"), 2);
}
