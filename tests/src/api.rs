//! A client of the REST API, as an app would be.

use anyhow::{Context as _, ensure};
use reqwest::header::{ACCEPT_LANGUAGE, HeaderMap};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::private::CHILD;

/// Somebody who calls the API: anonymous, or signed in.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    language: &'static str,
    token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The body, null when it is empty.
    pub body: Value,
}

impl Answer {
    /// `data` of the envelope of an answer with this status.
    pub fn data(self, status: u16) -> anyhow::Result<Value> {
        ensure!(self.status.as_u16() == status, "expected {status}, got {}: {}", self.status, self.body);
        ensure!(status == 204 || self.body["success"] == true, "no success envelope: {}", self.body);
        Ok(self.body["data"].clone())
    }

    /// `error.code` of the envelope.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// The fields that the error's details name.
    pub fn fields(&self) -> Vec<&str> {
        let details = self.body["error"]["details"].as_array().map(Vec::as_slice).unwrap_or_default();
        details.iter().filter_map(|detail| detail["field"].as_str()).collect()
    }
}

/// An address that nobody has registered yet.
pub fn unique_email(name: &str) -> String {
    format!("{name}-{}@example.com", Uuid::now_v7().simple())
}

impl Api {
    /// An anonymous caller of the gateway at `base`, such as `http://127.0.0.1:3000`.
    pub fn new(base: &str) -> Self {
        // A client that could speak TLS wants to be told by whose means, also where it never does. Once is enough.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { client: Client::new(), base: base.trim_end_matches('/').to_owned(), language: "ko", token: None }
    }

    /// The same caller, who wants answers in this language.
    pub fn speaking(&self, language: &'static str) -> Self {
        Self { language, ..self.clone() }
    }

    /// The same caller with this access token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The access token in use.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The gateway's port.
    pub fn port(&self) -> u16 {
        self.base.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(80)
    }

    /// The address of a path at the server's root.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request below /api/v1 (or at the root with a path that begins with `//`).
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = match path.strip_prefix("//") {
            Some(path) => format!("{}/{path}", self.base),
            None => format!("{}/api/v1{path}", self.base),
        };
        let request = self.client.request(method, url).header(ACCEPT_LANGUAGE, self.language);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request; every answer of the API is JSON or empty.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
        let response = request.send().await.context("the gateway does not answer")?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).with_context(|| format!("{status} with a body that is no JSON: {text}"))?
        };
        Ok(Answer { status, headers, body })
    }

    /// GET.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// PATCH.
    pub async fn patch(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Registers a parent and signs in.
    pub async fn new_parent(&self, email: &str, password: &str) -> anyhow::Result<Self> {
        self.new_account("parent", "김보람", email, password).await
    }

    /// Registers a therapist and signs in.
    pub async fn new_therapist(&self, email: &str, password: &str) -> anyhow::Result<Self> {
        self.new_account("therapist", "이하늘", email, password).await
    }

    async fn new_account(&self, role: &str, name: &str, email: &str, password: &str) -> anyhow::Result<Self> {
        let consent = |kind: &str| json!({ "kind": kind, "text_version": "2026-11-01" });
        let account = json!({
            "email": email,
            "password": password,
            "name": name,
            "role": role,
            "consents": [consent("terms"), consent("privacy")],
        });
        self.post("/auth/register", account).await?.data(201)?;
        self.sign_in(email, password).await
    }

    /// Signs in.
    pub async fn sign_in(&self, email: &str, password: &str) -> anyhow::Result<Self> {
        let signed_in = self.post("/auth/login", json!({ "email": email, "password": password })).await?.data(200)?;
        let token = signed_in["tokens"]["access_token"].as_str().context("no access token")?;
        Ok(self.with_token(token))
    }

    /// Adds a child, as its guardian.
    pub async fn new_child(&self) -> anyhow::Result<Value> {
        self.consent("guardian").await?;
        let child = json!({ "name": CHILD, "birth_date": "2025-01-01", "gender": "female" });
        self.post("/children", child).await?.data(201)
    }

    /// Gives a consent that a guardian gives.
    pub async fn consent(&self, kind: &str) -> anyhow::Result<()> {
        let consent = json!({ "kind": kind, "granted": true, "text_version": "2026-11-01", "method": "web_sms" });
        self.post("/users/me/consents", consent).await?.data(201)?;
        Ok(())
    }
}
