//! Signatures that are nearly right: as bytes, as numbers and as text.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    row::{BAD_SIGNATURE, MALFORMED, Row, Want},
    scene::{b64, good, header_with, seal},
    textbook::{PrivateKey, difference, sum},
};
use crate::support::keys::KEY;

pub(super) fn rows() -> Vec<Row> {
    [bytes(), numbers(), texts(), swapped()]
        .into_iter()
        .flatten()
        .collect()
}

/// The good token in two parts: what is signed, and the signature.
fn parts() -> (String, Vec<u8>) {
    parts_of(&good().token())
}

fn parts_of(token: &str) -> (String, Vec<u8>) {
    let (message, _) = token.rsplit_once('.').expect("three segments");
    (message.to_owned(), KEY.sign(message.as_bytes()))
}

/// Good tokens, one after another, until there is one whose signature will do.
fn parts_where<T>(fits: impl Fn(&[u8]) -> Option<T>) -> (String, T) {
    (0..10_000)
        .find_map(|number| {
            let (message, signature) = parts_of(&good().claim("/jti", number.to_string()).token());
            fits(&signature).map(|it| (message, it))
        })
        .expect("one in 256 does")
}

fn bytes() -> Vec<Row> {
    let (message, right) = parts();
    let flipped = |place: usize, bit: u8| {
        let mut signature = right.clone();
        signature[place] ^= bit;
        signature
    };
    let reversed: Vec<u8> = right.iter().rev().copied().collect();
    let signatures = [
        ("one byte", vec![right[0]]),
        ("without its last byte", right[..255].to_vec()),
        ("without its first byte", right[1..].to_vec()),
        ("half of it", right[..128].to_vec()),
        (
            "a byte more, which is one character",
            [&*right, &[0]].concat(),
        ),
        ("a zero before it", [&[0], &*right].concat()),
        ("256 zeros before it", [&[0; 256], &*right].concat()),
        ("twice", [&*right, &*right].concat()),
        ("in reverse", reversed),
        (
            "as DER has it",
            [&[0x03, 0x82, 0x01, 0x01, 0x00], &*right].concat(),
        ),
        ("as a text", b64(&right).into_bytes()),
        ("zeros", vec![0; 256]),
        ("ones", vec![0xff; 256]),
        ("zeros, too few", vec![0; 64]),
        ("4 KiB of it", right.repeat(16)),
        ("its first bit flipped", flipped(0, 0x80)),
        ("its last bit flipped", flipped(255, 1)),
        ("a bit flipped inside", flipped(128, 0x10)),
    ];
    signatures
        .into_iter()
        .map(|(name, signature)| {
            Row::token(name, format!("{message}.{}", b64(signature)), BAD_SIGNATURE)
        })
        .collect()
}

/// Other numbers that are the same to the modulus, and the numbers that sign themselves.
fn numbers() -> Vec<Row> {
    let modulus = PrivateKey::of(KEY).modulus;
    let (message, right) = parts();
    let mut one = vec![0; 256];
    one[255] = 1;
    let longer = sum(&right, &modulus, 257).expect("257 bytes hold it");
    let negative = difference(&modulus, &right);
    let last = difference(&modulus, &one);
    let (small_message, wrapped) = parts_where(|signature| sum(signature, &modulus, 256));
    let (zero_message, zero) =
        parts_where(|signature| (signature[0] == 0).then(|| signature.to_vec()));
    let row = |name: &str, message: &str, signature: &[u8], want| {
        Row::token(name, format!("{message}.{}", b64(signature)), want)
    };
    vec![
        row(
            "signature and modulus, 256 bytes",
            &small_message,
            &wrapped,
            BAD_SIGNATURE,
        ),
        row(
            "signature and modulus, 257 bytes",
            &message,
            &longer,
            BAD_SIGNATURE,
        ),
        row("modulus less signature", &message, &negative, BAD_SIGNATURE),
        row("the modulus", &message, &modulus, BAD_SIGNATURE),
        row("the modulus less one", &message, &last, BAD_SIGNATURE),
        row("one", &message, &one, BAD_SIGNATURE),
        row(
            "a signature that begins with a zero",
            &zero_message,
            &zero,
            Want::Accepted,
        ),
        row(
            "the same without the zero",
            &zero_message,
            &zero[1..],
            BAD_SIGNATURE,
        ),
    ]
}

/// base64url has one spelling for each signature here.
fn texts() -> Vec<Row> {
    let (message, right) = parts_where(|signature| {
        let text = STANDARD.encode(signature);
        (text.contains('+') && text.contains('/')).then(|| signature.to_vec())
    });
    let text = b64(&right);
    let (most, last) = text.split_at(text.len() - 1);
    // 256 bytes leave four bits over in the last character; one of them set is another text.
    let next = |letter: char| char::from(letter as u8 + 1);
    let last = last.chars().next().map(next).expect("one character");
    let cut = text.split_at(100);
    let texts = [
        ("padded", format!("{text}==")),
        ("padded by one", format!("{text}=")),
        ("a bit set that is left over", format!("{most}{last}")),
        ("three characters too many", format!("{text}AAA")),
        ("the standard alphabet", STANDARD.encode(&right)),
        (
            "the standard alphabet without padding",
            STANDARD.encode(&right).replace('=', ""),
        ),
        ("a space inside", format!("{} {}", cut.0, cut.1)),
        ("a tab inside", format!("{}\t{}", cut.0, cut.1)),
        ("a plus for a character", text.replacen('-', "+", 1)),
        ("percent signs", text.replacen('-', "%2D", 1)),
        ("an asterisk after it", format!("{text}*")),
        ("a semicolon after it", format!("{text};x=1")),
        ("a comma after it", format!("{text},")),
        ("in quotes", format!("\"{text}\"")),
    ];
    texts
        .into_iter()
        .map(|(name, text)| Row::token(name, format!("{message}.{text}"), MALFORMED))
        .collect()
}

/// A true signature, of something else.
fn swapped() -> Vec<Row> {
    let (message, right) = parts();
    let (header, payload) = message.split_once('.').expect("two segments");
    let other = good().claim("/jti", "another");
    let (other_message, other_signature) = parts_of(&other.token());
    let (_, other_payload) = other_message.split_once('.').expect("two segments");
    let reordered = b64(header_with("x", 1));
    let of = |message: &str| b64(KEY.sign(message.as_bytes()));
    let right = b64(right);
    let spaced = good().claims.to_string().replacen(':', ": ", 1);
    let tokens = [
        (
            "two tokens' signatures swapped",
            format!("{message}.{}", b64(&other_signature)),
        ),
        (
            "two tokens' signatures swapped, the other way",
            format!("{other_message}.{right}"),
        ),
        (
            "another payload",
            format!("{header}.{other_payload}.{right}"),
        ),
        ("another header", format!("{reordered}.{payload}.{right}")),
        (
            "the same claims with a space",
            format!("{header}.{}.{right}", b64(spaced)),
        ),
        (
            "a signature of the payload alone",
            format!("{message}.{}", of(payload)),
        ),
        (
            "a signature of the claims, not encoded",
            format!("{message}.{}", of(&good().claims.to_string())),
        ),
        (
            "a signature of header and payload without a dot",
            format!("{message}.{}", of(&format!("{header}{payload}"))),
        ),
        (
            "a signature of the message and a dot",
            format!("{message}.{}", of(&format!("{message}."))),
        ),
        (
            "a signature of the whole token",
            format!("{message}.{}", of(&format!("{message}.{right}"))),
        ),
        ("a signature of nothing", format!("{message}.{}", of(""))),
    ];
    let mut rows: Vec<Row> = tokens
        .into_iter()
        .map(|(name, token)| Row::token(name, token, BAD_SIGNATURE))
        .collect();
    let empty = seal(format!("{header}."));
    rows.push(Row::token(
        "an empty payload, truly signed",
        empty,
        MALFORMED,
    ));
    rows
}
