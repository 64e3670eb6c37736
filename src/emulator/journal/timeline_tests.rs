use super::{
    delivery_tests, tests,
    timeline::{Filter, Kind, Outcome, Row},
    *,
};
use crate::trace::TraceId;

fn rows(journal: &Journal, filter: &Filter) -> Vec<Row> {
    journal.slice(filter, 100).rows
}

fn kinds(rows: &[Row]) -> Vec<Kind> {
    rows.iter().map(|row| row.kind).collect()
}

/// An invocation, a tick, an event of the app's life, and a call of its own, in that order.
fn written() -> Journal {
    let journal = Journal::default();
    let trace = TraceId::random();
    let mut invocation = tests::invocation(&trace);
    invocation.claims = serde_json::json!({"app": {"installationId": "one"}});
    let id = journal.begin(invocation, Vec::new());
    journal.open(delivery_tests::delivery()).unwrap();
    let mut installed = delivery_tests::delivery();
    installed.occasion = Occasion::Event("avi:forge:installed:app".into());
    installed.module_key = "life".into();
    journal.open(installed).unwrap();
    let by = |trace_id| Belonging {
        trace_id,
        token_id: None,
    };
    journal.record(tests::call("/alone"), Instant::now(), by(None));
    journal.record(
        tests::call("/within"),
        Instant::now(),
        by(Some(trace.as_str())),
    );
    journal.finish(id, |invocation| {
        invocation.settlement = Settlement::Resolved { status: 404 };
    });
    journal
}

#[tokio::test]
async fn all_kinds_stand_in_one_order_with_the_newest_first() {
    let all = rows(&written(), &Filter::default());
    let expected = [Kind::Call, Kind::Lifecycle, Kind::Tick, Kind::Invocation];
    assert_eq!(kinds(&all), expected);
    assert_eq!(all[0].what, "GET /alone");
    assert_eq!((all[3].calls, all[3].word.as_str()), (1, "404"));
    assert_eq!(all[3].user.as_deref(), Some("Mira"));
}

#[tokio::test]
async fn each_filter_leaves_what_it_names() {
    let journal = written();
    let none = Filter::default;
    for (filter, left) in [
        (
            Filter {
                kinds: vec![Kind::Tick, Kind::Call],
                ..none()
            },
            vec![Kind::Call, Kind::Tick],
        ),
        (
            Filter {
                installation: Some("one".into()),
                ..none()
            },
            vec![Kind::Invocation],
        ),
        (
            Filter {
                module: Some("life".into()),
                ..none()
            },
            vec![Kind::Lifecycle],
        ),
        (
            Filter {
                outcome: Some(Outcome::Error),
                ..none()
            },
            vec![Kind::Invocation],
        ),
        (
            Filter {
                outcome: Some(Outcome::Pending),
                ..none()
            },
            vec![Kind::Lifecycle, Kind::Tick],
        ),
        (
            Filter {
                broken: true,
                ..none()
            },
            vec![],
        ),
    ] {
        assert_eq!(kinds(&rows(&journal, &filter)), left, "{filter:?}");
    }
}

#[tokio::test]
async fn a_slice_says_where_the_next_one_begins() {
    let journal = written();
    let first = journal.slice(&Filter::default(), 3);
    assert_eq!((first.rows.len(), first.total, first.more), (3, 4, true));
    let before = Some(first.rows[2].order);
    let rest = Filter {
        before,
        ..Filter::default()
    };
    let rest = journal.slice(&rest, 3);
    assert_eq!(kinds(&rest.rows), [Kind::Invocation]);
    assert_eq!((rest.matching, rest.more), (4, false));
}

#[tokio::test]
async fn calls_of_somebody_elses_trace_belong_to_nothing() {
    let journal = Journal::default();
    let foreign = TraceId::random();
    let own = journal.begin(tests::invocation(&TraceId::random()), vec!["app".into()]);
    journal.keep_apart(foreign.clone());
    let belongs = Belonging {
        trace_id: Some(foreign.as_str()),
        token_id: Some("app"),
    };
    journal.record(tests::call("/curl"), Instant::now(), belongs);
    assert!(journal.get(own).unwrap().calls.is_empty());
    assert_eq!(journal.stray(1).unwrap().path, "/curl");
    for _ in 0..MAX_FOREIGN {
        journal.keep_apart(TraceId::random());
    }
    assert_eq!(journal.pages().foreign.len(), MAX_FOREIGN);
}

#[tokio::test]
async fn a_change_is_counted_where_it_was_made() {
    let journal = written();
    let (before, of_it) = (journal.version(), journal.last_change(1));
    journal.attempted(1, DeliveryState::Delivered, |_| {});
    assert_eq!(journal.version(), before + 1);
    assert_eq!(journal.last_change(1), of_it);
    assert_eq!(journal.last_change_of_delivery(1), Some(before + 1));
    assert_eq!(journal.last_change_of_delivery(7), None);
    assert_eq!(journal.version(), before + 1, "a look is no change");
}
