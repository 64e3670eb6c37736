//! What holds of any id: it prints as it was read, and holds nothing that could change a
//! URL, a header or a log line.

use std::{fmt::Display, str::FromStr};

use proptest::{prelude::*, sample::select};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::*;

const APP: &str = "ari:cloud:ecosystem::app/";
const INSTALLATION: &str = "ari:cloud:ecosystem::installation/";
const ENVIRONMENT: &str = "ari:cloud:ecosystem::environment/";

/// Texts that come close to an ARI, and some that do not.
fn near_ari() -> impl Strategy<Value = String> {
    let uuid = any::<u128>().prop_map(|bits| Uuid::from_u128(bits).to_string());
    let piece = prop_oneof![
        4 => uuid,
        2 => select(vec![APP, INSTALLATION, ENVIRONMENT]).prop_map(str::to_owned),
        1 => select(vec!["ari:", "/", "//", " ", "\t", "\n", "{", "}", "urn:uuid:", "..", "%2F", "ARI:"])
            .prop_map(str::to_owned),
        1 => "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// Texts that come close to an opaque id.
fn near_id() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9:._-]{0,140}",
        "\\{[a-zA-Z0-9-]{0,70}\\}",
        "\\{?[a-zA-Z0-9 /:.%_-]{0,70}\\}?",
        "\\PC{0,20}",
        Just("unidentified".to_owned()),
        any::<String>(),
    ]
}

/// The id that a text is, after a look at its ways out and back in.
fn same_again<Id>(text: &str) -> Option<Id>
where
    Id: FromStr<Err = IdError> + Display + Serialize + DeserializeOwned + PartialEq + Clone,
{
    let id: Id = text.parse().ok()?;
    let shown = id.to_string();
    assert!(
        shown.parse::<Id>().as_ref() == Ok(&id),
        "{shown:?} is another id"
    );
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, format!("{}", serde_json::json!(shown)));
    assert!(serde_json::from_str::<Id>(&json).unwrap() == id);
    Some(id)
}

proptest! {
    #[test]
    fn a_uuid_is_the_same_id_in_every_documented_form(bits in any::<u128>()) {
        let uuid = Uuid::from_u128(bits);
        let upper = uuid.to_string().to_uppercase();
        for text in [format!("{APP}{uuid}"), uuid.to_string(), format!("{APP}{upper}"), upper.clone()] {
            prop_assert_eq!(same_again::<AppId>(&text), Some(uuid.into()));
        }
        let full = format!("{INSTALLATION}{uuid}");
        let id = same_again::<InstallationId>(&full).unwrap();
        prop_assert_eq!(id.to_string(), full);
        let long = format!("{ENVIRONMENT}{}/{uuid}", Uuid::from_u128(!bits));
        let id = same_again::<EnvironmentId>(&long).unwrap();
        prop_assert_eq!(id.to_string(), format!("{ENVIRONMENT}{uuid}"));
    }

    #[test]
    fn what_is_an_ari_prints_as_it_was_read(text in near_ari()) {
        // Case of the UUID and a prefix that is left out are the only other spellings.
        let whole = |prefix: &str| match text.strip_prefix(prefix) {
            Some(rest) => format!("{prefix}{}", rest.to_lowercase()),
            None => format!("{prefix}{}", text.to_lowercase()),
        };
        if let Some(id) = same_again::<AppId>(&text) {
            prop_assert_eq!(id.to_string(), whole(APP));
        }
        if let Some(id) = same_again::<InstallationId>(&text) {
            prop_assert_eq!(id.to_string(), whole(INSTALLATION));
        }
        if let Some(id) = same_again::<EnvironmentId>(&text) {
            let last = text.rsplit('/').next().unwrap().to_lowercase();
            prop_assert_eq!(id.to_string(), format!("{ENVIRONMENT}{last}"));
        }
    }

    #[test]
    fn an_ari_has_nothing_in_it_that_does_not_belong_there(
        bits in any::<u128>(),
        odd in select(vec![" ", "\n", "\t", "/", "{", "}", "\0", "-", "ä"]),
        at in 0_usize..62,
    ) {
        let mut text = format!("{APP}{}", Uuid::from_u128(bits));
        text.insert_str(at.min(text.len()), odd);
        prop_assert!(text.parse::<AppId>().is_err(), "{:?}", text);
        prop_assert!(text.to_uppercase().parse::<AppId>().is_err());
    }

    #[test]
    fn what_is_an_opaque_id_is_kept_as_it_is(text in near_id()) {
        let safe = |text: &str, others: &str| {
            text.chars().all(|symbol| symbol.is_ascii_alphanumeric() || others.contains(symbol))
        };
        if let Some(id) = same_again::<CloudId>(&text) {
            prop_assert_eq!(id.as_str(), &text);
            prop_assert!(text.len() <= 64 && safe(&text, "-"));
        }
        if let Some(id) = same_again::<WorkspaceId>(&text) {
            let braced = format!("{{{id}}}");
            prop_assert!(text == id.as_str() || text == braced, "{:?}", text);
            prop_assert!(id.as_str().len() <= 64 && safe(id.as_str(), "-"));
        }
        if let Some(id) = same_again::<AccountId>(&text) {
            prop_assert_eq!(id.as_str(), &text);
            prop_assert!(text.len() <= 128 && safe(&text, ":-_.") && text != "unidentified");
        }
        if let Some(label) = same_again::<IcLabel>(&text) {
            prop_assert_eq!(label.as_str(), &text);
            prop_assert!(text.len() <= 50 && safe(&text, "-_") && text == text.to_lowercase());
        }
        if let Some(key) = same_again::<ModuleKey>(&text) {
            prop_assert_eq!(key.as_str(), &text);
            prop_assert!(text.len() <= 255 && text.chars().all(|symbol| symbol.is_ascii_graphic()));
        }
    }

    #[test]
    fn a_product_is_its_name(name in "(jira|Jira|confluence|bitbucket|compass)|\\PC{0,80}") {
        let product = Product::from(&*name);
        let kept: String = name.chars().take(64).collect();
        prop_assert_eq!(product.as_str(), kept);
        prop_assert_eq!(&Product::from(product.as_str()), &product);
        let json = serde_json::to_string(&product).unwrap();
        prop_assert_eq!(serde_json::from_str::<Product>(&json).unwrap(), product);
    }
}
