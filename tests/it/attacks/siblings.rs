//! Tokens beside one that was accepted: whatever the service remembers of a good token, it
//! is that token's alone, in either order, and not for longer than the token lives.

use super::{
    row::{BAD_SIGNATURE, EXPIRED, MALFORMED, Row, Want},
    scene::{NOW, b64, good},
};
use crate::support::keys::OTHER_KEY;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = around("good first", true);
    rows.extend(around("good last", false));
    rows.extend(in_time());
    rows
}

/// Tampered siblings of one token after it, or before it.
fn around(order: &str, good_first: bool) -> Vec<Row> {
    let token = good().claim("/jti", order).token();
    let (message, signature) = token.rsplit_once('.').expect("three segments");
    let (header, _) = message.split_once('.').expect("three segments");
    let other = good().claim("/jti", order).claim("/principal", "h0stile");
    let other_payload = b64(other.claims.to_string());
    let (cut, last) = signature.split_at(signature.len() - 1);
    // The four bits that are left over are zeros in the right text.
    let noncanonical = char::from(last.as_bytes()[0] + 1);
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let by_another = other.clone().key(OTHER_KEY).token();
    let tampered = [
        (
            "the signature changed",
            format!("{message}.{flipped}{}", &signature[1..]),
            BAD_SIGNATURE,
        ),
        (
            "the payload changed",
            format!("{header}.{other_payload}.{signature}"),
            BAD_SIGNATURE,
        ),
        ("by another key", by_another, BAD_SIGNATURE),
        (
            "the signature cut",
            format!("{message}.{}", &signature[..338]),
            BAD_SIGNATURE,
        ),
        (
            "another spelling of the signature",
            format!("{message}.{cut}{noncanonical}"),
            MALFORMED,
        ),
        ("the signature padded", format!("{token}=="), MALFORMED),
        ("without its signature", format!("{message}."), MALFORMED),
        ("a dot more", format!("{token}."), MALFORMED),
        ("upper case", token.to_uppercase(), MALFORMED),
        ("twice in one", format!("{token}{token}"), MALFORMED),
    ];
    let whole = |when: &str| Row::token(format!("{order}: {when}"), &token, Want::Accepted);
    let mut rows = Vec::new();
    if good_first {
        rows.extend([whole("it passes"), whole("it passes again")]);
    }
    for (what, tampered, want) in &tampered {
        rows.push(Row::token(format!("{order}: {what}"), tampered, *want));
        rows.push(Row::token(
            format!("{order}: {what}, once more"),
            tampered,
            *want,
        ));
    }
    rows.push(whole("it still passes"));
    rows
}

/// One token through its life: remembered or not, it ends when its time ends.
fn in_time() -> Vec<Row> {
    let token = good().claim("/jti", "through time").token();
    let row = |name: &str, want| Row::token(name, &token, want);
    vec![
        row("with 23 seconds to live", Want::Accepted),
        row("in its last second, leeway and all", Want::Accepted).later(27),
        row("a second later", EXPIRED).later(1),
        row("the next time", EXPIRED),
        Row::token(
            "a token of the new time",
            good().claim("/exp", NOW + 53).token(),
            Want::Accepted,
        ),
    ]
}
