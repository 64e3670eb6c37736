//! Headers that have come with verified tokens, so that the same one is not read again.
//!
//! All tokens of a key have the same header, to the byte: what it says was worked out
//! when the first of them came.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// Two keys while they rotate, in each of a few key sets. What comes beyond starts anew.
const MOST: usize = 16;

/// Encoded headers with the key ids in them.
#[derive(Default)]
pub(super) struct KnownHeaders(ArcSwap<Vec<Known>>);

#[derive(Clone)]
struct Known {
    header: Arc<str>,
    key_id: Arc<str>,
}

impl KnownHeaders {
    /// The key id in that encoded header, if a verified token had it.
    pub(super) fn key_id(&self, header: &str) -> Option<Arc<str>> {
        let known = self.0.load();
        let known = known.iter().find(|known| &*known.header == header)?;
        Some(Arc::clone(&known.key_id))
    }

    /// Takes in the header of a token whose signature holds. It has passed every rule, and
    /// it is no longer than a token's header may be.
    pub(super) fn add(&self, header: &str, key_id: &Arc<str>) {
        let header: Arc<str> = header.into();
        self.0.rcu(|known| {
            let mut all = Vec::clone(known);
            if all.len() >= MOST {
                all.clear();
            }
            all.push(Known {
                header: Arc::clone(&header),
                key_id: Arc::clone(key_id),
            });
            all
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_known_once_it_was_added_and_no_other_is() {
        let headers = KnownHeaders::default();
        assert_eq!(headers.key_id("a"), None);
        headers.add("a", &"1".into());
        assert_eq!(headers.key_id("a").as_deref(), Some("1"));
        assert_eq!(headers.key_id("A"), None);
        assert_eq!(headers.key_id(""), None);
    }

    #[test]
    fn their_number_is_bounded() {
        let headers = KnownHeaders::default();
        for n in 0..10 * MOST {
            headers.add(&n.to_string(), &n.to_string().into());
            assert!(headers.0.load().len() <= MOST);
            assert!(headers.key_id(&n.to_string()).is_some());
        }
    }
}
