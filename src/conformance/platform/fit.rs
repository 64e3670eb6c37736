//! Forge Invocation Tokens: right ones, and the parts that wrong ones are made of.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Platform, keys::Key, tenant::Tenant};

/// What the platform's example shows, in seconds.
const LIFETIME: i64 = 25;

/// A FIT that is not signed yet: whatever a rule wants to be different, it changes first.
#[derive(Clone)]
pub(crate) struct Fit {
    header: Map<String, Value>,
    claims: Value,
    key: Key,
}

/// Base64url without padding, as the parts of a token are written.
pub(crate) fn segment(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Fit {
    pub(super) fn of_page(platform: &Platform, tenant: &Tenant) -> Self {
        let product = platform.primary();
        let module = json!({"type": format!("{product}:globalPage"), "key": "checked-page"});
        let site = tenant.site_url();
        let context = json!({
            "localId": Uuid::new_v4(), "cloudId": tenant.cloud_id(), "moduleKey": "checked-page",
            "siteUrl": site,
            "extension": {"type": format!("{product}:globalPage"), "location": format!("{site}/wiki/apps/checked")},
        });
        let mut fit = Self::of(platform, tenant, &module);
        fit = fit.claim("/context", context);
        fit.claim("/principal", json!(tenant.user()))
    }

    pub(super) fn of_backend(platform: &Platform, tenant: &Tenant, endpoint: &str) -> Self {
        Self::of(
            platform,
            tenant,
            &json!({"type": "core:endpoint", "key": endpoint}),
        )
    }

    fn of(platform: &Platform, tenant: &Tenant, module: &Value) -> Self {
        let now = platform.clock().now().unix();
        let app = platform.app().to_string();
        let uuid = app.rsplit('/').next().unwrap_or_default();
        let context = |product: &String| {
            json!({"name": product, "cloudId": tenant.cloud_id(),
                "apiBaseUrl": platform.api_base(tenant, product)})
        };
        let contexts: Vec<Value> = platform.products().iter().map(context).collect();
        let claims = json!({
            "app": {
                "id": app, "version": "31", "appVersion": "4.2.0",
                "installationId": tenant.installation(),
                "apiBaseUrl": platform.api_base(tenant, platform.primary()),
                "installation": {"id": tenant.installation(), "contexts": contexts},
                "environment": {"type": "PRODUCTION",
                    "id": format!("ari:cloud:ecosystem::environment/{uuid}/{}", Uuid::new_v4())},
                "module": module,
            },
            "aud": app, "iss": "forge/invocation-token",
            "iat": now, "nbf": now, "exp": now + LIFETIME,
            "jti": format!("{}{}", Uuid::new_v4().simple(), &Uuid::new_v4().simple().to_string()[..8]),
        });
        let key = platform.keys().current();
        let header = [("alg", "RS256"), ("typ", "JWT"), ("kid", &key.kid)];
        let header = header.map(|(name, value)| (name.to_owned(), json!(value)));
        let header = Map::from_iter(header);
        Self {
            header,
            claims,
            key,
        }
    }

    /// The user who invokes.
    pub(crate) fn user(self, account: &str) -> Self {
        self.claim("/principal", json!(account))
    }

    /// With this value at a JSON pointer, such as `/app/id`; objects on the way are made.
    pub(crate) fn claim(mut self, pointer: &str, value: Value) -> Self {
        let mut place = &mut self.claims;
        for name in pointer.split('/').skip(1) {
            let index = name.parse::<usize>().ok().filter(|_| place.is_array());
            place = match index {
                Some(index) => &mut place[index],
                None => &mut place[name],
            };
        }
        *place = value;
        self
    }

    /// Without what stands at a JSON pointer.
    pub(crate) fn without(mut self, pointer: &str) -> Self {
        let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(parent)) = self.claims.pointer_mut(parent) {
            parent.remove(name);
        }
        self
    }

    /// Seconds from now (below zero: ago) at which it expires. `nbf` and `iat` are the usual
    /// time before it.
    pub(crate) fn expires_in(self, platform: &Platform, seconds: i64) -> Self {
        let exp = platform.clock().now().unix() + seconds;
        let start = json!(exp - LIFETIME);
        self.claim("/exp", json!(exp))
            .claim("/nbf", start.clone())
            .claim("/iat", start)
    }

    /// With this member in its header.
    pub(crate) fn header(mut self, name: &str, value: Value) -> Self {
        self.header.insert(name.to_owned(), value);
        self
    }

    /// Without that member in its header.
    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// Signed by this key, under its own id.
    pub(crate) fn signed_by(mut self, key: &Key) -> Self {
        self.key = key.clone();
        let kid = json!(key.kid);
        self.header("kid", kid)
    }

    /// Signed by this key, under the id that stands there already.
    pub(crate) fn forged_by(mut self, key: &Key) -> Self {
        self.key = key.clone();
        self
    }

    /// `header.payload`: what is signed.
    pub(crate) fn message(&self) -> String {
        let header = Value::Object(self.header.clone()).to_string();
        format!("{}.{}", segment(header), segment(self.claims.to_string()))
    }

    /// The token with another signature than its own.
    pub(crate) fn with_signature(&self, signature: &[u8]) -> String {
        format!("{}.{}", self.message(), segment(signature))
    }

    /// The token.
    pub(crate) fn token(&self) -> String {
        let message = self.message();
        let signature = segment(self.key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}
