//! How long a fetched key set is fresh (RFC 9111, as far as it matters here).

use std::time::Duration;

use http::{HeaderMap, header};

/// An endpoint without cache headers.
const DEFAULT: Duration = Duration::from_hours(1);

/// A shorter one would only cost fetches: an unknown key id causes one anyway.
const SHORTEST: Duration = Duration::from_mins(5);

/// The longest that a withdrawn key may go on.
const LONGEST: Duration = Duration::from_hours(24);

/// `max-age` less what the answer spent in caches, within 5 minutes and 24 hours.
pub(super) fn fresh_for(headers: &HeaderMap) -> Duration {
    let max_age = headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|directive| directive.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"))
        .find_map(|(_, seconds)| seconds_in(seconds.trim().trim_matches('"')));
    let age = headers
        .get(header::AGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|seconds| seconds_in(seconds.trim()))
        .unwrap_or_default();
    max_age.map_or(DEFAULT, |max_age| {
        max_age.saturating_sub(age).clamp(SHORTEST, LONGEST)
    })
}

/// When to fetch again: a fifth of the time is left for tries that fail.
pub(super) fn refresh_after(fresh_for: Duration) -> Duration {
    fresh_for / 5 * 4
}

/// Digits only; what does not fit is as good as for ever.
fn seconds_in(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(headers: &[(&'static str, &'static str)]) -> u64 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        fresh_for(&map).as_secs()
    }

    fn cached(control: &'static str) -> u64 {
        seconds(&[("cache-control", control)])
    }

    #[test]
    fn max_age_counts_within_five_minutes_and_a_day() {
        assert_eq!(cached("public, max-age=1800"), 1800);
        assert_eq!(cached("Max-Age=\"1800\" , immutable"), 1800);
        assert_eq!(cached("max-age=0"), 300);
        assert_eq!(cached("max-age=31536000"), 86_400);
        assert_eq!(cached("max-age=99999999999999999999999"), 86_400);
    }

    #[test]
    fn the_time_in_caches_is_taken_off() {
        let aged = |age| seconds(&[("cache-control", "max-age=3600"), ("age", age)]);
        assert_eq!(aged("600"), 3000);
        assert_eq!(aged("4000"), 300);
        assert_eq!(aged("nonsense"), 3600);
    }

    #[test]
    fn an_hour_is_assumed_where_nothing_is_said() {
        assert_eq!(seconds(&[]), 3600);
        for control in [
            "no-store",
            "max-age",
            "max-age=",
            "max-age=-1",
            "s-maxage=60",
        ] {
            assert_eq!(cached(control), 3600, "{control}");
        }
    }

    #[test]
    fn later_headers_count_too() {
        let split = [
            ("cache-control", "public"),
            ("cache-control", "max-age=600"),
        ];
        assert_eq!(seconds(&split), 600);
    }

    #[test]
    fn a_refresh_comes_before_the_set_ages_out() {
        assert_eq!(refresh_after(SHORTEST), Duration::from_mins(4));
    }
}
