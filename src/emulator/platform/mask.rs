//! Tokens cut out of what people read.

use std::borrow::Cow;

use crate::secret::Secret;

/// How the header of a JWT and its claims begin: `{"` in base64.
const JWT_PART: &str = "eyJ";
const SHOWN_CHARS: usize = 8;

/// The text without tokens: an answer may echo one.
///
/// Of `tokens` neither the whole nor the signature alone is left. Whatever else looks like a
/// JWT goes too: one of an earlier request, one that the remote exchanged, or the beginning of
/// one at the end of a text that was cut.
pub(in crate::emulator) fn masked(text: &str, tokens: &[Secret]) -> String {
    let text = tokens
        .iter()
        .filter_map(|token| token.expose().rsplit_once('.'))
        .filter(|(_, signature)| signature.len() > SHOWN_CHARS)
        .fold(without_jwts(text), |text, (_, signature)| {
            text.replace(signature, &mask(signature))
        });
    tokens.iter().fold(text, |text, token| {
        text.replace(token.expose(), &mask(token.expose()))
    })
}

/// The first eight characters.
pub(in crate::emulator) fn mask(token: &str) -> String {
    let shown: String = token.chars().take(SHOWN_CHARS).collect();
    format!("{shown}…")
}

fn without_jwts(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(JWT_PART) {
        let (before, from_here) = rest.split_at(at);
        let end = from_here.find(|it| !is_of_jwt(it));
        let word = &from_here[..end.unwrap_or(from_here.len())];
        // The end of a sentence is none of a token.
        let (word, after) = from_here.split_at(word.trim_end_matches('.').len());
        kept.push_str(before);
        kept.push_str(&if is_jwt(word) {
            Cow::Owned(mask(word))
        } else {
            Cow::Borrowed(word)
        });
        rest = after;
    }
    kept + rest
}

/// Header and claims, with a signature or what was left of it.
fn is_jwt(word: &str) -> bool {
    word.split_once('.')
        .is_some_and(|(_, claims)| claims.starts_with(JWT_PART))
}

const fn is_of_jwt(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJhcHAifQ.c2lnbmF0dXJlLW9mLWl0";

    fn known() -> [Secret; 1] {
        [Secret::new(TOKEN.to_owned())]
    }

    #[test]
    fn a_token_is_cut_down_to_its_first_characters() {
        let text = format!(r#"{{"a":"{TOKEN}","b":"Bearer {TOKEN}"}}"#);
        let shown = r#"{"a":"eyJhbGci…","b":"Bearer eyJhbGci…"}"#;
        assert_eq!(masked(&text, &known()), shown);
        assert_eq!(masked(&text, &[]), shown, "one of another request");
        assert_eq!(masked(&format!("{TOKEN}. No."), &[]), "eyJhbGci…. No.");
        assert_eq!(
            masked("opaque", &[Secret::new("opaque".to_owned())]),
            "opaque…"
        );
    }

    #[test]
    fn the_beginning_of_a_token_at_the_end_of_a_cut_text_is_masked() {
        for cut in 1..20 {
            let text = format!("you sent {}", &TOKEN[..TOKEN.len() - cut]);
            assert_eq!(masked(&text, &known()), "you sent eyJhbGci…");
        }
    }

    #[test]
    fn a_signature_alone_is_masked() {
        let parts = TOKEN.split('.').collect::<Vec<_>>().join(" ");
        let shown = masked(&parts, &known());
        assert!(!shown.contains("c2lnbmF0dXJlLW9mLWl0"), "{shown}");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in ["", "eyJ", "eyJhIjoxfQ", "eyJ.eyes", "keyJar.x", "ä eyJä"] {
            assert_eq!(masked(text, &known()), text);
        }
    }
}
