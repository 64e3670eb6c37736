//! base64url as a token has it (RFC 7515, 2), strict: no padding, no spaces, no bits left over.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::NO_PAD};

/// With the vector instructions of this machine: a token has 2 KB, and decoding it one
/// character after the other takes a twentieth of the whole verification.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static STRICT: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static STRICT: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD));

/// The text is no strict base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotBase64Url;

/// The bytes that `text` stands for.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, NotBase64Url> {
    STRICT.decode(text).map_err(|_| NotBase64Url)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The engine with vector instructions is young: the plain one is the judge.
        #[test]
        fn any_text_is_read_as_the_plain_engine_reads_it(text in "[A-Za-z0-9_=+/ \n.-]{0,300}") {
            let plain = URL_SAFE_NO_PAD.decode(&text).ok();
            prop_assert_eq!(decode(&text).ok(), plain);
        }

        #[test]
        fn whatever_was_encoded_is_read_back(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&URL_SAFE_NO_PAD.encode(&bytes)), Ok(bytes));
        }

        /// One wrong character at any place, also where vectors end.
        #[test]
        fn one_foreign_character_anywhere_is_found(
            bytes in proptest::collection::vec(any::<u8>(), 1..300),
            at: prop::sample::Index,
            foreign in "[^A-Za-z0-9_-]",
        ) {
            let mut text = URL_SAFE_NO_PAD.encode(&bytes);
            let at = at.index(text.len());
            text.replace_range(at..=at, &foreign);
            prop_assert_eq!(decode(&text), Err(NotBase64Url));
        }
    }
}
