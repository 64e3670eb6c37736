//! Jobs in words: as databases keep them and people read them.

use std::str::FromStr;

use super::{JobKind, JobState};

/// More of an error's text is not kept.
const LONGEST_ERROR: usize = 4096;

/// A text names no state, or no kind, of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {what}: expected {expected}")]
pub struct NameError {
    what: &'static str,
    expected: &'static str,
}

macro_rules! named {
    ($type:ident, $what:literal, $expected:literal, $($variant:ident = $name:literal),+) => {
        impl $type {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(NameError { what: $what, expected: $expected }),
                }
            }
        }
    };
}

named! {
    JobState, "a state",
    "`ready`, `blocked`, `delayed`, `parked`, `running`, `done` or `dead`",
    Ready = "ready",
    Blocked = "blocked",
    Delayed = "delayed",
    Parked = "parked",
    Running = "running",
    Done = "done",
    Dead = "dead"
}

named! {
    JobKind, "a kind", "`event` or `tick`",
    Event = "event",
    Tick = "tick"
}

/// An error's text as it is kept: bounded, and without the one character that a database
/// may refuse.
pub(in crate::store) fn kept(error: &str) -> String {
    let end = error.floor_char_boundary(LONGEST_ERROR);
    error[..end].replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for kind in JobKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        let error = "asleep".parse::<JobState>().unwrap_err().to_string();
        assert!(error.contains("`parked`"), "{error}");
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        let long = format!("x{}", "ü".repeat(LONGEST_ERROR));
        let kept = kept(&long);
        assert_eq!(kept.len(), LONGEST_ERROR - 1);
        assert!(long.starts_with(&kept));
    }

    #[test]
    fn what_a_database_may_refuse_is_replaced() {
        assert_eq!(kept("a\0b"), "a\u{fffd}b");
    }
}
