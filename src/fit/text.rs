//! A JSON value that ought to be a text.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A value that ought to be a text, read without an error if it is none: what is
/// wrong then has a code of its own, or does not matter.
///
/// Borrows where the JSON has no escapes. serde's own `Option<Cow<str>>` never does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text, if it is one.
    pub(super) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text to keep, if it is one.
    pub(super) fn into_boxed(self) -> Option<Box<str>> {
        self.0.map(|text| text.into_owned().into_boxed_str())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_but_a_text_is_read_as_none() {
        for json in [
            "null",
            "true",
            "1",
            "-1",
            "1.5",
            "[\"a\", [1]]",
            "{\"a\": {}}",
        ] {
            let text: Text<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(text.as_deref(), None, "{json}");
        }
    }

    #[test]
    fn a_text_is_borrowed_unless_it_has_escapes() {
        let plain: Text<'_> = serde_json::from_str("\"a/b\"").unwrap();
        assert!(matches!(plain, Text(Some(Cow::Borrowed("a/b")))));
        let escaped: Text<'_> = serde_json::from_str(r#""a\/b""#).unwrap();
        assert_eq!(escaped.as_deref(), Some("a/b"));
    }
}
