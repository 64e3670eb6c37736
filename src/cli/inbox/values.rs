//! Values that people write and read.

use std::{str::FromStr, time::Duration};

use forge_remote::{
    clock::Timestamp,
    store::jobs::{JobState, NameError},
};

/// The states that a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum States {
    All,
    One([JobState; 1]),
}

impl States {
    pub(super) const fn each(&self) -> &[JobState] {
        match self {
            Self::All => JobState::ALL,
            Self::One(state) => state,
        }
    }

    pub(super) const fn are_several(self) -> bool {
        matches!(self, Self::All)
    }
}

impl FromStr for States {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.parse().map(|state| Self::One([state]))
    }
}

/// A span such as `30s`, `90m`, `12h` or `7d`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let refused =
        || "expected a number with `s`, `m`, `h` or `d` after it, such as `7d`".to_owned();
    let unit = match text.chars().next_back() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        _ => return Err(refused()),
    };
    let digits = &text[..text.len() - 1];
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused());
    }
    let number: u64 = digits.parse().map_err(|_| refused())?;
    let seconds = number.checked_mul(unit).ok_or_else(refused)?;
    Ok(Duration::from_secs(seconds))
}

/// A moment as RFC 3339 writes it, in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    const DAY: i64 = 24 * 60 * 60;
    let (days, seconds) = (at.unix().div_euclid(DAY), at.unix().rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date so many days after 1970-01-01. Years are counted from March, so that a leap day
/// is a year's last, and in eras of 400 years, which all have as many days.
const fn civil(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    // From 0000-03-01.
    let days = days + 719_468;
    let era = days.div_euclid(ERA);
    let of_era = days.rem_euclid(ERA);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339_does() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_785_312_000, "2026-07-29T08:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(moment(Timestamp::from_unix(seconds)), text);
        }
    }

    #[test]
    fn spans_have_a_unit() {
        for (text, seconds) in [("30s", 30), ("90m", 5400), ("12h", 43_200), ("7d", 604_800)] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "7",
            "d",
            "-1d",
            "+1d",
            "1.5h",
            "7 d",
            "7ü",
            "99999999999999999999d",
        ] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn all_is_every_state() {
        assert_eq!("all".parse::<States>().unwrap().each(), JobState::ALL);
        assert_eq!("dead".parse::<States>().unwrap().each(), [JobState::Dead]);
        assert!("asleep".parse::<States>().is_err());
    }
}
