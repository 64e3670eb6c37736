//! What each metric means, in the words of `# HELP`. `docs/metrics.md` has the same names, with
//! their labels; a test holds the two and what is exported together.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Tells the recorder.
pub(super) fn describe() {
    for &(name, unit, help) in COUNTERS {
        describe_counter!(name, unit, help);
    }
    for &(name, unit, help) in GAUGES {
        describe_gauge!(name, unit, help);
    }
    for &(name, unit, help) in HISTOGRAMS {
        describe_histogram!(name, unit, help);
    }
}

type Described = (&'static str, Unit, &'static str);

const COUNTERS: &[Described] = &[
    (
        "forge_requests_total",
        Unit::Count,
        "Requests that were let in and answered, by route and by the class of the answer's status",
    ),
    (
        "forge_invocations_total",
        Unit::Count,
        "Requests whose FIT was verified, by kind, module of the manifest, and outcome",
    ),
    (
        "forge_shed_total",
        Unit::Count,
        "Requests turned away because there is too much to do, by lane and reason",
    ),
    (
        "forge_fit_verifications_total",
        Unit::Count,
        "FITs by what came of their verification: ok, reused, or the code of the failure",
    ),
    (
        "forge_jwks_refreshes_total",
        Unit::Count,
        "Fetches of a key set, by outcome",
    ),
    (
        "forge_impersonation_exchanges_total",
        Unit::Count,
        "Requests to the gateway for an account's token, by outcome",
    ),
    (
        "forge_impersonation_cache_total",
        Unit::Count,
        "Callers by whether their account's token was at hand",
    ),
    (
        "forge_product_requests_total",
        Unit::Count,
        "Calls of products, with all their tries, by product, identity and what they came to",
    ),
    (
        "forge_product_retries_total",
        Unit::Count,
        "Requests to products that were sent again, by product and reason",
    ),
    (
        "forge_inbox_accepted_total",
        Unit::Count,
        "Events and ticks written to the inbox",
    ),
    (
        "forge_inbox_duplicates_total",
        Unit::Count,
        "Events and ticks that were in the inbox already",
    ),
    (
        "forge_inbox_runs_total",
        Unit::Count,
        "Runs of handlers of events and ticks, by outcome",
    ),
    (
        "forge_inbox_dead_letters_total",
        Unit::Count,
        "Jobs that became dead letters",
    ),
    (
        "forge_events_unhandled_total",
        Unit::Count,
        "Events and ticks that were acknowledged and not kept, because no handler is registered",
    ),
    (
        "forge_store_failures_total",
        Unit::Count,
        "Operations of the store that failed or took more than 5 s, by operation",
    ),
    (
        "forge_resealed_total",
        Unit::Count,
        "Stored tokens that were sealed anew, under the primary key, by kind",
    ),
    (
        "forge_unseal_failures_total",
        Unit::Count,
        "Stored tokens that were wanted and could not be opened, by kind and cause",
    ),
    (
        "process_cpu_seconds_total",
        Unit::Seconds,
        "Time on the processor, user and system, in whole seconds",
    ),
];

const GAUGES: &[Described] = &[
    (
        "forge_build_info",
        Unit::Count,
        "Always 1; its labels say what was built",
    ),
    (
        "forge_in_flight",
        Unit::Count,
        "Requests at work, by lane, as of the last tenth of a second",
    ),
    (
        "forge_in_flight_limit",
        Unit::Count,
        "Places for requests, by lane: server.max_in_flight",
    ),
    (
        "forge_runtime_delay_seconds",
        Unit::Seconds,
        "How late the runtime gets to what is ready: the shortest delay in the last tenth of a second",
    ),
    (
        "forge_jwks_refreshed_timestamp_seconds",
        Unit::Seconds,
        "When a key set was last fetched, in seconds since 1970",
    ),
    (
        "forge_jwks_keys",
        Unit::Count,
        "Keys in a key set as it was last fetched; 0 until then",
    ),
    (
        "forge_impersonation_quota_left",
        Unit::Count,
        "Exchanges that may begin at once, as this process counts; of several apps, the least",
    ),
    (
        "forge_impersonation_quota_burst",
        Unit::Count,
        "The most exchanges that may ever begin at once, at the working rate",
    ),
    (
        "forge_impersonation_quota_per_minute",
        Unit::Count,
        "The working rate of exchanges: lower than the limit after the gateway's 429",
    ),
    (
        "forge_impersonation_quota_limit_per_minute",
        Unit::Count,
        "The limit of exchanges: impersonation.requests_per_minute",
    ),
    (
        "forge_impersonation_quota_waiting",
        Unit::Count,
        "Exchanges that wait in this process for their place in the quota",
    ),
    (
        "forge_inbox_jobs",
        Unit::Count,
        "Jobs in the inbox by state, counted every 15 s; replicas on one database count the same jobs",
    ),
    (
        "forge_inbox_oldest_seconds",
        Unit::Seconds,
        "Age of the oldest job that has not ended, counted every 15 s; 0 if there is none",
    ),
    (
        "forge_sealed_values",
        Unit::Count,
        "Stored tokens by kind and by the key that sealed them, as of the last walk over all; replicas on one database count the same",
    ),
    (
        "process_start_time_seconds",
        Unit::Seconds,
        "When the process started, in seconds since 1970",
    ),
    (
        "process_resident_memory_bytes",
        Unit::Bytes,
        "Memory that is resident",
    ),
    (
        "process_virtual_memory_bytes",
        Unit::Bytes,
        "Memory that is mapped",
    ),
    ("process_open_fds", Unit::Count, "Open file descriptors"),
    (
        "process_max_fds",
        Unit::Count,
        "The most file descriptors that may be open",
    ),
    ("process_threads", Unit::Count, "Threads"),
];

const HISTOGRAMS: &[Described] = &[
    (
        "forge_request_seconds",
        Unit::Seconds,
        "From a request's arrival to the head of its answer",
    ),
    (
        "forge_fit_verification_seconds",
        Unit::Seconds,
        "Verification of a FIT that was not verified before, with its wait for keys",
    ),
    (
        "forge_impersonation_wait_seconds",
        Unit::Seconds,
        "Wait of exchanges for their place in the quota",
    ),
    (
        "forge_product_seconds",
        Unit::Seconds,
        "A call of a product, with all its tries and the pauses between them, by product",
    ),
    (
        "forge_inbox_run_seconds",
        Unit::Seconds,
        "A run of a handler of an event or a tick",
    ),
    (
        "forge_inbox_wait_seconds",
        Unit::Seconds,
        "From an event's arrival to the beginning of its first run, to a second",
    ),
    (
        "forge_inbox_attempts",
        Unit::Count,
        "Attempts that a job took until it was done, dropped, or a dead letter",
    ),
    (
        "forge_store_seconds",
        Unit::Seconds,
        "An operation of the store, by operation",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all() -> impl Iterator<Item = &'static Described> {
        COUNTERS.iter().chain(GAUGES).chain(HISTOGRAMS)
    }

    #[test]
    fn names_say_what_is_counted_and_in_what() {
        let mut names = BTreeSet::new();
        for (name, unit, help) in all() {
            assert!(names.insert(*name), "{name} twice");
            assert!(name.starts_with("forge_") || name.starts_with("process_"));
            assert_eq!(*unit == Unit::Seconds, name.contains("_seconds"), "{name}");
            assert!(!help.ends_with('.'), "{name}: {help}");
        }
        for (name, ..) in COUNTERS {
            assert!(name.ends_with("_total"), "{name}");
        }
        for (name, ..) in GAUGES.iter().chain(HISTOGRAMS) {
            assert!(!name.ends_with("_total"), "{name}");
        }
    }

    /// That whatever is exported is described, a test with the service running holds.
    #[test]
    fn what_is_described_is_counted_somewhere() {
        let described: BTreeSet<_> = all().map(|(name, ..)| *name).collect();
        let mut found = BTreeSet::new();
        let mut folders = vec![std::path::PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src"
        ))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("catalogue.rs") {
                    let text = std::fs::read_to_string(path).unwrap();
                    let words = text.split('"').skip(1).step_by(2);
                    let metrics = words.filter(|word| described.contains(word));
                    found.extend(metrics.map(str::to_owned));
                }
            }
        }
        let unused: Vec<_> = described
            .iter()
            .filter(|name| !found.contains(**name))
            .collect();
        assert!(
            unused.is_empty(),
            "described, and nowhere counted: {unused:?}"
        );
    }
}
