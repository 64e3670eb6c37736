//! Texts that look alike, and bytes that are no text.

use serde_json::json;

use super::{
    json::payload,
    row::{INCONSISTENT, MALFORMED, Row, WRONG_AUDIENCE, WRONG_ISSUER, Want},
    scene::good,
};
use crate::support::claims::{APP, CLOUD, INSTALLATION, USER};

/// Ways to write a text so that it looks, or folds, or trims, to the same.
fn alike(text: &str) -> Vec<(&'static str, String)> {
    let full_width = |letter: char| match letter {
        '!'..='~' => char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(letter),
        other => other,
    };
    let mut middle = text.to_owned();
    middle.insert(text.len() / 2, '\u{200b}');
    vec![
        (
            "a Cyrillic letter",
            text.replacen('a', "\u{430}", 1).replacen('e', "\u{435}", 1),
        ),
        ("full width", text.chars().map(full_width).collect()),
        ("a space of no width inside", middle),
        ("a line end after it", format!("{text}\n")),
        ("a tab before it", format!("\t{text}")),
        ("a NUL after it", format!("{text}\0")),
        ("a dot after it", format!("{text}.")),
        ("a slash after it", format!("{text}/")),
        ("a byte order mark before it", format!("\u{feff}{text}")),
        ("written from the right", format!("\u{202e}{text}")),
        ("a combining mark after it", format!("{text}\u{301}")),
    ]
}

pub(super) fn rows() -> Vec<Row> {
    let claims = [
        ("/iss", "forge/invocation-token", WRONG_ISSUER),
        ("/aud", APP, WRONG_AUDIENCE),
        ("/app/id", APP, MALFORMED),
        ("/app/installationId", INSTALLATION, MALFORMED),
        ("/app/installation/id", INSTALLATION, MALFORMED),
        ("/context/cloudId", CLOUD, MALFORMED),
    ];
    let mut rows = Vec::new();
    for (claim, text, want) in claims {
        for (what, other) in alike(text) {
            let token = good().claim(claim, other).token();
            rows.push(Row::token(format!("{claim}: {what}"), token, want));
        }
        let token = good().claim(claim, text.to_uppercase()).token();
        let want = match claim {
            // Another id of the same form.
            "/context/cloudId" => INCONSISTENT,
            _ => want,
        };
        rows.push(Row::token(format!("{claim}: upper case"), token, want));
    }
    rows.extend(accounts());
    rows.extend(labels());
    rows.extend(bytes());
    rows
}

/// An account id goes into paths and queries.
fn accounts() -> Vec<Row> {
    let texts = [
        "h0stile/../admin",
        "h0stile%2f",
        "h0stile?x=1",
        "h0stile#",
        "h0stile\\",
        "h0stile\r\nx: y",
        "h0stile\u{2024}x",
        "h0stile;x",
        "h0stile x",
        "h0stile@x",
        "h0stile\u{0}",
        "\u{430}dmin",
    ];
    let mut rows: Vec<Row> = texts
        .iter()
        .map(|text| {
            let token = good().claim("/principal", *text).token();
            Row::token(format!("principal {text:?}"), token, MALFORMED)
        })
        .collect();
    let several = good().claim("/principal", json!([USER]));
    rows.push(Row::token("several principals", several.token(), MALFORMED));
    let nobody = good().claim("/principal", "unidentified");
    rows.push(Row::token(
        "the platform's word for nobody",
        nobody.token(),
        Want::Accepted,
    ));
    rows
}

/// The label goes into a URL, and may not change where that points.
fn labels() -> Vec<Row> {
    let long = "a".repeat(51);
    let texts = [
        "../h0stile",
        "..",
        ".",
        "orange.",
        "or.ange",
        "orange/",
        "orange/..",
        "orange%2f",
        "Orange",
        "ORANGE",
        "orange\n",
        "orange ",
        " orange",
        "orange\0",
        "orange?x",
        "orange#",
        "orange@h0stile",
        "orange:80",
        "or\\ange",
        "ora\u{2024}nge",
        "\u{ff4f}range",
        "or\u{430}nge",
        "{IC_LABEL}",
        "",
        &long,
    ];
    texts
        .iter()
        .map(|text| {
            let token = good().claim("/icLabel", *text).token();
            Row::token(format!("icLabel {text:?}"), token, MALFORMED)
        })
        .collect()
}

/// Bytes that are no UTF-8, or that look like it.
fn bytes() -> Vec<Row> {
    let with = |bytes: &[u8]| {
        let claims = good().claim("/jti", "@").claims.to_string();
        let (before, after) = claims.split_once('@').expect("it is there");
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    let good = good().claims.to_string();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rows = [
        ("a lone continuation", with(b"\x80")),
        ("a lone beginning", with(b"\xc3")),
        ("ff", with(b"\xff")),
        ("an overlong quote", with(b"\xc0\xa2")),
        ("an overlong NUL", with(b"\xc0\x80")),
        ("an overlong slash of three", with(b"\xe0\x80\xaf")),
        ("a surrogate in UTF-8", with(b"\xed\xa0\x80")),
        ("beyond Unicode", with(b"\xf4\x90\x80\x80")),
        ("five bytes", with(b"\xf8\x88\x80\x80\x80")),
        ("half an escaped surrogate", with(br"\ud800")),
        ("the other half", with(br"\udc00")),
        ("two halves the wrong way", with(br"\udc00\ud800")),
        ("an escape of three digits", with(br"\u00e")),
        ("an escape that is none", with(br"\x41")),
        ("a control character", with(b"\x01")),
        (
            "a byte order mark",
            [b"\xef\xbb\xbf", good.as_bytes()].concat(),
        ),
        ("UTF-16", utf16),
        ("latin-1", with(b"M\xfcller")),
    ];
    rows.map(|(name, bytes)| payload(name, bytes, MALFORMED))
        .into()
}
