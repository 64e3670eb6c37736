//! Texts that must not be seen: tokens and keys.
//!
//! ```
//! use forge_remote::Secret;
//!
//! #[derive(Debug)]
//! struct Settings { webhook_key: Secret }
//!
//! let settings = Settings { webhook_key: Secret::new("k3y".to_owned()) };
//! assert_eq!(format!("{settings:?}"), "Settings { webhook_key: [redacted] }");
//! ```

use std::{fmt, sync::Arc};

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

/// A text that neither `Debug`, `Display` nor `Serialize` shows, wiped when its last owner drops it.
///
/// A clone shares the text. What is read with [`expose`](Self::expose) is the caller's to guard.
///
/// ```
/// use forge_remote::Secret;
/// let secret = Secret::new("s3cret".to_owned());
/// assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
/// assert_eq!(secret.expose(), "s3cret");
/// ```
///
/// Nothing that is serialised can hold one:
///
/// ```compile_fail,E0277
/// # use forge_remote::Secret;
/// fn answer(body: impl serde::Serialize) {}
/// answer(Secret::new("s3cret".to_owned()));
/// ```
#[derive(Clone)]
pub struct Secret {
    held: Held,
    /// Where the secret begins: before it stands what it is sent with.
    from: usize,
}

#[derive(Clone)]
struct Held(Arc<SecretString>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        let text = if text.len() == text.capacity() {
            SecretString::from(text)
        } else {
            // To take its spare room away moves a text, and leaves the first copy behind.
            SecretString::from(Zeroizing::new(text).as_str())
        };
        Self {
            held: Held(Arc::new(text)),
            from: 0,
        }
    }

    /// A copy of the text, kept behind `prefix`, so that both can be sent as one without
    /// another copy.
    pub(crate) fn behind(prefix: &'static str, text: &str) -> Self {
        // Room for both at once: growing would leave a copy behind that nobody wipes.
        let mut whole = String::with_capacity(prefix.len() + text.len());
        whole.push_str(prefix);
        whole.push_str(text);
        Self {
            from: prefix.len(),
            ..Self::new(whole)
        }
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        let whole = self.held.0.expose_secret();
        whole.get(self.from..).unwrap_or(whole)
    }

    /// The text and what it was put behind, as bytes. They are this secret's own, and are
    /// wiped with it when the last of both is dropped.
    pub(crate) fn whole(&self) -> Bytes {
        Bytes::from_owner(self.held.clone())
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl PartialEq for Secret {
    /// Takes the same time wherever the texts differ.
    fn eq(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(
            self.expose().as_bytes(),
            other.expose().as_bytes(),
        )
        .is_ok()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_compare_by_their_text() {
        assert_eq!(Secret::new("a".into()), Secret::new("a".into()));
        assert_ne!(Secret::new("a".into()), Secret::new("b".into()));
        assert_ne!(Secret::new("a".into()), Secret::new("aa".into()));
        assert_eq!(Secret::behind("Bearer ", "a"), Secret::new("a".into()));
    }

    #[test]
    fn what_a_secret_is_sent_with_is_no_part_of_it() {
        let secret = Secret::behind("Bearer ", "s3cret");
        assert_eq!(secret.expose(), "s3cret");
        let whole = secret.whole();
        drop(secret);
        assert_eq!(whole, "Bearer s3cret");
    }

    #[test]
    fn what_is_sent_is_not_a_copy() {
        let secret = Secret::behind("Bearer ", "s3cret");
        assert_eq!(secret.whole().as_ptr(), secret.whole().as_ptr());
    }

    /// The memory of this process, as the system shows it: also where nobody owns it any more.
    #[cfg(target_os = "linux")]
    mod memory {
        use std::{fs::File, os::unix::fs::FileExt};

        use super::*;

        /// Long enough that what an allocator writes into a free place hides nothing.
        fn text() -> String {
            "s3cret-".repeat(64)
        }

        struct Place {
            address: u64,
            length: usize,
        }

        impl Place {
            fn of(bytes: &[u8]) -> Self {
                Self {
                    address: u64::try_from(bytes.as_ptr().addr()).unwrap(),
                    length: bytes.len(),
                }
            }

            fn holds_the_secret(&self) -> bool {
                let mut bytes = vec![0; self.length];
                let memory = File::open("/proc/self/mem").unwrap();
                memory.read_exact_at(&mut bytes, self.address).unwrap();
                String::from_utf8_lossy(&bytes).contains("s3cret")
            }
        }

        #[test]
        fn a_secret_is_wiped_when_its_last_owner_drops_it() {
            let secret = Secret::new(text());
            let place = Place::of(secret.expose().as_bytes());
            let another = secret.clone();
            drop(secret);
            assert!(place.holds_the_secret());
            drop(another);
            assert!(!place.holds_the_secret());
        }

        #[test]
        fn a_text_with_room_to_spare_leaves_no_copy_behind() {
            let mut roomy = String::with_capacity(4096);
            roomy.push_str(&text());
            let place = Place::of(roomy.as_bytes());
            assert!(place.holds_the_secret());
            let secret = Secret::new(roomy);
            assert!(!place.holds_the_secret());
            assert_eq!(secret.expose(), text());
        }

        #[test]
        fn what_is_sent_is_wiped_when_its_last_owner_drops_it() {
            let secret = Secret::behind("Bearer ", &text());
            let whole = secret.whole();
            let place = Place::of(&whole);
            let sent = whole.clone();
            drop((secret, whole));
            assert!(place.holds_the_secret());
            drop(sent);
            assert!(!place.holds_the_secret());
        }
    }
}
