//! The Forge Invocation Token of a UI invocation.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

use super::{keys::SigningKey, manifest::UiModule, world};
use crate::{
    clock::Clock,
    ids::{AppId, Product},
    secret::Secret,
};

const ISSUER: &str = "forge/invocation-token";

/// Makes FITs for one app in one installation.
#[derive(Debug)]
pub(super) struct Mint {
    key: SigningKey,
    app_id: AppId,
    installation: world::Installation,
    /// `http://127.0.0.1:4000`: where the emulated APIs are.
    origin: String,
    lifetime: Duration,
    clock: Clock,
}

/// A signed FIT and what it says.
#[derive(Debug)]
pub(super) struct Fit {
    pub(super) token: Secret,
    pub(super) claims: Value,
}

impl Mint {
    pub(super) const fn new(
        key: SigningKey,
        app_id: AppId,
        installation: world::Installation,
        origin: String,
        lifetime: Duration,
        clock: Clock,
    ) -> Self {
        Self {
            key,
            app_id,
            installation,
            origin,
            lifetime,
            clock,
        }
    }

    pub(super) const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The FIT of a UI invocation of `module` by `user`.
    pub(super) fn ui(&self, module: &UiModule, user: &world::User) -> Option<Fit> {
        let now = self.clock.now();
        let claims = json!({
            "app": self.app(module),
            "context": context(module),
            "principal": user.account_id,
            "aud": self.app_id,
            "iss": ISSUER,
            "iat": now.unix(),
            "nbf": now.unix(),
            "exp": now.plus(self.lifetime).unix(),
            "jti": token_id(),
        });
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.key.kid.clone());
        let token = jsonwebtoken::encode(&header, &claims, &self.key.encoding).ok()?;
        Some(Fit {
            token: Secret::new(token),
            claims,
        })
    }

    /// `app.apiBaseUrl` of a product in this site.
    fn api_base_url(&self, product: &Product) -> String {
        format!("{}/ex/{product}/{}", self.origin, world::cloud_id())
    }

    fn app(&self, module: &UiModule) -> Value {
        let contexts: Vec<_> = self
            .installation
            .products
            .iter()
            .map(|product| {
                json!({
                    "name": product,
                    "cloudId": world::cloud_id(),
                    "apiBaseUrl": self.api_base_url(product),
                })
            })
            .collect();
        // The product that the module lives in is the primary one of the call.
        let base = self.api_base_url(&module.product);
        let environment = world::environment();
        json!({
            "id": self.app_id,
            "version": "1",
            "appVersion": "1.0.0",
            "installationId": self.installation.id,
            "apiBaseUrl": base,
            "installation": {"id": self.installation.id, "contexts": contexts},
            "environment": {
                "type": "DEVELOPMENT",
                "id": format!(
                    "ari:cloud:ecosystem::environment/{}/{environment}",
                    self.app_id.uuid()
                ),
            },
            "module": {"type": module.kind, "key": module.key},
        })
    }
}

fn context(module: &UiModule) -> Value {
    json!({
        "localId": world::random_uuid(),
        "cloudId": world::cloud_id(),
        "moduleKey": module.key,
        "siteUrl": world::SITE_URL,
        "extension": extension(module),
    })
}

/// What the product adds, by module type.
fn extension(module: &UiModule) -> Value {
    let kind = module.kind.as_str();
    let site = world::SITE_URL;
    let (page, issue) = (&world::PAGES[0], &world::ISSUES[0]);
    let space = json!({"id": page.space().map(|space| space.id), "key": page.space});
    match kind {
        "confluence:globalPage" => json!({
            "type": kind,
            "location": format!("{site}/wiki/apps/{}", module.key),
        }),
        "macro" => json!({
            "type": kind,
            "content": {"id": page.id, "type": "page", "subtype": null},
            "space": space,
            "isEditing": false,
            "references": [],
        }),
        _ if module.product == Product::Confluence => json!({
            "type": kind,
            "content": {"id": page.id, "type": "page", "subtype": null},
            "space": space,
            "location": format!("{site}/wiki/spaces/{}/pages/{}", page.space, page.id),
        }),
        "jira:globalPage" | "jira:adminPage" | "jira:fullPage" => json!({
            "type": kind,
            "location": format!("{site}/jira/apps/{}", module.key),
        }),
        _ => json!({
            "type": kind,
            "issue": {"id": issue.id, "key": issue.key, "type": issue.kind.1, "typeId": issue.kind.0},
            "project": {"id": world::PROJECT_ID, "key": world::PROJECT_KEY, "type": "software"},
            "isNewToIssue": false,
            "location": format!("{site}/browse/{}", issue.key),
        }),
    }
}

/// 40 hex digits.
fn token_id() -> String {
    let mut digits = world::random_uuid().simple().to_string();
    digits.push_str(&world::random_uuid().simple().to_string()[..8]);
    digits
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;
    use crate::{clock::Timestamp, emulator::manifest::Manifest};

    const NOW: i64 = 1_785_312_000;

    fn minted(module: &str) -> (Fit, Mint) {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml"));
        let manifest = Manifest::parse(&text.unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mint = Mint::new(
            SigningKey::load_or_create(folder.path()).unwrap(),
            manifest.app_id,
            world::Installation::of(&manifest.app_id, manifest.products.clone()),
            "http://127.0.0.1:4000".into(),
            Duration::from_secs(25),
            Clock::manual(Timestamp::from_unix(NOW)),
        );
        let module = manifest.module(module).unwrap();
        let fit = mint.ui(module, world::user(world::MIRA).unwrap()).unwrap();
        (fit, mint)
    }

    #[test]
    fn the_key_set_verifies_the_fit() {
        let (fit, mint) = minted("digest-page");
        let header = jsonwebtoken::decode_header(fit.token.expose()).unwrap();
        let jwk = mint
            .key()
            .jwks
            .find(header.kid.as_deref().unwrap())
            .unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.set_audience(&["ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21"]);
        validation.set_issuer(&["forge/invocation-token"]);
        let key = DecodingKey::from_jwk(jwk).unwrap();
        let verified = jsonwebtoken::decode::<Value>(fit.token.expose(), &key, &validation);
        assert_eq!(verified.unwrap().claims, fit.claims);
    }

    #[test]
    fn a_fit_lives_25_seconds_and_names_the_user_and_the_page() {
        let claims = minted("digest-page").0.claims;
        assert_eq!(claims["iat"], NOW);
        assert_eq!(claims["nbf"], NOW);
        assert_eq!(claims["exp"], NOW + 25);
        assert_eq!(claims["principal"], world::MIRA);
        assert_eq!(claims["aud"], claims["app"]["id"]);
        assert_eq!(
            claims["app"]["installationId"],
            claims["app"]["installation"]["id"]
        );
        assert_eq!(claims["app"]["module"]["type"], "confluence:globalPage");
        let jti = claims["jti"].as_str().unwrap();
        assert!(jti.len() == 40 && jti.bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[test]
    fn a_panel_has_jira_as_its_base_and_both_products_as_contexts() {
        let claims = minted("digest-panel").0.claims;
        let base = "http://127.0.0.1:4000/ex/jira/3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";
        assert_eq!(claims["app"]["apiBaseUrl"], base);
        let contexts = claims["app"]["installation"]["contexts"]
            .as_array()
            .unwrap();
        let names: Vec<_> = contexts.iter().map(|context| &context["name"]).collect();
        assert_eq!(names, ["confluence", "jira"]);
        assert_eq!(contexts[1]["apiBaseUrl"], base);
        assert_eq!(claims["context"]["extension"]["issue"]["key"], "QUA-17");
    }
}
