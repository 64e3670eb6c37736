//! What the system knows of this process, read when somebody scrapes. Names and meaning are
//! those of Prometheus's own client libraries. Where there is no `/proc` they are missing.

use std::fs;

use crate::clock::Clock;

/// Ticks of a second in `/proc/self/stat`: the same on every Linux that Rust runs on.
const TICKS: u64 = 100;

/// A bound on what counting costs; a process with more has other worries.
const MOST_FDS: usize = 100_000;

/// Notes when the process began to count, which is when it started but for milliseconds. By
/// the machine's clock: Prometheus compares it with its own.
#[expect(clippy::cast_precision_loss, reason = "seconds are exact in an f64")]
pub(super) fn begin() {
    let now = Clock::system().now().unix() as f64;
    metrics::gauge!("process_start_time_seconds").set(now);
}

/// Measures now.
#[expect(clippy::cast_precision_loss, reason = "below 2^52 bytes and files")]
pub(super) fn measure() {
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else {
        return;
    };
    if let Some(Stat {
        ticks,
        threads,
        virtual_bytes,
    }) = Stat::of(&stat)
    {
        metrics::counter!("process_cpu_seconds_total").absolute(ticks / TICKS);
        metrics::gauge!("process_threads").set(threads as f64);
        metrics::gauge!("process_virtual_memory_bytes").set(virtual_bytes as f64);
    }
    let status = fs::read_to_string("/proc/self/status");
    if let Some(kibibytes) = status.ok().as_deref().and_then(resident) {
        metrics::gauge!("process_resident_memory_bytes").set((kibibytes * 1024) as f64);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        // The folder itself is open while it is read.
        let open = files.take(MOST_FDS).count().saturating_sub(1);
        metrics::gauge!("process_open_fds").set(open as f64);
    }
    let limits = fs::read_to_string("/proc/self/limits");
    if let Some(most) = limits.ok().as_deref().and_then(most_files) {
        metrics::gauge!("process_max_fds").set(most as f64);
    }
}

struct Stat {
    ticks: u64,
    threads: u64,
    virtual_bytes: u64,
}

impl Stat {
    /// Fields 14, 15, 20 and 23 of proc(5). The second is the program's name in parentheses,
    /// and may hold anything.
    fn of(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<_> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            ticks: field(14)? + field(15)?,
            threads: field(20)?,
            virtual_bytes: field(23)?,
        })
    }
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// The soft limit. Nothing where there is none.
fn most_files(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b (c d) S 1 7 7 0 -1 4194560 10 0 0 0 130 20 0 0 20 0 9 0 1234 5678 90";
        let stat = Stat::of(stat).unwrap();
        assert_eq!(stat.ticks, 150);
        assert_eq!(stat.threads, 9);
        assert_eq!(stat.virtual_bytes, 5678);
    }

    #[test]
    fn what_is_cut_short_or_no_number_is_left_out() {
        assert!(Stat::of("7 (a) S 1").is_none());
        assert!(Stat::of("").is_none());
        assert_eq!(resident("VmRSS:\t  2048 kB\n"), Some(2048));
        assert_eq!(resident("VmSize: 1 kB\n"), None);
        let limits = "Limit Soft Hard Units\nMax open files            1024     524288   files\n";
        assert_eq!(most_files(limits), Some(1024));
        assert_eq!(most_files("Max open files unlimited unlimited files"), None);
    }

    #[test]
    fn this_process_has_all_of_it() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            begin();
            measure();
        });
        let text = handle.render();
        for name in [
            "process_start_time_seconds",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_open_fds",
            "process_threads",
        ] {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{name} ")));
            let value: f64 = line
                .unwrap_or_else(|| panic!("{name}: {text}"))
                .parse()
                .unwrap();
            assert!(value > 0.0, "{name} {value}");
        }
        assert!(text.contains("process_cpu_seconds_total"), "{text}");
    }
}
