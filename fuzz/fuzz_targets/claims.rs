//! The claims of a token, and all rules but the signature's.
//!
//! Claims that are read serialise to claims that are read, and members that nobody knows
//! change nothing. The verdict is that of a second reading of the same rules, here.
#![no_main]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use forge_remote::{
    clock::Timestamp,
    fit::Claims,
    fuzzing::fit,
    ids::{AppId, InstallationId},
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const APP: &str = "ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21";
const NOW: i64 = 1_785_312_002;

fuzz_target!(|json: &[u8]| {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"k"}"#);
    let token = format!("{header}.{}.c2ln", URL_SAFE_NO_PAD.encode(json));
    let app = APP.parse().expect("an app id");
    let verdict = fit::all_but_signature(&token, app, Timestamp::from_unix(NOW));
    let Ok(claims) = fit::claims(json) else {
        assert!(verdict.is_err(), "a verdict without claims");
        return;
    };
    let text = written(&claims);
    let again = fit::claims(text.as_bytes()).expect("what was read is read again");
    assert_eq!(written(&again), text);

    let json = str::from_utf8(json).expect("claims are text");
    let unknown = json.replacen('{', r#"{"x-unknown-to-all":[{"exp":[null]}],"#, 1);
    let unknown = fit::claims(unknown.as_bytes()).expect("unknown members are ignored");
    assert_eq!(written(&unknown), text);
    let double = json.replacen('{', r#"{"exp":1785312027,"#, 1);
    assert!(fit::claims(double.as_bytes()).is_err(), "two `exp`");

    // Values may be too deep or too large for this reader where nobody reads them.
    if let Ok(plain) = serde_json::from_str(json)
        && token.len() <= 16 * 1024
    {
        assert_eq!(verdict.is_ok(), passes(&claims, &plain, app), "{verdict:?}");
    }
});

fn written(claims: &Claims) -> String {
    serde_json::to_string(claims).expect("claims can be written")
}

/// The rules, from the table of the platform's claims.
fn passes(claims: &Claims, plain: &Value, app: AppId) -> bool {
    let leeway = i64::try_from(fit::LEEWAY.as_secs()).expect("seconds");
    let audience = match &plain["aud"] {
        Value::Array(several) => {
            several.iter().all(Value::is_string) && several.iter().any(|one| one == APP)
        }
        one => one == APP,
    };
    let installation = plain["app"]["installation"]["id"]
        .as_str()
        .and_then(|id| id.parse::<InstallationId>().ok());
    let starts = claims.not_before.map_or(i64::MIN, Timestamp::unix);
    plain["iss"] == "forge/invocation-token"
        && audience
        && claims.app.id == app
        && installation == Some(claims.app.installation_id)
        && NOW < claims.expires_at.unix().saturating_add(leeway)
        && NOW + leeway >= starts
        && place_is_installed(claims)
}

/// Whether the place that the call comes from is one that the app is installed in, where
/// both are told.
fn place_is_installed(claims: &Claims) -> bool {
    let Some(place) = &claims.context else {
        return true;
    };
    let contexts = &claims.app.contexts;
    let clouds: Vec<_> = contexts
        .iter()
        .filter_map(|it| it.cloud_id.as_ref())
        .collect();
    let workspaces: Vec<_> = contexts
        .iter()
        .filter_map(|it| it.workspace_id.as_ref())
        .collect();
    let cloud = place.cloud_id.as_ref();
    let workspace = place.workspace_id.as_ref();
    cloud.is_none_or(|cloud| clouds.is_empty() || clouds.contains(&cloud))
        && workspace.is_none_or(|it| workspaces.is_empty() || workspaces.contains(&it))
}
