//! What holds of any text that claims to be a token.

use proptest::prelude::*;

use super::*;

fn near_token() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|exp| jwt(&format!(r#"{{"exp":{exp},"x":[{exp}]}}"#))),
        "\\PC{0,30}".prop_map(|payload| jwt(&payload)),
        "[a-zA-Z0-9._-]{0,40}",
        "[ -~]{0,40}",
        any::<String>(),
    ]
}

fn jwt(payload: &str) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
}

proptest! {
    #[test]
    fn a_token_is_visible_ascii_and_lives_four_hours_at_most(text in near_token(), now: i64) {
        let now = Timestamp::from_unix(now);
        let visible = !text.is_empty() && text.bytes().all(|byte| (0x21..0x7f).contains(&byte));
        let token = AppToken::received(text.clone(), now);
        prop_assert_eq!(token.is_ok(), visible, "{:?}", text);
        let Ok(token) = token else { return Ok(()) };
        prop_assert!(token.expires_at() <= now.plus(Duration::from_hours(4)));
        prop_assert_eq!(token.secret().expose(), &text);
        let sent = token.authorization();
        prop_assert_eq!(sent.to_str().unwrap(), format!("Bearer {text}"));
        prop_assert!(sent.is_sensitive());
    }

    #[test]
    fn a_jwt_says_when_it_lapses(now in 0_i64..1 << 40, left in -10_i64..=4 * 3600) {
        let exp = now + left;
        prop_assume!(exp > 0);
        let text = jwt(&format!(r#"{{"sub":"\u0000","exp":{exp}}}"#));
        let token = UserToken::received(text, Timestamp::from_unix(now)).unwrap();
        prop_assert_eq!(token.expires_at().unix(), exp);
        prop_assert_eq!(token.lives_at(Timestamp::from_unix(now)), left > 60);
    }

    #[test]
    fn what_lives_lived_before(expires: i64, one: i64, other: i64) {
        let token = AccountToken::expiring("t".to_owned(), Timestamp::from_unix(expires)).unwrap();
        let lives = |at| token.lives_at(Timestamp::from_unix(at));
        prop_assert!(lives(one.min(other)) || !lives(one.max(other)));
    }

    #[test]
    fn no_token_is_printed(text in "[!-~]{24,80}") {
        let token = AppToken::received(text.clone(), Timestamp::from_unix(1_785_312_000)).unwrap();
        let printed = format!("{token:?} {token:#?} {:?} {:?}", token.secret(), token.authorization());
        prop_assert!(!printed.contains(&text));
    }
}
