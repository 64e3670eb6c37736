//! What Atlassian's answers say in their headers: how long to wait, and the trace id that
//! its support asks for.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, header};

use crate::clock::Timestamp;

/// A longer wait is taken for this long. It is the longest window that the platform
/// documents ("65 000 points per hour"); a header that asks for a year is broken.
const LONGEST: Duration = Duration::from_hours(1);

/// How long to wait: `Retry-After`, else `X-RateLimit-Reset`, if either can be understood.
pub(crate) fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    text(header::RETRY_AFTER.as_str())
        .and_then(|value| retry_after(value, now))
        .or_else(|| Some(until(iso_8601(text("x-ratelimit-reset")?)?, now)))
}

/// Atlassian's trace id, wherever the answer has it.
pub(crate) fn trace_id(headers: &HeaderMap) -> Option<&str> {
    // `x-trace-id` is Forge storage's other name for it.
    [
        "x-b3-traceid",
        "atl-traceid",
        "atl-request-id",
        "x-trace-id",
    ]
    .into_iter()
    .find_map(|name| short_text(headers, name))
}

/// A header that may stand in a log line: visible ASCII, not long.
pub(crate) fn short_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let clean = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    clean.then_some(text)
}

/// Seconds or an HTTP date (RFC 9110, 10.2.3).
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Only too many digits fail here.
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let moment = httpdate::parse_http_date(value).ok()?;
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let unix = i64::try_from(since.as_secs()).ok()?;
    Some(until(Timestamp::from_unix(unix), now))
}

fn until(moment: Timestamp, now: Timestamp) -> Duration {
    moment.since(now).min(LONGEST)
}

/// A moment such as `2026-08-01T12:30:00Z`; seconds and their fraction may be missing, and
/// the zone may be an offset. Nothing else of ISO 8601 is understood.
pub(crate) fn iso_8601(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = rest.split_at_checked(zone_at)?;
    let [year, month, day] = numbers(date, '-')?;
    let whole = time.split('.').next()?;
    let [hour, minute, second] = numbers(whole, ':')
        .or_else(|| numbers::<2>(whole, ':').map(|[hour, minute]| [hour, minute, 0]))?;
    let plausible = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60;
    plausible.then_some(())?;
    let of_day = hour * 3600 + minute * 60 + second;
    Some(Timestamp::from_unix(
        days_since_1970(year, month, day) * 86_400 + of_day - offset(zone)?,
    ))
}

/// Seconds that a zone is ahead of UTC: `Z`, `+02:00`, `+0200` or `+02`.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first()? {
        b'Z' | b'z' => return (zone.len() == 1).then_some(0),
        b'+' => 1,
        _ => -1,
    };
    let digits = zone.get(1..)?.replace(':', "");
    let (hours, minutes) = match digits.len() {
        2 => (number(&digits)?, 0),
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        _ => return None,
    };
    (hours <= 18 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let numbers: Option<Vec<i64>> = text.split(separator).take(N + 1).map(number).collect();
    numbers?.try_into().ok()
}

/// One to four digits.
fn number(text: &str) -> Option<i64> {
    let fits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years begin in March here, so
/// that the leap day is a year's last.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    /// 2026-08-01T12:00:00Z
    const NOW: Timestamp = Timestamp::from_unix(1_785_585_600);

    fn asked_by(name: &'static str, value: &str) -> Option<u64> {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static(name),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        )]);
        wait(&headers, NOW).map(|wait| wait.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (value, seconds) in [
            ("0", 0),
            ("1", 1),
            (" 30 ", 30),
            ("3600", 3600),
            ("86400", 3600),
            ("99999999999999999999999", 3600),
            ("Sat, 01 Aug 2026 12:00:07 GMT", 7),
            ("Saturday, 01-Aug-26 12:00:07 GMT", 7),
            ("Sat, 01 Aug 2026 11:59:00 GMT", 0),
            ("Fri, 01 Jan 2100 00:00:00 GMT", 3600),
        ] {
            assert_eq!(asked_by("retry-after", value), Some(seconds), "{value}");
        }
    }

    #[test]
    fn garbage_asks_for_nothing() {
        for value in [
            "",
            "-1",
            "1.5",
            "soon",
            "1 s",
            "+5",
            "0x10",
            "ü",
            "Sat, 99 Aug 2026 12:00:07 GMT",
        ] {
            assert_eq!(asked_by("retry-after", value), None, "{value}");
        }
    }

    #[test]
    fn the_reset_time_is_the_fallback() {
        for (value, seconds) in [
            ("2026-08-01T12:00:09Z", Some(9)),
            ("2026-08-01T12:00:09.999Z", Some(9)),
            ("2026-08-01T12:01Z", Some(60)),
            ("2026-08-01T14:00:09+02:00", Some(9)),
            ("2026-08-01T10:30:09-0130", Some(9)),
            ("2026-08-01T13:00:09+01", Some(9)),
            ("2026-07-01T12:00:00Z", Some(0)),
            ("2027-07-01T12:00:00Z", Some(3600)),
            ("2026-08-01", None),
            ("2026-08-01T12:00:00", None),
            ("2026-13-01T12:00:00Z", None),
            ("2026-08-01T25:00:00Z", None),
            ("2026-08-01T12:00:00Zx", None),
            ("2026-08-01T12:00:00+99:00", None),
            ("1785585609", None),
        ] {
            assert_eq!(asked_by("x-ratelimit-reset", value), seconds, "{value}");
        }
    }

    #[test]
    fn retry_after_wins_unless_it_is_garbage() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-ratelimit-reset",
            HeaderValue::from_static("2026-08-01T12:00:09Z"),
        );
        headers.insert("retry-after", HeaderValue::from_static("2"));
        assert_eq!(wait(&headers, NOW), Some(Duration::from_secs(2)));
        headers.insert("retry-after", HeaderValue::from_static("soon"));
        assert_eq!(wait(&headers, NOW), Some(Duration::from_secs(9)));
    }

    #[test]
    fn days_are_counted_over_leap_years() {
        for (date, days) in [
            ((1970, 1, 1), 0),
            ((2000, 2, 29), 11_016),
            ((2000, 3, 1), 11_017),
            ((2026, 8, 1), 20_666),
            ((2100, 3, 1), 47_541),
        ] {
            assert_eq!(days_since_1970(date.0, date.1, date.2), days, "{date:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_a_wait_beyond_the_longest(
            retry in "\\PC{0,40}|[0-9]{1,30}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT",
            reset in "\\PC{0,40}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}T[0-9:.]{4,12}[Z+-][0-9:]{0,6}",
            now in any::<i64>(),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in [("retry-after", retry), ("x-ratelimit-reset", reset)] {
                if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                    headers.insert(name, value);
                }
            }
            if let Some(wait) = wait(&headers, Timestamp::from_unix(now)) {
                prop_assert!(wait <= LONGEST);
            }
        }

        #[test]
        fn a_written_moment_is_read_back(unix in 0_i64..4_000_000_000) {
            let moment = UNIX_EPOCH + Duration::from_secs(u64::try_from(unix).unwrap());
            let date = httpdate::fmt_http_date(moment);
            let now = Timestamp::from_unix(unix - 5);
            prop_assert_eq!(retry_after(&date, now), Some(Duration::from_secs(5)));
        }
    }

    #[test]
    fn the_first_usable_trace_id_is_kept() {
        let headers = |name: &'static str, value: &str| {
            HeaderMap::from_iter([
                (http::HeaderName::from_static(name), value.parse().unwrap()),
                (
                    http::HeaderName::from_static("atl-request-id"),
                    HeaderValue::from_static("last"),
                ),
            ])
        };
        assert_eq!(
            trace_id(&headers("x-b3-traceid", "4bf92f35")),
            Some("4bf92f35")
        );
        assert_eq!(
            trace_id(&headers("x-b3-traceid", &"a".repeat(129))),
            Some("last")
        );
        assert_eq!(trace_id(&HeaderMap::new()), None);
    }
}
