//! Values, written as JSON within the platform's limits.

use std::io;

use serde::Serialize;
use serde_json::value::RawValue;

use super::StorageError;

/// "240 KiB raw" (Forge storage REST).
pub(super) const MOST_BYTES: usize = 240 * 1024;

/// The limits page says 31, the error text 32: the lower is safe.
pub(super) const MOST_DEPTH: usize = 31;

/// A value as it is sent.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Box<RawValue>, StorageError> {
    let mut bounded = Bounded::default();
    if let Err(error) = serde_json::to_writer(&mut bounded, value) {
        return Err(if bounded.full {
            StorageError::TooLarge {
                what: "a value",
                limit: MOST_BYTES,
            }
        } else {
            StorageError::Unwritable(error)
        });
    }
    let text = String::from_utf8(bounded.bytes).map_err(|error| {
        // serde_json writes UTF-8.
        StorageError::Unwritable(serde::ser::Error::custom(error.utf8_error()))
    })?;
    if text == "null" {
        return Err(StorageError::Null);
    }
    if depth(&text) > MOST_DEPTH {
        return Err(StorageError::TooDeep { limit: MOST_DEPTH });
    }
    RawValue::from_string(text).map_err(StorageError::Unwritable)
}

/// Objects and lists within each other; a plain value has none.
fn depth(json: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in json.bytes() {
        if quoted {
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Takes no more than a value may have, so that a larger one is not written to its end.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if more.len() > MOST_BYTES - self.bytes.len() {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_value_may_have_240_kib_and_no_byte_more() {
        let quoted = |length: usize| "x".repeat(length - 2);
        assert!(write(&quoted(MOST_BYTES)).is_ok());
        let error = write(&quoted(MOST_BYTES + 1)).unwrap_err();
        assert!(matches!(
            error,
            StorageError::TooLarge { limit: 245_760, .. }
        ));
        // Bytes are counted as they are sent.
        assert!(write(&"ü".repeat(MOST_BYTES / 2)).is_err());
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!(1), |inner, level| match level % 2 {
            0 => json!([inner]),
            _ => json!({ "a": inner }),
        })
    }

    #[test]
    fn a_value_may_be_31_deep_and_no_deeper() {
        assert!(write(&nested(31)).is_ok());
        assert!(matches!(
            write(&nested(32)).unwrap_err(),
            StorageError::TooDeep { limit: 31 }
        ));
    }

    #[test]
    fn brackets_in_texts_are_no_depth() {
        for (json, deep) in [
            ("1", 0),
            (r#""[[[""#, 0),
            (r#""\"[[\\\"{""#, 0),
            (r#"["\\",["\""]]"#, 2),
            ("[[],{},[[]]]", 3),
            (r#"{"a[":{"b\\":[]}}"#, 3),
        ] {
            assert_eq!(depth(json), deep, "{json}");
        }
    }

    fn any_json() -> impl Strategy<Value = (Value, usize)> {
        let leaf = r#"[\[\]{}"\\,:a]{0,8}"#.prop_map(|text| (Value::String(text), 0));
        leaf.prop_recursive(6, 40, 4, |inner| {
            let deepest = |inner: &[(Value, usize)]| inner.iter().map(|(_, deep)| *deep).max();
            let list = prop::collection::vec(inner.clone(), 0..4).prop_map(move |inner| {
                let deep = deepest(&inner).unwrap_or(0) + 1;
                (inner.into_iter().map(|(value, _)| value).collect(), deep)
            });
            let object = (r#"["\\{\[]{0,3}"#, inner).prop_map(|(key, (value, deep))| {
                let fields = serde_json::Map::from_iter([(key, value)]);
                (Value::Object(fields), deep + 1)
            });
            prop_oneof![list, object]
        })
    }

    proptest! {
        #[test]
        fn depth_is_counted_whatever_the_texts_hold((value, deep) in any_json()) {
            prop_assert_eq!(depth(&value.to_string()), deep);
        }
    }

    #[test]
    fn null_is_refused_and_false_is_not() {
        assert!(matches!(write(&()).unwrap_err(), StorageError::Null));
        assert!(matches!(
            write(&None::<u8>).unwrap_err(),
            StorageError::Null
        ));
        for value in [json!(false), json!(0), json!(""), json!([null])] {
            assert_eq!(write(&value).unwrap().get(), value.to_string());
        }
    }

    #[test]
    fn what_is_no_json_is_told_so() {
        let map = BTreeMap::from([(vec![1_u8], 1)]);
        assert!(matches!(
            write(&map).unwrap_err(),
            StorageError::Unwritable(_)
        ));
    }
}
