//! The token as text: a JWS in compact form, taken apart and not trusted.

use memchr::{memchr, memrchr};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{
    base64url,
    error::{FitError, Malformed},
    text::Text,
};

/// A FIT with a licence and several products has about 2 KB. Eight times as much
/// leaves room for the free-form `context.extension`, and is what proxies and
/// HTTP/2 stacks commonly take for all headers together. What is longer is not
/// worth the work of decoding it.
const TOKEN_BYTES: usize = 16 * 1024;

/// Encoded. The header is `alg`, `typ` and `kid`, about 100 bytes.
const HEADER_BYTES: usize = 4 * 1024;

/// In characters. The platform's key ids are a path with a UUID, under 70.
const KEY_ID_CHARS: usize = 256;

/// The parts of a token, cut and not read. Nobody has checked the signature yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnverifiedJws<'t> {
    /// The first segment, encoded.
    pub(super) header: &'t str,
    payload: &'t str,
    /// The third segment, encoded.
    pub(super) signature: &'t str,
    /// What the signature is of: the first two segments.
    pub(super) signed: &'t str,
}

/// The header's members that count. `jku`, `x5u`, `jwk` and `x5c` are not read:
/// a token has no say in which key it is verified with.
#[derive(Deserialize)]
struct UnverifiedHeader<'a> {
    #[serde(borrow, default)]
    alg: Text<'a>,
    #[serde(borrow, default)]
    kid: Text<'a>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'t> UnverifiedJws<'t> {
    /// Cuts the token into its parts.
    pub(super) fn cut(token: &'t str) -> Result<Self, FitError> {
        if token.len() > TOKEN_BYTES {
            return Err(Malformed::TooLarge { bytes: token.len() }.into());
        }
        let (signed, signature) = split_at_dot(token, memrchr)?;
        let (header, payload) = split_at_dot(signed, memchr)?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(Malformed::Segments.into());
        }
        Ok(Self {
            header,
            payload,
            signature,
            signed,
        })
    }

    /// The claims, as JSON text.
    pub(super) fn payload(&self) -> Result<Vec<u8>, Malformed> {
        // A fourth segment is found here: its dot is no base64url.
        decode(self.payload, "payload").map_err(|malformed| {
            if self.payload.contains('.') {
                Malformed::Segments
            } else {
                malformed
            }
        })
    }

    /// The signature's bytes.
    pub(super) fn signature(&self) -> Result<Vec<u8>, Malformed> {
        decode(self.signature, "signature")
    }

    /// The key that the token says it is signed with. Nothing but RS256 passes.
    pub(super) fn key_id(&self) -> Result<Box<str>, FitError> {
        key_id(self.header)
    }
}

/// What stands before and behind the dot that `find` finds: the standard library looks at one
/// byte after the other.
fn split_at_dot(
    text: &str,
    find: fn(u8, &[u8]) -> Option<usize>,
) -> Result<(&str, &str), Malformed> {
    let dot = find(b'.', text.as_bytes()).ok_or(Malformed::Segments)?;
    Ok((&text[..dot], &text[dot + 1..]))
}

fn key_id(header: &str) -> Result<Box<str>, FitError> {
    if header.len() > HEADER_BYTES {
        return Err(Malformed::Header.into());
    }
    let json = decode(header, "header")?;
    let header: UnverifiedHeader<'_> = object(&json).map_err(|_| Malformed::Header)?;
    if header.alg.as_deref() != Some("RS256") {
        return Err(FitError::UnsupportedAlgorithm);
    }
    if header.crit {
        return Err(Malformed::CriticalHeader.into());
    }
    match header.kid.into_boxed() {
        Some(kid) if is_key_id(&kid) => Ok(kid),
        _ => Err(Malformed::KeyId.into()),
    }
}

/// Whether a text can be a key id, in a token or in a key set.
pub(super) fn is_key_id(text: &str) -> bool {
    !text.is_empty() && (text.len() <= KEY_ID_CHARS || text.chars().count() <= KEY_ID_CHARS)
}

/// A JSON object. serde would also take an array for a struct, member by member.
pub(super) fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    // UTF-8 is checked in one go, which is faster than text by text.
    match std::str::from_utf8(json) {
        Ok(text) if text.trim_ascii_start().starts_with('{') => serde_json::from_str(text),
        _ => Err(serde::de::Error::custom("not an object")),
    }
}

fn decode(segment: &str, name: &'static str) -> Result<Vec<u8>, Malformed> {
    base64url::decode(segment).map_err(|_| Malformed::Encoding(name))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::fit::testing::{KID, SigningKey};

    fn parse(token: &str) -> Result<String, FitError> {
        let jws = UnverifiedJws::cut(token)?;
        let key_id = jws.key_id()?;
        jws.payload()?;
        jws.signature()?;
        Ok(key_id.into())
    }

    fn headed(header: &str) -> Result<String, FitError> {
        parse(&format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header)))
    }

    #[test]
    fn a_token_is_taken_apart() {
        let token = SigningKey::a().jws(&json!({"alg": "RS256", "kid": KID}).to_string(), "{}");
        let jws = UnverifiedJws::cut(&token).unwrap();
        assert_eq!(&*jws.key_id().unwrap(), KID);
        assert_eq!(jws.payload().unwrap(), b"{}");
        assert_eq!(jws.signature().unwrap().len(), 256);
        assert_eq!(token, format!("{}.{}", jws.signed, jws.signature));
    }

    #[test]
    fn exactly_three_segments_are_wanted() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"k"}"#);
        assert!(parse(&format!("{header}.e30.c2ln")).is_ok());
        for token in [
            String::new(),
            "..".to_owned(),
            header.clone(),
            format!("{header}.e30"),
            format!("{header}.e30."),
            format!("{header}..c2ln"),
            format!(".{header}.c2ln"),
            format!("{header}.e30.c2ln."),
            format!(".{header}.e30.c2ln"),
            format!("{header}.e30.e30.c2ln"),
            format!("{header}.e30..c2ln"),
        ] {
            assert_eq!(parse(&token), Err(Malformed::Segments.into()), "{token:?}");
        }
    }

    #[test]
    fn only_strict_base64url_is_taken() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"k"}"#);
        for odd in ["e30=", "e3 0", "e30\n", "e31", "e+/0", "ä", "e"] {
            for token in [
                format!("{header}.{odd}.c2ln"),
                format!("{header}.e30.{odd}"),
                format!("{odd}.e30.c2ln"),
            ] {
                let outcome = parse(&token);
                assert!(
                    matches!(
                        outcome,
                        Err(FitError::MalformedToken(Malformed::Encoding(_)))
                    ),
                    "{token:?} {outcome:?}"
                );
            }
        }
    }

    #[test]
    fn nothing_but_rs256_is_taken() {
        for alg in [
            json!("none"),
            json!("None"),
            json!("HS256"),
            json!("RS384"),
            json!("PS256"),
            json!("ES256"),
            json!("rs256"),
            json!("RS256 "),
            json!(null),
            json!(["RS256"]),
            json!(256),
        ] {
            let header = json!({"alg": alg, "kid": "k"}).to_string();
            assert_eq!(
                headed(&header),
                Err(FitError::UnsupportedAlgorithm),
                "{alg}"
            );
        }
        assert_eq!(
            headed(r#"{"kid":"k"}"#),
            Err(FitError::UnsupportedAlgorithm)
        );
    }

    #[test]
    fn a_header_that_demands_extensions_is_refused() {
        for crit in ["[]", "[\"exp\"]", "null", "false"] {
            let header = format!(r#"{{"alg":"RS256","kid":"k","crit":{crit}}}"#);
            assert_eq!(
                headed(&header),
                Err(Malformed::CriticalHeader.into()),
                "{crit}"
            );
        }
    }

    #[test]
    fn a_key_id_is_a_text_of_up_to_256_characters() {
        let with = |kid| headed(&json!({"alg": "RS256", "kid": kid}).to_string());
        let longest = "ü".repeat(256);
        assert_eq!(with(json!(longest)), Ok(longest));
        for odd in [
            json!(""),
            json!("k".repeat(257)),
            json!(5),
            json!(null),
            json!(["k"]),
        ] {
            assert_eq!(with(odd.clone()), Err(Malformed::KeyId.into()), "{odd}");
        }
        assert_eq!(headed(r#"{"alg":"RS256"}"#), Err(Malformed::KeyId.into()));
    }

    #[test]
    fn keys_that_the_token_brings_along_are_not_read() {
        let own = SigningKey::b().jwk("k");
        let header = json!({"alg": "RS256", "kid": "k", "jwk": own, "jku": "https://evil.example/",
            "x5u": 5, "x5c": [[]], "typ": null});
        assert_eq!(headed(&header.to_string()), Ok("k".to_owned()));
    }

    #[test]
    fn a_header_is_one_modest_json_object() {
        let long = format!(r#"{{"alg":"RS256","kid":"k","x":"{}"}}"#, "x".repeat(3100));
        for header in [
            "null",
            "[\"RS256\",\"k\"]",
            "{\"alg\":\"RS256\",\"kid\":\"k\"",
            "{\"alg\":\"RS256\",\"kid\":\"k\"} {}",
            "{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"k\"}",
            "{\"alg\":\"RS256\",\"kid\":\"k\",\"kid\":\"l\"}",
            "{\"alg\":\"RS256\",\"kid\":\"\u{0}\"}",
            &long,
        ] {
            assert_eq!(headed(header), Err(Malformed::Header.into()), "{header}");
        }
    }

    #[test]
    fn an_oversized_token_is_refused_before_it_is_decoded() {
        let bytes = TOKEN_BYTES + 1;
        let token = "%".repeat(bytes);
        assert_eq!(parse(&token), Err(Malformed::TooLarge { bytes }.into()));
        assert_eq!(parse(&token[1..]), Err(Malformed::Segments.into()));
    }
}
