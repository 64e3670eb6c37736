//! What holds of any name: it is what the platform's own expression takes, and nothing else.

use proptest::prelude::*;

use super::*;

/// JavaScript's `\s`, character by character (ECMA-262, 12.2 and 12.3).
const SPACES: &str = "\t\n\u{b}\u{c}\r \u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\
    \u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}";

fn near_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9:._#-]{0,70}",
        "[a-z0-9:._-]{0,4}",
        "[a-z.-]{1,8}",
        "[a-zA-Z0-9:._# \t\u{a0}\u{2003}\u{feff}\u{85}\u{200b}-]{0,12}",
        "[ \t\n\u{2003}]{0,3}",
        "k{495,505}",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn a_key_is_what_the_platforms_expression_takes(text in near_name()) {
        let space = |symbol| SPACES.contains(symbol);
        let allowed = |symbol: char| {
            symbol.is_ascii_alphanumeric() || ":._-#".contains(symbol) || space(symbol)
        };
        let taken = (1..=500).contains(&text.chars().count())
            && text.chars().all(allowed)
            && !text.chars().all(space);
        let key = Key::new(&*text);
        prop_assert_eq!(key.is_ok(), taken, "{:?}", text);
        if let Ok(key) = key {
            prop_assert_eq!(key.as_str(), &text);
            prop_assert_eq!(key.to_string().parse::<Key>().unwrap(), key.clone());
            let json = serde_json::to_string(&key).unwrap();
            prop_assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
        }
    }

    #[test]
    fn an_entity_name_is_what_the_platforms_expression_takes(text in near_name()) {
        let allowed = |symbol: char| {
            symbol.is_ascii_lowercase() || symbol.is_ascii_digit() || ":-_.".contains(symbol)
        };
        let taken = (3..=60).contains(&text.chars().count())
            && text.chars().all(allowed)
            && !text.starts_with('.')
            && !text.starts_with('-')
            && !text.ends_with('.')
            && !text.contains("..");
        prop_assert_eq!(EntityName::new(&*text).is_ok(), taken, "{:?}", text);
    }

    #[test]
    fn an_index_name_is_what_the_platforms_expression_takes(text in near_name()) {
        let allowed = |symbol: char| symbol.is_ascii_alphanumeric() || ":-_.".contains(symbol);
        let taken = (3..=50).contains(&text.chars().count()) && text.chars().all(allowed);
        prop_assert_eq!(IndexName::new(&*text).is_ok(), taken, "{:?}", text);
    }
}
