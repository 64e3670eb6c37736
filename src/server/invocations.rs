//! Invocations by what the platform wanted, the module that it called, and what came of it.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use axum::response::Response;
use metrics::Counter;

use crate::{
    error::{ErrorCode, Failure},
    fit::Claims,
    invocation::Kind,
};

/// Modules with series of their own. A manifest has a few; the further ones of one that has
/// more are counted together. The keys come from verified FITs, and from nowhere else.
const MOST_MODULES: usize = 64;

/// The module of those that are counted together.
const OTHER: &str = "<other>";

/// Longer than keys that people write.
const LONGEST_KEY: usize = 100;

/// Counts invocations.
pub(super) struct Invocations {
    modules: ArcSwap<HashMap<Box<str>, Arc<OfModule>>>,
    others: OfModule,
}

/// The counters of one module, each registered when it first counts.
#[derive(Default)]
struct OfModule([[OnceLock<Counter>; OUTCOMES.len()]; Kind::COUNT]);

/// What the caller learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// What it asked for.
    Ok,
    /// It asked for something that it cannot have: 4xx.
    Refused,
    /// The remote or a product failed: 5xx.
    Failed,
    /// Its time ran out.
    Late,
    /// There is too much to do.
    Shed,
}

const OUTCOMES: [&str; 5] = ["ok", "refused", "failed", "late", "shed"];

impl Invocations {
    pub(super) fn new() -> Self {
        Self {
            modules: ArcSwap::default(),
            others: OfModule::default(),
        }
    }

    /// Counts a request with that FIT, by what the platform wants and the answer that it got.
    pub(super) fn count(&self, claims: &Claims, kind: Kind, answer: &Response) {
        self.add(claims.app.module.key.as_str(), kind, Outcome::of(answer));
    }

    fn add(&self, module: &str, kind: Kind, outcome: Outcome) {
        let modules = self.modules.load();
        if let Some(of_module) = modules.get(module) {
            return of_module.add(module, kind, outcome);
        }
        if modules.len() < MOST_MODULES
            && is_modest(module)
            && let Some(of_module) = self.register(module)
        {
            return of_module.add(module, kind, outcome);
        }
        self.others.add(OTHER, kind, outcome);
    }

    /// None if others came first and took the last places.
    fn register(&self, module: &str) -> Option<Arc<OfModule>> {
        let new = Arc::<OfModule>::default();
        self.modules.rcu(|modules| {
            let mut modules = HashMap::clone(modules);
            if modules.len() < MOST_MODULES && !modules.contains_key(module) {
                modules.insert(module.into(), Arc::clone(&new));
            }
            modules
        });
        self.modules.load().get(module).cloned()
    }
}

/// Whether it looks like a key of a manifest, and like nothing that would have to be escaped.
fn is_modest(module: &str) -> bool {
    let signs =
        |sign: u8| sign.is_ascii_alphanumeric() || matches!(sign, b'-' | b'_' | b'.' | b':');
    module.len() <= LONGEST_KEY && module.bytes().all(signs)
}

impl OfModule {
    fn add(&self, module: &str, kind: Kind, outcome: Outcome) {
        let counter = self.0[kind as usize][outcome as usize].get_or_init(|| {
            metrics::counter!(
                "forge_invocations_total",
                "kind" => kind.as_str(), "module" => module.to_owned(),
                "outcome" => OUTCOMES[outcome as usize]
            )
        });
        counter.increment(1);
    }
}

impl Outcome {
    fn of(answer: &Response) -> Self {
        let failure = answer.extensions().get::<Failure>();
        match failure.map(|Failure(error)| error.code()) {
            Some(ErrorCode::Overloaded) => Self::Shed,
            Some(ErrorCode::DeadlineExceeded) => Self::Late,
            _ if answer.status().is_server_error() => Self::Failed,
            _ if answer.status().is_client_error() => Self::Refused,
            _ => Self::Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http::StatusCode;
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::error::Error;

    /// How often each module was counted, by what is exported.
    fn exported(count: impl FnOnce(&Invocations)) -> HashMap<String, u64> {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || count(&Invocations::new()));
        let text = recorder.handle().render();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let counted = lines.filter_map(|line| {
            let (_, rest) = line.split_once("module=\"")?;
            let (module, rest) = rest.split_once('"')?;
            Some((module.to_owned(), rest.rsplit_once(' ')?.1.parse().ok()?))
        });
        counted.collect()
    }

    #[test]
    fn a_thousand_modules_are_a_few_series_and_every_invocation_counts() {
        let counted = exported(|invocations| {
            for _ in 0..3 {
                for module in 0..1000 {
                    invocations.add(&format!("m{module}"), Kind::Ui, Outcome::Ok);
                }
            }
        });
        assert_eq!(counted.len(), MOST_MODULES + 1);
        assert_eq!(counted.values().sum::<u64>(), 3000);
        assert_eq!(counted["m0"], 3, "the first ones keep their own");
        assert_eq!(counted[OTHER], 3 * (1000 - MOST_MODULES as u64));
    }

    #[test]
    fn what_no_manifest_has_is_counted_with_the_others() {
        let long = "m".repeat(LONGEST_KEY + 1);
        let counted = exported(|invocations| {
            for module in [
                OTHER,
                "a\"b",
                "a\\",
                "a{b}",
                &long,
                "digest-page",
                "core:x_1.2",
            ] {
                invocations.add(module, Kind::Ui, Outcome::Ok);
            }
        });
        assert_eq!(counted.len(), 3, "{counted:?}");
        assert_eq!(counted[OTHER], 5);
    }

    #[test]
    fn modules_that_come_at_once_take_no_more_places_than_there_are() {
        let invocations = Invocations::new();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let invocations = &invocations;
                scope.spawn(move || {
                    for module in 0..100 {
                        let module = format!("m{}", module * 8 + thread);
                        invocations.add(&module, Kind::Event, Outcome::Ok);
                    }
                });
            }
        });
        assert_eq!(invocations.modules.load().len(), MOST_MODULES);
    }

    #[test]
    fn an_answer_is_told_by_its_status_and_by_why_it_failed() {
        let of_status = |status: StatusCode| Outcome::of(&status.into_response());
        assert_eq!(of_status(StatusCode::ACCEPTED), Outcome::Ok);
        assert_eq!(of_status(StatusCode::NOT_FOUND), Outcome::Refused);
        assert_eq!(of_status(StatusCode::BAD_GATEWAY), Outcome::Failed);
        let of_code = |code| Outcome::of(&Error::new(code, "x").response(None));
        assert_eq!(of_code(ErrorCode::Overloaded), Outcome::Shed);
        assert_eq!(of_code(ErrorCode::DeadlineExceeded), Outcome::Late);
        assert_eq!(of_code(ErrorCode::StoreUnavailable), Outcome::Failed);
    }
}
