//! What the log says, changeable while the process runs.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tracing_subscriber::{EnvFilter, reload};

use super::TelemetryError;

/// No list of directives needs more.
pub(crate) const LONGEST: usize = 1024;

static LEVEL: OnceLock<LogLevel> = OnceLock::new();

/// The level of this process's log, if [`init`](super::init) has set it up.
pub(crate) fn of_process() -> Option<&'static LogLevel> {
    LEVEL.get()
}

/// Lets the level be changed from now on.
pub(super) fn can_change<S: 'static>(configured: &str, handle: reload::Handle<EnvFilter, S>) {
    let level = LogLevel {
        put: Box::new(move |filter| handle.reload(filter).is_ok()),
        state: Mutex::new(State {
            configured: configured.to_owned(),
            passing: None,
        }),
    };
    let _ = LEVEL.set(level);
}

/// The filter that `directives` are. The value of a field is compared with a directive's as it
/// is printed: as a regular expression, a directive of a hundred bytes would keep the processor
/// busy for minutes while its automaton is built.
///
/// # Errors
/// If they are none.
pub(crate) fn filter(directives: &str) -> Result<EnvFilter, TelemetryError> {
    if directives.len() > LONGEST {
        return Err(TelemetryError::TooLong);
    }
    Ok(EnvFilter::builder().with_regex(false).parse(directives)?)
}

pub(crate) struct LogLevel {
    put: Box<dyn Fn(EnvFilter) -> bool + Send + Sync>,
    state: Mutex<State>,
}

struct State {
    /// What the settings say.
    configured: String,
    /// What somebody wants to see for a while.
    passing: Option<Passing>,
}

struct Passing {
    directives: String,
    until: Instant,
}

/// The level in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InForce {
    pub(crate) level: String,
    pub(crate) configured: String,
    /// How long until the configured one comes back.
    pub(crate) passes_in: Option<Duration>,
}

impl LogLevel {
    pub(crate) fn in_force(&self) -> InForce {
        self.lock().in_force(Instant::now())
    }

    /// Sets the level for a while. [`expire`](Self::expire) brings the configured one back.
    ///
    /// # Errors
    /// If `directives` are none.
    pub(crate) fn pass(&self, directives: &str, time: Duration) -> Result<InForce, TelemetryError> {
        let filter = filter(directives)?;
        let mut state = self.lock();
        let now = Instant::now();
        state.passing = Some(Passing {
            directives: directives.to_owned(),
            until: now + time,
        });
        (self.put)(filter);
        Ok(state.in_force(now))
    }

    /// Brings the configured level back, if the time of the passing one is over.
    pub(crate) fn expire(&self) {
        let mut state = self.lock();
        let over = |passing: &Passing| passing.until <= Instant::now();
        if state.passing.as_ref().is_some_and(over) {
            self.back(&mut state);
        }
    }

    /// Brings the configured level back at once.
    pub(crate) fn reset(&self) -> InForce {
        let mut state = self.lock();
        if state.passing.is_some() {
            self.back(&mut state);
        }
        state.in_force(Instant::now())
    }

    /// Takes what the settings say now. A passing level stays for its time.
    ///
    /// # Errors
    /// If `directives` are none.
    pub(crate) fn configure(&self, directives: &str) -> Result<(), TelemetryError> {
        let filter = filter(directives)?;
        let mut state = self.lock();
        directives.clone_into(&mut state.configured);
        if state.passing.is_none() {
            (self.put)(filter);
        }
        Ok(())
    }

    fn back(&self, state: &mut State) {
        state.passing = None;
        // It was parsed before.
        if let Ok(filter) = filter(&state.configured) {
            (self.put)(filter);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn in_force(&self, now: Instant) -> InForce {
        let level = match &self.passing {
            Some(passing) => &passing.directives,
            None => &self.configured,
        };
        let left = |passing: &Passing| passing.until.saturating_duration_since(now);
        InForce {
            level: level.clone(),
            configured: self.configured.clone(),
            passes_in: self.passing.as_ref().map(left),
        }
    }
}

impl fmt::Debug for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogLevel").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn level() -> (LogLevel, Arc<Mutex<Vec<String>>>) {
        let put = Arc::<Mutex<Vec<String>>>::default();
        let inside = Arc::clone(&put);
        let level = LogLevel {
            put: Box::new(move |filter| {
                inside.lock().unwrap().push(filter.to_string());
                true
            }),
            state: Mutex::new(State {
                configured: "info".to_owned(),
                passing: None,
            }),
        };
        (level, put)
    }

    #[test]
    fn a_passing_level_passes() {
        let (level, put) = level();
        let force = level.pass("debug", Duration::ZERO).unwrap();
        assert_eq!((&*force.level, &*force.configured), ("debug", "info"));
        assert_eq!(force.passes_in, Some(Duration::ZERO));
        level.expire();
        assert_eq!(level.in_force().passes_in, None);
        assert_eq!(level.in_force().level, "info");
        // A later one is not ended by the time of an earlier one.
        level.pass("trace", Duration::from_mins(1)).unwrap();
        level.expire();
        assert_eq!(level.in_force().level, "trace");
        assert_eq!(level.reset().level, "info");
        assert_eq!(*put.lock().unwrap(), ["debug", "info", "trace", "info"]);
    }

    #[test]
    fn new_settings_wait_for_a_passing_level_to_pass() {
        let (level, put) = level();
        level.pass("debug", Duration::from_mins(1)).unwrap();
        level.configure("warn").unwrap();
        assert_eq!(level.in_force().level, "debug");
        assert_eq!(level.reset().level, "warn");
        level.configure("error").unwrap();
        assert_eq!(*put.lock().unwrap(), ["debug", "warn", "error"]);
    }

    #[test]
    fn a_value_in_a_directive_is_no_regular_expression() {
        // It would be a mistake in one.
        assert!(filter("[{x=*}]=debug").is_ok());
        let before = Instant::now();
        // Each further group doubles the automaton of one.
        let costly = format!("[{{x=(a|b)*a{}}}]=debug", "(a|b)".repeat(14));
        assert!(filter(&costly).is_ok());
        let took = before.elapsed();
        assert!(took < Duration::from_millis(500), "{took:?}");
    }

    #[test]
    fn what_is_no_level_changes_nothing() {
        let (level, put) = level();
        for text in ["=", "forge_remote=loud", "a=b=c", &"a".repeat(LONGEST + 1)] {
            assert!(level.pass(text, Duration::ZERO).is_err(), "{text}");
            assert!(level.configure(text).is_err(), "{text}");
        }
        assert_eq!(level.in_force().level, "info");
        assert!(put.lock().unwrap().is_empty());
    }
}
