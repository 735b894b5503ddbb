//! Speaks to `/api/v1` as one token, mostly about one project.

use std::sync::Arc;

use hoist_server::settings::DEVELOPMENT_API_TOKEN;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Call, Environment};

/// A person or a program with a token.
#[derive(Clone, Debug)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
    project: String,
}

impl Api {
    /// The administrator of a server in development mode, in project `default`.
    pub fn new(base: &str) -> Api {
        let token = DEVELOPMENT_API_TOKEN.to_owned();
        Api { http: http(), base: base.to_owned(), token, project: "default".to_owned() }
    }

    /// Speaks with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Api {
        Api { token: token.to_owned(), ..self.clone() }
    }

    /// Speaks to another server.
    #[must_use]
    pub fn at(&self, base: &str) -> Api {
        Api { base: base.to_owned(), ..self.clone() }
    }

    /// Speaks about another project.
    #[must_use]
    pub fn with_project(&self, project: &str) -> Api {
        Api { project: project.to_owned(), ..self.clone() }
    }

    /// One of the project's environments.
    pub fn environment(&self, key: &str) -> Environment {
        Environment::new(self.clone(), key)
    }

    /// A request. A path that begins with `/` is the server's, any other the project's.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let url = match path.strip_prefix('/') {
            Some(path) => format!("{}/{path}", self.base),
            None if path.is_empty() => format!("{}/api/v1/projects/{}", self.base, self.project),
            None => format!("{}/api/v1/projects/{}/{path}", self.base, self.project),
        };
        let request = self.http.request(method, url);
        Call(if self.token.is_empty() { request } else { request.bearer_auth(&self.token) })
    }

    /// A GET; see [`Api::call`].
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A POST; see [`Api::call`].
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// A PUT; see [`Api::call`].
    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    /// A PATCH; see [`Api::call`].
    pub fn patch(&self, path: &str) -> Call {
        self.call(Method::PATCH, path)
    }

    /// A DELETE; see [`Api::call`].
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// Makes a project and speaks about it.
    pub async fn create_project(&self, key: &str) -> Api {
        self.post("/api/v1/projects").json(&json!({ "key": key })).ok().await;
        self.with_project(key)
    }

    /// Makes a boolean flag that releases something.
    pub async fn create_flag(&self, key: &str) -> Value {
        self.create(&json!({ "key": key, "type": "boolean", "purpose": "release", "owner": "shop" })).await
    }

    /// Makes a flag.
    pub async fn create(&self, flag: &Value) -> Value {
        self.post("flags").json(flag).ok().await
    }

    /// Makes an SDK key for an environment.
    pub async fn sdk_key(&self, environment: &str) -> String {
        let body = json!({ "name": format!("sdk-{environment}"), "kind": "sdk", "environment": environment });
        self.create_token(&body).await
    }

    /// Makes an API token and speaks with it.
    pub async fn person(&self, name: &str, role: &str) -> Api {
        let body = json!({ "name": name, "kind": "api", "role": role });
        self.with_token(&self.create_token(&body).await)
    }

    /// Makes a token and gives its secret.
    pub async fn create_token(&self, body: &Value) -> String {
        let made = self.post("tokens").json(body).ok().await;
        made["token"].as_str().expect("a secret").to_owned()
    }

    /// The project's whole audit, the first entry first.
    pub async fn audit(&self) -> Vec<Value> {
        let path = format!("/api/v1/audit?project={}&limit=500", self.project);
        let mut entries = self.items(&path).await;
        entries.reverse();
        entries
    }

    /// Every item of a list whose path has a query, page by page.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        let (mut items, mut next) = (Vec::new(), path.to_owned());
        loop {
            let mut page = self.get(&next).ok().await;
            items.append(page["items"].as_array_mut().expect("a page"));
            let Some(cursor) = page["next_cursor"].as_str() else { return items };
            next = format!("{path}&cursor={cursor}");
        }
    }

    /// What the server says of the project's audit chain.
    pub async fn verification(&self) -> Value {
        self.get(&format!("/api/v1/audit/verify?project={}", self.project)).ok().await
    }
}

/// An HTTP client that speaks to this machine only, and so needs nobody's certificates.
pub(crate) fn http() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    client.redirect(reqwest::redirect::Policy::none()).build().expect("an HTTP client")
}
