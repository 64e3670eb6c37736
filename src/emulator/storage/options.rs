//! The options of requests, and the metadata that they ask for.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{fault::Fault, shelf::Item};
use crate::clock::Timestamp;

/// Longest life that may be given to an item (Forge storage REST: one year).
const MAX_TTL: Duration = Duration::from_hours(365 * 24);

/// What to tell of an item besides its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Field {
    CreatedAt,
    UpdatedAt,
    ExpireTime,
}

/// Options of a get or a query.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReadOptions {
    #[serde(default)]
    pub(super) metadata_fields: Vec<Field>,
}

/// Options of a set.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WriteOptions {
    pub(super) ttl: Option<Ttl>,
    #[serde(default)]
    pub(super) key_policy: KeyPolicy,
    pub(super) return_value: Option<ReturnValue>,
    #[serde(default)]
    pub(super) return_metadata_fields: Vec<Field>,
}

/// Options of a set within a batch or a transaction.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TtlOption {
    pub(super) ttl: Option<Ttl>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum KeyPolicy {
    #[default]
    Override,
    FailIfExists,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ReturnValue {
    Previous,
    Latest,
}

/// How long an item lives.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ttl {
    value: u64,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl WriteOptions {
    /// Refuses what does not go together.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.key_policy == KeyPolicy::FailIfExists && self.return_value.is_some() {
            return Err(Fault::bad_request(
                "`returnValue` goes with the key policy `OVERRIDE` only.",
            ));
        }
        Ok(())
    }
}

impl Ttl {
    /// When an item ends that is written now.
    pub(super) fn end(ttl: Option<Self>, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        ttl.map(|ttl| ttl.span().map(|span| now.plus(span)))
            .transpose()
    }

    fn span(self) -> Result<Duration, Fault> {
        let seconds = match self.unit {
            Unit::Seconds => 1,
            Unit::Minutes => 60,
            Unit::Hours => 3_600,
            Unit::Days => 86_400,
        };
        let span = Duration::from_secs(self.value.saturating_mul(seconds));
        if span.is_zero() || span > MAX_TTL {
            return Err(Fault::bad_request(
                "A `ttl` is longer than nothing and at most one year.",
            ));
        }
        Ok(span)
    }
}

/// Adds the fields that were asked for.
pub(super) fn describe(item: &Item, fields: &[Field], to: &mut Map<String, Value>) {
    for field in fields {
        match field {
            Field::CreatedAt => to.insert("createdAt".to_owned(), millis(item.created)),
            Field::UpdatedAt => to.insert("updatedAt".to_owned(), millis(item.updated)),
            Field::ExpireTime => item
                .expires
                .and_then(|at| to.insert("expireTime".to_owned(), iso(at).into())),
        };
    }
}

/// The emulator's clock counts seconds.
fn millis(at: Timestamp) -> Value {
    at.unix().saturating_mul(1_000).into()
}

/// `2026-11-23T20:18:56.000Z`
pub(in crate::emulator) fn iso(at: Timestamp) -> String {
    let (days, second) = (at.unix().div_euclid(86_400), at.unix().rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
}

/// Days since 1970-01-01 as a date, by counting in years that begin in March: then the
/// leap day is the last one, and the lengths of the months before it repeat every five.
fn civil(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097; // days in 400 years
    let since_era_began = days + 719_468; // from 0000-03-01
    let era = since_era_began.div_euclid(ERA);
    let day = since_era_began.rem_euclid(ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (year + era * 400 + carry, month, day)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ttl(value: u64, unit: &str) -> Result<Option<Timestamp>, Fault> {
        let ttl = serde_json::from_value(json!({"value": value, "unit": unit})).unwrap();
        Ttl::end(Some(ttl), Timestamp::from_unix(0))
    }

    #[test]
    fn a_life_is_longer_than_nothing_and_at_most_a_year() {
        assert_eq!(ttl(365, "DAYS"), Ok(Some(Timestamp::from_unix(31_536_000))));
        assert_eq!(ttl(2, "HOURS"), Ok(Some(Timestamp::from_unix(7_200))));
        assert_eq!(ttl(1, "MINUTES"), Ok(Some(Timestamp::from_unix(60))));
        for (value, unit) in [(366, "DAYS"), (0, "SECONDS"), (u64::MAX, "DAYS")] {
            assert!(ttl(value, unit).is_err(), "{value} {unit}");
        }
        assert_eq!(Ttl::end(None, Timestamp::from_unix(0)), Ok(None));
        assert!(serde_json::from_value::<Ttl>(json!({"value": 1.5, "unit": "DAYS"})).is_err());
        assert!(serde_json::from_value::<Ttl>(json!({"value": 1, "unit": "YEARS"})).is_err());
    }

    #[test]
    fn moments_are_written_as_dates() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_785_312_000, "2026-07-29T08:00:00.000Z"),
            (1_798_761_599, "2026-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(iso(Timestamp::from_unix(unix)), text);
        }
    }
}
