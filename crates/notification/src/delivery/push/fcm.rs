//! Push to phones through Firebase Cloud Messaging, HTTP v1.

use std::time::{Duration, Instant};

use aipoten_kit::config::Secret;
use anyhow::{Context as _, ensure};
use chrono::{TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::Message;
use crate::config;
use crate::delivery::{Outcome, http};

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long a proof of who we are is good.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(5);
/// An access token is renewed so long before it ends.
const EARLY: Duration = Duration::from_mins(1);
const WHO: &str = "Firebase";

pub(super) struct Fcm {
    client: Client,
    send_url: Url,
    token_url: Url,
    email: String,
    signing: EncodingKey,
    kept: Mutex<Option<AccessToken>>,
}

/// What is read of a service account's file.
#[derive(Deserialize)]
struct Account {
    project_id: String,
    client_email: String,
    private_key: String,
    token_uri: String,
}

struct AccessToken {
    token: Secret,
    ends: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl Fcm {
    pub(super) fn new(config: &config::Fcm) -> anyhow::Result<Option<Self>> {
        if config.credentials.is_empty() {
            return Ok(None);
        }
        // The error would show what stands there.
        let account: Account = serde_json::from_str(config.credentials.expose_secret())
            .ok()
            .context("it is not the JSON file of a service account")?;
        let id = &account.project_id;
        ensure!(id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-'), "its project_id is none");
        let base = config.base_url.trim_end_matches('/');
        Ok(Some(Self {
            client: http::client()?.build()?,
            send_url: format!("{base}/v1/projects/{id}/messages:send").parse().context("its base_url is no URL")?,
            token_url: account.token_uri.parse().context("its token_uri is no URL")?,
            email: account.client_email,
            signing: read_key(&account.private_key)?,
            kept: Mutex::default(),
        }))
    }

    pub(super) async fn send(&self, device: &str, message: &Message<'_>) -> Outcome {
        let token = match self.token().await {
            Ok(token) => token,
            Err(no) => return no,
        };
        let request = self.client.post(self.send_url.clone()).bearer_auth(token.expose_secret());
        let answer = match request.json(&body(device, message)).send().await {
            Ok(answer) => answer,
            Err(error) => return http::silent(WHO, &error),
        };
        let (status, headers) = (answer.status(), answer.headers().clone());
        if status.is_success() {
            return Outcome::Sent;
        }
        if status == StatusCode::UNAUTHORIZED {
            *self.kept.lock().await = None;
        }
        match code(&http::body(answer).await).as_deref() {
            // The app is gone from the device, or belongs to another sender.
            Some("UNREGISTERED" | "SENDER_ID_MISMATCH") => Outcome::DeviceGone,
            _ if status == StatusCode::NOT_FOUND => Outcome::DeviceGone,
            _ => http::judge(WHO, status, &headers),
        }
    }

    /// Many that need a new one at once wait for the same.
    async fn token(&self) -> Result<Secret, Outcome> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| Instant::now() + EARLY < kept.ends) {
            return Ok(kept.token.clone());
        }
        let granted = self.ask_for_token().await?;
        let ends = Instant::now() + Duration::from_secs(granted.expires_in);
        let token = Secret::from(granted.access_token);
        *kept = Some(AccessToken { token: token.clone(), ends });
        Ok(token)
    }

    async fn ask_for_token(&self) -> Result<Granted, Outcome> {
        let no = |why: &str| Outcome::Down(format!("no access token for {WHO}: {why}"), None);
        let assertion = self.assertion().map_err(|_| no("it cannot be signed"))?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT)
            .append_pair("assertion", &assertion)
            .finish();
        let request =
            self.client.post(self.token_url.clone()).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = request.body(form).send().await.map_err(|error| http::silent(WHO, &error))?;
        if !answer.status().is_success() {
            return Err(no(answer.status().as_str()));
        }
        serde_json::from_slice(&http::body(answer).await).map_err(|_| no("the answer cannot be read"))
    }

    fn assertion(&self) -> anyhow::Result<String> {
        let now = Utc::now();
        let claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": self.token_url.as_str(),
            "iat": now.timestamp(), "exp": (now + GOOD_FOR).timestamp(),
        });
        Ok(encode(&Header::new(Algorithm::RS256), &claims, &self.signing)?)
    }
}

fn read_key(pem: &str) -> anyhow::Result<EncodingKey> {
    let key = RsaPrivateKey::from_pkcs8_pem(pem).ok().context("its private_key is none")?;
    let document = key.to_pkcs1_der().ok().context("its private_key cannot be used")?;
    Ok(EncodingKey::from_rsa_der(document.as_bytes()))
}

/// What is shown with the same tag is replaced.
fn body(device: &str, message: &Message<'_>) -> Value {
    let (tag, words) = (message.delivery.id.to_string(), &message.words);
    let (android, apple) = if message.is_urgent() { ("high", "10") } else { ("normal", "5") };
    json!({ "message": {
        "token": device,
        "notification": { "title": words.title, "body": words.message },
        "data": { "id": tag, "type": message.kind(), "link": message.link.as_deref().unwrap_or_default() },
        "android": { "priority": android, "notification": { "tag": tag } },
        "apns": { "headers": { "apns-collapse-id": tag, "apns-priority": apple } },
    } })
}

/// Firebase's own code of an error, of `error.details`.
fn code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let details = body["error"]["details"].as_array()?;
    details.iter().find_map(|detail| detail["errorCode"].as_str().map(str::to_owned))
}
