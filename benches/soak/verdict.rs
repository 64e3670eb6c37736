//! What the soak has shown, as a table and as complaints.

use std::{collections::BTreeMap, sync::atomic::Ordering::Relaxed, time::Duration};

use forge_remote::store::jobs::JobState;

use crate::{
    faults::{self, Fault},
    load::Load,
    mix::Kind,
    samples::{Part, Samples},
    service::Service,
};

/// Memory is flat if it grows by no more than a tenth, or by this.
const SLACK_KIB: u64 = 8 * 1024;
/// Files are flat within this: connections come and go.
const SLACK_FDS: u64 = 32;
/// Medians of fewer samples are printed and not judged: the process still warms up then.
const ENOUGH: usize = 12;
/// The service looks for an unknown key that often at most. Where a fault's turn is shorter, a new
/// key may go unseen for all of it.
const BETWEEN_SEARCHES: Duration = Duration::from_secs(30);

/// Prints it all. What has to be otherwise.
pub(crate) async fn of(
    load: &Load,
    samples: &Samples,
    service: &Service,
    rate: f64,
    span: Duration,
    drained: usize,
) -> Vec<String> {
    let mut complaints = Vec::new();
    answers(load, rate, faults::turn(span), &mut complaints);
    events(load, service, drained, &mut complaints).await;
    process(samples, &mut complaints);
    let errors = service.errors();
    println!("lines of the log at level error      {:>9}", errors.len());
    for line in errors.iter().take(5) {
        println!("  {line}");
    }
    complaints
}

/// Answers by kind, while nothing was wrong and while something was.
fn answers(load: &Load, rate: f64, span_of_turn: Duration, complaints: &mut Vec<String>) {
    let counts = load.counts();
    let mut table: BTreeMap<(Kind, bool), BTreeMap<u16, u64>> = BTreeMap::new();
    for ((kind, fault, status), count) in counts.answers() {
        let row = table.entry((kind, fault.is_some())).or_default();
        *row.entry(status).or_default() += count;
        if let Some(why) = is_wrong(kind, fault, status) {
            complaints.push(format!("{count} × {}: {why} ({fault:?})", kind.name()));
        }
    }
    println!("\nanswers by status (0: none)");
    for ((kind, faulty), row) in table {
        let around = if faulty { "with a fault" } else { "all well" };
        let row: Vec<_> = row
            .iter()
            .map(|(status, count)| format!("{status}: {count}"))
            .collect();
        println!("  {:<18} {around:<13} {}", kind.name(), row.join("  "));
    }
    for ((kind, code), count) in counts.refusals() {
        println!("    {:<16} all well      {code}: {count}", kind.name());
    }
    let (all, refused) = of_new_key(load);
    println!("FITs of a new key, and refused first {all:>9} {refused:>9}");
    if span_of_turn > BETWEEN_SEARCHES && refused * 20 > all {
        complaints.push(format!("{refused} of {all} FITs of a new key were refused"));
    }
    let (well, turned) = counted_without_fault(load);
    if turned * 100 > well {
        complaints.push(format!(
            "{turned} of {well} answers were 429, 502, 503 or 504 while all was well around it"
        ));
    }
    let platform = load.platform();
    println!("load, requests a second              {rate:>9.0}");
    println!("answers                              {:>9}", counts.total());
    let late = counts.late.load(Relaxed);
    println!("sent over 100 ms after they were due {late:>9}");
    let down = counts.while_down.load(Relaxed);
    println!("unanswered while it was killed       {down:>9}");
    for (name, part) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let millis = counts.millis(part);
        println!("calls that ask nobody, {name:<5}, ms      {millis:>9.2}");
    }
    for (name, count) in [
        ("calls of products and storage", &platform.calls),
        ("exchanges", &platform.exchanges),
        ("fetches of the key set", &platform.key_fetches),
    ] {
        println!("{name:<36} {:>9}", count.load(Relaxed));
    }
}

/// Answers while nothing was wrong, and those of them that would speak of a fault. A few do:
/// what a product has asked for, such as a pause, outlives its fault.
fn counted_without_fault(load: &Load) -> (u64, u64) {
    let (mut all, mut turned) = (0, 0);
    for ((kind, fault, status), count) in load.counts().answers() {
        if fault.is_none() && kind != Kind::Bad {
            all += count;
            turned += u64::from(matches!(status, 429 | 502..=504)) * count;
        }
    }
    (all, turned)
}

/// Answers to FITs of a new key, and how many of them were refusals.
fn of_new_key(load: &Load) -> (u64, u64) {
    let (mut all, mut refused) = (0, 0);
    for ((kind, fault, status), count) in load.counts().answers() {
        if fault == Some(Fault::KeyRotation) && kind != Kind::Bad {
            all += count;
            refused += u64::from(status == 401) * count;
        }
    }
    (all, refused)
}

/// Why an answer should not have come.
fn is_wrong(kind: Kind, fault: Option<Fault>, status: u16) -> Option<&'static str> {
    match (kind, status) {
        (_, 0) => Some("no answer"),
        (_, 500) => Some("500: a bug of the service"),
        (Kind::Bad, 200..=299) => Some("a bad FIT passed"),
        (Kind::Bad, _) => None,
        // The new key has to be found first: see below.
        (_, 401) if fault != Some(Fault::KeyRotation) => Some("401: a good FIT was refused"),
        _ => None,
    }
}

/// Whether every event that was acknowledged was handled.
async fn events(load: &Load, service: &Service, drained: usize, complaints: &mut Vec<String>) {
    let acknowledged = load.acknowledged();
    let handled = |page: u64| load.platform().handled(page);
    let open: Vec<_> = acknowledged
        .iter()
        .filter(|(page, _)| handled(*page) == 0)
        .map(|(_, job)| *job)
        .collect();
    let again = acknowledged.iter().filter(|(page, _)| handled(*page) > 1);
    let mut waiting = 0;
    let mut states: BTreeMap<&str, u64> = BTreeMap::new();
    for state in service.states(&open).await {
        match state {
            None => *states.entry("not in the store").or_default() += 1,
            Some(JobState::Done) => *states.entry("done, and not handled").or_default() += 1,
            Some(JobState::Dead) => *states.entry("a dead letter").or_default() += 1,
            Some(_) => waiting += 1,
        }
    }
    println!(
        "events acknowledged                  {:>9}",
        acknowledged.len()
    );
    println!(
        "  handled                            {:>9}",
        acknowledged.len() - open.len()
    );
    println!("  of those more than once            {:>9}", again.count());
    println!("  still in the inbox                 {waiting:>9}");
    println!(
        "not acknowledged in five deliveries  {:>9}",
        load.given_up()
    );
    for (state, count) in states {
        complaints.push(format!("{count} events are lost: {state}"));
    }
    if drained > 0 && waiting > 0 {
        println!("  (they failed often, and are tried again later: nothing is lost)");
    }
}

fn process(samples: &Samples, complaints: &mut Vec<String>) {
    let Some((early, late)) = samples.early_and_late() else {
        complaints.push("too short: there are no samples to compare".to_owned());
        return;
    };
    println!(
        "\nmedians of {} samples each, of {:.0?} in all",
        early.samples,
        samples.span()
    );
    println!("                      third sixth   last sixth");
    let row = |name: &str, of: fn(&Part) -> u64| {
        println!("  {name:<18} {:>12} {:>12}", of(&early), of(&late));
    };
    row("resident, KiB", |it| it.resident_kib);
    row("fewest files", |it| it.fds);
    row("threads", |it| it.threads);
    // With its write-ahead log, which grows to 64 MiB before it is put into the file.
    row("store, KiB", |it| it.store_bytes / 1024);
    if early.samples < ENOUGH {
        println!("  (too short to judge growth: six minutes at least, after a kill as well)");
        return;
    }
    let slack = (early.resident_kib / 10).max(SLACK_KIB);
    if late.resident_kib > early.resident_kib + slack {
        complaints.push(format!("memory grows: {early:?}, {late:?}"));
    }
    if late.fds > early.fds + SLACK_FDS {
        complaints.push(format!("file descriptors grow: {early:?}, {late:?}"));
    }
    if late.threads > early.threads + 4 {
        complaints.push(format!("threads grow: {early:?}, {late:?}"));
    }
}
