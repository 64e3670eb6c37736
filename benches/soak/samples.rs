//! Memory, files and threads of the service, every five seconds.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use tokio::time::{self, sleep};

use crate::{load::Load, service::Service};

const EVERY: Duration = Duration::from_secs(5);
/// Samples between two scrapes: fifteen seconds, as in `deploy/prometheus/prometheus.yml`.
const SCRAPE: usize = 3;
/// Samples between two lines of the report.
const LINE: usize = 12;

/// One look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) at: Instant,
    pub(crate) resident_kib: u64,
    pub(crate) threads: u64,
    pub(crate) fds: u64,
    pub(crate) store_bytes: u64,
}

/// A part of the time: medians, and of files the fewest. There are hundreds more while calls
/// wait for something, and a leak is what stays when nobody waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) samples: usize,
    pub(crate) resident_kib: u64,
    pub(crate) threads: u64,
    pub(crate) fds: u64,
    pub(crate) store_bytes: u64,
}

/// All of them, of one process.
#[derive(Default)]
pub(crate) struct Samples(Mutex<Vec<Sample>>);

impl Samples {
    /// Looks now and then until `end`.
    pub(crate) async fn take_until(&self, end: time::Instant, service: &Service, load: &Load) {
        let began = Instant::now();
        let mut number = 0;
        while time::Instant::now() + EVERY <= end {
            sleep(EVERY).await;
            let sample = service.sample();
            self.0.lock().unwrap().push(sample);
            number += 1;
            if number % SCRAPE == 0 {
                service.scrape().await;
            }
            if number % LINE == 0 {
                let Sample {
                    resident_kib,
                    threads,
                    fds,
                    store_bytes,
                    ..
                } = sample;
                println!(
                    "{:>5.0?}  {:>5} MiB  {fds:>4} files  {threads:>3} threads  store {:>6} KiB  {} answers",
                    began.elapsed(),
                    resident_kib / 1024,
                    store_bytes / 1024,
                    load.counts().total()
                );
            }
        }
        time::sleep_until(end).await;
    }

    /// Another process is looked at from now on.
    pub(crate) fn begin_anew(&self) {
        self.0.lock().unwrap().clear();
    }

    /// The third sixth of the time and the last one: of half an hour minutes 10 to 15, and the
    /// last five. Linux needs eleven minutes to walk over the gigabyte of addresses that the
    /// allocator reserves and to put what is used of it into huge pages, which adds their gaps
    /// to the memory, once.
    pub(crate) fn early_and_late(&self) -> Option<(Part, Part)> {
        let samples = self.0.lock().unwrap();
        let sixth = samples.len() / 6;
        let early = Part::of(samples.get(2 * sixth..3 * sixth)?)?;
        let late = Part::of(samples.get(samples.len() - sixth..)?)?;
        Some((early, late))
    }

    /// From the first to the last.
    pub(crate) fn span(&self) -> Duration {
        let samples = self.0.lock().unwrap();
        let ends = samples.first().zip(samples.last());
        ends.map_or(Duration::ZERO, |(first, last)| last.at - first.at)
    }
}

impl Part {
    fn of(samples: &[Sample]) -> Option<Self> {
        let median = |of: fn(&Sample) -> u64| {
            let mut values: Vec<_> = samples.iter().map(of).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied()
        };
        Some(Self {
            samples: samples.len(),
            resident_kib: median(|it| it.resident_kib)?,
            threads: median(|it| it.threads)?,
            fds: samples.iter().map(|it| it.fds).min()?,
            store_bytes: median(|it| it.store_bytes)?,
        })
    }
}
