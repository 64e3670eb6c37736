//! The harness: processor time of threads, resident memory, and tables.

use std::{fs, iter, sync::Barrier, thread};

use rustix::time::{ClockId, clock_gettime};

/// Measurements of which the median is taken.
const ROUNDS: usize = 9;

/// What a thread does again and again: its number, and which time it is.
pub(crate) type Work<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// Nanoseconds of processor time that `work` takes, less those of `overhead`, which makes what
/// `work` needs and does nothing with it.
pub(crate) fn nanoseconds(
    threads: usize,
    times: usize,
    overhead: &Work<'_>,
    work: &Work<'_>,
) -> f64 {
    let mut rounds: Vec<_> = (0..ROUNDS)
        .map(|_| (each(threads, times, overhead), each(threads, times, work)))
        .map(|(overhead, work)| work - overhead)
        .collect();
    median(&mut rounds)
}

/// Nanoseconds of processor time for each of `times`, on the average of the threads.
#[expect(clippy::cast_precision_loss, reason = "no figure here has 52 bits")]
fn each(threads: usize, times: usize, work: &Work<'_>) -> f64 {
    let start = Barrier::new(threads);
    let spent: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let before = thread_time();
                    for time in 0..times {
                        work(thread, time);
                    }
                    thread_time() - before
                })
            })
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()).sum()
    });
    spent as f64 / (times * threads) as f64
}

pub(crate) fn median(rounds: &mut [f64]) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// Nanoseconds that this thread has been on a processor. The kernel's files say it too, but
/// only as of the last tick, some milliseconds ago.
pub(crate) fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().split_whitespace().next().unwrap();
    kilobytes.parse::<usize>().unwrap() * 1024
}

/// A number below `most` that looks random and is the same in each run.
pub(crate) fn shuffled(thread: usize, time: usize, most: usize) -> usize {
    let mixed = (time + thread * 0x5_1237 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 24) % most
}

pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let (first, rest) = digits.split_at(head);
    let groups = rest.as_bytes().chunks(3).map(String::from_utf8_lossy);
    iter::once(first.into())
        .filter(|it: &std::borrow::Cow<'_, str>| !it.is_empty())
        .chain(groups)
        .collect::<Vec<_>>()
        .join(",")
}

/// Rows of text under headings.
pub(crate) struct Table {
    title: &'static str,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: &'static str, headings: &[&str]) -> Self {
        Self {
            title,
            rows: vec![headings.iter().map(|&it| it.to_owned()).collect()],
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn print(&self, markdown: bool) {
        println!("{}{}\n", if markdown { "### " } else { "" }, self.title);
        let widths: Vec<_> = (0..self.rows[0].len())
            .map(|at| self.rows.iter().map(|row| row[at].len()).max().unwrap())
            .collect();
        for (number, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths);
            let cells: Vec<_> = cells.map(|(it, width)| format!("{it:>width$}")).collect();
            if markdown {
                println!("| {} |", cells.join(" | "));
                if number == 0 {
                    println!("|{}", "---:|".repeat(row.len()));
                }
            } else {
                println!("  {}", cells.join("   "));
            }
        }
        println!();
    }
}
