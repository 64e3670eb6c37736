//! What holds of any claims.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use proptest::{option, prelude::*, sample::select};
use serde_json::{Value, json};

use super::*;
use crate::fit::testing::{APP, claims};

/// Any JSON, with the names of claims more often than not.
fn any_json() -> impl Strategy<Value = Value> {
    let names = select(vec![
        "app",
        "id",
        "installationId",
        "installation",
        "contexts",
        "context",
        "extension",
        "license",
        "type",
        "exp",
        "aud",
        "principal",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(Value::from(APP)),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone().prop_map(str::to_owned), inner), 0..5)
                .prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    })
}

fn uuid() -> impl Strategy<Value = String> {
    any::<u128>().prop_map(|bits| uuid::Uuid::from_u128(bits).to_string())
}

fn license() -> impl Strategy<Value = Value> {
    let parts = (option::of(any::<bool>()), "[A-Za-z]{0,12}", any_json());
    parts.prop_map(|(active, kind, date)| {
        json!({"active": active, "type": kind, "trialEndDate": date, "modes": [kind, 5]})
    })
}

fn place() -> impl Strategy<Value = Value> {
    let parts = (
        option::of(uuid()),
        option::of(uuid().prop_map(|id| format!("{{{id}}}"))),
        option::of("\\PC{0,20}"),
        option::of("[!-~]{1,30}"),
        any_json(),
    );
    parts.prop_map(|(cloud, workspace, url, key, extension)| {
        json!({"cloudId": cloud, "workspaceId": workspace, "siteUrl": url, "localId": url,
            "moduleKey": key, "extension": extension})
    })
}

fn installed() -> impl Strategy<Value = Vec<Value>> {
    let one = ("[a-z]{1,12}", option::of(uuid()), "https://[a-z./]{1,40}");
    let one = one.prop_map(
        |(name, cloud, base)| json!({"name": name, "cloudId": cloud, "apiBaseUrl": base}),
    );
    prop::collection::vec(one, 0..4)
}

/// Claims as the documentation has them.
fn well_formed() -> impl Strategy<Value = Value> {
    let app = (
        uuid(),
        "https://[a-z./]{1,40}",
        installed(),
        ("\\PC{0,20}", "[!-~]{1,40}"),
        option::of(license()),
        option::of(("[A-Za-z]{0,12}", uuid())),
    );
    let app = app.prop_map(|(id, base, contexts, (kind, key), license, environment)| {
        let id = format!("ari:cloud:ecosystem::installation/{id}");
        let environment = environment.map(|(kind, id)| json!({"type": kind, "id": id}));
        json!({"id": APP, "installationId": id, "apiBaseUrl": base, "version": 31,
            "installation": {"id": id, "contexts": contexts}, "license": license,
            "module": {"type": kind, "key": key}, "environment": environment})
    });
    let rest = (
        app,
        option::of(place()),
        option::of("[a-zA-Z0-9:._-]{1,128}"),
        option::of("[a-z0-9_-]{1,50}"),
        (any::<u64>(), 0.0..9e9_f64),
        option::of("\\PC{0,20}"),
    );
    rest.prop_map(|(app, context, principal, label, (exp, nbf), token_id)| {
        json!({"app": app, "context": context, "principal": principal, "icLabel": label,
                "iss": "forge/invocation-token", "aud": [APP], "exp": exp, "nbf": nbf, "iat": exp,
                "jti": token_id})
    })
}

fn read(json: &str) -> Result<Claims, Malformed> {
    UnverifiedClaims::parse(json.as_bytes()).map(|unverified| unverified.claims)
}

/// The claims as they serialise.
fn meaning(json: &str) -> String {
    serde_json::to_string(&read(json).unwrap()).unwrap()
}

/// JSON with the members of all objects in an order that `seed` gives.
fn shuffled(value: &Value, seed: u64) -> String {
    match value {
        Value::Object(members) => {
            let hasher = BuildHasherDefault::<DefaultHasher>::default();
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| hasher.hash_one((seed, name)));
            let texts = members
                .into_iter()
                .map(|(name, value)| format!("{}:{}", json!(name), shuffled(value, seed)));
            format!("{{{}}}", texts.collect::<Vec<_>>().join(","))
        }
        Value::Array(values) => {
            let texts = values.iter().map(|value| shuffled(value, seed));
            format!("[{}]", texts.collect::<Vec<_>>().join(","))
        }
        plain => plain.to_string(),
    }
}

/// JSON with the member at `pointer` written twice, the second time with another value.
fn doubled(value: &Value, pointer: &str, other: &Value) -> String {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let mut value = value.clone();
    let members = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    let first = members.remove(name).unwrap();
    members.insert("\u{1}".to_owned(), Value::Null);
    let twice = format!("\"{name}\":{first},\"{name}\":{other}");
    value.to_string().replacen("\"\\u0001\":null", &twice, 1)
}

/// Every claim that is known and in the example, outside of what is the module's own.
fn known_claims() -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let pointer = format!("{at}/{name}");
            if pointer != "/context/extension" {
                walk(value, &pointer, found);
            }
            found.push(pointer);
        }
    }
    let mut found = Vec::new();
    walk(&claims(), "", &mut found);
    found.retain(|pointer| pointer != "/app/license/supportEntitlementNumber");
    found
}

proptest! {
    #[test]
    fn any_json_is_claims_or_refused(value in any_json()) {
        let refused = read(&value.to_string());
        let is_refused = matches!(refused, Err(Malformed::Claims { .. }));
        prop_assert!(is_refused, "nothing that small is claims");
    }

    #[test]
    fn any_value_of_a_claim_is_taken_or_refused(
        pointer in select(known_claims()),
        value in any_json(),
    ) {
        let mut claims = claims();
        *claims.pointer_mut(&pointer).unwrap() = value;
        let text = claims.to_string();
        if let Ok(read) = read(&text) {
            let text = serde_json::to_string(&read).unwrap();
            prop_assert_eq!(meaning(&text), text);
        }
    }

    #[test]
    fn any_bytes_are_claims_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(UnverifiedClaims::parse(&bytes).is_err());
    }

    #[test]
    fn documented_claims_are_kept_whole(value in well_formed()) {
        let text = value.to_string();
        let claims = read(&text).unwrap();
        let nbf = value["nbf"].as_f64().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "it is below 9e9")]
        let nbf = nbf.ceil() as i64;
        let exp = i64::try_from(value["exp"].as_u64().unwrap()).unwrap_or(i64::MAX);
        prop_assert_eq!(claims.expires_at.unix(), exp);
        prop_assert_eq!(claims.not_before.map(Timestamp::unix), Some(nbf));
        let principal = value["principal"].as_str().filter(|it| *it != "unidentified");
        prop_assert_eq!(claims.principal.as_ref().map(AccountId::as_str), principal);
        prop_assert_eq!(json!(claims.app.installation_id), value["app"]["installationId"].clone());
        prop_assert_eq!(json!(claims.app.module), value["app"]["module"].clone());
        prop_assert_eq!(
            claims.app.contexts.len(),
            value["app"]["installation"]["contexts"].as_array().unwrap().len()
        );
        let text = meaning(&text);
        prop_assert_eq!(meaning(&text), text);
    }

    #[test]
    fn the_order_of_members_changes_nothing(value in well_formed(), seed in any::<u64>()) {
        // What the module adds is kept as it is written.
        let mut value = value;
        if let Some(context) = value["context"].as_object_mut() {
            context.remove("extension");
        }
        prop_assert_eq!(meaning(&shuffled(&value, seed)), meaning(&value.to_string()));
    }

    #[test]
    fn members_that_nobody_knows_change_nothing(
        value in well_formed(),
        place in select(vec!["", "/app", "/app/module", "/app/installation", "/app/license",
            "/app/environment", "/app/installation/contexts/0", "/context"]),
        name in "x-[a-z]{0,8}|appid|EXP|Principal",
        unknown in any_json(),
    ) {
        let mut more = value.clone();
        if let Some(object) = more.pointer_mut(place).and_then(Value::as_object_mut) {
            object.insert(name, unknown);
        }
        prop_assert_eq!(meaning(&more.to_string()), meaning(&value.to_string()));
    }

    #[test]
    fn a_known_claim_that_is_there_twice_is_refused(
        pointer in select(known_claims()),
        other in any_json(),
    ) {
        let claims = claims();
        let same = claims.pointer(&pointer).unwrap();
        prop_assert!(read(&doubled(&claims, &pointer, same)).is_err(), "{}", pointer);
        prop_assert!(read(&doubled(&claims, &pointer, &other)).is_err(), "{}", pointer);
    }
}
