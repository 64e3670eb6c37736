//! A struct that is written as a JSON object, and as nothing else.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A `T` that was an object. serde alone takes an array for a struct too, member by member,
/// which no other reader of the claims would.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_no_struct() {
        #[derive(Deserialize)]
        struct Pair<'a> {
            a: &'a str,
            b: Option<u8>,
        }
        let read = |json| serde_json::from_str::<Object<Pair<'_>>>(json);
        let Object(pair) = read(r#"{"b": 1, "a": "x"}"#).unwrap();
        assert_eq!((pair.a, pair.b), ("x", Some(1)));
        for json in [r#"["x", 1]"#, "null", "\"x\"", "1", r#"{"b": 1}"#] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
