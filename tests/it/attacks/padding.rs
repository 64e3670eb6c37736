//! Forgeries of the padding of RSASSA-PKCS1-v1_5: blocks that are not the one block that
//! stands for a message, signed by the true key or made up for exponent 3.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, digest};

use super::{
    row::{BAD_SIGNATURE, Row, Want},
    scene::{EXPONENT_3_KID, b64, header, header_with, message},
    textbook::{PrivateKey, cube_root_above},
};
use crate::support::keys::{EXPONENT_3_KEY, KEY};

/// DER of `DigestInfo` up to the hash, for SHA-256 as RFC 8017 has it.
const SHA256_INFO: &[u8] =
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const SHA384_INFO: &[u8] =
    b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30";
const SHA1_INFO: &[u8] = b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";

/// Bytes of a block: those of the modulus.
const LENGTH: usize = 256;

/// The one block that stands for `message`.
pub(super) fn block(message: &[u8]) -> Vec<u8> {
    padded(&info(SHA256_INFO, &SHA256, message))
}

fn info(der: &[u8], hash: &'static Algorithm, message: &[u8]) -> Vec<u8> {
    [der, digest(hash, message).as_ref()].concat()
}

/// `00 01 ff … ff 00`, and `inside`.
fn padded(inside: &[u8]) -> Vec<u8> {
    let ff = vec![0xff; LENGTH - 3 - inside.len()];
    [&[0, 1], &*ff, &[0], inside].concat()
}

/// As [`padded`], with so many bytes of padding and `garbage` up to the end.
fn short(padding: usize, inside: &[u8], garbage: u8) -> Vec<u8> {
    let mut block = [&[0, 1], &*vec![0xff; padding], &[0], inside].concat();
    block.resize(LENGTH, garbage);
    block
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = signed_blocks();
    rows.extend(cube_roots());
    rows
}

/// Blocks that only the owner of the key can sign; a lenient verifier takes them, and with
/// a small exponent anybody can make one.
fn signed_blocks() -> Vec<Row> {
    let message = message(&header().to_string());
    let text = message.as_bytes();
    let right = info(SHA256_INFO, &SHA256, text);
    let hash = &right[SHA256_INFO.len()..];
    let inside = |der: &[u8]| padded(&[der, hash].concat());
    let changed = |place: usize, byte: u8| {
        let mut block = block(text);
        block[place] = byte;
        block
    };
    let info_at = LENGTH - right.len();
    let key = PrivateKey::of(KEY);
    let row = |(name, block, want): (&str, Vec<u8>, Want)| {
        let signature = key.sign_block(&block);
        Row::token(name, format!("{message}.{}", b64(signature)), want)
    };
    let blocks = [
        ("the right block", block(text), Want::Accepted),
        ("no NULL in the DigestInfo", inside(b"\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20"), BAD_SIGNATURE),
        ("an empty text for NULL", inside(b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x00\x04\x20"), BAD_SIGNATURE),
        ("garbage for NULL", inside(b"\x30\x37\x30\x13\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x06abcdef\x04\x20"), BAD_SIGNATURE),
        ("a length in long form", inside(b"\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), BAD_SIGNATURE),
        ("a length without end", inside(b"\x30\x80\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), BAD_SIGNATURE),
        ("the id of SHA-384 before a SHA-256", inside(b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x20"), BAD_SIGNATURE),
        ("the id of SHA-512/256", inside(b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x06\x05\x00\x04\x20"), BAD_SIGNATURE),
        ("the id of SHA3-256", inside(b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x08\x05\x00\x04\x20"), BAD_SIGNATURE),
        ("SHA-384", padded(&info(SHA384_INFO, &SHA384, text)), BAD_SIGNATURE),
        ("SHA-1", padded(&info(SHA1_INFO, &SHA1_FOR_LEGACY_USE_ONLY, text)), BAD_SIGNATURE),
        ("a bare hash", padded(hash), BAD_SIGNATURE),
        ("the message without a hash", padded(&text[..200]), BAD_SIGNATURE),
        ("the hash of nothing", padded(&info(SHA256_INFO, &SHA256, b"")), BAD_SIGNATURE),
        ("one byte after the hash", padded(&[&*right, &[0]].concat()), BAD_SIGNATURE),
        ("eight bytes of padding, then zeros", short(8, &right, 0), BAD_SIGNATURE),
        ("eight bytes of padding, then ff", short(8, &right, 0xff), BAD_SIGNATURE),
        ("no padding", short(0, &right, 0), BAD_SIGNATURE),
        ("the hash at both ends", [&short(8, &right, 0)[..LENGTH - 32], hash].concat(), BAD_SIGNATURE),
        ("block type 0", changed(1, 0), BAD_SIGNATURE),
        ("block type 2", changed(1, 2), BAD_SIGNATURE),
        ("a hole in the padding", changed(100, 0), BAD_SIGNATURE),
        ("a flaw in the first byte of padding", changed(2, 0xfe), BAD_SIGNATURE),
        ("a flaw in the last byte of padding", changed(info_at - 2, 0xfe), BAD_SIGNATURE),
        ("no zero before the DigestInfo", changed(info_at - 1, 0xff), BAD_SIGNATURE),
        ("a flaw in the last bit of the hash", changed(LENGTH - 1, block(text)[LENGTH - 1] ^ 1), BAD_SIGNATURE),
    ];
    blocks.into_iter().map(row).collect()
}

/// Bleichenbacher 2006: a cube that begins with a valid block, for a verifier that does not
/// look at the end.
fn cube_roots() -> Vec<Row> {
    let message = message(&header_with("kid", EXPONENT_3_KID));
    let text = message.as_bytes();
    let token = |signature: &[u8]| format!("{message}.{}", b64(signature));
    let right = info(SHA256_INFO, &SHA256, text);
    let true_one = PrivateKey::of(EXPONENT_3_KEY).sign_block(&block(text));
    let forged = |padding| token(&cube_root_above(&short(padding, &right, 0)));
    let mut one = vec![0; LENGTH];
    one[LENGTH - 1] = 1;
    vec![
        Row::token("exponent 3, truly signed", token(&true_one), Want::Accepted),
        Row::token("a cube root, one byte of padding", forged(1), BAD_SIGNATURE),
        Row::token(
            "a cube root, eight bytes of padding",
            forged(8),
            BAD_SIGNATURE,
        ),
        Row::token("a cube root, no padding", forged(0), BAD_SIGNATURE),
        Row::token(
            "the root of the whole block",
            token(&cube_root_above(&block(text))),
            BAD_SIGNATURE,
        ),
        Row::token("the root of one", token(&one), BAD_SIGNATURE),
    ]
}
