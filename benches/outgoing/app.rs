//! The app that ships, asked without a connection in front of it.

use std::{collections::HashMap, net::SocketAddr};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use forge_remote::{Config, Forge, config::Sources, digest};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::{
    played::{APP, INSTALLATION, claims, serve_keys, sign, signing_key},
    product::Product,
};

const USER: &str = "712020:5d0b7c34-8e21-4f96-a7d3-60c1e9b2f458";
const COLLEAGUE: &str = "5f3c9a1be8d2470071b64c0d";
/// The platform's tokens are about that long.
const TOKEN_BYTES: usize = 1_500;

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    Invocation,
    User,
    App,
    Account,
}

impl Asked {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "none" => Self::Invocation,
            "user" => Self::User,
            "app" => Self::App,
            "account" => Self::Account,
            other => panic!("`{other}` is none of none, user, app and account"),
        }
    }

    fn path(self) -> String {
        match self {
            Self::Invocation => "/api/invocation".to_owned(),
            Self::User => "/api/content?limit=25&as=user".to_owned(),
            Self::App => "/api/content?limit=25&as=app".to_owned(),
            Self::Account => format!("/api/accounts/{COLLEAGUE}/content?limit=25"),
        }
    }
}

pub(crate) struct App {
    runtime: Runtime,
    service: TowerToHyperService<Router>,
    fit: String,
    token: String,
    _product: Product,
    _folder: tempfile::TempDir,
}

impl App {
    /// One thread, so that all that the app does is counted where it is asked.
    pub(crate) fn start() -> Self {
        let product = Product::start();
        let folder = tempfile::tempdir().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let key = signing_key();
        let settings = settings(&product.url, serve_keys(&key), &folder);
        let forge = runtime
            .block_on(Forge::from_config(
                Config::load_from(&settings).unwrap().config,
            ))
            .unwrap();
        let router = digest::router(&forge).with_state(forge);
        let mut claims = claims(&product.url, INSTALLATION, 3_600);
        claims["principal"] = json!(USER);
        claims["app"]["module"] = json!({"type": "confluence:globalPage", "key": "digest-page"});
        Self {
            runtime,
            service: TowerToHyperService::new(router),
            fit: sign(&key, &claims),
            token: "t".repeat(TOKEN_BYTES),
            _product: product,
            _folder: folder,
        }
    }

    /// Asks once, and takes nothing but the whole answer.
    pub(crate) fn ask(&self, asked: Asked) {
        let request = Request::get(asked.path())
            .header("authorization", format!("Bearer {}", self.fit))
            .header("x-forge-oauth-system", &self.token)
            .header("x-forge-oauth-user", &self.token)
            .body(Body::empty())
            .unwrap();
        let body = self.runtime.block_on(async {
            let answer = self.service.call(request).await.unwrap();
            let status = answer.status();
            let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            assert_eq!(status, StatusCode::OK, "{body:?}");
            body
        });
        if !matches!(asked, Asked::Invocation) {
            assert!(body.len() > crate::product::CONTENT_BYTES, "{body:?}");
        }
    }
}

fn settings(api: &str, keys: SocketAddr, folder: &tempfile::TempDir) -> Sources {
    let database = format!("sqlite://{}/bench.db", folder.path().display());
    let settings = [
        ("APP__IDS", APP.to_owned()),
        ("FIT__JWKS_URL", format!("http://{keys}/jwks.json")),
        ("ATLASSIAN__API_HOSTS", "127.0.0.1".to_owned()),
        ("ATLASSIAN__GRAPHQL_URL", format!("{api}/graphql")),
        ("ATLASSIAN__STORAGE_URL", format!("{api}/forge/storage/kvs")),
        ("STORE__URL", database),
    ];
    let variables: HashMap<_, _> = settings
        .into_iter()
        .map(|(key, value)| (format!("FORGE_REMOTE__{key}"), value))
        .chain([("FORGE_REMOTE_ENV".to_owned(), "test".to_owned())])
        .collect();
    Sources {
        folder: folder.path().join("config"),
        variables,
    }
}
