//! Paths with `{names}` in them, and the values that take the names' places.

use std::{borrow::Cow, fmt::Write};

/// A path cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with `/`, or holds `?`, `#`, `\`, `//`, `.` or `..` as a segment, or
    /// control characters.
    #[error(
        "the path must begin with `/` and hold no `?`, `#`, `\\`, `//`, `.` or `..`; use `.query` for a query"
    )]
    Malformed,
    /// A `{name}` in it was given no value.
    #[error("`{{{0}}}` in the path has no value; give it one with `.segment`")]
    Missing(String),
    /// A value was given for a name that is not in it.
    #[error("the path has no `{{{0}}}`")]
    Unknown(String),
    /// The value for that name is empty or would climb out of its place.
    #[error("the value of `{{{0}}}` is empty, or `.` or `..` is part of it")]
    Value(String),
}

/// Puts the values into the places of their names, each as one segment.
pub(super) fn fill<'a>(
    route: &'a str,
    values: &[(String, String)],
) -> Result<Cow<'a, str>, PathError> {
    if values.is_empty() && next_name(route).is_none() {
        return Ok(route.into());
    }
    let mut path = String::with_capacity(route.len() + 64);
    let mut used = 0;
    let mut rest = route;
    while let Some((before, name, after)) = next_name(rest) {
        let (_, value) = values
            .iter()
            .find(|(given, _)| given == name)
            .ok_or_else(|| PathError::Missing(name.to_owned()))?;
        path.push_str(before);
        push_segment(&mut path, name, value)?;
        used += 1;
        rest = after;
    }
    path.push_str(rest);
    if used < values.len() {
        let unknown = values.iter().find(|(name, _)| !has_name(route, name));
        if let Some((name, _)) = unknown {
            return Err(PathError::Unknown(name.clone()));
        }
    }
    Ok(path.into())
}

/// The next `{name}` and what stands around it.
///
/// A name is an identifier. Bitbucket writes its UUIDs in braces, and those stay as they
/// are: a UUID has hyphens, an identifier has none.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let inside = &text[open + 1..];
        let name = inside.split_once('}').map_or("", |(name, _)| name);
        if is_identifier(name) {
            return Some((&text[..open], name, &inside[name.len() + 1..]));
        }
        from = open + 1;
    }
    None
}

fn has_name(route: &str, name: &str) -> bool {
    is_identifier(name) && route.contains(&format!("{{{name}}}"))
}

fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn push_segment(path: &mut String, name: &str, value: &str) -> Result<(), PathError> {
    // Encoded separators are harmless here, but a gateway that decodes them before it
    // resolves dots would climb.
    if value.is_empty() || climbs(value) {
        return Err(PathError::Value(name.to_owned()));
    }
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    Ok(())
}

/// Whether `.` or `..` is a segment, percent-encoded or not, behind either kind of slash.
pub(super) fn climbs(path: &str) -> bool {
    let plain: Cow<'_, str> = if path.contains('%') {
        path.to_ascii_lowercase()
            .replace("%2e", ".")
            .replace("%2f", "/")
            .replace("%5c", "\\")
            .into()
    } else {
        path.into()
    };
    plain
        .split(['/', '\\'])
        .any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    fn filled<'a>(route: &'a str, values: &[(&str, &str)]) -> Result<Cow<'a, str>, PathError> {
        let values: Vec<_> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        fill(route, &values)
    }

    #[test]
    fn a_value_is_one_segment_whatever_it_holds() {
        assert_eq!(
            filled(
                "/a/{id}/b/{other}",
                &[("id", "x/y?z#ü %{other}"), ("other", "QUA-1~._")]
            )
            .unwrap(),
            "/a/x%2Fy%3Fz%23%C3%BC%20%25%7Bother%7D/b/QUA-1~._"
        );
    }

    #[test]
    fn a_name_may_stand_twice() {
        assert_eq!(filled("/{a}/{a}", &[("a", "1")]).unwrap(), "/1/1");
    }

    #[test]
    fn a_uuid_in_braces_is_no_name() {
        let path = "/2.0/repositories/{d41c7e90-3a5f-4b82-96e0-7c8b1f2a5d63}/{";
        assert_eq!(filled(path, &[]).unwrap(), path);
        assert_eq!(
            filled("/{d4-1}/{slug}", &[("slug", "s")]).unwrap(),
            "/{d4-1}/s"
        );
    }

    #[test]
    fn names_and_values_must_match() {
        assert_eq!(
            filled("/{id}", &[]).unwrap_err(),
            PathError::Missing("id".into())
        );
        assert_eq!(
            filled("/{id}", &[("id", "1"), ("di", "2")]).unwrap_err(),
            PathError::Unknown("di".into())
        );
    }

    #[test]
    fn no_value_leaves_its_place() {
        for value in [
            "", ".", "..", "../..", "a/../b", "..\\x", "%2e%2e", "..%2Fx", "a%5C..",
        ] {
            assert_eq!(
                filled("/{id}/x", &[("id", value)]).unwrap_err(),
                PathError::Value("id".into()),
                "{value:?}"
            );
        }
    }
}
