//! What may be stored: JSON within the platform's bounds.

use serde_json::Value;

use super::fault::{Code, Fault};

/// Largest value (Forge storage REST: 240 KiB raw).
const MAX_BYTES: usize = 240 * 1024;
/// Largest secret: the page about secrets has this lower figure, and the lower one is safe.
const MAX_SECRET_BYTES: usize = 128 * 1024;
/// Deepest nesting that every page of the documentation allows: one says 31, one 32.
const MAX_DEPTH: usize = 31;

/// A value that may be stored, and its length as JSON without spaces.
pub(super) struct Storable {
    pub(super) value: Value,
    pub(super) bytes: usize,
}

impl Storable {
    pub(super) fn value(value: Option<Value>) -> Result<Self, Fault> {
        Self::check(value, MAX_BYTES, "240 KiB")
    }

    pub(super) fn secret(value: Option<Value>) -> Result<Self, Fault> {
        Self::check(value, MAX_SECRET_BYTES, "128 KiB")
    }

    /// A value that is missing reads like `null`.
    fn check(value: Option<Value>, max: usize, words: &str) -> Result<Self, Fault> {
        let value = value.filter(|value| !value.is_null()).ok_or_else(|| {
            Fault::bad_request("There is no `value`, or it is null, which cannot be stored.")
        })?;
        if depth(&value) > MAX_DEPTH {
            let message = "A value nests at most 31 objects and arrays.";
            return Err(Fault::new(Code::MaxDepth, message));
        }
        let bytes = value.to_string().len();
        if bytes > max {
            let message = format!("The value has {bytes} bytes: at most {words} are stored.");
            return Err(Fault::new(Code::MaxSize, message));
        }
        Ok(Self { value, bytes })
    }
}

/// How many objects and arrays lie around the innermost scalar. The reader bounds the recursion at 128.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!(1), |inner, _| json!([inner]))
    }

    fn code(checked: Result<Storable, Fault>) -> Option<Code> {
        checked.err().map(|fault| fault.code)
    }

    #[test]
    fn nothing_and_null_are_refused_and_other_scalars_are_not() {
        for value in [None, Some(Value::Null)] {
            assert_eq!(code(Storable::value(value)), Some(Code::BadRequest));
        }
        for value in [
            json!(0),
            json!(""),
            json!(false),
            json!([]),
            json!({"a": null}),
        ] {
            assert_eq!(code(Storable::value(Some(value))), None);
        }
    }

    #[test]
    fn size_and_depth_end_where_the_platforms_do() {
        assert_eq!(code(Storable::value(Some(nested(31)))), None);
        assert_eq!(
            code(Storable::value(Some(nested(32)))),
            Some(Code::MaxDepth)
        );
        // Two bytes are the quotes.
        let text = |bytes: usize| Some(json!("x".repeat(bytes - 2)));
        assert_eq!(code(Storable::value(text(MAX_BYTES))), None);
        assert_eq!(
            code(Storable::value(text(MAX_BYTES + 1))),
            Some(Code::MaxSize)
        );
        assert_eq!(code(Storable::secret(text(MAX_SECRET_BYTES))), None);
        assert_eq!(
            code(Storable::secret(text(MAX_SECRET_BYTES + 1))),
            Some(Code::MaxSize)
        );
    }
}
