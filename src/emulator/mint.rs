//! Forge Invocation Tokens: with a user and a place for a UI's call, without for what the platform fires.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jsonwebtoken::{Algorithm, Header, jwk::JwkSet};
use serde_json::{Value, json};

use super::{
    faults::{self, Fault, Faults},
    installation::Installation,
    keys::{KeyError, Keys, SigningKey},
    place,
    session::Session,
    world,
};
use crate::manifest::UiModule;
use crate::{
    clock::Clock,
    ids::{AppId, Product},
    secret::Secret,
};

const ISSUER: &str = "forge/invocation-token";

/// Module type of everything that no UI invoked (Forge Remote essentials: `app.module.type`).
const ENDPOINT: &str = "core:endpoint";

/// Makes FITs for one app.
#[derive(Debug)]
pub(super) struct Mint {
    keys: ArcSwap<Keys>,
    faults: Arc<Faults>,
    app_id: AppId,
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
    /// What is wrong with it, on demand.
    pub(super) fault: Option<Fault>,
}

impl Mint {
    pub(super) fn new(
        key: SigningKey,
        faults: Arc<Faults>,
        app_id: AppId,
        origin: String,
        lifetime: Duration,
        clock: Clock,
    ) -> Self {
        Self {
            keys: ArcSwap::from_pointee(Keys::of(key)),
            faults,
            app_id,
            origin,
            lifetime,
            clock,
        }
    }

    /// What a remote verifies with: the key that signs, and the one before it.
    pub(super) fn key_set(&self) -> JwkSet {
        self.keys.load().jwks()
    }

    /// Signs with a new key from now on; the old one stays in the key set.
    pub(super) fn rotate(&self) -> Result<(), KeyError> {
        let key = Arc::new(SigningKey::generate()?);
        self.keys.rcu(|keys| keys.followed_by(Arc::clone(&key)));
        Ok(())
    }

    /// Takes the old key out of the key set, if there is one.
    pub(super) fn retire(&self) -> bool {
        let before = self.keys.rcu(|keys| keys.alone());
        before.jwks().keys.len() > 1
    }

    /// The claims again, from now on and for so long.
    pub(super) fn renew(&self, claims: &Value, lifetime: Duration) -> Option<Fit> {
        let mut claims = claims.clone();
        let now = self.clock.now();
        claims["aud"] = json!(self.app_id);
        claims["iat"] = now.unix().into();
        claims["nbf"] = now.unix().into();
        claims["exp"] = now.plus(lifetime).unix().into();
        claims["jti"] = token_id().into();
        self.sign(claims)
    }

    /// How long a FIT lives.
    pub(super) const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The FIT of a UI invocation of `module` by `user`, who need not be the session's.
    pub(super) fn ui(
        &self,
        installation: &Installation,
        module: &UiModule,
        user: &world::User,
        session: &Session,
    ) -> Option<Fit> {
        // The product that the module lives in is the primary one of the call.
        let caller = (module.kind.as_str(), module.key.as_str());
        let app = self.app(installation, &module.product, caller, session);
        let mut claims = self.registered(&app);
        claims["context"] = place::context(module, session);
        claims["principal"] = user.account_id.into();
        self.sign(claims)
    }

    /// The FIT of what the platform fires at an endpoint: nobody is in session, and it comes from nowhere.
    pub(super) fn backend(
        &self,
        installation: &Installation,
        endpoint: &str,
        session: &Session,
    ) -> Option<Fit> {
        let primary = installation.products.first()?;
        let app = self.app(installation, primary, (ENDPOINT, endpoint), session);
        self.sign(self.registered(&app))
    }

    fn registered(&self, app: &Value) -> Value {
        let now = self.clock.now();
        json!({
            "app": app,
            "aud": self.app_id,
            "iss": ISSUER,
            "iat": now.unix(),
            "nbf": now.unix(),
            "exp": now.plus(self.lifetime).unix(),
            "jti": token_id(),
        })
    }

    fn sign(&self, mut claims: Value) -> Option<Fit> {
        let keys = self.keys.load();
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(keys.signing.kid.clone());
        let fault = self.faults.take(Fault::spoils_the_fit);
        if let Some(fault) = fault {
            faults::spoil(fault, &mut header, &mut claims);
        }
        let mut token = jsonwebtoken::encode(&header, &claims, &keys.signing.encoding).ok()?;
        if fault == Some(Fault::FitBadSignature) {
            token = faults::break_signature(&token)?;
        }
        Some(Fit {
            token: Secret::new(token),
            claims,
            fault,
        })
    }

    /// `app.apiBaseUrl` of a product in this site.
    fn api_base_url(&self, product: &Product) -> String {
        format!("{}/ex/{product}/{}", self.origin, world::cloud_id())
    }

    fn app(
        &self,
        installation: &Installation,
        primary: &Product,
        (kind, key): (&str, &str),
        session: &Session,
    ) -> Value {
        let contexts: Vec<_> = installation
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
        let environment = world::environment();
        let mut app = json!({
            "id": self.app_id,
            "version": "1",
            "appVersion": installation.app_version,
            "installationId": installation.id,
            "apiBaseUrl": self.api_base_url(primary),
            "installation": {"id": installation.id, "contexts": contexts},
            "environment": {
                "type": session.environment.name(),
                "id": format!(
                    "ari:cloud:ecosystem::environment/{}/{environment}",
                    self.app_id.uuid()
                ),
            },
            "module": {"type": kind, "key": key},
        });
        if let Some(license) = session.license.claim(self.clock.now()) {
            app["license"] = license;
        }
        app
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
    use crate::{clock::Timestamp, manifest::Manifest};

    const NOW: i64 = 1_785_312_000;

    fn minted(module: &str) -> (Fit, Mint) {
        let (mint, manifest) = mint();
        let installation = Installation::of(&manifest.app_id, manifest.products.clone());
        let module = manifest.module(module).unwrap();
        let user = world::user(world::MIRA).unwrap();
        let fit = mint.ui(&installation, module, user, &Session::default());
        (fit.unwrap(), mint)
    }

    fn mint() -> (Mint, Manifest) {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.yml"));
        let manifest = Manifest::parse(&text.unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mint = Mint::new(
            SigningKey::load_or_create(folder.path()).unwrap(),
            Arc::default(),
            manifest.app_id,
            "http://127.0.0.1:4000".into(),
            Duration::from_secs(25),
            Clock::manual(Timestamp::from_unix(NOW)),
        );
        (mint, manifest)
    }

    #[test]
    fn what_the_platform_fires_has_no_user_and_no_place() {
        let (mint, manifest) = mint();
        let installation = Installation::of(&manifest.app_id, manifest.products);
        let claims = mint
            .backend(&installation, "events-endpoint", &Session::default())
            .unwrap()
            .claims;
        assert!(claims.get("principal").is_none() && claims.get("context").is_none());
        assert_eq!(
            claims["app"]["module"],
            json!({"type": "core:endpoint", "key": "events-endpoint"})
        );
        let base = "http://127.0.0.1:4000/ex/confluence/3e8d5b70-91f2-4c6a-b4d7-2a0f6e9c1b85";
        assert_eq!(claims["app"]["apiBaseUrl"], base);
    }

    #[test]
    fn the_key_set_verifies_the_fit() {
        let (fit, mint) = minted("digest-page");
        let header = jsonwebtoken::decode_header(fit.token.expose()).unwrap();
        let keys = mint.key_set();
        let jwk = keys.find(header.kid.as_deref().unwrap()).unwrap();
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
