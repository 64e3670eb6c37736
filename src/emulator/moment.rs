//! Moments as products write them in events.

use crate::clock::Timestamp;

/// `2026-07-29T08:00:03.114Z`
pub(super) fn iso(at: Timestamp, milliseconds: u64) -> String {
    let (date, time) = parts(at);
    format!("{date}T{time}.{:03}Z", milliseconds % 1000)
}

/// `2026-07-29T08:00:03.114+0000`, as Jira writes it.
pub(super) fn jira(at: Timestamp, milliseconds: u64) -> String {
    let (date, time) = parts(at);
    format!("{date}T{time}.{:03}+0000", milliseconds % 1000)
}

fn parts(at: Timestamp) -> (String, String) {
    let (days, second) = (at.unix().div_euclid(86_400), at.unix().rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    (
        format!("{year:04}-{month:02}-{day:02}"),
        format!("{hour:02}:{minute:02}:{second:02}"),
    )
}

/// The date so many days after 1970-01-01, in the Gregorian calendar.
///
/// It counts in eras of 400 years that begin on a 1st of March, so that the leap day comes last.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_the_calendar_has_them() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_399, "2000-02-28T23:59:59.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (1_785_312_003, "2026-07-29T08:00:03.007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.007Z"),
        ] {
            assert_eq!(iso(Timestamp::from_unix(unix), 1007), text);
        }
    }
}
