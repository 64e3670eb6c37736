//! Both ends of a token's time, to the second: the leeway is five. And numbers that are no time.

use serde_json::json;

use super::{
    json::payload,
    row::{EXPIRED, MALFORMED, NOT_YET_VALID, Row, Want},
    scene::{NOW, claims_with, good},
};

pub(super) fn rows() -> Vec<Row> {
    // `exp` and `nbf` from now on, in seconds.
    let times: [(&str, i64, i64, Want); 15] = [
        ("lapsed a leeway ago", -5, -30, EXPIRED),
        ("lapsed a second more", -6, -30, EXPIRED),
        ("in the last second of the leeway", -4, -30, Want::Accepted),
        ("lapses now", 0, -25, Want::Accepted),
        ("lapsed a day ago", -86_400, -86_425, EXPIRED),
        ("lapsed since 1970", -NOW, -NOW, EXPIRED),
        ("begins a leeway from now", 30, 5, Want::Accepted),
        ("begins a second later", 30, 6, NOT_YET_VALID),
        ("begins tomorrow", 86_425, 86_400, NOT_YET_VALID),
        (
            "lapses before it begins, both to come",
            10,
            20,
            NOT_YET_VALID,
        ),
        ("lapses before it begins, both past", -20, -10, EXPIRED),
        ("lapses before it begins, now between", -10, 10, EXPIRED),
        (
            "lapses in three thousand years",
            100_000_000_000,
            -2,
            Want::Accepted,
        ),
        ("in milliseconds", NOW * 999, -2, Want::Accepted),
        (
            "begins in milliseconds",
            NOW * 1000,
            NOW * 999,
            NOT_YET_VALID,
        ),
    ];
    let mut rows: Vec<Row> = times
        .into_iter()
        .map(|(name, exp, nbf, want)| {
            let fit = good().claim("/exp", NOW + exp).claim("/nbf", NOW + nbf);
            Row::token(name, fit.token(), want)
        })
        .collect();
    // A fraction makes no token live longer, or sooner.
    let fractions = [
        ("/exp", 1_785_311_997.999, EXPIRED),
        ("/exp", 1_785_311_998.001, Want::Accepted),
        ("/nbf", 1_785_312_007.001, NOT_YET_VALID),
        ("/nbf", 1_785_312_006.999, Want::Accepted),
        ("/iat", 1_785_312_000.5, Want::Accepted),
    ];
    rows.extend(fractions.map(|(claim, at, want)| {
        let token = good().claim(claim, json!(at)).token();
        Row::token(format!("{claim} {at}"), token, want)
    }));
    let ends = [
        ("the last second there is", json!(i64::MAX), Want::Accepted),
        (
            "the last second of an unsigned number",
            json!(u64::MAX),
            Want::Accepted,
        ),
        ("one before the first", json!(-1), MALFORMED),
        ("the first second there was", json!(i64::MIN), MALFORMED),
    ];
    rows.extend(
        ends.map(|(name, exp, want)| Row::token(name, good().claim("/exp", exp).token(), want)),
    );
    let issued = good().claim("/iat", NOW + 3600).token();
    rows.push(Row::token("issued in an hour", issued, Want::Accepted));
    rows.extend(numbers());
    rows
}

/// Numbers at the edge of what a machine can hold, or what JSON can say.
fn numbers() -> Vec<Row> {
    let exp = |json: &str, want| payload(format!("exp {json}"), claims_with("/exp", json), want);
    let nbf = |json: &str, want| payload(format!("nbf {json}"), claims_with("/nbf", json), want);
    vec![
        exp("1e999", MALFORMED),
        exp("1e400", MALFORMED),
        exp("1e308", MALFORMED),
        exp("-1e308", MALFORMED),
        exp("1e-400", EXPIRED),
        exp("-0", EXPIRED),
        exp("-0.0", EXPIRED),
        exp("0", EXPIRED),
        exp("0.5", EXPIRED),
        exp("-1", MALFORMED),
        exp("-9223372036854775808", MALFORMED),
        exp("-9223372036854775809", MALFORMED),
        exp("18446744073709551616", MALFORMED),
        exp("99999999999999999999999999999999", MALFORMED),
        exp("01785312025", MALFORMED),
        exp("+1785312025", MALFORMED),
        exp("0x6a69e5d9", MALFORMED),
        exp("1785312025.", MALFORMED),
        exp(".5e10", MALFORMED),
        exp("1785312025e", MALFORMED),
        exp("1_785_312_025", MALFORMED),
        exp("NaN", MALFORMED),
        exp("Infinity", MALFORMED),
        exp("\"1785312025\"", MALFORMED),
        exp("\"2026-07-29T08:00:25Z\"", MALFORMED),
        exp("[1785312025]", MALFORMED),
        exp("1785312025 1785312025", MALFORMED),
        exp(&"9".repeat(4000), MALFORMED),
        nbf("1e999", MALFORMED),
        nbf("-1", MALFORMED),
        nbf("9223372036854775807", NOT_YET_VALID),
        nbf("18446744073709551615", NOT_YET_VALID),
        nbf("18446744073709551616", MALFORMED),
        nbf("9e18", NOT_YET_VALID),
        nbf("\"0\"", MALFORMED),
    ]
}
