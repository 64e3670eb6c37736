//! What holds of any wait that an answer asks for.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn asked(name: &'static str, value: &str, now: i64) -> Option<Duration> {
    let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static(name), value)]);
    wait(&headers, Timestamp::from_unix(now))
}

fn date(unix: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix))
}

proptest! {
    #[test]
    fn more_seconds_are_no_shorter_wait(one: u64, more: u64, now: i64) {
        let (less, more) = (one.min(more), one.max(more));
        let wait = |seconds: u64| asked("retry-after", &seconds.to_string(), now).unwrap();
        prop_assert!(wait(less) <= wait(more));
        prop_assert_eq!(wait(less), Duration::from_secs(less).min(LONGEST));
    }

    #[test]
    fn seconds_are_the_same_whatever_stands_around_them(
        seconds in 0_u64..4000,
        zeros in "0{0,30}",
        spaces in "[ \t]{0,3}",
    ) {
        let written = format!("{spaces}{zeros}{seconds}{spaces}");
        prop_assert_eq!(
            asked("retry-after", &written, 0),
            asked("retry-after", &seconds.to_string(), 0)
        );
        for odd in [format!("-{seconds}"), format!("+{seconds}"), format!("{seconds}s"), format!("{seconds}.5")] {
            prop_assert_eq!(asked("retry-after", &odd, 0), None, "{}", odd);
        }
    }

    #[test]
    fn a_later_date_is_no_shorter_wait(
        one in 0_u64..4_000_000_000,
        other in 0_u64..4_000_000_000,
        now in 0_i64..4_000_000_000,
    ) {
        let wait = |unix| asked("retry-after", &date(unix), now).unwrap();
        prop_assert!(wait(one.min(other)) <= wait(one.max(other)));
        let left = u64::try_from(i64::try_from(one).unwrap() - now).unwrap_or(0);
        prop_assert_eq!(wait(one), Duration::from_secs(left).min(LONGEST));
    }

    #[test]
    fn garbage_asks_for_nothing(text in "[^0-9]{0,40}") {
        prop_assert_eq!(asked("retry-after", &text, 0), None);
        prop_assert_eq!(asked("x-ratelimit-reset", &text, 0), None);
    }

    #[test]
    fn a_moment_is_the_same_in_every_zone(
        unix in 0_i64..4_000_000_000,
        hours in -14_i64..=14,
        minutes in 0_i64..60,
    ) {
        let sign = if hours < 0 { -1 } else { 1 };
        let ahead = hours * 3600 + sign * minutes * 60;
        let local = unix + ahead;
        prop_assume!(local >= 0);
        let days = local / 86_400;
        // The calendar of another library.
        let text = date(u64::try_from(days * 86_400).unwrap());
        let [day, month, year] = [&text[5..7], &text[8..11], &text[12..16]];
        let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
            .iter()
            .position(|name| *name == month)
            .unwrap() + 1;
        let of_day = local % 86_400;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let zone = format!("{}{:02}:{minutes:02}", if hours < 0 { '-' } else { '+' }, hours.abs());
        let written = format!("{year}-{month:02}-{day}T{hour:02}:{minute:02}:{second:02}.250{zone}");
        prop_assert_eq!(iso_8601(&written), Some(Timestamp::from_unix(unix)), "{}", written);
    }

    #[test]
    fn any_text_is_a_moment_or_none(text in "\\PC{0,30}|[0-9]{1,5}-[0-9]{1,3}-[0-9]{1,3}T[0-9:.]{0,12}[Zz+-]?[0-9:]{0,6}") {
        if let Some(moment) = iso_8601(&text) {
            prop_assert!((-100_000..=253_402_400_000).contains(&moment.unix()), "{}", text);
        }
    }
}
